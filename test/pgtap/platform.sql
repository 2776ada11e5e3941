-- The example of a whole platform: every role and permission, through the
-- application's own tables, does what the catalogue says and nothing else.

BEGIN;
SET client_min_messages = warning;
\set ON_ERROR_STOP 1
\o /dev/null
\i examples/acme.sql
\i examples/platform.sql

-- One user for each role and permission at each level.
CREATE TABLE worker AS
SELECT g.id AS grantable, g.name, o.resource_kind AS level,
       replace(g.name, ':', '-') || '.' || o.resource_kind || '@worker.example' AS email
FROM aiven_rbac.grantable AS g JOIN aiven_rbac.grantable_on AS o ON o.grantable = g.id WHERE g.built_in;
SELECT rbac_invitation_accept(rbac_invitation_create('acme', email))
FROM (SELECT email, rbac_user_create(email) FROM worker) AS w;
SELECT rbac_grant(rbac_user(email), name,
                  CASE level WHEN 'organization' THEN 'acme' WHEN 'unit' THEN 'acme.analytics'
                             ELSE 'acme.analytics.data-warehouse' END::rbac_path)
FROM worker;
INSERT INTO worker VALUES (NULL, 'member', 'none', 'bare@worker.example');
SELECT rbac_invitation_accept(rbac_invitation_create('acme', 'bare@worker.example')) FROM rbac_user_create('bare@worker.example');
INSERT INTO worker SELECT g.id, g.name, 'organization', 'ann@acme.example' FROM aiven_rbac.grantable AS g WHERE g.name = 'super_admin';
\o

CREATE TABLE place AS
SELECT kind, id FROM aiven_rbac.resource
WHERE path IN ('acme', 'acme.analytics', 'acme.analytics.data-warehouse', 'acme.analytics.data-warehouse.kafka');

-- What an action does, by its name: "kafka_topic.create" inserts into
-- kafka_topic.  What no table is for is an operation.
CREATE TABLE deed AS
WITH named AS (
    SELECT a.number, a.name AS action, a.resource_kind, split_part(a.name, '.', 1) AS thing, split_part(a.name, '.', 2) AS verb
    FROM aiven_rbac.action AS a
), done AS (
    SELECT n.action, n.resource_kind, n.thing, v.command
    FROM named AS n
    JOIN (VALUES ('view', 'SELECT'), ('list', 'SELECT'), ('read', 'SELECT'),
                 ('create', 'INSERT'), ('add', 'INSERT'), ('enable', 'INSERT'),
                 ('edit', 'UPDATE'), ('change', 'UPDATE'),
                 ('delete', 'DELETE'), ('remove', 'DELETE'), ('disable', 'DELETE'),
                 ('manage', 'INSERT'), ('manage', 'UPDATE'), ('manage', 'DELETE'),
                 ('write', 'INSERT'), ('write', 'UPDATE'), ('write', 'DELETE'),
                 ('update', 'INSERT'), ('update', 'UPDATE'), ('update', 'DELETE')) AS v (verb, command) ON v.verb = n.verb
    WHERE n.thing IN (SELECT relname FROM pg_class WHERE relnamespace = 'platform'::regnamespace AND relkind = 'r')
      -- these tables lack a command that their action could mean
      AND (n.action, v.command) NOT IN (('service.create', 'INSERT'), ('service.delete', 'DELETE'),
                                        ('opensearch_index.manage', 'DELETE'),
                                        ('service_connection.update', 'INSERT'), ('service_connection.update', 'DELETE'))
)
SELECT * FROM done
UNION ALL
SELECT n.action, n.resource_kind, 'operation', 'INSERT' FROM named AS n WHERE n.action NOT IN (SELECT action FROM done);

-- Do it as somebody, to the one row in question, and undo it.
CREATE FUNCTION does(email text, thing text, command text, action text, resource uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    held name;
    affected bigint := 0;
    statement text;
BEGIN
    SELECT a.attname INTO held FROM pg_attribute AS a
    WHERE a.attrelid = ('platform.' || thing)::regclass AND a.attname IN ('organization', 'project', 'service', 'resource');
    statement := CASE
        WHEN thing = 'operation' THEN format('INSERT INTO platform.operation (resource, action) VALUES (%L, %L)', resource, action)
        WHEN command = 'SELECT' THEN format('SELECT FROM platform.%I WHERE %I = %L', thing, held, resource)
        WHEN command = 'INSERT' THEN (SELECT format('INSERT INTO platform.%I VALUES (%s)', thing,
                string_agg(CASE WHEN a.attname = held THEN quote_literal(resource)
                                WHEN a.atttypid = 'uuid'::regtype THEN 'DEFAULT'
                                WHEN a.atttypid IN ('cidr'::regtype, 'inet'::regtype) THEN '''10.9.0.0/16'''
                                ELSE '''7''' END, ', ' ORDER BY a.attnum))
                FROM pg_attribute AS a WHERE a.attrelid = ('platform.' || thing)::regclass AND a.attnum > 0)
        WHEN command = 'UPDATE' THEN format('UPDATE platform.%I SET %I = %2$I WHERE %2$I = %L', thing, held, resource)
        ELSE format('DELETE FROM platform.%I WHERE %I = %L', thing, held, resource) END;
    PERFORM rbac_set_principal(rbac_user(email));
    SET LOCAL ROLE platform_backend;
    BEGIN
        EXECUTE statement;
        GET DIAGNOSTICS affected = ROW_COUNT;
        RAISE EXCEPTION 'undo' USING ERRCODE = 'P0099';
    EXCEPTION
        WHEN SQLSTATE 'P0099' THEN NULL;
        WHEN insufficient_privilege THEN affected := 0;
    END;
    RESET ROLE;
    PERFORM rbac_reset_principal();
    RETURN affected > 0;
END
$$;

SELECT plan(9);

SELECT is(count(DISTINCT action), (SELECT count(*) FROM aiven_rbac.action), 'every action can be tried') FROM deed;
SELECT cmp_ok(count(*), '>', 60::bigint, 'most of a project''s and service''s by the commands on a table')
FROM deed WHERE thing <> 'operation';

-- An action is tried where it is performed; those that concern several kinds
-- of resource, on the topmost.  For some, reading takes one of several.
CREATE TEMP TABLE cell AS
SELECT w.email, d.thing, d.command, d.action,
       EXISTS (SELECT FROM aiven_rbac.allowed_action AS a JOIN aiven_rbac.action AS c ON c.number = a.action
               WHERE a.grantable = w.grantable AND a.granted_on = w.level AND c.name = d.action
                 AND array_position('{organization,unit,project,service}', w.level)
                     <= array_position('{organization,unit,project,service}', d.resource_kind)) AS expected,
       does(w.email, d.thing, d.command, d.action, p.id) AS done
FROM worker AS w CROSS JOIN deed AS d JOIN place AS p ON p.kind = d.resource_kind
WHERE d.command <> 'SELECT' OR d.thing IN ('invoice', 'audit_log', 'event_log', 'integration_secret', 'backup', 'service_log',
                                           'service_metrics', 'service_secret', 'query_statistics', 'kafka_connector_configuration');
SELECT is_empty('SELECT * FROM cell WHERE done <> expected', 'G1 to G3: in every cell the tables allow what the catalogue says');
SELECT cmp_ok(count(*), '>', 7000::bigint, 'G1: there are many cells') FROM cell;

-- Some lines of the documentation's tables, as they are read there
SELECT is(does(who || '@worker.example', thing, command, NULL, p.id), result,
          format('%s %s %s a %s', who, CASE WHEN result THEN 'may' ELSE 'may not' END, lower(command), thing))
FROM (VALUES ('read_only.project', 'kafka_connector_configuration', 'SELECT', false),
             ('service-data-write.project', 'kafka_topic', 'DELETE', true),
             ('developer.project', 'opensearch_index', 'DELETE', true),
             ('developer.project', 'kafka_topic', 'DELETE', false),
             ('project-services-read.project', 'service_log', 'SELECT', false)) AS v (who, thing, command, result)
JOIN place AS p ON p.kind = 'service';

SELECT * FROM finish();
ROLLBACK;
