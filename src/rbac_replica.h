/*-------------------------------------------------------------------------
 *
 * rbac_replica.h
 *	  How old a replica may be that decides.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_REPLICA_H
#define RBAC_REPLICA_H

#include "postgres.h"

/* The setting, in milliseconds; 0: any age */
extern int	rbac_max_replica_delay;

extern void rbac_replica_init(void);
extern void rbac_replica_require_current(void);

/*
 * Before anything is decided by what the tables say: on a standby that is older
 * than is allowed, this is an error.
 */
static inline void
rbac_replica_check(void)
{
	if (unlikely(rbac_max_replica_delay > 0))
		rbac_replica_require_current();
}

#endif							/* RBAC_REPLICA_H */
