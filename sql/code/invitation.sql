-- Invitations (P1).  Whoever invites can offer grants and groups.  They are judged
-- twice (G5): when the invitation is made, and when it is accepted, by what the
-- inviter may hand out then.  What an invitation offers is kept by id, so that it
-- is about the same things whatever they are called by then.

-- The offer of grants as a document says it:
-- [{"name", "resource", "valid_from", "valid_until"}]
CREATE FUNCTION aiven_rbac.require_offer(grants jsonb, groups text[]) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    example constant text := 'An example is [{"name": "developer", "resource": "acme.engineering"}]; "valid_from" and "valid_until" may be given.';
    wrong record;
BEGIN
    IF grants IS NOT NULL AND jsonb_typeof(grants) <> 'array' THEN
        RAISE EXCEPTION 'grants of an invitation must be an array of objects'
            USING ERRCODE = 'invalid_parameter_value', HINT = example;
    ELSIF jsonb_array_length(grants) > 100 OR cardinality(groups) > 100 THEN
        RAISE EXCEPTION 'an invitation offers too much'
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Offer at most 100 grants and 100 groups.';
    END IF;
    SELECT e.number INTO wrong FROM jsonb_array_elements(grants) WITH ORDINALITY AS e (item, number)
    WHERE CASE WHEN jsonb_typeof(e.item) <> 'object' THEN true
               ELSE jsonb_typeof(e.item -> 'name') IS DISTINCT FROM 'string' OR jsonb_typeof(e.item -> 'resource') IS DISTINCT FROM 'string'
                    OR coalesce(jsonb_typeof(e.item -> 'valid_from'), 'null') NOT IN ('string', 'null')
                    OR coalesce(jsonb_typeof(e.item -> 'valid_until'), 'null') NOT IN ('string', 'null')
                    OR e.item - '{name,resource,valid_from,valid_until}'::text[] <> '{}' END
    ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'item % of the grants is not an object of "name" and "resource"', wrong.number
            USING ERRCODE = 'invalid_parameter_value', HINT = example;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_offer(jsonb, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_offer(jsonb, text[]) IS
    'raise unless what an invitation offers is given as a document says it';

CREATE FUNCTION aiven_rbac.offered_grants(actor aiven_rbac.actor, organization uuid, grants jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    item jsonb;
    r aiven_rbac.resource;
    g aiven_rbac.grantable;
    valid_from timestamptz;
    valid_until timestamptz;
    result jsonb := '[]';
BEGIN
    FOR item IN SELECT e.item FROM jsonb_array_elements(grants) WITH ORDINALITY AS e (item, number)
                ORDER BY e.item ->> 'resource', e.number LOOP
        r := aiven_rbac.hold_resource(actor, item ->> 'resource', '{organization,unit,project,service}', 'share');
        IF r.organization IS DISTINCT FROM organization THEN
            RAISE EXCEPTION '% "%" is not in the organization that invites', r.kind, r.path
                USING ERRCODE = 'object_not_in_prerequisite_state',
                      HINT = 'Invite to the other organization as well, and offer there what is granted there.';
        END IF;
        valid_from := (item ->> 'valid_from')::timestamptz;
        valid_until := (item ->> 'valid_until')::timestamptz;
        PERFORM aiven_rbac.require_period(valid_from, valid_until);
        g := aiven_rbac.require_grant(actor, r, item ->> 'name', valid_from, valid_until);
        result := result || (jsonb_build_object('grantable', g.id, 'resource', r.id)
                             || jsonb_strip_nulls(jsonb_build_object('valid_from', valid_from, 'valid_until', valid_until)));
    END LOOP;
    RETURN result;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.offered_grants(aiven_rbac.actor, uuid, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.offered_grants(aiven_rbac.actor, uuid, jsonb) IS
    'the grants that an invitation offers, by id; an error unless the actor may hand out each';

-- Super admins are not made by inviting (G4).
CREATE FUNCTION aiven_rbac.require_offered_group(actor aiven_rbac.actor, "group" uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    g aiven_rbac.principal;
BEGIN
    PERFORM aiven_rbac.lock_row('principal', "group", 'share');
    g := aiven_rbac.find_principal_now(actor, "group", '{group}');
    IF g.account_owners THEN
        RAISE EXCEPTION 'nobody is invited as a super admin'
            USING ERRCODE = 'invalid_grant_operation',
                  DETAIL = 'The members of the account owners group are super admins.',
                  HINT = 'Once the user has accepted, rbac_super_admin_add() makes a super admin.';
    END IF;
    PERFORM aiven_rbac.require_group_member_add(actor, g);
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_offered_group(aiven_rbac.actor, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_offered_group(aiven_rbac.actor, uuid) IS
    'raise unless the actor may add whoever is invited to a group, which is held';

CREATE FUNCTION aiven_rbac.offered_groups(actor aiven_rbac.actor, organization @extschema@.rbac_resource, groups text[]) RETURNS uuid[]
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    id uuid;
    result uuid[] := '{}';
BEGIN
    IF array_position(groups, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'name of a group must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    FOR id IN SELECT DISTINCT @extschema@.rbac_group(organization, u.name) AS id FROM unnest(groups) AS u (name) ORDER BY 1 LOOP
        PERFORM aiven_rbac.require_offered_group(actor, id);
        result := result || id;
    END LOOP;
    -- A group that was waited for may be called something else by now.
    PERFORM @extschema@.rbac_group(organization, u.name) FROM unnest(groups) AS u (name);
    RETURN result;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.offered_groups(aiven_rbac.actor, @extschema@.rbac_resource, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.offered_groups(aiven_rbac.actor, @extschema@.rbac_resource, text[]) IS
    'the groups that an invitation offers, by id; an error unless the actor may add somebody to each';

CREATE FUNCTION aiven_rbac.invite(act aiven_rbac.act, email text, expires_at timestamptz, grants jsonb, groups uuid[]) RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := (act).actor;
    o aiven_rbac.resource := (act).place;
    id uuid := gen_random_uuid();
BEGIN
    PERFORM aiven_rbac.require_to_hand_out(actor, 'user.invite', o.id);
    PERFORM aiven_rbac.require_text('email address', coalesce(email, 'NULL'), 'email', 254);
    -- An invitation that has expired makes room for a new one.
    UPDATE aiven_rbac.invitation AS i SET withdrawn_at = now()
    WHERE i.organization = o.id AND aiven_rbac.fold(i.email) = aiven_rbac.fold(invite.email)
      AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at <= aiven_rbac.judged_at();
    BEGIN
        INSERT INTO aiven_rbac.invitation (id, organization, email, expires_at, inviter, by_operator, grants, groups)
        VALUES (id, o.id, email, expires_at, actor.principal, actor.operator IS TRUE, grants, groups);
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION 'user "%" is already invited to organization "%"', aiven_rbac.excerpt(email), o.path
            USING ERRCODE = 'unique_violation', HINT = 'Withdraw the invitation that is pending first.';
    END;
    -- Looked at last: the insertion has waited for whoever was accepting one.
    IF aiven_rbac.has_membership_now((aiven_rbac.user_with_email_now(email)).id, o.id) THEN
        RAISE EXCEPTION 'user "%" is already a member of organization "%"', aiven_rbac.excerpt(email), o.path
            USING ERRCODE = 'duplicate_object';
    END IF;
    RETURN id;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.invite(aiven_rbac.act, text, timestamptz, jsonb, uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.invite(aiven_rbac.act, text, timestamptz, jsonb, uuid[]) IS
    'invite somebody, with what has been judged that the invitation offers';

CREATE FUNCTION @extschema@.rbac_invitation_create(organization @extschema@.rbac_resource, email text,
        expires_at timestamptz DEFAULT pg_catalog.now() + interval '7 days',
        grants jsonb DEFAULT NULL, groups text[] DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    act aiven_rbac.act := aiven_rbac.begin_act('user.invite', organization, '{organization}');
    o aiven_rbac.resource := act.place;
BEGIN
    IF expires_at IS NULL OR expires_at <= aiven_rbac.judged_at() THEN
        RAISE EXCEPTION 'an invitation must expire in the future' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM aiven_rbac.require_offer(grants, groups);
    RETURN aiven_rbac.invite(act, email, expires_at, aiven_rbac.offered_grants(act.actor, o.id, grants),
                             aiven_rbac.offered_groups(act.actor, o.path, groups));
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_invitation_create(@extschema@.rbac_resource, text, timestamptz, jsonb, text[]) IS
    'invite somebody to an organization by email, and offer grants, as [{"name", "resource", "valid_from", "valid_until"}], and groups by name; it requires user.invite, and what granting and adding each require, now and when the invitation is accepted';

CREATE FUNCTION aiven_rbac.pending_invitation(email text, organization uuid) RETURNS uuid
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT i.id FROM aiven_rbac.invitation AS i
    WHERE i.organization = pending_invitation.organization AND aiven_rbac.fold(i.email) = aiven_rbac.fold(pending_invitation.email)
      AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > aiven_rbac.judged_at()
$$;
REVOKE ALL ON FUNCTION aiven_rbac.pending_invitation(text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.pending_invitation(text, uuid) IS 'the invitation that waits for whoever has an email, or NULL';

CREATE FUNCTION aiven_rbac.pending_invitation_now(email text, organization uuid) RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.pending_invitation_now(text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.pending_invitation_now(text, uuid) IS
    'the invitation that waits for whoever has an email, as committed now, or NULL';

-- What is offered is the same for all, and judged once.
CREATE FUNCTION @extschema@.rbac_invitations_create(organization @extschema@.rbac_resource, emails text[],
        grants jsonb DEFAULT NULL, groups text[] DEFAULT NULL, all_or_none boolean DEFAULT false)
    RETURNS TABLE (item text, invitation uuid, outcome text, detail text)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    act aiven_rbac.act := aiven_rbac.begin_act('user.invite', organization, '{organization}');
    o aiven_rbac.resource := act.place;
    offered jsonb;
    joined uuid[];
    refusal text;
    state text;
    explained text;
    number integer := 0;
BEGIN
    PERFORM aiven_rbac.require_items(ARRAY[cardinality(emails)]);
    IF all_or_none IS NULL THEN
        RAISE EXCEPTION 'all_or_none must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    PERFORM aiven_rbac.require_offer(grants, groups);
    BEGIN
        offered := aiven_rbac.offered_grants(act.actor, o.id, grants);
        joined := aiven_rbac.offered_groups(act.actor, o.path, groups);
    EXCEPTION WHEN OTHERS THEN
        IF NOT aiven_rbac.is_refusal(SQLSTATE) OR all_or_none THEN
            RAISE;
        END IF;
        refusal := SQLERRM;
    END;
    FOREACH item IN ARRAY emails LOOP
        number := number + 1;
        detail := refusal;
        invitation := aiven_rbac.pending_invitation_now(item, o.id);
        outcome := CASE WHEN aiven_rbac.has_membership_now((aiven_rbac.user_with_email_now(item)).id, o.id) THEN 'member'
                        WHEN invitation IS NOT NULL THEN 'pending'
                        WHEN refusal IS NOT NULL THEN 'refused' END;
        IF outcome IS NULL THEN
            BEGIN
                invitation := aiven_rbac.invite(act, item, now() + interval '7 days', offered, joined);
                outcome := 'invited';
            EXCEPTION WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS explained = PG_EXCEPTION_DETAIL, state = RETURNED_SQLSTATE;
                IF NOT aiven_rbac.is_refusal(state) THEN
                    RAISE;
                END IF;
                -- Whoever was faster with the same has decided it.
                invitation := CASE WHEN state = '23505' THEN aiven_rbac.pending_invitation_now(item, o.id) END;
                outcome := CASE WHEN invitation IS NOT NULL THEN 'pending' WHEN state = '42710' THEN 'member' ELSE 'refused' END;
                detail := SQLERRM;
                IF outcome = 'refused' AND all_or_none THEN
                    RAISE EXCEPTION 'item % is refused: %', number, SQLERRM
                        USING ERRCODE = state, DETAIL = explained, HINT = 'Nobody has been invited.';
                END IF;
            END;
        END IF;
        detail := CASE WHEN outcome = 'refused' THEN detail END;
        invitation := CASE WHEN outcome <> 'member' THEN invitation END;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_invitations_create(@extschema@.rbac_resource, text[], jsonb, text[], boolean) IS
    'invite many to an organization by email, for 7 days, and offer all the same, as rbac_invitation_create() does, which tells what it requires; a row for each: invited, pending if an invitation waits already, member, or refused; with all_or_none one that is refused is an error';

CREATE FUNCTION aiven_rbac.find_invitation(id uuid) RETURNS aiven_rbac.invitation
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    i aiven_rbac.invitation;
BEGIN
    SELECT * INTO i FROM aiven_rbac.invitation AS x WHERE x.id = find_invitation.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'invitation with id % does not exist', coalesce(id::text, 'NULL')
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'An invitation is for the user with the email that was invited.',
                  HINT = 'Sign in as that user.';
    END IF;
    RETURN i;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.find_invitation(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_invitation(uuid) IS 'the invitation with an id; an error if there is none';

CREATE FUNCTION aiven_rbac.find_invitation_now(id uuid) RETURNS aiven_rbac.invitation
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.find_invitation_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_invitation_now(uuid) IS
    'the invitation with an id, as committed now; an error if there is none';

-- The organization is locked first, since accepting makes somebody its member.
-- Whether the session may know of the invitation is the caller's business.
CREATE FUNCTION aiven_rbac.hold_invitation(id uuid) RETURNS aiven_rbac.invitation
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    i aiven_rbac.invitation;
    held boolean := false;
BEGIN
    LOOP
        i := aiven_rbac.find_invitation_now(id);
        IF held THEN
            RETURN i;
        END IF;
        held := aiven_rbac.lock_row('resource', i.organization, 'share')
                AND aiven_rbac.lock_row('invitation', id, 'change');
        IF NOT held THEN
            PERFORM aiven_rbac.refuse_old_snapshot();
        END IF;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.hold_invitation(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.hold_invitation(uuid) IS
    'an invitation, which is held; an error if there is none after any wait';

-- Whoever made an invitation, as the one who hands out what it offers.  Of an
-- invitation of which that is not known, nobody does.
CREATE FUNCTION aiven_rbac.inviter(i aiven_rbac.invitation) RETURNS aiven_rbac.actor
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT ROW((i).inviter, (i).by_operator IS TRUE, false)::aiven_rbac.actor $$;
REVOKE ALL ON FUNCTION aiven_rbac.inviter(aiven_rbac.invitation) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.inviter(aiven_rbac.invitation) IS 'who hands out what an invitation offers';

CREATE FUNCTION aiven_rbac.drop_offered(what text, reason text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RAISE NOTICE 'the invitation offered %, which is not given', what
        USING DETAIL = format('The reason is: %s.', reason),
              HINT = 'Ask for it, or for a new invitation.';
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.drop_offered(text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.drop_offered(text, text) IS 'tell whoever accepts an invitation what it does not give any more';

CREATE FUNCTION aiven_rbac.give_offered_grant(i aiven_rbac.invitation, invitee uuid, offered jsonb) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    r aiven_rbac.resource := aiven_rbac.resource_with_id_now((offered ->> 'resource')::uuid);
    name text := (SELECT x.name FROM aiven_rbac.grantable AS x WHERE x.id = (offered ->> 'grantable')::uuid);
    valid_from timestamptz := (offered ->> 'valid_from')::timestamptz;
    valid_until timestamptz := (offered ->> 'valid_until')::timestamptz;
    g aiven_rbac.grantable;
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION 'the role or permission does not exist any more' USING ERRCODE = 'undefined_object';
    ELSIF r.organization IS DISTINCT FROM (i).organization THEN
        RAISE EXCEPTION 'the resource is not in the organization any more' USING ERRCODE = 'undefined_object';
    END IF;
    PERFORM aiven_rbac.require_period(valid_from, valid_until);
    g := aiven_rbac.require_grant(aiven_rbac.inviter(i), r, name, valid_from, valid_until);
    INSERT INTO aiven_rbac.access_grant
           (principal, resource, grantable, organization, resource_kind, grantable_organization, valid_from, valid_until)
    VALUES (invitee, r.id, g.id, r.organization, r.kind, g.organization, valid_from, valid_until)
    ON CONFLICT DO NOTHING;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.give_offered_grant(aiven_rbac.invitation, uuid, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.give_offered_grant(aiven_rbac.invitation, uuid, jsonb) IS
    'grant what an invitation offers; an error unless the inviter may';

CREATE FUNCTION aiven_rbac.give_offered_grants(i aiven_rbac.invitation, invitee uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    offered jsonb;
    name text;
    place text;
    dropped jsonb := '[]';
BEGIN
    FOR offered IN SELECT e.item FROM jsonb_array_elements((i).grants) AS e (item) LOOP
        name := coalesce((SELECT x.name FROM aiven_rbac.grantable AS x WHERE x.id = (offered ->> 'grantable')::uuid), offered ->> 'grantable');
        place := coalesce((aiven_rbac.resource_with_id_now((offered ->> 'resource')::uuid)).path::text, offered ->> 'resource');
        BEGIN
            PERFORM aiven_rbac.give_offered_grant(i, invitee, offered);
        EXCEPTION WHEN OTHERS THEN
            IF NOT aiven_rbac.is_refusal(SQLSTATE) THEN
                RAISE;
            END IF;
            PERFORM aiven_rbac.drop_offered(format('"%s" on "%s"', aiven_rbac.excerpt(name), place), SQLERRM);
            dropped := dropped || jsonb_build_object('name', name, 'resource', offered -> 'resource', 'reason', SQLERRM);
        END;
    END LOOP;
    RETURN dropped;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.give_offered_grants(aiven_rbac.invitation, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.give_offered_grants(aiven_rbac.invitation, uuid) IS
    'grant what an invitation offers and its inviter may hand out; returns the rest';

CREATE FUNCTION aiven_rbac.give_offered_groups(i aiven_rbac.invitation, invitee uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    "group" uuid;
    name text;
    dropped jsonb := '[]';
BEGIN
    FOREACH "group" IN ARRAY (i).groups LOOP
        name := coalesce((SELECT x.name FROM aiven_rbac.principal AS x WHERE x.id = "group"), "group"::text);
        BEGIN
            PERFORM aiven_rbac.require_offered_group(aiven_rbac.inviter(i), "group");
            INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind, account_owners)
            VALUES (invitee, "group", (i).organization, 'user', false)
            ON CONFLICT DO NOTHING;
        EXCEPTION WHEN OTHERS THEN
            IF NOT aiven_rbac.is_refusal(SQLSTATE) THEN
                RAISE;
            END IF;
            PERFORM aiven_rbac.drop_offered(format('membership of group "%s"', aiven_rbac.excerpt(name)), SQLERRM);
            dropped := dropped || jsonb_build_object('group', "group", 'name', name, 'reason', SQLERRM);
        END;
    END LOOP;
    RETURN dropped;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.give_offered_groups(aiven_rbac.invitation, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.give_offered_groups(aiven_rbac.invitation, uuid) IS
    'add whoever is invited to the groups that an invitation offers and its inviter may add somebody to; returns the rest';

CREATE FUNCTION @extschema@.rbac_invitation_accept(invitation uuid) RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    i aiven_rbac.invitation;
    invitee aiven_rbac.principal;
BEGIN
    i := aiven_rbac.hold_invitation(invitation);
    invitee := aiven_rbac.user_with_email_now(i.email);
    IF invitee.id IS NULL OR (actor.operator IS NOT TRUE AND invitee.id IS DISTINCT FROM actor.principal) THEN
        RAISE EXCEPTION 'invitation with id % does not exist', invitation
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'An invitation is for the user with the email that was invited.',
                  HINT = 'Sign in as that user.';
    END IF;
    IF i.accepted_at IS NOT NULL OR i.withdrawn_at IS NOT NULL OR i.expires_at <= aiven_rbac.judged_at() THEN
        RAISE EXCEPTION 'invitation % is no longer pending', invitation
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = CASE WHEN i.accepted_at IS NOT NULL THEN 'It was accepted.'
                                WHEN i.withdrawn_at IS NOT NULL THEN 'It was withdrawn.'
                                ELSE format('It expired at %s.', i.expires_at) END,
                  HINT = 'Ask for a new invitation.';
    END IF;
    -- Before the user, as everywhere
    PERFORM FROM aiven_rbac.resource AS r
    WHERE r.id IN (SELECT (e.item ->> 'resource')::uuid FROM jsonb_array_elements(i.grants) AS e (item))
    ORDER BY r.path FOR KEY SHARE;
    -- The user may be gone after a wait, or have another email.
    PERFORM aiven_rbac.lock_row('principal', invitee.id, 'share');
    invitee := aiven_rbac.user_with_email_now(i.email);
    actor := aiven_rbac.current_actor();
    IF invitee.id IS NULL OR (actor.operator IS NOT TRUE AND invitee.id IS DISTINCT FROM actor.principal) THEN
        RAISE EXCEPTION 'invitation with id % does not exist', invitation
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'An invitation is for the user with the email that was invited.',
                  HINT = 'Sign in as that user.';
    END IF;
    IF invitee.deactivated_at IS NOT NULL THEN
        RAISE EXCEPTION 'user "%" is deactivated', aiven_rbac.excerpt(invitee.email) USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO aiven_rbac.membership (principal, organization, kind)
    VALUES (invitee.id, i.organization, 'user')
    ON CONFLICT DO NOTHING;
    UPDATE aiven_rbac.invitation AS x
    SET accepted_at = now(), dropped = aiven_rbac.give_offered_grants(i, invitee.id) || aiven_rbac.give_offered_groups(i, invitee.id)
    WHERE x.id = i.id;
    RETURN invitee.id;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_invitation_accept(uuid) IS
    'accept an invitation, as the user with the invited email, and be given what it offers; what the inviter could not hand out any more is left out, with a notice, and recorded; returns the user''s id';

CREATE FUNCTION aiven_rbac.invitation_withdraw(invitation uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    act aiven_rbac.act;
    i aiven_rbac.invitation;
BEGIN
    act := aiven_rbac.begin_act_on('user_invitation.remove', 'invitation', invitation, 'change');
    SELECT * INTO STRICT i FROM aiven_rbac.invitation AS x WHERE x.id = invitation;
    IF i.accepted_at IS NOT NULL THEN
        RAISE EXCEPTION 'invitation % was already accepted', invitation
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Remove the member instead: rbac_member_remove().';
    END IF;
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(
            CASE WHEN i.withdrawn_at IS NULL
                 THEN ARRAY[(aiven_rbac.user_with_email_now(i.email)).id] END);
    END IF;
    UPDATE aiven_rbac.invitation AS x SET withdrawn_at = now() WHERE x.id = i.id AND x.withdrawn_at IS NULL;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.invitation_withdraw(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.invitation_withdraw(uuid) IS 'the body of rbac_invitation_withdraw()';

CREATE FUNCTION @extschema@.rbac_invitation_withdraw(invitation uuid) RETURNS void
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_invitation_withdraw(uuid) IS
    'withdraw an invitation that is pending; it requires user_invitation.remove';
