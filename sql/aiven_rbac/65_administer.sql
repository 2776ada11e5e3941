-- Administration.  Every function acts for the session's principal: it looks
-- up who that is, what it is about, and whether the principal holds the action
-- that the catalogue names for it there; then it writes.  The bootstrap
-- operator (actor NULL) may do everything that the tables' rules allow.

-- Hierarchy --------------------------------------------------------------------

CREATE FUNCTION aiven_rbac.create_resource(kind text, parent aiven_rbac.resource, label text, name text, id uuid)
    RETURNS aiven_rbac.resource
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    own @extschema@.rbac_path := label::@extschema@.rbac_path;
    r aiven_rbac.resource;
    violated text;
BEGIN
    IF label IS NULL OR id IS NULL THEN
        RAISE EXCEPTION 'label and id of the % must not be null', kind USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF @extschema@.rbac_path_nlevel(own) <> 1 THEN
        RAISE EXCEPTION 'invalid label "%"', label
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'A label is one part of a path, without dots.',
                  HINT = 'The parent''s path is an argument of its own.';
    END IF;
    r.id := id;
    r.kind := kind;
    r.organization := coalesce((parent).organization, id);
    r.parent := (parent).id;
    r.path := CASE WHEN r.parent IS NULL THEN own ELSE (parent).path OPERATOR(@extschema@.||) own END;
    r.name := coalesce(name, label);
    BEGIN
        INSERT INTO aiven_rbac.resource (id, kind, organization, parent, path, name)
        VALUES (r.id, r.kind, r.organization, r.parent, r.path, r.name);
    EXCEPTION WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
        CASE violated
            WHEN 'resource_project_label_key' THEN
                RAISE EXCEPTION 'project label "%" is already taken', label
                    USING ERRCODE = 'unique_violation',
                          DETAIL = 'A project''s label is unique in the whole database.',
                          HINT = 'Choose another label; the display name need not be unique.';
            WHEN 'resource_path_key' THEN
                RAISE EXCEPTION '"%" already exists', r.path
                    USING ERRCODE = 'unique_violation',
                          DETAIL = 'Labels are unique among siblings.',
                          HINT = 'Choose another label; the display name need not be unique.';
            ELSE
                RAISE EXCEPTION 'a resource with the id % already exists', id
                    USING ERRCODE = 'unique_violation',
                          DETAIL = 'An id is one resource''s for ever.',
                          HINT = 'Bring another id, or none.';
        END CASE;
    END;
    RETURN r;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.create_resource(text, aiven_rbac.resource, text, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.create_resource(text, aiven_rbac.resource, text, text, uuid) IS
    'add a resource under its parent, with errors that a caller understands';

CREATE FUNCTION @extschema@.rbac_organization_create(label text, name text,
        super_admin uuid DEFAULT @extschema@.rbac_current_principal(), id uuid DEFAULT pg_catalog.gen_random_uuid())
    RETURNS @extschema@.rbac_path
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    founder aiven_rbac.principal;
    o aiven_rbac.resource;
    owners uuid := gen_random_uuid();
BEGIN
    IF super_admin IS NULL THEN
        RAISE EXCEPTION 'an organization needs a super admin'
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'Give the id of a user: rbac_user(email).';
    END IF;
    founder := aiven_rbac.find_principal(actor, super_admin, 'user');
    -- A deactivation that is under way comes first.
    SELECT * INTO founder FROM aiven_rbac.principal AS p WHERE p.id = founder.id FOR NO KEY UPDATE;
    IF founder.deactivated_at IS NOT NULL THEN
        RAISE EXCEPTION 'user "%" is deactivated', founder.email
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'An organization needs an active super admin.';
    END IF;
    IF actor <> super_admin THEN
        RAISE EXCEPTION 'permission denied to create an organization for another user'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'Whoever creates an organization becomes its super admin.';
    END IF;
    o := aiven_rbac.create_resource('organization', NULL, label, name, id);
    INSERT INTO aiven_rbac.organization (id) VALUES (o.id);
    INSERT INTO aiven_rbac.principal (id, kind, organization, name, description, account_owners)
    VALUES (owners, 'group', o.id, 'account owners', 'Super admins of the organization', true);
    INSERT INTO aiven_rbac.membership (principal, organization, kind)
    VALUES (owners, o.id, 'group'), (founder.id, o.id, 'user');
    INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind, account_owners)
    VALUES (founder.id, owners, o.id, 'user', true);
    RETURN o.path;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_organization_create(text, text, uuid, uuid) IS
    'create an organization; whoever creates it becomes its super admin (the bootstrap operator names one)';

CREATE FUNCTION aiven_rbac.delete_resource(actor uuid, action text, path @extschema@.rbac_path, kind text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    r aiven_rbac.resource := aiven_rbac.find_resource(actor, path, kind);
BEGIN
    PERFORM aiven_rbac.require(actor, action, r.id);
    DELETE FROM aiven_rbac.resource AS x WHERE x.id = r.id;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.delete_resource(uuid, text, @extschema@.rbac_path, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.delete_resource(uuid, text, @extschema@.rbac_path, text) IS
    'delete a resource that has nothing inside (H5)';

CREATE FUNCTION @extschema@.rbac_organization_delete(organization @extschema@.rbac_path) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_resource(aiven_rbac.actor(), 'organization.delete', organization, 'organization') $$;
COMMENT ON FUNCTION @extschema@.rbac_organization_delete(@extschema@.rbac_path) IS
    'delete an organization without units and projects, with its groups, application users and memberships; super admins only';

CREATE FUNCTION @extschema@.rbac_unit_create(organization @extschema@.rbac_path, label text, name text DEFAULT NULL,
                                             id uuid DEFAULT pg_catalog.gen_random_uuid())
    RETURNS @extschema@.rbac_path
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    o aiven_rbac.resource := aiven_rbac.find_resource(actor, organization, 'organization');
BEGIN
    PERFORM aiven_rbac.require(actor, 'unit.create', o.id);
    RETURN (aiven_rbac.create_resource('unit', o, label, name, id)).path;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_unit_create(@extschema@.rbac_path, text, text, uuid) IS
    'create a unit in an organization; it takes unit.create there';

CREATE FUNCTION @extschema@.rbac_unit_delete(unit @extschema@.rbac_path) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_resource(aiven_rbac.actor(), 'unit.delete', unit, 'unit') $$;
COMMENT ON FUNCTION @extschema@.rbac_unit_delete(@extschema@.rbac_path) IS
    'delete a unit without projects; it takes unit.delete';

CREATE FUNCTION @extschema@.rbac_project_create(parent @extschema@.rbac_path, label text, name text DEFAULT NULL,
                                                id uuid DEFAULT pg_catalog.gen_random_uuid())
    RETURNS @extschema@.rbac_path
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    above aiven_rbac.resource := aiven_rbac.find_resource(actor, parent, 'organization', 'unit');
    r aiven_rbac.resource;
BEGIN
    PERFORM aiven_rbac.require(actor, 'project.create', above.id);
    r := aiven_rbac.create_resource('project', above, label, name, id);
    INSERT INTO aiven_rbac.project (id, organization) VALUES (r.id, r.organization);
    RETURN r.path;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_project_create(@extschema@.rbac_path, text, text, uuid) IS
    'create a project in an organization or unit; it takes project.create there';

CREATE FUNCTION @extschema@.rbac_project_delete(project @extschema@.rbac_path) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_resource(aiven_rbac.actor(), 'project.delete', project, 'project') $$;
COMMENT ON FUNCTION @extschema@.rbac_project_delete(@extschema@.rbac_path) IS
    'delete a project without services; it takes project.delete';

CREATE FUNCTION @extschema@.rbac_project_move(project @extschema@.rbac_path, parent @extschema@.rbac_path)
    RETURNS @extschema@.rbac_path
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    p aiven_rbac.resource := aiven_rbac.find_resource(actor, project, 'project');
    target aiven_rbac.resource := aiven_rbac.find_resource(actor, parent, 'organization', 'unit');
    moved @extschema@.rbac_path := target.path OPERATOR(@extschema@.||) @extschema@.rbac_path_label(p.path);
BEGIN
    PERFORM aiven_rbac.require(actor, 'project.move', p.id);
    IF target.organization <> p.organization THEN
        RAISE EXCEPTION '"%" and "%" belong to different organizations', project, parent
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Projects move inside their organization.';
    END IF;
    IF EXISTS (SELECT FROM aiven_rbac.resource AS r WHERE r.path OPERATOR(@extschema@.=) moved AND r.id <> p.id) THEN
        RAISE EXCEPTION '"%" already exists', moved
            USING ERRCODE = 'unique_violation',
                  DETAIL = 'Labels are unique among siblings.',
                  HINT = 'Move the project elsewhere.';
    END IF;
    UPDATE aiven_rbac.resource AS r SET parent = target.id, path = moved WHERE r.id = p.id;
    RETURN moved;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_project_move(@extschema@.rbac_path, @extschema@.rbac_path) IS
    'move a project to another unit of its organization, or directly under it; paths that reference it follow (H4)';

CREATE FUNCTION @extschema@.rbac_service_create(project @extschema@.rbac_path, label text, service_type text,
        plan text DEFAULT NULL, id uuid DEFAULT pg_catalog.gen_random_uuid())
    RETURNS @extschema@.rbac_path
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    p aiven_rbac.resource := aiven_rbac.find_resource(actor, project, 'project');
    r aiven_rbac.resource;
BEGIN
    PERFORM aiven_rbac.require(actor, 'service.create', p.id);
    IF service_type IS NULL OR service_type = '' THEN
        RAISE EXCEPTION 'a service needs a type'
            USING ERRCODE = 'null_value_not_allowed', HINT = 'Such as "pg", "kafka" or "redis".';
    END IF;
    r := aiven_rbac.create_resource('service', p, label, NULL, id);
    INSERT INTO aiven_rbac.service (id, organization, service_type, plan)
    VALUES (r.id, r.organization, service_type, plan);
    RETURN r.path;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_service_create(@extschema@.rbac_path, text, text, text, uuid) IS
    'create a service in a project; it takes service.create there';

CREATE FUNCTION @extschema@.rbac_service_delete(service @extschema@.rbac_path) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_resource(aiven_rbac.actor(), 'service.delete', service, 'service') $$;
COMMENT ON FUNCTION @extschema@.rbac_service_delete(@extschema@.rbac_path) IS
    'delete a service; it takes service.delete';

-- People -----------------------------------------------------------------------

CREATE FUNCTION @extschema@.rbac_user_create(email text, name text DEFAULT NULL,
                                             id uuid DEFAULT pg_catalog.gen_random_uuid())
    RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF aiven_rbac.actor() IS NOT NULL THEN
        RAISE EXCEPTION 'permission denied to create a user'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'Users are global: they sign up with the application, not with an organization.',
                  HINT = 'Invite them by email: rbac_invitation_create().';
    END IF;
    IF email IS NULL OR email !~ '^[^@[:space:]]+@[^@[:space:]]+$' THEN
        RAISE EXCEPTION 'invalid email address "%"', coalesce(email, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'It looks like "ann@acme.example".';
    END IF;
    BEGIN
        INSERT INTO aiven_rbac.principal (id, kind, name, email) VALUES (id, 'user', coalesce(name, email), email);
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION 'user "%" already exists', email
            USING ERRCODE = 'unique_violation', DETAIL = 'Neither the email, whatever its case, nor the id may be another principal''s.';
    END;
    RETURN id;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_user_create(text, text, uuid) IS
    'create a user; by the bootstrap operator, when somebody signs up';

CREATE FUNCTION aiven_rbac.create_principal(kind text, action text, organization @extschema@.rbac_path,
                                            name text, description text)
    RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    o aiven_rbac.resource := aiven_rbac.find_resource(actor, organization, 'organization');
    id uuid := gen_random_uuid();
BEGIN
    PERFORM aiven_rbac.require(actor, action, o.id);
    IF name IS NULL OR name = '' THEN
        RAISE EXCEPTION 'name of the % must not be empty', replace(kind, '_', ' ')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    BEGIN
        INSERT INTO aiven_rbac.principal (id, kind, organization, name, description)
        VALUES (id, kind, o.id, name, description);
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION '% "%" already exists in organization "%"', replace(kind, '_', ' '), name, organization
            USING ERRCODE = 'unique_violation', HINT = 'Choose another name.';
    END;
    INSERT INTO aiven_rbac.membership (principal, organization, kind) VALUES (id, o.id, kind);
    RETURN id;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.create_principal(text, text, @extschema@.rbac_path, text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.create_principal(text, text, @extschema@.rbac_path, text, text) IS
    'add an application user or a group to its organization';

CREATE FUNCTION @extschema@.rbac_application_user_create(organization @extschema@.rbac_path, name text,
                                                         description text DEFAULT NULL)
    RETURNS uuid
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.create_principal('application_user', 'application_user.create', organization, name, description) $$;
COMMENT ON FUNCTION @extschema@.rbac_application_user_create(@extschema@.rbac_path, text, text) IS
    'create an application user of an organization; it takes application_user.create';

CREATE FUNCTION @extschema@.rbac_group_create(organization @extschema@.rbac_path, name text,
                                              description text DEFAULT NULL)
    RETURNS uuid
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.create_principal('group', 'group.create', organization, name, description) $$;
COMMENT ON FUNCTION @extschema@.rbac_group_create(@extschema@.rbac_path, text, text) IS
    'create a group of an organization; it takes group.create';

CREATE FUNCTION @extschema@.rbac_invitation_create(organization @extschema@.rbac_path, email text,
        expires_at timestamptz DEFAULT pg_catalog.now() + interval '7 days')
    RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    o aiven_rbac.resource := aiven_rbac.find_resource(actor, organization, 'organization');
    id uuid := gen_random_uuid();
BEGIN
    PERFORM aiven_rbac.require(actor, 'user.invite', o.id);
    IF email IS NULL OR email !~ '^[^@[:space:]]+@[^@[:space:]]+$' THEN
        RAISE EXCEPTION 'invalid email address "%"', coalesce(email, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'It looks like "ann@acme.example".';
    END IF;
    IF expires_at IS NULL OR expires_at <= statement_timestamp() THEN
        RAISE EXCEPTION 'an invitation must expire in the future' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (SELECT FROM aiven_rbac.membership AS m JOIN aiven_rbac.principal AS p ON p.id = m.principal
               WHERE m.organization = o.id AND p.kind = 'user' AND lower(p.email) = lower(rbac_invitation_create.email)) THEN
        RAISE EXCEPTION 'user "%" is already a member of organization "%"', email, organization
            USING ERRCODE = 'duplicate_object';
    END IF;
    -- An invitation that has expired makes room for a new one.
    UPDATE aiven_rbac.invitation AS i SET withdrawn_at = now()
    WHERE i.organization = o.id AND lower(i.email) = lower(rbac_invitation_create.email)
      AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at <= statement_timestamp();
    BEGIN
        INSERT INTO aiven_rbac.invitation (id, organization, email, expires_at) VALUES (id, o.id, email, expires_at);
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION 'user "%" is already invited to organization "%"', email, organization
            USING ERRCODE = 'unique_violation', HINT = 'Withdraw the invitation that is pending first.';
    END;
    RETURN id;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_invitation_create(@extschema@.rbac_path, text, timestamptz) IS
    'invite somebody to an organization by email; it takes user.invite';

CREATE FUNCTION @extschema@.rbac_invitation_accept(invitation uuid) RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    i aiven_rbac.invitation;
    invitee aiven_rbac.principal;
BEGIN
    SELECT * INTO i FROM aiven_rbac.invitation AS x WHERE x.id = invitation FOR UPDATE;
    IF FOUND THEN
        SELECT * INTO invitee FROM aiven_rbac.principal AS p
        WHERE p.kind = 'user' AND lower(p.email) = lower(i.email) AND (actor IS NULL OR p.id = actor);
    END IF;
    IF i.id IS NULL OR invitee.id IS NULL THEN
        RAISE EXCEPTION 'invitation % does not exist', coalesce(invitation::text, 'NULL')
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'An invitation is for the user with the email that was invited.',
                  HINT = 'Sign in as that user.';
    END IF;
    IF i.accepted_at IS NOT NULL OR i.withdrawn_at IS NOT NULL OR i.expires_at <= statement_timestamp() THEN
        RAISE EXCEPTION 'invitation % is no longer pending', invitation
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = CASE WHEN i.accepted_at IS NOT NULL THEN 'It was accepted.'
                                WHEN i.withdrawn_at IS NOT NULL THEN 'It was withdrawn.'
                                ELSE format('It expired at %s.', i.expires_at) END,
                  HINT = 'Ask for a new invitation.';
    END IF;
    IF invitee.deactivated_at IS NOT NULL THEN
        RAISE EXCEPTION 'user "%" is deactivated', invitee.email USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE aiven_rbac.invitation AS x SET accepted_at = now() WHERE x.id = i.id;
    INSERT INTO aiven_rbac.membership (principal, organization, kind)
    VALUES (invitee.id, i.organization, 'user')
    ON CONFLICT DO NOTHING;
    RETURN invitee.id;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_invitation_accept(uuid) IS
    'accept an invitation, as the user with the invited email; returns that user''s id';

CREATE FUNCTION @extschema@.rbac_invitation_withdraw(invitation uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    i aiven_rbac.invitation;
BEGIN
    SELECT * INTO i FROM aiven_rbac.invitation AS x WHERE x.id = invitation FOR UPDATE;
    IF NOT FOUND OR NOT aiven_rbac.is_member(actor, i.organization) THEN
        RAISE EXCEPTION 'invitation % does not exist', coalesce(invitation::text, 'NULL')
            USING ERRCODE = 'undefined_object';
    END IF;
    PERFORM aiven_rbac.require(actor, 'user_invitation.remove', i.organization);
    IF i.accepted_at IS NOT NULL THEN
        RAISE EXCEPTION 'invitation % was already accepted', invitation
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Remove the member instead: rbac_member_remove().';
    END IF;
    UPDATE aiven_rbac.invitation AS x SET withdrawn_at = now() WHERE x.id = i.id AND x.withdrawn_at IS NULL;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_invitation_withdraw(uuid) IS
    'withdraw an invitation that is pending; it takes user_invitation.remove';

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

CREATE FUNCTION @extschema@.rbac_member_remove(organization @extschema@.rbac_path, principal uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    o aiven_rbac.resource := aiven_rbac.find_resource(actor, organization, 'organization');
    p aiven_rbac.principal := aiven_rbac.find_principal(actor, principal, 'user');
BEGIN
    -- Nobody may become a super admin between the look and the removal.
    PERFORM FROM aiven_rbac.membership AS m WHERE m.organization = o.id AND m.principal = p.id FOR UPDATE;
    PERFORM aiven_rbac.require(actor, CASE WHEN aiven_rbac.is_super_admin(p.id, o.id)
                                      THEN 'super_admin.manage' ELSE 'user.remove' END, o.id);
    DELETE FROM aiven_rbac.membership AS m WHERE m.organization = o.id AND m.principal = p.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'user "%" is not a member of organization "%"', p.email, organization
            USING ERRCODE = 'undefined_object';
    END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_member_remove(@extschema@.rbac_path, uuid) IS
    'remove a user from an organization, with all grants and group memberships there (P7); it takes user.remove, for a super admin super_admin.manage';

CREATE FUNCTION @extschema@.rbac_member_leave(organization @extschema@.rbac_path) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    o aiven_rbac.resource := aiven_rbac.find_resource(actor, organization, 'organization');
BEGIN
    DELETE FROM aiven_rbac.membership AS m
    WHERE m.organization = o.id AND m.principal = actor AND m.kind = 'user';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'only a user who is a member can leave organization "%"', organization
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_member_leave(@extschema@.rbac_path) IS
    'leave an organization, giving up all that is held there (G4)';

-- Handing out (G1, G4, G5, G7) ---------------------------------------------------

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

CREATE FUNCTION aiven_rbac.grants_now(principal uuid, OUT resource uuid, OUT grantable uuid,
                                      OUT valid_from timestamptz, OUT valid_until timestamptz)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'rbac_grants_now'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.grants_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.grants_now(uuid) IS
    'grants to a principal itself, as committed now rather than at the transaction''s snapshot';

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

-- Database roles -----------------------------------------------------------------

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
