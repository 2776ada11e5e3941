-- Views for reading, one for each kind of object.  Each shows what the session's
-- principal may see.  Every database role may read the views, and none the
-- tables.  The engine of all decisions judges each row, and a condition that a
-- reader adds is evaluated only for rows that have passed (security_barrier).
--
-- Without a principal, or with a deactivated one, all of them are empty.
--
-- Whoever may act on a kind of object sees those that it may act on: an action
-- to make or change something shows it as the action to view it does.
--
-- A view costs what the reader's own organizations have, and does not grow with
-- the others.  It begins with what the session's principal holds or is, and looks
-- up from there.  OFFSET 0 keeps a look-up by key one, where the planner, which
-- has no statistics here, would read the whole table to join with it.

-- This one is no barrier, and nobody's but the views' below: PostgreSQL lets what
-- a query brings pass into the parts of a UNION ALL, whatever the view that is one
-- says of itself.
CREATE VIEW aiven_rbac.known_resource AS
    SELECT r.id, r.kind, r.organization, r.parent, r.path, r.name, r.created_at
    FROM (VALUES ('organization'), ('unit'), ('project'), ('service')) AS k (kind)
    CROSS JOIN LATERAL aiven_rbac.each_scope(NULL, k.kind) AS s (scope)
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
    CROSS JOIN LATERAL (SELECT o.support_tier FROM aiven_rbac.organization AS o WHERE o.id = r.id AND r.kind = 'organization' OFFSET 0) AS o;
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
    CROSS JOIN LATERAL (SELECT p.billing_group FROM aiven_rbac.project AS p WHERE p.id = r.id AND r.kind = 'project' OFFSET 0) AS p;
COMMENT ON VIEW aiven_rbac.visible_project IS
    'projects on which the session''s principal holds anything; the billing group requires billing_group.view or project.assign_billing_group';

CREATE VIEW aiven_rbac.visible_service WITH (security_barrier) AS
    SELECT r.id, r.organization, r.parent AS project, r.path, r.name, s.service_type, s.plan, r.created_at
    FROM (SELECT r.id, r.organization, r.parent, r.path, r.name, r.created_at
          FROM aiven_rbac.each_scope(NULL, 'service') AS s (scope)
          JOIN aiven_rbac.resource AS r ON r.path OPERATOR(@extschema@.<@) s.scope AND r.kind = 'service'
          UNION
          SELECT r.id, r.organization, r.parent, r.path, r.name, r.created_at
          FROM pg_catalog.unnest('{service.create,service.create_for_integration}'::text[]) AS n (name)
          CROSS JOIN LATERAL aiven_rbac.each_scope(n.name, 'project') AS s (scope)
          JOIN aiven_rbac.resource AS r ON r.path OPERATOR(@extschema@.<@) s.scope AND r.kind = 'service') AS r
    CROSS JOIN LATERAL (SELECT s.service_type, s.plan FROM aiven_rbac.service AS s WHERE s.id = r.id OFFSET 0) AS s;
COMMENT ON VIEW aiven_rbac.visible_service IS
    'services with their types and plans; each requires any action on services, or service.create or service.create_for_integration';

CREATE VIEW aiven_rbac.visible_service_user WITH (security_barrier) AS
    SELECT r.id AS service, u.username, u.database_role, u.created_at
    FROM aiven_rbac.known_resource AS r
    CROSS JOIN LATERAL (SELECT u.username, d.role AS database_role, u.created_at
                        FROM aiven_rbac.service_user AS u
                        LEFT JOIN aiven_rbac.database_role AS d ON d.service = u.service AND d.username = u.username
                        WHERE u.service = r.id
                          AND @extschema@.rbac_has_any_permission(r.id, VARIADIC '{service_user.view,service_user.create,service_user.delete,
                                service_credential.view,service_credential.manage}'::text[])
                        OFFSET 0) AS u
    WHERE r.kind = 'service';
COMMENT ON VIEW aiven_rbac.visible_service_user IS
    'service users; each requires an action on service users or their credentials';

CREATE VIEW aiven_rbac.visible_tag WITH (security_barrier) AS
    SELECT r.id AS resource, r.kind, t.key, t.value
    FROM aiven_rbac.known_resource AS r
    CROSS JOIN LATERAL (SELECT t.key, t.value FROM aiven_rbac.tag AS t
                        WHERE t.resource = r.id
                          AND CASE r.kind
                              WHEN 'project' THEN @extschema@.rbac_has_any_permission(r.id, VARIADIC '{project_tag.view,project_tag.add,project_tag.edit,project_tag.delete}'::text[])
                              WHEN 'service' THEN @extschema@.rbac_has_any_permission(r.id, VARIADIC '{service_tag.view,service_tag.add,service_tag.edit,service_tag.delete}'::text[]) END
                        OFFSET 0) AS t;
COMMENT ON VIEW aiven_rbac.visible_tag IS
    'tags; each requires an action on tags of projects, or on tags of services';

CREATE VIEW aiven_rbac.visible_plan_list WITH (security_barrier) AS
    SELECT l.resource, l.path, l.plans
    FROM aiven_rbac.organizations_with(NULL) AS o (id)
    CROSS JOIN LATERAL (SELECT l.resource, r.path, l.plans
                        FROM aiven_rbac.plan_list AS l
                        CROSS JOIN LATERAL (SELECT r.path FROM aiven_rbac.resource AS r WHERE r.id = l.resource OFFSET 0) AS r
                        WHERE l.organization = o.id) AS l
    WHERE EXISTS (SELECT FROM pg_catalog.unnest(aiven_rbac.scopes(NULL, 'organization')) AS s (scope)
                  WHERE l.path OPERATOR(@extschema@.<@) s.scope OR l.path OPERATOR(@extschema@.@>) s.scope);
COMMENT ON VIEW aiven_rbac.visible_plan_list IS
    'lists of service plans that bind a resource on which the session''s principal holds anything';

CREATE VIEW aiven_rbac.own_profile WITH (security_barrier) AS
    SELECT p.id, p.kind, p.email, p.name, p.description, p.organization, p.created_at
    FROM aiven_rbac.principal AS p
    WHERE p.id = aiven_rbac.self();
COMMENT ON VIEW aiven_rbac.own_profile IS 'the session''s principal itself';

CREATE VIEW aiven_rbac.visible_user WITH (security_barrier) AS
    SELECT u.organization, u.principal AS id, p.email, p.name,
           u.joined_at IS NOT NULL AS member, p.managed, p.super_admin, u.joined_at, p.deactivated_at
    FROM (SELECT k.organization, k.principal, pg_catalog.max(k.joined_at) AS joined_at
          FROM (SELECT m.organization, m.principal, m.joined_at
                FROM aiven_rbac.organizations_with('{user.invite,user.deactivate,user.edit,user.delete,user.remove,user.reset_password,
                user_authentication_method.view,user_token.view,user_token.revoke,group_member.add,group_member.add_privileged,
                group_member.remove}', 'permission.grant') AS o (id)
                JOIN aiven_rbac.membership AS m ON m.organization = o.id
                WHERE m.kind = 'user'
                UNION ALL
                SELECT o.id, p.id, NULL
                FROM aiven_rbac.organizations_with('{user.invite,user.deactivate,user.edit,user.delete,user.remove,user.reset_password,
                user_authentication_method.view,user_token.view,user_token.revoke,group_member.add,group_member.add_privileged,
                group_member.remove}', 'permission.grant') AS o (id)
                JOIN aiven_rbac.domain AS d ON d.organization = o.id AND d.verified_at IS NOT NULL
                CROSS JOIN LATERAL (SELECT p.id FROM aiven_rbac.principal AS p
                                    WHERE p.kind = 'user' AND aiven_rbac.fold(pg_catalog.split_part(p.email, '@', 2)) = d.name
                                    OFFSET 0) AS p
                UNION ALL
                SELECT m.organization, m.principal, m.joined_at
                FROM aiven_rbac.membership AS m
                WHERE m.principal = aiven_rbac.self() AND m.kind = 'user'
                UNION ALL
                SELECT d.organization, p.id, NULL
                FROM aiven_rbac.principal AS p
                CROSS JOIN LATERAL (SELECT d.organization FROM aiven_rbac.domain AS d
                                    WHERE d.name = aiven_rbac.fold(pg_catalog.split_part(p.email, '@', 2)) AND d.verified_at IS NOT NULL
                                    OFFSET 0) AS d
                WHERE p.id = aiven_rbac.self() AND p.kind = 'user') AS k (organization, principal, joined_at)
          GROUP BY k.organization, k.principal) AS u
    CROSS JOIN LATERAL (SELECT p.email, p.name, p.deactivated_at,
                               coalesce((SELECT true FROM aiven_rbac.domain AS d
                                         WHERE d.organization = u.organization AND d.verified_at IS NOT NULL
                                           AND d.name = aiven_rbac.fold(pg_catalog.split_part(p.email, '@', 2))), false) AS managed,
                               coalesce((SELECT true FROM aiven_rbac.group_member AS s
                                         WHERE s.member = p.id AND s.organization = u.organization AND s.account_owners), false) AS super_admin
                        FROM aiven_rbac.principal AS p
                        WHERE p.id = u.principal
                        OFFSET 0) AS p;
COMMENT ON VIEW aiven_rbac.visible_user IS
    'users of organizations, members and managed users; each requires an action on users or on members of groups, or permission.grant anywhere in the organization; the session''s principal also sees itself';

CREATE VIEW aiven_rbac.visible_group WITH (security_barrier) AS
    SELECT x.organization, x.id, x.name, x.description, x.account_owners, x.created_at
    FROM (SELECT p.organization, p.id, p.name, p.description, p.account_owners, p.created_at
          FROM aiven_rbac.organizations_with('{group.create,group.delete,group.rename,group.edit_description,group_member.add,
                      group_member.add_privileged,group_member.remove}', 'permission.grant') AS o (id)
          JOIN aiven_rbac.principal AS p ON p.organization = o.id AND p.kind = 'group'
          UNION
          SELECT p.organization, p.id, p.name, p.description, p.account_owners, p.created_at
          FROM aiven_rbac.group_member AS m
          CROSS JOIN LATERAL (SELECT p.organization, p.id, p.name, p.description, p.account_owners, p.created_at
                              FROM aiven_rbac.principal AS p WHERE p.id = m.group_id OFFSET 0) AS p
          WHERE m.member = aiven_rbac.self() AND m.organization = ANY (aiven_rbac.own_organizations())) AS x;
COMMENT ON VIEW aiven_rbac.visible_group IS
    'groups; each requires an action on groups or their members, or permission.grant anywhere in the organization; the session''s principal also sees its own groups';

CREATE VIEW aiven_rbac.visible_group_member WITH (security_barrier) AS
    SELECT x.organization, x.group_id, x.member, x.member_kind, x.added_at
    FROM (SELECT m.organization, m.group_id, m.member, m.member_kind, m.added_at
          FROM aiven_rbac.organizations_with('{group_member.add,group_member.add_privileged,group_member.remove}', 'permission.grant') AS o (id)
          JOIN aiven_rbac.group_member AS m ON m.organization = o.id
          UNION
          SELECT m.organization, m.group_id, m.member, m.member_kind, m.added_at
          FROM aiven_rbac.group_member AS m
          WHERE m.member = aiven_rbac.self() AND m.organization = ANY (aiven_rbac.own_organizations())) AS x;
COMMENT ON VIEW aiven_rbac.visible_group_member IS
    'members of groups; each requires an action on members of groups, or permission.grant anywhere in the organization; the session''s principal also sees its own memberships';

CREATE VIEW aiven_rbac.visible_application_user WITH (security_barrier) AS
    SELECT x.organization, x.id, x.name, x.description, x.created_at
    FROM (SELECT p.organization, p.id, p.name, p.description, p.created_at
          FROM aiven_rbac.organizations_with('{application_user.view,application_user.create,application_user.edit,application_user.delete,
                      application_token.generate,application_token.generate_privileged,application_token.revoke,application_token.list,
                      group_member.add,group_member.add_privileged,group_member.remove}', 'permission.grant') AS o (id)
          JOIN aiven_rbac.principal AS p ON p.organization = o.id AND p.kind = 'application_user'
          UNION
          SELECT p.organization, p.id, p.name, p.description, p.created_at
          FROM aiven_rbac.principal AS p
          WHERE p.id = aiven_rbac.self() AND p.kind = 'application_user') AS x;
COMMENT ON VIEW aiven_rbac.visible_application_user IS
    'application users; each requires an action on application users, their tokens or members of groups, or permission.grant anywhere in the organization; the session''s principal also sees itself';

CREATE VIEW aiven_rbac.visible_token WITH (security_barrier) AS
    SELECT t.prefix, k.principal, t.principal_kind, t.description, t.created_at, t.max_age,
           t.expires_at, t.extend_when_used, t.allowed_networks, t.last_used_at, t.revoked_at
    FROM (SELECT aiven_rbac.self() AS principal
          UNION
          SELECT p.id
          FROM aiven_rbac.organizations_with('{application_token.list,application_token.generate,application_token.generate_privileged,
                application_token.revoke}') AS o (id)
          JOIN aiven_rbac.principal AS p ON p.organization = o.id AND p.kind = 'application_user'
          UNION
          SELECT p.id
          FROM aiven_rbac.organizations_with('{user_token.view,user_token.revoke}') AS o (id)
          JOIN aiven_rbac.domain AS d ON d.organization = o.id AND d.verified_at IS NOT NULL
          CROSS JOIN LATERAL (SELECT p.id FROM aiven_rbac.principal AS p
                              WHERE p.kind = 'user' AND aiven_rbac.fold(pg_catalog.split_part(p.email, '@', 2)) = d.name
                              OFFSET 0) AS p) AS k
    CROSS JOIN LATERAL (SELECT t.prefix, t.principal_kind, t.description, t.created_at, t.max_age,
                               coalesce(u.extended_until, t.expires_at) AS expires_at, t.extend_when_used, t.allowed_networks,
                               u.last_used_at, t.revoked_at
                        FROM aiven_rbac.token AS t
                        LEFT JOIN LATERAL (SELECT u.extended_until, u.last_used_at FROM aiven_rbac.token_use AS u
                                           WHERE u.prefix = t.prefix OFFSET 0) AS u ON true
                        WHERE t.principal = k.principal
                        OFFSET 0) AS t;
COMMENT ON VIEW aiven_rbac.visible_token IS
    'tokens by their prefixes, without their hashes; an application user''s requires an action on application tokens, a managed user''s user_token.view or user_token.revoke; the session''s principal also sees its own';

CREATE VIEW aiven_rbac.visible_invitation WITH (security_barrier) AS
    SELECT i.id, i.organization, i.path, i.organization_name, i.email, i.invited_at, i.expires_at, i.state, i.inviter_name,
           CASE WHEN k.whole THEN i.grants END AS grants, CASE WHEN k.whole THEN i.groups END AS groups,
           CASE WHEN k.whole THEN i.dropped END AS dropped
    FROM (SELECT i.id, pg_catalog.bool_or(i.whole) AS whole
          FROM (SELECT i.id, @extschema@.rbac_has_permission(o.id, 'user_invitation.view'::text) AS whole
                FROM aiven_rbac.organizations_with('{user_invitation.view,user_invitation.remove,user.invite}') AS o (id)
                JOIN aiven_rbac.invitation AS i ON i.organization = o.id
                UNION ALL
                SELECT i.id, true
                FROM aiven_rbac.invitation AS i
                WHERE aiven_rbac.fold(i.email) = (SELECT aiven_rbac.fold(p.email) FROM aiven_rbac.principal AS p
                                                  WHERE p.id = aiven_rbac.self())) AS i
          GROUP BY i.id) AS k
    CROSS JOIN LATERAL (
        SELECT i.id, i.organization, r.path, r.name AS organization_name, i.email, i.invited_at, i.expires_at,
               CASE WHEN i.accepted_at IS NOT NULL THEN 'accepted'
                    WHEN i.withdrawn_at IS NOT NULL THEN 'withdrawn'
                    WHEN i.expires_at <= aiven_rbac.judged_at() THEN 'expired'
                    ELSE 'pending' END AS state,
               coalesce(n.email, n.name) AS inviter_name,
               (SELECT jsonb_agg(jsonb_build_object('name', g.name, 'resource', g.path) || (e.item - '{grantable,resource}'::text[]) ORDER BY e.number)
                FROM jsonb_array_elements(i.grants) WITH ORDINALITY AS e (item, number)
                CROSS JOIN LATERAL (SELECT g.name, o.path FROM aiven_rbac.grantable AS g, aiven_rbac.resource AS o
                                    WHERE g.id = (e.item ->> 'grantable')::uuid AND o.id = (e.item ->> 'resource')::uuid
                                    OFFSET 0) AS g) AS grants,
               ARRAY(SELECT g.name
                     FROM pg_catalog.unnest(i.groups) AS x (id)
                     CROSS JOIN LATERAL (SELECT g.name FROM aiven_rbac.principal AS g WHERE g.id = x.id AND g.kind = 'group' OFFSET 0) AS g
                     ORDER BY g.name) AS groups,
               i.dropped
        FROM aiven_rbac.invitation AS i
        JOIN aiven_rbac.resource AS r ON r.id = i.organization
        LEFT JOIN aiven_rbac.principal AS n ON n.id = i.inviter
        WHERE i.id = k.id
        OFFSET 0) AS i;
COMMENT ON VIEW aiven_rbac.visible_invitation IS
    'invitations, what they offer, and what became of them, with what was not given in the end; each requires user_invitation.view, or user_invitation.remove or user.invite, which show nothing of what it offers; a user also sees those to the user''s own email';

CREATE VIEW aiven_rbac.visible_grant WITH (security_barrier) AS
    SELECT a.organization, a.principal, d.kind, d.principal_name,
           a.resource, d.path, d.grant_name, a.valid_from, a.valid_until, a.granted_at
    FROM (SELECT a.organization, a.principal, a.resource, a.grantable, a.valid_from, a.valid_until, a.granted_at
          FROM aiven_rbac.organizations_with('{project_permission.view,permission.grant}') AS o (id)
          JOIN aiven_rbac.access_grant AS a ON a.organization = o.id
          CROSS JOIN LATERAL (SELECT @extschema@.rbac_has_any_permission(a.resource, VARIADIC '{project_permission.view,permission.grant}'::text[]) OFFSET 0) AS h (held)
          WHERE h.held
          UNION
          SELECT a.organization, a.principal, a.resource, a.grantable, a.valid_from, a.valid_until, a.granted_at
          FROM pg_catalog.unnest('{project_permission.view,permission.grant}'::text[]) AS n (name)
          CROSS JOIN LATERAL aiven_rbac.each_scope(n.name, 'project') AS s (scope)
          CROSS JOIN LATERAL (SELECT r.id FROM aiven_rbac.resource AS r
                              WHERE r.path OPERATOR(@extschema@.<@) s.scope AND r.kind IN ('unit', 'project')
                              OFFSET 0) AS r
          CROSS JOIN LATERAL (SELECT a.* FROM aiven_rbac.access_grant AS a WHERE a.resource = r.id OFFSET 0) AS a
          WHERE @extschema@.rbac_path_nlevel(s.scope) > 1 AND @extschema@.rbac_has_any_permission(a.resource, VARIADIC '{project_permission.view,permission.grant}'::text[])
          UNION
          SELECT a.organization, a.principal, a.resource, a.grantable, a.valid_from, a.valid_until, a.granted_at
          FROM (SELECT aiven_rbac.self()
                UNION ALL
                SELECT m.group_id FROM aiven_rbac.group_member AS m WHERE m.member = aiven_rbac.self()) AS o (id)
          CROSS JOIN LATERAL (SELECT a.* FROM aiven_rbac.access_grant AS a WHERE a.principal = o.id OFFSET 0) AS a
          WHERE a.organization = ANY (aiven_rbac.own_organizations())) AS a
    CROSS JOIN LATERAL (SELECT p.kind, coalesce(p.email, p.name) AS principal_name, r.path, g.name AS grant_name
                        FROM aiven_rbac.principal AS p, aiven_rbac.resource AS r, aiven_rbac.grantable AS g
                        WHERE p.id = a.principal AND r.id = a.resource AND g.id = a.grantable
                        OFFSET 0) AS d;
COMMENT ON VIEW aiven_rbac.visible_grant IS
    'grants: the principal, the role or permission, and the resource; each requires project_permission.view or permission.grant on the resource; the session''s principal also sees its own and its groups'' grants';

CREATE VIEW aiven_rbac.visible_role WITH (security_barrier) AS
    SELECT g.owner AS organization, g.name, g.type, g.console_name,
           ARRAY(SELECT o.resource_kind FROM aiven_rbac.grantable_on AS o WHERE o.grantable = g.id
                 ORDER BY pg_catalog.array_position('{organization,unit,project}', o.resource_kind)) AS grantable_on
    FROM (SELECT g.id, g.owner, g.name, g.type, g.console_name
          FROM aiven_rbac.grantable AS g WHERE g.owner IS NULL
          UNION ALL
          SELECT g.id, g.owner, g.name, g.type, g.console_name
          FROM aiven_rbac.organizations_with(NULL) AS o (id)
          JOIN aiven_rbac.grantable AS g ON g.owner = o.id) AS g;
COMMENT ON VIEW aiven_rbac.visible_role IS
    'roles and permissions: those that all organizations have, and the own roles of organizations that the session''s principal is a member of';

CREATE VIEW aiven_rbac.visible_billing_group WITH (security_barrier) AS
    SELECT b.organization, b.id, b.name, b.currency,
           CASE WHEN m.whole THEN b.tax_id END AS tax_id,
           CASE WHEN m.whole THEN b.billing_emails END AS billing_emails,
           CASE WHEN m.whole THEN b.billing_address END AS billing_address,
           CASE WHEN m.whole THEN b.payment_method END AS payment_method, b.created_at
    FROM aiven_rbac.organizations_with('{billing_group.view,billing_group.create,billing_group.edit,billing_group.delete}', 'project.assign_billing_group') AS o (id)
    JOIN aiven_rbac.billing_group AS b ON b.organization = o.id
    CROSS JOIN LATERAL (SELECT @extschema@.rbac_has_any_permission(o.id, VARIADIC '{billing_group.view,billing_group.create,billing_group.edit,billing_group.delete}'::text[])) AS m (whole);
COMMENT ON VIEW aiven_rbac.visible_billing_group IS
    'billing groups; each requires an action on billing groups, or project.assign_billing_group anywhere in the organization, which shows no more than the name and the currency';

CREATE VIEW aiven_rbac.visible_payment_method WITH (security_barrier) AS
    SELECT b.organization, b.id, b.provider, b.provider_reference, b.last_four, b.created_at
    FROM aiven_rbac.organizations_with('{payment_method.view,payment_method.add,payment_method.edit,payment_method.delete}') AS o (id)
    JOIN aiven_rbac.payment_method AS b ON b.organization = o.id;
COMMENT ON VIEW aiven_rbac.visible_payment_method IS
    'payment methods; each requires an action on payment methods';

CREATE VIEW aiven_rbac.visible_billing_address WITH (security_barrier) AS
    SELECT b.organization, b.id, b.company_name, b.address_lines, b.city, b.postal_code, b.state, b.country_code, b.created_at
    FROM aiven_rbac.organizations_with('{billing_address.view,billing_address.add,billing_address.edit,billing_address.delete}') AS o (id)
    JOIN aiven_rbac.billing_address AS b ON b.organization = o.id;
COMMENT ON VIEW aiven_rbac.visible_billing_address IS
    'billing addresses; each requires an action on billing addresses';

CREATE VIEW aiven_rbac.visible_domain WITH (security_barrier) AS
    SELECT d.organization, d.name, d.verification, d.added_at, d.verified_at
    FROM aiven_rbac.organizations_with('{domain.view,domain.add,domain.edit,domain.remove}') AS o (id)
    JOIN aiven_rbac.domain AS d ON d.organization = o.id;
COMMENT ON VIEW aiven_rbac.visible_domain IS
    'domains and the texts that verify them; each requires an action on domains';

CREATE VIEW aiven_rbac.visible_identity_provider WITH (security_barrier) AS
    SELECT i.organization, i.id, i.name, i.entity_id, i.url, i.certificate_fingerprint, i.enabled, i.created_at
    FROM aiven_rbac.organizations_with('{identity_provider.add,identity_provider.enable,identity_provider.disable,identity_provider.remove}') AS o (id)
    JOIN aiven_rbac.identity_provider AS i ON i.organization = o.id;
COMMENT ON VIEW aiven_rbac.visible_identity_provider IS
    'identity providers; each requires an action on identity providers';

CREATE VIEW aiven_rbac.visible_authentication_policy WITH (security_barrier) AS
    SELECT a.organization, a.require_two_factor, a.allowed_methods, a.personal_tokens
    FROM aiven_rbac.organizations_with('{authentication_policy.change}') AS o (id)
    JOIN aiven_rbac.authentication_policy AS a ON a.organization = o.id;
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
