/*-------------------------------------------------------------------------
 *
 * rbac_denied.c
 *	  Calls that were refused, in the server's log.
 *
 * Somebody who tries what they may not do leaves no row in the log of changes:
 * the error undoes whatever its transaction writes.  With the setting
 * aiven_rbac.log_denied the server's log has it, even where the caller catches
 * the error, which PostgreSQL itself never mentions.
 *
 * All public functions are SECURITY DEFINER, so PostgreSQL calls a hook when one
 * of them ends with an error.  The hook looks whether that is a refusal
 * (SQLSTATE 42501), and whether the function is one that users call.
 *
 * Nobody fills the log by trying in a loop: a session writes some lines at once,
 * and then one a second.  A line says how many were left out before it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "compat.h"
#include "rbac_denied.h"
#include "rbac_session.h"

/* Lines that a session may write at once */
#define MOST_AT_ONCE	10

static bool log_denied = false;
static fmgr_hook_type hook_before = NULL;

/* Lines that may be written now, as of an instant, and those that were not */
static int	room = MOST_AT_ONCE;
static TimestampTz room_at = 0;
static uint64 left_out = 0;

/*
 * May another line be written?
 */
static bool
take_room(void)
{
	TimestampTz	now = GetCurrentTimestamp();
	int64		seconds = (now - room_at) / USECS_PER_SEC;

	if (room_at == 0 || seconds < 0 || seconds >= MOST_AT_ONCE)
	{
		room = MOST_AT_ONCE;
		room_at = now;
	}
	else if (seconds > 0)
	{
		room = Min(MOST_AT_ONCE, room + (int) seconds);
		room_at += seconds * USECS_PER_SEC;
	}
	if (room == 0)
	{
		left_out++;
		return false;
	}
	room--;
	return true;
}

/*
 * The name of a function that users call; NULL for internal functions, and for
 * those of others.
 */
static char *
public_name(Oid function)
{
	Oid			extension = get_extension_oid("aiven_rbac", true);
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	char	   *result = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	if (OidIsValid(extension) &&
		strncmp(NameStr(((Form_pg_proc) GETSTRUCT(tuple))->proname), "rbac_", strlen("rbac_")) == 0 &&
		getExtensionOfObject(ProcedureRelationId, function) == extension)
		result = pstrdup(NameStr(((Form_pg_proc) GETSTRUCT(tuple))->proname));
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Who called, for the log
 */
static char *
caller(void)
{
	const SessionPrincipal *session = rbac_session_get();

	if (session == NULL)
		return pstrdup("none");
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&session->id)));
}

static void
write_line(const char *function)
{
	ErrorData  *refusal = CopyErrorData();
	char	   *omitted = left_out == 0 ? "" :
		psprintf(" Refusals of this session that were left out before: " UINT64_FORMAT ".", left_out);

	left_out = 0;
	/* The statement could have a secret in it, as an argument of another call. */
	ereport(LOG_SERVER_ONLY,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("refused %s(): %s", function, refusal->message),
			 errdetail_internal("Session's principal: %s. Database role: %s.%s%s%s",
								caller(), GetUserNameFromId(GetSessionUserId(), true),
								refusal->detail != NULL ? " " : "",
								refusal->detail != NULL ? refusal->detail : "", omitted),
			 errhidestmt(true), errhidecontext(true)));
	FreeErrorData(refusal);
}

static void
look_at_call(FmgrHookEventType event, FmgrInfo *function, Datum *private)
{
	if (event == FHET_ABORT && log_denied && geterrcode() == ERRCODE_INSUFFICIENT_PRIVILEGE && IsTransactionState())
	{
		MemoryContext context = AllocSetContextCreate(TopTransactionContext, "aiven_rbac refusal", ALLOCSET_SMALL_SIZES);
		MemoryContext before = MemoryContextSwitchTo(context);
		char	   *name = public_name(function->fn_oid);

		if (name != NULL && take_room())
			write_line(name);
		MemoryContextSwitchTo(before);
		MemoryContextDelete(context);
	}
	if (hook_before != NULL)
		hook_before(event, function, private);
}

void
rbac_denied_init(void)
{
	DefineCustomBoolVariable("aiven_rbac.log_denied",
							 "Writes calls of the extension's functions that were refused to the server's log.",
							 "A session writes at most ten lines at once, and one a second.",
							 &log_denied,
							 false,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);
	hook_before = fmgr_hook;
	fmgr_hook = look_at_call;
}
