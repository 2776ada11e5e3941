/*-------------------------------------------------------------------------
 *
 * rbac_acting.c
 *	  For whom a session administers, as others can see it.
 *
 * Whoever is to lose access can hold that up: a change of the very rows, not
 * committed, in a transaction that is left open.  The call that ends the access
 * then waits, and the access lasts.
 *
 *		grace: BEGIN; SELECT rbac_revoke(grace, 'admin', 'acme.p');
 *		ann:		  SELECT rbac_revoke(grace, 'admin', 'acme.p');	-- waits
 *
 * To tell such a session from others, ann's has to see that it acts for grace,
 * which is a setting of the other backend's own.  So a session that administers
 * for a principal leaves a mark for as long as it can have locked anything for
 * it: a lock that conflicts with nothing, with the principal's id for its
 * object.  Like the locks of rows, it lasts until the end of the transaction or
 * is rolled back with its savepoint, and whoever prepares a transaction keeps
 * it.  Since nobody could end a transaction that is prepared, one in which a
 * principal has administered can't be.
 *
 * Here is also what a lock tells of who is in its way: whoever holds it, or
 * waits for it in a mode that conflicts, and whoever those wait for in their
 * turn.  All is read from the lock table at one moment, when the own session
 * has given up waiting.
 *
 * The marks are advisory locks of a class that pg_advisory_lock() can't name.
 * Their objects are hashes that all sessions agree on, so without a seed.  Ids
 * that tenants can choose are no principals'.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/procarray.h"
#include "utils/backend_status.h"

#include "compat.h"
#include "rbac_acting.h"

/* Of advisory locks: pg_advisory_lock() has 1 and 2, rbac_standing.c another */
#define LOCK_CLASS 0x5bb

/* How many an error names */
#define MAX_NAMED 10

/*
 * A session, or with the number 0 a prepared transaction
 */
typedef struct Obstacle
{
	int			pid;
	bool		holds;			/* rather than waits as well */
} Obstacle;

int			rbac_lock_wait = 3000;
bool		rbac_only_tries = false;

/* Has the current transaction administered for a principal? */
static bool acted = false;

static uint64
key_of(const pg_uuid_t *principal)
{
	return hash_bytes_extended(principal->data, UUID_LEN, 0);
}

/*
 * Note, for others to see, that this session acts for a principal until its
 * transaction or subtransaction ends.
 */
void
rbac_acting_note(const pg_uuid_t *principal)
{
	uint64		key = key_of(principal);
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (key >> 32), (uint32) key, LOCK_CLASS);
	(void) LockAcquire(&tag, AccessShareLock, false, true);
}

/*
 * Administration can hold others up, also where it is prepared.
 */
void
rbac_acting_begin(const pg_uuid_t *principal)
{
	rbac_acting_note(principal);
	acted = true;
}

bool
rbac_acting_has_begun(void)
{
	return acted;
}

/*
 * What was done since is rolled back, the mark included.
 */
void
rbac_acting_undo(bool had_begun)
{
	acted = had_begun;
}

static void
end_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_PREPARE && acted)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot PREPARE a transaction in which a principal has administered"),
				 errdetail("Whether the principal still may is judged at COMMIT, and nobody who loses access may hold that up."),
				 errhint("Use COMMIT, or let the operator do it without a principal.")));
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		acted = false;
}

void
rbac_acting_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
}

static bool
conflicts(LOCKMASK held, LOCKMODE mode)
{
	for (LOCKMODE other = 1; other <= MaxLockMode; other++)
	{
		if ((held & LOCKBIT_ON(other)) != 0 && DoLockModesConflict(other, mode))
			return true;
	}
	return false;
}

static void
add_obstacle(InTheWay *way, int pid, bool holds)
{
	for (int i = 0; i < way->count; i++)
	{
		if (way->each[i].pid == pid)
		{
			way->each[i].holds |= holds;
			return;
		}
	}
	way->each[way->count].pid = pid;
	way->each[way->count++].holds = holds;
}

/*
 * Add who is in the way of a lock itself.  Of those that wait it is not known
 * who stands behind, so all of them count.
 */
static void
add_obstacles(InTheWay *way, const LOCKTAG *tag, LOCKMODE mode)
{
	for (int i = 0; i < way->locks->nelements; i++)
	{
		const LockInstanceData *lock = &way->locks->locks[i];
		bool		holds;

		if (lock->pid == MyProcPid || memcmp(&lock->locktag, tag, sizeof(LOCKTAG)) != 0)
			continue;
		holds = conflicts(lock->holdMask, mode);
		if (holds || (lock->waitLockMode != NoLock && DoLockModesConflict(lock->waitLockMode, mode)))
			add_obstacle(way, lock->leaderPid, holds);
	}
}

/*
 * Who is in the way of whoever wants a lock in a mode?
 */
InTheWay *
rbac_in_the_way(const LOCKTAG *tag, LOCKMODE mode)
{
	InTheWay   *way = palloc0(sizeof(InTheWay));

	way->locks = GetLockStatusData();
	/* One obstacle for each lock is more than there can be. */
	way->each = palloc((way->locks->nelements + 1) * sizeof(Obstacle));
	add_obstacles(way, tag, mode);
	for (int next = 0; next < way->count; next++)
	{
		for (int i = 0; i < way->locks->nelements; i++)
		{
			const LockInstanceData *lock = &way->locks->locks[i];

			if (lock->leaderPid == way->each[next].pid && lock->waitLockMode != NoLock)
				add_obstacles(way, &lock->locktag, lock->waitLockMode);
		}
	}
	return way;
}

static bool
is_mark_of(const LockInstanceData *lock, int pid)
{
	return lock->locktag.locktag_type == LOCKTAG_ADVISORY &&
		lock->locktag.locktag_field1 == MyDatabaseId &&
		lock->locktag.locktag_field4 == LOCK_CLASS &&
		lock->leaderPid == pid && lock->holdMask != 0;
}

/*
 * Does a session act for one of some principals?
 */
static bool
acts_for(const LockData *locks, int pid, const pg_uuid_t *principals, int count)
{
	for (int i = 0; i < locks->nelements; i++)
	{
		const LOCKTAG *tag = &locks->locks[i].locktag;

		if (!is_mark_of(&locks->locks[i], pid))
			continue;
		for (int j = 0; j < count; j++)
		{
			if (key_of(&principals[j]) == ((uint64) tag->locktag_field2 << 32 | tag->locktag_field3))
				return true;
		}
	}
	return false;
}

static bool
terminate(int pid)
{
	if (BackendPidGetProc(pid) == NULL)
		return false;
#ifdef HAVE_SETSID
	return kill(-pid, SIGTERM) == 0;
#else
	return kill(pid, SIGTERM) == 0;
#endif
}

/*
 * Does any session in the way act for anybody?
 */
bool
rbac_acts_for_somebody(const InTheWay *way)
{
	for (int i = 0; i < way->count; i++)
	{
		for (int j = 0; j < way->locks->nelements; j++)
		{
			if (way->each[i].pid != 0 && is_mark_of(&way->locks->locks[j], way->each[i].pid))
				return true;
		}
	}
	return false;
}

/*
 * End the sessions in the way that act for one of some principals; how many.
 * It is for the caller to have found that they may be ended.
 */
int
rbac_end_who_acts_for(const InTheWay *way, const pg_uuid_t *principals, int count)
{
	int			ended = 0;

	for (int i = 0; i < way->count; i++)
	{
		int			pid = way->each[i].pid;

		if (pid == 0 || !acts_for(way->locks, pid, principals, count))
			continue;
		ereport(LOG,
				(errmsg("ending process %d, which holds up that the principal it acts for loses access", pid)));
		if (terminate(pid))
			ended++;
	}
	return ended;
}

/*
 * Append a session's number, and by what it can be known
 */
static void
append_session(StringInfo names, int pid)
{
	int			count = pgstat_fetch_stat_numbackends();

	appendStringInfo(names, "process %d", pid);
	for (int i = 1; i <= count; i++)
	{
		const LocalPgBackendStatus *shown = rbac_shown_backend(i);

		if (shown != NULL && shown->backendStatus.st_procpid == pid && OidIsValid(shown->backendStatus.st_userid))
			appendStringInfo(names, " of role \"%s\" (application \"%s\")",
							 GetUserNameFromId(shown->backendStatus.st_userid, true), shown->backendStatus.st_appname);
	}
}

/*
 * Who holds what is in the way, for an error's detail
 */
const char *
rbac_names_in_the_way(const InTheWay *way)
{
	StringInfoData names;
	int			named = 0;

	initStringInfo(&names);
	for (int i = 0; i < way->count && named <= MAX_NAMED; i++)
	{
		if (!way->each[i].holds)
			continue;
		appendStringInfoString(&names, named > 0 ? ", " : "");
		if (named++ == MAX_NAMED)
			appendStringInfoString(&names, "and others");
		else if (way->each[i].pid == 0)
			appendStringInfoString(&names, "a prepared transaction");
		else
			append_session(&names, way->each[i].pid);
	}
	return named > 0 ? names.data : "sessions that have ended";
}
