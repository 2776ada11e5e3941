-- A small world for tests of rules: two organizations and the people in them.
--
--	acme (super admin ann; carol is organization admin)
--	├── engineering (unit; dave is its admin)
--	│   ├── backend-dev (erin is its admin)
--	│   │   └── pg
--	│   └── backend-prod
--	│       └── pg
--	├── analytics (unit)
--	│   └── warehouse
--	│       └── kafka
--	└── finance
--	    └── pg
--	globex (super admin gina)
--	├── research (unit)
--	│   └── lab
--	└── factory
--
-- bob and frank are members of acme, hank of globex, with nothing granted;
-- olga is of no organization.  acme has an application user "robot" and the
-- groups "team" and "writers", globex the group "globex-team".

\o /dev/null
SELECT rbac_user_create(name || '@' || organization || '.example', name, test.id(name))
FROM (VALUES ('ann', 'acme'), ('bob', 'acme'), ('carol', 'acme'), ('dave', 'acme'), ('erin', 'acme'), ('frank', 'acme'),
             ('gina', 'globex'), ('hank', 'globex'), ('olga', 'nowhere')) AS v (name, organization);

SELECT rbac_organization_create('acme', 'Acme Corporation', test.p('ann'), test.id('acme'));
SELECT rbac_organization_create('globex', 'Globex', test.p('gina'), test.id('globex'));
SELECT rbac_unit_create('acme', 'engineering', 'Engineering', test.id('engineering'));
SELECT rbac_unit_create('acme', 'analytics', 'Analytics', test.id('analytics'));
SELECT rbac_unit_create('globex', 'research', 'Research', test.id('research'));
SELECT rbac_project_create(parent::rbac_path, label, NULL, NULL, test.id(label))
FROM (VALUES ('acme.engineering', 'backend-dev'), ('acme.engineering', 'backend-prod'), ('acme.analytics', 'warehouse'),
             ('acme', 'finance'), ('globex.research', 'lab'), ('globex', 'factory')) AS v (parent, label);
SELECT rbac_service_create(project::rbac_path, label, label, NULL, test.id(project || '.' || label))
FROM (VALUES ('acme.engineering.backend-dev', 'pg'), ('acme.engineering.backend-prod', 'pg'),
             ('acme.analytics.warehouse', 'kafka'), ('acme.finance', 'pg')) AS v (project, label);

SELECT rbac_invitation_accept(rbac_invitation_create('acme', name || '@acme.example'))
FROM unnest('{bob,carol,dave,erin,frank}'::text[]) AS name;
SELECT rbac_invitation_accept(rbac_invitation_create('globex', 'hank@globex.example'));
SELECT rbac_application_user_create('acme', 'robot');
SELECT rbac_group_create('acme', 'team');
SELECT rbac_group_create('acme', 'writers');
SELECT rbac_group_create('globex', 'globex-team');

SELECT rbac_grant(test.p('carol'), 'role:organization:admin', 'acme');
SELECT rbac_grant(test.p('dave'), 'role:organization:admin', 'acme.engineering');
SELECT rbac_grant(test.p('erin'), 'admin', 'acme.engineering.backend-dev');
\o
