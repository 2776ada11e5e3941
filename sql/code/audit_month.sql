-- The tables of the log: a month each, made in time, and never changed.

CREATE FUNCTION aiven_rbac.audit_refuse() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'the log cannot be changed'
        USING ERRCODE = 'object_not_in_prerequisite_state',
              DETAIL = format('%s of table "%s" was attempted.', TG_OP, TG_TABLE_NAME),
              HINT = 'rbac_audit_archive() detaches months that are over.';
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_refuse() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_refuse() IS 'trigger: the log is written and read, nothing else';

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY '{audit,audit_rest,audit_seal,audit_horizon}'::text[] LOOP
        EXECUTE format('CREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON aiven_rbac.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.audit_refuse()', t);
        EXECUTE format('ALTER TABLE aiven_rbac.%I ENABLE ALWAYS TRIGGER audit_refuse', t);
    END LOOP;
END
$$;

CREATE FUNCTION aiven_rbac.audit_month_begins(month integer) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT make_timestamp(month / 100, month % 100, 1, 0, 0, 0) AT TIME ZONE 'UTC' $$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_month_begins(integer) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_month_begins(integer) IS 'when a month begins, which is said like 202611';

CREATE FUNCTION aiven_rbac.audit_month_after(month integer) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT CASE WHEN month % 100 = 12 THEN month + 89 ELSE month + 1 END $$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_month_after(integer) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_month_after(integer) IS 'the month after another one';

-- What the table of a month has besides its columns: made with it, and made again
-- where a restore has left it out.  The subject is in an index only to be compared
-- there: most rows are about somebody else than whoever is asked about.  Its indexes have no parents: ATTACH would
-- make them anew in a restore, where pg_dump brings them, too.
CREATE FUNCTION aiven_rbac.audit_month_complete(month integer) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET default_tablespace = ''
    AS $$
#variable_conflict use_variable
DECLARE
    name text := 'audit_' || month;
    command text;
BEGIN
    EXECUTE format('CREATE INDEX IF NOT EXISTS %2$I ON aiven_rbac.%1$I (at); '
                   'CREATE INDEX IF NOT EXISTS %3$I ON aiven_rbac.%1$I (organization, at, subject); '
                   'CREATE INDEX IF NOT EXISTS %4$I ON aiven_rbac.%1$I (project, at); '
                   'CREATE INDEX IF NOT EXISTS %5$I ON aiven_rbac.%1$I USING brin (transaction)',
                   name, name || '_at_idx', name || '_organization_idx', name || '_project_idx', name || '_transaction_idx');
    IF NOT EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = format('aiven_rbac.%I', name)::regclass AND g.tgname = 'audit_refuse') THEN
        EXECUTE format(E'\nCREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON aiven_rbac.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.audit_refuse()', name);
    END IF;
    EXECUTE format('ALTER TABLE aiven_rbac.%I ENABLE ALWAYS TRIGGER audit_refuse', name);
    FOR command IN
        SELECT format('ALTER TABLE aiven_rbac.%I ALTER COLUMN %I SET STATISTICS 0', name, a.attname)
        FROM pg_attribute AS a WHERE a.attrelid = 'aiven_rbac.audit'::regclass AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT format('REVOKE ALL ON TABLE aiven_rbac.%I FROM %s', name, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
        FROM pg_class AS c, aclexplode(c.relacl) AS a
        WHERE c.relnamespace = 'aiven_rbac'::regnamespace AND c.relname = name AND a.grantee <> c.relowner
    LOOP
        EXECUTE command;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_month_complete(integer) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_month_complete(integer) IS
    'give the table of a month its indexes and the trigger that refuses changes, and nobody a privilege';

-- The table of a month, which has nobody's privileges, whatever the default is for
-- tables of the extension's owner, and is in the place of all others, whatever
-- the session has chosen.  No constraint says which times are in it: what is begun
-- before midnight may be told after it.
CREATE FUNCTION aiven_rbac.audit_month_table(month integer) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET default_tablespace = ''
    SET default_table_access_method = heap
    AS $$
#variable_conflict use_variable
DECLARE
    name text := 'audit_' || month;
BEGIN
    EXECUTE format('CREATE TABLE aiven_rbac.%I (LIKE aiven_rbac.audit INCLUDING STORAGE)', name);
    PERFORM aiven_rbac.audit_month_complete(month);
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_month_table(integer) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_month_table(integer) IS 'make a table for a month of the log';

-- Nobody waits: whoever finds that another session is making a month, or that
-- the session itself reads the log just now, goes without, and writes to
-- audit_rest.  Attaching waits for no reader and no writer.
CREATE FUNCTION aiven_rbac.audit_month_create(month integer) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    name text := 'audit_' || month;
BEGIN
    LOCK TABLE aiven_rbac.audit IN SHARE UPDATE EXCLUSIVE MODE NOWAIT;
    IF to_regclass('aiven_rbac.' || name) IS NULL THEN
        PERFORM aiven_rbac.audit_month_table(month);
        EXECUTE format('ALTER TABLE aiven_rbac.audit ATTACH PARTITION aiven_rbac.%I FOR VALUES IN (%s)', name, month);
    END IF;
EXCEPTION
    WHEN lock_not_available OR object_in_use THEN
        NULL;
    WHEN OTHERS THEN
        RAISE LOG 'could not make the table "aiven_rbac.%": %', name, SQLERRM;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_month_create(integer) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_month_create(integer) IS
    'make a month of the log, unless it is there or another session is about to';
