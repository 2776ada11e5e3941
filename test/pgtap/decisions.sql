-- Decisions: how grants add up, how far they reach, when they count, and how
-- each function tells (G2, G3, G4, G7, G10).  What every role and permission
-- gives is catalogue.sql's.
BEGIN;
\ir lib/helpers.sql
\ir lib/world.sql

\o /dev/null
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- bob: operator in the unit by himself, and by the group "team" what recovers
-- services in one project of it.  frank: what is not yet and what was.
SELECT rbac_grant(test.p('bob'), 'operator', 'acme.engineering');
SELECT rbac_grant(test.p('team'), 'role:services:recover', 'acme.engineering.backend-dev');
SELECT rbac_group_member_add(test.p('team'), test.p('bob'));
SELECT rbac_grant(test.p('frank'), 'service:logs:read', 'acme.finance', '2100-01-01', NULL);
SELECT rbac_grant(test.p('frank'), 'read_only', 'acme.finance');
UPDATE aiven_rbac.access_grant SET valid_until = '2000-01-01' WHERE principal = test.p('frank') AND resource = test.id('finance') AND valid_from IS NULL;
-- hank: much in the organization, little below; the same little twice.
SELECT rbac_grant(test.p('hank'), 'project:services:write', 'globex');
SELECT rbac_grant(test.p('hank'), 'read_only', 'globex.research.lab');
SELECT rbac_grant(test.p('globex-team'), 'read_only', 'globex.research');
SELECT rbac_group_member_add(test.p('globex-team'), test.p('hank'));
-- A role of the same name means something else in each organization; another
-- is acme's alone.
INSERT INTO aiven_rbac.grantable (id, organization, name, type, console_name)
SELECT test.id(organization || name), test.id(organization), name, 'role', name
FROM (VALUES ('acme', 'helper'), ('globex', 'helper'), ('acme', 'acme-only')) AS v (organization, name);
INSERT INTO aiven_rbac.grantable_on (grantable, organization, resource_kind)
SELECT id, organization, 'organization' FROM aiven_rbac.grantable WHERE NOT built_in;
INSERT INTO aiven_rbac.allowed_action (grantable, granted_on, action)
SELECT test.id(role), 'organization', number
FROM (VALUES ('acmehelper', 'backup.view'), ('acmehelper', 'backup.configure'), ('globexhelper', 'domain.view'),
             ('acmeacme-only', 'domain.view')) AS v (role, action)
JOIN aiven_rbac.action ON name = action;
SELECT rbac_user_create('ida@both.example', 'ida', test.id('ida'));
SELECT rbac_invitation_accept(rbac_invitation_create(organization::rbac_path, 'ida@both.example'))
FROM (VALUES ('acme'), ('globex')) AS v (organization);
SELECT rbac_grant(test.p('ida'), 'helper', organization::rbac_path)
FROM (VALUES ('acme'), ('globex')) AS v (organization);
-- quin was organization admin and is deactivated.
SELECT rbac_user_create('quin@acme.example', 'quin', test.id('quin'));
SELECT rbac_invitation_accept(rbac_invitation_create('acme', 'quin@acme.example'));
SELECT rbac_grant(test.p('quin'), 'role:organization:admin', 'acme');
UPDATE aiven_rbac.principal SET deactivated_at = now() WHERE name = 'quin';

CREATE TEMP TABLE asked AS
SELECT p.name AS who, p.id AS principal, r.path, r.id, n.name
FROM (SELECT name, id FROM aiven_rbac.principal WHERE NOT account_owners UNION ALL SELECT 'stranger', test.id('stranger')) AS p,
     (SELECT path, id FROM aiven_rbac.resource UNION ALL SELECT 'acme.nothing', test.id('nothing')) AS r,
     unnest('{service.view,project:services:write,operator,role:organization:admin,super_admin,helper}'::text[]) AS n (name)
-- Who is of no organization does not know the roles of any.
WHERE (p.name, n.name) <> ('olga', 'helper');
GRANT SELECT ON asked TO test_application;
\o

SELECT plan(168);

-- The signatures ----------------------------------------------------------------

SELECT is(test.seen_by(who, $$ SELECT count(*) FROM asked WHERE rbac_current_principal() = principal
                                  AND ARRAY[rbac_has_permission(path, name), rbac_has_permission(id, name), rbac_has_permission(principal, path, name)]
                                      IS DISTINCT FROM array_fill(rbac_has_permission(principal, id, name), '{3}') $$),
          '0', format('%s: the session''s principal or given, by path or by id, is the same', who))
FROM (SELECT DISTINCT who FROM asked) AS w ORDER BY who;
SELECT is(test.seen_by(who, $$ SELECT count(*) FROM asked WHERE rbac_current_principal() = principal
                                  AND ARRAY[rbac_has_any_permission(path, name, 'kafka_topic.delete'), rbac_has_any_permission(id, 'kafka_topic.delete', name),
                                            rbac_has_any_permission(principal, path, VARIADIC ARRAY[name, 'kafka_topic.delete']),
                                            rbac_has_any_permission(principal, id, name, NULL, 'kafka_topic.delete')]
                                      IS DISTINCT FROM array_fill(rbac_has_permission(id, name) OR rbac_has_permission(id, 'kafka_topic.delete'), '{4}') $$),
          '0', format('%s: any of two is one or the other', who))
FROM (SELECT DISTINCT who FROM asked) AS w ORDER BY who;
SELECT cmp_ok((SELECT count(*) FROM asked WHERE rbac_has_permission(principal, id, name)), '>', 100::bigint,
              'there is something to compare');

-- G2, G3, G4, G10: what is held -------------------------------------------------

SELECT is(rbac_has_permission(test.p(who), path::rbac_path, name), expected,
          format('%s: %s: "%s" on %s', rule, who, name, path))
FROM (VALUES
    ('G3: the resource itself', 'bob', 'acme.engineering', 'operator', true),
    ('G3: below', 'bob', 'acme.engineering.backend-prod', 'operator', true),
    ('G3: two below', 'bob', 'acme.engineering.backend-prod.pg', 'operator', true),
    ('G3: not above', 'bob', 'acme', 'operator', false),
    ('G3: not beside', 'bob', 'acme.analytics.warehouse', 'operator', false),
    ('G3: not in another organization', 'bob', 'globex.research.lab', 'operator', false),
    ('G2: neither grant alone', 'bob', 'acme.engineering.backend-prod', 'project:services:write', false),
    ('G2: both together', 'bob', 'acme.engineering.backend-dev', 'project:services:write', true),
    ('G2: and below', 'bob', 'acme.engineering.backend-dev.pg', 'project:services:write', true),
    ('G2: a part is not the whole', 'bob', 'acme.engineering.backend-dev', 'admin', false),
    ('G2: by the group', 'bob', 'acme.engineering.backend-dev', 'service_plan.change', true),
    ('G2: the group has it, too', 'team', 'acme.engineering.backend-dev', 'service_plan.change', true),
    ('G2: the lesser role below takes nothing away', 'hank', 'globex.research.lab', 'project:services:write', true),
    ('G2: and adds', 'hank', 'globex.research.lab', 'read_only', true),
    ('G2: only there', 'hank', 'globex.factory', 'read_only', false),
    ('G3: the organization''s admin', 'carol', 'acme', 'role:organization:admin', true),
    ('G3: also on the unit', 'carol', 'acme.analytics', 'role:organization:admin', true),
    ('G3: the unit''s admin', 'dave', 'acme.engineering', 'role:organization:admin', true),
    ('G3: with the shorter list', 'dave', 'acme.engineering', 'user.invite', false),
    ('G3: also on a project in it', 'dave', 'acme.engineering.backend-dev', 'role:organization:admin', true),
    ('G3: not on the organization', 'dave', 'acme', 'role:organization:admin', false),
    ('G3: not on another unit', 'dave', 'acme.analytics', 'role:organization:admin', false),
    ('G3: nor does a unit''s admin move projects', 'dave', 'acme.engineering.backend-dev', 'project.move', false),
    ('G4: super admin', 'ann', 'acme.finance.pg', 'super_admin', true),
    ('G4: an organization admin is none', 'carol', 'acme', 'super_admin', false),
    ('G4: not elsewhere', 'ann', 'globex', 'super_admin', false),
    ('G10: nothing granted', 'olga', 'acme.finance', 'service.view', false),
    ('G10: deactivated', 'quin', 'acme', 'service.view', false),
    ('G10: unknown principal', 'stranger', 'acme', 'service.view', false),
    ('G10: unknown resource', 'ann', 'acme.nothing', 'service.view', false),
    ('G10: unknown place', 'ann', 'nowhere', 'super_admin', false),
    ('G8: a role of the organization''s own', 'ida', 'acme', 'helper', true),
    ('G8: of the same name in another', 'ida', 'globex', 'helper', true),
    ('G8: the one does not give the other''s', 'ida', 'acme', 'domain.view', false),
    ('G8: a role of one organization in another is not held, even by who has everything', 'gina', 'globex', 'acme-only', false),
    ('G8: where it is known it is', 'ann', 'acme', 'acme-only', true)
    ) AS v (rule, who, path, name, expected);

-- NULL and unknown --------------------------------------------------------------

SELECT is(answer, NULL, format('NULL in, NULL out: %s', n))
FROM (VALUES (1, rbac_has_permission(NULL::uuid, 'operator')), (2, rbac_has_permission(NULL::rbac_path, 'operator')),
             (3, rbac_has_permission(test.p('ann'), NULL::uuid, 'operator')), (4, rbac_has_permission(test.p('ann'), NULL::rbac_path, 'operator')),
             (5, rbac_has_permission(NULL, test.id('acme'), 'operator')), (6, rbac_has_permission(test.p('ann'), test.id('acme'), NULL)),
             (7, rbac_has_any_permission(NULL::uuid, 'operator')), (8, rbac_has_any_permission('acme', VARIADIC NULL))) AS v (n, answer);

SELECT is(rbac_has_any_permission(test.p('ann'), test.id('acme'), VARIADIC '{}'), false, 'none of no names is held');
SELECT is(rbac_has_any_permission(test.p('ann'), test.id('acme'), VARIADIC '{NULL}'), false, 'nor one of a NULL name');
SELECT is(rbac_has_permission('acme'::rbac_path, 'operator'), false, 'G10: nobody holds anything');
SELECT is(rbac_has_permission('acme', 'operator'), false, 'a plain literal means a path');

SELECT is((a.code, a.message, a.hint)::text,
          ('42704', format('permission, role or action "%s" does not exist',
                           CASE WHEN length(name) > 80 THEN left(name, 80) || '...' ELSE name END), v.hint)::text,
          format('an unknown name is an error: "%s"', left(name, 80)))
FROM (VALUES ('project:service:write', 'The nearest name is "project:services:write".'),
             ('servce.fork', 'The nearest name is "service.fork".'),
             ('Operator', 'The nearest name is "operator".'),
             ('service_tag.ad', 'The nearest names are "service_tag.add", "service_tag.edit", "service_tag.view".'),
             ('project:services:rite', 'The nearest names are "project:services:write", "project:services:read".'),
             ('something quite different', 'Choose one of the catalogue''s names.'),
             ('', 'Choose one of the catalogue''s names.'),
             (repeat('x', 1000), 'Choose one of the catalogue''s names.')) AS v (name, hint),
     LATERAL test.attempt(NULL, format('SELECT rbac_has_permission(%L::uuid, %L::uuid, %L)', test.p('ann'), test.id('acme'), name)) AS a;
SELECT is(left(test.outcome(who, query), 5), '42704', description)
FROM (VALUES
    ('also where nothing could be held anyway', NULL, $$ SELECT rbac_has_permission(test.id('stranger'), test.id('nothing'), 'operatr') $$),
    ('also by nobody', NULL, $$ SELECT rbac_has_permission(test.id('acme'), 'operatr') $$),
    ('also as one of several, the first of which is held', 'ann', $$ SELECT rbac_has_any_permission('acme', 'operator', 'operatr') $$),
    ('also in an explanation', 'ann', $$ SELECT rbac_explain('acme', 'operatr') $$)
    ) AS v (description, who, query);

-- Several principals in one statement ----------------------------------------------

-- PL/pgSQL keeps what a call site has found out for as long as the statement of
-- the client lasts, whoever is the principal meanwhile.
CREATE FUNCTION test.in_turn(VARIADIC principals uuid[],
                             OUT by_path boolean[], OUT by_id boolean[], OUT any_by_path boolean[], OUT any_by_id boolean[])
    LANGUAGE plpgsql AS $$
DECLARE
    acme uuid := test.id('acme');
    principal uuid;
BEGIN
    FOREACH principal IN ARRAY principals LOOP
        IF principal IS NULL THEN
            PERFORM rbac_reset_principal();
        ELSE
            PERFORM rbac_set_principal(principal);
        END IF;
        by_path := by_path || rbac_has_permission('acme', 'service.power');
        by_id := by_id || rbac_has_permission(acme, 'service.power');
        any_by_path := any_by_path || rbac_has_any_permission('acme', 'service.power', 'service.fork');
        any_by_id := any_by_id || rbac_has_any_permission(acme, 'service.power', 'service.fork');
    END LOOP;
    PERFORM rbac_reset_principal();
END
$$;
SELECT is(answers, '{t,f,t,f,f,t,f}', 'S2: each principal of one statement is answered for itself, ' || form)
FROM test.in_turn(test.p('ann'), test.p('bob'), test.p('ann'), test.p('bob'), test.id('stranger'), test.p('ann'), NULL) AS t,
     LATERAL (VALUES ('by path', by_path), ('by id', by_id),
                     ('any by path', any_by_path), ('any by id', any_by_id)) AS v (form, answers);

-- Lists -------------------------------------------------------------------------

SELECT results_eq($$ SELECT permission, granted_on::text, via::text FROM rbac_effective_permissions(test.p('bob'), 'acme.engineering.backend-dev'::rbac_path) $$,
    $$ VALUES ('project:audit_logs:read', '{acme.engineering}', '{direct}'),
              ('project:integrations:read', '{acme.engineering}', '{direct}'),
              ('project:networking:read', '{acme.engineering}', '{direct}'),
              ('project:networking:write', '{acme.engineering}', '{direct}'),
              ('project:permissions:read', '{acme.engineering}', '{direct}'),
              ('project:services:read', '{acme.engineering.backend-dev}', '{group:team}'),
              ('project:services:write', '{acme.engineering,acme.engineering.backend-dev}', '{direct,group:team}'),
              ('service:configuration:write', '{acme.engineering}', '{direct}'),
              ('service:logs:read', '{acme.engineering}', '{direct}') $$,
    'G2, G3: the permissions held, where they were granted and through what');
SELECT is(test.seen_by('bob', $$ SELECT string_agg(e::text, ' ') FROM rbac_effective_permissions(test.id('backend-dev')) AS e $$),
          (SELECT string_agg(e::text, ' ') FROM rbac_effective_permissions(test.p('bob'), 'acme.engineering.backend-dev'::rbac_path) AS e),
          'the same by id and for the session''s principal');
SELECT is(test.seen_by('bob', $$ SELECT string_agg(e::text, ' ') FROM rbac_effective_permissions('acme.engineering.backend-dev') AS e $$),
          (SELECT string_agg(e::text, ' ') FROM rbac_effective_permissions(test.p('bob'), test.id('backend-dev')) AS e),
          'and by path');
SELECT is(test.seen_by('bob', $$ SELECT string_agg(concat_ws(' ', resource, permission), ', ') FROM rbac_effective_permissions() $$),
          'acme.engineering project:audit_logs:read, acme.engineering project:integrations:read, acme.engineering project:networking:read, '
          'acme.engineering project:networking:write, acme.engineering project:permissions:read, acme.engineering service:configuration:write, '
          'acme.engineering service:logs:read, acme.engineering.backend-dev project:services:read, acme.engineering.backend-dev project:services:write',
          'every place where a grant stands, with what it contributes to');
SELECT is(test.seen_by('hank', $$ SELECT string_agg(concat_ws(' ', granted_on, via), ', ') FROM rbac_effective_permissions('globex.research.lab')
                                  WHERE permission = 'project:services:read' $$),
          '{globex.research,globex.research.lab} {group:globex-team,direct}', 'G2: a permission held twice names both ways');
SELECT is(test.seen_by('ann', $$ SELECT count(*) || ' ' || bool_and(granted_on = '{acme}' AND via = '{"group:account owners"}')
                                 FROM rbac_effective_permissions('acme.finance.pg') $$),
          (SELECT count(*) || ' true' FROM aiven_rbac.grantable WHERE type = 'permission'), 'P5: a super admin holds all permissions, by the account owners');
SELECT is(test.seen_by(who, $$ SELECT (SELECT count(*) FROM rbac_effective_permissions()) + (SELECT count(*) FROM rbac_effective_permissions('acme'))
                                      + (SELECT count(*) FROM rbac_effective_actions('acme.finance')) $$),
          '0', format('G10: %s holds nothing', who))
FROM unnest('{olga,quin,stranger,frank}'::text[]) AS who;
SELECT is_empty('SELECT FROM rbac_effective_permissions()', 'G10: nobody holds nothing');
SELECT is(test.seen_by('ida', $$ SELECT string_agg(action, ' ') FROM rbac_effective_actions('acme.finance') $$),
          'backup.view backup.configure',
          'the actions held, in the catalogue''s order');

-- Explanations ------------------------------------------------------------------

SELECT results_eq(format('SELECT allowed, reason, grant_name, granted_on::text, via, advice FROM rbac_explain(%L::uuid, %L::rbac_path, %L)', test.p(who), path, name),
                  format('SELECT * FROM (VALUES %s) AS v (a, b, c, d, e, f)', expected), format('explained: "%s" of %s on %s', name, who, path))
FROM (VALUES
    ('bob', 'acme.engineering.backend-dev', 'service.create',
     $$ (true, 'gives it', 'operator', 'acme.engineering', 'direct', NULL) $$),
    ('bob', 'acme.engineering.backend-dev', 'project:services:write',
     $$ (true, 'gives 15 of the 16 actions, not service_plan.change', 'operator', 'acme.engineering', 'direct', NULL),
        (true, 'gives 3 of the 16 actions, not service.create, service.delete, service.power, service_cloud.change, service_deployment_model.change, service_ip_allowlist.update, service_network.change, service_tag.add, service_tag.edit, service_tag.delete, service_termination_protection.set, service_contact.manage, backup.configure',
         'role:services:recover', 'acme.engineering.backend-dev', 'group:team', NULL) $$),
    ('bob', 'acme.engineering.backend-prod', 'project:services:write',
     $$ (false, 'not held: service_plan.change', NULL, NULL, NULL,
         'Grant "role:services:recover" on acme.engineering.backend-prod, or "project:services:write" on acme.engineering.backend-prod, or "admin" on acme.engineering.backend-prod.'),
        (false, 'gives 15 of the 16 actions, not service_plan.change', 'operator', 'acme.engineering', 'direct', NULL) $$),
    ('bob', 'acme.engineering.backend-prod.pg', 'service.view',
     $$ (false, 'not held: service.view', NULL, NULL, NULL,
         'Grant "project:services:read" on acme.engineering.backend-prod, or "role:services:recover" on acme.engineering.backend-prod, or "read_only" on acme.engineering.backend-prod.') $$),
    ('bob', 'acme.engineering.backend-prod', 'user.invite',
     $$ (false, 'not held: user.invite', NULL, NULL, NULL,
         'Grant "organization:users:write" on acme, or "role:organization:admin" on acme.') $$),
    ('ann', 'acme.finance.pg', 'organization.delete',
     $$ (true, 'gives it', 'super_admin', 'acme', 'group:account owners', NULL) $$),
    ('frank', 'acme.finance', 'service_log.view',
     $$ (false, 'not held: service_log.view', NULL, NULL, NULL, 'Grant "service:logs:read" on acme.finance, or "operator" on acme.finance, or "admin" on acme.finance.'),
        (false, 'would give it from 2100-01-01 00:00:00+00 on', 'service:logs:read', 'acme.finance', 'direct', 'Grant it again with another period of validity.') $$),
    ('frank', 'acme.finance', 'service.view',
     $$ (false, 'not held: service.view', NULL, NULL, NULL, 'Grant "project:services:read" on acme.finance, or "role:services:recover" on acme.finance, or "read_only" on acme.finance.'),
        (false, 'gave it until 2000-01-01 00:00:00+00', 'read_only', 'acme.finance', 'direct', 'Grant it again with another period of validity.') $$),
    ('frank', 'acme.finance', 'role:services:recover',
     $$ (false, 'not held: service.view, service.fork, service_disk.manage, service_plan.change, read_replica.promote', NULL, NULL, NULL,
         'Grant "role:services:recover" on acme.finance, or "admin" on acme.finance, or "role:organization:admin" on acme.'),
        (false, 'gave 1 of the 5 actions until 2000-01-01 00:00:00+00', 'read_only', 'acme.finance', 'direct', 'Grant it again with another period of validity.') $$),
    ('carol', 'acme', 'organization.rename',
     $$ (false, 'not held: organization.rename', NULL, NULL, NULL, 'No single grant gives all of it; super admins have it, and several grants may add up to it.') $$),
    ('quin', 'acme', 'service.view',
     $$ (false, 'the principal is deactivated', NULL, NULL, NULL, 'The organization that manages the user can reactivate it.') $$),
    ('stranger', 'acme', 'service.view',
     $$ (false, 'the principal does not exist', NULL, NULL, NULL, NULL) $$),
    ('ann', 'acme.nothing', 'service.view',
     $$ (false, 'the resource does not exist, or the principal is not a member of its organization', NULL, NULL, NULL,
         'Invite the user to the organization, and grant something after acceptance.') $$),
    ('ann', 'globex', 'service.view',
     $$ (false, 'the resource does not exist, or the principal is not a member of its organization', NULL, NULL, NULL,
         'Invite the user to the organization, and grant something after acceptance.') $$),
    ('gina', 'globex', 'acme-only',
     $$ (false, 'the name means nothing in this organization, or allows no action', NULL, NULL, NULL, NULL) $$)
    ) AS v (who, path, name, expected);
SELECT results_eq($$ SELECT allowed, reason, advice FROM rbac_explain('acme', 'service.view') $$,
                  $$ VALUES (false, 'no principal is set', 'A trusted back end calls rbac_set_principal() or rbac_authenticate() first.') $$,
                  'explained: nobody');
SELECT is(test.seen_by('bob', $$ SELECT string_agg(e::text, ' ') FROM rbac_explain(test.id('backend-dev'), 'operator') AS e $$),
          (SELECT string_agg(e::text, ' ') FROM rbac_explain(test.p('bob'), test.id('backend-dev'), 'operator') AS e),
          'explained: the same for the session''s principal');
SELECT is((SELECT count(*) FROM asked AS a
           WHERE (SELECT bool_and(allowed) FROM rbac_explain(principal, id, name)) IS DISTINCT FROM rbac_has_permission(principal, id, name)),
          0::bigint, 'explanations and decisions agree');

-- The tree, as far as something is held -------------------------------------------

SELECT is(test.seen_by(who, format('SELECT string_agg(line, E''\n'') FROM rbac_tree(%L) AS line', root)), expected,
          format('the tree below %s, seen by %s', root, who))
FROM (VALUES
    ('erin', 'acme', E'Acme Corporation (organization)\n└── Engineering (unit)\n    └── backend-dev (project)\n        └── pg (service)'),
    ('erin', 'acme.engineering.backend-dev', E'backend-dev (project)\n└── pg (service)'),
    ('erin', 'acme.analytics', NULL),
    ('dave', 'acme', E'Acme Corporation (organization)\n└── Engineering (unit)\n    ├── backend-dev (project)\n    │   └── pg (service)\n'
                     '    └── backend-prod (project)\n        └── pg (service)'),
    ('ann', 'acme', E'Acme Corporation (organization)\n├── Analytics (unit)\n│   └── warehouse (project)\n│       └── kafka (service)\n'
                    '├── Engineering (unit)\n│   ├── backend-dev (project)\n│   │   └── pg (service)\n│   └── backend-prod (project)\n'
                    '│       └── pg (service)\n└── finance (project)\n    └── pg (service)'),
    ('frank', 'acme', NULL)
    ) AS v (who, root, expected);
SELECT is(test.seen_by(who, format('SELECT rbac_mermaid(%L)', root)), expected, format('the diagram below %s, seen by %s', root, who))
FROM (VALUES
    ('erin', 'acme', E'flowchart TD\n    n1["Acme Corporation (organization)"]\n    n2["Engineering (unit)"]\n    n3["backend-dev (project)"]\n    n4["pg (service)"]\n    n1 --> n2\n    n2 --> n3\n    n3 --> n4'),
    ('erin', 'acme.engineering.backend-dev', E'flowchart TD\n    n1["backend-dev (project)"]\n    n2["pg (service)"]\n    n1 --> n2'),
    ('frank', 'acme', 'flowchart TD')
    ) AS v (who, root, expected);
SAVEPOINT hostile;
UPDATE aiven_rbac.resource SET name = '"]; click n1 href "javascript:alert(1)" <script>&#' WHERE path = 'acme.engineering.backend-dev';
SELECT is((SELECT count(*) FROM regexp_matches(rbac_mermaid('acme.engineering.backend-dev'), '["<>&`]|javascript:', 'g') AS m WHERE m[1] NOT IN ('"', '>', 'javascript:')),
          0::bigint, 'a name means nothing in a diagram');
SELECT matches(rbac_mermaid('acme.engineering.backend-dev'), '^flowchart TD\n    n1\["[^"]*\(project\)"\]\n    n2\["[^"]*"\]\n    n1 --> n2$', 'and ends no label');
ROLLBACK TO hostile;
SELECT is(test.outcome('gina', $$ SELECT rbac_tree('acme') $$), '42704 resource "acme" does not exist',
          'G10: a tree that the principal does not belong to does not exist');

-- G7: validity, half-open, judged at the statement's start ---------------------------

SELECT is(test.outcome(NULL, format($$ UPDATE aiven_rbac.access_grant SET valid_from = %L::timestamptz %s, valid_until = %L::timestamptz %s WHERE principal = test.p('oscar') $$,
                                    f, CASE WHEN f = 'epoch' THEN '+ (statement_timestamp() - ''epoch'')' END,
                                    u, CASE WHEN u = 'epoch' THEN '+ (statement_timestamp() - ''epoch'')' END),
                       $$ SELECT rbac_has_permission(test.p('oscar'), test.id('acme.finance.pg'), 'operator') $$),
          'ok ' || expected, format('G7: %s', description))
FROM (SELECT rbac_user_create('oscar@acme.example', 'oscar', test.id('oscar')) OFFSET 0) AS o,
     LATERAL rbac_invitation_accept(CASE WHEN o IS NOT NULL THEN rbac_invitation_create('acme', 'oscar@acme.example') END) AS member,
     LATERAL rbac_grant(member, 'operator', 'acme', '1990-01-01', '2990-01-02') AS granted,
     -- "epoch" stands for the very start of the statement
     (VALUES ('without an end it counts', NULL, NULL, true),
             ('inside it counts', '2000-01-01', '2100-01-01', true),
             ('from the first instant on', 'epoch', NULL, true),
             ('until the last, which is not in it', NULL, 'epoch', false),
             ('before it does not', '2100-01-01', NULL, false),
             ('before it does not, whatever the end', '2100-01-01', '2101-01-01', false),
             ('after it does not', '1999-01-01', '2000-01-01', false),
             ('from -infinity to infinity it does', '-infinity', 'infinity', true),
             ('from infinity on it never does', 'infinity', NULL, false),
             ('until -infinity it never did', NULL, '-infinity', false)) AS v (description, f, u, expected)
WHERE granted;
SELECT is(test.outcome(NULL, $$ UPDATE aiven_rbac.access_grant SET valid_from = '2000-01-01', valid_until = '2000-01-01' WHERE principal = test.p('oscar') $$),
          '23514 new row for relation "access_grant" violates check constraint "access_grant_period_not_empty"', 'G7, S7: a period is not empty');

-- Two grants of the same: the one that counts counts.
UPDATE aiven_rbac.access_grant SET valid_from = NULL, valid_until = '2000-01-01' WHERE principal = test.p('oscar');
SELECT is(rbac_has_permission(test.p('oscar'), test.id('finance'), 'operator'), false, 'G7: a grant that has ended');
DO $$ BEGIN PERFORM rbac_grant(test.p('writers'), 'operator', 'acme'), rbac_group_member_add(test.p('writers'), test.p('oscar')); END $$;
SELECT is(rbac_has_permission(test.p('oscar'), test.id('finance'), 'operator'), true,
          'G7: and one by a group that has not');

-- A grant that stands for another period is not changed by granting once more.
SELECT rbac_grant(test.p('robot'), 'read_only', 'acme.finance', NULL, '2100-01-01') \g /dev/null
SELECT is(test.outcome(NULL, call, $$ SELECT valid_until = '2100-01-01' FROM aiven_rbac.access_grant WHERE principal = test.p('robot') AND resource = test.id('finance') $$),
          expected, 'G7: ' || call)
FROM (VALUES ($$ SELECT rbac_grant(test.p('robot'), 'read_only', 'acme.finance', NULL, '2100-01-01') $$, 'ok (nothing changed) true'),
             ($$ SELECT rbac_grant(test.p('robot'), 'read_only', 'acme.finance') $$, '42710 "read_only" is granted to application user "robot" on "acme.finance" for another period'),
             ($$ SELECT rbac_grant(test.p('robot'), 'read_only', 'acme.finance', NULL, '2050-01-01') $$, '42710 "read_only" is granted to application user "robot" on "acme.finance" for another period'),
             ($$ SELECT rbac_grant(test.p('robot'), 'read_only', 'acme.finance', replace => true) $$, 'ok'),
             ($$ SELECT rbac_grant(test.p('robot'), 'read_only', 'acme.finance', NULL, '2050-01-01', true) $$, 'ok false'),
             ($$ SELECT rbac_grant(test.p('robot'), 'read_only', 'acme.finance', NULL, '2020-01-01', true) $$, '22023 the period of a grant must not be over')) AS v (call, expected);
UPDATE aiven_rbac.access_grant SET valid_until = '2000-01-01' WHERE principal = test.p('robot') AND resource = test.id('finance');
SELECT ok(rbac_grant(test.p('robot'), 'read_only', 'acme.finance'), 'G7: one that is over counts as none');
SELECT ok(NOT rbac_grant(test.p('robot'), 'read_only', 'acme.finance'), 'G7: the same once more changes nothing');

-- A boundary that passes while nothing changes: the statement in which it does
-- still sees what was at its start, the next one does not.  frank holds the
-- role until the boundary, an application user of globex from it on.
DO $$
BEGIN
    PERFORM rbac_application_user_create('globex', 'robot-2');
    PERFORM rbac_grant(test.p('robot-2'), 'operator', 'globex');
    PERFORM rbac_grant(test.p('frank'), 'operator', 'acme');
END
$$;
DO $$
DECLARE
    boundary timestamptz;
    early boolean[];
    late boolean[];
BEGIN
    UPDATE aiven_rbac.access_grant SET valid_until = statement_timestamp() + interval '30 ms'
    WHERE principal = test.p('frank') AND resource = test.id('acme') RETURNING valid_until INTO boundary;
    UPDATE aiven_rbac.access_grant SET valid_from = boundary WHERE principal = test.p('robot-2');
    early := ARRAY[rbac_has_permission(test.p('frank'), test.id('acme'), 'operator'), rbac_has_permission(test.p('robot-2'), test.id('globex'), 'operator')];
    PERFORM pg_sleep(0.04);
    ASSERT clock_timestamp() > boundary;
    late := ARRAY[rbac_has_permission(test.p('frank'), test.id('acme'), 'operator'), rbac_has_permission(test.p('robot-2'), test.id('globex'), 'operator')];
    CREATE TEMP TABLE seen AS SELECT early, late;
END
$$;
SELECT is(array_cat(early, late), '{t,f,t,f}', 'G7: a statement judges by its start') FROM seen;
SELECT is(ARRAY[rbac_has_permission(test.p('frank'), test.id('acme'), 'operator'), rbac_has_permission(test.p('robot-2'), test.id('globex'), 'operator')],
          '{f,t}', 'G7: the next statement sees that the boundary has passed');
SELECT is((SELECT count(*) FROM rbac_effective_actions(test.p('frank'), test.id('acme'))), 0::bigint,
          'G7: so do lists');

-- Rows whose references lead nowhere, or elsewhere: replication can bring them,
-- and none of them gives anything (C1).
\o /dev/null
SELECT rbac_project_create('globex.research', 'dangling');
SELECT rbac_user_create('nora@globex.example', 'nora', test.id('nora'));
SELECT rbac_invitation_accept(rbac_invitation_create('globex', 'nora@globex.example'));
SET LOCAL session_replication_role = replica;
INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind)
SELECT p.id, r.id, coalesce(g.id, test.id('nothing')), test.id('globex'), 'project'
FROM (VALUES (test.p('bob'), 'admin'), (test.p('team'), 'admin'), (test.p('nora'), 'no-such-role'),
             (test.id('nobody'), 'admin'), (test.id('lost-group'), 'admin'), (test.p('globex-team'), 'admin')) AS p (id, role)
JOIN aiven_rbac.resource AS r ON r.path = 'globex.research.dangling'
LEFT JOIN aiven_rbac.grantable AS g ON g.name = p.role AND g.built_in;
-- ida, who is a member of both organizations: of the lost group, and of each
-- group as if it were the other organization's
INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind)
VALUES (test.p('ida'), test.id('lost-group'), test.id('globex'), 'user'),
       (test.p('ida'), test.p('globex-team'), test.id('acme'), 'user'),
       (test.p('ida'), test.p('team'), test.id('acme'), 'user');
SET LOCAL session_replication_role = origin;
\o
SELECT is(rbac_has_permission(v.principal, 'globex.research.dangling'::rbac_path, 'service.fork'), v.held, 'C1: ' || v.description)
FROM (VALUES (test.p('bob'), false, 'a grant where its holder is no member'),
             (test.p('nora'), false, 'a grant of what does not exist'),
             (test.id('nobody'), false, 'a grant to nobody'),
             (test.p('ida'), false, 'by a group that does not exist, or of another organization than its row or its grant'))
     AS v (principal, held, description);
\o /dev/null
SET LOCAL session_replication_role = replica;
UPDATE aiven_rbac.group_member SET organization = test.id('globex') WHERE member = test.p('ida') AND group_id = test.p('globex-team');
SET LOCAL session_replication_role = origin;
\o
SELECT ok(rbac_has_permission(test.p('ida'), 'globex.research.dangling'::rbac_path, 'service.fork'), 'C1: but by a row that is as it has to be');

SELECT * FROM finish();
ROLLBACK;
