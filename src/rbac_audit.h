/*-------------------------------------------------------------------------
 *
 * rbac_audit.h
 *	  The log of changes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_AUDIT_H
#define RBAC_AUDIT_H

extern void rbac_audit_init(void);

#endif							/* RBAC_AUDIT_H */
