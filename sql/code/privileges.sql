-- The last word on privileges.  Roles with default privileges in this database
-- ("ALTER DEFAULT PRIVILEGES GRANT ... ON TABLES TO ...", mostly meant for the
-- application's objects) have been given them on every object made above.  Here
-- they would undo all access control: a table that can be written is a grant of
-- everything, and internal functions trust their caller.
--
-- An object that was a member before this script keeps its privileges: an upgrade
-- does not revoke what an administrator has granted.
DO $$
DECLARE
    revoke text;
BEGIN
    FOR revoke IN
        SELECT pg_catalog.format('REVOKE CREATE ON SCHEMA aiven_rbac FROM %s',
                                 CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END)
        FROM pg_catalog.pg_namespace AS n, pg_catalog.aclexplode(n.nspacl) AS a
        WHERE n.nspname = 'aiven_rbac' AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
        UNION ALL
        SELECT pg_catalog.format('REVOKE ALL ON TABLE %s FROM %s', c.oid::pg_catalog.regclass,
                                 CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END)
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'aiven_rbac',
             pg_catalog.aclexplode(c.relacl) AS a
        -- A view for PUBLIC judges the session's principal, and is a security
        -- barrier.
        WHERE a.grantee <> c.relowner
          AND c.oid::text <> ALL (string_to_array(current_setting('aiven_rbac_script.members'), ' '))
          AND (c.relkind IN ('r', 'p')
               OR (c.relkind = 'v'
                   AND (a.grantee <> 0 OR c.reloptions IS DISTINCT FROM '{security_barrier=true}')))
        UNION ALL
        -- Functions that PUBLIC may execute are left alone.
        SELECT pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM %s', p.oid::pg_catalog.regprocedure,
                                 a.grantee::pg_catalog.regrole)
        FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'aiven_rbac'
        JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid,
             pg_catalog.aclexplode(p.proacl) AS a
        WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
          AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
          AND a.grantee NOT IN (0, p.proowner)
          AND p.oid::text <> ALL (string_to_array(current_setting('aiven_rbac_script.members'), ' '))
          AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(p.proacl) AS x WHERE x.grantee = 0)
    LOOP
        EXECUTE revoke;
    END LOOP;
END
$$;
