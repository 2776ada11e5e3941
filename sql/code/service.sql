-- Services, their tags and projects' (H7), plans (H8) and accounts (H9).

CREATE FUNCTION @extschema@.rbac_service_create(project @extschema@.rbac_resource, label text, service_type text,
        plan text DEFAULT NULL, id uuid DEFAULT NULL, if_not_exists boolean DEFAULT false)
    RETURNS @extschema@.rbac_path
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    p aiven_rbac.resource := (aiven_rbac.begin_act('service.create', project, '{project}')).place;
    r aiven_rbac.resource;
BEGIN
    IF service_type IS NULL OR service_type = '' THEN
        RAISE EXCEPTION 'a service needs a type'
            USING ERRCODE = 'null_value_not_allowed', HINT = 'Such as "pg", "kafka" or "redis".';
    END IF;
    PERFORM aiven_rbac.require_text('type of the service', service_type, 'name', 255);
    r := CASE WHEN if_not_exists THEN aiven_rbac.resource_at_now(aiven_rbac.path_below(p.path, label)) END;
    IF r.id IS NULL THEN
        PERFORM aiven_rbac.require_plan(p.path, plan);
    END IF;
    r := aiven_rbac.create_resource('service', p, label, NULL, id, if_not_exists);
    INSERT INTO aiven_rbac.service (id, organization, service_type, plan)
    VALUES (r.id, r.organization, service_type, plan) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        PERFORM aiven_rbac.tell_differences(format('service "%s"', r.path), jsonb_build_object('service_type', service_type, 'plan', plan),
                                            (SELECT to_jsonb(x) FROM aiven_rbac.service AS x WHERE x.id = r.id));
    END IF;
    RETURN r.path;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_service_create(@extschema@.rbac_resource, text, text, text, uuid, boolean) IS
    'create a service in a project; it requires service.create there, and where a list of plans stands, one of its plans; with if_not_exists, one that stands stays as it is';

CREATE FUNCTION @extschema@.rbac_service_edit(service @extschema@.rbac_resource, name text DEFAULT NULL, label text DEFAULT NULL)
    RETURNS @extschema@.rbac_path
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.rename_resource('service.edit', service, 'service', name, label) $$;
COMMENT ON FUNCTION @extschema@.rbac_service_edit(@extschema@.rbac_resource, text, text) IS
    'change a service''s display name or label (NULL: leave it); it requires service.edit; returns its path';

CREATE FUNCTION @extschema@.rbac_service_plan_change(service @extschema@.rbac_resource, plan text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    s aiven_rbac.resource := (aiven_rbac.begin_act('service_plan.change', service, '{service}')).place;
BEGIN
    PERFORM aiven_rbac.require_plan(@extschema@.rbac_path_parent(s.path), plan);
    UPDATE aiven_rbac.service AS x SET plan = rbac_service_plan_change.plan WHERE x.id = s.id;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_service_plan_change(@extschema@.rbac_resource, text) IS
    'change a service''s plan to one that is allowed, or, where no list of plans stands, to none (NULL); it requires service_plan.change';

CREATE FUNCTION aiven_rbac.service_delete(service @extschema@.rbac_resource) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_resource('service.delete', service, 'service') $$;
REVOKE ALL ON FUNCTION aiven_rbac.service_delete(@extschema@.rbac_resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.service_delete(@extschema@.rbac_resource) IS 'the body of rbac_service_delete()';

CREATE FUNCTION @extschema@.rbac_service_delete(service @extschema@.rbac_resource, if_exists boolean DEFAULT false) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_deleting'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_service_delete(@extschema@.rbac_resource, boolean) IS
    'delete a service; it requires service.delete; false if there is none and if_exists is said';

CREATE FUNCTION @extschema@.rbac_tag_set(resource @extschema@.rbac_resource, key text, value text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    r aiven_rbac.resource := aiven_rbac.hold_resource(actor, resource, '{project,service}', 'share');
    violated text;
    missing text;
BEGIN
    -- To add and to change a tag require different actions.  Trying to add it
    -- shows which of them this is, so that no other session comes in between.
    -- A principal that may do neither does not learn which tags there are.
    IF @extschema@.rbac_has_permission(actor.principal, r.id, r.kind || '_tag.edit') IS NOT TRUE THEN
        PERFORM aiven_rbac.require(actor, r.kind || '_tag.add', r.id);
    END IF;
    LOOP
        INSERT INTO aiven_rbac.tag (resource, kind, organization, key, value)
        VALUES (r.id, r.kind, r.organization, key, value) ON CONFLICT DO NOTHING;
        IF FOUND THEN
            PERFORM aiven_rbac.require(actor, r.kind || '_tag.add', r.id);
            RETURN;
        END IF;
        PERFORM aiven_rbac.require(actor, r.kind || '_tag.edit', r.id);
        UPDATE aiven_rbac.tag AS t SET value = rbac_tag_set.value WHERE t.resource = r.id AND t.key = rbac_tag_set.key;
        EXIT WHEN FOUND;    -- else another session has just removed it
    END LOOP;
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('tag', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_tag_set(@extschema@.rbac_resource, text, text) IS
    'tag a project or service; it requires project_tag.add or service_tag.add, or, if the tag exists, project_tag.edit or service_tag.edit';

CREATE FUNCTION @extschema@.rbac_tag_remove(resource @extschema@.rbac_resource, key text) RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    r aiven_rbac.resource := aiven_rbac.hold_resource(actor, resource, '{project,service}', 'share');
BEGIN
    PERFORM aiven_rbac.require(actor, r.kind || '_tag.delete', r.id);
    DELETE FROM aiven_rbac.tag AS t WHERE t.resource = r.id AND t.key = rbac_tag_remove.key;
    IF NOT FOUND THEN
        PERFORM aiven_rbac.refuse_if_kept('tag', r.id, key);
        RETURN false;
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_tag_remove(@extschema@.rbac_resource, text) IS
    'remove a tag from a project or service; it requires project_tag.delete or service_tag.delete; false if there was none';

-- The database role of an account is a note: no decision depends on it.  A role
-- that is mapped to a principal is no account.
CREATE FUNCTION @extschema@.rbac_service_user_create(service @extschema@.rbac_resource, username text,
                                                     database_role regrole DEFAULT NULL, if_not_exists boolean DEFAULT false)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    s aiven_rbac.resource := (aiven_rbac.begin_act('service_user.create', service, '{service}')).place;
    violated text;
    missing text;
BEGIN
    BEGIN
        INSERT INTO aiven_rbac.service_user (service, username) VALUES (s.id, username);
    EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
        GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
        IF if_not_exists AND SQLSTATE = '23505' THEN
            PERFORM aiven_rbac.tell_differences(format('user "%s" of service "%s"', aiven_rbac.excerpt(username), s.path),
                jsonb_build_object('database_role', database_role::text),
                jsonb_build_object('database_role', (SELECT d.role::text FROM aiven_rbac.database_role AS d
                                                     WHERE d.service = s.id AND d.username = rbac_service_user_create.username)));
            RETURN;
        END IF;
        PERFORM aiven_rbac.refuse_value('service_user', SQLSTATE, violated, missing);
    END;
    IF database_role IS NOT NULL THEN
        PERFORM aiven_rbac.map_service_user(s.id, username, database_role);
    END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_service_user_create(@extschema@.rbac_resource, text, regrole, boolean) IS
    'list a database account of a service, and the database role that it corresponds to if there is one, which can do nothing but log in; it requires service_user.create; with if_not_exists, one that is listed stays as it is';

CREATE FUNCTION aiven_rbac.service_user_delete(service @extschema@.rbac_resource, username text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    s aiven_rbac.resource := (aiven_rbac.begin_act('service_user.delete', service, '{service}')).place;
BEGIN
    -- An account is no principal.
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(NULL);
    END IF;
    DELETE FROM aiven_rbac.service_user AS x WHERE x.service = s.id AND x.username = service_user_delete.username;
    IF NOT FOUND THEN
        PERFORM aiven_rbac.refuse_if_kept('service_user', s.id, username);
        RAISE EXCEPTION 'service "%" has no user "%"', service, aiven_rbac.excerpt(username) USING ERRCODE = 'undefined_object';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.service_user_delete(@extschema@.rbac_resource, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.service_user_delete(@extschema@.rbac_resource, text) IS
    'the body of rbac_service_user_delete()';

CREATE FUNCTION @extschema@.rbac_service_user_delete(service @extschema@.rbac_resource, username text, if_exists boolean DEFAULT false) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_deleting'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_service_user_delete(@extschema@.rbac_resource, text, boolean) IS
    'remove a database account of a service from the list; it requires service_user.delete; false if there is none and if_exists is said';
