"""Names of the text search configurations and dictionaries that a new PostgreSQL 16 has, with its OIDs."""

from __future__ import annotations

LANGUAGES = (
    "arabic", "armenian", "basque", "catalan", "danish", "dutch", "english", "finnish", "french", "german", "greek", "hindi",
    "hungarian", "indonesian", "irish", "italian", "lithuanian", "nepali", "norwegian", "portuguese", "romanian", "russian",
    "serbian", "spanish", "swedish", "tamil", "turkish", "yiddish",
)  # fmt: skip
"""Those that have a stemmer."""
_FIRST_LANGUAGE_OID = 12348

CONFIGURATION_NAMES: dict[int, str] = {
    3748: "simple",
    **{_FIRST_LANGUAGE_OID + 2 * number + 1: language for number, language in enumerate(LANGUAGES)},
}
DICTIONARY_NAMES: dict[int, str] = {
    3765: "simple",
    **{_FIRST_LANGUAGE_OID + 2 * number: f"{language}_stem" for number, language in enumerate(LANGUAGES)},
}


def configuration_oid(name: str) -> int | None:
    """The OID of a configuration by its bare name, None without one of that name."""
    return next((oid for oid, known in CONFIGURATION_NAMES.items() if known == name), None)


def dictionary_oid(name: str) -> int | None:
    """The OID of a dictionary by its bare name, None without one of that name."""
    return next((oid for oid, known in DICTIONARY_NAMES.items() if known == name), None)
