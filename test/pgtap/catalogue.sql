-- The catalogue, cell by cell: what each role and permission gives on each
-- kind of resource that it can be granted on, and that it gives nothing else
-- and nowhere else (G1, G2, G3, G4).  What is expected comes from the CSV
-- files, not from the tables that were made of them.
BEGIN;
\ir lib/helpers.sql

\o /dev/null
CREATE TEMP TABLE csv_action (name text, resource_kind text, description text);
CREATE TEMP TABLE csv_grantable (name text, type text, console_name text, granted_on text);
CREATE TEMP TABLE csv_allowed (name text, granted_on text, action text);
\copy csv_action from 'sql/catalogue/actions.csv' (format csv, header)
\copy csv_grantable from 'sql/catalogue/grantables.csv' (format csv, header)
\copy csv_allowed from 'sql/catalogue/allowed_actions.csv' (format csv, header)

-- Two organizations with a unit, projects and services; everything happens in
-- the first, in whose first unit and project things are granted.
CREATE TEMP TABLE place AS
SELECT path::rbac_path, kind, test.id(path) AS id
FROM (VALUES (1, 'one', 'organization'), (1, 'two', 'organization'),
             (2, 'one.here', 'unit'), (2, 'one.beside', 'unit'), (2, 'two.there', 'unit'),
             (3, 'one.here.p1', 'project'), (3, 'one.here.p2', 'project'), (3, 'one.beside.p3', 'project'),
             (3, 'one.p4', 'project'), (3, 'two.there.p5', 'project'),
             (4, 'one.here.p1.s', 'service'), (4, 'one.here.p2.s', 'service'), (4, 'one.beside.p3.s', 'service'),
             (4, 'one.p4.s', 'service'), (4, 'two.there.p5.s', 'service')) AS v (step, path, kind)
ORDER BY step;
SELECT CASE kind
       WHEN 'organization' THEN rbac_organization_create(rbac_path_label(path), path::text,
                                    rbac_user_create(format('founder@%s.example', path)), id)
       WHEN 'unit' THEN rbac_unit_create(rbac_path_parent(path), rbac_path_label(path), NULL, id)
       WHEN 'project' THEN rbac_project_create(rbac_path_parent(path), rbac_path_label(path), NULL, NULL, id)
       ELSE rbac_service_create(rbac_path_parent(path), rbac_path_label(path), 'pg', NULL, id) END
FROM place;

-- Whatever can be granted, each to a user of its own.
CREATE TEMP TABLE grantee AS
SELECT name, granted_on, test.id(name || ' on ' || granted_on) AS id,
       CASE granted_on WHEN 'organization' THEN 'one' WHEN 'unit' THEN 'one.here' ELSE 'one.here.p1' END::rbac_path AS stands_on
FROM csv_grantable WHERE granted_on IS NOT NULL
UNION ALL
SELECT 'super_admin', 'organization', test.id('super_admin'), 'one';
SELECT rbac_invitation_accept(rbac_invitation_create('one', id || '@one.example'))
FROM (SELECT rbac_user_create(id || '@one.example', id::text, id), id FROM grantee OFFSET 0) AS g;
SELECT rbac_grant(id, name, stands_on) FROM grantee WHERE name <> 'super_admin';
SELECT rbac_super_admin_add('one', id) FROM grantee WHERE name = 'super_admin';

-- Every (grantee, place, action), with what is to be and what is.
CREATE TEMP TABLE cell AS
SELECT g.name, g.granted_on, g.id AS principal, p.path, a.name AS action,
       p.path <@ g.stands_on
           AND (g.name, g.granted_on, a.name) IN (SELECT name, granted_on, action FROM csv_allowed) AS expected,
       rbac_has_permission(g.id, p.id, a.name) AS by_id,
       rbac_has_permission(g.id, p.path, a.name) AS by_path
FROM csv_action AS a, grantee AS g, place AS p;
CREATE INDEX ON cell (principal);
ANALYZE cell;

-- What it takes to hold a name on a kind of resource: what it allows when
-- granted there, else when granted on the nearest kind above.
CREATE TEMP TABLE needed AS
SELECT DISTINCT ON (c.name, k.kind) c.name, k.kind, c.actions
FROM (VALUES (1, 'organization'), (2, 'unit'), (3, 'project'), (4, 'service')) AS k (level, kind)
JOIN (SELECT name, array_position('{organization,unit,project}', granted_on) AS level, array_agg(action) AS actions
      FROM csv_allowed GROUP BY name, granted_on) AS c ON c.level <= k.level
ORDER BY c.name, k.kind, c.level DESC;

CREATE TEMP TABLE held AS
SELECT principal, path, array_agg(action) FILTER (WHERE expected) AS actions
FROM cell GROUP BY principal, path;
\o

SELECT plan(2 + 5 + 5 * (SELECT count(*)::int FROM grantee)
            + 4 * (SELECT count(DISTINCT name)::int FROM csv_grantable));

SELECT cmp_ok((SELECT count(*) FROM csv_allowed), '>', 1000::bigint, 'the CSV files were read');
SELECT cmp_ok((SELECT count(*) FROM cell), '>', 100000::bigint, 'there are cells to compare');

-- The tables say what the files say.
SELECT set_eq('SELECT name, resource_kind, description FROM aiven_rbac.action WHERE built_in',
              'SELECT * FROM csv_action', 'the actions are those of the file');
SELECT is((SELECT array_agg(name ORDER BY number) FROM aiven_rbac.action),
          (SELECT array_agg(name) FROM csv_action), 'actions are numbered in the order of the file');
SELECT set_eq('SELECT name, type, console_name FROM aiven_rbac.grantable WHERE built_in',
              'SELECT DISTINCT name, type, console_name FROM csv_grantable', 'G1: roles and permissions are those of the file');
SELECT set_eq('SELECT g.name, o.resource_kind FROM aiven_rbac.grantable_on AS o JOIN aiven_rbac.grantable AS g ON g.id = o.grantable',
              'SELECT name, granted_on FROM csv_grantable WHERE granted_on IS NOT NULL',
              'G1: where each can be granted is as in the file');
SELECT set_eq('SELECT g.name, a.granted_on, x.name AS action FROM aiven_rbac.allowed_action AS a
               JOIN aiven_rbac.grantable AS g ON g.id = a.grantable JOIN aiven_rbac.action AS x ON x.number = a.action',
              'SELECT * FROM csv_allowed', 'the allowed actions are those of the file');

SELECT is((SELECT array_agg(concat_ws(' ', c.path, c.action)) FROM cell AS c
           WHERE c.principal = g.id AND c.path <@ g.stands_on AND c.by_id IS DISTINCT FROM c.expected),
          NULL, format('G2, G3: "%s" on %s gives exactly its actions there and below', g.name, g.granted_on))
FROM grantee AS g ORDER BY g.name, g.granted_on;

SELECT is((SELECT array_agg(concat_ws(' ', c.path, c.action)) FROM cell AS c
           WHERE c.principal = g.id AND NOT c.path <@ g.stands_on AND c.by_id IS DISTINCT FROM false),
          NULL, format('G3, G10: "%s" on %s gives nothing above, beside or elsewhere', g.name, g.granted_on))
FROM grantee AS g ORDER BY g.name, g.granted_on;

SELECT is((SELECT array_agg(concat_ws(' ', c.path, c.action)) FROM cell AS c
           WHERE c.principal = g.id AND c.by_id IS DISTINCT FROM c.by_path),
          NULL, format('"%s" on %s is the same by path and by id', g.name, g.granted_on))
FROM grantee AS g ORDER BY g.name, g.granted_on;

SELECT is((SELECT array_agg(concat_ws(' ', e.path, e.action))
           FROM (SELECT p.path, a.action FROM place AS p, rbac_effective_actions(g.id, p.id) AS a
                 EXCEPT ALL SELECT path, action FROM cell WHERE principal = g.id AND expected) AS e)
          || (SELECT array_agg(concat_ws(' ', e.path, e.action))
              FROM (SELECT path, action FROM cell WHERE principal = g.id AND expected
                    EXCEPT ALL SELECT p.path, a.action FROM place AS p, rbac_effective_actions(g.id, p.path) AS a) AS e),
          NULL, format('"%s" on %s lists exactly its actions', g.name, g.granted_on))
FROM grantee AS g ORDER BY g.name, g.granted_on;

-- A permission or role is held where all of its actions are.
SELECT is((SELECT array_agg(concat_ws(' ', h.path, n.name))
           FROM held AS h JOIN place AS p ON p.path = h.path JOIN needed AS n ON n.kind = p.kind
           WHERE h.principal = g.id
             AND rbac_has_permission(h.principal, p.id, n.name) IS DISTINCT FROM coalesce(n.actions <@ h.actions, false)),
          NULL, format('G2: "%s" on %s holds the names of which it has all actions', g.name, g.granted_on))
FROM grantee AS g ORDER BY g.name, g.granted_on;

-- G1: a grant stands where the file says, and is refused everywhere else.
SELECT is((a.code, a.message, a.detail, a.hint)::text,
          (CASE WHEN l.allowed THEN ('ok', NULL, NULL, NULL)
           ELSE ('0LP01', format('"%s" cannot be granted on %s "%s"', n.name, l.kind, l.path),
                 CASE WHEN n.kinds IS NULL THEN format('"%s" is not grantable.', n.name)
                 ELSE format('"%s" can be granted on these kinds of resource: %s.', n.name, n.kinds) END,
                 CASE WHEN n.kinds IS NULL THEN 'Make a member super admin with rbac_super_admin_add().'
                      WHEN l.kind = 'service' THEN 'Grant it on the service''s project, or create a service user.'
                      ELSE 'Grant it on a resource of such a kind.' END) END)::text,
          format('G1: "%s" %s on %s', n.name, CASE WHEN l.allowed THEN 'can be granted' ELSE 'cannot be granted' END, l.kind))
FROM (SELECT name, string_agg(granted_on, ', ' ORDER BY array_position('{organization,unit,project}', granted_on)) AS kinds
      FROM csv_grantable GROUP BY name) AS n,
     LATERAL (SELECT p.path, p.kind, p.kind = ANY (string_to_array(coalesce(n.kinds, ''), ', ')) AS allowed
              FROM place AS p WHERE p.path @> 'one.here.p1.s') AS l,
     LATERAL test.attempt(NULL, format('SELECT rbac_grant(%L, %L, %L)', test.id('project:services:read on project'), n.name, l.path)) AS a
ORDER BY n.name, l.kind;

SELECT * FROM finish();
ROLLBACK;
