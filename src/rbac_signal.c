/*-------------------------------------------------------------------------
 *
 * rbac_signal.c
 *	  What changed: sending and counting.
 *
 * Every change of a table that decisions read sends a relation cache message.
 * PostgreSQL takes the message to every backend once the transaction commits,
 * and to this one at the end of the command.
 *
 * Whoever accepts messages runs the callback below.  That can be in the middle
 * of anything, also where no transaction is, so the callback counts and does
 * nothing else.  Whatever keeps something that it has read from the tables
 * notes the generation after it has locked them and before it takes its
 * snapshot, and compares later: see rbac_tables.c for the order.
 *
 * What such a message carries is an OID.  Those about everything and about the
 * catalogue carry the OID of an empty table that is kept for the purpose.  Those
 * about one fact, say one principal's grants, carry a hash with the highest bit
 * set (SignalKey).  Where there is a relation of that OID, it is merely looked
 * up again by whoever uses it; and a message about such a relation is taken for
 * one about a fact, which is as harmless.
 *
 * When which fact was last touched is remembered in a table of fixed size.  Of
 * two facts that meet in one place of it the later stays, and the earlier one is
 * taken to have been touched with it; so are all others that belong there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "storage/sinval.h"
#include "utils/inval.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "rbac_signal.h"

PG_FUNCTION_INFO_V1(rbac_signal_change);

#define KEY_BIT			((SignalKey) 1 << 31)

/* A command that touches more facts than this sends that everything is touched. */
#define MAX_KEYS		32

/* A power of two */
#define TOUCHED_SLOTS	2048

typedef struct TouchedSlot
{
	SignalKey	key;			/* touched last, in this place */
	uint64		generation;		/* when */
	uint64		others;			/* when the last before it was that had another key */
} TouchedSlot;

uint64		rbac_generation = 1;
uint64		rbac_catalogue_generation = 1;
RowWatcher	rbac_signal_watcher = NULL;

static TouchedSlot touched[TOUCHED_SLOTS];
static uint64 everything_touched = 0;	/* in which generation */

/*
 * What this command has told: it need not tell that again.  A command of another
 * subtransaction has to, since PostgreSQL keeps the messages of each apart.
 */
static struct
{
	SubTransactionId subtransaction;
	CommandId	command;
	int			count;
	Oid			oids[MAX_KEYS + 2];	/* and everything, and the catalogue */
}			told = {.subtransaction = InvalidSubTransactionId};

/*
 * The depth of subtransactions to which something was sent and not yet rolled
 * back, or a depth above it.
 */
static int	sent_level = 0;

/*
 * How often others have changed something.  What this transaction changes comes
 * to the same callback, at the end of each command; but of what others send
 * PostgreSQL counts every message before it is handled.
 */
static uint64	   news = 0;
static uint64	   messages_received = 0;

static TimestampTz catalogue_changed_in = 0; /* start of the last such transaction */

SignalKey
rbac_signal_key(RbacFact fact, const pg_uuid_t *about)
{
	return hash_combine(hash_bytes(about->data, UUID_LEN), murmurhash32(fact)) | KEY_BIT;
}

static void
touch(SignalKey key)
{
	TouchedSlot *slot = &touched[key % TOUCHED_SLOTS];

	if (slot->key != key)
		slot->others = slot->generation;
	slot->key = key;
	slot->generation = ++rbac_generation;
}

static void
touch_everything(void)
{
	everything_touched = ++rbac_generation;
}

/*
 * Has none of some facts changed since a generation?  With no keys: not
 * everything, either.
 */
bool
rbac_signal_is_untouched(const SignalKey *keys, int nkeys, uint64 since)
{
	if (since == rbac_generation)
		return true;
	if (everything_touched > since)
		return false;
	for (int i = 0; i < nkeys; i++)
	{
		const TouchedSlot *slot = &touched[keys[i] % TOUCHED_SLOTS];

		if ((slot->key == keys[i] ? slot->generation : slot->others) > since)
			return false;
	}
	return true;
}

/*
 * Relation cache callback: count, nothing else.
 */
static void
relcache_changed(Datum arg, Oid relid)
{
	RbacChange	change = rbac_tables_change(relid);

	if (change == RBAC_CHANGE_NONE && (relid & KEY_BIT) == 0)
		return;
	if (messages_received != SharedInvalidMessageCounter)
	{
		messages_received = SharedInvalidMessageCounter;
		news++;
	}
	switch (change)
	{
		case RBAC_CHANGE_NONE:
			touch(relid);
			break;
		case RBAC_CHANGE_ALL:
			rbac_tables_forget();
			pg_fallthrough;
		case RBAC_CHANGE_CATALOGUE:
			rbac_catalogue_generation++;
			pg_fallthrough;
		case RBAC_CHANGE_FACTS:
			touch_everything();
			break;
	}
}

/*
 * What was sent to a subtransaction is rolled back, or is its parent's now.
 *
 * PostgreSQL repeats at a rollback those messages that it has handed out in this
 * backend.  Some can have been kept back that others have overtaken: in the
 * middle of a command, in a savepoint that has sent some of its own.  What was
 * read there could be of rows that are rolled back.  Hence everything.
 */
static void
leave_level(int level, bool rolled_back)
{
	if (sent_level < level)
		return;
	sent_level = level - 1;
	if (rolled_back)
		touch_everything();
}

static void
transaction_ended(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_PREPARE && event != XACT_EVENT_ABORT)
		return;
	leave_level(1, event != XACT_EVENT_COMMIT);
	told.subtransaction = InvalidSubTransactionId;
}

static void
subtransaction_ended(SubXactEvent event, SubTransactionId self, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_COMMIT_SUB || event == SUBXACT_EVENT_ABORT_SUB)
		leave_level(GetCurrentTransactionNestLevel(), event == SUBXACT_EVENT_ABORT_SUB);
}

void
rbac_signal_init(void)
{
	CacheRegisterRelcacheCallback(relcache_changed, (Datum) 0);
	RegisterXactCallback(transaction_ended, NULL);
	RegisterSubXactCallback(subtransaction_ended, NULL);
}

/*
 * Has this command told of something?  If not, it has to, now.
 */
static bool
has_told(Oid what)
{
	if (told.subtransaction != GetCurrentSubTransactionId() || told.command != GetCurrentCommandId(false))
	{
		told.subtransaction = GetCurrentSubTransactionId();
		told.command = GetCurrentCommandId(false);
		told.count = 0;
	}
	for (int i = 0; i < told.count; i++)
	{
		if (told.oids[i] == what)
			return true;
	}
	return false;
}

static void
remember_told(Oid what)
{
	told.oids[told.count++] = what;
	sent_level = Max(sent_level, GetCurrentTransactionNestLevel());
}

static void
send_signal(RbacTable signal)
{
	Oid			table = rbac_table_oid(signal);

	if (has_told(table))
		return;
	CacheInvalidateRelcacheByRelid(table);
	remember_told(table);
	if (signal == RBAC_TABLE_CATALOGUE_SIGNAL)
		catalogue_changed_in = GetCurrentTransactionStartTimestamp();
}

/*
 * PostgreSQL sends a message about the relation that a row of pg_class is of.  It
 * reads two columns of the row, and asks for no table.
 */
static void
send_key(SignalKey key)
{
	union
	{
		HeapTupleHeaderData header;
		char		data[MAXALIGN(SizeofHeapTupleHeader) + sizeof(FormData_pg_class)];
		int64		aligned;
	}			row = {0};
	HeapTupleData tuple = {.t_len = sizeof(row), .t_data = &row.header};
	Form_pg_class form;

	row.header.t_hoff = MAXALIGN(SizeofHeapTupleHeader);
	form = (Form_pg_class) GETSTRUCT(&tuple);
	form->oid = key;
	form->relisshared = false;
	CacheInvalidateRelcacheByTuple(&tuple);
	remember_told(key);
}

static void
send_fact(Relation rel, HeapTuple row)
{
	pg_uuid_t	about;
	RbacFact	fact = rbac_tables_fact(rel, row, &about);
	SignalKey	key;

	if (has_told(rbac_table_oid(RBAC_TABLE_FACTS_SIGNAL)))
		return;
	key = fact != RBAC_FACT_ANY ? rbac_signal_key(fact, &about) : 0;
	if (fact == RBAC_FACT_ANY || (!has_told(key) && told.count >= MAX_KEYS))
		send_signal(RBAC_TABLE_FACTS_SIGNAL);
	else if (!has_told(key))
		send_key(key);
}

/*
 * A number that is the same for as long as no other transaction changes
 * anything that decisions read, as far as this backend has been told.  It can
 * differ for other reasons.
 */
uint64
rbac_signal_news(void)
{
	messages_received = SharedInvalidMessageCounter;
	return news;
}

/*
 * Has this transaction changed the catalogue itself?  It can be said of one
 * that began at the same instant as another.
 */
bool
rbac_signal_changed_catalogue(void)
{
	return catalogue_changed_in == GetCurrentTransactionStartTimestamp();
}

static void
tell_watcher(TriggerData *trigger)
{
	TriggerEvent event = trigger->tg_event;

	if (!TRIGGER_FIRED_FOR_ROW(event))
		rbac_signal_watcher(trigger->tg_relation, NULL, NULL);
	else if (TRIGGER_FIRED_AFTER(event))
		rbac_signal_watcher(trigger->tg_relation,
							TRIGGER_FIRED_BY_INSERT(event) ? NULL : trigger->tg_trigtuple,
							TRIGGER_FIRED_BY_UPDATE(event) ? trigger->tg_newtuple :
							(TRIGGER_FIRED_BY_INSERT(event) ? trigger->tg_trigtuple : NULL));
}

static Datum
row_of(TriggerData *trigger)
{
	if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		return PointerGetDatum(NULL);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple);
}

/*
 * aiven_rbac.signal_change() → trigger, statement or row
 *
 * Tells every session, this one included, that what it has cached of what a row
 * states is old: when the transaction commits, and this one at the end of the
 * command.  With an argument it says so of the catalogue; for a statement, of
 * everything.
 *
 * It is given before a row is changed, and after the statement.  Between the two
 * functions can run, and cache what is there; and the statement can fail.
 */
Datum
rbac_signal_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "signal_change was not called as a trigger");
	if (trigger->tg_trigger->tgnargs > 0)
		send_signal(RBAC_TABLE_CATALOGUE_SIGNAL);
	else if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		send_signal(RBAC_TABLE_FACTS_SIGNAL);
	else
	{
		send_fact(trigger->tg_relation, trigger->tg_trigtuple);
		if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
			send_fact(trigger->tg_relation, trigger->tg_newtuple);
	}
	if (rbac_signal_watcher != NULL)
		tell_watcher(trigger);
	return row_of(trigger);
}
