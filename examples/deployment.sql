-- A table of the application: what was deployed where.  A row belongs to a
-- project, by its path, which the row follows when the project moves.
CREATE TABLE deployment (
    id      int PRIMARY KEY,
    project rbac_path NOT NULL REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE,
    version text NOT NULL
);
INSERT INTO deployment VALUES
    (1, 'acme.engineering.backend-dev', 'api 2.0-rc1'),
    (2, 'acme.engineering.backend-dev', 'worker 1.9'),
    (3, 'acme.engineering.backend-prod', 'api 1.8'),
    (4, 'acme.analytics.data-warehouse', 'loader 0.7'),
    (5, 'acme.finance-prod', 'ledger 3.1');

SELECT rbac_protect_table('deployment', 'project',
                          read => 'project:services:read',
                          write => 'project:services:write');

-- The back end has a role of its own.  It alone may say on whose behalf it acts.
CREATE ROLE backend LOGIN;
GRANT SELECT, INSERT, UPDATE, DELETE ON deployment TO backend;
GRANT EXECUTE ON FUNCTION rbac_set_principal TO backend;
