-- Grants (G1, G4, G7).

CREATE FUNCTION aiven_rbac.require_grant(actor aiven_rbac.actor, r aiven_rbac.resource, name text,
                                         valid_from timestamptz, valid_until timestamptz)
    RETURNS aiven_rbac.grantable
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    g aiven_rbac.grantable := aiven_rbac.hold_grantable(name, (r).organization);
    levels text;
BEGIN
    SELECT string_agg(o.resource_kind, ', ' ORDER BY array_position('{organization,unit,project}', o.resource_kind))
    INTO levels FROM aiven_rbac.grantable_on AS o WHERE o.grantable = g.id;
    IF levels IS NULL OR (r).kind <> ALL (string_to_array(levels, ', ')) THEN
        RAISE EXCEPTION '"%" cannot be granted on % "%"', aiven_rbac.excerpt(name), (r).kind, (r).path
            USING ERRCODE = 'invalid_grant_operation',
                  DETAIL = CASE WHEN levels IS NULL THEN format('"%s" is not grantable.', aiven_rbac.excerpt(name))
                                ELSE format('"%s" can be granted on these kinds of resource: %s.', aiven_rbac.excerpt(name), levels) END,
                  HINT = CASE WHEN g.type = 'built-in' THEN 'Make a member super admin with rbac_super_admin_add().'
                              WHEN (r).kind = 'service' THEN 'Grant it on the service''s project, or create a service user.'
                              ELSE 'Grant it on a resource of such a kind.' END;
    END IF;
    PERFORM aiven_rbac.require_to_hand_out(actor, 'permission.grant', (r).id);
    PERFORM aiven_rbac.require_all_of(actor, (r).id, g.id, valid_from, valid_until, true);
    RETURN g;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_grant(aiven_rbac.actor, aiven_rbac.resource, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_grant(aiven_rbac.actor, aiven_rbac.resource, text, timestamptz, timestamptz) IS
    'the role or permission that a name stands for, held; an error unless it can be granted on a resource, and by the actor';

CREATE FUNCTION aiven_rbac.require_period(valid_from timestamptz, valid_until timestamptz) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF valid_from >= valid_until THEN
        RAISE EXCEPTION 'the period of a grant must not be empty'
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = format('It would begin at %s and end at %s.', valid_from, valid_until),
                  HINT = 'Let it end after it begins; NULL means no limit.';
    ELSIF valid_until <= aiven_rbac.judged_at() THEN
        RAISE EXCEPTION 'the period of a grant must not be over'
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = format('It would have ended at %s.', valid_until),
                  HINT = 'rbac_revoke() ends a grant that stands.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_period(timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_period(timestamptz, timestamptz) IS
    'raise if the period of a grant is empty or over';

CREATE FUNCTION @extschema@.rbac_grant(principal uuid, name text, resource @extschema@.rbac_resource,
        valid_from timestamptz DEFAULT NULL, valid_until timestamptz DEFAULT NULL, replace boolean DEFAULT false)
    RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    r aiven_rbac.resource := aiven_rbac.hold_resource(actor, resource, '{organization,unit,project,service}', 'share');
    p aiven_rbac.principal := aiven_rbac.hold_principal(actor, principal, '{user,application_user,group}', 'share', resource);
    g aiven_rbac.grantable;
    standing record;
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION 'name of the role or permission must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM aiven_rbac.require_period(valid_from, valid_until);
    g := aiven_rbac.require_grant(actor, r, name, valid_from, valid_until);
    IF p.account_owners THEN
        RAISE EXCEPTION 'nothing can be granted to the account owners group'
            USING ERRCODE = 'invalid_grant_operation', DETAIL = 'Its members are super admins: they have everything.';
    END IF;
    IF NOT aiven_rbac.hold_membership(p.id, r.organization, 'share') THEN
        PERFORM aiven_rbac.look_again(resource, '{organization,unit,project,service}');
        PERFORM aiven_rbac.find_principal_now(actor, principal, '{user,application_user,group}');
        RAISE EXCEPTION '% "%" does not belong to the organization of "%"', replace(p.kind, '_', ' '), aiven_rbac.excerpt(coalesce(p.email, p.name)), resource
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'Only accepted members, and groups and application users of the organization, can be granted anything.',
                  HINT = CASE WHEN p.kind = 'user' THEN 'Invite the user with rbac_invitation_create(); the user accepts with rbac_invitation_accept().'
                              ELSE 'Create one in that organization.' END;
    END IF;
    -- Looked at first, so that what changes nothing signals nothing.  Whoever grants
    -- the same meanwhile and is faster has granted before: theirs is looked at then.
    LOOP
        SELECT a.valid_from, a.valid_until INTO standing FROM aiven_rbac.access_grant AS a
        WHERE a.principal = p.id AND a.resource = r.id AND a.grantable = g.id
        FOR KEY SHARE;
        IF FOUND AND (standing.valid_from, standing.valid_until) IS NOT DISTINCT FROM (rbac_grant.valid_from, rbac_grant.valid_until) THEN
            RETURN false;
        ELSIF FOUND AND replace IS NOT TRUE AND standing.valid_until > aiven_rbac.judged_at() IS NOT FALSE THEN
            RAISE EXCEPTION '"%" is granted to % "%" on "%" for another period', aiven_rbac.excerpt(name),
                    pg_catalog.replace(p.kind, '_', ' '), aiven_rbac.excerpt(coalesce(p.email, p.name)), r.path
                USING ERRCODE = 'duplicate_object',
                      DETAIL = format('It is granted from %s until %s.', coalesce(standing.valid_from::text, 'ever'), coalesce(standing.valid_until::text, 'further notice')),
                      HINT = 'To change the period, say replace => true.';
        END IF;
        INSERT INTO aiven_rbac.access_grant AS a
               (principal, resource, grantable, organization, resource_kind, grantable_organization, valid_from, valid_until)
        VALUES (p.id, r.id, g.id, r.organization, r.kind, g.organization, rbac_grant.valid_from, rbac_grant.valid_until)
        ON CONFLICT ON CONSTRAINT access_grant_pkey DO UPDATE
        SET valid_from = EXCLUDED.valid_from, valid_until = EXCLUDED.valid_until, granted_at = EXCLUDED.granted_at, granted_by = EXCLUDED.granted_by
        WHERE (a.valid_from, a.valid_until) IS DISTINCT FROM (EXCLUDED.valid_from, EXCLUDED.valid_until)
          AND (rbac_grant.replace OR a.valid_until <= aiven_rbac.judged_at());
        IF FOUND THEN
            RETURN true;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_grant(uuid, text, @extschema@.rbac_resource, timestamptz, timestamptz, boolean) IS
    'grant a role or permission on a resource and all below it, for the period [valid_from, valid_until); it requires permission.grant there and every action handed out; true when something changed, false when the same stands; a grant that stands for another period is changed with replace only';

CREATE FUNCTION aiven_rbac.revoke(principal uuid, name text, resource @extschema@.rbac_resource) RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    r aiven_rbac.resource := aiven_rbac.hold_resource(actor, resource, '{organization,unit,project,service}', 'share');
    p aiven_rbac.principal := aiven_rbac.find_principal_now(actor, principal, '{user,application_user,group}');
    g uuid;
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION 'name of the role or permission must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    g := (aiven_rbac.hold_grantable(name, r.organization)).id;
    IF actor.principal IS DISTINCT FROM p.id THEN
        PERFORM aiven_rbac.require(actor, 'permission.grant', r.id);
        PERFORM aiven_rbac.require_all_of(actor, r.id, g, aiven_rbac.judged_at(), aiven_rbac.judged_at(), false);
    END IF;
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(
            CASE WHEN EXISTS (SELECT FROM aiven_rbac.grants_now(p.id) AS a
                    WHERE a.resource = r.id AND a.grantable = g)
                 THEN aiven_rbac.holders_now('principal', p.id) END);
    END IF;
    DELETE FROM aiven_rbac.access_grant AS a
    WHERE a.principal = p.id AND a.resource = r.id AND a.grantable = g;
    IF NOT FOUND THEN
        -- There was none, or it has ended with its principal while this waited.
        PERFORM aiven_rbac.look_again(resource, '{organization,unit,project,service}');
        PERFORM aiven_rbac.find_principal_now(actor, principal, '{user,application_user,group}');
        IF EXISTS (SELECT FROM aiven_rbac.grants_now(p.id) AS a WHERE a.resource = r.id AND a.grantable = g) THEN
            PERFORM aiven_rbac.refuse_old_snapshot();
        END IF;
        RETURN false;
    END IF;
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.revoke(uuid, text, @extschema@.rbac_resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.revoke(uuid, text, @extschema@.rbac_resource) IS 'the body of rbac_revoke()';

CREATE FUNCTION @extschema@.rbac_revoke(principal uuid, name text, resource @extschema@.rbac_resource) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_revoke(uuid, text, @extschema@.rbac_resource) IS
    'revoke a grant; it requires the same standing as granting, or that the grant is one''s own; true when something changed';
