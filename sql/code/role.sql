-- Roles of an organization's own (G8): a name for some actions, and the levels
-- that it can be granted on.  A permission among the members stands for the
-- actions that it has at that moment.

CREATE FUNCTION aiven_rbac.role_actions(organization uuid, members text[], grantable_on text[])
    RETURNS TABLE (granted_on text, action smallint)
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    member text;
    level text;
    permission aiven_rbac.grantable;
    numbers smallint[];
BEGIN
    IF coalesce(members, '{}') = '{}' OR array_position(members, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'a role needs members'
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'Name actions, like "service.fork", and permissions, like "project:services:write".';
    END IF;
    IF coalesce(grantable_on, '{}') = '{}'
       OR NOT grantable_on OPERATOR(pg_catalog.<@) '{organization,unit,project}'::text[] THEN
        RAISE EXCEPTION 'a role can be granted on organizations, units and projects'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Name at least one of "organization", "unit" and "project".';
    END IF;
    FOREACH member IN ARRAY members LOOP
        FOREACH level IN ARRAY grantable_on LOOP
            SELECT array_agg(x.number) INTO numbers FROM aiven_rbac.action AS x WHERE x.name = member;
            IF numbers IS NULL THEN
                SELECT * INTO STRICT permission FROM aiven_rbac.grantable AS g
                WHERE g.id = aiven_rbac.find_grantable(member, role_actions.organization);
                IF permission.type <> 'permission' THEN
                    RAISE EXCEPTION 'role "%" cannot be a member of a role', aiven_rbac.excerpt(member)
                        USING ERRCODE = 'wrong_object_type',
                              DETAIL = 'The members of a role are actions and permissions.';
                END IF;
                SELECT array_agg(w.action) INTO numbers FROM aiven_rbac.allowed_action AS w
                WHERE w.grantable = permission.id AND w.granted_on = level;
            END IF;
            IF EXISTS (SELECT FROM unnest(numbers) AS n WHERE aiven_rbac.only_super_admins(n)) THEN
                RAISE EXCEPTION '"%" cannot be a member of a role', aiven_rbac.excerpt(member)
                    USING ERRCODE = 'invalid_grant_operation', DETAIL = 'Only super admins can have it.';
            END IF;
            IF numbers IS NULL
               OR (level <> 'organization'
                   AND EXISTS (SELECT FROM aiven_rbac.action AS x
                               WHERE x.number = ANY (numbers) AND x.resource_kind = 'organization')) THEN
                RAISE EXCEPTION '"%" means nothing on a %', aiven_rbac.excerpt(member), level
                    USING ERRCODE = 'invalid_parameter_value',
                          DETAIL = 'It is about an organization as a whole.',
                          HINT = 'Leave it out, or let the role be granted on organizations only.';
            END IF;
            RETURN QUERY SELECT level, n FROM unnest(numbers) AS n;
        END LOOP;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.role_actions(uuid, text[], text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.role_actions(uuid, text[], text[]) IS
    'the actions, by the kind of resource it is granted on, of a role with some members; an error for what cannot be one';

CREATE FUNCTION aiven_rbac.set_role(id uuid, organization uuid, members text[], grantable_on text[]) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    DELETE FROM aiven_rbac.allowed_action AS w
    WHERE w.grantable = id
      AND (w.granted_on, w.action) NOT IN (SELECT a.granted_on, a.action
                                           FROM aiven_rbac.role_actions(organization, members, grantable_on) AS a);
    INSERT INTO aiven_rbac.allowed_action (grantable, granted_on, action)
    SELECT DISTINCT id, a.granted_on, a.action FROM aiven_rbac.role_actions(organization, members, grantable_on) AS a
    ON CONFLICT DO NOTHING;
    DELETE FROM aiven_rbac.grantable_on AS o WHERE o.grantable = id AND o.resource_kind <> ALL (grantable_on);
    INSERT INTO aiven_rbac.grantable_on (grantable, organization, resource_kind)
    SELECT DISTINCT id, organization, level FROM unnest(grantable_on) AS level
    ON CONFLICT DO NOTHING;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.set_role(uuid, uuid, text[], text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.set_role(uuid, uuid, text[], text[]) IS
    'make a role consist of exactly some members and levels';

CREATE FUNCTION @extschema@.rbac_role_create(organization @extschema@.rbac_resource, name text, members text[],
                                             grantable_on text[], if_not_exists boolean DEFAULT false)
    RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    act aiven_rbac.act := aiven_rbac.begin_act('permission.grant', organization, '{organization}');
    o aiven_rbac.resource := act.place;
    id uuid := gen_random_uuid();
    standing uuid;
BEGIN
    PERFORM aiven_rbac.require_to_hand_out(act.actor, 'permission.grant', o.id);
    IF name IS NULL OR name !~ '^[a-z0-9][a-z0-9_:-]*$' OR length(name) > 255 THEN
        RAISE EXCEPTION 'invalid name "%" of a role', aiven_rbac.excerpt(name)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Use lower-case letters, digits, "_", "-" and ":", beginning with a letter or digit.';
    END IF;
    PERFORM aiven_rbac.require_few('members of a role', cardinality(members));
    PERFORM aiven_rbac.require_few('levels of a role', cardinality(grantable_on));
    IF EXISTS (SELECT FROM aiven_rbac.grantable AS g WHERE g.name = rbac_role_create.name AND g.owner IS NULL) THEN
        RAISE EXCEPTION 'role or permission "%" already exists', aiven_rbac.excerpt(name)
            USING ERRCODE = 'unique_violation', DETAIL = 'Every organization has it.', HINT = 'Choose another name.';
    END IF;
    BEGIN
        INSERT INTO aiven_rbac.grantable (id, organization, name, type, console_name)
        VALUES (id, o.id, name, 'role', name);
    EXCEPTION WHEN unique_violation THEN
        IF if_not_exists THEN
            standing := (aiven_rbac.hold_grantable(name, o.id)).id;
            IF EXISTS (SELECT FROM unnest('{organization,unit,project,service}'::text[]) AS level
                       WHERE ARRAY(SELECT DISTINCT a.action FROM aiven_rbac.role_actions(o.id, members, grantable_on) AS a WHERE a.granted_on = level ORDER BY 1)
                             <> ARRAY(SELECT x FROM unnest(aiven_rbac.allowed_now(standing, level)) AS x ORDER BY 1)) THEN
                RAISE NOTICE 'role "%" already exists, and is another than asked for', name
                    USING DETAIL = 'It has other members, or can be granted elsewhere.', HINT = 'rbac_actions() lists what it allows, and rbac_role_edit() changes it.';
            END IF;
            RETURN standing;
        END IF;
        RAISE EXCEPTION 'role or permission "%" already exists', aiven_rbac.excerpt(name)
            USING ERRCODE = 'unique_violation', HINT = 'Choose another name, or change it with rbac_role_edit() if it is the organization''s.';
    END;
    PERFORM aiven_rbac.set_role(id, o.id, members, grantable_on);
    RETURN id;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_role_create(@extschema@.rbac_resource, text, text[], text[], boolean) IS
    'define a role of an organization: the actions and permissions that it consists of, and the kinds of resource it can be granted on; it requires permission.grant on the organization; with if_not_exists, one that stands stays as it is';

CREATE FUNCTION aiven_rbac.has_role(organization uuid, name text) RETURNS boolean
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT EXISTS (SELECT FROM aiven_rbac.grantable AS g
                   WHERE g.owner = has_role.organization AND g.name = has_role.name)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.has_role(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.has_role(uuid, text) IS 'has an organization defined a role of this name?';

CREATE FUNCTION aiven_rbac.has_role_now(organization uuid, name text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.has_role_now(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.has_role_now(uuid, text) IS
    'has an organization defined a role of this name, as committed now?';

-- A role of an organization, held against being granted or changed by others
-- meanwhile.  The row is written, so that whoever has looked at the role
-- before, in a snapshot that they keep, fails.
CREATE FUNCTION aiven_rbac.hold_role(organization uuid, name text) RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    id uuid;
BEGIN
    IF aiven_rbac.judging() THEN
        SELECT g.id INTO id FROM aiven_rbac.grantable AS g
        WHERE g.owner = hold_role.organization AND g.name = hold_role.name;
    ELSE
        UPDATE aiven_rbac.grantable AS g SET console_name = g.console_name
        WHERE g.owner = hold_role.organization AND g.name = hold_role.name
        RETURNING g.id INTO id;
    END IF;
    IF NOT FOUND THEN
        IF aiven_rbac.has_role_now(organization, name) THEN
            PERFORM aiven_rbac.refuse_old_snapshot();
        END IF;
        RAISE EXCEPTION 'role "%" does not exist in this organization', aiven_rbac.excerpt(name)
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'Built-in roles and permissions are the same everywhere, and stay as they are.',
                  HINT = 'rbac_role_create() defines a role of the organization.';
    END IF;
    RETURN id;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.hold_role(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.hold_role(uuid, text) IS
    'a role that an organization has defined, locked; an error if there is none';

-- An action that comes to a role or leaves it is handed out or taken away
-- wherever the role is granted.
CREATE FUNCTION aiven_rbac.role_edit(organization @extschema@.rbac_resource, name text, members text[] DEFAULT NULL,
                                     grantable_on text[] DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    act aiven_rbac.act := aiven_rbac.begin_act('permission.grant', organization, '{organization}');
    actor aiven_rbac.actor := act.actor;
    o aiven_rbac.resource := act.place;
    role uuid := aiven_rbac.hold_role(o.id, name);
    granted record;
BEGIN
    PERFORM aiven_rbac.require_to_hand_out(actor, 'permission.grant', o.id);
    PERFORM aiven_rbac.require_few('members of a role', cardinality(members));
    PERFORM aiven_rbac.require_few('levels of a role', cardinality(grantable_on));
    IF members IS NULL THEN
        SELECT array_agg(DISTINCT x.name) INTO members
        FROM aiven_rbac.allowed_action AS w JOIN aiven_rbac.action AS x ON x.number = w.action WHERE w.grantable = role;
    END IF;
    IF grantable_on IS NULL THEN
        SELECT array_agg(g.resource_kind) INTO grantable_on FROM aiven_rbac.grantable_on AS g WHERE g.grantable = role;
    END IF;
    FOR granted IN
        WITH new AS MATERIALIZED (
            SELECT * FROM aiven_rbac.role_actions(o.id, members, grantable_on)
        ), old AS (
            SELECT w.granted_on, w.action FROM aiven_rbac.allowed_action AS w WHERE w.grantable = role
        ), changed AS (
            (TABLE new EXCEPT TABLE old) UNION (TABLE old EXCEPT TABLE new)
        )
        SELECT r.path, r.id, r.kind, a.valid_from, a.valid_until,
               (SELECT array_agg(c.action) FROM changed AS c WHERE c.granted_on = r.kind) AS actions
        FROM aiven_rbac.grants_of_now(role) AS a CROSS JOIN aiven_rbac.resource_with_id_now(a.resource) AS r
    LOOP
        IF granted.kind <> ALL (grantable_on) THEN
            RAISE EXCEPTION 'role "%" is granted on %s', aiven_rbac.excerpt(name), granted.kind
                USING ERRCODE = 'dependent_objects_still_exist',
                      DETAIL = format('It is granted on "%s".', granted.path),
                      HINT = 'Revoke it there first.';
        END IF;
        IF granted.actions IS NOT NULL AND granted.valid_until > aiven_rbac.judged_at() THEN
            PERFORM aiven_rbac.require_actions(actor, format('edit role "%s"', aiven_rbac.excerpt(name)), granted.id, granted.actions,
                                               granted.valid_from, granted.valid_until);
        END IF;
    END LOOP;
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(
            CASE WHEN EXISTS (SELECT w.granted_on, w.action FROM aiven_rbac.allowed_action AS w
                    WHERE w.grantable = role
                    EXCEPT SELECT a.granted_on, a.action FROM aiven_rbac.role_actions(o.id, members, grantable_on) AS a)
                 THEN aiven_rbac.holders_now('grantable', role) END);
    END IF;
    PERFORM aiven_rbac.set_role(role, o.id, members, grantable_on);
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.role_edit(@extschema@.rbac_resource, text, text[], text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.role_edit(@extschema@.rbac_resource, text, text[], text[]) IS 'the body of rbac_role_edit()';

CREATE FUNCTION @extschema@.rbac_role_edit(organization @extschema@.rbac_resource, name text, members text[] DEFAULT NULL,
                                           grantable_on text[] DEFAULT NULL)
    RETURNS void
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_role_edit(@extschema@.rbac_resource, text, text[], text[]) IS
    'change what a role of an organization consists of and where it can be granted (NULL: leave it); it requires permission.grant on the organization, and every action that comes or goes wherever the role is granted';

CREATE FUNCTION aiven_rbac.role_delete(organization @extschema@.rbac_resource, name text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    o aiven_rbac.resource := (aiven_rbac.begin_act('permission.grant', organization, '{organization}')).place;
    role uuid := aiven_rbac.hold_role(o.id, name);
    place @extschema@.rbac_path;
BEGIN
    SELECT r.path INTO place
    FROM aiven_rbac.grants_of_now(role) AS a CROSS JOIN aiven_rbac.resource_with_id_now(a.resource) AS r
    ORDER BY r.path LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'role "%" is still granted', aiven_rbac.excerpt(name)
            USING ERRCODE = 'dependent_objects_still_exist',
                  DETAIL = format('It is granted on "%s".', place),
                  HINT = 'Revoke it there first.';
    END IF;
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(NULL);
    END IF;
    -- What it allowed is told in the log, before the role is gone that tells whose it was.
    DELETE FROM aiven_rbac.allowed_action AS w WHERE w.grantable = role;
    DELETE FROM aiven_rbac.grantable AS g WHERE g.id = role;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.role_delete(@extschema@.rbac_resource, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.role_delete(@extschema@.rbac_resource, text) IS 'the body of rbac_role_delete()';

CREATE FUNCTION @extschema@.rbac_role_delete(organization @extschema@.rbac_resource, name text, if_exists boolean DEFAULT false) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_deleting'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_role_delete(@extschema@.rbac_resource, text, boolean) IS
    'delete a role of an organization that is granted nowhere; it requires permission.grant on the organization; false if there is none and if_exists is said';