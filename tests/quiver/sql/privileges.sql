-- What roles may do with tables, views, sequences, schemas and functions. `-- as role` says who runs what follows.
-- as postgres
create role ada login
create role bob login
create role grp
create role eve login in role grp
create table t (a int primary key, b text, c int default 5)
insert into t values (1,'x',2),(2,'y',3)
create view v as select a, b from t
create view w as select * from v where a > 0
create sequence s
create table ser (id serial, x int)
create table idn (id int generated always as identity, x int)
create schema priv
create table priv.p (i int)
create function twice(x int) returns int language sql as 'select x*2'
create domain dom as int
-- as ada
select * from t
select count(*) from t
insert into t values (3,'z',1)
update t set b='q'
delete from t
truncate t
lock table t in share mode
copy t to stdout
select * from v
select nextval('s')
select * from priv.p
select twice(2)
create table x (i int)
create schema y
alter table t add d int
create index on t (b)
explain select * from t
select 1 from t where false
-- as postgres
grant select on t to ada
select relacl from pg_class where relname='t'
-- as ada
select * from t order by a
select count(*) from t
update t set b='q'
select * from t for update
with x as (delete from t returning *) select * from x
-- as postgres
revoke select on t from ada
grant select (a), insert (a,b), update (b) on t to ada
select relacl from pg_class where relname='t'
select attname, attacl from pg_attribute where attrelid='t'::regclass and attnum>0 order by attnum
-- as ada
select a from t order by a
select a, b from t
select * from t
select t from t
select count(*) from t
select a from t where b = 'x'
select a from t order by b
select ctid from t
select a, tableoid::regclass from t
insert into t (a,b) values (10,'i')
insert into t values (11,'j')
insert into t values (11,'j',3)
insert into t (c) values (3)
insert into t (a) values (12) returning a
insert into t (a) values (13) returning b
insert into t (a,b) values (1,'c') on conflict (a) do nothing
insert into t (a,b) values (1,'c') on conflict (a) do update set b = excluded.b
insert into t (a,b) values (1,'c') on conflict (a) do update set c = 1
insert into t (a,b) values (1,'c') on conflict do nothing
update t set b = 'n' where a = 1
update t set b = b
update t set b = 'n' where c = 1
update t set c = 1
update t set a = 1 where false
delete from t
select t1.a from t t1 join t t2 on t1.a = t2.a order by 1
select t1.a from t t1 join t t2 using (b)
select (select max(a) from t)
select exists (select 1 from t where c = 1)
merge into t using (values (1)) x(y) on a = y when matched then update set b = 'm'
merge into t using (values (1)) x(y) on a = y when matched then delete
merge into t using (values (100)) x(y) on a = y when not matched then insert (a, b) values (y, 'z')
-- as postgres
revoke all on t from ada
grant select on v to ada
-- as ada
select * from v order by a
select * from w
select * from t
update v set b = 'v'
-- as postgres
grant update (b) on v to ada
-- as ada
update v set b = 'v' where a = 1
update v set b = 'v'
update v set a = 5
delete from v
insert into v values (20, 'q')
-- as postgres
grant insert, delete on v to ada
-- as ada
insert into v values (20, 'q')
delete from v where a = 20
delete from w
-- as postgres
grant all on w to ada
-- as ada
update w set b = 'ww' where a = 1
insert into w values (30, 'w')
delete from w where a = 30
select * from w where a = 1
-- as postgres
alter view v owner to bob
-- as ada
select * from v
-- as postgres
select * from v
grant select on t to bob
-- as ada
select count(*) from v
update v set b = '1' where a = 1
-- as postgres
grant usage on sequence s to ada
-- as ada
select nextval('s')
select currval('s')
select setval('s', 10)
select last_value from s
-- as postgres
grant insert on ser, idn to ada
-- as ada
insert into ser (x) values (1)
insert into idn (x) values (1)
insert into idn values (default, 1)
select nextval('idn_id_seq')
-- as postgres
grant usage on sequence ser_id_seq to ada
-- as ada
insert into ser (x) values (1)
-- as postgres
grant select on priv.p to ada
-- as ada
select * from priv.p
set search_path = priv, public
select * from p
select current_schemas(true)
-- as postgres
grant usage on schema priv to ada
-- as ada
select * from priv.p
select * from p
create table priv.q (i int)
select current_schemas(false)
-- as postgres
grant create on schema priv to ada
-- as ada
create table priv.q (i int)
-- as postgres
revoke execute on function twice(int) from public
-- as ada
select public.twice(2)
-- as postgres
grant execute on function twice to grp
select proacl from pg_proc where proname = 'twice'
-- as eve
select twice(2)
-- as postgres
grant select on t to grp with grant option
-- as eve
grant select on t to ada
-- as ada
select count(*) from t
-- as postgres
select relacl from pg_class where relname='t'
revoke select on t from grp
revoke select on t from grp cascade
select relacl from pg_class where relname='t'
-- as ada
select count(*) from t
grant select on t to eve
-- as postgres
grant select on t to public
-- as ada
select count(*) from t
-- as postgres
revoke all on t from public
grant foo on t to ada
grant usage on t to ada
grant execute on t to ada
grant select on schema priv to ada
grant create on schema priv to ada, bob
select nspacl from pg_namespace where nspname = 'priv'
grant select on nosuch to ada
grant select on t to nosuch
grant select (zz) on t to ada
grant select (a) on schema priv to ada
grant delete (a) on t to ada
grant select on sequence t to ada
grant insert on s to ada
grant usage on s to ada
grant select on t to public with grant option
grant truncate, references on t to ada
-- as ada
truncate t
create table r (x int references t(a))
create table priv.r (x int references public.t(a))
-- as postgres
revoke grant option for select on t from ada
grant all on all tables in schema public to bob
revoke all on all tables in schema public from bob
grant all privileges on t to ada
select relacl from pg_class where relname='t'
revoke insert, update on t from ada
select relacl from pg_class where relname='t'
alter table t owner to eve
select relacl from pg_class where relname='t'
drop role bob
-- as eve
grant select on t to bob granted by eve
revoke select on t from eve
select * from t
grant select on t to eve
select count(*) from t
-- as postgres
CREATE DOMAIN secret AS int
CREATE TYPE mood AS ENUM ('fine')
REVOKE USAGE ON TYPE mood FROM PUBLIC
REVOKE USAGE ON DOMAIN secret FROM PUBLIC
-- as ada
CREATE TABLE priv.moods (m mood)
CREATE TABLE priv.moods (m mood[])
CREATE TABLE priv.secrets (s secret)
CREATE DOMAIN priv.inner_secret AS secret
CREATE FUNCTION priv.of(m mood) RETURNS int LANGUAGE sql AS 'SELECT 1'
ALTER TABLE priv.q ADD COLUMN m mood
ALTER TABLE priv.q ALTER COLUMN i TYPE secret
SELECT 'fine'::mood, 1::secret
-- as postgres
GRANT USAGE ON TYPE mood TO ada
-- as ada
CREATE TABLE priv.moods (m mood)
