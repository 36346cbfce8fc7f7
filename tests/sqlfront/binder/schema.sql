CREATE TABLE authors (id int PRIMARY KEY, name text NOT NULL, born date, rating numeric(4,2));
CREATE TABLE items (id bigint PRIMARY KEY, title varchar(40), author_id int, price numeric(10,2) DEFAULT 0, tags text[], meta jsonb, emb vector(3), half halfvec(3), created timestamptz DEFAULT now(), active bool DEFAULT true);
CREATE TABLE typed (i2 smallint, i4 int, i8 bigint, f4 real, f8 double precision, n numeric, t text, v varchar(10), c char(5), b bytea, d date, tm time, ts timestamp, tz timestamptz, u uuid, j json, jb jsonb, ia int[], ta text[], bo bool, vec vector, bits bit(4), vb varbit, nm name, iv interval);
CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY, k serial, x text);
CREATE TABLE nopk (a int, b text);
