"""Random steps: every call of administration, valid and invalid, by anybody.

What is drawn depends on what there is, so that most calls mean something; a
part of each is drawn from everything, of the wrong kind, or gone.
"""

import random

from catalogue import LEVELS
from steps import At, Id, Later, Networks, Prefix, Proof, Step

DOMAINS = ('one.example', 'two.example', 'three.example', 'four.example')
PLANS = ('small', 'medium', 'big')
LOGINS = ((None, False), ('password', False), ('password', True), ('saml', False), ('saml', True), ('token', False))
ADDRESSES = ('10.1.2.3', '192.0.2.1')
LEVELS_OF_ISOLATION = ('READ COMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')
TOO_MANY = 50               # resources: from then on, few are made
QUESTIONS = ('own decisions',) * 3 + ('decisions about others',) * 3 + ('any of some', 'actions', 'permissions',
             'own places', 'resources', 'resources', 'principals', 'review', 'past') + ('rows',) * 4


class Generator:
    def __init__(self, seed, runner):
        self.random = random.Random(seed)
        self.runner = runner
        self.count = 0
        self.gone = []              # handles that were made, and may be no more

    # --- drawing ---

    def chance(self, percent):
        return self.random.random() * 100 < percent

    def one(self, list):
        list = sorted(list, key=str)
        return self.random.choice(list) if list else None

    def made(self, letter):
        self.count += 1
        handle = f'{letter}{self.count}'
        if letter != 't':           # a token is no id
            self.gone.append(handle)
        return handle

    def look(self, session):
        """Draw from the world as a session has it from now on."""
        self.world = self.runner.view(session)
        self.session = session
        login = session.login
        self.home = self.one(self.world.organizations_of(login.principal)) if login else None
        if self.home is None or self.chance(15):
            self.home = self.one(r for r, row in self.world.resource.items() if row.kind == 'organization')

    def place(self, *kinds):
        if self.chance(3):
            return At(self.one(self.world.resource) or 'r0')
        if self.chance(2):
            return At(self.one(h for h in self.gone if h[0] in 'oups') or 'r0')
        near = [r for r, row in self.world.resource.items()
                if row.kind in kinds and (row.organization == self.home or self.chance(10))]
        return At(self.one(near) or self.home or 'r0')

    def label(self, letter):
        if self.chance(2):
            return self.one(('Capital', 'two.labels', '-dash', ''))
        if self.chance(8) and self.world.resource:
            return self.world.resource[self.one(self.world.resource)].label
        return f'{letter}{self.random.randrange(1000)}'

    def name(self):
        return '' if self.chance(2) else f'name {self.random.randrange(12)}'

    def principal(self, *kinds):
        if self.chance(2):
            return Id(self.one(self.gone) or 'nobody')
        near = [p for p, row in self.world.principal.items()
                if (row.kind in kinds or self.chance(2))
                and (self.world.is_member(p, self.home) or self.chance(12))]
        return Id(self.one(near) or 'nobody')

    def belonging(self, table):
        rows = getattr(self.world, table)
        near = [key for key, row in rows.items() if row.organization == self.home or self.chance(10)]
        return Id(self.one(near) or self.one(self.gone) or 'nobody')

    def maybe(self, percent, value):
        return value() if self.chance(percent) else None

    def email(self):
        if self.chance(25) and self.world.principal:
            found = [row.email for row in self.world.principal.values() if row.email]
            return self.one(found).upper() if self.chance(20) else self.one(found)
        return f'user{self.random.randrange(60)}@{self.random.choice(DOMAINS)}'

    def grantable(self):
        catalogue = self.world.catalogue
        if self.chance(25):
            own = {name for organization, name in self.world.role if organization == self.home or self.chance(5)}
            return self.one(own) or 'operator'
        if self.chance(2):
            return self.one(('no such role', 'service.power', 'super_admin'))
        return self.one(catalogue.types)

    def members_of_role(self):
        catalogue = self.world.catalogue
        about = [a for a in catalogue.actions if catalogue.kind_of[a] != 'organization']
        members = self.random.sample(about, self.random.randrange(1, 5))
        if self.chance(30):
            members.append(self.one(n for n in catalogue.permissions() if not n.startswith('organization')))
        if self.chance(25):
            members.append('permission.grant')
        if self.chance(6):
            members.append(self.one(catalogue.actions + list(catalogue.types) + ['no.action']))
        return members

    def levels(self):
        return self.random.sample(LEVELS, self.random.randrange(1, 4))

    # --- steps ---

    def next(self):
        """One step or more, that belong together"""
        session = self.random.choice(self.runner.sessions)
        self.look(session)
        ways = IN_TRANSACTION if session.transaction else OUTSIDE
        return ways[self.random.choices(range(len(ways)), [weight for weight, _ in ways])[0]][1](self)

    def step(self, verb, arguments=None, made=None):
        return Step(self.session.number, verb, arguments, made)

    def begin(self):
        return [self.step('begin', self.random.choice(LEVELS_OF_ISOLATION))] + self.become()

    def commit(self):
        return [self.step('commit')]

    def rollback(self):
        return [self.step('rollback')]

    def savepoint(self):
        self.count += 1
        return [self.step('savepoint', f'point{self.count}')]

    def rollback_to(self):
        points = [name for name, _ in self.session.transaction.savepoints]
        return [self.step('rollback to', self.random.choice(points))] if points else self.savepoint()

    def become(self):
        """Somebody who holds much, something or nothing, or nobody"""
        local = self.session.transaction is not None and self.chance(70)
        if self.chance(60 if self.session.role == 'platform' else 6):
            return [self.step('nobody')]
        if self.chance(10) and self.world.token:
            return [self.step('log in', (self.one(self.world.token), self.random.choice(ADDRESSES), local))]
        owners = [m for m, g in self.world.member if self.world.principal[g].account_owners]
        holders = [p for p, _, _ in self.world.grant]
        who = self.one(self.random.choice((owners, holders, [m for m, _ in self.world.member], self.world.principal)))
        if who is None or self.chance(2):
            who = 'nobody'
        return [self.step('become', (who,) + self.random.choice(LOGINS) + (local,))]

    def ask(self):
        return [self.step('ask', (self.random.choice(QUESTIONS), self.random.randrange(1 << 30)))]

    def write(self):
        command = self.random.choice(('insert', 'insert', 'update', 'delete'))
        return [self.step('write', (self.random.choice(('by_id', 'by_path')), command, self.place(*LEVELS, 'service')[0],
                                    self.random.randrange(7)))]

    def cursor(self):
        if self.session.cursors:
            return [self.step('fetch', (self.one(self.session.cursors), self.random.choice((1, 5, 100))))]
        self.count += 1
        return [self.step('open', (f'cursor{self.count}', self.random.choice(('by_id', 'by_path'))))]

    def call(self):
        crowded = len(self.world.resource) > TOO_MANY
        weights = [weight * (0.2 if crowded and name in MAKES_RESOURCES else 1)
                   for name, (weight, _, _) in CALLS.items()]
        function = self.random.choices(list(CALLS), weights)[0]
        _, letter, arguments = CALLS[function]
        return [self.step('call', ('rbac_' + function, arguments(self)), self.made(letter))]


OUTSIDE = ((30, Generator.begin), (16, Generator.become), (30, Generator.call), (22, Generator.ask),
           (4, Generator.write))
IN_TRANSACTION = ((11, Generator.commit), (4, Generator.rollback), (5, Generator.savepoint), (5, Generator.rollback_to),
                  (10, Generator.become), (38, Generator.call), (20, Generator.ask), (4, Generator.write),
                  (6, Generator.cursor))
MAKES_RESOURCES = {'organization_create', 'unit_create', 'project_create', 'service_create'}


def of_organization(g, **arguments):
    return {'organization': g.place('organization'), **arguments}


def period(g):
    if g.chance(70):
        return {}
    since = g.random.choice((None, -3600.0, 2.0, 3600.0))
    until = g.random.choice((None, 1.5, 4.0, 7200.0))
    return {'valid_from': since and Later(since), 'valid_until': until and Later(until)}


def granted(g):
    """Mostly what is granted: to revoke, or to grant once more"""
    if g.world.grant and g.chance(70):
        principal, name, resource = g.one(g.world.grant)
        return {'principal': Id(principal), 'name': name, 'resource': At(resource)}
    return {'principal': g.principal('user', 'application_user', 'group'), 'name': g.grantable(),
            'resource': g.place(*LEVELS)}


def grant(g):
    """A grant, of what stands for another period as well"""
    arguments = {'principal': g.principal('user', 'application_user', 'group', 'group'), 'name': g.grantable(),
                 'resource': g.place(*LEVELS, *LEVELS, 'service')}
    return {**arguments, **period(g), **({'replace': True} if g.chance(30) else {})}


def member(g, super_admin=False):
    members = [m for m, group in g.world.member if g.world.principal[group].account_owners == super_admin]
    return Id(g.one(members) or 'nobody') if g.chance(70) else g.principal('user', 'application_user')


def group_member(g):
    pairs = [(m, group) for m, group in g.world.member]
    if pairs and g.chance(80):
        who, group = g.one(pairs)
        return {'group': Id(group), 'principal': Id(who)}
    return {'group': g.principal('group'), 'principal': g.principal('user', 'application_user')}


def super_admin(g):
    return of_organization(g, principal=member(g, True))


def own_role(g):
    roles = [key for key in g.world.role if key[0] == g.home or g.chance(10)]
    organization, name = g.one(roles) or (g.home or 'r0', 'none')
    return {'organization': At(organization), 'name': name}


def own_domain(g):
    organization, domain = g.one(key for key in g.world.domain) or (g.home or 'r0', g.random.choice(DOMAINS))
    return {'organization': At(organization), 'domain': domain.upper() if g.chance(5) else domain}


def verified(g):
    arguments = own_domain(g)
    proof = Proof(arguments['organization'].resource, arguments['domain'].lower())
    return {**arguments, 'observed': Proof('r0', 'none') if g.chance(5) else proof}


def own_tag(g):
    resource, key = g.one(g.world.tag) or ('r0', 'none')
    return {'resource': At(resource), 'key': key}


def own_service_user(g):
    service, name = g.one(g.world.service_user) or ('r0', 'none')
    return {'service': At(service), 'username': name}


def moved(g):
    project, parent = g.place('project'), g.place('organization', 'unit')
    place = g.world.resource.get(parent.resource)
    groups = [key for key, row in g.world.billing_group.items() if place and row.organization == place.organization]
    return {'project': project, 'parent': parent, 'billing_group': Id(g.one(groups)) if groups and g.chance(60) else None,
            'keep_plans': g.chance(20)}


def policy(g):
    return of_organization(g, require_two_factor=g.chance(25),
                           allowed_methods=g.random.choice((None, None, ['password', 'saml'], ['saml'], [])),
                           personal_tokens=g.chance(70))


def plan(g):
    return g.random.choice(PLANS + (None,))


# name: (how often, what the handle of what it makes begins with, its arguments)
CALLS = {
    'user_create': (6, 'u', lambda g: {'email': g.email(), 'name': g.maybe(50, g.name)}),
    'organization_create': (3, 'o', lambda g: {
        'label': g.label('o'), 'name': 'An organization',
        'super_admin': Id(g.session.login.principal) if g.session.login and g.chance(70) else g.principal('user')}),
    'organization_rename': (3, 'x', lambda g: of_organization(g, name=g.name(), label=g.maybe(50, lambda: g.label('o')))),
    'organization_delete': (1, 'x', of_organization),
    'organization_support_tier_set': (1, 'x', lambda g: of_organization(
        g, support_tier=g.random.choice(('basic', 'premium', 'golden', None)))),
    'unit_create': (4, 'n', lambda g: of_organization(g, label=g.label('n'), name=g.maybe(30, lambda: 'A unit'))),
    'unit_rename': (3, 'x', lambda g: {'unit': g.place('unit'), 'name': g.name(), 'label': g.maybe(60, lambda: g.label('n'))}),
    'unit_delete': (2, 'x', lambda g: {'unit': g.place('unit')}),
    'project_create': (6, 'p', lambda g: {
        'parent': g.place('organization', 'unit'), 'label': g.label('p'),
        'billing_group': g.maybe(30, lambda: g.belonging('billing_group'))}),
    'project_edit': (3, 'x', lambda g: {'project': g.place('project'), 'name': g.maybe(50, g.name),
                                        'label': g.maybe(60, lambda: g.label('p'))}),
    'project_delete': (2, 'x', lambda g: {'project': g.place('project')}),
    'project_assign_billing_group': (3, 'x', lambda g: {
        'project': g.place('project'), 'billing_group': g.maybe(80, lambda: g.belonging('billing_group'))}),
    'project_move': (10, 'x', moved),
    'service_create': (5, 's', lambda g: {'project': g.place('project'), 'label': g.label('s'),
                                          'service_type': 'pg', 'plan': plan(g)}),
    'service_edit': (2, 'x', lambda g: {'service': g.place('service'), 'name': g.maybe(50, g.name),
                                        'label': g.maybe(60, lambda: g.label('s'))}),
    'service_plan_change': (2, 'x', lambda g: {'service': g.place('service'), 'plan': plan(g)}),
    'service_delete': (3, 'x', lambda g: {'service': g.place('service')}),
    'plan_list_set': (2, 'x', lambda g: {'resource': g.place(*LEVELS), 'plans': g.maybe(
        50, lambda: g.random.sample(PLANS, 2))}),
    'tag_set': (3, 'x', lambda g: {**(own_tag(g) if g.chance(40) else {
        'resource': g.place('project', 'service'), 'key': g.random.choice(('a', 'b', 'a key'))}), 'value': 'v'}),
    'tag_remove': (2, 'x', own_tag),
    'service_user_create': (2, 'x', lambda g: {'service': g.place('service'),
                                               'username': g.random.choice(('app', 'web', 'a b'))}),
    'service_user_delete': (2, 'x', own_service_user),
    'billing_group_create': (3, 'b', lambda g: of_organization(
        g, name=g.name(), billing_address=g.maybe(40, lambda: g.belonging('billing_address')),
        payment_method=g.maybe(40, lambda: g.belonging('payment_method')))),
    'billing_group_edit': (1, 'x', lambda g: {
        'billing_group': g.belonging('billing_group'), 'name': g.maybe(50, g.name),
        'payment_method': g.maybe(40, lambda: g.belonging('payment_method'))}),
    'billing_group_delete': (1, 'x', lambda g: {'billing_group': g.belonging('billing_group')}),
    'billing_address_add': (2, 'a', lambda g: of_organization(
        g, company_name='A company', city='Helsinki', country_code=g.random.choice(('FI', 'fi')))),
    'billing_address_edit': (1, 'x', lambda g: {'billing_address': g.belonging('billing_address'), 'city': 'Espoo'}),
    'billing_address_delete': (1, 'x', lambda g: {'billing_address': g.belonging('billing_address')}),
    'payment_method_add': (2, 'm', lambda g: of_organization(
        g, provider='psp', provider_reference=f'pm_{g.random.randrange(9)}')),
    'payment_method_edit': (1, 'x', lambda g: {'payment_method': g.belonging('payment_method'),
                                               'last_four': g.random.choice(('4242', '42'))}),
    'payment_method_delete': (1, 'x', lambda g: {'payment_method': g.belonging('payment_method')}),
    'user_edit': (5, 'x', lambda g: {
        'principal': Id(g.session.login.principal) if g.session.login and g.chance(30) else g.principal('user'),
        'name': g.maybe(50, g.name), 'email': g.maybe(50, g.email)}),
    'user_deactivate': (3, 'x', lambda g: {'principal': g.principal('user')}),
    'user_reactivate': (4, 'x', lambda g: {'principal': Id(g.one(
        p for p, row in g.world.principal.items() if row.deactivated)
        or 'nobody') if g.chance(70) else g.principal('user')}),
    'user_delete': (1, 'x', lambda g: {'principal': g.principal('user')}),
    'application_user_create': (2, 'r', lambda g: of_organization(g, name=g.name())),
    'application_user_edit': (1, 'x', lambda g: {'application_user': g.principal('application_user'), 'name': g.name()}),
    'application_user_delete': (1, 'x', lambda g: {'application_user': g.principal('application_user')}),
    'invitation_create': (7, 'i', lambda g: of_organization(
        g, email=g.email(), expires_at=Later(g.random.choice((1.0, 3600.0, 86400.0, -5.0))))),
    'invitation_accept': (9, 'x', lambda g: {'invitation': Id(g.one(g.world.invitation) or 'nobody')}),
    'invitation_withdraw': (1, 'x', lambda g: {'invitation': g.belonging('invitation')}),
    'member_remove': (3, 'x', lambda g: of_organization(g, principal=g.principal('user'))),
    'member_leave': (1, 'x', of_organization),
    'group_create': (3, 'g', lambda g: of_organization(g, name=g.name())),
    'group_rename': (1, 'x', lambda g: {'group': g.principal('group'), 'name': g.name()}),
    'group_edit': (1, 'x', lambda g: {'group': g.principal('group'), 'description': 'A group'}),
    'group_delete': (1, 'x', lambda g: {'group': g.principal('group')}),
    'group_member_add': (10, 'x', lambda g: {'group': g.principal('group'),
                                             'principal': g.principal('user', 'application_user')}),
    'group_member_remove': (3, 'x', group_member),
    'super_admin_add': (3, 'x', lambda g: of_organization(g, principal=g.principal('user'))),
    'super_admin_remove': (2, 'x', super_admin),
    'grant': (22, 'x', grant),
    'revoke': (12, 'x', granted),
    'role_create': (3, 'x', lambda g: of_organization(
        g, name=f'role-{g.random.randrange(9)}' if g.chance(95) else g.one(('Bad name', 'operator')),
        members=g.members_of_role(), grantable_on=g.levels())),
    'role_edit': (4, 'x', lambda g: {**own_role(g), 'members': g.maybe(80, g.members_of_role),
                                     'grantable_on': g.maybe(30, g.levels)}),
    'role_delete': (1, 'x', own_role),
    'domain_add': (3, 'x', lambda g: of_organization(g, domain=g.random.choice(DOMAINS + ('nodot',)))),
    'domain_verify': (4, 'x', verified),
    'domain_remove': (1, 'x', own_domain),
    'identity_provider_add': (2, 'd', lambda g: of_organization(
        g, name=g.name(), entity_id='urn:sso', url=g.random.choice(('https://sso.example/', 'http://sso.example/')),
        certificate_fingerprint='0a' * 32)),
    'identity_provider_enable': (1, 'x', lambda g: {'identity_provider': g.belonging('identity_provider')}),
    'identity_provider_disable': (1, 'x', lambda g: {'identity_provider': g.belonging('identity_provider')}),
    'identity_provider_remove': (1, 'x', lambda g: {'identity_provider': g.belonging('identity_provider')}),
    'authentication_policy_set': (2, 'x', policy),
    'token_create': (4, 't', lambda g: {
        'principal': Id(g.session.login.principal) if g.session.login and g.chance(40)
        else g.principal('user', 'application_user'), 'description': 'A token',
        'allowed_networks': g.maybe(30, lambda: Networks(['10.0.0.0/8']))}),
    'token_revoke': (1, 'x', lambda g: {'prefix': Prefix(g.one(g.world.token) or 'none')}),
}


# --- how a run begins -------------------------------------------------------------

def founding():
    """Three organizations with somebody of every sort, made by the operator"""
    steps = [Step(0, 'nobody', None, None)]

    def call(function, made, **arguments):
        steps.append(Step(0, 'call', ('rbac_' + function, arguments), made))

    for n in range(12):
        call('user_create', f'u-{n}', email=f'founder{n}@{DOMAINS[n % 4]}', name=f'Founder {n}')
    for n in range(3):
        found_organization(call, n)
    return steps


def found_organization(call, n):
    organization = f'o-{n}'
    call('organization_create', organization, label=f'org{n}', name=f'Organization {n}', super_admin=Id(f'u-{n}'))
    for m in range(n, n + 7):
        call('invitation_create', f'i-{n}-{m}', organization=At(organization), expires_at=Later(3600.0),
             email=f'founder{m}@{DOMAINS[m % 4]}')
        if m != n:
            call('invitation_accept', 'x', invitation=Id(f'i-{n}-{m}'))
    call('super_admin_add', 'x', organization=At(organization), principal=Id(f'u-{n + 1}'))
    for kind in ('group', 'application_user'):
        for m in range(2):
            call(kind + '_create', f'{kind[0]}-{n}-{m}', organization=At(organization), name=f'{kind} {m}')
    call('group_member_add', 'x', group=Id(f'g-{n}-0'), principal=Id(f'u-{n + 2}'))
    call('billing_group_create', f'b-{n}', organization=At(organization), name='main')
    for unit in ('a', 'b'):
        call('unit_create', f'n-{n}{unit}', organization=At(organization), label=f'unit-{unit}')
        call('project_create', f'p-{n}{unit}', parent=At(f'n-{n}{unit}'), label=f'project{n}-{unit}')
        call('service_create', f's-{n}{unit}', project=At(f'p-{n}{unit}'), label='db', service_type='pg')
    call('role_create', 'x', organization=At(organization), name=f'role-{n}', members=['service.fork', 'permission.grant'],
         grantable_on=['unit', 'project'])
    for principal, name, resource in ((f'u-{n + 3}', 'role:organization:admin', organization),
                                      (f'u-{n + 4}', 'admin', f'p-{n}a'), (f'g-{n}-0', 'developer', f'n-{n}a'),
                                      (f'a-{n}-0', 'operator', f'n-{n}b'), (f'u-{n + 5}', f'role-{n}', f'n-{n}a'),
                                      (f'u-{n + 5}', 'role:organization:admin', f'n-{n}b')):
        call('grant', 'x', principal=Id(principal), name=name, resource=At(resource))
