-- For your own tests with pgTAP: who sees what.
--
--     \i examples/testing.sql
--     SELECT rbac_test_sees('deployment', 'carol@acme.example', '{1}', role => 'backend');
--
-- Load it where the tests run, not in production: rbac_test_as() is
-- rbac_set_principal() for everybody who may execute that.

CREATE FUNCTION rbac_test_as(email text, role name DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM rbac_set_principal(rbac_user(email));
    IF role IS NOT NULL THEN
        PERFORM set_config('role', role, true);
    END IF;
END
$$;
COMMENT ON FUNCTION rbac_test_as(text, name) IS
    'go on as a user, and as a database role, until the end of the transaction or rbac_test_as_nobody()';

CREATE FUNCTION rbac_test_as_nobody() RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM set_config('role', 'none', true), rbac_reset_principal();
END
$$;
COMMENT ON FUNCTION rbac_test_as_nobody() IS 'go on as the role that has logged in, and as no user';

-- The keys are those of the primary key, as text.
CREATE FUNCTION rbac_test_sees("table" regclass, email text, keys text[], role name DEFAULT NULL, description text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_variable
DECLARE
    key text;
    seen text[];
BEGIN
    SELECT string_agg(format('%I::text', a.attname), ' || '','' || ' ORDER BY k.place) INTO key
    FROM pg_index AS i
    CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
    WHERE i.indrelid = "table" AND i.indisprimary;
    PERFORM rbac_test_as(email, role);
    EXECUTE format('SELECT coalesce(array_agg(k ORDER BY k), ''{}'') FROM (SELECT %s AS k FROM %s) AS x', key, "table") INTO seen;
    PERFORM rbac_test_as_nobody();
    RETURN is(seen, ARRAY(SELECT k FROM unnest(keys) AS k ORDER BY k),
              coalesce(description, format('%s sees of %s: %s', email, "table", array_to_string(keys, ' '))));
END
$$;
COMMENT ON FUNCTION rbac_test_sees(regclass, text, text[], name, text) IS
    'a test of pgTAP: does a user, through a database role that policies bind, see the rows with these keys and no others?';
