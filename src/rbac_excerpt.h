/*-------------------------------------------------------------------------
 *
 * rbac_excerpt.h
 *	  What an error repeats of a value that somebody gave.
 *
 *-------------------------------------------------------------------------
 */
#ifndef RBAC_EXCERPT_H
#define RBAC_EXCERPT_H

#include "postgres.h"

#include "mb/pg_wchar.h"

/* Longest part of a value that an error repeats, in bytes */
#define RBAC_EXCERPT_MAX	80

/* Code points, from the first to the last */
typedef struct CharacterRange
{
	pg_wchar	first;
	pg_wchar	last;
} CharacterRange;

extern bool rbac_is_in(pg_wchar c, const CharacterRange *ranges, int count);
extern bool rbac_is_unprintable(pg_wchar c);
extern char *rbac_excerpt(const char *text, int len);

#endif							/* RBAC_EXCERPT_H */
