CREATE TABLE jobs (id int PRIMARY KEY, state text, priority int)
CREATE TABLE notes (id int PRIMARY KEY, job int, note text)
INSERT INTO jobs SELECT g, CASE g % 3 WHEN 0 THEN 'done' ELSE 'new' END, g % 5 FROM generate_series(1, 40) AS g
INSERT INTO notes SELECT g, g % 7 + 1, 'note ' || g FROM generate_series(1, 20) AS g
SELECT * FROM jobs WHERE id = 3 FOR UPDATE
SELECT * FROM jobs WHERE id IN (3, 4, 99) ORDER BY id FOR NO KEY UPDATE
SELECT id FROM jobs WHERE state = 'new' ORDER BY priority, id LIMIT 5 OFFSET 2 FOR UPDATE SKIP LOCKED
SELECT id + 1 AS next, state FROM jobs ORDER BY next DESC LIMIT 3 FOR SHARE NOWAIT
SELECT j.id, n.note FROM jobs AS j JOIN notes AS n ON n.job = j.id WHERE j.id < 4 ORDER BY n.id FOR UPDATE
SELECT j.id, n.note FROM jobs AS j JOIN notes AS n ON n.job = j.id WHERE j.id < 4 ORDER BY n.id FOR UPDATE OF j FOR SHARE OF n
SELECT j.id, n.note FROM jobs AS j LEFT JOIN notes AS n ON n.job = j.id WHERE j.id > 6 ORDER BY j.id, n.id LIMIT 4 FOR KEY SHARE OF j
SELECT j.id, g FROM jobs AS j, generate_series(1, 2) AS g WHERE j.id = 2 ORDER BY g FOR UPDATE
SELECT * FROM jobs LIMIT 0 FOR UPDATE
SELECT 1 FOR UPDATE
SELECT count(*) FROM (SELECT id FROM jobs WHERE state = 'new' FOR UPDATE) AS d
SELECT id FROM jobs WHERE id IN (SELECT job FROM notes WHERE id < 4 FOR SHARE) ORDER BY id
UPDATE jobs SET state = 'taken' WHERE id = (SELECT id FROM jobs WHERE state = 'new' ORDER BY priority, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *
UPDATE jobs SET state = 'taken' FROM (SELECT id FROM jobs WHERE state = 'new' ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED) AS d WHERE jobs.id = d.id RETURNING jobs.id
WITH d AS (SELECT id FROM jobs WHERE state = 'new' ORDER BY id LIMIT 2 FOR UPDATE) DELETE FROM jobs USING d WHERE jobs.id = d.id RETURNING jobs.*
DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state = 'never' FOR UPDATE) RETURNING id
UPDATE jobs SET state = 'x' WHERE id = (SELECT id FROM jobs WHERE state = 'never' FOR UPDATE) RETURNING id
SELECT count(*) FROM jobs FOR UPDATE
SELECT DISTINCT state FROM jobs FOR UPDATE
SELECT state FROM jobs GROUP BY state FOR SHARE
SELECT 1 FROM jobs HAVING true FOR SHARE
SELECT row_number() OVER (ORDER BY id) FROM jobs FOR NO KEY UPDATE
SELECT generate_series(1, 2) FROM jobs FOR KEY SHARE
SELECT id FROM jobs UNION SELECT id FROM notes FOR UPDATE
VALUES (1) FOR UPDATE
SELECT id FROM jobs INTERSECT SELECT id FROM notes FOR SHARE
SELECT * FROM jobs FOR UPDATE OF nothing
SELECT * FROM jobs AS j FOR UPDATE OF jobs
SELECT * FROM generate_series(1, 2) AS g FOR UPDATE OF g
SELECT * FROM generate_series(1, 2) AS g FOR UPDATE
WITH c AS (SELECT 1 AS a) SELECT * FROM c FOR UPDATE OF c
WITH c AS (SELECT 1 AS a) SELECT * FROM c FOR UPDATE
SELECT * FROM jobs AS j LEFT JOIN notes AS n ON n.job = j.id FOR UPDATE
SELECT * FROM jobs AS j FULL JOIN notes AS n ON n.job = j.id FOR UPDATE OF j
BEGIN READ ONLY
SELECT * FROM jobs FOR UPDATE
ROLLBACK
BEGIN READ ONLY
SELECT * FROM jobs FOR KEY SHARE
ROLLBACK
DROP TABLE jobs, notes
