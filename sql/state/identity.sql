-- Who vouches for users, and what their sessions must satisfy.

CREATE TABLE aiven_rbac.domain (
    organization uuid NOT NULL,
    name         text NOT NULL
        CONSTRAINT domain_name_shape
        CHECK (name ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'
               AND pg_catalog.length(name) <= 253),
    verification text NOT NULL,
    added_at     timestamptz NOT NULL DEFAULT pg_catalog.now(),
    verified_at  timestamptz,
    CONSTRAINT domain_pkey PRIMARY KEY (organization, name),
    CONSTRAINT domain_organization_fkey FOREIGN KEY (organization)
        REFERENCES aiven_rbac.organization (id) ON DELETE CASCADE
);

-- Any organization may claim a domain; one at most has shown that it is its.
CREATE UNIQUE INDEX domain_verified_key ON aiven_rbac.domain (name) WHERE verified_at IS NOT NULL;
COMMENT ON TABLE aiven_rbac.domain IS
    'email domains of organizations, and the text that each publishes in DNS to have one verified';
COMMENT ON CONSTRAINT domain_name_shape ON aiven_rbac.domain IS
    'A domain looks like "acme.example": labels of letters, digits and hyphens, joined by dots.';
COMMENT ON CONSTRAINT domain_pkey ON aiven_rbac.domain IS 'The organization has added this domain already.';
COMMENT ON INDEX aiven_rbac.domain_verified_key IS
    'Another organization has verified this domain; it must remove the domain first.';

CREATE TABLE aiven_rbac.identity_provider (
    id                      uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    organization            uuid NOT NULL,
    name                    text NOT NULL CONSTRAINT identity_provider_named CHECK (aiven_rbac.is_text(name, 'name', 255)),
    entity_id               text NOT NULL CONSTRAINT identity_provider_entity_id_not_empty CHECK (aiven_rbac.is_text(entity_id, 'word', 1000)),
    url                     text NOT NULL CONSTRAINT identity_provider_url_shape CHECK (url ~ '^https://.' AND aiven_rbac.is_text(url, 'word', 1000)),
    certificate_fingerprint text NOT NULL
        CONSTRAINT identity_provider_fingerprint_shape CHECK (certificate_fingerprint ~ '^[0-9a-f]{64}$'),
    enabled                 boolean NOT NULL DEFAULT false,
    created_at              timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT identity_provider_pkey PRIMARY KEY (id),
    CONSTRAINT identity_provider_name_key UNIQUE (organization, name),
    CONSTRAINT identity_provider_organization_fkey FOREIGN KEY (organization)
        REFERENCES aiven_rbac.organization (id) ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.identity_provider IS 'SAML identity providers of organizations';
COMMENT ON CONSTRAINT identity_provider_named ON aiven_rbac.identity_provider IS 'A name has 1 to 255 characters, none of them a control character.';
COMMENT ON CONSTRAINT identity_provider_entity_id_not_empty ON aiven_rbac.identity_provider IS
    'The entity id stands in the provider''s SAML metadata: at most 1000 characters without spaces.';
COMMENT ON CONSTRAINT identity_provider_url_shape ON aiven_rbac.identity_provider IS
    'The URL for signing in begins with "https://" and has at most 1000 characters, none of them a space.';
COMMENT ON CONSTRAINT identity_provider_fingerprint_shape ON aiven_rbac.identity_provider IS
    'The fingerprint is the SHA-256 of the provider''s certificate: 64 hexadecimal digits, with or without colons.';
COMMENT ON CONSTRAINT identity_provider_name_key ON aiven_rbac.identity_provider IS
    'The names of an organization''s identity providers differ: choose another one.';

-- An organization without a row asks for nothing.
CREATE TABLE aiven_rbac.authentication_policy (
    organization       uuid NOT NULL,
    require_two_factor boolean NOT NULL DEFAULT false,
    allowed_methods    text[]
        CONSTRAINT authentication_policy_methods_not_empty
        CHECK (pg_catalog.cardinality(allowed_methods) > 0 AND aiven_rbac.are_texts(allowed_methods, 'name', 63)),
    personal_tokens    boolean NOT NULL DEFAULT true,
    CONSTRAINT authentication_policy_pkey PRIMARY KEY (organization),
    CONSTRAINT authentication_policy_organization_fkey FOREIGN KEY (organization)
        REFERENCES aiven_rbac.organization (id) ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.authentication_policy IS
    'what a user''s session must satisfy to hold anything in an organization; no allowed_methods: any';
COMMENT ON CONSTRAINT authentication_policy_methods_not_empty ON aiven_rbac.authentication_policy IS
    'Name 1 to 100 methods, each in 1 to 63 characters, or give NULL to allow any: otherwise nobody could sign in.';
