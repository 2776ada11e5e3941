-- What every function of administration begins with: who acts, what the act is
-- about, and what the actor must hold there.  An organization and what is in it
-- do not exist for a principal that is no member of it.
--
-- A call that waited for another one answers as if it had come afterwards.  So
-- whatever an act is about is found, locked, and then found again: what another
-- transaction has renamed, moved or deleted meanwhile is not there any more.
-- Locks are taken from the top of the hierarchy downwards, then on principals,
-- memberships, roles, and what belongs to organizations, so that two acts never
-- wait for each other.  How much a lock holds is said in one word:
--
--	share	it stays where it is, and exists (FOR KEY SHARE)
--	settings	the same, and what an organization sets for itself is held
--	edit	nobody else edits it (FOR NO KEY UPDATE)
--	change	it is about to be renamed, moved or deleted (FOR UPDATE)
--
-- Finding reads what is committed now, whatever the transaction's snapshot
-- shows.  What the snapshot does not show yet cannot be locked: the act then
-- fails with a serialization error.

CREATE FUNCTION aiven_rbac.current_actor() RETURNS aiven_rbac.actor
    AS 'MODULE_PATHNAME', 'rbac_current_actor'
    LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.current_actor() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.current_actor() IS
    'on whose behalf administration acts: the session''s principal or, without one, the operator; an error for every other caller';

CREATE FUNCTION aiven_rbac.current_viewer() RETURNS aiven_rbac.actor
    AS 'MODULE_PATHNAME', 'rbac_current_viewer'
    LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.current_viewer() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.current_viewer() IS
    'on whose behalf something is looked up: the session''s principal or, without one, the operator or a back end that may set the principal; an error for every other caller';

CREATE FUNCTION aiven_rbac.refuse_old_snapshot() RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'could not serialize access due to concurrent change'
            USING ERRCODE = 'serialization_failure',
                  DETAIL = 'The transaction''s snapshot is older than what it is about.',
                  HINT = 'Try the transaction again.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.refuse_old_snapshot() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.refuse_old_snapshot() IS
    'raise a serialization error where the transaction keeps one snapshot';

CREATE FUNCTION aiven_rbac.resource_with_id(id uuid) RETURNS aiven_rbac.resource
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT r FROM aiven_rbac.resource AS r WHERE r.id = resource_with_id.id $$;
REVOKE ALL ON FUNCTION aiven_rbac.resource_with_id(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.resource_with_id(uuid) IS 'the resource with an id, or NULL';

CREATE FUNCTION aiven_rbac.resource_with_id_now(id uuid) RETURNS aiven_rbac.resource
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.resource_with_id_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.resource_with_id_now(uuid) IS
    'the resource with an id, as committed now, or NULL';

CREATE FUNCTION aiven_rbac.resource_at(path @extschema@.rbac_path) RETURNS aiven_rbac.resource
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT r FROM aiven_rbac.resource AS r WHERE r.path OPERATOR(@extschema@.=) resource_at.path $$;
REVOKE ALL ON FUNCTION aiven_rbac.resource_at(@extschema@.rbac_path) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.resource_at(@extschema@.rbac_path) IS 'the resource at a path, or NULL';

CREATE FUNCTION aiven_rbac.resource_at_now(path @extschema@.rbac_path) RETURNS aiven_rbac.resource
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.resource_at_now(@extschema@.rbac_path) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.resource_at_now(@extschema@.rbac_path) IS
    'the resource at a path, as committed now, or NULL';

CREATE FUNCTION aiven_rbac.require(actor aiven_rbac.actor, action text, resource uuid) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    r aiven_rbac.resource;
    advice text;
BEGIN
    IF actor.operator AND action IS NOT NULL AND resource IS NOT NULL THEN
        RETURN;
    END IF;
    IF @extschema@.rbac_has_permission(actor.principal, resource, action) THEN
        RETURN;
    END IF;
    r := aiven_rbac.resource_with_id_now(resource);
    SELECT e.advice INTO advice
    FROM @extschema@.rbac_explain(actor.principal, resource, action) AS e WHERE e.advice IS NOT NULL LIMIT 1;
    RAISE EXCEPTION 'permission denied for % "%"', coalesce(r.kind, 'resource'), coalesce(r.path::text, resource::text, 'NULL')
        USING ERRCODE = 'insufficient_privilege',
              DETAIL = format('It requires the action "%s", which the session''s principal does not hold there.', action),
              HINT = coalesce(advice, 'Ask a super admin of the organization.');
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require(aiven_rbac.actor, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require(aiven_rbac.actor, text, uuid) IS
    'raise unless the actor holds an action on a resource; an absent actor holds none';

CREATE FUNCTION aiven_rbac.is_member(actor aiven_rbac.actor, organization uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF actor.operator OR actor.back_end THEN
        RETURN true;
    END IF;
    RETURN EXISTS (SELECT FROM aiven_rbac.membership AS m
                   WHERE m.principal = actor.principal AND m.organization = is_member.organization);
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.is_member(aiven_rbac.actor, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_member(aiven_rbac.actor, uuid) IS
    'may the actor know of an organization: as a member of it, as the operator, or as a back end?';

CREATE FUNCTION aiven_rbac.is_member_now(actor aiven_rbac.actor, organization uuid) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.is_member_now(aiven_rbac.actor, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_member_now(aiven_rbac.actor, uuid) IS
    'may the actor know of an organization, as committed now?';

CREATE FUNCTION aiven_rbac.find_resource(actor aiven_rbac.actor, given @extschema@.rbac_resource, kinds text[]) RETURNS aiven_rbac.resource
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    its_id uuid := aiven_rbac.given_id(given);
    r aiven_rbac.resource;
    expected text := CASE WHEN cardinality(kinds) = 4 THEN 'resource' ELSE array_to_string(kinds, ' or ') END;
BEGIN
    IF given IS NULL THEN
        RAISE EXCEPTION 'path of the % must not be null', expected USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF its_id IS NULL THEN
        SELECT * INTO r FROM aiven_rbac.resource AS x WHERE x.path OPERATOR(@extschema@.=) aiven_rbac.given_path(given);
    ELSE
        SELECT * INTO r FROM aiven_rbac.resource AS x WHERE x.id = its_id;
    END IF;
    IF r.id IS NULL OR NOT aiven_rbac.is_member(actor, r.organization) THEN
        RAISE EXCEPTION '% "%" does not exist', expected, given
            USING ERRCODE = 'undefined_object',
                  DETAIL = format('There is none %s, or the session''s principal is not a member of its organization.',
                                  CASE WHEN its_id IS NULL THEN 'at this path' ELSE 'with this id' END),
                  HINT = 'A path names every level from the organization down, like "acme.engineering.backend-dev".';
    END IF;
    IF r.kind <> ALL (kinds) THEN
        RAISE EXCEPTION '"%" is not of kind %', r.path, expected
            USING ERRCODE = 'wrong_object_type',
                  DETAIL = format('It is %s %s.', CASE r.kind WHEN 'organization' THEN 'an' ELSE 'a' END, r.kind),
                  HINT = CASE WHEN kinds = '{organization}' THEN 'This belongs to an organization as a whole: give the organization''s path.'
                              ELSE format('Give the path of a resource of kind %s.', expected) END;
    END IF;
    RETURN r;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.find_resource(aiven_rbac.actor, @extschema@.rbac_resource, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_resource(aiven_rbac.actor, @extschema@.rbac_resource, text[]) IS
    'the resource with a path or an id, which must be of one of the kinds; an error otherwise';

CREATE FUNCTION aiven_rbac.find_resource_now(actor aiven_rbac.actor, given @extschema@.rbac_resource, kinds text[]) RETURNS aiven_rbac.resource
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.find_resource_now(aiven_rbac.actor, @extschema@.rbac_resource, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_resource_now(aiven_rbac.actor, @extschema@.rbac_resource, text[]) IS
    'the resource with a path or an id, as committed now; an error if there is none of the kinds';

-- Users are global.  Known are those who share an organization with the actor,
-- or whom an organization manages that the actor is a member of.
CREATE FUNCTION aiven_rbac.may_know(actor aiven_rbac.actor, p aiven_rbac.principal) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF actor.operator OR actor.back_end OR p.id = actor.principal THEN
        RETURN true;
    END IF;
    IF p.organization IS NOT NULL THEN
        RETURN aiven_rbac.is_member(actor, p.organization);
    END IF;
    RETURN EXISTS (SELECT FROM aiven_rbac.membership AS m
                   JOIN aiven_rbac.membership AS own ON own.organization = m.organization
                   WHERE m.principal = p.id AND own.principal = actor.principal)
           OR aiven_rbac.is_member(actor, aiven_rbac.managed_by(p.id));
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.may_know(aiven_rbac.actor, aiven_rbac.principal) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.may_know(aiven_rbac.actor, aiven_rbac.principal) IS
    'may the actor know that a principal exists?';

CREATE FUNCTION aiven_rbac.find_principal(actor aiven_rbac.actor, id uuid, kinds text[]) RETURNS aiven_rbac.principal
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
    IF NOT FOUND OR aiven_rbac.may_know(actor, p) IS NOT TRUE THEN
        RAISE EXCEPTION '% with id % does not exist', expected, coalesce(id::text, 'NULL')
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'There is none, or the session''s principal shares no organization with it.',
                  HINT = 'rbac_user(), rbac_group() and rbac_application_user() give ids by name.';
    END IF;
    IF p.kind <> ALL (kinds) THEN
        RAISE EXCEPTION '% "%" is not of kind %', replace(p.kind, '_', ' '), aiven_rbac.excerpt(p.name), expected
            USING ERRCODE = 'wrong_object_type',
                  HINT = 'rbac_user(), rbac_group() and rbac_application_user() give ids by name.';
    END IF;
    RETURN p;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.find_principal(aiven_rbac.actor, uuid, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_principal(aiven_rbac.actor, uuid, text[]) IS
    'the principal with an id, which must be of one of the kinds; an error otherwise';

CREATE FUNCTION aiven_rbac.find_principal_now(actor aiven_rbac.actor, id uuid, kinds text[]) RETURNS aiven_rbac.principal
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.find_principal_now(aiven_rbac.actor, uuid, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_principal_now(aiven_rbac.actor, uuid, text[]) IS
    'the principal with an id, as committed now; an error if there is none of the kinds';

CREATE FUNCTION aiven_rbac.user_with_email(email text) RETURNS aiven_rbac.principal
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT p FROM aiven_rbac.principal AS p
    WHERE p.kind = 'user' AND aiven_rbac.fold(p.email) = aiven_rbac.fold(user_with_email.email)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.user_with_email(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.user_with_email(text) IS 'the user with an email, or NULL';

CREATE FUNCTION aiven_rbac.user_with_email_now(email text) RETURNS aiven_rbac.principal
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.user_with_email_now(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.user_with_email_now(text) IS
    'the user with an email, as committed now, or NULL';

-- What belongs to an organization and is known by an id: billing groups,
-- payment methods, billing addresses, identity providers, invitations.
CREATE FUNCTION aiven_rbac.find_belonging(actor aiven_rbac.actor, kind text, id uuid) RETURNS uuid
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
REVOKE ALL ON FUNCTION aiven_rbac.find_belonging(aiven_rbac.actor, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_belonging(aiven_rbac.actor, text, uuid) IS
    'the organization that a billing group or the like with an id belongs to; an error if there is none';

CREATE FUNCTION aiven_rbac.find_belonging_now(actor aiven_rbac.actor, kind text, id uuid) RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.find_belonging_now(aiven_rbac.actor, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_belonging_now(aiven_rbac.actor, text, uuid) IS
    'the organization that a billing group or the like belongs to, as committed now; an error if there is none';

CREATE FUNCTION aiven_rbac.lock_row(kind text, id uuid, hold text) RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    strength text := CASE hold WHEN 'share' THEN 'KEY SHARE' WHEN 'edit' THEN 'NO KEY UPDATE' WHEN 'change' THEN 'UPDATE' END;
    found_row boolean;
BEGIN
    IF aiven_rbac.judging() THEN
        RETURN true;
    END IF;
    -- The two that most acts begin with are planned once.
    IF kind = 'resource' AND hold = 'share' THEN
        PERFORM FROM aiven_rbac.resource AS x WHERE x.id = lock_row.id FOR KEY SHARE;
        RETURN FOUND;
    ELSIF kind = 'principal' AND hold = 'share' THEN
        PERFORM FROM aiven_rbac.principal AS x WHERE x.id = lock_row.id FOR KEY SHARE;
        RETURN FOUND;
    END IF;
    EXECUTE format('SELECT true FROM aiven_rbac.%I AS x WHERE x.id = $1 FOR %s', kind, strength) INTO found_row USING id;
    RETURN found_row IS NOT NULL;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.lock_row(text, uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.lock_row(text, uuid, text) IS
    'lock the row of a kind of object with an id; false if there is none';

-- Changing a path looks at the parent, and everything below follows.  Whoever
-- held the resource and then waited for what stands above it could be waited
-- for from there.
CREATE FUNCTION aiven_rbac.lock_places(paths @extschema@.rbac_path[]) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    PERFORM FROM aiven_rbac.resource AS x
    WHERE x.path OPERATOR(@extschema@.=) ANY (paths)
    ORDER BY x.path
    FOR KEY SHARE;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.lock_places(@extschema@.rbac_path[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.lock_places(@extschema@.rbac_path[]) IS
    'lock the resources at some paths so that they stay there, from the top of the hierarchy downwards';

CREATE FUNCTION aiven_rbac.hold_resource_at(actor aiven_rbac.actor, path @extschema@.rbac_path, kinds text[], hold text) RETURNS aiven_rbac.resource
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    r aiven_rbac.resource;
    held uuid;
BEGIN
    IF hold = 'change' THEN
        PERFORM aiven_rbac.lock_places(@extschema@.rbac_path_ancestors(path));
    END IF;
    LOOP
        r := aiven_rbac.find_resource_now(actor, path, kinds);
        IF r.id = held THEN
            RETURN r;
        END IF;
        IF aiven_rbac.lock_row('resource', r.id, CASE hold WHEN 'settings' THEN 'share' ELSE hold END)
           AND (r.kind <> 'organization' OR hold NOT IN ('settings', 'change')
                OR aiven_rbac.lock_row('organization', r.id, 'edit')) THEN
            held := r.id;
        ELSE
            PERFORM aiven_rbac.refuse_old_snapshot();
        END IF;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.hold_resource_at(aiven_rbac.actor, @extschema@.rbac_path, text[], text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.hold_resource_at(aiven_rbac.actor, @extschema@.rbac_path, text[], text) IS
    'the resource at a path, of one of the kinds, locked; an error if there is none after any wait';

-- One that is given by its id is held at the path that it has.  If it has gone
-- elsewhere by then, the locks are given back: those at the new place come before
-- that of the resource.
CREATE FUNCTION aiven_rbac.hold_resource(actor aiven_rbac.actor, given @extschema@.rbac_resource, kinds text[], hold text) RETURNS aiven_rbac.resource
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    id uuid := aiven_rbac.given_id(given);
    r aiven_rbac.resource;
BEGIN
    IF id IS NULL THEN
        RETURN aiven_rbac.hold_resource_at(actor, aiven_rbac.given_path(given), kinds, hold);
    END IF;
    LOOP
        r := aiven_rbac.find_resource_now(actor, given, kinds);
        BEGIN
            r := aiven_rbac.hold_resource_at(actor, r.path, kinds, hold);
            IF r.id = id THEN
                RETURN r;
            END IF;
            RAISE EXCEPTION 'another resource has the path' USING ERRCODE = 'undefined_object';
        EXCEPTION WHEN undefined_object OR wrong_object_type THEN
            NULL;
        END;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.hold_resource(aiven_rbac.actor, @extschema@.rbac_resource, text[], text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.hold_resource(aiven_rbac.actor, @extschema@.rbac_resource, text[], text) IS
    'the resource with a path or an id, of one of the kinds, locked; an error if there is none after any wait';

-- For a body that takes locks of its own: after a wait the session's principal
-- may be deactivated, or the place gone or out of its sight.
CREATE FUNCTION aiven_rbac.look_again(given @extschema@.rbac_resource, kinds text[]) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    PERFORM aiven_rbac.find_resource_now(aiven_rbac.current_actor(), given, kinds);
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.look_again(@extschema@.rbac_resource, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.look_again(@extschema@.rbac_resource, text[]) IS
    'an error if the session may not administer any more, or if there is no such resource of the kinds for it any more';

CREATE FUNCTION aiven_rbac.hold_principal(actor aiven_rbac.actor, id uuid, kinds text[], hold text,
                                          place @extschema@.rbac_resource DEFAULT NULL,
                                          place_kinds text[] DEFAULT '{organization,unit,project,service}')
    RETURNS aiven_rbac.principal
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    p aiven_rbac.principal;
    held boolean := false;
BEGIN
    LOOP
        p := aiven_rbac.find_principal_now(actor, id, kinds);
        IF held THEN
            RETURN p;
        END IF;
        held := aiven_rbac.lock_row('principal', p.id, hold);
        IF NOT held THEN
            PERFORM aiven_rbac.refuse_old_snapshot();
        END IF;
        IF place IS NOT NULL THEN
            PERFORM aiven_rbac.look_again(place, place_kinds);
        END IF;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.hold_principal(aiven_rbac.actor, uuid, text[], text, @extschema@.rbac_resource, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.hold_principal(aiven_rbac.actor, uuid, text[], text, @extschema@.rbac_resource, text[]) IS
    'the principal with an id, of one of the kinds, locked; an error if there is none after any wait, or if the place that the call is about is not there any more';

CREATE FUNCTION aiven_rbac.hold_belonging(actor aiven_rbac.actor, kind text, id uuid, hold text) RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    organization uuid;
    held boolean := false;
BEGIN
    LOOP
        organization := aiven_rbac.find_belonging_now(actor, kind, id);
        IF held THEN
            RETURN organization;
        END IF;
        held := aiven_rbac.lock_row(kind, id, hold);
        IF NOT held THEN
            PERFORM aiven_rbac.refuse_old_snapshot();
        END IF;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.hold_belonging(aiven_rbac.actor, text, uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.hold_belonging(aiven_rbac.actor, text, uuid, text) IS
    'the organization of a billing group or the like, which is locked; an error if there is none after any wait';

-- A membership is what grants, group memberships and standing hang on.
CREATE FUNCTION aiven_rbac.has_membership(principal uuid, organization uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT EXISTS (SELECT FROM aiven_rbac.membership AS m
                   WHERE m.principal = has_membership.principal AND m.organization = has_membership.organization)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.has_membership(uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.has_membership(uuid, uuid) IS 'is a principal a member of an organization?';

CREATE FUNCTION aiven_rbac.has_membership_now(principal uuid, organization uuid) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.has_membership_now(uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.has_membership_now(uuid, uuid) IS
    'is a principal a member of an organization, as committed now?';

CREATE FUNCTION aiven_rbac.hold_membership(principal uuid, organization uuid, hold text) RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF aiven_rbac.judging() THEN
        RETURN aiven_rbac.has_membership_now(principal, organization);
    END IF;
    LOOP
        IF hold = 'share' THEN
            PERFORM FROM aiven_rbac.membership AS m
            WHERE m.principal = hold_membership.principal AND m.organization = hold_membership.organization FOR KEY SHARE;
        ELSE
            PERFORM FROM aiven_rbac.membership AS m
            WHERE m.principal = hold_membership.principal AND m.organization = hold_membership.organization FOR UPDATE;
        END IF;
        IF FOUND THEN
            RETURN true;
        END IF;
        IF aiven_rbac.has_membership_now(principal, organization) IS NOT TRUE THEN
            RETURN false;
        END IF;
        PERFORM aiven_rbac.refuse_old_snapshot();
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.hold_membership(uuid, uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.hold_membership(uuid, uuid, text) IS
    'lock a membership; false if there is none after any wait';

-- The door of administration.  A function says first what it does; the action
-- that it requires stands in its own body, for all to read.
CREATE FUNCTION aiven_rbac.begin_act(action text, given @extschema@.rbac_resource, kinds text[], hold text DEFAULT 'share') RETURNS aiven_rbac.act
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    place aiven_rbac.resource;
BEGIN
    -- Asked first as well, so that a lock is nobody's who may not do it.
    place := aiven_rbac.find_resource_now(actor, given, kinds);
    PERFORM aiven_rbac.require(actor, action, place.id);
    place := aiven_rbac.hold_resource(actor, given, kinds, hold);
    actor := aiven_rbac.current_actor();
    PERFORM aiven_rbac.require(actor, action, place.id);
    RETURN ROW(actor, place)::aiven_rbac.act;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.begin_act(text, @extschema@.rbac_resource, text[], text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.begin_act(text, @extschema@.rbac_resource, text[], text) IS
    'begin an act on or in a resource, which is held; an error if there is no such resource, or if the session may not do the action there';

CREATE FUNCTION aiven_rbac.begin_act_on(action text, kind text, id uuid, hold text DEFAULT 'edit') RETURNS aiven_rbac.act
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    organization uuid := aiven_rbac.find_belonging_now(actor, kind, id);
BEGIN
    PERFORM aiven_rbac.require(actor, action, organization);
    organization := aiven_rbac.hold_belonging(actor, kind, id, hold);
    actor := aiven_rbac.current_actor();
    PERFORM aiven_rbac.require(actor, action, organization);
    RETURN ROW(actor, aiven_rbac.resource_with_id_now(organization))::aiven_rbac.act;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.begin_act_on(text, text, uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.begin_act_on(text, text, uuid, text) IS
    'begin an act on a billing group or the like, which is held; the place is its organization, where the session must hold the action';

-- Rows of the application's may carry an id before there is what it stands for,
-- and whoever brings it is given them (H2).
CREATE FUNCTION aiven_rbac.choose_id(kind text, id uuid) RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF id IS NULL THEN
        RETURN gen_random_uuid();
    ELSIF @extschema@.rbac_current_principal() IS NOT NULL THEN
        RAISE EXCEPTION 'permission denied to bring the id of a new %', kind
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'While a principal is set, ids are made at random: rows may already carry one that is brought.',
                  HINT = 'Leave the id out, or let the operator do it without a principal.';
    ELSIF id = '00000000-0000-0000-0000-000000000000' THEN
        RAISE EXCEPTION 'the nil id cannot be the id of a new %', kind
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Bring another id, or none.';
    END IF;
    RETURN id;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.choose_id(text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.choose_id(text, uuid) IS
    'the id of something that is created: the one that was brought, which nobody can while a principal is set, or a new one';

-- To be called once the id is taken, by when whoever was deleting its former
-- owner has been waited for.
CREATE FUNCTION aiven_rbac.refuse_retired(id uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF NOT @extschema@.rbac_operate() AND aiven_rbac.is_retired_now(id) THEN
        RAISE EXCEPTION 'the id % is that of something deleted', id
            USING ERRCODE = 'unique_violation',
                  DETAIL = 'Rows may still carry the id; only the operator can restore it.',
                  HINT = 'Bring another id, or none.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.refuse_retired(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.refuse_retired(uuid) IS
    'raise if an id was a deleted resource''s or principal''s, and the session is not the operator''s';

-- What an act was to end, and has not found: an error if the transaction's
-- snapshot is too old to show it.  An act never passes for done that left in
-- place what it was to end.
CREATE FUNCTION aiven_rbac.is_kept(kind text, place uuid, name text) RETURNS boolean
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE kind
           WHEN 'plan_list' THEN EXISTS (SELECT FROM aiven_rbac.plan_list AS l WHERE l.resource = place)
           WHEN 'tag' THEN EXISTS (SELECT FROM aiven_rbac.tag AS t WHERE t.resource = place AND t.key = is_kept.name)
           WHEN 'service_user' THEN EXISTS (SELECT FROM aiven_rbac.service_user AS u
                                            WHERE u.service = place AND u.username = is_kept.name)
           WHEN 'token' THEN EXISTS (SELECT FROM aiven_rbac.token AS t
                                     WHERE t.prefix = is_kept.name AND t.revoked_at IS NULL)
           END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.is_kept(text, uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_kept(text, uuid, text) IS
    'has a place a list of plans, a tag or a service user, or is there a token that is not revoked?';

CREATE FUNCTION aiven_rbac.is_kept_now(kind text, place uuid, name text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.is_kept_now(text, uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_kept_now(text, uuid, text) IS
    'has a place a list of plans, a tag or a service user, or is there a token that is not revoked, as committed now?';

CREATE FUNCTION aiven_rbac.refuse_if_kept(kind text, place uuid, name text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF aiven_rbac.is_kept_now(kind, place, name) IS NOT FALSE THEN
        PERFORM aiven_rbac.refuse_old_snapshot();
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.refuse_if_kept(text, uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.refuse_if_kept(text, uuid, text) IS
    'raise a serialization error if the transaction''s snapshot does not show what was to be ended';

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
                USING ERRCODE = 'unique_violation', HINT = coalesce(hint, 'Another row already has this id.');
        ELSE
            RAISE EXCEPTION 'invalid %', called
                USING ERRCODE = 'invalid_parameter_value', HINT = coalesce(hint, 'The comments on the table''s constraints say what is right.');
    END CASE;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.refuse_value(text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.refuse_value(text, text, text, text) IS
    'raise the error for a value that a constraint refused; the comment on the constraint is the hint';

-- NULL leaves a value as it is, so that those to be ended are named.
CREATE FUNCTION aiven_rbac.require_clear(clear text[], given jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY coalesce(clear, '{}') LOOP
        IF (given ? name) IS NOT TRUE THEN
            RAISE EXCEPTION 'cannot clear "%"', coalesce(aiven_rbac.excerpt(name), 'NULL')
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = format('What can be cleared: %s.', (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(given) AS k));
        ELSIF given -> name <> 'null' THEN
            RAISE EXCEPTION '"%" is both given and cleared', name
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave out one of them.';
        END IF;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_clear(text[], jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_clear(text[], jsonb) IS
    'raise unless all that is to be cleared is among the values that can be, and is not given';

-- What stands is returned to whoever creates it if it does not exist; what the caller
-- has asked for and it does not have is told.
CREATE FUNCTION aiven_rbac.tell_differences(called text, asked jsonb, standing jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    differences text := (SELECT string_agg(format('Its %s is %s, not %s.', replace(a.key, '_', ' '), aiven_rbac.excerpt((standing -> a.key)::text), aiven_rbac.excerpt(a.value::text)),
                                           ' ' ORDER BY a.key)
                         FROM jsonb_each(jsonb_strip_nulls(asked)) AS a WHERE standing -> a.key IS DISTINCT FROM a.value);
BEGIN
    IF differences IS NOT NULL THEN
        RAISE NOTICE '% already exists, and is another than asked for', called USING DETAIL = differences;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.tell_differences(text, jsonb, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.tell_differences(text, jsonb, jsonb) IS
    'tell the caller what of something that stands differs from what was asked for';
