// drizzle-orm over node-postgres and postgres.js: its query builder, relations, and pgvector's columns.
import { and, asc, avg, cosineDistance, count, desc, eq, exists, gt, hammingDistance, ilike, inArray, innerProduct, isNull, l1Distance, l2Distance, like, lt, max, not, or, relations, sql, sum } from "drizzle-orm";
import { drizzle as overPg } from "drizzle-orm/node-postgres";
import { alias, bigint, bigserial, bit, boolean, char, date, doublePrecision, halfvec, index, integer, interval, json, jsonb, numeric, pgEnum, pgSchema, pgTable, pgView, primaryKey, real, serial, smallint, sparsevec, text, time, timestamp, union, unionAll, unique, uuid, varchar, vector } from "drizzle-orm/pg-core";
import { drizzle as overPostgres } from "drizzle-orm/postgres-js";
import pg from "pg";
import postgres from "postgres";
import { show, showError } from "./report.mjs";

const mood = pgEnum("mood", ["sad", "ok", "glad"]);
const authors = pgTable("authors", { id: serial().primaryKey(), name: varchar({ length: 80 }).notNull().unique(), mood: mood().default("ok"), bossId: integer("boss_id") });
const books = pgTable("books", {
  id: bigserial({ mode: "number" }).primaryKey(), authorId: integer("author_id").notNull().references(() => authors.id), title: text().notNull(),
  price: numeric({ precision: 10, scale: 2 }), sold: boolean().default(false), tags: text().array(), published: timestamp({ withTimezone: true, mode: "string" }),
}, (table) => [index("books_title").on(table.title), unique().on(table.authorId, table.title)]);
const shelves = pgTable("shelves", { room: integer().notNull(), number: integer().notNull(), bookId: bigint("book_id", { mode: "bigint" }) }, (table) => [primaryKey({ columns: [table.room, table.number] })]);
const kinds = pgTable("kinds", {
  id: integer().primaryKey(), small: smallint(), big: bigint({ mode: "bigint" }), r: real(), d: doublePrecision(), c: char({ length: 4 }), doc: json(), docb: jsonb(),
  day: date(), at: timestamp(), clock: time(), span: interval(), key: uuid().defaultRandom(), flags: boolean().array(),
});
const shop = pgSchema("shop");
const orders = shop.table("orders", { id: integer().primaryKey().generatedAlwaysAsIdentity(), total: integer().notNull() });
const items = pgTable("items", {
  id: serial().primaryKey(), name: text(), embedding: vector({ dimensions: 3 }), half: halfvec({ dimensions: 3 }), sparse: sparsevec({ dimensions: 3 }), bits: bit({ dimensions: 3 }),
}, (table) => [index("items_near").using("hnsw", table.embedding.op("vector_l2_ops"))]);
const glad = pgView("glad_authors").as((query) => query.select().from(authors).where(eq(authors.mood, "glad")));

const authorRelations = relations(authors, ({ many, one }) => ({ books: many(books), boss: one(authors, { fields: [authors.bossId], references: [authors.id] }) }));
const bookRelations = relations(books, ({ one }) => ({ author: one(authors, { fields: [books.authorId], references: [authors.id] }) }));
const schema = { authors, books, authorRelations, bookRelations };

const SCHEMA = [
  "CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad')",
  "CREATE TABLE authors (id serial PRIMARY KEY, name varchar(80) NOT NULL UNIQUE, mood mood DEFAULT 'ok', boss_id int)",
  "CREATE TABLE books (id bigserial PRIMARY KEY, author_id int NOT NULL REFERENCES authors, title text NOT NULL, price numeric(10,2), sold bool DEFAULT false, tags text[], published timestamptz, UNIQUE (author_id, title))",
  "CREATE INDEX books_title ON books USING btree (title)",
  "CREATE TABLE shelves (room int NOT NULL, number int NOT NULL, book_id int8, PRIMARY KEY (room, number))",
  "CREATE TABLE kinds (id int PRIMARY KEY, small int2, big int8, r float4, d float8, c char(4), doc json, docb jsonb, day date, at timestamp, clock time, span interval, key uuid DEFAULT gen_random_uuid(), flags bool[])",
  "CREATE SCHEMA shop", "CREATE TABLE shop.orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, total int NOT NULL)",
  "CREATE TABLE items (id serial PRIMARY KEY, name text, embedding vector(3), half halfvec(3), sparse sparsevec(3), bits bit(3))",
  "CREATE INDEX items_near ON items USING hnsw (embedding vector_l2_ops)",
  "CREATE VIEW glad_authors AS SELECT id, name, mood, boss_id FROM authors WHERE mood = 'glad'",
];

const pool = new pg.Pool();
const client = postgres({ max: 2, onnotice: () => {} });
await run("node-postgres", overPg(pool, { schema }));
await run("postgres.js", overPostgres(client, { schema }));
await pool.end();
await client.end();

async function run(driver, db) {
  console.log("==", driver);
  for (const statement of SCHEMA) await db.execute(sql.raw(statement));
  await inserts(db);
  await selects(db);
  await related(db);
  await changes(db);
  await types(db);
  await vectors(db);
  await transactions(db);
  for (const name of ["glad_authors"]) await db.execute(sql.raw(`DROP VIEW ${name}`));
  await db.execute(sql.raw("DROP TABLE items, kinds, shelves, books, authors"));
  await db.execute(sql.raw("DROP SCHEMA shop CASCADE"));
  await db.execute(sql.raw("DROP TYPE mood"));
}

async function inserts(db) {
  show("inserted", await db.insert(authors).values([{ name: "Ann", mood: "glad" }, { name: "Bob", bossId: 1 }, { name: "Cy", mood: null, bossId: 1 }]).returning());
  show("books", await db.insert(books).values([
    { authorId: 1, title: "First", price: "10.50", tags: ["a", "b c"], published: "2024-02-29 12:00:00+00" }, { authorId: 1, title: "Second", sold: true }, { authorId: 2, title: "Third", price: "3" },
  ]).returning({ id: books.id, title: books.title }));
  await db.insert(shelves).values([{ room: 1, number: 1, bookId: 1n }, { room: 1, number: 2, bookId: 2n }]);
  show("ignored", await db.insert(authors).values({ name: "Ann" }).onConflictDoNothing().returning());
  show("upsert", await db.insert(authors).values({ name: "Ann", mood: "ok" }).onConflictDoUpdate({ target: authors.name, set: { mood: sql`excluded.mood` }, setWhere: eq(authors.bossId, 7) }).returning());
  show("upsert key", await db.insert(shelves).values({ room: 1, number: 1, bookId: 3n }).onConflictDoUpdate({ target: [shelves.room, shelves.number], set: { bookId: 3n } }).returning());
  show("from select", await db.insert(orders).values([{ total: 5 }, { total: 7 }]).returning());
  await showError("unique", () => caused(db.insert(authors).values({ name: "Bob" })));
}

/** Drizzle wraps the driver's error. */
async function caused(query) {
  try { return await query; } catch (error) { throw error.cause ?? error; }
}

async function selects(db) {
  show("all", await db.select().from(authors).orderBy(asc(authors.id)));
  show("some", await db.select({ title: books.title, upper: sql`upper(${books.title})` }).from(books).where(and(gt(books.price, "1"), or(like(books.title, "F%"), ilike(books.title, "t%")))).orderBy(desc(books.id)));
  const boss = alias(authors, "boss");
  show("joined", await db.select().from(authors).leftJoin(boss, eq(authors.bossId, boss.id)).innerJoin(books, eq(books.authorId, authors.id)).orderBy(books.id));
  show("grouped", await db.select({ author: authors.name, books: count(books.id), total: sum(books.price), mean: avg(books.price), top: max(books.title) }).from(authors).leftJoin(books, eq(books.authorId, authors.id)).groupBy(authors.name).having(gt(count(books.id), 0)).orderBy(authors.name));
  show("distinct", await db.selectDistinctOn([books.authorId], { author: books.authorId, title: books.title }).from(books).orderBy(books.authorId, desc(books.title)));
  show("limited", await db.select({ id: books.id }).from(books).orderBy(books.id).limit(1).offset(1));
  const cheap = db.$with("cheap").as(db.select().from(books).where(lt(books.price, "5")));
  show("with", await db.with(cheap).select({ title: cheap.title }).from(cheap));
  const counts = db.select({ author: books.authorId, n: count().as("n") }).from(books).groupBy(books.authorId).as("counts");
  show("sub-query", await db.select({ name: authors.name, n: counts.n }).from(authors).innerJoin(counts, eq(counts.author, authors.id)).orderBy(authors.id));
  show("exists", await db.select({ name: authors.name }).from(authors).where(not(exists(db.select({ one: sql`1` }).from(books).where(eq(books.authorId, authors.id))))));
  show("in", await db.select({ name: authors.name }).from(authors).where(and(inArray(authors.id, [1, 2, 3]), isNull(authors.mood))));
  show("union", await unionAll(db.select({ name: authors.name }).from(authors).where(eq(authors.id, 1)), db.select({ name: books.title }).from(books).where(eq(books.id, 2))));
  show("union distinct", await union(db.select({ n: authors.bossId }).from(authors).where(eq(authors.bossId, 1)), db.select({ n: authors.id }).from(authors).where(eq(authors.id, 1))));
  show("counted", await db.$count(books, gt(books.id, 1)));
  show("view", await db.select().from(glad));
  show("locked", await db.transaction((tx) => tx.select({ id: authors.id }).from(authors).where(eq(authors.id, 1)).for("update", { skipLocked: true })));
  const prepared = db.select({ title: books.title }).from(books).where(eq(books.id, sql.placeholder("id"))).prepare("by_id");
  for (const id of [1, 2, 3]) show("prepared", await prepared.execute({ id }));
}

async function related(db) {
  show("many", await db.query.authors.findMany({ with: { books: { columns: { title: true, price: true, tags: true }, orderBy: (b, { asc: up }) => up(b.id) }, boss: true }, orderBy: (a, { asc: up }) => up(a.id) }));
  show("first", await db.query.books.findFirst({ with: { author: { with: { boss: true } } }, where: (b, { eq: is }) => is(b.title, "Third"), extras: (b) => ({ long: sql`length(${b.title})`.as("long") }) }));
  show("limited", await db.query.authors.findMany({ columns: { name: true }, with: { books: { limit: 1, orderBy: (b, { desc: down }) => down(b.id) } }, limit: 2, offset: 0, orderBy: (a, { asc: up }) => up(a.id) }));
}

async function changes(db) {
  show("updated", await db.update(books).set({ price: sql`coalesce(${books.price}, 0) + 1`, sold: true }).where(eq(books.authorId, 1)).returning({ id: books.id, price: books.price }));
  show("from", await db.update(books).set({ title: sql`${books.title} || ' by ' || ${authors.name}` }).from(authors).where(and(eq(authors.id, books.authorId), eq(authors.id, 2))).returning({ title: books.title }));
  show("deleted", await db.delete(shelves).where(eq(shelves.number, 2)).returning());
}

async function types(db) {
  const row = { id: 1, small: 2, big: 9007199254740993n, r: 1.5, d: 0.1, c: "ab", doc: { a: [1, null] }, docb: { b: "x" }, day: "2024-02-29", at: new Date(Date.UTC(2024, 1, 29, 1, 2, 3, 4)), clock: "01:02:03", span: "1 day 02:03:04", key: "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", flags: [true, false] };
  show("typed", await db.insert(kinds).values(row).returning());
  show("json", await db.select({ b: sql`${kinds.docb} ->> 'b'` }).from(kinds).where(eq(kinds.id, 1)));
}

async function vectors(db) {
  await db.insert(items).values([
    { name: "a", embedding: [1, 2, 3], half: [1, 2, 3], sparse: "{1:1,3:2}/3", bits: "101" }, { name: "b", embedding: [1, 1, 1], half: [0.5, 0, 1], sparse: "{2:1}/3", bits: "111" }, { name: "c", embedding: null },
  ]);
  const query = [1, 1, 2];
  for (const [name, distance] of Object.entries({ l2Distance, innerProduct, cosineDistance, l1Distance })) {
    show(name, await db.select({ name: items.name, d: sql`round((${distance(items.embedding, query)})::numeric, 6)` }).from(items).where(not(isNull(items.embedding))).orderBy(distance(items.embedding, query)).limit(2));
  }
  show("half", await db.select({ name: items.name, half: items.half }).from(items).orderBy(l2Distance(items.half, query), items.id));
  show("bits", await db.select({ name: items.name, sparse: items.sparse }).from(items).where(not(isNull(items.bits))).orderBy(hammingDistance(items.bits, "100")));
  const similarity = sql`1 - (${cosineDistance(items.embedding, query)})`;
  show("similar", await db.select({ name: items.name }).from(items).where(gt(similarity, 0.5)).orderBy(desc(similarity)).limit(3));
}

async function transactions(db) {
  await db.transaction(async (tx) => {
    await tx.insert(authors).values({ name: "kept" });
    await tx.transaction(async (inner) => {
      await inner.insert(authors).values({ name: "undone" });
      inner.rollback();
    }).catch((error) => show("undone", error.message));
  }, { isolationLevel: "repeatable read", accessMode: "read write" });
  show("kept", await db.select({ name: authors.name }).from(authors).orderBy(authors.id));
  show("batch", (await Promise.all([1, 2, 3].map((id) => db.select({ name: authors.name }).from(authors).where(eq(authors.id, id))))));
}
