-- Estimates tell nobody about other organizations: the planner takes them from
-- histograms with the rights of a view's owner, and EXPLAIN shows them, so that
-- every value in one could be found by bisection.  So there are no statistics of
-- the values in any table of the extension.  Decisions do without the planner,
-- and what else reads the tables does so by indexes.
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT t.relname, t.relkind, a.attname, a.attnum
             FROM pg_class AS t JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
             LEFT JOIN pg_index AS i ON i.indexrelid = t.oid
             WHERE t.relnamespace = 'aiven_rbac'::regnamespace
               AND (t.relkind IN ('r', 'p') OR (t.relkind = 'i' AND i.indkey[a.attnum - 1] = 0))
    LOOP
        IF c.relkind IN ('r', 'p') THEN
            EXECUTE format('ALTER TABLE aiven_rbac.%I ALTER COLUMN %I SET STATISTICS 0', c.relname, c.attname);
        ELSE
            EXECUTE format('ALTER INDEX aiven_rbac.%I ALTER COLUMN %s SET STATISTICS 0', c.relname, c.attnum);
        END IF;
    END LOOP;
END
$$;
