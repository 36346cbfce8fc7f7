-- Aggregates: ordered sets, hypothetical ranks, intervals, variances and regressions to the last digit.
select rank(2) within group (order by x), dense_rank(2) within group (order by x), percent_rank(2) within group (order by x), cume_dist(2) within group (order by x) from (values (1),(2),(4)) v(x)
select rank(3) within group (order by x desc), dense_rank(3) within group (order by x desc), percent_rank(3) within group (order by x desc), cume_dist(3) within group (order by x desc) from (values (1),(2),(4),(4),(null)) v(x)
select rank(null) within group (order by x), dense_rank(null) within group (order by x nulls first), cume_dist(5) within group (order by x nulls first) from (values (1),(2),(2),(null::int)) v(x)
select rank('b','x') within group (order by a, b desc), dense_rank('b','x') within group (order by a, b desc), cume_dist('b','x') within group (order by a, b desc) from (values ('a','x'),('b','z'),('b','x'),('b','a'),('c','a'),('b','z')) v(a,b)
select g, rank(2.5) within group (order by x), dense_rank(1.50) within group (order by x) filter (where x > 0) from (values (1,1.5),(1,1.50),(1,3),(2,2.25)) v(g,x) group by g order by g
select rank(1) within group (order by x), dense_rank(1) within group (order by x), percent_rank(1) within group (order by x), cume_dist(1) within group (order by x) from (select 1 x where false) v
select rank(date '2024-02-01') within group (order by d) from (values (date '2024-01-01'),('2024-03-01')) v(d)
select rank(1,2) within group (order by x) from (values (1)) v(x)
select rank(1) from (values (1)) v(x)
select percentile_cont(array[0.25,0.5,0.75]) within group (order by x), percentile_disc(array[0.25,0.5,0.75]) within group (order by x), percentile_cont(array[0,1,null]::float8[]) within group (order by x desc) from (values (1.0::float8),(2),(4),(8)) v(x)
select percentile_cont(0.5) within group (order by x), percentile_disc(0.5) within group (order by x), percentile_cont(0.3) within group (order by x), percentile_cont(0) within group (order by x), percentile_cont(1) within group (order by x desc) from (values (1),(2),(4),(8)) v(x)
select percentile_cont(0.5) within group (order by x), percentile_disc(0.5) within group (order by x), percentile_cont(array[0.1,0.9]) within group (order by x) from (values (interval '1 day'),(interval '2 days'),(interval '1 mon')) v(x)
select percentile_disc(0.5) within group (order by x), percentile_disc(array[0.2,0.9]) within group (order by x), mode() within group (order by x) from (values ('b'),('a'),('c'),('a'),('b')) v(x)
select mode() within group (order by x), mode() within group (order by x desc) from (values (3),(1),(2),(1),(3),(null)) v(x)
select mode() within group (order by x), percentile_disc(0.5) within group (order by x) from (values (1.5),(1.50),(2),(null)) v(x)
select percentile_cont(1.5) within group (order by x) from (values (1.0)) v(x)
select percentile_cont(array[0.5,1.5]) within group (order by x) from (values (1.0)) v(x)
select percentile_cont(null) within group (order by x), percentile_cont(0.5) within group (order by x) filter (where x > 5), mode() within group (order by x) filter (where x > 5), percentile_cont(array[0.5]) within group (order by x) filter (where x > 5) from (values (1.0)) v(x)
select g, percentile_cont(array[0.5,0.9]) within group (order by x), mode() within group (order by x) from (values (1,1),(1,2),(2,5),(3,null)) v(g,x) group by g order by g
select corr(y,x), covar_samp(y,x), covar_pop(y,x), regr_count(y,x), regr_avgx(y,x), regr_avgy(y,x), regr_intercept(y,x), regr_r2(y,x), regr_slope(y,x), regr_sxx(y,x), regr_sxy(y,x), regr_syy(y,x) from (values (1.0,2.0),(2.0,4.5),(3.0,5.0),(null,1),(4,null)) v(x,y)
select g, corr(y,x), covar_samp(y,x), regr_intercept(y,x), regr_r2(y,x), regr_slope(y,x), regr_sxx(y,x), regr_avgx(y,x) from (select i%4 g, sin(i)::float8 x, cos(i*1.7)::float8 y from generate_series(1,50) i) s group by g
select corr(y,x), covar_samp(y,x), covar_pop(y,x), regr_count(y,x), regr_avgx(y,x), regr_intercept(y,x), regr_r2(y,x), regr_sxx(y,x) from (select 1.0::float8 x, 2.0::float8 y) s
select corr(y,x), regr_r2(y,x), regr_slope(y,x), regr_count(y,x), regr_sxx(y,x) from (select 1.0::float8 x, 2.0::float8 y where false) s
select corr(y,x), regr_r2(y,x), regr_slope(y,x) from (values (1.0,2.0),(1.0,3.0)) v(x,y)
select corr(y,x), regr_r2(y,x), regr_slope(y,x) from (values (2.0,1.0),(3.0,1.0)) v(x,y)
select stddev(x), variance(x), stddev_pop(x), var_pop(x), var_samp(x), stddev_samp(x), avg(x), sum(x) from (select sin(i)::float8*1000 x from generate_series(1,100) i) s
select i%3 g, stddev(x), variance(x), stddev_pop(x), var_pop(x), avg(x) from (select i, (cos(i)*7)::float4 x from generate_series(1,100) i) s group by 1
select stddev(x), var_pop(x), stddev(x) filter (where x > 5), var_samp(distinct x) from (values (1.5::float8),(1.5),(null),(2.25)) v(x)
select stddev(x), var_pop(x), var_pop(x) filter (where x<0), stddev(x) filter (where x<0) from (values (1.5::float8)) v(x)
select stddev(x), var_pop(x), avg(x) from (values ('NaN'::float8),(1)) v(x)
select stddev(x), var_pop(x) from (values ('Infinity'::float8),(1)) v(x)
select var_pop(x) from (values (1e200::float8),(-1e200)) v(x)
select stddev(x), stddev(distinct x), variance(x::int) from (values (1.5),(2.5),(2.5),(7)) v(x)
select covar_pop(distinct y,x) is not null from (values (1.0::float8,2.0::float8),(1,2),(2,5)) v(x,y)
select x, stddev(x) over (order by x) is null from (values (1.0::float8),(2)) v(x) order by x
select interval '1 day' * 2, interval '1 month' / 3, interval '1 mon 1 day' * 1.5, 2 * interval '1 hour', interval '7 days' / 2.5, interval '1 year' * 0.1
select sum(x), avg(x), min(x), max(x), count(distinct x) from (values (interval '1 day'),(interval '2 hours')) v(x)
select g, sum(x), avg(x) from (values (1,interval '1 mon'),(1,interval '-3 days'),(2,interval '1 mon 10 days 00:00:01'),(2,null),(3,null)) v(g,x) group by g order by g
select sum(x) filter (where x > interval '1 day'), sum(distinct x) from (values (interval '1 day'),(interval '1 day'),(interval '2 days')) v(x)
select x, sum(x) over (order by x), avg(x) over () from (values (interval '1 day'),(interval '1 day 1 hour'),(interval '2 days')) v(x) order by x
select min(x), max(x) from (values (interval '1 mon'),(interval '31 days'),(interval '29 days')) v(x)
select sum(x) from (values (interval '178956970 years'),(interval '178956970 years')) v(x)
