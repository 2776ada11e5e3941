-- The hierarchy: organizations, units, projects and services are created,
-- renamed, moved and deleted (H1 to H5).  Every function of administration
-- acts for the session's principal: it looks up who that is, what it is about,
-- and whether the principal holds the action that the catalogue names for it
-- there; then it writes.  The bootstrap operator (actor NULL) may do
-- everything that the tables' rules allow.

CREATE FUNCTION aiven_rbac.path_below(parent @extschema@.rbac_path, label text) RETURNS @extschema@.rbac_path
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    own @extschema@.rbac_path := label::@extschema@.rbac_path;
BEGIN
    IF @extschema@.rbac_path_nlevel(own) <> 1 THEN
        RAISE EXCEPTION 'invalid label "%"', label
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

CREATE FUNCTION aiven_rbac.create_resource(kind text, parent aiven_rbac.resource, label text, name text, id uuid)
    RETURNS aiven_rbac.resource
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    r aiven_rbac.resource;
    violated text;
BEGIN
    IF label IS NULL OR id IS NULL THEN
        RAISE EXCEPTION 'label and id of the % must not be null', kind USING ERRCODE = 'null_value_not_allowed';
    END IF;
    r.id := id;
    r.kind := kind;
    r.organization := coalesce((parent).organization, id);
    r.parent := (parent).id;
    r.path := aiven_rbac.path_below((parent).path, label);
    r.name := coalesce(name, label);
    BEGIN
        INSERT INTO aiven_rbac.resource (id, kind, organization, parent, path, name)
        VALUES (r.id, r.kind, r.organization, r.parent, r.path, r.name);
    EXCEPTION WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
        PERFORM aiven_rbac.refuse_path(violated, r.path);
        RAISE EXCEPTION 'a resource with the id % already exists', id
            USING ERRCODE = 'unique_violation',
                  DETAIL = 'An id is one resource''s for ever.',
                  HINT = 'Bring another id, or none.';
    END;
    -- Looked at last: the insertion has waited for whoever was deleting it.
    IF aiven_rbac.actor() IS NOT NULL AND aiven_rbac.is_retired_now(id) THEN
        RAISE EXCEPTION 'a resource with the id % has been deleted', id
            USING ERRCODE = 'unique_violation',
                  DETAIL = 'An id is one resource''s for ever; only the bootstrap operator can restore it.',
                  HINT = 'Bring another id, or none.';
    END IF;
    RETURN r;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.create_resource(text, aiven_rbac.resource, text, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.create_resource(text, aiven_rbac.resource, text, text, uuid) IS
    'add a resource under its parent, with errors that a caller understands';

CREATE FUNCTION aiven_rbac.rename_resource(action text, path @extschema@.rbac_path, kind text, name text, label text)
    RETURNS @extschema@.rbac_path
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    r aiven_rbac.resource := aiven_rbac.find_resource(actor, path, kind);
    renamed @extschema@.rbac_path := r.path;
    violated text;
BEGIN
    PERFORM aiven_rbac.require(actor, action, r.id);
    IF name = '' THEN
        RAISE EXCEPTION 'the name of % "%" must not be empty', kind, path
            USING ERRCODE = 'invalid_parameter_value', HINT = 'NULL leaves the name as it is.';
    END IF;
    IF label IS NOT NULL THEN
        renamed := aiven_rbac.path_below(@extschema@.rbac_path_parent(r.path), label);
    END IF;
    UPDATE aiven_rbac.resource AS x SET name = coalesce(rename_resource.name, x.name), path = renamed WHERE x.id = r.id;
    RETURN renamed;
EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
    PERFORM aiven_rbac.refuse_path(violated, renamed);
    RAISE;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.rename_resource(text, @extschema@.rbac_path, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.rename_resource(text, @extschema@.rbac_path, text, text, text) IS
    'change the display name or the label of a resource (NULL: leave it); paths below follow';

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

-- Organizations and units ---------------------------------------------------

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
    manager uuid;
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
    manager := aiven_rbac.managed_by(founder.id);
    IF actor IS NOT NULL AND manager IS NOT NULL
       AND NOT @extschema@.rbac_has_permission(actor, manager, 'role:organization:admin') THEN
        RAISE EXCEPTION 'managed user "%" cannot create an organization', founder.email
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('The user is managed by organization "%s", and holds no "role:organization:admin" there.',
                                  (SELECT r.path FROM aiven_rbac.resource AS r WHERE r.id = manager)),
                  HINT = 'An admin of that organization can create one.';
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
    'create an organization; whoever creates it becomes its super admin (the bootstrap operator names one); a managed user can only as an admin of the managing organization (H2)';

CREATE FUNCTION @extschema@.rbac_organization_rename(organization @extschema@.rbac_path, name text,
                                                     label text DEFAULT NULL)
    RETURNS @extschema@.rbac_path
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.rename_resource('organization.rename', organization, 'organization', name, label) $$;
COMMENT ON FUNCTION @extschema@.rbac_organization_rename(@extschema@.rbac_path, text, text) IS
    'change an organization''s display name, and its label if one is given; super admins only; returns its path';

CREATE FUNCTION @extschema@.rbac_organization_support_tier_set(organization @extschema@.rbac_path, support_tier text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    o aiven_rbac.resource := aiven_rbac.find_resource(actor, organization, 'organization');
    violated text;
BEGIN
    PERFORM aiven_rbac.require(actor, 'billing_group.edit', o.id);
    UPDATE aiven_rbac.organization AS x SET support_tier = rbac_organization_support_tier_set.support_tier
    WHERE x.id = o.id;
EXCEPTION WHEN check_violation OR not_null_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
    PERFORM aiven_rbac.refuse_value('support_tier', SQLSTATE, violated, 'name');
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_organization_support_tier_set(@extschema@.rbac_path, text) IS
    'set the support tier of a whole organization: basic, business, advanced or premium; it is paid for, so it takes billing_group.edit';

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

CREATE FUNCTION @extschema@.rbac_unit_rename(unit @extschema@.rbac_path, name text, label text DEFAULT NULL)
    RETURNS @extschema@.rbac_path
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.rename_resource('unit.create', unit, 'unit', name, label) $$;
COMMENT ON FUNCTION @extschema@.rbac_unit_rename(@extschema@.rbac_path, text, text) IS
    'change a unit''s display name, and its label if one is given; like creating one, it takes unit.create; returns its path';

CREATE FUNCTION @extschema@.rbac_unit_delete(unit @extschema@.rbac_path) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_resource(aiven_rbac.actor(), 'unit.delete', unit, 'unit') $$;
COMMENT ON FUNCTION @extschema@.rbac_unit_delete(@extschema@.rbac_path) IS
    'delete a unit without projects; it takes unit.delete';

-- Projects ------------------------------------------------------------------

CREATE FUNCTION @extschema@.rbac_project_create(parent @extschema@.rbac_path, label text, name text DEFAULT NULL,
        billing_group uuid DEFAULT NULL, id uuid DEFAULT pg_catalog.gen_random_uuid())
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
    IF billing_group IS NOT NULL THEN
        PERFORM aiven_rbac.require_billing_group(actor, billing_group, above);
    END IF;
    r := aiven_rbac.create_resource('project', above, label, name, id);
    INSERT INTO aiven_rbac.project (id, organization, billing_group) VALUES (r.id, r.organization, billing_group);
    RETURN r.path;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_project_create(@extschema@.rbac_path, text, text, uuid, uuid) IS
    'create a project in an organization or unit; it takes project.create there, and project.assign_billing_group if a billing group is given';

CREATE FUNCTION @extschema@.rbac_project_edit(project @extschema@.rbac_path, name text DEFAULT NULL, label text DEFAULT NULL)
    RETURNS @extschema@.rbac_path
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.rename_resource('project.edit', project, 'project', name, label) $$;
COMMENT ON FUNCTION @extschema@.rbac_project_edit(@extschema@.rbac_path, text, text) IS
    'change a project''s display name or label (NULL: leave it); it takes project.edit; returns its path';

CREATE FUNCTION @extschema@.rbac_project_delete(project @extschema@.rbac_path) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_resource(aiven_rbac.actor(), 'project.delete', project, 'project') $$;
COMMENT ON FUNCTION @extschema@.rbac_project_delete(@extschema@.rbac_path) IS
    'delete a project without services; it takes project.delete';

CREATE FUNCTION aiven_rbac.require_billing_group(actor uuid, billing_group uuid, place aiven_rbac.resource) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    PERFORM aiven_rbac.require(actor, 'project.assign_billing_group', (place).id);
    IF aiven_rbac.find_belonging(actor, 'billing_group', billing_group) <> (place).organization THEN
        RAISE EXCEPTION 'billing group with id % belongs to another organization than "%"', billing_group, (place).path
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'Billing groups are never shared between organizations.',
                  HINT = 'Name a billing group of the project''s organization.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_billing_group(uuid, uuid, aiven_rbac.resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_billing_group(uuid, uuid, aiven_rbac.resource) IS
    'raise unless the actor may let a project at a place be paid by a billing group, which must be of the same organization';

CREATE FUNCTION @extschema@.rbac_project_assign_billing_group(project @extschema@.rbac_path, billing_group uuid)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    p aiven_rbac.resource := aiven_rbac.find_resource(actor, project, 'project');
BEGIN
    IF billing_group IS NULL THEN
        PERFORM aiven_rbac.require(actor, 'project.assign_billing_group', p.id);
    ELSE
        PERFORM aiven_rbac.require_billing_group(actor, billing_group, p);
    END IF;
    UPDATE aiven_rbac.project AS x SET billing_group = rbac_project_assign_billing_group.billing_group WHERE x.id = p.id;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_project_assign_billing_group(@extschema@.rbac_path, uuid) IS
    'let a project be paid by a billing group of its organization (NULL: by none); it takes project.assign_billing_group';

-- A move lets every grant that stands at the target, or above it, reach the
-- project.  That is handing out (G5): it takes the same as granting all of
-- them on the project one by one.  What concerns organizations as a whole
-- means nothing on a project, and is not counted.  What is granted is looked
-- up as it is now: a snapshot from before would serve whoever kept one.
CREATE FUNCTION aiven_rbac.require_move(actor uuid, p aiven_rbac.resource, target aiven_rbac.resource) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    reaching record;
BEGIN
    FOR reaching IN
        SELECT a.valid_from, a.valid_until, array_agg(DISTINCT x.number) AS actions
        FROM aiven_rbac.resource AS r
        CROSS JOIN aiven_rbac.grants_on_now(r.id) AS a
        JOIN aiven_rbac.action AS x ON x.number = ANY (aiven_rbac.allowed_now(a.grantable, r.kind))
        WHERE r.path OPERATOR(@extschema@.@>) target.path AND NOT r.path OPERATOR(@extschema@.@>) p.path
          AND a.valid_until > statement_timestamp()
          AND x.resource_kind <> 'organization'
        GROUP BY a.valid_from, a.valid_until
        UNION ALL
        -- of the super admins of another organization
        SELECT NULL, NULL, array_agg(x.number)
        FROM aiven_rbac.action AS x
        WHERE x.resource_kind <> 'organization' AND target.organization <> p.organization
        HAVING count(*) > 0
    LOOP
        PERFORM aiven_rbac.require_actions(actor, format('move project "%s" to "%s"', p.path, target.path),
                                           p.id, reaching.actions, reaching.valid_from, reaching.valid_until);
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_move(uuid, aiven_rbac.resource, aiven_rbac.resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_move(uuid, aiven_rbac.resource, aiven_rbac.resource) IS
    'raise unless the actor holds on a project all that principals with grants at a target would come to hold there (G5)';

CREATE FUNCTION @extschema@.rbac_project_move(project @extschema@.rbac_path, parent @extschema@.rbac_path,
                                              billing_group uuid DEFAULT NULL)
    RETURNS TABLE (principal uuid, principal_name text, name text, resource @extschema@.rbac_path)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    p aiven_rbac.resource := aiven_rbac.find_resource(actor, project, 'project');
    target aiven_rbac.resource := aiven_rbac.find_resource(actor, parent, 'organization', 'unit');
    moved @extschema@.rbac_path;
    violated text;
BEGIN
    -- A grant references the project and so waits for this; one that was just
    -- given is seen below.
    SELECT * INTO STRICT p FROM aiven_rbac.resource AS r WHERE r.id = p.id FOR UPDATE;
    moved := target.path OPERATOR(@extschema@.||) @extschema@.rbac_path_label(p.path);
    PERFORM aiven_rbac.require(actor, 'project.move', p.id);
    IF target.organization <> p.organization THEN
        PERFORM aiven_rbac.require(actor, 'project.create', target.id);
        IF billing_group IS NULL THEN
            RAISE EXCEPTION 'moving project "%" to another organization takes a billing group of that organization', project
                USING ERRCODE = 'null_value_not_allowed',
                      DETAIL = 'Billing groups are never shared between organizations.',
                      HINT = 'Give the id of a billing group of the target organization as the third argument.';
        END IF;
    END IF;
    IF billing_group IS NOT NULL THEN
        PERFORM aiven_rbac.require_billing_group(actor, billing_group, target);
    END IF;
    PERFORM aiven_rbac.require_move(actor, p, target);

    IF target.organization <> p.organization THEN
        RETURN QUERY
        WITH ended AS (
            DELETE FROM aiven_rbac.access_grant AS a
            WHERE a.resource = p.id
              AND (a.grantable_organization = p.organization
                   OR NOT EXISTS (SELECT FROM aiven_rbac.membership AS m
                                  WHERE m.principal = a.principal AND m.organization = target.organization))
            RETURNING a.principal, a.grantable
        )
        SELECT e.principal, coalesce(x.email, x.name), g.name, moved
        FROM ended AS e
        JOIN aiven_rbac.principal AS x ON x.id = e.principal
        JOIN aiven_rbac.grantable AS g ON g.id = e.grantable
        ORDER BY 2, 3;
        UPDATE aiven_rbac.project AS x SET billing_group = NULL WHERE x.id = p.id;
    END IF;
    UPDATE aiven_rbac.resource AS r SET parent = target.id, path = moved, organization = target.organization
    WHERE r.id = p.id;
    IF billing_group IS NOT NULL THEN
        UPDATE aiven_rbac.project AS x SET billing_group = rbac_project_move.billing_group WHERE x.id = p.id;
    END IF;
EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
    PERFORM aiven_rbac.refuse_path(violated, moved);
    RAISE;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_project_move(@extschema@.rbac_path, @extschema@.rbac_path, uuid) IS
    'move a project, with its services, to another unit or organization (H4); paths that reference it follow; it takes project.move, to another organization also project.create and project.assign_billing_group there and a billing group of it, and every action that grants at the target come to give (G5); returns the grants that ended';

-- Services ------------------------------------------------------------------

CREATE FUNCTION aiven_rbac.require_plan(project @extschema@.rbac_path, plan text) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    allowed text[] := aiven_rbac.allowed_plans(project);
BEGIN
    IF plan IS NOT NULL AND plan <> ALL (allowed) THEN
        RAISE EXCEPTION 'plan "%" is not allowed in "%"', plan, project
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = CASE WHEN allowed = '{}' THEN 'The plan lists at and above the project have no plan in common.'
                                ELSE format('Allowed there are: %s.', array_to_string(allowed, ', ')) END,
                  HINT = 'Choose an allowed plan, or change the lists with rbac_plan_list_set().';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_plan(@extschema@.rbac_path, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_plan(@extschema@.rbac_path, text) IS
    'raise unless a service in a project may have a plan (H8)';

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
    PERFORM aiven_rbac.require_plan(p.path, plan);
    r := aiven_rbac.create_resource('service', p, label, NULL, id);
    INSERT INTO aiven_rbac.service (id, organization, service_type, plan)
    VALUES (r.id, r.organization, service_type, plan);
    RETURN r.path;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_service_create(@extschema@.rbac_path, text, text, text, uuid) IS
    'create a service in a project; it takes service.create there, and the plan must be allowed (H8)';

CREATE FUNCTION @extschema@.rbac_service_edit(service @extschema@.rbac_path, name text DEFAULT NULL, label text DEFAULT NULL)
    RETURNS @extschema@.rbac_path
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.rename_resource('service.edit', service, 'service', name, label) $$;
COMMENT ON FUNCTION @extschema@.rbac_service_edit(@extschema@.rbac_path, text, text) IS
    'change a service''s display name or label (NULL: leave it); it takes service.edit; returns its path';

CREATE FUNCTION @extschema@.rbac_service_plan_change(service @extschema@.rbac_path, plan text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    s aiven_rbac.resource := aiven_rbac.find_resource(actor, service, 'service');
BEGIN
    PERFORM aiven_rbac.require(actor, 'service_plan.change', s.id);
    PERFORM aiven_rbac.require_plan(@extschema@.rbac_path_parent(s.path), plan);
    UPDATE aiven_rbac.service AS x SET plan = rbac_service_plan_change.plan WHERE x.id = s.id;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_service_plan_change(@extschema@.rbac_path, text) IS
    'change a service''s plan to one that is allowed (H8); it takes service_plan.change';

CREATE FUNCTION @extschema@.rbac_service_delete(service @extschema@.rbac_path) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_resource(aiven_rbac.actor(), 'service.delete', service, 'service') $$;
COMMENT ON FUNCTION @extschema@.rbac_service_delete(@extschema@.rbac_path) IS
    'delete a service; it takes service.delete';
