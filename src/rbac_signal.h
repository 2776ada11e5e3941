/*-------------------------------------------------------------------------
 *
 * rbac_signal.h
 *	  What changed: sending and counting.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_SIGNAL_H
#define RBAC_SIGNAL_H

#include "postgres.h"

/*
 * How often something changed, as far as this backend has been told: anything
 * that decisions read, and the catalogue of actions, roles and permissions
 * alone.  What was read under one generation is what the tables say for as
 * long as the generation is the same.
 */
extern uint64 rbac_generation;
extern uint64 rbac_catalogue_generation;

extern void rbac_signal_init(void);
extern uint64 rbac_signal_news(void);
extern bool	  rbac_signal_changed_catalogue(void);

#endif							/* RBAC_SIGNAL_H */
