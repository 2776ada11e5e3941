-- The past, as the log tells it: what was there at an instant is what is there now
-- with everything undone that the log says has happened since.
--
-- Of each thing the first change after the instant counts.  One that made it says
-- that it was not there, one that ended it what it was, and one that changed it
-- what changed; where the log is silent, things were as they are.

-- An authority's row comes to its subscribers untold.  One of this database's own
-- is in its log, also after a restore elsewhere.
CREATE FUNCTION aiven_rbac.is_elsewhere(authority jsonb) RETURNS boolean
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT (authority ->> 'system', authority ->> 'database') <> ((pg_control_system()).system_identifier::text, current_database()::text)
       AND NOT EXISTS (SELECT FROM aiven_rbac.audit AS a
                       WHERE a.organization IS NULL AND a.subject IS NULL AND a.event = 'authority.created'
                         AND a.after ->> 'installation' = authority ->> 'installation')
$$;
REVOKE ALL ON FUNCTION aiven_rbac.is_elsewhere(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_elsewhere(jsonb) IS
    'is an authority another database than this one, which tells of no change itself?';

CREATE FUNCTION aiven_rbac.require_past(at timestamptz) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    gone integer := (SELECT max(a.month) FROM aiven_rbac.audit_archived AS a);
    ended timestamptz;
    what text;
BEGIN
    IF at > clock_timestamp() THEN
        RAISE EXCEPTION 'time % is in the future', at USING ERRCODE = 'invalid_parameter_value';
    ELSIF EXISTS (SELECT FROM aiven_rbac.authority AS y WHERE aiven_rbac.is_elsewhere(to_jsonb(y))) THEN
        RAISE EXCEPTION 'the past is not known here'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'This database takes its rows from an authority, or did, and the log of them is there.',
                  HINT = 'Ask the authority. A database that is its own now calls rbac_publication_create().';
    ELSIF at < make_timestamptz(gone / 100, gone % 100, 1, 0, 0, 0, 'UTC') + interval '1 month' THEN
        RAISE EXCEPTION 'the log does not go back to %', at
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = format('The month %s has been archived.', gone);
    END IF;
    SELECT a.at, a.event INTO ended, what FROM aiven_rbac.audit AS a
    WHERE a.organization IS NULL AND a.subject IS NULL AND a.at > require_past.at
      AND (a.event = 'table.truncated' OR (a.event = 'authority.ended' AND aiven_rbac.is_elsewhere(a.before)))
    ORDER BY a.at DESC LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the log does not go back to %', at
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = format(CASE what WHEN 'table.truncated' THEN 'A table of the extension was emptied at %s, and what was in it is not told.'
                                            ELSE 'Until %s this database took its rows from an authority, whose log tells of them.' END, ended);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_past(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_past(timestamptz) IS 'raise if the log cannot tell what was at a time';

-- What was in an organization may be in another one now, with its services and grants,
-- and the other one's log tells of it since.
CREATE FUNCTION aiven_rbac.organizations_since(organization uuid, at timestamptz) RETURNS uuid[]
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH RECURSIVE since (id) AS (
        SELECT organizations_since.organization
        UNION
        SELECT b.organization
        FROM since AS s
        JOIN aiven_rbac.audit AS a ON a.organization = s.id AND a.at > organizations_since.at AND a.subject IS NULL AND a.event = 'project.moved'
        JOIN aiven_rbac.audit AS b ON b.project = a.resource AND b.at > organizations_since.at AND b.event = 'project.moved'
        WHERE b.organization IS NOT NULL
    )
    SELECT array_agg(s.id) FROM since AS s
$$;
REVOKE ALL ON FUNCTION aiven_rbac.organizations_since(uuid, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.organizations_since(uuid, timestamptz) IS
    'an organization, and those that its projects have come to since a time';

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
        WHERE a.organization = ANY ((SELECT aiven_rbac.organizations_since(resources_then.organization, resources_then.at))::uuid[]) AND a.at > resources_then.at AND a.subject IS NULL
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
        FROM (SELECT x.id, x.kind, x.parent, x.path FROM aiven_rbac.resource AS x
              WHERE x.organization = ANY ((SELECT aiven_rbac.organizations_since(resources_then.organization, resources_then.at))::uuid[])) AS r
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
CREATE FUNCTION aiven_rbac.grants_then(organization uuid, places uuid[], principals uuid[], at timestamptz)
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
        WHERE a.organization = ANY ((SELECT aiven_rbac.organizations_since(grants_then.organization, grants_then.at))::uuid[]) AND a.at > grants_then.at
          AND a.event IN ('grant.created', 'grant.changed', 'grant.deleted')
          AND a.resource = ANY (places) AND (principals IS NULL OR a.subject = ANY (principals))
        GROUP BY 1, 2, 3
    ), present AS (
        SELECT g.principal, g.resource, n.name, g.valid_from, g.valid_until, g.granted_by, g.granted_at
        FROM (SELECT x.* FROM aiven_rbac.access_grant AS x WHERE principals IS NULL AND x.resource = ANY (places)
              UNION ALL
              SELECT x.* FROM aiven_rbac.access_grant AS x WHERE x.principal = ANY (principals) AND x.resource = ANY (places)) AS g
        JOIN aiven_rbac.grantable AS n ON n.id = g.grantable
    )
    SELECT coalesce(p.principal, c.principal), coalesce(p.resource, c.resource), coalesce(p.name, c.name),
           CASE WHEN c.had_from THEN c.valid_from::timestamptz ELSE p.valid_from END,
           CASE WHEN c.had_until THEN c.valid_until::timestamptz ELSE p.valid_until END,
           CASE WHEN c.name IS NULL THEN p.granted_by ELSE made.actor END,
           CASE WHEN c.name IS NULL THEN p.granted_at ELSE made.at END
    FROM present AS p
    FULL JOIN change AS c ON c.principal = p.principal AND c.resource = p.resource AND c.name = p.name
    LEFT JOIN LATERAL (SELECT a.actor, a.at FROM aiven_rbac.audit AS a
                       WHERE c.name IS NOT NULL AND c.is_new IS NOT TRUE
                         AND a.organization = ANY ((SELECT aiven_rbac.organizations_since(grants_then.organization, grants_then.at))::uuid[])
                         AND a.at <= grants_then.at
                         AND a.event IN ('grant.created', 'grant.changed')
                         AND a.subject = c.principal AND a.resource = c.resource AND a.after ->> 'name' = c.name
                       ORDER BY a.at DESC LIMIT 1) AS made ON true
    WHERE c.is_new IS NOT TRUE
$$;
REVOKE ALL ON FUNCTION aiven_rbac.grants_then(uuid, uuid[], uuid[], timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.grants_then(uuid, uuid[], uuid[], timestamptz) IS
    'the grants of principals (NULL: of all) on places of an organization as they were at a time';

CREATE FUNCTION aiven_rbac.group_members_then(organization uuid, who uuid, at timestamptz)
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
          AND (who IS NULL OR a.subject = who)
        GROUP BY 1, 2
    ), present AS (
        SELECT m.member, m.group_id, p.name, m.account_owners, m.added_by, m.added_at
        FROM (SELECT x.* FROM aiven_rbac.group_member AS x WHERE who IS NULL AND x.organization = group_members_then.organization
              UNION ALL
              SELECT x.* FROM aiven_rbac.group_member AS x WHERE x.member = who AND x.organization = group_members_then.organization) AS m
        JOIN aiven_rbac.principal AS p ON p.id = m.group_id
    )
    SELECT coalesce(p.member, c.member), coalesce(p.group_id, c.group_id), coalesce(c.name, p.name), coalesce(p.account_owners, c.account_owners),
           CASE WHEN c.member IS NULL THEN p.added_by ELSE made.actor END,
           CASE WHEN c.member IS NULL THEN p.added_at ELSE made.at END
    FROM present AS p
    FULL JOIN change AS c ON c.member = p.member AND c.group_id = p.group_id
    LEFT JOIN LATERAL (SELECT a.actor, a.at FROM aiven_rbac.audit AS a
                       WHERE c.member IS NOT NULL AND c.is_new IS NOT TRUE
                         AND a.organization = group_members_then.organization AND a.at <= group_members_then.at
                         AND a.event IN ('group.member_added', 'super_admin.added')
                         AND a.subject = c.member AND a.after ->> 'group' = c.group_id::text
                       ORDER BY a.at DESC LIMIT 1) AS made ON true
    WHERE c.is_new IS NOT TRUE
$$;
REVOKE ALL ON FUNCTION aiven_rbac.group_members_then(uuid, uuid, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.group_members_then(uuid, uuid, timestamptz) IS
    'the members of an organization''s groups, or one of them, as they were at a time';

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

-- A resource as it was: by its id, or by the path that it had; NULL if there was none.
CREATE FUNCTION aiven_rbac.resource_then(given @extschema@.rbac_resource, at timestamptz) RETURNS aiven_rbac.resource
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    its_id uuid := aiven_rbac.given_id(given);
    its_path @extschema@.rbac_path := aiven_rbac.given_path(given);
    organization uuid;
    it aiven_rbac.resource;
BEGIN
    FOR organization IN
        SELECT r.id FROM aiven_rbac.resource AS r
        WHERE r.kind = 'organization' AND (its_path IS NULL OR r.path OPERATOR(@extschema@.=) @extschema@.rbac_path_subpath(its_path, 0, 1))
          AND (its_id IS NULL OR r.id = (SELECT x.organization FROM aiven_rbac.resource AS x WHERE x.id = its_id))
        UNION
        SELECT a.organization FROM aiven_rbac.audit AS a
        WHERE a.at > resource_then.at AND a.subject IS NULL
          AND a.event IN ('organization.renamed', 'organization.deleted', 'project.moved', 'service.moved', 'project.deleted', 'service.deleted', 'unit.deleted')
          AND a.organization IS NOT NULL
          AND (a.resource = its_id
               OR (a.before ->> 'path')::@extschema@.rbac_path OPERATOR(@extschema@.<@) @extschema@.rbac_path_subpath(its_path, 0, 1))
    LOOP
        SELECT t.id, t.kind, organization, t.parent, t.path INTO it.id, it.kind, it.organization, it.parent, it.path
        FROM aiven_rbac.resources_then(organization, at) AS t
        WHERE t.id = its_id OR t.path OPERATOR(@extschema@.=) its_path;
        IF FOUND THEN
            RETURN it;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.resource_then(@extschema@.rbac_resource, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.resource_then(@extschema@.rbac_resource, timestamptz) IS
    'a resource as it was at a time, or NULL';

CREATE FUNCTION aiven_rbac.find_resource_then(actor aiven_rbac.actor, given @extschema@.rbac_resource, at timestamptz) RETURNS aiven_rbac.resource
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    it aiven_rbac.resource := aiven_rbac.resource_then(given, at);
BEGIN
    IF it.id IS NULL OR aiven_rbac.is_member_now(actor, it.organization) IS NOT TRUE THEN
        RAISE EXCEPTION 'resource "%" did not exist at %', given, at
            USING ERRCODE = 'undefined_object', HINT = 'Give an id, or the path that it had then.';
    END IF;
    RETURN it;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.find_resource_then(aiven_rbac.actor, @extschema@.rbac_resource, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_resource_then(aiven_rbac.actor, @extschema@.rbac_resource, timestamptz) IS
    'a resource as it was at a time, in an organization that the actor belongs to now; an error if there was none';

-- Decisions ---------------------------------------------------------------------------

-- The catalogue, with the organization's own roles.  What was added and removed since
-- is told action by action.
CREATE FUNCTION aiven_rbac.allowed_then(organization uuid, at timestamptz, names text[]) RETURNS TABLE (name text, type text, granted_on text, action text)
    LANGUAGE sql STABLE ROWS 5000
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH change AS MATERIALIZED (
        SELECT coalesce(a.before, a.after) ->> 'name' AS name, a.organization AS owner, k.key AS granted_on, x.action,
               (array_agg(a.event ORDER BY a.at))[1] = 'role.actions_added' AS is_new
        FROM aiven_rbac.audit AS a
        CROSS JOIN LATERAL jsonb_each(coalesce(a.before, a.after) -> 'actions') AS k
        CROSS JOIN LATERAL jsonb_array_elements_text(k.value) AS x (action)
        WHERE (a.organization = allowed_then.organization OR a.organization IS NULL) AND a.at > allowed_then.at AND a.subject IS NULL
          AND a.event IN ('role.actions_added', 'role.actions_removed') AND (names IS NULL OR coalesce(a.before, a.after) ->> 'name' = ANY (names))
        GROUP BY 1, 2, 3, 4
    ), present AS (
        SELECT g.name, g.owner, g.type, w.granted_on, n.name AS action
        FROM aiven_rbac.grantable AS g JOIN aiven_rbac.allowed_action AS w ON w.grantable = g.id JOIN aiven_rbac.action AS n ON n.number = w.action
        WHERE (g.owner IS NULL OR g.owner = allowed_then.organization) AND (names IS NULL OR g.name = ANY (names))
    )
    SELECT coalesce(p.name, c.name), coalesce(p.type, CASE WHEN c.owner IS NULL THEN 'permission' ELSE 'role' END),
           coalesce(p.granted_on, c.granted_on), coalesce(p.action, c.action)
    FROM present AS p
    FULL JOIN change AS c ON c.name = p.name AND coalesce(c.owner, '00000000-0000-0000-0000-000000000000') = coalesce(p.owner, '00000000-0000-0000-0000-000000000000')
                         AND c.granted_on = p.granted_on AND c.action = p.action
    WHERE c.is_new IS NOT TRUE
$$;
REVOKE ALL ON FUNCTION aiven_rbac.allowed_then(uuid, timestamptz, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.allowed_then(uuid, timestamptz, text[]) IS
    'what roles and permissions (NULL: all) allowed at a time, in an organization';

CREATE FUNCTION aiven_rbac.was_member(principal uuid, organization uuid, at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT aiven_rbac.was_active(principal, at)
       AND coalesce((SELECT a.event IN ('member.removed', 'application_user.deleted', 'group.deleted') FROM aiven_rbac.audit AS a
                     WHERE a.organization = was_member.organization AND a.at > was_member.at AND a.subject = was_member.principal
                       AND a.event IN ('member.added', 'member.removed', 'application_user.created', 'application_user.deleted', 'group.created', 'group.deleted')
                     ORDER BY a.at LIMIT 1),
                    EXISTS (SELECT FROM aiven_rbac.membership AS m WHERE m.principal = was_member.principal AND m.organization = was_member.organization))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.was_member(uuid, uuid, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.was_member(uuid, uuid, timestamptz) IS 'did an active principal belong to an organization at a time?';

-- What came to a principal at a place, and through what.  A super admin has every
-- action by definition.
CREATE FUNCTION aiven_rbac.held_then(principal uuid, place aiven_rbac.resource, at timestamptz)
    RETURNS TABLE (action text, granted_on @extschema@.rbac_path, via text)
    LANGUAGE sql STABLE ROWS 1000
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH joined AS MATERIALIZED (
        SELECT m.group_id, m.group_name, m.account_owners
        FROM aiven_rbac.group_members_then((place).organization, held_then.principal, at) AS m
    ), above AS MATERIALIZED (
        SELECT t.id, t.kind, t.path FROM aiven_rbac.resources_then((place).organization, at) AS t WHERE t.path OPERATOR(@extschema@.@>) (place).path
    ), reaching AS MATERIALIZED (
        SELECT g.grant_name, a.kind, a.path, coalesce('group:' || j.group_name, 'direct') AS via
        FROM aiven_rbac.grants_then((place).organization, ARRAY(SELECT x.id FROM above AS x),
                                    ARRAY(SELECT x.group_id FROM joined AS x UNION ALL SELECT held_then.principal), at) AS g
        JOIN above AS a ON a.id = g.resource
        LEFT JOIN joined AS j ON j.group_id = g.principal
        WHERE coalesce(g.valid_from, '-infinity') <= held_then.at AND held_then.at < coalesce(g.valid_until, 'infinity')
    )
    SELECT w.action, r.path, r.via
    FROM reaching AS r JOIN aiven_rbac.allowed_then((place).organization, at, ARRAY(SELECT x.grant_name FROM reaching AS x)) AS w ON w.name = r.grant_name AND w.granted_on = r.kind
    WHERE (SELECT aiven_rbac.was_member(held_then.principal, (place).organization, at))
    UNION
    SELECT n.name, a.path, 'group:' || j.group_name
    FROM joined AS j CROSS JOIN above AS a CROSS JOIN aiven_rbac.action AS n
    WHERE j.account_owners AND a.kind = 'organization' AND (SELECT aiven_rbac.was_member(held_then.principal, (place).organization, at))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.held_then(uuid, aiven_rbac.resource, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.held_then(uuid, aiven_rbac.resource, timestamptz) IS
    'the actions that a principal held on a resource at a time, where they had been granted, and through what';

-- What a name requires: what it allows where it is granted on such a resource or,
-- where it allows nothing there, on the nearest kind above.
CREATE FUNCTION aiven_rbac.required_then(organization uuid, kind text, at timestamptz, names text[]) RETURNS TABLE (name text, type text, actions text[])
    LANGUAGE sql STABLE ROWS 100
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    (SELECT DISTINCT ON (x.name, x.type) x.name, x.type, x.actions
     FROM (SELECT w.name, w.type, array_position('{organization,unit,project,service}', w.granted_on) AS level, array_agg(w.action) AS actions
           FROM aiven_rbac.allowed_then(organization, at, names) AS w
           GROUP BY w.name, w.type, w.granted_on) AS x
     WHERE x.level <= array_position('{organization,unit,project,service}', required_then.kind)
     ORDER BY x.name, x.type, x.level DESC)
    UNION ALL
    SELECT n.name, 'action', ARRAY[n.name] FROM aiven_rbac.action AS n WHERE n.name = ANY (names)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.required_then(uuid, text, timestamptz, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.required_then(uuid, text, timestamptz, text[]) IS
    'the actions that roles, permissions and actions required on a kind of resource at a time';

-- Who may ask about others may ask about their past.
CREATE FUNCTION aiven_rbac.place_asked_about(principal uuid, given @extschema@.rbac_resource, at timestamptz) RETURNS aiven_rbac.resource
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    viewer aiven_rbac.actor := aiven_rbac.current_viewer();
    place aiven_rbac.resource;
BEGIN
    PERFORM aiven_rbac.require_past(at);
    IF viewer.operator OR viewer.back_end OR viewer.principal = principal THEN
        RETURN aiven_rbac.resource_then(given, at);
    END IF;
    place := aiven_rbac.find_resource_then(viewer, given, at);
    PERFORM aiven_rbac.require_sight_of_grants(viewer, CASE WHEN EXISTS (SELECT FROM aiven_rbac.resource AS r
                                                                         WHERE r.id = place.id AND r.organization = place.organization)
                                                            THEN place.id ELSE place.organization END);
    RETURN place;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.place_asked_about(uuid, @extschema@.rbac_resource, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.place_asked_about(uuid, @extschema@.rbac_resource, timestamptz) IS
    'the resource of a question about the past, or NULL; an error for those who may not ask about the principal there';

CREATE FUNCTION aiven_rbac.has_permission_then(principal uuid, place aiven_rbac.resource, name text, at timestamptz) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    required text[];
BEGIN
    SELECT r.actions INTO required FROM aiven_rbac.required_then(place.organization, coalesce(place.kind, 'organization'), at, ARRAY[name]) AS r WHERE r.name = has_permission_then.name;
    IF required IS NULL THEN
        -- An error for a name that has never been
        IF NOT EXISTS (SELECT FROM aiven_rbac.audit AS a
                       WHERE a.event = 'role.created' AND a.after ->> 'name' = has_permission_then.name
                         AND (a.organization = place.organization OR (aiven_rbac.current_viewer()).operator)) THEN
            PERFORM @extschema@.rbac_has_permission(gen_random_uuid(), name);
        END IF;
        RETURN false;
    END IF;
    RETURN place.id IS NOT NULL AND required OPERATOR(pg_catalog.<@) ARRAY(SELECT h.action FROM aiven_rbac.held_then(principal, place, at) AS h);
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.has_permission_then(uuid, aiven_rbac.resource, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.has_permission_then(uuid, aiven_rbac.resource, text, timestamptz) IS
    'did a principal hold a permission, role or action on a resource at a time?';

CREATE FUNCTION aiven_rbac.effective_permissions_then(principal uuid, place aiven_rbac.resource, at timestamptz)
    RETURNS TABLE (permission text, granted_on @extschema@.rbac_path[], via text[])
    LANGUAGE sql STABLE ROWS 20
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH held AS MATERIALIZED (
        SELECT h.* FROM aiven_rbac.held_then(principal, place, at) AS h WHERE (place).id IS NOT NULL
    )
    SELECT r.name,
           ARRAY(SELECT h.granted_on FROM held AS h WHERE h.action = ANY (r.actions) GROUP BY h.granted_on ORDER BY @extschema@.rbac_path_nlevel(h.granted_on)),
           ARRAY(SELECT h.via FROM held AS h WHERE h.action = ANY (r.actions) GROUP BY h.via ORDER BY min(@extschema@.rbac_path_nlevel(h.granted_on)), h.via)
    FROM aiven_rbac.required_then((place).organization, (place).kind, at, NULL) AS r
    WHERE r.type = 'permission' AND r.actions OPERATOR(pg_catalog.<@) ARRAY(SELECT h.action FROM held AS h)
    ORDER BY r.name
$$;
REVOKE ALL ON FUNCTION aiven_rbac.effective_permissions_then(uuid, aiven_rbac.resource, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.effective_permissions_then(uuid, aiven_rbac.resource, timestamptz) IS
    'the permissions that a principal held on a resource at a time, where they had been granted, and through what';

-- To start parallel workers for one answer takes longer than all of the rest.
CREATE FUNCTION @extschema@.rbac_has_permission_at(principal uuid, resource @extschema@.rbac_resource, name text, at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE STRICT
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET max_parallel_workers_per_gather = 0
    AS $$ SELECT aiven_rbac.has_permission_then(principal, aiven_rbac.place_asked_about(principal, resource, at), name, at) $$;
COMMENT ON FUNCTION @extschema@.rbac_has_permission_at(uuid, @extschema@.rbac_resource, text, timestamptz) IS
    'did the given principal hold a permission, role or action on the resource at a time, as the log tells it, by the path of then?';

CREATE FUNCTION @extschema@.rbac_effective_permissions_at(principal uuid, resource @extschema@.rbac_resource, at timestamptz)
    RETURNS TABLE (permission text, granted_on @extschema@.rbac_path[], via text[])
    LANGUAGE sql STABLE STRICT ROWS 20
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET max_parallel_workers_per_gather = 0
    AS $$ SELECT * FROM aiven_rbac.effective_permissions_then(principal, aiven_rbac.place_asked_about(principal, resource, at), at) $$;
COMMENT ON FUNCTION @extschema@.rbac_effective_permissions_at(uuid, @extschema@.rbac_resource, timestamptz) IS
    'the permissions that the given principal held on the resource at a time, as the log tells it, where they had been granted, and through what';
