"""Copies of indexes on a device of PyTorch, that answer searches in place of the CPU; see its own DESIGN.md."""
