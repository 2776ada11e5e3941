-- Attempts to see, change or learn of rows of a protected table that the
-- principal has no right to: by every form of statement, by objects of one's own,
-- and by functions that spy on the rows that a query looks at (S3, S4, G10).
--
-- The cases of who writes and where, command by command, are in
-- test/pgtap/protect.sql.  A case here fails where the table has no policies: the
-- owner's superuser, at the end, sees and changes all rows by the same queries.
BEGIN;
\ir ../pgtap/lib/helpers.sql
\ir ../pgtap/lib/world.sql
\ir ../pgtap/lib/tenant.sql

\o /dev/null
CREATE SCHEMA lair;
GRANT ALL ON SCHEMA lair TO test_application;
ANALYZE tenant.by_id, tenant.by_path, tenant.parted;
\o
SELECT no_plan();

-- Reading ---------------------------------------------------------------------------

-- Each query counts the rows that it can get at, of a table with 17.
CREATE TABLE test.peek (n int GENERATED ALWAYS AS IDENTITY, what text, query text);
INSERT INTO test.peek (what, query) VALUES
('SELECT', 'SELECT count(*) FROM %s'),
('TABLE', 'SELECT count(*) FROM (TABLE %s) AS t'),
('ONLY', 'SELECT count(*) FROM ONLY %s'),
('TABLESAMPLE', 'SELECT count(*) FROM %s TABLESAMPLE bernoulli (100)'),
('a place in the table', 'SELECT count(*) FROM %s WHERE ctid >= ''(0,0)'''),
('one place after the other', 'SELECT count(t) FROM generate_series(1, 60) AS i LEFT JOIN %s AS t ON t.ctid = format(''(0,%%s)'', i)::tid'),
('the whole row', 'SELECT count(*) FROM %s AS t WHERE t::text ~ ''acme|globex|none|gone'''),
('system columns', 'SELECT count(DISTINCT ctid) FROM %s WHERE tableoid > 0 AND xmin IS NOT NULL'),
('a key', 'SELECT count(t) FROM generate_series(1, 60) AS i LEFT JOIN %s AS t ON t.n = i'),
('a condition with OR', 'SELECT count(*) FROM %s WHERE n > 0 OR note IS NULL OR true'),
('a subquery', 'SELECT count(*) FROM generate_series(1, 60) AS i WHERE EXISTS (SELECT FROM %s AS t WHERE t.n = i)'),
('NOT IN', 'SELECT 60 - count(*) FROM generate_series(1, 60) AS i WHERE i NOT IN (SELECT n FROM %s)'),
('a join with itself', 'SELECT count(*) FROM %1$s AS a JOIN %1$s AS b USING (n)'),
('a full join', 'SELECT count(t) FROM %s AS t FULL JOIN generate_series(1, 60) AS i ON i = t.n'),
('LATERAL', 'SELECT count(*) FROM generate_series(1, 60) AS i, LATERAL (SELECT FROM %s AS t WHERE t.n = i) AS t'),
('a common table expression', 'WITH t AS MATERIALIZED (SELECT * FROM %s) SELECT count(*) FROM t'),
('a recursive one', 'WITH RECURSIVE t AS (SELECT n FROM %1$s UNION SELECT x.n FROM %1$s AS x, t) SELECT count(*) FROM t'),
('set operations', 'SELECT count(*) FROM ((SELECT n FROM %1$s UNION SELECT n FROM %1$s) EXCEPT SELECT -1) AS t'),
('a window', 'SELECT max(c) FROM (SELECT count(*) OVER () AS c FROM %s) AS t'),
('GROUPING SETS', 'SELECT max(c) FROM (SELECT count(*) AS c FROM %s GROUP BY GROUPING SETS ((), (note))) AS t'),
('an aggregate with a filter', 'SELECT count(*) FILTER (WHERE note IS NOT NULL) FROM %s'),
('FOR KEY SHARE', 'SELECT count(*) FROM (SELECT FROM %s FOR KEY SHARE) AS t'),
('FOR UPDATE', 'SELECT count(*) FROM (SELECT FROM %s FOR UPDATE) AS t'),
('query_to_xml()', 'SELECT array_length(xpath(''//note'', query_to_xml(''SELECT note FROM %s'', false, false, '''')), 1)'),
('table_to_xml()', 'SELECT array_length(xpath(''//note'', table_to_xml(''%s'', false, false, '''')), 1)'),
('a SQL function that is inlined', 'SELECT count(*) FROM lair.inlined_%2$s()'),
('a PL/pgSQL function', 'SELECT count(*) FROM lair.asked_%2$s()'),
('a view of one''s own', 'SELECT count(*) FROM lair.view_%2$s'),
('a table that was filled by CREATE TABLE AS', 'SELECT count(*) FROM lair.copy_%2$s()'),
('an index', 'SELECT count(*) FROM lair.with_settings($$ enable_seqscan = off $$, ''SELECT n FROM %s WHERE n > 0'')'),
('a bitmap', 'SELECT count(*) FROM lair.with_settings($$ enable_seqscan = off, enable_indexscan = off, enable_indexonlyscan = off $$, ''SELECT n FROM %s WHERE n > 0'')'),
('a plan for any parameter', 'SELECT count(*) FROM lair.with_settings($$ plan_cache_mode = force_generic_plan $$, ''SELECT n FROM %s WHERE n > 0'')'),
('a parallel plan', 'SELECT count(*) FROM lair.with_settings($$ force_parallel_mode = on, debug_parallel_query = on, parallel_setup_cost = 0, parallel_tuple_cost = 0, min_parallel_table_scan_size = 0 $$, ''SELECT n FROM %s WHERE n > 0'')');

\o /dev/null
-- A server can be built without XML.
CREATE FUNCTION pg_temp.has_xml() RETURNS boolean
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM xmlparse(CONTENT '');
    RETURN true;
EXCEPTION WHEN feature_not_supported THEN
    RETURN false;
END
$$;
DELETE FROM test.peek WHERE query ~ '_to_xml' AND NOT pg_temp.has_xml();

-- What mallory, who may create in her schema, prepares
SET LOCAL ROLE test_application;
CREATE FUNCTION lair.with_settings(settings text, query text) RETURNS SETOF int LANGUAGE plpgsql
    AS $$
DECLARE
    pair text;
BEGIN
    FOREACH pair IN ARRAY string_to_array(settings, ',') LOOP
        PERFORM set_config(s.name, btrim(split_part(pair, '=', 2)), true)
        FROM pg_settings AS s WHERE s.name = btrim(split_part(pair, '=', 1));
    END LOOP;
    RETURN QUERY EXECUTE query;
END
$$;
DO $do$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY '{by_id,by_path,parted}'::text[] LOOP
        EXECUTE format($$ CREATE FUNCTION lair.inlined_%1$s() RETURNS SETOF tenant.%1$s LANGUAGE sql STABLE AS 'SELECT * FROM tenant.%1$s' $$, name);
        EXECUTE format($$ CREATE FUNCTION lair.asked_%1$s() RETURNS SETOF tenant.%1$s LANGUAGE plpgsql SECURITY DEFINER
                          AS 'BEGIN RETURN QUERY SELECT * FROM tenant.%1$s; END' $$, name);
        EXECUTE format($$ CREATE FUNCTION lair.copy_%1$s() RETURNS SETOF int LANGUAGE plpgsql
                          AS 'BEGIN CREATE TEMP TABLE copied AS SELECT * FROM tenant.%1$s; RETURN QUERY SELECT n FROM copied; END' $$, name);
        EXECUTE format('CREATE VIEW lair.view_%1$s AS SELECT * FROM tenant.%1$s', name);
    END LOOP;
END
$do$;
RESET ROLE;
CREATE FUNCTION test.peeked(who text, query text, name text, role name) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    result text;
BEGIN
    result := coalesce(test.seen_by(who, format(query, 'tenant.' || name, name), role), '0');
    RAISE SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    RETURN result;
END
$$;
\o

SELECT skip('this server has no XML', 1) WHERE NOT pg_temp.has_xml();

-- bob reads two rows, of which he also writes both; nobody has none; and a
-- superuser, by the same queries, has all.  What runs as its owner, who is
-- subject to the policies, has no more.
SELECT is(test.peeked(v.who, p.query, t.name, 'test_application'), v.rows, format('rows by %s: %s has %s of %s', p.what, coalesce(v.who, 'no principal'), v.rows, t.name))
FROM test.peek AS p, unnest('{by_id,by_path,parted}'::text[]) AS t (name), (VALUES ('bob', '2'), ('stranger', '0'), (NULL, '0')) AS v (who, rows)
WHERE p.what <> 'ONLY' OR t.name <> 'parted'
ORDER BY p.n, t.name, v.who;
SELECT is(test.peeked(NULL, p.query, 'by_id', session_user), CASE WHEN p.query ~ 'view_|asked_' THEN '0' ELSE '17' END,
          format('rows by %s: a superuser has all', p.what))
FROM test.peek AS p ORDER BY p.n;

-- Writing, and what errors and locks tell ------------------------------------------------

CREATE TABLE test.attack (n int GENERATED ALWAYS AS IDENTITY, description text, who text, query text, look text, expected text);
INSERT INTO test.attack (description, who, query, look, expected) VALUES
('ON CONFLICT: a hidden row keeps its place', 'bob',
 $$ INSERT INTO tenant.by_path VALUES (1, 'acme.engineering.backend-dev', 'new') ON CONFLICT DO NOTHING $$, NULL, 'ok (nothing changed)'),
('ON CONFLICT: and is not changed', 'bob',
 $$ INSERT INTO tenant.by_path VALUES (1, 'acme.engineering.backend-dev', 'new') ON CONFLICT (n) DO UPDATE SET note = 'new' $$, NULL,
 '42501 new row violates row-level security policy (USING expression) for table "by_path"'),
('ON CONFLICT: a row that one writes is', 'bob',
 $$ INSERT INTO tenant.by_path VALUES (6, 'acme.engineering.backend-dev', 'new') ON CONFLICT (n) DO UPDATE SET note = EXCLUDED.note $$,
 $$ SELECT note FROM tenant.by_path WHERE n = 6 $$, 'ok new'),
('ON CONFLICT: but not moved away', 'bob',
 $$ INSERT INTO tenant.by_path VALUES (6, 'acme.engineering.backend-dev', 'new') ON CONFLICT (n) DO UPDATE SET place = 'acme' $$, NULL,
 '42501 new row violates row-level security policy for table "by_path"'),
('a key that is taken by a hidden row is taken', 'bob',
 $$ INSERT INTO tenant.by_path VALUES (1, 'acme.engineering.backend-dev', 'new') $$, NULL,
 '23505 duplicate key value violates unique constraint "by_path_pkey"'),
('UPDATE: rows are not moved to where one may not write', 'bob', $$ UPDATE tenant.by_path SET place = 'globex.factory' $$, NULL,
 '42501 new row violates row-level security policy for table "by_path"'),
('UPDATE: nor to nowhere', 'bob', $$ UPDATE tenant.by_id SET place = NULL $$, NULL,
 '42501 new row violates row-level security policy for table "by_id"'),
('UPDATE: nor to what does not exist', 'bob', $$ UPDATE tenant.by_id SET place = gen_random_uuid() $$, NULL,
 '42501 new row violates row-level security policy for table "by_id"'),
('UPDATE: a hidden row is not reached by its place in the table', 'bob',
 $$ UPDATE tenant.by_path SET place = 'acme.engineering.backend-dev' WHERE ctid = '(0,1)' $$, NULL, 'ok (nothing changed)'),
('UPDATE: nor by a join', 'bob',
 $$ UPDATE tenant.by_path AS t SET note = i::text FROM generate_series(1, 60) AS i WHERE i = t.n $$,
 $$ SELECT string_agg(note, ' ' ORDER BY n) FROM tenant.by_path WHERE note ~ '^\d+$' $$, 'ok 6 7'),
('UPDATE: RETURNING returns no other row', 'bob',
 $$ DO $do$ DECLARE c int; BEGIN WITH u AS (UPDATE tenant.by_path SET note = note RETURNING n) SELECT count(*) FROM u INTO c;
    IF c <> 2 THEN RAISE 'leaked %', c; END IF; END $do$ $$, NULL, 'ok (nothing changed)'),
('UPDATE: RETURNING wants the right to read', 'robot', $$ UPDATE tenant.by_path SET note = 'x' RETURNING n $$, NULL, 'ok (nothing changed)'),
('UPDATE: a view of one''s own is no way round', 'bob', $$ UPDATE lair.view_by_path SET note = 'x' WHERE n = 1 $$, NULL, 'ok (nothing changed)'),
('DELETE: a common table expression deletes no other row', 'bob',
 $$ WITH d AS (DELETE FROM tenant.by_path RETURNING *) SELECT count(*) FROM d $$, $$ SELECT count(*) FROM tenant.by_path $$, 'ok 15'),
('DELETE: nor does a join', 'bob',
 $$ DELETE FROM tenant.by_path AS t USING tenant.by_id AS u WHERE t.n >= u.n $$, $$ SELECT count(*) FROM tenant.by_path $$, 'ok 15'),
('DELETE: who only reads deletes none by their place', 'frank', $$ DELETE FROM tenant.by_path WHERE ctid >= '(0,0)' $$, NULL, 'ok (nothing changed)'),
('INSERT: a row that comes out of a hidden one does not exist', 'bob',
 $$ INSERT INTO tenant.by_path SELECT n + 100, 'acme.engineering.backend-dev', note FROM tenant.by_path $$,
 $$ SELECT string_agg(note, ' ' ORDER BY n) FROM tenant.by_path WHERE n > 100 $$, 'ok acme.engineering.backend-dev acme.engineering.backend-dev.pg'),
('INSERT: without a principal there is none', NULL, $$ SET LOCAL ROLE test_application; INSERT INTO tenant.by_path VALUES (60, 'acme', 'new') $$, NULL,
 '42501 new row violates row-level security policy for table "by_path"'),
('row_security = off does not show more', 'bob', $$ SET LOCAL row_security = off; SELECT FROM tenant.by_path $$, NULL,
 '42501 query would be affected by row-level security policy for table "by_path"'),
('nor does it change more', 'bob', $$ SET LOCAL row_security = off; UPDATE tenant.by_path SET note = 'x' $$, NULL,
 '42501 query would be affected by row-level security policy for table "by_path"'),
('a partition of its own is a matter of privileges', 'ann', $$ SELECT FROM tenant.parted_low $$, NULL, '42501 permission denied for table parted_low'),
('TRUNCATE wants its privilege', 'ann', $$ TRUNCATE tenant.by_path $$, NULL, '42501 permission denied for table by_path'),
('a foreign key, which would tell which keys are hidden, wants its privilege', 'ann',
 $$ CREATE TABLE lair.fk (n int REFERENCES tenant.by_path) $$, NULL, '42501 permission denied for table by_path'),
('a trigger wants its privilege', 'ann',
 $$ CREATE TRIGGER t BEFORE UPDATE ON tenant.by_path FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger() $$, NULL,
 '42501 permission denied for table by_path'),
('a rule is its owner''s', 'ann', $$ CREATE RULE r AS ON INSERT TO tenant.by_path DO ALSO NOTHING $$, NULL, '42501 must be owner of relation by_path'),
('a policy is its owner''s', 'ann', $$ CREATE POLICY p ON tenant.by_path USING (true) $$, NULL, '42501 must be owner of table by_path'),
('and so is an end to them', 'ann', $$ ALTER TABLE tenant.by_path DISABLE ROW LEVEL SECURITY $$, NULL, '42501 must be owner of table by_path'),
('statistics are its owner''s', 'ann', $$ CREATE STATISTICS lair.s ON place, note FROM tenant.by_path $$, NULL, '42501 must be owner of table by_path'),
('an index is its owner''s', 'ann', $$ CREATE INDEX ON tenant.by_path (note) $$, NULL, '42501 must be owner of table by_path'),
('heirs are its owner''s', 'ann', $$ CREATE TABLE lair.heir () INHERITS (tenant.by_path) $$, NULL, '42501 must be owner of table by_path'),
('who does not own a table cannot protect it', 'ann',
 $$ SELECT rbac_protect_table('tenant.by_path', 'place', 'service.view', replace => true) $$, NULL, '42501 must be owner of relation by_path'),
('nor unprotect it', 'ann', $$ SELECT rbac_unprotect_table('tenant.by_path') $$, NULL, '42501 must be owner of relation by_path');
-- PostgreSQL says "relation" where it says "table" in other versions, and the
-- other way round; MERGE came with 15.
CREATE FUNCTION test.normal(text) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT regexp_replace($1, 'must be owner of (table|relation)', 'must be owner of relation') $$;
INSERT INTO test.attack (description, who, query, look, expected)
SELECT * FROM (VALUES
('MERGE: changes what one writes and nothing else', 'bob',
 $$ MERGE INTO tenant.by_id AS t USING (SELECT generate_series(1, 60) AS n) AS s ON t.n = s.n
    WHEN MATCHED THEN UPDATE SET note = 'merged' WHEN NOT MATCHED THEN DO NOTHING $$,
 $$ SELECT string_agg(n::text, ' ' ORDER BY n) FROM tenant.by_id WHERE note = 'merged' $$, 'ok 6 7'),
('MERGE: moves nothing away', 'bob',
 $$ MERGE INTO tenant.by_id AS t USING (SELECT 6 AS n) AS s ON t.n = s.n WHEN MATCHED THEN UPDATE SET place = test.r('acme') $$, NULL,
 '42501 new row violates row-level security policy for table "by_id"'),
('MERGE: adds nothing elsewhere', 'bob',
 $$ MERGE INTO tenant.by_id AS t USING (SELECT 70 AS n) AS s ON t.n = s.n WHEN NOT MATCHED THEN INSERT VALUES (70, test.r('acme'), 'new') $$, NULL,
 '42501 new row violates row-level security policy for table "by_id"'),
('MERGE: takes no hidden row for one that is missing', 'bob',
 $$ MERGE INTO tenant.by_id AS t USING (SELECT 1 AS n) AS s ON t.n = s.n WHEN NOT MATCHED THEN INSERT VALUES (1, test.r('acme.engineering.backend-dev'), 'new') $$, NULL,
 '23505 duplicate key value violates unique constraint "by_id_pkey"'),
('MERGE: deletes nothing that one only reads', 'frank',
 $$ MERGE INTO tenant.by_id AS t USING (SELECT 6 AS n) AS s ON t.n = s.n WHEN MATCHED THEN DELETE $$, NULL,
 '42501 target row violates row-level security policy (USING expression) for table "by_id"')) AS v
WHERE current_setting('server_version_num')::int >= 150000;

SELECT is(test.normal(test.outcome(who, query, look)), test.normal(expected), description) FROM test.attack ORDER BY n;

-- Files --------------------------------------------------------------------------------

GRANT pg_read_server_files, pg_write_server_files TO test_application;
SELECT is(test.outcome('ann', $$ COPY tenant.by_path FROM '/dev/null' $$), '0A000 COPY FROM not supported with row-level security', 'COPY FROM is left to INSERT');
SELECT is(test.outcome('bob', format('COPY %s TO %L', what, current_setting('data_directory') || '/rbac_test_copy'),
                       format('SELECT replace(pg_read_file(%L), E''\n'', '' '')', 'rbac_test_copy')),
          'ok (nothing changed) acme.engineering.backend-dev acme.engineering.backend-dev.pg ', 'COPY TO has what SELECT has: ' || what)
FROM unnest(ARRAY['tenant.by_path (note)', '(SELECT note FROM tenant.by_path ORDER BY n)',
                  '(UPDATE tenant.by_path SET note = note RETURNING note)']) AS what;
COPY (SELECT WHERE false) TO PROGRAM 'rm -f rbac_test_copy';
REVOKE pg_read_server_files, pg_write_server_files FROM test_application;

-- Spies ----------------------------------------------------------------------------------

-- S4: what a user brings into a query sees no hidden row, however cheap it is.
\o /dev/null
CREATE FUNCTION test.leak(note text) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql
    AS $$ BEGIN IF note NOT LIKE 'acme.engineering.backend-dev%' THEN RAISE 'leaked %', note; END IF; RETURN true; END $$;
CREATE OPERATOR test.!!! (FUNCTION = test.leak, RIGHTARG = text);
\o
SELECT is(test.seen_by('bob', format('SELECT count(*) FROM tenant.%s WHERE %s', name, condition)), '2', format('S4: %s: %s', name, condition))
FROM test.protected, unnest(ARRAY['test.leak(note)', '1 / (n - 1) >= 0', '(note || ''x'')::rbac_path IS NOT NULL AND length(note) > 0',
                                  'test.leak(note) AND n > 0', 'n > 0 OR test.leak(note)', '!!! note', 'CASE WHEN test.leak(note) THEN n > 0 END',
                                  'test.leak(note) IS NOT FALSE AND NOT (NOT test.leak(note))', '(SELECT test.leak(note))']) AS condition
WHERE name IN ('by_id', 'by_path', 'parted') ORDER BY name, condition;
SELECT is(test.seen_by('bob', query), '2', 'S4: ' || query)
FROM unnest(ARRAY['SELECT count(*) FROM tenant.by_path AS a JOIN tenant.by_id AS b ON test.leak(a.note) AND test.leak(b.note) AND a.n = b.n',
                  'SELECT count(*) FROM tenant.by_path AS a LEFT JOIN tenant.by_id AS b ON test.leak(b.note) AND a.n = b.n WHERE test.leak(a.note)',
                  'SELECT count(*) FROM (SELECT FROM tenant.by_path ORDER BY test.leak(note)) AS t',
                  'SELECT count(*) FROM (SELECT test.leak(note) FROM tenant.by_path OFFSET 0) AS t',
                  'SELECT sum(c) FROM (SELECT count(*) AS c FROM tenant.by_path GROUP BY test.leak(note) HAVING bool_and(test.leak(note))) AS t',
                  'SELECT count(*) FILTER (WHERE test.leak(note)) FROM tenant.by_path',
                  'SELECT count(*) FROM tenant.by_path AS t, LATERAL test.leak(t.note) AS l WHERE l',
                  'SELECT count(*) FROM (SELECT * FROM tenant.by_path WHERE test.leak(note) FOR UPDATE) AS t',
                  'SELECT count(*) FROM lair.view_by_path WHERE test.leak(note)',
                  'SELECT count(*) FROM lair.inlined_by_path() WHERE test.leak(note)']) AS query;
SELECT is(test.seen_by('bob', $$ SELECT count(*) FROM tenant.by_path WHERE place <@ 'acme' AND test.leak(note) $$), '2',
          'S4: leakproof operators on the path come first and show nothing');
SELECT is(test.outcome('bob', query, $$ SELECT string_agg(n::text, ' ' ORDER BY n) FROM tenant.by_path WHERE note = 'seen' $$), 'ok 6 7', 'S4: ' || query)
FROM unnest(ARRAY['UPDATE tenant.by_path SET note = ''seen'' WHERE test.leak(note)',
                  'UPDATE tenant.by_path AS t SET note = ''seen'' FROM tenant.by_id AS u WHERE u.n = t.n AND test.leak(u.note)']) AS query;

SELECT is(test.outcome(NULL, 'ALTER FUNCTION test.leak LEAKPROOF', $$ SELECT test.seen_by('bob', 'SELECT count(*) FROM tenant.by_path WHERE test.leak(note)') $$),
          'P0001 leaked acme (nothing changed)', 'S4: it would, were it leakproof: so the cases above can fail');
SELECT is(test.outcome('bob', 'CREATE FUNCTION lair.spy(text) RETURNS boolean LANGUAGE sql LEAKPROOF AS ''SELECT true'''),
          '42501 only superuser can define a leakproof function', 'S4: which an ordinary role cannot say of a function');

-- The statistics of a protected table are for those who see all of it.
SELECT cmp_ok((SELECT count(*) FROM pg_stats WHERE schemaname = 'tenant'), '>', 0::bigint, 'a superuser has statistics of protected tables');
SELECT is(test.seen_by('ann', $$ SELECT count(*) FROM pg_stats WHERE schemaname = 'tenant' $$), '0', 'S4: pg_stats shows a super admin none of them');
SELECT is(test.seen_by('ann', $$ SELECT has_table_privilege('pg_statistic', 'SELECT')::text $$), 'false', 'S4: nor is there another way to them');

-- Plans ----------------------------------------------------------------------------------

-- S3: one plan, one principal after the other; a plan for any parameter is made
-- after the fifth execution.
\o /dev/null
PREPARE counted AS SELECT count(*) FROM tenant.by_id;
PREPARE counted_from (int) AS SELECT count(*) FROM tenant.by_path WHERE n > $1;
\o
SELECT is((SELECT string_agg(test.seen_by(who, statement), ' ' ORDER BY n)
           FROM unnest('{ann,ann,ann,ann,ann,ann,bob,frank,ann,bob,stranger,gina,olga}'::text[]) WITH ORDINALITY AS w (who, n)),
          '11 11 11 11 11 11 2 5 11 2 0 4 0', 'S3: a prepared statement has nobody''s rights in it: ' || statement)
FROM unnest('{EXECUTE counted,EXECUTE counted_from (0)}'::text[]) AS statement;
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT is((SELECT string_agg(test.seen_by(who, 'EXECUTE counted'), ' ' ORDER BY n)
           FROM unnest('{bob,frank,ann,bob,olga}'::text[]) WITH ORDINALITY AS w (who, n)), '2 5 11 2 0', 'S3: a cached plan has nobody''s rights in it');
RESET plan_cache_mode;

-- Views of the tables' owner
SELECT CASE WHEN current_setting('server_version_num')::int < 150000 THEN skip('no security_invoker before PostgreSQL 15', 1)
       ELSE is(test.outcome(NULL, $$ CREATE VIEW tenant.invoker WITH (security_invoker) AS SELECT * FROM tenant.by_id;
                                     GRANT SELECT ON tenant.invoker TO test_application $$,
                            $$ SELECT test.seen_by('bob', 'SELECT count(*) FROM tenant.invoker') $$), 'ok (nothing changed) 2', 'a view with security_invoker shows what one sees') END;
SELECT is(test.outcome(NULL, $$ SET LOCAL ROLE test_owner; CREATE VIEW tenant.definer AS SELECT * FROM tenant.by_id;
                                GRANT SELECT ON tenant.definer TO test_application; RESET ROLE $$,
                       $$ SELECT test.seen_by('bob', 'SELECT count(*) FROM tenant.definer') $$), 'ok (nothing changed) 2', 'so does any other view of the tables'' owner');

SELECT * FROM finish();
ROLLBACK;
