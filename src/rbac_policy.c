/*-------------------------------------------------------------------------
 *
 * rbac_policy.c
 *	  What the condition of a policy asks.
 *
 * The lint and the explanation of a row have to know what the policies of a
 * table ask.  They look at the expression tree that the catalog keeps, not at
 * its text: a name can hold anything, a tree says what is called.  Nothing of
 * the tree is evaluated, since the caller may have more rights than the author
 * of the policy.
 *
 * A condition is judged by what a row needs to pass it.  A row that passes
 *
 *		archived AND rbac_has_permission(project, 'service.view')
 *
 * has passed a decision.  One that passes the same with OR may not have: that
 * is a hole.  The judgement has four values, from the closed to the open; AND
 * has the more closed of its arguments' values and OR the more open, so that
 * nothing needs to be known of "archived".  What is not understood is open.
 *
 * A condition can also rely on another table's policies: EXISTS (SELECT … FROM
 * parent) passes only where a row of the parent is seen.  The caller says which
 * tables can be relied on so, and which functions of the application call a
 * decision function.
 *
 * An owner can nest a condition deeper than a stack is deep.  A condition that
 * is nested too deep is not read, and counts as open.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "rbac_policy.h"
#include "rbac_tables.h"

PG_FUNCTION_INFO_V1(rbac_policy_decision_calls);
PG_FUNCTION_INFO_V1(rbac_policy_passage);
PG_FUNCTION_INFO_V1(rbac_policy_needs_search_path);

/* How deep the text of a tree may nest braces and parentheses */
#define MAX_NESTING		500

/* In the order of Passage */
static const char *const passage_names[] = {"never", "by decision", "otherwise", "always"};

static bool
nests_too_deep(const char *tree)
{
	int			depth = 0;

	for (const char *c = tree; *c != '\0'; c++)
	{
		if (*c == '\\' && c[1] != '\0')
			c++;
		else if (*c == '{' || *c == '(')
		{
			if (++depth > MAX_NESTING)
				return true;
		}
		else if (*c == '}' || *c == ')')
			depth--;
	}
	return false;
}

/*
 * The tree in a column of type pg_node_tree, or NULL if it nests too deep.
 */
static Node *
read_tree(Datum value)
{
	char	   *tree = TextDatumGetCString(value);

	return nests_too_deep(tree) ? NULL : stringToNode(tree);
}

/*
 * A type's label, which stands around what has another type of the same bytes,
 * says nothing here.
 */
static Node *
strip(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/*
 * Is it the extension's function of this name, and not a namesake?
 */
static bool
is_own_function(Oid function, const char *name)
{
	char	   *its_name = get_func_name(function);
	Oid			extension;

	if (its_name == NULL || strcmp(its_name, name) != 0)
		return false;
	extension = get_extension_oid("aiven_rbac", true);
	return OidIsValid(extension) &&
		getExtensionOfObject(ProcedureRelationId, function) == extension;
}

static bool
is_decision(Node *node)
{
	Oid			function;

	if (node == NULL || !IsA(node, FuncExpr))
		return false;
	function = ((FuncExpr *) node)->funcid;
	return is_own_function(function, "rbac_has_permission") ||
		is_own_function(function, "rbac_has_any_permission");
}

/*
 * Does a decision ask about the session's principal?
 */
static bool
asks_session_principal(FuncExpr *call)
{
	Node	   *principal = strip(linitial(call->args));

	return list_length(call->args) == 2 ||
		(IsA(principal, FuncExpr) &&
		 is_own_function(((FuncExpr *) principal)->funcid, "rbac_current_principal"));
}

/*
 * ARRAY['a', 'b'], as VARIADIC arguments are, made a value.
 */
static bool
array_of_constants(ArrayExpr *array, Datum *value)
{
	int			count = 0;
	Datum	   *elements = palloc(Max(list_length(array->elements), 1) * sizeof(Datum));
	ListCell   *lc;

	if (array->element_typeid != TEXTOID || array->multidims)
		return false;
	foreach(lc, array->elements)
	{
		Node	   *element = strip(lfirst(lc));

		if (!IsA(element, Const))
			return false;
		if (!((Const *) element)->constisnull)
			elements[count++] = ((Const *) element)->constvalue;
	}
	*value = PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT));
	return true;
}

static bool
constant_names(Node *node, PolicyCall *call)
{
	node = strip(node);
	if (IsA(node, ArrayExpr))
	{
		call->names_type = TEXTARRAYOID;
		return array_of_constants((ArrayExpr *) node, &call->names);
	}
	if (!IsA(node, Const) || ((Const *) node)->constisnull)
		return false;
	call->names = ((Const *) node)->constvalue;
	call->names_type = exprType(node) == TEXTARRAYOID ? TEXTARRAYOID : TEXTOID;
	return true;
}

/*
 * A key of a smaller type is made a bigint first.
 */
static Node *
strip_key(Node *node)
{
	FuncExpr   *cast = (FuncExpr *) strip(node);

	if (IsA(cast, FuncExpr) && (cast->funcid == F_INT8_INT4 || cast->funcid == F_INT8_INT2))
		return strip(linitial(cast->args));
	return (Node *) cast;
}

/*
 * Is it rbac_id('space', key)?  Then what is asked about is made from the key.
 */
static Node *
take_key(Node *resource, PolicyCall *call)
{
	FuncExpr   *id = (FuncExpr *) resource;
	Const	   *space;

	if (resource == NULL || !IsA(id, FuncExpr) || list_length(id->args) != 2 ||
		!is_own_function(id->funcid, "rbac_id"))
		return resource;
	space = (Const *) strip(linitial(id->args));
	if (!IsA(space, Const) || space->constisnull)
		return resource;
	call->id_function = id->funcid;
	call->space = space->constvalue;
	return strip_key(lsecond(id->args));
}

static void
describe_call(FuncExpr *function, Index depth, PolicyCall *call)
{
	int			nargs = list_length(function->args);
	Var		   *column;

	memset(call, 0, sizeof(PolicyCall));
	call->function = function->funcid;
	call->depth = depth;
	call->resource = strip(list_nth(function->args, nargs - 2));
	call->constant_names = nargs == 2 && constant_names(llast(function->args), call);

	column = (Var *) take_key(call->resource, call);
	if (IsA(column, Var) && column->varno == 1 && column->varlevelsup == depth &&
		column->varattno > 0)
		call->column = column->varattno;
}

/*
 * What a call asks about, of a row that has this value, of this type, in the
 * call's column.
 */
Datum
rbac_policy_resource(const PolicyCall *call, Datum value, Oid type)
{
	if (!OidIsValid(call->id_function))
		return value;
	if (type == INT4OID)
		value = Int64GetDatum(DatumGetInt32(value));
	else if (type == INT2OID)
		value = Int64GetDatum(DatumGetInt16(value));
	return OidFunctionCall2(call->id_function, call->space, value);
}

/*
 * Is a condition a decision about the session's principal, on a column, with
 * constant names, and nothing else?
 */
bool
rbac_policy_call(Node *condition, PolicyCall *call)
{
	condition = strip(condition);
	if (!is_decision(condition))
		return false;
	describe_call((FuncExpr *) condition, 0, call);
	return call->column != 0 && call->constant_names;
}

typedef struct Collection
{
	List	   *calls;
	Index		depth;
} Collection;

static bool
collect_calls(Node *node, void *context)
{
	Collection *found = context;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		found->depth++;
		(void) query_tree_walker((Query *) node, collect_calls, found, 0);
		found->depth--;
		return false;
	}
	if (is_decision(node))
	{
		PolicyCall *call = palloc(sizeof(PolicyCall));

		describe_call((FuncExpr *) node, found->depth, call);
		found->calls = lappend(found->calls, call);
	}
	return expression_tree_walker(node, collect_calls, found);
}

/*
 * Does an index begin with what a call asks about?
 */
static bool
index_is_about(HeapTuple tuple, TupleDesc desc, const PolicyCall *call)
{
	Form_pg_index index = (Form_pg_index) GETSTRUCT(tuple);
	Datum		expressions;
	bool		isnull;
	List	   *tree;

	if (index->indkey.values[0] != 0)
		return index->indkey.values[0] == call->column && !OidIsValid(call->id_function);
	expressions = heap_getattr(tuple, Anum_pg_index_indexprs, desc, &isnull);
	if (isnull)
		return false;
	tree = (List *) read_tree(expressions);
	return tree != NIL && equal(strip(linitial(tree)), call->resource);
}

static bool
is_btree(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_class) GETSTRUCT(tuple))->relam == BTREE_AM_OID;
	ReleaseSysCache(tuple);
	return result;
}

static bool
index_can_serve(HeapTuple tuple)
{
	Form_pg_index index = (Form_pg_index) GETSTRUCT(tuple);

	return index->indisvalid && heap_attisnull(tuple, Anum_pg_index_indpred, NULL) &&
		is_btree(index->indexrelid);
}

/*
 * Has the table an index that finds the rows for a call?
 */
static bool
is_indexed(Oid table, const PolicyCall *call)
{
	Relation	catalog = table_open(IndexRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	bool		result = false;

	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	scan = systable_beginscan(catalog, IndexIndrelidIndexId, true, NULL, 1, &key);
	while (!result && HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = index_can_serve(tuple) && index_is_about(tuple, RelationGetDescr(catalog), call);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

static Datum
names_as_array(const PolicyCall *call)
{
	Datum		name = call->names;

	if (call->names_type == TEXTARRAYOID)
		return name;
	return PointerGetDatum(construct_array(&name, 1, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * aiven_rbac.decision_calls(table oid, condition pg_node_tree)
 *		→ (column_number smallint, space text, names text[], is_all boolean, indexed boolean)
 *
 * The calls of decision functions in a condition of one of the table's
 * policies: the column asked about, NULL if the call asks about something else;
 * the space of its keys, NULL if it names the resource itself; the names, NULL if they are not constant or the call asks about another
 * principal; whether there is nothing else in the condition; whether an index
 * begins with what is asked about, NULL in a sub-select, which has tables of its
 * own.
 */
Datum
rbac_policy_decision_calls(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);
	Node	   *condition = read_tree(PG_GETARG_DATUM(1));
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Collection	found = {NIL, 0};
	ListCell   *lc;

	rbac_materialize(fcinfo);
	(void) collect_calls(condition, &found);
	foreach(lc, found.calls)
	{
		PolicyCall *call = lfirst(lc);
		Datum		values[5] = {0};
		bool		nulls[5] = {false};

		values[0] = Int16GetDatum(call->column);
		nulls[0] = call->column == 0;
		values[1] = call->space;
		nulls[1] = !OidIsValid(call->id_function);
		nulls[2] = !call->constant_names;
		if (call->constant_names)
			values[2] = names_as_array(call);
		values[3] = BoolGetDatum(is_decision(strip(condition)) && lc == list_head(found.calls));
		nulls[4] = call->depth > 0;
		if (call->depth == 0)
			values[4] = BoolGetDatum(is_indexed(table, call));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static bool
contains(const Datum *oids, int count, Oid oid)
{
	for (int i = 0; i < count; i++)
	{
		if (DatumGetObjectId(oids[i]) == oid)
			return true;
	}
	return false;
}

/*
 * What a row needs that has to pass both conditions, or one of them.  These are
 * no macros, which would judge twice.
 */
static Passage
both(Passage a, Passage b)
{
	return Min(a, b);
}

static Passage
either(Passage a, Passage b)
{
	return Max(a, b);
}

static Passage
judge_all(List *conditions, const Reliance *reliance)
{
	Passage		result = PASSES_ALWAYS;
	ListCell   *lc;

	foreach(lc, conditions)
		result = both(result, rbac_policy_judge(lfirst(lc), reliance));
	return result;
}

static Passage
judge_any(List *conditions, const Reliance *reliance)
{
	Passage		result = PASSES_NEVER;
	ListCell   *lc;

	foreach(lc, conditions)
		result = either(result, rbac_policy_judge(lfirst(lc), reliance));
	return result;
}

static Passage
negate(Passage passage)
{
	switch (passage)
	{
		case PASSES_NEVER:
			return PASSES_ALWAYS;
		case PASSES_ALWAYS:
			return PASSES_NEVER;
		default:
			return PASSES_OTHERWISE;
	}
}

static Passage
judge_case(CaseExpr *cases, const Reliance *reliance)
{
	Passage		result = PASSES_NEVER;
	ListCell   *lc;

	foreach(lc, cases->args)
	{
		CaseWhen   *when = lfirst_node(CaseWhen, lc);
		Passage		chosen = rbac_policy_judge((Node *) when->expr, reliance);

		result = either(result, both(chosen, rbac_policy_judge((Node *) when->result, reliance)));
	}
	if (cases->defresult != NULL)
		result = either(result, rbac_policy_judge((Node *) cases->defresult, reliance));
	return result;
}

/*
 * What a row of a sub-select needs to come out of FROM.
 */
static Passage
judge_from(Query *query, Node *item, const Reliance *reliance)
{
	if (IsA(item, RangeTblRef))
	{
		RangeTblEntry *rte = list_nth(query->rtable, ((RangeTblRef *) item)->rtindex - 1);

		if (rte->rtekind == RTE_RELATION &&
			contains(reliance->tables, reliance->ntables, rte->relid))
			return PASSES_BY_DECISION;
		if (rte->rtekind == RTE_SUBQUERY)
			return rbac_policy_judge((Node *) rte->subquery, reliance);
	}
	else if (IsA(item, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) item;
		Passage		left = judge_from(query, join->larg, reliance);
		Passage		right = judge_from(query, join->rarg, reliance);

		switch (join->jointype)
		{
			case JOIN_INNER:
				return both(both(left, right), rbac_policy_judge(join->quals, reliance));
			case JOIN_LEFT:
				return left;
			case JOIN_RIGHT:
				return right;
			default:
				break;
		}
	}
	return PASSES_OTHERWISE;
}

/*
 * What is needed for a sub-select to give a row.  One that aggregates gives
 * one always.
 */
static Passage
judge_query(Query *query, const Reliance *reliance)
{
	Passage		result = PASSES_OTHERWISE;
	ListCell   *lc;

	if (query->commandType != CMD_SELECT || query->setOperations != NULL ||
		query->hasAggs || query->groupingSets != NIL || query->havingQual != NULL)
		return result;
	foreach(lc, query->jointree->fromlist)
		result = both(result, judge_from(query, lfirst(lc), reliance));
	if (query->jointree->quals != NULL)
		result = both(result, rbac_policy_judge(query->jointree->quals, reliance));
	return result;
}

static Passage
judge_sublink(SubLink *link, const Reliance *reliance)
{
	Query	   *query = (Query *) link->subselect;
	Passage		result;

	if (!IsA(query, Query) ||
		(link->subLinkType != EXISTS_SUBLINK && link->subLinkType != ANY_SUBLINK &&
		 link->subLinkType != EXPR_SUBLINK))
		return PASSES_OTHERWISE;
	result = judge_query(query, reliance);
	if (link->subLinkType == EXPR_SUBLINK)
	{
		TargetEntry *value = linitial_node(TargetEntry, query->targetList);

		result = both(result, rbac_policy_judge((Node *) value->expr, reliance));
	}
	return result;
}

static Passage
judge_bool_expr(BoolExpr *expr, const Reliance *reliance)
{
	switch (expr->boolop)
	{
		case AND_EXPR:
			return judge_all(expr->args, reliance);
		case OR_EXPR:
			return judge_any(expr->args, reliance);
		case NOT_EXPR:
			return negate(rbac_policy_judge(linitial(expr->args), reliance));
	}
	return PASSES_OTHERWISE;
}

static Passage
judge_boolean_test(BooleanTest *test, const Reliance *reliance)
{
	switch (test->booltesttype)
	{
		case IS_TRUE:
			return rbac_policy_judge((Node *) test->arg, reliance);
		case IS_FALSE:
			return negate(rbac_policy_judge((Node *) test->arg, reliance));
		default:
			return PASSES_OTHERWISE;
	}
}

/*
 * "condition = true"
 */
static Passage
judge_comparison(OpExpr *op, const Reliance *reliance)
{
	if (op->opno == BooleanEqualOperator)
	{
		Passage		left = rbac_policy_judge(linitial(op->args), reliance);
		Passage		right = rbac_policy_judge(lsecond(op->args), reliance);

		if (left == PASSES_ALWAYS || right == PASSES_ALWAYS)
			return both(left, right);
	}
	return PASSES_OTHERWISE;
}

static Passage
judge_const(Const *value)
{
	if (value->consttype != BOOLOID)
		return PASSES_OTHERWISE;
	return !value->constisnull && DatumGetBool(value->constvalue) ? PASSES_ALWAYS : PASSES_NEVER;
}

static Passage
judge_function(FuncExpr *call, const Reliance *reliance)
{
	bool		decides;

	if (is_decision((Node *) call))
		decides = asks_session_principal(call);
	else
		decides = contains(reliance->functions, reliance->nfunctions, call->funcid);
	return decides ? PASSES_BY_DECISION : PASSES_OTHERWISE;
}

Passage
rbac_policy_judge(Node *node, const Reliance *reliance)
{
	node = strip(node);
	if (node == NULL)
		return PASSES_OTHERWISE;
	switch (nodeTag(node))
	{
		case T_List:
			return judge_all((List *) node, reliance);
		case T_Const:
			return judge_const((Const *) node);
		case T_BoolExpr:
			return judge_bool_expr((BoolExpr *) node, reliance);
		case T_BooleanTest:
			return judge_boolean_test((BooleanTest *) node, reliance);
		case T_OpExpr:
			return judge_comparison((OpExpr *) node, reliance);
		case T_CoalesceExpr:
			return judge_any(((CoalesceExpr *) node)->args, reliance);
		case T_CaseExpr:
			return judge_case((CaseExpr *) node, reliance);
		case T_FuncExpr:
			return judge_function((FuncExpr *) node, reliance);
		case T_SubLink:
			return judge_sublink((SubLink *) node, reliance);
		case T_Query:
			return judge_query((Query *) node, reliance);
		default:
			return PASSES_OTHERWISE;
	}
}

/*
 * aiven_rbac.passage(condition pg_node_tree, tables oid[], functions oid[]) → text
 *
 * What a row needs to pass a condition: 'never', 'by decision', 'otherwise' or
 * 'always'.  A row of one of the tables is seen by a decision only, and one of
 * the functions is true by a decision only.
 */
Datum
rbac_policy_passage(PG_FUNCTION_ARGS)
{
	Node	   *condition = read_tree(PG_GETARG_DATUM(0));
	Reliance	reliance;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), OIDOID, sizeof(Oid), true, TYPALIGN_INT,
					  &reliance.tables, NULL, &reliance.ntables);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), OIDOID, sizeof(Oid), true, TYPALIGN_INT,
					  &reliance.functions, NULL, &reliance.nfunctions);
	PG_RETURN_TEXT_P(cstring_to_text(passage_names[rbac_policy_judge(condition, &reliance)]));
}

static bool
is_path(Node *node)
{
	return node != NULL && getBaseType(exprType(node)) == rbac_path_type_oid();
}

/*
 * Is a column that JOIN … USING merges a path?
 */
static bool
joins_using_path(RangeTblEntry *rte)
{
	for (int i = 0; rte->rtekind == RTE_JOIN && i < rte->joinmergedcols; i++)
	{
		if (is_path(list_nth(rte->joinaliasvars, i)))
			return true;
	}
	return false;
}

static bool
compares_path(Node *node)
{
	switch (nodeTag(node))
	{
		case T_DistinctExpr:
			return is_path(linitial(((DistinctExpr *) node)->args));
		case T_NullIfExpr:
			return is_path(linitial(((NullIfExpr *) node)->args));
		case T_CaseExpr:
			return is_path((Node *) ((CaseExpr *) node)->arg);
		case T_RangeTblEntry:
			return joins_using_path((RangeTblEntry *) node);
		default:
			return false;
	}
}

static bool
find_comparison(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (compares_path(node))
		return true;
	if (IsA(node, RangeTblEntry))
		return false;			/* query_tree_walker goes into it by itself */
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_comparison, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, find_comparison, context);
}

/*
 * aiven_rbac.needs_search_path(tree pg_node_tree) → boolean
 *
 * Does an expression or a query compare paths in a way that has no place for
 * an operator's schema: IS DISTINCT FROM, NULLIF, CASE x WHEN, JOIN … USING?
 * Printed by pg_dump, it can't be read again, as a restore has an empty
 * search_path.
 */
Datum
rbac_policy_needs_search_path(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(find_comparison(read_tree(PG_GETARG_DATUM(0)), NULL));
}
