"""Full text search: the values of tsvector and tsquery, the parser, the dictionaries, matching, ranking, headlines."""
