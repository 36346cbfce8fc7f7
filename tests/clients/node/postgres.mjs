// postgres.js: tagged templates, helpers, arrays, json, transactions, cursors, COPY, LISTEN, prepared statements.
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import postgres from "postgres";
import { show, showError } from "./report.mjs";

const notices = [];
const sql = postgres({ max: 3, onnotice: (notice) => notices.push([notice.severity, notice.code, notice.message]) });

await tables();
await queries();
await helpers();
await errors();
await transactions();
await cursors();
await copies();
await modes();
await notifications();
show("notices", notices);
await sql.end();

async function tables() {
  await sql`CREATE TABLE items (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, price numeric(10,2), count int8, flag bool DEFAULT true,
    tags text[], numbers int[], doc jsonb, made timestamptz DEFAULT '2024-01-02T03:04:05Z', day date, raw bytea, key uuid, embedding vector(3))`;
  const rows = await sql`INSERT INTO items (name, price, count, tags, numbers, doc, day, raw, key, embedding) VALUES
    (${"apple"}, ${"1.50"}, ${"9007199254740993"}, ${["red", 'a "b", c']}, ${[1, 2, 3]}, ${sql.json({ a: [1, null], b: "x" })}, ${"2024-02-29"},
     ${Buffer.from([0, 255])}, ${"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}, ${"[1,2,3]"}) RETURNING *`;
  show("inserted", [...rows]);
  show("columns", rows.columns.map(({ name, type, number }) => [name, type < 16384 && type, number]));
  show("meta", [rows.count, rows.command, rows.statement.string.length > 0]);
}

async function queries() {
  const name = "apple";
  show("where", await sql`SELECT id, name FROM items WHERE name = ${name} AND price > ${1}`);
  show("nulls", await sql`SELECT ${null}::int AS n, ${[null, "a"]}::text[] AS t, ${new Date(0)}::timestamptz AS d, ${true}::bool AS b, ${12n}::int8 AS big`);
  show("any", await sql`SELECT name FROM items WHERE id = ANY(${[1, 2]}) ORDER BY id`);
  show("json", await sql`SELECT doc -> 'a' AS a, doc ->> 'b' AS b FROM items WHERE doc @> ${sql.json({ b: "x" })}`);
  show("values", await sql`SELECT id, name FROM items`.values());
  show("raw", (await sql`SELECT 1 AS a, 'x' AS b`.raw()).map((row) => row.map(String)));
  show("nearest", await sql`SELECT name FROM items ORDER BY embedding <-> ${"[1,2,2]"} LIMIT 3`);
  show("describe", describe(await sql`SELECT id, embedding FROM items WHERE name = ${"x"} AND count > ${1}`.describe()));
  show("simple", await sql`SELECT 1 AS a; SELECT 2 AS b`.simple());
  show("unsafe", await sql.unsafe("SELECT $1::int + 1 AS n", [41]));
  for (let run = 0; run < 3; run++) show("again", await sql`SELECT ${run}::int AS run, count(*) FROM items`);
}

function describe(statement) {
  return [statement.types, statement.columns.map(({ name, type }) => [name, type < 16384 && type])];
}

async function helpers() {
  const users = [{ name: "pear", price: "2", flag: false }, { name: "plum", price: "3", flag: true }];
  show("many", await sql`INSERT INTO items ${sql(users, "name", "price", "flag")} RETURNING id, name, flag`);
  show("update", await sql`UPDATE items SET ${sql({ price: "9.99", flag: null }, "price", "flag")} WHERE name IN ${sql(["pear", "plum"])} RETURNING name, price, flag`);
  show("columns", await sql`SELECT ${sql(["name", "price"])} FROM ${sql("items")} ORDER BY ${sql("name")} DESC`);
  const filter = (flag) => (flag ? sql`WHERE flag` : sql``);
  show("fragments", [await sql`SELECT count(*) FROM items ${filter(true)}`, await sql`SELECT count(*) FROM items ${filter(false)}`]);
  show("upsert", await sql`INSERT INTO items ${sql({ name: "pear", price: "5" })} ON CONFLICT (name) DO UPDATE SET price = excluded.price RETURNING name, price`);
  show("deleted", (await sql`DELETE FROM items WHERE name = 'plum'`).count);
}

async function errors() {
  await showError("syntax", () => sql`SELEC 1`);
  await showError("unique", () => sql`INSERT INTO items ${sql({ name: "pear" })}`);
  await showError("null", () => sql`INSERT INTO items (price) VALUES (1)`);
  await showError("type", () => sql`SELECT ${"x"}::int`);
  await showError("table", () => sql`SELECT * FROM missing`);
  show("after", await sql`SELECT 1 AS one`);
}

async function transactions() {
  const result = await sql.begin(async (tx) => {
    await tx`INSERT INTO items ${tx({ name: "kept" })}`;
    await tx.savepoint(async (inner) => {
      await inner`INSERT INTO items ${inner({ name: "undone" })}`;
      throw new Error("undo");
    }).catch((error) => show("undone", error.message));
    return tx`SELECT name FROM items ORDER BY id`;
  });
  show("committed", result);
  await showError("rolled back", () => sql.begin(async (tx) => {
    await tx`DELETE FROM items`;
    await tx`SELECT 1 / 0`;
  }));
  show("pipelined", await sql.begin((tx) => [tx`SELECT 1 AS a`, tx`SELECT 2 AS b`]));
  await showError("read only", () => sql.begin("read only", (tx) => tx`DELETE FROM items`));
  show("left", await sql`SELECT count(*) FROM items`);
}

async function cursors() {
  const sizes = [];
  await sql`SELECT g FROM generate_series(1, 25) g`.cursor(10, (rows) => { sizes.push(rows.length); });
  show("cursor", sizes);
  let sum = 0;
  for await (const [row] of sql`SELECT g FROM generate_series(1, 5) g`.cursor()) sum += row.g;
  show("sum", sum);
  let seen = 0;
  await sql`SELECT g FROM generate_series(1, 100) g`.cursor(5, () => (++seen === 2 ? sql.CLOSE : undefined));
  show("closed", seen);
  const each = [];
  await sql`SELECT name FROM items ORDER BY id`.forEach((row) => each.push(row.name));
  show("each", each);
}

async function copies() {
  await sql`CREATE TABLE copied (id int, t text)`;
  await pipeline(Readable.from(["1\ta\n", "2\t\\N\n"]), await sql`COPY copied FROM STDIN`.writable());
  const chunks = [];
  for await (const chunk of await sql`COPY copied TO STDOUT`.readable()) chunks.push(chunk);
  show("copied", Buffer.concat(chunks).toString());
}

async function modes() {
  for (const options of [{ prepare: false }, { fetch_types: false }, { transform: postgres.camel }, { connection: { search_path: "pg_catalog, public", application_name: "a name" } }]) {
    const other = postgres({ max: 1, ...options });
    show(JSON.stringify(Object.keys(options)), await other`SELECT id, name AS item_name, tags FROM items WHERE name = ${"apple"}`);
    show("settings", await other`SELECT current_setting('application_name') AS name, current_setting('search_path') AS path`);
    await other.end();
  }
  const query = sql`SELECT pg_sleep(20)`;
  setTimeout(() => query.cancel(), 200);
  await showError("cancelled", () => query);
  const reserved = await sql.reserve();
  show("reserved", await reserved`SELECT 1 AS one`);
  reserved.release();
}

async function notifications() {
  let heard;
  const message = new Promise((resolve) => { heard = resolve; });
  const { unlisten } = await sql.listen("news", heard);
  await sql.notify("news", "a 'message'");
  show("heard", await message);
  await unlisten();
}
