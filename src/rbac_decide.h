/*-------------------------------------------------------------------------
 *
 * rbac_decide.h
 *	  (principal, resource, name) → decision.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_DECIDE_H
#define RBAC_DECIDE_H

#include "postgres.h"

#include "fmgr.h"

#include "rbac_portal.h"

/*
 * What one place in a query (one FmgrInfo) keeps between calls.
 */
typedef struct Decider
{
	/* What the rest belongs to */
	uint64		piece;			/* 0: this call only */
	uint64		session_state;
	bool		for_rows;		/* called by a query that runs */

	Catalogue  *catalogue;		/* held */
	PrincipalEntry *entry;		/* pinned; NULL: no principal */

	/* The names asked for: the argument as it came, and what it means */
	MemoryContext names_context;
	bool		names_settled;	/* constant, and nothing is left to do */
	bool		names_constant;
	struct varlena *names_argument;
	NameList   *names;			/* NULL: to be resolved */

	/* What is noted of the query that calls (rbac_portal.c) */
	uint64		noted_piece;
	bool		relied_on;		/* it is the session's principal's, or none's */
	bool		names_noted;

	/* The last verdict judged.  Few are distinct, so it is often the next. */
	const Verdict *last_verdict;
	bool		last_holds;

	/*
	 * The last resource asked about (one of the two; a length of -1 and
	 * have_last_id say whether there is one) and the verdict on it: rows that
	 * come by an index on the resource have the same one many times over.
	 */
	const Verdict *last_answer;
	bool		have_last_id;
	pg_uuid_t	last_id;
	int			last_length;
	char		last_path[RBAC_PATH_MAX + 1];

	MemoryContextCallback release;
} Decider;

typedef struct Question
{
	const pg_uuid_t *principal; /* NULL: the session's */
	const pg_uuid_t *id;		/* the resource, by its id ... */
	const RbacPath *path;		/* ... or by its path */
	int			name;			/* number of the argument after the resource */
} Question;

/*
 * Define the entry points of "answer", which takes (fcinfo, question): the
 * resource is given by its path, by its id or as a text of either, and the
 * principal is the session's or one that is given.
 */
#define DEFINE_DECISION(answer) \
	PG_FUNCTION_INFO_V1(answer##_at); \
	Datum answer##_at(PG_FUNCTION_ARGS) \
	{ \
		Question question = {.path = PG_GETARG_RBAC_PATH_P(0), .name = 1}; \
		return answer(fcinfo, &question); \
	} \
	PG_FUNCTION_INFO_V1(answer##_id); \
	Datum answer##_id(PG_FUNCTION_ARGS) \
	{ \
		Question question = {.id = PG_GETARG_UUID_P(0), .name = 1}; \
		return answer(fcinfo, &question); \
	} \
	PG_FUNCTION_INFO_V1(answer##_of_at); \
	Datum answer##_of_at(PG_FUNCTION_ARGS) \
	{ \
		Question question = {.principal = PG_GETARG_UUID_P(0), \
							 .path = PG_GETARG_RBAC_PATH_P(1), \
							 .name = 2}; \
		return answer(fcinfo, &question); \
	} \
	PG_FUNCTION_INFO_V1(answer##_of_id); \
	Datum answer##_of_id(PG_FUNCTION_ARGS) \
	{ \
		Question question = {.principal = PG_GETARG_UUID_P(0), \
							 .id = PG_GETARG_UUID_P(1), \
							 .name = 2}; \
		return answer(fcinfo, &question); \
	} \
	PG_FUNCTION_INFO_V1(answer##_text); \
	Datum answer##_text(PG_FUNCTION_ARGS) \
	{ \
		Question question = {.name = 1}; \
		rbac_question_about(&question, PG_GETARG_TEXT_PP(0)); \
		return answer(fcinfo, &question); \
	} \
	PG_FUNCTION_INFO_V1(answer##_of_text); \
	Datum answer##_of_text(PG_FUNCTION_ARGS) \
	{ \
		Question question = {.principal = PG_GETARG_UUID_P(0), .name = 2}; \
		rbac_question_about(&question, PG_GETARG_TEXT_PP(1)); \
		return answer(fcinfo, &question); \
	} \
	extern int no_such_variable

extern void rbac_question_about(Question *question, const text *resource);

extern Decider *rbac_decider(FunctionCallInfo fcinfo, const pg_uuid_t *principal);
extern void rbac_decider_set_names(Decider *decider, FunctionCallInfo fcinfo, int argument, bool any_of);
extern void rbac_decider_rely_on(Decider *decider, RbacReliance reliance);
extern bool rbac_decider_judge(Decider *decider, const Verdict *verdict);
extern const Verdict *rbac_verdict_on_id(Decider *decider, const pg_uuid_t *id);
extern const Verdict *rbac_verdict_on_path(Decider *decider, const RbacPath *path);

/*
 * Is one of the names asked for held by a verdict (NULL: no such resource)?
 */
static inline bool
rbac_holds(Decider *decider, const Verdict *verdict)
{
	if (likely(verdict == decider->last_verdict))
		return verdict != NULL && decider->last_holds;
	return rbac_decider_judge(decider, verdict);
}

/*
 * What the principal of a question holds on its resource
 */
static inline const Verdict *
rbac_verdict_on(Decider *decider, const Question *question)
{
	return question->id != NULL ?
		rbac_verdict_on_id(decider, question->id) :
		rbac_verdict_on_path(decider, question->path);
}

#endif							/* RBAC_DECIDE_H */
