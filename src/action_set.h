/*-------------------------------------------------------------------------
 *
 * action_set.h
 *	  Sets of actions as bits.
 *
 * Every role, permission, grant and decision is a set of actions, and the
 * whole algebra is two operations: the union of all that reaches a resource,
 * and the question whether it contains what is needed.  An action's bit is
 * its number in the table aiven_rbac.action.
 *
 *-------------------------------------------------------------------------
 */
#ifndef ACTION_SET_H
#define ACTION_SET_H

#include "postgres.h"

/* The CHECK on aiven_rbac.action.number keeps to the same bound */
#define RBAC_MAX_ACTIONS	256
#define RBAC_ACTION_WORDS	(RBAC_MAX_ACTIONS / 64)

typedef struct ActionSet
{
	uint64		word[RBAC_ACTION_WORDS];
} ActionSet;

static inline void
action_set_add(ActionSet *set, int action)
{
	set->word[action / 64] |= UINT64CONST(1) << (action % 64);
}

static inline bool
action_set_has(const ActionSet *set, int action)
{
	return (set->word[action / 64] >> (action % 64)) & 1;
}

static inline void
action_set_union(ActionSet *set, const ActionSet *other)
{
	for (int i = 0; i < RBAC_ACTION_WORDS; i++)
		set->word[i] |= other->word[i];
}

static inline bool
action_set_is_empty(const ActionSet *set)
{
	uint64		any = 0;

	for (int i = 0; i < RBAC_ACTION_WORDS; i++)
		any |= set->word[i];
	return any == 0;
}

static inline bool
action_set_contains(const ActionSet *outer, const ActionSet *inner)
{
	uint64		missing = 0;

	for (int i = 0; i < RBAC_ACTION_WORDS; i++)
		missing |= inner->word[i] & ~outer->word[i];
	return missing == 0;
}

static inline bool
action_set_overlaps(const ActionSet *a, const ActionSet *b)
{
	uint64		common = 0;

	for (int i = 0; i < RBAC_ACTION_WORDS; i++)
		common |= a->word[i] & b->word[i];
	return common != 0;
}

static inline ActionSet
action_set_difference(const ActionSet *a, const ActionSet *b)
{
	ActionSet	result;

	for (int i = 0; i < RBAC_ACTION_WORDS; i++)
		result.word[i] = a->word[i] & ~b->word[i];
	return result;
}

static inline bool
action_set_equal(const ActionSet *a, const ActionSet *b)
{
	return memcmp(a, b, sizeof(ActionSet)) == 0;
}

#endif							/* ACTION_SET_H */
