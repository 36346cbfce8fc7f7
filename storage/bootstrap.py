"""The objects that a new data directory and a new database hold."""

from __future__ import annotations

from storage.acl import public_schema_acl
from storage.catalog import (
    BOOTSTRAP_ROLE_OID,
    DEFAULT_DATABASE_OID,
    PG_CATALOG_SCHEMA_OID,
    PUBLIC_SCHEMA_OID,
    SHARED_DATABASE,
    CatalogObject,
    Database,
    Extension,
    Role,
    Schema,
)
from storage.role_objects import DATABASE_OWNER_OID


def bootstrap_objects(
    extension_version: str, database_oid: int = DEFAULT_DATABASE_OID
) -> list[CatalogObject]:
    """What a new data directory holds: role and database `postgres`, its schemas, extensions `vector`, `plpgsql`."""
    role = Role(
        BOOTSTRAP_ROLE_OID, "postgres", SHARED_DATABASE, BOOTSTRAP_ROLE_OID,
        can_login=True, is_superuser=True, can_create_db=True, can_create_role=True,
    )  # fmt: skip
    comment = "default administrative connection database"
    database = Database(database_oid, "postgres", SHARED_DATABASE, BOOTSTRAP_ROLE_OID, comment=comment)
    return [role, database, *database_objects(extension_version, database, BOOTSTRAP_ROLE_OID, 20000)]


def database_objects(
    extension_version: str, database: Database, owner_oid: int, first_oid: int
) -> list[CatalogObject]:
    """Schema `public` and the extensions every database starts with; they take three OIDs from `first_oid`."""
    public_oid = PUBLIC_SCHEMA_OID if database.oid == DEFAULT_DATABASE_OID else first_oid
    public = Schema(
        public_oid, "public", database.oid, DATABASE_OWNER_OID, comment="standard public schema",
        acl=public_schema_acl(DATABASE_OWNER_OID),
    )  # fmt: skip
    vector = Extension(
        first_oid + 1, "vector", database.oid, owner_oid, schema_oid=public_oid, version=extension_version,
        comment="vector data type and ivfflat and hnsw access methods",
    )  # fmt: skip
    plpgsql = Extension(
        first_oid + 2, "plpgsql", database.oid, owner_oid, schema_oid=PG_CATALOG_SCHEMA_OID, version="1.0",
        comment="PL/pgSQL procedural language",
    )  # fmt: skip
    return [public, vector, plpgsql]
