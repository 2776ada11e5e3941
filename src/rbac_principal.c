/*-------------------------------------------------------------------------
 *
 * rbac_principal.c
 *	  One principal, as the rows of a view say.
 *
 * A principal is read with a few index scans: itself, its memberships, the
 * authentication policies of those organizations, its own grants, its groups
 * and their grants.  Nothing here asks which moment the rows are of, or whether
 * they are still current.  The caller brings the view, and whoever keeps what
 * comes out (rbac_cache.c) knows for how long it may.
 *
 * Grants are read without looking up the resources that they stand on: they are
 * found by the resource's id, and a resource that is asked about has the ids of
 * what is above it in its own row.  Where grants stand, and what the groups are
 * called that they come by, is found out when somebody lists or explains.
 *
 * A row that refers to something missing counts for nothing, since replication
 * can bring rows in any order: a dangling reference denies.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "rbac_principal.h"

/*
 * A principal that is being read, and what rows need to become its grants.
 */
typedef struct Loading
{
	Principal  *principal;
	TableView  *view;
	TimestampTz now;
	const Grantable *last;		/* granted last: the next is often the same */
	int			group;			/* whose grants are read */
	pg_uuid_t	of;				/* the group's organization */
	int			room;
} Loading;

/*
 * Make room for one more: grow by doubling, whenever the count is a power of two.
 */
static void *
grow(void *array, int count, Size size)
{
	if (count == 0)
		return palloc(size);
	return (count & (count - 1)) == 0 ? repalloc_huge(array, 2 * count * size) : array;
}

static void
add_membership(void *row, void *arg)
{
	Principal  *principal = ((Loading *) arg)->principal;
	int			n = principal->nmemberships;

	principal->memberships = grow(principal->memberships, n, sizeof(Membership));
	principal->memberships[n].organization = *(pg_uuid_t *) row;
	principal->memberships[n].barred = NULL;
	principal->nmemberships++;
}

static bool
allows_method(const AuthenticationPolicyRow *policy, const char *method)
{
	for (int i = 0; i < policy->nmethods; i++)
	{
		if (strcmp(method, policy->methods[i]) == 0)
			return true;
	}
	return policy->any_method;
}

static void
add_lack(StringInfo lacks, const char *lack)
{
	appendStringInfo(lacks, "%s%s", lacks->len > 0 ? "; " : "", lack);
}

static const char *
lack_of_method(const SessionPrincipal *who)
{
	const char *which = who->by_token ? "the one by which the token was made" : "the session's";

	if (who->method[0] == '\0')
		return psprintf("it restricts the methods of logging in, and %s is not known", which);
	return psprintf("it does not allow logging in by \"%s\"%s", who->method,
					who->by_token ? ", as the token's maker had" : "");
}

/*
 * Does a user's session satisfy an organization's authentication policy?
 * Returns all that it lacks, or NULL (G9).  A session begun with a token has to
 * be allowed by itself, and besides, whoever made the token must have logged in
 * in a way that the policy allows now: it can be younger than the token.
 */
const char *
rbac_lacks_for_policy(const SessionPrincipal *who, const AuthenticationPolicyRow *policy)
{
	const char *maker = who->by_token ? ", and the token was made without" : "";
	StringInfoData lacks;

	initStringInfo(&lacks);
	if (who->by_token && !policy->personal_tokens)
		add_lack(&lacks, "it does not allow personal tokens");
	if (policy->require_two_factor && !who->two_factor)
		add_lack(&lacks, psprintf("it requires two-factor authentication%s", maker));
	if (!allows_method(policy, who->method))
		add_lack(&lacks, lack_of_method(who));
	return lacks.len > 0 ? lacks.data : NULL;
}

static void
bar_organizations(Principal *principal, TableView *view)
{
	MemoryContext keep = CurrentMemoryContext;
	MemoryContext aside = AllocSetContextCreate(keep, "rbac policies", ALLOCSET_SMALL_SIZES);

	for (int i = 0; i < principal->nmemberships; i++)
	{
		Membership *membership = &principal->memberships[i];
		AuthenticationPolicyRow policy;
		bool					found;

		MemoryContextSwitchTo(aside);
		found = rbac_tables_authentication_policy(view, &membership->organization, &policy);
		MemoryContextSwitchTo(keep);
		if (found)
			membership->barred = rbac_lacks_for_policy(&principal->subject.who, &policy);
		MemoryContextReset(aside);
	}
	MemoryContextDelete(aside);
}

static int
compare_memberships(const void *a, const void *b)
{
	return rbac_uuid_compare(&((const Membership *) a)->organization, &((const Membership *) b)->organization);
}

/*
 * A principal's membership in an organization, or NULL.
 */
const Membership *
rbac_principal_membership(const Principal *principal, const pg_uuid_t *organization)
{
	int			low = 0;
	int			high = principal->nmemberships;

	while (low < high)
	{
		int			middle = (low + high) / 2;
		int			order = rbac_uuid_compare(&principal->memberships[middle].organization, organization);

		if (order == 0)
			return &principal->memberships[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool
knows_role(const Principal *principal, const char *name)
{
	for (int i = 0; i < principal->nmemberships; i++)
	{
		if (rbac_grantable_by_name(principal->catalogue, name, &principal->memberships[i].organization) != NULL)
			return true;
	}
	return false;
}

/*
 * The first of some resolved names that is a role of other organizations than the
 * principal's, which is not to know that there is one (H4).  NULL if there is none.
 * What nobody can log in as holds nothing by whatever name, and that is no error
 * (G10).
 */
const char *
rbac_principal_unknown_name(const Principal *principal, const NameList *names)
{
	if (!principal->exists || principal->deactivated || principal->kind == RBAC_GROUP)
		return NULL;
	for (int i = 0; i < names->count; i++)
	{
		if (names->each[i].custom && !knows_role(principal, names->each[i].name))
			return names->each[i].name;
	}
	return NULL;
}

/*
 * What is read is true until the next validity period begins or ends, and has
 * been since the last one did.
 */
static void
bound_by_period(Principal *principal, TimestampTz now, TimestampTz instant)
{
	if (instant <= now)
		principal->since = Max(principal->since, instant);
	else
		principal->until = Min(principal->until, instant);
}

static PrincipalGrant *
next_grant(Loading *loading)
{
	Principal  *principal = loading->principal;

	if (principal->ngrants == loading->room)
	{
		loading->room = loading->room == 0 ? 8 : 2 * loading->room;
		principal->grants = principal->ngrants == 0 ?
			palloc(sizeof(PrincipalGrant) * loading->room) :
			repalloc_huge(principal->grants, sizeof(PrincipalGrant) * loading->room);
	}
	return &principal->grants[principal->ngrants++];
}

static void
add_grant_of(Loading *loading, const Grantable *grantable, const AccessGrantRow *row)
{
	Principal  *principal = loading->principal;
	const Membership *membership = rbac_principal_membership(principal, &row->organization);
	PrincipalGrant *grant;

	if (grantable == NULL || membership == NULL || membership->barred != NULL)
		return;
	if (loading->group != RBAC_NO_GROUP && !rbac_uuid_equal(&loading->of, &row->organization))
		return;

	grant = next_grant(loading);
	grant->grantable = grantable;
	grant->resource = row->resource;
	grant->kind = row->kind;
	grant->group = loading->group;
	grant->valid_from = row->valid_from;
	grant->valid_until = row->valid_until;
	grant->active = row->valid_from <= loading->now && loading->now < row->valid_until;
	bound_by_period(principal, loading->now, row->valid_from);
	bound_by_period(principal, loading->now, row->valid_until);
}

static void
add_grant(void *row, void *arg)
{
	AccessGrantRow *grant = row;
	Loading    *loading = arg;

	if (loading->last == NULL || !rbac_uuid_equal(&loading->last->id, &grant->grantable))
		loading->last = rbac_grantable_by_id(loading->principal->catalogue, &grant->grantable);
	add_grant_of(loading, loading->last, grant);
}

/*
 * Whoever is in an account owners group is a super admin.
 */
static void
add_super_admin(Loading *loading)
{
	AccessGrantRow everything = {.resource = loading->of,
								 .organization = loading->of,
								 .kind = RBAC_ORGANIZATION,
								 .valid_from = DT_NOBEGIN,
								 .valid_until = DT_NOEND};

	add_grant_of(loading, loading->principal->catalogue->super_admin, &everything);
}

static void
add_group(void *row, void *arg)
{
	GroupMemberRow *member = row;
	Loading    *loading = arg;
	Principal  *principal = loading->principal;
	PrincipalRow group;

	principal->groups = grow(principal->groups, principal->ngroups, sizeof(pg_uuid_t));
	principal->groups[principal->ngroups++] = member->group_id;
	if (!rbac_tables_principal(loading->view, &member->group_id, &group) ||
		group.kind != RBAC_GROUP ||
		!rbac_uuid_equal(&group.organization, &member->organization))
		return;
	loading->group = principal->ngroups - 1;
	loading->of = group.organization;
	if (group.account_owners && principal->kind == RBAC_USER)
		add_super_admin(loading);
	rbac_tables_grants(loading->view, &member->group_id, add_grant, loading);
	loading->group = RBAC_NO_GROUP;
}

/*
 * By resource; of one resource directly granted ones first
 */
static inline int
compare_grants(const PrincipalGrant *left, const PrincipalGrant *right)
{
	int			order = rbac_uuid_compare(&left->resource, &right->resource);

	if (order == 0)
		order = (left->group > right->group) - (left->group < right->group);
	if (order == 0)
		order = rbac_uuid_compare(&left->grantable->id, &right->grantable->id);
	return order;
}

#define ST_SORT sort_grants
#define ST_ELEMENT_TYPE PrincipalGrant
#define ST_COMPARE(a, b) compare_grants(a, b)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * Read a principal, for a statement that started at "now", into the current
 * memory context.  The view has to have the tables that are RBAC_FOR_PRINCIPALS.
 * One that does not exist is read, too, and holds nothing.
 */
Principal *
rbac_principal_load(TableView *view, const Subject *subject, TimestampTz now,
					const Catalogue *catalogue)
{
	Principal  *principal = palloc0(sizeof(Principal));
	const pg_uuid_t *id = &principal->subject.who.id;
	Loading		loading = {.principal = principal, .view = view, .now = now, .group = RBAC_NO_GROUP};
	PrincipalRow row;

	principal->subject = *subject;
	principal->catalogue = catalogue;
	principal->since = DT_NOBEGIN;
	principal->until = DT_NOEND;
	if (!rbac_tables_principal(view, id, &row))
		return principal;

	principal->exists = true;
	principal->kind = row.kind;
	principal->deactivated = row.deactivated;
	rbac_tables_memberships(view, id, add_membership, &loading);
	if (principal->nmemberships > 1)
		qsort(principal->memberships, principal->nmemberships, sizeof(Membership), compare_memberships);
	if (subject->in_session && row.kind == RBAC_USER)
		bar_organizations(principal, view);
	if (!row.deactivated)
	{
		rbac_tables_grants(view, id, add_grant, &loading);
		rbac_tables_groups(view, id, add_group, &loading);
		if (principal->ngrants > 1)
			sort_grants(principal->grants, principal->ngrants);
	}
	return principal;
}

/*
 * What is packed is put one after the other, each so that it is aligned.  With no
 * memory to put it into, only the room is measured.
 */
typedef struct Packing
{
	char	   *memory;
	Size		used;
} Packing;

static void *
pack(Packing *packing, const void *what, Size size)
{
	char	   *where = packing->memory != NULL ? packing->memory + packing->used : NULL;

	packing->used += MAXALIGN(size);
	return where != NULL && size > 0 ? memcpy(where, what, size) : where;
}

static Principal *
pack_principal(Packing *packing, const Principal *principal)
{
	Principal  *packed = pack(packing, principal, sizeof(Principal));
	Membership *memberships = pack(packing, principal->memberships, principal->nmemberships * sizeof(Membership));
	PrincipalGrant *grants = pack(packing, principal->grants, principal->ngrants * sizeof(PrincipalGrant));
	pg_uuid_t  *groups = pack(packing, principal->groups, principal->ngroups * sizeof(pg_uuid_t));

	for (int i = 0; i < principal->nmemberships; i++)
	{
		const char *barred = principal->memberships[i].barred;

		if (barred != NULL)
			barred = pack(packing, barred, strlen(barred) + 1);
		if (memberships != NULL)
			memberships[i].barred = barred;
	}
	if (packed != NULL)
	{
		packed->memberships = memberships;
		packed->grants = grants;
		packed->groups = groups;
	}
	return packed;
}

/*
 * A copy of a principal that was just read, in one chunk of memory: those that are
 * kept are many.
 */
Principal *
rbac_principal_pack(const Principal *principal, MemoryContext context)
{
	Packing		packing = {0};

	Assert(principal->places == NULL && principal->group_names == NULL);
	pack_principal(&packing, principal);
	packing.memory = MemoryContextAllocHuge(context, packing.used);
	packing.used = 0;
	return pack_principal(&packing, principal);
}

/*
 * Add what is granted on a resource itself.
 */
void
rbac_principal_add_granted(const Principal *principal, const pg_uuid_t *resource, ActionSet *actions)
{
	const PrincipalGrant *grants = principal->grants;
	int			low = 0;
	int			high = principal->ngrants;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (rbac_uuid_compare(&grants[middle].resource, resource) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < principal->ngrants && rbac_uuid_equal(&grants[low].resource, resource); low++)
	{
		if (grants[low].active)
			action_set_union(actions, rbac_grant_allows(&grants[low]));
	}
}

/*
 * Directly granted ones first, then by group
 */
static int
compare_ways(const void *a, const void *b)
{
	const PrincipalGrant *left = ((const Place *) a)->grant;
	const PrincipalGrant *right = ((const Place *) b)->grant;

	if (left->group != right->group)
		return left->group < right->group ? -1 : 1;
	return left < right ? -1 : 1;
}

/*
 * Find out where the grants stand.  Paths go to the current memory context.
 * Grants that stand nowhere are left out, and do not count: what they stand on can
 * still arrive.  The row of each resource is given to "found", if there is one.
 */
void
rbac_principal_locate(TableView *view, Principal *principal, RbacRowCallback found, void *arg)
{
	Place	   *places = palloc_extended(Max(principal->ngrants, 1) * sizeof(Place), MCXT_ALLOC_HUGE);
	int			nplaces = 0;
	ResourceRow at;
	bool		exists = false;

	for (int i = 0; i < principal->ngrants; i++)
	{
		const PrincipalGrant *grant = &principal->grants[i];

		if (i == 0 || !rbac_uuid_equal(&grant->resource, &grant[-1].resource))
		{
			exists = rbac_tables_resource(view, &grant->resource, &at);
			if (exists && found != NULL)
				found(&at, arg);
		}
		if (exists)
			places[nplaces++] = (Place){grant, RBAC_PATH_DATA(at.path), RBAC_PATH_LEN(at.path)};
	}
	qsort(places, nplaces, sizeof(Place), compare_ways);
	principal->nplaces = nplaces;
	principal->places = places;
}

/*
 * Find out what the groups are called.  One that has gone since has its id.
 */
void
rbac_principal_name_groups(TableView *view, Principal *principal)
{
	const char **names = palloc(Max(principal->ngroups, 1) * sizeof(char *));

	for (int i = 0; i < principal->ngroups; i++)
	{
		const char *name = rbac_tables_principal_name(view, &principal->groups[i]);

		names[i] = name != NULL ? name :
			DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&principal->groups[i])));
	}
	principal->group_names = names;
}

/*
 * The hierarchy has changed: forget where the grants stand, and what was found out
 * with that.
 */
void
rbac_principal_forget_places(Principal *principal)
{
	principal->nplaces = 0;
	principal->places = NULL;
	principal->group_names = NULL;
}

/*
 * Those of some actions that a principal does not hold on a resource from
 * "from" to "until".  A grant counts if its own period covers all of that: what
 * ends tomorrow can't be handed out for longer.  It has to cover the beginning
 * even if nothing comes after: who revokes is asked about a mere instant.
 */
ActionSet
rbac_principal_lacks(const Principal *principal, const ResourceRow *resource,
					 const ActionSet *actions, TimestampTz from, TimestampTz until)
{
	ActionSet held = {{0}};

	Assert(principal->places != NULL);
	for (int i = 0; i < principal->nplaces; i++)
	{
		const Place *place = &principal->places[i];
		const PrincipalGrant *grant = place->grant;

		if (grant->valid_from <= from && grant->valid_until > from && grant->valid_until >= until &&
			rbac_path_contains(place->path, place->path_length,
							   RBAC_PATH_DATA(resource->path), RBAC_PATH_LEN(resource->path)))
			action_set_union(&held, rbac_grant_allows(grant));
	}
	return action_set_difference(actions, &held);
}

/*
 * In the order of the places where two grants stand, as for qsort()
 */
int
rbac_principal_compare_places(const void *a, const void *b)
{
	const Place *left = *(const Place *const *) a;
	const Place *right = *(const Place *const *) b;

	return rbac_path_compare(left->path, left->path_length, right->path, right->path_length);
}

/*
 * The places of the grants that are in force, in order.
 */
const Place **
rbac_principal_places(const Principal *principal, int *count)
{
	const Place **places = palloc_extended(Max(principal->nplaces, 1) * sizeof(Place *), MCXT_ALLOC_HUGE);

	Assert(principal->places != NULL);
	*count = 0;
	for (int i = 0; i < principal->nplaces; i++)
	{
		if (principal->places[i].grant->active)
			places[(*count)++] = &principal->places[i];
	}
	qsort(places, *count, sizeof(Place *), rbac_principal_compare_places);
	return places;
}

/*
 * Of those, the topmost that count (NULL: all do): none is inside another.
 */
const Place **
rbac_principal_scopes(const Principal *principal, PlaceFilter counts, void *arg, int *count)
{
	int			nplaces;
	const Place **places = rbac_principal_places(principal, &nplaces);

	*count = 0;
	for (int i = 0; i < nplaces; i++)
	{
		const Place *last = *count > 0 ? places[*count - 1] : NULL;
		const Place *place = places[i];

		if (last != NULL &&
			rbac_path_contains(last->path, last->path_length, place->path, place->path_length))
			continue;
		if (counts == NULL || counts(place, arg))
			places[(*count)++] = place;
	}
	return places;
}
