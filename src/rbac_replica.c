/*-------------------------------------------------------------------------
 *
 * rbac_replica.c
 *	  How old a replica may be that decides.
 *
 * A standby whose connection is cut, or whose replay is paused, goes on answering
 * by what it has, and a right that was revoked stays there for as long.  With
 * aiven_rbac.max_replica_delay, what would be decided by older tables is an
 * error.  (It is no denial: a denial is an answer, which can be wrong as well, as
 * where a policy lets rows be seen that somebody may not see otherwise.)
 *
 * A standby is current as of the latest of these moments:
 *
 * - when it last heard from the server that it streams from, if it has replayed
 *   all that there was by then.  So an idle primary is no delay.  It is heard of
 *   at least each half of wal_receiver_timeout;
 * - the time of the last COMMIT or ROLLBACK that it has replayed, by the clock of
 *   the primary.  So a standby that catches up after an outage is as old as what
 *   it replays, though it hears from the primary all the time.
 *
 * Whatever is known to be missing could have been committed right after those,
 * so that nothing better can be said.  What happens after a pause is an example:
 * the last COMMIT is old, and while the first new one is on its way, so would be
 * the standby.  Where replay keeps pace, so little is missing that it is waited
 * for (CATCH_UP_US).
 *
 * A subscriber is current as of the last message in which the authority has said
 * that there is nothing left (rbac_subscriber.c).
 *
 * When a receiver of the log starts, PostgreSQL notes that moment as if it had
 * heard something, and a receiver that finds nobody starts again and again.  A
 * message that took no time at all therefore is none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "access/xlog.h"
#include "miscadmin.h"
#include "replication/walreceiver.h"
#include "storage/spin.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "rbac_replica.h"
#include "rbac_subscriber.h"

#define SETTING_NAME	"aiven_rbac.max_replica_delay"

/* What a session has that has hidden the value which it was to have */
#define STRICTEST		"1"

/* How long is waited for the last bit, and how long between two looks */
#define CATCH_UP_US		(100 * 1000L)
#define LOOK_US			1000L

int			rbac_max_replica_delay = 0;

/*
 * What this standby has replayed is all that was committed by when?  Also tells
 * whether more is known to exist.
 */
static TimestampTz
current_as_of(bool *is_behind)
{
	TimestampTz heard;
	TimestampTz sent;
	XLogRecPtr	end;
	TimestampTz committed;

	/* First how much there is, and then how much of it is here */
	SpinLockAcquire(&WalRcv->mutex);
	heard = WalRcv->lastMsgReceiptTime;
	sent = WalRcv->lastMsgSendTime;
	end = WalRcv->latestWalEnd;
	SpinLockRelease(&WalRcv->mutex);
	*is_behind = GetXLogReplayRecPtr(NULL) < end;

	committed = GetLatestXTime();
	return *is_behind || sent == heard ? committed : Max(heard, committed);
}

/*
 * Has replay kept pace until a moment ago, so that what is missing can be here in
 * another?
 */
static bool
keeps_pace(TimestampTz now, int64 limit)
{
	TimestampTz since = GetCurrentChunkReplayStartTime();

	return since != 0 && now - since <= limit;
}

static void
refuse(TimestampTz now, TimestampTz as_of)
{
	bool		standby = RecoveryInProgress();

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("this %s may not know what has changed", standby ? "replica" : "subscriber"),
			 as_of == 0 ?
			 errdetail("It has heard nothing from the server that it replicates, and aiven_rbac.max_replica_delay is %d ms.",
					   rbac_max_replica_delay) :
			 errdetail("It was current %lld ms ago, and aiven_rbac.max_replica_delay is %d ms.",
					   (long long) ((now - as_of) / 1000), rbac_max_replica_delay),
			 standby ?
			 errhint("Ask the primary, or try again when the replica has caught up.") :
			 errhint("Ask the authority, or try again when the subscriber has caught up.")));
}

/*
 * Is it a standby, or a subscriber?  What a standby of a subscriber has replayed
 * is judged as that of any other.
 */
static TimestampTz
replica_as_of(bool *is_behind)
{
	if (RecoveryInProgress())
		return current_as_of(is_behind);
	*is_behind = false;
	return rbac_subscriber_current_as_of();
}

void
rbac_replica_require_current(void)
{
	static TimestampTz known = 0;	/* it was current as of then */
	int64		limit = rbac_max_replica_delay * INT64CONST(1000);
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz deadline = now + CATCH_UP_US;
	bool		is_behind;

	if (now - known <= limit || !(RecoveryInProgress() || rbac_is_subscriber()))
		return;
	for (;;)
	{
		TimestampTz as_of = replica_as_of(&is_behind);

		now = GetCurrentTimestamp();
		/* The primary's clock may be fast. */
		known = Max(known, Min(as_of, now));
		if (now - known <= limit)
			return;
		if (!is_behind || now >= deadline || !keeps_pace(now, limit))
			refuse(now, known);
		CHECK_FOR_INTERRUPTS();
		pg_usleep(LOOK_US);
	}
}

/*
 * Until the library is loaded, a role that is no superuser can give the setting a
 * value of its own, as an option of the connection for instance, in the place of
 * the one in the server's configuration.  PostgreSQL throws it away now, with a
 * warning, and nothing tells any more what the other one was.
 */
void
rbac_replica_init(void)
{
	bool		had_value = rbac_find_setting(SETTING_NAME) != NULL;

	DefineCustomIntVariable("aiven_rbac.max_replica_delay",
							"How old what a replica knows may be when it decides; 0 for any age.",
							"On a standby or subscriber that is older, decisions and queries of protected tables are errors.",
							&rbac_max_replica_delay,
							0, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);
	if (had_value && rbac_find_setting(SETTING_NAME)->source == PGC_S_DEFAULT)
		SetConfigOption(SETTING_NAME, STRICTEST, PGC_SUSET, PGC_S_OVERRIDE);
}
