-- Billing (H6): an organization's billing groups, and the payment methods and
-- addresses that they use.  To edit with NULL leaves a value as it is.

CREATE FUNCTION aiven_rbac.delete_belonging(kind text, action text, id uuid, if_exists boolean) RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    used_by text;
BEGIN
    PERFORM aiven_rbac.begin_act_on(action, kind, id, 'change');
    EXECUTE format('DELETE FROM aiven_rbac.%I AS x WHERE x.id = $1', kind) USING id;
    RETURN true;
EXCEPTION
    WHEN undefined_object THEN
        IF if_exists THEN
            RETURN false;
        END IF;
        RAISE;
    WHEN foreign_key_violation THEN
        GET STACKED DIAGNOSTICS used_by = TABLE_NAME;
        RAISE EXCEPTION '% with id % is in use', replace(kind, '_', ' '), id
            USING ERRCODE = 'dependent_objects_still_exist',
                  DETAIL = format('A %s uses it.', replace(used_by, '_', ' ')),
                  HINT = format('Give each such %s another %s first.', replace(used_by, '_', ' '), replace(kind, '_', ' '));
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.delete_belonging(text, text, uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.delete_belonging(text, text, uuid, boolean) IS
    'delete a billing group, payment method or billing address that nothing uses';

CREATE FUNCTION @extschema@.rbac_payment_method_add(organization @extschema@.rbac_resource, provider text,
        provider_reference text, last_four text DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    o aiven_rbac.resource := (aiven_rbac.begin_act('payment_method.add', organization, '{organization}')).place;
    id uuid := gen_random_uuid();
    violated text;
    missing text;
BEGIN
    INSERT INTO aiven_rbac.payment_method (id, organization, provider, provider_reference, last_four)
    VALUES (id, o.id, provider, provider_reference, last_four);
    RETURN id;
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('payment_method', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_payment_method_add(@extschema@.rbac_resource, text, text, text) IS
    'add a payment method to an organization: the payment provider''s reference and a card''s last four digits, never its number; it requires payment_method.add';

CREATE FUNCTION @extschema@.rbac_payment_method_edit(payment_method uuid, provider_reference text DEFAULT NULL,
                                                     last_four text DEFAULT NULL, clear text[] DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    act aiven_rbac.act := aiven_rbac.begin_act_on('payment_method.edit', 'payment_method', payment_method);
    violated text;
    missing text;
BEGIN
    PERFORM aiven_rbac.require_clear(clear, jsonb_build_object('last_four', last_four));
    UPDATE aiven_rbac.payment_method AS x
    SET provider_reference = coalesce(rbac_payment_method_edit.provider_reference, x.provider_reference),
        last_four = CASE WHEN 'last_four' = ANY (clear) THEN NULL ELSE coalesce(rbac_payment_method_edit.last_four, x.last_four) END
    WHERE x.id = payment_method;
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('payment_method', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_payment_method_edit(uuid, text, text, text[]) IS
    'change a payment method''s reference or last four digits (NULL: leave it; named in clear: none); it requires payment_method.edit';

CREATE FUNCTION @extschema@.rbac_payment_method_delete(payment_method uuid, if_exists boolean DEFAULT false) RETURNS boolean
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_belonging('payment_method', 'payment_method.delete', payment_method, if_exists) $$;
COMMENT ON FUNCTION @extschema@.rbac_payment_method_delete(uuid, boolean) IS
    'delete a payment method that no billing group uses; it requires payment_method.delete; false if there is none and if_exists is said';

CREATE FUNCTION @extschema@.rbac_billing_address_add(organization @extschema@.rbac_resource, company_name text, city text,
        country_code text, address_lines text[] DEFAULT '{}', postal_code text DEFAULT NULL, state text DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    o aiven_rbac.resource := (aiven_rbac.begin_act('billing_address.add', organization, '{organization}')).place;
    id uuid := gen_random_uuid();
    violated text;
    missing text;
BEGIN
    INSERT INTO aiven_rbac.billing_address
           (id, organization, company_name, address_lines, city, postal_code, state, country_code)
    VALUES (id, o.id, company_name, address_lines, city, postal_code, state, country_code);
    RETURN id;
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('billing_address', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_billing_address_add(@extschema@.rbac_resource, text, text, text, text[], text, text) IS
    'add a billing address to an organization; it requires billing_address.add';

CREATE FUNCTION @extschema@.rbac_billing_address_edit(billing_address uuid, company_name text DEFAULT NULL,
        city text DEFAULT NULL, country_code text DEFAULT NULL, address_lines text[] DEFAULT NULL,
        postal_code text DEFAULT NULL, state text DEFAULT NULL, clear text[] DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    act aiven_rbac.act := aiven_rbac.begin_act_on('billing_address.edit', 'billing_address', billing_address);
    violated text;
    missing text;
BEGIN
    PERFORM aiven_rbac.require_clear(clear, jsonb_build_object('postal_code', postal_code, 'state', state));
    UPDATE aiven_rbac.billing_address AS x
    SET company_name = coalesce(rbac_billing_address_edit.company_name, x.company_name),
        address_lines = coalesce(rbac_billing_address_edit.address_lines, x.address_lines),
        city = coalesce(rbac_billing_address_edit.city, x.city),
        postal_code = CASE WHEN 'postal_code' = ANY (clear) THEN NULL ELSE coalesce(rbac_billing_address_edit.postal_code, x.postal_code) END,
        state = CASE WHEN 'state' = ANY (clear) THEN NULL ELSE coalesce(rbac_billing_address_edit.state, x.state) END,
        country_code = coalesce(rbac_billing_address_edit.country_code, x.country_code)
    WHERE x.id = billing_address;
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('billing_address', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_billing_address_edit(uuid, text, text, text, text[], text, text, text[]) IS
    'change a billing address (NULL: leave it; postal_code or state named in clear: none); it requires billing_address.edit';

CREATE FUNCTION @extschema@.rbac_billing_address_delete(billing_address uuid, if_exists boolean DEFAULT false) RETURNS boolean
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_belonging('billing_address', 'billing_address.delete', billing_address, if_exists) $$;
COMMENT ON FUNCTION @extschema@.rbac_billing_address_delete(uuid, boolean) IS
    'delete a billing address that no billing group uses; it requires billing_address.delete; false if there is none and if_exists is said';

CREATE FUNCTION aiven_rbac.require_own(actor aiven_rbac.actor, kind text, id uuid, organization uuid) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
BEGIN
    IF id IS NOT NULL AND aiven_rbac.hold_belonging(actor, kind, id, 'share') <> organization THEN
        RAISE EXCEPTION '% with id % belongs to another organization', replace(kind, '_', ' '), id
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'Billing is never shared between organizations.',
                  HINT = 'Add one to this organization.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_own(aiven_rbac.actor, text, uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_own(aiven_rbac.actor, text, uuid, uuid) IS
    'raise if a payment method or billing address belongs to another organization';

CREATE FUNCTION aiven_rbac.billing_group_called(organization uuid, name text) RETURNS aiven_rbac.billing_group
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT b FROM aiven_rbac.billing_group AS b WHERE b.organization = billing_group_called.organization AND b.name = billing_group_called.name $$;
REVOKE ALL ON FUNCTION aiven_rbac.billing_group_called(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.billing_group_called(uuid, text) IS 'the billing group of an organization with a name, or NULL';

CREATE FUNCTION aiven_rbac.billing_group_called_now(organization uuid, name text) RETURNS aiven_rbac.billing_group
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION aiven_rbac.billing_group_called_now(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.billing_group_called_now(uuid, text) IS 'the same, as committed now';

CREATE FUNCTION @extschema@.rbac_billing_group_create(organization @extschema@.rbac_resource, name text,
        currency text DEFAULT 'USD', tax_id text DEFAULT NULL, billing_emails text[] DEFAULT '{}',
        billing_address uuid DEFAULT NULL, payment_method uuid DEFAULT NULL, if_not_exists boolean DEFAULT false)
    RETURNS uuid
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    act aiven_rbac.act := aiven_rbac.begin_act('billing_group.create', organization, '{organization}');
    actor aiven_rbac.actor := act.actor;
    o aiven_rbac.resource := act.place;
    id uuid := gen_random_uuid();
    standing aiven_rbac.billing_group;
    violated text;
    missing text;
BEGIN
    PERFORM aiven_rbac.require_own(actor, 'billing_address', billing_address, o.id);
    PERFORM aiven_rbac.require_own(actor, 'payment_method', payment_method, o.id);
    INSERT INTO aiven_rbac.billing_group
           (id, organization, name, currency, tax_id, billing_emails, billing_address, payment_method)
    VALUES (id, o.id, name, currency, tax_id, billing_emails, billing_address, payment_method);
    RETURN id;
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    standing := CASE WHEN if_not_exists AND violated = 'billing_group_name_key' THEN aiven_rbac.billing_group_called_now(o.id, name) END;
    IF standing.id IS NOT NULL THEN
        PERFORM aiven_rbac.tell_differences(format('billing group "%s"', aiven_rbac.excerpt(name)),
            jsonb_build_object('currency', currency, 'tax_id', tax_id, 'billing_emails', nullif(billing_emails, '{}'),
                               'billing_address', billing_address, 'payment_method', payment_method), to_jsonb(standing));
        RETURN standing.id;
    END IF;
    PERFORM aiven_rbac.refuse_value('billing_group', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_billing_group_create(@extschema@.rbac_resource, text, text, text, text[], uuid, uuid, boolean) IS
    'create a billing group of an organization; it requires billing_group.create; returns its id; with if_not_exists, of the one that has the name';

CREATE FUNCTION @extschema@.rbac_billing_group_edit(billing_group uuid, name text DEFAULT NULL,
        currency text DEFAULT NULL, tax_id text DEFAULT NULL, billing_emails text[] DEFAULT NULL,
        billing_address uuid DEFAULT NULL, payment_method uuid DEFAULT NULL, clear text[] DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    act aiven_rbac.act := aiven_rbac.begin_act_on('billing_group.edit', 'billing_group', billing_group);
    actor aiven_rbac.actor := act.actor;
    organization uuid := (act.place).id;
    violated text;
    missing text;
BEGIN
    PERFORM aiven_rbac.require_clear(clear, jsonb_build_object('tax_id', tax_id, 'billing_address', billing_address, 'payment_method', payment_method));
    PERFORM aiven_rbac.require_own(actor, 'billing_address', billing_address, organization);
    PERFORM aiven_rbac.require_own(actor, 'payment_method', payment_method, organization);
    UPDATE aiven_rbac.billing_group AS x
    SET name = coalesce(rbac_billing_group_edit.name, x.name),
        currency = coalesce(rbac_billing_group_edit.currency, x.currency),
        tax_id = CASE WHEN 'tax_id' = ANY (clear) THEN NULL ELSE coalesce(rbac_billing_group_edit.tax_id, x.tax_id) END,
        billing_emails = coalesce(rbac_billing_group_edit.billing_emails, x.billing_emails),
        billing_address = CASE WHEN 'billing_address' = ANY (clear) THEN NULL ELSE coalesce(rbac_billing_group_edit.billing_address, x.billing_address) END,
        payment_method = CASE WHEN 'payment_method' = ANY (clear) THEN NULL ELSE coalesce(rbac_billing_group_edit.payment_method, x.payment_method) END
    WHERE x.id = billing_group;
EXCEPTION WHEN check_violation OR not_null_violation OR unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME, missing = COLUMN_NAME;
    PERFORM aiven_rbac.refuse_value('billing_group', SQLSTATE, violated, missing);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_billing_group_edit(uuid, text, text, text, text[], uuid, uuid, text[]) IS
    'change a billing group (NULL: leave it; tax_id, billing_address, payment_method named in clear: none); it requires billing_group.edit';

CREATE FUNCTION @extschema@.rbac_billing_group_delete(billing_group uuid, if_exists boolean DEFAULT false) RETURNS boolean
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.delete_belonging('billing_group', 'billing_group.delete', billing_group, if_exists) $$;
COMMENT ON FUNCTION @extschema@.rbac_billing_group_delete(uuid, boolean) IS
    'delete a billing group that no project is assigned to; it requires billing_group.delete; false if there is none and if_exists is said';
