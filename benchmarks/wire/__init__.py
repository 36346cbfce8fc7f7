"""Speed through a PostgreSQL client, beside PostgreSQL with pgvector; see README.md here."""
