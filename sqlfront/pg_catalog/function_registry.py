"""The functions over the catalogs by SQL name, filled by `@catalog_function` in the modules that define them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

CatalogFunction = Callable[..., Any]
_F = TypeVar("_F", bound=CatalogFunction)

CATALOG_FUNCTIONS: dict[str, CatalogFunction] = {}


def catalog_function(*names: str) -> Callable[[_F], _F]:
    """Register `(view, *arguments) -> value`; a NULL argument gives NULL before it is called."""

    def register(function: _F) -> _F:
        for name in names:
            CATALOG_FUNCTIONS[name] = function
        return function

    return register
