-- Updates that leave vectors and keys alone, over rows on disk; each line is one statement.
CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE, note text)
CREATE TABLE p (id int PRIMARY KEY, flag bool NOT NULL, n int CONSTRAINT small CHECK (n < 1000), t text, g int GENERATED ALWAYS AS (n * 2) STORED, other int UNIQUE, v vector(3), CONSTRAINT has_dims CHECK (vector_dims(v) = 3), parent int REFERENCES parent ON UPDATE CASCADE ON DELETE SET NULL)
INSERT INTO parent SELECT i, 'c' || i, 'note' FROM generate_series(1, 5) AS s(i)
INSERT INTO p (id, flag, n, t, other, v, parent) SELECT i, i % 2 = 0, i, CASE WHEN i % 7 = 0 THEN NULL ELSE 't' || i END, i, ('[' || i || ',1,2]')::vector, 1 + i % 5 FROM generate_series(1, 60) AS s(i)
VACUUM p
CREATE INDEX ON p USING hnsw (v vector_l2_ops)
UPDATE p SET flag = NOT flag
SELECT count(*), sum(id) FROM p WHERE flag
SELECT id, flag, v FROM p ORDER BY v <-> '[3.2,1,2]' LIMIT 3
SELECT id FROM p WHERE flag ORDER BY v <-> '[3.2,1,2]' LIMIT 3
UPDATE p SET n = n + 100 WHERE id BETWEEN 10 AND 30 RETURNING id, n, g, t
SELECT id, n, g FROM p WHERE n > 100 ORDER BY id
SELECT id FROM p WHERE n BETWEEN 125 AND 127 ORDER BY v <-> '[1,1,1]' LIMIT 5
UPDATE p SET n = 2000 WHERE id = 12
UPDATE p SET n = 5000 WHERE id > 11
UPDATE p SET flag = NULL WHERE id > 40
UPDATE p SET flag = NULL, n = 7000 WHERE id > 40
UPDATE p SET t = t || '!' WHERE t LIKE 't1%'
SELECT id, t FROM p WHERE t LIKE '%!' ORDER BY id
UPDATE p SET other = other + 100
UPDATE p SET other = 103, t = 'x' WHERE id = 20
UPDATE p SET t = 'joined ' || parent.note FROM parent WHERE parent.id = p.parent AND parent.id = 2 RETURNING p.id, p.t, parent.code
UPDATE p SET parent = 9 WHERE id = 3
UPDATE p SET parent = 4 WHERE id IN (1, 2, 3)
SELECT parent, count(*) FROM p GROUP BY parent ORDER BY parent
UPDATE parent SET id = 40 WHERE id = 4
DELETE FROM parent WHERE id = 3
UPDATE parent SET note = 'changed'
SELECT parent, count(*) FROM p GROUP BY parent ORDER BY parent
BEGIN
UPDATE p SET t = 'first'
SAVEPOINT s
UPDATE p SET t = 'second', flag = true WHERE id < 10
DELETE FROM p WHERE id = 5
INSERT INTO p (id, flag, n, v) VALUES (5, false, 5, '[5,5,5]')
SELECT t, flag, count(*) FROM p GROUP BY t, flag ORDER BY t, flag
SELECT id, t FROM p ORDER BY v <-> '[5.2,5,5]' LIMIT 4
ROLLBACK TO s
SELECT t, count(*) FROM p GROUP BY t ORDER BY t
UPDATE p SET v = '[9,9,9]', t = 'moved' WHERE id = 8
UPDATE p SET n = n + 1
SELECT id, t, n, g, v FROM p WHERE id IN (7, 8) ORDER BY id
COMMIT
SELECT id, t, n, g, v FROM p WHERE id IN (7, 8) ORDER BY id
SELECT id FROM p ORDER BY v <-> '[9,9,9]' LIMIT 2
BEGIN
UPDATE p SET t = 'gone'
ROLLBACK
SELECT count(*) FROM p WHERE t = 'gone'
ALTER TABLE p ADD COLUMN extra text DEFAULT 'none'
UPDATE p SET extra = 'some' WHERE id % 3 = 0
SELECT extra, count(*) FROM p GROUP BY extra ORDER BY extra
ALTER TABLE p ADD COLUMN stamped int GENERATED ALWAYS AS (id + 1) STORED
SELECT sum(stamped), sum(id) FROM p
ALTER TABLE p ALTER COLUMN n TYPE bigint
SELECT sum(n), max(n), sum(g) FROM p
ALTER TABLE p DROP COLUMN t
UPDATE p SET extra = NULL WHERE flag
CREATE UNIQUE INDEX one_n ON p (n)
UPDATE p SET n = 1 WHERE id > 50
UPDATE p SET extra = 'more' WHERE id > 50 RETURNING id, extra, stamped
CHECKPOINT
VACUUM FULL p
SELECT id, flag, n, g, other, v, parent, extra, stamped FROM p ORDER BY id
UPDATE p SET flag = EXISTS (SELECT 1 FROM parent WHERE parent.id = p.parent AND parent.id > 2)
SELECT flag, count(*) FROM p GROUP BY flag ORDER BY flag
UPDATE p SET extra = s.code FROM (SELECT id, code FROM parent) AS s WHERE s.id = p.parent
SELECT extra, count(*), sum(id) FROM p GROUP BY extra ORDER BY extra
DELETE FROM p WHERE flag RETURNING id
TRUNCATE p
SELECT count(*) FROM p
