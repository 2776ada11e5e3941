-- What makes somebody a principal: database roles and tokens (P8).

-- One table for both, so that a role can be one of them only.  A role has a
-- number, which follows it when it is renamed, and which a new role can get when
-- the old one has been dropped: pg_dump therefore takes along mappings of roles
-- that there are, by name.
CREATE TABLE aiven_rbac.database_role (
    role      regrole NOT NULL,
    principal uuid,
    service   uuid,
    username  text,
    CONSTRAINT database_role_pkey PRIMARY KEY (role),
    CONSTRAINT database_role_service_user_key UNIQUE (service, username),
    CONSTRAINT database_role_is_one_thing
        CHECK ((principal IS NULL) = (service IS NOT NULL) AND (service IS NULL) = (username IS NULL)),
    CONSTRAINT database_role_principal_fkey FOREIGN KEY (principal)
        REFERENCES aiven_rbac.principal (id) ON DELETE CASCADE,
    CONSTRAINT database_role_service_user_fkey FOREIGN KEY (service, username)
        REFERENCES aiven_rbac.service_user (service, username) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX database_role_principal_idx ON aiven_rbac.database_role (principal);
COMMENT ON TABLE aiven_rbac.database_role IS
    'database roles that are a principal when they log in directly and none is set, and those of service users';

CREATE TABLE aiven_rbac.token (
    prefix           text COLLATE "C" NOT NULL,
    principal        uuid NOT NULL,
    digest           bytea NOT NULL,
    allowed_networks cidr[],
    extend_when_used boolean NOT NULL DEFAULT false,
    expires_at       timestamptz,
    revoked_at       timestamptz,
    max_age          interval,
    description      text CONSTRAINT token_description_shape CHECK (aiven_rbac.is_text(description, 'note', 1000)),
    created_at       timestamptz NOT NULL DEFAULT pg_catalog.now(),
    principal_kind   text NOT NULL,
    -- How its maker had logged in: it opens no more than the maker's session.
    method           text CONSTRAINT token_method_length CHECK (pg_catalog.octet_length(method) <= 63),
    two_factor       boolean NOT NULL DEFAULT false,
    CONSTRAINT token_pkey PRIMARY KEY (prefix),
    CONSTRAINT token_principal_fkey FOREIGN KEY (principal, principal_kind)
        REFERENCES aiven_rbac.principal (id, kind) ON DELETE CASCADE,
    CONSTRAINT token_principal_logs_in CHECK (principal_kind IN ('user', 'application_user')),
    CONSTRAINT token_digest_is_sha256 CHECK (pg_catalog.length(digest) = 32),
    CONSTRAINT token_networks_named CHECK (pg_catalog.cardinality(allowed_networks) BETWEEN 1 AND 100
                                           AND pg_catalog.array_position(allowed_networks, NULL) IS NULL),
    CONSTRAINT token_max_age_positive CHECK (max_age > interval '0'),
    CONSTRAINT token_max_age_ends CHECK ((max_age IS NULL) = (expires_at IS NULL)),
    CONSTRAINT token_extension_has_length CHECK (max_age IS NOT NULL OR NOT extend_when_used)
);
CREATE INDEX token_principal_idx ON aiven_rbac.token (principal);
COMMENT ON TABLE aiven_rbac.token IS
    'tokens to log in with: a SHA-256 digest of each, found by its prefix; the token itself is stored nowhere';

CREATE TABLE aiven_rbac.token_use (
    prefix         text COLLATE "C" NOT NULL,
    last_used_at   timestamptz,
    extended_until timestamptz,
    CONSTRAINT token_use_pkey PRIMARY KEY (prefix),
    CONSTRAINT token_use_token_fkey FOREIGN KEY (prefix)
        REFERENCES aiven_rbac.token (prefix) ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.token_use IS
    'when a token was last used, to the minute, and until when its use has extended it';
