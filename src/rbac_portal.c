/*-------------------------------------------------------------------------
 *
 * rbac_portal.c
 *	  Queries that are run piece by piece: cursors and portals.
 *
 * A cursor's query stands still between two FETCHes, and what it has found by
 * then may have yet to be given: rows in a sort or a hash table, the row that a
 * join is at, the list of resources that an index scan goes through.  When the
 * session's principal loses the right to such rows, or another principal is
 * set, nothing in the plan would look at them again.  A filter that is asked
 * anew at each FETCH holds back only what has not been found yet.
 *
 * So for a query that can be continued it is noted what its rows can be owed to:
 * whose rights (a pinned cache entry, which remembers the resources that it was
 * asked about and the lists that it gave) and the names asked for.  Before each
 * further piece the notes are compared with what the session's principal holds
 * now.  While the entry is current there is nothing to compare.  Otherwise all
 * that was held under the entry is judged again.  If all of it is still held,
 * the entry of now takes the place of the old one, and the query goes on: what
 * was gained, and what changed elsewhere, ends no cursor.  If something is lost,
 * or the principal is another, the query gives no further row: the first row
 * that comes is an error.  (To find no further row is none.  A loop in PL/pgSQL
 * over three rows asks for a fourth after whatever its body did.)
 *
 * A resource that is gone, or that has another path where it was asked about by
 * path, counts as lost.  So does everything, once an entry has started its memo
 * over for want of memory and can't tell any more what it was asked about.  Of
 * the extension's own lists, which go by subtrees, the places are compared that
 * the subtrees begin at.
 *
 * What is run piece by piece is what a portal runs: FETCH and MOVE, the
 * protocol's Execute with a limit, a loop over a query in PL/pgSQL (ten rows,
 * and then fifty at a time), and what is left of a cursor WITH HOLD at COMMIT.
 * A note counts for every portal that is running, since what a function has
 * read goes into the rows of the query that calls it.
 *
 * There is nothing to compare in a result that PostgreSQL keeps as a whole and
 * gives out piece by piece: that of a cursor WITH HOLD after COMMIT, and that of
 * a statement that changes rows and returns them, which is then complete.
 *
 * Here it is also known whether a function is called by a query that runs, which
 * is what tells the rows of one statement from the expressions of many.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "lib/ilist.h"
#include "tcop/pquery.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/portal.h"

#include "compat.h"
#include "rbac_portal.h"
#include "rbac_reach.h"
#include "rbac_replica.h"
#include "rbac_session.h"

/* Notes of a query are compared in the middle of a piece when there are so many. */
#define MAX_NOTES	16

/* Why a query gives no further row */
typedef enum Loss
{
	NOTHING_LOST,
	RIGHTS_LOST,
	PRINCIPAL_CHANGED
} Loss;

/*
 * What rows of a query can be owed to
 */
typedef struct Note
{
	slist_node	node;
	PrincipalEntry *entry;		/* pinned; NULL: no principal */
	RbacReliance reliance;
	NameList   *names;			/* resolved, if it relies on names */
	uint32		memo_starts;	/* the entry's at that time */
} Note;

/*
 * A query with notes.  It is in memory of the query's own.
 */
typedef struct Watch
{
	slist_node	node;
	EState	   *query;
	Loss		loss;			/* once there is one, no more notes are kept */
	int			nnotes;
	slist_head	notes;
	MemoryContextCallback release;
} Watch;

/*
 * A query that is running, with those around it
 */
typedef struct Run
{
	EState	   *query;
	Watch	   *watch;			/* NULL: no notes yet */
	bool		goes_on;		/* there can be further pieces */
	struct Run *outer;
} Run;

/* Receives the rows of a query that is to give none. */
typedef struct Refusal
{
	DestReceiver receiver;
	DestReceiver *given;
	const char *cursor;
	Loss		loss;
} Refusal;

uint64		rbac_piece = 1;

static uint64 last_piece = 1;
static Run *running = NULL;
static slist_head watches = SLIST_STATIC_INIT(watches);

/*
 * The query whose first piece had the library loaded, for as long as it lives.  It
 * is not among those known to run, and neither can be told which of them it runs.
 */
static Watch *first = NULL;
static ExecutorRun_hook_type previous_hook = NULL;

static void
drop_notes(Watch *watch)
{
	while (!slist_is_empty(&watch->notes))
	{
		Note	   *note = slist_container(Note, node, slist_pop_head_node(&watch->notes));

		if (note->entry != NULL)
			rbac_cache_unpin(note->entry);
		pfree(note);
	}
	watch->nnotes = 0;
}

static void
release_watch(void *arg)
{
	Watch	   *watch = arg;

	drop_notes(watch);
	slist_delete(&watches, &watch->node);
	if (watch == first)
		first = NULL;
}

static Watch *
find_watch(const EState *query)
{
	slist_iter	iter;

	slist_foreach(iter, &watches)
	{
		Watch	   *watch = slist_container(Watch, node, iter.cur);

		if (watch->query == query)
			return watch;
	}
	return NULL;
}

static Watch *
watch_of(EState *query)
{
	Watch	   *watch = find_watch(query);

	if (watch != NULL)
		return watch;
	watch = MemoryContextAllocZero(query->es_query_cxt, sizeof(Watch));
	watch->query = query;
	slist_init(&watch->notes);
	slist_push_head(&watches, &watch->node);
	watch->release.func = release_watch;
	watch->release.arg = watch;
	MemoryContextRegisterResetCallback(query->es_query_cxt, &watch->release);
	return watch;
}

static bool
memberships_kept(const Principal *before, const Principal *now)
{
	for (int i = 0; i < before->nmemberships; i++)
	{
		if (rbac_principal_membership(now, &before->memberships[i].organization) == NULL)
			return false;
	}
	return true;
}

/*
 * Does the principal of a note still have all that the note relies on?  Then
 * "names" is what the note's names mean now.
 */
static bool
note_holds(const Note *note, PrincipalEntry *now, NameList *names)
{
	const Principal *before = note->entry->principal;
	const Principal *after = now->principal;

	if (before->exists && !before->deactivated && (!after->exists || after->deactivated))
		return false;
	switch (note->reliance)
	{
		case RBAC_RELIES_ON_PRINCIPAL:
			return true;
		case RBAC_RELIES_ON_MEMBERSHIPS:
			return memberships_kept(before, after);
		case RBAC_RELIES_ON_NAMES:
			return rbac_names_resolve(now->catalogue, names) &&
				note->memo_starts == note->entry->memo_starts &&
				rbac_cache_still_holds(note->entry, note->names, now, names) &&
				rbac_reach_still_holds(note->entry, note->names, now, names);
		case RBAC_RELIES_ON_ACTIONS:
			return note->memo_starts == note->entry->memo_starts &&
				rbac_cache_still_holds(note->entry, NULL, now, NULL);
	}
	return false;
}

/*
 * Bring a note up to date, unless something is lost.
 */
static bool
renew_note(Watch *watch, Note *note, const Subject *subject)
{
	PrincipalEntry *now = rbac_cache_pin(subject, rbac_instant());
	NameList   *names = NULL;
	uint32		memo_starts = now->memo_starts;
	bool		holds = false;

	PG_TRY();
	{
		if (note->names != NULL)
		{
			MemoryContext caller = MemoryContextSwitchTo(watch->query->es_query_cxt);

			names = rbac_names_copy(note->names);
			MemoryContextSwitchTo(caller);
		}
		holds = note_holds(note, now, names);
	}
	PG_FINALLY();
	{
		if (!holds)
			rbac_cache_unpin(now);
	}
	PG_END_TRY();
	if (!holds)
		return false;

	rbac_cache_unpin(note->entry);
	note->entry = now;
	note->memo_starts = memo_starts;
	if (names != NULL)
	{
		pfree(note->names);
		note->names = names;
	}
	return true;
}

/*
 * Compare a note with the session's principal of now.
 */
static Loss
compare_note(Watch *watch, Note *note)
{
	Subject		subject;
	bool		found = rbac_session_subject(NULL, &subject);
	const Subject *before = note->entry != NULL ? &note->entry->principal->subject : NULL;

	if (before == NULL || !found)
		return before == NULL && !found ? NOTHING_LOST : PRINCIPAL_CHANGED;
	if (!rbac_uuid_equal(&before->who.id, &subject.who.id))
		return PRINCIPAL_CHANGED;
	if (memcmp(before, &subject, sizeof(Subject)) == 0 &&
		rbac_cache_is_current(note->entry, rbac_instant()))
		return NOTHING_LOST;
	return renew_note(watch, note, &subject) ? NOTHING_LOST : RIGHTS_LOST;
}

static Note *
find_note(Watch *watch, const PrincipalEntry *entry, RbacReliance reliance, const NameList *names)
{
	slist_iter	iter;

	slist_foreach(iter, &watch->notes)
	{
		Note	   *note = slist_container(Note, node, iter.cur);

		if (note->entry == entry && note->reliance == reliance &&
			(names == NULL || rbac_names_equal(note->names, names)))
			return note;
	}
	return NULL;
}

/*
 * Notes of different times become alike when all are of now.
 */
static void
drop_double_notes(Watch *watch)
{
	slist_head	all = watch->notes;

	slist_init(&watch->notes);
	watch->nnotes = 0;
	while (!slist_is_empty(&all))
	{
		Note	   *note = slist_container(Note, node, slist_pop_head_node(&all));

		if (find_note(watch, note->entry, note->reliance, note->names) != NULL)
		{
			if (note->entry != NULL)
				rbac_cache_unpin(note->entry);
			pfree(note);
			continue;
		}
		slist_push_head(&watch->notes, &note->node);
		watch->nnotes++;
	}
}

/*
 * Compare what is noted of a query with what holds now.
 */
static Loss
compare_notes(Watch *watch)
{
	slist_iter	iter;

	AcceptInvalidationMessages();
	rbac_replica_check();
	slist_foreach(iter, &watch->notes)
	{
		watch->loss = compare_note(watch, slist_container(Note, node, iter.cur));
		if (watch->loss != NOTHING_LOST)
			break;
	}
	if (watch->loss != NOTHING_LOST)
		drop_notes(watch);
	else
		drop_double_notes(watch);
	return watch->loss;
}

static void
add_note(Watch *watch, PrincipalEntry *entry, RbacReliance reliance, const NameList *names)
{
	MemoryContext caller;
	Note	   *note;

	if (watch->loss != NOTHING_LOST || find_note(watch, entry, reliance, names) != NULL)
		return;
	caller = MemoryContextSwitchTo(watch->query->es_query_cxt);
	note = palloc0(sizeof(Note));
	note->reliance = reliance;
	if (names != NULL)
	{
		note->names = rbac_names_copy(names);
		rbac_names_resolve_or_fail(entry->catalogue, note->names);
	}
	MemoryContextSwitchTo(caller);
	if (entry != NULL)
	{
		note->memo_starts = entry->memo_starts;
		rbac_cache_pin_again(entry);
		note->entry = entry;
	}
	slist_push_head(&watch->notes, &note->node);
	if (++watch->nnotes > MAX_NOTES)
		(void) compare_notes(watch);
}

/*
 * Note of all queries that are running and can be continued that their rows can
 * be owed to an entry's principal (NULL: to there being none).
 */
void
rbac_portal_note(PrincipalEntry *entry, RbacReliance reliance, const NameList *names)
{
	if (first != NULL)
		add_note(first, entry, reliance, names);
	for (Run *run = running; run != NULL; run = run->outer)
	{
		if (!run->goes_on)
			continue;
		if (run->watch == NULL)
			run->watch = watch_of(run->query);
		add_note(run->watch, entry, reliance, names);
	}
}

/*
 * Is this memory of the query that is running, so that a function whose state
 * is in it is called by that query?
 */
bool
rbac_portal_runs(MemoryContext context)
{
	for (; running != NULL && context != NULL; context = MemoryContextGetParent(context))
	{
		if (context == running->query->es_query_cxt)
			return true;
	}
	return false;
}

static void
start_refusing(DestReceiver *self, int operation, TupleDesc desc)
{
	DestReceiver *given = ((Refusal *) self)->given;

	given->rStartup(given, operation, desc);
}

static bool
refuse_row(TupleTableSlot *slot, DestReceiver *self)
{
	const Refusal *refusal = (const Refusal *) self;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_CURSOR_STATE),
			 refusal->loss == PRINCIPAL_CHANGED ?
			 errmsg("the session's principal has changed since cursor \"%s\" was opened", refusal->cursor) :
			 errmsg("the session's principal has lost rights since cursor \"%s\" was opened", refusal->cursor),
			 errdetail("The cursor's query has found rows by what was held then."),
			 errhint("Open the cursor again.")));
	return false;
}

static void
stop_refusing(DestReceiver *self)
{
	DestReceiver *given = ((Refusal *) self)->given;

	given->rShutdown(given);
}

static void
destroy_refusal(DestReceiver *self)
{
}

/*
 * Let a piece give no row.
 */
static void
refuse_rows(Refusal *refusal, QueryDesc *query, Loss loss)
{
	refusal->receiver.receiveSlot = refuse_row;
	refusal->receiver.rStartup = start_refusing;
	refusal->receiver.rShutdown = stop_refusing;
	refusal->receiver.rDestroy = destroy_refusal;
	refusal->receiver.mydest = query->dest->mydest;
	refusal->given = query->dest;
	refusal->cursor = ActivePortal->name;
	refusal->loss = loss;
	query->dest = &refusal->receiver;
}

/*
 * Can a portal be asked for further rows when it has been asked for so many?
 */
static bool
can_go_on(const PortalData *portal, ScanDirection direction, uint64 count)
{
	return count != 0 || !ScanDirectionIsForward(direction) ||
		(portal->cursorOptions & CURSOR_OPT_SCROLL) != 0;
}

/*
 * Run a query, or a piece of one, so that it is known to run.
 */
static void
run_known(Run *run, uint64 piece, QueryDesc *query, ScanDirection direction, RBAC_RUN_LIMIT)
{
	uint64		outer_piece = rbac_piece;

	running = run;
	rbac_piece = piece;
	PG_TRY();
	{
		if (previous_hook)
			previous_hook(query, direction, RBAC_PASS_RUN_LIMIT);
		else
			standard_ExecutorRun(query, direction, RBAC_PASS_RUN_LIMIT);
	}
	PG_FINALLY();
	{
		running = run->outer;
		rbac_piece = outer_piece;
	}
	PG_END_TRY();
}

static void
run_query(QueryDesc *query, ScanDirection direction, RBAC_RUN_LIMIT)
{
	Run			run = {.query = query->estate, .outer = running};
	DestReceiver *dest = query->dest;
	Refusal		refusal;

	if (ActivePortal == NULL || ActivePortal->queryDesc != query)
	{
		run_known(&run, rbac_piece, query, direction, RBAC_PASS_RUN_LIMIT);
		return;
	}

	run.watch = find_watch(query->estate);
	run.goes_on = can_go_on(ActivePortal, direction, count);
	if (run.watch != NULL && compare_notes(run.watch) != NOTHING_LOST)
		refuse_rows(&refusal, query, run.watch->loss);
	run_known(&run, ++last_piece, query, direction, RBAC_PASS_RUN_LIMIT);
	query->dest = dest;
}

void
rbac_portal_init(void)
{
	previous_hook = ExecutorRun_hook;
	ExecutorRun_hook = run_query;
	if (ActivePortal != NULL && ActivePortal->queryDesc != NULL)
		first = watch_of(ActivePortal->queryDesc->estate);
}
