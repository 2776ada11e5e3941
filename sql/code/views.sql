-- Views for reading, one for each kind of object.  Each shows what the session's
-- principal may see.  Every database role may read the views, and none the
-- tables.  The engine of all decisions judges each row, and a condition that a
-- reader adds is evaluated only for rows that have passed (security_barrier).
--
-- Without a principal, or with a deactivated one, all of them are empty.

-- This one is no barrier, and nobody's but the views' below: PostgreSQL lets what
-- a query brings pass into the parts of a UNION ALL, whatever the view that is one
-- says of itself.
CREATE VIEW aiven_rbac.known_resource AS
    SELECT r.id, r.kind, r.organization, r.parent, r.path, r.name, r.created_at
    FROM (VALUES ('organization'), ('unit'), ('project'), ('service')) AS k (kind)
    CROSS JOIN LATERAL pg_catalog.unnest(aiven_rbac.scopes(NULL, k.kind)) AS s (scope)
    JOIN aiven_rbac.resource AS r ON r.path OPERATOR(@extschema@.<@) s.scope AND r.kind = k.kind
    UNION ALL
    SELECT r.id, r.kind, r.organization, r.parent, r.path, r.name, r.created_at
    FROM aiven_rbac.resource AS r
    WHERE r.id = ANY (aiven_rbac.own_organizations())
      AND NOT r.path OPERATOR(@extschema@.<@) (SELECT aiven_rbac.scopes(NULL, 'organization'));
COMMENT ON VIEW aiven_rbac.known_resource IS
    'what the views that show resources are made from';

CREATE VIEW aiven_rbac.visible_resource WITH (security_barrier) AS
    SELECT r.id, r.kind, r.organization, r.parent, r.path, r.name, r.created_at
    FROM aiven_rbac.known_resource AS r;
COMMENT ON VIEW aiven_rbac.visible_resource IS
    'resources on which the session''s principal holds anything, and the organizations that it is a member of';

CREATE VIEW aiven_rbac.visible_organization WITH (security_barrier) AS
    SELECT r.id, r.path, r.name, o.support_tier, r.created_at
    FROM aiven_rbac.known_resource AS r
    JOIN aiven_rbac.organization AS o ON o.id = r.id;
COMMENT ON VIEW aiven_rbac.visible_organization IS
    'organizations that the session''s principal is a member of';

CREATE VIEW aiven_rbac.visible_unit WITH (security_barrier) AS
    SELECT r.id, r.organization, r.path, r.name, r.created_at
    FROM aiven_rbac.known_resource AS r
    WHERE r.kind = 'unit';
COMMENT ON VIEW aiven_rbac.visible_unit IS
    'units on which the session''s principal holds anything';

CREATE VIEW aiven_rbac.visible_project WITH (security_barrier) AS
    SELECT r.id, r.organization, r.parent, r.path, r.name,
           CASE WHEN @extschema@.rbac_has_any_permission(r.id, VARIADIC '{billing_group.view,project.assign_billing_group}'::text[])
                THEN p.billing_group END AS billing_group,
           r.created_at
    FROM aiven_rbac.known_resource AS r
    JOIN aiven_rbac.project AS p ON p.id = r.id;
COMMENT ON VIEW aiven_rbac.visible_project IS
    'projects on which the session''s principal holds anything; the billing group requires billing_group.view or project.assign_billing_group';

CREATE VIEW aiven_rbac.visible_service WITH (security_barrier) AS
    SELECT r.id, r.organization, r.parent AS project, r.path, r.name, s.service_type, s.plan, r.created_at
    FROM aiven_rbac.service AS s
    JOIN aiven_rbac.resource AS r ON r.id = s.id
    WHERE @extschema@.rbac_has_permission(s.id, 'service.view');
COMMENT ON VIEW aiven_rbac.visible_service IS
    'services with their types and plans; each requires service.view';

CREATE VIEW aiven_rbac.visible_service_user WITH (security_barrier) AS
    SELECT u.service, u.username, d.role AS database_role, u.created_at
    FROM aiven_rbac.service_user AS u
    LEFT JOIN aiven_rbac.database_role AS d ON d.service = u.service AND d.username = u.username
    WHERE @extschema@.rbac_has_permission(u.service, 'service_user.view');
COMMENT ON VIEW aiven_rbac.visible_service_user IS 'service users; each requires service_user.view';

CREATE VIEW aiven_rbac.visible_tag WITH (security_barrier) AS
    SELECT t.resource, t.kind, t.key, t.value
    FROM aiven_rbac.tag AS t
    WHERE (t.kind = 'project' AND @extschema@.rbac_has_permission(t.resource, 'project_tag.view'))
       OR (t.kind = 'service' AND @extschema@.rbac_has_permission(t.resource, 'service_tag.view'));
COMMENT ON VIEW aiven_rbac.visible_tag IS 'tags; each requires project_tag.view or service_tag.view';

CREATE VIEW aiven_rbac.visible_plan_list WITH (security_barrier) AS
    SELECT l.resource, r.path, l.plans
    FROM aiven_rbac.plan_list AS l
    JOIN aiven_rbac.resource AS r ON r.id = l.resource
    WHERE EXISTS (SELECT FROM pg_catalog.unnest(aiven_rbac.scopes(NULL, 'organization')) AS s (scope)
                  WHERE r.path OPERATOR(@extschema@.<@) s.scope OR r.path OPERATOR(@extschema@.@>) s.scope);
COMMENT ON VIEW aiven_rbac.visible_plan_list IS
    'lists of service plans that bind a resource on which the session''s principal holds anything';

CREATE VIEW aiven_rbac.own_profile WITH (security_barrier) AS
    SELECT p.id, p.kind, p.email, p.name, p.description, p.organization, p.created_at
    FROM aiven_rbac.principal AS p
    WHERE p.id = aiven_rbac.self();
COMMENT ON VIEW aiven_rbac.own_profile IS 'the session''s principal itself';

CREATE VIEW aiven_rbac.visible_user WITH (security_barrier) AS
    SELECT u.organization, p.id, p.email, p.name,
           m.principal IS NOT NULL AS member,
           g.principal IS NOT NULL AS managed,
           EXISTS (SELECT FROM aiven_rbac.group_member AS s
                   WHERE s.member = p.id AND s.organization = u.organization AND s.account_owners) AS super_admin,
           m.joined_at, p.deactivated_at
    FROM (SELECT m.organization, m.principal FROM aiven_rbac.membership AS m WHERE m.kind = 'user'
          UNION
          SELECT g.organization, g.principal FROM aiven_rbac.managed_user AS g) AS u
    JOIN aiven_rbac.principal AS p ON p.id = u.principal
    LEFT JOIN aiven_rbac.membership AS m ON m.principal = u.principal AND m.organization = u.organization
    LEFT JOIN aiven_rbac.managed_user AS g ON g.principal = u.principal AND g.organization = u.organization
    WHERE p.id = aiven_rbac.self()
       OR @extschema@.rbac_has_any_permission(u.organization, VARIADIC '{user.invite,user.deactivate,user.edit,user.delete,user.remove,user.reset_password,
                user_authentication_method.view,user_token.view,group_member.add,group_member.add_privileged,
                group_member.remove}'::text[])
       OR u.organization IN (SELECT r.organization
                            FROM pg_catalog.unnest(aiven_rbac.scopes('permission.grant', 'project')) AS s (scope)
                            JOIN aiven_rbac.resource AS r ON r.path OPERATOR(@extschema@.=) s.scope);
COMMENT ON VIEW aiven_rbac.visible_user IS
    'users of organizations, members and managed users; each requires an action on users or on members of groups, or permission.grant anywhere in the organization; the session''s principal also sees itself';

CREATE VIEW aiven_rbac.visible_group WITH (security_barrier) AS
    SELECT p.organization, p.id, p.name, p.description, p.account_owners, p.created_at
    FROM aiven_rbac.principal AS p
    WHERE p.kind = 'group'
      AND (@extschema@.rbac_has_any_permission(p.organization, VARIADIC '{group.create,group.delete,group.rename,group.edit_description,group_member.add,
                group_member.add_privileged,group_member.remove}'::text[])
           OR p.organization IN (SELECT r.organization
                            FROM pg_catalog.unnest(aiven_rbac.scopes('permission.grant', 'project')) AS s (scope)
                            JOIN aiven_rbac.resource AS r ON r.path OPERATOR(@extschema@.=) s.scope)
           OR (p.organization = ANY (aiven_rbac.own_organizations())
               AND p.id IN (SELECT m.group_id FROM aiven_rbac.group_member AS m WHERE m.member = aiven_rbac.self())));
COMMENT ON VIEW aiven_rbac.visible_group IS
    'groups; each requires an action on groups or their members, or permission.grant anywhere in the organization; the session''s principal also sees its own groups';

CREATE VIEW aiven_rbac.visible_group_member WITH (security_barrier) AS
    SELECT m.organization, m.group_id, m.member, m.member_kind, m.added_at
    FROM aiven_rbac.group_member AS m
    WHERE (m.member = aiven_rbac.self() AND m.organization = ANY (aiven_rbac.own_organizations()))
       OR @extschema@.rbac_has_any_permission(m.organization, VARIADIC '{group_member.add,group_member.add_privileged,group_member.remove}'::text[])
       OR m.organization IN (SELECT r.organization
                            FROM pg_catalog.unnest(aiven_rbac.scopes('permission.grant', 'project')) AS s (scope)
                            JOIN aiven_rbac.resource AS r ON r.path OPERATOR(@extschema@.=) s.scope);
COMMENT ON VIEW aiven_rbac.visible_group_member IS
    'members of groups; each requires an action on members of groups, or permission.grant anywhere in the organization; the session''s principal also sees its own memberships';

CREATE VIEW aiven_rbac.visible_application_user WITH (security_barrier) AS
    SELECT p.organization, p.id, p.name, p.description, p.created_at
    FROM aiven_rbac.principal AS p
    WHERE p.kind = 'application_user'
      AND (p.id = aiven_rbac.self() OR @extschema@.rbac_has_permission(p.organization, 'application_user.view'));
COMMENT ON VIEW aiven_rbac.visible_application_user IS 'application users; each requires application_user.view; the session''s principal also sees itself';

CREATE VIEW aiven_rbac.visible_token WITH (security_barrier) AS
    SELECT t.prefix, t.principal, t.principal_kind, t.description, t.created_at, t.max_age,
           coalesce(u.extended_until, t.expires_at) AS expires_at, t.extend_when_used, t.allowed_networks,
           u.last_used_at, t.revoked_at
    FROM aiven_rbac.token AS t
    JOIN aiven_rbac.principal AS p ON p.id = t.principal
    LEFT JOIN aiven_rbac.token_use AS u ON u.prefix = t.prefix
    LEFT JOIN aiven_rbac.managed_user AS g ON g.principal = t.principal
    WHERE t.principal = aiven_rbac.self()
       OR @extschema@.rbac_has_permission(p.organization, 'application_token.list')
       OR @extschema@.rbac_has_permission(g.organization, 'user_token.view');
COMMENT ON VIEW aiven_rbac.visible_token IS
    'tokens by their prefixes, without their hashes; an application user''s requires application_token.list, a managed user''s user_token.view; the session''s principal also sees its own';

CREATE VIEW aiven_rbac.visible_invitation WITH (security_barrier) AS
    SELECT i.id, i.organization, r.path, r.name AS organization_name, i.email, i.invited_at, i.expires_at,
           CASE WHEN i.accepted_at IS NOT NULL THEN 'accepted'
                WHEN i.withdrawn_at IS NOT NULL THEN 'withdrawn'
                WHEN i.expires_at <= aiven_rbac.judged_at() THEN 'expired'
                ELSE 'pending' END AS state,
           coalesce(n.email, n.name) AS inviter_name,
           (SELECT jsonb_agg(jsonb_build_object('name', g.name, 'resource', o.path) || (e.item - '{grantable,resource}'::text[]) ORDER BY e.number)
            FROM jsonb_array_elements(i.grants) WITH ORDINALITY AS e (item, number)
            JOIN aiven_rbac.grantable AS g ON g.id = (e.item ->> 'grantable')::uuid
            JOIN aiven_rbac.resource AS o ON o.id = (e.item ->> 'resource')::uuid) AS grants,
           ARRAY(SELECT g.name FROM aiven_rbac.principal AS g WHERE g.id = ANY (i.groups) AND g.kind = 'group' ORDER BY g.name) AS groups,
           i.dropped
    FROM aiven_rbac.invitation AS i
    JOIN aiven_rbac.resource AS r ON r.id = i.organization
    LEFT JOIN aiven_rbac.principal AS n ON n.id = i.inviter
    WHERE @extschema@.rbac_has_permission(i.organization, 'user_invitation.view')
       OR aiven_rbac.fold(i.email) = (SELECT aiven_rbac.fold(p.email) FROM aiven_rbac.principal AS p
                                      WHERE p.id = aiven_rbac.self());
COMMENT ON VIEW aiven_rbac.visible_invitation IS
    'invitations, what they offer, and what became of them, with what was not given in the end; each requires user_invitation.view; a user also sees those to the user''s own email';

CREATE VIEW aiven_rbac.visible_grant WITH (security_barrier) AS
    SELECT a.organization, a.principal, p.kind, coalesce(p.email, p.name) AS principal_name,
           a.resource, r.path, g.name AS grant_name, a.valid_from, a.valid_until, a.granted_at
    FROM aiven_rbac.access_grant AS a
    JOIN aiven_rbac.principal AS p ON p.id = a.principal
    JOIN aiven_rbac.resource AS r ON r.id = a.resource
    JOIN aiven_rbac.grantable AS g ON g.id = a.grantable
    WHERE (a.organization = ANY (aiven_rbac.own_organizations())
           AND (a.principal = aiven_rbac.self()
                OR a.principal IN (SELECT m.group_id FROM aiven_rbac.group_member AS m WHERE m.member = aiven_rbac.self())))
       OR @extschema@.rbac_has_any_permission(a.resource, VARIADIC '{project_permission.view,permission.grant}'::text[]);
COMMENT ON VIEW aiven_rbac.visible_grant IS
    'grants: the principal, the role or permission, and the resource; each requires project_permission.view or permission.grant on the resource; the session''s principal also sees its own and its groups'' grants';

CREATE VIEW aiven_rbac.visible_role WITH (security_barrier) AS
    SELECT g.owner AS organization, g.name, g.type, g.console_name,
           ARRAY(SELECT o.resource_kind FROM aiven_rbac.grantable_on AS o WHERE o.grantable = g.id
                 ORDER BY pg_catalog.array_position('{organization,unit,project}', o.resource_kind)) AS grantable_on
    FROM aiven_rbac.grantable AS g
    WHERE g.owner IS NULL
       OR g.owner = ANY (aiven_rbac.own_organizations());
COMMENT ON VIEW aiven_rbac.visible_role IS
    'roles and permissions: those that all organizations have, and the own roles of organizations that the session''s principal is a member of';

CREATE VIEW aiven_rbac.visible_billing_group WITH (security_barrier) AS
    SELECT b.organization, b.id, b.name, b.currency, b.tax_id, b.billing_emails, b.billing_address, b.payment_method, b.created_at
    FROM aiven_rbac.billing_group AS b
    WHERE @extschema@.rbac_has_permission(b.organization, 'billing_group.view');
COMMENT ON VIEW aiven_rbac.visible_billing_group IS 'billing groups; each requires billing_group.view';

CREATE VIEW aiven_rbac.visible_payment_method WITH (security_barrier) AS
    SELECT b.organization, b.id, b.provider, b.provider_reference, b.last_four, b.created_at
    FROM aiven_rbac.payment_method AS b
    WHERE @extschema@.rbac_has_permission(b.organization, 'payment_method.view');
COMMENT ON VIEW aiven_rbac.visible_payment_method IS 'payment methods; each requires payment_method.view';

CREATE VIEW aiven_rbac.visible_billing_address WITH (security_barrier) AS
    SELECT b.organization, b.id, b.company_name, b.address_lines, b.city, b.postal_code, b.state, b.country_code, b.created_at
    FROM aiven_rbac.billing_address AS b
    WHERE @extschema@.rbac_has_permission(b.organization, 'billing_address.view');
COMMENT ON VIEW aiven_rbac.visible_billing_address IS 'billing addresses; each requires billing_address.view';

CREATE VIEW aiven_rbac.visible_domain WITH (security_barrier) AS
    SELECT d.organization, d.name, d.verification, d.added_at, d.verified_at
    FROM aiven_rbac.domain AS d
    WHERE @extschema@.rbac_has_permission(d.organization, 'domain.view');
COMMENT ON VIEW aiven_rbac.visible_domain IS 'domains and the texts that verify them; each requires domain.view';

CREATE VIEW aiven_rbac.visible_identity_provider WITH (security_barrier) AS
    SELECT i.organization, i.id, i.name, i.entity_id, i.url, i.certificate_fingerprint, i.enabled, i.created_at
    FROM aiven_rbac.identity_provider AS i
    WHERE @extschema@.rbac_has_any_permission(i.organization, VARIADIC '{identity_provider.add,identity_provider.enable,identity_provider.disable,
                identity_provider.remove}'::text[]);
COMMENT ON VIEW aiven_rbac.visible_identity_provider IS
    'identity providers; each requires an action on identity providers';

CREATE VIEW aiven_rbac.visible_authentication_policy WITH (security_barrier) AS
    SELECT a.organization, a.require_two_factor, a.allowed_methods, a.personal_tokens
    FROM aiven_rbac.authentication_policy AS a
    WHERE @extschema@.rbac_has_permission(a.organization, 'authentication_policy.change');
COMMENT ON VIEW aiven_rbac.visible_authentication_policy IS
    'authentication policies; each requires authentication_policy.change';

DO $$
DECLARE
    v name;
BEGIN
    FOR v IN SELECT c.relname FROM pg_catalog.pg_class AS c
             WHERE c.relnamespace = 'aiven_rbac'::pg_catalog.regnamespace AND c.relkind = 'v'
               AND (c.relname LIKE 'visible\_%' OR c.relname = 'own_profile') LOOP
        EXECUTE pg_catalog.format('GRANT SELECT ON aiven_rbac.%I TO PUBLIC', v);
    END LOOP;
END
$$;
