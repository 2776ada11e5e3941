/*-------------------------------------------------------------------------
 *
 * rbac_catalogue.c
 *	  The catalogue of actions, permissions and roles.
 *
 * The catalogue is data: four small tables.  They are read as a whole into one
 * immutable Catalogue the first time that a name has to mean something, and
 * again after they have changed.  A Catalogue is built aside.  It is kept when
 * it is complete, and only if no message came in between.  A caller that holds
 * an older one keeps that until it is done.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "rbac_catalogue.h"
#include "rbac_excerpt.h"
#include "rbac_signal.h"

PG_FUNCTION_INFO_V1(rbac_is_common_name);

/* How far a name may be from a known one to be offered in a hint */
#define NEAR_NAME_DISTANCE	4
#define NEAR_NAMES_SHOWN	3
#define NEAR_NAME_LENGTH	100

static Catalogue *current = NULL;
static uint64 current_generation = 0;

bool
rbac_catalogue_is_current(const Catalogue *catalogue)
{
	return catalogue == current && current_generation == rbac_catalogue_generation;
}

static int
compare_names(const void *a, const void *b)
{
	const Grantable *left = a;
	const Grantable *right = b;
	int			result = strcmp(left->name, right->name);

	return result != 0 ? result :
		memcmp(left->organization.data, right->organization.data, UUID_LEN);
}

static int
compare_ids(const void *a, const void *b)
{
	const Grantable *left = *(Grantable *const *) a;
	const Grantable *right = *(Grantable *const *) b;

	return memcmp(left->id.data, right->id.data, UUID_LEN);
}

static void
add_action(void *row, void *arg)
{
	ActionRow  *action = row;
	Catalogue  *catalogue = arg;

	catalogue->actions[action->number].name = action->name;
	catalogue->actions[action->number].kind = action->kind;
}

static void
add_grantable(void *row, void *arg)
{
	GrantableRow *from = row;
	Catalogue  *catalogue = arg;
	Grantable  *to;

	/* Grow by doubling, whenever the count is a power of two. */
	if (catalogue->ngrantables == 0)
		catalogue->grantables = palloc(sizeof(Grantable));
	else if ((catalogue->ngrantables & (catalogue->ngrantables - 1)) == 0)
		catalogue->grantables = repalloc(catalogue->grantables,
										2 * catalogue->ngrantables * sizeof(Grantable));
	to = &catalogue->grantables[catalogue->ngrantables++];
	memset(to, 0, sizeof(Grantable));
	to->id = from->id;
	to->organization = from->organization;
	to->name = from->name;
	to->type = strcmp(from->type, "permission") == 0 ? RBAC_PERMISSION :
		(strcmp(from->type, "role") == 0 ? RBAC_ROLE : RBAC_BUILT_IN);
}

/* A row whose grantable is missing counts for nothing. */
static void
add_grantable_on(void *row, void *arg)
{
	GrantableOnRow *on = row;
	Grantable  *grantable = (Grantable *) rbac_grantable_by_id(arg, &on->grantable);

	if (grantable != NULL)
		grantable->grantable_on |= 1 << on->kind;
}

static void
add_allowed_action(void *row, void *arg)
{
	AllowedActionRow *allowed = row;
	Grantable  *grantable = (Grantable *) rbac_grantable_by_id(arg, &allowed->grantable);

	if (grantable != NULL)
		action_set_add(&grantable->allowed[allowed->granted_on], allowed->action);
}

/*
 * Read a view's rows into a new Catalogue, in a child of the current memory
 * context.  The caller holds it.
 */
Catalogue *
rbac_catalogue_read(TableView *view)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "rbac catalogue",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Catalogue  *catalogue = palloc0(sizeof(Catalogue));

	catalogue->context = context;
	catalogue->references = 1;
	rbac_tables_actions(view, add_action, catalogue);
	rbac_tables_grantables(view, add_grantable, catalogue);
	if (catalogue->ngrantables > 0)
		qsort(catalogue->grantables, catalogue->ngrantables, sizeof(Grantable), compare_names);
	catalogue->by_id = palloc(sizeof(Grantable *) * Max(catalogue->ngrantables, 1));
	for (int i = 0; i < catalogue->ngrantables; i++)
	{
		catalogue->by_id[i] = &catalogue->grantables[i];
		if (catalogue->grantables[i].type == RBAC_BUILT_IN)
			catalogue->super_admin = &catalogue->grantables[i];
	}
	qsort(catalogue->by_id, catalogue->ngrantables, sizeof(Grantable *), compare_ids);
	rbac_tables_grantable_on(view, add_grantable_on, catalogue);
	rbac_tables_allowed_actions(view, add_allowed_action, catalogue);
	MemoryContextSwitchTo(caller);
	return catalogue;
}

/*
 * The catalogue as the last accepted message left it, to be given back with
 * rbac_catalogue_release().  A catalogue that was overtaken while it was read
 * serves its caller and is not kept.
 */
Catalogue *
rbac_catalogue_acquire(void)
{
	uint64		seen;
	TableView	view;
	Catalogue  *loaded;

	if (current != NULL && current_generation == rbac_catalogue_generation)
	{
		current->references++;
		return current;
	}

	rbac_tables_lock(&view, rbac_tables_read_for(RBAC_FOR_CATALOGUE));
	seen = rbac_catalogue_generation;
	rbac_tables_look(&view);
	loaded = rbac_catalogue_read(&view);
	rbac_tables_close(&view);
	MemoryContextSetParent(loaded->context, TopMemoryContext);
	if (seen == rbac_catalogue_generation)
	{
		Catalogue  *previous = current;

		loaded->references++;
		current = loaded;
		current_generation = seen;
		if (previous != NULL)
			rbac_catalogue_release(previous);
	}
	return loaded;
}

void
rbac_catalogue_release(Catalogue *catalogue)
{
	Assert(catalogue->references > 0);
	if (--catalogue->references == 0)
		MemoryContextDelete(catalogue->context);
}

const Grantable *
rbac_grantable_by_id(const Catalogue *catalogue, const pg_uuid_t *id)
{
	int			low = 0;
	int			high = catalogue->ngrantables;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		int			order = memcmp(catalogue->by_id[middle]->id.data, id->data, UUID_LEN);

		if (order == 0)
			return catalogue->by_id[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/*
 * The first grantable that has this name, or -1: those of one name stand
 * together, every organization's own (nil) first.
 */
static int
first_of_name(const Catalogue *catalogue, const char *name)
{
	int			low = 0;
	int			high = catalogue->ngrantables;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (strcmp(catalogue->grantables[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < catalogue->ngrantables && strcmp(catalogue->grantables[low].name, name) == 0)
		return low;
	return -1;
}

/*
 * The role or permission that a name stands for in an organization (NULL: in
 * all of them), or NULL.
 */
const Grantable *
rbac_grantable_by_name(const Catalogue *catalogue, const char *name, const pg_uuid_t *organization)
{
	int			i = first_of_name(catalogue, name);

	if (i < 0)
		return NULL;
	for (; i < catalogue->ngrantables && strcmp(catalogue->grantables[i].name, name) == 0; i++)
	{
		const Grantable *grantable = &catalogue->grantables[i];

		if (rbac_uuid_is_nil(&grantable->organization) ||
			(organization != NULL && rbac_uuid_equal(&grantable->organization, organization)))
			return grantable;
	}
	return NULL;
}

/*
 * The actions that must be held on a resource of a kind to hold a role or
 * permission there: those that it allows when granted there or, where it can't be
 * granted there, on the nearest kind above.  NULL if it allows nothing anywhere:
 * then it is never held.
 */
const ActionSet *
rbac_grantable_requires(const Grantable *grantable, ResourceKind kind)
{
	int			nearest = kind;

	while (nearest > RBAC_ORGANIZATION && action_set_is_empty(&grantable->allowed[nearest]))
		nearest--;
	return action_set_is_empty(&grantable->allowed[nearest]) ? NULL : &grantable->allowed[nearest];
}

/*
 * Report that no action, permission or role is called "name".
 */
void
rbac_unknown_name(const Catalogue *catalogue, const char *name)
{
	const char *best[NEAR_NAMES_SHOWN] = {NULL};
	int			distance[NEAR_NAMES_SHOWN];
	int			length = strlen(name);
	int			shown = 0;
	StringInfoData hint;

	for (int i = 0; i < NEAR_NAMES_SHOWN; i++)
		distance[i] = NEAR_NAME_DISTANCE + 1;
	for (int i = 0; i < catalogue->ngrantables + RBAC_MAX_ACTIONS && length <= NEAR_NAME_LENGTH; i++)
	{
		const char *known = i < catalogue->ngrantables ? catalogue->grantables[i].name :
			catalogue->actions[i - catalogue->ngrantables].name;
		int			d;

		/* The names of an organization's own roles are told to no other. */
		if (known == NULL ||
			(i < catalogue->ngrantables && !rbac_uuid_is_nil(&catalogue->grantables[i].organization)))
			continue;
		d = varstr_levenshtein_less_equal(name, length, known, strlen(known), 1, 1, 1,
										  NEAR_NAME_DISTANCE, true);
		for (int j = 0; j < NEAR_NAMES_SHOWN; j++)
		{
			if (d < distance[j])
			{
				memmove(&best[j + 1], &best[j], (NEAR_NAMES_SHOWN - 1 - j) * sizeof(best[0]));
				memmove(&distance[j + 1], &distance[j], (NEAR_NAMES_SHOWN - 1 - j) * sizeof(distance[0]));
				best[j] = known;
				distance[j] = d;
				break;
			}
		}
	}

	initStringInfo(&hint);
	for (; shown < NEAR_NAMES_SHOWN && best[shown] != NULL; shown++)
		appendStringInfo(&hint, "%s\"%s\"", shown == 0 ? "" : ", ", best[shown]);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("permission, role or action \"%s\" does not exist", rbac_excerpt(name, length)),
			 errdetail("Actions look like \"service.fork\", permissions like \"project:services:write\", roles like \"operator\"."),
			 shown > 0 ?
			 errhint_plural("The nearest name is %s.", "The nearest names are %s.", shown, hint.data) :
			 errhint("Choose one of the catalogue's names.")));
}

/*
 * Resolve the name of an action, permission or role.  False if it is unknown.
 */
static bool
resolve(const Catalogue *catalogue, const char *name, Requirement *requirement)
{
	int			first;
	const Grantable *grantable;

	memset(requirement, 0, sizeof(Requirement));
	requirement->name = name;
	if (strchr(name, '.') != NULL)
	{
		for (int i = 0; i < RBAC_MAX_ACTIONS; i++)
		{
			if (catalogue->actions[i].name != NULL && strcmp(catalogue->actions[i].name, name) == 0)
			{
				for (int kind = 0; kind < RBAC_RESOURCE_KINDS; kind++)
					action_set_add(&requirement->actions[kind], i);
				return true;
			}
		}
	}
	first = first_of_name(catalogue, name);
	if (first < 0)
		return false;
	grantable = &catalogue->grantables[first];
	requirement->custom = !rbac_uuid_is_nil(&grantable->organization);
	for (int kind = 0; kind < RBAC_RESOURCE_KINDS && !requirement->custom; kind++)
	{
		const ActionSet *actions = rbac_grantable_requires(grantable, (ResourceKind) kind);

		if (actions != NULL)
			requirement->actions[kind] = *actions;
	}
	return true;
}

/*
 * aiven_rbac.is_common_name(text) → boolean
 *
 * Does a name mean the same in all organizations?
 */
Datum
rbac_is_common_name(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Catalogue  *catalogue;
	Requirement requirement;
	bool		result;

	AcceptInvalidationMessages();
	catalogue = rbac_catalogue_acquire();
	result = resolve(catalogue, name, &requirement) && !requirement.custom;
	rbac_catalogue_release(catalogue);
	PG_RETURN_BOOL(result);
}

/*
 * The same as resolve(), but an unknown name is an error with the nearest ones
 * in its hint.
 */
void
rbac_resolve_or_fail(const Catalogue *catalogue, const char *name, Requirement *requirement)
{
	if (!resolve(catalogue, name, requirement))
		rbac_unknown_name(catalogue, name);
}

/*
 * The actions that a name requires on a resource of this kind and organization,
 * or NULL when the name means nothing there.
 */
const ActionSet *
rbac_required_actions(const Catalogue *catalogue, const Requirement *requirement,
					  ResourceKind kind, const pg_uuid_t *organization)
{
	const ActionSet *needed = &requirement->actions[kind];

	if (unlikely(requirement->custom))
	{
		const Grantable *role = rbac_grantable_by_name(catalogue, requirement->name, organization);

		return role == NULL ? NULL : rbac_grantable_requires(role, kind);
	}
	return action_set_is_empty(needed) ? NULL : needed;
}

/*
 * Put names into one chunk of memory, as a list that is not resolved.
 */
static NameList *
make_list(int count, const char *const *names)
{
	Size		header = offsetof(NameList, each) + count * sizeof(Requirement);
	Size		size = header;
	NameList   *list;
	char	   *end;

	for (int i = 0; i < count; i++)
		size += strlen(names[i]) + 1;
	list = palloc0(size);
	list->count = count;
	end = (char *) list + header;
	for (int i = 0; i < count; i++)
	{
		list->each[i].name = strcpy(end, names[i]);
		end += strlen(end) + 1;
	}
	return list;
}

static int
compare_places(const void *a, const void *b)
{
	const char *const *left = *(const char *const *const *) a;
	const char *const *right = *(const char *const *const *) b;
	int			order = strcmp(*left, *right);

	return order != 0 ? order : (left > right) - (left < right);
}

/*
 * Leave of each name the first.  What is kept of a list for longer than the call
 * is thus bounded by the catalogue, however many names somebody gives.
 */
static int
drop_repetitions(const char **names, int count)
{
	const char ***places = palloc(Max(count, 1) * sizeof(char **));
	const char *last = NULL;
	int			left = 0;

	for (int i = 0; i < count; i++)
		places[i] = &names[i];
	qsort(places, count, sizeof(char **), compare_places);
	for (int i = 0; i < count; i++)
	{
		if (last != NULL && strcmp(*places[i], last) == 0)
			*places[i] = NULL;
		else
			last = *places[i];
	}
	for (int i = 0; i < count; i++)
	{
		if (names[i] != NULL)
			names[left++] = names[i];
	}
	pfree(places);
	return left;
}

/*
 * A list from one name (text), or from an array of them (text[]), whose nulls
 * and repetitions are left out.
 */
NameList *
rbac_names_make(Datum names, Oid type)
{
	Datum	   *elements = &names;
	bool	   *nulls = NULL;
	int			nelements = 1;
	int			count = 0;
	const char **kept;
	NameList   *list;

	if (type == TEXTARRAYOID)
		deconstruct_array(DatumGetArrayTypeP(names), TEXTOID, -1, false, TYPALIGN_INT,
						  &elements, &nulls, &nelements);
	kept = palloc(Max(nelements, 1) * sizeof(char *));
	for (int i = 0; i < nelements; i++)
	{
		if (nulls == NULL || !nulls[i])
			kept[count++] = TextDatumGetCString(elements[i]);
	}
	list = make_list(drop_repetitions(kept, count), kept);
	pfree(kept);
	return list;
}

/*
 * A list of the same names in the current memory context, not resolved
 */
NameList *
rbac_names_copy(const NameList *names)
{
	const char **copied = palloc(Max(names->count, 1) * sizeof(char *));
	NameList   *list;

	for (int i = 0; i < names->count; i++)
		copied[i] = names->each[i].name;
	list = make_list(names->count, copied);
	pfree(copied);
	return list;
}

bool
rbac_names_equal(const NameList *a, const NameList *b)
{
	if (a->count != b->count)
		return false;
	for (int i = 0; i < a->count; i++)
	{
		if (strcmp(a->each[i].name, b->each[i].name) != 0)
			return false;
	}
	return true;
}

/*
 * Find out what each name requires.  False if one is unknown.
 */
bool
rbac_names_resolve(const Catalogue *catalogue, NameList *names)
{
	for (int i = 0; i < names->count; i++)
	{
		if (!resolve(catalogue, names->each[i].name, &names->each[i]))
			return false;
	}
	return true;
}

/*
 * The same, but an unknown name is an error.
 */
void
rbac_names_resolve_or_fail(const Catalogue *catalogue, NameList *names)
{
	for (int i = 0; i < names->count; i++)
		rbac_resolve_or_fail(catalogue, names->each[i].name, &names->each[i]);
}

/*
 * Is one of the names of a resolved list that of roles of organizations?
 */
bool
rbac_names_have_roles(const NameList *names)
{
	for (int i = 0; i < names->count; i++)
	{
		if (names->each[i].custom)
			return true;
	}
	return false;
}

/*
 * Do the names of a resolved list require the same on every kind of resource,
 * in every organization?
 */
bool
rbac_names_are_uniform(const NameList *names)
{
	for (int i = 0; i < names->count; i++)
	{
		const Requirement *requirement = &names->each[i];

		if (requirement->custom)
			return false;
		for (int kind = 1; kind < RBAC_RESOURCE_KINDS; kind++)
		{
			if (!action_set_equal(&requirement->actions[kind], &requirement->actions[0]))
				return false;
		}
	}
	return true;
}

/*
 * Is one of the names of a resolved list held by a verdict?
 */
bool
rbac_names_held(const Catalogue *catalogue, const NameList *names, const Verdict *verdict)
{
	for (int i = 0; i < names->count; i++)
	{
		const ActionSet *needed = rbac_required_actions(catalogue, &names->each[i],
														verdict->kind, &verdict->organization);

		if (needed != NULL && action_set_contains(&verdict->actions, needed))
			return true;
	}
	return false;
}
