-- Reading: every view shows a principal exactly what its actions allow (S6).

BEGIN;
SET client_min_messages = warning;
\set ON_ERROR_STOP 1

-- Two organizations that have one of everything.
CREATE FUNCTION furnish(label text, owner text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    o uuid;
    p uuid;
    s uuid;
    worker uuid;
    guest uuid := rbac_user_create('guest@' || label || '.example');
BEGIN
    PERFORM rbac_organization_create(label, label, rbac_user_create(owner));
    o := rbac_resource_id(label::rbac_path);
    PERFORM rbac_unit_create(label::rbac_path, 'unit');
    PERFORM rbac_project_create((label || '.unit')::rbac_path, label || '-project');
    p := rbac_resource_id((label || '.unit.' || label || '-project')::rbac_path);
    PERFORM rbac_service_create((label || '.unit.' || label || '-project')::rbac_path, 'pg', 'pg');
    s := rbac_resource_id((label || '.unit.' || label || '-project.pg')::rbac_path);
    INSERT INTO aiven_rbac.tag (resource, kind, organization, key, value)
    VALUES (p, 'project', o, 'env', 'dev'), (s, 'service', o, 'env', 'dev');
    INSERT INTO aiven_rbac.service_user (service, username) VALUES (s, 'avnadmin');
    INSERT INTO aiven_rbac.plan_list (resource, kind, organization, plans) VALUES (o, 'organization', o, '{startup-4}');
    INSERT INTO aiven_rbac.billing_address (organization, company_name, city, country_code) VALUES (o, label, 'Helsinki', 'FI');
    INSERT INTO aiven_rbac.payment_method (organization, provider, provider_reference) VALUES (o, 'stripe', 'pm_' || label);
    INSERT INTO aiven_rbac.billing_group (organization, name, currency) VALUES (o, 'main', 'EUR');
    UPDATE aiven_rbac.project SET billing_group = (SELECT b.id FROM aiven_rbac.billing_group AS b WHERE b.organization = o) WHERE id = p;
    INSERT INTO aiven_rbac.domain (organization, name, verification, verified_at) VALUES (o, 'managed-' || label || '.example', 'x', now());
    INSERT INTO aiven_rbac.identity_provider (organization, name, entity_id, url, certificate_fingerprint)
    VALUES (o, 'idp', 'urn:x', 'https://idp.example/', repeat('0', 64));
    INSERT INTO aiven_rbac.authentication_policy (organization) VALUES (o);
    INSERT INTO aiven_rbac.grantable (organization, name, type, console_name) VALUES (o, label || '-role', 'role', 'Role');
    PERFORM rbac_invitation_create(label::rbac_path, 'zed@zed.example');
    worker := rbac_application_user_create(label::rbac_path, 'worker');
    PERFORM rbac_token_create(worker, 'worker');
    PERFORM rbac_token_create(rbac_user_create('managed@managed-' || label || '.example'), 'managed');
    PERFORM rbac_group_create(label::rbac_path, 'team');
    PERFORM rbac_group_member_add(rbac_group(label::rbac_path, 'team'), worker);
    PERFORM rbac_grant(rbac_group(label::rbac_path, 'team'), 'read_only', (label || '.unit.' || label || '-project')::rbac_path);
    PERFORM rbac_invitation_accept(rbac_invitation_create(label::rbac_path, 'guest@' || label || '.example'));
END
$$;
SELECT furnish('acme', 'ann@acme.example') \g /dev/null
SELECT furnish('bolt', 'bea@bolt.example') \g /dev/null
SELECT rbac_resource_id('acme') AS acme, rbac_resource_id('bolt') AS bolt \gset

-- One user for each role and permission and each level that it can be granted
-- at.  Its email says what it has.
CREATE TABLE reader AS
SELECT g.id AS grantable, g.name, o.resource_kind AS level,
       replace(g.name, ':', '-') || '.' || o.resource_kind || '@reader.example' AS email
FROM aiven_rbac.grantable AS g JOIN aiven_rbac.grantable_on AS o ON o.grantable = g.id WHERE g.built_in;
SELECT rbac_invitation_accept(rbac_invitation_create('acme', email))
FROM (SELECT email, rbac_user_create(email) FROM reader) AS r \g /dev/null
SELECT rbac_grant(rbac_user(email), name,
                  CASE level WHEN 'organization' THEN 'acme' WHEN 'unit' THEN 'acme.unit' ELSE 'acme.unit.acme-project' END::rbac_path)
FROM reader \g /dev/null
INSERT INTO reader VALUES (NULL, 'member', 'none', 'guest@acme.example');
INSERT INTO reader SELECT g.id, g.name, 'organization', 'ann@acme.example' FROM aiven_rbac.grantable AS g WHERE g.name = 'super_admin';

-- What each view shows beside one's own: the action that it takes, one of
-- them, and the level from which on it counts.
CREATE TABLE expectation (view text, condition text, actions text[]);
INSERT INTO expectation VALUES
    ('visible_organization', 'id = %1$L', NULL),                -- every member
    ('visible_resource', 'id = %1$L', NULL),
    ('visible_role', 'organization = %1$L', NULL),
    ('visible_service', 'organization = %1$L',
     (SELECT array_agg(a.name) FROM aiven_rbac.action AS a WHERE a.resource_kind = 'service' OR a.name IN ('service.create', 'service.create_for_integration'))),
    ('visible_service_user', 'true', '{service_user.view,service_user.create,service_user.delete,service_credential.view,service_credential.manage}'),
    ('visible_tag', 'kind = ''project''', '{project_tag.view,project_tag.add,project_tag.edit,project_tag.delete}'),
    ('visible_tag', 'kind = ''service''', '{service_tag.view,service_tag.add,service_tag.edit,service_tag.delete}'),
    ('visible_project', 'billing_group IS NOT NULL', '{project.assign_billing_group}'),
    ('visible_billing_group', 'organization = %1$L',
     '{billing_group.view,billing_group.create,billing_group.edit,billing_group.delete,project.assign_billing_group}'),
    ('visible_billing_group', 'billing_emails IS NOT NULL',
     '{billing_group.view,billing_group.create,billing_group.edit,billing_group.delete}'),
    ('visible_billing_address', 'organization = %1$L', '{billing_address.view,billing_address.add,billing_address.edit,billing_address.delete}'),
    ('visible_payment_method', 'organization = %1$L', '{payment_method.view,payment_method.add,payment_method.edit,payment_method.delete}'),
    ('visible_domain', 'organization = %1$L', '{domain.view,domain.add,domain.edit,domain.remove}'),
    ('visible_identity_provider', 'organization = %1$L',
     '{identity_provider.add,identity_provider.enable,identity_provider.disable,identity_provider.remove}'),
    ('visible_authentication_policy', 'organization = %1$L', '{authentication_policy.change}'),
    ('visible_application_user', 'organization = %1$L',
     '{application_user.view,application_user.create,application_user.edit,application_user.delete,application_token.generate,application_token.generate_privileged,application_token.revoke,application_token.list,group_member.add,group_member.add_privileged,group_member.remove,permission.grant}'),
    ('visible_token', 'principal_kind = ''application_user''', '{application_token.list,application_token.generate,application_token.generate_privileged,application_token.revoke}'),
    ('visible_token', 'principal_kind = ''user''', '{user_token.view,user_token.revoke}'),
    ('visible_invitation', 'email = ''zed@zed.example''', '{user_invitation.view,user_invitation.remove,user.invite}'),
    ('visible_grant', 'principal_name = ''team''', '{project_permission.view,permission.grant}'),
    ('visible_group', 'name = ''team''',
     '{group.create,group.delete,group.rename,group.edit_description,group_member.add,group_member.add_privileged,group_member.remove,permission.grant}'),
    ('visible_group_member', 'member_kind = ''application_user''',
     '{group_member.add,group_member.add_privileged,group_member.remove,permission.grant}'),
    ('visible_user', 'super_admin',
     '{user.invite,user.deactivate,user.edit,user.delete,user.remove,user.reset_password,user_authentication_method.view,user_token.view,user_token.revoke,group_member.add,group_member.add_privileged,group_member.remove,permission.grant}'),
    ('visible_user', 'managed AND NOT member',
     '{user.invite,user.deactivate,user.edit,user.delete,user.remove,user.reset_password,user_authentication_method.view,user_token.view,user_token.revoke,group_member.add,group_member.add_privileged,group_member.remove,permission.grant}');

CREATE ROLE reader_role;
GRANT SELECT ON reader, expectation TO reader_role;
CREATE FUNCTION seen_by(email text, view text, condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    result bigint;
BEGIN
    IF email IS NOT NULL THEN
        PERFORM rbac_set_principal(rbac_user(email));
    END IF;
    SET LOCAL ROLE reader_role;
    EXECUTE format('SELECT count(*) FROM aiven_rbac.%I WHERE %s', view, condition) INTO result;
    RESET ROLE;
    PERFORM rbac_reset_principal();
    RETURN result;
END
$$;

SELECT plan(23);

-- Every role and permission × every view ------------------------------------------------

-- An action on users, groups, billing … counts on the organization only.
CREATE TEMP TABLE cell AS
SELECT r.email, e.view, e.condition,
       e.actions IS NULL
       OR EXISTS (SELECT FROM aiven_rbac.allowed_action AS a JOIN aiven_rbac.action AS c ON c.number = a.action
                  WHERE a.grantable = r.grantable AND a.granted_on = r.level AND c.name = ANY (e.actions)
                    AND (c.resource_kind <> 'organization' OR r.level = 'organization')) AS expected,
       seen_by(r.email, e.view, format(e.condition, :'acme')) > 0 AS seen
FROM reader AS r CROSS JOIN expectation AS e;

SELECT is_empty('SELECT * FROM cell WHERE seen <> expected', 'S6: each view shows what the catalogue''s actions allow, in every cell');
SELECT cmp_ok(count(*), '>', 1300::bigint, 'S6: there are many cells') FROM cell;
SELECT is_empty($$ SELECT view, condition FROM cell GROUP BY 1, 2
                   HAVING NOT bool_or(expected) OR (bool_and(expected) AND view NOT IN ('visible_organization', 'visible_resource', 'visible_role')) $$,
                'S6: each condition is met by some and not by all');

-- Another organization is never seen, whatever one is in one's own.
SELECT is_empty(format($$ SELECT r.email, v.attrelid::regclass FROM reader AS r
                          CROSS JOIN (SELECT attrelid, c.relname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
                                      WHERE attname = 'organization' AND c.relkind = 'v'
                                        AND c.relnamespace = 'aiven_rbac'::regnamespace AND relname LIKE 'visible\_%%' OFFSET 0) AS v
                          WHERE r.name IN ('super_admin', 'role:organization:admin', 'member') AND seen_by(r.email, v.relname, %L) > 0 $$, format('organization = %L', :'bolt')),
                'S6: no view shows anything of another organization');
SELECT is_empty($$ SELECT email FROM reader
                   WHERE name IN ('super_admin', 'role:organization:admin', 'member')
                     AND (seen_by(email, 'visible_service_user', 'true') > 1 OR seen_by(email, 'visible_token', 'true') > 2
                          OR seen_by(email, 'visible_tag', 'true') > 2 OR seen_by(email, 'visible_plan_list', 'true') > 1) $$,
                'S6: nor do those that name no organization');

-- Nobody sees nothing -----------------------------------------------------------------

CREATE TEMP TABLE view AS
SELECT c.relname::text AS name FROM pg_class AS c
WHERE c.relnamespace = 'aiven_rbac'::regnamespace AND c.relkind = 'v'
  AND EXISTS (SELECT FROM aclexplode(c.relacl) AS a WHERE a.grantee = 0);
SELECT set_eq('SELECT DISTINCT view FROM expectation',
              $$ SELECT name FROM view WHERE name NOT IN ('visible_unit', 'visible_plan_list', 'own_profile') $$,
              'S6: every view is tried');
SELECT is_empty($$ SELECT name FROM view WHERE name <> 'visible_role' AND seen_by(NULL, name, 'true') > 0 $$,
                'G10: without a principal views are empty');
SELECT is(seen_by(NULL, 'visible_role', 'organization IS NOT NULL'), 0::bigint, 'G10: but for the roles and permissions that all have');
UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE email = 'role-organization-admin.organization@reader.example';
SELECT is_empty($$ SELECT name FROM view WHERE name <> 'visible_role'
                   AND seen_by('role-organization-admin.organization@reader.example', name, 'true') > 0 $$,
                'P6: for whoever is deactivated, too');
UPDATE aiven_rbac.principal SET deactivated_at = NULL;

-- Resources ------------------------------------------------------------------------------

CREATE FUNCTION resources_of(email text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    result text[];
BEGIN
    PERFORM rbac_set_principal(rbac_user(email));
    SELECT array_agg(v.path::text ORDER BY v.path) INTO result FROM aiven_rbac.visible_resource AS v;
    PERFORM rbac_reset_principal();
    RETURN result;
END
$$;
SELECT is(resources_of(who || '@reader.example'), resources, 'S6: ' || who || ' sees ' || resources::text)
FROM (VALUES ('organization-billing-read.organization', '{acme}'::text[]),
             ('organization-projects-write.organization', '{acme,acme.unit,acme.unit.acme-project}'),
             ('role-organization-admin.organization', '{acme,acme.unit,acme.unit.acme-project,acme.unit.acme-project.pg}'),
             ('project-services-read.unit', '{acme,acme.unit,acme.unit.acme-project,acme.unit.acme-project.pg}'),
             ('project-networking-read.project', '{acme,acme.unit.acme-project}'),
             ('service-logs-read.project', '{acme,acme.unit.acme-project,acme.unit.acme-project.pg}')) AS v (who, resources);
SELECT is(seen_by('project-services-read.project@reader.example', 'visible_plan_list', 'true'), 1::bigint,
          'H8: the lists of plans above a resource are seen from below');
SELECT is(seen_by('guest@acme.example', 'visible_plan_list', 'true'), 0::bigint, 'H8: not by who holds nothing');

-- One's own --------------------------------------------------------------------------------

SELECT is(seen_by('guest@acme.example', 'own_profile', 'email = ''guest@acme.example'''), 1::bigint, 'G4: everybody sees oneself');
SELECT is(seen_by('guest@acme.example', 'visible_user', 'true'), 1::bigint, 'G4: and of the users nobody else');
SELECT rbac_user_create('zed@zed.example') \g /dev/null
SELECT is(seen_by('ZED@zed.example', 'visible_invitation', 'state = ''pending'''), 2::bigint, 'P1: invitations are seen by whoever is invited');
SELECT rbac_token_create(rbac_user('guest@acme.example'), 'mine') \g /dev/null
SELECT is(seen_by('guest@acme.example', 'visible_token', 'true'), 1::bigint, 'P8: one''s own tokens are seen');
SELECT rbac_group_member_add(rbac_group('acme', 'team'), rbac_user('guest@acme.example')) \g /dev/null
SELECT is(seen_by('guest@acme.example', 'visible_grant', 'principal_name = ''team'''), 1::bigint, 'P4: the grants of one''s groups are seen');

-- A condition of the reader's own sees no hidden row (S4).
CREATE FUNCTION leak(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    IF value LIKE '%bolt%' THEN
        RAISE EXCEPTION 'leaked %', value;
    END IF;
    RETURN true;
END
$$;
SELECT is(seen_by('ann@acme.example', name, 'leak(' || quote_ident(name) || '::text)') > 0, true, 'S4: a raising condition sees no hidden row of ' || name)
FROM view WHERE name IN ('visible_domain');

SELECT * FROM finish();
ROLLBACK;
