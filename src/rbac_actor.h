/*-------------------------------------------------------------------------
 *
 * rbac_actor.h
 *	  Who acts in administration or looks something up, and whether they may.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_ACTOR_H
#define RBAC_ACTOR_H

#include "postgres.h"

#include "rbac_decide.h"

extern bool rbac_actor_subject(Subject *subject);
extern void rbac_actor_check_question(const Question *question);

#endif							/* RBAC_ACTOR_H */
