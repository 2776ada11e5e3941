"""The ways of asking whether a fact holds, in a session that stays.

Each question returns True or False; None where it could not be asked.  A session
keeps its prepared statements, cached plans and PL/pgSQL expressions, which is what
could go stale.
"""

import psycopg2
import psycopg2.errors
import psycopg2.extensions

NAME = "project:services:read"

# What the checkers need in the database
FUNCTIONS = """
CREATE FUNCTION asked_in_a_loop(project uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    held boolean;
BEGIN
    FOR i IN 1 .. 3 LOOP
        held := rbac_has_permission(project, 'project:services:read');
    END LOOP;
    RETURN held;
END $$;
CREATE FUNCTION rows_in_a_loop() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    found_one boolean := false;
    r record;
BEGIN
    FOR r IN SELECT FROM by_id LOOP
        found_one := true;
    END LOOP;
    RETURN found_one;
END $$;
"""


class Asker:
    """A checker's session, about one fact at a time."""

    def __init__(self, connection, fact):
        self.connection = connection
        self.cursor = connection.cursor()
        self.fact = fact
        self.isolation = None       # of the transaction that is open
        self.open_cursor = None

    def run(self, sql, *values):
        self.cursor.execute(sql, values)
        return self.cursor.fetchall() if self.cursor.description else None

    def one(self, sql, *values):
        return self.run(sql, *values)[0][0]

    # --- transactions and principals ------------------------------------------

    def begin(self, isolation):
        """isolation: None for statements of their own"""
        self.end()
        if isolation:
            self.run("BEGIN ISOLATION LEVEL " + isolation)
        self.isolation = isolation
        self.become()

    def unless_moved_here(self, held):
        """An old snapshot may not show here what came since."""
        old = (self.isolation or "READ COMMITTED") != "READ COMMITTED"
        return None if old and self.fact.way.moves and not held else held

    def become(self):
        if self.fact.way.token:
            return
        self.run("SELECT rbac_set_principal(%s, 'password', is_local => false)", self.fact.principal)

    def end(self):
        self.open_cursor = None
        if self.isolation:
            # ROLLBACK would bring back the principal of before
            self.run("COMMIT")
        self.isolation = None

    def recover(self):
        self.run("ROLLBACK")
        self.isolation = None
        self.open_cursor = None
        self.become()

    # --- questions -----------------------------------------------------------

    def has_permission(self):
        return self.one("SELECT rbac_has_permission(%s::uuid, %s)", self.fact.project, NAME)

    def has_any_permission(self):
        return self.one("SELECT rbac_has_any_permission(%s::uuid, 'backup.view', %s)", self.fact.project, NAME)

    def about_somebody(self):
        if self.fact.way.session:
            return None
        return self.one("SELECT rbac_has_permission(%s::uuid, %s::uuid, %s)",
                        self.fact.principal, self.fact.project, NAME)

    def prepared_call(self):
        return self.one("EXECUTE asked(%s)", self.fact.project)

    def prepared_rows(self):
        return self.one("EXECUTE rows_by_id") > 0

    def rows_by_id(self):
        return self.one("SELECT count(*) FROM by_id") > 0

    def rows_by_path(self):
        return self.unless_moved_here(self.one("SELECT count(*) FROM by_path") > 0)

    def rows_of_project(self):
        return self.one("SELECT count(*) FROM by_id WHERE project = %s", self.fact.project) > 0

    def with_settings(self, settings, question):
        """An error has undone them: the transaction is over, and the next begins anew."""
        self.run("".join("SET %s;" % setting for setting in settings))
        try:
            return self.one(question)
        finally:
            if self.connection.info.transaction_status != psycopg2.extensions.TRANSACTION_STATUS_INERROR:
                self.run("".join("RESET %s;" % setting.split()[0] for setting in settings))

    def rows_by_sequential_scan(self):
        return self.with_settings(["enable_indexscan = off", "enable_bitmapscan = off", "enable_indexonlyscan = off"],
                                  "SELECT count(*) FROM by_id") > 0

    def rows_in_parallel(self):
        name = "debug_parallel_query" if self.connection.server_version >= 160000 else "force_parallel_mode"
        return self.unless_moved_here(self.with_settings([name + " = on"], "SELECT count(*) FROM by_path") > 0)

    def join(self):
        return self.unless_moved_here(self.one("SELECT count(*) FROM by_id JOIN by_path USING (n)") > 0)

    def expression_in_plpgsql(self):
        return self.one("SELECT asked_in_a_loop(%s)", self.fact.project)

    def loop_in_plpgsql(self):
        return self.one("SELECT rows_in_a_loop()")

    def resources(self):
        return self.unless_moved_here(self.one("SELECT count(*) FROM rbac_resources(%s, 'project')", NAME) > 0)

    def effective_actions(self):
        return self.one("SELECT count(*) FROM rbac_effective_actions(%s::uuid) WHERE action = 'service.view'",
                        self.fact.project) > 0

    def cursor_goes_on(self):
        """A cursor promises nothing of what is gained while it is open."""
        if not self.isolation:
            return None
        if self.open_cursor is None:
            self.run("DECLARE c CURSOR FOR SELECT n FROM by_id ORDER BY n")
            self.open_cursor = bool(self.run("FETCH 1 FROM c"))
            return self.open_cursor
        try:
            self.run("SAVEPOINT s")
            held = bool(self.run("FETCH 1 FROM c"))
        except psycopg2.errors.InsufficientPrivilege:
            held = False
            self.run("ROLLBACK TO s")
        self.run("CLOSE c")
        self.open_cursor = None
        return held or None

    def log_in(self):
        try:
            if self.isolation:
                self.run("SAVEPOINT s")
            return self.one("SELECT rbac_authenticate(%s, is_local => false)", self.fact.token) is not None
        except psycopg2.errors.InvalidAuthorizationSpecification:
            if self.isolation:
                self.run("ROLLBACK TO s")
            return False


QUESTIONS = [
    Asker.has_permission, Asker.has_any_permission, Asker.about_somebody, Asker.prepared_call,
    Asker.prepared_rows, Asker.rows_by_id, Asker.rows_by_path, Asker.rows_of_project,
    Asker.rows_by_sequential_scan, Asker.rows_in_parallel, Asker.join, Asker.expression_in_plpgsql,
    Asker.loop_in_plpgsql, Asker.resources, Asker.effective_actions, Asker.cursor_goes_on,
]


def questions(fact):
    return [Asker.log_in] if fact.way.token else QUESTIONS
