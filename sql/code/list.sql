-- Lists.  A kind, name, resource or principal that does not exist is an error
-- here: the caller expects it to exist.

CREATE FUNCTION aiven_rbac.self() RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_self'
    LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION aiven_rbac.self() IS
    'the session''s principal, or NULL if there is none, it does not exist or it is deactivated';

CREATE FUNCTION aiven_rbac.own_organizations() RETURNS uuid[]
    AS 'MODULE_PATHNAME', 'rbac_own_organizations'
    LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION aiven_rbac.own_organizations() IS
    'the organizations that the session''s principal is a member of now';

CREATE FUNCTION aiven_rbac.scopes(name text, kind text) RETURNS @extschema@.rbac_path[]
    AS 'MODULE_PATHNAME', 'rbac_scopes'
    LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION aiven_rbac.scopes(text, text) IS
    'the topmost resources at and below which the session''s principal holds a permission, role or action (NULL: anything) on resources of a kind, in order';

CREATE FUNCTION aiven_rbac.scopes_of(principal uuid, name text, kind text) RETURNS @extschema@.rbac_path[]
    AS 'MODULE_PATHNAME', 'rbac_scopes_of'
    LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.scopes_of(uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.scopes_of(uuid, text, text) IS
    'the topmost resources at and below which a principal holds a permission, role or action (NULL: anything) on resources of a kind, in order';

-- What views begin with.  The planner has no statistics of the tables, and
-- takes a condition for one that a fixed share of the rows meets, however many
-- there are.  ROWS 1 lets it look up what belongs to each of the few that these
-- return, and never read the rows of all organizations to find those of one.
CREATE FUNCTION aiven_rbac.each_scope(name text, kind text) RETURNS SETOF @extschema@.rbac_path
    AS 'MODULE_PATHNAME', 'rbac_each_scope'
    LANGUAGE C STABLE PARALLEL SAFE ROWS 1;
COMMENT ON FUNCTION aiven_rbac.each_scope(text, text) IS
    'the same as scopes(), one a row';

CREATE FUNCTION aiven_rbac.organizations_with(names text[], anywhere text DEFAULT NULL) RETURNS SETOF uuid
    AS 'MODULE_PATHNAME', 'rbac_organizations_with'
    LANGUAGE C STABLE PARALLEL SAFE ROWS 1;
COMMENT ON FUNCTION aiven_rbac.organizations_with(text[], text) IS
    'the organizations of the session''s principal on which it holds one of the names (NULL: all), and those in which it holds another anywhere on projects';

-- A principal that may grant on a resource, or may view its grants, sees them.
CREATE FUNCTION aiven_rbac.require_sight_of_grants(actor aiven_rbac.actor, resource uuid) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF @extschema@.rbac_has_permission((actor).principal, resource, 'permission.grant') IS NOT TRUE THEN
        PERFORM aiven_rbac.require(actor, 'project_permission.view', resource);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_sight_of_grants(aiven_rbac.actor, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_sight_of_grants(aiven_rbac.actor, uuid) IS
    'raise unless the actor may see the grants on a resource; it requires project_permission.view or permission.grant';

-- Each scope is one range of the index on the path, and scopes come in order
-- and are disjoint: a page costs what it returns.
--
-- Scopes are those of now, paths those of the transaction's snapshot.  Where that
-- can be an old one, a resource may have moved out of a scope since, and each is
-- judged by itself.
CREATE FUNCTION aiven_rbac.list_resources(scopes @extschema@.rbac_path[], principal uuid, name text,
                                          viewer uuid, seen @extschema@.rbac_path[],
                                          kind text, after @extschema@.rbac_path, max_rows int)
    RETURNS TABLE (resource @extschema@.rbac_path, id uuid)
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    scope @extschema@.rbac_path;
    low @extschema@.rbac_path;
    room bigint := max_rows;
    returned bigint;
    snapshot_is_new boolean := current_setting('transaction_isolation') IN ('read committed', 'read uncommitted');
BEGIN
    IF max_rows < 0 THEN
        RAISE EXCEPTION 'max_rows must not be negative' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOREACH scope IN ARRAY scopes LOOP
        EXIT WHEN room = 0;
        low := scope;
        IF after OPERATOR(@extschema@.>) scope THEN
            CONTINUE WHEN NOT after OPERATOR(@extschema@.<@) scope;
            low := after;
        END IF;
        RETURN QUERY
            SELECT r.path, r.id
            FROM (SELECT r.path, r.id, r.kind FROM aiven_rbac.resource AS r
                  WHERE r.path OPERATOR(@extschema@.<@) scope
                    AND r.path OPERATOR(@extschema@.>=) low
                    AND (after IS NULL OR r.path OPERATOR(@extschema@.<>) after)
                  ORDER BY r.path
                  OFFSET 0) AS r      -- so that no index on another kind is taken
            WHERE r.kind = list_resources.kind
              AND (seen IS NULL OR r.path OPERATOR(@extschema@.<@) seen)
              AND (snapshot_is_new OR (
                   CASE WHEN principal IS NULL THEN @extschema@.rbac_has_permission(r.id, name)
                        ELSE @extschema@.rbac_has_permission(principal, r.id, name) END
                   AND (seen IS NULL OR @extschema@.rbac_has_any_permission(viewer, r.id, VARIADIC '{project_permission.view,permission.grant}'::text[]))))
            ORDER BY r.path
            LIMIT room;
        GET DIAGNOSTICS returned = ROW_COUNT;
        room := room - returned;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.list_resources(@extschema@.rbac_path[], uuid, text, uuid, @extschema@.rbac_path[], text, @extschema@.rbac_path, int) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.list_resources(@extschema@.rbac_path[], uuid, text, uuid, @extschema@.rbac_path[], text, @extschema@.rbac_path, int) IS
    'a page of the resources of a kind at and below the scopes of a name, which a principal (NULL: the session''s) holds; if "seen" is given, only those at and below one of the viewer''s resources';

CREATE FUNCTION @extschema@.rbac_resources(name text, kind text, after @extschema@.rbac_path DEFAULT NULL,
                                           max_rows int DEFAULT NULL)
    RETURNS TABLE (resource @extschema@.rbac_path, id uuid)
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION 'name of the permission, role or action must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    RETURN QUERY SELECT * FROM aiven_rbac.list_resources(aiven_rbac.scopes(name, kind), NULL, name, NULL, NULL, kind, after, max_rows);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_resources(text, text, @extschema@.rbac_path, int) IS
    'the resources of a kind on which the session''s principal holds a permission, role or action, in the order of their paths; a page of max_rows after a path';

CREATE FUNCTION @extschema@.rbac_resources(principal uuid, name text, kind text, after @extschema@.rbac_path DEFAULT NULL,
                                           max_rows int DEFAULT NULL)
    RETURNS TABLE (resource @extschema@.rbac_path, id uuid)
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    p aiven_rbac.principal := aiven_rbac.find_principal_now(actor, principal, '{user,application_user,group}');
    seen @extschema@.rbac_path[];
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION 'name of the permission, role or action must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF actor.operator IS NOT TRUE AND actor.principal IS DISTINCT FROM p.id THEN
        seen := array_cat(aiven_rbac.scopes_of(actor.principal, 'project_permission.view', kind),
                          aiven_rbac.scopes_of(actor.principal, 'permission.grant', kind));
    END IF;
    RETURN QUERY SELECT * FROM aiven_rbac.list_resources(
        aiven_rbac.scopes_of(p.id, name, kind), p.id, name, actor.principal, seen, kind, after, max_rows);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_resources(uuid, text, text, @extschema@.rbac_path, int) IS
    'the same for a given principal; if it is not the session''s, only those on which the session''s principal holds project_permission.view or permission.grant';

-- Whoever holds something on a resource has it from a grant on one of the four
-- places at and above it, or is a super admin.  Those are judged one by one, in
-- order, as far as the page goes.  OFFSET 0 keeps a look-up by key one, where the
-- planner, which has no statistics here, would read the whole table to join with it.
CREATE FUNCTION @extschema@.rbac_principals(resource @extschema@.rbac_resource, name text, after uuid DEFAULT NULL,
                                            max_rows int DEFAULT NULL)
    RETURNS TABLE (principal uuid, kind text, principal_name text, via text[])
    LANGUAGE plpgsql STABLE ROWS 100
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    r aiven_rbac.resource := aiven_rbac.find_resource_now(actor, resource, '{organization,unit,project,service}');
    places uuid[] := aiven_rbac.places_above(r.id);
    last aiven_rbac.principal;
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION 'name of the permission, role or action must not be null' USING ERRCODE = 'null_value_not_allowed';
    ELSIF max_rows < 0 THEN
        RAISE EXCEPTION 'max_rows must not be negative' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM @extschema@.rbac_has_permission(r.id, name);    -- an error if there is no such name
    PERFORM aiven_rbac.require_sight_of_grants(actor, r.id);
    IF after IS NOT NULL THEN
        last := aiven_rbac.find_principal_now(actor, after, '{user,application_user,group}');
    END IF;
    RETURN QUERY
        WITH granted AS (
            SELECT a.principal AS id FROM aiven_rbac.access_grant AS a WHERE a.resource = ANY (places)
        ), candidate AS (
            SELECT g.id FROM granted AS g
            UNION
            SELECT m.member FROM granted AS g
            CROSS JOIN LATERAL (SELECT m.member FROM aiven_rbac.group_member AS m WHERE m.group_id = g.id OFFSET 0) AS m
            UNION
            SELECT m.member FROM aiven_rbac.group_member AS m WHERE m.organization = r.organization AND m.account_owners
        ), ordered AS MATERIALIZED (
            SELECT p.id, p.kind, p.called
            FROM candidate AS c
            CROSS JOIN LATERAL (SELECT p.id, p.kind, coalesce(p.email, p.name) AS called
                                FROM aiven_rbac.principal AS p WHERE p.id = c.id OFFSET 0) AS p
            WHERE after IS NULL OR (p.kind, p.called, p.id) > (last.kind, coalesce(last.email, last.name), last.id)
            ORDER BY p.kind, p.called, p.id
        )
        SELECT o.id, o.kind, o.called, h.through
        FROM ordered AS o
        CROSS JOIN LATERAL (SELECT array_agg(DISTINCT e.via ORDER BY e.via) AS through
                            FROM @extschema@.rbac_explain(o.id, r.id, name) AS e WHERE e.allowed) AS h
        WHERE h.through IS NOT NULL
        LIMIT max_rows;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_principals(@extschema@.rbac_resource, text, uuid, int) IS
    'the users, application users and groups that hold a permission, role or action on a resource, and through what, by kind and name; a page of max_rows after a principal; it requires project_permission.view or permission.grant there';

-- What differs at the root, and at each place below it where one of the two has a
-- grant and what it gives is not what differs above already.
CREATE FUNCTION @extschema@.rbac_compare(principal uuid, other uuid, root @extschema@.rbac_resource)
    RETURNS TABLE (resource @extschema@.rbac_path, permission text, held_by uuid)
    LANGUAGE plpgsql STABLE ROWS 100
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    top aiven_rbac.resource := aiven_rbac.find_resource_now(actor, root, '{organization,unit,project,service}');
    one uuid := (aiven_rbac.find_principal_now(actor, principal, '{user,application_user,group}')).id;
    two uuid := (aiven_rbac.find_principal_now(actor, other, '{user,application_user,group}')).id;
BEGIN
    PERFORM aiven_rbac.require_sight_of_grants(actor, top.id);
    RETURN QUERY
        WITH place AS MATERIALIZED (
            SELECT top.id AS id, top.path AS path
            UNION
            SELECT r.id, r.path
            FROM (VALUES (one), (two)) AS p (id)
            CROSS JOIN LATERAL aiven_rbac.grants_held_now(p.id) AS a
            JOIN aiven_rbac.resource AS r ON r.id = a.resource
            WHERE r.path OPERATOR(@extschema@.<@) top.path
        ), held AS MATERIALIZED (
            SELECT l.path, h.permission, p.id
            FROM place AS l
            CROSS JOIN (VALUES (one), (two)) AS p (id)
            CROSS JOIN LATERAL @extschema@.rbac_effective_permissions(p.id, l.id) AS h
        ), differing AS MATERIALIZED (
            SELECT h.path, h.permission, h.id FROM held AS h
            WHERE one <> two
              AND NOT EXISTS (SELECT FROM held AS x WHERE x.path OPERATOR(@extschema@.=) h.path AND x.permission = h.permission AND x.id <> h.id)
        )
        SELECT d.path, d.permission, d.id FROM differing AS d
        WHERE NOT EXISTS (SELECT FROM differing AS x
                          WHERE x.path OPERATOR(@extschema@.@>) d.path AND x.path OPERATOR(@extschema@.<>) d.path
                            AND x.permission = d.permission AND x.id = d.id)
        ORDER BY 1, 2, 3;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_compare(uuid, uuid, @extschema@.rbac_resource) IS
    'the permissions that one of two principals holds and the other does not, at and below a resource, each at the topmost places where that is so; it requires project_permission.view or permission.grant there';
