-- A table whose rows belong where the rows of another table do: it gets a column
-- that repeats the other's (rbac_child.c).

CREATE FUNCTION aiven_rbac.follow_parent() RETURNS trigger
    AS 'MODULE_PATHNAME', 'rbac_follow_parent'
    LANGUAGE C;
COMMENT ON FUNCTION aiven_rbac.follow_parent() IS
    'before a row is inserted or updated, let the column that is named have the resource of the row that its foreign key references';

CREATE FUNCTION aiven_rbac.fill_children() RETURNS trigger
    AS 'MODULE_PATHNAME', 'rbac_fill_children'
    LANGUAGE C;
COMMENT ON FUNCTION aiven_rbac.fill_children() IS
    'after a row was updated whose column was null: let the rows that follow it have the resource that it belongs to now';

CREATE FUNCTION aiven_rbac.run_as_owner("table" regclass, statement text) RETURNS void
    AS 'MODULE_PATHNAME', 'rbac_run_as_owner'
    LANGUAGE C STRICT;
COMMENT ON FUNCTION aiven_rbac.run_as_owner(regclass, text) IS
    'run a statement about a table for a caller who has the rights of its owner: as the owner, and apart from the session unless the caller is the owner';

CREATE FUNCTION aiven_rbac.key_of_child("table" regclass, foreign_key name) RETURNS pg_catalog.pg_constraint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    k pg_catalog.pg_constraint;
    called name := (SELECT c.relname FROM pg_catalog.pg_class AS c WHERE c.oid = "table");
BEGIN
    SELECT * INTO k FROM pg_catalog.pg_constraint AS c WHERE c.conrelid = "table" AND c.conname = foreign_key AND c.contype = 'f';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'foreign key "%" of table "%" does not exist', foreign_key, called
            USING ERRCODE = 'undefined_object', HINT = 'Give the name of the constraint, which \d shows.';
    ELSIF k.confrelid = "table" THEN
        RAISE EXCEPTION 'foreign key "%" references its own table "%"', foreign_key, called
            USING ERRCODE = 'wrong_object_type', HINT = 'Name the key that leads to the table from which the rows take their resource.';
    ELSIF k.confrelid = 'aiven_rbac.resource'::regclass THEN
        RAISE EXCEPTION 'foreign key "%" references a resource itself', foreign_key
            USING ERRCODE = 'wrong_object_type', HINT = 'Protect the table by that column, with rbac_protect_table().';
    END IF;
    IF NOT pg_has_role((SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.oid = "table"),
                       (SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.oid = k.confrelid), 'USAGE') THEN
        RAISE EXCEPTION 'rows of table "%" cannot follow table "%"', called, (SELECT c.relname FROM pg_catalog.pg_class AS c WHERE c.oid = k.confrelid)
            USING ERRCODE = 'insufficient_privilege', DETAIL = 'The owner of the one is not a member of the owner of the other.',
                  HINT = 'Give both tables one owner.';
    END IF;
    RETURN k;
END
$$;
COMMENT ON FUNCTION aiven_rbac.key_of_child(regclass, name) IS
    'the foreign key of a name that leads from a table to another one of the application; an error if there is none';

-- The columns of two tables, side by side, with the operator that compares them.
CREATE FUNCTION aiven_rbac.key_columns(k pg_catalog.pg_constraint)
    RETURNS TABLE (place bigint, mine smallint, my_name name, its smallint, its_name name, operator text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT u.place, u.mine, a.attname, u.its, b.attname, format('OPERATOR(%I.%s)', n.nspname, o.oprname)
    FROM unnest((k).conkey, (k).confkey, (k).conpfeqop) WITH ORDINALITY AS u (mine, its, op, place)
    JOIN pg_attribute AS a ON a.attrelid = (k).conrelid AND a.attnum = u.mine
    JOIN pg_attribute AS b ON b.attrelid = (k).confrelid AND b.attnum = u.its
    JOIN pg_operator AS o ON o.oid = u.op
    JOIN pg_namespace AS n ON n.oid = o.oprnamespace
$$;
COMMENT ON FUNCTION aiven_rbac.key_columns(pg_catalog.pg_constraint) IS 'the columns of a foreign key';

CREATE FUNCTION aiven_rbac.lineage_of("table" regclass, foreign_key name) RETURNS aiven_rbac.lineage
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    k pg_catalog.pg_constraint := aiven_rbac.key_of_child("table", foreign_key);
    l aiven_rbac.lineage;
    number smallint;
BEGIN
    l.child := "table";
    l.parent := k.confrelid;
    SELECT array_agg(c.my_name ORDER BY c.place), array_agg(c.its_name ORDER BY c.place), array_agg(c.operator ORDER BY c.place)
    INTO l.keys, l.parent_keys, l.operators FROM aiven_rbac.key_columns(k) AS c;
    l.on_delete := CASE k.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' WHEN 'r' THEN 'RESTRICT' ELSE 'NO ACTION' END;
    SELECT a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), d.space INTO l.parent_column, number, l.type, l.space
    FROM pg_policy AS p, LATERAL aiven_rbac.decision_calls(p.polrelid, p.polqual) AS d, pg_attribute AS a
    WHERE p.polrelid = k.confrelid AND p.polname = 'rbac_select' AND d.is_all AND a.attrelid = k.confrelid AND a.attnum = d.column_number;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'table "%" is not protected', (SELECT c.relname FROM pg_class AS c WHERE c.oid = k.confrelid)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = format('Rows of table "%s" are to belong where its rows do.', (SELECT c.relname FROM pg_class AS c WHERE c.oid = "table")),
                  HINT = 'Protect it first, with rbac_protect_table() or rbac_protect_child().';
    END IF;
    SELECT x.my_name INTO l."column"
    FROM pg_constraint AS c, LATERAL aiven_rbac.key_columns(c) AS x
    WHERE c.conrelid = "table" AND c.contype = 'f' AND c.confrelid = k.confrelid AND c.confupdtype = 'c' AND c.convalidated
      AND x.its = number AND c.conkey @> k.conkey AND cardinality(c.conkey) = cardinality(k.conkey) + 1;
    l.followed := FOUND;
    l."column" := coalesce(l."column", 'rbac_resource');
    RETURN l;
END
$$;
COMMENT ON FUNCTION aiven_rbac.lineage_of(regclass, name) IS
    'what is to be known to let the rows of a table belong where the rows do that its foreign key references';

CREATE FUNCTION aiven_rbac.names_listed(names name[], prefix text DEFAULT '') RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT string_agg(prefix || quote_ident(n), ', ' ORDER BY place) FROM unnest(names) WITH ORDINALITY AS x (n, place) $$;
COMMENT ON FUNCTION aiven_rbac.names_listed(name[], text) IS 'names of columns, for a statement';

-- The tables that are forced are open to their owner for as long as the rows that
-- are there are filled in and checked: policies would hide them.
CREATE FUNCTION aiven_rbac.forcing(l aiven_rbac.lineage, verb text) RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format('ALTER TABLE %s %s ROW LEVEL SECURITY', c.oid::regclass, verb) FROM pg_class AS c
    WHERE c.oid IN ((l).child, (l).parent) AND c.relforcerowsecurity
$$;
COMMENT ON FUNCTION aiven_rbac.forcing(aiven_rbac.lineage, text) IS
    'the statements that end or renew what binds the owner of two tables, where it is so';

CREATE FUNCTION aiven_rbac.has_unique_key("table" oid, names name[]) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT EXISTS (SELECT FROM pg_index AS i
                   WHERE i.indrelid = "table" AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
                     AND i.indnkeyatts = cardinality(names)
                     AND (SELECT array_agg(a.attname ORDER BY a.attname)
                          FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS x (n, place) JOIN pg_attribute AS a ON a.attrelid = "table" AND a.attnum = x.n
                          WHERE x.place <= i.indnkeyatts) = (SELECT array_agg(n ORDER BY n) FROM unnest(names) AS n))
$$;
COMMENT ON FUNCTION aiven_rbac.has_unique_key(oid, name[]) IS 'can a foreign key reference these columns of a table?';

-- A column of ours that followed another table, or another column of the same, has
-- values of somebody else's.  Its keys and its index go with it.
CREATE FUNCTION aiven_rbac.clearing(l aiven_rbac.lineage) RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT s.statement
    FROM pg_trigger AS t,
         LATERAL (VALUES (format('DROP TRIGGER %I ON %s', t.tgname, (l).child)),
                         (CASE WHEN EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = (l).child AND a.attname = 'rbac_resource')
                               THEN format('ALTER TABLE %s DROP COLUMN rbac_resource', (l).child) END)) AS s (statement)
    WHERE t.tgrelid = (l).child AND t.tgname = 'zzz_rbac_follow_parent' AND s.statement IS NOT NULL
$$;
COMMENT ON FUNCTION aiven_rbac.clearing(aiven_rbac.lineage) IS
    'the statements that remove the trigger by which a table''s rows do not follow any longer, and the column that it filled in';

CREATE FUNCTION aiven_rbac.adding_column(l aiven_rbac.lineage) RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    cleared boolean;
BEGIN
    RETURN QUERY SELECT * FROM aiven_rbac.clearing(l);
    cleared := FOUND;
    IF cleared OR NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = l.child AND a.attname = l."column" AND NOT a.attisdropped) THEN
        RETURN NEXT format('ALTER TABLE %s ADD COLUMN %I %s', l.child, l."column", l.type);
    END IF;
    IF NOT aiven_rbac.has_unique_key(l.parent, array_append(l.parent_keys, l.parent_column)) THEN
        RETURN NEXT format('ALTER TABLE %s ADD UNIQUE (%s)', l.parent, aiven_rbac.names_listed(array_append(l.parent_keys, l.parent_column)));
    END IF;
END
$$;
COMMENT ON FUNCTION aiven_rbac.adding_column(aiven_rbac.lineage) IS
    'the statements that give a table a column for the resource of the row that it references, and the other table what a key with both can reference';

-- The constraint on nulls: a key with a null among its columns is not checked.
CREATE FUNCTION aiven_rbac.adding_key(l aiven_rbac.lineage) RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    VALUES (format('ALTER TABLE %s ADD FOREIGN KEY (%s) REFERENCES %s (%s) ON UPDATE CASCADE ON DELETE %s', (l).child,
                   aiven_rbac.names_listed(array_append((l).keys, (l)."column")), (l).parent,
                   aiven_rbac.names_listed(array_append((l).parent_keys, (l).parent_column)), (l).on_delete)),
           (format('ALTER TABLE %s ADD CHECK (%I IS NULL OR (%s))', (l).child, (l)."column",
                   (SELECT string_agg(format('%I IS NOT NULL', n), ' AND ') FROM unnest((l).keys) AS n)))
$$;
COMMENT ON FUNCTION aiven_rbac.adding_key(aiven_rbac.lineage) IS
    'the statements that keep the column of a table true which repeats the resource of the row that it references';

CREATE FUNCTION aiven_rbac.following_parent(l aiven_rbac.lineage) RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF NOT l.followed THEN
        RETURN QUERY SELECT * FROM aiven_rbac.adding_column(l);
    END IF;
    RETURN QUERY SELECT * FROM aiven_rbac.forcing(l, 'NO FORCE');
    RETURN NEXT format('UPDATE %1$s AS c SET %2$I = p.%3$I FROM %4$s AS p WHERE c.%2$I IS NULL AND p.%3$I IS NOT NULL AND %5$s',
                       l.child, l."column", l.parent_column, l.parent,
                       (SELECT string_agg(format('p.%I %s c.%I', u.its, u.op, u.mine), ' AND ') FROM unnest(l.keys, l.parent_keys, l.operators) AS u (mine, its, op)));
    IF NOT l.followed THEN
        RETURN QUERY SELECT * FROM aiven_rbac.adding_key(l);
    END IF;
    RETURN QUERY SELECT * FROM aiven_rbac.forcing(l, 'FORCE');
END
$$;
COMMENT ON FUNCTION aiven_rbac.following_parent(aiven_rbac.lineage) IS
    'the statements that let the rows of a table belong where the rows do that its foreign key references';

-- An upgrade script writes OR REPLACE where it finds CREATE and TRIGGER together.
CREATE FUNCTION aiven_rbac.following_triggers(l aiven_rbac.lineage) RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger AS t
                   WHERE t.tgrelid = l.child AND t.tgname = 'zzz_rbac_follow_parent' AND t.tgenabled <> 'D' AND l.followed
                     AND t.tgfoid = 'aiven_rbac.follow_parent()'::regprocedure AND t.tgargs = convert_to(l."column", getdatabaseencoding()) || '\x00'::bytea) THEN
        RETURN QUERY SELECT format('DROP TRIGGER %I ON %s', t.tgname, l.child) FROM pg_trigger AS t
                     WHERE t.tgrelid = l.child AND t.tgname = 'zzz_rbac_follow_parent' AND l.followed;
        RETURN NEXT format('CREATE %s zzz_rbac_follow_parent BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION aiven_rbac.follow_parent(%L)',
                           'TRIGGER', l.child, l."column");
    END IF;
    IF NOT EXISTS (SELECT FROM pg_trigger AS t
                   WHERE t.tgrelid = l.parent AND t.tgname = 'zzz_rbac_fill_children' AND t.tgenabled <> 'D'
                     AND t.tgfoid = 'aiven_rbac.fill_children()'::regprocedure AND t.tgargs = convert_to(l.parent_column, getdatabaseencoding()) || '\x00'::bytea) THEN
        RETURN QUERY SELECT format('DROP TRIGGER %I ON %s', t.tgname, l.parent) FROM pg_trigger AS t
                     WHERE t.tgrelid = l.parent AND t.tgname = 'zzz_rbac_fill_children';
        RETURN NEXT format('CREATE %s zzz_rbac_fill_children AFTER UPDATE ON %s FOR EACH ROW WHEN (OLD.%I IS NULL AND NEW.%3$I IS NOT NULL) EXECUTE FUNCTION aiven_rbac.fill_children(%L)',
                           'TRIGGER', l.parent, l.parent_column, l.parent_column);
    END IF;
END
$$;
COMMENT ON FUNCTION aiven_rbac.following_triggers(aiven_rbac.lineage) IS
    'the statements that make the triggers by which rows have the resource of the row that they reference, from the beginning and once it has one';

CREATE FUNCTION @extschema@.rbac_protect_child("table" regclass, foreign_key name, read text[], write text[] DEFAULT NULL,
                                               replace boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    l aiven_rbac.lineage;
    statement text;
BEGIN
    IF "table" IS NULL OR foreign_key IS NULL OR read IS NULL THEN
        RAISE EXCEPTION 'table, foreign_key and read must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    FOR statement IN SELECT * FROM aiven_rbac.replacing(aiven_rbac.protectable("table"), replace) LOOP
        EXECUTE statement;
    END LOOP;
    l := aiven_rbac.lineage_of("table", foreign_key);
    FOR statement IN SELECT * FROM aiven_rbac.following_parent(l) UNION ALL SELECT * FROM aiven_rbac.following_triggers(l) LOOP
        PERFORM aiven_rbac.run_as_owner("table", statement);
    END LOOP;
    PERFORM @extschema@.rbac_protect_table("table", l."column", read, write, l.space);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_protect_child(regclass, name, text[], text[], boolean) IS
    'protect a table that has no column for the resource, but a foreign key to a protected table: a row belongs where the row does that it references; adds the column rbac_resource, which is kept true by a foreign key and filled in by a trigger';

CREATE FUNCTION @extschema@.rbac_protect_child("table" regclass, foreign_key name, read text, write text DEFAULT NULL,
                                               replace boolean DEFAULT false) RETURNS void
    LANGUAGE sql
    AS $$ SELECT @extschema@.rbac_protect_child("table", foreign_key, aiven_rbac.names_of(read), aiven_rbac.names_of(write), replace) $$;
COMMENT ON FUNCTION @extschema@.rbac_protect_child(regclass, name, text, text, boolean) IS
    'the same for one name each';

CREATE FUNCTION @extschema@.rbac_protect_child("table" regclass, foreign_key name, read text, write text[],
                                               replace boolean DEFAULT false) RETURNS void
    LANGUAGE sql
    AS $$ SELECT @extschema@.rbac_protect_child("table", foreign_key, aiven_rbac.names_of(read), write, replace) $$;
COMMENT ON FUNCTION @extschema@.rbac_protect_child(regclass, name, text, text[], boolean) IS
    'the same for one name to read';

CREATE FUNCTION @extschema@.rbac_protect_child("table" regclass, foreign_key name, read text[], write text,
                                               replace boolean DEFAULT false) RETURNS void
    LANGUAGE sql
    AS $$ SELECT @extschema@.rbac_protect_child("table", foreign_key, read, aiven_rbac.names_of(write), replace) $$;
COMMENT ON FUNCTION @extschema@.rbac_protect_child(regclass, name, text[], text, boolean) IS
    'the same for one name to write';
