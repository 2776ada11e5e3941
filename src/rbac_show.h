/*-------------------------------------------------------------------------
 *
 * rbac_show.h
 *	  The session's principal where a server is watched.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_SHOW_H
#define RBAC_SHOW_H

extern void rbac_show_init(void);

#endif							/* RBAC_SHOW_H */
