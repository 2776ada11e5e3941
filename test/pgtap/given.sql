-- How a resource is given to decisions: by path or by id, as a text of either, typed
-- or not, as drivers send their parameters.
BEGIN;
SELECT no_plan();
\ir lib/helpers.sql
\ir lib/world.sql

\o /dev/null
SELECT rbac_grant(test.p('bob'), 'operator', 'acme.finance');
SELECT rbac_set_principal(test.p('bob'), is_local => false);
\o

-- What a query with parameters of some types answers; "unknown" is one that is not typed.
CREATE FUNCTION pg_temp.asked(query text, types text[], VARIADIC given text[]) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('PREPARE asked (%s) AS SELECT string_agg(q::text, '' '' ORDER BY q::text COLLATE "C") FROM (%s) AS q', array_to_string(types, ', '), query);
    BEGIN
        EXECUTE format('EXECUTE asked (%s)', (SELECT string_agg(quote_literal(g), ', ') FROM unnest(given) AS g)) INTO result;
        DEALLOCATE asked;
    EXCEPTION WHEN OTHERS THEN
        DEALLOCATE asked;
        RAISE;
    END;
    RETURN result;
END
$$;

-- Decisions
SELECT is(pg_temp.asked(q.query, ARRAY['uuid', t.type], test.p('bob')::text, CASE WHEN s.is_id THEN test.r(s.path)::text ELSE s.path END),
          pg_temp.asked(q.query, ARRAY['uuid', 'uuid'], test.p('bob')::text, test.r(s.path)::text),
          format('%s as %s%s: %s', s.path, t.type, CASE WHEN s.is_id THEN ' of its id' ELSE '' END, q.query))
FROM (VALUES ('SELECT rbac_has_permission($2, ''service.power'') WHERE $1 IS NOT NULL'), ('SELECT rbac_has_permission($1, $2, ''service.power'')'),
             ('SELECT rbac_has_any_permission($2, ''service.power'', ''admin'') WHERE $1 IS NOT NULL'),
             ('SELECT permission FROM rbac_effective_permissions($2) WHERE $1 IS NOT NULL'), ('SELECT permission FROM rbac_effective_permissions($1, $2)'),
             ('SELECT action FROM rbac_effective_actions($2) WHERE $1 IS NOT NULL'), ('SELECT action FROM rbac_effective_actions($1, $2)'),
             ('SELECT reason FROM rbac_explain($2, ''admin'') WHERE $1 IS NOT NULL'), ('SELECT reason FROM rbac_explain($1, $2, ''admin'')')) AS q (query),
     (VALUES ('text'), ('varchar'), ('unknown'), ('rbac_path')) AS t (type),
     (VALUES ('acme.finance', false), ('acme.finance', true), ('acme', false), ('acme', true)) AS s (path, is_id)
WHERE NOT (t.type = 'rbac_path' AND s.is_id);
SELECT is(rbac_has_permission(upper(test.r('acme.finance')::text), 'operator'), true, 'an id in capital letters is one, too');
SELECT is(rbac_has_permission(test.id('nothing')::text, 'operator'), false, 'an unknown id is held by nobody');
SELECT is(rbac_has_permission(NULL::text, 'operator'), NULL, 'NULL in, NULL out');
SELECT throws_ok($$ SELECT rbac_has_permission('Acme'::text, 'operator') $$, '22P02', 'path "Acme" has an upper-case letter', 'what is neither is an error');
SELECT rbac_reset_principal() \g /dev/null

-- No label looks like an id.
SELECT is(test.outcome(NULL, q.query), '22P02 path "' || q.path || '" has a label that looks like an id', q.query)
FROM (VALUES ($$ SELECT '00000000-0000-4000-8000-00000000000a'::rbac_path $$, '00000000-0000-4000-8000-00000000000a'),
             ($$ SELECT 'acme.00000000-0000-4000-8000-00000000000a.x'::text::rbac_path $$, 'acme.00000000-0000-4000-8000-00000000000a.x'),
             ($$ SELECT rbac_project_create('acme', '00000000-0000-4000-8000-00000000000a') $$, '00000000-0000-4000-8000-00000000000a'),
             ($$ SELECT rbac_organization_create('00000000-0000-4000-8000-00000000000a', 'x', test.p('bob')) $$, '00000000-0000-4000-8000-00000000000a')) AS q (query, path);
SELECT lives_ok($$ SELECT '00000000-0000-4000-8000-00000000000'::rbac_path, '00000000-0000-4000-8000-00000000000g'::rbac_path, '00000000_0000-4000-8000-00000000000a'::rbac_path $$,
                'what only resembles one is a label');

SELECT * FROM finish();
ROLLBACK;
