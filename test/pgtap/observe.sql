-- What is shown of the cache, the lint of protection, and the explanation of a
-- row that is not seen
BEGIN;
SELECT plan(38);
SET client_min_messages = warning;
\o /dev/null
\ir ../../examples/acme.sql
\o
CREATE ROLE observe_app;
CREATE ROLE observe_owner LOGIN;
CREATE ROLE observe_root LOGIN BYPASSRLS;
GRANT CREATE ON SCHEMA public TO observe_owner;

-- rbac_cache_stats() ---------------------------------------------------------

CREATE TEMP TABLE before AS SELECT * FROM rbac_cache_stats();
SELECT columns_are('before', '{entries,bytes,hits,misses,loads,lookups,walks,evictions,invalidations}'::name[],
                   'the cache is shown with the columns that are documented');
SELECT is((SELECT entries FROM before), 0, 'C1: after changes, nothing old is kept');
SELECT ok((SELECT invalidations > 0 FROM before), 'C1: changes of this session count as invalidations');
SELECT ok(rbac_has_permission(rbac_user('bob@acme.example'), 'acme.engineering.backend-dev', 'service.fork'), 'a decision');
CREATE TEMP TABLE loaded AS SELECT * FROM rbac_cache_stats();
SELECT results_eq('SELECT l.entries, l.loads - b.loads, l.misses - b.misses, l.lookups - b.lookups FROM loaded l, before b',
                  'VALUES (1, 1::bigint, 1::bigint, 1::bigint)', 'it reads one principal and looks one resource up');
SELECT cmp_ok((SELECT bytes FROM loaded), '>', 0::bigint, 'its memory is counted');
SELECT ok(rbac_has_permission(rbac_user('bob@acme.example'), 'acme.engineering.backend-dev', 'service.fork'), 'the same again');
SELECT results_eq('SELECT s.loads - l.loads, s.lookups - l.lookups, s.hits > l.hits FROM rbac_cache_stats() s, loaded l',
                  'VALUES (0::bigint, 0::bigint, true)', 'it reads nothing and is a hit');
SELECT rbac_grant(rbac_user('erin@acme.example'), 'read_only', 'acme');
SELECT results_eq('SELECT s.entries, s.invalidations > l.invalidations FROM rbac_cache_stats() s, loaded l',
                  'VALUES (0, true)', 'C1: a grant makes what is cached old');
SET LOCAL aiven_rbac.cache_size = '64kB';
SELECT count(rbac_has_permission(md5(g::text)::uuid, 'acme'::rbac_path, 'service.fork')) FROM generate_series(1, 100) g;
SELECT ok(s.evictions > 0 AND s.bytes <= 65536, 'memory is bounded by aiven_rbac.cache_size') FROM rbac_cache_stats() s;
RESET aiven_rbac.cache_size;

-- rbac_check_protection() ----------------------------------------------------

-- Findings about what this file makes; roles of the cluster are another matter.
CREATE FUNCTION findings(pattern text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s: %s', severity, object, finding) FROM rbac_check_protection() AS f
    WHERE object !~ '^role' AND format('%s: %s', object, finding) ~ pattern
$$;
SELECT is_empty($$ SELECT * FROM findings('') $$, 'a database without application tables has no findings');
CREATE TABLE good (id uuid PRIMARY KEY, project uuid, note text);
SELECT rbac_protect_table('good', 'project', 'project:services:read', '{project:services:write,admin}'::text[]);
SELECT is_empty($$ SELECT * FROM findings('') $$, 'what rbac_protect_table() does has no findings');

CREATE TABLE referring (id uuid PRIMARY KEY, project uuid REFERENCES aiven_rbac.resource (id));
CREATE TABLE having_path (id uuid PRIMARY KEY, place rbac_path);
SELECT set_eq($$ SELECT * FROM findings('^public.(referring|having_path)') $$,
    ARRAY['error public.referring: row-level security is not enabled, but column "project" says which resource a row belongs to',
          'error public.having_path: row-level security is not enabled, but column "place" says which resource a row belongs to'],
    'tables of resources without row-level security');
SELECT rbac_protect_table('having_path', 'place', 'project:services:read');
ALTER TABLE having_path DISABLE ROW LEVEL SECURITY;
SELECT set_eq($$ SELECT * FROM findings('having_path') $$,
    ARRAY['error public.having_path: row-level security is not enabled, so that its policies mean nothing'],
    'policies that mean nothing');
ALTER TABLE having_path ENABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
ALTER TABLE having_path OWNER TO observe_owner;
SELECT set_eq($$ SELECT * FROM findings('having_path') $$,
    ARRAY['error public.having_path: row-level security is not forced: its owner "observe_owner", who can log in, sees every row'],
    'not forced, and the owner can log in');
ALTER TABLE having_path OWNER TO observe_app;
SELECT is((SELECT array_agg(split_part(f, ' ', 1)) FROM findings('having_path') f), '{warning}', 'not forced, and the owner cannot log in');
ALTER TABLE having_path FORCE ROW LEVEL SECURITY;
SELECT is_empty($$ SELECT * FROM findings('having_path') $$, 'forced');
ALTER TABLE referring ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT set_eq($$ SELECT * FROM findings('referring') $$,
    ARRAY['warning public.referring: row-level security is enabled, but no policy asks what the principal may do'],
    'row-level security that asks nothing');
DROP TABLE referring, having_path;

CREATE TABLE poor (id uuid PRIMARY KEY, project uuid, name text, "Odd ""column""" uuid);
ALTER TABLE poor ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE FUNCTION ask(uuid) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT rbac_has_permission($1, 'project:services:read') $$;
CREATE POLICY by_row ON poor USING (rbac_has_permission(project, name));
CREATE POLICY other_principal ON poor USING (rbac_has_permission(rbac_current_principal(), project, 'admin'));
CREATE POLICY wrapped ON poor USING (ask(project));
CREATE POLICY open ON poor FOR SELECT USING (name = 'public');
CREATE POLICY strict ON poor AS RESTRICTIVE FOR SELECT USING (name <> 'secret');
CREATE POLICY odd ON poor FOR SELECT USING (rbac_has_permission("Odd ""column""", 'it''s'));
CREATE POLICY any_of ON poor FOR SELECT USING (rbac_has_any_permission(project, 'admin', 'operator'));
SELECT set_eq($$ SELECT regexp_replace(f, '(: each|, which hides|: what it).*', '') FROM findings('^public.poor') f $$,
    ARRAY['warning public.poor: policy "by_row" calls a decision function on something else than a column, or with a name that is not constant',
          'warning public.poor: policy "other_principal" calls a decision function on something else than a column, or with a name that is not constant',
          'warning public.poor: policy "wrapped" asks through the function public.ask(uuid)',
          'warning public.poor: policy "open" is permissive and asks no decision function',
          'warning public.poor: no index begins with column "project", which policies ask about',
          'warning public.poor: no index begins with column "Odd "column"", which policies ask about'],
    'policies that plan badly or add rows, and missing indexes');
SELECT results_eq($$ SELECT c."column", c.names, c.is_all FROM pg_policy p, aiven_rbac.decision_calls(pg_get_expr(polqual, polrelid)) c
                     WHERE polname IN ('odd', 'any_of') ORDER BY polname $$,
    $$ VALUES ('project', '{admin,operator}'::text[], true), ('Odd "column"', '{it''s}', true) $$,
    'what policies ask about is read from their text');
DROP TABLE poor;

CREATE TABLE parent (id uuid, project uuid, day int) PARTITION BY RANGE (day);
CREATE TABLE child PARTITION OF parent DEFAULT;
SELECT rbac_protect_table('parent', 'project', 'project:services:read');
SELECT is_empty($$ SELECT * FROM findings('parent|child') $$, 'a partition that nobody may use directly');
GRANT SELECT ON child TO observe_app;
SELECT set_eq($$ SELECT * FROM findings('parent|child') $$,
    ARRAY['error public.child: it is a part of the protected table public.parent and has no row-level security of its own, but observe_app may use it directly'],
    'a partition that somebody may');
DROP TABLE parent;

CREATE VIEW definer AS SELECT * FROM good;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM definer;
GRANT SELECT ON kept TO PUBLIC;
GRANT TRUNCATE ON good TO observe_app;
CREATE TABLE other (good uuid REFERENCES good);
CREATE UNIQUE INDEX ON good (note);
CREATE UNIQUE INDEX ON good (project, note);
SELECT set_eq($$ SELECT regexp_replace(f, '(with the rights|keeps rows|which asks|also for|in a row).*', '\1') FROM findings('') f $$,
    ARRAY['error public.definer: the view reads the protected table public.good with the rights',
          'error public.kept: the materialized view keeps rows',
          'warning public.good: observe_app may TRUNCATE it, which asks',
          'notice public.other: its foreign key "other_good_fkey" tells whether a key exists in the protected table public.good, also for',
          'notice public.good: its unique index "good_note_idx" tells by an error whether a value exists in a row'],
    'views, materialized views, TRUNCATE, foreign keys and unique indexes');
SELECT is((SELECT array_agg(severity ORDER BY n) FROM rbac_check_protection() WITH ORDINALITY AS f (severity, object, finding, remedy, n)),
          (SELECT array_agg(severity ORDER BY array_position('{error,warning,notice}', severity)) FROM rbac_check_protection()),
          'the worst comes first');
SELECT ok(EXISTS (SELECT FROM rbac_check_protection() WHERE object = 'role "observe_root"' AND severity = 'warning'), 'a role that bypasses');
SELECT ok(bool_and(remedy <> ''), 'each finding says what would mend it') FROM rbac_check_protection();
SET LOCAL ROLE observe_app;
SELECT lives_ok($$ SELECT * FROM rbac_check_protection() $$, 'anybody may ask');
RESET ROLE;
DROP VIEW definer CASCADE;
DROP TABLE other;

-- rbac_explain_row() ---------------------------------------------------------

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
SELECT throws_ok($$ SELECT * FROM rbac_explain_row('loaded', '1') $$, '42704', 'table "loaded" has no primary key', 'a table without a key');
CREATE TABLE two_keys (a int, b text, project uuid, PRIMARY KEY (a, b));
INSERT INTO two_keys VALUES (1, 'x, y', rbac_resource_id('acme.engineering.backend-dev'));
SELECT results_eq($$ SELECT ok FROM rbac_explain_row('two_keys', '(1,"x, y")') WHERE step IN ('row', 'answer') $$,
    'VALUES (true), (true)', 'a key of two columns, and a table that is not protected');
-- A restore with --disable-triggers leaves the extension's triggers as plain ones.
ALTER TABLE aiven_rbac.access_grant DISABLE TRIGGER ALL;
ALTER TABLE aiven_rbac.access_grant ENABLE TRIGGER ALL;
SELECT results_eq($$ SELECT severity || ' ' || remedy FROM rbac_check_protection() WHERE object = 'aiven_rbac.access_grant' ORDER BY 1 $$,
                  ARRAY['error ALTER TABLE aiven_rbac.access_grant ENABLE ALWAYS TRIGGER signal_change',
                        'error ALTER TABLE aiven_rbac.access_grant ENABLE ALWAYS TRIGGER signal_change_begun',
                        'error ALTER TABLE aiven_rbac.access_grant ENABLE REPLICA TRIGGER signal_change_applied'],
                  'C1: triggers that a restore has made plain are found');

SELECT * FROM finish();
ROLLBACK;
