-- Who acts.  An actor that is absent, or of which nothing is known, may do
-- nothing (G10): every internal function that is given one refuses.  And a
-- database role becomes an operator by EXECUTE on rbac_operate() alone.

BEGIN;
SELECT no_plan();

\ir lib/helpers.sql
\ir lib/world.sql

\o /dev/null
SELECT rbac_billing_group_create('acme', 'main');

-- Each function that takes an actor, called so that an operator gets through
CREATE TEMP TABLE guard (name text, call text);
INSERT INTO guard VALUES
    ('require', $$ aiven_rbac.require($actor, 'organization.delete', test.id('acme')) $$),
    ('require_actions', $$ aiven_rbac.require_actions($actor, 'try', test.id('acme'), '{3}', NULL, NULL) $$),
    ('require_to_hand_out', $$ aiven_rbac.require_to_hand_out($actor, 'organization.delete', test.id('acme')) $$),
    ('require_all_of', $$ aiven_rbac.require_all_of($actor, test.id('acme'), $grantable, NULL, NULL, true) $$),
    ('require_manager', $$ aiven_rbac.require_manager($actor, 'user.edit', test.p('bob')) $$),
    ('require_manager_to_hand_out', $$ aiven_rbac.require_manager_to_hand_out($actor, 'user.edit', test.p('bob')) $$),
    ('require_all_of_user', $$ aiven_rbac.require_all_of_user($actor, $carol) $$),
    ('require_way_in', $$ aiven_rbac.require_way_in($actor, $globex, NULL, ROW(NULL, true, NULL, true)::aiven_rbac.authentication_policy) $$),
    ('require_move', $$ aiven_rbac.require_move($actor, $finance, $globex) $$),
    ('require_grant', $$ aiven_rbac.require_grant($actor, $finance, 'admin', NULL, NULL) $$),
    ('require_group_member_add', $$ aiven_rbac.require_group_member_add($actor, $team) $$),
    ('require_offered_group', $$ aiven_rbac.require_offered_group($actor, test.p('team')) $$),
    ('offered_groups', $$ aiven_rbac.offered_groups($actor, 'acme', '{team}') $$),
    ('offered_grants', $$ aiven_rbac.offered_grants($actor, test.id('acme'), '[{"name": "admin", "resource": "acme.finance"}]') $$),
    ('hold_named', $$ aiven_rbac.hold_named($actor, 'acme', jsonb_build_array(jsonb_build_object('principal', test.p('robot')))) $$),
    ('require_own', $$ aiven_rbac.require_own($actor, 'billing_group', $billing, test.id('acme')) $$),
    ('require_billing_group', $$ aiven_rbac.require_billing_group($actor, $billing, $finance) $$),
    ('require_sight_of_grants', $$ aiven_rbac.require_sight_of_grants($actor, test.id('acme')) $$),
    ('require_sight_of_all', $$ aiven_rbac.require_sight_of_all($actor, test.id('acme')) $$),
    ('require_token_of_application_user', $$ aiven_rbac.require_token_of_application_user($actor, $robot) $$),
    ('is_member', $$ aiven_rbac.is_member($actor, test.id('acme')) $$),
    ('is_member_now', $$ aiven_rbac.is_member_now($actor, test.id('acme')) $$),
    ('find_resource', $$ aiven_rbac.find_resource($actor, 'acme', '{organization}') $$),
    ('find_resource_now', $$ aiven_rbac.find_resource_now($actor, 'acme', '{organization}') $$),
    ('hold_resource', $$ aiven_rbac.hold_resource($actor, 'acme', '{organization}', 'share') $$),
    ('hold_resource_at', $$ aiven_rbac.hold_resource_at($actor, 'acme', '{organization}', 'share') $$),
    ('find_audit_place', $$ aiven_rbac.find_audit_place($actor, 'audit_log.view', 'acme') $$),
    ('find_gone', $$ (aiven_rbac.find_gone($actor, 'audit_log.view', NULL, test.id('gone'))).id IS NOT NULL $$),
    ('find_resource_then', $$ (aiven_rbac.find_resource_then($actor, 'acme', clock_timestamp())).id IS NOT NULL $$),
    ('may_know', $$ aiven_rbac.may_know($actor, $robot) $$),
    ('find_principal', $$ aiven_rbac.find_principal($actor, test.p('robot'), '{application_user}') $$),
    ('find_principal_now', $$ aiven_rbac.find_principal_now($actor, test.p('robot'), '{application_user}') $$),
    ('hold_principal', $$ aiven_rbac.hold_principal($actor, test.p('robot'), '{application_user}', 'share') $$),
    ('find_belonging', $$ aiven_rbac.find_belonging($actor, 'billing_group', $billing) $$),
    ('find_belonging_now', $$ aiven_rbac.find_belonging_now($actor, 'billing_group', $billing) $$),
    ('hold_belonging', $$ aiven_rbac.hold_belonging($actor, 'billing_group', $billing, 'share') $$);

CREATE FUNCTION pg_temp.answer(call text, actor text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    result text;
    row text := '(SELECT x FROM aiven_rbac.%I AS x WHERE x.%I = %L)';
BEGIN
    call := replace(call, '$actor', actor);
    call := replace(call, '$billing', '(SELECT x.id FROM aiven_rbac.billing_group AS x)');
    call := replace(call, '$grantable', '(SELECT x.id FROM aiven_rbac.grantable AS x WHERE x.name = ''admin'')');
    call := replace(call, '$finance', format(row, 'resource', 'path', 'acme.finance'));
    call := replace(call, '$globex', format(row, 'resource', 'path', 'globex'));
    call := replace(call, '$carol', format(row, 'principal', 'name', 'carol'));
    call := replace(call, '$team', format(row, 'principal', 'name', 'team'));
    call := replace(call, '$robot', format(row, 'principal', 'name', 'robot'));
    EXECUTE 'SELECT ' || call INTO result;
    RETURN CASE WHEN result = 'false' THEN 'refused' ELSE 'allowed' END;
EXCEPTION
    WHEN insufficient_privilege OR undefined_object THEN
        RETURN 'refused';
    WHEN OTHERS THEN
        RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
\o

SELECT set_eq($$ SELECT p.proname::text FROM pg_proc AS p
                 WHERE p.pronamespace = 'aiven_rbac'::regnamespace
                   AND 'aiven_rbac.actor'::regtype = ANY (p.proargtypes::oid[]) $$,
              'SELECT name FROM guard', 'every function that is given an actor is tried');

SELECT is(pg_temp.answer(g.call, a.actor), a.expected, format('G10: %s refuses %s', g.name, a.what))
FROM guard AS g,
     (VALUES ('NULL::aiven_rbac.actor', 'refused', 'no actor'),
             ('ROW(NULL, NULL, NULL)::aiven_rbac.actor', 'refused', 'an actor of which nothing is known'),
             ('ROW(NULL, false, false)::aiven_rbac.actor', 'refused', 'an actor who is nobody'),
             ('ROW(test.id(''stranger''), NULL, NULL)::aiven_rbac.actor', 'refused', 'a principal that does not exist'),
             ('ROW(test.p(''hank''), NULL, NULL)::aiven_rbac.actor', 'refused', 'a member of another organization'))
     AS a (actor, expected, what);
SELECT is(pg_temp.answer(g.call, 'ROW(NULL, true, false)::aiven_rbac.actor'), 'allowed',
          format('%s lets the operator pass', g.name))
FROM guard AS g;

-- What the guards are given is made of the session.
SELECT is(test.seen_by('bob', 'SELECT aiven_rbac.current_actor()::text', 'postgres'),
          format('(%s,f,f)', test.p('bob')), 'the actor is the session''s principal');
SELECT is(aiven_rbac.current_actor()::text, '(,t,f)', 'without a principal it is the operator');
SELECT throws_ok('SET LOCAL ROLE test_application; SELECT aiven_rbac.current_actor()', '42501',
                 'permission denied for function current_actor', 'the function is internal');

-- Operators
CREATE ROLE test_operator;
CREATE ROLE test_back_end;
GRANT EXECUTE ON FUNCTION rbac_set_principal TO test_back_end;

CREATE FUNCTION pg_temp.try(role name, query text) RETURNS text
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', role);
    EXECUTE query;
    RESET SESSION AUTHORIZATION;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN concat_ws(' ', SQLSTATE, SQLERRM);
END
$$;

SELECT is(pg_temp.try('test_operator', $$ SELECT rbac_unit_create('acme', 'by-operator') $$),
          '42501 no principal is set', 'a database role is no operator');
SELECT is(pg_temp.try('test_operator', 'SELECT rbac_operate()'),
          '42501 permission denied for function rbac_operate', 'and may not say that it is one');
SELECT is(pg_temp.try('test_back_end', $$ SELECT rbac_unit_create('acme', 'by-back-end') $$),
          '42501 no principal is set', 'a back end that may set the principal is no operator either');
SELECT is(pg_temp.try('test_back_end', $$ SELECT rbac_resource_id('acme') $$),
          'ok', 'but may look everything up, since it could be anybody');
GRANT EXECUTE ON FUNCTION rbac_operate() TO test_operator;
SELECT is(pg_temp.try('test_operator', $$ SELECT rbac_unit_create('acme', 'by-operator') $$),
          'ok', 'EXECUTE on rbac_operate() makes a database role an operator');
SELECT is(pg_temp.try('test_operator', $$ SELECT rbac_super_admin_add('acme', rbac_user('bob@acme.example')) $$), 'ok', 'in everything');
SELECT is(pg_temp.try('test_operator', $$ SELECT rbac_user_create('new@acme.example') $$),
          '42501 permission denied for function rbac_user_create', 'but what is granted apart');
SELECT is(pg_temp.try('test_operator', $$ SET LOCAL ROLE test_application; SELECT rbac_unit_create('acme', 'x') $$),
          '42501 permission denied to set role "test_application"', 'a role that it may not set');
GRANT test_application TO test_operator;
SELECT is(pg_temp.try('test_operator', $$ SET LOCAL ROLE test_application; SELECT rbac_unit_create('acme', 'x') $$),
          '42501 no principal is set', 'an operator who has chosen another role is none');
GRANT test_operator TO test_back_end;
SELECT is(pg_temp.try('test_back_end', $$ SET LOCAL ROLE test_operator; SELECT rbac_unit_create('acme', 'x') $$),
          'ok', 'a member of an operator''s role has its privileges');
REVOKE test_operator FROM test_back_end;

CREATE FUNCTION pg_temp.by_definer() RETURNS void LANGUAGE sql SECURITY DEFINER
    AS $$ SELECT rbac_unit_create('acme', 'by-definer') $$;
GRANT EXECUTE ON FUNCTION pg_temp.by_definer() TO test_back_end;
SELECT is(pg_temp.try('test_back_end', 'SELECT pg_temp.by_definer()'), '42501 no principal is set',
          'a SECURITY DEFINER function makes nobody an operator');
SELECT is(pg_temp.try('test_operator', format('SELECT rbac_set_principal(%L)', test.p('bob'))),
          '42501 permission denied for function rbac_set_principal', 'an operator may not set the principal for that');

-- Who may create users: a database role, with or without a principal, and
-- whoever that is.
GRANT EXECUTE ON FUNCTION rbac_user_create, rbac_set_principal TO test_back_end;
\o /dev/null
SELECT rbac_user_delete(rbac_user_create('gone@acme.example', NULL, test.id('gone')));
\o
SELECT is(pg_temp.try(role, CASE WHEN principal THEN format('SELECT rbac_set_principal(%L);', test.p('bob')) ELSE 'SELECT rbac_reset_principal();' END
                            || format('SELECT rbac_user_create(''u%s@acme.example'', NULL, %L)', row_number() OVER (), brought)), result, rule)
FROM (VALUES
    ('test_back_end', false, NULL::uuid, 'ok', 'a back end that may execute rbac_user_create() signs users up'),
    ('test_back_end', true, NULL, 'ok', 'while a principal is set, too'),
    ('test_back_end', false, test.id('brought'), 'ok', 'H2: it brings ids'),
    ('test_back_end', true, test.id('brought'), '42501 permission denied to bring the id of a new user', 'H2: but not while one is set'),
    ('test_back_end', false, test.id('gone'), format('23505 the id %s is that of something deleted', test.id('gone')),
     'H5: nor one that was another''s'),
    ('test_application', false, NULL, '42501 permission denied for function rbac_user_create', 'nobody else does'),
    ('test_operator', false, NULL, '42501 permission denied for function rbac_user_create', 'an operator neither'),
    (current_user::text, false, test.id('gone'), 'ok', 'H5: a superuser restores whom it likes')
) AS v (role, principal, brought, result, rule);

-- What is granted can go, with its resource, while somebody edits a role.
SELECT is(pg_temp.answer(replace(call, '$there', quote_literal(id) || '::uuid'), actor), answer, name)
FROM (VALUES
    ('require_actions: nothing is handed out on a resource that is gone', $$ aiven_rbac.require_actions($actor, 'try', $there, '{3}', NULL, NULL) $$, 'refused', 'allowed'),
    ('require_all_of: nor can anything be', $$ aiven_rbac.require_all_of($actor, $there, $grantable, NULL, NULL, true) $$, 'refused', 'refused'),
    ('may_hand_out', $$ aiven_rbac.may_hand_out(test.p('hank'), $there, 'permission.grant', NULL) $$, 'refused', 'refused')
) AS v (name, call, there, gone)
CROSS JOIN (VALUES ('ROW(test.p(''hank''), NULL, NULL)::aiven_rbac.actor')) AS a (actor)
CROSS JOIN LATERAL (VALUES (test.id('acme'), there), (test.id('never'), gone)) AS r (id, answer);

SELECT * FROM finish();
ROLLBACK;
