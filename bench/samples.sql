--
-- What is looked up in measuring, made from the tables written by hand: the
-- extension has no say in what is right.
--

DO $$ BEGIN PERFORM setseed(0.25); END $$;

-- Rows that a principal can see and update, and projects: half of those that
-- can be seen, half any.  For C and D, from some of their projects.
CREATE TABLE bench.sample (principal text, ordinal bigint, id bigint, project uuid);
INSERT INTO bench.sample
SELECT v.name, row_number() OVER (PARTITION BY v.name), s.id, s.project
FROM unnest('{A,B,C,D}'::text[]) AS v (name)
CROSS JOIN LATERAL (
    SELECT i.id,
           CASE WHEN random() < 0.5 THEN i.resource
                ELSE (SELECT bench.id('project ' || ceil(random() * max(number) + i.id * 0)) FROM bench.project) END AS project
    FROM bench.item_hand AS i
    WHERE i.resource = ANY (ARRAY(
        SELECT n.project
        FROM app.identity AS w
        JOIN app.access AS a ON a.principal = w.principal
        JOIN app.inside AS n ON n.ancestor = a.node
        WHERE w.member = bench.id('principal ' || v.name)
        ORDER BY random() LIMIT 100))
    ORDER BY random()
    LIMIT 500) AS s;

-- Users whom a session has not seen, each with a row that they can see
CREATE TABLE bench.cold (ordinal bigint, principal uuid, id bigint);
INSERT INTO bench.cold
SELECT row_number() OVER (), u.id, s.id
FROM (SELECT id FROM aiven_rbac.principal
      WHERE kind = 'user' AND length(name) > 1
      ORDER BY random() LIMIT 1200) AS u
CROSS JOIN LATERAL (
    SELECT i.id
    FROM (SELECT n.project
          FROM app.identity AS w
          JOIN app.access AS a ON a.principal = w.principal
          JOIN app.inside AS n ON n.ancestor = a.node
          WHERE w.member = u.id
          ORDER BY random() LIMIT 1) AS p
    JOIN bench.item_hand AS i ON i.resource = p.project
    ORDER BY random()
    LIMIT 1) AS s;

-- Rows by which every style is compared with the others
CREATE TABLE bench.probe (id bigint);
INSERT INTO bench.probe
SELECT id FROM bench.sample WHERE ordinal <= 20
UNION
SELECT ceil(random() * (SELECT max(id) FROM bench.item_hand))::bigint FROM generate_series(1, 100);

GRANT SELECT ON bench.sample, bench.cold, bench.probe TO PUBLIC;
ANALYZE bench.sample, bench.cold, bench.probe;
