"""Which actions of ALTER TABLE there are for relations that are no tables.

PostgreSQL lets ALTER TABLE name any relation and looks at the actions (ATSimplePermissions in tablecmds.c).
https://www.postgresql.org/docs/15/sql-altertable.html
"""

from __future__ import annotations

from foundation.errors import FeatureNotSupported, WrongObjectType
from sqlfront.commands.lookup import not_supported_for
from sqlfront.parser import (
    AddColumn,
    AddConstraint,
    AlterAction,
    AlterColumnType,
    AlterConstraint,
    ChangeIdentity,
    DropColumn,
    DropConstraint,
    DropExpression,
    SetColumnStorage,
    SetDefault,
    SetIdentity,
    SetNotNull,
    SetOptions,
    SetOwner,
    ValidateConstraint,
)
from storage.catalog import CatalogObject, Index, MaterializedView, Sequence, Table, View

_ACTIONS_OF: dict[type[CatalogObject], tuple[type[AlterAction], ...]] = {
    MaterializedView: (SetOwner, SetOptions, SetColumnStorage),
    View: (SetOwner, SetOptions),
    Sequence: (SetOwner,),
    Index: (SetOptions,),
}


def check_action(found: CatalogObject, action: AlterAction) -> None:
    """Raises WrongObjectType (42809) for an action that relations of this kind do not have."""
    if type(found) is Table or isinstance(action, _ACTIONS_OF[type(found)]):
        return
    if isinstance(found, View) and isinstance(action, SetDefault):
        raise FeatureNotSupported("defaults of a view's columns are not supported")
    raise _not_for(found, action)


def _not_for(found: CatalogObject, action: AlterAction) -> WrongObjectType:
    return not_supported_for(f"ALTER action {_words(action)} cannot be performed on", found)


def _words(action: AlterAction) -> str:
    """What messages call an action: alter_table_type_to_string in tablecmds.c."""
    match action:
        case SetOptions(is_reset=is_reset):
            return "RESET" if is_reset else "SET"
        case SetNotNull(not_null=not_null):
            return f"ALTER COLUMN ... {'SET' if not_null else 'DROP'} NOT NULL"
        case SetIdentity(identity=""):
            return "ALTER COLUMN ... DROP IDENTITY"
        case SetColumnStorage(what="options"):
            return "ALTER COLUMN ... SET"
        case SetColumnStorage(what=what):
            return f"ALTER COLUMN ... SET {what.upper()}"
        case _:
            return _WORDS[type(action)]


_WORDS: dict[type[AlterAction], str] = {
    AddColumn: "ADD COLUMN",
    AddConstraint: "ADD CONSTRAINT",
    AlterColumnType: "ALTER COLUMN ... SET DATA TYPE",
    AlterConstraint: "ALTER CONSTRAINT",
    ChangeIdentity: "ALTER COLUMN ... SET",
    DropColumn: "DROP COLUMN",
    DropConstraint: "DROP CONSTRAINT",
    DropExpression: "ALTER COLUMN ... DROP EXPRESSION",
    SetDefault: "ALTER COLUMN ... SET DEFAULT",
    SetIdentity: "ALTER COLUMN ... ADD IDENTITY",
    SetOwner: "OWNER TO",
    ValidateConstraint: "VALIDATE CONSTRAINT",
}
