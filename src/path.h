/*-------------------------------------------------------------------------
 *
 * path.h
 *	  On-disk format of rbac_path.
 *
 * A path is a variable-length value whose payload is its labels joined by
 * RBAC_PATH_SEPARATOR.  The separator is lower than every byte that a label
 * can hold, so comparing two payloads with memcmp() puts a path before all
 * that is below it, and all that is below it before its next sibling: byte
 * order is the tree's pre-order.  With P a payload, the subtree of P is
 * exactly the payloads in [P, P + RBAC_PATH_SUBTREE_END).
 *
 *		acme  <  acme.eng  <  acme.eng.api  <  acme.eng-tools  <  bolt
 *
 * (With the '.' of the text form in its place, 'acme.eng-tools' would sort
 * before 'acme.eng.api', since '-' is lower than '.'.)
 *
 * Payloads are canonical: two paths are equal exactly when their payloads
 * are the same bytes.  A stored path may have a short varlena header, so
 * readers use the macros below and never look at the struct's fields.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PATH_H
#define PATH_H

#include "postgres.h"

#include "compat.h"
#include "fmgr.h"
#include "utils/array.h"

typedef struct varlena RbacPath;

/* Between labels on disk; the text form shows '.' */
#define RBAC_PATH_SEPARATOR		'\001'
/* First byte after every continuation of a path: closes a subtree's range */
#define RBAC_PATH_SUBTREE_END	'\002'

/* Longest label, and longest path as a whole, in bytes */
#define RBAC_LABEL_MAX	63
#define RBAC_PATH_MAX	255

#define RBAC_PATH_DATA(path)	VARDATA_ANY(path)
#define RBAC_PATH_LEN(path)		((int) VARSIZE_ANY_EXHDR(path))

/* A path is short enough never to be toasted out of line, but be safe. */
#define DatumGetRbacPathP(d)		((RbacPath *) PG_DETOAST_DATUM_PACKED(d))
#define PG_GETARG_RBAC_PATH_P(n)	DatumGetRbacPathP(PG_GETARG_DATUM(n))
#define PG_RETURN_RBAC_PATH_P(x)	PG_RETURN_POINTER(x)

/*
 * Three-way comparison of two payloads in tree pre-order.
 */
static inline int
rbac_path_compare(const char *a, int alen, const char *b, int blen)
{
	int			result = memcmp(a, b, Min(alen, blen));

	return result != 0 ? result : (alen > blen) - (alen < blen);
}

/*
 * Is payload "outer" the payload "inner" itself or one of its ancestors?
 */
static inline bool
rbac_path_contains(const char *outer, int outerlen, const char *inner, int innerlen)
{
	return innerlen >= outerlen &&
		memcmp(outer, inner, outerlen) == 0 &&
		(innerlen == outerlen || inner[outerlen] == RBAC_PATH_SEPARATOR);
}

/*
 * The end of a subtree, P + RBAC_PATH_SUBTREE_END, is a bound that index scans
 * and estimates use.  It is greater than all that is below P and equal to no
 * path; the input functions never make one.
 *
 * Nor may a query: a bound in a table is a row that no dump brings back.  So the
 * functions that return bounds work in calls that the planner made alone.  Those
 * have this in place of a collation, which is the number of no collation, so
 * that no expression in SQL can have it.
 */
#define RBAC_MADE_BY_PLANNER	((Oid) 1)

static inline bool
rbac_path_is_subtree_end(const char *payload, int len)
{
	return len > 0 && payload[len - 1] == RBAC_PATH_SUBTREE_END;
}

/* Number of labels */
static inline int
rbac_path_depth(const char *payload, int len)
{
	int			depth = 1;

	for (int i = 0; i < len; i++)
		depth += (payload[i] == RBAC_PATH_SEPARATOR);
	return depth;
}

/*
 * A set of subtrees ("scopes"), given by their topmost paths.  Scopes inside
 * others are dropped and the rest sorted, so that of all scopes only the last
 * one not after a path can contain it.
 */
typedef struct RbacScope
{
	const char *data;
	int			len;
} RbacScope;

typedef struct RbacScopeSet
{
	int			count;
	RbacScope	scopes[FLEXIBLE_ARRAY_MEMBER];
} RbacScopeSet;

/* path_io.c */
extern RbacPath *rbac_path_make(const char *payload, int len);
extern char *rbac_path_text(const char *payload, int len);
extern bool rbac_is_uuid_shaped(const char *text, int len);
extern RbacPath *rbac_path_parse(const char *text, int len, int sqlerrcode,
								 struct Node *escontext);

/* path_op.c */
extern PGDLLEXPORT Datum rbac_path_subtree_end(PG_FUNCTION_ARGS);
extern RbacPath *rbac_path_make_subtree_end(const char *payload, int len);
extern void rbac_path_require_plan(FunctionCallInfo fcinfo);
extern bool rbac_argument_is_constant(FmgrInfo *flinfo, int argno);
extern RbacScopeSet *rbac_scope_set_make(ArrayType *paths);
extern const RbacScopeSet *rbac_scope_set_cached(FunctionCallInfo fcinfo, int argno);
extern const RbacScope *rbac_scope_set_last(const RbacScopeSet *set,
											const char *data, int len);
extern bool rbac_scope_set_contains(const RbacScopeSet *set,
									const char *data, int len);
extern ArrayType *rbac_path_ancestor_array(const char *payload, int len,
										   bool include_self, Oid elemtype);

#endif							/* PATH_H */
