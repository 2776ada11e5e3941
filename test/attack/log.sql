-- The log: reading what is not one's own, leaving no trace, leaving a false one,
-- and doing away with it.
BEGIN;
SELECT no_plan();

\ir ../pgtap/lib/helpers.sql
\ir ../pgtap/lib/world.sql

CREATE FUNCTION pg_temp.told() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM aiven_rbac.audit $$;

-- The tables and what writes them are nobody's.
SELECT is(test.outcome('ann', format(s.statement, t.name)), '42501 permission denied for table ' || t.name, format('S6: ' || s.statement, t.name))
FROM (SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'aiven_rbac'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname ~ '^audit') AS t (name),
     unnest(ARRAY['SELECT FROM aiven_rbac.%I', 'INSERT INTO aiven_rbac.%I DEFAULT VALUES', 'DELETE FROM aiven_rbac.%I', 'TRUNCATE aiven_rbac.%I']) AS s (statement);
SELECT is_empty($$ SELECT p.oid::regprocedure FROM pg_proc AS p
                   WHERE p.pronamespace = 'aiven_rbac'::regnamespace AND p.proname ~ 'audit|log$|find_gone|resource_at'
                     AND has_function_privilege('test_application', p.oid, 'EXECUTE') $$, 'S6: nor are the functions');

-- A month made while the owner gives new tables away, by a session that says where
-- tables go
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC, test_application;
CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler;
SET default_table_access_method = other;
SELECT aiven_rbac.audit_month_create(203001) \g /dev/null
RESET default_table_access_method;
SELECT is((SELECT array_agg(c.relname::text) FROM pg_class AS c JOIN pg_inherits AS i ON i.inhrelid = c.oid AND i.inhparent = 'aiven_rbac.audit'::regclass
           JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'heap' WHERE c.relname = 'audit_203001'), '{audit_203001}', 'S5: a session''s settings say nothing of how the log is kept');
SELECT is_empty($$ SELECT a.grantee, a.privilege_type FROM pg_class AS c, aclexplode(c.relacl) AS a
                   WHERE c.oid = 'aiven_rbac.audit_203001'::regclass AND a.grantee <> c.relowner $$, 'S6: a new month is nobody''s, whatever the default');
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC, test_application;

-- Leaving no trace.  Each as ann, by an ordinary role; "told" is what the log
-- has of it.
CREATE FUNCTION test.trace(setting text, value text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    before bigint := pg_temp.told();
    result text;
BEGIN
    PERFORM rbac_set_principal(test.p('ann'));
    SET LOCAL ROLE test_application;
    BEGIN
        PERFORM set_config('check_function_bodies', 'off', true);
        PERFORM set_config('row_security', 'off', true);
        PERFORM set_config(setting, value, true);
        PERFORM public.rbac_tag_set('acme.finance', 'traced', setting);
        RESET ROLE;
        RAISE SQLSTATE 'UNDO0' USING MESSAGE = pg_temp.told() - before;
    EXCEPTION WHEN OTHERS THEN
        result := CASE SQLSTATE WHEN 'UNDO0' THEN 'told ' || SQLERRM ELSE SQLSTATE END;
    END;
    RESET ROLE;
    PERFORM public.rbac_reset_principal();
    RETURN result;
END
$$;
SELECT is(test.trace(v.setting, v.value), v.expected, format('S7: %s = %s', v.setting, v.value))
FROM (VALUES ('search_path', '', 'told 1'), ('search_path', 'pg_temp, pg_catalog', 'told 1'), ('session_replication_role', 'replica', '42501'),
             ('TimeZone', 'Asia/Tokyo', 'told 1'), ('DateStyle', 'German, DMY', 'told 1'), ('client_encoding', 'LATIN1', 'told 1'),
             ('default_transaction_read_only', 'on', 'told 1'), ('enable_indexscan', 'off', 'told 1'), ('work_mem', '64', 'told 1'),
             ('jit_above_cost', '0', 'told 1'), ('force_parallel_mode', 'on', 'told 1')) AS v (setting, value, expected)
WHERE v.setting IN (SELECT name FROM pg_settings);

-- A false trace: who acts is not the client's to say, nor what its temporary
-- objects say.
CREATE FUNCTION test.forge() RETURNS text
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM rbac_set_principal(test.p('ann'));
    SET LOCAL ROLE test_application;
    CREATE TEMP TABLE changed (o aiven_rbac.tag, n aiven_rbac.tag);
    CREATE TEMP TABLE audit (LIKE pg_class);
    CREATE FUNCTION pg_temp.session_user() RETURNS text LANGUAGE sql AS 'SELECT ''mallory''::text';
    CREATE FUNCTION pg_temp.rbac_current_principal() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';
    SET LOCAL search_path = pg_temp, public, pg_catalog;
    SET LOCAL application_name = 'x'', ''mallory''); --';
    PERFORM rbac_tag_set('acme.finance', 'traced', 'x');
    RESET ROLE;
    PERFORM public.rbac_reset_principal();
    RETURN (SELECT (a.actor_name, a.database_role, a.application_name)::text FROM aiven_rbac.audit AS a ORDER BY a.at DESC LIMIT 1);
END
$$;
SELECT is(test.forge(), ('ann@acme.example', session_user, 'x'', ''mallory''); --')::text, 'S1: the log says who it was, and what the client called itself');
SET search_path = public, test;

-- Reading others' logs
SELECT is(test.outcome('gina', format('SELECT count(*) FROM %s(%L)', f, place)), format('42704 resource "%s" does not exist', place), format('G10: %s of %s', f, place))
FROM unnest('{rbac_audit_log,rbac_event_log}'::text[]) AS f,
     unnest(ARRAY['acme', 'acme.engineering', 'acme.finance.pg', 'acme.never', test.id('acme')::text, test.id('finance')::text, test.id('never')::text]) AS place;
SELECT is(test.outcome(who, format('SELECT count(*) FROM %s()', f)), '42501 permission denied to read the logs of all organizations', format('G10: %s for %s', f, who))
FROM unnest('{rbac_audit_log,rbac_event_log}'::text[]) AS f, unnest('{ann,bob,olga,stranger}'::text[]) AS who;
SELECT is(left(test.outcome(who, 'SELECT count(*) FROM rbac_audit_log(''acme'')'), 5), '42501', format('G10: a member without the right, %s', who))
FROM unnest('{bob,erin}'::text[]) AS who;
SET LOCAL ROLE test_application;
SELECT throws_ok('SELECT count(*) FROM rbac_audit_log()', '42501', NULL, 'G10: nobody');
RESET ROLE;

-- A project that goes to another organization takes no rows along, and leaves
-- none that were not there.
\o /dev/null
SELECT rbac_billing_group_create('globex', 'main');
SELECT rbac_project_move('acme.finance', 'globex', (SELECT id FROM aiven_rbac.billing_group));
SELECT rbac_tag_set('globex.finance', 'new', 'x');
\o
SELECT is(test.seen_by('gina', 'SELECT count(*) FROM rbac_audit_log(''globex.finance'') AS l WHERE l.organization <> ''globex'''), '0', 'G10: of a project that came');
SELECT is(test.outcome('ann', format('SELECT count(*) FROM rbac_audit_log(%L)', place)), format('42704 resource "%s" does not exist', place), 'G10: of one that went, ' || place)
FROM unnest(ARRAY['globex.finance', test.id('finance')::text]) AS place;
SELECT is(test.seen_by('ann', 'SELECT count(*) FROM rbac_audit_log(''acme'', max_rows => NULL) AS l WHERE l.event = ''tag.created'''), '1', 'G10: nor what is done to it there');

-- Whoever loses the right loses it in the middle of a transaction.
SELECT is(test.call(NULL, $$rbac_grant(test.p('bob'), 'organization:audit_logs:read', 'acme')$$), 'ok', 'bob may read');
SELECT is(test.seen_by('bob', 'SELECT count(*) > 0 FROM rbac_audit_log(''acme'')'), 'true', 'and does');
SELECT is(test.call(NULL, $$rbac_revoke(test.p('bob'), 'organization:audit_logs:read', 'acme')$$), 'ok', 'it is revoked');
SELECT is(left(test.outcome('bob', 'SELECT count(*) FROM rbac_audit_log(''acme'')'), 5), '42501', 'P6: and over');

-- Doing away with it
SELECT is(left(test.outcome(who, 'SELECT rbac_audit_archive(''infinity'')'), 5), '42501', format('G10: %s archives nothing', who)) FROM unnest('{ann,bob}'::text[]) AS who;
SELECT is(test.outcome(NULL, format('SET LOCAL session_replication_role = %s; %s', r, s)), '55000 the log cannot be changed', format('S7: the owner, %s, %s', r, s))
FROM unnest('{origin,replica}'::text[]) AS r,
     unnest(ARRAY['UPDATE aiven_rbac.audit SET actor = NULL', 'DELETE FROM aiven_rbac.audit_rest', 'TRUNCATE aiven_rbac.audit',
                  'WITH d AS (DELETE FROM aiven_rbac.audit RETURNING *) SELECT FROM d']) AS s;
SELECT finish();
ROLLBACK;
