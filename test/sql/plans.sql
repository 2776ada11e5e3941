--
-- Plans of protected queries: right rows in every shape, under every principal,
-- with plans that were made for another one; and the shapes that are promised
--
-- In a database of its own: principals that reach "everything" reach what other
-- tests left as well.
SELECT current_database() AS home \gset
CREATE DATABASE regress_plans TEMPLATE template0;
\c regress_plans
SET client_min_messages = warning;
ALTER DATABASE regress_plans SET jit = off;
SET jit = off;
-- What is counted is counted in this process.
ALTER DATABASE regress_plans SET max_parallel_workers = 0;
SET max_parallel_workers = 0;
CREATE EXTENSION aiven_rbac;
CREATE ROLE regress_plans_app;
GRANT EXECUTE ON FUNCTION rbac_set_principal TO regress_plans_app;
CREATE SCHEMA truly;
GRANT USAGE ON SCHEMA truly TO regress_plans_app;
GRANT CREATE ON SCHEMA public TO regress_plans_app;

-- Ten organizations with two units and twenty projects each, and one with
-- 2,600 projects: alone too many for a list
CREATE FUNCTION ident(text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5($1)::uuid $$;
CREATE FUNCTION who(name text) RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT ident('who ' || name) $$;
SELECT count(rbac_user_create(name || '@plans.example', name, who(name)))
FROM unnest('{root,narrow,several,organization,units,subtree,all,deactivated}'::text[]) AS name;
SELECT count(rbac_organization_create(o, o, who('root'), ident(o)))
FROM (SELECT 'big' UNION ALL SELECT 'org' || g FROM generate_series(0, 9) g) AS v (o);
INSERT INTO aiven_rbac.resource (id, kind, organization, parent, path, name)
SELECT ident(o || u), 'unit', ident(o), ident(o), (o || '.' || u)::rbac_path, u
FROM (SELECT 'big' UNION ALL SELECT 'org' || g FROM generate_series(0, 9) g) AS v (o), (VALUES ('u0'), ('u1')) AS w (u);
INSERT INTO aiven_rbac.resource (id, kind, organization, parent, path, name)
SELECT ident(p), 'project', ident(o), ident(o || CASE WHEN n % 3 < 2 THEN 'u' || n % 3 ELSE '' END),
       (o || CASE WHEN n % 3 < 2 THEN '.u' || n % 3 ELSE '' END || '.' || p)::rbac_path, p
FROM (SELECT 'big' AS o, n, 'pb-' || n AS p FROM generate_series(0, 2599) n
      UNION ALL
      SELECT 'org' || g, n, format('p%s-%s', g, n) FROM generate_series(0, 9) g, generate_series(0, 19) n) v;

INSERT INTO aiven_rbac.membership (principal, organization, kind)
SELECT who(name), o.id, 'user' FROM aiven_rbac.organization o,
    unnest('{narrow,several,organization,units,subtree,all,deactivated}'::text[]) AS name;
SELECT rbac_super_admin_add(r.path, who(w))
FROM aiven_rbac.resource r, (VALUES ('all'), ('deactivated')) AS v (w) WHERE r.kind = 'organization' \g /dev/null
SELECT rbac_super_admin_add('big', who('subtree'));
SELECT rbac_grant(who('narrow'), 'developer', 'org0.u0.p0-0');
SELECT rbac_group_create('org1', 'team') \g /dev/null
SELECT rbac_group_member_add(rbac_group('org1', 'team'), who('several'));
SELECT rbac_grant(rbac_group('org1', 'team'), 'developer', 'org1.u1');
SELECT rbac_grant(who('several'), 'project:services:read', 'org2.u0.p2-0');
SELECT rbac_grant(who('several'), 'admin', 'org3');
SELECT rbac_grant(who('several'), 'project:services:read', 'org3.u0.p3-0');
SELECT rbac_grant(who('several'), 'admin', 'org4', valid_from => '2999-01-01');
SELECT rbac_grant(who('organization'), 'admin', 'org5');
SELECT rbac_grant(who('units'), 'developer', 'big.u0'), rbac_grant(who('units'), 'developer', 'big.u1');
UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE id = who('deactivated');

-- Rows of every project, of none and, by id, of such as are gone: paths follow,
-- or are not there
CREATE TABLE item (id int PRIMARY KEY, project uuid, path rbac_path, day int NOT NULL) WITH (autovacuum_enabled = off);
INSERT INTO item
SELECT row_number() OVER (ORDER BY md5(path::text || g)), id, path, g FROM aiven_rbac.resource, generate_series(1, 5) g
WHERE kind = 'project' AND (g = 5 OR rbac_path_label(path) !~ '^pb-.*[1-9]$');
INSERT INTO item SELECT -g, CASE WHEN g % 2 = 0 THEN ident('gone ' || g) END,
                        NULL, 3 FROM generate_series(1, 40) g;
CREATE TABLE detail (item int, project uuid, path rbac_path, n int) WITH (autovacuum_enabled = off);
INSERT INTO detail SELECT id, project, path, g FROM item, generate_series(1, 2) g ORDER BY id, g;
CREATE INDEX ON detail (item);
CREATE TABLE part (LIKE item) PARTITION BY RANGE (day);
CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (MINVALUE) TO (4) WITH (autovacuum_enabled = off);
CREATE TABLE part_high PARTITION OF part FOR VALUES FROM (4) TO (MAXVALUE) WITH (autovacuum_enabled = off);
INSERT INTO part SELECT * FROM item;
CREATE TABLE copied (LIKE item);

-- The same again, protected by path
CREATE TABLE item_at (LIKE item INCLUDING ALL) WITH (autovacuum_enabled = off);
CREATE TABLE detail_at (LIKE detail INCLUDING ALL) WITH (autovacuum_enabled = off);
CREATE TABLE part_at (LIKE item) PARTITION BY RANGE (day);
CREATE TABLE part_at_low PARTITION OF part_at FOR VALUES FROM (MINVALUE) TO (4) WITH (autovacuum_enabled = off);
CREATE TABLE part_at_high PARTITION OF part_at FOR VALUES FROM (4) TO (MAXVALUE) WITH (autovacuum_enabled = off);
INSERT INTO item_at SELECT * FROM item;
INSERT INTO detail_at SELECT * FROM detail;
INSERT INTO part_at SELECT * FROM item;
CREATE TABLE copied_at (LIKE item);
SELECT rbac_protect_table(t, 'project', 'project:services:read', 'project:services:write')
FROM unnest('{item,detail,part,copied}'::regclass[]) t \g /dev/null
SELECT rbac_protect_table(t, 'path', 'project:services:read', 'project:services:write')
FROM unnest('{item_at,detail_at,part_at,copied_at}'::regclass[]) t \g /dev/null
-- Views are the invoker's where they can be (15 on), and always barriers
CREATE VIEW seen WITH (security_barrier) AS SELECT * FROM item WHERE day < 5;
CREATE VIEW seen_at WITH (security_barrier) AS SELECT * FROM item_at WHERE day < 5;
DO $$
BEGIN
    IF current_setting('server_version_num')::int >= 150000 THEN
        ALTER VIEW seen SET (security_invoker);
        ALTER VIEW seen_at SET (security_invoker);
    ELSE
        ALTER VIEW seen OWNER TO regress_plans_app;
        ALTER VIEW seen_at OWNER TO regress_plans_app;
    END IF;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO regress_plans_app;
ANALYZE;

-- The truth, worked out from the tables by joins on the text of paths.  A user
-- may hold less for writing than for reading.
CREATE TABLE truly.held (name text, permission text, id uuid, path rbac_path);
CREATE FUNCTION truly.find_out() RETURNS void LANGUAGE sql AS $$
    TRUNCATE truly.held;
    INSERT INTO truly.held
    WITH granted AS (
        SELECT principal, resource, grantable FROM aiven_rbac.access_grant
        WHERE coalesce(valid_from, '-infinity') <= now() AND now() < coalesce(valid_until, 'infinity')
        UNION ALL
        SELECT m.member, g.resource, g.grantable FROM aiven_rbac.group_member m JOIN aiven_rbac.access_grant g ON g.principal = m.group_id
        UNION ALL
        SELECT m.member, m.organization, g.id FROM aiven_rbac.group_member m, aiven_rbac.grantable g
        WHERE m.account_owners AND g.name = 'super_admin'
    ), gives AS (
        SELECT DISTINCT g.principal, at.path, p.name AS permission, needs.action
        FROM granted g JOIN aiven_rbac.resource at ON at.id = g.resource
        JOIN aiven_rbac.allowed_action a ON a.grantable = g.grantable AND a.granted_on = at.kind
        JOIN aiven_rbac.allowed_action needs ON needs.action = a.action AND needs.granted_on = 'project'
        JOIN aiven_rbac.grantable p ON p.id = needs.grantable AND p.name IN ('project:services:read', 'project:services:write')
    ), reaches AS MATERIALIZED (
        SELECT x.path AS from_path, r.id, r.path
        FROM (SELECT DISTINCT path FROM gives) x
        JOIN aiven_rbac.resource r ON r.path::text = x.path::text OR starts_with(r.path::text, x.path::text || '.')
    )
    SELECT p.name, x.permission, r.id, r.path
    FROM gives x JOIN aiven_rbac.principal p ON p.id = x.principal AND p.deactivated_at IS NULL AND p.name <> 'root'
    JOIN reaches r ON r.from_path = x.path
    GROUP BY p.name, x.permission, r.id, r.path
    HAVING count(DISTINCT x.action) = (SELECT count(*) FROM aiven_rbac.allowed_action a JOIN aiven_rbac.grantable g ON g.id = a.grantable
                                       WHERE g.name = x.permission AND a.granted_on = 'project')
$$;
SELECT truly.find_out();
ANALYZE truly.held;
SELECT name, permission, count(*) FROM truly.held GROUP BY 1, 2 ORDER BY 1, 2;
-- Tables of the same names with the rows that one principal is to see (and, *_w,
-- write)
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY '{item,detail,part,item_at,detail_at,part_at}'::text[] LOOP
        EXECUTE format('CREATE TABLE truly.%1$s AS SELECT * FROM public.%1$s WHERE false', t);
        EXECUTE format('CREATE VIEW truly.%1$s_w AS SELECT t.* FROM truly.%1$s t JOIN truly.held h ON h.id = t.project
                        AND h.permission = ''project:services:write'' AND h.name = current_setting(''plans.who'')', t);
    END LOOP;
    CREATE INDEX ON truly.detail (item);
    CREATE INDEX ON truly.detail_at (item);
END $$;
CREATE FUNCTION truly.look_as(person text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t text;
BEGIN
    PERFORM set_config('plans.who', person, false);
    FOREACH t IN ARRAY '{item,detail,part,item_at,detail_at,part_at}'::text[] LOOP
        EXECUTE format('TRUNCATE truly.%1$s', t);
        EXECUTE format('INSERT INTO truly.%1$s SELECT t.* FROM public.%1$s t JOIN truly.held h ON h.%2$s
                        WHERE h.permission = ''project:services:read'' AND h.name = %3$L',
                       t, CASE WHEN t LIKE '%at' THEN 'path = t.path' ELSE 'id = t.project' END, person);
        EXECUTE format('ANALYZE truly.%s', t);
    END LOOP;
END $$;
CREATE VIEW truly.seen AS SELECT * FROM truly.item WHERE day < 5;
CREATE VIEW truly.seen_at AS SELECT * FROM truly.item_at WHERE day < 5;

-- Functions that queries below call
CREATE FUNCTION inlined(int) RETURNS SETOF item LANGUAGE sql STABLE AS $$ SELECT * FROM item WHERE day < $1 $$;
CREATE FUNCTION inlined_at(int) RETURNS SETOF item_at LANGUAGE sql STABLE AS $$ SELECT * FROM item_at WHERE day < $1 $$;
CREATE FUNCTION truly.inlined(int) RETURNS SETOF truly.item LANGUAGE sql STABLE AS $$ SELECT * FROM truly.item WHERE day < $1 $$;
CREATE FUNCTION truly.inlined_at(int) RETURNS SETOF truly.item_at LANGUAGE sql STABLE AS $$ SELECT * FROM truly.item_at WHERE day < $1 $$;
CREATE FUNCTION procedural(int) RETURNS TABLE (id int, day int) LANGUAGE plpgsql STABLE AS $$
BEGIN RETURN QUERY SELECT i.id, i.day FROM item i WHERE i.day < $1; END $$;
CREATE FUNCTION procedural_at(int) RETURNS TABLE (id int, day int) LANGUAGE plpgsql STABLE AS $$
BEGIN RETURN QUERY SELECT i.id, i.day FROM item_at i WHERE i.day < $1; END $$;
CREATE FUNCTION truly.procedural(int) RETURNS SETOF truly.item LANGUAGE sql STABLE AS $$ SELECT * FROM truly.item WHERE day < $1 $$;
CREATE FUNCTION truly.procedural_at(int) RETURNS SETOF truly.item_at LANGUAGE sql STABLE AS $$ SELECT * FROM truly.item_at WHERE day < $1 $$;

-- Each shape: a query of rows (id int, n bigint), and the query for the truth if
-- it is another one.  "~" is put where a table's or a function's name ends.
CREATE TABLE shape (name text, query text, truth text, settings text[]);
INSERT INTO shape VALUES
('select', 'SELECT id, day FROM item~', NULL, '{}'),
('condition', 'SELECT id, day FROM item~ WHERE day < $1', NULL, '{}'),
('bitmap', 'SELECT id, day FROM item~', NULL, '{enable_seqscan=off,enable_indexscan=off,enable_indexonlyscan=off}'),
('index only', 'SELECT count(*), 0 FROM item~', NULL, '{enable_seqscan=off,enable_bitmapscan=off}'),
('no index', 'SELECT id, day FROM item~', NULL, '{enable_indexscan=off,enable_bitmapscan=off,enable_indexonlyscan=off}'),
('join', 'SELECT i.id, d.n FROM item~ i JOIN detail~ d ON d.item = i.id WHERE i.day < $1', NULL, '{}'),
('nested loop', 'SELECT i.id, d.n FROM item~ i JOIN detail~ d ON d.item = i.id WHERE i.day = 1', NULL, '{enable_hashjoin=off,enable_mergejoin=off}'),
('merge join', 'SELECT i.id, d.n FROM item~ i JOIN detail~ d ON d.project = i.project WHERE i.day = 1 AND d.n = 1', NULL, '{enable_hashjoin=off,enable_nestloop=off}'),
('inner index', 'SELECT i.id, d.n FROM item~ i JOIN detail~ d ON d.project = i.project AND d.path = i.path AND d.item <> i.id WHERE i.day = 1', NULL, '{enable_hashjoin=off,enable_mergejoin=off,enable_seqscan=off,enable_material=off}'),
('self join', 'SELECT a.id, b.day FROM item~ a JOIN item~ b USING (project) WHERE a.day = 1 AND b.day = 2', NULL, '{}'),
('left join', 'SELECT i.id, d.n FROM item~ i LEFT JOIN detail~ d ON d.item = i.id AND d.n > i.day', NULL, '{}'),
('right join', 'SELECT i.id, d.n FROM item~ i RIGHT JOIN detail~ d ON d.item = i.id AND d.n > i.day', NULL, '{}'),
('full join', 'SELECT coalesce(i.id, d.item), d.n FROM (SELECT * FROM item~ WHERE day < 3) i FULL JOIN (SELECT * FROM detail~ WHERE n = 1) d ON d.item = i.id', NULL, '{}'),
('anti join', 'SELECT id, day FROM item~ i WHERE NOT EXISTS (SELECT FROM detail~ d WHERE d.item = i.id AND d.n + i.day > 5)', NULL, '{}'),
('exists', 'SELECT id, day FROM item~ i WHERE EXISTS (SELECT FROM detail~ d WHERE d.item = i.id AND d.n > $1)', NULL, '{}'),
('in', 'SELECT id, day FROM item~ WHERE id IN (SELECT item FROM detail~ WHERE n = 2)', NULL, '{}'),
('not in', 'SELECT id, day FROM item~ WHERE day NOT IN (SELECT n FROM detail~)', NULL, '{}'),
('correlated', 'SELECT id, (SELECT sum(n) FROM detail~ d WHERE d.item = i.id) FROM item~ i WHERE day = 2', NULL, '{}'),
('lateral', 'SELECT i.id, l.n FROM item~ i, LATERAL (SELECT n FROM detail~ d WHERE d.item = i.id ORDER BY n DESC LIMIT 1) l WHERE i.day = 1', NULL, '{}'),
('initplan', 'SELECT id, (SELECT max(n) FROM detail~) FROM item~ WHERE id > (SELECT min(item) FROM detail~)', NULL, '{}'),
('cte', 'WITH c AS MATERIALIZED (SELECT * FROM item~) SELECT id, b.day FROM c a JOIN c b USING (id)', NULL, '{}'),
('inlined cte', 'WITH c AS (SELECT * FROM item~) SELECT id, day FROM c WHERE day = $1', NULL, '{}'),
('recursive cte', 'WITH RECURSIVE r AS (SELECT id, 1 AS step FROM item~ WHERE day = 1 UNION ALL SELECT i.id, step + 1 FROM r JOIN detail~ d ON d.item = r.id JOIN item~ i ON i.project = d.project WHERE step < 2 AND d.n = 1 AND i.day = 2) SELECT id, step FROM r', NULL, '{}'),
('sql function', 'SELECT id, day FROM inlined~($1)', NULL, '{}'),
('plpgsql function', 'SELECT id, day FROM procedural~($1)', NULL, '{}'),
('view', 'SELECT id, day FROM seen~ WHERE id > 0', NULL, '{}'),
('union all', 'SELECT id, day FROM item~ WHERE day < 3 UNION ALL SELECT item, n FROM detail~', NULL, '{}'),
('union all view', 'SELECT id, day FROM (SELECT id, day, project FROM item~ UNION ALL SELECT item, n, project FROM detail~) u WHERE project IS NOT NULL', NULL, '{}'),
('except', 'SELECT id, day FROM item~ EXCEPT SELECT item, n FROM detail~', NULL, '{}'),
('order and limit', 'SELECT id, day FROM item~ ORDER BY day DESC, id LIMIT 30', NULL, '{}'),
('order by key', 'SELECT id, day FROM item~ WHERE id > $1 ORDER BY id LIMIT 20', NULL, '{}'),
('distinct', 'SELECT DISTINCT day, 0 FROM item~', NULL, '{}'),
('window', 'SELECT id, row_number() OVER (PARTITION BY day ORDER BY id) FROM item~', NULL, '{}'),
('grouping sets', 'SELECT day, count(*) FROM item~ GROUP BY ROLLUP (day)', NULL, '{}'),
('min and max', 'SELECT min(id), max(id) FROM item~', NULL, '{}'),
('by key', 'SELECT id, day FROM item~ WHERE id = $1', NULL, '{}'),
('by resource', 'SELECT id, day FROM item~ WHERE project = md5(''p3-0'')::uuid', NULL, '{}'),
('by resources', 'SELECT id, day FROM item~ WHERE path = ANY (''{org3.u0.p3-0,org0.u0.p0-0,org9.u1.p9-1,org0.u0.gone2}'')', NULL, '{}'),
('by subtree', 'SELECT id, day FROM item~ WHERE path <@ ''org3''', NULL, '{}'),
('or', 'SELECT id, day FROM item~ WHERE id = $1 OR project = md5(''p0-0'')::uuid', NULL, '{}'),
('partitions', 'SELECT id, day FROM part~', NULL, '{}'),
('one partition', 'SELECT id, day FROM part~ WHERE day = $1', NULL, '{}'),
('join of partitions', 'SELECT a.id, d.n FROM part~ a JOIN detail~ d ON d.item = a.id WHERE a.day = 2', NULL, '{}'),
('parallel', 'SELECT id, day FROM item~', NULL, '{parallel_setup_cost=0,parallel_tuple_cost=0,min_parallel_table_scan_size=0,enable_indexscan=off,enable_bitmapscan=off}'),
('parallel index', 'SELECT id, day FROM item~ WHERE day > 0', NULL, '{parallel_setup_cost=0,parallel_tuple_cost=0,min_parallel_table_scan_size=0,min_parallel_index_scan_size=0,enable_seqscan=off,enable_bitmapscan=off}'),
('parallel bitmap', 'SELECT id, day FROM item~ WHERE day > 0', NULL, '{parallel_setup_cost=0,parallel_tuple_cost=0,min_parallel_table_scan_size=0,min_parallel_index_scan_size=0,enable_seqscan=off,enable_indexscan=off}'),
('parallel join', 'SELECT i.id, d.n FROM item~ i JOIN detail~ d ON d.item = i.id', NULL, '{parallel_setup_cost=0,parallel_tuple_cost=0,min_parallel_table_scan_size=0,min_parallel_index_scan_size=0}'),
('in own condition', 'SELECT id, day FROM item~ WHERE rbac_has_permission(path, ''project:services:write'')', 'SELECT id, day FROM item~_w', '{}'),
('for update', 'SELECT id, day FROM item~ WHERE day = $1 FOR UPDATE', 'SELECT id, day FROM item~_w WHERE day = $1', '{}'),
('update', 'UPDATE item~ SET day = day + 1 RETURNING id, day', 'SELECT id, day + 1 FROM item~_w', '{}'),
('update by key', 'UPDATE item~ SET day = day + 1 WHERE id = $1 RETURNING id, day', 'SELECT id, day + 1 FROM item~_w WHERE id = $1', '{}'),
('update by resource', 'UPDATE item~ SET day = 9 WHERE project = md5(''p2-0'')::uuid RETURNING id, day', 'SELECT id, 9 FROM item~_w WHERE project = md5(''p2-0'')::uuid', '{}'),
('update from', 'UPDATE item~ i SET day = d.n FROM detail~ d WHERE d.item = i.id AND d.n = 2 RETURNING i.id, i.day', 'SELECT id, 2 FROM item~_w', '{}'),
('update partitions', 'UPDATE part~ SET day = 6 - day WHERE day < 3 RETURNING id, day', 'SELECT id, 6 - day FROM part~_w WHERE day < 3', '{}'),
('delete', 'DELETE FROM item~ RETURNING id, day', 'SELECT id, day FROM item~_w', '{}'),
('delete using', 'DELETE FROM detail~ d USING item~ i WHERE i.id = d.item AND i.day < 3 RETURNING d.item, d.n', 'SELECT d.item, d.n FROM detail~_w d JOIN item~ i ON i.id = d.item WHERE i.day < 3', '{}'),
('insert select', 'INSERT INTO copied~ SELECT * FROM item~ WHERE rbac_has_permission(project, ''project:services:write'') RETURNING id, day', 'SELECT id, day FROM item~_w', '{}'),
('on conflict', 'INSERT INTO item~ SELECT id, project, path, 8 FROM item~ WHERE rbac_has_permission(project, ''project:services:write'') ON CONFLICT (id) DO UPDATE SET day = 8 RETURNING id, day', 'SELECT id, 8 FROM item~_w', '{}');
GRANT SELECT ON ALL TABLES IN SCHEMA public TO regress_plans_app;

-- What a query gives, in one line
CREATE FUNCTION digest(query text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format('WITH u (id, n) AS (%s) SELECT count(*) || '' '' || coalesce(sum(hashtext(u::text)::bigint), 0) FROM u', query)
$$;
CREATE FUNCTION act_as(person text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF person = 'nobody' THEN
        PERFORM rbac_reset_principal();
    ELSE
        PERFORM rbac_set_principal(who(person), is_local => false);
    END IF;
END $$;
-- Writes are undone
CREATE FUNCTION outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE statement INTO result;
    RAISE SQLSTATE 'UNDO0' USING MESSAGE = result;
EXCEPTION
    WHEN SQLSTATE 'UNDO0' THEN RETURN SQLERRM;
END $$;
CREATE TABLE truly.expectation (shape text, suffix text, person text, answer text);
SET search_path = truly, public;
DO $$
DECLARE
    person text;
    s record;
    answer text;
BEGIN
    FOREACH person IN ARRAY '{nobody,narrow,several,organization,subtree,all,deactivated,stranger}'::text[] LOOP
        PERFORM truly.look_as(person);
        FOR s IN SELECT name, suffix, replace(coalesce(truth, query), '~', suffix) AS query
                 FROM shape, unnest('{"",_at}'::text[]) AS suffix LOOP
            EXECUTE replace(digest(s.query), '$1', '4') INTO answer;
            INSERT INTO truly.expectation VALUES (s.name, s.suffix, person, answer);
        END LOOP;
    END LOOP;
END $$;
RESET search_path;
CREATE INDEX ON truly.expectation (shape);
CREATE FUNCTION truly.expected(shape text, suffix text, person text) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$
    SELECT answer FROM truly.expectation e WHERE (e.shape, e.suffix, e.person) = ($1, $2, $3)
$$;
-- One statement prepared, run under all principals in turn
CREATE FUNCTION try_shapes(mode text, pattern text, OUT name text, OUT verdict text) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    s shape;
    suffix text;
    person text;
    setting text;
    got text;
    expected text;
BEGIN
    PERFORM set_config('plan_cache_mode', mode, true);
    FOR s IN SELECT * FROM shape WHERE query LIKE pattern LOOP
        name := s.name;
        verdict := '';
        FOREACH setting IN ARRAY s.settings LOOP
            PERFORM set_config(split_part(setting, '=', 1), split_part(setting, '=', 2), true);
        END LOOP;
        FOREACH suffix IN ARRAY ARRAY['', '_at'] LOOP
            EXECUTE format('PREPARE tried%s AS %s', CASE WHEN s.query LIKE '%$1%' THEN '(int)' ELSE '' END,
                           replace(digest(s.query), '~', suffix));
            FOREACH person IN ARRAY '{narrow,all,nobody,several,subtree,deactivated,organization,stranger,narrow}'::text[] LOOP
                PERFORM act_as(person);
                got := outcome('EXECUTE tried' || CASE WHEN s.query LIKE '%$1%' THEN '(4)' ELSE '' END);
                expected := truly.expected(s.name, suffix, person);
                IF got IS DISTINCT FROM expected THEN
                    verdict := verdict || format(' %s%s: %s, not %s;', person, suffix, got, expected);
                END IF;
            END LOOP;
            DEALLOCATE tried;
        END LOOP;
        FOREACH setting IN ARRAY s.settings LOOP
            EXECUTE 'RESET ' || split_part(setting, '=', 1);
        END LOOP;
        IF verdict = '' THEN
            verdict := 'ok';
        END IF;
        RETURN NEXT;
    END LOOP;
    PERFORM rbac_reset_principal();
END $$;
-- The truth differs from principal to principal
SELECT count(DISTINCT answer) FROM truly.expectation WHERE shape = 'select' AND suffix = '';
SET ROLE regress_plans_app;
SELECT * FROM try_shapes('force_generic_plan', '%');
-- With parameters, the first executions have plans of their own
SELECT * FROM try_shapes('auto', '%$1%') WHERE verdict <> 'ok';

-- MERGE (15 on) and cursors give no rows that a query could go on with
RESET ROLE;
CREATE FUNCTION truly.merged() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM public.item WHERE day = 77';
CREATE FUNCTION merged() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'EXECUTE merging';
    RAISE SQLSTATE 'UNDO0' USING MESSAGE = truly.merged();
EXCEPTION
    WHEN SQLSTATE 'UNDO0' THEN RETURN SQLERRM;
END $$;
CREATE FUNCTION by_cursor() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    listing refcursor;
    i item;
    n bigint := 0;
BEGIN
    OPEN listing NO SCROLL FOR SELECT * FROM item WHERE id > 0 FOR SHARE;
    LOOP
        FETCH listing INTO i;
        EXIT WHEN NOT FOUND;
        n := n + 1;
    END LOOP;
    RETURN n;
END $$;
CREATE FUNCTION truly.writable(person text) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$
    SELECT count(*) FROM public.item i JOIN truly.held r ON r.id = i.project JOIN truly.held w ON w.id = i.project
    WHERE (r.name, r.permission) = (person, 'project:services:read') AND (w.name, w.permission) = (person, 'project:services:write')
$$;
SET ROLE regress_plans_app;
DO $$
DECLARE
    has_merge boolean := current_setting('server_version_num')::int >= 150000;
    person text;
    writable bigint;
BEGIN
    IF has_merge THEN
        EXECUTE 'PREPARE merging AS MERGE INTO item i USING detail d ON d.item = i.id AND d.n = 1
                 WHEN MATCHED AND rbac_has_permission(i.project, ''project:services:write'') THEN UPDATE SET day = 77';
    END IF;
    FOREACH person IN ARRAY '{narrow,all,nobody,several,subtree,deactivated,organization,stranger,narrow}'::text[] LOOP
        PERFORM act_as(person);
        writable := truly.writable(person);
        IF has_merge AND merged() <> writable THEN
            RAISE 'MERGE as %: %, not %', person, merged(), writable;
        END IF;
        IF by_cursor() <> writable THEN
            RAISE 'cursor as %: %, not %', person, by_cursor(), writable;
        END IF;
    END LOOP;
END $$;

--
-- Shapes
--
RESET ROLE;
VACUUM ANALYZE;
CREATE FUNCTION shape_of(query text, person text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM act_as(person);
    RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query;
END $$;
-- Estimated rows, of the topmost node
CREATE FUNCTION estimated(query text, person text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    PERFORM act_as(person);
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END $$;
SET ROLE regress_plans_app;

-- Few resources: a list.  One place with many: a range, on a path.  More: a filter.
SELECT shape_of('SELECT * FROM item', 'narrow');
SELECT shape_of('SELECT * FROM item_at', 'narrow');
SELECT shape_of('SELECT * FROM item', 'nobody');
SELECT shape_of('SELECT * FROM item', 'all');
SELECT shape_of('SELECT * FROM item_at', 'all');
SET enable_seqscan = off;
SELECT shape_of('SELECT count(*) FROM item_at', 'subtree');
SELECT shape_of('SELECT count(*) FROM item', 'subtree');
SELECT shape_of('SELECT * FROM part', 'narrow');
RESET enable_seqscan;
SELECT shape_of('UPDATE item SET day = 1', 'narrow');
SELECT shape_of('SELECT * FROM inlined(3)', 'narrow');
SELECT shape_of('SELECT * FROM item ORDER BY id LIMIT 5', 'all');

-- Estimates are honest, as far as one can be: projects have one row or five
SELECT t, person, estimated BETWEEN actual / 3.0 - 2 AND actual * 3.0 + 2 AS near, actual
FROM unnest('{item,item_at}'::text[]) t,
    unnest('{nobody,stranger,deactivated,narrow,several,organization,subtree,all}'::text[]) person,
    LATERAL (SELECT estimated('SELECT * FROM ' || t, person)) e (estimated),
    LATERAL (SELECT split_part(truly.expected('select', replace(t, 'item', ''), person), ' ', 1)::int) a (actual);

-- `column = value AND decision` is counted once, and the list is not consulted
SELECT person, estimated('SELECT * FROM item WHERE project = ident(''p3-0'')', person)
FROM unnest('{narrow,several,all}'::text[]) person;
SELECT shape_of('SELECT * FROM item WHERE project = ident(''p3-0'')', 'several');
SELECT shape_of('SELECT * FROM item WHERE path IN (''org3.u0.p3-0'', ''org3.u1.p3-1'')', 'several');
SELECT shape_of('SELECT * FROM item_at WHERE path IN (''org3.u0.p3-0'', ''org3.u1.p3-1'')', 'several');

-- A row found by a unique index: the principal is not looked at to plan it, and
-- one resource is looked up to run it
\c
SET ROLE regress_plans_app;
SELECT act_as('all') \g /dev/null
EXPLAIN (COSTS OFF) SELECT day FROM item WHERE id = 7;
SELECT loads, lookups, walks FROM rbac_cache_stats();
SELECT day FROM item WHERE id = 7;
SELECT loads, lookups, walks FROM rbac_cache_stats();

-- A wide principal's list is never made: what tells that it is wide is one walk,
-- which goes to the limit only.  The scan soon makes another, through all resources.
EXPLAIN (COSTS OFF) SELECT day FROM item;
SELECT loads, walks FROM rbac_cache_stats();
SELECT count(*) FROM item;
SELECT loads, walks FROM rbac_cache_stats();

-- S3: a plan has nothing of anybody's rights
CREATE TEMP TABLE plan_text (person text, number bigint, line text);
DO $$
DECLARE
    person text;
    line text;
BEGIN
    PERFORM set_config('plan_cache_mode', 'force_generic_plan', true);
    PREPARE secret (int) AS SELECT * FROM item i JOIN item_at a USING (id) WHERE i.day < $1;
    FOREACH person IN ARRAY '{narrow,several,organization,all}'::text[] LOOP
        PERFORM act_as(person);
        FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) EXECUTE secret (3)' LOOP
            INSERT INTO plan_text VALUES (person, 1, line);
        END LOOP;
    END LOOP;
    DEALLOCATE secret;
END $$;
SELECT person, count(*) > 0 AS has_plan,
       string_agg(line, '' ORDER BY line) = (SELECT string_agg(line, '' ORDER BY line) FROM plan_text WHERE person = 'narrow') AS like_the_narrow_one,
       string_agg(line, '') ~ '[0-9a-f]{8}-[0-9a-f]{4}|org[0-9]|p[0-9]-|big' AS tells_rights
FROM plan_text GROUP BY person ORDER BY person;

--
-- Plans are remade when the width changes, and only then
--
-- A prepared statement without parameters is generic at once.  Settings of the
-- planner that change meanwhile show whether a plan was kept.
SELECT act_as('narrow') \g /dev/null
PREPARE listing AS SELECT * FROM item;
EXPLAIN (COSTS OFF) EXECUTE listing;
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT act_as('organization') \g /dev/null
EXPLAIN (COSTS OFF) EXECUTE listing;
SELECT act_as('deactivated') \g /dev/null
EXPLAIN (COSTS OFF) EXECUTE listing;
SELECT act_as('all') \g /dev/null
EXPLAIN (COSTS OFF) EXECUTE listing;
RESET enable_indexscan;
RESET enable_bitmapscan;
SELECT act_as('narrow') \g /dev/null
EXPLAIN (COSTS OFF) EXECUTE listing;
DEALLOCATE listing;
-- One made while the session was nobody's is no exception
SELECT act_as('nobody') \g /dev/null
PREPARE listing AS SELECT * FROM item;
EXPLAIN (COSTS OFF) EXECUTE listing;
SELECT act_as('all') \g /dev/null
EXPLAIN (COSTS OFF) EXECUTE listing;
SELECT act_as('narrow') \g /dev/null
EXPLAIN (COSTS OFF) EXECUTE listing;
DEALLOCATE listing;
-- The principal of a transaction
BEGIN;
SELECT rbac_set_principal(who('all')) \g /dev/null
PREPARE listing AS SELECT * FROM item;
EXPLAIN (COSTS OFF) EXECUTE listing;
COMMIT;
BEGIN;
SELECT rbac_set_principal(who('narrow')) \g /dev/null
EXPLAIN (COSTS OFF) EXECUTE listing;
COMMIT;
DEALLOCATE listing;
-- The session has an earlier principal again, or none, and nobody says so: the
-- first run still has the plan that was there, the next a new one
SELECT act_as('all') \g /dev/null
BEGIN;
SELECT rbac_set_principal(who('narrow')) \g /dev/null
PREPARE listing AS SELECT * FROM item;
EXPLAIN (COSTS OFF) EXECUTE listing;
COMMIT;
EXECUTE listing \g /dev/null
EXPLAIN (COSTS OFF) EXECUTE listing;
BEGIN;
SAVEPOINT before;
SELECT rbac_set_principal(who('narrow')) \g /dev/null
EXPLAIN (COSTS OFF) EXECUTE listing;
ROLLBACK TO before;
EXECUTE listing \g /dev/null
EXPLAIN (COSTS OFF) EXECUTE listing;
COMMIT;
SELECT rbac_reset_principal();
EXECUTE listing \g /dev/null
EXPLAIN (COSTS OFF) EXECUTE listing;
SELECT act_as('all') \g /dev/null
EXPLAIN (COSTS OFF) EXECUTE listing;
RESET ALL;
EXECUTE listing \g /dev/null
EXPLAIN (COSTS OFF) EXECUTE listing;
-- Planning under it counts, too: what was planned for others is remade
SELECT act_as('all') \g /dev/null
EXECUTE listing \g /dev/null
RESET ALL;
EXPLAIN (COSTS OFF) SELECT * FROM item;
EXPLAIN (COSTS OFF) EXECUTE listing;
DEALLOCATE listing;
-- What is between the transactions of a pooled session costs no plan
PREPARE listing AS SELECT * FROM item ORDER BY id LIMIT 5;
BEGIN;
SELECT rbac_set_principal(who('all')) \g /dev/null
EXPLAIN (COSTS OFF) EXECUTE listing;
COMMIT;
SET enable_indexscan = off;
SELECT count(*) > 0 AS other FROM shape;
BEGIN;
SELECT rbac_set_principal(who('all')) \g /dev/null
EXPLAIN (COSTS OFF) EXECUTE listing;
COMMIT;
RESET enable_indexscan;
DEALLOCATE listing;
-- A statement in a PL/pgSQL function: what it scans and what it finds
CREATE FUNCTION counted() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    SELECT count(day) INTO n FROM item;
    RETURN n;
END $$;
CREATE FUNCTION scans(person text, OUT seen bigint, OUT sequential bigint, OUT by_index boolean) LANGUAGE plpgsql AS $$
DECLARE
    seq_before bigint := pg_stat_get_xact_numscans('item'::regclass);
    index_before bigint := pg_stat_get_xact_numscans('item_project_idx'::regclass);
BEGIN
    PERFORM act_as(person);
    seen := counted();
    sequential := pg_stat_get_xact_numscans('item'::regclass) - seq_before;
    by_index := pg_stat_get_xact_numscans('item_project_idx'::regclass) > index_before;
END $$;
BEGIN;
SELECT person, s.* FROM unnest('{narrow,all,narrow,organization,all,narrow}'::text[]) person, scans(person) s;
COMMIT;

-- A bitmap that has no room for each row keeps pages, whose rows are judged again
RESET ROLE;
CREATE TABLE spread (id int, project uuid, path rbac_path, filler text) WITH (autovacuum_enabled = off);
ALTER TABLE spread ALTER filler SET STORAGE PLAIN;
INSERT INTO spread SELECT id, project, path, repeat('x', 2500) FROM item ORDER BY md5(id::text);
CREATE TABLE spread_at (LIKE spread INCLUDING ALL) WITH (autovacuum_enabled = off);
INSERT INTO spread_at SELECT * FROM spread;
SELECT rbac_protect_table('spread', 'project', 'project:services:read') \g /dev/null
SELECT rbac_protect_table('spread_at', 'path', 'project:services:read') \g /dev/null
GRANT SELECT ON spread, spread_at TO regress_plans_app;
ANALYZE spread, spread_at;
CREATE FUNCTION lossily(query text, person text, OUT lossy boolean, OUT same boolean) LANGUAGE plpgsql AS $$
DECLARE
    line text;
    by_bitmap bigint;
    by_scan bigint;
BEGIN
    PERFORM act_as(person);
    lossy := false;
    PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true),
            set_config('enable_bitmapscan', 'on', true), set_config('work_mem', '64kB', true);
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
        lossy := lossy OR line ~ 'lossy=';
    END LOOP;
    EXECUTE query INTO by_bitmap;
    PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_bitmapscan', 'off', true);
    EXECUTE query INTO by_scan;
    same := by_bitmap = by_scan;
END $$;
SET ROLE regress_plans_app;
BEGIN;
SELECT t, person, l.* FROM (VALUES ('spread', 'units'), ('spread_at', 'units'), ('spread_at', 'subtree')) v (t, person),
    lossily(format('SELECT sum(id) FROM %s WHERE filler <> %L', t, ''), person) l;
ROLLBACK;

--
-- A principal's rights change while its session has plans
--
SELECT act_as('narrow') \g /dev/null
PREPARE listing AS SELECT count(*) FROM item;
EXECUTE listing;
RESET ROLE;
-- C1, G7: a grant, an expired one, a revoke, a project that moves or comes
SELECT rbac_reset_principal() \g /dev/null
SELECT rbac_grant(who('narrow'), 'project:services:read', 'org6.u0') \g /dev/null
SELECT act_as('narrow') \g /dev/null
SET ROLE regress_plans_app;
EXECUTE listing;
RESET ROLE;
SELECT rbac_reset_principal() \g /dev/null
SELECT rbac_project_move('org6.u1.p6-1', 'org6.u0') \g /dev/null
SELECT act_as('narrow') \g /dev/null
SET ROLE regress_plans_app;
EXECUTE listing;
-- (whose rows have followed)
SELECT count(*) FROM item_at;
RESET ROLE;
SELECT rbac_reset_principal() \g /dev/null
UPDATE aiven_rbac.access_grant SET valid_until = now() WHERE principal = who('narrow') AND resource = ident('org6u0');
SELECT act_as('narrow') \g /dev/null
SET ROLE regress_plans_app;
EXECUTE listing;

-- What a scan uses stays while the cache forgets it: an open cursor, a cache
-- with room for nobody, and other principals asked about meanwhile
RESET ROLE;
SELECT act_as('several') \g /dev/null
SET ROLE regress_plans_app;
SET aiven_rbac.cache_size = '64kB';
SET enable_bitmapscan = off;
SET enable_seqscan = off;
CREATE FUNCTION walk(meanwhile text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    listing refcursor := 'listing';
    i item;
    n bigint := 0;
BEGIN
    OPEN listing FOR SELECT * FROM item;
    LOOP
        FETCH listing INTO i;
        EXIT WHEN NOT FOUND;
        n := n + 1;
        IF n % 40 = 1 THEN
            EXECUTE meanwhile;
        END IF;
    END LOOP;
    RETURN n;
END $$;
EXPLAIN (COSTS OFF) SELECT * FROM item;
SELECT walk('SELECT count(rbac_has_permission(ident(''stranger'' || g), ident(''p1-1''), ''service.view'')) FROM generate_series(1, 50) g');
SELECT evictions > 0 AS evicted FROM rbac_cache_stats();
RESET ROLE;
CREATE FUNCTION revoke_everything() RETURNS void LANGUAGE sql SECURITY DEFINER AS
'DELETE FROM aiven_rbac.access_grant WHERE principal IN (who(''several''), (SELECT group_id FROM aiven_rbac.group_member WHERE member = who(''several'')))';
SET ROLE regress_plans_app;
-- A cursor ends when the right is lost that its rows were found by
BEGIN;
SELECT walk('SELECT revoke_everything()');
ROLLBACK;
BEGIN;
SELECT revoke_everything();
SELECT count(*) FROM item;
ROLLBACK;
SELECT count(*) FROM item;
RESET enable_seqscan;
RESET enable_bitmapscan;
RESET aiven_rbac.cache_size;

-- G3, G8: names that take different actions on different kinds of resource, an
-- organization's own role, several names: list and row-by-row answers agree
SELECT rbac_reset_principal() \g /dev/null
RESET ROLE;
INSERT INTO aiven_rbac.grantable (id, organization, name, type, console_name) VALUES (ident('own'), ident('org7'), 'own_role', 'role', 'Own');
INSERT INTO aiven_rbac.grantable_on SELECT ident('own'), ident('org7'), k FROM unnest('{organization,project}'::text[]) k;
INSERT INTO aiven_rbac.allowed_action (grantable, granted_on, action)
SELECT ident('own'), k, number FROM aiven_rbac.action, unnest('{organization,project}'::text[]) k WHERE name IN ('service.view', 'service.fork');
INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind, grantable_organization)
VALUES (who('organization'), ident('p7-4'), ident('own'), ident('org7'), 'project', ident('org7'));
SELECT rbac_grant(who('organization'), 'role:organization:admin', 'org8.u1') \g /dev/null
CREATE TABLE anything (resource uuid, path rbac_path) WITH (autovacuum_enabled = off);
INSERT INTO anything SELECT id, path FROM aiven_rbac.resource UNION ALL SELECT ident('gone'), 'org7.gone' UNION ALL SELECT NULL, NULL;
CREATE INDEX ON anything (resource);
CREATE INDEX ON anything (path);
ANALYZE anything;
GRANT SELECT ON anything TO regress_plans_app;
CREATE FUNCTION agree(names text[], person text, OUT by_list bigint, OUT by_row bigint, OUT listed boolean) LANGUAGE plpgsql AS $$
DECLARE
    arguments text := format('VARIADIC %L::text[]', names);
    line text;
    c text;
    found bigint;
BEGIN
    PERFORM act_as(person);
    listed := true;
    FOREACH c IN ARRAY '{resource,path}'::text[] LOOP
        SET LOCAL enable_seqscan = off;
        EXECUTE format('EXPLAIN SELECT * FROM anything WHERE rbac_has_any_permission(%s, %s)', c, arguments) INTO line;
        listed := listed AND line !~ 'Seq Scan';
        EXECUTE format('SELECT count(*) FROM anything WHERE rbac_has_any_permission(%s, %s)', c, arguments) INTO found;
        IF found <> by_list THEN
            RAISE 'by id %, by path %', by_list, found;
        END IF;
        by_list := found;
    END LOOP;
    SET LOCAL enable_seqscan = on;
    SET LOCAL enable_indexscan = off;
    SET LOCAL enable_bitmapscan = off;
    SET LOCAL enable_indexonlyscan = off;
    EXECUTE format('SELECT count(*) FROM anything WHERE rbac_has_any_permission(who(%L), resource, VARIADIC %L)', person, names) INTO by_row;
    SET LOCAL enable_indexscan = on;
    SET LOCAL enable_bitmapscan = on;
    SET LOCAL enable_indexonlyscan = on;
END $$;
SET ROLE regress_plans_app;
SELECT names, person, a.* FROM (VALUES ('{role:organization:admin}'::text[]), ('{own_role}'), ('{admin}'), ('{service.fork}'),
    ('{own_role,role:organization:admin}'), ('{project:services:read,service.fork,admin}'), ('{organization.rename}'), ('{}')) v (names),
    unnest('{narrow,several,organization,deactivated}'::text[]) person, agree(names, person) a;
-- An unknown name is an error under every principal
SELECT act_as('nobody') \g /dev/null
SELECT count(*) FROM anything WHERE rbac_has_permission(resource, 'project:service:read');
SELECT act_as('narrow') \g /dev/null
SELECT count(*) FROM anything WHERE rbac_has_permission(resource, 'project:service:read');
SELECT count(*) FROM anything WHERE rbac_has_permission(resource, NULL);

\c :home
DROP DATABASE regress_plans;
DROP ROLE regress_plans_app;
