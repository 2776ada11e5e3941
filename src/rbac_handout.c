/*-------------------------------------------------------------------------
 *
 * rbac_handout.c
 *	  What is there now, and what may be handed out.
 *
 * Administration is SQL and PL/pgSQL, which see what the transaction's snapshot
 * shows.  Under REPEATABLE READ that can be what was true long ago.  Whoever
 * is about to hand something out, to move or to delete has to know what the
 * tables hold now: the functions here look with a new snapshot, or ask the
 * cache, which does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "catalog/pg_proc.h"
#include "funcapi.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "rbac_cache.h"
#include "rbac_excerpt.h"
#include "rbac_session.h"
#include "rbac_signal.h"
#include "rbac_standing.h"

PG_FUNCTION_INFO_V1(rbac_now);
PG_FUNCTION_INFO_V1(rbac_judged_at);
PG_FUNCTION_INFO_V1(rbac_children_now);
PG_FUNCTION_INFO_V1(rbac_is_retired_now);
PG_FUNCTION_INFO_V1(rbac_grants_now);
PG_FUNCTION_INFO_V1(rbac_grants_held_now);
PG_FUNCTION_INFO_V1(rbac_grants_on_now);
PG_FUNCTION_INFO_V1(rbac_grants_of_now);
PG_FUNCTION_INFO_V1(rbac_allowed_now);
PG_FUNCTION_INFO_V1(rbac_find_grantable);
PG_FUNCTION_INFO_V1(rbac_actions_not_held);
PG_FUNCTION_INFO_V1(rbac_actions_not_held_of);
PG_FUNCTION_INFO_V1(rbac_may_hand_out);

/*
 * The function X with the parameters of the function X_now that is called
 */
static Oid
function_without_now(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	char	   *name;
	Oid			result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	name = pstrdup(NameStr(form->proname));
	name[strlen(name) - strlen("_now")] = '\0';
	result = LookupFuncName(list_make2(makeString(get_namespace_name(form->pronamespace)), makeString(name)),
							form->pronargs, form->proargtypes.values, false);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * aiven_rbac.X_now(...), for any STABLE function aiven_rbac.X(...)
 *
 * Calls X with a snapshot taken at this moment.  A STABLE function reads with
 * the snapshot of whoever calls it: under REPEATABLE READ, the transaction's,
 * which can show a right or a standing that ended long ago.
 */
Datum
rbac_now(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(call, FUNC_MAX_ARGS);
	FmgrInfo   *function = fcinfo->flinfo->fn_extra;
	Datum		result;

	if (function == NULL)
	{
		function = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(FmgrInfo));
		fmgr_info_cxt(function_without_now(fcinfo->flinfo->fn_oid), function, fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = function;
	}
	InitFunctionCallInfoData(*call, function, fcinfo->nargs, fcinfo->fncollation, NULL, NULL);
	for (int i = 0; i < fcinfo->nargs; i++)
		call->args[i] = fcinfo->args[i];

	PushActiveSnapshot(GetLatestSnapshot());
	result = FunctionCallInvoke(call);
	PopActiveSnapshot();
	fcinfo->isnull = call->isnull;
	return result;
}

/*
 * aiven_rbac.judged_at() → timestamptz
 *
 * What SQL compares a period, or the end of an invitation, with.
 */
Datum
rbac_judged_at(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(rbac_instant());
}

static void
put_child(void *row, void *arg)
{
	ResourceRow *child = row;
	ReturnSetInfo *result = arg;
	Datum		values[3];
	bool		nulls[3] = {false};

	values[0] = UUIDPGetDatum(&child->id);
	values[1] = CStringGetTextDatum(rbac_kind_name(child->kind));
	values[2] = PointerGetDatum(child->path);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * aiven_rbac.children_now(parent uuid) → (id uuid, kind text, path rbac_path)
 *
 * What is directly inside a resource at this moment, what was committed after
 * the transaction's snapshot included.  A resource that is about to be moved
 * or deleted must not leave behind what a REPEATABLE READ transaction can't
 * see.
 */
Datum
rbac_children_now(PG_FUNCTION_ARGS)
{
	TableView	view;

	rbac_materialize(fcinfo);
	rbac_tables_lock(&view, RBAC_TABLE_BIT(RBAC_TABLE_RESOURCE));
	rbac_tables_look(&view);
	rbac_tables_children(&view, PG_GETARG_UUID_P(0), put_child, fcinfo->resultinfo);
	rbac_tables_close(&view);
	return (Datum) 0;
}

/*
 * aiven_rbac.is_retired_now(id uuid) → boolean
 *
 * Was there a resource or principal with this id that is deleted, as committed
 * now?
 */
Datum
rbac_is_retired_now(PG_FUNCTION_ARGS)
{
	TableView	view;
	bool		result;

	rbac_tables_lock(&view, RBAC_TABLE_BIT(RBAC_TABLE_RETIRED_ID));
	rbac_tables_look(&view);
	result = rbac_tables_is_retired(&view, PG_GETARG_UUID_P(0));
	rbac_tables_close(&view);
	PG_RETURN_BOOL(result);
}

static void
put_grant(void *row, void *arg)
{
	AccessGrantRow *grant = row;
	ReturnSetInfo *result = arg;
	Datum		values[4];
	bool		nulls[4] = {false};

	values[0] = UUIDPGetDatum(&grant->resource);
	values[1] = UUIDPGetDatum(&grant->grantable);
	values[2] = TimestampTzGetDatum(grant->valid_from);
	values[3] = TimestampTzGetDatum(grant->valid_until);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static Datum
grants_now(FunctionCallInfo fcinfo,
		   void (*look_up)(TableView *, const pg_uuid_t *, RbacRowCallback, void *))
{
	TableView	view;

	rbac_materialize(fcinfo);
	rbac_tables_lock(&view, RBAC_TABLE_BIT(RBAC_TABLE_ACCESS_GRANT));
	rbac_tables_look(&view);
	look_up(&view, PG_GETARG_UUID_P(0), put_grant, fcinfo->resultinfo);
	rbac_tables_close(&view);
	return (Datum) 0;
}

/*
 * aiven_rbac.grants_now(principal uuid)
 * aiven_rbac.grants_on_now(resource uuid)
 * aiven_rbac.grants_of_now(grantable uuid)
 *	 → (resource uuid, grantable uuid, valid_from timestamptz, valid_until timestamptz)
 *
 * What is granted at this moment to a principal itself, on a resource itself,
 * or of a role or permission, for who is about to hand it on.  An open end of
 * a period is infinite.
 */
Datum
rbac_grants_now(PG_FUNCTION_ARGS)
{
	return grants_now(fcinfo, rbac_tables_grants);
}

/*
 * aiven_rbac.grants_held_now(principal uuid)
 *	 → (resource uuid, grantable uuid, valid_from timestamptz, valid_until timestamptz)
 *
 * The same for what a principal holds, by its groups as well.
 */
Datum
rbac_grants_held_now(PG_FUNCTION_ARGS)
{
	Subject		subject = {.who.id = *PG_GETARG_UUID_P(0)};
	PrincipalEntry *entry;

	rbac_materialize(fcinfo);
	AcceptInvalidationMessages();
	entry = rbac_cache_pin(&subject, rbac_instant());
	for (int i = 0; i < entry->principal->ngrants; i++)
	{
		const PrincipalGrant *grant = &entry->principal->grants[i];
		AccessGrantRow row = {.resource = grant->resource,
							  .grantable = grant->grantable->id,
							  .valid_from = grant->valid_from,
							  .valid_until = grant->valid_until};

		put_grant(&row, fcinfo->resultinfo);
	}
	rbac_cache_unpin(entry);
	return (Datum) 0;
}

Datum
rbac_grants_on_now(PG_FUNCTION_ARGS)
{
	return grants_now(fcinfo, rbac_tables_grants_on);
}

Datum
rbac_grants_of_now(PG_FUNCTION_ARGS)
{
	return grants_now(fcinfo, rbac_tables_grants_of);
}

/*
 * aiven_rbac.allowed_now(grantable uuid, granted_on text) → smallint[]
 *
 * The numbers of the actions that a role or permission gives at this moment
 * when granted on a kind of resource.
 */
Datum
rbac_allowed_now(PG_FUNCTION_ARGS)
{
	char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Catalogue  *catalogue;
	const Grantable *grantable;
	ArrayBuildState *numbers = initArrayResult(INT2OID, CurrentMemoryContext, false);

	AcceptInvalidationMessages();
	catalogue = rbac_catalogue_acquire();
	PG_TRY();
	{
		grantable = rbac_grantable_by_id(catalogue, PG_GETARG_UUID_P(0));
		for (int k = 0; grantable != NULL && k < RBAC_RESOURCE_KINDS; k++)
		{
			if (strcmp(rbac_kind_name((ResourceKind) k), kind) != 0)
				continue;
			for (int i = 0; i < RBAC_MAX_ACTIONS; i++)
			{
				if (action_set_has(&grantable->allowed[k], i))
					accumArrayResult(numbers, Int16GetDatum(i), false, INT2OID, CurrentMemoryContext);
			}
		}
	}
	PG_FINALLY();
	{
		rbac_catalogue_release(catalogue);
	}
	PG_END_TRY();
	PG_RETURN_DATUM(makeArrayResult(numbers, CurrentMemoryContext));
}

/*
 * aiven_rbac.find_grantable(name text, organization uuid) → uuid
 */
Datum
rbac_find_grantable(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	pg_uuid_t  *organization = PG_GETARG_UUID_P(1);
	Catalogue  *catalogue;
	const Grantable *grantable;
	pg_uuid_t  *result = palloc(sizeof(pg_uuid_t));

	AcceptInvalidationMessages();
	catalogue = rbac_catalogue_acquire();
	PG_TRY();
	{
		grantable = rbac_grantable_by_name(catalogue, name, organization);
		if (grantable == NULL)
		{
			Requirement requirement;

			rbac_resolve_or_fail(catalogue, name, &requirement);
			if (requirement.custom)
				ereport(ERROR,
						(errcode(ERRCODE_UNDEFINED_OBJECT),
						 errmsg("role \"%s\" does not exist in this organization",
								rbac_excerpt(name, strlen(name)))));
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" is an action, and actions are not granted one by one",
							rbac_excerpt(name, strlen(name))),
					 errhint("Grant a permission or role that allows it.")));
		}
		*result = grantable->id;
	}
	PG_FINALLY();
	{
		rbac_catalogue_release(catalogue);
	}
	PG_END_TRY();
	PG_RETURN_UUID_P(result);
}

/*
 * What is asked for: some actions, all that a role or permission gives, or one
 * action by name
 */
typedef struct Sought
{
	const ActionSet *actions;
	const pg_uuid_t *grantable;
	const char *action;
} Sought;

static const ActionSet *
actions_sought(const Sought *sought, const Catalogue *catalogue, const ResourceRow *resource)
{
	const Grantable *grantable;
	Requirement *requirement;

	if (sought->actions != NULL)
		return sought->actions;
	if (sought->action != NULL)
	{
		requirement = palloc0(sizeof(Requirement));
		rbac_resolve_or_fail(catalogue, sought->action, requirement);
		return rbac_required_actions(catalogue, requirement, resource->kind, &resource->organization);
	}
	grantable = rbac_grantable_by_id(catalogue, sought->grantable);
	if (grantable == NULL)
		elog(ERROR, "role or permission does not exist");
	return &grantable->allowed[resource->kind];
}

static ArrayType *
names_of(const ActionSet *actions, const Catalogue *catalogue)
{
	ArrayBuildState *names = initArrayResult(TEXTOID, CurrentMemoryContext, false);

	for (int i = 0; i < RBAC_MAX_ACTIONS; i++)
	{
		if (action_set_has(actions, i) && catalogue->actions[i].name != NULL)
			accumArrayResult(names, CStringGetTextDatum(catalogue->actions[i].name),
							 false, TEXTOID, CurrentMemoryContext);
	}
	return DatumGetArrayTypeP(makeArrayResult(names, CurrentMemoryContext));
}

static bool
find_resource(const pg_uuid_t *id, ResourceRow *resource)
{
	TableView	view;
	bool		found;

	rbac_tables_lock(&view, RBAC_TABLE_BIT(RBAC_TABLE_RESOURCE));
	rbac_tables_look(&view);
	found = rbac_tables_resource(&view, id, resource);
	rbac_tables_close(&view);
	return found;
}

/*
 * The names of the actions sought that a principal does not hold on a resource
 * from "from" (or now, if that has passed) to "until"; NULL if the resource was
 * deleted since the caller has read of it.  When there are none and the principal
 * is about to hand something out, that is judged again at COMMIT.
 */
static ArrayType *
actions_not_held(const pg_uuid_t *principal, const pg_uuid_t *resource_id, const Sought *sought,
				 TimestampTz from, TimestampTz until, bool hand_out, const pg_uuid_t *managed)
{
	TimestampTz now = rbac_instant();
	Standing	standing;
	PrincipalEntry *entry;
	ResourceRow resource;
	uint64		news;
	ArrayType  *volatile result = NULL;

	AcceptInvalidationMessages();
	news = rbac_signal_news();
	if (!find_resource(resource_id, &resource))
		return NULL;
	memset(&standing, 0, sizeof(Standing));
	rbac_session_subject(principal, &standing.subject);
	if (standing.subject.in_session)
		standing.role = rbac_session_mapped_role();
	standing.resource = resource.id;
	standing.organization = resource.organization;
	standing.from = from;
	standing.until = until;
	if (managed != NULL)
		standing.managed = *managed;

	entry = rbac_cache_pin(&standing.subject, now);
	PG_TRY();
	{
		const Catalogue *catalogue = entry->principal->catalogue;
		ActionSet	missing;

		standing.actions = *actions_sought(sought, catalogue, &resource);
		rbac_cache_locate(entry);
		missing = rbac_principal_lacks(entry->principal, &resource, &standing.actions, Max(from, now), until);
		result = names_of(&missing, catalogue);
		if (hand_out && action_set_is_empty(&missing))
			rbac_standing_note(&standing, news, entry->principal->until);
	}
	PG_FINALLY();
	{
		rbac_cache_unpin(entry);
	}
	PG_END_TRY();
	return result;
}

/*
 * The arguments that two functions have in common: a principal, a resource,
 * what is sought, a period, and whether it is handed out.
 */
static Datum
answer(FunctionCallInfo fcinfo, const Sought *sought)
{
	ArrayType  *missing = actions_not_held(PG_GETARG_UUID_P(0), PG_GETARG_UUID_P(1), sought,
										   PG_ARGISNULL(3) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(3),
										   PG_ARGISNULL(4) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(4),
										   PG_GETARG_BOOL(5), NULL);

	if (missing == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(missing);
}

static void
refuse_null(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || (PG_NARGS() > 5 && PG_ARGISNULL(5)))
		elog(ERROR, "principal, resource, what is sought and hand_out must not be null");
}

/*
 * aiven_rbac.actions_not_held(principal uuid, resource uuid, grantable uuid,
 *							   valid_from timestamptz, valid_until timestamptz,
 *							   hand_out boolean) → text[]
 *
 * valid_from NULL: now; valid_until NULL: for ever.  NULL if there is no such
 * resource.
 */
Datum
rbac_actions_not_held(PG_FUNCTION_ARGS)
{
	Sought		sought = {0};

	refuse_null(fcinfo);
	sought.grantable = PG_GETARG_UUID_P(2);
	return answer(fcinfo, &sought);
}

/*
 * aiven_rbac.actions_not_held(principal uuid, resource uuid, actions smallint[],
 *							   valid_from timestamptz, valid_until timestamptz,
 *							   hand_out boolean) → text[]
 *
 * The same for actions given by number.
 */
Datum
rbac_actions_not_held_of(PG_FUNCTION_ARGS)
{
	ActionSet	wanted = {{0}};
	Sought		sought = {.actions = &wanted};
	Datum	   *numbers;
	int			count;

	refuse_null(fcinfo);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), INT2OID, sizeof(int16), true, TYPALIGN_SHORT,
					  &numbers, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		int			number = DatumGetInt16(numbers[i]);

		if (number < 0 || number >= RBAC_MAX_ACTIONS)
			elog(ERROR, "no action has the number %d", number);
		action_set_add(&wanted, number);
	}
	return answer(fcinfo, &sought);
}

/*
 * aiven_rbac.may_hand_out(principal uuid, resource uuid, action text, managed uuid)
 *	 → boolean
 *
 * Does a principal hold an action now, by which it is about to hand something
 * out?  If it does so to a user because the resource manages it (NULL: not so),
 * that counts at COMMIT as well.
 */
Datum
rbac_may_hand_out(PG_FUNCTION_ARGS)
{
	Sought		sought = {0};
	ArrayType  *missing;

	refuse_null(fcinfo);
	sought.action = text_to_cstring(PG_GETARG_TEXT_PP(2));
	missing = actions_not_held(PG_GETARG_UUID_P(0), PG_GETARG_UUID_P(1), &sought, DT_NOBEGIN, DT_NOBEGIN, true,
							   PG_ARGISNULL(3) ? NULL : PG_GETARG_UUID_P(3));
	PG_RETURN_BOOL(missing != NULL && ARR_NDIM(missing) == 0);
}
