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

#include "rbac_tables.h"

/*
 * How often something changed, as far as this backend has been told: anything
 * that decisions read, and the catalogue of actions, roles and permissions
 * alone.  What was read under one generation is what the tables say for as
 * long as the generation is the same, and longer if what has changed since is
 * something else (rbac_signal_is_untouched).
 */
extern uint64 rbac_generation;
extern uint64 rbac_catalogue_generation;

/*
 * By what a message tells which fact has changed.  Two facts can have the same:
 * then each is taken to have changed with the other.
 */
typedef uint32 SignalKey;

/*
 * Who is told of each row of a table that decisions read, after this session has
 * changed it, for as long as somebody wants to know.  A row that was not there, or
 * is not there any more, is NULL; without either, the table was truncated.
 */
typedef void (*RowWatcher)(Relation table, HeapTuple before, HeapTuple after);

extern RowWatcher rbac_signal_watcher;

extern void rbac_signal_init(void);
extern SignalKey rbac_signal_key(RbacFact fact, const pg_uuid_t *about);
extern bool rbac_signal_is_untouched(const SignalKey *keys, int nkeys, uint64 since);
extern uint64 rbac_signal_news(void);
extern bool	  rbac_signal_changed_catalogue(void);

#endif							/* RBAC_SIGNAL_H */
