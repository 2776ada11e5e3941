-- S1, S5: triggers of tables that reference the hierarchy run neither with the
-- rights of the extension's owner nor on behalf of whoever moves or deletes
-- what they reference.
BEGIN;
SELECT plan(11);
\i examples/acme.sql

CREATE ROLE mallory;
GRANT REFERENCES ON aiven_rbac.resource TO mallory;
CREATE SCHEMA lair AUTHORIZATION mallory;
SET LOCAL ROLE mallory;
CREATE TABLE lair.bait (
    project rbac_path REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE lair.caught (ran_as name, message text);
GRANT USAGE ON SCHEMA lair TO PUBLIC;
GRANT INSERT ON lair.caught TO PUBLIC;
CREATE FUNCTION lair.pounce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        PERFORM public.rbac_super_admin_add('acme', public.rbac_user('frank@acme.example'));
        INSERT INTO lair.caught VALUES (current_user, 'succeeded');
    EXCEPTION WHEN OTHERS THEN
        INSERT INTO lair.caught VALUES (current_user, SQLERRM);
    END;
    RETURN NEW;
END
$$;
CREATE TRIGGER pounce AFTER UPDATE OR DELETE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.pounce();
RESET ROLE;
INSERT INTO lair.bait VALUES
    ('acme.engineering.backend-dev'),
    ('acme.engineering.backend-dev.redis'),
    ('acme.finance-prod.postgresql');

-- Mallory's own session, with a principal that may rename one project
SELECT rbac_set_principal(rbac_user('dave@acme.example'));
SET LOCAL ROLE mallory;
SELECT rbac_project_edit('acme.engineering.backend-dev', label => 'renamed');
RESET ROLE;
SELECT is((SELECT count(*) FROM lair.bait WHERE project <@ 'acme.engineering.renamed'), 2::bigint,
          'H4: the rows followed');
SELECT results_eq('SELECT DISTINCT ran_as FROM lair.caught', ARRAY['mallory'::name],
                  'S5: triggers on them run as the role of the session, for the project and for what is inside');
SELECT results_eq('SELECT DISTINCT message FROM lair.caught',
                  ARRAY['cannot administer within the action of a foreign key'],
                  'S1: and act for nobody');
DELETE FROM lair.caught;

-- A super admin's session, under the role of a back end
CREATE ROLE back_end;
SELECT rbac_set_principal(rbac_user('ann@acme.example'));
SET LOCAL ROLE back_end;
SELECT rbac_service_delete('acme.finance-prod.postgresql');
RESET ROLE;
-- PostgreSQL 18 runs a trigger as the role whose statement queued it: here that
-- of the foreign key's action, the table's owner.
SELECT results_eq('TABLE lair.caught',
                  $$ VALUES (CASE WHEN current_setting('server_version_num')::int < 180000
                                  THEN 'back_end'::name ELSE 'mallory' END,
                             'cannot administer within the action of a foreign key') $$,
                  'S1: a super admin who deletes lends nothing to a trigger');
DELETE FROM lair.caught;

-- The operator, and a trigger function that is SECURITY DEFINER
ALTER FUNCTION lair.pounce() SECURITY DEFINER;
SELECT rbac_reset_principal();
SELECT rbac_project_move('acme.engineering.renamed', 'acme.analytics');
SELECT results_eq('SELECT DISTINCT * FROM lair.caught',
                  $$ VALUES ('mallory'::name, 'cannot administer within the action of a foreign key') $$,
                  'S1: nor does the operator');
DELETE FROM lair.caught;
UPDATE aiven_rbac.resource SET path = 'acme.analytics.raw' WHERE path = 'acme.analytics.renamed';
SELECT results_eq('SELECT DISTINCT * FROM lair.caught',
                  $$ VALUES ('mallory'::name, 'cannot administer within the action of a foreign key') $$,
                  'S1: nor a plain UPDATE of the owner''s');

-- A BEFORE trigger: it runs in the middle of the foreign key's own UPDATE
DELETE FROM lair.caught;
ALTER FUNCTION lair.pounce() SECURITY INVOKER;
DROP TRIGGER pounce ON lair.bait;
CREATE TRIGGER pounce BEFORE UPDATE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.pounce();
SELECT lives_ok($$ SELECT rbac_project_move('acme.analytics.raw', 'acme.engineering') $$,
                'H4: the operator moves a project');
SELECT results_eq('SELECT DISTINCT message FROM lair.caught',
                  ARRAY['cannot administer within the action of a foreign key'],
                  'S1: a trigger before the row follows is refused, too');

SELECT is(rbac_has_permission(rbac_user('frank@acme.example'), 'acme', 'super_admin'), false,
          'S1: nobody became super admin');
SELECT is(current_user, session_user, 'S5: the session is whose it was');
SELECT lives_ok($$ SELECT rbac_super_admin_add('acme', rbac_user('frank@acme.example')) $$,
                'S1: administration goes on afterwards');
SELECT * FROM finish();
ROLLBACK;
