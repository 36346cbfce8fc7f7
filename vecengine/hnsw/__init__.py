"""Index family `hnsw`: a hierarchical navigable small-world graph, built by faiss, searched by our own kernel."""
