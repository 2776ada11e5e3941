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

#include "commands/trigger.h"
#include "utils/inval.h"

#include "rbac_signal.h"
#include "rbac_tables.h"

PG_FUNCTION_INFO_V1(rbac_signal_change);

uint64		rbac_generation = 1;
uint64		rbac_catalogue_generation = 1;

/*
 * Relation cache callback: count, nothing else.
 */
static void
relcache_changed(Datum arg, Oid relid)
{
	switch (rbac_tables_change(relid))
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
	CacheInvalidateRelcacheByRelid(rbac_table_oid(catalogue ? RBAC_TABLE_CATALOGUE_SIGNAL :
													  RBAC_TABLE_FACTS_SIGNAL));
	return PointerGetDatum(NULL);
}
