-- What the stack keeps in Postgres: the collection as upstream makes it, and our own tables beside it. Stated here once:
-- the server makes what is missing at its start (schema.py), and a restore makes all of it in a throw-away server, so that
-- no statement of a backup has to run (ops/backup/stores/postgres/schema.ts). Both fill in the names that they need.
CREATE TABLE IF NOT EXISTS {collection} (id uuid PRIMARY KEY, vector vector({dimensions}), payload jsonb);
CREATE TABLE IF NOT EXISTS mem0_identity (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    instance_id text NOT NULL,
    embedder text NOT NULL,
    dimensions integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    graph_bound_at timestamptz,
    history_bound_at timestamptz
);
CREATE TABLE IF NOT EXISTS mem0_intents (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    scope text NOT NULL,
    graph jsonb,
    history jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    error text,
    parked boolean NOT NULL DEFAULT false
);
CREATE TABLE IF NOT EXISTS mem0_idempotency (
    owner text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    reply json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, key)
);
CREATE INDEX IF NOT EXISTS {collection_hnsw_idx} ON {collection} USING hnsw (vector vector_cosine_ops);
-- Upstream filters by these in every query and has no index on them. The date comes second, so that a page of one user's
-- newest memories is read from the index instead of sorting all of them.
CREATE INDEX IF NOT EXISTS {collection_user_id_idx} ON {collection} ((payload->>'user_id'), (payload->>'created_at'));
CREATE INDEX IF NOT EXISTS {collection_agent_id_idx} ON {collection} ((payload->>'agent_id'), (payload->>'created_at'));
CREATE INDEX IF NOT EXISTS {collection_run_id_idx} ON {collection} ((payload->>'run_id'), (payload->>'created_at'));
CREATE INDEX IF NOT EXISTS mem0_idempotency_created_at ON mem0_idempotency (created_at);
