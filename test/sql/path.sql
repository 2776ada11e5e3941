--
-- rbac_path: input and output, order, ancestry and functions
--

-- What a command raises
CREATE FUNCTION pg_temp.raised(command text,
	OUT code text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	message := 'nothing raised';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;

--
-- Text and binary form
--

SELECT left(path::rbac_path::text, 40) AS path, length(path), path::rbac_path::text = path AS same
FROM (VALUES ('a'), ('0'), ('acme'), ('acme.engineering.backend-dev.postgres'),
	('1.2.3'), ('a-b_c.d--e.f__'), (repeat('x', 63)),
	(repeat(repeat('x', 50) || '.', 4) || repeat('y', 51))) v(path);

-- Invalid text
\x on
\pset border 0
SELECT left(path, 20) AS path, r.*
FROM (VALUES (''), ('.'), ('acme.'), ('.acme'), ('acme..eng'),
	('Acme'), ('acme.fOo.bar'), ('acme.-eng'), ('acme._eng'),
	('acme eng'), (' acme'), ('acme '), ('acme/eng'), ('acme.*'),
	('acme.é'), ('acme.日本.x'), (E'acme\teng'), (E'acme\x01eng'), (E'acme\x02'), (E'\x7f'),
	(repeat('x', 64)), ('acme.' || repeat('x', 70) || '.y'),
	(repeat('a.', 127) || 'bb'), (repeat('é', 300)), (repeat('x', 100000))) v(path),
	pg_temp.raised(format('SELECT %L::rbac_path', path)) r;

-- Invalid binary forms; COPY reads them
CREATE TEMP TABLE copied (path rbac_path);
CREATE FUNCTION pg_temp.received(value bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	file text := current_setting('data_directory') || '/rbac_path_test.bin';
	large oid;
	r record;
BEGIN
	TRUNCATE copied;
	large := lo_from_bytea(0, '\x5047434f50590aff0d0a00'::bytea || '\x0000000000000000'
		|| '\x0001' || int4send(length(value)) || value || '\xffff');
	PERFORM lo_export(large, file);
	PERFORM lo_unlink(large);
	r := pg_temp.raised(format('COPY copied FROM %L (FORMAT binary)', file));
	RETURN coalesce(r.code || ' ' || r.message || ' / ' || r.detail || ' / ' || r.hint,
		r.code || ' ' || r.message,
		(SELECT path::text FROM copied));
END $$;
\x off
\pset border 1
\pset format unaligned
SELECT value, pg_temp.received(value)
FROM (VALUES ('\x01'::bytea || 'acme.eng'), ('\x'), ('\x01'), ('\x02' || 'acme'::bytea), ('acme'),
	('\x01' || 'Acme'::bytea), ('\x01' || 'acme.*'::bytea), ('\x01' || 'a'::bytea || '\x01' || 'b'),
	('\x01ff'), ('\x016100')) v(value);
\pset format aligned
DO $$ BEGIN
	EXECUTE format('COPY (SELECT) TO PROGRAM %L', 'cat >/dev/null; rm -f ' || current_setting('data_directory') || '/rbac_path_test.bin');
END $$;

SELECT aiven_rbac.rbac_path_send('acme.eng'), encode(aiven_rbac.rbac_path_send('acme.eng'), 'escape');

-- Nobody can have the end of a subtree: it could be stored, and not be restored
SELECT code, message FROM pg_temp.raised($$SELECT aiven_rbac.rbac_path_subtree_end('acme')$$)
UNION ALL
SELECT code, message FROM pg_temp.raised($$SELECT aiven_rbac.rbac_path_subtree_end(path) FROM (VALUES ('acme'::rbac_path)) v(path)$$)
UNION ALL
SELECT code, message FROM pg_temp.raised($$SELECT aiven_rbac.reach_end(ARRAY['service.view' COLLATE "C"])$$);

-- Casts
CREATE TEMP TABLE names (path rbac_path, name text);
INSERT INTO names SELECT 'acme.eng'::text, 'acme.eng'::rbac_path;
TABLE names;
SELECT 'acme'::varchar::rbac_path, 'acme.eng'::rbac_path::varchar(4);

-- A literal is a path, and so is a text that is compared with one; no function of texts takes a path
SELECT path = 'acme.eng' AS eq, path > 'acme' AS gt, 'acme' < path AS lt, path IN ('acme', 'acme.eng') AS "in",
	path <@ 'acme' AS below, pg_typeof(path || 'x') AS appended,
	path = name AS "name", name > path AS not_after, path <@ name AS below_name
FROM names;
SELECT r.code, r.message
FROM (VALUES ('path = upper(name)'), ('path LIKE ''acme%'''), ('length(path)')) v(expression),
	pg_temp.raised(format('SELECT %s FROM names', expression)) r;

--
-- Order: the tree's pre-order, in all operators alike
--

SELECT path FROM (VALUES ('b'), ('a-b'), ('a.b'), ('a'), ('a.b.c'), ('a.b-c'), ('a0'), ('a_'), ('a.b0'), ('a.c')) v(t),
	LATERAL (SELECT t::rbac_path AS path) p
ORDER BY path;

-- A tree of all paths of up to three labels of five, some of them tricky
CREATE TEMP TABLE tree AS
WITH label(l) AS (VALUES ('a'), ('a-'), ('a0'), ('aa'), ('b'))
SELECT l::rbac_path AS path FROM label
UNION ALL SELECT (a.l || '.' || b.l)::rbac_path FROM label a, label b
UNION ALL SELECT (a.l || '.' || b.l || '.' || c.l)::rbac_path FROM label a, label b, label c;

-- Pre-order is what comparing label by label gives
SELECT count(*) AS pairs,
	count(*) FILTER (WHERE (a < b) <> (aa < ba)) AS lt,
	count(*) FILTER (WHERE (a <= b) <> (aa <= ba)) AS le,
	count(*) FILTER (WHERE (a = b) <> (aa = ba)) AS eq,
	count(*) FILTER (WHERE (a <> b) <> (aa <> ba)) AS ne,
	count(*) FILTER (WHERE (a >= b) <> (aa >= ba)) AS ge,
	count(*) FILTER (WHERE (a > b) <> (aa > ba)) AS gt,
	count(*) FILTER (WHERE sign(aiven_rbac.rbac_path_cmp(a, b)) <> sign(btarraycmp(aa, ba))) AS cmp
FROM (SELECT x.path AS a, y.path AS b,
		string_to_array(x.path::text, '.') COLLATE "C" AS aa, string_to_array(y.path::text, '.') COLLATE "C" AS ba
	FROM tree x, tree y) pairs;

-- Ancestry is equality of the first labels
SELECT count(*) FILTER (WHERE a <@ b) AS below,
	count(*) FILTER (WHERE (a <@ b) <> (aa[:cardinality(ba)] = ba)) AS wrong,
	count(*) FILTER (WHERE (a <@ b) <> (b @> a)) AS commuted
FROM (SELECT x.path AS a, y.path AS b,
		string_to_array(x.path::text, '.') AS aa, string_to_array(y.path::text, '.') AS ba
	FROM tree x, tree y) pairs;

-- Equality and hashes agree, however a value is stored
CREATE TEMP TABLE plain (path rbac_path);
ALTER TABLE plain ALTER path SET STORAGE plain;
INSERT INTO plain TABLE tree;
CREATE TEMP TABLE compressed (path rbac_path, filler text);
ALTER TABLE compressed ALTER filler SET STORAGE plain;
INSERT INTO compressed
SELECT (repeat('a', 60) || '.' || repeat('b', 60))::rbac_path || path, repeat('x', 2500) FROM tree;
SELECT count(*), max(pg_column_size(path)) < 100 AS is_compressed FROM compressed;

SELECT count(*) AS pairs, count(*) FILTER (WHERE a = b) AS equal,
	count(*) FILTER (WHERE (a = b) <> (aiven_rbac.rbac_path_hash(a) = aiven_rbac.rbac_path_hash(b))) AS hash,
	count(*) FILTER (WHERE (a = b) <> (aiven_rbac.rbac_path_hash_extended(a, 0) = aiven_rbac.rbac_path_hash_extended(b, 0))) AS extended,
	count(*) FILTER (WHERE (a = b) <> (aiven_rbac.rbac_path_hash_extended(a, 42) = aiven_rbac.rbac_path_hash_extended(b, 42))) AS seeded
FROM (SELECT x.path AS a, y.path AS b FROM tree x, plain y) pairs;
SELECT count(*) FILTER (WHERE aiven_rbac.rbac_path_hash(path) & x'ffffffff'::bigint
	<> aiven_rbac.rbac_path_hash_extended(path, 0) & x'ffffffff'::bigint) AS differing
FROM tree;
SELECT count(*) FROM compressed JOIN tree
	ON compressed.path = (repeat('a', 60) || '.' || repeat('b', 60))::rbac_path || tree.path;
SELECT count(*) FILTER (WHERE path <@ '{b,a}'::rbac_path[]) AS no,
	count(*) FILTER (WHERE path <@ ARRAY[path]) AS yes FROM compressed;

-- Sorting, grouping, hashing, distinct
SELECT count(*) FROM (SELECT path FROM tree GROUP BY path) g;
SET enable_hashagg = off;
SELECT count(*) FROM (SELECT path FROM tree UNION SELECT path FROM plain) g;
SET enable_sort = off;
SET enable_hashagg = on;
SELECT count(*) FROM (SELECT path FROM tree UNION SELECT path FROM plain) g;
RESET enable_sort;
RESET enable_hashagg;
SELECT min(path), max(path) FROM tree;
SELECT min(path), max(path) FROM tree WHERE false;
SELECT min(path) FILTER (WHERE path > 'a'), max(path) FILTER (WHERE path < 'a.b') FROM tree;

--
-- Several scopes
--

SELECT v.path, v.path::rbac_path <@ '{acme.eng.api,bolt,NULL,acme.eng,acme.eng-tools,bolt}'::rbac_path[] AS below
FROM (VALUES ('acme'), ('acme.eng'), ('acme.eng.api'), ('acme.eng.api.x'), ('acme.eng-'), ('acme.eng-tools.y'),
	('acme.engine'), ('acme.f'), ('bolt'), ('bolt.x'), ('bol'), ('bolt-x'), ('zeta'), ('aaa')) v(path);

SELECT 'a'::rbac_path <@ '{}'::rbac_path[] AS none, 'a'::rbac_path <@ '{NULL}'::rbac_path[] AS only_null,
	'a'::rbac_path <@ NULL::rbac_path[] AS "null", NULL::rbac_path <@ '{a}'::rbac_path[] AS null_path,
	'a.b'::rbac_path <@ '{{x,y},{a,z}}'::rbac_path[] AS two_dimensions,
	'{x,a}'::rbac_path[] @> 'a.b'::rbac_path AS commuted;

-- The same as asking for each, with arrays that change and with a constant
SELECT count(*), count(*) FILTER (WHERE several) AS below, count(*) FILTER (WHERE several <> each) AS wrong
FROM (SELECT t.path <@ s.scopes AS several,
		(SELECT bool_or(t.path <@ scope) FROM unnest(s.scopes) scope) AS each
	FROM (SELECT g, array_agg(path ORDER BY md5(path::text || g)) AS scopes
		FROM tree, generate_series(1, 20) g WHERE md5(path::text || g) < '08' GROUP BY g) s, tree t) answers;
SELECT count(*) FROM tree WHERE path <@ '{a.b,aa,b.a-.a}'::rbac_path[];

-- A function's variable changes while the expression stays
CREATE FUNCTION pg_temp.scopes_in_turn() RETURNS SETOF boolean LANGUAGE plpgsql AS $$
DECLARE
	scopes rbac_path[];
	inside boolean;
BEGIN
	FOR scopes IN VALUES ('{a}'::rbac_path[]), ('{b}'), ('{a}'), ('{c}'), ('{a.b}') LOOP
		inside := 'a.b'::rbac_path <@ scopes;
		RETURN NEXT inside;
	END LOOP;
END $$;
SELECT * FROM pg_temp.scopes_in_turn();

--
-- Functions
--

SELECT path, rbac_path_nlevel(path), rbac_path_label(path), rbac_path_parent(path),
	rbac_path_ancestors(path), rbac_path_ancestors(path, true)
FROM (VALUES ('acme'::rbac_path), ('acme.eng'), ('acme.eng.api.pg')) v(path);

SELECT "offset", len, rbac_path_subpath('a.b.c.d', "offset", len)
FROM (VALUES (0, 1), (0, 4), (0, 99), (1, 2), (3, 1), (-1, 1), (-4, 2), (-3, -1), (0, -3),
	(0, 2147483647), (3, 2147483647)) v("offset", len);
SELECT "offset", rbac_path_subpath('a.b.c.d', "offset")
FROM (VALUES (0), (1), (3), (-1), (-2), (-4)) v("offset");

SELECT paths, rbac_path_lca(VARIADIC paths)
FROM (VALUES ('{a.b.c,a.b.d}'::rbac_path[]), ('{a.b.c,a.b}'), ('{a.b,a.b.c}'), ('{a,b}'), ('{a.bc,a.bd}'),
	('{a.b.c}'), ('{a.b,NULL,a.c}'), ('{NULL}'), ('{}'), ('{a.b.c,a.b,a,b}'), ('{ab.c,a.c}'), (NULL)) v(paths);
SELECT rbac_path_lca('acme.eng.api', 'acme.eng.db', 'acme.fin');

SELECT 'acme'::rbac_path || 'eng' AS a, 'acme'::rbac_path || 'eng.api'::text AS b,
	'acme'::rbac_path || 'eng.api'::rbac_path AS c, 'acme' || 'eng'::rbac_path AS d,
	'acme'::rbac_path || NULL::text AS "null";
SELECT octet_length((path || path)::text)
FROM (SELECT (repeat('x', 63) || '.' || repeat('y', 63))::rbac_path AS path) p;

\x on
\pset border 0
SELECT left(expression, 60) AS expression, r.*
FROM (VALUES ($$rbac_path_subpath('a.b', 2)$$), ($$rbac_path_subpath('a.b', -3)$$),
	($$rbac_path_subpath('a.b', 2147483647)$$), ($$rbac_path_subpath('a.b', -2147483648)$$),
	($$rbac_path_subpath('a.b', 0, 0)$$), ($$rbac_path_subpath('a.b', 1, -1)$$),
	($$rbac_path_subpath('a.b', 0, -2147483648)$$),
	($$'acme'::rbac_path || ''::text$$), ($$'acme'::rbac_path || 'Eng'::text$$), ($$'acme'::rbac_path || 'x..y'$$),
	($$(repeat('x', 63) || '.' || repeat('y', 63))::rbac_path || (repeat('z.', 63) || 'zz')::text$$),
	($$(repeat(repeat('x', 50) || '.', 4) || 'y')::rbac_path || repeat('z', 50)::rbac_path$$)) v(expression),
	pg_temp.raised('SELECT ' || expression) r;
\x off
\pset border 1

-- Null in, null out
SELECT rbac_path_nlevel(NULL) AS nlevel, rbac_path_label(NULL) AS label, rbac_path_parent(NULL) AS parent,
	rbac_path_subpath(NULL, 0) AS subpath, rbac_path_ancestors(NULL) AS ancestors;

--
-- The type's place in the system
--

SELECT typcategory, typispreferred, typstorage, typalign, typcollation, typlen
FROM pg_type WHERE oid = 'rbac_path'::regtype;

-- Leakproof are the operators that compare and btree's function
SELECT oprname, oprleft::regtype, oprright::regtype, proleakproof
FROM pg_operator JOIN pg_proc p ON p.oid = oprcode
WHERE 'rbac_path'::regtype IN (oprleft, oprright) OR 'rbac_path[]'::regtype IN (oprleft, oprright)
ORDER BY oprname COLLATE "C", oprleft::regtype::text, oprright::regtype::text;
SELECT proname FROM pg_proc
WHERE probin LIKE '%aiven_rbac' AND prosrc LIKE 'rbac\_path\_%' AND proleakproof
	AND oid NOT IN (SELECT oprcode FROM pg_operator);

-- All but the estimators are immutable, and all are strict and parallel safe
SELECT proname, provolatile FROM pg_proc
WHERE probin LIKE '%aiven_rbac' AND prosrc LIKE 'rbac\_path\_%'
	AND NOT (provolatile = 'i' AND proisstrict AND proparallel = 's')
ORDER BY proname COLLATE "C";
SELECT count(*) > 40 AS many, count(*) FILTER (WHERE NOT proisstrict OR proparallel <> 's') AS wrong
FROM pg_proc WHERE probin LIKE '%aiven_rbac' AND prosrc LIKE 'rbac\_path\_%';

-- All is described
SELECT count(*) > 70 AS many,
	array_agg(name) FILTER (WHERE NOT described) AS undescribed
FROM (SELECT pg_describe_object(classid, objid, objsubid) AS name,
		EXISTS (SELECT 1 FROM pg_description c WHERE c.classoid = d.classid AND c.objoid = d.objid) AS described
	FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
	WHERE extname = 'aiven_rbac' AND deptype = 'e') members
WHERE name LIKE '%rbac\_path%' AND name NOT LIKE 'type %[]';
