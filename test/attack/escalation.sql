-- Attempts to end up with more than one had (G5): by grants, groups, moves,
-- invitations, ids, labels, time, and past the functions.  All are refused,
-- for the reason that should refuse them, and change nothing; the same calls
-- by those who may show that the reason is not another one.
BEGIN;
\ir ../pgtap/lib/helpers.sql
\ir ../pgtap/lib/world.sql

\o /dev/null
-- More people of acme, and what they have.  "granter", "adder" and "mover" are
-- roles of acme's own with a single action each: standing without anything to
-- give.
INSERT INTO aiven_rbac.grantable (id, organization, name, type, console_name)
SELECT test.id(role), test.id('acme'), role, 'role', role FROM unnest('{granter,adder,mover}'::text[]) AS role;
INSERT INTO aiven_rbac.grantable_on (grantable, organization, resource_kind)
SELECT test.id(role), test.id('acme'), 'organization' FROM unnest('{granter,adder,mover}'::text[]) AS role;
INSERT INTO aiven_rbac.allowed_action (grantable, granted_on, action)
SELECT test.id(role), 'organization', number
FROM (VALUES ('granter', 'permission.grant'), ('adder', 'group_member.add_privileged'), ('mover', 'project.move')) AS v (role, action)
JOIN aiven_rbac.action ON name = action;

CREATE TEMP TABLE person (name text, role text, place rbac_path, valid_from timestamptz, valid_until timestamptz);
INSERT INTO person VALUES
('ivy', 'admin', 'acme', NULL, NULL),                           -- administers projects everywhere, not the organization
('gil', 'organization:groups:write', 'acme', NULL, NULL),
('uma', 'organization:users:write', 'acme', NULL, NULL),
('pat', 'organization:projects:write', 'acme', NULL, NULL),
('len', 'granter', 'acme', NULL, NULL),
('kate', 'adder', 'acme', NULL, NULL),
('moe', 'mover', 'acme', NULL, NULL),
('oscar', 'operator', 'acme.finance', NULL, NULL),
('tom', 'admin', 'acme.finance', NULL, '2100-01-01 00:00+00'),
('early', 'admin', 'acme.finance', '2100-01-01 00:00+00', NULL),
('late', 'admin', 'acme.finance', NULL, '2000-01-01 00:00+00'),
('quin', 'role:organization:admin', 'acme', NULL, NULL),        -- deactivated
('zoe', 'role:organization:admin', 'acme', NULL, NULL);         -- removed again
SELECT rbac_invitation_accept(rbac_invitation_create('acme', name || '@acme.example'))
FROM (SELECT rbac_user_create(name || '@acme.example', name, test.id(name)), name FROM person OFFSET 0) AS created;
SELECT rbac_grant(test.p(name), role, place, valid_from, CASE WHEN valid_until > now() THEN valid_until END) FROM person;
UPDATE aiven_rbac.access_grant AS a SET valid_until = p.valid_until FROM person AS p WHERE a.principal = test.p(p.name) AND p.valid_until <= now();
SELECT rbac_grant(test.p('writers'), 'admin', 'acme.finance');
SELECT rbac_grant(test.p('robot'), 'admin', 'acme.analytics.warehouse');
UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE name = 'quin';
SELECT rbac_member_remove('acme', test.p('zoe'));

-- olga is invited to acme, not yet a member.
CREATE TEMP TABLE invited AS
SELECT rbac_invitation_create('acme', 'olga@nowhere.example') AS olga,
       (SELECT id FROM aiven_rbac.invitation WHERE email = 'zoe@acme.example') AS zoe;
GRANT SELECT ON invited TO test_application;

CREATE TEMP TABLE attack (n int GENERATED ALWAYS AS IDENTITY, who text, description text, query text, expected text);
INSERT INTO attack (who, description, query, expected) VALUES
-- Granting
('bob', 'a member without grants grants itself', $$ SELECT rbac_grant(test.p('bob'), 'read_only', 'acme.finance') $$,
 '42501 permission denied for project "acme.finance"'),
('oscar', 'an operator makes itself admin', $$ SELECT rbac_grant(test.p('oscar'), 'admin', 'acme.finance') $$,
 '42501 permission denied for project "acme.finance"'),
('oscar', 'an operator hands out what it has', $$ SELECT rbac_grant(test.p('bob'), 'operator', 'acme.finance') $$,
 '42501 permission denied for project "acme.finance"'),
('erin', 'a project''s admin grants itself the unit', $$ SELECT rbac_grant(test.p('erin'), 'admin', 'acme.engineering') $$,
 '42501 permission denied for unit "acme.engineering"'),
('erin', 'a project''s admin grants itself the project beside', $$ SELECT rbac_grant(test.p('erin'), 'read_only', 'acme.engineering.backend-prod') $$,
 '42501 permission denied for project "acme.engineering.backend-prod"'),
('dave', 'a unit''s admin grants itself the organization', $$ SELECT rbac_grant(test.p('dave'), 'role:organization:admin', 'acme') $$,
 '42501 permission denied for organization "acme"'),
('dave', 'a unit''s admin grants itself another unit', $$ SELECT rbac_grant(test.p('dave'), 'admin', 'acme.analytics') $$,
 '42501 permission denied for unit "acme.analytics"'),
('dave', 'a unit''s admin grants a friend a project outside', $$ SELECT rbac_grant(test.p('bob'), 'read_only', 'acme.finance') $$,
 '42501 permission denied for project "acme.finance"'),
('dave', 'a unit''s admin grants a project role on the organization', $$ SELECT rbac_grant(test.p('dave'), 'project:services:write', 'acme') $$,
 '42501 permission denied for organization "acme"'),
('ivy', 'who administers projects makes itself organization admin', $$ SELECT rbac_grant(test.p('ivy'), 'role:organization:admin', 'acme') $$,
 '42501 permission denied to hand out "role:organization:admin" on "acme"'),
('ivy', 'who administers projects makes itself a unit''s admin, who creates some', $$ SELECT rbac_grant(test.p('ivy'), 'role:organization:admin', 'acme.engineering') $$,
 '42501 permission denied to hand out "role:organization:admin" on "acme.engineering"'),
('ivy', 'who administers projects gives power over people', $$ SELECT rbac_grant(test.p('ivy'), 'organization:users:write', 'acme') $$,
 '42501 permission denied to hand out "organization:users:write" on "acme"'),
('len', 'who may grant grants itself something', $$ SELECT rbac_grant(test.p('len'), 'read_only', 'acme') $$,
 '42501 permission denied to hand out "read_only" on "acme"'),
('len', 'who may grant grants itself something below', $$ SELECT rbac_grant(test.p('len'), 'service:secrets:read', 'acme.finance') $$,
 '42501 permission denied to hand out "service:secrets:read" on "acme.finance"'),
('len', 'who may grant grants a friend something', $$ SELECT rbac_grant(test.p('bob'), 'developer', 'acme.analytics') $$,
 '42501 permission denied to hand out "developer" on "acme.analytics"'),
('len', 'who may grant grants a group something', $$ SELECT rbac_grant(test.p('team'), 'developer', 'acme') $$,
 '42501 permission denied to hand out "developer" on "acme"'),
('len', 'who may grant grants an application user something', $$ SELECT rbac_grant(test.p('robot'), 'role:organization:admin', 'acme') $$,
 '42501 permission denied to hand out "role:organization:admin" on "acme"'),
('robot', 'an application user extends itself to the unit', $$ SELECT rbac_grant(test.p('robot'), 'admin', 'acme.analytics') $$,
 '42501 permission denied for unit "acme.analytics"'),
('carol', 'super admin is granted like a role', $$ SELECT rbac_grant(test.p('carol'), 'super_admin', 'acme') $$,
 '0LP01 "super_admin" cannot be granted on organization "acme"'),
('carol', 'the account owners are granted something', $$ SELECT rbac_grant(rbac_group('acme', 'account owners'), 'admin', 'acme') $$,
 '0LP01 nothing can be granted to the account owners group'),
-- Time
('tom', 'whose grant ends one day gives for ever', $$ SELECT rbac_grant(test.p('bob'), 'operator', 'acme.finance') $$,
 '42501 permission denied to hand out "operator" on "acme.finance"'),
('tom', 'whose grant ends one day gives for a second longer', $$ SELECT rbac_grant(test.p('bob'), 'operator', 'acme.finance', NULL, '2100-01-01 00:00:01+00') $$,
 '42501 permission denied to hand out "operator" on "acme.finance"'),
('tom', 'whose grant ends one day gives for afterwards', $$ SELECT rbac_grant(test.p('bob'), 'operator', 'acme.finance', '2100-01-01 00:00+00', '2101-01-01 00:00+00') $$,
 '42501 permission denied to hand out "operator" on "acme.finance"'),
('tom', 'whose grant ends one day lengthens it', $$ SELECT rbac_grant(test.p('tom'), 'admin', 'acme.finance', NULL, NULL) $$,
 '42501 permission denied to hand out "admin" on "acme.finance"'),
('tom', 'whose grant ends one day lengthens it until infinity', $$ SELECT rbac_grant(test.p('tom'), 'admin', 'acme.finance', '-infinity', 'infinity') $$,
 '42501 permission denied to hand out "admin" on "acme.finance"'),
('tom', 'whose grant ends one day gives a lesser one to itself for ever', $$ SELECT rbac_grant(test.p('tom'), 'read_only', 'acme.finance') $$,
 '42501 permission denied to hand out "read_only" on "acme.finance"'),
('early', 'whose grant has not begun grants', $$ SELECT rbac_grant(test.p('early'), 'read_only', 'acme.finance') $$,
 '42501 permission denied for project "acme.finance"'),
('early', 'whose grant has not begun grants for the time when it has', $$ SELECT rbac_grant(test.p('bob'), 'read_only', 'acme.finance', '2100-01-01 00:00+00') $$,
 '42501 permission denied for project "acme.finance"'),
('late', 'whose grant has ended renews it', $$ SELECT rbac_grant(test.p('late'), 'admin', 'acme.finance') $$,
 '42501 permission denied for project "acme.finance"'),
('late', 'whose grant has ended grants for the past', $$ SELECT rbac_grant(test.p('bob'), 'read_only', 'acme.finance', NULL, '1999-01-01 00:00+00') $$,
 '22023 the period of a grant must not be over'),
('late', 'whose grant has ended turns it upside down', $$ SELECT rbac_grant(test.p('late'), 'admin', 'acme.finance', 'infinity', '-infinity') $$,
 '22023 the period of a grant must not be empty'),
-- Revoking
('bob', 'a member revokes another''s grant', $$ SELECT rbac_revoke(test.p('erin'), 'admin', 'acme.engineering.backend-dev') $$,
 '42501 permission denied for project "acme.engineering.backend-dev"'),
('ivy', 'who administers projects revokes the organization admin''s role', $$ SELECT rbac_revoke(test.p('carol'), 'role:organization:admin', 'acme') $$,
 '42501 permission denied to hand out "role:organization:admin" on "acme"'),
('len', 'who may grant revokes what it does not hold', $$ SELECT rbac_revoke(test.p('ivy'), 'admin', 'acme') $$,
 '42501 permission denied to hand out "admin" on "acme"'),
('len', 'who may grant cuts another''s period short', $$ SELECT rbac_grant(test.p('carol'), 'role:organization:admin', 'acme', NULL, now() + '1 second') $$,
 '42501 permission denied to hand out "role:organization:admin" on "acme"'),
('dave', 'a unit''s admin revokes at the organization', $$ SELECT rbac_revoke(test.p('ivy'), 'admin', 'acme') $$,
 '42501 permission denied for organization "acme"'),
-- Groups
('bob', 'a member joins a group that holds grants', $$ SELECT rbac_group_member_add(test.p('writers'), test.p('bob')) $$,
 '42501 permission denied for organization "acme"'),
('gil', 'who manages groups joins one that holds grants', $$ SELECT rbac_group_member_add(test.p('writers'), test.p('gil')) $$,
 '42501 permission denied for organization "acme"'),
('gil', 'who manages groups lets a friend join one that holds grants', $$ SELECT rbac_group_member_add(test.p('writers'), test.p('robot')) $$,
 '42501 permission denied for organization "acme"'),
('kate', 'who may add to such groups joins one that has more', $$ SELECT rbac_group_member_add(test.p('writers'), test.p('kate')) $$,
 '42501 permission denied to hand out "admin" on "acme.finance"'),
('gil', 'who manages groups grants through one', $$ SELECT rbac_grant(rbac_group_create('acme', 'mine'), 'read_only', 'acme') $$,
 '42501 permission denied for organization "acme"'),
('tom', 'a project''s admin adds itself to a group', $$ SELECT rbac_group_member_add(test.p('team'), test.p('tom')) $$,
 '42501 permission denied for organization "acme"'),
('carol', 'an organization admin joins the account owners', $$ SELECT rbac_group_member_add(rbac_group('acme', 'account owners'), test.p('carol')) $$,
 '42501 permission denied for organization "acme"'),
('gil', 'who manages groups joins the account owners', $$ SELECT rbac_group_member_add(rbac_group('acme', 'account owners'), test.p('gil')) $$,
 '42501 permission denied for organization "acme"'),
('gil', 'who manages groups makes account owners of its own', $$ SELECT rbac_group_create('acme', 'account owners') $$,
 '23505 group "account owners" already exists in organization "acme"'),
-- Super admins
('carol', 'an organization admin makes itself super admin', $$ SELECT rbac_super_admin_add('acme', test.p('carol')) $$,
 '42501 permission denied for organization "acme"'),
('carol', 'an organization admin takes the super admin back', $$ SELECT rbac_super_admin_remove('acme', test.p('ann')) $$,
 '42501 permission denied for organization "acme"'),
('carol', 'an organization admin removes the super admin', $$ SELECT rbac_member_remove('acme', test.p('ann')) $$,
 '42501 permission denied for organization "acme"'),
('uma', 'who manages users removes the super admin', $$ SELECT rbac_member_remove('acme', test.p('ann')) $$,
 '42501 permission denied for organization "acme"'),
('carol', 'an organization admin takes the super admin out of the group', $$ SELECT rbac_group_member_remove(rbac_group('acme', 'account owners'), test.p('ann')) $$,
 '42501 permission denied for organization "acme"'),
('carol', 'an organization admin deletes the organization', $$ SELECT rbac_organization_delete('acme') $$,
 '42501 permission denied for organization "acme"'),
-- Invitations
('bob', 'a member accepts somebody else''s invitation', $$ SELECT rbac_invitation_accept(olga) FROM pg_temp.invited $$,
 format('42704 invitation with id %s does not exist', (SELECT olga FROM invited))),
('zoe', 'who was removed uses the invitation again', $$ SELECT rbac_invitation_accept(zoe) FROM pg_temp.invited $$,
 format('55000 invitation %s is no longer pending', (SELECT zoe FROM invited))),
('zoe', 'who was removed grants itself the role again', $$ SELECT rbac_grant(test.p('zoe'), 'role:organization:admin', 'acme') $$,
 '42704 resource "acme" does not exist'),
('zoe', 'who was removed invites itself', $$ SELECT rbac_invitation_create('acme', 'zoe@acme.example') $$,
 '42704 organization "acme" does not exist'),
('bob', 'a member invites', $$ SELECT rbac_invitation_create('acme', 'new@acme.example') $$,
 '42501 permission denied for organization "acme"'),
('olga', 'who is only invited creates something', $$ SELECT rbac_project_create('acme', 'mine') $$,
 '42704 organization or unit "acme" does not exist'),
-- Hierarchy
('dave', 'a unit''s admin brings a project under its unit', $$ SELECT rbac_project_move('acme.finance', 'acme.engineering') $$,
 '42501 permission denied for project "acme.finance"'),
('erin', 'a project''s admin moves it out of its unit''s admin''s reach', $$ SELECT rbac_project_move('acme.engineering.backend-dev', 'acme') $$,
 '42501 permission denied for project "acme.engineering.backend-dev"'),
('moe', 'who may move projects takes one from its unit''s admin', $$ SELECT rbac_project_move('acme.engineering.backend-dev', 'acme') $$,
 '42501 permission denied to move project "acme.engineering.backend-dev" out of "acme.engineering"'),
('moe', 'who may move projects brings one under a unit''s admin', $$ SELECT rbac_project_move('acme.finance', 'acme.engineering') $$,
 '42501 permission denied to move project "acme.finance" to "acme.engineering"'),
('pat', 'who manages projects moves one', $$ SELECT rbac_project_move('acme.finance', 'acme.engineering') $$,
 '42501 permission denied for project "acme.finance"'),
('dave', 'a unit''s admin creates a project beside its unit', $$ SELECT rbac_project_create('acme', 'mine') $$,
 '42501 permission denied for organization "acme"'),
('dave', 'a unit''s admin creates a project in another unit', $$ SELECT rbac_project_create('acme.analytics', 'mine') $$,
 '42501 permission denied for unit "acme.analytics"'),
('dave', 'a unit''s admin creates a unit', $$ SELECT rbac_unit_create('acme', 'mine') $$,
 '42501 permission denied for organization "acme"'),
('pat', 'who manages projects creates a service in one', $$ SELECT rbac_service_create('acme.finance', 'mine', 'pg') $$,
 '42501 permission denied for project "acme.finance"'),
('dave', 'a unit''s admin puts a service elsewhere by its label', $$ SELECT rbac_service_create('acme.engineering.backend-dev', 'x.acme.finance.mine', 'pg') $$,
 '22023 invalid label "x.acme.finance.mine"'),
('dave', 'a unit''s admin puts a project into a unit of its own making', $$ SELECT rbac_project_create('acme.engineering', 'inner.mine') $$,
 '22023 invalid label "inner.mine"'),
('dave', 'a unit''s admin writes a path in capitals', $$ SELECT rbac_project_create('ACME', 'mine') $$,
 '22P02 path "ACME" has an upper-case letter'),
('dave', 'a unit''s admin takes the place of an existing resource', $$ SELECT rbac_project_create('acme.engineering', 'mine', NULL, NULL, test.id('finance')) $$,
 '42501 permission denied to bring the id of a new project'),
('bob', 'a member founds an organization in somebody''s name', $$ SELECT rbac_organization_create('mine', 'Mine', test.p('ann')) $$,
 '42501 permission denied to create an organization for another user'),
('bob', 'a member founds an organization below another', $$ SELECT rbac_organization_create('acme.mine', 'Mine') $$,
 '22023 invalid label "acme.mine"'),
('bob', 'a member founds an organization in the place of another', $$ SELECT rbac_organization_create('mine', 'Mine', id => test.id('acme')) $$,
 '42501 permission denied to bring the id of a new organization'),
('bob', 'a member founds the organization that all built-in roles are of',
 $$ SELECT rbac_organization_create('mine', 'Mine', id => '00000000-0000-0000-0000-000000000000') $$,
 '42501 permission denied to bring the id of a new organization'),
('bob', 'a member gives its own organization another''s project',
 $$ SELECT rbac_organization_create('mine', 'Mine'); SELECT rbac_project_move('acme.finance', 'mine') $$,
 '42501 permission denied for project "acme.finance"'),
('bob', 'a member gives its own organization''s group a grant elsewhere',
 $$ SELECT rbac_organization_create('mine', 'Mine'); SELECT rbac_grant(rbac_group_create('mine', 'my-group'), 'read_only', 'acme') $$,
 '42501 permission denied for organization "acme"'),
-- Other organizations
('gina', 'another organization''s super admin grants itself something here', $$ SELECT rbac_grant(test.p('gina'), 'read_only', 'acme') $$,
 '42704 resource "acme" does not exist'),
('gina', 'another organization''s super admin uses its group', $$ SELECT rbac_group_member_add(test.p('writers'), test.p('gina')) $$,
 format('42704 group with id %s does not exist', test.p('writers'))),
('gina', 'another organization''s super admin makes its member super admin', $$ SELECT rbac_super_admin_add('acme', test.p('hank')) $$,
 '42704 organization "acme" does not exist'),
('gina', 'another organization''s super admin removes a member', $$ SELECT rbac_member_remove('acme', test.p('bob')) $$,
 '42704 organization "acme" does not exist'),
('gina', 'another organization''s super admin withdraws an invitation', $$ SELECT rbac_invitation_withdraw(olga) FROM pg_temp.invited $$,
 format('42704 invitation with id %s does not exist', (SELECT olga FROM invited))),
('gina', 'another organization''s super admin takes a project', $$ SELECT rbac_project_move('acme.finance', 'globex') $$,
 '42704 project "acme.finance" does not exist'),
('ann', 'a super admin gives a project to another organization', $$ SELECT rbac_project_move('acme.finance', 'globex') $$,
 '42704 organization or unit "globex" does not exist'),
('ann', 'a super admin grants something to a user of another organization', $$ SELECT rbac_grant(test.p('hank'), 'read_only', 'acme') $$,
 format('42704 principal with id %s does not exist', test.p('hank'))),
('ann', 'a super admin grants something to a group of another organization', $$ SELECT rbac_grant(test.p('globex-team'), 'read_only', 'acme') $$,
 format('42704 principal with id %s does not exist', test.p('globex-team'))),
-- Nobody, and who is no longer
('quin', 'a deactivated admin grants', $$ SELECT rbac_grant(test.p('bob'), 'read_only', 'acme') $$,
 '42501 the session''s principal is deactivated'),
('quin', 'a deactivated member gives up a grant', $$ SELECT rbac_revoke(test.p('quin'), 'role:organization:admin', 'acme') $$,
 '42501 the session''s principal is deactivated'),
('quin', 'a deactivated admin founds an organization', $$ SELECT rbac_organization_create('mine', 'Mine') $$,
 '42501 the session''s principal is deactivated'),
('stranger', 'a principal that does not exist grants', $$ SELECT rbac_grant(test.id('stranger'), 'read_only', 'acme') $$,
 '42704 resource "acme" does not exist'),
('stranger', 'a principal that does not exist founds an organization', $$ SELECT rbac_organization_create('mine', 'Mine') $$,
 format('42704 user with id %s does not exist', test.id('stranger'))),
('bob', 'a member signs somebody up', $$ SELECT rbac_user_create('new@acme.example') $$,
 '42501 permission denied for function rbac_user_create'),
-- Past the functions
('bob', 'a member becomes somebody else', $$ SELECT rbac_set_principal(test.p('ann')) $$,
 '42501 permission denied for function rbac_set_principal'),
('bob', 'a member becomes somebody else by SET', format('SET LOCAL aiven_rbac.principal = %L', test.p('ann') || ' f '),
 '42501 parameter "aiven_rbac.principal" cannot be set directly'),
('bob', 'a member becomes nobody, to act as the operator', $$ SELECT rbac_reset_principal(); SELECT rbac_grant(test.p('bob'), 'read_only', 'acme') $$,
 '42501 no principal is set'),
('bob', 'a member maps its database role', $$ SELECT rbac_database_role_map('test_application', test.p('ann')) $$,
 '42501 permission denied for function rbac_database_role_map'),
('bob', 'a member writes the table of grants',
 $$ INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind)
    VALUES (test.p('bob'), test.id('acme'), test.id('granter'), test.id('acme'), 'organization') $$,
 '42501 permission denied for table access_grant'),
('bob', 'a member writes the table of groups', $$ UPDATE aiven_rbac.group_member SET member = test.p('bob') $$,
 '42501 permission denied for table group_member'),
('bob', 'a member empties a table', $$ TRUNCATE aiven_rbac.allowed_action $$,
 '42501 permission denied for table allowed_action'),
('bob', 'a member calls what the functions call', $$ SELECT aiven_rbac.delete_resource('project.delete', 'acme.finance', 'project') $$,
 '42501 permission denied for function delete_resource'),
('bob', 'a member calls what checks nothing', $$ SELECT aiven_rbac.create_resource('organization', NULL, 'mine', 'mine', test.id('mine'), false) $$,
 '42501 permission denied for function create_resource'),
('bob', 'a member switches triggers off', $$ SET LOCAL session_replication_role = replica $$,
 '42501 permission denied to set parameter "session_replication_role"'),
('bob', 'a member puts a function of its own in the way',
 $$ CREATE FUNCTION pg_temp.rbac_has_permission(uuid, uuid, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    SET LOCAL search_path = pg_temp, public, test; SELECT rbac_grant(test.p('bob'), 'read_only', 'acme') $$,
 '42501 permission denied for organization "acme"'),
('bob', 'a member puts a table of its own in the way',
 $$ CREATE TEMP TABLE membership AS SELECT test.p('bob') AS principal, test.id('globex') AS organization, 'user' AS kind;
    SET LOCAL search_path = pg_temp, public, test; SELECT rbac_project_create('globex', 'mine') $$,
 '42704 organization or unit "globex" does not exist');

-- The same by those who may
CREATE TEMP TABLE control (n int GENERATED ALWAYS AS IDENTITY, who text, description text, query text, look text, expected text);
INSERT INTO control (who, description, query, look, expected) VALUES
('ann', 'a super admin grants', $$ SELECT rbac_grant(test.p('bob'), 'role:organization:admin', 'acme') $$,
 $$ SELECT rbac_has_permission(test.p('bob'), test.id('acme'), 'role:organization:admin') $$, 'ok true'),
('carol', 'an organization admin grants its own role', $$ SELECT rbac_grant(test.p('bob'), 'role:organization:admin', 'acme') $$,
 $$ SELECT rbac_has_permission(test.p('bob'), test.id('acme'), 'role:organization:admin') $$, 'ok true'),
('ivy', 'who administers projects grants what it has', $$ SELECT rbac_grant(test.p('bob'), 'admin', 'acme') $$,
 $$ SELECT rbac_has_permission(test.p('bob'), test.id('finance'), 'admin') $$, 'ok true'),
('ivy', 'and less', $$ SELECT rbac_grant(test.p('bob'), 'developer', 'acme.analytics') $$,
 $$ SELECT rbac_has_permission(test.p('bob'), test.id('warehouse'), 'developer') $$, 'ok true'),
('len', 'who may grant grants that', $$ SELECT rbac_grant(test.p('bob'), 'granter', 'acme') $$,
 $$ SELECT rbac_has_permission(test.p('bob'), test.id('finance'), 'permission.grant') $$, 'ok true'),
('dave', 'a unit''s admin grants on the unit', $$ SELECT rbac_grant(test.p('bob'), 'role:organization:admin', 'acme.engineering') $$,
 $$ SELECT rbac_has_permission(test.p('bob'), test.id('backend-dev'), 'project.delete') $$, 'ok true'),
('dave', 'and on a project in it', $$ SELECT rbac_grant(test.p('bob'), 'admin', 'acme.engineering.backend-prod') $$,
 $$ SELECT rbac_has_permission(test.p('bob'), test.id('backend-prod'), 'admin') $$, 'ok true'),
('erin', 'a project''s admin grants on the project', $$ SELECT rbac_grant(test.p('team'), 'operator', 'acme.engineering.backend-dev') $$,
 $$ SELECT rbac_has_permission(test.p('team'), test.id('backend-dev'), 'operator') $$, 'ok true'),
('tom', 'whose grant ends one day gives until then', $$ SELECT rbac_grant(test.p('bob'), 'operator', 'acme.finance', NULL, '2100-01-01 00:00+00') $$,
 $$ SELECT rbac_has_permission(test.p('bob'), test.id('finance'), 'operator') $$, 'ok true'),
('tom', 'and gives a part of the time', $$ SELECT rbac_grant(test.p('bob'), 'operator', 'acme.finance', '2099-01-01 00:00+00', '2099-02-01 00:00+00') $$,
 $$ SELECT rbac_has_permission(test.p('bob'), test.id('finance'), 'operator') $$, 'ok false'),
('tom', 'and shortens its own', $$ SELECT rbac_grant(test.p('tom'), 'admin', 'acme.finance', NULL, '2099-01-01 00:00+00', true) $$,
 $$ SELECT count(*) FROM aiven_rbac.access_grant WHERE principal = test.p('tom') AND valid_until = '2099-01-01 00:00+00' $$, 'ok 1'),
('bob', 'anyone gives up a grant of its own, if there is one', $$ SELECT rbac_revoke(test.p('bob'), 'read_only', 'acme') $$,
 NULL, 'ok (nothing changed)'),
('oscar', 'anyone gives up a grant of its own', $$ SELECT rbac_revoke(test.p('oscar'), 'operator', 'acme.finance') $$,
 $$ SELECT rbac_has_permission(test.p('oscar'), test.id('finance'), 'service.create') $$, 'ok false'),
('late', 'and one that has ended', $$ SELECT rbac_revoke(test.p('late'), 'admin', 'acme.finance') $$,
 $$ SELECT count(*) FROM aiven_rbac.access_grant WHERE principal = test.p('late') $$, 'ok 0'),
('carol', 'an organization admin revokes its own kind', $$ SELECT rbac_grant(test.p('bob'), 'role:organization:admin', 'acme');
    SELECT rbac_revoke(test.p('bob'), 'role:organization:admin', 'acme') $$, NULL, 'ok (nothing changed)'),
('ivy', 'who administers projects revokes a lesser grant', $$ SELECT rbac_revoke(test.p('oscar'), 'operator', 'acme.finance') $$,
 $$ SELECT rbac_has_permission(test.p('oscar'), test.id('finance'), 'service.create') $$, 'ok false'),
('gil', 'who manages groups fills one without grants', $$ SELECT rbac_group_member_add(test.p('team'), test.p('gil')) $$,
 $$ SELECT count(*) FROM aiven_rbac.group_member WHERE member = test.p('gil') $$, 'ok 1'),
('carol', 'an organization admin fills one with grants', $$ SELECT rbac_group_member_add(test.p('writers'), test.p('bob')) $$,
 $$ SELECT rbac_has_permission(test.p('bob'), test.id('finance'), 'admin') $$, 'ok true'),
('ann', 'a super admin makes another', $$ SELECT rbac_super_admin_add('acme', test.p('carol')) $$,
 $$ SELECT rbac_has_permission(test.p('carol'), test.id('acme'), 'super_admin') $$, 'ok true'),
('uma', 'who manages users removes an organization admin', $$ SELECT rbac_member_remove('acme', test.p('carol')) $$,
 $$ SELECT count(*) FROM rbac_effective_actions(test.p('carol'), test.id('acme')) $$, 'ok 0'),
('uma', 'and invites', $$ SELECT rbac_invitation_create('acme', 'new@acme.example') $$, NULL, 'ok'),
('olga', 'who is invited accepts', $$ SELECT rbac_invitation_accept(olga) FROM pg_temp.invited $$,
 $$ SELECT count(*) FROM aiven_rbac.membership WHERE principal = test.p('olga') AND organization = test.id('acme') $$, 'ok 1'),
('carol', 'an organization admin moves a project', $$ SELECT rbac_project_move('acme.finance', 'acme.engineering') $$,
 $$ SELECT rbac_resource_path(test.id('finance')) $$, 'ok acme.engineering.finance'),
('pat', 'who manages projects creates one', $$ SELECT rbac_project_create('acme.analytics', 'mine') $$, NULL, 'ok'),
('dave', 'a unit''s admin creates one in the unit', $$ SELECT rbac_project_create('acme.engineering', 'mine') $$, NULL, 'ok'),
('erin', 'a project''s admin creates a service', $$ SELECT rbac_service_create('acme.engineering.backend-dev', 'mine', 'pg') $$, NULL, 'ok'),
('bob', 'a member founds an organization', $$ SELECT rbac_organization_create('mine', 'Mine') $$,
 $$ SELECT rbac_has_permission(test.p('bob'), 'mine'::rbac_path, 'super_admin') $$, 'ok true'),
('robot', 'an application user grants what it has', $$ SELECT rbac_grant(test.p('bob'), 'operator', 'acme.analytics.warehouse') $$,
 $$ SELECT rbac_has_permission(test.p('bob'), test.id('warehouse'), 'operator') $$, 'ok true');
CREATE TEMP TABLE before AS SELECT test.digest();
\o

SELECT plan((SELECT count(*)::int FROM attack) + (SELECT count(*)::int FROM control) + 3);

SELECT cmp_ok((SELECT count(*) FROM attack), '>=', 30::bigint, 'G5: there are many ways to try');
SELECT is(test.outcome(who, query), expected, format('G5: %s: refused', description)) FROM attack ORDER BY n;
SELECT is(test.outcome(who, query, look), expected, format('G5: %s', description)) FROM control ORDER BY n;
SELECT is(test.digest(), (SELECT digest FROM before), 'G5: after all that, everything is as it was');

-- A grant that has ended in this very instant gives no standing.
UPDATE aiven_rbac.access_grant SET valid_until = 'infinity' WHERE principal = test.p('late');
SELECT is(test.outcome(NULL, $$ UPDATE aiven_rbac.access_grant SET valid_until = statement_timestamp() WHERE principal = test.p('late') $$,
                       $$ SELECT aiven_rbac.actions_not_held(test.p('late'), test.id('finance'), id, statement_timestamp(), statement_timestamp(), false)
                          FROM aiven_rbac.grantable WHERE name = 'project:services:read' $$),
          'ok {service.view}', 'G5, G7: what has ended cannot be handed out, not even for an instant');

SELECT * FROM finish();
ROLLBACK;
