# aiven_rbac
#
#   make && make install && make installcheck    the usual PGXS way
#
# These install what they need, build, and use a throw-away server of their own:
#
#   make check     every test; SUITES="regress tap" and FILES="path*" narrow it
#   make demo      a tour in the terminal; KEEP=1 leaves its server running
#   make bench     figures against hand-written policies
#   make mutants   bugs planted in a copy: do the tests notice?
#   make stress    changes and questions at once: is one that was acknowledged missed?
#   make differential  the product against a model of its rules, in random runs
#   make model     the protocol of the cache, searched in every order of steps
#   make faults    what happens when servers, sessions, memory or disks fail, for
#                  some minutes; FAULTS_SECONDS=600 for more
#   make coverage  which lines of src/ the tests run
#   make check-versions  every test on every PostgreSQL that can be had
#   make deb       Debian packages, into build/deb; CHECK=1 tests them as installed
#   make dist      the archive of a release for PGXN, into build
#   make sanitize  sanitizers, assertions, parallel workers, random queries; PARTS
#                  says which of them (test/sanitize/sanitize)
#
# They take the PostgreSQL that is installed or offered, and say which; PG_MAJOR=17
# takes another.
#
# For developers: format and format-check (clang-format), docs (the sections of
# docs/ that repeat what the extension says), META.json (takes the version from
# the control file).

HOUSE_GOALS = check demo bench model stress mutants differential faults coverage sanitize check-versions deb dist format format-check docs

ifneq ($(filter $(HOUSE_GOALS),$(MAKECMDGOALS)),)

# PGXS has a "check" of its own, and none of these goals may need pg_config: it
# is one of the things that they install.
ifneq ($(filter-out $(HOUSE_GOALS),$(MAKECMDGOALS)),)
$(error "make $(filter $(HOUSE_GOALS),$(MAKECMDGOALS))" builds what it needs: do not name other goals with it)
endif

C_FILES = $(wildcard src/*.[ch])

# Other versions format differently.
CLANG_FORMAT ?= clang-format-14

check:
	@test/check

demo:
	@examples/demo.sh

bench:
	@bench/run

model:
	@tools/install-dependencies
	@test/model/check

mutants:
	@test/mutants/run

stress:
	@SETTINGS='max_prepared_transactions=20 max_connections=60' \
		tools/with-instance /usr/bin/python3 test/stress/stress --seconds $${SECONDS_OF_STRESS:-120}

faults:
	@SUITES=tap FILES=032_faults FAULTS_SECONDS=$${FAULTS_SECONDS:-60} VERBOSE=1 test/check

coverage:
	@test/coverage

check-versions:
	@test/versions

sanitize:
	@test/sanitize/sanitize

# DIFFERENTIAL_SECONDS and DIFFERENTIAL_SEED say how long, and which runs;
# DIFFERENTIAL_OPTIONS are options of test/differential/differential.
differential:
	@SETTINGS='max_connections=60 max_worker_processes=20' \
		tools/with-instance /usr/bin/python3 -B test/differential/differential --workers 2 --runs 1000000 --verdicts \
		--seconds $${DIFFERENTIAL_SECONDS:-600} $${DIFFERENTIAL_SEED:+--seed $$DIFFERENTIAL_SEED} $${DIFFERENTIAL_OPTIONS:-}

deb:
	@tools/deb

# What is committed, under the name that PGXN requires
dist: VERSION = $(shell sed -n 's/^ *"version": "\(.*\)",/\1/p' META.json | head -n 1)
dist:
	@mkdir -p build
	@git archive --format=zip --prefix=aiven_rbac-$(VERSION)/ -o build/aiven_rbac-$(VERSION).zip HEAD
	@echo build/aiven_rbac-$(VERSION).zip

format:
	$(CLANG_FORMAT) -i $(C_FILES)

# The columns of declarations are pgindent's matter, so differences in the
# amount of space don't count.
format-check:
	@status=0; for file in $(C_FILES); do \
		$(CLANG_FORMAT) $$file | diff -bu --label $$file --label formatted $$file - || status=1; \
	done; exit $$status

docs:
	@tools/with-instance tools/docs-sections docs/reference.md docs/catalogue.md docs/audit.md docs/operations.md

.PHONY: $(HOUSE_GOALS)

else

EXTENSION = aiven_rbac
MODULE_big = aiven_rbac
PGFILEDESC = "aiven_rbac - hierarchy, grants and row-level-security decisions"

# Where the sources are: "./", or another directory in a VPATH build
here := $(dir $(firstword $(MAKEFILE_LIST)))

# The control file states the version; everything else takes it from there.
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" $(here)aiven_rbac.control)
INSTALL_SCRIPT_SQL = aiven_rbac--$(EXTVERSION).sql

OBJS := $(patsubst $(here)%.c,%.o,$(sort $(wildcard $(here)src/*.c)))
UPGRADE_SCRIPTS_SQL := $(patsubst %,aiven_rbac--%--$(EXTVERSION).sql, \
	$(foreach file,$(notdir $(wildcard $(here)sql/migrations/*--*.sql)),$(firstword $(subst --, ,$(file)))))
DATA_built = $(INSTALL_SCRIPT_SQL) $(UPGRADE_SCRIPTS_SQL)

# Functions called by SQL share one signature, needed or not.  COPT=-Werror
# makes warnings errors.
PG_CFLAGS = -Wextra -Wno-unused-parameter

# Export what SQL calls and nothing else (PostgreSQL 16 does this by itself)
SHLIB_EXPORTS = exports.txt

# Isolation tests share results/ and expected/ with the others, so their names
# begin with iso_.
REGRESS = $(patsubst $(here)test/sql/%.sql,%,$(sort $(wildcard $(here)test/sql/*.sql)))
REGRESS_OPTS = --inputdir=$(here)test --load-extension=$(EXTENSION)
ISOLATION = $(patsubst $(here)test/specs/%.spec,%,$(sort $(wildcard $(here)test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=$(here)test --outputdir=. --load-extension=$(EXTENSION)
ENCODING = UTF8
NO_LOCALE = 1

EXTRA_CLEAN = exports.txt exports.list results output_iso regression.diffs regression.out

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(PGXS),)
$(error $(PG_CONFIG) not found: install PostgreSQL's development files ("make check" and "make demo" do it on Debian), or set PG_CONFIG)
endif

# A server that was built where its sources are leaves this out.
ifneq ($(realpath $(here)),$(realpath $(CURDIR)))
VPATH := $(here)
endif

include $(PGXS)

all: $(DATA_built)

# The parts in the order of sql/order; tools/extension-sql joins them.
SQL_SOURCES := $(wildcard $(here)sql/* $(here)sql/*/*) $(here)tools/extension-sql $(here)tools/catalogue-sql \
	$(here)aiven_rbac.control $(here)Makefile

$(INSTALL_SCRIPT_SQL): $(SQL_SOURCES)
	perl $(here)tools/extension-sql > $@.new
	@mv $@.new $@

$(UPGRADE_SCRIPTS_SQL): aiven_rbac--%--$(EXTVERSION).sql: $(SQL_SOURCES)
	perl $(here)tools/extension-sql $* > $@.new
	@mv $@.new $@

# PostgreSQL tracks no dependencies unless configured to: any header, any object
$(OBJS) $(OBJS:.o=.bc): $(wildcard $(here)src/*.h) $(here)Makefile | $(CURDIR)/src

$(CURDIR)/src:
	@mkdir -p $@

# What PG_FUNCTION_INFO_V1 declared, and what the server looks for at load
exports.txt: $(OBJS)
	@{ printf '%s\n' _PG_init Pg_magic_func; \
		nm -g --defined-only $(OBJS) | sed -n 's/.* pg_finfo_\(.*\)/\1\npg_finfo_\1/p'; } > $@

# In a VPATH build pg_regress looks for what is expected here, where it writes.
ifneq ($(realpath $(here)),$(realpath $(CURDIR)))
installcheck: $(CURDIR)/expected

$(CURDIR)/expected:
	@ln -s $(realpath $(here))/expected $@

clean: clean-link

.PHONY: clean-link
clean-link:
	@[ ! -L expected ] || rm expected
endif

# PGXN wants three numbers
META.json: aiven_rbac.control
	sed -i 's/^\( *"version": "\)[^"]*/\1$(EXTVERSION).0/' $@

endif
