-- Calls that end access, which nobody who loses it can hold up (G11).
--
-- Such a function rbac_X() is made in C, which calls the body aiven_rbac.X() as
-- often as it takes (rbac_ending.c).  Where somebody is in the way, the body is
-- also called to be judged.  Therefore it finds, locks and requires first; then
-- it says whose access would end; and only then does it change anything.  What
-- locks a row asks first whether the call is only judged.

CREATE FUNCTION aiven_rbac.judging() RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_judging'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.judging() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.judging() IS
    'is the call that ends access only judged, so that it takes no locks?';

CREATE FUNCTION aiven_rbac.ends_access(principals uuid[]) RETURNS void
    AS 'MODULE_PATHNAME', 'rbac_ends_access'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.ends_access(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.ends_access(uuid[]) IS
    'say whose access the call that is judged would end: with that it is judged, and does nothing more';

-- What stands on a place or above it: a resource, the unit or project that it is
-- in, that project's unit, and the organization.  To ask for resources whose path
-- is above would read all there are.
CREATE FUNCTION aiven_rbac.places_above(id uuid) RETURNS uuid[]
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT ARRAY[r.id, r.parent, above.parent, r.organization]
    FROM aiven_rbac.resource AS r LEFT JOIN aiven_rbac.resource AS above ON above.id = r.parent
    WHERE r.id = places_above.id
$$;
REVOKE ALL ON FUNCTION aiven_rbac.places_above(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.places_above(uuid) IS
    'a resource and those that it is in, some of them twice or NULL';

-- Members of a group have what the group has.
CREATE FUNCTION aiven_rbac.holders(kind text, id uuid) RETURNS uuid[]
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH named (principal) AS (
        SELECT holders.id WHERE holders.kind = 'principal'
        UNION
        SELECT a.principal FROM aiven_rbac.access_grant AS a WHERE holders.kind = 'grantable' AND a.grantable = holders.id
        UNION
        SELECT a.principal FROM aiven_rbac.access_grant AS a WHERE holders.kind = 'resource' AND a.resource = holders.id
        UNION
        SELECT m.principal FROM aiven_rbac.membership AS m WHERE holders.kind = 'organization' AND m.organization = holders.id
        UNION
        SELECT m.group_id FROM aiven_rbac.group_member AS m
        WHERE holders.kind = 'super_admin' AND m.organization = holders.id AND m.account_owners
        UNION
        SELECT a.principal FROM aiven_rbac.access_grant AS a
        WHERE holders.kind = 'reach' AND a.resource = ANY (aiven_rbac.places_above(holders.id))
        UNION
        SELECT m.group_id
        FROM aiven_rbac.resource AS r
        JOIN aiven_rbac.group_member AS m ON m.organization = r.organization AND m.account_owners
        WHERE holders.kind = 'reach' AND r.id = holders.id
    )
    SELECT coalesce(array_agg(l.principal), '{}')
    FROM (TABLE named
          UNION
          SELECT m.member FROM named AS n JOIN aiven_rbac.group_member AS m ON m.group_id = n.principal) AS l
$$;
REVOKE ALL ON FUNCTION aiven_rbac.holders(text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.holders(text, uuid) IS
    'the principals, and members of groups among them, that an id stands for: a principal, all in an organization or its super admins, who has been granted a grantable, or something on a resource, or who holds something there because of a grant above (reach)';

CREATE FUNCTION aiven_rbac.holders_now(kind text, id uuid) RETURNS uuid[]
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.holders_now(text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.holders_now(text, uuid) IS 'the same, as committed now';
