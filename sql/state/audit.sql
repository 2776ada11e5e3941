-- The log: what was changed, by whom, and what it was before.
--
-- A row tells of one thing.  It repeats names and paths as they were, and has no
-- foreign keys: it outlives what it tells of.  It is never changed, and goes
-- with its month only.
CREATE TABLE aiven_rbac.audit (
    at               timestamptz NOT NULL,  -- grows within a transaction
    transaction      bigint NOT NULL,       -- the number of the transaction that wrote it,
    installation     integer NOT NULL,      -- in this installation (audit_installation())
    month            integer NOT NULL,      -- the partition: 202611, or 0
    organization     uuid,                  -- whose log it is in; NULL: the operator's alone
    project          uuid,                  -- whose event log it is in
    resource         uuid,
    actor            uuid,
    subject          uuid,                  -- whom it is about
    event            text NOT NULL,
    actor_name       text,
    subject_name     text,
    path             @extschema@.rbac_path, -- the resource's
    database_role    text NOT NULL,
    client_address   inet,
    application_name text,
    before           jsonb,
    after            jsonb,
    digest           bytea NOT NULL         -- of all of it but the month (audit_digest())
) PARTITION BY LIST (month);
COMMENT ON TABLE aiven_rbac.audit IS
    'one row for each thing that was changed; never changed itself, and read by rbac_audit_log() and rbac_event_log()';

-- Months are tables of their own, made when they are needed, and no members of
-- the extension, so that pg_dump takes them along by itself
-- (aiven_rbac.audit_month_create()).  Nobody waits for a month that another
-- session is just making: until it is there, rows go here.
CREATE TABLE aiven_rbac.audit_rest PARTITION OF aiven_rbac.audit FOR VALUES IN (0);
COMMENT ON TABLE aiven_rbac.audit_rest IS 'rows of the log that were written while their month was being made';
CREATE INDEX audit_rest_at_idx ON aiven_rbac.audit_rest (at);
CREATE INDEX audit_rest_organization_idx ON aiven_rbac.audit_rest (organization, at, subject);
CREATE INDEX audit_rest_project_idx ON aiven_rbac.audit_rest (project, at);
CREATE INDEX audit_rest_transaction_idx ON aiven_rbac.audit_rest USING brin (transaction);

CREATE TABLE aiven_rbac.audit_archived (
    month       integer NOT NULL,
    archived_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT audit_archived_pkey PRIMARY KEY (month)
);
COMMENT ON TABLE aiven_rbac.audit_archived IS 'months, such as 202611, whose rows were taken out of the log';

-- Which rows are a place's.  Of what is gone an organization's members see what
-- was in their organization, and the operator all.
CREATE TYPE aiven_rbac.audit_place AS (
    id           uuid,
    kind         text,      -- NULL: it is gone
    organization uuid,      -- NULL: any
    project      uuid
);
COMMENT ON TYPE aiven_rbac.audit_place IS 'a resource, or one that there was, whose log is read';

-- Evidence.  Of each organization's rows a tree of digests is made, in the order
-- of their transactions; a seal adds some leaves to it.  The nil uuid stands for
-- rows of no organization.
CREATE TABLE aiven_rbac.audit_seal (
    organization uuid NOT NULL,
    first        bigint NOT NULL,           -- leaves before these
    size         bigint NOT NULL,           -- leaves with these
    installation integer NOT NULL,
    transactions bigint[] NOT NULL,         -- of each row: its transaction,
    times        timestamptz[] NOT NULL,    -- when it was written,
    leaves       bytea NOT NULL,            -- and its digest, one after the other
    peaks        bytea NOT NULL,            -- the tree: roots of its complete parts, the largest first
    sealed_at    timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT audit_seal_pkey PRIMARY KEY (organization, first)
);
COMMENT ON TABLE aiven_rbac.audit_seal IS
    'digests of the rows of the log, and the tree that they make for each organization';

-- Transactions below are sealed: all of them had ended.
CREATE TABLE aiven_rbac.audit_horizon (
    installation integer NOT NULL,
    below        bigint NOT NULL,
    sealed_at    timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT audit_horizon_pkey PRIMARY KEY (installation, below)
);
COMMENT ON TABLE aiven_rbac.audit_horizon IS
    'how far the rows of the log are sealed, of this installation and of those that it was restored from';
