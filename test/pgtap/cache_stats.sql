-- What is shown of the cache (C1)
BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
\o /dev/null
\ir ../../examples/acme.sql
\o

CREATE TEMP TABLE before AS SELECT * FROM rbac_cache_stats();
SELECT columns_are('before', '{entries,bytes,hits,misses,loads,lookups,walks,evictions,invalidations}'::name[],
                   'the cache is shown with the columns that are documented');
SELECT is((SELECT entries FROM before), 0, 'C1: after changes, nothing old is kept');
SELECT ok((SELECT invalidations > 0 FROM before), 'C1: changes of this session count as invalidations');
SELECT ok(rbac_has_permission(rbac_user('bob@acme.example'), 'acme.engineering.backend-dev', 'service.fork'), 'a decision');
CREATE TEMP TABLE loaded AS SELECT * FROM rbac_cache_stats();
SELECT results_eq('SELECT l.entries, l.loads - b.loads, l.misses - b.misses, l.lookups - b.lookups FROM loaded l, before b',
                  'VALUES (1, 1::bigint, 1::bigint, 1::bigint)', 'it reads one principal and looks one resource up');
SELECT cmp_ok((SELECT bytes FROM loaded), '>', 0::bigint, 'its memory is counted');
SELECT ok(rbac_has_permission(rbac_user('bob@acme.example'), 'acme.engineering.backend-dev', 'service.fork'), 'the same again');
SELECT results_eq('SELECT s.loads - l.loads, s.lookups - l.lookups, s.hits > l.hits FROM rbac_cache_stats() s, loaded l',
                  'VALUES (0::bigint, 0::bigint, true)', 'it reads nothing and is a hit');
SELECT rbac_grant(rbac_user('erin@acme.example'), 'read_only', 'acme');
SELECT results_eq('SELECT s.entries, s.invalidations > l.invalidations FROM rbac_cache_stats() s, loaded l',
                  'VALUES (0, true)', 'C1: a grant makes what is cached old');
SET LOCAL aiven_rbac.cache_size = '64kB';
SELECT count(rbac_has_permission(md5(g::text)::uuid, 'acme'::rbac_path, 'service.fork')) FROM generate_series(1, 100) g;
SELECT ok(s.evictions > 0 AND s.bytes <= 65536, 'memory is bounded by aiven_rbac.cache_size') FROM rbac_cache_stats() s;
RESET aiven_rbac.cache_size;

SELECT * FROM finish();
ROLLBACK;
