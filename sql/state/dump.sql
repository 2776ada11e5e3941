-- What pg_dump takes along: everything but the rows that CREATE EXTENSION
-- brings by itself.  The order is the one in which a restore brings the rows:
-- a table comes after those that it references.
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT * FROM (VALUES ('resource', ''),
                                   ('retired_id', ''),
                                   ('organization', ''),
                                   ('principal', ''),
                                   ('membership', ''),
                                   ('invitation', ''),
                                   ('group_member', ''),
                                   ('action', 'WHERE NOT built_in'),
                                   ('grantable', 'WHERE NOT built_in'),
                                   ('grantable_on', 'WHERE NOT built_in'),
                                   ('allowed_action', 'WHERE NOT built_in'),
                                   ('access_grant', ''),
                                   ('domain', ''),
                                   ('identity_provider', ''),
                                   ('authentication_policy', ''),
                                   ('billing_address', ''),
                                   ('payment_method', ''),
                                   ('billing_group', ''),
                                   ('project', ''),
                                   ('service', ''),
                                   ('plan_list', ''),
                                   ('tag', ''),
                                   ('service_user', ''),
                                   ('database_role', ''),
                                   ('acknowledged_finding', ''),
                                   ('token', ''),
                                   ('token_use', '')) AS v (name, condition)
    LOOP
        PERFORM pg_catalog.pg_extension_config_dump(
            pg_catalog.format('aiven_rbac.%I', t.name)::pg_catalog.regclass, t.condition);
    END LOOP;
END
$$;
