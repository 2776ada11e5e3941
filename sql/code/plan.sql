-- What plans of protected queries are made of.  These run as the user who
-- queries and tell only what the session's principal reaches itself.

CREATE FUNCTION aiven_rbac.decision_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'rbac_decision_support'
    LANGUAGE C STRICT;
COMMENT ON FUNCTION aiven_rbac.decision_support(internal) IS
    'planner support of the decision functions: index conditions, selectivity, cost';

CREATE FUNCTION aiven_rbac.reachable_ids(names text[]) RETURNS uuid[]
    AS 'MODULE_PATHNAME', 'rbac_reachable_ids'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION aiven_rbac.reachable_ids(text[]) IS
    'ids of the resources on which the session''s principal holds one of the names';

CREATE FUNCTION aiven_rbac.reachable_paths(names text[]) RETURNS @extschema@.rbac_path[]
    AS 'MODULE_PATHNAME', 'rbac_reachable_paths'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION aiven_rbac.reachable_paths(text[]) IS
    'paths of the resources on which the session''s principal holds one of the names';

CREATE FUNCTION aiven_rbac.reach_begin(names text[]) RETURNS @extschema@.rbac_path
    AS 'MODULE_PATHNAME', 'rbac_reach_begin'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION aiven_rbac.reach_begin(text[]) IS
    'least path on which the session''s principal can hold one of the names';

CREATE FUNCTION aiven_rbac.reach_end(names text[]) RETURNS @extschema@.rbac_path
    AS 'MODULE_PATHNAME', 'rbac_reach_end'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION aiven_rbac.reach_end(text[]) IS
    'bound above all paths on which the session''s principal can hold one of the names';
