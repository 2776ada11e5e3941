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

#include "rbac_signal.h"
#include "rbac_tables.h"

PG_FUNCTION_INFO_V1(rbac_signal_change);

uint64		rbac_generation = 1;
uint64		rbac_catalogue_generation = 1;

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
			/* FALLTHROUGH */
		case RBAC_CHANGE_CATALOGUE:
			rbac_catalogue_generation++;
			/* FALLTHROUGH */
		case RBAC_CHANGE_FACTS:
			rbac_generation++;
			break;
	}
}

void
rbac_signal_init(void)
{
	CacheRegisterRelcacheCallback(relcache_changed, (Datum) 0);
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
 */
Datum
rbac_signal_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	bool		catalogue;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "signal_change was not called as a trigger");
	catalogue = trigger->tg_trigger->tgnargs > 0;
	if (catalogue)
		catalogue_changed_in = GetCurrentTransactionStartTimestamp();
	CacheInvalidateRelcacheByRelid(rbac_table_oid(catalogue ? RBAC_TABLE_CATALOGUE_SIGNAL :
													  RBAC_TABLE_FACTS_SIGNAL));
	return PointerGetDatum(NULL);
}
