/*-------------------------------------------------------------------------
 *
 * rbac_cascade.h
 *	  What foreign keys of other tables do when one of the extension's rows
 *	  changes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_CASCADE_H
#define RBAC_CASCADE_H

extern void rbac_cascade_init(void);

#endif							/* RBAC_CASCADE_H */
