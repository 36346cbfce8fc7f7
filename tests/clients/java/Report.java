import java.sql.Array;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** What the programs share: a connection, and results and errors printed so that two servers can be compared. */
final class Report {
    interface Step { void run() throws Exception; }
    interface Query { ResultSet run() throws SQLException; }

    private Report() { }

    /** A connection to the server that the variables of libpq name. */
    static Connection connect(String... settings) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", System.getenv("PGUSER"));
        for (String setting : settings) {
            int equals = setting.indexOf('=');
            properties.setProperty(setting.substring(0, equals), setting.substring(equals + 1));
        }
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        return java.sql.DriverManager.getConnection(url, properties);
    }

    static void execute(Connection connection, String... statements) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String text : statements) statement.execute(text);
        }
    }

    static void line(String label, Object... values) {
        List<String> shown = new ArrayList<>();
        for (Object value : values) shown.add(shown(value));
        System.out.println(label + ": " + String.join(" | ", shown));
    }

    static String shown(Object value) {
        try {
            if (value instanceof byte[] bytes) return HexFormat.of().formatHex(bytes);
            if (value instanceof Array array) return array.getBaseTypeName() + shown(array.getArray());
            if (value instanceof Object[] items) {
                return "[" + String.join(", ", Arrays.stream(items).map(Report::shown).toList()) + "]";
            }
            if (value instanceof int[] numbers) return Arrays.toString(numbers);
            if (value instanceof org.postgresql.util.PGobject object) return object.getType() + "(" + object.getValue() + ")";
            return value == null ? "null" : value.getClass().getSimpleName() + " " + value;
        } catch (SQLException error) {
            return error.toString();
        }
    }

    /** Column names and rows; the columns in `hidden` (OIDs) are left out, and `sorted` says that the server may choose the order. */
    static void rows(String label, boolean sorted, Set<String> hidden, Query query) {
        try (ResultSet result = query.run()) {
            ResultSetMetaData meta = result.getMetaData();
            List<Integer> columns = new ArrayList<>();
            List<String> names = new ArrayList<>();
            for (int column = 1; column <= meta.getColumnCount(); column++) {
                if (hidden.contains(meta.getColumnLabel(column))) continue;
                columns.add(column);
                names.add(meta.getColumnLabel(column) + ":" + meta.getColumnTypeName(column));
            }
            List<String> rows = new ArrayList<>();
            while (result.next()) {
                List<String> values = new ArrayList<>();
                for (int column : columns) values.add(String.valueOf(result.getString(column)));
                rows.add(String.join(" | ", values));
            }
            if (sorted) Collections.sort(rows);
            System.out.println("== " + label + " (" + String.join(", ", names) + ") " + rows.size());
            for (String row : rows) System.out.println("   " + row);
        } catch (SQLException error) {
            System.out.println("== " + label + " failed");
            error(error);
        }
    }

    static void rows(String label, Query query) {
        rows(label, false, Set.of(), query);
    }

    /** Runs a step; what it throws is printed. */
    static void step(String label, Step step) {
        System.out.println("-- " + label);
        try {
            step.run();
        } catch (SQLException error) {
            error(error);
        } catch (Exception error) {
            System.out.println("   " + error);
        }
    }

    static void error(SQLException error) {
        for (SQLException next = error; next != null; next = next.getNextException()) {
            System.out.println("   " + next.getClass().getSimpleName() + " " + next.getSQLState() + " " + next.getMessage());
            ServerErrorMessage server = next instanceof PSQLException known ? known.getServerErrorMessage() : null;
            if (server != null) {
                line("   server", server.getSeverity(), server.getPosition(), server.getSchema(), server.getTable(),
                    server.getColumn(), server.getDatatype(), server.getConstraint(), server.getDetail(), server.getHint());
            }
        }
    }
}
