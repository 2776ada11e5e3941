-- The signal to the caches.

-- Signals (C1, C4): before the first change of a statement and once after it,
-- in every replication role.  The one after is what tells others.  The one
-- before is for a statement that fails halfway: functions that it called may
-- have seen, and cached, its first rows, and only a signal that was given
-- already is repeated when it is rolled back.
--
-- A statement that changes no row signals nothing.  So before an UPDATE or DELETE
-- each row signals, and the end of such a statement does only if the transaction
-- has changed something.  An INSERT signals at once: it nearly always has rows,
-- and COPY is faster without a trigger for each row.  Logical apply fires no
-- statement triggers, so that there each row signals; a duplicate signal in one
-- command costs nothing.
CREATE FUNCTION aiven_rbac.signal_change() RETURNS trigger
    AS 'MODULE_PATHNAME', 'rbac_signal_change'
    LANGUAGE C;
REVOKE ALL ON FUNCTION aiven_rbac.signal_change() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.signal_change() IS
    'trigger: tells every session that what it has cached is old; with an argument, that the catalogue changed';

DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT v.name, CASE v.signal WHEN 'catalogue' THEN '''catalogue''' ELSE '' END AS argument
             FROM aiven_rbac.tables() AS v
             WHERE v.signal IN ('facts', 'catalogue')
    LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER signal_change_begun BEFORE INSERT ON aiven_rbac.%1$I '
            'FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.signal_change(%2$s)', t.name, t.argument);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER signal_change_found BEFORE UPDATE OR DELETE ON aiven_rbac.%1$I '
            'FOR EACH ROW EXECUTE FUNCTION aiven_rbac.signal_change(%2$s)', t.name, t.argument);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER signal_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON aiven_rbac.%1$I '
            'FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.signal_change(%2$s)', t.name, t.argument);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER signal_change_applied AFTER INSERT OR UPDATE OR DELETE ON aiven_rbac.%1$I '
            'FOR EACH ROW EXECUTE FUNCTION aiven_rbac.signal_change(%2$s)', t.name, t.argument);
        EXECUTE pg_catalog.format(
            'ALTER TABLE aiven_rbac.%1$I ENABLE ALWAYS TRIGGER signal_change_begun, ENABLE ALWAYS TRIGGER signal_change_found, '
            'ENABLE ALWAYS TRIGGER signal_change, ENABLE REPLICA TRIGGER signal_change_applied', t.name);
    END LOOP;
END
$$;

CREATE FUNCTION @extschema@.rbac_cache_stats(OUT entries integer, OUT bytes bigint, OUT hits bigint, OUT misses bigint,
                                             OUT loads bigint, OUT lookups bigint, OUT walks bigint,
                                             OUT evictions bigint, OUT invalidations bigint)
    RETURNS record
    AS 'MODULE_PATHNAME', 'rbac_cache_stats'
    LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION @extschema@.rbac_cache_stats() IS
    'this session''s cache: principals in it and the memory that they use (at most aiven_rbac.cache_size); how often a statement''s function found its principal there or not; principals read from the tables, resources looked up one by one and by subtrees; principals forgotten for want of memory; changes that made it old';
