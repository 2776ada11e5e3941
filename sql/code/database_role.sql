-- Database roles: of people and programs that log in directly, and of service
-- users (H9).  A mapping ends with its role: it is looked for by the number of a
-- role that has logged in, and pg_dump leaves it out when the role is gone.

-- A service's account is in its users' hands, whoever they are.  Its role is
-- asked for all that it can become, by membership with or without INHERIT.
CREATE FUNCTION aiven_rbac.role_power(role regrole) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH RECURSIVE reached (id) AS (
        SELECT role::oid
        UNION
        SELECT m.roleid FROM reached AS x JOIN pg_catalog.pg_auth_members AS m ON m.member = x.id
    ), power (place, what, of) AS (
        SELECT p.place, p.what, r.oid
        FROM reached AS x
        JOIN pg_catalog.pg_roles AS r ON r.oid = x.id,
             LATERAL (VALUES (1, 'is a superuser', r.rolsuper),
                             (2, 'has BYPASSRLS', r.rolbypassrls),
                             (3, 'has CREATEROLE', r.rolcreaterole),
                             (4, 'has REPLICATION', r.rolreplication),
                             (5, 'has CREATEDB', r.rolcreatedb),
                             (6, 'is a predefined role', r.oid < 16384),
                             (7, 'owns this database or the extension',
                              r.oid IN (SELECT d.datdba FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()
                                        UNION ALL
                                        SELECT e.extowner FROM pg_catalog.pg_extension AS e WHERE e.extname = 'aiven_rbac'))) AS p (place, what, has)
        WHERE p.has
        UNION ALL
        SELECT 8, format('may execute %s()', p.proname), x.id
        FROM reached AS x,
             pg_catalog.pg_depend AS d
             JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'aiven_rbac'
             JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid
        WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
          AND (p.proname IN ('rbac_set_principal', 'rbac_operate')
               OR NOT has_function_privilege('public', p.oid, 'EXECUTE'))
          AND has_function_privilege(x.id, p.oid, 'EXECUTE')
    )
    SELECT CASE WHEN p.of = role THEN format('It %s.', p.what)
                ELSE format('It is a member of "%s", which %s.', pg_get_userbyid(p.of), p.what) END
    FROM power AS p ORDER BY p.of <> role, p.place, p.what LIMIT 1
$$;
REVOKE ALL ON FUNCTION aiven_rbac.role_power(regrole) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.role_power(regrole) IS
    'what a database role can do beyond logging in, in a sentence; NULL if nothing';

CREATE FUNCTION aiven_rbac.map_service_user(service uuid, username text, role regrole) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    power text;
    taken boolean;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = role) THEN
        RAISE EXCEPTION 'database role with OID % does not exist', role::oid USING ERRCODE = 'undefined_object';
    END IF;
    power := aiven_rbac.role_power(role);
    IF power IS NULL THEN
        INSERT INTO aiven_rbac.database_role (role, service, username) VALUES (role, service, username)
        ON CONFLICT ON CONSTRAINT database_role_pkey DO NOTHING;
        IF NOT FOUND THEN
            taken := (SELECT d.service IS NOT NULL FROM aiven_rbac.database_role AS d WHERE d.role = map_service_user.role);
            power := CASE WHEN taken THEN 'It is another service user''s.' ELSE 'It is mapped to a principal.' END;
        END IF;
    END IF;
    IF power IS NOT NULL THEN
        RAISE EXCEPTION 'database role "%" cannot be a service user', pg_get_userbyid(role)
            USING ERRCODE = CASE WHEN taken THEN 'unique_violation' ELSE 'invalid_parameter_value' END,
                  DETAIL = power,
                  HINT = 'Give the service user a database role of its own, which can do nothing but log in.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.map_service_user(uuid, text, regrole) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.map_service_user(uuid, text, regrole) IS
    'note the database role that a service user corresponds to; an error if the role is another''s, or can do more than log in';

CREATE FUNCTION aiven_rbac.database_role_map(role regrole, principal uuid) RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    mapped aiven_rbac.database_role;
BEGIN
    IF actor.operator IS NOT TRUE THEN
        RAISE EXCEPTION 'permission denied to map a database role'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'Only an operator can, while no principal is set.';
    END IF;
    IF aiven_rbac.judging() THEN
        PERFORM aiven_rbac.ends_access(ARRAY(SELECT d.principal FROM aiven_rbac.database_role AS d
                                             WHERE d.role = database_role_map.role
                                               AND d.principal IS DISTINCT FROM database_role_map.principal));
    END IF;
    IF principal IS NULL THEN
        -- Of a role that has been dropped, too: its number is left.
        DELETE FROM aiven_rbac.database_role AS d
        WHERE d.role = database_role_map.role AND d.principal IS NOT NULL;
        RETURN FOUND;
    END IF;
    IF role IS NULL OR NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = role) THEN
        RAISE EXCEPTION 'database role does not exist' USING ERRCODE = 'undefined_object';
    END IF;
    PERFORM aiven_rbac.hold_principal(actor, principal, '{user,application_user}', 'share');
    -- Looked at first, so that what changes nothing signals nothing.
    SELECT * INTO mapped FROM aiven_rbac.database_role AS d WHERE d.role = database_role_map.role FOR UPDATE;
    IF mapped.principal = principal THEN
        RETURN false;
    END IF;
    INSERT INTO aiven_rbac.database_role AS d (role, principal) VALUES (role, principal)
    ON CONFLICT ON CONSTRAINT database_role_pkey DO UPDATE SET principal = EXCLUDED.principal
    WHERE d.service IS NULL AND d.principal IS DISTINCT FROM EXCLUDED.principal;
    IF NOT FOUND THEN
        -- Somebody else has just mapped it: to the same principal, or to a service user.
        SELECT * INTO mapped FROM aiven_rbac.database_role AS d WHERE d.role = database_role_map.role;
        IF mapped.principal = principal THEN
            RETURN false;
        END IF;
        RAISE EXCEPTION 'database role "%" cannot be a principal', pg_get_userbyid(role)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'It is a service user''s.',
                  HINT = 'Delete the service user with rbac_service_user_delete(), or map another database role.';
    END IF;
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.database_role_map(regrole, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.database_role_map(regrole, uuid) IS 'the body of rbac_database_role_map()';

CREATE FUNCTION @extschema@.rbac_database_role_map(role regrole, principal uuid) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION @extschema@.rbac_database_role_map(regrole, uuid) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.rbac_database_role_map(regrole, uuid) IS
    'let a database role that logs in directly be a principal while none is set (NULL: no longer); true when something changed';
