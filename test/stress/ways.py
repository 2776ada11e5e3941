"""The ways in which a right comes and goes.

Each fact is that one principal holds `project:services:read` on one project, in
an organization of its own, so that no two facts touch.  A way has the statements
that make the world of its fact, and those that make it true and false; {o} is the
label of the organization and {p} the id of the principal.
"""

ORGANIZATION = """
SELECT rbac_user_create('owner@{o}.example', 'Owner');
SELECT rbac_user_create('{o}@people.example', 'Person');
SELECT rbac_organization_create('{o}', '{o}', rbac_user('owner@{o}.example'));
SELECT rbac_invitation_accept(rbac_invitation_create('{o}', '{o}@people.example'));
SELECT rbac_unit_create('{o}', 'a');
SELECT rbac_unit_create('{o}', 'b');
SELECT rbac_project_create('{o}.a', 'p-{o}');
INSERT INTO by_id SELECT rbac_resource_id('{o}.a.p-{o}') FROM generate_series(1, 5);
INSERT INTO by_path SELECT '{o}.a.p-{o}' FROM generate_series(1, 5);
"""

GRANT = "SELECT rbac_grant({p}, 'developer', '{o}.a.p-{o}')"
REVOKE = "SELECT rbac_revoke({p}, 'developer', '{o}.a.p-{o}')"
JOIN = """
SELECT rbac_invitation_accept(rbac_invitation_create('{o}', '{o}@people.example'));
SELECT rbac_grant({p}, 'developer', '{o}.a.p-{o}')
"""


class Way:
    """`user`: the principal is a user, else an application user.  `session`: only
    a session of the principal's tells, not who asks about it.  `moves`: so does
    the place, and an old snapshot shows it where it was.  `token`: the fact is that
    the principal, an application user, can log in with a token."""

    def __init__(self, on, off, world="", user=True, session=False, moves=False, token=False):
        self.on, self.off, self.world = on, off, world
        self.user, self.session, self.moves, self.token = user, session, moves, token


WAYS = {
    "grant": Way(GRANT, REVOKE),
    "grant for a period": Way(
        "SELECT rbac_grant({p}, 'developer', '{o}.a.p-{o}', valid_until => now() + interval '1 hour', replace => true)",
        REVOKE),
    "grant above": Way("SELECT rbac_grant({p}, 'developer', '{o}.a')",
                       "SELECT rbac_revoke({p}, 'developer', '{o}.a')"),
    "DML by the owner": Way(
        "INSERT INTO aiven_rbac.access_grant SELECT * FROM kept WHERE principal = {p}",
        "DELETE FROM aiven_rbac.access_grant WHERE principal = {p}",
        world=GRANT + "; CREATE TABLE IF NOT EXISTS kept AS TABLE aiven_rbac.access_grant WITH NO DATA;"
        "INSERT INTO kept SELECT * FROM aiven_rbac.access_grant WHERE principal = {p};"
        "DELETE FROM aiven_rbac.access_grant WHERE principal = {p}"),
    "member of a group": Way(
        "SELECT rbac_group_member_add(rbac_group('{o}', 'g'), {p})",
        "SELECT rbac_group_member_remove(rbac_group('{o}', 'g'), {p})",
        world="SELECT rbac_group_create('{o}', 'g');"
        "SELECT rbac_grant(rbac_group('{o}', 'g'), 'developer', '{o}')"),
    "grant of a group": Way(
        "SELECT rbac_grant(rbac_group('{o}', 'g'), 'developer', '{o}')",
        "SELECT rbac_revoke(rbac_group('{o}', 'g'), 'developer', '{o}')",
        world="SELECT rbac_group_create('{o}', 'g');"
        "SELECT rbac_group_member_add(rbac_group('{o}', 'g'), {p})"),
    "role edited": Way(
        "SELECT rbac_role_edit('{o}', 'r', '{{project:services:read}}')",
        "SELECT rbac_role_edit('{o}', 'r', '{{project.edit}}')",
        world="SELECT rbac_role_create('{o}', 'r', '{{project.edit}}', '{{project}}');"
        "SELECT rbac_grant({p}, 'r', '{o}.a.p-{o}')"),
    "project moved": Way(
        "SELECT rbac_project_move('{o}.b.p-{o}', '{o}.a')",
        "SELECT rbac_project_move('{o}.a.p-{o}', '{o}.b')",
        world="SELECT rbac_grant({p}, 'developer', '{o}.a');"
        "SELECT rbac_project_move('{o}.a.p-{o}', '{o}.b')", moves=True),
    "deactivated": Way(
        "SELECT rbac_user_reactivate({p})", "SELECT rbac_user_deactivate({p})",
        world=GRANT + "; SELECT rbac_user_deactivate({p})"),
    "super admin": Way("SELECT rbac_super_admin_add('{o}', {p})",
                       "SELECT rbac_super_admin_remove('{o}', {p})"),
    "member removed": Way(JOIN, "SELECT rbac_member_remove('{o}', {p})",
                          world="SELECT rbac_member_remove('{o}', {p})"),
    "application user": Way(GRANT, REVOKE, user=False),
    "authentication policy": Way(
        "SELECT rbac_authentication_policy_set('{o}', false, NULL, true)",
        "SELECT rbac_authentication_policy_set('{o}', true, NULL, true)",
        world=GRANT + "; SELECT rbac_authentication_policy_set('{o}', true, NULL, true)",
        session=True),
    "token": Way(
        "UPDATE aiven_rbac.token SET revoked_at = NULL WHERE principal = {p}",
        "SELECT rbac_token_revoke((SELECT prefix FROM aiven_rbac.token WHERE principal = {p}))",
        world="SELECT rbac_token_revoke((SELECT prefix FROM aiven_rbac.token WHERE principal = {p}))",
        user=False, token=True),
}
