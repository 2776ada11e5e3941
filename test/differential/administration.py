"""What the rules say about every call of administration: refused and why, or else
what it changes, returns and hands out.

A call can be wrong in several ways at once, and then any of their SQLSTATEs will
do.  What is found is gathered in a Call: its functions say what is wrong, and
go on as far as they can.

An act that has no function here is not known to the generator either.
"""

import re
from collections import namedtuple

from catalogue import LEVELS
from model import (Belonging, BillingGroup, Domain, Grant, Invitation, Policy, Principal, Resource, Role,
                   Service, Token)

DENIED = '42501'            # insufficient_privilege
UNKNOWN = '42704'           # undefined_object
WRONG_KIND = '42809'        # wrong_object_type
INVALID = '22023'           # invalid_parameter_value
MISSING = '22004'           # null_value_not_allowed
TAKEN = '23505'             # unique_violation
ALREADY = '42710'           # duplicate_object
IN_USE = '2BP01'            # dependent_objects_still_exist
NOT_NOW = '55000'           # object_not_in_prerequisite_state
NOT_GRANTABLE = '0LP01'     # invalid_grant_operation
LAST_ONE = '23001'          # restrict_violation
NO_PATH = '22P02'           # invalid_text_representation

# Who acts: an operator, or the principal of a login, or neither; and whether the
# database role signs users up, whoever acts
Actor = namedtuple('Actor', 'operator login signs_up')

# What is judged again at COMMIT: that a login holds some actions on a resource,
# for a period, and that the resource still manages a user
HandedOut = namedtuple('HandedOut', 'login resource actions since until managed')

EMAIL = re.compile(r'[^@\s]+@[^@\s]+')
LABEL = re.compile(r'[a-z0-9][a-z0-9_-]{0,62}')
ROLE_NAME = re.compile(r'[a-z0-9][a-z0-9_:-]*')


class Call:
    """One call, by an actor in a world at an instant; "made" is the handle of
    what it makes."""

    def __init__(self, world, actor, instant, made):
        self.world = world
        self.actor = actor
        self.instant = instant
        self.made = made
        self.wrong = set()
        self.writes = []
        self.handed_out = []
        self.result = None

    @property
    def self(self):
        return self.actor.login.principal if self.actor.login else None

    def refuse(self, code, when=True):
        if when:
            self.wrong.add(code)

    def put(self, table, key, row):
        self.writes.append((table, key, row))

    def drop(self, table, key):
        self.put(table, key, None)

    def after(self):
        return self.world.with_writes(self.writes)

    # --- finding: what is out of sight does not exist ---

    def knows(self, organization):
        return self.actor.operator or self.world.is_member(self.self, organization)

    def place(self, path, *kinds):
        """The resource at a path, or None if that is an error."""
        found = self.world.at(path) if path is not None else None
        if path is None:
            self.refuse(MISSING)
        elif found is None or not self.knows(self.world.resource[found].organization):
            self.refuse(UNKNOWN)
            return None
        elif self.world.resource[found].kind not in kinds:
            self.refuse(WRONG_KIND)
            return None
        return found

    def may_know(self, principal):
        row = self.world.principal[principal]
        if self.actor.operator or principal == self.self:
            return True
        if row.organization is not None:
            return self.knows(row.organization)
        manager = self.world.managed_by(principal)                          # P3
        return (bool(self.world.organizations_of(principal) & self.world.organizations_of(self.self))
                or (manager is not None and self.knows(manager)))

    def who(self, principal, *kinds):
        if principal not in self.world.principal or not self.may_know(principal):
            self.refuse(UNKNOWN)
            return None
        if self.world.principal[principal].kind not in kinds:
            self.refuse(WRONG_KIND)
            return None
        return principal

    def belonging(self, table, thing):
        """The organization of a billing group or the like."""
        row = getattr(self.world, table).get(thing)
        if row is None or not self.knows(row.organization):
            self.refuse(UNKNOWN)
            return None
        return row.organization

    # --- requiring ---

    def can(self, action, resource):
        return self.actor.operator or self.world.holds(self.self, self.instant, resource, action, self.actor.login)

    def require(self, action, resource):
        self.refuse(DENIED, resource is not None and not self.can(action, resource))

    def require_to_hand_out(self, action, resource, managed=None):
        self.require(action, resource)
        if resource is not None and not self.actor.operator:
            self.handed_out.append(HandedOut(self.actor.login, resource, self.world.catalogue.bit[action],
                                             None, self.instant, managed))

    def require_actions(self, actions, resource, since, until, hand_out=True):
        """G5: all that is handed out has to be held, for as long."""
        if self.actor.operator or resource is None:
            return
        since = self.instant if since is None else max(since, self.instant)
        self.refuse(DENIED, self.world.lacking(self.self, resource, actions, since, until, self.actor.login))
        if hand_out:
            self.handed_out.append(HandedOut(self.actor.login, resource, actions, since, until, None))

    def require_grant(self, name, resource, grant, hand_out=True):
        row = self.world.resource[resource]
        self.require_actions(self.world.given(name, row.organization, row.kind), resource,
                             grant.since, grant.until, hand_out)

    def is_over(self, grant):
        return grant.until is not None and grant.until <= self.instant

    # --- what many do ---

    def keep_super_admins(self, organizations):
        """P5: the last active one stays"""
        after = self.after()
        for organization in organizations:
            owners = after.account_owners(organization)
            self.refuse(LAST_ONE, owners is not None
                        and not any(after.is_active(m) for m in after.members(owners)))

    def end_membership(self, principal, organization):
        """P1, P7: what hangs on a membership ends with it."""
        self.drop('membership', (principal, organization))
        for member, group in self.world.member:
            if member == principal and self.world.principal[group].organization == organization:
                self.drop('member', (member, group))
        for key in self.world.grant:
            if key[0] == principal and self.world.resource[key[2]].organization == organization:
                self.drop('grant', key)

    def end_principal(self, principal):
        for organization in self.world.organizations_of(principal):
            self.end_membership(principal, organization)
        for key in self.world.member:
            if key[1] == principal:
                self.drop('member', key)
        for key, row in self.world.token.items():
            if row.principal == principal:
                self.drop('token', key)
        self.drop('principal', principal)

    def end_resource(self, resource):
        for table in ('plan_list', 'service', 'billing', 'resource'):
            if resource in getattr(self.world, table):
                self.drop(table, resource)
        for table, place in (('tag', 0), ('service_user', 0), ('grant', 2)):
            for key in getattr(self.world, table):
                if key[place] == resource:
                    self.drop(table, key)
        for number, of in self.world.row_by_path.items():
            if of == resource:
                self.drop('row_by_path', number)

    def check_label(self, label):
        if label is None:
            self.refuse(MISSING)
        else:
            self.refuse(NO_PATH, not all(LABEL.fullmatch(part) for part in label.split('.')))
            self.refuse(INVALID, '.' in label)

    def check_path(self, resource, kind, parent, label):
        """H3: is this label free?  "resource" is who has it then."""
        for other, row in self.world.resource.items():
            if other != resource and row.label == label:
                self.refuse(TAKEN, row.parent == parent or (kind == 'project' and row.kind == 'project'))

    def make_resource(self, kind, parent, label, name):
        self.check_label(label)
        if self.wrong:
            return
        organization = self.world.resource[parent].organization if parent else self.made
        self.check_path(self.made, kind, parent, label)
        self.put('resource', self.made, Resource(kind, organization, parent, label, name or label))
        self.result = self.path_of_made(parent, label)

    def path_of_made(self, parent, label):
        return (self.world.path(parent) + '.' if parent else '') + label

    def rename(self, action, path, kind, name, label):
        found = self.place(path, kind)
        self.require(action, found)
        self.refuse(INVALID, name == '')
        if label is not None:
            self.check_label(label)
        if self.wrong:
            return
        row = self.world.resource[found]
        row = row._replace(label=row.label if label is None else label, name=row.name if name is None else name)
        self.check_path(found, kind, row.parent, row.label)
        self.put('resource', found, row)
        self.result = self.path_of_made(row.parent, row.label)

    def delete(self, action, path, kind):
        """H5"""
        found = self.place(path, kind)
        self.require(action, found)
        if found is not None:
            self.refuse(IN_USE, bool(self.world.inside(found)))
            self.end_resource(found)
        return found

    def make_principal(self, kind, action, path, name):
        """P2, P4"""
        organization = self.place(path, 'organization')
        self.require(action, organization)
        self.refuse(INVALID, not name)
        self.check_name(kind, organization, name, None)
        self.put('principal', self.made, Principal(kind, organization, name, None, False, False))
        self.put('membership', (self.made, organization), True)

    def check_name(self, kind, organization, name, principal):
        self.refuse(TAKEN, any(p != principal and (row.kind, row.organization, row.name) == (kind, organization, name)
                               for p, row in self.world.principal.items()))

    def act_on_principal(self, action, principal, kind):
        found = self.who(principal, kind)
        if found is not None:
            self.require(action, self.world.principal[found].organization)
        return found

    def act_on_group(self, action, group):
        found = self.act_on_principal(action, group, 'group')
        self.refuse(NOT_NOW, found is not None and self.world.principal[found].account_owners)
        return found

    def edit_principal(self, found, name):
        self.refuse(INVALID, name == '')
        if found is not None and name is not None:
            row = self.world.principal[found]
            self.check_name(row.kind, row.organization, name, found)
            self.put('principal', found, row._replace(name=name))

    def require_manager(self, action, user, hand_out=False):
        """P3: the organization that manages a user may touch the user, and no mere
        admin of it if the user is a super admin."""
        if self.actor.operator:
            return
        manager = self.world.managed_by(user)
        if manager is None or not self.knows(manager):
            self.refuse(DENIED)
            return
        self.require(action, manager)
        if self.world.super_admin_of(user):
            self.require('super_admin.manage', manager)
        if hand_out:
            self.require_to_hand_out(action, manager, user)

    def act_on_user(self, action, user):
        found = self.who(user, 'user')
        if found is not None:
            self.require_manager(action, found)
        return found

    def act_on_belonging(self, action, table, thing):
        organization = self.belonging(table, thing)
        self.require(action, organization)
        return organization


def judge(world, actor, instant, function, arguments, made):
    """What a call comes to; "arguments" are by name."""
    call = Call(world, actor, instant, made)
    signing_up = actor.signs_up and function == 'rbac_user_create'
    if not actor.operator and not signing_up and (
            actor.login is None or (call.self in world.principal and not world.is_active(call.self))):
        call.refuse(DENIED)                                                 # G10, P6
    else:
        ACTS[function](call, **arguments)
    if call.wrong:
        call.writes, call.handed_out, call.result = [], [], None
    return call


def still_stands(world, handed_out, instant):
    """G5: may whoever handed something out still do so at COMMIT?"""
    for one in handed_out:
        if one.resource not in world.resource:
            continue
        since = instant if one.since is None else max(one.since, instant)
        if not world.is_active(one.login.principal) or world.lacking(
                one.login.principal, one.resource, one.actions, since, one.until, one.login):
            return False
        if one.managed is not None and world.managed_by(one.managed) != one.resource:
            return False
    return True


ACTS = {}


def act(function):
    ACTS['rbac_' + function.__name__] = function
    return function


# --- organizations and units (H1 to H5) ---------------------------------------

@act
def organization_create(call, label, name, super_admin):
    """H2"""
    call.refuse(MISSING, super_admin is None)
    founder = call.who(super_admin, 'user') if super_admin is not None else None
    if founder is not None:
        call.refuse(NOT_NOW, call.world.principal[founder].deactivated)
        call.refuse(DENIED, not call.actor.operator and call.self != founder)
        manager = call.world.managed_by(founder)
        call.refuse(DENIED, not call.actor.operator and manager is not None and not call.world.holds(
            call.self, call.instant, manager, 'role:organization:admin', call.actor.login))
    call.make_resource('organization', None, label, name)
    owners = call.made + '-owners'
    call.put('principal', owners, Principal('group', call.made, 'account owners', None, False, True))
    call.put('membership', (owners, call.made), True)
    call.put('membership', (founder, call.made), True)
    call.put('member', (founder, owners), True)


@act
def organization_rename(call, organization, name, label=None):
    call.rename('organization.rename', organization, 'organization', name, label)


@act
def organization_delete(call, organization):
    found = call.delete('organization.delete', organization, 'organization')
    if found is None:
        return
    for principal, row in call.world.principal.items():
        if row.organization == found:
            call.end_principal(principal)
    for principal, of in call.world.membership:
        if of == found:
            call.end_membership(principal, found)
    for table in ('role', 'domain'):
        for key in getattr(call.world, table):
            if key[0] == found:
                call.drop(table, key)
    for table in ('invitation', 'billing_group', 'billing_address', 'payment_method', 'identity_provider'):
        for key, row in getattr(call.world, table).items():
            if row.organization == found:
                call.drop(table, key)
    call.drop('policy', found)


@act
def organization_support_tier_set(call, organization, support_tier):
    """H6"""
    call.require('billing_group.edit', call.place(organization, 'organization'))
    call.refuse(MISSING, support_tier is None)
    call.refuse(INVALID, support_tier not in (None, 'basic', 'business', 'advanced', 'premium'))


@act
def unit_create(call, organization, label, name=None):
    found = call.place(organization, 'organization')
    call.require('unit.create', found)
    call.make_resource('unit', found, label, name)


@act
def unit_rename(call, unit, name, label=None):
    call.rename('unit.create', unit, 'unit', name, label)


@act
def unit_delete(call, unit):
    call.delete('unit.delete', unit, 'unit')


# --- projects (H3 to H5, H7) --------------------------------------------------

def require_billing_group(call, billing_group, place):
    call.require('project.assign_billing_group', place)
    organization = call.belonging('billing_group', billing_group)
    call.refuse(INVALID, organization is not None and place is not None
                and organization != call.world.resource[place].organization)


@act
def project_create(call, parent, label, name=None, billing_group=None):
    found = call.place(parent, 'organization', 'unit')
    call.require('project.create', found)
    if billing_group is not None:
        require_billing_group(call, billing_group, found)
    call.make_resource('project', found, label, name)
    call.put('billing', call.made, billing_group)


@act
def project_edit(call, project, name=None, label=None):
    call.rename('project.edit', project, 'project', name, label)


@act
def project_delete(call, project):
    call.delete('project.delete', project, 'project')


@act
def project_assign_billing_group(call, project, billing_group):
    found = call.place(project, 'project')
    if billing_group is None:
        call.require('project.assign_billing_group', found)
    else:
        require_billing_group(call, billing_group, found)
    call.put('billing', found, billing_group)


def given_inside(call, place, elsewhere, but=None):
    """The grants at and above a place that give something to a project inside, and
    would give it nothing inside the other place; but for those of a principal."""
    world = call.world
    meant = world.catalogue.everything & ~world.catalogue.of_organizations
    places = set(world.above(place)) - set(world.above(elsewhere))
    for (principal, name, resource), grant in world.grant.items():
        if resource in places and principal != but and not call.is_over(grant):
            row = world.resource[resource]
            actions = world.given(name, row.organization, row.kind) & meant
            if actions:
                yield actions, grant
    if world.resource[place].organization != world.resource[elsewhere].organization:
        yield meant, Grant(None, None)                  # of the super admins


def loosens_plans(call, place, target):
    before, after = call.world.allowed_plans(place), call.world.allowed_plans(target)
    return before is not None and (after is None or not after <= before)


def require_move(call, project, target):
    """G5: what the target gives is handed out, what the old place gave is revoked."""
    place = call.world.resource[project].parent
    for actions, grant in given_inside(call, target, place):
        call.require_actions(actions, project, grant.since, grant.until)
    taken = 0
    for actions, _ in given_inside(call, place, target, call.self):
        taken |= actions
    if taken or loosens_plans(call, place, target):
        call.require_actions(taken | call.world.catalogue.bit['permission.grant'], project, None, call.instant)


def require_plans(call, project, target):
    """H8"""
    allowed = call.world.allowed_plans(target)
    if allowed is not None and target != call.world.resource[project].parent:
        plans = {call.world.service[s].plan for s in call.world.inside(project)}
        call.refuse(INVALID, plans - allowed - {None})


def move_across(call, project, organization):
    """H4: grants on it that the target's organization can't have end"""
    ended = []
    for key in call.world.grant:
        principal, name, resource = key
        if resource == project and (name not in call.world.catalogue.types
                                    or not call.world.is_member(principal, organization)):
            call.drop('grant', key)
            ended.append((principal, name))
    call.put('billing', project, None)
    for service in call.world.inside(project):
        call.put('resource', service, call.world.resource[service]._replace(organization=organization))
    return sorted(ended)


@act
def project_move(call, project, parent, billing_group=None, keep_plans=False):
    """H4"""
    found = call.place(project, 'project')
    call.require_to_hand_out('project.move', found)
    target = call.place(parent, 'organization', 'unit')
    if found is None or target is None:
        return
    row, organization = call.world.resource[found], call.world.resource[target].organization
    across = row.organization != organization
    if across:
        call.require_to_hand_out('project.create', target)
        call.refuse(MISSING, billing_group is None)
    if billing_group is not None:
        require_billing_group(call, billing_group, target)
    require_move(call, found, target)
    if not keep_plans:
        require_plans(call, found, target)
    call.check_path(found, 'project', target, row.label)
    call.result = move_across(call, found, organization) if across else []
    call.put('resource', found, row._replace(parent=target, organization=organization))
    if billing_group is not None:
        call.put('billing', found, billing_group)


# --- services, tags, plans (H7 to H9) -----------------------------------------

def require_plan(call, project, plan):
    allowed = call.world.allowed_plans(project)
    if allowed is not None:
        call.refuse(MISSING if plan is None else INVALID, plan not in allowed)


@act
def service_create(call, project, label, service_type, plan=None):
    found = call.place(project, 'project')
    call.require('service.create', found)
    call.refuse(MISSING, not service_type)
    if found is not None:
        require_plan(call, found, plan)
    call.make_resource('service', found, label, None)
    call.put('service', call.made, Service(service_type, plan))


@act
def service_edit(call, service, name=None, label=None):
    call.rename('service.edit', service, 'service', name, label)


@act
def service_plan_change(call, service, plan):
    found = call.place(service, 'service')
    call.require('service_plan.change', found)
    if found is not None:
        require_plan(call, call.world.resource[found].parent, plan)
        call.put('service', found, call.world.service[found]._replace(plan=plan))


@act
def service_delete(call, service):
    call.delete('service.delete', service, 'service')


@act
def plan_list_set(call, resource, plans):
    found = call.place(resource, *LEVELS)
    call.require('permission.grant', found)
    call.refuse(INVALID, plans is not None and None in plans)
    call.put('plan_list', found, None if plans is None else frozenset(plans))


@act
def tag_set(call, resource, key, value):
    found = call.place(resource, 'project', 'service')
    if found is not None:
        kind = call.world.resource[found].kind
        call.require(f'{kind}_tag.edit' if (found, key) in call.world.tag else f'{kind}_tag.add', found)
    call.refuse(INVALID, not re.fullmatch(r'\S{1,64}', key) or len(value) > 256)
    call.put('tag', (found, key), value)


@act
def tag_remove(call, resource, key):
    found = call.place(resource, 'project', 'service')
    if found is not None:
        call.require(call.world.resource[found].kind + '_tag.delete', found)
    call.result = (found, key) in call.world.tag
    call.drop('tag', (found, key))


@act
def service_user_create(call, service, username):
    found = call.place(service, 'service')
    call.require('service_user.create', found)
    call.refuse(INVALID, not re.fullmatch(r'\S{1,63}', username))
    call.refuse(TAKEN, (found, username) in call.world.service_user)
    call.put('service_user', (found, username), True)


@act
def service_user_delete(call, service, username):
    found = call.place(service, 'service')
    call.require('service_user.delete', found)
    call.refuse(UNKNOWN, (found, username) not in call.world.service_user)
    call.drop('service_user', (found, username))


# --- billing (H6) -------------------------------------------------------------

def require_own(call, table, thing, organization):
    if thing is not None:
        owner = call.belonging(table, thing)
        call.refuse(INVALID, None not in (owner, organization) and owner != organization)


def check_billing_name(call, organization, name, billing_group):
    call.refuse(INVALID, name == '')
    call.refuse(MISSING, name is None)
    call.refuse(TAKEN, any(key != billing_group and (row.organization, row.name) == (organization, name)
                           for key, row in call.world.billing_group.items()))


@act
def billing_group_create(call, organization, name, billing_address=None, payment_method=None):
    found = call.place(organization, 'organization')
    call.require('billing_group.create', found)
    require_own(call, 'billing_address', billing_address, found)
    require_own(call, 'payment_method', payment_method, found)
    check_billing_name(call, found, name, None)
    call.put('billing_group', call.made, BillingGroup(found, name, billing_address, payment_method))


@act
def billing_group_edit(call, billing_group, name=None, billing_address=None, payment_method=None):
    organization = call.act_on_belonging('billing_group.edit', 'billing_group', billing_group)
    require_own(call, 'billing_address', billing_address, organization)
    require_own(call, 'payment_method', payment_method, organization)
    if organization is None:
        return
    row = call.world.billing_group[billing_group]
    row = BillingGroup(organization, row.name if name is None else name,
                       row.address if billing_address is None else billing_address,
                       row.method if payment_method is None else payment_method)
    check_billing_name(call, organization, row.name, billing_group)
    call.put('billing_group', billing_group, row)


@act
def billing_group_delete(call, billing_group):
    call.act_on_belonging('billing_group.delete', 'billing_group', billing_group)
    call.refuse(IN_USE, billing_group in call.world.billing.values())
    call.drop('billing_group', billing_group)


@act
def billing_address_add(call, organization, company_name, city, country_code):
    found = call.place(organization, 'organization')
    call.require('billing_address.add', found)
    call.refuse(INVALID, '' in (company_name, city) or not re.fullmatch('[A-Z]{2}', country_code))
    call.put('billing_address', call.made, Belonging(found, company_name))


@act
def billing_address_edit(call, billing_address, city):
    call.act_on_belonging('billing_address.edit', 'billing_address', billing_address)
    call.refuse(INVALID, city == '')


@act
def billing_address_delete(call, billing_address):
    call.act_on_belonging('billing_address.delete', 'billing_address', billing_address)
    call.refuse(IN_USE, any(row.address == billing_address for row in call.world.billing_group.values()))
    call.drop('billing_address', billing_address)


@act
def payment_method_add(call, organization, provider, provider_reference):
    found = call.place(organization, 'organization')
    call.require('payment_method.add', found)
    call.refuse(INVALID, provider_reference == '')
    call.refuse(TAKEN, Belonging(found, provider_reference) in call.world.payment_method.values())
    call.put('payment_method', call.made, Belonging(found, provider_reference))


@act
def payment_method_edit(call, payment_method, last_four):
    call.act_on_belonging('payment_method.edit', 'payment_method', payment_method)
    call.refuse(INVALID, not re.fullmatch('[0-9]{4}', last_four))


@act
def payment_method_delete(call, payment_method):
    call.act_on_belonging('payment_method.delete', 'payment_method', payment_method)
    call.refuse(IN_USE, any(row.method == payment_method for row in call.world.billing_group.values()))
    call.drop('payment_method', payment_method)


# --- people (P1 to P3, P6, P7) ------------------------------------------------

@act
def user_create(call, email, name=None):
    call.refuse(DENIED, not call.actor.signs_up)
    call.refuse(INVALID, not EMAIL.fullmatch(email) or name == '')
    call.refuse(TAKEN, call.world.user_with_email(email) is not None)
    call.put('principal', call.made, Principal('user', None, name or email, email, False, False))


def require_all_of_user(call, user):
    """G5: who changes by which email somebody signs in could be that user."""
    if call.actor.operator:
        return
    organizations = call.world.super_admin_of(user)
    for principal in [user] + call.world.groups_of(user):
        for name, resource, grant in call.world.grants_of(principal):
            if call.is_over(grant):
                continue
            organization = call.world.resource[resource].organization
            if call.knows(organization):
                call.require_grant(name, resource, grant)
            else:
                organizations = organizations | {organization}
    for organization in organizations:
        call.refuse(DENIED, not call.knows(organization))
        call.require_to_hand_out('super_admin.manage', organization)


def edit_managed(call, user, email):
    world, manager = call.world, call.world.managed_by(user)
    call.require_manager('user.edit', user)
    if email is None or call.actor.operator:
        return
    call.refuse(DENIED, not EMAIL.fullmatch(email) or world.domain_manager(email) != manager)
    if email.lower() != world.principal[user].email.lower() and call.self != user:
        call.require_manager('user.edit', user, hand_out=True)
        require_all_of_user(call, user)


@act
def user_edit(call, principal, name=None, email=None):
    """P3: nobody's own email, and no managed user's own profile"""
    user = call.who(principal, 'user')
    if user is None:
        return
    row, manager = call.world.principal[user], call.world.managed_by(user)
    if call.self == user and not call.actor.operator and manager is None:
        call.refuse(DENIED, email is not None and email != row.email)
    elif call.self == user and not call.actor.operator and not call.can('user.edit', manager):
        call.refuse(DENIED)
    else:
        edit_managed(call, user, email)
    call.refuse(INVALID, name == '' or (email is not None and not EMAIL.fullmatch(email)))
    call.refuse(TAKEN, email is not None and call.world.user_with_email(email) not in (None, user))
    call.put('principal', user, row._replace(name=row.name if name is None else name,
                                             email=row.email if email is None else email))


@act
def user_deactivate(call, principal):
    """P6"""
    user = call.act_on_user('user.deactivate', principal)
    if user is not None and not call.world.principal[user].deactivated:
        call.put('principal', user, call.world.principal[user]._replace(deactivated=True))
        call.keep_super_admins(call.world.super_admin_of(user))


@act
def user_reactivate(call, principal):
    user = call.act_on_user('user.deactivate', principal)
    if user is not None:
        call.require_manager('user.deactivate', user, hand_out=True)
        call.put('principal', user, call.world.principal[user]._replace(deactivated=False))


@act
def user_delete(call, principal):
    user = call.act_on_user('user.delete', principal)
    if user is not None:
        call.end_principal(user)
        call.keep_super_admins(call.world.super_admin_of(user))


@act
def application_user_create(call, organization, name):
    call.make_principal('application_user', 'application_user.create', organization, name)


@act
def application_user_edit(call, application_user, name):
    call.edit_principal(call.act_on_principal('application_user.edit', application_user, 'application_user'), name)


@act
def application_user_delete(call, application_user):
    found = call.act_on_principal('application_user.delete', application_user, 'application_user')
    if found is not None:
        call.end_principal(found)


def is_pending(call, invitation):
    return invitation.state == 'pending' and invitation.expires > call.instant


@act
def invitation_create(call, organization, email, expires_at):
    """P1"""
    found = call.place(organization, 'organization')
    call.require_to_hand_out('user.invite', found)
    call.refuse(INVALID, not EMAIL.fullmatch(email) or expires_at <= call.instant)
    for key, row in call.world.invitation.items():
        if row.organization == found and row.email.lower() == email.lower() and row.state == 'pending':
            call.refuse(TAKEN, is_pending(call, row))
            call.put('invitation', key, row._replace(state='withdrawn'))
    call.refuse(ALREADY, call.world.is_member(call.world.user_with_email(email), found))
    call.put('invitation', call.made, Invitation(found, email, expires_at, 'pending'))


@act
def invitation_accept(call, invitation):
    row = call.world.invitation.get(invitation)
    user = call.world.user_with_email(row.email) if row else None
    if user is None or not (call.actor.operator or call.self == user):
        call.refuse(UNKNOWN)
        return
    call.refuse(NOT_NOW, not is_pending(call, row))
    call.refuse(DENIED, call.world.principal[user].deactivated)
    call.put('invitation', invitation, row._replace(state='accepted'))
    call.put('membership', (user, row.organization), True)


@act
def invitation_withdraw(call, invitation):
    call.act_on_belonging('user_invitation.remove', 'invitation', invitation)
    row = call.world.invitation.get(invitation)
    if row is not None:
        call.refuse(NOT_NOW, row.state == 'accepted')
        call.put('invitation', invitation, row._replace(state='withdrawn'))


@act
def member_remove(call, organization, principal):
    """P7"""
    found, user = call.place(organization, 'organization'), call.who(principal, 'user')
    if found is None or user is None:
        return
    super_admin = call.world.is_super_admin(user, found)
    call.require('super_admin.manage' if super_admin else 'user.remove', found)
    call.result = call.world.is_member(user, found)
    if call.result:
        call.end_membership(user, found)
        call.keep_super_admins([found] if super_admin else [])


@act
def member_leave(call, organization):
    """G4"""
    found = call.place(organization, 'organization')
    if found is None:
        return
    is_user = call.self in call.world.principal and call.world.principal[call.self].kind == 'user'
    call.refuse(NOT_NOW, call.actor.operator or not is_user or not call.world.is_member(call.self, found))
    if not call.wrong:
        call.end_membership(call.self, found)
        call.keep_super_admins([found] if call.world.is_super_admin(call.self, found) else [])


# --- groups (P4, P5) ----------------------------------------------------------

@act
def group_create(call, organization, name):
    call.make_principal('group', 'group.create', organization, name)


@act
def group_rename(call, group, name):
    call.edit_principal(call.act_on_group('group.rename', group), name)


@act
def group_edit(call, group, description):
    call.act_on_group('group.edit_description', group)


@act
def group_delete(call, group):
    found = call.act_on_group('group.delete', group)
    if found is not None:
        call.end_principal(found)


def require_to_add(call, group):
    """G5: to add to a group hands out what is granted to it."""
    row = call.world.principal[group]
    grants = call.world.grants_of(group)
    if row.account_owners:
        call.require_to_hand_out('super_admin.manage', row.organization)
        return
    call.require_to_hand_out('group_member.add_privileged' if grants else 'group_member.add', row.organization)
    for name, resource, grant in grants:
        if not call.is_over(grant):
            call.require_grant(name, resource, grant)


def add_member(call, group, principal):
    group, found = call.who(group, 'group'), call.who(principal, 'user', 'application_user')
    if group is not None:
        require_to_add(call, group)
    if group is None or found is None:
        return
    row = call.world.principal[group]
    call.refuse(WRONG_KIND, row.account_owners and call.world.principal[found].kind != 'user')
    call.refuse(NOT_NOW, not call.world.is_member(found, row.organization))
    call.put('member', (found, group), True)


def remove_member(call, group, principal):
    group = call.who(group, 'group')
    if group is None:
        return
    row = call.world.principal[group]
    call.require('super_admin.manage' if row.account_owners else 'group_member.remove', row.organization)
    call.result = (principal, group) in call.world.member
    if call.result:
        call.drop('member', (principal, group))
        call.keep_super_admins([row.organization] if row.account_owners else [])


@act
def group_member_add(call, group, principal):
    add_member(call, group, principal)


@act
def group_member_remove(call, group, principal):
    remove_member(call, group, principal)


@act
def super_admin_add(call, organization, principal):
    """P5"""
    found = call.place(organization, 'organization')
    call.require('super_admin.manage', found)
    if found is not None:
        add_member(call, call.world.account_owners(found), principal)


@act
def super_admin_remove(call, organization, principal):
    found = call.place(organization, 'organization')
    call.require('super_admin.manage', found)
    if found is not None:
        remove_member(call, call.world.account_owners(found), principal)


# --- grants and roles (G1, G5, G7, G8) ----------------------------------------

def check_grantable(call, name, resource):
    """What a name means to who grants it: an error if that is nothing."""
    if resource is None:
        return
    organization = call.world.resource[resource].organization
    if call.world.levels(name, organization) is None:
        call.refuse(WRONG_KIND if name in call.world.catalogue.bit else UNKNOWN)


@act
def grant(call, principal, name, resource, valid_from=None, valid_until=None, replace=False):
    found = call.place(resource, 'organization', 'unit', 'project', 'service')
    who = call.who(principal, 'user', 'application_user', 'group')
    call.refuse(INVALID, None not in (valid_from, valid_until) and valid_from >= valid_until)
    call.refuse(INVALID, valid_until is not None and valid_until <= call.instant)
    check_grantable(call, name, found)
    if found is None or who is None or call.wrong & {UNKNOWN, WRONG_KIND}:
        return
    row = call.world.resource[found]
    call.refuse(NOT_GRANTABLE, row.kind not in call.world.levels(name, row.organization)
                or call.world.principal[who].account_owners)
    call.refuse(NOT_NOW, not call.world.is_member(who, row.organization))
    given = Grant(valid_from, valid_until)
    call.require_to_hand_out('permission.grant', found)
    if row.kind != 'service':
        call.require_grant(name, found, given)
    standing = call.world.grant.get((who, name, found))
    call.refuse(ALREADY, standing not in (None, given) and not replace and not call.is_over(standing))
    call.result = standing != given
    call.put('grant', (who, name, found), given)


@act
def revoke(call, principal, name, resource):
    found = call.place(resource, 'organization', 'unit', 'project', 'service')
    who = call.who(principal, 'user', 'application_user', 'group')
    check_grantable(call, name, found)
    if found is None or who is None or call.wrong:
        return
    if call.self != who or call.actor.operator:
        call.require('permission.grant', found)
        if call.world.resource[found].kind != 'service':
            call.require_grant(name, found, Grant(call.instant, call.instant), hand_out=False)
    call.result = (who, name, found) in call.world.grant
    call.drop('grant', (who, name, found))


def role_actions(call, organization, members, levels):
    """{level: actions} of a role; refuses what can't be one (G8)."""
    catalogue = call.world.catalogue
    call.refuse(MISSING, not members)
    call.refuse(INVALID, not levels or not set(levels) <= set(LEVELS))
    allowed = {}
    for member in members or ():
        for level in levels or ():
            actions = catalogue.bit.get(member) or member_actions(call, organization, member, level)
            call.refuse(NOT_GRANTABLE, actions & catalogue.of_super_admins)
            call.refuse(INVALID, not actions or (level != 'organization' and actions & catalogue.of_organizations))
            allowed[level] = allowed.get(level, 0) | actions
    return allowed


def member_actions(call, organization, member, level):
    if member in call.world.catalogue.types:
        call.refuse(WRONG_KIND, call.world.catalogue.types[member] != 'permission')
        return call.world.catalogue.allowed[member].get(level, 0)
    call.refuse(WRONG_KIND if (organization, member) in call.world.role else UNKNOWN)
    return 0


@act
def role_create(call, organization, name, members, grantable_on):
    found = call.place(organization, 'organization')
    call.require_to_hand_out('permission.grant', found)
    call.refuse(INVALID, not ROLE_NAME.fullmatch(name))
    call.refuse(TAKEN, name in call.world.catalogue.types or (found, name) in call.world.role)
    call.put('role', (found, name), Role(role_actions(call, found, members, grantable_on)))


def find_role(call, organization, name):
    row = call.world.role.get((organization, name))
    call.refuse(UNKNOWN, row is None)
    return row


def require_role_edit(call, organization, name, allowed):
    """G5: what comes or goes is handed out or taken away wherever it is granted."""
    before = call.world.role[organization, name].allowed
    for (_, n, resource), grant in call.world.grant.items():
        row = call.world.resource[resource]
        if (row.organization, n) != (organization, name):
            continue
        call.refuse(IN_USE, row.kind not in allowed)
        changed = before.get(row.kind, 0) ^ allowed.get(row.kind, 0)
        if changed and not call.is_over(grant):
            call.require_actions(changed, resource, grant.since, grant.until)


@act
def role_edit(call, organization, name, members=None, grantable_on=None):
    found = call.place(organization, 'organization')
    call.require_to_hand_out('permission.grant', found)
    row = find_role(call, found, name)
    if found is None or row is None:
        return
    if members is None:
        actions = 0
        for given in row.allowed.values():
            actions |= given
        members = call.world.catalogue.names_of(actions)
    allowed = role_actions(call, found, members, sorted(row.allowed) if grantable_on is None else grantable_on)
    require_role_edit(call, found, name, allowed)
    call.put('role', (found, name), Role(allowed))


@act
def role_delete(call, organization, name):
    found = call.place(organization, 'organization')
    call.require('permission.grant', found)
    find_role(call, found, name)
    call.refuse(IN_USE, any(n == name and call.world.resource[r].organization == found
                            for _, n, r in call.world.grant))
    call.drop('role', (found, name))


# --- domains, identity providers, policies, tokens (P3, P8, G9) ----------------

def find_domain(call, organization, domain):
    row = call.world.domain.get((organization, domain.lower()))
    call.refuse(UNKNOWN, row is None)
    return row


@act
def domain_add(call, organization, domain):
    found = call.place(organization, 'organization')
    call.require('domain.add', found)
    call.refuse(INVALID, '.' not in domain)
    call.refuse(TAKEN, (found, domain.lower()) in call.world.domain)
    call.put('domain', (found, domain.lower()), Domain(False))


@act
def domain_verify(call, organization, domain, observed):
    """P3: in one organization at most; "observed" is of the domain that it was
    made for."""
    found = call.place(organization, 'organization')
    call.require('domain.edit', found)
    if find_domain(call, found, domain) is not None:
        call.refuse(INVALID, observed != (found, domain.lower()))
        call.refuse(TAKEN, any(o != found and n == domain.lower() and row.verified
                               for (o, n), row in call.world.domain.items()))
    call.put('domain', (found, domain.lower()), Domain(True))


@act
def domain_remove(call, organization, domain):
    found = call.place(organization, 'organization')
    call.require('domain.remove', found)
    call.result = (found, domain.lower()) in call.world.domain
    call.drop('domain', (found, domain.lower()))


@act
def identity_provider_add(call, organization, name, entity_id, url, certificate_fingerprint):
    found = call.place(organization, 'organization')
    call.require('identity_provider.add', found)
    call.refuse(INVALID, not url.startswith('https://') or name == '')
    call.refuse(TAKEN, Belonging(found, name) in call.world.identity_provider.values())
    call.put('identity_provider', call.made, Belonging(found, name))


@act
def identity_provider_enable(call, identity_provider):
    call.act_on_belonging('identity_provider.enable', 'identity_provider', identity_provider)


@act
def identity_provider_disable(call, identity_provider):
    call.act_on_belonging('identity_provider.disable', 'identity_provider', identity_provider)


@act
def identity_provider_remove(call, identity_provider):
    row = call.world.identity_provider.get(identity_provider)
    call.result = row is not None and call.knows(row.organization)
    if call.result:
        call.require('identity_provider.remove', row.organization)
        call.drop('identity_provider', identity_provider)


def demands_more(before, policy):
    if policy.two_factor and not (before and before.two_factor):
        return True
    if policy.methods is None:
        return False
    return before is None or before.methods is None or not before.methods <= policy.methods


@act
def authentication_policy_set(call, organization, require_two_factor, allowed_methods, personal_tokens):
    """G9: nobody locks themselves out, or the super admins"""
    found = call.place(organization, 'organization')
    call.require('authentication_policy.change', found)
    call.refuse(INVALID, allowed_methods == [])
    policy = Policy(require_two_factor, None if allowed_methods is None else frozenset(allowed_methods),
                    personal_tokens)
    if found is not None and not call.actor.operator:
        call.refuse(DENIED, demands_more(call.world.policy.get(found), policy)
                    and not call.world.is_super_admin(call.self, found))
        call.refuse(NOT_NOW, call.world.principal[call.self].kind == 'user'
                    and call.world.lacks_for(call.actor.login, policy))
    call.put('policy', found, policy)


def require_token_of_application_user(call, principal):
    """G5, G6: it opens all that the application user has been granted."""
    organization = call.world.principal[principal].organization
    grants = [grant for who in [principal] + call.world.groups_of(principal)
              for grant in call.world.grants_of(who)]
    call.require_to_hand_out('application_token.generate_privileged' if grants else 'application_token.generate',
                             organization)
    for name, resource, grant in grants:
        if not call.is_over(grant):
            call.require_grant(name, resource, grant)


def require_own_token(call, principal):
    """P8: a token opens no more than the session that makes it, and its maker's
    manager allows it."""
    call.refuse(DENIED, call.self != principal)
    if call.self == principal:
        call.refuse(DENIED, call.actor.login.by_token
                    or any(call.world.is_barred(call.actor.login, o) for o in call.world.organizations_of(principal)))
        policy = call.world.policy.get(call.world.managed_by(principal))
        call.refuse(DENIED, policy is not None and not policy.personal_tokens)


@act
def token_create(call, principal, description, allowed_networks=None):
    found = call.who(principal, 'user', 'application_user')
    if found is None:
        return
    row = call.world.principal[found]
    if row.kind == 'application_user':
        require_token_of_application_user(call, found)
    elif not call.actor.operator:
        require_own_token(call, found)
    call.refuse(NOT_NOW, row.deactivated)
    call.refuse(INVALID, allowed_networks == [])
    login = call.actor.login if row.kind == 'user' and not call.actor.operator else None
    call.put('token', call.made, Token(found, login.method if login else None, bool(login and login.two_factor),
                                       None if allowed_networks is None else tuple(allowed_networks), False))


@act
def token_revoke(call, prefix):
    row = call.world.token.get(prefix)
    if row is None:
        call.refuse(UNKNOWN)
        return
    owner = call.world.principal[row.principal]
    organization = owner.organization or call.world.managed_by(row.principal)
    if not call.actor.operator and call.self != row.principal:
        if organization is None or not call.knows(organization):
            call.refuse(UNKNOWN)
            return
        call.require('user_token.revoke' if owner.kind == 'user' else 'application_token.revoke', organization)
    call.put('token', prefix, row._replace(revoked=True))
