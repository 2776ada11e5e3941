-- The explanation of a row that is seen, or not
BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
\o /dev/null
\ir ../../examples/acme.sql
\o
CREATE ROLE observe_app;
CREATE ROLE observe_owner;
CREATE TABLE good (id uuid PRIMARY KEY, project uuid, note text);
SELECT rbac_protect_table('good', 'project', 'project:services:read', '{project:services:write,admin}'::text[]);

INSERT INTO good VALUES (md5('1')::uuid, rbac_resource_id('acme.engineering.backend-dev'), 'one'),
                        (md5('2')::uuid, rbac_resource_id('acme.finance-prod'), 'two'),
                        (md5('3')::uuid, NULL, 'three');
CREATE FUNCTION steps(key text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s: %s', step, coalesce(ok::text, '?')) FROM rbac_explain_row('good', md5(key), 'observe_app')
$$;
SELECT rbac_set_principal(rbac_user('bob@acme.example'));
SELECT results_eq($$ SELECT * FROM steps('1') $$,
    ARRAY['privilege: false', 'row: true', 'row-level security: true', 'policy "rbac_select": true', 'answer: false'],
    'a role without the privilege');
SELECT is((SELECT remedy FROM rbac_explain_row('good', md5('1'), 'observe_app') LIMIT 1), 'GRANT SELECT ON public.good TO observe_app', 'is told what to grant');
GRANT SELECT ON good TO observe_app;
SELECT is((SELECT ok FROM rbac_explain_row('good', md5('1'), 'observe_app') WHERE step = 'answer'), true, 'a row that is seen');
SELECT results_eq($$ SELECT ok, remedy ~ 'Grant .* on acme.finance-prod' FROM rbac_explain_row('good', md5('2'), 'observe_app') WHERE step ~ 'policy' $$,
    $$ VALUES (false, true) $$, 'a row that is not, and the grant that is missing');
SELECT is((SELECT detail FROM rbac_explain_row('good', md5('3'), 'observe_app') WHERE step ~ 'policy'),
          'column "project" is null: the row belongs to no resource', 'a row of no resource');
SELECT results_eq($$ SELECT ok FROM rbac_explain_row('good', md5('4'), 'observe_app') WHERE step IN ('row', 'answer') $$,
    'VALUES (false), (false)', 'a row that does not exist');
SET LOCAL ROLE observe_app;
SELECT results_eq($$ SELECT step, ok, detail FROM rbac_explain_row('good', md5('2')) EXCEPT
                     SELECT step, ok, replace(detail, md5('4'), md5('2')) FROM rbac_explain_row('good', md5('4')) $$,
    $$ SELECT ''::text, false, ''::text WHERE false $$, 'S6: who may not look at a row is not told whether it is there');
SELECT is((SELECT ok FROM rbac_explain_row('good', md5('1')) WHERE step = 'answer'), true, 'but may ask about what it sees');
RESET ROLE;
CREATE TABLE keyless (id int);
SELECT throws_ok($$ SELECT * FROM rbac_explain_row('keyless', '1') $$, '42704', 'table "public.keyless" has no primary key', 'a table without a key');
SELECT throws_ok($$ SELECT * FROM rbac_explain_row('good', repeat('1', 100000)) $$, '22023', 'key of the row is too long', 'a key that no index holds');
-- A comparison that somebody wrote would run as whoever asks.
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE FUNCTION mood_eq(mood, mood) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN $1::text = $2::text; END $$;
CREATE FUNCTION mood_cmp(mood, mood) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN $1::text < $2::text THEN -1 WHEN $1::text = $2::text THEN 0 ELSE 1 END; END $$;
CREATE OPERATOR === (FUNCTION = mood_eq, LEFTARG = mood, RIGHTARG = mood);
CREATE OPERATOR CLASS mood_ops DEFAULT FOR TYPE mood USING btree AS OPERATOR 3 ===, FUNCTION 1 mood_cmp(mood, mood);
CREATE TABLE moody (mood mood PRIMARY KEY, project uuid);
INSERT INTO moody VALUES ('good', rbac_resource_id('acme.engineering.backend-dev'));
SELECT throws_ok($$ SELECT * FROM rbac_explain_row('moody', 'good') $$, '0A000', 'cannot look up a row by the primary key of table "moody"',
                 'S5: a key that code of somebody''s compares');
CREATE TABLE late_key (id int NOT NULL UNIQUE, project uuid);
ALTER TABLE late_key ADD CONSTRAINT late_key_pkey PRIMARY KEY (id);
INSERT INTO late_key VALUES (1, rbac_resource_id('acme.engineering.backend-dev'));
SELECT results_eq($$ SELECT ok FROM rbac_explain_row('late_key', '1') WHERE step IN ('row', 'answer') $$,
    'VALUES (true), (true)', 'the primary key is not the first index');
CREATE TABLE two_keys (a int, b text, project uuid, PRIMARY KEY (a, b));
INSERT INTO two_keys VALUES (1, 'x, y', rbac_resource_id('acme.engineering.backend-dev'));
SELECT results_eq($$ SELECT ok FROM rbac_explain_row('two_keys', '(1,"x, y")') WHERE step IN ('row', 'answer') $$,
    'VALUES (true), (true)', 'a key of two columns, and a table that is not protected');

-- Partitions may have their columns at other places.
CREATE TABLE by_day (project uuid, day int, id int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE early (id int NOT NULL, gone int, project uuid, day int NOT NULL);
ALTER TABLE early DROP COLUMN gone;
ALTER TABLE by_day ATTACH PARTITION early FOR VALUES FROM (0) TO (10);
CREATE TABLE late PARTITION OF by_day FOR VALUES FROM (10) TO (30) PARTITION BY RANGE (day);
CREATE TABLE latest PARTITION OF late DEFAULT;
SELECT rbac_protect_table('by_day', 'project', 'project:services:read');
INSERT INTO by_day VALUES (rbac_resource_id('acme.engineering.backend-dev'), 5, 1), (rbac_resource_id('acme.finance-prod'), 20, 2);
GRANT SELECT ON by_day TO observe_app;
SELECT is((SELECT string_agg(format('%s %s', step, ok), ', ' ) FROM rbac_explain_row('by_day', v.key, v.role::regrole) WHERE step ~ '^(row|policy|answer)' AND step <> 'row-level security'),
          v.expected, format('a partitioned table: %s as %s', v.key, v.role))
FROM (VALUES ('(1,5)', 'observe_app', 'row t, policy "rbac_select" t, answer t'),
             ('(2,20)', 'observe_app', 'row t, policy "rbac_select" f, answer f'),
             ('(2,5)', 'observe_app', 'row f, policy "rbac_select" , answer f')) AS v (key, role, expected);

-- What the caller is told depends on the policies that apply to it.
CREATE TABLE told (id int PRIMARY KEY, project uuid, note text);
INSERT INTO told VALUES (1, rbac_resource_id('acme.engineering.backend-dev'), 'x'), (2, rbac_resource_id('acme.finance-prod'), 'x'), (3, NULL, 'x');
ALTER TABLE told ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT ON told TO observe_app;
CREATE FUNCTION told(policies text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    BEGIN
        EXECUTE policies;
        SET LOCAL ROLE observe_app;
        SELECT string_agg(coalesce((SELECT ok::text FROM rbac_explain_row('told', id::text) WHERE step = 'row'), '?'), ' ' ORDER BY id)
        INTO result FROM generate_series(1, 4) AS id;
        RAISE SQLSTATE 'UNDO0';
    EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
        RETURN result;
    END;
END
$$;
SELECT is(told(v.policies), v.told, v.policies)
FROM (VALUES
    ('', '? ? ? ?'),
    ('CREATE POLICY p ON told USING (true)', 'true true true ?'),
    ('CREATE POLICY p ON told USING (false)', '? ? ? ?'),
    ('CREATE POLICY p ON told TO observe_owner USING (true)', '? ? ? ?'),
    ('CREATE POLICY p ON told FOR UPDATE USING (true)', '? ? ? ?'),
    ('CREATE POLICY p ON told USING (rbac_has_permission(project, ''project:services:read''))', 'true ? ? ?'),
    ('CREATE POLICY p ON told USING (rbac_has_any_permission(project, ''project:services:read'', ''admin''))', 'true ? ? ?'),
    ('CREATE POLICY p ON told USING (note = ''x'')', '? ? ? ?'),
    ('CREATE POLICY p ON told USING (true); CREATE POLICY r ON told AS RESTRICTIVE USING (rbac_has_permission(project, ''project:services:read''))', 'true ? ? ?'),
    ('CREATE POLICY p ON told USING (true); CREATE POLICY r ON told AS RESTRICTIVE USING (note = ''x'')', '? ? ? ?'),
    ('SELECT rbac_reset_principal(); CREATE POLICY p ON told USING (rbac_has_permission(project, ''project:services:read''))', '? ? ? ?'),
    ('ALTER TABLE told DISABLE ROW LEVEL SECURITY', 'true true true false'),
    ('CREATE POLICY p ON told USING (true); REVOKE SELECT ON told FROM observe_app; GRANT SELECT (id) ON told TO observe_app', '? ? ? ?')) AS v (policies, told);
SELECT ok(detail ~ 'FOR UPDATE', 'a row that is seen need not be found by SELECT FOR UPDATE') FROM rbac_explain_row('good', md5('1'), 'observe_app') WHERE step = 'answer';

-- Whoever explains a row of somebody else's table runs none of its owner's code (S5).
CREATE ROLE mallory;
CREATE SCHEMA lair AUTHORIZATION mallory;
GRANT USAGE ON SCHEMA lair TO PUBLIC;
SET LOCAL ROLE mallory;
CREATE TABLE lair.caught (ran_as name);
GRANT INSERT ON lair.caught TO PUBLIC;
CREATE FUNCTION lair.pounce(int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN INSERT INTO lair.caught VALUES (current_user); RETURN true; END $$;
CREATE DOMAIN lair.trap AS int CHECK (lair.pounce(VALUE));
CREATE TYPE lair.pit AS (project uuid);
CREATE FUNCTION lair.fall(lair.pit) RETURNS text LANGUAGE plpgsql AS $$
BEGIN INSERT INTO lair.caught VALUES (current_user); RETURN ($1).project::text; END $$;
CREATE CAST (lair.pit AS text) WITH FUNCTION lair.fall(lair.pit);
CREATE FUNCTION lair.rbac_has_permission(lair.pit, text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN INSERT INTO lair.caught VALUES (current_user); RETURN true; END $$;
-- It claims to be IMMUTABLE, so that the planner calls it to fold a constant.
CREATE FUNCTION lair.fold(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM lair.pounce($1); RETURN $1; END $$;
CREATE TABLE lair.bait (id lair.trap PRIMARY KEY, project lair.pit, resource uuid);
INSERT INTO lair.bait VALUES (1, ROW(gen_random_uuid()), public.rbac_resource_id('acme.engineering.backend-dev'));
CREATE INDEX ON lair.bait ((id + lair.fold(1)));
CREATE STATISTICS lair.folds ON (id + lair.fold(2)), resource FROM lair.bait;
ALTER TABLE lair.bait ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON lair.bait USING (lair.rbac_has_permission(project, 'service.view'));
CREATE POLICY q ON lair.bait AS RESTRICTIVE USING (lair.pounce(lair.fold(3)));
CREATE POLICY r ON lair.bait USING (public.rbac_has_permission(resource, 'service.view'));
GRANT SELECT ON lair.bait TO PUBLIC;
TRUNCATE lair.caught;
RESET ROLE;
SELECT is((SELECT ok FROM rbac_explain_row('lair.bait', '1') WHERE step = 'row'), true, 'a superuser asks');
SELECT isnt_empty($$ SELECT * FROM rbac_explain_row('lair.bait', '1', 'mallory') $$, 'and asks how the owner sees it');
SELECT isnt_empty($$ SELECT * FROM rbac_explain_row('lair.bait', '0') $$, 'and about a row that is not there');
SET LOCAL ROLE observe_app;
SELECT isnt_empty($$ SELECT * FROM rbac_explain_row('lair.bait', '1') $$, 'a role asks that is subject to the policies');
RESET ROLE;
SELECT is_empty('TABLE lair.caught', 'S5: no check, cast, policy, index or statistics of the owner''s has run');
SELECT is(count(*), 1::bigint, 'a superuser queries') FROM lair.bait WHERE id = 1;
SELECT isnt_empty('TABLE lair.caught', 'and runs some of it');

-- Types of keys
CREATE TABLE by_path (project rbac_path PRIMARY KEY);
INSERT INTO by_path VALUES ('acme.finance-prod');
CREATE TYPE colour AS ENUM ('red');
CREATE TABLE by_colour (id colour PRIMARY KEY);
INSERT INTO by_colour VALUES ('red');
CREATE TABLE by_varchar (id varchar(10) PRIMARY KEY);
INSERT INTO by_varchar VALUES ('red');
CREATE TABLE by_char (id char(10) COLLATE "C" PRIMARY KEY);
INSERT INTO by_char VALUES ('red');
CREATE TABLE by_numeric (id numeric(5, 2), at timestamptz, PRIMARY KEY (id, at) INCLUDE (id));
INSERT INTO by_numeric VALUES (1.50, 'epoch');
SELECT is((SELECT ok FROM rbac_explain_row(v."table"::regclass, v.key) WHERE step = 'row'), v.found, format('a key of %s: %s', v."table", v.key))
FROM (VALUES ('by_path', 'acme.finance-prod', true), ('by_path', 'acme', false), ('by_colour', 'red', true), ('by_varchar', 'red', true),
             ('by_varchar', 'longer than ten', false), ('by_char', 'red', true), ('by_numeric', '(1.5,"1970-01-01 00:00:00+00")', true),
             ('by_numeric', '(1.5,)', false), ('by_numeric', '(1.501,"1970-01-01 00:00:00+00")', false)) AS v ("table", key, found);
SELECT throws_ok($$ SELECT * FROM rbac_explain_row('by_numeric', '1.5') $$, '22P02', 'malformed record literal: "1.5"', 'a key that is no row');
SELECT throws_ok($$ SELECT * FROM rbac_explain_row('by_colour', 'blue') $$, '22P02', NULL, 'a key that is no value of the type');
CREATE TABLE by_array (id lair.trap[] PRIMARY KEY);
CREATE TABLE by_pit (a int, id lair.pit, PRIMARY KEY (a, id));
SELECT throws_ok($$ SELECT * FROM rbac_explain_row('by_array', '{1}') $$, '0A000', 'cannot look up a row by column "id" of type lair.trap[]', 'a key of an array');
SELECT throws_ok($$ SELECT * FROM rbac_explain_row('by_pit', '(1,(x))') $$, '0A000', 'cannot look up a row by column "id" of type lair.pit', 'a key with a row in it');

-- A row may be in a table that inherits, where no key need be.
CREATE TABLE heir () INHERITS (told);
INSERT INTO heir VALUES (7, NULL, 'x');
SELECT is((SELECT ok FROM rbac_explain_row('told', '1') WHERE step = 'row'), true, 'a row of the table itself is found');
SELECT is((SELECT ok FROM rbac_explain_row('told', '7') WHERE step = 'row'), NULL, 'and of no other it is said that it is not there');
ALTER TABLE heir ADD PRIMARY KEY (id);
SELECT is((SELECT ok FROM rbac_explain_row('told', '7') WHERE step = 'row'), true, 'until the heir has the key, too');
SELECT is((SELECT ok FROM rbac_explain_row('told', '8') WHERE step = 'row'), false, 'then that is known');

-- Tables only, and directly, too
CREATE VIEW no_table AS SELECT 1 AS id;
SELECT throws_ok(v.query, v.code, v.message, v.query)
FROM (VALUES ('SELECT * FROM rbac_explain_row(''no_table'', ''1'')', '42809', '"public.no_table" is not a table'),
             ('SELECT * FROM aiven_rbac.find_row(''no_table'', ''1'')', '42809', '"no_table" is not a table'),
             ('SELECT * FROM aiven_rbac.find_row(''loaded'', ''1'')', '42P01', 'relation "loaded" does not exist'),
             ('SELECT * FROM rbac_explain_row(''told'', NULL)', '22004', 'table and key must not be null'),
             ('SELECT * FROM rbac_explain_row(NULL, ''1'')', '22004', 'table and key must not be null')) AS v (query, code, message);
SELECT is(f, '(,)', 'of a table that does not exist nothing is told') FROM (SELECT aiven_rbac.find_row(1::regclass, '1')::text) AS x (f);
SET LOCAL ROLE observe_app;
SELECT is(f, '(,)', 'nor of one that the caller may not read') FROM (SELECT aiven_rbac.find_row('two_keys', '(1,"x, y")')::text) AS x (f);
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
