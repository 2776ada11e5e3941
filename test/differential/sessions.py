"""Sessions: a connection each, and what the model knows of its transaction."""

import psycopg2

from administration import Actor
from model import Login

CONFLICTS = {'40001', '55P03'}


class Ended(Exception):
    """The connection is gone: somebody's access was ended while the session was in
    the way of that."""


class Server:
    """How to reach the server under test (libpq's own variables say where)."""

    def __init__(self, database):
        self.database = database

    def connect(self, role):
        connection = psycopg2.connect(dbname=self.database, user=role)
        connection.autocommit = True
        return connection


def run(connection, statement):
    """(SQLSTATE or None, rows or the message of the error)"""
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
        return None, cursor.fetchall() if cursor.description else []
    except psycopg2.Error as error:
        return error.pgcode or 'XX000', str(error).strip()
    finally:
        cursor.close()


class Transaction:
    def __init__(self, level):
        self.level = level
        self.snapshot = None        # the world that an old snapshot shows
        self.writes = []
        self.handed_out = []        # [(how many writes came before, [HandedOut])]
        self.savepoints = []        # [(name, all that a rollback to it restores)]
        self.busy = False           # has it done what can hold locks?

    def keeps_snapshot(self):
        return self.level != 'READ COMMITTED'


class Session:
    """"login" is the principal now, "kept" the one after COMMIT; as settings are,
    they are undone by a rollback."""

    def __init__(self, server, role, number):
        self.number = number
        self.role = role
        self.server = server
        self.connect()

    def connect(self):
        self.connection = self.server.connect(self.role)
        self.login = self.kept = self.login_before = None
        self.transaction = None
        self.cursors = {}           # name: (table, what is shown, who fetched first and what was visible then)
        self.prepared = set()
        for setting in ("lock_timeout = '60ms'", "statement_timeout = '60s'", 'jit = off'):
            self.run('SET ' + setting)

    def run(self, statement):
        code, rows = run(self.connection, statement)
        if self.connection.closed:
            raise Ended(f'{statement}\n    {code}: {rows}')
        return code, rows

    def actor(self):
        return Actor(self.role == 'platform' and self.login is None, self.login, self.role == 'platform')

    def become(self, login, local):
        self.login = login
        if not local:
            self.kept = login
        if self.transaction is None:
            self.login = self.kept

    def begin(self, level):
        self.transaction = Transaction(level)
        self.login_before = (self.kept, self.kept)

    def savepoint(self, name):
        t = self.transaction
        t.savepoints.append((name, (len(t.writes), len(t.handed_out), self.login, self.kept)))

    def rollback_to(self, name):
        t = self.transaction
        while t.savepoints[-1][0] != name:
            t.savepoints.pop()
        writes, handed_out, self.login, self.kept = t.savepoints[-1][1]
        del t.writes[writes:], t.handed_out[handed_out:]
        self.cursors.clear()

    def end(self, committed):
        if committed:
            self.login = self.kept
        else:
            self.login, self.kept = self.login_before
        self.transaction = None
        self.cursors.clear()

    def view(self, committed):
        """The world as the session's next statement has it: what is committed, and
        what it has itself written."""
        if self.transaction is None or not self.transaction.writes:
            return committed
        return committed.with_writes(self.transaction.writes)

    def close(self):
        self.connection.close()


def login_of_token(token, handle):
    return Login(token.principal, token.method, token.two_factor, True)
