-- Groups and their members, super admins among them (P4, P5).

CREATE FUNCTION @extschema@.rbac_group_create(organization @extschema@.rbac_resource, name text,
                                              description text DEFAULT NULL, if_not_exists boolean DEFAULT false)
    RETURNS uuid
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.create_principal('group', 'group.create', organization, name, description, if_not_exists) $$;
COMMENT ON FUNCTION @extschema@.rbac_group_create(@extschema@.rbac_resource, text, text, boolean) IS
    'create a group of an organization; it requires group.create; with if_not_exists, of the one that has the name';

CREATE FUNCTION aiven_rbac.begin_act_on_group(action text, "group" uuid, hold text) RETURNS aiven_rbac.principal
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    g aiven_rbac.principal := aiven_rbac.begin_act_on_principal(action, "group", 'group', hold);
BEGIN
    IF g.account_owners THEN
        RAISE EXCEPTION 'the account owners group cannot be changed or deleted'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'Every organization has it: its members are the super admins.',
                  HINT = 'rbac_super_admin_add() and rbac_super_admin_remove() change who is in it.';
    END IF;
    RETURN g;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.begin_act_on_group(text, uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.begin_act_on_group(text, uuid, text) IS
    'begin an act on a group, which is held; an error if there is none, if it is that of the account owners, or if the session may not do the action';

CREATE FUNCTION @extschema@.rbac_group_rename("group" uuid, name text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    PERFORM aiven_rbac.edit_principal(aiven_rbac.begin_act_on_group('group.rename', "group", 'change'), name, NULL, NULL);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_group_rename(uuid, text) IS 'rename a group; it requires group.rename';

CREATE FUNCTION @extschema@.rbac_group_edit("group" uuid, description text DEFAULT NULL, clear text[] DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    PERFORM aiven_rbac.edit_principal(aiven_rbac.begin_act_on_group('group.edit_description', "group", 'edit'),
                                      NULL, description, clear);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_group_edit(uuid, text, text[]) IS
    'change a group''s description; it requires group.edit_description (NULL: leave it; named in clear: none)';

CREATE FUNCTION aiven_rbac.group_delete("group" uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    g aiven_rbac.principal := aiven_rbac.begin_act_on_group('group.delete', "group", 'change');
BEGIN
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(aiven_rbac.holders_now('principal', g.id));
    END IF;
    DELETE FROM aiven_rbac.principal AS x WHERE x.id = g.id;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.group_delete(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.group_delete(uuid) IS 'the body of rbac_group_delete()';

CREATE FUNCTION @extschema@.rbac_group_delete("group" uuid, if_exists boolean DEFAULT false) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_deleting'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_group_delete(uuid, boolean) IS
    'delete a group, with its grants; it requires group.delete; false if there is none and if_exists is said';

-- No grant may come to the group between the look at its grants and the new
-- member (a grant references, and so locks, the group's membership).  The look is
-- at what is there now: a snapshot from before would let in whoever had the
-- patience to keep one.
CREATE FUNCTION aiven_rbac.require_group_member_add(actor aiven_rbac.actor, g aiven_rbac.principal) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    a record;
BEGIN
    PERFORM aiven_rbac.hold_membership((g).id, (g).organization, 'change');
    IF EXISTS (SELECT FROM aiven_rbac.grants_now((g).id)) THEN
        PERFORM aiven_rbac.require_to_hand_out(actor, 'group_member.add_privileged', (g).organization);
        FOR a IN SELECT * FROM aiven_rbac.grants_now((g).id) LOOP
            PERFORM aiven_rbac.require_all_of(actor, a.resource, a.grantable, a.valid_from, a.valid_until, true);
        END LOOP;
    ELSE
        PERFORM aiven_rbac.require_to_hand_out(actor, 'group_member.add', (g).organization);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_group_member_add(aiven_rbac.actor, aiven_rbac.principal) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_group_member_add(aiven_rbac.actor, aiven_rbac.principal) IS
    'raise unless the actor may add somebody to a group, whose grants are held';

CREATE FUNCTION @extschema@.rbac_group_member_add("group" uuid, principal uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    g aiven_rbac.principal := aiven_rbac.hold_principal(actor, "group", '{group}', 'share');
    p aiven_rbac.principal := aiven_rbac.hold_principal(actor, principal, '{user,application_user}', 'share');
BEGIN
    IF g.account_owners THEN
        PERFORM aiven_rbac.hold_membership(g.id, g.organization, 'change');
        PERFORM aiven_rbac.require_to_hand_out(actor, 'super_admin.manage', g.organization);
        IF p.kind <> 'user' THEN
            RAISE EXCEPTION 'application user "%" cannot be a super admin', aiven_rbac.excerpt(p.name)
                USING ERRCODE = 'wrong_object_type', HINT = 'Grant it "role:organization:admin" instead.';
        END IF;
    ELSE
        PERFORM aiven_rbac.require_group_member_add(actor, g);
    END IF;
    IF NOT aiven_rbac.hold_membership(p.id, g.organization, 'share') THEN
        PERFORM aiven_rbac.find_principal_now(actor, principal, '{user,application_user}');
        RAISE EXCEPTION '% "%" does not belong to the organization of group "%"', replace(p.kind, '_', ' '), aiven_rbac.excerpt(coalesce(p.email, p.name)), aiven_rbac.excerpt(g.name)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'Groups hold accepted members and application users of their organization.',
                  HINT = 'Invite the user with rbac_invitation_create(); the user accepts with rbac_invitation_accept().';
    END IF;
    -- Looked at first, so that what changes nothing signals nothing.
    PERFORM FROM aiven_rbac.group_member AS m WHERE m.member = p.id AND m.group_id = g.id FOR KEY SHARE;
    IF FOUND THEN
        RETURN;
    END IF;
    INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind, account_owners)
    VALUES (p.id, g.id, g.organization, p.kind, g.account_owners)
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_group_member_add(uuid, uuid) IS
    'add a user or application user to a group; it requires group_member.add, for a group that holds grants group_member.add_privileged and every action that they give, for account owners super_admin.manage';

CREATE FUNCTION aiven_rbac.is_in_group(principal uuid, "group" uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT EXISTS (SELECT FROM aiven_rbac.group_member AS m WHERE m.member = principal AND m.group_id = "group") $$;
REVOKE ALL ON FUNCTION aiven_rbac.is_in_group(uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_in_group(uuid, uuid) IS 'is a principal a member of a group?';

CREATE FUNCTION aiven_rbac.is_in_group_now(principal uuid, "group" uuid) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.is_in_group_now(uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_in_group_now(uuid, uuid) IS 'is a principal a member of a group, as committed now?';

CREATE FUNCTION aiven_rbac.group_member_remove("group" uuid, principal uuid) RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    g aiven_rbac.principal := aiven_rbac.find_principal_now(actor, "group", '{group}');
BEGIN
    IF g.account_owners THEN
        PERFORM aiven_rbac.hold_super_admins(principal, g.organization);
    END IF;
    g := aiven_rbac.hold_principal(actor, "group", '{group}', 'share');
    actor := aiven_rbac.current_actor();
    PERFORM aiven_rbac.require(actor, CASE WHEN g.account_owners THEN 'super_admin.manage'
                                      ELSE 'group_member.remove' END, g.organization);
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(CASE WHEN aiven_rbac.is_in_group_now(principal, g.id) THEN ARRAY[principal] END);
    END IF;
    DELETE FROM aiven_rbac.group_member AS m WHERE m.group_id = g.id AND m.member = principal;
    IF NOT FOUND THEN
        IF aiven_rbac.is_in_group_now(principal, g.id) THEN
            PERFORM aiven_rbac.refuse_old_snapshot();
        END IF;
        RETURN false;
    END IF;
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.group_member_remove(uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.group_member_remove(uuid, uuid) IS 'the body of rbac_group_member_remove()';

CREATE FUNCTION @extschema@.rbac_group_member_remove("group" uuid, principal uuid) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_group_member_remove(uuid, uuid) IS
    'remove a member from a group; it requires group_member.remove, for account owners super_admin.manage; false if there was none';

CREATE FUNCTION aiven_rbac.account_owners(organization uuid) RETURNS uuid
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT p.id FROM aiven_rbac.principal AS p WHERE p.organization = account_owners.organization AND p.account_owners
$$;
REVOKE ALL ON FUNCTION aiven_rbac.account_owners(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.account_owners(uuid) IS
    'the group whose members are an organization''s super admins';

CREATE FUNCTION aiven_rbac.account_owners_now(organization uuid) RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.account_owners_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.account_owners_now(uuid) IS
    'the group whose members are an organization''s super admins, as committed now';

CREATE FUNCTION @extschema@.rbac_super_admin_add(organization @extschema@.rbac_resource, principal uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    o aiven_rbac.resource := (aiven_rbac.begin_act('super_admin.manage', organization, '{organization}', 'settings')).place;
BEGIN
    PERFORM @extschema@.rbac_group_member_add(aiven_rbac.account_owners_now(o.id), principal);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_super_admin_add(@extschema@.rbac_resource, uuid) IS
    'make a member a super admin of the organization; only super admins can';

CREATE FUNCTION aiven_rbac.super_admin_remove(organization @extschema@.rbac_resource, principal uuid) RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    o aiven_rbac.resource := (aiven_rbac.begin_act('super_admin.manage', organization, '{organization}', 'settings')).place;
BEGIN
    RETURN aiven_rbac.group_member_remove(aiven_rbac.account_owners_now(o.id), principal);
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.super_admin_remove(@extschema@.rbac_resource, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.super_admin_remove(@extschema@.rbac_resource, uuid) IS
    'the body of rbac_super_admin_remove()';

CREATE FUNCTION @extschema@.rbac_super_admin_remove(organization @extschema@.rbac_resource, principal uuid) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_super_admin_remove(@extschema@.rbac_resource, uuid) IS
    'end a member''s super admin standing; only super admins can, and the last one stays; false if there was none';
