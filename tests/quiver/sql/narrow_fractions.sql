-- Numbers that halfvec and bf16vec both hold: run with halfvec by PostgreSQL, with bf16vec here.
SELECT '[0.5,-1.25,3e2]'::halfvec, '[1e-4]'::halfvec * '[0]', '[0.0009765625]'::halfvec
SELECT ARRAY[0.5,1.5]::halfvec, '[0.5,-0.125]'::vector::halfvec, '[0.5,-0.125]'::halfvec::real[], '[0.5,-0.125]'::halfvec::vector
SELECT l2_normalize('[3,0,0]'::halfvec), l2_normalize('[0,0]'::halfvec), l2_norm('[0.5,0.5]'::halfvec)
SELECT avg(v), sum(v) FROM (VALUES ('[1,2.5]'::halfvec), ('[3,4.5]'), (NULL)) t(v)
SELECT g, avg(v), sum(v) FROM (VALUES (1, '[1,2]'::halfvec), (1, '[2,4]'), (2, '[0.25,8]'), (3, NULL)) t(g, v) GROUP BY g ORDER BY g
SELECT sum(v) OVER (ORDER BY g) FROM (VALUES (1, '[1,2]'::halfvec), (2, '[2,4]')) t(g, v)
SELECT avg(v) FROM (VALUES ('[1,2]'::halfvec), ('[3]')) t(v)
SELECT sum(v) FROM (VALUES ('[1,2]'::halfvec), ('[3]')) t(v)
SELECT avg(v), sum(v) FROM (SELECT '[1]'::halfvec WHERE false) t(v)
SELECT halfvec_avg('{2,3,5}'), halfvec_avg('{0}')
SELECT '[0.5,1]'::halfvec <-> '[0,0]', '[0.5,1]'::halfvec <#> '[2,4]', '[0.5,1]'::halfvec <+> '[-0.5,0]', '[0.5,1]'::halfvec <=> '[1,2]'
SELECT '[0.5,1]'::halfvec + '[0.25,2]', '[0.5,1]'::halfvec * '[0.5,-3]', '[0.5,1]'::halfvec || '[2.75]'
SELECT v FROM (VALUES ('[-0.5]'::halfvec), ('[-0.25]'), ('[0]'), ('[0.125]'), ('[-1,5]')) t(v) ORDER BY v
SELECT ARRAY['[-0.5]', '[0.25]']::halfvec[] < ARRAY['[-0.25]']::halfvec[], a, a[1], array_position(a, '[0.5]') FROM (VALUES (ARRAY['[-0.5]', '[0.5]']::halfvec[]), (ARRAY['[-0.25]']::halfvec[]), (ARRAY['[3]']::halfvec[])) t(a) ORDER BY a
SELECT min(x), max(x) FROM (VALUES (ARRAY['[-0.5]', '[0.5]']::halfvec[]), (ARRAY['[-0.25]']::halfvec[])) t(x)
SELECT binary_quantize('[0.5,-0.5,0,0.001]'::halfvec), subvector('[0.5,1.5,2.5]'::halfvec, 2, 2)
SELECT '[-0]'::halfvec, '[-0]'::halfvec = '[0]', count(DISTINCT v) FROM (VALUES ('[-0]'::halfvec), ('[0]')) t(v)
SELECT '[0.5]'::halfvec::text, to_json('[0.5,1]'::halfvec)
SELECT l2_normalize(l2_normalize('[0,5]'::halfvec))
