/*-------------------------------------------------------------------------
 *
 * rbac_ending.c
 *	  Calls that end access, which nobody who loses it can hold up.
 *
 * A call that ends somebody's access has to wait where another session has
 * locked what it changes.  If that session acts for whoever loses the access,
 * it could keep the call waiting for ever.  So such a call is made piece by
 * piece:
 *
 * 1. The function's body runs in a subtransaction in which no lock is waited
 *    for longer than a slice of aiven_rbac.lock_wait.  This is all there is,
 *    unless somebody is in the way.
 * 2. After a wait that was too long, the subtransaction is rolled back, with
 *    the locks that it had taken.  Who is in the way is read from the lock
 *    table (rbac_acting.c).
 * 3. If one of them acts for anybody, the body is run once more, to judge: it
 *    takes no locks and changes nothing, and ends where it says whose access it
 *    would end (aiven_rbac.ends_access()).  Whoever may not make the call is
 *    refused by that and ends nobody's session; and so is a call that would be
 *    refused for another reason.
 * 4. The sessions in the way that act for those who would lose are terminated:
 *    their transactions are rolled back.  Then the body runs again from 1.
 * 5. Others are waited for, and when the slices add up to the bound, the call
 *    fails with an error that names them.
 *
 * A deadlock ends an attempt as a long wait does.  If the circle is of locks that
 * the call itself has taken, the next attempt comes after the others.
 *
 * By then the wait is over, and nothing tells any more which lock it was for.  So
 * a timer looks every now and then what this backend waits for; the wait that
 * failed has lasted longer than from one look to the next.
 *
 * The first slices are short enough for a session that is left open, and long
 * enough for one that is at work.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/timeout.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "rbac_acting.h"
#include "rbac_ending.h"

PG_FUNCTION_INFO_V1(rbac_ending);
PG_FUNCTION_INFO_V1(rbac_deleting);
PG_FUNCTION_INFO_V1(rbac_judging);
PG_FUNCTION_INFO_V1(rbac_ends_access);

/* What rbac_ends_access() ends a judgement with; it is caught below. */
#define ERRCODE_JUDGED MAKE_SQLSTATE('R', 'B', 'A', 'C', 'J')

/* How often sessions are ended that come back in between */
#define MAX_ROUNDS 20

/*
 * A call that is being made
 */
typedef struct Ending
{
	FmgrInfo   *body;
	int			nargs;			/* of the body */
	bool		judging;		/* rather than doing it */
	bool		if_exists;		/* is it no error if there is nothing to end? */
	bool		gone;			/* there was nothing */
	MemoryContext context;		/* of the call */
	pg_uuid_t  *losers;			/* found by judging */
	int			nlosers;
} Ending;

static Ending *current = NULL;

/*
 * The lock that was waited for when the timer last looked
 */
static volatile struct
{
	bool		known;
	LOCKTAG		tag;
	LOCKMODE	mode;
	int			period;			/* between looks, in milliseconds */
} awaited;

static TimeoutId timer;

/*
 * Runs in the signal handler, so it does nothing but copy.  The lock's memory
 * stays what it is for as long as this backend waits.
 */
static void
look_what_is_awaited(void)
{
	const LOCK *lock = MyProc->waitLock;

	if (lock != NULL && MyProc->waitStatus == PROC_WAIT_STATUS_WAITING)
	{
		awaited.tag = lock->tag;
		awaited.mode = MyProc->waitLockMode;
		awaited.known = true;
	}
	enable_timeout_after(timer, awaited.period);
}

static void
watch(int slice)
{
	awaited.known = false;
	awaited.period = Max(slice / 4, 1);
	enable_timeout_after(timer, awaited.period);
}

/*
 * The body of rbac_X(...) is aiven_rbac.X(...), with the first parameters of it.
 */
static Oid
body_of(Oid function, int nargs)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	char	   *name;
	Oid			result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	name = pstrdup(NameStr(form->proname) + strlen("rbac_"));
	result = LookupFuncName(list_make2(makeString("aiven_rbac"), makeString(name)),
							nargs, form->proargtypes.values, false);
	ReleaseSysCache(tuple);
	return result;
}

static Datum
call_body(FunctionCallInfo fcinfo, FmgrInfo *body, int nargs)
{
	LOCAL_FCINFO(call, FUNC_MAX_ARGS);
	Datum		result;

	InitFunctionCallInfoData(*call, body, nargs, fcinfo->fncollation, NULL, fcinfo->resultinfo);
	for (int i = 0; i < nargs; i++)
		call->args[i] = fcinfo->args[i];
	result = FunctionCallInvoke(call);
	fcinfo->isnull = call->isnull;
	return result;
}

/*
 * Rows that a set-returning body has put aside would go with the
 * subtransaction's files: take them over.
 */
static void
keep_rows(ReturnSetInfo *rows, ResourceOwner owner)
{
	ResourceOwner subtransaction = CurrentResourceOwner;
	Tuplestorestate *own;
	TupleTableSlot *slot;
	MemoryContext caller = MemoryContextSwitchTo(rows->econtext->ecxt_per_query_memory);

	CurrentResourceOwner = owner;
	own = tuplestore_begin_heap((rows->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	slot = MakeSingleTupleTableSlot(rows->setDesc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(rows->setResult, true, false, slot))
		tuplestore_puttupleslot(own, slot);
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(rows->setResult);
	rows->setResult = own;
	CurrentResourceOwner = subtransaction;
	MemoryContextSwitchTo(caller);
}

/*
 * Run the body in a subtransaction, in which no lock is waited for longer than
 * "slice".  NULL, or the error.  A judgement is always rolled back.
 */
static ErrorData *
attempt(FunctionCallInfo fcinfo, Ending *ending, int slice, Datum *result)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	current = ending;
	PG_TRY();
	{
		ReturnSetInfo *rows = (ReturnSetInfo *) fcinfo->resultinfo;

		(void) set_config_option("lock_timeout", psprintf("%d", slice), PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
		watch(slice);
		*result = call_body(fcinfo, ending->body, ending->nargs);
		disable_timeout(timer, false);
		if (rows != NULL && IsA(rows, ReturnSetInfo) && rows->setResult != NULL)
			keep_rows(rows, owner);
	}
	PG_CATCH();
	{
		disable_timeout(timer, false);
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();

	current = NULL;
	if (error != NULL || ending->judging)
		RollbackAndReleaseCurrentSubTransaction();
	else
		ReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	return error;
}

static bool
is_about_locks(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED;
}

/*
 * Has the call found that there is nothing to end, and is that fine?
 */
static bool
is_gone(const ErrorData *error, const Ending *ending)
{
	return ending->if_exists && error->sqlerrcode == ERRCODE_UNDEFINED_OBJECT;
}

/*
 * Whose access would the call end?  An error if it would be refused.
 */
static void
judge(FunctionCallInfo fcinfo, Ending *ending, int slice)
{
	Datum		result;
	ErrorData  *error;

	ending->judging = true;
	ending->nlosers = 0;
	error = attempt(fcinfo, ending, slice, &result);
	ending->judging = false;
	if (error == NULL)
		elog(ERROR, "function %u does not say whose access it ends", ending->body->fn_oid);
	if (error->sqlerrcode != ERRCODE_JUDGED && !is_about_locks(error) && !is_gone(error, ending))
		ReThrowError(error);
}

/*
 * End the sessions in the way that act for whoever would lose.  False if there
 * are none.  For what is only tried nobody's session ends.
 */
static bool
clear_the_way(FunctionCallInfo fcinfo, Ending *ending, int slice, const InTheWay *way)
{
	if (rbac_only_tries || !rbac_acts_for_somebody(way))
		return false;
	judge(fcinfo, ending, slice);
	return rbac_end_who_acts_for(way, ending->losers, ending->nlosers) > 0;
}

/*
 * How long to wait next for one lock, when so much of the bound is used up
 */
static int
next_slice(int waited, int bound)
{
	if (waited == 0)
		return Max(bound / 6, 1);
	return waited < bound / 2 ? Max(bound / 3, 1) : Max(bound - waited, 1);
}

static void
fail_at_bound(const InTheWay *way, int bound)
{
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("could not end access within %d ms, since somebody else holds a lock", bound),
			 errdetail("In the way: %s.", rbac_names_in_the_way(way)),
			 errhint("Try again once those have ended, or end them with pg_terminate_backend(). The setting idle_in_transaction_session_timeout ends sessions that leave a transaction open.")));
}

static Datum
make_call(FunctionCallInfo fcinfo, Ending *ending)
{
	int			bound = LockTimeout > 0 ? Min(LockTimeout, rbac_lock_wait) : rbac_lock_wait;
	int			waited = 0;
	int			rounds = 0;

	for (;;)
	{
		int			slice = next_slice(waited, bound);
		Datum		result;
		ErrorData  *error = attempt(fcinfo, ending, slice, &result);
		InTheWay   *way = NULL;

		if (error == NULL)
			return result;
		ending->gone = is_gone(error, ending);
		if (ending->gone)
			return (Datum) 0;
		if (!is_about_locks(error))
			ReThrowError(error);
		if (awaited.known)
			way = rbac_in_the_way((const LOCKTAG *) &awaited.tag, awaited.mode);
		if (way != NULL && rounds < MAX_ROUNDS && clear_the_way(fcinfo, ending, slice, way))
		{
			rounds++;
			continue;
		}
		if (error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED)
		{
			/* The locks of the attempt are gone, and with them most circles. */
			waited += Max(Min(slice, DeadlockTimeout), 1);
			if (waited < bound)
				continue;
			ReThrowError(error);
		}
		waited += slice;
		if (way == NULL)
			ReThrowError(error);
		if (waited >= bound)
			fail_at_bound(way, bound);
	}
}

static Datum
make_or_join(FunctionCallInfo fcinfo, Ending *ending)
{
	FmgrInfo   *body = fcinfo->flinfo->fn_extra;

	if (body == NULL)
	{
		body = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(FmgrInfo));
		fmgr_info_cxt(body_of(fcinfo->flinfo->fn_oid, ending->nargs), body, fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = body;
	}
	ending->body = body;
	/* What another such call makes is bounded by that one. */
	return current != NULL ? call_body(fcinfo, body, ending->nargs) : make_call(fcinfo, ending);
}

/*
 * rbac_X(...), for any function aiven_rbac.X(...) that ends access
 *
 * Calls it so that nobody who loses by it can hold it up.
 */
Datum
rbac_ending(PG_FUNCTION_ARGS)
{
	Ending		ending = {.context = CurrentMemoryContext, .nargs = fcinfo->nargs};

	return make_or_join(fcinfo, &ending);
}

/*
 * rbac_X(..., if_exists boolean) → boolean, for any function aiven_rbac.X(...) that
 * ends access by a deletion
 *
 * Does the same.  True; or false if there is nothing to delete, or nothing that the
 * caller knows of, and if_exists is true.
 */
Datum
rbac_deleting(PG_FUNCTION_ARGS)
{
	int			last = fcinfo->nargs - 1;
	Ending		ending = {.context = CurrentMemoryContext, .nargs = last};

	ending.if_exists = !PG_ARGISNULL(last) && PG_GETARG_BOOL(last);
	(void) make_or_join(fcinfo, &ending);
	fcinfo->isnull = false;
	PG_RETURN_BOOL(!ending.gone);
}

/*
 * aiven_rbac.judging() → boolean
 *
 * Is the call only judged?  Then it takes no locks.
 */
Datum
rbac_judging(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(current != NULL && current->judging);
}

static void
note_losers(Ending *ending, ArrayType *array)
{
	Datum	   *principals;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR, &principals, &nulls, &count);
	ending->losers = MemoryContextAllocHuge(ending->context, Max(count, 1) * sizeof(pg_uuid_t));
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			ending->losers[ending->nlosers++] = *DatumGetUUIDP(principals[i]);
	}
}

/*
 * aiven_rbac.ends_access(principals uuid[]) → void
 *
 * A body that is judged says whose access it would end (NULL: nobody's), once it
 * has found that the actor may do that and before it changes anything.
 */
Datum
rbac_ends_access(PG_FUNCTION_ARGS)
{
	if (current == NULL || !current->judging)
		elog(ERROR, "no call that ends access is judged");
	if (!PG_ARGISNULL(0))
		note_losers(current, PG_GETARG_ARRAYTYPE_P(0));
	ereport(ERROR, (errcode(ERRCODE_JUDGED), errmsg_internal("the call would end access")));
}

void
rbac_ending_init(void)
{
	timer = RegisterTimeout(USER_TIMEOUT, look_what_is_awaited);
	DefineCustomIntVariable("aiven_rbac.lock_wait",
							"How long a call that ends access waits for other sessions' locks.",
							"Sessions that act for who loses the access are ended before, others make it fail then.",
							&rbac_lock_wait,
							3000, 10, 3600000,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);
}
