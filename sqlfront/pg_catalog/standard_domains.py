"""The domains that information_schema has in every PostgreSQL, for clients that list types; values of them are of their base.

With PostgreSQL 16's OIDs. https://www.postgresql.org/docs/15/infoschema-datatypes.html
"""

from __future__ import annotations

from collections.abc import Iterator

from foundation.sqltypes import INT4, NAME, TIMESTAMPTZ, VARCHAR, SqlType
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import BOOTSTRAP_ROLE_OID, INFORMATION_SCHEMA_OID
from storage.type_objects import DomainConstraint, DomainType

C_COLLATION_OID = 950
_YES_OR_NO = "((VALUE)::text = ANY ((ARRAY['YES'::character varying, 'NO'::character varying])::text[]))"


def _domain(
    oid: int,
    name: str,
    base: SqlType,
    constraints: tuple[DomainConstraint, ...] = (),
    default_sql: str | None = None,
) -> DomainType:
    return DomainType(
        oid, name, 0, BOOTSTRAP_ROLE_OID, schema_oid=INFORMATION_SCHEMA_OID, base=base, constraints=constraints,
        default_sql=default_sql,
    )  # fmt: skip


STANDARD_DOMAINS = (
    _domain(12418, "cardinal_number", INT4, (DomainConstraint(12419, "cardinal_number_domain_check", "(VALUE >= 0)"),)),
    _domain(12421, "character_data", VARCHAR),
    _domain(12423, "sql_identifier", NAME),
    _domain(12429, "time_stamp", SqlType(TIMESTAMPTZ.oid, 2), default_sql="CURRENT_TIMESTAMP(2)"),
    _domain(12431, "yes_or_no", SqlType(VARCHAR.oid, 7), (DomainConstraint(12432, "yes_or_no_check", _YES_OR_NO),)),
)  # fmt: skip
COLLATED_DOMAINS = frozenset(("character_data", "sql_identifier", "yes_or_no"))
"""Those of the collation "C"."""


_BY_OID = {domain.oid: domain for domain in STANDARD_DOMAINS}


def standard_domain(oid: int) -> DomainType | None:
    return _BY_OID.get(oid)


def all_domains(view: CatalogView) -> Iterator[DomainType]:
    """The standard's and the users'."""
    yield from STANDARD_DOMAINS
    yield from view.objects(DomainType)
