-- Who belongs to an organization, and to its groups: invitations, members,
-- groups, application users, super admins (P1, P2, P4, P5, P6, P7, S7).
BEGIN;
\ir lib/helpers.sql
\ir lib/world.sql

\o /dev/null
-- olga can be invited; paul is a second user of no organization, not active.
SELECT rbac_user_create('paul@nowhere.example', 'paul', test.id('paul'));
UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE id = test.id('paul');
CREATE TEMP TABLE invited (name text PRIMARY KEY, id uuid);
GRANT SELECT ON invited TO test_application;
INSERT INTO invited
VALUES ('olga', rbac_invitation_create('acme', 'Olga@Nowhere.example')),
       ('paul', rbac_invitation_create('acme', 'paul@nowhere.example')),
       ('later', rbac_invitation_create('acme', 'later@nowhere.example')),
       ('expired', rbac_invitation_create('globex', 'olga@nowhere.example')),
       ('withdrawn', rbac_invitation_create('globex', 'paul@nowhere.example')),
       ('accepted', (SELECT id FROM aiven_rbac.invitation WHERE email = 'bob@acme.example'));
UPDATE aiven_rbac.invitation SET expires_at = now() WHERE id = (SELECT id FROM invited WHERE name = 'expired');
SELECT rbac_invitation_withdraw(id) FROM invited WHERE name = 'withdrawn';
CREATE FUNCTION test.invitation(name text) RETURNS uuid
    LANGUAGE sql STABLE AS $$ SELECT i.id FROM pg_temp.invited AS i WHERE i.name = invitation.name $$;

-- bob has a grant of his own and one by his group.
SELECT rbac_grant(test.p('team'), 'operator', 'acme.finance');
SELECT rbac_group_member_add(test.p('team'), test.p('bob'));
SELECT rbac_grant(test.p('bob'), 'read_only', 'acme');
\o

SELECT plan(114);

-- P1: users ----------------------------------------------------------------------

SELECT is(test.outcome(who, query, look), expected, description)
FROM (VALUES
    ('P1: an email is one user''s, whatever its case', NULL,
     $$ SELECT rbac_user_create('ANN@acme.Example') $$, NULL, '23505 user "ANN@acme.Example" already exists'),
    ('P1, S7: also for a raw row', NULL,
     $$ INSERT INTO aiven_rbac.principal (kind, name, email) VALUES ('user', 'Ann', 'ANN@acme.example') $$, NULL,
     '23505 duplicate key value violates unique constraint "principal_email_key"'),
    ('P1: an id is one principal''s', NULL,
     $$ SELECT rbac_user_create('new@acme.example', 'new', test.p('robot')) $$, NULL, '23505 user "new@acme.example" already exists'),
    ('P1: an email is one', NULL,
     $$ SELECT rbac_user_create('new') $$, NULL, '22023 invalid email address "new"'),
    ('P1: an email is given', NULL,
     $$ SELECT rbac_user_create(NULL) $$, NULL, '22023 invalid email address "NULL"'),
    ('P1, S7: a raw user has an email', NULL,
     $$ INSERT INTO aiven_rbac.principal (kind, name) VALUES ('user', 'new') $$, NULL,
     '23514 new row for relation "principal" violates check constraint "principal_user_has_email"'),
    ('P1, S7: a user is of no organization', NULL,
     $$ UPDATE aiven_rbac.principal SET organization = test.id('acme') WHERE id = test.p('bob') $$, NULL,
     '23514 new row for relation "principal" violates check constraint "principal_user_is_global"'),
    ('P1: a name is the email if none is given', NULL,
     $$ SELECT rbac_user_create('new@acme.example') $$,
     $$ SELECT name FROM aiven_rbac.principal WHERE email = 'new@acme.example' $$, 'ok new@acme.example'),
    ('P1: users sign up with the application, not with a member', 'ann',
     $$ SELECT rbac_user_create('new@acme.example') $$, NULL, '42501 permission denied for function rbac_user_create'),

-- P1: invitations ------------------------------------------------------------------

    ('P1: who is invited accepts, whatever the email''s case', 'olga',
     $$ SELECT rbac_invitation_accept(test.invitation('olga')) $$,
     $$ SELECT kind FROM aiven_rbac.membership WHERE principal = test.p('olga') AND organization = test.id('acme') $$, 'ok user'),
    ('P1: the operator accepts for the user', NULL,
     $$ SELECT rbac_invitation_accept(test.invitation('olga')) $$,
     $$ SELECT kind FROM aiven_rbac.membership WHERE principal = test.p('olga') AND organization = test.id('acme') $$, 'ok user'),
    ('P1: who is not invited does not accept', 'hank',
     $$ SELECT rbac_invitation_accept(test.invitation('olga')) $$, NULL,
     format('42704 invitation with id %s does not exist', test.invitation('olga'))),
    ('P1: nor does who invited', 'ann',
     $$ SELECT rbac_invitation_accept(test.invitation('olga')) $$, NULL,
     format('42704 invitation with id %s does not exist', test.invitation('olga'))),
    ('P1: an invitation is accepted once', NULL,
     $$ SELECT rbac_invitation_accept(test.invitation('olga')); SELECT rbac_invitation_accept(test.invitation('olga')) $$, NULL,
     format('55000 invitation %s is no longer pending', test.invitation('olga'))),
    ('P1: an expired invitation is not accepted', 'olga',
     $$ SELECT rbac_invitation_accept(test.invitation('expired')) $$, NULL,
     format('55000 invitation %s is no longer pending', test.invitation('expired'))),
    ('P1: a withdrawn invitation is not accepted', NULL,
     $$ SELECT rbac_invitation_accept(test.invitation('withdrawn')) $$, NULL,
     format('55000 invitation %s is no longer pending', test.invitation('withdrawn'))),
    ('P1: nor one that does not exist', 'olga',
     $$ SELECT rbac_invitation_accept(test.id('nothing')) $$, NULL,
     format('42704 invitation with id %s does not exist', test.id('nothing'))),
    ('P1: nor none', 'olga',
     $$ SELECT rbac_invitation_accept(NULL) $$, NULL, '42704 invitation with id NULL does not exist'),
    ('P1: an invitation waits for somebody who has not signed up', NULL,
     $$ SELECT rbac_invitation_accept(test.invitation('later')) $$, NULL,
     format('42704 invitation with id %s does not exist', test.invitation('later'))),
    ('P1: and is accepted after that', NULL,
     $$ SELECT rbac_user_create('LATER@nowhere.example', 'later'); SELECT rbac_invitation_accept(test.invitation('later')) $$,
     $$ SELECT count(*) FROM aiven_rbac.membership WHERE principal = test.p('later') $$, 'ok 1'),
    ('P6: a deactivated user accepts nothing', 'paul',
     $$ SELECT rbac_invitation_accept(test.invitation('paul')) $$, NULL, '42501 the session''s principal is deactivated'),
    ('P1: a member is not invited', 'ann',
     $$ SELECT rbac_invitation_create('acme', 'BOB@acme.example') $$, NULL,
     '42710 user "BOB@acme.example" is already a member of organization "acme"'),
    ('P1: nobody is invited twice at a time', 'ann',
     $$ SELECT rbac_invitation_create('acme', 'olga@nowhere.EXAMPLE') $$, NULL,
     '23505 user "olga@nowhere.EXAMPLE" is already invited to organization "acme"'),
    ('P1, S7: nor by a raw row', NULL,
     $$ INSERT INTO aiven_rbac.invitation (organization, email, expires_at) VALUES (test.id('acme'), 'olga@nowhere.example', now() + '1 day') $$, NULL,
     '23505 duplicate key value violates unique constraint "invitation_pending_key"'),
    ('P1, S7: an invitation ends in one way', NULL,
     $$ UPDATE aiven_rbac.invitation SET withdrawn_at = now() WHERE id = test.invitation('accepted') $$, NULL,
     '23514 new row for relation "invitation" violates check constraint "invitation_ends_once"'),
    ('P1: after one that expired there can be another', 'gina',
     $$ SELECT rbac_invitation_create('globex', 'olga@nowhere.example') $$,
     $$ SELECT count(*) FROM aiven_rbac.invitation WHERE organization = test.id('globex') AND lower(email) = 'olga@nowhere.example' $$, 'ok 2'),
    ('P1: after one that was withdrawn there can be another', 'gina',
     $$ SELECT rbac_invitation_create('globex', 'paul@nowhere.example') $$, NULL, 'ok'),
    ('P1: two organizations can invite one user', 'gina',
     $$ SELECT rbac_invitation_create('globex', 'bob@acme.example') $$, NULL, 'ok'),
    ('P1: an invitation expires in the future', 'ann',
     $$ SELECT rbac_invitation_create('acme', 'new@nowhere.example', now()) $$, NULL, '22023 an invitation must expire in the future'),
    ('P1: and at some time', 'ann',
     $$ SELECT rbac_invitation_create('acme', 'new@nowhere.example', NULL) $$, NULL, '22023 an invitation must expire in the future'),
    ('P1: an invitation goes to an email', 'ann',
     $$ SELECT rbac_invitation_create('acme', 'new') $$, NULL, '22023 invalid email address "new"'),
    ('P1: inviting takes user.invite', 'bob',
     $$ SELECT rbac_invitation_create('acme', 'new@nowhere.example') $$, NULL, '42501 permission denied for organization "acme"'),
    ('P1: in the organization, not in a unit of it', 'dave',
     $$ SELECT rbac_invitation_create('acme', 'new@nowhere.example') $$, NULL, '42501 permission denied for organization "acme"'),
    ('P1: an invitation is withdrawn by who may', 'carol',
     $$ SELECT rbac_invitation_withdraw(test.invitation('olga')) $$,
     $$ SELECT withdrawn_at IS NOT NULL FROM aiven_rbac.invitation WHERE id = test.invitation('olga') $$, 'ok true'),
    ('P1: not by who may not', 'bob',
     $$ SELECT rbac_invitation_withdraw(test.invitation('olga')) $$, NULL, '42501 permission denied for organization "acme"'),
    ('P1: not by another organization', 'gina',
     $$ SELECT rbac_invitation_withdraw(test.invitation('olga')) $$, NULL,
     format('42704 invitation with id %s does not exist', test.invitation('olga'))),
    ('P1: not after it was accepted', 'ann',
     $$ SELECT rbac_invitation_withdraw(test.invitation('accepted')) $$, NULL,
     format('55000 invitation %s was already accepted', test.invitation('accepted'))),
    ('P1: being invited is not being a member', NULL,
     $$ SELECT rbac_grant(test.p('olga'), 'read_only', 'acme') $$, NULL,
     '55000 user "olga@nowhere.example" does not belong to the organization of "acme"'),
    ('P1: nor does a group take who is only invited', NULL,
     $$ SELECT rbac_group_member_add(test.p('writers'), test.p('olga')) $$, NULL,
     '55000 user "olga@nowhere.example" does not belong to the organization of group "writers"'),
    ('P1, S7: a raw grant goes to members only', NULL,
     $$ INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind)
        SELECT test.p('olga'), test.id('acme'), id, test.id('acme'), 'organization' FROM aiven_rbac.grantable WHERE name = 'read_only' $$, NULL,
     '23503 insert or update on table "access_grant" violates foreign key constraint "access_grant_membership_fkey"'),
    ('P1, S7: also if it names an organization that the principal is of', NULL,
     $$ INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind)
        SELECT test.p('hank'), test.id('acme'), id, test.id('globex'), 'organization' FROM aiven_rbac.grantable WHERE name = 'read_only' $$, NULL,
     '23503 insert or update on table "access_grant" violates foreign key constraint "access_grant_resource_fkey"'),
    ('P1, S7: a raw group member is a member of the organization', NULL,
     $$ INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind)
        VALUES (test.p('olga'), test.p('writers'), test.id('acme'), 'user') $$, NULL,
     '23503 insert or update on table "group_member" violates foreign key constraint "group_member_membership_fkey"'),

-- P2: application users ----------------------------------------------------------

    ('P2: an application user is of one organization', NULL,
     $$ INSERT INTO aiven_rbac.membership (principal, organization, kind) VALUES (test.p('robot'), test.id('globex'), 'application_user') $$, NULL,
     '23503 insert or update on table "membership" violates foreign key constraint "membership_home_fkey"'),
    ('P2, S7: also if its row says that it is a user', NULL,
     $$ INSERT INTO aiven_rbac.membership (principal, organization, kind) VALUES (test.p('robot'), test.id('globex'), 'user') $$, NULL,
     '23503 insert or update on table "membership" violates foreign key constraint "membership_principal_fkey"'),
    ('P2: an application user is granted things', NULL,
     $$ SELECT rbac_grant(test.p('robot'), 'role:organization:admin', 'acme') $$,
     $$ SELECT rbac_has_permission(test.p('robot'), test.id('acme'), 'user.invite') $$, 'ok true'),
    ('P2: not by another organization', NULL,
     $$ SELECT rbac_grant(test.p('robot'), 'read_only', 'globex') $$, NULL,
     '55000 application user "robot" does not belong to the organization of "globex"'),
    ('P2: an application user is not super admin', NULL,
     $$ SELECT rbac_super_admin_add('acme', test.p('robot')) $$, NULL, '42809 application user "robot" cannot be a super admin'),
    ('P2, S7: nor by a raw row', NULL,
     $$ INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind, account_owners)
        SELECT test.p('robot'), id, test.id('acme'), 'application_user', true FROM aiven_rbac.principal
        WHERE account_owners AND organization = test.id('acme') $$, NULL,
     '23514 new row for relation "group_member" violates check constraint "group_member_super_admin_is_user"'),
    ('P2, S7: nor by one that lies about the group', NULL,
     $$ INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind)
        SELECT test.p('robot'), id, test.id('acme'), 'application_user' FROM aiven_rbac.principal
        WHERE account_owners AND organization = test.id('acme') $$, NULL,
     '23503 insert or update on table "group_member" violates foreign key constraint "group_member_group_fkey"'),
    ('P2, S7: nor by one that lies about the member', NULL,
     $$ INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind, account_owners)
        SELECT test.p('robot'), id, test.id('acme'), 'user', true FROM aiven_rbac.principal
        WHERE account_owners AND organization = test.id('acme') $$, NULL,
     '23503 insert or update on table "group_member" violates foreign key constraint "group_member_membership_fkey"'),
    ('P2: an application user has a name of its own', 'ann',
     $$ SELECT rbac_application_user_create('acme', 'robot') $$, NULL,
     '23505 application user "robot" already exists in organization "acme"'),
    ('P2: an application user has a name', 'ann',
     $$ SELECT rbac_application_user_create('acme', '') $$, NULL, '22023 name of the application user must not be empty'),
    ('P2: creating one takes application_user.create', 'bob',
     $$ SELECT rbac_application_user_create('acme', 'another') $$, NULL, '42501 permission denied for organization "acme"'),
    ('P2: application users do not leave', 'robot',
     $$ SELECT rbac_member_leave('acme') $$, NULL, '55000 only a user who is a member can leave organization "acme"'),
    ('P6, S7: application users are not deactivated', NULL,
     $$ UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE id = test.p('robot') $$, NULL,
     '23514 new row for relation "principal" violates check constraint "principal_only_users_deactivate"'),

-- P4: groups -----------------------------------------------------------------------

    ('P4: a group has users and application users', NULL,
     $$ SELECT rbac_group_member_add(test.p('writers'), test.p('bob')); SELECT rbac_group_member_add(test.p('writers'), test.p('robot'));
        SELECT rbac_grant(test.p('writers'), 'operator', 'acme.engineering') $$,
     $$ SELECT concat_ws(' ', rbac_has_permission(test.p('bob'), test.id('backend-dev'), 'service.create'),
                         rbac_has_permission(test.p('robot'), test.id('backend-dev'), 'service.create'),
                         rbac_has_permission(test.p('frank'), test.id('backend-dev'), 'service.create')) $$, 'ok t t f'),
    ('P4: a group does not hold a group', NULL,
     $$ SELECT rbac_group_member_add(test.p('writers'), test.p('team')) $$, NULL,
     '42809 group "team" is not of kind user or application user'),
    ('P4: nor itself', NULL,
     $$ SELECT rbac_group_member_add(test.p('writers'), test.p('writers')) $$, NULL,
     '42809 group "writers" is not of kind user or application user'),
    ('P4, S7: nor by a raw row', NULL,
     $$ INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind)
        VALUES (test.p('team'), test.p('writers'), test.id('acme'), 'group') $$, NULL,
     '23514 new row for relation "group_member" violates check constraint "group_member_kind_allowed"'),
    ('P4, S7: nor by one that lies', NULL,
     $$ INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind)
        VALUES (test.p('team'), test.p('writers'), test.id('acme'), 'user') $$, NULL,
     '23503 insert or update on table "group_member" violates foreign key constraint "group_member_membership_fkey"'),
    ('P4, S7: a user is no group', NULL,
     $$ INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind)
        VALUES (test.p('bob'), test.p('carol'), test.id('acme'), 'user') $$, NULL,
     '23503 insert or update on table "group_member" violates foreign key constraint "group_member_group_fkey"'),
    ('P4: a group does not take members of another organization', NULL,
     $$ SELECT rbac_group_member_add(test.p('writers'), test.p('hank')) $$, NULL,
     '55000 user "hank@globex.example" does not belong to the organization of group "writers"'),
    ('P4, S7: nor by a raw row', NULL,
     $$ INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind)
        VALUES (test.p('hank'), test.p('writers'), test.id('globex'), 'user') $$, NULL,
     '23503 insert or update on table "group_member" violates foreign key constraint "group_member_group_fkey"'),
    ('P4: a group is of one organization', NULL,
     $$ INSERT INTO aiven_rbac.membership (principal, organization, kind) VALUES (test.p('team'), test.id('globex'), 'group') $$, NULL,
     '23503 insert or update on table "membership" violates foreign key constraint "membership_home_fkey"'),
    ('P4: a group is not granted anything elsewhere', NULL,
     $$ SELECT rbac_grant(test.p('team'), 'read_only', 'globex') $$, NULL,
     '55000 group "team" does not belong to the organization of "globex"'),
    ('P4: adding twice is adding once', NULL,
     $$ SELECT rbac_group_member_add(test.p('team'), test.p('bob')) $$, NULL, 'ok (nothing changed)'),
    ('P4: a member that is taken out has nothing of the group''s', NULL,
     $$ SELECT rbac_group_member_remove(test.p('team'), test.p('bob')) $$,
     $$ SELECT rbac_has_permission(test.p('bob'), test.id('finance'), 'service.create') $$, 'ok false'),
    ('P4: who is not in it is not taken out', NULL,
     $$ SELECT rbac_group_member_remove(test.p('team'), test.p('frank')) $$, NULL,
     'ok (nothing changed)'),
    ('P4: groups of an organization have different names', 'ann',
     $$ SELECT rbac_group_create('acme', 'team') $$, NULL, '23505 group "team" already exists in organization "acme"'),
    ('P4: those of two need not', 'gina',
     $$ SELECT rbac_group_create('globex', 'team') $$, NULL, 'ok'),
    ('P4: creating one takes group.create', 'dave',
     $$ SELECT rbac_group_create('acme', 'another') $$, NULL, '42501 permission denied for organization "acme"'),

-- P5: super admins -----------------------------------------------------------------

    ('P5: super admins are the members of the account owners group', 'ann',
     $$ SELECT rbac_super_admin_add('acme', test.p('bob')) $$,
     $$ SELECT concat_ws(' ', rbac_has_permission(test.p('bob'), test.id('acme.finance.pg'), 'super_admin'),
                         rbac_has_permission(test.p('bob'), test.id('acme'), 'organization.delete')) $$, 'ok t t'),
    ('P5: by the group itself it is the same', 'ann',
     $$ SELECT rbac_group_member_add(rbac_group('acme', 'account owners'), test.p('bob')) $$,
     $$ SELECT rbac_has_permission(test.p('bob'), test.id('acme'), 'super_admin') $$, 'ok true'),
    ('P5: a member becomes super admin, nobody else', NULL,
     $$ SELECT rbac_super_admin_add('acme', test.p('olga')) $$, NULL,
     '55000 user "olga@nowhere.example" does not belong to the organization of group "account owners"'),
    ('P5: a super admin can be taken back while another stays', 'ann',
     $$ SELECT rbac_super_admin_add('acme', test.p('bob')); SELECT rbac_super_admin_remove('acme', test.p('bob')) $$,
     $$ SELECT rbac_has_permission(test.p('bob'), test.id('acme'), 'super_admin') $$, 'ok (nothing changed) false'),
    ('P5: nothing is granted to the account owners', NULL,
     $$ SELECT rbac_grant(rbac_group('acme', 'account owners'), 'read_only', 'acme') $$, NULL,
     '0LP01 nothing can be granted to the account owners group'),
    ('P5, S7: an organization has one account owners group', NULL,
     $$ UPDATE aiven_rbac.principal SET account_owners = true WHERE id = test.p('writers') $$, NULL,
     '23505 duplicate key value violates unique constraint "principal_account_owners_key"'),
    ('P5, S7: it does not cease to be one while it has members', NULL,
     $$ UPDATE aiven_rbac.principal SET account_owners = false WHERE account_owners $$, NULL,
     '23503 update or delete on table "principal" violates foreign key constraint "group_member_group_fkey" on table "group_member"'),

-- P7: leaving and removal -----------------------------------------------------------

    ('P7: removal ends grants, groups and what they gave', 'carol',
     $$ SELECT rbac_member_remove('acme', test.p('bob')) $$,
     $$ SELECT (SELECT count(*) FROM aiven_rbac.access_grant WHERE principal = test.p('bob'))
               + (SELECT count(*) FROM aiven_rbac.group_member WHERE member = test.p('bob'))
               + (SELECT count(*) FROM rbac_effective_actions(test.p('bob'), test.id('finance'))) $$, 'ok 0'),
    ('P7: nothing comes back with a new invitation', NULL,
     $$ SELECT rbac_member_remove('acme', test.p('bob'));
        SELECT rbac_invitation_accept(rbac_invitation_create('acme', 'bob@acme.example')) $$,
     $$ SELECT count(*) FROM rbac_effective_actions(test.p('bob'), test.id('finance')) $$, 'ok 0'),
    ('P7: what is held in another organization stays', NULL,
     $$ SELECT rbac_invitation_accept(rbac_invitation_create('globex', 'bob@acme.example'));
        SELECT rbac_grant(test.p('bob'), 'operator', 'globex.factory'); SELECT rbac_member_remove('acme', test.p('bob')) $$,
     $$ SELECT concat_ws(' ', rbac_has_permission(test.p('bob'), test.id('factory'), 'operator'),
                         rbac_has_permission(test.p('bob'), test.id('finance'), 'operator')) $$, 'ok t f'),
    ('P7: a super admin who is removed is none', 'ann',
     $$ SELECT rbac_super_admin_add('acme', test.p('bob')); SELECT rbac_member_remove('acme', test.p('bob')) $$,
     $$ SELECT count(*) FROM rbac_effective_actions(test.p('bob'), test.id('acme')) $$, 'ok 0'),
    ('P7, G4: a member leaves', 'bob',
     $$ SELECT rbac_member_leave('acme') $$,
     $$ SELECT (SELECT count(*) FROM aiven_rbac.membership WHERE principal = test.p('bob'))
               + (SELECT count(*) FROM rbac_effective_actions(test.p('bob'), test.id('finance'))) $$, 'ok 0'),
    ('P7: who is no member does not leave', 'hank',
     $$ SELECT rbac_member_leave('acme') $$, NULL, '42704 organization "acme" does not exist'),
    ('P7: nor does the operator', NULL,
     $$ SELECT rbac_member_leave('acme') $$, NULL, '55000 only a user who is a member can leave organization "acme"'),
    ('P7: who is no member is not removed', NULL,
     $$ SELECT rbac_member_remove('acme', test.p('hank')) $$, NULL, 'ok (nothing changed)'),
    ('P7: removal takes user.remove', 'dave',
     $$ SELECT rbac_member_remove('acme', test.p('bob')) $$, NULL, '42501 permission denied for organization "acme"'),
    ('P7, S7: so does raw deletion of the membership', NULL,
     $$ DELETE FROM aiven_rbac.membership WHERE principal = test.p('bob') $$,
     $$ SELECT (SELECT count(*) FROM aiven_rbac.access_grant WHERE principal = test.p('bob'))
               + (SELECT count(*) FROM aiven_rbac.group_member WHERE member = test.p('bob')) $$, 'ok 0'),
    ('P7, S7: and of the user', NULL,
     $$ DELETE FROM aiven_rbac.principal WHERE id = test.p('bob') $$,
     $$ SELECT (SELECT count(*) FROM aiven_rbac.membership WHERE principal = test.id('bob'))
               + (SELECT count(*) FROM rbac_effective_actions(test.id('bob'), test.id('finance'))) $$, 'ok 0'),

-- P6: deactivation -----------------------------------------------------------------

    ('P6: a deactivated user holds nothing', NULL,
     $$ UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE id = test.p('bob') $$,
     $$ SELECT count(*) FROM rbac_effective_actions(test.p('bob'), test.id('finance')) $$, 'ok 0'),
    ('P6: and all again when active again', NULL,
     $$ UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE id = test.p('bob');
        UPDATE aiven_rbac.principal SET deactivated_at = NULL WHERE id = test.p('bob') $$,
     $$ SELECT rbac_has_permission(test.p('bob'), test.id('finance'), 'operator') $$, 'ok (nothing changed) true')
    ) AS v (description, who, query, look, expected);

-- P5: the last super admin stays, whichever way --------------------------------------

SELECT is(test.outcome(who, query), '23001 organization "acme" would be left without a super admin', 'P5: ' || description)
FROM (VALUES
    ('the last super admin is not taken back', NULL, $$ SELECT rbac_super_admin_remove('acme', test.p('ann')) $$),
    ('nor by itself', 'ann', $$ SELECT rbac_super_admin_remove('acme', test.p('ann')) $$),
    ('nor out of the group', 'ann', $$ SELECT rbac_group_member_remove(rbac_group('acme', 'account owners'), test.p('ann')) $$),
    ('nor removed', NULL, $$ SELECT rbac_member_remove('acme', test.p('ann')) $$),
    ('nor leaves', 'ann', $$ SELECT rbac_member_leave('acme') $$),
    ('nor by raw deletion (S7)', NULL, $$ DELETE FROM aiven_rbac.group_member WHERE member = test.p('ann') $$),
    ('nor by deletion of all (S7)', NULL,
     $$ SELECT rbac_super_admin_add('acme', test.p('bob')); DELETE FROM aiven_rbac.group_member WHERE organization = test.id('acme') $$),
    ('nor with the membership (S7)', NULL, $$ DELETE FROM aiven_rbac.membership WHERE principal = test.p('ann') $$),
    ('nor with the user (S7)', NULL, $$ DELETE FROM aiven_rbac.principal WHERE id = test.p('ann') $$),
    ('nor with the group (S7)', NULL, $$ DELETE FROM aiven_rbac.principal WHERE account_owners AND organization = test.id('acme') $$),
    ('nor deactivated (S7)', NULL, $$ UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE id = test.p('ann') $$),
    ('nor all of them at once (S7)', NULL,
     $$ SELECT rbac_super_admin_add('acme', test.p('bob'));
        UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE id IN (test.p('ann'), test.p('bob')) $$),
    ('nor one after the other (S7)', NULL,
     $$ SELECT rbac_super_admin_add('acme', test.p('bob'));
        UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE id = test.p('bob');
        SELECT rbac_super_admin_remove('acme', test.p('ann')) $$),
    ('nor by giving the place to somebody who is deactivated (S7)', NULL,
     $$ UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE id = test.p('bob');
        UPDATE aiven_rbac.group_member SET member = test.p('bob') WHERE member = test.p('ann') $$),
    ('nor by moving the row to another group (S7)', NULL,
     $$ UPDATE aiven_rbac.group_member SET group_id = test.p('writers'), account_owners = false WHERE member = test.p('ann') $$)
    ) AS v (description, who, query);

SELECT is(left(test.outcome(NULL, query), 5), '23001', 'P5, S7: nor by ' || query)
FROM unnest('{TRUNCATE aiven_rbac.group_member,TRUNCATE aiven_rbac.membership CASCADE,TRUNCATE aiven_rbac.principal CASCADE}'::text[]) AS query;
SELECT is(left(test.outcome(NULL, $$ UPDATE aiven_rbac.principal SET kind = 'user', organization = NULL, email = 'robot@acme.example'
                                     WHERE id = test.p('robot') $$), 5),
          '23503', 'P2, S7: an application user does not become a user');
SELECT is(test.outcome(NULL, $$ UPDATE aiven_rbac.group_member SET member = test.p('bob') WHERE member = test.p('ann') $$,
                       $$ SELECT rbac_has_permission(test.p('bob'), test.id('acme'), 'super_admin') $$),
          'ok true', 'P5: the place of the last super admin can be given to another user');

-- What the details say
SELECT is((test.attempt(NULL, query)).detail, expected, description)
FROM (VALUES
    ('P1: an accepted invitation', $$ SELECT rbac_invitation_accept(test.invitation('accepted')) $$, 'It was accepted.'),
    ('P1: a withdrawn invitation', $$ SELECT rbac_invitation_accept(test.invitation('withdrawn')) $$, 'It was withdrawn.'),
    ('P1: an expired invitation', $$ SELECT rbac_invitation_accept(test.invitation('expired')) $$, format('It expired at %s.', now()))
    ) AS v (description, query, expected);

SELECT * FROM finish();
ROLLBACK;
