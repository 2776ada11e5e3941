-- Access review: who was given what, by whom, whether it is used, and what about it
-- is worth a second look.

-- OFFSET 0 keeps a look-up by key one, where the planner, which has no statistics
-- here, would read the whole table to join with it.
CREATE FUNCTION aiven_rbac.reviewed_now(place aiven_rbac.resource) RETURNS SETOF aiven_rbac.reviewed
    LANGUAGE sql STABLE ROWS 1000
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH granted AS MATERIALIZED (
        SELECT a.principal, r.path, a.grantable, r.kind, g.name, a.valid_from, a.valid_until, a.granted_by, a.granted_at
        FROM (SELECT x.id, x.path, x.kind FROM aiven_rbac.resource AS x WHERE x.id = ANY (aiven_rbac.places_above((place).id))
              UNION
              SELECT x.id, x.path, x.kind FROM aiven_rbac.resource AS x
              WHERE x.path OPERATOR(@extschema@.<@) (place).path AND x.kind IN ('unit', 'project')) AS r
        CROSS JOIN LATERAL (SELECT a.* FROM aiven_rbac.access_grant AS a WHERE a.resource = r.id OFFSET 0) AS a
        CROSS JOIN LATERAL (SELECT g.name FROM aiven_rbac.grantable AS g WHERE g.id = a.grantable OFFSET 0) AS g
    )
    SELECT g.principal, g.path, g.grantable, g.kind, g.name, 'direct', g.valid_from, g.valid_until, g.granted_by, g.granted_at
    FROM granted AS g
    UNION ALL
    SELECT p.member, g.path, g.grantable, g.kind, g.name, 'group:' || p.name, g.valid_from, g.valid_until, g.granted_by, g.granted_at
    FROM granted AS g
    CROSS JOIN LATERAL (SELECT m.member, p.name
                        FROM aiven_rbac.principal AS p JOIN aiven_rbac.group_member AS m ON m.group_id = p.id
                        WHERE p.id = g.principal AND p.kind = 'group'
                        OFFSET 0) AS p (member, name)
    UNION ALL
    SELECT m.member, o.path, NULL, 'organization', 'super_admin', 'group:' || p.name, NULL, NULL, m.added_by, m.added_at
    FROM aiven_rbac.group_member AS m
    CROSS JOIN LATERAL (SELECT p.name FROM aiven_rbac.principal AS p WHERE p.id = m.group_id OFFSET 0) AS p
    CROSS JOIN LATERAL (SELECT o.path FROM aiven_rbac.resource AS o WHERE o.id = m.organization OFFSET 0) AS o
    WHERE m.organization = (place).organization AND m.account_owners
$$;
REVOKE ALL ON FUNCTION aiven_rbac.reviewed_now(aiven_rbac.resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.reviewed_now(aiven_rbac.resource) IS
    'the grants that reach a resource or stand below it, once for each principal that they come to';

CREATE FUNCTION aiven_rbac.reviewed_then(place aiven_rbac.resource, at timestamptz) RETURNS SETOF aiven_rbac.reviewed
    LANGUAGE sql STABLE ROWS 1000
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH there AS MATERIALIZED (
        SELECT t.id, t.kind, t.path FROM aiven_rbac.resources_then((place).organization, at) AS t
        WHERE t.path OPERATOR(@extschema@.<@) (place).path OR t.path OPERATOR(@extschema@.@>) (place).path
    ), joined AS MATERIALIZED (
        SELECT m.* FROM aiven_rbac.group_members_then((place).organization, NULL, at) AS m
    ), granted AS MATERIALIZED (
        SELECT g.principal, t.path, n.id AS grantable, t.kind, g.grant_name, g.valid_from, g.valid_until, g.granted_by, g.granted_at
        FROM aiven_rbac.grants_then((place).organization, ARRAY(SELECT x.id FROM there AS x), NULL, at) AS g
        JOIN there AS t ON t.id = g.resource
        LEFT JOIN aiven_rbac.grantable AS n ON n.name = g.grant_name AND coalesce(n.owner, (place).organization) = (place).organization
    )
    SELECT g.principal, g.path, g.grantable, g.kind, g.grant_name, 'direct', g.valid_from, g.valid_until, g.granted_by, g.granted_at
    FROM granted AS g
    UNION ALL
    SELECT m.member, g.path, g.grantable, g.kind, g.grant_name, 'group:' || m.group_name, g.valid_from, g.valid_until, g.granted_by, g.granted_at
    FROM granted AS g JOIN joined AS m ON m.group_id = g.principal
    UNION ALL
    SELECT m.member, t.path, NULL, 'organization', 'super_admin', 'group:' || m.group_name, NULL, NULL, m.added_by, m.added_at
    FROM joined AS m JOIN there AS t ON t.kind = 'organization' WHERE m.account_owners
$$;
REVOKE ALL ON FUNCTION aiven_rbac.reviewed_then(aiven_rbac.resource, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.reviewed_then(aiven_rbac.resource, timestamptz) IS
    'the same at a time in the past, as the log tells it';

-- A grant is superfluous where another one of the same person gives as much, on the
-- place or above it, for at least as long.  Of two that give the same, the earlier
-- one is the one that is needed.  Of somebody with more than 500 this is not asked.
CREATE FUNCTION aiven_rbac.covers(one aiven_rbac.reviewed, other aiven_rbac.reviewed) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT (one).place OPERATOR(@extschema@.@>) (other).place
       AND coalesce((one).valid_from, '-infinity') <= coalesce((other).valid_from, '-infinity')
       AND coalesce((one).valid_until, 'infinity') >= coalesce((other).valid_until, 'infinity')
       AND coalesce((one).valid_until, 'infinity') > aiven_rbac.judged_at()
       AND ((one).grantable IS NULL
            OR NOT EXISTS (SELECT a.action FROM aiven_rbac.allowed_action AS a
                           WHERE a.grantable = (other).grantable AND a.granted_on = (other).granted_on
                           EXCEPT
                           SELECT a.action FROM aiven_rbac.allowed_action AS a
                           WHERE a.grantable = (one).grantable AND a.granted_on = (one).granted_on))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.covers(aiven_rbac.reviewed, aiven_rbac.reviewed) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.covers(aiven_rbac.reviewed, aiven_rbac.reviewed) IS
    'does one grant of a principal give all that another one gives, there and for as long?';

CREATE FUNCTION aiven_rbac.is_covered(it aiven_rbac.reviewed, others aiven_rbac.reviewed[]) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT cardinality(others) <= 500
       AND EXISTS (SELECT FROM unnest(others) AS o
                   WHERE (o.place::text, o.grant_name, o.via) IS DISTINCT FROM ((it).place::text, (it).grant_name, (it).via)
                     AND (it).grantable IS NOT NULL AND aiven_rbac.covers(o, it)
                     AND NOT (aiven_rbac.covers(it, o)
                              AND ((it).granted_at, (it).grant_name, (it).via) < (o.granted_at, o.grant_name, o.via)))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.is_covered(aiven_rbac.reviewed, aiven_rbac.reviewed[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_covered(aiven_rbac.reviewed, aiven_rbac.reviewed[]) IS
    'does one of a principal''s other grants make this one superfluous?';

-- The last use of a principal: a session's, or a token's.
CREATE FUNCTION aiven_rbac.last_used(principal uuid) RETURNS timestamptz
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT greatest((SELECT u.last_used_at FROM aiven_rbac.principal_use AS u WHERE u.principal = last_used.principal),
                    (SELECT max(u.last_used_at) FROM aiven_rbac.token AS t JOIN aiven_rbac.token_use AS u ON u.prefix = t.prefix
                     WHERE t.principal = last_used.principal))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.last_used(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.last_used(uuid) IS 'when a principal was last used, to the hour, or one of its tokens, to the minute';

-- What is to be said of a principal itself, in every row.
CREATE FUNCTION aiven_rbac.findings_about(p aiven_rbac.principal, joined_at timestamptz, last_used_at timestamptz) RETURNS text[]
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN (p).kind <> 'group' AND coalesce(last_used_at, joined_at) < aiven_rbac.judged_at() - interval '90 days'
             THEN 'dormant ' || replace((p).kind, '_', ' ') END,
        CASE WHEN EXISTS (SELECT FROM aiven_rbac.token AS t LEFT JOIN aiven_rbac.token_use AS u ON u.prefix = t.prefix
                          WHERE t.principal = (p).id AND t.revoked_at IS NULL
                            AND coalesce(u.extended_until, t.expires_at, 'infinity') > aiven_rbac.judged_at()
                            AND coalesce(u.last_used_at, t.created_at) < aiven_rbac.judged_at() - interval '90 days')
             THEN 'dormant token' END], NULL)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.findings_about(aiven_rbac.principal, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.findings_about(aiven_rbac.principal, timestamptz, timestamptz) IS
    'what an access review says of a principal: not used for 90 days, or with a token that was not';

CREATE FUNCTION aiven_rbac.findings_on(it aiven_rbac.reviewed, others aiven_rbac.reviewed[], super_admins bigint, has_units boolean) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN (it).valid_until <= aiven_rbac.judged_at() THEN 'expired'
             WHEN (it).valid_until <= aiven_rbac.judged_at() + interval '30 days' THEN 'ending within 30 days' END,
        CASE WHEN aiven_rbac.is_covered(it, others) THEN 'covered by another grant' END,
        CASE WHEN (it).grant_name = 'super_admin' AND (it).grantable IS NULL AND super_admins = 1 THEN 'the only super admin'
             WHEN (it).grant_name = 'super_admin' AND (it).grantable IS NULL AND super_admins > 5 THEN format('one of %s super admins', super_admins) END,
        CASE WHEN (it).granted_on = 'project' AND has_units AND @extschema@.rbac_path_nlevel((it).place) = 2 THEN 'project outside units' END], NULL)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.findings_on(aiven_rbac.reviewed, aiven_rbac.reviewed[], bigint, boolean) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.findings_on(aiven_rbac.reviewed, aiven_rbac.reviewed[], bigint, boolean) IS
    'what an access review says of a grant';

-- A principal as the review tells of it: one that is gone has its name in the log.
CREATE FUNCTION aiven_rbac.review(place aiven_rbac.resource, at timestamptz)
    RETURNS TABLE (principal uuid, kind text, principal_name text, granted_on @extschema@.rbac_path, grant_name text, via text,
                   valid_from timestamptz, valid_until timestamptz, in_force boolean, granted_by uuid, granted_by_name text,
                   granted_at timestamptz, last_used_at timestamptz, findings text[])
    LANGUAGE plpgsql STABLE ROWS 1000
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    instant timestamptz := coalesce(at, aiven_rbac.judged_at());
    all_its aiven_rbac.reviewed[];
    super_admins bigint;
    has_units boolean := EXISTS (SELECT FROM aiven_rbac.resource AS r WHERE r.parent = (place).organization AND r.kind = 'unit');
BEGIN
    IF at IS NULL THEN
        all_its := ARRAY(SELECT r FROM aiven_rbac.reviewed_now(place) AS r);
    ELSE
        all_its := ARRAY(SELECT r FROM aiven_rbac.reviewed_then(place, at) AS r);
    END IF;
    super_admins := (SELECT count(*) FROM unnest(all_its) AS i WHERE i.grantable IS NULL AND i.grant_name = 'super_admin');
    RETURN QUERY
        WITH person AS MATERIALIZED (
            SELECT y.id, coalesce(p.kind, split_part(d.event, '.', 1)) AS kind, coalesce(p.email, p.name, d.subject_name) AS called,
                   CASE WHEN at IS NULL THEN p.deactivated_at IS NULL ELSE aiven_rbac.was_active(y.id, at) END AS active,
                   CASE WHEN at IS NULL THEN aiven_rbac.last_used(y.id) END AS used, y.its, p.whole AS p, coalesce(m.joined_at, p.created_at) AS since
            FROM (SELECT i.principal AS id, array_agg(i) AS its FROM unnest(all_its) AS i GROUP BY 1
                  UNION ALL
                  SELECT m.principal, NULL FROM aiven_rbac.membership AS m
                  WHERE at IS NULL AND (place).kind = 'organization' AND m.organization = (place).id AND m.kind <> 'group'
                    AND m.principal NOT IN (SELECT i.principal FROM unnest(all_its) AS i)) AS y
            LEFT JOIN LATERAL (SELECT p AS whole, p.* FROM aiven_rbac.principal AS p WHERE p.id = y.id OFFSET 0) AS p ON true
            LEFT JOIN LATERAL (SELECT m.joined_at FROM aiven_rbac.membership AS m
                               WHERE m.principal = y.id AND m.organization = (place).organization OFFSET 0) AS m ON true
            LEFT JOIN LATERAL (SELECT a.event, a.subject_name FROM aiven_rbac.audit AS a
                               WHERE p.id IS NULL AND a.subject = y.id AND a.event IN ('user.deleted', 'application_user.deleted', 'group.deleted')
                               LIMIT 1) AS d ON true
        )
        SELECT w.id, w.kind, w.called, i.place, i.grant_name, i.via, i.valid_from, i.valid_until,
               i.place IS NOT NULL AND w.active AND coalesce(i.valid_from <= instant, true) AND coalesce(instant < i.valid_until, true),
               i.granted_by, coalesce(g.email, g.name), i.granted_at, w.used,
               CASE WHEN at IS NOT NULL THEN '{}'
                    ELSE array_cat(CASE WHEN w.its IS NULL THEN '{member without any grant}'::text[]
                                        ELSE aiven_rbac.findings_on(i, w.its, super_admins, has_units) END,
                                   aiven_rbac.findings_about(w.p, w.since, w.used)) END
        FROM person AS w
        LEFT JOIN LATERAL unnest(w.its) AS i ON true
        LEFT JOIN LATERAL (SELECT g.email, g.name FROM aiven_rbac.principal AS g WHERE g.id = i.granted_by OFFSET 0) AS g ON true
        ORDER BY 4, 2, 3, 5, 6;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.review(aiven_rbac.resource, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.review(aiven_rbac.resource, timestamptz) IS
    'the rows of an access review, of now or of a time in the past';

CREATE FUNCTION @extschema@.rbac_access_review(resource @extschema@.rbac_resource, at timestamptz DEFAULT NULL)
    RETURNS TABLE (principal uuid, kind text, principal_name text, granted_on @extschema@.rbac_path, grant_name text, via text,
                   valid_from timestamptz, valid_until timestamptz, in_force boolean, granted_by uuid, granted_by_name text,
                   granted_at timestamptz, last_used_at timestamptz, findings text[])
    LANGUAGE plpgsql STABLE ROWS 1000
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    place aiven_rbac.resource;
BEGIN
    IF at IS NULL THEN
        place := aiven_rbac.find_resource_now(actor, resource, '{organization,unit,project,service}');
        PERFORM aiven_rbac.require_sight_of_grants(actor, place.id);
    ELSE
        PERFORM aiven_rbac.require_past(at);
        place := aiven_rbac.find_resource_then(actor, resource, at);
        PERFORM aiven_rbac.require_sight_of_grants(actor, CASE WHEN EXISTS (SELECT FROM aiven_rbac.resource AS r
                                                                            WHERE r.id = place.id AND r.organization = place.organization)
                                                               THEN place.id ELSE place.organization END);
    END IF;
    RETURN QUERY SELECT * FROM aiven_rbac.review(place, at);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_access_review(@extschema@.rbac_resource, timestamptz) IS
    'every grant that reaches a resource or stands below it, once for its principal and once for each member of a group: by whom, since when, whether it counts, when the principal was last used, and what is worth a second look; on an organization, members without any grant as well; at: as it was at a time in the past, by the path of then, without findings; it requires project_permission.view or permission.grant on the resource';
