"""Index family `ivfflat`: rows in the lists of their nearest centroids, searched list by list by our own kernel."""
