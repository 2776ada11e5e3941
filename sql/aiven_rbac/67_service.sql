-- What is set on projects and services: the lists of allowed plans (H8), tags
-- (H7), and the database accounts of services (H9).

-- Plan lists (H8) -----------------------------------------------------------

CREATE FUNCTION aiven_rbac.allowed_plans(place @extschema@.rbac_path) RETURNS text[]
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH lists AS (
        SELECT l.plans FROM aiven_rbac.plan_list AS l JOIN aiven_rbac.resource AS r ON r.id = l.resource
        WHERE r.path OPERATOR(@extschema@.@>) place
    )
    SELECT CASE WHEN EXISTS (TABLE lists)
           THEN ARRAY(SELECT p FROM lists AS l, unnest(l.plans) AS p
                      WHERE NOT EXISTS (SELECT FROM lists AS other WHERE p <> ALL (other.plans))
                      GROUP BY p ORDER BY p)
           END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.allowed_plans(@extschema@.rbac_path) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.allowed_plans(@extschema@.rbac_path) IS
    'the plans that every plan list at or above a place names, or NULL if there is no list';

CREATE FUNCTION @extschema@.rbac_plan_list_set(resource @extschema@.rbac_path, plans text[]) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    r aiven_rbac.resource := aiven_rbac.find_resource(actor, resource, 'organization', 'unit', 'project');
    violated text;
    missing text;
BEGIN
    PERFORM aiven_rbac.require(actor, 'permission.grant', r.id);
    IF plans IS NULL THEN
        DELETE FROM aiven_rbac.plan_list AS l WHERE l.resource = r.id;
    ELSE
        INSERT INTO aiven_rbac.plan_list (resource, kind, organization, plans) VALUES (r.id, r.kind, r.organization, plans)
        ON CONFLICT ON CONSTRAINT plan_list_pkey DO UPDATE SET plans = EXCLUDED.plans;
    END IF;
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('plan_list', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_plan_list_set(@extschema@.rbac_path, text[]) IS
    'allow only some plans for services below a resource, as far as the levels above allow them too (NULL: no list here; H8); as for other control of access, it takes permission.grant there';

-- Tags (H7) -----------------------------------------------------------------

CREATE FUNCTION @extschema@.rbac_tag_set(resource @extschema@.rbac_path, key text, value text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    r aiven_rbac.resource := aiven_rbac.find_resource(actor, resource, 'project', 'service');
    violated text;
    missing text;
BEGIN
    -- Adding and changing take different actions; which one it is shows in
    -- trying, so that nobody comes in between.  Who may do neither does not
    -- learn which tags there are.
    IF actor IS NOT NULL AND NOT @extschema@.rbac_has_permission(actor, r.id, r.kind || '_tag.edit') THEN
        PERFORM aiven_rbac.require(actor, r.kind || '_tag.add', r.id);
    END IF;
    INSERT INTO aiven_rbac.tag (resource, kind, organization, key, value)
    VALUES (r.id, r.kind, r.organization, key, value) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        PERFORM aiven_rbac.require(actor, r.kind || '_tag.add', r.id);
    ELSE
        PERFORM aiven_rbac.require(actor, r.kind || '_tag.edit', r.id);
        UPDATE aiven_rbac.tag AS t SET value = rbac_tag_set.value WHERE t.resource = r.id AND t.key = rbac_tag_set.key;
    END IF;
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('tag', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_tag_set(@extschema@.rbac_path, text, text) IS
    'tag a project or service; it takes project_tag.add or service_tag.add, to change a tag that it has project_tag.edit or service_tag.edit';

CREATE FUNCTION @extschema@.rbac_tag_remove(resource @extschema@.rbac_path, key text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    r aiven_rbac.resource := aiven_rbac.find_resource(actor, resource, 'project', 'service');
BEGIN
    PERFORM aiven_rbac.require(actor, r.kind || '_tag.delete', r.id);
    DELETE FROM aiven_rbac.tag AS t WHERE t.resource = r.id AND t.key = rbac_tag_remove.key;
    IF NOT FOUND THEN
        RAISE EXCEPTION '"%" has no tag "%"', resource, coalesce(key, 'NULL') USING ERRCODE = 'undefined_object';
    END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_tag_remove(@extschema@.rbac_path, text) IS
    'remove a tag from a project or service; it takes project_tag.delete or service_tag.delete';

-- Service users (H9) --------------------------------------------------------

-- To which database role an account corresponds is noted, no more: nothing is
-- decided by it.  Whoever is a principal by their database role is no account.
CREATE FUNCTION @extschema@.rbac_service_user_create(service @extschema@.rbac_path, username text,
                                                     database_role regrole DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    s aiven_rbac.resource := aiven_rbac.find_resource(actor, service, 'service');
    violated text;
    missing text;
BEGIN
    PERFORM aiven_rbac.require(actor, 'service_user.create', s.id);
    IF database_role IS NOT NULL THEN
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = database_role) THEN
            RAISE EXCEPTION 'database role with OID % does not exist', database_role::oid USING ERRCODE = 'undefined_object';
        END IF;
        IF EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = database_role AND r.rolsuper)
           OR EXISTS (SELECT FROM aiven_rbac.database_role AS d WHERE d.role = database_role) THEN
            RAISE EXCEPTION 'database role "%" cannot be a service user', database_role
                USING ERRCODE = 'invalid_parameter_value',
                      DETAIL = 'It is a superuser, or a principal of the organization.',
                      HINT = 'Give the service a database role of its own.';
        END IF;
    END IF;
    INSERT INTO aiven_rbac.service_user (service, username, database_role) VALUES (s.id, username, database_role);
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('service_user', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_service_user_create(@extschema@.rbac_path, text, regrole) IS
    'list a database account of a service, and the database role that it corresponds to if there is one (H9); it takes service_user.create';

CREATE FUNCTION @extschema@.rbac_service_user_delete(service @extschema@.rbac_path, username text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    s aiven_rbac.resource := aiven_rbac.find_resource(actor, service, 'service');
BEGIN
    PERFORM aiven_rbac.require(actor, 'service_user.delete', s.id);
    DELETE FROM aiven_rbac.service_user AS x WHERE x.service = s.id AND x.username = rbac_service_user_delete.username;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'service "%" has no user "%"', service, coalesce(username, 'NULL') USING ERRCODE = 'undefined_object';
    END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_service_user_delete(@extschema@.rbac_path, text) IS
    'remove a database account of a service from the list (H9); it takes service_user.delete';
