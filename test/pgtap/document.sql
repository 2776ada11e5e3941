-- An organization as a document: export, plan, apply.
BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
\o /dev/null
\ir ../../examples/acme.sql
SELECT rbac_user_create('zoe@zeta.example');
SELECT rbac_organization_create('zeta', 'Zeta', rbac_user('zoe@zeta.example'));
SELECT rbac_plan_list_set('acme', '{business-4,startup-4}'), rbac_plan_list_set('acme.engineering', '{startup-4}'), rbac_plan_list_set('acme.analytics.data-warehouse', '{startup-4}');
SELECT rbac_service_create('acme.finance-prod', 'ledger', 'pg', 'business-4');
SELECT rbac_tag_set('acme.finance-prod', 'env', 'prod'), rbac_tag_set('acme.finance-prod.ledger', 'tier', '1');
SELECT rbac_role_create('acme', 'looker', '{project:services:read,service.power}', '{project,unit}');
SELECT rbac_grant(rbac_user('heidi@acme.example'), 'looker', 'acme.finance-prod', '2030-01-01', '2031-01-01');
SELECT rbac_domain_add('acme', 'acme.example'), rbac_authentication_policy_set('acme', false, '{password,saml}', false);
SELECT rbac_group_member_add(rbac_group('acme', 'backend-team'), rbac_application_user('acme', 'terraform'));
SELECT rbac_project_assign_billing_group('acme.finance-prod', rbac_billing_group_create('acme', 'main'));
SELECT rbac_invitation_create('acme', 'guest@else.example');
\o

CREATE FUNCTION pg_temp.as(who text, query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM rbac_set_principal(rbac_user(who), 'password', true);
    RETURN QUERY EXECUTE query;
    PERFORM rbac_reset_principal();
EXCEPTION WHEN OTHERS THEN
    PERFORM rbac_reset_principal();
    RAISE;
END
$$;
CREATE FUNCTION pg_temp.steps(organization text, document jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', step, change, object, nullif(detail, '{}')), E'\n' ORDER BY step) FROM rbac_plan(organization, document)
$$;
SELECT rbac_export('acme')::text AS exported \gset

-- There and back ------------------------------------------------------------------------------

SELECT is((SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'exported'::jsonb) AS k), '{application_users,grants,groups,organization,projects,roles,services,settings,units,users}', 'the sections of a document');
SELECT is((SELECT count(*) FROM regexp_matches(:'exported', '[0-9a-f]{8}-[0-9a-f]{4}-', 'g')), 0::bigint, 'it has no ids');
SELECT is(pg_temp.steps('acme', :'exported'), NULL, 'what is there is nothing to do');
SELECT is(pg_temp.steps('acme', '{}'), NULL, 'nor is a document of nothing');
SELECT is((SELECT count(*) FROM rbac_apply('acme', :'exported')), 0::bigint, 'applied, it takes no step');

SELECT replace(replace(replace(:'exported', '"acme', '"acme2'), 'backend-', 'backendx-'), 'data-warehouse', 'data-warehouse2') AS copied \gset
SELECT regexp_replace(replace(replace(:'copied', 'finance-prod', 'finance-prod2'), '"domains": ["acme2.example"]', '"domains": []'), ',? ?"billing_group": "main"', '') AS copied \gset
CREATE TEMP TABLE planned AS SELECT * FROM rbac_plan('acme2', :'copied');
CREATE TEMP TABLE applied AS SELECT * FROM rbac_apply('acme2', :'copied');
SELECT set_eq('SELECT * FROM planned', 'SELECT * FROM applied', 'a plan tells what will be done');
SELECT ok(count(*) > 50, 'which is a lot') FROM applied;
SELECT is(rbac_export('acme2') -> k, :'copied'::jsonb -> k, format('an organization that is made of a document is as the other: %s', k)) FROM jsonb_object_keys(:'copied'::jsonb) AS k WHERE k <> 'users';
SELECT set_eq($$ SELECT u ->> 'email' FROM jsonb_array_elements(rbac_export('acme2') -> 'users') AS u $$, format($$ SELECT u ->> 'email' FROM jsonb_array_elements(%L::jsonb -> 'users') AS u $$, :'copied'), 'with its people');
SELECT is((SELECT count(*) FROM rbac_apply('acme2', :'copied')), 0::bigint, 'twice changes nothing');

-- Steps ---------------------------------------------------------------------------------------

SELECT is(pg_temp.steps('acme', document::jsonb), expected, document)
FROM (VALUES
    ('{"organization": {"name": "Acme AG"}}', '1 change organization "acme" {"name": {"to": "Acme AG", "from": "Acme Corporation"}}'),
    ('{"settings": {"plans": ["startup-4", "business-4"]}}', NULL),
    ('{"settings": {"plans": []}}', '1 delete plan list of acme {"plans": ["business-4", "startup-4"]}'),
    ('{"settings": {"support_tier": "premium"}}', '1 change support tier "acme" {"support_tier": {"to": "premium", "from": "basic"}}'),
    ('{"settings": {"authentication_policy": {"require_two_factor": true, "allowed_methods": ["saml", "password"]}}}',
     '1 change authentication policy "acme" {"personal_tokens": {"to": true, "from": false}, "require_two_factor": {"to": true, "from": false}}'),
    ('{"units": [{"label": "analytics", "name": "Analytics"}, {"label": "engineering", "name": "Engineering", "plans": ["startup-4"]}, {"label": "new"}]}', '1 create unit "new" {"name": "new"}'),
    ('{"units": [{"label": "engineering", "name": "Eng"}]}',
     E'1 change unit "engineering" {"name": {"to": "Eng", "from": "Engineering"}}\n2 delete plan list of acme.engineering {"plans": ["startup-4"]}\n3 delete unit "analytics" {"name": "Analytics"}'),
    ('{"application_users": []}', '1 delete application user "terraform" {"description": "Manages the infrastructure"}'),
    ('{"roles": [{"name": "looker", "members": ["service.power", "project:services:read"], "grantable_on": ["unit", "project"]}]}', NULL)
    ) AS v (document, expected);
SELECT set_eq(format('SELECT change, object FROM rbac_plan(%L, %L)', 'acme', jsonb_build_object('grants', (:'exported'::jsonb -> 'grants') - 0
                  || '[{"principal": "heidi@acme.example", "name": "looker", "resource": "acme"}, {"principal": "group:backend-team", "name": "admin", "resource": "acme.analytics"}]'::jsonb)),
              format($$ VALUES ('create', 'grant of "looker" to heidi@acme.example on acme'), ('create', 'grant of "admin" to group:backend-team on acme.analytics'),
                               ('delete', 'grant of "%s" to %s on %s') $$, g ->> 'name', g ->> 'principal', g ->> 'resource'), 'grants')
FROM jsonb_extract_path(:'exported'::jsonb, 'grants', '0') AS g;

-- Applied
\o /dev/null
SELECT rbac_apply('acme', '{"organization": {"name": "Acme AG"}, "settings": {"support_tier": "premium", "plans": [], "authentication_policy": {"require_two_factor": false}}, "application_users": [{"name": "terraform"}, {"name": "second", "description": "x"}]}');
SELECT rbac_apply('acme', jsonb_set(jsonb_set(rbac_export('acme'), '{projects}', (SELECT jsonb_agg(CASE p ->> 'label' WHEN 'backend-dev' THEN p - 'unit' || '{"name": "Dev", "tags": {"a": "b"}}' WHEN 'finance-prod' THEN p - 'tags' - 'billing_group' ELSE p END)
                                                                                 FROM jsonb_array_elements(rbac_export('acme') -> 'projects') AS p)),
                          '{grants}', (SELECT jsonb_agg(g || jsonb_build_object('resource', replace(g ->> 'resource', 'engineering.backend-dev', 'backend-dev'))) FROM jsonb_array_elements(rbac_export('acme') -> 'grants') AS g)));
SELECT rbac_apply('acme', jsonb_set(rbac_export('acme'), '{users}', (SELECT jsonb_agg(u) FROM jsonb_array_elements(rbac_export('acme') -> 'users') AS u WHERE u ->> 'email' !~ '^(grace|guest)') || '[{"email": "NEW@acme.example", "name": "New", "super_admin": true}]')
                           #- '{grants}');
\o
SELECT is(rbac_export('acme') #> path::text[], expected::jsonb, format('%s is as applied', path))
FROM (VALUES ('{organization,name}', '"Acme AG"'), ('{settings,support_tier}', '"premium"'), ('{settings,plans}', '[]'),
             ('{settings,authentication_policy}', '{"personal_tokens": true, "require_two_factor": false}'),
             ('{application_users}', '[{"name": "second", "description": "x"}, {"name": "terraform", "description": ""}]')) AS v (path, expected);
SELECT is((SELECT p FROM jsonb_array_elements(rbac_export('acme') -> 'projects') AS p WHERE p ->> 'label' = 'backend-dev'), '{"label": "backend-dev", "name": "Dev", "tags": {"a": "b"}}', 'a project that moved');
SELECT is((SELECT string_agg(u ->> 'email', ' ' ORDER BY 1) FROM jsonb_array_elements(rbac_export('acme') -> 'users') AS u WHERE u ->> 'email' ~* 'new|grace|guest' AND (u ->> 'super_admin')::boolean), 'NEW@acme.example', 'who came, and who went');
SELECT is((SELECT count(*) FROM aiven_rbac.audit WHERE event = 'member.removed' AND subject_name = 'grace@acme.example'), 1::bigint, 'it is in the log');

-- Documents that are none ---------------------------------------------------------------------

SELECT throws_ok(format('SELECT * FROM %s(%L, %L)', f, 'acme', document), '22023', message, format('%s: %s', f, message))
FROM unnest('{rbac_plan,rbac_apply}'::text[]) AS f, (VALUES
    ('[]', 'a document is a JSON object'), ('null', 'a document is a JSON object'), ('{"unit": []}', 'unknown key "unit" at the top of the document'),
    ('{"units": null}', 'units has no valid value'), ('{"units": {}}', 'units has no valid value'), ('{"units": ["x"]}', 'units[0] is not an object'),
    ('{"grants": [{"principal": "a@b.example", "name": "admin", "resource": "acme"}, {"principal": "a@b.example", "nmae": "admin", "resource": "acme"}]}', 'unknown key "nmae" at grants[1]'),
    ('{"grants": [{"principal": "a@b.example", "resource": "acme"}]}', 'key "name" is missing at grants[0]'),
    ('{"units": [{"label": 3}]}', 'units[0].label has no valid value'), ('{"units": [{"label": "x", "name": null}]}', 'units[0].name has no valid value'),
    ('{"groups": [{"name": "g", "members": [1]}]}', 'groups[0].members has no valid value'), ('{"projects": [{"label": "p", "tags": {"a": 1}}]}', 'projects[0].tags has no valid value'),
    ('{"settings": {"authentication_policy": {"two_factor": true}}}', 'unknown key "two_factor" at settings.authentication_policy'),
    ('{"units": [{"label": "x"}, {"label": "x"}]}', 'units[1] repeats unit "x"'),
    ('{"grants": [{"principal": "bob@acme.example", "name": "admin", "resource": "zeta"}]}', 'grants[0].resource "zeta" is not in organization "acme"'),
    ('{"organization": {"label": "other"}}', 'organization.label is not "acme"')) AS v (document, message);
SELECT throws_ok($$ SELECT * FROM rbac_plan('nowhere', '{"users": [{"email": "a@b.example"}]}') $$, '22023', 'a new organization needs a super admin');
SELECT throws_ok($$ SELECT * FROM rbac_plan('Not a label', '{}') $$, '22P02', NULL, 'a label that is none');
SELECT lives_ok(format('SELECT * FROM rbac_plan(%L, %L)', 'acme', repeat('{"units":', 1) || '[]}'), 'an empty list is a list');
SELECT throws_ok(format('SELECT * FROM rbac_plan(%L, %L)', 'acme', repeat('{"units":[', 500) || repeat(']}', 500)), '22023', NULL, 'depth is no matter');
SELECT throws_ok(format('SELECT * FROM rbac_apply(%L, %L)', 'acme', document), code, NULL, document)
FROM (VALUES
    ('{"services": [{"project": "nowhere", "label": "x", "type": "pg"}]}', '42704'),
    ('{"grants": [{"principal": "nobody@acme.example", "name": "admin", "resource": "acme"}]}', '42704'),
    ('{"grants": [{"principal": "bob@acme.example", "name": "nonsense", "resource": "acme"}]}', '42704'),
    ('{"projects": []}', '2BP01'), ('{"users": []}', '23001')) AS v (document, code);
SELECT is((SELECT count(*) FROM aiven_rbac.access_grant AS a WHERE a.organization = rbac_resource_id('acme')) > 5, true, 'and nothing of them has been done');

-- By whom -------------------------------------------------------------------------------------

SELECT throws_ok($$ SELECT pg_temp.as('carol@acme.example', 'SELECT rbac_export(''acme'')::text') $$, '42501', NULL, 'S6: to export requires to see it all');
SELECT throws_ok($$ SELECT pg_temp.as('carol@acme.example', 'SELECT object FROM rbac_plan(''acme'', ''{}'')') $$, '42501', NULL, 'S6: so does to plan');
SELECT throws_ok($$ SELECT pg_temp.as('carol@acme.example', 'SELECT object FROM rbac_apply(''acme'', ''{"units": []}'')') $$, '42501', NULL, 'and to apply');
SELECT throws_ok($$ SELECT pg_temp.as('zoe@zeta.example', 'SELECT rbac_export(''acme'')::text') $$, '42704', 'organization "acme" does not exist');
SELECT throws_ok($$ SELECT pg_temp.as('zoe@zeta.example', 'SELECT object FROM rbac_apply(''acme'', ''{}'')') $$, '23505', NULL, 'G10: of others it is known that the label is taken, as to everybody');
SELECT rbac_grant(rbac_user('dave@acme.example'), 'role:organization:admin', 'acme') \g /dev/null
SELECT lives_ok($$ SELECT pg_temp.as('dave@acme.example', 'SELECT rbac_export(''acme'')::text') $$, 'an admin of the organization may');
SELECT throws_ok($$ SELECT pg_temp.as('dave@acme.example', 'SELECT object FROM rbac_apply(''acme'', ''{"users": [{"email": "ann@acme.example", "super_admin": true}, {"email": "dave@acme.example", "super_admin": true}]}'')') $$, '42501', NULL,
                 'G5: nobody lifts themselves by a document');
SELECT bag_eq($$ SELECT pg_temp.as('ann@acme.example', 'SELECT change || '' '' || object FROM rbac_apply(''acme'', jsonb_build_object(''users'', rbac_export(''acme'') -> ''users'' || ''[{"email": "late@else.example"}]'',
                                        ''grants'', rbac_export(''acme'') -> ''grants'' || ''[{"principal": "late@else.example", "name": "admin", "resource": "acme.finance-prod"}]''))') $$,
              ARRAY['create user "late@else.example"'], 'who is no operator invites, and what is for them waits');
SELECT is((SELECT count(*) FROM aiven_rbac.invitation WHERE email = 'late@else.example'), 1::bigint, 'P1: there is an invitation');
SELECT rbac_user_create('late@else.example') \g /dev/null
SELECT rbac_invitation_accept(id) FROM aiven_rbac.invitation WHERE email = 'late@else.example' \g /dev/null
SELECT bag_eq($$ SELECT pg_temp.as('ann@acme.example', 'SELECT change || '' '' || object FROM rbac_apply(''acme'', jsonb_build_object(''users'', rbac_export(''acme'') -> ''users'',
                                        ''grants'', rbac_export(''acme'') -> ''grants'' || ''[{"principal": "late@else.example", "name": "admin", "resource": "acme.finance-prod"}]''))') $$,
              ARRAY['create grant of "admin" to late@else.example on acme.finance-prod'], 'until they have accepted');
SELECT bag_eq($$ SELECT pg_temp.as('zoe@zeta.example', 'SELECT object FROM rbac_apply(''zoes'', ''{"organization": {"name": "Zoe''''s"}, "users": [{"email": "zoe@zeta.example", "super_admin": true}], "units": [{"label": "u"}]}'')') $$,
              ARRAY['organization "zoes"', 'unit "u"'], 'who may make an organization makes it of a document');

SELECT finish();
ROLLBACK;
