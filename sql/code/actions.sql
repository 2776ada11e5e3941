-- What roles and permissions allow; and actions and permissions of the operator's
-- own (G13).

-- The extension asks for an action where a function or view of it names the action.
CREATE FUNCTION aiven_rbac.enforced_actions() RETURNS text[]
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH source (text) AS MATERIALIZED (
        SELECT string_agg(s.text, E'\n')
        FROM (SELECT p.prosrc FROM pg_proc AS p JOIN aiven_rbac.member AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
              WHERE p.prosrc LIKE '%.%'
              UNION ALL
              SELECT pg_get_viewdef(c.oid) FROM pg_class AS c JOIN aiven_rbac.member AS m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
              WHERE c.relkind = 'v') AS s (text)
    )
    SELECT array_agg(a.name) FROM aiven_rbac.action AS a, source AS s WHERE strpos(s.text, quote_literal(a.name)) > 0
$$;
REVOKE ALL ON FUNCTION aiven_rbac.enforced_actions() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.enforced_actions() IS 'the actions that functions and views of the extension ask for';

CREATE FUNCTION @extschema@.rbac_actions(name text DEFAULT NULL, organization @extschema@.rbac_resource DEFAULT NULL)
    RETURNS TABLE (action text, resource_kind text, description text, enforced boolean)
    LANGUAGE plpgsql STABLE ROWS 100
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    nobodys CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    owner uuid := nobodys;
    allowing uuid;
    enforced text[] := aiven_rbac.enforced_actions();
BEGIN
    IF organization IS NOT NULL THEN
        owner := (aiven_rbac.find_resource_now(aiven_rbac.current_viewer(), organization, '{organization}')).id;
    END IF;
    IF NOT EXISTS (SELECT FROM aiven_rbac.action AS a WHERE a.name = rbac_actions.name) THEN
        allowing := aiven_rbac.find_grantable(name, owner);
    END IF;
    RETURN QUERY
        SELECT a.name, a.resource_kind, a.description, a.name = ANY (enforced)
        FROM aiven_rbac.action AS a
        WHERE rbac_actions.name IS NULL OR a.name = rbac_actions.name
           OR a.number IN (SELECT w.action FROM aiven_rbac.allowed_action AS w WHERE w.grantable = allowing)
        ORDER BY array_position('{organization,unit,project,service}'::text[], a.resource_kind), a.name;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_actions(text, @extschema@.rbac_resource) IS
    'the actions that a role or permission allows (NULL: all that there are), the kind of resource that each is done to, and whether the extension itself asks for it; a role of an organization''s own is known to its members, with the organization named';

CREATE FUNCTION aiven_rbac.require_operator(purpose text) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF (aiven_rbac.current_actor()).operator IS NOT TRUE THEN
        RAISE EXCEPTION 'permission denied to %', purpose
            USING ERRCODE = 'insufficient_privilege', DETAIL = 'Only the operator may, while no principal is set.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_operator(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_operator(text) IS 'raise unless the operator acts';

-- Numbers of built-in actions go up from 0, so that those of a later version are
-- free: the operator's go down from 255.
CREATE FUNCTION @extschema@.rbac_action_create(name text, resource_kind text, description text, if_not_exists boolean DEFAULT false)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    number smallint;
    standing aiven_rbac.action;
BEGIN
    PERFORM aiven_rbac.require_operator('create an action');
    IF name IS NULL OR name !~ '^[a-z0-9_]+\.[a-z0-9_]+$' OR length(name) > 255 THEN
        RAISE EXCEPTION 'invalid name "%" of an action', aiven_rbac.excerpt(name)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Name a thing and what is done to it, in lower case, such as "report.view".';
    ELSIF resource_kind IS NULL OR resource_kind <> ALL ('{organization,unit,project,service}') THEN
        RAISE EXCEPTION 'kind of resource "%" does not exist', aiven_rbac.excerpt(resource_kind)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'The kinds are organization, unit, project and service.';
    END IF;
    PERFORM aiven_rbac.require_text('description of the action', coalesce(description, ''), 'note', 1000);
    LOCK TABLE aiven_rbac.action IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO standing FROM aiven_rbac.action AS a WHERE a.name = rbac_action_create.name;
    IF FOUND AND if_not_exists THEN
        IF (standing.resource_kind, standing.description) IS DISTINCT FROM (resource_kind, coalesce(description, '')) THEN
            RAISE NOTICE 'action "%" exists with another kind of resource or description', name;
        END IF;
        RETURN;
    ELSIF FOUND THEN
        RAISE EXCEPTION 'action "%" already exists', aiven_rbac.excerpt(name) USING ERRCODE = 'unique_violation';
    END IF;
    SELECT n INTO number FROM generate_series(255, 0, -1) AS n
    WHERE NOT EXISTS (SELECT FROM aiven_rbac.action AS a WHERE a.number = n) LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'too many actions' USING ERRCODE = 'program_limit_exceeded', DETAIL = 'There are 256 at most.';
    END IF;
    INSERT INTO aiven_rbac.action (number, name, resource_kind, description) VALUES (number, name, resource_kind, coalesce(description, ''));
    INSERT INTO aiven_rbac.allowed_action (grantable, granted_on, action)
    SELECT g.id, level, number
    FROM (VALUES ('super_admin', '{organization}'::text[], '{organization,unit,project,service}'::text[]),
                 ('role:organization:admin', '{organization}', '{organization,unit,project,service}'),
                 ('role:organization:admin', '{unit}', '{unit,project,service}'),
                 ('admin', '{organization,unit,project}', '{project,service}')) AS holds (name, levels, kinds)
    JOIN aiven_rbac.grantable AS g ON g.name = holds.name AND g.owner IS NULL
    CROSS JOIN unnest(holds.levels) AS level
    WHERE rbac_action_create.resource_kind = ANY (holds.kinds);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_action_create(text, text, text, boolean) IS
    'add an action that the application asks for, done to a kind of resource; super admins and organization admins hold it, and admins of projects what is done to projects and services; the operator only';

CREATE FUNCTION @extschema@.rbac_permission_create(name text, members text[], grantable_on text[], console_name text DEFAULT NULL,
                                                   if_not_exists boolean DEFAULT false)
    RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    nobodys CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    id uuid := gen_random_uuid();
    standing uuid;
BEGIN
    PERFORM aiven_rbac.require_operator('create a permission');
    IF name IS NULL OR name !~ '^[a-z0-9][a-z0-9_:-]*$' OR length(name) > 255 THEN
        RAISE EXCEPTION 'invalid name "%" of a permission', aiven_rbac.excerpt(name)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Use lower-case letters, digits, "_", "-" and ":", beginning with a letter or digit, such as "project:reports:read".';
    END IF;
    PERFORM aiven_rbac.require_few('members of a permission', cardinality(members));
    PERFORM aiven_rbac.require_few('levels of a permission', cardinality(grantable_on));
    PERFORM aiven_rbac.require_text('console name of the permission', console_name, 'name', 255);
    LOCK TABLE aiven_rbac.grantable IN SHARE ROW EXCLUSIVE MODE;
    SELECT g.id INTO standing FROM aiven_rbac.grantable AS g WHERE g.name = rbac_permission_create.name ORDER BY g.owner IS NOT NULL LIMIT 1;
    IF FOUND AND if_not_exists AND EXISTS (SELECT FROM aiven_rbac.grantable AS g WHERE g.id = standing AND g.type = 'permission') THEN
        IF (SELECT array_agg((w.granted_on, w.action) ORDER BY w.granted_on, w.action) FROM aiven_rbac.allowed_action AS w WHERE w.grantable = standing)
           IS DISTINCT FROM
           (SELECT array_agg(DISTINCT (a.granted_on, a.action) ORDER BY (a.granted_on, a.action)) FROM aiven_rbac.role_actions(nobodys, members, grantable_on) AS a) THEN
            RAISE NOTICE 'permission "%" exists and allows something else', name;
        END IF;
        RETURN standing;
    ELSIF FOUND THEN
        RAISE EXCEPTION 'role or permission "%" already exists', aiven_rbac.excerpt(name)
            USING ERRCODE = 'unique_violation', HINT = 'Choose another name: it may not be a role''s of an organization, either.';
    END IF;
    INSERT INTO aiven_rbac.grantable (id, name, type, console_name) VALUES (id, name, 'permission', coalesce(console_name, name));
    PERFORM aiven_rbac.set_role(id, nobodys, members, grantable_on);
    RETURN id;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_permission_create(text, text[], text[], text, boolean) IS
    'add a permission that every organization can grant: the actions and permissions that it consists of, and the kinds of resource that it can be granted on; the operator only';
