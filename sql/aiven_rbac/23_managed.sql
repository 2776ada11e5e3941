-- Managed users (P3): derived from the domains that are verified at this
-- moment, so that there is nothing to keep in step.
CREATE VIEW aiven_rbac.managed_user AS
    SELECT p.id AS principal, d.organization
    FROM aiven_rbac.domain AS d
    JOIN aiven_rbac.principal AS p ON d.name = pg_catalog.lower(pg_catalog.split_part(p.email, '@', 2))
    WHERE p.kind = 'user' AND d.verified_at IS NOT NULL;
COMMENT ON VIEW aiven_rbac.managed_user IS
    'users and the organization that manages them; one at most, since a domain is verified once';
