-- partitioned tables: PARTITION BY, PARTITION OF, ATTACH and DETACH, rows through the parent, what partitions inherit, the catalogs
create table np(a int)
create table np1 partition of np for values in (1)
create table t(a int, b text) partition by range(a)
create table t0 partition of t for values in (1)
create table t0 partition of t for values with (modulus 3, remainder 1)
create table t0 partition of t for values from (1,2) to (3)
create table t0 partition of t for values from (null) to (3)
create table t0 partition of t for values from (b) to (3)
create table t0 partition of t for values from ('x') to (3)
create table t0 partition of t for values from ('2020-01-01'::date) to (3)
create table t0 partition of t for values from ((select 1)) to (3)
create table t0 partition of t for values from (10) to (3)
create table t1 partition of t for values from (0) to (10)
create table t2 partition of t for values from (5) to (15)
create table t2 partition of t for values from (10) to (20)
create table td partition of t default
create table td2 partition of t default
insert into t values (5,'a'),(15,'b'),(100,'c')
create table t3 partition of t for values from (90) to (110)
insert into t1 values (50,'x')
insert into t values (null,'x')
create table u(a int, b int) partition by list(a,b)
create table u(a int, b int) partition by foo(a)
create table u(a int, b int) partition by list(c)
create table u(a int, b int, primary key(b)) partition by list(a)
create table u(a int, b int, unique(b)) partition by list(a)
create table u(a int, b int) partition by list(a)
create table u1 partition of u for values in (1,2,1,null)
create table u2 partition of u for values in (2)
create table u2 partition of u for values in (null)
insert into u values (9,9)
insert into u values (null,9),(1,2)
select tableoid::regclass,* from u order by 2
create table h(a int, b text) partition by hash(a,b)
create table h0 partition of h for values with (modulus 4, remainder 0)
create table h0x partition of h default
create table h0x partition of h for values with (modulus 0, remainder 0)
create table h0x partition of h for values with (modulus 4, remainder 4)
create table h0x partition of h for values with (modulus 6, remainder 1)
create table h0x partition of h for values with (modulus 3, remainder 1)
create table h0x partition of h for values with (modulus 8, remainder 4)
create table h1 partition of h for values with (modulus 4, remainder 1)
insert into h values (1,'a')
insert into h values (2,'a')
insert into h values (3,'a')
alter table t attach partition np for values from (200) to (300)
create table at1(a int, b text, c int)
alter table t attach partition at1 for values from (200) to (300)
create table at2(a int)
alter table t attach partition at2 for values from (200) to (300)
create table at3(a int, b int)
alter table t attach partition at3 for values from (200) to (300)
create table at4(b text, a int)
insert into at4 values ('x',5)
alter table t attach partition at4 for values from (200) to (300)
delete from at4
insert into at4 values ('x',205)
alter table t attach partition at4 for values from (200) to (300)
alter table t attach partition at4 for values from (300) to (400)
select tableoid::regclass,* from t order by a
alter table t detach partition np
alter table np detach partition t1
alter table t detach partition at4
select tableoid::regclass,* from t order by a
alter table t add column c int
alter table t1 add column d int
alter table t1 drop column a
alter table t drop column a
alter table t rename column b to bb
alter table t1 rename column bb to cc
alter table only t add column e int
alter table t alter column a type bigint
alter table t1 alter column a type bigint
alter table t alter column bb set not null
alter table t1 alter column bb drop not null
alter table t add constraint ck check (bb <> 'zz')
alter table t1 drop constraint ck
insert into t1 values (1,'zz')
insert into t values (1,'zz')
alter table t drop constraint ck
update t set a = 15 where a = 5
update t1 set a = 15
truncate t
drop table t
drop table td
drop table u1
select relname from pg_class where relname in ('t1','td','t','u1','u') order by 1
SET client_min_messages = error
DROP SCHEMA IF EXISTS public CASCADE
CREATE SCHEMA public
RESET client_min_messages
create table t(a int not null, b text, c timestamptz default now(), e numeric) partition by range(a)
create table t1 partition of t for values from (-5) to (10)
create table t2 partition of t for values from (10) to (20) partition by list (b)
create table t21 partition of t2 for values in ('x','y',null)
create table t22 partition of t2 for values in ('z')
create table t23 partition of t2 default
create table td partition of t default
create table m(a int, b int) partition by range(a,b)
create table m1 partition of m for values from (1,2) to (1,5)
create table m2 partition of m for values from (2,minvalue) to (3,4)
create table m3 partition of m for values from (3,4) to (maxvalue, maxvalue)
create table m4 partition of m default
create table h(a int, b text) partition by hash(a,b)
create table h0 partition of h for values with (modulus 2, remainder 0)
create table h1 partition of h for values with (modulus 2, remainder 1)
create table tz(a timestamptz, b bigint) partition by range(a)
create table tz1 partition of tz for values from ('2024-01-01') to ('2024-02-01')
create table bi(a bigint) partition by list(a)
create table bi1 partition of bi for values in (1,2)
create table nu(a numeric) partition by list(a)
create table nu1 partition of nu for values in (1,2.5,-3)
create table bo(a boolean) partition by list(a)
create table bo1 partition of bo for values in (true)
select relname, relkind, relispartition, relhassubclass, pg_get_expr(relpartbound, oid) from pg_class where relnamespace='public'::regnamespace order by 1
select inhrelid::regclass::text, inhparent::regclass, inhseqno, inhdetachpending from pg_inherits order by 1
select relname, pg_get_partkeydef(oid) from pg_class where relkind='p' order by 1
select relname, regexp_replace(pg_get_partition_constraintdef(oid), '''\d+''', 'OID') from pg_class where relispartition and relname <> 'm4' order by 1
select relid::text, parentrelid::text, isleaf, level from pg_partition_tree('t') order by 1
select relid::text, parentrelid::text, isleaf, level from pg_partition_tree('t2') order by 1
select * from pg_partition_tree('pg_class')
select relid::text from pg_partition_ancestors('t21') relid
select pg_partition_root('t21'), pg_partition_root('t'), pg_partition_root('pg_class')
create index on t(b)
alter table t add primary key (a)
alter table t2 drop column b
create table ft(x int primary key)
create index ti on only t (c)
select indexrelid::regclass::text, indisvalid from pg_index where indrelid::regclass::text ~ '^t' order by 1
create index ti1 on t1 (c)
alter index ti attach partition ti1
alter index ti attach partition ti1
create index tx on t1 (a,b)
alter index ti attach partition tx
drop index ti1
drop index ti
select conname, conrelid::regclass::text, contype, conislocal, coninhcount, connoinherit, conparentid <> 0 from pg_constraint where connamespace='public'::regnamespace order by 1,2
select relname, relkind, relispartition, relhassubclass from pg_class where relkind in ('i','I') and relnamespace='public'::regnamespace order by 1
select attrelid::regclass::text, attname, attislocal, attinhcount, attnotnull from pg_attribute where attnum>0 and attrelid in ('t'::regclass,'t1'::regclass,'t21'::regclass) order by 1,2
select pg_get_indexdef('t_b_idx'::regclass), pg_get_indexdef('t1_b_idx'::regclass)
insert into m values (1,2),(1,4),(1,5),(2,-100),(3,3),(3,4),(9,9),(null,1) returning tableoid::regclass, *
select tableoid::regclass, * from m order by 2,3
insert into h select g, 'v'||g from generate_series(1,50) g
select tableoid::regclass, count(*) from h group by 1 order by 1
-- refused: function satisfies_hash_partition is not supported
select count(*) from h0 where not satisfies_hash_partition('h'::regclass, 2, 0, a, b)
select table_name, table_type from information_schema.tables where table_schema='public' order by 1
update m set a = 3, b = 10 where a = 1 returning tableoid::regclass, *
select tableoid::regclass, * from m order by 2,3
delete from m where b > 5 returning tableoid::regclass, *
select count(*) from only m
update t set b='q' where b='x'
insert into t(a,b) values (12,'x'),(13,'z'),(14,'w')
select tableoid::regclass, a, b from t order by a
update t set b = 'z' where a = 12 returning tableoid::regclass, a, b
insert into t(a,b) values (12,'dup')
insert into t(a,b) values (12,'x') on conflict (a) do nothing
SET client_min_messages = error
DROP SCHEMA IF EXISTS public CASCADE
CREATE SCHEMA public
RESET client_min_messages
create table r(id int primary key, n text)
insert into r values (1,'a'),(2,'b')
create table t(id int, k int, v text default 'd', r_id int references r, g int generated always as (k*2) stored, constraint ck check (k > 0)) partition by list(k)
create table t1 partition of t (v default 'one', constraint c1 check (id > 0)) for values in (1)
create table t2 partition of t (id not null, v with options default 'two') for values in (2,3)
create table t1 partition of t for values in (9)
create table if not exists t1 partition of t for values in (9)
create table tx partition of t (zz default 3) for values in (9)
create table tx partition of t (id default 3, id default 4) for values in (9)
create unique index t_id_k on t (id, k)
create unique index t_id on t (id)
insert into t(id,k,r_id) values (1,1,1),(2,2,2),(3,3,null) returning tableoid::regclass, *
insert into t(id,k,r_id) values (1,1,9)
insert into t(id,k,r_id) values (4,1,9)
insert into t(id,k) values (-1,1)
insert into t(id,k) values (5,-1)
insert into t(id,k) values (null,2)
insert into t1(id,k) values (5,2)
insert into t1(id,k) values (5,1) returning *
update t set r_id = 9 where id=1
delete from r where id=1
update t set k = 3 where id = 1 returning tableoid::regclass, *
update t set k = 9 where id = 1 returning tableoid::regclass, *
update t1 set k = 2
update t set k = case when k=2 then 1 else 2 end where k in (1,2) returning tableoid::regclass, id, k
select tableoid::regclass, id, k, v, g from t order by id
insert into t(id,k,v) values (1,3,'up') on conflict (id,k) do update set v = excluded.v || 'x' returning tableoid::regclass, id, v
insert into t(id,k,v) values (1,3,'up') on conflict (id,k) do update set k = 2
insert into t(id,k,v) values (1,3,'up'),(77,1,'new') on conflict do nothing returning id
merge into t using (values (1,3),(88,1)) s(a,b) on t.id=s.a when matched then update set v='m' when not matched then insert (id,k,v) values (s.a,s.b,'mi')
select tableoid::regclass, id, k, v from t where id in (1,88) order by id
merge into t using (values (1,1)) s(a,b) on t.id=s.a when matched then update set k=s.b
select tableoid::regclass, id, k, v from t where id in (1,88) order by id
merge into t using (values (1,1)) s(a,b) on t.id=s.a when matched then delete
select * from t where id = 2 for update
select id from t order by id for update
select id from t where k in (1,2) order by id limit 2 for update skip locked
with m as (update t set v='w' where id=2 returning id, tableoid::regclass) select * from m
with m as (delete from t where id=88 returning id) select * from m
delete from t using r where r.id = t.r_id and r.id = 2 returning t.id, r.n, t.tableoid::regclass
update t set v = r.n from r where r.id = coalesce(t.r_id,1) returning t.id, r.n, v
create view vt as select * from t where k > 0 with check option
insert into vt(id,k) values (50, 2)
insert into vt(id,k) values (51, -2)
update vt set v='viaview' where id=50 returning *
delete from vt where id=50
create view vo as select * from only t
select pg_get_viewdef('vo'::regclass)
select count(*) from vo
alter table t add column s serial
alter table t add column n int not null default 7
alter table t add column u int check (u < 100)
select id, s > 0, n, u from t order by id
insert into t(id,k,u) values (60,2,100)
alter table t alter column n type bigint using n*2
select n, pg_typeof(n) from t1 limit 1
alter table t alter column v set default 'newd'
insert into t1(id,k) values (70,1) returning v
alter table t alter column v drop default
alter table t1 alter column v set default 'own'
insert into t1(id,k) values (71,1) returning v
insert into t(id,k) values (72,1) returning v
alter table t rename constraint ck to ck2
alter table t1 rename constraint ck2 to ck3
-- refused: cannot alter constraint "t_r_id_fkey" on relation "t1"
alter table t1 alter constraint t_r_id_fkey deferrable
alter table t drop constraint t_r_id_fkey
select conname from pg_constraint where conrelid='t1'::regclass order by 1
alter table t drop column u
alter table t1 drop column n
alter table only t drop column n
alter table only t alter column n drop not null
alter table t1 rename to t1x
insert into t values (100, 1)
truncate only t
truncate t1x
lock table t in access share mode
comment on table t is 'parts'
alter table t set (fillfactor=70)
create table pf(a int) partition by range(a) with (fillfactor=70)
alter table t owner to current_user
create index concurrently on t(v)
create index on t(v)
drop index t1_v_idx
drop index t_v_idx
drop table t1x
drop view vt, vo
drop table t
select count(*) from pg_class where relname in ('t','t1x','t2')
create table a(x int) partition by range(x)
create table b partition of a for values from (1) to (2) partition by list(x)
create table c partition of b for values in (1)
drop table b
create schema s1
create table s1.p partition of a for values from (5) to (6)
drop schema s1
drop schema s1 cascade
create table fk(x int references a(x))
alter table a add primary key (x)
create table fk(x int references a(x))
create table tmp partition of a for values from (10) to (11)
create temp table tmp2 partition of a for values from (11) to (12)
create temp table tp(x int) partition by range (x)
create table tp1 partition of tp for values from (1) to (2)
create table ge(a int, b int generated always as (a) stored) partition by range (b)
create table ge(a int) partition by range (xmin)
-- refused: expressions in partition keys are not supported
create table ge(a int) partition by range ((a+1))
-- refused: INHERITS is not supported
create table ge(a int) inherits (a)
create table ni(a int check (a>1) no inherit) partition by range (a)
-- refused: DETACH PARTITION ... CONCURRENTLY is not supported
alter table a detach partition tmp concurrently
SET client_min_messages = error
DROP SCHEMA IF EXISTS public CASCADE
CREATE SCHEMA public
RESET client_min_messages
create schema s2
create table s2.t(a int, s serial) partition by list(a)
create table s2.t1 partition of s2.t for values in (1)
create table s2.t2 partition of s2.t for values in (2) partition by list(a)
create view v2 as select * from s2.t2
drop schema s2
drop view v2
drop schema s2
drop schema s2 cascade
-- foreign keys to partitioned tables
create table p(a int, b text, n int, primary key (b, a)) partition by list(a)
create table p1 partition of p for values in (1)
create table p2 (n int, b text not null, a int not null)
alter table p attach partition p2 for values in (2)
create table p3 partition of p for values in (3,4) partition by range (b)
create table p3a partition of p3 for values from ('a') to ('m')
create table p3b partition of p3 for values from ('m') to ('z')
insert into p select 1 + g % 4, chr(97 + g), g from generate_series(0, 20) g
create table f(id int, fa int, fb text, constraint f_fk foreign key (fa, fb) references p(a, b))
insert into f values (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c'), (4, 4, 'd'), (5, null, 'zz')
insert into f values (6, 1, 'b')
update f set fa = 3 where id = 1
update f set fa = 1, fb = 'e' where id = 1
delete from p where a = 2 and b = 'b'
delete from p2 where b = 'b'
delete from p where b = 'f'
update p set a = 3 where b = 'i' and a = 1
update p set n = 100 where b = 'c'
update p3a set b = 'bb' where b = 'c'
delete from p3 where b = 'd'
begin
delete from p where a = 3 and b = 'c'
rollback
alter table p detach partition p1
drop table p1
truncate p1
truncate p
truncate p cascade
select count(*) from f
insert into p select 1 + g % 4, chr(97 + g), g from generate_series(0, 20) g
alter table p detach partition p1
insert into f values (1, 1, 'a')
alter table p attach partition p1 for values in (1)
insert into f values (1, 1, 'a')
drop table p
alter table f drop constraint f_fk
alter table f add constraint f_fk foreign key (fa, fb) references p(a, b) on delete cascade on update cascade
delete from p where a = 1 and b = 'a'
select * from f
insert into f values (2, 2, 'b'), (3, 3, 'c')
update p set b = 'bzz' where a = 2 and b = 'b'
select * from f order by id
delete from p3a where b = 'c'
select * from f order by id
alter table f drop constraint f_fk
alter table f add constraint f_fk foreign key (fa, fb) references p(a, b) on delete set null deferrable initially deferred
begin
insert into f values (9, 1, 'zzz')
insert into p values (1, 'zzz', 0)
commit
begin
insert into f values (10, 1, 'yyy')
commit
delete from p where b = 'zzz'
select * from f order by id
create table fp(x int, y text, foreign key (x,y) references p(a,b)) partition by list(x)
create table fp1 partition of fp for values in (1)
create table fp2 partition of fp for values in (2)
insert into fp values (1, 'e'), (2, 'bzz')
insert into fp values (2, 'nope')
delete from p where b = 'bzz'
delete from fp where x = 2
delete from p where b = 'bzz'
create table self(a int, b int, c int, primary key (a), foreign key (b) references self(a)) partition by range (a)
create table self1 partition of self for values from (0) to (10)
create table self2 partition of self for values from (10) to (20)
insert into self values (1, 11), (11, 1), (12, 12)
insert into self values (2, 15)
delete from self where a = 11
delete from self where a in (1, 11)
select * from self
drop table self
drop table p cascade
create table mv(a int primary key) partition by list(a)
create table mv1 partition of mv for values in (1)
create table mv2 partition of mv for values in (2)
create table mvf(a int references mv on update cascade)
insert into mv values (1)
insert into mvf values (1)
-- refused: moving rows to another partition is not supported where foreign key "mvf_a_fkey" with an action references them
update mv set a = 2
drop table mvf
create view pv as select * from mv
drop table mv cascade
create extension if not exists vector schema public
create table e(k int, v vector(3)) partition by list(k)
create table e1 partition of e for values in (1)
create table e2 partition of e default
insert into e select g % 3, format('[%s,1,1]', g)::vector from generate_series(1, 30) g
create index on e using hnsw (v vector_l2_ops)
create index on e using ivfflat (v vector_l2_ops) with (lists = 1)
select k, v from e order by v <-> '[7.1,1,1]' limit 3
select relname, relkind from pg_class where relname like 'e_\_%' or relname like 'e\_%' order by 1
reindex table e
vacuum e
analyze e
prepare p1(int) as select count(*) from e where k = $1
execute p1(1)
execute p1(null)
create view ev as select k + 0 as k0, k, v from e
select count(*) from ev where k = 1
create materialized view em as select k, count(*) as c from e group by k
select * from em order by k
select e from e where v = '[3,1,1]'
select count(*) from e tablesample bernoulli(100)
select q.k, n.v from (select * from e where k = 1 and v < '[5,1,1]') q, lateral (select v from e where e.v <> q.v order by e.v <-> q.v, v limit 2) n order by 1, 2
with recursive r as (select min(k) as k from e union all select r.k + 1 from r join e on e.k = r.k + 1 where e.v < '[5,1,1]') select distinct k from r order by 1
select k, row_number() over (partition by k order by v) from e where v < '[8,1,1]' order by 1, 2
select distinct on (k) k, v from e order by k, v desc
begin isolation level serializable
insert into e values (1, '[99,1,1]')
commit
drop table e cascade
-- dropping tables with their partitions, and what a key is made of
create table dt(a int, b int) partition by list(a)
create table dt1 partition of dt for values in (1)
create table dt2 partition of dt for values in (2)
drop table dt2, dt, dt1
create type mood as enum ('sad', 'ok', 'happy')
create table em2(m mood, n int) partition by list(m)
create table em_sad partition of em2 for values in ('sad')
create table em_rest partition of em2 for values in ('ok', 'happy')
insert into em2 values ('sad', 1), ('happy', 2), ('ok', 3)
select tableoid::regclass, * from em2 where m > 'sad' order by m
select pg_get_expr(relpartbound, oid) from pg_class where relname = 'em_rest'
drop table em2
create table swap(k int, n int, primary key (k)) partition by range(k)
create table swap1 partition of swap for values from (0) to (10)
create table swap2 partition of swap for values from (10) to (20)
insert into swap values (5, 1), (15, 2)
update swap set k = k + 4
select tableoid::regclass, * from swap order by k
update swap set k = 30 where k = 9
insert into swap values (19, 1)
insert into swap values (19, 1) on conflict do nothing
insert into swap values (19, 7), (1, 7) on conflict (k) do update set n = swap.n + excluded.n returning *
insert into swap values (19, 7) on conflict (k) do update set k = 2
merge into swap using (values (1, 100), (3, 300), (19, 0)) v(k, n) on swap.k = v.k when matched and v.n = 0 then delete when matched then update set k = swap.k + 10, n = v.n when not matched then insert values (v.k, v.n)
select tableoid::regclass, * from swap order by k
drop table swap
