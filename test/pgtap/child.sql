-- Tables whose rows belong where those of another table do.
BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
\o /dev/null
CREATE ROLE child_application;
CREATE ROLE child_owner;
CREATE ROLE child_other;
GRANT CREATE ON SCHEMA public TO child_owner, child_other;
SELECT rbac_user_create(e || '@x.example') FROM unnest('{ann,bob,cid}'::text[]) AS e;
SELECT rbac_organization_create('north', 'North', rbac_user('ann@x.example'), id => rbac_id('tenant', 1));
SELECT rbac_organization_create('south', 'South', rbac_user('bob@x.example'), id => rbac_id('tenant', 2));
SELECT rbac_project_create('north', 'one'), rbac_project_create('north', 'two'), rbac_project_create('south', 'three');
SELECT rbac_invitation_accept(rbac_invitation_create('north', 'cid@x.example')), rbac_grant(rbac_user('cid@x.example'), 'read_only', 'north.one');

CREATE FUNCTION pg_temp.as(who text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    line text;
BEGIN
    PERFORM rbac_set_principal(rbac_user(who || '@x.example'));
    SET LOCAL ROLE child_application;
    BEGIN
        FOR line IN EXECUTE query LOOP
            answer := concat_ws(' ', answer, line);
        END LOOP;
    EXCEPTION WHEN OTHERS THEN
        answer := SQLSTATE;
    END;
    RESET ROLE;
    PERFORM rbac_reset_principal();
    RETURN answer;
END
$$;

-- Parents of each kind: by key, by id, by path
SET ROLE child_owner;
CREATE TABLE by_key (id int PRIMARY KEY, place int);
CREATE TABLE by_id (id int PRIMARY KEY, place uuid);
CREATE TABLE by_path (id int PRIMARY KEY, place rbac_path);
RESET ROLE;
INSERT INTO by_key VALUES (1, 1), (2, 1), (3, 2), (4, NULL), (5, 9);
INSERT INTO by_id SELECT v.id, rbac_resource_id(v.path) FROM (VALUES (1, 'north.one'::rbac_path), (2, 'north.two'), (3, 'south.three')) AS v (id, path);
INSERT INTO by_id VALUES (4, NULL), (5, gen_random_uuid());
INSERT INTO by_path VALUES (1, 'north.one'), (2, 'north.two'), (3, 'south.three'), (4, NULL);
CREATE FUNCTION pg_temp.make(parent text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE child_owner;
    EXECUTE format('CREATE TABLE part_%1$s (id int PRIMARY KEY, parent int REFERENCES %1$s, note text);
                    INSERT INTO part_%1$s SELECT i, p.id, repeat(''x'', 50) FROM %1$s AS p, generate_series(p.id * 100, p.id * 100 + 9) AS i;
                    INSERT INTO part_%1$s VALUES (0, NULL);
                    CREATE TABLE bit_%1$s (id int PRIMARY KEY, part int NOT NULL REFERENCES part_%1$s ON DELETE CASCADE);
                    INSERT INTO bit_%1$s SELECT id, id FROM part_%1$s;
                    SELECT rbac_protect_table(%1$L, ''place'', ''service.view'', ''service.view'', space => %2$L);
                    SELECT rbac_protect_child(''part_%1$s'', ''part_%1$s_parent_fkey'', ''service.view'', ''service.view'');
                    SELECT rbac_protect_child(''bit_%1$s'', ''bit_%1$s_part_fkey'', ''service.view'', ''service.view'');
                    GRANT SELECT, INSERT, UPDATE, DELETE ON %1$s, part_%1$s, bit_%1$s TO child_application', parent, CASE parent WHEN 'by_key' THEN 'tenant' END);
    RESET ROLE;
END
$$;
SELECT pg_temp.make(p) FROM unnest('{by_key,by_id,by_path}'::text[]) AS p;
\o

CREATE TEMP TABLE kinds AS SELECT * FROM unnest('{by_key,by_id,by_path}'::text[]) AS p;

-- What is seen ------------------------------------------------------------------------------

SELECT is(pg_temp.as(who, format('SELECT count(*) || '' '' || count(DISTINCT id / 100) FROM %s_%s', t, p)), expected, format('%s sees what belongs to its own rows of %s in %s', who, p, t))
FROM kinds, unnest('{part,bit}'::text[]) AS t, (VALUES ('ann', '20 2'), ('bob', '10 1')) AS v (who, expected);
SELECT is(pg_temp.as('cid', format('SELECT count(*) FROM part_%s', p)), CASE p WHEN 'by_key' THEN '0' ELSE '10' END, format('one place of %s', p)) FROM kinds;
SELECT is((SELECT string_agg(object || ' ' || finding, E'\n' ORDER BY object) FROM rbac_check_protection()
           WHERE object ~ 'by_(key|id|path)' AND finding !~ 'unique index "(by|part|bit)_\w*pkey"'),
          E'public.by_id it has rows whose column "place" names a resource that does not exist: nobody sees them, but whoever creates it would\n'
          'public.by_key it has rows whose column "place" names a resource that does not exist: nobody sees them, but whoever creates it would',
          'nothing is wrong with them but that rows of the parents belong nowhere');

-- What is written ---------------------------------------------------------------------------

SELECT is(pg_temp.as(who, format('INSERT INTO part_%s VALUES (%s) RETURNING ''ok''', p, row_values)), expected, format('%s inserts (%s) into part_%s', who, row_values, p))
FROM kinds, (VALUES ('ann', '1000, 1', 'ok'), ('ann', '1000, 3', '42501'), ('ann', '1000, 4', '42501'), ('ann', '1000, 777', '42501'), ('ann', '1000, NULL', '42501'),
                    ('bob', '1003, 3', 'ok'), ('bob', '1004, 1', '42501')) AS v (who, row_values, expected);
SELECT is(pg_temp.as('ann', format('UPDATE part_%s SET parent = %s WHERE id = 100 RETURNING ''ok''', p, parent)), expected, format('a row of part_%s goes to %s', p, parent))
FROM kinds, (VALUES ('2', 'ok'), ('3', '42501'), ('4', '42501'), ('NULL', '42501'), ('777', '42501')) AS v (parent, expected);
SELECT is(pg_temp.as('ann', format('UPDATE part_%s SET rbac_resource = NULL WHERE id = 101 RETURNING id', p)), '101', format('what is taken from it comes back: %s', p)) FROM kinds;
SELECT is((SELECT count(*) FROM part_by_key WHERE rbac_resource IS NULL AND parent IN (1, 2, 3)), 0::bigint, 'so that no row loses its place');
SELECT is(pg_temp.as('ann', format('UPDATE part_%s SET rbac_resource = (SELECT rbac_resource FROM part_%1$s WHERE id = 200) WHERE id = 101 RETURNING id', p)), CASE p WHEN 'by_key' THEN '101' ELSE '23503' END, format('or takes another: %s', p)) FROM kinds;

-- Where the owner is not bound, and where the application says the place itself
SELECT throws_ok(format('UPDATE part_%s SET rbac_resource = q.rbac_resource FROM part_%1$s AS q WHERE q.id = 300 AND part_%1$s.id = 101', p), '23503', NULL, format('S7: the place is the parent''s, for a superuser, too: %s', p)) FROM kinds;
SELECT lives_ok(format('INSERT INTO part_%s (id, parent, rbac_resource) SELECT 1001, 1, rbac_resource FROM part_%1$s WHERE id = 300', p), format('what is given for it is not taken: %s', p)) FROM kinds;
SELECT is(pg_temp.as('bob', format('SELECT count(*) FROM part_%s WHERE id = 1001', p)), '0', format('but the parent''s: %s', p)) FROM kinds;
SELECT throws_ok($$ ALTER TABLE part_by_path DISABLE TRIGGER zzz_rbac_follow_parent; INSERT INTO part_by_path (id, rbac_resource) VALUES (1002, 'north.one') $$, '23514', NULL,
                 'S7: nor does a row without a parent have a place, without the trigger');
ALTER TABLE part_by_path ENABLE TRIGGER zzz_rbac_follow_parent;

-- The parent changes --------------------------------------------------------------------------

SELECT is(pg_temp.as('bob', format('SELECT count(*) FROM bit_%s', p)), '10', format('before: %s', p)) FROM kinds;
UPDATE by_key SET place = 2 WHERE id = 1;
UPDATE by_id SET place = rbac_resource_id('south.three') WHERE id = 1;
UPDATE by_path SET place = 'south.three' WHERE id = 1;
SELECT is(pg_temp.as('bob', format('SELECT count(*) FROM bit_%s', p)), '19', format('a row takes along what belongs to it: %s', p)) FROM kinds;
SELECT is(pg_temp.as('cid', format('SELECT count(*) FROM part_%s', p)), '0', format('and away: %s', p)) FROM kinds;
SELECT throws_ok('UPDATE by_key SET id = 33 WHERE id = 3', '23503', NULL, 'what the table''s own key does about changes stays as it is');
SELECT rbac_project_edit('south.three', label => 'four'), rbac_project_move('north.two', 'south', rbac_billing_group_create('south', 'main')) \g /dev/null
SELECT is(pg_temp.as('bob', format('SELECT count(*) FROM part_%s', p)), CASE p WHEN 'by_key' THEN '22' ELSE '33' END, format('a project moves with all of it: %s', p)) FROM kinds;
SELECT is((SELECT string_agg(DISTINCT rbac_resource::text, ' ' ORDER BY rbac_resource::text) FROM bit_by_path), 'south.four south.two', 'S6: paths follow through both tables');
SELECT is((SELECT count(*) FROM by_path AS p JOIN part_by_path AS c ON c.parent = p.id WHERE c.rbac_resource OPERATOR(public.<>) p.place), 0::bigint, 'S6: and are the parent''s');

-- A parent gets a place, and has it no longer
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgname = 'zzz_rbac_fill_children' AND NOT tgisinternal AND tgrelid IN (SELECT p::regclass FROM kinds)), 3::bigint, 'one trigger a parent');
UPDATE by_key SET place = 2 WHERE id = 4;
UPDATE by_id SET place = rbac_resource_id('south.four') WHERE id = 4;
UPDATE by_path SET place = 'south.four' WHERE id = 4;
SELECT is(pg_temp.as('bob', format('SELECT count(*) FROM %s_%s WHERE id BETWEEN 400 AND 409', t, p)), '10', format('a parent that gets a place brings it to %s_%s', t, p)) FROM kinds, unnest('{part,bit}'::text[]) AS t;
UPDATE by_key SET place = NULL WHERE id = 4;
UPDATE by_id SET place = NULL WHERE id = 4;
UPDATE by_path SET place = NULL WHERE id = 4;
SELECT is(pg_temp.as('bob', format('SELECT count(*) FROM %s_%s WHERE id BETWEEN 400 AND 409', t, p)), '0', format('and takes it away from %s_%s', t, p)) FROM kinds, unnest('{part,bit}'::text[]) AS t;
ALTER TABLE by_key DISABLE TRIGGER zzz_rbac_fill_children;
UPDATE by_key SET place = 2 WHERE id = 4;
SELECT is(pg_temp.as('bob', 'SELECT count(*) FROM part_by_key WHERE id BETWEEN 400 AND 409'), '0', 'what has missed it');
UPDATE part_by_key SET parent = parent WHERE rbac_resource IS NULL AND id < 405;
SELECT is(pg_temp.as('bob', 'SELECT count(*) FROM part_by_key WHERE id BETWEEN 400 AND 409'), '5', 'has it with the next update');
SELECT rbac_protect_child('part_by_key', 'part_by_key_parent_fkey', 'service.view', 'service.view', replace => true) \g /dev/null
SELECT is(pg_temp.as('bob', 'SELECT count(*) FROM part_by_key WHERE id BETWEEN 400 AND 409'), '10', 'or when it is protected anew');
SELECT is((SELECT tgenabled FROM pg_trigger WHERE tgname = 'zzz_rbac_fill_children' AND tgrelid = 'by_key'::regclass), 'O', 'which mends the trigger as well');
UPDATE by_key SET place = NULL WHERE id = 4;

-- Again ---------------------------------------------------------------------------------------

SELECT throws_ok($$ SELECT rbac_protect_child('part_by_id', 'part_by_id_parent_fkey', 'service.view') $$, '42710', 'table "part_by_id" is protected already');
CREATE TEMP TABLE before AS SELECT conname FROM pg_constraint WHERE conrelid IN ('part_by_id'::regclass, 'by_id'::regclass);
SELECT rbac_protect_child('part_by_id', 'part_by_id_parent_fkey', ARRAY['service.view', 'admin'], 'admin'::text, replace => true) \g /dev/null
SELECT set_eq('SELECT conname FROM pg_constraint WHERE conrelid IN (''part_by_id''::regclass, ''by_id''::regclass)', 'SELECT conname FROM before', 'to protect anew makes no second key');
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgrelid = 'part_by_id'::regclass AND NOT tgisinternal), 2::bigint, 'nor trigger');
SELECT is((SELECT string_agg(pg_get_expr(polqual, polrelid), '' ORDER BY polname DESC) FROM pg_policy WHERE polrelid = 'part_by_id'::regclass AND polname IN ('rbac_select', 'rbac_delete')),
          'rbac_has_any_permission(rbac_resource, VARIADIC ''{service.view,admin}''::text[])rbac_has_permission(rbac_resource, ''admin''::text)', 'but other policies');
SELECT rbac_unprotect_table('part_by_id') \g /dev/null
SELECT is((SELECT relrowsecurity FROM pg_class WHERE oid = 'part_by_id'::regclass), false, 'it can be unprotected');

-- A column and a key that are there serve
CREATE TABLE order_line (id int PRIMARY KEY, parent int CONSTRAINT p REFERENCES by_id, owner uuid, UNIQUE (parent, owner, id));
ALTER TABLE order_line ADD FOREIGN KEY (owner, parent) REFERENCES by_id (place, id) ON UPDATE CASCADE;
SELECT rbac_protect_child('order_line', 'p', 'service.view') \g /dev/null
SELECT is((SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'order_line'::regclass AND attnum > 0), 'id parent owner', 'a column that repeats the parent''s serves');
INSERT INTO order_line VALUES (1, 3);
SELECT is((SELECT owner FROM order_line), rbac_resource_id('south.four'), 'and is filled in');

-- Partitions
CREATE TABLE parted (id int, day date, parent int NOT NULL CONSTRAINT parted_parent REFERENCES by_key, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE parted_one (parent int NOT NULL, day date NOT NULL, id int NOT NULL);
ALTER TABLE parted ATTACH PARTITION parted_one FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
INSERT INTO parted VALUES (1, '2026-02-01', 1);
SELECT rbac_protect_child('parted', 'parted_parent', 'service.view', 'service.view') \g /dev/null
CREATE TABLE parted_two PARTITION OF parted DEFAULT;
CREATE TABLE piece (id int PRIMARY KEY, parted int, day date, CONSTRAINT piece_of FOREIGN KEY (parted, day) REFERENCES parted);
SELECT rbac_protect_child('piece', 'piece_of', 'service.view', 'service.view') \g /dev/null
GRANT ALL ON parted, piece TO child_application;
SELECT is(pg_temp.as('bob', $$ INSERT INTO parted VALUES (2, '2026-02-02', 1), (3, '2027-01-01', 3) RETURNING rbac_resource $$), '2 2', 'partitions');
SELECT is(pg_temp.as('bob', $$ INSERT INTO parted VALUES (2, '2026-02-03', 2) RETURNING 1 $$), '42501', 'partitions: a row of others');
SELECT is(pg_temp.as('bob', $$ INSERT INTO piece VALUES (1, 3, '2027-01-01'), (2, 1, '2026-02-01') RETURNING rbac_resource $$), '2 2', 'a child of a table with partitions, by two columns');
UPDATE by_key SET place = 1 WHERE id = 3;
SELECT is(pg_temp.as('ann', 'SELECT id FROM piece') || pg_temp.as('bob', 'SELECT id FROM piece'), '12', 'which follows as well');

-- Tables made anew under their names, in one session, with keys of another type
CREATE FUNCTION pg_temp.make_anew(type text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    DROP TABLE IF EXISTS page, book;
    EXECUTE format('CREATE TABLE book (id %1$s PRIMARY KEY, place int); CREATE TABLE page (id int, book %1$s CONSTRAINT page_book REFERENCES book)', type);
    PERFORM rbac_protect_table('book', 'place', 'service.view', space => 'tenant'), rbac_protect_child('page', 'page_book', 'service.view');
    EXECUTE 'INSERT INTO book VALUES (''1'', 1), (''2'', NULL)';
    INSERT INTO page VALUES (1, '1'), (2, '2');
    UPDATE book SET place = 2 WHERE id = '2';
    SELECT string_agg(id || ':' || rbac_resource, ' ' ORDER BY id) INTO found FROM page;
    RETURN found;
END
$$;
SELECT is(pg_temp.make_anew(type), '1:1 2:2', format('rows follow by a key of type %s, whatever table had its name before', type))
FROM unnest('{text,bigint,int,numeric,text}'::text[]) AS type;

-- The parent goes by another column, or the key is lost --------------------------------------

SET ROLE child_owner;
CREATE TABLE trip (id int PRIMARY KEY, place int, seller text);
CREATE TABLE leg (id int PRIMARY KEY, trip int CONSTRAINT leg_trip REFERENCES trip ON DELETE CASCADE);
RESET ROLE;
INSERT INTO trip VALUES (1, 1, '2'), (2, 2, '1');
INSERT INTO leg VALUES (1, 1), (2, 2);
GRANT SELECT ON trip, leg TO child_application;
CREATE FUNCTION pg_temp.found(what text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT severity || ' ' || finding || '; ' || remedy FROM rbac_check_protection() WHERE object = 'public.leg' AND finding ~ what
$$;
SELECT rbac_protect_table('trip', 'place', 'service.view', space => 'tenant'), rbac_protect_child('leg', 'leg_trip', 'service.view') \g /dev/null
SELECT is_empty($$ SELECT pg_temp.found('follow') $$, 'rows that follow are no finding');
SELECT rbac_protect_table('trip', 'seller', 'service.view', space => 'tenant', replace => true) \g /dev/null
SELECT is(pg_temp.as('ann', 'SELECT id FROM trip') || pg_temp.as('ann', 'SELECT id FROM leg'), '21', 'a child goes by the column that it was protected by');
SELECT is((SELECT pg_temp.found('follow')),
          'error its rows follow column "place" of table public.trip, which is not protected by it any longer; '
          'SELECT public.rbac_protect_child(''public.leg''::regclass, ''leg_trip'', ''{service.view}''::text[], NULL::text[], true)', 'which is found');
SELECT remedy FROM rbac_check_protection() WHERE object = 'public.leg' AND finding ~ 'follow' \gexec
SELECT is(pg_temp.as('ann', 'SELECT id FROM trip') || pg_temp.as('ann', 'SELECT id FROM leg'), '22', 'and mended by the remedy');
SELECT is((SELECT string_agg(pg_get_constraintdef(oid), '; ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'leg'::regclass AND contype = 'f'),
          'FOREIGN KEY (trip) REFERENCES trip(id) ON DELETE CASCADE; FOREIGN KEY (trip, rbac_resource) REFERENCES trip(id, seller) ON UPDATE CASCADE ON DELETE CASCADE', 'the old key is gone');
ALTER TABLE leg DROP CONSTRAINT leg_trip_rbac_resource_fkey;
SELECT throws_ok('INSERT INTO leg VALUES (3, 1)', '55000', 'column "rbac_resource" of table "leg" follows nothing');
SELECT is((SELECT pg_temp.found('follow')),
          'error its rows do not follow by column "rbac_resource" any longer: the foreign key is gone; '
          'SELECT public.rbac_protect_child(''public.leg''::regclass, ''leg_trip'', ''{service.view}''::text[], NULL::text[], true)', 'a key that is lost is found');
SELECT remedy FROM rbac_check_protection() WHERE object = 'public.leg' AND finding ~ 'follow' \gexec
INSERT INTO leg VALUES (3, 1);
SELECT is(pg_temp.as('bob', 'SELECT id FROM leg ORDER BY id'), '1 3', 'and made again');
SELECT is_empty($$ SELECT pg_temp.found('follow') $$, 'with nothing left to find');
ALTER TABLE leg DROP CONSTRAINT leg_trip_rbac_resource_fkey, DROP CONSTRAINT leg_trip;
SELECT matches((SELECT pg_temp.found('follow')), '; DROP TRIGGER zzz_rbac_follow_parent ON public.leg; -- ', 'without the table''s own key somebody has to say what it references');

-- What cannot be ------------------------------------------------------------------------------

SELECT throws_ok(format('SELECT rbac_protect_child(%s)', arguments), code, message)
FROM (VALUES
    ($$NULL, 'p', 'service.view'$$, '22004', 'table, foreign_key and read must not be null'),
    ($$'by_id', NULL, 'service.view'$$, '22004', 'table, foreign_key and read must not be null'),
    ($$'order_line', 'none', 'service.view', replace => true$$, '42704', 'foreign key "none" of table "order_line" does not exist'),
    ($$'order_line', 'order_line_pkey', 'service.view', replace => true$$, '42704', 'foreign key "order_line_pkey" of table "order_line" does not exist'),
    ($$'bit_by_id', 'bit_by_id_part_fkey', 'service.view', replace => true$$, '55000', 'table "part_by_id" is not protected'),
    ($$'by_path', 'by_path_place_fkey', 'service.view', replace => true$$, '42809', 'foreign key "by_path_place_fkey" references a resource itself'),
    ($$'order_line', 'p', 'nonsense', replace => true$$, '42704', 'permission, role or action "nonsense" does not exist')
    ) AS v (arguments, code, message);

-- Somebody who may reference a table of others cannot read it so
SET ROLE child_owner;
GRANT REFERENCES ON by_key TO child_other;
SET ROLE child_other;
CREATE TABLE spy (id int, place int, FOREIGN KEY (id, place) REFERENCES by_key (id, place));
CREATE TRIGGER spy BEFORE INSERT ON spy FOR EACH ROW EXECUTE FUNCTION aiven_rbac.follow_parent('place');
SELECT throws_ok('INSERT INTO spy VALUES (1) RETURNING place', '42501', 'rows of table "spy" cannot follow table "by_key"', 'S6: a key to somebody else''s table reads nothing of it');
DROP TRIGGER spy ON spy;
CREATE TRIGGER spy BEFORE INSERT ON spy FOR EACH ROW EXECUTE FUNCTION aiven_rbac.follow_parent('nothing');
SELECT throws_ok('INSERT INTO spy VALUES (1)', '42703', 'column "nothing" of table "spy" does not exist');
DROP TRIGGER spy ON spy;
CREATE TRIGGER spy AFTER INSERT ON spy FOR EACH ROW EXECUTE FUNCTION aiven_rbac.follow_parent('place');
SELECT throws_ok('INSERT INTO spy VALUES (1)', '39P01', NULL, 'a trigger of another kind');
RESET ROLE;

-- Code of an owner's ---------------------------------------------------------------------------

-- A superuser protects the tables of somebody who has waited for that.
CREATE TABLE run (who text, super boolean, principal uuid, place text);
GRANT INSERT ON run TO PUBLIC;
SET ROLE child_owner;
CREATE FUNCTION tell(place text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.run SELECT current_user, pg_has_role(current_user, 'pg_read_server_files', 'MEMBER'), public.rbac_current_principal(), place;
    BEGIN
        RESET ROLE;
        INSERT INTO public.run VALUES (current_user, true, NULL, place || ': RESET ROLE');
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;
    END;
END
$$;
CREATE FUNCTION note(value anyelement, place text) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM public.tell(place); RETURN value; END $$;
CREATE FUNCTION noting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN public.note(NEW, TG_TABLE_NAME || ' ' || TG_WHEN); END $$;
CREATE TABLE lure (id int PRIMARY KEY, place int);
CREATE TABLE bait (id int PRIMARY KEY, lure int CONSTRAINT bait_lure REFERENCES lure);
INSERT INTO lure VALUES (1, 1), (2, NULL);
INSERT INTO bait VALUES (1, 1), (2, 2);
CREATE INDEX ON lure (public.note(id, 'index of the parent'));
CREATE INDEX ON bait (public.note(id, 'index'));
ALTER TABLE bait ADD CHECK (public.note(id, 'check') > 0) NOT VALID;
CREATE TRIGGER noting BEFORE UPDATE ON bait FOR EACH ROW EXECUTE FUNCTION noting();
CREATE TRIGGER noting_after AFTER UPDATE ON bait FOR EACH ROW EXECUTE FUNCTION noting();
RESET ROLE;
DELETE FROM run;
SELECT rbac_protect_table('lure', 'place', 'service.view', 'service.view', space => 'tenant'), rbac_protect_child('bait', 'bait_lure', 'service.view', 'service.view') \g /dev/null
SELECT ok(count(*) >= 3 AND bool_and(who = 'child_owner' AND NOT super), 'S5: what the owner has attached runs as the owner when a superuser protects a child: ' || string_agg(DISTINCT place, ', ')) FROM run;
DELETE FROM run;
GRANT SELECT, UPDATE ON lure TO child_application;
SELECT rbac_set_principal(rbac_user('ann@x.example')) \g /dev/null
UPDATE lure SET place = 1 WHERE id = 2;
SELECT rbac_reset_principal() \g /dev/null
SELECT is((SELECT string_agg(DISTINCT concat_ws(' ', who, super, principal), ',') FROM run WHERE place ~ 'bait'), 'child_owner f', 'S5: and when rows get their parent''s place');
SELECT is((SELECT count(*) FROM bait WHERE rbac_resource = 1), 2::bigint, 'which they do');
SET ROLE child_other;
SELECT throws_ok($$ SELECT rbac_protect_child('bait', 'bait_lure', 'service.view', replace => true) $$, '42501', NULL, 'S6: somebody else cannot protect a table');
SELECT throws_ok($$ SELECT aiven_rbac.run_as_owner('bait', 'ALTER TABLE public.bait OWNER TO child_other') $$, '42501', 'must be owner of table bait', 'S6: nor do anything as its owner');
RESET ROLE;
SELECT throws_ok($$ SELECT aiven_rbac.run_as_owner(1, 'SELECT 1') $$, '42P01', 'table with OID 1 does not exist');
SELECT throws_ok($$ SELECT rbac_protect_child('spy', 'spy_id_place_fkey', 'service.view') $$, '42501', 'rows of table "spy" cannot follow table "by_key"', 'S6: a child of another owner''s table cannot be protected by it');

-- Keys and triggers of outsiders are left aside when rows get a place
SET ROLE child_other;
CREATE TABLE outsider (id int, place int, FOREIGN KEY (id, place) REFERENCES by_key (id, place) ON UPDATE CASCADE);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;
INSERT INTO outsider VALUES (4, NULL);
CREATE TRIGGER zzz_rbac_follow_parent BEFORE UPDATE ON outsider FOR EACH ROW EXECUTE FUNCTION refuse('place');
RESET ROLE;
UPDATE by_key SET place = 1 WHERE id = 4;
SELECT is((SELECT place FROM outsider), NULL, 'S6: a table of somebody who may only reference the parent is told nothing');

-- A policy of the parent that looks at the children
CREATE POLICY with_parts ON by_id AS RESTRICTIVE USING (EXISTS (SELECT FROM part_by_id AS c WHERE c.parent = by_id.id));
SELECT rbac_protect_child('part_by_id', 'part_by_id_parent_fkey', 'service.view', replace => true) \g /dev/null
SELECT is(pg_temp.as('bob', 'SELECT count(*) FROM by_id') || pg_temp.as('bob', 'SELECT count(*) FROM part_by_id'), '333', 'a parent whose policy asks for children is no endless loop');

SELECT finish();
ROLLBACK;
