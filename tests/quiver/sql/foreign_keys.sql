-- FOREIGN KEY: definition, checks, actions, dependencies. Each statement sees what those before it left.
CREATE TABLE p (id int PRIMARY KEY, code text UNIQUE, note text)
CREATE TABLE c (id int PRIMARY KEY, p_id int REFERENCES p, note text)
SELECT relname, relhastriggers FROM pg_class WHERE relname IN ('p', 'c') ORDER BY relname
INSERT INTO p VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, NULL, 'z')
INSERT INTO c VALUES (10, 1, 'one'), (11, NULL, 'none')
INSERT INTO c VALUES (12, 9, 'nine')
INSERT INTO c VALUES (12, 2, 'two'), (13, 8, 'eight'), (14, 9, 'nine')
INSERT INTO c VALUES (12, 9, 'nine'), (10, 1, 'repeated')
SELECT * FROM c ORDER BY id
UPDATE c SET p_id = 7 WHERE id = 10
UPDATE c SET p_id = 2 WHERE id = 10
UPDATE c SET note = 'still' WHERE id = 10
DELETE FROM p WHERE id = 2
DELETE FROM p WHERE id = 1
UPDATE p SET id = 20 WHERE id = 2
UPDATE p SET note = 'free' WHERE id = 2
UPDATE p SET id = id
UPDATE p SET id = id + 1
DELETE FROM p
DELETE FROM c
DELETE FROM p WHERE id = 2
SELECT * FROM p ORDER BY id
-- one statement that removes a key and brings it back
INSERT INTO c VALUES (30, 3, 'three')
INSERT INTO p VALUES (4, 'd', NULL)
UPDATE p SET id = CASE id WHEN 3 THEN 4 ELSE 3 END WHERE id = 300
WITH gone AS (SELECT 1) UPDATE p SET note = 'w' WHERE id = 3
TRUNCATE p
TRUNCATE p, c
INSERT INTO p VALUES (1, 'a', NULL)
INSERT INTO c VALUES (1, 1, NULL)
TRUNCATE p CASCADE
SELECT count(*) FROM c
DROP TABLE p
DROP TABLE p RESTRICT
ALTER TABLE p DROP CONSTRAINT p_pkey
DROP INDEX p_pkey
ALTER TABLE p DROP COLUMN id
ALTER TABLE p DROP CONSTRAINT p_pkey CASCADE
INSERT INTO c VALUES (2, 99, NULL)
ALTER TABLE p ADD PRIMARY KEY (id)
ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p
ALTER TABLE c ADD CONSTRAINT c_fk FOREIGN KEY (p_id) REFERENCES p NOT VALID
SELECT conname, contype, convalidated, condeferrable, condeferred, confupdtype, confdeltype, confmatchtype, conkey, confkey, confdelsetcols, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'c'::regclass ORDER BY conname
INSERT INTO c VALUES (3, 98, NULL)
UPDATE c SET note = 'old row' WHERE id = 2
ALTER TABLE c VALIDATE CONSTRAINT c_fk
INSERT INTO p VALUES (99, 'n', NULL)
ALTER TABLE c VALIDATE CONSTRAINT c_fk
ALTER TABLE c VALIDATE CONSTRAINT c_fk
ALTER TABLE c VALIDATE CONSTRAINT c_pkey
ALTER TABLE c VALIDATE CONSTRAINT nope
ALTER TABLE c ADD CONSTRAINT c_fk FOREIGN KEY (p_id) REFERENCES p
ALTER TABLE c RENAME CONSTRAINT c_fk TO c_renamed
DELETE FROM p WHERE id = 99
ALTER TABLE c DROP CONSTRAINT c_renamed
DELETE FROM p WHERE id = 99
DROP TABLE p, c
-- definition errors
CREATE TABLE p (a int, b int, t text, n numeric, d date, v varchar(5), PRIMARY KEY (a), UNIQUE (b, a), w int)
CREATE UNIQUE INDEX p_t ON p (t)
CREATE TABLE e (x int REFERENCES nope)
CREATE TABLE e (x int REFERENCES p (nope))
CREATE TABLE e (x int, FOREIGN KEY (nope) REFERENCES p)
CREATE TABLE e (x int REFERENCES p (w))
CREATE TABLE e (x text REFERENCES p)
CREATE TABLE e (x numeric REFERENCES p)
CREATE TABLE e (x int, y int, FOREIGN KEY (x, y) REFERENCES p)
CREATE TABLE e (x int, y int, FOREIGN KEY (x) REFERENCES p (a, b))
CREATE TABLE e (x int, y int, FOREIGN KEY (x, y) REFERENCES p (a, a))
CREATE TABLE e (x int, FOREIGN KEY (ctid) REFERENCES p)
CREATE TABLE e (x int REFERENCES p MATCH PARTIAL)
CREATE TABLE e (x int REFERENCES p ON DELETE SET NULL (y), y int)
CREATE TABLE e (x int REFERENCES p ON DELETE SET NULL (z))
CREATE TABLE e (x int REFERENCES p ON UPDATE SET NULL (x))
CREATE TABLE e (x int CONSTRAINT k REFERENCES p, y int CONSTRAINT k REFERENCES p)
CREATE TABLE e (x int GENERATED ALWAYS AS (1) STORED REFERENCES p ON UPDATE CASCADE)
CREATE TABLE e (x int GENERATED ALWAYS AS (1) STORED REFERENCES p ON DELETE SET NULL)
CREATE TABLE e (x int REFERENCES p NOT DEFERRABLE INITIALLY DEFERRED)
CREATE TABLE q (x int)
CREATE TABLE e (x int REFERENCES q)
CREATE INDEX q_x ON q (x)
CREATE TABLE e (x int REFERENCES q_x)
CREATE TABLE e (x bigint REFERENCES p, y int, z int2, t varchar REFERENCES p (t), FOREIGN KEY (y, z) REFERENCES p (a, b) MATCH FULL ON DELETE SET NULL (z) ON UPDATE CASCADE DEFERRABLE)
SELECT conname, conkey, confkey, confdelsetcols, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'e'::regclass ORDER BY conname
INSERT INTO p VALUES (1, 5, 'one'), (2, 6, 'two')
INSERT INTO e VALUES (1, 1, 5, 'one')
INSERT INTO e VALUES (1, 1, 6, 'one')
INSERT INTO e VALUES (1, 1, NULL, 'one')
INSERT INTO e VALUES (1, NULL, NULL, 'two')
INSERT INTO e VALUES (4294967297, 1, 5, 'one')
INSERT INTO e VALUES (1, 2, 6, 'none')
UPDATE p SET b = 50 WHERE a = 1
SELECT * FROM e ORDER BY x, y
DELETE FROM p WHERE a = 2
SELECT * FROM information_schema.referential_constraints WHERE constraint_schema = 'public' ORDER BY constraint_name
SELECT constraint_name, table_name, column_name, ordinal_position, position_in_unique_constraint FROM information_schema.key_column_usage WHERE table_schema = 'public' ORDER BY 1, 2, 4
SELECT constraint_name, table_name, constraint_type, is_deferrable, initially_deferred FROM information_schema.table_constraints WHERE table_schema = 'public' AND constraint_type <> 'CHECK' ORDER BY 1, 2
SELECT constraint_name, table_name, column_name FROM information_schema.constraint_column_usage WHERE table_schema = 'public' ORDER BY 1, 2, 3
ALTER TABLE e ALTER CONSTRAINT e_x_fkey DEFERRABLE INITIALLY DEFERRED
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'e_x_fkey'
ALTER TABLE e ALTER CONSTRAINT nope DEFERRABLE
ALTER TABLE p ALTER CONSTRAINT p_pkey DEFERRABLE
DROP TABLE p
ALTER TABLE p DROP COLUMN t
ALTER TABLE p DROP COLUMN t CASCADE
DROP TABLE p CASCADE
DROP TABLE e, q
-- actions
CREATE TABLE p (id int PRIMARY KEY)
CREATE TABLE cc (k int, p int REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE)
CREATE TABLE cn (k int, p int REFERENCES p ON DELETE SET NULL ON UPDATE SET NULL)
CREATE TABLE cd (k int, p int DEFAULT 0 REFERENCES p ON DELETE SET DEFAULT ON UPDATE SET DEFAULT)
CREATE TABLE cr (k int, p int REFERENCES p ON DELETE RESTRICT ON UPDATE RESTRICT)
INSERT INTO p SELECT g FROM generate_series(0, 5) AS g
INSERT INTO cc SELECT g, g % 6 FROM generate_series(1, 12) AS g
INSERT INTO cn SELECT g, g % 6 FROM generate_series(1, 12) AS g
INSERT INTO cd SELECT g, g % 6 FROM generate_series(1, 12) AS g
INSERT INTO cr VALUES (1, 5)
DELETE FROM p WHERE id IN (1, 2)
UPDATE p SET id = id + 10 WHERE id IN (3, 4)
SELECT 'cc', k, p FROM cc UNION ALL SELECT 'cn', k, p FROM cn UNION ALL SELECT 'cd', k, p FROM cd ORDER BY 1, 2
DELETE FROM p WHERE id = 5
UPDATE p SET id = 50 WHERE id = 5
UPDATE p SET id = 7 WHERE id = 0
DELETE FROM p WHERE id = 0
DELETE FROM p WHERE id = 13 RETURNING id
SELECT * FROM cc ORDER BY k
DROP TABLE p CASCADE
DROP TABLE cc, cn, cd, cr
-- actions obey NOT NULL, CHECK, UNIQUE, generated columns
CREATE TABLE p (id int PRIMARY KEY)
CREATE TABLE cn (k int, p int NOT NULL REFERENCES p ON DELETE SET NULL)
CREATE TABLE ck (k int, p int REFERENCES p ON UPDATE CASCADE CHECK (p < 100), g int GENERATED ALWAYS AS (p * 2) STORED)
CREATE TABLE cu (k int, p int UNIQUE DEFAULT 1 REFERENCES p ON DELETE SET DEFAULT)
INSERT INTO p VALUES (1), (2), (3), (4)
INSERT INTO cn VALUES (1, 1)
INSERT INTO ck VALUES (1, 2)
INSERT INTO cu VALUES (1, 3), (2, 1)
DELETE FROM p WHERE id = 1
UPDATE p SET id = 200 WHERE id = 2
UPDATE p SET id = 20 WHERE id = 2
SELECT * FROM ck
DELETE FROM p WHERE id = 3
SELECT * FROM p ORDER BY id
DROP TABLE cn, ck, cu, p
-- several levels, cycles, self references
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE ON UPDATE CASCADE)
INSERT INTO tree VALUES (1, 1), (2, 1), (3, 2), (4, 3), (5, 9), (9, NULL), (10, 9)
UPDATE tree SET id = id + 100 WHERE id = 1
SELECT * FROM tree ORDER BY id
DELETE FROM tree WHERE id = 101
SELECT * FROM tree ORDER BY id
INSERT INTO tree VALUES (20, 21)
INSERT INTO tree VALUES (20, 21), (21, 20)
DELETE FROM tree WHERE id = 20
SELECT * FROM tree ORDER BY id
DROP TABLE tree
CREATE TABLE a (id int PRIMARY KEY, b int)
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE)
ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b ON DELETE CASCADE
INSERT INTO a VALUES (1, NULL), (2, NULL)
INSERT INTO b VALUES (1, 1), (2, 1)
UPDATE a SET b = 2
DELETE FROM b WHERE id = 2
SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)
DROP TABLE a, b
CREATE TABLE node (id int PRIMARY KEY, up int REFERENCES node)
INSERT INTO node VALUES (1, NULL), (2, 1), (3, 2)
DELETE FROM node WHERE id = 1
DELETE FROM node WHERE id >= 1
INSERT INTO node VALUES (1, 2), (2, 1)
UPDATE node SET id = id + 10, up = up + 10
SELECT * FROM node ORDER BY id
TRUNCATE node
DROP TABLE node
-- ON CONFLICT, several columns, text forms in DETAIL, other tables' names
CREATE SCHEMA other
CREATE TABLE other.p (a int, b date, c numeric(6,2), "D e" text, PRIMARY KEY (a, b, c, "D e"))
CREATE TABLE c (a int, b date, c numeric, "D e" varchar(3), FOREIGN KEY ("D e", c, b, a) REFERENCES other.p ("D e", c, b, a) ON UPDATE CASCADE)
INSERT INTO other.p VALUES (1, '2024-02-29', 1.5, 'x')
INSERT INTO c VALUES (1, '2024-02-29', 1.50, 'x')
INSERT INTO c VALUES (1, '2024-02-29', 1.501, 'x')
INSERT INTO c VALUES (1, NULL, 1.501, 'x')
UPDATE other.p SET "D e" = 'long' WHERE a = 1
UPDATE other.p SET "D e" = 'y', c = 2 WHERE a = 1
SELECT * FROM c ORDER BY b
DELETE FROM other.p
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'c'::regclass
DROP SCHEMA other
DROP SCHEMA other CASCADE
DROP TABLE c
-- ADD COLUMN with REFERENCES, transactions, savepoints
CREATE TABLE p (id int PRIMARY KEY)
CREATE TABLE c (k int)
INSERT INTO c VALUES (1)
ALTER TABLE c ADD COLUMN p int DEFAULT 5 REFERENCES p
ALTER TABLE c ADD COLUMN p int REFERENCES p
BEGIN
INSERT INTO p VALUES (5)
INSERT INTO c VALUES (2, 5)
SAVEPOINT s
DELETE FROM p
ROLLBACK TO s
DELETE FROM c WHERE p = 5
DELETE FROM p
COMMIT
SELECT * FROM c
ALTER TABLE c DROP COLUMN p
ALTER TABLE c ADD COLUMN p int REFERENCES p NOT VALID
SELECT count(*) FROM pg_constraint WHERE conrelid = 'c'::regclass
DROP TABLE p
DROP TABLE c
