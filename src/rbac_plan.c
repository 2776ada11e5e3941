/*-------------------------------------------------------------------------
 *
 * rbac_plan.c
 *	  What the planner is told about decision functions.
 *
 * A policy is a call of a decision function on a column:
 *
 *		rbac_has_permission(project, 'project:services:read')
 *
 * For a principal who reaches few resources the planner is offered a condition
 * that says the same and that an index knows:
 *
 *		project = ANY (aiven_rbac.reachable_ids('{project:services:read}'))
 *
 * The function in it is evaluated when a scan starts, for whoever is the
 * session's principal then, and gives all resources in reach (rbac_reach.c).
 * So the condition is exact, and right under every principal, even if the plan
 * was made under another: nothing of a principal's rights is ever in a plan.
 * What is in it is a shape that was good for the one who planned.
 *
 * For a principal who reaches most resources, or very many, a list would be
 * longer than the scan that it saves; there the function remains a filter, and
 * the planner is told what part of the rows passes.  On a path column, a principal who holds
 * everything from one place down gets the range of that subtree:
 *
 *		project >= aiven_rbac.reach_begin(...) AND project <= aiven_rbac.reach_end(...)
 *
 * For several places these are the ends of all of them, so the range is lossy
 * and the function stays as a filter.
 *
 * A plan that can be used again has to be remade when a principal comes for
 * whom another shape is good.  PostgreSQL's plan cache watches relations, so
 * such plans are made to depend on an empty table, and when the session's
 * principal changes width for a name that a plan depends on, this session
 * alone is told that the table changed.
 *
 * The principal can change where nothing can be looked up: a transaction ends,
 * a savepoint is rolled back.  So whatever changes it only counts
 * (rbac_session_epoch), and rbac_plan_follow_principal() does the rest when it
 * is next safe: at once when somebody logs in, and otherwise when a plan that
 * depends on the width is started.  That one run has the plan that was there,
 * and the next has a new one.  To wait for a use is also what keeps plans when
 * a pooled session has no principal between its transactions.
 *
 * A support function must not fail: where something is unknown, it returns
 * NULL and the planner does what it does for any function.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/amapi.h"
#include "access/stratnum.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "parser/parse_func.h"
#include "storage/sinval.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/selfuncs.h"

#include "compat.h"
#include "rbac_decide.h"
#include "rbac_reach.h"
#include "rbac_session.h"
#include "rbac_plan.h"

/* Values of a column's statistics that are judged for an estimate */
#define SAMPLE_FOR_KINDS	8
#define SAMPLE_FOR_WIDE		32

/* Selectivity for a wide principal when nothing is known of the column */
#define DEFAULT_WIDE_SEL	0.5

/* A decision costs about two simple operators. */
#define DECISION_COST		2

PG_FUNCTION_INFO_V1(rbac_decision_support);
PG_FUNCTION_INFO_V1(rbac_reachable_ids);
PG_FUNCTION_INFO_V1(rbac_reachable_paths);
PG_FUNCTION_INFO_V1(rbac_reach_begin);
PG_FUNCTION_INFO_V1(rbac_reach_end);

/* For what kind of principal a plan is good */
typedef enum Width
{
	WIDTH_NARROW,				/* a list */
	WIDTH_SUBTREE,				/* wide, but all in one place: a range of paths, a filter of ids */
	WIDTH_LISTED_SUBTREE,		/* the same, but a list of ids */
	WIDTH_WIDE					/* a filter */
} Width;

/*
 * Names that plans of this session depend on, with the width that they were
 * made for.  There are as many as there are different policies; should
 * somebody query for ever more combinations, those not planned for longest are
 * forgotten, and their plans keep the shape that they have.
 */
#define MAX_DEPENDENCES		64

typedef struct Dependence
{
	NameList   *names;
	Width		width;
} Dependence;

static Dependence dependences[MAX_DEPENDENCES];	/* the last planned for first */
static int	ndependences = 0;
static Oid	plan_signal;		/* the table that plans depend on */
static uint64 followed_state;	/* of the principal that the widths are of */

static ExecutorStart_hook_type previous_hook = NULL;

/* A call of a decision function, as far as it can be planned */
typedef struct DecisionCall
{
	Node	   *column;
	NameList   *names;
	Const	   *names_array;	/* the same as text[] */
} DecisionCall;

/*
 * Take a call (resource, name) or (resource, names) apart.
 */
static bool
take_apart(List *args, DecisionCall *call)
{
	Const	   *names;

	if (list_length(args) != 2 || !IsA(lsecond(args), Const))
		return false;
	call->column = linitial(args);
	names = lsecond_node(Const, args);
	if (names->constisnull || (names->consttype != TEXTOID && names->consttype != TEXTARRAYOID))
		return false;
	call->names = rbac_names_make(names->constvalue, names->consttype);
	call->names_array = names->consttype == TEXTARRAYOID ? names :
		makeConst(TEXTARRAYOID, -1, names->constcollid, -1,
				  PointerGetDatum(construct_array(&names->constvalue, 1, TEXTOID, -1, false,
												  TYPALIGN_INT)),
				  false, false);
	return true;
}

/*
 * The session's principal's entry, pinned, with which the names are resolved.
 * NULL for no principal, or if one of the names is unknown (the error belongs
 * to the execution).
 */
static PrincipalEntry *
pin_session(NameList *names)
{
	Subject		subject;
	PrincipalEntry *entry;

	if (!rbac_session_subject(NULL, &subject))
		return NULL;
	entry = rbac_cache_pin(&subject, rbac_instant());
	if (rbac_names_resolve(entry->catalogue, names) && rbac_principal_unknown_name(entry->principal, names) == NULL)
		return entry;
	rbac_cache_unpin(entry);
	return NULL;
}

static Width
width_of(const Reach *reach)
{
	if (!reach->wide)
		return WIDTH_NARROW;
	if (reach->nscopes == 1 && reach->exact)
		return reach->listed ? WIDTH_LISTED_SUBTREE : WIDTH_SUBTREE;
	return reach->listed ? WIDTH_NARROW : WIDTH_WIDE;
}

/*
 * Is every name known?  Then no principal, which holds nothing, is narrow;
 * otherwise the error belongs to the execution.
 */
static bool
all_known(NameList *names)
{
	Catalogue  *catalogue = rbac_catalogue_acquire();
	bool		known = rbac_names_resolve(catalogue, names);

	rbac_catalogue_release(catalogue);
	return known;
}

/*
 * Has a principal so few grants, all of them on projects, that it is narrow
 * for whatever name?  This spares those who come once, for a row or two, the
 * walk through all that they reach.
 */
static bool
is_plainly_narrow(const Principal *principal)
{
	if (principal->ngrants > RBAC_NARROW_LIMIT / 10)
		return false;
	for (int i = 0; i < principal->ngrants; i++)
	{
		if (principal->grants[i].active && principal->grants[i].kind < RBAC_PROJECT)
			return false;
	}
	return true;
}

/*
 * The width of a pinned entry's principal for some names.  A reach that is in
 * the cache is found by a comparison of strings.
 */
static Width
entry_width(PrincipalEntry *entry, NameList *names)
{
	return is_plainly_narrow(entry->principal) ? WIDTH_NARROW : width_of(rbac_reach(entry, names));
}

/*
 * The width of the session's principal for some names; false if one of them is
 * unknown.
 */
static bool
session_width(NameList *names, Width *width)
{
	PrincipalEntry *entry = pin_session(names);

	if (entry == NULL)
	{
		*width = WIDTH_NARROW;
		return rbac_session_get() == NULL && all_known(names);
	}
	PG_TRY();
	{
		*width = entry_width(entry, names);
	}
	PG_FINALLY();
	{
		rbac_cache_unpin(entry);
	}
	PG_END_TRY();
	return true;
}

/*
 * Let the plans that depend on somebody's width be remade, in this session.
 */
static void
remake_plans(void)
{
	SharedInvalidationMessage message;

	memset(&message, 0, sizeof(message));
	message.rc.id = SHAREDINVALRELCACHE_ID;
	message.rc.dbId = MyDatabaseId;
	message.rc.relId = plan_signal;
	LocalExecuteInvalidationMessage(&message);
}

/*
 * The plan being made is good for principals of this width.  Others that were
 * made for another width are remade.
 */
static void
depend_on_width(PlannerInfo *root, const DecisionCall *call, Width width)
{
	Dependence	found;
	int			i = 0;

	plan_signal = rbac_table_oid(RBAC_TABLE_PLAN_SIGNAL);
	root->glob->relationOids = list_append_unique_oid(root->glob->relationOids, plan_signal);
	while (i < ndependences && !rbac_names_equal(dependences[i].names, call->names))
		i++;
	if (i < ndependences)
	{
		found = dependences[i];
		if (found.width != width)
			remake_plans();
	}
	else
	{
		MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

		found.names = rbac_names_copy(call->names);
		MemoryContextSwitchTo(caller);
		if (ndependences < MAX_DEPENDENCES)
			ndependences++;
		else
			pfree(dependences[--i].names);
	}
	memmove(&dependences[1], &dependences[0], i * sizeof(Dependence));
	found.width = width;
	dependences[0] = found;
}

/*
 * If the session has another principal than when this was last called, and a
 * plan depends on the width of the one before where this one's is different,
 * let the plans be remade.
 */
void
rbac_plan_follow_principal(void)
{
	uint64		state = rbac_session_state();
	bool		told = false;

	if (followed_state == state)
		return;
	for (int i = 0; i < ndependences; i++)
	{
		Width		width;

		if (!session_width(dependences[i].names, &width) || width == dependences[i].width)
			continue;
		if (!told)
			remake_plans();
		told = true;
		dependences[i].width = width;
	}
	followed_state = state;
}

/*
 * Before a plan is started that depends on the width of a principal
 */
static void
follow_and_start(QueryDesc *query, int eflags)
{
	if (unlikely(followed_state != rbac_session_state() && ndependences > 0 &&
				 list_member_oid(query->plannedstmt->relationOids, plan_signal)))
		rbac_plan_follow_principal();
	if (previous_hook)
		previous_hook(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
}

void
rbac_plan_init(void)
{
	previous_hook = ExecutorStart_hook;
	ExecutorStart_hook = follow_and_start;
}

/*
 * Is the row found by a unique index anyway?  Then nothing is gained by
 * looking at the principal.
 */
static bool
found_by_unique_index(PlannerInfo *root, RelOptInfo *rel)
{
	return rel->reloptkind != RELOPT_JOINREL &&
		rbac_pinned_by_unique_index(root, rel);
}

/*
 * Does the query compare the column for equality, with a value or with each
 * of a list?  Then that condition has already been counted, and what is left
 * to estimate is whether the values pass; and an index has what it needs.
 */
static bool
compared_for_equality(RelOptInfo *rel, Node *column)
{
	ListCell   *lc;

	foreach(lc, rel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		ScalarArrayOpExpr *any = (ScalarArrayOpExpr *) rinfo->clause;

		if (rinfo->mergeopfamilies != NIL && is_opclause(rinfo->clause) &&
			(equal(get_leftop(rinfo->clause), column) || equal(get_rightop(rinfo->clause), column)))
			return true;
		if (IsA(any, ScalarArrayOpExpr) && any->useOr && equal(linitial(any->args), column) &&
			op_mergejoinable(any->opno, exprType(column)))
			return true;
	}
	return false;
}

/*
 * The relation that a column, or an id that is made from one, is of.
 */
static RelOptInfo *
relation_of(PlannerInfo *root, Node *column)
{
	int			varno;

	if (root == NULL || !bms_get_singleton_member(pull_varnos(root, column), &varno))
		return NULL;
	return varno < root->simple_rel_array_size ? root->simple_rel_array[varno] : NULL;
}

static Expr *
call_with_names(const char *function, Oid result, const DecisionCall *call)
{
	Oid			argument = TEXTARRAYOID;
	Oid			id = LookupFuncName(list_make2(makeString("aiven_rbac"), makeString(pstrdup(function))),
									1, &argument, true);

	if (!OidIsValid(id))
		return NULL;
	return (Expr *) makeFuncExpr(id, result, list_make1(call->names_array),
								 InvalidOid, RBAC_MADE_BY_PLANNER, COERCE_EXPLICIT_CALL);
}

static bool
is_list_condition(const RestrictInfo *rinfo)
{
	const ScalarArrayOpExpr *any = (const ScalarArrayOpExpr *) rinfo->clause;
	const FuncExpr *list;

	if (!IsA(any, ScalarArrayOpExpr))
		return false;
	list = (const FuncExpr *) lsecond(any->args);
	return IsA(list, FuncExpr) && list->inputcollid == RBAC_MADE_BY_PLANNER;
}

/*
 * The cost of an index scan, in which a list is as selective as the call that it
 * stands for.  The planner would make the list, and look each element up in the
 * statistics.
 */
static amcostestimate_function btree_cost = NULL;

static void
cost_with_list(PlannerInfo *root, IndexPath *path, double loop_count, Cost *startup, Cost *total,
			   Selectivity *selectivity, double *correlation, double *pages)
{
	ListCell   *clause;
	ListCell   *condition;

	foreach(clause, path->indexclauses)
	{
		IndexClause *index_clause = lfirst_node(IndexClause, clause);

		foreach(condition, index_clause->indexquals)
		{
			RestrictInfo *rinfo = lfirst_node(RestrictInfo, condition);

			if (rinfo != index_clause->rinfo && is_list_condition(rinfo))
				rinfo->norm_selec = clause_selectivity(root, (Node *) index_clause->rinfo,
													   path->indexinfo->rel->relid, JOIN_INNER, NULL);
		}
	}
	btree_cost(root, path, loop_count, startup, total, selectivity, correlation, pages);
}

static List *
list_condition(SupportRequestIndexCondition *req, const DecisionCall *call, Oid type)
{
	Oid			equal_op = get_opfamily_member(req->opfamily, type, type, BTEqualStrategyNumber);
	Expr	   *list = call_with_names(type == UUIDOID ? "reachable_ids" : "reachable_paths",
									   get_array_type(type), call);
	ScalarArrayOpExpr *condition;

	if (!OidIsValid(equal_op) || list == NULL)
		return NIL;

	/*
	 * The processes of a parallel index scan share a position in the list, so
	 * they must have the same one; but each makes its own, and a change could
	 * come in between.  What a narrow principal reads is not worth sharing.
	 */
	req->index->amcanparallel = false;
	if ((amcostestimate_function) req->index->amcostestimate != cost_with_list)
		btree_cost = (amcostestimate_function) req->index->amcostestimate;
	req->index->amcostestimate = cost_with_list;

	condition = makeNode(ScalarArrayOpExpr);
	condition->opno = equal_op;
	condition->opfuncid = get_opcode(equal_op);
	condition->useOr = true;
	condition->args = list_make2(call->column, list);
	condition->location = -1;
	req->lossy = false;
	return list_make1(condition);
}

static List *
range_condition(SupportRequestIndexCondition *req, const DecisionCall *call, Oid type)
{
	Oid			ge = get_opfamily_member(req->opfamily, type, type, BTGreaterEqualStrategyNumber);
	Oid			le = get_opfamily_member(req->opfamily, type, type, BTLessEqualStrategyNumber);
	Expr	   *begin = call_with_names("reach_begin", type, call);
	Expr	   *end = call_with_names("reach_end", type, call);

	if (!OidIsValid(ge) || !OidIsValid(le) || begin == NULL || end == NULL)
		return NIL;
	req->lossy = true;
	return list_make2(make_opclause(ge, BOOLOID, false, (Expr *) call->column, begin,
									InvalidOid, InvalidOid),
					  make_opclause(le, BOOLOID, false, (Expr *) call->column, end,
									InvalidOid, InvalidOid));
}

static List *
index_condition(SupportRequestIndexCondition *req)
{
	DecisionCall call;
	Oid			type;
	Width		width;

	if (req->indexarg != 0 || !IsA(req->node, FuncExpr) || req->index->relam != BTREE_AM_OID ||
		!take_apart(((FuncExpr *) req->node)->args, &call) ||
		compared_for_equality(req->index->rel, call.column) ||
		found_by_unique_index(req->root, req->index->rel) ||
		!session_width(call.names, &width))
		return NIL;

	depend_on_width(req->root, &call, width);
	type = exprType(call.column);
	switch (width)
	{
		case WIDTH_NARROW:
			return list_condition(req, &call, type);
		case WIDTH_SUBTREE:
			return type == UUIDOID ? NIL : range_condition(req, &call, type);
		case WIDTH_LISTED_SUBTREE:
			return type == UUIDOID ? list_condition(req, &call, type) : range_condition(req, &call, type);
		case WIDTH_WIDE:
			break;
	}
	return NIL;
}

/*
 * Judge up to "wanted" values from a column's statistics.  Returns how many
 * were judged; counts those that are held, and notes the kinds of resource
 * that the column holds.
 */
static int
judge_sample(PrincipalEntry *entry, const DecisionCall *call, VariableStatData *vardata,
			 int wanted, int *held, bool *kinds)
{
	Oid			type = exprType(call->column);
	AttStatsSlot slot;
	int			judged = 0;

	*held = 0;
	if (!HeapTupleIsValid(vardata->statsTuple) ||
		(!get_attstatsslot(&slot, vardata->statsTuple, STATISTIC_KIND_HISTOGRAM, InvalidOid,
						   ATTSTATSSLOT_VALUES) &&
		 !get_attstatsslot(&slot, vardata->statsTuple, STATISTIC_KIND_MCV, InvalidOid,
						   ATTSTATSSLOT_VALUES)))
		return 0;
	for (int i = 0; i < Min(wanted, slot.nvalues); i++)
	{
		Datum		value = slot.values[(int) ((double) i * slot.nvalues / Min(wanted, slot.nvalues))];
		const Verdict *verdict = type == UUIDOID ?
			rbac_cache_verdict(entry, DatumGetUUIDP(value)) :
			rbac_cache_verdict_at(entry, DatumGetRbacPathP(value));

		judged++;
		if (verdict == NULL)
			continue;
		kinds[verdict->kind] = true;
		*held += rbac_names_held(entry->catalogue, call->names, verdict);
	}
	free_attstatsslot(&slot);
	return judged;
}

static double
estimate(PrincipalEntry *entry, const DecisionCall *call, const Reach *reach,
		 VariableStatData *vardata)
{
	bool		kinds[RBAC_RESOURCE_KINDS] = {false};
	bool		isdefault;
	int			held;
	int			judged;
	bool		known = false;
	double		all = 0;
	double		resources = 0;

	judged = judge_sample(entry, call, vardata,
						  reach->wide && !reach->listed ? SAMPLE_FOR_WIDE : SAMPLE_FOR_KINDS, &held, kinds);
	if (reach->listed)
		return reach->estimate / get_variable_numdistinct(vardata, &isdefault);
	if (reach->wide)
		return judged == 0 ? DEFAULT_WIDE_SEL : (held + 0.5) / (judged + 0.5);

	/*
	 * Each resource of a kind that the column holds has its share of the rows.
	 * Nothing is known of what is in other organizations.
	 */
	for (int kind = 0; kind < RBAC_RESOURCE_KINDS; kind++)
	{
		known |= kinds[kind];
		all += reach->of_kind[kind];
		resources += kinds[kind] ? reach->of_kind[kind] : 0;
	}
	if (!known)
		resources = all;
	return resources / get_variable_numdistinct(vardata, &isdefault);
}

static bool
selectivity(SupportRequestSelectivity *req)
{
	DecisionCall call;
	RelOptInfo *rel;
	PrincipalEntry *entry;
	VariableStatData vardata;

	if (req->is_join || !take_apart(req->args, &call) ||
		(rel = relation_of(req->root, call.column)) == NULL)
		return false;
	if (compared_for_equality(rel, call.column) || found_by_unique_index(req->root, rel))
	{
		req->selectivity = 1.0;
		return true;
	}

	entry = pin_session(call.names);
	if (entry == NULL)
	{
		Width		width;

		if (!session_width(call.names, &width))
			return false;
		depend_on_width(req->root, &call, width);
		req->selectivity = 0.0;
		return true;
	}
	PG_TRY();
	{
		Reach	   *reach = rbac_reach(entry, call.names);

		depend_on_width(req->root, &call, entry_width(entry, call.names));
		examine_variable(req->root, call.column, req->varRelid, &vardata);
		req->selectivity = estimate(entry, &call, reach, &vardata);
		CLAMP_PROBABILITY(req->selectivity);
		ReleaseVariableStats(vardata);
	}
	PG_FINALLY();
	{
		rbac_cache_unpin(entry);
	}
	PG_END_TRY();
	return true;
}

/*
 * aiven_rbac.decision_support(internal) → internal
 *
 * Planner support of rbac_has_permission() and rbac_has_any_permission() for
 * the session's principal.
 */
Datum
rbac_decision_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	Node	   *answer = NULL;

	if (IsA(request, SupportRequestIndexCondition))
		answer = (Node *) index_condition((SupportRequestIndexCondition *) request);
	else if (IsA(request, SupportRequestSelectivity))
	{
		if (selectivity((SupportRequestSelectivity *) request))
			answer = request;
	}
	else if (IsA(request, SupportRequestCost))
	{
		SupportRequestCost *cost = (SupportRequestCost *) request;

		cost->startup = 0;
		cost->per_tuple = DECISION_COST * cpu_operator_cost;
		answer = request;
	}
	PG_RETURN_POINTER(answer);
}

/*
 * The reach of the session's principal with the names in argument 0, or NULL
 * for no principal.  It is as lasting as what the caller's FmgrInfo holds.
 */
static Reach *
session_reach(FunctionCallInfo fcinfo, Decider **decider)
{
	*decider = rbac_decider(fcinfo, NULL);
	if ((*decider)->entry == NULL)
		return NULL;
	rbac_decider_set_names(*decider, fcinfo, 0, true);
	return rbac_reach((*decider)->entry, (*decider)->names);
}

/*
 * aiven_rbac.reachable_ids(names text[]) → uuid[]
 * aiven_rbac.reachable_paths(names text[]) → rbac_path[]
 *
 * The resources on which the session's principal holds one of the names.  The
 * array is the cache's own: a scan that it is a key of keeps it pinned by the
 * function's FmgrInfo, which lives as long as the scan.
 */
Datum
rbac_reachable_ids(PG_FUNCTION_ARGS)
{
	Decider    *decider;
	Reach	   *reach = session_reach(fcinfo, &decider);

	if (reach == NULL)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(UUIDOID));
	PG_RETURN_ARRAYTYPE_P(rbac_reach_ids(decider->entry, reach));
}

Datum
rbac_reachable_paths(PG_FUNCTION_ARGS)
{
	Decider    *decider;
	Reach	   *reach = session_reach(fcinfo, &decider);

	if (reach == NULL)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(rbac_path_type_oid()));
	PG_RETURN_ARRAYTYPE_P(rbac_reach_paths(decider->entry, reach));
}

/*
 * aiven_rbac.reach_begin(names text[]) → rbac_path
 * aiven_rbac.reach_end(names text[]) → rbac_path
 *
 * The ends of a range in which all of the session's principal's reach is; the
 * upper one is no path, but a bound (see path.h).  NULL when nothing is in reach.
 */
Datum
rbac_reach_begin(PG_FUNCTION_ARGS)
{
	Decider    *decider;
	Reach	   *reach = session_reach(fcinfo, &decider);

	if (reach == NULL || reach->nscopes == 0)
		PG_RETURN_NULL();
	PG_RETURN_RBAC_PATH_P(reach->scopes[0]);
}

Datum
rbac_reach_end(PG_FUNCTION_ARGS)
{
	Decider    *decider;
	Reach	   *reach = session_reach(fcinfo, &decider);
	RbacPath   *last;

	rbac_path_require_plan(fcinfo);
	if (reach == NULL || reach->nscopes == 0)
		PG_RETURN_NULL();
	last = reach->scopes[reach->nscopes - 1];
	PG_RETURN_RBAC_PATH_P(rbac_path_make_subtree_end(RBAC_PATH_DATA(last), RBAC_PATH_LEN(last)));
}
