"""btree indexes: the order of a column beside each sealed segment, and filters that use it instead of a scan.

`build_btree_index` and `inherited_orders` make the files, `order_faults` checks one.
"""

from planner.btree.index_build import build_btree_index, inherited_orders, order_faults
from planner.btree.indexed_columns import indexed_attnum

__all__ = ["build_btree_index", "indexed_attnum", "inherited_orders", "order_faults"]
