/*-------------------------------------------------------------------------
 *
 * rbac_audit.c
 *	  The log of changes: when a row is written, and where to.
 *
 * A trigger on each table runs after every statement that changed rows, with
 * these rows as they were and as they are.  What to tell of them is SQL
 * (sql/code/audit.sql): one query for each table and operation.  Here it is
 * planned, once in a session, and run, and what it gives is written, with who did
 * it and when:
 *
 * - Those of an UPDATE come as pairs, in the relation "changed", so that no join
 *   of old and new is needed.  A plan is kept, and a join that is good for one
 *   row would take for ever with a hundred thousand.
 * - For the same reason the planner may use indexes and nested loops only, which
 *   look up what a row names.
 * - Rows are put into the table without a plan for it, since that would take
 *   longer than the rest.  Nothing is on these tables but indexes.
 * - It is the table of the month, not the partitioned table: nobody
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
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "compat.h"
#include "rbac_audit.h"
#include "rbac_catalogue.h"
#include "rbac_evidence.h"
#include "rbac_session.h"
#include "rbac_tables.h"

PG_FUNCTION_INFO_V1(rbac_audit);
PG_FUNCTION_INFO_V1(rbac_audit_remember);
PG_FUNCTION_INFO_V1(rbac_audit_principal_name);
PG_FUNCTION_INFO_V1(rbac_audit_grantable_name);

/* The month of rows whose month has no table */
#define NO_MONTH 0

/* Columns of the log's tables, as the install script creates them */
enum
{
	LOG_AT = 1,
	LOG_TRANSACTION,
	LOG_INSTALLATION,
	LOG_MONTH,
	LOG_ORGANIZATION,
	LOG_PROJECT,
	LOG_RESOURCE,
	LOG_ACTOR,
	LOG_SUBJECT,
	LOG_EVENT,
	LOG_ACTOR_NAME,
	LOG_SUBJECT_NAME,
	LOG_PATH,
	LOG_DATABASE_ROLE,
	LOG_CLIENT_ADDRESS,
	LOG_APPLICATION_NAME,
	LOG_BEFORE,
	LOG_AFTER,
	LOG_DIGEST,
	LOG_COLUMNS = LOG_DIGEST
};

/* Columns of the queries that tell what happened: aiven_rbac.audit_query() */
enum
{
	QUERY_EVENT = 1,
	QUERY_ORGANIZATION,
	QUERY_PROJECT,
	QUERY_RESOURCE,
	QUERY_PATH,
	QUERY_SUBJECT,
	QUERY_SUBJECT_NAME,
	QUERY_BEFORE,
	QUERY_AFTER
};

/*
 * What tells of an operation on a table
 */
typedef struct TellerKey
{
	Oid			table;
	int			event;	/* TRIGGER_EVENT_INSERT, ... */
} TellerKey;

typedef struct Teller
{
	TellerKey	key;
	SPIPlanPtr	plan;
	int32		installation;
} Teller;

static HTAB *tellers = NULL;

/*
 * A name that was looked up for an earlier row
 */
typedef struct KnownName
{
	pg_uuid_t	id;
	char	   *name;	/* NULL: no name is kept here */
} KnownName;

#define KNOWN_NAMES 1024

/*
 * Where the rows of a query go
 */
typedef struct LogReceiver
{
	DestReceiver receiver;
	Relation	log;
	CatalogIndexState indexes;
	TableView	view;
	int			month;
	NullableDatum told[TOLD_VALUES];	/* of each row: who did it, and from where */
	int64		rows;	/* that were written */
	KnownName  *known;	/* from the second row on, or else NULL */
	MemoryContext row;	/* for one row */
} LogReceiver;

/*
 * What is deleted: "gone", for as long as the transaction lasts
 */
typedef struct Gone
{
	pg_uuid_t	id;
	char	   *name;	/* of a principal; NULL: it was a resource */
	Datum		path;	/* of a resource */
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
	TimestampTz	now = GetCurrentTimestamp();
	TransactionId transaction = GetTopTransactionId();

	if (transaction == last_transaction && now <= last_instant)
		now = last_instant + 1;
	last_transaction = transaction;
	last_instant = now;
	return now;
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

static char *
column_text(HeapTuple row, TupleDesc desc, const char *column)
{
	return SPI_getvalue(row, desc, SPI_fnumber(desc, column));
}

static void
remember_resource(Gone *entry, HeapTuple row, TupleDesc desc)
{
	char	   *kind = column_text(row, desc, "kind");
	bool		isnull;
	Datum		path = SPI_getbinval(row, desc, SPI_fnumber(desc, "path"), &isnull);
	Datum		project = SPI_getbinval(row, desc, SPI_fnumber(desc, strcmp(kind, "service") == 0 ? "parent" : "id"), &isnull);

	entry->name = NULL;
	entry->path = datumCopy(path, false, -1);
	entry->in_project = strcmp(kind, "project") == 0 || strcmp(kind, "service") == 0;
	entry->project = *DatumGetUUIDP(project);
}

static void
remember_principal(Gone *entry, HeapTuple row, TupleDesc desc)
{
	entry->name = column_text(row, desc, "email");
	if (entry->name == NULL)
		entry->name = column_text(row, desc, "name");
	entry->path = (Datum) 0;
	entry->in_project = false;
}

/*
 * Trigger aiven_rbac.audit_remember(), before a resource or principal is deleted
 */
Datum
rbac_audit_remember(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	MemoryContext before;
	TupleDesc	desc;
	Gone	   *entry;
	bool		isnull;
	Datum		id;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		elog(ERROR, "audit_remember must be a trigger for rows");
	desc = RelationGetDescr(trigger->tg_relation);
	id = SPI_getbinval(trigger->tg_trigtuple, desc, SPI_fnumber(desc, "id"), &isnull);
	if (gone == NULL)
		gone = make_gone();
	entry = hash_search(gone, DatumGetUUIDP(id), HASH_ENTER, NULL);
	before = MemoryContextSwitchTo(TopTransactionContext);
	if (SPI_fnumber(desc, "path") > 0)
		remember_resource(entry, trigger->tg_trigtuple, desc);
	else
		remember_principal(entry, trigger->tg_trigtuple, desc);
	MemoryContextSwitchTo(before);
	return PointerGetDatum(trigger->tg_trigtuple);
}

static Gone *
find_gone(const pg_uuid_t *id)
{
	return gone == NULL ? NULL : hash_search(gone, id, HASH_FIND, NULL);
}

static void
begin_looking(TableView *view)
{
	rbac_tables_lock(view, RBAC_TABLE_BIT(RBAC_TABLE_PRINCIPAL));
	rbac_tables_look(view);
}

/*
 * A user's email, or the name of another principal; NULL if there never was one
 */
static char *
principal_name(TableView *view, const pg_uuid_t *id)
{
	char	   *name = rbac_tables_principal_name(view, id);
	Gone	   *entry;

	if (name != NULL)
		return name;
	entry = find_gone(id);
	return entry == NULL ? NULL : entry->name;
}

Datum
rbac_audit_principal_name(PG_FUNCTION_ARGS)
{
	TableView	view;
	char	   *name;

	begin_looking(&view);
	name = principal_name(&view, PG_GETARG_UUID_P(0));
	rbac_tables_close(&view);
	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

Datum
rbac_audit_grantable_name(PG_FUNCTION_ARGS)
{
	Catalogue  *catalogue = rbac_catalogue_acquire();
	const Grantable *grantable = rbac_grantable_by_id(catalogue, PG_GETARG_UUID_P(0));
	text	   *name = grantable == NULL ? NULL : cstring_to_text(grantable->name);

	rbac_catalogue_release(catalogue);
	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(name);
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

static Relation
open_month(int month)
{
	Oid			schema = rbac_schema_oid();
	Oid			table = get_relname_relid(month == NO_MONTH ? "audit_rest" : psprintf("audit_%d", month), schema);
	Relation	result = table_open(table, RowExclusiveLock);

	if (RelationGetNumberOfAttributes(result) != LOG_COLUMNS)
		elog(ERROR, "table \"%s\" has %d columns, not %d", RelationGetRelationName(result),
			 RelationGetNumberOfAttributes(result), LOG_COLUMNS);
	return result;
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

/* --- telling ------------------------------------------------------------------------------- */

static const char *
operation_name(TriggerEvent event)
{
	if (TRIGGER_FIRED_BY_INSERT(event))
		return "INSERT";
	if (TRIGGER_FIRED_BY_UPDATE(event))
		return "UPDATE";
	return TRIGGER_FIRED_BY_DELETE(event) ? "DELETE" : "TRUNCATE";
}

/*
 * The value that a query gives, as text
 */
static char *
ask(const char *query, int nargs, Oid *types, Datum *values)
{
	if (SPI_execute_with_args(query, nargs, types, values, NULL, true, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not execute \"%s\"", query);
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

static void
make_teller(Teller *teller, TriggerData *trigger)
{
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(RelationGetRelationName(trigger->tg_relation)),
					  CStringGetTextDatum(operation_name(trigger->tg_event))};

	teller->installation = pg_strtoint32(ask("SELECT i.number FROM aiven_rbac.audit_installation AS i", 0, NULL, NULL));
	teller->plan = SPI_prepare(ask("SELECT aiven_rbac.audit_query($1, $2)", 2, types, values), 0, NULL);
	if (teller->plan == NULL || SPI_keepplan(teller->plan) != 0)
		elog(ERROR, "could not prepare what tells the log: %s", SPI_result_code_string(SPI_result));
}

/*
 * What tells of the changes that this trigger is called for
 */
static const Teller *
find_teller(TriggerData *trigger)
{
	Teller		made = {.key.table = RelationGetRelid(trigger->tg_relation),
					.key.event = trigger->tg_event & TRIGGER_EVENT_OPMASK};
	Teller	   *teller;

	if (tellers == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(TellerKey);
		control.entrysize = sizeof(Teller);
		control.hcxt = TopMemoryContext;
		tellers = hash_create("aiven_rbac audit", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	teller = hash_search(tellers, &made.key, HASH_FIND, NULL);
	if (teller == NULL)
	{
		make_teller(&made, trigger);
		teller = hash_search(tellers, &made.key, HASH_ENTER, NULL);
		*teller = made;
	}
	return teller;
}

/* --- writing ------------------------------------------------------------------------------- */

static void
tell_text(NullableDatum *told, const char *text)
{
	told->isnull = text == NULL || text[0] == '\0';
	told->value = told->isnull ? (Datum) 0 : CStringGetTextDatum(text);
}

static void
tell_client_address(NullableDatum *told)
{
	LOCAL_FCINFO(call, 0);

	InitFunctionCallInfoData(*call, NULL, 0, InvalidOid, NULL, NULL);
	told->value = inet_client_addr(call);
	told->isnull = call->isnull;
}

/*
 * Who did it, from where, in which transaction
 */
static void
tell_who(TableView *view, NullableDatum *told, int32 installation)
{
	const SessionPrincipal *session = rbac_session_get();

	told[TOLD_TRANSACTION].value = Int64GetDatum((int64) U64FromFullTransactionId(GetTopFullTransactionId()));
	told[TOLD_INSTALLATION].value = Int32GetDatum(installation);
	told[TOLD_ACTOR].isnull = session == NULL;
	if (session != NULL)
	{
		pg_uuid_t  *actor = palloc(sizeof(pg_uuid_t));

		*actor = session->id;
		told[TOLD_ACTOR].value = UUIDPGetDatum(actor);
	}
	tell_text(&told[TOLD_ACTOR_NAME], session == NULL ? NULL : principal_name(view, &session->id));
	tell_text(&told[TOLD_DATABASE_ROLE], GetUserNameFromId(GetSessionUserId(), false));
	tell_client_address(&told[TOLD_CLIENT_ADDRESS]);
	tell_text(&told[TOLD_APPLICATION_NAME], application_name);
}

static void
tell_column(NullableDatum *told, TupleTableSlot *slot, int column)
{
	told->value = slot->tts_values[column - 1];
	told->isnull = slot->tts_isnull[column - 1];
}

/*
 * An empty object says nothing.
 */
static void
tell_object(NullableDatum *told, TupleTableSlot *slot, int column)
{
	tell_column(told, slot, column);
	if (!told->isnull && JB_ROOT_COUNT(DatumGetJsonbP(told->value)) == 0)
		told->isnull = true;
}

/*
 * The name of a principal.  Statements that change many rows mostly change those
 * of some principals.
 */
static char *
known_name(LogReceiver *to, const pg_uuid_t *id)
{
	KnownName  *known;
	char	   *name;

	if (to->known == NULL)
		return principal_name(&to->view, id);
	known = &to->known[(id->data[0] << 8 | id->data[1]) % KNOWN_NAMES];
	if (known->name != NULL && rbac_uuid_equal(&known->id, id))
		return known->name;
	name = principal_name(&to->view, id);
	if (name == NULL)
		return NULL;
	if (known->name != NULL)
		pfree(known->name);
	known->id = *id;
	known->name = MemoryContextStrdup(GetMemoryChunkContext(to->known), name);
	return known->name;
}

/*
 * What a row of the query says; what is gone says so by the names that it had.
 */
static void
tell_what(LogReceiver *to, TupleTableSlot *slot)
{
	NullableDatum *told = to->told;
	Gone	   *entry;

	told[TOLD_AT].value = TimestampTzGetDatum(next_instant());
	tell_column(&told[TOLD_EVENT], slot, QUERY_EVENT);
	tell_column(&told[TOLD_ORGANIZATION], slot, QUERY_ORGANIZATION);
	tell_column(&told[TOLD_PROJECT], slot, QUERY_PROJECT);
	tell_column(&told[TOLD_RESOURCE], slot, QUERY_RESOURCE);
	tell_column(&told[TOLD_PATH], slot, QUERY_PATH);
	tell_column(&told[TOLD_SUBJECT], slot, QUERY_SUBJECT);
	tell_column(&told[TOLD_SUBJECT_NAME], slot, QUERY_SUBJECT_NAME);
	tell_object(&told[TOLD_BEFORE], slot, QUERY_BEFORE);
	tell_object(&told[TOLD_AFTER], slot, QUERY_AFTER);

	if (told[TOLD_PATH].isnull && !told[TOLD_RESOURCE].isnull &&
		(entry = find_gone(DatumGetUUIDP(told[TOLD_RESOURCE].value))) != NULL && entry->name == NULL)
	{
		told[TOLD_PATH].isnull = false;
		told[TOLD_PATH].value = entry->path;
		told[TOLD_PROJECT].isnull = !entry->in_project;
		told[TOLD_PROJECT].value = UUIDPGetDatum(&entry->project);
	}
	if (told[TOLD_SUBJECT_NAME].isnull && !told[TOLD_SUBJECT].isnull)
		tell_text(&told[TOLD_SUBJECT_NAME], known_name(to, DatumGetUUIDP(told[TOLD_SUBJECT].value)));
}

static void
write_row(LogReceiver *to)
{
	static const int columns[TOLD_VALUES] = {
		[TOLD_AT] = LOG_AT,
		[TOLD_TRANSACTION] = LOG_TRANSACTION,
		[TOLD_INSTALLATION] = LOG_INSTALLATION,
		[TOLD_ORGANIZATION] = LOG_ORGANIZATION,
		[TOLD_PROJECT] = LOG_PROJECT,
		[TOLD_RESOURCE] = LOG_RESOURCE,
		[TOLD_ACTOR] = LOG_ACTOR,
		[TOLD_SUBJECT] = LOG_SUBJECT,
		[TOLD_EVENT] = LOG_EVENT,
		[TOLD_ACTOR_NAME] = LOG_ACTOR_NAME,
		[TOLD_SUBJECT_NAME] = LOG_SUBJECT_NAME,
		[TOLD_PATH] = LOG_PATH,
		[TOLD_DATABASE_ROLE] = LOG_DATABASE_ROLE,
		[TOLD_CLIENT_ADDRESS] = LOG_CLIENT_ADDRESS,
		[TOLD_APPLICATION_NAME] = LOG_APPLICATION_NAME,
		[TOLD_BEFORE] = LOG_BEFORE,
		[TOLD_AFTER] = LOG_AFTER,
	};
	Datum		values[LOG_COLUMNS];
	bool		nulls[LOG_COLUMNS] = {false};

	for (int i = 0; i < TOLD_VALUES; i++)
	{
		values[columns[i] - 1] = to->told[i].value;
		nulls[columns[i] - 1] = to->told[i].isnull;
	}
	values[LOG_MONTH - 1] = Int32GetDatum(to->month);
	values[LOG_DIGEST - 1] = PointerGetDatum(rbac_evidence_digest(to->told));
	CatalogTupleInsertWithInfo(to->log, heap_form_tuple(RelationGetDescr(to->log), values, nulls), to->indexes);
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	LogReceiver *to = (LogReceiver *) self;
	MemoryContext before;

	if (to->rows++ == 1)
		to->known = MemoryContextAllocZero(MemoryContextGetParent(to->row), KNOWN_NAMES * sizeof(KnownName));
	before = MemoryContextSwitchTo(to->row);
	slot_getallattrs(slot);
	tell_what(to, slot);
	write_row(to);
	MemoryContextSwitchTo(before);
	MemoryContextReset(to->row);
	return true;
}

static void
begin_receiving(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
end_receiving(DestReceiver *self)
{
}

/*
 * Write what a query tells into the table of a month.
 */
static void
write_told(const Teller *teller, int month)
{
	SPIExecuteOptions options = {0};
	LogReceiver	to = {0};

	to.receiver.receiveSlot = receive_row;
	to.receiver.rStartup = begin_receiving;
	to.receiver.rShutdown = end_receiving;
	to.receiver.rDestroy = end_receiving;
	to.receiver.mydest = DestTuplestore;	/* SPI discards what goes to DestNone */
	to.month = month;
	to.log = open_month(month);
	to.indexes = CatalogOpenIndexes(to.log);
	to.row = AllocSetContextCreate(CurrentMemoryContext, "aiven_rbac log", ALLOCSET_DEFAULT_SIZES);
	begin_looking(&to.view);
	tell_who(&to.view, to.told, teller->installation);

	options.dest = &to.receiver;
	if (SPI_execute_plan_extended(teller->plan, &options) != SPI_OK_SELECT)
		elog(ERROR, "could not ask what happened");
	rbac_tables_close(&to.view);
	MemoryContextDelete(to.row);
	CatalogCloseIndexes(to.indexes);
	table_close(to.log, NoLock);
	CommandCounterIncrement();
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

	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		rows = register_changed(trigger);
	else if (SPI_register_trigger_data(trigger) != SPI_OK_TD_REGISTER)
		elog(ERROR, "could not register the changed rows");
	write_told(find_teller(trigger), month);
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
	set_option("enable_seqscan", "off");
	set_option("enable_hashjoin", "off");
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
