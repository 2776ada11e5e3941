-- The past, as the log tells it: what was there at an instant is what is there now
-- with everything undone that the log says has happened since.
--
-- Of each thing the first change after the instant counts.  One that made it says
-- that it was not there, one that ended it what it was, and one that changed it
-- what changed; where the log is silent, things were as they are.

CREATE FUNCTION aiven_rbac.require_past(at timestamptz) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    gone integer := (SELECT max(a.month) FROM aiven_rbac.audit_archived AS a);
    emptied timestamptz;
BEGIN
    IF at > clock_timestamp() THEN
        RAISE EXCEPTION 'time % is in the future', at USING ERRCODE = 'invalid_parameter_value';
    ELSIF at < make_timestamptz(gone / 100, gone % 100, 1, 0, 0, 0, 'UTC') + interval '1 month' THEN
        RAISE EXCEPTION 'the log does not go back to %', at
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = format('The month %s has been archived.', gone);
    END IF;
    SELECT a.at INTO emptied FROM aiven_rbac.audit AS a
    WHERE a.organization IS NULL AND a.event = 'table.truncated' AND a.at > require_past.at ORDER BY a.at DESC LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the log does not go back to %', at
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = format('A table of the extension was emptied at %s, and what was in it is not told.', emptied);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_past(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_past(timestamptz) IS 'raise if the log cannot tell what was at a time';

-- Resources of an organization.  A label and a parent are told by the first change
-- that has them, and a path is put together from the organization down: what is
-- below a resource that was renamed has no row in the log.
CREATE FUNCTION aiven_rbac.resources_then(organization uuid, at timestamptz)
    RETURNS TABLE (id uuid, kind text, parent uuid, path @extschema@.rbac_path)
    LANGUAGE sql STABLE ROWS 1000
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH RECURSIVE change AS MATERIALIZED (
        SELECT a.resource, a.event, a.before, a.at, row_number() OVER (PARTITION BY a.resource ORDER BY a.at) AS place
        FROM aiven_rbac.audit AS a
        WHERE a.organization = resources_then.organization AND a.at > resources_then.at
          AND a.event IN ('organization.created', 'organization.renamed', 'organization.deleted', 'unit.created', 'unit.renamed', 'unit.deleted',
                          'project.created', 'project.moved', 'project.renamed', 'project.deleted',
                          'service.created', 'service.moved', 'service.renamed', 'service.deleted')
    ), changed AS (
        SELECT c.resource, split_part((array_agg(c.event ORDER BY c.place))[1], '.', 1) AS kind,
               (array_agg(c.event ORDER BY c.place))[1] LIKE '%.created' AS is_new,
               (array_agg(c.before ->> 'path' ORDER BY c.place) FILTER (WHERE c.before ? 'path'))[1] AS path,
               (array_agg(c.before ->> 'parent' ORDER BY c.place) FILTER (WHERE c.before ? 'parent'))[1]::uuid AS parent
        FROM change AS c GROUP BY c.resource
    ), known AS MATERIALIZED (
        SELECT coalesce(r.id, c.resource) AS id, coalesce(r.kind, c.kind) AS kind, coalesce(c.parent, r.parent) AS parent,
               @extschema@.rbac_path_label(coalesce(c.path::@extschema@.rbac_path, r.path)) AS label
        FROM (SELECT x.id, x.kind, x.parent, x.path FROM aiven_rbac.resource AS x WHERE x.organization = resources_then.organization) AS r
        FULL JOIN changed AS c ON c.resource = r.id
        WHERE c.is_new IS NOT TRUE
    ), there AS (
        SELECT k.id, k.kind, k.parent, k.label AS path FROM known AS k WHERE k.id = resources_then.organization
        UNION ALL
        SELECT k.id, k.kind, k.parent, t.path || '.' || k.label FROM there AS t JOIN known AS k ON k.parent = t.id
    )
    SELECT t.id, t.kind, t.parent, t.path::@extschema@.rbac_path FROM there AS t
$$;
REVOKE ALL ON FUNCTION aiven_rbac.resources_then(uuid, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.resources_then(uuid, timestamptz) IS 'the resources of an organization as they were at a time';

-- The first change that says something of a value tells what it was; a row that is
-- gone says it of all values.
CREATE FUNCTION aiven_rbac.grants_then(organization uuid, at timestamptz)
    RETURNS TABLE (principal uuid, resource uuid, grant_name text, valid_from timestamptz, valid_until timestamptz,
                   granted_by uuid, granted_at timestamptz)
    LANGUAGE sql STABLE ROWS 1000
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH change AS MATERIALIZED (
        SELECT a.subject AS principal, a.resource, coalesce(a.before, a.after) ->> 'name' AS name,
               (array_agg(a.event ORDER BY a.at))[1] = 'grant.created' AS is_new,
               (array_agg(a.before ->> 'valid_from' ORDER BY a.at) FILTER (WHERE a.before ? 'valid_from' OR a.event = 'grant.deleted'))[1] AS valid_from,
               bool_or(a.before ? 'valid_from' OR a.event = 'grant.deleted') AS had_from,
               (array_agg(a.before ->> 'valid_until' ORDER BY a.at) FILTER (WHERE a.before ? 'valid_until' OR a.event = 'grant.deleted'))[1] AS valid_until,
               bool_or(a.before ? 'valid_until' OR a.event = 'grant.deleted') AS had_until
        FROM aiven_rbac.audit AS a
        WHERE a.organization = grants_then.organization AND a.at > grants_then.at
          AND a.event IN ('grant.created', 'grant.changed', 'grant.deleted')
        GROUP BY 1, 2, 3
    ), present AS (
        SELECT g.principal, g.resource, n.name, g.valid_from, g.valid_until, g.granted_by, g.granted_at
        FROM aiven_rbac.access_grant AS g JOIN aiven_rbac.grantable AS n ON n.id = g.grantable
        WHERE g.organization = grants_then.organization
    )
    SELECT coalesce(p.principal, c.principal), coalesce(p.resource, c.resource), coalesce(p.name, c.name),
           CASE WHEN c.had_from THEN c.valid_from::timestamptz ELSE p.valid_from END,
           CASE WHEN c.had_until THEN c.valid_until::timestamptz ELSE p.valid_until END,
           CASE WHEN c.name IS NULL THEN p.granted_by ELSE made.actor END,
           CASE WHEN c.name IS NULL THEN p.granted_at ELSE made.at END
    FROM present AS p
    FULL JOIN change AS c ON c.principal = p.principal AND c.resource = p.resource AND c.name = p.name
    LEFT JOIN LATERAL (SELECT a.actor, a.at FROM aiven_rbac.audit AS a
                       WHERE c.name IS NOT NULL AND a.organization = grants_then.organization AND a.at <= grants_then.at
                         AND a.event IN ('grant.created', 'grant.changed')
                         AND a.subject = c.principal AND a.resource = c.resource AND a.after ->> 'name' = c.name
                       ORDER BY a.at DESC LIMIT 1) AS made ON true
    WHERE c.is_new IS NOT TRUE
$$;
REVOKE ALL ON FUNCTION aiven_rbac.grants_then(uuid, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.grants_then(uuid, timestamptz) IS 'the grants in an organization as they were at a time';

CREATE FUNCTION aiven_rbac.group_members_then(organization uuid, at timestamptz)
    RETURNS TABLE (member uuid, group_id uuid, group_name text, account_owners boolean, added_by uuid, added_at timestamptz)
    LANGUAGE sql STABLE ROWS 1000
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH change AS MATERIALIZED (
        SELECT a.subject AS member, (coalesce(a.before, a.after) ->> 'group')::uuid AS group_id,
               (array_agg(coalesce(a.before, a.after) ->> 'name' ORDER BY a.at))[1] AS name,
               (array_agg(a.event ORDER BY a.at))[1] IN ('group.member_added', 'super_admin.added') AS is_new,
               bool_or(a.event IN ('super_admin.added', 'super_admin.removed')) AS account_owners
        FROM aiven_rbac.audit AS a
        WHERE a.organization = group_members_then.organization AND a.at > group_members_then.at
          AND a.event IN ('group.member_added', 'group.member_removed', 'super_admin.added', 'super_admin.removed')
        GROUP BY 1, 2
    ), present AS (
        SELECT m.member, m.group_id, p.name, m.account_owners, m.added_by, m.added_at
        FROM aiven_rbac.group_member AS m JOIN aiven_rbac.principal AS p ON p.id = m.group_id
        WHERE m.organization = group_members_then.organization
    )
    SELECT coalesce(p.member, c.member), coalesce(p.group_id, c.group_id), coalesce(c.name, p.name), coalesce(p.account_owners, c.account_owners),
           CASE WHEN c.member IS NULL THEN p.added_by ELSE made.actor END,
           CASE WHEN c.member IS NULL THEN p.added_at ELSE made.at END
    FROM present AS p
    FULL JOIN change AS c ON c.member = p.member AND c.group_id = p.group_id
    LEFT JOIN LATERAL (SELECT a.actor, a.at FROM aiven_rbac.audit AS a
                       WHERE c.member IS NOT NULL AND a.organization = group_members_then.organization AND a.at <= group_members_then.at
                         AND a.event IN ('group.member_added', 'super_admin.added')
                         AND a.subject = c.member AND a.after ->> 'group' = c.group_id::text
                       ORDER BY a.at DESC LIMIT 1) AS made ON true
    WHERE c.is_new IS NOT TRUE
$$;
REVOKE ALL ON FUNCTION aiven_rbac.group_members_then(uuid, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.group_members_then(uuid, timestamptz) IS 'the members of an organization''s groups as they were at a time';

-- Whether a user was deactivated is in the log of the organization that manages the
-- user, or in the operator's.
CREATE FUNCTION aiven_rbac.was_active(principal uuid, at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT coalesce((SELECT CASE a.event WHEN 'user.created' THEN false
                                         WHEN 'application_user.created' THEN false
                                         WHEN 'group.created' THEN false
                                         WHEN 'user.deactivated' THEN true
                                         WHEN 'user.reactivated' THEN false
                                         ELSE a.before -> 'deactivated_at' IS NULL END
                     FROM aiven_rbac.audit AS a
                     WHERE a.subject = was_active.principal AND a.at > was_active.at
                       AND (a.event IN ('user.created', 'application_user.created', 'group.created', 'user.deactivated', 'user.reactivated')
                            OR a.event IN ('user.deleted', 'application_user.deleted', 'group.deleted'))
                     ORDER BY a.at LIMIT 1),
                    (SELECT p.deactivated_at IS NULL FROM aiven_rbac.principal AS p WHERE p.id = was_active.principal), false)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.was_active(uuid, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.was_active(uuid, timestamptz) IS 'was a principal there, and not deactivated, at a time?';

-- A resource as it was: by its id, or by the path that it had.
CREATE FUNCTION aiven_rbac.find_resource_then(actor aiven_rbac.actor, path @extschema@.rbac_path, id uuid, at timestamptz) RETURNS aiven_rbac.resource
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    organization uuid;
    it aiven_rbac.resource;
BEGIN
    FOR organization IN
        SELECT r.id FROM aiven_rbac.resource AS r
        WHERE r.kind = 'organization' AND (path IS NULL OR r.path OPERATOR(@extschema@.=) @extschema@.rbac_path_subpath(path, 0, 1))
          AND (id IS NULL OR r.id = (SELECT x.organization FROM aiven_rbac.resource AS x WHERE x.id = find_resource_then.id))
        UNION
        SELECT a.organization FROM aiven_rbac.audit AS a
        WHERE a.at > find_resource_then.at AND a.event IN ('organization.renamed', 'project.moved', 'service.moved', 'project.deleted', 'service.deleted', 'unit.deleted')
          AND a.organization IS NOT NULL
          AND (a.resource = find_resource_then.id
               OR (a.before ->> 'path')::@extschema@.rbac_path OPERATOR(@extschema@.<@) @extschema@.rbac_path_subpath(path, 0, 1))
    LOOP
        CONTINUE WHEN aiven_rbac.is_member_now(actor, organization) IS NOT TRUE;
        SELECT t.id, t.kind, organization, t.parent, t.path INTO it.id, it.kind, it.organization, it.parent, it.path
        FROM aiven_rbac.resources_then(organization, at) AS t
        WHERE t.id = find_resource_then.id OR t.path OPERATOR(@extschema@.=) find_resource_then.path;
        IF FOUND THEN
            RETURN it;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'resource "%" did not exist at %', coalesce(path::text, id::text), at
        USING ERRCODE = 'undefined_object', HINT = 'Give an id, or the path that it had then.';
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.find_resource_then(aiven_rbac.actor, @extschema@.rbac_path, uuid, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_resource_then(aiven_rbac.actor, @extschema@.rbac_path, uuid, timestamptz) IS
    'a resource as it was at a time, in an organization that the actor belongs to now; an error if there was none';
