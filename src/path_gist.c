/*-------------------------------------------------------------------------
 *
 * path_gist.c
 *	  GiST support of rbac_path.
 *
 * A btree serves one subtree as one range.  GiST serves what a btree can't in
 * one scan: "path <@ paths", several subtrees at once.  It has the order's
 * operators, too, so that one index serves all conditions.
 *
 * A key is a range [low, high] of the pre-order, kept as bytea: a byte with
 * low's length, low's payload, and high's payload.  A leaf's range is one path
 * and leaves high out, so it costs one byte more than the path itself and the
 * path can be had back for an index-only scan.
 *
 *		leaf		4 'acme'
 *		inner		4 'acme' 'bolt.eng'
 *
 * All answers are exact, inner ones included, so nothing is rechecked.  Keys
 * are read with short headers and are detoasted only where one grew long
 * enough to be compressed; support functions run in a memory context that
 * GiST resets, and so free nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/gist.h"
#include "access/stratnum.h"
#include "path.h"
#include "utils/builtins.h"
#include "utils/sortsupport.h"

/* Strategies beside btree's five; the numbers are those of the SQL script */
#define ABOVE_STRATEGY			RTContainsStrategyNumber
#define BELOW_STRATEGY			RTContainedByStrategyNumber
#define BELOW_ANY_STRATEGY		9

/* Bytes after the common prefix that penalty weighs */
#define PENALTY_BYTES	4

PG_FUNCTION_INFO_V1(rbac_path_gist_consistent);
PG_FUNCTION_INFO_V1(rbac_path_gist_union);
PG_FUNCTION_INFO_V1(rbac_path_gist_compress);
PG_FUNCTION_INFO_V1(rbac_path_gist_fetch);
PG_FUNCTION_INFO_V1(rbac_path_gist_penalty);
PG_FUNCTION_INFO_V1(rbac_path_gist_picksplit);
PG_FUNCTION_INFO_V1(rbac_path_gist_same);
PG_FUNCTION_INFO_V1(rbac_path_gist_sortsupport);

/* A payload, pointing into a key or a path */
typedef struct Bound
{
	const char *data;
	int			len;
} Bound;

typedef struct Range
{
	Bound		low;
	Bound		high;
} Range;

static inline int
compare_bounds(Bound a, Bound b)
{
	return rbac_path_compare(a.data, a.len, b.data, b.len);
}

static inline bool
bound_contains(Bound outer, Bound inner)
{
	return rbac_path_contains(outer.data, outer.len, inner.data, inner.len);
}

static Range
key_range(Datum key)
{
	bytea	   *b = DatumGetByteaPP(key);
	const char *data = VARDATA_ANY(b);
	int			len = VARSIZE_ANY_EXHDR(b);
	Range		range;

	range.low.data = data + 1;
	range.low.len = (unsigned char) data[0];
	range.high = range.low;
	if (len > 1 + range.low.len)
	{
		range.high.data = data + 1 + range.low.len;
		range.high.len = len - 1 - range.low.len;
	}

	return range;
}

static bytea *
make_key(Range range)
{
	bool		single = compare_bounds(range.low, range.high) == 0;
	int			len = 1 + range.low.len + (single ? 0 : range.high.len);
	bytea	   *key = palloc(VARHDRSZ + len);
	char	   *data = VARDATA(key);

	SET_VARSIZE(key, VARHDRSZ + len);
	data[0] = (char) range.low.len;
	memcpy(data + 1, range.low.data, range.low.len);
	if (!single)
		memcpy(data + 1 + range.low.len, range.high.data, range.high.len);

	return key;
}

/* Widen a range so that it contains another */
static Range
widen(Range range, Range other)
{
	if (compare_bounds(other.low, range.low) < 0)
		range.low = other.low;
	if (compare_bounds(other.high, range.high) > 0)
		range.high = other.high;
	return range;
}

/* Does a range meet the subtree of a path? */
static bool
meets_subtree(Range range, Bound path)
{
	return compare_bounds(range.high, path) >= 0 &&
		(compare_bounds(range.low, path) <= 0 || bound_contains(path, range.low));
}

/* Does a range hold a path or one of its ancestors? */
static bool
meets_ancestors(Range range, Bound path)
{
	Bound		ancestor = path;

	for (ancestor.len = 1; ancestor.len <= path.len; ancestor.len++)
	{
		if (ancestor.len < path.len && path.data[ancestor.len] != RBAC_PATH_SEPARATOR)
			continue;
		if (compare_bounds(ancestor, range.low) >= 0 &&
			compare_bounds(ancestor, range.high) <= 0)
			return true;
	}
	return false;
}

/*
 * Does a range meet any of several subtrees?  As they are disjoint and sorted,
 * the last that begins inside or before the range also ends last.
 */
static bool
meets_scopes(Range range, const RbacScopeSet *set)
{
	const RbacScope *scope = rbac_scope_set_last(set, range.high.data, range.high.len);
	Bound		path;

	if (scope == NULL)
		return false;

	path.data = scope->data;
	path.len = scope->len;
	return meets_subtree(range, path);
}

Datum
rbac_path_gist_consistent(PG_FUNCTION_ARGS)
{
	GISTENTRY  *entry = (GISTENTRY *) PG_GETARG_POINTER(0);
	StrategyNumber strategy = (StrategyNumber) PG_GETARG_UINT16(2);
	bool	   *recheck = (bool *) PG_GETARG_POINTER(4);
	Range		range = key_range(entry->key);
	RbacPath   *path;
	Bound		query;

	*recheck = false;

	if (strategy == BELOW_ANY_STRATEGY)
		PG_RETURN_BOOL(meets_scopes(range, rbac_scope_set_cached(fcinfo, 1)));

	path = PG_GETARG_RBAC_PATH_P(1);
	query.data = RBAC_PATH_DATA(path);
	query.len = RBAC_PATH_LEN(path);

	switch (strategy)
	{
		case BTLessStrategyNumber:
			PG_RETURN_BOOL(compare_bounds(range.low, query) < 0);
		case BTLessEqualStrategyNumber:
			PG_RETURN_BOOL(compare_bounds(range.low, query) <= 0);
		case BTEqualStrategyNumber:
			PG_RETURN_BOOL(compare_bounds(range.low, query) <= 0 &&
						   compare_bounds(range.high, query) >= 0);
		case BTGreaterEqualStrategyNumber:
			PG_RETURN_BOOL(compare_bounds(range.high, query) >= 0);
		case BTGreaterStrategyNumber:
			PG_RETURN_BOOL(compare_bounds(range.high, query) > 0);
		case ABOVE_STRATEGY:
			PG_RETURN_BOOL(meets_ancestors(range, query));
		case BELOW_STRATEGY:
			PG_RETURN_BOOL(meets_subtree(range, query));
		default:
			elog(ERROR, "unrecognized strategy number: %d", strategy);
	}
}

Datum
rbac_path_gist_union(PG_FUNCTION_ARGS)
{
	GistEntryVector *entries = (GistEntryVector *) PG_GETARG_POINTER(0);
	int		   *size = (int *) PG_GETARG_POINTER(1);
	Range		range = key_range(entries->vector[0].key);
	bytea	   *key;

	for (int i = 1; i < entries->n; i++)
		range = widen(range, key_range(entries->vector[i].key));

	key = make_key(range);
	*size = VARSIZE(key);
	PG_RETURN_BYTEA_P(key);
}

/* Inner entries are keys already */
Datum
rbac_path_gist_compress(PG_FUNCTION_ARGS)
{
	GISTENTRY  *entry = (GISTENTRY *) PG_GETARG_POINTER(0);
	GISTENTRY  *result = entry;

	if (entry->leafkey)
	{
		RbacPath   *path = DatumGetRbacPathP(entry->key);
		Range		range;

		range.low.data = RBAC_PATH_DATA(path);
		range.low.len = RBAC_PATH_LEN(path);
		range.high = range.low;

		result = palloc(sizeof(GISTENTRY));
		gistentryinit(*result, PointerGetDatum(make_key(range)),
					  entry->rel, entry->page, entry->offset, false);
	}

	PG_RETURN_POINTER(result);
}

Datum
rbac_path_gist_fetch(PG_FUNCTION_ARGS)
{
	GISTENTRY  *entry = (GISTENTRY *) PG_GETARG_POINTER(0);
	Range		range = key_range(entry->key);
	GISTENTRY  *result = palloc(sizeof(GISTENTRY));

	gistentryinit(*result, PointerGetDatum(rbac_path_make(range.low.data, range.low.len)),
				  entry->rel, entry->page, entry->offset, false);
	PG_RETURN_POINTER(result);
}

/* A bound's place among those with the same first "skip" bytes, in [0, 1) */
static double
position(Bound bound, int skip)
{
	double		result = 0;
	double		unit = 1;

	for (int i = skip; i < skip + PENALTY_BYTES; i++)
	{
		unit /= 256;
		if (i < bound.len)
			result += (unsigned char) bound.data[i] * unit;
	}
	return result;
}

/*
 * Widening is the dearer, the fewer bytes the two ends of the new range have
 * in common, and among equals the farther an end has to move.
 */
Datum
rbac_path_gist_penalty(PG_FUNCTION_ARGS)
{
	GISTENTRY  *old_entry = (GISTENTRY *) PG_GETARG_POINTER(0);
	GISTENTRY  *new_entry = (GISTENTRY *) PG_GETARG_POINTER(1);
	float	   *penalty = (float *) PG_GETARG_POINTER(2);
	Range		before = key_range(old_entry->key);
	Range		after = widen(before, key_range(new_entry->key));
	int			shorter = Min(after.low.len, after.high.len);
	int			common = 0;

	if (compare_bounds(before.low, after.low) == 0 &&
		compare_bounds(before.high, after.high) == 0)
	{
		*penalty = 0;
		PG_RETURN_POINTER(penalty);
	}

	while (common < shorter && after.low.data[common] == after.high.data[common])
		common++;

	/* Only the end that moved adds to the fraction */
	*penalty = (RBAC_PATH_MAX + 1 - common) +
		(position(after.high, common) - position(before.high, common)) +
		(position(before.low, common) - position(after.low, common));
	PG_RETURN_POINTER(penalty);
}

typedef struct SplitItem
{
	OffsetNumber offset;
	Range		range;
} SplitItem;

static int
compare_split_items(const void *x, const void *y)
{
	const SplitItem *a = x;
	const SplitItem *b = y;
	int			result = compare_bounds(a->range.low, b->range.low);

	return result != 0 ? result : compare_bounds(a->range.high, b->range.high);
}

/*
 * Split in pre-order, half to each page.
 */
Datum
rbac_path_gist_picksplit(PG_FUNCTION_ARGS)
{
	GistEntryVector *entries = (GistEntryVector *) PG_GETARG_POINTER(0);
	GIST_SPLITVEC *split = (GIST_SPLITVEC *) PG_GETARG_POINTER(1);
	int			count = entries->n - 1;	/* offsets begin with 1 */
	int			half = count / 2;
	SplitItem  *items = palloc(count * sizeof(SplitItem));
	Range		left;
	Range		right;

	for (int i = 0; i < count; i++)
	{
		items[i].offset = FirstOffsetNumber + i;
		items[i].range = key_range(entries->vector[FirstOffsetNumber + i].key);
	}
	qsort(items, count, sizeof(SplitItem), compare_split_items);

	split->spl_left = palloc(count * sizeof(OffsetNumber));
	split->spl_right = palloc(count * sizeof(OffsetNumber));
	split->spl_nleft = 0;
	split->spl_nright = 0;
	left = items[0].range;
	right = items[half].range;

	for (int i = 0; i < count; i++)
	{
		if (i < half)
		{
			left = widen(left, items[i].range);
			split->spl_left[split->spl_nleft++] = items[i].offset;
		}
		else
		{
			right = widen(right, items[i].range);
			split->spl_right[split->spl_nright++] = items[i].offset;
		}
	}

	split->spl_ldatum = PointerGetDatum(make_key(left));
	split->spl_rdatum = PointerGetDatum(make_key(right));
	PG_RETURN_POINTER(split);
}

Datum
rbac_path_gist_same(PG_FUNCTION_ARGS)
{
	Range		a = key_range(PG_GETARG_DATUM(0));
	Range		b = key_range(PG_GETARG_DATUM(1));
	bool	   *result = (bool *) PG_GETARG_POINTER(2);

	*result = compare_bounds(a.low, b.low) == 0 && compare_bounds(a.high, b.high) == 0;
	PG_RETURN_POINTER(result);
}

static int
compare_leaf_keys(Datum x, Datum y, SortSupport ssup)
{
	return compare_bounds(key_range(x).low, key_range(y).low);
}

Datum
rbac_path_gist_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);

	ssup->comparator = compare_leaf_keys;
	PG_RETURN_VOID();
}
