-- Projects: created, renamed, paid, moved and deleted (H3 to H5, H7).

CREATE FUNCTION aiven_rbac.require_billing_group(actor aiven_rbac.actor, billing_group uuid, place aiven_rbac.resource) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    PERFORM aiven_rbac.require(actor, 'project.assign_billing_group', (place).id);
    IF aiven_rbac.hold_belonging(actor, 'billing_group', billing_group, 'share') <> (place).organization THEN
        RAISE EXCEPTION 'billing group with id % belongs to another organization than "%"', billing_group, (place).path
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'Billing groups are never shared between organizations.',
                  HINT = 'Name a billing group of the project''s organization.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_billing_group(aiven_rbac.actor, uuid, aiven_rbac.resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_billing_group(aiven_rbac.actor, uuid, aiven_rbac.resource) IS
    'raise unless the actor may let a project at a place be paid by a billing group, which must be of the same organization';

CREATE FUNCTION @extschema@.rbac_project_create(parent @extschema@.rbac_resource, label text, name text DEFAULT NULL,
        billing_group uuid DEFAULT NULL, id uuid DEFAULT NULL, if_not_exists boolean DEFAULT false)
    RETURNS @extschema@.rbac_path
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    act aiven_rbac.act := aiven_rbac.begin_act('project.create', parent, '{organization,unit}');
    actor aiven_rbac.actor := act.actor;
    above aiven_rbac.resource := act.place;
    r aiven_rbac.resource;
BEGIN
    IF billing_group IS NOT NULL THEN
        PERFORM aiven_rbac.require_billing_group(actor, billing_group, above);
    END IF;
    r := aiven_rbac.create_resource('project', above, label, name, id, if_not_exists);
    INSERT INTO aiven_rbac.project (id, organization, billing_group) VALUES (r.id, r.organization, billing_group)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        PERFORM aiven_rbac.tell_differences(format('project "%s"', r.path), jsonb_build_object('billing_group', billing_group),
                                            (SELECT to_jsonb(x) FROM aiven_rbac.project AS x WHERE x.id = r.id));
    END IF;
    RETURN r.path;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_project_create(@extschema@.rbac_resource, text, text, uuid, uuid, boolean) IS
    'create a project in an organization or unit; it requires project.create there, and project.assign_billing_group if a billing group is given; with if_not_exists, one that stands there stays as it is';

CREATE FUNCTION @extschema@.rbac_project_edit(project @extschema@.rbac_resource, name text DEFAULT NULL, label text DEFAULT NULL)
    RETURNS @extschema@.rbac_path
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.rename_resource('project.edit', project, 'project', name, label) $$;
COMMENT ON FUNCTION @extschema@.rbac_project_edit(@extschema@.rbac_resource, text, text) IS
    'change a project''s display name or label (NULL: leave it); it requires project.edit; returns its path';

CREATE FUNCTION aiven_rbac.project_delete(project @extschema@.rbac_resource) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_resource('project.delete', project, 'project') $$;
REVOKE ALL ON FUNCTION aiven_rbac.project_delete(@extschema@.rbac_resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.project_delete(@extschema@.rbac_resource) IS 'the body of rbac_project_delete()';

CREATE FUNCTION @extschema@.rbac_project_delete(project @extschema@.rbac_resource, if_exists boolean DEFAULT false) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_deleting'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_project_delete(@extschema@.rbac_resource, boolean) IS
    'delete a project without services; it requires project.delete; false if there is none and if_exists is said';

CREATE FUNCTION @extschema@.rbac_project_assign_billing_group(project @extschema@.rbac_resource, billing_group uuid)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    p aiven_rbac.resource := aiven_rbac.hold_resource(actor, project, '{project}', 'share');
BEGIN
    IF billing_group IS NULL THEN
        PERFORM aiven_rbac.require(actor, 'project.assign_billing_group', p.id);
    ELSE
        PERFORM aiven_rbac.require_billing_group(actor, billing_group, p);
    END IF;
    UPDATE aiven_rbac.project AS x SET billing_group = rbac_project_assign_billing_group.billing_group WHERE x.id = p.id;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_project_assign_billing_group(@extschema@.rbac_resource, uuid) IS
    'let a project be paid by a billing group of its organization (NULL: by none); it requires project.assign_billing_group';

-- A move lets every grant that stands at the target, or above it, reach the
-- project, and no longer those of the old place.  The one is handing out, the
-- other is revoking (G5): it takes the same as granting and revoking all of them
-- on the project one by one.  What concerns organizations as a whole means
-- nothing on a project, and is not counted.  What is granted is looked up as it
-- is now: a snapshot from before would serve whoever kept one.
CREATE FUNCTION aiven_rbac.given_inside_now(place aiven_rbac.resource, elsewhere aiven_rbac.resource, but uuid,
                                            OUT valid_from timestamptz, OUT valid_until timestamptz, OUT actions smallint[])
    RETURNS SETOF record
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH above AS (
        SELECT place.id, place.kind UNION SELECT place.organization, 'organization'
    ), granted AS (
        SELECT a.grantable, r.kind, a.valid_from, a.valid_until
        FROM above AS r CROSS JOIN aiven_rbac.grants_on_now(r.id) AS a
        WHERE r.id NOT IN (elsewhere.id, elsewhere.organization)
        EXCEPT ALL
        SELECT a.grantable, r.kind, a.valid_from, a.valid_until
        FROM above AS r JOIN aiven_rbac.grants_now(but) AS a ON a.resource = r.id
    )
    SELECT g.valid_from, g.valid_until, array_agg(DISTINCT x.number)
    FROM (SELECT DISTINCT * FROM granted) AS g
    CROSS JOIN unnest(aiven_rbac.allowed_now(g.grantable, g.kind)) AS n
    JOIN aiven_rbac.action AS x ON x.number = n
    WHERE g.valid_until > aiven_rbac.judged_at() AND x.resource_kind <> 'organization'
    GROUP BY g.valid_from, g.valid_until
    UNION ALL
    -- of the super admins of another organization
    SELECT '-infinity', 'infinity', array_agg(x.number)
    FROM aiven_rbac.action AS x
    WHERE x.resource_kind <> 'organization' AND place.organization <> elsewhere.organization
    HAVING count(*) > 0
$$;
REVOKE ALL ON FUNCTION aiven_rbac.given_inside_now(aiven_rbac.resource, aiven_rbac.resource, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.given_inside_now(aiven_rbac.resource, aiven_rbac.resource, uuid) IS
    'what grants at and above a place give to a project inside, as committed now, but for those that reach inside another place as well, and those of a principal';

-- Whoever takes a project out of a list of plans undoes the list for it.
CREATE FUNCTION aiven_rbac.loosens_plans_now(place @extschema@.rbac_path, target @extschema@.rbac_path) RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    allowed text[] := aiven_rbac.allowed_plans_now(place);
    then_allowed text[] := aiven_rbac.allowed_plans_now(target);
BEGIN
    RETURN allowed IS NOT NULL AND (then_allowed <@ allowed) IS NOT TRUE;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.loosens_plans_now(@extschema@.rbac_path, @extschema@.rbac_path) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.loosens_plans_now(@extschema@.rbac_path, @extschema@.rbac_path) IS
    'does a place allow a plan that another place forbids, as committed now?';

-- Whoever loses a grant of its own gives it up.
CREATE FUNCTION aiven_rbac.require_move(actor aiven_rbac.actor, p aiven_rbac.resource, target aiven_rbac.resource) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    place aiven_rbac.resource := aiven_rbac.resource_with_id_now(p.parent);
    given record;
    taken smallint[];
BEGIN
    FOR given IN SELECT * FROM aiven_rbac.given_inside_now(target, place, NULL) LOOP
        PERFORM aiven_rbac.require_actions(actor, format('move project "%s" to "%s"', p.path, target.path),
                                           p.id, given.actions, given.valid_from, given.valid_until);
    END LOOP;
    SELECT array_agg(DISTINCT n) INTO taken
    FROM aiven_rbac.given_inside_now(place, target, actor.principal) AS g CROSS JOIN unnest(g.actions) AS n;
    IF taken IS NOT NULL OR aiven_rbac.loosens_plans_now(place.path, target.path) THEN
        SELECT taken || x.number INTO STRICT taken FROM aiven_rbac.action AS x WHERE x.name = 'permission.grant';
        PERFORM aiven_rbac.require_actions(actor, format('move project "%s" out of "%s"', p.path, place.path),
                                           p.id, taken, '-infinity', '-infinity');
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_move(aiven_rbac.actor, aiven_rbac.resource, aiven_rbac.resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_move(aiven_rbac.actor, aiven_rbac.resource, aiven_rbac.resource) IS
    'raise unless the actor holds on a project all that principals come to hold there by a move to a target, and all that others cease to hold, with permission.grant';

-- Inside an organization only what stands on the unit that it leaves is lost.
-- Elsewhere, super admins of the new organization lose nothing.
CREATE FUNCTION aiven_rbac.losers_by_move(p aiven_rbac.resource, target aiven_rbac.resource) RETURNS uuid[]
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF (target).id = (p).parent OR ((target).organization = (p).organization AND (p).parent = (p).organization) THEN
        RETURN '{}';
    ELSIF (target).organization = (p).organization THEN
        RETURN aiven_rbac.holders_now('resource', (p).parent);
    END IF;
    RETURN ARRAY(SELECT unnest(aiven_rbac.holders_now('reach', (p).id))
                 EXCEPT SELECT unnest(aiven_rbac.holders_now('super_admin', (target).organization)));
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.losers_by_move(aiven_rbac.resource, aiven_rbac.resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.losers_by_move(aiven_rbac.resource, aiven_rbac.resource) IS
    'the principals that hold something on a project where it is and may not hold it at a target';

CREATE FUNCTION aiven_rbac.project_move_at(project @extschema@.rbac_path, project_id uuid, parent @extschema@.rbac_path, parent_id uuid,
                                           billing_group uuid, keep_plans boolean)
    RETURNS TABLE (principal uuid, principal_name text, name text, resource @extschema@.rbac_path)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    p aiven_rbac.resource;
    target aiven_rbac.resource;
    moved @extschema@.rbac_path;
    violated text;
BEGIN
    -- The target is locked before the project, as a rename of it would do, and
    -- before both what stands above them.  A grant references the project and so
    -- waits for this; one that was just given is seen below.
    PERFORM aiven_rbac.lock_places(@extschema@.rbac_path_ancestors(project)
                                   OPERATOR(pg_catalog.||) @extschema@.rbac_path_ancestors(parent, true));
    p := aiven_rbac.hold_resource(actor, project, '{project}', 'change');
    target := aiven_rbac.hold_resource(actor, parent, '{organization,unit}', 'share');
    IF p.id <> project_id OR target.id <> parent_id THEN
        RAISE EXCEPTION 'another resource has the path' USING ERRCODE = 'undefined_object';
    END IF;
    actor := aiven_rbac.current_actor();
    moved := target.path OPERATOR(@extschema@.||) @extschema@.rbac_path_label(p.path);
    PERFORM aiven_rbac.require_to_hand_out(actor, 'project.move', p.id);
    IF target.organization <> p.organization THEN
        PERFORM aiven_rbac.require_to_hand_out(actor, 'project.create', target.id);
        IF billing_group IS NULL THEN
            RAISE EXCEPTION 'moving project "%" to another organization requires a billing group of that organization', project
                USING ERRCODE = 'null_value_not_allowed',
                      DETAIL = 'Billing groups are never shared between organizations.',
                      HINT = 'Give the id of a billing group of the target organization as the third argument.';
        END IF;
    END IF;
    IF billing_group IS NOT NULL THEN
        PERFORM aiven_rbac.require_billing_group(actor, billing_group, target);
    END IF;
    PERFORM aiven_rbac.require_move(actor, p, target);
    IF keep_plans IS NOT TRUE THEN
        PERFORM aiven_rbac.require_plans(p, target);
    END IF;
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(aiven_rbac.losers_by_move(p, target));
    END IF;

    IF target.organization <> p.organization THEN
        -- A grant that the snapshot does not show could not be ended.
        IF (SELECT count(*) FROM aiven_rbac.grants_on_now(p.id))
           <> (SELECT count(*) FROM aiven_rbac.access_grant AS a WHERE a.resource = p.id) THEN
            PERFORM aiven_rbac.refuse_old_snapshot();
        END IF;
        RETURN QUERY
        WITH ended AS (
            DELETE FROM aiven_rbac.access_grant AS a
            WHERE a.resource = p.id
              AND (a.grantable_organization = p.organization
                   OR NOT aiven_rbac.has_membership_now(a.principal, target.organization))
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
        UPDATE aiven_rbac.project AS x SET billing_group = project_move_at.billing_group WHERE x.id = p.id;
    END IF;
EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
    PERFORM aiven_rbac.refuse_path(violated, moved);
    RAISE;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.project_move_at(@extschema@.rbac_path, uuid, @extschema@.rbac_path, uuid, uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.project_move_at(@extschema@.rbac_path, uuid, @extschema@.rbac_path, uuid, uuid, boolean) IS
    'move the project at a path below what is at another path; an error if they are not those with the ids (NULL: whichever is there)';

-- What is given by an id is moved from where it is.  If it has gone elsewhere by
-- the time that it is held, the locks are given back.
CREATE FUNCTION aiven_rbac.project_move(project @extschema@.rbac_resource, parent @extschema@.rbac_resource,
                                        billing_group uuid DEFAULT NULL, keep_plans boolean DEFAULT false)
    RETURNS TABLE (principal uuid, principal_name text, name text, resource @extschema@.rbac_path)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    project_id uuid := aiven_rbac.given_id(project);
    parent_id uuid := aiven_rbac.given_id(parent);
    p aiven_rbac.resource;
    target aiven_rbac.resource;
BEGIN
    LOOP
        p := aiven_rbac.find_resource_now(actor, project, '{project}');
        PERFORM aiven_rbac.require(actor, 'project.move', p.id);
        target := aiven_rbac.find_resource_now(actor, parent, '{organization,unit}');
        IF project_id IS NULL AND parent_id IS NULL THEN
            RETURN QUERY SELECT * FROM aiven_rbac.project_move_at(p.path, NULL, target.path, NULL, billing_group, keep_plans);
            RETURN;
        END IF;
        BEGIN
            RETURN QUERY SELECT * FROM aiven_rbac.project_move_at(p.path, project_id, target.path, parent_id, billing_group, keep_plans);
            RETURN;
        EXCEPTION WHEN undefined_object OR wrong_object_type THEN
            IF (aiven_rbac.resource_with_id_now(p.id)).path OPERATOR(@extschema@.=) p.path
               AND (aiven_rbac.resource_with_id_now(target.id)).path OPERATOR(@extschema@.=) target.path THEN
                RAISE;
            END IF;
        END;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.project_move(@extschema@.rbac_resource, @extschema@.rbac_resource, uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.project_move(@extschema@.rbac_resource, @extschema@.rbac_resource, uuid, boolean) IS
    'the body of rbac_project_move()';

CREATE FUNCTION @extschema@.rbac_project_move(project @extschema@.rbac_resource, parent @extschema@.rbac_resource,
                                              billing_group uuid DEFAULT NULL, keep_plans boolean DEFAULT false)
    RETURNS TABLE (principal uuid, principal_name text, name text, resource @extschema@.rbac_path)
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_project_move(@extschema@.rbac_resource, @extschema@.rbac_resource, uuid, boolean) IS
    'move a project, with its services, to another unit or organization; paths that reference it follow; a service whose plan the new place forbids stops it, unless keep_plans is said; it requires project.move, to another organization also project.create and project.assign_billing_group there and a billing group of it, every action that grants at the target come to give, and, where grants or plan lists of the old place cease to count, permission.grant and every action that they gave; returns the grants that ended';
