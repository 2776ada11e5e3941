-- Evidence that the log is what it was.
--
-- A row carries a digest of what it says.  Sealing takes the digests of rows
-- whose transactions have all ended, in the order of these, and appends them to
-- a tree for each organization (rbac_evidence.c).  The root of a tree stands for
-- all rows, in their order.  Whoever keeps it elsewhere can tell later whether the
-- rows of then are still there, and whether all others came after them.
--
-- Who writes the log is not concerned: sealing is done afterwards.

CREATE FUNCTION aiven_rbac.tree_append(peaks bytea, size bigint, leaves bytea) RETURNS bytea
    AS 'MODULE_PATHNAME', 'rbac_tree_append'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.tree_append(bytea, bigint, bytea) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.tree_append(bytea, bigint, bytea) IS
    'the peaks of a tree of so many leaves, with some leaves more';

CREATE FUNCTION aiven_rbac.tree_root(peaks bytea) RETURNS bytea
    AS 'MODULE_PATHNAME', 'rbac_tree_root'
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.tree_root(bytea) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.tree_root(bytea) IS
    'the root of a tree with these peaks, as RFC 6962 defines it';

CREATE FUNCTION aiven_rbac.sealed_below(installation integer) RETURNS bigint
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT coalesce(max(h.below), 0) FROM aiven_rbac.audit_horizon AS h WHERE h.installation = sealed_below.installation $$;
REVOKE ALL ON FUNCTION aiven_rbac.sealed_below(integer) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.sealed_below(integer) IS
    'the number of a transaction below which all rows that an installation wrote are sealed';

CREATE FUNCTION aiven_rbac.sealed_below_now(installation integer) RETURNS bigint
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.sealed_below_now(integer) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.sealed_below_now(integer) IS 'the same, as committed now';

-- A seal has a bounded number of leaves, so that what was sealed is read in
-- pieces.
CREATE FUNCTION aiven_rbac.seal_range(of_installation integer, from_transaction bigint, to_transaction bigint) RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
    AS $$
DECLARE
    part record;
    tree record;
    sealed bigint := 0;
BEGIN
    FOR part IN
        SELECT r.organization, count(*) AS number, array_agg(r.transaction ORDER BY r.transaction, r.at) AS transactions,
               array_agg(r.at ORDER BY r.transaction, r.at) AS times, string_agg(r.digest, '' ORDER BY r.transaction, r.at) AS leaves
        FROM (SELECT coalesce(a.organization, '00000000-0000-0000-0000-000000000000') AS organization, a.transaction, a.at, a.digest,
                     (row_number() OVER (PARTITION BY a.organization ORDER BY a.transaction, a.at) - 1) / 10000 AS piece
              FROM aiven_rbac.audit AS a
              WHERE a.installation = of_installation AND a.transaction >= from_transaction AND a.transaction < to_transaction) AS r
        GROUP BY r.organization, r.piece
        ORDER BY r.organization, r.piece
    LOOP
        SELECT s.size, s.peaks INTO tree FROM aiven_rbac.audit_seal AS s
        WHERE s.organization = part.organization ORDER BY s.first DESC LIMIT 1;
        IF NOT FOUND THEN
            SELECT 0::bigint AS size, ''::bytea AS peaks INTO tree;
        END IF;
        INSERT INTO aiven_rbac.audit_seal (organization, first, size, installation, transactions, times, leaves, peaks)
        VALUES (part.organization, tree.size, tree.size + part.number, of_installation, part.transactions, part.times, part.leaves,
                aiven_rbac.tree_append(tree.peaks, tree.size, part.leaves));
        sealed := sealed + part.number;
    END LOOP;
    INSERT INTO aiven_rbac.audit_horizon (installation, below) VALUES (of_installation, to_transaction);
    RETURN sealed;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.seal_range(integer, bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.seal_range(integer, bigint, bigint) IS
    'seal the rows of a range of an installation''s transactions; returns how many';

-- In a restored database the rows of the one that was dumped come first.  Their
-- transactions have all ended.
CREATE FUNCTION aiven_rbac.seal_restored(own integer) RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    other record;
    sealed bigint := 0;
BEGIN
    IF EXISTS (SELECT FROM aiven_rbac.audit_horizon AS h WHERE h.installation = own) THEN
        RETURN 0;
    END IF;
    FOR other IN SELECT a.installation, max(a.transaction) AS last FROM aiven_rbac.audit AS a
                 WHERE a.installation <> own GROUP BY a.installation ORDER BY min(a.at), a.installation
    LOOP
        CONTINUE WHEN other.last < aiven_rbac.sealed_below(other.installation);
        sealed := sealed + aiven_rbac.seal_range(other.installation, aiven_rbac.sealed_below(other.installation), other.last + 1);
    END LOOP;
    RETURN sealed;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.seal_restored(integer) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.seal_restored(integer) IS
    'seal what other installations have written and not sealed, once in this one';

CREATE FUNCTION @extschema@.rbac_audit_seal() RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    own integer := (SELECT i.number FROM aiven_rbac.audit_installation AS i);
    since bigint;
    running bigint;
    sealed bigint;
BEGIN
    IF actor.operator IS NOT TRUE THEN
        RAISE EXCEPTION 'permission denied to seal the log'
            USING ERRCODE = 'insufficient_privilege', DETAIL = 'The operator does it, without a principal.';
    END IF;
    LOCK TABLE aiven_rbac.audit_horizon IN SHARE ROW EXCLUSIVE MODE;
    since := aiven_rbac.sealed_below_now(own);
    IF since <> aiven_rbac.sealed_below(own) THEN
        PERFORM aiven_rbac.refuse_old_snapshot();
    END IF;
    sealed := aiven_rbac.seal_restored(own);
    running := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    IF running > since THEN
        sealed := sealed + aiven_rbac.seal_range(own, since, running);
    END IF;
    RETURN sealed;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_audit_seal() IS
    'append what transactions have written to the log, that had ended before the oldest one that still runs, to the tree of each organization; returns how many rows; for the operator, every hour or so';

-- Reading the evidence -------------------------------------------------------------------------

-- Whose log is asked about: all logs (NULL), for the operator, or an
-- organization's.  Of one that is deleted the operator gives the id.
CREATE FUNCTION aiven_rbac.find_sealed(organization text) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    viewer aiven_rbac.actor := aiven_rbac.current_viewer();
    p aiven_rbac.audit_place;
BEGIN
    IF organization IS NULL THEN
        IF viewer.operator IS NOT TRUE THEN
            RAISE EXCEPTION 'permission denied to verify the logs of all organizations'
                USING ERRCODE = 'insufficient_privilege',
                      DETAIL = 'The operator does it, without a principal.',
                      HINT = 'Name an organization.';
        END IF;
        RETURN NULL;
    END IF;
    p := aiven_rbac.find_audit_place(viewer, 'audit_log.view', organization);
    PERFORM aiven_rbac.require(viewer, 'audit_log.view', coalesce(p.organization, p.id));
    IF p.kind IS NOT NULL AND p.kind <> 'organization' THEN
        RAISE EXCEPTION '"%" is not of kind organization', aiven_rbac.excerpt(organization)
            USING ERRCODE = 'wrong_object_type',
                  DETAIL = 'The log of an organization is sealed as a whole.',
                  HINT = 'Give the organization''s path or id.';
    END IF;
    RETURN p.id;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.find_sealed(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_sealed(text) IS
    'the organization whose log is verified, for whoever holds audit_log.view there; NULL: all, for the operator';

CREATE FUNCTION aiven_rbac.make_anchor(organization uuid, size bigint, peaks bytea) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT format('aiven_rbac:1:%s:%s:%s', organization, size, encode(aiven_rbac.tree_root(peaks), 'hex')) $$;
REVOKE ALL ON FUNCTION aiven_rbac.make_anchor(uuid, bigint, bytea) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.make_anchor(uuid, bigint, bytea) IS 'the text that stands for a tree';

CREATE FUNCTION @extschema@.rbac_audit_anchor(organization text) RETURNS text
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    log uuid := coalesce(aiven_rbac.find_sealed(organization), '00000000-0000-0000-0000-000000000000');
    tree record;
BEGIN
    SELECT s.size, s.peaks INTO tree FROM aiven_rbac.audit_seal AS s WHERE s.organization = log ORDER BY s.first DESC LIMIT 1;
    RETURN aiven_rbac.make_anchor(log, coalesce(tree.size, 0), coalesce(tree.peaks, ''));
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_audit_anchor(text) IS
    'a text that stands for all sealed rows of an organization''s log (NULL: of what belongs to no organization, for the operator), to be kept where nobody can change it who can change the database, and to be given to rbac_audit_verify() later; it requires audit_log.view';

CREATE FUNCTION @extschema@.rbac_audit_anchor(organization @extschema@.rbac_path) RETURNS text
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT @extschema@.rbac_audit_anchor(organization::text) $$;
COMMENT ON FUNCTION @extschema@.rbac_audit_anchor(@extschema@.rbac_path) IS
    'a text that stands for all sealed rows of an organization''s log (NULL: of what belongs to no organization, for the operator), to be kept where nobody can change it who can change the database, and to be given to rbac_audit_verify() later; it requires audit_log.view';

CREATE FUNCTION @extschema@.rbac_audit_anchor(organization uuid) RETURNS text
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT @extschema@.rbac_audit_anchor(organization::text) $$;
COMMENT ON FUNCTION @extschema@.rbac_audit_anchor(uuid) IS
    'a text that stands for all sealed rows of an organization''s log (NULL: of what belongs to no organization, for the operator), to be kept where nobody can change it who can change the database, and to be given to rbac_audit_verify() later; it requires audit_log.view';

-- Each row of the log beside its leaf.  A row that is there twice is so once.
CREATE FUNCTION aiven_rbac.compare_leaves(log uuid)
    RETURNS TABLE (organization uuid, installation integer, transaction bigint, at timestamptz, leaf bytea, digest bytea, content bytea, event text)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT organization, installation, transaction, at, l.leaf, a.digest, a.content, a.event
    FROM (SELECT s.organization, s.installation, u.transaction, u.at, substr(s.leaves, (u.place::integer - 1) * 32 + 1, 32) AS leaf, 1::bigint AS number
          FROM aiven_rbac.audit_seal AS s, unnest(s.transactions, s.times) WITH ORDINALITY AS u (transaction, at, place)
          WHERE log IS NULL OR s.organization = log) AS l
    FULL JOIN (SELECT coalesce(r.organization, '00000000-0000-0000-0000-000000000000') AS organization, r.installation, r.transaction, r.at,
                      r.digest, r.event,
                      aiven_rbac.audit_digest(r.at, r.transaction, r.installation, r.organization, r.project, r.resource, r.actor, r.subject, r.event,
                          r.actor_name, r.subject_name, r.path, r.database_role, r.client_address, r.application_name, r.before, r.after) AS content,
                      row_number() OVER (PARTITION BY r.organization, r.installation, r.transaction, r.at ORDER BY r.digest) AS number
               FROM aiven_rbac.audit AS r
               WHERE log IS NULL OR r.organization = log OR (r.organization IS NULL AND log = '00000000-0000-0000-0000-000000000000')) AS a
        USING (organization, installation, transaction, at, number)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.compare_leaves(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.compare_leaves(uuid) IS
    'rows of the log and the leaves of the tree, joined: what was sealed, the row''s own digest, and that of what it says';

-- What is wrong with the tree itself: each seal has to continue the one before.
CREATE FUNCTION aiven_rbac.broken_seals(log uuid) RETURNS TABLE (organization uuid, first bigint, sealed_at timestamptz)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT s.organization, s.first, s.sealed_at
    FROM (SELECT x.*, lag(x.size, 1, 0::bigint) OVER w AS size_before, lag(x.peaks, 1, ''::bytea) OVER w AS peaks_before
          FROM aiven_rbac.audit_seal AS x
          WHERE log IS NULL OR x.organization = log
          WINDOW w AS (PARTITION BY x.organization ORDER BY x.first)) AS s
    WHERE CASE WHEN s.first = s.size_before AND s.size - s.first = cardinality(s.transactions) AND cardinality(s.times) = cardinality(s.transactions)
                    AND length(s.leaves) = 32 * cardinality(s.transactions)
               THEN aiven_rbac.tree_append(s.peaks_before, s.first, s.leaves) <> s.peaks
               ELSE true END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.broken_seals(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.broken_seals(uuid) IS 'seals that do not continue what was sealed before';

-- The root of the tree as it was when it had so many leaves
CREATE FUNCTION aiven_rbac.root_at(log uuid, at_size bigint) RETURNS bytea
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    s record;
    peaks bytea := '';
BEGIN
    FOR s IN SELECT x.first, x.leaves FROM aiven_rbac.audit_seal AS x WHERE x.organization = log AND x.first < at_size ORDER BY x.first LOOP
        peaks := aiven_rbac.tree_append(peaks, s.first, substr(s.leaves, 1, 32 * least(length(s.leaves) / 32, at_size - s.first)::integer));
    END LOOP;
    RETURN aiven_rbac.tree_root(peaks);
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.root_at(uuid, bigint) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.root_at(uuid, bigint) IS
    'the root of the tree of an organization''s first leaves, made anew from these';

CREATE FUNCTION aiven_rbac.check_anchor(log uuid, anchor text) RETURNS text
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    parts text[] := regexp_match(anchor, '^aiven_rbac:1:([0-9a-f-]{36}):([0-9]{1,18}):([0-9a-f]{64})$');
    now_size bigint;
BEGIN
    IF parts IS NULL THEN
        RAISE EXCEPTION 'invalid anchor "%"', aiven_rbac.excerpt(anchor)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a text that rbac_audit_anchor() has returned.';
    ELSIF parts[1] <> log::text THEN
        RAISE EXCEPTION 'the anchor is that of another log'
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = format('It was made for the organization with the id %s.', parts[1]);
    END IF;
    SELECT coalesce(max(s.size), 0) INTO now_size FROM aiven_rbac.audit_seal AS s WHERE s.organization = log;
    IF now_size < parts[2]::bigint THEN
        RETURN format('The anchor stands for %s rows, and there are %s.', parts[2], now_size);
    ELSIF aiven_rbac.root_at(log, parts[2]::bigint) <> decode(parts[3], 'hex') THEN
        RETURN format('The first %s rows are not those that the anchor stands for.', parts[2]);
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.check_anchor(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.check_anchor(uuid, text) IS
    'what contradicts an anchor of an organization''s log, or NULL';

CREATE FUNCTION aiven_rbac.verify_log(log uuid, anchor text)
    RETURNS TABLE (fault text, organization @extschema@.rbac_path, id text, at timestamptz, event text, detail text)
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    contradiction text := CASE WHEN anchor IS NOT NULL THEN aiven_rbac.check_anchor(coalesce(log, '00000000-0000-0000-0000-000000000000'), anchor) END;
BEGIN
    IF contradiction IS NOT NULL THEN
        RETURN QUERY SELECT 'anchor', (aiven_rbac.resource_with_id(log)).path, NULL::text, NULL::timestamptz, NULL::text, contradiction;
    END IF;
    RETURN QUERY
        SELECT 'seal', (aiven_rbac.resource_with_id(b.organization)).path, NULL::text, b.sealed_at, NULL::text,
               format('The seal after %s rows does not continue what was sealed before.', b.first)
        FROM aiven_rbac.broken_seals(log) AS b ORDER BY b.organization, b.first;
    RETURN QUERY
        SELECT f.fault, (aiven_rbac.resource_with_id(f.organization)).path, aiven_rbac.audit_id(f.at, f.transaction), f.at, f.event,
               CASE f.fault
               WHEN 'changed' THEN 'It does not say what it said when it was ' || CASE WHEN f.leaf IS NULL THEN 'written.' ELSE 'sealed.' END
               WHEN 'added' THEN 'It was not there when the rows of its time were sealed.'
               WHEN 'moved' THEN 'It stands in another log than it was sealed in.'
               ELSE 'It was sealed, and is gone.' END
        FROM (SELECT c.*,
                     CASE WHEN c.content IS NULL THEN
                               CASE WHEN to_char(c.at AT TIME ZONE 'UTC', 'YYYYMM')::integer IN (SELECT m.month FROM aiven_rbac.audit_archived AS m) THEN NULL
                                    WHEN EXISTS (SELECT FROM aiven_rbac.audit AS x WHERE x.at = c.at AND x.transaction = c.transaction
                                                 AND x.installation = c.installation) THEN 'moved'
                                    ELSE 'removed' END
                          WHEN c.leaf IS NULL AND c.transaction < aiven_rbac.sealed_below(c.installation) THEN 'added'
                          WHEN c.content <> coalesce(c.leaf, c.digest) OR c.digest <> c.content THEN 'changed' END AS fault
              FROM aiven_rbac.compare_leaves(log) AS c) AS f
        WHERE f.fault IS NOT NULL
        ORDER BY f.organization, f.transaction, f.at;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.verify_log(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.verify_log(uuid, text) IS
    'what is wrong with the log of an organization (NULL: of all), and what contradicts an anchor';

CREATE FUNCTION @extschema@.rbac_audit_verify(organization text DEFAULT NULL, anchor text DEFAULT NULL)
    RETURNS TABLE (fault text, log @extschema@.rbac_path, id text, at timestamptz, event text, detail text)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT v.* FROM aiven_rbac.verify_log(aiven_rbac.find_sealed(organization), anchor) AS v $$;
COMMENT ON FUNCTION @extschema@.rbac_audit_verify(text, text) IS
    'look for rows of an organization''s log (NULL: of all, for the operator) that were changed, removed, added or moved since they were sealed, and, with an anchor that was kept, whether what was sealed by then is still the beginning of the log; a row for each fault, none if all is well; it requires audit_log.view';

CREATE FUNCTION @extschema@.rbac_audit_verify(organization @extschema@.rbac_path, anchor text DEFAULT NULL)
    RETURNS TABLE (fault text, log @extschema@.rbac_path, id text, at timestamptz, event text, detail text)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT v.* FROM aiven_rbac.verify_log(aiven_rbac.find_sealed(organization::text), anchor) AS v $$;
COMMENT ON FUNCTION @extschema@.rbac_audit_verify(@extschema@.rbac_path, text) IS
    'look for rows of an organization''s log (NULL: of all, for the operator) that were changed, removed, added or moved since they were sealed, and, with an anchor that was kept, whether what was sealed by then is still the beginning of the log; a row for each fault, none if all is well; it requires audit_log.view';

CREATE FUNCTION @extschema@.rbac_audit_verify(organization uuid, anchor text DEFAULT NULL)
    RETURNS TABLE (fault text, log @extschema@.rbac_path, id text, at timestamptz, event text, detail text)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT v.* FROM aiven_rbac.verify_log(aiven_rbac.find_sealed(organization::text), anchor) AS v $$;
COMMENT ON FUNCTION @extschema@.rbac_audit_verify(uuid, text) IS
    'look for rows of an organization''s log (NULL: of all, for the operator) that were changed, removed, added or moved since they were sealed, and, with an anchor that was kept, whether what was sealed by then is still the beginning of the log; a row for each fault, none if all is well; it requires audit_log.view';
