-- Whether the protection of this database's tables has holes.

CREATE FUNCTION @extschema@.rbac_cache_stats(OUT entries integer, OUT bytes bigint, OUT hits bigint, OUT misses bigint,
                                             OUT loads bigint, OUT lookups bigint, OUT walks bigint,
                                             OUT evictions bigint, OUT invalidations bigint)
    RETURNS record
    AS 'MODULE_PATHNAME', 'rbac_cache_stats'
    LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION @extschema@.rbac_cache_stats() IS
    'this session''s cache: principals in it and the memory that they take (at most aiven_rbac.cache_size); how often a statement''s function found its principal there or not; principals read from the tables, resources looked up one by one and by subtrees; principals forgotten for want of memory; changes that made it old';

-- Calls of decision functions in the text of a policy's condition, as far as
-- plans can be made of them: on a column, with constant names.
CREATE FUNCTION aiven_rbac.decision_calls(condition text, OUT "column" text, OUT names text[], OUT is_all boolean)
    RETURNS SETOF record
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN c[2] LIKE '"%' THEN replace(substr(c[2], 2, length(c[2]) - 2), '""', '"') ELSE c[2] END,
           CASE WHEN c[3] IS NOT NULL THEN ARRAY[replace(c[3], '''''', '''')]
                WHEN c[4] IS NOT NULL THEN replace(c[4], '''''', '''')::text[]
                ELSE ARRAY(SELECT replace(n[1], '''''', '''') FROM regexp_matches(c[5], '''((?:[^'']|'''')*)''::text', 'g') AS n) END,
           c[1] = condition
    FROM regexp_matches(condition,
                        '((?:[^\s().]+\.)?rbac_has_(?:any_)?permission\(("(?:[^"]|"")+"|[[:alpha:]_][[:alnum:]_$]*), '
                        '(?:''((?:[^'']|'''')*)''::text|VARIADIC ''((?:[^'']|'''')*)''::text\[\]|VARIADIC ARRAY\[((?:''(?:[^'']|'''')*''::text(?:, )?)+)\])\))',
                        'g') AS c
$$;
COMMENT ON FUNCTION aiven_rbac.decision_calls(text) IS
    'the columns and names that a policy''s condition asks about, and whether that is all of the condition';

CREATE FUNCTION @extschema@.rbac_check_protection()
    RETURNS TABLE (severity text, object text, finding text, remedy text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH RECURSIVE decision AS MATERIALIZED (
        SELECT p.oid FROM pg_proc AS p JOIN pg_depend AS d
            ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
            AND d.refclassid = 'pg_extension'::regclass
        JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'aiven_rbac'
        WHERE p.proname IN ('rbac_has_permission', 'rbac_has_any_permission')
    ), wrapper AS MATERIALIZED (
        -- Functions of the application's that ask
        SELECT p.oid FROM pg_proc AS p
        WHERE p.pronamespace <> 'pg_catalog'::regnamespace
          AND (p.prosrc ~ 'rbac_has_(any_)?permission'
               OR EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                          AND d.refclassid = 'pg_proc'::regclass AND d.refobjid IN (SELECT f.oid FROM decision AS f)))
          AND NOT EXISTS (SELECT FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
                          WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
                            AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'aiven_rbac')
    ), policy AS MATERIALIZED (
        SELECT p.polrelid, p.polname, p.polpermissive, p.oid, c.condition,
               EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid
                       AND d.refclassid = 'pg_proc'::regclass AND d.refobjid IN (SELECT f.oid FROM decision AS f)) AS decides,
               (SELECT min(d.refobjid::regprocedure::text) FROM pg_depend AS d WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid
                AND d.refclassid = 'pg_proc'::regclass AND d.refobjid IN (SELECT f.oid FROM wrapper AS f)) AS through
        FROM pg_policy AS p, LATERAL (SELECT concat_ws(' ', pg_get_expr(p.polqual, p.polrelid),
                                                       pg_get_expr(p.polwithcheck, p.polrelid))) AS c (condition)
    ), mine AS MATERIALIZED (
        SELECT c.*, o.rolname AS owner_name, o.rolcanlogin AS owner_logs_in, t.name,
               (SELECT min(a.attname::text) FROM pg_attribute AS a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                  AND (a.atttypid = '@extschema@.rbac_path'::regtype
                       OR EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype = 'f'
                                  AND k.confrelid = 'aiven_rbac.resource'::regclass AND a.attnum = ANY (k.conkey)))) AS resource_column,
               EXISTS (SELECT FROM policy AS p WHERE p.polrelid = c.oid AND (p.decides OR p.through IS NOT NULL)) AS protected,
               (SELECT string_agg(DISTINCT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee)::text END, ', ')
                FROM aclexplode(c.relacl) AS g WHERE g.grantee <> c.relowner) AS others,
               EXISTS (SELECT FROM pg_inherits AS i JOIN policy AS p ON p.polrelid = i.inhparent WHERE i.inhrelid = c.oid) AS below_protected
        FROM pg_class AS c JOIN pg_roles AS o ON o.oid = c.relowner, LATERAL (SELECT c.oid::regclass::text) AS t (name)
        WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relpersistence <> 't'
          AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
          AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ), application_table AS MATERIALIZED (
        SELECT * FROM mine WHERE relkind IN ('r', 'p')
    ), reads AS (
        -- Views, and what they read, directly and through others
        SELECT DISTINCT r.ev_class AS view, d.refobjid AS relation
        FROM pg_rewrite AS r JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
            AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
    ), reads_through AS (
        SELECT view, relation FROM reads
        UNION
        SELECT t.view, r.relation FROM reads_through AS t JOIN reads AS r ON r.view = t.relation
    ), found (severity, object, finding, remedy) AS (
        SELECT 'error', t.name,
               format('row-level security is not enabled, but column "%s" says which resource a row belongs to', t.resource_column),
               format('SELECT rbac_protect_table(%L, %L, read => ...), or let no role but its owner have privileges on it', t.name, t.resource_column)
        FROM application_table AS t WHERE t.resource_column IS NOT NULL AND NOT t.relrowsecurity AND NOT t.protected AND NOT t.below_protected
        UNION ALL
        SELECT 'error', t.name, 'row-level security is not enabled, so that its policies mean nothing',
               format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t.name)
        FROM application_table AS t WHERE t.protected AND NOT t.relrowsecurity
        UNION ALL
        SELECT CASE WHEN t.owner_logs_in THEN 'error' ELSE 'warning' END, t.name,
               format('row-level security is not forced: its owner "%s"%s sees every row', t.owner_name,
                      CASE WHEN t.owner_logs_in THEN ', who can log in,' ELSE '' END),
               format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t.name)
        FROM application_table AS t WHERE t.relrowsecurity AND NOT t.relforcerowsecurity AND (t.protected OR t.resource_column IS NOT NULL)
        UNION ALL
        SELECT 'warning', t.name, 'row-level security is enabled, but no policy asks what the principal may do',
               format('SELECT rbac_protect_table(%L, %L, read => ...)', t.name, t.resource_column)
        FROM application_table AS t WHERE t.relrowsecurity AND NOT t.protected AND t.resource_column IS NOT NULL
        UNION ALL
        SELECT 'warning', t.name,
               format('policy "%s" calls a decision function on something else than a column, or with a name that is not constant: each row is judged by itself, and no index helps', p.polname),
               'Call it as rbac_has_permission(column, ''name''), as rbac_protect_table() does.'
        FROM application_table AS t JOIN policy AS p ON p.polrelid = t.oid AND p.decides
        WHERE (SELECT count(*) FROM regexp_matches(p.condition, 'rbac_has_(any_)?permission\(', 'g'))
              > (SELECT count(*) FROM aiven_rbac.decision_calls(p.condition))
        UNION ALL
        SELECT 'warning', t.name,
               format('policy "%s" asks through the function %s, which hides the question from the planner: no index helps', p.polname, p.through),
               'Call rbac_has_permission(column, ''name'') in the policy itself.'
        FROM application_table AS t JOIN policy AS p ON p.polrelid = t.oid AND p.through IS NOT NULL
        UNION ALL
        SELECT 'warning', t.name,
               format('policy "%s" is permissive and asks no decision function: what it lets pass is added to what the principal has a right to', p.polname),
               format('DROP POLICY %I ON %s, or create it anew AS RESTRICTIVE', p.polname, t.name)
        FROM application_table AS t JOIN policy AS p ON p.polrelid = t.oid AND p.polpermissive AND NOT p.decides AND p.through IS NULL
        WHERE t.protected AND p.condition !~ '^false( false)?$'
        UNION ALL
        SELECT DISTINCT 'warning', t.name, format('no index begins with column "%s", which policies ask about', k."column"),
               format('CREATE INDEX ON %s (%I)', t.name, k."column")
        FROM application_table AS t JOIN policy AS p ON p.polrelid = t.oid AND p.decides,
            LATERAL aiven_rbac.decision_calls(p.condition) AS k JOIN pg_attribute AS a ON a.attname = k."column"
        WHERE a.attrelid = t.oid
          AND NOT EXISTS (SELECT FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS m ON m.oid = c.relam
                          WHERE i.indrelid = t.oid AND i.indkey[0] = a.attnum AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree')
        UNION ALL
        SELECT 'error', c.name, format('it is a part of the protected table %s and has no row-level security of its own, but %s may use it directly', t.name, c.others),
               format('REVOKE ALL ON %s FROM %s, or protect it like the table that it is a part of', c.name, c.others)
        FROM application_table AS t JOIN pg_inherits AS i ON i.inhparent = t.oid JOIN application_table AS c ON c.oid = i.inhrelid
        WHERE t.protected AND NOT c.relrowsecurity AND c.others IS NOT NULL
        UNION ALL
        SELECT 'warning', format('role "%s"', r.rolname),
               format('it can log in and %s: it sees every row of every table', CASE WHEN r.rolsuper THEN 'is superuser' ELSE 'has BYPASSRLS' END),
               format('ALTER ROLE %I %s, unless it is an administrator''s', r.rolname, CASE WHEN r.rolsuper THEN 'NOSUPERUSER' ELSE 'NOBYPASSRLS' END)
        FROM pg_roles AS r WHERE r.rolcanlogin AND (r.rolsuper OR r.rolbypassrls) AND r.oid <> 10
        UNION ALL
        SELECT 'error', v.name,
               format('the view reads the protected table %s with the rights of its owner "%s", who is not subject to row-level security', t.name, v.owner_name),
               CASE WHEN current_setting('server_version_num')::int >= 150000
                    THEN format('ALTER VIEW %s SET (security_invoker)', v.name)
                    ELSE format('ALTER VIEW %s OWNER TO a role that is subject to it', v.name) END
        FROM mine AS v JOIN reads AS r ON r.view = v.oid JOIN application_table AS t ON t.oid = r.relation AND t.protected
        JOIN pg_roles AS o ON o.oid = v.relowner
        WHERE v.relkind = 'v'
          AND NOT EXISTS (SELECT FROM pg_options_to_table(v.reloptions) AS x WHERE x.option_name = 'security_invoker' AND x.option_value::boolean)
          AND (o.rolsuper OR o.rolbypassrls OR (NOT t.relforcerowsecurity AND pg_has_role(v.relowner, t.relowner, 'USAGE')))
        UNION ALL
        SELECT CASE WHEN v.others IS NOT NULL THEN 'error' ELSE 'notice' END, v.name,
               format('the materialized view keeps rows of the protected table %s, and cannot have row-level security itself', t.name),
               'Let only roles that may see every row have privileges on it, or show it by a view that asks rbac_has_permission().'
        FROM mine AS v JOIN reads_through AS r ON r.view = v.oid JOIN application_table AS t ON t.oid = r.relation AND t.protected
        WHERE v.relkind = 'm'
        UNION ALL
        SELECT 'warning', t.name, format('%s may TRUNCATE it, which asks no policy', string_agg(g.name, ', ' ORDER BY g.name)),
               format('REVOKE TRUNCATE ON %s FROM %s', t.name, string_agg(g.name, ', ' ORDER BY g.name))
        FROM application_table AS t, LATERAL (SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END
                                  FROM aclexplode(t.relacl) AS x
                                  WHERE x.grantee <> t.relowner AND x.privilege_type = 'TRUNCATE') AS g (name)
        WHERE t.protected GROUP BY t.name
        UNION ALL
        SELECT 'notice', k.conrelid::regclass::text,
               format('its foreign key "%s" tells whether a key exists in the protected table %s, also for rows that are not seen', k.conname, t.name),
               'Protect it by the same resource, with the resource in the key, or let only trusted roles write to it.'
        FROM application_table AS t JOIN pg_constraint AS k ON k.confrelid = t.oid AND k.contype = 'f' AND k.conrelid <> t.oid AND k.conparentid = 0
        WHERE t.protected
        UNION ALL
        SELECT 'notice', t.name,
               format('its unique index "%s" tells by an error whether a value exists in a row that is not seen', c.relname),
               'Let it begin with the column of the resource, if values need be unique in a resource only.'
        FROM application_table AS t JOIN pg_index AS i ON i.indrelid = t.oid AND i.indisunique JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE t.protected
          -- What is random or numbered tells nothing worth knowing.
          AND EXISTS (SELECT FROM unnest(i.indkey::int2[]) AS n LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = n
                      LEFT JOIN pg_attrdef AS d ON d.adrelid = t.oid AND d.adnum = n
                      WHERE n = 0 OR (a.atttypid <> 'uuid'::regtype AND a.attidentity = ''
                                      AND coalesce(pg_get_expr(d.adbin, d.adrelid), '') NOT LIKE 'nextval(%'))
          AND NOT EXISTS (SELECT FROM policy AS p, LATERAL aiven_rbac.decision_calls(p.condition) AS q
                          JOIN pg_attribute AS a ON a.attname = q."column" AND a.attrelid = t.oid
                          WHERE p.polrelid = t.oid AND a.attnum = ANY (i.indkey::int2[]))
        UNION ALL
        -- ALTER TABLE ... ENABLE TRIGGER ALL, which ends a restore with
        -- --disable-triggers, takes away what makes these triggers special.
        SELECT 'error', g.tgrelid::regclass::text,
               format('its trigger "%s" does not tell of changes in every replication role, so that sessions can miss some', g.tgname),
               format('ALTER TABLE %s ENABLE %s TRIGGER %I', g.tgrelid::regclass, w.state, g.tgname)
        FROM pg_trigger AS g
        JOIN pg_class AS c ON c.oid = g.tgrelid AND c.relnamespace = 'aiven_rbac'::regnamespace,
             LATERAL (SELECT CASE g.tgname WHEN 'signal_change_applied' THEN 'REPLICA' ELSE 'ALWAYS' END) AS w (state)
        WHERE g.tgname IN ('signal_change', 'signal_change_begun', 'signal_change_applied') AND g.tgenabled <> left(w.state, 1)::"char"
    )
    SELECT severity, object, finding, remedy FROM found
    ORDER BY array_position('{error,warning,notice}', severity), object, finding
$$;
COMMENT ON FUNCTION @extschema@.rbac_check_protection() IS
    'look for holes in the protection of this database''s tables: one row a finding, the worst first, with what would mend it';
