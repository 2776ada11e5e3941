-- Decisions.  The arguments are in the order of has_table_privilege(): principal,
-- resource, name.  Each function exists for a resource given by path, by id or by a
-- text of either, and for the session's principal or a given one.  The text is what
-- a literal or an untyped parameter is.  Where names are VARIADIC and a principal is
-- given, there is none: one could not tell the resource from a name.

CREATE FUNCTION @extschema@.rbac_has_permission(resource @extschema@.rbac_path, name text)
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_has_permission_at'
    LANGUAGE C STABLE STRICT PARALLEL SAFE
    SUPPORT aiven_rbac.decision_support;
COMMENT ON FUNCTION @extschema@.rbac_has_permission(@extschema@.rbac_path, text) IS
    'does the session''s principal hold a permission, role or action on the resource?';

CREATE FUNCTION @extschema@.rbac_has_permission(resource text, name text)
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_has_permission_text'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.rbac_has_permission(text, text) IS
    'does the session''s principal hold a permission, role or action on the resource?';

CREATE FUNCTION @extschema@.rbac_has_permission(resource uuid, name text)
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_has_permission_id'
    LANGUAGE C STABLE STRICT PARALLEL SAFE
    SUPPORT aiven_rbac.decision_support;
COMMENT ON FUNCTION @extschema@.rbac_has_permission(uuid, text) IS
    'does the session''s principal hold a permission, role or action on the resource?';

CREATE FUNCTION @extschema@.rbac_has_permission(principal uuid, resource @extschema@.rbac_path, name text)
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_has_permission_of_at'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.rbac_has_permission(uuid, @extschema@.rbac_path, text) IS
    'does the given principal hold a permission, role or action on the resource?';

CREATE FUNCTION @extschema@.rbac_has_permission(principal uuid, resource text, name text)
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_has_permission_of_text'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.rbac_has_permission(uuid, text, text) IS
    'does the given principal hold a permission, role or action on the resource?';

CREATE FUNCTION @extschema@.rbac_has_permission(principal uuid, resource uuid, name text)
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_has_permission_of_id'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.rbac_has_permission(uuid, uuid, text) IS
    'does the given principal hold a permission, role or action on the resource?';

CREATE FUNCTION @extschema@.rbac_has_any_permission(resource @extschema@.rbac_path, VARIADIC names text[])
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_has_any_permission_at'
    LANGUAGE C STABLE STRICT PARALLEL SAFE
    SUPPORT aiven_rbac.decision_support;
COMMENT ON FUNCTION @extschema@.rbac_has_any_permission(@extschema@.rbac_path, VARIADIC text[]) IS
    'does the session''s principal hold at least one of the permissions, roles or actions on the resource?';

CREATE FUNCTION @extschema@.rbac_has_any_permission(resource text, VARIADIC names text[])
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_has_any_permission_text'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.rbac_has_any_permission(text, VARIADIC text[]) IS
    'does the session''s principal hold at least one of the permissions, roles or actions on the resource?';

CREATE FUNCTION @extschema@.rbac_has_any_permission(resource uuid, VARIADIC names text[])
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_has_any_permission_id'
    LANGUAGE C STABLE STRICT PARALLEL SAFE
    SUPPORT aiven_rbac.decision_support;
COMMENT ON FUNCTION @extschema@.rbac_has_any_permission(uuid, VARIADIC text[]) IS
    'does the session''s principal hold at least one of the permissions, roles or actions on the resource?';

CREATE FUNCTION @extschema@.rbac_has_any_permission(principal uuid, resource @extschema@.rbac_path, VARIADIC names text[])
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_has_any_permission_of_at'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.rbac_has_any_permission(uuid, @extschema@.rbac_path, VARIADIC text[]) IS
    'does the given principal hold at least one of the permissions, roles or actions on the resource?';

CREATE FUNCTION @extschema@.rbac_has_any_permission(principal uuid, resource uuid, VARIADIC names text[])
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_has_any_permission_of_id'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.rbac_has_any_permission(uuid, uuid, VARIADIC text[]) IS
    'does the given principal hold at least one of the permissions, roles or actions on the resource?';

CREATE FUNCTION @extschema@.rbac_effective_permissions(resource @extschema@.rbac_path)
    RETURNS TABLE (permission text, granted_on @extschema@.rbac_path[], via text[])
    AS 'MODULE_PATHNAME', 'rbac_effective_permissions_at'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION @extschema@.rbac_effective_permissions(@extschema@.rbac_path) IS
    'the permissions that the session''s principal holds on the resource, where they were granted, and through what';

CREATE FUNCTION @extschema@.rbac_effective_permissions(resource text)
    RETURNS TABLE (permission text, granted_on @extschema@.rbac_path[], via text[])
    AS 'MODULE_PATHNAME', 'rbac_effective_permissions_text'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION @extschema@.rbac_effective_permissions(text) IS
    'the permissions that the session''s principal holds on the resource, where they were granted, and through what';

CREATE FUNCTION @extschema@.rbac_effective_permissions(resource uuid)
    RETURNS TABLE (permission text, granted_on @extschema@.rbac_path[], via text[])
    AS 'MODULE_PATHNAME', 'rbac_effective_permissions_id'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION @extschema@.rbac_effective_permissions(uuid) IS
    'the permissions that the session''s principal holds on the resource, where they were granted, and through what';

CREATE FUNCTION @extschema@.rbac_effective_permissions(principal uuid, resource @extschema@.rbac_path)
    RETURNS TABLE (permission text, granted_on @extschema@.rbac_path[], via text[])
    AS 'MODULE_PATHNAME', 'rbac_effective_permissions_of_at'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION @extschema@.rbac_effective_permissions(uuid, @extschema@.rbac_path) IS
    'the permissions that the given principal holds on the resource, where they were granted, and through what';

CREATE FUNCTION @extschema@.rbac_effective_permissions(principal uuid, resource text)
    RETURNS TABLE (permission text, granted_on @extschema@.rbac_path[], via text[])
    AS 'MODULE_PATHNAME', 'rbac_effective_permissions_of_text'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION @extschema@.rbac_effective_permissions(uuid, text) IS
    'the permissions that the given principal holds on the resource, where they were granted, and through what';

CREATE FUNCTION @extschema@.rbac_effective_permissions(principal uuid, resource uuid)
    RETURNS TABLE (permission text, granted_on @extschema@.rbac_path[], via text[])
    AS 'MODULE_PATHNAME', 'rbac_effective_permissions_of_id'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION @extschema@.rbac_effective_permissions(uuid, uuid) IS
    'the permissions that the given principal holds on the resource, where they were granted, and through what';

CREATE FUNCTION @extschema@.rbac_effective_actions(resource @extschema@.rbac_path)
    RETURNS TABLE (action text)
    AS 'MODULE_PATHNAME', 'rbac_effective_actions_at'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION @extschema@.rbac_effective_actions(@extschema@.rbac_path) IS
    'the actions that the session''s principal may perform on the resource';

CREATE FUNCTION @extschema@.rbac_effective_actions(resource text)
    RETURNS TABLE (action text)
    AS 'MODULE_PATHNAME', 'rbac_effective_actions_text'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION @extschema@.rbac_effective_actions(text) IS
    'the actions that the session''s principal may perform on the resource';

CREATE FUNCTION @extschema@.rbac_effective_actions(resource uuid)
    RETURNS TABLE (action text)
    AS 'MODULE_PATHNAME', 'rbac_effective_actions_id'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION @extschema@.rbac_effective_actions(uuid) IS
    'the actions that the session''s principal may perform on the resource';

CREATE FUNCTION @extschema@.rbac_effective_actions(principal uuid, resource @extschema@.rbac_path)
    RETURNS TABLE (action text)
    AS 'MODULE_PATHNAME', 'rbac_effective_actions_of_at'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION @extschema@.rbac_effective_actions(uuid, @extschema@.rbac_path) IS
    'the actions that the given principal may perform on the resource';

CREATE FUNCTION @extschema@.rbac_effective_actions(principal uuid, resource text)
    RETURNS TABLE (action text)
    AS 'MODULE_PATHNAME', 'rbac_effective_actions_of_text'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION @extschema@.rbac_effective_actions(uuid, text) IS
    'the actions that the given principal may perform on the resource';

CREATE FUNCTION @extschema@.rbac_effective_actions(principal uuid, resource uuid)
    RETURNS TABLE (action text)
    AS 'MODULE_PATHNAME', 'rbac_effective_actions_of_id'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION @extschema@.rbac_effective_actions(uuid, uuid) IS
    'the actions that the given principal may perform on the resource';

CREATE FUNCTION @extschema@.rbac_explain(resource @extschema@.rbac_path, name text)
    RETURNS TABLE (allowed boolean, reason text, grant_name text, granted_on @extschema@.rbac_path, via text, advice text)
    AS 'MODULE_PATHNAME', 'rbac_explain_at'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION @extschema@.rbac_explain(@extschema@.rbac_path, text) IS
    'why the session''s principal holds a permission, role or action on the resource, or why not and what would give it';

CREATE FUNCTION @extschema@.rbac_explain(resource text, name text)
    RETURNS TABLE (allowed boolean, reason text, grant_name text, granted_on @extschema@.rbac_path, via text, advice text)
    AS 'MODULE_PATHNAME', 'rbac_explain_text'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION @extschema@.rbac_explain(text, text) IS
    'why the session''s principal holds a permission, role or action on the resource, or why not and what would give it';

CREATE FUNCTION @extschema@.rbac_explain(resource uuid, name text)
    RETURNS TABLE (allowed boolean, reason text, grant_name text, granted_on @extschema@.rbac_path, via text, advice text)
    AS 'MODULE_PATHNAME', 'rbac_explain_id'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION @extschema@.rbac_explain(uuid, text) IS
    'why the session''s principal holds a permission, role or action on the resource, or why not and what would give it';

CREATE FUNCTION @extschema@.rbac_explain(principal uuid, resource @extschema@.rbac_path, name text)
    RETURNS TABLE (allowed boolean, reason text, grant_name text, granted_on @extschema@.rbac_path, via text, advice text)
    AS 'MODULE_PATHNAME', 'rbac_explain_of_at'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION @extschema@.rbac_explain(uuid, @extschema@.rbac_path, text) IS
    'why the given principal holds a permission, role or action on the resource, or why not and what would give it';

CREATE FUNCTION @extschema@.rbac_explain(principal uuid, resource text, name text)
    RETURNS TABLE (allowed boolean, reason text, grant_name text, granted_on @extschema@.rbac_path, via text, advice text)
    AS 'MODULE_PATHNAME', 'rbac_explain_of_text'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION @extschema@.rbac_explain(uuid, text, text) IS
    'why the given principal holds a permission, role or action on the resource, or why not and what would give it';

CREATE FUNCTION @extschema@.rbac_explain(principal uuid, resource uuid, name text)
    RETURNS TABLE (allowed boolean, reason text, grant_name text, granted_on @extschema@.rbac_path, via text, advice text)
    AS 'MODULE_PATHNAME', 'rbac_explain_of_id'
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 3;
COMMENT ON FUNCTION @extschema@.rbac_explain(uuid, uuid, text) IS
    'why the given principal holds a permission, role or action on the resource, or why not and what would give it';

CREATE FUNCTION @extschema@.rbac_effective_permissions()
    RETURNS TABLE (resource @extschema@.rbac_path, permission text)
    AS 'MODULE_PATHNAME', 'rbac_effective_permissions_all'
    LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION @extschema@.rbac_effective_permissions() IS
    'the permissions of the session''s principal on each resource where one of its grants stands; it holds them on everything below, too';
