--
-- What people write instead, each as well as its author would: lean tables of
-- their own with nothing but what the policies need, closures instead of
-- recursion, covering keys, functions that are STABLE and PARALLEL SAFE and can
-- be inlined where the planner does that, no SET clause, no SECURITY DEFINER
-- (either would keep the planner from inlining), and names qualified so that
-- there is no need for one.  A role for each style, which its policies are for.
--
-- They do less than the extension: no validity periods, no deactivation, no
-- authentication policy, and nothing but two permissions.
--

CREATE SCHEMA app;

-- Closure of the hierarchy: a project is inside itself, its unit and its
-- organization.
CREATE TABLE app.inside (project uuid, ancestor uuid, PRIMARY KEY (project, ancestor));
INSERT INTO app.inside
SELECT p.id, a FROM bench.project AS p, unnest(ARRAY[p.id, p.unit, p.organization]) AS a
WHERE a IS NOT NULL;
CREATE INDEX ON app.inside (ancestor, project);

-- Closure of groups: who a user is, counting themselves
CREATE TABLE app.identity (member uuid, principal uuid, PRIMARY KEY (member, principal));
INSERT INTO app.identity
SELECT id, id FROM aiven_rbac.principal WHERE kind = 'user'
UNION ALL
SELECT member, group_id FROM aiven_rbac.group_member;

-- No index on the node: with one the planner takes it, which is slower.
CREATE TABLE app.access (
    principal uuid, node uuid, tree ltree, can_read boolean, can_write boolean,
    PRIMARY KEY (principal, node) INCLUDE (can_read, can_write)
);
INSERT INTO app.access
SELECT g.principal, g.resource, r.path::text::ltree, true, bool_or(w.can_write)
FROM aiven_rbac.access_grant AS g
JOIN aiven_rbac.resource AS r ON r.id = g.resource
JOIN (SELECT x.id, x.name = 'admin' AS can_write FROM aiven_rbac.grantable AS x) AS w
  ON w.id = g.grantable
GROUP BY 1, 2, 3;

VACUUM ANALYZE app.inside, app.identity, app.access;

-- Who asks: a setting of the session, as PostgREST and others pass it.  Inlined.
CREATE FUNCTION app.me() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT current_setting('app.principal')::uuid $$;

-- What can be read and written, as projects.  SQL functions in FROM: inlined,
-- so that the planner sees the joins and their statistics.
CREATE FUNCTION app.readable_projects() RETURNS SETOF uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT i.project
    FROM app.identity AS w
    JOIN app.access AS a ON a.principal = w.principal AND a.can_read
    JOIN app.inside AS i ON i.ancestor = a.node
    WHERE w.member = app.me()
$$;
CREATE FUNCTION app.writable_projects() RETURNS SETOF uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT i.project
    FROM app.identity AS w
    JOIN app.access AS a ON a.principal = w.principal AND a.can_write
    JOIN app.inside AS i ON i.ancestor = a.node
    WHERE w.member = app.me()
$$;

-- … and as subtrees
CREATE FUNCTION app.readable_trees() RETURNS SETOF ltree
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT a.tree
    FROM app.identity AS w
    JOIN app.access AS a ON a.principal = w.principal AND a.can_read
    WHERE w.member = app.me()
$$;
CREATE FUNCTION app.writable_trees() RETURNS SETOF ltree
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT a.tree
    FROM app.identity AS w
    JOIN app.access AS a ON a.principal = w.principal AND a.can_write
    WHERE w.member = app.me()
$$;

-- A check a row in PL/pgSQL: its query is prepared once a session, and probes
-- primary keys alone.
CREATE FUNCTION app.can_read_plpgsql(project uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
BEGIN
    RETURN EXISTS (SELECT FROM app.inside AS i
                   JOIN app.access AS a ON a.node = i.ancestor AND a.can_read
                   JOIN app.identity AS w ON w.principal = a.principal
                   WHERE i.project = can_read_plpgsql.project AND w.member = app.me());
END
$$;
CREATE FUNCTION app.can_write_plpgsql(project uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
BEGIN
    RETURN EXISTS (SELECT FROM app.inside AS i
                   JOIN app.access AS a ON a.node = i.ancestor AND a.can_write
                   JOIN app.identity AS w ON w.principal = a.principal
                   WHERE i.project = can_write_plpgsql.project AND w.member = app.me());
END
$$;

-- The same in SQL.  A function with a subquery is not inlined into an
-- expression, whatever its author hoped.
CREATE FUNCTION app.can_read_sql(project uuid) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT EXISTS (SELECT FROM app.inside AS i
                   JOIN app.access AS a ON a.node = i.ancestor AND a.can_read
                   JOIN app.identity AS w ON w.principal = a.principal
                   WHERE i.project = can_read_sql.project AND w.member = app.me())
$$;
CREATE FUNCTION app.can_write_sql(project uuid) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT EXISTS (SELECT FROM app.inside AS i
                   JOIN app.access AS a ON a.node = i.ancestor AND a.can_write
                   JOIN app.identity AS w ON w.principal = a.principal
                   WHERE i.project = can_write_sql.project AND w.member = app.me())
$$;

CREATE ROLE bench_reference LOGIN BYPASSRLS;
CREATE ROLE bench_ours LOGIN;
CREATE ROLE bench_plpgsql LOGIN;
CREATE ROLE bench_sql LOGIN;
CREATE ROLE bench_exists LOGIN;
CREATE ROLE bench_any LOGIN;
CREATE ROLE bench_in LOGIN;
CREATE ROLE bench_setting LOGIN;
CREATE ROLE bench_ltree LOGIN;

GRANT USAGE ON SCHEMA bench, app TO PUBLIC;
GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA bench TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA app TO PUBLIC;
GRANT EXECUTE ON FUNCTION rbac_set_principal TO bench_ours;

ALTER TABLE bench.item_hand ENABLE ROW LEVEL SECURITY;
ALTER TABLE bench.job_hand ENABLE ROW LEVEL SECURITY;
ALTER TABLE bench.item_tree ENABLE ROW LEVEL SECURITY;
ALTER TABLE bench.job_tree ENABLE ROW LEVEL SECURITY;

-- One policy to read and one to update, on both tables of a shape
CREATE PROCEDURE bench.create_policies(style text, shape text, reads text, writes text)
    LANGUAGE plpgsql
    AS $$
DECLARE
    relation text;
BEGIN
    FOREACH relation IN ARRAY ARRAY['item_' || shape, 'job_' || shape] LOOP
        EXECUTE format('CREATE POLICY %1$s_select ON bench.%2$s FOR SELECT TO bench_%1$s USING (%3$s)',
                       style, relation, reads);
        EXECUTE format('CREATE POLICY %1$s_update ON bench.%2$s FOR UPDATE TO bench_%1$s USING (%3$s)',
                       style, relation, writes);
    END LOOP;
END
$$;

CALL bench.create_policies('plpgsql', 'hand', 'app.can_read_plpgsql(resource)', 'app.can_write_plpgsql(resource)');

CALL bench.create_policies('sql', 'hand', 'app.can_read_sql(resource)', 'app.can_write_sql(resource)');

-- The planner chooses between probing for each row and a hash of all projects.
-- The sub-select around me() has it evaluated once.
CALL bench.create_policies('exists', 'hand',
    'EXISTS (SELECT FROM app.inside AS i'
    ' JOIN app.access AS a ON a.node = i.ancestor AND a.can_read'
    ' JOIN app.identity AS w ON w.principal = a.principal'
    ' WHERE i.project = resource AND w.member = (SELECT app.me()))',
    'EXISTS (SELECT FROM app.inside AS i'
    ' JOIN app.access AS a ON a.node = i.ancestor AND a.can_write'
    ' JOIN app.identity AS w ON w.principal = a.principal'
    ' WHERE i.project = resource AND w.member = (SELECT app.me()))');

-- The array is computed once a query, and can be an index condition.
CALL bench.create_policies('any', 'hand',
    'resource = ANY (ARRAY(SELECT p FROM app.readable_projects() AS p))',
    'resource = ANY (ARRAY(SELECT p FROM app.writable_projects() AS p))');

-- A hash table of all projects, computed once a query; no index condition
CALL bench.create_policies('in', 'hand',
    'resource IN (SELECT p FROM app.readable_projects() AS p)',
    'resource IN (SELECT p FROM app.writable_projects() AS p)');

-- What a token or a session carries: computed when the session begins and never
-- again, so that a right that is revoked stays until it ends, and whoever can
-- run SQL can set it.  It is here because it is common and fast.
CALL bench.create_policies('setting', 'hand',
    'resource = ANY ((SELECT current_setting(''app.readable'')::uuid[])::uuid[])',
    'resource = ANY ((SELECT current_setting(''app.writable'')::uuid[])::uuid[])');

-- contrib/ltree: the few subtrees of a principal, by GiST
CALL bench.create_policies('ltree', 'tree',
    'resource <@ ANY (ARRAY(SELECT t FROM app.readable_trees() AS t))',
    'resource <@ ANY (ARRAY(SELECT t FROM app.writable_trees() AS t))');
