select 1
select 1, 2.5, 'x', null, true, -5, -2147483648, 2147483648, 9223372036854775808
select 1e3, .5, 1.50
select 'a' as b, 1 c, 2 as "D"
select $1
select $1::int, $2::vector(3), $3::text[]
select $2::int
select $1 + 1
select $1 + $2
select $1 || 'x'
select $1 = $2
select 1 where $1
select * from items
select items.* from items
select i.*, i.id from items i
select i.* from items
select * from nosuch
select * from public.items
select * from nope.items
select * from items as i(a, b)
select * from nopk as i(a, b, c)
select nosuch from items
select titel from items
select items.nosuch from items
select i.title from items
select x.id from items i
select items.id from items i
select public.items.id from public.items
select public.items.id from public.items i
select id from items, authors
select items.id, authors.id from items, authors
select id from items a, items a
select id from items i join authors i on true
select ctid, xmin, tableoid from items
select items from items
select title from items where id = 5
select title from items where id = '5'
select title from items where id = 'five'
select title from items where title = 5
select title from items where id
select title from items where active
select title from items where 'true'
select title from items where not active
select title from items where not id
select title from items where active and id > 3 or title like 'a%'
select title from items where active and id
select title from items where id = $1
select title from items where $1 = id
select title from items where title like $1
select title from items where title ilike $1 and title not like 'x'
select title from items where title similar to 'a%'
select title from items where title ~ '^a' and title !~* 'b'
select title from items where title like 'a!%' escape '!'
select title from items where id in (1, 2, 3)
select title from items where id in (1, '2', $1)
select title from items where id in ('a')
select title from items where title in ('a', 'b', $1)
select title from items where title in (1, 2)
select title from items where price in (1, 2.5)
select title from items where id not in (1, 2)
select title from items where id between 1 and 10
select title from items where id between $1 and $2
select title from items where created > '2024-01-01'
select title from items where created > 'yesterday'
select title from items where created > 'nonsense'
select title from items where created > now() - interval '1 day'
select title from items where title is null and id is not null
select title from items where active is true and active is not false or active is unknown
select title from items where id is true
select title from items where id is distinct from 5
select title from items where title is not distinct from null
select title from items where id = any($1)
select title from items where id = any('{1,2}')
select title from items where id = any(array[1,2])
select title from items where id = any(5)
select title from items where title = any($1::text[])
select title from items where id <> all($1)
select title from items where 'x' = any(tags)
select title from items where tags @> array['a']
select title from items where tags @> '{a}'
select title from items where tags @> $1
select title from items where tags && array['a','b']
select title from items where tags = '{}'
select tags[1], tags[1:2] from items
select tags['x'] from items
select tags[$1] from items
select id[1] from items
select meta->'a', meta->>'b', meta#>'{a,b}', meta#>>'{a,b}', meta->0 from items
select meta->$1 from items
select meta @> '{"a":1}' from items
select meta ? 'a', meta ?| array['a'], meta ?& array['b'] from items
select meta || '{"a":1}', meta - 'a', meta - 1, meta #- '{a}' from items
select meta['a']['b'] from items
select meta @> '{bad' from items
select emb <-> '[1,2,3]', emb <=> '[1,2,3]', emb <#> '[1,2,3]', emb <+> '[1,2,3]' from items
select emb <-> $1 from items order by emb <-> $1 limit $2
select emb <-> '[1,2]'::vector from items
select emb <-> 'abc' from items
select emb <-> array[1,2,3] from items
select emb <-> array[1,2,3]::vector from items
select emb <-> half from items
select half <-> '[1,2,3]' from items
select emb::halfvec(3) <-> '[1,2,3]' from items
select emb::halfvec from items
select emb + emb, emb - emb, emb * emb from items
select emb || emb from items
select -emb from items
select emb::real[], emb::text, '[1,2,3]'::vector::real[] from items
select array[1,2,3]::vector(3), array[1.5,2]::halfvec
select '[1,2,3]'::vector(2)
select '[1,2,3]'::vector(0)
select '[1,2,3]'::vector(16001)
select vector '[1,2,3]'
select vector_dims(emb), vector_norm(emb), l2_distance(emb, '[1,2,3]'), cosine_distance(emb, emb), inner_product(emb, $1) from items
select l2_distance('[1,2]', '[3,4]')
select l2_distance('[1,2]'::vector, '[3,4]')
select avg(emb), sum(emb) from items
select subvector(emb, 1, 2), l2_normalize(emb), binary_quantize(emb) from items
select binary_quantize(emb)::bit(3) <~> binary_quantize('[1,2,3]') from items
select emb = '[1,2,3]', emb < '[1,2,3]' from items
select emb = any(array['[1,2,3]'::vector]) from items
select id from items order by emb <-> (select emb from items where id = 42)
select id from items order by emb <-> (select id from items where id = 42)
select 1 + 'a'
select 1 + '2'
select '1' + '2'
select 1 + true
select true + true
select 'a' || 'b', 'a' || 1, 1 || 'a'
select 1 || 2
select 1.5 + 1, 1 / 2, 5 % 3, 2 ^ 3, 7::bigint * 2, 1::smallint + 1
select f4 * n, f4 + f8, i4 * n, i8 / i2, i2 * i2 from typed
select f4 * 1.5, f8 * 2, n * 2, i2 + 1 from typed
select @ -5, |/ 25, ||/ 27, ~5, 5 & 3, 5 | 3, 5 # 3, 1 << 2, 8 >> 1
select - 'a'
select -t from typed
select +5, + i4 from typed
select t + 1 from typed
select t || v, t || c, t || i4, v || v, c || c, nm || t from typed
select t = v, v = c, c = t, t = nm, c = 'a', nm = 'x', v = 'a' from typed
select b || b, b = 'a', b = '\x00' from typed
select d + 1, d - d, d - 1, d + iv, ts - ts, ts + iv, tz - tz, tm + iv, d + tm from typed
select d = ts, d < tz, ts = tz, d = '2020-01-01', ts < now() from typed
select d + 'x' from typed
select d + '1 day' from typed
select ts + '1 day' from typed
select u = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' from typed
select u = 'bad' from typed
select u = t from typed
select j = j from typed
select jb = jb, jb < jb from typed
select ia || 1, 1 || ia, ia || ia, ia = '{1}', ia || '{2}', ta || 'x' from typed
select ia || 'x' from typed
select bits & bits, bits | bits, bits || bits, ~bits, bits = '1010', bits << 1 from typed
select b'101', x'1F', b'10' || b'1'
select b'102'
select bo = 'true', bo = 't', bo and 'f' from typed
select i4 = 1.5, i8 = i4, i2 = i8, f4 = n from typed
select i4 = t from typed
select i4::text, t::int, f8::int, n::int, i4::bool, bo::int, d::text, ts::date, tz::timestamp from typed
select d::int from typed
select i4::date from typed
select bo::date from typed
select t::vector, vec::text, vec::vector(3), vec::halfvec from typed
select t::jsonb, jb::text, j::jsonb, jb::int, jb::numeric, jb::bool from typed
select ia::text[], ta::int[], ia::text, t::int[] from typed
select '{1,2}'::int[], '{a,b}'::text[], '{1,x}'::int[]
select '1'::int, '1.5'::numeric(3,1), 'abc'::varchar(2), 'a'::char(3), '2020-01-01'::date
select '1.5'::int
select 'abc'::int
select ''::int
select '99999999999'::int
select '2020-13-01'::date
select 'maybe'::bool
select 'zz'::uuid
select '{'::jsonb
select '1234.5'::numeric(3,1)
select 5::numeric(3,1), 5.55::numeric(3,1), 'x'::char, 'x'::"char", 5::float, 5::real, 5::double precision
select 5::nosuchtype
select 'x'::text(5)
select 5::numeric(0)
select 5::numeric(1001)
select 'a'::varchar(0)
select cast(5 as text), int4 '5', date '2020-01-01', timestamp '2020-01-01 10:00', timestamptz '2020-01-01', interval '1 day', bool 't', numeric '1.5'
select cast('x' as varchar), cast(null as int), null::text
select 'items'::regclass, 'items'::regclass::oid, 'items'::regclass::text, 'int4'::regtype
select 'nosuch'::regclass
select 'nosuch'::regtype
select 5::regclass, 5::oid, '5'::oid, 5::oid::int
select 'pg_catalog'::regnamespace, 'postgres'::regrole, 'now'::regproc
select t::regclass from typed
select array[1,2,3], array['a','b'], array[1,2.5], array[1,'2'], array[1,null], array[null]
select array[1,'x']
select array[]
select array[]::int[]
select array[1,true]
select array[1,2]::text[], array['1','2']::int[]
select array(select id from items), array(select title from items)
select case when 1=1 then 1 else 2.5 end, case when true then 'a' end, case 1 when 1 then 'a' else null end
select case when true then 1 else 'x' end
select case when true then 1 else true end
select case when 1 then 2 end
select case id when 1 then 'a' when 2 then title end from items
select case id when 'a' then 1 end from items
select case when active then $1 else 5 end from items
select coalesce(1, 2.5), coalesce(null, 'x'), coalesce(title, 'none'), coalesce(null, null) from items
select coalesce(1, 'x')
select coalesce(1, true)
select coalesce($1, 5), coalesce($2, 'x')
select nullif(1, 2), nullif('a', 'b'), nullif(1, 2.5), nullif(title, 'x') from items
select nullif(1, 'x')
select greatest(1, 2.5, 3), least('a', 'b'), greatest(id, $1) from items
select greatest(1, 'x')
select current_date, current_timestamp, localtimestamp, localtime, current_user, session_user, user, current_catalog, current_schema
select current_timestamp(2), now(), clock_timestamp(), statement_timestamp(), transaction_timestamp()
select created at time zone 'utc', ts at time zone 'utc', tz at time zone $1 from items, typed
select extract(year from created), extract(epoch from created), date_part('year', created), date_trunc('day', created) from items
select extract(year from '2020-01-01')
select extract(year from t) from typed
select position('a' in title), substring(title from 1 for 2), substring(title, 2), trim(title), trim(both 'x' from title), ltrim(title), overlay(title placing 'x' from 1) from items
select substring(title from 'a.') from items
select length(title), upper(title), lower(title), char_length(title), initcap(title), reverse(title), repeat(title, 2), replace(title, 'a', 'b'), left(title, 2), right(title, 2), lpad(title, 5), md5(title) from items
select length('x'), upper('x'), length($1)
select length(5)
select upper(id) from items
select abs(-5), abs(-5.5), abs(i2), abs(f4), round(2.5), round(2.567, 2), ceil(1.5), floor(1.5), sqrt(2), power(2, 3), mod(5, 3), sign(-1), exp(1), ln(2), log(10), log(2, 8), pi(), random(), trunc(1.5), degrees(1), sin(1), div(5, 3) from typed
select round(f8, 2) from typed
select abs('5')
select abs('x')
select nosuchfunc(1)
select nosuchfunc()
select nosuch.func(1)
select pg_catalog.upper('x'), pg_catalog.nosuch(1)
select upper(), upper('a', 'b')
select concat('a', 1, null, true), concat_ws(',', 'a', 1), format('%s', 1), concat()
select to_char(created, 'YYYY'), to_char(5, '999'), to_char(5.5, '99'), to_date('2020', 'YYYY'), to_timestamp(5), to_timestamp('2020', 'YYYY'), to_number('5', '9') from items
select regexp_replace(title, 'a', 'b'), regexp_replace(title, 'a', 'b', 'g'), regexp_match(title, 'a'), split_part(title, ',', 1), string_to_array(title, ','), array_to_string(tags, ',') from items
select array_length(tags, 1), cardinality(tags), array_append(tags, 'x'), array_position(tags, 'x'), array_remove(tags, 'x'), array_cat(tags, tags), array_prepend('x', tags), array_dims(tags), array_upper(tags, 1) from items
select array_append(ia, 'x') from typed
select array_append(ia, 2.5) from typed
select array_append(null, 1)
select array_length('{1,2}', 1)
select array_length(null, 1)
select jsonb_build_object('a', 1, 'b', title), json_build_array(1, 'x'), to_jsonb(title), to_json(5), jsonb_array_length(meta), jsonb_typeof(meta), jsonb_set(meta, '{a}', '1'), jsonb_set(meta, '{a}', '1', false), jsonb_strip_nulls(meta), jsonb_pretty(meta) from items
select row_to_json(row(1,2)), json_agg(title), jsonb_agg(id), jsonb_object_agg(id, title) from items
select jsonb_extract_path(meta, 'a', 'b'), jsonb_extract_path_text(meta, 'a') from items
select to_jsonb('x')
select gen_random_uuid(), version(), current_database(), current_setting('x'), set_config('a', 'b', false), pg_backend_pid(), txid_current()
select pg_typeof(1), pg_typeof('x'), pg_typeof(null)
select format_type(23, null), pg_get_userbyid(10), quote_ident('x'), quote_literal('x'), quote_literal(5), obj_description(5, 'pg_class'), pg_table_is_visible(5), to_regclass('x'), has_table_privilege('items', 'select')
select pg_relation_size('items'), pg_total_relation_size('items'), pg_size_pretty(5::bigint), pg_size_pretty(pg_relation_size('items'))
select nextval('ident_k_seq'), currval('ident_k_seq'), lastval(), setval('ident_k_seq', 5)
select nextval('nosuch')
select nextval($1)
select make_interval(days => 5), make_interval(1, 2), make_date(2020, 1, 1)
select make_interval(nosuch => 5)
select make_interval(days => 5, 3)
select text(5), int4('5'), date('2020-01-01'), varchar('x'), numeric(5), float8(5), bool('t'), int4(5.5), timestamptz(d) from typed
select date(d), date(ts), date(t) from typed
select vector('[1,2]')
select upper(distinct 'x')
select upper(*)
select upper('x') filter (where true)
select upper('x') over ()
select upper('a' order by 1)
select count(*) from items
select count(*), count(id), count(distinct id), sum(id), sum(price), sum(author_id), avg(id), avg(price), min(title), max(created), max(id) from items
select sum(i2), sum(i4), sum(i8), sum(f4), sum(f8), sum(n), sum(iv), avg(i2), avg(i4), avg(f4), avg(f8), avg(n), avg(iv) from typed
select min(c), max(v), min(d), max(tm), min(nm), max(t), max(u) from typed
select max(bo) from typed
select sum(title) from items
select sum(t) from typed
select sum('5')
select sum() from items
select sum(*) from items
select count() from items
select stddev(id), variance(price), stddev_pop(id), corr(f8, f8), bool_and(active), bool_or(active), every(active), bit_and(i4), string_agg(title, ','), array_agg(title), array_agg(tags) from items, typed
select string_agg(title, ',' order by id desc), array_agg(distinct title order by title), string_agg(distinct title, ',') from items
select array_agg(distinct title order by id) from items
select count(*) filter (where id > 5) from items
select count(*) filter (where id) from items
select percentile_cont(0.5) within group (order by id), mode() within group (order by title), percentile_disc(0.5) within group (order by title) from items
select percentile_cont(array[0.5,0.9]) within group (order by price) from items
select percentile_cont(0.5) from items
select sum(id) within group (order by id) from items
select author_id, count(*) from items group by author_id
select author_id, title, count(*) from items group by author_id
select id, title, count(*) from items group by id
select i.id, i.title, a.name, count(*) from items i join authors a on a.id = i.author_id group by i.id
select i.id, i.title, a.name, count(*) from items i join authors a on a.id = i.author_id group by i.id, a.id
select title, count(*) from items
select title from items having count(*) > 1
select title from items having true
select count(*) from items having title = 'x'
select author_id + 1, count(*) from items group by author_id + 1
select author_id + 2, count(*) from items group by author_id + 1
select author_id + 1 as x, count(*) from items group by x
select author_id as id, count(*) from items group by id
select author_id, count(*) from items group by 1
select author_id, count(*) from items group by 3
select author_id, count(*) from items group by 'x'
select author_id, count(*) from items group by 2
select author_id, count(*) from items group by count(*)
select author_id from items group by author_id order by title
select author_id from items group by author_id order by count(*) desc, author_id
select author_id, title, count(*) from items group by rollup (author_id, title)
select author_id, title, count(*), grouping(author_id, title) from items group by cube (author_id, title)
select author_id, title, count(*) from items group by grouping sets ((author_id), (title), ())
select grouping(title) from items group by author_id
select j, count(*) from typed group by j
select distinct j from typed
select distinct title from items order by title
select distinct title from items order by id
select distinct on (author_id) author_id, title from items order by author_id, id
select distinct on (author_id) author_id, title from items order by id
select distinct on (title) id from items
select title from items where count(*) > 1
select title from items where sum(id) over () > 1
select title from items group by sum(id) over ()
select sum(count(*)) from items
select count(*) from items where id = sum(id)
select sum(sum(id)) over () from items
select row_number() over (order by id), rank() over (partition by author_id order by price desc), lag(title) over w, lead(title, 1, 'x') over w, first_value(id) over w, ntile(4) over w, sum(price) over (order by id rows between 1 preceding and current row) from items window w as (order by id)
select row_number() from items
select sum(id) over nosuch from items
select row_number() over (order by row_number() over ()) from items
select count(distinct id) over () from items
select rank() over (w partition by id) from items window w as (order by id)
select sum(id) over (order by id rows between current row and 1 preceding) from items
select id from items order by row_number() over (order by id)
select title as t from items order by t
select title as id from items order by id
select title as x, id as x from items order by x
select id from items order by 1
select id from items order by 2
select id from items order by 'x'
select id from items order by nosuch
select id from items order by title desc nulls last, id asc
select id from items order by id using >
select j from typed order by j
select id + 1 as y from items order by y + 1
select id from items limit 5 offset 2
select id from items limit '5'
select id from items limit $1 offset $2
select id from items limit 'x'
select id from items limit id
select id from items limit 2.5
select id from items limit true
select id from items limit null
select id from items limit all
select id from items limit count(*)
select id from items fetch first 5 rows only
select id from items for update
select count(*) from items for update
select distinct id from items for update
select id from items for update of nosuch
select i.id, a.name from items i join authors a on a.id = i.author_id
select i.id, a.name from items i join authors a using (id)
select id, name from items join authors using (id)
select * from items join authors using (id)
select * from items natural join authors
select * from authors left join items using (id)
select id from items full join authors using (id)
select * from items join authors using (nosuch)
select * from items join authors using (name)
select * from items i cross join authors a
select * from items i left join authors a on i.author_id = a.id
select * from items i left join authors a on i.author_id
select * from items i left join authors a on nosuch = 1
select * from items i left join authors a on count(*) > 1
select * from items i join authors a on a.id = b.id join nopk b on true
select * from (items i join authors a on true) as j
select j.id from (items i join authors a on true) as j
select j.name from (items i join authors a on true) as j
select i.id from (items i join authors a on true) as j
select * from nopk a, nopk b
select x.a from nopk x, (select x.a) y
select x.a from nopk x, lateral (select x.a as c) y
select y.c from nopk x, lateral (select x.a as c) y
select * from nopk x right join lateral (select x.a) y on true
select * from (select 1 as a, 'x' as b) s
select s.a + 1, s.b || 'y' from (select 1 as a, 'x' as b) s
select * from (select $1 as a) s
select * from (select id from items) 
select x from (values (1, 'a'), (2, 'b')) as v(x, y)
select * from (values (1), (2.5), ('3')) v
select * from (values (1), ('x')) v
select * from (values (1, 2), (3)) v
values (1, 'a'), (2, null)
values (1), ('x')
values (1) order by 1
values ($1, 2), (3, 4)
values (default)
select (select 1), (select title from items limit 1), (select max(id) from items)
select (select 1, 2)
select (select count(*) from items i where i.author_id = a.id) from authors a
select name from authors a where exists (select 1 from items i where i.author_id = a.id)
select name from authors where id in (select author_id from items)
select name from authors where id in (select title from items)
select name from authors where id in (select id, author_id from items)
select name from authors where id not in (select author_id from items where author_id is not null)
select name from authors where id > all (select author_id from items)
select name from authors where id = any (select author_id from items)
select name from authors where name = (select title from items where id = 1)
select name from authors where id = (select title from items where id = 1)
select name from authors where (id, name) = (1, 'x')
select name from authors where (id, name) > (1, 'x')
select name from authors where (id, name) in ((1, 'x'), (2, 'y'))
select name from authors where (id, name) = (1, 2, 3)
select name from authors where (id, name) < (1, 2)
select (select author_id) from items group by author_id
select (select title) from items group by author_id
with x as (select id from items) select * from x
with x(a) as (select id from items) select a from x
with x(a, b) as (select id from items) select a from x
with x as (select 1), x as (select 2) select 1
with x as (select id from items), y as (select id from x) select y.id from y join x using (id)
with x as (select nosuch from items) select 1
with x as (select 1 as a) select b from x
with recursive t(n) as (select 1 union all select n + 1 from t where n < 5) select n from t
with recursive t(n) as (select 1 union all select n + 1.5 from t where n < 5) select n from t
with recursive t(n) as (select n + 1 from t) select n from t
with recursive t as (select 1 as n union select n from t) select sum(n) from t
with x as (select 1 as a) select (select a from x), x.a from x
with items as (select 'shadow' as s) select s from items
select 1 union select 2
select 1 union all select 2.5
select 1 union select 'x'
select '1' union select 2
select 'a' union select 'b'
select null union select 1
select null union all select null
select 1 union select true
select 1, 2 union select 1
select id from items union select id from authors order by id
select id from items union select id from authors order by id + 1
select id from items union select id from authors order by nosuch
select id from items union select id from authors order by 1 limit 5
select title from items intersect select name from authors
select title from items except all select title from items
select j from typed union select j from typed
select 1 union select 2 intersect select 3
(select 1) union (select 2 order by 1 limit 1)
select $1 union select 5
select $1 union select $2
select * from (select 1 union select 2.5) s
select price from items union select rating from authors
select price from items union all select price from items
select title from items union select 'x'
select generate_series(1, 5)
select * from generate_series(1, 5)
select g from generate_series(1, 5) g
select x from generate_series(1, 5) as g(x)
select * from generate_series(1, 5) with ordinality
select * from generate_series(1, 5) with ordinality as t(a, b)
select * from unnest(array[1,2]) u
select * from unnest(array[1,2], array['a','b']) as u(x, y)
select u from items, unnest(tags) u
select unnest(tags) from items
select * from items i, jsonb_each(i.meta) e
select key, value from items, jsonb_each_text(meta)
select value from items, jsonb_array_elements(meta)
select e from items, jsonb_array_elements(meta) e
select e.value from items, jsonb_array_elements(meta) e
select * from json_to_recordset('[{"a":1}]') as x(a int, b text)
select * from json_to_recordset('[{"a":1}]') as x
select * from current_database()
select * from now() n
select * from upper('x')
select * from nosuchfunc(1)
select * from generate_series(1, count(*))
select title from items where generate_series(1, 2) = 1
select case when true then generate_series(1, 2) end
select count(generate_series(1, 2))
select regexp_matches(title, 'a'), regexp_split_to_table(title, ',') from items
select * from regexp_matches('a', 'b')
select * from string_to_table('a,b', ',') s
select generate_series('2020-01-01'::timestamp, '2020-01-05', '1 day')
select date '2020-01-01' + generate_series(0, 3)
insert into items (id, title) values (1, 'a')
insert into items (id, title) values ($1, $2)
insert into items (id, title, emb) values (1, 'a', '[1,2,3]'), (2, $1, $2)
insert into items values (1, 'a', 2)
insert into items (id, title) values (1)
insert into items (id) values (1, 'a')
insert into items (id, id) values (1, 2)
insert into items (id, nosuch) values (1, 2)
insert into items (id) values ('x')
insert into items (id) values (true)
insert into items (id, title) values (1, 5)
insert into items (id, created) values (1, 5)
insert into items (id, created) values (1, '2020-01-01')
insert into items (id, author_id) values (1, 2.5)
insert into items (id, author_id) values (1, 5000000000)
insert into items (id, price) values (1, default), (2, 5)
insert into items default values
insert into items (id) default values
insert into items (id, meta) values (1, '{"a":1}'), (2, $1)
insert into items (id, tags) values (1, '{a,b}'), (2, array['c']), (3, $1)
insert into items (id, active) values (1, 'yes'), (2, 1)
insert into items (id, emb) values (1, array[1,2,3])
insert into items (id, emb) values (1, 'x')
insert into items (id, emb) values (1, 5)
insert into items (id, half) values (1, '[1,2,3]'), (2, $1)
insert into items (id, half) select id, emb from items
insert into items (id, title) select id, name from authors
insert into items (id, title) select name, id from authors
insert into items (id, title) select id from authors
insert into items (id) select id, name from authors
insert into items (id, title) select 1, 'x' union select 2, 'y'
insert into items (id, title) select $1, $2
insert into items (id, title) values (1, 'a') returning id, title, upper(title) as u
insert into items (id, title) values (1, 'a') returning *
insert into items (id, title) values (1, 'a') returning nosuch
insert into items as i (id) values (1) returning i.id
insert into items as i (id) values (1) returning items.id
insert into items (id) values (1) returning count(*)
insert into nosuch values (1)
insert into ident (x) values ('a')
insert into ident (id, x) values (1, 'a')
insert into ident (id, x) overriding system value values (1, 'a')
insert into ident (id, x) values (default, 'a')
insert into ident values (default, default, 'a')
insert into nopk values (1, 'a'), (2)
insert into nopk values (1, 'a', 2)
insert into nopk values (a, 'x')
insert into nopk values (count(*), 'x')
insert into nopk values ((select max(id) from items), 'x')
with x as (select 1 as a) insert into nopk select a, 'x' from x
insert into nopk (a) with x as (select 1 as a) select a from x
insert into nopk (b) values (1), ('x'), (true)
insert into nopk (a) values (1), (2.5), ('3')
insert into nopk (a, b) select 1, 2
insert into typed (v, c, t) values ('abc', 'abc', 5)
insert into typed (d, ts) values (now(), now())
insert into typed (i2) values (100000)
insert into typed (i2, f4) values ($1, $2)
insert into typed (j, jb) values ('{}', '[]'), ($1, $2)
insert into typed (jb) values (5)
insert into typed (t) values (jsonb '{}')
update items set title = 'x' where id = 1
update items set title = $1 where id = $2
update items set nosuch = 1
update items set title = 5
update items set id = 'x'
update items set author_id = title
update items set author_id = 2.5
update items set price = default
update items set title = 'a', title = 'b'
update items set (title, author_id) = ('x', 5)
update items set (title, author_id) = (select name, id from authors limit 1)
update items set (title, author_id) = (select name from authors limit 1)
update items set (title, author_id) = ('x', 5, 6)
update items set (title, author_id) = row('x', $1)
update items set title = a.name from authors a where a.id = items.author_id
update items set title = name from authors where authors.id = author_id
update items i set title = 'x' where i.id = 1 returning i.*
update items i set title = 'x' where items.id = 1
update items set title = (select name from authors where id = items.author_id)
update items set price = price + 1, emb = emb + '[1,1,1]' where emb <-> $1 < 0.5 returning id, price
update items set price = sum(price)
update items set active = not active where id in (select id from authors)
update items set meta = meta || $1 where meta @> $2
update items set meta = jsonb_set(meta, '{a}', $1)
update items set tags = array_append(tags, $1)
update nosuch set a = 1
update ident set id = 5
update ident set id = default
update items set items.title = 'x'
update items set title = 'x' returning nosuch
delete from items
delete from items where id = $1
delete from items where nosuch = 1
delete from items i using authors a where i.author_id = a.id and a.name = $1
delete from items i where items.id = 1
delete from items where id = 1 returning *
delete from items where count(*) > 1
delete from nosuch
select title collate "C" from items order by title collate "C"
select id collate "C" from items
select title collate "nosuch" from items
select (1, 2) = (1, 2), row(1, 2) < row(1, 3)
select (d, d) overlaps (d, d) from typed
select (date '2020-01-01', date '2020-02-01') overlaps (date '2020-01-15', date '2020-03-01')
select 1 operator(pg_catalog.+) 2
select emb operator(public.<->) $1 from items
select 1 operator(nosuch.+) 2
select not true, not null, null and true, null = null, null is null
select 'a' < 'b', 'a' = null, null || null
select 1 = '1', 1 = '1.5'
select 1.5 = '1.5', '1.5' = 1.5
select $1 < 5, $2 > 'x', $3 = true, $4 = now()
select $1 like $2, $3 in (1, 2), $4 between 1 and 5
select $1::int = $1
select $1, $1::int
select $1::int, $1::text
select $1::text, length($1)
select upper($1), abs($2), $3 <-> '[1,2]'::vector
select coalesce($1, $2)
select case when $1 then $2 end
select $1 is null
select $1 is not null, $1 = 5
select array[$1, 5]
select array[$1, $2]
select concat($1, $2)
select jsonb_build_object('a', $1)
select jsonb_build_object('a', $1::text)
select round($1), round($2, 2)
select $1 - interval '1 day'
select now() - $1
select d - $1 from typed
select d + $1 from typed
select ts - $1 from typed
select i4 / $1, f8 * $2, n + $3 from typed
select t = $1, v = $2, c = $3, nm = $4, jb = $5, ia = $6, u = $7, b = $8, bo = $9 from typed
select t < $1 or t is null, v || $2 from typed
select sum($1) from items
select min($1)
select max(id) + $1 from items
select generate_series($1, $2)
select lag(id, $1) over () from items
select to_char(created, $1) from items
select date_trunc($1, created) from items
select extract(year from $1)
select a.id from authors a where a.born = $1 and a.rating > $2
insert into items (id, title) values ($1, $2) on conflict (id) do update set title = excluded.title || $3 where items.price > $4 returning id, title
insert into items as i (id, title) select id, name from authors on conflict (id) do update set (title, price) = (excluded.title, $1)
insert into items (id) values (1) on conflict do update set id = 2
insert into items (id) values (1) on conflict (nosuch) do nothing
insert into items (id) values (1) on conflict on constraint items_pkey do update set price = price + 1
insert into items (id) values (1) on conflict (id) do update set price = excluded.nosuch
insert into items (id) values (1) on conflict (id) do update set price = other.price
insert into items (id) values (1) on conflict (id) do update set price = 1 where title
insert into items (id) values (1) on conflict (id) do update set price = true where items.title = $1
insert into items (id) values (1) on conflict (id) do update set price = 1 returning excluded.price
insert into items (id) values (1) on conflict (id desc) do nothing
insert into items as i (id) values (1) on conflict (id) do update set price = items.price
select xmax, xmax = 0 from items where xmax <> 1
