/*-------------------------------------------------------------------------
 *
 * rbac_actions.c
 *	  The registry of actions, permissions and roles.
 *
 * The catalogue is data: four small tables, read as a whole into one
 * immutable registry the first time that a name has to mean something, and
 * again after they have changed.  A registry is built aside and kept when it
 * is complete, and only if no message came in between; who holds an older one
 * has it until they are done.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "rbac_actions.h"

#define REGISTRY_TABLES \
	(RBAC_TABLE_BIT(RBAC_TABLE_ACTION) | RBAC_TABLE_BIT(RBAC_TABLE_GRANTABLE) | \
	 RBAC_TABLE_BIT(RBAC_TABLE_GRANTABLE_ON) | RBAC_TABLE_BIT(RBAC_TABLE_ALLOWED_ACTION))

/* How far a name may be from a known one to be offered in a hint */
#define NEAR_NAME_DISTANCE	4
#define NEAR_NAMES_SHOWN	3
#define NEAR_NAME_LENGTH	100

static Registry *current = NULL;
static uint64 generation = 1;
static uint64 current_generation = 0;

/*
 * The catalogue has changed.  Called from the invalidation callback: it only
 * counts.
 */
void
rbac_registry_changed(void)
{
	generation++;
}

bool
rbac_registry_is_current(const Registry *registry)
{
	return registry == current && current_generation == generation;
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
	Registry   *registry = arg;

	registry->actions[action->number].name = action->name;
	registry->actions[action->number].kind = action->kind;
}

static void
add_grantable(void *row, void *arg)
{
	GrantableRow *from = row;
	Registry   *registry = arg;
	Grantable  *to;

	/* Grow by doubling, whenever the count is a power of two. */
	if (registry->ngrantables == 0)
		registry->grantables = palloc(sizeof(Grantable));
	else if ((registry->ngrantables & (registry->ngrantables - 1)) == 0)
		registry->grantables = repalloc(registry->grantables,
										2 * registry->ngrantables * sizeof(Grantable));
	to = &registry->grantables[registry->ngrantables++];
	memset(to, 0, sizeof(Grantable));
	to->id = from->id;
	to->organization = from->organization;
	to->name = from->name;
	to->type = strcmp(from->type, "permission") == 0 ? RBAC_PERMISSION :
		strcmp(from->type, "role") == 0 ? RBAC_ROLE : RBAC_BUILT_IN;
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
 * Read the catalogue into a new registry.  Sets *seen to the generation that
 * it belongs to.
 */
static Registry *
load_registry(uint64 *seen)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "rbac registry",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Registry   *registry = palloc0(sizeof(Registry));
	CatalogView view;

	registry->context = context;
	rbac_catalog_lock(&view, REGISTRY_TABLES);
	*seen = generation;
	rbac_catalog_look(&view);

	rbac_catalog_actions(&view, add_action, registry);
	rbac_catalog_grantables(&view, add_grantable, registry);
	if (registry->ngrantables > 0)
		qsort(registry->grantables, registry->ngrantables, sizeof(Grantable), compare_names);
	registry->by_id = palloc(sizeof(Grantable *) * Max(registry->ngrantables, 1));
	for (int i = 0; i < registry->ngrantables; i++)
	{
		registry->by_id[i] = &registry->grantables[i];
		if (registry->grantables[i].type == RBAC_BUILT_IN)
			registry->super_admin = &registry->grantables[i];
	}
	qsort(registry->by_id, registry->ngrantables, sizeof(Grantable *), compare_ids);
	rbac_catalog_grantable_on(&view, add_grantable_on, registry);
	rbac_catalog_allowed_actions(&view, add_allowed_action, registry);

	rbac_catalog_close(&view);
	MemoryContextSwitchTo(caller);
	return registry;
}

/*
 * The registry as the last accepted message left it, to be given back with
 * rbac_registry_release().  One that was overtaken while it was read serves
 * its caller and is not kept.
 */
Registry *
rbac_registry_acquire(void)
{
	uint64		seen;
	Registry   *loaded;

	if (current != NULL && current_generation == generation)
	{
		current->references++;
		return current;
	}

	loaded = load_registry(&seen);
	MemoryContextSetParent(loaded->context, TopMemoryContext);
	loaded->references = 1;
	if (seen == generation)
	{
		Registry   *previous = current;

		loaded->references++;
		current = loaded;
		current_generation = seen;
		if (previous != NULL)
			rbac_registry_release(previous);
	}
	return loaded;
}

void
rbac_registry_release(Registry *registry)
{
	Assert(registry->references > 0);
	if (--registry->references == 0)
		MemoryContextDelete(registry->context);
}

const Grantable *
rbac_grantable_by_id(const Registry *registry, const pg_uuid_t *id)
{
	int			low = 0;
	int			high = registry->ngrantables;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		int			order = memcmp(registry->by_id[middle]->id.data, id->data, UUID_LEN);

		if (order == 0)
			return registry->by_id[middle];
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
first_of_name(const Registry *registry, const char *name)
{
	int			low = 0;
	int			high = registry->ngrantables;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (strcmp(registry->grantables[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < registry->ngrantables && strcmp(registry->grantables[low].name, name) == 0)
		return low;
	return -1;
}

/*
 * The role or permission that a name stands for in an organization (NULL: in
 * all of them), or NULL.
 */
const Grantable *
rbac_grantable_by_name(const Registry *registry, const char *name, const pg_uuid_t *organization)
{
	int			i = first_of_name(registry, name);

	if (i < 0)
		return NULL;
	for (; i < registry->ngrantables && strcmp(registry->grantables[i].name, name) == 0; i++)
	{
		const Grantable *grantable = &registry->grantables[i];

		if (rbac_uuid_is_nil(&grantable->organization) ||
			(organization != NULL && rbac_uuid_equal(&grantable->organization, organization)))
			return grantable;
	}
	return NULL;
}

/*
 * What it takes to hold a role or permission on a resource of a kind: the
 * actions that it allows when granted there or, where it can't be granted
 * there, on the nearest kind above.  A name that allows nothing anywhere has
 * the empty set, which is never held.
 */
static const ActionSet *
needed_on(const Grantable *grantable, ResourceKind kind)
{
	int			nearest = kind;

	while (nearest > RBAC_ORGANIZATION && action_set_is_empty(&grantable->allowed[nearest]))
		nearest--;
	return &grantable->allowed[nearest];
}

/*
 * Report that no action, permission or role is called "name".
 */
static void
unknown_name(const Registry *registry, const char *name)
{
	const char *best[NEAR_NAMES_SHOWN] = {NULL};
	int			distance[NEAR_NAMES_SHOWN];
	int			length = strlen(name);
	int			shown = 0;
	StringInfoData hint;

	for (int i = 0; i < NEAR_NAMES_SHOWN; i++)
		distance[i] = NEAR_NAME_DISTANCE + 1;
	for (int i = 0; i < registry->ngrantables + RBAC_MAX_ACTIONS && length <= NEAR_NAME_LENGTH; i++)
	{
		const char *known = i < registry->ngrantables ? registry->grantables[i].name :
			registry->actions[i - registry->ngrantables].name;
		int			d;

		/* What an organization calls its own roles is its own business. */
		if (known == NULL ||
			(i < registry->ngrantables && !rbac_uuid_is_nil(&registry->grantables[i].organization)))
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
			 errmsg("permission, role or action \"%s\" does not exist", name),
			 errdetail("Actions look like \"service.fork\", permissions like \"project:services:write\", roles like \"operator\"."),
			 shown > 0 ?
			 errhint_plural("The nearest name is %s.", "The nearest names are %s.", shown, hint.data) :
			 errhint("Choose one of the catalogue's names.")));
}

/*
 * Resolve the name of an action, permission or role.  False if it is unknown.
 */
bool
rbac_resolve(const Registry *registry, const char *name, Requirement *requirement)
{
	int			first;
	const Grantable *grantable;

	memset(requirement, 0, sizeof(Requirement));
	if (strchr(name, '.') != NULL)
	{
		for (int i = 0; i < RBAC_MAX_ACTIONS; i++)
		{
			if (registry->actions[i].name != NULL && strcmp(registry->actions[i].name, name) == 0)
			{
				for (int kind = 0; kind < RBAC_RESOURCE_KINDS; kind++)
					action_set_add(&requirement->actions[kind], i);
				return true;
			}
		}
	}
	first = first_of_name(registry, name);
	if (first < 0)
		return false;
	grantable = &registry->grantables[first];
	if (rbac_uuid_is_nil(&grantable->organization))
	{
		for (int kind = 0; kind < RBAC_RESOURCE_KINDS; kind++)
			requirement->actions[kind] = *needed_on(grantable, (ResourceKind) kind);
	}
	else
		requirement->custom = true;
	return true;
}

/*
 * The same, but an unknown name is an error with the nearest ones in its hint.
 */
void
rbac_require(const Registry *registry, const char *name, Requirement *requirement)
{
	if (!rbac_resolve(registry, name, requirement))
		unknown_name(registry, name);
}

/*
 * The actions that it takes on a resource of this kind and organization, or
 * NULL when the name means nothing there.
 */
const ActionSet *
rbac_required_actions(const Registry *registry, const Requirement *requirement, const char *name,
					  ResourceKind kind, const pg_uuid_t *organization)
{
	const ActionSet *needed;

	if (likely(!requirement->custom))
		needed = &requirement->actions[kind];
	else
	{
		const Grantable *role = rbac_grantable_by_name(registry, name, organization);

		if (role == NULL)
			return NULL;
		needed = needed_on(role, kind);
	}
	return action_set_is_empty(needed) ? NULL : needed;
}
