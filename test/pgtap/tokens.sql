-- Tokens (P8, G5, G6): who makes and revokes them, and what they are good for.

BEGIN;
\ir lib/helpers.sql
\set ON_ERROR_STOP 1

SELECT rbac_organization_create('acme', 'Acme', rbac_user_create('ann@acme.example')) \g /dev/null
SELECT rbac_organization_create('bolt', 'Bolt', rbac_user_create('bea@bolt.example')) \g /dev/null
SELECT rbac_project_create('acme', 'web') \g /dev/null
SELECT rbac_project_create('acme', 'shop') \g /dev/null
SELECT rbac_invitation_accept(rbac_invitation_create('acme', email))
FROM (SELECT name || '@acme.example' AS email, rbac_user_create(name || '@acme.example')
      FROM unnest('{admin,apps,plain,granter,managed}'::text[]) AS name) AS u \g /dev/null
SELECT rbac_grant(rbac_user('admin@acme.example'), 'role:organization:admin', 'acme') \g /dev/null
SELECT rbac_grant(rbac_user('apps@acme.example'), 'organization:app_users:write', 'acme') \g /dev/null
SELECT rbac_grant(rbac_user('granter@acme.example'), 'admin', 'acme.web') \g /dev/null

SELECT rbac_application_user_create('acme', name)
FROM unnest('{idle,worker,teamed,expired}'::text[]) AS name \g /dev/null
SELECT rbac_grant(rbac_application_user('acme', 'worker'), 'operator', 'acme.web') \g /dev/null
SELECT rbac_group_create('acme', 'team') \g /dev/null
SELECT rbac_grant(rbac_group('acme', 'team'), 'operator', 'acme.shop') \g /dev/null
SELECT rbac_group_member_add(rbac_group('acme', 'team'), rbac_application_user('acme', 'teamed')) \g /dev/null
SELECT rbac_grant(rbac_application_user('acme', 'expired'), 'operator', 'acme.web') \g /dev/null
UPDATE aiven_rbac.access_grant SET valid_until = now() - interval '1 day' WHERE principal = rbac_application_user('acme', 'expired');

CREATE ROLE tokens_app;
GRANT EXECUTE ON FUNCTION rbac_set_principal(uuid, text, boolean, boolean, text) TO tokens_app;

SELECT plan(76);

-- A token itself ------------------------------------------------------------------

SELECT rbac_token_create(rbac_application_user('acme', 'worker'), 'deployments') AS token \gset
SELECT left(:'token', 17) AS prefix \gset

SELECT matches(:'token'::text, '^rbac_[0-9a-z]{12}_[0-9a-z]{52}$',
               'P8: a token has a readable prefix and a long secret');
SELECT is(t.digest, sha256(:'token'::bytea), 'P8: what is stored is a SHA-256 digest')
FROM aiven_rbac.token AS t WHERE t.prefix = :'prefix';
SELECT is(count(*), 0::bigint, 'P8: no column of either table has the secret')
FROM (SELECT t::text AS row FROM aiven_rbac.token AS t UNION ALL SELECT u::text FROM aiven_rbac.token_use AS u) AS r
WHERE r.row LIKE '%' || right(:'token', 52) || '%';
SELECT isnt(left(rbac_token_create(rbac_application_user('acme', 'worker'), NULL), 17), :'prefix',
            'P8: no two tokens have the same prefix');

SELECT is(rbac_authenticate(:'token'), rbac_application_user('acme', 'worker'), 'P8: a token logs its principal in');
SELECT is(rbac_current_principal(), rbac_application_user('acme', 'worker'), 'P8: the session then is that principal');
SELECT ok(rbac_has_permission('acme.web', 'operator'), 'P8: with all that it holds');
SELECT isnt(u.last_used_at, NULL, 'P8: its use was recorded') FROM aiven_rbac.token_use AS u WHERE u.prefix = :'prefix';
SELECT rbac_reset_principal() \g /dev/null

-- The scope of a login: this transaction's, or longer.
SAVEPOINT login;
SELECT rbac_authenticate(:'token') \g /dev/null
ROLLBACK TO login;
SELECT is(rbac_current_principal(), NULL, 'S2: a login is undone with its savepoint');
SELECT rbac_authenticate(:'token', is_local => false) \g /dev/null
SELECT is(rbac_current_principal(), rbac_application_user('acme', 'worker'), 'S2: a login for the session works');
SELECT rbac_reset_principal() \g /dev/null

-- Anybody may present a token.
SET LOCAL ROLE tokens_app;
SELECT throws_ok(format('SELECT rbac_authenticate(%L)', :'token'), '42501', NULL, 'P8: an ordinary role says nothing about where it is');
SELECT is(rbac_authenticate_here(:'token') IS NOT NULL, true, 'P8: and logs in with a token');
SELECT throws_ok('SELECT * FROM aiven_rbac.token', '42501', NULL, 'S6: and reads no table of tokens');
SELECT throws_ok('SELECT aiven_rbac.make_token()', '42501', NULL, 'S6: nor makes one by itself');
SELECT throws_ok(format('SELECT aiven_rbac.record_token_use(%L)', :'prefix'), '42501', NULL,
                 'S6: nor says that one was used');
RESET ROLE;
SELECT rbac_reset_principal() \g /dev/null

-- Login fails in one way ----------------------------------------------------------

SELECT rbac_token_create(rbac_application_user('acme', 'worker'), 'old', interval '1 hour') AS expired \gset
UPDATE aiven_rbac.token SET expires_at = clock_timestamp() WHERE prefix = left(:'expired', 17);
SELECT rbac_token_create(rbac_application_user('acme', 'worker'), 'office', NULL,
                         '{203.0.113.0/24,2001:db8::/32}') AS office \gset
SELECT rbac_token_create(rbac_application_user('acme', 'worker'), 'leaked') AS revoked \gset
SELECT rbac_token_revoke(left(:'revoked', 17)) \g /dev/null
SELECT rbac_token_create(rbac_user('plain@acme.example'), 'mine') AS personal \gset
SELECT rbac_authenticate(:'personal') IS NOT NULL AS personal_worked \gset
SELECT rbac_reset_principal() \g /dev/null
SELECT ok(:'personal_worked', 'P8: a user''s token works');
UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE email = 'plain@acme.example';

CREATE FUNCTION login_error(token text, address inet) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; detail text; hint text; context text;
BEGIN
    PERFORM rbac_authenticate(token, address);
    PERFORM rbac_reset_principal();
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
                            hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
    RETURN concat_ws('|', state, message, detail, hint, context);
END
$$;

SELECT login_error('x', NULL) AS refusal \gset
SELECT matches(:'refusal'::text, '^28000[|]authentication failed[|][|]The token may be',
               'P8: a refused login has SQLSTATE 28000 and tells nothing');
SELECT is(login_error(token, address), :'refusal', 'P8: the same refusal: ' || what)
FROM (VALUES (NULL, NULL::inet, 'no token'),
             ('', NULL, 'an empty token'),
             (left(:'token', 17), NULL, 'a prefix alone'),
             (left(:'token', 69) || CASE right(:'token', 1) WHEN '0' THEN '1' ELSE '0' END, NULL, 'a wrong last character'),
             (:'token' || ' ', NULL, 'a space after it'),
             (upper(:'token'), NULL, 'upper case'),
             (overlay(:'token' placing '000000000000' from 6 for 12), NULL, 'another prefix'),
             (:'expired', NULL, 'expired'),
             (:'revoked', NULL, 'revoked'),
             (:'personal', NULL, 'a deactivated user (P6)'),
             (:'office', NULL, 'limited to networks, from an unknown address'),
             (:'office', '203.0.114.1', 'limited to networks, from outside'),
             (:'office', '2001:db9::1', 'limited to networks, from outside, IPv6')) AS v (token, address, what);
SELECT is(login_error(:'office', address), 'ok', 'P8: from an allowed network: ' || address)
FROM unnest('{203.0.113.7,2001:db8::1}'::inet[]) AS address;
UPDATE aiven_rbac.principal SET deactivated_at = NULL WHERE email = 'plain@acme.example';
SELECT is(login_error(:'personal', NULL), 'ok', 'P6: reactivation restores tokens');
SELECT unalike(login_error(:'expired', NULL), '%' || right(:'expired', 52) || '%',
               'P8: no error or context repeats a token');

-- Extension and READ ONLY -------------------------------------------------------------

SELECT rbac_token_create(rbac_application_user('acme', 'worker'), 'rolling', interval '1 day', NULL,
                         true) AS rolling \gset
UPDATE aiven_rbac.token SET expires_at = clock_timestamp() + interval '1 hour' WHERE prefix = left(:'rolling', 17);
SELECT rbac_authenticate(:'rolling') \g /dev/null
SELECT rbac_reset_principal() \g /dev/null
SELECT ok(u.extended_until > clock_timestamp() + interval '23 hours', 'P8: use extends a token that is to be extended')
FROM aiven_rbac.token_use AS u WHERE u.prefix = left(:'rolling', 17);
UPDATE aiven_rbac.token SET expires_at = clock_timestamp() - interval '1 hour' WHERE prefix = left(:'rolling', 17);
SELECT is(login_error(:'rolling', NULL), 'ok', 'P8: an extended token outlives its first end');
UPDATE aiven_rbac.token_use SET extended_until = clock_timestamp() WHERE prefix = left(:'rolling', 17);
SELECT is(login_error(:'rolling', NULL), :'refusal', 'P8: but not its extension');

SELECT rbac_token_create(rbac_application_user('acme', 'worker'), 'ends', interval '1 day') AS ends \gset
SELECT rbac_authenticate(:'ends') \g /dev/null
SELECT rbac_reset_principal() \g /dev/null
SELECT is(u.extended_until, NULL,
          'P8: use extends no other token')
FROM aiven_rbac.token_use AS u WHERE u.prefix = left(:'ends', 17);

UPDATE aiven_rbac.token_use SET last_used_at = clock_timestamp() - interval '30 seconds' WHERE prefix = :'prefix';
SELECT last_used_at AS before FROM aiven_rbac.token_use WHERE prefix = :'prefix' \gset
SELECT rbac_authenticate(:'token') \g /dev/null
SELECT rbac_reset_principal() \g /dev/null
SELECT is(u.last_used_at, :'before', 'P8: a use within a minute of the last is not written')
FROM aiven_rbac.token_use AS u WHERE u.prefix = :'prefix';
UPDATE aiven_rbac.token_use SET last_used_at = clock_timestamp() - interval '2 minutes' WHERE prefix = :'prefix';
SELECT last_used_at AS before FROM aiven_rbac.token_use WHERE prefix = :'prefix' \gset

SAVEPOINT read_only;
SET TRANSACTION READ ONLY;
SELECT rbac_authenticate(:'token') = rbac_current_principal() AS worked_read_only \gset
SELECT last_used_at AS after FROM aiven_rbac.token_use WHERE prefix = :'prefix' \gset
ROLLBACK TO read_only;
SELECT ok(:'worked_read_only', 'P8: login works in a READ ONLY transaction');
SELECT is(:'after'::text, :'before'::text, 'P8: and writes nothing there');
SELECT rbac_authenticate(:'token') \g /dev/null
SELECT rbac_reset_principal() \g /dev/null
SELECT isnt(u.last_used_at, :'before', 'P8: a use after a minute is written')
FROM aiven_rbac.token_use AS u WHERE u.prefix = :'prefix';

-- Who makes them (G5, G6) ------------------------------------------------------------

SELECT alike(test.answer(rbac_user(who || '@acme.example'),
                     format('SELECT rbac_token_create(%L, NULL)', rbac_application_user('acme', whose))),
             result, format('%s: %s makes a token for %s', rule, who, whose))
FROM (VALUES ('admin', 'idle', 'ok', 'G6'),
             ('admin', 'worker', 'ok', 'G5'),
             ('admin', 'teamed', 'ok', 'G5'),
             ('apps', 'idle', 'ok', 'G6'),
             ('apps', 'worker', '42501: permission denied for organization "acme"', 'G6'),
             ('apps', 'teamed', '42501: permission denied for organization "acme"', 'G6'),
             ('apps', 'expired', '42501: permission denied for organization "acme"', 'G6'),
             ('granter', 'idle', '42501: permission denied for organization "acme"', 'G6'),
             ('granter', 'worker', '42501: permission denied for organization "acme"', 'G6'),
             ('plain', 'idle', '42501: permission denied for organization "acme"', 'G6')) AS v (who, whose, result, rule);

-- An action without the rights that would be handed out with it.
INSERT INTO aiven_rbac.grantable (id, organization, name, type, console_name)
SELECT '00000000-0000-0000-0000-00000000cafe', r.id, 'token-maker', 'role', 'Token maker'
FROM aiven_rbac.resource AS r WHERE r.path = 'acme';
INSERT INTO aiven_rbac.grantable_on (grantable, organization, resource_kind)
SELECT '00000000-0000-0000-0000-00000000cafe', r.id, 'organization' FROM aiven_rbac.resource AS r WHERE r.path = 'acme';
INSERT INTO aiven_rbac.allowed_action (grantable, granted_on, action)
SELECT '00000000-0000-0000-0000-00000000cafe', 'organization', a.number
FROM aiven_rbac.action AS a WHERE a.name IN ('application_token.generate', 'application_token.generate_privileged');
SELECT rbac_grant(rbac_user('granter@acme.example'), 'token-maker', 'acme') \g /dev/null
SELECT alike(test.answer(rbac_user('granter@acme.example'),
                     format('SELECT rbac_token_create(%L, NULL)', rbac_application_user('acme', whose))),
             result, format('G5: one who holds admin on acme.web only makes a token for %s', whose))
FROM (VALUES ('worker', 'ok'), ('teamed', '42501: permission denied to hand out "operator" on "acme.shop"')) AS v (whose, result);

SELECT is(test.answer(rbac_user('plain@acme.example'), format('SELECT rbac_token_create(%L, NULL)', rbac_user('plain@acme.example'))),
          'ok', 'P8: a user makes a token for oneself');
SELECT is(test.answer(rbac_user('admin@acme.example'), format('SELECT rbac_token_create(%L, NULL)', rbac_user('plain@acme.example'))),
          '42501: permission denied to create a token for another user', 'G5: nobody makes another user''s token');
SELECT alike(test.answer(rbac_user('bea@bolt.example'), format('SELECT rbac_token_create(%L, NULL)', rbac_application_user('acme', 'idle'))),
             '42704: %does not exist', 'G5: another organization''s application user does not exist');
SELECT alike(test.answer(NULL, format('SELECT rbac_token_create(%L, NULL)', rbac_group('acme', 'team'))),
             '42809: group "team" is not %user or application user', 'P8: a group has no tokens');
SELECT is(test.answer(rbac_application_user('acme', 'worker'), format('SELECT rbac_token_create(%L, NULL)', rbac_application_user('acme', 'worker'))),
          '42501: permission denied for organization "acme"', 'G5: an application user makes none for itself');

-- Personal tokens are the managing organization's to allow (P8, G9).
INSERT INTO aiven_rbac.domain (organization, name, verification, verified_at)
SELECT r.id, 'acme.example', 'x', now() FROM aiven_rbac.resource AS r WHERE r.path = 'acme';
SELECT is(test.answer(rbac_user('managed@acme.example'), format('SELECT rbac_token_create(%L, NULL)', rbac_user('managed@acme.example'))),
          'ok', 'P8: a managed user makes a token when no policy says otherwise');
INSERT INTO aiven_rbac.authentication_policy (organization, personal_tokens)
SELECT r.id, false FROM aiven_rbac.resource AS r WHERE r.path = 'acme';
SELECT is(test.answer(rbac_user('managed@acme.example'), format('SELECT rbac_token_create(%L, NULL)', rbac_user('managed@acme.example'))),
          '42501: permission denied to create a personal token', 'P8: not when the policy forbids personal tokens');
SELECT is(test.answer(rbac_user('bea@bolt.example'), format('SELECT rbac_token_create(%L, NULL)', rbac_user('bea@bolt.example'))),
          'ok', 'P8: which binds no user of another domain');
DELETE FROM aiven_rbac.authentication_policy;

SELECT alike(test.answer(NULL, format('SELECT rbac_token_create(%L, NULL, %s)', rbac_application_user('acme', 'idle'), arguments)),
             '22023: ' || message, 'P8: refused: ' || message)
FROM (VALUES ('interval ''-1 day''', 'the maximum age of a token must be positive'),
             ('NULL, NULL, true', 'a token without a maximum age cannot be extended when used'),
             ('NULL, ''{}''', 'networks of a token must be given'),
             ('NULL, ''{NULL}''', 'networks of a token must be given')) AS v (arguments, message);

-- Who revokes them ---------------------------------------------------------------------

SELECT rbac_token_create(rbac_user('managed@acme.example'), 'managed') AS managed \gset
SELECT rbac_token_create(rbac_user('bea@bolt.example'), 'foreign') AS foreign \gset
SELECT rbac_grant(rbac_user('granter@acme.example'), 'organization:users:write', 'acme') \g /dev/null
SELECT alike(test.answer(rbac_user(who), format('SELECT rbac_token_revoke(%L)', left(token, 17))),
             result, format('P8: %s revokes %s', who, what))
FROM (VALUES ('apps@acme.example', :'token', 'ok', 'an application user''s token'),
             ('plain@acme.example', :'ends', '42501: permission denied for organization "acme"', 'an application user''s token'),
             ('bea@bolt.example', :'ends', '42704: token does not exist', 'another organization''s token'),
             ('granter@acme.example', :'managed', 'ok', 'a managed user''s token'),
             ('apps@acme.example', :'personal', '42501: permission denied for organization "acme"', 'a managed user''s token'),
             ('plain@acme.example', :'personal', 'ok', 'one''s own token'),
             ('admin@acme.example', :'foreign', '42704: token does not exist', 'a token of a user of another domain')) AS v (who, token, result, what);
SELECT is(login_error(:'token', NULL), :'refusal', 'P8: a revoked token is refused at once');
SELECT is(test.answer(NULL, format('SELECT rbac_token_revoke(%L)', :'ends')), '42704: token does not exist',
          'P8: an error does not repeat what may be a whole token');

DELETE FROM aiven_rbac.principal WHERE id = rbac_application_user('acme', 'worker');
SELECT is(login_error(:'ends', NULL), :'refusal', 'P8: tokens end with their principal');

SELECT * FROM finish();
ROLLBACK;
