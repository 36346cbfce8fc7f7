"""VectorDBBench's own pgvector client against Quiver and PostgreSQL with pgvector. See README.md here."""
