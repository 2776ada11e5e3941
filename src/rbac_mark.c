/*-------------------------------------------------------------------------
 *
 * rbac_mark.c
 *	  How far a server has come: marks, and waiting for them.
 *
 * A replica answers by what it has replayed, and cannot know what it has not.
 * Whoever changes something on the primary therefore takes a mark and hands it
 * to whoever asks a replica next, which waits until the replica has come so far.
 *
 *		1-763-0/16B3748-7402953716582931234
 *		|  |      |     `- the system, as pg_control_system() shows it
 *		|  |      `------- a place in its log, at or after which ...
 *		|  `-------------- this transaction is known to have begun
 *		`----------------- the timeline of both
 *
 * Why each part is there:
 *
 * - The transaction, so that a mark can be taken before COMMIT: where the
 *   record of the commit will stand is not known by then.  A mark that is
 *   taken afterwards names a transaction of its own.  It began later, so that
 *   where it has ended the change is there, too.
 * - The place, because a number alone can come to be another transaction's: a
 *   primary that is lost takes the numbers along that its replicas have not
 *   heard of.  Taking a mark writes a record (one that does nothing), so that
 *   whoever has replayed up to the place has heard of the transaction.
 * - The timeline, because after a promotion the same place in the log holds
 *   something else.
 * - The system, so that another server's mark is told from a bad answer.
 *
 * A standby has come to a mark when it has replayed up to the place and the
 * transaction has ended there.  Replay makes a transaction visible first and
 * sends its invalidation messages then.  So one thing more is waited for: the
 * end of the record that is being replayed at that moment.
 *
 * A timeline that began before the place lacks the mark.  If it began later, a
 * transaction that was committed by then is there, and one that was still
 * running is lost; the commit log tells, as far back as it goes.
 *
 * A subscriber has come to a mark when it has applied all that stands before the
 * place.  That says nothing of a transaction which is committed later.
 *
 * Waiting must not hinder what is waited for.  A snapshot keeps replay from
 * removing rows that it can see, and PostgreSQL takes one for each query, the
 * one that waits included.  let_snapshot_go() therefore gives up the query's
 * snapshot where nothing but the waiting call depends on it, and
 * take_snapshot() gives it a new one afterwards.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <inttypes.h>

#include "access/rmgr.h"
#include "access/timeline.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/pg_control.h"
#include "common/int.h"
#include "executor/execdesc.h"
#include "nodes/plannodes.h"
#include "storage/latch.h"
#include "storage/procarray.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"
#include "utils/xid8.h"

#include "compat.h"
#include "rbac_excerpt.h"
#include "rbac_mark.h"
#include "rbac_subscriber.h"

PG_FUNCTION_INFO_V1(rbac_mark);
PG_FUNCTION_INFO_V1(rbac_wait_for);

/* 10 + 20 + 17 + 20 characters, and what parts them */
#define MARK_MAX		70

/* How often is looked without sleeping long, and the sleep after that */
#define SHORT_SLEEPS		10
#define SHORT_SLEEP_US		100L
#define LONG_SLEEP_MS		10L

typedef struct Mark
{
	TimeLineID	timeline;
	uint64		transaction;	/* with its epoch; 0: none, the place says all */
	XLogRecPtr	place;
	uint64		system;
	bool		is_authoritys;	/* of the database that this one gets its rows from */
} Mark;

typedef enum MarkState
{
	MARK_AHEAD,					/* not yet */
	MARK_REACHED,
	MARK_LOST					/* this server will never come to it */
} MarkState;

/* --- text ----------------------------------------------------------------- */

static int
print(const Mark *mark, char *text)
{
	return snprintf(text, MARK_MAX + 1, "%u-" UINT64_FORMAT "-%X/%X-" UINT64_FORMAT,
					mark->timeline, mark->transaction,
					(uint32) (mark->place >> 32), (uint32) mark->place, mark->system);
}

/*
 * What print() has written, and nothing else.
 */
static bool
parse(const char *text, Mark *mark)
{
	char		again[MARK_MAX + 1];
	uint32		high;
	uint32		low;

	if (sscanf(text, "%" SCNu32 "-%" SCNu64 "-%" SCNx32 "/%" SCNx32 "-%" SCNu64,
			   &mark->timeline, &mark->transaction, &high, &low, &mark->system) != 5)
		return false;
	mark->place = ((uint64) high) << 32 | low;
	print(mark, again);
	return strcmp(again, text) == 0 && mark->timeline != 0 && mark->place != InvalidXLogRecPtr &&
		(mark->transaction == 0 || TransactionIdIsNormal((TransactionId) mark->transaction));
}

static void
read_mark(const char *text, int length, Mark *mark)
{
	char		terminated[MARK_MAX + 1] = "";

	if (length <= MARK_MAX)
		memcpy(terminated, text, length);
	if (!parse(terminated, mark))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid mark: \"%s\"", rbac_excerpt(text, length)),
				 errhint("Pass on what rbac_mark() has returned, as it is.")));
	mark->is_authoritys = rbac_subscriber_follows(mark->system);
	if (!mark->is_authoritys && mark->system != GetSystemIdentifier())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("mark was made by another database system"),
				 errdetail("It is of the system " UINT64_FORMAT ", and this one is " UINT64_FORMAT ".",
						   mark->system, GetSystemIdentifier()),
				 errhint("A mark holds for the server that made it, for its replicas, and for the subscribers of its database.")));
}

/* --- where this server is ------------------------------------------------- */

/*
 * Where "timeline" ended on the way to the timeline "now"; InvalidXLogRecPtr,
 * before which there is nothing, if it is not on the way.
 */
static XLogRecPtr
end_of_timeline(TimeLineID timeline, TimeLineID now)
{
	static TimeLineID last_timeline = 0;
	static TimeLineID last_now = 0;
	static XLogRecPtr last_end;
	List	   *history;
	ListCell   *cell;

	if (timeline == last_timeline && now == last_now)
		return last_end;
	last_now = 0;
	last_end = InvalidXLogRecPtr;
	history = readTimeLineHistory(now);
	foreach(cell, history)
	{
		TimeLineHistoryEntry *entry = lfirst(cell);

		if (entry->tli == timeline)
			last_end = entry->end;
	}
	list_free_deep(history);
	last_timeline = timeline;
	last_now = now;
	return last_end;
}

/*
 * Has a server that has gone over to another timeline taken a mark along?
 */
static MarkState
taken_along(const Mark *mark, TimeLineID now)
{
	LOCAL_FCINFO(status, 1);
	Datum		answer;

	if (mark->timeline > now || mark->place > end_of_timeline(mark->timeline, now))
		return MARK_LOST;
	if (mark->transaction == 0)
		return MARK_REACHED;
	if (mark->transaction >= U64FromFullTransactionId(ReadNextFullTransactionId()))
		return MARK_LOST;
	InitFunctionCallInfoData(*status, NULL, 1, InvalidOid, NULL, NULL);
	status->args[0].value = FullTransactionIdGetDatum(FullTransactionIdFromU64(mark->transaction));
	status->args[0].isnull = false;
	answer = pg_xact_status(status);
	if (status->isnull)
		return MARK_LOST; /* so long ago that nothing tells */
	if (strcmp(TextDatumGetCString(answer), "committed") == 0)
		return MARK_REACHED;
	/* A prepared transaction comes along, and can be committed still. */
	return strcmp(TextDatumGetCString(answer), "in progress") == 0 ? MARK_AHEAD : MARK_LOST;
}

static MarkState
look_on_primary(const Mark *mark)
{
	TimeLineID	now = rbac_insertion_timeline();

	if (mark->timeline != now)
		return taken_along(mark, now);
	/* A primary can come back from a backup that is older. */
	if (mark->place > GetXLogInsertRecPtr() ||
		mark->transaction >= U64FromFullTransactionId(ReadNextFullTransactionId()))
		return MARK_LOST;
	return MARK_REACHED;
}

/*
 * Does a transaction run, by what has been replayed?  Numbers of transactions
 * that run are within half of their 32 bits.
 */
static bool
is_running(uint64 transaction)
{
	uint64		next = U64FromFullTransactionId(ReadNextFullTransactionId());

	if (transaction >= next)
		return true;
	return next - transaction < UINT64CONST(0x80000000) &&
		TransactionIdIsInProgress((TransactionId) transaction);
}

/*
 * "record" is where the record ends whose replay has to be over, once the
 * transaction has ended; InvalidXLogRecPtr before.
 */
static MarkState
look_on_standby(const Mark *mark, XLogRecPtr *record)
{
	TimeLineID	now;
	XLogRecPtr	replayed = GetXLogReplayRecPtr(&now);

	if (mark->timeline < now && mark->place > end_of_timeline(mark->timeline, now))
		return MARK_LOST;
	if (mark->timeline > now || replayed < mark->place)
		return MARK_AHEAD;
	if (mark->transaction == 0)
		return MARK_REACHED;
	if (*record == InvalidXLogRecPtr)
	{
		if (is_running(mark->transaction))
			return MARK_AHEAD;
		*record = rbac_record_in_replay();
	}
	if (GetXLogReplayRecPtr(NULL) < *record)
		return MARK_AHEAD;
	return mark->timeline == now ? MARK_REACHED : taken_along(mark, now);
}

static MarkState
look(const Mark *mark, XLogRecPtr *record)
{
	if (mark->is_authoritys)
		return rbac_subscriber_place() >= mark->place ? MARK_REACHED : MARK_AHEAD;
	return RecoveryInProgress() ? look_on_standby(mark, record) : look_on_primary(mark);
}

/* --- waiting -------------------------------------------------------------- */

/*
 * The query of which "fcinfo" is all that is done: SELECT rbac_wait_for(…), sent
 * by a client in READ COMMITTED.  NULL if there is anything else.  Only then is
 * nobody left who would use the query's snapshot after the call.
 */
static QueryDesc *
lone_query(FunctionCallInfo fcinfo)
{
	QueryDesc  *query;
	Plan	   *plan;

	if (IsolationUsesXactSnapshot() || ActivePortal == NULL ||
		ActivePortal->strategy != PORTAL_ONE_SELECT || ActivePortal->queryDesc == NULL)
		return NULL;
	query = ActivePortal->queryDesc;
	plan = query->plannedstmt->planTree;
	if (!IsA(plan, Result) || outerPlan(plan) != NULL || ((Result *) plan)->resconstantqual != NULL ||
		query->plannedstmt->subplans != NIL || list_length(plan->targetlist) != 1)
		return NULL;
	if (fcinfo->flinfo->fn_expr == NULL ||
		(Node *) linitial_node(TargetEntry, plan->targetlist)->expr != fcinfo->flinfo->fn_expr)
		return NULL;
	return query->estate->es_snapshot == query->snapshot ? query : NULL;
}

/*
 * Give up the snapshot of the query that waits, if that can be.  Others that the
 * session holds, of cursors for example, stay.
 */
static QueryDesc *
let_snapshot_go(FunctionCallInfo fcinfo)
{
	QueryDesc  *query = lone_query(fcinfo);

	InvalidateCatalogSnapshot();
	if (query == NULL || !ActiveSnapshotSet() || GetActiveSnapshot() != query->snapshot)
		return NULL;
	PopActiveSnapshot();
	UnregisterSnapshot(query->estate->es_snapshot);
	query->estate->es_snapshot = InvalidSnapshot;
	UnregisterSnapshot(query->snapshot);
	query->snapshot = InvalidSnapshot;
	return query;
}

static void
take_snapshot(QueryDesc *query)
{
	query->snapshot = RegisterSnapshot(GetTransactionSnapshot());
	query->estate->es_snapshot = RegisterSnapshot(query->snapshot);
	PushActiveSnapshot(query->snapshot);
}

static void
sleep_before_look(int number)
{
	CHECK_FOR_INTERRUPTS();
	if (number < SHORT_SLEEPS)
	{
		pg_usleep(SHORT_SLEEP_US);
		return;
	}
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 Min(number - SHORT_SLEEPS + 1, LONG_SLEEP_MS), PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
}

/*
 * Wait for a mark that was looked for once, until the deadline.
 */
static MarkState
wait_until(FunctionCallInfo fcinfo, const Mark *mark, XLogRecPtr *record, TimestampTz deadline)
{
	QueryDesc  *query = let_snapshot_go(fcinfo);
	MarkState	state = MARK_AHEAD;

	for (int i = 0; state == MARK_AHEAD && GetCurrentTimestamp() < deadline; i++)
	{
		sleep_before_look(i);
		state = look(mark, record);
	}
	if (query != NULL)
		take_snapshot(query);
	return state;
}

/*
 * Wait until this server has come to a mark, for at most "timeout" microseconds.
 * False if it has not, or never will.  "fcinfo" is of the function that SQL
 * called.
 *
 * What has been reached stays reached for as long as the server runs, so that
 * the last mark is remembered: clients keep theirs and show it each time.
 */
bool
rbac_mark_wait(FunctionCallInfo fcinfo, const text *mark, int64 timeout)
{
	static char	reached[MARK_MAX];
	static int	reached_length = -1;
	const char *data = VARDATA_ANY(mark);
	int			length = VARSIZE_ANY_EXHDR(mark);
	XLogRecPtr	record = InvalidXLogRecPtr;
	Mark		parsed;
	MarkState	state;

	if (length == reached_length && memcmp(data, reached, length) == 0)
		return true;
	read_mark(data, length, &parsed);
	state = look(&parsed, &record);
	if (state == MARK_AHEAD && timeout > 0)
	{
		TimestampTz now = GetCurrentTimestamp();

		state = wait_until(fcinfo, &parsed, &record,
						   timeout < DT_NOEND - now ? now + timeout : DT_NOEND);
	}
	if (state != MARK_REACHED)
		return false;
	memcpy(reached, data, length);
	reached_length = length;
	return true;
}

/* --- SQL ------------------------------------------------------------------ */

/*
 * rbac_mark() → text
 *
 * On the primary: all that is committed by now, and what this transaction
 * changes, before or after the call.  On a standby: what it has replayed.
 */
Datum
rbac_mark(PG_FUNCTION_ARGS)
{
	Mark		mark;
	char		result[MARK_MAX + 1];
	char		nothing = 0;

	mark.system = GetSystemIdentifier();
	if (RecoveryInProgress())
	{
		mark.transaction = 0;
		mark.place = GetXLogReplayRecPtr(&mark.timeline);
	}
	else
	{
		mark.transaction = U64FromFullTransactionId(GetTopFullTransactionId());
		mark.timeline = rbac_insertion_timeline();
		/* A savepoint's record has its number, which is a later one. */
		(void) GetCurrentTransactionId();
		XLogBeginInsert();
		XLogRegisterData(&nothing, sizeof(nothing));	/* a record is not empty */
		mark.place = XLogInsert(RM_XLOG_ID, XLOG_NOOP);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(result, print(&mark, result)));
}

/*
 * The length of an interval in microseconds, without overflow
 */
static int64
microseconds(const Interval *interval)
{
	int64		days = (int64) interval->month * DAYS_PER_MONTH + interval->day;
	int64		sum;

	if (pg_mul_s64_overflow(days, USECS_PER_DAY, &sum) ||
		pg_add_s64_overflow(sum, interval->time, &sum))
		return days < 0 ? PG_INT64_MIN : PG_INT64_MAX;
	return sum;
}

/*
 * rbac_wait_for(mark text, timeout interval) → boolean
 */
Datum
rbac_wait_for(PG_FUNCTION_ARGS)
{
	int64		timeout = microseconds(PG_GETARG_INTERVAL_P(1));

	if (timeout < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("timeout must not be negative"),
				 errhint("With 0, the answer is given at once.")));
	PG_RETURN_BOOL(rbac_mark_wait(fcinfo, PG_GETARG_TEXT_PP(0), timeout));
}
