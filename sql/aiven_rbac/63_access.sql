-- Who holds what: groups and their members, super admins, grants.  All of it is
-- handing out, and nobody hands out what they do not hold (G5).

-- Nobody lifts themselves (G5) ----------------------------------------------

CREATE FUNCTION aiven_rbac.find_grantable(name text, organization uuid) RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_find_grantable'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.find_grantable(text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_grantable(text, uuid) IS
    'the id of the role or permission that a name stands for in an organization; an error with the nearest names if there is none';

CREATE FUNCTION aiven_rbac.actions_not_held(principal uuid, resource uuid, grantable uuid,
                                            valid_from timestamptz, valid_until timestamptz)
    RETURNS text[]
    AS 'MODULE_PATHNAME', 'rbac_actions_not_held'
    LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.actions_not_held(uuid, uuid, uuid, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.actions_not_held(uuid, uuid, uuid, timestamptz, timestamptz) IS
    'the actions that a role or permission gives on a resource and that a principal does not hold there for the whole period';

CREATE FUNCTION aiven_rbac.actions_not_held(principal uuid, resource uuid, actions smallint[],
                                            valid_from timestamptz, valid_until timestamptz)
    RETURNS text[]
    AS 'MODULE_PATHNAME', 'rbac_actions_not_held_of'
    LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.actions_not_held(uuid, uuid, smallint[], timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.actions_not_held(uuid, uuid, smallint[], timestamptz, timestamptz) IS
    'those of some actions that a principal does not hold on a resource for the whole period';

CREATE FUNCTION aiven_rbac.require_actions(actor uuid, purpose text, resource uuid, actions smallint[],
                                           valid_from timestamptz, valid_until timestamptz)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    missing text[];
BEGIN
    IF actor IS NULL THEN
        RETURN;
    END IF;
    missing := aiven_rbac.actions_not_held(actor, resource, actions, valid_from, valid_until);
    IF missing <> '{}' THEN
        RAISE EXCEPTION 'permission denied to %', purpose
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('It would hand out on "%s" what the session''s principal does not hold there for as long: %s.',
                                  (SELECT r.path FROM aiven_rbac.resource AS r WHERE r.id = resource),
                                  array_to_string(missing, ', ')),
                  HINT = 'Ask somebody who holds it, such as a super admin of the organization.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_actions(uuid, text, uuid, smallint[], timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_actions(uuid, text, uuid, smallint[], timestamptz, timestamptz) IS
    'raise unless the actor holds some actions on a resource for the whole period (G5)';

CREATE FUNCTION aiven_rbac.require_all_of(actor uuid, resource uuid, grantable uuid,
                                          valid_from timestamptz, valid_until timestamptz)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    missing text[];
BEGIN
    IF actor IS NULL THEN
        RETURN;
    END IF;
    missing := aiven_rbac.actions_not_held(actor, resource, grantable, valid_from, valid_until);
    IF missing <> '{}' THEN
        RAISE EXCEPTION 'permission denied to hand out "%" on "%"',
                (SELECT g.name FROM aiven_rbac.grantable AS g WHERE g.id = grantable),
                (SELECT r.path FROM aiven_rbac.resource AS r WHERE r.id = resource)
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('Only what one holds oneself, for as long, can be handed out; the session''s principal lacks %s.',
                                  array_to_string(missing, ', ')),
                  HINT = 'Ask somebody who holds it, such as a super admin of the organization.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_all_of(uuid, uuid, uuid, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_all_of(uuid, uuid, uuid, timestamptz, timestamptz) IS
    'raise unless the actor holds every action that a role or permission gives on a resource, for the whole period (G5)';

-- Groups (P4) ---------------------------------------------------------------

CREATE FUNCTION @extschema@.rbac_group_create(organization @extschema@.rbac_path, name text,
                                              description text DEFAULT NULL)
    RETURNS uuid
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.create_principal('group', 'group.create', organization, name, description) $$;
COMMENT ON FUNCTION @extschema@.rbac_group_create(@extschema@.rbac_path, text, text) IS
    'create a group of an organization; it takes group.create';

CREATE FUNCTION aiven_rbac.find_group(actor uuid, "group" uuid, action text) RETURNS aiven_rbac.principal
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    g aiven_rbac.principal := aiven_rbac.find_principal(actor, "group", 'group');
BEGIN
    PERFORM aiven_rbac.require(actor, action, g.organization);
    IF g.account_owners THEN
        RAISE EXCEPTION 'the account owners group cannot be changed or deleted'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'Every organization has it: its members are the super admins.',
                  HINT = 'rbac_super_admin_add() and rbac_super_admin_remove() change who is in it.';
    END IF;
    RETURN g;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.find_group(uuid, uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_group(uuid, uuid, text) IS
    'a group that the actor may do something to; an error otherwise';

CREATE FUNCTION @extschema@.rbac_group_rename("group" uuid, name text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    PERFORM aiven_rbac.edit_principal(aiven_rbac.find_group(aiven_rbac.actor(), "group", 'group.rename'), name, NULL);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_group_rename(uuid, text) IS 'rename a group; it takes group.rename';

CREATE FUNCTION @extschema@.rbac_group_edit("group" uuid, description text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    PERFORM aiven_rbac.edit_principal(aiven_rbac.find_group(aiven_rbac.actor(), "group", 'group.edit_description'),
                                      NULL, description);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_group_edit(uuid, text) IS
    'change a group''s description; it takes group.edit_description';

CREATE FUNCTION @extschema@.rbac_group_delete("group" uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    g aiven_rbac.principal := aiven_rbac.find_group(aiven_rbac.actor(), "group", 'group.delete');
BEGIN
    DELETE FROM aiven_rbac.principal AS x WHERE x.id = g.id;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_group_delete(uuid) IS
    'delete a group, with its grants; it takes group.delete';

CREATE FUNCTION aiven_rbac.grants_now(principal uuid, OUT resource uuid, OUT grantable uuid,
                                      OUT valid_from timestamptz, OUT valid_until timestamptz)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'rbac_grants_now'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.grants_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.grants_now(uuid) IS
    'grants to a principal itself, as committed now rather than at the transaction''s snapshot';

CREATE FUNCTION aiven_rbac.grants_held_now(principal uuid, OUT resource uuid, OUT grantable uuid,
                                           OUT valid_from timestamptz, OUT valid_until timestamptz)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'rbac_grants_held_now'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.grants_held_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.grants_held_now(uuid) IS
    'grants that a principal has itself and by its groups, as committed now rather than at the transaction''s snapshot';

CREATE FUNCTION aiven_rbac.grants_on_now(place uuid, OUT resource uuid, OUT grantable uuid,
                                         OUT valid_from timestamptz, OUT valid_until timestamptz)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'rbac_grants_on_now'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.grants_on_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.grants_on_now(uuid) IS
    'grants that stand on a resource itself, as committed now rather than at the transaction''s snapshot';

CREATE FUNCTION aiven_rbac.grants_of_now(name uuid, OUT resource uuid, OUT grantable uuid,
                                         OUT valid_from timestamptz, OUT valid_until timestamptz)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'rbac_grants_of_now'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.grants_of_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.grants_of_now(uuid) IS
    'grants of a role or permission, as committed now rather than at the transaction''s snapshot';

CREATE FUNCTION aiven_rbac.allowed_now(grantable uuid, granted_on text) RETURNS smallint[]
    AS 'MODULE_PATHNAME', 'rbac_allowed_now'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.allowed_now(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.allowed_now(uuid, text) IS
    'the actions that a role or permission gives when granted on a kind of resource, as committed now';

CREATE FUNCTION @extschema@.rbac_group_member_add("group" uuid, principal uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    g aiven_rbac.principal := aiven_rbac.find_principal(actor, "group", 'group');
    p aiven_rbac.principal := aiven_rbac.find_principal(actor, principal, 'user', 'application_user');
    a record;
BEGIN
    -- No grant may come to the group between the look at its grants and the
    -- new member (a grant references, and so locks, the group's membership).
    -- The look is at what is there now: a snapshot from before would let in
    -- whoever had the patience to keep one.
    PERFORM FROM aiven_rbac.membership AS m WHERE m.principal = g.id FOR UPDATE;
    IF g.account_owners THEN
        PERFORM aiven_rbac.require(actor, 'super_admin.manage', g.organization);
        IF p.kind <> 'user' THEN
            RAISE EXCEPTION 'application user "%" cannot be a super admin', p.name
                USING ERRCODE = 'wrong_object_type', HINT = 'Grant it "role:organization:admin" instead.';
        END IF;
    ELSIF EXISTS (SELECT FROM aiven_rbac.grants_now(g.id)) THEN
        PERFORM aiven_rbac.require(actor, 'group_member.add_privileged', g.organization);
        FOR a IN SELECT * FROM aiven_rbac.grants_now(g.id) LOOP
            PERFORM aiven_rbac.require_all_of(actor, a.resource, a.grantable, a.valid_from, a.valid_until);
        END LOOP;
    ELSE
        PERFORM aiven_rbac.require(actor, 'group_member.add', g.organization);
    END IF;
    IF NOT EXISTS (SELECT FROM aiven_rbac.membership AS m
                   WHERE m.principal = p.id AND m.organization = g.organization) THEN
        RAISE EXCEPTION '% "%" does not belong to the organization of group "%"', replace(p.kind, '_', ' '), coalesce(p.email, p.name), g.name
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'Groups hold accepted members and application users of their organization.',
                  HINT = 'Invite the user with rbac_invitation_create(); the user accepts with rbac_invitation_accept().';
    END IF;
    INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind, account_owners)
    VALUES (p.id, g.id, g.organization, p.kind, g.account_owners)
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_group_member_add(uuid, uuid) IS
    'add a user or application user to a group; it takes group_member.add, for a group that holds grants group_member.add_privileged and every action that they give, for account owners super_admin.manage';

CREATE FUNCTION @extschema@.rbac_group_member_remove("group" uuid, principal uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    g aiven_rbac.principal := aiven_rbac.find_principal(actor, "group", 'group');
BEGIN
    PERFORM aiven_rbac.require(actor, CASE WHEN g.account_owners THEN 'super_admin.manage'
                                      ELSE 'group_member.remove' END, g.organization);
    DELETE FROM aiven_rbac.group_member AS m WHERE m.group_id = g.id AND m.member = principal;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the principal with id % is not a member of group "%"', coalesce(principal::text, 'NULL'), g.name
            USING ERRCODE = 'undefined_object';
    END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_group_member_remove(uuid, uuid) IS
    'remove a member from a group; it takes group_member.remove, for account owners super_admin.manage';

-- Super admins (P5) ---------------------------------------------------------

CREATE FUNCTION aiven_rbac.account_owners(organization @extschema@.rbac_path) RETURNS uuid
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT p.id FROM aiven_rbac.principal AS p
    WHERE p.account_owners
      AND p.organization = (aiven_rbac.find_resource(aiven_rbac.actor(), account_owners.organization, 'organization')).id
$$;
REVOKE ALL ON FUNCTION aiven_rbac.account_owners(@extschema@.rbac_path) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.account_owners(@extschema@.rbac_path) IS
    'the group whose members are an organization''s super admins';

CREATE FUNCTION @extschema@.rbac_super_admin_add(organization @extschema@.rbac_path, principal uuid) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT @extschema@.rbac_group_member_add(aiven_rbac.account_owners(organization), principal) $$;
COMMENT ON FUNCTION @extschema@.rbac_super_admin_add(@extschema@.rbac_path, uuid) IS
    'make a member a super admin of the organization; only super admins can';

CREATE FUNCTION @extschema@.rbac_super_admin_remove(organization @extschema@.rbac_path, principal uuid) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT @extschema@.rbac_group_member_remove(aiven_rbac.account_owners(organization), principal) $$;
COMMENT ON FUNCTION @extschema@.rbac_super_admin_remove(@extschema@.rbac_path, uuid) IS
    'end a member''s super admin standing; only super admins can, and the last one stays';

-- Grants (G1, G4, G7) -------------------------------------------------------

CREATE FUNCTION @extschema@.rbac_grant(principal uuid, name text, resource @extschema@.rbac_path,
        valid_from timestamptz DEFAULT NULL, valid_until timestamptz DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    r aiven_rbac.resource := aiven_rbac.find_resource(actor, resource, 'organization', 'unit', 'project', 'service');
    p aiven_rbac.principal := aiven_rbac.find_principal(actor, principal, 'user', 'application_user', 'group');
    g aiven_rbac.grantable;
    levels text;
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION 'name of the role or permission must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF valid_from >= valid_until THEN
        RAISE EXCEPTION 'the period of a grant must not be empty'
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = format('It would begin at %s and end at %s.', valid_from, valid_until),
                  HINT = 'Let it end after it begins; NULL means no limit.';
    END IF;
    SELECT * INTO STRICT g FROM aiven_rbac.grantable AS x
    WHERE x.id = aiven_rbac.find_grantable(name, r.organization);
    -- A role of the organization must not change while it is handed out.
    IF g.organization = r.organization THEN
        PERFORM FROM aiven_rbac.grantable AS x WHERE x.id = g.id FOR SHARE;
    END IF;
    SELECT string_agg(o.resource_kind, ', ' ORDER BY array_position('{organization,unit,project}', o.resource_kind))
    INTO levels FROM aiven_rbac.grantable_on AS o WHERE o.grantable = g.id;
    IF levels IS NULL OR r.kind <> ALL (string_to_array(levels, ', ')) THEN
        RAISE EXCEPTION '"%" cannot be granted on % "%"', name, r.kind, r.path
            USING ERRCODE = 'invalid_grant_operation',
                  DETAIL = CASE WHEN levels IS NULL THEN format('"%s" is not grantable.', name)
                                ELSE format('"%s" can be granted on these kinds of resource: %s.', name, levels) END,
                  HINT = CASE WHEN g.type = 'built-in' THEN 'Make a member super admin with rbac_super_admin_add().'
                              WHEN r.kind = 'service' THEN 'Grant it on the service''s project, or create a service user.'
                              ELSE 'Grant it on a resource of such a kind.' END;
    END IF;
    PERFORM aiven_rbac.require(actor, 'permission.grant', r.id);
    PERFORM aiven_rbac.require_all_of(actor, r.id, g.id, valid_from, valid_until);
    IF p.account_owners THEN
        RAISE EXCEPTION 'nothing can be granted to the account owners group'
            USING ERRCODE = 'invalid_grant_operation', DETAIL = 'Its members are super admins: they have everything.';
    END IF;
    IF NOT EXISTS (SELECT FROM aiven_rbac.membership AS m
                   WHERE m.principal = p.id AND m.organization = r.organization) THEN
        RAISE EXCEPTION '% "%" does not belong to the organization of "%"', replace(p.kind, '_', ' '), coalesce(p.email, p.name), resource
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'Only accepted members, and groups and application users of the organization, can be granted anything.',
                  HINT = CASE WHEN p.kind = 'user' THEN 'Invite the user with rbac_invitation_create(); the user accepts with rbac_invitation_accept().'
                              ELSE 'Create one in that organization.' END;
    END IF;
    INSERT INTO aiven_rbac.access_grant AS a
           (principal, resource, grantable, organization, resource_kind, grantable_organization, valid_from, valid_until)
    VALUES (p.id, r.id, g.id, r.organization, r.kind, g.organization, rbac_grant.valid_from, rbac_grant.valid_until)
    ON CONFLICT ON CONSTRAINT access_grant_pkey DO UPDATE
    SET valid_from = EXCLUDED.valid_from, valid_until = EXCLUDED.valid_until, granted_at = EXCLUDED.granted_at
    WHERE (a.valid_from, a.valid_until) IS DISTINCT FROM (EXCLUDED.valid_from, EXCLUDED.valid_until);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_grant(uuid, text, @extschema@.rbac_path, timestamptz, timestamptz) IS
    'grant a role or permission on a resource and all below it, for the period [valid_from, valid_until); it takes permission.grant there and every action handed out (G5); true when something changed';

CREATE FUNCTION @extschema@.rbac_revoke(principal uuid, name text, resource @extschema@.rbac_path) RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    r aiven_rbac.resource := aiven_rbac.find_resource(actor, resource, 'organization', 'unit', 'project', 'service');
    p aiven_rbac.principal := aiven_rbac.find_principal(actor, principal, 'user', 'application_user', 'group');
    g uuid := aiven_rbac.find_grantable(name, r.organization);
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION 'name of the role or permission must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF actor IS DISTINCT FROM p.id THEN
        PERFORM aiven_rbac.require(actor, 'permission.grant', r.id);
        PERFORM aiven_rbac.require_all_of(actor, r.id, g, statement_timestamp(), statement_timestamp());
    END IF;
    DELETE FROM aiven_rbac.access_grant AS a
    WHERE a.principal = p.id AND a.resource = r.id AND a.grantable = g;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_revoke(uuid, text, @extschema@.rbac_path) IS
    'revoke a grant; it takes the same standing as granting, or that the grant is one''s own; true when something changed';

-- Database roles ------------------------------------------------------------

CREATE FUNCTION @extschema@.rbac_database_role_map(role regrole, principal uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF aiven_rbac.actor() IS NOT NULL THEN
        RAISE EXCEPTION 'permission denied to map a database role'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'Only the owner of the extension and superusers can, while no principal is set.';
    END IF;
    IF role IS NULL OR NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = role) THEN
        RAISE EXCEPTION 'database role does not exist' USING ERRCODE = 'undefined_object';
    END IF;
    IF principal IS NULL THEN
        DELETE FROM aiven_rbac.database_role AS d WHERE d.role = rbac_database_role_map.role;
        RETURN;
    END IF;
    PERFORM aiven_rbac.find_principal(NULL, principal, 'user', 'application_user');
    INSERT INTO aiven_rbac.database_role (role, principal) VALUES (role, principal)
    ON CONFLICT ON CONSTRAINT database_role_pkey DO UPDATE SET principal = EXCLUDED.principal;
END
$$;
REVOKE ALL ON FUNCTION @extschema@.rbac_database_role_map(regrole, uuid) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.rbac_database_role_map(regrole, uuid) IS
    'let a database role that logs in directly be a principal while none is set (NULL: no longer)';
