-- Why a row is seen, or not.

CREATE FUNCTION aiven_rbac.bypasses(role oid, "table" regclass) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN NOT c.relrowsecurity THEN 'row-level security is not enabled on the table'
                WHEN r.rolsuper THEN format('role "%s" is superuser', r.rolname)
                WHEN r.rolbypassrls THEN format('role "%s" has BYPASSRLS', r.rolname)
                WHEN NOT c.relforcerowsecurity AND pg_has_role(role, c.relowner, 'USAGE')
                    THEN format('role "%s" owns the table, and row-level security is not forced', r.rolname) END
    FROM pg_class AS c, pg_roles AS r WHERE c.oid = "table" AND r.oid = role
$$;
COMMENT ON FUNCTION aiven_rbac.bypasses(oid, regclass) IS
    'why a role is not subject to a table''s row-level security, or NULL if it is';

CREATE FUNCTION @extschema@.rbac_explain_row("table" regclass, key text, role regrole DEFAULT NULL)
    RETURNS TABLE (step text, ok boolean, detail text, remedy text)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    caller oid := current_user::regrole;
    subject oid := coalesce(role, current_user::regrole);
    relation pg_class;
    bypass text;
    columns name[];
    equals text[];
    condition text;
    found_row boolean;
    policy record;
    call record;
    reason record;
    resource text;
    asked text;
    answer boolean;
    -- Each NULL when it can't be told
    may_read boolean;
    exists_now boolean;
    passes boolean := false;    -- by one of the permissive policies
    admitted boolean := true;   -- by all of the restrictive ones
BEGIN
    IF "table" IS NULL OR key IS NULL THEN
        RAISE EXCEPTION 'table and key must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT * INTO STRICT relation FROM pg_class AS c WHERE c.oid = "table";
    IF relation.relkind NOT IN ('r', 'p') THEN
        RAISE EXCEPTION '"%" is not a table', "table"
            USING ERRCODE = 'wrong_object_type', HINT = 'Ask about the tables that it reads.';
    END IF;
    -- Whoever asks may have more rights than the table's owner.  Nothing here
    -- runs code of the owner's, such as a cast or the check of a domain.
    SELECT array_agg(a.attname ORDER BY o.place), array_agg(format('OPERATOR(%I.%s)', n.nspname, e.oprname) ORDER BY o.place)
    INTO columns, equals
    FROM pg_index AS i, unnest(i.indkey::int2[], i.indclass::oid[]) WITH ORDINALITY AS o (attnum, opclass, place), pg_attribute AS a,
        pg_opclass AS c, pg_amop AS m, pg_operator AS e, pg_namespace AS n
    WHERE i.indrelid = "table" AND i.indisprimary AND a.attrelid = "table" AND a.attnum = o.attnum AND c.oid = o.opclass
      AND m.amopfamily = c.opcfamily AND m.amoplefttype = c.opcintype AND m.amoprighttype = c.opcintype AND m.amopstrategy = 3
      AND e.oid = m.amopopr AND n.oid = e.oprnamespace;
    IF columns IS NULL THEN
        RAISE EXCEPTION 'table "%" has no primary key', "table"
            USING ERRCODE = 'undefined_object', HINT = 'Ask about the row''s resource: rbac_explain(resource, name).';
    END IF;

    -- Privileges
    step := 'privilege';
    ok := has_schema_privilege(subject, relation.relnamespace, 'USAGE') AND has_any_column_privilege(subject, "table", 'SELECT');
    detail := format('role "%s" %s table %s', pg_get_userbyid(subject), CASE WHEN ok THEN 'may read' ELSE 'may not read' END, "table");
    remedy := CASE WHEN NOT has_schema_privilege(subject, relation.relnamespace, 'USAGE')
                   THEN format('GRANT USAGE ON SCHEMA %s TO %I', relation.relnamespace::regnamespace, pg_get_userbyid(subject))
                   WHEN NOT ok THEN format('GRANT SELECT ON %s TO %I', "table", pg_get_userbyid(subject)) END;
    may_read := ok;
    RETURN NEXT;

    -- The row.  It is looked at with the caller's own rights, so that nobody
    -- learns from the answer what a query would not have told.
    step := 'row';
    remedy := NULL;
    found_row := false;
    IF has_schema_privilege(caller, relation.relnamespace, 'USAGE') AND has_table_privilege(caller, "table", 'SELECT') THEN
        condition := CASE WHEN cardinality(columns) = 1 THEN format('t.%I %s %L', columns[1], equals[1], key)
                     ELSE (SELECT format('ROW(%s)::text = %L', string_agg(format('t.%I', c), ', '), key) FROM unnest(columns) AS c) END;
        EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE %s)', "table", condition) INTO found_row;
    END IF;
    IF found_row THEN
        ok := true;
        detail := format('there is a row with the key %s', key);
    ELSIF aiven_rbac.bypasses(caller, "table") IS NOT NULL AND has_table_privilege(caller, "table", 'SELECT') THEN
        ok := false;
        detail := format('there is no row with the key %s', key);
    ELSE
        ok := NULL;
        detail := format('role "%s" sees no row with the key %s; whether there is one is not told', pg_get_userbyid(caller), key);
        remedy := 'Let a role that is not subject to row-level security ask, with the same principal set.';
    END IF;
    exists_now := ok;
    RETURN NEXT;

    -- Row-level security
    step := 'row-level security';
    bypass := aiven_rbac.bypasses(subject, "table");
    ok := true;
    detail := coalesce(bypass || ': every row is seen', format('role "%s" is subject to the policies of the table', pg_get_userbyid(subject)));
    remedy := CASE WHEN NOT relation.relrowsecurity THEN 'rbac_protect_table() protects it.' END;
    RETURN NEXT;

    IF bypass IS NULL THEN
        FOR policy IN SELECT p.polname, p.polpermissive, pg_get_expr(p.polqual, p.polrelid) AS condition
                      FROM pg_policy AS p
                      WHERE p.polrelid = "table" AND p.polcmd IN ('*', 'r')
                        AND EXISTS (SELECT FROM unnest(p.polroles) AS r WHERE r = 0 OR pg_has_role(subject, r, 'USAGE'))
                      ORDER BY p.polpermissive DESC, p.polname LOOP
            step := format('%spolicy "%s"', CASE WHEN policy.polpermissive THEN '' ELSE 'restrictive ' END, policy.polname);
            answer := NULL;
            SELECT * INTO call FROM aiven_rbac.decision_calls(policy.condition) LIMIT 1;
            IF policy.condition = 'true' OR policy.condition = 'false' THEN
                answer := policy.condition::boolean;
                ok := answer;
                detail := format('its condition is %s', policy.condition);
                remedy := NULL;
                RETURN NEXT;
            ELSIF call."column" IS NULL OR NOT call.is_all
                  OR NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = "table" AND a.attname = call."column"
                                 AND a.atttypid IN ('uuid'::regtype, '@extschema@.rbac_path'::regtype)) THEN
                ok := NULL;
                detail := format('its condition is %s', policy.condition);
                remedy := 'It is not only a call of a decision function: judge it yourself.';
                RETURN NEXT;
            ELSIF NOT found_row THEN
                ok := NULL;
                detail := format('takes %s on the resource in column "%s"', array_to_string(call.names, ' or '), call."column");
                remedy := NULL;
                RETURN NEXT;
            ELSE
                EXECUTE format('SELECT t.%I::text FROM %s AS t WHERE %s', call."column", "table", condition) INTO resource;
                IF resource IS NULL THEN
                    answer := false;
                    ok := false;
                    detail := format('column "%s" is null: the row belongs to no resource', call."column");
                    remedy := 'Let the column name a resource.';
                    RETURN NEXT;
                ELSE
                    answer := false;
                    FOREACH asked IN ARRAY call.names LOOP
                        FOR reason IN EXECUTE format('SELECT * FROM @extschema@.rbac_explain(%L::%s, %L)', resource,
                                                     (SELECT a.atttypid::regtype FROM pg_attribute AS a
                                                      WHERE a.attrelid = "table" AND a.attname = call."column"), asked) LOOP
                            answer := answer OR reason.allowed;
                            ok := reason.allowed;
                            detail := format('"%s" on %s: %s%s', asked, resource, reason.reason,
                                             CASE WHEN reason.grant_name IS NOT NULL
                                                  THEN format(' (%s on %s, %s)', reason.grant_name, reason.granted_on, reason.via) ELSE '' END);
                            remedy := reason.advice;
                            RETURN NEXT;
                        END LOOP;
                    END LOOP;
                END IF;
            END IF;
            IF policy.polpermissive THEN
                passes := passes OR answer;
            ELSE
                admitted := admitted AND answer;
            END IF;
        END LOOP;
    END IF;

    step := 'answer';
    ok := may_read AND exists_now AND (bypass IS NOT NULL OR (passes AND admitted));
    detail := CASE WHEN ok THEN 'the row is seen'
                   WHEN NOT ok THEN 'the row is not seen'
                   ELSE 'it cannot be told from here whether the row is seen' END;
    remedy := CASE WHEN NOT ok THEN 'See the steps above that are not ok.' END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_explain_row(regclass, text, regrole) IS
    'why the session''s principal sees a row, or not, when it queries as a database role (the current one, unless given): privileges, row-level security, each policy''s decision with the grants that are missing; key is the primary key as text, or a row like (1,x); it tells of no row that the caller could not query itself';
