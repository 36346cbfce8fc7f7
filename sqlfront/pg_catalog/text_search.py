"""Rows of the catalogs of text search: pg_ts_config and its map, pg_ts_dict, pg_ts_parser, pg_ts_template."""

from __future__ import annotations

from collections.abc import Iterator

from foundation.text_search_names import CONFIGURATION_NAMES, DICTIONARY_NAMES, dictionary_oid
from planner.text_search.configurations import CONFIGURATIONS
from planner.text_search.dictionaries import stop_words
from sqlfront.pg_catalog.relations import Row, rows_of
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import BOOTSTRAP_ROLE_OID, PG_CATALOG_SCHEMA_OID

PARSER_OID = 3722
_SNOWBALL_OID = 12347
_TEMPLATES = (
    (3727, "simple", "dsimple"), (3730, "synonym", "dsynonym"), (3733, "ispell", "dispell"),
    (3742, "thesaurus", "thesaurus"), (_SNOWBALL_OID, "snowball", "dsnowball"),
)  # fmt: skip
"""(OID, name, what its functions' names begin with). Dictionaries of the first and the last exist."""
TEMPLATE_FUNCTIONS = {
    3725: "dsimple_init", 3726: "dsimple_lexize", 3728: "dsynonym_init", 3729: "dsynonym_lexize", 3731: "dispell_init",
    3732: "dispell_lexize", 3740: "thesaurus_init", 3741: "thesaurus_lexize", 12345: "dsnowball_init", 12346: "dsnowball_lexize",
    3717: "prsd_start", 3718: "prsd_nexttoken", 3719: "prsd_end", 3720: "prsd_headline", 3721: "prsd_lextype",
}  # fmt: skip
"""Functions that only the catalogs name."""
_FUNCTION_OIDS = {name: oid for oid, name in TEMPLATE_FUNCTIONS.items()}


@rows_of("pg_ts_config")
def pg_ts_config(view: CatalogView) -> Iterator[Row]:
    for oid, name in CONFIGURATION_NAMES.items():
        yield {
            "oid": oid, "cfgname": name, "cfgnamespace": PG_CATALOG_SCHEMA_OID, "cfgowner": BOOTSTRAP_ROLE_OID,
            "cfgparser": PARSER_OID,
        }  # fmt: skip


@rows_of("pg_ts_config_map")
def pg_ts_config_map(view: CatalogView) -> Iterator[Row]:
    for oid, found in CONFIGURATIONS.items():
        for kind, name in sorted(found.dictionaries.items()):
            yield {"mapcfg": oid, "maptokentype": int(kind), "mapseqno": 1, "mapdict": dictionary_oid(name)}


@rows_of("pg_ts_dict")
def pg_ts_dict(view: CatalogView) -> Iterator[Row]:
    for oid, name in DICTIONARY_NAMES.items():
        language = name.removesuffix("_stem")
        options = f"language = '{language}'"
        if language in stop_words():
            options += f", stopwords = '{language}'"
        is_simple = name == "simple"
        yield {
            "oid": oid, "dictname": name, "dictnamespace": PG_CATALOG_SCHEMA_OID, "dictowner": BOOTSTRAP_ROLE_OID,
            "dicttemplate": 3727 if is_simple else _SNOWBALL_OID, "dictinitoption": None if is_simple else options,
        }  # fmt: skip


@rows_of("pg_ts_parser")
def pg_ts_parser(view: CatalogView) -> Iterator[Row]:
    functions = {
        "prsstart": "prsd_start", "prstoken": "prsd_nexttoken", "prsend": "prsd_end", "prsheadline": "prsd_headline",
        "prslextype": "prsd_lextype",
    }  # fmt: skip
    yield {
        "oid": PARSER_OID,
        "prsname": "default",
        "prsnamespace": PG_CATALOG_SCHEMA_OID,
        **{column: _FUNCTION_OIDS[name] for column, name in functions.items()},
    }


@rows_of("pg_ts_template")
def pg_ts_template(view: CatalogView) -> Iterator[Row]:
    for oid, name, prefix in _TEMPLATES:
        yield {
            "oid": oid, "tmplname": name, "tmplnamespace": PG_CATALOG_SCHEMA_OID,
            "tmplinit": _FUNCTION_OIDS[f"{prefix}_init"], "tmpllexize": _FUNCTION_OIDS[f"{prefix}_lexize"],
        }  # fmt: skip
