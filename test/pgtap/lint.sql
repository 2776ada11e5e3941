-- The lint of protection: each finding is provoked, and its remedy, run as it is
-- written, clears it.
BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
SET jit = off;
\o /dev/null
\ir ../../examples/acme.sql
\o
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE ROLE lint_app;
CREATE ROLE lint_owner LOGIN;
CREATE ROLE lint_bypass BYPASSRLS;

-- Findings about what this file makes; roles of the cluster are another matter.
CREATE FUNCTION findings(pattern text DEFAULT '') RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s: %s', severity, object, finding) FROM rbac_check_protection() AS f
    WHERE object !~ '^role' AND format('%s: %s', object, finding) ~ pattern
$$;
SELECT is_empty('SELECT findings()', 'a database without application tables has no findings');
CREATE TABLE good (id uuid PRIMARY KEY, project uuid, note text);
SELECT rbac_protect_table('good', 'project', 'project:services:read', '{project:services:write,admin}'::text[]);
CREATE TABLE good_path (id uuid PRIMARY KEY, place rbac_path REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE);
SELECT rbac_protect_table('good_path', 'place', 'project:services:read');
SELECT is_empty('SELECT findings()', 'what rbac_protect_table() does has no findings');

-- Provoke a finding, look for it, run its remedy, look again, and undo all of it.
CREATE FUNCTION cleared(finder text, setup text, object text, finding text, OUT severity text, OUT outcome text)
    LANGUAGE plpgsql
    AS $$
DECLARE
    query text := format('SELECT severity, remedy FROM aiven_rbac.%I() AS f WHERE f.object = $1 AND f.finding LIKE $2', 'finding_' || finder);
    remedies text[];
    found record;
BEGIN
    FOR found IN EXECUTE query USING object, finding LOOP
        outcome := 'found before it is there';
    END LOOP;
    IF outcome IS NOT NULL THEN
        RETURN;
    END IF;
    BEGIN
        EXECUTE setup;
        FOR found IN EXECUTE query USING object, finding LOOP
            severity := CASE WHEN found.severity = severity THEN severity ELSE concat_ws(' and ', severity, found.severity) END;
            remedies := remedies || found.remedy;
        END LOOP;
        IF remedies IS NULL THEN
            outcome := 'not found; but: ' || (SELECT string_agg(f, '; ') FROM findings() AS f);
            RAISE SQLSTATE 'UNDO0';
        END IF;
        FOR i IN 1 .. cardinality(remedies) LOOP
            EXECUTE remedies[i];
        END LOOP;
        outcome := 'cleared';
        FOR found IN EXECUTE query || ' AND NOT EXISTS (SELECT FROM aiven_rbac.acknowledged_finding AS a
                                                         WHERE a.object = f.object AND a.finding = f.finding AND f.severity <> ''error'')'
                     USING object, finding LOOP
            outcome := 'not cleared by ' || found.remedy;
        END LOOP;
        RAISE SQLSTATE 'UNDO0';
    EXCEPTION
        WHEN SQLSTATE 'UNDO0' THEN
            NULL;
        WHEN OTHERS THEN
            outcome := SQLERRM;
    END;
END
$$;

CREATE TABLE cases (number serial, finder text, severity text, object text, finding text, setup text);
INSERT INTO cases (finder, severity, object, finding, setup) VALUES
('unprotected', 'error', 'public.x', 'row-level security is not enabled, but column "project" says %',
 'CREATE TABLE x (id uuid PRIMARY KEY, project uuid REFERENCES aiven_rbac.resource (id))'),
('unprotected', 'error', 'public."x ""y"" ''z''"', '%column "a "b" ''c''" says %',
 'CREATE TABLE "x ""y"" ''z''" (id uuid PRIMARY KEY, "a ""b"" ''c''" rbac_path)'),
('unprotected', 'warning', 'public.x', 'row-level security is enabled, but no policy asks %',
 'CREATE TABLE x (project rbac_path); CREATE POLICY "p q" ON x USING (true); ALTER TABLE x ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'),
('not_enabled', 'error', 'public.good', 'row-level security is not enabled, so that its policies mean nothing',
 'ALTER TABLE good DISABLE ROW LEVEL SECURITY'),
('not_enabled', 'error', 'public.forced', 'row-level security is forced, but not enabled, %', 'CREATE TABLE forced (project uuid); ALTER TABLE forced FORCE ROW LEVEL SECURITY'),
('not_forced', 'error', 'public.good', 'row-level security is not forced: its owner "lint_owner", who can log in, sees every row',
 'ALTER TABLE good NO FORCE ROW LEVEL SECURITY, OWNER TO lint_owner'),
('not_forced', 'warning', 'public.good', 'row-level security is not forced: its owner "lint_app" sees every row',
 'ALTER TABLE good NO FORCE ROW LEVEL SECURITY, OWNER TO lint_app'),

('open_policy', 'error', 'public.good', 'policy "p" is permissive and can admit rows without a decision: %',
 'CREATE POLICY p ON good USING (true OR rbac_has_permission(project, ''service.view''))'),
('open_policy', 'warning', 'public.good', 'policy "p" is permissive and can admit rows without a decision: %',
 'CREATE POLICY p ON good USING (note = ''public'' OR rbac_has_permission(project, ''service.view''))'),
('open_policy', 'warning', 'public.good', 'policy "p" is permissive and can admit rows without a decision: %',
 'CREATE POLICY p ON good FOR UPDATE USING (rbac_has_permission(project, ''service.view'')) WITH CHECK (id IS NOT NULL OR rbac_has_permission(project, ''admin''))'),
('open_policy', 'warning', 'public.good', 'policy "p" is permissive and can admit rows without a decision: %',
 'CREATE POLICY p ON good USING (rbac_has_permission(id, project, ''service.view''))'),
('open_policy', 'warning', 'public.good', 'policy "odd "name" ''quoted''" is permissive and calls no decision function: %',
 'CREATE POLICY "odd ""name"" ''quoted''" ON good USING (note = ''public'')'),
('open_policy', 'error', 'public.good', 'policy "p" is permissive and calls no decision function: %', 'CREATE POLICY p ON good USING (true)'),
('own_role', 'error', 'public.good', 'policy "p" asks for "auditor", %',
 'SELECT rbac_role_create(''acme'', ''auditor'', ''{service.view}'', ''{organization}''); CREATE POLICY p ON good USING (rbac_has_any_permission(project, ''admin'', ''auditor''))'),
('unplanned_call', 'warning', 'public.good', 'policy "p" calls a decision function on something other than %', 'CREATE POLICY p ON good USING (rbac_has_permission(project, note))'),
('unplanned_call', 'warning', 'public.good', 'policy "p" calls a decision function on something other than %',
 'CREATE POLICY p ON good USING (rbac_has_permission(coalesce(project, id), ''admin''))'),
('unplanned_call', 'warning', 'public.good', 'policy "p" calls a decision function on something other than %',
 'CREATE POLICY p ON good USING (rbac_has_permission(rbac_current_principal(), project, ''admin''))'),
('hidden_call', 'warning', 'public.good', 'policy "p" asks through the function public.ask(uuid), %',
 'CREATE FUNCTION ask(uuid) RETURNS boolean LANGUAGE sql AS ''SELECT rbac_has_permission($1, $$admin$$)''; CREATE POLICY p ON good USING (ask(project))'),
('no_index', 'warning', 'public.good', 'no index begins with column "id2", which policies ask about',
 'ALTER TABLE good ADD id2 uuid; CREATE INDEX ON good (id2) WHERE note IS NULL; CREATE POLICY p ON good USING (rbac_has_permission(id2, ''admin''))'),
('orphan', 'warning', 'public.stray', 'it has rows whose column "project" names a resource that does not exist: %',
 'CREATE TABLE stray (id uuid PRIMARY KEY, project uuid); SELECT rbac_protect_table(''stray'', ''project'', ''service.view''); INSERT INTO stray VALUES (gen_random_uuid(), NULL), (gen_random_uuid(), gen_random_uuid())'),
('orphan', 'warning', 'public.stray', 'it has rows whose column "tenant" names a resource that does not exist: %',
 'CREATE TABLE stray (id uuid, tenant varchar) PARTITION BY LIST (tenant); CREATE TABLE stray_one PARTITION OF stray DEFAULT; SELECT rbac_protect_table(''stray'', ''tenant'', ''service.view'', space => ''t''); INSERT INTO stray VALUES (gen_random_uuid(), ''x'')'),
('child', 'error', 'public.leg', 'its rows do not follow by column "rbac_resource" any longer: the foreign key is gone',
 'CREATE TABLE leg (id uuid PRIMARY KEY, good uuid CONSTRAINT leg_good REFERENCES good); SELECT rbac_protect_child(''leg'', ''leg_good'', ''service.view'');
  ALTER TABLE leg DROP CONSTRAINT leg_good_rbac_resource_fkey'),
('child', 'error', 'public.leg', 'its rows follow column "project" of table public.trip, which is not protected by it any longer',
 'CREATE TABLE trip (id uuid PRIMARY KEY, project uuid, other uuid); SELECT rbac_protect_table(''trip'', ''project'', ''service.view'');
  CREATE TABLE leg (id uuid PRIMARY KEY, trip uuid CONSTRAINT leg_trip REFERENCES trip); SELECT rbac_protect_child(''leg'', ''leg_trip'', ARRAY[''service.view'', ''admin''], ''admin''::text);
  SELECT rbac_protect_table(''trip'', ''other'', ''service.view'', replace => true)'),
('path_stays', 'error', 'public.good_path', 'column "place" does not follow the hierarchy: %', 'ALTER TABLE good_path DROP CONSTRAINT good_path_place_fkey'),
('path_stays', 'error', 'public.good_path', 'column "place" does not follow the hierarchy: %',
 'ALTER TABLE good_path DROP CONSTRAINT good_path_place_fkey, ADD CONSTRAINT "stays ""put""" FOREIGN KEY (place) REFERENCES aiven_rbac.resource (path)'),
('path_stays', 'error', 'public.good_path', 'column "place" does not follow the hierarchy: %',
 'ALTER TABLE good_path DROP CONSTRAINT good_path_place_fkey, ADD FOREIGN KEY (place) REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE NOT VALID'),

('part', 'error', 'public.child', 'it is a part of the protected table public.parent % but lint_app may use it directly',
 'CREATE TABLE parent (id uuid, project uuid, day int) PARTITION BY RANGE (day); CREATE TABLE child PARTITION OF parent DEFAULT;
  SELECT rbac_protect_table(''parent'', ''project'', ''admin''); GRANT SELECT ON child TO lint_app'),
('part', 'error', 'public."leaf 1"', 'it is a part of the protected table public.parent % but PUBLIC, lint_app, lint_bypass may use it directly',
 'CREATE TABLE parent (id uuid, project uuid, day int) PARTITION BY RANGE (day); CREATE TABLE child PARTITION OF parent DEFAULT PARTITION BY RANGE (day);
  CREATE TABLE "leaf 1" PARTITION OF child DEFAULT; SELECT rbac_protect_table(''parent'', ''project'', ''admin'');
  GRANT SELECT (id) ON "leaf 1" TO PUBLIC; GRANT INSERT ON "leaf 1" TO lint_bypass WITH GRANT OPTION;
  SET LOCAL ROLE lint_bypass; GRANT INSERT ON "leaf 1" TO lint_app; RESET ROLE'),
('part', 'error', 'public.heir', 'it is a part of the protected table public.good %', 'CREATE TABLE heir () INHERITS (good); GRANT DELETE ON heir TO lint_app'),
('truncate', 'warning', 'public.good', 'PUBLIC, lint_app may TRUNCATE it, which asks no policy', 'GRANT TRUNCATE ON good TO lint_app, PUBLIC'),
('view', 'error', 'public.definer', 'the view reads the protected table public.good with the rights of its owner %', 'CREATE VIEW definer AS SELECT * FROM good'),
('materialized_view', 'error', 'public.kept', 'the materialized view keeps rows of the protected table public.good, % but lint_app may use it',
 'CREATE VIEW definer AS SELECT * FROM good; CREATE MATERIALIZED VIEW kept AS SELECT * FROM definer; GRANT SELECT (note) ON kept TO lint_app'),
('materialized_view', 'notice', 'public.kept', 'the materialized view keeps rows of the protected table public.good, %itself', 'CREATE MATERIALIZED VIEW kept AS SELECT * FROM good'),
('definer_function', 'warning', 'public.counts()', 'the function reads the protected table public.good %, and PUBLIC may call it',
 'CREATE FUNCTION counts() RETURNS bigint LANGUAGE sql SECURITY DEFINER BEGIN ATOMIC SELECT count(*) FROM good; END'),
('definer_function', 'notice', 'public.counts(text)', 'the function names the protected table public.good %, and lint_app may call it',
 'CREATE FUNCTION counts(text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS ''BEGIN RETURN (SELECT count(*) FROM PUBLIC.Good); END'';
  REVOKE ALL ON FUNCTION counts FROM PUBLIC; GRANT EXECUTE ON FUNCTION counts TO lint_app'),
('definer_function', 'notice', 'public.empty()', 'the function names the protected table public."a.b*c" %',
 'CREATE TABLE "a.b*c" (project uuid); SELECT rbac_protect_table(''"a.b*c"'', ''project'', ''admin'');
  CREATE PROCEDURE empty() LANGUAGE sql SECURITY DEFINER AS ''DELETE FROM "a.b*c"'''),

('foreign_key', 'notice', 'public.other', 'its foreign key "other_good_fkey" tells whether a key exists in the protected table public.good, %', 'CREATE TABLE other (good uuid REFERENCES good)'),
('unique_index', 'notice', 'public.good', 'its unique index "good_note_idx" tells by an error %', 'CREATE UNIQUE INDEX ON good (note)'),
('unique_index', 'notice', 'public.good', 'its unique index "good_note_project_idx" tells by an error %', 'CREATE UNIQUE INDEX ON good (note) INCLUDE (project)'),

('role', 'warning', 'role "lint_bypass"', 'it can log in and has BYPASSRLS: %', 'ALTER ROLE lint_bypass LOGIN'),
('role', 'notice', 'role "lint "root""', 'it can log in and is superuser: %', 'CREATE ROLE "lint ""root""" LOGIN SUPERUSER'),
('role_within_reach', 'warning', 'role "lint_owner"', 'it can log in and, as a member of "lint_bypass", can SET ROLE "lint_bypass", which has BYPASSRLS', 'GRANT lint_bypass TO lint_owner'),
('role_within_reach', 'warning', 'role "lint_owner"', '%, as a member of "lint_between", can SET ROLE "lint_bypass", which has BYPASSRLS',
 'CREATE ROLE lint_between; GRANT lint_bypass TO lint_between; GRANT lint_between TO lint_owner'),

('executable', 'error', 'public.rbac_set_principal(uuid,text,boolean,boolean,text)', 'PUBLIC may execute it, %', 'GRANT EXECUTE ON FUNCTION rbac_set_principal TO PUBLIC'),
('executable', 'error', 'aiven_rbac.current_actor()', 'lint_app may execute it, %', 'GRANT EXECUTE ON FUNCTION aiven_rbac.current_actor TO lint_app'),
('schema', 'error', 'schema "aiven_rbac"', 'lint_app may create objects %', 'GRANT CREATE ON SCHEMA aiven_rbac TO lint_app'),
('schema', 'warning', 'schema "public"', 'PUBLIC may create objects %', 'GRANT CREATE ON SCHEMA public TO PUBLIC'),
('table_privilege', 'error', 'aiven_rbac.resource', 'lint_app may REFERENCES it, %', 'GRANT REFERENCES (id) ON aiven_rbac.resource TO lint_app'),
('table_privilege', 'error', 'aiven_rbac.visible_user', 'PUBLIC may UPDATE it, %', 'GRANT UPDATE ON aiven_rbac.visible_user TO PUBLIC'),
('log', 'error', 'aiven_rbac.audit_203001', 'rows of the log can be changed: %', 'SELECT aiven_rbac.audit_month_create(203001); DROP TRIGGER audit_refuse ON aiven_rbac.audit_203001'),
('log', 'error', 'aiven_rbac.audit_203001', 'rows of the log can be changed: %',
 'SELECT aiven_rbac.audit_month_create(203001); ALTER TABLE aiven_rbac.audit_203001 ENABLE TRIGGER audit_refuse; ALTER TABLE aiven_rbac.audit DETACH PARTITION aiven_rbac.audit_203001'),
('log', 'warning', 'aiven_rbac.audit_203001', '%: indexes are missing', 'SELECT aiven_rbac.audit_month_create(203001); DROP INDEX aiven_rbac.audit_203001_project_idx'),
('log', 'error', 'aiven_rbac.audit_203001', 'PUBLIC, lint_app may get at the log %',
 'SELECT aiven_rbac.audit_month_create(203001); GRANT SELECT (at) ON aiven_rbac.audit_203001 TO PUBLIC; GRANT INSERT ON aiven_rbac.audit_203001 TO lint_app'),
('lost_role', 'error', 'aiven_rbac.database_role', 'it maps the database role with OID %',
 'CREATE ROLE lint_lost; SELECT rbac_database_role_map(''lint_lost'', rbac_user(''bob@acme.example'')); DROP ROLE lint_lost'),
('lost_role', 'error', 'aiven_rbac.database_role', 'it maps the database role with OID %, which does not exist, to service user "u": %',
 'CREATE ROLE lint_lost; SELECT rbac_service_create(''acme.finance-prod'', ''pg'', ''pg'', ''pg'');
  SELECT rbac_service_user_create(''acme.finance-prod.pg'', ''u'', ''lint_lost''); DROP ROLE lint_lost'),
('service_role', 'error', 'role "lint_account"', 'it is service user "u"''s, and can do more than log in.  It has CREATEDB.',
 'CREATE ROLE lint_account; SELECT rbac_service_create(''acme.finance-prod'', ''pg'', ''pg'', ''pg'');
  SELECT rbac_service_user_create(''acme.finance-prod.pg'', ''u'', ''lint_account''); ALTER ROLE lint_account CREATEDB'),
('trigger', 'error', 'aiven_rbac.access_grant', 'its trigger "signal_change" does not signal changes %',
 'ALTER TABLE aiven_rbac.access_grant DISABLE TRIGGER ALL; ALTER TABLE aiven_rbac.access_grant ENABLE TRIGGER ALL'),
('trigger', 'error', 'aiven_rbac.access_grant', 'its trigger "signal_change_truncated" does not signal changes %',
 'ALTER TABLE aiven_rbac.access_grant DISABLE TRIGGER ALL; ALTER TABLE aiven_rbac.access_grant ENABLE TRIGGER ALL'),
('trigger', 'error', 'aiven_rbac.access_grant', 'its trigger "RI\_ConstraintTrigger\_c%", which keeps foreign key access_grant_resource_fkey, is disabled', 'ALTER TABLE aiven_rbac.access_grant DISABLE TRIGGER ALL'),
('trigger', 'error', 'aiven_rbac.resource', 'its trigger "check_resource", which keeps a rule, is disabled', 'ALTER TABLE aiven_rbac.resource ENABLE REPLICA TRIGGER check_resource'),
('trigger', 'error', 'public.good_path', 'its trigger "RI\_ConstraintTrigger\_c%", which keeps foreign key good_path_place_fkey, is disabled', 'ALTER TABLE good_path DISABLE TRIGGER ALL'),
('trigger', 'error', 'aiven_rbac.resource', 'its trigger "RI\_ConstraintTrigger\_a%", which keeps foreign key good_path_place_fkey, is disabled', 'ALTER TABLE aiven_rbac.resource DISABLE TRIGGER ALL'),
('not_validated', 'error', 'public.good', 'constraint "good "project"" has not been validated: %',
 'ALTER TABLE good ADD CONSTRAINT "good ""project""" FOREIGN KEY (project) REFERENCES aiven_rbac.resource NOT VALID'),
('not_validated', 'error', 'aiven_rbac.token', 'constraint "token_principal_fkey" has not been validated: %',
 'ALTER TABLE aiven_rbac.token DROP CONSTRAINT token_principal_fkey,
      ADD CONSTRAINT token_principal_fkey FOREIGN KEY (principal, principal_kind) REFERENCES aiven_rbac.principal (id, kind) NOT VALID'),

('lost_rows', 'error', 'aiven_rbac.plan_list', 'it had rows in the dump that was restored, and has none', 'INSERT INTO aiven_rbac.dumped_table VALUES (''plan_list'', gen_random_uuid())'),
('lost_rows', 'error', 'aiven_rbac.grantable', 'it had rows in the dump that was restored, and has none',
 'INSERT INTO aiven_rbac.dumped_table VALUES (''grantable'', gen_random_uuid()), (''grantable'', gen_random_uuid())'),
('dangling', 'error', 'aiven_rbac.access_grant', 'rows that by "access_grant_resource_fkey" reference what does not exist: %',
 'SET LOCAL session_replication_role = replica; DELETE FROM aiven_rbac.resource WHERE path = ''acme.analytics.data-warehouse''; SET LOCAL session_replication_role = origin'),
('dangling', 'error', 'aiven_rbac.membership', 'rows that by "membership_principal_fkey" reference what does not exist: 1',
 'SET LOCAL session_replication_role = replica; DELETE FROM aiven_rbac.principal WHERE email = ''bob@acme.example''; SET LOCAL session_replication_role = origin'),
('dangling', 'error', 'aiven_rbac.resource', 'rows that by "parent" reference what does not exist: 1',
 'SELECT rbac_project_create(''acme.analytics'', ''lint-parent''); SET LOCAL session_replication_role = replica;
  UPDATE aiven_rbac.resource SET parent = gen_random_uuid() WHERE path = ''acme.analytics.lint-parent''; SET LOCAL session_replication_role = origin'),
('dangling', 'error', 'aiven_rbac.project', 'rows that by "project_billing_group_fkey" reference what does not exist: 4',
 'SET LOCAL session_replication_role = replica; UPDATE aiven_rbac.project SET billing_group = gen_random_uuid(); SET LOCAL session_replication_role = origin'),
('incomplete', 'warning', 'aiven_rbac.organization', 'rows that belong to rows of aiven_rbac.resource and are missing: 1',
 'SET LOCAL session_replication_role = replica; DELETE FROM aiven_rbac.organization; SET LOCAL session_replication_role = origin'),
('incomplete', 'warning', 'aiven_rbac.project', 'rows that belong to rows of aiven_rbac.resource and are missing: 1', 'DELETE FROM aiven_rbac.project WHERE id = rbac_resource_id(''acme.finance-prod'')'),
('incomplete', 'warning', 'aiven_rbac.service', 'rows that belong to rows of aiven_rbac.resource and are missing: %', 'DELETE FROM aiven_rbac.service'),
('incomplete', 'warning', 'aiven_rbac.membership', 'rows that belong to rows of aiven_rbac.principal and are missing: 1',
 'DELETE FROM aiven_rbac.membership AS m USING aiven_rbac.principal AS p WHERE p.id = m.principal AND p.name = ''terraform'''),
('no_super_admin', 'error', 'aiven_rbac.organization', 'organizations without an active super admin: 1',
 'SET LOCAL session_replication_role = replica; DELETE FROM aiven_rbac.group_member WHERE account_owners; SET LOCAL session_replication_role = origin'),
('no_super_admin', 'error', 'aiven_rbac.organization', 'organizations without an active super admin: 1',
 'SET LOCAL session_replication_role = replica; UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE name = ''Ann''; SET LOCAL session_replication_role = origin'),

('not_restored', 'notice', 'public.good_path', 'its policy "p" compares paths by IS DISTINCT FROM, %', 'CREATE POLICY p ON good_path AS RESTRICTIVE USING (place IS DISTINCT FROM ''acme''::rbac_path)'),
('not_restored', 'notice', 'public.good_path', 'its trigger "t" compares paths by %',
 'CREATE TRIGGER t AFTER UPDATE ON good_path FOR EACH ROW WHEN (old.place IS DISTINCT FROM new.place) EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
('not_restored', 'notice', 'public.merged', 'the view compares paths by %', 'CREATE VIEW merged AS SELECT a.id FROM good_path AS a JOIN good_path AS b USING (place)'),
('not_restored', 'notice', 'public.merged', 'the view compares paths by %', 'CREATE VIEW merged AS SELECT CASE place WHEN ''acme'' THEN 1 END FROM good_path'),
('not_restored', 'notice', 'public.merged', 'the view compares paths by %', 'CREATE VIEW merged AS SELECT (SELECT nullif(place, ''acme'')) FROM good_path');

SELECT is(format('%s %s', (c).severity, (c).outcome), x.severity || ' cleared', format('%s: %s: %s', x.finder, x.object, x.finding))
FROM (SELECT *, cleared(finder, setup, object, finding) AS c FROM cases ORDER BY number) AS x;
SELECT set_eq($$ SELECT proname::text FROM pg_proc WHERE proname LIKE 'finding\_%' AND pronamespace = 'aiven_rbac'::regnamespace
                   AND proname NOT IN ('finding_replication', 'finding_path_at_subscriber') -- test/t/045_publication.pl $$,
              $$ SELECT 'finding_' || finder FROM cases $$, 'every finding has been provoked');
SELECT ok(p.prosrc ~ ('\mfinding_' || c.finder || '\M'), 'rbac_check_protection() tells of ' || c.finder)
FROM (SELECT DISTINCT finder FROM cases) AS c, pg_proc AS p WHERE p.oid = 'aiven_rbac.findings()'::regprocedure;

INSERT INTO aiven_rbac.dumped_table SELECT v.name, gen_random_uuid() FROM (VALUES ('resource'), ('principal'), ('access_grant')) AS v (name);
SELECT is_empty('SELECT findings()', 'tables that have the rows that they had in a dump are no finding');
SELECT set_eq($$ SELECT k.name FROM aiven_rbac.reference AS k $$,
              $$ SELECT conname::text FROM pg_constraint WHERE contype = 'f' AND connamespace = 'aiven_rbac'::regnamespace UNION ALL SELECT 'parent' $$,
              'every reference among the extension''s tables is looked at');
SELECT set_eq($$ SELECT k.name FROM aiven_rbac.reference AS k WHERE k.unsetting IS NOT NULL $$,
              ARRAY['billing_group_address_fkey', 'billing_group_payment_method_fkey', 'project_billing_group_fkey'], 'a row that can do without is kept');

-- What a row needs to pass a condition ---------------------------------------------

CREATE TABLE judged (id uuid PRIMARY KEY, project uuid, path rbac_path, note text, good uuid, flag boolean);
CREATE DOMAIN project_id AS uuid;
CREATE TABLE open_table (id uuid);
CREATE FUNCTION passage(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('CREATE POLICY judged ON judged USING (%s)', condition);
    SELECT aiven_rbac.passage(polqual, ARRAY['good'::regclass], '{}') INTO result FROM pg_policy WHERE polname = 'judged';
    DROP POLICY judged ON judged;
    RETURN result;
END
$$;
SELECT is(passage(v.condition), v.passage, v.condition)
FROM (VALUES
    ('true', 'always'), ('false', 'never'), ('NULL', 'never'), ('flag', 'otherwise'), ('note = ''x''', 'otherwise'),
    ('rbac_has_permission(project, ''admin'')', 'by decision'),
    ('rbac_has_permission(path, note)', 'by decision'),
    ('rbac_has_permission(project::project_id, ''admin''::varchar)', 'by decision'),
    ('rbac_has_any_permission(project, ''admin'', ''operator'')', 'by decision'),
    ('rbac_has_permission(rbac_current_principal(), project, ''admin'')', 'by decision'),
    ('rbac_has_permission(id, project, ''admin'')', 'otherwise'),
    ('true OR rbac_has_permission(project, ''admin'')', 'always'),
    ('flag OR rbac_has_permission(project, ''admin'')', 'otherwise'),
    ('flag AND rbac_has_permission(project, ''admin'')', 'by decision'),
    ('false AND rbac_has_permission(project, ''admin'')', 'never'),
    ('(flag OR rbac_has_permission(project, ''admin'')) AND rbac_has_permission(project, ''operator'')', 'by decision'),
    ('(flag AND rbac_has_permission(project, ''admin'')) OR rbac_has_permission(path, ''operator'')', 'by decision'),
    ('NOT rbac_has_permission(project, ''admin'')', 'otherwise'),
    ('NOT false', 'always'), ('NOT true', 'never'), ('NOT (true AND rbac_has_permission(project, ''admin''))', 'otherwise'),
    ('(true OR flag) IS FALSE', 'never'), ('(false AND flag) IS FALSE', 'always'),
    ('rbac_has_permission(project, ''admin'') IS FALSE', 'otherwise'), ('true IS UNKNOWN', 'otherwise'),
    ('flag AND (SELECT true FROM good AS g WHERE rbac_has_permission(project, ''admin'') AND g.id = good LIMIT 1)', 'by decision'),
    ('rbac_has_permission(project, ''admin'') IS TRUE', 'by decision'),
    ('rbac_has_permission(project, ''admin'') IS NOT FALSE', 'otherwise'),
    ('rbac_has_permission(project, ''admin'') IS NOT NULL', 'otherwise'),
    ('rbac_has_permission(project, ''admin'') = true', 'by decision'),
    ('rbac_has_permission(project, ''admin'') = flag', 'otherwise'),
    ('rbac_has_permission(project, ''admin'')::text = ''true''', 'otherwise'),
    ('coalesce(rbac_has_permission(project, ''admin''), false)', 'by decision'),
    ('coalesce(rbac_has_permission(project, ''admin''), true)', 'always'),
    ('CASE WHEN rbac_has_permission(project, ''admin'') THEN flag END', 'by decision'),
    ('CASE WHEN flag THEN rbac_has_permission(project, ''admin'') ELSE rbac_has_permission(path, ''admin'') END', 'by decision'),
    ('CASE WHEN flag THEN rbac_has_permission(project, ''admin'') ELSE note = ''x'' END', 'otherwise'),
    ('CASE WHEN rbac_has_permission(project, ''admin'') THEN false ELSE true END', 'always'),
    ('(SELECT rbac_has_permission(project, ''admin''))', 'by decision'),
    ('(SELECT flag FROM good AS g WHERE g.id = good)', 'by decision'),
    ('(SELECT bool_or(true) FROM good)', 'otherwise'),
    ('EXISTS (SELECT FROM good AS g WHERE g.id = good)', 'by decision'),
    ('EXISTS (SELECT FROM good AS g JOIN open_table AS o ON o.id = g.id)', 'by decision'),
    ('EXISTS (SELECT FROM good AS g LEFT JOIN open_table AS o ON o.id = g.id)', 'by decision'),
    ('EXISTS (SELECT FROM open_table AS o LEFT JOIN good AS g ON o.id = g.id)', 'otherwise'),
    ('EXISTS (SELECT FROM open_table AS o RIGHT JOIN good AS g ON o.id = g.id)', 'by decision'),
    ('EXISTS (SELECT FROM good AS g RIGHT JOIN open_table AS o ON o.id = g.id)', 'otherwise'),
    ('EXISTS (SELECT FROM good AS g FULL JOIN good AS o ON o.id = g.id)', 'otherwise'),
    ('EXISTS (SELECT FROM (SELECT FROM good) AS g)', 'by decision'),
    ('EXISTS (SELECT FROM open_table AS o WHERE o.id = good)', 'otherwise'),
    ('EXISTS (SELECT FROM open_table AS o WHERE rbac_has_permission(o.id, ''admin''))', 'by decision'),
    ('EXISTS (SELECT count(*) FROM good)', 'otherwise'),
    ('EXISTS (SELECT FROM good UNION ALL SELECT FROM open_table)', 'otherwise'),
    ('NOT EXISTS (SELECT FROM good)', 'otherwise'),
    ('good IN (SELECT id FROM good)', 'by decision'),
    ('good <> ALL (SELECT id FROM good)', 'otherwise'),
    -- Judging each part twice would take for ever.
    (repeat('flag OR (flag AND (', 60) || 'rbac_has_permission(project, ''admin'')' || repeat('))', 60), 'otherwise'),
    (repeat('rbac_has_permission(project, ''admin'') AND (flag OR (', 60) || 'flag' || repeat('))', 60), 'by decision'),
    (repeat('CASE WHEN flag THEN ', 60) || 'rbac_has_permission(project, ''admin'')' || repeat(' END', 60), 'by decision')) AS v (condition, passage);
DROP TABLE judged;

-- Protection in other ways ---------------------------------------------------------

CREATE TABLE restricted (id uuid PRIMARY KEY, project uuid);
CREATE INDEX ON restricted (project);
ALTER TABLE restricted ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY everything ON restricted USING (true);
CREATE POLICY strict ON restricted AS RESTRICTIVE USING (rbac_has_permission(project, 'admin'));
SELECT is_empty($$ SELECT findings('restricted') $$, 'a restrictive policy that decides makes up for a permissive one that does not');
ALTER POLICY strict ON restricted TO lint_app;
SELECT isnt_empty($$ SELECT findings('restricted') $$, 'but not if it is for a role only');
DROP POLICY strict ON restricted;
CREATE POLICY strict ON restricted AS RESTRICTIVE FOR SELECT USING (rbac_has_permission(project, 'admin'));
SELECT isnt_empty($$ SELECT findings('restricted') $$, 'or for one command only');
DROP TABLE restricted;

CREATE TABLE child (id uuid PRIMARY KEY, good uuid REFERENCES good);
ALTER TABLE child ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY follow ON child USING (EXISTS (SELECT FROM good AS g WHERE g.id = good));
CREATE TABLE grandchild (id uuid PRIMARY KEY, child uuid);
ALTER TABLE grandchild ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY follow ON grandchild USING (child IN (SELECT c.id FROM child AS c));
SELECT set_eq('SELECT findings()', ARRAY['notice public.child: its foreign key "child_good_fkey" tells whether a key exists in the protected table public.good, also for rows that are not seen'],
              'a child table may follow its parent''s policies, and its child it');
ALTER TABLE good DISABLE ROW LEVEL SECURITY;
SELECT isnt_empty($$ SELECT findings('child: policy "follow" is permissive') $$, 'if they are in force');
DROP TABLE child, grandchild;
ALTER TABLE good ENABLE ROW LEVEL SECURITY;

ALTER TABLE good ADD CONSTRAINT good_id_project_key UNIQUE (id, project);
CREATE TABLE child (id uuid PRIMARY KEY, good uuid, project uuid, FOREIGN KEY (good, project) REFERENCES good (id, project));
SELECT isnt_empty('SELECT findings()', 'a foreign key tells whether a row exists');
SELECT rbac_protect_table('child', 'project', 'project:services:read');
SELECT is_empty('SELECT findings()', 'but not with the resource in the key of both');
DROP TABLE child;

CREATE FUNCTION tenant_id(bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5($1::text)::uuid $$;
CREATE TABLE tenants (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant bigint, serial serial UNIQUE, number text DEFAULT 'nextval(');
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON tenants USING (rbac_has_permission(tenant_id(tenant), 'admin'));
SELECT is((SELECT array_agg(split_part(f, ':', 2)) FROM findings() f),
          '{" policy \"p\" calls a decision function on something other than a column, or with a name that is not constant"}',
          'an expression is no column');
CREATE INDEX ON tenants (tenant_id(tenant));
SELECT is_empty('SELECT findings()', 'but as good as one if an index begins with it');
CREATE UNIQUE INDEX ON tenants (number);
SELECT isnt_empty('SELECT findings()', 'a default that only looks like a sequence''s is none');
DROP TABLE tenants;

SELECT is((SELECT array_agg((q.column_number, q.names, q.is_all, q.indexed)::text ORDER BY p.polname)
           FROM pg_policy AS p, LATERAL aiven_rbac.decision_calls(p.polrelid, coalesce(p.polqual, p.polwithcheck)) AS q
           WHERE p.polrelid = 'good'::regclass),
          ARRAY['(2,"{project:services:write,admin}",t,t)', '(2,"{project:services:write,admin}",t,t)',
                '(2,{project:services:read},t,t)', '(2,"{project:services:write,admin}",t,t)'],
          'what policies ask about is read from their trees');

-- Whoever owns a table cannot make the lint fail, or blind it -------------------------

CREATE SCHEMA lair AUTHORIZATION lint_owner;
GRANT USAGE ON SCHEMA lair TO PUBLIC;
SET LOCAL ROLE lint_owner;
CREATE TABLE lair.bait (id uuid, project uuid, "rbac_has_permission(project, 'x'::text)" uuid);
CREATE INDEX ON lair.bait (project);
CREATE FUNCTION lair."rbac_has_any_permission(a, VARIADIC '{{'::text[])"() RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION lair.rbac_has_permission(uuid, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''evaluated''; END';
CREATE POLICY p1 ON lair.bait USING (lair."rbac_has_any_permission(a, VARIADIC '{{'::text[])"() AND public.rbac_has_permission(project, 'service.view'));
CREATE POLICY p2 ON lair.bait USING (lair.rbac_has_permission(project, 'service.view'));
CREATE POLICY "p3'';%s
--" ON lair.bait USING ("rbac_has_permission(project, 'x'::text)" IS NOT NULL);
SELECT format('CREATE POLICY deep ON lair.bait USING (%sproject IS NULL%s)', repeat('NOT (', 600), repeat(')', 600)) \gexec
ALTER TABLE lair.bait ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
RESET ROLE;
SELECT set_eq($$ SELECT regexp_replace(f, '\n', '\\n') FROM findings('^lair') AS f $$,
    ARRAY['warning lair.bait: policy "p2" is permissive and calls no decision function: the rows that it admits are added to those that the principal has a right to',
          'warning lair.bait: policy "p3'''';%s\n--" is permissive and calls no decision function: the rows that it admits are added to those that the principal has a right to',
          'warning lair.bait: policy "deep" is permissive and calls no decision function: the rows that it admits are added to those that the principal has a right to'],
    'names and depth do not blind the lint, and namesakes are not taken for the extension''s functions');
SELECT lives_ok(remedy, 'remedies quote names: ' || finding) FROM rbac_check_protection() WHERE object ~ '^lair';
SELECT is_empty($$ SELECT findings('^lair') $$, 'and clear');
DROP SCHEMA lair CASCADE;

-- Views in views ------------------------------------------------------------------------

SELECT current_setting('server_version_num')::int < 150000 AS old \gset
\if :old
SELECT skip('before 15, no view has the rights of the one who uses it', 2);
\else
CREATE VIEW invokers WITH (security_invoker = on) AS SELECT * FROM good;
SELECT is_empty('SELECT findings()', 'a view with the rights of the one who uses it');
CREATE VIEW definers AS SELECT * FROM invokers;
SELECT is((SELECT array_agg(split_part(f, ':', 1)) FROM findings() AS f), '{"error public.definers"}', 'in one with its owner''s');
DROP VIEW invokers CASCADE;
\endif

-- The order, and acknowledging ------------------------------------------------------------

CREATE UNIQUE INDEX ON good (note);
CREATE POLICY p ON good USING (note = 'public');
CREATE MATERIALIZED VIEW kept AS SELECT * FROM good;
GRANT SELECT ON kept TO lint_app;
SELECT results_eq($$ SELECT severity FROM rbac_check_protection() WHERE object !~ '^role' $$, ARRAY['error', 'warning', 'notice'], 'the worst comes first');
SELECT ok(bool_and(severity <> '' AND object <> '' AND finding <> '' AND remedy <> ''), 'each finding says what would clear it') FROM rbac_check_protection();
SET LOCAL ROLE lint_app;
SELECT ok(count(*) >= 3, 'anybody may ask') FROM rbac_check_protection();
SELECT throws_ok($$ SELECT rbac_finding_acknowledge('public.good', 'x', 'x') $$, '42501', NULL, 'but not acknowledge');
RESET ROLE;
SELECT rbac_set_principal(rbac_user('ann@acme.example'));
SELECT throws_ok($$ SELECT rbac_finding_acknowledge('public.good', 'x', 'x') $$, '42501', 'permission denied to acknowledge a finding',
                 'nor may a super admin');
SELECT rbac_reset_principal();
SELECT finding FROM rbac_check_protection() WHERE severity = 'notice' AND object = 'public.good' \gset
SELECT throws_ok($$ SELECT rbac_finding_acknowledge('public.good', 'x', 'x') $$, '42704', 'there is no such finding about "public.good"', 'what there is not cannot be acknowledged');
SELECT throws_ok(format('SELECT rbac_finding_acknowledge(%L, %L, %L)', object, f.finding, 'x'), '55000', 'an error cannot be acknowledged', 'nor can an error')
FROM rbac_check_protection() AS f WHERE severity = 'error';
SELECT throws_ok(format('SELECT rbac_finding_acknowledge(%L, %L, %L)', 'public.good', :'finding', ' '), '23514', NULL, 'a reason must be given');
SELECT ok(rbac_finding_acknowledge('public.good', :'finding', 'notes are public'), 'a notice is acknowledged');
SELECT is_empty($$ SELECT findings('unique index') $$, 'and not shown any more');
SELECT ok(NOT rbac_finding_acknowledge('public.good', :'finding', 'notes are public'), 'doing so again changes nothing');
SELECT results_eq('SELECT object, reason, acknowledged_by COLLATE "C" = session_user FROM aiven_rbac.acknowledged_finding', $$ VALUES ('public.good', 'notes are public', true) $$,
                  'who acknowledged it, and why, is kept');
SELECT ok(rbac_finding_acknowledge('public.good', :'finding', NULL), 'it can be taken back');
SELECT isnt_empty($$ SELECT findings('unique index') $$, 'and is shown again');
SELECT ok(NOT rbac_finding_acknowledge('public.good', :'finding', NULL), 'once');

SELECT * FROM finish();
ROLLBACK;
