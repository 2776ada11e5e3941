-- What names, emails and lists may hold, by every way of writing them; and that
-- an error repeats little of what was given (P1, P3, S7, S8).

BEGIN;
\ir lib/helpers.sql
\ir lib/world.sql
SELECT no_plan();

-- --- Names (S8) ----------------------------------------------------------------------

\o /dev/null
SELECT rbac_tag_set('acme.finance', 'tier', 'gold');
SELECT set_config('test.payment', rbac_payment_method_add('acme', 'provider', 'reference')::text, true),
       set_config('test.address', rbac_billing_address_add('acme', 'Acme', 'Helsinki', 'FI')::text, true),
       set_config('test.billing', rbac_billing_group_create('acme', 'main')::text, true),
       set_config('test.provider', rbac_identity_provider_add('acme', 'saml', 'entity', 'https://x', repeat('a', 64))::text, true);

CREATE TEMP TABLE sample (rule text, value text, fits boolean, what text);
INSERT INTO sample VALUES
    ('name', 'Acme', true, 'letters'),
    ('name', 'x', true, 'one character'),
    ('name', repeat('x', 255), true, '255 characters'),
    ('name', repeat(chr(8364), 255), true, '255 characters of three bytes'),
    ('name', repeat('x', 256), false, '256 characters'),
    ('name', repeat(chr(8364), 256), false, '256 characters of three bytes'),
    ('name', repeat('x', 10000), false, 'a long one'),
    ('name', '', false, 'nothing'),
    ('name', '   ', false, 'nothing but spaces'),
    ('name', chr(160) || chr(8203), false, 'nothing that shows'),
    ('name', 'Backend & Co. (' || chr(196) || chr(19968) || ')', true, 'letters of any script'),
    ('name', chr(128104) || chr(8205) || chr(128105), true, 'symbols that are joined'),
    ('name', E'a\nb', false, 'a line break'),
    ('name', E'a\rb', false, 'a carriage return'),
    ('name', E'a\tb', false, 'a tab'),
    ('name', E'a\x1b[2Jb', false, 'an escape'),
    ('name', 'a' || chr(127), false, 'DEL'),
    ('name', 'a' || chr(133) || 'b', false, 'the next line of C1'),
    ('name', 'a' || chr(155) || 'b', false, 'the escape of C1'),
    ('name', 'a' || chr(8232) || 'b', false, 'a separator of lines'),
    ('name', 'a' || chr(8233) || 'b', false, 'a separator of paragraphs'),
    ('name', 'a' || chr(8206) || 'b', false, 'a mark of direction'),
    ('name', 'a' || chr(8238) || 'b', false, 'an override of direction'),
    ('name', 'a' || chr(8295) || 'b', false, 'an isolate of direction'),
    ('name', 'a' || chr(1564) || 'b', false, 'the Arabic mark of direction'),
    ('name', 'a' || chr(65534) || 'b', false, 'what is no character'),
    ('word', 'key', true, 'letters'),
    ('word', repeat('x', 64), true, '64 characters'),
    ('word', repeat('x', 65), false, '65 characters'),
    ('word', '', false, 'nothing'),
    ('word', 'a b', false, 'a space'),
    ('word', 'a' || chr(160) || 'b', false, 'a space that does not break'),
    ('word', 'a' || chr(8203) || 'b', false, 'a space without width'),
    ('word', E'a\nb', false, 'a line break'),
    ('line', '', true, 'nothing'),
    ('line', 'a  b ', true, 'spaces'),
    ('line', repeat('x', 255), true, '255 characters'),
    ('line', repeat('x', 257), false, '257 characters'),
    ('line', E'a\nb', false, 'a line break'),
    ('note', '', true, 'nothing'),
    ('note', E'a\r\n\tb', true, 'line breaks and tabs'),
    ('note', repeat(chr(8364), 1000), true, '1000 characters'),
    ('note', repeat('x', 1001), false, '1001 characters'),
    ('note', E'a\x1b[2Jb', false, 'an escape'),
    ('note', 'a' || chr(8238) || 'b', false, 'an override of direction');

-- Each place that such a text is given at; $ is the text.
CREATE TEMP TABLE place (rule text, query text);
INSERT INTO place VALUES
    ('name', $$ SELECT rbac_organization_create('new', $, test.p('bob')) $$),
    ('name', $$ SELECT rbac_organization_rename('acme', $) $$),
    ('name', $$ SELECT rbac_unit_create('acme', 'new', $) $$),
    ('name', $$ SELECT rbac_unit_rename('acme.analytics', $) $$),
    ('name', $$ SELECT rbac_project_create('acme', 'new', $) $$),
    ('name', $$ SELECT rbac_project_edit('acme.finance', $) $$),
    ('name', $$ SELECT rbac_service_edit('acme.finance.pg', $) $$),
    ('name', $$ SELECT rbac_service_create('acme.finance', 'new', $) $$),
    ('name', $$ SELECT rbac_service_create('acme.finance', 'new', 'pg', $) $$),
    ('name', $$ SELECT rbac_service_plan_change('acme.finance.pg', $) $$),
    ('name', $$ SELECT rbac_user_create('new@x.example', $) $$),
    ('name', $$ SELECT rbac_user_edit(test.p('bob'), $) $$),
    ('name', $$ SELECT rbac_group_create('acme', $) $$),
    ('name', $$ SELECT rbac_group_rename(test.p('team'), $) $$),
    ('name', $$ SELECT rbac_application_user_create('acme', $) $$),
    ('name', $$ SELECT rbac_application_user_edit(test.p('robot'), $) $$),
    ('name', $$ SELECT rbac_plan_list_set('acme', ARRAY['small', $]) $$),
    ('name', $$ SELECT rbac_payment_method_add('acme', $, 'x') $$),
    ('name', $$ SELECT rbac_payment_method_add('acme', 'x', $) $$),
    ('name', $$ SELECT rbac_payment_method_edit(current_setting('test.payment')::uuid, $) $$),
    ('name', $$ SELECT rbac_billing_address_add('acme', $, 'x', 'FI') $$),
    ('name', $$ SELECT rbac_billing_address_add('acme', 'x', $, 'FI') $$),
    ('name', $$ SELECT rbac_billing_address_edit(current_setting('test.address')::uuid, $) $$),
    ('name', $$ SELECT rbac_billing_group_create('acme', $) $$),
    ('name', $$ SELECT rbac_billing_group_create('acme', 'new', tax_id => $) $$),
    ('name', $$ SELECT rbac_billing_group_edit(current_setting('test.billing')::uuid, $) $$),
    ('name', $$ SELECT rbac_identity_provider_add('acme', $, 'x', 'https://x', repeat('a', 64)) $$),
    ('word', $$ SELECT rbac_tag_set('acme.finance', $, 'x') $$),
    ('line', $$ SELECT rbac_tag_set('acme.finance', 'tier', $) $$),
    ('line', $$ SELECT rbac_billing_address_add('acme', 'x', 'x', 'FI', ARRAY['x', $]) $$),
    ('line', $$ SELECT rbac_billing_address_add('acme', 'x', 'x', 'FI', postal_code => $) $$),
    ('line', $$ SELECT rbac_billing_address_edit(current_setting('test.address')::uuid, state => $) $$),
    ('note', $$ SELECT rbac_group_create('acme', 'new', $) $$),
    ('note', $$ SELECT rbac_group_edit(test.p('team'), $) $$),
    ('note', $$ SELECT rbac_application_user_create('acme', 'new', $) $$),
    ('note', $$ SELECT rbac_application_user_edit(test.p('robot'), description => $) $$),
    ('note', $$ SELECT rbac_token_create(test.p('robot'), $) $$);
CREATE TEMP TABLE tried AS
SELECT p.query, s.what, s.fits, a.*
FROM place AS p JOIN sample AS s USING (rule), LATERAL test.attempt(NULL, replace(p.query, '$', quote_literal(s.value))) AS a;
\o

SELECT cmp_ok(count(*), '>', 700::bigint, 'there are many names in many places') FROM tried;
SELECT is_empty($$ SELECT query, what, code, message FROM tried WHERE fits AND code <> 'ok' $$,
                'S8: every place takes what fits');
SELECT is_empty($$ SELECT query, what, code, message FROM tried
                   WHERE NOT fits AND (code <> '22023' OR changed) AND NOT (query ~ 'service_create\(.*, \$\)' AND what = 'nothing' AND code = '22004') $$,
                'S8: no place takes what does not fit');
SELECT is_empty($$ SELECT query, what, message, detail, hint FROM tried
                   WHERE length(concat(message, detail, hint)) > 400 OR concat(message, detail, hint) ~ U&'[\0001-\001F\007F-\009F\061C\200E\200F\2028-\202E\2066-\2069]' $$,
                'S8: errors about them are short, and repeat nothing that would disturb a terminal');
SELECT is((SELECT detail FROM tried WHERE query ~ 'rbac_group_create\(.acme., \$\)' AND what = 'an override of direction'),
          'It has the character U+202E at position 2.', 'and tell which character it is');

-- --- Emails (P1) -----------------------------------------------------------------------

CREATE TEMP TABLE email (value text, fits boolean, what text);
INSERT INTO email VALUES
    ('a@b', true, 'the shortest'),
    ('First.Last+tag_1@mail.acme-corp.example', true, 'an ordinary one'),
    ('''!#$%&*/=?^`{|}~@x.example', true, 'what is legal'),
    (U&'J\00FCrgen.\4E00@acme.example', true, 'letters of any script before the "@"'),
    (repeat('x', 243) || '@ab.example', true, '254 bytes'),
    (repeat('x', 244) || '@ab.example', false, '255 bytes'),
    (repeat(U&'\00FC', 122) || '@ab.example', false, '255 bytes in fewer characters'),
    ('', false, 'nothing'),
    ('ann', false, 'no "@"'),
    ('@acme.example', false, 'no local part'),
    ('ann@', false, 'no domain'),
    ('ann@bob@acme.example', false, 'two "@"'),
    ('ann @acme.example', false, 'a space'),
    (' ann@acme.example', false, 'a space in front'),
    ('ann@acme.example ', false, 'a space behind'),
    ('ann@acme.example.', false, 'a dot behind'),
    ('ann@acme..example', false, 'an empty label'),
    ('ann@.acme.example', false, 'an empty first label'),
    ('.ann@acme.example', false, 'a dot in front'),
    ('ann.@acme.example', false, 'a dot before the "@"'),
    ('ann..lee@acme.example', false, 'two dots'),
    ('ann@-acme.example', false, 'a label that begins with a hyphen'),
    ('ann@acme-.example', false, 'a label that ends with a hyphen'),
    ('ann@' || repeat('x', 63) || '.example', true, 'a label of 63'),
    ('ann@' || repeat('x', 64) || '.example', false, 'a label of 64'),
    ('ann@acme_corp.example', false, 'an underscore in the domain'),
    (U&'ann@\FF41cme.example', false, 'a letter that mail systems take for another'),
    (U&'ann@acme\3002example', false, 'a dot that mail systems take for one'),
    (E'ann\n@acme.example', false, 'a line break'),
    (E'ann@acme.example\n', false, 'a line break behind'),
    (E'ann@acme.example\x7f', false, 'DEL');
INSERT INTO email
SELECT 'an' || chr(c) || 'n@acme.example', false, 'U+' || upper(to_hex(c))
FROM unnest(ARRAY[1, 9, 27, 31, 32, 127, 128, 159, 160, 173, 847, 1564, 4447, 5760, 6158, 8192, 8202, 8203, 8204, 8205, 8206,
                  8207, 8232, 8233, 8234, 8238, 8239, 8287, 8288, 8294, 8297, 8303, 10240, 12288, 12644, 65024, 65039, 65279,
                  65440, 65529, 119155, 917505, 917760]) AS c;

CREATE TEMP TABLE tried_email AS
SELECT p.query, s.what, s.fits, a.*
FROM (VALUES ($$ SELECT rbac_user_create($) $$),
             ($$ SELECT rbac_user_edit(test.p('olga'), email => $) $$),
             ($$ SELECT rbac_invitation_create('globex', $) $$),
             ($$ SELECT rbac_billing_group_create('acme', 'new', billing_emails => ARRAY['a@b', $]) $$)) AS p (query), email AS s,
     LATERAL test.attempt(NULL, replace(p.query, '$', quote_literal(s.value))) AS a;
SELECT cmp_ok(count(*), '>', 250::bigint, 'there are many emails in many places') FROM tried_email;
SELECT is_empty($$ SELECT query, what, code, message, detail FROM tried_email WHERE fits AND code <> 'ok' $$,
                'P1: every place takes an email');
SELECT is_empty($$ SELECT query, what, code, message FROM tried_email WHERE NOT fits AND (code <> '22023' OR changed) $$,
                'P1: no place takes what is none');
SELECT is_empty($$ SELECT query, what, message FROM tried_email WHERE length(concat(message, detail, hint)) > 500 $$,
                'S8: errors about them are short');

-- --- Raw DML (S7) ------------------------------------------------------------------------

SELECT throws_ok(query, '23514', NULL, 'S7: refused as well: ' || query)
FROM unnest(ARRAY[
    $$ UPDATE aiven_rbac.resource SET name = E'x\n'||name $$,
    $$ UPDATE aiven_rbac.principal SET name = E'x\t'||name $$,
    $$ UPDATE aiven_rbac.principal SET description = repeat('x', 1001) $$,
    $$ UPDATE aiven_rbac.principal SET email = email || '.' WHERE kind = 'user' $$,
    $$ UPDATE aiven_rbac.invitation SET email = email || chr(8203) $$,
    $$ UPDATE aiven_rbac.service SET service_type = '' $$,
    $$ UPDATE aiven_rbac.service SET plan = repeat('x', 256) $$,
    $$ UPDATE aiven_rbac.tag SET key = key || ' ' $$,
    $$ UPDATE aiven_rbac.tag SET value = E'x\n' $$,
    $$ UPDATE aiven_rbac.billing_group SET name = '  ' $$,
    $$ UPDATE aiven_rbac.billing_group SET billing_emails = '{a@b,x}' $$,
    $$ UPDATE aiven_rbac.billing_group SET billing_emails = array_fill('a@b'::text, '{101}') $$,
    $$ UPDATE aiven_rbac.billing_address SET address_lines = array_fill('x'::text, '{101}') $$,
    $$ UPDATE aiven_rbac.billing_address SET address_lines = '{x,NULL}' $$,
    $$ UPDATE aiven_rbac.billing_address SET address_lines = '{{x},{y}}' $$,
    $$ UPDATE aiven_rbac.payment_method SET provider_reference = repeat('x', 256) $$,
    $$ UPDATE aiven_rbac.identity_provider SET entity_id = repeat('x', 1001) $$,
    $$ UPDATE aiven_rbac.identity_provider SET url = 'https://x y' $$,
    $$ UPDATE aiven_rbac.grantable SET console_name = E'x\n' $$,
    $$ UPDATE aiven_rbac.grantable SET name = repeat('x', 256) $$,
    $$ INSERT INTO aiven_rbac.authentication_policy (organization, allowed_methods)
       SELECT test.r('acme'), array_agg('m' || i) FROM generate_series(1, 101) AS i $$,
    $$ INSERT INTO aiven_rbac.plan_list SELECT test.r('acme'), 'organization', test.r('acme'), array_agg('p' || i)
       FROM generate_series(1, 101) AS i $$]) AS query;

-- --- Letters (P1, P3) ----------------------------------------------------------------------

\o /dev/null
SELECT rbac_user_create('Mixed.CASE@Firm.Example', 'Mixed', test.id('mixed'));
SELECT rbac_domain_verify('globex', 'FIRM.example', rbac_domain_add('globex', 'Firm.EXAMPLE'));
SELECT rbac_user_create(U&'K\00DCHL@firm.example', 'large', test.id('large')),
       rbac_user_create(U&'K\00FCHL@firm.example', 'small', test.id('small'));
\o
SELECT is(rbac_user(email), test.id('mixed'), 'P1: letters are one: ' || email)
FROM unnest('{mixed.case@firm.example,MIXED.CASE@FIRM.EXAMPLE,Mixed.CASE@Firm.Example}'::text[]) AS email;
SELECT is((test.attempt(NULL, $$ SELECT rbac_user_create('mIXED.case@firm.example') $$)).code, '23505', 'P1: there is one user of an email');
SELECT is((test.attempt(NULL, $$ SELECT rbac_user_edit(test.p('olga'), email => 'MIXED.case@firm.example') $$)).code, '23505', 'P1: nor does another become it');
SELECT throws_ok($$ INSERT INTO aiven_rbac.principal (kind, name, email) VALUES ('user', 'x', 'mixed.case@FIRM.example') $$, '23505', NULL,
                 'S7, P1: nor by raw DML');
SELECT isnt(rbac_user(U&'k\00DChl@firm.example'), rbac_user(U&'k\00FChl@firm.example'), 'P1: other letters are not one');
SELECT is(aiven_rbac.managed_by(test.id(who)), test.r('globex'), 'P3: managed, however the email and the domain are spelled: ' || who)
FROM unnest('{mixed,large,small}'::text[]) AS who;
SELECT is((test.attempt(NULL, format('SELECT rbac_domain_add(''acme'', %L)', value))).code, '22023', 'P3: no domain: ' || what)
FROM (VALUES (U&'\212Aiwi.example', 'the sign of Kelvin, which is no letter K'), ('acme.example.', 'a dot behind'), ('a_b.example', 'an underscore'),
             (repeat('x', 64) || '.example', 'a label of 64'), ('a..example', 'an empty label'), (E'acme.example\n', 'a line break'),
             (repeat('abcdefg.', 31) || 'example', '255 characters')) AS v (value, what);
SELECT is((test.attempt(NULL, format('SELECT rbac_domain_add(''acme'', %L)', repeat('abcdefg.', 31) || 'a.bcd'))).code, 'ok', 'P3: 253 are a domain');

-- An invitation is to whoever has the email, however it is spelled.
\o /dev/null
SELECT rbac_invitation_create('acme', 'MIXED.case@firm.EXAMPLE') AS invitation \gset
\o
SELECT is((test.attempt(NULL, $$ SELECT rbac_invitation_create('acme', 'mixed.CASE@firm.example') $$)).code, '23505', 'P1: invited once');
SELECT is(test.seen_by('Mixed', 'SELECT count(*) FROM aiven_rbac.visible_invitation'), '1', 'P1: the invited user sees it');
SELECT is(rbac_invitation_accept(:'invitation'), test.id('mixed'), 'P1: and accepts it');

-- --- Lists (S8) ------------------------------------------------------------------------------

SELECT is((test.attempt(NULL, replace(v.query, '$', n.number::text))).code, CASE WHEN n.number > 100 THEN '22023' ELSE 'ok' END,
          format('S8: %s elements:%s', n.number, v.query))
FROM (VALUES (100), (101), (20000)) AS n (number), (VALUES
    ($$ SELECT rbac_plan_list_set('acme', (SELECT array_agg('plan' || i) FROM generate_series(1, $) AS i)) $$),
    ($$ SELECT rbac_authentication_policy_set('acme', false, (SELECT array_agg('m' || i) FROM generate_series(1, $) AS i), true) $$),
    ($$ SELECT rbac_token_create(test.p('robot'), 'x', allowed_networks => (SELECT array_agg('10.0.0.0/24'::cidr) FROM generate_series(1, $) AS i)) $$),
    ($$ SELECT rbac_billing_group_create('acme', 'new', billing_emails => (SELECT array_agg(i || '@x') FROM generate_series(1, $) AS i)) $$),
    ($$ SELECT rbac_billing_address_add('acme', 'x', 'x', 'FI', (SELECT array_agg('x'::text) FROM generate_series(1, $) AS i)) $$),
    ($$ SELECT rbac_role_create('acme', 'new', (SELECT array_agg('service.view'::text) FROM generate_series(1, $) AS i), '{project}') $$),
    ($$ SELECT rbac_role_create('acme', 'new', '{service.view}', (SELECT array_agg('project'::text) FROM generate_series(1, $) AS i)) $$)) AS v (query);

-- A role with more actions than a list has elements comes of permissions, and
-- is edited like any other.
\o /dev/null
SELECT rbac_role_create('acme', 'most', ARRAY(SELECT name FROM aiven_rbac.grantable WHERE type = 'permission' AND name ~ '^project:' OR name = 'organization:projects:write'),
                        '{organization}');
INSERT INTO aiven_rbac.allowed_action (grantable, granted_on, action)
SELECT (SELECT id FROM aiven_rbac.grantable WHERE name = 'most'), 'organization', number FROM aiven_rbac.action WHERE number > 2 ON CONFLICT DO NOTHING;
\o
SELECT is((test.attempt(NULL, $$ SELECT rbac_role_edit('acme', 'most', grantable_on => '{organization}') $$)).code, 'ok',
          'S8: what a role has already is not counted');

-- A resource has 100 tags, in however many statements they come.
\o /dev/null
SELECT rbac_tag_set('acme.finance', 'tag' || i, 'x') FROM generate_series(1, 99) AS i;
\o
SELECT is((test.attempt(NULL, $$ SELECT rbac_tag_set('acme.finance', 'one-more', 'x') $$)).message, 'too many tags of a resource', 'S8: no 101st tag');
SELECT is((test.attempt(NULL, $$ SELECT rbac_tag_set('acme.finance', 'tag1', 'y') $$)).code, 'ok', 'S8: one that is there can change');
SELECT is((test.attempt(NULL, $$ SELECT rbac_tag_set('acme.analytics.warehouse', 'one-more', 'x') $$)).code, 'ok', 'S8: another resource has its own');
SELECT throws_ok(query, '22023', 'too many tags of a resource', 'S7: nor by raw DML:' || query)
FROM unnest(ARRAY[
    $$ INSERT INTO aiven_rbac.tag SELECT id, kind, organization, 'raw', '' FROM aiven_rbac.resource WHERE path = 'acme.finance' $$,
    $$ INSERT INTO aiven_rbac.tag SELECT id, kind, organization, 'raw' || i, '' FROM aiven_rbac.resource, generate_series(1, 101) AS i WHERE path = 'acme.finance.pg' $$,
    $$ WITH gone AS (INSERT INTO aiven_rbac.tag SELECT id, kind, organization, 'raw', '' FROM aiven_rbac.resource WHERE path = 'acme.finance.pg' RETURNING 1)
       SELECT FROM gone; UPDATE aiven_rbac.tag AS t SET resource = r.id, kind = r.kind FROM aiven_rbac.resource AS r WHERE r.path = 'acme.finance' AND t.key = 'raw' $$]) AS query;

-- What is kept of a list of names does not grow with repetitions.
CREATE FUNCTION pg_temp.memory_after(names text) RETURNS numeric
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM rbac_set_principal(test.p('dave'));
    FOR i IN 1..20 LOOP
        EXECUTE format('SELECT FROM told WHERE rbac_has_any_permission(project, VARIADIC %L::text[]) AND id > %s', names, i);
    END LOOP;
    PERFORM rbac_reset_principal();
    RETURN (SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE name = 'TopMemoryContext' OR name LIKE 'rbac %');
END
$$;
\o /dev/null
CREATE TABLE told (id int PRIMARY KEY, project rbac_path);
CREATE TABLE told_parent (id int PRIMARY KEY, project uuid);
CREATE TABLE told_item (id int PRIMARY KEY, parent int REFERENCES told_parent);
SELECT rbac_protect_table('told_parent', 'project', 'service.view');
INSERT INTO told SELECT 1, 'acme.finance';
SELECT pg_temp.memory_after('{service.view}') AS before \gset
\o
SELECT cmp_ok(pg_temp.memory_after((SELECT array_agg(CASE WHEN i % 2 = 0 THEN 'admin' ELSE 'service.view' END)::text FROM generate_series(1, 20000) AS i))
              - :before, '<', 1000000::numeric, 'S8: names that are given again and again are kept once');
SELECT throws_ok($$ SELECT rbac_has_any_permission(test.r('acme'), 'zebra', 'admin', 'zebra', 'aardvark') $$, '42704',
                 'permission, role or action "zebra" does not exist', 'and the first that is unknown is told');

-- --- Errors (S8) -------------------------------------------------------------------------------

-- Each function that takes a text, with a long one in each place; $ is the text.
\o /dev/null
CREATE TEMP TABLE call (query text);
INSERT INTO call VALUES
    ('rbac_has_permission(''acme''::rbac_path, $)'), ('rbac_has_permission(test.r(''acme''), $)'),
    ('rbac_has_permission(test.p(''bob''), ''acme''::rbac_path, $)'), ('rbac_has_permission(test.p(''bob''), test.r(''acme''), $)'),
    ('rbac_has_any_permission(''acme''::rbac_path, $)'), ('rbac_has_any_permission(test.r(''acme''), ''service.view'', $)'),
    ('rbac_has_any_permission(test.p(''bob''), ''acme''::rbac_path, $)'), ('rbac_has_any_permission(test.p(''bob''), test.r(''acme''), $)'),
    ('rbac_has_permission($::text, ''admin'')'), ('rbac_has_permission(test.p(''bob''), $::text, ''admin'')'), ('rbac_has_any_permission($::text, ''admin'')'),
    ('rbac_effective_permissions($::text)'), ('rbac_effective_permissions(test.p(''bob''), $::text)'), ('rbac_effective_actions($::text)'), ('rbac_effective_actions(test.p(''bob''), $::text)'),
    ('rbac_explain($::text, ''admin'')'), ('rbac_explain(test.p(''bob''), $::text, ''admin'')'),
    ('rbac_explain(''acme''::rbac_path, $)'), ('rbac_explain(test.r(''acme''), $)'),
    ('rbac_explain(test.p(''bob''), ''acme''::rbac_path, $)'), ('rbac_explain(test.p(''bob''), test.r(''acme''), $)'),
    ('rbac_resources($, ''project'')'), ('rbac_resources(''admin'', $)'),
    ('rbac_resources(test.p(''bob''), $, ''project'')'), ('rbac_resources(test.p(''bob''), ''admin'', $)'),
    ('rbac_audit_log($)'), ('rbac_audit_log(''acme'', events => ARRAY[$])'), ('rbac_audit_log(''acme'', before_id => $)'),
    ('rbac_audit_verify($)'), ('rbac_audit_verify(''acme'', $)'), ('rbac_audit_verify(test.r(''acme''), $)'), ('rbac_audit_anchor($)'),
    ('rbac_event_log($)'), ('rbac_event_log(''acme'', events => ARRAY[$])'), ('rbac_event_log(''acme'', before_id => $)'),
    ('rbac_principals(''acme''::rbac_path, $)'), ('rbac_principals(test.r(''acme''), $)'),
    ('rbac_set_principal(test.p(''bob''), $)'), ('rbac_authenticate($)'), ('rbac_authenticate_here($)'), ('rbac_token_revoke($)'),
    ('rbac_wait_for($)'), ('rbac_set_principal(test.p(''bob''), after => $)'),
    ('rbac_user($)'), ('rbac_group(''acme'', $)'), ('rbac_application_user(''acme'', $)'),
    ('rbac_user_create($)'), ('rbac_user_create(''a@b'', $)'), ('rbac_user_edit(test.p(''olga''), $)'), ('rbac_user_edit(test.p(''olga''), email => $)'),
    ('rbac_invitation_create(''acme'', $)'), ('rbac_invitation_create(''acme'', ''a@b'', groups => ARRAY[$])'),
    ('rbac_invitation_create(''acme'', ''a@b'', grants => jsonb_build_array(jsonb_build_object(''name'', $, ''resource'', ''acme'')))'),
    ('rbac_invitation_create(''acme'', ''a@b'', grants => jsonb_build_array(jsonb_build_object(''name'', ''admin'', ''resource'', $)))'),
    ('rbac_invitations_create(''acme'', ARRAY[$], all_or_none => true)'), ('rbac_invitations_create(''acme'', ''{a@b}'', groups => ARRAY[$], all_or_none => true)'),
    ('rbac_application_user_create(''acme'', $)'), ('rbac_application_user_create(''acme'', ''x'', $)'),
    ('rbac_application_user_edit(test.p(''robot''), $)'), ('rbac_application_user_edit(test.p(''robot''), description => $)'),
    ('rbac_group_create(''acme'', $)'), ('rbac_group_create(''acme'', ''x'', $)'), ('rbac_group_rename(test.p(''team''), $)'), ('rbac_group_edit(test.p(''team''), $)'),
    ('rbac_organization_create($, ''x'', test.p(''bob''))'), ('rbac_organization_create(''x'', $, test.p(''bob''))'),
    ('rbac_organization_rename(''acme'', $)'), ('rbac_organization_rename(''acme'', ''x'', $)'), ('rbac_organization_support_tier_set(''acme'', $)'),
    ('rbac_unit_create(''acme'', $)'), ('rbac_unit_create(''acme'', ''x'', $)'), ('rbac_unit_rename(''acme.analytics'', $)'), ('rbac_unit_rename(''acme.analytics'', ''x'', $)'),
    ('rbac_project_create(''acme'', $)'), ('rbac_project_create(''acme'', ''x'', $)'), ('rbac_project_edit(''acme.finance'', $)'), ('rbac_project_edit(''acme.finance'', label => $)'),
    ('rbac_service_create(''acme.finance'', $, ''pg'')'), ('rbac_service_create(''acme.finance'', ''x'', $)'), ('rbac_service_create(''acme.finance'', ''x'', ''pg'', $)'),
    ('rbac_service_edit(''acme.finance.pg'', $)'), ('rbac_service_edit(''acme.finance.pg'', label => $)'), ('rbac_service_plan_change(''acme.finance.pg'', $)'),
    ('rbac_plan_list_set(''acme'', ARRAY[$])'),
    ('rbac_tag_set(''acme.finance.pg'', $, ''x'')'), ('rbac_tag_set(''acme.finance.pg'', ''x'', $)'), ('rbac_tag_remove(''acme.finance'', $)'),
    ('rbac_service_user_create(''acme.finance.pg'', $)'), ('rbac_service_user_delete(''acme.finance.pg'', $)'),
    ('rbac_grant(test.p(''bob''), $, ''acme'')'), ('rbac_revoke(test.p(''bob''), $, ''acme'')'),
    ('rbac_grants(ARRAY[test.p(''bob'')], ARRAY[$], ''{acme}'', true)'), ('rbac_grants(ARRAY[test.p(''bob'')], ''{admin}'', ARRAY[$], true)'),
    ('rbac_actions($)'), ('rbac_action_create($, ''project'', ''x'')'), ('rbac_action_create(''x.y'', $, ''x'')'), ('rbac_action_create(''x.y'', ''project'', $)'),
    ('rbac_permission_create($, ''{service.view}'', ''{project}'')'), ('rbac_permission_create(''x'', ARRAY[$], ''{project}'')'), ('rbac_permission_create(''x'', ''{service.view}'', ARRAY[$])'),
    ('rbac_permission_create(''x'', ''{service.view}'', ''{project}'', $)'),
    ('rbac_sign_up($, ''x'', ''x'', ''x'')'), ('rbac_sign_up(''s@b'', $, ''x'', ''x'')'), ('rbac_sign_up(''s@b'', ''x'', $, ''x'')'), ('rbac_sign_up(''s@b'', ''x'', ''x'', $)'),
    ('rbac_user_email_set(test.p(''olga''), $)'),
    ('rbac_role_create(''acme'', $, ''{service.view}'', ''{project}'')'), ('rbac_role_create(''acme'', ''x'', ARRAY[$], ''{project}'')'),
    ('rbac_role_create(''acme'', ''x'', ''{service.view}'', ARRAY[$])'), ('rbac_role_edit(''acme'', $, ''{service.view}'')'),
    ('rbac_role_edit(''acme'', ''most'', ARRAY[$])'), ('rbac_role_delete(''acme'', $)'),
    ('rbac_has_permission_at(test.p(''robot''), ''acme''::rbac_path, $, clock_timestamp())'),
    ('rbac_plan($, ''{}'')'), ('rbac_plan(''acme'', jsonb_build_object($, ''{}''::jsonb))'), ('rbac_plan(''acme'', jsonb_build_object(''units'', jsonb_build_array(jsonb_build_object($, ''x''))))'),
    ('rbac_apply($, ''{}'')'), ('rbac_apply(''acme'', jsonb_build_object(''units'', jsonb_build_array(jsonb_build_object(''label'', $))))'),
    ('rbac_apply(''acme'', jsonb_build_object(''grants'', jsonb_build_array(jsonb_build_object(''principal'', $, ''name'', ''admin'', ''resource'', ''acme''))))'),
    ('rbac_token_create(test.p(''robot''), $)'),
    ('rbac_domain_add(''acme'', $)'), ('rbac_domain_verify(''acme'', $, ''x'')'), ('rbac_domain_verify(''globex'', ''firm.example'', $)'), ('rbac_domain_remove(''acme'', $)'),
    ('rbac_identity_provider_add(''acme'', $, ''x'', ''https://x'', repeat(''a'', 64))'), ('rbac_identity_provider_add(''acme'', ''x'', $, ''https://x'', repeat(''a'', 64))'),
    ('rbac_identity_provider_add(''acme'', ''x'', ''x'', ''https://'' || $, repeat(''a'', 64))'), ('rbac_identity_provider_add(''acme'', ''x'', ''x'', ''https://x'', $)'),
    ('rbac_authentication_policy_set(''acme'', false, ARRAY[$], true)'),
    ('rbac_payment_method_add(''acme'', $, ''x'')'), ('rbac_payment_method_add(''acme'', ''x'', $)'), ('rbac_payment_method_add(''acme'', ''x'', ''x'', $)'),
    ('rbac_payment_method_edit(current_setting(''test.payment'')::uuid, $)'),
    ('rbac_billing_address_add(''acme'', $, ''x'', ''FI'')'), ('rbac_billing_address_add(''acme'', ''x'', ''x'', $)'), ('rbac_billing_address_add(''acme'', ''x'', ''x'', ''FI'', ARRAY[$])'),
    ('rbac_billing_address_edit(current_setting(''test.address'')::uuid, city => $)'),
    ('rbac_billing_group_create(''acme'', $)'), ('rbac_billing_group_create(''acme'', ''x'', $)'), ('rbac_billing_group_create(''acme'', ''x'', billing_emails => ARRAY[$])'),
    ('rbac_billing_group_edit(current_setting(''test.billing'')::uuid, $)'),
    ('rbac_protect_table(''told'', ''project'', $::text)'), ('rbac_protect_table(''told'', ''project'', ARRAY[$])'),
    ('rbac_protect_table(''told'', ''project'', ''admin''::text, $::text)'), ('rbac_protect_table(''told'', ''project'', ARRAY[''admin''], $::text)'),
    ('rbac_protect_table(''told'', ''project'', ''admin''::text, ARRAY[$])'), ('rbac_protect_table(''told'', ''project'', ARRAY[''admin''], ARRAY[$])'),
    ('rbac_protect_table(''told'', ''project'', ''admin''::text, ''admin''::text, $)'),
    ('rbac_policy_sql(''told'', ''project'', ''admin''::text, $::text)'),
    ('rbac_policy_sql(''told'', ''project'', ARRAY[''admin''], $::text)'),
    ('rbac_policy_sql(''told'', ''project'', ''admin''::text, ARRAY[$])'),
    ('rbac_policy_sql(''told'', ''project'', ARRAY[''admin''], ARRAY[$])'),
    ('rbac_policy_sql(''told'', ''project'', ''admin''::text, ''admin''::text, $)'),
    ('rbac_protect_child(''told_item'', ''told_item_parent_fkey'', ''admin''::text, $::text)'),
    ('rbac_protect_child(''told_item'', ''told_item_parent_fkey'', ARRAY[''admin''], $::text)'),
    ('rbac_protect_child(''told_item'', ''told_item_parent_fkey'', ''admin''::text, ARRAY[$])'),
    ('rbac_protect_child(''told_item'', ''told_item_parent_fkey'', ARRAY[''admin''], ARRAY[$])'),
    ('rbac_explain_row(''told'', $)'), ('rbac_publication_create($)'), ('rbac_subscription_sql($, ''x'')'), ('rbac_finding_acknowledge($, ''x'', ''x'')'), ('rbac_finding_acknowledge(''x'', $, ''x'')');

CREATE TEMP TABLE long_call AS
SELECT c.query, v.what, a.*
FROM call AS c, (VALUES ('x', 'letters'), (U&'\20AC', 'characters of three bytes'), (E'\n', 'line breaks')) AS v (value, what),
     LATERAL test.attempt(NULL, 'SELECT ' || replace(c.query, '$', quote_literal(repeat(v.value, 10000)))) AS a;
\o

SELECT is_empty($$
    SELECT p.oid::regprocedure
    FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'aiven_rbac'
    WHERE p.pronamespace = 'public'::regnamespace AND p.proargtypes::oid[] && ARRAY['text', 'text[]']::regtype[]::oid[]
      AND p.proname NOT LIKE 'rbac\_path%' AND p.proname NOT IN ('rbac_id', 'rbac_what_if') AND NOT EXISTS (SELECT FROM call AS c WHERE c.query LIKE p.proname || '(%')
$$, 'S8: the list above has every function that takes a text, SQL and keys apart');
SELECT is_empty($$ SELECT query, what FROM long_call WHERE code = 'ok' AND query !~ '^rbac_(tag|domain)_remove' $$,
                'S8: none takes 10,000 characters, but to say that there is nothing of that name');
SELECT is_empty($$ SELECT query, what, code, octet_length(concat(message, detail, hint)), left(message, 200) FROM long_call
                   WHERE octet_length(concat(message, detail, hint)) >= 1000 OR concat(message, detail, hint) ~ E'[x\u20AC?]{101}' $$,
                'S8: and no error repeats more than 100 of them');
SELECT is_empty($$ SELECT query, what, code, message FROM long_call WHERE message ~ E'\n' $$, 'S8: or breaks a line');
SELECT is((SELECT message FROM long_call WHERE query LIKE 'rbac_grant(%' AND what = 'characters of three bytes'),
          'permission, role or action "' || repeat(U&'\20AC', 26) || '..." does not exist', 'S8: what is cut off begins with a whole character');

SELECT * FROM finish();
ROLLBACK;
