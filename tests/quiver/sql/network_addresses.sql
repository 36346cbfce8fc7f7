-- inet, cidr, macaddr, macaddr8: literals, casts, order, operators and functions, columns, keys, arrays
SELECT inet '10.1.2.3/8', '10.1.2.3/32'::inet, cidr '10.1/16', '192.168.1'::cidr, '::ffff:1.2.3.4'::inet, inet '2001:db8::1/64'
SELECT '10.1.2.3/8'::cidr
SELECT '10.1.2'::inet
SELECT '10.1.2.3'::inet::text, '10.1.2.3/8'::inet::varchar, '10.0.0.0/8'::cidr::text, '10.1.2.3'::inet || '', '10.1.2.3'::inet::char(4), format('%s', '10.1.2.3'::inet), to_json('10.1.2.3'::inet)
SELECT '10.1.2.3/8'::inet::cidr, '10.0.0.0/8'::cidr::inet, cidr('10.1.2.3/8'::inet), text('10.1.2.3'::inet), '10.1.2.3'::text::inet
SELECT '10.1.2.3'::inet << '10/8'::cidr, '10.1/16'::cidr << '10/8'::cidr, '10/8'::cidr << '10/8'::cidr, '10/8'::inet <<= '10/8'::cidr, '10/8'::cidr >> '10.1.2.3'::inet, '10/8'::cidr >>= '10/8'::cidr, '10/8'::cidr && '10.1/16'::cidr, '10/8'::cidr && '11/8'::cidr, '::/0'::cidr >> '10.1.2.3'::inet
SELECT ~ inet '192.168.1.6', inet '192.168.1.6' & inet '0.0.0.255', inet '192.168.1.6/24' | inet '0.0.0.255', inet '192.168.1.6' + 25, 200 + inet '::ffff:fff0:1', inet '192.168.1.43' - 36, inet '192.168.1.43' - inet '192.168.1.19', inet '::1' - inet '::ffff'
SELECT inet '255.255.255.255' + 1
SELECT inet '0.0.0.0' - 1
SELECT inet '10.0.0.1' & inet '::1'
SELECT inet '10.0.0.1' | inet '::1'
SELECT inet '10.0.0.1' - inet '::1'
SELECT inet 'ffff::' - inet '::'
SELECT abbrev(v), broadcast(v), family(v), host(v), hostmask(v), masklen(v), netmask(v), network(v), text(v), set_masklen(v, 4), set_masklen(v, -1) FROM (VALUES ('192.168.1.5/24'::inet), ('10.1.2.3'), ('2001:db8::5/33'), ('0.0.0.0/0'), (NULL)) AS t(v)
SELECT abbrev(v), set_masklen(v, 7), broadcast(v), hostmask(v) FROM (VALUES ('10/8'::cidr), ('10.1.128/17'), ('0/0'), ('::/0'), ('2001:db8::/32'), ('2001:db8:0:1::/64'), ('::ffff:1.2.3.0/120'), ('::ffff:1.2.0.0/112'), ('1:2:3:4:5:6:7:8'), ('fe80::/10'), ('::1'), ('1::/16'), ('1:0:0:5::/70'), ('::1:0:0/96'), ('::5.6.7.8')) AS t(v)
SELECT set_masklen(inet '10.0.0.1', 33)
SELECT set_masklen(cidr '10.0.0.0/8', -2)
SELECT inet_same_family('10.0.0.1', '::1'), inet_same_family('10.0.0.1', '11.0.0.1'), inet_merge('192.168.1.5/24', '192.168.2.5/24'), inet_merge('10.0.0.1', '10.0.0.1'), inet_merge('2001:db8::1', '2001:db9::1')
SELECT inet_merge('10.0.0.1', '::1')
SELECT '10.0.0.1'::inet = '10.0.0.1/32'::inet, '10.0.0.1'::inet < '10.0.0.1/8', '10/8'::cidr = '10.0.0.0/8'::inet, '10.0.0.1'::inet < '::1'::inet, network_cmp('10/8', '10.0.0.0/9'), '10.0.0.1'::inet IN ('10.0.0.1', '10.0.0.2'), greatest('10.0.0.1'::inet, '10.0.0.1/8'), '10.0.0.1'::inet <> '10.0.0.1/31'
SELECT macaddr '08:00:2b:01:02:03', '0800.2b01.0203'::macaddr, macaddr8 '08002b010203', '08-00-2b-ff-fe-01-02-03'::macaddr8, '08002b:010203'::macaddr::text
SELECT macaddr '08:00:2b:01:02:03'::macaddr8, '08:00:2b:ff:fe:01:02:03'::macaddr8::macaddr, trunc(macaddr '12:34:56:78:90:ab'), trunc(macaddr8 '12:34:56:78:90:ab:cd:ef'), macaddr8_set7bit('00:34:56:ab:cd:ef'), macaddr('08:00:2b:ff:fe:01:02:03'::macaddr8), macaddr8('08:00:2b:01:02:03'::macaddr)
SELECT '08:00:2b:00:fe:01:02:03'::macaddr8::macaddr
SELECT '08:00:2b:01:02'::macaddr
SELECT '300:00:2b:01:02:03'::macaddr
SELECT ~ macaddr '08:00:2b:01:02:03', macaddr '08:00:2b:01:02:03' & 'ff:ff:ff:00:00:00', macaddr '08:00:2b:01:02:03' | '00:00:00:ff:ff:ff', ~ macaddr8 '08:00:2b:01:02:03', macaddr8 '08:00:2b:01:02:03' & 'ff:00:ff:00:ff:00:ff:00', macaddr8 '08:00:2b:01:02:03' | '00:ff::'
SELECT macaddr8 '08:00:2b:01:02:03' | '00:ff:00:ff:00:ff:00:ff', macaddr_cmp('08:00:2b:01:02:03', '08:00:2b:01:02:04'), macaddr '08:00:2b:01:02:03' < '80:00:2b:01:02:03', macaddr '08:00:2b:01:02:03' = macaddr8 '08:00:2b:01:02:03'
SELECT ARRAY['10.0.0.1', NULL]::inet[], '{10/8,11/8}'::cidr[], '{08:00:2b:01:02:03}'::macaddr[], ARRAY[macaddr8 '08:00:2b:01:02:03'] || macaddr8 '09:00:2b:01:02:03', '10.0.0.1'::inet = ANY ('{10.0.0.1}'::inet[]), '{10.0.0.1}'::inet[] < '{10.0.0.2}'::inet[]
SELECT pg_typeof(inet_server_addr()), pg_typeof(inet_client_addr()), inet_same_family(inet '::1', '::2')
CREATE TABLE hosts (id int PRIMARY KEY, a inet, n cidr UNIQUE, m macaddr DEFAULT '08:00:2b:01:02:03', e macaddr8)
INSERT INTO hosts VALUES (1, '10.1.2.3', '10/8', '00:00:00:00:00:01', '1:2:3:4:5:6')
INSERT INTO hosts VALUES (1, '10.1.2.3', '10/8', '00:00:00:00:00:01', '01:02:03:04:05:06'), (2, '10.1.2.3/8', '10.1/16', DEFAULT, NULL), (3, '::1', '::/0', 'ff:ff:ff:ff:ff:ff', 'ffffffffffffffff'), (4, '9.255.255.255', '2001:db8::/32', NULL, '0102030405060708'), (5, NULL, NULL, '00:00:00:00:00:02', '0000000000000000')
INSERT INTO hosts (id, n) VALUES (6, '10.0.0.0/8')
INSERT INTO hosts (id, n) VALUES (6, '10.0.0.1/8'::inet)
SELECT * FROM hosts ORDER BY a, id
SELECT id FROM hosts ORDER BY n DESC NULLS LAST
SELECT id FROM hosts ORDER BY m, e
SELECT id FROM hosts WHERE a << '10/8' ORDER BY id
SELECT id FROM hosts WHERE n >>= '10.1.2.3'::inet ORDER BY id
SELECT id FROM hosts WHERE n = '10/8'
SELECT id FROM hosts WHERE m = '08:00:2b:01:02:03' OR e > '0102030405060708' ORDER BY id
SELECT min(a), max(a), count(DISTINCT a), array_agg(n ORDER BY n) FROM hosts
SELECT family(a), count(*) FROM hosts GROUP BY 1 ORDER BY 1
SELECT network(set_masklen(a, 8)), count(*) FROM hosts WHERE family(a) = 4 GROUP BY 1 ORDER BY 1
SELECT a.id, b.id FROM hosts a JOIN hosts b ON a.a <<= b.n ORDER BY 1, 2
SELECT host(a), a::text, text(a), a + 1, trunc(m), m::macaddr8, coalesce(a, '0.0.0.0'), CASE WHEN id < 3 THEN n END FROM hosts ORDER BY id
UPDATE hosts SET a = a + 1 WHERE family(a) = 4
SELECT id, a FROM hosts ORDER BY id
CREATE INDEX ON hosts (a)
CREATE INDEX ON hosts (m)
SELECT id FROM hosts WHERE a > '10.0.0.0' ORDER BY a
DELETE FROM hosts WHERE n <<= '10/8'
SELECT count(*) FROM hosts
SELECT column_name, data_type, udt_name FROM information_schema.columns WHERE table_name = 'hosts' ORDER BY 1
SELECT typname, typlen, typcategory, typispreferred, typarray, typinput::text FROM pg_type WHERE typname IN ('inet', 'cidr', 'macaddr', 'macaddr8', '_inet') ORDER BY 1
SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast WHERE castsource = 'inet'::regtype ORDER BY 2
DROP TABLE hosts
