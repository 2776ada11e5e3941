--
-- rbac_path in indexes: answers, plans and estimates
--

-- A hundred organizations of very different sizes; units hold a part of the
-- projects.  Small enough for ANALYZE to see every row, so that estimates are
-- the same in every run.
CREATE TABLE place (path rbac_path, n int) WITH (autovacuum_enabled = off);
INSERT INTO place
SELECT path::rbac_path, row_number() OVER (ORDER BY md5(path))
FROM (
	SELECT format('org%s', o) AS path FROM generate_series(0, 99) o
	UNION ALL
	SELECT format('org%s.unit%s', o, u) FROM generate_series(0, 99) o, generate_series(0, 2) u
	UNION ALL
	SELECT format('org%s%s.project-%s%s', o, CASE WHEN p % 2 = 0 THEN '.unit' || p % 6 / 2 END, p, s)
	FROM generate_series(0, 99) o,
		generate_series(1, CASE o WHEN 42 THEN 400 ELSE o * 7 % 23 + 1 END) p,
		LATERAL (SELECT '' AS s UNION ALL SELECT '.service' || g FROM generate_series(1, p % 9) g) services
) paths
ORDER BY md5(path);
INSERT INTO place SELECT NULL, -g FROM generate_series(1, 50) g;
SELECT count(*), count(path), count(DISTINCT path) FROM place;

-- Several rows a path, some paths with many
CREATE TABLE deployment (path rbac_path, day int) WITH (autovacuum_enabled = off);
INSERT INTO deployment
SELECT path, (n * 31 + g) % 1000
FROM place, generate_series(1, CASE WHEN n % 500 = 0 THEN 300 ELSE 2 END) g
WHERE n > 0 AND rbac_path_label(path) LIKE 'project%';
ANALYZE place, deployment;

-- What to ask with each operator: places, their neighbours and others
CREATE TABLE question AS
SELECT path, row_number() OVER (ORDER BY path) AS n
FROM (SELECT path FROM place WHERE n % 400 = 1 AND path IS NOT NULL
	UNION SELECT path || 'x' FROM place WHERE n % 1000 = 2 AND path IS NOT NULL
	UNION SELECT rbac_path_parent(path) FROM place WHERE n % 800 = 3 AND rbac_path_nlevel(path) > 1
	UNION VALUES ('org42'::rbac_path), ('org42.unit1'), ('a'), ('z'), ('org4'), ('org'), ('org42-x')) q;

-- Do scans that use an index give what one without gives?
CREATE FUNCTION answers(op text, indexed boolean) RETURNS TABLE (question bigint, answer text)
LANGUAGE plpgsql AS $$
DECLARE
	q record;
	plan text := '';
	line text;
	query text;
BEGIN
	PERFORM set_config('enable_seqscan', (NOT indexed)::text, true),
		set_config('enable_indexscan', indexed::text, true),
		set_config('enable_indexonlyscan', indexed::text, true),
		set_config('enable_bitmapscan', indexed::text, true);
	FOR q IN SELECT n, quote_literal(CASE WHEN op LIKE '%[]'
			THEN ARRAY(SELECT o.path FROM question o WHERE (o.n * 7 + p.n) % 20 < p.n % 7)::text
			ELSE path::text END) AS value
		FROM question p LOOP
		query := format('SELECT count(*) || '' '' || coalesce(sum(n), 0) FROM place WHERE path %s %s::rbac_path%s',
			replace(op, '[]', ''), q.value, CASE WHEN op LIKE '%[]' THEN '[]' ELSE '' END);
		FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
			plan := plan || line;
		END LOOP;
		question := q.n;
		EXECUTE query INTO answer;
		RETURN NEXT;
	END LOOP;
	IF (plan LIKE '%place_path%') <> indexed OR (plan LIKE '%Seq Scan%') = indexed THEN
		RAISE EXCEPTION 'unexpected plan for %: %', op, plan;
	END IF;
END $$;
CREATE FUNCTION wrong_answers(VARIADIC ops text[]) RETURNS TABLE (op text, questions bigint, found boolean, wrong bigint)
LANGUAGE sql AS $$
	SELECT op, count(*), count(DISTINCT s.answer) > 5, count(*) FILTER (WHERE s.answer IS DISTINCT FROM i.answer)
	FROM unnest(ops) op, answers(op, false) s FULL JOIN answers(op, true) i USING (question) GROUP BY op ORDER BY op
$$;

CREATE INDEX place_path ON place (path);
SELECT * FROM wrong_answers('<', '<=', '=', '>=', '>', '<@', '@>');
DROP INDEX place_path;

CREATE INDEX place_path ON place USING hash (path);
SELECT * FROM wrong_answers('=');
DROP INDEX place_path;

-- GiST built by sorting, with buffers, and by inserting
CREATE INDEX place_path ON place USING gist (path);
SELECT * FROM wrong_answers('<', '<=', '=', '>=', '>', '<@', '@>', '<@[]');
DROP INDEX place_path;
CREATE INDEX place_path ON place USING gist (path) WITH (buffering = on);
SELECT * FROM wrong_answers('<', '<=', '=', '>=', '>', '<@', '@>', '<@[]');
DROP INDEX place_path;
CREATE TABLE copy AS TABLE place;
TRUNCATE place;
CREATE INDEX place_path ON place USING gist (path);
INSERT INTO place TABLE copy;
SELECT * FROM wrong_answers('<', '<=', '=', '>=', '>', '<@', '@>', '<@[]');
DELETE FROM place WHERE path IS NULL OR n % 3 = 0;
VACUUM place;
INSERT INTO place SELECT * FROM copy WHERE path IS NULL OR n % 3 = 0;
SELECT * FROM wrong_answers('<', '<=', '=', '>=', '>', '<@', '@>', '<@[]');
DROP INDEX place_path;
DROP TABLE copy;

-- Long keys, up to the greatest
CREATE TABLE long (path rbac_path);
CREATE INDEX long_path ON long USING gist (path);
INSERT INTO long
SELECT format('%s.%s%s.%s%s.%s%s.%s', md5(g::text),
	md5('b' || g), left(md5('c' || g), 31), md5('d' || g), left(md5('e' || g), 31),
	md5('f' || g), left(md5('g' || g), 31), left(md5('h' || g), 30))::rbac_path
FROM generate_series(1, 3000) g;
SET enable_seqscan = off;
SELECT count(*) FROM long WHERE path > 'a' AND path < 'b';
SET enable_seqscan = on;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SET enable_bitmapscan = off;
SELECT count(*), max(length(path::text)) FROM long WHERE path > 'a' AND path < 'b';
RESET enable_indexscan;
RESET enable_indexonlyscan;
RESET enable_bitmapscan;
DROP TABLE long;

-- Equal paths share an entry of a btree: six bytes a row instead of a tuple
CREATE TABLE same AS SELECT 'acme.engineering.backend-dev.postgres'::rbac_path AS path FROM generate_series(1, 10000);
CREATE INDEX same_path ON same (path);
SELECT pg_relation_size('same_path') < 120000 AS deduplicated;
DROP TABLE same;

--
-- Plans
--

-- Bitmap scans would do as well; which it is depends on small differences in cost
SET enable_bitmapscan = off;

CREATE INDEX place_btree ON place (path);
CREATE INDEX deployment_btree ON deployment (path);
CREATE INDEX deployment_day ON deployment (day);
VACUUM ANALYZE place;
VACUUM ANALYZE deployment;

-- A subtree is one range, exactly; index-only where nothing else is asked for
EXPLAIN (COSTS OFF) SELECT * FROM place WHERE path <@ 'org7';
EXPLAIN (COSTS OFF) SELECT * FROM place WHERE 'org7' @> path;
EXPLAIN (COSTS OFF) SELECT path FROM place WHERE path <@ 'org7';
EXPLAIN (COSTS OFF) SELECT path FROM place WHERE path <@ 'org7' ORDER BY path LIMIT 5;
EXPLAIN (COSTS OFF) SELECT path FROM place WHERE path <@ 'org7' AND path > 'org7.unit1' ORDER BY path LIMIT 5;
SELECT path FROM place WHERE path <@ 'org7' AND path > 'org7.unit1' ORDER BY path LIMIT 5;
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query;
END $$;
SELECT trim(line) AS scan FROM plan('SELECT min(path), max(path) FROM place') line WHERE line LIKE '%Scan%';

-- Ancestors are a list
EXPLAIN (COSTS OFF) SELECT * FROM place WHERE path @> 'org7.unit1.project-2.service1';
EXPLAIN (COSTS OFF) SELECT * FROM place WHERE 'org7.unit1' <@ path;
SELECT path FROM place WHERE path @> 'org7.unit1.project-2.service1' ORDER BY path;

-- Null finds nothing.  19 says what that is in the place of.
SELECT line FROM plan('SELECT * FROM place WHERE path <@ NULL') line WHERE line NOT LIKE '%Replaces:%';

-- Parameters, under one plan for all values
PREPARE below(rbac_path) AS SELECT count(*) FROM place WHERE path <@ $1;
PREPARE above(rbac_path) AS SELECT count(*) FROM place WHERE path @> $1;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE below('org7');
EXECUTE below('org7');
EXECUTE below('org42');
EXECUTE below(NULL);
EXPLAIN (COSTS OFF) EXECUTE above('org7');
EXECUTE above('org7.unit1.x');
EXECUTE above('z');
RESET plan_cache_mode;

-- A function's result that is stable for the statement
CREATE FUNCTION chosen_path() RETURNS rbac_path STABLE LANGUAGE sql AS $$ SELECT current_setting('test.path')::rbac_path $$;
CREATE FUNCTION volatile_path() RETURNS rbac_path VOLATILE LANGUAGE sql AS $$ SELECT current_setting('test.path')::rbac_path $$;
-- (so that they are not inlined)
ALTER FUNCTION chosen_path() SET search_path = public;
ALTER FUNCTION volatile_path() SET search_path = public;
SET test.path = 'org7';
EXPLAIN (COSTS OFF) SELECT count(*) FROM place WHERE path <@ chosen_path();
SELECT count(*) FROM place WHERE path <@ chosen_path();
EXPLAIN (COSTS OFF) SELECT count(*) FROM place WHERE path <@ volatile_path();

-- Joins, by the other table's path
EXPLAIN (COSTS OFF) SELECT count(*) FROM question q JOIN place p ON p.path <@ q.path WHERE q.n < 4;
SELECT count(*) FROM question q JOIN place p ON p.path <@ q.path WHERE q.n < 4;
EXPLAIN (COSTS OFF) SELECT count(*) FROM question q JOIN place p ON p.path @> q.path WHERE q.n < 4;
SELECT count(*) FROM question q JOIN place p ON p.path @> q.path WHERE q.n < 4;

-- Other expressions and types of index
CREATE INDEX place_parent ON place (rbac_path_parent(path));
EXPLAIN (COSTS OFF) SELECT count(*) FROM place WHERE rbac_path_parent(path) <@ 'org7.unit1';
DROP INDEX place_parent;
CREATE INDEX place_text ON place (((path::text)));
EXPLAIN (COSTS OFF) SELECT count(*) FROM place WHERE path::text = 'org7' AND path <@ 'org7';
DROP INDEX place_text, place_btree;
CREATE INDEX place_hash ON place USING hash (path);
SET enable_seqscan = off;
SELECT trim(line) AS scan FROM plan('SELECT count(*) FROM place WHERE path @> ''org7.unit1''') line WHERE line LIKE '%Scan%';
EXPLAIN (COSTS OFF) SELECT count(*) FROM place WHERE path = 'org7.unit1';
RESET enable_seqscan;
DROP INDEX place_hash;

CREATE INDEX place_gist ON place USING gist (path);
VACUUM place;
EXPLAIN (COSTS OFF) SELECT path FROM place WHERE path <@ 'org7.unit1';
SELECT path FROM place WHERE path <@ 'org7.unit1' AND rbac_path_nlevel(path) < 4 ORDER BY path;
EXPLAIN (COSTS OFF) SELECT path FROM place WHERE path @> 'org7.unit1.x';
EXPLAIN (COSTS OFF) SELECT path FROM place WHERE path <@ '{org7.unit1,org8,org7}'::rbac_path[];
EXPLAIN (COSTS OFF) SELECT path FROM place WHERE '{org7.unit1,org8,org7}'::rbac_path[] @> path;
DROP INDEX place_gist;
CREATE INDEX place_btree ON place (path);

--
-- Estimates
--

-- Is the planner's estimate of a query's rows within a factor of the truth?
CREATE FUNCTION estimate(query text, factor float8 DEFAULT 5) RETURNS TABLE (truth bigint, judgement text)
LANGUAGE plpgsql AS $$
DECLARE
	plan json;
	estimate float8;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	EXECUTE format('SELECT count(*) FROM (%s) q', query) INTO truth;
	estimate := plan->0->'Plan'->>'Plan Rows';
	judgement := CASE
		WHEN greatest(estimate, 1) < truth / factor THEN format('too low: %s', estimate)
		WHEN estimate > greatest(truth, 1) * factor THEN format('too high: %s', estimate)
		ELSE 'good' END;
	RETURN NEXT;
END $$;

SELECT v.condition, e.*
FROM (VALUES ('path <@ ''org42'''), ('path <@ ''org42.unit1'''), ('path <@ ''org42.unit1.project-8'''),
	('path <@ ''org42.project-7.service3'''), ('path <@ ''org7'''), ('path <@ ''org3'''), ('path <@ ''org22.unit2'''),
	('path <@ ''org50.unit1.project-4'''), ('''org42'' @> path'), ('NOT path <@ ''org42'''),
	('path <@ NULL'), ('path @> ''org42.unit1.project-8.service1'''), ('''org42.unit1.project-8'' <@ path'),
	('path @> ''org3'''), ('path <@ ''{org42.unit1,org7,org42.unit2,org42.unit1.project-8}'''::text || '::rbac_path[]'),
	('path <@ ''{org42,org7,org3,org42}''::rbac_path[]'), ('''{org42}''::rbac_path[] @> path'),
	('path <@ ''{}''::rbac_path[]'),
	('path >= ''org42'' AND path < ''org43'''), ('path <= ''org42'''), ('path > ''org42''')) v(condition),
	estimate('SELECT * FROM place WHERE ' || condition) e;

-- Every organization, unit and project: how often is the estimate far off?
SELECT name, count(*) AS subtrees, count(*) FILTER (WHERE judgement <> 'good') * 10 <= count(*) AS mostly_good
FROM (SELECT name, path FROM place, (VALUES ('place'), ('deployment')) t(name)
	WHERE n > 0 AND rbac_path_nlevel(path) <= 3 AND (rbac_path_nlevel(path) < 3 OR n % 10 = 0)) p,
	estimate(format('SELECT * FROM %I WHERE path <@ %L', name, path), 8)
GROUP BY name ORDER BY name;

-- Of two indexes the one that finds fewer rows is taken: one organization's
-- rows are not taken for one, though they fall between two histogram bounds
EXPLAIN (COSTS OFF) SELECT * FROM deployment WHERE path <@ 'org42' AND day = 17;
EXPLAIN (COSTS OFF) SELECT * FROM deployment WHERE path <@ 'org21' AND day BETWEEN 17 AND 18;
EXPLAIN (COSTS OFF) SELECT * FROM deployment WHERE path <@ 'org42.project-7.service3' AND day BETWEEN 17 AND 20;

-- Joins
CREATE TABLE scope AS SELECT path FROM place WHERE rbac_path_nlevel(path) = 1 AND n % 4 = 0;
ANALYZE scope;
SELECT v.query, e.*
FROM (VALUES ('SELECT 1 FROM place p JOIN scope s ON p.path <@ s.path'),
	('SELECT 1 FROM place p JOIN scope s ON s.path @> p.path'),
	('SELECT 1 FROM scope s JOIN place p ON s.path @> p.path'),
	('SELECT 1 FROM deployment p JOIN place s ON p.path <@ s.path'),
	('SELECT 1 FROM deployment p WHERE EXISTS (SELECT 1 FROM scope s WHERE p.path <@ s.path)'),
	('SELECT 1 FROM scope s WHERE EXISTS (SELECT 1 FROM place p WHERE p.path <@ s.path)')) v(query),
	estimate(query) e;

-- Nothing known: a table never analyzed, a function's result, a column of arrays
CREATE TABLE unknown (path rbac_path, scopes rbac_path[]) WITH (autovacuum_enabled = off);
INSERT INTO unknown SELECT path, ARRAY[path] FROM place WHERE n > 0;
SELECT v.condition, e.*
FROM (VALUES ('path <@ ''org42'''), ('path @> ''org42'''), ('path <@ ''{org42}''::rbac_path[]'), ('scopes @> ''org42''::rbac_path'),
	('path <@ scopes'), ('path <= ''org42'''), ('path <@ path'), ('path <@ chosen_path()'), ('path <@ (SELECT path FROM scope LIMIT 1)')) v(condition),
	estimate('SELECT * FROM unknown WHERE ' || condition, 500) e;

-- A join with a column of arrays
SELECT * FROM estimate('SELECT 1 FROM unknown u JOIN scope s ON s.path <@ u.scopes', 500);

-- A few values that are all common
CREATE TABLE common AS
SELECT ('org' || g % 3 || CASE WHEN g % 2 = 0 THEN '.unit' ELSE '' END)::rbac_path AS path FROM generate_series(1, 3000) g;
ANALYZE common;
SELECT v.condition, e.*
FROM (VALUES ('path @> ''org1.unit.project'''), ('path @> ''org1'''), ('path @> ''org9.unit'''), ('path <@ ''org1'''), ('path <@ ''org1.unit''')) v(condition),
	estimate('SELECT * FROM common WHERE ' || condition, 1.5) e;

-- A column that is always null
CREATE TABLE nulls AS SELECT NULL::rbac_path AS path FROM generate_series(1, 1000);
ANALYZE nulls;
SELECT * FROM estimate('SELECT * FROM nulls WHERE path <@ ''org42''');

--
-- Under row-level security
--

CREATE ROLE regress_path_user;
CREATE FUNCTION f_leak(rbac_path) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql AS
	$$ BEGIN RAISE NOTICE 'f_leak => %', $1; RETURN true; END $$;
CREATE FUNCTION visible(int) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN $1 % 2 = 0; END $$;
ALTER TABLE place ENABLE ROW LEVEL SECURITY;
CREATE POLICY even ON place USING (visible(n));
GRANT SELECT ON place TO regress_path_user;
SET ROLE regress_path_user;

-- The user's condition reaches the index, and no hidden row what the user calls
EXPLAIN (COSTS OFF) SELECT path FROM place WHERE path <@ 'org7' AND f_leak(path);
SELECT path FROM place WHERE path <@ 'org7' AND f_leak(path);
EXPLAIN (COSTS OFF) SELECT path FROM place WHERE path = 'org7.unit1' AND f_leak(path);
EXPLAIN (COSTS OFF) SELECT path FROM place WHERE path @> 'org7.unit1.x' AND f_leak(path);
EXPLAIN (COSTS OFF) SELECT path FROM place WHERE path >= 'org7' AND path < 'org8' AND f_leak(path);
-- A plan calls the internal functions, whatever the user may call
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE below('org7');
EXECUTE below('org7');
EXECUTE above('org7.unit1.project-2');
RESET plan_cache_mode;

-- Making a path can raise, and waits
EXPLAIN (COSTS OFF) SELECT path FROM place WHERE path || 'x' <@ 'org7' AND rbac_path_subpath(path, 2) = 'x';
RESET ROLE;
DROP INDEX place_btree;
CREATE INDEX place_gist ON place USING gist (path);
SET ROLE regress_path_user;
EXPLAIN (COSTS OFF) SELECT path FROM place WHERE path <@ 'org7' AND f_leak(path);
EXPLAIN (COSTS OFF) SELECT path FROM place WHERE path <@ '{org7,org8}'::rbac_path[] AND f_leak(path);
RESET ROLE;

-- Statistics of rows that the user may not see serve leakproof operators only
CREATE FUNCTION estimated(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan->0->'Plan'->>'Plan Rows';
END $$;
DROP POLICY even ON place;
CREATE POLICY everything ON place USING (n IS NOT NULL);
SET ROLE regress_path_user;
SELECT estimated('SELECT * FROM place WHERE path <@ ''org42''') BETWEEN 1500 AND 4000 AS from_statistics;
RESET ROLE;
BEGIN;
ALTER FUNCTION aiven_rbac.rbac_path_below(rbac_path, rbac_path) NOT LEAKPROOF;
SET LOCAL ROLE regress_path_user;
SELECT estimated('SELECT * FROM place WHERE path <@ ''org42''') BETWEEN 1500 AND 4000 AS from_statistics;
ROLLBACK;

RESET enable_bitmapscan;
DROP TABLE place, deployment, question, scope, unknown, nulls;
DROP FUNCTION answers, wrong_answers, plan, chosen_path, volatile_path, estimate, estimated, f_leak, visible;
DROP ROLE regress_path_user;
