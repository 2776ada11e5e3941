/*-------------------------------------------------------------------------
 *
 * rbac_what_if.h
 *	  A change that is made, compared and undone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_WHAT_IF_H
#define RBAC_WHAT_IF_H

extern void rbac_what_if_init(void);

#endif							/* RBAC_WHAT_IF_H */
