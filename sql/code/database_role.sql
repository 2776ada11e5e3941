-- Database roles that are a principal when they log in directly.

CREATE FUNCTION @extschema@.rbac_database_role_map(role regrole, principal uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
BEGIN
    IF actor.operator IS NOT TRUE THEN
        RAISE EXCEPTION 'permission denied to map a database role'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'Only the operator can, while no principal is set.';
    END IF;
    IF role IS NULL OR NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = role) THEN
        RAISE EXCEPTION 'database role does not exist' USING ERRCODE = 'undefined_object';
    END IF;
    IF principal IS NULL THEN
        DELETE FROM aiven_rbac.database_role AS d WHERE d.role = rbac_database_role_map.role;
        RETURN;
    END IF;
    PERFORM aiven_rbac.hold_principal(actor, principal, '{user,application_user}', 'share');
    INSERT INTO aiven_rbac.database_role (role, principal) VALUES (role, principal)
    ON CONFLICT ON CONSTRAINT database_role_pkey DO UPDATE SET principal = EXCLUDED.principal;
END
$$;
REVOKE ALL ON FUNCTION @extschema@.rbac_database_role_map(regrole, uuid) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.rbac_database_role_map(regrole, uuid) IS
    'let a database role that logs in directly be a principal while none is set (NULL: no longer)';
