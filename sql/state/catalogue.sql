-- The catalogue: actions, and the roles and permissions that are sets of them.

-- An action's number is its place in the bit set that every decision is made
-- of (RBAC_MAX_ACTIONS in action_set.h): it never changes once given.
CREATE TABLE aiven_rbac.action (
    number        smallint NOT NULL CHECK (number BETWEEN 0 AND 255),
    name          text NOT NULL CHECK (name ~ '^[a-z0-9_]+\.[a-z0-9_]+$' AND pg_catalog.length(name) <= 255),
    resource_kind text NOT NULL CHECK (resource_kind IN ('organization', 'unit', 'project', 'service')),
    description   text NOT NULL CHECK (aiven_rbac.is_text(description, 'note', 1000)),
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
    name         text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9_:-]*$' AND pg_catalog.length(name) <= 255),
    type         text NOT NULL CHECK (type IN ('built-in', 'role', 'permission')),
    console_name text NOT NULL CHECK (aiven_rbac.is_text(console_name, 'name', 255)),
    built_in     boolean NOT NULL DEFAULT false,
    owner        uuid GENERATED ALWAYS AS
        (NULLIF(organization, '00000000-0000-0000-0000-000000000000'::uuid)) STORED,
    CONSTRAINT grantable_pkey PRIMARY KEY (id),
    CONSTRAINT grantable_name_key UNIQUE (name, organization),
    CONSTRAINT grantable_organization_key UNIQUE (id, organization),
    CONSTRAINT grantable_owner_fkey FOREIGN KEY (owner)
        REFERENCES aiven_rbac.organization (id) ON DELETE CASCADE
);
CREATE INDEX grantable_owner_idx ON aiven_rbac.grantable (owner);
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
