-- What foreign keys of the application's tables do when a row of the
-- extension's changes (S5, S6): see src/rbac_cascade.c.  It has to be loaded by
-- then.  The trigger of signals does that for the tables that it is on.
CREATE FUNCTION aiven_rbac.watch() RETURNS trigger
    AS 'MODULE_PATHNAME', 'rbac_watch'
    LANGUAGE C;
REVOKE ALL ON FUNCTION aiven_rbac.watch() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.watch() IS
    'trigger: loads the library before a row changes, so that foreign keys of other tables act apart from the session';

DO $$
DECLARE
    t name;
BEGIN
    FOR t IN SELECT c.relname FROM pg_catalog.pg_class AS c
             WHERE c.relnamespace = 'aiven_rbac'::pg_catalog.regnamespace AND c.relkind = 'r'
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
                               WHERE g.tgrelid = c.oid AND g.tgname = 'signal_change_begun')
             ORDER BY c.relname
    LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER watch BEFORE UPDATE OR DELETE ON aiven_rbac.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.watch()', t);
    END LOOP;
END
$$;

CREATE FUNCTION aiven_rbac.declare_key("table" regclass, "column" name) RETURNS void
    AS 'MODULE_PATHNAME', 'rbac_declare_key'
    LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION aiven_rbac.declare_key(regclass, name) IS
    'give a column of type rbac_path the foreign key to aiven_rbac.resource (path) by which its rows follow, unless it has one; requires ownership of the table, and no privilege on aiven_rbac.resource';
