-- Who vouches for users: verified domains, which make users managed (P3),
-- SAML identity providers, and what a session must satisfy (G9).

CREATE FUNCTION aiven_rbac.has_domain(organization uuid, name text) RETURNS boolean
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT EXISTS (SELECT FROM aiven_rbac.domain AS d
                   WHERE d.organization = has_domain.organization AND d.name = aiven_rbac.fold(has_domain.name))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.has_domain(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.has_domain(uuid, text) IS 'has an organization added a domain?';

CREATE FUNCTION aiven_rbac.has_domain_now(organization uuid, name text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.has_domain_now(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.has_domain_now(uuid, text) IS
    'has an organization added a domain, as committed now?';

CREATE FUNCTION aiven_rbac.hold_domain(organization aiven_rbac.resource, domain text) RETURNS aiven_rbac.domain
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    d aiven_rbac.domain;
BEGIN
    IF aiven_rbac.judging() THEN
        SELECT * INTO d FROM aiven_rbac.domain AS x
        WHERE x.organization = (organization).id AND x.name = aiven_rbac.fold(hold_domain.domain);
    ELSE
        SELECT * INTO d FROM aiven_rbac.domain AS x
        WHERE x.organization = (organization).id AND x.name = aiven_rbac.fold(hold_domain.domain) FOR UPDATE;
    END IF;
    IF NOT FOUND THEN
        IF aiven_rbac.has_domain_now((organization).id, domain) THEN
            PERFORM aiven_rbac.refuse_old_snapshot();
        END IF;
        RAISE EXCEPTION 'domain "%" does not exist in organization "%"', aiven_rbac.excerpt(domain), (organization).path
            USING ERRCODE = 'undefined_object', HINT = 'Add it first: rbac_domain_add().';
    END IF;
    RETURN d;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.hold_domain(aiven_rbac.resource, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.hold_domain(aiven_rbac.resource, text) IS
    'a domain of an organization, locked; an error if there is none';

CREATE FUNCTION @extschema@.rbac_domain_add(organization @extschema@.rbac_resource, domain text) RETURNS text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    o aiven_rbac.resource := (aiven_rbac.begin_act('domain.add', organization, '{organization}')).place;
    verification text := 'aiven-rbac-verification=' || replace(gen_random_uuid()::text, '-', '');
    violated text;
    missing text;
BEGIN
    INSERT INTO aiven_rbac.domain (organization, name, verification) VALUES (o.id, aiven_rbac.fold(domain), verification);
    RETURN verification;
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('domain', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_domain_add(@extschema@.rbac_resource, text) IS
    'add an email domain to an organization; it requires domain.add; returns the text to publish in a TXT record of the domain, so that it can be verified';

-- Knowing the text is no proof: whoever added the domain knows it.  What
-- counts is who says that it was seen in DNS, so that this is for a trusted
-- back end, like rbac_set_principal().
CREATE FUNCTION @extschema@.rbac_domain_verify(organization @extschema@.rbac_resource, domain text, observed text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    d aiven_rbac.domain := aiven_rbac.hold_domain((aiven_rbac.begin_act('domain.edit', organization, '{organization}')).place,
                                                  domain);
    violated text;
BEGIN
    IF d.verification IS DISTINCT FROM btrim(observed) THEN
        RAISE EXCEPTION 'domain "%" is not verified', aiven_rbac.excerpt(d.name)
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'The text that was observed is not the one that was to be published.',
                  HINT = format('Publish "%s" in a TXT record of the domain.', d.verification);
    END IF;
    UPDATE aiven_rbac.domain AS x SET verified_at = now()
    WHERE x.organization = d.organization AND x.name = d.name AND x.verified_at IS NULL;
EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
    PERFORM aiven_rbac.refuse_value('verified domain', SQLSTATE, violated, NULL);
END
$$;
REVOKE ALL ON FUNCTION @extschema@.rbac_domain_verify(@extschema@.rbac_resource, text, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.rbac_domain_verify(@extschema@.rbac_resource, text, text) IS
    'verify a domain with the text that was looked up in DNS; for a trusted back end, which also judges that the domain is no public suffix, such as co.uk; it requires domain.edit; users with an email in the domain are managed by the organization from then on';

CREATE FUNCTION aiven_rbac.domain_remove(organization @extschema@.rbac_resource, domain text) RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    o aiven_rbac.resource := (aiven_rbac.begin_act('domain.remove', organization, '{organization}')).place;
    d aiven_rbac.domain;
BEGIN
    -- Also one that somebody else has removed while this waited
    BEGIN
        d := aiven_rbac.hold_domain(o, domain);
    EXCEPTION WHEN undefined_object THEN
        RETURN false;
    END;
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(
            CASE WHEN d.verified_at IS NOT NULL
                 THEN aiven_rbac.holders_now('organization', d.organization) END);
    END IF;
    DELETE FROM aiven_rbac.domain AS x WHERE x.organization = d.organization AND x.name = d.name;
    RETURN FOUND;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.domain_remove(@extschema@.rbac_resource, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.domain_remove(@extschema@.rbac_resource, text) IS 'the body of rbac_domain_remove()';

CREATE FUNCTION @extschema@.rbac_domain_remove(organization @extschema@.rbac_resource, domain text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_domain_remove(@extschema@.rbac_resource, text) IS
    'remove a domain from an organization, which manages its users no longer; it requires domain.remove; false if there was none';

CREATE FUNCTION @extschema@.rbac_identity_provider_add(organization @extschema@.rbac_resource, name text, entity_id text,
                                                       url text, certificate_fingerprint text)
    RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    o aiven_rbac.resource := (aiven_rbac.begin_act('identity_provider.add', organization, '{organization}')).place;
    id uuid := gen_random_uuid();
    violated text;
    missing text;
BEGIN
    INSERT INTO aiven_rbac.identity_provider (id, organization, name, entity_id, url, certificate_fingerprint)
    VALUES (id, o.id, name, entity_id, url, aiven_rbac.fold(replace(certificate_fingerprint, ':', '')));
    RETURN id;
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('identity_provider', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_identity_provider_add(@extschema@.rbac_resource, text, text, text, text) IS
    'add a SAML identity provider to an organization, not enabled yet: its entity id, the URL for signing in and the SHA-256 fingerprint of its certificate; it requires identity_provider.add; returns its id';

CREATE FUNCTION aiven_rbac.enable_identity_provider(action text, id uuid, enabled boolean) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    act aiven_rbac.act := aiven_rbac.begin_act_on(action, 'identity_provider', id);
BEGIN
    UPDATE aiven_rbac.identity_provider AS x SET enabled = enable_identity_provider.enabled
    WHERE x.id = enable_identity_provider.id;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.enable_identity_provider(text, uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.enable_identity_provider(text, uuid, boolean) IS
    'enable or disable an identity provider';

CREATE FUNCTION @extschema@.rbac_identity_provider_enable(identity_provider uuid) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.enable_identity_provider('identity_provider.enable', identity_provider, true) $$;
COMMENT ON FUNCTION @extschema@.rbac_identity_provider_enable(uuid) IS
    'let users sign in through an identity provider; it requires identity_provider.enable';

CREATE FUNCTION @extschema@.rbac_identity_provider_disable(identity_provider uuid) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.enable_identity_provider('identity_provider.disable', identity_provider, false) $$;
COMMENT ON FUNCTION @extschema@.rbac_identity_provider_disable(uuid) IS
    'let nobody sign in through an identity provider; it requires identity_provider.disable';

CREATE FUNCTION @extschema@.rbac_identity_provider_remove(identity_provider uuid) RETURNS boolean
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_belonging('identity_provider', 'identity_provider.remove', identity_provider, true) $$;
COMMENT ON FUNCTION @extschema@.rbac_identity_provider_remove(uuid) IS
    'remove an identity provider from its organization; it requires identity_provider.remove; false if there was none';

CREATE FUNCTION aiven_rbac.is_subject_to_policies(principal uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT p.kind = 'user' FROM aiven_rbac.principal AS p WHERE p.id = is_subject_to_policies.principal $$;
REVOKE ALL ON FUNCTION aiven_rbac.is_subject_to_policies(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_subject_to_policies(uuid) IS
    'do authentication policies bind the sessions of a principal, as those of users?';

CREATE FUNCTION aiven_rbac.session_lacks_for(require_two_factor boolean, allowed_methods text[], personal_tokens boolean)
    RETURNS text
    AS 'MODULE_PATHNAME', 'rbac_session_lacks_for'
    LANGUAGE C STABLE;
REVOKE ALL ON FUNCTION aiven_rbac.session_lacks_for(boolean, text[], boolean) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.session_lacks_for(boolean, text[], boolean) IS
    'what the session would lack for an authentication policy; NULL: nothing';

-- Nobody locks out an organization's super admins, or themselves (G9).  Which
-- ways of logging in the super admins have is not known here; that the session
-- has come one way is.  So a policy that demands more than the one before is
-- set by a super admin whose own session satisfies it.
CREATE FUNCTION aiven_rbac.require_way_in(actor aiven_rbac.actor, organization aiven_rbac.resource,
                                          before aiven_rbac.authentication_policy, policy aiven_rbac.authentication_policy)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    lacks text;
BEGIN
    IF (actor).operator THEN
        RETURN;
    END IF;
    IF ((policy).require_two_factor AND (before).require_two_factor IS NOT TRUE)
       OR ((policy).allowed_methods IS NOT NULL
           AND ((before).allowed_methods OPERATOR(pg_catalog.<@) (policy).allowed_methods) IS NOT TRUE) THEN
        IF (actor).principal IS NULL OR aiven_rbac.is_super_admin_now((actor).principal, (organization).id) IS NOT TRUE THEN
            RAISE EXCEPTION 'permission denied to demand more of sessions in "%"', (organization).path
                USING ERRCODE = 'insufficient_privilege',
                      DETAIL = 'Otherwise the super admins could be left without a way in.',
                      HINT = 'Ask a super admin of the organization.';
        END IF;
    END IF;
    IF aiven_rbac.is_subject_to_policies((actor).principal) IS NOT FALSE THEN
        lacks := aiven_rbac.session_lacks_for((policy).require_two_factor, (policy).allowed_methods, (policy).personal_tokens);
        IF lacks IS NOT NULL THEN
            RAISE EXCEPTION 'the session does not satisfy the authentication policy that is to be set for "%"', (organization).path
                USING ERRCODE = 'object_not_in_prerequisite_state',
                      DETAIL = format('What keeps it out: %s.', lacks),
                      HINT = 'Log in in a way that the new policy accepts, and set it then.';
        END IF;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_way_in(aiven_rbac.actor, aiven_rbac.resource, aiven_rbac.authentication_policy, aiven_rbac.authentication_policy) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_way_in(aiven_rbac.actor, aiven_rbac.resource, aiven_rbac.authentication_policy, aiven_rbac.authentication_policy) IS
    'raise if an authentication policy would lock out the session that sets it or, as far as can be told, the super admins';

CREATE FUNCTION aiven_rbac.authentication_policy_set(organization @extschema@.rbac_resource, require_two_factor boolean,
                                                     allowed_methods text[], personal_tokens boolean)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    act aiven_rbac.act := aiven_rbac.begin_act('authentication_policy.change', organization, '{organization}', 'settings');
    o aiven_rbac.resource := act.place;
    before aiven_rbac.authentication_policy;
    policy aiven_rbac.authentication_policy;
    violated text;
    missing text;
BEGIN
    IF aiven_rbac.judging() THEN
        SELECT * INTO before FROM aiven_rbac.authentication_policy AS x WHERE x.organization = o.id;
        policy := ROW(o.id, require_two_factor, allowed_methods, personal_tokens);
        PERFORM aiven_rbac.require_way_in(act.actor, o, before, policy);
        PERFORM aiven_rbac.ends_access(CASE WHEN (policy.require_two_factor AND before.require_two_factor IS NOT TRUE)
                OR (policy.allowed_methods IS NOT NULL
                    AND (before.allowed_methods OPERATOR(pg_catalog.<@) policy.allowed_methods) IS NOT TRUE)
                OR (NOT policy.personal_tokens AND before.personal_tokens IS NOT FALSE)
            THEN aiven_rbac.holders_now('organization', o.id) END);
    END IF;
    SELECT * INTO before FROM aiven_rbac.authentication_policy AS x WHERE x.organization = o.id FOR UPDATE;
    INSERT INTO aiven_rbac.authentication_policy AS x (organization, require_two_factor, allowed_methods, personal_tokens)
    VALUES (o.id, require_two_factor, allowed_methods, personal_tokens)
    ON CONFLICT ON CONSTRAINT authentication_policy_pkey DO UPDATE
    SET require_two_factor = EXCLUDED.require_two_factor, allowed_methods = EXCLUDED.allowed_methods,
        personal_tokens = EXCLUDED.personal_tokens
    RETURNING x.* INTO policy;
    PERFORM aiven_rbac.require_way_in(act.actor, o, before, policy);
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('authentication_policy', SQLSTATE, violated, missing);
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.authentication_policy_set(@extschema@.rbac_resource, boolean, text[], boolean) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.authentication_policy_set(@extschema@.rbac_resource, boolean, text[], boolean) IS
    'the body of rbac_authentication_policy_set()';

CREATE FUNCTION @extschema@.rbac_authentication_policy_set(organization @extschema@.rbac_resource, require_two_factor boolean,
                                                           allowed_methods text[], personal_tokens boolean)
    RETURNS void
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_authentication_policy_set(@extschema@.rbac_resource, boolean, text[], boolean) IS
    'say what a user''s session must satisfy to hold anything in an organization: two factors, one of some methods (NULL: any), and whether users may have tokens of their own; it requires authentication_policy.change, to demand more than before super_admin.manage, and a session that satisfies the policy';
