-- Lists: rbac_resources(), rbac_principals() and rbac_access_review() agree
-- with the decisions that they stand for (G2, G3, G7, G10).

BEGIN;
\ir lib/helpers.sql
\set ON_ERROR_STOP 1
\o /dev/null
\i examples/acme.sql
SELECT rbac_user_create('olga@acme.example');
SELECT rbac_invitation_accept(rbac_invitation_create('acme', 'olga@acme.example'));
SELECT rbac_group_create('acme', 'night-shift');
SELECT rbac_group_member_add(rbac_group('acme', 'night-shift'), rbac_user('olga@acme.example'));
SELECT rbac_grant(rbac_group('acme', 'night-shift'), 'role:services:maintenance', 'acme.engineering.backend-dev');
SELECT rbac_grant(rbac_user('olga@acme.example'), 'role:services:maintenance', 'acme.engineering');
SELECT rbac_organization_create('bolt', 'Bolt', rbac_user('erin@acme.example'));
SELECT rbac_project_create('bolt', 'bolt-web');
SELECT rbac_service_create('bolt.bolt-web', 'pg', 'pg');
SELECT rbac_grant(rbac_user('olga@acme.example'), 'operator', 'acme.analytics', now() + interval '1 day');
SELECT rbac_grant(rbac_user('olga@acme.example'), 'read_only', 'acme.finance-prod');
UPDATE aiven_rbac.access_grant SET valid_until = now() - interval '1 day' WHERE principal = rbac_user('olga@acme.example') AND resource = rbac_resource_id('acme.finance-prod');
SELECT rbac_grant(rbac_user('olga@acme.example'), 'project:permissions:read', 'acme.engineering');
SELECT rbac_grant(rbac_user('erin@acme.example'), 'developer', 'acme.engineering.backend-dev');
SELECT rbac_grant(rbac_user('erin@acme.example'), 'developer', 'acme.engineering');
SELECT rbac_grant(rbac_user('erin@acme.example'), 'role:services:recover', 'acme.engineering.backend-prod');
-- A role of one organization's own, which means nothing in the other.
INSERT INTO aiven_rbac.grantable (organization, name, type, console_name)
SELECT rbac_resource_id('acme'), 'reader', 'role', 'Reader';
INSERT INTO aiven_rbac.grantable_on (grantable, organization, resource_kind)
SELECT g.id, g.organization, 'unit' FROM aiven_rbac.grantable AS g WHERE g.name = 'reader';
INSERT INTO aiven_rbac.allowed_action (grantable, granted_on, action)
SELECT g.id, 'unit', a.number FROM aiven_rbac.grantable AS g, aiven_rbac.action AS a
WHERE g.name = 'reader' AND a.name = 'service.view';
SELECT rbac_grant(rbac_user('olga@acme.example'), 'reader', 'acme.analytics');
\o

-- Everything at a place together, nothing of it alone
\o /dev/null
SELECT rbac_grant(rbac_user('dave@acme.example'), 'service:logs:read', 'acme');
\o

SELECT plan(42);

-- Resources ---------------------------------------------------------------------------

CREATE TABLE name AS
SELECT name FROM aiven_rbac.grantable
UNION SELECT unnest('{service.view,service.fork,project.create,project.delete,service_log.view,unit.create}'::text[]);
CREATE TABLE few AS
SELECT unnest('{super_admin,role:organization:admin,operator,reader,role:services:recover,project:services:read,service.view,service_log.view,project.create}'::text[]) AS name;
CREATE TABLE kind AS SELECT unnest('{organization,unit,project,service}'::text[]) AS kind;

SELECT set_eq($$ SELECT p.id AS principal, n.name, k.kind, l.resource, l.id
                 FROM aiven_rbac.principal AS p, name AS n, kind AS k,
                      rbac_resources(p.id, n.name, k.kind) AS l $$,
              $$ SELECT p.id AS principal, n.name, r.kind, r.path, r.id
                 FROM aiven_rbac.principal AS p, name AS n, aiven_rbac.resource AS r
                 WHERE rbac_has_permission(p.id, r.id, n.name) $$,
              'G2, G3, G7: rbac_resources() lists exactly the resources on which rbac_has_permission() says yes');
SELECT cmp_ok(count(*), '>', 200::bigint, 'G2: and there are some')
FROM aiven_rbac.principal AS p, name AS n, kind AS k, rbac_resources(p.id, n.name, k.kind) AS l;

CREATE FUNCTION paged(who uuid, name text, kind text, page int) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    result text[] := '{}';
    last rbac_path;
    part rbac_path[];
BEGIN
    LOOP
        SELECT array_agg(r.resource ORDER BY r.n) INTO part
        FROM rbac_resources(who, name, kind, last, page) WITH ORDINALITY AS r (resource, id, n);
        EXIT WHEN part IS NULL;
        IF cardinality(part) > page THEN
            RAISE EXCEPTION 'too many rows';
        END IF;
        result := result || part::text[];
        last := part[cardinality(part)];
    END LOOP;
    RETURN result;
END
$$;
SELECT is(paged(rbac_user(who), 'service.view', 'service', page),
          (SELECT array_agg(r.path::text ORDER BY r.path) FROM aiven_rbac.resource AS r
           WHERE r.kind = 'service' AND rbac_has_permission(rbac_user(who), r.id, 'service.view')),
          format('G3: pages of %s, in the order of paths, are the whole for %s', page, who))
FROM unnest('{ann@acme.example,erin@acme.example}'::text[]) AS who, unnest('{1,2,3,100}'::int[]) AS page;
SELECT is(paged(rbac_user('erin@acme.example'), 'project:services:read', 'project', 1),
          '{acme.engineering.backend-dev,acme.engineering.backend-prod,bolt.bolt-web}'::text[],
          'G3: scopes inside one another list nothing twice');
SELECT results_eq($$ SELECT resource::text FROM rbac_resources(rbac_user('ann@acme.example'), 'service.view', 'service',
                                                               'acme.engineering.backend-dev.zzz', 1) $$,
                  ARRAY['acme.engineering.backend-prod.postgresql'], 'G3: a page begins after a path that need not be there');
SELECT is_empty($$ SELECT * FROM rbac_resources(rbac_user('ann@acme.example'), 'service.view', 'service', max_rows => 0) $$,
                'G3: a page of none is empty');

SELECT is_empty($$ SELECT * FROM rbac_resources('service.view', 'service') $$,
                'G10: without a principal nothing is listed');
SELECT rbac_set_principal(rbac_user('dave@acme.example')) \g /dev/null
SELECT results_eq($$ SELECT resource, id FROM rbac_resources('project.create', 'unit') $$,
                  $$ SELECT r.path, r.id FROM aiven_rbac.resource AS r WHERE r.path = 'acme.engineering' $$,
                  'G3: the session''s principal lists its own');
SELECT results_eq($$ SELECT resource::text FROM rbac_resources(rbac_user('carol@acme.example'), 'service.delete', 'project') $$,
                  ARRAY['acme.engineering.backend-dev', 'acme.engineering.backend-prod'],
                  'S6: of another principal''s, those below where one may see grants');
SELECT rbac_reset_principal() \g /dev/null

-- Principals ------------------------------------------------------------------------------

SELECT set_eq($$ SELECT r.id, n.name, l.principal FROM aiven_rbac.resource AS r, few AS n, rbac_principals(r.path, n.name) AS l $$,
              $$ SELECT r.id, n.name, p.id AS principal FROM aiven_rbac.resource AS r, few AS n, aiven_rbac.principal AS p
                 WHERE rbac_has_permission(p.id, r.id, n.name) $$,
              'G2, G3, G7: rbac_principals() lists exactly those for whom rbac_has_permission() says yes');
SELECT results_eq($$ SELECT kind, principal_name, via
                     FROM rbac_principals('acme.engineering.backend-dev', 'role:services:maintenance')
                     WHERE principal_name IN ('ann@acme.example', 'olga@acme.example', 'night-shift') $$,
                  $$ VALUES ('group', 'night-shift', '{direct}'::text[]),
                            ('user', 'ann@acme.example', '{group:account owners}'),
                            ('user', 'olga@acme.example', '{direct,group:night-shift}') $$,
                  'G2: and tells through what');
CREATE FUNCTION pg_temp.in_pages(place rbac_path, name text, room int) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
    last uuid;
    page uuid[];
BEGIN
    LOOP
        page := ARRAY(SELECT principal FROM rbac_principals(place, name, last, room));
        EXIT WHEN page = '{}';
        RETURN QUERY SELECT unnest(page);
        last := page[cardinality(page)];
    END LOOP;
END $$;
SELECT results_eq(format($$ SELECT pg_temp.in_pages('acme.engineering.backend-dev', 'service.view', %s) $$, room),
                  $$ SELECT principal FROM rbac_principals('acme.engineering.backend-dev', 'service.view') $$,
                  format('pages of %s are the whole', room)) FROM unnest('{1,2,1000}'::int[]) AS room;
SELECT results_eq($$ SELECT kind, principal_name FROM rbac_principals('acme.engineering.backend-dev', 'service.view') $$,
                  $$ SELECT kind, principal_name FROM rbac_principals('acme.engineering.backend-dev', 'service.view') ORDER BY kind, principal_name $$,
                  'which is in the order of kinds and names');
SELECT is_empty($$ SELECT * FROM rbac_principals('acme.engineering.backend-dev', 'service.view', max_rows => 0) $$, 'a page without room is empty');
-- Comparison --------------------------------------------------------------------------------

SELECT set_eq($$ SELECT c.resource, c.permission, c.held_by FROM rbac_compare(rbac_user('ann@acme.example'), rbac_user('olga@acme.example'), 'acme') AS c
                 WHERE c.resource = 'acme' $$,
              $$ SELECT 'acme'::rbac_path, p.permission, x.id FROM (VALUES (rbac_user('ann@acme.example'), rbac_user('olga@acme.example')), (rbac_user('olga@acme.example'), rbac_user('ann@acme.example'))) AS x (id, other)
                 CROSS JOIN LATERAL rbac_effective_permissions(x.id, 'acme'::rbac_path) AS p
                 WHERE NOT EXISTS (SELECT FROM rbac_effective_permissions(x.other, 'acme'::rbac_path) AS o WHERE o.permission = p.permission) $$,
              'what one of two holds at the root');
SELECT is_empty($$ SELECT c.* FROM rbac_compare(rbac_user('olga@acme.example'), rbac_user('ann@acme.example'), 'acme') AS c
                   WHERE rbac_has_permission(c.held_by, c.resource, c.permission) IS NOT TRUE
                      OR rbac_has_permission(CASE WHEN c.held_by = rbac_user('ann@acme.example') THEN rbac_user('olga@acme.example') ELSE rbac_user('ann@acme.example') END, c.resource, c.permission) $$,
                'what is listed one holds, and the other does not');
SELECT is_empty($$ SELECT * FROM rbac_compare(rbac_user('olga@acme.example'), rbac_user('olga@acme.example'), 'acme') $$, 'nobody differs from themselves');
SELECT alike(test.answer(rbac_user('erin@acme.example'), 'SELECT * FROM rbac_compare(rbac_user(''ann@acme.example''), rbac_user(''olga@acme.example''), ''acme'')'), '42501: %', 'S6: it requires sight of grants');

SELECT throws_ok($$ SELECT * FROM rbac_principals('acme', 'service.view', max_rows => -1) $$, '22023', 'max_rows must not be negative');
SELECT throws_ok($$ SELECT * FROM rbac_principals('acme', 'service.view', after => '99999999-9999-4999-8999-999999999999') $$, '42704');
SELECT set_eq($$ SELECT principal FROM rbac_principals(rbac_resource_id('acme.engineering.backend-dev'), 'operator') $$,
              $$ SELECT principal FROM rbac_principals('acme.engineering.backend-dev', 'operator') $$,
              'a resource is given by its path or its id');
SELECT alike(test.answer(rbac_user(who), format('SELECT * FROM rbac_principals(%L, ''service.view'')', place)), result,
             format('S6: %s asks who has access to %s', who, place))
FROM (VALUES ('olga@acme.example', 'acme.engineering.backend-dev', 'ok'),
             ('dave@acme.example', 'acme.engineering', 'ok'),
             ('dave@acme.example', 'acme', '42501: permission denied for organization "acme"'),
             ('olga@acme.example', 'bolt', '42704: %does not exist')) AS v (who, place, result);

-- Review -----------------------------------------------------------------------------------

SELECT results_eq($$ SELECT kind, principal_name, granted_on::text, grant_name, via, in_force
                     FROM rbac_access_review('acme') WHERE grant_name IS NOT NULL AND principal_name IN ('olga@acme.example', 'night-shift') $$,
                  $$ VALUES ('user', 'olga@acme.example', 'acme.analytics', 'operator', 'direct', false),
                            ('user', 'olga@acme.example', 'acme.analytics', 'reader', 'direct', true),
                            ('user', 'olga@acme.example', 'acme.engineering', 'project:permissions:read', 'direct', true),
                            ('user', 'olga@acme.example', 'acme.engineering', 'role:services:maintenance', 'direct', true),
                            ('group', 'night-shift', 'acme.engineering.backend-dev', 'role:services:maintenance', 'direct', true),
                            ('user', 'olga@acme.example', 'acme.engineering.backend-dev', 'role:services:maintenance', 'group:night-shift', true),
                            ('user', 'olga@acme.example', 'acme.finance-prod', 'read_only', 'direct', false) $$,
                  'G2, G7: a review shows every grant, for each member of a group, and whether it counts');
SELECT set_eq($$ SELECT principal, granted_on, grant_name FROM rbac_access_review('acme') WHERE via = 'direct' $$,
              $$ SELECT a.principal, r.path, g.name FROM aiven_rbac.access_grant AS a
                 JOIN aiven_rbac.resource AS r ON r.id = a.resource JOIN aiven_rbac.grantable AS g ON g.id = a.grantable
                 WHERE r.path <@ 'acme' $$,
              'G2: there is no other');
SELECT is(count(*) FILTER (WHERE in_force), 1::bigint, 'P5: and the super admins')
FROM rbac_access_review('acme') WHERE grant_name = 'super_admin';
SELECT is(test.answer(rbac_user('dave@acme.example'), $$ SELECT * FROM rbac_access_review('acme') $$),
          '42501: permission denied for organization "acme"', 'S6: a review is of the whole, or refused');

-- What does not exist ------------------------------------------------------------------------

SELECT throws_ok($$ SELECT * FROM rbac_resources('service.view', 'services') $$, '22023',
                 'kind of resource "services" does not exist', 'an unknown kind is an error');
SELECT throws_ok($$ SELECT aiven_rbac.scopes('service.view', NULL) $$, '22004',
                 'kind of resource must not be null', 'and none is');
SELECT throws_ok($$ SELECT * FROM rbac_resources('service.vew', 'service') $$, '42704',
                 'permission, role or action "service.vew" does not exist', 'an unknown name is an error');
SELECT throws_ok($$ SELECT * FROM rbac_principals('acme', 'service.vew') $$, '42704',
                 'permission, role or action "service.vew" does not exist', 'there, too');

SELECT * FROM finish();
ROLLBACK;
