--
-- What writing grants costs, in microseconds a grant.  One round, run by the
-- owner of the extension on the data set, which it leaves as it was; it writes
-- lines "what TAB microseconds".
--

SET client_min_messages = warning;

CREATE TEMPORARY TABLE took (what text, microseconds float8);

-- In bulk: a permission that nobody has been given yet, for every member on
-- five projects of their organization.
CREATE TEMPORARY TABLE new_grant AS
SELECT m.principal, p.id AS resource, g.id AS grantable, p.organization, p.path,
       row_number() OVER (ORDER BY md5(m.principal::text || p.number)) AS number
FROM aiven_rbac.membership AS m
JOIN bench.project AS p ON p.organization = m.organization AND p.number % 50 = 7
CROSS JOIN aiven_rbac.grantable AS g
WHERE m.kind = 'user' AND g.name = 'project:permissions:read' AND g.built_in
  AND m.principal <> bench.id('principal D');
ANALYZE new_grant;

-- The table is the same without the triggers: foreign keys, constraints and
-- indexes stay.  What is loaded is rolled back.
CREATE PROCEDURE pg_temp.load_grants(what text, triggers boolean)
    LANGUAGE plpgsql
    AS $$
DECLARE
    began timestamptz;
    loaded bigint;
    spent float8;
BEGIN
    IF NOT triggers THEN
        ALTER TABLE aiven_rbac.access_grant DISABLE TRIGGER USER;
    END IF;
    began := clock_timestamp();
    INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind)
    SELECT principal, resource, grantable, organization, 'project' FROM new_grant ORDER BY number;
    GET DIAGNOSTICS loaded = ROW_COUNT;
    spent := extract(epoch FROM clock_timestamp() - began) * 1e6 / loaded;
    ROLLBACK;
    INSERT INTO took VALUES (what, spent);
    COMMIT;
END
$$;

CALL pg_temp.load_grants('load with triggers', true);
VACUUM aiven_rbac.access_grant;
CALL pg_temp.load_grants('load without triggers', false);
VACUUM aiven_rbac.access_grant;
CALL pg_temp.load_grants('load without triggers', false);
VACUUM aiven_rbac.access_grant;
CALL pg_temp.load_grants('load with triggers', true);
VACUUM aiven_rbac.access_grant;

-- One by one, each in a transaction of its own: up to 1,000 in the organization
-- whose super admin the session is, by function, which checks that they may; and
-- as bare INSERTs and DELETEs, which check nothing.
DELETE FROM new_grant WHERE organization <> bench.id('organization 3');
INSERT INTO new_grant
SELECT n.principal, p.id, n.grantable, p.organization, p.path, n.number * 10 + p.number % 10
FROM (SELECT DISTINCT ON (principal) * FROM new_grant ORDER BY principal, number) AS n
JOIN bench.project AS p USING (organization)
WHERE p.number % 50 = 8;
ANALYZE new_grant;

SELECT rbac_set_principal(bench.id('principal S'), is_local => false) AS set_principal \gset

DO $$
DECLARE
    g new_grant;
    grants new_grant[];
    began timestamptz;
    what text;
BEGIN
    SELECT array_agg(n ORDER BY number) INTO grants FROM (SELECT * FROM new_grant ORDER BY number LIMIT 1000) AS n;
    FOREACH what IN ARRAY '{INSERT,DELETE,rbac_grant,rbac_revoke}'::text[] LOOP
        began := clock_timestamp();
        FOREACH g IN ARRAY grants LOOP
            CASE what
                WHEN 'INSERT' THEN
                    INSERT INTO aiven_rbac.access_grant (principal, resource, grantable, organization, resource_kind)
                    VALUES (g.principal, g.resource, g.grantable, g.organization, 'project');
                WHEN 'DELETE' THEN
                    DELETE FROM aiven_rbac.access_grant AS a
                    WHERE a.principal = g.principal AND a.resource = g.resource AND a.grantable = g.grantable;
                WHEN 'rbac_grant' THEN
                    PERFORM rbac_grant(g.principal, 'project:permissions:read', g.path);
                WHEN 'rbac_revoke' THEN
                    PERFORM rbac_revoke(g.principal, 'project:permissions:read', g.path);
            END CASE;
            COMMIT;
        END LOOP;
        INSERT INTO took
        VALUES (what, extract(epoch FROM clock_timestamp() - began) * 1e6 / cardinality(grants));
    END LOOP;
END
$$;
VACUUM aiven_rbac.access_grant;

SELECT what, microseconds FROM took;
