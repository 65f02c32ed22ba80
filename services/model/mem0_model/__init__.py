"""The embedded model: OpenAI-compatible embeddings and rule-based memory extraction for mem0."""

EMBEDDING_MODEL = "mem0-embedded"
CHAT_MODEL = "mem0-rules"
DIMENSIONS = 384
