-- What C code keeps while it reads catalogs, and what it reads them by, may go at
-- any moment.  A server with assertions throws away what it has cached whenever it
-- might, and overwrites what it frees: every kind of question gives the same then.
BEGIN;
\ir lib/helpers.sql
\ir lib/world.sql
\ir lib/tenant.sql

SELECT no_plan();
CREATE FUNCTION pg_temp.can_discard() RETURNS boolean LANGUAGE sql
    AS $$ SELECT max_val::int > 0 FROM pg_settings WHERE name = 'debug_discard_caches' $$;
SELECT skip('this server has no assertions, and keeps its caches', 1) WHERE NOT pg_temp.can_discard();

CREATE TEMP TABLE question (n int GENERATED ALWAYS AS IDENTITY, query text);
INSERT INTO question (query) VALUES
('SELECT rbac_has_permission(''acme.engineering.backend-dev'', ''service.view'')'),
('SELECT rbac_has_permission(test.r(''acme.engineering''), ''admin'')'),
('SELECT rbac_has_any_permission(''acme'', ''admin'', ''operator'')'),
('SELECT rbac_has_permission(''acme'', ''no.such'')'),
('SELECT rbac_has_permission(''acme.no.such'', ''service.view'')'),
('SELECT * FROM rbac_effective_permissions(''acme.engineering.backend-dev'')'),
('SELECT * FROM rbac_effective_actions(''acme.engineering'')'),
('SELECT * FROM rbac_explain(''acme.engineering.backend-dev'', ''service.fork'')'),
('SELECT * FROM rbac_explain_row(''tenant.by_id'', ''1'')'),
('SELECT * FROM rbac_resources(''service.view'', ''service'')'),
('SELECT aiven_rbac.scopes(''service.view'', ''project'')'),
('SELECT * FROM rbac_tree(''acme'')'),
('SELECT path FROM aiven_rbac.visible_resource ORDER BY path'),
('SELECT n, note FROM tenant.by_id ORDER BY n'),
('SELECT n FROM tenant.by_path WHERE place <@ ''acme'' ORDER BY n'),
('SELECT count(*) FROM tenant.parted AS p JOIN tenant.by_reference AS r USING (place)'),
('UPDATE tenant.by_id SET note = note WHERE n < 10 RETURNING n'),
('INSERT INTO tenant.by_path VALUES (99, ''acme.engineering.backend-dev'', ''new'') RETURNING n'),
('INSERT INTO tenant.by_path VALUES (99, ''acme.finance'', ''new'')'),
('DELETE FROM tenant.by_reference WHERE n = 1'),
('SELECT rbac_service_create(''acme.engineering.backend-dev'', ''cache'', ''pg'')'),
('SELECT rbac_project_edit(''acme.engineering.backend-dev'', label => ''front-dev'')'),
('SELECT rbac_grant(test.p(''frank''), ''read_only'', ''acme.engineering.backend-dev'')');
GRANT SELECT ON question TO test_application;

-- What a query comes to, as a role's session for a principal; undone
CREATE FUNCTION pg_temp.comes_to(who text, query text, discard boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    row record;
    result text := '';
BEGIN
    IF discard THEN
        SET LOCAL debug_discard_caches = 1;
    END IF;
    PERFORM rbac_set_principal(test.p(who));
    SET LOCAL ROLE test_application;
    FOR row IN EXECUTE query LOOP
        result := result || row::text || E'\n';
    END LOOP;
    RAISE SQLSTATE 'UNDO0';
EXCEPTION
    WHEN SQLSTATE 'UNDO0' THEN RETURN result;
    WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT is(pg_temp.comes_to(who, query, true), pg_temp.comes_to(who, query, false), format('%s: %s', who, query))
FROM question, unnest('{bob,ann}'::text[]) AS who
WHERE pg_temp.can_discard()
ORDER BY who, n;

SELECT * FROM finish();
ROLLBACK;
