-- The hierarchy: organizations, units, projects and services.
--
-- Of all tables: what a column may hold and what it may point at is declared,
-- so that it is true on every write path; rules that need more than one row to
-- judge are triggers (code/rules.sql).  Keys are uuids and nothing is numbered
-- by a sequence, so that every table can be replicated as it is.  Composite
-- foreign keys carry a rule each: a column that repeats what the referenced row
-- says (its kind, its organization) makes the rule checkable by a CHECK on this
-- row.  The comment on a constraint says what is right: it is the hint of the
-- error when something else was given.

CREATE TABLE aiven_rbac.resource (
    id           uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    kind         text NOT NULL,
    organization uuid NOT NULL,
    parent       uuid,
    path         @extschema@.rbac_path NOT NULL,
    name         text NOT NULL CONSTRAINT resource_name_shape CHECK (aiven_rbac.is_text(name, 'name', 255)),
    created_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT resource_pkey PRIMARY KEY (id),
    CONSTRAINT resource_path_key UNIQUE (path),
    CONSTRAINT resource_kind_organization_key UNIQUE (id, kind, organization),
    CONSTRAINT resource_kind_known
        CHECK (kind IN ('organization', 'unit', 'project', 'service')),
    CONSTRAINT resource_organization_is_root
        CHECK ((kind = 'organization') = (parent IS NULL)
               AND (kind <> 'organization' OR organization = id)),
    CONSTRAINT resource_depth_fits_kind
        CHECK (@extschema@.rbac_path_nlevel(path) BETWEEN
               CASE kind WHEN 'organization' THEN 1 WHEN 'service' THEN 3 ELSE 2 END AND
               CASE kind WHEN 'organization' THEN 1 WHEN 'unit' THEN 2 WHEN 'project' THEN 3 ELSE 4 END)
);
CREATE INDEX resource_parent_idx ON aiven_rbac.resource (parent);
CREATE UNIQUE INDEX resource_project_label_key
    ON aiven_rbac.resource (@extschema@.rbac_path_label(path)) WHERE kind = 'project';
COMMENT ON TABLE aiven_rbac.resource IS
    'organizations, units, projects and services: the hierarchy; an id never changes, a path follows its parent''s';

-- An id is one resource's, or one principal's, for ever.  Rows of the
-- application's may outlive it, and whoever brings its id again is given them:
-- only the operator, to restore it.
CREATE TABLE aiven_rbac.retired_id (
    id         uuid NOT NULL,
    retired_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT retired_id_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE aiven_rbac.retired_id IS 'ids of resources and principals that were deleted, which only the operator can bring again';

CREATE TABLE aiven_rbac.organization (
    id           uuid NOT NULL,
    kind         text NOT NULL DEFAULT 'organization' CHECK (kind = 'organization'),
    support_tier text NOT NULL DEFAULT 'basic'
        CONSTRAINT organization_support_tier_known
        CHECK (support_tier IN ('basic', 'business', 'advanced', 'premium')),
    CONSTRAINT organization_pkey PRIMARY KEY (id),
    -- The nil uuid stands for all organizations, see grantable.
    CONSTRAINT organization_id_is_not_nil CHECK (id <> '00000000-0000-0000-0000-000000000000'),
    CONSTRAINT organization_resource_fkey FOREIGN KEY (id, kind, id)
        REFERENCES aiven_rbac.resource (id, kind, organization) ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.organization IS 'what an organization has beyond being a resource';
COMMENT ON CONSTRAINT organization_support_tier_known ON aiven_rbac.organization IS
    'The support tiers are basic, business, advanced and premium.';
