/*-------------------------------------------------------------------------
 *
 * rbac_policy.h
 *	  What the condition of a policy asks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_POLICY_H
#define RBAC_POLICY_H

#include "postgres.h"

#include "access/attnum.h"
#include "nodes/primnodes.h"

/* A call of a decision function in a condition */
typedef struct PolicyCall
{
	Oid			function;
	Node	   *resource;		/* the argument that names the resource */
	AttrNumber	column;			/* the column of the policy's table that it is, or is made from; or 0 */
	Oid			id_function;	/* that makes an id from the column's key, and of which space; or 0 */
	Datum		space;
	Index		depth;			/* how many sub-selects the call stands in */
	Oid			names_type;		/* text or text[] */
	Datum		names;
	bool		constant_names;
} PolicyCall;

/* What a row needs to pass a condition, from the closed to the open */
typedef enum Passage
{
	PASSES_NEVER,
	PASSES_BY_DECISION,
	PASSES_OTHERWISE,
	PASSES_ALWAYS
} Passage;

/*
 * What is relied on to pass by a decision only: the rows of tables and the
 * answers of functions, as arrays of OIDs
 */
typedef struct Reliance
{
	Datum	   *tables;
	int			ntables;
	Datum	   *functions;
	int			nfunctions;
} Reliance;

extern bool rbac_policy_call(Node *condition, PolicyCall *call);
extern Datum rbac_policy_resource(const PolicyCall *call, Datum value, Oid type);
extern Passage rbac_policy_judge(Node *node, const Reliance *reliance);

#endif							/* RBAC_POLICY_H */
