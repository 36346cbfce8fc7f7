"""Write speed and recovery beside PostgreSQL with pgvector. See README.md here."""
