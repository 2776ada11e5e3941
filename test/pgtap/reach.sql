-- The lists that scans are given: complete, and bounded in memory however many
-- different ones a session asks for.
BEGIN;
\i examples/acme.sql
SELECT plan(8);
SET LOCAL aiven_rbac.cache_size = '64kB';
SELECT rbac_set_principal(rbac_user('dave@acme.example')) \g /dev/null
SELECT set_eq($$ SELECT rbac_resource_path(id) FROM unnest(aiven_rbac.reachable_ids('{service.view}')) AS id $$,
              $$ SELECT path FROM unnest(aiven_rbac.reachable_paths('{service.view}')) AS path $$,
              'ids and paths name the same resources');
SELECT is((SELECT count(*) FROM generate_series(1, 1000) AS n
           WHERE aiven_rbac.reachable_ids(array_fill('service.view'::text, ARRAY[n])) = aiven_rbac.reachable_ids('{service.view}')),
          1000::bigint, 'a list of names gives the same however long it is');
SELECT cmp_ok((SELECT bytes FROM rbac_cache_stats()), '<', 512 * 1024::bigint, 'and not every one of them is kept');

-- More conditions are planned for than the session remembers; each plan still
-- follows when the principal changes to one that reaches more, or less.
CREATE TABLE placed AS SELECT id AS place FROM aiven_rbac.resource, generate_series(1, 50);
CREATE INDEX ON placed (place);
ANALYZE placed;
CREATE FUNCTION counts() RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
    result bigint;
BEGIN
    FOR n IN 1 .. 80 LOOP
        IF NOT EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'count_' || n) THEN
            EXECUTE format('PREPARE count_%s AS SELECT count(*) FROM placed WHERE rbac_has_any_permission(place, VARIADIC %L::text[])',
                           n, array_fill('service.view'::text, ARRAY[n]));
        END IF;
        EXECUTE 'EXECUTE count_' || n INTO result;
        RETURN NEXT result;
    END LOOP;
END
$$;
SELECT results_eq('SELECT DISTINCT count, s.n FROM (SELECT count(*) AS n FROM counts()) AS s, counts() AS count',
                  format('SELECT count(*), 80::bigint FROM placed WHERE rbac_has_permission(%L::uuid, place, ''service.view'')', rbac_user(v.who)),
                  'a plan of each of many conditions, for ' || v.who)
FROM (VALUES ('dave@acme.example'), ('ann@acme.example'), ('dave@acme.example')) AS v (who),
     LATERAL rbac_set_principal(rbac_user(v.who));

-- Planning says nothing of names; asking does.
SELECT rbac_reset_principal() \g /dev/null
SELECT lives_ok($$ EXPLAIN SELECT FROM placed WHERE rbac_has_permission(place, 'no.such.action') $$, 'a plan without a principal, for an unknown name');
SELECT throws_ok($$ SELECT FROM placed WHERE rbac_has_permission(place, 'no.such.action') $$, '42704', NULL, 'which nobody is asked by');

SELECT * FROM finish();
ROLLBACK;
