/*-------------------------------------------------------------------------
 *
 * rbac_subscriber.c
 *	  A database whose rows come from another one, by logical replication.
 *
 * A database is a subscriber while a subscription brings rows of a table of the
 * extension, whether it is enabled or not: it decides by what it was sent, and
 * what anybody else would change there could never be put right again.  So only
 * the subscription's workers write, and scripts of the extension, which bring
 * the built-in catalogue on both sides.  A subscription counts if its owner may
 * write the table; who may do no more than create subscriptions makes nobody a
 * subscriber.
 *
 * How far a subscriber has come is known from the messages in which the authority
 * says no more than how far it has read its log.  It sends one whenever there is
 * nothing left to send.  A worker reads messages one after the other and applies
 * what they bring before the next.  So all that was committed before such a
 * message was sent is there, and visible.  (The progress of the replication origin
 * is noted before a transaction is visible.)  An idle authority is asked for one
 * after half of wal_receiver_timeout.
 *
 * While tables are copied for the first time, some of their rows are missing, an
 * authentication policy as well as a grant: nothing is known as of any time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_subscription_rel.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "replication/logicalworker.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "rbac_subscriber.h"
#include "rbac_tables.h"

PG_FUNCTION_INFO_V1(rbac_is_subscriber_here);
PG_FUNCTION_INFO_V1(rbac_subscriptions);
PG_FUNCTION_INFO_V1(rbac_refuse_at_subscriber);
PG_FUNCTION_INFO_V1(rbac_keep_built_in);

/*
 * A subscription to tables of the extension
 */
typedef struct Source
{
	Oid			id;
	bool		copied;			/* are all of its tables? */
} Source;

/*
 * What its worker has heard
 */
typedef struct Progress
{
	bool		runs;
	TimestampTz as_of;			/* everything until then is here; 0: not known */
	XLogRecPtr	place;			/* the same, as a place in the authority's log */
	bool		is_behind;		/* something has come after that */
} Progress;

/* More subscriptions than these are not looked for: one is the rule. */
#define MAX_SUBSCRIPTIONS	32

static bool known = false;
static int	nsubscriptions;
static Source subscriptions[MAX_SUBSCRIPTIONS];

/* --- which ---------------------------------------------------------------- */

static void
forget(Datum arg, rbac_cache_id cache, uint32 hash)
{
	known = false;
}

static Source *
subscription_of(Oid id)
{
	for (int i = 0; i < nsubscriptions; i++)
	{
		if (subscriptions[i].id == id)
			return &subscriptions[i];
	}
	if (nsubscriptions == MAX_SUBSCRIPTIONS)
		return NULL;
	subscriptions[nsubscriptions].id = id;
	subscriptions[nsubscriptions].copied = true;
	return &subscriptions[nsubscriptions++];
}

static bool
may_write(Oid id, Oid table)
{
	HeapTuple	tuple = SearchSysCache1(SUBSCRIPTIONOID, ObjectIdGetDatum(id));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return false;
	owner = ((Form_pg_subscription) GETSTRUCT(tuple))->subowner;
	ReleaseSysCache(tuple);
	return pg_class_aclcheck(table, owner, ACL_INSERT) == ACLCHECK_OK;
}

static void
look_for_subscriptions(void)
{
	Oid			schema = rbac_schema_oid();
	Relation	rel = table_open(SubscriptionRelRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	nsubscriptions = 0;
	/* What comes meanwhile must not be overlooked. */
	known = true;
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		Form_pg_subscription_rel row = (Form_pg_subscription_rel) GETSTRUCT(tuple);
		Source *subscription;

		if (!OidIsValid(schema) || get_rel_namespace(row->srrelid) != schema ||
			!may_write(row->srsubid, row->srrelid))
			continue;
		subscription = subscription_of(row->srsubid);
		if (subscription != NULL && row->srsubstate != SUBREL_STATE_READY)
			subscription->copied = false;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/*
 * Do rows of the extension's tables come from another database?
 */
bool
rbac_is_subscriber(void)
{
	if (!known)
		look_for_subscriptions();
	return nsubscriptions > 0;
}

/* --- how far --------------------------------------------------------------- */

/*
 * What pg_stat_get_subscription() tells of all workers.  The caller frees
 * "context".
 */
static ReturnSetInfo *
workers(ExprContext *context)
{
	LOCAL_FCINFO(call, 1);
	FmgrInfo	function;
	ReturnSetInfo *result = palloc0(sizeof(ReturnSetInfo));

	result->type = T_ReturnSetInfo;
	result->econtext = context;
	result->allowedModes = SFRM_Materialize;
	fmgr_info(F_PG_STAT_GET_SUBSCRIPTION, &function);
	InitFunctionCallInfoData(*call, &function, 1, InvalidOid, NULL, (Node *) result);
	call->args[0].value = (Datum) 0;
	call->args[0].isnull = true;
	(void) FunctionCallInvoke(call);
	return result;
}

/*
 * A column by its name: where it stands differs between versions.
 */
static bool
get_column(HeapTuple tuple, TupleDesc desc, const char *name, Datum *value)
{
	int			number = SPI_fnumber(desc, name);
	bool		isnull;

	if (number <= 0)
		return false;
	*value = heap_getattr(tuple, number, desc, &isnull);
	return !isnull;
}

/*
 * Is this the worker that applies, rather than one that copies a table or helps?
 */
static bool
applies(HeapTuple tuple, TupleDesc desc, Oid subscription)
{
	Datum		value;

	if (!get_column(tuple, desc, "subid", &value) || DatumGetObjectId(value) != subscription ||
		get_column(tuple, desc, "relid", &value) || get_column(tuple, desc, "leader_pid", &value))
		return false;
	return !get_column(tuple, desc, "worker_type", &value) ||
		strcmp(TextDatumGetCString(value), "apply") == 0;
}

static void
read_progress(HeapTuple tuple, TupleDesc desc, Progress *progress)
{
	Datum		value;

	progress->runs = get_column(tuple, desc, "pid", &value);
	if (get_column(tuple, desc, "latest_end_lsn", &value))
		progress->place = DatumGetLSN(value);
	if (progress->place != InvalidXLogRecPtr && get_column(tuple, desc, "latest_end_time", &value) &&
		!TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(value)))
		progress->as_of = DatumGetTimestampTz(value);
	if (get_column(tuple, desc, "received_lsn", &value))
		progress->is_behind = DatumGetLSN(value) > progress->place;
}

static Progress
progress_of(const Source *subscription)
{
	Progress	progress = {0};
	ExprContext *context = CreateStandaloneExprContext();
	MemoryContext caller = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
	ReturnSetInfo *result;
	TupleTableSlot *slot;

	context->ecxt_per_query_memory = context->ecxt_per_tuple_memory;
	result = workers(context);
	slot = MakeSingleTupleTableSlot(result->setDesc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(result->setResult, true, false, slot))
	{
		HeapTuple	tuple = ExecCopySlotHeapTuple(slot);

		if (applies(tuple, result->setDesc, subscription->id))
			read_progress(tuple, result->setDesc, &progress);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(result->setResult);
	MemoryContextSwitchTo(caller);
	FreeExprContext(context, true);
	if (!subscription->copied)
	{
		progress.as_of = 0;
		progress.place = InvalidXLogRecPtr;
	}
	return progress;
}

/*
 * All that was committed at the authority by then is here; 0 if nothing is known.
 */
TimestampTz
rbac_subscriber_current_as_of(void)
{
	TimestampTz as_of = DT_NOEND;

	if (!rbac_is_subscriber())
		return 0;
	for (int i = 0; i < nsubscriptions; i++)
		as_of = Min(as_of, progress_of(&subscriptions[i]).as_of);
	return as_of;
}

/*
 * The same as a place in the authority's log
 */
XLogRecPtr
rbac_subscriber_place(void)
{
	XLogRecPtr	place = PG_UINT64_MAX;

	if (!rbac_is_subscriber())
		return InvalidXLogRecPtr;
	for (int i = 0; i < nsubscriptions; i++)
		place = Min(place, progress_of(&subscriptions[i]).place);
	return place;
}

static bool
find_authority(AuthorityRow *authority)
{
	TableView	view;
	bool		found;

	rbac_tables_lock(&view, RBAC_TABLE_BIT(RBAC_TABLE_AUTHORITY));
	rbac_tables_look(&view);
	found = rbac_tables_authority(&view, authority);
	rbac_tables_close(&view);
	return found;
}

/*
 * Is this a subscriber whose authority is a database of that system?
 */
bool
rbac_subscriber_follows(uint64 system)
{
	AuthorityRow authority;

	return rbac_is_subscriber() && find_authority(&authority) && authority.system == system;
}

/* --- SQL ------------------------------------------------------------------ */

/*
 * aiven_rbac.is_subscriber() → boolean
 */
Datum
rbac_is_subscriber_here(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(rbac_is_subscriber());
}

/*
 * aiven_rbac.subscriptions() → (id oid, copied boolean, runs boolean,
 * as_of timestamptz, behind boolean)
 */
Datum
rbac_subscriptions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	rbac_materialize(fcinfo);
	if (!rbac_is_subscriber())
		return (Datum) 0;
	for (int i = 0; i < nsubscriptions; i++)
	{
		Progress	progress = progress_of(&subscriptions[i]);
		Datum		values[] = {
			ObjectIdGetDatum(subscriptions[i].id), BoolGetDatum(subscriptions[i].copied),
			   BoolGetDatum(progress.runs), TimestampTzGetDatum(progress.as_of), BoolGetDatum(progress.is_behind)};
		bool		nulls[] = {false, false, false, progress.as_of == 0, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * Trigger before each statement that changes a published table, in every
 * replication role
 */
Datum
rbac_refuse_at_subscriber(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	AuthorityRow authority;
	char	   *name;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "not called as a trigger");
	if (!rbac_is_subscriber() || IsLogicalWorker() || creating_extension)
		return PointerGetDatum(NULL);
	name = get_subscription_name(subscriptions[0].id, true);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot change table \"%s\" of a subscriber", RelationGetRelationName(trigger->tg_relation)),
			 errdetail("Its rows come by the subscription \"%s\", and nobody else may write them.", name ? name : ""),
			 find_authority(&authority) ?
			 errhint("Administer at the authority, which is the database \"%s\" of the server that the subscription connects to.",
					 authority.database) :
			 errhint("Administer at the authority, to which the subscription connects.")));
}

/*
 * Trigger before each row of the catalogue that replication brings: what is built
 * in comes with the extension, on both sides.
 */
Datum
rbac_keep_built_in(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple	row;
	Datum		built_in;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "not called as a trigger");
	/* It is on in every replication role, since workers may have any. */
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	if (IsLogicalWorker() &&
		get_column(trigger->tg_trigtuple, RelationGetDescr(trigger->tg_relation), "built_in", &built_in) &&
		DatumGetBool(built_in))
		row = NULL;
	return PointerGetDatum(row);
}

void
rbac_subscriber_init(void)
{
	CacheRegisterSyscacheCallback(SUBSCRIPTIONRELMAP, forget, (Datum) 0);
	CacheRegisterSyscacheCallback(SUBSCRIPTIONOID, forget, (Datum) 0);
}
