-- Evidence that the log is what it was: what is sealed, which fault is found, and
-- what an anchor shows.  Sealing concerns transactions that have ended, so that
-- this file commits.
\set ECHO errors
SET client_min_messages = warning;
SELECT no_plan();

-- The tree, beside its definition in RFC 6962
CREATE FUNCTION merkle(leaves bytea[]) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    n int := cardinality(leaves);
    k int := 1;
BEGIN
    IF n = 0 THEN RETURN sha256(''); END IF;
    IF n = 1 THEN RETURN sha256('\x00'::bytea || leaves[1]); END IF;
    WHILE k * 2 < n LOOP k := k * 2; END LOOP;
    RETURN sha256('\x01'::bytea || merkle(leaves[:k]) || merkle(leaves[k + 1:]));
END
$$;
CREATE FUNCTION leaves(first int, last int) RETURNS bytea[] LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_agg(sha256(i::text::bytea) ORDER BY i), '{}') FROM generate_series(first, last) AS i $$;
CREATE FUNCTION joined(leaves bytea[]) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(string_agg(l, '' ORDER BY o), '') FROM unnest(leaves) WITH ORDINALITY AS u (l, o) $$;
SELECT is_empty($$ SELECT n FROM generate_series(0, 70) AS n
                   WHERE aiven_rbac.tree_root(aiven_rbac.tree_append('', 0, joined(leaves(1, n)))) <> merkle(leaves(1, n)) $$, 'the root is that of RFC 6962');
SELECT is_empty($$ SELECT n, m FROM generate_series(0, 33) AS n, generate_series(0, 9) AS m
                   WHERE aiven_rbac.tree_append(aiven_rbac.tree_append('', 0, joined(leaves(1, n))), n, joined(leaves(n + 1, n + m)))
                         <> aiven_rbac.tree_append('', 0, joined(leaves(1, n + m))) $$, 'however it has grown');
SELECT throws_ok(format('SELECT aiven_rbac.tree_append(%L, %s, %L)', peaks, size, leaves), '22023', NULL, 'what is no tree is refused')
FROM (VALUES ('\x'::bytea, 1, '\x'::bytea), ('\x00', 1, ''), (sha256(''), 3, ''), (sha256(''), -1, ''), ('', 0, '\x00')) AS v (peaks, size, leaves);

-- A world, and its log
SELECT rbac_organization_create('acme', 'Acme', rbac_user_create('ann@acme.example')) \g /dev/null
SELECT rbac_organization_create('globex', 'Globex', rbac_user_create('gina@globex.example')) \g /dev/null
SELECT rbac_unit_create('acme', 'unit' || i) FROM generate_series(1, 5) AS i \g /dev/null
SELECT rbac_unit_create('globex', 'unit' || i) FROM generate_series(1, 5) AS i \g /dev/null
SELECT rbac_user_create('bob@acme.example') \g /dev/null
SELECT rbac_invitation_accept(rbac_invitation_create('acme', 'bob@acme.example')) \g /dev/null

-- Until all is sealed: another transaction may still be running.
CREATE PROCEDURE seal() LANGUAGE plpgsql AS $$
BEGIN
    LOOP
        PERFORM rbac_audit_seal();
        EXIT WHEN (SELECT sum(cardinality(s.transactions)) FROM aiven_rbac.audit_seal AS s) >= (SELECT count(*) FROM aiven_rbac.audit);
        COMMIT;
        PERFORM pg_sleep(0.05);
    END LOOP;
END
$$;
SELECT is_empty('SELECT * FROM rbac_audit_verify()', 'what is not sealed has no faults');
CALL seal();
SELECT is_empty('SELECT * FROM rbac_audit_verify()', 'nor has what is sealed');
SELECT is((SELECT count(*) FROM aiven_rbac.audit_seal), 3::bigint, 'there is a tree for each organization, and one for what is of none');
SELECT is(rbac_audit_seal(), 0::bigint, 'nothing is sealed twice');
SELECT rbac_audit_anchor('acme') AS first_anchor, rbac_audit_anchor(NULL) AS other_anchor \gset
SELECT matches(:'first_anchor'::text, format('^aiven_rbac:1:%s:%s:[0-9a-f]{64}$', rbac_resource_id('acme'), (SELECT count(*) FROM aiven_rbac.audit WHERE organization = rbac_resource_id('acme'))),
               'an anchor says how many rows it stands for');
SELECT is(rbac_audit_anchor(rbac_resource_id('acme')), :'first_anchor'::text, 'by id');
SELECT is(rbac_audit_anchor('acme'::rbac_path), :'first_anchor'::text, 'by path');
SELECT is(right(:'first_anchor', 64), encode(merkle(array_agg(a.digest ORDER BY a.transaction, a.at)), 'hex'), 'and is the root of their digests')
FROM aiven_rbac.audit AS a WHERE a.organization = rbac_resource_id('acme');

-- A row's digest, as docs/audit.md tells
CREATE FUNCTION told(VARIADIC told text[]) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to(string_agg(coalesce(octet_length(convert_to(t, 'UTF8')) || ':' || t, '-'), '' ORDER BY o), 'UTF8'))
    FROM unnest(told) WITH ORDINALITY AS u (t, o) $$;
SELECT rbac_unit_create('acme', 'umlaut', U&'\00C4\D835\DD38 "x", (y)') \g /dev/null
SELECT is_empty($$ SELECT a.event FROM aiven_rbac.audit AS a
                   WHERE a.digest <> told((extract(epoch FROM a.at) * 1000000)::bigint::text, a.transaction::text, a.installation::text, a.organization::text,
                       a.project::text, a.resource::text, a.actor::text, a.subject::text, a.event, a.actor_name, a.subject_name, a.path::text, a.database_role,
                       a.client_address::text, a.application_name, a.before::text, a.after::text) $$, 'others can compute the digest of a row');
CALL seal();

-- A transaction that is open, and whatever came after it
BEGIN;
SELECT rbac_unit_create('acme', 'open') \g /dev/null
SELECT is(rbac_audit_seal(), 0::bigint, 'what has not ended is not sealed');
SELECT is_empty('SELECT * FROM rbac_audit_verify()', 'which is no fault');
COMMIT;
CALL seal();
SELECT rbac_unit_create('acme', 'unsealed') \g /dev/null
SELECT is_empty('SELECT * FROM rbac_audit_verify()', 'all is well');
SELECT is_empty(format('SELECT * FROM rbac_audit_verify(%L, %L)', 'acme', :'first_anchor'), 'the log has only grown since the anchor');
SELECT is_empty(format('SELECT * FROM rbac_audit_verify(anchor => %L)', :'other_anchor'), 'that of no organization, too');
SELECT is_empty($$SELECT * FROM rbac_audit_verify('acme', rbac_audit_anchor('acme'))$$, 'and is what an anchor of now says');

-- Tampering, each undone.  What is found is told as fault, log and event, and the detail
-- for an anchor.
CREATE FUNCTION tampered(statement text, look text DEFAULT 'SELECT * FROM rbac_audit_verify()') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    t regclass;
    found text;
BEGIN
    FOR t IN SELECT c.oid FROM pg_class AS c JOIN pg_trigger AS g ON g.tgrelid = c.oid AND g.tgname = 'audit_refuse' LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER audit_refuse', t);
    END LOOP;
    EXECUTE statement;
    EXECUTE format('SELECT string_agg(concat_ws('' '', v.fault, v.log, v.event, CASE v.fault WHEN ''anchor'' THEN v.detail END), '', '' ORDER BY v.fault, v.log, v.event COLLATE "C") FROM (%s) AS v', look) INTO found;
    RAISE SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    RETURN coalesce(found, 'nothing');
END
$$;
-- Of the log's rows $unit3 is one, $open a later one, and $unsealed one that is not sealed
CREATE FUNCTION filled_in(statement text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(replace(replace(statement, '$log', 'aiven_rbac.audit_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')),
                          '$columns', (SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'aiven_rbac.audit'::regclass AND attnum > 0)),
                          '\$(\w+)', '(path = ''acme.\1'' AND event = ''unit.created'')', 'g')
$$;
\set digest 'aiven_rbac.audit_digest(at, transaction, installation, organization, project, resource, actor, subject, event, actor_name, subject_name, path, database_role, client_address, application_name, before, after)'
CREATE TEMP TABLE tampering (number int GENERATED ALWAYS AS IDENTITY, statement text, expected text);
INSERT INTO tampering (statement, expected) VALUES
    ('SELECT', 'nothing'),
    ('UPDATE $log SET actor_name = ''mallory'' WHERE $unit3', 'changed acme unit.created'),
    ('UPDATE $log SET after = NULL WHERE $unit3', 'changed acme unit.created'),
    ('UPDATE $log SET event = ''unit.deleted'' WHERE $unit3', 'changed acme unit.deleted'),
    ('UPDATE $log SET application_name = ''x'', digest = digest WHERE $open', 'changed acme unit.created'),
    ('UPDATE $log SET digest = sha256('''') WHERE $unit3', 'changed acme unit.created'),
    ('UPDATE $log SET actor_name = ''mallory'' WHERE $unsealed', 'changed acme unit.created'),
    -- with a digest that fits
    ('UPDATE $log SET actor_name = ''mallory'' WHERE $unit3; UPDATE $log SET digest = # WHERE $unit3', 'changed acme unit.created'),
    ('DELETE FROM $log WHERE $unit3', 'removed acme'),
    ('DELETE FROM $log WHERE $unit3 OR $open OR path = ''globex.unit1''', 'removed acme, removed acme, removed globex'),
    ('TRUNCATE aiven_rbac.audit', (SELECT string_agg('removed' || coalesce(' ' || r.path::text, ''), ', ' ORDER BY r.path) FROM aiven_rbac.audit AS a
                                   LEFT JOIN aiven_rbac.resource AS r ON r.id = a.organization WHERE a.path IS DISTINCT FROM 'acme.unsealed')),
    ('INSERT INTO $log SELECT * FROM $log WHERE $unit3', 'added acme unit.created'),
    ('INSERT INTO $log SELECT * FROM $log WHERE $unit3; UPDATE $log SET at = at + interval ''1 us'' WHERE $unit3 AND ctid = (SELECT max(ctid) FROM $log WHERE $unit3); UPDATE $log SET digest = # WHERE $unit3',
     'added acme unit.created'),
    ('UPDATE $log SET organization = rbac_resource_id(''globex'') WHERE $unit3', 'added globex unit.created, moved acme'),
    ('UPDATE $log SET organization = NULL WHERE $unit3', 'added unit.created, moved acme'),
    ('UPDATE $log SET at = at + interval ''1 hour'' WHERE $unit3', 'added acme unit.created, removed acme'),
    ('UPDATE $log SET transaction = transaction + 1 WHERE $unit3', 'added acme unit.created, removed acme'),
    -- the evidence itself
    ('DELETE FROM aiven_rbac.audit_seal WHERE organization = rbac_resource_id(''globex'')',
     (SELECT string_agg('added globex ' || a.event, ', ' ORDER BY a.event COLLATE "C") FROM aiven_rbac.audit AS a WHERE a.organization = rbac_resource_id('globex'))),
    ('UPDATE aiven_rbac.audit_seal SET peaks = sha256('''') WHERE organization = rbac_resource_id(''globex'')', 'seal globex'),
    ('UPDATE aiven_rbac.audit_seal SET first = 3, size = size + 3 WHERE organization = rbac_resource_id(''globex'')', 'seal globex'),
    ('DELETE FROM aiven_rbac.audit_seal WHERE organization = rbac_resource_id(''acme'')
      AND first = (SELECT max(s.first) FROM aiven_rbac.audit_seal AS s WHERE s.organization = rbac_resource_id(''acme''))', 'added acme unit.created');
SELECT is(tampered(replace(filled_in(v.statement), '#', :'digest')), v.expected, v.statement) FROM tampering AS v ORDER BY v.number;

-- Whoever owns the tables can make both anew; an anchor that was kept elsewhere tells.
CREATE FUNCTION rewritten(statement text) RETURNS text LANGUAGE sql AS $$
    SELECT filled_in(statement) || '; DELETE FROM aiven_rbac.audit_seal; DELETE FROM aiven_rbac.audit_horizon; '
           'SELECT aiven_rbac.seal_range(installation, 0, max(transaction) + 1) FROM aiven_rbac.audit GROUP BY installation' $$;
SELECT is(tampered(replace(rewritten(v.statement), '#', :'digest'), format(v.look, :'first_anchor')), v.expected, v.statement)
FROM (VALUES
    ('SELECT', 'SELECT * FROM rbac_audit_verify(''acme'', %L)', 'nothing'),
    ('UPDATE $log SET actor_name = ''mallory'' WHERE $unit3; UPDATE $log SET digest = # WHERE $unit3', 'SELECT * FROM rbac_audit_verify()', 'nothing'),
    ('UPDATE $log SET actor_name = ''mallory'' WHERE $unit3; UPDATE $log SET digest = # WHERE $unit3', 'SELECT * FROM rbac_audit_verify(''acme'', %L)',
     format('anchor acme The first %s rows are not those that the anchor stands for.', split_part(:'first_anchor', ':', 4))),
    ('DELETE FROM $log WHERE $unit3', 'SELECT * FROM rbac_audit_verify(''acme'', %L)',
     format('anchor acme The first %s rows are not those that the anchor stands for.', split_part(:'first_anchor', ':', 4))),
    ('DELETE FROM $log WHERE organization = rbac_resource_id(''acme'')', 'SELECT * FROM rbac_audit_verify(''acme'', %L)',
     format('anchor acme The anchor stands for %s rows, and there are 0.', split_part(:'first_anchor', ':', 4))),
    ('DELETE FROM $log WHERE $open', 'SELECT * FROM rbac_audit_verify(''acme'', %L)', 'nothing')
) AS v (statement, look, expected);

-- Archived months are not missed.
SELECT aiven_rbac.audit_month_create(202001) \g /dev/null
INSERT INTO aiven_rbac.audit_202001 SELECT * FROM aiven_rbac.audit WHERE false;
SELECT is(tampered(filled_in('INSERT INTO aiven_rbac.audit_202001 SELECT ''2020-01-05'', a.transaction, a.installation, 202001, a.organization, a.project, a.resource, a.actor,
                   a.subject, a.event, a.actor_name, a.subject_name, a.path, a.database_role, a.client_address, a.application_name, a.before, a.after, a.digest
                   FROM $log AS a WHERE $unit3; UPDATE aiven_rbac.audit_202001 SET digest = ' || :'digest' || ';
                   DELETE FROM aiven_rbac.audit_seal; DELETE FROM aiven_rbac.audit_horizon;
                   SELECT aiven_rbac.seal_range(installation, 0, max(transaction) + 1) FROM aiven_rbac.audit GROUP BY installation;
                   SELECT rbac_audit_archive(''2020-03-01'')')), 'nothing', 'what was archived is not missed');

-- Whose it is
CREATE ROLE regress_evidence;
CREATE FUNCTION asked(who text, query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM rbac_set_principal((SELECT id FROM aiven_rbac.principal WHERE email = who));
    SET LOCAL ROLE regress_evidence;
    EXECUTE query;
    RESET ROLE;
    PERFORM rbac_reset_principal();
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
SELECT is(asked(v.who, v.query), v.expected, v.who || ': ' || v.query)
FROM (VALUES
    ('ann@acme.example', $$SELECT * FROM rbac_audit_verify('acme')$$, 'ok'),
    ('ann@acme.example', $$SELECT rbac_audit_anchor('acme')$$, 'ok'),
    ('ann@acme.example', $$SELECT * FROM rbac_audit_verify()$$, '42501'),
    ('ann@acme.example', $$SELECT rbac_audit_anchor(NULL)$$, '42501'),
    ('ann@acme.example', $$SELECT * FROM rbac_audit_verify('globex')$$, '42704'),
    ('ann@acme.example', $$SELECT rbac_audit_anchor('globex')$$, '42704'),
    ('ann@acme.example', $$SELECT rbac_audit_anchor('acme.unit1')$$, '42809'),
    ('ann@acme.example', $$SELECT rbac_audit_seal()$$, '42501'),
    ('bob@acme.example', $$SELECT * FROM rbac_audit_verify('acme')$$, '42501'),
    ('bob@acme.example', $$SELECT rbac_audit_anchor('acme')$$, '42501'),
    ('ann@acme.example', $$SELECT * FROM rbac_audit_verify('acme', 'x')$$, '22023'),
    ('ann@acme.example', format($$SELECT * FROM rbac_audit_verify('acme', %L)$$, :'other_anchor'), '22023')) AS v (who, query, expected);
DROP ROLE regress_evidence;

-- What is deleted
SELECT rbac_resource_id('globex') AS globex, rbac_audit_anchor('globex') AS anchor \gset
DELETE FROM aiven_rbac.resource WHERE path <@ 'globex' AND kind = 'unit';
DELETE FROM aiven_rbac.resource WHERE path = 'globex';
CALL seal();
SELECT is_empty(format('SELECT * FROM rbac_audit_verify(%L, %L)', :'globex', :'anchor'), 'the log of a deleted organization stays, by id');
SELECT is_empty('SELECT * FROM rbac_audit_verify()', 'and all is well');
SELECT finish();
