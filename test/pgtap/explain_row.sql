-- Whoever explains a row of somebody else's table runs none of its owner's code.
BEGIN;
SELECT plan(6);
\i examples/acme.sql
CREATE ROLE mallory;
CREATE SCHEMA lair AUTHORIZATION mallory;
SET LOCAL ROLE mallory;
CREATE TABLE lair.caught (ran_as name);
CREATE FUNCTION lair.pounce(int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN INSERT INTO lair.caught VALUES (current_user); RETURN true; END $$;
CREATE DOMAIN lair.trap AS int CHECK (lair.pounce(VALUE));
CREATE TYPE lair.pit AS (project uuid);
CREATE FUNCTION lair.fall(lair.pit) RETURNS text LANGUAGE plpgsql AS $$
BEGIN INSERT INTO lair.caught VALUES (current_user); RETURN ($1).project::text; END $$;
CREATE CAST (lair.pit AS text) WITH FUNCTION lair.fall(lair.pit);
CREATE FUNCTION lair.rbac_has_permission(lair.pit, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE TABLE lair.bait (id lair.trap PRIMARY KEY, project lair.pit);
ALTER TABLE lair.bait ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON lair.bait USING (lair.rbac_has_permission(project, 'service.view'));
INSERT INTO lair.bait VALUES (1, ROW(gen_random_uuid()));
DELETE FROM lair.caught;
RESET ROLE;
SELECT isnt_empty($$ SELECT * FROM rbac_explain_row('lair.bait', '1') $$, 'a superuser asks');
SELECT isnt_empty($$ SELECT * FROM rbac_explain_row('lair.bait', '1', 'mallory') $$, 'and asks how the owner sees it');
SELECT is_empty('TABLE lair.caught', 'S5: neither a domain''s check nor a cast of the owner''s has run');

CREATE TABLE by_path (project rbac_path PRIMARY KEY);
INSERT INTO by_path VALUES ('acme.finance-prod');
SELECT rbac_protect_table('by_path', 'project', 'project:services:read');
SELECT is((SELECT ok FROM rbac_explain_row('by_path', 'acme.finance-prod') WHERE step = 'row'), true,
          'a path can be the key');
CREATE TYPE colour AS ENUM ('red');
CREATE TABLE by_colour (id colour PRIMARY KEY);
INSERT INTO by_colour VALUES ('red');
SELECT is((SELECT ok FROM rbac_explain_row('by_colour', 'red') WHERE step = 'row'), true, 'and an enum');
CREATE TABLE by_varchar (id varchar(10) PRIMARY KEY);
INSERT INTO by_varchar VALUES ('red');
SELECT is((SELECT ok FROM rbac_explain_row('by_varchar', 'red') WHERE step = 'row'), true, 'and a varchar');
SELECT * FROM finish();
ROLLBACK;
