/*-------------------------------------------------------------------------
 *
 * rbac_denied.h
 *	  Calls that were refused, in the server's log.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_DENIED_H
#define RBAC_DENIED_H

extern void rbac_denied_init(void);

#endif							/* RBAC_DENIED_H */
