/*-------------------------------------------------------------------------
 *
 * fuzz.h
 *	  What a fuzzer says of its subject, and what it is given.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "postgres.h"

#define MAX_LEN		400

/* By fuzz.c */
extern unsigned int next_random(unsigned int limit);
extern unsigned int nearly(const char *sample, char *value);

/*
 * By each subject: a random value of at most MAX_LEN bytes, its length being the
 * result; whether the product takes a value, or raises an error; and whether it
 * should, by a second and slower reading of the rule.  What the product makes
 * of a value that it takes is compared in takes().
 */
extern unsigned int random_value(char *value);
extern bool takes(const char *value, unsigned int len);
extern bool may_take(const char *value, unsigned int len);

#endif							/* FUZZ_H */
