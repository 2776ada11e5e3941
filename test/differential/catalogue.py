"""The catalogue as the CSV files have it: sets of actions, as bits of a number."""

import csv
import os

KINDS = ('organization', 'unit', 'project', 'service')
LEVELS = KINDS[:3]                  # where something can be granted (G1)


def read(directory, name):
    with open(os.path.join(directory, name + '.csv'), newline='') as file:
        return list(csv.DictReader(file))


class Catalogue:
    """Actions, and the roles and permissions that all organizations have."""

    def __init__(self, directory):
        rows = read(directory, 'actions')
        self.actions = [row['action'] for row in rows]
        self.bit = {action: 1 << i for i, action in enumerate(self.actions)}
        self.kind_of = {row['action']: row['resource_kind'] for row in rows}
        self.types = {}             # name: built-in, role or permission
        self.levels = {}            # name: the kinds of resource that it can be granted on
        self.allowed = {}           # name: {kind it was granted on: actions}
        for row in read(directory, 'grantables'):
            self.types[row['name']] = row['type']
            self.allowed.setdefault(row['name'], {})
            self.levels.setdefault(row['name'], set()).update(filter(None, [row['grantable_on']]))
        for row in read(directory, 'allowed_actions'):
            given = self.allowed[row['name']]
            given[row['granted_on']] = given.get(row['granted_on'], 0) | self.bit[row['action']]
        self.everything = self.allowed['super_admin']['organization']
        self.of_organizations = self.union(a for a in self.actions if self.kind_of[a] == 'organization')
        self.of_super_admins = self.union(('organization.rename', 'organization.delete', 'super_admin.manage'))

    def union(self, actions):
        return sum({self.bit[action] for action in actions})

    def names_of(self, actions):
        return [action for action in self.actions if actions & self.bit[action]]

    def permissions(self):
        return [name for name, type in self.types.items() if type == 'permission']


def required(allowed, kind):
    """What holding a role or permission means on a kind of resource: the actions
    that it gives when granted there or, where it can't be, on the nearest kind
    above; 0 if it gives nothing, and then it is never held."""
    for level in reversed(KINDS[:KINDS.index(kind) + 1]):
        if allowed.get(level):
            return allowed[level]
    return 0
