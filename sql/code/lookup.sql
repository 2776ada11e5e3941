-- From names to ids and back, and the drawing of a hierarchy.

CREATE FUNCTION @extschema@.rbac_resource_id(path @extschema@.rbac_resource) RETURNS uuid
    LANGUAGE sql STABLE STRICT
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT (aiven_rbac.find_resource_now(aiven_rbac.current_viewer(), path, '{organization,unit,project,service}')).id
$$;
COMMENT ON FUNCTION @extschema@.rbac_resource_id(@extschema@.rbac_resource) IS
    'the id of a resource, which is mostly given by its path; an error if there is none';

CREATE FUNCTION @extschema@.rbac_resource_path(id @extschema@.rbac_resource) RETURNS @extschema@.rbac_path
    LANGUAGE sql STABLE STRICT
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT (aiven_rbac.find_resource_now(aiven_rbac.current_viewer(), id, '{organization,unit,project,service}')).path
$$;
COMMENT ON FUNCTION @extschema@.rbac_resource_path(@extschema@.rbac_resource) IS
    'the path of a resource, which is mostly given by its id; an error if there is none';

CREATE FUNCTION @extschema@.rbac_user(email text) RETURNS uuid
    LANGUAGE plpgsql STABLE STRICT
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    viewer aiven_rbac.actor := aiven_rbac.current_viewer();
    p aiven_rbac.principal := aiven_rbac.user_with_email_now(email);
BEGIN
    IF p.id IS NULL OR aiven_rbac.may_know(viewer, p) IS NOT TRUE THEN
        RAISE EXCEPTION 'user "%" does not exist', aiven_rbac.excerpt(email)
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'There is none, or the session''s principal shares no organization with the user.',
                  HINT = 'Users are known by their email: rbac_user_create() makes one.';
    END IF;
    RETURN p.id;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_user(text) IS
    'the id of the user with an email, in which the letters A to Z and a to z are one; an error if there is none';

CREATE FUNCTION aiven_rbac.find_by_name(kind text, organization @extschema@.rbac_resource, name text) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    o aiven_rbac.resource := aiven_rbac.find_resource_now(aiven_rbac.current_viewer(), organization, '{organization}');
    result uuid;
BEGIN
    SELECT p.id INTO result FROM aiven_rbac.principal AS p
    WHERE p.organization = o.id AND p.kind = find_by_name.kind AND p.name = find_by_name.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% "%" does not exist in organization "%"', replace(kind, '_', ' '), aiven_rbac.excerpt(name), organization
            USING ERRCODE = 'undefined_object', HINT = format('rbac_%s_create() makes one.', kind);
    END IF;
    RETURN result;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.find_by_name(text, @extschema@.rbac_resource, text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.find_by_name(text, @extschema@.rbac_resource, text) IS
    'the id of an organization''s group or application user; an error if there is none';

CREATE FUNCTION @extschema@.rbac_group(organization @extschema@.rbac_resource, name text) RETURNS uuid
    LANGUAGE sql STABLE STRICT
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.find_by_name('group', organization, name) $$;
COMMENT ON FUNCTION @extschema@.rbac_group(@extschema@.rbac_resource, text) IS
    'the id of an organization''s group; an error if there is none';

CREATE FUNCTION @extschema@.rbac_application_user(organization @extschema@.rbac_resource, name text) RETURNS uuid
    LANGUAGE sql STABLE STRICT
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT aiven_rbac.find_by_name('application_user', organization, name) $$;
COMMENT ON FUNCTION @extschema@.rbac_application_user(@extschema@.rbac_resource, text) IS
    'the id of an organization''s application user; an error if there is none';

-- A resource is drawn when something is held on it or below it.
CREATE FUNCTION aiven_rbac.drawn_below(root @extschema@.rbac_resource)
    RETURNS TABLE (id uuid, parent uuid, kind text, path @extschema@.rbac_path, name text)
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_viewer();
    top aiven_rbac.resource := aiven_rbac.find_resource_now(actor, root, '{organization,unit,project,service}');
BEGIN
    RETURN QUERY
    WITH RECURSIVE seen AS MATERIALIZED (
        SELECT r.id, r.parent, r.kind, r.path, r.name FROM aiven_rbac.resource AS r
        WHERE r.path OPERATOR(@extschema@.<@) top.path
          AND (actor.operator OR actor.back_end
               OR EXISTS (SELECT FROM @extschema@.rbac_effective_actions(actor.principal, r.id)))
    ), shown AS (
        SELECT s.id, s.parent, s.kind, s.path, s.name FROM seen AS s
        UNION
        SELECT r.id, r.parent, r.kind, r.path, r.name
        FROM shown AS s JOIN aiven_rbac.resource AS r ON r.id = s.parent
        WHERE r.path OPERATOR(@extschema@.<@) top.path
    )
    SELECT s.id, s.parent, s.kind, s.path, s.name FROM shown AS s;
END
$$;
REVOKE ALL ON FUNCTION aiven_rbac.drawn_below(@extschema@.rbac_resource) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.drawn_below(@extschema@.rbac_resource) IS
    'the resources at and below a place that a drawing for the session''s principal shows';

CREATE FUNCTION @extschema@.rbac_tree(root @extschema@.rbac_resource) RETURNS SETOF text
    LANGUAGE plpgsql STABLE STRICT
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    top aiven_rbac.resource := aiven_rbac.find_resource_now(aiven_rbac.current_viewer(), root, '{organization,unit,project,service}');
    -- Box drawing, where the server's and the client's encoding have it
    drawn_in_boxes boolean := getdatabaseencoding() = 'UTF8' AND pg_client_encoding() = 'UTF8';
    through text := CASE WHEN drawn_in_boxes THEN chr(9474) ELSE '|' END || '   ';
    branch text := CASE WHEN drawn_in_boxes THEN chr(9500) || repeat(chr(9472), 2) ELSE '|--' END || ' ';
    corner text := CASE WHEN drawn_in_boxes THEN chr(9492) || repeat(chr(9472), 2) ELSE '`--' END || ' ';
BEGIN
    -- "rails" is the part of a line that the levels above have drawn.
    RETURN QUERY
    WITH RECURSIVE shown AS (
        SELECT r.id, r.parent, r.kind, r.path, r.name,
               lead(r.id) OVER (PARTITION BY r.parent ORDER BY r.path) IS NULL AS last
        FROM aiven_rbac.drawn_below(root) AS r
    ), drawn AS (
        SELECT s.id, s.path, ''::text AS rails,
               format('%s (%s)', s.name, s.kind) AS line
        FROM shown AS s WHERE s.id = top.id
        UNION ALL
        SELECT s.id, s.path, d.rails || CASE WHEN s.last THEN '    ' ELSE through END,
               format('%s%s%s (%s)', d.rails, CASE WHEN s.last THEN corner ELSE branch END, s.name, s.kind)
        FROM drawn AS d JOIN shown AS s ON s.parent = d.id
    )
    SELECT d.line FROM drawn AS d ORDER BY d.path;
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_tree(@extschema@.rbac_resource) IS
    'the hierarchy below a resource, drawn line by line, as far as the session''s principal holds something in it';

-- What would end a label, or mean something in it, is written as a number.
CREATE FUNCTION aiven_rbac.mermaid_label(label text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT string_agg(CASE WHEN c IN ('#', '&', '<', '>', '"', '`', '\', '[', ']', '{', '}', ';', '%')
                           THEN '#' || ascii(c) || ';' ELSE c END, '' ORDER BY n)
    FROM regexp_split_to_table(label, '') WITH ORDINALITY AS x (c, n)
$$;
REVOKE ALL ON FUNCTION aiven_rbac.mermaid_label(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.mermaid_label(text) IS 'a text as a label in a Mermaid diagram, in which it means nothing else';

CREATE FUNCTION @extschema@.rbac_mermaid(root @extschema@.rbac_resource) RETURNS text
    LANGUAGE sql STABLE STRICT
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH drawn AS MATERIALIZED (
        SELECT r.id, r.parent, r.kind, r.name, row_number() OVER (ORDER BY r.path) AS number
        FROM aiven_rbac.drawn_below(root) AS r
    )
    SELECT concat_ws(E'\n', 'flowchart TD',
                     string_agg(format('    n%s["%s (%s)"]', d.number, aiven_rbac.mermaid_label(d.name), d.kind), E'\n' ORDER BY d.number),
                     string_agg(format('    n%s --> n%s', above.number, d.number), E'\n' ORDER BY d.number)
                         FILTER (WHERE above.number IS NOT NULL))
    FROM drawn AS d LEFT JOIN drawn AS above ON above.id = d.parent
$$;
COMMENT ON FUNCTION @extschema@.rbac_mermaid(@extschema@.rbac_resource) IS
    'the hierarchy below a resource as a Mermaid diagram, as far as the session''s principal holds something in it';
