/*-------------------------------------------------------------------------
 *
 * path_op.c
 *	  Operators and functions of rbac_path.
 *
 * Order and equality are those of the payload's bytes, which is the tree's
 * pre-order (see path.h); ancestry is a test for a prefix that ends at a
 * label.  None of the operators that compare raises an error or looks at
 * anything but its arguments, so they are declared LEAKPROOF and may be
 * evaluated below a security barrier, by an index for instance.  The functions
 * that make paths can raise and are not.
 *
 * "path <@ paths" asks whether a path is at or below any of several.  The
 * array is turned into a set of disjoint subtrees once, and a path is then
 * looked up by binary search:
 *
 *		{acme.eng.api, bolt, acme.eng}	->	{acme.eng, bolt}
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "nodes/primnodes.h"
#include "path.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/sortsupport.h"

PG_FUNCTION_INFO_V1(rbac_path_eq);
PG_FUNCTION_INFO_V1(rbac_path_ne);
PG_FUNCTION_INFO_V1(rbac_path_lt);
PG_FUNCTION_INFO_V1(rbac_path_le);
PG_FUNCTION_INFO_V1(rbac_path_ge);
PG_FUNCTION_INFO_V1(rbac_path_gt);
PG_FUNCTION_INFO_V1(rbac_path_cmp);
PG_FUNCTION_INFO_V1(rbac_path_sortsupport);
PG_FUNCTION_INFO_V1(rbac_path_hash);
PG_FUNCTION_INFO_V1(rbac_path_hash_extended);
PG_FUNCTION_INFO_V1(rbac_path_smaller);
PG_FUNCTION_INFO_V1(rbac_path_larger);
PG_FUNCTION_INFO_V1(rbac_path_below);
PG_FUNCTION_INFO_V1(rbac_path_above);
PG_FUNCTION_INFO_V1(rbac_path_below_any);
PG_FUNCTION_INFO_V1(rbac_path_any_above);
PG_FUNCTION_INFO_V1(rbac_path_subtree_end);
PG_FUNCTION_INFO_V1(rbac_path_append);
PG_FUNCTION_INFO_V1(rbac_path_append_text);
PG_FUNCTION_INFO_V1(rbac_path_nlevel);
PG_FUNCTION_INFO_V1(rbac_path_label);
PG_FUNCTION_INFO_V1(rbac_path_parent);
PG_FUNCTION_INFO_V1(rbac_path_subpath);
PG_FUNCTION_INFO_V1(rbac_path_ancestors);
PG_FUNCTION_INFO_V1(rbac_path_lca);

/* What a call site remembers of the array it was given last */
typedef struct ScopeSetCache
{
	RbacScopeSet *set;			/* points into "paths" */
	ArrayType  *paths;			/* copy of the array that the set is made of */
	bool		constant;		/* the argument is the same in all calls */
} ScopeSetCache;


/*
 * Comparison
 */

/*
 * Compare two arguments.  A btree's functions must free what they detoast, as
 * an index build calls them very often in one memory context.
 */
static int
compare_arguments(FunctionCallInfo fcinfo)
{
	RbacPath   *a = PG_GETARG_RBAC_PATH_P(0);
	RbacPath   *b = PG_GETARG_RBAC_PATH_P(1);
	int			result;

	result = rbac_path_compare(RBAC_PATH_DATA(a), RBAC_PATH_LEN(a),
							   RBAC_PATH_DATA(b), RBAC_PATH_LEN(b));
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);

	return result;
}

Datum
rbac_path_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) == 0);
}

Datum
rbac_path_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) != 0);
}

Datum
rbac_path_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) < 0);
}

Datum
rbac_path_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) <= 0);
}

Datum
rbac_path_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) >= 0);
}

Datum
rbac_path_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) > 0);
}

Datum
rbac_path_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_arguments(fcinfo));
}

static int
compare_datums(Datum x, Datum y, SortSupport ssup)
{
	RbacPath   *a = DatumGetRbacPathP(x);
	RbacPath   *b = DatumGetRbacPathP(y);
	int			result;

	result = rbac_path_compare(RBAC_PATH_DATA(a), RBAC_PATH_LEN(a),
							   RBAC_PATH_DATA(b), RBAC_PATH_LEN(b));
	if ((Pointer) a != DatumGetPointer(x))
		pfree(a);
	if ((Pointer) b != DatumGetPointer(y))
		pfree(b);

	return result;
}

Datum
rbac_path_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);

	ssup->comparator = compare_datums;
	PG_RETURN_VOID();
}

Datum
rbac_path_hash(PG_FUNCTION_ARGS)
{
	RbacPath   *path = PG_GETARG_RBAC_PATH_P(0);
	Datum		result = hash_any((unsigned char *) RBAC_PATH_DATA(path),
								  RBAC_PATH_LEN(path));

	PG_FREE_IF_COPY(path, 0);
	return result;
}

Datum
rbac_path_hash_extended(PG_FUNCTION_ARGS)
{
	RbacPath   *path = PG_GETARG_RBAC_PATH_P(0);
	Datum		result = hash_any_extended((unsigned char *) RBAC_PATH_DATA(path),
										   RBAC_PATH_LEN(path),
										   PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(path, 0);
	return result;
}

Datum
rbac_path_smaller(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(compare_arguments(fcinfo) <= 0 ? 0 : 1));
}

Datum
rbac_path_larger(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(compare_arguments(fcinfo) >= 0 ? 0 : 1));
}


/*
 * Ancestry
 */

/* inner <@ outer */
Datum
rbac_path_below(PG_FUNCTION_ARGS)
{
	RbacPath   *inner = PG_GETARG_RBAC_PATH_P(0);
	RbacPath   *outer = PG_GETARG_RBAC_PATH_P(1);

	PG_RETURN_BOOL(rbac_path_contains(RBAC_PATH_DATA(outer), RBAC_PATH_LEN(outer),
									  RBAC_PATH_DATA(inner), RBAC_PATH_LEN(inner)));
}

/* outer @> inner */
Datum
rbac_path_above(PG_FUNCTION_ARGS)
{
	RbacPath   *outer = PG_GETARG_RBAC_PATH_P(0);
	RbacPath   *inner = PG_GETARG_RBAC_PATH_P(1);

	PG_RETURN_BOOL(rbac_path_contains(RBAC_PATH_DATA(outer), RBAC_PATH_LEN(outer),
									  RBAC_PATH_DATA(inner), RBAC_PATH_LEN(inner)));
}

static int
compare_scopes(const void *x, const void *y)
{
	const RbacScope *a = x;
	const RbacScope *b = y;

	return rbac_path_compare(a->data, a->len, b->data, b->len);
}

/*
 * The set of subtrees below an array's paths; null elements are ignored.  The
 * set points into the array.
 */
RbacScopeSet *
rbac_scope_set_make(ArrayType *paths)
{
	int			nelems = ArrayGetNItems(ARR_NDIM(paths), ARR_DIMS(paths));
	RbacScopeSet *set = palloc(offsetof(RbacScopeSet, scopes) +
							   nelems * sizeof(RbacScope));
	ArrayIterator iterator = array_create_iterator(paths, 0, NULL);
	Datum		element;
	bool		isnull;
	int			count = 0;

	while (array_iterate(iterator, &element, &isnull))
	{
		/* Elements of an array are never toasted */
		if (!isnull)
		{
			set->scopes[count].data = RBAC_PATH_DATA(DatumGetPointer(element));
			set->scopes[count].len = RBAC_PATH_LEN(DatumGetPointer(element));
			count++;
		}
	}
	array_free_iterator(iterator);

	qsort(set->scopes, count, sizeof(RbacScope), compare_scopes);

	/* Drop those inside the one before; the first is inside none */
	set->count = 0;
	for (int i = 0; i < count; i++)
	{
		if (!rbac_scope_set_contains(set, set->scopes[i].data, set->scopes[i].len))
			set->scopes[set->count++] = set->scopes[i];
	}

	return set;
}

/*
 * Is an argument a literal in the call's expression?  In an index scan there
 * is no expression to ask.
 */
bool
rbac_argument_is_constant(FmgrInfo *flinfo, int argno)
{
	Node	   *expr = flinfo->fn_expr;
	List	   *args = NIL;

	if (expr && IsA(expr, OpExpr))
		args = ((OpExpr *) expr)->args;
	else if (expr && IsA(expr, FuncExpr))
		args = ((FuncExpr *) expr)->args;

	return argno < list_length(args) && IsA(list_nth(args, argno), Const);
}

/*
 * The set made of an array argument, kept from call to call.
 *
 * A constant is looked at once.  Otherwise the array's bytes decide.  Its
 * address would not do, since a rescan can bring another array at the same
 * place, nor would get_fn_expr_arg_stable(): PL/pgSQL keeps fn_extra while the
 * variables of an expression change.
 */
const RbacScopeSet *
rbac_scope_set_cached(FunctionCallInfo fcinfo, int argno)
{
	FmgrInfo   *flinfo = fcinfo->flinfo;
	ScopeSetCache *cache = flinfo->fn_extra;
	ArrayType  *paths;
	ArrayType  *copy;
	MemoryContext oldcontext;

	if (cache && cache->constant)
		return cache->set;

	paths = PG_GETARG_ARRAYTYPE_P(argno);
	if (cache)
	{
		if (VARSIZE(cache->paths) == VARSIZE(paths) &&
			memcmp(cache->paths, paths, VARSIZE(paths)) == 0)
		{
			PG_FREE_IF_COPY(paths, argno);
			return cache->set;
		}

		/* Leave no half-freed cache behind if there is no memory below */
		flinfo->fn_extra = NULL;
		pfree(cache->set);
		pfree(cache->paths);
		pfree(cache);
	}

	oldcontext = MemoryContextSwitchTo(flinfo->fn_mcxt);
	copy = palloc(VARSIZE(paths));
	memcpy(copy, paths, VARSIZE(paths));
	cache = palloc(sizeof(ScopeSetCache));
	cache->paths = copy;
	cache->set = rbac_scope_set_make(copy);
	cache->constant = rbac_argument_is_constant(flinfo, argno);
	MemoryContextSwitchTo(oldcontext);
	flinfo->fn_extra = cache;

	PG_FREE_IF_COPY(paths, argno);
	return cache->set;
}

/*
 * The last scope that is not after "data", or NULL.
 */
const RbacScope *
rbac_scope_set_last(const RbacScopeSet *set, const char *data, int len)
{
	int			low = 0;
	int			high = set->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		const RbacScope *scope = &set->scopes[middle];

		if (rbac_path_compare(scope->data, scope->len, data, len) <= 0)
			low = middle + 1;
		else
			high = middle;
	}

	return low > 0 ? &set->scopes[low - 1] : NULL;
}

/*
 * Is a path at or below any of the scopes?  A scope that contains it is the
 * last one not after it: another between the two would be inside the first.
 */
bool
rbac_scope_set_contains(const RbacScopeSet *set, const char *data, int len)
{
	const RbacScope *scope = rbac_scope_set_last(set, data, len);

	return scope && rbac_path_contains(scope->data, scope->len, data, len);
}

/* path <@ paths */
Datum
rbac_path_below_any(PG_FUNCTION_ARGS)
{
	const RbacScopeSet *set = rbac_scope_set_cached(fcinfo, 1);
	RbacPath   *path = PG_GETARG_RBAC_PATH_P(0);

	PG_RETURN_BOOL(rbac_scope_set_contains(set, RBAC_PATH_DATA(path), RBAC_PATH_LEN(path)));
}

/* paths @> path */
Datum
rbac_path_any_above(PG_FUNCTION_ARGS)
{
	const RbacScopeSet *set = rbac_scope_set_cached(fcinfo, 0);
	RbacPath   *path = PG_GETARG_RBAC_PATH_P(1);

	PG_RETURN_BOOL(rbac_scope_set_contains(set, RBAC_PATH_DATA(path), RBAC_PATH_LEN(path)));
}

/*
 * The bound that closes a path's subtree.  It is compared with and shown by
 * EXPLAIN, but is no path.
 */
RbacPath *
rbac_path_make_subtree_end(const char *payload, int len)
{
	RbacPath   *end = palloc(VARHDRSZ + len + 1);
	char	   *data = VARDATA(end);

	SET_VARSIZE(end, VARHDRSZ + len + 1);
	memcpy(data, payload, len);
	data[len] = RBAC_PATH_SUBTREE_END;

	return end;
}

/*
 * Refuse a call that the planner has not made.
 */
void
rbac_path_require_plan(FunctionCallInfo fcinfo)
{
	if (PG_GET_COLLATION() != RBAC_MADE_BY_PLANNER)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function returns a bound for index scans, and can be called by plans only"),
				 errhint("Use the operator <@ to find what is at or below a path.")));
}

Datum
rbac_path_subtree_end(PG_FUNCTION_ARGS)
{
	RbacPath   *path = PG_GETARG_RBAC_PATH_P(0);

	rbac_path_require_plan(fcinfo);
	PG_RETURN_RBAC_PATH_P(rbac_path_make_subtree_end(RBAC_PATH_DATA(path),
													 RBAC_PATH_LEN(path)));
}


/*
 * Putting together and splitting
 */

static RbacPath *
append(RbacPath *head, RbacPath *tail)
{
	int			headlen = RBAC_PATH_LEN(head);
	int			taillen = RBAC_PATH_LEN(tail);
	RbacPath   *path;
	char	   *data;

	if (headlen + 1 + taillen > RBAC_PATH_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("path is too long"),
				 errdetail("\"%s\" and what is appended to it have %d bytes together, and a path has %d at most.",
						   rbac_path_text(RBAC_PATH_DATA(head), headlen),
						   headlen + 1 + taillen, RBAC_PATH_MAX),
				 errhint("Use shorter labels.")));

	path = palloc(VARHDRSZ + headlen + 1 + taillen);
	SET_VARSIZE(path, VARHDRSZ + headlen + 1 + taillen);
	data = VARDATA(path);
	memcpy(data, RBAC_PATH_DATA(head), headlen);
	data[headlen] = RBAC_PATH_SEPARATOR;
	memcpy(data + headlen + 1, RBAC_PATH_DATA(tail), taillen);

	return path;
}

/* path || path */
Datum
rbac_path_append(PG_FUNCTION_ARGS)
{
	PG_RETURN_RBAC_PATH_P(append(PG_GETARG_RBAC_PATH_P(0), PG_GETARG_RBAC_PATH_P(1)));
}

/* path || text */
Datum
rbac_path_append_text(PG_FUNCTION_ARGS)
{
	text	   *tail = PG_GETARG_TEXT_PP(1);

	PG_RETURN_RBAC_PATH_P(append(PG_GETARG_RBAC_PATH_P(0),
								 rbac_path_parse(VARDATA_ANY(tail),
												 VARSIZE_ANY_EXHDR(tail),
												 ERRCODE_INVALID_TEXT_REPRESENTATION,
												 NULL)));
}

Datum
rbac_path_nlevel(PG_FUNCTION_ARGS)
{
	RbacPath   *path = PG_GETARG_RBAC_PATH_P(0);

	PG_RETURN_INT32(rbac_path_depth(RBAC_PATH_DATA(path), RBAC_PATH_LEN(path)));
}

/*
 * Offset of the last separator, or -1 when there is only one label.
 */
static int
last_separator(RbacPath *path)
{
	const char *data = RBAC_PATH_DATA(path);
	int			i = RBAC_PATH_LEN(path) - 1;

	while (i >= 0 && data[i] != RBAC_PATH_SEPARATOR)
		i--;
	return i;
}

Datum
rbac_path_label(PG_FUNCTION_ARGS)
{
	RbacPath   *path = PG_GETARG_RBAC_PATH_P(0);
	int			start = last_separator(path) + 1;

	PG_RETURN_TEXT_P(cstring_to_text_with_len(RBAC_PATH_DATA(path) + start,
											  RBAC_PATH_LEN(path) - start));
}

/* The path without its last label; null for a path of one */
Datum
rbac_path_parent(PG_FUNCTION_ARGS)
{
	RbacPath   *path = PG_GETARG_RBAC_PATH_P(0);
	int			separator = last_separator(path);

	if (separator < 0)
		PG_RETURN_NULL();

	PG_RETURN_RBAC_PATH_P(rbac_path_make(RBAC_PATH_DATA(path), separator));
}

/*
 * Byte offset at which label "n" begins, the first being 0.  For the number
 * of labels itself it is one byte, the size of a separator, past the end.
 */
static int
label_offset(RbacPath *path, int n)
{
	const char *data = RBAC_PATH_DATA(path);
	int			len = RBAC_PATH_LEN(path);
	int			i = 0;

	while (n > 0)
	{
		if (i == len || data[i] == RBAC_PATH_SEPARATOR)
			n--;
		i++;
	}
	return i;
}

/*
 * rbac_path_subpath(path, offset [, len])
 *
 * A negative offset counts from the end; a negative len leaves that many
 * labels off the end, and one that is too great gives all labels that are there.
 */
Datum
rbac_path_subpath(PG_FUNCTION_ARGS)
{
	RbacPath   *path = PG_GETARG_RBAC_PATH_P(0);
	int32		offset = PG_GETARG_INT32(1);
	const char *data = RBAC_PATH_DATA(path);
	int			nlevel = rbac_path_depth(data, RBAC_PATH_LEN(path));
	int64		first = offset < 0 ? (int64) nlevel + offset : offset;
	int64		end = nlevel;
	int			start;

	if (first < 0 || first >= nlevel)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("offset %d is outside the path", offset),
				 errdetail("Path \"%s\" has %d labels.",
						   rbac_path_text(data, RBAC_PATH_LEN(path)), nlevel),
				 errhint("Give an offset from 0 to %d, or from -1 for the last label to %d for the first.",
						 nlevel - 1, -nlevel)));

	if (PG_NARGS() > 2)
	{
		int32		len = PG_GETARG_INT32(2);

		end = Min(len < 0 ? (int64) nlevel + len : first + len, nlevel);
		if (end <= first)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("subpath would be empty"),
					 errdetail("Length %d at offset %d selects no label of path \"%s\".",
							   len, offset, rbac_path_text(data, RBAC_PATH_LEN(path))),
					 errhint("Give a length that selects at least one label.")));
	}

	start = label_offset(path, first);
	PG_RETURN_RBAC_PATH_P(rbac_path_make(data + start,
										 label_offset(path, end) - 1 - start));
}

/*
 * An array of a path's ancestors, the organization first, with or without the
 * path itself.
 */
ArrayType *
rbac_path_ancestor_array(const char *payload, int len, bool include_self,
						 Oid elemtype)
{
	Datum	   *ancestors = palloc(rbac_path_depth(payload, len) * sizeof(Datum));
	int			count = 0;

	for (int i = 0; i < len; i++)
	{
		if (payload[i] == RBAC_PATH_SEPARATOR)
			ancestors[count++] = PointerGetDatum(rbac_path_make(payload, i));
	}
	if (include_self)
		ancestors[count++] = PointerGetDatum(rbac_path_make(payload, len));

	return construct_array(ancestors, count, elemtype, -1, false, TYPALIGN_INT);
}

/* rbac_path_ancestors(path, include_self) and rbac_path_and_ancestors(path) */
Datum
rbac_path_ancestors(PG_FUNCTION_ARGS)
{
	RbacPath   *path = PG_GETARG_RBAC_PATH_P(0);
	Oid			elemtype = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));

	PG_RETURN_ARRAYTYPE_P(rbac_path_ancestor_array(RBAC_PATH_DATA(path),
												   RBAC_PATH_LEN(path),
												   PG_NARGS() < 2 || PG_GETARG_BOOL(1),
												   elemtype));
}

/*
 * rbac_path_lca(VARIADIC paths)
 *
 * The lowest path that is at or above all of the paths; null when they have
 * none in common.  Null elements are ignored.
 */
Datum
rbac_path_lca(PG_FUNCTION_ARGS)
{
	ArrayIterator iterator = array_create_iterator(PG_GETARG_ARRAYTYPE_P(0), 0, NULL);
	const char *common = NULL;
	int			len = 0;
	Datum		element;
	bool		isnull;

	while (array_iterate(iterator, &element, &isnull))
	{
		const char *data;
		int			datalen;

		if (isnull)
			continue;

		data = RBAC_PATH_DATA(DatumGetPointer(element));
		datalen = RBAC_PATH_LEN(DatumGetPointer(element));

		if (common == NULL)
		{
			common = data;
			len = datalen;
		}

		/* Drop labels from the end until this path is inside, too */
		while (len > 0 && !rbac_path_contains(common, len, data, datalen))
		{
			do
				len--;
			while (len > 0 && common[len] != RBAC_PATH_SEPARATOR);
		}
	}

	if (len == 0)
		PG_RETURN_NULL();

	PG_RETURN_RBAC_PATH_P(rbac_path_make(common, len));
}
