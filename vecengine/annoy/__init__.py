"""Index family `annoy`: a forest of trees of random hyperplanes, searched by our own kernel."""
