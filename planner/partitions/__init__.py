"""Partitioned tables: where rows belong, which partitions a condition leaves, statements over the partitions.

`keys` and `hashing` say how values compare and hash, `partition_map` where the bounds of one table lie, `routing` sends rows down
to the leaves, `pruning` leaves partitions out, `expansion` rewrites statements, `plan` runs them.
"""
