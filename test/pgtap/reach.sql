-- The lists that scans are given: complete, and bounded in memory however many
-- different ones a session asks for.
BEGIN;
\i examples/acme.sql
SELECT plan(3);
SET LOCAL aiven_rbac.cache_size = '64kB';
SELECT rbac_set_principal(rbac_user('dave@acme.example')) \g /dev/null
SELECT set_eq($$ SELECT rbac_resource_path(id) FROM unnest(aiven_rbac.reachable_ids('{service.view}')) AS id $$,
              $$ SELECT path FROM unnest(aiven_rbac.reachable_paths('{service.view}')) AS path $$,
              'ids and paths name the same resources');
SELECT is((SELECT count(*) FROM generate_series(1, 1000) AS n
           WHERE aiven_rbac.reachable_ids(array_fill('service.view'::text, ARRAY[n])) = aiven_rbac.reachable_ids('{service.view}')),
          1000::bigint, 'a list of names gives the same however long it is');
SELECT cmp_ok((SELECT bytes FROM rbac_cache_stats()), '<', 512 * 1024::bigint, 'and not every one of them is kept');
SELECT * FROM finish();
ROLLBACK;
