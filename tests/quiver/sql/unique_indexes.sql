-- UNIQUE NULLS NOT DISTINCT, partial unique indexes. Each statement sees what those before it left.
CREATE TABLE o (k int UNIQUE NULLS NOT DISTINCT, a int, b text, n int DEFAULT 0, CONSTRAINT o_ab UNIQUE NULLS NOT DISTINCT (a, b))
INSERT INTO o VALUES (NULL, 1, 'x'), (1, NULL, 'x'), (0, 1, NULL), (2, NULL, NULL)
INSERT INTO o VALUES (NULL, 9, 'z')
INSERT INTO o VALUES (3, NULL, 'x')
INSERT INTO o VALUES (3, 1, NULL)
INSERT INTO o VALUES (3, NULL, NULL)
INSERT INTO o VALUES (4, NULL, 'new'), (5, NULL, 'new')
INSERT INTO o VALUES (6, NULL, 'new'), (7, NULL, 'newer')
UPDATE o SET k = NULL WHERE k = 1
UPDATE o SET a = 1 WHERE k = 2
UPDATE o SET k = 10 WHERE k IS NULL
UPDATE o SET k = NULL WHERE k = 10
SELECT * FROM o WHERE k = NULL
SELECT k FROM o WHERE k IS NULL
SELECT k FROM o WHERE k IN (0, NULL)
SELECT k FROM o WHERE a = 1 AND b = NULL
SELECT k FROM o WHERE k = ANY (ARRAY[NULL, 1, 0]::int[]) ORDER BY k
INSERT INTO o VALUES (NULL, 5, 'y') ON CONFLICT DO NOTHING
INSERT INTO o VALUES (NULL, 5, 'y'), (20, 20, 'y') ON CONFLICT (k) DO UPDATE SET n = o.n + 1 RETURNING k, n
INSERT INTO o VALUES (NULL, 5, 'y'), (NULL, 6, 'y') ON CONFLICT (k) DO UPDATE SET n = o.n + 1
INSERT INTO o VALUES (21, NULL, 'x'), (22, 1, NULL), (23, NULL, 'fresh'), (24, 7, 'fresh') ON CONFLICT (b, a) DO UPDATE SET n = excluded.k RETURNING *
INSERT INTO o VALUES (25, NULL, 'twice'), (26, NULL, 'twice') ON CONFLICT ON CONSTRAINT o_ab DO NOTHING RETURNING *
SELECT * FROM o ORDER BY k, a, b
DELETE FROM o WHERE k IS NULL
INSERT INTO o VALUES (NULL, 30, 'again')
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'o'::regclass ORDER BY conname
SELECT indexrelid::regclass::text, indnullsnotdistinct, indisunique, indimmediate, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'o'::regclass ORDER BY 1
SELECT constraint_name, nulls_distinct FROM information_schema.table_constraints WHERE table_name = 'o' AND constraint_type = 'UNIQUE' ORDER BY 1
ALTER TABLE o ADD CONSTRAINT o_n UNIQUE NULLS NOT DISTINCT (n)
ALTER TABLE o ADD CONSTRAINT o_kn UNIQUE NULLS NOT DISTINCT (k, n)
ALTER TABLE o DROP CONSTRAINT o_kn
CREATE UNIQUE INDEX o_b ON o (b) NULLS NOT DISTINCT
UPDATE o SET b = NULL WHERE k IN (6, 7)
CREATE UNIQUE INDEX o_b ON o (b) NULLS NOT DISTINCT
ALTER TABLE o DROP CONSTRAINT o_ab
DELETE FROM o WHERE b = 'x' AND k < 2 OR b IS NULL AND k <> 6 OR b = 'fresh' AND k = 24
CREATE UNIQUE INDEX o_b ON o (b DESC) NULLS NOT DISTINCT
INSERT INTO o VALUES (40, 40, NULL)
CREATE UNIQUE INDEX o_d ON o (b) NULLS DISTINCT
CREATE INDEX o_plain ON o (b, a) NULLS NOT DISTINCT
SELECT pg_get_indexdef('o_b'::regclass), pg_get_indexdef('o_d'::regclass), pg_get_indexdef('o_plain'::regclass)
ALTER TABLE o ADD UNIQUE NULLS NOT DISTINCT (a) DEFERRABLE INITIALLY DEFERRED
CREATE TABLE de (k int UNIQUE NULLS NOT DISTINCT DEFERRABLE INITIALLY DEFERRED)
BEGIN
INSERT INTO de VALUES (NULL), (NULL), (1)
COMMIT
SELECT * FROM de
CREATE TABLE ref (k int REFERENCES o (k), j int)
INSERT INTO ref VALUES (NULL, 1), (20, 2)
INSERT INTO ref VALUES (99, 1)
DELETE FROM o WHERE k IS NULL
DELETE FROM o WHERE k = 20
CREATE TABLE v (x numeric UNIQUE NULLS NOT DISTINCT, y float8, z text, UNIQUE NULLS NOT DISTINCT (y, z))
INSERT INTO v VALUES (1.50, 'NaN', NULL), (NULL, NULL, ''), (2, '-0', NULL)
INSERT INTO v VALUES (1.5, 1, '1')
INSERT INTO v VALUES (3, 'NaN', NULL)
INSERT INTO v VALUES (4, NULL, '')
INSERT INTO v VALUES (5, 0, NULL)
INSERT INTO v VALUES (6, NULL, NULL), (7, 1, NULL)
DROP TABLE ref, o, v, de
-- partial unique indexes
CREATE TABLE w (id int PRIMARY KEY, email text, active bool DEFAULT true, n int DEFAULT 0, at timestamptz, j int)
CREATE UNIQUE INDEX w_email ON w (email) WHERE active
CREATE UNIQUE INDEX w_n ON w (n, j) WHERE n > 10 AND j IS NOT NULL
CREATE UNIQUE INDEX w_now ON w (n) WHERE at < now()
CREATE UNIQUE INDEX w_sub ON w (n) WHERE (SELECT true)
CREATE UNIQUE INDEX w_no ON w (n) WHERE n
CREATE UNIQUE INDEX w_no ON w (n) WHERE zz = 1
CREATE UNIQUE INDEX w_no ON w (n) WHERE count(*) > 1
CREATE INDEX w_plain ON w (j) WHERE j > 5
SELECT indexrelid::regclass::text, indisunique, indpred IS NOT NULL, pg_get_expr(indpred, indrelid), pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'w'::regclass ORDER BY 1
INSERT INTO w VALUES (1, 'a', true), (2, 'a', false), (3, 'a', NULL), (4, 'b', true)
INSERT INTO w VALUES (5, 'a', true)
INSERT INTO w VALUES (5, 'a', false), (6, 'b', NULL), (7, NULL, true), (8, NULL, true)
INSERT INTO w VALUES (9, 'c', true), (10, 'c', true)
UPDATE w SET active = true WHERE id = 2
UPDATE w SET active = false WHERE id = 1
UPDATE w SET active = true WHERE id IN (2, 3)
UPDATE w SET active = true WHERE id = 2
UPDATE w SET active = true WHERE id = 1
SELECT id, email, active FROM w WHERE email = 'a' AND active ORDER BY id
SELECT id, email, active FROM w WHERE email = 'a' ORDER BY id
INSERT INTO w (id, n, j) VALUES (20, 11, 1), (21, 5, 1), (22, 5, 1), (23, 11, NULL), (24, 11, NULL)
INSERT INTO w (id, n, j) VALUES (25, 11, 1)
UPDATE w SET n = 11 WHERE id = 21
INSERT INTO w VALUES (30, 'a') ON CONFLICT DO NOTHING
INSERT INTO w VALUES (30, 'a') ON CONFLICT (email) DO NOTHING
INSERT INTO w VALUES (30, 'a') ON CONFLICT (email) WHERE active DO NOTHING
INSERT INTO w VALUES (30, 'a') ON CONFLICT (email) WHERE active AND n = 3 DO NOTHING
INSERT INTO w VALUES (30, 'a') ON CONFLICT (email) WHERE active OR n = 3 DO NOTHING
INSERT INTO w VALUES (30, 'a') ON CONFLICT (email) WHERE NOT active DO NOTHING
INSERT INTO w VALUES (30, 'a', false), (31, 'a', true), (32, 'zed', true) ON CONFLICT (email) WHERE active DO UPDATE SET n = w.n + 1 RETURNING id, email, active, n
INSERT INTO w VALUES (33, 'a', true) ON CONFLICT (email) WHERE active DO UPDATE SET active = false RETURNING id, active
INSERT INTO w VALUES (33, 'a', true), (34, 'a', true) ON CONFLICT (email) WHERE active DO UPDATE SET active = false RETURNING id, active
INSERT INTO w VALUES (35, 'zed', true), (36, 'zed', true), (37, 'zed', true) ON CONFLICT (email) WHERE active DO UPDATE SET active = false RETURNING id, active
INSERT INTO w VALUES (38, 'b', true), (39, 'q', true) ON CONFLICT (email) WHERE active DO UPDATE SET active = excluded.active, n = -1 RETURNING id, active, n
INSERT INTO w (id, n, j) VALUES (40, 11, 1), (41, 3, 1) ON CONFLICT (j, n) WHERE n > 10 AND j = 1 DO UPDATE SET at = '2020-01-01 00:00Z' RETURNING id, at IS NULL
INSERT INTO w (id, n, j) VALUES (42, 11, 1) ON CONFLICT (n, j) WHERE n > 10 DO NOTHING
INSERT INTO w (id, n, j) VALUES (42, 11, 1) ON CONFLICT (n, j) WHERE j IS NOT NULL AND n > 10 DO NOTHING
SELECT id, email, active, n, j, at IS NULL FROM w ORDER BY id
ALTER TABLE w RENAME COLUMN active TO live
SELECT pg_get_indexdef('w_email'::regclass)
INSERT INTO w (id, email) VALUES (50, 'b')
INSERT INTO w (id, email) VALUES (50, 'b') ON CONFLICT (email) WHERE live DO NOTHING
CREATE UNIQUE INDEX w_small ON w (j) WHERE n < 6
DELETE FROM w WHERE id = 22
CREATE UNIQUE INDEX w_small ON w (j) WHERE n < 6
INSERT INTO w (id, n, j) VALUES (60, 1, 1)
CREATE UNIQUE INDEX w_nulls ON w (at) NULLS NOT DISTINCT WHERE id > 100
INSERT INTO w (id) VALUES (101)
INSERT INTO w (id) VALUES (102)
SELECT pg_get_indexdef('w_nulls'::regclass)
CREATE TABLE refers (e text REFERENCES w (email))
ALTER TABLE w DROP COLUMN n
SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'w'::regclass ORDER BY 1
DROP INDEX w_email
INSERT INTO w (id, email) VALUES (70, 'b')
CREATE TABLE wi (a int, b int)
CREATE UNIQUE INDEX ON wi (a) WHERE 10 / b > 1
INSERT INTO wi VALUES (1, 2), (1, 10)
INSERT INTO wi VALUES (1, 0)
INSERT INTO wi VALUES (1, 1)
UPDATE wi SET b = 10 WHERE b = 2
INSERT INTO wi VALUES (1, 1)
INSERT INTO wi VALUES (1, 3)
DROP TABLE w, wi
-- A column whose type changes is read by predicates, which are bound over the new type and hold of the rows anew.
CREATE TABLE retyped (id int PRIMARY KEY, n int, t varchar(10), k int)
CREATE UNIQUE INDEX retyped_k ON retyped (k) WHERE n > 1
CREATE INDEX retyped_n ON retyped (n) WHERE t = 'a' AND n IS NOT NULL
INSERT INTO retyped VALUES (1, 1, 'a', 7), (2, 2, 'b', 7), (3, 0, 'a', 7)
ALTER TABLE retyped ALTER COLUMN n TYPE numeric(10,2) USING n / 2.0
SELECT indexdef FROM pg_indexes WHERE tablename = 'retyped' ORDER BY indexname
INSERT INTO retyped VALUES (4, 1.01, 'a', 7)
INSERT INTO retyped VALUES (5, 1.01, 'a', 7)
ALTER TABLE retyped ALTER COLUMN n TYPE numeric(10,2) USING 5
ALTER TABLE retyped ALTER COLUMN n TYPE boolean USING n > 1
ALTER TABLE retyped ALTER COLUMN t TYPE text
SELECT indexdef FROM pg_indexes WHERE tablename = 'retyped' ORDER BY indexname
SELECT id FROM retyped WHERE t = 'a' AND n IS NOT NULL ORDER BY n, id
DROP TABLE retyped
CREATE TABLE named (id int PRIMARY KEY, name varchar(20), a int, b int)
CREATE UNIQUE INDEX named_lower ON named (lower(name))
CREATE UNIQUE INDEX named_ratio ON named ((a / b), name) INCLUDE (id) WHERE b IS NOT NULL
INSERT INTO named VALUES (1, 'Ann', 4, 2), (2, 'Bob', 4, 2), (3, NULL, 4, 2), (4, NULL, 4, 2)
INSERT INTO named VALUES (5, 'ANN', 1, 1)
INSERT INTO named VALUES (5, 'Cid', 1, 0)
UPDATE named SET name = 'BOB' WHERE id = 3
UPDATE named SET a = 5, name = 'bob' WHERE id = 2
UPDATE named SET name = 'ann' WHERE id = 1
INSERT INTO named VALUES (6, 'bOb', 1, 1) ON CONFLICT (lower(name)) DO UPDATE SET a = EXCLUDED.a RETURNING *
INSERT INTO named VALUES (6, 'x', 1, 1), (7, 'X', 2, 2) ON CONFLICT (lower(name)) DO UPDATE SET a = 0
INSERT INTO named VALUES (6, 'x', 1, 1), (7, 'X', 2, 2) ON CONFLICT (lower(name)) DO NOTHING RETURNING id
CREATE UNIQUE INDEX named_div ON named ((id / 2))
DELETE FROM named WHERE id IN (2, 3)
CREATE UNIQUE INDEX named_div ON named ((id / 4), (upper(name) || 'x')) NULLS NOT DISTINCT
DELETE FROM named WHERE id > 1
CREATE UNIQUE INDEX named_one ON named ((true))
INSERT INTO named VALUES (9, 'other', 1, 1)
DROP TABLE named
CREATE TABLE uncollated (n int COLLATE "C")
CREATE TABLE uncollated (n text COLLATE "nowhere")
