-- The hierarchy: what can be where, by function and by raw DML of the tables'
-- owner (H1, H2, H3, H4 inside an organization, H5, S7).
BEGIN;
\ir lib/helpers.sql
\ir lib/world.sql

SELECT plan(114);

-- A tenant table whose rows name their place by path, and one by id.
\o /dev/null
CREATE TABLE tenant_by_path (n int PRIMARY KEY, place rbac_path REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE);
CREATE TABLE tenant_by_id (n int PRIMARY KEY, place uuid REFERENCES aiven_rbac.resource (id));
INSERT INTO tenant_by_path
SELECT row_number() OVER (ORDER BY path), path FROM aiven_rbac.resource;
INSERT INTO tenant_by_id SELECT n, test.r(place::text) FROM tenant_by_path;

-- Resources below a path as one line: labels, not to be confused by ids
CREATE FUNCTION test.below(root rbac_path) RETURNS text
    LANGUAGE sql STABLE
    AS $$ SELECT string_agg(path::text, ' ' ORDER BY path) FROM aiven_rbac.resource WHERE path <@ root $$;

-- A raw row for a resource of some kind right under a parent
CREATE FUNCTION test.insert_raw(kind text, parent text, label text) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT format('INSERT INTO aiven_rbac.resource (id, kind, organization, parent, path, name) VALUES (%L, %L, %L, %L, %L, %L)',
                  test.id('raw ' || label), kind,
                  coalesce((SELECT organization FROM aiven_rbac.resource WHERE id = test.r(insert_raw.parent)), test.id('raw ' || label)),
                  test.r(insert_raw.parent), concat_ws('.', insert_raw.parent, label), label)
$$;
\o

-- H1: what stands in what -----------------------------------------------------

SELECT is(left(test.outcome(NULL, test.insert_raw(c.kind, p.path, 'new')), 5),
          CASE WHEN (c.kind, p.kind) IN (VALUES ('organization', 'nothing'), ('unit', 'organization'), ('project', 'organization'),
                                                ('project', 'unit'), ('service', 'project')) THEN 'ok' ELSE '23514' END,
          format('H1, S7: a row for a thing of kind %s in %s', c.kind, p.kind))
FROM unnest('{organization,unit,project,service}'::text[]) AS c (kind),
     (VALUES ('nothing', NULL), ('organization', 'acme'), ('unit', 'acme.engineering'),
             ('project', 'acme.engineering.backend-dev'), ('service', 'acme.engineering.backend-dev.pg')) AS p (kind, path)
ORDER BY c.kind, p.kind;

SELECT is(test.outcome(NULL, query), expected, description)
FROM (VALUES
    ('H1: a unit is not created in a unit',
     $$ SELECT rbac_unit_create('acme.engineering', 'new') $$,
     '42809 "acme.engineering" is not of kind organization'),
    ('H1: a unit is not created in a project',
     $$ SELECT rbac_unit_create('acme.finance', 'new') $$,
     '42809 "acme.finance" is not of kind organization'),
    ('H1: a project is not created in a project',
     $$ SELECT rbac_project_create('acme.finance', 'new') $$,
     '42809 "acme.finance" is not of kind organization or unit'),
    ('H1: a project is not created in a service',
     $$ SELECT rbac_project_create('acme.finance.pg', 'new') $$,
     '42809 "acme.finance.pg" is not of kind organization or unit'),
    ('H1: a service is not created in an organization',
     $$ SELECT rbac_service_create('acme', 'new', 'pg') $$,
     '42809 "acme" is not of kind project'),
    ('H1: a service is not created in a unit',
     $$ SELECT rbac_service_create('acme.engineering', 'new', 'pg') $$,
     '42809 "acme.engineering" is not of kind project'),
    ('H1: a service is not created in a service',
     $$ SELECT rbac_service_create('acme.finance.pg', 'new', 'pg') $$,
     '42809 "acme.finance.pg" is not of kind project'),
    ('H1: a unit does not come into a unit by changing its row',
     $$ UPDATE aiven_rbac.resource SET parent = test.r('acme.engineering'), path = 'acme.engineering.analytics' WHERE path = 'acme.analytics' $$,
     '23514 new row for relation "resource" violates check constraint "resource_depth_fits_kind"'),
    ('H1: an organization does not come into another',
     $$ UPDATE aiven_rbac.resource SET parent = test.r('acme') WHERE path = 'globex' $$,
     '23514 new row for relation "resource" violates check constraint "resource_organization_is_root"'),
    ('H1: a unit does not become an organization',
     $$ UPDATE aiven_rbac.resource SET parent = NULL, path = 'analytics' WHERE path = 'acme.analytics' $$,
     '23514 new row for relation "resource" violates check constraint "resource_depth_fits_kind"'),
    ('H1: a project stands right under its parent',
     $$ UPDATE aiven_rbac.resource SET parent = test.r('acme') WHERE path = 'acme.analytics.warehouse' $$,
     '23514 path "acme.analytics.warehouse" does not continue its parent''s path "acme"'),
    ('H1: a path does not move without its parent',
     $$ UPDATE aiven_rbac.resource SET path = 'acme.warehouse' WHERE path = 'acme.analytics.warehouse' $$,
     '23514 path "acme.warehouse" does not continue its parent''s path "acme.analytics"'),
    ('H1: a service does not stand in itself',
     $$ UPDATE aiven_rbac.resource SET parent = id WHERE path = 'acme.finance.pg' $$,
     '23514 service "acme.finance.pg" cannot be inside service "acme.finance.pg"'),
    ('H1: a project does not stand in its own service',
     $$ UPDATE aiven_rbac.resource SET parent = test.r('acme.finance.pg') WHERE path = 'acme.finance' $$,
     '23514 project "acme.finance" cannot be inside service "acme.finance.pg"'),
    ('H1: a parent exists',
     $$ UPDATE aiven_rbac.resource SET parent = test.id('nothing') WHERE path = 'acme.finance' $$,
     '23503 the parent of project "acme.finance" does not exist'),
    ('H1: a resource belongs to its parent''s organization',
     $$ UPDATE aiven_rbac.resource SET organization = test.id('globex') WHERE path = 'acme.analytics' $$,
     '23514 path "acme.analytics" does not continue its parent''s path "acme"'),
    ('H1: the id of a resource does not change',
     $$ DELETE FROM tenant_by_id; UPDATE aiven_rbac.resource SET id = test.id('other') WHERE path = 'acme.analytics.warehouse.kafka' $$,
     '23000 the id and the kind of a resource cannot change'),
    ('H1: nor by one statement for all',
     $$ DELETE FROM tenant_by_id; UPDATE aiven_rbac.resource SET id = md5(id::text)::uuid WHERE kind = 'unit' $$,
     '23000 the id and the kind of a resource cannot change'),
    ('H1: the kind of a resource does not change, where the shape would allow it',
     $$ UPDATE aiven_rbac.resource SET kind = 'project' WHERE path = 'acme.analytics' $$,
     '23000 the id and the kind of a resource cannot change'),
    ('H1: nothing is of an unknown kind',
     $$ INSERT INTO aiven_rbac.resource (kind, organization, parent, path, name)
        VALUES ('folder', test.id('acme'), test.id('acme'), 'acme.new', 'new') $$,
     '23514 new row for relation "resource" violates check constraint "resource_kind_known"'),
    ('H1: a project''s own row is a project''s',
     $$ INSERT INTO aiven_rbac.project (id, organization) VALUES (test.r('acme.analytics'), test.id('acme')) $$,
     '23503 insert or update on table "project" violates foreign key constraint "project_resource_fkey"'),
    ('H1: a project''s own row is of its organization',
     $$ UPDATE aiven_rbac.project SET organization = test.id('globex') WHERE id = test.id('finance') $$,
     '23503 insert or update on table "project" violates foreign key constraint "project_resource_fkey"'),
    ('H1: an organization''s own row is an organization''s',
     $$ INSERT INTO aiven_rbac.organization (id) VALUES (test.r('acme.analytics')) $$,
     '23503 insert or update on table "organization" violates foreign key constraint "organization_resource_fkey"'),
    ('H1, H5: the hierarchy is not truncated alone',
     $$ TRUNCATE aiven_rbac.resource $$,
     '0A000 cannot truncate a table referenced in a foreign key constraint'),
    ('G8: nor does it take the catalogue along',
     $$ TRUNCATE aiven_rbac.resource CASCADE $$,
     '55000 table "grantable" cannot be truncated')
    ) AS v (description, query, expected);

-- Rows of one statement may come in any order, as a restore brings them.
SELECT is(test.outcome(NULL, query, look), expected, description)
FROM (VALUES
    ('H1: a whole branch can be inserted from the bottom up',
     $$ INSERT INTO aiven_rbac.resource (id, kind, organization, parent, path, name) VALUES
        (test.id('s'), 'service', test.id('o'), test.id('p'), 'o.u.p.s', 's'), (test.id('p'), 'project', test.id('o'), test.id('u'), 'o.u.p', 'p'),
        (test.id('u'), 'unit', test.id('o'), test.id('o'), 'o.u', 'u'), (test.id('o'), 'organization', test.id('o'), NULL, 'o', 'o') $$,
     $$ SELECT test.below('o') $$,
     'ok o o.u o.u.p o.u.p.s'),
    ('H1: a branch without its root is refused whole',
     $$ INSERT INTO aiven_rbac.resource (id, kind, organization, parent, path, name) VALUES
        (test.id('s'), 'service', test.id('acme'), test.id('p'), 'acme.u.p.s', 's'), (test.id('p'), 'project', test.id('acme'), test.id('u'), 'acme.u.p', 'p') $$,
     NULL,
     '23503 the parent of project "acme.u.p" does not exist'),
    ('H4: what is below follows a unit that gets another label',
     $$ UPDATE aiven_rbac.resource SET path = 'acme.eng' WHERE path = 'acme.engineering' $$,
     $$ SELECT test.below('acme.eng') $$,
     'ok acme.eng acme.eng.backend-dev acme.eng.backend-dev.pg acme.eng.backend-prod acme.eng.backend-prod.pg'),
    ('H4: what is below follows an organization that gets another label, tenant rows included',
     $$ UPDATE aiven_rbac.resource SET path = 'megacorp' WHERE path = 'acme' $$,
     $$ SELECT string_agg(place::text, ' ' ORDER BY place) FROM tenant_by_path WHERE place <@ 'megacorp.engineering' OR place <@ 'acme' $$,
     'ok megacorp.engineering megacorp.engineering.backend-dev megacorp.engineering.backend-dev.pg megacorp.engineering.backend-prod megacorp.engineering.backend-prod.pg'),
    ('H4: a branch can be moved by one statement for all of its rows',
     $$ UPDATE aiven_rbac.resource SET path = ('acme.eng' || substr(path::text, 17))::rbac_path WHERE path <@ 'acme.engineering' $$,
     $$ SELECT test.below('acme.eng') $$,
     'ok acme.eng acme.eng.backend-dev acme.eng.backend-dev.pg acme.eng.backend-prod acme.eng.backend-prod.pg'),
    ('H4: two projects can change places in one statement',
     $$ UPDATE aiven_rbac.resource SET parent = CASE path WHEN 'acme.finance' THEN test.r('acme.analytics') ELSE test.r('acme') END,
               path = CASE path WHEN 'acme.finance' THEN 'acme.analytics.finance'::rbac_path ELSE 'acme.warehouse' END
        WHERE path IN ('acme.finance', 'acme.analytics.warehouse') $$,
     $$ SELECT concat_ws(' ', test.below('acme.analytics'), test.below('acme.warehouse')) $$,
     'ok acme.analytics acme.analytics.finance acme.analytics.finance.pg acme.warehouse acme.warehouse.kafka'),
    ('H5: a branch can be deleted by one statement',
     $$ DELETE FROM tenant_by_path; DELETE FROM tenant_by_id; DELETE FROM aiven_rbac.resource WHERE path <@ 'acme.engineering' $$,
     $$ SELECT concat_ws(' ', test.below('acme'), count(*)) FROM aiven_rbac.access_grant $$,
     'ok acme acme.analytics acme.analytics.warehouse acme.analytics.warehouse.kafka acme.finance acme.finance.pg 1'),
    ('H5: an organization can be deleted by one statement, with all that hangs on it',
     $$ DELETE FROM tenant_by_path; DELETE FROM tenant_by_id; DELETE FROM aiven_rbac.resource WHERE path <@ 'acme' $$,
     $$ SELECT (SELECT count(*) FROM aiven_rbac.resource WHERE path <@ 'acme')
               + (SELECT count(*) FROM aiven_rbac.membership WHERE organization = test.id('acme'))
               + (SELECT count(*) FROM aiven_rbac.principal WHERE organization = test.id('acme'))
               + (SELECT count(*) FROM aiven_rbac.group_member WHERE organization = test.id('acme'))
               + (SELECT count(*) FROM aiven_rbac.access_grant WHERE organization = test.id('acme'))
               + (SELECT count(*) FROM aiven_rbac.project WHERE organization = test.id('acme')) $$,
     'ok 0'),
    ('H5: a branch is not deleted as long as something below stays',
     $$ DELETE FROM tenant_by_path; DELETE FROM tenant_by_id;
        DELETE FROM aiven_rbac.resource WHERE path <@ 'acme.engineering' AND kind <> 'service' $$,
     NULL,
     '2BP01 project "acme.engineering.backend-dev" is not empty'),
    ('H5: deleting everything leaves nothing',
     $$ DELETE FROM tenant_by_path; DELETE FROM tenant_by_id;
        DELETE FROM aiven_rbac.resource; DELETE FROM aiven_rbac.principal $$,
     $$ SELECT (SELECT count(*) FROM aiven_rbac.resource) + (SELECT count(*) FROM aiven_rbac.principal)
               + (SELECT count(*) FROM aiven_rbac.membership) + (SELECT count(*) FROM aiven_rbac.group_member)
               + (SELECT count(*) FROM aiven_rbac.access_grant) + (SELECT count(*) FROM rbac_effective_actions(test.id('ann'), test.id('acme'))) $$,
     'ok 0')
    ) AS v (description, query, look, expected);

-- H2: who creates an organization is its super admin -----------------------------

SELECT is(test.outcome(who, query, look), expected, description)
FROM (VALUES
    ('H2: the creator is super admin', 'olga',
     $$ SELECT rbac_organization_create('olgas', 'Olga''s') $$,
     $$ SELECT concat_ws(' ', rbac_has_permission(test.p('olga'), 'olgas'::rbac_path, 'super_admin'),
                         (SELECT count(*) FROM aiven_rbac.group_member WHERE organization = test.r('olgas'))) $$,
     'ok t 1'),
    ('H2: the creator''s membership comes with it', 'olga',
     $$ SELECT rbac_organization_create('olgas', 'Olga''s') $$,
     $$ SELECT string_agg(p.name, ' ' ORDER BY p.name) FROM aiven_rbac.membership AS m JOIN aiven_rbac.principal AS p ON p.id = m.principal
        WHERE m.organization = test.r('olgas') $$,
     'ok account owners olga'),
    ('H2: nobody is made super admin by somebody else', 'bob',
     $$ SELECT rbac_organization_create('bobs', 'Bob''s', test.p('ann')) $$, NULL,
     '42501 permission denied to create an organization for another user'),
    ('H2: the operator names the super admin', NULL,
     $$ SELECT rbac_organization_create('olgas', 'Olga''s', test.p('olga')) $$,
     $$ SELECT rbac_has_permission(test.p('olga'), 'olgas'::rbac_path, 'super_admin') $$,
     'ok true'),
    ('H2: the operator has to', NULL,
     $$ SELECT rbac_organization_create('new', 'New') $$, NULL,
     '22004 an organization needs a super admin'),
    ('H2: a super admin exists', NULL,
     $$ SELECT rbac_organization_create('new', 'New', test.id('nobody')) $$, NULL,
     format('42704 user with id %s does not exist', test.id('nobody'))),
    ('H2, P2: an application user founds no organization', 'robot',
     $$ SELECT rbac_organization_create('robots', 'Robots') $$, NULL,
     '42809 application user "robot" is not of kind user'),
    ('H2: a group founds no organization', NULL,
     $$ SELECT rbac_organization_create('teams', 'Teams', test.p('team')) $$, NULL,
     '42809 group "team" is not of kind user')
    ) AS v (description, who, query, look, expected);

-- H3: labels -----------------------------------------------------------------------

SELECT is(test.outcome(NULL, query), expected, description)
FROM (VALUES
    ('H3: a project''s label is unique in the whole database',
     $$ SELECT rbac_project_create('globex', 'finance') $$, '23505 project label "finance" is already taken'),
    ('H3: also at another depth',
     $$ SELECT rbac_project_create('globex.research', 'finance') $$, '23505 project label "finance" is already taken'),
    ('H3: also among siblings',
     $$ SELECT rbac_project_create('acme', 'finance') $$, '23505 "acme.finance" already exists'),
    ('H3, S7: also for a raw row',
     test.insert_raw('project', 'globex', 'finance'), '23505 duplicate key value violates unique constraint "resource_project_label_key"'),
    ('H3, S7: also for a raw change',
     $$ UPDATE aiven_rbac.resource SET path = 'globex.finance' WHERE path = 'globex.factory' $$,
     '23505 duplicate key value violates unique constraint "resource_project_label_key"'),
    ('H3: a unit''s label is unique among its siblings',
     $$ SELECT rbac_unit_create('acme', 'analytics') $$, '23505 "acme.analytics" already exists'),
    ('H3: units of two organizations can have one label',
     $$ SELECT rbac_unit_create('globex', 'analytics') $$, 'ok'),
    ('H3: a unit and a project share the room for labels',
     $$ SELECT rbac_unit_create('acme', 'finance') $$, '23505 "acme.finance" already exists'),
    ('H3: a unit and a project elsewhere do not',
     $$ SELECT rbac_unit_create('globex', 'finance') $$, 'ok'),
    ('H3: a project can be called like a unit of another organization',
     $$ SELECT rbac_project_create('globex', 'analytics') $$, 'ok'),
    ('H3: a service''s label is unique in its project',
     $$ SELECT rbac_service_create('acme.finance', 'pg', 'pg') $$, '23505 "acme.finance.pg" already exists'),
    ('H3: services of two projects can have one label',
     $$ SELECT rbac_service_create('globex.factory', 'pg', 'pg') $$, 'ok'),
    ('H3: an organization''s label is unique',
     $$ SELECT rbac_organization_create('acme', 'Another', test.p('olga')) $$, '23505 "acme" already exists'),
    ('H3: a label that is free again can be taken',
     $$ SELECT rbac_project_delete('globex.factory'); SELECT rbac_project_create('acme', 'factory') $$, 
     '23503 update or delete on table "resource" violates foreign key constraint "tenant_by_path_place_fkey" on table "tenant_by_path"'),
    ('H3: when no row of a tenant''s holds it any more',
     $$ DELETE FROM tenant_by_path; DELETE FROM tenant_by_id;
        SELECT rbac_project_delete('globex.factory'); SELECT rbac_project_create('acme', 'factory') $$, 'ok'),
    ('an id is not given twice',
     $$ SELECT rbac_project_create('acme', 'mine', NULL, NULL, test.id('finance')) $$,
     format('23505 a resource with the id %s already exists', test.id('finance'))),
    ('a label is given',
     $$ SELECT rbac_project_create('acme', NULL) $$,
     '22004 label of the project must not be null')
    ) AS v (description, query, expected);

SELECT is(test.outcome(NULL, $$ SELECT rbac_project_create('acme', 'mine', NULL, NULL, test.id('mine')) $$,
                       $$ SELECT concat_ws(' ', rbac_resource_path(test.id('mine')), rbac_resource_id('acme.mine') = test.id('mine')) $$),
          'ok acme.mine t', 'an application can bring the id');

-- H4: moving inside an organization ---------------------------------------------

SELECT is(test.outcome(who, query, look), expected, description)
FROM (VALUES
    ('H4: a project moves to another unit, its services with it', NULL,
     $$ SELECT rbac_project_move('acme.engineering.backend-dev', 'acme.analytics') $$,
     $$ SELECT concat_ws(' ', test.below('acme.analytics'), '|', test.below('acme.engineering')) $$,
     'ok acme.analytics acme.analytics.backend-dev acme.analytics.backend-dev.pg acme.analytics.warehouse acme.analytics.warehouse.kafka'
     ' | acme.engineering acme.engineering.backend-prod acme.engineering.backend-prod.pg'),
    ('H4: a project moves out of its unit', NULL,
     $$ SELECT rbac_project_move('acme.engineering.backend-dev', 'acme') $$,
     $$ SELECT test.below('acme.backend-dev') $$,
     'ok acme.backend-dev acme.backend-dev.pg'),
    ('H4: a project moves into a unit', NULL,
     $$ SELECT rbac_project_move('acme.finance', 'acme.analytics') $$,
     $$ SELECT test.below('acme.analytics.finance') $$,
     'ok acme.analytics.finance acme.analytics.finance.pg'),
    ('H4: a project moves to where it is', NULL,
     $$ SELECT rbac_project_move('acme.finance', 'acme') $$,
     $$ SELECT test.below('acme.finance') $$,
     'ok (nothing changed) acme.finance acme.finance.pg'),
    ('H4: ids stay', NULL,
     $$ SELECT rbac_project_move('acme.finance', 'acme.analytics') $$,
     $$ SELECT test.r('acme.analytics.finance') = test.id('finance') AND test.r('acme.analytics.finance.pg') = test.id('acme.finance.pg') $$,
     'ok true'),
    ('H4: tenant rows follow by path and stay by id', NULL,
     $$ SELECT rbac_project_move('acme.finance', 'acme.analytics') $$,
     $$ SELECT string_agg(a.place::text, ' ' ORDER BY a.place) || ' ' || bool_and(test.r(a.place::text) = b.place)
        FROM tenant_by_path AS a JOIN tenant_by_id AS b USING (n) WHERE b.place IN (test.id('finance'), test.id('acme.finance.pg')) $$,
     'ok acme.analytics.finance acme.analytics.finance.pg true'),
    ('H4: grants on a project move with it', NULL,
     $$ SELECT rbac_project_move('acme.engineering.backend-dev', 'acme') $$,
     $$ SELECT rbac_has_permission(test.p('erin'), 'acme.backend-dev.pg'::rbac_path, 'service.delete') $$,
     'ok true'),
    ('H4, G3: grants on the unit that it leaves do not', NULL,
     $$ SELECT rbac_project_move('acme.engineering.backend-dev', 'acme') $$,
     $$ SELECT concat_ws(' ', rbac_has_permission(test.p('dave'), 'acme.backend-dev.pg'::rbac_path, 'service.delete'),
                         rbac_has_permission(test.p('dave'), 'acme.engineering.backend-prod.pg'::rbac_path, 'service.delete')) $$,
     'ok f t'),
    ('H4, G3: grants on the unit that it comes to reach it', NULL,
     $$ SELECT rbac_project_move('acme.finance', 'acme.engineering') $$,
     $$ SELECT rbac_has_permission(test.p('dave'), test.id('acme.finance.pg'), 'service.delete') $$,
     'ok true'),
    ('H4: the organization''s admin moves', 'carol',
     $$ SELECT rbac_project_move('acme.finance', 'acme.engineering') $$, $$ SELECT test.below('acme.engineering.finance') $$,
     'ok acme.engineering.finance acme.engineering.finance.pg'),
    ('H4: the project''s admin does not', 'erin',
     $$ SELECT rbac_project_move('acme.engineering.backend-dev', 'acme') $$, NULL,
     '42501 permission denied for project "acme.engineering.backend-dev"'),
    ('H4: the unit''s admin does not', 'dave',
     $$ SELECT rbac_project_move('acme.engineering.backend-dev', 'acme') $$, NULL,
     '42501 permission denied for project "acme.engineering.backend-dev"'),
    ('H4: a project does not move to another organization without a billing group there', NULL,
     $$ SELECT rbac_project_move('acme.finance', 'globex') $$, NULL,
     '22004 moving project "acme.finance" to another organization requires a billing group of that organization'),
    ('H4: a project does not move into a project', NULL,
     $$ SELECT rbac_project_move('acme.finance', 'acme.analytics.warehouse') $$, NULL,
     '42809 "acme.analytics.warehouse" is not of kind organization or unit'),
    ('H4: a unit does not move', NULL,
     $$ SELECT rbac_project_move('acme.engineering', 'acme') $$, NULL,
     '42809 "acme.engineering" is not of kind project'),
    ('H3, H4: a project does not move to where its label is taken', NULL,
     $$ SELECT rbac_unit_create('acme', 'warehouse'); SELECT rbac_project_move('acme.analytics.warehouse', 'acme') $$, NULL,
     '23505 "acme.warehouse" already exists'),
    ('H4, P1: a raw move to another organization takes no grant along', NULL,
     $$ UPDATE aiven_rbac.resource SET organization = test.id('globex'), parent = test.id('globex'), path = 'globex.backend-dev'
        WHERE path = 'acme.engineering.backend-dev' $$, NULL,
     '23503 insert or update on table "access_grant" violates foreign key constraint "access_grant_membership_fkey"'),
    ('H4: a raw move to another organization takes everything else along', NULL,
     $$ UPDATE aiven_rbac.resource SET organization = test.id('globex'), parent = test.id('globex'), path = 'globex.finance'
        WHERE path = 'acme.finance' $$,
     $$ SELECT concat_ws(' ', test.below('globex.finance'), (SELECT organization = test.id('globex') FROM aiven_rbac.project WHERE id = test.id('finance')),
                         (SELECT organization = test.id('globex') FROM aiven_rbac.service WHERE id = test.id('acme.finance.pg')),
                         (SELECT organization = test.id('globex') FROM aiven_rbac.resource WHERE id = test.id('acme.finance.pg')),
                         rbac_has_permission(test.p('ann'), test.id('acme.finance.pg'), 'service.view'),
                         rbac_has_permission(test.p('gina'), test.id('acme.finance.pg'), 'service.view')) $$,
     'ok globex.finance globex.finance.pg t t t f t')
    ) AS v (description, who, query, look, expected);

-- H5: deletion ----------------------------------------------------------------------

\o /dev/null
DELETE FROM tenant_by_path;
DELETE FROM tenant_by_id;
SELECT rbac_organization_create('empty', 'Empty', test.p('olga'), test.id('empty'));
SELECT rbac_group_create('empty', 'empty-group');
SELECT rbac_grant(test.p('empty-group'), 'read_only', 'empty');
SELECT rbac_unit_create('acme', 'empty');
SELECT rbac_project_create('acme', 'empty-project');
\o

SELECT is(test.outcome(who, query, look), expected, description)
FROM (VALUES
    ('H5: a project with a service', NULL, $$ SELECT rbac_project_delete('acme.finance') $$, NULL,
     '2BP01 project "acme.finance" is not empty'),
    ('H5: a unit with projects', NULL, $$ SELECT rbac_unit_delete('acme.analytics') $$, NULL,
     '2BP01 unit "acme.analytics" is not empty'),
    ('H5: an organization with units', NULL, $$ SELECT rbac_organization_delete('globex') $$, NULL,
     '2BP01 organization "globex" is not empty'),
    ('H5, S7: raw deletion of what is not empty', NULL, $$ DELETE FROM aiven_rbac.resource WHERE path = 'acme.finance' $$, NULL,
     '2BP01 project "acme.finance" is not empty'),
    ('H5: not even by its super admin', 'ann', $$ SELECT rbac_unit_delete('acme.analytics') $$, NULL,
     '2BP01 unit "acme.analytics" is not empty'),
    ('H5: from the bottom up', 'ann',
     $$ SELECT rbac_service_delete('acme.analytics.warehouse.kafka'); SELECT rbac_project_delete('acme.analytics.warehouse');
        SELECT rbac_unit_delete('acme.analytics') $$,
     $$ SELECT count(*) FROM aiven_rbac.resource WHERE path <@ 'acme.analytics' $$,
     'ok 0'),
    ('H5: what a service was goes with it', NULL, $$ SELECT rbac_service_delete('acme.finance.pg') $$,
     $$ SELECT count(*) FROM aiven_rbac.service WHERE id = test.id('acme.finance.pg') $$, 'ok 0'),
    ('H5: a super admin deletes an organization, with its groups and grants', 'olga', $$ SELECT rbac_organization_delete('empty') $$,
     $$ SELECT (SELECT count(*) FROM aiven_rbac.principal WHERE organization = test.id('empty'))
               + (SELECT count(*) FROM aiven_rbac.membership WHERE organization = test.id('empty'))
               + (SELECT count(*) FROM aiven_rbac.access_grant WHERE organization = test.id('empty'))
               + (SELECT count(*) FROM aiven_rbac.organization WHERE id = test.id('empty')) $$, 'ok 0'),
    ('H5: an organization admin does not', 'carol', $$ SELECT rbac_organization_delete('acme') $$, NULL,
     '42501 permission denied for organization "acme"'),
    ('H5: a unit''s admin does not delete the unit', 'dave', $$ SELECT rbac_unit_delete('acme.engineering') $$, NULL,
     '42501 permission denied for unit "acme.engineering"'),
    ('H5: an organization admin deletes units', 'carol', $$ SELECT rbac_unit_delete('acme.empty') $$, NULL, 'ok'),
    ('H5: a member without grants deletes nothing', 'bob', $$ SELECT rbac_project_delete('acme.empty-project') $$, NULL,
     '42501 permission denied for project "acme.empty-project"'),
    ('H5: a delete function deletes its own kind', NULL, $$ SELECT rbac_unit_delete('acme.empty-project') $$, NULL,
     '42809 "acme.empty-project" is not of kind unit'),
    ('H5: nothing that does not exist', NULL, $$ SELECT rbac_project_delete('acme.nothing') $$, NULL,
     '42704 project "acme.nothing" does not exist')
    ) AS v (description, who, query, look, expected);

SELECT is((test.attempt(NULL, $$ SELECT rbac_unit_delete('acme.analytics') $$)).detail,
          'It has project "acme.analytics.warehouse" inside.', 'H5: what is inside is named');

SELECT * FROM finish();
ROLLBACK;
