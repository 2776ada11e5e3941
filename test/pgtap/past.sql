-- Decisions as they were: what was answered at a moment is answered of it ever after.
BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
\o /dev/null
\ir ../../examples/acme.sql
SELECT rbac_user_create('zoe@zeta.example');
SELECT rbac_organization_create('zeta', 'Zeta', rbac_user('zoe@zeta.example'));
SELECT rbac_role_create('acme', 'looker', '{service.view,service.power}', '{project,organization}');
SELECT rbac_grant(rbac_user('heidi@acme.example'), 'looker', 'acme.finance-prod');
SELECT rbac_invitation_accept(rbac_invitation_create('zeta', 'carol@acme.example'));
SELECT rbac_permission_create('project:orders:read', '{service.view}', '{project,organization}');
\o

CREATE TEMP TABLE moment (number serial PRIMARY KEY, at timestamptz, what text);
CREATE TEMP TABLE answered (number int, principal uuid, resource uuid, path rbac_path, name text, answer boolean);
CREATE TEMP TABLE listed (number int, principal uuid, resource uuid, rows text);
CREATE FUNCTION pg_temp.names() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT unnest('{service.view}'::text[])
    UNION SELECT g.name FROM aiven_rbac.grantable AS g WHERE g.name = 'looker'
$$;
CREATE FUNCTION pg_temp.asked() RETURNS SETOF uuid LANGUAGE sql AS $$
    SELECT p.id FROM aiven_rbac.principal AS p WHERE p.email ~ '^(ann|bob|carol|dave|erin|frank|grace|heidi)' OR p.name = 'terraform'
$$;
CREATE FUNCTION pg_temp.rows_of(principal uuid, resource uuid, at timestamptz DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    IF at IS NULL THEN
        SELECT string_agg(concat_ws(' ', e.permission, e.granted_on, ARRAY(SELECT v FROM unnest(e.via) AS v ORDER BY v)), E'\n' ORDER BY e.permission) INTO result FROM rbac_effective_permissions(principal, resource) AS e;
    ELSE
        SELECT string_agg(concat_ws(' ', e.permission, e.granted_on, ARRAY(SELECT v FROM unnest(e.via) AS v ORDER BY v)), E'\n' ORDER BY e.permission) INTO result FROM rbac_effective_permissions_at(principal, resource, at) AS e;
    END IF;
    RETURN result;
END
$$;
CREATE FUNCTION pg_temp.remember(what text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    n int;
BEGIN
    INSERT INTO moment (at, what) VALUES (clock_timestamp(), what) RETURNING number INTO n;
    INSERT INTO answered SELECT n, p.id, r.id, r.path, x, rbac_has_permission(p.id, r.id, x) FROM pg_temp.asked() AS p (id), aiven_rbac.resource AS r, pg_temp.names() AS x
    WHERE r.path::text ~ 'dev$|finance-prod.postgresql$';
    INSERT INTO listed SELECT n, p.id, r.id, pg_temp.rows_of(p.id, r.id) FROM pg_temp.asked() AS p (id), aiven_rbac.resource AS r WHERE r.path::text ~ 'dev$';
    PERFORM pg_sleep(0.002);
END
$$;

\o /dev/null
SELECT pg_temp.remember('the beginning');
SELECT rbac_grant(rbac_user('frank@acme.example'), 'admin', 'acme.finance-prod'), pg_temp.remember('granted');
SELECT rbac_revoke(rbac_user('frank@acme.example'), 'admin', 'acme.finance-prod'), pg_temp.remember('revoked');
SELECT rbac_role_edit('acme', 'looker', '{service.view,service.edit}'), pg_temp.remember('a role edited');
SELECT rbac_group_member_add(rbac_group('acme', 'backend-team'), rbac_user('grace@acme.example')), pg_temp.remember('in a group');
SELECT rbac_group_member_remove(rbac_group('acme', 'backend-team'), rbac_user('bob@acme.example')), pg_temp.remember('out of a group');
SELECT rbac_super_admin_add('acme', rbac_user('bob@acme.example')), pg_temp.remember('a super admin');
SELECT rbac_super_admin_remove('acme', rbac_user('ann@acme.example')), pg_temp.remember('a super admin less');
SELECT rbac_project_move('acme.engineering.backend-dev', 'acme.analytics'), pg_temp.remember('moved');
SELECT rbac_unit_rename('acme.engineering', 'Eng', 'eng'), pg_temp.remember('renamed');
SELECT rbac_user_deactivate(rbac_user('dave@acme.example')), pg_temp.remember('deactivated');
SELECT rbac_user_reactivate(rbac_user('dave@acme.example')), pg_temp.remember('reactivated');
SELECT rbac_member_remove('acme', rbac_user('erin@acme.example')), pg_temp.remember('removed');
SELECT rbac_invitation_accept(rbac_invitation_create('acme', 'erin@acme.example')), pg_temp.remember('a member again');
SELECT rbac_grant(rbac_user('erin@acme.example'), 'operator', 'acme', now() - interval '1 hour', now() + interval '1 hour'), pg_temp.remember('for a period');
SELECT rbac_grant(rbac_user('erin@acme.example'), 'operator', 'acme', now() + interval '1 hour', now() + interval '2 hours', replace => true), pg_temp.remember('for a later one');
SELECT rbac_revoke(rbac_user('heidi@acme.example'), 'looker', 'acme.finance-prod'), rbac_role_delete('acme', 'looker'), pg_temp.remember('without the role');
SELECT rbac_group_delete(rbac_group('acme', 'engineering-team')), pg_temp.remember('without a group');
SELECT rbac_application_user_delete(rbac_application_user('acme', 'terraform')), pg_temp.remember('without an application user');
SELECT rbac_project_move('acme.analytics.backend-dev', 'zeta', rbac_billing_group_create('zeta', 'b')), pg_temp.remember('in another organization');
SELECT rbac_service_delete('acme.finance-prod.postgresql'), rbac_project_delete('acme.finance-prod'), pg_temp.remember('without a project');
\o

SELECT is((SELECT count(*) FILTER (WHERE rbac_has_permission_at(a.principal, a.resource, a.name, m.at) IS DISTINCT FROM a.answer) FROM answered AS a WHERE a.number = m.number), 0::bigint, m.what)
FROM moment AS m ORDER BY m.number;
SELECT is((SELECT string_agg(concat_ws(E'\n', l.principal, l.resource, l.rows, '--', pg_temp.rows_of(l.principal, l.resource, m.at)), E'\n' ORDER BY l.principal) FROM listed AS l
           WHERE l.number = m.number AND pg_temp.rows_of(l.principal, l.resource, m.at) IS DISTINCT FROM l.rows), NULL, 'permissions: ' || m.what)
FROM moment AS m ORDER BY m.number;
SELECT is((SELECT count(*) FILTER (WHERE rbac_has_permission_at(a.principal, a.path, a.name, m.at) IS DISTINCT FROM a.answer) FROM answered AS a WHERE a.number = m.number AND a.name = 'service.view' AND a.principal = rbac_user('grace@acme.example')), 0::bigint, 'by the path of then: ' || m.what)
FROM moment AS m ORDER BY m.number;
SELECT cmp_ok(count(*), '>', 8::bigint, 'the moments differ') FROM (SELECT DISTINCT array_agg(a.answer ORDER BY a.principal, a.resource, a.name) FROM answered AS a WHERE a.name <> 'looker' GROUP BY a.number) AS x;

-- What is not asked, and not known
SELECT is(rbac_has_permission_at(p, r, n, t), NULL, 'G10: nothing asked, nothing answered')
FROM (VALUES (NULL::uuid, 'acme'::rbac_path, 'admin', now()), (gen_random_uuid(), NULL, 'admin', now()), (gen_random_uuid(), 'acme', NULL, now()), (gen_random_uuid(), 'acme', 'admin', NULL)) AS v (p, r, n, t);
SELECT is(rbac_has_permission_at(gen_random_uuid(), 'acme', 'admin', clock_timestamp()), false, 'G10: who was not there held nothing');
SELECT is(rbac_has_permission_at(rbac_user('ann@acme.example'), 'acme.nowhere', 'service.view', clock_timestamp()), false, 'nor is anything held on what was not there');
SELECT is(rbac_has_permission_at(rbac_user('ann@acme.example'), 'acme', 'admin', now() - interval '1 day'), false, 'or was not there yet');
SELECT throws_ok($$ SELECT rbac_has_permission_at(rbac_user('ann@acme.example'), 'acme', 'nonsense', clock_timestamp()) $$, '42704', 'permission, role or action "nonsense" does not exist');
SELECT throws_ok($$ SELECT rbac_has_permission_at(rbac_user('ann@acme.example'), 'acme', 'admin', now() + interval '1 day') $$, '22023', NULL, 'the future is not known');

-- By whom
CREATE FUNCTION pg_temp.asks(who text, whom text, place rbac_path) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    answer boolean;
    subject uuid := rbac_user(whom);
BEGIN
    PERFORM rbac_set_principal(rbac_user(who));
    answer := rbac_has_permission_at(subject, place, 'service.view', clock_timestamp());
    PERFORM rbac_reset_principal();
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    PERFORM rbac_reset_principal();
    RAISE;
END
$$;
SELECT lives_ok($$ SELECT pg_temp.asks('carol@acme.example', 'carol@acme.example', 'acme.eng') $$, 'everybody asks about themselves');
SELECT throws_ok($$ SELECT pg_temp.asks('carol@acme.example', 'grace@acme.example', 'acme.eng') $$, '42501', NULL, 'S6: not about others');
SELECT throws_ok($$ SELECT pg_temp.asks('zoe@zeta.example', 'carol@acme.example', 'acme') $$, '42704', NULL, 'S6: least of all elsewhere');
SELECT lives_ok($$ SELECT pg_temp.asks('dave@acme.example', 'carol@acme.example', 'acme.eng') $$, 'but who sees the grants there');

SELECT finish();
ROLLBACK;
