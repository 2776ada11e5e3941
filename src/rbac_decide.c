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
 * How long that is the same depends on who calls:
 *
 * - A query that runs (rbac_portal_runs()) calls for its rows.  All of them are
 *   judged by the same rights, those of the first call, until the query comes
 *   to an end or, if it is a cursor's, is asked for its next piece.
 * - Everything else can be a statement of its own each time.  PL/pgSQL keeps
 *   the FmgrInfos of its expressions for a whole transaction, and in REPEATABLE
 *   READ nothing in the snapshot tells two evaluations of one apart.  So here
 *   every call looks anew: it accepts messages, which costs next to nothing
 *   when there are none, and compares the generation.
 *
 * Messages have to be asked for, because a query of function calls alone takes
 * no lock that would bring them.  When somebody else becomes the session's
 * principal, both look anew at once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/primnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/uuid.h"

#include "compat.h"
#include "rbac_decide.h"
#include "rbac_replica.h"

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
forget_answers(Decider *decider)
{
	if (decider->nanswers > 0)
		memset(decider->answers, RBAC_NOT_ASKED, decider->nanswers);
}

static void
forget_last(Decider *decider)
{
	forget_answers(decider);
	decider->last_length = -1;
}

/*
 * Accept what other sessions have told, and get the current catalogue.  On a
 * replica, what they have told must have come through.
 */
static void
look_anew(Decider *decider)
{
	Catalogue  *catalogue;

	AcceptInvalidationMessages();
	rbac_replica_check();
	if (decider->catalogue != NULL && rbac_catalogue_is_current(decider->catalogue))
		return;
	catalogue = rbac_catalogue_acquire();
	if (decider->catalogue != NULL)
		rbac_catalogue_release(decider->catalogue);
	decider->catalogue = catalogue;
	decider->names = NULL;		/* to be resolved again */
	decider->names_settled = false;
	forget_last(decider);
}

/*
 * Note of the query that calls, once for each piece of it, whose rights its rows
 * can be owed to.  What somebody else is said to hold, to who asked about that
 * principal, is nothing that this session's principal could lose.
 */
static void
note_principal(Decider *decider)
{
	if (decider->noted_piece == rbac_piece)
		return;
	decider->relied_on = decider->entry == NULL || decider->entry->principal->subject.in_session;
	if (decider->relied_on)
		rbac_portal_note(decider->entry, RBAC_RELIES_ON_PRINCIPAL, NULL);
	decider->noted_piece = rbac_piece;
	decider->names_noted = false;
	decider->names_settled = false;
}

static void
let_entry_go(Decider *decider)
{
	PrincipalEntry *entry = decider->entry;

	decider->entry = NULL;
	if (entry != NULL)
		rbac_cache_unpin(entry);
}

/*
 * Whose rights count: the entry of the principal given, or the session's if
 * NULL, or none.
 */
static void
find_entry(Decider *decider, const pg_uuid_t *principal)
{
	PrincipalEntry *entry = NULL;
	Subject		subject;

	if (rbac_session_subject(principal, &subject))
	{
		TimestampTz now = rbac_instant();

		if (decider->entry != NULL &&
			memcmp(&decider->entry->principal->subject, &subject, sizeof(Subject)) == 0 &&
			rbac_cache_is_current(decider->entry, now))
			return;
		/* An entry that nobody holds can be brought up to date where it is. */
		if (!decider->for_rows)
			let_entry_go(decider);
		entry = rbac_cache_pin(&subject, now);
	}
	let_entry_go(decider);
	decider->entry = entry;
	decider->noted_piece = 0;
	forget_last(decider);
}

static Decider *
make_decider(FmgrInfo *function)
{
	Decider    *decider = MemoryContextAllocZero(function->fn_mcxt, sizeof(Decider));

	decider->for_rows = rbac_portal_runs(function->fn_mcxt);
	decider->release.func = release_decider;
	decider->release.arg = decider;
	MemoryContextRegisterResetCallback(function->fn_mcxt, &decider->release);
	function->fn_extra = decider;
	return decider;
}

/*
 * The state of a call: for the principal given, or the session's if NULL.
 */
Decider *
rbac_decider(FunctionCallInfo fcinfo, const pg_uuid_t *principal)
{
	Decider    *decider = fcinfo->flinfo->fn_extra;

	if (likely(decider != NULL && decider->piece == rbac_piece &&
			   decider->session_state == rbac_session_state()))
	{
		if (principal == NULL ||
			(decider->entry != NULL && rbac_uuid_equal(&decider->entry->principal->subject.who.id, principal)))
			return decider;
	}
	else
	{
		if (decider == NULL)
			decider = make_decider(fcinfo->flinfo);

		/* If what follows fails, the next call must not find it done. */
		decider->piece = 0;
		look_anew(decider);
	}
	find_entry(decider, principal);
	note_principal(decider);
	decider->session_state = rbac_session_state();
	decider->piece = decider->for_rows ? rbac_piece : 0;
	return decider;
}

/*
 * To the session's principal, whoever it asks about, roles of organizations of
 * others are unknown names.
 */
static void
refuse_unknown_name(const Decider *decider)
{
	Subject		subject;
	PrincipalEntry *entry;
	const char *name;

	if (!rbac_session_subject(NULL, &subject))
		return;
	entry = rbac_cache_pin(&subject, rbac_instant());
	name = rbac_principal_unknown_name(entry->principal, decider->names);
	rbac_cache_unpin(entry);
	if (name != NULL)
		rbac_unknown_name(decider->catalogue, name);
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

	if (likely(decider->names_settled))
		return;
	names = PG_GETARG_VARLENA_PP(argument);
	size = VARSIZE_ANY(names);
	if (decider->names == NULL || VARSIZE_ANY(decider->names_argument) != size ||
		memcmp(decider->names_argument, names, size) != 0)
	{
		forget_answers(decider);
		decider->names = NULL;
		decider->names_noted = false;
		decider->names_constant = rbac_argument_is_constant(fcinfo->flinfo, argument);
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
	if (!decider->names_noted && rbac_names_have_roles(decider->names))
		refuse_unknown_name(decider);
	if (!decider->names_noted && decider->relied_on && decider->entry != NULL)
		rbac_portal_note(decider->entry, RBAC_RELIES_ON_NAMES, decider->names);
	decider->names_noted = true;
	decider->names_settled = decider->names_constant;
}

/*
 * Note of the query that calls that its rows are owed to something beyond names.
 */
void
rbac_decider_rely_on(Decider *decider, RbacReliance reliance)
{
	if (decider->relied_on && decider->entry != NULL)
		rbac_portal_note(decider->entry, reliance, NULL);
}

/*
 * The part of rbac_holds() that is seldom needed
 */
bool
rbac_decider_judge(Decider *decider, uint32 number)
{
	const Verdict *verdict = decider->entry != NULL ? rbac_cache_numbered(decider->entry, number) : NULL;
	bool		holds = verdict != NULL && rbac_names_held(decider->catalogue, decider->names, verdict);
	uint32		room = decider->nanswers;

	if (number >= room)
	{
		room = Max(16, Max(2 * room, number + 1));
		decider->answers = decider->answers != NULL ?
			repalloc(decider->answers, room) :
			MemoryContextAlloc(GetMemoryChunkContext(decider), room);
		memset(decider->answers + decider->nanswers, RBAC_NOT_ASKED, room - decider->nanswers);
		decider->nanswers = room;
	}
	decider->answers[number] = holds ? RBAC_YES : RBAC_NO;
	return holds;
}

/*
 * The resource that a text stands for: one of a uuid's shape is its id, any other
 * its path.
 */
void
rbac_question_about(Question *question, const text *resource)
{
	const char *data = VARDATA_ANY(resource);
	int			length = VARSIZE_ANY_EXHDR(resource);

	if (rbac_is_uuid_shaped(data, length))
		question->id = DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(text_to_cstring(resource))));
	else
		question->path = rbac_path_parse(data, length, ERRCODE_INVALID_TEXT_REPRESENTATION, NULL);
}
