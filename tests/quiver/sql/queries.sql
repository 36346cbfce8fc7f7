-- SELECT as analysts write it: filters, order, grouping, joins, sub-queries, CTEs, set operations, windows.
SELECT * FROM every ORDER BY id
SELECT id, b, i2, i4, i8, f4, f8, n, n2 FROM every WHERE b ORDER BY id
SELECT * FROM nothing
SELECT count(*), sum(id), avg(id), max(t) FROM nothing
SELECT id FROM every WHERE b IS NOT TRUE ORDER BY id
SELECT id FROM every WHERE b IS UNKNOWN ORDER BY id
SELECT id FROM every WHERE NOT b ORDER BY id
SELECT id, b IS TRUE, b IS FALSE, b IS NOT FALSE, b AND NULL, b OR NULL FROM every ORDER BY id
SELECT id FROM every WHERE i4 BETWEEN -20 AND 10 ORDER BY id
SELECT id FROM every WHERE i4 NOT BETWEEN 0 AND 100 ORDER BY id
SELECT id FROM every WHERE i4 IN (10, 0, NULL) ORDER BY id
SELECT id FROM every WHERE i4 NOT IN (10, 0) ORDER BY id
SELECT id FROM every WHERE i4 NOT IN (10, NULL) ORDER BY id
SELECT id FROM every WHERE i4 = ANY (ARRAY[10, 7]) ORDER BY id
SELECT id FROM every WHERE i4 = ANY ('{10,0}') ORDER BY id
SELECT id FROM every WHERE 1 = ANY (ia) ORDER BY id
SELECT id FROM every WHERE 1 <> ALL (ia) ORDER BY id
SELECT id FROM every WHERE f4 = 'NaN' ORDER BY id
SELECT id FROM every WHERE f8 > 2.5 ORDER BY id
SELECT id FROM every WHERE f8 = 0 ORDER BY id
SELECT id FROM every WHERE f8 <> f8 ORDER BY id
SELECT id FROM every WHERE n = 1.5 ORDER BY id
SELECT id FROM every WHERE n > 1e20 ORDER BY id
SELECT id FROM every WHERE n = 'NaN' ORDER BY id
SELECT id FROM every WHERE n2 >= 12.34 ORDER BY id
SELECT id FROM every WHERE t = 'apple' ORDER BY id
SELECT id FROM every WHERE t LIKE 'a%' ORDER BY id
SELECT id FROM every WHERE t ILIKE 'A%' ORDER BY id
SELECT id FROM every WHERE t LIKE '%日%' ORDER BY id
SELECT id FROM every WHERE t LIKE '_pple' ORDER BY id
SELECT id FROM every WHERE t NOT LIKE '%a%' ORDER BY id
SELECT id FROM every WHERE t LIKE 'a\%' ORDER BY id
SELECT id FROM every WHERE t ~ '^[a-c]' ORDER BY id
SELECT id FROM every WHERE t ~* 'APPLE' ORDER BY id
SELECT id FROM every WHERE t !~ 'a' ORDER BY id
SELECT id FROM every WHERE t SIMILAR TO '(a|b)%' ORDER BY id
SELECT id FROM every WHERE t > 'a' ORDER BY id
SELECT id FROM every WHERE t = '' ORDER BY id
SELECT id FROM every WHERE vc = 'one' ORDER BY id
SELECT id, '[' || c || ']', length(c), octet_length(c), c = 'ab', c LIKE 'ab', c = 'a  ' FROM every ORDER BY id
SELECT id FROM every WHERE c = 'a' ORDER BY id
SELECT id FROM every WHERE by = '\x00ff' ORDER BY id
SELECT id FROM every WHERE by > '\x01' ORDER BY id
SELECT id FROM every WHERE d = '2024-01-15' ORDER BY id
SELECT id FROM every WHERE d > '2000-01-01' ORDER BY id
SELECT id FROM every WHERE d < '0001-01-01' ORDER BY id
SELECT id FROM every WHERE tm < '11:00' ORDER BY id
SELECT id FROM every WHERE ts >= '2024-01-15 10:30' ORDER BY id
SELECT id FROM every WHERE tz = '2024-01-15 11:30:00+01' ORDER BY id
SELECT id FROM every WHERE ts::date = '2024-01-15' ORDER BY id
SELECT id FROM every WHERE u = '550e8400-e29b-41d4-a716-446655440000' ORDER BY id
SELECT id FROM every WHERE u > '5' ORDER BY id
SELECT id FROM every WHERE jb @> '{"a":1}' ORDER BY id
SELECT id FROM every WHERE jb ? 'b' ORDER BY id
SELECT id FROM every WHERE jb ->> 'a' = '1' ORDER BY id
SELECT id FROM every WHERE jb -> 'b' -> 'c' ->> 0 = '10' ORDER BY id
SELECT id FROM every WHERE (jb ->> 'a')::numeric >= 1 ORDER BY id
SELECT id FROM every WHERE jb = '{"a":1, "b":[1,2]}' ORDER BY id
SELECT id FROM every WHERE jb IS NOT NULL AND jb = 'null' ORDER BY id
SELECT id FROM every WHERE ia @> ARRAY[1] ORDER BY id
SELECT id FROM every WHERE ia && ARRAY[5, 9] ORDER BY id
SELECT id FROM every WHERE ia <@ ARRAY[1,2,3,4] ORDER BY id
SELECT id FROM every WHERE ia = '{1,2,3}' ORDER BY id
SELECT id FROM every WHERE ia > '{1,2}' ORDER BY id
SELECT id FROM every WHERE ta @> '{a}' ORDER BY id
SELECT id FROM every WHERE 'a' = ANY (ta) ORDER BY id
SELECT id FROM every WHERE bt = B'1010' ORDER BY id
SELECT id FROM every WHERE vb > B'01' ORDER BY id
SELECT id FROM every WHERE v = '[1,2,3]' ORDER BY id
SELECT id FROM every WHERE v IS NULL ORDER BY id
SELECT id FROM every WHERE (i4 > 5 OR i4 IS NULL) AND (t <> '' OR t IS NULL) ORDER BY id
SELECT id FROM every WHERE (i4 = 10) = (t = 'apple') ORDER BY id
SELECT id FROM every WHERE i4 IS DISTINCT FROM 10 ORDER BY id
SELECT id FROM every WHERE i4 IS NOT DISTINCT FROM NULL ORDER BY id
SELECT id FROM every WHERE (i2, t) = (1, 'apple') ORDER BY id
SELECT id FROM every WHERE (i2, t) < (1, 'b') ORDER BY id
SELECT id FROM every WHERE (i2, t) IN ((1, 'apple'), (7, 'banana')) ORDER BY id
SELECT id FROM every WHERE (i2, t) IN (SELECT i2, t FROM every WHERE id = 1) ORDER BY id
SELECT id FROM every WHERE (i2, t) NOT IN (SELECT i2, t FROM every WHERE id = 1) ORDER BY id
SELECT id FROM every WHERE CASE WHEN i4 > 0 THEN t = 'apple' ELSE b END ORDER BY id
SELECT id FROM every WHERE length(t) > 5 ORDER BY id
SELECT id FROM every WHERE extract(year FROM d) = 2024 ORDER BY id
SELECT id FROM every WHERE i4 % 2 = 0 AND i4 <> 0 ORDER BY id
SELECT id FROM every ORDER BY b, id
SELECT id FROM every ORDER BY b DESC, id
SELECT id, i4 FROM every ORDER BY i4 NULLS FIRST, id
SELECT id, i4 FROM every ORDER BY i4 DESC NULLS LAST, id
SELECT id, f4 FROM every ORDER BY f4, id
SELECT id, f8 FROM every ORDER BY f8 DESC, id
SELECT id, n FROM every ORDER BY n, id
SELECT id, n2 FROM every ORDER BY n2 DESC, id
SELECT id, t FROM every ORDER BY t COLLATE "C", id
SELECT id, by FROM every ORDER BY by, id
SELECT id, d FROM every ORDER BY d DESC, id
SELECT id, tm FROM every ORDER BY tm, id
SELECT id, ts FROM every ORDER BY ts, id
SELECT id, tz FROM every ORDER BY tz DESC NULLS LAST, id
SELECT id, u FROM every ORDER BY u, id
SELECT id, jb FROM every ORDER BY jb, id
SELECT id, jb FROM every ORDER BY jb DESC, id
SELECT id, ia FROM every ORDER BY ia, id
SELECT id, ta FROM every ORDER BY ta DESC, id
SELECT id, v FROM every ORDER BY v, id
SELECT id, bt, vb FROM every ORDER BY bt, vb, id
SELECT id, j FROM every ORDER BY j
SELECT id FROM every ORDER BY abs(i2) DESC NULLS LAST, id
SELECT id AS k, i4 * 2 AS dbl FROM every WHERE i4 < 2000000 ORDER BY dbl DESC, k
SELECT id FROM every ORDER BY 1 LIMIT 3
SELECT id FROM every ORDER BY id DESC LIMIT 3 OFFSET 2
SELECT id FROM every ORDER BY id OFFSET 6
SELECT id FROM every ORDER BY id LIMIT ALL
SELECT id FROM every ORDER BY id LIMIT NULL OFFSET NULL
SELECT id FROM every ORDER BY id FETCH FIRST 2 ROWS ONLY
SELECT id FROM every ORDER BY id LIMIT 1+1 OFFSET 2*1
SELECT id FROM every ORDER BY id LIMIT 0
SELECT id FROM every ORDER BY id OFFSET 100
SELECT id FROM every ORDER BY id OFFSET -1
SELECT id FROM every ORDER BY id LIMIT (SELECT 2)
SELECT DISTINCT b FROM every ORDER BY b
SELECT DISTINCT t COLLATE "C" AS t FROM every ORDER BY t
SELECT DISTINCT n FROM every ORDER BY n
SELECT DISTINCT f8 FROM every ORDER BY f8
SELECT DISTINCT i2, i4 FROM every ORDER BY i2, i4
SELECT DISTINCT ia FROM every ORDER BY ia
SELECT DISTINCT v FROM every ORDER BY v
SELECT DISTINCT jb FROM every
SELECT DISTINCT c FROM every ORDER BY c
SELECT DISTINCT ON (t) t, id FROM every ORDER BY t, id DESC
SELECT DISTINCT ON (i2) i2, id FROM every ORDER BY i2 NULLS FIRST, id
SELECT DISTINCT ON (region) region, day, amount FROM sales ORDER BY region, amount DESC NULLS LAST, day
SELECT count(*), count(i4), count(DISTINCT i4), count(DISTINCT t) FROM every
SELECT sum(i2), sum(i4), sum(i8) FROM every WHERE id IN (1,2,6,7)
SELECT sum(i8) FROM every
SELECT avg(i2), avg(i4), avg(i8), avg(n2) FROM every
SELECT sum(n), avg(n), min(n), max(n) FROM every WHERE id IN (1,2,7,8)
SELECT sum(n), avg(n), min(n), max(n) FROM every
SELECT sum(f4), avg(f4), min(f4), max(f4) FROM every WHERE id IN (1,2,7)
SELECT sum(f8), avg(f8), min(f8), max(f8) FROM every WHERE id IN (1,2,7,8)
SELECT min(f8), max(f8), min(f4), max(f4) FROM every
SELECT min(t COLLATE "C"), max(t COLLATE "C"), min(vc COLLATE "C"), min(c) FROM every
SELECT min(d), max(d), min(ts), max(ts), min(tz), max(tz), min(tm), max(tm) FROM every
SELECT bool_and(b), bool_or(b), every(b) FROM every
SELECT bit_and(i4), bit_or(i4), bit_xor(i4) FROM every WHERE id IN (1,6,7,8)
SELECT string_agg(t, ',' ORDER BY id), string_agg(vc, '' ORDER BY id DESC) FROM every
SELECT string_agg(DISTINCT vc, ',' ORDER BY vc) FROM every WHERE vc <> 'ONE'
SELECT array_agg(id ORDER BY id), array_agg(t ORDER BY id), array_agg(i4 ORDER BY i4 DESC) FROM every
SELECT array_agg(n ORDER BY id), array_agg(d ORDER BY id), array_agg(u ORDER BY id), array_agg(b ORDER BY id) FROM every
SELECT json_agg(id ORDER BY id), jsonb_agg(t ORDER BY id), json_object_agg(id, t ORDER BY id) FROM every
SELECT jsonb_object_agg(id, i4) FROM every
SELECT stddev(i2), variance(i2), stddev_pop(units), var_pop(units) FROM every, sales
SELECT count(*) FILTER (WHERE b), sum(id) FILTER (WHERE i4 > 0), count(*) FILTER (WHERE false) FROM every
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY units), percentile_disc(0.5) WITHIN GROUP (ORDER BY units), mode() WITHIN GROUP (ORDER BY region) FROM sales
SELECT percentile_cont(ARRAY[0.25,0.75]) WITHIN GROUP (ORDER BY units) FROM sales
SELECT avg(v), sum(v) FROM every WHERE id IN (1,2,5)
SELECT avg(v) FROM nothing
SELECT avg(embedding), count(embedding) FROM items
SELECT category_id, avg(embedding) FROM items GROUP BY category_id ORDER BY category_id
SELECT category_id, sum(embedding), avg(half), sum(half) FROM items GROUP BY category_id ORDER BY category_id
SELECT b, count(*) FROM every GROUP BY b ORDER BY b
SELECT t, count(*), min(id) FROM every GROUP BY t ORDER BY t COLLATE "C"
SELECT n, count(*) FROM every GROUP BY n ORDER BY n
SELECT f8, count(*) FROM every GROUP BY f8 ORDER BY f8
SELECT c, count(*) FROM every GROUP BY c ORDER BY c
SELECT ia, count(*) FROM every GROUP BY ia ORDER BY ia
SELECT jb, count(*) FROM every GROUP BY jb ORDER BY 2 DESC, 1
SELECT j, count(*) OVER (), row_number() OVER (ORDER BY j DESC) FROM (VALUES ('1'::jsonb), ('-2.5'), ('1e2'), ('0.5'), ('-0.25'), ('0'), ('-100'), ('"a"'), ('"ab"'), ('true'), ('null'), ('[]'), ('[1]'), ('[2]'), ('[1, 1]'), ('{}'), ('{"a": 1}'), ('{"b": 0}'), ('{"a": 1, "b": 2}'), ('12345678901234567890.5'), (NULL)) AS v (j) ORDER BY j
SELECT jsonb_agg(j ORDER BY j->'k' DESC, j) FROM (VALUES ('{"k": 10}'::jsonb), ('{"k": 9}'), ('{}'), ('{"k": "x"}')) AS v (j)
SELECT v, count(*) FROM every GROUP BY v ORDER BY v
SELECT u, count(*) FROM every GROUP BY u HAVING count(*) > 1
SELECT by, count(*) FROM every GROUP BY by ORDER BY by
SELECT date_trunc('month', day) AS month, sum(amount), avg(units) FROM sales GROUP BY month ORDER BY month
SELECT date_trunc('month', day)::date AS month, region, count(*) FROM sales GROUP BY 1, 2 ORDER BY 1, 2
SELECT region, sum(amount) AS total FROM sales GROUP BY region HAVING sum(amount) > 100 ORDER BY total DESC
SELECT region, round(avg(amount), 2) FROM sales GROUP BY region ORDER BY region NULLS FIRST
SELECT region, sum(amount * units) / sum(units) FROM sales GROUP BY region ORDER BY region
SELECT extract(month FROM day) m, count(*) FROM sales GROUP BY m ORDER BY m
SELECT CASE WHEN units > 3 THEN 'big' ELSE 'small' END AS size, count(*) FROM sales GROUP BY size ORDER BY size
SELECT region, day, sum(amount) FROM sales GROUP BY ROLLUP (region, day) ORDER BY region, day, 3
SELECT region, sum(amount), grouping(region) FROM sales GROUP BY CUBE (region) ORDER BY 3, 1
SELECT region, units, count(*) FROM sales GROUP BY GROUPING SETS ((region), (units), ()) ORDER BY 1, 2, 3
SELECT sum(amount) FROM sales HAVING count(*) > 100
SELECT 1 FROM sales HAVING true
SELECT region FROM sales GROUP BY region ORDER BY count(*) DESC, region
SELECT region, ratio FROM sales GROUP BY region, ratio ORDER BY region, ratio
SELECT sum(ratio), avg(ratio), max(ratio), min(ratio) FROM sales WHERE ratio <> 'NaN'
SELECT sum(ratio), max(ratio), min(ratio) FROM sales
SELECT i.name, c.title FROM items i JOIN categories c ON c.id = i.category_id ORDER BY i.id
SELECT i.name, c.title FROM items i LEFT JOIN categories c ON c.id = i.category_id ORDER BY i.id
SELECT c.title, count(i.id) FROM categories c LEFT JOIN items i ON i.category_id = c.id GROUP BY c.id ORDER BY c.id
SELECT c.title, i.name FROM items i RIGHT JOIN categories c ON c.id = i.category_id ORDER BY c.id, i.id
SELECT c.title, i.name FROM items i FULL JOIN categories c ON c.id = i.category_id ORDER BY c.id, i.id
SELECT a.title, b.title FROM categories a JOIN categories b ON b.id = a.parent ORDER BY a.id
SELECT * FROM categories JOIN (SELECT category_id AS id, count(*) FROM items GROUP BY 1) x USING (id) ORDER BY id
SELECT * FROM categories NATURAL JOIN (VALUES (1, 'x'), (2, 'y')) v(id, tag) ORDER BY id
SELECT count(*) FROM items CROSS JOIN categories
SELECT count(*) FROM items, categories WHERE items.category_id < categories.id
SELECT a.id, b.id FROM items a JOIN items b ON a.category_id = b.category_id AND a.id < b.id ORDER BY 1, 2
SELECT c.id, x.name FROM categories c CROSS JOIN LATERAL (SELECT name FROM items i WHERE i.category_id = c.id ORDER BY price DESC NULLS LAST, id LIMIT 1) x ORDER BY c.id
SELECT c.id, x.name FROM categories c LEFT JOIN LATERAL (SELECT name FROM items i WHERE i.category_id = c.id ORDER BY i.id LIMIT 2) x ON true ORDER BY c.id, x.name
SELECT id FROM items WHERE category_id IN (SELECT id FROM categories WHERE parent = 1) ORDER BY id
SELECT id FROM items WHERE category_id NOT IN (SELECT id FROM categories WHERE parent = 1) ORDER BY id
SELECT id FROM categories c WHERE EXISTS (SELECT 1 FROM items i WHERE i.category_id = c.id) ORDER BY id
SELECT id FROM categories c WHERE NOT EXISTS (SELECT 1 FROM items i WHERE i.category_id = c.id AND i.price > 10) ORDER BY id
SELECT id, (SELECT title FROM categories c WHERE c.id = i.category_id) FROM items i ORDER BY id
SELECT id, (SELECT count(*) FROM items j WHERE j.price < i.price) FROM items i ORDER BY id
SELECT id FROM items WHERE price = (SELECT max(price) FROM items)
SELECT id FROM items WHERE price > ALL (SELECT price FROM items WHERE category_id = 2 AND price IS NOT NULL) ORDER BY id
SELECT id FROM items WHERE price = ANY (SELECT price FROM items WHERE category_id = 1) ORDER BY id
SELECT id FROM items WHERE price > (SELECT avg(price) FROM items) ORDER BY id
SELECT (SELECT id FROM items)
SELECT (SELECT id FROM items WHERE false), (SELECT NULL::text)
SELECT ARRAY(SELECT id FROM items ORDER BY id DESC LIMIT 3)
SELECT x.* FROM (SELECT id, name FROM items ORDER BY id LIMIT 2) x ORDER BY id
WITH a AS (SELECT category_id, count(*) AS n FROM items GROUP BY 1) SELECT * FROM a WHERE n > 1 ORDER BY 1
WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT * FROM a, b
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT sum(n), count(*) FROM t
WITH RECURSIVE tree AS (SELECT id, title, 0 AS depth FROM categories WHERE parent IS NULL UNION ALL SELECT c.id, c.title, depth + 1 FROM categories c JOIN tree ON c.parent = tree.id) SELECT * FROM tree ORDER BY id
WITH m AS MATERIALIZED (SELECT * FROM items WHERE price < 10) SELECT count(*) FROM m
SELECT id FROM items WHERE id < 3 UNION SELECT id FROM categories ORDER BY id
SELECT id FROM items WHERE id < 3 UNION ALL SELECT id FROM categories ORDER BY 1
SELECT category_id FROM items INTERSECT SELECT id FROM categories ORDER BY 1
SELECT id FROM categories EXCEPT SELECT category_id FROM items ORDER BY 1
SELECT category_id FROM items EXCEPT ALL SELECT 1 ORDER BY 1
SELECT category_id FROM items INTERSECT ALL SELECT category_id FROM items WHERE price > 5 ORDER BY 1
(SELECT id FROM items ORDER BY id DESC LIMIT 1) UNION ALL (SELECT id FROM items ORDER BY id LIMIT 1)
SELECT 1 AS a UNION SELECT 2.5 ORDER BY a DESC
SELECT NULL UNION SELECT 1 ORDER BY 1
SELECT 'a' UNION SELECT 1
SELECT 1, 2 UNION SELECT 1
VALUES (1, 'a'), (2, 'b') ORDER BY 1 DESC
SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS v(n, s) WHERE s IS NULL
SELECT column1, column2 FROM (VALUES (1, 2.5), (3, 4)) x
TABLE categories
SELECT id, row_number() OVER (ORDER BY price DESC NULLS LAST, id), rank() OVER (ORDER BY price), dense_rank() OVER (ORDER BY price) FROM items ORDER BY id
SELECT id, sum(price) OVER (PARTITION BY category_id ORDER BY id), count(*) OVER () FROM items ORDER BY id
SELECT id, lag(name) OVER w, lead(name, 2, 'none') OVER w, first_value(id) OVER w, last_value(id) OVER w, nth_value(id, 2) OVER w FROM items WINDOW w AS (PARTITION BY category_id ORDER BY id) ORDER BY id
SELECT id, avg(price) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM items ORDER BY id
SELECT id, sum(id) OVER (ORDER BY category_id RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM items ORDER BY id
SELECT id, ntile(3) OVER (ORDER BY id), percent_rank() OVER (ORDER BY price), cume_dist() OVER (ORDER BY price) FROM items ORDER BY id
SELECT day, amount, amount - lag(amount) OVER (ORDER BY day, region) AS diff FROM sales ORDER BY day, region
SELECT region, sum(sum(amount)) OVER (ORDER BY region) FROM sales GROUP BY region ORDER BY region
SELECT * FROM (SELECT id, category_id, row_number() OVER (PARTITION BY category_id ORDER BY embedding <-> '[1,2,3]') AS r FROM items) x WHERE r = 1 ORDER BY id
SELECT id, i4 + 1, i4 - 1, i2 * 2, i4 / 3, i4 % 3, -i2 FROM every WHERE id IN (1,2,6,7,8) ORDER BY id
SELECT id, i2 + i4, i4 + i8, i2 + f4, i4 * f8, i8 + n, n * n2, n2 / 3, f4 + f8 FROM every WHERE id IN (1,2,6,7,8) ORDER BY id
SELECT id, n + 1, n - 0.5, n * 2, n / 7, -n, abs(n) FROM every ORDER BY id
SELECT id, CASE i4 WHEN 10 THEN 'ten' WHEN 0 THEN 'zero' ELSE 'other' END, CASE WHEN t IS NULL THEN 0 END FROM every ORDER BY id
SELECT id, coalesce(t, 'none'), nullif(i2, 1), greatest(i2, 0, i4), least(t, 'b') FROM every ORDER BY id
SELECT id, t || '-' || vc, t || id, id || t, concat(t, id, b), concat_ws('/', t, vc, id) FROM every ORDER BY id
SELECT id, b::text, b::int, i4::text, i4::bool, i8::float8, f8::text, n::text, t::varchar(3) FROM every WHERE id <> 3 ORDER BY id
SELECT id, f4::float8, f8::float4 FROM every WHERE id IN (1,2,5,6,7,8) ORDER BY id
SELECT id, f4::int, f8::numeric, n::int, n2::int8 FROM every WHERE id IN (1,2,7) ORDER BY id
SELECT f8::int FROM every WHERE id = 5
SELECT f8::float4 FROM every WHERE id = 4
SELECT n::int FROM every WHERE id = 4
SELECT t::int FROM every WHERE id = 1
SELECT id, d::text, tm::text, ts::text, tz::text, u::text, j::text, jb::text, ia::text, ta::text, v::text, bt::text, by::text FROM every ORDER BY id
SELECT id, d::timestamp, d::timestamptz, ts::date, ts::time, tz::date, tz::timestamp FROM every ORDER BY id
SELECT id, ia::text[], ta::varchar[], fa::real[], na::float8[], ia::bigint[] FROM every WHERE id <> 4 ORDER BY id
SELECT id, v::real[], v::halfvec, h::vector, ARRAY[1,2,3]::vector, '{1,2,3}'::real[]::vector FROM every WHERE id IN (1,2,5) ORDER BY id
SELECT id, j::jsonb, jb::json FROM every ORDER BY id
SELECT jb->'a', jb->>'a', jb#>'{b,c}', jb#>>'{b,c,2,d}', j->'a', j->>'b', jb->0, jb->-1 FROM every ORDER BY id
SELECT ia[1], ia[2], ia[10], ta[1], ia[1:2], ta[2:], ia[0] FROM every ORDER BY id
SELECT ctid IS NOT NULL, tableoid::regclass::text FROM categories
SELECT e.* FROM every e WHERE e.id = 1
SELECT every.id FROM every WHERE every.id = 1
SELECT public.every.id FROM public.every WHERE public.every.id = 1
SELECT id "Id", id AS "select", 1 "ü" FROM every WHERE id = 1
SELECT count(*) c, 'x' lit, 1.5 num, NULL nul, true bo, current_date - current_date zero
SELECT i4, i4 FROM every WHERE id = 1
SELECT id, generate_series(1, id) FROM categories ORDER BY 1, 2
SELECT g, g * g FROM generate_series(1, 5) g
SELECT * FROM generate_series('2024-01-01'::timestamp, '2024-01-03', '1 day') g
SELECT * FROM unnest(ARRAY[1,2,NULL], ARRAY['a','b']) AS u(a, b)
SELECT * FROM unnest(ARRAY['x','y']) WITH ORDINALITY AS u(v, i)
SELECT id, tag FROM items, unnest(tags) tag ORDER BY id, tag
SELECT tag, count(*) FROM items, unnest(tags) AS tag GROUP BY tag ORDER BY 2 DESC, 1
SELECT id, unnest(tags) FROM items ORDER BY id, 2
SELECT meta->>'lang' AS lang, count(*) FROM items GROUP BY lang ORDER BY lang
SELECT id FROM items WHERE meta->>'lang' = 'en' AND (meta->>'n')::int > 2 ORDER BY id
SELECT id, k, v FROM items, jsonb_each(meta) AS e(k, v) ORDER BY id, k
SELECT id, k FROM items, jsonb_object_keys(meta) k ORDER BY 1, 2
SELECT id FROM items WHERE meta @> '{"lang":"en"}' AND tags @> ARRAY['blue'] ORDER BY id
SELECT row(1, 'a', NULL)
SELECT row(i2, t) FROM every WHERE id IN (1, 2) ORDER BY id
SELECT c FROM categories c ORDER BY id
SELECT row(1,2) = row(1,2), row(1,NULL) IS NULL, row(NULL,NULL) IS NULL, row(1,2) < row(1,3)
SELECT (categories).title FROM categories ORDER BY id
SELECT row_to_json(c) FROM categories c ORDER BY id
SELECT json_agg(c) FROM categories c
SELECT to_jsonb(c) FROM categories c ORDER BY id
SELECT json_build_object('id', id, 'title', title, 'p', parent) FROM categories ORDER BY id
SELECT count(c) FROM categories c
SELECT count(DISTINCT (region, units)) FROM sales
SELECT title FROM categories WHERE id = 1 FOR UPDATE
SELECT 1 WHERE false
SELECT FROM categories
SELECT all title FROM categories WHERE title ILIKE '%o%' AND title NOT ILIKE 'b%' ORDER BY title
SELECT x FROM (SELECT 1 AS x UNION ALL SELECT NULL UNION ALL SELECT 3) s ORDER BY x DESC
SELECT day, sum(amount) OVER (ORDER BY day RANGE BETWEEN '1 month' PRECEDING AND CURRENT ROW) FROM sales WHERE region = 'north' ORDER BY day
SELECT region, array_agg(units ORDER BY units DESC) FILTER (WHERE units > 1) FROM sales GROUP BY region ORDER BY region
SELECT region, string_agg(units::text, '|' ORDER BY day, units) FROM sales GROUP BY region ORDER BY region
SELECT round(corr(units, ratio)::numeric, 9), covar_samp(units, ratio), regr_count(units, ratio) FROM sales WHERE ratio <> 'NaN'
WITH b (i, c) AS (VALUES (1, 'a'::char(5)), (2, 'abc'), (3, 'é'), (4, NULL), (5, ''), (6, 'a')) SELECT i FROM b WHERE c = 'a' OR c = '' OR 'é' = c GROUP BY i ORDER BY 1
WITH b (i, c) AS (VALUES (1, 'a'::char(5)), (2, 'abc'), (3, 'é'), (4, NULL), (5, ''), (6, 'a')) SELECT i FROM b WHERE c <> 'a' AND c <> 'abcdefgh' GROUP BY i ORDER BY 1
WITH b (i, c) AS (VALUES (1, 'a'::char(5)), (2, 'abc'), (3, 'é'), (4, NULL), (5, ''), (6, 'a')) SELECT i FROM b WHERE c IN ('a  ', 'abc') GROUP BY i ORDER BY 1
WITH b (i, c) AS (VALUES (1, 'a'::char(5)), (2, 'abc'), (3, 'é'), (4, NULL), (5, ''), (6, 'a')) SELECT i FROM (SELECT i, CASE WHEN i > 1 THEN c ELSE 'x' END d FROM b) s WHERE d NOT IN ('a', 'x') GROUP BY i ORDER BY 1
WITH b (i, n) AS (VALUES (1, 1.50), (2, 1.5), (3, 'NaN'), (4, NULL), (5, 1e30)) SELECT n / 1, count(*) FROM b GROUP BY 1 ORDER BY 1
WITH t (a, b) AS (VALUES (1.25::numeric(30,2), 2.5::numeric(20,1)), (3.10, 0.5), (NULL, 1)) SELECT a * b, sum(a * b) OVER (), a * b * b FROM t ORDER BY a
WITH t (a, b) AS (VALUES (9999999999999999999999999999.99::numeric(30,2), 9999999999999999999.9::numeric(20,1)), (3.10, 0.5)) SELECT sum(a * b), min(a * b * b), avg(b * a) FROM t
WITH t (a, b) AS (VALUES (9999999999999999999999999999.99::numeric(30,2), 9999999999.9::numeric(20,1)), (3.10, 0.5)) SELECT a * b, a * b / 3, a * b > 1e38, round(a * b, 1) FROM t ORDER BY 1
WITH t (a, b) AS (SELECT 99999999999999999999999999.99::numeric(28,2), 999999999.9::numeric(12,1) FROM generate_series(1, 200)) SELECT sum(a * b), count(*) FROM t
WITH b (i, c) AS (VALUES (1, 'a'::char(5)), (2, 'abc'), (3, ''), (4, NULL)) SELECT b.i, b.c = 'a '::text, b.c = 'a'::text, b.c IN ('a '::text, 'abc'), b.c <> 'abc '::varchar, b.c = 'a '::char(2), 'a '::text = b.c FROM b JOIN b d USING (i) GROUP BY b.i, b.c ORDER BY 1
