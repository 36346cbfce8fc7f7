"""PostgreSQL's regular expressions with their own idea of what is matched: options, syntax, and a matcher of whole sets."""
