-- Writing the log.
--
-- Triggers for each statement see every change, whichever way it is made: raw
-- DML by the owner, cascades, TRUNCATE.  What is written of it stands in two
-- lists below.  From them audit_query() makes one query for each table and
-- operation, which rbac_audit.c plans once a session and runs.
--
-- Nothing is written where another database has written it already: the triggers
-- are off in logical apply (replication role "replica"), and rbac_audit.c knows
-- what is restored from a dump.

-- The events, each by the table whose change it is, the operation (INSERT,
-- UPDATE, DELETE) and a condition.  A row of that table is x; of an UPDATE there
-- are o, the old one, and n, the new one.  The first event whose condition is
-- true is written; a change without any is of no interest.
CREATE FUNCTION aiven_rbac.audit_events()
    RETURNS TABLE (event text, "table" text, operation text, condition text, description text)
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    VALUES
    ('organization.created', 'resource', 'INSERT', 'x.kind = ''organization''', 'an organization was created'),
    ('organization.renamed', 'resource', 'UPDATE', 'x.kind = ''organization'' AND (o.name, @extschema@.rbac_path_label(o.path)) IS DISTINCT FROM (n.name, @extschema@.rbac_path_label(n.path))', 'its name or label changed; all paths in it follow'),
    ('organization.deleted', 'resource', 'DELETE', 'x.kind = ''organization''', 'it was deleted'),
    ('organization.changed', 'organization', 'INSERT', 'x.support_tier <> ''basic''', 'its support tier changed'),
    ('organization.changed', 'organization', 'UPDATE', 'true', NULL),
    ('unit.created', 'resource', 'INSERT', 'x.kind = ''unit''', 'a unit was created'),
    ('unit.renamed', 'resource', 'UPDATE', 'x.kind = ''unit'' AND (o.name, @extschema@.rbac_path_label(o.path)) IS DISTINCT FROM (n.name, @extschema@.rbac_path_label(n.path))', 'its name or label changed; all paths in it follow'),
    ('unit.deleted', 'resource', 'DELETE', 'x.kind = ''unit''', 'it was deleted'),
    ('project.created', 'resource', 'INSERT', 'x.kind = ''project''', 'a project was created'),
    ('project.moved', 'resource', 'UPDATE', 'x.kind = ''project'' AND o.parent <> n.parent', 'it stands elsewhere; a move to another organization is in the logs of both'),
    ('project.renamed', 'resource', 'UPDATE', 'x.kind = ''project'' AND (o.name, @extschema@.rbac_path_label(o.path)) IS DISTINCT FROM (n.name, @extschema@.rbac_path_label(n.path))', 'its name or label changed; all paths in it follow'),
    ('project.deleted', 'resource', 'DELETE', 'x.kind = ''project''', 'it was deleted'),
    ('project.billing_group_changed', 'project', 'INSERT', 'x.billing_group IS NOT NULL', 'another billing group pays for it, or none'),
    ('project.billing_group_changed', 'project', 'UPDATE', 'true', NULL),
    ('service.created', 'resource', 'INSERT', 'x.kind = ''service''', 'a service was created'),
    ('service.moved', 'resource', 'UPDATE', 'x.kind = ''service'' AND o.parent <> n.parent', 'it stands in another project'),
    ('service.renamed', 'resource', 'UPDATE', 'x.kind = ''service'' AND (o.name, @extschema@.rbac_path_label(o.path)) IS DISTINCT FROM (n.name, @extschema@.rbac_path_label(n.path))', 'its name or label changed'),
    ('service.deleted', 'resource', 'DELETE', 'x.kind = ''service''', 'it was deleted'),
    ('service.changed', 'service', 'INSERT', 'x.plan IS NOT NULL', 'it has another type or plan, or its first one'),
    ('service.changed', 'service', 'UPDATE', 'true', NULL),
    ('service_user.created', 'service_user', 'INSERT', 'true', 'a service has one account more'),
    ('service_user.changed', 'service_user', 'UPDATE', 'true', 'the account has another name'),
    ('service_user.deleted', 'service_user', 'DELETE', 'true', 'the account was deleted'),
    ('plan_list.created', 'plan_list', 'INSERT', 'true', 'a list says which plans are allowed below'),
    ('plan_list.changed', 'plan_list', 'UPDATE', 'true', 'the list has other plans'),
    ('plan_list.deleted', 'plan_list', 'DELETE', 'true', 'the list was deleted'),
    ('tag.created', 'tag', 'INSERT', 'true', 'a project or service was tagged'),
    ('tag.changed', 'tag', 'UPDATE', 'true', 'the tag has another value'),
    ('tag.deleted', 'tag', 'DELETE', 'true', 'the tag was deleted'),
    ('user.created', 'principal', 'INSERT', 'x.kind = ''user''', 'a user was created'),
    ('user.deactivated', 'principal', 'UPDATE', 'x.kind = ''user'' AND o.deactivated_at IS NULL AND n.deactivated_at IS NOT NULL', 'all access of the user ended for the time being'),
    ('user.reactivated', 'principal', 'UPDATE', 'x.kind = ''user'' AND o.deactivated_at IS NOT NULL AND n.deactivated_at IS NULL', 'the user has access again'),
    ('user.changed', 'principal', 'UPDATE', 'x.kind = ''user''', 'the user has another name or email'),
    ('user.deleted', 'principal', 'DELETE', 'x.kind = ''user''', 'the user was deleted'),
    ('application_user.created', 'principal', 'INSERT', 'x.kind = ''application_user''', 'an application user was created'),
    ('application_user.changed', 'principal', 'UPDATE', 'x.kind = ''application_user''', 'it has another name or description'),
    ('application_user.deleted', 'principal', 'DELETE', 'x.kind = ''application_user''', 'it was deleted'),
    ('group.created', 'principal', 'INSERT', 'x.kind = ''group''', 'a group was created'),
    ('group.changed', 'principal', 'UPDATE', 'x.kind = ''group''', 'it has another name or description'),
    ('group.deleted', 'principal', 'DELETE', 'x.kind = ''group''', 'it was deleted'),
    ('super_admin.added', 'group_member', 'INSERT', 'x.account_owners', 'somebody became a super admin'),
    ('super_admin.removed', 'group_member', 'DELETE', 'x.account_owners', 'somebody is a super admin no more'),
    ('group.member_added', 'group_member', 'INSERT', 'true', 'somebody was added to a group'),
    ('group.member_removed', 'group_member', 'DELETE', 'true', 'somebody was removed from a group'),
    ('member.added', 'membership', 'INSERT', 'x.kind = ''user''', 'a user joined the organization'),
    ('member.removed', 'membership', 'DELETE', 'x.kind = ''user''', 'a user left the organization, or was removed'),
    ('invitation.created', 'invitation', 'INSERT', 'true', 'somebody was invited'),
    ('invitation.accepted', 'invitation', 'UPDATE', 'o.accepted_at IS NULL AND n.accepted_at IS NOT NULL', 'the invitation was accepted'),
    ('invitation.withdrawn', 'invitation', 'UPDATE', 'o.withdrawn_at IS NULL AND n.withdrawn_at IS NOT NULL', 'it was withdrawn'),
    ('invitation.changed', 'invitation', 'UPDATE', 'true', 'it ends at another time'),
    ('invitation.deleted', 'invitation', 'DELETE', 'true', 'it was deleted'),
    ('grant.created', 'access_grant', 'INSERT', 'true', 'a role or permission was granted'),
    ('grant.changed', 'access_grant', 'UPDATE', 'true', 'the grant has another period'),
    ('grant.deleted', 'access_grant', 'DELETE', 'true', 'it was revoked, or ended with what it was on'),
    ('role.created', 'grantable', 'INSERT', 'x.type <> ''permission''', 'a role was created'),
    ('role.changed', 'grantable', 'UPDATE', 'x.type <> ''permission''', 'it has another name'),
    ('role.deleted', 'grantable', 'DELETE', 'x.type <> ''permission''', 'it was deleted'),
    ('permission.created', 'grantable', 'INSERT', 'true', 'a permission was created'),
    ('permission.changed', 'grantable', 'UPDATE', 'true', 'it has another name'),
    ('permission.deleted', 'grantable', 'DELETE', 'true', 'it was deleted'),
    ('role.levels_added', 'grantable_on', 'INSERT', 'true', 'a role or permission can be granted on more kinds of resource'),
    ('role.levels_removed', 'grantable_on', 'DELETE', 'true', 'it can be granted on fewer'),
    ('role.actions_added', 'allowed_action', 'INSERT', 'true', 'a role or permission allows more actions'),
    ('role.actions_removed', 'allowed_action', 'DELETE', 'true', 'it allows fewer'),
    ('action.created', 'action', 'INSERT', 'true', 'the operator added an action to the catalogue'),
    ('action.changed', 'action', 'UPDATE', 'true', 'the action has another name or description'),
    ('action.deleted', 'action', 'DELETE', 'true', 'it was deleted'),
    ('domain.added', 'domain', 'INSERT', 'true', 'an organization claims a domain'),
    ('domain.verified', 'domain', 'UPDATE', 'o.verified_at IS NULL AND n.verified_at IS NOT NULL', 'the domain is the organization''s; its users are managed'),
    ('domain.changed', 'domain', 'UPDATE', 'true', 'it is not verified any more'),
    ('domain.removed', 'domain', 'DELETE', 'true', 'the domain was given up'),
    ('identity_provider.created', 'identity_provider', 'INSERT', 'true', 'an identity provider was added'),
    ('identity_provider.changed', 'identity_provider', 'UPDATE', 'true', 'it has another name, address or certificate, or was switched on or off'),
    ('identity_provider.deleted', 'identity_provider', 'DELETE', 'true', 'it was removed'),
    ('authentication_policy.created', 'authentication_policy', 'INSERT', 'true', 'the organization demands something of sessions'),
    ('authentication_policy.changed', 'authentication_policy', 'UPDATE', 'true', 'it demands something else'),
    ('authentication_policy.deleted', 'authentication_policy', 'DELETE', 'true', 'it demands nothing any more'),
    ('billing_address.created', 'billing_address', 'INSERT', 'true', 'a billing address was added'),
    ('billing_address.changed', 'billing_address', 'UPDATE', 'true', 'it changed'),
    ('billing_address.deleted', 'billing_address', 'DELETE', 'true', 'it was removed'),
    ('payment_method.created', 'payment_method', 'INSERT', 'true', 'a payment method was added'),
    ('payment_method.changed', 'payment_method', 'UPDATE', 'true', 'it changed'),
    ('payment_method.deleted', 'payment_method', 'DELETE', 'true', 'it was removed'),
    ('billing_group.created', 'billing_group', 'INSERT', 'true', 'a billing group was created'),
    ('billing_group.changed', 'billing_group', 'UPDATE', 'true', 'it changed'),
    ('billing_group.deleted', 'billing_group', 'DELETE', 'true', 'it was deleted'),
    ('token.created', 'token', 'INSERT', 'true', 'a token was made'),
    ('token.revoked', 'token', 'UPDATE', 'o.revoked_at IS NULL AND n.revoked_at IS NOT NULL', 'it opens nothing any more'),
    ('token.changed', 'token', 'UPDATE', 'true', 'something else about it changed'),
    ('token.deleted', 'token', 'DELETE', 'true', 'it was deleted, with its principal'),
    ('database_role.mapped', 'database_role', 'INSERT', 'true', 'a database role is a principal when it logs in, or a service user''s'),
    ('database_role.changed', 'database_role', 'UPDATE', 'true', 'it is another one''s'),
    ('database_role.unmapped', 'database_role', 'DELETE', 'true', 'it is nobody''s any more'),
    ('finding.acknowledged', 'acknowledged_finding', 'INSERT', 'true', 'the operator accepted a finding of rbac_check_protection()'),
    ('finding.changed', 'acknowledged_finding', 'UPDATE', 'true', 'for another reason'),
    ('finding.reopened', 'acknowledged_finding', 'DELETE', 'true', 'it is accepted no more'),
    ('authority.created', 'authority', 'INSERT', 'true', 'this database publishes its rows to others'),
    ('authority.changed', 'authority', 'UPDATE', 'true', 'it has another version of the extension'),
    ('authority.ended', 'authority', 'DELETE', 'true', 'it begins anew to publish, or has taken its rows from another database until then'),
    ('log.archived', 'audit_archived', 'INSERT', 'true', 'the operator took a month out of the log'),
    ('table.truncated', NULL, 'TRUNCATE', 'true', 'the owner emptied a table of the extension; what was in it is not told')
$$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_events() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_events() IS
    'the events of the log, and the changes that they are written for';

-- What was deleted a moment ago, in the same transaction: cascades come to tell
-- of what hung on it when it is gone.
CREATE FUNCTION aiven_rbac.audit_remember() RETURNS trigger
    AS 'MODULE_PATHNAME', 'rbac_audit_remember'
    LANGUAGE C;
REVOKE ALL ON FUNCTION aiven_rbac.audit_remember() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_remember() IS
    'trigger: remembers the names and paths of what is deleted until the end of the transaction';

CREATE TRIGGER audit_remember BEFORE DELETE ON aiven_rbac.resource
    FOR EACH ROW EXECUTE FUNCTION aiven_rbac.audit_remember();

CREATE TRIGGER audit_remember BEFORE DELETE ON aiven_rbac.principal
    FOR EACH ROW EXECUTE FUNCTION aiven_rbac.audit_remember();

-- Names are looked up without a plan for it: the statement that writes one row
-- would begin with more than it does.
CREATE FUNCTION aiven_rbac.audit_principal_name(id uuid) RETURNS text
    AS 'MODULE_PATHNAME', 'rbac_audit_principal_name'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.audit_principal_name(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_principal_name(uuid) IS
    'a user''s email, or the name of another principal, also of one that this transaction has deleted; or NULL';

CREATE FUNCTION aiven_rbac.audit_grantable_name(id uuid) RETURNS text
    AS 'MODULE_PATHNAME', 'rbac_audit_grantable_name'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.audit_grantable_name(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_grantable_name(uuid) IS 'the name of a role or permission, or NULL';

-- In UTC, as JSON has it, whatever the session's time zone.
CREATE FUNCTION aiven_rbac.audit_time(instant timestamptz) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT CASE WHEN pg_catalog.isfinite(instant)
                THEN (pg_catalog.to_jsonb(instant AT TIME ZONE 'UTC') OPERATOR(pg_catalog.#>>) '{}') OPERATOR(pg_catalog.||) '+00:00'
                ELSE instant::text END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_time(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_time(timestamptz) IS 'a time as the log says it';

-- What is written of each table's rows: whose log it is (NULL: the operator's
-- alone), on which resource (NULL: the organization), about whom, and what the
-- row says, which is told as before and after.  Left out are secrets, digests,
-- and what other columns say.
--
-- Of a change before and after tell what has changed, and what is kept: what says
-- which of several things it is.
--
-- A role with a hundred actions is one row: "source" adds up the rows of tables
-- that hold sets.  There, and where the identity changes, an UPDATE is told as a
-- DELETE and an INSERT.
CREATE FUNCTION aiven_rbac.audited()
    RETURNS TABLE ("table" text, identity text, source text, organization text, resource text, subject text, subject_name text, picture text, kept text[])
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    VALUES
    ('resource', 'x.id', NULL, 'x.organization', 'x.id', NULL, NULL,
     'jsonb_build_object(''path'', x.path, ''name'', x.name, ''parent'', x.parent)', NULL),
    ('organization', 'x.id', NULL, 'x.id', NULL, NULL, NULL,
     'jsonb_build_object(''support_tier'', x.support_tier)', NULL),
    ('project', 'x.id', NULL, 'x.organization', 'x.id', NULL, NULL,
     'jsonb_build_object(''billing_group'', x.billing_group)', NULL),
    ('service', 'x.id', NULL, 'x.organization', 'x.id', NULL, NULL,
     'jsonb_build_object(''service_type'', x.service_type, ''plan'', x.plan)', NULL),
    ('service_user', 'x.service', NULL, '(SELECT s.organization FROM aiven_rbac.service AS s WHERE s.id = x.service)', 'x.service', NULL, NULL,
     'jsonb_build_object(''username'', x.username)', NULL),
    ('plan_list', 'x.resource', NULL, 'x.organization', 'x.resource', NULL, NULL,
     'jsonb_build_object(''plans'', x.plans)', NULL),
    ('tag', '(x.resource, x.key)', NULL, 'x.organization', 'x.resource', NULL, NULL,
     'jsonb_build_object(''key'', x.key, ''value'', x.value)', '{key}'::text[]),
    ('principal', 'x.id', NULL, 'coalesce(x.organization, aiven_rbac.domain_manager(x.email))', NULL, 'x.id', 'coalesce(x.email, x.name)',
     'jsonb_build_object(''name'', x.name, ''email'', x.email, ''description'', x.description, ''deactivated_at'', aiven_rbac.audit_time(x.deactivated_at))', NULL),
    ('membership', '(x.principal, x.organization)', NULL, 'x.organization', NULL, 'x.principal', NULL,
     '''{}''::jsonb', NULL),
    ('invitation', 'x.id', NULL, 'x.organization', NULL,
     '(SELECT p.id FROM aiven_rbac.principal AS p WHERE p.kind = ''user'' AND aiven_rbac.fold(p.email) = aiven_rbac.fold(x.email))', 'x.email',
     'jsonb_build_object(''email'', x.email, ''expires_at'', aiven_rbac.audit_time(x.expires_at), ''accepted_at'', aiven_rbac.audit_time(x.accepted_at), ''withdrawn_at'', aiven_rbac.audit_time(x.withdrawn_at))
      || CASE WHEN x.grants <> ''[]'' THEN jsonb_build_object(''grants'', x.grants) ELSE ''{}'' END
      || CASE WHEN x.groups <> ''{}'' THEN jsonb_build_object(''groups'', x.groups) ELSE ''{}'' END
      || CASE WHEN x.dropped <> ''[]'' THEN jsonb_build_object(''dropped'', x.dropped) ELSE ''{}'' END', '{email}'::text[]),
    ('group_member', '(x.member, x.group_id)', NULL, 'x.organization', NULL, 'x.member', NULL,
     'jsonb_build_object(''group'', x.group_id, ''name'', aiven_rbac.audit_principal_name(x.group_id))', NULL),
    ('access_grant', '(x.principal, x.resource, x.grantable)', NULL, 'x.organization', 'x.resource', 'x.principal', NULL,
     'jsonb_build_object(''name'', aiven_rbac.audit_grantable_name(x.grantable), ''valid_from'', aiven_rbac.audit_time(x.valid_from), ''valid_until'', aiven_rbac.audit_time(x.valid_until))', '{name}'::text[]),
    ('grantable', 'x.id', NULL, 'x.owner', NULL, NULL, NULL,
     'jsonb_build_object(''name'', x.name, ''console_name'', x.console_name)', '{name}'::text[]),
    ('grantable_on', NULL,
     'SELECT g.owner, g.name, jsonb_agg(c.resource_kind ORDER BY c.resource_kind) AS members
      FROM %s AS c JOIN aiven_rbac.grantable AS g ON g.id = c.grantable GROUP BY g.id',
     'x.owner', NULL, NULL, NULL,
     'jsonb_build_object(''name'', x.name, ''grantable_on'', x.members)', NULL),
    ('allowed_action', NULL,
     'SELECT y.owner, y.name, jsonb_object_agg(y.granted_on, y.actions) AS members
      FROM (SELECT g.id, g.owner, g.name, c.granted_on, jsonb_agg(a.name ORDER BY a.name) AS actions
            FROM %s AS c JOIN aiven_rbac.grantable AS g ON g.id = c.grantable
            JOIN aiven_rbac.action AS a ON a.number = c.action GROUP BY g.id, c.granted_on) AS y
      GROUP BY y.id, y.owner, y.name',
     'x.owner', NULL, NULL, NULL,
     'jsonb_build_object(''name'', x.name, ''actions'', x.members)', NULL),
    ('action', 'x.number', NULL, 'NULL::uuid', NULL, NULL, NULL,
     'jsonb_build_object(''name'', x.name, ''resource_kind'', x.resource_kind, ''description'', x.description)', '{name}'::text[]),
    ('domain', '(x.organization, x.name)', NULL, 'x.organization', NULL, NULL, NULL,
     'jsonb_build_object(''name'', x.name, ''verified_at'', aiven_rbac.audit_time(x.verified_at))', '{name}'::text[]),
    ('identity_provider', 'x.id', NULL, 'x.organization', NULL, NULL, NULL,
     'jsonb_build_object(''name'', x.name, ''entity_id'', x.entity_id, ''url'', x.url, ''certificate_fingerprint'', x.certificate_fingerprint, ''enabled'', x.enabled)', '{name}'::text[]),
    ('authentication_policy', 'x.organization', NULL, 'x.organization', NULL, NULL, NULL,
     'jsonb_build_object(''require_two_factor'', x.require_two_factor, ''allowed_methods'', x.allowed_methods, ''personal_tokens'', x.personal_tokens)', NULL),
    ('billing_address', 'x.id', NULL, 'x.organization', NULL, NULL, NULL,
     'jsonb_build_object(''company_name'', x.company_name, ''address_lines'', x.address_lines, ''city'', x.city, ''postal_code'', x.postal_code, ''state'', x.state, ''country_code'', x.country_code)', '{company_name}'::text[]),
    ('payment_method', 'x.id', NULL, 'x.organization', NULL, NULL, NULL,
     'jsonb_build_object(''provider'', x.provider, ''last_four'', x.last_four)', '{provider,last_four}'::text[]),
    ('billing_group', 'x.id', NULL, 'x.organization', NULL, NULL, NULL,
     'jsonb_build_object(''name'', x.name, ''currency'', x.currency, ''tax_id'', x.tax_id, ''billing_emails'', x.billing_emails, ''billing_address'', x.billing_address, ''payment_method'', x.payment_method)', '{name}'::text[]),
    ('token', 'x.prefix', NULL,
     '(SELECT coalesce(p.organization, aiven_rbac.domain_manager(p.email)) FROM aiven_rbac.principal AS p WHERE p.id = x.principal)', NULL, 'x.principal', NULL,
     'jsonb_build_object(''prefix'', x.prefix, ''description'', x.description, ''allowed_networks'', x.allowed_networks, ''extend_when_used'', x.extend_when_used, ''expires_at'', aiven_rbac.audit_time(x.expires_at), ''revoked_at'', aiven_rbac.audit_time(x.revoked_at))', '{prefix}'::text[]),
    ('database_role', 'x.role', NULL,
     'coalesce((SELECT coalesce(p.organization, aiven_rbac.domain_manager(p.email)) FROM aiven_rbac.principal AS p WHERE p.id = x.principal),
               (SELECT s.organization FROM aiven_rbac.service AS s WHERE s.id = x.service))', 'x.service', 'x.principal', NULL,
     'jsonb_build_object(''role'', x.role::text, ''principal'', x.principal, ''username'', x.username)', '{role}'::text[]),
    ('acknowledged_finding', '(x.object, x.finding)', NULL, 'NULL::uuid', NULL, NULL, NULL,
     'jsonb_build_object(''object'', x.object, ''finding'', x.finding, ''reason'', x.reason)', '{object,finding}'::text[]),
    ('authority', 'x.installation', NULL, 'NULL::uuid', NULL, NULL, NULL,
     'jsonb_build_object(''installation'', x.installation, ''database'', x.database, ''system'', x.system, ''version'', x.version)', '{installation,database}'::text[]),
    ('audit_archived', 'x.month', NULL, 'NULL::uuid', NULL, NULL, NULL,
     'jsonb_build_object(''month'', x.month)', NULL)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.audited() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audited() IS
    'what the log tells of the rows of each table: expressions for audit_query()';

CREATE FUNCTION aiven_rbac.audit_changes(old jsonb, new jsonb, kept text[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(new) AS e WHERE old -> e.key IS DISTINCT FROM e.value OR e.key = ANY (kept)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_changes(jsonb, jsonb, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_changes(jsonb, jsonb, text[]) IS
    'what of a new picture differs from an old one, and what is told of it in any case';

-- In a restored row the number of the transaction is another server's.
CREATE VIEW aiven_rbac.audit_installation AS
    SELECT ('x' || left(d.installation::text, 8))::bit(32)::integer AS number
    FROM aiven_rbac.dumped_table AS d WHERE d.name = 'dumped_table';
COMMENT ON VIEW aiven_rbac.audit_installation IS
    'a number for the database that the extension is installed in; a restored one has another';

-- Others can compute it as well: SHA-256 of the values one after the other, each
-- as text in UTF-8 behind its length in bytes and a colon, or "-" for NULL.  Times
-- are microseconds since 1970.
CREATE FUNCTION aiven_rbac.audit_digest(at timestamptz, transaction bigint, installation integer, organization uuid, project uuid,
                                        resource uuid, actor uuid, subject uuid, event text, actor_name text, subject_name text,
                                        path @extschema@.rbac_path, database_role text, client_address inet,
                                        application_name text, before jsonb, after jsonb)
    RETURNS bytea
    AS 'MODULE_PATHNAME', 'rbac_audit_digest'
    LANGUAGE C STABLE;
REVOKE ALL ON FUNCTION aiven_rbac.audit_digest(timestamptz, bigint, integer, uuid, uuid, uuid, uuid, uuid, text, text, text, @extschema@.rbac_path, text, inet, text, jsonb, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_digest(timestamptz, bigint, integer, uuid, uuid, uuid, uuid, uuid, text, text, text, @extschema@.rbac_path, text, inet, text, jsonb, jsonb) IS
    'SHA-256 of a row of the log';

-- One of the SELECTs that tell what happened: of rows that came (INSERT), went
-- (DELETE) or are others (UPDATE), as far as a condition says.  They stand in
-- the transition tables "added" and "gone" or, of an UPDATE, in "changed", in
-- pairs o and n.
CREATE FUNCTION aiven_rbac.audit_part("table" text, operation text, rows text, condition text, place text DEFAULT 'n') RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    a record;
    old text;
    new text;
    of_resource boolean := "table" = 'resource';
    events text;
    part text;
BEGIN
    SELECT * INTO STRICT a FROM aiven_rbac.audited() AS v WHERE v."table" = audit_part."table";
    SELECT string_agg(format('WHEN %s THEN %L', v.condition, v.event), ' ') INTO events
    FROM aiven_rbac.audit_events() AS v WHERE v."table" = audit_part."table" AND v.operation = audit_part.operation;
    IF operation = 'UPDATE' THEN
        old := regexp_replace(a.picture, '\mx\.', 'o.', 'g');
        new := regexp_replace(a.picture, '\mx\.', 'n.', 'g');
        condition := format('%s AND %s IS DISTINCT FROM %s', condition, old, new);
        part := format('aiven_rbac.audit_changes(%s, %s, %L)', new, old, a.kept);
        new := format('aiven_rbac.audit_changes(%s, %s, %L)', old, new, a.kept);
        old := part;
    ELSE
        old := CASE operation WHEN 'DELETE' THEN format('jsonb_strip_nulls(%s)', a.picture) ELSE 'NULL::jsonb' END;
        new := CASE operation WHEN 'INSERT' THEN format('jsonb_strip_nulls(%s)', a.picture) ELSE 'NULL::jsonb' END;
    END IF;
    part := format('SELECT %s AS event, %s AS organization, %s AS project, %s AS resource, %s AS path, %s AS subject, %s AS subject_name, '
                   '%s AS before, %s AS after FROM %s WHERE %s',
                   format('CASE %s END', coalesce(events, 'WHEN false THEN ''''')), a.organization,
                   CASE WHEN of_resource THEN 'CASE x.kind WHEN ''project'' THEN x.id WHEN ''service'' THEN x.parent END' ELSE 'NULL::uuid' END,
                   coalesce(a.resource, a.organization),
                   CASE WHEN of_resource THEN 'x.path' ELSE 'NULL::@extschema@.rbac_path' END,
                   coalesce(a.subject, 'NULL::uuid'), coalesce(a.subject_name, 'NULL::text'), old, new,
                   CASE WHEN a.source IS NOT NULL THEN format('(' || a.source || ') AS x', rows)
                        WHEN rows = 'changed' THEN 'changed AS c' ELSE rows || ' AS x' END,
                   condition);
    IF a.source IS NULL AND rows = 'changed' THEN
        part := regexp_replace(part, '\mx\.', CASE operation WHEN 'DELETE' THEN 'o.' WHEN 'INSERT' THEN 'n.' ELSE place || '.' END, 'g');
        part := regexp_replace(part, '\m([on])\.', '(c.\1).', 'g');
    END IF;
    RETURN part;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_part(text, text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_part(text, text, text, text, text) IS
    'a query for what the log says of some changes of a table''s rows, from the old or the new place';

-- What changes another row's identity is two things.  A resource that comes from
-- another organization is told there, too.
CREATE FUNCTION aiven_rbac.audit_parts("table" text, operation text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    identity text := (SELECT v.identity FROM aiven_rbac.audited() AS v WHERE v."table" = audit_parts."table");
    same text := format('%s = %s', regexp_replace(identity, '\mx\.', 'o.', 'g'), regexp_replace(identity, '\mx\.', 'n.', 'g'));
BEGIN
    CASE operation
        WHEN 'TRUNCATE' THEN
            RETURN format('SELECT %L AS event, NULL::uuid AS organization, NULL::uuid AS project, NULL::uuid AS resource, '
                          'NULL::@extschema@.rbac_path AS path, NULL::uuid AS subject, NULL::text AS subject_name, NULL::jsonb AS before, '
                          'jsonb_build_object(''table'', %L) AS after', 'table.truncated', "table");
        WHEN 'INSERT' THEN
            RETURN aiven_rbac.audit_part("table", operation, 'added', 'true');
        WHEN 'DELETE' THEN
            RETURN aiven_rbac.audit_part("table", operation, 'gone', 'true');
        ELSE
            NULL;
    END CASE;
    IF identity IS NULL THEN
        RETURN aiven_rbac.audit_part("table", 'DELETE', '(SELECT (z.o).* FROM changed AS z)', 'true')
            || ' UNION ALL ' || aiven_rbac.audit_part("table", 'INSERT', '(SELECT (z.n).* FROM changed AS z)', 'true');
    END IF;
    RETURN aiven_rbac.audit_part("table", 'UPDATE', 'changed', same)
        || ' UNION ALL ' || aiven_rbac.audit_part("table", 'DELETE', 'changed', format('NOT (%s)', same))
        || ' UNION ALL ' || aiven_rbac.audit_part("table", 'INSERT', 'changed', format('NOT (%s)', same))
        || CASE "table" WHEN 'resource'
           THEN ' UNION ALL ' || aiven_rbac.audit_part("table", 'UPDATE', 'changed', 'o.organization <> n.organization', 'o') ELSE '' END;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_parts(text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_parts(text, text) IS
    'a query for what the log says of a statement''s changes of a table';

CREATE FUNCTION aiven_rbac.audit_query("table" text, operation text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format('SELECT e.event, e.organization, '
                  'coalesce(e.project, CASE r.kind WHEN ''project'' THEN r.id WHEN ''service'' THEN r.parent END) AS project, '
                  'e.resource, coalesce(e.path, r.path) AS path, e.subject, e.subject_name, e.before, e.after '
                  'FROM (%s) AS e LEFT JOIN aiven_rbac.resource AS r ON r.id = e.resource WHERE e.event IS NOT NULL',
                  aiven_rbac.audit_parts("table", operation))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.audit_query(text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit_query(text, text) IS
    'a query for what the log says of a statement''s changes of a table, as rbac_audit.c expects it; the rows are in transition tables, and those before and after an UPDATE in "changed", as o and n';

CREATE FUNCTION aiven_rbac.audit() RETURNS trigger
    AS 'MODULE_PATHNAME', 'rbac_audit'
    LANGUAGE C;
REVOKE ALL ON FUNCTION aiven_rbac.audit() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.audit() IS 'trigger: writes a statement''s changes to the log';

DO $$
DECLARE
    t text;
BEGIN
    FOR t IN SELECT v."table" FROM aiven_rbac.audited() AS v LOOP
        EXECUTE format('CREATE TRIGGER audit_inserted AFTER INSERT ON aiven_rbac.%I REFERENCING NEW TABLE AS added '
                       'FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.audit()', t);
        EXECUTE format('CREATE TRIGGER audit_updated AFTER UPDATE ON aiven_rbac.%I REFERENCING OLD TABLE AS gone NEW TABLE AS added '
                       'FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.audit()', t);
        EXECUTE format('CREATE TRIGGER audit_deleted AFTER DELETE ON aiven_rbac.%I REFERENCING OLD TABLE AS gone '
                       'FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.audit()', t);
        EXECUTE format('CREATE TRIGGER audit_truncated AFTER TRUNCATE ON aiven_rbac.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION aiven_rbac.audit()', t);
    END LOOP;
END
$$;
