-- TABLESAMPLE: shares, seeds, errors.
SELECT count(*) FROM generate_series(1, 1000) g TABLESAMPLE SYSTEM (10)
CREATE TABLE sampled_rows AS SELECT g AS id FROM generate_series(1, 10000) g
SELECT count(*) FROM sampled_rows TABLESAMPLE SYSTEM (100)
SELECT count(*) FROM sampled_rows TABLESAMPLE BERNOULLI (100)
SELECT count(*) FROM sampled_rows TABLESAMPLE BERNOULLI (0)
SELECT count(*) BETWEEN 4000 AND 6000 FROM sampled_rows TABLESAMPLE BERNOULLI (50)
SELECT count(*) BETWEEN 4000 AND 6000 FROM sampled_rows TABLESAMPLE BERNOULLI (50) REPEATABLE (7)
SELECT (SELECT array_agg(id) FROM sampled_rows TABLESAMPLE BERNOULLI (1) REPEATABLE (7)) = (SELECT array_agg(id) FROM sampled_rows TABLESAMPLE BERNOULLI (1) REPEATABLE (7))
SELECT count(*) FROM sampled_rows TABLESAMPLE BERNOULLI (101)
SELECT count(*) FROM sampled_rows TABLESAMPLE BERNOULLI (-1)
SELECT count(*) FROM sampled_rows TABLESAMPLE BERNOULLI (NULL)
SELECT count(*) FROM sampled_rows TABLESAMPLE SYSTEM (100) REPEATABLE (NULL)
SELECT count(*) FROM sampled_rows TABLESAMPLE nonsense (10)
SELECT count(*) FROM sampled_rows TABLESAMPLE BERNOULLI (10, 20)
SELECT count(*) FROM sampled_rows TABLESAMPLE BERNOULLI ('x')
SELECT count(*) FROM sampled_rows TABLESAMPLE BERNOULLI (id)
SELECT count(*) FROM sampled_rows b TABLESAMPLE BERNOULLI (100) WHERE b.id < 10
SELECT count(*) FROM sampled_rows AS b (x) TABLESAMPLE BERNOULLI (100) JOIN sampled_rows c ON c.id = x
CREATE VIEW sampled_view AS SELECT * FROM sampled_rows
SELECT count(*) FROM sampled_view TABLESAMPLE BERNOULLI (100)
WITH w AS (SELECT 1) SELECT * FROM w TABLESAMPLE SYSTEM (10)
-- refused: TABLESAMPLE of a system catalog is not supported
SELECT count(*) FROM pg_class TABLESAMPLE SYSTEM (0)
SELECT count(*) BETWEEN 300 AND 700 FROM sampled_rows TABLESAMPLE SYSTEM (5) REPEATABLE (1.5) WHERE id > 0
SELECT count(*) BETWEEN 5 AND 100 FROM sampled_rows a TABLESAMPLE BERNOULLI (1) LEFT JOIN sampled_rows b TABLESAMPLE BERNOULLI (0) ON a.id = b.id WHERE b.id IS NULL AND a.id < 5000
SELECT count(DISTINCT n) > 1 FROM (SELECT (SELECT count(*) FROM sampled_rows TABLESAMPLE BERNOULLI (20) WHERE g > 0) n FROM generate_series(1, 1) g UNION ALL SELECT count(*) FROM sampled_rows TABLESAMPLE BERNOULLI (20) UNION ALL SELECT count(*) FROM sampled_rows TABLESAMPLE BERNOULLI (20) UNION ALL SELECT count(*) FROM sampled_rows TABLESAMPLE BERNOULLI (20)) s
SELECT b.tableoid::regclass::text, count(*) FROM sampled_rows b TABLESAMPLE BERNOULLI (100) GROUP BY 1
PREPARE part (float4) AS SELECT count(*) BETWEEN 2000 AND 4000 FROM sampled_rows TABLESAMPLE BERNOULLI ($1)
EXECUTE part (30)
EXECUTE part (300)
SELECT count(*) FROM sampled_rows TABLESAMPLE BERNOULLI (true)
SELECT count(*) FROM sampled_rows TABLESAMPLE BERNOULLI ((SELECT 100))
SELECT count(*) FROM sampled_rows TABLESAMPLE BERNOULLI (generate_series(1, 2))
DELETE FROM sampled_rows TABLESAMPLE BERNOULLI (10)
DROP VIEW sampled_view
DROP TABLE sampled_rows
