/*-------------------------------------------------------------------------
 *
 * rbac_show.c
 *	  The session's principal where a server is watched.
 *
 * Behind a pooler all sessions are one role's, and whoever looks at
 * pg_stat_activity, or at an error in the server's log, asks for whom it was.
 * With the setting aiven_rbac.show_principal
 *
 * - the application name in pg_stat_activity is followed by the principal's id.
 *   The setting application_name stays as it is;
 * - what a session writes to the server's log, and that alone, has a DETAIL that
 *   names the principal.  The client is not told.
 *
 * The principal changes where nothing can be looked up or allocated, as when a
 * transaction is aborted: the id is shown, and not the email.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pgstat.h"
#include "utils/elog.h"
#include "utils/guc.h"
#include "utils/uuid.h"

#include "rbac_session.h"
#include "rbac_show.h"

/* An id as text, and its end */
#define ID_LENGTH	(2 * UUID_LEN + 4 + 1)

static bool show_principal = false;
static emit_log_hook_type hook_before = NULL;

static void
id_as_text(const pg_uuid_t *id, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*text++ = '-';
		*text++ = digits[id->data[i] >> 4];
		*text++ = digits[id->data[i] & 0x0f];
	}
	*text = '\0';
}

/*
 * The session's principal is another one, or none.
 */
static void
show(const SessionPrincipal *principal)
{
	char		name[NAMEDATALEN];
	char		id[ID_LENGTH];

	if (!show_principal || application_name == NULL)
		return;
	if (principal == NULL)
	{
		pgstat_report_appname(application_name);
		return;
	}
	id_as_text(&principal->id, id);
	snprintf(name, sizeof(name), "%.*s %s", (int) (NAMEDATALEN - ID_LENGTH - 1), application_name, id);
	pgstat_report_appname(name);
}

static void
assign_show(bool newval, void *extra)
{
	if (show_principal && !newval && application_name != NULL)
		pgstat_report_appname(application_name);
}

/*
 * Add the principal to what is written to the server's log.
 */
static void
add_principal(ErrorData *edata)
{
	const SessionPrincipal *principal = show_principal && edata->output_to_server ? rbac_session_get() : NULL;
	const char *detail = edata->detail_log != NULL ? edata->detail_log : edata->detail;
	char		id[ID_LENGTH];

	if (principal != NULL)
	{
		id_as_text(&principal->id, id);
		edata->detail_log = psprintf("%s%sSession's principal: %s.", detail == NULL ? "" : detail, detail == NULL ? "" : " ", id);
	}
	if (hook_before)
		hook_before(edata);
}

void
rbac_show_init(void)
{
	DefineCustomBoolVariable("aiven_rbac.show_principal",
							 "Shows the session's principal in pg_stat_activity and in the server's log.",
							 "The application name is followed by its id, and lines of the log have a DETAIL.",
							 &show_principal,
							 false,
							 PGC_SUSET, 0,
							 NULL, assign_show, NULL);
	rbac_session_assigned = show;
	hook_before = emit_log_hook;
	emit_log_hook = add_principal;
}
