-- Does the protection of this database's tables have holes?  One function for
-- each finding, over views of PostgreSQL's catalogs, and their union.
--
-- All of it reads catalogs and tables of the extension, and nothing else.  No function, operator or type of a
-- table's owner is called, and no text of an owner's is parsed, so that no owner
-- can make the lint fail, or blind it.

-- What is there -----------------------------------------------------------------

CREATE FUNCTION aiven_rbac.decision_calls("table" oid, condition pg_node_tree, OUT column_number smallint, OUT space text,
                                          OUT names text[], OUT is_all boolean, OUT indexed boolean)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'rbac_policy_decision_calls'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION aiven_rbac.decision_calls(oid, pg_node_tree) IS
    'calls of decision functions in the condition of a table''s policy: the column that names the resource, the space of which it holds keys, the constant names, whether the call is all of the condition, and whether an index begins with what it asks about';

CREATE FUNCTION aiven_rbac.passage(condition pg_node_tree, tables oid[], functions oid[]) RETURNS text
    AS 'MODULE_PATHNAME', 'rbac_policy_passage'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.passage(pg_node_tree, oid[], oid[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.passage(pg_node_tree, oid[], oid[]) IS
    'when a row passes a condition: never, by decision, otherwise (also without a decision) or always; rows of the tables are seen, and the functions are true, by a decision only';

CREATE FUNCTION aiven_rbac.needs_search_path(tree pg_node_tree) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_policy_needs_search_path'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.needs_search_path(pg_node_tree) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.needs_search_path(pg_node_tree) IS
    'does an expression or a query compare paths by IS DISTINCT FROM, NULLIF, CASE or JOIN USING, which pg_dump cannot print with the operator''s schema?';

CREATE VIEW aiven_rbac.member AS
    SELECT d.classid, d.objid
    FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'aiven_rbac'
    WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e';
COMMENT ON VIEW aiven_rbac.member IS 'the objects of the extension';

CREATE VIEW aiven_rbac.application_function AS
    SELECT p.oid, p.oid::regprocedure::text AS name, p.prosrc, p.prosecdef, p.proowner,
           coalesce(p.proacl, acldefault('f', p.proowner)) AS acl
    FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                      WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e');
COMMENT ON VIEW aiven_rbac.application_function IS 'functions that are part of no extension';

CREATE VIEW aiven_rbac.application_relation AS
    SELECT c.oid, c.oid::regclass::text AS name, c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relowner,
           o.rolname AS owner_name, o.rolcanlogin AS owner_logs_in, o.rolsuper OR o.rolbypassrls AS owner_bypasses,
           EXISTS (SELECT FROM pg_options_to_table(c.reloptions) AS x
                   WHERE x.option_name = 'security_invoker' AND x.option_value::boolean) AS is_invokers
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_roles AS o ON o.oid = c.relowner
    WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relpersistence <> 't'
      AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'aiven_rbac'::regnamespace)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');
COMMENT ON VIEW aiven_rbac.application_relation IS 'tables and views that are part of no extension, and their owners';

CREATE VIEW aiven_rbac.decision_function AS
    SELECT p.oid, false AS is_hidden
    FROM pg_catalog.pg_proc AS p
    JOIN aiven_rbac.member AS m ON m.classid = 'pg_catalog.pg_proc'::regclass AND m.objid = p.oid
    WHERE p.proname IN ('rbac_has_permission', 'rbac_has_any_permission')
    UNION ALL
    SELECT f.oid, true
    FROM aiven_rbac.application_function AS f
    WHERE f.prosrc ~ 'rbac_has_(any_)?permission'
       OR EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                  JOIN aiven_rbac.member AS m ON m.classid = d.refclassid AND m.objid = d.refobjid
                  JOIN pg_catalog.pg_proc AS p ON p.oid = d.refobjid
                  WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = f.oid
                    AND d.refclassid = 'pg_catalog.pg_proc'::regclass
                    AND p.proname IN ('rbac_has_permission', 'rbac_has_any_permission'));
COMMENT ON VIEW aiven_rbac.decision_function IS
    'the extension''s decision functions, and functions of the application that call one, hidden from the planner';

-- The catalog records what a policy's condition depends on, whatever its text.
CREATE VIEW aiven_rbac.deciding_table AS
    WITH RECURSIVE dependence AS (
        SELECT p.polrelid AS "table", d.refclassid, d.refobjid
        FROM pg_catalog.pg_policy AS p
        JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_policy'::regclass AND d.objid = p.oid
    ), deciding (oid) AS (
        SELECT d."table" FROM dependence AS d
        WHERE d.refclassid = 'pg_catalog.pg_proc'::regclass AND d.refobjid IN (SELECT f.oid FROM aiven_rbac.decision_function AS f)
        UNION
        SELECT d."table" FROM deciding AS t
        JOIN dependence AS d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = t.oid
    )
    SELECT c.oid, c.relrowsecurity FROM deciding AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.oid;
COMMENT ON VIEW aiven_rbac.deciding_table IS
    'tables with a policy that calls a decision function or reads another of these tables';

CREATE VIEW aiven_rbac.application_table AS
    SELECT r.oid, r.name, r.relname, r.relrowsecurity, r.relforcerowsecurity, r.relowner, r.owner_name, r.owner_logs_in,
           a.attname AS resource_column,
           r.oid IN (SELECT d.oid FROM aiven_rbac.deciding_table AS d) AS protected
    FROM aiven_rbac.application_relation AS r
    LEFT JOIN LATERAL (
        SELECT min(a.attname::text) AS attname
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND (a.atttypid = '@extschema@.rbac_path'::regtype
               OR (a.atttypid = 'uuid'::regtype
                   AND EXISTS (SELECT FROM pg_catalog.pg_constraint AS k
                               WHERE k.conrelid = r.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey)
                                 AND k.confrelid = 'aiven_rbac.resource'::regclass)))) AS a ON true
    WHERE r.relkind IN ('r', 'p');
COMMENT ON VIEW aiven_rbac.application_table IS
    'tables of the application, the column that names a resource, and whether a policy calls a decision function';

CREATE VIEW aiven_rbac.application_policy AS
    SELECT p.oid, p.polrelid, p.polname, p.polpermissive, p.polcmd, p.polroles, t.name AS table_name, c.condition,
           aiven_rbac.passage(c.condition, ARRAY(SELECT d.oid FROM aiven_rbac.deciding_table AS d WHERE d.relrowsecurity),
                              ARRAY(SELECT f.oid FROM aiven_rbac.decision_function AS f WHERE f.is_hidden)) AS passage
    FROM pg_catalog.pg_policy AS p
    JOIN aiven_rbac.application_table AS t ON t.oid = p.polrelid AND t.protected,
         LATERAL (VALUES (p.polqual), (p.polwithcheck)) AS c (condition)
    WHERE c.condition IS NOT NULL;
COMMENT ON VIEW aiven_rbac.application_policy IS
    'the conditions of the policies of protected tables, and when a row passes them';

CREATE VIEW aiven_rbac.policy_call AS
    SELECT p.oid AS policy, p.polrelid, p.polname, p.table_name, q.column_number, q.space, q.names, q.indexed
    FROM aiven_rbac.application_policy AS p, LATERAL aiven_rbac.decision_calls(p.polrelid, p.condition) AS q;
COMMENT ON VIEW aiven_rbac.policy_call IS 'the calls of decision functions in the policies of protected tables';

-- A privilege on a column gives the column's values as one on the table does.
CREATE VIEW aiven_rbac.relation_privilege AS
    SELECT c.oid AS relation, a.grantee, a.privilege_type
    FROM pg_catalog.pg_class AS c, LATERAL aclexplode(c.relacl) AS a
    WHERE a.grantee <> c.relowner
    UNION
    SELECT c.oid, a.grantee, a.privilege_type
    FROM pg_catalog.pg_attribute AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.attrelid, LATERAL aclexplode(t.attacl) AS a
    WHERE a.grantee <> c.relowner;
COMMENT ON VIEW aiven_rbac.relation_privilege IS
    'privileges of other roles than the owner on a table or view, or on one of its columns';

CREATE FUNCTION aiven_rbac.role_list(roles oid[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT string_agg(n.name, ', ' ORDER BY n.name)
    FROM (SELECT DISTINCT CASE WHEN r = 0 THEN 'PUBLIC' ELSE (SELECT quote_ident(o.rolname) FROM pg_roles AS o WHERE o.oid = r) END
          FROM unnest(roles) AS r) AS n (name)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.role_list(oid[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.role_list(oid[]) IS 'roles as GRANT and REVOKE name them; NULL if there is none';

CREATE FUNCTION aiven_rbac.users_of(relation oid, privileges text[] DEFAULT NULL) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT aiven_rbac.role_list(array_agg(p.grantee)) FROM aiven_rbac.relation_privilege AS p
    WHERE p.relation = users_of.relation AND (privileges IS NULL OR p.privilege_type = ANY (privileges))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.users_of(oid, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.users_of(oid, text[]) IS
    'roles other than the owner that have one of the privileges (NULL: any) on a relation or on one of its columns';

-- A remedy is a statement that can be run as it is.  If a finding is often no
-- mistake, its remedy acknowledges it.
CREATE FUNCTION aiven_rbac.acknowledging(object text, finding text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT format('SELECT @extschema@.%s(%L, %L, %L)', 'rbac_finding_acknowledge', object, finding, 'why it is no hole') $$;
REVOKE ALL ON FUNCTION aiven_rbac.acknowledging(text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.acknowledging(text, text) IS 'the statement that acknowledges a finding';

-- Tables and their policies ------------------------------------------------------

CREATE VIEW aiven_rbac.part_of_protected AS
    WITH RECURSIVE part (root, oid) AS (
        SELECT t.oid, i.inhrelid FROM aiven_rbac.deciding_table AS t JOIN pg_catalog.pg_inherits AS i ON i.inhparent = t.oid
        UNION
        SELECT p.root, i.inhrelid FROM part AS p JOIN pg_catalog.pg_inherits AS i ON i.inhparent = p.oid
    )
    SELECT p.root, p.oid FROM part AS p;
COMMENT ON VIEW aiven_rbac.part_of_protected IS 'partitions and heirs of protected tables, at every level';

CREATE FUNCTION aiven_rbac.protecting("table" oid, "column" text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT concat((SELECT string_agg(format('DROP POLICY %I ON %s; ', p.polname, "table"::regclass), '' ORDER BY p.polname)
                   FROM pg_policy AS p WHERE p.polrelid = "table" AND p.polpermissive),
                  format('SELECT @extschema@.rbac_protect_table(%L::regclass, %L, ''project:services:read''::text)',
                         "table"::regclass, "column"))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.protecting(oid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.protecting(oid, text) IS
    'statements that protect a table by the column that names a resource; the name of the permission is an example';

CREATE FUNCTION aiven_rbac.finding_unprotected() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'error', t.name,
           format('row-level security is not enabled, but column "%s" says which resource a row belongs to', t.resource_column),
           aiven_rbac.protecting(t.oid, t.resource_column)
    FROM aiven_rbac.application_table AS t
    WHERE t.resource_column IS NOT NULL AND NOT t.relrowsecurity AND NOT t.protected
      AND t.oid NOT IN (SELECT p.oid FROM aiven_rbac.part_of_protected AS p)
    UNION ALL
    SELECT 'warning', t.name, 'row-level security is enabled, but no policy asks what the principal may do',
           aiven_rbac.protecting(t.oid, t.resource_column)
    FROM aiven_rbac.application_table AS t
    WHERE t.resource_column IS NOT NULL AND t.relrowsecurity AND NOT t.protected
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_unprotected() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_unprotected() IS 'tables of resources without protection';

CREATE FUNCTION aiven_rbac.finding_not_enabled() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'error', t.name, 'row-level security is not enabled, so that its policies mean nothing',
           format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t.name)
    FROM aiven_rbac.application_table AS t
    WHERE t.protected AND NOT t.relrowsecurity
    UNION ALL
    -- pg_dump writes FORCE into the definition of a table, and the rest to the end.
    SELECT 'error', t.name, 'row-level security is forced, but not enabled, as when the end of a restore is missing',
           format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t.name)
    FROM aiven_rbac.application_table AS t
    WHERE t.relforcerowsecurity AND NOT t.relrowsecurity AND NOT t.protected AND t.resource_column IS NULL
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_not_enabled() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_not_enabled() IS 'tables with policies that are not in force, or that had some before a restore';

CREATE FUNCTION aiven_rbac.finding_not_forced() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN t.owner_logs_in THEN 'error' ELSE 'warning' END, t.name,
           format('row-level security is not forced: its owner "%s"%s sees every row', t.owner_name,
                  CASE WHEN t.owner_logs_in THEN ', who can log in,' ELSE '' END),
           format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t.name)
    FROM aiven_rbac.application_table AS t
    WHERE t.relrowsecurity AND NOT t.relforcerowsecurity AND (t.protected OR t.resource_column IS NOT NULL)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_not_forced() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_not_forced() IS 'tables whose owner is not subject to their policies';

-- Permissive policies add up, and restrictive ones must all be passed.
CREATE FUNCTION aiven_rbac.is_restricted(policy oid) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT EXISTS (SELECT FROM pg_policy AS p
                   JOIN aiven_rbac.application_policy AS r ON r.polrelid = p.polrelid AND NOT r.polpermissive
                   WHERE p.oid = policy AND r.polroles = '{0}' AND r.polcmd IN ('*', p.polcmd)
                   GROUP BY r.oid
                   HAVING bool_and(r.passage IN ('never', 'by decision')))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.is_restricted(oid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_restricted(oid) IS
    'is there a restrictive policy for everybody that lets what a policy admits pass by a decision only?';

CREATE FUNCTION aiven_rbac.finding_open_policy() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH open AS MATERIALIZED (
        SELECT p.oid, p.polname, p.table_name, bool_or(p.passage = 'always') AS always
        FROM aiven_rbac.application_policy AS p
        WHERE p.polpermissive AND p.passage IN ('otherwise', 'always')
        GROUP BY p.oid, p.polname, p.table_name
    )
    SELECT CASE WHEN p.always THEN 'error' ELSE 'warning' END, p.table_name,
           format('policy "%s" is permissive and %s: the rows that it admits are added to those that the principal has a right to', p.polname,
                  CASE WHEN p.oid IN (SELECT c.policy FROM aiven_rbac.policy_call AS c)
                       THEN 'can admit rows without a decision' ELSE 'calls no decision function' END),
           format('DROP POLICY %I ON %s', p.polname, p.table_name)
    FROM open AS p
    WHERE NOT aiven_rbac.is_restricted(p.oid)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_open_policy() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_open_policy() IS 'policies that let rows pass without a decision';

CREATE FUNCTION aiven_rbac.finding_own_role() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT DISTINCT 'error', c.table_name,
           format('policy "%s" asks for "%s", which is neither an action nor a role or permission that all organizations have', c.polname, n.name),
           format('DROP POLICY %I ON %s; -- an organization that has a role of this name decides what the role allows', c.polname, c.table_name)
    FROM aiven_rbac.policy_call AS c, unnest(c.names) AS n (name)
    WHERE NOT EXISTS (SELECT FROM aiven_rbac.action AS a WHERE a.name = n.name)
      AND NOT EXISTS (SELECT FROM aiven_rbac.grantable AS g WHERE g.name = n.name AND g.owner IS NULL)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_own_role() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_own_role() IS
    'policies that ask for an organization''s own role, or for a name that does not exist: an organization that edits or creates the role would decide which rows pass';

CREATE FUNCTION aiven_rbac.finding_unplanned_call() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT DISTINCT 'warning', c.table_name,
           format('policy "%s" calls a decision function on something other than a column, or with a name that is not constant: each row is judged by itself, and no index helps', c.polname),
           format('DROP POLICY %I ON %s; -- and create it anew with rbac_has_permission(column, ''name'')', c.polname, c.table_name)
    FROM aiven_rbac.policy_call AS c
    WHERE c.names IS NULL OR (c.column_number IS NULL AND NOT c.indexed)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_unplanned_call() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_unplanned_call() IS 'policies with calls of decision functions that the planner cannot use';

CREATE FUNCTION aiven_rbac.finding_hidden_call() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT DISTINCT 'warning', p.table_name,
           format('policy "%s" asks through the function %s, which hides the question from the planner: no index helps', p.polname, d.refobjid::regprocedure),
           format('DROP POLICY %I ON %s; -- and create it anew with rbac_has_permission(column, ''name'') in it', p.polname, p.table_name)
    FROM aiven_rbac.application_policy AS p
    JOIN pg_depend AS d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_proc'::regclass
    JOIN aiven_rbac.decision_function AS f ON f.oid = d.refobjid AND f.is_hidden
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_hidden_call() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_hidden_call() IS 'policies that call a decision function inside another function';

CREATE FUNCTION aiven_rbac.finding_no_index() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT DISTINCT 'warning', c.table_name,
           format('no index begins with %scolumn "%s", which policies ask about',
                  CASE WHEN c.space IS NOT NULL THEN 'the id that is made from ' ELSE '' END, a.attname),
           format(CASE WHEN c.space IS NULL THEN 'CREATE INDEX ON %s (%s)' ELSE 'CREATE INDEX ON %s ((%s))' END, c.table_name,
                  coalesce(aiven_rbac.id_expression(c.space, a.attname, a.atttypid), quote_ident(a.attname)))
    FROM aiven_rbac.policy_call AS c
    JOIN pg_attribute AS a ON a.attrelid = c.polrelid AND a.attnum = c.column_number
    WHERE NOT c.indexed
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_no_index() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_no_index() IS 'columns that policies ask about and that no index begins with';

CREATE FUNCTION aiven_rbac.has_orphans("table" oid, "column" name, make_id oid, space text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_has_orphans'
    LANGUAGE C STABLE;
REVOKE ALL ON FUNCTION aiven_rbac.has_orphans(oid, name, oid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.has_orphans(oid, name, oid, text) IS
    'has a table a row that names a resource which does not exist, by an id or by a key from which a function makes one; looks at five million rows at most, and runs no code of the table''s owner';

-- A column of paths has a foreign key, or is a finding itself.  What follows
-- another table's column is found there.
CREATE FUNCTION aiven_rbac.finding_orphan() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'warning', c.table_name, f.finding, aiven_rbac.acknowledging(c.table_name, f.finding)
    FROM (SELECT DISTINCT p.polrelid, p.table_name, p.column_number, p.space FROM aiven_rbac.policy_call AS p) AS c
    JOIN pg_attribute AS a ON a.attrelid = c.polrelid AND a.attnum = c.column_number AND a.attgenerated <> 'v',
         LATERAL (SELECT format('it has rows whose column "%s" names a resource that does not exist: nobody sees them, but whoever creates it would', a.attname)) AS f (finding)
    WHERE CASE WHEN c.space IS NULL THEN a.atttypid = 'uuid'::regtype ELSE aiven_rbac.id_expression(c.space, a.attname, a.atttypid) IS NOT NULL END
      AND NOT EXISTS (SELECT FROM pg_constraint AS k
                      WHERE k.conrelid = c.polrelid AND k.contype = 'f' AND c.column_number = ANY (k.conkey) AND k.convalidated
                        AND (k.confrelid = 'aiven_rbac.resource'::regclass OR (k.confupdtype = 'c' AND k.confrelid IN (SELECT d.oid FROM aiven_rbac.deciding_table AS d))))
      AND aiven_rbac.has_orphans(c.polrelid, a.attname,
                                 CASE WHEN c.space IS NULL THEN NULL
                                      WHEN a.atttypid IN ('text'::regtype, 'varchar'::regtype) THEN '@extschema@.rbac_id(text, text)'::regprocedure
                                      ELSE '@extschema@.rbac_id(text, bigint)'::regprocedure END, c.space)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_orphan() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_orphan() IS 'tables with rows whose resource does not exist';

-- Tables whose rows follow those of another table: the column that is filled in,
-- and the key by which it follows, if there is one.
CREATE VIEW aiven_rbac.following_table AS
    SELECT t.oid, t.name, a.attnum AS column_number, a.attname AS "column", k.confrelid AS parent, k.conkey, u.its
    FROM aiven_rbac.application_table AS t
    JOIN pg_catalog.pg_trigger AS g ON g.tgrelid = t.oid AND g.tgname = 'zzz_rbac_follow_parent'
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND NOT a.attisdropped
        AND g.tgargs = convert_to(a.attname, getdatabaseencoding()) || '\x00'::bytea
    LEFT JOIN (pg_catalog.pg_constraint AS k CROSS JOIN unnest(k.conkey, k.confkey) AS u (mine, its))
        ON k.conrelid = t.oid AND k.contype = 'f' AND k.confupdtype = 'c' AND k.conparentid = 0 AND cardinality(k.conkey) > 1 AND u.mine = a.attnum
    WHERE t.protected;
COMMENT ON VIEW aiven_rbac.following_table IS
    'protected tables whose rows belong where the rows do that they reference, as rbac_protect_child() does it';

-- One key that leads to a protected table is the one to follow by; of several,
-- somebody has to say which.
CREATE FUNCTION aiven_rbac.protecting_child(child oid, parent oid, but smallint) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN count(*) = 1
                THEN format('SELECT @extschema@.%s(%L::regclass, %L, %s, %s, true)', 'rbac_protect_child', child::regclass, min(k.conname),
                            (SELECT format('%L::text[]', d.names) FROM pg_policy AS p, LATERAL aiven_rbac.decision_calls(p.polrelid, p.polqual) AS d
                             WHERE p.polrelid = child AND p.polname = 'rbac_select'),
                            coalesce((SELECT format('%L::text[]', d.names) FROM pg_policy AS p, LATERAL aiven_rbac.decision_calls(p.polrelid, p.polqual) AS d
                                      WHERE p.polrelid = child AND p.polname = 'rbac_update'), 'NULL::text[]'))
                ELSE format('DROP TRIGGER zzz_rbac_follow_parent ON %s; -- or protect it by the key of another table, with rbac_protect_child()', child::regclass) END
    FROM pg_constraint AS k
    WHERE k.conrelid = child AND k.contype = 'f' AND k.conparentid = 0 AND NOT but = ANY (k.conkey) AND k.confrelid <> child
      AND k.confrelid IN (SELECT d.oid FROM aiven_rbac.deciding_table AS d) AND (parent IS NULL OR k.confrelid = parent)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.protecting_child(oid, oid, smallint) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.protecting_child(oid, oid, smallint) IS
    'the statement that lets a table''s rows follow those of another table again, by a key without the column that they do it by now';

CREATE FUNCTION aiven_rbac.finding_child() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'error', f.name, format('its rows do not follow by column "%s" any longer: the foreign key is gone', f."column"),
           aiven_rbac.protecting_child(f.oid, NULL, f.column_number)
    FROM aiven_rbac.following_table AS f
    WHERE f.parent IS NULL
    UNION ALL
    SELECT 'error', f.name, format('its rows follow column "%s" of table %s, which is not protected by it any longer', a.attname, f.parent::regclass),
           aiven_rbac.protecting_child(f.oid, f.parent, f.column_number)
    FROM aiven_rbac.following_table AS f
    JOIN pg_attribute AS a ON a.attrelid = f.parent AND a.attnum = f.its
    WHERE f.parent IN (SELECT d.oid FROM aiven_rbac.deciding_table AS d)
      AND NOT EXISTS (SELECT FROM aiven_rbac.policy_call AS c WHERE c.polrelid = f.parent AND c.column_number = f.its)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_child() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_child() IS 'tables whose rows do not belong where those do that they reference';

-- The constraints that stand on the column would stop a move: a new one replaces
-- them.
CREATE FUNCTION aiven_rbac.following("table" oid, "column" smallint) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format('ALTER TABLE %s %sADD FOREIGN KEY (%I) REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE', "table"::regclass,
                  (SELECT string_agg(format('DROP CONSTRAINT %I, ', k.conname), '' ORDER BY k.conname)
                   FROM pg_constraint AS k
                   WHERE k.conrelid = "table" AND k.contype = 'f' AND k.conkey = ARRAY["column"]
                     AND k.confrelid = 'aiven_rbac.resource'::regclass), a.attname)
    FROM pg_attribute AS a
    WHERE a.attrelid = "table" AND a.attnum = "column"
$$;
REVOKE ALL ON FUNCTION aiven_rbac.following(oid, smallint) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.following(oid, smallint) IS 'the statement that lets a column of paths follow the hierarchy';

CREATE FUNCTION aiven_rbac.finding_path_stays() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT DISTINCT 'error', c.table_name,
           format('column "%s" does not follow the hierarchy: once a resource is renamed or moved, its rows belong to the next resource with that path', a.attname),
           aiven_rbac.following(c.polrelid, c.column_number)
    FROM aiven_rbac.policy_call AS c
    JOIN pg_attribute AS a ON a.attrelid = c.polrelid AND a.attnum = c.column_number
    WHERE a.atttypid = '@extschema@.rbac_path'::regtype
      AND NOT aiven_rbac.follows(c.polrelid, c.column_number)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_path_stays() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_path_stays() IS 'columns of paths that policies ask about and that do not change with the hierarchy';

CREATE FUNCTION aiven_rbac.finding_path_at_subscriber() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT DISTINCT 'error', c.table_name,
           format('column "%s" holds paths, which nothing changes at a subscriber: once a resource is renamed or moved, its rows belong to the next resource with that path', a.attname),
           format('SELECT @extschema@.rbac_unprotect_table(%L); -- and protect a column of type uuid', c.table_name)
    FROM aiven_rbac.policy_call AS c
    JOIN pg_attribute AS a ON a.attrelid = c.polrelid AND a.attnum = c.column_number
    WHERE a.atttypid = '@extschema@.rbac_path'::regtype AND aiven_rbac.is_subscriber()
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_path_at_subscriber() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_path_at_subscriber() IS 'columns of paths that policies ask about, in a database that gets its hierarchy from another one';

CREATE FUNCTION aiven_rbac.finding_replication() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE s.side WHEN 'subscriber' THEN 'error' ELSE 'warning' END, s.name,
           format('the subscription is %s, so that rights which were revoked are still held at the subscriber', s.state),
           'SELECT * FROM @extschema@.rbac_replication_status(); -- and see the log of the subscriber''s server'
    FROM @extschema@.rbac_replication_status() AS s WHERE s.state <> 'running'
    UNION ALL
    SELECT 'error', format('aiven_rbac.%I', t.name), 'the subscription does not bring its rows, which decisions need',
           'ALTER SUBSCRIPTION ... REFRESH PUBLICATION; -- of one that rbac_publication_create() has made'
    FROM aiven_rbac.tables() AS t
    WHERE t.published AND aiven_rbac.is_subscriber()
      AND NOT EXISTS (SELECT FROM pg_subscription_rel AS r WHERE r.srrelid = format('aiven_rbac.%I', t.name)::regclass)
    UNION ALL
    SELECT 'error', format('aiven_rbac.%I', t.name), 'a subscription brings its rows, which are another server''s own',
           'DROP SUBSCRIPTION ...; -- and subscribe to what rbac_publication_create() has made'
    FROM aiven_rbac.tables() AS t
    WHERE NOT t.published
      AND EXISTS (SELECT FROM pg_subscription_rel AS r WHERE r.srrelid = format('aiven_rbac.%I', t.name)::regclass)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_replication() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_replication() IS 'subscriptions that have stopped or lag, or bring too few tables or too many';

-- Ways around policies ------------------------------------------------------------

CREATE FUNCTION aiven_rbac.finding_part() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'error', c.name,
           format('it is a part of the protected table %s and has no row-level security of its own, but %s may use it directly', t.name, u.names),
           format('REVOKE ALL ON %s FROM %s CASCADE', c.name, u.names)
    FROM aiven_rbac.part_of_protected AS p
    JOIN aiven_rbac.application_table AS t ON t.oid = p.root
    JOIN aiven_rbac.application_table AS c ON c.oid = p.oid,
         LATERAL (SELECT aiven_rbac.users_of(c.oid)) AS u (names)
    WHERE NOT c.relrowsecurity AND u.names IS NOT NULL
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_part() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_part() IS 'partitions and heirs of protected tables that can be read directly';

CREATE FUNCTION aiven_rbac.finding_truncate() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'warning', t.name, format('%s may TRUNCATE it, which asks no policy', u.names),
           format('REVOKE TRUNCATE ON %s FROM %s CASCADE', t.name, u.names)
    FROM aiven_rbac.application_table AS t,
         LATERAL (SELECT aiven_rbac.users_of(t.oid, '{TRUNCATE}')) AS u (names)
    WHERE t.protected AND u.names IS NOT NULL
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_truncate() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_truncate() IS 'protected tables that can be emptied without a decision';

CREATE VIEW aiven_rbac.view_reads AS
    SELECT DISTINCT r.ev_class AS view, d.refobjid AS relation
    FROM pg_catalog.pg_rewrite AS r
    JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
        AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> r.ev_class;
COMMENT ON VIEW aiven_rbac.view_reads IS 'what views read directly';

-- A view with security_invoker in another view reads with the rights of the outer
-- view's owner.
CREATE FUNCTION aiven_rbac.finding_view() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH RECURSIVE reads (view, relation) AS (
        SELECT r.view, r.relation FROM aiven_rbac.view_reads AS r
        UNION
        SELECT t.view, r.relation FROM reads AS t
        JOIN aiven_rbac.application_relation AS i ON i.oid = t.relation AND i.relkind = 'v' AND i.is_invokers
        JOIN aiven_rbac.view_reads AS r ON r.view = i.oid
    )
    SELECT 'error', v.name,
           format('the view reads the protected table %s with the rights of its owner "%s", who is not subject to row-level security', t.name, v.owner_name),
           CASE WHEN current_setting('server_version_num')::int >= 150000 THEN format('ALTER VIEW %s SET (security_invoker)', v.name)
                ELSE format('DROP VIEW %s CASCADE; -- or give it to an owner who is subject to row-level security', v.name) END
    FROM reads AS r
    JOIN aiven_rbac.application_relation AS v ON v.oid = r.view AND v.relkind = 'v' AND NOT v.is_invokers
    JOIN aiven_rbac.application_table AS t ON t.oid = r.relation AND t.protected
    WHERE v.owner_bypasses OR (NOT t.relforcerowsecurity AND pg_has_role(v.relowner, t.relowner, 'USAGE'))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_view() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_view() IS 'views that show protected tables with an owner''s rights';

CREATE FUNCTION aiven_rbac.finding_materialized_view() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH RECURSIVE reads (view, relation) AS (
        SELECT r.view, r.relation FROM aiven_rbac.view_reads AS r
        UNION
        SELECT t.view, r.relation FROM reads AS t JOIN aiven_rbac.view_reads AS r ON r.view = t.relation
    )
    SELECT f.severity, v.name, f.finding,
           CASE f.severity WHEN 'error' THEN format('REVOKE ALL ON %s FROM %s CASCADE', v.name, u.names)
                           ELSE aiven_rbac.acknowledging(v.name, f.finding) END
    FROM reads AS r
    JOIN aiven_rbac.application_relation AS v ON v.oid = r.view AND v.relkind = 'm'
    JOIN aiven_rbac.application_table AS t ON t.oid = r.relation AND t.protected,
         LATERAL (SELECT aiven_rbac.users_of(v.oid)) AS u (names),
         LATERAL (SELECT CASE WHEN u.names IS NULL THEN 'notice' ELSE 'error' END,
                         format('the materialized view keeps rows of the protected table %s, and cannot have row-level security itself%s', t.name,
                                ', but ' || u.names || ' may use it')) AS f (severity, finding)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_materialized_view() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_materialized_view() IS 'materialized views that keep rows of protected tables';

-- No dependence is recorded for a source in text form, and a table's name in it
-- may mean something else.
CREATE FUNCTION aiven_rbac.names_table(source text, "table" name) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT source COLLATE "C" ~* concat('(^|[^[:alnum:]_])', regexp_replace("table"::text COLLATE "C", '([^[:alnum:]_])', '\\\1', 'g'), '($|[^[:alnum:]_])')
$$;
REVOKE ALL ON FUNCTION aiven_rbac.names_table(text, name) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.names_table(text, name) IS 'does a table''s name stand in a function''s source?';

CREATE FUNCTION aiven_rbac.finding_definer_function() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH definer AS MATERIALIZED (
        SELECT f.oid, f.name, f.prosrc, lower(f.prosrc COLLATE "C") AS source, f.proowner, o.rolname, o.rolsuper OR o.rolbypassrls AS bypasses,
               (SELECT aiven_rbac.role_list(array_agg(a.grantee)) FROM aclexplode(f.acl) AS a WHERE a.grantee <> f.proowner) AS users
        FROM aiven_rbac.application_function AS f JOIN pg_roles AS o ON o.oid = f.proowner
        WHERE f.prosecdef
    ), guarded AS MATERIALIZED (
        SELECT t.*, lower(t.relname::text COLLATE "C") AS word FROM aiven_rbac.application_table AS t WHERE t.protected
    )
    SELECT CASE WHEN r.surely THEN 'warning' ELSE 'notice' END, f.name,
           format('the function %s the protected table %s with the rights of its owner "%s", who is not subject to row-level security, and %s may call it',
                  CASE WHEN r.surely THEN 'reads' ELSE 'names' END, t.name, f.rolname, f.users),
           format('REVOKE ALL ON ROUTINE %s FROM %s CASCADE', f.name, f.users)
    FROM definer AS f
    JOIN guarded AS t ON f.bypasses OR (NOT t.relforcerowsecurity AND pg_has_role(f.proowner, t.relowner, 'USAGE')),
         LATERAL (SELECT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid
                                 AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid)) AS r (surely)
    WHERE f.users IS NOT NULL
      AND (r.surely OR CASE WHEN strpos(f.source, t.word) > 0 THEN aiven_rbac.names_table(f.prosrc, t.relname) END)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_definer_function() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_definer_function() IS 'functions that read protected tables with an owner''s rights';

-- What tells of rows that are not seen ----------------------------------------------

-- If the resource is in the key on both sides, or in another key of the same
-- columns, a key tells only of rows in resources where the principal may write.
CREATE FUNCTION aiven_rbac.finding_foreign_key() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'notice', n.name, f.finding, aiven_rbac.acknowledging(n.name, f.finding)
    FROM aiven_rbac.application_table AS t
    JOIN pg_constraint AS k ON k.confrelid = t.oid AND k.contype = 'f' AND k.conrelid <> t.oid AND k.conparentid = 0,
         LATERAL (SELECT k.conrelid::regclass::text) AS n (name),
         LATERAL (SELECT format('its foreign key "%s" tells whether a key exists in the protected table %s, also for rows that are not seen',
                                k.conname, t.name)) AS f (finding)
    WHERE t.protected
      AND NOT EXISTS (SELECT FROM pg_constraint AS w
                      CROSS JOIN unnest(w.conkey, w.confkey) AS c (referring, referred)
                      JOIN aiven_rbac.policy_call AS mine ON mine.polrelid = w.conrelid AND mine.column_number = c.referring
                      JOIN aiven_rbac.policy_call AS its ON its.polrelid = w.confrelid AND its.column_number = c.referred
                      WHERE w.contype = 'f' AND w.conrelid = k.conrelid AND w.confrelid = k.confrelid AND w.conkey @> k.conkey)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_foreign_key() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_foreign_key() IS 'foreign keys that tell whether a row exists that is not seen';

-- Random and numbered values tell nothing worth knowing.
CREATE FUNCTION aiven_rbac.is_guessable("table" oid, "column" smallint) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT NOT EXISTS (SELECT FROM pg_attribute AS a
                       WHERE a.attrelid = "table" AND a.attnum = "column"
                         AND (a.atttypid = 'uuid'::regtype OR a.attidentity <> ''
                              OR EXISTS (SELECT FROM pg_attrdef AS v
                                         JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = v.oid
                                             AND d.refclassid = 'pg_class'::regclass
                                         JOIN pg_class AS s ON s.oid = d.refobjid AND s.relkind = 'S'
                                         WHERE v.adrelid = "table" AND v.adnum = "column")))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.is_guessable(oid, smallint) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_guessable(oid, smallint) IS 'can values of a column (or, with 0, of an expression) be guessed?';

CREATE FUNCTION aiven_rbac.finding_unique_index() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'notice', t.name, f.finding, aiven_rbac.acknowledging(t.name, f.finding)
    FROM aiven_rbac.application_table AS t
    JOIN pg_index AS i ON i.indrelid = t.oid AND i.indisunique
    JOIN pg_class AS c ON c.oid = i.indexrelid,
         LATERAL (SELECT ARRAY(SELECT n FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (n, place) WHERE place <= i.indnkeyatts)) AS k (columns),
         LATERAL (SELECT format('its unique index "%s" tells by an error whether a value exists in a row that is not seen', c.relname)) AS f (finding)
    WHERE t.protected
      AND EXISTS (SELECT FROM unnest(k.columns) AS n WHERE aiven_rbac.is_guessable(t.oid, n))
      AND NOT EXISTS (SELECT FROM aiven_rbac.policy_call AS p WHERE p.polrelid = t.oid AND p.column_number = ANY (k.columns))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_unique_index() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_unique_index() IS 'unique indexes that tell whether a row exists that is not seen';

-- Roles ---------------------------------------------------------------------------

CREATE VIEW aiven_rbac.bypassing_role AS
    SELECT r.oid, r.rolname, r.rolcanlogin, CASE WHEN r.rolsuper THEN 'is superuser' ELSE 'has BYPASSRLS' END AS how, r.rolsuper
    FROM pg_catalog.pg_roles AS r
    WHERE r.rolsuper OR r.rolbypassrls;
COMMENT ON VIEW aiven_rbac.bypassing_role IS 'roles that are subject to no row-level security';

CREATE FUNCTION aiven_rbac.finding_role() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN r.rolsuper THEN 'notice' ELSE 'warning' END, format('role "%s"', r.rolname),
           format('it can log in and %s: it sees every row of every table', r.how),
           format('ALTER ROLE %I %s', r.rolname, CASE WHEN r.rolsuper THEN 'NOSUPERUSER NOBYPASSRLS' ELSE 'NOBYPASSRLS' END)
    FROM aiven_rbac.bypassing_role AS r
    WHERE r.rolcanlogin AND r.oid <> 10
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_role() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_role() IS 'roles that log in and are subject to no row-level security';

-- Memberships have options from PostgreSQL 16 on; in older versions each allows
-- SET ROLE.
CREATE VIEW aiven_rbac.membership_of_role AS
    SELECT m.member, m.roleid, g.rolname AS grantor
    FROM pg_catalog.pg_auth_members AS m
    LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = m.grantor,
         LATERAL (SELECT (to_jsonb(m.*) ->> 'set_option')::boolean) AS o (may_set)
    WHERE o.may_set IS NOT FALSE OR m.admin_option;
COMMENT ON VIEW aiven_rbac.membership_of_role IS 'memberships that let a role become another by SET ROLE';

CREATE FUNCTION aiven_rbac.finding_role_within_reach() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH RECURSIVE reach (login, via, role) AS (
        SELECT r.oid, m.roleid, m.roleid FROM pg_roles AS r
        JOIN aiven_rbac.membership_of_role AS m ON m.member = r.oid
        WHERE r.rolcanlogin AND NOT r.rolsuper AND NOT r.rolbypassrls
        UNION
        SELECT x.login, x.via, m.roleid FROM reach AS x JOIN aiven_rbac.membership_of_role AS m ON m.member = x.role
    )
    SELECT 'warning', format('role "%s"', l.rolname),
           format('it can log in and, as a member of "%s", can SET ROLE "%s", which %s', v.rolname, b.rolname, b.how),
           (SELECT string_agg(format('REVOKE %I FROM %I%s CASCADE', v.rolname, l.rolname, ' GRANTED BY ' || quote_ident(m.grantor)), '; ')
            FROM aiven_rbac.membership_of_role AS m WHERE m.member = x.login AND m.roleid = x.via)
    FROM reach AS x
    JOIN aiven_rbac.bypassing_role AS b ON b.oid = x.role
    JOIN pg_roles AS l ON l.oid = x.login
    JOIN pg_roles AS v ON v.oid = x.via
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_role_within_reach() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_role_within_reach() IS 'roles that log in and can become one that is subject to no row-level security';

-- The extension itself ----------------------------------------------------------------

CREATE VIEW aiven_rbac.initial_privilege AS
    SELECT i.classoid, i.objoid, a.grantee, a.privilege_type
    FROM pg_catalog.pg_init_privs AS i, LATERAL aclexplode(i.initprivs) AS a
    WHERE i.objsubid = 0;
COMMENT ON VIEW aiven_rbac.initial_privilege IS 'privileges that extensions came with';

CREATE FUNCTION aiven_rbac.finding_executable() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'error', f.name,
           format('%s may execute it, but only %s', r.names,
                  CASE WHEN f.is_internal THEN 'the extension''s own functions should' ELSE 'roles that are trusted to choose the session''s principal should' END),
           format('REVOKE ALL ON FUNCTION %s FROM %s CASCADE', f.name, r.names)
    FROM (SELECT p.oid, p.oid::regprocedure::text AS name, p.proacl, p.proowner, p.pronamespace = 'aiven_rbac'::regnamespace AS is_internal
          FROM pg_proc AS p JOIN aiven_rbac.member AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid) AS f,
         LATERAL (SELECT aiven_rbac.role_list(array_agg(a.grantee)) FROM aclexplode(f.proacl) AS a
                  WHERE a.grantee <> f.proowner AND (f.is_internal OR a.grantee = 0)) AS r (names)
    WHERE r.names IS NOT NULL
      AND EXISTS (SELECT FROM aiven_rbac.initial_privilege AS i WHERE i.classoid = 'pg_proc'::regclass AND i.objoid = f.oid)
      AND NOT EXISTS (SELECT FROM aiven_rbac.initial_privilege AS i
                      WHERE i.classoid = 'pg_proc'::regclass AND i.objoid = f.oid AND i.grantee = 0)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_executable() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_executable() IS 'functions of the extension that more roles may execute than may be trusted with them';

CREATE FUNCTION aiven_rbac.finding_schema() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE n.nspname WHEN 'aiven_rbac' THEN 'error' ELSE 'warning' END, format('schema "%s"', n.nspname),
           format('%s may create objects among the extension''s: PostgreSQL prefers a function that matches a call better to the extension''s', r.names),
           format('REVOKE CREATE ON SCHEMA %I FROM %s CASCADE', n.nspname, r.names)
    FROM pg_namespace AS n,
         LATERAL (SELECT aiven_rbac.role_list(array_agg(a.grantee)) FROM aclexplode(n.nspacl) AS a
                  WHERE a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner) AS r (names)
    WHERE n.nspname IN ('aiven_rbac', (SELECT s.nspname FROM pg_extension AS e JOIN pg_namespace AS s ON s.oid = e.extnamespace
                                       WHERE e.extname = 'aiven_rbac'))
      AND r.names IS NOT NULL
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_schema() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_schema() IS 'schemas of the extension in which other roles may create objects';

CREATE FUNCTION aiven_rbac.finding_table_privilege() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'error', p.relation::regclass::text, format('%s may %s it, but only the extension should', r.name, w.privileges),
           format('REVOKE %s ON %s FROM %s CASCADE', w.privileges, p.relation::regclass, r.name)
    FROM (SELECT x.relation, x.grantee, array_agg(x.privilege_type ORDER BY x.privilege_type) AS privileges
          FROM aiven_rbac.relation_privilege AS x
          JOIN aiven_rbac.member AS m ON m.classid = 'pg_class'::regclass AND m.objid = x.relation
          WHERE NOT EXISTS (SELECT FROM aiven_rbac.initial_privilege AS i
                            WHERE i.classoid = 'pg_class'::regclass AND i.objoid = x.relation
                              AND i.grantee = x.grantee AND i.privilege_type = x.privilege_type)
          GROUP BY x.relation, x.grantee) AS p,
         LATERAL (SELECT aiven_rbac.role_list(ARRAY[p.grantee])) AS r (name),
         LATERAL (SELECT array_to_string(p.privileges, ', ')) AS w (privileges)
    WHERE r.name IS NOT NULL
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_table_privilege() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_table_privilege() IS 'privileges on tables and views of the extension that it did not come with';

CREATE FUNCTION aiven_rbac.finding_lost_role() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'error', 'aiven_rbac.database_role',
           format('it maps the database role with OID %s, which does not exist, to %s: a new role can get its OID', d.role::oid,
                  CASE WHEN d.service IS NULL THEN 'a principal' ELSE format('service user "%s"', d.username) END),
           format('DELETE FROM aiven_rbac.database_role WHERE role = %s::oid', d.role::oid)
    FROM aiven_rbac.database_role AS d
    WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = d.role)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_lost_role() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_lost_role() IS 'mappings of database roles that do not exist any more';

CREATE FUNCTION aiven_rbac.finding_service_role() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'error', format('role "%s"', pg_get_userbyid(d.role)),
           format('it is service user "%s"''s, and can do more than log in.  %s', d.username, aiven_rbac.role_power(d.role)),
           format('DELETE FROM aiven_rbac.database_role WHERE role = %L::regrole', d.role)
    FROM aiven_rbac.database_role AS d
    WHERE d.service IS NOT NULL AND EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = d.role)
      AND aiven_rbac.role_power(d.role) IS NOT NULL
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_service_role() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_service_role() IS 'database roles of service users that have come to more than logging in';

-- A restore with --disable-triggers ends with ALTER TABLE ... ENABLE TRIGGER ALL,
-- after which these triggers fire in one replication role only.
CREATE FUNCTION aiven_rbac.finding_trigger() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'error', g.tgrelid::regclass::text,
           CASE WHEN w.state IS NULL THEN format('its trigger "%s", which keeps %s, is disabled', g.tgname,
                                                 coalesce('foreign key ' || quote_ident(k.conname), 'a rule'))
                ELSE format('its trigger "%s" does not signal changes in every replication role, so that sessions can miss some', g.tgname) END,
           format('ALTER TABLE %s ENABLE %sTRIGGER %I', g.tgrelid::regclass, w.state || ' ', g.tgname)
    FROM pg_trigger AS g
    LEFT JOIN aiven_rbac.member AS m ON m.classid = 'pg_class'::regclass AND m.objid = g.tgrelid
    LEFT JOIN pg_constraint AS k ON k.oid = g.tgconstraint AND k.contype = 'f'
    LEFT JOIN (VALUES ('signal_change', 'ALWAYS'), ('signal_change_begun', 'ALWAYS'),
                      ('signal_change_truncated', 'ALWAYS')) AS w (name, state)
        ON w.name = g.tgname AND m.objid IS NOT NULL
    WHERE (m.objid IS NOT NULL OR k.confrelid = 'aiven_rbac.resource'::regclass)
      AND CASE WHEN w.state IS NULL THEN g.tgenabled IN ('D', 'R') ELSE g.tgenabled <> left(w.state, 1)::"char" END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_trigger() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_trigger() IS
    'triggers of the extension''s tables, and of foreign keys to the hierarchy, that do not run when they must';

-- Months of the log, attached or not, are no members.  A restore in parts can leave
-- out what comes after their rows.
CREATE FUNCTION aiven_rbac.finding_log() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT f.severity, m.name, f.finding, format('SELECT aiven_rbac.audit_month_complete(%s)', m.month)
    FROM (SELECT c.oid, c.oid::regclass::text AS name, substr(c.relname, 7) AS month,
                 EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = c.oid AND g.tgname = 'audit_refuse' AND g.tgenabled = 'A') AS refuses,
                 (SELECT count(*) FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisvalid) AS indexes,
                 (SELECT aiven_rbac.role_list(array_agg(DISTINCT p.grantee)) FROM aiven_rbac.relation_privilege AS p
                  WHERE p.relation = c.oid) AS privileged
          FROM pg_class AS c
          WHERE c.relnamespace = 'aiven_rbac'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^audit_[0-9]{6}$') AS m
    CROSS JOIN LATERAL (
        SELECT 'error', 'rows of the log can be changed: its trigger "audit_refuse" is missing, or does not run in every replication role' WHERE NOT m.refuses
        UNION ALL
        SELECT 'warning', 'who reads the log reads all of it: indexes are missing' WHERE m.indexes < 4
        UNION ALL
        SELECT 'error', format('%s may get at the log without being asked for a right', m.privileged) WHERE m.privileged IS NOT NULL)
        AS f (severity, finding)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_log() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_log() IS 'months of the log that somebody could change or read, or that are slow to read';

-- Of a column of paths, finding_path_stays() tells.
CREATE FUNCTION aiven_rbac.finding_not_validated() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'error', k.conrelid::regclass::text, format('constraint "%s" has not been validated: rows can break it', k.conname),
           format('ALTER TABLE %s VALIDATE CONSTRAINT %I', k.conrelid::regclass, k.conname)
    FROM pg_constraint AS k
    LEFT JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey) AND a.attname = 'id'
    WHERE NOT k.convalidated AND k.contype IN ('c', 'f')
      AND (k.conrelid IN (SELECT m.objid FROM aiven_rbac.member AS m WHERE m.classid = 'pg_class'::regclass)
           OR (k.confrelid = 'aiven_rbac.resource'::regclass AND a.attname IS NOT NULL))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_not_validated() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_not_validated() IS
    'constraints of the extension''s tables, and foreign keys to resources, that the rows may break';

-- Dumps ------------------------------------------------------------------------------

CREATE FUNCTION aiven_rbac.finding_not_restored() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT DISTINCT 'notice', r.name, f.finding,
           aiven_rbac.acknowledging(r.name, f.finding) || '; -- or compare by = and <>, or the paths as text'
    FROM aiven_rbac.application_relation AS r,
         LATERAL (SELECT format('its policy "%s"', p.polname), c.tree FROM pg_policy AS p, LATERAL (VALUES (p.polqual), (p.polwithcheck)) AS c (tree)
                  WHERE p.polrelid = r.oid
                  UNION ALL
                  SELECT format('its trigger "%s"', g.tgname), g.tgqual FROM pg_trigger AS g WHERE g.tgrelid = r.oid
                  UNION ALL
                  SELECT CASE w.rulename WHEN '_RETURN' THEN 'the view' ELSE format('its rule "%s"', w.rulename) END, w.ev_action
                  FROM pg_rewrite AS w WHERE w.ev_class = r.oid) AS t (what, tree),
         LATERAL (SELECT t.what || ' compares paths by IS DISTINCT FROM, NULLIF, CASE or JOIN USING, and a restore will not bring it back') AS f (finding)
    WHERE aiven_rbac.needs_search_path(t.tree)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_not_restored() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_not_restored() IS 'policies, triggers and views that are missing after a restore';

-- The lint ---------------------------------------------------------------------------

-- The planner expects larger catalogs than there are, and would compile these
-- queries for longer than they run.
CREATE FUNCTION aiven_rbac.findings() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    SET jit = off
    AS $$
    SELECT * FROM aiven_rbac.finding_unprotected()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_log()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_not_enabled()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_not_forced()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_open_policy()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_own_role()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_unplanned_call()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_hidden_call()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_no_index()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_path_stays()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_path_at_subscriber()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_replication()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_orphan()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_child()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_part()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_truncate()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_view()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_materialized_view()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_definer_function()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_foreign_key()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_unique_index()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_role()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_role_within_reach()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_executable()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_schema()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_table_privilege()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_lost_role()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_service_role()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_trigger()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_not_validated()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_lost_rows()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_dangling()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_incomplete()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_no_super_admin()
    UNION ALL
    SELECT * FROM aiven_rbac.finding_not_restored()
$$;
REVOKE ALL ON FUNCTION aiven_rbac.findings() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.findings() IS 'all findings, acknowledged or not';

CREATE FUNCTION @extschema@.rbac_check_protection()
    RETURNS TABLE (severity text, object text, finding text, remedy text)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT f.severity, f.object, f.finding, f.remedy
    FROM aiven_rbac.findings() AS f
    WHERE f.severity = 'error'
       OR NOT EXISTS (SELECT FROM aiven_rbac.acknowledged_finding AS a WHERE a.object = f.object AND a.finding = f.finding)
    ORDER BY array_position('{error,warning,notice}', f.severity), f.object, f.finding
$$;
COMMENT ON FUNCTION @extschema@.rbac_check_protection() IS
    'look for holes in the protection of this database''s tables: one row for each finding, the worst first, with a statement that clears it; findings that rbac_finding_acknowledge() has accepted are left out';

CREATE FUNCTION @extschema@.rbac_finding_acknowledge(object text, finding text, reason text) RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    severity text;
BEGIN
    IF actor.operator IS NOT TRUE THEN
        RAISE EXCEPTION 'permission denied to acknowledge a finding'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = 'Only the operator can, while no principal is set.';
    END IF;
    IF reason IS NULL THEN
        DELETE FROM aiven_rbac.acknowledged_finding AS a WHERE a.object = object AND a.finding = finding;
        RETURN FOUND;
    END IF;
    SELECT f.severity INTO severity FROM aiven_rbac.findings() AS f WHERE f.object = object AND f.finding = finding;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such finding about "%"', aiven_rbac.excerpt(object)
            USING ERRCODE = 'undefined_object', HINT = 'Give object and finding as rbac_check_protection() does.';
    ELSIF severity = 'error' THEN
        RAISE EXCEPTION 'an error cannot be acknowledged'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run the finding''s remedy.';
    END IF;
    INSERT INTO aiven_rbac.acknowledged_finding (object, finding, reason, acknowledged_by)
    VALUES (object, finding, reason, session_user)
    ON CONFLICT ON CONSTRAINT acknowledged_finding_pkey DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_finding_acknowledge(text, text, text) IS
    'accept a warning or notice of rbac_check_protection(), which then leaves it out, and say why (reason NULL: show it again); only the operator may';
