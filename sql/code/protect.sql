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
CREATE FUNCTION aiven_rbac.policy_expression(resource text, names text[]) RETURNS text
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
        RETURN format('@extschema@.rbac_has_permission(%s, %L::pg_catalog.text)', resource, names[1]);
    END IF;
    RETURN format('@extschema@.rbac_has_any_permission(%s, VARIADIC %L::pg_catalog.text[])', resource, names);
END
$$;
COMMENT ON FUNCTION aiven_rbac.policy_expression(text, text[]) IS
    'the condition of a policy that requires one of the names on a resource, which is an expression; an error for an unknown name, and for a role of an organization''s own';

CREATE FUNCTION aiven_rbac.protectable("table" regclass) RETURNS pg_catalog.pg_class
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    relation pg_catalog.pg_class;
    other name;
BEGIN
    SELECT * INTO STRICT relation FROM pg_catalog.pg_class AS c WHERE c.oid = "table";
    IF relation.relkind NOT IN ('r', 'p') THEN
        RAISE EXCEPTION '"%" is not a table', relation.relname
            USING ERRCODE = 'wrong_object_type', HINT = 'Protect the tables that it reads, and give views security_invoker.';
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
    RETURN relation;
END
$$;
COMMENT ON FUNCTION aiven_rbac.protectable(regclass) IS
    'a table that policies can be made for; an error for what is no table, and for one with a permissive policy of somebody else''s';

-- The text is as PostgreSQL writes the expression of an index, by which one that
-- serves is found.
CREATE FUNCTION aiven_rbac.id_expression(space text, "column" name, type oid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format('@extschema@.rbac_id(%L::text, %s)', space,
                  format(CASE WHEN type IN ('bigint'::regtype, 'text'::regtype) THEN '%I'
                              WHEN type IN ('integer'::regtype, 'smallint'::regtype) THEN '(%I)::bigint'
                              WHEN type = 'varchar'::regtype THEN '(%I)::text' END, "column"))
    WHERE space IS NOT NULL AND type IN ('bigint'::regtype, 'text'::regtype, 'integer'::regtype, 'smallint'::regtype, 'varchar'::regtype)
$$;
COMMENT ON FUNCTION aiven_rbac.id_expression(text, name, oid) IS
    'the id that is made from a key of a space in a column of a type; NULL if values of the type are no keys';

CREATE FUNCTION aiven_rbac.resource_expression(relation pg_catalog.pg_class, "column" name, space text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    attribute pg_catalog.pg_attribute;
    type text;
BEGIN
    SELECT * INTO attribute FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = relation.oid AND a.attname = "column" AND a.attnum > 0 AND NOT a.attisdropped;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'column "%" of table "%" does not exist', "column", relation.relname USING ERRCODE = 'undefined_column';
    END IF;
    type := format_type(attribute.atttypid, attribute.atttypmod);
    IF space IS NULL THEN
        IF attribute.atttypid NOT IN ('uuid'::regtype, '@extschema@.rbac_path'::regtype) THEN
            RAISE EXCEPTION 'column "%" of table "%" is of type %', "column", relation.relname, type
                USING ERRCODE = 'datatype_mismatch',
                      DETAIL = 'The column says which resource a row belongs to, by its id (uuid) or its path (rbac_path).',
                      HINT = CASE WHEN aiven_rbac.id_expression('', "column", attribute.atttypid) IS NULL
                                  THEN 'Let it reference aiven_rbac.resource (id), or aiven_rbac.resource (path) ON UPDATE CASCADE.'
                                  ELSE 'If its values are keys of your own, say of what, such as space => ''tenant'', and give resources the ids that rbac_id() makes of them.' END;
        END IF;
        IF attribute.atttypid <> 'uuid'::regtype AND aiven_rbac.is_subscriber() THEN
            RAISE EXCEPTION 'column "%" of table "%" is of type %', "column", relation.relname, type
                USING ERRCODE = 'feature_not_supported',
                      DETAIL = 'A subscription brings this database''s paths, and nothing would change the column with them.',
                      HINT = 'Use a column of type uuid, which holds the resource''s id, or keys of a space: ids never change.';
        END IF;
        RETURN format('%I', "column");
    END IF;
    IF length(space) NOT BETWEEN 1 AND 63 OR space ~ '[[:cntrl:]]' THEN
        RAISE EXCEPTION 'invalid space of keys'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'It names a kind of key, such as ''tenant'', in 1 to 63 characters, none of them invisible.';
    ELSIF aiven_rbac.id_expression(space, "column", attribute.atttypid) IS NULL THEN
        RAISE EXCEPTION 'column "%" of table "%" is of type %', "column", relation.relname, type
            USING ERRCODE = 'datatype_mismatch',
                  DETAIL = 'Keys of a space are of type bigint, integer, smallint, text or varchar.',
                  HINT = 'A column of type uuid or rbac_path names a resource by itself: leave out the space.';
    END IF;
    RETURN aiven_rbac.id_expression(space, "column", attribute.atttypid);
END
$$;
COMMENT ON FUNCTION aiven_rbac.resource_expression(pg_catalog.pg_class, name, text) IS
    'what says which resource a row belongs to: a column, or the id that is made from a key of a space in it';

CREATE FUNCTION aiven_rbac.dropping("table" regclass) RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format('DROP POLICY %I ON %s', p.polname, "table") FROM pg_catalog.pg_policy AS p
    WHERE p.polrelid = "table" AND p.polname IN ('rbac_select', 'rbac_insert', 'rbac_update', 'rbac_delete')
    ORDER BY p.polname
$$;
COMMENT ON FUNCTION aiven_rbac.dropping(regclass) IS 'the statements that drop the policies which rbac_protect_table() creates';

-- A call that forgets what stands would make a table read-only, or let it be read
-- by another column, without a word.
CREATE FUNCTION aiven_rbac.replacing(relation pg_catalog.pg_class, replace boolean) RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    standing text;
BEGIN
    SELECT pg_get_expr(p.polqual, p.polrelid) INTO standing FROM pg_catalog.pg_policy AS p
    WHERE p.polrelid = relation.oid AND p.polname = 'rbac_select';
    IF FOUND AND replace IS NOT TRUE THEN
        RAISE EXCEPTION 'table "%" is protected already', relation.relname
            USING ERRCODE = 'duplicate_object', DETAIL = format('It shows rows by %s.', standing),
                  HINT = 'To protect it anew, say replace => true. Policies for a second column can be made AS RESTRICTIVE beside these.';
    END IF;
    RETURN QUERY SELECT * FROM aiven_rbac.dropping(relation.oid::regclass);
END
$$;
COMMENT ON FUNCTION aiven_rbac.replacing(pg_catalog.pg_class, boolean) IS
    'the statements that drop a table''s protection to make place for another; an error if there is one that is not to be replaced';

CREATE FUNCTION aiven_rbac.has_index_for(relation oid, expression text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT EXISTS (SELECT FROM pg_catalog.pg_index AS i
                   JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
                   JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
                   WHERE i.indrelid = relation AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree'
                     AND pg_get_indexdef(i.indexrelid, 1, false) = expression)
$$;
COMMENT ON FUNCTION aiven_rbac.has_index_for(oid, text) IS
    'has a table an index that begins with a column or an expression?';

-- A column of paths follows the hierarchy by its own foreign key, or by that of a
-- table whose column follows.
CREATE FUNCTION aiven_rbac.follows("table" oid, "column" smallint) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH RECURSIVE followed AS (
        SELECT "table" AS relation, "column" AS number
        UNION
        SELECT k.confrelid, u.referred
        FROM followed AS f
        JOIN pg_constraint AS k ON k.conrelid = f.relation AND k.contype = 'f' AND k.convalidated AND k.confupdtype = 'c'
        CROSS JOIN unnest(k.conkey, k.confkey) AS u (referring, referred)
        WHERE u.referring = f.number
    )
    SELECT EXISTS (SELECT FROM followed AS f JOIN pg_attribute AS a ON a.attrelid = f.relation AND a.attnum = f.number
                   WHERE f.relation = 'aiven_rbac.resource'::regclass AND a.attname = 'path')
$$;
COMMENT ON FUNCTION aiven_rbac.follows(oid, smallint) IS
    'does a column of paths change with the hierarchy, by its own foreign key or by those of tables that it references?';

-- What rbac_protect_table() does, and rbac_policy_sql() tells.
CREATE FUNCTION aiven_rbac.protection("table" regclass, "column" name, read text[], write text[], space text, replace boolean)
    RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    relation pg_catalog.pg_class;
    resource text;
    reads text;
    writes text;
BEGIN
    IF "table" IS NULL OR "column" IS NULL OR read IS NULL THEN
        RAISE EXCEPTION 'table, column and read must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    relation := aiven_rbac.protectable("table");
    resource := aiven_rbac.resource_expression(relation, "column", space);
    reads := aiven_rbac.policy_expression(resource, read);
    writes := coalesce(aiven_rbac.policy_expression(resource, write), 'false');
    RETURN QUERY SELECT aiven_rbac.replacing(relation, replace);
    RETURN NEXT format('CREATE POLICY rbac_select ON %s FOR SELECT USING (%s)', "table", reads);
    RETURN NEXT format('CREATE POLICY rbac_insert ON %s FOR INSERT WITH CHECK (%s)', "table", writes);
    RETURN NEXT format('CREATE POLICY rbac_update ON %s FOR UPDATE USING (%s) WITH CHECK (%2$s)', "table", writes);
    RETURN NEXT format('CREATE POLICY rbac_delete ON %s FOR DELETE USING (%s)', "table", writes);
    RETURN NEXT format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', "table");
    IF space IS NULL AND EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
                                 WHERE a.attrelid = "table" AND a.attname = "column" AND a.atttypid = '@extschema@.rbac_path'::regtype
                                   AND NOT aiven_rbac.follows("table", a.attnum)) THEN
        RETURN NEXT format('SELECT aiven_rbac.declare_key(%L, %L)', "table", "column");
    END IF;
    IF NOT aiven_rbac.has_index_for("table", resource) THEN
        RETURN NEXT format('CREATE INDEX ON %s (%s)', "table", CASE WHEN space IS NULL THEN resource ELSE '(' || resource || ')' END);
    END IF;
END
$$;
COMMENT ON FUNCTION aiven_rbac.protection(regclass, name, text[], text[], text, boolean) IS
    'the statements that protect a table; an error if it cannot be protected so, or is protected already and is not to be protected anew';

CREATE FUNCTION @extschema@.rbac_protect_table("table" regclass, "column" name, read text[], write text[] DEFAULT NULL,
                                               space text DEFAULT NULL, replace boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    statement text;
BEGIN
    FOR statement IN SELECT * FROM aiven_rbac.protection("table", "column", read, write, space, replace) LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_protect_table(regclass, name, text[], text[], text, boolean) IS
    'let row-level security show and accept only the rows whose column names a resource on which the session''s principal holds one of the names: read for SELECT, write (NULL: nobody) for INSERT, UPDATE and DELETE; creates an index if none serves; with a space, the column holds keys of an application''s own, from which rbac_id() makes the ids; a table that is protected already requires replace';

-- One name as plain text will do: '{a,b}' is still taken as an array.
CREATE FUNCTION aiven_rbac.names_of(names text) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT CASE WHEN names LIKE '{%' THEN names::text[] ELSE ARRAY[names] END WHERE names IS NOT NULL $$;
COMMENT ON FUNCTION aiven_rbac.names_of(text) IS 'a single name, or an array in text form, as an array of names';

CREATE FUNCTION @extschema@.rbac_protect_table("table" regclass, "column" name, read text, write text DEFAULT NULL,
                                               space text DEFAULT NULL, replace boolean DEFAULT false) RETURNS void
    LANGUAGE sql
    AS $$ SELECT @extschema@.rbac_protect_table("table", "column", aiven_rbac.names_of(read), aiven_rbac.names_of(write), space, replace) $$;
COMMENT ON FUNCTION @extschema@.rbac_protect_table(regclass, name, text, text, text, boolean) IS
    'the same for one name each';

CREATE FUNCTION @extschema@.rbac_protect_table("table" regclass, "column" name, read text, write text[],
                                               space text DEFAULT NULL, replace boolean DEFAULT false) RETURNS void
    LANGUAGE sql
    AS $$ SELECT @extschema@.rbac_protect_table("table", "column", aiven_rbac.names_of(read), write, space, replace) $$;
COMMENT ON FUNCTION @extschema@.rbac_protect_table(regclass, name, text, text[], text, boolean) IS
    'the same for one name to read';

CREATE FUNCTION @extschema@.rbac_protect_table("table" regclass, "column" name, read text[], write text,
                                               space text DEFAULT NULL, replace boolean DEFAULT false) RETURNS void
    LANGUAGE sql
    AS $$ SELECT @extschema@.rbac_protect_table("table", "column", read, aiven_rbac.names_of(write), space, replace) $$;
COMMENT ON FUNCTION @extschema@.rbac_protect_table(regclass, name, text[], text, text, boolean) IS
    'the same for one name to write';

CREATE FUNCTION @extschema@.rbac_policy_sql("table" regclass, "column" name, read text[], write text[] DEFAULT NULL,
                                            space text DEFAULT NULL, replace boolean DEFAULT false) RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT * FROM aiven_rbac.protection("table", "column", read, write, space, replace) $$;
COMMENT ON FUNCTION @extschema@.rbac_policy_sql(regclass, name, text[], text[], text, boolean) IS
    'the statements that rbac_protect_table() would run, in order, one a row, to be read or to be changed';

CREATE FUNCTION @extschema@.rbac_policy_sql("table" regclass, "column" name, read text, write text DEFAULT NULL,
                                            space text DEFAULT NULL, replace boolean DEFAULT false) RETURNS SETOF text
    LANGUAGE sql STABLE
    AS $$ SELECT @extschema@.rbac_policy_sql("table", "column", aiven_rbac.names_of(read), aiven_rbac.names_of(write), space, replace) $$;
COMMENT ON FUNCTION @extschema@.rbac_policy_sql(regclass, name, text, text, text, boolean) IS
    'the same for one name each';

CREATE FUNCTION @extschema@.rbac_policy_sql("table" regclass, "column" name, read text, write text[],
                                            space text DEFAULT NULL, replace boolean DEFAULT false) RETURNS SETOF text
    LANGUAGE sql STABLE
    AS $$ SELECT @extschema@.rbac_policy_sql("table", "column", aiven_rbac.names_of(read), write, space, replace) $$;
COMMENT ON FUNCTION @extschema@.rbac_policy_sql(regclass, name, text, text[], text, boolean) IS
    'the same for one name to read';

CREATE FUNCTION @extschema@.rbac_policy_sql("table" regclass, "column" name, read text[], write text,
                                            space text DEFAULT NULL, replace boolean DEFAULT false) RETURNS SETOF text
    LANGUAGE sql STABLE
    AS $$ SELECT @extschema@.rbac_policy_sql("table", "column", read, aiven_rbac.names_of(write), space, replace) $$;
COMMENT ON FUNCTION @extschema@.rbac_policy_sql(regclass, name, text[], text, text, boolean) IS
    'the same for one name to write';

CREATE FUNCTION @extschema@.rbac_unprotect_table("table" regclass) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    statement text;
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
    FOR statement IN SELECT * FROM aiven_rbac.dropping("table") LOOP
        EXECUTE statement;
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_policy AS p WHERE p.polrelid = "table") THEN
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY', "table");
    END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_unprotect_table(regclass) IS
    'drop the policies of rbac_protect_table(), and row-level security with them if the table has no other policy; the index stays';

-- Those who protect tables need not be the extension's owner.
GRANT USAGE ON SCHEMA aiven_rbac TO PUBLIC;