"""Index families of inverted lists: rows in the lists of their nearest centroids, as whole vectors or as codes. See `DESIGN.md`."""
