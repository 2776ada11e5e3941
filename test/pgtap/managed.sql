-- Managed users: domains, profiles, deactivation, deletion (P3, P6, P7, H2, G6).

BEGIN;
\ir lib/helpers.sql
SELECT no_plan();

\o /dev/null
SELECT rbac_organization_create(label, label, rbac_user_create(label || '@x.example'))
FROM unnest('{acme,globex}'::text[]) AS label;
SELECT rbac_user_create(e)
FROM unnest('{boss@acme.example,bob@acme.example,eve@sub.acme.example,Out@ACME.example}'::text[]
            || '{free@x.example,admin@x.example,users@x.example,own@acme.example}'::text[]) AS e;
SELECT rbac_invitation_accept(rbac_invitation_create('acme', e))
FROM unnest('{boss@acme.example,bob@acme.example,own@acme.example}'::text[]
            || '{free@x.example,admin@x.example,users@x.example}'::text[]) AS e;
SELECT rbac_invitation_accept(rbac_invitation_create('globex', e)) FROM unnest('{bob@acme.example,own@acme.example}'::text[]) AS e;
SELECT rbac_grant(rbac_user('admin@x.example'), 'role:organization:admin', 'acme');
SELECT rbac_grant(rbac_user('users@x.example'), 'organization:users:write', 'acme');
SELECT rbac_super_admin_add('acme', rbac_user('boss@acme.example'));
SELECT rbac_project_create('globex', 'p');
SELECT rbac_project_create('acme', 'q');
SELECT rbac_group_create('acme', 'team');
SELECT rbac_grant(rbac_group('acme', 'team'), 'developer', 'acme.q', NULL, now() + interval '1 day');
SELECT rbac_group_member_add(rbac_group('acme', 'team'), rbac_user('own@acme.example'));
SELECT rbac_grant(rbac_user('bob@acme.example'), 'developer', 'globex.p');
\o

SELECT ok(aiven_rbac.managed_by(rbac_user('bob@acme.example')) IS NULL, 'P3: nobody is managed without a domain');
CREATE TEMP TABLE published AS SELECT rbac_domain_add('acme', 'ACME.example') AS acme, rbac_domain_add('globex', 'acme.example') AS globex;
SELECT ok(aiven_rbac.managed_by(rbac_user('bob@acme.example')) IS NULL, 'P3: nor before it is verified');
SELECT matches(acme, '^aiven-rbac-verification=[0-9a-f]{32}$', 'P3: the text to publish') FROM published;
SELECT isnt(acme, globex, 'P3: each organization has its own') FROM published;

SELECT is(test.call(who, replace(replace(call, '$acme', quote_literal(acme)), '$globex', quote_literal(globex))),
          result, rule)
FROM published, (VALUES
    (NULL, 'rbac_domain_verify(''acme'', ''acme.example'', $globex)', '22023',
     'P3: a text that is another''s verifies nothing'),
    (NULL, 'rbac_domain_verify(''acme'', ''acme.example'', NULL)', '22023', 'P3: nor does none'),
    (NULL, 'rbac_domain_verify(''acme'', ''other.example'', $acme)', '42704',
     'P3: nor is a domain verified that was not added'),
    ('admin@x.example', 'rbac_domain_verify(''acme'', ''Acme.Example'', '' '' || $acme)', 'ok',
     'P3: the text that was seen verifies it'),
    (NULL, 'rbac_domain_verify(''acme'', ''acme.example'', $acme)', 'ok', 'P3: again, which changes nothing'),
    (NULL, 'rbac_domain_verify(''globex'', ''acme.example'', $globex)', '23505', 'P3: one organization at most'),
    (NULL, 'rbac_domain_add(''acme'', ''acme.example'')', '23505', 'P3: a domain is added once'),
    (NULL, 'rbac_domain_add(''acme'', ''acme'')', '22023', 'P3: a domain has a dot'),
    (NULL, 'rbac_domain_add(''acme'', ''-a.example'')', '22023', 'P3: and no label that begins with a hyphen'),
    (NULL, 'rbac_domain_add(''acme'', NULL)', '22004', 'P3: and is something')
) AS v (who, call, result, rule);
SELECT ok(NOT has_function_privilege('public', 'rbac_domain_verify(rbac_resource,text,text)', 'execute'),
          'P3: whoever knows the text can''t say that it was seen: only a trusted back end verifies');
SELECT throws_ok($$UPDATE aiven_rbac.domain SET verified_at = now()$$, '23505', NULL,
                 'S7, P3: two organizations can''t have verified a domain, whoever writes');

SELECT is(aiven_rbac.managed_by(rbac_user(email)) = rbac_resource_id('acme'), managed,
          format('P3: is %s managed?', email))
FROM (VALUES ('bob@acme.example', true), ('out@acme.example', true), ('own@acme.example', true),
             ('eve@sub.acme.example', NULL), ('free@x.example', NULL)) AS v (email, managed);

SELECT is(test.call(who, call), result, rule) FROM (VALUES
    -- H2
    ('bob@acme.example', 'rbac_organization_create(''bobs'', ''Bob'')', '42501',
     'H2: a managed user creates no organization'),
    ('boss@acme.example', 'rbac_organization_create(''bosses'', ''Boss'')', 'ok',
     'H2: but an admin of the managing organization does'),
    ('free@x.example', 'rbac_organization_create(''frees'', ''Free'')', 'ok', 'H2: and so does whoever is not managed'),
    ('free@x.example', 'rbac_organization_create(''bobs'', ''Bob'', rbac_user(''bob@acme.example''))', '42501',
     'H2: for oneself only'),
    -- profiles
    ('bob@acme.example', 'rbac_user_edit(rbac_current_principal(), ''Bobby'')', '42501',
     'P3: a managed user does not edit their profile'),
    ('free@x.example', 'rbac_user_edit(rbac_current_principal(), ''Freddy'')', 'ok', 'G4: another one does'),
    ('free@x.example', 'rbac_user_edit(rbac_current_principal(), NULL, ''invited@x.example'')', '42501',
     'G5: but does not become the owner of another address'),
    ('free@x.example', 'rbac_user_edit(rbac_user(''bob@acme.example''), ''Bobby'')', '42501',
     'P3: a profile is not edited by just anybody'),
    ('users@x.example', 'rbac_user_edit(rbac_user(''out@acme.example''), ''Bobby'', ''away@acme.example'')', 'ok',
     'P3: the organization edits those that it manages'),
    ('users@x.example', 'rbac_user_edit(rbac_user(''away@acme.example''), NULL, ''Out@ACME.example'')', 'ok',
     'P3: as often as it likes'),
    ('users@x.example', 'rbac_user_edit(rbac_user(''out@acme.example''), NULL, ''boss@acme.example'')', '23505',
     'P1: an email is one user''s'),
    ('users@x.example', 'rbac_user_edit(rbac_user(''bob@acme.example''), ''Bobby'', ''BOB@acme.example'')', 'ok',
     'P3: the name of whoever holds something, too, and how the email is written'),
    ('users@x.example', 'rbac_user_edit(rbac_user(''bob@acme.example''), NULL, ''mine@acme.example'')', '42501',
     'G5: but not the email, by which one could be the user'),
    ('users@x.example', 'rbac_user_edit(rbac_user(''own@acme.example''), NULL, ''mine@acme.example'')', '42501',
     'G5: nor of whoever holds something by a group'),
    ('admin@x.example', 'rbac_user_edit(rbac_user(''own@acme.example''), NULL, ''owner@acme.example'')', 'ok',
     'G5: that is for whoever holds all of it'),
    ('admin@x.example', 'rbac_user_edit(rbac_user(''owner@acme.example''), NULL, ''own@acme.example'')', 'ok',
     'G5: and back'),
    ('boss@acme.example', 'rbac_user_edit(rbac_user(''bob@acme.example''), NULL, ''mine@acme.example'')', '42501',
     'G5: no super admin holds what is granted in another organization'),
    ('users@x.example', 'rbac_user_edit(rbac_user(''bob@acme.example''), NULL, ''bob@x.example'')', '42501',
     'P3: within its domains'),
    ('users@x.example', 'rbac_user_edit(rbac_user(''free@x.example''), ''Fred'')', '42501',
     'P3: and not those that it does not manage'),
    ('users@x.example', 'rbac_user_edit(rbac_user(''boss@acme.example''), ''B'')', '42501',
     'G6: no admin touches a super admin'),
    ('boss@acme.example', 'rbac_user_edit(rbac_current_principal(), ''The boss'')', 'ok',
     'P3: a managed super admin may edit users, and so themselves'),
    ('globex@x.example', 'rbac_user_edit(rbac_user(''bob@acme.example''), ''Bobby'')', '42501',
     'P3: only by the organization that manages them'),
    (NULL, 'rbac_user_edit(rbac_user(''free@x.example''), '''')', '22023', 'P1: a name is something'),
    (NULL, 'rbac_user_edit(rbac_user(''free@x.example''), NULL, ''free'')', '22023', 'P1: an email has an @'),
    -- deactivation
    ('users@x.example', 'rbac_user_deactivate(rbac_user(''free@x.example''))', '42501',
     'P6: who is not managed is not deactivated'),
    ('users@x.example', 'rbac_user_deactivate(rbac_user(''boss@acme.example''))', '42501',
     'G6: nor is a super admin by an admin'),
    ('globex@x.example', 'rbac_user_deactivate(rbac_user(''bob@acme.example''))', '42501',
     'P6: nor by another organization, super admin or not'),
    ('boss@acme.example', 'rbac_user_deactivate(rbac_current_principal())', '23001',
     'P5: nor is the last super admin of any organization'),
    ('users@x.example', 'rbac_user_deactivate(rbac_user(''out@acme.example''))', 'ok',
     'P3: managed users need not be members'),
    ('users@x.example', 'rbac_user_deactivate(rbac_user(''bob@acme.example''))', 'ok',
     'P6: a managed user is deactivated'),
    ('users@x.example', 'rbac_user_deactivate(rbac_user(''bob@acme.example''))', 'ok',
     'P6: again, which changes nothing'),
    ('users@x.example', 'rbac_user_edit(rbac_user(''bob@acme.example''), NULL, ''mine@acme.example'')', '42501',
     'G5: nor is the email changed of whoever would have it all again'),
    ('bob@acme.example', 'rbac_user_edit(rbac_current_principal(), ''B'')', '42501',
     'G10: a deactivated user does nothing'),
    ('bob@acme.example', 'rbac_user_reactivate(rbac_current_principal())', '42501',
     'P6: nor do they reactivate themselves')
) AS v (who, call, result, rule);
SELECT ok(NOT rbac_has_permission(rbac_user('bob@acme.example'), 'globex.p'::rbac_path, 'service.view'),
          'P6: all access has ended, in every organization');
SELECT is(test.call('users@x.example', 'rbac_user_reactivate(rbac_user(''bob@acme.example''))'), 'ok',
          'P6: reactivating');
SELECT ok(rbac_has_permission(rbac_user('bob@acme.example'), 'globex.p'::rbac_path, 'service.view'), 'P6: restores it');

SELECT is(test.call(who, call), result, rule) FROM (VALUES
    ('users@x.example', 'rbac_user_delete(rbac_user(''free@x.example''))', '42501',
     'G6: who is not managed is not deleted'),
    ('admin@x.example', 'rbac_user_delete(rbac_user(''boss@acme.example''))', '42501',
     'G6: nor is a super admin by an admin'),
    ('acme@x.example', 'rbac_user_delete(rbac_user(''boss@acme.example''))', '23001',
     'P5: nor is the last super admin of another organization'),
    ('users@x.example', 'rbac_user_delete(rbac_user(''own@acme.example''))', 'ok', 'P3: a managed user is deleted'),
    ('users@x.example', 'rbac_user_delete(rbac_user(''own@acme.example''))', '42704', 'P3: and then is gone'),
    ('admin@x.example', 'rbac_domain_remove(''acme'', ''acme.example'')', 'ok', 'P3: a domain is removed'),
    ('admin@x.example', 'NOT rbac_domain_remove(''acme'', ''acme.example'')', 'ok', 'P3: once'),
    ('users@x.example', 'rbac_user_deactivate(rbac_user(''bob@acme.example''))', '42501',
     'P3: its users are managed no longer'),
    ('bob@acme.example', 'rbac_user_edit(rbac_current_principal(), ''Bobby'')', 'ok',
     'P3: and free to edit their profile'),
    ('bob@acme.example', 'rbac_organization_create(''bobs'', ''Bob'')', 'ok', 'H2: and to create organizations')
) AS v (who, call, result, rule);
SELECT is(test.call(NULL, format('rbac_domain_verify(''globex'', ''acme.example'', %L)', globex)), 'ok',
          'P3: another organization can verify it now') FROM published;

SELECT * FROM finish();
ROLLBACK;
