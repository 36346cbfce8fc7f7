"""Storage: Arrow segments, write-ahead log, MVCC, catalog, keys, recovery. See `DESIGN.md`."""

from storage.catalog import Catalog
from storage.database import Storage
from storage.files import LocalFiles
from storage.isolation import Isolation
from storage.options import StorageOptions
from storage.rows import ZoneMap
from storage.transaction import Transaction
from storage.view import SegmentView, TableView
from storage.writeset import Mark

__all__ = [
    "Catalog",
    "Isolation",
    "LocalFiles",
    "Mark",
    "SegmentView",
    "Storage",
    "StorageOptions",
    "TableView",
    "Transaction",
    "ZoneMap",
]
