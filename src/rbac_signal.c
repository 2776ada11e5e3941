/*-------------------------------------------------------------------------
 *
 * rbac_signal.c
 *	  What changed: sending and counting.
 *
 * Every change of a table that decisions read sends a relation cache message:
 * a trigger invalidates an empty table that is kept for the purpose.  PostgreSQL
 * takes the message to every backend once the transaction commits, to this one
 * at the end of the command, and to this one again if the transaction or
 * subtransaction is rolled back.
 *
 * Whoever accepts messages runs the callback below.  That can be in the middle
 * of anything, also where no transaction is, so the callback counts and does
 * nothing else.  Whatever keeps something that it has read from the tables
 * notes the generation after it has locked them and before it takes its
 * snapshot, and compares later: see rbac_tables.c for the order.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "storage/sinval.h"
#include "utils/inval.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "rbac_signal.h"
#include "rbac_tables.h"

PG_FUNCTION_INFO_V1(rbac_signal_change);

uint64		rbac_generation = 1;
uint64		rbac_catalogue_generation = 1;

/* Has this transaction sent any?  What was rolled back to a savepoint counts. */
static bool sent = false;

/*
 * How often others have changed something.  What this transaction changes comes
 * to the same callback, at the end of each command; but of what others send
 * PostgreSQL counts every message before it is handled.
 */
static uint64	   news = 0;
static uint64	   messages_received = 0;

static TimestampTz catalogue_changed_in = 0; /* start of the last such transaction */

/*
 * Relation cache callback: count, nothing else.
 */
static void
relcache_changed(Datum arg, Oid relid)
{
	RbacChange change = rbac_tables_change(relid);

	if (change != RBAC_CHANGE_NONE && messages_received != SharedInvalidMessageCounter)
	{
		messages_received = SharedInvalidMessageCounter;
		news++;
	}
	switch (change)
	{
		case RBAC_CHANGE_NONE:
			break;
		case RBAC_CHANGE_ALL:
			rbac_tables_forget();
			pg_fallthrough;
		case RBAC_CHANGE_CATALOGUE:
			rbac_catalogue_generation++;
			pg_fallthrough;
		case RBAC_CHANGE_FACTS:
			rbac_generation++;
			break;
	}
}

static void
transaction_ended(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE || event == XACT_EVENT_ABORT)
		sent = false;
}

void
rbac_signal_init(void)
{
	CacheRegisterRelcacheCallback(relcache_changed, (Datum) 0);
	RegisterXactCallback(transaction_ended, NULL);
}

static void
send(bool catalogue)
{
	CacheInvalidateRelcacheByRelid(rbac_table_oid(catalogue ? RBAC_TABLE_CATALOGUE_SIGNAL :
													  RBAC_TABLE_FACTS_SIGNAL));
	sent = true;
	if (catalogue)
		catalogue_changed_in = GetCurrentTransactionStartTimestamp();
}

/*
 * Is this the end of a statement that can have found no row to change?  Each
 * row that is changed or deleted has signalled before.
 */
static bool
may_have_found_nothing(TriggerEvent event)
{
	return TRIGGER_FIRED_AFTER(event) && TRIGGER_FIRED_FOR_STATEMENT(event) &&
		(TRIGGER_FIRED_BY_UPDATE(event) || TRIGGER_FIRED_BY_DELETE(event));
}

/*
 * A number that is the same for as long as no other transaction changes
 * anything that decisions read, as far as this backend has been told.  It can
 * differ for other reasons.
 */
uint64
rbac_signal_news(void)
{
	messages_received = SharedInvalidMessageCounter;
	return news;
}

/*
 * Has this transaction changed the catalogue itself?  It can be said of one
 * that began at the same instant as another.
 */
bool
rbac_signal_changed_catalogue(void)
{
	return catalogue_changed_in == GetCurrentTransactionStartTimestamp();
}

/*
 * aiven_rbac.signal_change() → trigger, statement or row
 *
 * Tells every session, this one included, that what it has cached is old:
 * when the transaction commits, and this one at the end of the command.  What
 * speaks is an empty table kept for the purpose, so that the signal is the
 * same wherever the changed table is (and is never lost with it).
 *
 * After a row was found to change, and before it is changed, functions can run
 * and cache what is there.  So the end of a statement signals whenever the
 * transaction has changed anything: which statement did is not asked.
 */
Datum
rbac_signal_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TriggerEvent event;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "signal_change was not called as a trigger");
	event = trigger->tg_event;
	if (sent || !may_have_found_nothing(event))
		send(trigger->tg_trigger->tgnargs > 0);
	if (!TRIGGER_FIRED_FOR_ROW(event))
		return PointerGetDatum(NULL);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(event) ? trigger->tg_newtuple : trigger->tg_trigtuple);
}
