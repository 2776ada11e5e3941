-- Who may know what about whom.

BEGIN;
SELECT no_plan();

\ir ../pgtap/lib/helpers.sql
\ir ../pgtap/lib/world.sql

\o /dev/null
SELECT rbac_invitation_accept(rbac_invitation_create('globex', 'bob@acme.example'));
SELECT rbac_domain_verify('globex', 'nowhere.example', rbac_domain_add('globex', 'nowhere.example'));
SELECT rbac_user_create('alone@else.example', 'alone', test.id('alone'));

-- Ask as somebody, by each function that takes a principal
CREATE TEMP TABLE form (call text);
INSERT INTO form VALUES
    ('rbac_has_permission($whom, $where, ''service.view'')'),
    ('rbac_has_any_permission($whom, $where, VARIADIC ''{service.view,admin}''::text[])'),
    ('(SELECT count(*) FROM rbac_effective_permissions($whom, $where))'),
    ('(SELECT count(*) FROM rbac_effective_actions($whom, $where))'),
    ('(SELECT count(*) FROM rbac_explain($whom, $where, ''service.view''))');
CREATE TEMP TABLE place (name text, path text);
INSERT INTO place VALUES ('dev', 'acme.engineering.backend-dev'), ('pg', 'acme.engineering.backend-dev.pg'),
    ('lab', 'globex.research.lab'), ('nothing', 'acme.engineering.nothing');
GRANT SELECT ON form, place TO test_application;

CREATE FUNCTION pg_temp.ask(who text, call text, whom text, place text, by_id boolean) RETURNS text
    LANGUAGE sql
    AS $$
    SELECT left(test.outcome(who, 'SELECT ' || replace(replace(call, '$whom', format('%L::uuid', test.p(whom))), '$where',
               (SELECT CASE WHEN by_id THEN format('%L::uuid', coalesce(test.r(p.path), test.id('nothing')))
                            ELSE format('%L::rbac_path', p.path) END FROM place AS p WHERE p.name = place))), 5)
$$;
CREATE FUNCTION pg_temp.without(call text, who text, name text) RETURNS text
    LANGUAGE sql
    AS $$ SELECT replace(test.outcome(who, replace(call, '$name', quote_literal(name))), name, 'the-name') $$;
\o

SELECT is(pg_temp.ask(v.who, f.call, v.whom, v.place, b.by_id), v.expected,
          format('%s asks about %s on %s: %s', coalesce(v.who, 'the operator'), v.whom, v.place, f.call))
FROM form AS f, (VALUES (true), (false)) AS b (by_id), (VALUES
    (NULL, 'dave', 'dev', 'ok (n'), (NULL, 'stranger', 'nothing', 'ok (n'),
    ('dave', 'dave', 'dev', 'ok (n'), ('dave', 'dave', 'lab', 'ok (n'), ('dave', 'dave', 'nothing', 'ok (n'),
    ('dave', 'erin', 'dev', 'ok (n'), ('dave', 'erin', 'pg', 'ok (n'), ('erin', 'dave', 'dev', 'ok (n'),
    ('ann', 'stranger', 'dev', 'ok (n'), ('ann', 'gina', 'pg', 'ok (n'),
    ('bob', 'dave', 'dev', '42501'), ('bob', 'dave', 'nothing', '42501'), ('bob', 'stranger', 'dev', '42501'),
    ('dave', 'gina', 'lab', '42501'), ('ann', 'gina', 'lab', '42501'), ('hank', 'erin', 'dev', '42501'),
    ('ann', 'ann', 'lab', 'ok (n'), ('stranger', 'ann', 'dev', '42501')) AS v (who, whom, place, expected);

-- Roles of an organization's own
\o /dev/null
SELECT rbac_role_create('acme', 'acme-role', '{service.fork}', '{project}');
CREATE TABLE note (id uuid, path rbac_path);
INSERT INTO note SELECT id, path FROM aiven_rbac.resource;
GRANT SELECT ON note TO test_application;
\o
SELECT is(pg_temp.without(f.call, v.who, 'acme-role'), pg_temp.without(f.call, v.who, 'no-such-role'),
          format('H4: to %s, a role of another organization is an unknown name: %s', v.who, f.call))
FROM (VALUES ('hank'), ('alone')) AS v (who),
     (VALUES ('SELECT rbac_has_permission(test.id(''acme''), $name)'),
             ('SELECT rbac_has_permission(''globex.research.lab'', $name)'),
             ('SELECT rbac_has_permission(''no.where'', $name)'),
             ('SELECT rbac_has_any_permission(''globex'', ''operator'', $name)'),
             ('SELECT rbac_has_permission(rbac_current_principal(), ''globex''::rbac_path, $name)'),
             ('SELECT * FROM rbac_explain(''globex'', $name)'),
             ('SELECT * FROM rbac_resources($name, ''project'')'),
             ('SELECT * FROM rbac_principals(''globex'', $name)'),
             ('SELECT count(*) FROM note WHERE rbac_has_permission(id, $name)'),
             ('SELECT count(*) FROM note WHERE rbac_has_any_permission(path, ''operator'', $name)')) AS f (call);
SELECT is(left(pg_temp.without(f.call, 'dave', 'acme-role'), 2), 'ok', 'a member asks by it: ' || f.call)
FROM (VALUES ('SELECT rbac_has_permission(test.id(''acme''), $name)'), ('SELECT rbac_has_permission(''globex'', $name)'),
             ('SELECT count(*) FROM note WHERE rbac_has_permission(id, $name)')) AS f (call);

-- Without a principal: an ordinary role, and one that could be anybody
CREATE FUNCTION pg_temp.ask_as(role name, query text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', role);
    EXECUTE query INTO result;
    RESET SESSION AUTHORIZATION;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    RETURN concat_ws(' ', SQLSTATE, SQLERRM);
END
$$;
SELECT is(pg_temp.ask_as('test_application', format('SELECT rbac_has_permission(%L, ''acme'', ''admin'')', test.p('ann'))),
          '42501 permission denied to ask about another principal', 'an ordinary role is told of no principal');
CREATE ROLE test_back_end;
GRANT EXECUTE ON FUNCTION rbac_set_principal TO test_back_end;
SELECT is(pg_temp.ask_as('test_back_end', format('SELECT rbac_has_permission(%L, ''acme'', ''admin'')', test.p('ann'))),
          'true', 'a role that could be anybody is');

-- Code of a table's owner that maintenance runs
GRANT USAGE, CREATE ON SCHEMA test TO test_application;
SET LOCAL ROLE test_application;
CREATE TABLE test.bait (id int);
INSERT INTO test.bait VALUES (1), (2);
CREATE TABLE test.told (answer text);
CREATE FUNCTION test.tell() RETURNS void LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO test.told SELECT public.rbac_has_permission(test.p('ann'), 'acme', 'admin')::text;
          EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
CREATE FUNCTION test.listen(int) RETURNS int LANGUAGE plpgsql IMMUTABLE
    AS $$ BEGIN PERFORM test.tell(); RETURN $1; END $$;
CREATE INDEX ON test.bait (test.listen(id));
RESET ROLE;
ANALYZE test.bait;
REINDEX TABLE test.bait;
SELECT is_empty('TABLE test.told', 'nor is code of a table''s owner that a superuser''s ANALYZE runs');

-- Users
SELECT is(left(test.outcome(v.who, format('SELECT rbac_user(%L)', v.email)), 5), v.expected,
          format('P1: %s asks for the id of %s', v.who, v.email))
FROM (VALUES (NULL, 'alone@else.example', 'ok (n'), ('bob', 'bob@acme.example', 'ok (n'), ('bob', 'ann@acme.example', 'ok (n'),
             ('bob', 'gina@globex.example', 'ok (n'), ('ann', 'gina@globex.example', '42704'), ('ann', 'alone@else.example', '42704'),
             ('ann', 'nothing@acme.example', '42704'), ('hank', 'olga@nowhere.example', 'ok (n'), ('carol', 'olga@nowhere.example', '42704'))
     AS v (who, email, expected);
SELECT is(test.outcome('carol', format('SELECT rbac_application_user_edit(%L, ''x'')', test.p('gina'))),
          format('42704 application user with id %s does not exist', test.p('gina')), 'an id tells nothing of a stranger');
SELECT is(test.outcome('carol', format('SELECT rbac_application_user_edit(%L, ''x'')', test.p('bob'))),
          '42809 user "bob" is not of kind application user', 'but of a member what it is');
SELECT is(pg_temp.ask_as('test_application', format('SELECT rbac_user(%L)', email)), '42501 no principal is set',
          'P1: without a principal nothing tells whether there is ' || email)
FROM unnest('{ann@acme.example,nothing@acme.example}'::text[]) AS email;

-- The cache's statistics tell nothing of what the principal cannot know.
CREATE FUNCTION pg_temp.counted(who text, place text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    before record;
    later record;
BEGIN
    PERFORM rbac_set_principal(test.p(who));
    PERFORM rbac_has_permission('acme.engineering.other', 'service.view');
    SELECT * INTO before FROM rbac_cache_stats();
    PERFORM rbac_has_permission(place::rbac_path, 'service.view');
    SELECT * INTO later FROM rbac_cache_stats();
    PERFORM rbac_reset_principal();
    RETURN ROW(later.entries - before.entries, later.bytes - before.bytes, later.misses - before.misses,
               later.loads - before.loads, later.lookups - before.lookups, later.walks - before.walks);
END
$$;
SELECT is(pg_temp.counted('gina', 'acme.engineering.backend-dev.pg'), pg_temp.counted('gina', 'acme.engineering.backend-dev.px'),
          'S4: a service of another organization counts like one that does not exist');

-- Estimates: no statistics of any value
ANALYZE aiven_rbac.resource;
ANALYZE aiven_rbac.principal;
ANALYZE aiven_rbac.membership;
SELECT is_empty($$ SELECT s.starelid::regclass, s.staattnum FROM pg_statistic AS s JOIN pg_class AS c ON c.oid = s.starelid
                   WHERE c.relnamespace = 'aiven_rbac'::regnamespace $$,
                'S4: there are no statistics of what is in the extension''s tables');
SELECT is_empty($$ SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
                   WHERE c.relnamespace = 'aiven_rbac'::regnamespace AND c.relkind = 'r' AND NOT a.attisdropped
                     AND coalesce(a.attstattarget, -1) <> 0 $$, 'S4: nor will there be, for any column');

SELECT * FROM finish();
ROLLBACK;
