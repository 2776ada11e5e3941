-- Which organization manages a user (P3): derived from the domains that are
-- verified at this moment, so that there is nothing to keep in step.

CREATE VIEW aiven_rbac.managed_user AS
    SELECT p.id AS principal, d.organization
    FROM aiven_rbac.domain AS d
    JOIN aiven_rbac.principal AS p ON d.name = aiven_rbac.fold(pg_catalog.split_part(p.email, '@', 2))
    WHERE p.kind = 'user' AND d.verified_at IS NOT NULL;
COMMENT ON VIEW aiven_rbac.managed_user IS
    'users and the organization that manages them; one at most, since a domain is verified once';

CREATE FUNCTION aiven_rbac.domain_manager(email text) RETURNS uuid
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT d.organization FROM aiven_rbac.domain AS d
    WHERE d.name = aiven_rbac.fold(split_part(email, '@', 2)) AND d.verified_at IS NOT NULL
$$;
REVOKE ALL ON FUNCTION aiven_rbac.domain_manager(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.domain_manager(text) IS
    'the organization that has verified the domain of an email, or NULL';

CREATE FUNCTION aiven_rbac.managed_by("user" uuid) RETURNS uuid
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT m.organization FROM aiven_rbac.managed_user AS m WHERE m.principal = "user"
$$;
REVOKE ALL ON FUNCTION aiven_rbac.managed_by(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.managed_by(uuid) IS
    'the organization that manages a user, since it has verified the domain of the user''s email, or NULL';

CREATE FUNCTION aiven_rbac.domain_manager_now(email text) RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.domain_manager_now(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.domain_manager_now(text) IS
    'the organization that has verified the domain of an email, as committed now, or NULL';

CREATE FUNCTION aiven_rbac.managed_by_now("user" uuid) RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.managed_by_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.managed_by_now(uuid) IS
    'the organization that manages a user, as committed now, or NULL';
