-- Actions and permissions: what allows what, and those of the operator's own (G13).
BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
\o /dev/null
\ir ../../examples/acme.sql
SELECT rbac_role_create('acme', 'forker', '{service.fork,service.view}', '{project}');
SELECT rbac_user_create('zoe@zeta.example');
SELECT rbac_organization_create('zeta', 'Zeta', rbac_user('zoe@zeta.example'));
\o

-- What is there -----------------------------------------------------------------------------

SELECT results_eq('SELECT action, resource_kind, description FROM rbac_actions() ORDER BY 1', 'SELECT name, resource_kind, description FROM aiven_rbac.action ORDER BY 1',
                  'without a name all actions are listed');
SELECT set_eq(format('SELECT action FROM rbac_actions(%L)', name),
              format('SELECT a.name FROM aiven_rbac.action AS a JOIN aiven_rbac.allowed_action AS w ON w.action = a.number JOIN aiven_rbac.grantable AS g ON g.id = w.grantable WHERE g.name = %L', name),
              format('what %s allows', name)) FROM unnest('{super_admin,admin,operator,project:services:read}'::text[]) AS name;
SELECT results_eq($$ SELECT action FROM rbac_actions('service.fork') $$, ARRAY['service.fork'], 'an action allows itself');
SELECT results_eq($$ SELECT action FROM rbac_actions('forker', 'acme') ORDER BY 1 $$, ARRAY['service.fork', 'service.view'], 'G8: a role of an organization''s own');
SELECT throws_ok($$ SELECT * FROM rbac_actions('forker') $$, '42704', NULL, 'G8: which belongs to it');
SELECT throws_ok($$ SELECT * FROM rbac_actions('nonsense') $$, '42704', 'permission, role or action "nonsense" does not exist');
SELECT rbac_set_principal(rbac_user('zoe@zeta.example'), is_local => false) \g /dev/null
SELECT throws_ok($$ SELECT * FROM rbac_actions('forker', 'acme') $$, '42704', 'organization "acme" does not exist', 'S6: and is known there only');
SELECT rbac_reset_principal() \g /dev/null
SELECT results_eq($$ SELECT DISTINCT action, enforced FROM rbac_actions() WHERE action IN ('permission.grant', 'super_admin.manage', 'service_log.view', 'project.delete') ORDER BY 1 $$,
                  $$ VALUES ('permission.grant', true), ('project.delete', true), ('service_log.view', false), ('super_admin.manage', true) $$, 'the extension asks for some of them');

-- The operator's own ------------------------------------------------------------------------

SELECT lives_ok(format('SELECT rbac_action_create(%L, %L, ''Look at it'')', name, kind), format('an action done to a %s', kind))
FROM (VALUES ('plan.sign', 'organization'), ('floor.paint', 'unit'), ('report.view', 'project'), ('gauge.read', 'service')) AS x (name, kind);
SELECT rbac_grant(rbac_user('erin@acme.example'), 'admin', 'acme.finance-prod'), rbac_grant(rbac_user('carol@acme.example'), 'role:organization:admin', 'acme.analytics') \g /dev/null
SELECT is(rbac_has_permission(rbac_user(who), place::rbac_path, action), holds, format('G13: %s on %s: %s', action, place, who))
FROM (VALUES ('zoe@zeta.example', 'zeta', 'plan.sign', true), ('zoe@zeta.example', 'zeta', 'report.view', true), ('zoe@zeta.example', 'acme', 'report.view', false),
             ('erin@acme.example', 'acme.finance-prod', 'report.view', true), ('erin@acme.example', 'acme.finance-prod', 'gauge.read', true),
             ('erin@acme.example', 'acme.finance-prod', 'floor.paint', false), ('erin@acme.example', 'acme', 'report.view', false),
             ('carol@acme.example', 'acme.analytics', 'floor.paint', true), ('carol@acme.example', 'acme.analytics', 'report.view', true),
             ('carol@acme.example', 'acme', 'plan.sign', false)) AS x (who, place, action, holds);
SELECT is(rbac_action_create('report.view', 'project', 'Look at it', if_not_exists => true)::text, '', 'once more, if it does not exist');
SELECT throws_ok($$ SELECT rbac_action_create('report.view', 'project', 'x') $$, '23505', 'action "report.view" already exists');
SELECT throws_ok(format('SELECT rbac_action_create(%L, %L, %L)', name, kind, description), '22023', NULL, format('an action cannot be %s, %s', coalesce(left(name, 20), 'NULL'), coalesce(kind, 'NULL')))
FROM (VALUES (NULL, 'project', 'x'), ('view', 'project', 'x'), ('Report.view', 'project', 'x'), ('a.b', NULL, 'x'), ('a.b', 'galaxy', 'x'), (repeat('a', 255) || '.b', 'project', 'x'),
             ('a.b', 'project', repeat('x', 1001))) AS x (name, kind, description);

SELECT rbac_permission_create('project:reports:read', '{report.view,service.view}', '{organization,project}', 'Read reports') AS reads \gset
SELECT rbac_grant(rbac_user('zoe@zeta.example'), 'project:reports:read', 'zeta') \g /dev/null
SELECT rbac_grant(rbac_user('bob@acme.example'), 'project:reports:read', 'acme.finance-prod') \g /dev/null
SELECT ok(rbac_has_permission(rbac_user('bob@acme.example'), 'acme.finance-prod', 'project:reports:read'), 'G13: every organization can grant a permission');
SELECT ok(rbac_has_permission(rbac_user('bob@acme.example'), 'acme.finance-prod', 'report.view'), 'G13: which allows its actions');
SELECT ok(rbac_has_permission(rbac_user('erin@acme.example'), 'acme.finance-prod', 'project:reports:read'), 'G13: admins hold it');
SELECT throws_ok($$ SELECT rbac_grant(rbac_user('carol@acme.example'), 'project:reports:read', 'acme.analytics') $$, '0LP01', NULL, 'G1: at its levels');
SELECT is(rbac_permission_create('project:reports:read', '{service.view,report.view}', '{project,organization}', if_not_exists => true), :'reads'::uuid, 'once more, if it does not exist');
SELECT throws_ok($$ SELECT rbac_permission_create('forker', '{service.view}', '{project}') $$, '23505', 'role or permission "forker" already exists', 'a role of an organization keeps its name');
SELECT throws_ok(format('SELECT rbac_permission_create(%L, %L, %L)', name, members, levels), code, NULL, 'a permission cannot be ' || coalesce(name, 'NULL') || ' of ' || coalesce(members, 'NULL'))
FROM (VALUES (NULL, '{service.view}', '{project}', '22023'), ('Reports', '{service.view}', '{project}', '22023'), ('p', NULL, '{project}', '22004'), ('p', '{}', '{project}', '22004'),
             ('p', '{nonsense}', '{project}', '42704'), ('p', '{super_admin.manage}', '{organization}', '0LP01'), ('p', '{service.view}', '{service}', '22023'),
             ('p', '{plan.sign}', '{project}', '22023')) AS x (name, members, levels, code);
SELECT rbac_set_principal(rbac_user('zoe@zeta.example'), is_local => false) \g /dev/null
SELECT throws_ok(call, '42501', NULL, 'G13: the operator only: ' || call)
FROM (VALUES ('SELECT rbac_action_create(''x.y'', ''project'', ''x'')'), ('SELECT rbac_permission_create(''x'', ''{service.view}'', ''{project}'')')) AS x (call);
SELECT rbac_reset_principal() \g /dev/null
SELECT throws_ok($$ SELECT rbac_action_create('many.' || g, 'project', '') FROM generate_series(1, 256) AS g $$, '54000', 'too many actions', 'S8: there is an end to them');

SELECT * FROM finish();
ROLLBACK;
