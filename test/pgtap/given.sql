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

-- Every function -------------------------------------------------------------------------------

\o /dev/null
SELECT rbac_domain_add('acme', 'acme.example'), rbac_role_create('acme', 'own', '{service.view}', '{project}'), rbac_tag_set('acme.finance', 'k', 'v');
SELECT rbac_service_user_create('acme.finance.pg', 'app'), rbac_unit_create('acme', 'bare');
SELECT rbac_project_create('acme', 'empty'), rbac_service_create('acme.analytics.warehouse', 'gone', 'pg');
SELECT set_config('test.since', clock_timestamp()::text, true);
\o
CREATE TEMP TABLE call (path text, call text);
INSERT INTO call VALUES
    ('acme', 'rbac_access_review($1)'), ('acme.finance', 'rbac_access_review($1, current_setting(''test.since'')::timestamptz)'),
    ('acme', 'rbac_actions(NULL, $1)'), ('acme', 'rbac_application_user($1, ''robot'')'), ('acme', 'rbac_application_user_create($1, ''robot2'')'),
    ('acme', 'rbac_authentication_policy_set($1, false, ''{password}'', true)'), ('acme', 'rbac_billing_address_add($1, ''A'', ''B'', ''FI'')'),
    ('acme', 'rbac_billing_group_create($1, ''bills'')'), ('acme', 'rbac_compare(test.p(''ann''), test.p(''bob''), $1)'),
    ('acme', 'rbac_domain_add($1, ''b.example'')'), ('acme', 'rbac_domain_remove($1, ''acme.example'')'), ('acme', 'rbac_domain_verify($1, ''acme.example'', ''x'')'),
    ('acme.finance', 'rbac_effective_permissions_at(test.p(''ann''), $1, current_setting(''test.since'')::timestamptz)'), ('acme', 'rbac_export($1)'),
    ('acme.finance', 'rbac_grant(test.p(''bob''), ''admin'', $1)'), ('acme.finance', 'rbac_grants_set($1, ''[]'')'),
    ('acme', 'rbac_group($1, ''team'')'), ('acme', 'rbac_group_create($1, ''team2'')'),
    ('acme.finance', 'rbac_has_permission_at(test.p(''ann''), $1, ''admin'', current_setting(''test.since'')::timestamptz)'),
    ('acme', 'rbac_identity_provider_add($1, ''okta'', ''urn:a'', ''https://a.example/'', repeat(''0a'', 32))'),
    ('acme', 'rbac_invitation_create($1, ''new@acme.example'')'), ('acme', 'rbac_invitations_create($1, ''{new@acme.example}'')'),
    ('acme', 'rbac_member_leave($1)'), ('acme', 'rbac_member_remove($1, test.p(''bob''))'), ('acme.engineering', 'rbac_mermaid($1)'),
    ('globex', 'rbac_organization_delete($1)'), ('acme', 'rbac_organization_rename($1, ''A'', ''acme2'')'), ('acme', 'rbac_organization_support_tier_set($1, ''business'')'),
    ('acme', 'rbac_payment_method_add($1, ''psp'', ''ref'')'), ('acme.finance', 'rbac_plan_list_set($1, ''{small}'')'), ('acme.finance', 'rbac_principals($1, ''admin'')'),
    ('acme.finance', 'rbac_project_assign_billing_group($1, NULL)'), ('acme.analytics', 'rbac_project_create($1, ''fresh'')'), ('acme.empty', 'rbac_project_delete($1)'),
    ('acme.finance', 'rbac_project_edit($1, ''Money'', ''money'')'), ('acme.finance', 'rbac_project_move($1, ''acme.analytics'')'), ('acme.analytics', 'rbac_project_move(''acme.finance'', $1)'),
    ('acme', 'rbac_report_html($1)'), ('acme.finance', 'rbac_resource_id($1)'), ('acme.finance', 'rbac_resource_path($1)'),
    ('acme.engineering', 'rbac_revoke(test.p(''dave''), ''role:organization:admin'', $1)'), ('acme', 'rbac_revoke_all(test.p(''erin''), $1)'),
    ('acme', 'rbac_role_create($1, ''own2'', ''{service.view}'', ''{project}'')'), ('acme', 'rbac_role_delete($1, ''own'')'), ('acme', 'rbac_role_edit($1, ''own'', ''{service.fork}'')'),
    ('acme.finance', 'rbac_service_create($1, ''pg2'', ''pg'')'), ('acme.analytics.warehouse.gone', 'rbac_service_delete($1)'), ('acme.finance.pg', 'rbac_service_edit($1, ''PG'', ''pg9'')'),
    ('acme.finance.pg', 'rbac_service_plan_change($1, ''small'')'), ('acme.finance.pg', 'rbac_service_user_create($1, ''app2'')'), ('acme.finance.pg', 'rbac_service_user_delete($1, ''app'')'),
    ('acme', 'rbac_super_admin_add($1, test.p(''bob''))'), ('acme', 'rbac_super_admin_remove($1, test.p(''ann''))'), ('acme.finance', 'rbac_tag_remove($1, ''k'')'),
    ('acme.finance', 'rbac_tag_set($1, ''k2'', ''v'')'), ('acme.engineering', 'rbac_tree($1)'), ('acme', 'rbac_unit_create($1, ''sales'')'), ('acme.bare', 'rbac_unit_delete($1)'),
    ('acme.bare', 'rbac_unit_rename($1, ''Bare'', ''bare2'')');
SELECT set_eq($$ SELECT DISTINCT p.proname::text FROM pg_proc AS p WHERE p.pronamespace = 'public'::regnamespace AND 'rbac_resource'::regtype = ANY (p.proargtypes) $$,
              $$ SELECT DISTINCT substring(call FROM '^\w+') FROM call $$, 'every function that is about a resource is tried');

-- What one answers, with the ids that it makes left out; undone.  An error that the
-- call deserves is an answer, too.
CREATE FUNCTION pg_temp.answered(call text, type text, given text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('PREPARE answered (%s) AS SELECT string_agg(f::text, E''\n'' ORDER BY f::text COLLATE "C") FROM %s AS f', type, call);
    BEGIN
        EXECUTE format('EXECUTE answered (%L)', given) INTO result;
        RAISE EXCEPTION USING ERRCODE = 'TT000', MESSAGE = coalesce(result, 'NULL');
    EXCEPTION WHEN OTHERS THEN
        DEALLOCATE answered;
        RETURN CASE SQLSTATE WHEN 'TT000' THEN regexp_replace(SQLERRM, '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d\d:\d\d:\d\d[.\d]*|[0-9a-f]{32,}', '#', 'g') ELSE SQLSTATE END;
    END;
END
$$;
SELECT is(pg_temp.answered(c.call, v.type, CASE WHEN v.is_id THEN test.r(c.path)::text ELSE c.path END), pg_temp.answered(c.call, 'rbac_path', c.path),
          format('%s for %s as %s%s', c.call, c.path, v.type, CASE WHEN v.is_id THEN ' of its id' ELSE '' END))
FROM call AS c, (VALUES ('text', false), ('varchar', false), ('unknown', false), ('uuid', true), ('text', true), ('varchar', true), ('unknown', true), ('rbac_resource', true)) AS v (type, is_id);
SELECT ok(pg_temp.answered(call, 'rbac_path', path) !~ '^[0-9A-Z]{5}$', call || ' is a call that succeeds')
FROM call WHERE call !~ '^rbac_(member_leave|organization_delete|super_admin_remove|domain_verify)';
SELECT is(pg_temp.answered('rbac_unit_create($1, ''x'')', 'text', g), code, format('given %L', g))
FROM (VALUES ('Acme', '22P02'), ('', '22P02'), (test.id('nothing')::text, '42704'), ('nothing', '42704'), (upper(test.r('acme')::text), 'acme.x'), (NULL, '22004')) AS v (g, code);

-- Paths and texts -------------------------------------------------------------------------------

CREATE TABLE tenant_row (path rbac_path, slug text, number int);
INSERT INTO tenant_row SELECT ('a' || i % 50 || '.b' || i)::rbac_path, 'a' || i % 50 || '.b' || i, i FROM generate_series(1, 5000) AS i;
CREATE INDEX ON tenant_row (path);
ANALYZE tenant_row;
CREATE FUNCTION pg_temp.plan_and_count(type text, condition text, given text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    line text;
    how text := 'no index';
    number bigint;
BEGIN
    EXECUTE format('PREPARE planned (%s) AS SELECT count(*) FROM tenant_row AS t WHERE %s', type, condition);
    FOR line IN EXECUTE format('EXPLAIN (COSTS OFF) EXECUTE planned (%L)', given) LOOP
        IF line ~ 'Index Cond' THEN
            how := 'index';
        END IF;
    END LOOP;
    EXECUTE format('EXECUTE planned (%L)', given) INTO number;
    DEALLOCATE planned;
    RETURN format('%s by %s', number, how);
END
$$;
SELECT is(pg_temp.plan_and_count(t.type, c.condition, c.given), c.expected, format('%s, given %L as %s', c.condition, c.given, t.type))
FROM (VALUES ('t.path = $1', 'a1.b1', '1 by index'), ('$1 = t.path', 'a1.b1', '1 by index'), ('t.path <@ $1', 'a1', '100 by index'), ('$1 @> t.path', 'a1', '100 by index'),
             ('t.path @> $1', 'a1.b1', '1 by index'), ('t.path <> $1', 'a1.b1', '4999 by no index'), ('t.path < $1', 'a1.b1', '100 by index'), ('t.path <= $1', 'a1.b1', '101 by index'),
             ('t.path > $1', 'zz', '0 by index'), ('t.path >= $1', 'zz', '0 by index'), ('t.path IN ($1, ''a2.b2'')', 'a1.b1', '2 by index')) AS c (condition, given, expected),
     unnest('{text,varchar,unknown,rbac_path}'::text[]) AS t (type)
WHERE t.type <> 'unknown' OR c.condition <> 't.path IN ($1, ''a2.b2'')';
SELECT is(pg_temp.plan_and_count(type, 't.path = ANY ($1)', '{a1.b1,a2.b2}') ~ '^2 ', true, format('= ANY with %s', type)) FROM unnest('{text[],varchar[],rbac_path[],unknown}'::text[]) AS type;
SELECT is(pg_temp.plan_and_count('text[]', 't.path <@ ANY ($1)', '{a1,a2}') ~ '^200 ', true, '<@ ANY with text[]');
SELECT is((SELECT count(*) FROM tenant_row AS a JOIN tenant_row AS b ON a.path = b.slug), 5000::bigint, 'a path joins a column of type text');
SELECT is((SELECT count(*) FROM tenant_row WHERE path IN (SELECT slug FROM tenant_row WHERE number < 10 AND number > 0)), 9::bigint, 'and is looked for among texts');
SELECT is(test.outcome(NULL, $$ SELECT count(*) FROM tenant_row WHERE path = 'No path'::text $$), '22P02 path "No path" has an upper-case letter', 'what is no path is an error');
\o /dev/null
DELETE FROM tenant_row;
INSERT INTO tenant_row SELECT path, path::text, 0 FROM aiven_rbac.resource, generate_series(1, 200) WHERE kind = 'project';
ANALYZE tenant_row;
SELECT rbac_protect_table('tenant_row', 'path', 'service.power');
GRANT SELECT ON tenant_row TO test_application;
SELECT rbac_set_principal(test.p('bob'), is_local => true);
SET ROLE test_application;
\o
SELECT is(pg_temp.plan_and_count('text', 't.path = $1', 'acme.finance'), '200 by index', 'so where a policy is in force');
SELECT is(pg_temp.plan_and_count('text', 't.path = $1', 'acme.analytics.warehouse'), '0 by index', 'which goes on to hold');
RESET ROLE;
SELECT rbac_reset_principal() \g /dev/null

-- Expressions of an application mean what they mean without the extension.
SELECT lives_ok(format('SELECT %s', e), e)
FROM unnest(ARRAY[$$ ARRAY['a']::text[] @> '{a}' $$, $$ 'a'::text = 'a' $$, $$ 'a'::varchar || 'b' $$, $$ coalesce(NULL::text, 'a') $$, $$ 'a'::text = ANY ('{a}') $$, $$ 'a'::text IN ('a', 'b') $$,
                  $$ array_append('{}'::text[], 'a') $$, $$ (SELECT 'a'::text UNION SELECT 'b' LIMIT 1) $$, $$ greatest('a'::varchar, 'b') $$, $$ gen_random_uuid() = gen_random_uuid() $$,
                  $$ format('%s', gen_random_uuid()) $$]) AS e;
SELECT is_empty($$ SELECT o.oid::regoperator FROM pg_operator AS o WHERE 'rbac_resource'::regtype IN (o.oprleft, o.oprright) $$, 'no operator takes a resource as a caller names it');

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
