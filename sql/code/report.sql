-- An organization as one page of HTML that needs nothing else: who is in it, what
-- they hold where and through what, and what happened last.
--
-- Texts of users stand in it, and a page that a colleague opens must not be theirs
-- to write.  Two things stand against that, each enough by itself: every value
-- goes through aiven_rbac.html(), and the page allows one script, by its digest.

CREATE FUNCTION aiven_rbac.html(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT replace(replace(replace(replace(replace(coalesce(value, ''),
               '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;')
$$;
REVOKE ALL ON FUNCTION aiven_rbac.html(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.html(text) IS 'a text as HTML in which it means nothing else, in an element or a quoted attribute';

-- A name of a user can be written from right to left: it turns nothing around it.
CREATE FUNCTION aiven_rbac.html_name(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT '<bdi>' || aiven_rbac.html(value) || '</bdi>' $$;
REVOKE ALL ON FUNCTION aiven_rbac.html_name(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.html_name(text) IS 'a name as HTML';

CREATE FUNCTION aiven_rbac.html_code(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT '<code>' || aiven_rbac.html(value) || '</code>' $$;
REVOKE ALL ON FUNCTION aiven_rbac.html_code(text) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.html_code(text) IS 'a path, a role or another word of the model as HTML';

CREATE FUNCTION aiven_rbac.html_time(at timestamptz) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT coalesce(to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), '') $$;
REVOKE ALL ON FUNCTION aiven_rbac.html_time(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.html_time(timestamptz) IS 'a time, in UTC, as HTML';

CREATE FUNCTION aiven_rbac.html_row(VARIADIC cells text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT '<tr><td>' || array_to_string(cells, '</td><td>', '') || '</td></tr>' $$;
REVOKE ALL ON FUNCTION aiven_rbac.html_row(text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.html_row(text[]) IS 'a row of a table from cells that are HTML';

-- A browser stands some thousand rows; whoever needs all of them asks in SQL.
CREATE FUNCTION aiven_rbac.report_section(title text, told text, columns text[], rows text[]) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT format(E'<section>\n<h2>%s <small>%s</small></h2>\n<p>%s</p>\n', aiven_rbac.html(title),
                  CASE WHEN cardinality(rows) > 5000 THEN 'more than 5000' ELSE coalesce(cardinality(rows), 0)::text END, aiven_rbac.html(told))
        || CASE WHEN cardinality(rows) > 5000
                THEN E'<p class="more">The first 5000 are shown.</p>\n' ELSE '' END
        || CASE WHEN cardinality(rows) > 0
                THEN E'<div class="wide"><table>\n<thead><tr><th>' || array_to_string(columns, '</th><th>') || E'</th></tr></thead>\n<tbody>\n'
                     || array_to_string(rows[1:5000], E'\n') || E'\n</tbody></table></div>\n'
                ELSE E'<p class="none">None.</p>\n' END
        || E'</section>\n'
$$;
REVOKE ALL ON FUNCTION aiven_rbac.report_section(text, text, text[], text[]) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.report_section(text, text, text[], text[]) IS
    'a section of a report: title, what it shows, headings of columns, which are HTML, and rows, which are HTML';

CREATE FUNCTION aiven_rbac.report_style() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT '
:root { color-scheme: light dark; --ink: #1d2430; --paper: #ffffff; --line: #d8dee8; --soft: #f3f5f9; --pale: #5b6678; --mark: #0b6bcb; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e8f0; --paper: #12161d; --line: #303846; --soft: #1b212b; --pale: #98a4b8; --mark: #6cb2ff; }
}
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--paper); font: 15px/1.5 system-ui, sans-serif; }
header, main { max-width: 75rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.5rem; }
h1 { margin: 0; font-size: 1.6rem; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 0; font-size: 1.15rem; }
small, p { color: var(--pale); font-weight: normal; }
p { margin: .25rem 0 .5rem; }
.search { position: sticky; top: 0; padding: .75rem 0; background: var(--paper); z-index: 1; }
input { width: 100%; padding: .6rem .8rem; color: inherit; background: var(--soft); border: 1px solid var(--line); border-radius: .5rem; font: inherit; }
input:focus { outline: 2px solid var(--mark); }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .4rem .75rem; text-align: left; vertical-align: top; overflow-wrap: break-word; max-width: 34rem; }
th { background: var(--soft); font-size: .85rem; }
tbody tr { border-top: 1px solid var(--line); }
tbody tr:hover { background: var(--soft); }
code { font: .87em ui-monospace, monospace; }
.d2 { padding-left: 1.2rem; } .d3 { padding-left: 2.4rem; } .d4 { padding-left: 3.6rem; }
.via { color: var(--pale); }
.head { display: none; }
th code { white-space: nowrap; }
@media (max-width: 45rem) {
  thead { display: none; }
  tr, td { display: block; }
  tr { padding: .4rem 0; }
  td { padding: .1rem .75rem; overflow-wrap: anywhere; }
  td:first-child { font-weight: 600; }
  td:empty { display: none; }
  .head { display: inline; color: var(--pale); }
}
[hidden] { display: none; }
@media print { .search { display: none; } .wide { overflow: visible; } }
' $$;
REVOKE ALL ON FUNCTION aiven_rbac.report_style() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.report_style() IS 'how a report looks';

CREATE FUNCTION aiven_rbac.report_script() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT '
"use strict";
const rows = Array.from(document.querySelectorAll("tbody tr"), row => [row, row.textContent.toLowerCase()]);
const search = document.getElementById("search");
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const [row, text] of rows) row.hidden = !words.every(word => text.includes(word));
  for (const section of document.querySelectorAll("section"))
    section.hidden = words.length > 0 && !section.querySelector("tbody tr:not([hidden])");
}
search.value = new URLSearchParams(location.hash.slice(1)).get("q") || "";
search.addEventListener("input", filter);
filter();
' $$;
REVOKE ALL ON FUNCTION aiven_rbac.report_script() FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.report_script() IS 'the search in a report; "#q=WORDS" after its address begins with one';

CREATE FUNCTION aiven_rbac.report_hierarchy(organization uuid) RETURNS text
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT aiven_rbac.report_section('Hierarchy', 'What is granted on a place holds on everything below it.',
        '{Place,Kind,Path,Tags}',
        array_agg(aiven_rbac.html_row(
            format('<span class="d%s">%s</span>', @extschema@.rbac_path_nlevel(r.path), aiven_rbac.html_name(r.name)),
            r.kind, aiven_rbac.html_code(r.path::text),
            (SELECT string_agg(aiven_rbac.html(t.key || '=' || t.value), ', ' ORDER BY t.key)
             FROM aiven_rbac.tag AS t WHERE t.resource = r.id)) ORDER BY r.path))
    FROM (SELECT x.id, x.path, x.name, x.kind FROM aiven_rbac.resource AS x
          WHERE x.organization = report_hierarchy.organization ORDER BY x.path LIMIT 5001) AS r
$$;
REVOKE ALL ON FUNCTION aiven_rbac.report_hierarchy(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.report_hierarchy(uuid) IS 'a report''s section of an organization''s resources';

CREATE FUNCTION aiven_rbac.report_people(organization uuid) RETURNS text
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT aiven_rbac.report_section('People', 'Users who are members, users of its domains, and application users.',
        '{Name,Email,Kind,Standing,Groups,Since (UTC)}',
        array_agg(aiven_rbac.html_row(
            aiven_rbac.html_name(p.name), aiven_rbac.html_name(p.email), replace(p.kind, '_', ' '),
            concat_ws(', ', CASE WHEN s.super_admin THEN '<strong>super admin</strong>' END,
                      CASE WHEN p.managed THEN 'managed' END, CASE WHEN p.joined_at IS NULL THEN 'no member' END,
                      CASE WHEN p.deactivated_at IS NOT NULL THEN '<strong>deactivated</strong>' END),
            s.groups, aiven_rbac.html_time(p.joined_at)) ORDER BY p.kind DESC, p.email, p.name))
    FROM (SELECT u.id, u.kind, u.name, u.email, u.deactivated_at, m.joined_at, g.principal IS NOT NULL AS managed
          FROM (SELECT x.principal FROM aiven_rbac.membership AS x
                WHERE x.organization = report_people.organization AND x.kind <> 'group'
                UNION
                SELECT y.principal FROM aiven_rbac.managed_user AS y WHERE y.organization = report_people.organization) AS c
          JOIN aiven_rbac.principal AS u ON u.id = c.principal
          LEFT JOIN aiven_rbac.membership AS m ON m.principal = c.principal AND m.organization = report_people.organization
          LEFT JOIN aiven_rbac.managed_user AS g ON g.principal = c.principal AND g.organization = report_people.organization
          ORDER BY u.kind DESC, u.email, u.name LIMIT 5001) AS p
    CROSS JOIN LATERAL (
        SELECT bool_or(x.account_owners) AS super_admin,
               string_agg(aiven_rbac.html_name(n.name), ', ' ORDER BY n.name) FILTER (WHERE NOT x.account_owners) AS groups
        FROM aiven_rbac.group_member AS x JOIN aiven_rbac.principal AS n ON n.id = x.group_id
        WHERE x.member = p.id AND x.organization = report_people.organization) AS s
$$;
REVOKE ALL ON FUNCTION aiven_rbac.report_people(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.report_people(uuid) IS 'a report''s section of an organization''s people';

CREATE FUNCTION aiven_rbac.report_groups(organization uuid) RETURNS text
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT aiven_rbac.report_section('Groups', 'A member holds what the group was granted.',
        '{Group,Description,Members}',
        array_agg(aiven_rbac.html_row(
            aiven_rbac.html_name(g.name), aiven_rbac.html_name(g.description),
            (SELECT count(*) FROM aiven_rbac.group_member AS m WHERE m.group_id = g.id)::text
            || coalesce((SELECT ': ' || string_agg(aiven_rbac.html_name(x.called), ', ' ORDER BY x.called)
                         FROM (SELECT coalesce(p.email, p.name) AS called
                               FROM aiven_rbac.group_member AS m JOIN aiven_rbac.principal AS p ON p.id = m.member
                               WHERE m.group_id = g.id ORDER BY called LIMIT 100) AS x), '')) ORDER BY g.name))
    FROM (SELECT p.id, p.name, p.description FROM aiven_rbac.principal AS p
          WHERE p.organization = report_groups.organization AND p.kind = 'group'
          ORDER BY p.name LIMIT 5001) AS g
$$;
REVOKE ALL ON FUNCTION aiven_rbac.report_groups(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.report_groups(uuid) IS 'a report''s section of an organization''s groups, with a hundred members of each';

-- Who was granted which role where: a row for each principal, a column for each
-- role or permission that stands anywhere.
CREATE FUNCTION aiven_rbac.report_matrix(organization uuid) RETURNS text
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH granted AS MATERIALIZED (
        SELECT coalesce(p.email, p.name) AS called, p.kind, p.id, g.name AS role, r.path,
               aiven_rbac.html_code(r.path::text)
               || CASE WHEN a.valid_from IS NOT NULL THEN ' <span class="via">from ' || aiven_rbac.html_time(a.valid_from) || '</span>' ELSE '' END
               || CASE WHEN a.valid_until IS NOT NULL THEN ' <span class="via">until ' || aiven_rbac.html_time(a.valid_until) || '</span>' ELSE '' END AS place
        FROM aiven_rbac.access_grant AS a
        JOIN aiven_rbac.principal AS p ON p.id = a.principal
        JOIN aiven_rbac.grantable AS g ON g.id = a.grantable
        JOIN aiven_rbac.resource AS r ON r.id = a.resource
        WHERE a.organization = report_matrix.organization
        ORDER BY p.kind DESC, 1, p.id LIMIT 50000
    ), role AS (
        SELECT DISTINCT x.role FROM granted AS x
    ), cell AS (
        SELECT x.kind, x.called, x.id, x.role,
               '<span class="head">' || aiven_rbac.html(x.role) || ': </span>' || string_agg(x.place, '<br>' ORDER BY x.path) AS places
        FROM granted AS x GROUP BY x.kind, x.called, x.id, x.role
    ), line AS (
        SELECT h.kind, h.called, aiven_rbac.html_row(VARIADIC array_cat(
                   ARRAY[aiven_rbac.html_name(h.called), replace(h.kind, '_', ' ')],
                   (SELECT array_agg(c.places ORDER BY x.role)
                    FROM role AS x LEFT JOIN cell AS c ON c.role = x.role AND c.id = h.id))) AS html
        FROM (SELECT DISTINCT x.kind, x.called, x.id FROM granted AS x) AS h
    )
    SELECT aiven_rbac.report_section('Grants', 'What was granted to whom, and where.',
        array_cat('{Principal,Kind}'::text[], (SELECT array_agg(aiven_rbac.html_code(x.role) ORDER BY x.role) FROM role AS x)),
        array_agg(l.html ORDER BY l.kind DESC, l.called))
    FROM line AS l
$$;
REVOKE ALL ON FUNCTION aiven_rbac.report_matrix(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.report_matrix(uuid) IS 'a report''s section of the grants in an organization';

-- What is held comes from the decisions, not from the grants.
CREATE FUNCTION aiven_rbac.report_held(organization uuid) RETURNS text
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT aiven_rbac.report_section('Who can, and why', 'The permissions held at each place where something was granted, through what. They hold on everything below as well.',
        '{Principal,Place,Permissions,Through}',
        array_agg(aiven_rbac.html_row(
            aiven_rbac.html_name(h.called), aiven_rbac.html_code(h.path::text), e.permissions, e.through)
            ORDER BY h.called, h.path))
    FROM (SELECT coalesce(p.email, p.name) AS called, p.id AS principal, r.id AS resource, r.path
          FROM (SELECT a.principal, a.resource FROM aiven_rbac.access_grant AS a
                WHERE a.organization = report_held.organization
                UNION
                SELECT m.member, a.resource
                FROM aiven_rbac.access_grant AS a JOIN aiven_rbac.group_member AS m ON m.group_id = a.principal
                WHERE a.organization = report_held.organization
                UNION
                SELECT m.member, m.organization FROM aiven_rbac.group_member AS m
                WHERE m.organization = report_held.organization AND m.account_owners) AS x
          JOIN aiven_rbac.principal AS p ON p.id = x.principal AND p.kind <> 'group'
          JOIN aiven_rbac.resource AS r ON r.id = x.resource
          ORDER BY 1, r.path LIMIT 5001) AS h
    CROSS JOIN LATERAL (
        SELECT string_agg(DISTINCT aiven_rbac.html_code(p.permission), ' ') AS permissions,
               string_agg(DISTINCT aiven_rbac.html_name(v.via), ', ') AS through
        FROM @extschema@.rbac_effective_permissions(h.principal, h.resource) AS p, unnest(p.via) AS v (via)) AS e
    WHERE e.permissions IS NOT NULL
$$;
REVOKE ALL ON FUNCTION aiven_rbac.report_held(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.report_held(uuid) IS
    'a report''s section of what is held in an organization, as the decisions say';

CREATE FUNCTION aiven_rbac.report_events(organization uuid) RETURNS text
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT aiven_rbac.report_section('Recent events', 'The last hundred changes, newest first.',
        '{At (UTC),Event,By,Place,About}',
        array_agg(aiven_rbac.html_row(
            aiven_rbac.html_time(a.at), aiven_rbac.html_code(a.event),
            aiven_rbac.html_name(coalesce(a.actor_name, a.actor::text, a.database_role)),
            aiven_rbac.html_code(a.resource::text), aiven_rbac.html_name(coalesce(a.subject_name, a.subject::text)))
            ORDER BY a.at DESC, a.id DESC))
    FROM @extschema@.rbac_audit_log(organization::text, max_rows => 100) AS a
$$;
REVOKE ALL ON FUNCTION aiven_rbac.report_events(uuid) FROM PUBLIC;
COMMENT ON FUNCTION aiven_rbac.report_events(uuid) IS 'a report''s section of the last changes in an organization';

CREATE FUNCTION @extschema@.rbac_report_html(organization @extschema@.rbac_resource) RETURNS text
    LANGUAGE plpgsql STABLE STRICT
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    actor aiven_rbac.actor := aiven_rbac.current_actor();
    o aiven_rbac.resource := aiven_rbac.find_resource_now(actor, organization, '{organization}');
    sections text;
BEGIN
    PERFORM aiven_rbac.require_sight_of_grants(actor, o.id);
    sections := concat(aiven_rbac.report_hierarchy(o.id), aiven_rbac.report_people(o.id), aiven_rbac.report_groups(o.id),
                       aiven_rbac.report_matrix(o.id), aiven_rbac.report_held(o.id),
                       CASE WHEN actor.operator OR @extschema@.rbac_has_permission(actor.principal, o.id, 'audit_log.view')
                            THEN aiven_rbac.report_events(o.id) END);
    RETURN concat(
        E'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        -- The digest is that of the one script below; nothing else is loaded or run.
        format(E'<meta http-equiv="Content-Security-Policy" content="default-src ''none''; style-src ''unsafe-inline''; script-src ''sha256-%s''">\n',
               encode(sha256(convert_to(aiven_rbac.report_script(), 'UTF8')), 'base64')),
        E'<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n',
        format(E'<title>Access in %s</title>\n<style>%s</style>\n</head>\n<body>\n', aiven_rbac.html(o.name), aiven_rbac.report_style()),
        format(E'<header>\n<h1>%s</h1>\n<p>Access in %s on %s UTC</p>\n</header>\n<main>\n', aiven_rbac.html_name(o.name),
               aiven_rbac.html_code(o.path::text), aiven_rbac.html_time(statement_timestamp())),
        E'<div class="search"><input id="search" type="search" placeholder="Search people, places, permissions" aria-label="Search" autocomplete="off"></div>\n',
        sections,
        format(E'</main>\n<script>%s</script>\n</body>\n</html>\n', aiven_rbac.report_script()));
END
$$;
COMMENT ON FUNCTION @extschema@.rbac_report_html(@extschema@.rbac_resource) IS
    'an organization as one page of HTML, to be saved as UTF-8: hierarchy, people, groups, grants, who can and why, and recent events for those who hold audit_log.view; it requires project_permission.view or permission.grant on the organization';
