-- Attempts to look through the extension's own views, by functions that spy on
-- the rows that a query looks at: none sees a row that the view does not show
-- (S4, S6).  What PostgreSQL's estimates tell is in test/attack/sight.sql.
--
-- The views are security barriers; a view without that option fails here, and the
-- last case shows that a spy is called for hidden rows where it may be.
BEGIN;
\ir ../pgtap/lib/helpers.sql
\ir ../pgtap/lib/world.sql

\o /dev/null
SELECT rbac_unit_create('globex', 'hidden', 'Hidden');
SELECT rbac_grant(test.p('erin'), 'read_only', 'acme.engineering.backend-prod');
SELECT rbac_token_create(test.p('robot'), 'a token');
SELECT rbac_billing_group_create('globex', 'hidden');
SELECT rbac_payment_method_add('globex', 'psp', 'hidden');
SELECT rbac_billing_address_add('globex', 'hidden', 'Helsinki', 'FI');
SELECT rbac_domain_add('globex', 'hidden.example');
SELECT rbac_identity_provider_add('globex', 'hidden', 'urn:hidden', 'https://hidden.example/', repeat('0a', 32));
SELECT rbac_tag_set('globex.factory', 'hidden', 'hidden');
SELECT rbac_plan_list_set('globex', '{hidden}');
SELECT rbac_role_create('globex', 'hidden-role', '{service.view}', '{organization}');
SELECT rbac_invitation_create('globex', 'hidden@hidden.example');

-- What the spies saw.  A row can't be passed without a cast, which is no
-- leakproof function, so that there is one for each type of column.
CREATE TABLE test.seen (value text);
GRANT INSERT, SELECT ON test.seen TO test_application;
CREATE FUNCTION test.spy(value text) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO test.seen VALUES (value); RETURN true; END $$;
CREATE FUNCTION test.spy(value uuid) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO test.seen VALUES (value); RETURN true; END $$;
CREATE FUNCTION test.spy(value rbac_path) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO test.seen VALUES (value); RETURN true; END $$;

-- The columns of all views that an ordinary role may read
CREATE VIEW test.visible AS
SELECT c.relname, a.attname
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'aiven_rbac'::regnamespace AND c.relkind = 'v' AND has_table_privilege('test_application', c.oid, 'SELECT')
  AND a.atttypid IN ('text'::regtype, 'uuid'::regtype, 'rbac_path'::regtype);

-- Look at a column through a spy, and tell what it saw that is not shown
CREATE FUNCTION test.spied(who text, query text, view text, "column" text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    shown text[];
    result text;
BEGIN
    PERFORM test.seen_by(who, format(query, view, "column"));
    shown := test.seen_by(who, format('SELECT array_agg(DISTINCT %2$I::text) FROM aiven_rbac.%1$I', view, "column"))::text[];
    SELECT string_agg(DISTINCT s.value, ' ') INTO result FROM test.seen AS s WHERE s.value <> ALL (coalesce(shown, '{}'));
    RAISE SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    RETURN result;
END
$$;
\o
SELECT no_plan();

-- PostgreSQL takes a view that is a UNION ALL apart, barrier or not.
SELECT is_empty($$ SELECT c.relname FROM pg_class AS c
                   WHERE c.relnamespace = 'aiven_rbac'::regnamespace AND c.relkind = 'v' AND has_table_privilege('test_application', c.oid, 'SELECT')
                     AND (pg_get_viewdef(c.oid) ~ E'\n(UNION|INTERSECT|EXCEPT)' OR c.reloptions IS DISTINCT FROM '{security_barrier=true}') $$,
                'S4: every view is a security barrier, and none is a set operation');
SELECT cmp_ok((SELECT count(DISTINCT relname) FROM test.visible), '>', 15::bigint, 'there are many views');
SELECT is_empty(format($$ SELECT v.* FROM (SELECT relname, attname, test.spied(%L, %L, relname, attname) AS saw FROM test.visible OFFSET 0) AS v
                          WHERE v.saw IS NOT NULL $$, who, query),
                format('S4: %s sees no hidden value of any view by: %s', coalesce(who, 'a session without a principal'), replace(query, '%', '')))
FROM unnest(ARRAY['SELECT count(*) FROM aiven_rbac.%1$I WHERE test.spy(%2$I)',
                  'SELECT count(*) FROM aiven_rbac.%1$I AS a JOIN aiven_rbac.visible_resource AS b ON test.spy(a.%2$I)',
                  'SELECT count(*) FROM (SELECT %2$I FROM aiven_rbac.%1$I ORDER BY test.spy(%2$I) LIMIT 1) AS t']) AS query,
     unnest(ARRAY[NULL, 'olga', 'bob', 'erin']) AS who;
-- A value of the row can be told by an error, too.  Built-in roles are for all to see.
SELECT is(test.seen_by(NULL, format('SELECT count(*) FROM aiven_rbac.%I WHERE %I::text::int > 0', relname, attname)), '0',
          format('S4: nothing hidden is in an error about %s.%s', relname, attname))
FROM test.visible WHERE relname <> 'visible_role';

ALTER FUNCTION test.spy(text) LEAKPROOF;
ALTER FUNCTION test.spy(uuid) LEAKPROOF;
SELECT isnt_empty($$ SELECT v.relname FROM test.visible AS v
                     WHERE test.spied(NULL, 'SELECT count(*) FROM aiven_rbac.%1$I WHERE test.spy(%2$I)', v.relname, v.attname) IS NOT NULL $$,
                  'S4: spies would, were they leakproof: so the cases above can fail');

SELECT * FROM finish();
ROLLBACK;
