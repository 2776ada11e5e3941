-- What the lint and the explanation of a row answer with, and what of it the
-- operator has accepted.

CREATE TYPE aiven_rbac.finding AS (severity text, object text, finding text, remedy text);
COMMENT ON TYPE aiven_rbac.finding IS 'a row of rbac_check_protection()';

CREATE TYPE aiven_rbac.step AS (step text, ok boolean, detail text, remedy text);
COMMENT ON TYPE aiven_rbac.step IS 'a row of rbac_explain_row()';

-- What rbac_protect_child() needs to know of the two tables.
CREATE TYPE aiven_rbac.lineage AS (child regclass, parent regclass, keys name[], parent_keys name[], operators text[], on_delete text,
                                   space text, parent_column name, type text, "column" name, followed boolean);
COMMENT ON TYPE aiven_rbac.lineage IS
    'a table, the one that its foreign key references, and the columns of both that say to which resource a row belongs';

CREATE TABLE aiven_rbac.acknowledged_finding (
    object          text NOT NULL,
    finding         text NOT NULL,
    reason          text NOT NULL,
    acknowledged_by text NOT NULL,
    acknowledged_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT acknowledged_finding_pkey PRIMARY KEY (object, finding),
    CONSTRAINT acknowledged_finding_has_reason CHECK (pg_catalog.btrim(reason) <> '')
);
COMMENT ON TABLE aiven_rbac.acknowledged_finding IS
    'warnings and notices of rbac_check_protection() that the operator has accepted, and why';
COMMENT ON CONSTRAINT acknowledged_finding_has_reason ON aiven_rbac.acknowledged_finding IS
    'Say why the finding is no hole.';
