-- INSERT, UPDATE, DELETE, DDL, in this order; each statement sees what those before it left.
INSERT INTO draft DEFAULT VALUES
INSERT INTO draft DEFAULT VALUES RETURNING *
INSERT INTO draft (a, b) VALUES (1, 'x'), (2, DEFAULT), (DEFAULT, 'z') RETURNING id, a, b
INSERT INTO draft VALUES (100, 5, 'full', 1.25, '[1,2]', '2024-01-01', 77, true)
INSERT INTO draft (c) VALUES (1.005), (-9999.99), (NULL) RETURNING c
INSERT INTO draft (c) VALUES (10000)
INSERT INTO draft (b) SELECT title FROM categories ORDER BY id RETURNING b, id
INSERT INTO draft (a, b) SELECT id, name FROM items WHERE price > 15 ORDER BY id
INSERT INTO draft (a, b, v, at) SELECT generate_series(1, 2), 'set', '[1,2]', NULL RETURNING a, b, v, at
INSERT INTO draft (a, v, at) SELECT (SELECT count(*) FROM generate_series(1, 3) n WHERE n < i), '[1,2]', NULL FROM generate_series(1, 2) i RETURNING a, v, at
INSERT INTO draft (a, at) SELECT DISTINCT 1, NULL
INSERT INTO draft (v) VALUES ('[0.5,-1]'), (NULL) RETURNING v, v <-> '[0,0]' AS d
INSERT INTO draft (v) VALUES ('[1,2,3]')
INSERT INTO draft (v) VALUES (ARRAY[7,8]) RETURNING v
INSERT INTO draft (id) VALUES (100)
INSERT INTO draft (flags) VALUES (NULL)
INSERT INTO draft (a) VALUES ('12'), ('13') RETURNING a * 2
INSERT INTO draft (a) VALUES ('x')
INSERT INTO draft (a) VALUES (1.6) RETURNING a
INSERT INTO draft (a) VALUES (99999999999)
INSERT INTO draft (nope) VALUES (1)
INSERT INTO draft (a, a) VALUES (1, 2)
INSERT INTO draft (a) VALUES (1, 2)
INSERT INTO draft (a, b) VALUES (1)
INSERT INTO nope VALUES (1)
INSERT INTO draft (a) VALUES ((SELECT max(id) FROM categories)) RETURNING a
INSERT INTO draft (b) VALUES (5), ('y') RETURNING b
INSERT INTO draft (b) VALUES (NULL), ('') RETURNING b, b IS NULL
INSERT INTO draft (at) VALUES ('2024-05-05 05:05:05.5'), (DATE '2024-01-01') RETURNING at
WITH x AS (SELECT 7 AS n) INSERT INTO draft (a) SELECT n FROM x RETURNING a
SELECT id, a, b, c, v, at, big, flags FROM draft ORDER BY id
UPDATE draft SET a = a + 1 WHERE id < 4
UPDATE draft SET a = NULL, b = upper(b) WHERE b = 'x' RETURNING id, a, b
UPDATE draft SET c = DEFAULT, a = DEFAULT WHERE id = 4 RETURNING a, c
UPDATE draft SET (a, b) = (5, 'five') WHERE id = 5 RETURNING a, b
UPDATE draft SET (a, b) = (SELECT id, title FROM categories WHERE id = 2) WHERE id = 6 RETURNING a, b
UPDATE draft SET b = c.title FROM categories c WHERE draft.a = c.id RETURNING draft.id, draft.b
UPDATE draft d SET a = a * 10 WHERE d.id IN (SELECT id FROM categories) RETURNING d.id, d.a
UPDATE draft SET v = v + '[1,1]' WHERE v IS NOT NULL RETURNING id, v
UPDATE draft SET id = 1 WHERE id = 2
UPDATE draft SET flags = NULL WHERE id = 1
UPDATE draft SET c = 123456 WHERE id = 1
UPDATE draft SET a = 'x' WHERE id = 1
UPDATE draft SET nope = 1
UPDATE draft SET a = 1, a = 2
UPDATE draft SET a = 1 / (id - id) WHERE id = 1
UPDATE draft SET a = 0 WHERE false
UPDATE draft SET id = id + 1000 WHERE id < 3 RETURNING id
UPDATE draft SET big = big WHERE id = 100 RETURNING big
UPDATE draft SET a = (SELECT count(*) FROM items) WHERE id = 100 RETURNING a
SELECT id, a, b, c, v, at, big, flags FROM draft ORDER BY id
DELETE FROM draft WHERE id = 5 RETURNING *
DELETE FROM draft WHERE a IS NULL RETURNING id
DELETE FROM draft USING categories c WHERE draft.b = c.title RETURNING draft.id, c.id
DELETE FROM draft WHERE id IN (SELECT max(id) FROM draft) RETURNING id < 0
DELETE FROM draft WHERE v <-> '[2,3]' < 1
DELETE FROM draft WHERE nope = 1
DELETE FROM draft WHERE false
SELECT id, a, b FROM draft ORDER BY id
DELETE FROM draft
SELECT count(*) FROM draft
TRUNCATE draft
INSERT INTO draft (a) VALUES (1) RETURNING id > 1
TRUNCATE TABLE draft RESTART IDENTITY
INSERT INTO draft (a) VALUES (1) RETURNING id, big
CREATE TABLE draft (a int)
CREATE TABLE IF NOT EXISTS draft (a int)
CREATE TABLE made (id int PRIMARY KEY, n numeric(5,2) DEFAULT 1.5, t text NOT NULL)
INSERT INTO made VALUES (1, DEFAULT, 'a') RETURNING *
ALTER TABLE made ADD COLUMN extra int DEFAULT 9
ALTER TABLE made ADD COLUMN v vector(2)
ALTER TABLE made ADD COLUMN ts timestamp NOT NULL DEFAULT '2024-01-01'
SELECT * FROM made
ALTER TABLE made ADD COLUMN must int NOT NULL
ALTER TABLE made ADD COLUMN IF NOT EXISTS extra int
ALTER TABLE made ADD COLUMN extra int
ALTER TABLE made RENAME COLUMN extra TO more
ALTER TABLE made RENAME COLUMN nope TO x
ALTER TABLE made RENAME more TO most
ALTER TABLE made ALTER COLUMN most SET DEFAULT 11
ALTER TABLE made ALTER COLUMN t DROP NOT NULL
INSERT INTO made (id) VALUES (2) RETURNING *
ALTER TABLE made ALTER COLUMN t SET NOT NULL
ALTER TABLE made DROP COLUMN n
ALTER TABLE made DROP COLUMN n
ALTER TABLE made DROP COLUMN IF EXISTS n
SELECT * FROM made ORDER BY id
ALTER TABLE made RENAME TO renamed
SELECT count(*) FROM made
SELECT * FROM renamed ORDER BY id
UPDATE renamed SET v = '[1,2]' WHERE id = 2 RETURNING *
CREATE INDEX ON renamed (most)
CREATE INDEX renamed_v ON renamed USING hnsw (v vector_l2_ops)
CREATE INDEX renamed_v ON renamed USING hnsw (v vector_l2_ops)
CREATE INDEX IF NOT EXISTS renamed_v ON renamed USING hnsw (v vector_cosine_ops)
CREATE UNIQUE INDEX ON renamed (most)
DROP INDEX renamed_v
DROP INDEX IF EXISTS renamed_v
DROP INDEX renamed_v
CREATE SCHEMA s
CREATE SCHEMA s
CREATE SCHEMA IF NOT EXISTS s
CREATE TABLE s.made (a int, b text)
INSERT INTO s.made VALUES (1, 'one'), (2, 'two')
SELECT made.a, s.made.b FROM s.made ORDER BY a
DROP SCHEMA s
DROP SCHEMA s CASCADE
DROP TABLE s.made
DROP TABLE renamed
DROP TABLE renamed
DROP TABLE IF EXISTS renamed
CREATE TABLE copied AS SELECT id, name FROM items WHERE id < 3
DROP TABLE IF EXISTS copied
CREATE TEMP TABLE temporary (a int)
DROP TABLE IF EXISTS temporary
CREATE VIEW viewed AS SELECT 1
DROP VIEW IF EXISTS viewed
CREATE TABLE checked (a int CHECK (a > 0))
DROP TABLE IF EXISTS checked
CREATE TABLE uniq (a int UNIQUE, b int REFERENCES categories (id))
DROP TABLE IF EXISTS uniq
CREATE TABLE bad (v vector(0))
CREATE TABLE bad (v vector(16001))
CREATE TABLE bad (n numeric(2000))
CREATE TABLE bad (t varchar(0))
CREATE TABLE bad (a nope)
CREATE TABLE bad (a int, a int)
CREATE TABLE bad (a int PRIMARY KEY, b int PRIMARY KEY)
CREATE TABLE bad (a int DEFAULT 'x')
CREATE TABLE bad (a int DEFAULT b)
CREATE TABLE pair (a int, b text, PRIMARY KEY (a, b))
INSERT INTO pair VALUES (1, 'x'), (1, 'y')
INSERT INTO pair VALUES (1, 'x')
INSERT INTO pair VALUES (NULL, 'x')
DROP TABLE pair
BEGIN
INSERT INTO draft (a) VALUES (500)
SAVEPOINT s1
UPDATE draft SET a = 501 WHERE a = 500
ROLLBACK TO SAVEPOINT s1
SELECT a FROM draft WHERE a >= 500
SELECT 1/0
SELECT 1
ROLLBACK
SELECT a FROM draft WHERE a >= 500
COMMIT
INSERT INTO draft (id) VALUES (100000) ON CONFLICT DO NOTHING
WITH gone AS (DELETE FROM draft WHERE id > 1000 RETURNING id) SELECT count(*) FROM gone
VACUUM (ANALYZE) pg_catalog.pg_proc
ANALYZE pg_class
VACUUM pg_catalog.nosuch
