-- Attempts to become somebody else, or the operator: by the setting, by database
-- roles, by other people's functions, and by what PostgreSQL runs for its owner
-- (S1, G10).  What needs a fresh connection or a parallel worker is in
-- test/t/001_session.pl.
--
-- The cases of "S1: a trusted back end …" and of a mapped role show that the
-- same statements do make somebody a principal where that is meant to be.

-- A placeholder that was there before the library is thrown away by its load,
-- with a warning.  This must come first: nothing has loaded it yet.
\set forged '00000000-0000-0000-0000-0000000000aa t forged'
SET aiven_rbac.principal = :'forged';
CREATE TEMP TABLE before_load AS SELECT current_setting('aiven_rbac.principal') AS placeholder;
SET client_min_messages = error;
SELECT rbac_current_principal() IS NULL AS nobody \gset
DROP ROLE IF EXISTS rbac_test_mapped, rbac_test_plain;
RESET client_min_messages;
SELECT placeholder = :'forged' AS was_placeholder FROM before_load \gset

\o /dev/null
\i examples/acme.sql
\o
SELECT rbac_user('bob@acme.example') AS bob, rbac_user('carol@acme.example') AS carol,
       rbac_user('ann@acme.example') AS ann \gset

SELECT no_plan();
SELECT ok(:'was_placeholder', 'S1: before the library is loaded, anybody can set a placeholder');
SELECT ok(:'nobody', 'S1: it is gone with the load');
SELECT is(current_setting('aiven_rbac.principal'), '', 'S1: and the setting is empty');

CREATE ROLE rbac_test_plain;
CREATE ROLE rbac_test_mapped;
GRANT rbac_test_mapped TO rbac_test_plain;
GRANT CREATE ON SCHEMA public TO rbac_test_plain, rbac_test_mapped;
SELECT rbac_database_role_map('rbac_test_mapped', :'bob');

-- Run commands as a role that logged in directly, then look at something, and
-- undo it all.  An error counts as what was seen.
CREATE FUNCTION attempt(role name, look text, VARIADIC commands text[] DEFAULT '{}') RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    command text;
    seen text;
BEGIN
    PERFORM set_config('session_authorization', role, true);
    FOREACH command IN ARRAY commands LOOP
        EXECUTE command;
    END LOOP;
    EXECUTE look INTO seen;
    RAISE EXCEPTION USING ERRCODE = 'RB000', MESSAGE = coalesce(seen, 'NULL');
EXCEPTION
    WHEN SQLSTATE 'RB000' THEN RETURN SQLERRM;
    WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

-- Every way to set a setting ------------------------------------------------

CREATE TABLE forgery (command text, what text);
INSERT INTO forgery VALUES
    ('SET aiven_rbac.principal = %L', 'SET'),
    ('SET LOCAL aiven_rbac.principal = %L', 'SET LOCAL'),
    ('SET AIVEN_RBAC.PRINCIPAL = %L', 'SET in another spelling'),
    ('SET "Aiven_Rbac.Principal" = %L', 'SET of a quoted name'),
    ('SELECT set_config(''aiven_rbac.principal'', %L, false)', 'set_config()'),
    ('SELECT set_config(''aiven_rbac.principal'', %L, true)', 'set_config(), local'),
    ('SELECT set_config(''aiven_RBAC.Principal'', %L, true)', 'set_config() in another spelling'),
    ('ALTER ROLE CURRENT_USER SET aiven_rbac.principal = %L', 'ALTER ROLE … SET'),
    ('ALTER ROLE CURRENT_USER IN DATABASE pgtap SET aiven_rbac.principal = %L', 'ALTER ROLE … IN DATABASE … SET'),
    ('DO $do$ BEGIN SET LOCAL aiven_rbac.principal = %L; END $do$', 'SET in DO'),
    ('CREATE FUNCTION trojan() RETURNS uuid LANGUAGE sql SET aiven_rbac.principal = %L AS ''SELECT rbac_current_principal()''',
     'CREATE FUNCTION … SET'),
    ('CREATE FUNCTION trojan() RETURNS uuid LANGUAGE sql SECURITY DEFINER SET aiven_rbac.principal = %L AS ''SELECT rbac_current_principal()''',
     'CREATE FUNCTION … SECURITY DEFINER SET'),
    ('CREATE PROCEDURE trojan() LANGUAGE sql SET aiven_rbac.principal = %L AS ''SELECT 1''', 'CREATE PROCEDURE … SET');

SELECT is(attempt(r, 'SELECT rbac_current_principal()', format(f.command, v)),
          '42501 parameter "aiven_rbac.principal" cannot be set directly',
          format('S1: %s as %s (%s)', f.what, r, k))
FROM forgery AS f,
     unnest(ARRAY['rbac_test_plain', 'rbac_test_mapped', current_user]) AS r,
     (VALUES ('a principal', :'carol' || ' t password'), ('no value', '')) AS v (k, v);

SELECT is(attempt(current_user, 'SELECT rbac_current_principal()', command),
          '42501 parameter "aiven_rbac.principal" cannot be set directly', 'S1: ' || what || ' as superuser')
FROM (VALUES
    (format('ALTER DATABASE pgtap SET aiven_rbac.principal = %L', :'carol' || ' f '), 'ALTER DATABASE … SET'),
    (format('ALTER ROLE ALL SET aiven_rbac.principal = %L', :'carol' || ' f '), 'ALTER ROLE ALL SET'),
    (format('ALTER ROLE rbac_test_plain SET aiven_rbac.principal = %L', :'carol' || ' f '), 'ALTER ROLE of another SET'),
    (format('ALTER FUNCTION rbac_current_principal() SET aiven_rbac.principal = %L', :'carol' || ' f '), 'ALTER FUNCTION … SET')
) AS v (command, what);

SELECT CASE WHEN current_setting('server_version_num')::int < 150000 THEN skip('no reserved prefixes before PostgreSQL 15', 1)
       ELSE is(attempt(r, 'SELECT 1', format('SET aiven_rbac.principle = %L', :'carol')),
               '42602 invalid configuration parameter name "aiven_rbac.principle"',
               'S1: a name like it cannot be set, so nobody is misled, as ' || r) END
FROM unnest(ARRAY['rbac_test_plain', current_user]) AS r;

SELECT is(attempt('rbac_test_plain', 'SELECT rbac_current_principal()',
                  format('UPDATE pg_settings SET setting = %L WHERE name = ''aiven_rbac.principal''', :'carol' || ' f ')),
          'NULL', 'S1: the view pg_settings does not have it');

-- A right to set the parameter is of no use.
SELECT CASE WHEN current_setting('server_version_num')::int < 150000 THEN skip('no GRANT ON PARAMETER before PostgreSQL 15', 1)
       ELSE is(attempt(current_user, 'SELECT rbac_current_principal()',
                       'GRANT SET, ALTER SYSTEM ON PARAMETER aiven_rbac.principal TO rbac_test_plain',
                       'SET LOCAL SESSION AUTHORIZATION rbac_test_plain',
                       format('SET aiven_rbac.principal = %L', :'carol' || ' f ')),
               '42501 parameter "aiven_rbac.principal" cannot be set directly',
               'S1: GRANT SET ON PARAMETER') END;

-- A superuser writes catalogs by hand: it works no better.
SELECT is(attempt(current_user, 'SELECT trojan()',
                  'CREATE FUNCTION trojan() RETURNS uuid LANGUAGE sql AS ''SELECT rbac_current_principal()''',
                  format('UPDATE pg_proc SET proconfig = ARRAY[%L] WHERE proname = ''trojan''',
                         'aiven_rbac.principal=' || :'carol' || ' f ')),
          '42501 parameter "aiven_rbac.principal" cannot be set directly',
          'S1: a SET clause written into pg_proc');

-- What is set can't be caught for later.
SELECT is(attempt(current_user, 'SELECT trojan()',
                  format('SELECT rbac_set_principal(%L)', :'carol'),
                  'CREATE FUNCTION trojan() RETURNS uuid LANGUAGE sql SET aiven_rbac.principal FROM CURRENT AS ''SELECT rbac_current_principal()'''),
          '42501 parameter "aiven_rbac.principal" cannot be set directly',
          'S1: CREATE FUNCTION … SET … FROM CURRENT while a principal is set');
SELECT is(attempt(current_user, 'SELECT rbac_current_principal()',
                  format('SELECT rbac_set_principal(%L)', :'carol'),
                  'ALTER ROLE CURRENT_USER SET aiven_rbac.principal FROM CURRENT'),
          '42501 parameter "aiven_rbac.principal" cannot be set directly',
          'S1: ALTER ROLE … SET … FROM CURRENT while a principal is set');
SELECT is(attempt(current_user, 'SELECT rbac_current_principal()',
                  format('SELECT rbac_set_principal(%L)', :'bob'),
                  format('SELECT set_config(''aiven_rbac.principal'', replace(current_setting(''aiven_rbac.principal''), %L, %L), true)',
                         :'bob', :'carol')),
          '42501 parameter "aiven_rbac.principal" cannot be set directly',
          'S1: the value of one principal does not open the door to another');

-- An exception block takes back what failed in it, and no more.
SELECT is(attempt(r, 'SELECT rbac_current_principal()',
                  format('DO $do$ BEGIN SET aiven_rbac.principal = %L; EXCEPTION WHEN OTHERS THEN NULL; END $do$', :'carol' || ' f ')),
          expected, 'S1: SET in an exception block leaves who it was, as ' || r)
FROM (VALUES ('rbac_test_plain', 'NULL'), ('rbac_test_mapped', :'bob')) AS v (r, expected);
SELECT is(attempt('rbac_test_plain', 'SELECT rbac_current_principal()', command, format('SET LOCAL aiven_rbac.principal = %L', :'carol' || ' f ')),
          '42501 parameter "aiven_rbac.principal" cannot be set directly', 'S1: SET after ' || command)
FROM unnest(ARRAY['RESET aiven_rbac.principal', 'SET LOCAL aiven_rbac.principal TO DEFAULT', 'RESET ALL',
                  'SELECT rbac_reset_principal()']) AS command;

-- A refused attempt changes nothing.
BEGIN;
SELECT rbac_set_principal(:'bob');
SELECT throws_ok(format('SET aiven_rbac.principal = %L', :'carol' || ' f '), '42501', NULL, 'S1: SET over a principal is refused');
SELECT is(rbac_current_principal(), :'bob', 'S1: who it was, it stays');
ROLLBACK;

-- What PostgreSQL lets nobody do in a function: psql keeps the error.
\set ON_ERROR_STOP off
ALTER SYSTEM SET aiven_rbac.principal = 'forged';
\set alter_system :LAST_ERROR_MESSAGE
BEGIN;
CREATE FUNCTION wrapped(who uuid) RETURNS uuid LANGUAGE plpgsql PARALLEL SAFE
    AS 'BEGIN PERFORM rbac_set_principal(who); RETURN rbac_current_principal(); END';
SELECT set_config(name, 'on', true) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT wrapped(:'carol');
\set wrapped :LAST_ERROR_MESSAGE
ROLLBACK;
\set ON_ERROR_STOP on
SELECT is(:'alter_system', 'parameter "aiven_rbac.principal" cannot be changed'::text,
          'S1: ALTER SYSTEM as superuser, where the setting is known');
-- In 14 it is PostgreSQL that says so.
SELECT matches(:'wrapped'::text, '^(parameter "aiven_rbac.principal" cannot be set|cannot set parameters) during a parallel operation$',
          'S1: a function that is falsely marked PARALLEL SAFE sets no principal in a worker');
SELECT is(attempt('rbac_test_plain', 'SELECT 1', 'LOAD ''aiven_rbac'''), '42501 access to library "aiven_rbac" is not allowed',
          'S1: an ordinary role does not load the library from where it likes');

-- Who may call the setter -----------------------------------------------------

SELECT is(attempt(r, 'SELECT rbac_current_principal()', format('SELECT rbac_set_principal(%L)', :'carol')),
          '42501 permission denied for function rbac_set_principal', 'S1: nobody has rbac_set_principal() by default: ' || r)
FROM unnest(ARRAY['rbac_test_plain', 'rbac_test_mapped']) AS r;
SELECT is(attempt(r, 'SELECT rbac_current_principal()', format('SELECT rbac_database_role_map(''rbac_test_plain'', %L)', :'carol')),
          '42501 permission denied for function rbac_database_role_map', 'S1: nor rbac_database_role_map(): ' || r)
FROM unnest(ARRAY['rbac_test_plain', 'rbac_test_mapped']) AS r;
SELECT is(attempt(current_user, 'SELECT rbac_current_principal()',
                  'GRANT EXECUTE ON FUNCTION rbac_set_principal TO rbac_test_plain',
                  'SET LOCAL SESSION AUTHORIZATION rbac_test_plain',
                  format('SELECT rbac_set_principal(%L)', :'carol')),
          :'carol', 'S1: a trusted back end that was given EXECUTE can');
SELECT throws_ok('SELECT rbac_set_principal(NULL)', '22004', 'principal must not be null', 'S1: no principal is not a principal');
SELECT throws_ok(format('SELECT rbac_set_principal(%L, repeat(''x'', 64))', :'bob'), '22023', 'login method is too long',
                 'S1: the method has a longest length');

SELECT is(attempt('rbac_test_plain', 'SELECT rbac_user(''bob@acme.example'')'), '42501 no principal is set',
          'S6: without a principal nothing is looked up');
SELECT is(attempt(current_user, 'SELECT rbac_user(''bob@acme.example'')',
                  'GRANT EXECUTE ON FUNCTION rbac_set_principal TO rbac_test_plain',
                  'SET LOCAL SESSION AUTHORIZATION rbac_test_plain'),
          :'bob', 'S6: but by a trusted back end, which must know whom to set');

-- Other people's identity: SET ROLE, definer functions, mapped roles ------------

SELECT is(attempt('rbac_test_mapped', 'SELECT rbac_current_principal()'), :'bob',
          'S1: a mapped database role that logs in is its principal');
SELECT is(attempt('rbac_test_mapped', 'SELECT rbac_has_permission(''acme.engineering.backend-dev'', ''admin'')'), 'true',
          'S1: and holds what it holds');
SELECT is(attempt('rbac_test_plain', 'SELECT rbac_current_principal()', 'SET ROLE rbac_test_mapped'), 'NULL',
          'S1: SET ROLE to a mapped role does not make its principal');
SELECT is(attempt(current_user, 'SELECT rbac_current_principal()', 'SET ROLE rbac_test_mapped'), 'NULL',
          'S1: nor when a superuser does it');
SELECT is(attempt('rbac_test_mapped', 'SELECT rbac_current_principal()', 'SET ROLE rbac_test_plain'),
          '42501 permission denied to set role "rbac_test_plain"', 'S1: roles cannot be had against PostgreSQL''s own rules');

CREATE FUNCTION as_definer() RETURNS uuid LANGUAGE sql SECURITY DEFINER AS 'SELECT rbac_current_principal()';
CREATE FUNCTION unit_as_definer() RETURNS text LANGUAGE sql SECURITY DEFINER
    AS $$ SELECT rbac_unit_create('acme', 'forged')::text $$;
CREATE FUNCTION as_mapped() RETURNS uuid LANGUAGE sql SECURITY DEFINER AS 'SELECT rbac_current_principal()';
ALTER FUNCTION as_mapped() OWNER TO rbac_test_mapped;
SELECT is(attempt('rbac_test_plain', 'SELECT as_mapped()'), 'NULL',
          'S1: a mapped role''s SECURITY DEFINER function does not lend its principal');
SELECT is(attempt('rbac_test_mapped', 'SELECT as_definer()'), :'bob',
          'S1: a superuser''s leaves the caller who it is');
SELECT is(attempt('rbac_test_plain', 'SELECT unit_as_definer()'), '42501 no principal is set',
          'S1: and makes nobody the bootstrap operator');
SELECT is(attempt('rbac_test_mapped', 'SELECT unit_as_definer()'), '42501 permission denied for organization "acme"',
          'S1: whoever calls it needs the right');

SELECT is(attempt(current_user, 'SELECT rbac_current_principal()',
                  format('SELECT rbac_set_principal(%L)', :'carol'), 'SET LOCAL SESSION AUTHORIZATION rbac_test_mapped'),
          :'carol', 'S1: one that was set goes before the mapping');
SELECT is(attempt(current_user, 'SELECT rbac_current_principal()',
                  format('SELECT rbac_set_principal(%L)', :'carol'), 'SET LOCAL SESSION AUTHORIZATION rbac_test_mapped',
                  'SELECT rbac_reset_principal()'),
          :'bob', 'S1: and the mapping counts again when it is reset');
SELECT is(attempt(current_user, 'SELECT rbac_current_principal()',
                  'SELECT rbac_database_role_map(''rbac_test_mapped'', NULL)',
                  'SET LOCAL SESSION AUTHORIZATION rbac_test_mapped'),
          'NULL', 'S1: a mapping can be undone, at once');

-- The bootstrap operator ---------------------------------------------------------

CREATE TABLE administration (command text);
INSERT INTO administration VALUES
    (format('SELECT rbac_organization_create(''mall'', ''Mall'', %L)', :'bob')),
    ('SELECT rbac_organization_delete(''acme'')'),
    ('SELECT rbac_unit_create(''acme'', ''forged'')'),
    ('SELECT rbac_unit_delete(''acme.analytics'')'),
    ('SELECT rbac_project_create(''acme'', ''forged'')'),
    ('SELECT rbac_project_delete(''acme.finance-prod'')'),
    ('SELECT rbac_project_move(''acme.finance-prod'', ''acme.engineering'')'),
    ('SELECT rbac_service_create(''acme.finance-prod'', ''forged'', ''pg'')'),
    ('SELECT rbac_service_delete(''acme.finance-prod.postgresql'')'),
    ('SELECT rbac_application_user_create(''acme'', ''forged'')'),
    ('SELECT rbac_group_create(''acme'', ''forged'')'),
    ('SELECT rbac_invitation_create(''acme'', ''mallory@acme.example'')'),
    (format('SELECT rbac_member_remove(''acme'', %L)', :'bob')),
    ('SELECT rbac_member_leave(''acme'')'),
    (format('SELECT rbac_grant(%L, ''admin'', ''acme.finance-prod'')', :'bob')),
    (format('SELECT rbac_revoke(%L, ''read_only'', ''acme.engineering.backend-dev'')', :'carol')),
    (format('SELECT rbac_group_member_add(%L, %L)', rbac_group('acme', 'backend-team'), :'carol')),
    (format('SELECT rbac_group_member_remove(%L, %L)', rbac_group('acme', 'backend-team'), :'bob')),
    (format('SELECT rbac_super_admin_add(''acme'', %L)', :'bob')),
    (format('SELECT rbac_super_admin_remove(''acme'', %L)', :'ann'));

SELECT is(attempt('rbac_test_plain', 'SELECT ''done''', command), '42501 no principal is set',
          'G10: refused without a principal: ' || command)
FROM administration;
SELECT is(attempt(current_user, 'SELECT ''done''', 'SET ROLE rbac_test_plain', command), '42501 no principal is set',
          'S1: a superuser who took an ordinary role is no operator: ' || command)
FROM administration;

SELECT is(attempt(current_user, 'SELECT rbac_unit_create(''acme'', ''mine'')'), 'acme.mine', 'S1: a superuser is the bootstrap operator');
SELECT is(attempt(current_user, 'SELECT unit_as_definer()'), 'acme.forged',
          'S1: in a SECURITY DEFINER function as well');
SELECT is(attempt(current_user, 'SELECT rbac_unit_create(''acme'', ''mine'')',
                  format('GRANT %I TO rbac_test_plain', current_user), 'SET LOCAL SESSION AUTHORIZATION rbac_test_plain'),
          'acme.mine', 'S1: and so is a role that has the privileges of the extension''s owner');
SELECT is(attempt(current_user, 'SELECT rbac_unit_create(''acme'', ''mine'')',
                  'ALTER ROLE rbac_test_plain NOINHERIT', format('GRANT %I TO rbac_test_plain', current_user),
                  'SET LOCAL SESSION AUTHORIZATION rbac_test_plain', format('SET ROLE %I', current_user)),
          '42501 no principal is set', 'S1: but not one that can only take the owner''s role');
SELECT is(attempt(current_user, 'SELECT rbac_unit_create(''acme'', ''mine'')', format('SELECT rbac_set_principal(%L)', :'carol')),
          '42501 permission denied for organization "acme"', 'S1: a superuser for whom a principal is set is that principal');
SELECT is(attempt(current_user, 'SELECT rbac_unit_create(''acme'', ''mine'')', 'SELECT rbac_set_principal(gen_random_uuid())'),
          '42704 organization "acme" does not exist', 'G10: nor when there is no such principal');

-- Work that PostgreSQL does for somebody else's objects on behalf of whoever
-- maintains them: the owner's code must not act with the maintainer's standing.
CREATE FUNCTION trap_index(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM public.rbac_unit_create('acme', 'trapped');
    RETURN $1;
EXCEPTION WHEN OTHERS THEN
    RETURN $1;
END $$;
CREATE TABLE trap_table AS SELECT 1 AS n;
CREATE FUNCTION trap_view() RETURNS text LANGUAGE sql AS $$ SELECT public.rbac_unit_create('acme', 'trapped')::text $$;
ALTER TABLE trap_table OWNER TO rbac_test_plain;
ALTER FUNCTION trap_index(integer) OWNER TO rbac_test_plain;
ALTER FUNCTION trap_view() OWNER TO rbac_test_plain;
SET client_min_messages = error;
SET SESSION AUTHORIZATION rbac_test_plain;
CREATE INDEX trap_index ON trap_table (trap_index(n));
CREATE MATERIALIZED VIEW trap_matview AS SELECT trap_view() WITH NO DATA;
RESET SESSION AUTHORIZATION;
REINDEX TABLE trap_table;
ANALYZE trap_table;
RESET client_min_messages;
SELECT throws_ok('REFRESH MATERIALIZED VIEW trap_matview', '42501',
                 'cannot administer within security-restricted operation',
                 'S1: REFRESH MATERIALIZED VIEW by a superuser does not make its owner the operator');
SELECT is_empty('SELECT path FROM aiven_rbac.resource WHERE path <@ ''acme.trapped''',
                'S1: nor do REINDEX and ANALYZE with an index''s expression');
CREATE VIEW trap_looks AS SELECT v FROM rbac_tree('acme') AS v;
ALTER VIEW trap_looks OWNER TO rbac_test_plain;
SET SESSION AUTHORIZATION rbac_test_plain;
CREATE MATERIALIZED VIEW trap_peep AS SELECT v FROM trap_looks WITH NO DATA;
RESET SESSION AUTHORIZATION;
SELECT throws_ok('REFRESH MATERIALIZED VIEW trap_peep', '42501',
                 'cannot look anything up within security-restricted operation',
                 'S1: nor is anything looked up for the owner that way');
BEGIN;
SELECT rbac_set_principal(:'ann');
SELECT throws_ok('REFRESH MATERIALIZED VIEW trap_matview', '42501',
                 'cannot administer within security-restricted operation',
                 'S1: nor does it lend the session''s principal');
COMMIT;

-- Nor does the code of one who may set principals set one in somebody else's session.
GRANT EXECUTE ON FUNCTION rbac_set_principal TO rbac_test_plain;
CREATE FUNCTION trap_identity() RETURNS text LANGUAGE sql
    AS $$ SELECT public.rbac_set_principal('00000000-0000-0000-0000-0000000000aa')::text $$;
ALTER FUNCTION trap_identity() OWNER TO rbac_test_plain;
SET SESSION AUTHORIZATION rbac_test_plain;
CREATE MATERIALIZED VIEW trap_person AS SELECT trap_identity() WITH NO DATA;
RESET SESSION AUTHORIZATION;
SELECT throws_ok('REFRESH MATERIALIZED VIEW trap_person', '42501',
                 'cannot set the principal within security-restricted operation',
                 'S1: REFRESH MATERIALIZED VIEW makes nobody its owner''s choice');
REVOKE EXECUTE ON FUNCTION rbac_set_principal FROM rbac_test_plain;

-- The action of a foreign key runs as the owner of the table that references, and
-- fires what that owner has attached.
CREATE TABLE trap_parent (n int PRIMARY KEY);
CREATE TABLE trap_child (n int REFERENCES trap_parent ON DELETE CASCADE);
CREATE TABLE trap_told (outcome text);
CREATE FUNCTION trap_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.rbac_unit_create('acme', 'trapped');
    RETURN OLD;
EXCEPTION WHEN insufficient_privilege THEN
    INSERT INTO trap_told VALUES (SQLERRM);
    RETURN OLD;
END $$;
CREATE TRIGGER trap BEFORE DELETE ON trap_child FOR EACH ROW EXECUTE FUNCTION trap_trigger();
ALTER TABLE trap_child OWNER TO rbac_test_plain;
ALTER TABLE trap_told OWNER TO rbac_test_plain;
INSERT INTO trap_parent VALUES (1), (2);
INSERT INTO trap_child VALUES (1), (2);
DELETE FROM trap_parent WHERE n = 1;
BEGIN;
SELECT rbac_set_principal(:'ann');
DELETE FROM trap_parent WHERE n = 2;
COMMIT;
SELECT results_eq('SELECT outcome FROM trap_told', $$ VALUES ('cannot administer within the action of a foreign key'), ('cannot administer within the action of a foreign key') $$,
                  'S1: a trigger that an action of a foreign key fires acts for nobody, neither an operator nor a principal');
SELECT is((SELECT count(*) FROM trap_child) || ' ' || (SELECT count(*) FROM aiven_rbac.resource WHERE path <@ 'acme.trapped'), '0 0',
          'S1: and the action is carried out');

DROP FUNCTION as_mapped();
DROP MATERIALIZED VIEW trap_matview, trap_peep, trap_person;
DROP TABLE trap_table, trap_child, trap_parent;
DROP OWNED BY rbac_test_plain, rbac_test_mapped;
SELECT rbac_database_role_map('rbac_test_mapped', NULL);
DROP ROLE rbac_test_mapped, rbac_test_plain;
SELECT * FROM finish();
