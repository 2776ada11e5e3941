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
#include "rbac_session.h"

typedef enum RbacAnswer
{
	RBAC_NOT_ASKED,
	RBAC_NO,
	RBAC_YES
} RbacAnswer;

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

	/* Does a verdict of the entry contain what the names require?  By its number */
	uint8	   *answers;		/* each an RbacAnswer */
	uint32		nanswers;

	/*
	 * The path asked about last (a length of -1: none), and the number of the
	 * verdict there: rows that come by an index on the path have the same one
	 * many times over.
	 */
	uint32		last_number;
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
extern bool rbac_decider_judge(Decider *decider, uint32 number);

/*
 * Is nothing left to do for a call about the session's principal but to answer?
 * That is so for all rows of a piece of a query but the first.
 */
static inline bool
rbac_decider_is_settled(const Decider *decider)
{
	return decider != NULL && decider->names_settled && decider->piece == rbac_piece &&
		decider->session_state == rbac_session_state();
}

/*
 * Is one of the names asked for held by a verdict, given by its number?
 */
static inline bool
rbac_holds(Decider *decider, uint32 number)
{
	if (likely(number < decider->nanswers && decider->answers[number] != RBAC_NOT_ASKED))
		return decider->answers[number] == RBAC_YES;
	return rbac_decider_judge(decider, number);
}

static inline uint32
rbac_number_on_path(Decider *decider, const RbacPath *path)
{
	const char *data = RBAC_PATH_DATA(path);
	int			length = RBAC_PATH_LEN(path);

	if (decider->last_length == length && memcmp(decider->last_path, data, length) == 0)
		return decider->last_number;
	decider->last_length = -1;
	decider->last_number = rbac_cache_number_at(decider->entry, path);
	if (length <= RBAC_PATH_MAX)
	{
		memcpy(decider->last_path, data, length);
		decider->last_length = length;
	}
	return decider->last_number;
}

/*
 * The number of the verdict on a question's resource; no principal holds nothing.
 */
static inline uint32
rbac_number_on(Decider *decider, const Question *question)
{
	if (unlikely(decider->entry == NULL))
		return RBAC_NOTHING_THERE;
	return question->id != NULL ?
		rbac_cache_number(decider->entry, question->id) :
		rbac_number_on_path(decider, question->path);
}

static inline const Verdict *
rbac_verdict_on(Decider *decider, const Question *question)
{
	uint32		number = rbac_number_on(decider, question);

	return decider->entry != NULL ? rbac_cache_numbered(decider->entry, number) : NULL;
}

#endif							/* RBAC_DECIDE_H */
