-- What a change would do, without making it.

CREATE FUNCTION aiven_rbac.counted_tables(reader oid, OUT "table" oid, OUT names text[], OUT by_path boolean, OUT query text)
    RETURNS SETOF record
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT c.oid, q.names, a.atttypid = '@extschema@.rbac_path'::regtype,
           format('SELECT count(*) FROM %s WHERE %s OPERATOR(%s.=) ANY ($1)', c.oid::regclass,
                  CASE WHEN q.space IS NULL THEN quote_ident(a.attname) ELSE aiven_rbac.id_expression(q.space, a.attname, a.atttypid) END,
                  CASE WHEN a.atttypid = '@extschema@.rbac_path'::regtype THEN '@extschema@' ELSE 'pg_catalog' END)
    FROM pg_catalog.pg_policy AS p
    JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid AND c.relrowsecurity
    CROSS JOIN LATERAL aiven_rbac.decision_calls(p.polrelid, p.polqual) AS q
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = q.column_number
    WHERE p.polname = 'rbac_select' AND q.is_all AND q.names IS NOT NULL
      AND (a.atttypid IN ('uuid'::regtype, '@extschema@.rbac_path'::regtype) OR q.space IS NOT NULL)
      AND (has_table_privilege(reader, c.oid, 'SELECT') OR has_any_column_privilege(reader, c.oid, 'SELECT'))
      AND has_table_privilege(c.relowner, c.oid, 'SELECT')
$$;
REVOKE ALL ON FUNCTION aiven_rbac.counted_tables(oid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.counted_tables(oid) IS
    'the protected tables that a database role may read: which names their rows require one of, and a query that counts the rows of some resources';

-- It runs with the caller's rights, since the SQL is the caller's.
CREATE FUNCTION @extschema@.rbac_what_if(sql text)
    RETURNS TABLE (change text, principal uuid, kind text, principal_name text, resource @extschema@.rbac_path,
                   permission text, "table" regclass, rows bigint)
    AS 'MODULE_PATHNAME', 'rbac_what_if'
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    COST 100000 ROWS 100;
COMMENT ON FUNCTION @extschema@.rbac_what_if(text) IS
    'runs SQL as the caller, one statement or several, undoes all of it, and tells which users and application users would have gained or lost which permission (action:NAME for an action of no permission that is held), at the topmost place where that is so, and how many rows of protected tables; what is told is what the session''s principal holds project_permission.view or permission.grant on, and of tables what the caller may read';
