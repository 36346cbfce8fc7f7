-- money: literals, casts, arithmetic, words, columns, keys, arrays
SELECT '$1,234.56'::money, money '-12.345', '(1.5)'::money, '12'::money::text, '-$0.05'::money, ''::money
SELECT 'twelve'::money
SELECT '92233720368547758.08'::money
SELECT 12.345::numeric::money, 12::money, 12::bigint::money, -0.005::numeric::money, '$12.30'::money::numeric, '$12.30'::money::numeric(10,1), money(12.5), money(3), "numeric"('$1.50'::money)
SELECT 12::smallint::money
SELECT 1e20::numeric::money
SELECT 'NaN'::numeric::money
SELECT 1.5::float8::money
SELECT '$1.50'::money + '$2.25', '$1.50'::money - '$2.25', '$1.50'::money * 3, 3 * '$1.50'::money, '$1.50'::money * 2.5::float8, '$1.55'::money * 1.5::real, 2::smallint * '$1.55'::money, '$1.55'::money * 10000000000, '$10.00'::money / 3, '$10.00'::money / 3.0::float8, '-$10.00'::money / 3::bigint, '$10.00'::money / '$4.00'::money, '$10.00'::money / 4::real, 1.5::real * '$1.55'::money
SELECT '$1.50'::money * 2.5
SELECT '$1'::money / 0
SELECT '$1'::money / 0::float8
SELECT '$1'::money / '$0'::money
SELECT cash_words('$0'), cash_words('$1.01'), cash_words('-$1234567.89'), cash_words('$20.20'), cash_words('$110.11'), cash_words('$21.30'), cash_words('$1,000,000.00'), cash_words('$92233720368547758.07'), cash_words('$305.15'), cash_words('$120.00')
SELECT '$1'::money < '$2', '$1.00'::money = '$1', '$1'::money IN ('$1', '$3'), cash_cmp('$1', '$2'), greatest('$1'::money, '$3'), '-$1'::money < '$0', abs(1), '$1'::money = 1
SELECT ARRAY['$1', NULL]::money[], '{$1.50,"$1,000.00"}'::money[], ARRAY['$1'::money] || '$2'::money, '$1'::money = ANY ('{$1,$2}'::money[]), to_json('$1.50'::money), format('%s', '$1.5'::money), '$1'::money || '!'
SELECT round('$1.55'::money::numeric, 1), coalesce(NULL::money, '$1')
CREATE TABLE prices (id int PRIMARY KEY, p money UNIQUE, d money DEFAULT 5)
INSERT INTO prices VALUES (1, '$10.50'), (2, 7), (3, 3.995), (4, NULL), (5, '-$2.00', NULL)
INSERT INTO prices VALUES (6, '10.5')
INSERT INTO prices VALUES (6, 1.5::float8)
SELECT * FROM prices ORDER BY p, id
SELECT id FROM prices WHERE p = '$7.00'
SELECT id FROM prices WHERE p > '$1'::money AND p < '$10.00' ORDER BY id
SELECT sum(p), min(p), max(p), count(DISTINCT p), array_agg(p ORDER BY p) FROM prices
SELECT avg(p) FROM prices
SELECT sum(p) FILTER (WHERE id > 9), sum(p * id) FROM prices
SELECT id, p * 2, p / 3, p::numeric, p::text, p + d, sum(p) OVER (ORDER BY id) FROM prices ORDER BY id
SELECT d, count(*), sum(p) FROM prices GROUP BY d ORDER BY d
UPDATE prices SET p = p * 1.1::float8 WHERE p > '$5'
SELECT id, p FROM prices ORDER BY p DESC NULLS LAST
CREATE INDEX ON prices (p)
SELECT a.id, b.id FROM prices a JOIN prices b ON a.p > b.p ORDER BY 1, 2
SELECT column_name, data_type, udt_name, numeric_precision FROM information_schema.columns WHERE table_name = 'prices' ORDER BY 1
SELECT typname, typlen, typbyval, typcategory, typinput::text FROM pg_type WHERE typname IN ('money', '_money') ORDER BY 1
DROP TABLE prices
