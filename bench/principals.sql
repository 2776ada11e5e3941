--
-- The principals whose queries are measured, beside the data set's own users:
--
--   A  one project                                      100 rows
--   B  one unit, by a group, and five projects        3,000 rows
--   C  an organization                               25,000 rows
--   D  every organization                               all rows
--
-- and S, the super admin of one organization, who grants and revokes.
--

CREATE FUNCTION bench.id(what text) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN md5(what)::uuid;

INSERT INTO aiven_rbac.principal (id, kind, organization, name, email)
SELECT bench.id('principal ' || name), 'user', NULL, name, lower(name) || '@bench.example'
FROM unnest('{A,B,C,D,S}'::text[]) AS name
UNION ALL
SELECT bench.id('group B'), 'group', bench.id('organization 2'), 'team of B', NULL;
INSERT INTO aiven_rbac.principal (id, kind, organization, name, account_owners)
VALUES (bench.id('group S'), 'group', bench.id('organization 3'), 'account owners', true);

INSERT INTO aiven_rbac.membership (principal, organization, kind)
SELECT bench.id('principal ' || v.name), bench.id('organization ' || v.organization), 'user'
FROM (VALUES ('A', 1), ('B', 2), ('C', 3), ('S', 3)) AS v (name, organization)
UNION ALL
SELECT bench.id('principal D'), o.id, 'user' FROM aiven_rbac.organization AS o
UNION ALL
SELECT bench.id('group B'), bench.id('organization 2'), 'group'
UNION ALL
SELECT bench.id('group S'), bench.id('organization 3'), 'group';

INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind, account_owners)
VALUES (bench.id('principal B'), bench.id('group B'), bench.id('organization 2'), 'user', false),
       (bench.id('principal S'), bench.id('group S'), bench.id('organization 3'), 'user', true);

INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind)
SELECT v.principal, r.id, g.id, r.organization, r.kind
FROM (SELECT bench.id('principal A'), bench.id('project 1')
      UNION ALL
      SELECT bench.id('group B'), bench.id('unit 2 1')
      UNION ALL
      SELECT bench.id('principal B'), bench.id('project ' || 450 + n) FROM generate_series(1, 5) AS n
      UNION ALL
      SELECT bench.id('principal C'), bench.id('organization 3')
      UNION ALL
      SELECT bench.id('principal D'), o.id FROM aiven_rbac.organization AS o) AS v (principal, resource)
JOIN aiven_rbac.resource AS r ON r.id = v.resource
JOIN aiven_rbac.grantable AS g ON g.name = 'admin' AND g.built_in;
