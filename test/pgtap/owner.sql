-- A database whose owner is no superuser: after CREATE EXTENSION and one GRANT the owner
-- does everything that an application needs.
BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
CREATE ROLE database_owner;
CREATE ROLE database_backend;
GRANT CREATE ON SCHEMA public TO database_owner;
GRANT EXECUTE ON FUNCTION rbac_operate, rbac_user_create, rbac_sign_up, rbac_set_principal, rbac_domain_verify TO database_owner WITH GRANT OPTION;
CREATE FUNCTION pg_temp.backend_sees(email text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    seen bigint;
BEGIN
    PERFORM rbac_set_principal(rbac_user(email));
    SELECT count(*) INTO seen FROM item;
    PERFORM rbac_reset_principal();
    RETURN seen;
END
$$;
SET SESSION AUTHORIZATION database_owner;

SELECT lives_ok(statement, statement) FROM unnest(ARRAY[
    $$ SELECT rbac_user_create('ann@x.example'), rbac_user_create('bob@x.example') $$,
    $$ SELECT rbac_organization_create('x', 'X', rbac_user('ann@x.example'), id => rbac_id('tenant', 1)) $$,
    $$ SELECT rbac_sign_up('zoe@z.example', 'Zoe', 'z', 'Z') $$,
    $$ SELECT rbac_project_create('x', 'x-prod') $$,
    $$ SELECT rbac_invitation_accept(rbac_invitation_create('x', 'bob@x.example')) $$,
    $$ SELECT rbac_grant(rbac_user('bob@x.example'), 'read_only', 'x') $$,
    $$ SELECT rbac_domain_verify('x', 'x.example', rbac_domain_add('x', 'x.example')) $$,
    $$ CREATE TABLE item (id int PRIMARY KEY, tenant bigint) $$,
    $$ INSERT INTO item VALUES (1, 1), (2, 2) $$,
    $$ SELECT rbac_protect_table('item', 'tenant', 'service.view', space => 'tenant') $$,
    $$ CREATE TABLE part (id int PRIMARY KEY, item int REFERENCES item) $$,
    $$ SELECT rbac_protect_child('part', 'part_item_fkey', 'service.view') $$,
    $$ CREATE TABLE placed (id int PRIMARY KEY, place rbac_path) $$,
    $$ SELECT rbac_protect_table('placed', 'place', 'service.view') $$,
    $$ GRANT SELECT ON item TO database_backend $$,
    $$ GRANT EXECUTE ON FUNCTION rbac_set_principal TO database_backend $$,
    $$ SELECT * FROM rbac_audit_log('x') $$,
    $$ SELECT rbac_audit_seal() $$,
    $$ SELECT rbac_export('x') $$,
    $$ SELECT rbac_action_create('order.ship', 'project', 'Ship an order') $$,
    $$ SELECT rbac_project_move('x.x-prod', 'x') $$]) AS statement;
SELECT throws_ok($$ SELECT rbac_database_role_map('database_backend', rbac_user('bob@x.example')) $$, '42501', NULL, 'to map database roles takes a superuser');
SELECT is((SELECT count(*) FROM item), 0::bigint, 'FORCE binds the owner as well');
SET SESSION AUTHORIZATION database_backend;
SELECT is(pg_temp.backend_sees(email), expected, format('%s sees %s', email, expected))
FROM (VALUES ('bob@x.example', 1::bigint), ('zoe@z.example', 0)) AS v (email, expected);
SELECT throws_ok($$ SELECT rbac_grant(rbac_user('bob@x.example'), 'admin', 'x') $$, '42501', NULL, 'the back end is no operator');
RESET SESSION AUTHORIZATION;

SELECT finish();
ROLLBACK;
