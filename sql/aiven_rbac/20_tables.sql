-- The model.  What a column may hold and what it may point at is declared
-- here, so that it is true on every write path; rules that need more than one
-- row to judge are triggers (30_rules.sql).
--
-- Keys are uuids and nothing is numbered by a sequence, so that every table
-- can be replicated as it is.  Composite foreign keys carry a rule each: a
-- column that repeats what the referenced row says (its kind, its
-- organization) makes the rule checkable by a CHECK on this row.

-- Hierarchy (H1, H3) --------------------------------------------------------

CREATE TABLE aiven_rbac.resource (
    id           uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    kind         text NOT NULL,
    organization uuid NOT NULL,
    parent       uuid,
    path         @extschema@.rbac_path NOT NULL,
    name         text NOT NULL,
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

-- An id is one resource's for ever.  Rows of the application's may outlive
-- their resource, and whoever brings its id again is given them: only the
-- bootstrap operator, to restore it.
CREATE TABLE aiven_rbac.retired_id (
    id         uuid NOT NULL,
    retired_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT retired_id_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE aiven_rbac.retired_id IS 'ids of resources that were deleted, which no principal can give to another one';

CREATE TABLE aiven_rbac.organization (
    id           uuid NOT NULL,
    kind         text NOT NULL DEFAULT 'organization' CHECK (kind = 'organization'),
    CONSTRAINT organization_pkey PRIMARY KEY (id),
    -- The nil uuid stands for all organizations, see grantable.
    CONSTRAINT organization_id_is_not_nil CHECK (id <> '00000000-0000-0000-0000-000000000000'),
    CONSTRAINT organization_resource_fkey FOREIGN KEY (id, kind, id)
        REFERENCES aiven_rbac.resource (id, kind, organization) ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.organization IS 'what an organization has beyond being a resource';

CREATE TABLE aiven_rbac.project (
    id           uuid NOT NULL,
    kind         text NOT NULL DEFAULT 'project' CHECK (kind = 'project'),
    organization uuid NOT NULL,
    CONSTRAINT project_pkey PRIMARY KEY (id),
    CONSTRAINT project_resource_fkey FOREIGN KEY (id, kind, organization)
        REFERENCES aiven_rbac.resource (id, kind, organization) ON UPDATE CASCADE ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.project IS 'what a project has beyond being a resource';

CREATE TABLE aiven_rbac.service (
    id           uuid NOT NULL,
    kind         text NOT NULL DEFAULT 'service' CHECK (kind = 'service'),
    organization uuid NOT NULL,
    service_type text NOT NULL CHECK (service_type <> ''),
    plan         text,
    CONSTRAINT service_pkey PRIMARY KEY (id),
    CONSTRAINT service_resource_fkey FOREIGN KEY (id, kind, organization)
        REFERENCES aiven_rbac.resource (id, kind, organization) ON UPDATE CASCADE ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.service IS 'what a service has beyond being a resource';

-- Principals (P1, P2, P4, P5) -----------------------------------------------

CREATE TABLE aiven_rbac.principal (
    id             uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    kind           text NOT NULL,
    organization   uuid,
    name           text NOT NULL CHECK (name <> ''),
    email          text,
    description    text,
    account_owners boolean NOT NULL DEFAULT false,
    deactivated_at timestamptz,
    created_at     timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT principal_pkey PRIMARY KEY (id),
    CONSTRAINT principal_kind_key UNIQUE (id, kind),
    CONSTRAINT principal_group_key UNIQUE (id, kind, organization, account_owners),
    CONSTRAINT principal_home_key UNIQUE (id, organization),
    CONSTRAINT principal_organization_fkey FOREIGN KEY (organization)
        REFERENCES aiven_rbac.organization (id) ON DELETE CASCADE,
    CONSTRAINT principal_kind_known
        CHECK (kind IN ('user', 'application_user', 'group')),
    CONSTRAINT principal_user_is_global
        CHECK ((kind = 'user') = (organization IS NULL)),
    CONSTRAINT principal_user_has_email
        CHECK ((kind = 'user') = (email IS NOT NULL)),
    CONSTRAINT principal_email_shape
        CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    CONSTRAINT principal_account_owners_is_group
        CHECK (kind = 'group' OR NOT account_owners),
    CONSTRAINT principal_only_users_deactivate
        CHECK (kind = 'user' OR deactivated_at IS NULL)
);
CREATE UNIQUE INDEX principal_email_key ON aiven_rbac.principal (pg_catalog.lower(email)) WHERE kind = 'user';
CREATE UNIQUE INDEX principal_name_key ON aiven_rbac.principal (organization, kind, name);
CREATE UNIQUE INDEX principal_account_owners_key ON aiven_rbac.principal (organization) WHERE account_owners;

COMMENT ON TABLE aiven_rbac.principal IS
    'users (global, by email), application users and groups (of one organization each)';

-- Who belongs to an organization: the users that accepted an invitation, and
-- its own application users and groups.  Grants and group memberships hang on
-- this row, so that they end with it (P1, P7).
CREATE TABLE aiven_rbac.membership (
    principal    uuid NOT NULL,
    organization uuid NOT NULL,
    kind         text NOT NULL,
    home         uuid GENERATED ALWAYS AS (CASE WHEN kind <> 'user' THEN organization END) STORED,
    joined_at    timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT membership_pkey PRIMARY KEY (principal, organization),
    CONSTRAINT membership_kind_key UNIQUE (principal, organization, kind),
    CONSTRAINT membership_principal_fkey FOREIGN KEY (principal, kind)
        REFERENCES aiven_rbac.principal (id, kind) ON DELETE CASCADE,
    CONSTRAINT membership_home_fkey FOREIGN KEY (principal, home)
        REFERENCES aiven_rbac.principal (id, organization) ON DELETE CASCADE,
    CONSTRAINT membership_organization_fkey FOREIGN KEY (organization)
        REFERENCES aiven_rbac.organization (id) ON DELETE CASCADE
);
CREATE INDEX membership_organization_idx ON aiven_rbac.membership (organization);
COMMENT ON TABLE aiven_rbac.membership IS
    'accepted members of an organization, and the application users and groups that are its own';

CREATE TABLE aiven_rbac.invitation (
    id           uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    organization uuid NOT NULL,
    email        text NOT NULL CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    invited_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
    expires_at   timestamptz NOT NULL,
    accepted_at  timestamptz,
    withdrawn_at timestamptz,
    CONSTRAINT invitation_pkey PRIMARY KEY (id),
    CONSTRAINT invitation_organization_fkey FOREIGN KEY (organization)
        REFERENCES aiven_rbac.organization (id) ON DELETE CASCADE,
    CONSTRAINT invitation_ends_once CHECK (accepted_at IS NULL OR withdrawn_at IS NULL)
);
CREATE UNIQUE INDEX invitation_pending_key ON aiven_rbac.invitation (organization, pg_catalog.lower(email))
    WHERE accepted_at IS NULL AND withdrawn_at IS NULL;
COMMENT ON TABLE aiven_rbac.invitation IS 'invitations by email: pending, then accepted, withdrawn or expired';

-- Super admins are the members of the account owners group; only users can be
-- (P2, P5), and groups never hold groups (P4).
CREATE TABLE aiven_rbac.group_member (
    member         uuid NOT NULL,
    group_id       uuid NOT NULL,
    organization   uuid NOT NULL,
    member_kind    text NOT NULL,
    group_kind     text NOT NULL DEFAULT 'group' CHECK (group_kind = 'group'),
    account_owners boolean NOT NULL DEFAULT false,
    added_at       timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT group_member_pkey PRIMARY KEY (member, group_id),
    CONSTRAINT group_member_group_fkey FOREIGN KEY (group_id, group_kind, organization, account_owners)
        REFERENCES aiven_rbac.principal (id, kind, organization, account_owners) ON DELETE CASCADE,
    CONSTRAINT group_member_membership_fkey FOREIGN KEY (member, organization, member_kind)
        REFERENCES aiven_rbac.membership (principal, organization, kind) ON DELETE CASCADE,
    CONSTRAINT group_member_kind_allowed CHECK (member_kind IN ('user', 'application_user')),
    CONSTRAINT group_member_super_admin_is_user CHECK (member_kind = 'user' OR NOT account_owners)
);
CREATE INDEX group_member_group_idx ON aiven_rbac.group_member (group_id);
COMMENT ON TABLE aiven_rbac.group_member IS
    'members of groups; those of an organization''s account owners group are its super admins';

-- Catalogue (G1, G8) ---------------------------------------------------------

-- An action's number is its place in the bit set that every decision is made
-- of (RBAC_MAX_ACTIONS in action_set.h): it never changes once given.
CREATE TABLE aiven_rbac.action (
    number        smallint NOT NULL CHECK (number BETWEEN 0 AND 255),
    name          text NOT NULL CHECK (name ~ '^[a-z0-9_]+\.[a-z0-9_]+$'),
    resource_kind text NOT NULL CHECK (resource_kind IN ('organization', 'unit', 'project', 'service')),
    description   text NOT NULL,
    built_in      boolean NOT NULL DEFAULT false,
    CONSTRAINT action_pkey PRIMARY KEY (number),
    CONSTRAINT action_name_key UNIQUE (name)
);
COMMENT ON TABLE aiven_rbac.action IS 'the atoms of access: what can be done, and on which kind of resource';

-- Roles and permissions are both named sets of actions.  Those that every
-- organization has in common carry the nil uuid as their organization.
CREATE TABLE aiven_rbac.grantable (
    id           uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    organization uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    name         text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9_:-]*$'),
    type         text NOT NULL CHECK (type IN ('built-in', 'role', 'permission')),
    console_name text NOT NULL,
    built_in     boolean NOT NULL DEFAULT false,
    owner        uuid GENERATED ALWAYS AS
        (NULLIF(organization, '00000000-0000-0000-0000-000000000000'::uuid)) STORED,
    CONSTRAINT grantable_pkey PRIMARY KEY (id),
    CONSTRAINT grantable_name_key UNIQUE (name, organization),
    CONSTRAINT grantable_organization_key UNIQUE (id, organization),
    CONSTRAINT grantable_owner_fkey FOREIGN KEY (owner)
        REFERENCES aiven_rbac.organization (id) ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.grantable IS 'roles and permissions: sets of actions with a name';

CREATE TABLE aiven_rbac.grantable_on (
    grantable     uuid NOT NULL,
    organization  uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    resource_kind text NOT NULL CHECK (resource_kind IN ('organization', 'unit', 'project')),
    built_in      boolean NOT NULL DEFAULT false,
    CONSTRAINT grantable_on_pkey PRIMARY KEY (grantable, organization, resource_kind),
    CONSTRAINT grantable_on_grantable_fkey FOREIGN KEY (grantable, organization)
        REFERENCES aiven_rbac.grantable (id, organization) ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.grantable_on IS 'the kinds of resource that a role or permission can be granted on';

-- What only super admins may do: the first three actions of the catalogue.
CREATE FUNCTION aiven_rbac.only_super_admins(action smallint) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT action IN (0, 1, 2) $$;
REVOKE ALL ON FUNCTION aiven_rbac.only_super_admins(smallint) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.only_super_admins(smallint) IS
    'is this the number of organization.rename, organization.delete or super_admin.manage?';

CREATE TABLE aiven_rbac.allowed_action (
    grantable  uuid NOT NULL,
    granted_on text NOT NULL CHECK (granted_on IN ('organization', 'unit', 'project')),
    action     smallint NOT NULL,
    built_in   boolean NOT NULL DEFAULT false,
    CONSTRAINT allowed_action_pkey PRIMARY KEY (grantable, granted_on, action),
    CONSTRAINT allowed_action_grantable_fkey FOREIGN KEY (grantable)
        REFERENCES aiven_rbac.grantable (id) ON DELETE CASCADE,
    CONSTRAINT allowed_action_action_fkey FOREIGN KEY (action)
        REFERENCES aiven_rbac.action (number),
    CONSTRAINT allowed_action_super_admins_keep_theirs
        CHECK (built_in OR NOT aiven_rbac.only_super_admins(action))
);
COMMENT ON TABLE aiven_rbac.allowed_action IS
    'the actions that a role or permission allows, by the kind of resource that it was granted on';

-- Grants (G1, G4, G7) --------------------------------------------------------

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
    CONSTRAINT access_grant_pkey PRIMARY KEY (principal, resource, grantable),
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
CREATE INDEX access_grant_grantable_idx ON aiven_rbac.access_grant (grantable);
COMMENT ON TABLE aiven_rbac.access_grant IS
    'who was given what where, optionally for the period [valid_from, valid_until)';

-- Sessions and cache ---------------------------------------------------------

CREATE TABLE aiven_rbac.database_role (
    role      regrole NOT NULL,
    principal uuid NOT NULL,
    CONSTRAINT database_role_pkey PRIMARY KEY (role),
    CONSTRAINT database_role_principal_fkey FOREIGN KEY (principal)
        REFERENCES aiven_rbac.principal (id) ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.database_role IS
    'database roles that are a principal when they log in directly and none is set';

-- Nothing is ever stored in these: a relation cache invalidation of one of the
-- first two is the signal by which every session learns that what it has cached
-- is old; one of the third, sent within a session only, remakes its plans.
CREATE TABLE aiven_rbac.facts_signal ();
CREATE TABLE aiven_rbac.catalogue_signal ();
CREATE TABLE aiven_rbac.plan_signal ();
COMMENT ON TABLE aiven_rbac.facts_signal IS 'always empty; invalidated when hierarchy, people or grants change';
COMMENT ON TABLE aiven_rbac.plan_signal IS 'always empty; plans made for a narrow or a wide principal depend on it';
COMMENT ON TABLE aiven_rbac.catalogue_signal IS 'always empty; invalidated when actions, roles or permissions change';

-- What pg_dump takes along: everything but the rows that CREATE EXTENSION
-- brings by itself.
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT * FROM (VALUES ('resource', ''),
                                   ('organization', ''),
                                   ('project', ''),
                                   ('service', ''),
                                   ('principal', ''),
                                   ('membership', ''),
                                   ('invitation', ''),
                                   ('group_member', ''),
                                   ('action', 'WHERE NOT built_in'),
                                   ('grantable', 'WHERE NOT built_in'),
                                   ('grantable_on', 'WHERE NOT built_in'),
                                   ('allowed_action', 'WHERE NOT built_in'),
                                   ('access_grant', ''),
                                   ('database_role', ''),
                                   ('retired_id', '')) AS v (name, condition)
    LOOP
        PERFORM pg_catalog.pg_extension_config_dump(
            pg_catalog.format('aiven_rbac.%I', t.name)::pg_catalog.regclass, t.condition);
    END LOOP;
END
$$;
