-- The application of tests of protected tables, after lib/world.sql: the schema
-- "tenant", and who may do what with its rows.

\o /dev/null
-- The application: its tables belong to a role that is no superuser.
CREATE ROLE test_owner;
CREATE SCHEMA tenant AUTHORIZATION test_owner;
GRANT USAGE ON SCHEMA tenant TO test_application;
GRANT USAGE ON SCHEMA test TO test_owner;

-- bob writes in one project and frank reads in its unit, while robot may read
-- the logs there.  ann and gina have everything in their organizations.
SELECT rbac_grant(test.p('bob'), 'project:services:write', 'acme.engineering.backend-dev');
SELECT rbac_grant(test.p('bob'), 'project:services:read', 'acme.engineering.backend-dev');
SELECT rbac_grant(test.p('frank'), 'project:services:read', 'acme.engineering');
SELECT rbac_grant(test.p('robot'), 'service:logs:read', 'acme.engineering');

-- One row for each resource, one for none and one for what is gone; the same
-- by id and by path, which follows and is never that of what is gone.
SET ROLE test_owner;
CREATE TABLE tenant.by_id (n int PRIMARY KEY, place uuid, note text);
CREATE TABLE tenant.by_path (n int PRIMARY KEY, place rbac_path, note text);
CREATE TABLE tenant."Mixed Case" (n int, "Where" uuid, note text);
CREATE TABLE tenant.parted (n int, place rbac_path, note text) PARTITION BY RANGE (n);
CREATE TABLE tenant.parted_low PARTITION OF tenant.parted FOR VALUES FROM (0) TO (8);
CREATE TABLE tenant.parted_high PARTITION OF tenant.parted FOR VALUES FROM (8) TO (100);
RESET ROLE;
CREATE TABLE tenant.by_reference (n int PRIMARY KEY, place rbac_path REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE, note text);
ALTER TABLE tenant.by_reference OWNER TO test_owner;
INSERT INTO tenant.by_path SELECT row_number() OVER (ORDER BY path), path, path FROM aiven_rbac.resource;
INSERT INTO tenant.by_reference SELECT * FROM tenant.by_path;
INSERT INTO tenant.by_path VALUES (50, NULL, 'none'), (51, NULL, 'gone');
INSERT INTO tenant.by_id SELECT n, coalesce(test.r(place::text), CASE WHEN note = 'gone' THEN test.id('gone') END), note FROM tenant.by_path;
INSERT INTO tenant."Mixed Case" SELECT * FROM tenant.by_id;
INSERT INTO tenant.parted SELECT * FROM tenant.by_path;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA tenant TO test_application;
REVOKE ALL ON tenant.parted_low, tenant.parted_high FROM test_application;

SET ROLE test_owner;
SELECT rbac_protect_table(t.name, t.place, read => 'project:services:read', write => 'project:services:write')
FROM (VALUES ('tenant.by_id'::regclass, 'place'), ('tenant.by_path', 'place'), ('tenant.by_reference', 'place'),
             ('tenant."Mixed Case"', 'Where'), ('tenant.parted', 'place')) AS t (name, place);
RESET ROLE;

CREATE TABLE test.protected AS SELECT * FROM unnest('{by_id,by_path,"\"Mixed Case\"",parted}'::text[]) AS name;
-- A place as a literal of the column's type
CREATE FUNCTION test.at(name text, place text) RETURNS text
    LANGUAGE sql STABLE
    AS $$ SELECT quote_nullable(CASE WHEN name IN ('by_path', 'parted', 'by_reference') THEN place ELSE coalesce(test.r(place), test.id(place))::text END) $$;
\o
