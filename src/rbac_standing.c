/*-------------------------------------------------------------------------
 *
 * rbac_standing.c
 *	  Whether who handed something out may still do so at COMMIT.
 *
 * A call that hands something out asks whether the session's principal holds
 * all of it, and writes its rows.  Until COMMIT nobody else sees them.  If the
 * principal is removed from the organization meanwhile, whoever removes it sees
 * nothing to revoke, and the rows would appear afterwards:
 *
 *		grace: BEGIN; SELECT rbac_grant(frank, 'admin', 'acme.p');
 *		ann:          SELECT rbac_member_remove('acme', grace);
 *		grace: COMMIT;								-- fails
 *
 * So whatever passed for a principal is noted (rbac_standing_note()) and judged
 * again at COMMIT, after all deferred triggers, where no SET CONSTRAINTS brings
 * it forward.
 *
 * To judge late is not enough, since access can be taken away between the
 * judgement and the end of the commit.  One of the two has to come first for
 * good.  Therefore both take locks just before they commit, and keep them until
 * they have.  Who hands out locks the organization and the principal that acts;
 * who takes away locks the organizations and principals that lose by it (row
 * triggers tell, on every write path).  The two sorts of lock conflict, and
 * neither with its own kind: grants do not wait for grants, nor revocations for
 * revocations, and organizations have nothing to do with each other.  The locks
 * are taken in one order everywhere, at a moment at which no other lock remains
 * to be waited for, so that they make no deadlock.  Whoever comes second judges
 * what the first has committed: its snapshot is younger than its lock.
 *
 *							  each of them	all of them
 *		who hands out			Share		Exclusive
 *		who takes away			RowExclusive	AccessExclusive
 *		both				ShareRowExclusive
 *
 * The last column is for transactions that concern very many, or the catalogue
 * that all organizations share: those lock one more object, and the others lock
 * it, too, in a mode that conflicts with nothing else (AccessShare, RowShare).
 * The objects are advisory locks of a class that pg_advisory_lock() can't name.
 *
 * What is judged is what others have committed by now, together with what this
 * transaction had itself changed by the time of the call, and no more.  With
 * later changes of its own a principal could hand out by what it has itself
 * just handed out; and whoever hands everything over to a successor and then
 * leaves, in one transaction, would be refused.
 *
 * Nothing is read again where no message has come since the call, which is the
 * rule: whoever takes something away has sent its messages before it lets go of
 * its locks.
 *
 * Transactions in which a principal has administered can't be prepared
 * (rbac_acting.c).  What they hand out would be committed without any judgement.
 * Those of the operator can; then they keep their locks until they end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "rbac_signal.h"
#include "rbac_standing.h"

PG_FUNCTION_INFO_V1(rbac_note_loss);

/* Of advisory locks: pg_advisory_lock() has the classes 1 and 2 */
#define LOCK_CLASS 0x5ba

/* How long to wait for somebody's lock, in milliseconds */
#define WAIT_BOUND 10000

/* Who concerns more organizations and principals than this concerns all. */
#define MAX_PARTIES 64

/*
 * What was noted, and how things were then
 */
typedef struct Noted
{
	Standing	standing;
	CommandId	command;		/* of this transaction, not yet carried out */
	uint64		news;			/* that the answer took into account */
	TimestampTz	valid_until;	/* no period begins or ends before */
	int			level;			/* of the subtransaction */
} Noted;

/*
 * Organizations and principals that a transaction concerns
 */
typedef struct Parties
{
	bool		all;
	int			count;
	pg_uuid_t	each[MAX_PARTIES];
} Parties;

/*
 * A lock to take
 */
typedef struct Meeting
{
	uint64		key;
	LOCKMODE	mode;
} Meeting;

/* Of the current transaction; the notes by their standing, and in order */
static HTAB *standings = NULL;
static Noted **notes = NULL;
static int	nnotes = 0;
static int	room = 0;
static Parties losers;

/*
 * Note that a principal was found to hold what it hands out.  "news" is what
 * rbac_signal_news() told before the question was asked, and the answer holds
 * until "valid_until" unless something changes.
 */
void
rbac_standing_note(const Standing *standing, uint64 news, TimestampTz valid_until)
{
	Noted	   *noted;
	bool		found;

	if (standings == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Standing),
						   .entrysize = sizeof(Noted),
						   .hcxt = TopTransactionContext};

		room = 16;
		notes = MemoryContextAlloc(TopTransactionContext, room * sizeof(Noted *));
		standings = hash_create("rbac standings", room, &control,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	/* Nothing fails between the two places where a note stands. */
	if (nnotes == room)
	{
		notes = repalloc_huge(notes, 2 * (Size) room * sizeof(Noted *));
		room *= 2;
	}

	/* An earlier note of the same will do: it is rolled back with this one. */
	noted = hash_search(standings, standing, HASH_ENTER, &found);
	if (found)
		return;
	noted->command = GetCurrentCommandId(false);
	noted->news = news;
	noted->valid_until = valid_until;
	noted->level = GetCurrentTransactionNestLevel();
	notes[nnotes++] = noted;
}

static void
add_party(Parties *parties, const pg_uuid_t *id)
{
	/* The nil uuid stands for all organizations. */
	if (parties->all || rbac_uuid_is_nil(id))
	{
		parties->all = true;
		return;
	}
	for (int i = parties->count - 1; i >= 0; i--)
	{
		if (rbac_uuid_equal(&parties->each[i], id))
			return;
	}
	if (parties->count == MAX_PARTIES)
		parties->all = true;
	else
		parties->each[parties->count++] = *id;
}

/*
 * The organization of a role or permission loses by a change of what that
 * gives.  One that is not there any more is being deleted, and its own row
 * tells.
 */
static void
add_organization_of_grantable(const pg_uuid_t *id)
{
	Catalogue  *catalogue = rbac_catalogue_acquire();
	const Grantable *grantable = rbac_grantable_by_id(catalogue, id);

	if (grantable != NULL)
		add_party(&losers, &grantable->organization);
	rbac_catalogue_release(catalogue);
}

static void
add_loser(TriggerData *trigger, HeapTuple row, const char *column)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	int			number = SPI_fnumber(desc, column);
	bool		isnull;
	Datum		value;

	if (number <= 0)
		elog(ERROR, "table \"%s\" has no column \"%s\"",
			 RelationGetRelationName(trigger->tg_relation), column);
	value = heap_getattr(row, number, desc, &isnull);
	if (isnull)
		return;
	if (strcmp(column, "grantable") == 0)
		add_organization_of_grantable(DatumGetUUIDP(value));
	else
		add_party(&losers, DatumGetUUIDP(value));
}

/*
 * aiven_rbac.note_loss(column, ...) → trigger
 *
 * Somebody loses by the change of a row: who is in the columns named.  Without
 * any, everybody does.
 */
Datum
rbac_note_loss(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "note_loss was not called as a trigger");
	if (trigger->tg_trigger->tgnargs == 0)
		losers.all = true;
	for (int i = 0; i < trigger->tg_trigger->tgnargs; i++)
	{
		add_loser(trigger, trigger->tg_trigtuple, trigger->tg_trigger->tgargs[i]);
		if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
			add_loser(trigger, trigger->tg_newtuple, trigger->tg_trigger->tgargs[i]);
	}
	return PointerGetDatum(NULL);
}

static void
fail_at_bound(const LOCKTAG *tag, LOCKMODE mode)
{
	StringInfoData who;
	int			count;
	VirtualTransactionId *in_the_way = GetLockConflicts(tag, mode, &count);

	initStringInfo(&who);
	for (int i = 0; i < count; i++)
	{
		int			pid = rbac_pid_of_transaction(in_the_way[i]);

		if (i > 0)
			appendStringInfoString(&who, ", ");
		if (pid != 0)
			appendStringInfo(&who, "process %d", pid);
		else
			appendStringInfoString(&who, "a prepared transaction");
	}
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("could not commit while access of the same organization is changing"),
			 errdetail("In the way: %s.", count > 0 ? who.data : "sessions that have ended"),
			 errhint("Try the transaction again once those have ended.")));
}

/*
 * Wait for a lock, for a bounded time.
 */
static void
wait_for(const LOCKTAG *tag, LOCKMODE mode)
{
	int			timeout = LockTimeout;
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		LockTimeout = timeout > 0 ? Min(timeout, WAIT_BOUND) : WAIT_BOUND;
		(void) LockAcquire(tag, mode, false, false);
		LockTimeout = timeout;
	}
	PG_CATCH();
	{
		LockTimeout = timeout;
		if (geterrcode() != ERRCODE_LOCK_NOT_AVAILABLE)
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		fail_at_bound(tag, mode);
	}
	PG_END_TRY();
}

static void
take_lock(uint64 key, LOCKMODE mode)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (key >> 32), (uint32) key, LOCK_CLASS);
	if (LockAcquire(&tag, mode, false, true) == LOCKACQUIRE_NOT_AVAIL)
		wait_for(&tag, mode);
}

static int
compare_meetings(const void *a, const void *b)
{
	uint64		left = ((const Meeting *) a)->key;
	uint64		right = ((const Meeting *) b)->key;

	return (left > right) - (left < right);
}

static int
add_meetings(Meeting *meetings, int count, const Parties *parties, LOCKMODE mode)
{
	if (parties->all)
		return count;
	for (int i = 0; i < parties->count; i++)
	{
		meetings[count].key = hash_bytes_extended(parties->each[i].data, UUID_LEN, 0);
		meetings[count].mode = mode;
		count++;
	}
	return count;
}

static LOCKMODE
mode_for_all(const Parties *parties, LOCKMODE each, LOCKMODE all)
{
	return parties->all ? all : (parties->count > 0 ? each : NoLock);
}

/*
 * Meet those who take away what is handed out here, and those who hand out what
 * is taken away here.
 */
static void
meet(const Parties *givers)
{
	Meeting		meetings[2 * MAX_PARTIES];
	int			count = add_meetings(meetings, 0, givers, ShareLock);

	take_lock(0, Max(mode_for_all(givers, AccessShareLock, ExclusiveLock), mode_for_all(&losers, RowShareLock, AccessExclusiveLock)));
	count = add_meetings(meetings, count, &losers, RowExclusiveLock);
	qsort(meetings, count, sizeof(Meeting), compare_meetings);
	for (int i = 0; i < count; i++)
	{
		LOCKMODE	mode = meetings[i].mode;

		for (; i + 1 < count && meetings[i + 1].key == meetings[i].key; i++)
		{
			if (meetings[i + 1].mode != mode)
				mode = ShareRowExclusiveLock;
		}
		take_lock(meetings[i].key, mode);
	}
}

static void
find_givers(Parties *givers)
{
	givers->all = false;
	givers->count = 0;
	for (int i = 0; i < nnotes && !givers->all; i++)
	{
		add_party(givers, &notes[i]->standing.organization);
		add_party(givers, &notes[i]->standing.subject.who.id);
	}
}

static char *
names_of(const ActionSet *actions, const Catalogue *catalogue)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < RBAC_MAX_ACTIONS; i++)
	{
		if (action_set_has(actions, i) && catalogue->actions[i].name != NULL)
			appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", catalogue->actions[i].name);
	}
	return names.data;
}

/*
 * Does an organization manage a user, as far as the view tells?
 */
static bool
is_managed(const pg_uuid_t *user, const pg_uuid_t *organization, TableView *view)
{
	Oid			types[] = {UUIDOID};
	Oid			function = LookupFuncName(list_make2(makeString("aiven_rbac"), makeString("managed_by")),
										  lengthof(types), types, false);
	LOCAL_FCINFO(call, 1);
	FmgrInfo	managed_by;
	Datum		manager;

	fmgr_info(function, &managed_by);
	InitFunctionCallInfoData(*call, &managed_by, 1, InvalidOid, NULL, NULL);
	call->args[0].value = UUIDPGetDatum(user);
	call->args[0].isnull = false;
	PushActiveSnapshot(view->snapshot);
	manager = FunctionCallInvoke(call);
	PopActiveSnapshot();
	return !call->isnull && rbac_uuid_equal(DatumGetUUIDP(manager), organization);
}

/*
 * Is the principal who it was, and the user still its organization's to manage?
 */
static bool
is_same(const Standing *standing, TableView *view)
{
	pg_uuid_t	mapped;

	if (OidIsValid(standing->role) &&
		!(rbac_tables_role_principal(view, standing->role, &mapped) &&
		  rbac_uuid_equal(&mapped, &standing->subject.who.id)))
		return false;
	return rbac_uuid_is_nil(&standing->managed) ||
		is_managed(&standing->managed, &standing->organization, view);
}

/*
 * Does the principal still hold what it needs, as far as the view tells?
 */
static void
judge(const Standing *standing, TableView *view, const Principal *principal, TimestampTz now)
{
	ResourceRow	resource;
	ActionSet	missing = standing->actions;

	if (standing->until > DT_NOBEGIN && standing->until <= now)
		return;					/* What was handed out is over. */

	/*
	 * Grants end with their resource, and those that can be handed on where it
	 * stands end when it moves to another organization.  A call that leaves one
	 * behind even then holds the resource.
	 */
	if (!rbac_tables_resource(view, &standing->resource, &resource) ||
		!rbac_uuid_equal(&resource.organization, &standing->organization))
		return;
	if (is_same(standing, view))
		missing = rbac_principal_lacks(principal, &resource, &standing->actions,
									   Max(standing->from, now), standing->until);
	if (action_set_is_empty(&missing))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to commit what is handed out on \"%s\"",
					rbac_path_text(RBAC_PATH_DATA(resource.path), RBAC_PATH_LEN(resource.path))),
			 errdetail("The principal that hands it out has meanwhile lost there: %s.",
					   names_of(&missing, principal->catalogue)),
			 errhint("Ask somebody who holds it, such as a super admin of the organization.")));
}

/*
 * Has nothing happened since that could have changed the answer?  Nobody is told
 * of changes of domains.
 */
static bool
still_holds(const Noted *noted, uint64 news, TimestampTz now)
{
	return noted->news == news && now < noted->valid_until && rbac_uuid_is_nil(&noted->standing.managed);
}

/*
 * Judge notes of one subject and one command, of which the first is due.
 */
static void
judge_alike(Noted **alike, int count, uint64 news, TimestampTz now)
{
	uint64		tables = rbac_tables_read_for(RBAC_FOR_PRINCIPALS | RBAC_FOR_CATALOGUE);
	Catalogue  *catalogue;
	TableView	view;

	rbac_tables_lock(&view, tables | RBAC_TABLE_BIT(RBAC_TABLE_DATABASE_ROLE));
	rbac_tables_look_before(&view, alike[0]->command);
	catalogue = rbac_signal_changed_catalogue() ? rbac_catalogue_read(&view) : rbac_catalogue_acquire();
	PG_TRY();
	{
		Principal  *principal = rbac_principal_load(&view, &alike[0]->standing.subject, now, catalogue);

		rbac_principal_locate(&view, principal, NULL, NULL);
		for (int i = 0; i < count; i++)
		{
			if (!still_holds(alike[i], news, now))
				judge(&alike[i]->standing, &view, principal, now);
		}
	}
	PG_FINALLY();
	{
		rbac_catalogue_release(catalogue);
	}
	PG_END_TRY();
	rbac_tables_close(&view);
}

static bool
are_alike(const Noted *a, const Noted *b)
{
	return a->command == b->command &&
		memcmp(&a->standing.subject, &b->standing.subject, sizeof(Subject)) == 0;
}

/*
 * Judge all notes by what is committed now.
 */
static void
judge_again(void)
{
	TimestampTz	now = GetCurrentTimestamp();
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "rbac standing",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	uint64		news;
	int			end;

	AcceptInvalidationMessages();
	news = rbac_signal_news();
	for (int i = 0; i < nnotes; i = end)
	{
		end = i + 1;
		if (still_holds(notes[i], news, now))
			continue;
		CHECK_FOR_INTERRUPTS();
		while (end < nnotes && are_alike(notes[i], notes[end]))
			end++;
		judge_alike(&notes[i], end - i, news, now);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/*
 * Would this transaction be refused, if it ended here?
 */
void
rbac_standing_judge(void)
{
	/* The extension may have been dropped, with all that was handed out. */
	if (nnotes > 0 && OidIsValid(rbac_schema_oid()))
		judge_again();
}

/*
 * All other work of the transaction is done, what its deferred triggers do
 * included.
 */
static void
before_commit(void)
{
	Parties		givers;

	if (nnotes == 0 && losers.count == 0 && !losers.all)
		return;
	find_givers(&givers);
	meet(&givers);
	rbac_standing_judge();
}

/*
 * Who loses by this transaction so far, to be put back after what comes next has
 * been rolled back.
 */
void *
rbac_standing_losers(void)
{
	Parties    *result = palloc(sizeof(Parties));

	*result = losers;
	return result;
}

void
rbac_standing_put_losers_back(const void *before)
{
	losers = *(const Parties *) before;
}

static void
forget(void)
{
	standings = NULL;
	notes = NULL;
	nnotes = 0;
	losers.all = false;
	losers.count = 0;
}

static void
end_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			before_commit();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			forget();
			break;
		default: /* Parallel workers hand out nothing. */
			break;
	}
}

/*
 * Notes go with the subtransaction that made them, or become its parent's.  Who
 * lost by what is rolled back is met for nothing.
 */
static void
end_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	int			level = GetCurrentTransactionNestLevel();

	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		while (nnotes > 0 && notes[nnotes - 1]->level >= level)
			hash_search(standings, &notes[--nnotes]->standing, HASH_REMOVE, NULL);
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		for (int i = nnotes - 1; i >= 0 && notes[i]->level >= level; i--)
			notes[i]->level = level - 1;
	}
}

void
rbac_standing_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
}
