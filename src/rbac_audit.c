/*-------------------------------------------------------------------------
 *
 * rbac_audit.c
 *	  The log of changes: when a row is written, and where to.
 *
 * A trigger on each table runs after every statement that changed rows, with
 * these rows as they were and as they are.  What to write of them is SQL
 * (sql/code/audit.sql): one INSERT for each table and operation.  Here it is
 * planned, once in a session, and run:
 *
 * - The rows come as pairs, in the relation "changed", so that an UPDATE needs
 *   no join of old and new.  A plan is kept, and a join that is good for one row
 *   would take for ever with a hundred thousand.
 * - For the same reason the planner may use indexes and nested loops only, which
 *   look up what a row names.
 * - It writes to the table of the month, not to the partitioned table: nobody
 *   who writes is in the way of whoever detaches an old month.  Where the month
 *   is missing it is made, and the next one as well, so that usually it is there
 *   when it begins.  What cannot be made at once, since another session is about
 *   to, goes to the table for the rest (month 0): nobody waits for anybody.
 *
 * Everything runs as the owner of the changed table, who also owns the log, and
 * with settings that the session has not chosen.  It is part of the change: what
 * is rolled back leaves no row, and what cannot be written cannot be done.
 *
 * Rows that pg_dump has saved were told of when they were made, and the dump
 * brings the log along.  What restores them, pg_restore or psql, says so in no
 * way but by the settings that all dumps begin with.  These tell nothing of what
 * functions do, the extension's own included: only SQL that the table's owner
 * runs by itself is taken for a restore.
 *
 * What a cascade deletes is told after what it hung on, so that the path of a
 * resource, or the name of a principal, is gone by then.  Therefore names of
 * deleted rows are remembered until the transaction ends.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "compat.h"
#include "rbac_audit.h"
#include "rbac_tables.h"

PG_FUNCTION_INFO_V1(rbac_audit);
PG_FUNCTION_INFO_V1(rbac_audit_remember);
PG_FUNCTION_INFO_V1(rbac_audit_remembered);
PG_FUNCTION_INFO_V1(rbac_audit_remembered_project);
PG_FUNCTION_INFO_V1(rbac_audit_instant);
PG_FUNCTION_INFO_V1(rbac_audit_transaction);

/* The month of rows whose month has no table */
#define NO_MONTH	0

/*
 * A statement that writes to the log
 */
typedef struct WriterKey
{
	Oid			table;			/* that changed */
	int			event;			/* TRIGGER_EVENT_INSERT, ... */
	int			month;
} WriterKey;

typedef struct Writer
{
	WriterKey	key;
	SPIPlanPtr	plan;
} Writer;

static HTAB *writers = NULL;

/*
 * What is deleted: "gone", for as long as the transaction lasts
 */
typedef struct Gone
{
	pg_uuid_t	id;
	char	   *name;			/* of a principal, or the path of a resource */
	bool		in_project;
	pg_uuid_t	project;
} Gone;

static HTAB *gone = NULL;

/* The last instant that was given out, and the transaction that it was given to */
static TimestampTz last_instant = 0;
static TransactionId last_transaction = InvalidTransactionId;

/* The month that this session has last tried to make ahead */
static int	month_ahead = NO_MONTH;

/*
 * The time, later than all that this transaction has been given.
 */
static TimestampTz
next_instant(void)
{
	TimestampTz now = GetCurrentTimestamp();
	TransactionId transaction = GetTopTransactionId();

	if (transaction == last_transaction && now <= last_instant)
		now = last_instant + 1;
	last_transaction = transaction;
	last_instant = now;
	return now;
}

Datum
rbac_audit_instant(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(next_instant());
}

Datum
rbac_audit_transaction(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) U64FromFullTransactionId(GetTopFullTransactionId()));
}

/*
 * Is this SQL by which pg_dump's rows are restored?
 */
static bool
is_restoring(void)
{
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	return (context & (SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION)) == 0 &&
		!check_function_bodies && namespace_search_path[0] == '\0';
}

/* --- what is gone ------------------------------------------------------------------------ */

static HTAB *
make_gone(void)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(pg_uuid_t);
	control.entrysize = sizeof(Gone);
	control.hcxt = TopTransactionContext;
	return hash_create("aiven_rbac gone", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static void
end_transaction(XactEvent event, void *arg)
{
	/* It goes with the transaction's memory. */
	gone = NULL;
}

/*
 * A column of a row as text, or NULL
 */
static char *
column_text(HeapTuple row, TupleDesc desc, const char *column)
{
	int			number = SPI_fnumber(desc, column);

	return number > 0 ? SPI_getvalue(row, desc, number) : NULL;
}

/*
 * Trigger aiven_rbac.audit_remember(), before a resource or principal is deleted
 */
Datum
rbac_audit_remember(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	desc;
	HeapTuple	row;
	Gone	   *entry;
	bool		isnull;
	Datum		id;
	char	   *kind;
	char	   *name;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		elog(ERROR, "audit_remember must be a trigger for rows");
	desc = RelationGetDescr(trigger->tg_relation);
	row = trigger->tg_trigtuple;
	id = heap_getattr(row, SPI_fnumber(desc, "id"), desc, &isnull);
	kind = column_text(row, desc, "kind");
	name = column_text(row, desc, "path");
	if (name == NULL)
		name = column_text(row, desc, "email");
	if (name == NULL)
		name = column_text(row, desc, "name");

	if (gone == NULL)
		gone = make_gone();
	entry = hash_search(gone, DatumGetUUIDP(id), HASH_ENTER, NULL);
	entry->name = MemoryContextStrdup(TopTransactionContext, name);
	entry->in_project = strcmp(kind, "project") == 0 || strcmp(kind, "service") == 0;
	if (entry->in_project)
	{
		Datum		project = strcmp(kind, "project") == 0 ? id :
			heap_getattr(row, SPI_fnumber(desc, "parent"), desc, &isnull);

		entry->project = *DatumGetUUIDP(project);
	}
	return PointerGetDatum(row);
}

static Gone *
find_gone(const pg_uuid_t *id)
{
	return gone == NULL ? NULL : hash_search(gone, id, HASH_FIND, NULL);
}

Datum
rbac_audit_remembered(PG_FUNCTION_ARGS)
{
	Gone	   *entry = find_gone(PG_GETARG_UUID_P(0));

	if (entry == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(entry->name));
}

Datum
rbac_audit_remembered_project(PG_FUNCTION_ARGS)
{
	Gone	   *entry = find_gone(PG_GETARG_UUID_P(0));

	if (entry == NULL || !entry->in_project)
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(&entry->project);
}

/* --- the month ----------------------------------------------------------------------------- */

/*
 * The month of an instant, such as 202611, in UTC
 */
static int
month_of(TimestampTz instant)
{
	struct pg_tm tm;
	fsec_t		fraction;

	if (timestamp2tm(instant, NULL, &tm, &fraction, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	return tm.tm_year * 100 + tm.tm_mon;
}

static int
month_after(int month)
{
	return month % 100 == 12 ? month + 89 : month + 1;
}

/*
 * Has a month a table that is part of the log?  One that was detached is not.
 */
static bool
month_is_there(int month)
{
	Oid			table = get_relname_relid(psprintf("audit_%d", month), rbac_schema_oid());
	HeapTuple	tuple;
	bool		result;

	if (!OidIsValid(table))
		return false;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_class) GETSTRUCT(tuple))->relispartition;
	ReleaseSysCache(tuple);
	return result;
}

static void
make_month(int month)
{
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(month)};

	if (month_is_there(month))
		return;
	if (SPI_execute_with_args("SELECT aiven_rbac.audit_month_create($1)", 1, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not call audit_month_create()");
}

/*
 * The month to write to now
 */
static int
current_month(void)
{
	int			month = month_of(next_instant());

	make_month(month);
	if (month_ahead != month_after(month))
	{
		month_ahead = month_after(month);
		make_month(month_ahead);
	}
	return month_is_there(month) ? month : NO_MONTH;
}

/* --- the rows ------------------------------------------------------------------------------ */

/*
 * The type of "changed": a row of the table as it was, and as it is
 */
static TupleDesc
describe_changed(Relation table)
{
	TupleDesc	desc = CreateTemplateTupleDesc(2);

	TupleDescInitEntry(desc, 1, "o", table->rd_rel->reltype, -1, 0);
	TupleDescInitEntry(desc, 2, "n", table->rd_rel->reltype, -1, 0);
	return rbac_bless(desc);
}

/*
 * The next row of a transition table as a value, or false at its end
 */
static bool
next_row(Tuplestorestate *rows, TupleTableSlot *slot, Datum *value)
{
	HeapTuple	tuple;
	bool		should_free;

	if (!tuplestore_gettupleslot(rows, true, false, slot))
		return false;
	tuple = ExecFetchSlotHeapTuple(slot, false, &should_free);
	*value = heap_copy_tuple_as_datum(tuple, slot->tts_tupleDescriptor);
	return true;
}

static void
begin_reading(Tuplestorestate *rows)
{
	if (rows == NULL)
		return;
	tuplestore_select_read_pointer(rows, tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND));
	tuplestore_rescan(rows);
}

/*
 * All that a statement has changed.  An UPDATE's rows stand in both transition
 * tables in the same order.
 */
static Tuplestorestate *
collect_changed(TriggerData *trigger, TupleDesc desc)
{
	Tuplestorestate *result = tuplestore_begin_heap(false, false, work_mem);
	Tuplestorestate *was = trigger->tg_oldtable;
	Tuplestorestate *is = trigger->tg_newtable;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(trigger->tg_relation), &TTSOpsMinimalTuple);
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "aiven_rbac row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(row);
	Datum		values[2] = {0};
	bool		nulls[2] = {was == NULL, is == NULL};

	begin_reading(was);
	begin_reading(is);
	while ((was == NULL || next_row(was, slot, &values[0])) &&
		   (is == NULL || next_row(is, slot, &values[1])))
	{
		/* What goes to disk stays in the caller's memory. */
		MemoryContextSwitchTo(before);
		tuplestore_putvalues(result, desc, values, nulls);
		ExecClearTuple(slot);
		MemoryContextReset(row);
		MemoryContextSwitchTo(row);
	}
	MemoryContextSwitchTo(before);
	MemoryContextDelete(row);
	ExecDropSingleTupleTableSlot(slot);
	return result;
}

static Tuplestorestate *
register_changed(TriggerData *trigger)
{
	EphemeralNamedRelation changed = palloc0(sizeof(EphemeralNamedRelationData));
	Tuplestorestate *rows;

	changed->md.name = "changed";
	changed->md.tupdesc = describe_changed(trigger->tg_relation);
	changed->md.enrtype = ENR_NAMED_TUPLESTORE;
	rows = collect_changed(trigger, changed->md.tupdesc);
	changed->md.enrtuples = tuplestore_tuple_count(rows);
	changed->reldata = rows;
	if (SPI_register_relation(changed) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register the changed rows");
	return rows;
}

/* --- writing ------------------------------------------------------------------------------- */

static const char *
operation_name(TriggerEvent event)
{
	if (TRIGGER_FIRED_BY_INSERT(event))
		return "INSERT";
	if (TRIGGER_FIRED_BY_UPDATE(event))
		return "UPDATE";
	return TRIGGER_FIRED_BY_DELETE(event) ? "DELETE" : "TRUNCATE";
}

static char *
writer_query(TriggerData *trigger, int month)
{
	Oid			types[] = {TEXTOID, TEXTOID, INT4OID};
	Datum		values[] = {CStringGetTextDatum(RelationGetRelationName(trigger->tg_relation)),
							CStringGetTextDatum(operation_name(trigger->tg_event)),
							Int32GetDatum(month)};

	if (SPI_execute_with_args("SELECT aiven_rbac.audit_query($1, $2, $3)", 3, types, values, NULL, true, 0) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not call audit_query()");
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/*
 * The statement that writes what this trigger tells of.
 */
static SPIPlanPtr
writer_plan(TriggerData *trigger, int month)
{
	WriterKey	key;
	Writer	   *writer;
	bool		found;
	SPIPlanPtr	plan;

	memset(&key, 0, sizeof(key));
	key.table = RelationGetRelid(trigger->tg_relation);
	key.event = trigger->tg_event & TRIGGER_EVENT_OPMASK;
	key.month = month;
	if (writers == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(WriterKey);
		control.entrysize = sizeof(Writer);
		control.hcxt = TopMemoryContext;
		writers = hash_create("aiven_rbac audit", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	writer = hash_search(writers, &key, HASH_FIND, NULL);
	if (writer != NULL)
		return writer->plan;

	plan = SPI_prepare(writer_query(trigger, month), 0, NULL);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare what writes the log: %s", SPI_result_code_string(SPI_result));
	writer = hash_search(writers, &key, HASH_ENTER, &found);
	writer->plan = plan;
	return plan;
}

static void
set_option(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

static void
write_changes(TriggerData *trigger)
{
	int			month = current_month();
	Tuplestorestate *rows = NULL;

	if (!TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		rows = register_changed(trigger);
	if (SPI_execute_plan(writer_plan(trigger, month), NULL, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not write the log");
	if (rows != NULL)
		tuplestore_end(rows);
}

/*
 * Trigger aiven_rbac.audit(), after each statement
 */
Datum
rbac_audit(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Tuplestorestate *rows;
	Oid			user;
	int			context;
	int			settings;

	if (!CALLED_AS_TRIGGER(fcinfo) || TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		elog(ERROR, "audit must be a trigger for statements");
	rows = trigger->tg_newtable != NULL ? trigger->tg_newtable : trigger->tg_oldtable;
	if (creating_extension || is_restoring() || (rows != NULL && tuplestore_tuple_count(rows) == 0))
		return PointerGetDatum(NULL);

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(trigger->tg_relation->rd_rel->relowner, context | SECURITY_LOCAL_USERID_CHANGE);
	settings = NewGUCNestLevel();
	set_option("search_path", "pg_catalog, pg_temp");
	set_option("TimeZone", "UTC");
	set_option("enable_seqscan", "off");
	set_option("enable_hashjoin", "off");
	set_option("enable_mergejoin", "off");
	SPI_connect();
	write_changes(trigger);
	SPI_finish();
	AtEOXact_GUC(false, settings);
	SetUserIdAndSecContext(user, context);
	return PointerGetDatum(NULL);
}

void
rbac_audit_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
}
