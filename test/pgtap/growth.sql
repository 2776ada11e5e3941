-- What lists and views read follows from what they show, and not from what other
-- organizations have: it is the same when those become four times as many.  Rows
-- that were read are counted, so that nothing here depends on time.

BEGIN;
SET client_min_messages = warning;

CREATE FUNCTION others(first int, last int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE new AS
    SELECT format('other-%s', n) AS label, md5(format('organization %s', n))::uuid AS id FROM generate_series(first, last) AS n;
    INSERT INTO aiven_rbac.resource (id, kind, organization, parent, path, name)
    SELECT n.id, 'organization', n.id, NULL, n.label::rbac_path, n.label FROM new AS n;
    INSERT INTO aiven_rbac.resource (id, kind, organization, parent, path, name)
    SELECT md5(n.label || i)::uuid, 'project', n.id, n.id, n.label::rbac_path || format('%s-p%s', n.label, i), 'p' FROM new AS n, generate_series(1, 10) AS i;
    INSERT INTO aiven_rbac.organization (id) SELECT n.id FROM new AS n;
    INSERT INTO aiven_rbac.project (id, organization) SELECT md5(n.label || i)::uuid, n.id FROM new AS n, generate_series(1, 10) AS i;
    INSERT INTO aiven_rbac.tag (resource, kind, organization, key, value)
    SELECT md5(n.label || i)::uuid, 'project', n.id, 'k', 'v' FROM new AS n, generate_series(1, 10) AS i;
    INSERT INTO aiven_rbac.principal (id, kind, name, email)
    SELECT md5(n.label || 'u' || i)::uuid, 'user', 'u', format('u%s@%s.example', i, n.label) FROM new AS n, generate_series(1, 20) AS i;
    INSERT INTO aiven_rbac.principal (id, kind, organization, name, account_owners)
    SELECT md5(n.label || 'owners')::uuid, 'group', n.id, 'account owners', true FROM new AS n;
    INSERT INTO aiven_rbac.principal (kind, organization, name)
    SELECT 'application_user', n.id, format('a%s', i) FROM new AS n, generate_series(1, 5) AS i;
    INSERT INTO aiven_rbac.membership (principal, organization, kind)
    SELECT md5(n.label || 'u' || i)::uuid, n.id, 'user' FROM new AS n, generate_series(1, 20) AS i
    UNION ALL
    SELECT md5(n.label || 'owners')::uuid, n.id, 'group' FROM new AS n;
    INSERT INTO aiven_rbac.group_member (member, group_id, organization, member_kind, account_owners)
    SELECT md5(n.label || 'u' || i)::uuid, md5(n.label || 'owners')::uuid, n.id, 'user', true FROM new AS n, generate_series(1, 10) AS i;
    INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind)
    SELECT md5(n.label || 'u' || i)::uuid, md5(n.label || j)::uuid, g.id, n.id, 'project'
    FROM new AS n, generate_series(1, 10) AS i, generate_series(1, 5) AS j, aiven_rbac.grantable AS g WHERE g.name = 'read_only' AND g.built_in;
    INSERT INTO aiven_rbac.invitation (organization, email, expires_at)
    SELECT n.id, format('i%s@%s.example', i, n.label), now() + interval '1 day' FROM new AS n, generate_series(1, 10) AS i;
    INSERT INTO aiven_rbac.domain (organization, name, verification, verified_at) SELECT n.id, n.label || '.example', 'x', now() FROM new AS n;
    INSERT INTO aiven_rbac.billing_group (organization, name, currency) SELECT n.id, format('b%s', i), 'EUR' FROM new AS n, generate_series(1, 10) AS i;
    INSERT INTO aiven_rbac.grantable (organization, name, type, console_name) SELECT n.id, format('r%s', i), 'role', 'Role' FROM new AS n, generate_series(1, 5) AS i;
    DROP TABLE new;
    ANALYZE;
END
$$;

-- Rows of the extension's tables that a query reads, in heaps and by indexes
CREATE FUNCTION rows_read(who text, query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    after bigint;
BEGIN
    PERFORM rbac_set_principal(rbac_user(who));
    EXECUTE format('SELECT count(*) FROM (%s) AS q', query);    -- what is kept is kept
    SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) INTO before FROM pg_stat_xact_user_tables WHERE schemaname = 'aiven_rbac';
    EXECUTE format('SELECT * FROM (%s) AS q', query);
    SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) INTO after FROM pg_stat_xact_user_tables WHERE schemaname = 'aiven_rbac';
    PERFORM rbac_reset_principal();
    RETURN after - before;
END
$$;

\o /dev/null
SELECT rbac_organization_create('acme', 'Acme', rbac_user_create('ann@acme.example'));
SELECT rbac_unit_create('acme', 'u');
SELECT rbac_project_create('acme.u', 'acme-' || i) FROM generate_series(1, 10) AS i;
SELECT rbac_service_create(('acme.u.acme-' || i)::rbac_path, 's', 'pg') FROM generate_series(1, 10) AS i;
SELECT rbac_tag_set(('acme.u.acme-' || i)::rbac_path, 'k', 'v') FROM generate_series(1, 10) AS i;
SELECT rbac_invitation_accept(rbac_invitation_create('acme', email))
FROM unnest('{pat@acme.example,may@acme.example}'::text[]) AS email, rbac_user_create(email) AS u WHERE u IS NOT NULL;
SELECT rbac_grant(rbac_user('pat@acme.example'), 'admin', 'acme.u.acme-1');
SELECT rbac_group_create('acme', 'team');
SELECT rbac_group_member_add(rbac_group('acme', 'team'), rbac_user('may@acme.example'));
SELECT rbac_grant(rbac_group('acme', 'team'), 'read_only', 'acme.u.acme-2');
SELECT rbac_domain_verify('acme', 'acme.example', rbac_domain_add('acme', 'acme.example'));
SELECT rbac_billing_group_create('acme', 'main');
SELECT others(1, 150);
\o

CREATE TEMP TABLE reading AS
SELECT w.who, q.query, rows_read(w.who, q.query) AS few, NULL::bigint AS many
FROM unnest('{ann@acme.example,pat@acme.example,may@acme.example}'::text[]) AS w (who)
CROSS JOIN (SELECT format('SELECT * FROM aiven_rbac.%I', c.relname) FROM pg_class AS c
            WHERE c.relnamespace = 'aiven_rbac'::regnamespace AND c.relkind = 'v'
              AND EXISTS (SELECT FROM aclexplode(c.relacl) AS a WHERE a.grantee = 0)
            UNION ALL VALUES ('SELECT rbac_resources(''service.view'', ''project'')'), ('SELECT rbac_tree(''acme'')'),
                             ('SELECT rbac_effective_permissions()')) AS q (query)
UNION ALL
SELECT 'ann@acme.example', q.query, rows_read('ann@acme.example', q.query), NULL
FROM (VALUES ('SELECT rbac_access_review(''acme'')'), ('SELECT rbac_access_review(''acme.u.acme-1'')'),
             ('SELECT rbac_principals(''acme.u.acme-1'', ''service.view'')')) AS q (query);

SELECT others(151, 600) \g /dev/null
UPDATE reading SET many = rows_read(who, query);

SELECT plan(2);
SELECT is_empty('SELECT * FROM reading WHERE many > few', 'lists and views read no more rows when there are more of other organizations');
SELECT cmp_ok(count(*) FILTER (WHERE few > 0), '>', 40::bigint, 'rows are counted') FROM reading;
SELECT * FROM finish();
ROLLBACK;
