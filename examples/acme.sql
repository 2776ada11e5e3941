-- Acme Corporation: the organization of the documentation's examples.
-- Run as the bootstrap operator (a superuser, or the owner of the extension).

SELECT rbac_organization_create('acme', 'Acme Corporation', rbac_user_create('ann@acme.example', 'Ann'));

SELECT rbac_unit_create('acme', 'engineering', 'Engineering');
SELECT rbac_unit_create('acme', 'analytics', 'Analytics');

SELECT rbac_project_create('acme.engineering', 'backend-dev');
SELECT rbac_project_create('acme.engineering', 'backend-prod');
SELECT rbac_project_create('acme.analytics', 'data-warehouse');
SELECT rbac_project_create('acme', 'finance-prod');

SELECT rbac_service_create('acme.engineering.backend-dev', 'postgresql', 'pg');
SELECT rbac_service_create('acme.engineering.backend-dev', 'redis', 'redis');
SELECT rbac_service_create('acme.engineering.backend-prod', 'postgresql', 'pg');
SELECT rbac_service_create('acme.engineering.backend-prod', 'redis', 'redis');
SELECT rbac_service_create('acme.analytics.data-warehouse', 'clickhouse', 'clickhouse');
SELECT rbac_service_create('acme.analytics.data-warehouse', 'kafka', 'kafka');
SELECT rbac_service_create('acme.finance-prod', 'postgresql', 'pg');

-- Members: each is invited and accepts.
SELECT rbac_user_create(lower(name) || '@acme.example', name)
FROM unnest(ARRAY['Bob', 'Carol', 'Dave', 'Erin', 'Frank', 'Grace', 'Heidi']) AS name;
SELECT rbac_invitation_accept(rbac_invitation_create('acme', lower(name) || '@acme.example'))
FROM unnest(ARRAY['Bob', 'Carol', 'Dave', 'Erin', 'Frank', 'Grace', 'Heidi']) AS name;

-- A group: what it is granted, every member has.  Bob is an admin of one
-- project and an operator of the other because he is in this team.
SELECT rbac_group_create('acme', 'backend-team', 'Backend engineering team');
SELECT rbac_group_member_add(rbac_group('acme', 'backend-team'), rbac_user('bob@acme.example'));
SELECT rbac_grant(rbac_group('acme', 'backend-team'), 'organization:projects:write', 'acme');
SELECT rbac_grant(rbac_group('acme', 'backend-team'), 'admin', 'acme.engineering.backend-dev');
SELECT rbac_grant(rbac_group('acme', 'backend-team'), 'operator', 'acme.engineering.backend-prod');

-- Another group, with grants at all three levels.
SELECT rbac_group_create('acme', 'engineering-team', 'Engineering team');
SELECT rbac_group_member_add(rbac_group('acme', 'engineering-team'), rbac_user(email))
FROM unnest(ARRAY['erin@acme.example', 'frank@acme.example', 'heidi@acme.example']) AS email;
SELECT rbac_grant(rbac_group('acme', 'engineering-team'), 'organization:projects:write', 'acme');
SELECT rbac_grant(rbac_group('acme', 'engineering-team'), 'role:organization:admin', 'acme.engineering');
SELECT rbac_grant(rbac_group('acme', 'engineering-team'), 'admin', 'acme.engineering.backend-dev');
SELECT rbac_grant(rbac_group('acme', 'engineering-team'), 'operator', 'acme.engineering.backend-prod');

-- Cumulative: the lesser role on the project takes nothing from the greater
-- permission above.
SELECT rbac_grant(rbac_user('carol@acme.example'), 'project:services:write', 'acme');
SELECT rbac_grant(rbac_user('carol@acme.example'), 'read_only', 'acme.engineering.backend-dev');

-- Inherited: what is granted on a level reaches all that is below it.  Grace
-- creates projects anywhere in the organization and manages one project with
-- its services; Dave administers a unit with its projects.
SELECT rbac_grant(rbac_user('grace@acme.example'), 'organization:projects:write', 'acme');
SELECT rbac_grant(rbac_user('grace@acme.example'), 'admin', 'acme.engineering.backend-prod');
SELECT rbac_grant(rbac_user('dave@acme.example'), 'role:organization:admin', 'acme.engineering');

-- Automation has an application user of its own.
SELECT rbac_application_user_create('acme', 'terraform', 'Manages the infrastructure');
SELECT rbac_grant(rbac_application_user('acme', 'terraform'), 'admin', 'acme.analytics.data-warehouse');
