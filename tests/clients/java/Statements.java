import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.Date;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Time;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Timer;
import java.util.TimerTask;
import java.util.UUID;
import org.postgresql.PGConnection;
import org.postgresql.PGStatement;
import org.postgresql.copy.CopyManager;
import org.postgresql.util.PGobject;

/** Statements as programs send them: values of all types as text and binary, batches, cursors, keys, errors, cancel. */
public final class Statements {
    private static final int RUNS = 8; // more than prepareThreshold: the last ones are server-side and binary

    public static void main(String[] arguments) throws Exception {
        try (Connection connection = Report.connect()) {
            Report.step("values", () -> values(connection));
            Report.step("objects", () -> objects(connection));
            Report.step("arrays", () -> arrays(connection));
            Report.step("vectors", () -> vectors(connection));
            Report.step("batches", () -> batches(connection));
            Report.step("keys", () -> keys(connection));
            Report.step("cursors", () -> cursors(connection));
            Report.step("updatable", () -> updatable(connection));
            Report.step("transactions", () -> transactions(connection));
            Report.step("errors", () -> errors(connection));
            Report.step("changed", () -> changed(connection));
            Report.step("calls", () -> calls(connection));
            Report.step("copy", () -> copy(connection));
            Report.step("several", () -> several(connection));
            Report.step("cancel", () -> cancel(connection));
            Report.step("notify", () -> notifications(connection));
            Report.step("refused", () -> refusedThenUsable(connection));
        }
        Report.step("modes", Statements::modes);
    }

    private static void values(Connection connection) throws Exception {
        Report.execute(connection, "CREATE TABLE kinds (id serial PRIMARY KEY, s smallint, i int, b bigint, r real, d double precision, n numeric(20,5),"
            + " f boolean, t text, v varchar(20), c char(6), raw bytea, day date, ts timestamp, tz timestamptz, tm time, iv interval, u uuid, j jsonb, m money)");
        String insert = "INSERT INTO kinds (s, i, b, r, d, n, f, t, v, c, raw, day, ts, tz, tm, iv, u, j, m)"
            + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::interval, ?, ?::jsonb, ?::money)";
        try (PreparedStatement statement = connection.prepareStatement(insert)) {
            for (int run = 0; run < RUNS; run++) {
                int place = 0;
                statement.setShort(++place, (short) -run);
                statement.setInt(++place, run * 1_000_003);
                statement.setLong(++place, Long.MAX_VALUE - run);
                statement.setFloat(++place, run / 3f);
                statement.setDouble(++place, run / 7.0);
                statement.setBigDecimal(++place, new BigDecimal("12345678901234.50000").subtract(BigDecimal.valueOf(run, 2)));
                statement.setBoolean(++place, run % 2 == 0);
                statement.setString(++place, "tëxt " + run + " \ud83d\ude00");
                statement.setString(++place, run % 3 == 0 ? null : "v" + run);
                statement.setString(++place, "c" + run);
                statement.setBytes(++place, new byte[] {0, (byte) run, (byte) 255});
                statement.setDate(++place, Date.valueOf("2024-02-2" + run));
                statement.setTimestamp(++place, Timestamp.valueOf("2024-02-29 12:34:56.78900" + run));
                statement.setObject(++place, OffsetDateTime.of(2024, 2, 29, 12, 0, run, 1000, ZoneOffset.ofHours(2)));
                statement.setTime(++place, Time.valueOf("01:02:0" + run));
                statement.setString(++place, run + " days 3 hours");
                statement.setObject(++place, new UUID(run, 42));
                statement.setString(++place, "{\"run\": " + run + "}");
                statement.setString(++place, "12.3" + run);
                Report.line("inserted", statement.executeUpdate());
            }
        }
        try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM kinds WHERE id >= ? ORDER BY id LIMIT 2")) {
            for (int run = 1; run < RUNS; run++) {
                statement.setInt(1, run);
                try (ResultSet result = statement.executeQuery()) {
                    while (result.next()) showRow(result);
                }
                Report.line("server side", ((PGStatement) statement).isUseServerPrepare());
            }
        }
    }

    private static void showRow(ResultSet result) throws Exception {
        Object[] row = new Object[result.getMetaData().getColumnCount()];
        for (int n = 0; n < row.length; n++) row[n] = result.getObject(n + 1);
        Report.line("row", row);
    }

    private static void objects(Connection connection) throws Exception {
        String text = "SELECT ?::date AS a, ?::timestamp AS b, ?::timestamptz AS c, ?::time AS d, ?::numeric AS e, ?::uuid AS f, ?::bytea AS g, ?::int8 AS h, ?::interval AS i, ?::text AS j";
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            for (int run = 0; run < RUNS; run++) {
                statement.setObject(1, LocalDate.of(1969, 7, 20).plusYears(run));
                statement.setObject(2, LocalDateTime.of(2001, 2, 3, 4, 5, 6, 789_000_000));
                statement.setObject(3, OffsetDateTime.of(2001, 2, 3, 4, 5, 6, 0, ZoneOffset.UTC));
                statement.setObject(4, LocalTime.of(23, 59, 59, 999_999_000));
                statement.setObject(5, new BigDecimal(run % 2 == 0 ? "-0.00012300" : "123456789012345678901234567890.5"));
                statement.setObject(6, UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"));
                statement.setObject(7, run == 3 ? null : new byte[] {1, 2}, Types.BINARY);
                statement.setNull(8, Types.BIGINT);
                statement.setString(9, "1 year 2 mons 3 days 04:05:06.7");
                statement.setObject(10, run == 2 ? null : "x", Types.VARCHAR);
                try (ResultSet result = statement.executeQuery()) {
                    result.next();
                    Report.line("objects", result.getObject(1, LocalDate.class), result.getObject(2, LocalDateTime.class), result.getObject(3, OffsetDateTime.class),
                        result.getObject(4, LocalTime.class), result.getBigDecimal(5), result.getObject(6, UUID.class), result.getBytes(7), result.getLong(8), result.wasNull(), result.getObject(9), result.getString(10));
                    Report.line("converted", result.getString(1), result.getTimestamp(2), result.getString(3), result.getString(4), result.getDouble(5), result.getString(9));
                }
            }
        }
        Report.rows("special", () -> connection.createStatement().executeQuery(
            "SELECT 'infinity'::timestamp, '-infinity'::date, 'NaN'::numeric, 'NaN'::float8, 'Infinity'::float4, '0001-01-01 BC'::date, '12:00+05'::timetz, B'101', '10.0.0.0/8'::cidr, '$1.50'::money"));
    }

    private static void arrays(Connection connection) throws Exception {
        Report.execute(connection, "CREATE TABLE lists (id int PRIMARY KEY, i int[], t text[], d float8[], n numeric[], f bool[], u uuid[], ts timestamp[])");
        try (PreparedStatement statement = connection.prepareStatement("INSERT INTO lists VALUES (?, ?, ?, ?, ?, ?, ?, ?)")) {
            for (int run = 0; run < RUNS; run++) {
                statement.setInt(1, run);
                statement.setArray(2, connection.createArrayOf("int4", new Integer[] {run, null, 3}));
                statement.setArray(3, connection.createArrayOf("text", new String[] {"a,b", "q\"", null, "NULL", "", "\\"}));
                statement.setObject(4, new double[] {1.5, run / 3.0});
                statement.setArray(5, connection.createArrayOf("numeric", new BigDecimal[] {new BigDecimal("1.50"), null}));
                statement.setArray(6, connection.createArrayOf("bool", new Boolean[] {true, false, null}));
                statement.setArray(7, connection.createArrayOf("uuid", new UUID[] {new UUID(1, 2)}));
                statement.setArray(8, connection.createArrayOf("timestamp", new Timestamp[] {Timestamp.valueOf("2024-02-29 01:02:03.4")}));
                statement.executeUpdate();
            }
        }
        try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM lists WHERE id = ANY(?) ORDER BY id")) {
            for (int run = 0; run < RUNS; run++) {
                statement.setArray(1, connection.createArrayOf("int4", new Integer[] {run}));
                try (ResultSet result = statement.executeQuery()) {
                    while (result.next()) {
                        showRow(result);
                        Report.rows("unnested", () -> result.getArray("t").getResultSet());
                    }
                }
            }
        }
    }

    private static void vectors(Connection connection) throws Exception {
        Report.execute(connection, "CREATE TABLE items (id int PRIMARY KEY, lang text, e vector(3))",
            "INSERT INTO items SELECT g, CASE g % 2 WHEN 0 THEN 'en' ELSE 'de' END, ARRAY[g, 1, 2]::vector FROM generate_series(1, 50) g",
            "CREATE INDEX ON items USING hnsw (e vector_l2_ops)");
        PGobject query = new PGobject();
        query.setType("vector");
        try (PreparedStatement statement = connection.prepareStatement("SELECT id, e, e <-> ? AS distance FROM items WHERE lang = ? ORDER BY e <-> ?, id LIMIT 3")) {
            for (int run = 0; run < RUNS; run++) {
                query.setValue("[" + run + ",1,2]");
                statement.setObject(1, query);
                statement.setString(2, run % 2 == 0 ? "en" : "de");
                statement.setObject(3, query);
                try (ResultSet result = statement.executeQuery()) {
                    while (result.next()) showRow(result);
                }
            }
        }
    }

    private static void batches(Connection connection) throws Exception {
        Report.execute(connection, "CREATE TABLE counted (id int PRIMARY KEY, name text)");
        try (PreparedStatement statement = connection.prepareStatement("INSERT INTO counted VALUES (?, ?)")) {
            for (int n = 0; n < 500; n++) {
                statement.setInt(1, n);
                statement.setString(2, "name " + n);
                statement.addBatch();
            }
            Report.line("batch", Arrays.stream(statement.executeBatch()).sum());
            for (int n : new int[] {1000, 3, 1001}) {
                statement.setInt(1, n);
                statement.setString(2, null);
                statement.addBatch();
            }
            try {
                statement.executeBatch();
            } catch (BatchUpdateException error) {
                Report.line("counts", error.getUpdateCounts());
                Report.error(error);
            }
        }
        try (Statement statement = connection.createStatement()) {
            statement.addBatch("UPDATE counted SET name = 'x' WHERE id < 10");
            statement.addBatch("DELETE FROM counted WHERE id > 490");
            statement.addBatch("INSERT INTO counted VALUES (2000, 'y'), (2001, 'z')");
            Report.line("mixed", statement.executeBatch());
        }
        Report.rows("left", () -> connection.createStatement().executeQuery("SELECT count(*), min(id), max(id) FROM counted"));
        try (Connection rewriting = Report.connect("reWriteBatchedInserts=true");
            PreparedStatement statement = rewriting.prepareStatement("INSERT INTO counted (id, name) VALUES (?, ?)")) {
            for (int n = 3000; n < 3100; n++) {
                statement.setInt(1, n);
                statement.setString(2, "r");
                statement.addBatch();
            }
            Report.line("rewritten", statement.executeBatch());
        }
    }

    private static void keys(Connection connection) throws Exception {
        Report.execute(connection, "CREATE TABLE keyed (id bigserial PRIMARY KEY, name text, made int GENERATED ALWAYS AS (1 + 1) STORED)");
        try (PreparedStatement statement = connection.prepareStatement("INSERT INTO keyed (name) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
            for (int n = 0; n < RUNS; n++) {
                statement.setString(1, "n" + n);
                statement.addBatch();
            }
            statement.executeBatch();
            Report.rows("generated", statement::getGeneratedKeys);
        }
        try (PreparedStatement statement = connection.prepareStatement("UPDATE keyed SET name = name || ? WHERE id < 3", new String[] {"id", "name"})) {
            statement.setString(1, "!");
            Report.line("updated", statement.executeUpdate());
            Report.rows("changed", statement::getGeneratedKeys);
        }
        try (PreparedStatement statement = connection.prepareStatement("INSERT INTO keyed (id, name) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name || keyed.name RETURNING *")) {
            statement.setLong(1, 1);
            statement.setString(2, "again ");
            Report.rows("upsert", statement::executeQuery);
        }
    }

    private static void cursors(Connection connection) throws Exception {
        connection.setAutoCommit(false);
        try (PreparedStatement statement = connection.prepareStatement("SELECT g, 'row ' || g AS name FROM generate_series(1, ?) g")) {
            statement.setFetchSize(7);
            for (int run = 0; run < RUNS; run++) {
                statement.setInt(1, 20 + run);
                long sum = 0;
                int count = 0;
                try (ResultSet result = statement.executeQuery()) {
                    while (result.next()) {
                        sum += result.getInt(1) + result.getString(2).length();
                        count++;
                    }
                }
                Report.line("fetched", count, sum);
            }
            statement.setMaxRows(5);
            statement.setInt(1, 100);
            Report.rows("max rows", statement::executeQuery);
        }
        try (Statement two = connection.createStatement(); Statement one = connection.createStatement()) {
            one.setFetchSize(2);
            two.setFetchSize(3);
            try (ResultSet first = one.executeQuery("SELECT * FROM generate_series(1, 6)"); ResultSet second = two.executeQuery("SELECT * FROM generate_series(11, 16)")) {
                StringBuilder seen = new StringBuilder();
                while (first.next() && second.next()) seen.append(first.getInt(1)).append('/').append(second.getInt(1)).append(' ');
                Report.line("interleaved", seen.toString());
            }
        }
        connection.commit();
        connection.setAutoCommit(true);
        try (Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY);
            ResultSet result = statement.executeQuery("SELECT * FROM generate_series(1, 9)")) {
            result.last();
            int last = result.getInt(1);
            result.absolute(3);
            int third = result.getInt(1);
            result.previous();
            Report.line("scrolled", last, third, result.getInt(1), result.getRow());
        }
    }

    private static void updatable(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE);
            ResultSet result = statement.executeQuery("SELECT id, name FROM keyed WHERE id < 5 ORDER BY id")) {
            result.next();
            result.updateString("name", "through the result");
            result.updateRow();
            result.next();
            result.deleteRow();
            result.moveToInsertRow();
            result.updateLong("id", 100);
            result.updateString("name", "inserted");
            result.insertRow();
        }
        Report.rows("after", () -> connection.createStatement().executeQuery("SELECT id, name FROM keyed ORDER BY id"));
    }

    private static void transactions(Connection connection) throws Exception {
        connection.setAutoCommit(false);
        Report.execute(connection, "INSERT INTO counted VALUES (5000, 'a')");
        Savepoint named = connection.setSavepoint("first one");
        Report.step("conflict", () -> Report.execute(connection, "INSERT INTO counted VALUES (5000, 'b')"));
        Report.step("aborted", () -> Report.execute(connection, "SELECT 1"));
        connection.rollback(named);
        Savepoint unnamed = connection.setSavepoint();
        Report.execute(connection, "INSERT INTO counted VALUES (5001, 'c')");
        connection.releaseSavepoint(unnamed);
        connection.commit();
        Report.execute(connection, "DELETE FROM counted WHERE id >= 5000");
        connection.rollback();
        connection.setReadOnly(true);
        Report.step("read only", () -> Report.execute(connection, "DELETE FROM counted"));
        connection.rollback();
        connection.setReadOnly(false);
        connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        Report.line("isolation", connection.getTransactionIsolation());
        Report.rows("kept", () -> connection.createStatement().executeQuery("SELECT * FROM counted WHERE id >= 5000 ORDER BY id"));
        connection.commit();
        connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
        connection.setAutoCommit(true);
    }

    private static void errors(Connection connection) throws Exception {
        Report.execute(connection, "CREATE TABLE strict (id int PRIMARY KEY, n int NOT NULL, c int CONSTRAINT small CHECK (c < 10), k bigint REFERENCES keyed, v varchar(3))");
        Report.execute(connection, "INSERT INTO strict VALUES (1, 1, 1, 1, 'abc')");
        String[] texts = {
            "SELEC 1", "SELECT * FROM nosuch", "SELECT nosuch FROM strict", "SELECT nosuch(1)", "INSERT INTO strict VALUES (1, 1)", "INSERT INTO strict VALUES (2, NULL)",
            "INSERT INTO strict VALUES (2, 1, 10)", "INSERT INTO strict VALUES (2, 1, 1, 999)", "INSERT INTO strict VALUES (2, 1, 1, 1, 'abcd')", "DELETE FROM keyed WHERE id = 1",
            "SELECT 1 / 0", "SELECT 'x'::int", "SELECT 2147483647 + 1", "SELECT '2024-02-30'::date", "SELECT 'x'::uuid", "SELECT '{1'::int[]", "SELECT '{'::json",
            "CREATE TABLE strict (i int)", "DROP TABLE nosuch", "SELECT 1 FROM strict GROUP BY n HAVING id > 1", "SELECT '[1,2]'::vector <-> '[1]'::vector",
        };
        for (String text : texts) Report.step(text, () -> Report.execute(connection, text));
        Report.step("parameter", () -> {
            try (PreparedStatement statement = connection.prepareStatement("SELECT ?::int")) {
                statement.setString(1, "x");
                statement.executeQuery();
            }
        });
    }

    /** A server-side statement whose table changes under it. */
    private static void changed(Connection connection) throws Exception {
        Report.execute(connection, "CREATE TABLE altered (id int, a int)", "INSERT INTO altered VALUES (1, 2)");
        try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM altered WHERE id = ?")) {
            for (int run = 0; run < 2 * RUNS; run++) {
                if (run == RUNS) Report.execute(connection, "ALTER TABLE altered ADD COLUMN b text DEFAULT 'new'");
                statement.setInt(1, 1);
                Report.rows("run " + run, statement::executeQuery);
            }
        }
        connection.setAutoCommit(false);
        try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM altered WHERE id = ? ")) {
            for (int run = 0; run < RUNS; run++) {
                statement.setInt(1, 1);
                statement.executeQuery().close();
            }
            Report.execute(connection, "ALTER TABLE altered DROP COLUMN a");
            statement.setInt(1, 1);
            Report.rows("in a transaction", statement::executeQuery);
        }
        connection.rollback();
        connection.setAutoCommit(true);
    }

    private static void calls(Connection connection) throws Exception {
        try (var statement = connection.prepareCall("{? = call upper(?)}")) {
            statement.registerOutParameter(1, Types.VARCHAR);
            statement.setString(2, "loud");
            statement.execute();
            Report.line("call", statement.getString(1));
        }
        Report.rows("escapes", () -> connection.createStatement().executeQuery(
            "SELECT {d '2024-02-29'} AS d, {ts '2024-02-29 01:02:03'} AS ts, {fn concat('a', 'b')} AS c, {fn mod(7, 4)} AS m, {fn timestampadd(SQL_TSI_DAY, 1, {ts '2024-02-29 01:02:03'})} AS a WHERE 'x_y' LIKE 'x!_y' {escape '!'}"));
    }

    private static void copy(Connection connection) throws Exception {
        Report.execute(connection, "CREATE TABLE copied (id int PRIMARY KEY, t text, v vector(2))");
        CopyManager copies = ((PGConnection) connection).getCopyAPI();
        Report.line("in", copies.copyIn("COPY copied FROM STDIN (FORMAT csv)", new StringReader("1,a,\"[1,2]\"\n2,,\n3,\"x\"\"y\",\"[0,1]\"\n")));
        StringWriter written = new StringWriter();
        Report.line("out", copies.copyOut("COPY copied TO STDOUT", written), written.toString());
        Report.step("copy fails", () -> copies.copyIn("COPY copied FROM STDIN", new StringReader("4\ty\t[1]\n")));
        Report.rows("after", () -> connection.createStatement().executeQuery("SELECT count(*) FROM copied"));
    }

    private static void several(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            boolean isRows = statement.execute("SELECT 1 AS one; UPDATE counted SET name = 'u' WHERE id < 4; SELECT 2 AS two, 3 AS three");
            while (isRows || statement.getUpdateCount() != -1) {
                if (isRows) Report.rows("several", statement::getResultSet);
                else Report.line("count", statement.getUpdateCount());
                isRows = statement.getMoreResults();
            }
        }
    }

    private static void cancel(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            Timer canceller = new Timer();
            canceller.schedule(new TimerTask() {
                @Override public void run() {
                    try {
                        statement.cancel();
                    } catch (SQLException error) {
                        Report.error(error);
                    }
                }
            }, 200);
            Report.step("sleep", () -> statement.execute("SELECT pg_sleep(20)"));
            canceller.cancel();
            statement.setQueryTimeout(1);
            Report.step("timeout", () -> statement.execute("SELECT pg_sleep(20)"));
            statement.setQueryTimeout(0);
            Report.rows("usable", () -> statement.executeQuery("SELECT 1"));
        }
    }

    private static void notifications(Connection connection) throws Exception {
        Report.execute(connection, "LISTEN news");
        try (Connection other = Report.connect()) {
            Report.execute(other, "NOTIFY news, 'hello'");
        }
        for (var notification : ((PGConnection) connection).getNotifications(5000)) {
            Report.line("notification", notification.getName(), notification.getParameter());
        }
    }

    private static void refusedThenUsable(Connection connection) throws Exception {
        for (String text : new String[] {"SELECT 1 AS one", "SELECT ''::text AS empty", "SELECT NULL AS nothing", "SELECT 1 AS \"A b\", 2 AS \"A b\""}) {
            Report.rows(text, () -> connection.createStatement().executeQuery(text));
        }
        Report.line("warnings", connection.getWarnings());
        connection.setClientInfo("ApplicationName", "a test");
        connection.setSchema("pg_catalog");
        Report.line("schema", connection.getSchema(), connection.getClientInfo("ApplicationName"), connection.isValid(2));
    }

    /** Connection properties that change how statements are sent. */
    private static void modes() throws Exception {
        String[] modes = {"preferQueryMode=simple", "preferQueryMode=extendedForPrepared", "preferQueryMode=extendedCacheEverything", "prepareThreshold=-1", "binaryTransfer=false",
            "stringtype=unspecified", "autosave=always", "defaultRowFetchSize=3", "currentSchema=pg_catalog,public", "options=-c search_path=public -c statement_timeout=30s", "ApplicationName=named", "readOnly=true"};
        for (String mode : modes) {
            Report.step(mode, () -> {
                try (Connection connection = Report.connect(mode)) {
                    connection.setAutoCommit(false);
                    try (PreparedStatement statement = connection.prepareStatement("SELECT id, name, name || ? FROM public.counted WHERE id < ? ORDER BY id")) {
                        statement.setString(1, "it's");
                        statement.setInt(2, 3);
                        for (int run = 0; run < 3; run++) Report.rows("rows", statement::executeQuery);
                    }
                    Report.step("error", () -> Report.execute(connection, "SELECT 1/0"));
                    Report.rows("after", () -> connection.createStatement().executeQuery("SELECT 1"));
                    connection.rollback();
                    Report.line("schema", connection.getSchema(), connection.getClientInfo("ApplicationName"));
                }
            });
        }
    }
}
