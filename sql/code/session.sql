-- The session's principal (S1, S2), and how far a server has to have come for it.

CREATE FUNCTION @extschema@.rbac_mark() RETURNS text
    AS 'MODULE_PATHNAME', 'rbac_mark'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.rbac_mark() IS
    'a mark of all that is committed by now and of what this transaction changes, before or after the call; on a standby, of what it has replayed. rbac_wait_for() and rbac_set_principal() wait on a replica until it has come so far';

CREATE FUNCTION @extschema@.rbac_wait_for(mark text, timeout interval DEFAULT '1 second') RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_wait_for'
    LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION @extschema@.rbac_wait_for(text, interval) IS
    'wait until this server has come as far as a mark of rbac_mark(); false if it has not in time, or never will, since it was promoted without it. A primary answers at once';

CREATE FUNCTION @extschema@.rbac_set_principal(principal uuid, method text DEFAULT NULL,
                                               two_factor boolean DEFAULT false, is_local boolean DEFAULT true,
                                               after text DEFAULT NULL)
    RETURNS void
    AS 'MODULE_PATHNAME', 'rbac_set_principal'
    LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.rbac_set_principal(uuid, text, boolean, boolean, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.rbac_set_principal(uuid, text, boolean, boolean, text) IS
    'act as a principal from now on (until the end of the transaction, unless is_local is false); for a trusted back end that has authenticated its user with the given method; with a mark of rbac_mark() in after, only once this server has come so far, which is an error if it takes more than a second';

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
