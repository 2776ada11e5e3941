-- When the session's principal begins and ends (S2).  What needs a fresh
-- connection, a pooler or a parallel worker is in test/t/001_session.pl and
-- test/t/002_pooler.pl; who may not set it is in test/attack/principal.sql.

\o /dev/null
\i examples/acme.sql
\o
SELECT rbac_user('bob@acme.example') AS bob, rbac_user('carol@acme.example') AS carol,
       rbac_user('ann@acme.example') AS ann \gset

-- S2: what a pooler sends between two clients.  It drops pgTAP's state, too.
SELECT rbac_set_principal(:'bob', is_local => false) \gset
SELECT rbac_has_permission('acme.engineering.backend-dev', 'admin') AS held_before \gset
DISCARD ALL;
SELECT rbac_has_permission('acme.engineering.backend-dev', 'admin') AS held_after,
       rbac_current_principal() IS NULL AS nobody_after \gset

SELECT no_plan();
SELECT ok(:'held_before' AND :'nobody_after' AND NOT :'held_after', 'S2: DISCARD ALL leaves nobody, who holds nothing');

CREATE FUNCTION who() RETURNS text LANGUAGE sql
    AS $$ SELECT coalesce((SELECT name FROM aiven_rbac.principal WHERE id = rbac_current_principal()), 'nobody') $$;

SELECT is(who(), 'nobody', 'S2: nobody at first');
BEGIN;
SELECT rbac_set_principal(:'bob');
SELECT is(who(), 'Bob', 'S2: a local principal in its transaction');
COMMIT;
SELECT is(who(), 'nobody', 'S2: and not after COMMIT');
BEGIN;
SELECT rbac_set_principal(:'bob');
ROLLBACK;
SELECT is(who(), 'nobody', 'S2: nor after ROLLBACK');
SELECT rbac_set_principal(:'bob');
SELECT is(who(), 'nobody', 'S2: a local one outside a transaction block ends with its statement');

BEGIN;
SELECT rbac_set_principal(:'bob', is_local => false);
ROLLBACK;
SELECT is(who(), 'nobody', 'S2: ROLLBACK undoes one for the session');
BEGIN;
SELECT rbac_set_principal(:'bob', is_local => false);
COMMIT;
SELECT is(who(), 'Bob', 'S2: COMMIT keeps it');
BEGIN;
SELECT rbac_set_principal(:'carol');
SELECT is(who(), 'Carol', 'S2: a local principal stands before the session''s');
COMMIT;
SELECT is(who(), 'Bob', 'S2: which is back afterwards');
BEGIN;
SELECT rbac_set_principal(:'carol');
SELECT rbac_reset_principal();
SELECT is(who(), 'nobody', 'S2: rbac_reset_principal() ends both');
ROLLBACK;
SELECT is(who(), 'Bob', 'S2: if the transaction is committed');
BEGIN;
SELECT rbac_set_principal(:'carol');
SELECT rbac_reset_principal();
COMMIT;
SELECT is(who(), 'nobody', 'S2: which it was');

BEGIN;
SELECT rbac_set_principal(:'bob');
SAVEPOINT a;
SELECT rbac_set_principal(:'carol');
SELECT is(who(), 'Carol', 'S2: in a savepoint');
ROLLBACK TO a;
SELECT is(who(), 'Bob', 'S2: ROLLBACK TO brings back the one before');
SELECT rbac_reset_principal();
SELECT is(who(), 'nobody', 'S2: reset in a savepoint');
ROLLBACK TO a;
SELECT is(who(), 'Bob', 'S2: comes undone, too');
SELECT rbac_set_principal(:'carol');
RELEASE a;
SELECT is(who(), 'Carol', 'S2: RELEASE keeps it');
DO $$
BEGIN
    PERFORM rbac_set_principal(rbac_user('dave@acme.example'));
    RAISE EXCEPTION 'no';
EXCEPTION WHEN OTHERS THEN
    NULL;
END $$;
SELECT is(who(), 'Carol', 'S2: an exception block takes its principal along');
DO $$
BEGIN
    PERFORM rbac_set_principal(rbac_user('dave@acme.example'), is_local => false);
    RAISE EXCEPTION 'no';
EXCEPTION WHEN OTHERS THEN
    NULL;
END $$;
SELECT is(who(), 'Carol', 'S2: one for the session, too');
DO $$
BEGIN
    PERFORM rbac_set_principal(rbac_user('dave@acme.example'));
EXCEPTION WHEN OTHERS THEN
    NULL;
END $$;
SELECT is(who(), 'Dave', 'S2: and keeps it when there is none');
COMMIT;

CREATE FUNCTION as_bob_inside(uuid) RETURNS text LANGUAGE plpgsql SET work_mem = '1MB' AS $$
BEGIN
    PERFORM rbac_set_principal($1);
    RETURN who();
END $$;
BEGIN;
SELECT rbac_set_principal(:'carol');
SELECT is(as_bob_inside(:'bob'), 'Bob', 'S2: a function with a SET clause of its own can act as somebody');
SELECT is(who(), 'Bob', 'S2: until the transaction ends, like SET LOCAL');
ROLLBACK;

SELECT rbac_set_principal(:'bob', is_local => false);
RESET aiven_rbac.principal;
SELECT is(who(), 'nobody', 'S2: RESET');
SELECT rbac_set_principal(:'bob', is_local => false);
SET aiven_rbac.principal TO DEFAULT;
SELECT is(who(), 'nobody', 'S2: SET TO DEFAULT');
SELECT rbac_set_principal(:'bob', is_local => false);
RESET ALL;
SELECT is(who(), 'nobody', 'S2: RESET ALL');
SELECT rbac_set_principal(:'bob', is_local => false);
BEGIN;
SET LOCAL aiven_rbac.principal TO DEFAULT;
SELECT is(who(), 'nobody', 'S2: SET LOCAL TO DEFAULT');
COMMIT;
SELECT is(who(), 'Bob', 'S2: only for the transaction');
BEGIN;
SELECT rbac_set_principal(:'carol');
RESET ALL;
SELECT is(who(), 'nobody', 'S2: RESET ALL over a local principal over one for the session');
COMMIT;
SELECT is(who(), 'nobody', 'S2: ends both');

-- Within one query: whoever is the session's principal when a row is judged
BEGIN;
CREATE FUNCTION become(principal uuid) RETURNS boolean LANGUAGE plpgsql
    AS $$ BEGIN PERFORM rbac_set_principal(principal, is_local => true); RETURN true; END $$;
SELECT is((SELECT array_agg(become(p) AND rbac_has_permission('acme', 'super_admin.manage') ORDER BY n)
           FROM unnest(ARRAY[:'ann', :'bob', :'ann', :'bob']::uuid[]) WITH ORDINALITY AS t (p, n)),
          '{t,f,t,f}', 'S2: each row is judged by the principal of that moment');
SELECT is((SELECT count(*)::int FROM unnest(ARRAY[:'bob', :'ann', :'bob', :'ann']::uuid[]) AS t (p)
           WHERE CASE WHEN become(p) THEN rbac_has_any_permission('acme', 'organization.delete', 'super_admin.manage') END),
          2, 'S2: in a condition as well');
COMMIT;

SELECT * FROM finish();
