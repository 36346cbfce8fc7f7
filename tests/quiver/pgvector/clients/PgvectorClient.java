// Inserts rows and searches them through JDBC, vectors as text. Arguments: URL, file of rows, file of searches.

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.postgresql.util.PGobject;

public class PgvectorClient {
    private static final String[] TYPES = {"vector", "halfvec", "bit", "sparsevec"};

    public static void main(String[] arguments) throws Exception {
        List<String[]> rows = lines(arguments[1]);
        List<String[]> searches = lines(arguments[2]);
        try (Connection connection = DriverManager.getConnection(arguments[0], "postgres", "")) {
            create(connection);
            insert(connection, rows);
            for (String[] search : searches) {
                search(connection, search[0], search[1], search[2]);
            }
            try (Statement statement = connection.createStatement()) {
                print(statement.executeQuery("SELECT * FROM jdbc_items UNION ALL SELECT 0, avg(v), avg(h), NULL, NULL FROM jdbc_items ORDER BY id"));
                statement.execute("DROP TABLE jdbc_items");
            }
        }
    }

    private static List<String[]> lines(String path) throws Exception {
        List<String[]> found = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of(path))) {
            found.add(line.split("\t"));
        }
        return found;
    }

    private static PGobject value(String type, String text) throws SQLException {
        PGobject value = new PGobject();
        value.setType(type);
        value.setValue(text.equals("null") ? null : text);
        return value;
    }

    private static void create(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("DROP TABLE IF EXISTS jdbc_items");
            statement.execute("CREATE TABLE jdbc_items (id int PRIMARY KEY, v vector(3), h halfvec(3), b bit(3), s sparsevec(3))");
            statement.execute("CREATE INDEX ON jdbc_items USING hnsw (v vector_l2_ops)");
            statement.execute("CREATE INDEX ON jdbc_items USING ivfflat (h halfvec_cosine_ops) WITH (lists = 1)");
        }
    }

    private static void insert(Connection connection, List<String[]> rows) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO jdbc_items VALUES (?, ?, ?, ?, ?)")) {
            for (String[] row : rows) {
                String[] texts = {row[1], row[1], row[2], row[3]};
                insert.setInt(1, Integer.parseInt(row[0]));
                for (int place = 0; place < TYPES.length; place++) {
                    insert.setObject(place + 2, value(TYPES[place], texts[place]));
                }
                insert.addBatch();
            }
            insert.executeBatch();
        }
    }

    private static void search(Connection connection, String column, String operator, String query) throws SQLException {
        String type = TYPES["vhbs".indexOf(column)];
        String text = "SELECT id, " + column + " " + operator + " ? AS distance FROM jdbc_items ORDER BY 2, 1 LIMIT 5";
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            // From the sixth time on the driver uses a named statement and binary results.
            for (int time = 1; time <= 6; time++) {
                statement.setObject(1, value(type, query));
                try (ResultSet result = statement.executeQuery()) {
                    if (time == 1 || time == 6) {
                        print(result);
                    }
                }
            }
        }
    }

    private static void print(ResultSet result) throws SQLException {
        int count = result.getMetaData().getColumnCount();
        while (result.next()) {
            List<String> cells = new ArrayList<>();
            for (int column = 1; column <= count; column++) {
                String cell = result.getString(column);
                cells.add(cell == null ? "" : cell);
            }
            System.out.println(String.join("\t", cells));
        }
    }
}
