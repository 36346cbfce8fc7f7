-- pgvector's operators, functions, casts and the idioms of its README.
SELECT * FROM items ORDER BY embedding <-> '[3,1,2]' LIMIT 5
SELECT * FROM items WHERE id != 1 ORDER BY embedding <-> (SELECT embedding FROM items WHERE id = 1) LIMIT 5
SELECT * FROM items WHERE embedding <-> '[3,1,2]' < 5 ORDER BY id
SELECT embedding <-> '[3,1,2]' AS distance FROM items ORDER BY id
SELECT (embedding <#> '[3,1,2]') * -1 AS inner_product FROM items ORDER BY id
SELECT 1 - (embedding <=> '[3,1,2]') AS cosine_similarity FROM items ORDER BY id
SELECT id, embedding <+> '[3,1,2]' FROM items ORDER BY id
SELECT AVG(embedding) FROM items
SELECT category_id, AVG(embedding) FROM items GROUP BY category_id ORDER BY category_id
SELECT * FROM items WHERE category_id = 1 ORDER BY embedding <-> '[3,1,2]' LIMIT 5
SELECT id FROM items ORDER BY 1 - (embedding <=> '[1,2,3]') DESC NULLS LAST, id LIMIT 3
SELECT id, 1 - (embedding <=> '[1,2,3]') AS score FROM items WHERE embedding IS NOT NULL ORDER BY score DESC, id
SELECT id FROM items ORDER BY cosine_distance(embedding, '[1,2,3]'), id LIMIT 3
SELECT id FROM items ORDER BY embedding <=> '[1,2,3]', id
SELECT id FROM items ORDER BY embedding <#> '[1,2,3]', id
SELECT id FROM items ORDER BY embedding <+> '[1,2,3]', id
SELECT id FROM items ORDER BY embedding <-> '[1,2,3]' DESC, id
SELECT id FROM items ORDER BY embedding <-> NULL, id
SELECT id FROM items ORDER BY (embedding <-> '[1,2,3]') + 1, id LIMIT 2
SELECT id FROM items ORDER BY embedding <=> '[0,0,0]', id
SELECT id, embedding <=> '[0,0,0]' FROM items ORDER BY id
SELECT id, embedding::halfvec <-> '[1,2,3]' FROM items ORDER BY id
SELECT id FROM items ORDER BY embedding::halfvec(3) <-> '[3,1,2]', id LIMIT 4
SELECT id, half <-> '[3,1,2]', half <#> '[3,1,2]', half <=> '[3,1,2]', half <+> '[3,1,2]' FROM items ORDER BY id
SELECT id FROM items WHERE embedding <=> '[1,2,3]' < 0.3 ORDER BY id
SELECT count(*) FROM items WHERE embedding <-> '[0,0,0]' BETWEEN 1 AND 4
SELECT round((embedding <-> '[1,2,3]')::numeric, 1) AS bucket, count(*) FROM items GROUP BY bucket ORDER BY bucket
SELECT category_id, min(embedding <-> '[1,2,3]'), max(embedding <-> '[1,2,3]') FROM items GROUP BY 1 ORDER BY 1
WITH r AS MATERIALIZED (SELECT id, embedding <-> '[1,2,3]' AS d FROM items WHERE category_id = 1 ORDER BY d LIMIT 5) SELECT * FROM r ORDER BY d + 0
WITH q AS (SELECT embedding v FROM items WHERE id = 1) SELECT items.id FROM items, q ORDER BY items.embedding <-> q.v, id LIMIT 5
SELECT a.id, b.id FROM items a CROSS JOIN LATERAL (SELECT id FROM items t WHERE t.id <> a.id ORDER BY t.embedding <-> a.embedding, t.id LIMIT 1) b ORDER BY a.id
SELECT i.id FROM (SELECT id, embedding <=> '[1,2,3]' AS distance FROM items WHERE category_id = 1 ORDER BY embedding <=> '[1,2,3]' LIMIT 2) i ORDER BY i.distance LIMIT 1
SELECT DISTINCT ON (category_id) category_id, id FROM items ORDER BY category_id, embedding <-> '[1,1,1]', id
SELECT category_id, id FROM items WHERE id IN (SELECT id FROM items ORDER BY embedding <-> '[4,5,6]' LIMIT 2) ORDER BY id
SELECT binary_quantize(embedding) FROM items ORDER BY id
SELECT id FROM items ORDER BY binary_quantize(embedding)::bit(3) <~> binary_quantize('[3,-2,1]'::vector), id
SELECT * FROM (SELECT id, embedding FROM items ORDER BY binary_quantize(embedding)::bit(3) <~> binary_quantize('[3,-2,1]'::vector), id LIMIT 5) x ORDER BY embedding <=> '[3,-2,1]', id LIMIT 3
SELECT B'1010' <~> B'1001', B'1010' <%> B'1001', hamming_distance(B'111', B'000'), jaccard_distance(B'1100', B'1000')
SELECT id FROM items ORDER BY subvector(embedding, 1, 2)::vector(2) <=> subvector('[1,2,3]'::vector, 1, 2), id
SELECT vector_dims(embedding), vector_norm(embedding), l2_normalize(embedding) FROM items ORDER BY id
SELECT vector_dims(half), l2_norm(half), l2_normalize(half), subvector(half, 2, 2), binary_quantize(half) FROM items ORDER BY id
SELECT l2_distance(embedding, '[1,1,1]'), inner_product(embedding, '[1,1,1]'), cosine_distance(embedding, '[1,1,1]'), l1_distance(embedding, '[1,1,1]') FROM items ORDER BY id
SELECT embedding + '[1,1,1]', embedding - '[1,1,1]', embedding * '[2,2,2]', embedding || '[9]' FROM items ORDER BY id
SELECT half + half, half - half, half * half, half || half FROM items WHERE id < 4 ORDER BY id
SELECT embedding = '[1,2,3]', embedding <> '[1,2,3]', embedding < '[1,2,3]', embedding >= '[1,2,3]' FROM items ORDER BY id
SELECT '[1,2,3]'::vector, '[ 1 , 2,3 ]'::vector(3), '[1e10,-1.5e-3,.5]'::vector, '[1.00000001]'::vector
SELECT '[1,2,3]'::vector::text, '[1,2,3]'::halfvec::text, '[0.1,0.2]'::halfvec, '[65504]'::halfvec, '[1e-8]'::halfvec
SELECT '[65520]'::halfvec
SELECT '[1,2,3]'::vector(2)
SELECT '[1,2]'::vector <-> '[1,2,3]'
SELECT '[1,2]'::vector + '[1,2,3]'
SELECT '[]'::vector
SELECT '[1,,2]'::vector
SELECT '[1,2'::vector
SELECT '1,2'::vector
SELECT '[a]'::vector
SELECT '[1e39]'::vector
SELECT '[NaN]'::vector
SELECT '[Infinity]'::vector
SELECT '[3e38]'::vector + '[3e38]'
SELECT '[1e20]'::vector * '[1e30]'
SELECT '{1,2,3}'::vector
SELECT ARRAY[1,2,3]::vector(3), ARRAY[1.5,2.5]::halfvec, ARRAY[1,2]::real[]::vector, ARRAY[1.0::float8]::vector
SELECT ARRAY[1,NULL]::vector
SELECT ARRAY[]::int[]::vector
SELECT ARRAY[1,2,3]::vector(2)
SELECT '[1,2]'::vector::real[], '[1,2]'::vector::float4[], ('[1,2]'::vector)::real[]
SELECT '[1,2,3]'::vector::halfvec(3)::vector(3)
SELECT vector_dims('[1,2,3]'), vector_norm('[3,4]')
SELECT vector_dims('[1,2,3]'::vector), vector_norm('[3,4]'), l2_normalize('[3,4]'::vector), l2_normalize('[0,0]'::vector)
SELECT subvector('[1,2,3,4,5]'::vector, 2, 3), subvector('[1,2,3]'::vector, -1, 4), subvector('[1,2,3]'::vector, 3, 10)
SELECT subvector('[1,2,3]'::vector, 4, 1)
SELECT l2_distance('[0,0]'::vector, '[3,4]'), inner_product('[1,2]'::vector, '[3,4]'), cosine_distance('[1,2]'::vector, '[2,4]'), l1_distance('[0,0]'::vector, '[3,4]')
SELECT cosine_distance('[1,1]'::vector, '[0,0]'), '[0,0]'::vector <=> '[0,0]'
SELECT '[1,2,3]'::vector = '[1,2,3]', '[1,2]'::vector < '[1,2,3]', '[1,2,3]'::vector > '[1,2]', '[1]'::vector = '[1,2]'
SELECT sum(v::vector), avg(v::vector) FROM (VALUES ('[1,2]'), ('[3,4]'), (NULL)) t(v)
SELECT avg(v::halfvec), sum(v::halfvec) FROM (VALUES ('[1,2]'), ('[3,4]')) t(v)
SELECT avg(v::vector) FROM (VALUES ('[1,2]'), ('[3]')) t(v)
SELECT count(DISTINCT embedding), min(embedding), max(embedding) FROM items
SELECT array_agg(embedding ORDER BY id)::text FROM items WHERE id < 3
SELECT embedding FROM items WHERE embedding IN ('[1,2,3]', '[1,1,1]') ORDER BY embedding
SELECT embedding FROM items UNION SELECT '[9,9,9]' ORDER BY 1
SELECT id FROM items WHERE embedding = ANY (ARRAY['[1,2,3]'::vector, '[0,0,0]'])  ORDER BY id
SELECT coalesce(embedding, '[0,0,0]') <-> '[1,1,1]' FROM items ORDER BY id
SELECT CASE WHEN id < 3 THEN embedding ELSE '[0,0,1]' END FROM items ORDER BY id
SELECT id, embedding <-> lag(embedding) OVER (ORDER BY id) FROM items ORDER BY id
SELECT id, rank() OVER (ORDER BY embedding <-> '[1,2,3]') FROM items ORDER BY id
SELECT a.id, b.id, a.embedding <-> b.embedding AS d FROM items a JOIN items b ON a.id < b.id AND a.embedding <-> b.embedding < 3 ORDER BY 1, 2
SELECT id, (embedding <=> '[1,2,3]')::float4, round((embedding <=> '[1,2,3]')::numeric, 4) FROM items WHERE id <> 5 ORDER BY id
SELECT id FROM items WHERE NOT (embedding <-> '[1,2,3]' > 1) ORDER BY id
SELECT id FROM items ORDER BY embedding <-> '[1,2]'
SELECT id FROM items ORDER BY embedding <-> '[1,2,x]'
SELECT id FROM items ORDER BY name <-> '[1,2,3]'
SELECT id, name FROM items ORDER BY embedding <-> '[4,5,6]', name LIMIT 3 OFFSET 1
SELECT id FROM nothing ORDER BY v <-> '[1,2,3]' LIMIT 3
SELECT avg(embedding) <-> '[1,2,3]' FROM items
SELECT round((embedding <-> avg(embedding) OVER ())::numeric, 5) FROM items ORDER BY id
SELECT sum(embedding <-> '[1,2,3]'), avg(1 - (embedding <=> '[1,2,3]')) FROM items WHERE id NOT IN (5, 6)
SELECT category_id, array_agg(id ORDER BY embedding <-> '[1,2,3]', id) FROM items GROUP BY 1 ORDER BY 1
SELECT extversion IS NOT NULL FROM pg_extension WHERE extname = 'vector'
SELECT v <-> v, v <=> v, v <#> v, v <+> v FROM every WHERE id <> 4 ORDER BY id
SELECT v <-> '[1,2,3]' FROM every WHERE id = 4
SELECT h <-> '[1,2,3]', h::vector <-> '[1,2,3]' FROM every ORDER BY id
WITH a AS (SELECT id, rank() OVER (ORDER BY embedding <=> '[1,2,3]', id) AS r FROM items ORDER BY embedding <=> '[1,2,3]', id LIMIT 4), b AS (SELECT id, rank() OVER (ORDER BY price DESC NULLS LAST, id) AS r FROM items ORDER BY price DESC NULLS LAST, id LIMIT 4) SELECT coalesce(a.id, b.id) AS id, coalesce(1.0 / (60 + a.r), 0.0) + coalesce(1.0 / (60 + b.r), 0.0) AS score FROM a FULL OUTER JOIN b ON a.id = b.id ORDER BY score DESC, id LIMIT 5
SELECT id FROM items WHERE name ILIKE '%eta%' OR embedding <-> '[1,2,3]' < 1 ORDER BY id
SELECT inner_product('[1,2]'::halfvec, '[3,4]'), l2_norm('[3,4]'::halfvec), vector_dims('[1]'::halfvec)
SELECT '[1,2]'::halfvec::vector, '[1,2]'::halfvec::real[], ARRAY[1,2]::halfvec(2), '[1,2]'::halfvec = '[1,2]', '[1,2]'::halfvec < '[1,3]'
SELECT array_to_vector(ARRAY[1,2,3], 3, true), vector_to_float4('[1,2]'::vector, 2, false)
SELECT vector_cmp('[1]', '[2]'), vector_spherical_distance('[1,0]'::vector, '[0,1]'), vector_negative_inner_product('[1]', '[2]'), vector_l2_squared_distance('[0,0]', '[3,4]')
