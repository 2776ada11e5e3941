-- What an ordinary role gets of the extension (S6), and how its functions are
-- declared (S4, S5).

SELECT no_plan();
BEGIN;
CREATE ROLE rbac_test_plain;
GRANT CREATE ON SCHEMA public TO rbac_test_plain;

CREATE VIEW member AS
SELECT p.*, n.nspname, l.lanname,
       coalesce(p.proacl, acldefault('f', p.proowner)) AS acl,
       EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
               WHERE a.grantee = 0) AS is_public
FROM pg_depend AS d
JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'aiven_rbac'
JOIN pg_proc AS p ON p.oid = d.objid
JOIN pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_language AS l ON l.oid = p.prolang
WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e';

-- Tables and schema ------------------------------------------------------------

SELECT is_empty($$
    SELECT c.oid::regclass, a.privilege_type
    FROM pg_class AS c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
    WHERE c.relnamespace = 'aiven_rbac'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
      AND a.grantee <> c.relowner
      AND NOT (c.relkind = 'v' AND a.privilege_type = 'SELECT' AND 'security_barrier=true' = ANY (c.reloptions))
$$, 'S6: nobody but the owner has a privilege on a table; on a view only SELECT, if it is a security barrier');
SELECT is_empty($$
    SELECT attrelid::regclass, attname FROM pg_attribute
    WHERE attacl IS NOT NULL AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'aiven_rbac'::regnamespace)
$$, 'S6: nor on a column');
SELECT ok(has_schema_privilege('rbac_test_plain', 'aiven_rbac', 'USAGE')
          AND NOT has_schema_privilege('rbac_test_plain', 'aiven_rbac', 'CREATE'),
          'S6: everybody may use the schema, and create nothing in it');

CREATE FUNCTION refusals(command text) RETURNS TABLE ("table" text, outcome text)
    LANGUAGE plpgsql
    AS $$
BEGIN
    FOR "table" IN SELECT relname FROM pg_class
                   WHERE relnamespace = 'aiven_rbac'::regnamespace AND relkind = 'r' LOOP
        BEGIN
            SET LOCAL ROLE rbac_test_plain;
            EXECUTE format(command, "table");
            outcome := 'done';
            RESET ROLE;
        EXCEPTION WHEN OTHERS THEN
            outcome := SQLSTATE;
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
SELECT set_eq(format('SELECT DISTINCT outcome FROM refusals(%L)', command), ARRAY['42501'],
              'S6: refused on every table: ' || command)
FROM unnest(ARRAY['SELECT FROM aiven_rbac.%I',
                  'INSERT INTO aiven_rbac.%I DEFAULT VALUES',
                  'DELETE FROM aiven_rbac.%I',
                  'TRUNCATE aiven_rbac.%I',
                  'LOCK TABLE aiven_rbac.%I',
                  'ALTER TABLE aiven_rbac.%I DISABLE TRIGGER ALL',
                  'CREATE TRIGGER t BEFORE INSERT ON aiven_rbac.%I EXECUTE FUNCTION suppress_redundant_updates_trigger()',
                  'CREATE RULE r AS ON INSERT TO aiven_rbac.%I DO NOTHING',
                  'CREATE TEMP TABLE t (LIKE aiven_rbac.%I)']) AS command;
SELECT throws_ok('SET LOCAL ROLE rbac_test_plain; CREATE TABLE mine (id uuid REFERENCES aiven_rbac.resource)',
                 '42501', NULL, 'S6: a foreign key, which would tell what exists, takes a privilege');

-- Functions ----------------------------------------------------------------------

SELECT set_eq($$ SELECT DISTINCT proname::text FROM member
                 WHERE nspname = 'aiven_rbac' AND is_public AND proname NOT LIKE 'rbac\_path\_%' AND proname !~ '^(path_.*_text|text_.*_path)$' $$,
              ARRAY['names_of', 'is_common_name', 'policy_expression', 'dropping', 'replacing', 'protection', 'has_index_for', 'protectable', 'id_expression', 'resource_expression', 'follows', 'follow_parent', 'fill_children', 'run_as_owner', 'has_unique_key', 'clearing', 'adding_column', 'adding_key', 'following_parent', 'following_triggers', 'names_listed', 'forcing', 'key_of_child',
                    'key_columns', 'lineage_of', 'declare_key', 'decision_calls', 'find_row', 'bypasses', 'privilege_step', 'row_step',
                    'row_security_step', 'policies_for', 'decision_steps', 'policy_steps', 'answer_step', 'check_explained',
                    'decision_support', 'reachable_ids', 'reachable_paths', 'reach_begin', 'reach_end',
                    'self', 'scopes', 'own_organizations', 'each_scope', 'organizations_with', 'judged_at', 'fold', 'is_subscriber',
                    'rbac_resource', 'rbac_resource_in', 'rbac_resource_out', 'rbac_resource_recv', 'rbac_resource_send'],
              'S6: of the internal functions everybody has only what protection, its lint, plans and views need');
SELECT is_empty($$ SELECT oid::regprocedure FROM member WHERE nspname = 'aiven_rbac' AND is_public AND prosecdef $$,
                'S6: none of which has more rights than the caller');
SELECT set_eq($$ SELECT DISTINCT proname::text FROM member WHERE nspname <> 'aiven_rbac' AND NOT is_public $$,
              ARRAY['rbac_set_principal', 'rbac_authenticate', 'rbac_database_role_map', 'rbac_domain_verify', 'rbac_operate', 'rbac_user_create', 'rbac_sign_up', 'rbac_user_email_set',
                    'rbac_publication_create', 'rbac_subscription_sql', 'rbac_replication_status'],
              'S1: of the others everybody has all but those that say who somebody is');
SELECT is_empty($$ SELECT oid::regprocedure, grantee::regrole FROM member, aclexplode(acl)
                   WHERE grantee NOT IN (0, proowner) $$,
                'S6: nobody in particular was given any');
SELECT throws_ok('SET LOCAL ROLE rbac_test_plain; CREATE TEMP TABLE mine (); '
                 'CREATE TRIGGER t AFTER INSERT ON mine EXECUTE FUNCTION aiven_rbac.' || f || '()',
                 '42501', NULL, 'S6: an ordinary role''s table cannot have the trigger ' || f)
FROM unnest(ARRAY['signal_change', 'check_resource', 'check_super_admins', 'retire_id']) AS f;

SELECT is_empty($$ SELECT oid::regprocedure, proconfig FROM member
                   WHERE prosecdef AND ('search_path=pg_catalog, pg_temp' = ANY (proconfig)) IS NOT TRUE $$,
                'S5: every SECURITY DEFINER function pins search_path');
SELECT is_empty($$ SELECT oid::regprocedure FROM member
                   WHERE prosecdef AND proowner <> (SELECT extowner FROM pg_extension WHERE extname = 'aiven_rbac') $$,
                'S5: all belong to the owner of the extension');

SELECT set_eq($$ SELECT proname::text FROM member WHERE proleakproof $$,
              ARRAY['rbac_path_eq', 'rbac_path_ne', 'rbac_path_lt', 'rbac_path_le', 'rbac_path_ge', 'rbac_path_gt',
                    'rbac_path_cmp', 'rbac_path_below', 'rbac_path_above', 'rbac_path_below_any', 'rbac_path_any_above', 'rbac_id'],
              'S4: LEAKPROOF are comparison and ancestry of paths, ids made from keys, and nothing else');

SELECT set_has($$ SELECT proname::text, provolatile::text, proparallel::text, proisstrict
                  FROM member WHERE lanname = 'c' $$,
               $$ VALUES
                  ('signal_change', 'v', 'u', false),
                  ('children_now', 'v', 'u', true),
                  ('rbac_set_principal', 'v', 'u', false),
                  ('rbac_authenticate', 'v', 'u', false),
                  ('rbac_authenticate_here', 'v', 'u', false),
                  ('rbac_reset_principal', 'v', 'u', false),
                  ('rbac_mark', 'v', 'u', false),
                  ('rbac_wait_for', 'v', 'u', true),
                  ('rbac_current_principal', 's', 's', false),
                  ('current_actor', 's', 's', false),
                  ('rbac_has_permission', 's', 's', true),
                  ('rbac_has_any_permission', 's', 's', true),
                  ('rbac_effective_actions', 's', 's', true),
                  ('rbac_explain', 's', 's', true),
                  ('rbac_effective_permissions', 's', 's', true),
                  ('rbac_effective_permissions', 's', 's', false) $$,
               'S3: who the session is, and what it holds, is STABLE; deciding is PARALLEL SAFE, setting is not');
SELECT set_eq($$ SELECT proname::text FROM member
                 WHERE lanname = 'c' AND proname NOT LIKE 'rbac\_path\_%' AND provolatile = 'i' $$,
              ARRAY['is_text', 'are_texts', 'require_text', 'excerpt', 'tree_append', 'tree_root', 'rbac_id', 'rbac_resource', 'rbac_resource_in', 'rbac_resource_out', 'rbac_resource_recv',
                    'rbac_resource_send', 'given_id', 'given_path'],
              'S3: nothing that depends on the session or the tables is IMMUTABLE');
SELECT is_empty($$ SELECT oid::regprocedure FROM member
                   WHERE lanname = 'c' AND provolatile = 'v' AND proparallel = 's' $$,
                'S3: nothing VOLATILE is PARALLEL SAFE');
SELECT is_empty($$ SELECT oid::regprocedure FROM member
                   WHERE lanname = 'c' AND proname LIKE 'rbac\_path\_%'
                     AND (proparallel <> 's' OR NOT proisstrict
                          OR provolatile <> CASE WHEN proname LIKE '%sel' THEN 's' ELSE 'i' END::"char") $$,
                'paths: functions are IMMUTABLE, their estimators STABLE, all PARALLEL SAFE and STRICT');

-- A function that writes must not be called where nothing may be written.
SELECT is_empty($$ SELECT oid::regprocedure FROM member
                   WHERE lanname IN ('sql', 'plpgsql') AND provolatile <> 'v'
                     AND regexp_replace(prosrc, '''[^'']*''', '', 'g') ~* '\m(insert|update|delete)\M' $$,
                'functions that write are VOLATILE');

SELECT is_empty($$
    SELECT pg_describe_object(d.classid, d.objid, 0)
    FROM pg_depend AS d
    JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'aiven_rbac'
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
      AND d.classid IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass, 'pg_operator'::regclass,
                        'pg_opclass'::regclass, 'pg_cast'::regclass, 'pg_namespace'::regclass)
      AND obj_description(d.objid, (SELECT relname FROM pg_class WHERE oid = d.classid)) IS NULL
      -- Row types and arrays come with their table or type; extended
      -- statistics and the like would be shown here.
      AND NOT (d.classid = 'pg_type'::regclass
               AND (SELECT typrelid <> 0 OR typelem <> 0 FROM pg_type WHERE oid = d.objid))
$$, 'every object has a comment');

-- Comments are read in psql, where no page with the rules is at hand.
SELECT is_empty($$
    SELECT pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description
    FROM pg_description AS d
    LEFT JOIN pg_constraint AS c ON d.classoid = 'pg_constraint'::regclass AND c.oid = d.objoid
    JOIN pg_depend AS m ON m.refclassid = 'pg_extension'::regclass AND m.deptype = 'e'
                       AND (m.classid = d.classoid AND m.objid = d.objoid
                            OR m.classid = 'pg_class'::regclass AND m.objid = c.conrelid)
    JOIN pg_extension AS e ON e.oid = m.refobjid AND e.extname = 'aiven_rbac'
    WHERE d.description ~ '\m[HPGSC][0-9]{1,2}\M'
$$, 'no comment cites a rule by its number');

-- Default privileges that somebody gave for tables and functions in general
-- are not meant for these.
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO rbac_test_plain;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO rbac_test_plain;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO rbac_test_plain;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC;
SET LOCAL client_min_messages = error;
DROP EXTENSION aiven_rbac CASCADE;
CREATE EXTENSION aiven_rbac;
SELECT set_eq(format('SELECT DISTINCT outcome FROM refusals(%L)', command), ARRAY['42501'],
              'S6: default privileges open no table: ' || command)
FROM unnest(ARRAY['SELECT FROM aiven_rbac.%I', 'INSERT INTO aiven_rbac.%I DEFAULT VALUES']) AS command;
SELECT is_empty($$ SELECT p.oid::regprocedure FROM pg_proc AS p
                   WHERE (p.pronamespace = 'aiven_rbac'::regnamespace OR p.proname LIKE 'rbac\_%')
                     AND has_function_privilege('rbac_test_plain', p.oid, 'EXECUTE')
                     AND NOT EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
                                     WHERE a.grantee = 0) $$,
                'S6: and no function that not everybody has');

SELECT is_empty($$ SELECT c.oid::regclass FROM pg_class AS c
                   WHERE c.relnamespace = 'aiven_rbac'::regnamespace AND c.relkind = 'v'
                     AND c.reloptions IS DISTINCT FROM '{security_barrier=true}'
                     AND has_table_privilege('rbac_test_plain', c.oid, 'SELECT') $$,
                'S6: and no view that does not ask who is looking');
SELECT ok(NOT has_schema_privilege('rbac_test_plain', 'aiven_rbac', 'CREATE'), 'S6: nor the schema');

SELECT * FROM finish();
ROLLBACK;
