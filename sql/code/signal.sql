-- The signal to the caches.

-- Signals (C1, C4, C6): before each row is changed and once more at the end of the
-- statement, in every replication role, so that logical apply signals as well.
-- The one after is what tells others.  The one before is for a statement that
-- fails halfway: functions that it called may have seen, and cached, its first
-- rows, and only who has signalled forgets them when it is rolled back.
--
-- A row says what it is about, so that whoever has read something else forgets
-- nothing.  A statement that changes no row signals nothing.  TRUNCATE has no rows
-- to name.  A duplicate signal in one command costs nothing.
CREATE FUNCTION aiven_rbac.signal_change() RETURNS trigger
    AS 'MODULE_PATHNAME', 'rbac_signal_change'
    LANGUAGE C;
REVOKE ALL ON FUNCTION aiven_rbac.signal_change() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.signal_change() IS
    'trigger: tells every session that what it has cached of the row''s subject is old; with an argument, that the catalogue changed';

DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT v.name, CASE v.signal WHEN 'catalogue' THEN '''catalogue''' ELSE '' END AS argument
             FROM aiven_rbac.tables() AS v
             WHERE v.signal IN ('facts', 'catalogue')
    LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER signal_change_begun BEFORE INSERT OR UPDATE OR DELETE ON aiven_rbac.%1$I '
            'FOR EACH ROW EXECUTE FUNCTION aiven_rbac.signal_change(%2$s)', t.name, t.argument);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER signal_change AFTER INSERT OR UPDATE OR DELETE ON aiven_rbac.%1$I '
            'FOR EACH ROW EXECUTE FUNCTION aiven_rbac.signal_change(%2$s)', t.name, t.argument);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER signal_change_truncated AFTER TRUNCATE ON aiven_rbac.%1$I '
            'FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.signal_change(%2$s)', t.name, t.argument);
        EXECUTE pg_catalog.format(
            'ALTER TABLE aiven_rbac.%1$I ENABLE ALWAYS TRIGGER signal_change_begun, '
            'ENABLE ALWAYS TRIGGER signal_change, ENABLE ALWAYS TRIGGER signal_change_truncated', t.name);
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
