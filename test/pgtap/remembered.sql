-- Resources are remembered once for all principals of a session, for as long as
-- their organization's hierarchy is as it was (C1, C3), and only for who belongs
-- there.  The cache is this process's own, so no worker may take part.
BEGIN;
SET LOCAL max_parallel_workers = 0;
SELECT no_plan();
SET client_min_messages = warning;
\o /dev/null
\ir ../../examples/acme.sql
SELECT rbac_user_create('zoe@zeta.example');
SELECT rbac_organization_create('zeta', 'Zeta', rbac_user('zoe@zeta.example'));
\o

CREATE FUNCTION pg_temp.person(who text) RETURNS uuid LANGUAGE sql AS $$
    SELECT id FROM aiven_rbac.principal WHERE email LIKE who || '@%'
$$;

-- How many resources are looked up to ask about all that there are
CREATE FUNCTION pg_temp.lookups(person text, by_path boolean) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
BEGIN
    PERFORM rbac_has_permission(pg_temp.person(person), rbac_id('nobody', 'has this'), 'project.edit');
    SELECT lookups INTO before FROM rbac_cache_stats();
    IF by_path THEN
        PERFORM rbac_has_permission(pg_temp.person(person), r.path, 'project.edit') FROM aiven_rbac.resource AS r WHERE r.path <@ 'acme'::rbac_path;
    ELSE
        PERFORM rbac_has_permission(pg_temp.person(person), r.id, 'project.edit') FROM aiven_rbac.resource AS r WHERE r.path <@ 'acme'::rbac_path;
    END IF;
    RETURN (SELECT lookups - before FROM rbac_cache_stats());
END $$;

SELECT is(pg_temp.lookups('bob', false), (SELECT count(*) FROM aiven_rbac.resource WHERE path <@ 'acme'::rbac_path), 'who is asked about first has every resource looked up');
SELECT is(pg_temp.lookups('erin', false), 0::bigint, 'the next has none');
SELECT is(pg_temp.lookups('frank', false), 0::bigint, 'nor the one after that');
SELECT is(pg_temp.lookups('zoe', false), (SELECT count(*) FROM aiven_rbac.resource WHERE path <@ 'acme'::rbac_path), 'S8: somebody from elsewhere cannot tell that others were asked about them');
SELECT is(pg_temp.lookups('bob', true), (SELECT count(*) FROM aiven_rbac.resource WHERE path <@ 'acme'::rbac_path), 'by path each is looked up once more');
SELECT is(pg_temp.lookups('erin', true), 0::bigint, 'and once only');
SELECT is(pg_temp.lookups('zoe', true), (SELECT count(*) FROM aiven_rbac.resource WHERE path <@ 'acme'::rbac_path), 'S8: nor by path');
\o /dev/null
UPDATE aiven_rbac.access_grant SET granted_at = granted_at;
\o
SELECT is(pg_temp.lookups('erin', false), 0::bigint, 'who is read again has none looked up');

-- What is held after a change by somebody who was not asked about before it, while
-- others were: as if nothing were remembered.
CREATE TEMP TABLE change (number int GENERATED ALWAYS AS IDENTITY, what text, statement text);
INSERT INTO change (what, statement) VALUES
('nothing', 'SELECT 1'),
('a move', $$ SELECT rbac_project_move('acme.engineering.backend-dev', 'acme.analytics') $$),
('a label', $$ SELECT rbac_project_edit('acme.analytics.backend-dev', label => 'dev') $$),
('a path taken anew', $$ SELECT rbac_project_create('acme.engineering', 'backend-dev') $$),
('the end of a service', $$ SELECT rbac_service_delete('acme.analytics.dev.redis') $$),
('one of the same path', $$ SELECT rbac_service_create('acme.analytics.dev', 'redis', 'redis') $$),
('a unit''s label', $$ SELECT rbac_unit_rename('acme.engineering', 'Works', label => 'works') $$),
('a move to another organization', $$ SELECT rbac_project_move('acme.works.backend-prod', 'zeta', billing_group => rbac_billing_group_create('zeta', 'all')) $$),
('an organization''s label', $$ SELECT rbac_organization_rename('acme', 'Acme', label => 'acme2') $$),
('nothing but a move that is undone', $$ DO $do$ BEGIN -- nothing
    PERFORM rbac_project_move('acme2.works.backend-dev', 'acme2.analytics');
    PERFORM rbac_has_permission(p.id, r.path, 'project.edit'), rbac_has_permission(p.id, r.id, 'project.edit') FROM aiven_rbac.principal AS p, aiven_rbac.resource AS r;
    RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN END $do$ $$);

CREATE TEMP TABLE place AS SELECT id, path FROM aiven_rbac.resource;
CREATE FUNCTION pg_temp.answers(people text[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', person, coalesce(place.path::text, '-'), a.name), E'\n' ORDER BY person, place.path, place.id, a.name)
    FROM unnest(people) AS person, place, (VALUES ('project.edit'), ('service.view'), ('service.fork')) AS a (name)
    WHERE rbac_has_permission(pg_temp.person(person), place.path, a.name) OR rbac_has_permission(pg_temp.person(person), place.id, a.name)
$$;

-- Those who were asked about before, one who was not, and all once everything is
-- forgotten: a savepoint in which something has changed is rolled back.
CREATE FUNCTION pg_temp.try(change text, OUT changed boolean, OUT next_is_right boolean, OUT others_are_right boolean)
    LANGUAGE plpgsql AS $$
DECLARE
    before text := pg_temp.answers('{bob,erin,zoe}');
    others text;
    next text;
BEGIN
    EXECUTE change;
    INSERT INTO place SELECT id, path FROM aiven_rbac.resource EXCEPT SELECT id, path FROM place;
    others := pg_temp.answers('{bob,erin,zoe}');
    next := pg_temp.answers('{dave}');
    BEGIN
        UPDATE aiven_rbac.access_grant SET granted_at = granted_at;
        RAISE division_by_zero;
    EXCEPTION WHEN division_by_zero THEN
    END;
    next_is_right := next = pg_temp.answers('{dave}');
    others_are_right := others = pg_temp.answers('{bob,erin,zoe}');
    changed := others <> before;
    UPDATE aiven_rbac.access_grant SET granted_at = granted_at WHERE principal = pg_temp.person('dave');
END $$;
\o /dev/null
SELECT rbac_grant(pg_temp.person('dave'), 'admin', 'acme');
\o
SELECT is(t::text, format('(%s,t,t)', CASE WHEN c.what LIKE '%nothing%' THEN 'f' ELSE 't' END), 'C5: answers are right after ' || c.what)
FROM change AS c, LATERAL pg_temp.try(c.statement) AS t ORDER BY c.number;

-- At most half of what the setting allows is for resources, measured now and then.
SET LOCAL aiven_rbac.cache_size = '64kB';
\o /dev/null
SELECT count(rbac_project_create('zeta', 'p' || g)) FROM generate_series(1, 900) AS g;
\o
SELECT is(count(*) FILTER (WHERE rbac_has_permission(pg_temp.person('zoe'), id, 'service.view')), 901::bigint, 'many resources are asked about')
FROM aiven_rbac.resource WHERE kind = 'project' AND path <@ 'zeta'::rbac_path;
SELECT is(count(*) FILTER (WHERE rbac_has_permission(pg_temp.person('bob'), id, 'service.view')), 0::bigint, 'also for somebody else')
FROM aiven_rbac.resource WHERE path <@ 'zeta'::rbac_path;
SELECT cmp_ok(sum(total_bytes), '<=', 65536.0, 'S8: what is remembered of resources is bounded by aiven_rbac.cache_size')
FROM pg_backend_memory_contexts WHERE name = 'rbac hierarchy';

SELECT * FROM finish();
ROLLBACK;
