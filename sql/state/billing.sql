-- What an organization pays with (H6).

CREATE TABLE aiven_rbac.billing_address (
    id            uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    organization  uuid NOT NULL,
    company_name  text NOT NULL CONSTRAINT billing_address_company_named CHECK (aiven_rbac.is_text(company_name, 'name', 255)),
    address_lines text[] NOT NULL DEFAULT '{}'
        CONSTRAINT billing_address_lines_shape CHECK (aiven_rbac.are_texts(address_lines, 'line', 255)),
    city          text NOT NULL CONSTRAINT billing_address_city_named CHECK (aiven_rbac.is_text(city, 'name', 255)),
    postal_code   text CONSTRAINT billing_address_postal_code_shape CHECK (aiven_rbac.is_text(postal_code, 'line', 255)),
    state         text CONSTRAINT billing_address_state_shape CHECK (aiven_rbac.is_text(state, 'line', 255)),
    country_code  text NOT NULL CONSTRAINT billing_address_country_code_shape CHECK (country_code ~ '^[A-Z]{2}$'),
    created_at    timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT billing_address_pkey PRIMARY KEY (id),
    CONSTRAINT billing_address_organization_key UNIQUE (id, organization),
    CONSTRAINT billing_address_organization_fkey FOREIGN KEY (organization)
        REFERENCES aiven_rbac.organization (id) ON DELETE CASCADE
);
CREATE INDEX billing_address_organization_idx ON aiven_rbac.billing_address (organization);
COMMENT ON TABLE aiven_rbac.billing_address IS 'addresses for an organization''s invoices';
COMMENT ON CONSTRAINT billing_address_company_named ON aiven_rbac.billing_address IS 'The company''s name has 1 to 255 characters, none of them a control character.';
COMMENT ON CONSTRAINT billing_address_city_named ON aiven_rbac.billing_address IS 'The city''s name has 1 to 255 characters, none of them a control character.';
COMMENT ON CONSTRAINT billing_address_lines_shape ON aiven_rbac.billing_address IS
    'An address has at most 100 lines of 255 characters, none of them a control character.';
COMMENT ON CONSTRAINT billing_address_postal_code_shape ON aiven_rbac.billing_address IS
    'A postal code has at most 255 characters, none of them a control character.';
COMMENT ON CONSTRAINT billing_address_state_shape ON aiven_rbac.billing_address IS
    'A state''s name has at most 255 characters, none of them a control character.';
COMMENT ON CONSTRAINT billing_address_country_code_shape ON aiven_rbac.billing_address IS
    'A country is its two-letter code in capitals, like "FI".';

-- A card's number has no place here, and a reference that is nothing but as
-- many digits as a card has is refused: it is the likeliest mistake.
CREATE TABLE aiven_rbac.payment_method (
    id                 uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    organization       uuid NOT NULL,
    provider           text NOT NULL CONSTRAINT payment_method_provider_named CHECK (aiven_rbac.is_text(provider, 'name', 255)),
    provider_reference text NOT NULL
        CONSTRAINT payment_method_reference_shape CHECK (aiven_rbac.is_text(provider_reference, 'name', 255))
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
COMMENT ON CONSTRAINT payment_method_provider_named ON aiven_rbac.payment_method IS 'The payment provider''s name has 1 to 255 characters, none of them a control character.';
COMMENT ON CONSTRAINT payment_method_reference_shape ON aiven_rbac.payment_method IS
    'A reference has 1 to 255 characters, none of them a control character.';
COMMENT ON CONSTRAINT payment_method_reference_is_no_card_number ON aiven_rbac.payment_method IS
    'Give the payment provider''s reference: card numbers are not kept here.';
COMMENT ON CONSTRAINT payment_method_last_four_shape ON aiven_rbac.payment_method IS 'Give the last four digits of the card, no more.';
COMMENT ON CONSTRAINT payment_method_reference_key ON aiven_rbac.payment_method IS
    'The organization has this payment method already.';

CREATE TABLE aiven_rbac.billing_group (
    id              uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    organization    uuid NOT NULL,
    name            text NOT NULL CONSTRAINT billing_group_named CHECK (aiven_rbac.is_text(name, 'name', 255)),
    currency        text NOT NULL CONSTRAINT billing_group_currency_shape CHECK (currency ~ '^[A-Z]{3}$'),
    tax_id          text CONSTRAINT billing_group_tax_id_not_empty CHECK (aiven_rbac.is_text(tax_id, 'name', 255)),
    billing_emails  text[] NOT NULL DEFAULT '{}'
        CONSTRAINT billing_group_emails_shape CHECK (aiven_rbac.are_texts(billing_emails, 'email', 254)),
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
COMMENT ON CONSTRAINT billing_group_named ON aiven_rbac.billing_group IS 'A name has 1 to 255 characters, none of them a control character.';
COMMENT ON CONSTRAINT billing_group_currency_shape ON aiven_rbac.billing_group IS
    'A currency is its three-letter code in capitals, like "EUR".';
COMMENT ON CONSTRAINT billing_group_tax_id_not_empty ON aiven_rbac.billing_group IS 
    'The tax id may be left out; otherwise it has 1 to 255 characters, none of them a control character.';
COMMENT ON CONSTRAINT billing_group_emails_shape ON aiven_rbac.billing_group IS
    'Billing emails are at most 100 addresses like "billing@acme.example".';
COMMENT ON CONSTRAINT billing_group_name_key ON aiven_rbac.billing_group IS
    'The names of an organization''s billing groups differ: choose another one.';
