-- timetz: literals, casts, order, arithmetic, fields, columns, keys, arrays
SELECT '04:05:06-08'::timetz, time with time zone '04:05:06.789+05:45', '24:00Z'::timetz(2), timetz '10:00:00.125+02'::timetz(2)
SELECT '04:05:06 PST'::timetz::text, '2024-07-05 04:05 America/New_York'::timetz
SELECT 'nonsense'::timetz
SELECT '10:00+17'::timetz
SELECT pg_typeof(current_time), current_time(0) IS NOT NULL, current_time::time = localtime
SELECT '10:00:00+02'::timetz = '08:00:00+00'::timetz, '10:00:00+02'::timetz < '08:00:00+00'::timetz, '10:00:00+02'::timetz > '09:59:59+02'::timetz, '10:00+02'::timetz IN ('10:00+02', '11:00+02')
SELECT '10:00:00+02'::timetz::time, '10:00:00'::time::timetz, '2024-01-05 10:00:00+05'::timestamptz::timetz, 'infinity'::timestamptz::timetz
SELECT '23:30:00+02'::timetz + interval '1 day 45 minutes', interval '-1 hour' + '00:30-03'::timetz, '00:30:00.5-03'::timetz - interval '1 hour'
SELECT date '2024-01-05' + '10:00:00+02'::timetz, '10:00:00-08'::timetz + date '2024-01-05', date 'infinity' + '10:00+02'::timetz, timestamptz(date '2024-01-05', timetz '10:00+02')
SELECT '10:00:00+02'::timetz AT TIME ZONE 'UTC', '01:00:00+02'::timetz AT TIME ZONE '-05', '10:00+02'::timetz AT TIME ZONE interval '-03:30', '10:00+02'::timetz AT TIME ZONE 'PST', '10:00+02'::timetz AT TIME ZONE 'Asia/Tokyo'
SELECT '10:00+02'::timetz AT TIME ZONE 'Nowhere/Land'
SELECT '10:00+02'::timetz AT TIME ZONE interval '1 day'
SELECT extract(hour FROM t), extract(minute FROM t), extract(second FROM t), extract(milliseconds FROM t), extract(microseconds FROM t), extract(epoch FROM t), extract(timezone FROM t), extract(timezone_hour FROM t), extract(timezone_minute FROM t) FROM (VALUES ('10:11:12.5-03:30'::timetz), ('23:59:59.999999+05:45'), (NULL)) AS v(t)
SELECT date_part('hour', '10:11:12.5+02'::timetz), date_part('epoch', '10:11:12.5+02'::timetz), date_part('timezone_minute', '10:11-03:30'::timetz)
SELECT extract(day FROM '10:00+02'::timetz)
SELECT extract(nonsense FROM '10:00+02'::timetz)
SELECT ('10:00+02'::timetz, '12:00+02'::timetz) OVERLAPS ('11:00+02'::timetz, '13:00+02'::timetz), ('10:00+02'::timetz, '11:00+02'::timetz) OVERLAPS ('11:00+02'::timetz, '13:00+02'::timetz)
SELECT ARRAY['10:00+02', '09:00-01', NULL]::timetz[], '{10:00+02,"11:00-03:30"}'::timetz[], ARRAY['10:00+02'::timetz] || '11:00+01'::timetz, '10:00+02'::timetz = ANY ('{10:00+02}'::timetz[])
SELECT timetz_cmp('10:00+02', '10:00+01'), to_json('10:00+02'::timetz), format('%s', '10:00+02'::timetz), '10:00+02'::timetz || '!'
CREATE TABLE zoned_times (id int, t timetz, p timetz(1) DEFAULT '12:00:00.26+01', UNIQUE (t))
INSERT INTO zoned_times VALUES (1, '10:00+02'), (2, '08:00+00'), (3, '10:00-08'), (4, NULL), (5, '00:00:00.000001+14'), (6, '24:00-12')
INSERT INTO zoned_times VALUES (7, '10:00:00+02:00')
SELECT * FROM zoned_times ORDER BY t, id
SELECT id FROM zoned_times ORDER BY t DESC NULLS LAST
SELECT id FROM zoned_times WHERE t = '08:00+00'
SELECT id FROM zoned_times WHERE t BETWEEN '08:00+00' AND '23:00+00' ORDER BY id
SELECT min(t), max(t), count(DISTINCT t), array_agg(t ORDER BY t) FROM zoned_times
SELECT t, count(*) FROM (SELECT t FROM zoned_times UNION ALL SELECT t FROM zoned_times) AS d GROUP BY t ORDER BY t
SELECT a.id, b.id FROM zoned_times a JOIN zoned_times b ON a.t = b.t ORDER BY a.id
SELECT id, t + interval '30 minutes', t::time, extract(epoch FROM t), t AT TIME ZONE 'UTC' FROM zoned_times ORDER BY id
UPDATE zoned_times SET t = t - interval '1 minute' WHERE t > '09:00+00'
SELECT id, t, p FROM zoned_times ORDER BY id
SELECT row_number() OVER (ORDER BY t), lag(t) OVER (ORDER BY t) FROM zoned_times ORDER BY 1
SELECT coalesce(t, '00:00+00'), CASE WHEN id > 3 THEN t ELSE '01:00+01' END, greatest(t, '12:00+00'), nullif(t, '08:00+00') FROM zoned_times ORDER BY id
DELETE FROM zoned_times WHERE t = '08:00+00'
CREATE INDEX ON zoned_times (t)
SELECT column_name, data_type, udt_name, datetime_precision FROM information_schema.columns WHERE table_name = 'zoned_times' ORDER BY 1
SELECT typname, typlen, typcategory, typarray, typinput::text FROM pg_type WHERE typname IN ('timetz', '_timetz') ORDER BY 1
DROP TABLE zoned_times
-- fields of time and of date that are none of theirs
SELECT extract(year FROM time '10:00')
SELECT extract(dow FROM time '10:00')
SELECT extract(timezone FROM time '10:00')
SELECT extract(epoch FROM time '10:00'), extract(hours FROM time '10:00'), date_part('minute', time '10:12'), extract(seconds FROM time '10:11:12.5')
SELECT extract(hour FROM date '2024-01-05')
SELECT extract(foo FROM date '2024-01-05')
SELECT date_part('hour', date '2024-01-05'), date_part('dow', date '2024-01-05'), extract(epoch FROM date '2024-01-05')
SELECT extract(timezone FROM timestamp '2024-01-05')
SELECT extract(timezone FROM timestamptz '2024-01-05'), extract(isoyear FROM timestamptz '2024-01-05')
SELECT extract(microseconds FROM date '2024-01-05')
SELECT date_part('microsecond', date '2024-01-05')
SELECT extract(timezone FROM date '2024-01-05')
-- Zones by POSIX offsets, which count west of Greenwich, by abbreviations, by names in any case and from a column
SELECT '2020-01-01 12:00+00'::timestamptz AT TIME ZONE '+10:00', '2020-01-01 12:00'::timestamp AT TIME ZONE '-10:00', '2020-01-01 12:00+00'::timestamptz AT TIME ZONE '+05:30:15', '2020-01-01 12:00+00'::timestamptz AT TIME ZONE 'UTC+3'
SELECT '2020-01-01 12:00+00'::timestamptz AT TIME ZONE '10', '2020-01-01 12:00+00'::timestamptz AT TIME ZONE '-5', '2020-01-01 12:00+00'::timestamptz AT TIME ZONE '<+03>-3', 'infinity'::timestamptz AT TIME ZONE '+1'
SELECT '2020-01-01 12:00+00'::timestamptz AT TIME ZONE '+0530'
SELECT '2020-01-01 12:00+00'::timestamptz AT TIME ZONE 'Nowhere/Land'
SELECT extract(hour FROM '2020-07-01 12:00+00'::timestamptz AT TIME ZONE '-10:00'), '2020-07-01 12:00'::timestamp AT TIME ZONE 'europe/berlin', '2020-07-01 12:00'::timestamp AT TIME ZONE 'PST', '2020-07-01 12:00'::timestamp AT TIME ZONE 'EST5EDT'
SELECT z, t AT TIME ZONE z, (t AT TIME ZONE z) AT TIME ZONE 'UTC', count(*) OVER () FROM (VALUES ('+3', timestamp '2020-07-01 12:00'), ('UTC', '2020-07-01 12:00'), ('Asia/Tokyo', NULL), (NULL, '2020-01-01'), ('Europe/Paris', '1970-01-01')) AS v (z, t) ORDER BY z
SELECT date_trunc('hour', t)::time, date_trunc('minute', t)::time = t, max(t::interval::time) OVER () FROM (VALUES (time '12:34:56.5'), ('01:02:00'), (NULL)) AS v (t) ORDER BY t
SELECT interval '90 minutes'::time, interval '25 hours'::time, interval '-1 hour'::time, interval '1 month 2 days 03:00'::time
