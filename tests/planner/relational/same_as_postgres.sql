select id, i+1, b*2, i/2, i%2, -i from t order by id
select count(*), count(i), sum(i), avg(i), min(i), max(i), sum(b), avg(b) from t
select sum(n), avg(n), min(n), max(n), sum(m), avg(m), min(m), max(m) from t
select sum(f), avg(f), min(f), max(f) from t where f < 1e10
select min(f), max(f) from t
select stddev(i), variance(i), stddev_pop(i), var_pop(i), stddev(m), var_samp(m) from t
select i, count(*), sum(b) from t group by i order by i
select i, count(*) from t group by i order by i desc
select n, count(*) from t group by n order by n
select c, count(*) from t group by c order by c
select s, o, count(*), avg(i) from t group by s, o order by s, o
select s, count(*) from t group by s having count(*) > 5 order by 2 desc, 1
select distinct n from t order by n
select distinct s, o from t order by 1, 2
select distinct on (i) i, id from t order by i, id desc
select id, n from t order by n nulls first, id
select id, n, m, n+m, n-m, n*m, n/3, m/7 from t order by id
select id, n > m, n = 1.5, m < 0, n is distinct from m from t order by id
select id, s || 'x', upper(s), length(s), substring(s from 2), s like 'a%', s ilike 'B%', s like 'a\_c' from t order by id
select id, s ~ '^a', s ~* 'B', s !~ 'x', s in ('a','b'), s not in ('a', null) from t order by id
select id, position('c' in s), replace(s,'a','zz'), left(s,1), right(s,1), lpad(s,4,'*'), reverse(s), initcap(s), repeat(s,2), trim(s), strpos(s,'b') from t order by id
select id, d + 1, d - date '2020-01-01', ts + interval '1 day', ts - interval '1 month', ts - timestamp '2020-01-01' from t order by id
select id, date_trunc('month', ts), extract(year from d), extract(epoch from ts), date_part('dow', d), extract(month from tz) from t order by id
select id, ts::date, d::timestamp, tz::date, tz at time zone 'America/New_York', ts::text, d::text, tz::text from t order by id
select id, f::int from t where f between -100 and 100 order by id
select id, f::text, r::text, i::text, b::text, o::text, n::text, m::text, u::text from t order by id
select id, i::numeric, m::numeric, n::int, m::int, n::float8, m::float8, f::numeric(10,3) from t where f between -100 and 100 order by id
select id, v, c, c || 'x', v = 'ab', c = 'ab', length(c), c::text, v::varchar(2) from t order by id
select id, coalesce(i, -1), nullif(i, 1), greatest(i, 0, si), least(n, 1.0), case when i > 0 then 'pos' when i < 0 then 'neg' else null end from t order by id
select id, case i when 1 then 1.5 when 2 then 2 else n end from t order by id
select id, j->'a', j->>'a', j #> '{b,2}', j #>> '{b,2,c}', j @> '{"a":1}', j ? 'a' from t order by id
select id, ai[1], ai[2:3], array_length(ai,1), cardinality(ai), 2 = any(ai), 5 <> all(ai), ai || 7, ai = array[1,2,3], at[1], array_to_string(at, ',', 'N') from t order by id
select id, e <-> '[1,1,1]', e <=> '[1,1,1]', e <#> '[1,1,1]', e + '[1,1,1]', vector_dims(e) from t order by id
select i, avg(e), count(e) from t group by i order by i
select avg(e <-> '[1,2,3]') from t
select id, y, length(y), y || '\x03', encode(y,'hex'), md5(s) from t order by id
select t.id, k.name from t join k on t.id = k.id order by 1
select t.id, k.name from t left join k on t.i = k.id order by 1,2
select t.id, k.name from t right join k on t.i = k.id order by 1,2
select t.id, k.id from t full join k on t.i = k.id order by 1,2
select count(*) from t, k where t.s = k.name
select t.id, k.w from t join k on t.n = k.w order by 1, 2
select id from t where exists (select 1 from k where k.id = t.i) order by id
select id from t where i in (select id from k where w > 2) order by id
select id from t where i not in (select id from k) order by id
select id from t where n > all (select w from k where id < 2) order by id
select id from t where n = any (select w from k) order by id
select id, (select max(w) from k where k.id <= t.i) from t order by id
select id, (select count(*) from k where k.name = t.s) from t order by id
select (select w from k)
select array(select id from k order by id desc)
select id, row_number() over (order by id), rank() over (order by i), dense_rank() over (order by i), ntile(3) over (order by id) from t order by id
select id, lag(i) over (order by id), lead(i, 2, 0) over (order by id), first_value(i) over (order by id), last_value(i) over (order by id), nth_value(i,2) over (order by id) from t order by id
select id, sum(i) over (partition by s order by id), avg(i) over (order by id rows between 2 preceding and current row), count(*) over () from t order by id
select id, sum(m) over (order by id), avg(m) over (partition by o order by id), min(n) over (partition by o order by id) from t order by id
select id, percent_rank() over (order by i), cume_dist() over (order by i) from t order by id
select i, sum(sum(b)) over (order by i) from t group by i order by i
select i, s, count(*), grouping(i), grouping(i,s) from t group by rollup(i,s) order by 1,2,4,5
select i, o, count(*) from t group by grouping sets ((i),(o),()) order by 1,2,3
select i, o, count(*) from t group by cube(i,o) order by 1,2,3
select count(*) filter (where i > 0), sum(i) filter (where false), count(distinct i), count(distinct n), sum(distinct i) from t
select string_agg(s, ',' order by s), array_agg(i order by id), array_agg(distinct i order by i), bool_and(o), bool_or(o), every(o) from t
select percentile_cont(0.5) within group (order by f), percentile_disc(0.5) within group (order by i), mode() within group (order by i) from t where f < 100
select bit_and(i), bit_or(i), bit_xor(i) from t
with x as (select i, count(*) c from t group by i) select * from x where c > 3 order by i
with x as materialized (select n from t) select sum(n), count(*) from x
with recursive r(n) as (select 1 union all select n+1 from r where n < 5) select * from r order by 1
with recursive r(n, p) as (select 1, 1.5 union all select n+1, p*2 from r where n < 5) select * from r order by 1
select id from t where i = 1 union select id from k order by 1
select id, n from t union all select id, w from k order by 1, 2
select i from t intersect select id from k order by 1
select i from t except select id from k order by 1
select n from t union select w from k order by 1
select i from t intersect all select id from k order by 1
select * from (values (1,'a'),(2,'b'),(3,null)) v(x,y) order by x
values (1, 2.5), (2, 3) order by 1
select x, y from generate_series(1,3) x, generate_series(1,2) y order by 1,2
select * from generate_series(timestamp '2024-01-01', timestamp '2024-01-03', interval '1 day') g order by 1
select * from unnest(array[3,1,2]) with ordinality u(v,o) order by o
select id, u.v from t, unnest(t.ai) u(v) where id < 20 order by 1, 2
select id, l.mx from t, lateral (select max(w) mx from k where k.id < t.id) l order by id
select id, l.name from t left join lateral (select name from k where k.id = t.i limit 1) l on true order by id
select id, unnest(ai) from t where id < 30 order by 1, 2
select generate_series(1,3), generate_series(1,2)
select * from unnest(array[1,2], array['a','b','c']) u(a,b)
select * from t limit 0
select id from t order by id limit 5 offset 3
select id from t order by id limit null
select id from t order by id limit -1
select id from t order by id offset -1
select count(*) from empty
select sum(x), avg(x), max(x), array_agg(x), string_agg(x::text, ',') from empty
select 1 where false
select id, i between 0 and 2, i not between 0 and 2, i is null, i is not null, o is true, o is not true, o is unknown, not o from t order by id
select id from t where (i, si) = (1, 1) order by id
select id from t where (i, si) in ((1,1),(2,2)) order by id
select id from t where (i, si) < (1, 2) order by id
select 1/0
select i/0 from t
select 2147483647 + id from t order by id
select sum(b*1000000000) from t
select 'abc'::int
select s::int from t
select * from t where s::date = '2024-01-01'
select ln(0)
select sqrt(-1::float8)
select cast(1000 as smallint)*cast(1000 as smallint)
select 99999999999::int
select 1e10::float8::int
select max(id) from t where id > 1000
select exists(select 1 from t where id = 1), not exists(select 1 from empty)
select length(string_agg(s,'')) from t
select round(avg(i), 2), round(sum(m)/3, 1), trunc(avg(m),1), ceil(avg(i)), floor(sum(n)) from t
select i, round(avg(m),2) from t group by i order by round(avg(m),2) nulls first, i
select i, avg(m) from t group by i order by avg(m) desc nulls last, i
select i, avg(m) from t group by i having avg(m) > 5 order by i
select id, n::text || '!' from t order by id
select json_agg(i order by id), jsonb_agg(s order by id) from t where id < 10
select json_build_object('a', id, 'b', s) from t order by id limit 3
select id, x.key, x.value from t, jsonb_each(j) x where jsonb_typeof(j) = 'object' order by 1, 2
select regexp_split_to_table('a,b,c', ',')
select regexp_replace(s, 'a', 'X', 'g') from t order by id
select id, split_part(s, '_', 1), translate(s, 'ab', 'xy'), ascii(s), concat(s, i, n), concat_ws('-', s, i) from t order by id
select u, count(*) from t group by u order by u
select u = '00000000-0000-0000-0000-000000000001' from t order by id
select e, count(*) from t group by e order by e
select tm, tm + interval '1 hour' from t order by id
select max(d), min(ts), max(tz), max(s), max(v), max(c), min(tm) from t
select max(u) from t
select id from t order by c, id
select id from t order by s, id
select id from t order by f, id
select id from t order by r desc, id
select id from t order by -id
select id, s from t where s = 'a' or (i > 1 and o) order by id
select a.id, b.id from t a join t b on a.i = b.i and a.id < b.id where a.id < 10 order by 1, 2
select avg(x) from (select distinct m x from t) q
select * from (select id, n from t order by id limit 3) a join (select id, w from k) b using (id) order by id
select * from t natural join k order by id
select sum(case when o then 1 else 0 end) from t
select count(*) from t where j = '{"a": 2}'
select array_agg(n order by n) from t where n > 0
select array[1.5, 2, n] from t order by id limit 4
select ai, count(*) from t group by ai order by ai
select id, i::bool, o::int from t order by id
select date '2024-01-31' + interval '1 month', interval '1 day' * 2, interval '1 month' = interval '30 days'
select i, s from t where s similar to '(a|b)%' order by id
select id from t where s like any (array['a%','B']) order by id
select 10 % 3, -7 / 2, -7 % 2, 7.5 % 2, 2 ^ 3, 5 # 3, 5 & 3, ~5, 1 << 3, @ -5, |/ 4.0
select round(2.5::float8), round(-2.5::float8), round(2.5), round(-2.5), round(2.345, 2), ceil(-1.5), floor(-1.5), trunc(2.567, 2)
select 0.1 + 0.2, 1.10 * 2.0, 1.0 / 3, 10 / 4.0, 5::numeric, 1.50::numeric(5,1), 12345678901234567890123456789012345678901234567890 + 1
select 'NaN'::numeric, 'NaN'::numeric > 1, 'Infinity'::numeric
select * from k where w = 'NaN'::numeric
select json_agg(i order by id), jsonb_agg(s order by id), json_agg(n order by id), json_agg(ts order by id), jsonb_agg(ai order by id) from t where id < 10
select json_object_agg(id, s) from t where id < 3
select json_object_agg('k' || id, s order by id), jsonb_object_agg('k' || id, i order by id) from t where id < 3
select json_build_object('a', id, 'b', s, 'c', n), jsonb_build_object('z', f, 'a', d) , json_build_array(1,'a',null, tz) from t order by id limit 8
select to_json(s), to_jsonb(ai), to_json(at), to_jsonb(n), to_json(tz), to_json(o), to_json(f), to_json(d), to_json(u) from t order by id
select regexp_replace(s, 'a', 'X', 'g'), regexp_replace(s, '(a)(b)', '\2\1'), regexp_match(s, '(.)b') from t order by id
select id from t where s similar to '(a|b)%' order by id
select s similar to 'a\_c', s similar to '[ab]+', s not similar to '%x%' from t order by id
select tm, tm + interval '1 hour', tm - interval '1 hour', tm - time '01:00' from t order by id
select date '2024-01-31' + interval '1 month', interval '1 day' * 2, interval '1 month' = interval '30 days', interval '1 day' / 2
select tz at time zone 'America/New_York', ts at time zone 'Europe/Berlin', tz at time zone 'UTC' from t order by id
select tz at time zone 'nowhere' from t
select 'x' || i, n || 'y', s || d from t order by id
select pg_size_pretty(10240::bigint), pg_size_pretty(1234567::bigint), pg_size_pretty(0::bigint), pg_size_pretty(-20000::bigint)
select * from jsonb_each('{"a":1,"b":"x"}'::jsonb) order by 1
select * from json_array_elements('[1, {"a": [2, 3]}, "x"]')
select * from json_each_text('{"a": 1, "b": null, "c": {"d": 1}}')
select regexp_matches('foobarbaz', 'b(.)', 'g')
select regexp_split_to_table(s, '_') from t where s is not null order by 1
select * from string_to_table('a,b,,c', ',') x
select * from generate_series(1.0, 2.0, 0.5)
select * from generate_series(1, 10, 3) g(x) where x > 2
select * from generate_series(5, 1, -2)
select * from generate_series(1,3,0)
select * from generate_series(1, null)
select * from generate_series(2147483646, 2147483647)
select a.x, g from (values (1), (2)) a(x) left join generate_series(2, 3) g on g = a.x order by 1
select x, (select sum(g) from generate_series(1, 2 + 1) g where g < x) from (values (1), (3)) a(x) order by 1
select date_part('hour', ts), extract(second from ts), extract(week from d), extract(isodow from d), extract(doy from d), extract(quarter from d) from t order by id
select max(n) filter (where i > 0), min(n) filter (where false) from t
select i, max(n), min(n), sum(n) from t group by i order by i
select sum(n) over (partition by i order by id), avg(n) over (partition by i) from t order by id
select count(*), i % 2 as p from t group by i % 2 order by p
select i % 2 as p, (i % 2) * 10 from t group by i % 2 order by p
select case when i > 0 then s end as q, count(*) from t group by case when i > 0 then s end order by q
select upper(s), count(*) from t group by upper(s) order by 1
select date_trunc('month', ts) m, count(*) from t group by 1 order by 1
select v, count(*) from t group by v order by count(*) desc, v
select (select count(*) from k where k.id > t.id) c, count(*) from t group by 1 order by 1
select s, (select max(name) from k where name = t.s) from t group by s order by s
select * from (select i, rank() over (partition by o order by i, id) r, id from t) q where r <= 2 order by id
select a.i, sum(b.w) from t a join k b on b.id = a.i group by a.i having sum(b.w) > 3 order by 1
select t.id from t where not exists (select 1 from k where k.id = t.id) order by id
select t1.id from t t1 where t1.b = (select max(b) from t t2 where t2.i = t1.i) order by id
select distinct i, count(*) over (partition by i) from t order by 1
select sum(x) from (select unnest(ai) x from t) q
select id, (select sum(x) from unnest(ai) x) from t order by id
select id, array(select x * 2 from unnest(ai) x order by x) from t order by id
select k.id, q.id from k, lateral (select t.id from t where t.i = k.id order by t.id limit 2) q order by 1, 2
with a as (select i, sum(b) s from t group by i), b as (select max(s) m from a) select a.i from a, b where a.s = b.m
with recursive tree(id, depth) as (select id, 0 from k where id = 0 union all select k.id, depth + 1 from k join tree on k.id = tree.id + 1 where depth < 4) select * from tree order by 1
with recursive r(x) as (select 1 union select (x * 2) % 7 from r) select * from r order by 1
select 1 as a union all select 2.5 union all select null order by 1
select id::text from t where id < 3 union select name from k order by 1
(select id from t order by id limit 2) union all (select id from k order by id desc limit 2) order by 1
select null::int, null::text, null::numeric, null, array[]::int[], '{}'::text[]
select true and null, false and null, true or null, not null::bool, null = null, null is distinct from null
select 'a' < 'B', 'Z' < 'a', 'é' > 'z', 'a' = 'a ', 'a'::char(3) = 'a  '
select 'NaN'::float8 = 'NaN'::float8, 'NaN'::float8 > 1e300, -0.0::float8 = 0.0::float8
select 1.5::float4, 0.1::float4 + 0.2::float4, 1e20::float8, 1e-5::float8, 123456789.123::float4, 1.0::float8 / 3
select (1.5 + 2)::int, 2.5::numeric::int, (-2.5)::numeric::int, 2.5::float8::int, 3.5::float8::int
select 1000000 * 1000000
select 1000000::bigint * 1000000, 9223372036854775807 + 1
select -(-32768)::smallint, (-128)::smallint / -1::smallint
select abs((-2147483648)::int)
select sum(i::bigint * 4611686018427387904) from t
select id from t where n in (1.50, 2.25) order by id
select id from t where m = 12.340 order by id
select id from t where n between 1 and 3 order by id
select id, n from t where i = any('{1,2}') order by id
select id from t where s = any(array['a', null]) order by id
select id from t where i <> all(array[1, null]) order by id
select id from t where n = any(array[1.50, 2]) order by id
select id from t where id = any(select unnest(ai) from t) order by id
select greatest(d, '2024-01-15'), least(ts, tz::timestamp) from t order by id
select cast(s as varchar(1)), cast(i as varchar), s::char(3) || '|' from t order by id
select substring(s from 1 for 1), substring(s, 0, 2), substring(s, -1, 3), overlay(s placing 'Q' from 1 for 1), ltrim(s, 'a'), btrim('  x '), rpad(s, 3, '-') from t order by id
select format('%s-%s', s, i), quote_literal(s), quote_ident(s), md5(s), to_hex(i), chr(65), octet_length(s), bit_length(s) from t order by id
select ai[2], ai[-1], ai[0:1], ai[5:6], at[2] from t order by id
select ai < array[1,2,4], ai @> array[2], ai && array[3], array[1] <@ ai from t order by id
select y = '\x0102', y < '\x02', encode(y, 'base64') from t order by id
select u < '00000000-0000-0000-0000-000000000002', u::text like '550%' from t order by id
select count(distinct e), max(vector_dims(e)) from t
select id from t where e <-> '[1,1,1]' < 2 order by e <-> '[1,1,1]', id
select i, min(e <-> '[1,1,1]') from t group by i order by 2, 1
select a.id, b.id, a.e <-> b.e from t a join t b on a.id = b.id + 1 order by 1
select a.id, (select b.id from t b where b.id <> a.id and b.e is not null order by b.e <-> a.e, b.id limit 1) from t a where a.e is not null order by 1
select sum(e), avg(e) from t
select row_number() over (order by e <-> '[0,0,0]', id), id from t where e is not null order by 1
select x.id, k.name from (select id, i from t order by e <-> '[1,2,1]', id limit 5) x left join k on k.id = x.i order by x.id
with near as (select id, e <-> '[1,2,1]' d from t where e is not null order by e <-> '[1,2,1]' limit 7) select count(*), round(max(d)::numeric, 3) from near
select t.*, k.* from t join k on t.id = k.id where t.id = 3
select id, lag(n) over (order by id), lag(n, 1, 0) over (order by id), first_value(m) over (order by id) from t order by id
select id, sum(id) over (order by id range between 3 preceding and 1 following) from t order by id
select id, count(*) over (order by i groups between 1 preceding and current row) from t order by id
select id, sum(id) over (order by id rows between unbounded preceding and current row exclude current row) from t order by id
select id, string_agg(s, ',') over (order by id), array_agg(i) over (order by id rows 1 preceding) from t order by id
select i, sum(count(*)) over () from t group by i order by i
select percentile_cont(array[0.25,0.5]) within group (order by id) from t
select var_pop(n) from t
select * from t where i / 0 = 1
select 1 from t having count(*) > 1
select s from t order by s collate "C", id
select * from k order by w desc limit 2 for update
select nextval('nosuch')
select (select 1, 2)
select sum(s) from t
select id from nosuch
select nosuch from t
select t.id, k.id from t cross join k where t.id = k.id and k.w::int % 2 = 0 order by 1
select * from (values (1, 1.5), (2, 2.25), (3, null)) v(a, b) order by b desc
select avg(b), sum(b) from (values (1, 1.5), (2, 2.25), (3, null)) v(a, b)
statement. Run each on a real PostgreSQL and on Quiver: same rows, same types, or same SQLSTATE.
select '12'+3
select '5'::int + '3'::int
select 'NaN'::float8 = 'NaN'::float8, 'NaN'::float8 > 1e300
select 0.1+0.2
select 1.0/0
select 10::numeric/3
select 1e400::numeric > 1
select 2147483647+1
select 5 # 3, 5 & 3, 5 | 3, ~5, 1<<3
select 5::float/2
select 7%0
select 9223372036854775807+1
select round(2.345,2), trunc(2.567,2), ceil(-1.5), floor(-1.5)
select round(2.5), round(3.5), round(-2.5), round(2.5::float8), round(3.5::float8)
select sum(x) from (select 1 x where false) t
select sum(x), avg(x) from (values (1.5),(2.25)) v(x)
select sum(x), avg(x), min(x), count(*) from (values (1),(2),(4)) v(x)
select '{1,2,3}'::int[], '{"a b",c,NULL}'::text[], '{}'::int[], array[]::int[]
select * from generate_series(1,5,2), generate_series(1,2) b
select 2 = any(array[1,2]), 2 <> all(array[1,3]), 2 = any('{1,2}'), 3 > all(array[1,2]), 'a' = any('{a,b}'::text[])
select array(select x from (values (2),(1)) v(x) order by 1), array_agg(x order by x desc) from (values (2),(1)) v(x)
select array[1,2] < array[1,3], array[1,2]=array[1,2], array[1,2]::text, array['a,b','c"d',null,'']::text
select array_position(array['a','b'],'b'), array_append(array[1],2), array_prepend(0,array[1]), array_cat(array[1],array[2]), array_remove(array[1,2,1],1), array_replace(array[1,2],1,9), array_positions(array[1,2,1],1)
select unnest(array[1,2]), unnest(array['a','b','c'])
select '2024-01-01 10:00:00.1234567'::timestamp, '2024-1-5'::date, 'Jan 5, 2024'::date, '20240105'::date
select '2024-02-30'::date
select date '2024-03-31' + 1, date '2024-03-31' - date '2024-01-01', date '2024-01-31' + interval '1 month'
select date_trunc('month', timestamp '2024-05-17 13:14'), date_trunc('week', date '2024-05-17'), date_trunc('hour', timestamptz '2024-05-17 13:14+02')
select extract(epoch from timestamp '2024-01-01'), extract(dow from date '2024-01-07'), extract(isodow from date '2024-01-07'), extract(week from date '2024-01-01'), extract(doy from date '2024-02-01'), extract(quarter from date '2024-05-01')
select interval '1 month' = interval '30 days', interval '1 day' < interval '25 hours'
select timestamp '2024-01-01 10:00' - timestamp '2023-12-31 08:30', timestamp '2024-03-01' - interval '1 month'
select 'not json'::jsonb
select '{"a":"x"}'::jsonb->'a' = '"x"'
select '{"a":1}'::jsonb = '{"a": 1}'::jsonb, '1'::jsonb < '2'::jsonb
select '{"a":1}'::jsonb ? 'a', '{"a":1}'::jsonb ?| array['x','a'], '{"a":1}'::jsonb ?& array['a','b']
select '{"a":{"b":1}}'::jsonb #> '{a,b}', '{"a":{"b":"x"}}'::jsonb #>> '{a,b}', '{"a":[{"b":5}]}'::jsonb #>> array['a','0','b']
select '{"a":{"b":[1,2]}}'::json->'a'->'b'->0, '{"a":{"b":[1,2]}}'::json->'a'->>'b', '{"a":"x"}'::jsonb->>'a', '[1,2,3]'::json->-1, '{"a":1}'::json->>'zz'
select '{"b":1, "a":2}'::jsonb, '{"b":1, "a":2}'::json, '{"a":1,"a":2}'::jsonb, ' [1 , 2 ] '::jsonb
select ('{"a":5}'::jsonb->>'a')::int > 3, ('{"a":5}'::jsonb->'a')::int + 1, '{"a":true}'::jsonb->'a' = 'true'::jsonb
select * from jsonb_each('{"a":1,"b":"x"}'::jsonb)
select * from jsonb_each_text('{"a":1,"b":"x"}'::jsonb)
select jsonb_array_elements('[1,"a"]'), jsonb_array_elements_text('["x","y"]')
select 1 in (1,null), 2 in (1,null), 2 not in (1,null)
select array[1,null] = array[1,null], row(1,null)=row(1,null)
select null = null, null <> 1, null is distinct from null, coalesce(null,2), nullif(1,1)
select x from (values (1),(null),(3)) v(x) order by x
select '1' + '1'
select '1.5'::int
select '550e8400-e29b-41d4-a716-446655440000'::uuid, 'zz'::uuid
select '\x6162'::bytea, 'ab'::bytea, length('\x6162'::bytea), '\x61'::bytea||'\x62'::bytea
select (select x from (values (1),(2)) v(x))
select * from (values (1)) v(x) tablesample bernoulli (100)
select * from (values (1,'a'),(2,'b')) v(id,name) where (id,name) in ((1,'a'))
select * from nosuch
select 1 = '1', 1 || 'a', 'a' || 1, 1 || 2
select 1 from (values (1)) t(a) join (values (1)) u(b) on t.c=u.b
select 1 union all select null union all select 'a'
select 1 union select 2 except select 1 order by 1
select 1 where 'a' = 1
select a.x, b.y from (values (1)) a(x) full join (values (2)) b(y) on a.x=b.y
select cast('abc' as numeric)
select count(*) filter (where a>1), sum(a) filter (where false) from (values (1),(2)) v(a)
select distinct on (a) a,b from (values (1,2),(1,1),(2,5)) v(a,b) order by a,b
select exists(select 1), (select 1 where false), not exists(select 1 where false)
select grouping(a), a, sum(b) from (values (1,2),(2,3)) v(a,b) group by rollup(a) order by 1,2
select length(null), 'a' between 'A' and 'Z', 5 between symmetric 10 and 1
select max(x) as m, x%2 p from (values (1),(2),(3)) v(x) group by p order by p
select nosuch(1)
select ntile(2) over (order by x), rank() over (order by x), dense_rank() over (order by x), percent_rank() over (order by x), cume_dist() over (order by x) from (values (1),(1),(2)) v(x)
select percentile_cont(0.5) within group (order by x), percentile_disc(0.5) within group (order by x), mode() within group (order by x) from (values (1),(2),(4)) v(x)
select sum('a')
select true::text, date '2024-01-01'::text, timestamptz '2024-01-01 00:00+00'::text, interval '1 day 2 hours'::text, array[1.5,2]::text, '{"a": 1}'::jsonb::text
select x from (values (1)) v(x) group by y
select x, count(*) from (values (1),(1),(2)) v(x) group by 1 having count(*)>1
select x, x from (values (1)) v(x)
with recursive r(n) as (select 1 union all select n+1 from r where n<3) select * from r
select 'a' 'b'
select 'abc' < 'ABC', 'a' < 'B', 'Z' < 'a'
select 'abc' collate "C" < 'ABD'
select 'abc' ~ 'b', 'abc' ~ '^b', 'abc' ~* 'B', 'abc' !~ 'z', 'abc' similar to 'a%', 'abc' ~ 'a.c$'
select E'a\tb', 'a\tb', U&'\0041', $$q'q$$
select cast('x' as char(2)), 'true'::boolean, 'yes'::bool, 't'::bool, 1::bool, true::int, true::text, 'on'::bool
select format('%s-%I-%L','a','B c','d''e'), quote_ident('A'), quote_literal('a''b')
select length('héllo'), octet_length('héllo'), char_length('x'), bit_length('ab')
select lpad('5',3,'0'), rpad('5',3,'x'), repeat('ab',2), reverse('abc'), replace('abc','b','x'), translate('abc','ab','xy'), ascii('a'), chr(65)
select position('l' in 'hello'), strpos('hello','z'), overlay('hello' placing 'XX' from 2 for 3)
select split_part('a,b,c',',',2), split_part('a,b,c',',',-1), string_to_array('a,b',','), array_to_string(array[1,null,2],','), array_to_string(array[1,null,2],',','*')
select upper('straße'), lower('ÀB'), initcap('hello wORLD-foo')
select distinct s, length(s) from t order by length(s), s
select distinct i + 1 from t order by i + 1 desc
select distinct n, m from t order by n desc nulls last, m
select distinct on (n) n, id from t order by n, id
select distinct c from t order by c desc
select count(*), sum(x) from (select distinct n as x from t) q
select i, n, count(*) from t group by i, n order by n, i
select n * 2 as d, count(*) from t group by n * 2 order by d
select n / 3 as d, count(*) from t group by n / 3 order by d
select max(n / 3), min(n / 7), sum(n / 3), avg(n / 3), count(distinct n / 3) from t
select m / 3 < n, m / 3 = m / 3, (m / 3)::int, (m/3)::numeric(10,1), (m / 3)::float8 from t order by id
select coalesce(n, m, 0), coalesce(m, 1.5), case when o then n else m end, greatest(n, m), nullif(n, 1.5) from t order by id
select sum(coalesce(n, 0)), sum(case when o then m else 0 end), avg(coalesce(m, 0)) from t
select abs(n), abs(m), -n, -m, sign(n), round(n, 1), round(m, -1), trunc(n), ceil(n), floor(m) from t order by id
select n % 2, m % 7, n - m / 2, n * n, m * m * m, m + 1, 1 - n from t order by id
select sum(m * (1 - 0.1) * (1 + 0.05)) from t
select i, sum(m) / count(*), sum(m) / nullif(sum(i), 0), sum(i) * 1.0 / count(*) from t group by i order by i
select i::float8 / 3, i / 3.0, i * 0.5, 100.0 * i / 7 from t order by id
select percentile_cont(0.5) within group (order by m), percentile_disc(0.5) within group (order by m) from t
select min(m) over (order by id), max(n) over (order by id), sum(n) over (order by id), avg(m) over (order by id) from t
select rank() over (order by n), dense_rank() over (partition by o order by m desc nulls last) from t order by id
select id from t where n is not distinct from 1.5 or m is distinct from 12.34 order by id
select id from t where n in (select w from k) or m in (12.34) order by id
select id, exists (select 1 from k where k.w = t.n), (select sum(w) from k where w < t.n) from t order by id
select id, n from t where n > (select avg(w) from k) - 5 order by id
select * from (select n as x from t union select m from t union all select 1) q order by x
select n from t intersect select w from k order by 1
select n from t except all select w from k order by 1
with a(x) as (values (1.5), (2.25)), b as (select x * 2 as y from a) select a.x, b.y, a.x + b.y from a, b order by 1, 2
with a as (select * from t), b as (select i, count(*) c from a group by i) select a.id, b.c from a join b on a.i = b.i order by 1
with recursive f(a, b, n) as (select 0::numeric, 1::numeric, 1 union all select b, a + b, n + 1 from f where n < 20) select n, a from f order by n
with recursive p(id, path) as (select id, name from k where id = 0 union all select k.id, p.path || '/' || coalesce(k.name, '-') from k join p on k.id = p.id + 1) select * from p order by 1
select * from (select id, row_number() over (partition by s order by n desc nulls last, id) rn from t) q where rn = 1 order by id
select s, count(*) filter (where o), sum(m) filter (where i > 0), avg(n) filter (where o is null) from t group by s order by s
select date_trunc('day', ts), count(*), min(tz), max(d) from t group by 1 order by 1 nulls first
select extract(year from d) y, count(*) from t group by y order by y
select d, d + 1 > d, d = ts::date, ts > d, tz > ts at time zone 'UTC' from t order by id
select date_trunc('hour', tz), date_trunc('week', ts), date_trunc('quarter', d) from t order by id
select t1.id, t2.id from t t1 left join t t2 on t1.i = t2.i and t1.id <> t2.id and t2.o order by 1, 2
select k1.id, k2.id from k k1 full join k k2 on k1.id = k2.id + 3 order by 1, 2
select k.id, x from k left join lateral unnest(array[k.id, 2]) x on true where k.id < 3 order by 1, 2
select k.id, g from k, generate_series(1, k.id) g where k.id < 4 order by 1, 2
select k.id, (select string_agg(g::text, ',') from generate_series(1, k.id) g) from k order by 1
select id, s, (select name from k where k.name = t.s limit 1), (select count(*) from k k2 where k2.name = t.s and exists (select 1 from t t3 where t3.id = k2.id)) from t order by id
select id from t where s = (select min(s) from t) order by id
select id from t where (s, i) = ('a', 1) or (s, i) <> ('b', 0) order by id
select id from t where i not in (1, 2) and s not like '%a%' order by id
select id from t where o and not (i = 1) order by id
select id from t where coalesce(s, '') || 'x' = 'x' order by id
select id from t where s ~ '^[a-b]$' or s ~ '\d' or s ~ 'a|é' or s ~* '^B' order by id
select id from t where v like 'ab%' and c like 'ab%' order by id
select c || '|', v || '|', length(c), c = 'ab', c = 'ab  ', c like 'ab', c || v from t order by id
select f, f * 2, f / 2, f + 'NaN', f > 1, f = 'NaN', -f, abs(f), f::numeric(20,2) from t where f < 1e10 order by id
select f, count(*) from t group by f order by f
select id from t where f = 'Infinity' or f = 'NaN' order by id
select r, r * 2, r + f from t order by id
select j -> 'b' -> 0, j ->> 'b', jsonb_typeof(j), j is null, j = '"s"', j <> '{"a": 2}' from t order by id
select j ->> 'a' a, count(*), sum((j ->> 'a')::int) from t where jsonb_typeof(j) = 'object' group by 1 order by 1
select e = e, e < '[2,2,2]', e <> '[1,2,1]' from t order by id
select e, count(*) from t where e is not null group by e having count(*) > 1 order by e
select distinct e from t order by e
select t.id, k.id, t.e <-> '[1,1,1]' from t join k on k.id = t.id order by t.e <-> '[1,1,1]' nulls last, t.id
select id, rank() over (order by e <-> '[1,1,1]') from t order by id
select s, min(e <-> '[1,1,1]'), max(e <=> '[1,1,1]'), count(*) filter (where e <-> '[1,1,1]' < 3) from t group by s order by s
select a.id, array(select b.id from t b where b.id <> a.id order by b.e <-> a.e nulls last, b.id limit 3) from t a where a.id < 5 order by 1
select sum(x.d) from (select e <-> '[1,1,1]' as d from t order by d limit 5) x
select i, (array_agg(id order by e <-> '[1,1,1]', id))[1] from t group by i order by i
select 5 = any(ai), 2 = any(ai) and o, 2 = all(ai), ai[1] + 1, unnest(at) from t order by id, 5
select array_agg(x) from (select unnest(ai) x from t order by 1) q
select array_length(array_agg(id), 1), cardinality(array_agg(id)) from t
select u, u = u, u::text, count(*) over (partition by u) from t order by id
select i::text::int, s::varchar::text, n::text::numeric, d::text::date, ts::text::timestamp, o::text::bool from t order by id
select id::bigint, si::int + i, b + i, b * 2 / 3, -b, b % 7, i::smallint from t order by id
select 'a' || null, null || 'a', concat('a', null, 1), concat_ws(',', 'a', null, 'b')
select 1 where null, 2 where true
select true = 't', false < true, max(o::int) from t
select 1 union select 2 union select 1 order by 1 desc limit 1
select count(*) from (select 1 union all select 1 union select 1) q
select * from (select 1 as a, 2 as a) q
select id x, id + 1 y from t where id < 3 order by x + y desc
select id as i, i as id from t where id < 5 order by i
select -id from t order by 1 limit 3
select id from t order by o, i desc nulls last, s nulls first, id limit 10 offset 5
select (select id from t order by id limit 1 offset 2)
select id from t where id = (select max(id) from t t2 where t2.s is not distinct from t.s) order by id
select s from t group by s order by count(*) desc, s limit 3
select s, i from t group by s, i order by max(n) desc nulls last, s, i limit 5
select s from t group by 1 having max(m) > (select avg(m) from t) order by 1
select sum(sum(i)) over (order by s), s from t group by s order by s
select s, i, sum(count(*)) over (partition by s) from t group by s, i order by 1, 2
select lag(s, 1, 'none') over (order by id), lead(m, 1) over (order by id), last_value(n) over (order by id rows between unbounded preceding and unbounded following) from t order by id
select ntile(4) over (order by id), count(*) over (order by s range between unbounded preceding and current row), sum(i) over (order by i range 1 preceding) from t order by id
select first_value(id) over w, last_value(id) over w from t window w as (partition by o order by id) order by id
select case when count(*) > 5 then 'many' else 'few' end, bool_or(i > 2), max(s) || min(s) from t
select * from t t1 where exists (select 1 from t t2 where t2.i > t1.i and t2.m = t1.m) and id < 20 order by id
select * from k where name is null or name in ('a') union all select id, s, n from t where n > 2 order by 1, 3, 2
select x.* from (values (1, 'a', 1.5), (2, null, null)) x(a, b, c)
select a.*, b.* from (values (1), (2)) a(x) cross join (values ('p'), ('q')) b(y) order by 1, 2
select * from (values (1, 2)) a(x, y) join (values (1, 3)) b(x, z) using (x)
select coalesce(a.x, b.x) from (values (1), (2)) a(x) full join (values (2), (3)) b(x) using (x) order by 1
select * from generate_series(1, 3) with ordinality as g(v, o)
select * from rows from (generate_series(1, 2), generate_series(5, 7)) as g(a, b)
select * from unnest(array['a', 'b'], array[1, 2, 3]) with ordinality as u(x, y, o)
select generate_series(1, 2) as g, id from k where id < 2 order by id, g
select jsonb_array_elements('[1, 2]'::jsonb), generate_series(1, 3)
select 1 as "Weird Name", 2 as "select"
select k.id, t.f from k left join t on t.id = k.id and t.f > 1 order by 1
select k.id, t.f from k left join t on t.id = k.id and t.f = 'NaN' order by 1
select k.id, t.f from k left join t on t.id = k.id and t.f <> 'NaN' order by 1
select k.id, t.f from k left join t on t.id = k.id and t.f < 'NaN' order by 1
select k.id, t.f from k left join t on t.id = k.id and t.f is null order by 1
select k.id, t.u from k left join t on t.id = k.id and t.u = '550e8400-e29b-41d4-a716-446655440000' order by 1
select k.id, t.y from k left join t on t.id = k.id and t.y = '\x' order by 1
select k.id, t.n from k left join t on t.id = k.id and t.n > 1.5 order by 1
select k.id, t.m from k left join t on t.id = k.id and t.m = 12.34 order by 1
select k.id, t.m from k left join t on t.id = k.id and t.m < 100 order by 1
select k.id, t.d from k left join t on t.id = k.id and t.d >= '2024-01-01' order by 1
select k.id, t.tz from k left join t on t.id = k.id and t.tz > '2024-01-01 11:00+01' order by 1
select k.id, t.tz from k left join t on t.id = k.id and t.tz > '2024-01-01 10:00' order by 1
select k.id, t.s from k left join t on t.id = k.id and t.s >= 'b' order by 1
select k.id, t.s from k left join t on t.id = k.id and t.s in ('a', 'é') order by 1
select k.id, t.o from k left join t on t.id = k.id and t.o order by 1
select k.id, t.o from k left join t on t.id = k.id and t.o is not true order by 1
select k.id, t.c from k left join t on t.id = k.id and t.c = 'ab' order by 1
select k.id, t.si from k left join t on t.id = k.id and t.si between 1 and 1 order by 1
select k.id, t.r from k left join t on t.id = k.id and t.r = 1.1 order by 1
select k.id, t.r from k left join t on t.id = k.id and t.r = 1.1::real order by 1
select k.id, t.tm from k left join t on t.id = k.id and t.tm < '11:00' order by 1
select k.id, t.ai from k left join t on t.id = k.id and t.ai = '{1,2,3}' order by 1
select k.id, t.e from k left join t on t.id = k.id and t.e <-> '[1,1,1]' < 3 order by 1
select t1.id, t2.id from t t1 join t t2 on t1.f = t2.f and t1.id < t2.id order by 1, 2
select t1.id, t2.id from t t1 join t t2 on t1.n = t2.n and t1.m = t2.m and t1.id < t2.id order by 1, 2
select t1.id, t2.id from t t1 join t t2 on t1.u = t2.u and t1.c = t2.v and t1.id < t2.id order by 1, 2
select t1.id, t2.id from t t1 join t t2 on t1.e = t2.e and t1.id < t2.id order by 1, 2
select t1.id, t2.id from t t1 join t t2 on t1.tz = t2.tz and t1.d = t2.d and t1.id < t2.id order by 1, 2
select t1.id from t t1 where f in (select f from t where f = 'NaN') order by 1
select strpos('abc', ''), position('' in 'abc'), replace('abc', '', 'x'), btrim('xxaxx', 'x'), ltrim('  a'), rtrim('a  '), trim(both 'ab' from 'abcab'), btrim('abc', ''), lower('ÀÉ'), upper('àé'), length('🤦🏼‍♂️'), reverse('añb')
select strpos(s, ''), btrim(s, 'a'), ltrim(s, 'ab'), rtrim(s, ''), lower(s), upper(s), length(s), starts_with(s, 'a'), md5(s), octet_length(s), trim(s) from t order by id
select -7 / 2, 7 / -2, -7 % 3, 7 % -3, (-2147483648)::int / -1
select (-32768)::smallint / (-1)::smallint
select (-9223372036854775808)::bigint / -1
select i / si, i % si, b / 7, -b / 7, b % 7, -b % 7 from t order by id
select 1 / 3.0::float8, 1.0::float4 / 3, 1::float4 + 1e-10::float8, 0.1::float4::float8, 0.1::float8::float4
select 2147483648.5::float8::int
select 'NaN'::float8::int
select 1e39::float8::float4
select 12345.678::numeric(8,2)::numeric(5,1), 99.995::numeric(4,2)
select 1e308::float8 * 10
select f * 1e300 from t where f = 1e300
select (12345678901234567890::numeric * 12345678901234567890::numeric)
select 99999999999999999999999999999999999999::numeric + 1
select m * 1e30 * 1e5 from t where m = 99999.99
select sum(m * 1e33) from t
select (-2147483648)::int % -1, (-9223372036854775808)::bigint % -1
select sum(f) from (values (1e308::float8), (1e308::float8)) v(f)
select x, count(*) from (values ('NaN'::numeric), (1e30), (0.1234567890123456789012345), (1.0), (1.0), ('NaN'), ('Infinity'), ('-Infinity'), (-0.12345678901234567891)) v(x) group by x order by x
select x from (values (1.5), (0.12345678901234567890), (0.123456789012345678901), (-7.25), (123456789012345678.5)) v(x) order by x desc
select x > (select avg(y) from (values (1), (2), (2)) w(y)), x = 1.50, x < 1e25 from (values (1.5), (1.50), (1.6666666666666667), (12345678901234567890123.0)) v(x) order by x
select distinct x from (values (2.0), (2.00), (123456789012345678901234567890.5)) v(x) order by 1
select x from (values (1.0), (2.0)) v(x) intersect select y from (values (1.00), (3)) w(y)
select m > (select avg(m) from t), m >= (select min(m) * 1e20 from t) from t where m is not null order by m, id
select count(*) from t where m < (select 'NaN'::numeric) or m > (select '-Infinity'::numeric)
select extract(year from d), count(*) from (values (date '2024-02-03'), ('infinity'), ('2024-12-31'), ('-infinity')) v(d) group by 1 order by 1
select extract(year from d), extract(isoyear from d), extract(quarter from d), extract(month from d), extract(week from d), extract(doy from d), extract(day from d), extract(dow from d), extract(isodow from d) from (values (date '2024-02-29'), ('infinity'), ('2026-01-01'), ('-infinity'), (null), ('0044-03-15 BC'), ('0001-01-01 BC'), ('0001-01-01'), ('4713-01-01 BC'), ('2020-12-31'), ('1970-01-04')) v(d) join (select 1) o(x) on true order by d
select date_part('year', d), date_part('isoyear', d), date_part('quarter', d), date_part('month', d), date_part('week', d), date_part('doy', d), date_part('day', d), date_part('dow', d), date_part('isodow', d), date_part('hour', d) from (values (date '2024-02-29'), ('infinity'), ('2026-01-01'), ('-infinity'), (null), ('0044-03-15 BC'), ('0001-01-01 BC'), ('0001-01-01'), ('4713-01-01 BC'), ('2020-12-31'), ('1970-01-04')) v(d) join (select 1) o(x) on true order by d
select extract(year from d), extract(isoyear from d), extract(quarter from d), extract(month from d), extract(week from d), extract(doy from d), extract(day from d), extract(dow from d), extract(isodow from d) from (values (date '2024-02-29'), (null), ('0044-03-15 BC'), ('0001-12-31 BC'), ('0001-01-01'), ('9999-12-31'), ('2020-12-31'), ('1969-12-31')) v(d) join (select 1) o(x) on true order by d
select date_part('year', d), date_part('isoyear', d), date_part('quarter', d), date_part('month', d), date_part('week', d), date_part('doy', d), date_part('day', d), date_part('dow', d), date_part('isodow', d), date_part('hour', d) from (values (date '2024-02-29'), (null), ('0044-03-15 BC'), ('0001-12-31 BC'), ('0001-01-01'), ('9999-12-31'), ('2020-12-31'), ('1969-12-31')) v(d) join (select 1) o(x) on true order by d
select extract(year from d), date_part('year', d), extract(isoyear from d), date_part('isoyear', d), extract(quarter from d), date_part('quarter', d), extract(month from d), date_part('month', d), extract(week from d), date_part('week', d), extract(doy from d), date_part('doy', d), extract(day from d), date_part('day', d), extract(dow from d), date_part('dow', d), extract(isodow from d), date_part('isodow', d), extract(hour from d), date_part('hour', d), extract(minute from d), date_part('minute', d) from (values (timestamp '2024-02-29 23:59:59.999999'), ('infinity'), ('2026-01-01'), ('-infinity'), (null), ('0044-03-15 12:34:56.5 BC'), ('1969-12-31 23:59:00'), ('9999-12-31 10:20')) v(d) join (select 1) o(x) on true order by d
select extract(year from d) y, extract(MONTHS from d) m, count(*) from (values (date '2024-02-29'), (null), ('0044-03-15 BC'), ('0001-12-31 BC'), ('0001-01-01'), ('9999-12-31'), ('2020-12-31'), ('1969-12-31')) v(d) join (select 1) o(x) on true group by 1, 2 having extract(year from d) > -50 order by 1, 2
select extract(year from d) * 100 + extract(month from d), extract(year from d)::int / 100, extract(day from d) / 7, sum(extract(year from d)) over (order by d), avg(extract(year from d)) over () from (values (date '2024-02-29'), (null), ('0044-03-15 BC'), ('0001-12-31 BC'), ('0001-01-01'), ('9999-12-31'), ('2020-12-31'), ('1969-12-31')) v(d) join (select 1) o(x) on true order by d
select extract(year from d - 400), extract(year from d + interval '1 month') from (values (date '2024-02-29'), (null), ('0044-03-15 BC'), ('0001-12-31 BC'), ('0001-01-01'), ('9999-12-31'), ('2020-12-31'), ('1969-12-31')) v(d) join (select 1) o(x) on true order by d
select extract(hour from d) from t join k on t.id = k.id order by 1
select extract(nope from ts) from t join k on t.id = k.id order by 1
select a.id, extract(year from a.d) = extract(year from b.d) from t a join t b on a.id = b.id + 1 order by 1
select date_part('year', d) from (values (date '5874897-12-31')) v(d) join (select 1) o(x) on true
select g, sum(case when y > 4 then x else 0 end), sum(case when y > 4 then x end), sum(case when y > 4 then x when y < 3 then y else null end), avg(case when y > 4 then x else 0 end) from (values (1, 1.50::numeric(8,2), 2.125::numeric(9,3)), (1, 2.25, null), (2, null, 4), (2, 7, 5), (3, null, null), (4, 0.12, 6)) v(g, x, y) group by g order by g
select g, sum(coalesce(x, 0)), sum(coalesce(x, y)), sum(coalesce(x, y, 0)), avg(coalesce(y, x, 1.5)), sum(coalesce(y, x)) filter (where y > 3) from (values (1, 1.50::numeric(8,2), 2.125::numeric(9,3)), (1, 2.25, null), (2, null, 4), (2, 7, 5), (3, null, null), (4, 0.12, 6)) v(g, x, y) group by g order by g
select sum(case when y > 4 then x else 0 end), sum(case when false then x else 0 end), sum(case when y > 1000 then x else 0 end), sum(coalesce(x, 0.0000)), sum(case when y > 4 then x * y else -1 end) from (values (1, 1.50::numeric(8,2), 2.125::numeric(9,3)), (1, 2.25, null), (2, null, 4), (2, 7, 5), (3, null, null), (4, 0.12, 6)) v(g, x, y)
select sum(case when y > 4 then x else 0 end), avg(coalesce(x, 0)) from (values (1, 1.50::numeric(8,2), 2.125::numeric(9,3)), (1, 2.25, null), (2, null, 4), (2, 7, 5), (3, null, null), (4, 0.12, 6)) v(g, x, y) where g > 100
select g, sum(distinct case when y > 4 then x else 0 end), sum(case when y > 4 then x else 0.000 end order by g) from (values (1, 1.50::numeric(8,2), 2.125::numeric(9,3)), (1, 2.25, null), (2, null, 4), (2, 7, 5), (3, null, null), (4, 0.12, 6)) v(g, x, y) group by g order by g
select g, sum(case when y > 4 then x else 0 end) over (partition by g), sum(coalesce(x, 0)) over (order by g, y) from (values (1, 1.50::numeric(8,2), 2.125::numeric(9,3)), (1, 2.25, null), (2, null, 4), (2, 7, 5), (3, null, null), (4, 0.12, 6)) v(g, x, y) order by g, y
select g, sum(case when i > 3 then x else 0 end), sum(coalesce(x, 0)) from (values (1, 1.50, 2), (1, 2.25, 3), (2, null, 4), (2, 7, 5), (3, null, null), (4, 0.125, 6)) v(g, x, i) group by g order by g
select g, sum(case when x > 1 then x else 0 end) from (values (1, 'NaN'::numeric), (1, 2.5), (2, 1e25), (2, 3)) v(g, x) group by g order by g
select sum(case when x then 99999999999999999999999999999999999.5 else 0 end), sum(case when x then 9e36 else 0.5 end) from (values (true), (true), (false)) v(x)
select i, sum(case when n > 1 then m else 0 end), sum(coalesce(n, 0)), 100.00 * sum(case when s like 'a%' then m else 0 end) / sum(m) from t group by i order by i
select sum(case when n > 1 then m else 0 end) > 5, round(sum(coalesce(n, 0)), 1), sum(coalesce(n, 0))::text from t having sum(coalesce(n, 0)) is not null
select i, sum(case when exists (select from k where k.id = t.id) then m else 0 end) from t group by i order by i
