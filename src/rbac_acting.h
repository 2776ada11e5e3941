/*-------------------------------------------------------------------------
 *
 * rbac_acting.h
 *	  For whom a session administers, as others can see it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_ACTING_H
#define RBAC_ACTING_H

#include "postgres.h"

#include "storage/lock.h"
#include "utils/uuid.h"

/* How long a call that ends access waits for others, in milliseconds */
extern int	rbac_lock_wait;

/*
 * Is what this session does undone in any case?  Then it ends nobody's session.
 */
extern bool rbac_only_tries;

/*
 * Who is in the way of a lock
 */
typedef struct InTheWay
{
	int			count;
	struct Obstacle *each;
	LockData   *locks;			/* all of them, at one moment */
} InTheWay;

extern void		rbac_acting_init(void);
extern void		rbac_acting_note(const pg_uuid_t *principal);
extern bool		rbac_acting_has_begun(void);
extern void		rbac_acting_undo(bool had_begun);
extern void		rbac_acting_begin(const pg_uuid_t *principal);
extern InTheWay *rbac_in_the_way(const LOCKTAG *tag, LOCKMODE mode);
extern bool		rbac_acts_for_somebody(const InTheWay *way);
extern int		rbac_end_who_acts_for(const InTheWay *way, const pg_uuid_t *principals, int count);
extern const char *rbac_names_in_the_way(const InTheWay *way);

#endif							/* RBAC_ACTING_H */
