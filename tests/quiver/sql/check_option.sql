-- WITH CHECK OPTION: rows written through views, and what catalogs say of it.
CREATE TABLE b (id int PRIMARY KEY, n int, t text DEFAULT 'x', CHECK (n < 1000))
INSERT INTO b VALUES (1, 5, 'a'), (2, 50, 'b')
CREATE VIEW plain AS SELECT id, n, t FROM b WHERE n > 0
CREATE VIEW loc AS SELECT id, n, t FROM plain WHERE n < 100 WITH LOCAL CHECK OPTION
CREATE VIEW cas AS SELECT id, n, t FROM plain WHERE n < 100 WITH CASCADED CHECK OPTION
CREATE VIEW defl AS SELECT id, n FROM plain WHERE n < 100 WITH CHECK OPTION
CREATE VIEW over_loc AS SELECT id, n FROM loc WHERE n <> 7
CREATE VIEW over_cas AS SELECT id, n FROM cas WHERE n <> 7
CREATE VIEW loc_over_loc AS SELECT id, n FROM loc WHERE n <> 7 WITH LOCAL CHECK OPTION
CREATE VIEW opt WITH (check_option=LOCAL) AS SELECT id, n FROM b WHERE n < 10
CREATE VIEW opt2 WITH (check_option=CASCADED, security_barrier) AS SELECT id, n FROM b WHERE n < 10
CREATE VIEW bad WITH (check_option=x) AS SELECT id FROM b
CREATE VIEW bad WITH (check_option) AS SELECT id FROM b
CREATE VIEW bad AS SELECT count(*) FROM b WITH CHECK OPTION
CREATE VIEW bad AS SELECT DISTINCT n FROM b WITH CHECK OPTION
CREATE VIEW bad AS SELECT n+1 AS m FROM b WITH CHECK OPTION
CREATE VIEW bad AS SELECT b.id FROM b, b b2 WITH CHECK OPTION
CREATE VIEW bad AS VALUES (1) WITH CHECK OPTION
CREATE VIEW bad AS SELECT 1 AS a UNION SELECT 2 WITH CHECK OPTION
CREATE RECURSIVE VIEW bad (n) AS VALUES (1) UNION ALL SELECT n+1 FROM bad WITH CHECK OPTION
CREATE VIEW bad WITH (check_option=LOCAL) AS SELECT id FROM b WITH CHECK OPTION
CREATE MATERIALIZED VIEW mbad AS SELECT id FROM b WITH CHECK OPTION
INSERT INTO loc VALUES (10, -5, 'neg')
INSERT INTO loc VALUES (11, 500, 'big')
INSERT INTO cas VALUES (12, -5, 'neg')
INSERT INTO cas VALUES (13, 500, 'big')
INSERT INTO cas VALUES (14, NULL, 'null')
INSERT INTO defl VALUES (15, 101)
INSERT INTO over_loc VALUES (16, 7)
INSERT INTO over_loc VALUES (17, 150)
INSERT INTO over_loc VALUES (18, -1)
INSERT INTO over_cas VALUES (19, 7)
INSERT INTO over_cas VALUES (20, -1)
INSERT INTO loc_over_loc VALUES (21, 7)
INSERT INTO loc_over_loc VALUES (22, 170)
INSERT INTO loc_over_loc VALUES (23, -1)
INSERT INTO opt VALUES (24, 11)
INSERT INTO opt2 VALUES (25, 11)
INSERT INTO opt2 VALUES (1, 11)
INSERT INTO opt2 VALUES (1, 1)
INSERT INTO cas VALUES (26, 5000, 'check')
INSERT INTO cas VALUES (27, 1, 'ok'), (28, 200, 'bad')
INSERT INTO cas SELECT 29, 999, 'sel'
INSERT INTO cas (id) VALUES (30)
INSERT INTO cas VALUES (31, 3, 'ret') RETURNING *
UPDATE cas SET n = -1 WHERE id = 1
UPDATE cas SET n = n * 100 WHERE id = 1
UPDATE cas SET t = 'only' WHERE id = 1 RETURNING *
UPDATE loc SET n = -1 WHERE id = 2
UPDATE over_loc SET n = 101 WHERE id = 1
UPDATE over_cas SET n = 7 WHERE id = 1
UPDATE cas SET n = NULL
UPDATE cas SET id = 1 WHERE id = 1
DELETE FROM cas WHERE id = 1 RETURNING *
SELECT * FROM b ORDER BY id
SELECT table_name, check_option, is_updatable FROM information_schema.views WHERE table_schema='checked' ORDER BY 1
SELECT relname, reloptions FROM pg_class WHERE relkind='v' AND relnamespace='checked'::regnamespace ORDER BY 1
SELECT pg_get_viewdef('cas'::regclass)
ALTER VIEW plain SET (check_option=LOCAL)
INSERT INTO plain VALUES (40, -1, 'x')
ALTER VIEW plain SET (check_option=nope)
ALTER VIEW plain SET (check_option)
ALTER VIEW plain RESET (check_option)
INSERT INTO plain VALUES (40, -1, 'x')
CREATE VIEW agg AS SELECT count(*) AS c FROM b
ALTER VIEW agg SET (check_option=LOCAL)
CREATE OR REPLACE VIEW cas AS SELECT id, n, t FROM plain WHERE n < 100
INSERT INTO cas VALUES (41, 5000, 'x')
INSERT INTO cas VALUES (41, 500, 'x')
CREATE VIEW sub AS SELECT id, n FROM b WHERE n IN (SELECT n FROM b WHERE id < 3) WITH CHECK OPTION
INSERT INTO sub VALUES (50, 50)
INSERT INTO sub VALUES (51, 51)
INSERT INTO sub VALUES (52, 1), (53, 50)
UPDATE sub SET n = 12 WHERE id = 50
CREATE VIEW renamed (a, b) AS SELECT n, id FROM b WHERE n BETWEEN 1 AND 9 WITH CHECK OPTION
INSERT INTO renamed VALUES (3, 60)
INSERT INTO renamed VALUES (30, 61)
UPDATE renamed SET a = a + 8 WHERE b = 60
CREATE TEMP VIEW tv AS SELECT id, n FROM b WHERE n > 3 WITH CHECK OPTION
INSERT INTO tv VALUES (70, 1)
INSERT INTO tv VALUES (70, 4)
MERGE INTO cas USING b ON b.id = cas.id WHEN MATCHED THEN DELETE
PREPARE ins AS INSERT INTO tv VALUES ($1, $2)
EXECUTE ins (80, 5)
EXECUTE ins (81, 1)
CREATE VIEW fun AS SELECT id, n FROM b WHERE n > length(t) WITH CHECK OPTION
INSERT INTO fun VALUES (90, 1)
INSERT INTO fun VALUES (90, 2)
CREATE MATERIALIZED VIEW mb AS SELECT id, n FROM b
CREATE VIEW over_mb AS SELECT id, n FROM mb
INSERT INTO over_mb VALUES (1, 2)
UPDATE over_mb SET n = 1
DELETE FROM over_mb
CREATE VIEW bad AS SELECT id FROM mb WITH CHECK OPTION
SELECT table_name, is_updatable, is_insertable_into FROM information_schema.views WHERE table_name = 'over_mb'
CREATE VIEW nested AS SELECT id, n FROM over_mb
INSERT INTO nested VALUES (1, 2)
-- ON CONFLICT through views: the conflict target, SET and EXCLUDED have the view's columns.
DELETE FROM b
INSERT INTO b VALUES (1, 5, 'a'), (2, -50, 'hidden')
CREATE OR REPLACE VIEW cas AS SELECT id, n, t FROM plain WHERE n < 100 WITH CASCADED CHECK OPTION
INSERT INTO cas (id, n) VALUES (1, 6) ON CONFLICT (id) DO UPDATE SET n = excluded.n + cas.n RETURNING *
INSERT INTO cas (id, n) VALUES (1, 6) ON CONFLICT (id) DO UPDATE SET n = -4
INSERT INTO cas (id, n) VALUES (1, -6) ON CONFLICT (id) DO UPDATE SET n = 4
INSERT INTO cas (id, n) VALUES (1, -6) ON CONFLICT DO NOTHING
INSERT INTO cas (id, n) VALUES (3, -6) ON CONFLICT DO NOTHING
INSERT INTO cas (id, n) VALUES (2, 3) ON CONFLICT (id) DO UPDATE SET n = 8 WHERE cas.n < excluded.n
INSERT INTO cas (id, n) VALUES (4, 40), (1, 1) ON CONFLICT (id) DO UPDATE SET n = excluded.n, t = 'both' RETURNING id, n, t
INSERT INTO cas (id, n) VALUES (5, 50), (1, 1) ON CONFLICT (id) DO UPDATE SET n = 101
INSERT INTO cas (id, n) VALUES (1, 1) ON CONFLICT (missing) DO NOTHING
INSERT INTO cas (id, n) VALUES (1, 1) ON CONFLICT (n) DO NOTHING
INSERT INTO cas (id, n) VALUES (1, 1) ON CONFLICT ON CONSTRAINT b_pkey DO NOTHING
CREATE VIEW other (label, key, twice) AS SELECT t, id, n * 2 FROM b
INSERT INTO other (label, key) VALUES ('l', 1), ('new', 9) ON CONFLICT (key) DO UPDATE SET label = excluded.label || other.label || other.key RETURNING *
INSERT INTO other (label, key) VALUES ('l', 1) ON CONFLICT (key) DO UPDATE SET label = excluded.twice::text || other.twice
INSERT INTO other (label, key) VALUES ('l', 1) ON CONFLICT (key) DO UPDATE SET twice = 5
INSERT INTO other (label, key) VALUES ('l', 1) ON CONFLICT (key) DO UPDATE SET label = DEFAULT
INSERT INTO other (label, key) VALUES ('l', 1) ON CONFLICT (id) DO NOTHING
INSERT INTO other (label, key) VALUES ('l', 1) ON CONFLICT (twice) DO NOTHING
INSERT INTO other (label, key) VALUES ('l', 2) ON CONFLICT (key) DO UPDATE SET key = 20 RETURNING key, label
INSERT INTO other AS o (label, key) VALUES ('m', 1) ON CONFLICT (key) DO UPDATE SET label = o.label || 'z' WHERE o.key = 1
CREATE UNIQUE INDEX b_words ON b (lower(t)) WHERE n IS NULL
INSERT INTO other (label, key) VALUES ('NEW', 30) ON CONFLICT (lower(label)) WHERE twice IS NULL DO NOTHING
INSERT INTO b (id, n, t) VALUES (31, 1, 'table') ON CONFLICT ((id)) DO UPDATE SET t = excluded.t
SELECT * FROM b ORDER BY id
DROP TABLE b CASCADE
