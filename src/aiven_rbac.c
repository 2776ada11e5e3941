/*-------------------------------------------------------------------------
 *
 * aiven_rbac.c
 *	  Module start.
 *
 * The library is loaded by the first function that is called; nothing has to
 * be preloaded.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "fmgr.h"
#include "utils/guc.h"

#include "compat.h"
#include "rbac_acting.h"
#include "rbac_audit.h"
#include "rbac_cache.h"
#include "rbac_cascade.h"
#include "rbac_denied.h"
#include "rbac_ending.h"
#include "rbac_hash.h"
#include "rbac_hierarchy.h"
#include "rbac_plan.h"
#include "rbac_portal.h"
#include "rbac_replica.h"
#include "rbac_session.h"
#include "rbac_show.h"
#include "rbac_signal.h"
#include "rbac_standing.h"
#include "rbac_subscriber.h"
#include "rbac_what_if.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	DefineCustomIntVariable("aiven_rbac.cache_size",
							"Memory that a session may use to remember what principals hold.",
							"Those not asked about for longest are forgotten first.",
							&rbac_cache_size_kb,
							16384, 64, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
	rbac_hash_init();
	rbac_session_init();
	rbac_ending_init();
	rbac_denied_init();
	rbac_show_init();
	rbac_replica_init();
	rbac_subscriber_init();
	rbac_reserve_settings("aiven_rbac");
	rbac_signal_init();
	rbac_plan_init();
	rbac_portal_init();
	rbac_cascade_init();
	rbac_standing_init();
	rbac_acting_init();
	rbac_audit_init();
	rbac_what_if_init();
}
