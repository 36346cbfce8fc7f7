"""The product: command line, configuration, server assembly, background work."""
