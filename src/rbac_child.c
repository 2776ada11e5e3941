/*-------------------------------------------------------------------------
 *
 * rbac_child.c
 *	  Rows that belong to the resource of another table's row.
 *
 * A table of the parts of orders has no column for the resource: its rows belong
 * where their orders do.  A policy that looks the order up costs a look-up for
 * each row, and no index helps.  So rbac_protect_child() gives such a table a column that
 * repeats the order's, and a foreign key that keeps it true:
 *
 *		FOREIGN KEY (order_id, rbac_resource) REFERENCES orders (id, tenant_id) ON UPDATE CASCADE
 *
 * The application does not know the column.  A trigger fills it in, from the row
 * that the other columns of the key reference (rbac_follow_parent()).  It finds
 * that row whether or not the principal sees it, as PostgreSQL's own check of the
 * key does, and tells nothing of it: where the principal may not write, the
 * policy refuses the new row, and where there is no such row, too.
 *
 * The row is locked as the check of the key will lock it, so that its resource is
 * the same when the key is checked.
 *
 * The look-up runs as the owner of the referenced table, apart from the session
 * (rbac_apart.c).  It happens only if the owner of the referencing table may do
 * all that the other owner may: the trigger can be attached by any owner of a
 * table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "rbac_apart.h"

PG_FUNCTION_INFO_V1(rbac_follow_parent);

/* How many plans are kept; a session that uses more keys makes them again */
#define PLANS_KEPT		64

/*
 * The plan of a look-up.  It is found by the text of the query, which names all
 * that the query depends on, so that a plan never belongs to another key.
 */
typedef struct KeptPlan
{
	char	   *query;
	SPIPlanPtr	plan;
} KeptPlan;

static KeptPlan plans[PLANS_KEPT];
static int	nplans = 0;

/* A row's reference to its parent */
typedef struct Reference
{
	const ForeignKeyCacheInfo *key;
	int			resource;		/* the place of the resource's columns in the key */
} Reference;

/*
 * The foreign key by which a column is to follow.  A partition has one of its own;
 * where the referenced table is partitioned, it has more for the partitions, which
 * are left aside.
 */
static bool
find_reference(Relation table, AttrNumber column, Reference *reference)
{
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(table))
	{
		const ForeignKeyCacheInfo *key = lfirst(lc);

		if (key->nkeys < 2 || get_rel_relispartition(key->confrelid))
			continue;
		for (int i = 0; i < key->nkeys; i++)
		{
			if (key->conkey[i] != column)
				continue;
			reference->key = key;
			reference->resource = i;
			return true;
		}
	}
	return false;
}

static char *
qualified_operator(Oid operator)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", operator);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	name = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form->oprnamespace)),
					NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return name;
}

static const char *
column_name(Oid table, AttrNumber column)
{
	return quote_identifier(get_attname(table, column, false));
}

static char *
query_of(const Reference *reference)
{
	const ForeignKeyCacheInfo *key = reference->key;
	const char *separator = "WHERE";
	int			parameter = 0;
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfo(&query, "SELECT p.%s FROM %s%s AS p ",
					 column_name(key->confrelid, key->confkey[reference->resource]),
					 get_rel_relkind(key->confrelid) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(key->confrelid)),
												get_rel_name(key->confrelid)));
	for (int i = 0; i < key->nkeys; i++)
	{
		if (i == reference->resource)
			continue;
		appendStringInfo(&query, "%s p.%s %s $%d", separator, column_name(key->confrelid, key->confkey[i]),
						 qualified_operator(key->conpfeqop[i]), ++parameter);
		separator = " AND";
	}
	appendStringInfoString(&query, " FOR KEY SHARE");
	return query.data;
}

/*
 * Make the plan of a query, and keep it in the place of another if there are too
 * many.
 */
static SPIPlanPtr
make_plan(const char *query, int nparameters, Oid *types)
{
	SPIPlanPtr	plan = SPI_prepare(query, nparameters, types);
	KeptPlan   *place = &plans[nplans % PLANS_KEPT];

	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare \"%s\"", query);
	if (place->plan != NULL)
	{
		SPI_freeplan(place->plan);
		pfree(place->query);
		place->plan = NULL;
	}
	place->query = MemoryContextStrdup(TopMemoryContext, query);
	place->plan = plan;
	nplans++;
	return plan;
}

static SPIPlanPtr
plan_of(const char *query, int nparameters, Oid *types)
{
	for (int i = 0; i < Min(nplans, PLANS_KEPT); i++)
	{
		if (plans[i].plan != NULL && strcmp(plans[i].query, query) == 0)
			return plans[i].plan;
	}
	return make_plan(query, nparameters, types);
}

/*
 * Whoever owns the referencing table must be able to read the referenced one
 * whole.
 */
static void
require_owner(Relation table, Oid parent)
{
	if (has_privs_of_role(table->rd_rel->relowner, rbac_owner_of(parent)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("rows of table \"%s\" cannot follow table \"%s\"",
					RelationGetRelationName(table), get_rel_name(parent)),
			 errdetail("The owner of the one is not a member of the owner of the other."),
			 errhint("Give both tables one owner.")));
}

/*
 * The resource of the row that a key's other columns reference; false if there is
 * no such row, or it belongs to none.
 */
static bool
look_up(Relation table, const Reference *reference, Datum *keys, Oid *types, Datum *resource)
{
	Oid			parent = reference->key->confrelid;
	char	   *query = query_of(reference);
	Apart		before;
	bool		isnull = true;

	require_owner(table, parent);
	rbac_apart_begin(&before, rbac_owner_of(parent));
	SetUserIdAndSecContext(rbac_owner_of(parent),
						   before.context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION |
						   SECURITY_NOFORCE_RLS);
	SPI_connect();
	if (SPI_execute_snapshot(plan_of(query, reference->key->nkeys - 1, types), keys, NULL,
							 InvalidSnapshot, InvalidSnapshot, false, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not execute \"%s\"", query);
	if (SPI_processed > 0)
	{
		Form_pg_attribute attribute = TupleDescAttr(SPI_tuptable->tupdesc, 0);

		*resource = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
		if (!isnull)
			*resource = SPI_datumTransfer(*resource, attribute->attbyval, attribute->attlen);
	}
	SPI_finish();
	rbac_apart_end(&before);
	pfree(query);
	return !isnull;
}

/*
 * Has a column the same value in both rows?
 */
static bool
is_unchanged(TupleDesc desc, HeapTuple old, HeapTuple new, AttrNumber column)
{
	Form_pg_attribute attribute = TupleDescAttr(desc, column - 1);
	bool		old_null;
	bool		new_null;
	Datum		old_value = heap_getattr(old, column, desc, &old_null);
	Datum		new_value = heap_getattr(new, column, desc, &new_null);

	if (old_null || new_null)
		return old_null && new_null;
	return datum_image_eq(old_value, new_value, attribute->attbyval, attribute->attlen);
}

/*
 * Does an update leave the reference as it was?  Then the key sees to the
 * resource, also when the referenced row's is what changes.
 */
static bool
refers_as_before(TriggerData *trigger, const Reference *reference)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);

	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return false;
	for (int i = 0; i < reference->key->nkeys; i++)
	{
		if (i != reference->resource &&
			!is_unchanged(desc, trigger->tg_trigtuple, trigger->tg_newtuple, reference->key->conkey[i]))
			return false;
	}
	return true;
}

/*
 * The values of a row's reference; false if one of them is null, so that it
 * references nothing.
 */
static bool
take_keys(Relation table, HeapTuple row, const Reference *reference, Datum *keys, Oid *types)
{
	TupleDesc	desc = RelationGetDescr(table);
	int			count = 0;

	for (int i = 0; i < reference->key->nkeys; i++)
	{
		AttrNumber	column = reference->key->conkey[i];
		bool		isnull;

		if (i == reference->resource)
			continue;
		types[count] = getBaseType(TupleDescAttr(desc, column - 1)->atttypid);
		keys[count++] = heap_getattr(row, column, desc, &isnull);
		if (isnull)
			return false;
	}
	return true;
}

static HeapTuple
follow(TriggerData *trigger, HeapTuple row, AttrNumber column)
{
	Relation	table = trigger->tg_relation;
	Reference	reference;
	Datum		keys[INDEX_MAX_KEYS];
	Oid			types[INDEX_MAX_KEYS];
	Datum		resource = (Datum) 0;
	bool		refers;
	bool		isnull;
	int			number = column;

	if (!find_reference(table, column, &reference))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("column \"%s\" of table \"%s\" follows nothing",
						NameStr(TupleDescAttr(RelationGetDescr(table), column - 1)->attname),
						RelationGetRelationName(table)),
				 errdetail("The foreign key that it was in is gone."),
				 errhint("Call rbac_protect_child() with replace => true.")));
	refers = take_keys(table, row, &reference, keys, types);
	if (refers && refers_as_before(trigger, &reference))
		return row;
	isnull = !refers || !look_up(table, &reference, keys, types, &resource);
	return heap_modify_tuple_by_cols(row, RelationGetDescr(table), 1, &number, &resource, &isnull);
}

/*
 * aiven_rbac.follow_parent() → trigger
 *
 * Before a row is inserted or updated: let the column that is named belong to the
 * resource of the row that the column's foreign key references.
 */
Datum
rbac_follow_parent(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	AttrNumber	column;
	HeapTuple	row;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || trigger->tg_trigger->tgnargs != 1 ||
		TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager as rbac_protect_child() declares it",
						"follow_parent")));
	column = get_attnum(RelationGetRelid(trigger->tg_relation), trigger->tg_trigger->tgargs[0]);
	if (column <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist",
						trigger->tg_trigger->tgargs[0], RelationGetRelationName(trigger->tg_relation))));
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	return PointerGetDatum(follow(trigger, row, column));
}
