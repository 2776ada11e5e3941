-- The descriptors of the extension's tables (rbac_tables.c), and what is made
-- from them: signals, and the list for pg_dump.
BEGIN;
SELECT plan(10);

CREATE TEMP TABLE described AS
SELECT t.* FROM aiven_rbac.tables() WITH ORDINALITY AS t (name, signal, condition, published, place);

SELECT set_eq('SELECT name FROM described',
              $$ SELECT relname::text FROM pg_class WHERE relnamespace = 'aiven_rbac'::regnamespace AND relkind IN ('r', 'p')
                 AND (NOT relispartition OR relname = 'audit_rest') $$,
              'every table has a descriptor');

SELECT is_empty($$
    SELECT here.name, there.name FROM pg_constraint AS k
    JOIN described AS here ON format('aiven_rbac.%I', here.name)::regclass = k.conrelid
    JOIN described AS there ON format('aiven_rbac.%I', there.name)::regclass = k.confrelid
    WHERE k.contype = 'f' AND there.place >= here.place
$$, 'a table stands after those that it references');
SELECT ok(count(*) > 20, 'and there are references to stand after')
FROM pg_constraint WHERE contype = 'f' AND connamespace = 'aiven_rbac'::regnamespace;

SELECT results_eq($$
    SELECT c.relname::text COLLATE "default", x.condition COLLATE "default" FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) WITH ORDINALITY AS x (id, condition, place)
    JOIN pg_class AS c ON c.oid = x.id WHERE e.extname = 'aiven_rbac' ORDER BY x.place
$$, 'SELECT name, condition FROM described WHERE condition IS NOT NULL ORDER BY place', 'pg_dump takes them along in that order');

-- What dumps say of themselves comes once, however often it is restored.
SELECT lives_ok('INSERT INTO aiven_rbac.dumped_table SELECT d.name, d.installation FROM aiven_rbac.dumped_table AS d', 'a restore may be tried again');
SELECT bag_eq('SELECT name FROM aiven_rbac.dumped_table', 'SELECT name FROM described WHERE condition IS NOT NULL',
              'a dump can tell of every table that it takes along');

-- C reads no table without one of these: rbac_tables_lock()
SELECT results_eq('SELECT signal, array_agg(name ORDER BY name) FROM described WHERE signal IS NOT NULL GROUP BY signal ORDER BY signal', $$ VALUES
    ('catalogue', '{action,allowed_action,grantable,grantable_on}'::text[]),
    ('facts', '{access_grant,authentication_policy,database_role,group_member,membership,principal,resource}'),
    ('none', '{authority,catalogue_signal,facts_signal,plan_signal,retired_id,token,token_use}')
$$, 'what C reads sends a signal, but for what it does not keep');
SELECT results_eq($$
    SELECT c.relname::text COLLATE "default" AS name, g.tgname::text COLLATE "default" AS trigger, CASE WHEN g.tgnargs = 0 THEN 'facts' ELSE encode(g.tgargs, 'escape') END, g.tgenabled
    FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid WHERE g.tgfoid = 'aiven_rbac.signal_change'::regproc ORDER BY 1, 2
$$, $$
    SELECT d.name, t.name, CASE d.signal WHEN 'facts' THEN 'facts' ELSE 'catalogue\000' END, t.enabled
    FROM described AS d, (VALUES ('signal_change', 'A'::"char"), ('signal_change_begun', 'A'), ('signal_change_truncated', 'A')) AS t (name, enabled)
    WHERE d.signal IN ('facts', 'catalogue') ORDER BY 1, 2
$$, 'those and no others have the triggers, which are on in every replication role');

-- A change of each of them is heard, and of no other
\o /dev/null
\ir ../../examples/acme.sql
INSERT INTO aiven_rbac.authentication_policy (organization) SELECT o.id FROM aiven_rbac.organization AS o LIMIT 1;
SELECT rbac_database_role_map(current_user::regrole, rbac_user('erin@acme.example'));
\o
CREATE FUNCTION heard(name text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    before bigint := (SELECT invalidations FROM rbac_cache_stats());
    first text := (SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = format('aiven_rbac.%I', name)::regclass AND attnum = 1);
BEGIN
    EXECUTE format('UPDATE aiven_rbac.%1$I SET %2$s = %2$s WHERE ctid = (SELECT min(ctid) FROM aiven_rbac.%1$I)', name, first);
    RETURN (SELECT invalidations FROM rbac_cache_stats()) > before;
END $$;
SELECT is_empty($$ SELECT name FROM described WHERE name !~ '_signal$|^audit' AND heard(name) <> coalesce(signal IN ('facts', 'catalogue'), false) $$,
                'a session hears of changes of what is signalled');

SELECT is(has_function_privilege('public', 'aiven_rbac.tables()', 'EXECUTE'), false, 'the list is nobody''s business');
SELECT finish();
ROLLBACK;
