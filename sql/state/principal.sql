-- Users, application users and groups, and how they belong to organizations.

-- Who grants, or adds to a group: a default, which costs nothing where there are
-- many rows.
CREATE FUNCTION aiven_rbac.acting_principal() RETURNS uuid
    AS 'MODULE_PATHNAME', 'rbac_current_principal'
    LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION aiven_rbac.acting_principal() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.acting_principal() IS 'the session''s principal; NULL where an operator acts';

CREATE TABLE aiven_rbac.principal (
    id             uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    kind           text NOT NULL,
    organization   uuid,
    name           text NOT NULL CONSTRAINT principal_name_shape CHECK (aiven_rbac.is_text(name, 'name', 255)),
    email          text CONSTRAINT principal_email_shape CHECK (aiven_rbac.is_text(email, 'email', 254)),
    description    text CONSTRAINT principal_description_shape CHECK (aiven_rbac.is_text(description, 'note', 1000)),
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
    CONSTRAINT principal_account_owners_is_group
        CHECK (kind = 'group' OR NOT account_owners),
    CONSTRAINT principal_only_users_deactivate
        CHECK (kind = 'user' OR deactivated_at IS NULL)
);
CREATE UNIQUE INDEX principal_email_key ON aiven_rbac.principal (aiven_rbac.fold(email)) WHERE kind = 'user';
CREATE UNIQUE INDEX principal_name_key ON aiven_rbac.principal (organization, kind, name);
CREATE INDEX principal_email_domain_idx ON aiven_rbac.principal (aiven_rbac.fold(pg_catalog.split_part(email, '@', 2))) WHERE kind = 'user';
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
    email        text NOT NULL CONSTRAINT invitation_email_shape CHECK (aiven_rbac.is_text(email, 'email', 254)),
    invited_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
    expires_at   timestamptz NOT NULL,
    accepted_at  timestamptz,
    withdrawn_at timestamptz,
    -- Whoever invites may offer grants and groups, which are judged again when the
    -- invitation is accepted: by what the inviter may hand out then.  One that is
    -- gone hands out nothing, so that nothing is known of it by a foreign key.
    inviter      uuid,
    by_operator  boolean NOT NULL DEFAULT false,
    grants       jsonb NOT NULL DEFAULT '[]'
        CONSTRAINT invitation_grants_shape CHECK (pg_catalog.jsonb_typeof(grants) = 'array' AND pg_catalog.jsonb_array_length(grants) <= 100),
    groups       uuid[] NOT NULL DEFAULT '{}'
        CONSTRAINT invitation_groups_number CHECK (pg_catalog.cardinality(groups) <= 100 AND pg_catalog.array_position(groups, NULL) IS NULL),
    dropped      jsonb NOT NULL DEFAULT '[]'
        CONSTRAINT invitation_dropped_shape CHECK (pg_catalog.jsonb_typeof(dropped) = 'array'),
    CONSTRAINT invitation_pkey PRIMARY KEY (id),
    CONSTRAINT invitation_organization_fkey FOREIGN KEY (organization)
        REFERENCES aiven_rbac.organization (id) ON DELETE CASCADE,
    CONSTRAINT invitation_ends_once CHECK (accepted_at IS NULL OR withdrawn_at IS NULL)
);
CREATE UNIQUE INDEX invitation_pending_key ON aiven_rbac.invitation (organization, aiven_rbac.fold(email))
    WHERE accepted_at IS NULL AND withdrawn_at IS NULL;
CREATE INDEX invitation_organization_idx ON aiven_rbac.invitation (organization);
CREATE INDEX invitation_email_idx ON aiven_rbac.invitation (aiven_rbac.fold(email));
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
    added_by       uuid DEFAULT aiven_rbac.acting_principal(),
    CONSTRAINT group_member_pkey PRIMARY KEY (member, group_id),
    CONSTRAINT group_member_group_fkey FOREIGN KEY (group_id, group_kind, organization, account_owners)
        REFERENCES aiven_rbac.principal (id, kind, organization, account_owners) ON DELETE CASCADE,
    CONSTRAINT group_member_membership_fkey FOREIGN KEY (member, organization, member_kind)
        REFERENCES aiven_rbac.membership (principal, organization, kind) ON DELETE CASCADE,
    CONSTRAINT group_member_kind_allowed CHECK (member_kind IN ('user', 'application_user')),
    CONSTRAINT group_member_super_admin_is_user CHECK (member_kind = 'user' OR NOT account_owners)
);
CREATE INDEX group_member_account_owners_idx ON aiven_rbac.group_member (organization) WHERE account_owners;
CREATE INDEX group_member_organization_idx ON aiven_rbac.group_member (organization);
CREATE INDEX group_member_group_idx ON aiven_rbac.group_member (group_id);
COMMENT ON TABLE aiven_rbac.group_member IS
    'members of groups; those of an organization''s account owners group are its super admins';

-- Nobody waits for this table, whoever ends somebody's access least of all: it has
-- no foreign key, and a row outlives its principal.
CREATE TABLE aiven_rbac.principal_use (
    principal    uuid NOT NULL,
    last_used_at timestamptz NOT NULL,
    method       text,
    two_factor   boolean NOT NULL,
    CONSTRAINT principal_use_pkey PRIMARY KEY (principal)
);
COMMENT ON TABLE aiven_rbac.principal_use IS
    'when a session was last a principal''s, to the hour, and how it had logged in';
