"""pg_catalog and information_schema, computed from the catalog when they are read.

`VIRTUAL_RELATIONS` tells the binder which relations there are, `relation_rows` makes their rows,
`CATALOG_FUNCTIONS` are the functions over them. See DESIGN.md beside this file.
"""

from sqlfront.pg_catalog import cluster, information_schema, objects
from sqlfront.pg_catalog.functions import CATALOG_FUNCTIONS, reg_name, reg_oid
from sqlfront.pg_catalog.relations import VIRTUAL_RELATIONS, relation_rows

__all__ = [
    "CATALOG_FUNCTIONS",
    "VIRTUAL_RELATIONS",
    "cluster",
    "information_schema",
    "objects",
    "reg_name",
    "reg_oid",
    "relation_rows",
]
