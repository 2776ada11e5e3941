-- Did a restore bring all rows of the extension's tables?  Findings of the lint
-- (code/lint.sql), from these tables and nothing else.
--
-- What these look for cannot come about by writing.  But a restore can leave out
-- the rows of a table, and no rule is kept while its trigger is disabled.

-- The installation that was dumped says which tables had rows (state/dump.sql).
CREATE FUNCTION aiven_rbac.finding_lost_rows() RETURNS SETOF aiven_rbac.finding
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    would_be_dumped text := (SELECT t.condition FROM aiven_rbac.tables() AS t WHERE t.name = 'dumped_table');
    filled text[];
BEGIN
    EXECUTE 'SELECT array_agg(name) FROM aiven_rbac.dumped_table ' || would_be_dumped INTO filled;
    RETURN QUERY
    SELECT 'error', format('aiven_rbac.%I', d.name), 'it had rows in the dump that was restored, and has none',
           format('DELETE FROM aiven_rbac.dumped_table WHERE name = %L AND installation = %L; -- unless they can still be restored',
                  d.name, d.installation)
    FROM aiven_rbac.dumped_table AS d
    WHERE d.installation NOT IN (SELECT o.installation FROM aiven_rbac.dumped_table AS o WHERE o.name = 'dumped_table')
      AND d.name = ANY (filled) IS NOT TRUE;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_lost_rows() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_lost_rows() IS 'tables of the extension whose rows a restore did not bring';

-- The parent of a resource is kept by a trigger, not by a foreign key.
CREATE VIEW aiven_rbac.reference AS
    SELECT k.name, k."table"::regclass::text AS "table",
           format('%s AND NOT EXISTS (SELECT FROM %s AS p WHERE %s)',
                  string_agg(format('r.%I IS NOT NULL', a.attname), ' AND '), k.referenced::regclass,
                  string_agg(format('p.%I = r.%I', b.attname, a.attname), ' AND ')) AS dangles,
           string_agg(format('%I = NULL', a.attname), ', ') FILTER (WHERE k.stays AND NOT a.attnotnull) AS unsetting
    FROM (SELECT c.conname::text AS name, c.conrelid AS "table", c.confrelid AS referenced, c.conkey AS columns,
                 c.confkey AS referenced_columns, c.confdeltype <> 'c' AS stays
          FROM pg_catalog.pg_constraint AS c
          WHERE c.contype = 'f' AND c.connamespace = 'aiven_rbac'::regnamespace
          UNION ALL
          SELECT 'parent', c.oid, c.oid, ARRAY[p.attnum], ARRAY[i.attnum], false
          FROM pg_catalog.pg_class AS c
          JOIN pg_catalog.pg_attribute AS p ON p.attrelid = c.oid AND p.attname = 'parent'
          JOIN pg_catalog.pg_attribute AS i ON i.attrelid = c.oid AND i.attname = 'id'
          WHERE c.oid = 'aiven_rbac.resource'::regclass) AS k
    CROSS JOIN LATERAL unnest(k.columns, k.referenced_columns) AS u (mine, its)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k."table" AND a.attnum = u.mine
    JOIN pg_catalog.pg_attribute AS b ON b.attrelid = k.referenced AND b.attnum = u.its
    GROUP BY k.name, k."table", k.referenced;
COMMENT ON VIEW aiven_rbac.reference IS
    'references among the extension''s tables: the condition for a row r that references nothing, and what unsets the reference if the row can do without';

CREATE FUNCTION aiven_rbac.finding_dangling() RETURNS SETOF aiven_rbac.finding
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    k aiven_rbac.reference;
    amount bigint;
BEGIN
    FOR k IN SELECT * FROM aiven_rbac.reference LOOP
        EXECUTE format('SELECT count(*) FROM %s AS r WHERE %s', k."table", k.dangles) INTO amount;
        IF amount > 0 THEN
            RETURN QUERY SELECT 'error', k."table", format('rows that by "%s" reference what does not exist: %s', k.name, amount),
                format(CASE WHEN k.unsetting IS NULL THEN 'DELETE FROM %1$s AS r WHERE %2$s' ELSE 'UPDATE %1$s AS r SET %3$s WHERE %2$s' END
                       || '; -- unless that can still be restored', k."table", k.dangles, k.unsetting);
        END IF;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_dangling() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_dangling() IS 'rows of the extension''s tables that reference rows which do not exist';

CREATE FUNCTION aiven_rbac.finding_incomplete() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'warning', 'aiven_rbac.' || x.name, format('rows that belong to rows of aiven_rbac.%s and are missing: %s', x.other, x.amount), x.remedy
    FROM (SELECT 'organization', 'resource', count(*),
                 'INSERT INTO aiven_rbac.organization (id) SELECT r.id FROM aiven_rbac.resource AS r WHERE r.kind = ''organization'' ON CONFLICT DO NOTHING'
          FROM aiven_rbac.resource AS r
          WHERE r.kind = 'organization' AND NOT EXISTS (SELECT FROM aiven_rbac.organization AS o WHERE o.id = r.id)
          UNION ALL
          SELECT 'project', 'resource', count(*),
                 'INSERT INTO aiven_rbac.project (id, organization) SELECT r.id, r.organization FROM aiven_rbac.resource AS r WHERE r.kind = ''project'' ON CONFLICT DO NOTHING'
          FROM aiven_rbac.resource AS r
          WHERE r.kind = 'project' AND NOT EXISTS (SELECT FROM aiven_rbac.project AS p WHERE p.id = r.id)
          UNION ALL
          SELECT 'service', 'resource', count(*),
                 'INSERT INTO aiven_rbac.service (id, organization, service_type) SELECT r.id, r.organization, ''unknown'' FROM aiven_rbac.resource AS r WHERE r.kind = ''service'' ON CONFLICT DO NOTHING'
          FROM aiven_rbac.resource AS r
          WHERE r.kind = 'service' AND NOT EXISTS (SELECT FROM aiven_rbac.service AS s WHERE s.id = r.id)
          UNION ALL
          SELECT 'membership', 'principal', count(*),
                 'INSERT INTO aiven_rbac.membership (principal, organization, kind) SELECT p.id, p.organization, p.kind FROM aiven_rbac.principal AS p WHERE p.kind <> ''user'' ON CONFLICT DO NOTHING'
          FROM aiven_rbac.principal AS p
          WHERE p.kind <> 'user' AND NOT EXISTS (SELECT FROM aiven_rbac.membership AS m WHERE m.principal = p.id)) AS x (name, other, amount, remedy)
    WHERE x.amount > 0
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_incomplete() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_incomplete() IS
    'resources without the row of their kind, and groups and application users that do not belong to their organization';

CREATE VIEW aiven_rbac.bereft_organization AS
    SELECT r.path, (SELECT m.principal FROM aiven_rbac.membership AS m
                    JOIN aiven_rbac.principal AS p ON p.id = m.principal
                    WHERE m.organization = o.id AND p.kind = 'user' AND p.deactivated_at IS NULL
                    ORDER BY m.joined_at, m.principal LIMIT 1) AS oldest_member
    FROM aiven_rbac.organization AS o
    JOIN aiven_rbac.resource AS r ON r.id = o.id
    WHERE NOT EXISTS (SELECT FROM aiven_rbac.group_member AS g
                      JOIN aiven_rbac.principal AS p ON p.id = g.member
                      WHERE g.organization = o.id AND g.account_owners AND p.deactivated_at IS NULL);
COMMENT ON VIEW aiven_rbac.bereft_organization IS
    'organizations without an active super admin, and the active user who has belonged to each for the longest time';

CREATE FUNCTION aiven_rbac.finding_no_super_admin() RETURNS SETOF aiven_rbac.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'error', 'aiven_rbac.organization', format('organizations without an active super admin: %s', count(*)),
           'SELECT @extschema@.rbac_super_admin_add(o.path, o.oldest_member) FROM aiven_rbac.bereft_organization AS o; -- or another member of each'
    FROM aiven_rbac.bereft_organization
    HAVING count(*) > 0
$$;
REVOKE ALL ON FUNCTION aiven_rbac.finding_no_super_admin() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.finding_no_super_admin() IS 'organizations that nobody can administer as super admin';
