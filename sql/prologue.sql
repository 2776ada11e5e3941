
-- Every script, to install or to upgrade, begins with this.

-- Nothing that somebody else has made is called by an unqualified operator or
-- function.  CREATE EXTENSION puts the target schema on the path, and there an
-- operator that fits better than pg_catalog's would be run as a superuser.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

-- PostgreSQL refuses to replace what is no member of the extension, but not
-- before 14.5.
DO $$
BEGIN
    IF current_setting('server_version_num')::int < 140005 THEN
        RAISE EXCEPTION 'aiven_rbac requires PostgreSQL 14.5 or later'
            USING ERRCODE = 'feature_not_supported',
                  DETAIL = format('This is PostgreSQL %s.', current_setting('server_version'));
    END IF;
END
$$;

-- Functions and tables that were members before the script: their privileges
-- are the administrator's (code/privileges.sql).
SELECT set_config('aiven_rbac_script.members',
                  (SELECT coalesce(string_agg(d.objid::text, ' '), '')
                   FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
                   WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'aiven_rbac'
                     AND d.classid IN ('pg_proc'::regclass, 'pg_class'::regclass)),
                  true);
