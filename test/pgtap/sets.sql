-- Sets of grants: each item as if it were granted or revoked by itself (G5), and
-- nothing lost for a bad one.  And signing up.
BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
\o /dev/null
\ir ../../examples/acme.sql
SELECT rbac_user_create('zoe@zeta.example');
SELECT rbac_organization_create('zeta', 'Zeta', rbac_user('zoe@zeta.example'));
SELECT rbac_project_create('zeta', 'z');
SELECT rbac_grant(rbac_user('erin@acme.example'), 'admin', 'acme.analytics');
\o
CREATE FUNCTION pg_temp.who(name text) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT p.id FROM aiven_rbac.principal AS p WHERE p.email IN ($1 || '@acme.example', $1 || '@zeta.example') OR (p.name = $1 AND p.kind = 'group') $$;

-- rbac_grants() ----------------------------------------------------------------------------

SELECT results_eq($$ SELECT * FROM rbac_grants(ARRAY[pg_temp.who('bob'), pg_temp.who('carol'), pg_temp.who('bob'), pg_temp.who('zoe'), NULL, pg_temp.who('bob'), pg_temp.who('bob'), pg_temp.who('bob')],
                                               ARRAY['read_only', 'read_only', 'read_only', 'read_only', 'read_only', 'nonsense', 'read_only', 'super_admin'],
                                               ARRAY['acme.analytics', rbac_resource_id('acme.analytics')::text, 'acme.analytics', 'acme.analytics', 'acme', 'acme', 'acme.nowhere', 'acme']) $$,
    $$ VALUES (1, 'granted', NULL::text), (2, 'granted', NULL), (3, 'unchanged', NULL),
              (4, 'refused', 'user "zoe@zeta.example" does not belong to the organization of "acme.analytics"'),
              (5, 'refused', 'principal with id NULL does not exist'),
              (6, 'refused', 'permission, role or action "nonsense" does not exist'),
              (7, 'refused', 'resource "acme.nowhere" does not exist'),
              (8, 'refused', '"super_admin" cannot be granted on organization "acme"') $$,
    'each item has an outcome of its own');
SELECT ok(rbac_has_permission(pg_temp.who('carol'), 'acme.analytics', 'read_only'), 'what is granted counts');
SELECT results_eq($$ SELECT outcome FROM rbac_grants(ARRAY[pg_temp.who('bob'), pg_temp.who('carol')], '{read_only,read_only}', '{acme.analytics,acme.analytics}') $$,
                  ARRAY['unchanged', 'unchanged'], 'once more it changes nothing');
SELECT throws_ok($$ SELECT * FROM rbac_grants(ARRAY[pg_temp.who('bob'), pg_temp.who('zoe')], '{operator,operator}', '{acme.analytics,acme.analytics}', all_or_none => true) $$,
                 '55000', 'item 2 is refused: user "zoe@zeta.example" does not belong to the organization of "acme.analytics"', 'all or none: the first bad item is the error');
SELECT ok(NOT EXISTS (SELECT FROM aiven_rbac.grants_now(pg_temp.who('bob')) AS a JOIN aiven_rbac.grantable AS g ON g.id = a.grantable
                      WHERE g.name = 'operator' AND a.resource = rbac_resource_id('acme.analytics')), 'and nothing is granted then');
SELECT throws_ok($$ SELECT * FROM rbac_grants(ARRAY[pg_temp.who('bob')], '{operator,operator}', '{acme}') $$, '22023', 'lists of items have different lengths');
SELECT throws_ok($$ SELECT * FROM rbac_grants(NULL, '{operator}', '{acme}') $$, '22004', 'lists of items must not be null');
SELECT is_empty($$ SELECT * FROM rbac_grants('{}', '{}', '{}') $$, 'no items, no rows');
SELECT is_empty($$ SELECT * FROM rbac_grants('{}', '{}', '{}', true) $$, 'in that way, too');

-- By a principal, who can hand out only what it holds
SELECT rbac_set_principal(pg_temp.who('erin'), is_local => false) \g /dev/null
SELECT results_eq($$ SELECT * FROM rbac_grants(ARRAY[rbac_user('carol@acme.example'), rbac_user('carol@acme.example')], '{operator,operator}', '{acme.analytics.data-warehouse,acme.finance-prod}') $$,
    $$ VALUES (1, 'granted', NULL::text), (2, 'refused', 'permission denied for project "acme.finance-prod"') $$, 'G5: of each item what the actor may grant');
SELECT results_eq($$ SELECT * FROM rbac_grants(ARRAY[rbac_user('carol@acme.example')], '{role:organization:admin}', '{acme}') $$,
    $$ VALUES (1, 'refused', 'permission denied for organization "acme"') $$, 'G5: and nothing more');
SELECT throws_ok($$ SELECT * FROM rbac_grants(ARRAY[rbac_user('carol@acme.example')], '{operator}', '{zeta.z}', true) $$, '42704',
                 'item 1 is refused: resource "zeta.z" does not exist', 'S6: elsewhere nothing exists');
SELECT rbac_reset_principal() \g /dev/null

-- rbac_revoke_all() ------------------------------------------------------------------------

CREATE FUNCTION pg_temp.granted(name text, place rbac_path) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT count(*) FROM aiven_rbac.access_grant AS a JOIN aiven_rbac.resource AS r ON r.id = a.resource
    WHERE a.principal = pg_temp.who($1) AND r.path <@ place $$;
SELECT rbac_grant(pg_temp.who('carol'), 'operator', 'acme.analytics.data-warehouse'), rbac_grant(pg_temp.who('carol'), 'developer', 'acme.analytics') \g /dev/null
SELECT rbac_set_principal(pg_temp.who('bob'), is_local => false) \g /dev/null
SELECT throws_ok($$ SELECT rbac_revoke_all(rbac_user('carol@acme.example'), 'acme.analytics') $$, '42501', NULL, 'G5: revoking requires standing');
SELECT rbac_set_principal(pg_temp.who('erin'), is_local => false) \g /dev/null
SELECT throws_ok($$ SELECT rbac_revoke_all(rbac_user('carol@acme.example'), 'acme') $$, '42501', NULL, 'G5: at the place that is given');
SELECT rbac_reset_principal() \g /dev/null
SELECT is(rbac_revoke_all(pg_temp.who('carol'), 'acme.analytics'), 3, 'all that was granted there and below is revoked');
SELECT is(pg_temp.granted('carol', 'acme.analytics'), 0::bigint, 'and gone');
SELECT is(rbac_revoke_all(pg_temp.who('carol'), 'acme.analytics'), 0, 'once more there is nothing');
SELECT rbac_grant(pg_temp.who('carol'), 'operator', 'acme.analytics') \g /dev/null
SELECT rbac_set_principal(pg_temp.who('carol'), is_local => false) \g /dev/null
SELECT cmp_ok(rbac_revoke_all(pg_temp.who('carol'), 'acme'), '>=', 1, 'anyone may give up what is their own');
SELECT rbac_reset_principal() \g /dev/null
SELECT throws_ok($$ SELECT rbac_revoke_all(pg_temp.who('carol'), 'acme.nowhere') $$, '42704', 'resource "acme.nowhere" does not exist');

-- rbac_grants_set() ------------------------------------------------------------------------

SELECT rbac_revoke_all(p.id, 'acme.finance-prod') FROM aiven_rbac.principal AS p \g /dev/null
SELECT results_eq($$ SELECT s.change, p.name, s.name FROM rbac_grants_set('acme.finance-prod', '[{"principal": "bob@acme.example", "name": "operator"}, {"principal": "group:backend-team", "name": "read_only"}]') AS s
                     JOIN aiven_rbac.principal AS p ON p.id = s.principal ORDER BY 2 $$,
                  $$ SELECT 'granted', p.name, x.grant_name FROM (VALUES ('bob', 'operator'), ('backend-team', 'read_only')) AS x (who, grant_name)
                     JOIN aiven_rbac.principal AS p ON p.id = pg_temp.who(x.who) ORDER BY 2 $$, 'what is missing is granted');
SELECT is_empty($$ SELECT * FROM rbac_grants_set('acme.finance-prod', '[{"principal": "group:backend-team", "name": "read_only"}, {"principal": "bob@acme.example", "name": "operator"}]') $$,
                'once more it changes nothing');
SELECT results_eq($$ SELECT change, principal, name FROM rbac_grants_set('acme.finance-prod', jsonb_build_array(jsonb_build_object('principal', pg_temp.who('bob'), 'name', 'developer'))) $$,
                  $$ VALUES ('granted', pg_temp.who('bob'), 'developer'), ('revoked', least(pg_temp.who('bob'), pg_temp.who('backend-team')), CASE WHEN pg_temp.who('bob') < pg_temp.who('backend-team') THEN 'operator' ELSE 'read_only' END),
                            ('revoked', greatest(pg_temp.who('bob'), pg_temp.who('backend-team')), CASE WHEN pg_temp.who('bob') < pg_temp.who('backend-team') THEN 'read_only' ELSE 'operator' END) $$,
                  'what is not named is revoked, after the rest is granted');
SELECT throws_ok(format('SELECT * FROM rbac_grants_set(''acme.finance-prod'', %L)', grants), code, message, 'grants cannot be ' || coalesce(grants, 'NULL'))
FROM (VALUES (NULL, '22004', 'grants must not be null'), ('{}', '22023', 'grants must be an array of objects'),
             ('[1]', '22023', 'item 1 of the grants is not an object of "principal" and "name"'),
             ('[{"principal": "bob@acme.example", "name": "operator", "until": 1}]', '22023', 'item 1 of the grants is not an object of "principal" and "name"'),
             ('[{"principal": "nobody@acme.example", "name": "operator"}]', '42704', NULL),
             ('[{"principal": "group:nobody", "name": "operator"}]', '42704', NULL),
             ('[{"principal": "99999999-9999-4999-8999-999999999999", "name": "operator"}]', '42704', NULL),
             ('[{"principal": "bob@acme.example", "name": "nonsense"}]', '42704', NULL)) AS x (grants, code, message);
SELECT is(pg_temp.granted('bob', 'acme.finance-prod'), 1::bigint, 'an error changes nothing');
SELECT rbac_set_principal(pg_temp.who('erin'), is_local => false) \g /dev/null
SELECT throws_ok($$ SELECT * FROM rbac_grants_set('acme.finance-prod', '[]') $$, '42501', NULL, 'G5: it requires permission.grant');
SELECT rbac_reset_principal() \g /dev/null

-- Signing up -------------------------------------------------------------------------------

SELECT rbac_sign_up('nora@nova.example', 'Nora', 'nova', 'Nova', 'a0a0a0a0-0000-4000-8000-000000000001') AS nora \gset
SELECT results_eq(format($$ SELECT p.email, p.name, rbac_has_permission(p.id, 'nova', 'super_admin.manage'), rbac_resource_id('nova') FROM aiven_rbac.principal AS p WHERE p.id = %L $$, :'nora'),
                  $$ VALUES ('nora@nova.example', 'Nora', true, 'a0a0a0a0-0000-4000-8000-000000000001'::uuid) $$, 'who signs up is the super admin of their organization');
SELECT throws_ok($$ SELECT rbac_sign_up('nora@nova.example', 'Nora', 'nova2', 'Nova') $$, '23505', 'user "nora@nova.example" already exists');
SELECT throws_ok($$ SELECT rbac_sign_up('nick@nova.example', 'Nick', 'nova', 'Nova') $$, '23505', NULL, 'an organization''s label is one organization''s');
SELECT is((SELECT count(*) FROM aiven_rbac.principal WHERE email = 'nick@nova.example'), 0::bigint, 'and then there is no user, either');
SELECT lives_ok(format('SELECT rbac_user_email_set(%L, ''Nora@nova.example'')', :'nora'), 'an email can change in case');
SELECT lives_ok(format('SELECT rbac_user_email_set(%L, ''n@nova.example'')', :'nora'), 'and in whole');
SELECT is(rbac_user('n@nova.example'), :'nora'::uuid, 'then it is the user''s');
SELECT throws_ok(format('SELECT rbac_user_email_set(%L, ''bob@acme.example'')', :'nora'), '23505', 'user "bob@acme.example" already exists');
SELECT throws_ok(format('SELECT rbac_user_email_set(%L, NULL)', :'nora'), '22023', NULL, 'it is not taken away');
SELECT throws_ok($$ SELECT rbac_user_email_set(pg_temp.who('backend-team'), 'x@y.example') $$, '42809', NULL, 'groups have none');
CREATE ROLE sets_web;
SELECT throws_ok('SET LOCAL ROLE sets_web; ' || call, '42501', NULL, 'U2: nobody may ' || call || ' who was not given it')
FROM (VALUES ('SELECT rbac_sign_up(''q@q.example'', ''Q'', ''q'', ''Q'')'), ('SELECT rbac_user_email_set(''00000000-0000-4000-8000-000000000000'', ''x@y'')')) AS x (call);
GRANT EXECUTE ON FUNCTION rbac_sign_up, rbac_user_email_set TO sets_web;
GRANT USAGE ON SCHEMA public TO sets_web;
SET ROLE sets_web;
SELECT lives_ok('SELECT rbac_user_email_set(rbac_sign_up(''q@q.example'', ''Q'', ''q'', ''Q''), ''r@q.example'')', 'U2: who was given it needs no more');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
