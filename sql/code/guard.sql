-- What every function of administration begins with: who acts, what it is
-- about, and what the actor must hold there.  What a principal has no
-- membership for does not exist as far as it is told.

CREATE FUNCTION aiven_rbac.actor() RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_actor'
    LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.actor() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.actor() IS
    'the principal on whose behalf administration acts, NULL for the bootstrap operator; an error for anybody else';

CREATE FUNCTION aiven_rbac.viewer() RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_viewer'
    LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.viewer() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.viewer() IS
    'the principal on whose behalf something is looked up, NULL for the bootstrap operator and for a back end that may set the principal; an error for anybody else';

CREATE FUNCTION aiven_rbac.require(actor uuid, action text, resource uuid) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    r aiven_rbac.resource;
    advice text;
BEGIN
    IF actor IS NULL OR @extschema@.rbac_has_permission(actor, resource, action) THEN
        RETURN;
    END IF;
    SELECT * INTO STRICT r FROM aiven_rbac.resource AS x WHERE x.id = resource;
    SELECT e.advice INTO advice
    FROM @extschema@.rbac_explain(actor, resource, action) AS e WHERE e.advice IS NOT NULL LIMIT 1;
    RAISE EXCEPTION 'permission denied for % "%"', r.kind, r.path
        USING ERRCODE = 'insufficient_privilege',
              DETAIL = format('It takes the action "%s", which the session''s principal does not hold there.', action),
              HINT = coalesce(advice, 'Ask a super admin of the organization.');
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require(uuid, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require(uuid, text, uuid) IS
    'raise unless the actor (NULL: the bootstrap operator) holds an action on a resource';

CREATE FUNCTION aiven_rbac.is_member(actor uuid, organization uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT actor IS NULL OR EXISTS (SELECT FROM aiven_rbac.membership AS m
                                    WHERE m.principal = actor AND m.organization = is_member.organization)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.is_member(uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_member(uuid, uuid) IS
    'does the actor (NULL: the bootstrap operator, who does everywhere) belong to an organization?';

CREATE FUNCTION aiven_rbac.find_resource(actor uuid, path @extschema@.rbac_path, VARIADIC kinds text[])
    RETURNS aiven_rbac.resource
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    r aiven_rbac.resource;
    expected text := CASE WHEN cardinality(kinds) = 4 THEN 'resource' ELSE array_to_string(kinds, ' or ') END;
BEGIN
    IF path IS NULL THEN
        RAISE EXCEPTION 'path of the % must not be null', expected USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT * INTO r FROM aiven_rbac.resource AS x WHERE x.path OPERATOR(@extschema@.=) find_resource.path;
    IF NOT FOUND OR NOT aiven_rbac.is_member(actor, r.organization) THEN
        RAISE EXCEPTION '% "%" does not exist', expected, path
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'There is none at this path, or the session''s principal does not belong to its organization.',
                  HINT = 'A path names every level from the organization down, like "acme.engineering.backend-dev".';
    END IF;
    IF r.kind <> ALL (kinds) THEN
        RAISE EXCEPTION '"%" is not of kind %', path, expected
            USING ERRCODE = 'wrong_object_type',
                  DETAIL = format('It is of kind %s.', r.kind),
                  HINT = CASE WHEN kinds = '{organization}' THEN 'This belongs to an organization as a whole: give the organization''s path.'
                              ELSE format('Give the path of a resource of kind %s.', expected) END;
    END IF;
    RETURN r;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.find_resource(uuid, @extschema@.rbac_path, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_resource(uuid, @extschema@.rbac_path, text[]) IS
    'the resource at a path, which must be of one of the kinds; an error otherwise';

CREATE FUNCTION aiven_rbac.find_principal(actor uuid, id uuid, VARIADIC kinds text[])
    RETURNS aiven_rbac.principal
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    p aiven_rbac.principal;
    expected text := CASE WHEN cardinality(kinds) = 3 THEN 'principal' ELSE replace(array_to_string(kinds, ' or '), '_', ' ') END;
BEGIN
    SELECT * INTO p FROM aiven_rbac.principal AS x WHERE x.id = find_principal.id;
    IF NOT FOUND OR (p.organization IS NOT NULL AND NOT aiven_rbac.is_member(actor, p.organization)) THEN
        RAISE EXCEPTION '% with id % does not exist', expected, coalesce(id::text, 'NULL')
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'There is none, or it is of an organization that the session''s principal does not belong to.',
                  HINT = 'rbac_user(), rbac_group() and rbac_application_user() give ids by name.';
    END IF;
    IF p.kind <> ALL (kinds) THEN
        RAISE EXCEPTION '% "%" is not of kind %', replace(p.kind, '_', ' '), p.name, expected
            USING ERRCODE = 'wrong_object_type',
                  HINT = 'rbac_user(), rbac_group() and rbac_application_user() give ids by name.';
    END IF;
    RETURN p;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.find_principal(uuid, uuid, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_principal(uuid, uuid, text[]) IS
    'the principal with an id, which must be of one of the kinds; an error otherwise';

-- What belongs to an organization and is known by an id: billing groups,
-- payment methods, billing addresses, identity providers.
CREATE FUNCTION aiven_rbac.find_belonging(actor uuid, kind text, id uuid) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    organization uuid;
BEGIN
    EXECUTE format('SELECT x.organization FROM aiven_rbac.%I AS x WHERE x.id = $1', kind) INTO organization USING id;
    IF organization IS NULL OR NOT aiven_rbac.is_member(actor, organization) THEN
        RAISE EXCEPTION '% with id % does not exist', replace(kind, '_', ' '), coalesce(id::text, 'NULL')
            USING ERRCODE = 'undefined_object',
                  HINT = 'The function that makes one returns its id.';
    END IF;
    RETURN organization;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.find_belonging(uuid, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_belonging(uuid, text, uuid) IS
    'the organization that a billing group or the like with an id belongs to; an error if there is none';

CREATE FUNCTION aiven_rbac.refuse_value(kind text, state text, violated text, "column" text) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    called text := replace(kind, '_', ' ');
    hint text;
BEGIN
    SELECT obj_description(c.oid, 'pg_constraint') INTO hint FROM pg_catalog.pg_constraint AS c
    WHERE c.connamespace = 'aiven_rbac'::regnamespace AND c.conname = violated;
    -- An index may enforce what no constraint can say.
    hint := coalesce(hint, obj_description(to_regclass(format('aiven_rbac.%I', violated)), 'pg_class'));
    CASE state
        WHEN '23502' THEN
            RAISE EXCEPTION '% of the % must not be null', replace("column", '_', ' '), called
                USING ERRCODE = 'null_value_not_allowed';
        WHEN '23505' THEN
            RAISE EXCEPTION '% already exists', called
                USING ERRCODE = 'unique_violation', HINT = coalesce(hint, 'Its id is another''s.');
        ELSE
            RAISE EXCEPTION 'invalid %', called
                USING ERRCODE = 'invalid_parameter_value', HINT = coalesce(hint, format('It violates "%s".', violated));
    END CASE;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.refuse_value(text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.refuse_value(text, text, text, text) IS
    'raise the error for a value that a constraint refused; the comment on the constraint is the hint';
