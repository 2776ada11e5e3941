-- What an organization keeps beside its hierarchy and its people: billing
-- (H6), who its users are vouched for by (P3, G9), which plans its services
-- may have (H8), tags (H7), and the database accounts of services (H9).
--
-- As in the model, a composite foreign key carries the rule that both rows are
-- of one organization.  The comment on a constraint says what is right; it is
-- the hint of the error when something else was given.

-- Billing (H6) ------------------------------------------------------------------

ALTER TABLE aiven_rbac.organization
    ADD COLUMN support_tier text NOT NULL DEFAULT 'basic',
    ADD CONSTRAINT organization_support_tier_known
        CHECK (support_tier IN ('basic', 'business', 'advanced', 'premium'));
COMMENT ON CONSTRAINT organization_support_tier_known ON aiven_rbac.organization IS
    'The support tiers are basic, business, advanced and premium.';

CREATE TABLE aiven_rbac.billing_address (
    id            uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    organization  uuid NOT NULL,
    company_name  text NOT NULL CONSTRAINT billing_address_company_named CHECK (company_name <> ''),
    address_lines text[] NOT NULL DEFAULT '{}',
    city          text NOT NULL CONSTRAINT billing_address_city_named CHECK (city <> ''),
    postal_code   text,
    state         text,
    country_code  text NOT NULL CONSTRAINT billing_address_country_code_shape CHECK (country_code ~ '^[A-Z]{2}$'),
    created_at    timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT billing_address_pkey PRIMARY KEY (id),
    CONSTRAINT billing_address_organization_key UNIQUE (id, organization),
    CONSTRAINT billing_address_organization_fkey FOREIGN KEY (organization)
        REFERENCES aiven_rbac.organization (id) ON DELETE CASCADE
);
CREATE INDEX billing_address_organization_idx ON aiven_rbac.billing_address (organization);
COMMENT ON TABLE aiven_rbac.billing_address IS 'addresses for an organization''s invoices';
COMMENT ON CONSTRAINT billing_address_company_named ON aiven_rbac.billing_address IS 'The company''s name must not be empty.';
COMMENT ON CONSTRAINT billing_address_city_named ON aiven_rbac.billing_address IS 'The city must not be empty.';
COMMENT ON CONSTRAINT billing_address_country_code_shape ON aiven_rbac.billing_address IS
    'A country is its two-letter code in capitals, like "FI".';

-- A card's number has no place here, and a reference that is nothing but as
-- many digits as a card has is refused: it is the likeliest mistake.
CREATE TABLE aiven_rbac.payment_method (
    id                 uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    organization       uuid NOT NULL,
    provider           text NOT NULL CONSTRAINT payment_method_provider_named CHECK (provider <> ''),
    provider_reference text NOT NULL
        CONSTRAINT payment_method_reference_is_no_card_number
        CHECK (provider_reference <> '' AND provider_reference !~ '^[ -]*([0-9][ -]*){12,19}$'),
    last_four          text CONSTRAINT payment_method_last_four_shape CHECK (last_four ~ '^[0-9]{4}$'),
    created_at         timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT payment_method_pkey PRIMARY KEY (id),
    CONSTRAINT payment_method_organization_key UNIQUE (id, organization),
    CONSTRAINT payment_method_reference_key UNIQUE (organization, provider, provider_reference),
    CONSTRAINT payment_method_organization_fkey FOREIGN KEY (organization)
        REFERENCES aiven_rbac.organization (id) ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.payment_method IS
    'an organization''s payment methods: the payment provider''s reference and a card''s last four digits, never its number';
COMMENT ON CONSTRAINT payment_method_provider_named ON aiven_rbac.payment_method IS 'The payment provider''s name must not be empty.';
COMMENT ON CONSTRAINT payment_method_reference_is_no_card_number ON aiven_rbac.payment_method IS
    'Give the payment provider''s reference: card numbers are not kept here.';
COMMENT ON CONSTRAINT payment_method_last_four_shape ON aiven_rbac.payment_method IS 'Give the last four digits of the card, no more.';
COMMENT ON CONSTRAINT payment_method_reference_key ON aiven_rbac.payment_method IS
    'The organization has this payment method already.';

CREATE TABLE aiven_rbac.billing_group (
    id              uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    organization    uuid NOT NULL,
    name            text NOT NULL CONSTRAINT billing_group_named CHECK (name <> ''),
    currency        text NOT NULL CONSTRAINT billing_group_currency_shape CHECK (currency ~ '^[A-Z]{3}$'),
    tax_id          text CONSTRAINT billing_group_tax_id_not_empty CHECK (tax_id <> ''),
    billing_emails  text[] NOT NULL DEFAULT '{}'
        CONSTRAINT billing_group_emails_shape
        CHECK (pg_catalog.array_position(billing_emails, NULL) IS NULL
               AND pg_catalog.array_to_string(billing_emails, ' ') ~ '^([^@[:space:]]+@[^@[:space:]]+( |$))*$'),
    billing_address uuid,
    payment_method  uuid,
    created_at      timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT billing_group_pkey PRIMARY KEY (id),
    CONSTRAINT billing_group_organization_key UNIQUE (id, organization),
    CONSTRAINT billing_group_name_key UNIQUE (organization, name),
    CONSTRAINT billing_group_organization_fkey FOREIGN KEY (organization)
        REFERENCES aiven_rbac.organization (id) ON DELETE CASCADE,
    CONSTRAINT billing_group_address_fkey FOREIGN KEY (billing_address, organization)
        REFERENCES aiven_rbac.billing_address (id, organization),
    CONSTRAINT billing_group_payment_method_fkey FOREIGN KEY (payment_method, organization)
        REFERENCES aiven_rbac.payment_method (id, organization)
);
CREATE INDEX billing_group_address_idx ON aiven_rbac.billing_group (billing_address);
CREATE INDEX billing_group_payment_method_idx ON aiven_rbac.billing_group (payment_method);
COMMENT ON TABLE aiven_rbac.billing_group IS 'billing groups: what projects are paid by, never shared between organizations';
COMMENT ON CONSTRAINT billing_group_named ON aiven_rbac.billing_group IS 'The name must not be empty.';
COMMENT ON CONSTRAINT billing_group_currency_shape ON aiven_rbac.billing_group IS
    'A currency is its three-letter code in capitals, like "EUR".';
COMMENT ON CONSTRAINT billing_group_tax_id_not_empty ON aiven_rbac.billing_group IS 'The tax id may be left out, but not be empty.';
COMMENT ON CONSTRAINT billing_group_emails_shape ON aiven_rbac.billing_group IS
    'Billing emails are addresses like "billing@acme.example".';
COMMENT ON CONSTRAINT billing_group_name_key ON aiven_rbac.billing_group IS
    'The names of an organization''s billing groups differ: choose another one.';

ALTER TABLE aiven_rbac.project
    ADD COLUMN billing_group uuid,
    ADD CONSTRAINT project_billing_group_fkey FOREIGN KEY (billing_group, organization)
        REFERENCES aiven_rbac.billing_group (id, organization);
CREATE INDEX project_billing_group_idx ON aiven_rbac.project (billing_group);

-- Identity (P3, G9) -------------------------------------------------------------

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
    name                    text NOT NULL CONSTRAINT identity_provider_named CHECK (name <> ''),
    entity_id               text NOT NULL CONSTRAINT identity_provider_entity_id_not_empty CHECK (entity_id <> ''),
    url                     text NOT NULL CONSTRAINT identity_provider_url_shape CHECK (url ~ '^https://[^[:space:]]+$'),
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
COMMENT ON CONSTRAINT identity_provider_named ON aiven_rbac.identity_provider IS 'The name must not be empty.';
COMMENT ON CONSTRAINT identity_provider_entity_id_not_empty ON aiven_rbac.identity_provider IS
    'The entity id stands in the provider''s SAML metadata.';
COMMENT ON CONSTRAINT identity_provider_url_shape ON aiven_rbac.identity_provider IS
    'The URL for signing in begins with "https://".';
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
        CHECK (allowed_methods <> '{}' AND pg_catalog.array_position(allowed_methods, NULL) IS NULL),
    personal_tokens    boolean NOT NULL DEFAULT true,
    CONSTRAINT authentication_policy_pkey PRIMARY KEY (organization),
    CONSTRAINT authentication_policy_organization_fkey FOREIGN KEY (organization)
        REFERENCES aiven_rbac.organization (id) ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.authentication_policy IS
    'what a user''s session must satisfy to hold anything in an organization; no allowed_methods: any';
COMMENT ON CONSTRAINT authentication_policy_methods_not_empty ON aiven_rbac.authentication_policy IS
    'Name at least one method, or give NULL to allow any: otherwise nobody could sign in.';

-- Services (H7, H8, H9) ---------------------------------------------------------

CREATE TABLE aiven_rbac.plan_list (
    resource     uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('organization', 'unit', 'project')),
    organization uuid NOT NULL,
    plans        text[] NOT NULL
        CONSTRAINT plan_list_no_null CHECK (pg_catalog.array_position(plans, NULL) IS NULL),
    CONSTRAINT plan_list_pkey PRIMARY KEY (resource),
    CONSTRAINT plan_list_resource_fkey FOREIGN KEY (resource, kind, organization)
        REFERENCES aiven_rbac.resource (id, kind, organization) ON UPDATE CASCADE ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.plan_list IS
    'the service plans allowed below a resource, as far as the levels above allow them too';
COMMENT ON CONSTRAINT plan_list_no_null ON aiven_rbac.plan_list IS 'A plan must not be null.';

CREATE TABLE aiven_rbac.tag (
    resource     uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('project', 'service')),
    organization uuid NOT NULL,
    key          text NOT NULL CONSTRAINT tag_key_shape CHECK (key ~ '^[^[:space:]]{1,64}$'),
    value        text NOT NULL CONSTRAINT tag_value_length CHECK (pg_catalog.length(value) <= 256),
    CONSTRAINT tag_pkey PRIMARY KEY (resource, key),
    CONSTRAINT tag_resource_fkey FOREIGN KEY (resource, kind, organization)
        REFERENCES aiven_rbac.resource (id, kind, organization) ON UPDATE CASCADE ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.tag IS 'tags of projects and services';
COMMENT ON CONSTRAINT tag_key_shape ON aiven_rbac.tag IS 'A tag''s key has 1 to 64 characters and no space.';
COMMENT ON CONSTRAINT tag_value_length ON aiven_rbac.tag IS 'A tag''s value has at most 256 characters.';

CREATE TABLE aiven_rbac.service_user (
    service       uuid NOT NULL,
    username      text NOT NULL
        CONSTRAINT service_user_name_shape CHECK (username ~ '^[^[:space:]]{1,63}$'),
    database_role regrole,
    created_at    timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT service_user_pkey PRIMARY KEY (service, username),
    CONSTRAINT service_user_database_role_key UNIQUE (database_role),
    CONSTRAINT service_user_service_fkey FOREIGN KEY (service)
        REFERENCES aiven_rbac.service (id) ON DELETE CASCADE
);
COMMENT ON TABLE aiven_rbac.service_user IS
    'database accounts of services: no principals, and no part of any decision';
COMMENT ON CONSTRAINT service_user_name_shape ON aiven_rbac.service_user IS
    'A user name has 1 to 63 characters and no space.';
COMMENT ON CONSTRAINT service_user_pkey ON aiven_rbac.service_user IS 'The service has a user of this name already.';
COMMENT ON CONSTRAINT service_user_database_role_key ON aiven_rbac.service_user IS
    'Another service user is mapped to this database role.';

DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['billing_address', 'payment_method', 'billing_group', 'domain', 'identity_provider',
                             'authentication_policy', 'plan_list', 'tag', 'service_user']
    LOOP
        PERFORM pg_catalog.pg_extension_config_dump(pg_catalog.format('aiven_rbac.%I', t)::pg_catalog.regclass, '');
    END LOOP;
END
$$;
