-- What the tables hold at this moment, rather than in the transaction's
-- snapshot.

-- The start of the client's statement or, if that is later, of the transaction.
CREATE FUNCTION aiven_rbac.judged_at() RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'rbac_judged_at'
    LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION aiven_rbac.judged_at() IS
    'the instant that validity periods are compared with: the later of the start of the client''s statement and of the transaction';

-- What is inside a resource at this moment, whatever the snapshot.
CREATE FUNCTION aiven_rbac.children_now(parent uuid, OUT id uuid, OUT kind text, OUT path @extschema@.rbac_path)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'rbac_children_now'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.children_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.children_now(uuid) IS
    'resources directly inside another, as committed now rather than at the transaction''s snapshot';

CREATE FUNCTION aiven_rbac.is_retired_now(id uuid) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_is_retired_now'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.is_retired_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_retired_now(uuid) IS
    'was there a resource or principal with an id that is deleted, as committed now rather than at the transaction''s snapshot?';

CREATE FUNCTION aiven_rbac.grants_now(principal uuid, OUT resource uuid, OUT grantable uuid,
                                      OUT valid_from timestamptz, OUT valid_until timestamptz)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'rbac_grants_now'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.grants_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.grants_now(uuid) IS
    'grants to a principal itself, as committed now rather than at the transaction''s snapshot';

CREATE FUNCTION aiven_rbac.grants_held_now(principal uuid, OUT resource uuid, OUT grantable uuid,
                                           OUT valid_from timestamptz, OUT valid_until timestamptz)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'rbac_grants_held_now'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.grants_held_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.grants_held_now(uuid) IS
    'grants that a principal has itself and by its groups, as committed now rather than at the transaction''s snapshot';

CREATE FUNCTION aiven_rbac.grants_on_now(place uuid, OUT resource uuid, OUT grantable uuid,
                                         OUT valid_from timestamptz, OUT valid_until timestamptz)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'rbac_grants_on_now'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.grants_on_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.grants_on_now(uuid) IS
    'grants that stand on a resource itself, as committed now rather than at the transaction''s snapshot';

CREATE FUNCTION aiven_rbac.grants_of_now(granted uuid, OUT resource uuid, OUT grantable uuid,
                                         OUT valid_from timestamptz, OUT valid_until timestamptz)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'rbac_grants_of_now'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.grants_of_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.grants_of_now(uuid) IS
    'grants of a role or permission, as committed now rather than at the transaction''s snapshot';

CREATE FUNCTION aiven_rbac.allowed_now(grantable uuid, granted_on text) RETURNS smallint[]
    AS 'MODULE_PATHNAME', 'rbac_allowed_now'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.allowed_now(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.allowed_now(uuid, text) IS
    'the actions that a role or permission gives when granted on a kind of resource, as committed now';
