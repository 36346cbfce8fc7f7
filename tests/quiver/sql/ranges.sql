-- ranges and multiranges: constructors, texts, casts, operators and functions, columns, keys, arrays, catalogs
SELECT int4range(1, 5), int4range(1, 5, '[]'), int4range(NULL, 5), int4range(1, 1), int4range(1,2,'()'), numrange(1.50, 2.0, '(]'), numrange(NULL, NULL)
SELECT int4range(5, 1)
SELECT int4range(1, 5, 'x')
SELECT int4range(1, 5, NULL)
SELECT int8range(1, 5), tsrange('2024-01-01', '2024-02-01 10:00'), tstzrange('2024-01-01', NULL), daterange('2024-01-01', '2024-01-31', '[]')
SELECT numrange(1.1::numeric(10,3), 2)
SELECT int4range(1,2147483647,'[]')
SELECT daterange('2024-01-01','infinity','[]'), daterange('-infinity','2024-01-01')
SELECT lower(int4range(1,5)), upper(int4range(1,5)), lower(numrange(1.10,2)), upper(daterange('2024-01-01', NULL)), lower('[2024-01-01,2024-01-02]'::daterange), lower('[2024-01-01 10:00,]'::tstzrange), upper('["2024-01-01 10:00",infinity]'::tsrange)
SELECT lower('ABC'), upper('abc'), lower(NULL), lower('empty'::int4range)
SELECT isempty('empty'::int4range), isempty(int4range(1,2)), lower_inc(int4range(1,2)), upper_inc(int4range(1,2)), upper_inc(numrange(1,2,'[]')), lower_inf('(,5)'::int4range), upper_inf('[5,]'::daterange), upper_inf('empty'::int4range), lower_inc('(,)'::int4range), upper_inf('[1,infinity]'::daterange)
SELECT int4range(1,5) @> 3, 3 <@ int4range(1,5), int4range(1,5) @> 5, int4range(1,5) @> int4range(2,3), int4range(1,5) @> 'empty', int4range(1,5) <@ int4range(1,5), int4range(1,5) && int4range(4,9), int4range(1,5) && int4range(5,9)
SELECT int4range(1,5) << int4range(5,9), int4range(1,5) >> int4range(5,9), int4range(1,5) &< int4range(2,5), int4range(1,5) &> int4range(0,3), int4range(1,5) -|- int4range(5,7), numrange(1,2,'[]') -|- numrange(2,3), numrange(1,2,'[]') -|- numrange(2,3,'()')
SELECT int4range(1,5) + int4range(5,9), int4range(1,5) * int4range(3,9), int4range(1,9) - int4range(5,20), int4range(1,9) - int4range(3,5)
SELECT int4range(1,5) + int4range(6,9)
SELECT numrange(1.0,5) + numrange(1.00,5.0), numrange(1.0,5) * numrange(1.00,5.0), range_merge(numrange(1.0,2), numrange(5,6.00))
SELECT int4range(1,5) @> '3'
SELECT int4range(1,5) @> '[2,3)'
SELECT numrange(1,5) @> 3
SELECT numrange(1,5) @> 3.0, int8range(1,5) @> 3::bigint
SELECT int4range(1,5) = '[1,5)', int4range(1,5) < int4range(1,6), numrange(1.0,2.0) = numrange(1,2), int4range(1,5) <> 'empty', 'empty'::int4range < int4range(NULL,1)
SELECT int4range(1,5) = int8range(1,5)
SELECT x FROM (VALUES ('[1,5)'::int4range), ('empty'), ('(,3)'), ('[1,)'), ('(,)'), (NULL), ('[2,3)')) AS v(x) ORDER BY x
SELECT x FROM (VALUES ('[1,5)'::numrange), ('empty'), ('(,3)'), ('[1,)'), ('[1.0,5]'), (NULL), ('(1,5)'), ('[1,5.00)')) AS v(x) ORDER BY x DESC, x::text
SELECT x, count(*) FROM (VALUES ('[1,5)'::numrange), ('[1.0,5.00)'), ('empty')) AS v(x) GROUP BY x ORDER BY 2
SELECT DISTINCT x = '[1,5)' FROM (VALUES ('[1,5)'::numrange), ('[1.0,5.00)'), ('empty')) AS v(x) ORDER BY 1
SELECT count(DISTINCT x) FROM (VALUES ('[1,5)'::numrange), ('[1.0,5.00)'), ('empty')) AS v(x)
SELECT min(x) FROM (VALUES ('[1,5)'::int4range)) v(x)
SELECT ARRAY['[1,5)'::int4range, 'empty'], '{"[1,5)",empty}'::int4range[], ARRAY[numrange(1.0,2)] = ARRAY[numrange(1,2)], ARRAY[tsrange('2024-01-01',NULL)]
SELECT int4multirange(), int4multirange(int4range(1,3), int4range(2,5), int4range(9,NULL)), multirange(int4range(1,5)), int4range(1,5)::int4multirange, int4multirange(VARIADIC ARRAY[int4range(1,2)])
SELECT int4multirange(int4range(1,3), NULL)
SELECT '{[1,3),[5,9)}'::int4multirange @> 4, '{[1,3),[5,9)}'::int4multirange @> 5, 5 <@ '{[1,3),[5,9)}'::int4multirange, '{[1,3),[5,9)}'::int4multirange && int4range(3,5), '{[1,3),[5,9)}'::int4multirange - '{[2,6)}', '{[1,3)}'::int4multirange + '{[3,4),[8,9)}', '{[1,3),[5,9)}'::int4multirange * '{[2,6)}'
SELECT range_merge('{[1,3),[5,9)}'::int4multirange), lower('{[1,3),[5,9)}'::int4multirange), upper('{[1,3),[5,9)}'::int4multirange), isempty('{}'::int4multirange)
SELECT unnest('{[1,3),[5,9)}'::int4multirange)
SELECT * FROM unnest('{[1,3),[5,9)}'::int4multirange) AS u(r)
SELECT range_agg(x), range_intersect_agg(x) FROM (VALUES ('[1,5)'::int4range), ('[3,9)'), ('[4,4]')) AS v(x)
SELECT range_agg(x) FROM (VALUES ('{[1,5)}'::int4multirange), ('{[30,90)}'), ('{}')) AS v(x)
SELECT range_agg(x) FROM (VALUES ('{[1,5)}'::int4multirange)) AS v(x) WHERE false
SELECT pg_typeof(int4range(1,2)), pg_typeof(int4range(1,2)::int4multirange), pg_typeof(lower(tstzrange(now(),NULL))), pg_typeof(range_agg(daterange('2024-01-01',NULL)))
SELECT 'x'::int4range
SELECT '[5,1]'::int4range
SELECT int4range '[1,2)' || 'x', concat(int4range(1,2)), int4range(1,2)::text, '[1,2)'::text::int4range, to_json(int4range(1,2)), jsonb_build_object('a', int4range(1,2))
SELECT int4range(1,2)::int8range
SELECT int4range(1,2)::text::varchar(3)
SELECT coalesce(NULL, int4range(1,2)), CASE WHEN true THEN int4range(1,2) ELSE '[3,4)' END, nullif(int4range(1,2), '[1,2)'), greatest(int4range(1,2), '[3,4)')
SELECT * FROM (VALUES (int4range(1,2)), ('[2,3)')) v(r) WHERE r IN ('[1,2)', '[9,10)')
SELECT lower(r), upper(r) FROM (SELECT int4range(i, i+5) r FROM generate_series(1,3) i) s WHERE r && int4range(2,3) ORDER BY r
SELECT row_to_json(x) FROM (SELECT int4range(1,2) AS r) x
SELECT int4range(1,2) @> NULL, int4range(1,2) @> NULL::int
SELECT 1 <@ '[1,2)'
SELECT '[1,2)' && '[1,2)'
SELECT hashtext(int4range(1,2)::text) IS NOT NULL
SELECT lower(1)
SELECT isempty('x')
SELECT date '2024-01-05' <@ daterange('2024-01-01','2024-02-01'), timestamp '2024-01-05' <@ tsrange('2024-01-01','2024-02-01')
SELECT date '2024-01-05' <@ tsrange('2024-01-01','2024-02-01')
SELECT smallint '3' <@ int4range(1,5)
SELECT 3 <@ int8range(1,5)
SELECT format_type(3904, -1), format_type(3905, -1), 'int4range'::regtype::oid, 'numrange[]'::regtype
SELECT '[1,5'::int4range
SELECT '1,5)'::int4range
SELECT '[1 5)'::int4range
SELECT '(1,2,3)'::int4range
SELECT '[1,5) x'::int4range
SELECT 'emptyx'::int4range
SELECT '["1\"",2)'::int4range
SELECT '[a,b)'::int4range
SELECT '[2147483647,2147483647]'::int4range, 'empty'::int4range
SELECT '[1,9223372036854775807]'::int8range
SELECT '(2024-01-01,5874897-12-31]'::daterange
SELECT '(2147483647,2147483647]'::int4range, '[ 1 , 5 ]'::int4range, ' EMPTY '::int8range, '(1,2)'::int4range, '[infinity,infinity]'::daterange, '(NaN,)'::numrange
SELECT '{[1,2)'::int4multirange
SELECT '{[1,2),}'::int4multirange
SELECT '{[1,2) [3,4)}'::int4multirange
SELECT '{}x'::int4multirange
SELECT '{[5,1)}'::int4multirange
SELECT '{empty, [1,2) , EmPtY,(3,4]} '::int4multirange, '{["2024-01-01 10:00","2024-01-02"),("2024-01-01 11:00",)}'::tsmultirange
CREATE TABLE r (id int PRIMARY KEY, i int4range, n numrange DEFAULT '[0.00,1.50)', t tstzrange, d daterange NOT NULL DEFAULT daterange('2024-01-01', NULL), m int4multirange, a int8range[])
INSERT INTO r (id, i, t, m, a) VALUES (1, '[1,5)', '[2024-01-01 10:00+02,2024-01-02)', '{[1,2),[7,)}', '{"[1,3)",NULL,empty}'), (2, int4range(3, 9), NULL, '{}', '{}'), (3, 'empty', '(,)', NULL, NULL), (4, NULL, 'empty', int4multirange(int4range(5,6)), ARRAY[int8range(1,2)])
INSERT INTO r (id, n, d) VALUES (5, '[1.50,2.0]', '(2024-02-01,2024-03-01]'), (6, '[1.5,2.00]', 'empty'), (7, '(,5]', '(,)')
SELECT * FROM r ORDER BY id
SELECT id FROM r WHERE i @> 4 ORDER BY id
SELECT id FROM r WHERE i && '[4,20)' ORDER BY id
SELECT id FROM r WHERE n = '[1.5,2]' ORDER BY id
SELECT id FROM r WHERE n IN ('[1.5,2]', '(,5.0]') ORDER BY id
SELECT id FROM r WHERE n = ANY ('{"[1.5,2]","[0,1.5)"}'::numrange[]) ORDER BY id
SELECT id, lower(i), upper(i), isempty(i), lower(d), upper(d), upper_inf(d), lower(m), lower(n) FROM r ORDER BY i, id
SELECT n, count(*), min(id) FROM r GROUP BY n ORDER BY 3
SELECT DISTINCT d FROM r ORDER BY d DESC
SELECT a.id, b.id FROM r a JOIN r b ON a.n = b.n AND a.id < b.id ORDER BY 1, 2
SELECT a.id, b.id FROM r a JOIN r b ON a.i && b.i ORDER BY 1, 2
SELECT id, unnest(m) FROM r ORDER BY 1, 2
SELECT id, u FROM r, unnest(m) AS u ORDER BY 1, 2
SELECT range_agg(i), range_intersect_agg(d), range_agg(m), array_agg(i ORDER BY i) FROM r
SELECT id % 2, range_agg(i) FILTER (WHERE id < 4) FROM r GROUP BY 1 ORDER BY 1
SELECT id, rank() OVER (ORDER BY n), dense_rank() OVER (ORDER BY i DESC NULLS LAST) FROM r ORDER BY 1
SELECT jsonb_agg(i ORDER BY id), json_build_object('d', max(id)) FROM r
SELECT row_to_json(r) FROM r WHERE id = 1
UPDATE r SET i = i * '[2,4)', n = n + '[1,1.50]' WHERE id IN (1, 5)
UPDATE r SET i = i + '[100,200)' WHERE id = 1
UPDATE r SET i = '[9,1)' WHERE id = 1
SELECT id, i, n FROM r ORDER BY id
ALTER TABLE r ADD COLUMN w tsrange DEFAULT '[2024-01-01,2024-01-02)', ADD CHECK (NOT isempty(w)), ADD CHECK (lower(i) > 0)
UPDATE r SET w = 'empty' WHERE id = 1
INSERT INTO r (id, i) VALUES (8, '[0,5)')
INSERT INTO r (id, i) VALUES (8, '[1,x)')
INSERT INTO r (id, i) VALUES (8, int8range(1, 2))
ALTER TABLE r ALTER COLUMN i TYPE text
ALTER TABLE r ALTER COLUMN d TYPE text
SELECT id, d FROM r ORDER BY id
ALTER TABLE r ALTER COLUMN d DROP DEFAULT, ALTER COLUMN d TYPE daterange USING d::daterange
SELECT id, d FROM r ORDER BY id
CREATE UNIQUE INDEX r_n ON r (n)
DELETE FROM r WHERE id = 6
CREATE TABLE k (p numrange PRIMARY KEY, q int4range UNIQUE)
INSERT INTO k VALUES ('[1.0,2)', '[1,5)'), ('empty', 'empty'), ('[1,2]', NULL)
INSERT INTO k VALUES ('[1,2.00)', NULL)
INSERT INTO k VALUES ('[7,8)', '[1,4]')
INSERT INTO k VALUES ('[1.000,2.0)', NULL) ON CONFLICT (p) DO UPDATE SET q = '[50,)' RETURNING *
SELECT * FROM k WHERE p = '[1,2)'
SELECT * FROM k ORDER BY p
CREATE INDEX ON k (q)
CREATE INDEX ON k USING hash (q)
SELECT * FROM k WHERE q >= '[1,2)' ORDER BY q
CREATE INDEX ON r (i range_ops)
CREATE INDEX ON r (m)
CREATE INDEX ON r (m range_ops)
CREATE INDEX ON r (id range_ops)
CREATE VIEW v AS SELECT id, i FROM r WHERE id < 3
SELECT column_name, data_type, udt_name FROM information_schema.columns WHERE table_name = 'r' AND column_name <> 'd' ORDER BY ordinal_position
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'r'::regclass ORDER BY 1
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'r'::regclass AND contype = 'c' ORDER BY 1
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'k'::regclass ORDER BY 1
SELECT oid, typname, typtype, typcategory, typarray, typelem, typlen, typinput, typsend FROM pg_type WHERE oid IN (SELECT unnest(ARRAY[rngtypid, rngmultitypid]) FROM pg_range) OR typelem IN (SELECT rngtypid FROM pg_range) ORDER BY oid
SELECT * FROM pg_range ORDER BY rngtypid
SELECT castsource::regtype, casttarget::regtype, castcontext, castmethod FROM pg_cast WHERE castsource::regtype::text LIKE '%range' ORDER BY 1
SELECT i.id, o.id FROM r i LEFT JOIN r o ON o.i @> lower(i.i) ORDER BY 1, 2
SELECT id FROM r WHERE d @> date '2024-02-15' AND t IS NULL ORDER BY id
SELECT id FROM r WHERE i < '[2,3)' OR i IS NULL ORDER BY id
CREATE TABLE g (lo int, hi int, w int4range GENERATED ALWAYS AS (int4range(lo, hi)) STORED)
INSERT INTO g VALUES (1, 5), (NULL, 3), (7, 7)
SELECT * FROM g ORDER BY w
-- refused: CREATE TYPE of a range type is not supported
CREATE TYPE floatrange AS RANGE (subtype = float8)
CREATE DOMAIN positive AS int4range CHECK (lower(VALUE) > 0)
SELECT '[1,5)'::positive, lower('[1,5)'::positive), '[1,5)'::positive && '[2,3)'
SELECT '[0,5)'::positive
DROP TABLE r, k, g CASCADE
