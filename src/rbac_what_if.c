/*-------------------------------------------------------------------------
 *
 * rbac_what_if.c
 *	  A change that is made, compared and undone.
 *
 * rbac_what_if() runs the caller's SQL in a subtransaction, as the caller and with
 * nothing more than the caller's rights, looks at who holds more or less by then
 * (rbac_difference.c), and rolls the subtransaction back.  An error of the SQL is
 * the caller's.  What would be refused at COMMIT is refused here.
 *
 * A rollback undoes what is in the database, settings, the session's principal
 * included, roles that were set, notifications, cursors and temporary tables.
 * Beyond that:
 *
 * - what PostgreSQL keeps in the session whatever is rolled back (prepared
 *   statements, loaded libraries) or does outside of the database (COPY to files
 *   and programs) is refused;
 * - messages for the client are held back, since they tell of what has not
 *   happened;
 * - nobody's session is ended to clear the way (rbac_only_tries);
 * - what the transaction itself is to be asked for at its end is put back.
 *
 * Rows of protected tables are counted as the table's owner would, in a
 * security-restricted operation and without policies: the comparison says which
 * resources' rows somebody gains or loses, and no code of the owner's runs with
 * somebody else's rights.  Only tables are counted that the caller may read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "compat.h"
#include "rbac_acting.h"
#include "rbac_actor.h"
#include "rbac_apart.h"
#include "rbac_difference.h"
#include "rbac_session.h"
#include "rbac_standing.h"
#include "rbac_what_if.h"

PG_FUNCTION_INFO_V1(rbac_what_if);

#define RESULT_COLUMNS 8

/*
 * What is put back when the change has been undone
 */
typedef struct Undone
{
	MemoryContext context;
	ResourceOwner owner;
	Touched    *touched;
	void	   *losers;
	bool		acted;
	bool		only_tries;
	bool		refusing;
} Undone;

/* One row of the result, before it is a row */
typedef struct Answer
{
	const Difference *difference;
	const HeldPlace *held;		/* or else ... */
	const CountedRows *rows;
} Answer;

static ProcessUtility_hook_type next_utility_hook = NULL;

/* Is a change being tried?  Then what no rollback undoes is refused. */
static bool refusing = false;

/*
 * Would a command do what no rollback undoes?
 */
static bool
stays(const Node *command)
{
	switch (nodeTag(command))
	{
		case T_TransactionStmt:
		case T_PrepareStmt:
		case T_DeallocateStmt:
		case T_DiscardStmt:
		case T_LoadStmt:
			return true;
		case T_CopyStmt:
			return ((const CopyStmt *) command)->filename != NULL &&
				(!((const CopyStmt *) command)->is_from || ((const CopyStmt *) command)->is_program);
		default:
			return false;
	}
}

static void
refuse_what_stays(PlannedStmt *statement, const char *source, bool read_only, ProcessUtilityContext context,
				  ParamListInfo parameters, QueryEnvironment *environment, DestReceiver *destination,
				  QueryCompletion *completion)
{
	if (refusing && stays(statement->utilityStmt))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot try %s", GetCommandTagName(CreateCommandTag(statement->utilityStmt))),
				 errdetail("What it does would remain when the rest is undone.")));
	if (next_utility_hook != NULL)
		next_utility_hook(statement, source, read_only, context, parameters, environment, destination, completion);
	else
		standard_ProcessUtility(statement, source, read_only, context, parameters, environment, destination, completion);
}

static void
begin(Undone *undone)
{
	undone->context = CurrentMemoryContext;
	undone->owner = CurrentResourceOwner;
	undone->losers = rbac_standing_losers();
	undone->acted = rbac_acting_has_begun();
	undone->only_tries = rbac_only_tries;
	undone->refusing = refusing;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(undone->context);
	undone->touched = rbac_touched_begin();
	rbac_only_tries = true;
	refusing = true;
}

static void
undo(const Undone *undone)
{
	refusing = undone->refusing;
	rbac_only_tries = undone->only_tries;
	rbac_touched_end(undone->touched);
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(undone->context);
	CurrentResourceOwner = undone->owner;
	rbac_standing_put_losers_back(undone->losers);
	rbac_acting_undo(undone->acted);
}

/*
 * Run the caller's SQL.
 */
static void
run(const char *sql)
{
	SPIExecuteOptions options = {.dest = CreateDestReceiver(DestNone), .owner = CurrentResourceOwner};
	int			result;

	(void) set_config_option("client_min_messages", "error", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	result = SPI_execute_extended(sql, &options);
	if (result == SPI_ERROR_TRANSACTION || result == SPI_ERROR_COPY)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot try %s", result == SPI_ERROR_COPY ? "COPY from or to the client" : "to begin or end a transaction"),
				 errhint("Leave it out: all of the SQL is undone at its end.")));
	if (result < 0)
		elog(ERROR, "could not run SQL: %s", SPI_result_code_string(result));
	rbac_standing_judge();
	CommandCounterIncrement();
}

static CountedTable *
counted_table(HeapTuple row, TupleDesc desc)
{
	CountedTable *table = palloc(sizeof(CountedTable));
	bool		isnull;

	table->table = DatumGetObjectId(SPI_getbinval(row, desc, 1, &isnull));
	table->names = rbac_names_make(SPI_getbinval(row, desc, 2, &isnull), TEXTARRAYOID);
	table->by_path = DatumGetBool(SPI_getbinval(row, desc, 3, &isnull));
	table->query = SPI_getvalue(row, desc, 4);
	return table;
}

/*
 * The protected tables that the caller may read.
 */
static List *
find_tables(Oid caller, MemoryContext context)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(caller)};
	Apart		before;
	List	   *result = NIL;

	rbac_apart_begin(&before, rbac_owner_of(rbac_table_oid(RBAC_TABLE_RESOURCE)));
	if (SPI_execute_with_args("SELECT t.\"table\", t.names, t.by_path, t.query FROM aiven_rbac.counted_tables($1) AS t",
							  1, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not list protected tables");
	MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < SPI_processed; i++)
		result = lappend(result, counted_table(SPI_tuptable->vals[i], SPI_tuptable->tupdesc));
	rbac_apart_end(&before);
	return result;
}

/*
 * Count rows as the table's owner does, its policies apart.
 */
static void
count_rows(CountedRows *rows)
{
	Oid			types[] = {rows->table->by_path ? get_array_type(rbac_path_type_oid()) : get_array_type(UUIDOID)};
	Datum		values[] = {PointerGetDatum(rows->resources)};
	Apart		before;
	Oid			user;
	int			context;
	bool		isnull;

	rbac_apart_begin(&before, rbac_owner_of(rows->table->table));
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(user, context | SECURITY_NOFORCE_RLS);
	if (SPI_execute_with_args(rows->table->query, 1, types, values, NULL, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not count rows of table %u", rows->table->table);
	rows->rows = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	rbac_apart_end(&before);
}

static void
count_shares(List *shares, bool gained)
{
	ListCell   *share;
	ListCell   *rows;

	foreach(share, shares)
	{
		if (((Share *) lfirst(share))->gained != gained)
			continue;
		foreach(rows, ((Share *) lfirst(share))->rows)
			count_rows(lfirst(rows));
	}
}

/*
 * Make the change, compare and undo it.
 */
static List *
try_change(const char *sql, const Subject *viewer, Oid caller)
{
	Undone		undone;
	CommandId	since;
	List	   *volatile result = NIL;
	List	   *shares = NIL;

	/* What the calling command has changed so far was there before. */
	CommandCounterIncrement();
	since = GetCurrentCommandId(false);
	begin(&undone);
	PG_TRY();
	{
		List	   *tables;

		run(sql);
		rbac_touched_end(undone.touched);
		tables = find_tables(caller, undone.context);
		result = rbac_differences(undone.touched, since, viewer, tables, &shares);
		count_shares(shares, true);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(undone.context);
		error = CopyErrorData();
		FlushErrorState();
		undo(&undone);
		ReThrowError(error);
	}
	PG_END_TRY();
	undo(&undone);
	count_shares(shares, false);
	return result;
}

/* --- the result ------------------------------------------------------------------------------ */

static int
compare_texts(const char *a, const char *b)
{
	return a == NULL || b == NULL ? (a == NULL) - (b == NULL) : strcmp(a, b);
}

static const char *
path_or_null(const Answer *answer)
{
	return answer->held == NULL ? NULL :
		rbac_path_text(RBAC_PATH_DATA(answer->held->path), RBAC_PATH_LEN(answer->held->path));
}

/*
 * By principal, then what is gained, then permissions before rows
 */
static int
compare_answers(const ListCell *a, const ListCell *b)
{
	const Answer *left = lfirst(a);
	const Answer *right = lfirst(b);
	const PrincipalRow *one = &left->difference->principal;
	const PrincipalRow *two = &right->difference->principal;
	int			order = (int) one->kind - (int) two->kind;

	if (order == 0)
		order = strcmp(left->difference->name, right->difference->name);
	if (order == 0)
		order = memcmp(&one->id, &two->id, sizeof(pg_uuid_t));
	if (order == 0)
		order = (int) right->difference->share->gained - (int) left->difference->share->gained;
	if (order == 0)
		order = compare_texts(path_or_null(left), path_or_null(right));
	if (order == 0 && left->held != NULL)
		order = strcmp(left->held->name, right->held->name);
	if (order == 0 && left->rows != NULL)
		order = (left->rows->table->table > right->rows->table->table) -
			(left->rows->table->table < right->rows->table->table);
	return order;
}

static Answer *
make_answer(const Difference *difference, const HeldPlace *held, const CountedRows *rows)
{
	Answer	   *answer = palloc(sizeof(Answer));

	answer->difference = difference;
	answer->held = held;
	answer->rows = rows;
	return answer;
}

static List *
answers_of(List *differences)
{
	List	   *answers = NIL;
	ListCell   *lc;
	ListCell   *item;

	foreach(lc, differences)
	{
		const Difference *difference = lfirst(lc);

		foreach(item, difference->share->held)
			answers = lappend(answers, make_answer(difference, lfirst(item), NULL));
		foreach(item, difference->share->rows)
		{
			if (((CountedRows *) lfirst(item))->rows > 0)
				answers = lappend(answers, make_answer(difference, NULL, lfirst(item)));
		}
	}
	list_sort(answers, compare_answers);
	return answers;
}

static const char *
kind_text(PrincipalKind kind)
{
	return kind == RBAC_USER ? "user" : (kind == RBAC_GROUP ? "group" : "application_user");
}

static void
put_answer(ReturnSetInfo *result, const Answer *answer)
{
	const Difference *difference = answer->difference;
	Datum		values[RESULT_COLUMNS] = {0};
	bool		nulls[RESULT_COLUMNS] = {false};

	values[0] = CStringGetTextDatum(difference->share->gained ? "gained" : "lost");
	values[1] = UUIDPGetDatum(&difference->principal.id);
	values[2] = CStringGetTextDatum(kind_text(difference->principal.kind));
	values[3] = CStringGetTextDatum(difference->name);
	nulls[4] = nulls[5] = answer->held == NULL;
	nulls[6] = nulls[7] = answer->rows == NULL;
	if (answer->held != NULL)
	{
		values[4] = PointerGetDatum(answer->held->path);
		values[5] = CStringGetTextDatum(answer->held->name);
	}
	else
	{
		values[6] = ObjectIdGetDatum(answer->rows->table->table);
		values[7] = Int64GetDatum(answer->rows->rows);
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * rbac_what_if(sql text)
 *	 → (change text, principal uuid, kind text, principal_name text, resource rbac_path, permission text,
 *		"table" regclass, rows bigint)
 */
Datum
rbac_what_if(PG_FUNCTION_ARGS)
{
	Subject		subject;
	bool		is_operator;
	MemoryContext context;
	MemoryContext caller;
	char	   *sql;
	ListCell   *lc;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("SQL to try must not be null")));
	PreventCommandDuringRecovery("rbac_what_if()");
	PreventCommandIfReadOnly("rbac_what_if()");
	is_operator = !rbac_actor_subject(&subject);
	sql = text_to_cstring(PG_GETARG_TEXT_PP(0));

	rbac_materialize(fcinfo);
	context = AllocSetContextCreate(CurrentMemoryContext, "rbac what if", ALLOCSET_DEFAULT_SIZES);
	SPI_connect();
	caller = MemoryContextSwitchTo(context);
	foreach(lc, answers_of(try_change(sql, is_operator ? NULL : &subject, GetUserId())))
		put_answer((ReturnSetInfo *) fcinfo->resultinfo, lfirst(lc));
	MemoryContextSwitchTo(caller);
	SPI_finish();
	MemoryContextDelete(context);
	return (Datum) 0;
}

/*
 * The hook stays for as long as the session lasts: a library that is loaded while
 * a change is tried puts its own before this one, and would lose it if the
 * hook were taken back.
 */
void
rbac_what_if_init(void)
{
	next_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = refuse_what_stays;
}
