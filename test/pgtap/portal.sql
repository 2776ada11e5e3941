-- S3: an open cursor gives no row to whoever has lost the right to it since, nor
-- to another principal, whatever its query has found by then and however it is
-- executed; a gain, and a change elsewhere, lets it go on.
BEGIN;
\i test/pgtap/lib/helpers.sql
\i test/pgtap/lib/world.sql
SELECT plan(32);

-- bob may read engineering by a group and the warehouse by a role of acme's own.
-- carol, who administers acme, reaches so much that an index is not given a list.
\o /dev/null
SELECT rbac_group_member_add(rbac_group('acme', 'team'), test.p('bob'));
SELECT rbac_grant(rbac_group('acme', 'team'), 'read_only', 'acme.engineering');
SELECT rbac_role_create('acme', 'looker', '{service.view,project_tag.view}', '{project}');
SELECT rbac_grant(test.p('bob'), 'looker', 'acme.analytics.warehouse');
SELECT rbac_project_create('acme', 'crowd', NULL, NULL, test.id('crowd'));
INSERT INTO aiven_rbac.resource (id, kind, organization, parent, path, name)
SELECT test.id('crowd' || n), 'service', test.id('acme'), test.id('crowd'), ('acme.crowd.s' || n)::rbac_path, n
FROM generate_series(1, 2600) AS n;
\o

-- Ten rows of each project of acme, in one table by id and in one by path
CREATE TABLE by_id AS
SELECT row_number() OVER (ORDER BY g, path)::int AS n, id AS project
FROM aiven_rbac.resource, generate_series(1, 10) AS g WHERE kind = 'project' AND organization = test.id('acme') AND id <> test.id('crowd');
CREATE TABLE by_path AS SELECT n, rbac_resource_path(project) AS project FROM by_id;
CREATE TABLE plain AS SELECT n FROM generate_series(1, 2000) AS n;
CREATE INDEX ON by_id (project);
CREATE INDEX ON by_path (project);
ALTER TABLE by_id ENABLE ROW LEVEL SECURITY;
ALTER TABLE by_path ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON by_id USING (rbac_has_permission(project, 'service.view'));
CREATE POLICY readers ON by_path USING (rbac_has_permission(project, 'service.view'));
CREATE FUNCTION rows_at_once() RETURNS SETOF int LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT n FROM by_id; END';
CREATE FUNCTION rows_one_by_one() RETURNS SETOF int LANGUAGE sql STABLE SET work_mem = '4MB' AS 'SELECT n FROM by_id';
GRANT SELECT ON by_id, by_path, plain TO test_application;
ANALYZE by_id, by_path, plain;

-- Ways to find the rows.  One that keeps something from piece to piece has found
-- more than it has given, or goes by a list or by a range; the others ask anew.
CREATE TABLE way (name text PRIMARY KEY, person text, keeps boolean, node text, off text, query text);
INSERT INTO way VALUES
    ('index, ids',         'bob',  true,  'Index Scan%project = ANY',        'bitmapscan,seqscan',           'SELECT n FROM by_id'),
    ('index, paths',       'bob',  true,  'Index Scan%project = ANY',        'bitmapscan,seqscan',           'SELECT n FROM by_path'),
    ('bitmap, ids',        'bob',  false, 'Bitmap Index Scan%= ANY',         'indexscan,seqscan',            'SELECT n FROM by_id'),
    ('bitmap, paths',      'bob',  false, 'Bitmap Index Scan%= ANY',         'indexscan,seqscan',            'SELECT n FROM by_path'),
    ('index, a range',     'carol', false, 'Index Scan%project >=',           'bitmapscan,seqscan',           'SELECT n FROM by_path'),
    ('filter, ids',        'bob',  false, 'Seq Scan%Filter',                 'indexscan,bitmapscan',         'SELECT n FROM by_id'),
    ('filter, paths',      'bob',  false, 'Seq Scan%Filter',                 'indexscan,bitmapscan',         'SELECT n FROM by_path'),
    ('filter, wide',       'carol', false, 'Seq Scan%Filter',                 'indexscan,bitmapscan',         'SELECT n FROM by_id'),
    ('sort, ids',          'bob',  true,  'Sort%Seq Scan',                   'indexscan,bitmapscan',         'SELECT n FROM by_id ORDER BY -n'),
    ('sort, paths',        'bob',  true,  'Sort%Seq Scan',                   'indexscan,bitmapscan',         'SELECT n FROM by_path ORDER BY -n'),
    ('sort, wide',         'carol', true,  'Sort%Seq Scan',                   'indexscan,bitmapscan',         'SELECT n FROM by_id ORDER BY -n'),
    ('hash',               'bob',  true,  '->  Hash %->  Seq Scan on by_id', 'indexscan,bitmapscan,mergejoin,nestloop',
     'SELECT n FROM plain AS p JOIN by_id AS i USING (n)'),
    ('aggregate',          'bob',  true,  'HashAggregate',                   'indexscan,bitmapscan,sort',    'SELECT max(n) FROM by_id GROUP BY n'),
    ('materialized',       'bob',  true,  'Materialize%by_id',               'hashjoin,mergejoin,bitmapscan,indexscan',
     'SELECT i.n FROM plain AS p, by_id AS i WHERE p.n <= 60'),
    ('outer row of a join', 'bob', true,  'Nested Loop%by_id%Function Scan', 'hashjoin,mergejoin,material',  'SELECT i.n FROM by_id AS i, LATERAL generate_series(1, 3)'),
    ('common table',       'bob',  true,  'by_id%CTE Scan',                  '',                             'WITH i AS MATERIALIZED (SELECT n FROM by_id ORDER BY n) SELECT n FROM i UNION ALL SELECT n FROM i'),
    ('function, PL/pgSQL', 'bob',  true,  'Function Scan',                   '',                             'SELECT * FROM rows_at_once()'),
    ('function, SQL',      'bob',  true,  'Function Scan',                   '',                             'SELECT * FROM rows_one_by_one()');

-- What happens between two pieces: to whom something is lost, and to whom not
CREATE TABLE change (name text PRIMARY KEY, loses text[], command text);
INSERT INTO change VALUES
    ('the grant is revoked',      '{bob}',  $$ SELECT rbac_revoke(rbac_group('acme', 'team'), 'read_only', 'acme.engineering') $$),
    ('the grant is over',         '{bob}',  $$ UPDATE aiven_rbac.access_grant SET valid_until = 'epoch' WHERE principal = rbac_group('acme', 'team') $$),
    ('out of the group',          '{bob}',  $$ SELECT rbac_group_member_remove(rbac_group('acme', 'team'), test.p('bob')) $$),
    ('the group is deleted',      '{bob}',  $$ SELECT rbac_group_delete(rbac_group('acme', 'team')) $$),
    ('the role is less',          '{bob}',  $$ SELECT rbac_role_edit('acme', 'looker', members => '{project_tag.view}') $$),
    ('out of the organization',   '{bob,carol}', $$ SELECT rbac_member_remove('acme', test.p(name)) FROM unnest('{bob,carol}'::text[]) AS name $$),
    ('deactivated',               '{bob,carol}', $$ UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE name IN ('bob', 'carol') $$),
    ('deleted',                   '{bob,carol}', $$ DELETE FROM aiven_rbac.principal WHERE name IN ('bob', 'carol') $$),
    ('the policy is stricter',    '{bob,carol}', $$ INSERT INTO aiven_rbac.authentication_policy (organization, require_two_factor) VALUES (test.id('acme'), true) $$),
    ('the project is moved',      '{bob,carol by path}', $$ SELECT rbac_project_move('acme.engineering.backend-dev', 'acme') $$),
    ('the project is another one''s', '{bob,carol}', $$ SELECT rbac_project_move('acme.engineering.backend-dev', 'globex', rbac_billing_group_create('globex', 'main')) $$),
    ('the project has another name', '{bob by path,carol by path}', $$ SELECT rbac_project_edit('acme.engineering.backend-dev', label => 'backend') $$),
    ('moved away, and another has its path', '{bob,carol by path}', $$ SELECT rbac_project_move('acme.engineering.backend-dev', 'acme');
                                               SELECT rbac_project_edit('acme.backend-dev', label => 'backend');
                                               SELECT rbac_project_create('acme.engineering', 'backend-dev') $$),
    ('another project has its path', '{bob by path,carol by path}', $$ SELECT rbac_project_edit('acme.engineering.backend-dev', label => 'backend');
                                               SELECT rbac_project_create('acme.engineering', 'backend-dev') $$),

    ('nothing',                   '{}',     'SELECT 1'),
    ('granted more',              '{}',     $$ SELECT rbac_grant(test.p(name), 'admin', 'acme.finance') FROM unnest('{bob,carol}'::text[]) AS name $$),
    ('granted twice, revoked once', '{}',   $$ SELECT rbac_grant(test.p('bob'), 'developer', 'acme.engineering');
                                               SELECT rbac_revoke(rbac_group('acme', 'team'), 'read_only', 'acme.engineering') $$),
    ('super admin',               '{}',     $$ SELECT rbac_super_admin_add('acme', test.p(name)) FROM unnest('{bob,carol}'::text[]) AS name $$),
    ('granted to somebody else',  '{}',     $$ SELECT rbac_grant(test.p('frank'), 'admin', 'acme.engineering') $$),
    ('revoked from somebody else', '{}',    $$ SELECT rbac_revoke(test.p('erin'), 'admin', 'acme.engineering.backend-dev') $$),
    ('a project is created',      '{}',     $$ SELECT rbac_project_create('acme.engineering', 'newest') $$),
    ('a project elsewhere is moved', '{}',  $$ SELECT rbac_project_move('globex.research.lab', 'globex') $$),
    ('a project elsewhere is deleted', '{}', $$ SELECT rbac_project_delete('globex.factory') $$),
    ('a project is moved into reach', '{carol by path}', $$ SELECT rbac_project_move('acme.finance', 'acme.engineering') $$),
    ('a role is created',         '{}',     $$ SELECT rbac_role_create('globex', 'looker', '{service.view}', '{project}') $$),
    ('the role is more',          '{}',     $$ SELECT rbac_role_edit('acme', 'looker', members => '{service.view,service.power,project_tag.view}') $$),
    ('another display name',      '{}',     $$ SELECT rbac_project_edit('acme.engineering.backend-dev', name => 'Backend') $$),
    ('the policy is satisfied',   '{}',     $$ INSERT INTO aiven_rbac.authentication_policy (organization, require_two_factor) VALUES (test.id('acme'), false) $$);

CREATE FUNCTION test.settings(off text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('enable_' || name, CASE WHEN name = ANY (string_to_array(off, ',')) THEN 'off' ELSE 'on' END, true)
    FROM unnest('{bitmapscan,indexscan,seqscan,hashjoin,mergejoin,nestloop,material,sort}'::text[]) AS name;
END $$;

CREATE FUNCTION test.plan_of(w way) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    result text := '';
BEGIN
    PERFORM rbac_set_principal(test.p(w.person)), test.settings(w.off);
    SET LOCAL ROLE test_application;
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || w.query LOOP
        result := result || line || ' ';
    END LOOP;
    RESET ROLE;
    PERFORM rbac_reset_principal();
    RETURN result;
END $$;

-- Open a cursor, fetch a row, let something happen while no principal is set,
-- and fetch the rest on behalf of "later": the number of rows, or the error
CREATE FUNCTION test.fetch_over(w way, command text, later text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    listing refcursor;
    seen record;
    rows int;
    moved int;
    result text;
BEGIN
    PERFORM rbac_set_principal(test.p(w.person)), test.settings(w.off);
    SET LOCAL ROLE test_application;
    BEGIN
        OPEN listing NO SCROLL FOR EXECUTE w.query;
        FETCH listing INTO seen;
        RESET ROLE;
        PERFORM rbac_reset_principal();
        EXECUTE command;
        IF later IS NOT NULL THEN
            PERFORM rbac_set_principal(test.id(later));
        END IF;
        SET LOCAL ROLE test_application;
        FETCH listing INTO seen;
        rows := 1 + FOUND::int;
        MOVE FORWARD ALL IN listing;
        GET DIAGNOSTICS moved = ROW_COUNT;
        rows := rows + moved;
        RAISE SQLSTATE 'UNDO0';
    EXCEPTION
        WHEN SQLSTATE 'UNDO0' THEN result := rows;
        WHEN OTHERS THEN result := SQLSTATE || ' ' || SQLERRM;
    END;
    RESET ROLE;
    PERFORM rbac_reset_principal();
    RETURN result;
END $$;

SELECT is_empty($$ SELECT name, test.plan_of(w) FROM way AS w WHERE test.plan_of(w) NOT LIKE '%' || node || '%' $$,
                'each way is executed as its name says');

ALTER TABLE way ADD undisturbed text;
UPDATE way AS w SET undisturbed = test.fetch_over(w, 'SELECT 1', w.person);
SELECT is_empty($$ SELECT name, undisturbed FROM way WHERE undisturbed !~ '^\d+$' OR undisturbed::int < 3 $$,
                'each way finds several rows');

CREATE TABLE outcome AS
SELECT w.name AS way, c.name AS change, w.keeps, w.undisturbed, test.fetch_over(w, c.command, w.person) AS result,
       w.person = ANY (c.loses) OR (w.query LIKE '%by_path%' AND w.person || ' by path' = ANY (c.loses)) AS loses
FROM way AS w, change AS c;
SELECT is_empty($$ SELECT way, change, result FROM outcome WHERE loses AND keeps AND result NOT LIKE '24000 %has lost rights since%' $$,
                'S3: whoever has lost something gets no row that was found before');
SELECT is_empty($$ SELECT way, change, result FROM outcome WHERE loses AND NOT keeps AND result NOT LIKE '24000 %' AND result <> '1' $$,
                'S3: nor one that was not');
SELECT is_empty($$ SELECT way, change, result FROM outcome
                   WHERE NOT loses AND CASE WHEN result ~ '^\d+$' THEN result::int < undisturbed::int ELSE true END $$,
                'S3: whoever has lost nothing gets them all');
SELECT is_empty($$ SELECT w.name, test.fetch_over(w, 'SELECT 1', other) FROM way AS w, unnest('{ann,hank}'::text[]) AS other
                   WHERE keeps AND test.fetch_over(w, 'SELECT 1', other) NOT LIKE '24000 %principal has changed since%' $$,
                'S3: another principal gets none, with more rights or with less');
SELECT is_empty($$ SELECT name, test.fetch_over(w, 'SELECT 1', NULL) FROM way AS w
                   WHERE test.fetch_over(w, 'SELECT 1', NULL) !~ CASE WHEN keeps THEN '^24000 .*principal has changed' ELSE '^(24000|1$)' END $$,
                'S3: nor does no principal');

-- The extension's own lists and views
SELECT alike(test.fetch_over(ROW ('', person, true, '', '', query, ''), command, person), result, format('S3: %s: %s', query, command))
FROM (VALUES
    ('bob', 'SELECT * FROM rbac_resources(''service.view'', ''service'')', 'SELECT 1', '3'),
    ('bob', 'SELECT * FROM rbac_resources(''service.view'', ''service'')',
     $$ SELECT rbac_group_member_remove(rbac_group('acme', 'team'), test.p('bob')) $$, '24000%'),
    ('bob', 'SELECT path FROM aiven_rbac.visible_resource ORDER BY path',
     $$ SELECT rbac_member_remove('acme', test.p('bob')) $$, '24000%'),
    ('bob', 'SELECT name FROM aiven_rbac.visible_group, generate_series(1, 3) ORDER BY name', 'SELECT 1', '3'),
    ('bob', 'SELECT name FROM aiven_rbac.visible_group, generate_series(1, 3) ORDER BY name',
     $$ SELECT rbac_member_remove('acme', test.p('bob')) $$, '24000%'),
    ('olga', 'SELECT id FROM aiven_rbac.own_profile, generate_series(1, 3)', 'SELECT 1', '3'),
    ('olga', 'SELECT id FROM aiven_rbac.own_profile, generate_series(1, 3)',
     $$ UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE name = 'olga' $$, '24000%'))
    AS v (person, query, command, result);

-- What does not depend on whose rights it is
SELECT is(test.fetch_over(ROW ('', 'bob', true, '', '', 'SELECT n FROM plain ORDER BY n', ''), command, later), '2000',
          'a query that asks nothing goes on: ' || command)
FROM (VALUES ('bob', 'SELECT rbac_member_remove(''acme'', test.p(''bob''))'), ('hank', 'SELECT 1'), (NULL, 'SELECT 2'))
     AS v (later, command);
SELECT is(test.fetch_over(ROW ('', 'ann', true, '', '',
                               'SELECT n FROM by_id WHERE rbac_has_permission(test.id(''bob''), project, ''service.view'') ORDER BY n', ''),
                          'SELECT rbac_member_remove(''acme'', test.p(''bob''))', 'ann'), '30',
          'a question about somebody else is answered to who asked');

-- A memo that has started over can't tell any more what was asked; then
-- everything counts as lost as soon as anything has changed.
CREATE TABLE crowd AS SELECT id FROM aiven_rbac.resource WHERE parent = test.id('crowd');
GRANT SELECT ON crowd TO test_application;
SET LOCAL aiven_rbac.cache_size = '64kB';
SELECT alike(test.fetch_over(ROW ('', 'carol', true, '', '',
                                  'SELECT id FROM crowd WHERE rbac_has_permission(id, ''service.view'') ORDER BY id', ''), command, 'carol'),
             result, 'S3: with little memory: ' || command)
FROM (VALUES ('SELECT 1', '2600'),
             ($$ SELECT rbac_service_delete((SELECT path FROM aiven_rbac.resource WHERE parent = test.id('crowd') ORDER BY id LIMIT 1)) $$,
              '24000%')) AS v (command, result);
RESET aiven_rbac.cache_size;

-- Loops over a query ask for more rows than the body has seen: ten and then
-- fifty at a time.
CREATE FUNCTION loop_over(query text, command text, OUT seen int, OUT outcome text) LANGUAGE plpgsql AS $$
DECLARE
    row record;
BEGIN
    seen := 0;
    FOR row IN EXECUTE query LOOP
        IF seen = 0 THEN
            EXECUTE command;
        END IF;
        seen := seen + 1;
    END LOOP;
    RAISE SQLSTATE 'UNDO0';
EXCEPTION
    WHEN invalid_cursor_state THEN outcome := 'stopped';
    WHEN SQLSTATE 'UNDO0' THEN outcome := 'to the end';
END $$;
CREATE FUNCTION test.lose() RETURNS void LANGUAGE sql SECURITY DEFINER
    AS $$ DELETE FROM aiven_rbac.group_member WHERE member = test.id('bob') $$;
CREATE FUNCTION test.gain() RETURNS void LANGUAGE sql SECURITY DEFINER
    AS $$ INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind, grantable_organization)
          SELECT test.id('bob'), test.id('finance'), g.id, test.id('acme'), 'project', g.organization
          FROM aiven_rbac.grantable AS g WHERE g.name = 'developer' $$;
SELECT is(test.seen_by('bob', format('SELECT loop_over(%L, %L)', query, command)), result, format('S3: a loop over %s, with %s', query, command))
FROM (VALUES ('SELECT n FROM by_id ORDER BY n', 'SELECT test.gain()', '(30,"to the end")'),
             ('SELECT n FROM by_id ORDER BY n', 'SELECT test.lose()', '(10,stopped)'),
             ('SELECT n FROM by_id ORDER BY n LIMIT 7', 'SELECT test.lose()', '(7,"to the end")')) AS v (query, command, result);

-- Cursors of SQL: what is said, both directions, savepoints
CREATE FUNCTION test.open(person text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c refcursor := 'listing';
BEGIN
    PERFORM rbac_set_principal(test.p(person)) WHERE person IS NOT NULL;
    SET LOCAL ROLE test_application;
    OPEN c SCROLL FOR SELECT n FROM by_id ORDER BY n;
    RESET ROLE;
END $$;
CREATE FUNCTION test.close() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c refcursor := 'listing';
BEGIN
    CLOSE c;
    PERFORM rbac_reset_principal();
    PERFORM rbac_group_member_add(rbac_group('acme', 'team'), test.p('bob'));
END $$;
CREATE FUNCTION test.told(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE command;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s: %s\n%s\n%s', SQLSTATE, message, detail, hint);
END $$;

SELECT test.open('bob') \g /dev/null
MOVE 5 IN listing;
SELECT test.lose() \g /dev/null
SELECT is(test.told('FETCH BACKWARD 2 FROM listing'), $$24000: the session's principal has lost rights since cursor "listing" was opened
The cursor's query has found rows by what was held then.
Open the cursor again.$$, 'S3: what was given is not given again after a loss');
SELECT test.close() \g /dev/null

SELECT test.open('bob') \g /dev/null
MOVE 5 IN listing;
SELECT rbac_set_principal(test.p('ann')) \g /dev/null
SELECT is(test.told('MOVE listing'), $$24000: the session's principal has changed since cursor "listing" was opened
The cursor's query has found rows by what was held then.
Open the cursor again.$$, 'S3: nor is another principal told how many rows there are');
SELECT test.close() \g /dev/null

SELECT test.open('bob') \g /dev/null
SAVEPOINT granted;
SELECT test.gain() \g /dev/null
MOVE 5 IN listing;
ROLLBACK TO granted;
SELECT alike(test.told('FETCH listing'), '24000: %has lost rights%', 'S3: rows found by a grant that was rolled back');
SELECT test.close() \g /dev/null

SELECT test.open('bob') \g /dev/null
MOVE 5 IN listing;
SAVEPOINT lost;
SELECT test.lose() \g /dev/null
ROLLBACK TO lost;
SELECT is(test.told('FETCH listing'), 'ok', 'S3: a loss that was rolled back is none');
SELECT test.close() \g /dev/null

SELECT test.open('bob') \g /dev/null
MOVE 5 IN listing;
SELECT rbac_reset_principal(), rbac_set_principal(test.p('bob')), rbac_set_principal(test.p('bob'), 'saml', true) \g /dev/null
SELECT is(test.told('FETCH listing'), 'ok', 'S3: who has logged in again, by another method, is the same principal');
SELECT test.close() \g /dev/null

SELECT test.open(NULL) \g /dev/null
MOVE 1 IN listing;
SELECT rbac_set_principal(test.p('ann')) \g /dev/null
SELECT is(test.told('MOVE BACKWARD ALL IN listing'), 'ok', 'a cursor of no principal that found nothing gives nothing');
SELECT test.close() \g /dev/null

-- One piece in which much changes, and what is asked each time is told apart
CREATE FUNCTION churn(n int, loss int) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    UPDATE aiven_rbac.principal SET description = n::text WHERE name = 'hank';
    PERFORM test.lose() WHERE n = loss;
END $$;
CREATE FUNCTION decide() RETURNS boolean LANGUAGE plpgsql
    AS $$ BEGIN RETURN rbac_has_permission('acme.engineering.backend-dev', 'service.view'); END $$;
CREATE FUNCTION test.churned(loss int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    c refcursor;
    row record;
    told text := 'ok';
BEGIN
    BEGIN
        OPEN c NO SCROLL FOR SELECT n, decide() AS held, churn(n, loss) FROM plain WHERE n <= 60 ORDER BY n;
        MOVE FORWARD 50 IN c;
        FETCH c INTO row;
        RAISE SQLSTATE 'UNDO0';
    EXCEPTION
        WHEN SQLSTATE 'UNDO0' THEN NULL;
        WHEN OTHERS THEN told := SQLSTATE;
    END;
    RETURN told;
END $$;
SELECT is(test.seen_by('bob', format('SELECT test.churned(%s)', loss)), result, format('S3: fifty changes, with a loss at row %s', loss))
FROM (VALUES (0, 'ok'), (3, '24000'), (50, '24000')) AS v (loss, result);
SELECT * FROM finish();
ROLLBACK;
