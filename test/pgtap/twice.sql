-- Calls that a script can make twice: what is made if it does not exist, what is
-- deleted if it exists, relations that are ended, and values that are cleared.
BEGIN;
SELECT no_plan();
\ir lib/helpers.sql
\ir lib/world.sql
SET client_min_messages = warning;

-- The answer of a call
CREATE FUNCTION pg_temp.answer(who text, call text) RETURNS text
    LANGUAGE plpgsql
    AS $$
DECLARE
    result text;
BEGIN
    IF who IS NOT NULL THEN
        PERFORM rbac_set_principal(test.p(who));
    END IF;
    BEGIN
        EXECUTE 'SELECT ' || call INTO result;
    EXCEPTION WHEN OTHERS THEN
        result := SQLSTATE;
    END;
    PERFORM rbac_reset_principal();
    RETURN coalesce(result, 'NULL');
END
$$;

-- If it does not exist --------------------------------------------------------------------------

CREATE TEMP TABLE made (who text, call text, other text, forbidden text);
INSERT INTO made VALUES
    ('ann', 'rbac_organization_create(''fresh'', ''Fresh'', test.p(''ann'')%s)', 'rbac_organization_create(''fresh'', ''Other'', test.p(''ann'')%s)', 'rbac_organization_create(''fresh'', ''Fresh'', test.p(''gina'')%s)'),
    ('ann', 'rbac_unit_create(''acme'', ''sales''%s)', 'rbac_unit_create(''acme'', ''sales'', ''Sales''%s)', 'rbac_unit_create(''acme'', ''sales''%s)'),
    ('ann', 'rbac_project_create(''acme'', ''shop''%s)', 'rbac_project_create(''acme'', ''shop'', ''Shop''%s)', 'rbac_project_create(''globex'', ''shop''%s)'),
    ('ann', 'rbac_service_create(''acme.finance'', ''mq'', ''kafka''%s)', 'rbac_service_create(''acme.finance'', ''mq'', ''redis''%s)', 'rbac_service_create(''acme.finance'', ''mq'', ''kafka''%s)'),
    (NULL, 'rbac_user_create(''zoe@acme.example''%s)', 'rbac_user_create(''ZOE@acme.example'', ''Zoe''%s)', 'rbac_user_create(''zoe@acme.example''%s)'),
    ('ann', 'rbac_group_create(''acme'', ''ops''%s)', 'rbac_group_create(''acme'', ''ops'', ''Operations''%s)', 'rbac_group_create(''acme'', ''ops''%s)'),
    ('ann', 'rbac_application_user_create(''acme'', ''bot''%s)', 'rbac_application_user_create(''acme'', ''bot'', ''A bot''%s)', 'rbac_application_user_create(''acme'', ''bot''%s)'),
    ('ann', 'rbac_role_create(''acme'', ''own'', ''{service.view}'', ''{project}''%s)', 'rbac_role_create(''acme'', ''own'', ''{service.fork}'', ''{project}''%s)', 'rbac_role_create(''acme'', ''own'', ''{service.view}'', ''{project}''%s)'),
    ('ann', 'rbac_billing_group_create(''acme'', ''bills''%s)', 'rbac_billing_group_create(''acme'', ''bills'', ''EUR''%s)', 'rbac_billing_group_create(''acme'', ''bills''%s)'),
    ('ann', 'rbac_service_user_create(''acme.finance.pg'', ''app''%s)', 'rbac_service_user_create(''acme.finance.pg'', ''app'', ''test_application''%s)', 'rbac_service_user_create(''acme.finance.pg'', ''app''%s)');
CREATE TEMP TABLE answers (call text, n int, answer text);
INSERT INTO answers SELECT call, 1, pg_temp.answer(who, format(call, ', if_not_exists => true')) FROM made;
INSERT INTO answers SELECT call, 2, pg_temp.answer(who, format(call, ', if_not_exists => true')) FROM made;
INSERT INTO answers SELECT call, 3, pg_temp.answer(who, format(call, '')) FROM made;
SELECT ok(answer !~ '^[0-9A-Z]{5}$', format('made where there is none: %s', call)) FROM answers WHERE n = 1;
SELECT is(b.answer, a.answer, format('and the same where it stands: %s', a.call)) FROM answers AS a JOIN answers AS b ON b.call = a.call AND a.n = 1 AND b.n = 2;
SELECT is(answer, '23505', format('an error without if_not_exists: %s', call)) FROM answers WHERE n = 3;
SELECT matches(pg_temp.answer('olga', format(forbidden, ', if_not_exists => true')), '^(42704|42501|23505)$', format('G5, G10: who may not make it does not get it: %s', forbidden)) FROM made WHERE forbidden !~ '^rbac_user_create';
SELECT is(pg_temp.answer('gina', 'rbac_project_create(''globex'', ''shop'', if_not_exists => true)'), '23505', 'H3: a project of the name somewhere else is none');
SELECT is(pg_temp.answer('gina', 'rbac_organization_create(''acme'', ''Acme'', test.p(''gina''), if_not_exists => true)'), '23505', 'G10: nor is an organization of others');
SELECT is(pg_temp.answer('ann', 'rbac_unit_create(''acme'', ''finance'', if_not_exists => true)'), '23505', 'a project is no unit');
SELECT is(pg_temp.answer('ann', 'rbac_role_create(''acme'', ''admin'', ''{service.view}'', ''{project}'', if_not_exists => true)'), '23505', 'G8: nor is a role of everybody''s the organization''s own');

-- What differs stays as it is.
CREATE FUNCTION pg_temp.all_there_is() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(x, ' ' ORDER BY x)
    FROM (SELECT name FROM aiven_rbac.resource UNION ALL SELECT concat_ws(' ', name, description, email) FROM aiven_rbac.principal
          UNION ALL SELECT name || currency FROM aiven_rbac.billing_group UNION ALL SELECT service_type FROM aiven_rbac.service
          UNION ALL SELECT g.name || a.action FROM aiven_rbac.grantable AS g JOIN aiven_rbac.allowed_action AS a ON a.grantable = g.id WHERE g.owner IS NOT NULL) AS y (x)
$$;
CREATE TEMP TABLE stood AS SELECT pg_temp.all_there_is() AS it;
SELECT is(pg_temp.answer(m.who, format(m.other, ', if_not_exists => true')), a.answer, format('what differs is returned: %s', m.other)) FROM made AS m JOIN answers AS a ON a.call = m.call AND a.n = 1;
SELECT is(pg_temp.all_there_is(), it, 'and nothing of it was changed') FROM stood;

-- If it exists ----------------------------------------------------------------------------------

\o /dev/null
SELECT rbac_payment_method_add('acme', 'psp', 'ref') AS pm, rbac_billing_address_add('acme', 'A', 'B', 'FI', postal_code => '1', state => 'S') AS ba, rbac_billing_group_create('acme', 'gone') AS bg \gset
SELECT rbac_organization_create('empty', 'Empty', test.p('gina')), rbac_unit_create('acme', 'gone'), rbac_project_create('acme', 'gone2'), rbac_service_create('acme.finance', 'gone', 'pg');
\o
CREATE TEMP TABLE gone (who text, call text);
INSERT INTO gone VALUES
    ('gina', 'rbac_organization_delete(''empty''%s)'), ('ann', 'rbac_unit_delete(''acme.gone''%s)'), ('ann', 'rbac_project_delete(''acme.gone2''%s)'), ('ann', 'rbac_service_delete(''acme.finance.gone''%s)'),
    ('ann', 'rbac_service_user_delete(''acme.finance.pg'', ''app''%s)'), ('ann', 'rbac_role_delete(''acme'', ''own''%s)'),
    ('ann', format('rbac_group_delete(%L', rbac_group('acme', 'ops')) || '%s)'), ('ann', format('rbac_application_user_delete(%L', rbac_application_user('acme', 'bot')) || '%s)'),
    (NULL, format('rbac_user_delete(%L', rbac_user('zoe@acme.example')) || '%s)'),
    ('ann', format('rbac_billing_group_delete(%L', :'bg') || '%s)'), ('ann', format('rbac_payment_method_delete(%L', :'pm') || '%s)'), ('ann', format('rbac_billing_address_delete(%L', :'ba') || '%s)');
SELECT matches(pg_temp.answer('olga', format(call, ', if_exists => true')), '^(false|42501)$', format('G10: a stranger deletes nothing: %s', call)) FROM gone;
SELECT is(pg_temp.answer(who, format(call, '')), 'true', format('deleted: %s', call)) FROM gone WHERE call !~ 'billing_address|payment';
SELECT is(pg_temp.answer(who, format(call, ', if_exists => true')), 'true', format('deleted, as it exists: %s', call)) FROM gone WHERE call ~ 'billing_address|payment';
SELECT is(pg_temp.answer(who, format(call, ', if_exists => true')), 'false', format('gone: %s', call)) FROM gone;
SELECT is(pg_temp.answer(who, format(call, '')), '42704', format('an error without if_exists: %s', call)) FROM gone;
SELECT is(pg_temp.answer('bob', 'rbac_unit_delete(''acme.engineering'', if_exists => true)'), '42501', 'G5: who may not delete something is refused');
SELECT isnt(pg_temp.answer('ann', 'rbac_unit_delete(''acme.engineering'', if_exists => true)'), 'true', 'H5: what has something inside stays');

-- Relations -------------------------------------------------------------------------------------

\o /dev/null
SELECT rbac_tag_set('acme.finance', 'k', 'v'), rbac_domain_add('acme', 'acme.example'), rbac_super_admin_add('acme', test.p('bob')), rbac_group_member_add(rbac_group('acme', 'team'), test.p('frank'));
SELECT rbac_identity_provider_add('acme', 'sso', 'urn:s', 'https://s.example/', repeat('0a', 32)) AS idp \gset
\o
CREATE TEMP TABLE ended (call text);
INSERT INTO ended VALUES
    ('rbac_tag_remove(''acme.finance'', ''k'')'), ('rbac_domain_remove(''acme'', ''acme.example'')'), ('rbac_super_admin_remove(''acme'', test.p(''bob''))'),
    ('rbac_group_member_remove(rbac_group(''acme'', ''team''), test.p(''frank''))'), ('rbac_member_remove(''acme'', test.p(''frank''))'),
    (format('rbac_identity_provider_remove(%L)', :'idp')), ('rbac_revoke(test.p(''dave''), ''role:organization:admin'', ''acme.engineering'')');
SELECT is(pg_temp.answer('gina', call), 'false', 'G10: to a stranger there is none') FROM ended WHERE call ~ 'identity_provider';
SELECT is(pg_temp.answer(NULL, call), 'true', format('ended: %s', call)) FROM ended;
SELECT is(pg_temp.answer(NULL, call), 'false', format('there was none: %s', call)) FROM ended;
SELECT is(pg_temp.answer('ann', 'rbac_member_remove(''nowhere'', test.p(''frank''))'), '42704', 'an organization that does not exist is an error');
SELECT is(pg_temp.answer('dave', 'rbac_member_leave(''acme'')'), 'true', 'whoever leaves was a member');

-- Values that are cleared -------------------------------------------------------------------------

\o /dev/null
SELECT rbac_payment_method_add('acme', 'psp', 'ref2', '1234') AS pm, rbac_billing_address_add('acme', 'A', 'B', 'FI', postal_code => '1', state => 'S') AS ba \gset
SELECT rbac_billing_group_create('acme', 'full', tax_id => 'T', billing_address => :'ba', payment_method => :'pm') AS bg, rbac_group_create('acme', 'told', 'A description') AS g,
       rbac_application_user_create('acme', 'told', 'A description') AS au \gset
\o
CREATE TEMP TABLE edit (call text, kind text, id uuid, columns text[]);
INSERT INTO edit VALUES
    (format('rbac_billing_group_edit(%L', :'bg'), 'billing_group', :'bg', '{tax_id,billing_address,payment_method}'),
    (format('rbac_payment_method_edit(%L', :'pm'), 'payment_method', :'pm', '{last_four}'),
    (format('rbac_billing_address_edit(%L', :'ba'), 'billing_address', :'ba', '{postal_code,state}'),
    (format('rbac_group_edit(%L', :'g'), 'principal', :'g', '{description}'),
    (format('rbac_application_user_edit(%L', :'au'), 'principal', :'au', '{description}');
CREATE FUNCTION pg_temp.empty(kind text, id uuid) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    result text[];
BEGIN
    EXECUTE format('SELECT array_agg(key ORDER BY key) FROM aiven_rbac.%I AS x, jsonb_each(to_jsonb(x)) WHERE x.id = $1 AND value = ''null''', kind) INTO result USING id;
    RETURN coalesce(result, '{}');
END
$$;
CREATE TEMP TABLE empty_before AS SELECT e.call, pg_temp.empty(e.kind, e.id) AS columns FROM edit AS e;
SELECT is(pg_temp.answer('ann', format('%s, clear => ''{%s}'')', e.call, c)), '', format('H6: %s of %s is cleared', c, e.call)) FROM edit AS e, unnest(e.columns) AS c;
SELECT is(pg_temp.empty(e.kind, e.id), ARRAY(SELECT x FROM unnest(b.columns || e.columns) AS x ORDER BY 1), format('H6: and nothing else of it: %s', e.call)) FROM edit AS e JOIN empty_before AS b USING (call);
SELECT is(pg_temp.answer('ann', format('%s, clear => ''{%s}'')', e.call, c)), '', format('once more: %s of %s', c, e.call)) FROM edit AS e, unnest(e.columns) AS c;
SELECT is(pg_temp.answer('ann', format('%s, clear => ''{name}'')', call)), '22023', format('what is not optional stays: %s', call)) FROM edit;
SELECT is(pg_temp.answer('ann', format('%s, clear => ''{NULL}'')', call)), '22023', format('nothing has no name: %s', call)) FROM edit;
SELECT is(pg_temp.answer('ann', format('%s, %s => ''1234'', clear => ''{%2$s}'')', call, columns[1])), '22023', format('not both given and cleared: %s', call)) FROM edit;
SELECT is(pg_temp.answer('bob', format('%s, clear => ''{%s}'')', call, columns[1])), '42501', format('G5: who may not edit clears nothing: %s', call)) FROM edit;
SELECT is(pg_temp.answer('ann', format('rbac_payment_method_delete(%L)', :'pm')), 'true', 'what no billing group uses any longer can go');

SELECT finish();
ROLLBACK;
