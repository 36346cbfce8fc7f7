"""Grammar of type names. https://www.postgresql.org/docs/15/datatype.html"""

from __future__ import annotations

from foundation.sqltypes import INTERVAL_FIELD_BITS
from sqlfront.parser.grammar import Grammar
from sqlfront.parser.keywords import words
from sqlfront.parser.lexer import FLOAT, INTEGER, STRING, WORD
from sqlfront.parser.typenames import TypeName

_SIMPLE = {
    "int": "int4", "integer": "int4", "smallint": "int2", "bigint": "int8", "real": "float4", "boolean": "bool",
    "decimal": "numeric", "dec": "numeric", "numeric": "numeric",
}  # fmt: skip

_INTERVAL_FIELDS = tuple(INTERVAL_FIELD_BITS)
_INTERVAL_PAIRS = {
    ("year", "month"), ("day", "hour"), ("day", "minute"), ("day", "second"), ("hour", "minute"),
    ("hour", "second"), ("minute", "second"),
}  # fmt: skip

CONSTANT_TYPE_WORDS = words(
    "int integer smallint bigint real float double decimal dec numeric boolean bit character char varchar"
    " national nchar time timestamp interval"
)
"""Words that begin a type of the grammar's own spelling."""


class TypeGrammar(Grammar):
    """Parses type names."""

    def type_name(self) -> TypeName:
        """Typename: a simple type, SETOF, array bounds."""
        position = self.token.start + 1
        is_setof = self.accept("setof")
        base = self.simple_type()
        dimensions = 0
        if self.accept("array"):
            dimensions = 1
            if self.accept("["):
                self._bound()
                self.expect("]")
        else:
            while self.accept("["):
                if self.token.key != "]":
                    self._bound()
                self.expect("]")
                dimensions += 1
        return TypeName(base.name, base.schema, base.modifiers, dimensions, position, is_setof)

    def _bound(self) -> None:
        if self.token.kind != INTEGER:
            self.error()
        self.advance()

    def simple_type(self) -> TypeName:
        """A type without SETOF and array bounds."""
        token = self.token
        if token.kind == WORD:
            if token.key in _SIMPLE and token.category:
                self.advance()
                allows_modifier = _SIMPLE[token.key] == "numeric"
                return self._system(_SIMPLE[token.key], self._modifiers() if allows_modifier else ())
            special = {
                "float": self._float, "double": self._double, "bit": self._bit, "char": self._character,
                "character": self._character, "varchar": self._character, "national": self._character,
                "nchar": self._character, "time": self._time, "timestamp": self._time, "interval": self._interval,
            }.get(token.key)  # fmt: skip
            if special is not None and not (token.key == "double" and self.peek().key != "precision"):
                return special()
        if not self.is_function_name():
            self.error()
        parts = [self.advance().value]
        while self.accept("."):
            parts.append(self.label())
        if self.token.key == "%" and self.peek().key == "type":
            self.unsupported("%TYPE")
        schema = ".".join(parts[:-1]) if len(parts) > 1 else None
        return TypeName(parts[-1], schema, self._modifiers())

    def _system(self, name: str, modifiers: tuple[str, ...] = ()) -> TypeName:
        return TypeName(name, "pg_catalog", modifiers)

    def _modifiers(self) -> tuple[str, ...]:
        return tuple(self.parenthesized(self._modifier)) if self.token.key == "(" else ()

    def _modifier(self) -> str:
        if self.token.kind in (INTEGER, FLOAT) or self.token.key in ("-", "+"):
            return self.signed_number()
        if self.token.kind == STRING:
            return self.advance().value
        return self.name()

    def _float(self) -> TypeName:
        self.advance()
        modifiers = self._modifiers()
        return self._system("float4" if modifiers and int(modifiers[0]) <= 24 else "float8")

    def _double(self) -> TypeName:
        self.expect("double", "precision")
        return self._system("float8")

    def _bit(self) -> TypeName:
        self.advance()
        if self.accept("varying"):
            return self._system("varbit", self._modifiers())
        return self._system("bit", self._modifiers() or ("1",))

    def _character(self) -> TypeName:
        word = self.advance().key
        if word == "national" and not self.accept_any("character", "char"):
            self.error()
        varying = word == "varchar" or self.accept("varying")
        modifiers = self._modifiers()
        if varying:
            return self._system("varchar", modifiers)
        return self._system("bpchar", modifiers or ("1",))

    def _time(self) -> TypeName:
        name = self.advance().key
        modifiers = self._modifiers()
        if self.accept("with", "time", "zone"):
            name += "tz"
        else:
            self.accept("without", "time", "zone")
        return self._system(name, modifiers)

    def _interval(self) -> TypeName:
        self.advance()
        if self.token.key == "(":
            return self._system("interval", (str(0x7FFF), *self._modifiers()))
        return self._system("interval", self.interval_fields())

    def interval_fields(self) -> tuple[str, ...]:
        """`DAY TO SECOND(3)` as typmod texts, () when no field is named."""
        first = self.accept_any(*_INTERVAL_FIELDS)
        if first is None:
            return ()
        fields = [first]
        if self.token.key == "to" and self.peek().key in _INTERVAL_FIELDS:
            self.advance()
            if (first, self.token.key) not in _INTERVAL_PAIRS:
                self.error()
            last = self.advance().key
            order = _INTERVAL_FIELDS
            fields = list(order[order.index(first) : order.index(last) + 1])
        mask = str(sum(INTERVAL_FIELD_BITS[field] for field in fields))
        if fields[-1] == "second" and self.token.key == "(":
            return (mask, *self._modifiers())
        return (mask,)
