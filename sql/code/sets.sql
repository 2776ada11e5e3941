-- Sets of grants at once.

-- Errors that say something about an item of a set, rather than about the session,
-- the server or other sessions: grants that are not possible, wrong values,
-- violated rules, missing standing, missing objects, the wrong state.
CREATE FUNCTION aiven_rbac.is_refusal(sqlstate text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT sqlstate ~ '^(0L|22|23|2B|42|55000)' $$;
REVOKE ALL ON FUNCTION aiven_rbac.is_refusal(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_refusal(text) IS 'does an error refuse one item of a set, so that the others can go on?';

CREATE FUNCTION aiven_rbac.require_items(cardinalities int[]) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF array_position(cardinalities, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'lists of items must not be null' USING ERRCODE = 'null_value_not_allowed';
    ELSIF cardinalities[1] <> ANY (cardinalities) THEN
        RAISE EXCEPTION 'lists of items have different lengths'
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = format('They have %s elements.', array_to_string(cardinalities, ', ')),
                  HINT = 'Give one element of each list for each item.';
    ELSIF cardinalities[1] > 1000000 THEN
        RAISE EXCEPTION 'too many items' USING ERRCODE = 'program_limit_exceeded',
            DETAIL = format('There are %s.', cardinalities[1]), HINT = 'Give at most 1000000 at once.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_items(int[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_items(int[]) IS 'raise unless lists are of one length that is not too great';

-- A role or permission on a resource is looked up, held and required once, however
-- many get it.  What is granted to members then is one INSERT.  Whatever is left,
-- since it stands or cannot be, is granted by itself: that tells why.
CREATE FUNCTION @extschema@.rbac_grants(principals uuid[], names text[], resources text[], all_or_none boolean DEFAULT false)
    RETURNS TABLE (item int, outcome text, detail text)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    pair record;
    r aiven_rbac.resource;
    g aiven_rbac.grantable;
    places text[] := '{}';
    roles text[] := '{}';
    resource_ids uuid[] := '{}';
    organizations uuid[] := '{}';
    kinds text[] := '{}';
    grantables uuid[] := '{}';
    owners uuid[] := '{}';
    outcomes text[];
    details text[];
    explained text;
BEGIN
    PERFORM aiven_rbac.require_items(ARRAY[cardinality(principals), cardinality(names), cardinality(resources)]);
    IF all_or_none IS NULL THEN
        RAISE EXCEPTION 'all_or_none must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    FOR pair IN SELECT DISTINCT u.place, u.name FROM unnest(resources, names) AS u (place, name)
                WHERE u.place IS NOT NULL AND u.name IS NOT NULL ORDER BY 1, 2
    LOOP
        BEGIN
            r := aiven_rbac.hold_resource(actor, pair.place, '{organization,unit,project,service}', 'share');
            g := aiven_rbac.require_grant(actor, r, pair.name, NULL, NULL);
            places := places || pair.place;
            roles := roles || pair.name;
            resource_ids := resource_ids || r.id;
            organizations := organizations || r.organization;
            kinds := kinds || r.kind;
            grantables := grantables || g.id;
            owners := owners || g.organization;
        EXCEPTION WHEN OTHERS THEN
            IF NOT aiven_rbac.is_refusal(SQLSTATE) THEN
                RAISE;
            END IF;
        END;
    END LOOP;

    -- Whoever leaves meanwhile is no member any more once they are waited for.
    PERFORM FROM aiven_rbac.membership AS m
    WHERE m.organization = ANY (organizations) AND m.principal = ANY (principals)
    ORDER BY m.principal, m.organization FOR KEY SHARE;

    WITH known AS MATERIALIZED (
        SELECT * FROM unnest(places, roles, resource_ids, organizations, kinds, grantables, owners)
                      AS k (place, name, resource, organization, kind, grantable, owner)
    ), item AS MATERIALIZED (
        SELECT i.number, i.principal, k.*,
               row_number() OVER (PARTITION BY i.principal, k.resource, k.grantable ORDER BY i.number) = 1 AS is_first,
               EXISTS (SELECT FROM aiven_rbac.access_grant AS a
                       WHERE a.principal = i.principal AND a.resource = k.resource AND a.grantable = k.grantable
                         AND a.valid_from IS NULL AND a.valid_until IS NULL) AS stands
        FROM unnest(principals, resources, names) WITH ORDINALITY AS i (principal, place, name, number)
        LEFT JOIN known AS k ON k.place = i.place AND k.name = i.name
    ), granted AS (
        INSERT INTO aiven_rbac.access_grant AS a
               (principal, resource, grantable, organization, resource_kind, grantable_organization)
        SELECT i.principal, i.resource, i.grantable, i.organization, i.kind, i.owner
        FROM item AS i
        JOIN aiven_rbac.membership AS m ON m.principal = i.principal AND m.organization = i.organization
        JOIN aiven_rbac.principal AS p ON p.id = i.principal AND NOT p.account_owners
        WHERE i.is_first AND NOT i.stands
        ON CONFLICT DO NOTHING
        RETURNING a.principal, a.resource, a.grantable
    )
    SELECT array_agg(CASE WHEN i.stands THEN 'unchanged' WHEN d.principal IS NULL THEN NULL
                          WHEN i.is_first THEN 'granted' ELSE 'unchanged' END ORDER BY i.number),
           array_agg(NULL::text)
    INTO outcomes, details
    FROM item AS i
    LEFT JOIN granted AS d ON d.principal = i.principal AND d.resource = i.resource AND d.grantable = i.grantable;

    FOR i IN 1 .. coalesce(cardinality(outcomes), 0) LOOP
        CONTINUE WHEN outcomes[i] IS NOT NULL;
        BEGIN
            outcomes[i] := CASE WHEN @extschema@.rbac_grant(principals[i], names[i], resources[i]::@extschema@.rbac_resource)
                                THEN 'granted' ELSE 'unchanged' END;
        EXCEPTION WHEN OTHERS THEN
            IF NOT aiven_rbac.is_refusal(SQLSTATE) THEN
                RAISE;
            ELSIF all_or_none THEN
                GET STACKED DIAGNOSTICS explained = PG_EXCEPTION_DETAIL;
                RAISE EXCEPTION 'item % is refused: %', i, SQLERRM
                    USING ERRCODE = SQLSTATE, DETAIL = explained, HINT = 'Nothing has been granted.';
            END IF;
            outcomes[i] := 'refused';
            details[i] := SQLERRM;
        END;
    END LOOP;
    RETURN QUERY SELECT o.number::int, o.outcome, o.detail
                 FROM unnest(outcomes, details) WITH ORDINALITY AS o (outcome, detail, number) ORDER BY 1;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_grants(uuid[], text[], text[], boolean) IS
    'grant many at once: item by item a principal, a role or permission, and a resource by path or id; each requires what rbac_grant() requires; a row for each item, which is granted, unchanged or refused; with all_or_none one that is refused is an error';

-- What somebody else grants meanwhile, and this call has waited for, is revoked
-- as well.
CREATE FUNCTION aiven_rbac.revoke_all(principal uuid, resource @extschema@.rbac_resource) RETURNS integer
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    r aiven_rbac.resource := aiven_rbac.hold_resource(actor, resource, '{organization,unit,project,service}', 'share');
    p aiven_rbac.principal := aiven_rbac.find_principal_now(actor, principal, '{user,application_user,group}');
    granted record;
    found boolean;
    deleted integer;
    total integer := 0;
BEGIN
    IF actor.principal IS DISTINCT FROM p.id THEN
        PERFORM aiven_rbac.require(actor, 'permission.grant', r.id);
    END IF;
    LOOP
        found := false;
        FOR granted IN
            SELECT a.resource, a.grantable, x.organization, g.name
            FROM aiven_rbac.grants_now(p.id) AS a
            CROSS JOIN aiven_rbac.resource_with_id_now(a.resource) AS x
            JOIN aiven_rbac.grantable AS g ON g.id = a.grantable
            WHERE x.path OPERATOR(@extschema@.<@) r.path
            ORDER BY a.resource, a.grantable
        LOOP
            found := true;
            PERFORM aiven_rbac.hold_grantable(granted.name, granted.organization);
            IF actor.principal IS DISTINCT FROM p.id THEN
                PERFORM aiven_rbac.require(actor, 'permission.grant', granted.resource);
                PERFORM aiven_rbac.require_all_of(actor, granted.resource, granted.grantable,
                                                  aiven_rbac.judged_at(), aiven_rbac.judged_at(), false);
            END IF;
            CONTINUE WHEN aiven_rbac.judging();
            DELETE FROM aiven_rbac.access_grant AS a
            WHERE a.principal = p.id AND a.resource = granted.resource AND a.grantable = granted.grantable;
            GET DIAGNOSTICS deleted = ROW_COUNT;
            total := total + deleted;
            IF deleted = 0 AND EXISTS (SELECT FROM aiven_rbac.grants_now(p.id) AS a
                                       WHERE a.resource = granted.resource AND a.grantable = granted.grantable) THEN
                PERFORM aiven_rbac.refuse_old_snapshot();
            END IF;
        END LOOP;
        IF aiven_rbac.judging() THEN
            PERFORM aiven_rbac.ends_access(CASE WHEN found THEN aiven_rbac.holders_now('principal', p.id) END);
        END IF;
        EXIT WHEN NOT found;
    END LOOP;
    PERFORM aiven_rbac.look_again(resource, '{organization,unit,project,service}');
    PERFORM aiven_rbac.find_principal_now(actor, principal, '{user,application_user,group}');
    RETURN total;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.revoke_all(uuid, @extschema@.rbac_resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.revoke_all(uuid, @extschema@.rbac_resource) IS 'the body of rbac_revoke_all()';

CREATE FUNCTION @extschema@.rbac_revoke_all(principal uuid, resource @extschema@.rbac_resource) RETURNS integer
    AS 'MODULE_PATHNAME', 'rbac_ending'
    LANGUAGE C VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION @extschema@.rbac_revoke_all(uuid, @extschema@.rbac_resource) IS
    'revoke all that a principal has been granted itself on a resource and below it; it requires permission.grant there and the same standing as granting each, or that the grants are one''s own; returns how many there were';

-- Whoever is named in a document of grants: by id, by email, or by name with the
-- kind before it.
CREATE FUNCTION aiven_rbac.principal_named(organization @extschema@.rbac_resource, named text) RETURNS uuid
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN named ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' THEN named::uuid
                WHEN starts_with(named, 'group:') THEN @extschema@.rbac_group(organization, substr(named, 7))
                WHEN starts_with(named, 'application_user:') THEN @extschema@.rbac_application_user(organization, substr(named, 18))
                ELSE @extschema@.rbac_user(named) END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.principal_named(@extschema@.rbac_resource, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.principal_named(@extschema@.rbac_resource, text) IS
    'the principal that is given as an id, an email, "group:NAME" or "application_user:NAME"; an error if there is none';

CREATE FUNCTION aiven_rbac.require_grants(grants jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    wrong record;
BEGIN
    IF grants IS NULL THEN
        RAISE EXCEPTION 'grants must not be null'
            USING ERRCODE = 'null_value_not_allowed', HINT = 'An empty array means that there are to be none.';
    ELSIF jsonb_typeof(grants) <> 'array' THEN
        RAISE EXCEPTION 'grants must be an array of objects'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'An example is [{"principal": "bob@acme.example", "name": "operator"}].';
    ELSIF jsonb_array_length(grants) > 1000000 THEN
        RAISE EXCEPTION 'too many items' USING ERRCODE = 'program_limit_exceeded', HINT = 'Give at most 1000000 at once.';
    END IF;
    SELECT e.number INTO wrong FROM jsonb_array_elements(grants) WITH ORDINALITY AS e (item, number)
    WHERE CASE WHEN jsonb_typeof(e.item) <> 'object' THEN true
               ELSE jsonb_typeof(e.item -> 'principal') IS DISTINCT FROM 'string' OR jsonb_typeof(e.item -> 'name') IS DISTINCT FROM 'string'
                    OR e.item - '{principal,name}'::text[] <> '{}' END
    ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'item % of the grants is not an object of "principal" and "name"', wrong.number
            USING ERRCODE = 'invalid_parameter_value', HINT = 'An example is {"principal": "bob@acme.example", "name": "operator"}.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_grants(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_grants(jsonb) IS 'raise unless grants are given as a document says them';

CREATE FUNCTION aiven_rbac.named_in(organization @extschema@.rbac_resource, grants jsonb) RETURNS uuid[]
    LANGUAGE sql VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT ARRAY(SELECT aiven_rbac.principal_named(organization, e.item ->> 'principal')
                 FROM jsonb_array_elements(grants) WITH ORDINALITY AS e (item, number) ORDER BY e.number)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.named_in(@extschema@.rbac_resource, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.named_in(@extschema@.rbac_resource, jsonb) IS 'the principals that a document of grants names, item by item';

-- Those that are named in a document, held, so that they are called so until the
-- transaction ends.
CREATE FUNCTION aiven_rbac.hold_named(actor aiven_rbac.actor, organization @extschema@.rbac_resource, grants jsonb) RETURNS uuid[]
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    home uuid := (aiven_rbac.find_resource_now(actor, organization, '{organization}')).id;
    held uuid[];
    named uuid[];
    id uuid;
BEGIN
    LOOP
        named := aiven_rbac.named_in(organization, grants);
        IF held = named THEN
            RETURN named;
        END IF;
        BEGIN
            FOR id IN SELECT DISTINCT n.id FROM unnest(named) AS n (id) ORDER BY 1 LOOP
                PERFORM aiven_rbac.hold_principal(actor, id, '{user,application_user,group}', 'share');
                PERFORM aiven_rbac.hold_membership(id, home, 'share');
            END LOOP;
            held := named;
        EXCEPTION WHEN undefined_object THEN
            -- Gone while it was waited for, or never there
            PERFORM aiven_rbac.refuse_old_snapshot();
            IF named = aiven_rbac.named_in(organization, grants) THEN
                RAISE;
            END IF;
        END;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.hold_named(aiven_rbac.actor, @extschema@.rbac_resource, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.hold_named(aiven_rbac.actor, @extschema@.rbac_resource, jsonb) IS
    'the principals that a document of grants names, item by item, locked; an error if one does not exist after any wait';

-- Do grants stand on a resource that an old snapshot does not show, or some no
-- more that it does?
CREATE FUNCTION aiven_rbac.refuse_other_grants(place uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF (SELECT count(*) FROM aiven_rbac.grants_on_now(place)) <> (SELECT count(*) FROM aiven_rbac.access_grant AS a WHERE a.resource = place)
       OR EXISTS (SELECT FROM aiven_rbac.access_grant AS a
                  WHERE a.resource = place
                    AND NOT EXISTS (SELECT FROM aiven_rbac.grants_now(a.principal) AS n WHERE n.resource = place AND n.grantable = a.grantable)) THEN
        PERFORM aiven_rbac.refuse_old_snapshot();
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.refuse_other_grants(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.refuse_other_grants(uuid) IS
    'raise if the transaction''s snapshot is older than a change of the grants on a resource';

-- What comes is granted before anything goes, so that whoever hands their own
-- standing over can do so in one call.  Nobody else grants anything on the resource
-- meanwhile: it is held against that.
CREATE FUNCTION @extschema@.rbac_grants_set(resource @extschema@.rbac_resource, grants jsonb)
    RETURNS TABLE (change text, principal uuid, name text)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    act aiven_rbac.act := aiven_rbac.begin_act('permission.grant', resource, '{organization,unit,project}', 'change');
    r aiven_rbac.resource := act.place;
    home @extschema@.rbac_resource := (aiven_rbac.resource_with_id_now(r.organization)).path;
    place @extschema@.rbac_resource := r.path;
    self uuid := (act.actor).principal;
    named uuid[];
    difference record;
BEGIN
    PERFORM aiven_rbac.require_grants(grants);
    named := aiven_rbac.hold_named(act.actor, home, grants);
    PERFORM aiven_rbac.refuse_other_grants(r.id);
    FOR difference IN
        WITH wanted AS MATERIALIZED (
            SELECT DISTINCT named[e.number] AS principal, e.item ->> 'name' AS name
            FROM jsonb_array_elements(grants) WITH ORDINALITY AS e (item, number)
        ), standing AS MATERIALIZED (
            SELECT a.principal, g.name FROM aiven_rbac.access_grant AS a JOIN aiven_rbac.grantable AS g ON g.id = a.grantable
            WHERE a.resource = r.id
        ), differing AS (
            SELECT 'granted' AS change, x.principal, x.name FROM (TABLE wanted EXCEPT TABLE standing) AS x
            UNION ALL
            SELECT 'revoked', x.principal, x.name FROM (TABLE standing EXCEPT TABLE wanted) AS x
        )
        SELECT d.change, d.principal, d.name FROM differing AS d
        ORDER BY d.change, d.principal IS NOT DISTINCT FROM self, d.principal, d.name
    LOOP
        CONTINUE WHEN NOT CASE difference.change
            WHEN 'granted' THEN @extschema@.rbac_grant(difference.principal, difference.name, place)
            ELSE @extschema@.rbac_revoke(difference.principal, difference.name, place) END;
        change := difference.change;
        principal := difference.principal;
        name := difference.name;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_grants_set(@extschema@.rbac_resource, jsonb) IS
    'let exactly these grants stand on a resource itself, given as [{"principal", "name"}]: an id, an email, "group:NAME" or "application_user:NAME", and a role or permission; those that are missing are granted, others are revoked; returns what has changed; it requires what each grant and revocation requires';
