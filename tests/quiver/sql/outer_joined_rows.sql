-- whole rows on the nullable side of outer joins: NULL where no row is, whatever relation gives it
CREATE TABLE a (id int PRIMARY KEY, n text)
CREATE TABLE b (id int PRIMARY KEY, a int, m text)
INSERT INTO a VALUES (1,'x'),(2,'y'),(3,NULL)
INSERT INTO b VALUES (10,1,'p'),(11,1,NULL),(12,9,'q')
CREATE VIEW vb AS SELECT * FROM b
SELECT a.id, s FROM a LEFT JOIN (SELECT a, count(*) c FROM b GROUP BY a) s ON s.a = a.id ORDER BY 1
SELECT a.id, row_to_json(s) FROM a LEFT JOIN LATERAL (SELECT b.* FROM b WHERE b.a = a.id ORDER BY id LIMIT 1) s ON true ORDER BY 1
SELECT a.id, vb IS NULL, vb IS DISTINCT FROM NULL FROM a LEFT JOIN vb ON vb.a = a.id ORDER BY 1, vb.id
WITH c AS (SELECT * FROM b) SELECT a, c FROM a FULL JOIN c ON c.a = a.id ORDER BY a.id, c.id
WITH c AS (SELECT * FROM b) SELECT coalesce(json_agg(c ORDER BY c.id) FILTER (WHERE c IS NOT NULL), '[]') FROM a LEFT JOIN c ON c.a = a.id GROUP BY a.id ORDER BY a.id
SELECT a.id, g, t FROM a LEFT JOIN generate_series(2,4) g ON g = a.id LEFT JOIN unnest(ARRAY[1,2],ARRAY['u',NULL]) t(i,s) ON t.i = a.id ORDER BY 1
SELECT a.id, v FROM a LEFT JOIN (VALUES (1,NULL::text),(2,'z')) v(k,w) ON v.k = a.id ORDER BY 1
SELECT a.id, x FROM a LEFT JOIN (SELECT 1 AS k UNION SELECT 5) x ON x.k = a.id ORDER BY 1
SELECT a.id, n.nspname, n IS NULL FROM a LEFT JOIN pg_namespace n ON n.nspname = a.n ORDER BY 1
SELECT a.id, count(s) FROM a LEFT JOIN (SELECT a AS k, m FROM b) s ON s.k = a.id GROUP BY a.id ORDER BY 1
UPDATE a SET n = s::text FROM b LEFT JOIN (SELECT 10 AS i, NULL::text AS j) s ON s.i = b.id WHERE b.a = a.id RETURNING a.id, s
DELETE FROM a USING b LEFT JOIN (SELECT 12 AS i) s ON s.i = b.id WHERE a.id = b.a RETURNING s IS NULL
MERGE INTO a USING (b LEFT JOIN (SELECT 12 AS i) s ON s.i = b.id) ON a.id = b.id WHEN NOT MATCHED THEN INSERT VALUES (b.id, s::text)
SELECT * FROM a ORDER BY id
SELECT a.id, s FROM a LEFT JOIN (SELECT b.id FROM b) s USING (id) WHERE s IS NULL ORDER BY 1
SELECT (SELECT json_agg(s) FROM (SELECT a.id, t FROM (SELECT 1) one LEFT JOIN (SELECT 1 x WHERE a.id > 10) t ON true) s) FROM a ORDER BY id
-- refused: a whole-row reference to "j" on the nullable side of an outer join is not supported
SELECT j FROM a LEFT JOIN (b JOIN a a2 ON b.a = a2.id) j ON true
