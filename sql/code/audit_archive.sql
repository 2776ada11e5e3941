-- Taking old months out of the log.

-- Rows that were written while their month was being made go to it.
CREATE FUNCTION aiven_rbac.audit_sort_rest(until timestamptz) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    m integer;
BEGIN
    IF NOT EXISTS (SELECT FROM aiven_rbac.audit_rest AS a WHERE a.at < until) THEN
        RETURN;
    END IF;
    ALTER TABLE aiven_rbac.audit_rest DISABLE TRIGGER audit_refuse;
    FOR m IN SELECT DISTINCT to_char(a.at AT TIME ZONE 'UTC', 'YYYYMM')::integer FROM aiven_rbac.audit_rest AS a WHERE a.at < until LOOP
        PERFORM aiven_rbac.audit_month_create(m);
        EXECUTE format(
            'WITH moved AS (DELETE FROM aiven_rbac.audit_rest WHERE at >= aiven_rbac.audit_month_begins(%1$s) '
            'AND at < aiven_rbac.audit_month_begins(aiven_rbac.audit_month_after(%1$s)) RETURNING *) '
            'INSERT INTO aiven_rbac.%2$I SELECT m.at, m.transaction, m.installation, %1$s, m.organization, m.project, m.resource, m.actor, '
            'm.subject, m.event, m.actor_name, m.subject_name, m.path, m.database_role, m.client_address, m.application_name, m.before, m.after, '
            'm.digest FROM moved AS m', m, 'audit_' || m);
    END LOOP;
    ALTER TABLE aiven_rbac.audit_rest ENABLE ALWAYS TRIGGER audit_refuse;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_sort_rest(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_sort_rest(timestamptz) IS
    'move rows of the log that came before their month to the table of their month';

-- Who writes to the log is not in the way, and who reads it is waited for, but
-- not for ever: others who read it would wait behind.
CREATE FUNCTION @extschema@.rbac_audit_archive(before timestamptz) RETURNS SETOF regclass
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '5s'
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    month_now integer := to_char(now() AT TIME ZONE 'UTC', 'YYYYMM');
    until timestamptz;
    m integer;
BEGIN
    IF actor.operator IS NOT TRUE THEN
        RAISE EXCEPTION 'permission denied to archive the log'
            USING ERRCODE = 'insufficient_privilege', DETAIL = 'The operator does it, without a principal.';
    ELSIF before IS NULL THEN
        RAISE EXCEPTION 'the time before which months are archived must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    until := least(date_trunc('month', before AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', aiven_rbac.audit_month_begins(month_now));
    LOCK TABLE aiven_rbac.audit IN ACCESS EXCLUSIVE MODE;
    PERFORM aiven_rbac.audit_sort_rest(until);
    FOR m IN SELECT substr(c.relname, 7)::integer FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
             WHERE i.inhparent = 'aiven_rbac.audit'::regclass AND c.relname ~ '^audit_[0-9]{6}$'
             ORDER BY c.relname
    LOOP
        CONTINUE WHEN aiven_rbac.audit_month_begins(m) >= until;
        EXECUTE format('ALTER TABLE aiven_rbac.audit DETACH PARTITION aiven_rbac.%I', 'audit_' || m);
        INSERT INTO aiven_rbac.audit_archived (month) VALUES (m) ON CONFLICT DO NOTHING;
        RETURN NEXT format('aiven_rbac.%I', 'audit_' || m)::regclass;
    END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_audit_archive(timestamptz) IS
    'take the months of the log that ended before a time out of it, and return their tables, to be saved elsewhere and dropped; for the operator';
