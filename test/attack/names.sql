-- Names and emails that pass for another's, or for more than a name.

BEGIN;
SELECT no_plan();

\ir ../pgtap/lib/helpers.sql
\ir ../pgtap/lib/world.sql

-- carol, an organization admin, names what the super admin looks at.
SELECT is((test.attempt('carol', format(query, value))).code, '22023', format('S8: a forged line is no name: %s', query))
FROM (VALUES (E'x (project)\n|-- Forged (project)'), (E'x\r|-- Forged (project)'), (E'x\x1b[2K\x1b[1GForged'),
             ('x' || chr(133) || 'Forged'), ('x' || chr(8232) || 'Forged'), ('x' || chr(8238) || 'degroF'), (E'\x08\x08Forged')) AS v (value),
     unnest(ARRAY['SELECT rbac_unit_create(''acme'', ''x'', %L)',
                  'SELECT rbac_unit_rename(''acme.analytics'', %L)',
                  'SELECT rbac_group_create(''acme'', %L)',
                  'SELECT rbac_group_rename(test.p(''team''), %L)']) AS query;
SELECT is((SELECT count(*) FROM rbac_tree('acme')), (SELECT count(*) FROM aiven_rbac.resource WHERE path <@ 'acme'),
          'S8: a tree has as many lines as resources');
SELECT is_empty($$ SELECT line FROM rbac_tree('acme') AS line WHERE line ~ '[\x01-\x1f\x7f-\x9f]' $$, 'S8: none of which a terminal obeys');
SELECT throws_ok($$ UPDATE aiven_rbac.resource SET name = E'x\n|-- Forged (project)' $$, '23514', NULL,
                 'S7: the owner writes none either, so that no restore brings one');

-- A second user of somebody's address, invited in the other's place
SELECT is((test.attempt('carol', format('SELECT rbac_invitation_create(''acme'', %L)', value))).code, '22023',
          format('P1: nobody is invited by an address that looks like another''s: %s', what))
FROM (VALUES ('olga' || chr(8203) || '@nowhere.example', 'an invisible character'), ('olga@nowhere.example' || chr(65279), 'one behind'),
             ('ol' || chr(173) || 'ga@nowhere.example', 'a hyphen that does not show'), ('olga@nowhere.example.', 'a dot behind'),
             ('olga@nowhere' || chr(12290) || 'example', 'a dot of another script'), (chr(8238) || 'aglo@nowhere.example', 'turned around')) AS v (value, what);

-- Who manages a user does not depend on the spelling.
\o /dev/null
SELECT rbac_domain_verify('globex', 'nowhere.example', rbac_domain_add('globex', 'nowhere.example'));
\o
SELECT is((test.attempt(NULL, format('SELECT rbac_user_create(%L)', value), 'SELECT aiven_rbac.managed_by(p.id) = test.r(''globex'') FROM aiven_rbac.principal AS p '
                        'WHERE p.email = ' || quote_literal(value))).seen, 'true', 'P3: managed all the same: ' || value)
FROM unnest('{kai@NOWHERE.example,kai@nowhere.EXAMPLE,kai@NoWhere.Example}'::text[]) AS value;

-- What somebody gives fills neither the log nor another's screen.
SELECT cmp_ok((SELECT octet_length(concat(a.message, a.detail, a.hint)) FROM test.attempt('bob', query) AS a), '<', 1000,
              'S8: a megabyte is not repeated: ' || left(query, 60))
FROM unnest(ARRAY['SELECT rbac_has_permission(test.r(''acme''), repeat(''x'', 1000000))',
                  'SELECT rbac_grant(test.p(''bob''), repeat(''x'', 1000000), ''acme'')',
                  'SELECT rbac_user(repeat(''x'', 1000000))',
                  'SELECT rbac_group(''acme'', repeat(''x'', 1000000))']) AS query;

SELECT * FROM finish();
ROLLBACK;
