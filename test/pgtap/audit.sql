-- The log of changes: what is written, who reads it, and that it stays as it is.
BEGIN;
SELECT no_plan();
\ir lib/helpers.sql
\ir lib/world.sql

-- What is written ------------------------------------------------------------------------------

SELECT set_eq($$ SELECT t.name FROM aiven_rbac.tables() AS t WHERE t.condition IS NOT NULL
                 EXCEPT SELECT v."table" FROM aiven_rbac.audited() AS v $$,
              '{audit,audit_horizon,audit_rest,audit_seal,dumped_table,principal_use,retired_id,token_use}'::text[],
              'every table is told of, but those that say nothing of their own, and the log itself');
SELECT is_empty($$ SELECT v."table", o.operation
                   FROM aiven_rbac.audited() AS v, (VALUES ('INSERT'), ('DELETE')) AS o (operation)
                   WHERE v."table" NOT IN ('organization', 'project', 'service', 'audit_archived')
                     AND NOT EXISTS (SELECT FROM aiven_rbac.audit_events() AS e WHERE e."table" = v."table" AND e.operation = o.operation) $$,
                'what comes and goes is an event, whatever the table; the rows of a kind go with their resources');
SELECT set_eq($$ SELECT c.relname::text, g.tgname::text, g.tgenabled::text FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid
                 WHERE g.tgfoid = 'aiven_rbac.audit()'::regprocedure $$,
              $$ SELECT v."table", g.name, 'O' FROM aiven_rbac.audited() AS v,
                 unnest('{audit_inserted,audit_updated,audit_deleted,audit_truncated}'::text[]) AS g (name) $$,
              'the triggers are on, but not in logical apply');

-- The rows that a statement leaves in the log, the oldest first: event, actor,
-- resource, subject, before and after
CREATE FUNCTION test.logged(who text, statement text) RETURNS text[]
    LANGUAGE plpgsql
    AS $$
DECLARE
    last timestamptz := coalesce((SELECT max(at) FROM aiven_rbac.audit), '-infinity');
    told text := test.answer(test.p(who), statement);
BEGIN
    IF told <> 'ok' THEN
        RETURN ARRAY[told];
    END IF;
    RETURN (SELECT coalesce(array_agg(concat_ws(' ', a.event, a.actor_name, a.path, a.subject_name, a.before, a.after) ORDER BY a.at), '{}')
            FROM aiven_rbac.audit AS a WHERE a.at > last);
END
$$;

SELECT rbac_billing_group_create('globex', 'main') \g /dev/null

-- Ids that a statement makes are not the same in every run.
CREATE TEMP TABLE told (number int GENERATED ALWAYS AS IDENTITY, who text, statement text, expected text[]);
INSERT INTO told (who, statement, expected) VALUES
    ('carol', $$ SELECT rbac_grant(test.p('bob'), 'developer', 'acme.finance') $$,
     '{"grant.created carol@acme.example acme.finance bob@acme.example {\"name\": \"developer\"}"}'),
    ('carol', $$ SELECT rbac_grant(test.p('bob'), 'developer', 'acme.finance') $$, '{}'),
    ('carol', $$ SELECT rbac_grant(test.p('bob'), 'developer', 'acme.finance', valid_until => '2199-01-01 00:00+01', replace => true) $$,
     '{"grant.changed carol@acme.example acme.finance bob@acme.example {\"name\": \"developer\", \"valid_until\": null} {\"name\": \"developer\", \"valid_until\": \"2198-12-31T23:00:00+00:00\"}"}'),
    ('carol', $$ SELECT rbac_revoke(test.p('bob'), 'developer', 'acme.finance') $$,
     '{"grant.deleted carol@acme.example acme.finance bob@acme.example {\"name\": \"developer\", \"valid_until\": \"2198-12-31T23:00:00+00:00\"}"}'),
    ('carol', $$ SELECT rbac_revoke(test.p('bob'), 'developer', 'acme.finance') $$, '{}'),
    ('bob', $$ SELECT rbac_grant(test.p('bob'), 'developer', 'acme.finance') $$, '{"42501: permission denied for project \"acme.finance\""}'),
    ('carol', $$ SELECT rbac_group_member_add(rbac_group('acme', 'team'), test.p('bob')) $$,
     ARRAY['group.member_added carol@acme.example acme bob@acme.example ' || jsonb_build_object('name', 'team', 'group', rbac_group('acme', 'team'))::text]),
    ('ann', $$ SELECT rbac_super_admin_add('acme', test.p('bob')) $$,
     ARRAY['super_admin.added ann@acme.example acme bob@acme.example '
           || jsonb_build_object('name', 'account owners', 'group', (SELECT id FROM aiven_rbac.principal WHERE account_owners AND organization = test.id('acme')))::text]),
    ('ann', $$ SELECT rbac_role_create('acme', 'own', '{service.fork,backup.view}', '{project}') $$,
     '{"role.created ann@acme.example acme {\"name\": \"own\", \"console_name\": \"own\"}",
       "role.actions_added ann@acme.example acme {\"name\": \"own\", \"actions\": {\"project\": [\"backup.view\", \"service.fork\"]}}",
       "role.levels_added ann@acme.example acme {\"name\": \"own\", \"grantable_on\": [\"project\"]}"}'),
    ('ann', $$ SELECT rbac_tag_set('acme.finance', 'env', 'prod') $$,
     '{"tag.created ann@acme.example acme.finance {\"key\": \"env\", \"value\": \"prod\"}"}'),
    ('ann', $$ SELECT rbac_tag_set('acme.finance', 'env', 'test') $$,
     '{"tag.changed ann@acme.example acme.finance {\"key\": \"env\", \"value\": \"prod\"} {\"key\": \"env\", \"value\": \"test\"}"}'),
    ('ann', $$ SELECT rbac_unit_rename('acme.analytics', 'Numbers', 'numbers') $$,
     '{"unit.renamed ann@acme.example acme.analytics {\"name\": \"Analytics\"} {\"name\": \"Numbers\"}",
       "unit.renamed ann@acme.example acme.numbers {\"path\": \"acme.analytics\"} {\"path\": \"acme.numbers\"}"}'),
    ('ann', $$ SELECT rbac_project_move('acme.numbers.warehouse', 'acme') $$,
     ARRAY['project.moved ann@acme.example acme.warehouse '
           || jsonb_build_object('path', 'acme.numbers.warehouse', 'parent', test.id('analytics'))::text || ' '
           || jsonb_build_object('path', 'acme.warehouse', 'parent', test.id('acme'))::text]),
    ('ann', $$ SELECT rbac_authentication_policy_set('acme', false, NULL, false) $$,
     '{"authentication_policy.created ann@acme.example acme {\"personal_tokens\": false, \"require_two_factor\": false}"}'),
    ('ann', $$ SELECT rbac_domain_add('acme', 'acme.example') $$, '{"domain.added ann@acme.example acme {\"name\": \"acme.example\"}"}'),
    -- the operator, and raw DML of whatever kind
    (NULL, $$ SELECT rbac_member_remove('acme', test.p('frank')) $$, '{"member.removed acme frank@acme.example"}'),
    (NULL, $$ INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind)
              SELECT m.principal, test.id('finance'), g.id, m.organization, 'project'
              FROM aiven_rbac.membership AS m, aiven_rbac.grantable AS g
              WHERE m.principal IN (test.p('bob'), test.p('dave')) AND g.name = 'operator' ORDER BY m.principal = test.p('bob') $$,
     '{"grant.created acme.finance dave@acme.example {\"name\": \"operator\"}", "grant.created acme.finance bob@acme.example {\"name\": \"operator\"}"}'),
    (NULL, $$ UPDATE aiven_rbac.access_grant SET principal = test.p('carol') WHERE principal = test.p('dave') AND resource = test.id('finance') $$,
     '{"grant.deleted acme.finance dave@acme.example {\"name\": \"operator\"}", "grant.created acme.finance carol@acme.example {\"name\": \"operator\"}"}'),
    (NULL, $$ UPDATE aiven_rbac.access_grant SET granted_at = now(), valid_until = valid_until $$, '{}'),
    (NULL, $$ DELETE FROM aiven_rbac.access_grant WHERE principal = test.p('carol') AND resource = test.id('finance') $$,
     '{"grant.deleted acme.finance carol@acme.example {\"name\": \"operator\"}"}'),
    (NULL, $$ UPDATE aiven_rbac.tag SET value = value $$, '{}'),
    (NULL, $$ TRUNCATE aiven_rbac.tag $$, '{"table.truncated {\"table\": \"tag\"}"}'),
    -- what hangs on what is deleted is told with its names and paths
    (NULL, $$ DELETE FROM aiven_rbac.resource WHERE path = 'acme.finance.pg' $$,
     ARRAY['service.deleted acme.finance.pg ' || jsonb_build_object('name', 'pg', 'path', 'acme.finance.pg', 'parent', test.id('finance'))::text]),
    (NULL, $$ DELETE FROM aiven_rbac.resource WHERE path = 'acme.finance' $$,
     ARRAY['project.deleted acme.finance ' || jsonb_build_object('name', 'finance', 'path', 'acme.finance', 'parent', test.id('acme'))::text,
           'grant.deleted acme.finance bob@acme.example {"name": "operator"}']),
    (NULL, $$ DELETE FROM aiven_rbac.principal WHERE email = 'erin@acme.example' $$,
     '{"user.deleted erin@acme.example {\"name\": \"erin\", \"email\": \"erin@acme.example\"}",
       "member.removed acme erin@acme.example",
       "grant.deleted acme.engineering.backend-dev erin@acme.example {\"name\": \"admin\"}"}'),
    -- a move to another organization is in both logs
    (NULL, $$ SELECT rbac_project_move('acme.warehouse', 'globex', (SELECT id FROM aiven_rbac.billing_group)) $$,
     ARRAY['project.moved globex.warehouse '
           || jsonb_build_object('path', 'acme.warehouse', 'parent', test.id('acme'))::text || ' '
           || jsonb_build_object('path', 'globex.warehouse', 'parent', test.id('globex'))::text,
           'project.moved acme.warehouse '
           || jsonb_build_object('path', 'acme.warehouse', 'parent', test.id('acme'))::text || ' '
           || jsonb_build_object('path', 'globex.warehouse', 'parent', test.id('globex'))::text,
           'project.billing_group_changed globex.warehouse {"billing_group": null} '
           || jsonb_build_object('billing_group', (SELECT id FROM aiven_rbac.billing_group))::text]);
SELECT is(test.logged(t.who, t.statement), t.expected, concat_ws(':', t.who, t.statement)) FROM told AS t ORDER BY t.number;

SELECT is((SELECT array_agg(DISTINCT o.path::text) FROM aiven_rbac.audit AS a JOIN aiven_rbac.resource AS o ON o.id = a.organization
           WHERE a.event = 'project.moved' AND a.after ->> 'path' = 'globex.warehouse'), '{acme,globex}', 'in the log of each organization');

-- What is rolled back leaves nothing.
SELECT is(test.outcome('ann', $$SELECT rbac_unit_create('acme', 'gone'); DO 'BEGIN RAISE division_by_zero; END'$$,
                       $$SELECT count(*) FROM aiven_rbac.audit WHERE path = 'acme.gone'$$), '22012 division_by_zero', 'what fails');
SELECT is((SELECT count(*) FROM aiven_rbac.audit WHERE path = 'acme.gone'), 0::bigint, 'leaves no row');

-- Who, from where
SET application_name = 'console';
SELECT ok(test.logged('ann', $$SELECT rbac_unit_create('acme', 'new')$$) <> '{}', 'a change');
SELECT is((SELECT (a.actor, a.actor_name, a.database_role, a.application_name, a.resource)::text FROM aiven_rbac.audit AS a ORDER BY a.at DESC LIMIT 1),
          (test.p('ann'), 'ann@acme.example', session_user, 'console', rbac_resource_id('acme.new'))::text, 'says who made it, in which session');

-- Secrets
SELECT test.answer(test.p('ann'), $$ SELECT set_config('test.token', rbac_token_create(rbac_application_user('acme', 'robot'), 'nightly'), false) $$) AS made \gset
SELECT is(:'made'::text, 'ok', 'a token is made');
SELECT is((SELECT a.event || ' ' || (a.after ->> 'description') FROM aiven_rbac.audit AS a ORDER BY a.at DESC LIMIT 1), 'token.created nightly', 'and told of');
SELECT is_empty($$ SELECT a FROM aiven_rbac.audit AS a, aiven_rbac.token AS t
                   WHERE a::text LIKE '%' || current_setting('test.token') || '%' OR a::text LIKE '%' || encode(t.digest, 'hex') || '%'
                      OR a::text LIKE '%' || encode(t.digest, 'base64') || '%' $$, 'but neither it nor its digest');

-- Digests are of all that a row says.
SELECT is_empty($$ SELECT a FROM aiven_rbac.audit AS a
                   WHERE a.digest <> aiven_rbac.audit_digest(a.at, a.transaction, a.installation, a.organization, a.project, a.resource, a.actor, a.subject,
                       a.event, a.actor_name, a.subject_name, a.path, a.database_role, a.client_address, a.application_name, a.before, a.after) $$,
                'a row carries its own digest');
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'German';
SELECT is_empty($$ SELECT a FROM aiven_rbac.audit AS a
                   WHERE a.digest <> aiven_rbac.audit_digest(a.at, a.transaction, a.installation, a.organization, a.project, a.resource, a.actor, a.subject,
                       a.event, a.actor_name, a.subject_name, a.path, a.database_role, a.client_address, a.application_name, a.before, a.after) $$,
                'whatever the session''s settings');
RESET TimeZone;
RESET DateStyle;

SELECT cmp_ok(max(pg_column_size(a)), '<=', 300, 'the row of a grant is small') FROM aiven_rbac.audit AS a WHERE a.event = 'grant.created';

-- Where nothing is written -----------------------------------------------------------------------

SET session_replication_role = replica;
SELECT is(test.logged(NULL, $$ UPDATE aiven_rbac.organization SET support_tier = 'premium' $$), '{}', 'nothing in the replication role of logical apply');
RESET session_replication_role;

-- What dumps begin with
CREATE FUNCTION test.tiers() RETURNS text LANGUAGE sql
    SET search_path = pg_catalog
    AS $$ SELECT string_agg(a.after ->> 'support_tier', ',' ORDER BY a.at) FROM aiven_rbac.audit AS a WHERE a.event = 'organization.changed' AND a.path::text = 'acme' $$;
SET check_function_bodies = off;
SELECT set_config('search_path', '', false) AS path \gset
UPDATE aiven_rbac.organization SET support_tier = 'advanced';
SELECT coalesce(test.tiers(), 'none') AS restored \gset
SELECT public.rbac_set_principal(id) FROM aiven_rbac.principal WHERE email = 'ann@acme.example' \g /dev/null
SELECT public.rbac_organization_support_tier_set('acme', 'business') \g /dev/null
SELECT public.rbac_reset_principal() \g /dev/null
RESET check_function_bodies;
UPDATE aiven_rbac.organization SET support_tier = 'basic';
SET search_path = public, test;
SELECT is(:'restored'::text, 'none', 'nothing by what restores a dump');
SELECT is(test.tiers(), 'business,basic', 'but all that is done by functions, and by whoever shares one of the settings');

-- It stays as it is --------------------------------------------------------------------------------

CREATE FUNCTION test.tampered(role text, statement text) RETURNS text
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM set_config('session_replication_role', role, true);
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT is(test.tampered(r.role, format(s.statement, t.name)), '55000 the log cannot be changed', format('%s, %s', format(s.statement, t.name), r.role))
FROM (VALUES ('origin'), ('replica')) AS r (role),
     (SELECT c.relname FROM pg_class AS c WHERE c.oid = 'aiven_rbac.audit'::regclass
      UNION SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = 'aiven_rbac.audit'::regclass) AS t (name),
     (VALUES ('UPDATE aiven_rbac.%I SET actor = NULL'), ('DELETE FROM aiven_rbac.%I'), ('TRUNCATE aiven_rbac.%I')) AS s (statement);
SELECT is((SELECT count(*) FROM pg_inherits WHERE inhparent = 'aiven_rbac.audit'::regclass), 3::bigint, 'there are the rest, this month and the next one');

-- Months --------------------------------------------------------------------------------------------

SELECT is_empty($$ SELECT a.tableoid::regclass, a.at FROM aiven_rbac.audit AS a
                   WHERE a.tableoid <> format('aiven_rbac.audit_%s', to_char(a.at AT TIME ZONE 'UTC', 'YYYYMM'))::regclass $$, 'rows are in the table of their month');
SELECT is_empty($$ SELECT c.oid::regclass, a.grantee FROM pg_class AS c, aclexplode(c.relacl) AS a
                   WHERE c.relname ~ '^audit' AND c.relnamespace = 'aiven_rbac'::regnamespace AND a.grantee <> c.relowner $$, 'which is nobody''s');
SELECT is_empty($$ SELECT a.attrelid::regclass, a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
                   WHERE c.relname ~ '^audit' AND c.relnamespace = 'aiven_rbac'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND a.attstattarget <> 0 $$,
                'S4: nor are its statistics');
SELECT is(aiven_rbac.audit_month_after(m), next, format('the month after %s', m)) FROM (VALUES (202611, 202612), (202612, 202701), (199901, 199902)) AS v (m, next);
SELECT is(aiven_rbac.audit_month_begins(202612), '2026-12-01 00:00+00'::timestamptz, 'a month begins at midnight, UTC');

-- Reading --------------------------------------------------------------------------------------------

SELECT is(test.call(NULL, $$rbac_grant(test.p('dave'), 'organization:audit_logs:read', 'acme')$$), 'ok', 'dave may read the log');
SELECT is(test.call(NULL, $$rbac_grant(test.p('carol'), 'developer', 'acme.engineering.backend-prod')$$), 'ok', 'carol is a developer');
SELECT is(test.call(NULL, $$rbac_revoke(test.p('carol'), 'role:organization:admin', 'acme')$$), 'ok', 'and nothing else');
CREATE TEMP TABLE reading (number int GENERATED ALWAYS AS IDENTITY, who text, query text, expected text);
INSERT INTO reading (who, query, expected) VALUES
    (NULL, $$rbac_audit_log()$$, 'ok'),
    (NULL, $$rbac_audit_log(NULL)$$, 'ok'),
    ('ann', $$rbac_audit_log()$$, '42501 permission denied to read the logs of all organizations'),
    ('ann', $$rbac_audit_log('acme')$$, 'ok'),
    ('ann', $$rbac_audit_log('acme'::rbac_path)$$, 'ok'),
    ('ann', $$rbac_audit_log(rbac_resource_id('acme'))$$, 'ok'),
    ('ann', $$rbac_audit_log(place => rbac_resource_id('acme')::text)$$, 'ok'),
    ('dave', $$rbac_audit_log('acme')$$, 'ok'),
    ('dave', $$rbac_audit_log('acme.engineering.backend-prod')$$, 'ok'),
    ('bob', $$rbac_audit_log('acme')$$, 'ok'),
    ('carol', $$rbac_audit_log('acme')$$, '42501 permission denied for organization "acme"'),
    ('carol', $$rbac_audit_log('acme.engineering.backend-prod')$$, '42501 permission denied for organization "acme"'),
    ('carol', $$rbac_event_log('acme')$$, '42501 permission denied for organization "acme"'),
    ('carol', $$rbac_event_log('acme.engineering.backend-prod')$$, 'ok'),
    ('carol', $$rbac_event_log('acme.engineering.backend-prod.pg')$$, 'ok'),
    ('carol', $$rbac_event_log('acme.engineering.backend-dev')$$, '42501 permission denied for project "acme.engineering.backend-dev"'),
    ('dave', $$rbac_event_log('acme.engineering')$$, 'ok'),
    ('dave', $$rbac_event_log('acme.numbers')$$, '42501 permission denied for unit "acme.numbers"'),
    ('gina', $$rbac_audit_log('acme')$$, '42704 resource "acme" does not exist'),
    ('gina', $$rbac_event_log(test.id('engineering'))$$, format('42704 resource "%s" does not exist', test.id('engineering'))),
    ('olga', $$rbac_audit_log('acme')$$, '42704 resource "acme" does not exist'),
    ('stranger', $$rbac_audit_log('acme')$$, '42704 resource "acme" does not exist'),
    -- what is gone
    ('ann', $$rbac_audit_log('acme.finance')$$, 'ok'),
    ('ann', $$rbac_event_log(test.id('finance'))$$, 'ok'),
    ('gina', $$rbac_audit_log('acme.finance')$$, '42704 resource "acme.finance" does not exist'),
    ('carol', $$rbac_event_log('acme.finance')$$, '42704 resource "acme.finance" does not exist'),
    ('carol', $$rbac_event_log(test.id('finance'))$$, format('42704 resource "%s" does not exist', test.id('finance'))),
    (NULL, $$rbac_audit_log('acme.never')$$, '42704 resource "acme.never" does not exist'),
    -- what is wrong
    ('ann', $$rbac_audit_log('acme', max_rows => -1)$$, '22023 max_rows must not be negative'),
    ('ann', $$rbac_audit_log('acme', events => '{grant.creatd}')$$, '42704 event "grant.creatd" does not exist'),
    ('ann', $$rbac_audit_log('acme', events => '{NULL}')$$, '42704 event "NULL" does not exist'),
    ('ann', $$rbac_audit_log('acme', before_id => 'x')$$, '22023 invalid id of a row of the log: "x"'),
    ('ann', $$rbac_audit_log('')$$, '22P02 path is empty');
SELECT is((SELECT concat_ws(' ', a.code, a.message) FROM test.attempt(t.who, 'SELECT * FROM ' || t.query) AS a), t.expected, concat_ws(': ', t.who, t.query))
FROM reading AS t ORDER BY t.number;

SELECT is(test.seen_by('ann', $$SELECT string_agg(DISTINCT l.organization::text, ',') FROM rbac_audit_log('acme', max_rows => NULL) AS l$$), 'acme',
          'an organization''s log is of what was in it');
SELECT is(test.seen_by('gina', $$SELECT string_agg(l.event || ' ' || l.resource, ',') FROM rbac_audit_log('globex.warehouse') AS l$$),
          'project.billing_group_changed globex.warehouse,project.moved globex.warehouse', 'a project that comes brings nothing of what it was elsewhere');
SELECT is(test.seen_by('ann', $$SELECT count(*) FROM rbac_audit_log('acme.warehouse')$$), '4', 'which those there still find, by the path that it had last');
SELECT is(test.seen_by('carol', $$SELECT string_agg(l.event, ',') FROM rbac_event_log('acme.engineering.backend-prod') AS l$$),
          'grant.created,service.created,project.created', 'the events of a project, the newest first');
SELECT is(test.seen_by('carol', $$SELECT string_agg(l.event, ',') FROM rbac_event_log('acme.engineering.backend-prod.pg') AS l$$), 'service.created', 'of a service');
SELECT is(test.seen_by('dave', $$SELECT string_agg(DISTINCT l.resource::text, ',') FROM rbac_event_log('acme.engineering') AS l$$),
          'acme.engineering.backend-dev,acme.engineering.backend-dev.pg,acme.engineering.backend-prod,acme.engineering.backend-prod.pg', 'of a unit''s projects');
SELECT is(test.seen_by('dave', $$SELECT count(*) FROM rbac_audit_log('acme.engineering') AS l WHERE l.event IN ('unit.created', 'project.created')$$), '3',
          'of a unit, itself included');
SELECT is(test.seen_by('dave', $$SELECT string_agg(DISTINCT l.event, ',') FROM rbac_audit_log('acme', about => rbac_user('bob@acme.example')) AS l$$),
          'grant.changed,grant.created,grant.deleted,group.member_added,invitation.accepted,invitation.created,member.added,super_admin.added', 'about somebody');
SELECT is(test.seen_by('dave', $$SELECT string_agg(l.event, ',') FROM rbac_audit_log('acme', about => rbac_resource_id('acme.numbers')) AS l$$),
          'unit.renamed,unit.renamed,unit.created', 'about a resource');
SELECT is(test.seen_by('dave', $$SELECT string_agg(DISTINCT l.actor_name, ',') FROM rbac_audit_log('acme', by_actor => rbac_user('carol@acme.example')) AS l$$),
          'carol@acme.example', 'by somebody');
SELECT is(test.seen_by('dave', $$SELECT string_agg(DISTINCT l.event, ',') FROM rbac_audit_log('acme', events => '{grant.created,unit.created}') AS l$$),
          'grant.created,unit.created', 'of some events');
SELECT is(test.seen_by('dave', $$
    WITH l AS (SELECT * FROM rbac_audit_log('acme', max_rows => NULL)), one AS (SELECT * FROM l ORDER BY l.at LIMIT 1 OFFSET 20), other AS (SELECT * FROM l ORDER BY l.at LIMIT 1 OFFSET 25)
    SELECT count(*) FROM one, other, rbac_audit_log('acme', one.at, other.at)$$), '5', 'from a time, which is included, until another, which is not');
SELECT is(test.seen_by('dave', $$
    WITH RECURSIVE page AS (
        SELECT 1 AS number, array(SELECT l.id FROM rbac_audit_log('acme', max_rows => 7) AS l) AS ids
        UNION ALL
        SELECT p.number + 1, array(SELECT l.id FROM rbac_audit_log('acme', before_id => p.ids[7], max_rows => 7) AS l) FROM page AS p WHERE cardinality(p.ids) = 7)
    SELECT (SELECT array_agg(i ORDER BY p.number, o) FROM page AS p, unnest(p.ids) WITH ORDINALITY AS x (i, o))
         = (SELECT array_agg(l.id) FROM rbac_audit_log('acme', max_rows => NULL) AS l)$$), 'true', 'page by page');
SELECT is((SELECT string_agg(DISTINCT l.event, ',') FROM rbac_audit_log(test.id('finance')) AS l),
          'grant.changed,grant.created,grant.deleted,project.created,project.deleted,service.created,service.deleted,tag.changed,tag.created', 'the operator reads by id what is gone');

-- by index
CREATE FUNCTION test.nodes(condition text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_bitmapscan = off;
    RETURN QUERY EXECUTE 'EXPLAIN SELECT * FROM aiven_rbac.audit AS a WHERE ' || condition || ' ORDER BY a.at DESC, a.transaction DESC LIMIT 100';
END
$$;
SELECT is_empty(format('SELECT * FROM test.nodes(%L) AS n WHERE n ~ $$Seq Scan|Bitmap|^ *-> *Sort$$', c), 'no row is read in vain, and nothing sorted: ' || c)
FROM unnest(ARRAY['true', format('a.organization = %L', test.id('acme')), format('a.organization = %1$L AND a.project = %1$L', test.id('acme'))]) AS c;

-- Archiving ------------------------------------------------------------------------------------------

SELECT aiven_rbac.audit_month_create(m) FROM unnest('{202001,202002}'::int[]) AS m \g /dev/null
INSERT INTO aiven_rbac.audit_202001 SELECT '2020-01-31 23:00+00', 1, installation, 202001, organization, project, resource, actor, subject, event, actor_name,
    subject_name, path, database_role, client_address, application_name, before, after, digest FROM aiven_rbac.audit WHERE event = 'organization.created';
INSERT INTO aiven_rbac.audit_rest SELECT '2019-12-31 23:00+00', 2, installation, 0, organization, project, resource, actor, subject, event, actor_name,
    subject_name, path, database_role, client_address, application_name, before, after, digest FROM aiven_rbac.audit WHERE event = 'organization.created' AND at > '2021-01-01';
SELECT is((SELECT count(*) FROM rbac_audit_log(until => '2021-01-01')), 4::bigint, 'old rows are read');
SELECT is(test.call(who, $$rbac_audit_archive('2021-01-01')$$), '42501', format('not %s''s to archive', who)) FROM unnest('{ann,dave,olga}'::text[]) AS who;
SELECT is(test.call(NULL, $$rbac_audit_archive(NULL)$$), '22004', 'a time is needed');
SELECT is_empty($$SELECT * FROM rbac_audit_archive('2019-12-31 23:59+00')$$, 'a month that ends later stays');
SELECT results_eq($$SELECT a::text FROM rbac_audit_archive('2020-02-15') AS a$$, $$VALUES ('aiven_rbac.audit_201912'), ('aiven_rbac.audit_202001')$$, 'months go as a whole');
SELECT is((SELECT array_agg(l.after ->> 'month' ORDER BY l.at) FROM rbac_audit_log(events => '{log.archived}') AS l), '{201912,202001}', 'which is told');
SELECT is_empty($$SELECT * FROM rbac_audit_log(until => '2021-01-01')$$, 'and are in the log no more');
SELECT is((SELECT count(*) FROM aiven_rbac.audit_201912) + (SELECT count(*) FROM aiven_rbac.audit_202001), 4::bigint, 'but in their tables');
SELECT results_eq($$SELECT a::text FROM rbac_audit_archive('infinity') AS a$$, $$VALUES ('aiven_rbac.audit_202002')$$, 'this month never does');
SELECT is(test.tampered('origin', 'DELETE FROM aiven_rbac.audit_rest'), '55000 the log cannot be changed', 'the rest is closed again');
SELECT ok(test.logged('ann', $$SELECT rbac_unit_create('acme', 'later')$$) <> '{}', 'and the log is written');

SELECT finish();
ROLLBACK;
