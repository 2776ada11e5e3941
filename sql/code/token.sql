-- Tokens: making, revoking, logging in (P8).

CREATE FUNCTION aiven_rbac.make_token(OUT token text, OUT prefix text, OUT digest bytea)
    AS 'MODULE_PATHNAME', 'rbac_make_token'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.make_token() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.make_token() IS
    'a new random token, its prefix, and the digest by which it is recognized';

-- The one place that says what is required to hand out an application user's
-- rights: all that it has been granted, by itself and by its groups (G5, G6).
CREATE FUNCTION aiven_rbac.require_token_of_application_user(actor aiven_rbac.actor, p aiven_rbac.principal) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    a record;
    privileged boolean := false;
BEGIN
    FOR a IN SELECT * FROM aiven_rbac.grants_held_now(p.id) LOOP
        IF NOT privileged THEN
            PERFORM aiven_rbac.require_to_hand_out(actor, 'application_token.generate_privileged', p.organization);
            privileged := true;
        END IF;
        PERFORM aiven_rbac.require_all_of(actor, a.resource, a.grantable, a.valid_from, a.valid_until, true);
    END LOOP;
    IF NOT privileged THEN
        PERFORM aiven_rbac.require_to_hand_out(actor, 'application_token.generate', p.organization);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_token_of_application_user(aiven_rbac.actor, aiven_rbac.principal) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_token_of_application_user(aiven_rbac.actor, aiven_rbac.principal) IS
    'raise unless the actor may make a token for an application user: application_token.generate or, when anything is granted to it, application_token.generate_privileged and every action granted';

CREATE FUNCTION aiven_rbac.session_lacks() RETURNS text
    AS 'MODULE_PATHNAME', 'rbac_session_lacks'
    LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.session_lacks() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.session_lacks() IS
    'what keeps the session''s user from making a token of its own, which must not open more than the session does; NULL: nothing';

CREATE FUNCTION aiven_rbac.session_login(OUT method text, OUT two_factor boolean)
    AS 'MODULE_PATHNAME', 'rbac_session_login'
    LANGUAGE C STABLE;
REVOKE ALL ON FUNCTION aiven_rbac.session_login() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.session_login() IS
    'how the session''s principal has logged in, as far as that is known';

CREATE FUNCTION aiven_rbac.forbids_personal_tokens("user" uuid) RETURNS @extschema@.rbac_path
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT r.path
    FROM aiven_rbac.managed_user AS m
    JOIN aiven_rbac.authentication_policy AS a ON a.organization = m.organization
    JOIN aiven_rbac.resource AS r ON r.id = m.organization
    WHERE m.principal = "user" AND NOT a.personal_tokens
$$;
REVOKE ALL ON FUNCTION aiven_rbac.forbids_personal_tokens(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.forbids_personal_tokens(uuid) IS
    'the organization that manages a user and allows no personal tokens, or NULL';

CREATE FUNCTION aiven_rbac.forbids_personal_tokens_now("user" uuid) RETURNS @extschema@.rbac_path
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.forbids_personal_tokens_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.forbids_personal_tokens_now(uuid) IS
    'the organization that manages a user and allows no personal tokens, as committed now, or NULL';

CREATE FUNCTION @extschema@.rbac_token_create(principal uuid, description text, max_age interval DEFAULT NULL,
        allowed_networks cidr[] DEFAULT NULL, extend_when_used boolean DEFAULT false)
    RETURNS text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    p aiven_rbac.principal := aiven_rbac.hold_principal(actor, principal, '{user,application_user}', 'share');
    made record;
    login_method text;
    login_two_factor boolean := false;
    managing @extschema@.rbac_path;
BEGIN
    IF p.kind = 'application_user' THEN
        PERFORM aiven_rbac.require_token_of_application_user(actor, p);
    ELSIF actor.operator IS NOT TRUE AND actor.principal IS DISTINCT FROM p.id THEN
        RAISE EXCEPTION 'permission denied to create a token for another user'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'A user''s token is made by the user.',
                  HINT = 'Automation has an application user of its own: rbac_application_user_create().';
    ELSIF actor.operator IS NOT TRUE THEN
        IF aiven_rbac.session_lacks() IS NOT NULL THEN
            RAISE EXCEPTION 'permission denied to create a personal token'
                USING ERRCODE = 'insufficient_privilege',
                      DETAIL = aiven_rbac.session_lacks(),
                      HINT = 'Log in in a way that all of the user''s organizations accept.';
        END IF;
        managing := aiven_rbac.forbids_personal_tokens_now(p.id);
        IF managing IS NOT NULL THEN
            RAISE EXCEPTION 'permission denied to create a personal token'
                USING ERRCODE = 'insufficient_privilege',
                      DETAIL = format('Organization "%s" manages the user, and its authentication policy allows no personal tokens.', managing),
                      HINT = 'Automation has an application user of its own: rbac_application_user_create().';
        END IF;
    END IF;
    IF p.deactivated_at IS NOT NULL THEN
        RAISE EXCEPTION 'user "%" is deactivated', aiven_rbac.excerpt(p.email)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'The organization that manages the user can reactivate it.';
    END IF;
    IF max_age <= interval '0' THEN
        RAISE EXCEPTION 'the maximum age of a token must be positive' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF extend_when_used AND max_age IS NULL THEN
        RAISE EXCEPTION 'a token without a maximum age cannot be extended when used'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give max_age: each use makes the token last that much longer.';
    END IF;
    IF allowed_networks = '{}' OR array_position(allowed_networks, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'networks of a token must be given'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Such as ''{203.0.113.0/24}''; NULL lets the token be used from anywhere.';
    END IF;
    PERFORM aiven_rbac.require_few('networks of the token', cardinality(allowed_networks));
    PERFORM aiven_rbac.require_text('description of the token', description, 'note', 1000);

    made := aiven_rbac.make_token();
    -- Application users are subject to no authentication policy.
    IF p.kind = 'user' AND actor.operator IS NOT TRUE THEN
        SELECT l.method, l.two_factor INTO login_method, login_two_factor FROM aiven_rbac.session_login() AS l;
    END IF;
    INSERT INTO aiven_rbac.token (prefix, principal, principal_kind, digest, description,
                                  max_age, expires_at, allowed_networks, extend_when_used, method, two_factor)
    VALUES (made.prefix, p.id, p.kind, made.digest, description,
            max_age, clock_timestamp() + max_age, allowed_networks, coalesce(extend_when_used, false),
            login_method, login_two_factor);
    INSERT INTO aiven_rbac.token_use (prefix) VALUES (made.prefix);
    RETURN made.token;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_token_create(uuid, text, interval, cidr[], boolean) IS
    'make a token to log in with, shown this once; a user''s own, or an application user''s: that requires application_token.generate or, when it was granted anything, application_token.generate_privileged and every action that it has';

CREATE FUNCTION aiven_rbac.principal_of_token(prefix text) RETURNS aiven_rbac.principal
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT p FROM aiven_rbac.token AS t JOIN aiven_rbac.principal AS p ON p.id = t.principal
    WHERE t.prefix = principal_of_token.prefix
$$;
REVOKE ALL ON FUNCTION aiven_rbac.principal_of_token(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.principal_of_token(text) IS 'the principal of the token with a prefix, or NULL';

CREATE FUNCTION aiven_rbac.principal_of_token_now(prefix text) RETURNS aiven_rbac.principal
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.principal_of_token_now(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.principal_of_token_now(text) IS
    'the principal of the token with a prefix, as committed now, or NULL';

CREATE FUNCTION aiven_rbac.token_revoke(prefix text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    p aiven_rbac.principal;
    organization uuid;
BEGIN
    p := aiven_rbac.principal_of_token_now(prefix);
    organization := coalesce(p.organization, aiven_rbac.managed_by_now(p.id));
    -- What was given may be a whole token: no message repeats it.
    IF p.id IS NULL
       OR (actor.operator IS NOT TRUE AND actor.principal IS DISTINCT FROM p.id
           AND aiven_rbac.is_member_now(actor, organization) IS NOT TRUE) THEN
        RAISE EXCEPTION 'token does not exist'
            USING ERRCODE = 'undefined_object',
                  HINT = 'Give the token''s prefix, its first 17 characters.';
    END IF;
    IF actor.operator IS NOT TRUE AND actor.principal IS DISTINCT FROM p.id THEN
        PERFORM aiven_rbac.require(actor, CASE p.kind WHEN 'user' THEN 'user_token.revoke'
                                          ELSE 'application_token.revoke' END, organization);
    END IF;
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(
            CASE WHEN aiven_rbac.is_kept_now('token', NULL, prefix) THEN ARRAY[p.id] END);
    END IF;
    UPDATE aiven_rbac.token AS t SET revoked_at = clock_timestamp()
    WHERE t.prefix = token_revoke.prefix AND t.revoked_at IS NULL;
    IF NOT FOUND THEN
        PERFORM aiven_rbac.refuse_if_kept('token', NULL, prefix);
        -- It was revoked before, or has gone meanwhile.
        IF (aiven_rbac.principal_of_token_now(prefix)).id IS NULL THEN
            RAISE EXCEPTION 'token does not exist'
                USING ERRCODE = 'undefined_object',
                      HINT = 'Give the token''s prefix, its first 17 characters.';
        END IF;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.token_revoke(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.token_revoke(text) IS 'the body of rbac_token_revoke()';

CREATE FUNCTION @extschema@.rbac_token_revoke(prefix text) RETURNS void
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_token_revoke(text) IS
    'end a token: one''s own, an application user''s with application_token.revoke, a managed user''s with user_token.revoke';

-- Nobody waits for this, and it makes nobody's transaction fail: a row that
-- somebody else is writing is left to them, as is one that was written since
-- this transaction's snapshot.  max_age is added in a fixed time zone, so that
-- a session can't stretch a day with its own.
CREATE FUNCTION aiven_rbac.record_token_use(prefix text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    AS $$
#variable_conflict use_variable
BEGIN
    UPDATE aiven_rbac.token_use AS u
    SET last_used_at = clock_timestamp(),
        extended_until = CASE WHEN t.extend_when_used THEN clock_timestamp() + t.max_age END
    FROM aiven_rbac.token AS t
    WHERE t.prefix = u.prefix
      AND u.prefix = (SELECT x.prefix FROM aiven_rbac.token_use AS x
                      WHERE x.prefix = record_token_use.prefix FOR UPDATE SKIP LOCKED);
EXCEPTION WHEN serialization_failure THEN
    NULL;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.record_token_use(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.record_token_use(text) IS
    'note that a token is used, and extend it if it is to be extended';

-- The same for a principal.  There is no row until the first use: whoever makes it
-- holds a lock that others try for and do not wait for.
CREATE FUNCTION aiven_rbac.record_principal_use(principal uuid, method text, two_factor boolean) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    UPDATE aiven_rbac.principal_use AS u
    SET last_used_at = clock_timestamp(), method = record_principal_use.method, two_factor = record_principal_use.two_factor
    WHERE u.principal = (SELECT x.principal FROM aiven_rbac.principal_use AS x
                         WHERE x.principal = record_principal_use.principal AND x.last_used_at < clock_timestamp() - interval '1 hour'
                         FOR UPDATE SKIP LOCKED);
    IF NOT FOUND AND NOT EXISTS (SELECT FROM aiven_rbac.principal_use AS x WHERE x.principal = record_principal_use.principal)
       AND EXISTS (SELECT FROM aiven_rbac.principal AS p WHERE p.id = record_principal_use.principal)
       AND pg_try_advisory_xact_lock('aiven_rbac.principal_use'::regclass::oid::integer, hashtext(principal::text)) THEN
        INSERT INTO aiven_rbac.principal_use (principal, last_used_at, method, two_factor)
        VALUES (principal, clock_timestamp(), method, two_factor) ON CONFLICT DO NOTHING;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.record_principal_use(uuid, text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.record_principal_use(uuid, text, boolean) IS
    'note that a session is a principal''s, unless that was noted within the hour';

-- A token is proof, and one can't be guessed, however often somebody tries: so
-- everybody may come with one.  An address that a caller gives is worth as much as
-- the caller.  Behind a pooler or a back end only they know the client's, and who
-- may say it is for the administrator to tell; everybody else is where their
-- connection comes from.
--
-- No error of these functions, nor anything that they do inside, shows the token.
-- What the server itself can show is the caller's statement: its text (in
-- logs, in pg_stat_activity), so that a token should be a bind parameter; its
-- parameters where statements are logged, unless log_parameter_max_length (for
-- auto_explain, its own setting of that name) is 0; its plan, if
-- auto_explain.log_verbose is on.
CREATE FUNCTION @extschema@.rbac_authenticate(token text, client_address inet DEFAULT pg_catalog.inet_client_addr(),
                                              is_local boolean DEFAULT true)
    RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_authenticate'
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION @extschema@.rbac_authenticate(text, inet, boolean) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.rbac_authenticate(text, inet, boolean) IS
    'act as the principal that a token belongs to (until the end of the transaction, unless is_local is false), for database roles that may execute it, since they say where the client is; pass the token as a bind parameter, since the text of statements can be logged';

CREATE FUNCTION @extschema@.rbac_authenticate_here(token text, is_local boolean DEFAULT true)
    RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_authenticate_here'
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_authenticate_here(text, boolean) IS
    'act as the principal that a token belongs to (until the end of the transaction, unless is_local is false), where the connection comes from: one by a Unix socket has no address, and a token that is limited to networks is refused there; pass the token as a bind parameter, since the text of statements can be logged';
