"""Texts to feed both to PostgreSQL and to the codecs: per type, valid and invalid ones, seeded random and chosen."""

from __future__ import annotations

import ipaddress
import random
import string
import struct

_RANDOM = random.Random(20240105)


def _integers(bits: int) -> list[str]:
    edge = 1 << (bits - 1)
    chosen = [0, 1, -1, 7, edge - 1, -edge]
    drawn = [_RANDOM.randrange(-edge, edge) >> _RANDOM.randrange(bits) for _ in range(150)]
    return [str(n) for n in chosen + drawn] + [
        " 12 ",
        "+5",
        "-0",
        "007",
        "0x1F",
        "0b101",
        "0o17",
        "1_000",
        "\t3\n",
    ]


def _floats(code: str) -> list[str]:
    size = struct.calcsize(code)
    drawn = [struct.unpack(code, _RANDOM.randbytes(size))[0] for _ in range(150)]
    drawn += [_RANDOM.gauss(0, 1) * 10 ** _RANDOM.randrange(-12, 20) for _ in range(150)]
    texts = [repr(x) for x in drawn if x == x and abs(x) != float("inf")]
    texts = [t for t in texts if size == 8 or 1e-37 < abs(float(t)) < 3e38]
    return [
        *texts,
        "0", "-0", "1e-5", "1e-4", "0.0001", "9.9999e-5", "123456", "999999", "1e6", "1000000", "1234567", "1e5", "1e14",
        "999999999999999", "1e15", "123456789012345678", "NaN", "nan", "Infinity", "-inf", "+1.5", " 2.5 ", ".5", "5.",
        "16777216", "1e23" if code == "!d" else "1e22", "840559232", "9007199254740993", "2.5e16" , "805026414", "16777217", "1.17549435e-38", "3.4028234e38", "0x1F",
    ]  # fmt: skip


def _numerics() -> list[str]:
    drawn = []
    for _ in range(250):
        whole = "".join(_RANDOM.choices("0123456789", k=_RANDOM.randrange(0, 40)))
        fraction = "".join(_RANDOM.choices("0123456789", k=_RANDOM.randrange(0, 40)))
        if not whole and not fraction:
            continue
        exponent = _RANDOM.choice(["", "", "", f"e{_RANDOM.randrange(-30, 30)}"])
        drawn.append(_RANDOM.choice(["", "-", "+"]) + whole + ("." + fraction if fraction else "") + exponent)
    return [
        *drawn,
        "0", "-0", "0.00", "-0.00", "1.50", "000.100", ".5", "5.", "1e5", "1.5e-3", "NaN", "nan", "Infinity", "-inf", "inf",
        "0x1F", "1_000.5_0", "10000", "9999.9999", "100000000", "0.0001", "0.00000001", "1e-16383", "1e131071", "0e999999",
        "0.0e5", " 7 ", "12345678901234567890123456789012345678901234567890.5",
    ]  # fmt: skip


def _texts() -> list[str]:
    alphabet = string.ascii_letters + " ,{}\"\\'\n\t\r;:äöü€😀" + "\x01\x7f"
    drawn = ["".join(_RANDOM.choices(alphabet, k=_RANDOM.randrange(0, 30))) for _ in range(150)]
    return [*drawn, "", " ", "NULL", "null", "\\", "\\N", "\\.", "a\\", '"', "x" * 5000, "\\x", "ß" * 40]


def _byteas() -> list[str]:
    drawn = ["\\x" + _RANDOM.randbytes(_RANDOM.randrange(0, 40)).hex() for _ in range(100)]
    return [*drawn, "", "abc", "\\\\", "\\000\\377", "a\\134b", "\\xDEad", "\\x de ad ", "\\x"]


def _dates() -> list[str]:
    drawn = [
        f"{_RANDOM.randrange(1, 10000):04d}-{_RANDOM.randrange(1, 13):02d}-{_RANDOM.randrange(1, 29):02d}"
        for _ in range(150)
    ]
    return [
        *drawn,
        "2024-02-29", "2000-02-29", "1900-02-28", "0001-01-01", "9999-12-31", "10000-01-01", "4713-01-01 BC", "0044-03-15 BC",
        "infinity", "-infinity", "epoch", "Jan 5, 2024", "January 5 2024", "5 Jan 2024", "5-Jan-2024", "Jan-05-2024",
        "2024-Jan-05", "1/8/1999", "01/02/03", "20240105", "240105", "2024/1/5", "2024.1.5", "J2451187", "1999.008",
        "Fri Jan 5 2024", "2024 Jan 5", "5874897-12-31", "4714-11-24 BC", "2024-01-05 10:00:00", "2024-01-05T10:00:00Z",
        "  2024-01-05  ", "January 8, 99 BC", "1999-01-08 AD", "08-Jan-99",
    ]  # fmt: skip


def _times() -> list[str]:
    drawn = [
        f"{_RANDOM.randrange(24):02d}:{_RANDOM.randrange(60):02d}:{_RANDOM.randrange(60):02d}.{_RANDOM.randrange(10**6):06d}"
        for _ in range(100)
    ]
    return [
        *drawn,
        "00:00:00", "24:00:00", "23:59:59.999999", "23:59:60", "04:05", "040506", "0405", "04:05 AM", "04:05 PM", "12:00 AM",
        "12:30 pm", "04:05:06-08:00", "04:05:06 PST", "2024-01-05 04:05:06", "allballs", "1:2:3", "23:59:59.9999999",
        "00:00:00.1", "T040506",
    ]  # fmt: skip


def _zoned_times() -> list[str]:
    zones = ("", "Z", "+02", "-03:30", " -8", "+05:45", "-15:59:59", "+15:59", " PST", " UTC", "+00:00:01")
    drawn = [
        f"{_RANDOM.randrange(24):02d}:{_RANDOM.randrange(60):02d}:{_RANDOM.randrange(60):02d}"
        f"{_RANDOM.choice(['', '.5', '.123456', '.000001'])}{_RANDOM.choice(zones)}"
        for _ in range(120)
    ]
    return [
        *drawn,
        "00:00:00+15", "24:00:00-08", "23:59:59.999999+00", "23:59:60+01", "04:05-8", "040506-08", "040506", "040506.5+0130", "04:05 PM +1",
        "2024-07-05 04:05:06 America/New_York", "2024-01-05 04:05:06 America/New_York", "04:05:06 EST", "allballs",
        "04:05:06.789-8", "2024-01-05 04:05:06+03", "12:00 EST5",
    ]  # fmt: skip


def _timestamps() -> list[str]:
    drawn = [
        f"{_RANDOM.randrange(1, 10000):04d}-{_RANDOM.randrange(1, 13):02d}-{_RANDOM.randrange(1, 29):02d}"
        f"{_RANDOM.choice(' T')}{_RANDOM.randrange(24):02d}:{_RANDOM.randrange(60):02d}:{_RANDOM.randrange(60):02d}"
        f"{_RANDOM.choice(['', '.5', '.123456', '.000001', '.100000'])}"
        for _ in range(150)
    ]
    return [
        *drawn,
        "2024-01-05", "2024-01-05 10:00", "2024-01-05 10:00:00+02", "2024-01-05 10:00:00 -03:30", "2024-01-05T10:00:00Z",
        "2024-01-05 24:00:00", "2024-01-05 23:59:60", "infinity", "-infinity", "epoch", "0044-03-15 12:00:00 BC",
        "4714-11-24 00:00:00 BC", "294246-12-31 23:59:59.999999", "Jan 5 2024 3:04 PM", "20240105T101112", "20240105 101112",
        "Fri Jan 05 10:11:12 2024", "2024-01-05 10:00:00.1234567", "2024-01-05 10:00:00 America/New_York",
        "2024-07-05 10:00:00 Europe/Berlin", "2024-01-05 10:00:00 PST", "2024-01-05 10:00:00 UTC", "10000-01-01 00:00:00",
        "1999-01-08 04:05:06 -8:00", "2024-01-05 10:00:00 EST5EDT", "1/8/1999 04:05", "2024-01-05 04:05:06.789-8",
    ]  # fmt: skip


def _uuids() -> list[str]:
    drawn = [_RANDOM.randbytes(16).hex() for _ in range(100)]
    hyphened = [f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}" for h in drawn]
    return [
        *hyphened,
        *drawn[:5],
        "{" + hyphened[0] + "}",
        hyphened[1].upper(),
        "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
    ]


def _addresses(*, with_host: bool) -> list[str]:
    """Random addresses with prefixes; many share their first bits, so that the rest decides their order."""
    drawn = []
    for _ in range(120):
        size = _RANDOM.choice((4, 4, 16))
        head = _RANDOM.choice(
            (b"\x0a\x01", b"\xc0\xa8\x01", b"\x20\x01\x0d\xb8", b"\0" * 10, b"\0" * 10 + b"\xff\xff", b"")
        )
        body = bytes(_RANDOM.choice((0, 0, 1, 255, _RANDOM.randrange(256))) for _ in range(16))
        address = (head + body)[:size]
        prefix = _RANDOM.choice((8 * size, 8 * size, _RANDOM.randrange(8 * size + 1)))
        network = ipaddress.ip_network((address, prefix), strict=False)
        shown = ipaddress.ip_address(address) if with_host else network.network_address
        drawn.append(
            f"{shown}/{prefix}"
            if prefix != 8 * size or not with_host or _RANDOM.random() < 0.3
            else f"{shown}"
        )
    both = [
        "10.1.2.3", "0.0.0.0", "255.255.255.255/32", "10/8", "10.1/16", "::", "::1", "::/0", "0.0.0.0/0", "::ffff:1.2.3.4", "::1.2.3.4",
        "2001:DB8::/32", "1:2:3:4:5:6:7:8", "fe80::1:0:0:1", "1::8", "::ffff:0:0/96", "0:0:0:0:0:0:13.1.68.3", "1:0:0:2:0:0:0:3", "010.001.0.0/16",
    ]  # fmt: skip
    if with_host:
        return [
            *drawn,
            *both,
            "10.1.2.3/8",
            "192.168.1.226/24",
            "2001:db8::5/64",
            "10.1.2.3.",
            "10./8",
            "::1.2.3",
            "1:2:3:4:5:6:7:8:/64",
            "::1./120",
        ]
    return [
        *drawn,
        *both,
        "10",
        "128",
        "192.168.1",
        "224",
        "240.0.0.1",
        "192.168/24",
        "0x0a01",
        "0xC0A80",
        "0x0a/7",
        "127.1",
        "224.0",
    ]


def _amounts() -> list[str]:
    drawn = [f"{_RANDOM.randrange(-(10**15), 10**15) / 10 ** _RANDOM.randrange(5):f}" for _ in range(80)]
    grouped = [
        f"{_RANDOM.choice(('', '-'))}${_RANDOM.randrange(10 ** _RANDOM.randrange(1, 14)):,}.{_RANDOM.randrange(100):02d}"
        for _ in range(40)
    ]
    return [
        *drawn, *grouped, "0", "", " ", "$", "1", "-1", "(1.5)", "($1.50)", "$ -1", "- $ 1", "1-", "1+", "1$", "1 $ ", "+1", "1,2,3.4", "1.005", "1.004",
        "-1.005", "0.995", "1.", ".5", "-.5", "92233720368547758.07", "-92233720368547758.08", "1.2,3", "1.23)", "(", "-", "12.34567 "
    ]  # fmt: skip


_BOUNDS = {
    "int4": ("1", "5", "-3", " 7 ", "0", "2147483646"), "int8": ("1", "5", "-3", "9223372036854775806"),
    "num": ("1", "1.0", "1.50", "-2.5", "0.000", "1e10", "-1e-7", "12345678901234567890.5", "NaN", "Infinity", "-Infinity"),
    "date": ("2024-01-05", "1999-12-31", "infinity", "-infinity", "0044-03-15 BC"),
    "ts": ('"2024-01-05 10:00"', '"1999-12-31 23:59:59.5"', "infinity", "-infinity", "2024-02-29"),
    "tstz": ('"2024-01-05 10:00+02"', '"1999-12-31 23:59:59.5-08"', "infinity", "-infinity", "2024-02-29"),
}  # fmt: skip
"""Range type without its last word -> bounds."""


def _is_range(lower: str, upper: str) -> bool:
    """Whether a lower bound is surely not above an upper one."""
    return (
        not lower
        or not upper
        or lower == upper
        or "-infinity" in (lower.lower(),)
        or upper in ("infinity", "NaN")
    )


def _ranges(name: str) -> list[str]:
    bounds = ("", *_BOUNDS[name])
    pairs = [(a, b) for a in bounds for b in bounds if _is_range(a, b)]
    texts = [f"{_RANDOM.choice('[(')}{a},{b}{_RANDOM.choice(')]')}" for a, b in pairs for _ in range(2)]
    return [*texts, "empty", " EMPTY ", "(,)", "[,]"]


def _multiranges(name: str) -> list[str]:
    ranges = _ranges(name)
    drawn = ["{" + ",".join(_RANDOM.choices(ranges, k=_RANDOM.randrange(1, 5))) + "}" for _ in range(40)]
    return [*drawn, "{}", " { } ", "{empty}", "{ empty , (,) }"]


def _hardware_addresses(size: int) -> list[str]:
    drawn = [
        bytes(_RANDOM.choice((0, 255, _RANDOM.randrange(256))) for _ in range(size)).hex() for _ in range(60)
    ]
    texts = [":".join(h[i : i + 2] for i in range(0, 2 * size, 2)) for h in drawn]
    forms = [
        "08:00:2b:01:02:03", "08-00-2b-01-02-03", "08002b:010203", "08002b-010203", "0800.2b01.0203", "0800-2b01-0203", "08002b010203",
        "08:00:2B:01:02:03", "  08:00:2b:01:02:03  ",
    ]  # fmt: skip
    loose = ["8:0:2b:1:2:3", "+8:0x1:2:3:4:5", "08: 00: 2b:01:02:03", "000008:00:2b:01:02:03"]
    longer = [
        "08:00:2b:ff:fe:01:02:03",
        "08002b:fffe010203",
        "08002bfffe:010203",
        "0800.2bff.fe01.0203",
        "08002bfffe010203",
        "08:00:2b:01:02:034",
    ]
    return [*texts, *forms, *(loose if size == 6 else longer)]


_LEXEMES = ("a", "b", "cat", "'x y'", "Joe''s", "é", "'it''s'", "\\\\", "1.5", "longer-one", "中文", "a\\ b")


def _vectors_of_lexemes() -> list[str]:
    drawn = []
    for _ in range(150):
        words = [
            word
            + (
                ":"
                + ",".join(
                    f"{_RANDOM.choice((1, 2, 3, 7, 300, 16383, 20000))}{_RANDOM.choice('ABCDabcd*')}"
                    for _ in range(n)
                )
                if n
                else ""
            )
            for word in _RANDOM.sample(_LEXEMES, _RANDOM.randrange(1, 5))
            for n in (_RANDOM.randrange(4),)
        ]
        drawn.append(" ".join(words))
    return [*drawn, "", "a", "a:1", "b:1", "a:1A", "a:2", "a:1,2", "a a:1 a:1B", ":x:1", "x" * 2046]


def _search_queries() -> list[str]:
    """A lexeme has the same modifiers everywhere: queries that differ in them alone are equal, and either stands for both."""
    endings = dict(zip(_LEXEMES, ("", "", ":*", ":ab", ":*D") * 3))

    def query(depth: int) -> str:
        if not depth or _RANDOM.random() < 0.4:
            word = _RANDOM.choice(_LEXEMES)
            return word + endings[word]
        if _RANDOM.random() < 0.25:
            return f"!({query(depth - 1)})"
        sign = _RANDOM.choice(("&", "|", "<->", "<7>", "<0>", "<16384>"))
        return f"({query(depth - 1)}) {sign} {query(depth - 1)}"

    fixed = ["", "a", "z:AC*", "!a", "!!a", "a & e", "e & a", "a<->e<->f", "a<->(e<->f)"]
    return [*(query(3) for _ in range(150)), *fixed]


def _vectors(limit: float) -> list[str]:
    drawn = [
        "["
        + ",".join(repr(round(_RANDOM.gauss(0, 1) * 10 ** _RANDOM.randrange(-6, 4), 7)) for _ in range(d))
        + "]"
        for d in [1, 2, 3, 3, 3, 8, 100] * 12
    ]
    return [
        *drawn,
        "[1,2,3]", " [ 1 , 2 ] ", "[0]", "[-0]", f"[1e-5,1e-4,{min(limit,999999)},65504]", f"[{limit}]", "[1e-46]", "[0x1F,+1,1e4]",
        "[.5,5.]", "[1, 2, 3]", "[5.96e-8,6.1e-5,0.1]",
    ]  # fmt: skip


def _bits() -> list[str]:
    drawn = ["".join(_RANDOM.choices("01", k=_RANDOM.randrange(0, 70))) for _ in range(80)]
    return [*drawn, "b101", "xFf0", "", "B1", "X0"]


def _jsons() -> list[str]:
    return [
        "1", "-0", "1.50", "1e2", "1E-3", '"a"', "null", "true", "[]", "{}", "[1, 2,3]", '{"b":1,"a":2,"aa":3}',
        '{"a":1,"a":2}', ' { "x" : [ 1 , { "y" : null } ] } ', '"\\u00e9\\n\\t\\"\\\\\\/"', '"\\ud83d\\ude00"',
        '"\\u0001\x7f"', "123456789012345678901234567890.10", '{"ä":1,"z":2,"":3}', '[[[[1]]], "x"]', "0.00", "12.0e1",
        '{"k":{"b":1,"a":[true,false]}}', "\n\t[1]\r", "[" * 30 + "]" * 30,
    ]  # fmt: skip


def _intervals() -> list[str]:
    return [
        "1 day", "1 year 2 mons 3 days 04:05:06", "-1 day", "1 mon -1 day", "-1 mon 1 day 00:00:01", "@ 1 min ago", "0",
        "1.5 days", "2 weeks", "1.5 months", "1:02:03.5", "-1:02:03", "P1Y2M3DT4H5M6S", "PT1.5S", "1-2", "3 4:05:06", "1 decade",
        "1 century", "5 seconds", "1 hour 30 minutes", "1.123456 sec", "100 ms", "1 us", "1 year -1 mon", "-1 year", "00:00:00",
        "P1W", "1 y 2 mon 3 d 4 h 5 m 6 s", "1.5 years", "24:00:00", "1.5us", "2.5 us", "-1.5us", "1.0000005 s", "100:00:00", "1 millennium", "12 mons", "14 mons",
    ]  # fmt: skip


def _sparse_vectors() -> list[str]:
    drawn = []
    for _ in range(60):
        dimensions = _RANDOM.randrange(1, 200)
        indexes = _RANDOM.sample(range(1, dimensions + 1), _RANDOM.randrange(dimensions + 1))
        elements = ",".join(f"{index}:{_RANDOM.gauss(0, 1):.{_RANDOM.randrange(9)}g}" for index in indexes)
        drawn.append(f"{{{elements}}}/{dimensions}")
    return [
        *drawn, "{}/1", "{}/1000000000", "{1000000000:3.4e38}/1000000000", "{1:1}/5", "{3:1,1:2}/5", "{6:0}/5", "{0:0,-7:0}/5",
        " { 1 : 1 , 2\t: -2 } / 5 ", "{1:0x10}/+5", "{1:1e-45,2:-0,3:.5,4:5.}/4", "{+1:+1}/3", "{1:1}/ 7\n", "{007:1}/007",
    ]  # fmt: skip


VALID: dict[str, list[str]] = {
    "boolean": ["t", "f", "true", "FALSE", "yes", "no", "on", "off", "of", "1", "0", " tru ", "y", "N"],
    "smallint": _integers(16),
    "integer": _integers(32),
    "bigint": _integers(64),
    "real": _floats("!f"),
    "double precision": _floats("!d"),
    "numeric": _numerics(),
    "text": _texts(),
    "character varying": _texts(),
    "name": [t for t in _texts() if len(t) < 1000] + ["n" * 100, "ä" * 40],
    '"char"': ["a", "", "abc", "\\101", "\\377", "ä"],
    "bytea": _byteas(),
    "date": _dates(),
    "time": _times(),
    "timestamp": _timestamps(),
    "timestamptz": _timestamps(),
    "interval": _intervals(),
    "timetz": _zoned_times(),
    "inet": _addresses(with_host=True),
    "cidr": _addresses(with_host=False),
    "money": _amounts(),
    "macaddr": _hardware_addresses(6),
    **{f"{name}range": _ranges(name) for name in _BOUNDS},
    **{f"{name}multirange": _multiranges(name) for name in _BOUNDS},
    "int4range[]": ['{"[1,5)",NULL,empty}', "{}"],
    "macaddr8": _hardware_addresses(8),
    "tsvector": _vectors_of_lexemes(),
    "tsquery": _search_queries(),
    "uuid": _uuids(),
    "json": _jsons(),
    "jsonb": _jsons(),
    "bit varying": _bits(),
    "oid": ["0", "1", "4294967295", "-1", " 7 ", "16385"],
    "xid": ["0", "1", "4294967295"],
    "tid": ["(0,1)", "(4294967295,65535)", " ( 1, 2)"],
    "int2vector": ["", "1 2 3", "-1"],
    "oidvector": ["", "1 2 4294967295"],
    "vector": _vectors(3.4e38),
    "halfvec": _vectors(65504),
    "sparsevec": _sparse_vectors(),
    "integer[]": ["{}", "{1}", "{1,NULL,3}", " { 1 , null , 2 } ", "{-5}"],
    "text[]": [
        "{}", "{a,b}", '{"a b",NULL,"NULL",""}', '{"a\\"b","c\\\\d"}', "{a\\,b}", '{"{}"}', "{ a b , c }", '{"\n","\t"}', "{ä,€}",
        "{nULL}", "{\\n}", '{"null"}',
    ],
    "double precision[]": ["{1,2.5,1e-5,NaN,NULL}"],
    "numeric[]": ["{1.50,NULL,NaN}"],
    "timestamptz[]": ["{2024-01-05 10:00:00+02,NULL}"],
    "boolean[]": ["{t,f,NULL}"],
    "bytea[]": ['{"\\\\x0102",NULL}'],
    "jsonb[]": ['{"{\\"b\\":1,\\"a\\":2}",NULL}'],
    "uuid[]": ["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"],
    "vector[]": ['{"[1,2]","[3]",NULL}'],
    "halfvec[]": ['{"[1,2]","[3]",NULL}'],
    "sparsevec[]": ['{"{1:1,2:2}/2","{}/3",NULL}'],
    "date[]": ["{2024-01-05,infinity}"],
}  # fmt: skip
"""Type as SQL spells it -> texts PostgreSQL accepts."""

INVALID: dict[str, list[str]] = {
    "boolean": ["", "o", "2", "tr ue", "maybe"],
    "smallint": ["", "abc", "32768", "-32769", "1.5", "1_", "0x", "--1", "1 2", "99999999999999999999"],
    "integer": ["", "abc", "99999999999", " ", "0xFFFFFFFF", "1e5", "٣"],
    "bigint": ["9223372036854775808", "x"],
    "real": ["", "abc", "1e400", "1e-400", "1e39", "1.5x", "--1", " "],
    "double precision": ["", "abc", "1e400", "-1e400", "1e-400", "1e", "1_0", "1e999x"],
    "numeric": ["", "abc", "1e131072", "1..2", "1e", "--1", "1e-16384", "1e99999999999", " - 1"],
    "bytea": ["\\", "\\x1", "\\xzz", "\\400", "\\x1 2"],
    "date": ["", "abc", "2024-13-01", "2024-02-30", "0000-01-01", "2024-01", "5874898-01-01", "4714-11-23 BC", "13/13/2024", "2023-02-29", "99-01-08", "1-2", "99-Jan-08", "99 Jan 5", "29-24-Jan", "2024-01-05-08", "20241305", "2024-01-05 25:00:00", "Jan", "5 Jan", "2024-01-05 BC BC x"],
    "time": ["", "25:00:00", "abc", "24:00:01", "10:60:00", "10", "13:00 PM", "10:00:61", "10:00 foo"],
    "timetz": ["", "25:00:00+00", "abc", "24:00:01+00", "10:60:00", "04:05:06 America/New_York", "10:00:00+16", "10:00 foo", "10:00:00+02:60", "10:00+-2"],
    "timestamp": ["", "2024-01-05 25:00:00", "abc", "294277-01-01", "2024-01-05 10:00:00 foo", "2024-01-05 10:00:00 Foo/Bar", "10:00 2024-01-05", "10:00 1999/01/31 AD"],
    "timestamptz": ["2024-01-05 10:00:00+16", "2024-01-05 10:00:00+02:60", "x", "2024-13-05 10:00:00+02"],
    "interval": ["", "abc", "1 foo", "P", "1 day 2 3", "999999999999 years", "1:60:00", "1 us 2 us", "1 s 00:00:01", "1 day 2 day", "1.5 s 2 us", "1-13", "day", "ago", "P1H"],
    "inet": [
        "", "10", "10.1.2", "256.1.1.1", "1.2.3.4.5", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/x", "a.b.c.d", " 1.2.3.4", "1.2.3.4 ", "10/24", "0x0a01", ":", ":::",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::/129", "::/064", "::1.2.3.", "::1.2.3.256", "::01.2.3.4", "1:2:3:4:5:6:7::8", "1:", ":1", "::g",
        "::1.2.3.4:5", "1..2.3/8", "-1.2.3.4",
    ],
    "cidr": ["", "10.1.2.3/8", "10.", "2001:db8::5/64", "0x", "0x0a01020304", "1.2.3.4.5", "256", "10/33", "192.168.1.1/24", "1:2::/200", "0xg"],
    "money": ["abc", "1.2.3", "$$$1", "--1", "1 2", "92233720368547758.08", "-92233720368547758.09", "1e5", "99999999999999999999", "1x", "(1)x"],
    "int4range": [
        "", "[", "[1", "[1,", "[1,2", "1,2)", "[1 2)", "[1)", "(1,2,3)", "[1,2)x", "emptyx", "empty x", "[5,1)", "[a,2)", "[1,a)", "[ ,2)",
        '["1,2)', "[\\", "[1,2\\)", '["1""",2)', "[1,2147483647]", "(2147483647,)", "[1,2147483648)", "{[1,2)}",
    ],
    "daterange": ["[2024-01-05,2024-01-01]", "(,5874897-12-31]", "[2024-13-01,)", "[2024-01-01,x)"],
    "numrange": ["[2,1)", "[NaN,1)", "[1,x]", "(1,,2)"],
    "int4multirange": [
        "", "{", "[1,2)", "{1,2}", "{[1,2)", "{[1,2),", "{[1,2),}", "{,[1,2)}", "{[1,2) [3,4)}", "{}x", "{[1,2)}x", "{emptyx}", "{emp",
        "{[5,1)}", "{[a,1)}", "{[1,2]]}", "{(1,2,3)}", '{["1,2)}', "{[\\", "{[1,2147483647]}",
    ],
    "macaddr": ["", "08:00:2b:01:02", "08:00:2b:01:02:03:04", "08:00:2b:01:02:zz", "08:00:2b:01:02:100", "08002b0102", "08002b0102034", "08:00-2b:01:02:03", "08:00:2b:01:02:-3"],
    "macaddr8": ["", "08:00:2b:01:02", "08:00:2b:01:02:03:04", "08:00:2b:01:02:zz:aa:bb", "08:00-2b:01:02:03", "08:00:2b:01:02:03 x", "08:00:2b:01:02:03:04:05:06", "0 8002b010203"],
    "tsvector": ["a:", "a:0", "a:x", "a:1x", "'a", "''", "a:1:2", "a:1,", "a:1AB", "a \\", "x" * 2047, "a:16384,0"],
    "tsquery": ["a b", "a &", "& a", "(a", "a)", "!", "()", "a <99999> b", "a <-1> b", ":a", "a <-> ", "a <", "'a", "x" * 2047, "a & & b"],
    "uuid": ["", "abc", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999-c0b-4ef8-bb6d-6bb9bd380a11"],
    "json": ["", "{", "[1,]", '{"a"}', '{"a":}', "01", "tru", "1 2", '"abc', '"\\x"', '"\\u12"', "{'a':1}", "[1 2]", '{"a":1,}', "-", '"\t"', "NaN", "nul l", '{"a":1 "b"}', '{1:2}', "]", "[}", "[,", "1-2", "-2.5e3.5", "\n\n"],
    "jsonb": ["", '"\\u0000"', '"\\ud800"', '"\\udc00"', '"\\ud800x"', "{", '{"a":1,}', "[1,\n2,\nx]", '"\\ud83d\\ud83d"', "Infinity", '"\\ud800""a"'],
    "bit varying": ["2", "b12", "xg", "0 1"],
    "oid": ["", "abc", "99999999999", "-2147483649", "1 2"],
    "vector": ["1", "[]", "[1,]", "[1,2]x", "[1 2]", "[1,2", "[1,,2]", "[", "[nan]", "[inf]", "[1e400]", "[1,1e39]", "[a]", "", "[1e]", "[1,2]]", "[[1]]", "{1}"],
    "halfvec": ["1", "[]", "[65520]", "[70000]", "[-1e400]", "[NaN]", "[Infinity]", "[1,]", "[1,2]x"],
    "sparsevec": [
        "", "1", "[1]", "{", "{}", "{}/", "{}/0", "{}/-3", "{}/1000000001", "{}/99999999999999999999", "{}/x", "{}/5x", "{}/5 6",
        "{1}/5", "{1:}/5", "{:1}/5", "{1 1}/5", "{1:1,}/5", "{,1:1}/5", "{1:1;2:2}/5", "{1:1", "{1:1}5", "{1:1}}/5", "{a:1}/5", "{1:a}/5",
        "{1.5:1}/5", "{0:1}/5", "{-1:1}/5", "{6:1}/5", "{99999999999999999999:1}/5", "{-99999999999999999999:1}/5", "{1:1,1:2}/5",
        "{2:1,1:1,2:2}/5", "{1:NaN}/5", "{1:inf}/5", "{1:-Infinity}/5", "{1:1e39}/5", "{1:1e-50}/5", "{1:1e999}/5",
    ],
    "integer[]": ["", "{1,a}", "{1,2", "1,2", "{1,,2}", "{1,2}x", "{,}", "{1}}", '{"1}', "{1,}", "{99999999999}", "{1 2}"],
    "text[]": ['{"a"b}', '{a"b"}', "{a,b", "{a,}", '{"a', "{\\", "{a}b", '{"a""b"}', "{a{b}}", '{"b"\\\\"}'],
    "tid": ["", "(1)", "(1,99999)", "1,2"],
    "uuid[]": ["{abc}"],
}  # fmt: skip
"""Type -> texts PostgreSQL refuses."""

_PIECES: dict[str, tuple[str, ...]] = {
    "integer": ("0", "0", "1", "9", "-", "+", "x", "_", " ", "b"),
    "numeric": ("0", "0", "1", "9", "-", ".", "+", "e", "_", " ", "N"),
    "double precision": ("0", "0", "1", "9", "-", ".", "+", "e", "E", " ", "e300", "e-320"),
    "vector": ("[", "]", "1", "-2.5", ",", " ", "nan", "1e39", "e5", "0x1F"),
    "sparsevec": ("{", "{", "1:1", ",", "2:-.5", "}/", "}/5", "5", "}", "/", " ", "1:1e-60", "3:nan", "9:0"),
    "bytea": ("\\", "\\x", "41", "\\101", " ", "z", "\\\\", "4"),
    "json": ("{", "}", "[", "]", '"a"', '"b"', ":", ",", "1", "-2.5e3", "true", "null", " ", "\n", '"\\u00e9"', "01", ".5"),
    "jsonb": ("{", "}", "[", "]", '"a"', '"b"', ":", ",", "1", "-2.5e3", "true", "null", " ", "\n", '"\\ud800"', "01", ".5"),
    "inet": ("1", "10", "255", ".", ".", ":", "::", "/", "/8", "0", "f", "ab", " ", "1.2.3.4", "0x"),
    "cidr": ("1", "10", "192", ".", ".", ":", "::", "/", "/8", "/32", "0", "f", "x", "1.2.0.0", "0x"),
    "money": ("$", "1", "23", ",", ".", "-", "+", "(", ")", " ", "5", "99999999999999999", "x"),
    "int4range": ("[", "(", "1", "5", ",", ",", ")", "]", '"', "\\", " ", "empty", "-3", "[1,2)"),
    "nummultirange": ("{", "}", ",", "[1,2.0)", "(3.50,]", "empty", " ", "[5,", "7]", '"8"', "\\9", "x"),
    "macaddr": ("08", "0", "ff", ":", ":", "-", ".", "0800", "2b", "08002b", " ", "x", "+", "08:00:2b:01:02:03"),
    "macaddr8": ("08", "0", "ff", ":", ":", "-", ".", "0800", "2b", "08002b", " ", "x", "08:00:2b:01:02:03"),
    "interval": ("1 day ", "-1 mon ", "1.5 us ", "2 hours ", "01:02:03 ", "ago ", "1 ", "-5 s ", "+1 year ", "1.5 weeks ", "x "),
    "date": ("2024", "1999", "-", "-", "/", " ", "02", "5", "31", " BC", "12"),
    "time": ("10", ":", ":", "59", ".5", " ", "PM", "am", "00", "24", "+02"),
}  # fmt: skip
"""Type -> pieces that random texts are put together from."""


def random_texts(spelled: str, count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(_PIECES[spelled], k=rng.randrange(1, 9))) for _ in range(count)]


FUZZED = tuple(_PIECES)
