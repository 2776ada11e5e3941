-- The report of an organization: who sees what in it, and that no value is more than text.
BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
\o /dev/null
\ir ../../examples/acme.sql
SELECT rbac_user_create('zoe@zeta.example');
SELECT rbac_organization_create('zeta', 'Zeta', rbac_user('zoe@zeta.example'));
SELECT rbac_grant(rbac_user('heidi@acme.example'), 'project:services:read', 'acme.finance-prod', now() - interval '1 day', now() + interval '1 day');
SELECT rbac_grant(rbac_user('carol@acme.example'), 'project:permissions:read', 'acme');
\o

CREATE FUNCTION pg_temp.report(who text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    page text;
BEGIN
    PERFORM rbac_set_principal(rbac_user(who), is_local => false);
    page := rbac_report_html('acme');
    PERFORM rbac_reset_principal();
    RETURN page;
END
$$;

-- What stands in it -------------------------------------------------------------------------

SELECT is(position(part IN rbac_report_html('acme')) > 0, true, format('it has %s', part)) FROM (VALUES
    ('<h1><bdi>Acme Corporation</bdi></h1>'),
    ('<td>project</td><td><code>acme.engineering.backend-dev</code></td>'),
    ('<td><bdi>ann@acme.example</bdi></td><td>user</td><td><strong>super admin</strong></td>'),
    ('<td><bdi>engineering-team</bdi></td>'),
    ('3: <bdi>erin@acme.example</bdi>, <bdi>frank@acme.example</bdi>, <bdi>heidi@acme.example</bdi>'),
    ('<td><bdi>terraform</bdi></td>'),
    ('<th><code>operator</code></th>'),
    ('<tr><td><bdi>bob@acme.example</bdi></td><td><code>acme</code></td><td><code>organization:projects:write</code></td><td><bdi>group:backend-team</bdi></td></tr>'),
    ('<h2>Recent events <small>'), ('<code>grant.created</code>'),
    (format('until %s', to_char(now() AT TIME ZONE 'UTC' + interval '1 day', 'YYYY-MM-DD')))
    ) AS v (part);
SELECT is((SELECT count(*) FROM regexp_matches(rbac_report_html('acme'), 'zeta|zoe', 'gi')), 0::bigint, 'nothing of another organization');

-- Who may have it ---------------------------------------------------------------------------

SELECT is(position('Recent events' IN pg_temp.report('ann@acme.example')) > 0, true, 'a super admin has the events as well');
SELECT is(position('Who can, and why' IN pg_temp.report('carol@acme.example')) > 0, true, 'project_permission.view on the organization is enough');
SELECT is(position('Recent events' IN pg_temp.report('carol@acme.example')), 0, 'but not for the events, which require audit_log.view');
SELECT throws_ok($$ SELECT pg_temp.report('dave@acme.example') $$, '42501', NULL, 'a grant below the organization is not enough');
SELECT throws_ok($$ SELECT pg_temp.report('zoe@zeta.example') $$, '42704', 'organization "acme" does not exist', 'G10: to others there is no such organization');
SELECT throws_ok($$ SELECT rbac_report_html('nowhere') $$, '42704', 'organization "nowhere" does not exist');
SELECT is(rbac_report_html(NULL), NULL, 'of nothing there is no report');

-- Values are text ---------------------------------------------------------------------------

-- Every text that somebody can write, as hostile as its table lets it be
UPDATE aiven_rbac.resource SET name = '<script>forged()</script>"''&';
UPDATE aiven_rbac.principal SET description = '"><img src=x onerror=forged()>', name = '</td></tr><svg onload=forged()>' || coalesce(email, name) WHERE account_owners IS NOT TRUE;
SELECT rbac_tag_set('acme.engineering.backend-dev', '<i>', '"''><a href="javascript:forged()">') \g /dev/null
SELECT rbac_user_create('<q>&@acme.example'), rbac_invitation_accept(rbac_invitation_create('acme', '<q>&@acme.example')) \g /dev/null
SELECT rbac_grant(rbac_user('<q>&@acme.example'), 'admin', 'acme.finance-prod') \g /dev/null

SELECT is((SELECT array_agg(DISTINCT m[1]) FROM regexp_matches(rbac_report_html('acme'), '<(script|img|svg|i|q|a)\M', 'g') AS m), '{script}', 'no value begins an element');
SELECT is((SELECT count(*) FROM regexp_matches(rbac_report_html('acme'), '<script>', 'g')), 1::bigint, 'there is one script');
SELECT ok(count(*) > 10, 'and all of them are there as text') FROM regexp_matches(rbac_report_html('acme'), 'forged', 'g');
SELECT is(encode(sha256(convert_to(script[1], 'UTF8')), 'base64'), digest[1], 'the one script that is allowed is the one that is there')
FROM regexp_match(rbac_report_html('acme'), '<script>(.*)</script>') AS script, regexp_match(rbac_report_html('acme'), '''sha256-([^'']*)''') AS digest;

SELECT finish();
ROLLBACK;
