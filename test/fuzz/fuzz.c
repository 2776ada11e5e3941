/*-------------------------------------------------------------------------
 *
 * fuzz.c
 *	  Random bytes for what parses them, under the sanitizers.
 *
 *		path_fuzz [tries [seed]]
 *
 * Linked with one subject (path_fuzz.c, principal_fuzz.c, token_fuzz.c) and the
 * source file that it is about, without a server: the few functions that those
 * need of one are below, memory is malloc()ed to the byte so that
 * AddressSanitizer sees each access outside, and an error is a longjmp().
 * Values that a database would not let through, invalid in its encoding, are
 * part of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <setjmp.h>

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"

#include "fuzz.h"

/* Not declared before 16 */
struct Node;
extern bool errsave_start(struct Node *context, const char *domain);
extern void errsave_finish(struct Node *context, const char *filename, int lineno,
						   const char *funcname);

/* Its arguments are others since 16, and nothing is said by them here. */
extern void failed_assertion(void) __asm__("ExceptionalCondition");

static const int encodings[] = {PG_SQL_ASCII, PG_UTF8, PG_LATIN1, PG_EUC_JP, PG_EUC_TW};
static int	encoding;
static jmp_buf raised;

/* What was allocated for a value; freed at once when it is done with */
static void *chunks[64];
static int	nchunks;

void
failed_assertion(void)
{
	fputs("an assertion failed\n", stderr);
	abort();
}

void *
palloc(Size size)
{
	Assert(nchunks < lengthof(chunks));
	return chunks[nchunks++] = malloc(size);
}

char *
pstrdup(const char *text)
{
	return strcpy(palloc(strlen(text) + 1), text);
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

/* As the server reads messages, but for the client's encoding */
int
pq_getmsgbyte(StringInfo msg)
{
	if (msg->cursor >= msg->len)
		longjmp(raised, 1);
	return (unsigned char) msg->data[msg->cursor++];
}

char *
pq_getmsgtext(StringInfo msg, int rawbytes, int *nbytes)
{
	char	   *text;

	if (rawbytes < 0 || rawbytes > msg->len - msg->cursor)
		longjmp(raised, 1);
	text = palloc(rawbytes + 1);
	memcpy(text, msg->data + msg->cursor, rawbytes);
	text[rawbytes] = '\0';
	msg->cursor += rawbytes;
	*nbytes = rawbytes;
	return text;
}

/* Only output in binary needs it; the library's own would bring its palloc() */
void
enlargeStringInfo(StringInfo str, int needed)
{
	abort();
}

/* A small generator of our own, so that a seed means the same everywhere */
static uint64 state;

unsigned int
next_random(unsigned int limit)
{
	state = state * UINT64CONST(6364136223846793005) + UINT64CONST(1442695040888963407);
	return (unsigned int) (state >> 33) % limit;
}

/*
 * A value that differs from a sample in a few bytes, or not at all.
 */
unsigned int
nearly(const char *sample, char *value)
{
	unsigned int len = strlen(sample);

	memcpy(value, sample, len);
	for (unsigned int changes = next_random(4); changes > 0; changes--)
	{
		unsigned int at = next_random(len + 1);

		switch (next_random(4))
		{
			case 0:
				len = at;
				break;
			case 1:
				if (at < len)
					memmove(value + at, value + at + 1, --len - at);
				break;
			case 2:
				if (len < MAX_LEN)
				{
					memmove(value + at + 1, value + at, len++ - at);
					value[at] = next_random(2) ? (char) next_random(256) : sample[at / 2];
				}
				break;
			default:
				if (at < len)
					value[at] = next_random(2) ? (char) next_random(256) : sample[at / 2];
		}
	}
	return len;
}

static bool
is_taken(const char *value, unsigned int len)
{
	return setjmp(raised) == 0 && takes(value, len);
}

int
main(int argc, char **argv)
{
	long		tries = argc > 1 ? atol(argv[1]) : 200000;
	long		taken = 0;

	state = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;

	for (long i = 0; i < tries; i++)
	{
		char		value[MAX_LEN];
		unsigned int len = random_value(value);
		char	   *exact = malloc(len);
		bool		answer;

		memcpy(exact, value, len);
		encoding = encodings[next_random(lengthof(encodings))];

		answer = is_taken(exact, len);
		if (answer != may_take(value, len))
		{
			fprintf(stderr, "try %ld: \"%.*s\" was %s\n", i, (int) len, value,
					answer ? "taken" : "refused");
			abort();
		}

		taken += answer;
		free_chunks();
		free(exact);
	}

	printf("%ld values, %ld of them taken\n", tries, taken);
	return taken == 0 || taken == tries;
}
