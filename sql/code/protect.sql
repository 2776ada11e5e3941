-- Protection of the application's own tables by row-level security.  These
-- functions run with the caller's rights: who may not alter a table can't
-- protect or unprotect it.

-- Whoever protects a table need not be able to read the catalogue.
CREATE FUNCTION aiven_rbac.is_common_name(name text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_is_common_name'
    LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION aiven_rbac.is_common_name(text) IS
    'is this an action, or a role or permission that all organizations have?';

-- Policies call the decision function with constant names and nothing else, so
-- that plans can be made of them, here and on the shards of a cluster.  The
-- names are cast, so that no other function of the name can fit better.
CREATE FUNCTION aiven_rbac.policy_expression("column" name, names text[]) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    own text;
BEGIN
    IF names IS NULL THEN
        RETURN NULL;
    END IF;
    IF cardinality(names) = 0 OR array_position(names, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'names of permissions must be given'
            USING ERRCODE = 'null_value_not_allowed', HINT = 'Such as ''project:services:read''.';
    END IF;
    PERFORM @extschema@.rbac_has_any_permission(gen_random_uuid(), VARIADIC names);
    SELECT n INTO own FROM unnest(names) AS n WHERE NOT aiven_rbac.is_common_name(n);
    IF FOUND THEN
        RAISE EXCEPTION 'a policy cannot require role "%", which is an organization''s own', left(own, 80)
            USING ERRCODE = 'wrong_object_type',
                  DETAIL = 'Whoever edits the role would decide who passes.',
                  HINT = 'Name an action, or a role or permission that all organizations have.';
    END IF;
    IF cardinality(names) = 1 THEN
        RETURN format('@extschema@.rbac_has_permission(%I, %L::pg_catalog.text)', "column", names[1]);
    END IF;
    RETURN format('@extschema@.rbac_has_any_permission(%I, VARIADIC %L::pg_catalog.text[])', "column", names);
END
$$;
COMMENT ON FUNCTION aiven_rbac.policy_expression(name, text[]) IS
    'the condition of a policy that requires one of the names on the resource in a column; an error for an unknown name, and for a role of an organization''s own';

CREATE FUNCTION aiven_rbac.drop_policies("table" regclass) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    policy name;
BEGIN
    FOR policy IN SELECT p.polname FROM pg_catalog.pg_policy AS p
                  WHERE p.polrelid = "table"
                    AND p.polname IN ('rbac_select', 'rbac_insert', 'rbac_update', 'rbac_delete') LOOP
        EXECUTE format('DROP POLICY %I ON %s', policy, "table");
    END LOOP;
END
$$;
COMMENT ON FUNCTION aiven_rbac.drop_policies(regclass) IS 'drop the policies that rbac_protect_table() creates';

CREATE FUNCTION @extschema@.rbac_protect_table("table" regclass, "column" name, read text[], write text[] DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    relation pg_catalog.pg_class;
    attribute pg_catalog.pg_attribute;
    other name;
    reads text;
    writes text;
BEGIN
    IF "table" IS NULL OR "column" IS NULL OR read IS NULL THEN
        RAISE EXCEPTION 'table, column and read must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT * INTO STRICT relation FROM pg_catalog.pg_class AS c WHERE c.oid = "table";
    IF relation.relkind NOT IN ('r', 'p') THEN
        RAISE EXCEPTION '"%" is not a table', relation.relname
            USING ERRCODE = 'wrong_object_type', HINT = 'Protect the tables that it reads, and give views security_invoker.';
    END IF;
    SELECT * INTO attribute FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = "table" AND a.attname = "column" AND a.attnum > 0 AND NOT a.attisdropped;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'column "%" of table "%" does not exist', "column", relation.relname USING ERRCODE = 'undefined_column';
    END IF;
    IF attribute.atttypid NOT IN ('uuid'::regtype, '@extschema@.rbac_path'::regtype) THEN
        RAISE EXCEPTION 'column "%" of table "%" is of type %', "column", relation.relname,
                format_type(attribute.atttypid, attribute.atttypmod)
            USING ERRCODE = 'datatype_mismatch',
                  DETAIL = 'The column says which resource a row belongs to, by its id (uuid) or its path (rbac_path).',
                  HINT = 'Let it reference aiven_rbac.resource (id), or aiven_rbac.resource (path) ON UPDATE CASCADE.';
    END IF;
    SELECT p.polname INTO other FROM pg_catalog.pg_policy AS p
    WHERE p.polrelid = "table" AND p.polpermissive
      AND p.polname NOT IN ('rbac_select', 'rbac_insert', 'rbac_update', 'rbac_delete');
    IF FOUND THEN
        RAISE EXCEPTION 'table "%" has a permissive policy "%" already', relation.relname, other
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'Permissive policies add up: it would show rows that the principal has no right to.',
                  HINT = 'Drop it, or make it AS RESTRICTIVE.';
    END IF;

    reads := aiven_rbac.policy_expression("column", read);
    writes := coalesce(aiven_rbac.policy_expression("column", write), 'false');
    PERFORM aiven_rbac.drop_policies("table");
    EXECUTE format('CREATE POLICY rbac_select ON %s FOR SELECT USING (%s)', "table", reads);
    EXECUTE format('CREATE POLICY rbac_insert ON %s FOR INSERT WITH CHECK (%s)', "table", writes);
    EXECUTE format('CREATE POLICY rbac_update ON %s FOR UPDATE USING (%s) WITH CHECK (%2$s)', "table", writes);
    EXECUTE format('CREATE POLICY rbac_delete ON %s FOR DELETE USING (%s)', "table", writes);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', "table");
    IF attribute.atttypid = '@extschema@.rbac_path'::regtype THEN
        PERFORM aiven_rbac.declare_key("table", "column");
    END IF;

    IF NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i
                   JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
                   JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
                   WHERE i.indrelid = "table" AND i.indkey[0] = attribute.attnum
                     AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree') THEN
        EXECUTE format('CREATE INDEX ON %s (%I)', "table", "column");
    END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_protect_table(regclass, name, text[], text[]) IS
    'let row-level security show and accept only the rows whose column names a resource on which the session''s principal holds one of the names: read for SELECT, write (NULL: nobody) for INSERT, UPDATE and DELETE; creates an index if none serves';

-- One name as plain text will do: '{a,b}' is still taken as an array.
CREATE FUNCTION aiven_rbac.names_of(names text) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT CASE WHEN names LIKE '{%' THEN names::text[] ELSE ARRAY[names] END WHERE names IS NOT NULL $$;
COMMENT ON FUNCTION aiven_rbac.names_of(text) IS 'a single name, or an array in text form, as an array of names';

CREATE FUNCTION @extschema@.rbac_protect_table("table" regclass, "column" name, read text, write text DEFAULT NULL)
    RETURNS void
    LANGUAGE sql
    AS $$ SELECT @extschema@.rbac_protect_table("table", "column", aiven_rbac.names_of(read), aiven_rbac.names_of(write)) $$;
COMMENT ON FUNCTION @extschema@.rbac_protect_table(regclass, name, text, text) IS
    'the same for one name each';

CREATE FUNCTION @extschema@.rbac_protect_table("table" regclass, "column" name, read text, write text[])
    RETURNS void
    LANGUAGE sql
    AS $$ SELECT @extschema@.rbac_protect_table("table", "column", aiven_rbac.names_of(read), write) $$;
COMMENT ON FUNCTION @extschema@.rbac_protect_table(regclass, name, text, text[]) IS
    'the same for one name to read';

CREATE FUNCTION @extschema@.rbac_protect_table("table" regclass, "column" name, read text[], write text)
    RETURNS void
    LANGUAGE sql
    AS $$ SELECT @extschema@.rbac_protect_table("table", "column", read, aiven_rbac.names_of(write)) $$;
COMMENT ON FUNCTION @extschema@.rbac_protect_table(regclass, name, text[], text) IS
    'the same for one name to write';

CREATE FUNCTION @extschema@.rbac_unprotect_table("table" regclass) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF "table" IS NULL THEN
        RAISE EXCEPTION 'table must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_policy AS p
                   WHERE p.polrelid = "table" AND p.polname = 'rbac_select') THEN
        RAISE EXCEPTION 'table "%" is not protected',
                (SELECT c.relname FROM pg_catalog.pg_class AS c WHERE c.oid = "table")
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Only what rbac_protect_table() did can be undone.';
    END IF;
    PERFORM aiven_rbac.drop_policies("table");
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_policy AS p WHERE p.polrelid = "table") THEN
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY', "table");
    END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_unprotect_table(regclass) IS
    'drop the policies of rbac_protect_table(), and row-level security with them if the table has no other policy; the index stays';

-- Those who protect tables need not be the extension's owner.
GRANT USAGE ON SCHEMA aiven_rbac TO PUBLIC;