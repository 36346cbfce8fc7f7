-- Expressions, functions and forms of queries, a line for each part of chapters 7 and 9 of the manual.
select 1 < 2 and null is null, null and false, null or true, not null::bool, true and null, 1 between 2 and 0, 1 between symmetric 2 and 0, 1 is distinct from null, null is not distinct from null, true is not false, null::bool is unknown
select 5 between 1 and null, 5 not between 1 and 3, 'b' between 'a' and 'c', num_nulls(1,null,2), num_nonnulls(1,null), nullif(1,1), nullif(1,2), coalesce(null,null,3), greatest(1,null,3), least('b','a')
select 2+3, 2-3, 2*3, 5/2, -5/2, 5%3, -5%3, 5%-3, 2^3, 2^-1, 2.0^3, |/25, ||/27, @-5, 5&3, 5|3, 5#3, ~5, 1<<4, 8>>2, -8>>1, 5!=3, 5<>5
select abs(-17.4), ceil(-42.8), ceiling(42.2), div(9,4), exp(1.0), floor(-42.8), ln(2.0), log(100.0), log(2.0,64.0), mod(9,4), pi(), power(9,3), round(42.4), round(42.4382,2), round(1234.56,-1), sign(-8.4), sqrt(2::float8), trunc(42.8), trunc(42.4382,2), width_bucket(5.35,0.024,10.06,5)
select round(2.5), round(-2.5), round(0.5::float8), round(1.5::float8), round(2.5::float8), 2.5::int, 3.5::int, -2.5::int, 2.5::float8::int, 0.1+0.2, 0.1::float8+0.2::float8, 1e308*10.0, 1/3.0, 2/3::numeric, 10.0/3, 1.00*2.000, 100::numeric/7
select 1e308::float8*10
select 7.0/2, 7/2.0, 1.5*1.5, 1.10+1.1, 5.0%3, -7%2.5, 3.14::numeric(3,1), 2::numeric^0.5, 2::numeric^-2, 0.0::numeric^0, scale(1.10/3), 1e-10/3, 12345678901234567890.0*98765432109876543210
select 'abc'||'def', 'a'||1, 1||'a', 'a'||null is null, 'a'||true, 'x'||1.50, 'x'||date '2024-01-01', array[1]||2, 1||array[2], array[1]||array[2,3], 'a'||array['b']::text
select lower('ÄÖÜ'), upper('äöü'), initcap('hello world-foo_bar'), length('日本'), octet_length('日本'), bit_length('日本'), char_length('e'||U&'\0301'), position('本' in '日本'), substring('日本語' from 2 for 1), overlay('日本語' placing 'x' from 2), reverse('日本'), left('日本語',2), right('日本語',-1), lpad('日',3,'本'), repeat('日',2), translate('日本','日','月'), ascii('日'), chr(26085), strpos('日本','本'), replace('日本','日','月')
select trim('  a  '), trim(leading 'x' from 'xxa'), trim(trailing 'x' from 'axx'), trim(both 'ab' from 'abcba'), ltrim('zzzytest','xyz'), rtrim('testxxzx','xyz'), btrim('xyxtrimyyx','xyz'), trim(from '  a '), btrim(''), ltrim('abc',''), rtrim(null)
select split_part('abc~@~def~@~ghi','~@~',2), split_part('a,b',',',3), split_part('a,b',',',-2), split_part('',',',1), split_part('abc','',1), string_to_array('xx~~yy~~zz','~~','yy'), string_to_array('abc',null), string_to_array('abc',''), string_to_array('',','), array_to_string(array[1,2,null,5],','), array_to_string(array[1,null],',','*')
select substring('Thomas',-2,5), substring('Thomas',0,3), substring('Thomas',2,100), substr('alphabet',3,2), substring('abc' from 0), substring('abc',4), substring('abc',10), left('abc',0), left('abc',-5), right('abc',5), right('abc',0)
select substring('abc',1,-1)
select concat_ws(',','a',null,'b'), concat(), concat(null,null), concat('a',1,true,1.50,date '2024-01-01',array[1,2]), to_hex(-1), to_hex(9223372036854775807), md5(''), md5('é'), encode('hello','base64'), encode('\x1234','hex'), decode('1234','hex'), encode(E'\\000\\134'::bytea,'escape'), decode('a\\b','escape')
select quote_ident('Foo bar'), quote_ident('foo'), quote_ident('select'), quote_ident('1a'), quote_ident(''), quote_ident('é'), chr(65), ascii('A'), starts_with('alphabet','alph'), string_to_array('1,2',',')::int[], 'abc' like 'a%', 'abc' like '_b_', 'a%c' like 'a\%c', 'abc' ilike 'A%', 'abc' not like 'x%', 'abc' ~~ 'a%', 'abc' ~~* 'A%', 'a_c' like 'a#_c' escape '#', '' like '', 'a' like ''
select '\x1234'::bytea||'\x56', length('\x1234'::bytea), substring('\x123456'::bytea from 2 for 1), position('\x34'::bytea in '\x1234'), get_byte('\x1234',1), set_byte('\x1234',0,255), get_bit('\x12',1), set_bit('\x00',3,1), sha224('a'), sha256('a'), sha384('a'), sha512('a'), overlay('\x123456'::bytea placing '\xff' from 2), trim('\x00'::bytea from '\x001200'), convert_to('é','UTF8'), convert_from('\xc3a9','UTF8'), bit_count('\xff'::bytea), btrim('\x001200'::bytea,'\x00'), ltrim('\x0012'::bytea,'\x00'), md5('\x00'::bytea), reverse('\x1234'::bytea::text)
select b'101'||b'01', b'101'&b'001', b'101'|b'001', b'101'#b'001', ~b'101', b'101'<<1, b'101'>>1, length(b'101'), bit_length(b'10111'), octet_length(b'1011111110'), get_bit(b'101',0), set_bit(b'101',1,1), substring(b'10111' from 2 for 3), position(b'11' in b'10111'), overlay(b'10111' placing b'00' from 2), 44::bit(10), 44::bit(3), (-44)::bit(12), '1110'::bit(4)::int, bit_count(b'1011'), b'1'::bit(3), x'1F'
select extract(year from timestamp '2001-02-16 20:38:40.5'), extract(epoch from timestamp '2001-02-16 20:38:40.12'), extract(dow from date '2001-02-18'), extract(isodow from date '2001-02-18'), extract(doy from date '2001-02-16'), extract(week from date '2006-01-01'), extract(isoyear from date '2006-01-01'), extract(quarter from date '2001-02-16'), extract(century from date '2000-12-31'), extract(decade from date '2001-02-16'), extract(millennium from date '2001-02-16'), extract(microseconds from time '17:12:28.5'), extract(milliseconds from time '17:12:28.5'), extract(julian from date '2006-01-01'), extract(hour from interval '25 hours'), extract(day from interval '40 days 1 minute'), extract(month from interval '2 years 13 months'), extract(epoch from interval '1 month 1 day'), date_part('second',timestamp '2001-02-16 20:38:40.5'), extract(timezone from timestamptz '2001-02-16 20:38:40+01')
select date_trunc('hour',timestamp '2001-02-16 20:38:40'), date_trunc('week',date '2024-01-03'), date_trunc('decade',timestamp '2001-02-16'), date_trunc('century',timestamp '2001-02-16'), date_trunc('quarter',timestamptz '2001-05-16'), date_trunc('month',interval '3 days 2 months 1 year'), date_trunc('day',timestamptz '2001-02-16 20:38:40+00','Australia/Sydney'), date_bin('15 minutes',timestamp '2020-02-11 15:44:17',timestamp '2001-01-01'), age(timestamp '2001-04-10',timestamp '1957-06-13'), age(date '2024-02-29',date '2023-03-31'), justify_days(interval '35 days'), justify_hours(interval '27 hours'), justify_interval(interval '1 mon -1 hour'), make_date(2013,7,15), make_date(-44,3,15), make_interval(days=>10,hours=>1), make_time(8,15,23.5), make_timestamp(2013,7,15,8,15,23.5), make_timestamptz(2013,7,15,8,15,23.5,'Europe/Berlin')
select date '2001-09-28'+7, date '2001-09-28'+interval '1 hour', date '2001-09-28'+time '03:00', interval '1 day'+interval '1 hour', timestamp '2001-09-28 01:00'+interval '23 hours', time '01:00'+interval '3 hours', -interval '23 hours', date '2001-10-01'-date '2001-09-28', date '2001-10-01'-7, time '05:00'-time '03:00', time '05:00'-interval '2 hours', timestamp '2001-09-28 23:00'-interval '23 hours', interval '1 day'-interval '1 hour', timestamp '2001-09-29 03:00'-timestamp '2001-07-27 12:00', interval '1 second'*900, interval '1 day'*21, interval '1 hour'*3.5, interval '1 hour'/1.5, date '2024-01-31'+interval '1 month', timestamp '2024-03-31'-interval '1 month'
select (date '2001-02-16',date '2001-12-21') overlaps (date '2001-10-30',date '2002-10-30'), (time '10:00',interval '1 hour') overlaps (time '10:30',interval '1 hour'), timestamp '2001-02-16 20:38:40' at time zone 'America/Denver', timestamptz '2001-02-16 20:38:40-05' at time zone 'America/Denver', timestamptz '2001-02-16 20:38:40-05' at time zone interval '-3 hours', timestamptz '2024-03-31 01:30:00+00' at time zone 'Europe/Berlin', timestamp '2024-03-31 02:30' at time zone 'Europe/Berlin', isfinite(date 'infinity'), isfinite(interval '4 hours'), 'infinity'::timestamp > now()::timestamp
select '2024-02-30'::date
select 'J2451187'::date, 'January 8, 1999'::date, '1/8/1999'::date, '19990108'::date, '1999.008'::date, '99-Jan-08'::date, 'Jan-08-1999'::date, '08-Jan-99'::date, '990108'::date, 'January 8, 99 BC'::date, '04:05 PM'::time, '040506'::time, '04:05:06.789-8'::time, 'allballs'::time, '2024-01-01T10:00:00Z'::timestamptz, '2024-01-01 10:00 PST'::timestamptz, 'epoch'::timestamp, '2024-01-01 24:00'::timestamp, '1999-01-08 04:05:06 -8:00'::timestamptz, 'Wed Dec 17 07:37:16 1997 PST'::timestamptz
select array[1,4,3] @> array[3,1], array[2,7] <@ array[1,7,4,2,6], array[1,4,3] && array[2,1], array[1,2]=array[1,2], array[1,2]<array[1,3], array[1,2]<>array[1,2,3], array_append(array[1,2],3), array_cat(array[1,2],array[3]), array_dims(array[1,2]), array_fill(11,array[3]), array_length(array[1,2,3],1), array_lower('{1,2}'::int[],1), array_ndims(array[1]), array_position(array['sun','mon'],'mon'), array_positions(array['A','A','B','A'],'A'), array_prepend(1,array[2,3]), array_remove(array[1,2,3,2],2), array_replace(array[1,2,5,4],5,3), array_upper(array[1,8,3,7],1), cardinality('{}'::int[]), trim_array(array[1,2,3,4,5,6],2), (array[1,2,3])[2:], (array[1,2,3])[:2], (array[1,2,3])[5], '{1,null,"a b"}'::text[]
select unnest(array[1,2]), unnest(array['a','b','c'])
select * from unnest(array[1,2],array['foo','bar','baz']) as x(a,b)
select generate_series(1,10,3), generate_subscripts(array[10,20],1)
select * from generate_series(timestamp '2008-03-01',timestamp '2008-03-02','12 hours') g
select * from generate_series(5,1,-2) g union all select * from generate_series(1.1,2.0,0.4) order by 1
select a, b, grouping(a,b), sum(c) from (values (1,'x',10),(1,'y',20),(2,'x',30)) v(a,b,c) group by rollup(a,b) order by 1 nulls last, 2 nulls last
select a, b, sum(c) from (values (1,'x',10),(1,'y',20),(2,'x',30)) v(a,b,c) group by cube(a,b) order by 1 nulls last, 2 nulls last
select a, b, sum(c) from (values (1,'x',10),(1,'y',20),(2,'x',30)) v(a,b,c) group by grouping sets((a),(b),()) order by 1 nulls last, 2 nulls last
select a, sum(c) filter (where b='x'), count(*) filter (where c>15), string_agg(b,',' order by b desc), array_agg(c order by c desc), bool_and(c>5), every(c>15), min(b), max(b), avg(c), bit_or(c), count(distinct b) from (values (1,'x',10),(1,'y',20),(2,'x',30)) v(a,b,c) group by a order by a
select string_agg(distinct b,',' order by b), array_agg(distinct c), string_agg(null,','), sum(c::float8), avg(c::float4), sum(c::numeric/3), avg(c::numeric/3), sum(null::int), count(null), min('2024-01-01'::date), max(array[1,2]) from (values (1,'x',10),(1,'y',20),(2,'x',30)) v(a,b,c)
select x, row_number() over w, rank() over w, dense_rank() over w, percent_rank() over w, cume_dist() over w, ntile(3) over w, lag(x) over w, lag(x,2,-1) over w, lead(x) over w, first_value(x) over w, last_value(x) over w, nth_value(x,2) over w from (values (1),(2),(2),(3),(null)) v(x) window w as (order by x) order by x nulls last
select x, sum(x) over (order by x rows between 1 preceding and 1 following), sum(x) over (order by x range between 1 preceding and current row), sum(x) over (order by x groups between 1 preceding and current row exclude current row), count(*) over (order by x rows unbounded preceding exclude ties), array_agg(x) over (order by x rows between current row and unbounded following) from (values (1),(2),(2),(4)) v(x) order by x
select x, first_value(x) over (order by x rows between 1 following and 2 following), max(x) over (partition by x%2 order by x), avg(x) over (order by x rows 2 preceding) from (values (1),(2),(3),(4)) v(x) order by x
select case when 1=1 then 'a' else 'b' end, case 2 when 1 then 'one' when 2 then 'two' end, case when false then 1 end, case when true then 1 else 1.5 end, case null when null then 1 else 2 end
select * from (values (1,'a'),(2,'b')) v(x,y) left join (values (1,'p')) w(x,z) using (x) order by x
select * from (values (1),(2)) v(x) full join (values (2),(3)) w(x) using (x) order by x
select * from (values (1),(2)) v(x) natural join (values (2),(3)) w(x)
select * from (values (1),(2)) v(x) cross join lateral (select v.x*10 as z) s order by 1
select v.x, (select count(*) from (values (1),(2)) w(y) where y<=v.x), exists(select 1 where v.x=1), v.x in (select 1), v.x = any(array[1,3]), v.x <> all(select 2), array(select y from (values (3),(4)) w(y) order by y desc) from (values (1),(2)) v(x) order by 1
select 1 union select 2 union all select 2 intersect select 2 order by 1
(select 1 order by 1) union all (select 0 limit 1) except select 5 order by 1 desc
select distinct on (a) a, b from (values (1,2),(1,1),(2,5)) v(a,b) order by a, b
select distinct a%2 from generate_series(1,5) a order by 1
with recursive t(n) as (values (1) union all select n+1 from t where n<5) select sum(n), array_agg(n order by n) from t
with a as (select 1 x), b as (select x+1 y from a) select * from a, b
with recursive t(n) as (select 1 union select (n+1)%3 from t) select * from t order by 1
select * from (values (1),(null),(2)) v(x) order by x desc nulls last limit 2 offset 1
select x from generate_series(1,5) x order by x % 2, x desc limit all offset 2
select a as "Ab", count(*) as c from (values (1),(1)) v(a) group by "Ab" having count(*) > 1
select 1 as x, 2 as y order by y, x
values (1,'a'),(2,null) order by 2 nulls first
select 'a' < 'B', 'a' < 'b', 'Z' < 'a', 'é' > 'z', 'abc' < 'abd', '' < 'a', 'a ' = 'a', 'a '::char(3) = 'a'::char(5), 'a '::varchar = 'a', 'ab'::char(5) || 'x', length('ab'::char(5)), 'a'::"char", 'abcdef'::varchar(3), 'abc'::char(2), 'abc'::name
select true::int, 1::bool, 't'::bool, 'yes'::bool, 'off'::bool, '  1 '::int, '1e3'::float8, '0x1F'::int, '1_000'::int, '-0'::float8, 'NaN'::float8 = 'NaN'::float8, 'Infinity'::float8 > 1e308, 1::text, 1.50::text, true::text, 1.0::float8::text, 1e20::float8::text, 1e-5::float8::text, 123456789012345678::float8::text, 0.1::float4::text, 0.1::float4::float8, 16777217::float4, 3.4e38::float4
select '1.5'::int
select 99999999999::int
select 'abc'::int
select 1e400::float8
select 'x'::bool
select 1::"char", 'a'::"char"::int, 65::"char", oid '1', 'pg_class'::regclass, 'int4'::regtype, 'integer'::regtype::oid
select pg_typeof(1), pg_typeof(1.5), pg_typeof('a'||'b'), pg_typeof(1/2), pg_typeof(1::int8+1), pg_typeof(1::int2+1::int2), pg_typeof(1.5+1::float8), pg_typeof(now()-now()), pg_typeof(date '2024-01-01'-date '2024-01-01'), pg_typeof(array[1,2.5]), pg_typeof(case when true then 1 else 2.5 end), pg_typeof(coalesce(1,2.5)), pg_typeof(avg(1)), pg_typeof(sum(1)), pg_typeof(sum(1::int8)), pg_typeof(count(*)), pg_typeof(avg(1::float4)), pg_typeof(stddev(1)), pg_typeof(round(1.5)), pg_typeof(round(1.5::float8)), pg_typeof(ceil(1)), pg_typeof(power(2,3)), pg_typeof(sqrt(4)), pg_typeof(extract(year from now())), pg_typeof(date_part('year',now()))
select version() like 'PostgreSQL 1%', current_database() is not null, current_user is not null, current_schema, pg_backend_pid() > 0, has_table_privilege('pg_class','select'), pg_get_userbyid(10) is not null, obj_description(0,'pg_class') is null, format_type(23,-1), format_type(1043,14), to_regclass('nope'), to_regtype('int4'), pg_is_in_recovery(), current_setting('server_encoding'), pg_encoding_to_char(6), pg_table_is_visible('pg_class'::regclass), col_description(1,1) is null
select gen_random_uuid() is not null, '550e8400e29b41d4a716446655440000'::uuid, '{550E8400-E29B-41D4-A716-446655440000}'::uuid, uuid '550e8400-e29b-41d4-a716-446655440000' < '650e8400-e29b-41d4-a716-446655440000'
select '{"a":{"b":[1,2,{"c":3}]}}'::json->'a'->'b'->2->>'c', '{"a":1}'::json->>'a', '[1,2,3]'::json->-1, '{"a":[1,2]}'::json#>'{a,1}', '{"a":[1,2]}'::json#>>'{a,1}', '{"a":null}'::jsonb->'a', '{"a":null}'::jsonb->>'a', '{"b":2,"a":1,"b":3}'::jsonb, '{"b":2, "a":1,"b":3}'::json, '1.10'::jsonb, '1e5'::jsonb, '"\u00e9"'::jsonb, '[]'::jsonb||'{"a":1}', '1'::jsonb||'2', 'null'::jsonb is null, '{"a":1}'::jsonb = '{"a":1.0}', '[1,2]'::jsonb <@ '[1,2,3]', jsonb_path_query_array('{"a":[1,2,3]}','$.a[*] ? (@ > 1)'), jsonb_path_exists('{"a":1}','$.a'), jsonb_path_match('{"a":1}','$.a == 1')
select jsonb_pretty('{"a":[1,{"b":null}]}'), jsonb_insert('{"a":[0,1]}','{a,1}','"x"'), jsonb_set('[{"f1":1}]','{0,f2}','2'), jsonb_each('{"a":1}') is not null, jsonb_array_elements('[1,2]'), jsonb_object_keys('{"a":1,"b":2}')
select 'a'::text collate "C" < 'b', 'a' collate "C" = 'a', max('a' collate "C")
select position('' in 'abc'), strpos('','a'), replace('abc','','x'), repeat('a',0), lpad('abc',2), rpad('ab',5,'xy'), lpad('a',5,''), translate('abc','ab',''), reverse(''), initcap(''), left('',1), split_part('a','a',1), string_to_table('a,b',',')
select regexp_replace('Thomas','.[mN]a.','M'), 'thomas' ~ 't.*ma', 'thomas' ~* 'T.*ma', 'thomas' !~ 't.*max', 'thomas' !~* 'T.*ma', substring('Thomas' from '...$'), substring('foobar' from 'o(.)b'), regexp_split_to_array('hello world','\s+'), regexp_match('foobarbequebaz','bar.*que'), regexp_count('ABCABCAXYaxy','A.')
select (1,2)=(1,2), (1,2)<(1,3), (1,null)=(1,2), (1,null)=(2,2), (1,2) is distinct from (1,null), row(1,2) in (select 1,2), (1,2) <> (1,3), (2,1) >= (1,9), (1,2,3) < (1,2,4)
select 10 = any(array[1,10]), 10 <> all(array[1,2]), null = any(array[1]), 1 = any(array[null,1]), 2 = any(array[null,1]) is null, 1 in (1,null), 2 in (1,null) is null, 1 not in (2,null) is null, 'a' like any(array['b%','a%']), 5 > some(array[1,9])
select sum(x), avg(x), min(x), max(x), count(x) from (select null::numeric x where false) s
select sum(x)::text, avg(x)::text from (values (1.10),(2.205),(3)) v(x)
select avg(x), sum(x) from (values (1::int8),(9223372036854775807)) v(x)
select sum(x) from (values (9223372036854775807),(1)) v(x)
select avg(x::float8), sum(x::float4), avg(x::int2) from (values (1),(2),(4)) v(x)
select array_agg(x), array_agg(x) filter (where x>1), json_agg(x), jsonb_agg(x), string_agg(x::text,';') from (values (1),(null),(3)) v(x)
select bool_or(x), bool_and(x), every(x) from (values (true),(null),(false)) v(x)
select bit_and(x), bit_or(x), bit_xor(x) from (values (6),(3),(null)) v(x)
select min(x), max(x) from (values ('b'::text),('A'),('é')) v(x)
select min(x), max(x) from (values ('1.2'::numeric),('1.20'),('NaN')) v(x)
select min(x), max(x) from (values (array[1,2]),(array[1,1,9])) v(x)
select string_agg(x,','::bytea) from (values ('\x01'::bytea),('\x02')) v(x)
select current_date = now()::date, localtimestamp(0) is not null, clock_timestamp() > now(), now() = transaction_timestamp(), statement_timestamp() >= now()
select to_timestamp(1284352323.5), to_timestamp(0), extract(epoch from to_timestamp(1e9)), to_char(to_timestamp(0),'YYYY')
select 1::int2 + 1::int8, 1::int2 * 1.5, '5' + 3, 3 || '', -'5'::int, +5, - -5, 2 - -2, 10 / 3 * 3, 2 ^ 3 ^ 2, -2 ^ 2, not true = false, 1 < 2 = true, 5 % 3 + 1
select 'abc'::text::bytea, 'a\\b'::bytea, '\x61'::bytea::text, E'\x41\u00e9', U&'\0041', $$it's$$, 'a' 'b'
select "length"('abc'), pg_catalog.length('abc'), pg_catalog.abs(-1), 1 operator(pg_catalog.+) 2
select length(null), abs(null), null+1, null||'a', null::text like 'a', array[null::int], cardinality(null), array_length(null::int[],1)
select * from (select 1) as t(a), (select 2) as u(b) where a < b
select t.a, u.* from (values (1)) t(a) join (values (1,2)) u(a,b) on t.a = u.a
select count(*) from (values (1),(2)) v(x) where x > (select avg(y) from (values (1),(2)) w(y))
select x, sum(x) over () / count(*) over (), x::numeric / sum(x) over () from (values (1),(3)) v(x) order by x
select coalesce(sum(x),0), coalesce(max(x),-1) from (select 1 x where false) s
select 1 where false group by () having count(*) = 0
select count(*) having count(*) > 0
select x from (values (3),(1),(2)) v(x) order by -x
select x, y from (values (1,'b'),(1,'a')) v(x,y) order by 1, 2 desc
select upper(y) u from (values ('b'),('a')) v(y) order by u
select sum(a) as s from (values (1,1),(2,1),(3,2)) v(a,b) group by b order by s desc
select b, sum(a) from (values (1,1),(2,1),(3,2)) v(a,b) group by 1 order by 2
select * from generate_series(1,3) with ordinality as t(v,n)
select * from rows from (generate_series(1,2), generate_series(1,3)) as t(a,b)
select g, g*2 from generate_series(1,3) as g where g <> 2
select x.* from (select 1 a, 2 b) x
select (x).a from (select 1 a, 2 b) x
select date '2024-01-01' < timestamp '2024-01-01 00:00:01', date '2024-01-01' = timestamptz '2024-01-01 00:00+00', time '10:00' < time '11:00', interval '30 days' = interval '1 month', interval '1 day' > interval '23 hours', timestamp '2024-01-01' between date '2023-01-01' and date '2025-01-01'
select overlay('abcdef' placing '' from 2 for 3), overlay('abc' placing 'xyz' from 10), overlay('abc' placing 'x' from 1 for 0), strpos('aXbX','X'), regexp_instr('aXbX','X',1,2), btrim(E'\t a \n',E' \t\n')
select lag(x) over (partition by g order by x), g, x from (values (1,1),(1,2),(2,5)) v(g,x) order by g, x
select tableoid::regclass, relname from pg_class where relname = 'pg_am'
select trunc(5.9), trunc(-5.9), trunc(123.456,-1), round(-1.5), ceil(0.0), floor(-0.5), sign(0), abs(-0.0), 5.5::int, mod(-7,3), mod(7,-3), mod(5.5,2), gcd(0,0), lcm(0,0), factorial(3), power(0,0), power(2,-1), sqrt(0), cbrt(8), exp(0), ln(1), log(1), log10(1000)
select ln(0)
select sqrt(-1)
select log(-1)
select power(0,-1)
select 1/0.0
select mod(1,0)
select 5::numeric % 0
select date 'infinity' - date '2024-01-01'
select timestamptz '2001-02-16 20:38:40-05' at time zone interval '-3 hours'
select make_date(-44,3,15)
select make_date(0,1,1)
select make_timestamp(-1,7,15,8,15,23.5)
select string_agg(b,d order by b) from (values ('a','1'),('b','2'),('c',null)) v(b,d)
select string_agg(b,null order by b), string_agg(b,'' order by b), string_agg(b,',' order by b) filter (where b>'a') from (values ('a'),('b'),('c')) v(b)
select min(x), max(x) from (values ('1.2'::numeric),('1.20'),('NaN')) v(x)
select min(x), max(x), g from (values (1,'1.20'::numeric),(1,'1.2'),(2,'NaN'),(2,'Infinity'),(3,null)) v(g,x) group by g order by g
select min(x), max(x) from (values (interval '1 mon'),(interval '30 days'),(null)) v(x)
select x, min(x) over (order by x) from (values (1.5),(1.50),(2)) v(x) order by x::text
select 'a'::"char"::int, 1::"char"::int, ''::"char"::int, 65::"char"
select 200::"char"
select c::int, i::"char" from (values ('a'::"char",66),(null,null)) v(c,i)
select i, f, i*f, f*i, i/f from (values (interval '1 mon 1 day 01:02:03.456789',1.5::float8),(interval '1 year 7 mons',0.333),(interval '-1 mon 3 days',0.7),(interval '100 days',-1.1),(interval '1 day',3),(interval '17 mons -20 days 3 hours',2.37),(null,1),(interval '1 day',null)) v(i,f)
select interval '1 day' / 0
select interval '1 day' * 'NaN'::float8
select interval '1 month' * 1e10
select interval '1 day' * 2, 2 * interval '1 day', interval '1 mon' / 3, interval '1 year' * 0.1, interval '1 hour' / 1.5
select d - date '2024-01-01', date '2024-03-01' - d from (values (date '2024-02-29'),(null)) v(d)
select d - date '2024-01-01' from (values (date 'infinity')) v(d)
select (date 'infinity' - date '2024-01-01') is null
select (1,2) is distinct from (1,null), (1,null) is not distinct from (1,null), (1,'a') is distinct from (1,'a'), (null,null) is distinct from (null,1)
select (1,2) is distinct from (1,2,3)
select a, (a,b) is distinct from (1,null) from (values (1,null::int),(1,2),(null,null)) v(a,b)
