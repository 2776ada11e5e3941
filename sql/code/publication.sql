-- One authority, many application databases, by logical replication.
--
-- A subscriber gets every row that decisions and look-ups read, and none that is a
-- server's own: signals, database roles, when tokens were used, the log.  Its
-- tables have the rows of the built-in catalogue already, by CREATE EXTENSION.

CREATE FUNCTION aiven_rbac.is_subscriber() RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_is_subscriber_here'
    LANGUAGE C STABLE;
COMMENT ON FUNCTION aiven_rbac.is_subscriber() IS 'does a subscription bring the rows of this database''s hierarchy, people and grants?';

CREATE FUNCTION aiven_rbac.subscriptions(OUT id oid, OUT copied boolean, OUT runs boolean, OUT as_of timestamptz, OUT behind boolean)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'rbac_subscriptions'
    LANGUAGE C STABLE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.subscriptions() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.subscriptions() IS
    'subscriptions to tables of the extension: whether the initial copy is complete, whether a worker applies changes, as of when all is here, and whether more is known to exist';

-- Nobody but the subscription writes at a subscriber.  TRUNCATE and COPY fire these
-- in its workers, too.
CREATE FUNCTION aiven_rbac.refuse_at_subscriber() RETURNS trigger
    AS 'MODULE_PATHNAME', 'rbac_refuse_at_subscriber'
    LANGUAGE C;
REVOKE ALL ON FUNCTION aiven_rbac.refuse_at_subscriber() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.refuse_at_subscriber() IS
    'trigger: refuses what changes a table whose rows a subscription brings, unless the subscription does';

CREATE FUNCTION aiven_rbac.keep_built_in() RETURNS trigger
    AS 'MODULE_PATHNAME', 'rbac_keep_built_in'
    LANGUAGE C;
REVOKE ALL ON FUNCTION aiven_rbac.keep_built_in() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.keep_built_in() IS
    'trigger: leaves out rows of the built-in catalogue that replication brings; the extension has made them';

DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT v.name, v.signal FROM aiven_rbac.tables() AS v WHERE v.published LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER refuse_at_subscriber BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON aiven_rbac.%1$I '
            'FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.refuse_at_subscriber()', t.name);
        EXECUTE pg_catalog.format('ALTER TABLE aiven_rbac.%I ENABLE ALWAYS TRIGGER refuse_at_subscriber', t.name);
        CONTINUE WHEN t.signal IS DISTINCT FROM 'catalogue';
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_built_in BEFORE INSERT OR UPDATE OR DELETE ON aiven_rbac.%1$I '
            'FOR EACH ROW EXECUTE FUNCTION aiven_rbac.keep_built_in()', t.name);
        EXECUTE pg_catalog.format('ALTER TABLE aiven_rbac.%I ENABLE ALWAYS TRIGGER keep_built_in', t.name);
    END LOOP;
END
$$;

-- What is newer than this database's version of the extension is not understood
-- here: columns, kinds and actions would be missing.  The subscription stops before
-- it, and goes on when the extension is upgraded.
CREATE FUNCTION aiven_rbac.accept_authority() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    own text := (SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'aiven_rbac');
BEGIN
    IF string_to_array(substring(NEW.version FROM '^[0-9.]*[0-9]'), '.')::int[]
       <= string_to_array(substring(own FROM '^[0-9.]*[0-9]'), '.')::int[] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the authority has version "%" of aiven_rbac, and this database "%"', NEW.version, own
        USING ERRCODE = 'object_not_in_prerequisite_state',
              HINT = 'Run ALTER EXTENSION aiven_rbac UPDATE here. Subscribers are upgraded first.';
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.accept_authority() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.accept_authority() IS 'trigger: refuses rows of an authority whose version of the extension is newer';

CREATE TRIGGER accept_authority BEFORE INSERT OR UPDATE ON aiven_rbac.authority
    FOR EACH ROW EXECUTE FUNCTION aiven_rbac.accept_authority();
ALTER TABLE aiven_rbac.authority ENABLE ALWAYS TRIGGER accept_authority;

-- An upgrade of the authority tells.
UPDATE aiven_rbac.authority AS a
SET version = (SELECT e.extversion FROM pg_catalog.pg_extension AS e WHERE e.extname = 'aiven_rbac')
WHERE NOT aiven_rbac.is_subscriber();

CREATE FUNCTION @extschema@.rbac_publication_create(name text DEFAULT 'aiven_rbac') RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF name IS NULL OR name = '' OR octet_length(name) > 63 THEN
        RAISE EXCEPTION 'invalid name of a publication'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'A name has 1 to 63 bytes.';
    END IF;
    -- A subscriber passes nothing on: it refuses this, as every change.
    DELETE FROM aiven_rbac.authority;
    INSERT INTO aiven_rbac.authority (installation, database, system, version)
    SELECT gen_random_uuid(), current_database(), (pg_control_system()).system_identifier, e.extversion
    FROM pg_extension AS e WHERE e.extname = 'aiven_rbac';
    EXECUTE (SELECT format('CREATE PUBLICATION %I FOR TABLE %s WITH (publish = ''insert, update, delete, truncate'')', name,
                           string_agg(format('aiven_rbac.%I', t.name), ', '))
             FROM aiven_rbac.tables() AS t WHERE t.published);
END
$$;
REVOKE ALL ON FUNCTION @extschema@.rbac_publication_create(text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.rbac_publication_create(text) IS
    'make this database the authority of others: create a publication of hierarchy, people, grants, policies, tokens and the roles of one''s own, for rbac_subscription_sql()';

CREATE FUNCTION @extschema@.rbac_subscription_sql(name text, connection text, publication text DEFAULT 'aiven_rbac') RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    t record;
    filled boolean;
BEGIN
    IF name IS NULL OR connection IS NULL OR publication IS NULL THEN
        RAISE EXCEPTION 'name, connection and publication must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF '' IN (name, publication) OR octet_length(name) > 63 OR octet_length(publication) > 63 THEN
        RAISE EXCEPTION 'invalid name of a subscription or publication'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'A name has 1 to 63 bytes.';
    END IF;
    FOR t IN SELECT v.name, v.condition FROM aiven_rbac.tables() AS v WHERE v.published AND v.condition IS NOT NULL LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM aiven_rbac.%I %s)', t.name, t.condition) INTO filled;
        IF filled THEN
            RAISE EXCEPTION 'table "%" has rows of this database''s own', t.name
                USING ERRCODE = 'object_not_in_prerequisite_state',
                      DETAIL = 'Those of the authority would come beside them.',
                      HINT = 'Call this in the database that is to subscribe, after CREATE EXTENSION and before anything else.';
        END IF;
    END LOOP;
    RETURN NEXT format('CREATE SUBSCRIPTION %I CONNECTION %L PUBLICATION %I', name, connection, publication);
END
$$;
REVOKE ALL ON FUNCTION @extschema@.rbac_subscription_sql(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.rbac_subscription_sql(text, text, text) IS
    'the statements that let this database get its rows from an authority: run them with \gexec; an error if it has rows of its own';

-- While nobody sets a bound, ten seconds are one.  A subscriber reports every ten
-- seconds at the latest, and hears from an idle authority in half of
-- wal_receiver_timeout.
CREATE FUNCTION @extschema@.rbac_replication_status()
    RETURNS TABLE (name text, side text, state text, lag interval, detail text)
    LANGUAGE sql VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH allowed AS (
        SELECT NULLIF(current_setting('aiven_rbac.max_replica_delay', true)::interval, '0'::interval) AS bound
    ), subscriber AS (
        SELECT s.subname::text AS name, s.subenabled, x.copied, x.runs, x.behind, x.as_of, clock_timestamp() - x.as_of AS lag,
               coalesce(a.bound, '10 s'::interval
                                 + CASE WHEN x.behind THEN '0'::interval ELSE current_setting('wal_receiver_timeout')::interval / 2 END) AS most
        FROM aiven_rbac.subscriptions() AS x JOIN pg_subscription AS s ON s.oid = x.id, allowed AS a
    ), slot AS (
        SELECT s.slot_name::text AS name, s.active, pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn) AS bytes,
               greatest(coalesce(r.replay_lag, '0'::interval), clock_timestamp() - r.reply_time - '10 s'::interval) AS lag,
               coalesce(a.bound, '10 s'::interval) AS most
        FROM pg_replication_slots AS s LEFT JOIN pg_stat_replication AS r ON r.pid = s.active_pid, allowed AS a
        WHERE s.plugin = 'pgoutput' AND s.database = current_database() AND NOT s.temporary AND s.slot_name !~ '^pg_[0-9]+_sync_'
          AND NOT pg_is_in_recovery()
          AND EXISTS (SELECT FROM pg_publication AS p, LATERAL pg_get_publication_tables(p.pubname) AS t
                      WHERE t.relid = 'aiven_rbac.resource'::regclass)
    )
    SELECT s.name, 'subscriber', x.state, s.lag,
           CASE WHEN NOT s.subenabled THEN 'the subscription is disabled'
                WHEN NOT s.runs THEN 'no worker applies changes; the server''s log says why'
                WHEN NOT s.copied THEN 'the initial copy is not complete'
                WHEN s.as_of IS NULL THEN 'the worker has not heard yet that it has everything'
                WHEN s.behind THEN 'changes are being applied'
                ELSE 'everything is applied' END
    FROM subscriber AS s,
         LATERAL (SELECT CASE WHEN NOT s.subenabled OR NOT s.runs THEN 'stopped'
                              WHEN s.as_of IS NULL OR s.lag > s.most THEN 'lagging' ELSE 'running' END) AS x (state)
    UNION ALL
    SELECT s.name, 'authority',
           CASE WHEN NOT s.active THEN 'stopped' WHEN s.lag > s.most THEN 'lagging' ELSE 'running' END,
           CASE WHEN s.active THEN greatest(s.lag, '0'::interval) END,
           CASE WHEN s.active THEN format('%s bytes of the log are not confirmed', s.bytes)
                ELSE format('not connected; %s bytes of the log are kept for it', s.bytes) END
    FROM slot AS s
$$;
REVOKE ALL ON FUNCTION @extschema@.rbac_replication_status() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.rbac_replication_status() IS
    'one row for each subscription, at the authority and at the subscriber: running, lagging (beyond aiven_rbac.max_replica_delay, or ten seconds) or stopped, and how old what the subscriber knows is';
