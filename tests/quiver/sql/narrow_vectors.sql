-- Statements over a type of vectors with whole numbers from -128 to 127: run with halfvec by PostgreSQL, with int8vec and bf16vec here.
CREATE TABLE parts (id int PRIMARY KEY, v halfvec(3), w halfvec, a halfvec[], g int)
INSERT INTO parts VALUES (1, '[1,2,3]', '[1,2]', ARRAY['[1,2]'::halfvec, '[-3]', NULL], 1), (2, '[-128,0,127]', '[5]', '{}', 1), (3, NULL, NULL, NULL, 2)
INSERT INTO parts (id, v, w, g) SELECT i, ARRAY[i, -i, 2 * i], ARRAY[i]::real[], i % 3 FROM generate_series(4, 20) i
INSERT INTO parts (id, v) VALUES (30, '[1,2]')
INSERT INTO parts (id, v, w) VALUES (31, '[1,2,3]'::vector, '[7,8]'::vector)
INSERT INTO parts (id, v) VALUES (32, ARRAY[1,2,3]), (33, ARRAY[1.0,2.0,3.0]), (34, ARRAY[1,2,3]::float8[])
INSERT INTO parts (id, v) VALUES (35, '{1:1}/3'::sparsevec)
INSERT INTO parts (id, v) VALUES (36, ARRAY[1,NULL,3])
INSERT INTO parts (id, v) VALUES (37, ARRAY[1,2])
SELECT * FROM parts ORDER BY id
SELECT id, v, w FROM parts WHERE v = '[1,2,3]' ORDER BY id
SELECT count(*), count(v), count(DISTINCT v), count(DISTINCT w) FROM parts
SELECT DISTINCT v FROM parts ORDER BY v
SELECT v, count(*) FROM parts GROUP BY v ORDER BY v DESC NULLS LAST
SELECT DISTINCT ON (g) g, v FROM parts ORDER BY g, v DESC
SELECT w FROM parts ORDER BY w, id
SELECT min(id) FROM parts GROUP BY w ORDER BY 1
SELECT a.id, b.id FROM parts a JOIN parts b ON a.v = b.v AND a.id < b.id ORDER BY 1, 2
SELECT a.id, b.id FROM parts a LEFT JOIN parts b ON a.w = b.w AND a.id <> b.id ORDER BY 1, 2
SELECT id FROM parts WHERE v IN ('[1,2,3]', '[4,-4,8]') ORDER BY id
SELECT id FROM parts WHERE v = ANY (ARRAY['[1,2,3]', '[4,-4,8]']::halfvec[]) ORDER BY id
SELECT id, v < '[1,2,4]', v <= '[1,2,3]', v <> '[1,2,3]', v > '[1,2]', v >= '[1,2,3,4]' FROM parts ORDER BY id
SELECT v FROM parts UNION SELECT w FROM parts ORDER BY 1
SELECT v FROM parts EXCEPT SELECT w FROM parts ORDER BY 1
SELECT id, v <-> '[1,2,3]', v <#> '[1,2,3]', v <+> '[1,2,3]' FROM parts ORDER BY id
SELECT id, v <=> '[1,0,0]', '[0,0,0]'::halfvec <=> v FROM parts ORDER BY id
SELECT id FROM parts WHERE v <-> '[1,2,3]' < 20 ORDER BY v <-> '[1,2,3]', id LIMIT 5
SELECT id FROM parts WHERE v IS NOT NULL ORDER BY v <#> '[1,2,3]', id LIMIT 4
SELECT id FROM parts WHERE v IS NOT NULL ORDER BY v <=> '[1,2,3]', id LIMIT 4
SELECT id FROM parts WHERE v IS NOT NULL ORDER BY v <+> '[1,2,3]', id LIMIT 4
SELECT id FROM parts ORDER BY v <-> (SELECT v FROM parts WHERE id = 5), id LIMIT 3
SELECT a.id, b.id FROM parts a CROSS JOIN LATERAL (SELECT id FROM parts t WHERE t.id <> a.id AND t.v IS NOT NULL ORDER BY t.v <-> a.v, t.id LIMIT 1) b WHERE a.v IS NOT NULL ORDER BY a.id
SELECT id, w <-> '[5]' FROM parts WHERE vector_dims(w) = 1 ORDER BY id
SELECT id, w <-> '[5]' FROM parts ORDER BY id
SELECT v <-> '[1,2]' FROM parts
SELECT v <-> '[1,2,3]'::vector FROM parts WHERE id = 1
SELECT l2_distance(v, '[1,2,3]'), inner_product(v, '[1,2,3]'), cosine_distance(v, '[0,0,1]'), l1_distance(v, '[0,0,0]') FROM parts ORDER BY id
SELECT id, v + '[1,1,-1]', v - '[-1,0,1]' FROM parts WHERE id <> 2 ORDER BY id
SELECT v * '[0,1,1]', v || '[9]', w || v FROM parts WHERE id <> 2 ORDER BY id
SELECT '[1,2]'::halfvec + '[1,2,3]'
SELECT '[1,2]'::halfvec * '[3,4]', '[5,6]'::halfvec - '[6,5]'
SELECT vector_dims(v), vector_dims(w), l2_norm(v), subvector(v, 2, 2), binary_quantize(v), binary_quantize(w) FROM parts ORDER BY id
SELECT subvector(v, 3, 0) FROM parts WHERE id = 1
SELECT subvector('[1,2,3,4]'::halfvec, -1, 4), subvector('[1,2,3,4]'::halfvec, 3, 9)
SELECT '[1,2]'::halfvec::vector, '[1,2]'::halfvec::real[], '[1,2]'::vector::halfvec, ARRAY[1,2]::halfvec(2), '{1,2}'::real[]::halfvec, ARRAY[1.0,-2.0]::numeric[]::halfvec
SELECT '[1,0,2]'::halfvec::sparsevec, '{1:1,3:-4}/4'::sparsevec::halfvec, '[1,0,2]'::halfvec::text, '[1,0,2]'::halfvec::varchar(4)
SELECT '[1,2]'::halfvec(3)
SELECT '[1,2]'::vector::halfvec(3)
SELECT '[1,2]'::halfvec::vector(3)
SELECT ARRAY[]::int[]::halfvec
SELECT ARRAY[[1,2],[3,4]]::halfvec
SELECT '[1,2]'::halfvec::int[]
SELECT '[1,2]'::halfvec::halfvec(2), CAST('[3]' AS halfvec(1)), halfvec '[4,5]'
SELECT ' [ 1 , 2 ] '::halfvec, '[+1,0,1e1,2.0]'::halfvec, '[0x10]'::halfvec
SELECT '[]'::halfvec
SELECT '[1,]'::halfvec
SELECT '[1,2'::halfvec
SELECT '1,2'::halfvec
SELECT '[a]'::halfvec
SELECT '[NaN]'::halfvec
SELECT '[Infinity]'::halfvec
SELECT '[1,2]x'::halfvec
SELECT '[1]'::halfvec(0)
SELECT '[1]'::halfvec(16001)
SELECT '[1]'::halfvec('a')
SELECT '[1]'::halfvec(1,2)
SELECT array_fill(1, ARRAY[16001])::halfvec
SELECT vector_dims(array_fill(1, ARRAY[16000])::halfvec)
SELECT ARRAY['[1,2]', NULL]::halfvec[], ARRAY['[1]'::halfvec, '[2]'] || '[3]'::halfvec, array_length(ARRAY['[1]']::halfvec[], 1)
SELECT (ARRAY['[1,2]', '[3]']::halfvec[])[2], unnest(ARRAY['[1,2]', NULL, '[3]']::halfvec[])
SELECT array_agg(v ORDER BY id) FROM parts WHERE id < 6
SELECT id, x FROM parts, unnest(a) AS x ORDER BY id, x
SELECT id FROM parts WHERE '[1,2]' = ANY (a)
SELECT array_position(a, '[-3]'), array_remove(a, '[1,2]'), array_append(a, '[9]'), array_to_string(a, ';', '-'), cardinality(a), a[1:1], a || a FROM parts ORDER BY id
SELECT array_replace(a, '[1,2]', '[-7]'), a @> ARRAY['[-3]']::halfvec[], a = ARRAY['[1,2]', '[-3]', NULL]::halfvec[] FROM parts ORDER BY id
SELECT json_agg(v ORDER BY id), array_agg(a ORDER BY id) FILTER (WHERE id = 1), mode() WITHIN GROUP (ORDER BY v) FROM parts
SELECT jsonb_build_object('v', v, 'a', a), ROW(v, 1) < ROW('[1,2,4]'::halfvec, 0) FROM parts ORDER BY id
SELECT (SELECT v FROM parts WHERE id = 1), ARRAY(SELECT v FROM parts WHERE id < 3 ORDER BY id), EXISTS (SELECT FROM parts WHERE v = '[1,2,3]')
SELECT id FROM parts WHERE v BETWEEN '[0]' AND '[5]' ORDER BY id
SELECT id FROM parts p WHERE v IN (SELECT v FROM parts q WHERE q.id > p.id) ORDER BY id
SELECT ARRAY['[1,2]']::halfvec[] = ARRAY['[1,2]']::halfvec[], ARRAY['[1,2]']::halfvec[] < ARRAY['[1,3]']::halfvec[]
SELECT to_json(v), to_jsonb(w), row_to_json(p) FROM (SELECT id, v, w FROM parts) p ORDER BY id
SELECT coalesce(v, '[0,0,0]'), nullif(v, '[1,2,3]'), CASE WHEN g = 1 THEN v ELSE '[9,9,9]' END, greatest(v, '[2,2,2]'), least(v, '[2,2,2]') FROM parts ORDER BY id
SELECT first_value(v) OVER (PARTITION BY g ORDER BY id), lag(w) OVER (ORDER BY id) FROM parts ORDER BY id
SELECT row_number() OVER (ORDER BY v, id), id FROM parts ORDER BY id
SELECT v::text || '!', length(v::text), format('%s', v), concat(v, 1) FROM parts ORDER BY id
SELECT halfvec_cmp('[1,2]', '[1,3]'), halfvec_eq('[1]', '[1]'), halfvec_lt('[1]', '[2]'), halfvec_l2_squared_distance('[1,2]', '[3,5]'), halfvec_negative_inner_product('[1,2]', '[3,4]'), halfvec_spherical_distance('[1,0]', '[0,1]')
SELECT vector_to_halfvec('[1,2]', -1, true), halfvec_to_vector('[1,2]', 2, false), array_to_halfvec(ARRAY[1,2], -1, true), halfvec_to_float4('[1,2]', -1, true), halfvec('[1,2]', 2, true)
SELECT halfvec_accum('{0}', '[1,2]'), halfvec_combine('{1,1,2}', '{2,3,4}')
SELECT pg_typeof(v), pg_typeof(w), pg_typeof(a) FROM parts WHERE id = 1
SELECT v FROM parts WHERE id = 1 FOR UPDATE
UPDATE parts SET v = v + '[1,0,0]', w = NULL WHERE id BETWEEN 5 AND 7
UPDATE parts SET g = g + 1 WHERE v < '[6,0,0]'
SELECT id, v, w, g FROM parts ORDER BY id
DELETE FROM parts WHERE v = '[6,-5,10]' RETURNING id, v
CREATE TABLE keyed (v halfvec(2) PRIMARY KEY, n int)
CREATE TABLE keyed_hash (v halfvec(2), n int)
CREATE INDEX ON keyed_hash USING hash (v)
INSERT INTO keyed VALUES ('[1,2]', 1), ('[3,4]', 2)
INSERT INTO keyed VALUES ('[1,2]', 3)
INSERT INTO keyed VALUES ('[1,2]', 3) ON CONFLICT (v) DO UPDATE SET n = 9
SELECT * FROM keyed ORDER BY v
SELECT n FROM keyed WHERE v = '[3,4]'
CREATE TABLE made (id int, d halfvec(2) DEFAULT '[1,2]' CHECK (vector_dims(d) = 2 AND d <> '[0,0]'), n float8 GENERATED ALWAYS AS (l2_norm(d)) STORED)
INSERT INTO made VALUES (1), (2, '[3,4]')
INSERT INTO made VALUES (3, '[0,0]')
SELECT * FROM made ORDER BY id
ALTER TABLE made ADD COLUMN e halfvec DEFAULT '[5]'
ALTER TABLE made ALTER COLUMN d DROP DEFAULT
SELECT id, d, e FROM made ORDER BY id
ALTER TABLE made ALTER COLUMN e TYPE vector(1)
SELECT id, e FROM made ORDER BY id
ALTER TABLE made ALTER COLUMN e TYPE halfvec(1) USING e::halfvec(1)
SELECT id, e FROM made ORDER BY id
CREATE VIEW seen AS SELECT id, v, v || '[1]' AS longer FROM parts
SELECT * FROM seen ORDER BY id
CREATE TABLE copied AS SELECT v, w, a FROM parts
SELECT * FROM copied ORDER BY v, w
WITH RECURSIVE steps(n, v) AS (SELECT 1, '[1,2]'::halfvec UNION ALL SELECT n + 1, v + '[1,1]' FROM steps WHERE n < 4) SELECT * FROM steps ORDER BY n
SELECT * FROM (VALUES ('[1,2]'::halfvec), (NULL), ('[3]')) AS t(v) ORDER BY v
PREPARE nearest(halfvec) AS SELECT id FROM parts WHERE v IS NOT NULL ORDER BY v <-> $1, id LIMIT 2
EXECUTE nearest('[1,2,3]')
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attndims FROM pg_attribute a WHERE attrelid = 'parts'::regclass AND attnum > 0 ORDER BY attnum
SELECT column_name, data_type, udt_schema, udt_name FROM information_schema.columns WHERE table_name = 'parts' ORDER BY ordinal_position
SELECT typname, typlen, typcategory, typstorage, typinput::text, typoutput::text, typreceive::text, typsend::text, typmodin::text, typelem::regtype FROM pg_type WHERE typname IN ('halfvec', '_halfvec') ORDER BY typname
SELECT castsource::regtype, casttarget::regtype, castfunc::regprocedure, castcontext FROM pg_cast WHERE castsource = 'halfvec'::regtype AND casttarget IN ('real[]'::regtype, 'vector'::regtype) ORDER BY 2
SELECT castsource::regtype, castfunc::regprocedure, castcontext FROM pg_cast WHERE casttarget = 'halfvec'::regtype AND castsource IN ('integer[]'::regtype, 'real[]'::regtype, 'float8[]'::regtype, 'numeric[]'::regtype, 'vector'::regtype, 'sparsevec'::regtype) ORDER BY 1
SELECT oprname, oprleft::regtype, oprright::regtype, oprresult::regtype, oprcode::regprocedure, oprcom::regoperator, oprnegate::regoperator FROM pg_operator WHERE oprleft = 'halfvec'::regtype ORDER BY 1
SELECT amname, opcname, opfname, opcintype::regtype, opcdefault FROM pg_opclass JOIN pg_am m ON m.oid = opcmethod JOIN pg_opfamily f ON f.oid = opcfamily WHERE opcintype = 'halfvec'::regtype AND amname IN ('btree', 'hnsw', 'ivfflat') ORDER BY 1, 2
SELECT amname, opfname, amopstrategy, amoppurpose, amopopr::regoperator FROM pg_amop JOIN pg_opfamily f ON f.oid = amopfamily JOIN pg_am m ON m.oid = opfmethod WHERE amoplefttype = 'halfvec'::regtype AND amname IN ('btree', 'hnsw', 'ivfflat') ORDER BY 1, 2, 3
SELECT proname, pg_get_function_identity_arguments(oid) FROM pg_proc WHERE proname ~ 'halfvec' AND 'halfvec'::regtype = ANY (proargtypes::oid[]) AND prorettype IN ('boolean'::regtype, 'float8'::regtype, 'integer'::regtype, 'halfvec'::regtype) ORDER BY 1, 2
CREATE DOMAIN small AS halfvec(2) CHECK (VALUE <> '[0,0]')
CREATE TYPE pair AS (n int, v halfvec(2))
CREATE TABLE typed (id int PRIMARY KEY, d small, p pair, ps halfvec(2)[] DEFAULT ARRAY['[1,2]']::halfvec(2)[])
INSERT INTO typed VALUES (1, '[1,2]', ROW(1, '[3,4]'), ARRAY['[5,6]', NULL]::halfvec(2)[]), (2, NULL, '(2,"[7,8]")', '{"[1,1]"}')
INSERT INTO typed (id, d) VALUES (3, '[0,0]')
INSERT INTO typed (id, d) VALUES (3, '[1,2,3]')
INSERT INTO typed (id, p) VALUES (3, '(2,"[7,8,9]")')
INSERT INTO typed (id) VALUES (4)
SELECT * FROM typed ORDER BY id
SELECT id, (p).v, (p).v <-> '[3,3]', d <-> '[1,1]', ps[1] FROM typed ORDER BY id
SELECT p = ROW(1, '[3,4]')::pair, p::text, d::text FROM typed ORDER BY id
SELECT * FROM json_populate_record(NULL::pair, '{"n": 1, "v": "[9,8]"}')
SELECT * FROM jsonb_to_recordset('[{"a": 1, "v": "[9,8]"}, {"v": null}]') AS t(a int, v halfvec(2))
CREATE TABLE parents (v halfvec(2) PRIMARY KEY)
CREATE TABLE children (id int, v halfvec(2) REFERENCES parents ON DELETE CASCADE)
INSERT INTO parents VALUES ('[1,2]'), ('[3,4]')
INSERT INTO children VALUES (1, '[1,2]'), (2, NULL)
INSERT INTO children VALUES (3, '[5,6]')
DELETE FROM parents WHERE v = '[1,2]'
SELECT * FROM children ORDER BY id
MERGE INTO keyed k USING (VALUES ('[3,4]'::halfvec, 7), ('[8,8]', 8)) s(v, n) ON k.v = s.v WHEN MATCHED THEN UPDATE SET n = s.n WHEN NOT MATCHED THEN INSERT VALUES (s.v, s.n)
SELECT * FROM keyed ORDER BY v
CREATE MATERIALIZED VIEW kept AS SELECT v, count(*) FROM parts GROUP BY v
SELECT * FROM kept ORDER BY v
CREATE FUNCTION apart(a halfvec, b halfvec DEFAULT '[1,2]') RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT a <-> b'
SELECT apart('[1,2]'), apart('[1,2]', '[4,6]')
CREATE FUNCTION longer(a halfvec) RETURNS halfvec LANGUAGE sql IMMUTABLE AS 'SELECT a || a'
SELECT longer(v) FROM parts WHERE id = 1
BEGIN
DECLARE c CURSOR FOR SELECT id, v FROM parts ORDER BY id
FETCH 3 FROM c
COMMIT
CREATE INDEX parts_v ON parts (v)
SELECT id FROM parts WHERE v > '[18]' ORDER BY v
SELECT id FROM parts WHERE v = '[20,-20,40]'
SELECT v FROM parts ORDER BY v DESC NULLS LAST LIMIT 3
CREATE UNIQUE INDEX parts_expression ON parts ((v || '[1]'::halfvec), id)
SELECT pg_get_indexdef('parts_expression'::regclass), pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'small_check'
SELECT pg_get_viewdef('seen'::regclass), pg_get_functiondef('longer'::regproc)
CREATE TEMP TABLE passing (v halfvec(2))
INSERT INTO passing SELECT ARRAY[i, i] FROM generate_series(1, 3) i RETURNING v
TABLE passing
SELECT array_agg(v ORDER BY v DESC) = ARRAY['[3,3]', '[2,2]', '[1,1]']::halfvec[], string_agg(v::text, ';' ORDER BY v) FROM passing
SELECT v, grouping(v), count(*) FROM passing GROUP BY ROLLUP (v) ORDER BY v
SELECT count(*) FROM passing WHERE v IS DISTINCT FROM '[1,1]'
SELECT ('[1,2]'::halfvec)::small, '[1,2]'::text::halfvec, '[1,2]'::varchar::halfvec(2)
SELECT hashtext(v::text) IS NOT NULL, md5(v::text) FROM passing ORDER BY v
SELECT ARRAY[ARRAY['[1]'::halfvec, '[2]'], ARRAY['[3]'::halfvec, NULL]], '{{"[1]"},{"[2]"}}'::halfvec[]
SELECT (ARRAY[ARRAY['[1]'::halfvec, '[2]'], ARRAY['[3]'::halfvec, NULL]])[2][1]
SELECT unnest(ARRAY[ARRAY['[1]'::halfvec, '[2]'], ARRAY['[3]'::halfvec, NULL]])
