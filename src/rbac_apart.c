/*-------------------------------------------------------------------------
 *
 * rbac_apart.c
 *	  Running the code of a table's owner apart from the session.
 *
 * The owner of a table attaches code to it: triggers, defaults, checks, rules,
 * functions in the expressions of an index, which even the planner runs.  Where
 * the extension does something to such a table that the owner has not asked
 * for, the code runs as the owner, and between rbac_apart_begin() and
 * rbac_apart_end():
 *
 * - in a security-restricted operation, as PostgreSQL's own maintenance of
 *   tables does it.  No role can be set, no temporary object made, no trigger
 *   left for the end of the transaction.  That it is restricted also tells the
 *   rest of the extension that the session has no principal and is no operator
 *   now (rbac_session_get()), in parallel workers as well;
 * - with a search_path that neither the owner nor the session has chosen, and
 *   in a level of settings of its own, which ends with it.
 *
 * An error needs no rbac_apart_end(): the end of the transaction or savepoint
 * puts all of this back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#include "rbac_apart.h"

Oid
rbac_owner_of(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relation);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

void
rbac_apart_begin(Apart *before, Oid owner)
{
	GetUserIdAndSecContext(&before->user, &before->context);
	SetUserIdAndSecContext(owner, before->context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	before->settings = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
rbac_apart_end(const Apart *before)
{
	AtEOXact_GUC(false, before->settings);
	SetUserIdAndSecContext(before->user, before->context);
}
