-- What a back end does for people who are nobody's members yet, without a
-- principal: EXECUTE on these is a superuser's to give.

CREATE FUNCTION @extschema@.rbac_sign_up(email text, name text, organization_label text, organization_name text,
                                         organization_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    id uuid := @extschema@.rbac_user_create(email, name);
    founder aiven_rbac.principal;
BEGIN
    SELECT * INTO STRICT founder FROM aiven_rbac.principal AS p WHERE p.id = id;
    PERFORM aiven_rbac.require_founder(founder);
    PERFORM aiven_rbac.found_organization(founder, organization_label, organization_name, organization_id);
    RETURN id;
END
$$;
REVOKE ALL ON FUNCTION @extschema@.rbac_sign_up(text, text, text, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.rbac_sign_up(text, text, text, text, uuid) IS
    'create a user and the user''s first organization, when somebody signs up with the application; returns the user, who is its super admin; for database roles that may execute it, with or without a principal; an organization''s id can be brought while none is set';

-- The call ends what the old address gave: signing in by it.
CREATE FUNCTION aiven_rbac.user_email_set(principal uuid, email text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    back_end aiven_rbac.actor := ROW(NULL, false, true);
    p aiven_rbac.principal := aiven_rbac.hold_principal(back_end, principal, '{user}', 'change');
    manager uuid := aiven_rbac.managed_by_now(p.id);
BEGIN
    PERFORM aiven_rbac.require_text('email address', coalesce(email, 'NULL'), 'email', 254);
    IF manager IS NOT NULL AND aiven_rbac.domain_manager_now(email) IS DISTINCT FROM manager THEN
        RAISE EXCEPTION 'permission denied to move user "%" out of the organization''s domains', aiven_rbac.excerpt(p.email)
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'The email of a managed user stays in a domain that the managing organization has verified.';
    END IF;
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(CASE WHEN email <> p.email THEN ARRAY[p.id] END);
    END IF;
    UPDATE aiven_rbac.principal AS x SET email = user_email_set.email WHERE x.id = p.id AND x.email <> user_email_set.email;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'user "%" already exists', aiven_rbac.excerpt(email)
        USING ERRCODE = 'unique_violation', DETAIL = 'The email, whatever its case, may not be another user''s.';
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.user_email_set(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.user_email_set(uuid, text) IS 'the body of rbac_user_email_set()';

CREATE FUNCTION @extschema@.rbac_user_email_set(principal uuid, email text) RETURNS void
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION @extschema@.rbac_user_email_set(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.rbac_user_email_set(uuid, text) IS
    'change a user''s email once the application has seen that the new address is the user''s; that of a managed user stays in the managing organization''s domains; for database roles that may execute it, with or without a principal';
