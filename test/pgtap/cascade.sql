-- S5, S6: what the owner of a table has attached to it runs as that owner, with
-- no principal, and leaves nothing, when a row changes that the table
-- references; whatever it is, whatever it references, whichever session changes
-- the row.
BEGIN;
SELECT plan(98);
\i examples/acme.sql

-- mallory owns tables that reference the extension's, as the DBA declared it;
-- back_end may set the principal.
CREATE ROLE mallory;
CREATE ROLE trent;
CREATE ROLE back_end;
GRANT EXECUTE ON FUNCTION rbac_set_principal TO back_end;
GRANT TEMPORARY ON DATABASE :DBNAME TO mallory, trent;
CREATE SCHEMA lair AUTHORIZATION mallory;
GRANT ALL ON SCHEMA lair TO PUBLIC;
CREATE TABLE doc (place uuid, secret text);
INSERT INTO doc SELECT id, 'secret' FROM aiven_rbac.resource;
SELECT rbac_protect_table('doc', 'place', 'project:services:read');
GRANT SELECT ON doc TO PUBLIC;
CREATE TABLE lair.id AS SELECT name, id FROM aiven_rbac.principal;
GRANT SELECT ON lair.id TO PUBLIC;

-- What mallory's code tries, wherever it comes to run, and how far it gets: as
-- whom, with which principal, and the outcome of each attempt
SET LOCAL ROLE mallory;
CREATE TABLE lair.caught (ran_as text, principal text, outcome text, sees bigint, knows bigint);
GRANT ALL ON lair.caught TO PUBLIC;
CREATE FUNCTION lair.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
-- Servers whose minor version is behind let a type be made where a table may not;
-- there the type that comes with a table has to do.
CREATE FUNCTION lair.typed(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lair.try('CREATE DOMAIN pg_temp.typed AS int');
    RETURN $1;
END
$$;
CREATE TABLE lair.plain AS SELECT 1 AS n;
CREATE INDEX ON lair.plain (lair.typed(n));
CREATE TABLE lair.way AS
SELECT CASE WHEN to_regtype('pg_temp.typed') IS NULL THEN 'CREATE DOMAIN pg_temp.left_behind_domain AS int'
            ELSE 'CREATE TEMPORARY TABLE left_behind_domain ()' END AS make_type;
GRANT SELECT ON lair.way TO PUBLIC;
CREATE FUNCTION lair.probe() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    outcome text;
BEGIN
    SELECT string_agg(lair.try(v.statement), ' ' ORDER BY v.n) INTO outcome
    FROM (VALUES (1, 'SELECT public.rbac_super_admin_add(''acme'', (SELECT id FROM lair.id WHERE name = ''Frank''))'),
                 (2, 'SELECT public.rbac_set_principal((SELECT id FROM lair.id WHERE name = ''Ann''))'),
                 (3, 'CREATE TEMPORARY TABLE left_behind ()'),
                 (4, (SELECT make_type FROM lair.way)),
                 (5, 'SET ROLE back_end'),
                 (6, 'SET CONSTRAINTS ALL IMMEDIATE'),
                 (7, 'SELECT set_config(''lair.mark'', ''left behind'', false), set_config(''search_path'', ''lair'', false)'))
         AS v (n, statement);
    INSERT INTO lair.caught VALUES (current_user, coalesce(public.rbac_current_principal()::text, 'none'), outcome,
                                    (SELECT count(*) FROM public.doc), (SELECT count(*) FROM aiven_rbac.visible_user));
    RETURN 1;
END
$$;
CREATE FUNCTION lair.sprung() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lair.probe();
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TABLE lair.other (n int);
GRANT INSERT ON lair.other TO PUBLIC;
CREATE FUNCTION lair.relay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lair.other VALUES (1);
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE FUNCTION lair.valid(public.rbac_path) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$;
CREATE FUNCTION lair.made(public.rbac_path) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
CREATE FUNCTION lair.nowhere() RETURNS public.rbac_path LANGUAGE plpgsql AS $$ BEGIN PERFORM lair.probe(); RETURN NULL; END $$;
CREATE DOMAIN lair.place AS public.rbac_path CHECK (lair.valid(VALUE));
-- From now on the functions that had to be harmless when they were attached
-- are not.
CREATE FUNCTION lair.arm() RETURNS void LANGUAGE plpgsql AS $arm$
BEGIN
    CREATE OR REPLACE FUNCTION lair.valid(public.rbac_path) RETURNS boolean LANGUAGE plpgsql
        AS $$ BEGIN PERFORM lair.probe(); RETURN true; END $$;
    CREATE OR REPLACE FUNCTION lair.made(public.rbac_path) RETURNS int IMMUTABLE LANGUAGE plpgsql
        AS $$ BEGIN RETURN lair.probe(); END $$;
END
$arm$;
RESET ROLE;

-- Let the DBA make a table, mallory attach to it, and a victim change what it
-- references; then tell what was caught, and what was left in the session.
CREATE FUNCTION attack(make text, attach text, act text, victim text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    caught bigint;
    me uuid;
BEGIN
    BEGIN
        -- PostgreSQL undoes this, but not what a trap says in an inner block.
        SET CONSTRAINTS ALL DEFERRED;
        EXECUTE make;
        SET LOCAL ROLE mallory;
        EXECUTE attach;
        PERFORM lair.arm();
        RESET ROLE;
        DELETE FROM lair.caught;
        IF victim = 'ann' THEN
            me := rbac_user('ann@acme.example');
            PERFORM rbac_set_principal(me);
            SET LOCAL ROLE back_end;
        END IF;
        EXECUTE act;
        caught := (SELECT count(*) FROM lair.caught);
        SET CONSTRAINTS ALL IMMEDIATE;
        result := concat_ws('; ',
            (SELECT string_agg(DISTINCT concat_ws(' ', c.ran_as, c.principal, c.outcome, c.sees, c.knows), ' and ')
             FROM lair.caught AS c),
            CASE WHEN (SELECT count(*) FROM lair.caught) <> caught THEN 'something fired later' END,
            CASE WHEN current_setting('lair.mark', true) <> '' THEN 'a setting was left' END,
            CASE WHEN to_regclass('pg_temp.left_behind') IS NOT NULL THEN 'a table was left' END,
            CASE WHEN to_regtype('pg_temp.left_behind_domain') IS NOT NULL THEN 'a type was left' END,
            CASE WHEN public.rbac_current_principal() IS DISTINCT FROM me THEN 'the principal is another' END,
            CASE WHEN current_user <> CASE victim WHEN 'ann' THEN 'back_end' ELSE session_user END THEN 'the role is another' END);
        RAISE SQLSTATE 'UNDO0';
    EXCEPTION
        WHEN SQLSTATE 'UNDO0' THEN
            RETURN result;
        WHEN OTHERS THEN
            RETURN concat_ws(' ', SQLSTATE, SQLERRM);
    END;
END
$$;

-- Tables that reference, and acts of the operator and of ann's that they feel
CREATE FUNCTION bait(type text, reference text) RETURNS text LANGUAGE sql AS $$
    SELECT format('CREATE TABLE lair.bait (place %s REFERENCES aiven_rbac.%s, n int); ALTER TABLE lair.bait OWNER TO mallory;', type, reference)
$$;
CREATE FUNCTION rows() RETURNS text LANGUAGE sql AS $$
    SELECT ' INSERT INTO lair.bait (place) VALUES (''acme.engineering.backend-dev''), (''acme.engineering.backend-dev.redis''), (''acme.finance-prod.postgresql'');'
$$;
CREATE FUNCTION path_bait() RETURNS text LANGUAGE sql AS $$
    SELECT bait('rbac_path', 'resource (path) ON UPDATE CASCADE ON DELETE CASCADE') || rows()
$$;
CREATE TABLE act (name text, statement text);
INSERT INTO act VALUES
    ('edit', $$ SELECT rbac_project_edit('acme.engineering.backend-dev', label => 'x') $$),
    ('move', $$ SELECT rbac_project_move('acme.engineering.backend-dev', 'acme.analytics') $$),
    ('rename', $$ SELECT rbac_organization_rename('acme', 'Acme', 'acme2') $$),
    ('delete', $$ SELECT rbac_service_delete('acme.finance-prod.postgresql') $$),
    ('remove', $$ SELECT rbac_member_remove('acme', rbac_user('bob@acme.example')) $$),
    ('group', $$ SELECT rbac_group_delete(rbac_group('acme', 'backend-team')) $$),
    ('raw', $$ UPDATE aiven_rbac.resource SET path = 'acme.engineering.x' WHERE path = 'acme.engineering.backend-dev' $$),
    ('with', $$ WITH u AS (UPDATE aiven_rbac.resource SET path = 'acme.engineering.x' WHERE path = 'acme.engineering.backend-dev' RETURNING id),
                     r AS (SELECT count(*) FROM u)
                INSERT INTO act SELECT count, '' FROM r $$),
    ('upsert', $$ INSERT INTO aiven_rbac.resource SELECT * FROM aiven_rbac.resource WHERE path = 'acme.engineering.backend-dev'
                  ON CONFLICT (id) DO UPDATE SET path = 'acme.engineering.x' $$);

CREATE TABLE way (name text, make text, attach text, acts text);
INSERT INTO way VALUES
    ('an AFTER trigger', path_bait(), 'CREATE TRIGGER t AFTER UPDATE OR DELETE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.sprung()',
     'edit move rename delete raw with upsert'),
    ('a BEFORE trigger', path_bait(), 'CREATE TRIGGER t BEFORE UPDATE OR DELETE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.sprung()',
     'edit move delete raw'),
    ('a BEFORE STATEMENT trigger', path_bait(), 'CREATE TRIGGER t BEFORE UPDATE OR DELETE ON lair.bait EXECUTE FUNCTION lair.sprung()',
     'edit delete'),
    ('an AFTER STATEMENT trigger', path_bait(), 'CREATE TRIGGER t AFTER UPDATE OR DELETE ON lair.bait EXECUTE FUNCTION lair.sprung()',
     'edit delete'),
    ('an AFTER STATEMENT trigger where no row follows', path_bait(),
     'DELETE FROM lair.bait; CREATE TRIGGER t AFTER UPDATE OR DELETE ON lair.bait EXECUTE FUNCTION lair.sprung()', 'edit delete'),
    ('a trigger with a transition table', path_bait(),
     'CREATE TRIGGER t AFTER UPDATE ON lair.bait REFERENCING NEW TABLE AS new OLD TABLE AS old FOR EACH STATEMENT EXECUTE FUNCTION lair.sprung()',
     'edit'),
    ('a SECURITY DEFINER trigger', path_bait(),
     'ALTER FUNCTION lair.sprung() SECURITY DEFINER; CREATE TRIGGER t AFTER UPDATE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.sprung()',
     'edit'),
    ('a constraint trigger', path_bait(),
     'CREATE CONSTRAINT TRIGGER t AFTER UPDATE OR DELETE ON lair.bait DEFERRABLE FOR EACH ROW EXECUTE FUNCTION lair.sprung()', 'edit delete'),
    ('a deferred trigger', path_bait(),
     'CREATE CONSTRAINT TRIGGER t AFTER UPDATE OR DELETE ON lair.bait INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lair.sprung()',
     'edit move delete raw with'),
    ('a deferred trigger of a table that a trigger writes to', path_bait(),
     'CREATE CONSTRAINT TRIGGER t AFTER INSERT ON lair.other INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lair.sprung();
      CREATE TRIGGER t BEFORE UPDATE OR DELETE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.relay()', 'edit delete'),
    ('a deferred exclusion constraint', path_bait(),
     'ALTER TABLE lair.bait ADD EXCLUDE (lair.made(place) WITH =, n WITH =) INITIALLY DEFERRED', 'edit'),
    ('a rule', path_bait(), 'CREATE RULE r AS ON UPDATE TO lair.bait DO ALSO INSERT INTO lair.other SELECT lair.probe()', 'edit'),
    ('a CHECK', path_bait(), 'ALTER TABLE lair.bait ADD CHECK (lair.valid(place))', 'edit'),
    ('a generated column', path_bait(), 'ALTER TABLE lair.bait ADD g int GENERATED ALWAYS AS (lair.made(place)) STORED', 'edit'),
    ('an index expression', path_bait(), 'CREATE INDEX ON lair.bait (lair.made(place))', 'edit'),
    ('a domain', bait('lair.place', 'resource (path) ON UPDATE CASCADE') || rows(), 'SELECT', 'edit'),
    ('ON DELETE SET NULL', bait('rbac_path', 'resource (path) ON DELETE SET NULL') || rows(),
     'CREATE TRIGGER t AFTER UPDATE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.sprung()', 'delete'),
    ('ON UPDATE SET NULL', bait('rbac_path', 'resource (path) ON UPDATE SET NULL') || rows(),
     'CREATE TRIGGER t AFTER UPDATE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.sprung()', 'edit'),
    ('the default of ON DELETE SET DEFAULT', bait('rbac_path', 'resource (path) ON DELETE SET DEFAULT') || rows(),
     'ALTER TABLE lair.bait ALTER place SET DEFAULT lair.nowhere()', 'delete'),
    ('a key to ids of resources',
     bait('uuid', 'resource (id) ON DELETE CASCADE') || ' INSERT INTO lair.bait SELECT id FROM aiven_rbac.resource;',
     'CREATE TRIGGER t AFTER DELETE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.sprung()', 'delete'),
    ('a key to ids of principals',
     bait('uuid', 'principal (id) ON DELETE CASCADE') || ' INSERT INTO lair.bait SELECT id FROM aiven_rbac.principal;',
     'CREATE TRIGGER t AFTER DELETE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.sprung()', 'group'),
    ('a key to memberships',
     'CREATE TABLE lair.bait (p uuid, o uuid, FOREIGN KEY (p, o) REFERENCES aiven_rbac.membership ON DELETE CASCADE);
      ALTER TABLE lair.bait OWNER TO mallory; INSERT INTO lair.bait SELECT principal, organization FROM aiven_rbac.membership;',
     'CREATE TRIGGER t AFTER DELETE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.sprung()', 'remove group'),
    ('a partitioned table',
     'CREATE TABLE lair.bait (place rbac_path REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE ON DELETE CASCADE, n int) PARTITION BY RANGE (place);
      CREATE TABLE lair.low PARTITION OF lair.bait FOR VALUES FROM (MINVALUE) TO (''acme.engineering.m'');
      CREATE TABLE lair.high PARTITION OF lair.bait FOR VALUES FROM (''acme.engineering.m'') TO (MAXVALUE);
      ALTER TABLE lair.bait OWNER TO mallory; ALTER TABLE lair.low OWNER TO mallory; ALTER TABLE lair.high OWNER TO mallory;' || rows(),
     'CREATE TRIGGER t AFTER INSERT OR UPDATE OR DELETE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.sprung()', 'edit delete');

-- It all succeeds in a session of ann's; so the trap is able to catch something.
SELECT is(attack('SELECT', 'SELECT', 'SELECT lair.probe()', 'ann'),
          format('back_end %s done done done done done done done 14 8; a setting was left; a table was left; a type was left',
                 rbac_user('ann@acme.example')),
          'what the trap tries succeeds in a session of ann''s');

SELECT is(attack(w.make, w.attach, a.statement, victim), 'mallory none 42501 42501 42501 42501 42501 42501 done 0 0',
          format('S5: %s: %s by %s', w.name, a.name, victim))
FROM way AS w, act AS a, unnest('{operator,ann}'::text[]) AS victim
WHERE a.name = ANY (string_to_array(w.acts, ' ')) AND (victim = 'operator' OR a.name NOT IN ('raw', 'with', 'upsert'))
ORDER BY w.name, a.name, victim;

-- Each owner in a chain of foreign keys has code of its own.
CREATE FUNCTION chain() RETURNS text LANGUAGE sql AS $$
    SELECT path_bait() || ' ALTER TABLE lair.bait ADD UNIQUE (place);
        CREATE TABLE lair.next (place rbac_path REFERENCES lair.bait (place) ON UPDATE CASCADE ON DELETE CASCADE);
        INSERT INTO lair.next SELECT place FROM lair.bait;
        CREATE TRIGGER t AFTER UPDATE OR DELETE ON lair.next FOR EACH ROW EXECUTE FUNCTION lair.sprung();
        CREATE TRIGGER s AFTER UPDATE OR DELETE ON lair.next EXECUTE FUNCTION lair.sprung();
        ALTER TABLE lair.next OWNER TO trent;'
$$;
SELECT is(attack(chain(), 'SELECT', a.statement, 'ann'), 'trent none 42501 42501 42501 42501 42501 42501 done 0 0',
          format('S5: a table that follows a table that follows: %s', a.name))
FROM act AS a WHERE a.name IN ('edit', 'delete') ORDER BY a.name;

-- What parallel workers know of the session, they must not tell either.
SELECT set_config(name, CASE name WHEN 'parallel_setup_cost' THEN '0' WHEN 'min_parallel_table_scan_size' THEN '0' ELSE
                             CASE vartype WHEN 'enum' THEN 'on' ELSE '0' END END, true)
FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query', 'parallel_setup_cost', 'parallel_tuple_cost', 'min_parallel_table_scan_size');
SELECT is(attack(path_bait(), $$ CREATE FUNCTION lair.in_worker() RETURNS trigger LANGUAGE plpgsql AS $f$
                                 DECLARE
                                     known text;
                                 BEGIN
                                     SELECT string_agg(coalesce(public.rbac_current_principal()::text, 'none'), ' ') INTO known FROM lair.one;
                                     INSERT INTO lair.caught (ran_as, principal) VALUES (current_user, known);
                                     RETURN NULL;
                                 END $f$;
                                 CREATE TABLE lair.one AS SELECT 1 AS one;
                                 CREATE TRIGGER t AFTER UPDATE ON lair.bait EXECUTE FUNCTION lair.in_worker() $$,
                 a.statement, 'ann'), 'mallory none', 'S5: nor do parallel workers know the principal')
FROM act AS a WHERE a.name = 'edit';
SELECT set_config(name, boot_val, true) FROM pg_settings
WHERE name IN ('force_parallel_mode', 'debug_parallel_query', 'parallel_setup_cost', 'parallel_tuple_cost', 'min_parallel_table_scan_size');

-- What an expression has found out in the session it does not say to code that
-- the owner of a table has attached.
SET LOCAL ROLE mallory;
CREATE FUNCTION lair.can() RETURNS boolean STABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN public.rbac_has_permission('acme'::public.rbac_path, 'service.view');
END
$$;
CREATE FUNCTION lair.tell(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN n; END $$;
CREATE TABLE lair.told AS SELECT 1 AS n;
CREATE INDEX ON lair.told (lair.tell(n));
CREATE OR REPLACE FUNCTION lair.tell(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    IF lair.can() THEN
        RAISE 'ann can';
    END IF;
    RETURN n;
END
$$;
RESET ROLE;
SELECT rbac_set_principal(rbac_user('ann@acme.example'));
SELECT lives_ok($$ DO 'BEGIN ASSERT lair.can(); ANALYZE lair.told; ASSERT lair.can(); END' $$,
                'S5: what an expression has found out for ann it does not say to the trap');
SELECT rbac_reset_principal();

-- Rows follow, or nothing moves (H3): whatever triggers and rules make of it.
SELECT is(attack(make || rows(), attach, a.statement, 'ann'), outcome, format('H3: %s: %s', description, a.name))
FROM act AS a, (VALUES
    ('a trigger that keeps the row', bait('rbac_path', 'resource (path) ON UPDATE CASCADE ON DELETE CASCADE'),
     'CREATE FUNCTION lair.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      CREATE TRIGGER t BEFORE UPDATE OR DELETE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.keep()',
     '23503 update or delete on table "resource" violates foreign key constraint "bait_place_fkey" on table "bait"'),
    ('a trigger that keeps the path', bait('rbac_path', 'resource (path) ON UPDATE CASCADE ON DELETE SET NULL'),
     'CREATE FUNCTION lair.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.place := OLD.place; RETURN NEW; END $$;
      CREATE TRIGGER t BEFORE UPDATE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.keep()',
     '23503 insert or update on table "bait" violates foreign key constraint "bait_place_fkey"'),
    ('a trigger that brings the path again', bait('rbac_path', 'resource (path) ON UPDATE CASCADE ON DELETE CASCADE INITIALLY DEFERRED'),
     'CREATE FUNCTION lair.again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO lair.bait VALUES (OLD.place); RETURN NULL; END $$;
      CREATE TRIGGER t AFTER UPDATE OR DELETE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.again()',
     '23503 insert or update on table "bait" violates foreign key constraint "bait_place_fkey"'),
    ('a rule that keeps the row', bait('rbac_path', 'resource (path) ON UPDATE CASCADE ON DELETE CASCADE'),
     'CREATE RULE r AS ON UPDATE TO lair.bait DO INSTEAD NOTHING; CREATE RULE s AS ON DELETE TO lair.bait DO INSTEAD NOTHING',
     'XX000 referential integrity query on "resource" from constraint "bait_place_fkey" on "bait" gave unexpected result'))
    AS v (description, make, attach, outcome)
WHERE a.name IN ('edit', 'delete')
ORDER BY description, a.name;

-- Where a deferred trigger cannot be made to fire at once, nothing moves either.
SELECT is(attack(path_bait(),
                 'CREATE TABLE lair.parts (n int) PARTITION BY RANGE (n);
                  CREATE TABLE lair.part PARTITION OF lair.parts FOR VALUES FROM (0) TO (10);
                  CREATE CONSTRAINT TRIGGER t AFTER INSERT ON lair.part INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lair.sprung();
                  CREATE FUNCTION lair.route() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO lair.parts VALUES (1); RETURN NULL; END $$;
                  CREATE TRIGGER t AFTER UPDATE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.route()',
                 a.statement, 'ann'), '42501 cannot fire deferred trigger within security-restricted operation',
          'S5: a deferred trigger of a partition that a row is routed to')
FROM act AS a WHERE a.name = 'edit';

-- What the session itself has queued waits as it did, and acts for it.
SELECT is(attack(path_bait(),
                 'CREATE TRIGGER t AFTER UPDATE ON lair.bait FOR EACH ROW EXECUTE FUNCTION lair.sprung();
                  CREATE CONSTRAINT TRIGGER t AFTER INSERT ON lair.other INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lair.sprung()',
                 'INSERT INTO lair.other VALUES (1);' || a.statement || '; DELETE FROM lair.caught', 'ann'),
          format('back_end %s done done done done done done done 14 8; something fired later; a setting was left; a table was left; a type was left',
                 rbac_user('ann@acme.example')),
          'S5: a trigger that the session had deferred')
FROM act AS a WHERE a.name = 'edit';

-- Elsewhere nothing has changed.
SELECT is(current_user, session_user, 'S5: the session is whose it was');
SELECT is(rbac_current_principal(), NULL, 'S5: and has the principal that it had');
SELECT lives_ok($$ SELECT rbac_super_admin_add('acme', rbac_user('frank@acme.example')) $$,
                'S5: administration goes on afterwards');

SELECT * FROM finish();
ROLLBACK;
