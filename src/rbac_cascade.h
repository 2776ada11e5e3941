/*-------------------------------------------------------------------------
 *
 * rbac_cascade.h
 *	  Triggers that run because one of the extension's rows changed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_CASCADE_H
#define RBAC_CASCADE_H

extern void rbac_cascade_init(void);
extern bool rbac_in_cascade(void);

#endif							/* RBAC_CASCADE_H */
