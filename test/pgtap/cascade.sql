-- S1: a trigger that runs because a foreign key follows a move acts for
-- nobody, whoever moved the project.
BEGIN;
SELECT plan(3);
\i examples/acme.sql

CREATE ROLE mallory;
GRANT USAGE ON SCHEMA aiven_rbac TO mallory;
GRANT REFERENCES ON aiven_rbac.resource TO mallory;
CREATE SCHEMA lair AUTHORIZATION mallory;
SET LOCAL ROLE mallory;
CREATE TABLE lair.bait (project rbac_path REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE);
CREATE TABLE lair.caught (message text);
CREATE FUNCTION lair.pounce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.rbac_super_admin_add('acme', public.rbac_user('frank@acme.example'));
    RETURN NEW;
EXCEPTION WHEN OTHERS THEN
    INSERT INTO lair.caught VALUES (SQLERRM);
    RETURN NEW;
END
$$;
CREATE TRIGGER pounce BEFORE UPDATE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.pounce();
RESET ROLE;
INSERT INTO lair.bait VALUES ('acme.engineering.backend-dev');

SELECT lives_ok($$ SELECT rbac_project_move('acme.engineering.backend-dev', 'acme.analytics') $$,
                'H4: the operator moves a project');
SELECT results_eq('SELECT message FROM lair.caught',
                  ARRAY['cannot administer within the action of a foreign key'],
                  'S1: the trigger on the referencing table is refused');
SELECT is(rbac_has_permission(rbac_user('frank@acme.example'), 'acme', 'super_admin'), false,
          'S1: and nobody became super admin');
SELECT * FROM finish();
ROLLBACK;
