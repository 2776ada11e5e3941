-- Whose memory a change makes old (C6): of those whom it is about, and of nobody
-- else.  Who is made old is read from the tables again when asked about.  When the
-- hierarchy has changed, only resources are looked up again (in parentheses), for
-- all by who is asked about first.
BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
\o /dev/null
\ir ../../examples/acme.sql
SELECT rbac_user_create('zoe@zeta.example');
SELECT rbac_organization_create('zeta', 'Zeta', rbac_user('zoe@zeta.example'));
SELECT rbac_group_create('acme', 'spare');
SELECT rbac_group_member_add(rbac_group('acme', 'spare'), rbac_user('erin@acme.example'));
SELECT rbac_role_create('acme', 'fork', '{service.fork}', '{project}');
\o

CREATE FUNCTION pg_temp.remade(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    of_whom text;
    before record;
    remade text[] := '{}';
BEGIN
    PERFORM rbac_has_permission(p.id, 'acme.analytics', 'service.view') FROM aiven_rbac.principal AS p;
    EXECUTE change;
    FOREACH of_whom IN ARRAY '{bob@acme.example,erin@acme.example,zoe@zeta.example}'::text[] LOOP
        SELECT * INTO before FROM rbac_cache_stats();
        PERFORM rbac_has_permission(rbac_user(of_whom), 'acme.analytics', 'service.view');
        SELECT remade || CASE WHEN s.loads > before.loads THEN split_part(of_whom, '@', 1)
                              WHEN s.lookups > before.lookups THEN '(' || split_part(of_whom, '@', 1) || ')' END
        INTO remade FROM rbac_cache_stats() AS s;
    END LOOP;
    RETURN array_to_string(remade, ' ');
END $$;

CREATE TEMP TABLE change (number int GENERATED ALWAYS AS IDENTITY, what text, statement text, remade text);
INSERT INTO change (what, statement, remade) VALUES
('nothing', 'SELECT 1', ''),
('a grant', $$ SELECT rbac_grant(rbac_user('bob@acme.example'), 'read_only', 'acme.analytics') $$, 'bob'),
('its period', $$ SELECT rbac_grant(rbac_user('bob@acme.example'), 'read_only', 'acme.analytics', valid_until => 'tomorrow', replace => true) $$, 'bob'),
('its revocation', $$ SELECT rbac_revoke(rbac_user('bob@acme.example'), 'read_only', 'acme.analytics') $$, 'bob'),
('a grant to a group', $$ SELECT rbac_grant(rbac_group('acme', 'spare'), 'read_only', 'acme.analytics') $$, 'erin'),
('its revocation from the group', $$ SELECT rbac_revoke(rbac_group('acme', 'spare'), 'read_only', 'acme.analytics') $$, 'erin'),
('the description of a group', $$ SELECT rbac_group_edit(rbac_group('acme', 'spare'), 'others') $$, 'erin'),
('leaving a group', $$ SELECT rbac_group_member_remove(rbac_group('acme', 'spare'), rbac_user('erin@acme.example')) $$, 'erin'),
('joining a group', $$ SELECT rbac_group_member_add(rbac_group('acme', 'spare'), rbac_user('erin@acme.example')) $$, 'erin'),
('the end of a group', $$ SELECT rbac_group_delete(rbac_group('acme', 'spare')) $$, 'erin'),
('a grant to somebody else', $$ SELECT rbac_grant(rbac_user('carol@acme.example'), 'read_only', 'acme') $$, ''),
('a new user', $$ SELECT rbac_user_create('new@acme.example') $$, ''),
('a user of other organizations', $$ SELECT rbac_user_edit(rbac_user('zoe@zeta.example'), name => 'Zoe') $$, 'zoe'),
('a project', $$ SELECT rbac_project_create('zeta', 'z') $$, '(zoe)'),
('an organization', $$ SELECT rbac_organization_create('other', 'Other', rbac_user('new@acme.example')) $$, ''),
('a move', $$ SELECT rbac_project_move('acme.engineering.backend-dev', 'acme.analytics') $$, '(bob)'),
('a project''s name', $$ SELECT rbac_project_edit('acme.analytics.backend-dev', label => 'dev') $$, '(bob)'),
('an authentication policy', $$ INSERT INTO aiven_rbac.authentication_policy (organization, require_two_factor) VALUES (rbac_resource_id('zeta'), true) $$, 'zoe'),
('a role that nobody holds', $$ SELECT rbac_role_edit('acme', 'fork', '{service.view}') $$, 'bob erin zoe'),
('a membership', $$ SELECT rbac_invitation_accept(rbac_invitation_create('zeta', 'erin@acme.example')) $$, 'erin'),
('what cannot be told one by one', $$ INSERT INTO aiven_rbac.principal (kind, name, email) SELECT 'user', 'u', 'u' || g || '@acme.example' FROM generate_series(1, 100) AS g $$, 'bob erin zoe'),
('TRUNCATE', 'TRUNCATE aiven_rbac.access_grant', 'bob erin zoe'),
('a table that has changed its shape', 'ALTER TABLE aiven_rbac.access_grant ALTER granted_at SET STATISTICS 50', 'bob erin zoe');

SELECT is(pg_temp.remade(statement), remade, 'C6: ' || what || ' makes old what is cached of: ' || remade) FROM change ORDER BY number;

-- A savepoint whose change is rolled back takes everything along.
CREATE FUNCTION pg_temp.try(statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
END $$;
SELECT is(pg_temp.remade($$ SELECT pg_temp.try('SELECT 1') $$), '', 'C4: a savepoint in which nothing has changed makes nothing old');
SELECT is(pg_temp.remade($$ SELECT pg_temp.try('SELECT rbac_project_create(''acme'', ''p'')') $$), 'bob erin zoe',
          'C4: one in which something has is rolled back for everybody');

-- Once a principal has asked about many resources, all are known; and yet those
-- that a statement makes itself are found.
SELECT is(count(*) FILTER (WHERE rbac_has_permission(rbac_user('zoe@zeta.example'), rbac_project_create('zeta', 'q' || g), 'service.view')),
          1200::bigint, 'C4: of resources that a statement makes each is found, by its path') FROM generate_series(1, 1200) AS g;
SELECT is(count(*) FILTER (WHERE rbac_has_permission(rbac_user('zoe@zeta.example'), rbac_resource_id(rbac_project_create('zeta', 'r' || g)), 'service.view')),
          1200::bigint, 'C4: and by its id') FROM generate_series(1, 1200) AS g;
CREATE FUNCTION pg_temp.looked_up(OUT by_id bigint, OUT by_path bigint) LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
BEGIN
    SELECT lookups INTO before FROM rbac_cache_stats();
    PERFORM rbac_has_permission(rbac_user('zoe@zeta.example'), r.id, 'service.view') FROM aiven_rbac.resource AS r;
    SELECT lookups - before INTO by_id FROM rbac_cache_stats();
    PERFORM rbac_has_permission(rbac_user('zoe@zeta.example'), r.path, 'service.view') FROM aiven_rbac.resource AS r;
    SELECT lookups - before - by_id INTO by_path FROM rbac_cache_stats();
END $$;
SELECT results_eq('SELECT * FROM pg_temp.looked_up()', 'VALUES (999::bigint, 999::bigint)',
                  'after a thousand resources that are looked up one by one all are looked up');
SELECT results_eq('SELECT * FROM pg_temp.looked_up()', 'VALUES (0::bigint, 0::bigint)', 'and then they are known');
SELECT is(rbac_has_permission(rbac_user('zoe@zeta.example'), 'acme.analytics', 'service.view'), false, 'as is what is elsewhere');

SELECT * FROM finish();
ROLLBACK;
