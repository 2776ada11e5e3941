/*
 * The protocol of the cache, as a model that spin checks exhaustively.
 *
 * What is kept in a session is right when no statement decides by what was
 * before a change whose COMMIT had returned when the statement began, nor by
 * what the session itself has rolled back.  Here is that protocol with nothing
 * else around it: docs/architecture.md, "The cache, and what each rule
 * prevents", tells the same in words, and src/rbac_signal.c, rbac_cache.c,
 * rbac_decide.c and rbac_portal.c do it.
 *
 * The facts are two numbers, each that of its last change: BELONGS is what one
 * principal's own rows say, THERE what is true where it belongs, as who is in a
 * group or what lies under a place.  Where a principal belongs is among its own
 * rows, so that what an entry depends on is known only once it is read.  A
 * message says which of the two has changed, and an entry stays for as long as
 * none comes about what it was read from.  With LATER, what is true there is not
 * in the entry itself: it is looked up later (the hierarchy is), and when it
 * changes the entry that nobody holds forgets that alone.
 *
 * Other sessions commit; PostgreSQL makes a commit visible first and sends its
 * message afterwards.  The session that is looked at runs statements: a call
 * from an expression that PL/pgSQL keeps, a FETCH from a cursor, a change of its
 * own that can fail or be rolled back to a savepoint.  Between any two steps
 * others can go on, and the session can accept messages.
 *
 * Each rule of that table which is about time has a switch that takes it out,
 * WITHOUT_<rule>.  "make model" checks the protocol, takes out each rule in
 * turn, and shows the history that goes wrong then.  STANDBY has changes come by
 * replay: what counts is then what was replayed.
 *
 * Not in the model: the catalogue (a generation of its own, that works alike),
 * time (validity periods), several principals, hashes (two facts that share one
 * are changed together), and the queue of messages (PostgreSQL's; an overflow is
 * a message about everything).
 */

#ifndef WRITERS
#define WRITERS		2
#endif
#ifndef STATEMENTS
#define STATEMENTS	4
#endif

#define SLOTS		4			/* entries that can be in memory at once */
#define NONE		SLOTS

/* --- the server ---------------------------------------------------------- */

#define BELONGS		0
#define THERE		1

byte visible[2];				/* of each fact, the last change that a new snapshot shows */
byte acknowledged[2];			/* the last change whose COMMIT has returned */
bool message[2];				/* one waits for the session */

inline send_message(fact)
{
	atomic { message[fact] = true; printf("a message about %d is sent\n", fact) }
}

inline become_visible(fact, mine)
{
	atomic {
		visible[fact]++;
		mine = visible[fact];
		printf("change %d of %d becomes visible\n", mine, fact)
	}
}

inline commit_change(fact, mine)
{
#ifdef WITHOUT_visible_first
	send_message(fact);
	become_visible(fact, mine);
#else
	become_visible(fact, mine);
#ifndef WITHOUT_signal
	send_message(fact);
#endif
#endif
	atomic {
		if
		:: mine > acknowledged[fact] -> acknowledged[fact] = mine
		:: else
		fi;
		printf("COMMIT of change %d of %d returns\n", mine, fact)
	}
}

#ifdef STANDBY

chan wal = [WRITERS] of { bit };

active [WRITERS] proctype Writer()
{
	if
	:: wal!BELONGS
	:: wal!THERE
	fi
}

active proctype Replay()
{
	byte mine;
	bit fact;

end:
	do
	:: wal?fact -> commit_change(fact, mine)
	od
}

#else

active [WRITERS] proctype Writer()
{
	byte mine;

	if
	:: commit_change(BELONGS, mine)
	:: commit_change(THERE, mine)
	fi
}

#endif

/* --- what the session keeps ---------------------------------------------- */

typedef Entry
{
	bool in_memory;
	byte pins;
	byte generation;
	byte version[2];			/* the last change of each fact that it shows */
	bool own;					/* does it show the session's own change? */
	byte memo;					/* what the memo shows of what is there, plus 1; 0: none */
}

Entry entries[SLOTS];
byte cached = NONE;				/* the entry that is kept */
byte generation = 0;			/* messages accepted */
byte touched[2];				/* the generation of the last about each fact */

byte shared = 0;				/* what all entries share of what is there, plus 1; 0: nothing */
byte shared_generation = 0;

bool own = false;				/* the session has changed something, uncommitted */
bool changing = false;			/* in the middle of the statement that does */
bool pending = false;			/* a message to itself waits for the end of the command */
bool sent = false;				/* the session has sent any, and drops all at a rollback */
byte transaction_snapshot[2];
byte required[2];				/* acknowledged when the statement began */

byte site = NONE;				/* entry of an expression's call site, pinned */
byte row_site = NONE;			/* entry of a cursor's call site, pinned */
bool row_site_valid = false;	/* found for this piece of the query */
byte note = NONE;				/* entry that a row is owed to that is yet to be given */
byte note_memo;					/* and what that showed then of what is there */

/* Scratch of the session's steps */
byte found = NONE;
byte slot;
bool overtaken;
bool failed;
byte noted;

/* Its own change is of where the principal belongs; so is the first of all. */
#define belongs(e)	(entries[e].version[BELONGS] > 0 || entries[e].own)

#ifdef WITHOUT_all_that_was_read_being_asked_about
#define is_untouched(e)	(touched[BELONGS] <= entries[e].generation)
#else
#define is_untouched(e)	(touched[BELONGS] <= entries[e].generation && \
						 (!belongs(e) || touched[THERE] <= entries[e].generation))
#endif

inline release_memory(e)
{
	if
	:: e != cached && entries[e].pins == 0 -> entries[e].in_memory = false
	:: else
	fi
}

inline pin(e)
{
#ifndef WITHOUT_pin
	entries[e].pins++
#else
	skip
#endif
}

inline unpin(e)
{
	if
	:: e != NONE ->
#ifndef WITHOUT_pin
		entries[e].pins--;
#endif
		release_memory(e)
	:: else
	fi
}

inline drop_cached()
{
	if
	:: cached != NONE ->
		slot = cached;
		cached = NONE;
		release_memory(slot)
	:: else
	fi;
	slot = NONE
}

inline count_message(fact)
{
	if
	:: message[fact] ->
		message[fact] = false;
		generation++;
		touched[fact] = generation;
		overtaken = true;
		printf("  session: accepts a message about %d: generation %d\n", fact, generation);
#ifdef WITHOUT_callback_that_only_counts
		if
		:: cached != NONE -> entries[cached].in_memory = false; cached = NONE
		:: else
		fi
#endif
	:: else
	fi
}

/* The callback only counts.  Whoever locks a table runs it, for one. */
inline accept_messages()
{
	d_step { count_message(BELONGS); count_message(THERE) }
}

/*
 * The end of a command, those of functions in the middle of a statement
 * included: messages of the transaction itself.
 */
inline end_command()
{
	d_step {
		if
		:: pending ->
			pending = false;
			generation++;
			touched[BELONGS] = generation;
			printf("  session: hears of its own change: generation %d\n", generation)
		:: else
		fi
	}
}

inline accept_or_not()
{
	if
	:: accept_messages()
	:: skip
	fi
}

inline look(fact, into)
{
#ifdef WITHOUT_fresh_snapshot
	into = transaction_snapshot[fact]
#else
	into = visible[fact]
#endif
}

/*
 * Read an entry aside: lock, note the generation, look.  Keep it if nothing has
 * come meanwhile.  It can fail at any step, and leaves nothing then.
 */
inline load()
{
#ifdef WITHOUT_lock_before_note
	noted = generation;
#endif
	accept_messages();			/* the lock */
	d_step {
		found = 0;
		do
		:: entries[found].in_memory -> found++
		:: else -> break
		od;
		entries[found].in_memory = true;
		entries[found].pins = 0;
		entries[found].memo = 0;
		entries[found].generation = generation;
#ifdef WITHOUT_lock_before_note
		entries[found].generation = noted;
#endif
		overtaken = false
	}
	atomic {
		look(BELONGS, entries[found].version[BELONGS]);
		look(THERE, entries[found].version[THERE]);
		entries[found].own = own;
		printf("  session: reads changes %d and %d\n", entries[found].version[BELONGS], entries[found].version[THERE])
	}
	accept_or_not();
#ifdef WITHOUT_note_before_look
	entries[found].generation = generation;
	overtaken = false;
#endif
	if
	:: d_step {
			printf("  session: the look-up fails\n");
			failed = true;
			entries[found].in_memory = false;
			found = NONE
		}
	:: d_step {
			failed = false;
#ifdef WITHOUT_keeping_only_what_is_current
			entries[found].generation = generation;
#endif
			pin(found);
			if
			:: is_untouched(found) ->
				cached = found;
				printf("  session: keeps that, of generation %d\n", generation)
			:: else -> assert(overtaken)	/* else it is never kept */
			fi
		}
	fi
}

#ifdef LATER
#define is_looked_up_later	true
#else
#define is_looked_up_later	false
#endif

#ifdef WITHOUT_leaving_what_is_held
#define is_held(e)	false
#else
#define is_held(e)	(entries[e].pins > 0)
#endif

/* What was looked up is old, and what was read is not. */
inline forget_what_is_there()
{
	if
	:: is_looked_up_later && cached != NONE && !is_held(cached) &&
	   !is_untouched(cached) && touched[BELONGS] <= entries[cached].generation ->
		entries[cached].generation = generation;
#ifndef WITHOUT_emptying_the_memo
		entries[cached].memo = 0;
#endif
		printf("  session: forgets what it has looked up\n")
	:: else
	fi
}

/* The current entry, pinned, in "found"; NONE if loading it failed */
inline find_entry()
{
	failed = false;
	d_step {
		forget_what_is_there();
		if
		:: cached != NONE && !is_untouched(cached) -> drop_cached()
		:: else
		fi;
		found = cached;
		if
		:: found != NONE -> entries[found].generation = generation; pin(found)
		:: else
		fi
	}
	if
	:: found == NONE -> load()
	:: else
	fi
}

#ifdef WITHOUT_asking_about_what_all_share
#define is_shared	(shared > 0)
#else
#define is_shared	(shared > 0 && touched[THERE] <= shared_generation)
#endif

/*
 * The resource is looked up, later than the entry, and remembered for the entries
 * that come afterwards, too, unless something has come meanwhile.
 */
inline look_there_up(e)
{
	accept_messages();			/* the lock */
	atomic {
		noted = generation;
		look(THERE, entries[e].memo);
		entries[e].memo++
	}
	accept_or_not();
#ifdef WITHOUT_sharing_only_what_is_current
	noted = generation;
#endif
	d_step {
		if
		:: touched[THERE] <= noted -> shared = entries[e].memo; shared_generation = noted
		:: else
		fi;
		noted = 0
	}
}

inline remember_there(e)
{
	if
	:: belongs(e) && entries[e].memo == 0 && is_shared ->
		entries[e].memo = shared
	:: belongs(e) && entries[e].memo == 0 && !is_shared ->
		look_there_up(e)
	:: else
	fi
}

/*
 * A decision by an entry: what is true of every one.
 */
inline decide(e)
{
	d_step {
		printf("  session: decides by changes %d and %d\n", entries[e].version[BELONGS], entries[e].version[THERE]);
		assert(entries[e].in_memory);
		assert(entries[e].version[BELONGS] >= required[BELONGS]);
		assert(!belongs(e) || is_looked_up_later || entries[e].version[THERE] >= required[THERE]);
		assert(entries[e].own == own || changing)
	}
	remember_there(e);
	d_step {
		assert(entries[e].in_memory);
		assert(!belongs(e) || entries[e].memo > required[THERE])
	}
}

/* Another principal's entry makes room for itself. */
inline evict_or_not()
{
	if
	:: d_step { drop_cached(); printf("  session: drops the entry for want of room\n") }
	:: skip
	fi
}

/* --- statements ---------------------------------------------------------- */

/* From an expression of PL/pgSQL, which is kept from statement to statement */
inline call()
{
#ifdef WITHOUT_looking_anew_at_each_call
	if
	:: site == NONE ->
		accept_messages();
		find_entry();
		site = found
	:: else
	fi;
#else
#ifndef WITHOUT_accepting
	accept_messages();
#endif
	d_step {
		if
		:: site == NONE || is_untouched(site)
		:: else -> unpin(site); site = NONE
		fi
	};
	find_entry();
	d_step { unpin(site); site = found };
#endif
	if
	:: site != NONE -> decide(site)
	:: else						/* it failed, which denies */
	fi;
	found = NONE
}

#define is_as_before	(entries[found].version[BELONGS] == entries[note].version[BELONGS] && \
						 entries[found].own == entries[note].own && entries[found].memo == note_memo)

/*
 * What a row that was found earlier is owed to is compared with what is held
 * now.  If it differs the cursor ends.
 */
inline compare_note()
{
	if
	:: note != NONE ->
#ifndef WITHOUT_comparing_notes
		accept_messages();
		find_entry();
		if
		:: found != NONE && found != note -> remember_there(found)
		:: else
		fi;
		if
		:: found != NONE && (found == note || is_as_before) ->
			d_step { unpin(note); note = found }
		:: else ->
			d_step { unpin(found); unpin(note); note = NONE }
		fi;
		found = NONE;
#endif
		if
		:: note != NONE ->
			d_step {
				printf("  session: gives a row found by changes %d and %d\n",
					   entries[note].version[BELONGS], entries[note].version[THERE]);
				assert(entries[note].in_memory);
				assert(entries[note].version[BELONGS] >= required[BELONGS]);
				assert(!belongs(note) || note_memo > required[THERE]);
				assert(entries[note].own == own);
				unpin(note);
				note = NONE
			}
		:: else
		fi
	:: else
	fi
}

inline judge_row()
{
	if
	:: !row_site_valid ->
#ifdef WITHOUT_unmarking_before_what_can_fail
		row_site_valid = true;
#endif
		accept_messages();
		find_entry();
		if
		:: failed
		:: else -> d_step { unpin(row_site); row_site = found; row_site_valid = true }
		fi;
		found = NONE
	:: else
	fi;
	if
	:: row_site_valid && row_site != NONE && !failed -> decide(row_site)
	:: else
	fi;
	failed = false
}

/* One piece of a query: three rows, of which the last is given by the next */
inline fetch()
{
	compare_note();
#ifndef WITHOUT_a_mark_for_each_piece
	row_site_valid = false;
#endif
	judge_row();
	evict_or_not();
	accept_or_not();
	judge_row();				/* if the first failed, that was caught */
	if
	:: row_site_valid && row_site != NONE ->
		d_step { note = row_site; note_memo = entries[note].memo; pin(note) }
	:: skip
	fi
}

/*
 * A function in the middle of a statement.  Within a savepoint that has sent
 * messages of its own, the end of a command leaves those of the statement alone.
 */
inline ask_meanwhile()
{
	if
	:: true ->
		if
		:: end_command()
		:: true
		fi;
		call()
	:: true
	fi
}

/* A change of the session's own, which can fail */
inline change()
{
	changing = true;
#ifndef WITHOUT_signal_before_the_row
	d_step { pending = true; sent = true };
#endif
	ask_meanwhile();
	d_step { own = true; printf("  session: changes something itself\n") }
	ask_meanwhile();
	changing = false;
	if
	:: true ->
#ifndef WITHOUT_signal_after_the_row
		d_step { pending = true; sent = true };
#endif
		end_command()
	:: true -> roll_back()
	fi
}

/*
 * PostgreSQL repeats at a rollback what the session has been told, which is less
 * than what it has sent: a savepoint within the statement can have kept that
 * back.  So whoever has sent anything drops everything.
 */
inline roll_back()
{
	d_step {
		own = false;
		pending = false;
		printf("  session: rolls that back\n");
		if
		:: sent ->
			sent = false;
#ifndef WITHOUT_dropping_all_at_a_rollback
			generation++;
			touched[BELONGS] = generation;
			touched[THERE] = generation
#endif
		:: else
		fi
	}
}

active proctype Session()
{
	byte statement;

	for (statement : 1 .. STATEMENTS) {
		atomic {
			required[BELONGS] = acknowledged[BELONGS];
			required[THERE] = acknowledged[THERE];
			printf("  session: a statement begins, changes %d and %d are acknowledged\n",
				   required[BELONGS], required[THERE])
		}
		if
		:: true -> call()
		:: true -> fetch()
#ifndef STANDBY
		:: !own -> change()
		:: own -> roll_back()
#endif
		:: d_step {
				!own ->
				transaction_snapshot[BELONGS] = visible[BELONGS];
				transaction_snapshot[THERE] = visible[THERE];
				printf("  session: begins a transaction, with a snapshot\n")
			}
		fi
	}
}
