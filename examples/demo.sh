#!/usr/bin/env bash
#
# A tour of aiven_rbac in the terminal: "make demo".
#
# It starts a throw-away server, loads the organization of acme.sql and the
# table of deployment.sql, and tells a story in two sessions that stay open
# from the beginning to the end: an administrator's, and one of an
# application's back end.  Every statement is shown as it is sent.  One that
# fails and should not, or succeeds and should not, ends the tour with a
# status other than 0; in any case nothing is left behind.
#
#   KEEP=1       leave the server running, and tell how to connect
#   PG_MAJOR     PostgreSQL's major version (see tools/packages)

set -euo pipefail

examples=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
tools=$(dirname "$examples")/tools
width=96
declare -A to from

. "$tools/scratch"

# --- telling ---------------------------------------------------------------

bold='' dim='' colour='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]
then
	bold=$'\e[1m' dim=$'\e[2m' colour=$'\e[36m' plain=$'\e[0m'
fi

heading()
{
	printf '\n%s%s%s\n' "$bold" "$1" "$plain"
	printf '%s%s%s\n' "$bold" "${1//?/=}" "$plain"
}

# Narration comes on standard input, its lines as they are to be.
tell()
{
	echo
	cat
}

# show SESSION SQL: as it would be typed
show()
{
	local prompt=$1'=>' line

	echo
	while IFS= read -r line
	do
		if [ -n "$line" ]
		then
			printf '  %s%s%s %s%s%s\n' "$dim" "$prompt" "$plain" "$colour" "$line" "$plain"
		else
			echo
		fi
		prompt=${prompt//?/ }
	done <<<"$2"
}

# --- sessions --------------------------------------------------------------

fail()
{
	echo "demo: $*" >&2
	exit 1
}

# connect SESSION ROLE: a psql that reads from one pipe and writes to another
connect()
{
	local in out

	mkfifo "$scratch/$1.in" "$scratch/$1.out"
	"$tools/instance" run "$scratch" psql -Xq -v ON_ERROR_STOP=1 -U "$2" -d acme \
		-v SHOW_CONTEXT=never -P pager=off -P format=wrapped -P columns=$width \
		<"$scratch/$1.in" >"$scratch/$1.out" 2>&1 &
	exec {in}>"$scratch/$1.in" {out}<"$scratch/$1.out"
	to[$1]=$in
	from[$1]=$out
}

# ask SESSION SQL: print what comes back; the status is that of the last
# statement.  A psql that stops at an error (ON_ERROR_STOP) does not answer.
ask()
{
	local line

	printf '%s\n\\echo @ :ERROR\n' "$2" >&"${to[$1]}"
	while IFS= read -r line <&"${from[$1]}"
	do
		case $line in
			'@ false') return 0 ;;
			'@ true') return 1 ;;
		esac
		# psql wraps tables, not messages
		[ "${#line}" -le $width ] || line=$(fold -s -w $width <<<"$line")
		sed -e '/^ *$/d' -e 's/^/  /' -e 's/ *$//' <<<"$line"
	done
	fail 'that statement should have succeeded'
}

# run SESSION: a statement whose result is worth showing
run()
{
	local sql

	sql=$(cat)
	show "$1" "$sql"
	echo
	ask "$1" "$sql"
}

# run_expanded SESSION: the same, one column a line for long values
run_expanded()
{
	local sql

	sql=$(cat)
	show "$1" "$sql"
	echo
	ask "$1" "\\pset format unaligned
\\pset fieldsep ': '
$sql
\\pset format wrapped"
}

# silently SESSION: statements that return nothing of interest
silently()
{
	local sql

	sql=$(cat)
	show "$1" "$sql"
	ask "$1" "\\o /dev/null
$sql
\\o"
}

# refused SESSION: a statement that must fail
refused()
{
	local sql

	sql=$(cat)
	show "$1" "$sql"
	echo
	echo '\set ON_ERROR_STOP off' >&"${to[$1]}"
	! ask "$1" "$sql" || fail 'that statement should have been refused'
	echo '\set ON_ERROR_STOP on' >&"${to[$1]}"
}

# --- the story -------------------------------------------------------------

"$tools/install-dependencies"

heading 'A server of its own'
tell <<'END'
Building the extension and starting a throw-away PostgreSQL. It listens on no network address,
and what is installed on this machine stays as it is.
END
make_scratch
output=$("$tools/instance" start "$scratch" 2>&1) || { echo "$output" >&2; fail 'the server did not start'; }
version=$("$tools/instance" run "$scratch" psql -XAtd postgres -c 'SHOW server_version')
tell <<END
It is PostgreSQL $version. PG_MAJOR chooses another major version.
END
"$tools/instance" run "$scratch" createdb acme
connect admin postgres

silently admin <<'END'
CREATE EXTENSION aiven_rbac;
END

heading 'The organization'
tell <<'END'
examples/acme.sql creates Acme Corporation: its units, projects and services, its people, and what
they were granted. All of it is rows in this database, made by functions such as rbac_unit_create()
and rbac_grant().
END
show admin '\i examples/acme.sql'
ask admin "\\o /dev/null
\\i $examples/acme.sql
\\o"
run admin <<'END'
SELECT rbac_tree('acme');
END
tell <<'END'
We follow three people. Bob has what his group was granted. Carol was granted a permission on the
whole organization and a lesser role on one project. Dave administers the unit Engineering.
END
run admin <<'END'
SELECT p.name AS "to", g.name AS "granted", r.path AS "on"
FROM aiven_rbac.access_grant a
     JOIN aiven_rbac.principal p ON p.id = a.principal
     JOIN aiven_rbac.grantable g ON g.id = a.grantable
     JOIN aiven_rbac.resource r ON r.id = a.resource
WHERE p.name IN ('backend-team', 'Carol', 'Dave')
ORDER BY p.name, r.path;
END

heading 'Who may do what, and from where it comes'
tell <<'END'
Roles and permissions add up over the levels. On backend-dev, Carol's role read_only lets her look
at services, and it takes nothing away from what she was granted above, on acme.
END
run admin <<'END'
SELECT * FROM rbac_effective_permissions(rbac_user('carol@acme.example'),
                                         'acme.engineering.backend-dev');
END
tell <<'END'
All three on backend-prod: what Bob's team was granted there, what Carol was granted above, and what
Dave was granted on the unit. On finance-prod, in no unit, Dave has nothing.
END
for resource in acme.engineering.backend-prod acme.finance-prod
do
	run admin <<END
SELECT person, permission, unnest(granted_on) AS granted_on,
       array_to_string(via, ', ') AS via
FROM unnest(ARRAY['bob', 'carol', 'dave']) AS person,
     rbac_effective_permissions(rbac_user(person || '@acme.example'),
                                '$resource');
END
done

heading "The application's own table"
tell <<'END'
examples/deployment.sql adds a table of the application and one call that protects it.
END
show admin "$(cat "$examples/deployment.sql")"
ask admin "\\o /dev/null
\\i $examples/deployment.sql
\\o"
connect backend backend
tell <<'END'
Now the back end's session. It says on whose behalf it acts, for one transaction each time, and its
queries name no permission: PostgreSQL's row-level security asks for every row.
END
for person in bob carol dave ann
do
	silently backend <<END
BEGIN;
SELECT rbac_set_principal(rbac_user('$person@acme.example'));
END
	run backend <<'END'
SELECT * FROM deployment ORDER BY id;
END
	silently backend <<'END'
COMMIT;
END
	case $person in
		bob) tell <<'END'
As an operator of backend-prod Bob manages its services, but that role does not let him view them.
END
		;;
		dave) tell <<'END'
Dave was granted nothing on the projects: what he has on their unit reaches them. The next one is
Ann, who created the organization and is its super admin.
END
		;;
	esac
done
tell <<'END'
Without a principal there is nothing to see:
END
run backend <<'END'
SELECT count(*) FROM deployment;
END

heading 'Why not?'
tell <<'END'
Bob asks why he does not see the deployments of backend-prod. The answer says what is missing and
what would give it.
END
silently backend <<'END'
BEGIN;
SELECT rbac_set_principal(rbac_user('bob@acme.example'));
END
run_expanded backend <<'END'
SELECT reason, advice
FROM rbac_explain('acme.engineering.backend-prod', 'project:services:read') \gx
END
tell <<'END'
He can't write where he has no right to, either: neither a new row, nor by moving one that is his.
END
silently backend <<'END'
SAVEPOINT before;
END
refused backend <<'END'
INSERT INTO deployment VALUES (6, 'acme.finance-prod', 'ledger 3.2');
END
silently backend <<'END'
ROLLBACK TO before;
END
refused backend <<'END'
UPDATE deployment SET project = 'acme.finance-prod' WHERE id = 1;
END
silently backend <<'END'
ROLLBACK;
END

heading 'A delegated administrator'
tell <<'END'
Dave hands out rights in his unit. Outside of it, or beyond what he has himself, he is told why he
cannot.
END
silently backend <<'END'
BEGIN;
SELECT rbac_set_principal(rbac_user('dave@acme.example'));
END
run backend <<'END'
SELECT rbac_grant(rbac_user('bob@acme.example'), 'read_only',
                  'acme.engineering.backend-prod');
END
refused backend <<'END'
SELECT rbac_grant(rbac_user('bob@acme.example'), 'read_only', 'acme.analytics');
END
silently backend <<'END'
ROLLBACK;
END

heading 'A project moves'
tell <<'END'
The project backend-dev goes to the unit Analytics. Its services and the application's rows follow,
in the same transaction.
END
run admin <<'END'
SELECT rbac_project_move('acme.engineering.backend-dev', 'acme.analytics');
END
run admin <<'END'
SELECT * FROM deployment ORDER BY id;
END
tell <<'END'
Dave administers Engineering, and the project is not there any more:
END
silently backend <<'END'
BEGIN;
SELECT rbac_set_principal(rbac_user('dave@acme.example'));
END
run backend <<'END'
SELECT * FROM deployment ORDER BY id;
END
silently backend <<'END'
COMMIT;
END

heading 'A revocation'
tell <<'END'
Carol is in the middle of a transaction, of the kind that keeps seeing the data as they were when
it began:
END
silently backend <<'END'
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT rbac_set_principal(rbac_user('carol@acme.example'));
END
run backend <<'END'
SELECT * FROM deployment ORDER BY id;
END
tell <<'END'
Meanwhile, in the other session:
END
run admin <<'END'
SELECT rbac_revoke(rbac_user('carol@acme.example'), 'read_only',
                   'acme.analytics.backend-dev');
END
tell <<'END'
The very next statement of Carol's transaction:
END
run backend <<'END'
SELECT * FROM deployment ORDER BY id;
END
silently backend <<'END'
COMMIT;
END

heading 'What happened, and what would happen'
tell <<'END'
Each of these changes is in a log, with who made it; nobody can change the log, not even its owner.
END
run admin <<'END'
SELECT event, database_role AS by, subject_name, resource,
       coalesce(before ->> 'name', before ->> 'path') AS before
FROM rbac_audit_log('acme', events => '{grant.deleted,project.moved}');
END
tell <<'END'
So the past can be asked about. What did Carol hold on backend-dev before the revocation?
END
run admin <<'END'
SELECT permission, granted_on, via
FROM rbac_effective_permissions_at(
         rbac_user('carol@acme.example'), 'acme.analytics.backend-dev',
         (SELECT at - interval '1 ms'
          FROM rbac_audit_log('acme', events => '{grant.deleted}', max_rows => 1)));
END
tell <<'END'
And a change can be tried before it is made: who would gain or lose what, and which rows of the
application's tables. Nothing of it remains.
END
run admin <<'END'
SELECT change, principal_name, resource, permission, "table", rows
FROM rbac_what_if($$ SELECT rbac_revoke(rbac_group('acme', 'backend-team'), 'operator',
                                        'acme.engineering.backend-prod');
                     SELECT rbac_grant(rbac_user('bob@acme.example'), 'read_only', 'acme') $$)
WHERE permission NOT LIKE 'action:%' OR "table" IS NOT NULL;
END
tell <<'END'
A review lists every grant that reaches a place: for whom, by which way, since when, and what is
worth a second look. Of those on backend-prod:
END
run admin <<'END'
SELECT principal_name, grant_name, granted_on, findings
FROM rbac_access_review('acme.engineering.backend-prod')
WHERE kind = 'user' AND findings <> '{}';
END
tell <<'END'
The log is sealed, and a small text, its anchor, is kept elsewhere. Somebody who can do everything
in this database changes what the log says of the revocation, past the trigger that refuses it:
END
silently admin <<'END'
SELECT rbac_audit_seal();
SELECT rbac_audit_anchor('acme') AS anchor \gset
BEGIN;
DO $$
DECLARE
    month regclass := (SELECT a.tableoid FROM aiven_rbac.audit AS a WHERE a.event = 'grant.deleted');
BEGIN
    EXECUTE format('ALTER TABLE %s DISABLE TRIGGER audit_refuse', month);
    EXECUTE format('UPDATE %s SET database_role = %L WHERE event = %L', month, 'mallory', 'grant.deleted');
END $$;
END
run admin <<'END'
SELECT fault, event, detail FROM rbac_audit_verify('acme', :'anchor');
END
silently admin <<'END'
ROLLBACK;
END

# What was told above, once more in earnest.
check()
{
	local answer

	answer=$("$tools/instance" run "$scratch" psql -XAtq -U postgres -d acme -c "$2") &&
		[ "$answer" = "$3" ] || fail "$1 ($answer)"
}
check 'a statement that was refused has changed something' \
	"SELECT count(*), max(id) FROM deployment WHERE project = 'acme.finance-prod'" '1|5'
check 'a revoked right is still there' \
	"SELECT rbac_has_permission(rbac_user('carol@acme.example'), 'acme.analytics.backend-dev', 'project:services:read')" f

if [ -n "${KEEP:-}" ]
then
	heading 'The server keeps running'
	tell <<END
As administrator:  $tools/instance run $scratch psql -d acme
As the back end:   $tools/instance run $scratch psql -d acme -U backend
To remove it:      $tools/instance stop $scratch
END
	scratch=
else
	tell <<'END'
That is the end: the server is stopped and removed. "make demo KEEP=1" leaves it running.
END
fi
