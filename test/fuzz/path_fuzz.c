/*-------------------------------------------------------------------------
 *
 * path_fuzz.c
 *	  Random bytes for rbac_path_parse(), under the sanitizers.
 *
 *		path_fuzz [tries [seed]]
 *
 * Links src/path_io.c without a server: the few functions that it needs of one
 * are below, memory is malloc()ed to the byte so that AddressSanitizer sees
 * each access outside, and an error is a longjmp().  What is accepted must be
 * what a second, slower reading of the rule accepts, and must come back as it
 * went in.  Values that a database would not let through, invalid in its
 * encoding, are part of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <setjmp.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "path.h"

extern bool errsave_start(struct Node *context, const char *domain);
extern void errsave_finish(struct Node *context, const char *filename, int lineno,
						   const char *funcname);

#define MAX_LEN		400

static const int encodings[] = {PG_SQL_ASCII, PG_UTF8, PG_LATIN1, PG_EUC_JP, PG_EUC_TW};
static int	encoding;
static jmp_buf raised;

/* What was allocated for a value; freed at once when it is done with */
static void *chunks[64];
static int	nchunks;

void *
palloc(Size size)
{
	Assert(nchunks < lengthof(chunks));
	return chunks[nchunks++] = malloc(size);
}

static void
free_chunks(void)
{
	while (nchunks > 0)
		free(chunks[--nchunks]);
}

/* Messages are made in full, as the values in them are what may go wrong */
static int
format(const char *fmt, va_list args)
{
	char		message[4096];
	int			len = vsnprintf(message, sizeof(message), fmt, args);

	if (len < 0 || len >= (int) sizeof(message))
		abort();
	return 0;
}

#define FORMAT(fmt) \
	do \
	{ \
		va_list		args; \
		va_start(args, fmt); \
		format(fmt, args); \
		va_end(args); \
	} while (0)

char *
psprintf(const char *fmt,...)
{
	char		text[4096];
	char	   *result;
	va_list		args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	result = palloc(strlen(text) + 1);
	strcpy(result, text);
	return result;
}

int
errmsg(const char *fmt,...)
{
	FORMAT(fmt);
	return 0;
}

int
errdetail(const char *fmt,...)
{
	FORMAT(fmt);
	return 0;
}

int
errhint(const char *fmt,...)
{
	FORMAT(fmt);
	return 0;
}

int
errcode(int sqlerrcode)
{
	return 0;
}

bool
errstart(int elevel, const char *domain)
{
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return true;
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	longjmp(raised, 1);
}

bool
errsave_start(struct Node *context, const char *domain)
{
	return true;
}

void
errsave_finish(struct Node *context, const char *filename, int lineno,
			   const char *funcname)
{
	longjmp(raised, 1);
}

int
GetDatabaseEncoding(void)
{
	return encoding;
}

bool
pg_verify_mbstr(int enc, const char *text, int len, bool noError)
{
	return pg_encoding_verifymbstr(enc, text, len) == len;
}

int
pg_encoding_mbcliplen(int enc, const char *text, int len, int limit)
{
	int			clipped = 0;

	while (clipped < len)
	{
		int			next = clipped + pg_encoding_mblen(enc, text + clipped);

		if (next > limit)
			break;
		clipped = next;
	}
	return clipped;
}

/* Only the binary form needs it; the library's own would bring its palloc() */
void
enlargeStringInfo(StringInfo str, int needed)
{
	abort();
}

/* The rule once more, label by label */
static bool
is_path(const char *text, int len)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char others[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";

	if (len > 255)
		return false;

	for (;;)
	{
		int			n = 0;

		while (n < len && text[n] != '\0' && strchr(others, text[n]))
			n++;
		if (n == 0 || n > 63 || !strchr(first, text[0]))
			return false;
		if (n == len)
			return true;
		if (text[n] != '.')
			return false;
		text += n + 1;
		len -= n + 1;
	}
}

/* A small generator of our own, so that a seed means the same everywhere */
static uint64 state;

static unsigned int
next_random(unsigned int limit)
{
	state = state * UINT64CONST(6364136223846793005) + UINT64CONST(1442695040888963407);
	return (unsigned int) (state >> 33) % limit;
}

static unsigned int
random_value(char *text)
{
	static const char near[] = "aaabcxyz0129-_...A@[`{/:~ \x01\x02\x7f";
	unsigned int len = next_random(4) ? next_random(100) : next_random(MAX_LEN);
	unsigned int noise = next_random(3) ? 0 : 1 + next_random(8);
	int			label = 0;

	for (unsigned int i = 0; i < len; i++)
	{
		label++;
		if (noise && next_random(16) < noise)
			text[i] = next_random(2) ? (char) next_random(256) : near[next_random(sizeof(near) - 1)];
		else if (label > 1 && i + 1 < len && next_random(label > 60 ? 4 : 12) == 0)
		{
			text[i] = '.';
			label = 0;
		}
		else
			text[i] = near[next_random(11)];
	}
	return len;
}

/*
 * Is a value taken?  If so, it must come back as it is.
 */
static bool
is_taken(const char *value, unsigned int len)
{
	RbacPath   *path;
	char	   *back;

	if (setjmp(raised) != 0)
		return false;

	path = rbac_path_parse(value, len, 0, NULL);
	back = rbac_path_text(RBAC_PATH_DATA(path), RBAC_PATH_LEN(path));
	if (strlen(back) != len || memcmp(back, value, len) != 0)
	{
		fprintf(stderr, "\"%.*s\" came back as \"%s\"\n", (int) len, value, back);
		abort();
	}
	return true;
}

int
main(int argc, char **argv)
{
	long		tries = argc > 1 ? atol(argv[1]) : 200000;
	long		accepted = 0;

	state = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;

	for (long i = 0; i < tries; i++)
	{
		char		value[MAX_LEN];
		unsigned int len = random_value(value);
		char	   *exact = malloc(len);
		bool		taken;

		memcpy(exact, value, len);
		encoding = encodings[next_random(lengthof(encodings))];

		taken = is_taken(exact, len);
		if (taken != is_path(value, len))
		{
			fprintf(stderr, "try %ld: \"%.*s\" was %s\n", i, (int) len, value,
					taken ? "accepted" : "refused");
			abort();
		}

		accepted += taken;
		free_chunks();
		free(exact);
	}

	printf("%ld values, %ld of them paths\n", tries, accepted);
	return accepted == 0 || accepted == tries;
}
