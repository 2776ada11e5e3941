/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  What differs between the PostgreSQL versions that are supported.
 *
 * The rest of the source is written for the newest version; here the older
 * ones are given what they lack.  No other file tests PG_VERSION_NUM.
 *
 *-------------------------------------------------------------------------
 */
#ifndef COMPAT_H
#define COMPAT_H

#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "replication/walreceiver.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#if PG_VERSION_NUM >= 150000
#include "access/xlogrecovery.h"
#endif
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
#if PG_VERSION_NUM >= 170000
#include "storage/procarray.h"
#else
#include "storage/sinvaladt.h"
#endif

/*
 * Soft errors came with 16.  In older versions a caller that asks for one gets an
 * error.
 */
#if PG_VERSION_NUM < 160000
#define ereturn(context, dummy_value, ...) \
	do \
	{ \
		(void) (context); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy_value; \
	} while (0)
#endif

/*
 * Compilers that look for what falls through by mistake take a word of 19's, and
 * older ones a comment.
 */
#if PG_VERSION_NUM < 190000
#if defined(__has_attribute) && __has_attribute(fallthrough)
#define pg_fallthrough __attribute__((fallthrough))
#else
#define pg_fallthrough
#endif
#endif

#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/*
 * The timeline that a server writes.  It does not recover.
 */
#if PG_VERSION_NUM >= 150000
#define rbac_insertion_timeline()	GetWALInsertionTimeLine()
#else
#define rbac_insertion_timeline()	ThisTimeLineID
#endif

/*
 * Where the record ends that a standby is replaying.  Before 15 that is not told;
 * the record is one of those that it has received.
 */
#if PG_VERSION_NUM >= 150000
#define rbac_record_in_replay()		GetCurrentReplayRecPtr(NULL)
#else
#define rbac_record_in_replay()		GetWalRcvFlushRecPtr(NULL, NULL)
#endif

/*
 * What a check hook leaves for its assign hook is freed by guc_free() from 16
 * on, and by free() before.
 */
#if PG_VERSION_NUM < 160000
static inline void *
guc_malloc(int elevel, size_t size)
{
	void	   *result = malloc(size);

	if (result == NULL)
		ereport(elevel, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return result;
}
#endif

/*
 * Register a complete row type, so that values can have it.
 */
static inline TupleDesc
rbac_bless(TupleDesc desc)
{
#if PG_VERSION_NUM >= 190000
	TupleDescFinalize(desc);
#endif
	return BlessTupleDesc(desc);
}

/*
 * Since 18 the executor finds out by itself whether a query is run only once.
 * This is what its hook is given after the direction, and how it passes that on.
 */
#if PG_VERSION_NUM >= 180000
#define RBAC_RUN_LIMIT		uint64 count
#define RBAC_PASS_RUN_LIMIT	count
#else
#define RBAC_RUN_LIMIT		uint64 count, bool execute_once
#define RBAC_PASS_RUN_LIMIT	count, execute_once
#endif

/*
 * The range table indexes of what a statement changes, one a call: begin with a
 * position of -1; a negative one is the end.
 */
static inline int
rbac_next_result_relation(const PlannedStmt *statement, int *position)
{
#if PG_VERSION_NUM >= 190000
	*position = bms_next_member(statement->resultRelationRelids, *position);
	return *position;
#else
	*position += 1;
	if (*position >= list_length(statement->resultRelations))
		return -1;
	return list_nth_int(statement->resultRelations, *position);
#endif
}

/*
 * Do the conditions on a relation pin a row by a unique index?
 */
#if PG_VERSION_NUM >= 190000
#define rbac_pinned_by_unique_index(root, rel) \
	relation_has_unique_index_for(root, rel, NIL, NULL)
#else
#define rbac_pinned_by_unique_index(root, rel) \
	relation_has_unique_index_for(root, rel, NIL, NIL, NIL)
#endif

/*
 * Read all rows of a table.
 */
#if PG_VERSION_NUM >= 190000
#define rbac_begin_scan(relation, snapshot) \
	table_beginscan(relation, snapshot, 0, NULL, SO_NONE)
#else
#define rbac_begin_scan(relation, snapshot) \
	table_beginscan(relation, snapshot, 0, NULL)
#endif

/*
 * A setting's record; NULL if there is none, not even of an unknown setting
 */
static inline const struct config_generic *
rbac_find_setting(const char *name)
{
#if PG_VERSION_NUM >= 160000
	return find_option(name, false, true, 0);
#else
	struct config_generic **settings = get_guc_variables();

	for (int i = GetNumConfigOptions() - 1; i >= 0; i--)
	{
		if (strcmp(settings[i]->name, name) == 0)
			return settings[i];
	}
	return NULL;
#endif
}

/*
 * What names a system cache
 */
#if PG_VERSION_NUM >= 190000
#include "utils/syscache.h"
#define rbac_cache_id	SysCacheIdentifier
#else
#define rbac_cache_id	int
#endif

static inline void
rbac_reserve_settings(const char *prefix)
{
#if PG_VERSION_NUM >= 150000
	MarkGUCPrefixReserved(prefix);
#else
	EmitWarningsOnPlaceholders(prefix);
#endif
}

/*
 * Make a set-returning function put its rows into a tuplestore.
 */
static inline void
rbac_materialize(FunctionCallInfo fcinfo)
{
#if PG_VERSION_NUM >= 150000
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
#else
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext caller;

	if (result == NULL || !IsA(result, ReturnSetInfo) ||
		(result->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	caller = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	result->returnMode = SFRM_Materialize;
	result->setDesc = CreateTupleDescCopy(result->expectedDesc);
	result->setResult = tuplestore_begin_heap((result->allowedModes & SFRM_Materialize_Random) != 0,
											  false, work_mem);
	MemoryContextSwitchTo(caller);
#endif
}

/*
 * The process that runs a transaction; 0 if none does, as for a prepared
 * transaction.
 */
static inline int
rbac_pid_of_transaction(VirtualTransactionId transaction)
{
#if PG_VERSION_NUM >= 170000
	PGPROC	   *proc = ProcNumberGetProc(transaction.procNumber);
	bool		runs = proc != NULL && proc->vxid.lxid == transaction.localTransactionId;
#else
	PGPROC	   *proc = BackendIdGetProc(transaction.backendId);
	bool		runs = proc != NULL && proc->lxid == transaction.localTransactionId;
#endif

	return runs ? proc->pid : 0;
}

/*
 * What the server shows of a backend, from 1 to pgstat_fetch_stat_numbackends()
 */
#if PG_VERSION_NUM >= 160000
#define rbac_shown_backend(number)	pgstat_get_local_beentry_by_index(number)
#else
#define rbac_shown_backend(number)	pgstat_fetch_stat_local_beentry(number)
#endif

/*
 * What the triggers of a table are fired with.
 */
static inline ResultRelInfo *
rbac_trigger_relation(EState *estate, Oid relation)
{
#if PG_VERSION_NUM >= 150000
	return ExecGetTriggerResultRel(estate, relation, NULL);
#else
	return ExecGetTriggerResultRel(estate, relation);
#endif
}

#endif							/* COMPAT_H */
