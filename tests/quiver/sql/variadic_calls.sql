-- VARIADIC: arrays that are written, parameters, columns of several lengths.
SELECT concat_ws(',', VARIADIC ARRAY['a', NULL, 'b'])
SELECT concat(VARIADIC ARRAY['a', NULL, 'b'])
SELECT concat(VARIADIC ARRAY[1, 2, 3])
SELECT format('%s-%s', VARIADIC ARRAY['a', 'b'])
SELECT format('%2$s-%1$s', VARIADIC ARRAY['a', 'b'])
SELECT format('%s', VARIADIC NULL::text[])
SELECT concat_ws(',', VARIADIC NULL::text[])
SELECT concat_ws(',', 'x', VARIADIC ARRAY['a'])
SELECT concat_ws(',', VARIADIC 'a')
SELECT concat_ws(',', VARIADIC '{a,b}'::text[])
SELECT json_extract_path('{"a":{"b":1}}', VARIADIC ARRAY['a', 'b'])
SELECT json_extract_path_text('{"a":{"b":"x"}}'::json, VARIADIC '{a,b}'::text[])
SELECT jsonb_extract_path('{"a":{"b":1}}'::jsonb, VARIADIC ARRAY['a'])
SELECT jsonb_build_object(VARIADIC ARRAY['a', '1', 'b', '2'])
SELECT json_build_array(VARIADIC ARRAY[1, 2, NULL])
SELECT jsonb_build_array(VARIADIC '{}'::int[])
SELECT json_build_object(VARIADIC ARRAY['a'])
SELECT num_nulls(VARIADIC ARRAY[1, NULL, 2]), num_nonnulls(VARIADIC ARRAY[1, NULL])
SELECT num_nulls(VARIADIC NULL::int[])
SELECT greatest(VARIADIC ARRAY[1, 2])
SELECT lower(VARIADIC ARRAY['a'])
SELECT concat(VARIADIC v) FROM (VALUES (ARRAY['a', 'b']), (ARRAY['c']), (NULL)) t(v)
SELECT concat_ws(sep, VARIADIC v) FROM (VALUES (',', ARRAY['a', 'b']), ('-', ARRAY['c', 'd']), (NULL, ARRAY['x']), (';', NULL)) t(sep, v)
SELECT format(f, VARIADIC v) FROM (VALUES ('%s', ARRAY['a', 'b']), ('%s %s', ARRAY['c', 'd'])) t(f, v)
SELECT concat(VARIADIC '{}'::text[]), concat_ws(',', VARIADIC '{}'::int[]), format('x', VARIADIC '{}'::text[])
SELECT json_extract_path('{"a": 1}', VARIADIC '{}')
SELECT concat(VARIADIC v), concat_ws('-', VARIADIC v), num_nulls(VARIADIC v) FROM (VALUES (ARRAY['a', 'b']), (NULL), (ARRAY[]::text[]), (ARRAY[NULL, 'x'])) t(v)
SELECT json_extract_path_text(j::json, VARIADIC p) FROM (VALUES ('{"a": {"b": 5}}', ARRAY['a', 'b']), ('{"a": 1}', ARRAY['a']), ('[7, 8]', ARRAY['1']), ('{}', NULL)) t(j, p)
SELECT cardinality(VARIADIC ARRAY[1, 2])
-- refused: VARIADIC in a call of array_agg is not supported
SELECT array_agg(VARIADIC ARRAY[1, 2])
SELECT nonsense(VARIADIC ARRAY[1, 2])
SELECT concat(a => 1, VARIADIC ARRAY[1, 2])
SELECT concat(VARIADIC ARRAY[1, 2], 3)
CREATE VIEW joined AS SELECT concat_ws(',', VARIADIC v) AS all FROM (VALUES (ARRAY['a', 'b'])) t(v)
SELECT pg_get_viewdef('joined'::regclass)
SELECT * FROM joined
PREPARE pieces (text[]) AS SELECT concat_ws('/', VARIADIC $1), format('%s-%s', VARIADIC $1)
EXECUTE pieces ('{x,y}')
EXECUTE pieces ('{x,NULL}')
EXECUTE pieces (NULL)
SELECT concat_ws(',', VARIADIC array_agg(g)) FROM generate_series(1, 4) g
SELECT concat_ws(',', VARIADIC (SELECT array_agg(g) FROM generate_series(1, 4) g))
SELECT num_nonnulls(VARIADIC ARRAY[now(), NULL])
SELECT concat(VARIADIC ARRAY[true, false]), concat(VARIADIC ARRAY[1.50, 2]), concat(VARIADIC ARRAY[date '2024-01-01'])
-- refused: VARIADIC in a call of jsonb_build_object over arrays that are computed is not supported
SELECT jsonb_build_object(VARIADIC v) FROM (VALUES (ARRAY['a', 'b'])) t(v)
SELECT least(VARIADIC ARRAY[2, 1])
SELECT array[1, 2][1]
SELECT (array[1, 2])[1]
DROP VIEW joined
-- refused: function int4range is not supported
SELECT int4range(1, 2)
-- refused: function daterange is not supported
SELECT daterange('2024-01-01', '2024-02-01') @> date '2024-01-10'
