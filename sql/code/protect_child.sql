-- A table whose rows belong where the rows of another table do: it gets a column
-- that repeats the other's (rbac_child.c).

CREATE FUNCTION aiven_rbac.follow_parent() RETURNS trigger
    AS 'MODULE_PATHNAME', 'rbac_follow_parent'
    LANGUAGE C;
COMMENT ON FUNCTION aiven_rbac.follow_parent() IS
    'before a row is inserted or updated, let the column that is named have the resource of the row that its foreign key references';

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

-- The constraint on nulls: a key with a null among its columns is not checked.
CREATE FUNCTION aiven_rbac.following_parent(l aiven_rbac.lineage) RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    referenced name[] := array_append(l.parent_keys, l.parent_column);
BEGIN
    IF NOT l.followed THEN
        IF NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = l.child AND a.attname = l."column" AND NOT a.attisdropped) THEN
            RETURN NEXT format('ALTER TABLE %s ADD COLUMN %I %s', l.child, l."column", l.type);
        END IF;
        IF NOT EXISTS (SELECT FROM pg_index AS i
                       WHERE i.indrelid = l.parent AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
                         AND i.indnkeyatts = cardinality(referenced)
                         AND (SELECT array_agg(a.attname ORDER BY a.attname)
                              FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS x (n, place) JOIN pg_attribute AS a ON a.attrelid = l.parent AND a.attnum = x.n
                              WHERE x.place <= i.indnkeyatts) = (SELECT array_agg(n ORDER BY n) FROM unnest(referenced) AS n)) THEN
            RETURN NEXT format('ALTER TABLE %s ADD UNIQUE (%s)', l.parent, aiven_rbac.names_listed(referenced));
        END IF;
        RETURN QUERY SELECT * FROM aiven_rbac.forcing(l, 'NO FORCE');
        RETURN NEXT format('UPDATE %1$s AS c SET %2$I = p.%3$I FROM %4$s AS p WHERE c.%2$I IS NULL AND %5$s', l.child, l."column", l.parent_column, l.parent,
                           (SELECT string_agg(format('p.%I %s c.%I', u.its, u.op, u.mine), ' AND ') FROM unnest(l.keys, l.parent_keys, l.operators) AS u (mine, its, op)));
        RETURN NEXT format('ALTER TABLE %s ADD FOREIGN KEY (%s) REFERENCES %s (%s) ON UPDATE CASCADE ON DELETE %s', l.child,
                           aiven_rbac.names_listed(array_append(l.keys, l."column")), l.parent, aiven_rbac.names_listed(referenced), l.on_delete);
        RETURN NEXT format('ALTER TABLE %s ADD CHECK (%I IS NULL OR (%s))', l.child, l."column",
                           (SELECT string_agg(format('%I IS NOT NULL', n), ' AND ') FROM unnest(l.keys) AS n));
        RETURN QUERY SELECT * FROM aiven_rbac.forcing(l, 'FORCE');
    END IF;
    IF NOT EXISTS (SELECT FROM pg_trigger AS t
                   WHERE t.tgrelid = l.child AND t.tgname = 'zzz_rbac_follow_parent' AND t.tgenabled <> 'D'
                     AND t.tgfoid = 'aiven_rbac.follow_parent()'::regprocedure AND t.tgargs = convert_to(l."column", getdatabaseencoding()) || '\x00'::bytea) THEN
        RETURN QUERY SELECT format('DROP TRIGGER %I ON %s', t.tgname, l.child) FROM pg_trigger AS t WHERE t.tgrelid = l.child AND t.tgname = 'zzz_rbac_follow_parent';
        -- An upgrade script writes OR REPLACE where it finds the two words together.
        RETURN NEXT format('CREATE %s zzz_rbac_follow_parent BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION aiven_rbac.follow_parent(%L)',
                           'TRIGGER', l.child, l."column");
    END IF;
END
$$;
COMMENT ON FUNCTION aiven_rbac.following_parent(aiven_rbac.lineage) IS
    'the statements that let the rows of a table belong where the rows do that its foreign key references';

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
    FOR statement IN SELECT * FROM aiven_rbac.following_parent(l) LOOP
        EXECUTE statement;
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
