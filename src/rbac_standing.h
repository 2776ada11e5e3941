/*-------------------------------------------------------------------------
 *
 * rbac_standing.h
 *	  Whether who handed something out may still do so at COMMIT.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_STANDING_H
#define RBAC_STANDING_H

#include "postgres.h"

#include "rbac_principal.h"

/*
 * What a principal has to hold for something to be handed out.  Compared as
 * bytes, so what is unused is zero.
 */
typedef struct Standing
{
	Subject		subject;
	Oid			role;			/* is the principal by its mapping, or 0 */
	pg_uuid_t	resource;
	pg_uuid_t	organization;	/* of the resource */
	pg_uuid_t	managed;		/* the user that it has to manage; nil: none */
	ActionSet	actions;
	TimestampTz	from;
	TimestampTz	until;
} Standing;

extern void rbac_standing_init(void);
extern void rbac_standing_note(const Standing *standing, uint64 news, TimestampTz valid_until);
extern void rbac_standing_judge(void);
extern void *rbac_standing_losers(void);
extern void rbac_standing_put_losers_back(const void *before);

#endif /* RBAC_STANDING_H */
