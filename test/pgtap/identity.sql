-- Identity providers and authentication policies (H6, G9).

BEGIN;
\ir lib/helpers.sql
SELECT no_plan();

\o /dev/null
SELECT rbac_organization_create(label, label, rbac_user_create(label || '@x.example'))
FROM unnest('{acme,globex}'::text[]) AS label;
SELECT rbac_unit_create('acme', 'u');
SELECT rbac_project_create('acme.u', 'p');
CREATE TEMP TABLE sso AS
SELECT rbac_identity_provider_add('acme', 'sso', 'urn:sso', 'https://sso.example/saml',
                                  upper(repeat('ab:', 31)) || 'AB') AS id;
\o
SELECT is((SELECT (p.certificate_fingerprint, p.enabled) FROM aiven_rbac.identity_provider AS p),
          (repeat('ab', 32), false),
          'H6: an identity provider begins disabled; its fingerprint is normalized');

SELECT is(test.call(who, replace(call, '$sso', quote_literal(id))), result, rule) FROM sso, (VALUES
    ('acme@x.example', 'rbac_identity_provider_enable($sso)', 'ok', 'H6: it is enabled'),
    ('acme@x.example', 'rbac_identity_provider_disable($sso)', 'ok', 'H6: and disabled'),
    ('acme@x.example', 'rbac_identity_provider_enable($sso)', 'ok', 'H6: and enabled again'),
    ('globex@x.example', 'rbac_identity_provider_enable($sso)', '42704', 'G10: another organization''s does not exist'),
    ('globex@x.example', 'NOT rbac_identity_provider_remove($sso)', 'ok', 'G10: nor is it removed'),
    ('acme@x.example', 'rbac_identity_provider_add(''acme.u'', ''x'', ''urn:x'', ''https://x/'', repeat(''0'', 64))',
     '42809', 'H6: a unit has none'),
    ('acme@x.example', 'rbac_identity_provider_add(''acme'', ''sso'', ''urn:x'', ''https://x/'', repeat(''0'', 64))',
     '23505', 'H6: names are unique'),
    ('acme@x.example', 'rbac_identity_provider_add(''acme'', ''x'', ''urn:x'', ''http://x/'', repeat(''0'', 64))',
     '22023', 'H6: https only'),
    ('acme@x.example', 'rbac_identity_provider_add(''acme'', ''x'', ''urn:x'', ''https://x/'', repeat(''0'', 40))',
     '22023', 'H6: a SHA-256 fingerprint'),
    ('acme@x.example', 'rbac_identity_provider_add(''acme'', ''x'', NULL, ''https://x/'', repeat(''0'', 64))', '22004',
     'H6: an entity id'),
    ('acme@x.example', 'rbac_authentication_policy_set(''acme.u'', false, NULL, true)', '42809',
     'H6: a unit has no authentication policy'),
    ('acme@x.example', 'rbac_authentication_policy_set(''acme'', false, ''{}'', true)', '22023',
     'G9: a policy that lets nobody in is refused'),
    ('acme@x.example', 'rbac_authentication_policy_set(''acme'', false, ''{saml,NULL}'', true)', '22023',
     'G9: a method is something'),
    ('acme@x.example', 'rbac_authentication_policy_set(''acme'', NULL, NULL, true)', '22004', 'G9: required or not'),
    ('acme@x.example', 'rbac_authentication_policy_set(''globex'', false, NULL, true)', '42704',
     'G10: of one''s own organization'),
    (NULL, 'rbac_authentication_policy_set(''acme'', true, ''{saml,password}'', false)', 'ok', 'G9: a policy is set'),
    (NULL, 'rbac_authentication_policy_set(''acme'', false, NULL, true)', 'ok', 'G9: and set again'),
    ('acme@x.example', 'rbac_identity_provider_remove($sso)', 'ok', 'H6: an identity provider is removed'),
    ('acme@x.example', 'NOT rbac_identity_provider_remove($sso)', 'ok', 'H6: once')
) AS v (who, call, result, rule);
SELECT results_eq('SELECT organization, require_two_factor, allowed_methods, personal_tokens FROM aiven_rbac.authentication_policy',
                  $$VALUES (rbac_resource_id('acme'), false, NULL::text[], true)$$, 'G9: one policy an organization, the last one set');
SELECT throws_ok($$UPDATE aiven_rbac.authentication_policy SET allowed_methods = '{}'$$, '23514', NULL,
                 'S7, G9: raw DML locks nobody out either');

-- Whoever sets a policy keeps a way in, and leaves the super admins one.  Each
-- line begins with what the ones before have set.
\o /dev/null
SELECT rbac_invitation_accept(rbac_invitation_create('acme', 'admin@x.example')) FROM rbac_user_create('admin@x.example') AS u WHERE u IS NOT NULL;
SELECT rbac_grant(p, 'role:organization:admin', 'acme')
FROM unnest(ARRAY[rbac_user('admin@x.example'), rbac_application_user_create('acme', 'robot')]) AS p;
CREATE FUNCTION policy_by(who text, method text, two_factor boolean, policy text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text := 'ok';
BEGIN
    IF who IS NOT NULL THEN
        PERFORM rbac_set_principal(test.p(who), method, two_factor);
    END IF;
    BEGIN
        EXECUTE format('SELECT rbac_authentication_policy_set(''acme'', %s)', policy);
    EXCEPTION WHEN OTHERS THEN
        result := SQLSTATE || ': ' || SQLERRM;
    END;
    PERFORM rbac_reset_principal();
    RETURN result;
END
$$;
\o
SELECT is(policy_by(who, method, two_factor, policy), expected, 'G9: ' || rule) FROM (VALUES
    ('admin@x.example', 'pigeon', true, $$ false, '{pigeon}', false $$,
     '42501: permission denied to demand more of sessions in "acme"', 'a mere admin locks out no super admin by a method of its own'),
    ('admin@x.example', 'saml', true, 'true, NULL, true',
     '42501: permission denied to demand more of sessions in "acme"', 'nor by two factors'),
    ('robot', NULL, false, $$ false, '{saml}', true $$,
     '42501: permission denied to demand more of sessions in "acme"', 'nor does an application user'),
    ('acme@x.example', 'saml', true, $$ false, '{pigeon}', false $$,
     '55000: the session does not satisfy the authentication policy that is to be set for "acme"', 'no super admin locks itself out by a method'),
    ('acme@x.example', 'saml', false, $$ true, '{saml}', false $$,
     '55000: the session does not satisfy the authentication policy that is to be set for "acme"', 'nor by two factors'),
    ('acme@x.example', NULL, false, $$ false, '{saml}', false $$,
     '55000: the session does not satisfy the authentication policy that is to be set for "acme"', 'a session of which nothing is known satisfies nothing'),
    ('acme@x.example', 'token', true, 'true, NULL, false',
     '55000: the session does not satisfy the authentication policy that is to be set for "acme"', 'nor does a token forbid tokens'),
    ('acme@x.example', 'saml', true, $$ true, '{saml}', false $$, 'ok', 'a super admin whose session satisfies it sets it'),
    ('admin@x.example', 'saml', true, $$ true, '{password,saml}', true $$, 'ok', 'an admin allows more'),
    ('admin@x.example', 'saml', true, $$ true, '{saml}', true $$,
     '42501: permission denied to demand more of sessions in "acme"', 'but not less again'),
    ('robot', NULL, false, $$ false, '{password,saml}', true $$, 'ok', 'an application user has no way in to lose'),
    (NULL, NULL, NULL, $$ true, '{pigeon}', false $$, 'ok', 'the operator is not bound'),
    ('acme@x.example', 'saml', true, 'false, NULL, true',
     '42501: permission denied for organization "acme"', 'whom the operator has locked out stays out')
) AS v (who, method, two_factor, policy, expected, rule);

PREPARE signals (regclass) AS
SELECT t.tgname, t.tgtype, t.tgenabled FROM pg_trigger AS t
WHERE t.tgrelid = $1 AND t.tgname LIKE 'signal%' ORDER BY 1;
SELECT results_eq($$EXECUTE signals('aiven_rbac.authentication_policy')$$, $$EXECUTE signals('aiven_rbac.membership')$$,
                  'C1: a change of policy is signalled like that of a membership');

SELECT * FROM finish();
ROLLBACK;
