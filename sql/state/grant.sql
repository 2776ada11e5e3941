-- Who was given what where.

CREATE TABLE aiven_rbac.access_grant (
    principal              uuid NOT NULL,
    resource               uuid NOT NULL,
    grantable              uuid NOT NULL,
    organization           uuid NOT NULL,
    resource_kind          text NOT NULL,
    grantable_organization uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    valid_from             timestamptz,
    valid_until            timestamptz,
    granted_at             timestamptz NOT NULL DEFAULT pg_catalog.now(),
    granted_by             uuid DEFAULT aiven_rbac.acting_principal(),
    -- What a principal's rights are made from is read from the index alone.
    CONSTRAINT access_grant_pkey PRIMARY KEY (principal, resource, grantable)
        INCLUDE (organization, resource_kind, valid_from, valid_until),
    CONSTRAINT access_grant_membership_fkey FOREIGN KEY (principal, organization)
        REFERENCES aiven_rbac.membership (principal, organization) ON DELETE CASCADE,
    CONSTRAINT access_grant_resource_fkey FOREIGN KEY (resource, resource_kind, organization)
        REFERENCES aiven_rbac.resource (id, kind, organization) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT access_grant_grantable_on_fkey FOREIGN KEY (grantable, grantable_organization, resource_kind)
        REFERENCES aiven_rbac.grantable_on (grantable, organization, resource_kind),
    CONSTRAINT access_grant_role_of_organization
        CHECK (grantable_organization IN ('00000000-0000-0000-0000-000000000000', organization)),
    CONSTRAINT access_grant_period_not_empty CHECK (valid_from < valid_until)
);
CREATE INDEX access_grant_resource_idx ON aiven_rbac.access_grant (resource);
CREATE INDEX access_grant_organization_idx ON aiven_rbac.access_grant (organization);
CREATE INDEX access_grant_grantable_idx ON aiven_rbac.access_grant (grantable);
COMMENT ON TABLE aiven_rbac.access_grant IS
    'who was given what where, optionally for the period [valid_from, valid_until)';

CREATE TYPE aiven_rbac.reviewed AS (
    principal   uuid,
    place       @extschema@.rbac_path,
    grantable   uuid,
    granted_on  text,       -- the kind of the place
    grant_name  text,
    via         text,
    valid_from  timestamptz,
    valid_until timestamptz,
    granted_by  uuid,
    granted_at  timestamptz
);
COMMENT ON TYPE aiven_rbac.reviewed IS 'a grant as it comes to somebody, directly or through a group';

-- One row for each thing: where the document speaks of it, when its turn comes, what
-- it is, and what is compared.  "given" is told to whoever makes it, and compared
-- with nothing.
CREATE TYPE aiven_rbac.document_row AS (section text, turn int, kind text, key text, value jsonb, given jsonb, at text);
COMMENT ON TYPE aiven_rbac.document_row IS 'one thing that a document speaks of';

CREATE TYPE aiven_rbac.document_step AS (step int, change text, kind text, key text, before jsonb, after jsonb, given jsonb);
COMMENT ON TYPE aiven_rbac.document_step IS 'what has to be done for a document to be true';
