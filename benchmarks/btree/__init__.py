"""Conditions through btree indexes: beside PostgreSQL, and beside the scan."""
