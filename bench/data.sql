--
-- The data set, but for the protected tables themselves (tables.sql).
--
--   psql -v first=1 -v last=200 -f data.sql     adds organizations 1 to 200
--
-- An organization has 8 units of 25 projects each and 50 projects directly
-- inside, 100 users, 10 groups of 20 of them, and 750 grants: 650 to users, 100
-- to groups; nine in ten on projects.  All of it goes through the extension's
-- constraints and triggers as they are installed.
--
-- Identifiers are digests of what they name, so that any part of the benchmark
-- can compute them, and every run has the same data.
--

DO $$ BEGIN PERFORM setseed(0.5); END $$;

CREATE TEMPORARY TABLE organization AS
SELECT o AS number, md5('organization ' || o)::uuid AS id, format('org%s', o)::rbac_path AS path
FROM generate_series(:first, :last) AS o;

CREATE TEMPORARY TABLE unit AS
SELECT o.number AS organization_number, u AS number, md5(format('unit %s %s', o.number, u))::uuid AS id,
       o.id AS organization, o.path || format('unit%s', u) AS path
FROM organization AS o, generate_series(1, 8) AS u;

CREATE TEMPORARY TABLE project AS
SELECT (o.number - 1) * 250 + k AS number, md5(format('project %s', (o.number - 1) * 250 + k))::uuid AS id,
       o.id AS organization, u.id AS unit,
       coalesce(u.path, o.path) || format('p%s', (o.number - 1) * 250 + k) AS path
FROM organization AS o
CROSS JOIN generate_series(1, 250) AS k
LEFT JOIN unit AS u ON u.organization_number = o.number AND u.number = (k + 24) / 25;

CREATE TEMPORARY TABLE member AS
SELECT o.number AS organization_number, u AS number, o.id AS organization,
       md5(format('user %s', (o.number - 1) * 100 + u))::uuid AS id,
       format('user%s', (o.number - 1) * 100 + u) AS name
FROM organization AS o, generate_series(1, 100) AS u;

CREATE TEMPORARY TABLE team AS
SELECT o.number AS organization_number, g AS number, o.id AS organization,
       md5(format('group %s %s', o.number, g))::uuid AS id
FROM organization AS o, generate_series(1, 10) AS g;

INSERT INTO aiven_rbac.resource (id, kind, organization, parent, path, name)
SELECT id, 'organization', id, NULL::uuid, path, path::text FROM organization
UNION ALL
SELECT id, 'unit', organization, organization, path, path::text FROM unit
UNION ALL
SELECT id, 'project', organization, coalesce(unit, organization), path, path::text FROM project;
INSERT INTO aiven_rbac.organization (id) SELECT id FROM organization;
INSERT INTO aiven_rbac.project (id, organization) SELECT id, organization FROM project;

INSERT INTO aiven_rbac.principal (id, kind, organization, name, email)
SELECT id, 'user', NULL::uuid, name, name || '@bench.example' FROM member
UNION ALL
SELECT id, 'group', organization, format('group%s', number), NULL FROM team;
INSERT INTO aiven_rbac.membership (principal, organization, kind)
SELECT id, organization, 'user' FROM member
UNION ALL
SELECT id, organization, 'group' FROM team;
INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind)
SELECT m.id, t.id, t.organization, 'user'
FROM team AS t
JOIN member AS m ON m.organization_number = t.organization_number
                AND (m.number - 1) / 10 IN (t.number - 1, t.number % 10);

-- The first of these roles gives what the benchmark's policies ask for in
-- reading and writing, the others reading only.
CREATE TEMPORARY TABLE given AS
SELECT v.choice, g.id AS grantable
FROM (VALUES (0, 'admin'), (1, 'developer'), (2, 'read_only'), (3, 'project:services:read')) AS v (choice, name)
JOIN aiven_rbac.grantable AS g ON g.name = v.name AND g.built_in;

-- Randomness in a CTE of its own: one draw a grant, whatever the join.
WITH drawn AS MATERIALIZED (
    SELECT o.number AS organization_number, o.id AS organization, i, i > 650 AS to_group,
           floor(random() * 250)::int + 1 AS project, floor(random() * 8)::int + 1 AS unit,
           floor(random() * 4)::int AS choice,
           CASE WHEN i % 100 < 90 THEN 'project' WHEN i % 100 < 99 THEN 'unit' ELSE 'organization' END AS kind
    FROM organization AS o, generate_series(1, 750) AS i
)
INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind)
SELECT coalesce(t.id, m.id),
       CASE d.kind WHEN 'project' THEN p.id WHEN 'unit' THEN u.id ELSE d.organization END,
       g.grantable, d.organization, d.kind
FROM drawn AS d
JOIN given AS g USING (choice)
JOIN project AS p ON p.number = (d.organization_number - 1) * 250 + d.project
JOIN unit AS u ON u.organization_number = d.organization_number AND u.number = d.unit
LEFT JOIN team AS t ON d.to_group AND t.organization_number = d.organization_number AND t.number = d.i % 10 + 1
LEFT JOIN member AS m ON NOT d.to_group AND m.organization_number = d.organization_number AND m.number = d.i % 100 + 1
ON CONFLICT DO NOTHING;

-- What the protected tables' rows are made from
SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS bench.project (number int PRIMARY KEY, id uuid, organization uuid, unit uuid, path rbac_path, tree ltree);
INSERT INTO bench.project
SELECT number, id, organization, unit, path, path::text::ltree FROM project;

VACUUM ANALYZE aiven_rbac.resource, aiven_rbac.organization, aiven_rbac.project, aiven_rbac.principal,
    aiven_rbac.membership, aiven_rbac.group_member, aiven_rbac.access_grant, bench.project;
