-- Protected tables: which rows a principal sees, writes, and can move where;
-- what rbac_protect_table() and rbac_unprotect_table() do to a table, and to
-- which they do nothing (G10; H4 for rows that follow a move).  Attempts to get
-- at more than that are in test/attack/rows.sql.
BEGIN;
\ir lib/helpers.sql
\ir lib/world.sql
\ir lib/tenant.sql

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

-- H3: whoever takes a path that was another organization's is given none of its
-- rows: they have followed, or the path is not to be had.
SELECT is(test.outcome(NULL, $$ SELECT rbac_organization_rename('globex', 'Globex', 'globex-corp'); SELECT rbac_project_edit('globex-corp.factory', label => 'plant');
                                SELECT rbac_organization_create('globex', 'Now mine', test.p('bob')); SELECT rbac_project_create('globex', 'factory') $$,
                       format($$ SELECT string_agg(test.seen_by(who, 'SELECT count(*) FROM tenant.%s WHERE note LIKE ''globex%%'''), ' ' ORDER BY n)
                                 FROM unnest('{bob,gina}'::text[]) WITH ORDINALITY AS w (who, n) $$, name)),
          'ok 0 4', format('H3: %s: a path that is taken anew', name))
FROM unnest('{by_path,by_reference,parted}'::text[]) AS name;
SELECT is(test.outcome('gina', $$ SELECT rbac_project_delete('globex.factory') $$),
          '23503 update or delete on table "resource" violates foreign key constraint "by_reference_place_fkey" on table "by_reference"',
          'H3: a path with rows is not given up');
SELECT is(has_column_privilege('test_owner', 'aiven_rbac.resource', 'path', 'REFERENCES'), false,
          'S6: the tables'' owner may not reference the hierarchy');
SELECT is(test.outcome(NULL, $$ SET LOCAL ROLE test_owner; CREATE TABLE tenant.t (place rbac_path REFERENCES aiven_rbac.resource (path)) $$),
          '42501 permission denied for table resource', 'S6: nor declare a key by other means');

-- What rbac_protect_table() makes -----------------------------------------------------

CREATE FUNCTION test.policies(t regclass) RETURNS text
    LANGUAGE sql STABLE
    AS $$ SELECT string_agg(concat_ws(' ', polname, polcmd, pg_get_expr(polqual, polrelid), '|', pg_get_expr(polwithcheck, polrelid)), E'\n' ORDER BY polname)
                 || CASE WHEN (SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = t) THEN E'\nforced' ELSE '' END
          FROM pg_policy WHERE polrelid = t $$;
CREATE FUNCTION test.policies_of(read text, write text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT format(E'rbac_delete d %2$s |\nrbac_insert a | %2$s\nrbac_select r %1$s |\nrbac_update w %2$s | %2$s\nforced', read, write) $$;

-- The validated keys of a table
CREATE FUNCTION test.keys(t regclass) RETURNS text
    LANGUAGE sql STABLE
    AS $$ SELECT string_agg(pg_get_constraintdef(oid), '; ' ORDER BY pg_get_constraintdef(oid)) FROM pg_constraint
          WHERE conrelid = t AND contype = 'f' AND convalidated $$;

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

SELECT is(test.outcome(NULL, $$ SELECT rbac_protect_table('tenant.by_id', 'place', '{project:services:read,service:logs:read}', replace => true) $$,
                       format($$ SELECT test.seen_by(%L, 'SELECT count(*) FROM tenant.by_id') $$, who)), 'ok (nothing changed) ' || expected,
          format('one of several permissions will do: %s', who))
FROM (VALUES ('bob', 2), ('frank', 5), ('robot', 5), ('olga', 0)) AS v (who, expected);

SELECT is(replace(test.outcome(NULL, query, look), ' (nothing changed)', ''), 'ok ' || expected, description)
FROM (VALUES
    ('protecting anew replaces what was',
     $$ SELECT rbac_protect_table('tenant.by_id', 'place', 'service.edit', replace => true) $$,
     $$ SELECT test.policies('tenant.by_id') $$, test.policies_of($$rbac_has_permission(place, 'service.edit'::text)$$, 'false')),
    ('protecting again makes no second index',
     $$ SELECT rbac_protect_table('tenant.by_id', 'place', 'service.edit', replace => true) $$,
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
    ('the key that lets paths follow is declared and validated',
     $$ SELECT $$,
     $$ SELECT test.keys('tenant.by_path') $$, 'FOREIGN KEY (place) REFERENCES aiven_rbac.resource(path) ON UPDATE CASCADE'),
    ('one that stands serves',
     $$ SELECT $$,
     $$ SELECT test.keys('tenant.by_reference') $$, 'FOREIGN KEY (place) REFERENCES aiven_rbac.resource(path) ON UPDATE CASCADE'),
    ('whatever it does about deletions',
     $$ CREATE TABLE tenant.t (place rbac_path REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE ON DELETE CASCADE);
        SELECT rbac_protect_table('tenant.t', 'place', 'service.view') $$,
     $$ SELECT test.keys('tenant.t') $$, 'FOREIGN KEY (place) REFERENCES aiven_rbac.resource(path) ON UPDATE CASCADE ON DELETE CASCADE'),
    ('protecting again makes no second key',
     $$ SET LOCAL ROLE test_owner; SELECT rbac_protect_table('tenant.by_path', 'place', 'service.edit', replace => true);
        SELECT rbac_protect_table('tenant.parted', 'place', 'service.edit', replace => true); RESET ROLE $$,
     $$ SELECT test.keys('tenant.by_path') = test.keys('tenant.parted')
               AND test.keys('tenant.parted') = 'FOREIGN KEY (place) REFERENCES aiven_rbac.resource(path) ON UPDATE CASCADE' $$, 'true'),
    ('one that does not act does not serve',
     $$ CREATE TABLE tenant.t (place rbac_path REFERENCES aiven_rbac.resource (path)); SELECT rbac_protect_table('tenant.t', 'place', 'service.view') $$,
     $$ SELECT test.keys('tenant.t') $$,
     'FOREIGN KEY (place) REFERENCES aiven_rbac.resource(path); FOREIGN KEY (place) REFERENCES aiven_rbac.resource(path) ON UPDATE CASCADE'),
    ('nor does that of another column',
     $$ CREATE TABLE tenant.t (place rbac_path, other rbac_path REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE);
        SELECT rbac_protect_table('tenant.t', 'place', 'service.view') $$,
     $$ SELECT test.keys('tenant.t') $$,
     'FOREIGN KEY (other) REFERENCES aiven_rbac.resource(path) ON UPDATE CASCADE; FOREIGN KEY (place) REFERENCES aiven_rbac.resource(path) ON UPDATE CASCADE'),
    ('one that is not validated is',
     $$ CREATE TABLE tenant.t (place rbac_path);
        ALTER TABLE tenant.t ADD FOREIGN KEY (place) REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE NOT VALID;
        SELECT rbac_protect_table('tenant.t', 'place', 'service.view') $$,
     $$ SELECT test.keys('tenant.t') $$, 'FOREIGN KEY (place) REFERENCES aiven_rbac.resource(path) ON UPDATE CASCADE'),
    ('names are quoted',
     $$ CREATE TABLE tenant."T (x" (")) Where""" rbac_path); SELECT rbac_protect_table('tenant."T (x"', ')) Where"', 'service.view') $$,
     $$ SELECT test.keys('tenant."T (x"') $$, 'FOREIGN KEY (")) Where""") REFERENCES aiven_rbac.resource(path) ON UPDATE CASCADE'),
    ('partitions of partitions follow, and such as come later',
     $$ SET LOCAL ROLE test_owner;
        CREATE TABLE tenant.t (n int, place rbac_path) PARTITION BY RANGE (n);
        CREATE TABLE tenant.t0 PARTITION OF tenant.t FOR VALUES FROM (0) TO (10) PARTITION BY LIST (place);
        CREATE TABLE tenant.t00 PARTITION OF tenant.t0 FOR VALUES IN ('acme');
        CREATE TABLE tenant.t01 PARTITION OF tenant.t0 DEFAULT;
        RESET ROLE; INSERT INTO tenant.t VALUES (1, 'acme'), (2, 'acme.finance'); SET LOCAL ROLE test_owner;
        SELECT rbac_protect_table('tenant.t', 'place', 'service.view');
        CREATE TABLE tenant.t1 PARTITION OF tenant.t FOR VALUES FROM (10) TO (20); RESET ROLE;
        INSERT INTO tenant.t VALUES (11, 'acme.finance.pg');
        SELECT rbac_organization_rename('acme', 'Acme', 'acme2') $$,
     $$ SELECT string_agg(concat_ws(' ', tableoid::regclass, place), ', ' ORDER BY n) FROM tenant.t $$,
     'tenant.t01 acme2, tenant.t01 acme2.finance, tenant.t1 acme2.finance.pg'),
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
    ('protecting again', $$ SELECT rbac_protect_table('tenant.by_id', 'place', 'service.view') $$,
     '42710', 'table "by_id" is protected already', 'To protect it anew, say replace => true. Policies for a second column can be made AS RESTRICTIVE beside these.'),
    ('a space of ids', $$ SELECT rbac_protect_table('tenant.by_id', 'place', 'service.view', space => 'tenant') $$,
     '42804', 'column "place" of table "by_id" is of type uuid', 'A column of type uuid or rbac_path names a resource by itself: leave out the space.'),
    ('a space without a name', $$ SELECT rbac_protect_table('tenant.by_id', 'n', 'service.view', space => '') $$,
     '22023', 'invalid space of keys', 'It names a kind of key, such as ''tenant'', in 1 to 63 characters, none of them invisible.'),
    ('a column of another type', $$ SELECT rbac_protect_table('tenant.by_id', 'note', 'service.view') $$,
     '42804', 'column "note" of table "by_id" is of type text', 'If its values are keys of your own, say of what, such as space => ''tenant'', and give resources the ids that rbac_id() makes of them.'),
    ('an array of the type', $$ CREATE TABLE tenant.t (place uuid[]); SELECT rbac_protect_table('tenant.t', 'place', 'service.view') $$,
     '42804', 'column "place" of table "t" is of type uuid[]', 'Let it reference aiven_rbac.resource (id), or aiven_rbac.resource (path) ON UPDATE CASCADE.'),
    ('a domain over the type', $$ CREATE DOMAIN tenant.d AS rbac_path; CREATE TABLE tenant.t (place tenant.d);
                                   SELECT rbac_protect_table('tenant.t', 'place', 'service.view') $$,
     '42804', 'column "place" of table "t" is of type tenant.d', 'Let it reference aiven_rbac.resource (id), or aiven_rbac.resource (path) ON UPDATE CASCADE.'),
    ('a path that does not exist', $$ CREATE TABLE tenant.t (n int, place rbac_path);
                                      INSERT INTO tenant.t VALUES (1, 'acme'), (2, NULL), (3, 'acme.no'), (4, 'acme.no'), (5, 'never');
                                      SELECT rbac_protect_table('tenant.t', 'place', 'service.view') $$,
     '23503', 'table "t" has rows with paths that do not exist', 'Correct or delete these rows, or set their column "place" to null.'),
    ('one in a partition', $$ CREATE TABLE tenant.t (n int, place rbac_path) PARTITION BY RANGE (n);
                              CREATE TABLE tenant.t0 PARTITION OF tenant.t DEFAULT; INSERT INTO tenant.t VALUES (1, 'never');
                              SELECT rbac_protect_table('tenant.t', 'place', 'service.view') $$,
     '23503', 'table "t0" has rows with paths that do not exist', 'Correct or delete these rows, or set their column "place" to null.'),
    ('a table that is partitioned by an expression', $$ CREATE TABLE tenant.t (n int, place rbac_path) PARTITION BY RANGE ((n + 1));
                                                        SELECT rbac_protect_table('tenant.t', 'place', 'service.view') $$,
     '0A000', 'cannot declare a foreign key on partitioned table "t"',
     'Let a superuser declare it: ALTER TABLE tenant.t ADD FOREIGN KEY (place) REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE'),
    ('a temporary table with paths', $$ CREATE TEMPORARY TABLE temporary (place rbac_path); SELECT rbac_protect_table('temporary', 'place', 'service.view') $$,
     '42P16', 'constraints on temporary tables may reference only temporary tables', ''),
    ('a key for a table of somebody else''s', $$ SET LOCAL ROLE test_application; SELECT aiven_rbac.declare_key((SELECT oid FROM pg_class WHERE relname = 'by_path'), 'place') $$,
     '42501', 'must be owner of table by_path', ''),
    ('a key for a column that holds no paths', $$ SELECT aiven_rbac.declare_key('tenant.by_id', 'place') $$,
     '42804', 'column "place" of table "by_id" is not of type rbac_path', ''),
    ('a key for a column that is none', $$ SELECT aiven_rbac.declare_key('tenant.by_id', 'nothing') $$,
     '42804', 'column "nothing" of table "by_id" is not of type rbac_path', ''),
    ('a key for no table', $$ SELECT aiven_rbac.declare_key(0, 'place') $$,
     '42P01', 'table with OID 0 does not exist', ''),
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
    ('an organization''s own role', $$ SELECT rbac_role_create('acme', 'auditor', '{service.view}', '{organization}');
                                       SELECT rbac_protect_table('tenant.by_id', 'place', ARRAY['admin', 'auditor']) $$,
     '42809', 'a policy cannot require role "auditor", which is an organization''s own',
     'Name an action, or a role or permission that all organizations have.'),
    ('one to write', $$ SELECT rbac_role_create('acme', 'auditor', '{service.view}', '{organization}');
                        SELECT rbac_protect_table('tenant.by_id', 'place', 'admin', 'auditor') $$,
     '42809', 'a policy cannot require role "auditor", which is an organization''s own',
     'Name an action, or a role or permission that all organizations have.'),
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

SELECT is((test.attempt(NULL, $$ CREATE TABLE tenant.t (place rbac_path);
                                 INSERT INTO tenant.t SELECT unnest('{acme,acme.no,acme.no,b,c,d}'::rbac_path[]);
                                 SELECT rbac_protect_table('tenant.t', 'place', 'service.view') $$)).detail,
          'Such as "acme.no", "b", "c".', 'the error names some of the paths that do not exist');

SELECT * FROM finish();
ROLLBACK;
