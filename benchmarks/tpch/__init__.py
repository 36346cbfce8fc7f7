"""TPC-H through psql on both servers. See README.md here."""
