-- Moving projects (H4), and that nobody lifts themselves or others by it, nor
-- takes away what they do not hold (G5).

BEGIN;
\ir lib/helpers.sql
SELECT no_plan();

\o /dev/null
SELECT rbac_organization_create(label, label, rbac_user_create(label || '@x.example'))
FROM unnest('{acme,globex}'::text[]) AS label;
SELECT rbac_unit_create(o::rbac_path, u) FROM unnest('{acme,globex}'::text[]) AS o, unnest('{a,b}'::text[]) AS u;
SELECT rbac_project_create('acme.a', 'p');
SELECT rbac_service_create('acme.a.p', 's1', 'pg');
SELECT rbac_service_create('acme.a.p', 's2', 'kafka');
CREATE TEMP TABLE bill AS
SELECT rbac_billing_group_create('acme', 'main') AS acme, rbac_billing_group_create('globex', 'main') AS globex;
SELECT rbac_project_assign_billing_group('acme.a.p', acme) FROM bill;
-- Members of acme, "both" of globex too.
SELECT rbac_invitation_accept(rbac_invitation_create(o::rbac_path, n || '@x.example'))
FROM (SELECT n, rbac_user_create(n || '@x.example') AS u
      FROM unnest('{admin,biller,both,only,mover,unitadmin,temp}'::text[]) AS n OFFSET 0) AS v,
     unnest(CASE WHEN v.n IN ('both', 'admin', 'biller', 'temp', 'mover') THEN '{acme,globex}'::text[] ELSE '{acme}' END) AS o
WHERE v.u IS NOT NULL;
SELECT rbac_group_create('acme', 'team');
SELECT rbac_application_user_create('acme', 'robot');
SELECT rbac_role_create('acme', 'own', '{service.fork}', '{project}');
SELECT rbac_role_create('acme', 'move', '{project.move}', '{organization,unit,project}');
SELECT rbac_grant(p, name, 'acme.a.p')
FROM (VALUES (rbac_user('both@x.example'), 'developer'), (rbac_user('both@x.example'), 'own'),
             (rbac_user('only@x.example'), 'developer'), (rbac_group('acme', 'team'), 'operator'),
             (rbac_application_user('acme', 'robot'), 'admin')) AS v (p, name);
SELECT rbac_grant(rbac_user('admin@x.example'), 'role:organization:admin', 'acme');
SELECT rbac_role_create('globex', 'billing', '{project.assign_billing_group}', '{organization}');
SELECT rbac_grant(rbac_user('biller@x.example'), 'role:organization:admin', 'acme');
SELECT rbac_grant(rbac_user('biller@x.example'), 'billing', 'globex');
SELECT rbac_grant(rbac_user('mover@x.example'), 'move', 'acme.a.p');
SELECT rbac_grant(rbac_user('mover@x.example'), 'role:organization:admin', 'globex.b');
SELECT rbac_grant(rbac_user('unitadmin@x.example'), 'role:organization:admin', 'acme.b');
SELECT rbac_grant(rbac_user('unitadmin@x.example'), 'move', 'acme.a.p');
SELECT rbac_grant(rbac_user('temp@x.example'), 'role:organization:admin', 'acme', NULL, now() + interval '1 hour');

-- The application's own rows: by id and by path.
CREATE TABLE tenant (id uuid REFERENCES aiven_rbac.resource (id),
                     path rbac_path REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE);
INSERT INTO tenant SELECT r.id, r.path FROM aiven_rbac.resource AS r WHERE r.path <@ 'acme.a.p';
CREATE TEMP TABLE before AS SELECT r.id, r.path FROM aiven_rbac.resource AS r WHERE r.path <@ 'acme.a.p';
\o

SELECT is(test.call(who, replace(call, '$globex', quote_literal(b.globex))), result, rule)
FROM bill AS b, (VALUES
    ('mover@x.example', 'rbac_project_move(''acme.a.p'', ''acme'')', 'ok',
     'H4: a move inside an organization requires project.move'),
    (NULL, 'rbac_project_move(''acme.p'', ''acme.a'')', 'ok', 'H4: a project moves back under a unit'),
    ('only@x.example', 'rbac_project_move(''acme.a.p'', ''acme'')', '42501', 'H4: no move without project.move'),
    ('unitadmin@x.example', 'rbac_project_move(''acme.a.p'', ''acme.b'')', '42501',
     'G5: nobody moves a project under a unit of their own'),
    ('mover@x.example', 'rbac_project_move(''acme.a.p'', ''acme.b'')', '42501', 'G5: nor under somebody else''s'),
    ('temp@x.example', 'rbac_project_move(''acme.a.p'', ''acme.b'')', '42501', 'G5: nor for longer than they have it'),
    ('admin@x.example', 'rbac_project_move(''acme.a.p'', ''acme.b'')', 'ok', 'H4: an admin moves it there'),
    ('admin@x.example', 'rbac_project_move(''acme.b.p'', ''acme.a'')', 'ok', 'H4: and back'),
    ('admin@x.example', 'rbac_project_move(''acme.a.p'', ''acme.a'')', 'ok', 'H4: a move to where it is is none'),
    ('admin@x.example', 'rbac_project_move(''acme.a.p'', ''globex'', $globex)', '42501',
     'H4: to another organization it also requires project.create there'),
    ('mover@x.example', 'rbac_project_move(''acme.a.p'', ''globex.b'', $globex)', '42501',
     'G5: nobody moves a project into an organization of their own'),
    ('globex@x.example', 'rbac_project_move(''acme.a.p'', ''globex'', $globex)', '42704',
     'G10: for whoever is no member it does not exist'),
    ('unitadmin@x.example', 'rbac_project_move(''acme.a.p'', ''globex'', $globex)', '42704',
     'G10: nor does the target'),
    (NULL, 'rbac_project_move(''acme.a.p'', ''globex'')', '22004',
     'H4: to another organization it requires a billing group'),
    (NULL, 'rbac_project_move(''acme.a.p'', ''acme.a.p'')', '42809', 'H1: a project is no place for a project'),
    (NULL, 'rbac_project_move(''acme.a'', ''acme.b'')', '42809', 'H1: units are flat, and do not move')
) AS v (who, call, result, rule);
SELECT is(test.call(NULL, format('rbac_project_move(''acme.a.p'', ''globex'', %L)', b.acme)), '22023',
          'H4, H7: a billing group of the target, not of the source') FROM bill AS b;

-- Somebody who lacks nothing else
SELECT is(test.outcome('biller@x.example', format('SELECT rbac_project_move(''acme.a.p'', ''globex'', %L)', b.globex)),
          '42501 permission denied for organization "globex"',
          'H4: to another organization it requires project.create there') FROM bill AS b;
\o /dev/null
SELECT rbac_role_edit('globex', 'billing', '{project.assign_billing_group,project.create}');
\o
SELECT is(test.outcome('biller@x.example', format('SELECT rbac_project_move(''acme.a.p'', ''globex'', %L)', b.globex)),
          'ok', 'H4: and nothing else') FROM bill AS b;

SELECT is((SELECT p.billing_group FROM aiven_rbac.project AS p), b.acme,
          'H4: inside its organization it keeps its billing group')
FROM bill AS b;
SELECT bag_eq('SELECT id, path FROM tenant', 'SELECT id, path FROM before', 'H4: nothing has changed so far');

-- Across, by an admin of both.
\o /dev/null
SELECT rbac_grant(rbac_user('admin@x.example'), 'role:organization:admin', 'globex');
SELECT rbac_set_principal(rbac_user('admin@x.example'));
CREATE TEMP TABLE ended AS
SELECT m.* FROM bill AS b, rbac_project_move('acme.a.p', 'globex.b', b.globex) AS m;
SELECT rbac_reset_principal();
\o
SELECT results_eq('SELECT principal_name, name, resource FROM ended',
    $$VALUES ('both@x.example', 'own', 'globex.b.p'::rbac_path),
             ('only@x.example', 'developer', 'globex.b.p'),
             ('robot', 'admin', 'globex.b.p'),
             ('team', 'operator', 'globex.b.p'),
             ('mover@x.example', 'move', 'globex.b.p'),
             ('unitadmin@x.example', 'move', 'globex.b.p') ORDER BY 1, 2$$,
    'H4: grants of those who are not of the target end, and of roles that are the source''s, and are returned');
SELECT results_eq(
    $$SELECT p.email, g.name FROM aiven_rbac.access_grant AS a JOIN aiven_rbac.principal AS p ON p.id = a.principal
      JOIN aiven_rbac.grantable AS g ON g.id = a.grantable JOIN aiven_rbac.resource AS r ON r.id = a.resource
      WHERE r.path = 'globex.b.p'$$,
    $$VALUES ('both@x.example', 'developer')$$, 'H4: the others stand');
SELECT is(rbac_has_permission(rbac_user(who || '@x.example'), 'globex.b.p.s1'::rbac_path, 'service.view'), held,
          format('G2, G3: %s after the move', who))
FROM (VALUES ('both', true), ('only', false), ('mover', true), ('globex', true), ('admin', true), ('acme', false)) AS v (who, held);
SELECT bag_eq('SELECT id, path FROM tenant',
    $$SELECT id, replace(path::text, 'acme.a', 'globex.b')::rbac_path FROM before$$,
    'H4: ids stay, and the paths of its services and of the application''s rows follow');
SELECT is((SELECT (p.billing_group, p.organization) FROM aiven_rbac.project AS p),
          (SELECT (b.globex, rbac_resource_id('globex'))), 'H4: it is paid by the target''s billing group') FROM bill AS b;
SELECT is(array(SELECT DISTINCT s.organization FROM aiven_rbac.service AS s), ARRAY[rbac_resource_id('globex')],
          'H4: services are of the target organization');
SELECT bag_eq('SELECT parent, path FROM aiven_rbac.resource WHERE kind = ''service''',
              $$SELECT rbac_resource_id('globex.b.p'), path FROM tenant WHERE path <> 'globex.b.p'$$, 'H1: and stay in it');

-- What the old place gave, and gives no longer, is taken away (G5).
\o /dev/null
SELECT rbac_organization_create('hooli', 'Hooli', rbac_user_create('hooli@h.example'));
SELECT rbac_unit_create('hooli', u) FROM unnest('{old,new}'::text[]) AS u;
SELECT rbac_project_create('hooli.old', 'h');
SELECT rbac_service_create('hooli.old.h', 's', 'pg');
SELECT rbac_invitation_accept(rbac_invitation_create('hooli', n || '@h.example'))
FROM (SELECT n, rbac_user_create(n || '@h.example') AS u FROM unnest('{lead,aide,mover,giver,warden,brief}'::text[]) AS n OFFSET 0) AS v
WHERE v.u IS NOT NULL;
SELECT rbac_group_create('hooli', 'crew');
SELECT rbac_group_member_add(rbac_group('hooli', 'crew'), rbac_user('aide@h.example'));
SELECT rbac_role_create('hooli', name, members, '{organization,unit,project}')
FROM (VALUES ('moves', '{project.move}'::text[]), ('looks', '{service.view}'), ('gives', '{project.move,permission.grant}'),
             ('wards', '{project.move,permission.grant,service.view}')) AS v (name, members);
SELECT rbac_grant(rbac_user(who || '@h.example'), role, 'hooli.old.h', NULL, until)
FROM (VALUES ('mover', 'moves', NULL), ('giver', 'gives', NULL), ('warden', 'wards', NULL),
             ('brief', 'wards', now() + interval '1 hour')) AS v (who, role, until);

-- Move it as somebody once something stands there, and undo both.
CREATE FUNCTION pg_temp.moved(first text, who text, target text, keep_plans boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    a record;
BEGIN
    EXECUTE 'SELECT ' || replace(first, '$', 'test.p');
    SELECT * INTO a FROM test.attempt(who || '@h.example', format('SELECT rbac_project_move(''hooli.old.h'', %L, NULL, %L)', target, keep_plans));
    RAISE EXCEPTION USING ERRCODE = 'UNDO1', MESSAGE = concat_ws(': ', a.code, a.message, substring(a.detail FROM ': (.*)\.$'));
EXCEPTION WHEN SQLSTATE 'UNDO1' THEN
    RETURN SQLERRM;
END
$$;
\set out '42501: permission denied to move project "hooli.old.h" out of "hooli.old": '
\o
SELECT is(pg_temp.moved(first, who, target), CASE lacking WHEN '' THEN 'ok' ELSE :'out' || lacking END, rule)
FROM (VALUES
    ('1', 'mover', 'hooli.new', '', 'H4: where nobody loses anything, a move takes project.move alone'),
    ('rbac_grant($(''lead@h.example''), ''looks'', ''hooli.old'')', 'mover', 'hooli.new', 'permission.grant, service.view',
     'G5: nobody takes away what they do not hold, by moving'),
    ('rbac_grant($(''lead@h.example''), ''looks'', ''hooli.old'')', 'mover', 'hooli', 'permission.grant, service.view',
     'G5: nor out of all units'),
    ('rbac_grant($(''lead@h.example''), ''looks'', ''hooli.old'')', 'giver', 'hooli.new', 'service.view',
     'G5: nor by who may grant, but does not hold it'),
    ('rbac_grant($(''lead@h.example''), ''looks'', ''hooli.old'')', 'warden', 'hooli.new', '',
     'G5: who holds all of it, and may grant, may'),
    ('rbac_grant($(''lead@h.example''), ''looks'', ''hooli.old'')', 'brief', 'hooli.new', '',
     'G5: for how long does not count, as in revoking'),
    ('rbac_grant($(''lead@h.example''), ''looks'', ''hooli.old'', now() + interval ''1 day'')', 'mover', 'hooli.new',
     'permission.grant, service.view', 'G5, G7: what is to begin counts'),
    ('rbac_grant($(''lead@h.example''), ''looks'', ''hooli'')', 'mover', 'hooli.new', '',
     'G5: what reaches it at the new place as well is not lost'),
    ('rbac_grant($(''lead@h.example''), ''looks'', ''hooli.old'')', 'mover', 'hooli.old', '',
     'H4: nor is anything by a move to where it is'),
    ('rbac_grant($(''aide@h.example''), ''moves'', ''hooli.old'')', 'aide', 'hooli.new', '',
     'G5: everybody may give up a grant of their own'),
    ('rbac_grant($(''aide@h.example''), ''moves'', ''hooli.old''), rbac_grant($(''lead@h.example''), ''moves'', ''hooli.old'')', 'aide',
     'hooli.new', 'permission.grant', 'G5: but not another''s of the same role with it'),
    ('rbac_grant($(''crew''), ''moves'', ''hooli.old'')', 'aide', 'hooli.new', 'permission.grant',
     'G5: nor their group''s'),
    ('rbac_plan_list_set(''hooli.old'', ''{small}'')', 'mover', 'hooli.new', 'permission.grant',
     'G5, H8: a list of plans that binds is not shaken off'),
    ('rbac_plan_list_set(''hooli.old'', ''{small}'')', 'giver', 'hooli.new', '',
     'G5, H8: but by who could change the list'),
    ('rbac_plan_list_set(''hooli.old'', ''{small,big}''), rbac_plan_list_set(''hooli.new'', ''{small,huge}'')', 'mover',
     'hooli.new', 'permission.grant', 'G5, H8: nor exchanged for one that allows other plans'),
    ('rbac_plan_list_set(''hooli.old'', ''{small,big}''), rbac_plan_list_set(''hooli.new'', ''{small}'')', 'mover',
     'hooli.new', '', 'G5, H8: one that allows no more will do'),
    ('rbac_plan_list_set(''hooli'', ''{small}'')', 'mover', 'hooli.new', '', 'G5, H8: as will one above both')
) AS v (first, who, target, lacking, rule);

-- Services whose plans the new place forbids stop the move (H4, H8).
\o /dev/null
SELECT rbac_service_create('hooli.old.h', 's' || i, 'pg', CASE WHEN i < 13 THEN 'big' ELSE 'small' END) FROM generate_series(1, 13) AS i;
\set stopped '22023: project "hooli.old.h" has services with plans that are not allowed in '
\o
SELECT is(pg_temp.moved(first, 'hooli', target), CASE beginning WHEN '' THEN 'ok' ELSE :'stopped' || beginning END, rule)
FROM (VALUES
    ('rbac_plan_list_set(''hooli.new'', ''{small,big}'')', 'hooli.new', '', 'H4, H8: where their plans are allowed, they move'),
    ('rbac_plan_list_set(''hooli.new'', ''{big}''), rbac_service_delete(''hooli.old.h.s13'')', 'hooli.new', '',
     'H4, H8: with those that have no plan'),
    ('rbac_plan_list_set(''hooli.new'', ''{big}'')', 'hooli.new', '"hooli.new": "s13" (small)', 'H4, H8: one that is not allowed stops them all'),
    ('rbac_plan_list_set(''hooli'', ''{big}'')', 'hooli.new', '"hooli.new": "s13" (small)', 'H4, H8: as above the new place'),
    ('rbac_plan_list_set(''hooli.new'', ''{small}'')', 'hooli.new',
     '"hooli.new": "s1" (big), "s10" (big), "s11" (big), "s12" (big), "s2" (big), "s3" (big), "s4" (big), "s5" (big), "s6" (big), "s7" (big), and 2 more',
     'H4, H8, S8: the error names ten'),
    ('rbac_plan_list_set(''hooli.new'', ''{small}'')', 'hooli', '', 'H4, H8: what another unit forbids does not matter'),
    ('rbac_plan_list_set(''hooli.old'', ''{small}'')', 'hooli.old', '', 'H4, H8: nor what is forbidden where it stays'),
    ('rbac_plan_list_set(''hooli.old.h'', ''{small}'')', 'hooli.new', '', 'H4, H8: nor a list that it brings along')
) AS v (first, target, beginning, rule);
SELECT is(pg_temp.moved('rbac_plan_list_set(''hooli.new'', ''{small}'')', 'hooli', 'hooli.new', keep_plans) LIKE result || '%', true,
          format('H4, H8: keep_plans => %L', keep_plans))
FROM (VALUES (true, 'ok'), (false, '22023'), (NULL, '22023')) AS v (keep_plans, result);

-- A place that is taken.
\o /dev/null
SELECT rbac_unit_create('globex', 'p');
\o
SELECT throws_ok($$SELECT rbac_project_move('globex.b.p', 'globex')$$, '23505', '"globex.p" already exists',
                 'H3: not to a place where something else is called so');
-- Raw DML keeps the rules.
SELECT throws_ok(format($$UPDATE aiven_rbac.project SET billing_group = %L WHERE id = rbac_resource_id('globex.b.p')$$, b.acme), '23503', NULL,
                 'S7, H7: no billing group of another organization by raw DML') FROM bill AS b;
SELECT throws_ok($$UPDATE aiven_rbac.resource SET parent = rbac_resource_id('acme.a'), path = 'acme.a.p',
                          organization = rbac_resource_id('acme') WHERE path = 'globex.b.p'$$, '23503', NULL,
                 'S7, H4: no move to another organization by raw DML while a billing group stays behind');

SELECT * FROM finish();
ROLLBACK;
