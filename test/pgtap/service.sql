-- Plans, tags and service users (H7, H8, H9), names of resources (H3, H5).

BEGIN;
\ir lib/helpers.sql
SELECT no_plan();

\o /dev/null
SELECT rbac_organization_create('acme', 'acme', rbac_user_create('acme@x.example'));
SELECT rbac_unit_create('acme', 'u');
SELECT rbac_unit_create('acme', 'v');
SELECT rbac_project_create('acme.u', 'p');
SELECT rbac_project_create('acme.u', 'q');
SELECT rbac_service_create('acme.u.p', 's', 'pg', 'old');
CREATE ROLE service_account;
CREATE ROLE mapped_person;
SELECT rbac_database_role_map('mapped_person', rbac_user('acme@x.example'));

-- Roles that can do more than log in, by themselves or by what they can become
CREATE ROLE can_bypass BYPASSRLS;
CREATE ROLE can_create_roles CREATEROLE;
CREATE ROLE can_replicate REPLICATION;
CREATE ROLE can_create_databases CREATEDB;
CREATE ROLE reads_all IN ROLE pg_read_all_data;
CREATE ROLE runs_programs NOINHERIT IN ROLE pg_execute_server_program;
CREATE ROLE between NOINHERIT IN ROLE can_bypass;
CREATE ROLE becomes_bypass NOINHERIT IN ROLE between;
CREATE ROLE back_end;
GRANT EXECUTE ON FUNCTION rbac_set_principal TO back_end;
CREATE ROLE becomes_back_end NOINHERIT IN ROLE back_end;
CREATE ROLE operates;
GRANT EXECUTE ON FUNCTION rbac_operate TO operates;
CREATE ROLE verifies_domains;
GRANT EXECUTE ON FUNCTION rbac_domain_verify TO verifies_domains;
CREATE ROLE lifted;
\o

SELECT is(test.call('acme@x.example', call), result, rule) FROM (VALUES
    -- H8
    ('rbac_service_create(''acme.u.p'', ''any'', ''pg'', ''whatever'')', 'ok',
     'H8: without a list every plan is allowed'),
    ('rbac_plan_list_set(''acme'', ''{hobby,startup,business}'')', 'ok', 'H8: a list for an organization'),
    ('rbac_service_create(''acme.u.p'', ''a'', ''pg'', ''startup'')', 'ok', 'H8: a plan that it names'),
    ('rbac_service_create(''acme.u.p'', ''b'', ''pg'', ''premium'')', '22023', 'H8: one that it does not name'),
    ('rbac_plan_list_set(''acme.u'', ''{startup,business,premium}'')', 'ok', 'H8: a list for a unit'),
    ('rbac_service_create(''acme.u.p'', ''b'', ''pg'', ''hobby'')', '22023', 'H8: narrows'),
    ('rbac_service_create(''acme.u.p'', ''b'', ''pg'', ''premium'')', '22023', 'H8: and never widens'),
    ('rbac_service_create(''acme.u.p'', ''b'', ''pg'', ''business'')', 'ok', 'H8: what both name is allowed'),
    ('rbac_plan_list_set(''acme.u.p'', ''{business}'')', 'ok', 'H8: a list for a project'),
    ('rbac_service_create(''acme.u.p'', ''c'', ''pg'', ''startup'')', '22023', 'H8: narrows it there'),
    ('rbac_service_create(''acme.u.q'', ''c'', ''pg'', ''startup'')', 'ok', 'H8: and nowhere else'),
    ('rbac_service_create(''acme.u.p'', ''d'', ''pg'')', '22004', 'H8: where a list stands, a service has a plan'),
    ('rbac_service_plan_change(''acme.u.p.s'', NULL)', '22004', 'H8: and does not lose it'),
    ('rbac_service_plan_change(''acme.u.p.s'', ''startup'')', '22023', 'H8: changing a plan is held to it too'),
    ('rbac_service_plan_change(''acme.u.p.s'', ''business'')', 'ok', 'H8: changing a plan to an allowed one'),
    ('rbac_plan_list_set(''acme.u.p'', NULL)', 'ok', 'H8: a list is taken away'),
    ('rbac_service_plan_change(''acme.u.p.s'', ''startup'')', 'ok', 'H8: and narrows no longer'),
    ('rbac_plan_list_set(''acme.u.p'', ''{}'')', 'ok', 'H8: an empty list'),
    ('rbac_service_plan_change(''acme.u.p.s'', ''business'')', '22023', 'H8: allows none'),
    ('rbac_service_create(''acme.u.p'', ''d'', ''pg'')', '22004', 'H8: and that is not none'),
    ('rbac_service_edit(''acme.u.p.s'', ''S'')', 'ok', 'H8: a list judges no service that is there'),
    ('rbac_plan_list_set(''acme.u.p'', ''{a,NULL}'')', '22023', 'H8: a plan is something'),
    ('rbac_plan_list_set(''acme.u.p.s'', ''{a}'')', '42809', 'H8: a service has no list'),
    -- H7
    ('rbac_tag_set(''acme.u.p'', ''env'', ''prod'')', 'ok', 'H7: a project has tags'),
    ('rbac_tag_set(''acme.u.p'', ''env'', ''dev'')', 'ok', 'H7: which change'),
    ('rbac_tag_set(''acme.u.p.s'', ''env'', ''dev'')', 'ok', 'H7: and a service'),
    ('rbac_tag_set(''acme.u'', ''env'', ''dev'')', '42809', 'H7: but a unit has none'),
    ('rbac_tag_set(''acme'', ''env'', ''dev'')', '42809', 'H7: nor an organization'),
    ('rbac_tag_set(''acme.u.p'', '''', ''dev'')', '22023', 'H7: a key is something'),
    ('rbac_tag_set(''acme.u.p'', NULL, ''dev'')', '22004', 'H7: not null'),
    ('rbac_tag_set(''acme.u.p'', ''x'', NULL)', '22004', 'H7: a value too'),
    ('rbac_tag_set(''acme.u.p'', ''env'', NULL)', '22004', 'H7: in changing too'),
    ('rbac_tag_remove(''acme.u.p.s'', ''env'')', 'ok', 'H7: a tag is removed'),
    ('NOT rbac_tag_remove(''acme.u.p.s'', ''env'')', 'ok', 'H7: once'),
    -- H9
    ('rbac_service_user_create(''acme.u.p.s'', ''app'', ''service_account'')', 'ok',
     'H9: a service user, with a database role'),
    ('rbac_service_user_create(''acme.u.p.s'', ''report'')', 'ok', 'H9: or without'),
    ('rbac_service_user_create(''acme.u.p.s'', ''report'')', '23505', 'H9: its name is one'),
    ('rbac_service_user_create(''acme.u.p.a'', ''report'')', 'ok', 'H9: in its service'),
    ('rbac_service_user_create(''acme.u.p.a'', ''app'', ''service_account'')', '23505',
     'H9: a database role is one service user''s'),
    ('rbac_service_user_create(''acme.u.p.a'', ''app'', ''mapped_person'')', '22023', 'H9: and no principal''s'),
    ('rbac_service_user_create(''acme.u.p.a'', ''app'', current_user::regrole)', '22023', 'H9: nor a superuser'),
    ('rbac_service_user_create(''acme.u.p.a'', ''app'', 4200000000::regrole)', '42704', 'H9: and exists'),
    ('rbac_service_user_create(''acme.u.p.a'', '''')', '22023', 'H9: a name is something'),
    ('rbac_service_user_create(''acme.u.p'', ''app'')', '42809', 'H9: a project has none'),
    ('rbac_service_user_delete(''acme.u.p.s'', ''app'')', 'ok', 'H9: a service user is deleted'),
    ('rbac_service_user_delete(''acme.u.p.s'', ''app'')', '42704', 'H9: once'),
    -- names and labels
    ('rbac_organization_rename(''acme'', ''Acme Inc.'')', 'ok', 'H5: a display name changes'),
    ('rbac_organization_rename(''acme'', '''')', '22023', 'H5: but is something'),
    ('rbac_unit_rename(''acme.u'', ''Unit'')', 'ok', 'H5: a unit''s too'),
    ('rbac_unit_rename(''acme.u'', NULL, ''v'')', '23505', 'H3: labels are unique among siblings'),
    ('rbac_project_edit(''acme.u.p'', NULL, ''q'')', '23505', 'H3: a project''s in the whole database'),
    ('rbac_project_edit(''acme.u.p'', NULL, ''a.b'')', '22023', 'H3: a label has no dot'),
    ('rbac_project_edit(''acme.u.p'', NULL, ''P'')', '22P02', 'H3: and no capitals'),
    ('rbac_project_edit(''acme.u'', ''P'')', '42809', 'H5: a unit is no project'),
    ('rbac_unit_rename(''acme.u'', ''Other'', ''w'')', 'ok', 'H3: a label changes'),
    ('rbac_project_edit(''acme.w.p'', ''P'', ''pp'')', 'ok', 'H3: and paths below follow'),
    ('rbac_service_edit(''acme.w.pp.s'', NULL, ''t'')', 'ok', 'H3: down to services'),
    ('rbac_unit_delete(''acme.w'')', '2BP01', 'H5: not empty'),
    ('rbac_service_delete(''acme.w.pp.t'')', 'ok', 'H5: a service goes with its tags and users'),
    ('rbac_unit_delete(''acme.v'')', 'ok', 'H5: a unit that is empty')
) AS v (call, result, rule);
SELECT results_eq('SELECT path::text, name FROM aiven_rbac.resource WHERE path <@ ''acme.w'' ORDER BY path',
    $$VALUES ('acme.w', 'Other'), ('acme.w.pp', 'P'), ('acme.w.pp.a', 'a'), ('acme.w.pp.any', 'any'), ('acme.w.pp.b', 'b'),
             ('acme.w.q', 'q'), ('acme.w.q.c', 'c')$$, 'H3: all that is there now');
SELECT results_eq('SELECT rbac_resource_path(resource)::text, key, value FROM aiven_rbac.tag',
                  $$VALUES ('acme.w.pp', 'env', 'dev')$$, 'H7: all tags');
SELECT results_eq('SELECT rbac_resource_path(service)::text, username FROM aiven_rbac.service_user',
                  $$VALUES ('acme.w.pp.a', 'report')$$, 'H9: all service users');
SELECT is((SELECT count(*) FROM aiven_rbac.principal WHERE name = 'report'), 0::bigint, 'H9: who are no principals');

PREPARE refused AS SELECT rbac_service_create('acme.w.q', 'z', 'pg', 'premium');
SELECT throws_ok('refused', '22023', 'plan "premium" is not allowed in "acme.w.q"', 'H8: the error says so');
CREATE FUNCTION pg_temp.detail(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE call;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN detail;
END
$$;
SELECT is(pg_temp.detail('SELECT rbac_service_create(''acme.w.q'', ''z'', ''pg'', ''premium'')'),
          'Allowed there are: business, startup.', 'H8: and what is allowed');

-- Raw DML.
SELECT throws_ok(statement, state, NULL, rule) FROM (VALUES
    ('INSERT INTO aiven_rbac.tag SELECT id, kind, organization, ''k'', ''v'' FROM aiven_rbac.resource WHERE path = ''acme.w''',
     '23514', 'S7, H7: no tags on a unit'),
    ('INSERT INTO aiven_rbac.plan_list SELECT id, kind, organization, ''{}'' FROM aiven_rbac.resource WHERE path = ''acme.w.q.c''',
     '23514', 'S7, H8: no plan list on a service'),
    ('INSERT INTO aiven_rbac.tag SELECT id, ''service'', organization, ''k'', ''v'' FROM aiven_rbac.resource WHERE path = ''acme.w''',
     '23503', 'S7, H7: not by calling it a service'),
    ('INSERT INTO aiven_rbac.service_user SELECT id, ''x'' FROM aiven_rbac.resource WHERE path = ''acme.w.q''', '23503',
     'S7, H9: service users are a service''s')
) AS v (statement, state, rule);

-- H9: a service user's role can do nothing but log in.
SELECT is((SELECT concat_ws(' ', code, message, detail) FROM test.attempt('acme@x.example', format('SELECT rbac_service_user_create(%L, %L, %L)', 'acme.w.q.c', 'x', role))),
          format('22023 database role "%s" cannot be a service user %s', role, detail), 'H9: ' || detail) FROM (VALUES
    ('can_bypass', 'It has BYPASSRLS.'),
    ('can_create_roles', 'It has CREATEROLE.'),
    ('can_replicate', 'It has REPLICATION.'),
    ('can_create_databases', 'It has CREATEDB.'),
    ('pg_monitor', 'It is a predefined role.'),
    ('reads_all', 'It is a member of "pg_read_all_data", which is a predefined role.'),
    ('runs_programs', 'It is a member of "pg_execute_server_program", which is a predefined role.'),
    ('becomes_bypass', 'It is a member of "can_bypass", which has BYPASSRLS.'),
    ('back_end', 'It may execute rbac_set_principal().'),
    ('becomes_back_end', 'It is a member of "back_end", which may execute rbac_set_principal().'),
    ('operates', 'It may execute rbac_operate().'),
    ('verifies_domains', 'It may execute rbac_domain_verify().'),
    ('mapped_person', 'It is mapped to a principal.')
) AS v (role, detail);
SELECT is(test.outcome('acme@x.example', $$ SELECT rbac_service_user_create('acme.w.q.c', 'x', 'service_account') $$, 'SELECT role, username FROM aiven_rbac.database_role WHERE service IS NOT NULL'),
          'ok service_account', 'H9: one that can do nothing is noted');

-- In the other order
SELECT lives_ok($$ SELECT rbac_service_user_create('acme.w.q.c', 'lifted', 'lifted') $$, 'H9: a role that can do nothing');
SELECT throws_ok($$ SELECT rbac_database_role_map('lifted', rbac_user('acme@x.example')) $$, '55000',
                 'database role "lifted" cannot be a principal', 'H9: a service user''s role is nobody''s');
SELECT is(rbac_database_role_map('lifted', NULL), false, 'H9: and was none');
SELECT is((SELECT count(*) FROM aiven_rbac.database_role WHERE username = 'lifted'), 1::bigint, 'H9: which does not end it');
SELECT throws_ok($$ INSERT INTO aiven_rbac.database_role (role, principal) VALUES ('lifted', rbac_user('acme@x.example')) $$, '23505', NULL,
                 'S7, H9: not by raw DML either');
SELECT is(test.seen_by('acme@x.example', $$ SELECT database_role FROM aiven_rbac.visible_service_user WHERE username = 'lifted' $$), 'lifted',
          'H9: the view shows the role');
SELECT rbac_service_user_delete('acme.w.q.c', 'lifted');
SELECT is_empty($$ SELECT FROM aiven_rbac.database_role WHERE role = 'lifted'::regrole $$, 'H9: it ends with the service user');

-- A mapping of a principal: what is returned, and how it ends
SELECT is(rbac_database_role_map('lifted', rbac_user('acme@x.example')), true, 'a role is mapped');
SELECT is(rbac_database_role_map('lifted', rbac_user('acme@x.example')), false, 'once');
ALTER ROLE lifted RENAME TO raised;
SELECT results_eq($$ SELECT role::text COLLATE "default" FROM aiven_rbac.database_role WHERE principal IS NOT NULL ORDER BY 1 $$, $$ VALUES ('mapped_person'), ('raised') $$,
                  'a mapping follows a role that is renamed');
SELECT is(rbac_database_role_map('raised', NULL), true, 'a mapping ends');
SELECT is(rbac_database_role_map('raised', NULL), false, 'once');
SELECT rbac_database_role_map('raised', rbac_user('acme@x.example'));
SELECT 'raised'::regrole::oid AS raised \gset
DROP ROLE raised;
SELECT is(rbac_database_role_map(:'raised'::oid, NULL), true, 'a mapping can be ended when the role is gone');
SELECT is_empty('SELECT FROM aiven_rbac.database_role AS d WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = d.role)', 'and then is');

SELECT * FROM finish();
ROLLBACK;
