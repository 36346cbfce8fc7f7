-- Definitions mean the same under every search path, and show what it does not find with its schema.
CREATE SCHEMA elsewhere
CREATE TABLE placed (id int, v vector(3) DEFAULT '[1,2,3]' CHECK (vector_dims(v) = 3 AND v <> '[0,0,0]'), d float8 GENERATED ALWAYS AS (v <-> '[1,1,1]') STORED, h halfvec(3)[])
CREATE INDEX placed_near ON placed (id) WHERE l2_distance(v, '[1,2,3]') < 4
CREATE INDEX placed_half ON placed USING hnsw ((v::halfvec(3)) halfvec_cosine_ops)
CREATE INDEX placed_default ON placed USING hnsw (v vector_l2_ops)
CREATE VIEW placed_twice AS SELECT id, v <-> '[1,2,3]' AS d, '[1]'::vector AS c, v + v AS twice, avg(v) OVER () AS mean, (SELECT sum(v) FROM placed) AS total, binary_quantize(v) AS bits FROM placed
CREATE VIEW placed_near_ones AS SELECT id, v FROM placed WHERE v <-> '[1,1,1]' < 5
CREATE MATERIALIZED VIEW placed_kept AS SELECT id, v <-> '[1,2,3]' AS d FROM placed
CREATE DOMAIN short AS vector(3) CHECK (vector_norm(VALUE) < 10 AND VALUE <> '[0,0,0]')
SET search_path = ''
SHOW search_path
SELECT current_schemas(false), current_schema()
INSERT INTO public.placed VALUES (1, DEFAULT), (2, '[3,3,3]')
INSERT INTO public.placed_near_ones VALUES (3, '[1,1,2]')
UPDATE public.placed_near_ones SET id = 9 WHERE id = 3
SELECT * FROM public.placed ORDER BY id
SELECT * FROM public.placed_twice ORDER BY id
INSERT INTO public.placed VALUES (1, '[0,0,0]')
REFRESH MATERIALIZED VIEW public.placed_kept
SELECT * FROM public.placed_kept ORDER BY id
SELECT pg_get_viewdef('public.placed_kept'::regclass)
SELECT '[1,2,3]'::public.short, '[0,0,0]'::public.short
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contypid = 'public.short'::regtype
SELECT pg_get_viewdef('public.placed_twice'::regclass)
SELECT pg_get_viewdef('public.placed_twice'::regclass, true)
SELECT pg_get_indexdef(indexrelid), pg_get_expr(indpred, indrelid), pg_get_expr(indexprs, indrelid) FROM pg_index WHERE indrelid = 'public.placed'::regclass ORDER BY 1
SELECT pg_get_constraintdef(oid), pg_get_constraintdef(oid, true) FROM pg_constraint WHERE conrelid = 'public.placed'::regclass
SELECT attname, format_type(atttypid, atttypmod), pg_get_expr(adbin, adrelid) FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = 'public.placed'::regclass AND attnum > 0 ORDER BY attnum
SELECT column_name, column_default, generation_expression, data_type, udt_schema FROM information_schema.columns WHERE table_name = 'placed' ORDER BY ordinal_position
SELECT '[1,2]'::public.vector OPERATOR(public.<->) '[3,4]'
SELECT DISTINCT opcname, pg_opclass_is_visible(oid) FROM pg_opclass WHERE opcname IN ('vector_cosine_ops', 'int8_ops') ORDER BY 1, 2
SELECT typname, pg_type_is_visible(oid) FROM pg_type WHERE typname IN ('vector', 'int4') ORDER BY 1
SET search_path = '', elsewhere, "Odd Name", 'public'
SHOW search_path
SELECT current_schemas(false)
SELECT pg_get_indexdef('public.placed_half'::regclass)
SET search_path = elsewhere
CREATE VIEW far AS SELECT id FROM public.placed WHERE v OPERATOR(public.<->) '[9,9,9]' > 3
SELECT * FROM far ORDER BY id
SELECT set_config('search_path', '', false)
SELECT pg_get_viewdef('elsewhere.far'::regclass)
SELECT * FROM elsewhere.far ORDER BY id
RESET search_path
SELECT pg_get_viewdef('elsewhere.far'::regclass)
DROP SCHEMA elsewhere CASCADE
DROP DOMAIN short
DROP TABLE placed CASCADE
-- A sub-query beside ANY and ALL of an array.
CREATE TABLE lists (id int, a int[], n numeric[])
INSERT INTO lists VALUES (1, '{1,2}', '{1.5}'), (2, '{}', NULL), (3, NULL, '{2.50,NULL}'), (4, '{4,NULL}', '{4}')
SELECT id, (SELECT max(x) FROM generate_series(1, 2) x) = ANY (a), (SELECT 2.5) = ANY (n), (SELECT NULL::int) = ANY (a), (SELECT id) <> ALL (a) FROM lists ORDER BY 1
SELECT id, id = ANY ((SELECT array_agg(b.id) FROM lists b WHERE b.id <> lists.id)::int[]) FROM lists ORDER BY 1
SELECT id FROM lists WHERE (SELECT count(*) FROM lists b WHERE b.id < lists.id) = ANY (a) ORDER BY 1
SELECT id FROM lists WHERE (SELECT 2) = ANY (ARRAY(SELECT id + 1 FROM lists)) ORDER BY 1
DROP TABLE lists
