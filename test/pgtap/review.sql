-- Access review: every grant, by whom, whether it is used, and what about it is worth a
-- second look; of now and of the past.
BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
\o /dev/null
\ir ../../examples/acme.sql
SELECT rbac_user_create('zoe@zeta.example');
SELECT rbac_organization_create('zeta', 'Zeta', rbac_user('zoe@zeta.example'));
\o

CREATE FUNCTION pg_temp.as(who text, query text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM rbac_set_principal(rbac_user(who));
    EXECUTE query;
    PERFORM rbac_reset_principal();
EXCEPTION WHEN OTHERS THEN
    PERFORM rbac_reset_principal();
    RAISE;
END
$$;
CREATE FUNCTION pg_temp.review(place rbac_path, at timestamptz DEFAULT NULL) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', split_part(principal_name, '@', 1), granted_on, grant_name, via) FROM rbac_access_review(place, at) WHERE grant_name IS NOT NULL
$$;

-- What reaches a place ---------------------------------------------------------------------

SELECT set_eq($$ SELECT pg_temp.review('acme.analytics.data-warehouse') $$,
              $$ SELECT concat_ws(' ', split_part(coalesce(p.email, p.name), '@', 1), r.path, g.name, x.via)
                 FROM aiven_rbac.access_grant AS a JOIN aiven_rbac.resource AS r ON r.id = a.resource JOIN aiven_rbac.grantable AS g ON g.id = a.grantable
                 CROSS JOIN LATERAL (SELECT a.principal, 'direct'
                                     UNION SELECT m.member, 'group:' || n.name FROM aiven_rbac.group_member AS m JOIN aiven_rbac.principal AS n ON n.id = m.group_id
                                     WHERE m.group_id = a.principal) AS x (id, via)
                 JOIN aiven_rbac.principal AS p ON p.id = x.id
                 WHERE r.path @> 'acme.analytics.data-warehouse'
                 UNION SELECT 'ann acme super_admin group:account owners' $$,
              'G2, G3: of a project: what stands on it and above, directly and by groups, and the super admins');
SELECT set_eq($$ SELECT pg_temp.review('acme.analytics.data-warehouse.kafka') $$, $$ SELECT pg_temp.review('acme.analytics.data-warehouse') $$, 'of a service: the same');
SELECT ok(count(*) > 10, 'of an organization: what stands in it') FROM pg_temp.review('acme');
SELECT set_eq($$ SELECT * FROM rbac_access_review(rbac_resource_id('acme.engineering')) $$, $$ SELECT * FROM rbac_access_review('acme.engineering') $$, 'by its id');
SELECT is((SELECT count(*) FROM rbac_access_review('acme') WHERE findings IS NULL), 0::bigint, 'findings are never null');
SELECT is((SELECT count(*) FROM rbac_access_review('acme') WHERE principal_name ~ 'zoe'), 0::bigint, 'nobody of another organization');

-- By whom, since when, and when used -------------------------------------------------------

SELECT pg_temp.as('ann@acme.example', $$ SELECT rbac_grant(rbac_user('heidi@acme.example'), 'read_only', 'acme.finance-prod'), rbac_super_admin_add('acme', rbac_user('bob@acme.example')) $$) \g /dev/null
SELECT results_eq($$ SELECT granted_by_name, granted_by = rbac_user('ann@acme.example'), granted_at = now() FROM rbac_access_review('acme.finance-prod')
                     WHERE principal_name = 'heidi@acme.example' AND grant_name = 'read_only' $$, $$ VALUES ('ann@acme.example', true, true) $$, 'who granted it, and when');
SELECT results_eq($$ SELECT granted_by_name FROM rbac_access_review('acme') WHERE principal_name = 'bob@acme.example' AND grant_name = 'super_admin' $$,
                  ARRAY['ann@acme.example'], 'or made somebody super admin');
SELECT results_eq($$ SELECT DISTINCT granted_by FROM rbac_access_review('acme') WHERE principal_name = 'grace@acme.example' $$, ARRAY[NULL]::uuid[], 'an operator is nobody');
SELECT pg_temp.as('ann@acme.example', $$ SELECT rbac_grant(rbac_user('heidi@acme.example'), 'read_only', 'acme.finance-prod', valid_until => now() + interval '3 days', replace => true) $$) \g /dev/null
SELECT is((SELECT last_used_at > now() FROM rbac_access_review('acme') WHERE principal_name = 'ann@acme.example'), true, 'a session is a use');
SELECT is((SELECT count(DISTINCT last_used_at) FROM rbac_access_review('acme') WHERE principal_name = 'heidi@acme.example'), 0::bigint, 'who never logged in was never used');
SELECT results_eq('SELECT method, two_factor FROM aiven_rbac.principal_use WHERE principal = rbac_user(''ann@acme.example'')', $$ VALUES (NULL::text, false) $$, 'how they had logged in');
SELECT rbac_set_principal(rbac_user('carol@acme.example'), 'saml', true) \g /dev/null
SELECT rbac_reset_principal() \g /dev/null
SELECT results_eq('SELECT method, two_factor FROM aiven_rbac.principal_use WHERE principal = rbac_user(''carol@acme.example'')', $$ VALUES ('saml', true) $$, 'with what');
SELECT rbac_set_principal(gen_random_uuid()) \g /dev/null
SELECT rbac_reset_principal() \g /dev/null
SELECT is((SELECT count(*) FROM aiven_rbac.principal_use), 2::bigint, 'nobody who is not there is noted');
SELECT throws_ok('SELECT aiven_rbac.record_principal_use(NULL, NULL, NULL)', '42501', NULL, 'S6: nor can somebody else note it') FROM set_config('role', 'pg_read_all_data', true) AS r;
RESET ROLE;
UPDATE aiven_rbac.principal_use SET last_used_at = last_used_at - interval '59 minutes' WHERE principal = rbac_user('carol@acme.example');
SELECT aiven_rbac.record_principal_use(rbac_user('carol@acme.example'), 'password', false) \g /dev/null
SELECT is((SELECT method FROM aiven_rbac.principal_use WHERE principal = rbac_user('carol@acme.example')), 'saml', 'once an hour');
UPDATE aiven_rbac.principal_use SET last_used_at = last_used_at - interval '2 minutes' WHERE principal = rbac_user('carol@acme.example');
SELECT aiven_rbac.record_principal_use(rbac_user('carol@acme.example'), 'password', false) \g /dev/null
SELECT is((SELECT method FROM aiven_rbac.principal_use WHERE principal = rbac_user('carol@acme.example')), 'password', 'and then again');

-- Findings ---------------------------------------------------------------------------------

\o /dev/null
SELECT rbac_grant(rbac_user('heidi@acme.example'), 'admin', 'acme.analytics', now() - interval '2 days', now() + interval '10 days');
UPDATE aiven_rbac.access_grant SET valid_from = now() - interval '9 days', valid_until = now() - interval '1 day'
WHERE principal = rbac_user('grace@acme.example') AND resource = rbac_resource_id('acme');
SELECT rbac_grant(rbac_user('dave@acme.example'), 'read_only', 'acme.engineering.backend-dev'), rbac_grant(rbac_user('dave@acme.example'), 'read_only', 'acme.engineering');
SELECT rbac_user_create('new@acme.example'), rbac_invitation_accept(rbac_invitation_create('acme', 'new@acme.example'));
UPDATE aiven_rbac.membership SET joined_at = now() - interval '100 days' WHERE principal IN (rbac_user('dave@acme.example'), rbac_user('carol@acme.example'), rbac_application_user('acme', 'terraform'));
SELECT rbac_token_create(rbac_application_user('acme', 'terraform'), 'old');
UPDATE aiven_rbac.token SET created_at = now() - interval '100 days';
\o
SELECT is((SELECT string_agg(DISTINCT f, ', ' ORDER BY f) FROM rbac_access_review('acme') AS r, unnest(r.findings) AS f
           WHERE r.principal_name LIKE who AND (grant_name = name OR name IS NULL) AND (granted_on::text = place OR place IS NULL)), expected, format('%s: %s', who, expected))
FROM (VALUES
    ('grace%', 'organization:projects:write', 'acme', 'expired'),
    ('heidi%', 'admin', 'acme.analytics', 'ending within 30 days'),
    ('heidi%', 'read_only', 'acme.finance-prod', 'ending within 30 days, project outside units'),
    ('dave%', 'read_only', 'acme.engineering.backend-dev', 'covered by another grant, dormant user'),
    ('new%', NULL, NULL, 'member without any grant'),
    ('dave%', 'read_only', 'acme.engineering', 'covered by another grant, dormant user'),
    ('terraform', NULL, NULL, 'dormant application user, dormant token'),
    ('carol%', NULL, 'acme', NULL),
    ('ann%', 'super_admin', NULL, NULL)) AS v (who, name, place, expected);
SELECT is((SELECT count(*) FROM rbac_access_review('acme') WHERE principal_name = 'new@acme.example' AND grant_name IS NULL AND NOT in_force), 1::bigint, 'a member without any grant is a row');
SELECT rbac_super_admin_remove('acme', rbac_user('bob@acme.example')) \g /dev/null
SELECT is((SELECT findings[1] FROM rbac_access_review('acme') WHERE grant_name = 'super_admin'), 'the only super admin', 'P5: one super admin is few');
SELECT rbac_super_admin_add('acme', principal) FROM (SELECT principal FROM aiven_rbac.membership WHERE organization = rbac_resource_id('acme') AND kind = 'user' AND principal <> rbac_user('ann@acme.example') ORDER BY 1 LIMIT 6) AS m \g /dev/null
SELECT is((SELECT string_agg(DISTINCT findings[1], '') FROM rbac_access_review('acme') WHERE grant_name = 'super_admin' AND findings[1] ~ 'super'), 'one of 7 super admins', 'and many are many');
SELECT rbac_super_admin_remove('acme', m.member) FROM aiven_rbac.group_member AS m WHERE m.account_owners AND m.organization = rbac_resource_id('acme') AND m.member NOT IN (rbac_user('ann@acme.example'), rbac_user('bob@acme.example')) \g /dev/null
SELECT CASE WHEN NOT EXISTS (SELECT FROM rbac_access_review('acme') WHERE grant_name = 'super_admin' AND principal_name ~ 'bob') THEN rbac_super_admin_add('acme', rbac_user('bob@acme.example')) END \g /dev/null
-- Of two grants that give the same one is left
SELECT rbac_grant(rbac_user('heidi@acme.example'), 'operator', 'acme.analytics'), rbac_grant(rbac_group('acme', 'engineering-team'), 'operator', 'acme.analytics') \g /dev/null
UPDATE aiven_rbac.access_grant SET granted_at = granted_at - interval '1 hour' WHERE principal = rbac_user('heidi@acme.example') AND resource = rbac_resource_id('acme.analytics') AND valid_until IS NULL;
SELECT results_eq($$ SELECT via, findings @> '{covered by another grant}' FROM rbac_access_review('acme.analytics') WHERE principal_name = 'heidi@acme.example' AND grant_name = 'operator' ORDER BY via $$,
                  $$ VALUES ('direct', false), ('group:engineering-team', true) $$, 'of two that give the same the later one is superfluous');

-- Who may have it --------------------------------------------------------------------------

SELECT throws_ok($$ SELECT pg_temp.as('zoe@zeta.example', 'SELECT * FROM rbac_access_review(''acme'')') $$, '42704', 'resource "acme" does not exist');
SELECT throws_ok($$ SELECT pg_temp.as('zoe@zeta.example', 'SELECT * FROM rbac_access_review(''acme'', clock_timestamp())') $$, '42704', NULL, 'G10: nor has it been there for others');
SELECT throws_ok($$ SELECT pg_temp.as('carol@acme.example', 'SELECT * FROM rbac_access_review(''acme.engineering'')') $$, '42501', NULL, 'S6: it requires to see the grants there');
SELECT throws_ok($$ SELECT pg_temp.as('carol@acme.example', 'SELECT * FROM rbac_access_review(''acme.engineering'', clock_timestamp())') $$, '42501', NULL, 'S6: of the past, too');
SELECT lives_ok($$ SELECT pg_temp.as('dave@acme.example', 'SELECT * FROM rbac_access_review(''acme.engineering'', clock_timestamp())') $$, 'who may see the grants there may see those of the past');
SELECT throws_ok($$ SELECT * FROM rbac_access_review('acme', now() + interval '1 day') $$, '22023', NULL, 'the future is not known');
SELECT throws_ok($$ SELECT * FROM rbac_access_review('nowhere', clock_timestamp()) $$, '42704', NULL, 'what was not there');

-- The past ---------------------------------------------------------------------------------

CREATE TEMP TABLE moment (number serial, at timestamptz, rows text[]);
CREATE FUNCTION pg_temp.remember() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO moment (at, rows) SELECT clock_timestamp(), ARRAY(SELECT concat_ws(' ', principal, granted_on, grant_name, via, in_force) FROM rbac_access_review('acme') WHERE grant_name IS NOT NULL ORDER BY 1);
    PERFORM pg_sleep(0.002);
END
$$;
CREATE FUNCTION pg_temp.then(moment) RETURNS text[] LANGUAGE sql AS $$
    SELECT ARRAY(SELECT concat_ws(' ', principal, granted_on, grant_name, via, in_force) FROM rbac_access_review(rbac_resource_id('acme2'), $1.at) ORDER BY 1)
$$;
\o /dev/null
SELECT pg_temp.remember();
SELECT rbac_grant(rbac_user('new@acme.example'), 'admin', 'acme.finance-prod', valid_until => now() + interval '1 day'), pg_temp.remember();
SELECT rbac_grant(rbac_user('new@acme.example'), 'admin', 'acme.finance-prod', valid_until => now() + interval '2 days', replace => true), pg_temp.remember();
SELECT rbac_revoke(rbac_user('new@acme.example'), 'admin', 'acme.finance-prod'), pg_temp.remember();
SELECT rbac_grant(rbac_user('new@acme.example'), 'admin', 'acme.finance-prod'), pg_temp.remember();
SELECT rbac_unit_rename('acme.analytics', 'Analytics', 'numbers'), pg_temp.remember();
SELECT rbac_project_move('acme.engineering.backend-dev', 'acme.numbers'), pg_temp.remember();
SELECT rbac_group_member_remove(rbac_group('acme', 'engineering-team'), rbac_user('heidi@acme.example')), pg_temp.remember();
SELECT rbac_super_admin_remove('acme', rbac_user('bob@acme.example')), pg_temp.remember();
SELECT rbac_user_deactivate(rbac_user('grace@acme.example')), pg_temp.remember();
SELECT rbac_member_remove('acme', rbac_user('frank@acme.example')), pg_temp.remember();
SELECT rbac_group_delete(rbac_group('acme', 'backend-team')), pg_temp.remember();
SELECT rbac_role_create('acme', 'looker', '{service.view}', '{project}'), rbac_grant(rbac_user('new@acme.example'), 'looker', 'acme.finance-prod'), pg_temp.remember();
SELECT rbac_user_reactivate(rbac_user('grace@acme.example')), pg_temp.remember();
SELECT rbac_service_delete('acme.finance-prod.postgresql'), rbac_project_delete('acme.finance-prod'), pg_temp.remember();
SELECT rbac_organization_rename('acme', 'Acme', 'acme2');
\o
SELECT is(pg_temp.then(m), m.rows, format('moment %s is as it was', number)) FROM moment AS m ORDER BY number;
SELECT cmp_ok(count(DISTINCT rows), '>=', 10::bigint, 'and the moments differ') FROM moment;
SELECT set_eq($$ SELECT r.principal, r.grant_name FROM moment AS m, LATERAL rbac_access_review('acme.engineering.backend-dev', m.at) AS r WHERE m.number = 1 $$,
              $$ SELECT r.principal, r.grant_name FROM moment AS m, LATERAL rbac_access_review(rbac_resource_id('acme2.numbers.backend-dev'), m.at) AS r WHERE m.number = 1 $$,
              'a place is named by its path of then, or by its id');
SELECT throws_ok($$ SELECT r.* FROM moment AS m, LATERAL rbac_access_review('acme2.numbers.backend-dev', m.at) AS r WHERE m.number = 1 $$, '42704', NULL, 'not by the path that it has now');
SELECT throws_ok(format($$ SELECT * FROM rbac_access_review('acme', %L) $$, now() - interval '1 day'), '42704', NULL, 'before it was made, an organization was not there');
SELECT is((SELECT DISTINCT granted_by_name FROM moment AS m, LATERAL rbac_access_review('acme.finance-prod', m.at) AS r WHERE m.number = 1 AND r.principal_name = 'heidi@acme.example' AND r.grant_name = 'read_only'), 'ann@acme.example', 'by whom, of what is gone');
TRUNCATE aiven_rbac.tag;
SELECT throws_ok(format($$ SELECT * FROM rbac_access_review('acme', %L) $$, (SELECT at FROM moment WHERE number = 3)), '55000', NULL, 'what the owner has emptied is not told');

SELECT finish();
ROLLBACK;
