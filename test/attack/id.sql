-- Ids that rows of the application's carry already: of a tenant that is not
-- registered yet, or of a resource that was deleted.  Whoever could bring one
-- would be given the rows (H2, H5).
BEGIN;
SELECT no_plan();
\i examples/acme.sql
SELECT rbac_organization_create('evil', 'Evil', rbac_user_create('eve@evil.example'));
SELECT rbac_project_create('evil', 'hideout');

\set unborn '11111111-2222-4333-8444-555555555555'
CREATE TABLE document (id int PRIMARY KEY, project uuid, content text);
INSERT INTO document VALUES (1, rbac_resource_id('acme.finance-prod'), 'confidential'), (2, :'unborn', 'too early');
SELECT rbac_protect_table('document', 'project', 'project:services:read');
SELECT rbac_resource_id('acme.finance-prod') AS finance,
       rbac_resource_id('acme.finance-prod.postgresql') AS postgresql \gset
SELECT rbac_service_delete('acme.finance-prod.postgresql');
SELECT rbac_project_delete('acme.finance-prod');

-- Every function that an id can be brought to
CREATE TEMP TABLE bringer (function regproc, call text);
INSERT INTO bringer VALUES
    ('rbac_organization_create', $$ rbac_organization_create('loot', 'Loot', id => %L) $$),
    ('rbac_unit_create', $$ rbac_unit_create('evil', 'gang', id => %L) $$),
    ('rbac_project_create', $$ rbac_project_create('evil', 'loot', id => %L) $$),
    ('rbac_service_create', $$ rbac_service_create('evil.hideout', 'loot', 'pg', id => %L) $$),
    ('rbac_user_create', $$ rbac_user_create('mallory@evil.example', id => %L) $$);
SELECT set_eq($$ SELECT oid::regproc FROM pg_proc
                 WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'rbac%create' AND 'id' = ANY (proargnames) $$,
              'SELECT function FROM bringer', 'no function that takes an id is forgotten');

CREATE ROLE app;
GRANT SELECT ON document, bringer TO app;
GRANT EXECUTE ON FUNCTION rbac_user_create TO app;
SELECT rbac_set_principal(rbac_user('eve@evil.example'));
SET LOCAL ROLE app;
SELECT throws_ok('SELECT ' || format(call, id), '42501', NULL, format('H2: a principal brings %s to %s', what, function))
FROM bringer, (VALUES ('the id of rows that are there', :'unborn'), ('the id of a deleted project', :'finance'),
                      ('the id of a deleted service', :'postgresql'), ('the nil id', '00000000-0000-0000-0000-000000000000'),
                      ('an id that nobody has', '01234567-89ab-cdef-0123-456789abcdef')) AS v (what, id);
SELECT is_empty('SELECT * FROM document', 'H2: the rows stay hidden');
SELECT lives_ok('SELECT ' || format(call, NULL), format('H2: %s makes an id itself', function)) FROM bringer;
RESET ROLE;
SELECT rbac_reset_principal();

-- While none is set, those that administer may.
SELECT lives_ok(format($$ SELECT rbac_project_create('acme', 'finance-prod', id => %L) $$, :'finance'),
                'H5: the operator restores the project');
SELECT rbac_project_edit('acme.finance-prod', label => 'finance');
SELECT is(rbac_resource_id('acme.finance'), :'finance'::uuid, 'H2: which keeps the id');
SELECT rbac_unit_create('acme', 'money');
SELECT lives_ok($$ SELECT rbac_project_move('acme.finance', 'acme.money') $$, 'and moves with it');
SELECT throws_ok($$ SELECT rbac_organization_create('nil', 'Nil', rbac_user('eve@evil.example'), '00000000-0000-0000-0000-000000000000') $$,
                 '22023', 'the nil id cannot be the id of a new organization', 'the nil id, which stands for all organizations, is nobody''s');
SELECT * FROM finish();
ROLLBACK;
