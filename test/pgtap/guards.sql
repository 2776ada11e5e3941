-- Who may do what in administration: every function, called by a principal
-- that holds exactly one role or permission at one level.
--
-- "needs" says which actions a call takes and where.  Whoever's role or
-- permission gives all of them there must get through; everybody else must be
-- refused, and told one of the actions that are missing.

BEGIN;
SELECT no_plan();

\o /dev/null
SELECT rbac_organization_create('acme', 'Acme', rbac_user_create('ann@acme.example'));
SELECT rbac_super_admin_add('acme', rbac_invitation_accept(rbac_invitation_create('acme', email)))
FROM rbac_user_create('art@acme.example') AS u, (VALUES ('art@acme.example')) AS v (email) WHERE u IS NOT NULL;
SELECT rbac_unit_create('acme', 'u');
SELECT rbac_unit_create('acme', 'empty');
SELECT rbac_project_create('acme.u', 'p');
SELECT rbac_project_create('acme.u', 'bare');
SELECT rbac_service_create('acme.u.p', 's', 'pg');
SELECT rbac_service_user_create('acme.u.p.s', 'app');
SELECT rbac_tag_set(path::rbac_path, 'old', 'x') FROM unnest('{acme.u.p,acme.u.p.s}'::text[]) AS path;
SELECT rbac_group_create('acme', 'plain');
SELECT rbac_group_create('acme', 'strong');
SELECT rbac_grant(rbac_group('acme', 'strong'), 'project:permissions:read', 'acme.u.p');
SELECT rbac_application_user_create('acme', 'robot');
SELECT rbac_role_create('acme', 'own', '{project_permission.view}', '{project}');
SELECT rbac_grant(rbac_application_user('acme', 'robot'), 'own', 'acme.u.p');
SELECT rbac_role_create('acme', 'unused', '{service.fork}', '{project}');

-- Members: one to be added and granted things, one managed, one super admin.
SELECT rbac_invitation_accept(rbac_invitation_create('acme', email))
FROM unnest('{may@home.example,mo@managed.example,mona@managed.example}'::text[]) AS email, rbac_user_create(email) AS u
WHERE u IS NOT NULL;
SELECT rbac_group_member_add(g, rbac_user('may@home.example')) FROM rbac_group('acme', 'plain') AS g;
SELECT rbac_domain_verify('acme', 'managed.example', rbac_domain_add('acme', 'managed.example'));
SELECT rbac_super_admin_add('acme', rbac_user('mona@managed.example'));

CREATE TEMP TABLE known AS
SELECT rbac_invitation_create('acme', 'late@home.example') AS invitation,
       rbac_billing_group_create('acme', 'main') AS billing_group,
       rbac_payment_method_add('acme', 'psp', 'pm_1', '4242') AS payment_method,
       rbac_billing_address_add('acme', 'Acme', 'Helsinki', 'FI') AS billing_address,
       rbac_identity_provider_add('acme', 'sso', 'urn:sso', 'https://sso.example/', repeat('0a', 32)) AS identity_provider;
SELECT rbac_project_assign_billing_group('acme.u.p', billing_group) FROM known;

-- Another organization, where whoever calls may create projects.
SELECT rbac_organization_create('globex', 'Globex', rbac_user_create('gus@globex.example'));

CREATE TEMP TABLE guard (call text, needs text[]);
INSERT INTO guard
SELECT replace(replace(replace(replace(replace(replace(replace(replace(replace(call,
        '$may', 'rbac_user(''may@home.example'')'), '$mona', 'rbac_user(''mona@managed.example'')'),
        '$mo', 'rbac_user(''mo@managed.example'')'), '$invitation', quote_literal(k.invitation)),
        '$group', quote_literal(k.billing_group)), '$payment', quote_literal(k.payment_method)),
        '$address', quote_literal(k.billing_address)), '$provider', quote_literal(k.identity_provider)),
        '$robot', 'rbac_application_user(''acme'', ''robot'')'), string_to_array(needs, ' ')
FROM known AS k, (VALUES
    ('rbac_organization_rename(''acme'', ''Acme Inc.'')', 'organization.rename@acme'),
    ('rbac_organization_rename(''acme'', ''Acme Inc.'', ''acme-inc'')', 'organization.rename@acme'),
    ('rbac_organization_support_tier_set(''acme'', ''premium'')', 'billing_group.edit@acme'),
    ('rbac_unit_create(''acme'', ''new'')', 'unit.create@acme'),
    ('rbac_unit_rename(''acme.u'', ''U'', ''v'')', 'unit.create@acme'),
    ('rbac_unit_delete(''acme.empty'')', 'unit.delete@acme'),
    ('rbac_project_create(''acme.u'', ''new'')', 'project.create@acme.u'),
    ('rbac_project_create(''acme'', ''new'')', 'project.create@acme'),
    ('rbac_project_create(''acme.u'', ''new'', NULL, $group)', 'project.create@acme.u project.assign_billing_group@acme.u'),
    ('rbac_project_edit(''acme.u.p'', ''P'', ''q'')', 'project.edit@acme.u.p'),
    ('rbac_project_delete(''acme.u.bare'')', 'project.delete@acme.u.bare'),
    ('rbac_project_assign_billing_group(''acme.u.p'', $group)', 'project.assign_billing_group@acme.u.p'),
    ('rbac_project_assign_billing_group(''acme.u.p'', NULL)', 'project.assign_billing_group@acme.u.p'),
    ('rbac_project_move(''acme.u.p'', ''acme.empty'')', 'project.move@acme.u.p'),
    ('rbac_service_create(''acme.u.p'', ''new'', ''pg'')', 'service.create@acme.u.p'),
    ('rbac_service_edit(''acme.u.p.s'', ''S'', ''t'')', 'service.edit@acme.u.p.s'),
    ('rbac_service_plan_change(''acme.u.p.s'', ''business-4'')', 'service_plan.change@acme.u.p.s'),
    ('rbac_service_delete(''acme.u.p.s'')', 'service.delete@acme.u.p.s'),
    ('rbac_plan_list_set(''acme'', ''{business-4}'')', 'permission.grant@acme'),
    ('rbac_plan_list_set(''acme.u'', ''{business-4}'')', 'permission.grant@acme.u'),
    ('rbac_plan_list_set(''acme.u.p'', NULL)', 'permission.grant@acme.u.p'),
    ('rbac_tag_set(''acme.u.p'', ''new'', ''1'')', 'project_tag.add@acme.u.p'),
    ('rbac_tag_set(''acme.u.p'', ''old'', ''2'')', 'project_tag.edit@acme.u.p'),
    ('rbac_tag_remove(''acme.u.p'', ''old'')', 'project_tag.delete@acme.u.p'),
    ('rbac_tag_set(''acme.u.p.s'', ''new'', ''1'')', 'service_tag.add@acme.u.p.s'),
    ('rbac_tag_set(''acme.u.p.s'', ''old'', ''2'')', 'service_tag.edit@acme.u.p.s'),
    ('rbac_tag_remove(''acme.u.p.s'', ''old'')', 'service_tag.delete@acme.u.p.s'),
    ('rbac_service_user_create(''acme.u.p.s'', ''new'')', 'service_user.create@acme.u.p.s'),
    ('rbac_service_user_delete(''acme.u.p.s'', ''app'')', 'service_user.delete@acme.u.p.s'),
    ('rbac_invitation_create(''acme'', ''new@home.example'')', 'user.invite@acme'),
    ('rbac_invitation_create(''acme'', ''new@home.example'', now() + interval ''1 day'', ''[{"name": "project:permissions:read", "resource": "acme.u.p"}]'')',
     'user.invite@acme permission.grant@acme.u.p project_permission.view@acme.u.p'),
    ('rbac_invitation_create(''acme'', ''new@home.example'', now() + interval ''1 day'', NULL, ''{plain}'')', 'user.invite@acme group_member.add@acme'),
    ('rbac_invitation_create(''acme'', ''new@home.example'', now() + interval ''1 day'', NULL, ''{strong}'')',
     'user.invite@acme group_member.add_privileged@acme project_permission.view@acme.u.p'),
    ('rbac_invitations_create(''acme'', ''{new@home.example}'', ''[{"name": "project:permissions:read", "resource": "acme.u.p"}]'', NULL, true)',
     'user.invite@acme permission.grant@acme.u.p project_permission.view@acme.u.p'),
    ('rbac_invitation_withdraw($invitation)', 'user_invitation.remove@acme'),
    ('rbac_member_remove(''acme'', $may)', 'user.remove@acme'),
    ('rbac_member_remove(''acme'', $mona)', 'super_admin.manage@acme'),
    ('rbac_user_edit($mo, ''Mo'', ''moritz@managed.example'')', 'user.edit@acme'),
    ('rbac_user_deactivate($mo)', 'user.deactivate@acme'),
    ('rbac_user_reactivate($mo)', 'user.deactivate@acme'),
    ('rbac_user_delete($mo)', 'user.delete@acme'),
    ('rbac_user_edit($mona, ''Mona'')', 'user.edit@acme super_admin.manage@acme'),
    ('rbac_user_deactivate($mona)', 'user.deactivate@acme super_admin.manage@acme'),
    ('rbac_user_reactivate($mona)', 'user.deactivate@acme super_admin.manage@acme'),
    ('rbac_user_delete($mona)', 'user.delete@acme super_admin.manage@acme'),
    ('rbac_application_user_create(''acme'', ''new'')', 'application_user.create@acme'),
    ('rbac_application_user_edit($robot, ''android'')', 'application_user.edit@acme'),
    ('rbac_application_user_delete($robot)', 'application_user.delete@acme'),
    ('rbac_group_create(''acme'', ''new'')', 'group.create@acme'),
    ('rbac_group_rename(rbac_group(''acme'', ''plain''), ''simple'')', 'group.rename@acme'),
    ('rbac_group_edit(rbac_group(''acme'', ''plain''), ''A group'')', 'group.edit_description@acme'),
    ('rbac_group_delete(rbac_group(''acme'', ''strong''))', 'group.delete@acme'),
    ('rbac_group_member_add(rbac_group(''acme'', ''plain''), $mo)', 'group_member.add@acme'),
    ('rbac_group_member_add(rbac_group(''acme'', ''strong''), $mo)',
     'group_member.add_privileged@acme project_permission.view@acme.u.p'),
    ('rbac_group_member_remove(rbac_group(''acme'', ''plain''), $may)', 'group_member.remove@acme'),
    ('rbac_super_admin_add(''acme'', $may)', 'super_admin.manage@acme'),
    ('rbac_super_admin_remove(''acme'', $mona)', 'super_admin.manage@acme'),
    ('rbac_grant($may, ''project:permissions:read'', ''acme.u.p'')', 'permission.grant@acme.u.p project_permission.view@acme.u.p'),
    ('rbac_grant($may, ''project:permissions:read'', ''acme'')', 'permission.grant@acme project_permission.view@acme'),
    ('rbac_grant($may, ''own'', ''acme.u.p'')', 'permission.grant@acme.u.p project_permission.view@acme.u.p'),
    ('rbac_revoke($robot, ''own'', ''acme.u.p'')', 'permission.grant@acme.u.p project_permission.view@acme.u.p'),
    ('rbac_grants(ARRAY[$may]::uuid[], ''{project:permissions:read}'', ''{acme.u.p}'', true)', 'permission.grant@acme.u.p project_permission.view@acme.u.p'),
    ('rbac_grants_set(''acme.u.p'', (SELECT jsonb_agg(jsonb_build_object(''principal'', a.principal, ''name'', g.name)) FROM aiven_rbac.access_grant AS a JOIN aiven_rbac.grantable AS g ON g.id = a.grantable JOIN aiven_rbac.resource AS r ON r.id = a.resource WHERE r.path = ''acme.u.p''))',
     'permission.grant@acme.u.p'),
    ('rbac_revoke_all($robot, ''acme.u.p'')', 'permission.grant@acme.u.p project_permission.view@acme.u.p'),
    ('rbac_role_create(''acme'', ''new'', ''{service.fork}'', ''{project}'')', 'permission.grant@acme'),
    ('rbac_role_edit(''acme'', ''unused'', ''{service.power}'')', 'permission.grant@acme'),
    ('rbac_role_edit(''acme'', ''own'', ''{project_permission.view,service.fork}'')',
     'permission.grant@acme service.fork@acme.u.p'),
    ('rbac_role_delete(''acme'', ''unused'')', 'permission.grant@acme'),
    ('rbac_billing_group_create(''acme'', ''new'', ''EUR'', NULL, ''{}'', $address, $payment)', 'billing_group.create@acme'),
    ('rbac_billing_group_edit($group, ''head'')', 'billing_group.edit@acme'),
    ('rbac_project_assign_billing_group(''acme.u.p'', NULL), rbac_billing_group_delete($group)',
     'project.assign_billing_group@acme.u.p billing_group.delete@acme'),
    ('rbac_payment_method_add(''acme'', ''psp'', ''pm_2'')', 'payment_method.add@acme'),
    ('rbac_payment_method_edit($payment, NULL, ''4343'')', 'payment_method.edit@acme'),
    ('rbac_payment_method_delete($payment)', 'payment_method.delete@acme'),
    ('rbac_billing_address_add(''acme'', ''Acme'', ''Berlin'', ''DE'')', 'billing_address.add@acme'),
    ('rbac_billing_address_edit($address, NULL, ''Turku'')', 'billing_address.edit@acme'),
    ('rbac_billing_address_delete($address)', 'billing_address.delete@acme'),
    ('rbac_domain_add(''acme'', ''other.example'')', 'domain.add@acme'),
    ('rbac_domain_verify(''acme'', ''managed.example'', (SELECT d.verification FROM aiven_rbac.domain AS d))', 'domain.edit@acme'),
    ('rbac_domain_remove(''acme'', ''managed.example'')', 'domain.remove@acme'),
    ('rbac_identity_provider_add(''acme'', ''sso2'', ''urn:sso2'', ''https://sso2.example/'', repeat(''0a'', 32))', 'identity_provider.add@acme'),
    ('rbac_identity_provider_enable($provider)', 'identity_provider.enable@acme'),
    ('rbac_identity_provider_disable($provider)', 'identity_provider.disable@acme'),
    ('rbac_identity_provider_remove($provider)', 'identity_provider.remove@acme'),
    ('rbac_authentication_policy_set(''acme'', false, NULL, true)', 'authentication_policy.change@acme')
) AS v (call, needs);

-- A user for each role and permission at each level that it is granted at,
-- one with nothing, and one who is a super admin.
CREATE TEMP TABLE actor AS
SELECT v.name, v.place, rbac_user_create(format('u%s@actor.example', row_number() OVER ())) AS principal
FROM (SELECT g.name, p.place
      FROM aiven_rbac.grantable AS g JOIN aiven_rbac.grantable_on AS o ON o.grantable = g.id
      JOIN (VALUES ('organization', 'acme'::rbac_path), ('unit', 'acme.u'), ('project', 'acme.u.p')) AS p (kind, place)
           ON p.kind = o.resource_kind
      WHERE g.built_in
      UNION ALL VALUES ('super_admin', 'acme'::rbac_path), (NULL, NULL)
      ORDER BY 1, 2) AS v;
SELECT rbac_invitation_accept(rbac_invitation_create('acme', p.email))
FROM actor AS a JOIN aiven_rbac.principal AS p ON p.id = a.principal;
SELECT rbac_grant(a.principal, a.name, a.place) FROM actor AS a WHERE a.name <> 'super_admin';
SELECT rbac_super_admin_add('acme', a.principal) FROM actor AS a WHERE a.name = 'super_admin';

\o

-- Call as a principal, and take it back.
CREATE FUNCTION pg_temp.outcome(principal uuid, call text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    detail text;
BEGIN
    PERFORM rbac_set_principal(principal);
    EXECUTE 'SELECT ' || call;
    RAISE EXCEPTION SQLSTATE 'ZZ000';
EXCEPTION
    WHEN SQLSTATE 'ZZ000' THEN
        RETURN 'allowed';
    WHEN insufficient_privilege THEN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
        RETURN 'refused ' || detail;
    WHEN OTHERS THEN
        RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

CREATE TEMP TABLE held AS
SELECT x.name, p.place, n.name AS action
FROM aiven_rbac.grantable AS x
JOIN aiven_rbac.allowed_action AS w ON w.grantable = x.id
JOIN aiven_rbac.action AS n ON n.number = w.action
JOIN (VALUES ('organization', 'acme'::rbac_path), ('unit', 'acme.u'), ('project', 'acme.u.p')) AS p (kind, place)
     ON p.kind = w.granted_on;

CREATE TEMP TABLE result AS
WITH missing AS MATERIALIZED (
    SELECT g.call, a.name, a.place, a.principal,
           array(SELECT split_part(need, '@', 1) FROM unnest(g.needs) AS need
                 WHERE NOT EXISTS (SELECT FROM held AS h
                                   WHERE h.name = a.name AND h.place = a.place AND h.action = split_part(need, '@', 1)
                                     AND split_part(need, '@', 2)::rbac_path <@ h.place)) AS missing
    FROM guard AS g, actor AS a
)
SELECT m.call, m.name, m.place, m.missing, pg_temp.outcome(m.principal, m.call) AS outcome
FROM missing AS m;

SELECT is(array(SELECT format('%s on %s: %s', r.name, r.place, r.outcome) FROM result AS r
                WHERE r.call = g.call AND r.missing = '{}' AND r.outcome <> 'allowed'), '{}',
          format('G2, G3: whoever holds %s may call %s', array_to_string(g.needs, ' and '), g.call))
FROM guard AS g;

SELECT is(array(SELECT format('%s on %s: %s', r.name, r.place, r.outcome) FROM result AS r
                WHERE r.call = g.call AND r.missing <> '{}'
                  AND NOT (r.outcome LIKE 'refused %'
                           AND EXISTS (SELECT FROM unnest(r.missing) AS action
                                       -- who may do neither is told of the first of two
                                       WHERE r.outcome LIKE '%' || replace(action, '_tag.edit', '_tag.') || '%'))), '{}',
          format('G5, G6: whoever does not is refused and told why: %s', g.call))
FROM guard AS g;

SELECT ok(bool_or(r.outcome = 'allowed') AND bool_or(r.outcome <> 'allowed'), format('somebody may and somebody may not: %s', r.call))
FROM result AS r GROUP BY r.call;

-- Whoever is no member learns nothing, not even that there is something.
SELECT is(array(SELECT o FROM guard AS g, pg_temp.outcome(rbac_user('gus@globex.example'), g.call) AS o
                WHERE o !~ 'does not exist|^refused .*organization that manages'
                  -- which says that there is none
                  AND g.call !~ '^rbac_identity_provider_remove'), '{}',
          'G10: for a stranger nothing exists');

-- No function is forgotten.  These have no action of the catalogue: they are
-- for everybody, for the bootstrap operator, call functions that are in the table, or
-- are for somebody else's tests.
SELECT is(array(SELECT DISTINCT p.proname::text FROM pg_proc AS p
                JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
                WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'rbac\_%' AND p.provolatile = 'v'
                  AND p.prorettype <> 'trigger'::regtype
                  AND p.proname !~ '^rbac_(set_principal|reset_principal|authenticate|mark|wait_for|protect|unprotect|token_|cache_|audit)'
                  AND p.proname NOT IN ('rbac_user_create', 'rbac_organization_create', 'rbac_organization_delete',
                                        'rbac_invitation_accept', 'rbac_member_leave', 'rbac_database_role_map',
                                        'rbac_finding_acknowledge', 'rbac_sign_up', 'rbac_user_email_set',
                                        'rbac_action_create', 'rbac_permission_create', 'rbac_apply', 'rbac_what_if',
                                        'rbac_publication_create', 'rbac_replication_status')
                  AND NOT EXISTS (SELECT FROM guard AS g WHERE g.call ~ (p.proname || '\(')))
          , '{}', 'every function of administration is in the table');

-- Deleting takes an organization with nothing inside.
\o /dev/null
SELECT rbac_organization_create('void', 'Void', rbac_user('art@acme.example'));
SELECT rbac_invitation_accept(rbac_invitation_create('void', 'ann@acme.example'));
SELECT rbac_grant(rbac_user('ann@acme.example'), 'role:organization:admin', 'void');
SELECT rbac_role_create('void', 'own', '{service.fork}', '{organization}');
SELECT rbac_grant(rbac_user('ann@acme.example'), 'own', 'void');
SELECT rbac_billing_group_create('void', 'main', payment_method => rbac_payment_method_add('void', 'psp', 'pm_1'));
SELECT rbac_authentication_policy_set('void', false, NULL, true);
SELECT rbac_domain_add('void', 'void.example');
\o
SELECT matches(pg_temp.outcome(rbac_user('ann@acme.example'), 'rbac_organization_delete(''void'')'),
               '^refused .*organization\.delete', 'H5: an admin does not delete an organization');
SELECT is(pg_temp.outcome(rbac_user('art@acme.example'), 'rbac_organization_delete(''void'')'), 'allowed',
          'H5: a super admin deletes an organization with all that is its own');
SELECT matches(pg_temp.outcome(rbac_user('art@acme.example'), 'rbac_organization_delete(''acme'')'),
               '^2BP01 .*not empty', 'H5: not while there is something inside');

SELECT * FROM finish();
ROLLBACK;
