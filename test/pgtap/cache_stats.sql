-- What is shown of the cache (C1).  That is this process's own, so no worker may
-- take part, whatever the server's settings are.
BEGIN;
SET LOCAL max_parallel_workers = 0;
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
                  'VALUES (1, true)', 'C6: somebody else''s grant makes nothing old that is cached');
SELECT rbac_grant(rbac_user('bob@acme.example'), 'read_only', 'acme');
SELECT results_eq('SELECT entries FROM rbac_cache_stats()', 'VALUES (0)', 'C1: a grant makes what is cached of its principal old');
SET LOCAL aiven_rbac.cache_size = '64kB';
SELECT count(rbac_has_permission(md5(g::text)::uuid, 'acme'::rbac_path, 'service.fork')) FROM generate_series(1, 100) g;
SELECT ok(s.evictions > 0 AND s.bytes <= 65536, 'memory is bounded by aiven_rbac.cache_size') FROM rbac_cache_stats() s;
RESET aiven_rbac.cache_size;

-- A session that serves thousands keeps them all, if each takes little.
SELECT count(rbac_project_create('acme', 'q' || g)) FROM generate_series(1, 27) g;
INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind)
SELECT rbac_user('frank@acme.example'), r.id, g.id, r.organization, 'project'
FROM aiven_rbac.resource r, aiven_rbac.grantable g WHERE r.path::text ~ '^acme[.]q' AND g.name = 'developer';
CREATE TEMP TABLE few AS SELECT * FROM rbac_cache_stats();
SELECT ok(rbac_has_permission(rbac_user('frank@acme.example'), 'acme.q1', 'service.view'), 'somebody with 27 grants is asked about');
SELECT results_eq('SELECT s.entries - f.entries, s.bytes - f.bytes <= 4096 FROM rbac_cache_stats() s, few f', 'VALUES (1, true)', 'it takes at most 4 kB');

-- A principal whose grants alone take more than the setting allows keeps what it
-- found out about resources all the same.
SELECT count(rbac_project_create('acme', 'p' || g)) FROM generate_series(1, 600) g;
INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind)
SELECT rbac_user('erin@acme.example'), r.id, g.id, r.organization, 'project'
FROM aiven_rbac.resource r, aiven_rbac.grantable g WHERE r.path::text ~ '^acme[.]p' AND g.name = 'developer';
SET LOCAL aiven_rbac.cache_size = '64kB';
SELECT is(count(*) FILTER (WHERE rbac_has_permission(rbac_user('erin@acme.example'), ('acme.p' || g)::rbac_path, 'service.view')), 400::bigint,
          'a principal with many grants is asked about many resources') FROM generate_series(1, 400) g;
CREATE TEMP TABLE looked AS SELECT * FROM rbac_cache_stats();
SELECT cmp_ok(bytes, '>', 65536::bigint, 'it takes more than aiven_rbac.cache_size') FROM looked;
SELECT count(rbac_has_permission(rbac_user('erin@acme.example'), ('acme.p' || g)::rbac_path, 'service.view')) FROM generate_series(1, 400) g;
SELECT is(s.lookups - l.lookups, 0::bigint, 'S8: no resource is looked up twice') FROM rbac_cache_stats() s, looked l;
RESET aiven_rbac.cache_size;

-- If they are more than there is room for, half of them are kept.
SET LOCAL aiven_rbac.cache_size = '64kB';
SELECT count(rbac_has_permission(rbac_user('erin@acme.example'), ('acme.p' || g)::rbac_path, 'service.view')) FROM generate_series(1, 600) g;
CREATE TEMP TABLE once AS SELECT * FROM rbac_cache_stats();
SELECT is(count(*) FILTER (WHERE rbac_has_permission(rbac_user('erin@acme.example'), ('acme.p' || g)::rbac_path, 'service.view')), 600::bigint,
          'more resources than there is room for get the right answers') FROM generate_series(1, 600) g;
SELECT cmp_ok(s.lookups - o.lookups, '<', 550::bigint, 'and are not all looked up each time') FROM rbac_cache_stats() s, once o;
RESET aiven_rbac.cache_size;

-- Ids that multiplying by a number that everybody knows puts in one place.  A
-- hash table with many keys in one place grows.
CREATE FUNCTION pg_temp.little_endian(n numeric) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(encode(substr(int8send((CASE WHEN n >= 2^63::numeric THEN n - 2^64::numeric ELSE n END)::bigint), i, 1), 'hex'), '' ORDER BY i DESC)
    FROM generate_series(1, 8) AS i
$$;
CREATE FUNCTION pg_temp.meeting_id(n bigint) RETURNS uuid LANGUAGE sql AS $$
    SELECT (pg_temp.little_endian((4711 # n) * 17428512612931826493 % 2^64::numeric) || pg_temp.little_endian(n))::uuid
$$;
CREATE FUNCTION pg_temp.bytes_for(ids uuid[]) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    UPDATE aiven_rbac.access_grant SET granted_at = granted_at;
    PERFORM rbac_has_permission(rbac_user('bob@acme.example'), id, 'service.view') FROM unnest(ids) AS id;
    RETURN (SELECT bytes FROM rbac_cache_stats());
END $$;
SELECT cmp_ok(pg_temp.bytes_for((SELECT array_agg(pg_temp.meeting_id(g)) FROM generate_series(1, 4000) g)), '<',
              2 * pg_temp.bytes_for((SELECT array_agg(md5(g::text)::uuid) FROM generate_series(1, 4000) g)),
              'S8: ids that somebody chose fill a table like others');

SELECT * FROM finish();
ROLLBACK;
