import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.neo4j.annotations.service.ServiceProvider;
import org.neo4j.dbms.api.DatabaseManagementService;
import org.neo4j.internal.kernel.api.connectioninfo.ClientConnectionInfo;
import org.neo4j.internal.kernel.api.security.AuthenticationResult;
import org.neo4j.kernel.api.security.AuthManager;
import org.neo4j.kernel.api.security.AuthToken;
import org.neo4j.kernel.api.security.exception.InvalidAuthTokenException;
import org.neo4j.kernel.extension.ExtensionFactory;
import org.neo4j.kernel.extension.ExtensionType;
import org.neo4j.kernel.extension.context.ExtensionContext;
import org.neo4j.kernel.lifecycle.Lifecycle;
import org.neo4j.kernel.lifecycle.LifecycleAdapter;

/**
 * At every start, after the databases and before Bolt and HTTP open, gives the user {@code neo4j} the password in the
 * first line of the file named by {@code NEO4J_PASSWORD_FILE}, if it has another.
 *
 * <p>Neo4j's own {@code set-initial-password} works on an empty store only. For a kept store its documentation starts
 * the server without authentication and alters the user over the network; from inside the process neither a second
 * start nor an open door is needed.
 *
 * <p>Then removes the file named by {@code NEO4J_FIRST_START_MARKER}: from here on the store is complete, and may be
 * written to.
 */
@ServiceProvider
public final class PasswordFromFile extends ExtensionFactory<PasswordFromFile.Dependencies> {
    private static final String USER = "neo4j";

    /** What Neo4j passes in. */
    public interface Dependencies {
        DatabaseManagementService databaseManagementService();

        AuthManager authManager();
    }

    public PasswordFromFile() {
        super(ExtensionType.GLOBAL, "password-from-file");
    }

    @Override
    public Lifecycle newInstance(ExtensionContext context, Dependencies dependencies) {
        return new LifecycleAdapter() {
            @Override
            public void start() throws IOException, InvalidAuthTokenException {
                String password = firstLine(Path.of(System.getenv("NEO4J_PASSWORD_FILE")));
                if (!accepted(dependencies.authManager(), password)) {
                    setPassword(dependencies.databaseManagementService(), password);
                }
                Files.deleteIfExists(Path.of(System.getenv("NEO4J_FIRST_START_MARKER")));
            }
        };
    }

    private static boolean accepted(AuthManager authManager, String password) throws InvalidAuthTokenException {
        var login = authManager.login(
                AuthToken.newBasicAuthToken(USER, password), ClientConnectionInfo.EMBEDDED_CONNECTION);
        return login.subject().getAuthenticationResult() == AuthenticationResult.SUCCESS;
    }

    /** Also when the user was dropped, or was made to change its password. */
    private static void setPassword(DatabaseManagementService dbms, String password) {
        dbms.database("system")
                .executeTransactionally(
                        "CREATE OR REPLACE USER $user SET PASSWORD $password CHANGE NOT REQUIRED",
                        Map.of("user", USER, "password", password));
    }

    private static String firstLine(Path file) throws IOException {
        try (var lines = Files.lines(file)) {
            return lines.findFirst().orElseThrow(() -> new IOException(file + " is empty."));
        }
    }
}
