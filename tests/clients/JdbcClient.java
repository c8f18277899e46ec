// What a Java program does with AWS's JDBC driver. Its argument names one step; each printed line is a fact,
// its parts apart by '|'. URL, user and password come from the environment.
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

public class JdbcClient {
  private static final String SLOW =
      "SELECT count(*) FROM jdbc_many a, jdbc_many b, jdbc_many c WHERE a.id + b.id > c.id";

  public static void main(String[] arguments) throws Exception {
    try (Connection connection =
        DriverManager.getConnection(
            System.getenv("JDBC_URL"),
            System.getenv("REDSHIFT_USER"),
            System.getenv("REDSHIFT_PASSWORD"))) {
      switch (arguments[0]) {
        case "metadata" -> metadata(connection, arguments[1]);
        case "values" -> values(connection, arguments[1]);
        case "transactions" -> transactions(connection, arguments[1]);
        case "cancel" -> cancel(connection);
        default -> throw new IllegalArgumentException(arguments[0]);
      }
    }
  }

  private static void say(Object... parts) {
    List<String> texts = new ArrayList<>();
    for (Object part : parts) {
      texts.add(String.valueOf(part));
    }
    System.out.println(String.join("|", texts));
  }

  private static void rows(String what, ResultSet result, String... columns) throws SQLException {
    while (result.next()) {
      List<Object> parts = new ArrayList<>(List.of(what));
      for (String column : columns) {
        parts.add(String.valueOf(result.getString(column)));
      }
      say(parts.toArray());
    }
  }

  private static void metadata(Connection connection, String schema) throws SQLException {
    DatabaseMetaData data = connection.getMetaData();
    say("product", data.getDatabaseProductName(), data.getDatabaseProductVersion());
    rows("catalog", data.getCatalogs(), "TABLE_CAT");
    rows("schema", data.getSchemas(), "TABLE_SCHEM");
    String[] kinds = {"TABLE", "VIEW"};
    for (String database : new String[] {null, "dev"}) {
      rows("table", data.getTables(database, schema, "%", kinds), "TABLE_NAME", "TABLE_TYPE");
      rows("column", data.getColumns(database, schema, "%", "%"),
          "TABLE_NAME", "COLUMN_NAME", "TYPE_NAME", "COLUMN_SIZE", "DECIMAL_DIGITS", "IS_NULLABLE",
          "IS_AUTOINCREMENT", "ORDINAL_POSITION");
    }
    rows("key", data.getPrimaryKeys(null, schema, "orders"), "COLUMN_NAME", "KEY_SEQ");
    rows("procedure", data.getProcedures(null, schema, "%"), "PROCEDURE_NAME");
    say("types", data.getTypeInfo().next());
    try (Statement statement = connection.createStatement()) {
      say("external", statement.executeQuery("SELECT * FROM svv_external_schemas").next());
    }
  }

  private static void values(Connection connection, String table) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement("SELECT * FROM " + table + " WHERE id >= ? ORDER BY id")) {
      statement.setLong(1, 1);
      ResultSet result = statement.executeQuery();
      ResultSetMetaData data = result.getMetaData();
      while (result.next()) {
        for (int i = 1; i <= data.getColumnCount(); i++) {
          Object value = result.getObject(i);
          Object shown = value instanceof byte[] ? result.getString(i) : value;
          say(data.getColumnName(i), data.getColumnTypeName(i), shown,
              value == null ? "" : value.getClass().getSimpleName());
        }
      }
    }
  }

  private static long count(Connection connection, String table) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("SELECT count(*) FROM " + table)) {
      result.next();
      return result.getLong(1);
    }
  }

  private static void transactions(Connection connection, String table) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.executeUpdate("CREATE TABLE " + table + " (id int)");
      say("inserted", statement.executeUpdate("INSERT INTO " + table + " VALUES (1), (2)"));
      connection.commit();
      statement.executeUpdate("INSERT INTO " + table + " VALUES (3)");
      connection.rollback();
      say("after rollback", count(connection, table));
      connection.commit();
      statement.setFetchSize(10);
      int fetched = 0;
      for (ResultSet result = statement.executeQuery("SELECT * FROM jdbc_many LIMIT 95"); result.next(); ) {
        fetched++;
      }
      say("fetched in parts", fetched);
      connection.commit();
    }
    try {
      connection.setSavepoint("here");
      say("savepoint");
    } catch (SQLException refused) {
      say("savepoint refused", refused.getSQLState(), refused.getMessage());
    }
    connection.rollback();
    connection.setAutoCommit(true);
    say("at the end", count(connection, table), connection.isValid(5));
  }

  private static void cancel(Connection connection) throws Exception {
    try (Statement statement = connection.createStatement()) {
      Thread other =
          new Thread(
              () -> {
                try {
                  // The driver ignores a cancel of a statement that it has not sent yet.
                  while (!Thread.interrupted()) {
                    Thread.sleep(100);
                    statement.cancel();
                  }
                } catch (InterruptedException | SQLException ended) {
                  return;
                }
              });
      other.start();
      try {
        statement.executeQuery(SLOW);
        say("ended");
      } catch (SQLException cancelled) {
        say("cancelled", cancelled.getSQLState(), cancelled.getMessage().replaceAll("\\d+", "N"));
      }
      other.interrupt();
      other.join();
    }
    try (Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      statement.executeQuery(SLOW);
      say("ended");
    } catch (SQLException late) {
      say("timed out", late.getSQLState(), late.getMessage().replaceAll("\\d+", "N"));
    }
    say("goes on", count(connection, "jdbc_many"));
  }
}
