"""pg_catalog and information_schema, computed from the catalog when they are read.

`VIRTUAL_RELATIONS` tells the binder which relations there are, `relation_rows` makes their rows,
`CATALOG_FUNCTIONS` are the functions over them. See DESIGN.md beside this file.
"""

from sqlfront.pg_catalog import (
    activity,
    cluster,
    constraint_views,
    dependencies,
    domain_views,
    grant_views,
    information_schema,
    locks,
    objects,
    partitioned_tables,
    partitions,
    privilege_functions,
    privileges,
    role_views,
    server_statistics,
    session_objects,
    sizes,
    text_search,
    type_views,
    user_functions,
    view_definitions,
)
from sqlfront.pg_catalog.function_registry import CATALOG_FUNCTIONS
from sqlfront.pg_catalog.functions import reg_name, reg_oid
from sqlfront.pg_catalog.relations import VIRTUAL_RELATIONS, relation_rows

__all__ = [
    "CATALOG_FUNCTIONS",
    "VIRTUAL_RELATIONS",
    "activity",
    "cluster",
    "constraint_views",
    "dependencies",
    "domain_views",
    "grant_views",
    "information_schema",
    "locks",
    "objects",
    "partitioned_tables",
    "partitions",
    "privilege_functions",
    "privileges",
    "reg_name",
    "reg_oid",
    "relation_rows",
    "role_views",
    "server_statistics",
    "session_objects",
    "sizes",
    "text_search",
    "type_views",
    "user_functions",
    "view_definitions",
]
