-- Nobody lifts themselves or others above themselves (G5).

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

CREATE FUNCTION aiven_rbac.actions_not_held(principal uuid, resource uuid, actions smallint[],
                                            valid_from timestamptz, valid_until timestamptz)
    RETURNS text[]
    AS 'MODULE_PATHNAME', 'rbac_actions_not_held_of'
    LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.actions_not_held(uuid, uuid, smallint[], timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.actions_not_held(uuid, uuid, smallint[], timestamptz, timestamptz) IS
    'those of some actions that a principal does not hold on a resource for the whole period';

CREATE FUNCTION aiven_rbac.require_actions(actor uuid, purpose text, resource uuid, actions smallint[],
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
    missing := aiven_rbac.actions_not_held(actor, resource, actions, valid_from, valid_until);
    IF missing <> '{}' THEN
        RAISE EXCEPTION 'permission denied to %', purpose
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('It would hand out on "%s" what the session''s principal does not hold there for as long: %s.',
                                  (SELECT r.path FROM aiven_rbac.resource AS r WHERE r.id = resource),
                                  array_to_string(missing, ', ')),
                  HINT = 'Ask somebody who holds it, such as a super admin of the organization.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_actions(uuid, text, uuid, smallint[], timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_actions(uuid, text, uuid, smallint[], timestamptz, timestamptz) IS
    'raise unless the actor holds some actions on a resource for the whole period (G5)';

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
