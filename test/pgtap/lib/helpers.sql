-- Ways to ask that the pgTAP files share; included in the file's transaction.
--
-- What is asked on behalf of a principal, or of the operator when that is NULL,
-- comes in two kinds.  An attempt runs as the database role "test_application",
-- which has no privileges of its own, and is undone.  A call runs as the
-- session's role, and what it does is kept for the calls that follow.

\o /dev/null
\set ECHO errors
SET client_min_messages = warning;

CREATE ROLE test_application;
CREATE SCHEMA test;
GRANT USAGE ON SCHEMA test TO test_application;
SET search_path = public, test;

-- An id that is the same in every run
CREATE FUNCTION test.id(name text) RETURNS uuid
    LANGUAGE sql IMMUTABLE
    RETURN pg_catalog.md5('test ' || name)::uuid;

-- The principal that a name or an email stands for and the resource of a path,
-- whoever asks; the "stranger" is a principal that does not exist
CREATE FUNCTION test.p(name text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog
    AS $$ SELECT x.id FROM aiven_rbac.principal AS x WHERE x.name = p.name OR lower(x.email) = lower(p.name)
          UNION ALL SELECT test.id('stranger') WHERE p.name = 'stranger' $$;
CREATE FUNCTION test.r(path text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    AS $$ SELECT x.id FROM aiven_rbac.resource AS x WHERE x.path = r.path::rbac_path $$;

-- What all the extension's tables hold but the log and who was there last, and those of the schema "tenant" if
-- there is one, in few characters
CREATE FUNCTION test.digest() RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    AS $$
DECLARE
    relation regclass;
    rows text;
    result text := '';
BEGIN
    FOR relation IN SELECT oid FROM pg_catalog.pg_class
                    WHERE relnamespace IN ('aiven_rbac'::regnamespace, to_regnamespace('tenant')) AND relkind = 'r' AND relname !~ '^audit_|^principal_use$'
                    ORDER BY relname LOOP
        EXECUTE format('SELECT sum(hashtextextended(x::text, 0))::text FROM %s AS x', relation) INTO rows;
        result := concat_ws(' ', result, relation, rows);
    END LOOP;
    RETURN md5(result);
END
$$;

-- Run a query on behalf of somebody, and tell what became of it: whether it
-- changed any table of the extension and, asked by the operator afterwards,
-- what "look" sees.  It is undone, so that cases do not depend on each other.
CREATE FUNCTION test.attempt(who text, query text, look text DEFAULT NULL,
                             OUT code text, OUT message text, OUT detail text, OUT hint text,
                             OUT changed boolean, OUT seen text)
    LANGUAGE plpgsql
    AS $$
DECLARE
    before text := test.digest();
BEGIN
    IF who IS NOT NULL AND test.p(who) IS NULL THEN
        RAISE 'there is no principal "%"', who;
    END IF;
    BEGIN
        IF who IS NOT NULL THEN
            PERFORM rbac_set_principal(test.p(who));
            SET LOCAL ROLE test_application;
        END IF;
        EXECUTE query;
        RESET ROLE;
        PERFORM rbac_reset_principal();
        changed := test.digest() <> before;
        IF look IS NOT NULL THEN
            EXECUTE look INTO seen;
        END IF;
        RAISE SQLSTATE 'UNDO0';
    EXCEPTION
        WHEN SQLSTATE 'UNDO0' THEN
            code := 'ok';
        WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
                                    detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    END;
END
$$;

-- The same in one line, for assertions to compare: "ok", what was seen, or
-- that nothing changed; or the error.
CREATE FUNCTION test.outcome(who text, query text, look text DEFAULT NULL) RETURNS text
    LANGUAGE sql
    AS $$
    SELECT concat_ws(' ', a.code, a.message, CASE WHEN NOT a.changed THEN '(nothing changed)' END, a.seen)
    FROM test.attempt(who, query, look) AS a
$$;

-- Run a statement on behalf of somebody and keep what it does: "ok", or the
-- error.
CREATE FUNCTION test.answer(who uuid, statement text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    result text := 'ok';
BEGIN
    IF who IS NOT NULL THEN
        PERFORM rbac_set_principal(who);
    END IF;
    BEGIN
        EXECUTE statement;
    EXCEPTION WHEN OTHERS THEN
        result := SQLSTATE || ': ' || SQLERRM;
    END;
    PERFORM rbac_reset_principal();
    RETURN result;
END
$$;

-- The same for one function's call in short: "ok", or the SQLSTATE.
CREATE FUNCTION test.call(who text, call text) RETURNS text
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF who IS NOT NULL AND test.p(who) IS NULL THEN
        RAISE 'there is no principal "%"', who;
    END IF;
    RETURN left(test.answer(test.p(who), 'SELECT ' || call), 5);
END
$$;

-- A value seen by one of the world's principals, or by nobody (NULL)
CREATE FUNCTION test.seen_by(who text, query text, role name DEFAULT 'test_application') RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    result text;
BEGIN
    IF who IS NOT NULL THEN
        PERFORM rbac_set_principal(test.p(who));
    END IF;
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE query INTO result;
    RESET ROLE;
    PERFORM rbac_reset_principal();
    RETURN result;
END
$$;
\o
