/*-------------------------------------------------------------------------
 *
 * rbac_session.c
 *	  The session's principal, which SQL cannot forge.
 *
 * The principal is the value of a setting, because a setting is the one kind
 * of session state for which PostgreSQL does everything that is needed:
 * SET LOCAL semantics with transactions, savepoints and exception blocks,
 * RESET ALL and DISCARD ALL for poolers, and shipping to parallel workers.
 *
 * A setting alone could be set by any caller.  Its check hook therefore refuses
 * every value but these:
 *
 * - the default (no principal), which gives no right;
 * - one that rbac_session_set() is setting at this moment;
 * - one that a parallel worker receives from its leader at start.
 *
 * That covers SET, set_config(), SET clauses of functions, ALTER ROLE and
 * ALTER DATABASE, options of the connection, configuration files, and a
 * placeholder that was set before the library was loaded: PostgreSQL gives
 * each of them to the hook.  A role that may call rbac_set_principal() is
 * trusted; by default only superusers and the extension's owner may.
 *
 * The value is text, "uuid two_factor by_token method", so that it can be
 * shipped and could grow a signed form.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "rbac_cache.h"
#include "rbac_session.h"

#define SETTING_NAME	"aiven_rbac.principal"

uint64		rbac_session_epoch = 1;
void (*rbac_session_assigned)(const SessionPrincipal *principal) = NULL;

static char *setting_value;		/* the setting's own; not read */
static const SessionPrincipal *session = NULL;	/* the hooks' parsed form of it */
static bool setting_now = false;	/* inside rbac_session_set() */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_flag(char c)
{
	return c == 't' || c == 'f';
}

/*
 * Parse a value as rbac_session_set() writes it.
 */
static bool
parse(const char *value, SessionPrincipal *principal)
{
	int			nibbles = 0;
	const char *p = value;

	memset(principal, 0, sizeof(SessionPrincipal));
	for (; *p != '\0' && *p != ' '; p++)
	{
		int			digit;

		if (*p == '-')
			continue;
		digit = hex_digit(*p);
		if (digit < 0 || nibbles == 2 * UUID_LEN)
			return false;
		principal->id.data[nibbles / 2] |= digit << (nibbles % 2 == 0 ? 4 : 0);
		nibbles++;
	}
	if (nibbles != 2 * UUID_LEN || p[0] != ' ' || !is_flag(p[1]) || p[2] != ' ' || !is_flag(p[3]) ||
		p[4] != ' ' || strlen(p + 5) > RBAC_METHOD_MAX)
		return false;
	principal->two_factor = p[1] == 't';
	principal->by_token = p[3] == 't';
	strcpy(principal->method, p + 5);
	return true;
}

static bool
check_principal(char **newval, void **extra, GucSource source)
{
	SessionPrincipal principal;

	*extra = NULL;
	if (source == PGC_S_DEFAULT)
		return true;
	if (!setting_now && !InitializingParallelWorker)
	{
		GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
		GUC_check_errmsg("parameter \"%s\" cannot be set directly", SETTING_NAME);
		GUC_check_errhint("Use rbac_set_principal() or rbac_authenticate().");
		return false;
	}
	if (**newval == '\0')
		return true;
	if (!parse(*newval, &principal))
		return false;
	*extra = guc_malloc(LOG, sizeof(SessionPrincipal));
	if (*extra == NULL)
		return false;
	memcpy(*extra, &principal, sizeof(SessionPrincipal));
	return true;
}

static void
assign_principal(const char *newval, void *extra)
{
	session = extra;
	rbac_session_epoch++;
	if (rbac_session_assigned)
		rbac_session_assigned(session);
}

void
rbac_session_init(void)
{
	DefineCustomStringVariable(SETTING_NAME,
							   "The session's principal.",
							   "Set by rbac_set_principal() and rbac_authenticate() only.",
							   &setting_value,
							   "",
							   PGC_USERSET,
							   GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							   check_principal,
							   assign_principal,
							   NULL);
}

/*
 * Make "principal" (NULL: none) the session's, until the end of the
 * transaction if is_local.
 */
static void
set_setting(const char *value, bool is_local)
{
	setting_now = true;
	PG_TRY();
	{
		(void) set_config_option(SETTING_NAME, value, PGC_USERSET, PGC_S_SESSION,
								 is_local ? GUC_ACTION_LOCAL : GUC_ACTION_SET,
								 true, 0, false);
	}
	PG_FINALLY();
	{
		setting_now = false;
	}
	PG_END_TRY();
}

void
rbac_session_set(const SessionPrincipal *principal, bool is_local)
{
	char	   *id = DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&principal->id)));

	set_setting(psprintf("%s %c %c %s", id, principal->two_factor ? 't' : 'f',
						 principal->by_token ? 't' : 'f', principal->method),
				is_local);
}

/*
 * Set no principal, now and after the transaction.
 */
void
rbac_session_reset(void)
{
	set_setting("", false);
}

/*
 * The session's principal: the one that was set or, while none is, the one
 * that the role that logged in is mapped to.  NULL if there is none.  SET ROLE
 * and SECURITY DEFINER functions change nothing here.
 *
 * A security-restricted operation has none.  There PostgreSQL or the extension
 * runs code that a table's owner has attached to it, in a session that is not
 * the owner's (S5).
 */
const SessionPrincipal *
rbac_session_get(void)
{
	static SessionPrincipal mapped;

	if (InSecurityRestrictedOperation())
		return NULL;
	if (session != NULL)
		return session;
	memset(&mapped, 0, sizeof(SessionPrincipal));
	return rbac_cache_role_principal(GetSessionUserId(), &mapped.id) ? &mapped : NULL;
}

/*
 * The role by whose mapping the session has its principal, if it has one;
 * InvalidOid where one was set.
 */
Oid
rbac_session_mapped_role(void)
{
	return session == NULL ? GetSessionUserId() : InvalidOid;
}

/*
 * The principal that a question is about: the given one or, with NULL, the
 * session's.  A principal that asks about itself is told what its session lets
 * it do.  False if there is no principal.
 */
bool
rbac_session_subject(const pg_uuid_t *principal, Subject *subject)
{
	const SessionPrincipal *current = rbac_session_get();

	memset(subject, 0, sizeof(Subject));
	if (current != NULL && (principal == NULL || rbac_uuid_equal(principal, &current->id)))
	{
		memcpy(&subject->who, current, sizeof(SessionPrincipal));
		subject->in_session = true;
		return true;
	}
	if (principal == NULL)
		return false;
	subject->who.id = *principal;
	return true;
}

static bool
has_privileges_of_owner(Oid role)
{
	HeapTuple	tuple;
	Oid			owner;

	if (superuser_arg(role))
		return true;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(rbac_table_oid(RBAC_TABLE_RESOURCE)));
	if (!HeapTupleIsValid(tuple))
		return false;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return has_privs_of_role(role, owner);
}

/*
 * May a role execute a function that stands in the extension's schema?
 */
bool
rbac_session_may_execute(Oid role, const char *function, int nargs, const Oid *types)
{
	Oid			path = rbac_path_type_oid();
	HeapTuple	type = SearchSysCache1(TYPEOID, ObjectIdGetDatum(path));
	Oid			schema;
	Oid			id;

	if (!HeapTupleIsValid(type))
		elog(ERROR, "cache lookup failed for type %u", path);
	schema = ((Form_pg_type) GETSTRUCT(type))->typnamespace;
	ReleaseSysCache(type);
	id = LookupFuncName(list_make2(makeString(get_namespace_name(schema)),
								   makeString(pstrdup(function))),
						nargs, types, false);

	return DatumGetBool(DirectFunctionCall3(has_function_privilege_id_id,
											ObjectIdGetDatum(role), ObjectIdGetDatum(id),
											CStringGetTextDatum("EXECUTE")));
}

static bool
is_operator(Oid role)
{
	return has_privileges_of_owner(role) ||
		rbac_session_may_execute(role, "rbac_operate", 0, NULL);
}

/*
 * Does the session act as the operator, which may do everything?  That requires
 * no principal, and an operator both as the role that logged in and as the
 * role that SET ROLE chose.  The current user does not count: inside a
 * SECURITY DEFINER function it is the function's owner, whichever role calls.
 * In a security-restricted operation, code of a third role runs.
 */
bool
rbac_session_is_operator(void)
{
	return !InSecurityRestrictedOperation() && rbac_session_get() == NULL &&
		is_operator(GetSessionUserId()) && is_operator(GetOuterUserId());
}
