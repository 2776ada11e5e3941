-- People and programs: users, who are global, join by invitation and may be
-- managed by the organization that their email belongs to (P1, P3, P6, P7), and
-- application users, who belong to one organization (P2).

-- Users are global: they sign up with the application, not with an
-- organization, so that no action of the catalogue is required.
CREATE FUNCTION @extschema@.rbac_user_create(email text, name text DEFAULT NULL,
                                             id uuid DEFAULT NULL, if_not_exists boolean DEFAULT false)
    RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    chosen uuid := aiven_rbac.choose_id('user', id);
    standing aiven_rbac.principal;
BEGIN
    PERFORM aiven_rbac.require_text('email address', coalesce(email, 'NULL'), 'email', 254);
    PERFORM aiven_rbac.require_text('name of the user', name, 'name', 255);
    BEGIN
        INSERT INTO aiven_rbac.principal (id, kind, name, email) VALUES (chosen, 'user', coalesce(name, email), email);
    EXCEPTION WHEN unique_violation THEN
        standing := CASE WHEN if_not_exists THEN aiven_rbac.user_with_email_now(email) END;
        IF standing.id IS NOT NULL THEN
            PERFORM aiven_rbac.tell_differences(format('user "%s"', aiven_rbac.excerpt(email)),
                                                jsonb_build_object('name', name, 'id', id), to_jsonb(standing));
            RETURN standing.id;
        END IF;
        RAISE EXCEPTION 'user "%" already exists', aiven_rbac.excerpt(email)
            USING ERRCODE = 'unique_violation', DETAIL = 'Neither the email, whatever its case, nor the id may be another principal''s.';
    END;
    IF id IS NOT NULL THEN
        PERFORM aiven_rbac.refuse_retired(id);
    END IF;
    RETURN chosen;
END
$$;
REVOKE ALL ON FUNCTION @extschema@.rbac_user_create(text, text, uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.rbac_user_create(text, text, uuid, boolean) IS
    'create a user, when somebody signs up with the application; for database roles that may execute it, with or without a principal; an id can be brought while none is set; with if_not_exists, of the user who has the email';

CREATE FUNCTION aiven_rbac.is_super_admin(principal uuid, organization uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT EXISTS (SELECT FROM aiven_rbac.group_member AS m
                   WHERE m.member = principal AND m.organization = is_super_admin.organization AND m.account_owners)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.is_super_admin(uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_super_admin(uuid, uuid) IS
    'is a principal a super admin of an organization?';

CREATE FUNCTION aiven_rbac.is_super_admin_now(principal uuid, organization uuid) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.is_super_admin_now(uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_super_admin_now(uuid, uuid) IS
    'is a principal a super admin of an organization, as committed now?';

CREATE FUNCTION aiven_rbac.is_super_admin_anywhere(principal uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT EXISTS (SELECT FROM aiven_rbac.group_member AS m WHERE m.member = principal AND m.account_owners)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.is_super_admin_anywhere(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_super_admin_anywhere(uuid) IS
    'is a principal a super admin of any organization?';

CREATE FUNCTION aiven_rbac.is_super_admin_anywhere_now(principal uuid) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.is_super_admin_anywhere_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_super_admin_anywhere_now(uuid) IS
    'is a principal a super admin of any organization, as committed now?';

-- Whoever ends the access of a super admin meets others who do the same at the
-- organization's row: it is locked before what hangs on it.  Whoever has locked
-- one of them already takes no other.
CREATE FUNCTION aiven_rbac.hold_super_admins(principal uuid, organization uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF aiven_rbac.judging() THEN
        RETURN;
    END IF;
    PERFORM FROM aiven_rbac.organization AS o
    WHERE o.id IN (SELECT m.organization FROM aiven_rbac.group_member AS m
                   WHERE m.member = hold_super_admins.principal AND m.account_owners
                     AND m.organization = coalesce(hold_super_admins.organization, m.organization))
    ORDER BY o.id FOR NO KEY UPDATE;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.hold_super_admins(uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.hold_super_admins(uuid, uuid) IS
    'lock the organizations of which a principal is a super admin, or one of them';

-- Who may touch a user other than the user: the organization that manages
-- them (P3), and no mere admin of it if the user is a super admin (G6).
CREATE FUNCTION aiven_rbac.require_manager(actor aiven_rbac.actor, action text, "user" uuid) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    manager uuid := aiven_rbac.managed_by_now("user");
BEGIN
    IF (actor).operator THEN
        RETURN;
    END IF;
    IF manager IS NULL OR aiven_rbac.is_member_now(actor, manager) IS NOT TRUE THEN
        RAISE EXCEPTION 'permission denied for the user with id %', "user"
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('It requires the action "%s" in the organization that manages the user.', action),
                  HINT = 'An organization manages the users whose email is in a domain that it has verified: rbac_domain_add().';
    END IF;
    PERFORM aiven_rbac.require(actor, action, manager);
    IF aiven_rbac.is_super_admin_anywhere_now("user") IS NOT FALSE THEN
        PERFORM aiven_rbac.require(actor, 'super_admin.manage', manager);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_manager(aiven_rbac.actor, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_manager(aiven_rbac.actor, text, uuid) IS
    'raise unless the actor holds an action in the organization that manages a user; for a super admin it also requires super_admin.manage';

-- The same for what hands something out by the user: at COMMIT, too, the
-- organization must be the one that manages the user.
CREATE FUNCTION aiven_rbac.require_manager_to_hand_out(actor aiven_rbac.actor, action text, "user" uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    manager uuid := aiven_rbac.managed_by_now("user");
BEGIN
    PERFORM aiven_rbac.require_manager(actor, action, "user");
    IF (actor).operator IS NOT TRUE AND aiven_rbac.may_hand_out((actor).principal, manager, action, "user") IS NOT TRUE THEN
        RAISE EXCEPTION 'permission denied for the user with id %', "user"
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('The session''s principal has just lost the action "%s" in the organization that manages the user.', action);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_manager_to_hand_out(aiven_rbac.actor, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_manager_to_hand_out(aiven_rbac.actor, text, uuid) IS
    'raise unless the actor holds an action in the organization that manages a user, now and at COMMIT; for a super admin it also requires super_admin.manage';

-- What a user has been granted, by itself and by groups, deactivated or not.
CREATE FUNCTION aiven_rbac.grants_of_user("user" uuid) RETURNS aiven_rbac.access_grant[]
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT coalesce(array_agg(a), '{}') FROM aiven_rbac.access_grant AS a
    WHERE a.principal = "user" OR a.principal IN (SELECT m.group_id FROM aiven_rbac.group_member AS m WHERE m.member = "user")
$$;
REVOKE ALL ON FUNCTION aiven_rbac.grants_of_user(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.grants_of_user(uuid) IS 'what is granted to a user and to the user''s groups';

CREATE FUNCTION aiven_rbac.grants_of_user_now("user" uuid) RETURNS aiven_rbac.access_grant[]
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.grants_of_user_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.grants_of_user_now(uuid) IS
    'what is granted to a user and to the user''s groups, as committed now';

CREATE FUNCTION aiven_rbac.super_admin_of("user" uuid) RETURNS uuid[]
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT coalesce(array_agg(m.organization), '{}') FROM aiven_rbac.group_member AS m
    WHERE m.member = "user" AND m.account_owners
$$;
REVOKE ALL ON FUNCTION aiven_rbac.super_admin_of(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.super_admin_of(uuid) IS 'the organizations that a user is a super admin of';

CREATE FUNCTION aiven_rbac.super_admin_of_now("user" uuid) RETURNS uuid[]
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.super_admin_of_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.super_admin_of_now(uuid) IS
    'the organizations that a user is a super admin of, as committed now';

-- Whoever may say by which email a user signs in, could be the user (G5).
CREATE FUNCTION aiven_rbac.require_all_of_user(actor aiven_rbac.actor, p aiven_rbac.principal) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    a aiven_rbac.access_grant;
    organizations uuid[] := aiven_rbac.super_admin_of_now((p).id);
    organization uuid;
BEGIN
    IF (actor).operator THEN
        RETURN;
    END IF;
    FOREACH a IN ARRAY aiven_rbac.grants_of_user_now((p).id) LOOP
        CONTINUE WHEN a.valid_until <= aiven_rbac.judged_at();
        IF aiven_rbac.is_member_now(actor, a.organization) IS NOT TRUE THEN
            organizations := organizations || a.organization;
        ELSE
            -- A grant can stay with a resource that moves to another
            -- organization, where somebody else would have to hold it.
            PERFORM aiven_rbac.lock_row('resource', a.resource, 'share');
            PERFORM aiven_rbac.require_all_of(actor, a.resource, a.grantable, a.valid_from, a.valid_until, true);
        END IF;
    END LOOP;
    FOREACH organization IN ARRAY organizations LOOP
        IF aiven_rbac.is_member_now(actor, organization) IS NOT TRUE THEN
            RAISE EXCEPTION 'permission denied to change the email of user "%"', aiven_rbac.excerpt((p).email)
                USING ERRCODE = 'insufficient_privilege',
                      DETAIL = 'The user holds something in an organization that the session''s principal is not a member of.',
                      HINT = 'The application changes it, without a principal, once it has seen that the new address is the user''s.';
        END IF;
        PERFORM aiven_rbac.require_to_hand_out(actor, 'super_admin.manage', organization);
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_all_of_user(aiven_rbac.actor, aiven_rbac.principal) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_all_of_user(aiven_rbac.actor, aiven_rbac.principal) IS
    'raise unless the actor holds every action that a user has been granted, and super_admin.manage where the user is a super admin';

CREATE FUNCTION aiven_rbac.begin_act_on_user(action text, "user" uuid) RETURNS aiven_rbac.principal
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    p aiven_rbac.principal := aiven_rbac.find_principal_now(actor, "user", '{user}');
BEGIN
    PERFORM aiven_rbac.require_manager(actor, action, p.id);
    PERFORM aiven_rbac.hold_super_admins(p.id);
    p := aiven_rbac.hold_principal(actor, "user", '{user}', 'edit');
    actor := aiven_rbac.current_actor();
    PERFORM aiven_rbac.require_manager(actor, action, p.id);
    RETURN p;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.begin_act_on_user(text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.begin_act_on_user(text, uuid) IS
    'begin an act on a user, who is held; an error if there is none, or if the session may not do the action to the user';

-- An email is what a user signs in and is invited by, so that nobody changes
-- their own here: only who has seen that the address is the user's, or the
-- organization that has shown that its whole domain is its own.
CREATE FUNCTION aiven_rbac.user_edit(principal uuid, name text DEFAULT NULL, email text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    p aiven_rbac.principal := aiven_rbac.hold_principal(actor, principal, '{user}', 'change');
    manager uuid := aiven_rbac.managed_by_now(p.id);
BEGIN
    actor := aiven_rbac.current_actor();
    IF actor.principal = p.id AND manager IS NULL THEN
        IF email <> p.email THEN
            RAISE EXCEPTION 'permission denied to change one''s own email'
                USING ERRCODE = 'insufficient_privilege',
                      DETAIL = 'An email is what a user signs in and is invited by.',
                      HINT = 'The application changes it, without a principal, once it has seen that the new address is the user''s.';
        END IF;
    ELSIF actor.principal = p.id AND @extschema@.rbac_has_permission(actor.principal, manager, 'user.edit') IS NOT TRUE THEN
        RAISE EXCEPTION 'managed user "%" cannot edit their own profile', aiven_rbac.excerpt(p.email)
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('The user is managed by organization "%s".',
                                  (aiven_rbac.resource_with_id_now(manager)).path),
                  HINT = 'Ask somebody there who holds "user.edit", such as by "organization:users:write".';
    ELSE
        PERFORM aiven_rbac.require_manager(actor, 'user.edit', p.id);
        IF actor.operator IS NOT TRUE AND email IS NOT NULL
           AND aiven_rbac.domain_manager_now(email) IS DISTINCT FROM manager THEN
            RAISE EXCEPTION 'permission denied to move user "%" out of the organization''s domains', aiven_rbac.excerpt(p.email)
                USING ERRCODE = 'insufficient_privilege',
                      DETAIL = 'The email of a managed user stays in a domain that the managing organization has verified.';
        END IF;
        IF aiven_rbac.fold(email) <> aiven_rbac.fold(p.email) AND actor.principal IS DISTINCT FROM p.id THEN
            PERFORM aiven_rbac.require_manager_to_hand_out(actor, 'user.edit', p.id);
            PERFORM aiven_rbac.require_all_of_user(actor, p);
        END IF;
    END IF;
    IF name = '' THEN
        RAISE EXCEPTION 'the name of a user must not be empty'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'NULL leaves the name as it is.';
    END IF;
    PERFORM aiven_rbac.require_text('name of the user', name, 'name', 255);
    PERFORM aiven_rbac.require_text('email address', email, 'email', 254);
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(CASE WHEN email <> p.email THEN ARRAY[p.id] END);
    END IF;
    UPDATE aiven_rbac.principal AS x
    SET name = coalesce(user_edit.name, x.name), email = coalesce(user_edit.email, x.email)
    WHERE x.id = p.id AND (x.name <> user_edit.name OR x.email <> user_edit.email);
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'user "%" already exists', aiven_rbac.excerpt(email)
        USING ERRCODE = 'unique_violation', DETAIL = 'The email, whatever its case, may not be another user''s.';
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.user_edit(uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.user_edit(uuid, text, text) IS 'the body of rbac_user_edit()';

CREATE FUNCTION @extschema@.rbac_user_edit(principal uuid, name text DEFAULT NULL, email text DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_user_edit(uuid, text, text) IS
    'change a user''s name or email (NULL: leave it): one''s own name unless one is managed; for managed users it requires user.edit in the managing organization, and for the email every action that the user holds';

CREATE FUNCTION aiven_rbac.user_deactivate(principal uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    p aiven_rbac.principal := aiven_rbac.begin_act_on_user('user.deactivate', principal);
BEGIN
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(CASE WHEN p.deactivated_at IS NULL THEN ARRAY[p.id] END);
    END IF;
    UPDATE aiven_rbac.principal AS x SET deactivated_at = now() WHERE x.id = p.id AND x.deactivated_at IS NULL;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.user_deactivate(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.user_deactivate(uuid) IS 'the body of rbac_user_deactivate()';

CREATE FUNCTION @extschema@.rbac_user_deactivate(principal uuid) RETURNS void
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_user_deactivate(uuid) IS
    'end all access of a managed user, everywhere and at once; it requires user.deactivate in the managing organization, for a super admin also super_admin.manage';

CREATE FUNCTION @extschema@.rbac_user_reactivate(principal uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    p aiven_rbac.principal := aiven_rbac.begin_act_on_user('user.deactivate', principal);
BEGIN
    PERFORM aiven_rbac.require_manager_to_hand_out(aiven_rbac.current_actor(), 'user.deactivate', p.id);
    UPDATE aiven_rbac.principal AS x SET deactivated_at = NULL WHERE x.id = p.id AND x.deactivated_at IS NOT NULL;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_user_reactivate(uuid) IS
    'give a deactivated user back all access that they had; it requires the same as deactivating';

CREATE FUNCTION aiven_rbac.user_delete(principal uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    p aiven_rbac.principal := aiven_rbac.begin_act_on_user('user.delete', principal);
BEGIN
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(ARRAY[p.id]);
    END IF;
    DELETE FROM aiven_rbac.principal AS x WHERE x.id = p.id;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.user_delete(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.user_delete(uuid) IS 'the body of rbac_user_delete()';

CREATE FUNCTION @extschema@.rbac_user_delete(principal uuid, if_exists boolean DEFAULT false) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_deleting'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_user_delete(uuid, boolean) IS
    'delete a managed user, with all memberships and grants; it requires user.delete in the managing organization, for a super admin also super_admin.manage; false if there is none and if_exists is said';

CREATE FUNCTION aiven_rbac.require_principal_texts(kind text, name text, description text) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    called text := replace(kind, '_', ' ');
BEGIN
    PERFORM aiven_rbac.require_text('name of the ' || called, name, 'name', 255);
    PERFORM aiven_rbac.require_text('description of the ' || called, description, 'note', 1000);
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_principal_texts(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_principal_texts(text, text, text) IS
    'raise unless a name and a description (NULL: none) are fit for a group or application user';

CREATE FUNCTION aiven_rbac.principal_called(organization uuid, kind text, name text) RETURNS aiven_rbac.principal
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT p FROM aiven_rbac.principal AS p
    WHERE p.organization = principal_called.organization AND p.kind = principal_called.kind AND p.name = principal_called.name
$$;
REVOKE ALL ON FUNCTION aiven_rbac.principal_called(uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.principal_called(uuid, text, text) IS 'the group or application user of an organization with a name, or NULL';

CREATE FUNCTION aiven_rbac.principal_called_now(organization uuid, kind text, name text) RETURNS aiven_rbac.principal
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.principal_called_now(uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.principal_called_now(uuid, text, text) IS 'the same, as committed now';

CREATE FUNCTION aiven_rbac.create_principal(kind text, action text, organization @extschema@.rbac_resource,
                                            name text, description text, if_not_exists boolean)
    RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    o aiven_rbac.resource := (aiven_rbac.begin_act(action, organization, '{organization}')).place;
    id uuid := gen_random_uuid();
    standing aiven_rbac.principal;
BEGIN
    IF name IS NULL OR name = '' THEN
        RAISE EXCEPTION 'name of the % must not be empty', replace(kind, '_', ' ')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM aiven_rbac.require_principal_texts(kind, name, description);
    BEGIN
        INSERT INTO aiven_rbac.principal (id, kind, organization, name, description)
        VALUES (id, kind, o.id, name, description);
    EXCEPTION WHEN unique_violation THEN
        standing := CASE WHEN if_not_exists THEN aiven_rbac.principal_called_now(o.id, kind, name) END;
        IF standing.id IS NOT NULL THEN
            PERFORM aiven_rbac.tell_differences(format('%s "%s"', replace(kind, '_', ' '), aiven_rbac.excerpt(name)),
                                                jsonb_build_object('description', description), to_jsonb(standing));
            RETURN standing.id;
        END IF;
        RAISE EXCEPTION '% "%" already exists in organization "%"', replace(kind, '_', ' '), aiven_rbac.excerpt(name), organization
            USING ERRCODE = 'unique_violation', HINT = 'Choose another name.';
    END;
    INSERT INTO aiven_rbac.membership (principal, organization, kind) VALUES (id, o.id, kind);
    RETURN id;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.create_principal(text, text, @extschema@.rbac_resource, text, text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.create_principal(text, text, @extschema@.rbac_resource, text, text, boolean) IS
    'add an application user or a group to its organization';

CREATE FUNCTION aiven_rbac.begin_act_on_principal(action text, id uuid, kind text, hold text) RETURNS aiven_rbac.principal
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    p aiven_rbac.principal := aiven_rbac.find_principal_now(actor, id, ARRAY[kind]);
BEGIN
    PERFORM aiven_rbac.require(actor, action, p.organization);
    p := aiven_rbac.hold_principal(actor, id, ARRAY[kind], hold);
    actor := aiven_rbac.current_actor();
    PERFORM aiven_rbac.require(actor, action, p.organization);
    RETURN p;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.begin_act_on_principal(text, uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.begin_act_on_principal(text, uuid, text, text) IS
    'begin an act on an application user or a group, which is held; an error if there is none, or if the session may not do the action in its organization';

CREATE FUNCTION aiven_rbac.edit_principal(p aiven_rbac.principal, name text, description text, clear text[]) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    called text := replace((p).kind, '_', ' ');
BEGIN
    IF name = '' THEN
        RAISE EXCEPTION 'the name of % "%" must not be empty', called, aiven_rbac.excerpt((p).name) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM aiven_rbac.require_principal_texts((p).kind, name, description);
    PERFORM aiven_rbac.require_clear(clear, jsonb_build_object('description', description));
    UPDATE aiven_rbac.principal AS x
    SET name = coalesce(edit_principal.name, x.name),
        description = CASE WHEN 'description' = ANY (clear) THEN NULL ELSE coalesce(edit_principal.description, x.description) END
    WHERE x.id = (p).id AND (x.name <> edit_principal.name OR x.description IS DISTINCT FROM coalesce(edit_principal.description, x.description)
                             OR x.description IS NOT NULL AND 'description' = ANY (clear));
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION '% "%" already exists in the organization', called, aiven_rbac.excerpt(name)
        USING ERRCODE = 'unique_violation', HINT = 'Choose another name.';
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.edit_principal(aiven_rbac.principal, text, text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.edit_principal(aiven_rbac.principal, text, text, text[]) IS
    'change the name or description of a group or application user (NULL: leave it)';

CREATE FUNCTION @extschema@.rbac_application_user_create(organization @extschema@.rbac_resource, name text,
                                                         description text DEFAULT NULL, if_not_exists boolean DEFAULT false)
    RETURNS uuid
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.create_principal('application_user', 'application_user.create', organization, name, description, if_not_exists) $$;
COMMENT ON FUNCTION @extschema@.rbac_application_user_create(@extschema@.rbac_resource, text, text, boolean) IS
    'create an application user of an organization; it requires application_user.create; with if_not_exists, of the one that has the name';

CREATE FUNCTION @extschema@.rbac_application_user_edit(application_user uuid, name text DEFAULT NULL,
                                                       description text DEFAULT NULL, clear text[] DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    p aiven_rbac.principal := aiven_rbac.begin_act_on_principal('application_user.edit', application_user, 'application_user', 'change');
BEGIN
    PERFORM aiven_rbac.edit_principal(p, name, description, clear);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_application_user_edit(uuid, text, text, text[]) IS
    'change an application user''s name or description (NULL: leave it; description named in clear: none); it requires application_user.edit';

CREATE FUNCTION aiven_rbac.application_user_delete(application_user uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    p aiven_rbac.principal := aiven_rbac.begin_act_on_principal('application_user.delete', application_user, 'application_user', 'change');
BEGIN
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(ARRAY[p.id]);
    END IF;
    DELETE FROM aiven_rbac.principal AS x WHERE x.id = p.id;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.application_user_delete(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.application_user_delete(uuid) IS 'the body of rbac_application_user_delete()';

CREATE FUNCTION @extschema@.rbac_application_user_delete(application_user uuid, if_exists boolean DEFAULT false) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_deleting'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_application_user_delete(uuid, boolean) IS
    'delete an application user, with its grants and group memberships; it requires application_user.delete; false if there is none and if_exists is said';

CREATE FUNCTION aiven_rbac.member_remove(organization @extschema@.rbac_resource, principal uuid) RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    o aiven_rbac.resource := aiven_rbac.hold_resource(actor, organization, '{organization}', 'share');
    p aiven_rbac.principal;
BEGIN
    PERFORM aiven_rbac.hold_super_admins(principal, o.id);
    PERFORM aiven_rbac.look_again(organization, '{organization}');
    p := aiven_rbac.hold_principal(actor, principal, '{user}', 'share', organization, '{organization}');
    -- Nobody may become a super admin between the look and the removal.
    PERFORM aiven_rbac.hold_membership(p.id, o.id, 'change');
    PERFORM aiven_rbac.look_again(organization, '{organization}');
    PERFORM aiven_rbac.require(actor, CASE WHEN aiven_rbac.is_super_admin_now(p.id, o.id) IS NOT FALSE
                                      THEN 'super_admin.manage' ELSE 'user.remove' END, o.id);
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(CASE WHEN aiven_rbac.has_membership_now(p.id, o.id) THEN ARRAY[p.id] END);
    END IF;
    DELETE FROM aiven_rbac.membership AS m WHERE m.organization = o.id AND m.principal = p.id;
    IF NOT FOUND THEN
        PERFORM aiven_rbac.find_principal_now(actor, principal, '{user}');
        RETURN false;
    END IF;
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.member_remove(@extschema@.rbac_resource, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.member_remove(@extschema@.rbac_resource, uuid) IS 'the body of rbac_member_remove()';

CREATE FUNCTION @extschema@.rbac_member_remove(organization @extschema@.rbac_resource, principal uuid) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_member_remove(@extschema@.rbac_resource, uuid) IS
    'remove a user from an organization, with all grants and group memberships there; it requires user.remove, for a super admin super_admin.manage; false if the user was no member';

CREATE FUNCTION aiven_rbac.member_leave(organization @extschema@.rbac_resource) RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    o aiven_rbac.resource := aiven_rbac.hold_resource(actor, organization, '{organization}', 'share');
BEGIN
    PERFORM aiven_rbac.hold_super_admins(actor.principal, o.id);
    PERFORM aiven_rbac.hold_membership(actor.principal, o.id, 'change');
    PERFORM aiven_rbac.look_again(organization, '{organization}');
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(
            CASE WHEN aiven_rbac.has_membership_now(actor.principal, o.id)
                 THEN ARRAY[actor.principal] END);
    END IF;
    DELETE FROM aiven_rbac.membership AS m
    WHERE m.organization = o.id AND m.principal = actor.principal AND m.kind = 'user';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'only a user who is a member can leave organization "%"', organization
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.member_leave(@extschema@.rbac_resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.member_leave(@extschema@.rbac_resource) IS 'the body of rbac_member_leave()';

CREATE FUNCTION @extschema@.rbac_member_leave(organization @extschema@.rbac_resource) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_member_leave(@extschema@.rbac_resource) IS
    'leave an organization, giving up all that is held there';
