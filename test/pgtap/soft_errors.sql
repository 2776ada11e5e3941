-- Soft errors: whoever asks whether a text is a path gets an answer, not an
-- error.  PostgreSQL 16 brought them.

SELECT current_setting('server_version_num')::int >= 160000 AS can_ask,
       current_setting('server_version_num')::int >= 170000 AS can_skip_rows
\gset

BEGIN;
SET client_min_messages = warning;
SELECT plan(13);

\if :can_ask
SELECT is(pg_input_is_valid(input, 'rbac_path'), valid, 'whether a path: ' || left(input, 20))
FROM (VALUES ('acme.engineering', true),
             ('', false),
             ('Acme', false),
             ('acme..engineering', false),
             ('acme.-x', false),
             ('acme.bad label', false),
             ('acme.é', false),
             ('acme.' || repeat('x', 64), false),
             (repeat('x.', 300) || 'x', false)) AS c (input, valid);
SELECT ok(NOT pg_input_is_valid('{acme,Acme}', 'rbac_path[]'), 'an array with one that is none');
SELECT is(e::text, '("path ""acme.Unit"" has an upper-case letter",'
                   '"Label 2 (""Unit"") has the character ""U"" at position 6; labels are in lower case.",'
                   '"Write ""u""; a display name can have capitals.",22P02)',
          'what is wrong, with detail, hint and SQLSTATE')
FROM pg_input_error_info('acme.Unit', 'rbac_path') AS e;
SELECT throws_ok('SELECT ''acme.Unit''::rbac_path', '22P02', NULL, 'a cast still raises');
\else
SELECT skip('PostgreSQL 16 brought soft errors', 12);
\endif

\if :can_skip_rows
CREATE TEMP TABLE imported (path rbac_path);
COPY imported FROM PROGRAM $$printf '%s\n' acme Acme acme.engineering acme.$$ WITH (ON_ERROR ignore);
SELECT is(array_agg(path ORDER BY path), '{acme,acme.engineering}', 'COPY can leave out rows without a path') FROM imported;
\else
SELECT skip('PostgreSQL 17 brought COPY … ON_ERROR', 1);
\endif

SELECT * FROM finish();
ROLLBACK;
