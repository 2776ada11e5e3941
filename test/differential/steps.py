"""Steps of a run, as data: what a session does, and how that looks in SQL.

A step names things by handles, so that a run can be repeated, cut down and
printed: At("r7") is the path that the resource has when the step is taken.
"""

import datetime
from collections import namedtuple

# verb: begin, commit, rollback, savepoint, rollback to, become, log in, nobody,
#       call, write, ask, open, fetch
Step = namedtuple('Step', 'session verb arguments made')

At = namedtuple('At', 'resource')                   # a resource's path
Id = namedtuple('Id', 'handle')                     # the id of anything else
Prefix = namedtuple('Prefix', 'token')              # by which a token is known
Later = namedtuple('Later', 'seconds')              # a time, from when the step is taken
Proof = namedtuple('Proof', 'organization domain')  # what proves that a domain is an organization's
Networks = namedtuple('Networks', 'list')


def literal(value):
    if value is None:
        return 'NULL'
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return 'ARRAY[' + ', '.join(map(literal, value)) + ']::text[]'
    return "'" + value.replace("'", "''") + "'"


def timestamp(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return f"timestamptz '{moment.isoformat()}'"


class Names:
    """What handles stand for: in the model, in SQL, and in a printed script."""

    def __init__(self):
        self.ids = {}               # handle: id, token or proof
        self.last_paths = {}        # resource: where it was last seen

    def path(self, world, resource):
        if resource in world.resource:
            self.last_paths[resource] = world.path(resource)
        return self.last_paths.get(resource, 'nowhere.' + resource)

    def for_model(self, world, value, now):
        if isinstance(value, At):
            return self.path(world, value.resource)
        if isinstance(value, (Id, Prefix)):
            return value[0]
        if isinstance(value, Later):
            return now + value.seconds
        if isinstance(value, Networks):
            return value.list
        return tuple(value) if isinstance(value, Proof) else value

    def in_sql(self, world, value, now):
        if isinstance(value, At):
            return literal(self.path(world, value.resource))
        if isinstance(value, Id):
            return literal(self.id(value.handle))
        if isinstance(value, Prefix):
            return literal(self.ids.get(value.token, 'none')[:17])
        if isinstance(value, Later):
            return timestamp(now + value.seconds)
        if isinstance(value, Networks):
            return literal(value.list) + '::cidr[]'
        if isinstance(value, Proof):
            return literal(self.ids.get(proof(value.organization, value.domain), 'no proof'))
        return literal(value)

    def id(self, handle):
        """The id, or one that nothing has."""
        return self.ids.get(handle, f'00000000-0000-4000-8000-{sum(handle.encode()):012d}')


class Script(Names):
    """Names for psql: what a step returned is in a variable."""

    def in_sql(self, world, value, now):
        if isinstance(value, Id):
            return f":'{variable(value.handle)}'"
        if isinstance(value, Prefix):
            return f"left(:'{variable(value.token)}', 17)"
        if isinstance(value, Later):
            return f"now() + interval '{value.seconds} s'"
        if isinstance(value, Proof):
            return f":'{variable(proof(value.organization, value.domain))}'"
        return super().in_sql(world, value, now)


def proof(organization, domain):
    return f'proof {organization} {domain}'


def variable(handle):
    return ''.join(c if c.isalnum() else '_' for c in handle)


def call_in_sql(names, world, step, now):
    function, arguments = step.arguments
    rendered = ', '.join(f'"{name}" => {names.in_sql(world, value, now)}' for name, value in arguments.items())
    return f'{function}({rendered})'


def other_in_sql(names, world, step):
    """What steps without answers say."""
    verb, arguments = step.verb, step.arguments
    if verb == 'begin':
        return f'BEGIN ISOLATION LEVEL {arguments}'
    if verb in ('commit', 'rollback'):
        return verb.upper()
    if verb in ('savepoint', 'rollback to'):
        return f'{"SAVEPOINT" if verb == "savepoint" else "ROLLBACK TO SAVEPOINT"} {arguments}'
    if verb == 'nobody':
        return 'SELECT rbac_reset_principal()'
    if verb == 'become':
        principal, method, two_factor, local = arguments
        return (f'SELECT rbac_set_principal({names.in_sql(world, Id(principal), 0)}, {literal(method)}, '
                f'{literal(two_factor)}, {literal(local)})')
    if verb == 'log in':
        token, address, local = arguments
        return (f'SELECT rbac_authenticate({names.in_sql(world, Id(token), 0)}, {literal(address)}, '
                f'{literal(local)})')
    raise ValueError(verb)


# Where the id of what a call has made is found
MADE_AT_PATH = {'rbac_organization_create', 'rbac_unit_create', 'rbac_project_create', 'rbac_service_create'}


def step_for_psql(world, names, step):
    """A step as a person would type it"""
    if step.verb == 'call':
        return call_for_psql(world, names, step)
    if step.verb == 'ask':
        return f'-- {step.arguments[0]}'
    if step.verb == 'write':
        table, command, resource, number = step.arguments
        return f'-- {command} in {table}: {resource if command == "insert" else number}'
    if step.verb == 'open':
        return 'DECLARE {} NO SCROLL CURSOR FOR SELECT number FROM {};'.format(*step.arguments)
    if step.verb == 'fetch':
        return 'FETCH {1} FROM {0};'.format(*step.arguments)
    return other_in_sql(names, world, step) + ';'


def call_for_psql(world, names, step):
    function, arguments = step.arguments
    call = call_in_sql(names, world, step, 0)
    made = variable(step.made)
    if function in MADE_AT_PATH:
        more = f" \\gset\nSELECT rbac_resource_id(:'{made}_path') AS {made}"
        if function == 'rbac_organization_create':
            more += f", rbac_group(:'{made}_path', 'account owners') AS {variable(step.made + '-owners')}"
        return f'SELECT {call} AS {made}_path{more} \\gset'
    if function == 'rbac_domain_add' and isinstance(arguments['organization'], At):
        text = variable(proof(arguments['organization'].resource, arguments['domain'].lower()))
        return f'SELECT {call} AS {text} \\gset'
    return f'SELECT {call};' if made[0] == 'x' else f'SELECT {call} AS {made} \\gset'
