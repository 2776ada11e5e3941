-- Roles of an organization's own (G8), and that editing one is handing out (G5).

BEGIN;
\ir lib/helpers.sql
SELECT no_plan();

\o /dev/null
SELECT rbac_organization_create(label, label, rbac_user_create(label || '@x.example'))
FROM unnest('{acme,globex}'::text[]) AS label;
SELECT rbac_unit_create('acme', 'u');
SELECT rbac_project_create('acme.u', 'p');
SELECT rbac_project_create('acme', 'q');
SELECT rbac_project_create('globex', 'r');
SELECT rbac_user_create(n || '@x.example') FROM unnest('{bob,granter,both}'::text[]) AS n;
SELECT rbac_invitation_accept(rbac_invitation_create('acme', n || '@x.example')) FROM unnest('{bob,granter,both}'::text[]) AS n;
SELECT rbac_invitation_accept(rbac_invitation_create('globex', 'both@x.example'));
-- granter may define roles, and has little to give
SELECT rbac_role_create('acme', 'granter', '{permission.grant,service.view}', '{organization}');
SELECT rbac_grant(rbac_user('granter@x.example'), 'granter', 'acme');
\o

SELECT is(test.call(who, call), result, rule) FROM (VALUES
    ('acme@x.example',
     'rbac_role_create(''acme'', ''deployer'', ''{service.power,project:services:read}'', ''{unit,project}'')', 'ok',
     'G8: actions and permissions, and levels'),
    ('acme@x.example', 'rbac_role_create(''globex'', ''deployer'', ''{service.power}'', ''{project}'')', '42704',
     'G8: by members only'),
    ('globex@x.example', 'rbac_role_create(''globex'', ''deployer'', ''{service.fork}'', ''{project}'')', 'ok',
     'G8: each organization has names of its own'),
    ('bob@x.example', 'rbac_role_create(''acme'', ''mine'', ''{service.power}'', ''{project}'')', '42501',
     'G8: it requires permission.grant'),
    ('granter@x.example', 'rbac_role_create(''acme'', ''much'', ''{service.fork,service.delete}'', ''{project}'')',
     'ok', 'G8: defining hands out nothing'),
    ('granter@x.example', 'rbac_grant(rbac_current_principal(), ''much'', ''acme.q'')', '42501', 'G5: granting does'),
    (NULL, 'rbac_role_create(''acme'', ''deployer'', ''{service.power}'', ''{project}'')', '23505',
     'G8: names are unique in an organization'),
    (NULL, 'rbac_role_create(''acme'', ''operator'', ''{service.power}'', ''{project}'')', '23505',
     'G8: and not those of built-in roles'),
    (NULL, 'rbac_role_create(''acme'', ''project:services:read'', ''{service.power}'', ''{project}'')', '23505',
     'G8: or permissions'),
    (NULL, 'rbac_role_create(''acme'', ''Deployer'', ''{service.power}'', ''{project}'')', '22023',
     'G8: a name is in lower case'),
    (NULL, 'rbac_role_create(''acme'', ''service.fork'', ''{service.power}'', ''{project}'')', '22023',
     'G8: and looks like no action'),
    (NULL, 'rbac_role_create(''acme'', NULL, ''{service.power}'', ''{project}'')', '22023', 'G8: and is something'),
    (NULL, 'rbac_role_create(''acme'', ''x'', ''{}'', ''{project}'')', '22004', 'G8: a role has members'),
    (NULL, 'rbac_role_create(''acme'', ''x'', NULL, ''{project}'')', '22004', 'G8: a role has members'),
    (NULL, 'rbac_role_create(''acme'', ''x'', ''{service.power,NULL}'', ''{project}'')', '22004',
     'G8: all of them known'),
    (NULL, 'rbac_role_create(''acme'', ''x'', ''{service.powr}'', ''{project}'')', '42704', 'G8: all of them known'),
    (NULL, 'rbac_role_create(''acme'', ''x'', ''{operator}'', ''{project}'')', '42809', 'G8: roles are no members'),
    (NULL, 'rbac_role_create(''acme'', ''x'', ''{granter}'', ''{project}'')', '42809',
     'G8: those of the organization neither'),
    (NULL, 'rbac_role_create(''acme'', ''x'', ''{super_admin}'', ''{organization}'')', '42809',
     'G8: nor what super admins have'),
    (NULL, 'rbac_role_create(''acme'', ''x'', ''{organization.rename}'', ''{organization}'')', '0LP01',
     'G8: organization.rename is super admins'''),
    (NULL, 'rbac_role_create(''acme'', ''x'', ''{organization.delete}'', ''{organization}'')', '0LP01',
     'G8: organization.delete is super admins'''),
    (NULL, 'rbac_role_create(''acme'', ''x'', ''{service.fork,super_admin.manage}'', ''{organization}'')', '0LP01',
     'G8: super_admin.manage is super admins'''),
    (NULL, 'rbac_role_create(''acme'', ''x'', ''{service.power}'', ''{service}'')', '22023',
     'G1: nothing is granted on a service'),
    (NULL, 'rbac_role_create(''acme'', ''x'', ''{service.power}'', ''{}'')', '22023',
     'G8: it can be granted somewhere'),
    (NULL, 'rbac_role_create(''acme'', ''x'', ''{service.power}'', NULL)', '22023', 'G8: it can be granted somewhere'),
    (NULL, 'rbac_role_create(''acme'', ''x'', ''{unit.create}'', ''{organization,unit}'')', '22023',
     'G8: what is about organizations means nothing below'),
    (NULL, 'rbac_role_create(''acme'', ''x'', ''{organization:billing:read}'', ''{project}'')', '22023',
     'G8: permissions about organizations neither'),
    (NULL, 'rbac_role_create(''acme'', ''biller'', ''{organization:billing:read,invoice.view}'', ''{organization}'')',
     'ok', 'G8: on an organization it does; what is named twice counts once'),
    (NULL, 'rbac_grant(rbac_user(''bob@x.example''), ''deployer'', ''acme'')', '0LP01',
     'G1, G8: granted at its levels only'),
    (NULL, 'rbac_grant(rbac_user(''bob@x.example''), ''deployer'', ''acme.u'')', 'ok', 'G8: granted by its name'),
    (NULL, 'rbac_grant(rbac_user(''both@x.example''), ''deployer'', ''globex.r'')', 'ok',
     'G8: which means another role elsewhere'),
    (NULL, 'rbac_grant(rbac_user(''both@x.example''), ''biller'', ''globex'')', '42704', 'G8: or none')
) AS v (who, call, result, rule);

SELECT results_eq($$SELECT action FROM rbac_effective_actions(rbac_user('bob@x.example'), 'acme.u.p'::rbac_path) ORDER BY 1$$,
                  $$VALUES ('service.power'), ('service.view')$$, 'G8: permissions stand for their actions');
SELECT results_eq($$SELECT action FROM rbac_effective_actions(rbac_user('both@x.example'), 'globex.r'::rbac_path)$$,
                  $$VALUES ('service.fork')$$, 'G8: by the organization''s own definition');
SELECT ok(rbac_has_permission(rbac_user('bob@x.example'), 'acme.u.p'::rbac_path, 'deployer'),
          'G8: its name can be asked for');

-- Editing.
SELECT is(test.call(who, call), result, rule) FROM (VALUES
    ('granter@x.example', 'rbac_role_edit(''acme'', ''deployer'', ''{service.power,service.view,service.delete}'')',
     '42501', 'G5: adding to a granted role is handing out'),
    ('granter@x.example', 'rbac_role_edit(''acme'', ''deployer'', ''{service.view}'')', '42501',
     'G5: and taking from it is revoking'),
    ('granter@x.example', 'rbac_role_edit(''acme'', ''granter'', ''{permission.grant,service.view,unit.create}'')',
     '42501', 'G5: nobody adds to a role that they have themselves'),
    ('granter@x.example', 'rbac_role_edit(''acme'', ''much'', ''{service.power}'')', 'ok',
     'G5: a role that is granted nowhere is free to be edited'),
    ('granter@x.example', 'rbac_role_edit(''acme'', ''operator'', ''{service.power}'')', '42704',
     'G8: built-in roles stay as they are'),
    ('bob@x.example', 'rbac_role_edit(''acme'', ''deployer'', ''{service.fork}'')', '42501',
     'G8: it requires permission.grant'),
    ('acme@x.example', 'rbac_role_edit(''acme'', ''deployer'', ''{service.fork,service.view}'')', 'ok',
     'G8: a super admin edits it'),
    ('acme@x.example', 'rbac_role_edit(''acme'', ''deployer'', ''{service.fork,organization.delete}'')', '0LP01',
     'G8: within the same bounds'),
    ('acme@x.example', 'rbac_role_edit(''acme'', ''deployer'', NULL, ''{project}'')', '2BP01',
     'G1: not off a level where it is granted'),
    ('acme@x.example', 'rbac_role_edit(''acme'', ''deployer'', NULL, ''{organization,unit}'')', 'ok',
     'G8: off a level where it is not'),
    ('acme@x.example', 'rbac_grant(rbac_user(''bob@x.example''), ''deployer'', ''acme.q'')', '0LP01',
     'G1: where it can''t be granted any more')
) AS v (who, call, result, rule);
SELECT results_eq($$SELECT action FROM rbac_effective_actions(rbac_user('bob@x.example'), 'acme.u.p'::rbac_path) ORDER BY 1$$,
                  $$VALUES ('service.fork'), ('service.view')$$, 'G8: who has the role has what it is now');

-- For as long as one has it oneself.
\o /dev/null
SELECT rbac_role_create('acme', 'short', '{service.view}', '{project}');
SELECT rbac_grant(rbac_user('bob@x.example'), 'short', 'acme.q');
SELECT rbac_grant(rbac_user('granter@x.example'), 'operator', 'acme', NULL, now() + interval '1 hour');
\o
SELECT is(test.call('granter@x.example', 'rbac_role_edit(''acme'', ''short'', ''{service.view,service.power}'')'),
          '42501',
          'G5, G7: what ends in an hour is not added to a grant that does not');
SELECT is(test.call(NULL, 'rbac_grant(rbac_user(''bob@x.example''), ''short'', ''acme.q'', NULL, now() + interval ''1 minute'', true)'),
          'ok', 'G7: but once that ends sooner');
SELECT is(test.call('granter@x.example', 'rbac_role_edit(''acme'', ''short'', ''{service.view,service.power}'')'), 'ok',
          'G5, G7: it is');

-- Deleting.
SELECT is(test.call(who, call), result, rule) FROM (VALUES
    ('acme@x.example', 'rbac_role_delete(''acme'', ''deployer'')', '2BP01', 'G8: a role that is granted stays'),
    ('acme@x.example', 'rbac_revoke(rbac_user(''bob@x.example''), ''deployer'', ''acme.u'')', 'ok',
     'G8: until it is revoked'),
    ('bob@x.example', 'rbac_role_delete(''acme'', ''deployer'')', '42501', 'G8: deleting requires permission.grant'),
    ('acme@x.example', 'rbac_role_delete(''acme'', ''deployer'')', 'ok', 'G8: and then deletes it'),
    ('acme@x.example', 'rbac_role_delete(''acme'', ''deployer'')', '42704', 'G8: once'),
    ('acme@x.example', 'rbac_role_delete(''acme'', ''operator'')', '42704', 'G8: built-in roles stay')
) AS v (who, call, result, rule);

-- Raw DML.
SELECT throws_ok(format($$INSERT INTO aiven_rbac.allowed_action (grantable, granted_on, action)
                          SELECT g.id, 'organization', a.number FROM aiven_rbac.grantable AS g, aiven_rbac.action AS a
                          WHERE g.name = 'much' AND a.name = %L$$, name), '23514', NULL,
                 format('S7, G8: %s does not come to a role by raw DML', name))
FROM unnest('{organization.rename,organization.delete,super_admin.manage}'::text[]) AS name;
SELECT is(array(SELECT a.name FROM aiven_rbac.action AS a WHERE aiven_rbac.only_super_admins(a.number) ORDER BY a.number),
          '{organization.rename,organization.delete,super_admin.manage}', 'G8: those are the three');
SELECT throws_ok($$INSERT INTO aiven_rbac.grantable (organization, name, type, console_name)
                   VALUES (gen_random_uuid(), 'x', 'role', 'x')$$, '23503', NULL, 'S7, G8: a role is of an organization that exists');

SELECT * FROM finish();
ROLLBACK;
