-- Lists of service plans (H8).

CREATE FUNCTION aiven_rbac.allowed_plans(place @extschema@.rbac_path) RETURNS text[]
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH lists AS (
        SELECT l.plans FROM aiven_rbac.plan_list AS l
        WHERE l.resource = ANY (aiven_rbac.places_above((SELECT r.id FROM aiven_rbac.resource AS r WHERE r.path OPERATOR(@extschema@.=) place)))
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

CREATE FUNCTION aiven_rbac.allowed_plans_now(place @extschema@.rbac_path) RETURNS text[]
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.allowed_plans_now(@extschema@.rbac_path) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.allowed_plans_now(@extschema@.rbac_path) IS
    'the plans that every plan list at or above a place names, as committed now, or NULL if there is no list';

CREATE FUNCTION aiven_rbac.require_plan(project @extschema@.rbac_path, plan text) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    allowed text[] := aiven_rbac.allowed_plans_now(project);
    detail text := CASE WHEN allowed = '{}' THEN 'The plan lists at and above the project have no plan in common.'
                        ELSE format('Allowed there are: %s.', aiven_rbac.excerpt(array_to_string(allowed, ', '))) END;
BEGIN
    PERFORM aiven_rbac.require_text('plan', plan, 'name', 255);
    IF allowed IS NOT NULL AND plan IS NULL THEN
        RAISE EXCEPTION 'a service in "%" needs a plan', project
            USING ERRCODE = 'null_value_not_allowed',
                  DETAIL = detail,
                  HINT = 'Choose an allowed plan, or change the lists with rbac_plan_list_set().';
    ELSIF plan <> ALL (allowed) THEN
        RAISE EXCEPTION 'plan "%" is not allowed in "%"', aiven_rbac.excerpt(plan), project
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = detail,
                  HINT = 'Choose an allowed plan, or change the lists with rbac_plan_list_set().';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_plan(@extschema@.rbac_path, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_plan(@extschema@.rbac_path, text) IS
    'raise unless a service in a project may have a plan, or none';

CREATE FUNCTION aiven_rbac.services_with_other_plans(project uuid, allowed text[]) RETURNS text[]
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT array_agg(format('"%s" (%s)', @extschema@.rbac_path_label(r.path), aiven_rbac.excerpt(s.plan)) ORDER BY r.path)
    FROM aiven_rbac.resource AS r JOIN aiven_rbac.service AS s ON s.id = r.id
    WHERE r.parent = project AND s.plan <> ALL (allowed)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.services_with_other_plans(uuid, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.services_with_other_plans(uuid, text[]) IS
    'the services of a project whose plans are not among some, with their plans; NULL if there is none';

CREATE FUNCTION aiven_rbac.services_with_other_plans_now(project uuid, allowed text[]) RETURNS text[]
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.services_with_other_plans_now(uuid, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.services_with_other_plans_now(uuid, text[]) IS
    'the services of a project whose plans are not among some, as committed now; NULL if there is none';

-- A project that moves brings its services along.  They are locked, as the move
-- itself would do, so that no plan changes meanwhile.
CREATE FUNCTION aiven_rbac.require_plans(p aiven_rbac.resource, target aiven_rbac.resource) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    allowed text[] := aiven_rbac.allowed_plans_now(target.path);
    child uuid;
    services text[];
BEGIN
    IF allowed IS NULL OR target.id = p.parent THEN
        RETURN;
    END IF;
    FOR child IN SELECT c.id FROM aiven_rbac.children_now(p.id) AS c ORDER BY c.id LOOP
        IF NOT aiven_rbac.lock_row('resource', child, 'change') THEN
            PERFORM aiven_rbac.refuse_old_snapshot();
        END IF;
    END LOOP;
    services := aiven_rbac.services_with_other_plans_now(p.id, allowed);
    IF services IS NOT NULL THEN
        RAISE EXCEPTION 'project "%" has services with plans that are not allowed in "%"', p.path, target.path
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = format('Not allowed there: %s%s.', array_to_string(services[:10], ', '),
                                  ', and ' || nullif(greatest(cardinality(services) - 10, 0), 0) || ' more'),
                  HINT = 'Change their plans, or the lists, or move the project with keep_plans => true.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_plans(aiven_rbac.resource, aiven_rbac.resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_plans(aiven_rbac.resource, aiven_rbac.resource) IS
    'raise if a service of a project has a plan that a place forbids to which the project moves';

CREATE FUNCTION @extschema@.rbac_plan_list_set(resource @extschema@.rbac_resource, plans text[]) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    r aiven_rbac.resource := (aiven_rbac.begin_act('permission.grant', resource, '{organization,unit,project}')).place;
    violated text;
    missing text;
BEGIN
    IF plans IS NULL THEN
        DELETE FROM aiven_rbac.plan_list AS l WHERE l.resource = r.id;
        IF NOT FOUND THEN
            PERFORM aiven_rbac.refuse_if_kept('plan_list', r.id, NULL);
        END IF;
    ELSE
        INSERT INTO aiven_rbac.plan_list (resource, kind, organization, plans) VALUES (r.id, r.kind, r.organization, plans)
        ON CONFLICT ON CONSTRAINT plan_list_pkey DO UPDATE SET plans = EXCLUDED.plans;
    END IF;
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('plan_list', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_plan_list_set(@extschema@.rbac_resource, text[]) IS
    'allow only some plans for services below a resource, as far as the levels above allow them, too (NULL: no list here); it requires permission.grant there';