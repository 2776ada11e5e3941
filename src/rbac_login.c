/*-------------------------------------------------------------------------
 *
 * rbac_login.c
 *	  How a session becomes somebody, and stops being it.
 *
 * There are two ways.  A trusted back end that has authenticated its user says
 * who that is (rbac_set_principal()), and whoever has a token shows it
 * (rbac_authenticate()).
 *
 * A token is one word that its owner stores and shows to log in:
 *
 *		rbac_7k2m9x4qdw0h_4v8r…		52 characters at the end
 *		`--- prefix ----' `secret'
 *
 * The prefix is no secret.  It names the token in lists, in logs and to
 * whoever revokes it, and it is the key that the token is looked up by; its
 * first five characters let scanners of source code recognize a token that
 * was published by mistake.  The secret has 260 random bits, so that nobody
 * can guess one, however often; for the same reason one round of SHA-256 over
 * the whole token is enough to store it by.  What is looked up is the prefix
 * and what is compared is a digest, so that neither an index nor the time
 * that a comparison takes tells anything about a secret.
 *
 * The alphabet is that of Crockford's base 32, in lower case: one character
 * is five bits, and none is mistaken for another.
 *
 * Whoever has a token is its principal, so that anybody may try: there is
 * nothing to learn from trying.  A wrong token, one that has expired or was
 * revoked, one that is used from elsewhere than its networks, and one whose
 * principal is deactivated are all refused by the same error.  Which it was is
 * told to the server's log alone, and only of a token whose secret was right.
 *
 * The token itself goes no further than this file.  It is never a parameter
 * of a query, where an error's context or a module that logs plans could show
 * it; what is passed on is its prefix.
 *
 * The token is read under a new snapshot, as decisions read the tables: one
 * that was revoked is refused at once, whatever the isolation level of the
 * transaction that tries it.
 *
 * Logging in writes nothing in a READ ONLY transaction, and so neither on a
 * standby.  Elsewhere the last use is recorded, of a token once in USE_STEP, and
 * of a principal once in PRINCIPAL_STEP; see aiven_rbac.record_token_use() for how
 * it keeps out of everybody's way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inet.h"
#include "utils/inval.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "rbac_acting.h"
#include "rbac_apart.h"
#include "rbac_cache.h"
#include "rbac_hash.h"
#include "rbac_mark.h"
#include "rbac_plan.h"
#include "rbac_replica.h"
#include "rbac_secret.h"
#include "rbac_session.h"

PG_FUNCTION_INFO_V1(rbac_set_principal);
PG_FUNCTION_INFO_V1(rbac_current_principal);
PG_FUNCTION_INFO_V1(rbac_reset_principal);
PG_FUNCTION_INFO_V1(rbac_authenticate);
PG_FUNCTION_INFO_V1(rbac_authenticate_here);
PG_FUNCTION_INFO_V1(rbac_make_token);

/* "rbac_", then what tells a token from others */
#define PREFIX_LENGTH	17
/* The prefix, an underscore and the secret */
#define TOKEN_LENGTH	(PREFIX_LENGTH + 1 + 52)

/* By which a back end says that its user came by a token of the back end's own */
#define METHOD_TOKEN	"token"

#define MARK		"rbac_"
#define MARK_LENGTH 5

/* How exactly the last use of a token is known */
#define USE_STEP	(60 * USECS_PER_SEC)

/* How exactly the last use of a principal is known */
#define PRINCIPAL_STEP	(60 * 60 * USECS_PER_SEC)

/* Principals whose use this session has noted of late */
#define NOTED		256

typedef struct Noted
{
	pg_uuid_t	id;
	TimestampTz at;
} Noted;

static Noted noted[NOTED];

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/*
 * Both ways begin here.  Code that the owner of a table has attached to it can
 * run in a session that is not the owner's, and does not decide whose that is.
 */
static void
require_own_session(void)
{
	if (InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot set the principal within security-restricted operation"),
				 errdetail("The owner of a table has attached this code to it. It runs because the table is maintained, or because a row has changed that the table references.")));
}

/*
 * Record that a session is this principal's, if that may be due.  Where an old
 * snapshot is kept, a row that has changed since would make the transaction
 * fail.
 */
static void
record_principal(const SessionPrincipal *principal)
{
	Oid			types[3] = {UUIDOID, TEXTOID, BOOLOID};
	Datum		values[3];
	const char	nulls[3] = {' ', principal->method[0] == '\0' ? 'n' : ' ', ' '};
	TimestampTz now = GetCurrentStatementStartTimestamp();
	Noted	   *place = &noted[rbac_hash_data((const char *) &principal->id, sizeof(pg_uuid_t)) % NOTED];
	Oid			user;
	int			context;

	if (XactReadOnly || IsolationUsesXactSnapshot() ||
		(now - place->at < PRINCIPAL_STEP && memcmp(&place->id, &principal->id, sizeof(pg_uuid_t)) == 0))
		return;
	place->id = principal->id;
	place->at = now;
	values[0] = UUIDPGetDatum(&principal->id);
	values[1] = CStringGetTextDatum(principal->method);
	values[2] = BoolGetDatum(principal->two_factor);
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(rbac_owner_of(rbac_table_oid(RBAC_TABLE_RESOURCE)), context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	SPI_execute_with_args("SELECT aiven_rbac.record_principal_use($1, $2, $3)", 3, types, values, nulls, false, 0);
	SPI_finish();
	SetUserIdAndSecContext(user, context);
}

/*
 * Both ways end here.  A query is likely to follow, so its plan is seen to at
 * once: it need not run with that of the principal before.
 */
static void
become(const SessionPrincipal *principal, bool is_local)
{
	rbac_session_set(principal, is_local);
	rbac_plan_follow_principal();
	record_principal(principal);
}

/*
 * A mark that a session is to begin after: until the server has come to it, what
 * the principal holds here can be more than is left.
 */
static void
require_mark(FunctionCallInfo fcinfo, const text *mark)
{
	if (rbac_mark_wait(fcinfo, mark, RBAC_MARK_WAIT))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("this server has not come to the mark"),
			 errdetail("What had been changed when the mark was taken may not be there yet, or was lost in a failover. No principal has been set."),
			 errhint("Ask the primary, or try again later.")));
}

/*
 * rbac_set_principal(principal uuid, method text, two_factor boolean, is_local boolean,
 *					  after text)
 *
 * For a trusted back end that has authenticated its user: whoever may call it
 * can be anybody.  The principal is not looked up; one that does not exist
 * holds nothing (G10).
 */
Datum
rbac_set_principal(PG_FUNCTION_ARGS)
{
	SessionPrincipal principal;

	require_own_session();
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("principal must not be null"),
				 errhint("Use rbac_reset_principal() to be nobody again.")));
	memset(&principal, 0, sizeof(SessionPrincipal));
	principal.id = *PG_GETARG_UUID_P(0);
	if (!PG_ARGISNULL(1))
	{
		char	   *method = text_to_cstring(PG_GETARG_TEXT_PP(1));

		if (strlen(method) > RBAC_METHOD_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("login method is too long"),
					 errdetail("It has %zu bytes; the longest allowed has %d.",
							   strlen(method), RBAC_METHOD_MAX)));
		strcpy(principal.method, method);
		/* Whoever made that token, and how they had logged in, is not known. */
		principal.by_token = strcmp(method, METHOD_TOKEN) == 0;
	}
	principal.two_factor = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	if (!PG_ARGISNULL(4))
		require_mark(fcinfo, PG_GETARG_TEXT_PP(4));
	become(&principal, PG_ARGISNULL(3) || PG_GETARG_BOOL(3));
	PG_RETURN_VOID();
}

/*
 * rbac_current_principal() → uuid, or NULL when the session has no principal.
 */
Datum
rbac_current_principal(PG_FUNCTION_ARGS)
{
	const SessionPrincipal *session;
	pg_uuid_t  *result;

	AcceptInvalidationMessages();
	session = rbac_session_get();
	if (session == NULL)
		PG_RETURN_NULL();
	result = palloc(sizeof(pg_uuid_t));
	*result = session->id;
	PG_RETURN_UUID_P(result);
}

Datum
rbac_reset_principal(PG_FUNCTION_ARGS)
{
	rbac_session_reset();
	PG_RETURN_VOID();
}

/*
 * Make a new token, TOKEN_LENGTH characters and a terminating zero.
 */
static void
make_token(char *token)
{
	uint8		random[TOKEN_LENGTH];

	rbac_secret_random(random, sizeof(random));
	for (int i = 0; i < TOKEN_LENGTH; i++)
		token[i] = alphabet[random[i] & 31];
	memcpy(token, MARK, MARK_LENGTH);
	token[PREFIX_LENGTH] = '_';
	token[TOKEN_LENGTH] = '\0';
	explicit_bzero(random, sizeof(random));
}

/*
 * Copy the prefix of what may be a token to "prefix", which has room for it
 * and a terminating zero.  False if no token looks like this.
 */
static bool
split_token(const char *token, int length, char *prefix)
{
	if (length != TOKEN_LENGTH || memcmp(token, MARK, MARK_LENGTH) != 0 ||
		token[PREFIX_LENGTH] != '_')
		return false;
	for (int i = MARK_LENGTH; i < TOKEN_LENGTH; i++)
	{
		if (i != PREFIX_LENGTH && (token[i] == '\0' || strchr(alphabet, token[i]) == NULL))
			return false;
	}
	memcpy(prefix, token, PREFIX_LENGTH);
	prefix[PREFIX_LENGTH] = '\0';
	return true;
}

/*
 * Is an address (0: not known) in one of the networks (0: any will do)?
 */
static bool
is_allowed_from(Datum networks, Datum address)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (networks == 0)
		return true;
	if (address == 0)
		return false;
	deconstruct_array(DatumGetArrayTypeP(networks), CIDROID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i] && DatumGetBool(DirectFunctionCall2(network_subeq, address, elements[i])))
			return true;
	}
	return false;
}

static bool
is_active(const pg_uuid_t *principal)
{
	Subject		subject = {.who.id = *principal};
	PrincipalEntry *entry = rbac_cache_pin(&subject, rbac_instant());
	bool		active = entry->principal->exists && !entry->principal->deactivated;

	rbac_cache_unpin(entry);
	return active;
}

/*
 * Look a token up and check it.  NULL if it may be used now from "address",
 * otherwise why not, for the log.
 */
static const char *
reason_to_refuse(text *token, Datum address, TimestampTz now, char *prefix, TokenRow *row)
{
	static const uint8 none[RBAC_DIGEST_LENGTH] = {0};
	uint8		digest[RBAC_DIGEST_LENGTH];
	TableView	view;
	bool		found = false;

	if (token == NULL || !split_token(VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token), prefix))
		return "It does not look like a token.";
	rbac_secret_digest(VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token), digest);

	rbac_tables_lock(&view, RBAC_TABLE_BIT(RBAC_TABLE_TOKEN) | RBAC_TABLE_BIT(RBAC_TABLE_TOKEN_USE));
	rbac_tables_look(&view);
	found = rbac_tables_token(&view, prefix, row);
	rbac_tables_close(&view);

	if (!rbac_secret_equal(digest, found ? row->digest : none, RBAC_DIGEST_LENGTH) || !found)
		return "There is no such token.";
	if (row->revoked_at != DT_NOEND)
		return psprintf("Token \"%s\" was revoked.", prefix);
	if (row->expires_at <= now)
		return psprintf("Token \"%s\" has expired.", prefix);
	if (!is_allowed_from(row->allowed_networks, address))
		return psprintf("Token \"%s\" may not be used from this address.", prefix);
	if (!is_active(&row->principal))
		return psprintf("The principal of token \"%s\" is deactivated or gone.", prefix);
	return NULL;
}

/*
 * Record that a token is used, if that is due.  One that its use extends is
 * also recorded when it would expire before the next time that is due.
 */
static void
record_use(const char *prefix, const TokenRow *row, TimestampTz now)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1];

	if (XactReadOnly)
		return;
	if (row->last_used_at != DT_NOBEGIN && now - row->last_used_at < USE_STEP &&
		!(row->extend_when_used && row->expires_at - now < USE_STEP))
		return;

	/* Until this ends, nobody can delete the token, or its principal. */
	rbac_acting_note(&row->principal);
	values[0] = CStringGetTextDatum(prefix);
	SPI_connect();
	SPI_execute_with_args("SELECT aiven_rbac.record_token_use($1)", 1, types, values, NULL, false, 0);
	SPI_finish();
}

/*
 * Make the principal that a token belongs to the session's.  What the session
 * may open depends on how whoever made the token had logged in.
 */
static Datum
authenticate(text *token, Datum address, bool is_local)
{
	TimestampTz now = GetCurrentTimestamp();
	char		prefix[PREFIX_LENGTH + 1];
	TokenRow	row;
	const char *reason;
	SessionPrincipal principal;
	pg_uuid_t  *result;

	require_own_session();
	AcceptInvalidationMessages();
	rbac_replica_check();
	reason = reason_to_refuse(token, address, now, prefix, &row);
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("authentication failed"),
				 errdetail_log("%s", reason),
				 errhint("The token may be mistyped, expired or revoked, or not be allowed from this address.")));

	record_use(prefix, &row, now);
	memset(&principal, 0, sizeof(SessionPrincipal));
	principal.id = row.principal;
	principal.by_token = true;
	principal.two_factor = row.two_factor;
	strlcpy(principal.method, row.method, sizeof(principal.method));
	become(&principal, is_local);

	result = palloc(sizeof(pg_uuid_t));
	*result = row.principal;
	PG_RETURN_UUID_P(result);
}

/*
 * rbac_authenticate(token text, client_address inet, is_local boolean) → uuid
 *
 * The caller says where the client is, so that it must be one that is trusted
 * with that.
 */
Datum
rbac_authenticate(PG_FUNCTION_ARGS)
{
	return authenticate(PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0),
						PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1),
						PG_ARGISNULL(2) || PG_GETARG_BOOL(2));
}

/*
 * The address of the other side of this session's connection; 0 by a Unix
 * socket, or where there is no connection
 */
static Datum
own_address(void)
{
	LOCAL_FCINFO(call, 0);
	Datum		address;

	InitFunctionCallInfoData(*call, NULL, 0, InvalidOid, NULL, NULL);
	address = inet_client_addr(call);
	return call->isnull ? (Datum) 0 : address;
}

/*
 * rbac_authenticate_here(token text, is_local boolean) → uuid
 *
 * The client is where the connection comes from, whatever the caller would like.
 */
Datum
rbac_authenticate_here(PG_FUNCTION_ARGS)
{
	return authenticate(PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0), own_address(),
						PG_ARGISNULL(1) || PG_GETARG_BOOL(1));
}

/*
 * aiven_rbac.make_token() → (token text, prefix text, digest bytea)
 */
Datum
rbac_make_token(PG_FUNCTION_ARGS)
{
	char		token[TOKEN_LENGTH + 1];
	char		prefix[PREFIX_LENGTH + 1];
	bytea	   *digest = palloc(VARHDRSZ + RBAC_DIGEST_LENGTH);
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	make_token(token);
	split_token(token, TOKEN_LENGTH, prefix);
	SET_VARSIZE(digest, VARHDRSZ + RBAC_DIGEST_LENGTH);
	rbac_secret_digest(token, TOKEN_LENGTH, (uint8 *) VARDATA(digest));

	values[0] = CStringGetTextDatum(token);
	values[1] = CStringGetTextDatum(prefix);
	values[2] = PointerGetDatum(digest);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
