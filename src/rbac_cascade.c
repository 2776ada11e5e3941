/*-------------------------------------------------------------------------
 *
 * rbac_cascade.c
 *	  What foreign keys of other tables do when one of the extension's rows
 *	  changes.
 *
 * An application's table follows a project by a foreign key with an action:
 *
 *		project rbac_path REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE
 *
 * PostgreSQL carries the action out as the owner of that table.  But what the
 * owner has attached to the table would do as it likes in the session that
 * moves the project.  Its BEFORE triggers run with the principal set and
 * may leave settings and temporary objects behind.  Its AFTER triggers wait for
 * the end of the statement that changed the project's row and, before
 * PostgreSQL 18, run as the current user of that moment: the statement stands in
 * a SECURITY DEFINER function, so that is the extension's owner, mostly a
 * superuser.  Its deferred triggers run at COMMIT, as the session.
 *
 * So foreign keys of other tables, whatever columns of whatever table of the
 * extension they reference and whether they act or only check, are carried out
 * here.  It is still PostgreSQL's own function that does it.  It is called by
 * carry_out(), apart from the session (rbac_apart.c), in a level of triggers of
 * its own: all that is queued there fires before carry_out() returns, as the
 * owner.  Nothing is left for later.
 *
 *		UPDATE aiven_rbac.resource SET path = 'acme.b' WHERE path = 'acme.a'
 *		  ExecutorFinish: the triggers that this has queued are fired
 *			carry_out, for the foreign key of "deployment"
 *			  as the owner of "deployment", apart:
 *				RI_FKey_cascade_upd: UPDATE deployment SET project = 'acme.b' ...
 *				  its BEFORE triggers
 *				  its AFTER triggers, its deferred triggers, its own checks
 *			  does a row still have 'acme.a'?  Then it is an error.
 *
 * How carry_out() gets to be called: the executor has a copy of the table's
 * triggers, and looks up the function of each trigger when it first fires.  The
 * hook of ExecutorFinish comes before that and puts carry_out() in the place of
 * PostgreSQL's function (take_over()).  Triggers that were queued by the action
 * of a foreign key, such as one of the extension's own from the hierarchy to
 * principals, are fired by the statement at the top.  It knows nothing of that
 * action's table, so it is given a copy of its triggers as well.
 *
 * Apart, the same is done for all tables, so that a chain of foreign keys goes
 * through the hands of each owner in turn, and triggers that are deferrable do
 * not wait: the hook of ExecutorStart takes that from the executor's copy.
 * Where it cannot, since a row is routed to a partition later, PostgreSQL
 * raises an error: a security-restricted operation may leave no deferred
 * trigger.  SET CONSTRAINTS is refused, for it would fire the session's own
 * triggers there.
 *
 * All this is in place when the statement ends and the library is loaded by
 * then.  Therefore each table of the extension has a trigger in C that fires
 * before anything is changed (rbac_watch()).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "tcop/utility.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "rbac_apart.h"
#include "rbac_cascade.h"
#include "rbac_tables.h"

PG_FUNCTION_INFO_V1(rbac_watch);

static ExecutorStart_hook_type previous_start = NULL;
static ExecutorFinish_hook_type previous_finish = NULL;
static ProcessUtility_hook_type previous_utility = NULL;

/*
 * The state that triggers are being fired with, if foreign keys are taken over
 * in it; and how many carry_out() are under way.
 */
static EState *firing = NULL;
static int	carrying_out = 0;

static bool
is_own_table(Oid relation, Oid schema)
{
	return get_rel_namespace(relation) == schema;
}

/*
 * Does a statement change a table of the extension?
 */
static bool
changes_own_table(const PlannedStmt *statement)
{
	int			position = -1;
	int			changed = rbac_next_result_relation(statement, &position);
	Oid			schema;

	if (changed < 0)
		return false;
	schema = rbac_schema_oid();
	if (!OidIsValid(schema))
		return false;
	for (; changed >= 0; changed = rbac_next_result_relation(statement, &position))
	{
		if (is_own_table(rt_fetch(changed, statement->rtable)->relid, schema))
			return true;
	}
	return false;
}

/*
 * Is this what a foreign key of another table does when a row changes that it
 * references?
 */
static bool
is_theirs(const Trigger *trigger, Oid schema)
{
	return trigger->tgisinternal &&
		RI_FKey_trigger_type(trigger->tgfoid) == RI_TRIGGER_PK &&
		!is_own_table(trigger->tgconstrrelid, schema);
}

/*
 * Call PostgreSQL's function for a foreign key, in place of which fcinfo was
 * made.
 */
static void
call_trigger(Oid function, FunctionCallInfo fcinfo)
{
	LOCAL_FCINFO(call, 0);
	FmgrInfo	flinfo;

	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*call, &flinfo, 0, InvalidOid, fcinfo->context, NULL);
	(void) FunctionCallInvoke(call);
}

/*
 * After an action no row may be left that references what is gone, whatever
 * triggers have made of the action: a resource that takes the path anew would be
 * given it.  PostgreSQL's function for NO ACTION looks, and raises the error.
 */
static void
require_followed(Oid action, FunctionCallInfo fcinfo)
{
	switch (action)
	{
		case F_RI_FKEY_CASCADE_UPD:
		case F_RI_FKEY_SETNULL_UPD:
		case F_RI_FKEY_SETDEFAULT_UPD:
			call_trigger(F_RI_FKEY_NOACTION_UPD, fcinfo);
			break;
		case F_RI_FKEY_CASCADE_DEL:
		case F_RI_FKEY_SETNULL_DEL:
		case F_RI_FKEY_SETDEFAULT_DEL:
			call_trigger(F_RI_FKEY_NOACTION_DEL, fcinfo);
			break;
		default:
			break;
	}
}

/*
 * The trigger of a foreign key, apart.
 */
static Datum
carry_out(PG_FUNCTION_ARGS)
{
	const Trigger *trigger = ((TriggerData *) fcinfo->context)->tg_trigger;
	EState	   *outer = firing;
	EState	   *estate = CreateExecutorState();
	Apart		before;

	rbac_apart_begin(&before, rbac_owner_of(trigger->tgconstrrelid));
	carrying_out++;
	firing = estate;
	PG_TRY();
	{
		AfterTriggerBeginQuery();
		call_trigger(trigger->tgfoid, fcinfo);
		AfterTriggerEndQuery(estate);
		require_followed(trigger->tgfoid, fcinfo);
	}
	PG_FINALLY();
	{
		carrying_out--;
		firing = outer;
	}
	PG_END_TRY();
	ExecResetTupleTable(estate->es_tupleTable, false);
	ExecCloseResultRelations(estate);
	FreeExecutorState(estate);
	rbac_apart_end(&before);
	return PointerGetDatum(NULL);
}

/*
 * Let carry_out() be called for the foreign keys of other tables.
 */
static void
take_over(ResultRelInfo *relation, Oid schema, MemoryContext context)
{
	TriggerDesc *triggers = relation->ri_TrigDesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (!is_theirs(&triggers->triggers[i], schema))
			continue;
		fmgr_info_cxt(triggers->triggers[i].tgfoid, &relation->ri_TrigFunctions[i], context);
		relation->ri_TrigFunctions[i].fn_addr = carry_out;
	}
}

/*
 * Let nothing wait that is queued for a table: foreign keys of other tables or,
 * apart, any trigger.
 */
static void
fire_at_once(ResultRelInfo *relation, Oid schema)
{
	TriggerDesc *triggers = relation->ri_TrigDesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (carrying_out > 0 || is_theirs(trigger, schema))
		{
			trigger->tgdeferrable = false;
			trigger->tginitdeferred = false;
		}
	}
}

static void
start(QueryDesc *query, int eflags)
{
	ListCell   *lc;
	Oid			schema;

	if (previous_start)
		previous_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);

	if (carrying_out == 0 && !changes_own_table(query->plannedstmt))
		return;
	schema = rbac_schema_oid();
	foreach(lc, query->estate->es_opened_result_relations)
		fire_at_once(lfirst(lc), schema);
}

/*
 * A statement that began before the library was loaded may have queued what
 * should not wait.
 */
static void
require_started(const ResultRelInfo *relation, Oid schema)
{
	const TriggerDesc *triggers = relation->ri_TrigDesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (triggers->triggers[i].tgdeferrable && is_theirs(&triggers->triggers[i], schema))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table \"%s\" was about to be changed before the library \"aiven_rbac\" was loaded",
							RelationGetRelationName(relation->ri_RelationDesc)),
					 errdetail("A deferrable foreign key of another table references it."),
					 errhint("Run the statement again: the library is loaded now.")));
	}
}

static void
finish_inner(QueryDesc *query)
{
	if (previous_finish)
		previous_finish(query);
	else
		standard_ExecutorFinish(query);
}

/*
 * A statement whose triggers are fired by itself.
 */
static void
finish_firing(QueryDesc *query, bool ours)
{
	EState	   *estate = query->estate;
	EState	   *outer = firing;
	Oid			schema = rbac_schema_oid();
	ListCell   *lc;

	if (ours)
	{
		foreach(lc, estate->es_opened_result_relations)
		{
			require_started(lfirst(lc), schema);
			take_over(lfirst(lc), schema, estate->es_query_cxt);
		}
		foreach(lc, estate->es_tuple_routing_result_relations)
			take_over(lfirst(lc), schema, estate->es_query_cxt);
	}
	firing = ours ? estate : NULL;
	PG_TRY();
	{
		finish_inner(query);
	}
	PG_FINALLY();
	{
		firing = outer;
	}
	PG_END_TRY();
}

/*
 * A table that a foreign key's action has changed: its triggers are fired with
 * the state of the statement at the top.
 */
static void
adopt(ResultRelInfo *relation, Oid schema)
{
	if (relation->ri_TrigDesc == NULL)
		return;
	take_over(rbac_trigger_relation(firing, RelationGetRelid(relation->ri_RelationDesc)),
			  schema, firing->es_query_cxt);
}

static void
adopt_all(const EState *estate)
{
	Oid			schema = rbac_schema_oid();
	ListCell   *lc;

	foreach(lc, estate->es_opened_result_relations)
		adopt(lfirst(lc), schema);
	foreach(lc, estate->es_tuple_routing_result_relations)
		adopt(lfirst(lc), schema);
}

static void
finish(QueryDesc *query)
{
	EState	   *estate = query->estate;
	bool		ours;

	if (estate->es_top_eflags & EXEC_FLAG_SKIP_TRIGGERS)
	{
		finish_inner(query);
		if (firing != NULL)
			adopt_all(estate);
		return;
	}

	ours = carrying_out > 0 || changes_own_table(query->plannedstmt);
	if (ours || firing != NULL)
		finish_firing(query, ours);
	else
		finish_inner(query);
}

static void
utility(PlannedStmt *statement, const char *text, bool read_only, ProcessUtilityContext context,
		ParamListInfo parameters, QueryEnvironment *environment, DestReceiver *receiver, QueryCompletion *completion)
{
	if (carrying_out > 0 && IsA(statement->utilityStmt, ConstraintsSetStmt))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot execute %s within the action of a foreign key", "SET CONSTRAINTS"),
				 errdetail("It would fire triggers of the session that changed the referenced row.")));
	if (previous_utility)
		previous_utility(statement, text, read_only, context, parameters, environment, receiver, completion);
	else
		standard_ProcessUtility(statement, text, read_only, context, parameters, environment, receiver, completion);
}

void
rbac_cascade_init(void)
{
	previous_start = ExecutorStart_hook;
	ExecutorStart_hook = start;
	previous_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = finish;
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
}

/*
 * aiven_rbac.watch() → trigger
 *
 * Fires before a table of the extension is changed, so that the library is
 * loaded.  There is nothing else to do.
 */
Datum
rbac_watch(PG_FUNCTION_ARGS)
{
	return PointerGetDatum(NULL);
}
