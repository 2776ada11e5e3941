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
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "rbac_apart.h"

PG_FUNCTION_INFO_V1(rbac_run_as_owner);

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

static void
run(const char *command)
{
	int			result;

	SPI_connect();
	result = SPI_execute(command, false, 0);
	if (result < 0)
		elog(ERROR, "could not execute \"%s\": %s", command, SPI_result_code_string(result));
	SPI_finish();
}

/*
 * Run a statement as the owner of a table, apart from the session.
 */
void
rbac_run_apart(Oid owner, const char *command)
{
	Apart		before;

	rbac_apart_begin(&before, owner);
	run(command);
	rbac_apart_end(&before);
}

/*
 * aiven_rbac.run_as_owner("table" regclass, statement text) → void
 *
 * Run a statement about a table for a caller who has the rights of the table's
 * owner.  For another caller than the owner, such as a superuser, what the owner
 * has attached to the table runs as the owner.
 */
Datum
rbac_run_as_owner(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);
	char	   *statement = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Oid			owner;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table with OID %u does not exist", table)));
	owner = rbac_owner_of(table);
	if (!has_privs_of_role(GetUserId(), owner))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(table));
	if (owner == GetUserId())
		run(statement);
	else
		rbac_run_apart(owner, statement);
	PG_RETURN_VOID();
}
