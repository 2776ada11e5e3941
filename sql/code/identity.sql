-- Who vouches for users: verified domains, which make users managed (P3),
-- SAML identity providers, and what a session must satisfy (G9).

CREATE FUNCTION aiven_rbac.find_domain(actor uuid, action text, organization @extschema@.rbac_path, domain text)
    RETURNS aiven_rbac.domain
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    o aiven_rbac.resource := aiven_rbac.find_resource(actor, organization, 'organization');
    d aiven_rbac.domain;
BEGIN
    PERFORM aiven_rbac.require(actor, action, o.id);
    SELECT * INTO d FROM aiven_rbac.domain AS x WHERE x.organization = o.id AND x.name = lower(find_domain.domain);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'domain "%" does not exist in organization "%"', coalesce(domain, 'NULL'), organization
            USING ERRCODE = 'undefined_object', HINT = 'Add it first: rbac_domain_add().';
    END IF;
    RETURN d;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.find_domain(uuid, text, @extschema@.rbac_path, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_domain(uuid, text, @extschema@.rbac_path, text) IS
    'a domain of an organization that the actor may do something to; an error otherwise';

CREATE FUNCTION @extschema@.rbac_domain_add(organization @extschema@.rbac_path, domain text) RETURNS text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    o aiven_rbac.resource := aiven_rbac.find_resource(actor, organization, 'organization');
    verification text := 'aiven-rbac-verification=' || replace(gen_random_uuid()::text, '-', '');
    violated text;
    missing text;
BEGIN
    PERFORM aiven_rbac.require(actor, 'domain.add', o.id);
    INSERT INTO aiven_rbac.domain (organization, name, verification) VALUES (o.id, lower(domain), verification);
    RETURN verification;
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('domain', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_domain_add(@extschema@.rbac_path, text) IS
    'add an email domain to an organization; it takes domain.add; returns the text to publish in a TXT record of the domain, so that it can be verified';

-- Knowing the text is no proof: whoever added the domain knows it.  What
-- counts is who says that it was seen in DNS, so that this is for a trusted
-- back end, like rbac_set_principal().
CREATE FUNCTION @extschema@.rbac_domain_verify(organization @extschema@.rbac_path, domain text, observed text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    d aiven_rbac.domain := aiven_rbac.find_domain(actor, 'domain.edit', organization, domain);
    violated text;
BEGIN
    IF d.verification IS DISTINCT FROM btrim(observed) THEN
        RAISE EXCEPTION 'domain "%" is not verified', d.name
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
REVOKE ALL ON FUNCTION @extschema@.rbac_domain_verify(@extschema@.rbac_path, text, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.rbac_domain_verify(@extschema@.rbac_path, text, text) IS
    'verify a domain with the text that was looked up in DNS; for a trusted back end; it takes domain.edit; users with an email in the domain are managed by the organization from then on';

CREATE FUNCTION @extschema@.rbac_domain_remove(organization @extschema@.rbac_path, domain text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    d aiven_rbac.domain := aiven_rbac.find_domain(actor, 'domain.remove', organization, domain);
BEGIN
    DELETE FROM aiven_rbac.domain AS x WHERE x.organization = d.organization AND x.name = d.name;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_domain_remove(@extschema@.rbac_path, text) IS
    'remove a domain from an organization, which manages its users no longer; it takes domain.remove';

CREATE FUNCTION @extschema@.rbac_identity_provider_add(organization @extschema@.rbac_path, name text, entity_id text,
                                                       url text, certificate_fingerprint text)
    RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    o aiven_rbac.resource := aiven_rbac.find_resource(actor, organization, 'organization');
    id uuid := gen_random_uuid();
    violated text;
    missing text;
BEGIN
    PERFORM aiven_rbac.require(actor, 'identity_provider.add', o.id);
    INSERT INTO aiven_rbac.identity_provider (id, organization, name, entity_id, url, certificate_fingerprint)
    VALUES (id, o.id, name, entity_id, url, lower(replace(certificate_fingerprint, ':', '')));
    RETURN id;
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('identity_provider', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_identity_provider_add(@extschema@.rbac_path, text, text, text, text) IS
    'add a SAML identity provider to an organization, not enabled yet: its entity id, the URL for signing in and the SHA-256 fingerprint of its certificate; it takes identity_provider.add; returns its id';

CREATE FUNCTION aiven_rbac.enable_identity_provider(action text, id uuid, enabled boolean) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    organization uuid := aiven_rbac.find_belonging(actor, 'identity_provider', id);
BEGIN
    PERFORM aiven_rbac.require(actor, action, organization);
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
    'let users sign in through an identity provider; it takes identity_provider.enable';

CREATE FUNCTION @extschema@.rbac_identity_provider_disable(identity_provider uuid) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.enable_identity_provider('identity_provider.disable', identity_provider, false) $$;
COMMENT ON FUNCTION @extschema@.rbac_identity_provider_disable(uuid) IS
    'let nobody sign in through an identity provider; it takes identity_provider.disable';

CREATE FUNCTION @extschema@.rbac_identity_provider_remove(identity_provider uuid) RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_belonging('identity_provider', 'identity_provider.remove', identity_provider) $$;
COMMENT ON FUNCTION @extschema@.rbac_identity_provider_remove(uuid) IS
    'remove an identity provider from its organization; it takes identity_provider.remove';

CREATE FUNCTION @extschema@.rbac_authentication_policy_set(organization @extschema@.rbac_path, require_two_factor boolean,
                                                           allowed_methods text[], personal_tokens boolean)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor uuid := aiven_rbac.actor();
    o aiven_rbac.resource := aiven_rbac.find_resource(actor, organization, 'organization');
    violated text;
    missing text;
BEGIN
    PERFORM aiven_rbac.require(actor, 'authentication_policy.change', o.id);
    INSERT INTO aiven_rbac.authentication_policy (organization, require_two_factor, allowed_methods, personal_tokens)
    VALUES (o.id, require_two_factor, allowed_methods, personal_tokens)
    ON CONFLICT ON CONSTRAINT authentication_policy_pkey DO UPDATE
    SET require_two_factor = EXCLUDED.require_two_factor, allowed_methods = EXCLUDED.allowed_methods,
        personal_tokens = EXCLUDED.personal_tokens;
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('authentication_policy', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_authentication_policy_set(@extschema@.rbac_path, boolean, text[], boolean) IS
    'say what a user''s session must satisfy to hold anything in an organization: two factors, one of some methods (NULL: any), and whether users may have tokens of their own; it takes authentication_policy.change';
