-- rbac_what_if(): what a change would do, and that nothing of it remains.

BEGIN;
\ir lib/helpers.sql
\ir lib/world.sql
SELECT no_plan();

\o /dev/null
CREATE SCHEMA tenant;
GRANT USAGE ON SCHEMA tenant TO test_application;
CREATE TABLE tenant.by_id (resource uuid REFERENCES aiven_rbac.resource (id));
CREATE TABLE tenant.by_path (resource rbac_path);
CREATE TABLE tenant.by_key (key text);
INSERT INTO tenant.by_id SELECT id FROM aiven_rbac.resource, generate_series(1, 3) WHERE kind = 'project';
INSERT INTO tenant.by_path SELECT path FROM aiven_rbac.resource, generate_series(1, 2) WHERE kind = 'service';
SELECT rbac_protect_table('tenant.by_id', 'resource', 'project:services:read');
SELECT rbac_protect_table('tenant.by_path', 'resource', 'project:services:read');
SELECT rbac_protect_table('tenant.by_key', 'key', 'project:services:read', space => 'tenant');
GRANT SELECT ON tenant.by_id TO test_application;
SELECT rbac_group_member_add(rbac_group('acme', 'team'), test.p('bob'));
SELECT rbac_group_member_add(rbac_group('acme', 'team'), test.p('robot'));
SELECT rbac_grant(test.p('frank'), 'developer', 'acme.engineering');
SELECT rbac_grant(rbac_group('acme', 'writers'), 'read_only', 'acme.finance');
SELECT rbac_role_create('acme', 'own', '{service.fork,project:services:read}', '{project}');
SELECT rbac_grant(test.p('bob'), 'own', 'acme.analytics.warehouse');

-- Who gains or loses project:services:read (or what is named) where, and rows,
-- in few words
CREATE FUNCTION test.told(sql text, name text DEFAULT 'project:services:read') RETURNS text
    LANGUAGE sql VOLATILE
    AS $$
    SELECT string_agg(format('%s%s %s', CASE w.change WHEN 'gained' THEN '+' ELSE '-' END, split_part(w.principal_name, '@', 1),
                             coalesce(w.resource::text, format('%s in %s', w.rows, split_part(w."table"::text, '.', 2)))), ', '
                      ORDER BY w.principal_name, w.change, w.resource, w."table"::text)
    FROM rbac_what_if(sql) AS w
    WHERE w.permission = name OR w."table" IS NOT NULL
$$;
\o

CREATE TEMP TABLE trial (rule text, sql text, name text, told text);
INSERT INTO trial (rule, sql, told) VALUES
    ('nothing', 'SELECT 1', NULL),
    ('a grant', 'SELECT rbac_grant(test.p(''bob''), ''read_only'', ''acme.finance'')',
     '+bob acme.finance, +bob 3 in by_id, +bob 2 in by_path'),
    ('a grant above: the topmost place', 'SELECT rbac_grant(test.p(''bob''), ''read_only'', ''acme'')',
     '+bob acme, +bob 9 in by_id, +bob 6 in by_path'),
    ('a grant that gives nothing new', 'SELECT rbac_grant(test.p(''frank''), ''read_only'', ''acme.engineering.backend-dev'')', NULL),
    ('a grant to a group is its members''', 'SELECT rbac_grant(rbac_group(''acme'', ''team''), ''read_only'', ''acme.finance'')',
     '+bob acme.finance, +bob 3 in by_id, +bob 2 in by_path, +robot acme.finance, +robot 3 in by_id, +robot 2 in by_path'),
    ('a grant that is not in force yet', 'SELECT rbac_grant(test.p(''bob''), ''read_only'', ''acme'', now() + interval ''1 day'')', NULL),
    ('a revocation', 'SELECT rbac_revoke(test.p(''frank''), ''developer'', ''acme.engineering'')',
     '-frank acme.engineering, -frank 6 in by_id, -frank 4 in by_path'),
    ('a grant lower down instead', 'SELECT rbac_revoke(test.p(''frank''), ''developer'', ''acme.engineering''); SELECT rbac_grant(test.p(''frank''), ''developer'', ''acme.engineering.backend-dev'')',
     '-frank acme.engineering, -frank 3 in by_id, -frank 2 in by_path'),
    ('joining a group', 'SELECT rbac_group_member_add(rbac_group(''acme'', ''writers''), test.p(''frank''))',
     '+frank acme.finance, +frank 3 in by_id, +frank 2 in by_path'),
    ('a group with its grants goes', 'SELECT rbac_group_member_add(rbac_group(''acme'', ''writers''), test.p(''frank'')); SELECT rbac_group_delete(rbac_group(''acme'', ''writers''))',
     NULL),
    ('leaving the organization', 'SELECT rbac_member_remove(''acme'', test.p(''frank''))',
     '-frank acme.engineering, -frank 6 in by_id, -frank 4 in by_path'),
    ('deactivation', 'UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE id = test.p(''frank'')',
     '-frank acme.engineering, -frank 6 in by_id, -frank 4 in by_path'),
    ('a super admin', 'SELECT rbac_super_admin_add(''acme'', test.p(''bob''))',
     '+bob acme, +bob 9 in by_id, +bob 6 in by_path'),
    ('a move: its path afterwards, or before', 'SELECT rbac_project_move(''acme.analytics.warehouse'', ''acme.engineering'')',
     '+dave acme.engineering.warehouse, +dave 3 in by_id, +dave 2 in by_path, +frank acme.engineering.warehouse, +frank 3 in by_id, +frank 2 in by_path'),
    ('a move away', 'SELECT rbac_project_move(''acme.engineering.backend-prod'', ''acme.analytics'')',
     '-dave acme.engineering.backend-prod, -dave 3 in by_id, -dave 2 in by_path, -frank acme.engineering.backend-prod, -frank 3 in by_id, -frank 2 in by_path'),
    ('a new project', 'SELECT rbac_project_create(''acme.engineering'', ''new'')',
     '+ann acme.engineering.new, +carol acme.engineering.new, +dave acme.engineering.new, +frank acme.engineering.new'),
    ('a deletion', 'DELETE FROM tenant.by_path WHERE resource = ''acme.finance.pg''; SELECT rbac_service_delete(''acme.finance.pg'')', '-ann acme.finance.pg, -ann 2 in by_path, -carol acme.finance.pg, -carol 2 in by_path'),
    ('a new name changes nothing', 'SELECT rbac_unit_rename(''acme.engineering'', ''Other'', ''other'')', NULL),
    ('a role', 'SELECT rbac_role_edit(''acme'', ''own'', ''{service.fork}'')',
     '-bob acme.analytics.warehouse, -bob 3 in by_id, -bob 2 in by_path'),
    ('a policy gates sessions, and changes nobody''s rights', 'SELECT rbac_authentication_policy_set(''acme'', true, NULL, true)', NULL),
    ('raw SQL by the owner', 'DELETE FROM aiven_rbac.access_grant WHERE principal = test.p(''frank'')',
     '-frank acme.engineering, -frank 6 in by_id, -frank 4 in by_path'),
    ('what is undone within is no change', 'DO $x$ BEGIN PERFORM rbac_grant(test.p(''bob''), ''admin'', ''acme''); RAISE ''undone''; EXCEPTION WHEN raise_exception THEN NULL; END $x$', NULL),
    ('one within another', 'SELECT rbac_grant(test.p(''bob''), ''read_only'', ''acme.finance''); SELECT * FROM rbac_what_if(''SELECT rbac_revoke(test.p(''''frank''''), ''''developer'''', ''''acme.engineering'''')'')',
     '+bob acme.finance, +bob 3 in by_id, +bob 2 in by_path');
INSERT INTO trial (rule, sql, name, told) VALUES
    ('an action of no permission that is held', 'SELECT rbac_revoke(test.p(''bob''), ''own'', ''acme.analytics.warehouse'')', 'action:service.fork',
     '-bob acme.analytics.warehouse, -bob 3 in by_id, -bob 2 in by_path');

CREATE TEMP TABLE outset AS SELECT test.digest() AS tables, (SELECT count(*) FROM aiven_rbac.audit) AS log;
GRANT SELECT ON outset TO PUBLIC;
SELECT is(CASE WHEN t.name IS NULL THEN test.told(t.sql) ELSE test.told(t.sql, t.name) END, t.told, t.rule) FROM trial AS t;
SELECT is(test.digest(), o.tables, 'nothing of it remains') FROM outset AS o;
SELECT is((SELECT count(*) FROM aiven_rbac.audit), o.log, 'nor in the log') FROM outset AS o;

-- The answers are those of the decision functions.
SELECT results_eq(
    $$ SELECT w.permission FROM rbac_what_if('SELECT rbac_grant(test.p(''hank''), ''admin'', ''globex.factory'')') AS w
       WHERE w.permission NOT LIKE 'action:%' ORDER BY 1 $$,
    $$ SELECT e.permission FROM rbac_effective_permissions(test.p('gina'), 'globex.factory') AS e
       WHERE EXISTS (SELECT FROM rbac_what_if('SELECT rbac_grant(test.p(''hank''), ''admin'', ''globex.factory'')') AS w WHERE w.permission = e.permission) ORDER BY 1 $$,
    'permissions are as rbac_effective_permissions() has them');

-- Who may know what.
CREATE FUNCTION test.told_to(who text, sql text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    result text;
BEGIN
    PERFORM rbac_set_principal(test.p(who), is_local => true);
    SET LOCAL ROLE test_application;
    result := test.told(sql);
    RESET ROLE;
    PERFORM rbac_reset_principal();
    RETURN result;
EXCEPTION WHEN others THEN
    RETURN sqlstate;
END
$$;
SELECT is(test.told_to(who, sql), told, rule) FROM (VALUES
    ('a super admin is told all, and rows of tables that the role may read', 'ann',
     'SELECT rbac_grant(test.p(''bob''), ''read_only'', ''acme'')', '+bob acme, +bob 9 in by_id'),
    ('a unit''s admin is told of the unit', 'dave',
     'SELECT rbac_project_move(''acme.engineering.backend-prod'', ''acme.analytics'')', '42501'),
    ('a project''s admin is told of what is there', 'erin',
     'SELECT rbac_grant(test.p(''bob''), ''read_only'', ''acme.engineering.backend-dev'')', '+bob acme.engineering.backend-dev, +bob 3 in by_id'),
    ('somebody who may not do it is refused', 'bob', 'SELECT rbac_grant(test.p(''bob''), ''read_only'', ''acme'')', '42501'),
    ('everybody is told of oneself', 'frank', 'SELECT rbac_member_leave(''acme'')', '-frank acme.engineering, -frank 6 in by_id')
) AS v (rule, who, sql, told);
SELECT is(test.told_to('dave', 'SELECT rbac_set_principal(test.p(''ann''))'), '42501', 'nobody becomes somebody else by it');

-- What is refused.
SELECT is(pg_temp.code, expected, rule)
FROM (VALUES
    ('transactions', 'COMMIT', '0A000'), ('savepoints', 'SAVEPOINT x', '0A000'),
    ('transactions after something else', 'SELECT 1; ROLLBACK', '0A000'),
    ('a commit in a block', 'DO $x$ BEGIN COMMIT; END $x$', '2D000'),
    ('prepared statements', 'PREPARE x AS SELECT 1', '0A000'),
    ('within a block as well', 'DO $x$ BEGIN EXECUTE ''PREPARE x AS SELECT 1''; END $x$', '0A000'),
    ('DEALLOCATE', 'DEALLOCATE ALL', '0A000'), ('DISCARD', 'DISCARD PLANS', '0A000'), ('LOAD', 'LOAD ''plpgsql''', '0A000'),
    ('programs', 'COPY (SELECT 1) TO PROGRAM ''true''', '0A000'), ('the client', 'COPY (SELECT 1) TO STDOUT', '0A000'),
    ('TRUNCATE', 'TRUNCATE aiven_rbac.access_grant', '0A000'),
    ('its own errors', 'SELECT 1/0', '22012'), ('a mistake', 'SELEC 1', '42601'), ('nothing at all', NULL, '22004')
) AS v (rule, sql, expected)
CROSS JOIN LATERAL (SELECT (test.attempt(NULL, format('SELECT * FROM rbac_what_if(%L)', sql))).code) AS pg_temp (code);

-- What the session had stays, and what the SQL did with the session goes.
\o /dev/null
SELECT * FROM rbac_what_if('SET LOCAL work_mem = ''77MB''; SET ROLE test_application; LISTEN trial; NOTIFY trial; CREATE TEMP TABLE trial_gone (); DECLARE trial_gone CURSOR WITH HOLD FOR SELECT 1');
\o
SELECT isnt(current_setting('work_mem'), '77MB', 'settings are what they were');
SELECT is(current_user::text, session_user::text, 'the role is what it was');
SELECT is(to_regclass('trial_gone'), NULL, 'there is no temporary table');
SELECT is((SELECT count(*) FROM pg_cursors WHERE name = 'trial_gone'), 0::bigint, 'nor a cursor');
SELECT is((SELECT count(*) FROM pg_listening_channels()), 0::bigint, 'nor does the session listen');
SELECT is((SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory' AND objsubid = x'5bb'::int), 0::bigint,
          'nor does it act for anybody');
SELECT rbac_set_principal(test.p('ann'));
SELECT is((SELECT count(*) FROM rbac_what_if('SELECT rbac_reset_principal()')), 0::bigint, 'S1: the principal may be reset within');
SELECT is(rbac_current_principal(), test.p('ann'), 'S1: and is who it was');
SELECT rbac_reset_principal();

SET TRANSACTION READ ONLY;
SELECT throws_ok($$SELECT * FROM rbac_what_if('SELECT 1')$$, '25006', NULL, 'not in a READ ONLY transaction');

SELECT finish();
ROLLBACK;
