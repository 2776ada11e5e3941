/*-------------------------------------------------------------------------
 *
 * path_plan.c
 *	  What the planner may know of rbac_path: index conditions and estimates.
 *
 * Index conditions
 *
 * A btree knows neither ancestry operator, but operators that it knows say the
 * same, and exactly, so that an index scan need not evaluate the ancestry
 * operator on the rows that it finds:
 *
 *		path <@ 'acme.eng'	->	path >= 'acme.eng' AND path <= 'acme.eng.*'
 *		path @> 'acme.eng'	->	path = ANY ('{acme,acme.eng}')
 *
 * 'acme.eng.*' is how the end of a subtree (see path.h) is shown.  When the
 * other side is no constant, a parameter or another table's column, a call of
 * the function that makes the bound or the list replaces the constant and is
 * evaluated at each scan, so a generic plan stays right.
 *
 * Estimates
 *
 * A subtree is a range, but not one that core could estimate: core can't tell
 * how far apart two paths are, so it would estimate no rows for a subtree that
 * falls between two bounds of the histogram, and in a table of hundreds of
 * organizations each of them does.  Here, frequent values are looked at one by
 * one, histogram values inside the subtree are counted, and a subtree too small
 * for them is judged by its depth: an organization is not a single row, and a
 * project is less than an organization (see uncommon_fraction()).
 *
 * Core multiplies the estimates of the two conditions made above, unless it
 * recognizes a range, which it would get wrong as said.  So "<=" has an
 * estimator of its own, which core does not recognize as one end of a range.
 * For the end of a subtree it gives the factor that makes the product with
 * ">=" right.  The price is that a range that a user writes with ">=" and "<="
 * is estimated as two independent conditions; with "<" it is a range as usual.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "path.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

/* A subtree of which nothing is known: core's default for a range */
#define DEFAULT_SUBTREE_SEL		DEFAULT_RANGE_INEQ_SEL
/* Paths that an array is assumed to have when that is not known */
#define DEFAULT_SCOPES			10
/* Labels of a path that is not known: organization, unit, project, service */
#define DEFAULT_DEPTH			4
/* Values of one side of a join that are looked up in the other's statistics */
#define JOIN_SAMPLE				32

PG_FUNCTION_INFO_V1(rbac_path_below_support);
PG_FUNCTION_INFO_V1(rbac_path_above_support);
PG_FUNCTION_INFO_V1(rbac_path_lesel);
PG_FUNCTION_INFO_V1(rbac_path_below_sel);
PG_FUNCTION_INFO_V1(rbac_path_above_sel);
PG_FUNCTION_INFO_V1(rbac_path_below_any_sel);
PG_FUNCTION_INFO_V1(rbac_path_below_joinsel);
PG_FUNCTION_INFO_V1(rbac_path_above_joinsel);
PG_FUNCTION_INFO_V1(rbac_path_below_any_joinsel);

/* A column's statistics; without most common values and histogram, both empty */
typedef struct PathStats
{
	double		nullfrac;
	double		distinct;		/* number of values that are not common ones */
	double		common;			/* sum of the common values' frequencies */
	double		depth;			/* labels of a value, on the average */
	AttStatsSlot mcv;
	AttStatsSlot histogram;
} PathStats;


/*
 * Index conditions
 */

/*
 * Call an internal function of one path, which stands in the same schema as
 * the function being planned.
 */
static Expr *
make_call(const char *name, Oid neighbor, Oid rettype, Oid argtype, Node *arg)
{
	oidvector  *argtypes = buildoidvector(&argtype, 1);
	Oid			funcid;

	funcid = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
							 CStringGetDatum(name),
							 PointerGetDatum(argtypes),
							 ObjectIdGetDatum(get_func_namespace(neighbor)));
	if (!OidIsValid(funcid))
		return NULL;

	return (Expr *) makeFuncExpr(funcid, rettype, list_make1(arg),
								 InvalidOid, RBAC_MADE_BY_PLANNER, COERCE_EXPLICIT_CALL);
}

/*
 * column <@ path, as a range
 */
static List *
subtree_condition(SupportRequestIndexCondition *req, Oid type, Node *column, Node *path)
{
	Oid			ge = get_opfamily_member(req->opfamily, type, type,
										 BTGreaterEqualStrategyNumber);
	Oid			le = get_opfamily_member(req->opfamily, type, type,
										 BTLessEqualStrategyNumber);
	Expr	   *end;

	if (!OidIsValid(ge) || !OidIsValid(le))
		return NIL;

	if (IsA(path, Const))
	{
		RbacPath   *value = DatumGetRbacPathP(((Const *) path)->constvalue);

		end = (Expr *) makeConst(type, -1, InvalidOid, -1,
								 PointerGetDatum(rbac_path_make_subtree_end(RBAC_PATH_DATA(value),
																			RBAC_PATH_LEN(value))),
								 false, false);
	}
	else
		end = make_call("rbac_path_subtree_end", req->funcid, type, type, path);

	if (end == NULL)
		return NIL;

	return list_make2(make_opclause(ge, BOOLOID, false, (Expr *) column, (Expr *) path,
									InvalidOid, InvalidOid),
					  make_opclause(le, BOOLOID, false, (Expr *) column, end,
									InvalidOid, InvalidOid));
}

/*
 * column @> path, as a list of values
 */
static List *
ancestors_condition(SupportRequestIndexCondition *req, Oid type, Node *column, Node *path)
{
	Oid			eq = get_opfamily_member(req->opfamily, type, type, BTEqualStrategyNumber);
	Oid			arraytype = get_array_type(type);
	Expr	   *array;
	ScalarArrayOpExpr *clause;

	if (!OidIsValid(eq) || !OidIsValid(arraytype))
		return NIL;

	if (IsA(path, Const))
	{
		RbacPath   *value = DatumGetRbacPathP(((Const *) path)->constvalue);

		array = (Expr *) makeConst(arraytype, -1, InvalidOid, -1,
								   PointerGetDatum(rbac_path_ancestor_array(RBAC_PATH_DATA(value),
																			RBAC_PATH_LEN(value),
																			true, type)),
								   false, false);
	}
	else
		array = make_call("rbac_path_and_ancestors", req->funcid, arraytype, type, path);

	if (array == NULL)
		return NIL;

	clause = makeNode(ScalarArrayOpExpr);
	clause->opno = eq;
	clause->opfuncid = get_opcode(eq);
	clause->useOr = true;
	clause->args = list_make2(column, array);
	clause->location = -1;
	return list_make1(clause);
}

/*
 * Work of the two support functions.  "inner" is the number of the argument
 * that is at or below the other.
 */
static Node *
support(Node *rawreq, int inner)
{
	SupportRequestIndexCondition *req;
	List	   *args;
	Node	   *column;
	Node	   *path;
	Oid			type;
	List	   *result;

	if (!IsA(rawreq, SupportRequestIndexCondition))
		return NULL;

	req = (SupportRequestIndexCondition *) rawreq;
	if (req->index->relam != BTREE_AM_OID)
		return NULL;

	if (is_opclause(req->node))
		args = ((OpExpr *) req->node)->args;
	else if (is_funcclause(req->node))
		args = ((FuncExpr *) req->node)->args;
	else
		return NULL;

	if (list_length(args) != 2)
		return NULL;

	column = list_nth(args, req->indexarg);
	path = list_nth(args, 1 - req->indexarg);
	type = req->index->opcintype[req->indexcol];

	/* Nothing is at or below null; the executor finds that by itself */
	if (IsA(path, Const) && ((Const *) path)->constisnull)
		return NULL;

	if (!is_pseudo_constant_for_index(req->root, path, req->index))
		return NULL;

	if (req->indexarg == inner)
		result = subtree_condition(req, type, column, path);
	else
		result = ancestors_condition(req, type, column, path);

	req->lossy = false;
	return (Node *) result;
}

Datum
rbac_path_below_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(support((Node *) PG_GETARG_POINTER(0), 0));
}

Datum
rbac_path_above_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(support((Node *) PG_GETARG_POINTER(0), 1));
}


/*
 * Statistics
 */

/*
 * Load what is known of a column.  Values are left out where the user may not
 * see them and the operator could tell.  To be freed with free_stats().
 */
static void
load_stats(VariableStatData *vardata, Oid opno, PathStats *stats)
{
	AttStatsSlot *sample;
	bool		isdefault;

	memset(stats, 0, sizeof(PathStats));
	stats->depth = DEFAULT_DEPTH;
	stats->distinct = get_variable_numdistinct(vardata, &isdefault);

	if (!HeapTupleIsValid(vardata->statsTuple))
		return;

	stats->nullfrac = ((Form_pg_statistic) GETSTRUCT(vardata->statsTuple))->stanullfrac;

	if (!statistic_proc_security_check(vardata, get_opcode(opno)))
		return;

	get_attstatsslot(&stats->mcv, vardata->statsTuple, STATISTIC_KIND_MCV,
					 InvalidOid, ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS);
	get_attstatsslot(&stats->histogram, vardata->statsTuple, STATISTIC_KIND_HISTOGRAM,
					 InvalidOid, ATTSTATSSLOT_VALUES);

	for (int i = 0; i < stats->mcv.nnumbers; i++)
		stats->common += stats->mcv.numbers[i];
	stats->distinct = Max(stats->distinct - stats->mcv.nvalues, 1.0);

	sample = stats->histogram.nvalues > 0 ? &stats->histogram : &stats->mcv;
	if (sample->nvalues > 0)
	{
		double		labels = 0;

		for (int i = 0; i < sample->nvalues; i++)
		{
			Pointer		value = DatumGetPointer(sample->values[i]);

			labels += rbac_path_depth(RBAC_PATH_DATA(value), RBAC_PATH_LEN(value));
		}
		stats->depth = labels / sample->nvalues;
	}
}

static void
free_stats(PathStats *stats)
{
	free_attstatsslot(&stats->mcv);
	free_attstatsslot(&stats->histogram);
}

static inline bool
has_values(const PathStats *stats)
{
	return stats->mcv.nvalues > 0 || stats->histogram.nvalues > 0;
}

/* Fraction of rows that hold a value, but none of the most common ones */
static inline double
uncommon(const PathStats *stats)
{
	return Max(1.0 - stats->nullfrac - stats->common, 0.0);
}

/*
 * Number of histogram values up to a path, or, if "end", up to the end of its
 * subtree.
 */
static int
histogram_rank(const PathStats *stats, const RbacScope *scope, bool end)
{
	int			low = 0;
	int			high = stats->histogram.nvalues;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		Pointer		value = DatumGetPointer(stats->histogram.values[middle]);
		const char *data = RBAC_PATH_DATA(value);
		int			len = RBAC_PATH_LEN(value);

		if (rbac_path_compare(data, len, scope->data, scope->len) <= 0 ||
			(end && rbac_path_contains(scope->data, scope->len, data, len)))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Where in the histogram a bound with that rank is, in buckets: in the middle
 * of one, if not at either end.
 */
static double
histogram_position(const PathStats *stats, int rank)
{
	int			buckets = stats->histogram.nvalues - 1;

	if (rank == 0)
		return 0;
	if (rank > buckets)
		return buckets;
	return rank - 0.5;
}

/*
 * Number of labels that two paths have in common.
 */
static int
common_depth(Datum a, Datum b)
{
	const char *adata = RBAC_PATH_DATA(DatumGetPointer(a));
	const char *bdata = RBAC_PATH_DATA(DatumGetPointer(b));
	int			alen = RBAC_PATH_LEN(DatumGetPointer(a));
	int			blen = RBAC_PATH_LEN(DatumGetPointer(b));
	int			depth = 0;

	for (int i = 0; i <= alen && i <= blen; i++)
	{
		bool		aend = (i == alen || adata[i] == RBAC_PATH_SEPARATOR);
		bool		bend = (i == blen || bdata[i] == RBAC_PATH_SEPARATOR);

		if (aend != bend || (!aend && adata[i] != bdata[i]))
			break;
		if (aend)
			depth++;
	}
	return depth;
}

/*
 * A subtree's part of the values that are not common ones.
 *
 * With several histogram values inside, these tell.  Otherwise the subtree is
 * smaller than about a bucket.  From the level on at which the histogram values
 * around it part, all subtrees are smaller than a bucket; from there, sizes are
 * assumed to fall by the same factor at each level, down to the single value at
 * average depth.  If one value is inside, the subtree can be near a bucket's
 * size or have been hit by chance, and a size between is the answer.
 */
static double
uncommon_fraction(const PathStats *stats, const RbacScope *scope)
{
	int			buckets = stats->histogram.nvalues - 1;
	int			before = histogram_rank(stats, scope, false);
	int			end = histogram_rank(stats, scope, true);
	double		single = 1.0 / stats->distinct;
	int			level = 1;
	int			below;
	double		fraction;

	if (end - before > 1)
	{
		fraction = histogram_position(stats, end) - histogram_position(stats, before);
		return fraction / buckets;
	}

	if (before > 0 && end <= buckets)
		level += common_depth(stats->histogram.values[before - 1],
							  stats->histogram.values[end]);

	fraction = pow(single, Min(level / stats->depth, 1.0));
	if (buckets > 0)
		fraction = Max(Min(fraction, 0.5 / buckets), single);

	below = rbac_path_depth(scope->data, scope->len) - level;
	if (below >= stats->depth - level)
		fraction = single;
	else if (below > 0)
		fraction *= pow(single / fraction, below / (stats->depth - level));

	return end > before ? sqrt(fraction / buckets) : fraction;
}

/*
 * Fraction of a column's rows that are in any of several subtrees.
 */
static double
scopes_selectivity(const PathStats *stats, const RbacScopeSet *set)
{
	double		fraction = 0;
	double		selec = 0;

	if (!has_values(stats))
		return (1 - stats->nullfrac) * Min(set->count * DEFAULT_SUBTREE_SEL, 1.0);

	for (int i = 0; i < stats->mcv.nvalues; i++)
	{
		Pointer		value = DatumGetPointer(stats->mcv.values[i]);

		if (rbac_scope_set_contains(set, RBAC_PATH_DATA(value), RBAC_PATH_LEN(value)))
			selec += stats->mcv.numbers[i];
	}

	for (int i = 0; i < set->count; i++)
		fraction += uncommon_fraction(stats, &set->scopes[i]);

	return selec + uncommon(stats) * Min(fraction, 1.0);
}

static double
subtree_selectivity(const PathStats *stats, const char *data, int len)
{
	RbacScopeSet *set = palloc(offsetof(RbacScopeSet, scopes) + sizeof(RbacScope));
	double		selec;

	set->count = 1;
	set->scopes[0].data = data;
	set->scopes[0].len = len;
	selec = scopes_selectivity(stats, set);
	pfree(set);

	return selec;
}

/*
 * Fraction of a column's rows that hold a path or one of its ancestors.  An
 * ancestor that is no common value counts as an average one of the others.
 */
static double
ancestors_selectivity(const PathStats *stats, const char *data, int len)
{
	int			others = rbac_path_depth(data, len);
	double		selec = 0;

	for (int i = 0; i < stats->mcv.nvalues; i++)
	{
		Pointer		value = DatumGetPointer(stats->mcv.values[i]);

		if (rbac_path_contains(RBAC_PATH_DATA(value), RBAC_PATH_LEN(value), data, len))
		{
			selec += stats->mcv.numbers[i];
			others--;
		}
	}

	return selec + uncommon(stats) * Min(others / stats->distinct, 1.0);
}

/*
 * Average selectivity, in the lower column, of the subtrees of some of a
 * slot's values.
 */
static double
average_subtree(const PathStats *lower, const AttStatsSlot *slot)
{
	int			count = Min(slot->nvalues, JOIN_SAMPLE);
	double		sum = 0;

	for (int i = 0; i < count; i++)
	{
		Pointer		value = DatumGetPointer(slot->values[i * slot->nvalues / count]);

		sum += subtree_selectivity(lower, RBAC_PATH_DATA(value), RBAC_PATH_LEN(value));
	}
	return count > 0 ? sum / count : 0;
}

/*
 * Fraction of the pairs of two columns' rows of which the lower is at or below
 * the upper.  With statistics of both, values of the upper one are looked up in
 * the lower's; else each lower row is assumed to be below one of the upper values.
 */
static double
pair_selectivity(VariableStatData *lowervar, VariableStatData *uppervar, Oid opno)
{
	PathStats	lower;
	PathStats	upper;
	double		selec;

	load_stats(lowervar, opno, &lower);
	load_stats(uppervar, opno, &upper);

	if (has_values(&lower) && has_values(&upper))
		selec = upper.common * average_subtree(&lower, &upper.mcv) +
			uncommon(&upper) * average_subtree(&lower, &upper.histogram);
	else
		selec = (1 - lower.nullfrac) * (1 - upper.nullfrac) / Max(upper.distinct, 1.0);

	free_stats(&lower);
	free_stats(&upper);
	return selec;
}


/*
 * Restriction estimators
 */

/*
 * Work of the estimators of <@ and @>.  "inner" is the number of the argument
 * that is at or below the other.
 */
static double
restriction(FunctionCallInfo fcinfo, int inner)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	Oid			opno = PG_GETARG_OID(1);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	int			varRelid = PG_GETARG_INT32(3);
	VariableStatData vardata;
	PathStats	stats;
	Node	   *other;
	bool		varonleft;
	bool		subtree;
	double		selec;

	if (!get_restriction_variable(root, args, varRelid, &vardata, &other, &varonleft))
		return DEFAULT_SUBTREE_SEL;

	subtree = (varonleft ? 0 : 1) == inner;
	load_stats(&vardata, opno, &stats);

	if (IsA(other, Const) && ((Const *) other)->constisnull)
		selec = 0;
	else if (IsA(other, Const))
	{
		RbacPath   *path = DatumGetRbacPathP(((Const *) other)->constvalue);

		if (subtree)
			selec = subtree_selectivity(&stats, RBAC_PATH_DATA(path), RBAC_PATH_LEN(path));
		else
			selec = ancestors_selectivity(&stats, RBAC_PATH_DATA(path), RBAC_PATH_LEN(path));
	}
	else
	{
		VariableStatData othervar;

		examine_variable(root, other, 0, &othervar);
		if (!subtree)
			selec = (1 - stats.nullfrac) * DEFAULT_DEPTH / stats.distinct;
		else if (HeapTupleIsValid(othervar.statsTuple))
			selec = pair_selectivity(&vardata, &othervar, opno);
		else
			selec = (1 - stats.nullfrac) * DEFAULT_SUBTREE_SEL;
		ReleaseVariableStats(othervar);
	}

	free_stats(&stats);
	ReleaseVariableStats(vardata);

	CLAMP_PROBABILITY(selec);
	return selec;
}

Datum
rbac_path_below_sel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(restriction(fcinfo, 0));
}

Datum
rbac_path_above_sel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(restriction(fcinfo, 1));
}

/*
 * path <@ paths, and its commutator
 */
Datum
rbac_path_below_any_sel(PG_FUNCTION_ARGS)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	Oid			opno = PG_GETARG_OID(1);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	int			varRelid = PG_GETARG_INT32(3);
	VariableStatData vardata;
	PathStats	stats;
	Node	   *other;
	bool		varonleft;
	double		selec = DEFAULT_SCOPES * DEFAULT_SUBTREE_SEL;

	if (!get_restriction_variable(root, args, varRelid, &vardata, &other, &varonleft))
		PG_RETURN_FLOAT8(selec);

	load_stats(&vardata, opno, &stats);

	/* Nothing is known of a column of arrays */
	if (IsA(other, Const) && ((Const *) other)->constisnull)
		selec = 0;
	else if (IsA(other, Const) && OidIsValid(get_base_element_type(exprType(other))))
	{
		RbacScopeSet *set = rbac_scope_set_make(DatumGetArrayTypeP(((Const *) other)->constvalue));

		selec = scopes_selectivity(&stats, set);
	}

	free_stats(&stats);
	ReleaseVariableStats(vardata);

	CLAMP_PROBABILITY(selec);
	PG_RETURN_FLOAT8(selec);
}

/*
 * Is an expression a call that makes the end of a subtree?
 */
static bool
makes_subtree_end(Node *node)
{
	FmgrInfo	finfo;

	if (!IsA(node, FuncExpr))
		return false;

	fmgr_info(((FuncExpr *) node)->funcid, &finfo);
	return finfo.fn_addr == rbac_path_subtree_end;
}

/*
 * path <= bound
 *
 * For the end of a subtree the answer is not the fraction of all rows that are
 * before it, but that of the rows that ">=" has left (see at the top).
 */
Datum
rbac_path_lesel(PG_FUNCTION_ARGS)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	Oid			opno = PG_GETARG_OID(1);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	int			varRelid = PG_GETARG_INT32(3);
	VariableStatData vardata;
	Node	   *other;
	bool		varonleft;
	double		selec = -1;

	if (!get_restriction_variable(root, args, varRelid, &vardata, &other, &varonleft))
		PG_RETURN_FLOAT8(DEFAULT_INEQ_SEL);

	if (varonleft && IsA(other, Const) && !((Const *) other)->constisnull)
	{
		Const	   *bound = (Const *) other;
		RbacPath   *end = DatumGetRbacPathP(bound->constvalue);

		if (rbac_path_is_subtree_end(RBAC_PATH_DATA(end), RBAC_PATH_LEN(end)))
		{
			RbacPath   *path = rbac_path_make(RBAC_PATH_DATA(end), RBAC_PATH_LEN(end) - 1);
			Const	   *start = makeConst(bound->consttype, -1, InvalidOid, -1,
										  PointerGetDatum(path), false, false);
			PathStats	stats;
			double		not_before;

			not_before = restriction_selectivity(root, get_commutator(opno),
												 list_make2(linitial(args), start),
												 InvalidOid, varRelid);

			load_stats(&vardata, opno, &stats);
			selec = subtree_selectivity(&stats, RBAC_PATH_DATA(path), RBAC_PATH_LEN(path));
			free_stats(&stats);

			selec = not_before > 0 ? selec / not_before : 1;
			CLAMP_PROBABILITY(selec);
		}
	}
	else if (varonleft && makes_subtree_end(other))
		selec = DEFAULT_SUBTREE_SEL / DEFAULT_INEQ_SEL;

	ReleaseVariableStats(vardata);

	if (selec >= 0)
		PG_RETURN_FLOAT8(selec);

	return scalarlesel(fcinfo);
}


/*
 * Join estimators
 */

/*
 * Work of the estimators of <@ and @>, as restriction() is.
 */
static double
join(FunctionCallInfo fcinfo, int inner)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	Oid			opno = PG_GETARG_OID(1);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	SpecialJoinInfo *sjinfo = (SpecialJoinInfo *) PG_GETARG_POINTER(4);
	VariableStatData vardata[2];
	bool		reversed;
	double		selec;

	get_join_variables(root, args, sjinfo, &vardata[0], &vardata[1], &reversed);

	selec = pair_selectivity(&vardata[inner], &vardata[1 - inner], opno);

	/* A row of the left-hand side that matches several counts once */
	if (sjinfo->jointype == JOIN_SEMI || sjinfo->jointype == JOIN_ANTI)
	{
		RelOptInfo *rhs = vardata[reversed ? 0 : 1].rel;

		selec *= rhs ? Max(rhs->rows, 1.0) : 1.0;
	}

	ReleaseVariableStats(vardata[0]);
	ReleaseVariableStats(vardata[1]);

	CLAMP_PROBABILITY(selec);
	return selec;
}

Datum
rbac_path_below_joinsel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(join(fcinfo, 0));
}

Datum
rbac_path_above_joinsel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(join(fcinfo, 1));
}

/*
 * Nothing is known of a column of arrays.
 */
Datum
rbac_path_below_any_joinsel(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(DEFAULT_SCOPES * DEFAULT_SUBTREE_SEL);
}
