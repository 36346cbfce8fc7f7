-- Default privileges, DROP OWNED and REASSIGN OWNED. `-- as role` says who runs what follows.
-- as postgres
create role olga login
create role otto login
create role others
grant others to otto
grant create on schema public to olga, otto
create schema s1
grant usage, create on schema s1 to olga
alter default privileges grant select on tables to otto
alter default privileges for role olga grant insert on tables to otto
alter default privileges for role olga in schema s1 grant update on tables to others
alter default privileges in schema s1 grant usage on sequences to others with grant option
alter default privileges revoke execute on functions from public
alter default privileges for role olga revoke all on types from public
alter default privileges grant usage on schemas to others
alter default privileges in schema s1 grant usage on schemas to others
alter default privileges grant select (a) on tables to otto
alter default privileges grant foo on tables to otto
alter default privileges grant execute on tables to otto
alter default privileges for role nosuch grant select on tables to otto
alter default privileges in schema nosuch grant select on tables to otto
select defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, defaclacl from pg_default_acl order by 1,2,3
create table t1 (a int)
create table s1.t2 (a serial)
create view v1 as select 1 as x
create schema s2
create function f() returns int language sql as 'select 1'
-- as olga
create table ta (a int)
create table s1.tb (a int)
create domain d1 as int
create type e1 as enum ('a')
create materialized view mv as select 1 as x
create table tc as select 1 as x
-- only in 15: other words
alter default privileges for role otto grant select on tables to olga
alter default privileges grant select on tables to public
create table td (a int)
-- as postgres
select relname, relacl from pg_class where relname in ('t1','t2','t2_a_seq','v1','ta','tb','mv','tc','td') order by 1
select nspname, nspacl from pg_namespace where nspname in ('s1','s2') order by 1
select typname, typacl from pg_type where typname in ('d1','e1') order by 1
select proname, proacl from pg_proc where proname = 'f'
alter default privileges revoke select on tables from otto
alter default privileges grant execute on functions to public
select defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, defaclacl from pg_default_acl order by 1,2,3
-- only in 15: in another order
drop role olga
drop role otto
-- as otto
-- only in 15: other words
drop owned by olga
-- only in 15: other words
reassign owned by olga to otto
-- as postgres
drop owned by postgres
reassign owned by postgres to olga
reassign owned by olga to otto
select relname, relowner::regrole, relacl from pg_class where relname in ('ta','tb','mv') order by 1
drop role olga
drop owned by olga
drop role olga
-- as otto
create table own (id serial primary key)
create view owner_view as select * from own
create schema bs
-- as postgres
grant create on database privileges_default_privileges to otto
-- as otto
create schema bs
create table bs.x (i int references own)
-- as postgres
create view other as select * from own
drop owned by otto
drop view other
drop owned by otto
select count(*) from pg_class where relowner = 'otto'::regrole
select datacl, nspacl from pg_database, pg_namespace where datname = current_database() and nspname = 'public'
drop role otto
drop schema s1 cascade
select defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, defaclacl from pg_default_acl order by 1,2,3
