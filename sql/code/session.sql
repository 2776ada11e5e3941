-- The session's principal (S1, S2).

CREATE FUNCTION @extschema@.rbac_set_principal(principal uuid, method text DEFAULT NULL,
                                               two_factor boolean DEFAULT false, is_local boolean DEFAULT true)
    RETURNS void
    AS 'MODULE_PATHNAME', 'rbac_set_principal'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.rbac_set_principal(uuid, text, boolean, boolean) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.rbac_set_principal(uuid, text, boolean, boolean) IS
    'act as a principal from now on (until the end of the transaction, unless is_local is false); for a trusted back end that has authenticated its user with the given method';

CREATE FUNCTION @extschema@.rbac_current_principal() RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_current_principal'
    LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.rbac_current_principal() IS
    'the principal that this session acts as, or NULL';

CREATE FUNCTION @extschema@.rbac_reset_principal() RETURNS void
    AS 'MODULE_PATHNAME', 'rbac_reset_principal'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.rbac_reset_principal() IS
    'act for no principal again; call it before a pooled connection is given back';

CREATE FUNCTION @extschema@.rbac_operate() RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_operate'
    LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION @extschema@.rbac_operate() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.rbac_operate() IS
    'does the session act as the operator? A database role that may execute this function is an operator while no principal is set, as superusers and the extension''s owner are';
