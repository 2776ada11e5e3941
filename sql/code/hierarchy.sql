-- The hierarchy: organizations and units are created, renamed and deleted (H1
-- to H5), and what projects and services share with them.

CREATE FUNCTION aiven_rbac.path_below(parent @extschema@.rbac_path, label text) RETURNS @extschema@.rbac_path
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    own @extschema@.rbac_path := label::@extschema@.rbac_path;
BEGIN
    IF @extschema@.rbac_path_nlevel(own) <> 1 THEN
        RAISE EXCEPTION 'invalid label "%"', aiven_rbac.excerpt(label)
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'A label is one part of a path, without dots.',
                  HINT = 'The parent''s path is an argument of its own.';
    END IF;
    RETURN CASE WHEN parent IS NULL THEN own ELSE parent OPERATOR(@extschema@.||) own END;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.path_below(@extschema@.rbac_path, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.path_below(@extschema@.rbac_path, text) IS
    'the path of what is called so under a parent, or by itself when there is no parent';

CREATE FUNCTION aiven_rbac.refuse_path(violated text, path @extschema@.rbac_path) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF violated = 'resource_project_label_key' THEN
        RAISE EXCEPTION 'project label "%" is already taken', @extschema@.rbac_path_label(path)
            USING ERRCODE = 'unique_violation',
                  DETAIL = 'A project''s label is unique in the whole database.',
                  HINT = 'Choose another label; the display name need not be unique.';
    ELSIF violated = 'resource_path_key' THEN
        RAISE EXCEPTION '"%" already exists', path
            USING ERRCODE = 'unique_violation',
                  DETAIL = 'Labels are unique among siblings.',
                  HINT = 'Choose another label; the display name need not be unique.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.refuse_path(text, @extschema@.rbac_path) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.refuse_path(text, @extschema@.rbac_path) IS
    'raise the error for a path that a constraint refused';

CREATE FUNCTION aiven_rbac.create_resource(kind text, parent aiven_rbac.resource, label text, name text, id uuid, if_not_exists boolean)
    RETURNS aiven_rbac.resource
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    r aiven_rbac.resource;
    standing aiven_rbac.resource;
    violated text;
BEGIN
    IF label IS NULL THEN
        RAISE EXCEPTION 'label of the % must not be null', kind USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM aiven_rbac.require_text('name of the ' || kind, name, 'name', 255);
    r.id := aiven_rbac.choose_id(kind, id);
    r.kind := kind;
    r.organization := coalesce((parent).organization, r.id);
    r.parent := (parent).id;
    r.path := aiven_rbac.path_below((parent).path, label);
    r.name := coalesce(name, label);
    BEGIN
        INSERT INTO aiven_rbac.resource (id, kind, organization, parent, path, name)
        VALUES (r.id, r.kind, r.organization, r.parent, r.path, r.name);
    EXCEPTION WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
        standing := CASE WHEN if_not_exists THEN aiven_rbac.resource_at_now(r.path) END;
        IF standing.kind = kind THEN
            PERFORM aiven_rbac.tell_differences(format('%s "%s"', kind, standing.path),
                                                jsonb_build_object('name', name, 'id', id), to_jsonb(standing));
            RETURN standing;
        END IF;
        PERFORM aiven_rbac.refuse_path(violated, r.path);
        RAISE EXCEPTION 'a resource with the id % already exists', r.id
            USING ERRCODE = 'unique_violation',
                  DETAIL = 'An id is one resource''s for ever.',
                  HINT = 'Bring another id, or none.';
    END;
    RETURN r;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.create_resource(text, aiven_rbac.resource, text, text, uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.create_resource(text, aiven_rbac.resource, text, text, uuid, boolean) IS
    'add a resource under its parent, with an id if the operator brings one, and with errors that a caller understands; with if_not_exists, one of the kind that stands there already';

CREATE FUNCTION aiven_rbac.rename_resource(action text, path @extschema@.rbac_resource, kind text, name text, label text)
    RETURNS @extschema@.rbac_path
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    r aiven_rbac.resource := (aiven_rbac.begin_act(action, path, ARRAY[kind],
                                                   CASE WHEN label IS NULL THEN 'edit' ELSE 'change' END)).place;
    renamed @extschema@.rbac_path := r.path;
    violated text;
BEGIN
    IF name = '' THEN
        RAISE EXCEPTION 'the name of % "%" must not be empty', kind, path
            USING ERRCODE = 'invalid_parameter_value', HINT = 'NULL leaves the name as it is.';
    END IF;
    PERFORM aiven_rbac.require_text('name of the ' || kind, name, 'name', 255);
    UPDATE aiven_rbac.resource AS x SET name = rename_resource.name
    WHERE x.id = r.id AND x.name <> rename_resource.name;
    -- Apart, since whoever names the path in an UPDATE waits, as for a change of
    -- it, for all that references the resource.
    IF label IS NOT NULL THEN
        renamed := aiven_rbac.path_below(@extschema@.rbac_path_parent(r.path), label);
        UPDATE aiven_rbac.resource AS x SET path = renamed
        WHERE x.id = r.id AND x.path OPERATOR(@extschema@.<>) renamed;
    END IF;
    RETURN renamed;
EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
    PERFORM aiven_rbac.refuse_path(violated, renamed);
    RAISE;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.rename_resource(text, @extschema@.rbac_resource, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.rename_resource(text, @extschema@.rbac_resource, text, text, text) IS
    'change the display name or the label of a resource (NULL: leave it); paths below follow';

CREATE FUNCTION aiven_rbac.delete_resource(action text, path @extschema@.rbac_resource, kind text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    r aiven_rbac.resource := (aiven_rbac.begin_act(action, path, ARRAY[kind], 'change')).place;
BEGIN
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(
            CASE WHEN NOT EXISTS (SELECT FROM aiven_rbac.children_now(r.id))
                 THEN aiven_rbac.holders_now('reach', r.id) END);
    END IF;
    DELETE FROM aiven_rbac.resource AS x WHERE x.id = r.id;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.delete_resource(text, @extschema@.rbac_resource, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.delete_resource(text, @extschema@.rbac_resource, text) IS
    'delete a resource that has nothing inside';

-- Whoever is managed does not leave the organization that manages them by making
-- one of their own.
CREATE FUNCTION aiven_rbac.require_founder(founder aiven_rbac.principal) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    manager uuid := aiven_rbac.managed_by_now((founder).id);
BEGIN
    IF manager IS NOT NULL AND @extschema@.rbac_has_permission((founder).id, manager, 'role:organization:admin') IS NOT TRUE THEN
        RAISE EXCEPTION 'managed user "%" cannot create an organization', aiven_rbac.excerpt((founder).email)
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('The user is managed by organization "%s", and holds no "role:organization:admin" there.',
                                  (aiven_rbac.resource_with_id_now(manager)).path),
                  HINT = 'An admin of that organization can create one.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_founder(aiven_rbac.principal) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_founder(aiven_rbac.principal) IS
    'raise if a user is managed and no admin of the managing organization';

CREATE FUNCTION aiven_rbac.found_organization(founder aiven_rbac.principal, label text, name text, id uuid)
    RETURNS @extschema@.rbac_path
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    o aiven_rbac.resource;
    owners uuid := gen_random_uuid();
BEGIN
    o := aiven_rbac.create_resource('organization', NULL, label, name, id, false);
    INSERT INTO aiven_rbac.organization (id) VALUES (o.id);
    INSERT INTO aiven_rbac.principal (id, kind, organization, name, description, account_owners)
    VALUES (owners, 'group', o.id, 'account owners', 'Super admins of the organization', true);
    INSERT INTO aiven_rbac.membership (principal, organization, kind)
    VALUES (owners, o.id, 'group'), ((founder).id, o.id, 'user');
    INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind, account_owners)
    VALUES ((founder).id, owners, o.id, 'user', true);
    RETURN o.path;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.found_organization(aiven_rbac.principal, text, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.found_organization(aiven_rbac.principal, text, text, uuid) IS
    'make an organization and its super admin';

CREATE FUNCTION @extschema@.rbac_organization_create(label text, name text,
        super_admin uuid DEFAULT @extschema@.rbac_current_principal(), id uuid DEFAULT NULL, if_not_exists boolean DEFAULT false)
    RETURNS @extschema@.rbac_path
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    founder aiven_rbac.principal;
    standing aiven_rbac.resource;
BEGIN
    IF super_admin IS NULL THEN
        RAISE EXCEPTION 'an organization needs a super admin'
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'Give the id of a user: rbac_user(email).';
    END IF;
    -- A deactivation that is under way comes first.
    founder := aiven_rbac.hold_principal(actor, super_admin, '{user}', 'edit');
    actor := aiven_rbac.current_actor();
    IF founder.deactivated_at IS NOT NULL THEN
        RAISE EXCEPTION 'user "%" is deactivated', aiven_rbac.excerpt(founder.email)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'An organization needs an active super admin.';
    END IF;
    IF actor.operator IS NOT TRUE AND actor.principal IS DISTINCT FROM super_admin THEN
        RAISE EXCEPTION 'permission denied to create an organization for another user'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'Whoever creates an organization becomes its super admin.';
    END IF;
    IF actor.operator IS NOT TRUE THEN
        PERFORM aiven_rbac.require_founder(founder);
    END IF;
    RETURN aiven_rbac.found_organization(founder, label, name, id);
EXCEPTION WHEN unique_violation THEN
    -- One that the caller is no member of is none of theirs to get.
    standing := CASE WHEN if_not_exists THEN aiven_rbac.resource_at_now(label::@extschema@.rbac_path) END;
    IF standing.id IS NULL OR aiven_rbac.is_member_now(actor, standing.id) IS NOT TRUE THEN
        RAISE;
    END IF;
    PERFORM aiven_rbac.tell_differences(format('organization "%s"', label),
        jsonb_build_object('name', name, 'id', id, 'super_admin', super_admin),
        to_jsonb(standing) || jsonb_build_object('super_admin', (SELECT m.member FROM aiven_rbac.group_member AS m
                                                                 WHERE m.organization = standing.id AND m.account_owners AND m.member = super_admin)));
    RETURN standing.path;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_organization_create(text, text, uuid, uuid, boolean) IS
    'create an organization; whoever creates it becomes its super admin (the operator names one); a managed user can only as an admin of the managing organization; with if_not_exists, one of the label that the caller is a member of stays as it is';

CREATE FUNCTION @extschema@.rbac_organization_rename(organization @extschema@.rbac_resource, name text,
                                                     label text DEFAULT NULL)
    RETURNS @extschema@.rbac_path
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.rename_resource('organization.rename', organization, 'organization', name, label) $$;
COMMENT ON FUNCTION @extschema@.rbac_organization_rename(@extschema@.rbac_resource, text, text) IS
    'change an organization''s display name, and its label if one is given; super admins only; returns its path';

CREATE FUNCTION @extschema@.rbac_organization_support_tier_set(organization @extschema@.rbac_resource, support_tier text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    o aiven_rbac.resource := (aiven_rbac.begin_act('billing_group.edit', organization, '{organization}', 'settings')).place;
    violated text;
BEGIN
    UPDATE aiven_rbac.organization AS x SET support_tier = rbac_organization_support_tier_set.support_tier
    WHERE x.id = o.id;
EXCEPTION WHEN check_violation OR not_null_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
    PERFORM aiven_rbac.refuse_value('support_tier', SQLSTATE, violated, 'name');
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_organization_support_tier_set(@extschema@.rbac_resource, text) IS
    'set the support tier of a whole organization: basic, business, advanced or premium; it is paid for, so it requires billing_group.edit';

CREATE FUNCTION aiven_rbac.organization_delete(organization @extschema@.rbac_resource) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_resource('organization.delete', organization, 'organization') $$;
REVOKE ALL ON FUNCTION aiven_rbac.organization_delete(@extschema@.rbac_resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.organization_delete(@extschema@.rbac_resource) IS 'the body of rbac_organization_delete()';

CREATE FUNCTION @extschema@.rbac_organization_delete(organization @extschema@.rbac_resource, if_exists boolean DEFAULT false) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_deleting'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_organization_delete(@extschema@.rbac_resource, boolean) IS
    'delete an organization without units and projects, with its groups, application users and memberships; super admins only; false if there is none and if_exists is said';

CREATE FUNCTION @extschema@.rbac_unit_create(organization @extschema@.rbac_resource, label text, name text DEFAULT NULL,
                                             id uuid DEFAULT NULL, if_not_exists boolean DEFAULT false)
    RETURNS @extschema@.rbac_path
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    o aiven_rbac.resource := (aiven_rbac.begin_act('unit.create', organization, '{organization}')).place;
BEGIN
    RETURN (aiven_rbac.create_resource('unit', o, label, name, id, if_not_exists)).path;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_unit_create(@extschema@.rbac_resource, text, text, uuid, boolean) IS
    'create a unit in an organization; it requires unit.create there; with if_not_exists, one that stands stays as it is';

CREATE FUNCTION @extschema@.rbac_unit_rename(unit @extschema@.rbac_resource, name text, label text DEFAULT NULL)
    RETURNS @extschema@.rbac_path
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.rename_resource('unit.create', unit, 'unit', name, label) $$;
COMMENT ON FUNCTION @extschema@.rbac_unit_rename(@extschema@.rbac_resource, text, text) IS
    'change a unit''s display name, and its label if one is given; like creating one, it requires unit.create; returns its path';

CREATE FUNCTION aiven_rbac.unit_delete(unit @extschema@.rbac_resource) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_resource('unit.delete', unit, 'unit') $$;
REVOKE ALL ON FUNCTION aiven_rbac.unit_delete(@extschema@.rbac_resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.unit_delete(@extschema@.rbac_resource) IS 'the body of rbac_unit_delete()';

CREATE FUNCTION @extschema@.rbac_unit_delete(unit @extschema@.rbac_resource, if_exists boolean DEFAULT false) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_deleting'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_unit_delete(@extschema@.rbac_resource, boolean) IS
    'delete a unit without projects; it requires unit.delete; false if there is none and if_exists is said';
