"""Searches for many query vectors in one statement."""
