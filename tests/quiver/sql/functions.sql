-- Functions and operators over constants, one group a line.
SELECT 2147483648, -2147483648, -(-2147483648), 9223372036854775807, 9223372036854775808, pg_typeof(-2147483648)
SELECT - 2147483648::int8, (-2147483648)::int, abs((-2147483648)::int)
SELECT -32768::int2
SELECT (-32768)::int2, abs((-32768)::int2)
SELECT (-2147483648)::int / -1
SELECT (-2147483648)::int % -1
SELECT (-9223372036854775808)::int8 / -1
SELECT (-9223372036854775808)::int8 % -1
SELECT - ((-9223372036854775807)::int8 - 1)
SELECT 2147483647 + 1
SELECT 2147483647 * 2
SELECT -2147483647 - 2
SELECT 32767::int2 + 1::int2
SELECT 9223372036854775807 + 1
SELECT 9223372036854775807 * 2
SELECT 1 / 0
SELECT 1 % 0
SELECT 1.0 / 0
SELECT 1.0 % 0
SELECT 1::float8 / 0
SELECT 1e308::float8 * 10
SELECT 1e-308::float8 / 1e300
SELECT 3e38::float4 * 10
SELECT 'Infinity'::float8 - 'Infinity', 'NaN'::float8 + 1, -'Infinity'::float8, 0::float8 * -1
SELECT 'NaN'::float8 = 'NaN', 'NaN'::float8 > 'Infinity', 'NaN'::float4 < 1
SELECT 5 / 2, -5 / 2, 5 % -3, -5 % 3, 5.0 / 2, 5 / 2.0, 5::float4 / 2
SELECT 1 / 3.0, 2 / 3.0, 10.0 / 3, 1.000 / 3, 1e10 / 3.0, 0.0001 / 3
SELECT 0.1 + 0.2, 1.10 + 2.2, 1.5 * 1.5, 3.0 - 3.00, 7.5 % 2, -7.5 % 2
SELECT 1e20, 1e-5, 1.50, 123456789012345678901234567890, .5, 5.
SELECT 2 ^ 10, 2 ^ 0.5, 2.0 ^ 3, 2::float8 ^ 3, 4 ^ -1, 0 ^ 0
SELECT 2.0 ^ 0.5, 10.0 ^ -2, 1.5 ^ 10, 0.5 ^ 100, 2 ^ 100.0
SELECT 0.0 ^ -1
SELECT (-8.0) ^ 0.5
SELECT (-8)::float8 ^ 0.5
SELECT power(2, 3), power(2.5, 2), power(2::numeric, 0.5), pow(3, 2)
SELECT sqrt(2), sqrt(2.0), sqrt(2::numeric), |/ 16.0, round(||/ 27.0), @ -5
SELECT sqrt(-1)
SELECT exp(1), exp(1.0), ln(2), ln(2.0), log(100), log(100.0), log(2, 64), log10(1000)
SELECT exp(100.0), exp(-5.5), ln(0.5), ln(123456.789), log(10.0, 1000), log(2.0, 10)
SELECT ln(0)
SELECT ln(-1.5)
SELECT log(0.0)
SELECT div(7, 2), div(-7.5, 2), div(9.0, 0.4), mod(7, -3), mod(7.5, 2), gcd(12, 18), lcm(4, 6), factorial(5)
SELECT div(1, 0)
SELECT round(2.5), round(-2.5), round(2.5::float8), round(3.5::float8), round(2.345, 2), round(1234.5, -2), round(1e20)
SELECT trunc(2.7), trunc(-2.7), trunc(2.567, 2), trunc(1234, -2), ceil(1.2), ceil(-1.2), ceiling(1.2::float8), floor(-1.2)
SELECT abs(-1.5), abs(-1), sign(-2.5), sign(0), sign(3::float8), pi(), degrees(pi()), radians(180)
SELECT sin(1), cos(1), tan(1), asin(1), acos(1), atan(1), atan2(1, 2)
SELECT cot(1)
SELECT sind(30), cosd(60), tand(45), asind(0.5), acosd(0.5), atand(1), atan2d(1, 1)
SELECT asin(2)
SELECT width_bucket(5.35, 0.024, 10.06, 5), width_bucket(5::float8, 0, 10, 5), width_bucket(15, 0, 10, 5), width_bucket(-1, 0, 10, 5), width_bucket(3, ARRAY[1,3,5])
SELECT scale(1.500), min_scale(1.500), trim_scale(1.500), numeric_inc(1.5)
SELECT 5 & 3, 5 | 3, 5 # 3, ~5, 1 << 4, 256 >> 2, 1::int8 << 40, -1 >> 1
SELECT 1 < 2, 1 <= 1.0, 1 <> 2, 1 != 1, 'a' < 'b', true > false, NULL = NULL
SELECT 5 BETWEEN 1 AND 10, 5 NOT BETWEEN 6 AND 10, 5 BETWEEN SYMMETRIC 10 AND 1
SELECT greatest(1, 2.5, NULL), least('a', 'b'), greatest(NULL, NULL), least(DATE '2024-01-01', '2023-01-01')
SELECT num_nulls(1, NULL, 2), num_nonnulls(1, NULL, 2)
SELECT bool 'yes', 'off'::bool, '1'::bool, 'tr'::bool, true::int, 0::bool, 5::bool, 'f'::bool::text
SELECT 'maybe'::bool
SELECT '12abc'::int
SELECT ''::int
SELECT ' 12 '::int, '-0'::int, '+5'::int, '0x10'::int, '1_000'::int
SELECT '99999999999'::int
SELECT '40000'::int2
SELECT 40000::int2
SELECT 1e10::int
SELECT 2.5::int, 3.5::int, -2.5::int, 2.5::float8::int, 3.5::float8::int, '1e3'::float8::int
SELECT 'NaN'::numeric, 'Infinity'::numeric, '-inf'::numeric, 'nan'::float4, '1e400'::numeric > 0
SELECT 1e400::numeric > 1
SELECT '1e400'::float8
SELECT '1e-400'::float8
SELECT 1.5::numeric(3,1), 1.25::numeric(3,1), 99.99::numeric(4,1), 12345::numeric(5,-2), 1.005::numeric(10,2)
SELECT 100::numeric(4,2)
SELECT 0.1::float4, 0.1::float4::float8, 1e10::float4, 16777217::float4, 1.17e-38::float4, 123456789::float8, 1e15::float8, 1e16::float8, 1e-5::float8
SELECT 123456.789::text, 1e-7::float8::text, (1::float8/3)::text, (-0.0::float8)::text, 1e22::float8::text
SELECT length('héllo'), char_length('日本'), octet_length('日本'), bit_length('é'), length(''), length('a  '::char(5))
SELECT upper('straße'), lower('ÀÉ'), initcap('hello wORLD foo-bar x2y'), upper('ǆ')
SELECT trim('  a '), ltrim('xxa', 'x'), rtrim('abb', 'b'), btrim('xyax', 'xy'), trim(both 'x' from 'xax'), trim(leading from '  a'), trim(trailing 'a' from 'baa')
SELECT lpad('5', 3, '0'), rpad('5', 3, 'ab'), lpad('hello', 2), lpad('a', 5, ''), rpad('é', 3)
SELECT substring('hello' from 2 for 3), substring('hello', 2), substring('hello' from 'l+'), substr('hello', -1, 4), substring('hello' from 0 for 3), substring('foobar' from 'o(.)b')
SELECT substring('hello', 2, -1)
SELECT left('hello', 2), left('hello', -2), right('hello', 2), right('hello', -2), left('é日', 1)
SELECT position('l' in 'hello'), strpos('hello', 'z'), position('' in 'a')
SELECT replace('aaa', 'a', 'bb'), translate('hello', 'el', 'ip'), translate('12345', '143', 'ax'), reverse('héllo'), repeat('ab', 3), repeat('a', -1)
SELECT overlay('hello' placing 'XX' from 2 for 3), overlay('hello' placing 'X' from 2)
SELECT split_part('a,b,c', ',', 2), split_part('a,b,c', ',', -1), split_part('a,b,c', ',', 9), split_part('abc', '', 1)
SELECT split_part('a,b', ',', 0)
SELECT string_to_array('a,b,c', ','), string_to_array('abc', NULL), string_to_array('', ','), string_to_array('a,,b', ',', ''), string_to_array('abc', '')
SELECT array_to_string(ARRAY[1,NULL,3], ','), array_to_string(ARRAY[1,NULL,3], ',', '*'), array_to_string(ARRAY['a','b'], '')
SELECT string_to_table('a,b', ','), regexp_split_to_table('a1b2c', '\d')
SELECT ascii('a'), ascii('é'), ascii(''), chr(65), chr(8364), to_hex(255), to_hex(-1), md5('abc')
SELECT chr(0)
SELECT concat('a', 1, NULL, true, 1.5), concat_ws(',', 'a', NULL, 'b'), concat_ws(NULL, 'a'), concat()
SELECT format('%s %I %L', 'a', 'b c', 'd''e'), format('%2$s %1$s', 'a', 'b'), format('%%'), format('[%5s][%-5s]', 'a', 'b'), format('%s', NULL)
SELECT format('%x', 1)
SELECT quote_ident('Ab'), quote_ident('ab'), quote_literal('a''b'), quote_nullable(NULL), quote_literal(E'a\\b'), quote_ident('select')
SELECT starts_with('hello', 'he'), 'hello' ^@ 'he', 'abc' LIKE 'a_c', 'a%c' LIKE 'a\%c', 'abc' LIKE 'a%' ESCAPE '!', 'a!c' LIKE 'a!!c' ESCAPE '!'
SELECT 'abc' LIKE 'a\'
SELECT 'abc' ~ 'b', 'abc' ~ '^b', 'ABC' ~* 'b', 'abc' !~ 'z', 'abc' !~* 'B', 'abc' ~ '(a|b)c?', 'a.c' ~ 'a\.c', 'foo123' ~ '\d{3}$', 'x' ~ '[[:alpha:]]'
SELECT 'abc' ~ '('
SELECT 'abc' SIMILAR TO '_b_', 'abc' SIMILAR TO 'a', 'abc' NOT SIMILAR TO '%(b|d)%', 'a|c' SIMILAR TO 'a\|c'
SELECT regexp_replace('foobar', 'o', 'x'), regexp_replace('foobar', 'o', 'x', 'g'), regexp_replace('foobar', '(o)(b)', '\2\1'), regexp_replace('FOO', 'o', 'x', 'gi')
SELECT regexp_match('foobar', '(o+)(b)'), regexp_match('foo', 'z'), regexp_matches('foobar', 'o'), regexp_split_to_array('a, b,c', ',\s*')
SELECT regexp_count('foobar', 'o'), regexp_like('foobar', 'O', 'i'), regexp_substr('foobar', 'o+')
SELECT regexp_instr('foobar', 'b')
SELECT regexp_matches('a1b2', '[a-z]\d', 'g')
SELECT 'a' || 'b', 'a' || 1, 1 || 'a', 'a' || NULL, 'a' || true, 'a' || 1.5, 'é' || '日'
SELECT 'abc' COLLATE "C" < 'abd', 'a' < 'B' COLLATE "C"
SELECT E'a\nb', E'\x41', E'\u00e9', U&'\0041', $$a'b$$, $x$a$$b$x$, 'it''s'
SELECT 'abc'::varchar(2), 'abc'::char(2), 'abc'::char, 'abc'::"char", 'a'::char(3) || 'b', cast('abc' as varchar)
SELECT encode('\x00ff'::bytea, 'hex'), encode('abc'::bytea, 'base64'), encode('\x00ff41'::bytea, 'escape'), decode('00ff', 'hex'), decode('YWJj', 'base64'), convert_from('\xc3a9'::bytea, 'UTF8'), convert_to('é', 'UTF8')
SELECT decode('0', 'hex')
SELECT '\x6162'::bytea, 'ab\000c'::bytea, length('\x6162'::bytea), '\x61'::bytea || '\x62', substring('\x616263'::bytea from 2 for 1), get_byte('\x6162'::bytea, 1), set_byte('\x6162'::bytea, 0, 65), position('\x62'::bytea in '\x6162'), md5('\x61'::bytea), sha256('abc'::bytea), overlay('\x6162'::bytea placing '\x63' from 1)
SELECT trim('\x00'::bytea from '\x006100'::bytea), btrim('\x006100'::bytea, '\x00'), bit_count('\xff01'::bytea), get_bit('\x01'::bytea, 0), set_bit('\x00'::bytea, 1, 1), reverse('abc')
SELECT '\xzz'::bytea
SELECT B'101', B'101' & B'110', B'101' | B'110', B'101' # B'110', ~ B'101', B'101' << 1, B'101' >> 1, B'10' || B'01', X'1F'
SELECT B'101' & B'1'
SELECT length(B'1010'), bit_length(B'101'), octet_length(B'101010101'), substring(B'11001' from 2 for 2), position(B'01' in B'1101'), overlay(B'1111' placing B'00' from 2), get_bit(B'100', 0), set_bit(B'100', 1, 1), bit_count(B'1011')
SELECT 5::bit(8), (-1)::bit(4), B'101'::int, B'101'::bigint, 44::bit(3), B'1'::bit(3), B'11111'::bit(3), B'101'::varbit(2), '101'::bit(3), B'101'::text
SELECT '1010'::bit(3)
SELECT '12'::bit(2)
SELECT B'101' = B'101', B'101' < B'11', B'101'::varbit = B'1010'::varbit
SELECT '550e8400-e29b-41d4-a716-446655440000'::uuid, '{550E8400-E29B-41D4-A716-446655440000}'::uuid, '550e8400e29b41d4a716446655440000'::uuid
SELECT 'zz'::uuid
SELECT length(gen_random_uuid()::text), gen_random_uuid() <> gen_random_uuid()
SELECT DATE '2024-01-15' + 1, DATE '2024-01-15' - 1, DATE '2024-03-01' - DATE '2024-02-01', DATE '2024-01-15' + TIME '10:00', DATE '2024-01-31' + INTERVAL '1 month'
SELECT TIMESTAMP '2024-01-15 10:00' + INTERVAL '1 day 2 hours', TIMESTAMP '2024-01-15' - INTERVAL '1 year', TIMESTAMP '2024-01-15' - TIMESTAMP '2023-12-31 12:00', TIME '10:00' + INTERVAL '3 hours', TIME '23:00' + INTERVAL '2 hours'
SELECT TIMESTAMPTZ '2024-01-15 10:00+02', TIMESTAMPTZ '2024-01-15 10:00+02' AT TIME ZONE 'UTC', TIMESTAMP '2024-07-01 12:00' AT TIME ZONE 'Europe/Berlin', TIMESTAMPTZ '2024-07-01 12:00+00' AT TIME ZONE 'America/New_York'
SELECT TIMESTAMPTZ '2024-03-31 00:30+00' + INTERVAL '1 day', TIMESTAMPTZ '2024-01-31 00:00+00' + INTERVAL '1 month', TIME '10:00' - TIME '08:30'
SELECT age(TIMESTAMP '2024-03-01', TIMESTAMP '2023-01-15'), age(DATE '2024-03-01', DATE '2024-02-01'), age(TIMESTAMP '2023-01-15', TIMESTAMP '2024-03-01 12:30'), age(TIMESTAMPTZ '2024-01-31', '2024-02-29')
SELECT age(TIMESTAMP '2024-05-31', TIMESTAMP '2024-02-29'), age(TIMESTAMP '2000-02-29', TIMESTAMP '1999-03-01 00:00:01')
SELECT date_trunc('year', TIMESTAMP '2024-05-17 13:14:15.678'), date_trunc('quarter', TIMESTAMP '2024-05-17'), date_trunc('week', DATE '2024-05-17'), date_trunc('hour', TIMESTAMPTZ '2024-05-17 13:14+02'), date_trunc('day', TIMESTAMPTZ '2024-05-17 13:14+02', 'Asia/Tokyo'), date_trunc('decade', TIMESTAMP '2024-05-17'), date_trunc('century', TIMESTAMP '2024-05-17'), date_trunc('milliseconds', TIMESTAMP '2024-05-17 13:14:15.678901')
SELECT date_trunc('fortnight', TIMESTAMP '2024-05-17')
SELECT date_trunc('hour', INTERVAL '3 days 02:47:33'), date_trunc('month', INTERVAL '1 year 3 months 5 days')
SELECT extract(year FROM DATE '2024-05-17'), extract(epoch FROM TIMESTAMP '2024-01-01 00:00:01.5'), extract(dow FROM DATE '2024-05-19'), extract(isodow FROM DATE '2024-05-19'), extract(week FROM DATE '2024-12-30'), extract(isoyear FROM DATE '2024-12-30'), extract(doy FROM DATE '2024-12-31'), extract(quarter FROM DATE '2024-05-17')
SELECT extract(hour FROM TIME '10:20:30.5'), extract(second FROM TIME '10:20:30.5'), extract(milliseconds FROM TIMESTAMP '2024-01-01 00:00:30.5'), extract(microseconds FROM TIME '00:00:01'), extract(century FROM DATE '2024-01-01'), extract(millennium FROM DATE '2024-01-01'), extract(decade FROM DATE '2024-01-01'), extract(julian FROM DATE '2024-01-01'), extract(timezone FROM TIMESTAMPTZ '2024-01-01 00:00+00')
SELECT extract(day FROM INTERVAL '40 days 1 hour'), extract(epoch FROM INTERVAL '1 day 1 second'), extract(month FROM INTERVAL '14 months'), date_part('year', INTERVAL '14 months'), date_part('minute', TIMESTAMP '2024-01-01 10:20')
SELECT extract(nope FROM DATE '2024-01-01')
SELECT date_bin('15 minutes', TIMESTAMP '2024-01-01 10:22', TIMESTAMP '2000-01-01'), date_bin('1 day', TIMESTAMPTZ '2024-01-01 10:22+00', '2000-01-01 06:00+00'), date_bin('7 days', TIMESTAMP '1999-01-01', TIMESTAMP '2000-01-01')
SELECT date_bin('1 month', TIMESTAMP '2024-01-01', TIMESTAMP '2000-01-01')
SELECT date_bin('0 days', TIMESTAMP '2024-01-01', TIMESTAMP '2000-01-01')
SELECT (DATE '2024-01-01', DATE '2024-02-01') OVERLAPS (DATE '2024-01-15', DATE '2024-03-01'), (DATE '2024-01-01', INTERVAL '10 days') OVERLAPS (DATE '2024-01-11', INTERVAL '1 day'), (TIME '10:00', TIME '11:00') OVERLAPS (TIME '11:00', TIME '12:00'), (TIMESTAMP '2024-01-01', NULL) OVERLAPS (TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-02')
SELECT INTERVAL '1' YEAR
SELECT INTERVAL '1 year 2 months 3 days 04:05:06.789', INTERVAL '90 minutes', INTERVAL '-1 day', INTERVAL 'P1Y2M', INTERVAL '1.5 hours', '1 week'::interval
SELECT INTERVAL '1 day' * 2.5, INTERVAL '1 month' / 2, INTERVAL '1 day' + INTERVAL '25 hours', -INTERVAL '1 day 2 hours', INTERVAL '1 month' = INTERVAL '30 days', INTERVAL '1 day' < INTERVAL '25 hours'
SELECT justify_days(INTERVAL '35 days'), justify_hours(INTERVAL '27 hours'), justify_interval(INTERVAL '1 mon -1 hour'), justify_interval(INTERVAL '40 days 30 hours')
SELECT make_date(2024, 2, 29), make_time(10, 20, 30.5), make_timestamp(2024, 1, 2, 3, 4, 5.6), make_interval(days => 3, hours => 2), make_interval(1, 2), make_timestamptz(2024, 1, 2, 3, 4, 5.6, 'UTC')
SELECT make_date(2023, 2, 29)
SELECT to_timestamp(0), to_timestamp(1700000000.5), to_timestamp('NaN'::float8) IS NULL
SELECT isfinite(DATE 'infinity'), isfinite(TIMESTAMP '2024-01-01'), isfinite(INTERVAL '1 day'), DATE 'infinity' > DATE '9999-12-31', TIMESTAMP '-infinity' < TIMESTAMP '0001-01-01'
SELECT 'epoch'::timestamp, 'Jan 5, 2024'::date, '20240105'::date, '2024-1-5'::date, 'January 5 2024'::date, '5 Jan 2024'::date, '2024.05'::date
SELECT '2024-02-30'::date
SELECT '2024-13-01'::date
SELECT 'foo'::date
SELECT '25:00'::time
SELECT '2024-01-01 10:00:60'::timestamp, '2024-01-01T10:00:00Z'::timestamptz, '2024-01-01 10:00:00.1234567'::timestamp, '2024-01-01 10:00 PST'::timestamptz, '2024-01-01 10:00 Europe/Paris'::timestamptz, '10:30 PM'::time, '103000'::time
SELECT '2024-01-01 10:00:00.987654'::timestamp(3), '10:00:00.56'::time(1), '2024-01-01 10:00:00.5'::timestamp(0), '2024-01-01 10:00:00.987654+00'::timestamptz(2)
SELECT now() = current_timestamp, current_date = now()::date, localtimestamp = now()::timestamp, clock_timestamp() >= now(), localtime IS NOT NULL
SELECT current_time IS NOT NULL
SELECT to_char(TIMESTAMP '2024-01-05 13:04:05.678', 'YYYY-MM-DD HH24:MI:SS.MS'), to_char(TIMESTAMP '2024-01-05 13:04:05', 'Day, DD Mon YYYY HH12:MI AM'), to_char(DATE '2024-01-05', 'YYYY"-Q"Q'), to_char(TIMESTAMP '2024-01-05 13:04:05.678901', 'US FF3 SSSS J WW IW D ID DDD CC')
SELECT to_char(TIMESTAMP '2024-01-05 03:04:05', 'FMDay FMDD FMMonth FMHH12:FMMI'), to_char(DATE '2024-08-09', 'Month MONTH month Mon MON mon DAY day Dy DY dy'), to_char(DATE '2024-08-09', 'YY Y,YYY YYY Y IYYY RM rm'), to_char(DATE '2024-08-02', 'DDth FMDDth DDTH'), to_char(DATE '0044-03-15 BC', 'YYYY BC')
SELECT to_char(TIMESTAMPTZ '2024-01-05 13:04:05+00', 'YYYY-MM-DD"T"HH24:MI:SSOF TZ TZH:TZM tz'), to_char(INTERVAL '15 hours 2 minutes 12 seconds', 'HH24:MI:SS'), to_char(INTERVAL '3 days 25 hours', 'DD HH24 HH12'), to_char(TIME '10:20:30', 'HH:MI pm')
SELECT to_char(TIMESTAMP 'infinity', 'YYYY'), to_char(NULL::timestamp, 'YYYY'), to_char(DATE '2024-01-01', ''), to_char(DATE '2024-01-01', 'foo bar'), to_char(DATE '2024-01-01', '"quoted YYYY" YYYY')
SELECT to_char(1234.5, '9,999.99'), to_char(125, '999'), to_char(12, '000'), to_char(-12, '999'), to_char(0.5, '0.99'), to_char(0.5, '9.99'), to_char(1234567.891, 'FM9,999,999.00'), to_char(12.3, 'FM990.0'), to_char(485, '999MI'), to_char(-485, '999MI'), to_char(-485, '999PR'), to_char(485, 'S999'), to_char(485, 'PL999')
SELECT to_char(12345, '999'), to_char(1.5::float8, '9.9'), to_char(148.5, '999.999'), to_char(0, '999'), to_char(0, 'FM999'), to_char(0.1, 'FM9.9'), to_char(12, '99V99'), to_char(5, 'RN'), to_char(482, 'FMRN'), to_char(482, '999th'), to_char(0.00012, '9.9EEEE'), to_char(1234, 'L9999'), to_char(12, '9 9 9'), to_char(12::int8, '99'), to_char(1.4::float4, '9D9')
SELECT to_char(1234.5678, 'FM999999990.00'), to_char(-0.01, '0.0'), to_char(99.995, '99.99'), to_char(1000000, '999,999,999'), to_char(12, '0999'), to_char('NaN'::float8, '999'), to_char(42, '"Good number:"999'), to_char(-1, '0000'), to_char(1e10::float8, '99999999999'), to_char(12, 'FM0099.90')
SELECT to_date('05 Dec 2000', 'DD Mon YYYY'), to_date('2024-01-05', 'YYYY-MM-DD'), to_date('20240105', 'YYYYMMDD'), to_date('2024-005', 'YYYY-DDD'), to_date('5/1/24', 'DD/MM/YY'), to_date('January 5, 2024', 'Month DD, YYYY')
SELECT to_timestamp('2024-01-05 13:04', 'YYYY-MM-DD HH24:MI'), to_timestamp('05 Dec 2000 10:11:12 PM', 'DD Mon YYYY HH12:MI:SS PM'), to_timestamp('2024-01-05 13:04:05.678', 'YYYY-MM-DD HH24:MI:SS.MS'), to_timestamp('2024-01-05T10:00:00', 'YYYY-MM-DD"T"HH24:MI:SS')
SELECT to_date('abc', 'YYYY-MM-DD')
SELECT to_date('2024-13-01', 'YYYY-MM-DD')
SELECT to_date('2024-02-30', 'YYYY-MM-DD')
SELECT to_number('1,234.5', '9G999D9'), to_number('12,454.8-', '99G999D9S'), to_number('-1234', '9999'), to_number('$12.50', 'L99.99'), to_number('12', '99999'), to_number('<12>', '99PR')
SELECT to_number('abc', '999')
SELECT ARRAY[1,2,3], ARRAY['a',NULL], ARRAY[]::int[], '{1,2}'::int[], '{"a b",c,"NULL",NULL}'::text[], ARRAY[1.5, 2], ARRAY[1, 2.5]
SELECT (ARRAY[1,2,3])[2], (ARRAY[1,2,3])[1:2], ('{a,b}'::text[])[1], (ARRAY[1,2,3])[5]
SELECT ARRAY[1,2] || 3, 0 || ARRAY[1,2], ARRAY[1] || ARRAY[2], ARRAY[1,2] || '{3}', ARRAY[1] || NULL::int[], array_append(ARRAY[1], NULL)
SELECT ARRAY[1,2] = ARRAY[1,2], ARRAY[1,2] < ARRAY[1,3], ARRAY[1,2] @> ARRAY[1], ARRAY[1] <@ ARRAY[1,2], ARRAY[1,2] && ARRAY[2,3], ARRAY[1,NULL] = ARRAY[1,NULL], ARRAY[]::int[] = '{}'
SELECT array_length(ARRAY[1,2], 1), array_length(ARRAY[]::int[], 1), cardinality(ARRAY[]::int[]), array_upper(ARRAY[1,2], 1), array_lower(ARRAY[1,2], 1), array_ndims(ARRAY[1]), array_dims(ARRAY[1,2]), array_dims('{}'::int[]), array_length(ARRAY[1], 2)
SELECT array_position(ARRAY['a','b'], 'b'), array_positions(ARRAY[1,2,1], 1), array_remove(ARRAY[1,NULL,1], NULL), array_replace(ARRAY[1,2], 2, 9), array_prepend(0, ARRAY[1]), array_cat(ARRAY[1], ARRAY[2]), array_position(ARRAY[1,2], 9)
SELECT array_fill(7, ARRAY[3]), array_fill('x'::text, ARRAY[2]), array_fill(NULL::int, ARRAY[2]), array_fill(1, ARRAY[0]), trim_array(ARRAY[1,2,3], 1)
SELECT array_fill(1, ARRAY[-1])
SELECT trim_array(ARRAY[1,2], 3)
SELECT ARRAY[1,2,3]::text, ARRAY['a,b', 'c"d', '', NULL, 'NULL', ' x']::text[], ARRAY[true,false], ARRAY[DATE '2024-01-01'], ARRAY[1.50, 2], ARRAY['\x00ff'::bytea], ARRAY[TIMESTAMP '2024-01-01']
SELECT '{1,2'::int[]
SELECT '{1,a}'::int[]
SELECT '[1,2]'::int[]
SELECT '[0:1]={1,2}'::int[]
SELECT ARRAY[1,'a']
SELECT 1 = ANY (ARRAY[1,2]), 1 = ALL (ARRAY[1,1]), 1 > ANY ('{}'::int[]), 1 > ALL ('{}'::int[]), NULL = ANY (ARRAY[1]), 3 = ANY (ARRAY[1,NULL])
SELECT ARRAY[[1,2],[3,4]]
SELECT '{{1,2},{3,4}}'::int[]
SELECT '{"b":1, "a":2, "a":3}'::jsonb, '{"b":1, "a":2}'::json, '[1, 2.50, "x", null, true]'::jsonb, ' "x" '::jsonb, '1e2'::jsonb, '1.0'::jsonb, '-0'::jsonb
SELECT '{"a":'::jsonb
SELECT '{a:1}'::json
SELECT 'nope'::jsonb
SELECT '{"a":{"b":[1,2]}}'::jsonb -> 'a' -> 'b' -> 0, '{"a":1}'::jsonb ->> 'a', '{"a":null}'::jsonb ->> 'a', '{"a":null}'::jsonb -> 'a', '[1,2]'::jsonb -> -1, '{"a":[1,{"b":2}]}'::jsonb #>> '{a,1,b}'
SELECT '{"a":1,"b":2}'::jsonb @> '{"a":1}', '[1,2,3]'::jsonb @> '[3,1]', '{"a":1}'::jsonb <@ '{"a":1,"b":2}', '{"a":1}'::jsonb ? 'a', '["a","b"]'::jsonb ?| ARRAY['x','a'], '["a","b"]'::jsonb ?& ARRAY['a','b'], '[1]'::jsonb @> '1'
SELECT '{"a":1}'::jsonb || '{"b":2}', '[1]'::jsonb || '[2]', '[1]'::jsonb || '2', '{"a":1}'::jsonb || '{"a":2}', '1'::jsonb || '2', '{"a":1}'::jsonb || '[1]'
SELECT '{"a":1,"b":2}'::jsonb - 'a', '[1,2,3]'::jsonb - 1, '[1,2,3]'::jsonb - -1, '{"a":1,"b":2,"c":3}'::jsonb - ARRAY['a','c'], '["a","b"]'::jsonb - 'a', '{"a":{"b":1,"c":2}}'::jsonb #- '{a,b}', '[1,[2,3]]'::jsonb #- '{1,0}'
SELECT '{"a":1}'::jsonb - 1
SELECT '1'::jsonb - 'a'
SELECT jsonb_set('{"a":1}', '{a}', '2'), jsonb_set('{"a":1}', '{b}', '2'), jsonb_set('{"a":1}', '{b}', '2', false), jsonb_set('{"a":{"b":1}}', '{a,b}', '"x"'), jsonb_set('[1,2]', '{0}', '9'), jsonb_set('[1,2]', '{-1}', '9'), jsonb_set('[1,2]', '{5}', '9'), jsonb_set('{"a":1}', '{x,y}', '1')
SELECT jsonb_insert('{"a":[0,1]}', '{a,1}', '"n"'), jsonb_insert('{"a":[0,1]}', '{a,1}', '"n"', true), jsonb_insert('{"a":1}', '{b}', '2')
SELECT jsonb_insert('{"a":1}', '{a}', '2')
SELECT jsonb_set_lax('{"a":1}', '{a}', NULL)
SELECT jsonb_set('{"a":1}', NULL, '2') IS NULL, jsonb_strip_nulls('{"a":null,"b":[null,{"c":null}]}'), json_strip_nulls('{"a":null,"b":1}'), jsonb_pretty('{"a":[1,2],"b":{}}'), jsonb_pretty('[]')
SELECT jsonb_array_length('[1,2]'), json_array_length('[]'), jsonb_typeof('{"a":1}'), jsonb_typeof('null'), json_typeof('1.5'), jsonb_typeof('"x"'), jsonb_typeof('[]'), jsonb_typeof('true')
SELECT jsonb_array_length('{"a":1}')
SELECT jsonb_array_length('1')
SELECT jsonb_build_object('a', 1, 'b', 'x', 'c', NULL, 'd', ARRAY[1,2], 'e', true, 'f', 1.50), jsonb_build_array(1, 'a', NULL, 2.5), json_build_object('a', 1, 'b', '{"x":1}'::json), json_build_array(1, 'a', NULL), jsonb_build_object(), json_build_array()
SELECT jsonb_build_object('a')
SELECT to_jsonb('x'::text), to_jsonb(1.50), to_jsonb(ARRAY[1,2]), to_json('a"b'::text), to_jsonb(DATE '2024-01-01'), to_jsonb(TIMESTAMP '2024-01-01 10:00'), to_jsonb(TIMESTAMPTZ '2024-01-01 10:00+00'), to_jsonb('{"a":1}'::json), to_json(true), to_jsonb('NaN'::float8), to_jsonb(1e20::float8)
SELECT row_to_json(row(1, 'a', NULL)), to_json(row(1, 'b')), row_to_json(row(1, ARRAY[1,2])), array_to_json(ARRAY[1,2]), array_to_json(ARRAY['a', NULL])
SELECT json_object('{a,1,b,2}'), json_object('{a,b}', '{1,NULL}'), jsonb_object('{b,1,a,2}')
SELECT jsonb_extract_path('{"a":{"b":1}}', 'a', 'b'), jsonb_extract_path_text('{"a":{"b":"x"}}', 'a', 'b'), json_extract_path('{"a":[1,2]}', 'a', '1')
SELECT jsonb_path_query_array('{"a":[1,2,3]}', '$.a[*] ? (@ > 1)'), jsonb_path_exists('{"a":1}', '$.a'), '{"a":1}'::jsonb @? '$.a', '{"a":1}'::jsonb @@ '$.a == 1'
SELECT ('5'::jsonb)::int, ('true'::jsonb)::bool, ('1.5'::jsonb)::numeric, ('2.5'::jsonb)::float8, ('"x"'::jsonb)::text
SELECT ('"x"'::jsonb)::int
SELECT '{"a":1}'::jsonb = '{"a":1.0}', '[1,2]'::jsonb < '[1,3]', '1'::jsonb < '"a"', '{"a":1}'::jsonb > '[1]', 'null'::jsonb < '1', 'true'::jsonb > 'false', '[]'::jsonb < 'null'
SELECT * FROM jsonb_each('{"a":1,"b":"x"}')
SELECT * FROM json_each_text('{"a":1,"b":"x","c":null}')
SELECT * FROM jsonb_array_elements('[1,"a",null,{"b":2}]')
SELECT * FROM jsonb_array_elements_text('[1,"a",null]') WITH ORDINALITY
SELECT jsonb_object_keys('{"bb":1,"a":2}')
SELECT * FROM jsonb_to_recordset('[{"a":1,"b":"x"},{"a":null}]') AS t(a int, b text)
SELECT * FROM jsonb_to_record('{"a":1,"b":[1,2]}') AS t(a int, b int[])
SELECT * FROM json_to_recordset('[{"a":1,"b":"x"}]') AS t(a int, b text, c date)
SELECT jsonb_array_elements('{"a":1}')
SELECT coalesce(NULL, 'x'), coalesce(NULL, 1), nullif('a', 'a'), nullif(1, 2), NULL IS NULL, NULL::int IS NOT NULL
SELECT 1 IS DISTINCT FROM NULL, NULL IS NOT DISTINCT FROM NULL, true IS NOT UNKNOWN
SELECT pg_typeof(1), pg_typeof(1.5), pg_typeof('a'::text), pg_typeof(ARRAY[1]), pg_typeof('[1]'::vector)::text, pg_typeof(now())
SELECT current_database() IS NOT NULL, current_schema(), current_user = user, version() LIKE 'PostgreSQL%', pg_backend_pid() > 0
SELECT format_type(23, NULL), format_type(1043, 14), format_type(1700, 655366), format_type(NULL, 1), format_type(1007, -1)
SELECT 'every'::regclass::text, 'int4'::regtype, 'every'::regclass::oid > 0, to_regclass('nope'), 'int8'::regtype::oid
SELECT 'nope'::regclass
SELECT pg_column_size(1)
SELECT pg_size_pretty(12345678::bigint), obj_description(1) IS NULL, has_table_privilege('every', 'select'), pg_get_expr(NULL, 0)
SELECT pg_relation_size('every') >= 0, pg_total_relation_size('every') > 0, pg_table_size('every') > 0
SELECT random() BETWEEN 0 AND 1
SELECT setseed(0.5)
SELECT pg_sleep(0)
SELECT CASE WHEN true THEN 1 ELSE 1/0 END, CASE 1 WHEN 1 THEN 'a' WHEN 1/0 THEN 'b' END, false AND 1/0 = 1
SELECT CASE WHEN 1 THEN 2 END
SELECT cast(1 AS text), cast('2024-01-01' AS date), int '5', text 'a', float8 '1.5', numeric '1.50', timestamp '2024-01-01', uuid '550e8400-e29b-41d4-a716-446655440000', bytea '\x00', bool 't', interval '1 day', json '{}', varchar 'x'
-- refused: function int4 is not supported
SELECT int4(1.5), float8(2), text(5)
SELECT 1 + '2', '1' + '2'
SELECT '1' + 2, 1.5 + '2', '2024-01-01' < now(), now() > '2020-01-01'
SELECT 1 + 'a'
SELECT nosuch(1)
SELECT lower(1)
SELECT upper()
SELECT 1 + true
SELECT 'a' * 2
SELECT 1 = 'a'
SELECT true = 1
SELECT sum(1, 2)
SELECT avg('a')
SELECT length(1)
SELECT 1::nosuch
SELECT nosuch FROM every
SELECT every.nosuch FROM every
SELECT id FROM every, items
SELECT id FROM every GROUP BY t
SELECT count(*) FROM every WHERE sum(id) > 1
SELECT id FROM every ORDER BY 99
SELECT DISTINCT t FROM every ORDER BY id
SELECT id FROM every LIMIT 'a'
SELECT id FROM every WHERE 1
SELECT id FROM every WHERE t
SELECT * FROM every HAVING id > 1
SELECT
SELECT 1 1
SELECT * FROM
SELECT (1
SELECT 'abc
SELECT 1 FROM every WHERE
SELECT * FROM every e, every e
SELECT 1 AS a ORDER BY b
SELECT x.id FROM every e
SELECT count(DISTINCT) FROM every
SELECT max(max(id)) FROM every
SELECT row_number() FROM every
SELECT rank() OVER w FROM every
SELECT id FROM every UNION SELECT t FROM every
SELECT (SELECT id, t FROM every)
SELECT 1 IN (SELECT 1, 2)
SELECT coalesce(1, 'a')
SELECT greatest(1, 'x')
SELECT ARRAY[1] || 'a'
SELECT ARRAY[]
SELECT interval 'foo'
SELECT timestamp 'foo'
SELECT 'a'::numeric
SELECT 'x'::float8
SELECT '{"a"}'::text[]::int[]
SELECT CAST(NULL AS int), NULL::vector, NULL::text[], NULL::jsonb, NULL::bit(3)
SELECT convert_from('\xff'::bytea, 'UTF8')
SELECT string_agg(x, ',') FROM (VALUES ('b'), ('a'), (NULL)) v(x)
SELECT sum(x), avg(x), count(x), max(x) FROM (VALUES (1.10), (2.205), (NULL), (0)) v(x)
SELECT sum(x)::text, avg(x)::text FROM (VALUES (1::int8), (2), (4)) v(x)
SELECT avg(x), sum(x) FROM (VALUES (0.1::float4), (0.2), (0.3)) v(x)
SELECT sum(x), avg(x) FROM (VALUES (INTERVAL '1 day'), (INTERVAL '2 hours')) v(x)
SELECT stddev(x), variance(x), stddev_pop(x), var_pop(x) FROM (VALUES (1.5), (2.5), (4)) v(x)
SELECT stddev(x), variance(x) FROM (VALUES (1)) v(x)
SELECT stddev(x), var_pop(x), round(corr(x, y)::numeric, 9), regr_slope(x, y), round(regr_intercept(x, y)::numeric, 9), round(regr_r2(x, y)::numeric, 9), covar_pop(x, y) FROM (VALUES (1::float8, 2::float8), (2, 4), (3, 7)) v(x, y)
SELECT bool_and(x), bool_or(x) FROM (VALUES (true), (NULL), (false)) v(x)
SELECT array_agg(x), json_agg(x), jsonb_agg(x) FROM (VALUES (1), (NULL), (3)) v(x)
SELECT array_agg(DISTINCT x), count(DISTINCT x), sum(DISTINCT x) FROM (VALUES (1), (NULL), (3), (1)) v(x)
SELECT max(x), min(x) FROM (VALUES ('a'), ('B'), ('é'), (NULL)) v(x)
SELECT any_value(x) FROM (VALUES (1), (1)) v(x)
-- refused: this query is not supported
SELECT bit_and(x), bit_or(x) FROM (VALUES (B'1100'), (B'1010')) v(x)
SELECT range_agg(NULL::int4range)
SELECT interval '1.5' hour, interval '90' day, interval '10' month, interval '2' year, interval '1:30' minute to second, interval '1:30' hour to minute, interval '1:30', interval '1-2' year to month, interval '90' minute, interval '7.25' second(1)
SELECT interval '1 2' day to hour, interval '3 4:05:06.789' day to second(2), interval '14 months' year, interval '1 day 5 hours' day, interval '-1.5' hour, interval '1 day 2:03:04' hour, interval '1 day 2:03:04' minute, interval 'P1DT2H3M' day to hour, interval '400' second
SELECT '1 day 02:03:04.5'::text::interval hour, (interval '1 year 5 months 3 days')::interval year, '90'::interval day, '5'::text::interval day, x::interval minute FROM (VALUES (interval '-1:59:59')) v(x)
SELECT format_type(1186, 589823), format_type(1186, 67174399), format_type(1186, 402718719), format_type(1186, 2147418114)
SELECT interval '1 2' day
SELECT interval '1:2:3:4' hour
