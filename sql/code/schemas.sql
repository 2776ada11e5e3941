-- The names of the two schemas stay, since they stand in the bodies of functions.
-- If one were renamed, another role could make a schema with the name that has
-- become free, and its functions would be called with the rights of the
-- extension's owner.

CREATE FUNCTION aiven_rbac.keep_schemas() RETURNS event_trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
                   WHERE e.extname = 'aiven_rbac' AND quote_ident(n.nspname) = '@extschema@')
       OR to_regnamespace('aiven_rbac') IS NULL THEN
        RAISE EXCEPTION 'schema of the extension aiven_rbac cannot be renamed'
            USING ERRCODE = 'feature_not_supported',
                  DETAIL = 'The extension''s functions call each other by the names of its schemas.',
                  HINT = 'CREATE EXTENSION aiven_rbac WITH SCHEMA chooses the schema of the functions that users call.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.keep_schemas() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.keep_schemas() IS
    'event trigger: the schemas of the extension keep their names';

-- In every replication role.  A trigger of this kind has no OR REPLACE; one
-- that stands calls the function that was just replaced.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_event_trigger AS t WHERE t.evtname = 'aiven_rbac_keep_schemas') THEN
        CREATE EVENT TRIGGER aiven_rbac_keep_schemas ON ddl_command_end WHEN TAG IN ('ALTER SCHEMA')
            EXECUTE FUNCTION aiven_rbac.keep_schemas();
        ALTER EVENT TRIGGER aiven_rbac_keep_schemas ENABLE ALWAYS;
        COMMENT ON EVENT TRIGGER aiven_rbac_keep_schemas IS 'the schemas of the extension aiven_rbac keep their names';
    END IF;
END
$$;
