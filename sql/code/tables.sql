-- The extension's tables, and which of their rows pg_dump saves.

CREATE FUNCTION aiven_rbac.tables(OUT name text, OUT signal text, OUT condition text, OUT published boolean) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'rbac_tables'
    LANGUAGE C STABLE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.tables() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.tables() IS
    'tables of the extension, each after those that it references: the signal that a change sends, and the condition for rows that pg_dump saves (empty: all rows; NULL: none), and whether subscribers get its rows';

-- What a dump says of itself can come twice, as when a restore is tried again,
-- and must not be what makes that fail.
CREATE FUNCTION aiven_rbac.skip_known_dump() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF EXISTS (SELECT FROM aiven_rbac.dumped_table AS d WHERE d.name = NEW.name AND d.installation = NEW.installation) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.skip_known_dump() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.skip_known_dump() IS 'trigger: leaves out what an earlier restore has brought';

CREATE TRIGGER skip_known_dump BEFORE INSERT ON aiven_rbac.dumped_table
    FOR EACH ROW EXECUTE FUNCTION aiven_rbac.skip_known_dump();

-- The number of this installation is made once, and upgrades keep it.
WITH own AS MATERIALIZED (
    SELECT coalesce((SELECT d.installation FROM aiven_rbac.dumped_table AS d WHERE d.name = 'dumped_table' LIMIT 1),
                    pg_catalog.gen_random_uuid()) AS installation
)
INSERT INTO aiven_rbac.dumped_table (name, installation)
SELECT v.name, own.installation FROM aiven_rbac.tables() AS v, own
WHERE v.condition IS NOT NULL;

-- Saved is everything but the rows that CREATE EXTENSION makes by itself.  A
-- restore inserts the rows in this order.
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT v.name, v.condition
             FROM aiven_rbac.tables() WITH ORDINALITY AS v (name, signal, condition, published, place)
             WHERE v.condition IS NOT NULL
             ORDER BY v.place
    LOOP
        PERFORM pg_catalog.pg_extension_config_dump(
            pg_catalog.format('aiven_rbac.%I', t.name)::pg_catalog.regclass, t.condition);
    END LOOP;
END
$$;
