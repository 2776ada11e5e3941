/*-------------------------------------------------------------------------
 *
 * rbac_session.h
 *	  The session's principal.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_SESSION_H
#define RBAC_SESSION_H

#include "postgres.h"

#include "miscadmin.h"

#include "rbac_principal.h"

/* Grows whenever the session's principal may have changed. */
extern uint64 rbac_session_epoch;

/*
 * Told of each principal that the session gets (NULL: none), where nothing can be
 * looked up or allocated
 */
extern void (*rbac_session_assigned)(const SessionPrincipal *principal);

/*
 * The same for comparisons across statements: code that the owner of a table has
 * attached to it can have run in between, and for that there is no principal.
 */
static inline uint64
rbac_session_state(void)
{
	return rbac_session_epoch << 1 | InSecurityRestrictedOperation();
}

extern void rbac_session_init(void);
extern void rbac_session_set(const SessionPrincipal *principal, bool is_local);
extern void rbac_session_reset(void);
extern const SessionPrincipal *rbac_session_get(void);
extern Oid					   rbac_session_mapped_role(void);
extern bool rbac_session_subject(const pg_uuid_t *principal, Subject *subject);
extern bool rbac_session_may_execute(Oid role, const char *function, int nargs, const Oid *types);
extern bool rbac_session_is_operator(void);

#endif							/* RBAC_SESSION_H */
