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
 * A key with a null in it is not followed: the rows of an order that belongs
 * nowhere have no resource either, and would keep none when the order gets one.
 * So a trigger of the referenced table fills them in then (rbac_fill_children()).
 *
 * Each look-up runs as the owner of the table that is looked into, apart from the
 * session (rbac_apart.c).  It happens only if the owner of the referencing table
 * may do all that the other owner may: the triggers can be attached by any owner
 * of a table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
#include "utils/syscache.h"

#include "compat.h"
#include "rbac_apart.h"

PG_FUNCTION_INFO_V1(rbac_follow_parent);
PG_FUNCTION_INFO_V1(rbac_fill_children);

/* The trigger by which a table's rows follow, as rbac_protect_child() names it */
#define FOLLOWING_TRIGGER	"zzz_rbac_follow_parent"

/* How many plans are kept; a session that uses more keys makes them again */
#define PLANS_KEPT		64

/*
 * The plan of a look-up.  It is found by the text of the query and the types of
 * its parameters.  The text alone is not enough: tables can be made anew under
 * their names with columns of other types, and the plan would take a number for
 * a pointer.
 */
typedef struct KeptPlan
{
	SPIPlanPtr	plan;
	char	   *query;
	int			nparameters;
	Oid			types[INDEX_MAX_KEYS];
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
	place->nparameters = nparameters;
	memcpy(place->types, types, nparameters * sizeof(Oid));
	place->plan = plan;
	nplans++;
	return plan;
}

static bool
is_plan_of(const KeptPlan *kept, const char *query, int nparameters, const Oid *types)
{
	return kept->plan != NULL && kept->nparameters == nparameters &&
		memcmp(kept->types, types, nparameters * sizeof(Oid)) == 0 && strcmp(kept->query, query) == 0;
}

static SPIPlanPtr
plan_of(const char *query, int nparameters, Oid *types)
{
	for (int i = 0; i < Min(nplans, PLANS_KEPT); i++)
	{
		if (is_plan_of(&plans[i], query, nparameters, types))
			return plans[i].plan;
	}
	return make_plan(query, nparameters, types);
}

/*
 * Whoever owns the referencing table must be able to read the referenced one
 * whole.
 */
static bool
may_follow(Relation table, Oid parent)
{
	return has_privs_of_role(table->rd_rel->relowner, rbac_owner_of(parent));
}

static void
require_owner(Relation table, Oid parent)
{
	if (may_follow(table, parent))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("rows of table \"%s\" cannot follow table \"%s\"",
					RelationGetRelationName(table), get_rel_name(parent)),
			 errdetail("The owner of the one is not a member of the owner of the other."),
			 errhint("Give both tables one owner.")));
}

/*
 * Go apart from the session as the owner of a table, who is not bound by its
 * policies then.
 */
static void
begin_as_owner(Oid table, Apart *before)
{
	rbac_apart_begin(before, rbac_owner_of(table));
	SetUserIdAndSecContext(rbac_owner_of(table),
						   before->context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION |
						   SECURITY_NOFORCE_RLS);
	SPI_connect();
}

/*
 * Triggers that the query fires run before this returns, as the owner, too.
 */
static void
execute(const char *query, Datum *parameters, Oid *types, int nparameters, int expected)
{
	if (SPI_execute_snapshot(plan_of(query, nparameters, types), parameters, NULL,
							 InvalidSnapshot, InvalidSnapshot, false, true, 0) != expected)
		elog(ERROR, "could not execute \"%s\"", query);
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
	begin_as_owner(parent, &before);
	execute(query, keys, types, reference->key->nkeys - 1, SPI_OK_SELECT);
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
 * Does an update leave the reference as it was, with a resource?  Then the key
 * sees to the resource, also when the referenced row's is what changes.
 */
static bool
refers_as_before(TriggerData *trigger, const Reference *reference)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);

	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ||
		heap_attisnull(trigger->tg_newtuple, reference->key->conkey[reference->resource], desc))
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

static void
require_protocol(FunctionCallInfo fcinfo, bool suits, const char *name)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!suits || trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager as rbac_protect_child() declares it",
						name)));
}

/*
 * The column that a trigger's argument names.
 */
static AttrNumber
column_of(TriggerData *trigger)
{
	AttrNumber	column = get_attnum(RelationGetRelid(trigger->tg_relation), trigger->tg_trigger->tgargs[0]);

	if (column <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist",
						trigger->tg_trigger->tgargs[0], RelationGetRelationName(trigger->tg_relation))));
	return column;
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
	HeapTuple	row;

	require_protocol(fcinfo, CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_BEFORE(trigger->tg_event) && TRIGGER_FIRED_FOR_ROW(trigger->tg_event) && !TRIGGER_FIRED_BY_DELETE(trigger->tg_event),
					 "follow_parent");
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	return PointerGetDatum(follow(trigger, row, column_of(trigger)));
}

/*
 * Do the rows of a table follow by a column?
 */
static bool
follows_by(Relation table, AttrNumber column)
{
	TriggerDesc *triggers = table->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (strcmp(trigger->tgname, FOLLOWING_TRIGGER) == 0 && trigger->tgnargs == 1 &&
			get_attnum(RelationGetRelid(table), trigger->tgargs[0]) == column)
			return true;
	}
	return false;
}

static char *
fill_query_of(Relation child, const Reference *reference)
{
	const ForeignKeyCacheInfo *key = reference->key;
	const char *column = column_name(key->conrelid, key->conkey[reference->resource]);
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfo(&query, "UPDATE %s%s AS c SET %s = $%d WHERE c.%s IS NULL",
					 child->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(child)),
												RelationGetRelationName(child)),
					 column, reference->resource + 1, column);
	for (int i = 0; i < key->nkeys; i++)
	{
		if (i != reference->resource)
			appendStringInfo(&query, " AND $%d %s c.%s", i + 1, qualified_operator(key->conpfeqop[i]),
							 column_name(key->conrelid, key->conkey[i]));
	}
	return query.data;
}

/*
 * Let the rows of a table that reference a row have its resource.
 */
static void
fill(Relation child, const Reference *reference, TupleDesc desc, HeapTuple row)
{
	const ForeignKeyCacheInfo *key = reference->key;
	char	   *query = fill_query_of(child, reference);
	Datum		values[INDEX_MAX_KEYS];
	Oid			types[INDEX_MAX_KEYS];
	Apart		before;

	for (int i = 0; i < key->nkeys; i++)
	{
		bool		isnull;

		types[i] = getBaseType(TupleDescAttr(desc, key->confkey[i] - 1)->atttypid);
		values[i] = heap_getattr(row, key->confkey[i], desc, &isnull);
		if (isnull)
			return;
	}
	begin_as_owner(RelationGetRelid(child), &before);
	execute(query, values, types, key->nkeys, SPI_OK_UPDATE);
	SPI_finish();
	rbac_apart_end(&before);
	pfree(query);
}

/*
 * Do the same by one key that references a table, if it is one by which rows
 * follow a column of that table.
 */
static void
fill_by_key(Relation child, Oid constraint, AttrNumber column, TupleDesc desc, HeapTuple row)
{
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(child))
	{
		const ForeignKeyCacheInfo *key = lfirst(lc);
		Reference	reference = {key, 0};

		if (key->conoid != constraint || key->nkeys < 2)
			continue;
		while (reference.resource < key->nkeys && key->confkey[reference.resource] != column)
			reference.resource++;
		if (reference.resource < key->nkeys && follows_by(child, key->conkey[reference.resource]) &&
			may_follow(child, key->confrelid))
			fill(child, &reference, desc, row);
		return;
	}
}

/*
 * Do the same for all tables whose keys change with the table's.
 */
static void
fill_all(Relation table, AttrNumber column, HeapTuple row)
{
	TriggerDesc *triggers = CopyTriggerDesc(table->trigdesc);

	for (int i = 0; i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		Relation	child;

		if (trigger->tgfoid != F_RI_FKEY_CASCADE_UPD || !OidIsValid(trigger->tgconstrrelid))
			continue;
		child = table_open(trigger->tgconstrrelid, RowExclusiveLock);
		fill_by_key(child, trigger->tgconstraint, column, RelationGetDescr(table), row);
		table_close(child, NoLock);
	}
	FreeTriggerDesc(triggers);
}

/*
 * aiven_rbac.fill_children() → trigger
 *
 * After a row was updated: if the column that is named was null, let the rows that
 * follow it have its value.
 */
Datum
rbac_fill_children(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	desc;
	AttrNumber	column;

	require_protocol(fcinfo, CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_AFTER(trigger->tg_event) && TRIGGER_FIRED_FOR_ROW(trigger->tg_event) && TRIGGER_FIRED_BY_UPDATE(trigger->tg_event),
					 "fill_children");
	desc = RelationGetDescr(trigger->tg_relation);
	column = column_of(trigger);
	if (heap_attisnull(trigger->tg_trigtuple, column, desc) && !heap_attisnull(trigger->tg_newtuple, column, desc))
		fill_all(trigger->tg_relation, column, trigger->tg_newtuple);
	return PointerGetDatum(NULL);
}
