-- Why a row is seen, or not: one function a step.
--
-- The caller may have more rights than the table's owner, so that no code of the
-- owner's is run: the row is looked up in C (src/rbac_row.c), and a policy's
-- condition is read, not evaluated.  These functions run with the caller's
-- rights, and tell no more than the caller could find out without them.

CREATE FUNCTION aiven_rbac.find_row("table" regclass, key text, OUT row_exists boolean, OUT resources text[])
    AS 'MODULE_PATHNAME', 'rbac_row_find'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION aiven_rbac.find_row(regclass, text) IS
    'is there a row with a primary key (NULL: the caller is not to know), and the resources that its columns name, by column number; no code of the table''s owner is run';

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

CREATE FUNCTION aiven_rbac.privilege_step("table" regclass, subject oid) RETURNS aiven_rbac.step
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'privilege', p.has_schema AND p.has_table,
           format('role "%s" %s table %s', r.rolname, CASE WHEN p.has_schema AND p.has_table THEN 'may read' ELSE 'may not read' END, "table"),
           CASE WHEN NOT p.has_schema THEN format('GRANT USAGE ON SCHEMA %s TO %I', c.relnamespace::regnamespace, r.rolname)
                WHEN NOT p.has_table THEN format('GRANT SELECT ON %s TO %I', "table", r.rolname) END
    FROM pg_class AS c, pg_roles AS r,
         LATERAL (SELECT has_schema_privilege(subject, c.relnamespace, 'USAGE'),
                         has_any_column_privilege(subject, "table", 'SELECT')) AS p (has_schema, has_table)
    WHERE c.oid = "table" AND r.oid = subject
$$;
COMMENT ON FUNCTION aiven_rbac.privilege_step(regclass, oid) IS 'may a role read the table at all?';

CREATE FUNCTION aiven_rbac.row_step("table" regclass, key text, row_exists boolean) RETURNS aiven_rbac.step
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'row', row_exists,
           CASE WHEN row_exists THEN format('there is a row with the key %s', key)
                WHEN NOT row_exists THEN format('there is no row with the key %s', key)
                ELSE format('role "%s" sees no row with the key %s; whether there is one is not told', current_user, key) END,
           CASE WHEN row_exists IS NULL THEN 'Let a role that is not subject to row-level security ask, with the same principal set.' END
$$;
COMMENT ON FUNCTION aiven_rbac.row_step(regclass, text, boolean) IS 'is there a row with the key, as far as the caller is to know?';

CREATE FUNCTION aiven_rbac.row_security_step("table" regclass, subject oid) RETURNS aiven_rbac.step
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'row-level security', true,
           coalesce(aiven_rbac.bypasses(subject, "table") || ': every row is seen',
                    format('role "%s" is subject to the policies of the table', pg_get_userbyid(subject))),
           CASE WHEN NOT c.relrowsecurity THEN 'rbac_protect_table() protects it.' END
    FROM pg_class AS c
    WHERE c.oid = "table"
$$;
COMMENT ON FUNCTION aiven_rbac.row_security_step(regclass, oid) IS 'is a role subject to the table''s policies?';

CREATE FUNCTION aiven_rbac.policies_for("table" regclass, subject oid)
    RETURNS TABLE (policy oid, label text, is_permissive boolean)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT p.oid, format('%spolicy "%s"', CASE WHEN p.polpermissive THEN '' ELSE 'restrictive ' END, p.polname), p.polpermissive
    FROM pg_policy AS p
    WHERE p.polrelid = "table" AND p.polcmd IN ('*', 'r')
      AND EXISTS (SELECT FROM unnest(p.polroles) AS r WHERE r = 0 OR pg_has_role(subject, r, 'USAGE'))
    ORDER BY p.polpermissive DESC, p.polname
$$;
COMMENT ON FUNCTION aiven_rbac.policies_for(regclass, oid) IS 'the policies that a role has to pass to read rows of the table';

CREATE FUNCTION aiven_rbac.decision_steps(label text, path @extschema@.rbac_path, id uuid, names text[]) RETURNS SETOF aiven_rbac.step
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT label, e.allowed,
           format('"%s" on %s: %s', n.name, coalesce(path::text, id::text), e.reason)
           || CASE WHEN e.grant_name IS NOT NULL THEN format(' (%s on %s, %s)', e.grant_name, e.granted_on, e.via) ELSE '' END,
           e.advice
    FROM unnest(names) WITH ORDINALITY AS n (name, place),
         LATERAL (SELECT * FROM @extschema@.rbac_explain(path, n.name)
                  UNION ALL
                  SELECT * FROM @extschema@.rbac_explain(id, n.name)) AS e
$$;
COMMENT ON FUNCTION aiven_rbac.decision_steps(text, @extschema@.rbac_path, uuid, text[]) IS
    'why the session''s principal holds one of the names on a resource, given by path or by id, or not';

-- A condition that is not only a decision or a constant would have to be
-- evaluated.
CREATE FUNCTION aiven_rbac.policy_steps(policy oid, label text, row_exists boolean, resources text[]) RETURNS SETOF aiven_rbac.step
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    asked record;
    condition text;
BEGIN
    SELECT q.names, q.space, a.attname AS "column", a.atttypid AS type, resources[a.attnum] AS resource, a.attgenerated = 'v' AS is_computed
    INTO asked
    FROM pg_policy AS p, LATERAL aiven_rbac.decision_calls(p.polrelid, p.polqual) AS q, pg_attribute AS a
    WHERE p.oid = policy AND q.is_all AND q.names IS NOT NULL AND a.attrelid = p.polrelid AND a.attnum = q.column_number
      AND (q.space IS NOT NULL OR a.atttypid IN ('uuid'::regtype, '@extschema@.rbac_path'::regtype));
    IF NOT FOUND THEN
        SELECT pg_get_expr(p.polqual, p.polrelid) INTO condition FROM pg_policy AS p WHERE p.oid = policy;
        RETURN NEXT ROW(label, CASE WHEN condition IN ('true', 'false') THEN condition::boolean END,
                        format('its condition is %s', condition),
                        CASE WHEN condition NOT IN ('true', 'false')
                             THEN 'It is not only a call of a decision function: judge it yourself.' END)::aiven_rbac.step;
    ELSIF row_exists IS NOT TRUE OR asked.is_computed THEN
        RETURN NEXT ROW(label, NULL, format('requires %s on the resource in column "%s"', array_to_string(asked.names, ' or '), asked."column"),
                        NULL)::aiven_rbac.step;
    ELSIF asked.resource IS NULL THEN
        RETURN NEXT ROW(label, false, format('column "%s" is null: the row belongs to no resource', asked."column"),
                        'Let the column name a resource.')::aiven_rbac.step;
    ELSIF asked.space IS NOT NULL THEN
        RETURN QUERY SELECT * FROM aiven_rbac.decision_steps(label, NULL, @extschema@.rbac_id(asked.space, asked.resource), asked.names);
    ELSIF asked.type = 'uuid'::regtype THEN
        RETURN QUERY SELECT * FROM aiven_rbac.decision_steps(label, NULL, asked.resource::uuid, asked.names);
    ELSE
        RETURN QUERY SELECT * FROM aiven_rbac.decision_steps(label, asked.resource::@extschema@.rbac_path, NULL, asked.names);
    END IF;
END
$$;
COMMENT ON FUNCTION aiven_rbac.policy_steps(oid, text, boolean, text[]) IS
    'does a row with these resources pass a policy, and why; NULL where it can''t be told';

CREATE FUNCTION aiven_rbac.answer_step(ok boolean, bypasses boolean) RETURNS aiven_rbac.step
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT 'answer', ok,
           CASE WHEN ok AND bypasses THEN 'the row is seen'
                WHEN ok THEN 'the row is seen; SELECT ... FOR UPDATE or FOR SHARE returns it only if the policies for UPDATE let it pass, too'
                WHEN NOT ok THEN 'the row is not seen'
                ELSE 'it cannot be told from here whether the row is seen' END,
           CASE WHEN NOT ok THEN 'See the steps above that are not ok.' END
$$;
COMMENT ON FUNCTION aiven_rbac.answer_step(boolean, boolean) IS 'is the row seen, after all?';

CREATE FUNCTION aiven_rbac.check_explained("table" regclass, key text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    kind "char";
BEGIN
    IF "table" IS NULL OR key IS NULL THEN
        RAISE EXCEPTION 'table and key must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT c.relkind INTO STRICT kind FROM pg_class AS c WHERE c.oid = "table";
    IF kind NOT IN ('r', 'p') THEN
        RAISE EXCEPTION '"%" is not a table', "table"
            USING ERRCODE = 'wrong_object_type', HINT = 'Ask about the tables that it reads.';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = "table" AND i.indisprimary) THEN
        RAISE EXCEPTION 'table "%" has no primary key', "table"
            USING ERRCODE = 'undefined_object', HINT = 'Ask about the row''s resource: rbac_explain(resource, name).';
    END IF;
END
$$;
COMMENT ON FUNCTION aiven_rbac.check_explained(regclass, text) IS 'raise if rbac_explain_row() has no answer for the table or the key';

CREATE FUNCTION @extschema@.rbac_explain_row("table" regclass, key text, role regrole DEFAULT NULL)
    RETURNS TABLE (step text, ok boolean, detail text, remedy text)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    subject oid := coalesce(role, current_user::regrole);
    bypasses boolean;
    looked_up record;
    policy record;
    may_read boolean;
    answer boolean;             -- of one policy
    passes boolean := false;    -- by one of the permissive policies
    admitted boolean := true;   -- by all of the restrictive ones
BEGIN
    PERFORM aiven_rbac.check_explained("table", key);
    bypasses := aiven_rbac.bypasses(subject, "table") IS NOT NULL;
    SELECT * INTO step, ok, detail, remedy FROM aiven_rbac.privilege_step("table", subject);
    may_read := ok;
    RETURN NEXT;

    SELECT * INTO looked_up FROM aiven_rbac.find_row("table", key);
    RETURN QUERY SELECT * FROM aiven_rbac.row_step("table", key, looked_up.row_exists);
    RETURN QUERY SELECT * FROM aiven_rbac.row_security_step("table", subject);

    FOR policy IN SELECT p.* FROM aiven_rbac.policies_for("table", subject) AS p WHERE NOT bypasses LOOP
        answer := NULL;
        FOR step, ok, detail, remedy IN
            SELECT s.* FROM aiven_rbac.policy_steps(policy.policy, policy.label, looked_up.row_exists, looked_up.resources) AS s LOOP
            answer := coalesce(answer OR ok, answer, ok);
            RETURN NEXT;
        END LOOP;
        IF policy.is_permissive THEN
            passes := passes OR answer;
        ELSE
            admitted := admitted AND answer;
        END IF;
    END LOOP;

    RETURN QUERY SELECT * FROM aiven_rbac.answer_step(may_read AND looked_up.row_exists AND (bypasses OR (passes AND admitted)), bypasses);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_explain_row(regclass, text, regrole) IS
    'why the session''s principal sees a row, or not, when it queries as a database role (the current one, unless given): privileges, row-level security, each policy''s decision with the grants that are missing; key is the primary key as text, or a row like (1,x); it tells of no row that the caller could not query itself, and runs no code of the table''s owner';
