-- Ids are never reused: rows of the application's can outlive their resource,
-- and must not become somebody else's.
BEGIN;
SELECT plan(7);
\i examples/acme.sql
SELECT rbac_organization_create('evil', 'Evil', rbac_user_create('eve@evil.example'));

CREATE TABLE document (id int PRIMARY KEY, project uuid, content text);
INSERT INTO document VALUES (1, rbac_resource_id('acme.finance-prod'), 'confidential');
SELECT rbac_protect_table('document', 'project', 'project:services:read');
SELECT rbac_resource_id('acme.finance-prod') AS finance,
       rbac_resource_id('acme.finance-prod.postgresql') AS postgresql \gset
SELECT rbac_service_delete('acme.finance-prod.postgresql');
SELECT rbac_project_delete('acme.finance-prod');

CREATE ROLE app;
GRANT SELECT ON document TO app;
SELECT rbac_set_principal(rbac_user('eve@evil.example'));
SET LOCAL ROLE app;
SELECT throws_ok(format($$ SELECT rbac_project_create('evil', 'loot', id => %L) $$, :'finance'), '23505', NULL,
                 'another organization cannot create a project with the id of one that was deleted');
SELECT throws_ok(format($$ SELECT rbac_organization_create('loot', 'Loot', id => %L) $$, :'finance'), '23505', NULL,
                 'nor an organization');
SELECT rbac_project_create('evil', 'hideout');
SELECT throws_ok(format($$ SELECT rbac_service_create('evil.hideout', 'loot', 'pg', id => %L) $$, :'postgresql'),
                 '23505', NULL,
                 'nor a service');
SELECT is_empty('SELECT * FROM document', 'and the rows that were left behind stay hidden');
RESET ROLE;
SELECT rbac_reset_principal();
SELECT lives_ok(format($$ SELECT rbac_project_create('acme', 'finance-prod', id => %L) $$, :'finance'),
                'the operator restores the project');
SELECT rbac_project_create('evil', 'loot', id => '01234567-89ab-cdef-0123-456789abcdef');
SELECT rbac_project_edit('evil.loot', label => 'booty');
SELECT is(rbac_resource_id('evil.booty'), '01234567-89ab-cdef-0123-456789abcdef',
          'an application can bring ids of its own');
SELECT rbac_unit_create('evil', 'gang');
SELECT lives_ok($$ SELECT rbac_project_move('evil.booty', 'evil.gang') $$, 'and move what has them');
SELECT * FROM finish();
ROLLBACK;
