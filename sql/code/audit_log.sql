-- Reading the log.
--
-- Whoever holds audit_log.view on an organization reads the organization's log,
-- and whoever holds event_log.view reads the events of projects there.  A row is
-- in the log of the organization that its resource was in at the time: with a
-- project that has moved here come no rows of the organization that it was in.

-- An id that is told to users: a row's time, in microseconds, and its transaction.
CREATE FUNCTION aiven_rbac.audit_id(at timestamptz, transaction bigint) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT lpad(to_hex((EXTRACT(epoch FROM at) * 1000000)::bigint), 16, '0') || '-' || transaction $$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_id(timestamptz, bigint) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_id(timestamptz, bigint) IS 'the id of a row of the log';

CREATE FUNCTION aiven_rbac.audit_id_parts(id text, OUT at timestamptz, OUT transaction bigint)
    LANGUAGE plpgsql IMMUTABLE STRICT
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    parts text[] := regexp_match(id, '^([0-9a-f]{16})-([0-9]{1,18})$');
BEGIN
    IF parts IS NULL THEN
        RAISE EXCEPTION 'invalid id of a row of the log: "%"', aiven_rbac.excerpt(id)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give the id of the last row of the page before.';
    END IF;
    at := timestamptz 'epoch' + ('x' || parts[1])::bit(64)::bigint * interval '1 microsecond';
    transaction := parts[2];
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_id_parts(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_id_parts(text) IS 'the time and the transaction that the id of a row of the log says';

-- The log is searched for those only who may read it.
CREATE FUNCTION aiven_rbac.find_gone(viewer aiven_rbac.actor, action text, path @extschema@.rbac_path, id uuid)
    RETURNS aiven_rbac.audit_place
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
    AS $$
#variable_conflict use_variable
DECLARE
    organizations uuid[];
    gone aiven_rbac.audit_place;
BEGIN
    IF viewer.operator IS NOT TRUE THEN
        SELECT array_agg(m.organization) INTO organizations FROM aiven_rbac.membership AS m
        WHERE m.principal = viewer.principal
          AND (path IS NULL OR m.organization = (aiven_rbac.resource_at_now(@extschema@.rbac_path_subpath(path, 0, 1))).id)
          AND aiven_rbac.is_member_now(viewer, m.organization)
          AND @extschema@.rbac_has_permission(viewer.principal, m.organization, action);
    END IF;
    IF viewer.operator AND path IS NULL THEN
        gone.id := id;
    ELSIF viewer.operator THEN
        SELECT a.resource INTO gone.id FROM aiven_rbac.audit AS a
        WHERE a.path OPERATOR(@extschema@.=) find_gone.path ORDER BY a.at DESC LIMIT 1;
    ELSE
        SELECT a.resource, a.organization INTO gone.id, gone.organization
        FROM unnest(organizations) AS o (id)
        CROSS JOIN LATERAL (SELECT b.resource, b.organization, b.at FROM aiven_rbac.audit AS b
                            WHERE b.organization = o.id
                              AND (b.resource = find_gone.id OR b.path OPERATOR(@extschema@.=) find_gone.path)
                            ORDER BY b.at DESC LIMIT 1) AS a
        ORDER BY a.at DESC LIMIT 1;
    END IF;
    RETURN gone;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.find_gone(aiven_rbac.actor, text, @extschema@.rbac_path, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_gone(aiven_rbac.actor, text, @extschema@.rbac_path, uuid) IS
    'a resource that is deleted, by the path that it had last, or by id; without an id if no log that the viewer may read has one';

CREATE FUNCTION aiven_rbac.find_audit_place(viewer aiven_rbac.actor, action text, place text) RETURNS aiven_rbac.audit_place
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    id uuid;
    path @extschema@.rbac_path;
    r aiven_rbac.resource;
    found aiven_rbac.audit_place;
BEGIN
    IF place ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
        id := place;
        r := aiven_rbac.resource_with_id_now(id);
    ELSE
        path := place;
        r := aiven_rbac.resource_at_now(path);
    END IF;
    IF r.id IS NULL THEN
        found := aiven_rbac.find_gone(viewer, action, path, id);
    ELSIF aiven_rbac.is_member_now(viewer, r.organization) THEN
        found := ROW(r.id, r.kind, r.organization, CASE r.kind WHEN 'project' THEN r.id WHEN 'service' THEN r.parent END);
    END IF;
    IF found.id IS NULL THEN
        RAISE EXCEPTION 'resource "%" does not exist', aiven_rbac.excerpt(place)
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'There is none, and no log that the session''s principal may read tells of one.',
                  HINT = 'Give an id, or a path that names every level from the organization down.';
    END IF;
    RETURN found;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.find_audit_place(aiven_rbac.actor, text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_audit_place(aiven_rbac.actor, text, text) IS
    'the resource whose log is read, by path or id; an error if there is none, and none in the log';

-- The condition on rows a of the log; $1 is the place.
CREATE FUNCTION aiven_rbac.audit_condition(place aiven_rbac.audit_place, action text) RETURNS text
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT concat_ws(' AND ',
        CASE WHEN place.organization IS NOT NULL THEN 'a.organization = ($1).organization' END,
        CASE WHEN place.id IS NOT NULL THEN
            CASE place.kind
                WHEN 'organization' THEN NULL
                WHEN 'unit' THEN '(a.resource = ($1).id OR a.project IN (SELECT c.id FROM aiven_rbac.children_now(($1).id) AS c))'
                WHEN 'project' THEN 'a.project = ($1).project'
                WHEN 'service' THEN 'a.project = ($1).project AND a.resource = ($1).id'
                ELSE '(a.organization = ($1).id OR a.project = ($1).id OR a.resource = ($1).id)'
            END
        END,
        CASE WHEN action = 'event_log.view' THEN 'a.project IS NOT NULL' END)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_condition(aiven_rbac.audit_place, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_condition(aiven_rbac.audit_place, text) IS
    'a condition for rows that are in a place''s log';

CREATE FUNCTION aiven_rbac.refuse_unknown_events(events text[]) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    unknown text;
BEGIN
    SELECT coalesce(e, 'NULL') INTO unknown FROM unnest(events) AS e
    WHERE NOT EXISTS (SELECT FROM aiven_rbac.audit_events() AS v WHERE v.event = e) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'event "%" does not exist', aiven_rbac.excerpt(unknown)
            USING ERRCODE = 'undefined_object',
                  HINT = format('There are: %s.', (SELECT string_agg(DISTINCT v.event, ', ' ORDER BY v.event)
                                                   FROM aiven_rbac.audit_events() AS v
                                                   WHERE split_part(v.event, '.', 1) = split_part(unknown, '.', 1)
                                                      OR v.event IN ('grant.created', 'project.moved')));
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.refuse_unknown_events(text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.refuse_unknown_events(text[]) IS 'raise if there is no such event';

CREATE FUNCTION aiven_rbac.read_log(action text, place text, since timestamptz, until timestamptz, by_actor uuid, about uuid,
                                    events text[], before_id text, max_rows int)
    RETURNS TABLE (id text, at timestamptz, event text, actor uuid, actor_name text, database_role text, client_address inet,
                   application_name text, organization @extschema@.rbac_path, resource @extschema@.rbac_path, resource_id uuid,
                   subject uuid, subject_name text, before jsonb, after jsonb)
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    AS $$
#variable_conflict use_variable
DECLARE
    viewer aiven_rbac.actor := aiven_rbac.current_viewer();
    p aiven_rbac.audit_place;
    last record;
    condition text;
BEGIN
    IF place IS NOT NULL THEN
        p := aiven_rbac.find_audit_place(viewer, action, place);
    END IF;
    IF viewer.operator IS NOT TRUE THEN
        IF p.organization IS NULL THEN
            RAISE EXCEPTION 'permission denied to read the logs of all organizations'
                USING ERRCODE = 'insufficient_privilege',
                      DETAIL = 'The operator reads them, without a principal.',
                      HINT = 'Name an organization.';
        END IF;
        PERFORM aiven_rbac.require(viewer, action,
            CASE WHEN action = 'audit_log.view' OR p.kind IS NULL THEN p.organization ELSE coalesce(p.project, p.id) END);
    END IF;
    IF max_rows < 0 THEN
        RAISE EXCEPTION 'max_rows must not be negative' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM aiven_rbac.refuse_unknown_events(events);
    SELECT * INTO last FROM aiven_rbac.audit_id_parts(before_id);
    condition := concat_ws(' AND ', 'true', NULLIF(aiven_rbac.audit_condition(p, action), ''),
        CASE WHEN since IS NOT NULL THEN 'a.at >= $2' END,
        CASE WHEN until IS NOT NULL THEN 'a.at < $3' END,
        CASE WHEN by_actor IS NOT NULL THEN 'a.actor = $4' END,
        CASE WHEN about IS NOT NULL THEN '(a.subject = $5 OR a.resource = $5)' END,
        CASE WHEN events IS NOT NULL THEN 'a.event = ANY ($6)' END,
        CASE WHEN before_id IS NOT NULL THEN 'a.at <= $7 AND (a.at, a.transaction) < ($7, $8)' END);
    RETURN QUERY EXECUTE format(
        'SELECT aiven_rbac.audit_id(a.at, a.transaction), a.at, a.event, a.actor, a.actor_name, a.database_role, a.client_address, '
        'a.application_name, @extschema@.rbac_path_subpath(a.path, 0, 1), a.path, a.resource, a.subject, a.subject_name, a.before, a.after '
        'FROM aiven_rbac.audit AS a WHERE %s ORDER BY a.at DESC, a.transaction DESC LIMIT $9', condition)
        USING p, since, until, by_actor, about, events, last.at, last.transaction, max_rows;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.read_log(text, text, timestamptz, timestamptz, uuid, uuid, text[], text, int) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.read_log(text, text, timestamptz, timestamptz, uuid, uuid, text[], text, int) IS
    'a page of the log of a place, for whoever holds the action there';

CREATE FUNCTION @extschema@.rbac_audit_log(place text DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
        by_actor uuid DEFAULT NULL, about uuid DEFAULT NULL, events text[] DEFAULT NULL, before_id text DEFAULT NULL,
        max_rows int DEFAULT 100)
    RETURNS TABLE (id text, at timestamptz, event text, actor uuid, actor_name text, database_role text, client_address inet,
                   application_name text, organization @extschema@.rbac_path, resource @extschema@.rbac_path, resource_id uuid,
                   subject uuid, subject_name text, before jsonb, after jsonb)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT * FROM aiven_rbac.read_log('audit_log.view', place, since, until, by_actor, about, events, before_id, max_rows) $$;
COMMENT ON FUNCTION @extschema@.rbac_audit_log(text, timestamptz, timestamptz, uuid, uuid, text[], text, int) IS
    'what was changed in an organization, or in one place of it, the newest first; it requires audit_log.view on the organization (the operator may leave the place out, and reads everything); since is included, until is not; about is a resource or a principal; a page of max_rows before the row with an id';

CREATE FUNCTION @extschema@.rbac_audit_log(place @extschema@.rbac_path, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
        by_actor uuid DEFAULT NULL, about uuid DEFAULT NULL, events text[] DEFAULT NULL, before_id text DEFAULT NULL,
        max_rows int DEFAULT 100)
    RETURNS TABLE (id text, at timestamptz, event text, actor uuid, actor_name text, database_role text, client_address inet,
                   application_name text, organization @extschema@.rbac_path, resource @extschema@.rbac_path, resource_id uuid,
                   subject uuid, subject_name text, before jsonb, after jsonb)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT * FROM aiven_rbac.read_log('audit_log.view', place::text, since, until, by_actor, about, events, before_id, max_rows) $$;
COMMENT ON FUNCTION @extschema@.rbac_audit_log(@extschema@.rbac_path, timestamptz, timestamptz, uuid, uuid, text[], text, int) IS
    'what was changed in an organization, or in one place of it, the newest first; it requires audit_log.view on the organization (the operator may leave the place out, and reads everything); since is included, until is not; about is a resource or a principal; a page of max_rows before the row with an id';

CREATE FUNCTION @extschema@.rbac_audit_log(place uuid, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
        by_actor uuid DEFAULT NULL, about uuid DEFAULT NULL, events text[] DEFAULT NULL, before_id text DEFAULT NULL,
        max_rows int DEFAULT 100)
    RETURNS TABLE (id text, at timestamptz, event text, actor uuid, actor_name text, database_role text, client_address inet,
                   application_name text, organization @extschema@.rbac_path, resource @extschema@.rbac_path, resource_id uuid,
                   subject uuid, subject_name text, before jsonb, after jsonb)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT * FROM aiven_rbac.read_log('audit_log.view', place::text, since, until, by_actor, about, events, before_id, max_rows) $$;
COMMENT ON FUNCTION @extschema@.rbac_audit_log(uuid, timestamptz, timestamptz, uuid, uuid, text[], text, int) IS
    'what was changed in an organization, or in one place of it, the newest first; it requires audit_log.view on the organization (the operator may leave the place out, and reads everything); since is included, until is not; about is a resource or a principal; a page of max_rows before the row with an id';

CREATE FUNCTION @extschema@.rbac_event_log(place text DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
        by_actor uuid DEFAULT NULL, about uuid DEFAULT NULL, events text[] DEFAULT NULL, before_id text DEFAULT NULL,
        max_rows int DEFAULT 100)
    RETURNS TABLE (id text, at timestamptz, event text, actor uuid, actor_name text, database_role text, client_address inet,
                   application_name text, organization @extschema@.rbac_path, resource @extschema@.rbac_path, resource_id uuid,
                   subject uuid, subject_name text, before jsonb, after jsonb)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT * FROM aiven_rbac.read_log('event_log.view', place, since, until, by_actor, about, events, before_id, max_rows) $$;
COMMENT ON FUNCTION @extschema@.rbac_event_log(text, timestamptz, timestamptz, uuid, uuid, text[], text, int) IS
    'what was changed in projects, the newest first: in one, in those that are in a unit now, or in an organization; it requires event_log.view there; the parameters are those of rbac_audit_log()';

CREATE FUNCTION @extschema@.rbac_event_log(place @extschema@.rbac_path, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
        by_actor uuid DEFAULT NULL, about uuid DEFAULT NULL, events text[] DEFAULT NULL, before_id text DEFAULT NULL,
        max_rows int DEFAULT 100)
    RETURNS TABLE (id text, at timestamptz, event text, actor uuid, actor_name text, database_role text, client_address inet,
                   application_name text, organization @extschema@.rbac_path, resource @extschema@.rbac_path, resource_id uuid,
                   subject uuid, subject_name text, before jsonb, after jsonb)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT * FROM aiven_rbac.read_log('event_log.view', place::text, since, until, by_actor, about, events, before_id, max_rows) $$;
COMMENT ON FUNCTION @extschema@.rbac_event_log(@extschema@.rbac_path, timestamptz, timestamptz, uuid, uuid, text[], text, int) IS
    'what was changed in projects, the newest first: in one, in those that are in a unit now, or in an organization; it requires event_log.view there; the parameters are those of rbac_audit_log()';

CREATE FUNCTION @extschema@.rbac_event_log(place uuid, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
        by_actor uuid DEFAULT NULL, about uuid DEFAULT NULL, events text[] DEFAULT NULL, before_id text DEFAULT NULL,
        max_rows int DEFAULT 100)
    RETURNS TABLE (id text, at timestamptz, event text, actor uuid, actor_name text, database_role text, client_address inet,
                   application_name text, organization @extschema@.rbac_path, resource @extschema@.rbac_path, resource_id uuid,
                   subject uuid, subject_name text, before jsonb, after jsonb)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT * FROM aiven_rbac.read_log('event_log.view', place::text, since, until, by_actor, about, events, before_id, max_rows) $$;
COMMENT ON FUNCTION @extschema@.rbac_event_log(uuid, timestamptz, timestamptz, uuid, uuid, text[], text, int) IS
    'what was changed in projects, the newest first: in one, in those that are in a unit now, or in an organization; it requires event_log.view there; the parameters are those of rbac_audit_log()';
