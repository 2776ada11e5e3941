-- Invitations that offer grants and groups, and many at once (P1, G5).
BEGIN;
SELECT no_plan();
\ir lib/helpers.sql
\ir lib/world.sql

\o /dev/null
SELECT rbac_role_create('acme', 'inviting', '{user.invite,group_member.add,group_member.add_privileged,permission.grant}', '{organization}');
SELECT rbac_grant(test.p('bob'), 'inviting', 'acme');
SELECT rbac_grant(test.p('writers'), 'developer', 'acme.finance');
SELECT rbac_role_create('acme', 'own', '{service.view}', '{project}');
GRANT SELECT ON aiven_rbac.visible_grant, aiven_rbac.visible_invitation TO test_application;
CREATE FUNCTION test.pending(email text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    AS $$ SELECT i.id FROM aiven_rbac.invitation AS i WHERE i.email = $1 AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL $$;
-- What olga has at last: grants and groups
CREATE FUNCTION test.given() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    AS $$ SELECT concat_ws('; ',
            (SELECT string_agg(concat_ws(' ', g.name, r.path, a.valid_until::date), ', ' ORDER BY g.name, r.path)
             FROM aiven_rbac.access_grant AS a JOIN aiven_rbac.grantable AS g ON g.id = a.grantable
             JOIN aiven_rbac.resource AS r ON r.id = a.resource WHERE a.principal = test.p('olga')),
            (SELECT string_agg(g.name, ', ' ORDER BY g.name) FROM aiven_rbac.group_member AS m
             JOIN aiven_rbac.principal AS g ON g.id = m.group_id WHERE m.member = test.p('olga'))) $$;
\o

-- What may be offered --------------------------------------------------------------------

CREATE FUNCTION pg_temp.offer(grants text, groups text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT format('SELECT rbac_invitation_create(''acme'', ''new@acme.example'', grants => %L, groups => %L)', grants, groups) $$;

SELECT is(test.outcome(who, pg_temp.offer(grants, groups)), expected, format('%s, by %s', description, coalesce(who, 'the operator')))
FROM (VALUES
    ('a grant, for a period and without one', 'ann', '[{"name": "admin", "resource": "acme.finance", "valid_until": "infinity"}, {"name": "own", "resource": "acme.finance", "valid_until": null}]', NULL, 'ok'),
    ('a place by its id', 'ann', format('[{"name": "admin", "resource": "%s"}]', upper(test.r('acme.finance')::text)), NULL, 'ok'),
    ('groups', 'ann', NULL, '{team,writers}', 'ok'),
    ('nothing', 'ann', '[]', '{}', 'ok'),
    ('G5: what is not one''s own', 'bob', '[{"name": "admin", "resource": "acme.finance"}]', NULL, '42501 permission denied to hand out "admin" on "acme.finance"'),
    ('G5: by a group, too', 'bob', NULL, '{writers}', '42501 permission denied to hand out "developer" on "acme.finance"'),
    ('a group that gives nothing', 'bob', NULL, '{team}', 'ok'),
    ('G4: no super admin', 'ann', NULL, '{account owners}', '0LP01 nobody is invited as a super admin'),
    ('G4: not by a grant either', 'ann', '[{"name": "super_admin", "resource": "acme"}]', NULL, '0LP01 "super_admin" cannot be granted on organization "acme"'),
    ('a place of another organization does not exist', 'ann', '[{"name": "admin", "resource": "globex.factory"}]', NULL, '42704 resource "globex.factory" does not exist'),
    ('and is not offered where it does', NULL, '[{"name": "admin", "resource": "globex.factory"}]', NULL, '55000 project "globex.factory" is not in the organization that invites'),
    ('nothing that is over', 'ann', '[{"name": "admin", "resource": "acme.finance", "valid_until": "2001-01-01"}]', NULL, '22023 the period of a grant must not be over'),
    ('an unknown role', 'ann', '[{"name": "nonsense", "resource": "acme.finance"}]', NULL, '42704 permission, role or action "nonsense" does not exist'),
    ('an unknown group', 'ann', NULL, '{nonsense}', '42704 group "nonsense" does not exist in organization "acme"'),
    ('no array', 'ann', '{"name": "admin", "resource": "acme.finance"}', NULL, '22023 grants of an invitation must be an array of objects'),
    ('an unknown key', 'ann', '[{"name": "admin", "resource": "acme.finance", "until": null}]', NULL, '22023 item 1 of the grants is not an object of "name" and "resource"'),
    ('a name that is none', 'ann', '[{"name": 3, "resource": "acme.finance"}]', NULL, '22023 item 1 of the grants is not an object of "name" and "resource"'),
    ('a null', 'ann', '[null]', NULL, '22023 item 1 of the grants is not an object of "name" and "resource"'),
    ('a group that is NULL', 'ann', NULL, '{NULL}', '22004 name of a group must not be null'),
    ('S8: too much', 'ann', (SELECT jsonb_agg(jsonb_build_object('name', 'own', 'resource', 'acme.finance'))::text FROM generate_series(1, 101)), NULL, '54000 an invitation offers too much')
) AS v (description, who, grants, groups, expected);
SELECT throws_ok($$ UPDATE aiven_rbac.invitation SET grants = '{}' $$, '23514', NULL, 'S7: a raw row offers an array');

-- What is given when it is accepted ------------------------------------------------------

CREATE TEMP TABLE offer (inviter text, setup text, given text, dropped text, description text);
INSERT INTO offer VALUES
    ('ann', NULL, 'own acme.finance, role:organization:admin acme 2999-01-01; team, writers', NULL, 'all that is offered'),
    (NULL, NULL, 'own acme.finance, role:organization:admin acme 2999-01-01; team, writers', NULL, 'also by the operator'),
    ('ann', $$ SELECT rbac_organization_rename('acme', 'Acme', 'acme2'); SELECT rbac_project_edit('acme2.finance', label => 'money'); SELECT rbac_group_rename(test.p('team'), 'crew') $$,
     'own acme2.money, role:organization:admin acme2 2999-01-01; crew, writers', NULL, 'what is called otherwise meanwhile is the same'),
    ('ann', $$ SELECT rbac_super_admin_add('acme', test.p('bob')); SELECT rbac_super_admin_remove('acme', test.p('ann')) $$,
     '', 'own role:organization:admin team writers', 'G5: nothing of who lost the standing'),
    ('ann', $$ SELECT rbac_super_admin_add('acme', test.p('bob')); SELECT rbac_member_remove('acme', test.p('ann')) $$,
     '', 'own role:organization:admin team writers', 'P7: nor of who left'),
    ('ann', $$ SELECT rbac_super_admin_add('acme', test.p('bob')); SELECT rbac_user_deactivate(test.p('ann')) $$,
     '', 'own role:organization:admin team writers', 'P6: nor of who is deactivated'),
    ('ann', $$ SELECT rbac_super_admin_add('acme', test.p('bob')); SELECT rbac_user_delete(test.p('ann')) $$,
     '', 'own role:organization:admin team writers', 'nor of who is gone'),
    ('ann', $$ SELECT rbac_super_admin_add('acme', test.p('bob')); SELECT rbac_super_admin_remove('acme', test.p('ann')); SELECT rbac_grant(test.p('ann'), 'admin', 'acme.finance');
               SELECT rbac_grant(test.p('ann'), 'inviting', 'acme') $$,
     'own acme.finance; team, writers', 'role:organization:admin', 'G5: what the inviter may still give, and nothing more'),
    ('ann', $$ SELECT rbac_role_delete('acme', 'own'); SELECT rbac_group_delete(test.p('team')) $$,
     'role:organization:admin acme 2999-01-01; writers', 'gone gone', 'what is gone is left out'),
    ('ann', $$ SELECT rbac_service_delete('acme.finance.pg'); SELECT rbac_project_delete('acme.finance') $$,
     'role:organization:admin acme 2999-01-01; team, writers', 'own', 'a place, too'),
    (NULL, $$ SELECT rbac_project_move('acme.finance', 'globex', rbac_billing_group_create('globex', 'b')) $$,
     'role:organization:admin acme 2999-01-01; team, writers', 'own', 'nor anything in another organization'),
    ('ann', $$ UPDATE aiven_rbac.invitation SET inviter = NULL $$, '', 'own role:organization:admin team writers', 'G10: nobody hands out nothing'),
    ('ann', $$ UPDATE aiven_rbac.invitation SET groups = ARRAY[(SELECT p.id FROM aiven_rbac.principal AS p WHERE p.organization = test.id('acme') AND p.account_owners)] $$,
     'own acme.finance, role:organization:admin acme 2999-01-01', 'account owners', 'S7: nobody becomes a super admin by a raw row');

CREATE FUNCTION pg_temp.accepted(o offer) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    result text;
    invitation uuid;
BEGIN
    IF o.inviter IS NOT NULL THEN
        PERFORM rbac_set_principal(test.p(o.inviter));
    END IF;
    invitation := rbac_invitation_create('acme', 'olga@nowhere.example', groups => '{writers,team}', grants =>
        '[{"name": "role:organization:admin", "resource": "acme", "valid_until": "2999-01-01"}, {"name": "own", "resource": "acme.finance"}]');
    PERFORM rbac_reset_principal();
    IF o.setup IS NOT NULL THEN
        EXECUTE o.setup;
    END IF;
    PERFORM rbac_set_principal(test.p('olga'));
    SET LOCAL ROLE test_application;
    PERFORM rbac_invitation_accept(invitation);
    RESET ROLE;
    PERFORM rbac_reset_principal();
    result := test.given() || ' | ' || coalesce((SELECT string_agg(d ->> 'name', ' ' ORDER BY d ->> 'name' COLLATE "C")
                                                 FROM aiven_rbac.invitation AS i, jsonb_array_elements(i.dropped) AS d WHERE i.id = invitation), '');
    IF (SELECT l.after -> 'dropped' FROM rbac_audit_log(test.id('acme'), events => '{invitation.accepted}') AS l LIMIT 1)
       IS DISTINCT FROM (SELECT nullif(i.dropped, '[]') FROM aiven_rbac.invitation AS i WHERE i.id = invitation) THEN
        result := result || ' not recorded';
    END IF;
    RAISE SQLSTATE 'UNDO0' USING MESSAGE = regexp_replace(result, '[0-9a-f-]{36}', 'gone', 'g');
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    RETURN SQLERRM;
END
$$;
SELECT is(pg_temp.accepted(o), concat(o.given, ' | ', o.dropped), format('%s, by %s', o.description, coalesce(o.inviter, 'the operator'))) FROM offer AS o;

-- Whoever may see invitations sees what they offer.
SELECT rbac_invitation_create('acme', 'olga@nowhere.example', grants => '[{"name": "own", "resource": "acme.finance"}]', groups => '{team}') \g /dev/null
SELECT is(test.seen_by(who, $$ SELECT grants::text || groups::text FROM aiven_rbac.visible_invitation WHERE email = 'olga@nowhere.example' $$), expected, format('%s sees the offer', who))
FROM (VALUES ('ann', '[{"name": "own", "resource": "acme.finance"}]{team}'), ('olga', '[{"name": "own", "resource": "acme.finance"}]{team}'),
             ('bob', NULL), ('gina', NULL)) AS v (who, expected);
SELECT rbac_invitation_withdraw(test.pending('olga@nowhere.example')) \g /dev/null

-- Many at once ---------------------------------------------------------------------------

SELECT rbac_set_principal(test.p('bob'), is_local => false) \g /dev/null
SELECT results_eq($$ SELECT item, invitation IS NOT NULL, outcome, detail FROM rbac_invitations_create('acme',
                         '{one@x.example, BOB@acme.example, bad, ONE@x.example, two@x.example, NULL}', groups => '{team}') $$,
    $$ VALUES ('one@x.example', true, 'invited', NULL::text), ('BOB@acme.example', false, 'member', NULL), ('bad', false, 'refused', 'invalid email address "bad"'),
              ('ONE@x.example', true, 'pending', NULL), ('two@x.example', true, 'invited', NULL), (NULL, false, 'refused', 'invalid email address "NULL"') $$,
    'each email has an outcome of its own');
SELECT results_eq($$ SELECT item, invitation, outcome, detail FROM rbac_invitations_create('acme', '{three@x.example, bob@acme.example}', '[{"name": "admin", "resource": "acme.finance"}]') $$,
    $$ VALUES ('three@x.example', NULL::uuid, 'refused', 'permission denied to hand out "admin" on "acme.finance"'), ('bob@acme.example', NULL, 'member', NULL) $$,
    'G5: nobody is invited to what the inviter may not give');
SELECT throws_ok($$ SELECT * FROM rbac_invitations_create('acme', '{three@x.example}', '[{"name": "admin", "resource": "acme.finance"}]', all_or_none => true) $$,
                 '42501', 'permission denied to hand out "admin" on "acme.finance"', 'all or none: that is an error');
SELECT throws_ok($$ SELECT * FROM rbac_invitations_create('acme', '{three@x.example, bad}', all_or_none => true) $$, '22023',
                 'item 2 is refused: invalid email address "bad"', 'all or none: the first bad item is the error');
SELECT ok(test.pending('three@x.example') IS NULL, 'and nobody is invited then');
SELECT results_eq($$ SELECT outcome FROM rbac_invitations_create('acme', '{one@x.example, bob@acme.example}', all_or_none => true) $$,
                  '{pending,member}'::text[], 'what is so already is not bad');
SELECT is_empty($$ SELECT * FROM rbac_invitations_create('acme', '{}') $$, 'no emails, no rows');
SELECT throws_ok($$ SELECT * FROM rbac_invitations_create('acme', NULL) $$, '22004', 'lists of items must not be null');
SELECT throws_ok($$ SELECT * FROM rbac_invitations_create('acme', '{}', '{}') $$, '22023', 'grants of an invitation must be an array of objects');
SELECT throws_ok($$ SELECT * FROM rbac_invitations_create('acme', '{}', all_or_none => NULL) $$, '22004', 'all_or_none must not be null');
SELECT rbac_set_principal(test.p('frank'), is_local => false) \g /dev/null
SELECT throws_ok($$ SELECT * FROM rbac_invitations_create('acme', '{three@x.example}') $$, '42501', 'permission denied for organization "acme"', 'it requires user.invite');
SELECT rbac_set_principal(test.p('gina'), is_local => false) \g /dev/null
SELECT throws_ok($$ SELECT * FROM rbac_invitations_create('acme', '{three@x.example}') $$, '42704', 'organization "acme" does not exist', 'elsewhere nothing exists');

SELECT * FROM finish();
ROLLBACK;
