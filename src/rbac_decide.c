/*-------------------------------------------------------------------------
 *
 * rbac_decide.c
 *	  (principal, resource, name) → decision.
 *
 * A decision function can be called for millions of rows, or once.  What is
 * the same from row to row hangs on the FmgrInfo: whose rights (a pinned
 * cache entry) and what the name requires (a set of actions).  A call then is a
 * probe of the entry's memo and a comparison of two sets.
 *
 * "The same" ends with the statement.  An FmgrInfo can live longer than that:
 * PL/pgSQL keeps those of its expressions for a whole transaction.  So every
 * call compares with what they were:
 *
 * - what the active snapshot sees: its command, its xmax and how many
 *   transactions it takes for running.  A snapshot that sees somebody's commit
 *   has a later xmax or, with the same xmax, fewer of those.  (The counter
 *   that snapshots have for this purpose is not copied with them.)
 * - the subtransaction: one that was rolled back leaves no trace in a snapshot,
 *   but its number is never used again;
 * - the time at which the client's statement started, since in REPEATABLE READ
 *   all snapshots are alike;
 * - the session's principal.
 *
 * If one differs, messages are accepted and the entry is pinned anew; messages
 * have to be asked for, because a query of function calls alone takes no lock
 * that would bring them.  Within a statement all rows are judged by the same
 * rights.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "nodes/primnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "rbac_decide.h"
#include "rbac_session.h"

static void
release_decider(void *arg)
{
	Decider    *decider = arg;

	if (decider->entry != NULL)
		rbac_cache_unpin(decider->entry);
	if (decider->catalogue != NULL)
		rbac_catalogue_release(decider->catalogue);
	decider->entry = NULL;
	decider->catalogue = NULL;
}

static void
forget_last(Decider *decider)
{
	decider->last_verdict = NULL;
	decider->have_last_id = false;
	decider->last_length = -1;
}

static inline bool
same_statement(const Decider *decider)
{
	Snapshot	snapshot;

	if (!ActiveSnapshotSet())
		return false;
	snapshot = GetActiveSnapshot();
	return decider->command == snapshot->curcid &&
		decider->xmax == snapshot->xmax &&
		decider->xcnt == snapshot->xcnt &&
		decider->subxcnt == snapshot->subxcnt &&
		decider->subtransaction == GetCurrentSubTransactionId() &&
		decider->started == rbac_instant() &&
		decider->session_epoch == rbac_session_epoch;
}

static void
begin_statement(Decider *decider)
{
	Catalogue  *catalogue;

	AcceptInvalidationMessages();

	decider->started = rbac_instant();
	decider->subtransaction = GetCurrentSubTransactionId();
	decider->session_epoch = rbac_session_epoch;
	if (ActiveSnapshotSet())
	{
		Snapshot	snapshot = GetActiveSnapshot();

		decider->command = snapshot->curcid;
		decider->xmax = snapshot->xmax;
		decider->xcnt = snapshot->xcnt;
		decider->subxcnt = snapshot->subxcnt;
	}

	if (decider->catalogue != NULL && rbac_catalogue_is_current(decider->catalogue))
		return;
	catalogue = rbac_catalogue_acquire();
	if (decider->catalogue != NULL)
		rbac_catalogue_release(decider->catalogue);
	decider->catalogue = catalogue;
	decider->names = NULL;		/* to be resolved again */
	forget_last(decider);
}

/*
 * The state of a call: for the principal given, or the session's if NULL.
 */
Decider *
rbac_decider(FunctionCallInfo fcinfo, const pg_uuid_t *principal)
{
	Decider    *decider = fcinfo->flinfo->fn_extra;
	PrincipalEntry *entry = NULL;
	Subject		subject;

	if (likely(decider != NULL && same_statement(decider)))
	{
		if (principal == NULL ||
			(decider->entry != NULL && rbac_uuid_equal(&decider->entry->principal->subject.who.id, principal)))
			return decider;
	}
	else
	{
		if (decider == NULL)
		{
			MemoryContext context = fcinfo->flinfo->fn_mcxt;

			decider = MemoryContextAllocZero(context, sizeof(Decider));
			decider->release.func = release_decider;
			decider->release.arg = decider;
			MemoryContextRegisterResetCallback(context, &decider->release);
			fcinfo->flinfo->fn_extra = decider;
		}

		/* If what follows fails, the next call must not find it done. */
		decider->started = 0;
		begin_statement(decider);
	}

	if (rbac_session_subject(principal, &subject))
	{
		TimestampTz started = decider->started;

		if (decider->entry != NULL &&
			memcmp(&decider->entry->principal->subject, &subject, sizeof(Subject)) == 0 &&
			rbac_cache_is_current(decider->entry, started))
			return decider;
		decider->started = 0;
		entry = rbac_cache_pin(&subject, started);
		decider->started = started;
	}
	if (decider->entry != NULL)
		rbac_cache_unpin(decider->entry);
	decider->entry = entry;
	forget_last(decider);
	return decider;
}

/*
 * Make the decider ask for the name in an argument or, with any_of, for one of
 * the names in an array of text.  Does work only when the argument differs
 * from the last call's.
 */
void
rbac_decider_set_names(Decider *decider, FunctionCallInfo fcinfo, int argument, bool any_of)
{
	struct varlena *names;
	Size		size;
	MemoryContext caller;
	NameList   *list;

	if (likely(decider->names != NULL && decider->names_constant))
		return;
	names = PG_GETARG_VARLENA_PP(argument);
	size = VARSIZE_ANY(names);
	if (decider->names != NULL && VARSIZE_ANY(decider->names_argument) == size &&
		memcmp(decider->names_argument, names, size) == 0)
		return;

	decider->names_constant = rbac_argument_is_constant(fcinfo->flinfo, argument);
	decider->last_verdict = NULL;
	decider->names = NULL;
	if (decider->names_context == NULL)
		decider->names_context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "rbac names",
													   ALLOCSET_SMALL_SIZES);
	else
		MemoryContextReset(decider->names_context);
	caller = MemoryContextSwitchTo(decider->names_context);
	list = rbac_names_make(PointerGetDatum(names), any_of ? TEXTARRAYOID : TEXTOID);
	rbac_names_resolve_or_fail(decider->catalogue, list);
	decider->names_argument = memcpy(palloc(size), names, size);
	decider->names = list;
	MemoryContextSwitchTo(caller);
}

/*
 * The part of rbac_holds() that is seldom needed
 */
bool
rbac_decider_judge(Decider *decider, const Verdict *verdict)
{
	if (verdict == NULL)
		return false;
	decider->last_holds = rbac_names_held(decider->catalogue, decider->names, verdict);
	decider->last_verdict = verdict;
	return decider->last_holds;
}

/*
 * What the decider's principal holds on a resource; NULL if there is none, or
 * no principal.
 */
const Verdict *
rbac_verdict_on_id(Decider *decider, const pg_uuid_t *id)
{
	if (decider->entry == NULL)
		return NULL;
	if (decider->have_last_id && rbac_uuid_equal(&decider->last_id, id))
		return decider->last_answer;
	decider->have_last_id = false;
	decider->last_length = -1;
	decider->last_answer = rbac_cache_verdict(decider->entry, id);
	decider->last_id = *id;
	decider->have_last_id = true;
	return decider->last_answer;
}

const Verdict *
rbac_verdict_on_path(Decider *decider, const RbacPath *path)
{
	const char *data = RBAC_PATH_DATA(path);
	int			length = RBAC_PATH_LEN(path);

	if (decider->entry == NULL)
		return NULL;
	if (decider->last_length == length && memcmp(decider->last_path, data, length) == 0)
		return decider->last_answer;
	decider->have_last_id = false;
	decider->last_length = -1;
	decider->last_answer = rbac_cache_verdict_at(decider->entry, path);
	if (length <= RBAC_PATH_MAX)
	{
		memcpy(decider->last_path, data, length);
		decider->last_length = length;
	}
	return decider->last_answer;
}
