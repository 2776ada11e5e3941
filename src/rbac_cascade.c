/*-------------------------------------------------------------------------
 *
 * rbac_cascade.c
 *	  Triggers that run because one of the extension's rows changed.
 *
 * An application's table follows a project by a foreign key with an action:
 *
 *		project rbac_path REFERENCES aiven_rbac.resource (path) ON UPDATE CASCADE
 *
 * PostgreSQL carries the action out as the owner of that table, its BEFORE
 * triggers included.  Its AFTER triggers, however, wait until the statement
 * that changed the referenced row ends, and before PostgreSQL 18 they run as
 * whoever the current user is by then.  That statement stands in a SECURITY
 * DEFINER function, so it would be the extension's owner, mostly a superuser:
 * whoever may reference the hierarchy and rename one project would own the
 * server.
 *
 * Triggers run when the executor finishes.  For statements that change tables
 * of the extension they therefore run as the role that the session has chosen,
 * as if it had changed the rows itself.  The extension's own triggers that
 * need more are SECURITY DEFINER, and foreign keys look after themselves.
 *
 * It is also remembered that such triggers are running, for they act on behalf
 * of whoever changed the row: see rbac_actor().  What they queue for the end of
 * the transaction, by writing to a table with deferred triggers, runs when
 * nothing tells any more who queued it.  So after a cascade no deferred trigger
 * of the transaction administers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "tcop/pquery.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "rbac_cascade.h"
#include "rbac_tables.h"

static ExecutorFinish_hook_type previous_hook = NULL;
static int	cascades = 0;
static TimestampTz cascaded_in = 0; /* start of the last transaction with one */

/*
 * Does a statement change a table of the extension?
 */
static bool
changes_own_table(const PlannedStmt *statement)
{
	ListCell   *lc;
	Oid			schema;

	if (statement->resultRelations == NIL)
		return false;
	schema = rbac_schema_oid();
	if (!OidIsValid(schema))
		return false;
	foreach(lc, statement->resultRelations)
	{
		if (get_rel_namespace(rt_fetch(lfirst_int(lc), statement->rtable)->relid) == schema)
			return true;
	}
	return false;
}

static void
finish(QueryDesc *query)
{
	if (previous_hook)
		previous_hook(query);
	else
		standard_ExecutorFinish(query);
}

static void
finish_as_session(QueryDesc *query)
{
	/* New rows are followed by nobody. */
	int			count = query->operation != CMD_INSERT;
	Oid			user;
	int			context;

	if (!changes_own_table(query->plannedstmt))
	{
		finish(query);
		return;
	}

	GetUserIdAndSecContext(&user, &context);
	if (user != GetOuterUserId())
		SetUserIdAndSecContext(GetOuterUserId(), context | SECURITY_LOCAL_USERID_CHANGE);
	cascades += count;
	if (count > 0)
		cascaded_in = GetCurrentTransactionStartTimestamp();
	PG_TRY();
	{
		finish(query);
	}
	PG_FINALLY();
	{
		cascades -= count;
		SetUserIdAndSecContext(user, context);
	}
	PG_END_TRY();
}

void
rbac_cascade_init(void)
{
	previous_hook = ExecutorFinish_hook;
	ExecutorFinish_hook = finish_as_session;
}

/*
 * Is this a trigger that runs when the transaction commits?  Everything else
 * is part of some statement of the client's, and so of a portal.
 */
static bool
in_deferred_trigger(void)
{
	return ActivePortal == NULL && DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0)) > 0;
}

/*
 * Is this code run by a trigger that follows a change of one of the
 * extension's rows, or could it be?
 */
bool
rbac_in_cascade(void)
{
	return cascades > 0 || InNoForceRLSOperation() ||
		(cascaded_in == GetCurrentTransactionStartTimestamp() && in_deferred_trigger());
}
