-- Ids that are made from keys of an application's own, and tables that are protected
-- by such keys.
BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
\o /dev/null
CREATE ROLE space_application;
SELECT rbac_user_create('ann@x.example'), rbac_user_create('bob@x.example'), rbac_user_create('cid@x.example');
SELECT rbac_organization_create('t' || i, 'T' || i, rbac_user('ann@x.example'), id => rbac_id('tenant', i)) FROM generate_series(1, 20) AS i;
SELECT rbac_organization_create('named', 'Named', rbac_user('bob@x.example'), id => rbac_id('tenant', 'a key that is longer than what is remembered'));
SELECT rbac_invitation_accept(rbac_invitation_create(t::rbac_path, 'bob@x.example')) FROM unnest('{t5,t6}'::text[]) AS t;
SELECT rbac_grant(rbac_user('bob@x.example'), 'admin', 't5'), rbac_grant(rbac_user('bob@x.example'), 'read_only', 't6');
\o

CREATE FUNCTION pg_temp.id(space text, key text) RETURNS uuid LANGUAGE sql AS $$
    SELECT encode(set_byte(set_byte(d, 6, get_byte(d, 6) & 15 | 128), 8, get_byte(d, 8) & 63 | 128), 'hex')::uuid
    FROM (SELECT substr(sha256(convert_to(space, 'UTF8') || '\x00'::bytea || convert_to(key, 'UTF8')), 1, 16)) AS x (d)
$$;

-- Ids -----------------------------------------------------------------------------------------

SELECT is(rbac_id('tenant', 42), '993c233c-8d33-8273-a80e-abe97bd2088b', 'an id is the same for ever');
SELECT is(rbac_id('tenant', '42'), rbac_id('tenant', 42), 'a number and its digits are one key');
SELECT is(rbac_id('tenant', 42::smallint), rbac_id('tenant', 42), 'whatever the type of the number');
SELECT is(rbac_id('tenant', '42'::varchar), rbac_id('tenant', 42), 'and of the text');
SELECT isnt(rbac_id('tenant', '042'), rbac_id('tenant', 42), 'other digits are another key');
SELECT isnt(rbac_id('tenant1', '2'), rbac_id('tenant', '12'), 'where the space ends is part of it');
SELECT ok(rbac_id(NULL, 1) IS NULL AND rbac_id('tenant', NULL::bigint) IS NULL AND rbac_id('tenant', NULL::text) IS NULL, 'G10: nothing has no id');
SELECT is((SELECT count(*) FROM generate_series(-1500, 1500) AS i WHERE rbac_id('tenant', i) IS DISTINCT FROM pg_temp.id('tenant', i::text)), 0::bigint,
          'many keys in one call: each has its own id');
SELECT is((SELECT count(*) FROM generate_series(1, 3000) AS i WHERE rbac_id('space ' || i % 7, i % 11) IS DISTINCT FROM pg_temp.id('space ' || i % 7, (i % 11)::text)), 0::bigint,
          'and many spaces');
SELECT is((SELECT count(*) FROM generate_series(1, 3000) AS i
           WHERE rbac_id('tenant', repeat(chr(97 + i % 26), i % 60)) IS DISTINCT FROM pg_temp.id('tenant', repeat(chr(97 + i % 26), i % 60))), 0::bigint,
          'and texts of many lengths');
SELECT is(rbac_id('tenant', v), pg_temp.id('tenant', v::text), format('the number %s', v))
FROM unnest('{-9223372036854775808,9223372036854775807,0,-1}'::bigint[]) AS v;

-- Tables --------------------------------------------------------------------------------------

\o /dev/null
CREATE FUNCTION pg_temp.make(type text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE by_%1$s (id int PRIMARY KEY, tenant %1$s, note text)', type);
    EXECUTE format('INSERT INTO by_%1$s SELECT i, (CASE WHEN i %% 100 <> 0 THEN i %% 30 END)::text::%1$s, repeat(''x'', 100) FROM generate_series(1, 6000) AS i', type);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON by_%s TO space_application', type);
    EXECUTE format('SELECT rbac_protect_table(%L, ''tenant'', ''project:services:read'', ''project:services:write'', space => ''tenant'')', 'by_' || type);
    EXECUTE format('ANALYZE by_%s', type);
END
$$;
SELECT pg_temp.make(t) FROM unnest('{bigint,integer,smallint,text,varchar}'::text[]) AS t;

CREATE FUNCTION pg_temp.as(who text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    line text;
BEGIN
    PERFORM rbac_set_principal(rbac_user(who || '@x.example'));
    SET LOCAL ROLE space_application;
    BEGIN
        FOR line IN EXECUTE query LOOP
            answer := concat_ws(E'\n', answer, line);
        END LOOP;
    EXCEPTION WHEN OTHERS THEN
        answer := SQLSTATE;
    END;
    RESET ROLE;
    PERFORM rbac_reset_principal();
    RETURN answer;
END
$$;
\o

SELECT is(pg_temp.as(who, format('SELECT count(*) || '' of '' || count(DISTINCT tenant) FROM by_%s', type)), expected, format('%s reads by a key of type %s', who, type))
FROM unnest('{bigint,integer,smallint,text,varchar}'::text[]) AS type,
     (VALUES ('ann', (SELECT count(*) || ' of 20' FROM generate_series(1, 6000) AS i WHERE i % 100 <> 0 AND i % 30 BETWEEN 1 AND 20)),
             ('bob', (SELECT count(*) || ' of 2' FROM generate_series(1, 6000) AS i WHERE i % 100 <> 0 AND i % 30 IN (5, 6))),
             ('cid', '0 of 0')) AS v (who, expected);
SELECT is(pg_temp.as('bob', format('INSERT INTO by_%s VALUES (0, %L, NULL) RETURNING ''ok''', type, tenant)), expected, format('bob writes %s into a table by %s', tenant, type))
FROM unnest('{bigint,integer,smallint,text,varchar}'::text[]) AS type,
     (VALUES ('5', 'ok'), ('6', '42501'), ('7', '42501'), ('25', '42501'), (NULL, '42501')) AS v (tenant, expected);
SELECT ok(pg_temp.as('bob', format('EXPLAIN SELECT count(*) FROM by_%s', type)) ~ 'Index Cond: .rbac_id.*reachable_ids', format('an index on the id serves, by %s', type))
FROM unnest('{bigint,integer,smallint,text,varchar}'::text[]) AS type;

-- A plan that is made for one principal serves the others with rows of their own.
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE counted AS SELECT count(DISTINCT tenant) FROM by_bigint;
PREPARE found (bigint) AS SELECT count(DISTINCT tenant) FROM by_text AS t WHERE EXISTS (SELECT FROM by_bigint AS b WHERE b.tenant::text = t.tenant AND b.tenant >= $1);
SELECT is(pg_temp.as(who, 'EXECUTE counted') || ' ' || pg_temp.as(who, 'EXECUTE found (6)'), expected, format('one plan for all: %s', who))
FROM (VALUES (1, 'bob', '2 1'), (2, 'ann', '20 15'), (3, 'cid', '0 0'), (4, 'bob', '2 1'), (5, 'ann', '20 15')) AS v (turn, who, expected) ORDER BY turn;
SELECT is((SELECT generic_plans FROM pg_prepared_statements WHERE name = 'counted') > 0, true, 'which it is');
RESET plan_cache_mode;

SELECT set_eq($$ SELECT object, severity FROM rbac_check_protection() WHERE object ~ 'by_' AND finding ~ 'tenant' $$,
              $$ SELECT 'public.by_' || t AS object, 'warning' AS severity FROM unnest('{bigint,integer,smallint,text,varchar}'::text[]) AS t $$, 'rows of tenants that are not there are found');
DELETE FROM by_bigint WHERE tenant NOT BETWEEN 1 AND 20; DELETE FROM by_integer WHERE tenant NOT BETWEEN 1 AND 20; DELETE FROM by_smallint WHERE tenant NOT BETWEEN 1 AND 20;
DELETE FROM by_text WHERE tenant::int NOT BETWEEN 1 AND 20; DELETE FROM by_varchar WHERE tenant::int NOT BETWEEN 1 AND 20;
SELECT is((SELECT string_agg(finding, E'\n') FROM rbac_check_protection() WHERE object ~ 'by_' AND severity <> 'notice'), NULL, 'without them nothing is wrong with such tables');
SELECT is((SELECT string_agg(concat_ws(' ', ok, detail), '; ') FROM rbac_explain_row('by_integer', '5', 'space_application') WHERE step LIKE 'policy%'),
          'f "project:services:read" on ' || rbac_id('tenant', 5) || ': no principal is set', 'a row is explained by the id of its key');

SAVEPOINT no_index;
DROP INDEX by_integer_rbac_id_idx;
SELECT is((SELECT remedy FROM rbac_check_protection() WHERE object ~ 'by_integer' AND finding ~ '^no index begins with the id that is made from column "tenant"'),
          'CREATE INDEX ON public.by_integer ((public.rbac_id(''tenant''::text, (tenant)::bigint)))', 'an index that is missing is found');
CREATE INDEX other ON by_integer (tenant);
SELECT is((SELECT count(*) FROM rbac_check_protection() WHERE finding ~ '^no index begins with the id'), 1::bigint, 'one on the key itself does not serve');
CREATE INDEX ON by_integer ((rbac_id('tenant', tenant)));
SELECT is((SELECT count(*) FROM rbac_check_protection() WHERE finding ~ '^no index begins with the id'), 0::bigint, 'one that is made by hand does');
SELECT rbac_protect_table('by_integer', 'tenant', 'service.view', space => 'tenant', replace => true) \g /dev/null
SELECT is((SELECT count(*) FROM pg_indexes WHERE tablename = 'by_integer' AND indexdef ~ 'rbac_id'), 1::bigint, 'and no other is made');
ROLLBACK TO no_index;

-- The statements ------------------------------------------------------------------------------

CREATE TABLE told (id int PRIMARY KEY, tenant bigint, project uuid, place rbac_path);
CREATE TABLE done (LIKE told INCLUDING ALL);
CREATE FUNCTION pg_temp.state(t regclass) RETURNS text LANGUAGE sql AS $$
    SELECT replace(concat_ws(E'\n', (SELECT string_agg(concat_ws(' ', polname, polcmd, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)), E'\n' ORDER BY polname)
                                     FROM pg_policy WHERE polrelid = t),
                             (SELECT string_agg(pg_get_indexdef(indexrelid), E'\n' ORDER BY 1) FROM pg_index WHERE indrelid = t AND NOT indisprimary),
                             (SELECT string_agg(pg_get_constraintdef(oid), E'\n' ORDER BY 1) FROM pg_constraint WHERE conrelid = t AND contype = 'f'),
                             (SELECT concat(relrowsecurity, relforcerowsecurity) FROM pg_class WHERE oid = t)), t::text, '')
$$;
CREATE FUNCTION pg_temp.told_and_done(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    told text;
BEGIN
    FOR statement IN EXECUTE format('SELECT rbac_policy_sql(''told'', %s)', arguments) LOOP
        EXECUTE statement;
    END LOOP;
    told := pg_temp.state('told');
    EXECUTE format('SELECT rbac_protect_table(''done'', %s)', arguments);
    RETURN CASE WHEN told = pg_temp.state('done') AND told ~ 'rbac_select' THEN 'the same' ELSE told || E'\n--\n' || pg_temp.state('done') END;
END
$$;
SELECT is(pg_temp.told_and_done(arguments), 'the same', format('what is told is what is done: %s', arguments))
FROM unnest(ARRAY[$$'tenant', 'service.view', 'service.edit', space => 'tenant'$$, $$'project', 'service.view', replace => true$$,
                  $$'place', ARRAY['service.view', 'admin'], ARRAY['service.edit'], replace => true$$,
                  $$'tenant', 'service.view', ARRAY['service.edit'], space => 'it''s \', replace => true$$]) AS arguments;
SELECT throws_ok($$ SELECT rbac_policy_sql('told', 'tenant', 'service.view', space => 'tenant') $$, '42710', 'table "told" is protected already', 'errors are the same, too');
SELECT is((SELECT count(*) FROM pg_policy WHERE polrelid = 'told'::regclass), 4::bigint, 'and to be told changes nothing');

SELECT finish();
ROLLBACK;
