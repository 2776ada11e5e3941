/*-------------------------------------------------------------------------
 *
 * rbac_row.c
 *	  One row of a table, looked up without running its owner's code.
 *
 * A caller who asks why a row is not seen may have more rights than the owner of
 * the table.  A query would be dangerous: planning it evaluates functions in the
 * expressions of indexes and statistics, a key's domain has checks, a policy can
 * call any function, and all of this would run with the caller's rights.
 *
 * So the row is fetched here, by the index of the primary key.  This calls only
 * functions of the key's types, in languages that only superusers can use.  A
 * domain's value is read as its base type's, without the checks: values that are
 * compared have passed them.
 *
 * The answer tells no more than the caller's own query would.  It requires the
 * privilege to read the table.  Where row-level security applies to the caller,
 * a row is told of only if policies admit it that are a decision or a constant:
 * others would have to be evaluated.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "rbac_policy.h"
#include "rbac_tables.h"

PG_FUNCTION_INFO_V1(rbac_row_find);

/* The values of a primary key, and what columns they are of */
typedef struct Key
{
	int			ncolumns;
	AttrNumber	columns[INDEX_MAX_KEYS];
	Datum		values[INDEX_MAX_KEYS];
} Key;

/* A row of the table, in the partition where it is kept */
typedef struct Row
{
	Relation	table;
	Relation	leaf;
	HeapTuple	tuple;			/* NULL if none was found */
	bool		complete;		/* looked for wherever it could be? */
} Row;

static bool
may_read(Oid table)
{
	Datum		schema = ObjectIdGetDatum(get_rel_namespace(table));

	return OidIsValid(DatumGetObjectId(schema)) &&
		DatumGetBool(DirectFunctionCall2(has_schema_privilege_id, schema,
										 CStringGetTextDatum("USAGE"))) &&
		DatumGetBool(DirectFunctionCall2(has_table_privilege_id, ObjectIdGetDatum(table),
										 CStringGetTextDatum("SELECT")));
}

/*
 * Is a function in a language that only superusers can use?
 */
static bool
is_trusted(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			language;

	if (!HeapTupleIsValid(tuple))
		return false;
	language = ((Form_pg_proc) GETSTRUCT(tuple))->prolang;
	ReleaseSysCache(tuple);
	return language == INTERNALlanguageId || language == ClanguageId;
}

/*
 * The index of a table's primary key, opened; NULL if there is none.
 */
static Relation
open_primary_key(Relation table)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(table))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_index->indisprimary)
			return index;
		index_close(index, AccessShareLock);
	}
	return NULL;
}

static Oid
equality(Relation index, int column)
{
	Oid			type = index->rd_opcintype[column];
	Oid			op = get_opfamily_member(index->rd_opfamily[column], type, type,
										 BTEqualStrategyNumber);

	return OidIsValid(op) ? get_opcode(op) : InvalidOid;
}

/*
 * The type to read a key's column as.  Arrays, ranges and rows consist of other
 * types, so that their functions call those of others.
 */
static Oid
type_to_read(Relation table, AttrNumber column)
{
	Oid			type = getBaseType(TupleDescAttr(RelationGetDescr(table), column - 1)->atttypid);
	char		typtype = get_typtype(type);
	Oid			input;
	Oid			param;

	getTypeInputInfo(type, &input, &param);
	if ((typtype != TYPTYPE_BASE && typtype != TYPTYPE_ENUM) ||
		OidIsValid(get_element_type(type)) || !is_trusted(input))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot look up a row by column \"%s\" of type %s",
						NameStr(TupleDescAttr(RelationGetDescr(table), column - 1)->attname),
						format_type_be(type)),
				 errdetail("Reading or comparing values of this type can call functions that other users wrote."),
				 errhint("Ask about the row's resource: rbac_explain(resource, name).")));
	return type;
}

/*
 * The columns of a primary key, if its index compares by trusted functions.
 */
static bool
columns_of_key(Relation index, Key *key)
{
	key->ncolumns = index->rd_index->indnkeyatts;
	for (int i = 0; i < key->ncolumns; i++)
	{
		key->columns[i] = index->rd_index->indkey.values[i];
		if (!is_trusted(equality(index, i)) ||
			!is_trusted(index_getprocid(index, i + 1, BTORDER_PROC)))
			return false;
	}
	return index->rd_rel->relam == BTREE_AM_OID;
}

/*
 * Read a row like (1,x), as record_in() does for a type of these columns.
 * Returns whether none of the values is null.
 */
static bool
read_row_key(Relation table, const char *text, Key *key)
{
	TupleDesc	desc = CreateTemplateTupleDesc(key->ncolumns);
	HeapTupleData tuple;
	bool		isnull[INDEX_MAX_KEYS];

	for (int i = 0; i < key->ncolumns; i++)
		TupleDescInitEntry(desc, i + 1, NULL, type_to_read(table, key->columns[i]), -1, 0);
	desc = rbac_bless(desc);
	tuple.t_data = DatumGetHeapTupleHeader(OidInputFunctionCall(F_RECORD_IN, pstrdup(text),
																RECORDOID, desc->tdtypmod));
	tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	heap_deform_tuple(&tuple, desc, key->values, isnull);
	for (int i = 0; i < key->ncolumns; i++)
	{
		if (isnull[i])
			return false;
	}
	return true;
}

/*
 * Read a key in text form.  Returns whether a row can have it.
 */
static bool
read_key(Relation table, const char *text, Key *key)
{
	Relation	index;
	Oid			type;
	Oid			input;
	Oid			param;
	bool		usable;

	/* The type's input function would repeat all of it. */
	if (strlen(text) > BLCKSZ)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key of the row is too long"),
				 errdetail("It has %zu bytes, and no index can hold such a key.", strlen(text))));
	index = open_primary_key(table);
	if (index == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" has no primary key", RelationGetRelationName(table)),
				 errhint("Ask about the row's resource: rbac_explain(resource, name).")));
	usable = columns_of_key(index, key);
	index_close(index, AccessShareLock);
	if (!usable)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot look up a row by the primary key of table \"%s\"",
						RelationGetRelationName(table)),
				 errhint("Ask about the row's resource: rbac_explain(resource, name).")));
	if (key->ncolumns > 1)
		return read_row_key(table, text, key);

	type = type_to_read(table, key->columns[0]);
	getTypeInputInfo(type, &input, &param);
	key->values[0] = OidInputFunctionCall(input, pstrdup(text), param, -1);
	return true;
}

/*
 * A partition may have the table's columns at other places.
 */
static AttrNumber
column_in(Relation leaf, Relation table, AttrNumber column)
{
	if (leaf == table)
		return column;
	return get_attnum(RelationGetRelid(leaf),
					  NameStr(TupleDescAttr(RelationGetDescr(table), column - 1)->attname));
}

static bool
make_scan_keys(Relation table, Relation leaf, Relation index, const Key *key, ScanKey keys)
{
	Key			its_key;

	if (!columns_of_key(index, &its_key) || its_key.ncolumns != key->ncolumns)
		return false;
	for (int i = 0; i < key->ncolumns; i++)
	{
		if (its_key.columns[i] != column_in(leaf, table, key->columns[i]))
			return false;
		ScanKeyEntryInitialize(&keys[i], 0, its_key.columns[i], BTEqualStrategyNumber, InvalidOid,
							   index->rd_indcollation[i], equality(index, i), key->values[i]);
	}
	return true;
}

/*
 * Look for the key in one partition, or in a table that has none.
 */
static void
find_in(Relation leaf, const Key *key, Row *row)
{
	Relation	index = open_primary_key(leaf);
	ScanKeyData keys[INDEX_MAX_KEYS];

	if (index == NULL)
	{
		row->complete = false;
		return;
	}
	if (make_scan_keys(row->table, leaf, index, key, keys))
	{
		SysScanDesc scan = systable_beginscan(leaf, RelationGetRelid(index), true,
											  GetActiveSnapshot(), key->ncolumns, keys);
		HeapTuple	tuple = systable_getnext(scan);

		if (HeapTupleIsValid(tuple))
			row->tuple = heap_copytuple(tuple);
		systable_endscan(scan);
	}
	else
		row->complete = false;
	index_close(index, AccessShareLock);
}

/*
 * Look for the key in all of the table, its partitions and heirs.  The partition
 * where it is found stays open.
 */
static void
find_row(const Key *key, Row *row)
{
	Relation	table = row->table;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(RelationGetRelid(table), AccessShareLock, NULL))
	{
		Relation	leaf = table;

		if (lfirst_oid(lc) != RelationGetRelid(table))
			leaf = table_open(lfirst_oid(lc), NoLock);
		if (leaf->rd_rel->relkind == RELKIND_RELATION)
			find_in(leaf, key, row);
		else if (leaf->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
			row->complete = false;
		if (row->tuple != NULL)
		{
			row->leaf = leaf;
			return;
		}
		if (leaf != table)
			table_close(leaf, NoLock);
	}
}

/*
 * A column's value; false if it is null or would have to be computed.
 */
static bool
value_of(const Row *row, AttrNumber column, Datum *value)
{
	bool		isnull;

	if (TupleDescAttr(RelationGetDescr(row->table), column - 1)->attgenerated == 'v')
		return false;
	*value = heap_getattr(row->tuple, column_in(row->leaf, row->table, column),
						  RelationGetDescr(row->leaf), &isnull);
	return !isnull;
}

static Oid
type_of(const Row *row, AttrNumber column)
{
	return getBaseType(TupleDescAttr(RelationGetDescr(row->table), column - 1)->atttypid);
}

/*
 * Can a column of this type say which resource a row belongs to, by itself or by
 * a key?
 */
static bool
names_resource(Oid type)
{
	switch (type)
	{
		case UUIDOID:
		case INT8OID:
		case INT4OID:
		case INT2OID:
		case TEXTOID:
		case VARCHAROID:
			return true;
		default:
			return type == rbac_path_type_oid();
	}
}

/*
 * Does the row pass a policy's condition, as far as that can be told?
 */
static bool
passes(const Row *row, Expr *condition)
{
	PolicyCall	call;
	Datum		resource;

	if (condition != NULL && IsA(condition, Const))
		return !((Const *) condition)->constisnull &&
			DatumGetBool(((Const *) condition)->constvalue);
	if (!rbac_policy_call((Node *) condition, &call) || !value_of(row, call.column, &resource))
		return false;
	resource = rbac_policy_resource(&call, resource, type_of(row, call.column));
	return DatumGetBool(OidFunctionCall2(call.function, resource, call.names));
}

/*
 * Does a policy apply to what the caller reads?
 */
static bool
applies(RowSecurityPolicy *policy)
{
	Datum	   *roles;
	int			nroles;

	if (policy->polcmd != '*' && policy->polcmd != ACL_SELECT_CHR)
		return false;
	deconstruct_array(policy->roles, OIDOID, sizeof(Oid), true, TYPALIGN_INT, &roles, NULL, &nroles);
	for (int i = 0; i < nroles; i++)
	{
		if (DatumGetObjectId(roles[i]) == ACL_ID_PUBLIC ||
			has_privs_of_role(GetUserId(), DatumGetObjectId(roles[i])))
			return true;
	}
	return false;
}

static bool
policies_show(const Row *row)
{
	bool		passed = false;
	ListCell   *lc;

	if (row->table->rd_rsdesc == NULL)
		return false;
	foreach(lc, row->table->rd_rsdesc->policies)
	{
		RowSecurityPolicy *policy = lfirst(lc);

		if (!applies(policy))
			continue;
		if (passes(row, policy->qual))
			passed = passed || policy->permissive;
		else if (!policy->permissive)
			return false;
	}
	return passed;
}

/*
 * The values by which the row can name resources, in text form, one a column;
 * other columns' are null.
 */
static Datum
resources_of(const Row *row)
{
	TupleDesc	desc = RelationGetDescr(row->table);
	Datum	   *values = palloc0(desc->natts * sizeof(Datum));
	bool	   *nulls = palloc(desc->natts * sizeof(bool));
	int			begin = 1;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Oid			type = attribute->attisdropped ? InvalidOid : type_of(row, i + 1);
		Datum		value;
		Oid			output;
		bool		isvarlena;

		nulls[i] = !names_resource(type) || !value_of(row, i + 1, &value);
		if (nulls[i])
			continue;
		getTypeOutputInfo(type, &output, &isvarlena);
		values[i] = CStringGetTextDatum(OidOutputFunctionCall(output, value));
	}
	return PointerGetDatum(construct_md_array(values, nulls, 1, &desc->natts, &begin,
											  TEXTOID, -1, false, TYPALIGN_INT));
}

static Relation
open_table(Oid oid)
{
	Relation	table = table_open(oid, AccessShareLock);

	if (table->rd_rel->relkind != RELKIND_RELATION &&
		table->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", RelationGetRelationName(table)),
				 errhint("Ask about the tables that it reads.")));
	return table;
}

/*
 * May the caller know whether there is a row with the key?
 */
static bool
may_tell(const Row *row)
{
	if (row->tuple == NULL && !row->complete)
		return false;
	return check_enable_rls(RelationGetRelid(row->table), InvalidOid, true) != RLS_ENABLED ||
		(row->tuple != NULL && policies_show(row));
}

/*
 * aiven_rbac.find_row(table regclass, key text) → (row_exists boolean, resources text[])
 *
 * Is there a row with this primary key?  NULL if that can't be told to the
 * caller.
 */
Datum
rbac_row_find(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[2] = {0};
	bool		nulls[2] = {true, true};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (may_read(PG_GETARG_OID(0)))
	{
		Relation	table = open_table(PG_GETARG_OID(0));
		Row			row = {table, table, NULL, true};
		Key			key;

		if (read_key(table, text_to_cstring(PG_GETARG_TEXT_PP(1)), &key))
			find_row(&key, &row);
		nulls[0] = !may_tell(&row);
		nulls[1] = nulls[0] || row.tuple == NULL;
		values[0] = BoolGetDatum(row.tuple != NULL);
		if (!nulls[1])
			values[1] = resources_of(&row);
		if (row.leaf != table)
			table_close(row.leaf, NoLock);
		table_close(table, AccessShareLock);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
