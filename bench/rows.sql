--
-- What a check costs for each row of a plain filter, beside a comparison of a
-- column: microseconds for the whole of a table without indexes.  One round,
-- run as bench_ours; writes lines "what TAB microseconds".
--

CREATE TEMPORARY TABLE took (what text, microseconds float8);

DO $$
DECLARE
    query record;
    began timestamptz;
BEGIN
    FOR query IN
        SELECT p.principal, c.name, c.condition
        FROM unnest('{A,C,D}'::text[]) AS p (principal),
             (VALUES ('no condition', 'true'),
                     ('column > 0', 'number > 0'),
                     ('uuid', 'rbac_has_permission(project, ''project:services:read'')'),
                     ('path', 'rbac_has_permission(path, ''project:services:read'')')) AS c (name, condition)
        ORDER BY random()
    LOOP
        PERFORM rbac_set_principal(bench.id('principal ' || query.principal), is_local => false);
        -- Once to warm up
        FOR i IN 0 .. 3 LOOP
            began := clock_timestamp();
            EXECUTE 'SELECT count(*) FROM bench.plain WHERE ' || query.condition;
            IF i > 0 THEN
                INSERT INTO took
                VALUES (query.principal || ' ' || query.name, extract(epoch FROM clock_timestamp() - began) * 1e6);
            END IF;
        END LOOP;
    END LOOP;
END
$$;

SELECT what, microseconds FROM took;
