--
-- The protected tables, one pair for each way to say which resource a row
-- belongs to, with the same rows in the same order:
--
--   item_id, job_id       uuid, a project's id: aiven_rbac
--   item_path, job_path   rbac_path: aiven_rbac
--   item_hand, job_hand   uuid: policies written by hand
--   item_tree, job_tree   contrib/ltree's type: policies written by hand
--
-- A project has 100 items and 10 jobs, each about one of the project's items.
-- Rows lie in the order of their time, as applications write them, so that a
-- project's are spread over the whole table.  Each table has an index on the
-- time and one on the protected column, and some room in its pages for updates.
--
-- Rows reference nothing, which would take most of the loading time and change
-- nothing in what is measured.
--

-- Items of projects number "first" to "last", after those with the ids up to
-- "used"; a job for every tenth row of a project.
CREATE PROCEDURE bench.add_rows(shape text, first int, last int, per_project int, used bigint)
    LANGUAGE plpgsql
    AS $$
DECLARE
    projects int := last - first + 1;
    chosen text := CASE shape WHEN 'path' THEN 'p.path' WHEN 'tree' THEN 'p.tree' ELSE 'p.id' END;
BEGIN
    -- 7919 is prime and no divisor of the number of projects: every run of
    -- "projects" consecutive rows has one of each.
    EXECUTE format($sql$
        INSERT INTO bench.item_%1$s
        SELECT %6$s + i, %2$s, '2025-01-01'::timestamptz + i * interval '365 days' / (%4$s::bigint * %5$s),
               md5(i::text)
        FROM generate_series(1, %4$s::bigint * %5$s) AS i
        JOIN bench.project AS p ON p.number = %3$s + (i * 7919) %% %4$s
        $sql$, shape, chosen, first, projects, per_project, used);
    EXECUTE format($sql$
        INSERT INTO bench.job_%1$s
        SELECT i.id, i.id, i.resource, i.created_at + interval '1 hour', 'done'
        FROM bench.item_%1$s AS i
        WHERE i.id > %3$s AND (i.id - %3$s - 1) / %2$s %% 10 = 0
        $sql$, shape, projects, used);
END
$$;

-- In one transaction, so that there is no need to log the rows
CREATE PROCEDURE bench.create_tables(shape text, type regtype, projects int, per_project int)
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('CREATE TABLE bench.item_%s (id bigint NOT NULL, resource %s NOT NULL,'
                   ' created_at timestamptz NOT NULL, payload text NOT NULL) WITH (fillfactor = 95)', shape, type);
    EXECUTE format('CREATE TABLE bench.job_%s (id bigint NOT NULL, item bigint NOT NULL, resource %s NOT NULL,'
                   ' created_at timestamptz NOT NULL, state text NOT NULL) WITH (fillfactor = 95)', shape, type);
    CALL bench.add_rows(shape, 1, projects, per_project, 0);
    EXECUTE format('ALTER TABLE bench.item_%s ADD PRIMARY KEY (id)', shape);
    EXECUTE format('ALTER TABLE bench.job_%s ADD PRIMARY KEY (id)', shape);
    EXECUTE format('CREATE INDEX ON bench.item_%s (created_at)', shape);
    EXECUTE format('CREATE INDEX ON bench.job_%s (created_at)', shape);

    IF shape IN ('id', 'path') THEN
        -- Creates the index itself
        PERFORM rbac_protect_table(format('bench.item_%s', shape)::regclass, 'resource',
                                   read => 'project:services:read'::text, write => 'project:services:write'::text);
        PERFORM rbac_protect_table(format('bench.job_%s', shape)::regclass, 'resource',
                                   read => 'project:services:read'::text, write => 'project:services:write'::text);
    ELSE
        EXECUTE format('CREATE INDEX ON bench.item_%s USING %s (resource)', shape,
                       CASE shape WHEN 'tree' THEN 'gist' ELSE 'btree' END);
        EXECUTE format('CREATE INDEX ON bench.job_%s USING %s (resource)', shape,
                       CASE shape WHEN 'tree' THEN 'gist' ELSE 'btree' END);
    END IF;
END
$$;
