// A request with JDBC: a transaction that begins with its principal.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

public class Jdbc {
    interface Work<T> {
        T run(Connection connection) throws SQLException;
    }

    static <T> T request(Connection connection, String email, Work<T> work) throws SQLException {
        connection.setAutoCommit(false);
        try (PreparedStatement principal = connection.prepareStatement("SELECT rbac_set_principal(rbac_user(?))")) {
            principal.setString(1, email);
            principal.execute();
            T result = work.run(connection);
            connection.commit();
            return result;
        } catch (SQLException e) {
            connection.rollback();
            throw e;
        } finally {
            connection.setAutoCommit(true);
        }
    }

    // --- trying it -----------------------------------------------------------

    static int count(Connection connection) throws SQLException {
        try (PreparedStatement query = connection.prepareStatement("SELECT count(*) FROM deployment");
             ResultSet rows = query.executeQuery()) {
            rows.next();
            return rows.getInt(1);
        }
    }

    public static void main(String[] arguments) throws Exception {
        String url = arguments[0];
        AtomicInteger right = new AtomicInteger();
        AtomicInteger wrong = new AtomicInteger();
        ExecutorService pool = Executors.newFixedThreadPool(20);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));

        for (String line; (line = lines.readLine()) != null; ) {
            String[] words = line.split(" ");
            pool.submit(() -> {
                try (Connection connection = DriverManager.getConnection(url)) {
                    for (int i = 0; i < 20; i++) {
                        boolean is = request(connection, words[0], Jdbc::count) == Integer.parseInt(words[1])
                            && count(connection) == 0;
                        (is ? right : wrong).incrementAndGet();
                    }
                } catch (Exception e) {
                    e.printStackTrace();
                    wrong.incrementAndGet();
                }
            });
        }
        pool.shutdown();
        pool.awaitTermination(1, TimeUnit.MINUTES);
        System.out.println(right + " right, " + wrong + " wrong");
    }
}
