"""Takes steps, in the product and in the model, and stops where they differ."""

import time
from collections import Counter

from administration import judge, still_stands
from model import Login, World
from questions import QUESTIONS, TABLES_OF_ROWS, ask_rows_of_cursor, is_visible, may_write, shown_now
from sessions import CONFLICTS, Ended, Session, login_of_token, run
from steps import Names, Script, call_in_sql, literal, other_in_sql, proof, step_for_psql

ROLES = ('platform', 'platform', 'backend', 'backend', 'backend')

SETUP = """
CREATE EXTENSION aiven_rbac;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO platform;
GRANT EXECUTE ON FUNCTION rbac_set_principal, rbac_authenticate, rbac_domain_verify TO backend;
CREATE TABLE by_id (number int PRIMARY KEY, resource uuid, note text);
CREATE TABLE by_path (number int PRIMARY KEY, resource rbac_path
                      REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE ON DELETE CASCADE, note text);
SELECT rbac_protect_table('by_id', 'resource', 'project:services:read', 'project:services:write'),
       rbac_protect_table('by_path', 'resource', '{read_only,service.power}'::text[], '{admin,service.power}'::text[]);
GRANT SELECT, INSERT, UPDATE, DELETE ON by_id, by_path TO platform, backend;
"""

# What a call that makes something returns; all others return what the model says.
MAKES_PLACE = {'rbac_organization_create', 'rbac_unit_create', 'rbac_project_create', 'rbac_service_create'}
MAKES_ID = {'rbac_user_create', 'rbac_application_user_create', 'rbac_group_create', 'rbac_invitation_create',
            'rbac_billing_group_create', 'rbac_billing_address_add', 'rbac_payment_method_add',
            'rbac_identity_provider_add', 'rbac_token_create'}


class Difference(Exception):
    """The product did not do what the rules say."""


class Doomed(Exception):
    """A transaction that keeps its snapshot has to be run again (40001)."""


class Runner:
    def __init__(self, server, catalogue):
        self.server = server
        self.committed = World(catalogue)
        self.names = Names()
        self.script_names = Script()
        self.fixture = server.connect('postgres')
        run(self.fixture, "SET lock_timeout = '5ms'")
        self.sessions = [Session(server, role, i) for i, role in enumerate(ROLES)]
        self.counts = Counter()
        self.next_row = 1
        self.script = []                # what was done, as psql would do it
        self.moments = []               # (microseconds since 1970, the world of then)

    def close(self):
        for session in self.sessions:
            session.close()
        self.fixture.close()

    def take(self, step):
        session = self.sessions[step.session]
        if session.transaction is None and step.verb in NEED_TRANSACTION:
            return
        if session.transaction is not None and step.verb == 'begin':
            return
        self.script.append((session, step_for_psql(self.view(session), self.script_names, step)))
        try:
            TAKE[step.verb](self, session, step)
        except Doomed:
            self.counts['conflicts'] += 1
            self.rollback(session, step)
        except Ended as found:
            self.connect_again(session, found)

    def view(self, session):
        return session.view(self.committed)

    def now(self):
        return time.time()

    def near_a_boundary(self):
        """Could a period have begun or ended between a question and its answer?"""
        now = time.time()
        return any(abs(edge - now) < 5 for grant in self.committed.grant.values()
                   for edge in grant if edge is not None)

    def must_run(self, session, statement):
        code, rows = session.run(statement)
        self.doom(session, code)
        if code is not None:
            raise Difference(f'{statement}\n    raised {code}: {rows}')
        return rows

    def doom(self, session, code):
        if code == '40001' and session.transaction and session.transaction.keeps_snapshot():
            raise Doomed

    # --- transactions ---

    def begin(self, session, step):
        self.must_run(session, other_in_sql(self.names, None, step))
        session.begin(step.arguments)
        if session.transaction.keeps_snapshot():
            self.must_run(session, 'SELECT 1')
            session.transaction.snapshot = self.committed

    def savepoint(self, session, step):
        self.must_run(session, other_in_sql(self.names, None, step))
        session.savepoint(step.arguments)

    def rollback_to(self, session, step):
        if any(name == step.arguments for name, _ in session.transaction.savepoints):
            self.must_run(session, other_in_sql(self.names, None, step))
            session.rollback_to(step.arguments)

    def rollback(self, session, step):
        self.must_run(session, 'ROLLBACK')
        session.end(False)

    def connect_again(self, session, found):
        """Nothing remains of what it had not committed (G11)."""
        if session.transaction is None or not session.transaction.busy:
            raise Difference(f'the session is gone, which was in nobody\'s way: {found}')
        self.counts['ended sessions'] += 1
        session.connect()

    def commit(self, session, step):
        transaction = session.transaction
        stands = all(still_stands(self.committed.with_writes(transaction.writes[:writes]), handed_out, time.time())
                     for writes, handed_out in transaction.handed_out)
        code, message = session.run('COMMIT')
        self.counts['commits' if code is None else 'failed commits'] += 1
        if code not in CONFLICTS and (code is None) != stands:
            raise Difference(f'COMMIT {"succeeded" if code is None else f"raised {code}: {message}"}, but '
                             f'what was handed out {"still stands" if stands else "does not stand any more"} (G5)')
        if code not in {None, '42501'} | CONFLICTS:
            raise Difference(f'COMMIT raised {code}: {message}')
        writes = transaction.writes
        session.end(code is None)
        if code is None:
            self.commit_writes(writes)

    def commit_writes(self, writes):
        if writes:
            self.committed = self.committed.with_writes(writes)
            self.fill_tables(writes)
            self.remember_moment()

    def remember_moment(self):
        """For questions about the past.  The log tells of a change at the time when it
        is made: while one is open, the moment is not yet known."""
        if not any(session.transaction and session.transaction.busy for session in self.sessions):
            code, rows = run(self.fixture, 'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint')
            self.moments = self.moments[-40:] + [(rows[0][0], self.committed)]

    def fill_tables(self, writes):
        """Rows for every new place, that no session has written."""
        for table, resource, row in writes:
            if table != 'resource' or row is None or resource not in self.committed.resource:
                continue
            for rows in TABLES_OF_ROWS:
                if resource not in getattr(self.committed, 'row_' + rows).values():
                    self.insert_row(rows, resource)

    def insert_row(self, table, resource):
        where = self.committed.path(resource) if table == 'by_path' else self.names.id(resource)
        number, self.next_row = self.next_row, self.next_row + 1
        code, _ = run(self.fixture, f'INSERT INTO {table} VALUES ({number}, {literal(where)})')
        if code is None:
            self.committed = self.committed.with_writes([('row_' + table, number, resource)])

    # --- who the session is ---

    def become(self, session, step):
        principal, method, two_factor, local = step.arguments
        self.must_run(session, other_in_sql(self.names, self.view(session), step))
        session.become(Login(principal, method, two_factor, method == 'token'), local)

    def nobody(self, session, step):
        self.must_run(session, other_in_sql(self.names, None, step))
        session.become(None, False)

    def log_in(self, session, step):
        handle, address, local = step.arguments
        world = self.view(session)
        token = world.token.get(handle)
        right = (token is not None and not token.revoked and world.is_active(token.principal)
                 and (token.networks is None or any(address.startswith(n.split('.0')[0]) for n in token.networks)))
        code, rows = self.guarded(session, other_in_sql(self.names, world, step))
        if code in CONFLICTS and self.can_conflict(session):
            return
        self.counts['logins'] += 1
        if code not in (None, '28000') or (code is None) != right:
            raise Difference(f'a token {"opens a session" if code is None else f"is refused ({code}: {rows})"}, '
                             f'but it {"may be used" if right else "may not be used"} (P8)')
        if code is None:
            session.become(login_of_token(token, handle), local)

    # --- calls ---

    def guarded(self, session, statement):
        """Run it in a savepoint, if in a transaction, so that this can go on."""
        if session.transaction is None:
            return session.run(statement)
        self.must_run(session, 'SAVEPOINT guard')
        code, rows = session.run(statement)
        if code is not None:
            self.must_run(session, 'ROLLBACK TO SAVEPOINT guard')
        self.must_run(session, 'RELEASE SAVEPOINT guard')
        return code, rows

    def can_conflict(self, session):
        """Another open transaction can be in the way, or a change since the snapshot."""
        mine = session.transaction
        return (any(s.transaction and s.transaction.busy for s in self.sessions if s is not session)
                or (mine is not None and mine.keeps_snapshot() and mine.snapshot is not self.committed))

    def call(self, session, step):
        world, now = self.view(session), round(time.time(), 6)
        function, arguments = step.arguments
        for_model = {name: self.names.for_model(world, value, now) for name, value in arguments.items()}
        statement = 'SELECT * FROM ' + call_in_sql(self.names, world, step, now)
        code, rows = self.guarded(session, statement)
        if session.transaction:
            session.transaction.busy = True
        if code in CONFLICTS and self.can_conflict(session):
            self.counts['conflicts'] += 1
            return
        call = self.judged(world, session, function, for_model, step.made, code, now)
        self.counts[function, 'refused' if call.wrong else 'allowed'] += 1
        self.compare_verdict(statement, call, code, rows)
        if code is None:
            self.compare_result(statement, call, function, rows)
            self.note_made(session, function, for_model, step.made, rows)
            self.note_effects(session, call)

    def judged(self, world, session, function, arguments, made, code, now):
        """By the time before the call, or after it if that explains the answer."""
        for instant in (now, time.time()):
            call = judge(world, session.actor(), instant, function, arguments, made)
            if code in call.wrong or (code is None and not call.wrong):
                break
        return call

    def compare_verdict(self, statement, call, code, rows):
        if code is None and call.wrong:
            raise Difference(f'{statement}\n    is allowed, but the rules refuse it with {sorted(call.wrong)}')
        if code is not None and code not in call.wrong:
            raise Difference(f'{statement}\n    raised {code}: {rows}\n    but the rules '
                             + (f'refuse it with {sorted(call.wrong)}' if call.wrong else 'allow it'))

    def compare_result(self, statement, call, function, rows):
        if call.result is None or function in MAKES_ID:
            return
        expected = call.result
        if function == 'rbac_project_move':
            rows = sorted((row[0], row[2]) for row in rows)
            expected = sorted((self.names.id(principal), name) for principal, name in expected)
        else:
            rows = rows[0][0]
        if rows != expected:
            raise Difference(f'{statement}\n    returned {rows}, expected {expected}')

    def note_effects(self, session, call):
        transaction = session.transaction
        if transaction is None:
            self.commit_writes(call.writes)
            return
        if call.handed_out:
            transaction.handed_out.append((len(transaction.writes), call.handed_out))
        transaction.writes += call.writes

    def note_made(self, session, function, arguments, made, rows):
        if function in MAKES_ID:
            self.names.ids[made] = rows[0][0]
        elif function == 'rbac_domain_add':
            world = self.view(session)
            self.names.ids[proof(world.at(arguments['organization']), arguments['domain'].lower())] = rows[0][0]
        elif function in MAKES_PLACE:
            path = literal(rows[0][0])
            self.names.ids[made] = self.must_run(session, f'SELECT rbac_resource_id({path})')[0][0]
            if function == 'rbac_organization_create':
                owners = self.must_run(session, f"SELECT rbac_group({path}, 'account owners')")
                self.names.ids[made + '-owners'] = owners[0][0]

    # --- rows ---

    def write(self, session, step):
        """INSERT, UPDATE or DELETE as the policies let a session."""
        table, command, resource, number = step.arguments
        world, now = self.view(session), time.time()
        if command == 'insert':
            self.insert(session, world, now, table, resource)
        else:
            self.change_rows(session, world, now, table, command, number)

    def insert(self, session, world, now, table, resource):
        if resource not in world.resource:
            return
        number, self.next_row = self.next_row, self.next_row + 1
        where = world.path(resource) if table == 'by_path' else self.names.id(resource)
        statement = f'INSERT INTO {table} VALUES ({number}, {literal(where)})'
        code, rows = self.guarded(session, statement)
        if session.transaction:
            session.transaction.busy = True
        if code in CONFLICTS and self.can_conflict(session):
            return
        # A place from after the snapshot is none to a foreign key.
        if code == '23503' and session.transaction and session.transaction.keeps_snapshot():
            return
        allowed = may_write(world, session.login, table, resource, now)
        self.counts['writes'] += 1
        if (code is None) != allowed or code not in (None, '42501'):
            raise Difference(f'{statement}\n    {"is allowed" if code is None else f"raised {code}: {rows}"}, '
                             f'expected that it is {"allowed" if allowed else "refused"}')
        if code is None:
            self.note_rows(session, [('row_' + table, number, resource)])

    def change_rows(self, session, world, now, table, command, number):
        if session.transaction and session.transaction.keeps_snapshot():
            return
        statement = (f"UPDATE {table} SET note = 'x' WHERE number % 7 = {number} RETURNING number"
                     if command == 'update' else
                     f'DELETE FROM {table} WHERE number % 97 = {number} RETURNING number')
        code, rows = self.guarded(session, statement)
        if session.transaction:
            session.transaction.busy = True
        if code in CONFLICTS and self.can_conflict(session):
            return
        expected = sorted(n for n, r in getattr(world, 'row_' + table).items()
                          if n % (7 if command == 'update' else 97) == number
                          and is_visible(world, session.login, table, r, now)
                          and may_write(world, session.login, table, r, now))
        self.counts['writes'] += 1
        if code is not None or sorted(row[0] for row in rows) != expected:
            raise Difference(f'{statement}\n    gave {code or ""} {rows}, expected rows {expected}')
        if command == 'delete':
            self.note_rows(session, [('row_' + table, n, None) for n in expected])

    def note_rows(self, session, writes):
        if session.transaction:
            session.transaction.writes += writes
        else:
            self.committed = self.committed.with_writes(writes)

    # --- questions ---

    def ask(self, session, step):
        kind, seed = step.arguments
        wrong, count = QUESTIONS[kind](self, session, seed)
        self.doom(session, '40001' if wrong and 'raised 40001' in wrong else None)
        self.counts['decisions' if kind in DECISIONS else kind] += count
        if wrong:
            raise Difference(f'{kind} of session {session.number} ({session.login or session.role}): {wrong}')

    def open(self, session, step):
        name, table = step.arguments
        if name in session.cursors:
            return
        self.must_run(session, f'DECLARE {name} NO SCROLL CURSOR FOR SELECT number FROM {table}')
        session.cursors[name] = (table, shown_now(self, session), None)

    def fetch(self, session, step):
        name, count = step.arguments
        if name in session.cursors:
            wrong = ask_rows_of_cursor(self, session, name, count)
            self.counts['fetches'] += 1
            if wrong:
                raise Difference(f'FETCH {count} FROM {name}: {wrong}')


DECISIONS = {'own decisions', 'decisions about others', 'any of some', 'actions', 'permissions', 'own places'}

TAKE = {'begin': Runner.begin, 'commit': Runner.commit, 'rollback': Runner.rollback,
        'savepoint': Runner.savepoint, 'rollback to': Runner.rollback_to, 'become': Runner.become,
        'nobody': Runner.nobody, 'log in': Runner.log_in, 'call': Runner.call, 'write': Runner.write,
        'ask': Runner.ask, 'open': Runner.open, 'fetch': Runner.fetch}
NEED_TRANSACTION = {'commit', 'rollback', 'savepoint', 'rollback to', 'open', 'fetch'}
