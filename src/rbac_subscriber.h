/*-------------------------------------------------------------------------
 *
 * rbac_subscriber.h
 *	  A database whose rows come from another one, by logical replication.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_SUBSCRIBER_H
#define RBAC_SUBSCRIBER_H

#include "postgres.h"

#include "access/xlogdefs.h"
#include "utils/timestamp.h"

extern bool rbac_is_subscriber(void);
extern TimestampTz rbac_subscriber_current_as_of(void);
extern bool rbac_subscriber_follows(uint64 system);
extern XLogRecPtr rbac_subscriber_place(void);
extern void rbac_subscriber_init(void);

#endif							/* RBAC_SUBSCRIBER_H */
