-- The helpers for users' own tests.
BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
\o /dev/null
\ir ../../examples/acme.sql
\ir ../../examples/testing.sql
CREATE ROLE testing_application;
CREATE TABLE item (place rbac_path, number int, kind text, PRIMARY KEY (number, kind));
INSERT INTO item VALUES ('acme.engineering.backend-dev', 1, 'a'), ('acme.engineering.backend-dev', 10, 'b'), ('acme.finance-prod', 2, 'a');
SELECT rbac_protect_table('item', 'place', 'project:services:read');
GRANT SELECT ON item TO testing_application;
\o

SELECT rbac_test_sees('item', 'carol@acme.example', '{"10,b","1,a"}', role => 'testing_application');
SELECT rbac_test_sees('item', 'frank@acme.example', '{"1,a","10,b"}', role => 'testing_application', description => 'by a group');
SELECT rbac_test_sees('item', 'ann@acme.example', '{"1,a","10,b","2,a"}', role => 'testing_application');
SELECT rbac_test_sees('item', 'grace@acme.example', '{}', role => 'testing_application');
SELECT is(current_user::text, session_user::text, 'afterwards the role is that which has logged in');
SELECT is(rbac_current_principal(), NULL, 'and nobody is set');
SELECT check_test(rbac_test_sees('item', 'carol@acme.example', '{"1,a"}', role => 'testing_application', description => 'carol sees more'), false, 'a test that is wrong fails', 'carol sees more');
SELECT rbac_test_as('carol@acme.example', 'testing_application') \g /dev/null
SELECT is((SELECT count(*) FROM item), 2::bigint, 'a test can go on as somebody');
SELECT rbac_test_as_nobody() \g /dev/null

SELECT finish();
ROLLBACK;
