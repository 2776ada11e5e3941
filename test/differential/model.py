"""What the rules say that principals hold (docs/rules.md; numbers in brackets).

A World is all that a moment knows: tables, as dicts of immutable rows.  Changes
are data, lists of (table, key, row or None), so that a transaction is a world
and what it wrote, and a rollback forgets some of that.

Things are known by handles ("u3"), which the driver maps to ids.
"""

from collections import namedtuple

from catalogue import KINDS, required

Resource = namedtuple('Resource', 'kind organization parent label name')
Principal = namedtuple('Principal', 'kind organization name email deactivated account_owners')
Grant = namedtuple('Grant', 'since until')                      # None: no limit
Role = namedtuple('Role', 'allowed')                            # {kind it can be granted on: actions}
Invitation = namedtuple('Invitation', 'organization email expires state')
Domain = namedtuple('Domain', 'verified')
Policy = namedtuple('Policy', 'two_factor methods personal_tokens')
Service = namedtuple('Service', 'type plan')
BillingGroup = namedtuple('BillingGroup', 'organization name address method')
Belonging = namedtuple('Belonging', 'organization name')
Token = namedtuple('Token', 'principal method two_factor networks revoked')

# How a session became somebody
Login = namedtuple('Login', 'principal method two_factor by_token')

# A grant that reaches a principal
Source = namedtuple('Source', 'resource actions name via since until')

TABLES = {
    'resource': 'handle: Resource',
    'principal': 'handle: Principal',
    'membership': '(principal, organization): True',
    'member': '(member, group): True',
    'grant': '(principal, name, resource): Grant',
    'role': '(organization, name): Role',
    'invitation': 'handle: Invitation',
    'domain': '(organization, name): Domain',
    'policy': 'organization: Policy',
    'plan_list': 'resource: frozenset of plans',
    'service': 'service: Service',
    'billing': 'project: billing group',
    'billing_group': 'handle: BillingGroup',
    'billing_address': 'handle: Belonging',
    'payment_method': 'handle: Belonging',
    'identity_provider': 'handle: Belonging',
    'tag': '(resource, key): value',
    'service_user': '(service, name): True',
    'token': 'handle: Token',
    'row_by_id': 'number: resource, of a table with a column of ids',
    'row_by_path': 'number: resource, of a table with a column of paths',
}


def in_force(thing, instant):
    """G7: [since, until)"""
    return (thing.since is None or thing.since <= instant) and (thing.until is None or instant < thing.until)


def covers(source, since, until):
    """Is it in force at "since", and until "until" by its own period (G5)?"""
    return in_force(source, since) and (source.until is None or (until is not None and source.until >= until))


class World:
    def __init__(self, catalogue, tables=None):
        self.catalogue = catalogue
        self.tables = tables or {table: {} for table in TABLES}
        self.memory = {}

    def __getattr__(self, name):
        try:
            return self.__dict__['tables'][name]
        except KeyError:
            raise AttributeError(name) from None

    def with_writes(self, writes):
        """Another world, in which something has been written."""
        changed = {table for table, _, _ in writes}
        tables = {name: dict(rows) if name in changed else rows for name, rows in self.tables.items()}
        for table, key, row in writes:
            if row is None:
                tables[table].pop(key, None)
            else:
                tables[table][key] = row
        return World(self.catalogue, tables)

    def remembered(self, key, find):
        if key not in self.memory:
            self.memory[key] = find()
        return self.memory[key]

    # --- hierarchy (H1) ---

    def paths(self):
        return self.remembered('paths', lambda: {r: self._labels(r) for r in self.resource})

    def _labels(self, resource):
        labels = ()
        while resource is not None:
            labels = (self.resource[resource].label,) + labels
            resource = self.resource[resource].parent
        return labels

    def path(self, resource):
        return '.'.join(self.paths()[resource])

    def at(self, path):
        """The resource at a path, or None."""
        found = self.remembered('at', lambda: {'.'.join(labels): r for r, labels in self.paths().items()})
        return found.get(path)

    def above(self, resource):
        """The resource itself and all that it is inside of, from below."""
        while resource is not None:
            yield resource
            resource = self.resource[resource].parent

    def inside(self, resource):
        return [r for r, row in self.resource.items() if row.parent == resource]

    def in_order(self):
        """All resources, each before what is inside of it: the order of paths."""
        return self.remembered('order', lambda: sorted(
            self.resource, key=lambda r: [label.encode() for label in self.paths()[r]]))

    # --- people ---

    def is_member(self, principal, organization):
        return (principal, organization) in self.membership

    def organizations_of(self, principal):
        return {o for p, o in self.membership if p == principal}

    def members(self, group):
        return [member for member, g in self.member if g == group]

    def groups_of(self, principal):
        return [group for member, group in self.member if member == principal]

    def account_owners(self, organization):
        return next((p for p, row in self.principal.items()
                     if row.account_owners and row.organization == organization), None)

    def is_super_admin(self, principal, organization):
        """P5: kept once, as membership of the account owners"""
        return (principal, self.account_owners(organization)) in self.member

    def super_admin_of(self, principal):
        return {self.principal[g].organization for g in self.groups_of(principal)
                if self.principal[g].account_owners}

    def domain_manager(self, email):
        """P3: who has verified the domain of an email, or None"""
        name = email.rsplit('@', 1)[1].lower()
        return next((o for (o, n), row in self.domain.items() if n == name and row.verified), None)

    def managed_by(self, user):
        row = self.principal.get(user)
        return self.domain_manager(row.email) if row and row.email else None

    def user_with_email(self, email):
        return next((p for p, row in self.principal.items()
                     if row.email is not None and row.email.lower() == email.lower()), None)

    def is_active(self, principal):
        return principal in self.principal and not self.principal[principal].deactivated

    # --- what names mean ---

    def given(self, name, organization, kind):
        """The actions that a role or permission gives when granted on a kind."""
        if name in self.catalogue.allowed:
            return self.catalogue.allowed[name].get(kind, 0)
        role = self.role.get((organization, name))
        return role.allowed.get(kind, 0) if role else 0

    def levels(self, name, organization):
        """The kinds of resource that something can be granted on, or None (G1)."""
        if name in self.catalogue.levels:
            return self.catalogue.levels[name]
        role = self.role.get((organization, name))
        return set(role.allowed) if role else None

    def is_name(self, name):
        return (name in self.catalogue.bit or name in self.catalogue.types
                or any(n == name for _, n in self.role))

    def needed(self, name, resource):
        """What has to be held on a resource to hold a name there; 0: it never is."""
        row = self.resource[resource]
        return self.remembered(('needed', name, row.kind, row.organization),
                               lambda: self._needed(name, row.kind, row.organization))

    def _needed(self, name, kind, organization):
        if name in self.catalogue.bit:
            return self.catalogue.bit[name]
        if name in self.catalogue.types:
            return required(self.catalogue.allowed[name], kind)
        role = self.role.get((organization, name))
        return required(role.allowed, kind) if role else 0

    # --- what is held ---

    def lacks_for(self, login, policy):
        """G9: does a user's session not satisfy a policy?"""
        return ((login.by_token and not policy.personal_tokens)
                or (policy.two_factor and not login.two_factor)
                or (policy.methods is not None and login.method not in policy.methods))

    def is_barred(self, login, organization):
        """G9, and P2: application users are not subject to policies"""
        policy = self.policy.get(organization)
        return (policy is not None and self.principal[login.principal].kind == 'user'
                and self.lacks_for(login, policy))

    def sources(self, principal, login=None):
        """The grants that reach a principal, by itself and by its groups (G2, P4,
        P5), in force or not; for a session, those that its policies let count."""
        return self.remembered(('sources', principal, login), lambda: self._sources(principal, login))

    def _sources(self, principal, login):
        if not self.is_active(principal):                                   # G10, P6
            return []
        return [s for s in self.every_source(principal)
                if login is None or not self.is_barred(login, self.resource[s.resource].organization)]

    def every_source(self, principal):
        found = self._granted(principal, 'direct')
        for group in self.groups_of(principal):
            row = self.principal[group]
            via = 'group:' + row.name
            found += self._granted(group, via)
            if row.account_owners:
                found.append(Source(row.organization, self.catalogue.everything, 'super_admin', via, None, None))
        return found

    def grants_of(self, principal):
        grants = self.remembered('grants', self._grants_by_principal)
        return grants.get(principal, [])

    def _grants_by_principal(self):
        grants = {}
        for (principal, name, resource), grant in self.grant.items():
            grants.setdefault(principal, []).append((name, resource, grant))
        return grants

    def _granted(self, principal, via):
        return [Source(resource, self.given(name, row.organization, row.kind), name, via, grant.since, grant.until)
                for name, resource, grant in self.grants_of(principal)
                for row in [self.resource[resource]]]

    def held(self, principal, instant, login=None):
        """{resource: actions} for every resource on which something is held: what is
        granted reaches all that is inside (G3), and adds up (G2)."""
        return self.remembered(('held', principal, instant, login), lambda: self._held(principal, instant, login))

    def _held(self, principal, instant, login):
        granted = {}
        for source in self.sources(principal, login):
            if in_force(source, instant):
                granted[source.resource] = granted.get(source.resource, 0) | source.actions
        if not granted:
            return {}
        held = {}
        for resource in self.in_order():
            actions = granted.get(resource, 0) | held.get(self.resource[resource].parent, 0)
            if actions:
                held[resource] = actions
        return held

    def holds(self, principal, instant, resource, name, login=None):
        needed = self.needed(name, resource)
        held = self.held(principal, instant, login).get(resource, 0)
        return needed != 0 and held & needed == needed

    def lacking(self, principal, resource, actions, since, until, login=None):
        """Those of some actions that are not held on a resource all the time from
        "since" to "until" by grants that each last as long (G5)."""
        above = set(self.above(resource))
        for source in self.sources(principal, login):
            if source.resource in above and covers(source, since, until):
                actions &= ~source.actions
        return actions

    def reaching(self, principal, resource, instant, needed, login=None):
        """The grants in force that give some of what is needed on a resource."""
        above = set(self.above(resource))
        return [s for s in self.sources(principal, login)
                if s.resource in above and in_force(s, instant) and s.actions & needed]

    # --- plans (H8) ---

    def allowed_plans(self, place):
        """The plans that every list at or above a place names; None: any."""
        lists = [self.plan_list[r] for r in self.above(place) if r in self.plan_list]
        return frozenset.intersection(*lists) if lists else None
