-- G9: an organization's authentication policy gates what a user's session
-- holds there, however the question is put, and whatever table it protects.
BEGIN;
\i examples/acme.sql
SELECT rbac_organization_create('bolt', 'Bolt', rbac_user('bob@acme.example'));
SELECT rbac_invitation_accept(rbac_invitation_create('bolt', 'carol@acme.example'));
SELECT rbac_grant(rbac_user('carol@acme.example'), 'project:services:write', 'bolt');
SELECT rbac_token_create(rbac_application_user('acme', 'terraform'), 'automation') AS automation \gset

CREATE TABLE note (id int PRIMARY KEY, at rbac_path NOT NULL);
INSERT INTO note VALUES (1, 'acme.finance-prod'), (2, 'bolt');
SELECT rbac_protect_table('note', 'at', 'project:services:write', 'project:services:write');
CREATE ROLE rbac_test_backend;
GRANT SELECT ON note TO rbac_test_backend;
GRANT EXECUTE ON FUNCTION rbac_set_principal, rbac_authenticate TO rbac_test_backend;

-- What carol's session holds: by the session's question, by naming herself,
-- and the rows that she sees by filter and by index.
CREATE FUNCTION holds(method text, two_factor boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    carol uuid := rbac_user('carol@acme.example');
    result text;
BEGIN
    PERFORM rbac_set_principal(carol, method, two_factor);
    SET LOCAL ROLE rbac_test_backend;
    result := concat_ws(' ', rbac_has_permission('acme', 'project:services:write'),
                        rbac_has_permission(carol, 'acme', 'project:services:write'),
                        (SELECT string_agg(n.id::text, ',' ORDER BY n.id) FROM note AS n),
                        rbac_has_permission('bolt', 'project:services:write'));
    RESET ROLE;
    PERFORM rbac_reset_principal();
    RETURN result;
END
$$;

SELECT plan(34);
SELECT is(holds(NULL, false), 't t 1,2 t', 'G9: without a policy any session will do');

-- Tokens from before there was a policy, by how their maker had logged in
CREATE TEMP TABLE early (method text, two_factor boolean, token text);
GRANT SELECT ON early TO rbac_test_backend;
DO $$
DECLARE
    l record;
BEGIN
    FOR l IN VALUES ('saml', true), ('saml', false), ('password', true), ('password', false), ('magic', true), (NULL, true) LOOP
        PERFORM rbac_set_principal(rbac_user('carol@acme.example'), l.column1, l.column2);
        INSERT INTO early VALUES (l.column1, l.column2, rbac_token_create(rbac_current_principal(), 'early'));
        PERFORM rbac_reset_principal();
    END LOOP;
    INSERT INTO early VALUES ('operator', true, rbac_token_create(rbac_user('carol@acme.example'), 'by the operator'));
END
$$;

-- What a session begun with one of them holds
CREATE FUNCTION opens(token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    PERFORM rbac_authenticate(token, NULL);
    SET LOCAL ROLE rbac_test_backend;
    result := concat_ws(' ', rbac_has_permission('acme', 'project:services:write'),
                        (SELECT string_agg(n.id::text, ',' ORDER BY n.id) FROM note AS n),
                        rbac_has_permission('bolt', 'project:services:write'));
    RESET ROLE;
    PERFORM rbac_reset_principal();
    RETURN result;
END
$$;

INSERT INTO aiven_rbac.authentication_policy (organization, require_two_factor, allowed_methods, personal_tokens)
SELECT id, true, '{saml,password}', true FROM aiven_rbac.resource WHERE path = 'acme';
SELECT is(holds(method, two_factor), expected, format('G9: by %s, two factors: %s', coalesce(method, 'an unknown method'), two_factor))
FROM (VALUES (NULL, false, 'f f 2 t'), (NULL, true, 'f f 2 t'), ('saml', false, 'f f 2 t'), ('saml', true, 't t 1,2 t'),
             ('password', true, 't t 1,2 t'), ('magic', true, 'f f 2 t'), ('Saml', true, 'f f 2 t'), ('token', false, 'f f 2 t'),
             ('token', true, 'f f 2 t'))
     AS v (method, two_factor, expected);
SELECT is(opens(e.token), CASE WHEN e.two_factor AND e.method IN ('saml', 'password') THEN 't 1,2 t' ELSE 'f 2 t' END,
          format('G9, P8: a token made by %s, two factors: %s, opens what its maker''s session would', coalesce(e.method, 'an unknown method'), e.two_factor))
FROM early AS e;
SELECT rbac_authenticate(token, NULL) FROM early WHERE method = 'password' AND NOT two_factor \g /dev/null
UPDATE aiven_rbac.authentication_policy SET allowed_methods = '{saml}', personal_tokens = false;
SELECT is((SELECT reason FROM rbac_explain('acme', 'project:services:write')),
          'the session does not satisfy the organization''s authentication policy: it does not allow personal tokens; it requires two-factor authentication, and the token was made without; it does not allow logging in by "password", as the token''s maker had',
          'G9: rbac_explain() names every unmet condition');
SELECT rbac_reset_principal() \g /dev/null
UPDATE aiven_rbac.authentication_policy SET allowed_methods = NULL, personal_tokens = true;
SELECT is(holds('token', true), 't t 1,2 t', 'G9: a back end''s own tokens count where any method does');
SELECT is(holds('magic', true), 't t 1,2 t', 'G9: no list of methods allows any');
SELECT is(holds('magic', false), 'f f 2 t', 'G9: but two factors are still required');
UPDATE aiven_rbac.authentication_policy SET personal_tokens = false;
SELECT is(holds('token', true), 'f f 2 t', 'G9: personal tokens that are not allowed open nothing');
UPDATE aiven_rbac.authentication_policy SET require_two_factor = false;
SELECT is(holds(NULL, false), 't t 1,2 t', 'G9: a change of the policy counts from the next statement on');
UPDATE aiven_rbac.authentication_policy SET require_two_factor = true, personal_tokens = false;

SELECT is(rbac_has_permission(rbac_user('carol@acme.example'), 'acme'::rbac_path, 'project:services:write'), true,
          'G9: asked about somebody else, it is the grants that count');
SELECT rbac_authenticate(:'automation') \g /dev/null
SELECT is(rbac_has_permission('acme.analytics.data-warehouse', 'admin'), true,
          'P2: application users are not subject to the policy');
SELECT rbac_set_principal(rbac_user('carol@acme.example'), 'password') \g /dev/null
SELECT is((SELECT reason FROM rbac_explain('acme', 'project:services:write')),
          'the session does not satisfy the organization''s authentication policy: it requires two-factor authentication',
          'G9: rbac_explain() says so');
SELECT is_empty($$ SELECT * FROM rbac_effective_permissions('acme') $$, 'G9: and nothing is effective');
SELECT throws_ok($$ SELECT rbac_service_create('acme.finance-prod', 'x', 'pg') $$, '42501', NULL,
                 'G9: administration asks the same');
SELECT throws_ok($$ SELECT rbac_token_create(rbac_current_principal(), 'a way around') $$, '42501',
                 'permission denied to create a personal token', 'G9, P8: a session that is barred makes no token to come back with');
UPDATE aiven_rbac.authentication_policy SET personal_tokens = true;
SELECT rbac_set_principal(rbac_user('carol@acme.example'), 'saml', true) \g /dev/null
SELECT lives_ok($$ CREATE TEMP TABLE mine AS SELECT rbac_token_create(rbac_current_principal(), 'mine', interval '1 hour') AS token $$,
                'P8: one that is not does');
SELECT lives_ok($$ SELECT rbac_authenticate(token) FROM mine $$, 'P8: and comes back with it');
SELECT is(rbac_has_permission('acme', 'project:services:write'), true, 'G9: with the same rights');
SELECT throws_ok($$ SELECT rbac_token_create(rbac_current_principal(), 'for ever') $$, '42501',
                 'permission denied to create a personal token', 'G5, P8: a token does not make another that lasts longer');
SELECT rbac_reset_principal() \g /dev/null
SELECT is(aiven_rbac.session_lacks_for(false, NULL, true), 'no principal is set', 'G9: a session that is nobody''s satisfies no policy');

SELECT * FROM finish();
ROLLBACK;
