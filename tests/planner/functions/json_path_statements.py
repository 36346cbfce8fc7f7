"""Random paths, documents and variables for tests of jsonpath, adversarial on purpose.

`random_path` follows the grammar, `damaged_path` breaks a path or strings tokens together, `random_datetime` is a text and a
template that may fit.
"""

from __future__ import annotations

from random import Random

DOCUMENTS = (
    "null", "true", "1", "1.0", "100", "1e2", '"a"', "[]", "{}", "[[]]", "[1,2,3]", "[[[[[[1]]]]]]",
    '[1,"a",null,true,[2,[3]],{"a":1}]', '{"a":1,"b":[1,2.50,"x"],"c":{"a":{"a":[{"a":5}]}}}',
    '[{"a":1},{"a":2,"b":"abc"},{"b":null}]', '{"é":"ü","a b":1,"":2,"a":{"é":[1]}}',
    "[0.1,-1.5,2.49,-0.0,12345678901234567890.123,1e-10,1e70,1e-70]",
    '{"a":[[1,2],[3,[4]]],"b":"ab\\ncd","d":"2017-03-10","ts":"2017-03-10 01:02:03","tz":"2017-03-10T01:02:03.5+02:30"}',
    '["abc","ABC","a\\nb","","xabc",5,"1.50"," 1e3 "]', '{"k":{"k":{"k":{"k":null}}},"l":[null,false]}',
    '["2017-03-10","2017-03-11","12:00:00","12:00:00+01","13:00:00+02","2017-03-10 00:00:00","2017-03-10 00:00:00+01"]',
    '{"ab":1.5,"c":{"x":10000,"y":{"z":[{"w":{"v":true}},"éé"]}},"d":12345678.9012,"zero":0.000}',
)  # fmt: skip
VARIABLES = ("{}", '{"v":1,"w":[1,2],"s":"a"}', '{"v":{"a":[{"b":1}]},"w":"abc"}')

_KEYS = ("a", "b", "c", "k", '"é"', '"a b"', '""', "zz", "d", "ts")
_LITERALS = (
    "1", "2", "1.0", "0", '"a"', '"abc"', "null", "true", "false", "2.50", "-1", "3", "$v", "$w", "$s", "1e2"
)  # fmt: skip
_SUBSCRIPTS = (
    "[0]", "[last]", "[0 to 1]", "[1 to last]", "[last - 1]", "[0,0]", "[$v]", '["a"]', "[0.9]", "[-1]", "[5]",
    "[2 to 1]", "[0 to 1, 4]", "[last + 0.5]", "[1e10]",
)  # fmt: skip
_DEPTHS = (
    ".**", ".**{1}", ".**{last}", ".**{1 to 2}", ".**{0 to last}", ".**{2 to last}", ".**{last to 1}", ".**{0}"
)  # fmt: skip
_METHODS = ("type", "size", "abs", "floor", "ceiling", "double", "keyvalue", "datetime")
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_REGEXES = (
    '"^a"', '"^AB" flag "i"', '"b$"', '"a.b"', '"a.b" flag "s"', '"^b" flag "m"', '"." flag "q"', '"[^x]b"'
)  # fmt: skip
_TOKEN_TEXT = (
    '$ @ last . .a ."b" .* .** .**{1} .**{0 to .**{last} [ ] [0] [*] [1 to [last] ( ) ? ?( ?(@ ?(@.a == + - * / % && ||'
    ' ! != <> < > <= >= is unknown starts with like_regex flag "i" "a" "(b" exists exists( true false null TRUE Is'
    ' strict lax 1 1.5 .5 1. 1e3 1e 0x1f 1_0 1__0 00 1a "\\u00e9" "\\u{1F600}" "\\ud83d\\ude00" "\\ud83d" "\\x41" "\\x4"'
    ' \\u0041b \\ $v $"v .type() .size() .double() .abs() .keyvalue() .datetime() .abs .type( to , { } /**/ é a "q = : #'
    " ; | & .type().a (1) ($ == 1) ($) !($.a == 1) exists($.a) @.x"
)
_TOKENS = tuple(_TOKEN_TEXT.split(" "))


_TEMPLATES = (
    "YYYY-MM-DD", "DD.MM.YYYY", "HH24:MI:SS", "YYYY-MM-DD HH24:MI:SS", "HH24:MI:SS.US", "HH24:MI:SS.FF2", "HH12:MI AM",
    "YYYYMMDD", "YYYYMMDDHH24MISS", "DD Mon YYYY", "YYYY-DDD", "HH24:MI TZH:TZM", 'YYYY-MM-DD"T"HH24:MI:SS.USTZH', "MM-DD",
    "YY-MM-DD", "SSSSS", "TZH", "YYYY-MM-DD HH24:MI:SS TZH",
)  # fmt: skip
_FIELD_TEXT = (
    "YYYY YYY YY Y MM DD DDD HH24 HH12 HH MI SS SSSSS MS US FF1 FF2 FF3 FF6 TZH TZM AM pm A.M. Mon Month MON day DY yyyy"
    " mm dd hh24 mi ss"
)
_FIELDS = tuple(_FIELD_TEXT.split(" "))
_BETWEEN = ("-", "-", ":", ".", "/", " ", " ", ",", '"T"', "", '"x\\"y"', "T", "_", ";")
_DATETIMES = (
    "2017-03-10", "2017-3-1", "10.03.2017", "12:34:56", "12:34:56.789", "2017-03-10 12:34:56", "20170310", "20170310123456",
    "2017-03-10T12:34:56.789+02", "10 Mar 2017", "2017-060", "2016-366", "2017-366", "12:30 PM", "0:30 am", "12:30 +05:30",
    "12:30 -05:30", "12:34:56 -03", "17-03-10", "70-01-01", "517-01-01", "03-10", "02-30", "43200", "+05", "", "  2017-03-10 ",
    "2017-02-30", "23:59:59.996", "2017-12-31 23:59:59.996", "-2017-03-10", "0000-03-10", "99999999999-01-01",
    "999999999-01-01", "2017-03-10 25:00:00", "2017-03-10 12:34:56 +16", "12:34:56.1234567", "1:2:3", "12:34:56.+01",
    "12:34:56+1:5", "2017- 3- 1", "a", "12:34:56 AM", "2017-03-10 12:34:56.5 ",
)  # fmt: skip


def random_datetime(random: Random) -> tuple[str, str]:
    """A text, sometimes damaged, and a template; without one for ''."""
    text = random.choice(_DATETIMES)
    if random.random() < 0.25:
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice("0 1-:+.x9") + text[at + random.choice((0, 1)) :]
    if random.random() < 0.25:
        return text, ""
    if random.random() < 0.6:
        return text, random.choice(_TEMPLATES)
    pieces = (random.choice(_FIELDS) + random.choice(_BETWEEN) for _ in range(random.randint(1, 5)))
    return text, "".join(pieces)


def random_path(random: Random) -> str:
    """A path of the grammar: a predicate or a value, lax or strict."""
    mode = random.choice(("", "", "strict "))
    return mode + (_predicate(random, 3, in_filter=False) if random.random() < 0.35 else _value(random, 3))


def damaged_path(random: Random) -> str:
    """A path with a token put in and characters cut out, or tokens without grammar."""
    if random.random() < 0.5:
        return random.choice(("", " ")).join(random.choices(_TOKENS, k=random.randint(1, 7)))
    path = random_path(random)
    start = random.randrange(len(path) + 1)
    return path[:start] + random.choice(_TOKENS) + path[start + random.choice((0, 0, 1, 2)) :]


def _accessor(random: Random, depth: int) -> str:
    kind = random.random()
    if kind < 0.35:
        return "." + random.choice(_KEYS)
    if kind < 0.5:
        return "[*]"
    if kind < 0.6:
        return random.choice(_SUBSCRIPTS)
    if kind < 0.65:
        return ".*"
    if kind < 0.75:
        return random.choice(_DEPTHS)
    if kind < 0.9:
        return f".{random.choice(_METHODS)}()"
    return f" ? ({_predicate(random, depth - 1, in_filter=True)})"


def _value(random: Random, depth: int, *, in_filter: bool = False) -> str:
    kind = random.random()
    places = ("@", "@", "@", "$") if in_filter else ("$",)
    if depth <= 0 or kind < 0.15:
        return random.choice((*places, *places, random.choice(_LITERALS)))
    if kind < 0.7:
        accessors = "".join(_accessor(random, depth - 1) for _ in range(random.randint(1, 3)))
        return random.choice(places) + accessors
    inner = _value(random, depth - 1, in_filter=in_filter)
    if kind < 0.8:
        return f"({inner} {random.choice('+-*/%')} {_value(random, depth - 1, in_filter=in_filter)})"
    if kind < 0.85:
        return random.choice("+-") + inner
    if kind < 0.9:
        predicate = _predicate(random, depth - 1, in_filter=in_filter)
        return f"({predicate})" + random.choice((".type()", ".size()", ".abs()", "[0]"))
    return f"({inner}){_accessor(random, depth - 1)}"


def _predicate(random: Random, depth: int, *, in_filter: bool) -> str:
    kind = random.random()
    value = _value(random, depth - 1, in_filter=in_filter)
    if depth <= 0 or kind < 0.55:
        other = random.choice((random.choice(_LITERALS), _value(random, depth - 1, in_filter=in_filter)))
        return f"{value} {random.choice(_COMPARISONS)} {other}"
    if kind < 0.78:
        inner = _predicate(random, depth - 1, in_filter=in_filter)
        if kind < 0.65:
            joined = _predicate(random, depth - 1, in_filter=in_filter)
            return f"{inner} {random.choice(('&&', '||'))} {joined}"
        return f"!({inner})" if kind < 0.7 else f"({inner}) is unknown"
    if kind < 0.86:
        return f"exists ({value})"
    if kind < 0.93:
        return f"{value} starts with {random.choice(('$s', '$w', chr(34) + 'a' + chr(34)))}"
    return f"{value} like_regex {random.choice(_REGEXES)}"
