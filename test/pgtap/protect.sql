-- Protected tables: which rows a principal sees, writes, and can move where;
-- what rbac_protect_table() and rbac_unprotect_table() do to a table, and to
-- which they do nothing (S3, S4, G10; H4 for rows that follow a move).
BEGIN;
\ir lib/helpers.sql
\ir lib/world.sql

\o /dev/null
-- The application: its tables belong to a role that is no superuser.
CREATE ROLE test_owner;
CREATE SCHEMA tenant AUTHORIZATION test_owner;
GRANT USAGE ON SCHEMA tenant TO test_application;
GRANT USAGE ON SCHEMA test TO test_owner;
GRANT REFERENCES ON aiven_rbac.resource TO test_owner;

-- bob writes in one project and frank reads in its unit, while robot may read
-- the logs there.  ann and gina have everything in their organizations.
SELECT rbac_grant(test.p('bob'), 'project:services:write', 'acme.engineering.backend-dev');
SELECT rbac_grant(test.p('bob'), 'project:services:read', 'acme.engineering.backend-dev');
SELECT rbac_grant(test.p('frank'), 'project:services:read', 'acme.engineering');
SELECT rbac_grant(test.p('robot'), 'service:logs:read', 'acme.engineering');

-- One row for each resource, one for none and one for what is gone; the same
-- by id and by path.
SET ROLE test_owner;
CREATE TABLE tenant.by_id (n int PRIMARY KEY, place uuid, note text);
CREATE TABLE tenant.by_path (n int PRIMARY KEY, place rbac_path, note text);
CREATE TABLE tenant.by_reference (n int PRIMARY KEY, place rbac_path REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE, note text);
CREATE TABLE tenant."Mixed Case" (n int, "Where" uuid, note text);
CREATE TABLE tenant.parted (n int, place rbac_path, note text) PARTITION BY RANGE (n);
CREATE TABLE tenant.parted_low PARTITION OF tenant.parted FOR VALUES FROM (0) TO (8);
CREATE TABLE tenant.parted_high PARTITION OF tenant.parted FOR VALUES FROM (8) TO (100);
RESET ROLE;
INSERT INTO tenant.by_path SELECT row_number() OVER (ORDER BY path), path, path FROM aiven_rbac.resource;
INSERT INTO tenant.by_reference SELECT * FROM tenant.by_path;
INSERT INTO tenant.by_path VALUES (50, NULL, 'none'), (51, 'acme.gone', 'gone');
INSERT INTO tenant.by_id SELECT n, coalesce(test.r(place::text), CASE WHEN note = 'gone' THEN test.id('gone') END), note FROM tenant.by_path;
INSERT INTO tenant."Mixed Case" SELECT * FROM tenant.by_id;
INSERT INTO tenant.parted SELECT * FROM tenant.by_path;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tenant TO test_application;
REVOKE ALL ON tenant.parted_low, tenant.parted_high FROM test_application;

SET ROLE test_owner;
SELECT rbac_protect_table(t.name, t.place, read => 'project:services:read', write => 'project:services:write')
FROM (VALUES ('tenant.by_id'::regclass, 'place'), ('tenant.by_path', 'place'), ('tenant.by_reference', 'place'),
             ('tenant."Mixed Case"', 'Where'), ('tenant.parted', 'place')) AS t (name, place);
RESET ROLE;

CREATE TABLE test.protected AS SELECT * FROM unnest('{by_id,by_path,"\"Mixed Case\"",parted}'::text[]) AS name;
-- A place as a literal of the column's type
CREATE FUNCTION test.at(name text, place text) RETURNS text
    LANGUAGE sql STABLE
    AS $$ SELECT quote_nullable(CASE WHEN name IN ('by_path', 'parted', 'by_reference') THEN place ELSE coalesce(test.r(place), test.id(place))::text END) $$;
\o

SELECT plan(178);

-- Reading -------------------------------------------------------------------------

SELECT is(test.seen_by(who, format('SELECT string_agg(note, '' '' ORDER BY n) FROM tenant.%s', name)), expected, format('%s: what %s sees', name, who))
FROM test.protected, (VALUES
    ('bob', 'acme.engineering.backend-dev acme.engineering.backend-dev.pg'),
    ('frank', 'acme.engineering acme.engineering.backend-dev acme.engineering.backend-dev.pg acme.engineering.backend-prod acme.engineering.backend-prod.pg'),
    ('robot', NULL), ('olga', NULL), ('stranger', NULL),
    ('ann', 'acme acme.analytics acme.analytics.warehouse acme.analytics.warehouse.kafka acme.engineering acme.engineering.backend-dev '
            'acme.engineering.backend-dev.pg acme.engineering.backend-prod acme.engineering.backend-prod.pg acme.finance acme.finance.pg'),
    ('gina', 'globex globex.factory globex.research globex.research.lab')) AS v (who, expected)
ORDER BY name, who;

SELECT is(test.seen_by(NULL, format('SELECT count(*) FROM tenant.%s', name)), '0', format('G10: %s: nobody sees nothing, without an error', name))
FROM test.protected ORDER BY name;
SELECT is(test.seen_by(NULL, format('SELECT count(*) FROM tenant.%s', name), 'test_owner'), '0', format('%s: its owner is bound, too', name))
FROM test.protected ORDER BY name;
SELECT is((SELECT count(*) FROM tenant.by_id), 17::bigint, 'a superuser is not');

-- Writing -------------------------------------------------------------------------

SELECT is(test.outcome(who, format(query, name, test.at(name, place), type, col), format(look, name, NULL, NULL, col)), format(expected, trim('"' FROM name)),
          format('%s: %s', name, description))
FROM test.protected, (VALUES
    ('a row comes where one may write', 'bob', 'acme.engineering.backend-dev.pg', 'INSERT INTO tenant.%1$s VALUES (60, %2$s, ''new'')',
     'SELECT count(*) FROM tenant.%1$s WHERE note = ''new''', 'ok 1'),
    ('not beside', 'bob', 'acme.engineering.backend-prod', 'INSERT INTO tenant.%1$s VALUES (60, %2$s, ''new'')', NULL,
     '42501 new row violates row-level security policy for table "%s"'),
    ('not above', 'bob', 'acme.engineering', 'INSERT INTO tenant.%1$s VALUES (60, %2$s, ''new'')', NULL,
     '42501 new row violates row-level security policy for table "%s"'),
    ('not where one only reads', 'frank', 'acme.engineering.backend-dev', 'INSERT INTO tenant.%1$s VALUES (60, %2$s, ''new'')', NULL,
     '42501 new row violates row-level security policy for table "%s"'),
    ('not to nowhere', 'ann', NULL, 'INSERT INTO tenant.%1$s VALUES (60, NULL, ''new'')', NULL,
     '42501 new row violates row-level security policy for table "%s"'),
    ('not to what is gone', 'ann', 'gone', 'INSERT INTO tenant.%1$s VALUES (60, %2$s, ''new'')', NULL,
     '42501 new row violates row-level security policy for table "%s"'),
    ('all rows of a statement or none', 'bob', 'acme.engineering.backend-dev',
     'INSERT INTO tenant.%1$s SELECT 60 + i, CASE WHEN i < 3 THEN %2$s END::%3$s, ''new'' FROM generate_series(1, 3) AS i', NULL,
     '42501 new row violates row-level security policy for table "%s"'),
    ('all rows that one writes are changed, no other', 'bob', NULL, 'UPDATE tenant.%1$s SET note = ''changed''',
     'SELECT string_agg(n::text, '' '' ORDER BY n) FROM tenant.%1$s WHERE note = ''changed''', 'ok 6 7'),
    ('who only reads changes none', 'frank', NULL, 'UPDATE tenant.%1$s SET note = ''changed''', NULL, 'ok (nothing changed)'),
    ('who has nothing changes none', 'olga', NULL, 'UPDATE tenant.%1$s SET note = ''changed''', NULL, 'ok (nothing changed)'),
    ('a row is not moved to where one may not write', 'bob', 'acme.engineering.backend-prod',
     'UPDATE tenant.%1$s SET %4$s = %2$s', NULL, '42501 new row violates row-level security policy for table "%s"'),
    ('nor to nowhere', 'bob', NULL, 'UPDATE tenant.%1$s SET %4$s = NULL', NULL, '42501 new row violates row-level security policy for table "%s"'),
    ('it is to where one may', 'bob', 'acme.engineering.backend-dev',
     'UPDATE tenant.%1$s SET %4$s = %2$s', 'SELECT count(*) FROM tenant.%1$s GROUP BY %4$s HAVING count(*) > 1', 'ok 2'),
    ('a hidden row is not fetched by moving it to oneself', 'bob', 'acme.engineering.backend-dev',
     'UPDATE tenant.%1$s SET %4$s = %2$s WHERE n IN (1, 50, 51)', NULL, 'ok (nothing changed)'),
    ('all rows that one writes are deleted, no other', 'bob', NULL, 'DELETE FROM tenant.%1$s',
     'SELECT count(*) FROM tenant.%1$s', 'ok 15'),
    ('who only reads deletes none', 'frank', NULL, 'DELETE FROM tenant.%1$s', NULL, 'ok (nothing changed)'),
    ('TRUNCATE takes a privilege', 'ann', NULL, 'TRUNCATE tenant.%1$s', NULL, '42501 permission denied for table %s')
    ) AS v (description, who, place, query, look, expected),
    LATERAL (SELECT CASE WHEN name IN ('by_path', 'parted') THEN 'rbac_path' ELSE 'uuid' END AS type,
                    CASE WHEN name LIKE '"%' THEN '"Where"' ELSE 'place' END AS col) AS c
ORDER BY name, description;

SELECT is(test.outcome(who, query, look), expected, description)
FROM (VALUES
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
    ('row_security = off does not show more', 'bob',
     $$ SET LOCAL row_security = off; SELECT FROM tenant.by_path $$, NULL,
     '42501 query would be affected by row-level security policy for table "by_path"'),
    ('a partition of its own is a matter of privileges', 'ann',
     $$ SELECT FROM tenant.parted_low $$, NULL, '42501 permission denied for table parted_low'),
    ('who does not own a table cannot protect it', 'ann',
     $$ SELECT rbac_protect_table('tenant.by_path', 'place', 'service.view') $$, NULL, '42501 must be owner of relation by_path'),
    ('nor unprotect it', 'ann',
     $$ SELECT rbac_unprotect_table('tenant.by_path') $$, NULL, '42501 must be owner of relation by_path')
    ) AS v (description, who, query, look, expected);

GRANT pg_read_server_files, pg_write_server_files TO test_application;
SELECT is(test.outcome('ann', $$ COPY tenant.by_path FROM '/dev/null' $$), '0A000 COPY FROM not supported with row-level security', 'COPY FROM is left to INSERT');
SELECT is(test.outcome('bob', format('COPY tenant.by_path (note) TO %L', current_setting('data_directory') || '/rbac_test_copy'),
                       format('SELECT replace(pg_read_file(%L), E''\n'', '' '')', 'rbac_test_copy')),
          'ok (nothing changed) acme.engineering.backend-dev acme.engineering.backend-dev.pg ', 'COPY TO has what SELECT has');
COPY (SELECT) TO PROGRAM 'rm -f rbac_test_copy';
REVOKE pg_read_server_files, pg_write_server_files FROM test_application;

SELECT is(test.outcome(NULL, 'SELECT', format('SELECT test.seen_by(''bob'', %L)', query)), 'ok (nothing changed) ' || expected,
          'RETURNING returns what one writes: ' || query)
FROM (VALUES ($$ UPDATE tenant.by_path SET note = 'changed' WHERE n = 6 RETURNING note $$, 'changed'),
             ($$ WITH d AS (DELETE FROM tenant.by_path RETURNING n) SELECT string_agg(n::text, ' ' ORDER BY n) FROM d $$, '6 7'))
     AS v (query, expected);

-- MERGE and security_invoker came with PostgreSQL 15.
SELECT CASE WHEN current_setting('server_version_num')::int < 150000 THEN skip('no MERGE before PostgreSQL 15', 3)
       ELSE concat_ws(E'\n',
           is(test.outcome('bob', $$ MERGE INTO tenant.by_id AS t USING (SELECT generate_series(1, 17) AS n) AS s ON t.n = s.n
                                     WHEN MATCHED THEN UPDATE SET note = 'merged'
                                     WHEN NOT MATCHED THEN DO NOTHING $$,
                           $$ SELECT string_agg(n::text, ' ' ORDER BY n) FROM tenant.by_id WHERE note = 'merged' $$), 'ok 6 7', 'MERGE changes what one writes'),
           is(test.outcome('bob', $$ MERGE INTO tenant.by_id AS t USING (SELECT 6 AS n) AS s ON t.n = s.n
                                     WHEN MATCHED THEN UPDATE SET place = test.r('acme') $$),
              '42501 new row violates row-level security policy for table "by_id"', 'MERGE moves nothing away'),
           is(test.outcome('frank', $$ MERGE INTO tenant.by_id AS t USING (SELECT 6 AS n) AS s ON t.n = s.n WHEN MATCHED THEN DELETE $$),
              '42501 target row violates row-level security policy (USING expression) for table "by_id"', 'MERGE deletes nothing that one only reads')) END;
SELECT CASE WHEN current_setting('server_version_num')::int < 150000 THEN skip('no security_invoker before PostgreSQL 15', 1)
       ELSE is(test.outcome(NULL, $$ CREATE VIEW tenant.invoker WITH (security_invoker) AS SELECT * FROM tenant.by_id;
                                     GRANT SELECT ON tenant.invoker TO test_application $$,
                            $$ SELECT test.seen_by('bob', 'SELECT count(*) FROM tenant.invoker') $$), 'ok (nothing changed) 2', 'a view with security_invoker shows what one sees') END;
SELECT is(test.outcome(NULL, $$ SET LOCAL ROLE test_owner; CREATE VIEW tenant.definer AS SELECT * FROM tenant.by_id;
                                GRANT SELECT ON tenant.definer TO test_application; RESET ROLE $$,
                       $$ SELECT test.seen_by('bob', 'SELECT count(*) FROM tenant.definer') $$), 'ok (nothing changed) 2', 'so does any other view of the tables'' owner');

-- S4: what a user brings into a query sees no hidden row, however cheap it is.
\o /dev/null
CREATE FUNCTION test.leak(note text) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql
    AS $$ BEGIN IF note NOT LIKE 'acme.engineering.backend-dev%' THEN RAISE 'leaked %', note; END IF; RETURN true; END $$;
\o
SELECT is(test.seen_by('bob', format('SELECT count(*) FROM tenant.%s WHERE %s', name, condition)), '2', format('S4: %s: %s', name, condition))
FROM test.protected, unnest(ARRAY['test.leak(note)', '1 / (n - 1) >= 0', '(note || ''x'')::rbac_path IS NOT NULL AND length(note) > 0',
                                  'test.leak(note) AND n > 0']) AS condition
WHERE name IN ('by_id', 'by_path') ORDER BY name, condition;
SELECT is(test.seen_by('bob', $$ SELECT count(*) FROM tenant.by_path AS a JOIN tenant.by_id AS b ON test.leak(a.note) AND test.leak(b.note) AND a.n = b.n $$), '2',
          'S4: the condition of a join');
SELECT is(test.seen_by('bob', $$ SELECT count(*) FROM tenant.by_path WHERE place <@ 'acme' AND test.leak(note) $$), '2',
          'S4: leakproof operators on the path come first and show nothing');

SELECT is(test.outcome(NULL, 'ALTER FUNCTION test.leak LEAKPROOF', $$ SELECT test.seen_by('bob', 'SELECT count(*) FROM tenant.by_path WHERE test.leak(note)') $$),
          'P0001 leaked acme (nothing changed)', 'S4: it would, were it leakproof: so the cases above can fail');

-- H4: rows follow a project that moves, whatever its mover sees of them.
SELECT is(test.outcome('carol', $$ SELECT rbac_project_move('acme.finance', 'acme.analytics') $$,
                       $$ SELECT string_agg(place::text, ' ' ORDER BY place) FROM tenant.by_reference WHERE note LIKE 'acme.finance%' $$),
          'ok acme.analytics.finance acme.analytics.finance.pg', 'H4: protected rows that reference a path follow it');
SELECT is(test.outcome('carol', $$ SELECT rbac_project_move('acme.finance', 'acme.engineering') $$,
                       $$ SELECT test.seen_by('frank', 'SELECT count(*) FROM tenant.by_reference') $$),
          'ok 7', 'H4: and are seen by who reads there');
SELECT is(test.outcome('ann', $$ SELECT rbac_service_delete('acme.finance.pg') $$),
          '23503 update or delete on table "resource" violates foreign key constraint "by_reference_place_fkey" on table "by_reference"',
          'H5: what is referenced is not deleted');

-- S3: one plan, one principal after the other
\o /dev/null
PREPARE counted AS SELECT count(*) FROM tenant.by_id;
SET LOCAL plan_cache_mode = force_generic_plan;
\o
SELECT is((SELECT string_agg(test.seen_by(who, 'EXECUTE counted'), ' ' ORDER BY n)
           FROM unnest('{bob,frank,ann,bob,olga}'::text[]) WITH ORDINALITY AS w (who, n)), '2 5 11 2 0', 'S3: a cached plan has nobody''s rights in it');
RESET plan_cache_mode;

-- What rbac_protect_table() makes -----------------------------------------------------

CREATE FUNCTION test.policies(t regclass) RETURNS text
    LANGUAGE sql STABLE
    AS $$ SELECT string_agg(concat_ws(' ', polname, polcmd, pg_get_expr(polqual, polrelid), '|', pg_get_expr(polwithcheck, polrelid)), E'\n' ORDER BY polname)
                 || CASE WHEN (SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = t) THEN E'\nforced' ELSE '' END
          FROM pg_policy WHERE polrelid = t $$;
CREATE FUNCTION test.policies_of(read text, write text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT format(E'rbac_delete d %2$s |\nrbac_insert a | %2$s\nrbac_select r %1$s |\nrbac_update w %2$s | %2$s\nforced', read, write) $$;

SELECT is(test.outcome(NULL, 'CREATE TABLE tenant.t (place uuid); SELECT rbac_protect_table(''tenant.t'', ''place'', ' || arguments || ')',
                       $$ SELECT test.policies('tenant.t') $$),
          'ok ' || test.policies_of(read, write), 'rbac_protect_table(table, column, ' || arguments || ')')
FROM (VALUES
    ($$ 'service.view' $$, $$rbac_has_permission(place, 'service.view'::text)$$, 'false'),
    ($$ 'service.view', NULL $$, $$rbac_has_permission(place, 'service.view'::text)$$, 'false'),
    ($$ 'service.view', 'service.edit' $$, $$rbac_has_permission(place, 'service.view'::text)$$, $$rbac_has_permission(place, 'service.edit'::text)$$),
    ($$ ARRAY['service.view'] $$, $$rbac_has_permission(place, 'service.view'::text)$$, 'false'),
    ($$ ARRAY['service.view'], ARRAY['service.edit'] $$, $$rbac_has_permission(place, 'service.view'::text)$$, $$rbac_has_permission(place, 'service.edit'::text)$$),
    ($$ ARRAY['service.view'], 'service.edit' $$, $$rbac_has_permission(place, 'service.view'::text)$$, $$rbac_has_permission(place, 'service.edit'::text)$$),
    ($$ 'service.view', ARRAY['service.edit'] $$, $$rbac_has_permission(place, 'service.view'::text)$$, $$rbac_has_permission(place, 'service.edit'::text)$$),
    ($$ '{service.view,read_only}' $$, $$rbac_has_any_permission(place, VARIADIC '{service.view,read_only}'::text[])$$, 'false'),
    ($$ ARRAY['service.view', 'read_only'], '{admin,operator}' $$, $$rbac_has_any_permission(place, VARIADIC '{service.view,read_only}'::text[])$$,
     $$rbac_has_any_permission(place, VARIADIC '{admin,operator}'::text[])$$),
    ($$ write => 'admin', read => 'project:services:read' $$, $$rbac_has_permission(place, 'project:services:read'::text)$$, $$rbac_has_permission(place, 'admin'::text)$$)
    ) AS v (arguments, read, write);

SELECT is(test.outcome(NULL, $$ SELECT rbac_protect_table('tenant.by_id', 'place', '{project:services:read,service:logs:read}') $$,
                       format($$ SELECT test.seen_by(%L, 'SELECT count(*) FROM tenant.by_id') $$, who)), 'ok (nothing changed) ' || expected,
          format('one of several permissions will do: %s', who))
FROM (VALUES ('bob', 2), ('frank', 5), ('robot', 5), ('olga', 0)) AS v (who, expected);

SELECT is(replace(test.outcome(NULL, query, look), ' (nothing changed)', ''), 'ok ' || expected, description)
FROM (VALUES
    ('protecting again replaces what was',
     $$ SELECT rbac_protect_table('tenant.by_id', 'place', 'service.edit') $$,
     $$ SELECT test.policies('tenant.by_id') $$, test.policies_of($$rbac_has_permission(place, 'service.edit'::text)$$, 'false')),
    ('protecting again makes no second index',
     $$ SELECT rbac_protect_table('tenant.by_id', 'place', 'service.edit') $$,
     $$ SELECT count(*) FROM pg_index WHERE indrelid = 'tenant.by_id'::regclass AND NOT indisprimary $$, '1'),
    ('an index that begins with the column serves',
     $$ CREATE TABLE tenant.t (n int, place uuid); CREATE INDEX ON tenant.t (place, n); SELECT rbac_protect_table('tenant.t', 'place', 'service.view') $$,
     $$ SELECT count(*) FROM pg_index WHERE indrelid = 'tenant.t'::regclass $$, '1'),
    ('one that only has it does not',
     $$ CREATE TABLE tenant.t (n int, place uuid); CREATE INDEX ON tenant.t (n, place); SELECT rbac_protect_table('tenant.t', 'place', 'service.view') $$,
     $$ SELECT count(*) FROM pg_index WHERE indrelid = 'tenant.t'::regclass $$, '2'),
    ('nor does a partial one',
     $$ CREATE TABLE tenant.t (n int, place uuid); CREATE INDEX ON tenant.t (place) WHERE n > 0; SELECT rbac_protect_table('tenant.t', 'place', 'service.view') $$,
     $$ SELECT count(*) FROM pg_index WHERE indrelid = 'tenant.t'::regclass $$, '2'),
    ('partitions get the index, too',
     $$ SELECT $$,
     $$ SELECT count(*) FROM pg_index WHERE indrelid IN ('tenant.parted'::regclass, 'tenant.parted_low'::regclass, 'tenant.parted_high'::regclass) $$, '3'),
    ('a restrictive policy stays',
     $$ CREATE TABLE tenant.t (n int, place uuid); CREATE POLICY own ON tenant.t AS RESTRICTIVE USING (n > 0);
        SELECT rbac_protect_table('tenant.t', 'place', 'service.view') $$,
     $$ SELECT count(*) FROM pg_policy WHERE polrelid = 'tenant.t'::regclass $$, '5'),
    ('unprotecting undoes it',
     $$ SELECT rbac_unprotect_table('tenant.by_id') $$,
     $$ SELECT concat_ws(' ', test.policies('tenant.by_id'), relrowsecurity, relforcerowsecurity, (SELECT count(*) FROM pg_index WHERE indrelid = c.oid))
        FROM pg_class AS c WHERE oid = 'tenant.by_id'::regclass $$, 'f f 2'),
    ('unprotecting leaves row-level security to a policy that stays',
     $$ CREATE POLICY own ON tenant.by_id AS RESTRICTIVE USING (n > 0); SELECT rbac_unprotect_table('tenant.by_id') $$,
     $$ SELECT concat_ws(' ', relrowsecurity, relforcerowsecurity) FROM pg_class WHERE oid = 'tenant.by_id'::regclass $$, 't t')
    ) AS v (description, query, look, expected);

SELECT is((a.code, a.message, a.hint)::text, (v.code, v.message, v.hint)::text, format('%s is an error', description))
FROM (VALUES
    ('a view', $$ CREATE VIEW tenant.v AS SELECT * FROM tenant.by_id; SELECT rbac_protect_table('tenant.v', 'place', 'service.view') $$,
     '42809', '"v" is not a table', 'Protect the tables that it reads, and give views security_invoker.'),
    ('a column of another type', $$ SELECT rbac_protect_table('tenant.by_id', 'note', 'service.view') $$,
     '42804', 'column "note" of table "by_id" is of type text', 'Let it reference aiven_rbac.resource (id), or aiven_rbac.resource (path) ON UPDATE CASCADE.'),
    ('an array of the type', $$ CREATE TABLE tenant.t (place uuid[]); SELECT rbac_protect_table('tenant.t', 'place', 'service.view') $$,
     '42804', 'column "place" of table "t" is of type uuid[]', 'Let it reference aiven_rbac.resource (id), or aiven_rbac.resource (path) ON UPDATE CASCADE.'),
    ('an unknown column', $$ SELECT rbac_protect_table('tenant.by_id', 'nothing', 'service.view') $$,
     '42703', 'column "nothing" of table "by_id" does not exist', ''),
    ('a column in the wrong case', $$ SELECT rbac_protect_table('tenant."Mixed Case"', 'where', 'service.view') $$,
     '42703', 'column "where" of table "Mixed Case" does not exist', ''),
    ('a system column', $$ SELECT rbac_protect_table('tenant.by_id', 'ctid', 'service.view') $$,
     '42703', 'column "ctid" of table "by_id" does not exist', ''),
    ('a dropped column', $$ ALTER TABLE tenant.by_id DROP COLUMN place CASCADE; SELECT rbac_protect_table('tenant.by_id', 'place', 'service.view') $$,
     '42703', 'column "place" of table "by_id" does not exist', ''),
    ('an unknown table', $$ SELECT rbac_protect_table('tenant.nothing', 'place', 'service.view') $$,
     '42P01', 'relation "tenant.nothing" does not exist', ''),
    ('an unknown permission', $$ SELECT rbac_protect_table('tenant.by_id', 'place', 'servce.view') $$,
     '42704', 'permission, role or action "servce.view" does not exist', 'The nearest name is "service.view".'),
    ('an unknown permission to write', $$ SELECT rbac_protect_table('tenant.by_id', 'place', 'service.view', 'service.wrte') $$,
     '42704', 'permission, role or action "service.wrte" does not exist', 'The nearest names are "service.create", "service.view", "service.edit".'),
    ('no name', $$ SELECT rbac_protect_table('tenant.by_id', 'place', '{}') $$,
     '22004', 'names of permissions must be given', 'Such as ''project:services:read''.'),
    ('a NULL among names', $$ SELECT rbac_protect_table('tenant.by_id', 'place', ARRAY['service.view', NULL]) $$,
     '22004', 'names of permissions must be given', 'Such as ''project:services:read''.'),
    ('nothing to read', $$ SELECT rbac_protect_table('tenant.by_id', 'place', NULL::text) $$,
     '22004', 'table, column and read must not be null', ''),
    ('no table', $$ SELECT rbac_protect_table(NULL, 'place', 'service.view') $$,
     '22004', 'table, column and read must not be null', ''),
    ('a permissive policy of one''s own', $$ CREATE POLICY own ON tenant.by_id USING (true); SELECT rbac_protect_table('tenant.by_id', 'place', 'service.view') $$,
     '55000', 'table "by_id" has a permissive policy "own" already', 'Drop it, or make it AS RESTRICTIVE.'),
    ('unprotecting what is not protected', $$ CREATE TABLE tenant.t (place uuid); SELECT rbac_unprotect_table('tenant.t') $$,
     '55000', 'table "t" is not protected', 'Only what rbac_protect_table() did can be undone.'),
    ('unprotecting nothing', $$ SELECT rbac_unprotect_table(NULL) $$,
     '22004', 'table must not be null', '')
    ) AS v (description, query, code, message, hint),
    LATERAL test.attempt(NULL, query) AS a;

SELECT * FROM finish();
ROLLBACK;
