# PostgreSQL's official image with the extension in it:
#
#   docker build --build-arg MAJOR=18 -t aiven_rbac .
#   docker run --rm -e POSTGRES_PASSWORD=secret aiven_rbac -c max_prepared_transactions=10
#
# Then, in a database: CREATE EXTENSION aiven_rbac;

ARG MAJOR=18
FROM postgres:${MAJOR} AS build

RUN apt-get update \
	&& apt-get install -y --no-install-recommends gcc libc6-dev make perl "postgresql-server-dev-$PG_MAJOR"
COPY . /source
# No bitcode: the image has no compiler for it.
RUN make -C /source with_llvm=no && make -C /source with_llvm=no install DESTDIR=/installed

FROM postgres:${MAJOR}

COPY --from=build /installed /
