"""Index family `sparse_inverted`: the elements of sparse vectors in the lists of their dimensions, added up block by block."""
