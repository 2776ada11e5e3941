/*
 * A request with libpq: a transaction that begins with its principal.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

static bool
done(PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	PQclear(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/*
 * Returns what the query gives, or NULL, which the caller frees.
 */
static char *
request(PGconn *connection, const char *email, const char *query)
{
	PGresult   *result;
	char	   *value = NULL;

	if (!done(PQexec(connection, "BEGIN")) ||
		!done(PQexecParams(connection, "SELECT rbac_set_principal(rbac_user($1))",
						   1, NULL, &email, NULL, NULL, 0)))
	{
		done(PQexec(connection, "ROLLBACK"));
		return NULL;
	}
	result = PQexec(connection, query);
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		value = strdup(PQgetvalue(result, 0, 0));
	PQclear(result);
	done(PQexec(connection, "COMMIT"));
	return value;
}

/* --- trying it ------------------------------------------------------------ */

int
main(void)
{
	PGconn	   *connection = PQconnectdb("");
	char		email[256];
	char		expected[32];
	int			right = 0;
	int			wrong = 0;

	while (scanf("%255s %31s", email, expected) == 2)
	{
		for (int i = 0; i < 20; i++)
		{
			char	   *count = request(connection, email, "SELECT count(*) FROM deployment");
			PGresult   *forgotten = PQexec(connection, "SELECT count(*) FROM deployment");
			bool		is = count != NULL && strcmp(count, expected) == 0 &&
				strcmp(PQgetvalue(forgotten, 0, 0), "0") == 0;

			is ? right++ : wrong++;
			PQclear(forgotten);
			free(count);
		}
	}
	printf("%d right, %d wrong\n", right, wrong);
	PQfinish(connection);
	return wrong > 0;
}
