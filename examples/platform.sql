-- A platform of managed services on top of acme.sql: the tables that its own
-- back end would keep, protected action by action, so that all that a role or
-- permission allows can be tried out.  Run as the bootstrap operator.
--
-- Every table belongs to one kind of resource, by its id: rows follow when a
-- project moves, and go when their service is deleted.

CREATE SCHEMA platform;

-- Of an organization
CREATE TABLE platform.organization_vpc (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    cloud        text NOT NULL,
    network      cidr NOT NULL
);
CREATE TABLE platform.organization_vpc_peering (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    peer         text NOT NULL
);
CREATE TABLE platform.invoice (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    amount       numeric NOT NULL
);
CREATE TABLE platform.audit_log (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    event        text NOT NULL
);

-- Of a project
CREATE TABLE platform.project_vpc (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    cloud   text NOT NULL,
    network cidr NOT NULL
);
CREATE TABLE platform.vpc_peering (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    peer    text NOT NULL
);
CREATE TABLE platform.integration_endpoint (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    name    text NOT NULL
);
CREATE TABLE platform.service_integration (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project     uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    source      text NOT NULL,
    destination text NOT NULL
);
CREATE TABLE platform.integration_secret (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    secret  text NOT NULL
);
CREATE TABLE platform.static_ip (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    address inet NOT NULL
);
CREATE TABLE platform.event_log (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    event   text NOT NULL
);

-- Of a service: what it is and how it is run
CREATE TABLE platform.service (
    service       uuid PRIMARY KEY REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    configuration jsonb NOT NULL DEFAULT '{}'
);
CREATE TABLE platform.service_ip_allowlist (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    network cidr NOT NULL
);
CREATE TABLE platform.service_contact (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    email   text NOT NULL
);
CREATE TABLE platform.backup (
    id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service  uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    taken_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE platform.service_log (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    line    text NOT NULL
);
CREATE TABLE platform.service_metrics (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    cpu     real NOT NULL
);

-- Of a service: how it is reached
CREATE TABLE platform.service_secret (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    key     text NOT NULL
);
CREATE TABLE platform.service_connection (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    uri     text NOT NULL
);
CREATE TABLE platform.service_credential (
    id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service  uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    username text NOT NULL
);

-- Of a service: what is in it
CREATE TABLE platform.database (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    name    text NOT NULL
);
CREATE TABLE platform.database_user (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    name    text NOT NULL
);
CREATE TABLE platform.query_statistics (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    query   text NOT NULL
);
CREATE TABLE platform.kafka_topic (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service    uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    name       text NOT NULL,
    partitions int NOT NULL DEFAULT 1
);
CREATE TABLE platform.kafka_schema (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    subject text NOT NULL
);
CREATE TABLE platform.kafka_connector_configuration (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    setting text NOT NULL
);
CREATE TABLE platform.pg_connection_pool (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    name    text NOT NULL
);
CREATE TABLE platform.opensearch_index (
    id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    service uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    name    text NOT NULL
);

-- What leaves no row of its own (power a service off, fork it, promote a
-- replica, run a query) is asked for here, and a worker does it.
CREATE TABLE platform.operation (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    resource     uuid NOT NULL REFERENCES aiven_rbac.resource (id) ON DELETE CASCADE,
    action       text NOT NULL REFERENCES aiven_rbac.action (name),
    requested_by uuid NOT NULL DEFAULT rbac_current_principal()
);

-- A table that is read with one permission and written with another takes one
-- call of rbac_protect_table():
--
--     SELECT rbac_protect_table('platform.backup', 'service', read => 'backup.view', write => 'backup.configure');
--
-- Here each command has an action of its own, so the policies are written out.
-- They are what rbac_protect_table() would create: one for each command, with
-- nothing but a decision in it; what has none, nobody can do.  A row that may be changed or removed must be
-- found first, so that whoever may do that sees it, too; secrets are different.
DO $$
DECLARE
    rule record;
BEGIN
    FOR rule IN SELECT * FROM (VALUES
        -- table, column, who sees it, and the actions to INSERT, UPDATE and DELETE
        ('organization_vpc', 'organization', '{organization_vpc.view,organization_vpc.edit,organization_vpc.remove}',
            'organization_vpc.add', 'organization_vpc.edit', 'organization_vpc.remove'),
        ('organization_vpc_peering', 'organization', '{organization_vpc.view,organization_vpc_peering.manage}',
            'organization_vpc_peering.manage', 'organization_vpc_peering.manage', 'organization_vpc_peering.manage'),
        ('invoice', 'organization', '{invoice.view}', NULL, NULL, NULL),
        ('audit_log', 'organization', '{audit_log.view}', NULL, NULL, NULL),

        ('project_vpc', 'project', '{project_vpc.view,project_vpc.edit,project_vpc.delete}',
            'project_vpc.create', 'project_vpc.edit', 'project_vpc.delete'),
        ('vpc_peering', 'project', '{vpc_peering.list,vpc_peering.manage}',
            'vpc_peering.manage', 'vpc_peering.manage', 'vpc_peering.manage'),
        ('integration_endpoint', 'project', '{integration_endpoint.view,integration_endpoint.edit,integration_endpoint.delete}',
            'integration_endpoint.create', 'integration_endpoint.edit', 'integration_endpoint.delete'),
        ('service_integration', 'project', '{service_integration.view,service_integration.disable}',
            'service_integration.enable', NULL, 'service_integration.disable'),
        ('integration_secret', 'project', '{integration_secret.read}',
            'integration_secret.write', 'integration_secret.write', 'integration_secret.write'),
        ('static_ip', 'project', '{static_ip.view,static_ip.edit,static_ip.delete}',
            'static_ip.create', 'static_ip.edit', 'static_ip.delete'),
        ('event_log', 'project', '{event_log.view}', NULL, NULL, NULL),

        ('service', 'service', '{service.view,service.edit}', NULL, 'service.edit', NULL),
        ('service_ip_allowlist', 'service', '{service.view,service_ip_allowlist.update}',
            'service_ip_allowlist.update', 'service_ip_allowlist.update', 'service_ip_allowlist.update'),
        ('service_contact', 'service', '{service.view,service_contact.manage}',
            'service_contact.manage', 'service_contact.manage', 'service_contact.manage'),
        ('backup', 'service', '{backup.view}', NULL, NULL, NULL),
        ('service_log', 'service', '{service_log.view}', NULL, NULL, NULL),
        ('service_metrics', 'service', '{service_metrics.view}', NULL, NULL, NULL),

        ('service_secret', 'service', '{service_secret.read}', NULL, NULL, NULL),
        ('service_connection', 'service', '{service_connection.view,service_connection.update}',
            NULL, 'service_connection.update', NULL),
        ('service_credential', 'service', '{service_credential.view,service_credential.manage}',
            'service_credential.manage', 'service_credential.manage', 'service_credential.manage'),

        ('database', 'service', '{service.view}', 'database.create', NULL, NULL),
        ('database_user', 'service', '{service.view,database_user.change}', 'database_user.create', 'database_user.change', NULL),
        ('query_statistics', 'service', '{query_statistics.view}', NULL, NULL, NULL),
        ('kafka_topic', 'service', '{service.view,kafka_topic.change,kafka_topic.delete}',
            'kafka_topic.create', 'kafka_topic.change', 'kafka_topic.delete'),
        ('kafka_schema', 'service', '{service.view,kafka_schema.manage}',
            'kafka_schema.manage', 'kafka_schema.manage', 'kafka_schema.manage'),
        ('kafka_connector_configuration', 'service', '{kafka_connector_configuration.view}', NULL, NULL, NULL),
        ('pg_connection_pool', 'service', '{service.view,pg_connection_pool.change,pg_connection_pool.delete}',
            'pg_connection_pool.create', 'pg_connection_pool.change', 'pg_connection_pool.delete'),
        ('opensearch_index', 'service', '{service.view,opensearch_index.manage,opensearch_index.remove}',
            'opensearch_index.manage', 'opensearch_index.manage', 'opensearch_index.remove')
    ) AS v (name, resource, see, "insert", "update", "delete")
    LOOP
        EXECUTE format('CREATE POLICY see ON platform.%I FOR SELECT USING (rbac_has_any_permission(%I, VARIADIC %L::text[]))',
                       rule.name, rule.resource, rule.see);
        IF rule."insert" IS NOT NULL THEN
            EXECUTE format('CREATE POLICY add ON platform.%I FOR INSERT WITH CHECK (rbac_has_permission(%I, %L))',
                           rule.name, rule.resource, rule."insert");
        END IF;
        IF rule."update" IS NOT NULL THEN
            EXECUTE format('CREATE POLICY change ON platform.%I FOR UPDATE USING (rbac_has_permission(%I, %L))',
                           rule.name, rule.resource, rule."update");
        END IF;
        IF rule."delete" IS NOT NULL THEN
            EXECUTE format('CREATE POLICY remove ON platform.%I FOR DELETE USING (rbac_has_permission(%I, %L))',
                           rule.name, rule.resource, rule."delete");
        END IF;
        EXECUTE format('ALTER TABLE platform.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', rule.name);
        EXECUTE format('CREATE INDEX ON platform.%I (%I)', rule.name, rule.resource);
    END LOOP;
END
$$;

-- The action that a row asks for is the one that it takes.  Whoever asked sees
-- the row; nobody changes it.
CREATE POLICY see ON platform.operation FOR SELECT USING (requested_by = rbac_current_principal());
CREATE POLICY request ON platform.operation FOR INSERT
    WITH CHECK (rbac_has_permission(resource, action) AND requested_by = rbac_current_principal());
ALTER TABLE platform.operation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- Something in every table, for each organization, project and service
INSERT INTO platform.organization_vpc (organization, cloud, network)
SELECT id, 'aws-eu-west-1', '10.0.0.0/16' FROM aiven_rbac.resource WHERE kind = 'organization';
INSERT INTO platform.organization_vpc_peering (organization, peer)
SELECT id, 'office' FROM aiven_rbac.resource WHERE kind = 'organization';
INSERT INTO platform.invoice (organization, amount)
SELECT id, 1234.50 FROM aiven_rbac.resource WHERE kind = 'organization';
INSERT INTO platform.audit_log (organization, event)
SELECT id, 'created' FROM aiven_rbac.resource WHERE kind = 'organization';

INSERT INTO platform.project_vpc (project, cloud, network)
SELECT id, 'google-europe-north1', '10.1.0.0/24' FROM aiven_rbac.resource WHERE kind = 'project';
INSERT INTO platform.vpc_peering (project, peer)
SELECT id, 'laptop' FROM aiven_rbac.resource WHERE kind = 'project';
INSERT INTO platform.integration_endpoint (project, name)
SELECT id, 'datadog' FROM aiven_rbac.resource WHERE kind = 'project';
INSERT INTO platform.service_integration (project, source, destination)
SELECT id, 'postgresql', 'datadog' FROM aiven_rbac.resource WHERE kind = 'project';
INSERT INTO platform.integration_secret (project, secret)
SELECT id, 'an api key' FROM aiven_rbac.resource WHERE kind = 'project';
INSERT INTO platform.static_ip (project, address)
SELECT id, '203.0.113.10' FROM aiven_rbac.resource WHERE kind = 'project';
INSERT INTO platform.event_log (project, event)
SELECT id, 'created' FROM aiven_rbac.resource WHERE kind = 'project';

INSERT INTO platform.service (service)
SELECT id FROM aiven_rbac.resource WHERE kind = 'service';
INSERT INTO platform.service_ip_allowlist (service, network)
SELECT id, '203.0.113.0/24' FROM aiven_rbac.resource WHERE kind = 'service';
INSERT INTO platform.service_contact (service, email)
SELECT id, 'oncall@acme.example' FROM aiven_rbac.resource WHERE kind = 'service';
INSERT INTO platform.backup (service)
SELECT id FROM aiven_rbac.resource WHERE kind = 'service';
INSERT INTO platform.service_log (service, line)
SELECT id, 'ready' FROM aiven_rbac.resource WHERE kind = 'service';
INSERT INTO platform.service_metrics (service, cpu)
SELECT id, 0.25 FROM aiven_rbac.resource WHERE kind = 'service';
INSERT INTO platform.service_secret (service, key)
SELECT id, 'a private key' FROM aiven_rbac.resource WHERE kind = 'service';
INSERT INTO platform.service_connection (service, uri)
SELECT id, path || '.example' FROM (SELECT id, path::text FROM aiven_rbac.resource WHERE kind = 'service') AS s;
INSERT INTO platform.service_credential (service, username)
SELECT id, 'avnadmin' FROM aiven_rbac.resource WHERE kind = 'service';
INSERT INTO platform.database (service, name)
SELECT id, 'defaultdb' FROM aiven_rbac.resource WHERE kind = 'service';
INSERT INTO platform.database_user (service, name)
SELECT id, 'app' FROM aiven_rbac.resource WHERE kind = 'service';
INSERT INTO platform.query_statistics (service, query)
SELECT id, 'SELECT 1' FROM aiven_rbac.resource WHERE kind = 'service';
INSERT INTO platform.kafka_topic (service, name)
SELECT id, 'orders' FROM aiven_rbac.resource WHERE kind = 'service';
INSERT INTO platform.kafka_schema (service, subject)
SELECT id, 'orders-value' FROM aiven_rbac.resource WHERE kind = 'service';
INSERT INTO platform.kafka_connector_configuration (service, setting)
SELECT id, 'connection.password' FROM aiven_rbac.resource WHERE kind = 'service';
INSERT INTO platform.pg_connection_pool (service, name)
SELECT id, 'web' FROM aiven_rbac.resource WHERE kind = 'service';
INSERT INTO platform.opensearch_index (service, name)
SELECT id, 'logs' FROM aiven_rbac.resource WHERE kind = 'service';

-- The platform's back end.  It may log principals in by their tokens, from
-- the address that it says, and say itself who somebody is whom it has authenticated.
CREATE ROLE platform_backend LOGIN;
GRANT USAGE ON SCHEMA platform TO platform_backend;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA platform TO platform_backend;
GRANT EXECUTE ON FUNCTION rbac_set_principal, rbac_authenticate TO platform_backend;

-- Try it:
--
--     SET ROLE platform_backend;
--     BEGIN;
--     SELECT rbac_set_principal(rbac_user('bob@acme.example'));
--     SELECT * FROM platform.kafka_topic;
--     INSERT INTO platform.operation (resource, action)
--     SELECT id, 'service.power' FROM aiven_rbac.visible_service WHERE path = 'acme.engineering.backend-dev.redis';
--     COMMIT;
