-- A table for rows.sql: projects in no order, nothing to find them by
CREATE TABLE bench.plain AS
SELECT i AS number, p.id AS project, p.path
FROM generate_series(1, :rows::bigint) AS i
JOIN (SELECT max(number) AS projects FROM bench.project) AS m ON true
JOIN bench.project AS p ON p.number = 1 + i * 7919 % m.projects;
GRANT SELECT ON bench.plain TO PUBLIC;
VACUUM (ANALYZE, FREEZE) bench.plain;
