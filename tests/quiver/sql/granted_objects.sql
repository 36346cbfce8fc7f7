-- How access lists show, and what has_..._privilege() says. `-- as role` says who runs what follows.
-- as postgres
create role cleo login
create role dora login
create role staff
grant staff to dora
create table t (a int primary key, b text)
create sequence s
create view v as select * from t
create schema priv
create domain dom as int
create type ct as (x int)
create function f(x int) returns int language sql as 'select x'
grant select, update (b) on t to cleo
grant insert on t to staff with grant option
grant usage on sequence s to cleo
grant select on v to public
grant create on schema priv to dora with grant option
revoke execute on function f from public
grant usage on type ct to cleo
grant usage on domain dom to cleo
grant temp on database privileges_granted_objects to cleo
select grantor,grantee,table_name,privilege_type,is_grantable,with_hierarchy from information_schema.table_privileges where table_schema='public' order by 1,2,3,4
select grantor,grantee,table_name,column_name,privilege_type,is_grantable from information_schema.column_privileges where table_schema='public' order by 1,2,3,4,5
select grantor,grantee,object_name,object_type,privilege_type,is_grantable from information_schema.usage_privileges where object_schema='public' order by 1,2,3,4
select grantor,grantee,object_name,object_type,privilege_type,is_grantable from information_schema.role_usage_grants where object_schema='public' order by 1,2,3,4
select grantor,grantee,udt_name,privilege_type,is_grantable from information_schema.udt_privileges where udt_schema='public' order by 1,2,3,4
select grantor,grantee,routine_name,privilege_type,is_grantable from information_schema.routine_privileges where routine_schema='public' order by 1,2,3,4
select relname, relacl from pg_class where relnamespace = 'public'::regnamespace order by 1
select nspname, nspacl from pg_namespace where nspname in ('public', 'priv')
select nspowner::regrole from pg_namespace where nspname = 'public'
select datacl from pg_database where datname = current_database()
select typname, typacl from pg_type where typname in ('ct','dom','t') order by 1
select proacl from pg_proc where proname = 'f'
select x.grantee::regrole, x.privilege_type, x.is_grantable from pg_class c, lateral aclexplode(c.relacl) x where relname='v' order by 1,2,3
select makeaclitem('cleo'::regrole, 'dora'::regrole, 'SELECT, INSERT', true)
select acldefault('r', 'cleo'::regrole), acldefault('n', 'cleo'::regrole), acldefault('d', 'cleo'::regrole), acldefault('s', 'cleo'::regrole), acldefault('c', 'cleo'::regrole)
select makeaclitem('cleo'::regrole, 'dora'::regrole, 'FOO', true)
select has_table_privilege('cleo', 't', 'select'), has_table_privilege('cleo', 't', 'insert'), has_table_privilege('dora', 't', 'INSERT WITH GRANT OPTION'), has_table_privilege('cleo', 't', 'select, insert'), has_table_privilege('dora', 'v', 'select')
select has_column_privilege('cleo', 't', 'b', 'update'), has_column_privilege('cleo', 't', 'a', 'update'), has_column_privilege('cleo', 't', 2::int2, 'select'), has_any_column_privilege('cleo', 't', 'update'), has_any_column_privilege('cleo','t','references')
select has_schema_privilege('dora', 'priv', 'create'), has_schema_privilege('dora','priv','usage'), has_schema_privilege('cleo', 'public', 'usage'), has_schema_privilege('cleo', 'public', 'create'), has_schema_privilege('cleo','pg_catalog','usage')
select has_database_privilege('cleo', current_database(), 'temp'), has_database_privilege('cleo', current_database(), 'create'), has_database_privilege('cleo', current_database(), 'connect')
select has_function_privilege('cleo', 'f(int)', 'execute'), has_function_privilege('cleo', 'lower(text)', 'execute')
select has_sequence_privilege('cleo', 's', 'usage'), has_sequence_privilege('cleo', 's', 'select'), has_type_privilege('cleo', 'ct', 'usage'), has_type_privilege('dora', 'int4', 'usage'), has_language_privilege('cleo', 'sql', 'usage')
select has_table_privilege('cleo', 'nosuch', 'select')
select has_table_privilege('nosuch', 't', 'select')
select has_table_privilege('cleo', 't', 'foo')
select has_table_privilege('cleo', 1::oid, 'select')
select has_column_privilege('cleo', 't', 'zz', 'select')
select has_sequence_privilege('cleo', 't', 'usage')
select has_table_privilege('cleo', 'pg_class', 'select'), has_table_privilege('cleo', 'pg_authid', 'select'), has_table_privilege('cleo', 'pg_class', 'insert')
select has_table_privilege('t', 'select')
-- as cleo
select grantor,grantee,table_name,privilege_type,is_grantable,with_hierarchy from information_schema.table_privileges where table_schema='public' order by 1,2,3,4
select grantor,grantee,table_name,privilege_type,is_grantable,with_hierarchy from information_schema.role_table_grants where table_schema='public' order by 1,2,3,4
select grantor,grantee,table_name,column_name,privilege_type,is_grantable from information_schema.column_privileges where table_schema='public' order by 1,2,3,4,5
select grantor,grantee,table_name,column_name,privilege_type,is_grantable from information_schema.role_column_grants where table_schema='public' order by 1,2,3,4,5
select * from pg_authid
select rolname from pg_shadow
select count(*) > 0 from pg_roles
select has_table_privilege('t', 'select'), has_table_privilege('t', 'delete')
create temp table tt (i int)
insert into tt values (1)
select * from tt
-- as postgres
revoke temp on database privileges_granted_objects from public, cleo
-- as dora
create temp table tt (i int)
grant create on schema priv to cleo
create table priv.x (i int)
-- as cleo
create table priv.x (i int)
-- as postgres
grant usage on schema priv to staff
create role reader login in role pg_read_all_data
create role writer login in role pg_write_all_data
-- as reader
select * from t
select * from priv.x
insert into t values (1, 'a')
select * from pg_authid limit 0
-- as writer
insert into t values (1, 'a')
update t set b = 'c'
update t set b = 'c' where a = 1
delete from t
select * from t
-- as postgres
set role cleo
select count(*) from t
insert into t values (1, 'a')
prepare p as insert into t values (7, 'a')
execute p
reset role
execute p
set role cleo
execute p
reset role
begin
revoke select on t from cleo
set local role cleo
select count(*) from t
rollback
set role cleo
select count(*) from t
reset role
grant all on database privileges_granted_objects to dora
select datacl from pg_database where datname = current_database()
