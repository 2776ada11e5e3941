-- An organization as a document: exported, compared with what is there, and applied.
--
-- A document is taken apart into rows, one for each thing that can be made, changed
-- or ended by itself: a project, one of its tags, one member of a group.  So is
-- what is there.  The difference of the two is the list of steps, and to apply it is
-- to call the function that everybody calls for such a step: it asks for the
-- caller's standing, and writes the log.

-- The keys of a document.  A "places" is where an item of a list, or an object, stands.
CREATE FUNCTION aiven_rbac.document_keys() RETURNS TABLE (place text, key text, type text, required boolean)
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    VALUES
    ('', 'organization', 'object', false), ('', 'settings', 'object', false),
    ('', 'units', 'array', false), ('', 'projects', 'array', false), ('', 'services', 'array', false), ('', 'users', 'array', false),
    ('', 'application_users', 'array', false), ('', 'groups', 'array', false), ('', 'roles', 'array', false), ('', 'grants', 'array', false),
    ('organization', 'label', 'string', false), ('organization', 'name', 'string', false),
    ('settings', 'support_tier', 'string', false), ('settings', 'authentication_policy', 'object', false),
    ('settings', 'plans', 'strings', false), ('settings', 'domains', 'strings', false),
    ('settings.authentication_policy', 'require_two_factor', 'boolean', false),
    ('settings.authentication_policy', 'allowed_methods', 'strings', false),
    ('settings.authentication_policy', 'personal_tokens', 'boolean', false),
    ('units', 'label', 'string', true), ('units', 'name', 'string', false), ('units', 'plans', 'strings', false),
    ('projects', 'label', 'string', true), ('projects', 'name', 'string', false), ('projects', 'unit', 'string', false),
    ('projects', 'billing_group', 'string', false), ('projects', 'plans', 'strings', false), ('projects', 'tags', 'texts', false),
    ('services', 'project', 'string', true), ('services', 'label', 'string', true), ('services', 'type', 'string', true),
    ('services', 'name', 'string', false), ('services', 'plan', 'string', false), ('services', 'tags', 'texts', false),
    ('users', 'email', 'string', true), ('users', 'name', 'string', false), ('users', 'super_admin', 'boolean', false),
    ('application_users', 'name', 'string', true), ('application_users', 'description', 'string', false),
    ('groups', 'name', 'string', true), ('groups', 'description', 'string', false), ('groups', 'members', 'strings', false),
    ('roles', 'name', 'string', true), ('roles', 'members', 'strings', true), ('roles', 'grantable_on', 'strings', true),
    ('grants', 'principal', 'string', true), ('grants', 'name', 'string', true), ('grants', 'resource', 'string', true),
    ('grants', 'valid_from', 'string', false), ('grants', 'valid_until', 'string', false)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.document_keys() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.document_keys() IS 'the keys that a document may have, where, and of which type';

CREATE FUNCTION aiven_rbac.is_of_type(value jsonb, type text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE type
        WHEN 'strings' THEN jsonb_typeof(value) = 'array'
                            AND NOT EXISTS (SELECT FROM jsonb_array_elements(CASE jsonb_typeof(value) WHEN 'array' THEN value ELSE '[]' END) AS e
                                            WHERE jsonb_typeof(e) <> 'string')
        WHEN 'texts' THEN jsonb_typeof(value) = 'object'
                          AND NOT EXISTS (SELECT FROM jsonb_each(CASE jsonb_typeof(value) WHEN 'object' THEN value ELSE '{}' END) AS e
                                          WHERE jsonb_typeof(e.value) <> 'string')
        ELSE jsonb_typeof(value) = type END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.is_of_type(jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_of_type(jsonb, text) IS 'is a value of a document of a type: a type of JSON, strings (an array of them), or texts (an object of them)?';

-- The objects of a document, each with its place, as an error names it, and the place
-- whose keys it has.
CREATE FUNCTION aiven_rbac.document_objects(document jsonb) RETURNS TABLE (place text, called text, value jsonb)
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT '', '', document
    UNION ALL
    SELECT e.key, e.key, e.value FROM jsonb_each(document) AS e WHERE jsonb_typeof(e.value) = 'object'
    UNION ALL
    SELECT 'settings.authentication_policy', 'settings.authentication_policy', document -> 'settings' -> 'authentication_policy'
    WHERE jsonb_typeof(document -> 'settings' -> 'authentication_policy') = 'object'
    UNION ALL
    SELECT e.key, format('%s[%s]', e.key, i.number - 1), i.value
    FROM jsonb_each(document) AS e CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(e.value) WHEN 'array' THEN e.value ELSE '[]' END) WITH ORDINALITY AS i (value, number)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.document_objects(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.document_objects(jsonb) IS 'the objects in a document, and where they stand';

CREATE FUNCTION aiven_rbac.refuse_document(message text, hint text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION '%', message USING ERRCODE = 'invalid_parameter_value', HINT = coalesce(hint, '');
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.refuse_document(text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.refuse_document(text, text) IS 'raise, for a document that is none';

CREATE FUNCTION aiven_rbac.require_document(document jsonb) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    wrong record;
BEGIN
    IF jsonb_typeof(document) IS DISTINCT FROM 'object' THEN
        PERFORM aiven_rbac.refuse_document('a document is a JSON object', 'rbac_export() makes one.');
    END IF;
    SELECT count(*) AS items INTO wrong FROM aiven_rbac.document_objects(document);
    IF wrong.items > 1000000 THEN
        RAISE EXCEPTION 'too many items' USING ERRCODE = 'program_limit_exceeded', HINT = 'A document has at most 1000000.';
    END IF;
    SELECT o.called INTO wrong FROM aiven_rbac.document_objects(document) AS o WHERE jsonb_typeof(o.value) <> 'object' LIMIT 1;
    IF FOUND THEN
        PERFORM aiven_rbac.refuse_document(format('%s is not an object', wrong.called));
    END IF;
    SELECT o.called, e.key,
           (SELECT string_agg(v.key, ', ') FROM aiven_rbac.document_keys() AS v WHERE v.place = o.place) AS known
    INTO wrong
    FROM aiven_rbac.document_objects(document) AS o CROSS JOIN LATERAL jsonb_object_keys(o.value) AS e (key)
    WHERE NOT EXISTS (SELECT FROM aiven_rbac.document_keys() AS v WHERE v.place = o.place AND v.key = e.key) LIMIT 1;
    IF FOUND THEN
        PERFORM aiven_rbac.refuse_document(format('unknown key "%s" at %s', aiven_rbac.excerpt(wrong.key), coalesce(nullif(wrong.called, ''), 'the top of the document')),
                                           format('Known there are: %s.', coalesce(wrong.known, 'none')));
    END IF;
    SELECT o.called, v.key, v.type, o.value -> v.key AS value INTO wrong
    FROM aiven_rbac.document_objects(document) AS o JOIN aiven_rbac.document_keys() AS v ON v.place = o.place
    WHERE (v.required AND NOT o.value ? v.key) OR (o.value ? v.key AND NOT aiven_rbac.is_of_type(o.value -> v.key, v.type)) LIMIT 1;
    IF FOUND THEN
        PERFORM aiven_rbac.refuse_document(format(CASE WHEN wrong.value IS NULL THEN 'key "%2$s" is missing at %1$s' ELSE '%1$s has no valid value' END,
                                                  concat_ws('.', nullif(wrong.called, ''), CASE WHEN wrong.value IS NOT NULL THEN wrong.key END), wrong.key),
                                           format('It is %s.', CASE wrong.type WHEN 'strings' THEN 'an array of strings' WHEN 'texts' THEN 'an object whose values are strings'
                                                               WHEN 'object' THEN 'an object' WHEN 'array' THEN 'an array of objects' ELSE 'a ' || wrong.type END));
    END IF;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_document(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_document(jsonb) IS 'raise unless a value is a document: unknown keys, missing ones and wrong types are named with their place';

-- The actions of a role, by the level that it is granted on, in order
CREATE FUNCTION aiven_rbac.role_picture(organization uuid, members text[], grantable_on text[]) RETURNS jsonb
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_object_agg(x.granted_on, x.actions)
    FROM (SELECT r.granted_on, jsonb_agg(DISTINCT a.name) AS actions
          FROM aiven_rbac.role_actions(organization, members, grantable_on) AS r JOIN aiven_rbac.action AS a ON a.number = r.action
          GROUP BY r.granted_on) AS x
$$;
REVOKE ALL ON FUNCTION aiven_rbac.role_picture(uuid, text[], text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.role_picture(uuid, text[], text[]) IS 'the actions of a role by the kind of resource it is granted on';

CREATE FUNCTION aiven_rbac.strings(list jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT CASE WHEN jsonb_typeof(list) = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(list)) END $$;
REVOKE ALL ON FUNCTION aiven_rbac.strings(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.strings(jsonb) IS 'an array of strings in a document as an array';

CREATE FUNCTION aiven_rbac.sorted(list jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT jsonb_agg(DISTINCT e.value) FROM jsonb_array_elements(list) AS e $$;
REVOKE ALL ON FUNCTION aiven_rbac.sorted(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.sorted(jsonb) IS 'a list that is a set: each element once, in order';

-- Grants go along when a project moves, so that they are told apart by its label,
-- which is unique; a unit's path has two labels as well.
CREATE FUNCTION aiven_rbac.document_place(path text, units text[]) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN cardinality(l) = 1 OR (cardinality(l) = 2 AND l[2] = ANY (units)) THEN path ELSE 'project:' || array_to_string(l[greatest(cardinality(l), 2):], '.') END
    FROM string_to_array(path, '.') AS l
$$;
REVOKE ALL ON FUNCTION aiven_rbac.document_place(text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.document_place(text, text[]) IS 'what stays of the path of a place where a project moves';

CREATE FUNCTION aiven_rbac.document_rows(label text, organization uuid, units text[], document jsonb) RETURNS SETOF aiven_rbac.document_row
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH item AS MATERIALIZED (
        SELECT o.place, o.called, o.value AS v FROM aiven_rbac.document_objects(document) AS o
    )
    SELECT 'organization', 10, 'organization', label, jsonb_build_object('name', coalesce(v ->> 'name', label)), NULL::jsonb, called FROM item WHERE place = 'organization'
    UNION ALL
    SELECT 'settings.support_tier', 20, 'support_tier', label, jsonb_build_object('support_tier', v -> 'support_tier'), NULL, called FROM item WHERE place = 'settings' AND v ? 'support_tier'
    UNION ALL
    SELECT 'settings.domains', 20, 'domain', lower(d.name COLLATE "C"), '{}', NULL, called FROM item, jsonb_array_elements_text(v -> 'domains') AS d (name) WHERE place = 'settings' AND v ? 'domains'
    UNION ALL
    SELECT 'settings.plans', 45, 'plan_list', label, jsonb_build_object('plans', aiven_rbac.sorted(v -> 'plans')), NULL, called FROM item WHERE place = 'settings' AND jsonb_array_length(v -> 'plans') > 0
    UNION ALL
    SELECT 'settings.authentication_policy', 95, 'authentication_policy', label,
           jsonb_build_object('require_two_factor', coalesce(v -> 'require_two_factor', 'false'), 'allowed_methods', aiven_rbac.sorted(v -> 'allowed_methods'),
                              'personal_tokens', coalesce(v -> 'personal_tokens', 'true')), NULL, called FROM item WHERE place = 'settings.authentication_policy'
    UNION ALL
    SELECT 'units', 30, 'unit', v ->> 'label', jsonb_build_object('name', coalesce(v ->> 'name', v ->> 'label')), NULL, called FROM item WHERE place = 'units'
    UNION ALL
    SELECT 'units', 45, 'plan_list', label || '.' || (v ->> 'label'), jsonb_build_object('plans', aiven_rbac.sorted(v -> 'plans')), NULL, called FROM item WHERE place = 'units' AND jsonb_array_length(v -> 'plans') > 0
    UNION ALL
    SELECT 'projects', 40, 'project', v ->> 'label',
           jsonb_strip_nulls(jsonb_build_object('name', coalesce(v ->> 'name', v ->> 'label'), 'unit', v -> 'unit', 'billing_group', v -> 'billing_group')), NULL, called FROM item WHERE place = 'projects'
    UNION ALL
    SELECT 'projects', 45, 'plan_list', 'project:' || (v ->> 'label'), jsonb_build_object('plans', aiven_rbac.sorted(v -> 'plans')), NULL, called FROM item WHERE place = 'projects' AND jsonb_array_length(v -> 'plans') > 0
    UNION ALL
    SELECT 'projects', 55, 'tag', (v ->> 'label') || chr(31) || t.key, jsonb_build_object('value', t.value), NULL, called FROM item, jsonb_each(v -> 'tags') AS t WHERE place = 'projects' AND v ? 'tags'
    UNION ALL
    SELECT 'services', 50, 'service', (v ->> 'project') || '/' || (v ->> 'label'),
           jsonb_strip_nulls(jsonb_build_object('name', coalesce(v ->> 'name', v ->> 'label'), 'type', v -> 'type', 'plan', v -> 'plan')), NULL, called FROM item WHERE place = 'services'
    UNION ALL
    SELECT 'services', 55, 'tag', (v ->> 'project') || '/' || (v ->> 'label') || chr(31) || t.key, jsonb_build_object('value', t.value), NULL, called FROM item, jsonb_each(v -> 'tags') AS t WHERE place = 'services' AND v ? 'tags'
    UNION ALL
    SELECT 'users', 60, 'user', aiven_rbac.fold(v ->> 'email'), '{}', jsonb_strip_nulls(jsonb_build_object('email', v -> 'email', 'name', v -> 'name')), called FROM item WHERE place = 'users'
    UNION ALL
    SELECT 'users', 65, 'super_admin', aiven_rbac.fold(v ->> 'email'), '{}', NULL, called FROM item WHERE place = 'users' AND v -> 'super_admin' = 'true'
    UNION ALL
    SELECT 'application_users', 60, 'application_user', v ->> 'name', jsonb_strip_nulls(jsonb_build_object('description', v -> 'description')), NULL, called FROM item WHERE place = 'application_users'
    UNION ALL
    SELECT 'groups', 60, 'group', v ->> 'name', jsonb_strip_nulls(jsonb_build_object('description', v -> 'description')), NULL, called FROM item WHERE place = 'groups'
    UNION ALL
    SELECT 'groups', 90, 'group_member', (v ->> 'name') || chr(31) || CASE WHEN m LIKE 'application_user:%' THEN m ELSE aiven_rbac.fold(m) END, '{}', NULL, called
    FROM item, jsonb_array_elements_text(v -> 'members') AS m WHERE place = 'groups' AND v ? 'members'
    UNION ALL
    SELECT 'roles', 70, 'role', v ->> 'name',
           jsonb_build_object('actions', aiven_rbac.role_picture(organization, ARRAY(SELECT jsonb_array_elements_text(v -> 'members')), ARRAY(SELECT jsonb_array_elements_text(v -> 'grantable_on')))),
           jsonb_build_object('members', v -> 'members', 'grantable_on', v -> 'grantable_on'), called FROM item WHERE place = 'roles'
    UNION ALL
    SELECT 'grants', 80, 'grant', concat_ws(chr(31), CASE WHEN v ->> 'principal' ~ '^(group|application_user):' THEN v ->> 'principal' ELSE aiven_rbac.fold(v ->> 'principal') END, v ->> 'name', aiven_rbac.document_place(v ->> 'resource', units)),
           jsonb_strip_nulls(jsonb_build_object('valid_from', aiven_rbac.audit_time((v ->> 'valid_from')::timestamptz), 'valid_until', aiven_rbac.audit_time((v ->> 'valid_until')::timestamptz))),
           jsonb_build_object('resource', v -> 'resource'), called
    FROM item WHERE place = 'grants'
$$;
REVOKE ALL ON FUNCTION aiven_rbac.document_rows(text, uuid, text[], jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.document_rows(text, uuid, text[], jsonb) IS 'the things that a document speaks of';

-- Document of what is there ----------------------------------------------------------

CREATE FUNCTION aiven_rbac.called(p aiven_rbac.principal) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT CASE (p).kind WHEN 'user' THEN (p).email ELSE (p).kind || ':' || (p).name END $$;
REVOKE ALL ON FUNCTION aiven_rbac.called(aiven_rbac.principal) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.called(aiven_rbac.principal) IS 'a principal as a document names it';

CREATE FUNCTION aiven_rbac.export_settings(o aiven_rbac.resource) RETURNS jsonb
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_build_object(
        'support_tier', (SELECT x.support_tier FROM aiven_rbac.organization AS x WHERE x.id = (o).id),
        'plans', coalesce((SELECT to_jsonb(l.plans) FROM aiven_rbac.plan_list AS l WHERE l.resource = (o).id), '[]'),
        'domains', coalesce((SELECT jsonb_agg(d.name ORDER BY d.name) FROM aiven_rbac.domain AS d WHERE d.organization = (o).id), '[]'))
    || coalesce((SELECT jsonb_build_object('authentication_policy',
                     jsonb_strip_nulls(jsonb_build_object('require_two_factor', a.require_two_factor, 'allowed_methods', a.allowed_methods, 'personal_tokens', a.personal_tokens)))
                 FROM aiven_rbac.authentication_policy AS a WHERE a.organization = (o).id), '{}')
$$;
REVOKE ALL ON FUNCTION aiven_rbac.export_settings(aiven_rbac.resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.export_settings(aiven_rbac.resource) IS 'an organization''s settings as a document has them';

CREATE FUNCTION aiven_rbac.export_places(o aiven_rbac.resource) RETURNS jsonb
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH place AS MATERIALIZED (
        SELECT r.id, r.kind, r.parent, r.name, @extschema@.rbac_path_label(r.path) AS label,
               (SELECT to_jsonb(l.plans) FROM aiven_rbac.plan_list AS l WHERE l.resource = r.id) AS plans,
               (SELECT jsonb_object_agg(t.key, t.value) FROM aiven_rbac.tag AS t WHERE t.resource = r.id) AS tags
        FROM aiven_rbac.resource AS r WHERE r.organization = (o).id
    )
    SELECT jsonb_build_object(
        'units', coalesce((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('label', u.label, 'name', u.name, 'plans', u.plans)) ORDER BY u.label)
                           FROM place AS u WHERE u.kind = 'unit'), '[]'),
        'projects', coalesce((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('label', p.label, 'name', p.name, 'unit', u.label, 'billing_group', b.name,
                                                                                    'plans', p.plans, 'tags', p.tags)) ORDER BY p.label)
                              FROM place AS p JOIN aiven_rbac.project AS x ON x.id = p.id
                              LEFT JOIN aiven_rbac.billing_group AS b ON b.id = x.billing_group
                              LEFT JOIN place AS u ON u.id = p.parent AND u.kind = 'unit'), '[]'),
        'services', coalesce((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('project', p.label, 'label', s.label, 'type', x.service_type, 'name', s.name,
                                                                                    'plan', x.plan, 'tags', s.tags)) ORDER BY p.label, s.label)
                              FROM place AS s JOIN aiven_rbac.service AS x ON x.id = s.id JOIN place AS p ON p.id = s.parent), '[]'))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.export_places(aiven_rbac.resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.export_places(aiven_rbac.resource) IS 'an organization''s units, projects and services as a document has them';

CREATE FUNCTION aiven_rbac.export_people(o aiven_rbac.resource) RETURNS jsonb
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH person AS MATERIALIZED (
        SELECT p, p.id, p.kind, p.name, p.email, p.description, p.account_owners
        FROM aiven_rbac.membership AS m JOIN aiven_rbac.principal AS p ON p.id = m.principal WHERE m.organization = (o).id
    ), joined AS MATERIALIZED (
        SELECT m.group_id, m.member, m.account_owners FROM aiven_rbac.group_member AS m WHERE m.organization = (o).id
    )
    SELECT jsonb_build_object(
        'users', coalesce((SELECT jsonb_agg(u.item ORDER BY u.email)
                           FROM (SELECT p.email, jsonb_build_object('email', p.email, 'name', p.name)
                                        || CASE WHEN EXISTS (SELECT FROM joined AS j WHERE j.member = p.id AND j.account_owners) THEN '{"super_admin": true}' ELSE '{}' END::jsonb AS item
                                 FROM person AS p WHERE p.kind = 'user'
                                 UNION ALL
                                 SELECT i.email, jsonb_build_object('email', i.email)
                                 FROM aiven_rbac.invitation AS i
                                 WHERE i.organization = (o).id AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > aiven_rbac.judged_at()
                                   AND NOT EXISTS (SELECT FROM person AS p WHERE p.kind = 'user' AND aiven_rbac.fold(p.email) = aiven_rbac.fold(i.email))) AS u), '[]'),
        'application_users', coalesce((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('name', p.name, 'description', p.description)) ORDER BY p.name)
                                       FROM person AS p WHERE p.kind = 'application_user'), '[]'),
        'groups', coalesce((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('name', p.name, 'description', p.description))
                                             || jsonb_build_object('members', coalesce((SELECT jsonb_agg(aiven_rbac.called(q.p) ORDER BY aiven_rbac.called(q.p))
                                                                                        FROM joined AS j JOIN person AS q ON q.id = j.member WHERE j.group_id = p.id), '[]')) ORDER BY p.name)
                            FROM person AS p WHERE p.kind = 'group' AND NOT p.account_owners), '[]'))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.export_people(aiven_rbac.resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.export_people(aiven_rbac.resource) IS
    'an organization''s users (members and those who are invited), application users and groups as a document has them';

CREATE FUNCTION aiven_rbac.export_access(o aiven_rbac.resource) RETURNS jsonb
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_build_object(
        'roles', coalesce((SELECT jsonb_agg(jsonb_build_object(
                               'name', g.name,
                               'members', (SELECT jsonb_agg(DISTINCT a.name) FROM aiven_rbac.allowed_action AS w JOIN aiven_rbac.action AS a ON a.number = w.action WHERE w.grantable = g.id),
                               'grantable_on', (SELECT jsonb_agg(n.resource_kind ORDER BY n.resource_kind) FROM aiven_rbac.grantable_on AS n WHERE n.grantable = g.id)) ORDER BY g.name)
                           FROM aiven_rbac.grantable AS g WHERE g.owner = (o).id), '[]'),
        'grants', coalesce((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                                'principal', aiven_rbac.called(p), 'name', g.name, 'resource', r.path::text,
                                'valid_from', aiven_rbac.audit_time(a.valid_from), 'valid_until', aiven_rbac.audit_time(a.valid_until)))
                                             ORDER BY r.path::text, aiven_rbac.called(p), g.name)
                            FROM aiven_rbac.access_grant AS a
                            JOIN aiven_rbac.principal AS p ON p.id = a.principal
                            JOIN aiven_rbac.resource AS r ON r.id = a.resource
                            JOIN aiven_rbac.grantable AS g ON g.id = a.grantable
                            WHERE a.organization = (o).id), '[]'))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.export_access(aiven_rbac.resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.export_access(aiven_rbac.resource) IS 'an organization''s own roles and its grants as a document has them';

CREATE FUNCTION aiven_rbac.export(o aiven_rbac.resource) RETURNS jsonb
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT jsonb_build_object('organization', jsonb_build_object('label', @extschema@.rbac_path_label((o).path), 'name', (o).name),
                              'settings', aiven_rbac.export_settings(o))
           || aiven_rbac.export_places(o) || aiven_rbac.export_people(o) || aiven_rbac.export_access(o)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.export(aiven_rbac.resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.export(aiven_rbac.resource) IS 'an organization as a document';

-- A document tells all of an organization.
CREATE FUNCTION aiven_rbac.require_sight_of_all(actor aiven_rbac.actor, organization uuid) RETURNS void
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    action text;
BEGIN
    PERFORM aiven_rbac.require_sight_of_grants(actor, organization);
    FOREACH action IN ARRAY '{user_invitation.view,application_user.view,domain.view,authentication_policy.change}'::text[] LOOP
        PERFORM aiven_rbac.require(actor, action, organization);
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.require_sight_of_all(aiven_rbac.actor, uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.require_sight_of_all(aiven_rbac.actor, uuid) IS
    'raise unless the actor may see everything that a document tells of an organization';

CREATE FUNCTION @extschema@.rbac_export(organization @extschema@.rbac_resource) RETURNS jsonb
    LANGUAGE plpgsql STABLE STRICT
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    o aiven_rbac.resource := aiven_rbac.find_resource_now(actor, organization, '{organization}');
BEGIN
    PERFORM aiven_rbac.require_sight_of_all(actor, o.id);
    RETURN aiven_rbac.export(o);
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_export(@extschema@.rbac_resource) IS
    'an organization as a document: hierarchy, people, groups, roles, grants and settings, by names, without ids or secrets; it requires project_permission.view or permission.grant, user_invitation.view, application_user.view, domain.view and authentication_policy.change';

-- Steps --------------------------------------------------------------------------------

-- Whoever an organization begins with: the principal that makes it, or for the operator
-- the first super admin of the document.
CREATE FUNCTION aiven_rbac.founder_of(document jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    founder jsonb;
BEGIN
    IF actor.operator IS NOT TRUE THEN
        SELECT jsonb_build_object('email', p.email, 'name', p.name) INTO founder FROM aiven_rbac.principal AS p WHERE p.id = actor.principal AND p.kind = 'user';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'permission denied to create an organization'
                USING ERRCODE = 'insufficient_privilege', DETAIL = 'Whoever creates an organization becomes its super admin, which is a user.';
        END IF;
    ELSE
        SELECT u INTO founder FROM jsonb_array_elements(document -> 'users') AS u WHERE u -> 'super_admin' = 'true' LIMIT 1;
        IF NOT FOUND THEN
            PERFORM aiven_rbac.refuse_document('a new organization needs a super admin', 'Give one of the users "super_admin": true.');
        END IF;
    END IF;
    RETURN founder;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.founder_of(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.founder_of(jsonb) IS 'the user with whom an organization of a document begins';

CREATE FUNCTION aiven_rbac.document_steps(label text, o aiven_rbac.resource, document jsonb) RETURNS SETOF aiven_rbac.document_step
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    wrong record;
    there jsonb := aiven_rbac.export(o);
    present_units text[] := ARRAY(SELECT u ->> 'label' FROM jsonb_array_elements(there -> 'units') AS u);
    units text[];
BEGIN
    IF document -> 'organization' ->> 'label' <> label THEN
        PERFORM aiven_rbac.refuse_document(format('organization.label is not "%s"', label), 'A document does not change the label: rbac_organization_rename() does.');
    END IF;
    -- What an organization begins with
    IF (o).id IS NULL THEN
        document := '{"organization": {}}' || document;
        there := jsonb_build_object('settings', '{"support_tier": "basic"}'::jsonb,
                                    'users', jsonb_build_array(aiven_rbac.founder_of(document) || '{"super_admin": true}'));
    END IF;
    units := CASE WHEN document ? 'units' THEN ARRAY(SELECT u ->> 'label' FROM jsonb_array_elements(document -> 'units') AS u) ELSE present_units END;
    SELECT x.called, x.value ->> 'resource' AS resource INTO wrong FROM aiven_rbac.document_objects(document) AS x
    WHERE x.place = 'grants' AND split_part(x.value ->> 'resource', '.', 1) <> label LIMIT 1;
    IF FOUND THEN
        PERFORM aiven_rbac.refuse_document(format('%s.resource "%s" is not in organization "%s"', wrong.called, aiven_rbac.excerpt(wrong.resource), label),
                                           'Give the path of a resource, from the organization down.');
    END IF;
    SELECT w.kind, w.key, max(w.at) AS called INTO wrong
    FROM aiven_rbac.document_rows(label, (o).id, units, document) AS w GROUP BY w.kind, w.key HAVING count(*) > 1 LIMIT 1;
    IF FOUND THEN
        PERFORM aiven_rbac.refuse_document(format('%s repeats %s "%s"', wrong.called, replace(wrong.kind, '_', ' '), aiven_rbac.excerpt(replace(wrong.key, chr(31), ' '))));
    END IF;
    RETURN QUERY
        WITH wanted AS MATERIALIZED (
            SELECT * FROM aiven_rbac.document_rows(label, (o).id, units, document)
        ), present AS MATERIALIZED (
            SELECT * FROM aiven_rbac.document_rows(label, (o).id, present_units, there)
        ), spoken AS (
            SELECT k.section FROM jsonb_object_keys(document) AS k (section) WHERE k.section <> 'settings'
            UNION ALL
            SELECT 'settings.' || k.key FROM jsonb_object_keys(coalesce(document -> 'settings', '{}')) AS k (key)
        ), waiting AS (     -- for somebody who has not accepted an invitation yet
            SELECT w.key FROM wanted AS w
            WHERE w.kind = 'user' AND (actor).operator IS NOT TRUE
              AND NOT EXISTS (SELECT FROM aiven_rbac.principal AS p JOIN aiven_rbac.membership AS m ON m.principal = p.id AND m.organization = (o).id
                              WHERE p.kind = 'user' AND aiven_rbac.fold(p.email) = w.key)
              AND ((o).id IS NOT NULL OR w.key <> (SELECT aiven_rbac.fold(p.email) FROM aiven_rbac.principal AS p WHERE p.id = (actor).principal))
        )
        -- A list of plans that is new narrows what services may be, and one that goes
        -- lets them be more.
        SELECT (row_number() OVER (ORDER BY x.change = 'delete' AND x.kind <> 'plan_list',
                                            CASE WHEN x.kind = 'plan_list' AND x.change = 'create' THEN 52
                                                 WHEN x.change = 'delete' AND x.kind <> 'plan_list' THEN -x.turn ELSE x.turn END, x.kind, x.key))::int,
               x.change, x.kind, x.key, x.before, x.after, x.given
        FROM (SELECT CASE WHEN p.kind IS NULL THEN 'create' WHEN w.kind IS NULL THEN 'delete' ELSE 'change' END AS change,
                     coalesce(w.turn, p.turn) AS turn, coalesce(w.kind, p.kind) AS kind, coalesce(w.key, p.key) AS key, p.value AS before, w.value AS after, coalesce(w.given, p.given) AS given
              FROM wanted AS w FULL JOIN present AS p ON p.kind = w.kind AND p.key = w.key
              WHERE (w.kind IS NULL OR p.kind IS NULL OR w.value <> p.value)
                AND coalesce(w.section, p.section) IN (SELECT s.section FROM spoken AS s)) AS x
        WHERE NOT (x.change = 'create' AND x.kind IN ('grant', 'group_member', 'super_admin')
                   AND EXISTS (SELECT FROM waiting AS w WHERE w.key = ANY (string_to_array(x.key, chr(31)))))
        ORDER BY 1;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.document_steps(text, aiven_rbac.resource, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.document_steps(text, aiven_rbac.resource, jsonb) IS
    'what makes an organization be as a document says, in order: what is to be made or changed, from the organization down, and then what is to go, from the grants up';

CREATE FUNCTION aiven_rbac.step_object(s aiven_rbac.document_step) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE (s).kind
        WHEN 'grant' THEN format('grant of "%s" to %s on %s', k[2], k[1], (s).given ->> 'resource')
        WHEN 'group_member' THEN format('member %s of group "%s"', k[2], k[1])
        WHEN 'super_admin' THEN format('super admin %s', k[1])
        WHEN 'tag' THEN format('tag "%s" of %s', k[2], k[1])
        WHEN 'plan_list' THEN format('plan list of %s', replace(k[1], 'project:', ''))
        ELSE format('%s "%s"', replace((s).kind, '_', ' '), k[1]) END
    FROM string_to_array((s).key, chr(31)) AS k
$$;
REVOKE ALL ON FUNCTION aiven_rbac.step_object(aiven_rbac.document_step) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.step_object(aiven_rbac.document_step) IS 'what a step is about, in words';

CREATE FUNCTION aiven_rbac.step_detail(s aiven_rbac.document_step) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE (s).change
        WHEN 'create' THEN ((s).after - 'actions') || coalesce((s).given - '{resource,email}'::text[], '{}')
        WHEN 'delete' THEN (s).before
        ELSE (SELECT jsonb_object_agg(k.key, jsonb_build_object('from', (s).before -> k.key, 'to', (s).after -> k.key))
              FROM (SELECT jsonb_object_keys((s).before) UNION SELECT jsonb_object_keys((s).after)) AS k (key)
              WHERE (s).before -> k.key IS DISTINCT FROM (s).after -> k.key) END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.step_detail(aiven_rbac.document_step) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.step_detail(aiven_rbac.document_step) IS 'what a step makes, ends, or changes from what to what';

-- Applying -----------------------------------------------------------------------------

CREATE FUNCTION aiven_rbac.document_path(label text, organization uuid, key text) RETURNS @extschema@.rbac_path
    LANGUAGE plpgsql VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    parts text[] := string_to_array(key, '/');
    path @extschema@.rbac_path;
BEGIN
    SELECT r.path INTO path FROM aiven_rbac.resource AS r
    WHERE r.organization = document_path.organization AND r.kind = 'project' AND @extschema@.rbac_path_label(r.path) = parts[1];
    IF NOT FOUND THEN
        RAISE EXCEPTION 'project "%" does not exist in organization "%"', aiven_rbac.excerpt(parts[1]), label USING ERRCODE = 'undefined_object';
    END IF;
    RETURN CASE WHEN parts[2] IS NULL THEN path ELSE (path::text || '.' || parts[2])::@extschema@.rbac_path END;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.document_path(text, uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.document_path(text, uuid, text) IS 'where a project of an organization, or a service of it, stands now';

-- Users come to be by the operator alone; everybody else invites.
CREATE FUNCTION aiven_rbac.apply_user(label @extschema@.rbac_resource, email text, name text) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    invitation uuid;
BEGIN
    IF actor.operator IS NOT TRUE THEN
        PERFORM @extschema@.rbac_invitation_create(label, email);
        RETURN;
    END IF;
    IF (aiven_rbac.user_with_email_now(email)).id IS NULL THEN
        PERFORM @extschema@.rbac_user_create(email, name);
    END IF;
    SELECT i.id INTO invitation FROM aiven_rbac.invitation AS i
    WHERE i.organization = (aiven_rbac.find_resource_now(actor, label, '{organization}')).id AND aiven_rbac.fold(i.email) = aiven_rbac.fold(apply_user.email)
      AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > aiven_rbac.judged_at();
    PERFORM @extschema@.rbac_invitation_accept(coalesce(invitation, @extschema@.rbac_invitation_create(label, email)));
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.apply_user(@extschema@.rbac_resource, text, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.apply_user(@extschema@.rbac_resource, text, text) IS
    'let somebody be a member: at once by the operator, by an invitation otherwise';

CREATE FUNCTION aiven_rbac.apply_founding(label text, name text, document jsonb) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    founder jsonb := aiven_rbac.founder_of(document);
BEGIN
    IF (aiven_rbac.user_with_email_now(founder ->> 'email')).id IS NULL THEN
        PERFORM @extschema@.rbac_user_create(founder ->> 'email', founder ->> 'name');
    END IF;
    PERFORM @extschema@.rbac_organization_create(label, name, (aiven_rbac.user_with_email_now(founder ->> 'email')).id);
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.apply_founding(text, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.apply_founding(text, text, jsonb) IS 'make the organization of a document, with its first super admin';

-- Steps about places
CREATE FUNCTION aiven_rbac.apply_place(label text, organization uuid, s aiven_rbac.document_step) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    key text[] := string_to_array(s.key, chr(31));
    at text[] := string_to_array(key[1], '/');
    home @extschema@.rbac_resource := label;
    place @extschema@.rbac_resource;
    parent @extschema@.rbac_resource := concat_ws('.', label, s.after ->> 'unit');
    billing_group uuid := (SELECT b.id FROM aiven_rbac.billing_group AS b WHERE b.organization = apply_place.organization AND b.name = s.after ->> 'billing_group');
BEGIN
    IF s.kind IN ('project', 'service', 'tag') AND s.change <> 'create' OR s.kind = 'tag' THEN
        place := aiven_rbac.document_path(label, organization, key[1]);
    END IF;
    IF s.after ? 'billing_group' AND billing_group IS NULL THEN
        RAISE EXCEPTION 'billing group "%" does not exist in organization "%"', aiven_rbac.excerpt(s.after ->> 'billing_group'), label
            USING ERRCODE = 'undefined_object', HINT = 'A document makes no billing groups: rbac_billing_group_create() does.';
    END IF;
    CASE s.kind || ' ' || s.change
        WHEN 'unit create' THEN PERFORM @extschema@.rbac_unit_create(home, s.key, s.after ->> 'name');
        WHEN 'unit change' THEN PERFORM @extschema@.rbac_unit_rename(concat_ws('.', label, s.key)::@extschema@.rbac_resource, s.after ->> 'name');
        WHEN 'unit delete' THEN PERFORM @extschema@.rbac_unit_delete(concat_ws('.', label, s.key)::@extschema@.rbac_resource);
        WHEN 'project create' THEN PERFORM @extschema@.rbac_project_create(parent, s.key, s.after ->> 'name', billing_group);
        WHEN 'project delete' THEN PERFORM @extschema@.rbac_project_delete(place);
        WHEN 'project change' THEN
            IF s.before ->> 'unit' IS DISTINCT FROM s.after ->> 'unit' THEN
                PERFORM @extschema@.rbac_project_move(place, parent);
                place := aiven_rbac.document_path(label, organization, s.key);
            END IF;
            IF s.before ->> 'name' IS DISTINCT FROM s.after ->> 'name' THEN
                PERFORM @extschema@.rbac_project_edit(place, name => s.after ->> 'name');
            END IF;
            IF s.before ->> 'billing_group' IS DISTINCT FROM s.after ->> 'billing_group' THEN
                PERFORM @extschema@.rbac_project_assign_billing_group(place, billing_group);
            END IF;
        WHEN 'service create' THEN
            place := @extschema@.rbac_service_create(aiven_rbac.document_path(label, organization, at[1])::@extschema@.rbac_resource, at[2], s.after ->> 'type', s.after ->> 'plan');
            IF s.after ->> 'name' <> at[2] THEN
                PERFORM @extschema@.rbac_service_edit(place, name => s.after ->> 'name');
            END IF;
        WHEN 'service delete' THEN PERFORM @extschema@.rbac_service_delete(place);
        WHEN 'service change' THEN
            IF s.before ->> 'type' IS DISTINCT FROM s.after ->> 'type' THEN
                RAISE EXCEPTION 'service "%" cannot become one of another type', s.key
                    USING ERRCODE = 'feature_not_supported', HINT = 'Delete it, and create another one.';
            END IF;
            IF s.before ->> 'name' IS DISTINCT FROM s.after ->> 'name' THEN
                PERFORM @extschema@.rbac_service_edit(place, name => s.after ->> 'name');
            END IF;
            IF s.before ->> 'plan' IS DISTINCT FROM s.after ->> 'plan' THEN
                PERFORM @extschema@.rbac_service_plan_change(place, s.after ->> 'plan');
            END IF;
        WHEN 'tag delete' THEN PERFORM @extschema@.rbac_tag_remove(place, key[2]);
        ELSE PERFORM @extschema@.rbac_tag_set(place, key[2], s.after ->> 'value');
    END CASE;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.apply_place(text, uuid, aiven_rbac.document_step) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.apply_place(text, uuid, aiven_rbac.document_step) IS 'take a step about a unit, a project, a service or a tag';

-- Steps about settings
CREATE FUNCTION aiven_rbac.apply_setting(label text, organization uuid, s aiven_rbac.document_step) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    home @extschema@.rbac_resource := label;
    place @extschema@.rbac_resource;
BEGIN
    CASE s.kind || ' ' || s.change
        WHEN 'domain create' THEN PERFORM @extschema@.rbac_domain_add(home, s.key);
        WHEN 'domain delete' THEN PERFORM @extschema@.rbac_domain_remove(home, s.key);
        WHEN 'authentication_policy delete' THEN PERFORM @extschema@.rbac_authentication_policy_set(home, false, NULL::text[], true);
        WHEN 'authentication_policy create', 'authentication_policy change' THEN
            PERFORM @extschema@.rbac_authentication_policy_set(home, (s.after ->> 'require_two_factor')::boolean, aiven_rbac.strings(s.after -> 'allowed_methods'), (s.after ->> 'personal_tokens')::boolean);
        WHEN 'support_tier create', 'support_tier change' THEN PERFORM @extschema@.rbac_organization_support_tier_set(home, s.after ->> 'support_tier');
        ELSE
            place := CASE WHEN s.key LIKE 'project:%' THEN aiven_rbac.document_path(label, organization, substr(s.key, 9)) ELSE s.key::@extschema@.rbac_path END;
            PERFORM @extschema@.rbac_plan_list_set(place, CASE WHEN s.change <> 'delete' THEN aiven_rbac.strings(s.after -> 'plans') END);
    END CASE;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.apply_setting(text, uuid, aiven_rbac.document_step) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.apply_setting(text, uuid, aiven_rbac.document_step) IS 'take a step about a setting or a list of plans';

-- Steps about people, and what they are given
CREATE FUNCTION aiven_rbac.apply_people(label text, organization uuid, s aiven_rbac.document_step) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    key text[] := string_to_array(s.key, chr(31));
    home @extschema@.rbac_resource := label;
    place @extschema@.rbac_resource := CASE WHEN s.kind = 'grant' AND key[3] LIKE 'project:%' THEN aiven_rbac.document_path(label, organization, substr(key[3], 9))
                                        WHEN s.kind = 'grant' THEN key[3]::@extschema@.rbac_path END;
    invitation uuid;
BEGIN
    CASE s.kind || ' ' || s.change
        WHEN 'user create' THEN PERFORM aiven_rbac.apply_user(home, s.given ->> 'email', s.given ->> 'name');
        WHEN 'user delete' THEN
            SELECT i.id INTO invitation FROM aiven_rbac.invitation AS i
            WHERE i.organization = apply_people.organization AND aiven_rbac.fold(i.email) = s.key AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL;
            IF FOUND THEN
                PERFORM @extschema@.rbac_invitation_withdraw(invitation);
            ELSE
                PERFORM @extschema@.rbac_member_remove(home, aiven_rbac.principal_named(home, s.key));
            END IF;
        WHEN 'super_admin create' THEN PERFORM @extschema@.rbac_super_admin_add(home, aiven_rbac.principal_named(home, s.key));
        WHEN 'super_admin delete' THEN PERFORM @extschema@.rbac_super_admin_remove(home, aiven_rbac.principal_named(home, s.key));
        WHEN 'application_user create' THEN PERFORM @extschema@.rbac_application_user_create(home, s.key, s.after ->> 'description');
        WHEN 'application_user change' THEN
            PERFORM @extschema@.rbac_application_user_edit(@extschema@.rbac_application_user(home, s.key), description => coalesce(s.after ->> 'description', ''));
        WHEN 'application_user delete' THEN PERFORM @extschema@.rbac_application_user_delete(@extschema@.rbac_application_user(home, s.key));
        WHEN 'group create' THEN PERFORM @extschema@.rbac_group_create(home, s.key, s.after ->> 'description');
        WHEN 'group change' THEN PERFORM @extschema@.rbac_group_edit(@extschema@.rbac_group(home, s.key), coalesce(s.after ->> 'description', ''));
        WHEN 'group delete' THEN PERFORM @extschema@.rbac_group_delete(@extschema@.rbac_group(home, s.key));
        WHEN 'group_member create' THEN PERFORM @extschema@.rbac_group_member_add(@extschema@.rbac_group(home, key[1]), aiven_rbac.principal_named(home, key[2]));
        WHEN 'group_member delete' THEN PERFORM @extschema@.rbac_group_member_remove(@extschema@.rbac_group(home, key[1]), aiven_rbac.principal_named(home, key[2]));
        WHEN 'role create' THEN PERFORM @extschema@.rbac_role_create(home, s.key, aiven_rbac.strings(s.given -> 'members'), aiven_rbac.strings(s.given -> 'grantable_on'));
        WHEN 'role change' THEN PERFORM @extschema@.rbac_role_edit(home, s.key, aiven_rbac.strings(s.given -> 'members'), aiven_rbac.strings(s.given -> 'grantable_on'));
        WHEN 'role delete' THEN PERFORM @extschema@.rbac_role_delete(home, s.key);
        WHEN 'grant delete' THEN PERFORM @extschema@.rbac_revoke(aiven_rbac.principal_named(home, key[1]), key[2], place);
        ELSE PERFORM @extschema@.rbac_grant(aiven_rbac.principal_named(home, key[1]), key[2], place,
                                            (s.after ->> 'valid_from')::timestamptz, (s.after ->> 'valid_until')::timestamptz, replace => true);
    END CASE;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.apply_people(text, uuid, aiven_rbac.document_step) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.apply_people(text, uuid, aiven_rbac.document_step) IS
    'take a step about a user, an application user, a group, a role or a grant';

-- In a transaction that keeps one snapshot, steps would be found from what was there
-- when it began: what others have granted since, a document that does not have it
-- would leave in force.
CREATE FUNCTION aiven_rbac.is_changed_since(organization uuid, since pg_snapshot) RETURNS boolean
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT EXISTS (SELECT FROM aiven_rbac.audit AS a
                   WHERE a.organization = is_changed_since.organization AND a.transaction >= pg_snapshot_xmin(since)::text::bigint
                     AND a.installation = (SELECT i.number FROM aiven_rbac.audit_installation AS i)
                     AND a.transaction IS DISTINCT FROM pg_current_xact_id_if_assigned()::text::bigint
                     AND NOT pg_visible_in_snapshot(a.transaction::text::xid8, since))
$$;
REVOKE ALL ON FUNCTION aiven_rbac.is_changed_since(uuid, pg_snapshot) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_changed_since(uuid, pg_snapshot) IS
    'does the log tell of an organization what a snapshot does not show, of other transactions?';

CREATE FUNCTION aiven_rbac.is_changed_since_now(organization uuid, since pg_snapshot) RETURNS boolean
    AS 'MODULE_PATHNAME', 'rbac_now'
    LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION aiven_rbac.is_changed_since_now(uuid, pg_snapshot) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.is_changed_since_now(uuid, pg_snapshot) IS
    'the same, as committed now rather than at the transaction''s snapshot';

-- The organization of a document, or none where there is none yet; one of which the
-- caller is no member cannot be made either, since its label is taken.
CREATE FUNCTION aiven_rbac.document_organization(label text, hold boolean) RETURNS aiven_rbac.resource
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    o aiven_rbac.resource := aiven_rbac.resource_at_now(label::@extschema@.rbac_path);
BEGIN
    IF o.id IS NULL OR aiven_rbac.is_member_now(actor, o.organization) IS NOT TRUE THEN
        RETURN NULL;
    END IF;
    o := CASE WHEN hold THEN aiven_rbac.hold_resource(actor, label::@extschema@.rbac_path, '{organization}', 'change')
              ELSE aiven_rbac.find_resource_now(actor, label::@extschema@.rbac_path, '{organization}') END;
    PERFORM aiven_rbac.require_sight_of_all(actor, o.id);
    IF hold AND aiven_rbac.is_changed_since_now(o.id, pg_current_snapshot()) THEN
        PERFORM aiven_rbac.refuse_old_snapshot();
    END IF;
    RETURN o;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.document_organization(text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.document_organization(text, boolean) IS
    'the organization that a document is about, for whoever may see all of it; NULL if the actor knows none of this label';

CREATE FUNCTION @extschema@.rbac_plan(organization text, document jsonb) RETURNS TABLE (step int, change text, object text, detail jsonb)
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    label text := @extschema@.rbac_path_label(organization::@extschema@.rbac_path);
BEGIN
    PERFORM aiven_rbac.require_document(document);
    RETURN QUERY SELECT s.step, s.change, aiven_rbac.step_object(s), aiven_rbac.step_detail(s)
                 FROM aiven_rbac.document_steps(label, aiven_rbac.document_organization(label, false), document) AS s;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_plan(text, jsonb) IS
    'the steps that would make an organization, given by its label, be as a document says; sections that the document leaves out are left alone; it requires what rbac_export() requires, where there is such an organization';

CREATE FUNCTION @extschema@.rbac_apply(organization text, document jsonb) RETURNS TABLE (step int, change text, object text, detail jsonb)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    label text := @extschema@.rbac_path_label(organization::@extschema@.rbac_path);
    o aiven_rbac.resource;
    steps aiven_rbac.document_step[];
    s aiven_rbac.document_step;
BEGIN
    PERFORM aiven_rbac.require_document(document);
    o := aiven_rbac.document_organization(label, true);
    steps := ARRAY(SELECT d FROM aiven_rbac.document_steps(label, o, document) AS d ORDER BY d.step);
    IF o.id IS NULL THEN
        PERFORM aiven_rbac.apply_founding(label, coalesce(document -> 'organization' ->> 'name', label), document);
        o := aiven_rbac.document_organization(label, true);
    END IF;
    FOREACH s IN ARRAY steps LOOP
        step := s.step;
        change := s.change;
        object := aiven_rbac.step_object(s);
        detail := aiven_rbac.step_detail(s);
        IF s.kind = 'organization' THEN
            IF s.change = 'change' THEN
                PERFORM @extschema@.rbac_organization_rename(label::@extschema@.rbac_resource, s.after ->> 'name');
            END IF;
        ELSIF s.kind IN ('unit', 'project', 'service', 'tag') THEN
            PERFORM aiven_rbac.apply_place(label, o.id, s);
        ELSIF s.kind IN ('domain', 'authentication_policy', 'support_tier', 'plan_list') THEN
            PERFORM aiven_rbac.apply_setting(label, o.id, s);
        ELSE
            PERFORM aiven_rbac.apply_people(label, o.id, s);
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_apply(text, jsonb) IS
    'make an organization, given by its label, be as a document says, and return the steps that were taken: each requires what its own function requires, and all are taken or none; applied again, it takes no step; the operator makes users members, everybody else invites them';
