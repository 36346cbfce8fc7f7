"""The states of PostgreSQL's default parser and what leads from one to another.

The rules are those of postgres/postgres:src/backend/tsearch/wparser_def.c, one line a state, tried from the left:

    test >State      take the character, go on in State (`>` alone: in the same one)
    test ^State      try State; where it gives up, the next rule of this state is tried
    test <           give up: back to where ^ was
    test -State      take the character, and forget the last ^
    test !State      go on in State with the same character
    test =token      a token ends before the character, the next one starts in Base
    test *...        as the sign that follows, and forget every ^
A test is a character between apostrophes or a name of `characters.CLASSES` or of `parser.Parser`; `eof` is the end of the text.
`=token:State` starts the next token in State, `@name` calls a special action.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from planner.text_search.token_types import TokenType

_RULES = {
    "Base": "eof > | '<' ^TagFirst | ignore >Space | asclet >AsciiWord | alpha >Word | digit >UnsignedInt"
    " | '-' ^SignedIntFirst | '+' ^SignedIntFirst | '&' ^EntityFirst | '~' ^FileTwiddle | '/' ^FileFirst | '.' ^PathFirstFirst | any >Space",
    "NumWord": "eof =numword | alnum > | special > | '@' ^Email | '/' ^FileFirst | '.' ^FileNext | '-' ^HyphenNumWordFirst | any =numword",
    "AsciiWord": "eof =asciiword | asclet > | '.' ^HostFirstDomain | '.' ^FileNext | '-' ^HostFirstAN | '-' ^HyphenAsciiWordFirst"
    " | '_' ^HostFirstAN | '@' ^Email | ':' ^ProtocolFirst | '/' ^FileFirst | digit ^Host | digit >NumWord | alpha >Word | special >Word"
    " | any =asciiword",
    "Word": "eof =word | alpha > | special > | digit >NumWord | '-' ^HyphenWordFirst | any =word",
    "UnsignedInt": "eof =uint | digit > | '.' ^HostFirstDomain | '.' ^UDecimalFirst | 'e' ^MantissaFirst | 'E' ^MantissaFirst"
    " | '-' ^HostFirstAN | '_' ^HostFirstAN | '@' ^Email | asclet ^Host | alpha >NumWord | special >NumWord | '/' ^FileFirst | any =uint",
    "SignedIntFirst": "eof < | digit -SignedInt | any <",
    "SignedInt": "eof =int | digit > | '.' ^DecimalFirst | 'e' ^MantissaFirst | 'E' ^MantissaFirst | any =int",
    "Space": "eof =blank | '<' =blank | ignore > | '-' =blank | '+' =blank | '&' =blank | '/' =blank | notalnum > | any =blank",
    "UDecimalFirst": "eof < | digit -UDecimal | any <",
    "UDecimal": "eof =float | digit > | '.' ^VersionFirst | 'e' ^MantissaFirst | 'E' ^MantissaFirst | any =float",
    "DecimalFirst": "eof < | digit -Decimal | any <",
    "Decimal": "eof =float | digit > | '.' ^VerVersion | 'e' ^MantissaFirst | 'E' ^MantissaFirst | any =float",
    "VerVersion": "eof < | digit !SVerVersion@restart | any <",
    "SVerVersion": "eof < | digit *=blank:UnsignedInt | any >",
    "VersionFirst": "eof < | digit -Version | any <",
    "Version": "eof =version | digit > | '.' ^VersionFirst | any =version",
    "MantissaFirst": "eof < | digit -Mantissa | '+' >MantissaSign | '-' >MantissaSign | any <",
    "MantissaSign": "eof < | digit -Mantissa | any <",
    "Mantissa": "eof =sfloat | digit > | any =sfloat",
    "EntityFirst": "eof < | '#' >EntityNumFirst | asclet >Entity | ':' >Entity | '_' >Entity | any <",
    "Entity": "eof < | alnum > | ':' > | '_' > | '.' > | '-' > | ';' >EntityEnd | any <",
    "EntityNumFirst": "eof < | 'x' >EntityHexNumFirst | 'X' >EntityHexNumFirst | digit >EntityNum | any <",
    "EntityHexNumFirst": "eof < | xdigit >EntityHexNum | any <",
    "EntityNum": "eof < | digit > | ';' >EntityEnd | any <",
    "EntityHexNum": "eof < | xdigit > | ';' >EntityEnd | any <",
    "EntityEnd": "any -=entity",
    "TagFirst": "eof < | '/' ^TagCloseFirst | '!' ^CommentFirst | '?' ^XMLBegin | asclet ^TagName | ':' ^TagName | '_' ^TagName | any <",
    "XMLBegin": "eof < | 'x' >Tag | any <",
    "TagCloseFirst": "eof < | asclet >TagName | any <",
    "TagName": "eof < | '/' >TagBeginEnd | '>' >TagEnd@tags | space >Tag@tags | alnum > | ':' > | '_' > | '.' > | '-' > | any <",
    "TagBeginEnd": "eof < | '>' >TagEnd | any <",
    "Tag": "eof < | '>' >TagEnd@tags | ''' >TagEscapeK | '\"' >TagEscapeKK | asclet > | digit > | '=' > | '-' > | '_' > | '#' > | '/' > | ':' > | '.' >"
    " | '&' > | '?' > | '%' > | '~' > | space >@tags | any <",
    "TagEscapeK": "eof < | '\\' ^TagBackslashed | ''' >Tag | any >",
    "TagEscapeKK": "eof < | '\\' ^TagBackslashed | '\"' >Tag | any >",
    "TagBackslashed": "eof < | any +",
    "TagEnd": "any *=tag",
    "CommentFirst": "eof < | '-' >CommentLast | 'D' >Tag | 'd' >Tag | any <",
    "CommentLast": "eof < | '-' >Comment | any <",
    "Comment": "eof < | '-' >CloseCommentFirst | any >",
    "CloseCommentFirst": "eof < | '-' >CloseCommentLast | any >Comment",
    "CloseCommentLast": "eof < | '-' > | '>' >CommentEnd | any >Comment",
    "CommentEnd": "any *=tag",
    "HostFirstDomain": "eof < | asclet >HostDomainSecond | digit >Host | any <",
    "HostDomainSecond": "eof < | asclet >HostDomain | digit ^Host | '-' ^HostFirstAN | '_' ^HostFirstAN | '.' ^HostFirstDomain | '@' ^Email | any <",
    "HostDomain": "eof *=host | asclet > | digit ^Host | ':' ^PortFirst | '-' ^HostFirstAN | '_' ^HostFirstAN | '.' ^HostFirstDomain | '@' ^Email"
    " | digit < | stophost *=host:URLPathStart | '/' ^FURL | any *=host",
    "PortFirst": "eof < | digit >Port | any <",
    "Port": "eof *=host | digit > | stophost *=host:URLPathStart | '/' ^FURL | any *=host",
    "HostFirstAN": "eof < | digit >Host | asclet >Host | any <",
    "Host": "eof < | digit > | asclet > | '@' ^Email | '.' ^HostFirstDomain | '-' ^HostFirstAN | '_' ^HostFirstAN | any <",
    "Email": "stophost < | host *=email | any <",
    "FileFirst": "eof < | asclet >File | digit >File | '.' >PathFirst | '_' >File | '~' ^FileTwiddle | any <",
    "FileTwiddle": "eof < | asclet >File | digit >File | '_' >File | '/' >FileFirst | any <",
    "PathFirst": "eof < | asclet >File | digit >File | '_' >File | '.' >PathSecond | '/' >FileFirst | any <",
    "PathFirstFirst": "eof < | '.' >PathSecond | '/' >FileFirst | any <",
    "PathSecond": "eof -=file | '/' ^FileFirst | '/' -=file | space -=file | any <",
    "File": "eof =file | asclet > | digit > | '.' ^FileNext | '_' > | '-' > | '/' ^FileFirst | any =file",
    "FileNext": "eof < | asclet -File | digit -File | '_' -File | any <",
    "URLPathFirst": "eof < | urlchar >URLPath | any <",
    "URLPathStart": "any >URLPath",
    "URLPath": "eof =url_path | urlchar > | any =url_path",
    "FURL": "eof < | urlpath *=url@url | any <",
    "ProtocolFirst": "eof < | '/' >ProtocolSecond | any <",
    "ProtocolSecond": "eof < | '/' >ProtocolEnd | any <",
    "ProtocolEnd": "any *=protocol",
    "HyphenAsciiWordFirst": "eof < | asclet >HyphenAsciiWord | alpha >HyphenWord | digit >HyphenDigitLookahead | any <",
    "HyphenAsciiWord": "eof *=asciihword:ParseHyphen@back | asclet > | alpha >HyphenWord | special >HyphenWord | digit >HyphenNumWord"
    " | '-' ^HyphenAsciiWordFirst | any *=asciihword:ParseHyphen@back",
    "HyphenWordFirst": "eof < | alpha >HyphenWord | digit >HyphenDigitLookahead | any <",
    "HyphenWord": "eof *=hword:ParseHyphen@back | alpha > | special > | digit >HyphenNumWord | '-' ^HyphenWordFirst | any *=hword:ParseHyphen@back",
    "HyphenNumWordFirst": "eof < | alpha >HyphenNumWord | digit >HyphenDigitLookahead | any <",
    "HyphenNumWord": "eof *=numhword:ParseHyphen@back | alnum > | special > | '-' ^HyphenNumWordFirst | any *=numhword:ParseHyphen@back",
    "HyphenDigitLookahead": "eof < | digit > | alpha >HyphenNumWord | special >HyphenNumWord | any <",
    "ParseHyphen": "eof !Base | asclet >HyphenAsciiWordPart | alpha >HyphenWordPart | digit ^HyphenUnsignedInt | '-' ^ParseHyphenHyphen | any !Base",
    "ParseHyphenHyphen": "eof < | alnum -=blank:ParseHyphen | special -=blank:ParseHyphen | any <",
    "HyphenWordPart": "eof =hword_part | alpha > | special > | digit >HyphenNumWordPart | any =hword_part:ParseHyphen",
    "HyphenAsciiWordPart": "eof =hword_asciipart | asclet > | alpha >HyphenWordPart | special >HyphenWordPart | digit >HyphenNumWordPart"
    " | any =hword_asciipart:ParseHyphen",
    "HyphenNumWordPart": "eof =hword_numpart | alnum > | special > | any =hword_numpart:ParseHyphen",
    "HyphenUnsignedInt": "eof < | digit > | alpha -HyphenNumWordPart | special -HyphenNumWordPart | any <",
}

_RULE = re.compile(
    r"(?P<test>'.'|\w+) (?P<all>\*?)(?P<signs>[>^<!+]|-=?|=)(?P<token>(?<==)\w+)?(?P<to>:?\w+)?(?:@(?P<special>\w+))?"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One transition; `token` is what ends, `sign` one of > ^ < - ! + or "" for a token."""

    test: str
    sign: str
    forgets_all: bool
    token: TokenType | None
    to: str | None
    special: str | None


def _rule(text: str, state: str) -> Rule:
    match = _RULE.fullmatch(text)
    assert match is not None, text
    token = TokenType[match["token"].upper()] if match["token"] else None
    to = (match["to"] or "").removeprefix(":") or ("Base" if token else None)
    assert to is None or to in _RULES, text
    return Rule(match["test"], match["signs"].rstrip("="), bool(match["all"]), token, to, match["special"])


STATES: dict[str, tuple[Rule, ...]] = {
    state: tuple(_rule(text, state) for text in rules.split(" | ")) for state, rules in _RULES.items()
}
