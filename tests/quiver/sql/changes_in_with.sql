-- Data changes in WITH: what they return, what runs when, what is refused.
CREATE TABLE queue (id int PRIMARY KEY, name text, n int DEFAULT 0)
CREATE TABLE archive (LIKE queue INCLUDING ALL)
CREATE TABLE notes (queue_id int REFERENCES archive, body text)
INSERT INTO queue SELECT g, 'q' || g, g % 3 FROM generate_series(1, 10) g
WITH moved AS (DELETE FROM queue WHERE id <= 3 RETURNING *) INSERT INTO archive SELECT * FROM moved
WITH moved AS (DELETE FROM queue WHERE id = 4 RETURNING *), kept AS (INSERT INTO archive SELECT * FROM moved RETURNING id) SELECT * FROM kept
SELECT * FROM archive ORDER BY id
SELECT id FROM queue ORDER BY id
WITH ins AS (INSERT INTO queue (id, name) VALUES (20, 'x'), (21, 'y') RETURNING id, name) SELECT count(*), max(name) FROM ins
WITH upd AS (UPDATE queue SET n = n + 10 WHERE id IN (5, 6) RETURNING id, n) SELECT * FROM upd ORDER BY id
WITH d AS (DELETE FROM queue WHERE id = 20) SELECT 1
WITH d AS (DELETE FROM queue WHERE id = 20) SELECT * FROM d
SELECT count(*) FROM queue
WITH upd AS (UPDATE queue SET name = 'up' WHERE id = 100 RETURNING id) INSERT INTO queue SELECT 100, 'new', 1 WHERE NOT EXISTS (SELECT 1 FROM upd)
WITH upd AS (UPDATE queue SET name = 'up' WHERE id = 100 RETURNING id) INSERT INTO queue SELECT 100, 'new', 1 WHERE NOT EXISTS (SELECT 1 FROM upd)
SELECT * FROM queue WHERE id = 100
WITH w AS (INSERT INTO notes VALUES (50, 'early') RETURNING queue_id) INSERT INTO archive SELECT queue_id, 'late', 0 FROM w
WITH w AS (INSERT INTO notes VALUES (51, 'early') RETURNING queue_id) SELECT * FROM w
SELECT * FROM notes ORDER BY 1
WITH src AS (SELECT g FROM generate_series(200, 205) g), ins AS (INSERT INTO queue SELECT g, 's' || g FROM src RETURNING id) SELECT src.g, ins.id FROM src JOIN ins ON src.g = ins.id ORDER BY 1
WITH RECURSIVE r(x) AS (VALUES (300) UNION ALL SELECT x + 1 FROM r WHERE x < 303), ins AS (INSERT INTO queue SELECT x, 'r' FROM r RETURNING id) SELECT sum(id) FROM ins
WITH a AS (INSERT INTO queue VALUES (400, 'a') RETURNING id), b AS (INSERT INTO queue SELECT id + 1, 'b' FROM a RETURNING id) SELECT a.id, b.id FROM a, b
WITH a AS (INSERT INTO queue VALUES (401, 'a') RETURNING id) SELECT * FROM a
WITH a AS (UPDATE queue SET n = 1 WHERE id = 400 RETURNING id AS x, n * 2 AS y), t(p, q) AS (SELECT x, y FROM a) DELETE FROM archive USING t WHERE archive.id = t.q RETURNING archive.id, t.p
WITH a AS (DELETE FROM archive RETURNING id) UPDATE queue SET name = 'gone' FROM a WHERE queue.id = a.id + 200 RETURNING queue.id, a.id
SELECT * FROM (WITH x AS (DELETE FROM queue RETURNING 1) SELECT * FROM x) s
SELECT (WITH x AS (DELETE FROM queue RETURNING 1) SELECT count(*) FROM x)
WITH o AS (WITH x AS (DELETE FROM queue RETURNING 1) SELECT * FROM x) SELECT * FROM o
CREATE VIEW mv AS WITH x AS (DELETE FROM queue RETURNING 1) SELECT * FROM x
WITH RECURSIVE x AS (INSERT INTO queue SELECT 1 FROM x RETURNING id) SELECT * FROM x
WITH x AS (INSERT INTO queue VALUES (1, 'dup'), (1, 'dup') RETURNING id) SELECT * FROM x
WITH x AS (INSERT INTO queue VALUES (500, 'q') RETURNING id), y AS (INSERT INTO archive VALUES (1, NULL), (1, NULL) RETURNING id) SELECT * FROM x, y
SELECT count(*) FROM queue WHERE id = 500
WITH x (a, b, c, d) AS (DELETE FROM queue WHERE false RETURNING id) SELECT * FROM x
WITH x (a) AS (DELETE FROM queue WHERE id = 400 RETURNING id, name) SELECT a, name FROM x
PREPARE take (int) AS WITH x AS (DELETE FROM queue WHERE id = $1 RETURNING id, name) INSERT INTO archive (id, name) SELECT id, name FROM x RETURNING id
EXECUTE take (7)
EXECUTE take (7)
EXECUTE take (8)
BEGIN
WITH x AS (DELETE FROM queue RETURNING id) SELECT count(*) FROM x
SELECT count(*) FROM queue
ROLLBACK
SELECT count(*) > 5 FROM queue
BEGIN READ ONLY
WITH x AS (DELETE FROM queue RETURNING id) SELECT count(*) FROM x
ROLLBACK
WITH j AS (SELECT id FROM queue ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED), x AS (UPDATE archive SET n = 5 FROM j WHERE archive.id = j.id RETURNING archive.id) SELECT count(*) FROM x
DECLARE c CURSOR WITH HOLD FOR WITH x AS (DELETE FROM queue RETURNING id) SELECT count(*) FROM x
CREATE TABLE taken AS WITH x AS (DELETE FROM queue WHERE id = 9 RETURNING id) SELECT * FROM x
WITH x AS (DELETE FROM queue WHERE id = 10 RETURNING *) SELECT * FROM x, queue
WITH x AS (INSERT INTO queue VALUES (600, 'z') RETURNING *) SELECT count(*) FROM x, archive
WITH x AS (MERGE INTO queue USING (VALUES (1)) v(i) ON false WHEN NOT MATCHED THEN DO NOTHING) SELECT 1
CREATE TABLE boss (id int PRIMARY KEY)
CREATE TABLE aide (id int REFERENCES boss ON DELETE CASCADE)
INSERT INTO boss VALUES (1), (2)
INSERT INTO aide VALUES (1), (2)
WITH x AS (DELETE FROM boss WHERE id = 1 RETURNING id) SELECT x.id, (SELECT count(*) FROM aide) FROM x
SELECT * FROM aide
WITH x AS (INSERT INTO aide VALUES (9) RETURNING id) INSERT INTO boss SELECT id FROM x
WITH x AS (INSERT INTO aide VALUES (10) RETURNING id) SELECT * FROM x
WITH x AS (UPDATE boss SET id = 3 WHERE id = 9 RETURNING id) SELECT * FROM x
WITH x AS (INSERT INTO boss VALUES (30), (31) ON CONFLICT DO NOTHING RETURNING id), y AS (INSERT INTO aide SELECT id FROM x RETURNING id) DELETE FROM queue USING y WHERE queue.id = y.id
SELECT count(*) FROM aide
DROP TABLE aide, boss
DROP TABLE taken, notes, archive, queue
CREATE TABLE own_rows (id int PRIMARY KEY, b text, n int)
INSERT INTO own_rows SELECT i, 'r' || i, i % 3 FROM generate_series(1, 12) i
CREATE TABLE own_parts (id int, k int) PARTITION BY LIST (k)
CREATE TABLE own_parts1 PARTITION OF own_parts FOR VALUES IN (1)
CREATE TABLE own_parts2 PARTITION OF own_parts DEFAULT
INSERT INTO own_parts SELECT i, i % 3 FROM generate_series(1, 9) i
WITH u AS (UPDATE own_rows SET b = upper(b) WHERE id < 3 RETURNING id, b), ins AS (INSERT INTO own_rows (id, b) SELECT id + 100, b FROM u RETURNING id) SELECT * FROM ins ORDER BY 1
SELECT * FROM own_rows ORDER BY id
WITH d AS (DELETE FROM own_rows WHERE id > 100 RETURNING id) SELECT count(*), (SELECT count(*) FROM d), (SELECT max(id) FROM own_rows) FROM own_rows
SELECT count(*) FROM own_rows
WITH i AS (INSERT INTO own_rows VALUES (200, 'new', 1) RETURNING *) SELECT own_rows.id, i.b FROM own_rows LEFT JOIN i ON own_rows.id = i.id ORDER BY 1 DESC LIMIT 3
WITH i AS (INSERT INTO own_rows VALUES (201, 'new', 1) RETURNING *) SELECT * FROM own_rows WHERE id IN (200, 201)
WITH i AS (INSERT INTO own_rows VALUES (202, 'new', 1) RETURNING *) UPDATE own_rows SET n = 99 WHERE id >= 200 RETURNING id
WITH i AS (INSERT INTO own_rows VALUES (203, 'new', 1)) DELETE FROM own_rows WHERE id >= 200 RETURNING id
SELECT * FROM own_rows WHERE id >= 200 ORDER BY id
WITH d AS (DELETE FROM own_rows WHERE id = 203 RETURNING *) INSERT INTO own_rows SELECT id + 1, b, n FROM d RETURNING *
WITH d AS (DELETE FROM own_rows WHERE id = 204 RETURNING *) INSERT INTO own_rows SELECT id, b || '2', n FROM d RETURNING *
WITH u AS (UPDATE own_rows SET id = id + 1000 WHERE id = 1 RETURNING id) SELECT own_rows.id, u.id FROM own_rows, u WHERE own_rows.id IN (1, 1001)
WITH u AS (UPDATE own_rows SET n = n + 1 RETURNING id, n) SELECT own_rows.id, own_rows.n, u.n FROM own_rows JOIN u USING (id) ORDER BY 1 LIMIT 4
WITH u AS (UPDATE own_rows SET n = 7 WHERE id = 5 RETURNING id), v AS (SELECT sum(n) s FROM own_rows) SELECT s, (SELECT sum(n) FROM own_rows), (SELECT count(*) FROM u) FROM v
SELECT sum(n) FROM own_rows
-- refused: two changes of rows of table "own_rows" in one statement are not supported
WITH x AS (DELETE FROM own_rows WHERE id = 6), y AS (DELETE FROM own_rows WHERE id = 7) SELECT 1
-- refused: two changes of rows of table "own_rows" in one statement are not supported
WITH x AS (UPDATE own_rows SET n = 0 WHERE id = 6) UPDATE own_rows SET n = 1 WHERE id = 6
-- refused: locking rows of table "own_rows", which WITH changes, is not supported
WITH x AS (UPDATE own_rows SET n = 0 WHERE id = 6) SELECT * FROM own_rows WHERE id = 6 FOR UPDATE
WITH i AS (INSERT INTO own_parts VALUES (50, 1), (51, 5) RETURNING *) SELECT count(*), (SELECT count(*) FROM i), (SELECT count(*) FROM own_parts1) FROM own_parts
WITH d AS (DELETE FROM own_parts1 RETURNING *) SELECT count(*), (SELECT count(*) FROM d) FROM own_parts
SELECT count(*) FROM own_parts
WITH u AS (UPDATE own_parts SET k = 1 WHERE id = 2 RETURNING *) SELECT k FROM own_parts WHERE id = 2
WITH m AS (INSERT INTO own_rows VALUES (300, 'm', 0)) MERGE INTO own_rows USING (VALUES (300)) v(i) ON own_rows.id = v.i WHEN MATCHED THEN UPDATE SET n = 5 WHEN NOT MATCHED THEN INSERT VALUES (v.i + 1, 'x', 0)
SELECT id FROM own_rows WHERE id >= 300 ORDER BY 1
BEGIN
INSERT INTO own_rows VALUES (400, 'own', 4)
WITH d AS (DELETE FROM own_rows WHERE id = 400 RETURNING *) SELECT own_rows.b, d.b FROM own_rows JOIN d USING (id)
SELECT count(*) FROM own_rows WHERE id = 400
ROLLBACK
DROP TABLE own_rows, own_parts
