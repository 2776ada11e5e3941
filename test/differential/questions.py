"""Questions to both, and whether the answers are alike.

Each returns (what is wrong or None, how many answers were compared).  What is
asked about is drawn by a seed from what there is when the question is asked.
"""

import random
import zlib

from sessions import run
from steps import literal

TABLES_OF_ROWS = {'by_id': (('project:services:read',), ('project:services:write',)),
                  'by_path': (('read_only', 'service.power'), ('admin', 'service.power'))}
UNKNOWN_ID = '00000000-0000-4000-8000-999999999999'
SHOWN = 8

INSTANT = 'extract(epoch FROM greatest(now(), statement_timestamp()))::float8'


def uuids(list):
    return 'ARRAY[' + ', '.join(map(literal, list)) + ']::uuid[]'


def drawn(seed, list, most):
    """Some of a list: the same ones when something else is not in it any more"""
    return sorted(sorted(list, key=lambda one: zlib.crc32(f'{seed} {one}'.encode()))[:most])


def all_names(world, login):
    """Those that a session may ask by: the roles of organizations of others are
    unknown to a principal (H4)."""
    roles = {name for organization, name in world.role
             if login is None or world.is_member(login.principal, organization)}
    return world.catalogue.actions + list(world.catalogue.types) + sorted(roles)


def holds(world, login, principal, resource, names, instant):
    """Does a principal, or the session if it is its own, hold one of some names?"""
    if principal is None or resource not in world.resource:
        return False
    own = login if login and login.principal == principal else None
    held = world.held(principal, instant, own).get(resource, 0)
    return any(needed and held & needed == needed for needed in (world.needed(n, resource) for n in names))


def is_visible(world, login, table, resource, instant):
    return login is not None and holds(world, login, login.principal, resource, TABLES_OF_ROWS[table][0], instant)


def may_write(world, login, table, resource, instant):
    return login is not None and holds(world, login, login.principal, resource, TABLES_OF_ROWS[table][1], instant)


def shown(list):
    return '; '.join(list[:SHOWN]) + (f'; and {len(list) - SHOWN} more' if len(list) > SHOWN else '')


# --- decisions ------------------------------------------------------------------

class Cross:
    """Every principal, on every resource, for every name, in one statement: the
    answers are a text of 0 and 1, in the order of these three."""

    def __init__(self, runner, session, seed, others):
        self.random = random.Random(seed)
        self.world = runner.view(session)
        self.names_of = runner.names
        self.login = session.login
        self.resources = drawn(seed, self.world.resource, 40) + [None]
        self.names = drawn(seed, all_names(self.world, self.login), 25)
        self.principals = [self.login.principal if self.login else None]
        if others:
            self.principals = drawn(seed, self.world.principal, 6) + ['nobody']
        self.others = others
        self.by = self.random.choice(('id', 'path'))

    def resources_in_sql(self):
        if self.by == 'id':
            return uuids([self.names_of.id(r) if r else UNKNOWN_ID for r in self.resources])
        return literal([self.world.path(r) if r else 'no.such.place' for r in self.resources]) + '::rbac_path[]'

    def principals_in_sql(self):
        return uuids([self.names_of.id(p) if p else UNKNOWN_ID for p in self.principals])

    def statement(self, question, names=None):
        who = 'p.p, ' if self.others else ''
        order = self.random.choice(('p.n, r.n, x.n', 'r.n, p.n, x.n', 'x.n, r.n, p.n', 'md5((p.n * r.n)::text)'))
        names = literal(self.names if names is None else names)
        return (f"SELECT {INSTANT}, string_agg(CASE a WHEN true THEN '1' WHEN false THEN '0' ELSE '?' END, '' ORDER BY p, r, x) "
                f'FROM (SELECT p.n AS p, r.n AS r, x.n AS x, {question.format(who=who)} AS a'
                f' FROM unnest({self.principals_in_sql()}) WITH ORDINALITY AS p (p, n),'
                f' unnest({self.resources_in_sql()}) WITH ORDINALITY AS r (r, n),'
                f' unnest({names}) WITH ORDINALITY AS x (x, n) ORDER BY {order} OFFSET 0) AS q')

    def compare(self, session, question, sets, names=None):
        """"sets": the names of which one is enough, for each x"""
        code, rows = session.run(self.statement(question, names))
        if code is not None:
            return f'raised {code}: {rows}', 0
        instant, answers = rows[0]
        wrong, i = [], 0
        for principal in self.principals:
            for resource in self.resources:
                for one in sets:
                    expected = '1' if holds(self.world, self.login, principal, resource, one, instant) else '0'
                    if answers[i] != expected:
                        wrong.append(f'{principal} on {resource and self.world.path(resource)} '
                                     f'{" or ".join(one)}: {answers[i]}, expected {expected}')
                    i += 1
        return shown(wrong), i


def ask_own(runner, session, seed):
    cross = Cross(runner, session, seed, False)
    return cross.compare(session, 'rbac_has_permission(r.r, x.x)', [(n,) for n in cross.names])


def ask_others(runner, session, seed):
    cross = Cross(runner, session, seed, True)
    return cross.compare(session, 'rbac_has_permission({who}r.r, x.x)', [(n,) for n in cross.names])


def ask_any(runner, session, seed):
    cross = Cross(runner, session, seed, seed % 2 == 0)
    sets = [tuple(cross.random.sample(cross.names, 3)) for _ in range(20)]
    return cross.compare(session, "rbac_has_any_permission({who}r.r, VARIADIC string_to_array(x.x, ' '))",
                         sets, [' '.join(one) for one in sets])


def per_place(runner, session, seed, function, expected):
    """The rows of a set-returning function of principals and resources."""
    cross = Cross(runner, session, seed, seed % 3 > 0)
    who = 'p.p, ' if cross.others else ''
    code, rows = session.run(
        f'SELECT {INSTANT}, p.n, r.n, f.* FROM unnest({cross.principals_in_sql()}) WITH ORDINALITY AS p (p, n),'
        f' unnest({cross.resources_in_sql()}) WITH ORDINALITY AS r (r, n), {function}({who}r.r) AS f')
    if code is not None:
        return f'raised {code}: {rows}', 0
    instant = rows[0][0] if rows else 0
    got, wrong, count = {}, [], 0
    for row in rows:
        got.setdefault((row[1], row[2]), []).append(row[3:])
    for i, principal in enumerate(cross.principals, 1):
        for j, resource in enumerate(cross.resources, 1):
            right = expected(cross, principal, resource, instant)
            count += max(len(right), 1)
            mine = sorted(map(comparable, got.get((i, j), [])))
            if mine != sorted(right):
                wrong.append(f'{principal} on {resource and cross.world.path(resource)}: '
                             f'only the product {sorted(set(mine) - set(right))[:3]}, '
                             f'only the rules {sorted(set(right) - set(mine))[:3]}')
    return shown(wrong), count


def array(text):
    """What an array of paths or texts without special characters says."""
    if not isinstance(text, str):
        return tuple(text)
    return tuple(one.strip('"') for one in text[1:-1].split(',')) if text != '{}' else ()


def comparable(row):
    if len(row) == 1:
        return row[0]
    return row[0], array(row[1]), tuple(sorted(array(row[2])))


def of(cross, principal):
    return cross.login if cross.login and cross.login.principal == principal else None


def actions_of(cross, principal, resource, instant):
    world = cross.world
    if principal is None or resource is None:
        return []
    return world.catalogue.names_of(world.held(principal, instant, of(cross, principal)).get(resource, 0))


def ask_actions(runner, session, seed):
    return per_place(runner, session, seed, 'rbac_effective_actions', actions_of)


def permissions_of(cross, principal, resource, instant):
    """The permissions held, where they come from and through what."""
    if principal is None or resource is None:
        return []
    return permissions_held(cross.world, principal, resource, instant, of(cross, principal))


def permissions_held(world, principal, resource, instant, login):
    found = []
    held = world.held(principal, instant, login).get(resource, 0)
    for name in world.catalogue.permissions() if held else ():
        needed = world.needed(name, resource)
        if needed and held & needed == needed:
            sources = world.reaching(principal, resource, instant, needed, login)
            places = sorted({world.paths()[s.resource] for s in sources}, key=len)
            found.append((name, tuple('.'.join(p) for p in places), tuple(sorted({s.via for s in sources}))))
    return found


def ask_permissions(runner, session, seed):
    return per_place(runner, session, seed, 'rbac_effective_permissions', permissions_of)


def ask_own_places(runner, session, seed):
    """Where a grant stands, what is held there that it gives some of"""
    world, login = runner.view(session), session.login
    code, rows = session.run(f'SELECT {INSTANT}, f.* FROM rbac_effective_permissions() AS f')
    if code is not None:
        return f'raised {code}: {rows}', 0
    expected = places_of(world, login, rows[0][0] if rows else 0)
    got = [(row[1], row[2]) for row in rows]
    if sorted(got) != sorted(expected):
        return f'only the product {sorted(set(got) - set(expected))}, only the rules {sorted(set(expected) - set(got))}', 0
    return None, len(got)


def places_of(world, login, instant):
    if login is None:
        return []
    here = {}
    for source in world.sources(login.principal, login):
        if (source.since is None or source.since <= instant) and (source.until is None or instant < source.until):
            here[source.resource] = here.get(source.resource, 0) | source.actions
    held = world.held(login.principal, instant, login)
    return [(world.path(r), name) for r, given in here.items() for name in world.catalogue.permissions()
            for needed in [world.needed(name, r)] if needed & given and held[r] & needed == needed]


# --- lists ----------------------------------------------------------------------

def ask_resources(runner, session, seed):
    draw = random.Random(seed)
    world, login = runner.view(session), session.login
    if session.transaction and session.transaction.keeps_snapshot():
        return None, 0
    kind = draw.choice(('organization', 'unit', 'project', 'service'))
    name = draw.choice(all_names(world, session.login))
    after = draw.choice([None] + [world.path(r) for r in drawn(seed, world.resource, 5)])
    most = draw.choice((None, None, 1, 3))
    code, rows = session.run(f'SELECT {INSTANT}, f.* FROM rbac_resources(name => {literal(name)}, '
                             f'kind => {literal(kind)}, after => {literal(after)}, max_rows => {literal(most)}) AS f')
    if code is not None:
        return f'raised {code}: {rows}', 0
    instant = rows[0][0] if rows else 0
    expected = listed(world, login, name, kind, after, instant)[:most]
    got = [(row[1], row[2]) for row in rows]
    right = [(world.path(r), runner.names.id(r)) for r in expected]
    if rows and got != right or not rows and right and not runner.near_a_boundary():
        return f'{name} on each {kind} after {after}, {most}: {got}, expected {right}', 0
    return None, len(got) + 1


def listed(world, login, name, kind, after, instant):
    order = world.in_order()
    if after is not None:
        start = tuple(label.encode() for label in after.split('.'))
        order = [r for r in order if tuple(label.encode() for label in world.paths()[r]) > start]
    return [r for r in order if world.resource[r].kind == kind and login is not None
            and holds(world, login, login.principal, r, (name,), instant)]


def sees_grants(world, session, resource, instant):
    """Who may see the grants on a resource; None: the resource is out of sight."""
    actor = session.actor()
    if actor.operator:
        return True
    if actor.login is None or (actor.login.principal in world.principal
                               and not world.is_active(actor.login.principal)):
        return False
    if not world.is_member(actor.login.principal, world.resource[resource].organization):
        return None
    return any(world.holds(actor.login.principal, instant, resource, action, actor.login)
               for action in ('project_permission.view', 'permission.grant'))


def refusal(world, session, resource, instant):
    return {True: None, False: '42501', None: '42704'}[sees_grants(world, session, resource, instant)]


def ask_principals(runner, session, seed):
    draw = random.Random(seed)
    world = runner.view(session)
    if not world.resource or (session.transaction and session.transaction.keeps_snapshot()):
        return None, 0
    resource = draw.choice(sorted(world.resource))
    name = draw.choice(all_names(world, session.login))
    where = draw.choice((literal(world.path(resource)) + '::rbac_path', literal(runner.names.id(resource)) + '::uuid'))
    code, rows = runner.guarded(session, f'SELECT {INSTANT}, f.* FROM rbac_principals({where}, {literal(name)}) AS f')
    instant = rows[0][0] if code is None and rows else runner.now()
    if code != refusal(world, session, resource, instant):
        return f'raised {code}: {rows}, expected {refusal(world, session, resource, instant)}', 0
    if code is not None:
        return None, 1
    expected = sorted((runner.names.id(p), via) for p, via in who_holds(world, session, resource, name, instant))
    got = sorted((row[1], tuple(array(row[4]))) for row in rows)
    if got != expected:
        return f'{name} on {world.path(resource)}: {got}, expected {expected}', 0
    return None, len(world.principal)


def who_holds(world, session, resource, name, instant):
    needed = world.needed(name, resource)
    for principal in world.principal:
        login = session.login if session.login and session.login.principal == principal else None
        if holds(world, session.login, principal, resource, (name,), instant):
            ways = world.reaching(principal, resource, instant, needed, login)
            yield principal, tuple(sorted({s.via for s in ways}))


def ask_review(runner, session, seed):
    world = runner.view(session)
    organizations = sorted(r for r, row in world.resource.items() if row.kind == 'organization')
    if not organizations or (session.transaction and session.transaction.keeps_snapshot()):
        return None, 0
    place = random.Random(seed).choice(organizations)
    code, rows = runner.guarded(
        session, f'SELECT {INSTANT}, f.principal, f.grant_name, f.via, f.in_force, f.granted_on'
        f' FROM rbac_access_review({literal(world.path(place))}) AS f WHERE f.grant_name IS NOT NULL')
    instant = rows[0][0] if code is None and rows else runner.now()
    if code != refusal(world, session, place, instant):
        return f'raised {code}: {rows}, expected {refusal(world, session, place, instant)}', 0
    if code is not None:
        return None, 1
    got = sorted(row[1:] for row in rows)
    expected = sorted((runner.names.id(p),) + row for p, row in reviewed(world, place, instant))
    if got != expected:
        return f'{world.path(place)}: only the product {set(got) - set(expected)}, only the rules {set(expected) - set(got)}', 0
    return None, len(got)


def reviewed(world, organization, instant):
    """Every grant in an organization, for its principal and each member of a group"""
    for principal in world.principal:
        for resource, _, name, via, since, until in world.every_source(principal):
            if world.resource[resource].organization == organization:
                now = (world.is_active(principal) and (since is None or since <= instant)
                       and (until is None or instant < until))
                yield principal, (name, via, now, world.path(resource))


# --- the past ---------------------------------------------------------------------

def instant_in_sql(moment):
    return f"'1970-01-01 UTC'::timestamptz + {moment} * interval '1 microsecond'"


def ask_past(runner, session, seed):
    """Of a moment that is remembered, by the operator: what was held then."""
    draw = random.Random(seed)
    if not runner.moments:
        return None, 0
    moment, world = draw.choice(runner.moments)
    ask = draw.choice((past_decisions, past_decisions, past_permissions, past_review))
    wrong, count = ask(runner, world, draw, seed, moment)
    return wrong and f'at {instant_in_sql(moment)}: {wrong}', count


def place_then(runner, world, draw, resource):
    """By its id, or by the path of then"""
    return draw.choice((literal(runner.names.id(resource)) + '::uuid', literal(world.path(resource)) + '::rbac_path'))


def past_decisions(runner, world, draw, seed, moment):
    wrong, count = [], 0
    names = drawn(seed, all_names(world, None), 4)
    for principal in drawn(seed, world.principal, 3):
        for resource in drawn(seed, world.resource, 3):
            where = place_then(runner, world, draw, resource)
            code, rows = run(runner.fixture, f'SELECT rbac_has_permission_at({literal(runner.names.id(principal))}, {where}, n, '
                                             f'{instant_in_sql(moment)}) FROM unnest({literal(names)}) WITH ORDINALITY AS x (n, i) ORDER BY i')
            expected = [(holds(world, None, principal, resource, (name,), moment / 1000000),) for name in names]
            count += len(names)
            if code is not None or rows != expected:
                wrong.append(f'{principal} on {world.path(resource)} ({where}) {names}: {code} {rows}, expected {expected}')
    return shown(wrong), count


def past_permissions(runner, world, draw, seed, moment):
    wrong, count = [], 0
    for principal in drawn(seed, world.principal, 2):
        for resource in drawn(seed, world.resource, 2):
            where = place_then(runner, world, draw, resource)
            code, rows = run(runner.fixture, f'SELECT * FROM rbac_effective_permissions_at({literal(runner.names.id(principal))}, {where}, '
                                             f'{instant_in_sql(moment)})')
            expected = sorted(permissions_held(world, principal, resource, moment / 1000000, None))
            count += max(len(expected), 1)
            if code is not None or sorted(map(comparable, rows)) != expected:
                wrong.append(f'{principal} on {world.path(resource)} ({where}): {code} {rows}, expected {expected}')
    return shown(wrong), count


def past_review(runner, world, draw, seed, moment):
    organizations = sorted(r for r, row in world.resource.items() if row.kind == 'organization')
    if not organizations:
        return None, 0
    place = draw.choice(organizations)
    where = place_then(runner, world, draw, place)
    code, rows = run(runner.fixture, f'SELECT principal, grant_name, via, in_force, granted_on FROM rbac_access_review({where}, '
                                     f'{instant_in_sql(moment)}) WHERE grant_name IS NOT NULL')
    expected = sorted((runner.names.id(p),) + row for p, row in reviewed(world, place, moment / 1000000))
    if code is not None or sorted(rows) != expected:
        return (f'{world.path(place)} ({where}): {code} {rows if code else ""} only the product {sorted(set(rows) - set(expected))[:3]}, '
                f'only the rules {sorted(set(expected) - set(rows))[:3]}'), 0
    return None, len(rows) + 1


# --- rows -----------------------------------------------------------------------

PLANS = {
    'as it likes': {},
    'sequential': {'enable_indexscan': 'off', 'enable_bitmapscan': 'off', 'enable_indexonlyscan': 'off'},
    'index': {'enable_seqscan': 'off', 'enable_bitmapscan': 'off'},
    'bitmap': {'enable_seqscan': 'off', 'enable_indexscan': 'off', 'enable_indexonlyscan': 'off'},
    'parallel': {'parallel_setup_cost': '0', 'parallel_tuple_cost': '0', 'min_parallel_table_scan_size': '0',
                 'min_parallel_index_scan_size': '0', 'max_parallel_workers_per_gather': '2',
                 'enable_indexscan': 'off', 'enable_bitmapscan': 'off'},
}
SETTINGS = sorted({setting for plan in PLANS.values() for setting in plan} | {'plan_cache_mode'})


def choose_plan(session, plan, mode):
    chosen = dict(PLANS[plan], plan_cache_mode=mode)
    session.run('; '.join(f'SET {s} = {chosen[s]}' if s in chosen else f'RESET {s}' for s in SETTINGS))


def prepared(session, table):
    """Prepared once in a session, and used under every principal"""
    if table not in session.prepared:
        session.run(f'PREPARE of_{table} AS SELECT {INSTANT}, number FROM {table}')
        session.prepared.add(table)
    return f'EXECUTE of_{table}'


def ask_rows(runner, session, seed):
    draw = random.Random(seed)
    table = draw.choice(sorted(TABLES_OF_ROWS))
    plan = draw.choice(sorted(PLANS))
    choose_plan(session, plan, draw.choice(('auto', 'force_generic_plan', 'force_custom_plan')))
    statement = draw.choice((prepared(session, table), f'SELECT {INSTANT}, number FROM {table}',
                             f'SELECT {INSTANT}, number FROM {table} ORDER BY resource',
                             f'SELECT {INSTANT}, a.number FROM {table} AS a JOIN {table} AS b USING (number)'))
    code, rows = session.run(statement)
    if code is not None:
        return f'{statement}: raised {code}: {rows}', 0
    return compare_rows(runner, session, table, [row[1] for row in rows],
                        rows[0][0] if rows else runner.now(), f'{statement} ({plan})')


def shown_now(runner, session):
    """What the snapshot of a query shows that begins now."""
    t = session.transaction
    return t.snapshot.with_writes(t.writes) if t and t.keeps_snapshot() else runner.view(session)


def visible_rows(runner, session, table, instant, shown=None):
    """Of the snapshot, those that may be seen now.  A path is what it says now; but a
    cursor ends where it is another resource's."""
    world = runner.view(session)
    is_cursor = shown is not None
    shown = shown or shown_now(runner, session)
    rows = {}
    for number, resource in getattr(shown, 'row_' + table).items():
        if table == 'by_path':
            there = world.at(shown.path(resource))
            if is_cursor and there != resource:
                continue
            resource = there
        if is_visible(world, session.login, table, resource, instant):
            rows[number] = resource
    return rows


def compare_rows(runner, session, table, got, instant, what):
    expected = sorted(visible_rows(runner, session, table, instant))
    if sorted(got) != expected:
        return (f'{what}: rows that should not be seen {sorted(set(got) - set(expected))}, '
                f'that should be seen {sorted(set(expected) - set(got))}, got {len(got)}'), 0
    return None, len(getattr(runner.view(session), 'row_' + table))


def ask_rows_of_cursor(runner, session, name, count):
    """S3: each row that a FETCH gives may be seen now; it fails only for whoever
    has lost something since the first FETCH, which began the query.  Rows are
    those of DECLARE, and say the paths of then."""
    table, shown, began = session.cursors[name]
    code, rows = runner.guarded(session, f'FETCH {count} FROM {name}')
    runner.doom(session, code)
    visible = set(visible_rows(runner, session, table, runner.now(), shown))
    principal = session.login and session.login.principal
    before, seen = began or (principal, visible)
    session.cursors[name] = (table, shown, (before, seen))
    lost = before != principal or not seen <= visible
    if code is not None:
        del session.cursors[name]
        return None if lost and code == '24000' else f'raised {code}: {rows}, lost: {lost}'
    wrong = sorted({row[0] for row in rows} - visible)
    if wrong or (rows and before != principal):
        return f'rows that should not be seen {wrong}, begun by {before}, now {principal}'
    return None


QUESTIONS = {'own decisions': ask_own, 'decisions about others': ask_others, 'any of some': ask_any,
             'actions': ask_actions, 'permissions': ask_permissions, 'own places': ask_own_places,
             'resources': ask_resources, 'principals': ask_principals, 'review': ask_review, 'past': ask_past, 'rows': ask_rows}
