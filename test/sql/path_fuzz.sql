--
-- rbac_path: what input accepts is what the rule says, whatever it is given
--

-- Random texts: pieces of paths and what is near to them, valid and not
CREATE FUNCTION pg_temp.random_text() RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT string_agg(pieces[CASE WHEN random() < 0.9 THEN trunc(random() * 9) ELSE trunc(random() * cardinality(pieces)) END + 1], '')
	FROM (SELECT ARRAY['a', 'acme', 'eng', '0', '.', '.', '.', 'x-y', 'a_b', '-', '_', '..', 'A', ' ', 'é', '日',
			E'\x01', E'\x02', '*', '/', repeat('k', 31), repeat('l', 62), repeat('m', 63), repeat('n', 64), repeat('o.', 60),
			chr(1 + trunc(random() * 55295)::int)] AS pieces) p,
		generate_series(1, 1 + (random() ^ 3 * 30)::int)
$$;

CREATE FUNCTION pg_temp.check_inputs(tries int) RETURNS TABLE (accepted boolean, refused boolean, wrong text[]) LANGUAGE plpgsql AS $$
DECLARE
	value text;
	path rbac_path;
	valid boolean;
	good int := 0;
	bad int := 0;
BEGIN
	FOR i IN 1 .. tries LOOP
		value := pg_temp.random_text();
		valid := octet_length(value) <= 255
			AND value COLLATE "C" ~ '^[a-z0-9][a-z0-9_-]{0,62}(\.[a-z0-9][a-z0-9_-]{0,62})*$';
		BEGIN
			path := value;
			good := good + 1;
			IF NOT valid OR path::text <> value
				OR rbac_path_nlevel(path) <> cardinality(string_to_array(value, '.'))
				OR rbac_path_label(path) <> (string_to_array(value, '.'))[rbac_path_nlevel(path)]
				OR coalesce(rbac_path_parent(path) || rbac_path_label(path), path) <> path
				OR rbac_path_subpath(path, 0) <> path
			THEN
				wrong := wrong || value;
			END IF;
		EXCEPTION WHEN invalid_text_representation THEN
			bad := bad + 1;
			IF valid THEN
				wrong := wrong || value;
			END IF;
		END;
	END LOOP;
	accepted := good > tries / 10;
	refused := bad > tries / 10;
	RETURN NEXT;
END $$;
SELECT * FROM pg_temp.check_inputs(5000);

-- Random bytes in binary form
CREATE TEMP TABLE copied (path rbac_path);
CREATE FUNCTION pg_temp.check_binary(tries int) RETURNS TABLE (accepted boolean, refused boolean, wrong bytea[]) LANGUAGE plpgsql AS $$
DECLARE
	file text := current_setting('data_directory') || '/rbac_path_fuzz.bin';
	value bytea;
	valid boolean;
	large oid;
	good int := 0;
	bad int := 0;
BEGIN
	FOR i IN 1 .. tries LOOP
		value := CASE WHEN random() < 0.1 THEN '\x02'::bytea ELSE '\x01' END || convert_to(pg_temp.random_text(), 'UTF8');
		IF random() < 0.3 THEN
			value := set_byte(value, (random() * (length(value) - 1))::int, (random() * 255)::int);
		END IF;
		valid := get_byte(value, 0) = 1 AND length(value) <= 256
			AND encode(substr(value, 2), 'escape') COLLATE "C" ~ '^[a-z0-9][a-z0-9_-]{0,62}(\.[a-z0-9][a-z0-9_-]{0,62})*$';
		large := lo_from_bytea(0, '\x5047434f50590aff0d0a00'::bytea || '\x0000000000000000'
			|| '\x0001' || int4send(length(value)) || value || '\xffff');
		PERFORM lo_export(large, file), lo_unlink(large);
		BEGIN
			TRUNCATE copied;
			EXECUTE format('COPY copied FROM %L (FORMAT binary)', file);
			good := good + 1;
			IF NOT valid OR (SELECT aiven_rbac.rbac_path_send(path) <> value FROM copied) THEN
				wrong := wrong || value;
			END IF;
		EXCEPTION WHEN invalid_binary_representation OR character_not_in_repertoire THEN
			bad := bad + 1;
			IF valid THEN
				wrong := wrong || value;
			END IF;
		END;
	END LOOP;
	EXECUTE format('COPY (SELECT WHERE false) TO PROGRAM %L', 'rm -f ' || file);
	accepted := good > tries / 10;
	refused := bad > tries / 10;
	RETURN NEXT;
END $$;
SELECT * FROM pg_temp.check_binary(500);
