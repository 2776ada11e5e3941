-- Nobody lifts themselves or others above themselves (G5).

CREATE FUNCTION aiven_rbac.find_grantable(name text, organization uuid) RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_find_grantable'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.find_grantable(text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_grantable(text, uuid) IS
    'the id of the role or permission that a name stands for in an organization; an error with the nearest names if there is none';

-- A role of an organization must not change while it is handed out.
CREATE FUNCTION aiven_rbac.hold_grantable(name text, organization uuid) RETURNS aiven_rbac.grantable
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    g aiven_rbac.grantable;
    id uuid;
BEGIN
    LOOP
        id := aiven_rbac.find_grantable(name, organization);
        IF id IS NULL THEN
            RAISE EXCEPTION 'name of the role or permission must not be null' USING ERRCODE = 'null_value_not_allowed';
        END IF;
        IF g.id = id THEN
            RETURN g;
        END IF;
        SELECT * INTO g FROM aiven_rbac.grantable AS x WHERE x.id = id;
        IF FOUND AND (g.owner IS NULL OR aiven_rbac.judging()) THEN
            RETURN g;
        END IF;
        SELECT * INTO g FROM aiven_rbac.grantable AS x WHERE x.id = id FOR SHARE;
        IF NOT FOUND THEN
            PERFORM aiven_rbac.refuse_old_snapshot();
        END IF;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.hold_grantable(text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.hold_grantable(text, uuid) IS
    'the role or permission that a name stands for in an organization, locked if it is the organization''s own; an error if there is none after any wait';

CREATE FUNCTION aiven_rbac.actions_not_held(principal uuid, resource uuid, grantable uuid,
                                            valid_from timestamptz, valid_until timestamptz, hand_out boolean)
    RETURNS text[]
    AS 'MODULE_PATHNAME', 'rbac_actions_not_held'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.actions_not_held(uuid, uuid, uuid, timestamptz, timestamptz, boolean) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.actions_not_held(uuid, uuid, uuid, timestamptz, timestamptz, boolean) IS
    'the actions that a role or permission gives on a resource and that a principal does not hold there for the whole period; when it holds all of them and hands them out, that is judged again at COMMIT';

CREATE FUNCTION aiven_rbac.actions_not_held(principal uuid, resource uuid, actions smallint[],
                                            valid_from timestamptz, valid_until timestamptz, hand_out boolean)
    RETURNS text[]
    AS 'MODULE_PATHNAME', 'rbac_actions_not_held_of'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.actions_not_held(uuid, uuid, smallint[], timestamptz, timestamptz, boolean) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.actions_not_held(uuid, uuid, smallint[], timestamptz, timestamptz, boolean) IS
    'those of some actions that a principal does not hold on a resource for the whole period; when it holds all of them and hands them out, that is judged again at COMMIT';

CREATE FUNCTION aiven_rbac.may_hand_out(principal uuid, resource uuid, action text, managed uuid DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_may_hand_out'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.may_hand_out(uuid, uuid, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.may_hand_out(uuid, uuid, text, uuid) IS
    'does a principal hold an action that it needs to hand something out?  If so, that is judged again at COMMIT, and whether the resource is then the organization that manages a user';

-- What a call requires to hand something out, besides what is handed out.
CREATE FUNCTION aiven_rbac.require_to_hand_out(actor aiven_rbac.actor, action text, resource uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    -- Somebody else than the session's principal: whoever made an invitation
    IF (actor).operator OR (actor).principal IS NULL OR (actor).principal = @extschema@.rbac_current_principal() THEN
        PERFORM aiven_rbac.require(actor, action, resource);
    END IF;
    IF (actor).operator IS NOT TRUE AND aiven_rbac.may_hand_out((actor).principal, resource, action) IS NOT TRUE THEN
        RAISE EXCEPTION 'permission denied for the resource with id %', resource
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('Whoever hands it out does not hold the action "%s" there any more.', action);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_to_hand_out(aiven_rbac.actor, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_to_hand_out(aiven_rbac.actor, text, uuid) IS
    'raise unless the actor holds an action on a resource, now and at COMMIT';

CREATE FUNCTION aiven_rbac.require_actions(actor aiven_rbac.actor, purpose text, resource uuid, actions smallint[],
                                           valid_from timestamptz, valid_until timestamptz)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    missing text[];
BEGIN
    IF (actor).operator THEN
        RETURN;
    END IF;
    IF (actor).principal IS NOT NULL THEN
        missing := aiven_rbac.actions_not_held((actor).principal, resource, actions, valid_from, valid_until, true);
        -- A resource that was deleted meanwhile has taken along what was granted on it.
        IF missing IS NULL AND (aiven_rbac.resource_with_id_now(resource)).id IS NULL THEN
            RETURN;
        END IF;
    END IF;
    IF missing IS DISTINCT FROM '{}' THEN
        RAISE EXCEPTION 'permission denied to %', purpose
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('What it gives or takes away on "%s" requires actions that the session''s principal does not hold there for as long: %s.',
                                  (aiven_rbac.resource_with_id_now(resource)).path,
                                  coalesce(array_to_string(missing, ', '), 'anything')),
                  HINT = 'Ask somebody who holds it, such as a super admin of the organization.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_actions(aiven_rbac.actor, text, uuid, smallint[], timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_actions(aiven_rbac.actor, text, uuid, smallint[], timestamptz, timestamptz) IS
    'raise unless the actor holds some actions that it hands out or takes away on a resource, for the whole period, now and at COMMIT';

CREATE FUNCTION aiven_rbac.require_all_of(actor aiven_rbac.actor, resource uuid, grantable uuid,
                                          valid_from timestamptz, valid_until timestamptz, hand_out boolean)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    missing text[];
BEGIN
    IF (actor).operator THEN
        RETURN;
    END IF;
    IF (actor).principal IS NOT NULL THEN
        missing := aiven_rbac.actions_not_held((actor).principal, resource, grantable, valid_from, valid_until, hand_out);
    END IF;
    IF missing IS DISTINCT FROM '{}' THEN
        RAISE EXCEPTION 'permission denied to hand out "%" on "%"',
                (SELECT aiven_rbac.excerpt(g.name) FROM aiven_rbac.grantable AS g WHERE g.id = grantable),
                (aiven_rbac.resource_with_id_now(resource)).path
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('It requires every action that is handed out, for as long; the session''s principal lacks %s.',
                                  coalesce(array_to_string(missing, ', '), 'all of them')),
                  HINT = 'Ask somebody who holds it, such as a super admin of the organization.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_all_of(aiven_rbac.actor, uuid, uuid, timestamptz, timestamptz, boolean) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_all_of(aiven_rbac.actor, uuid, uuid, timestamptz, timestamptz, boolean) IS
    'raise unless the actor holds every action that a role or permission gives on a resource, for the whole period; to hand them out, at COMMIT as well';
