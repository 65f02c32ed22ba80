/**
 * A command that succeeds while a port of its own container answers a GET with 200, for images without a client of
 * HTTP. bash speaks enough of it, and starts in a hundredth of the time that an interpreter takes: health checks run
 * day and night.
 */
export function answersHttp(port: number, path: string): string[] {
  const ask = `exec 3<>/dev/tcp/127.0.0.1/${port}; printf 'GET ${path} HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3; read -r -t 4 _ status _ <&3; [[ $status == 200 ]]`;
  return ["bash", "-c", ask];
}

/**
 * Whether Neo4j serves: its HTTP port opens last, after the databases, the password and Bolt. Asked without the password
 * on purpose: a probe needs no secret.
 */
export const NEO4J_ANSWERS: readonly string[] = answersHttp(7474, "/");

/** Whether a Neo4j without HTTP serves: Bolt opens after the databases and the password. */
export const NEO4J_TAKES_BOLT: readonly string[] = ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7687"];

/** Whether Postgres serves. Over TCP: the server that initialises a new directory listens on its socket only. */
export function postgresAnswers({ user, name }: { user: string; name: string }): string[] {
  return ["pg_isready", "-q", "-h", "127.0.0.1", "-U", user, "-d", name];
}
