-- The same inside arrays, rows, json and functions of any type.
CREATE TABLE parts (id int PRIMARY KEY, v halfvec(3), w halfvec, a halfvec[], g int)
INSERT INTO parts VALUES (1, '[1,2,3]', '[1,2]', ARRAY['[1,2]'::halfvec, '[-3]', NULL], 1), (2, '[-128,0,127]', '[5]', '{}', 1), (3, NULL, NULL, NULL, 2)
SELECT * FROM unnest(ARRAY['[1]','[2]']::halfvec[], ARRAY[1,2,3]) AS t(v, n) ORDER BY n
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY v), percentile_disc(ARRAY[0, 1]) WITHIN GROUP (ORDER BY v) FROM parts
SELECT quote_literal(v), quote_nullable(w), num_nulls(v, w), concat_ws('-', v, w), pg_column_size(id) FROM parts ORDER BY id
SELECT array_to_json(a), to_json(a), to_jsonb(a) FROM parts ORDER BY id
SELECT jsonb_agg(w ORDER BY id), json_object_agg(id, v ORDER BY id), jsonb_object_agg(id, a) FROM parts
SELECT array_fill('[1]'::halfvec, ARRAY[2]), array_prepend('[9]', a), array_cat(a, a), array_positions(a, '[-3]'), trim_array(a, 0) FROM parts ORDER BY id
SELECT lag(v, 1, '[0,0,0]') OVER (ORDER BY id), nth_value(w, 2) OVER (ORDER BY id), last_value(a) OVER (ORDER BY id) FROM parts ORDER BY id
SELECT CASE v WHEN '[1,2,3]' THEN 'one' ELSE 'other' END, coalesce(NULL, w) FROM parts ORDER BY id
SELECT id, unnest(a) FROM parts ORDER BY id, 2
SELECT any_value(v), count(v) FILTER (WHERE v > '[0]'), bool_or(v = '[1,2,3]') FROM parts WHERE id = 1
INSERT INTO parts SELECT id + 10, v, w || w, a || '[4]'::halfvec, g FROM parts RETURNING id, w || '[1]', a
UPDATE parts p SET v = q.v FROM parts q WHERE q.id = 1 AND p.id = 13 RETURNING p.id, p.v
UPDATE parts SET a[1] = '[7]' WHERE id IN (1, 2) RETURNING a
UPDATE parts SET a[2:3] = ARRAY['[8]', '[9]']::halfvec[] WHERE id = 1 RETURNING a
SELECT * FROM parts ORDER BY id
SELECT DISTINCT a FROM parts ORDER BY a
SELECT a, count(*) FROM parts GROUP BY a ORDER BY a
SELECT p.id, q.id FROM parts p JOIN parts q USING (a) WHERE p.id < q.id ORDER BY 1, 2
SELECT ARRAY(SELECT w FROM parts ORDER BY id), (SELECT array_agg(w ORDER BY w) FROM parts)
SELECT id FROM parts WHERE (v, g) = ('[1,2,3]', 1) ORDER BY id
SELECT id FROM parts WHERE v <> ALL (SELECT v FROM parts WHERE id = 2) ORDER BY id
SELECT id FROM parts WHERE v = ANY (SELECT v FROM parts WHERE id = 2) ORDER BY id
SELECT id FROM parts WHERE v = SOME ('{"[1,2,3]"}') ORDER BY id
SELECT (t).v, t FROM (SELECT p AS t FROM parts p) x ORDER BY (t).id
SELECT row(v, w), row(a) FROM parts ORDER BY id
SELECT json_build_array(v, a), json_build_object('x', v) FROM parts ORDER BY id
SELECT * FROM jsonb_populate_record(NULL::parts, '{"id": 5, "v": "[1,2,3]", "a": ["[1]", "[2]"]}')
SELECT * FROM json_to_record('{"a": ["[1]", null, "[2]"]}') AS t(a halfvec[])
WITH d AS (DELETE FROM parts WHERE id > 10 RETURNING v, w) SELECT count(*), min(v::text), array_agg(w ORDER BY w) FROM d
PREPARE listed(halfvec[], halfvec) AS SELECT $1, $2, $1[1], $2 = ANY ($1)
EXECUTE listed(ARRAY['[1]', '[-2]']::halfvec[], '[-2]')
SELECT count(*) FROM parts TABLESAMPLE BERNOULLI (100)
SELECT v FROM parts ORDER BY v USING <
SELECT v FROM parts ORDER BY id OFFSET 1 FETCH FIRST 1 ROW ONLY
SELECT greatest(a, '{"[2]"}'), least(w, '[0]') FROM parts ORDER BY id
SELECT '{"[1,2]","[3]"}'::halfvec[]::text[], ARRAY['[1]', '[2]']::text[]::halfvec[], ARRAY['[1,2]']::vector[]::halfvec[], ARRAY['[1,2]']::halfvec[]::vector[]
SELECT ARRAY['[1,2]']::halfvec(2)[], ARRAY['[1,2]']::halfvec(3)[]
