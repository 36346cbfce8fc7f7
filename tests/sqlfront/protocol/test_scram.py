"""Goal: verifiers and the server's side of SCRAM-SHA-256 agree with the RFCs, PostgreSQL and RFC-conforming clients.

Method: RFC 7677's example exchange; a verifier made by PostgreSQL; SASLprep against RFC 4013's examples; a
small client written from RFC 5802 as oracle; every kind of malformed message.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from foundation.errors import QuiverError
from sqlfront.protocol.scram import (
    SCRAM_SHA_256,
    SCRAM_SHA_256_PLUS,
    ServerExchange,
    Verifier,
    is_password,
    is_verifier,
    make_verifier,
    mechanisms,
    mock_verifier,
    prepare_password,
)

# RFC 7677, section 3: user "user", password "pencil".
RFC_SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
RFC_SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
RFC_CLIENT_FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
RFC_SERVER_FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
RFC_CLIENT_FINAL = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
RFC_SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

BINDING = hashlib.sha256(b"a certificate").digest()


def client_final(
    password: str, first: bytes, server_first: bytes, *, binding: bytes = b"", nonce: str | None = None
) -> bytes:
    """RFC 5802, section 3, as a client computes it."""
    gs2, bare = first[: first.index(b",,") + 2], first[first.index(b",,") + 2 :]
    attributes = dict(part.split("=", 1) for part in server_first.decode().split(","))
    salted = hashlib.pbkdf2_hmac(
        "sha256", prepare_password(password), base64.b64decode(attributes["s"]), int(attributes["i"])
    )
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    without_proof = b"c=" + base64.b64encode(gs2 + binding) + b",r=" + (nonce or attributes["r"]).encode()
    signature = hmac.digest(stored_key, bare + b"," + server_first + b"," + without_proof, "sha256")
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    return without_proof + b",p=" + base64.b64encode(proof)


def test_rfc_7677_exchange() -> None:
    verifier = make_verifier("pencil", salt=RFC_SALT)
    exchange = ServerExchange(verifier, SCRAM_SHA_256, nonce=RFC_SERVER_NONCE)
    assert exchange.first(RFC_CLIENT_FIRST) == RFC_SERVER_FIRST
    assert exchange.final(RFC_CLIENT_FINAL) == RFC_SERVER_FINAL


def test_verifier_is_postgresqls() -> None:
    # pg_authid.rolpassword of PostgreSQL 16 after SET password_encryption = 'scram-sha-256'; CREATE ROLE r PASSWORD ...
    stored = (
        "SCRAM-SHA-256$4096:Ey0fRihGEdV+L0NAwJYi6w==$sOkc68f/3pwAYo4TYawXv1SyUhOTuqmLl6H+zQQna+Q="
        ":7YKhMJsjBNzZi5H1TA0okc/ga/Eba/1WmobxSBd0waU="
    )
    assert make_verifier("pencil ½ ﬁ", salt=base64.b64decode("Ey0fRihGEdV+L0NAwJYi6w==")) == stored
    assert Verifier.decode(stored).encode() == stored


@pytest.mark.parametrize(
    "password", ["secret", "", "½ ﬁ", "ü" * 1000, "a\u00adb", "\u0627\u0031", "\x07bell"]
)
def test_right_and_wrong_passwords(password: str) -> None:
    verifier = make_verifier(password, iterations=10)
    for tried, is_right in ((password, True), (password + "x", False)):
        assert is_password(tried, verifier) is is_right
        exchange = ServerExchange(verifier, SCRAM_SHA_256)
        first = b"n,,n=,r=abc"
        answer = exchange.final(client_final(tried, first, exchange.first(first)))
        assert (answer is not None) is is_right


@pytest.mark.parametrize(
    ("given", "prepared"),
    [
        ("I\u00adX", b"IX"),
        ("user", b"user"),
        ("USER", b"USER"),
        ("\u00aa", b"a"),
        ("\u2168", b"IX"),
        ("a\u00a0b", b"a b"),
        # Prohibited and bidirectional failures are used as they are.
        ("\u0007", b"\x07"),
        ("\u0627\u0031", "\u0627\u0031".encode()),
        ("\u0221", "\u0221".encode()),
    ],
)
def test_saslprep_examples_of_rfc_4013(given: str, prepared: bytes) -> None:
    assert prepare_password(given) == prepared


def test_salts_and_nonces_differ() -> None:
    assert make_verifier("a", iterations=1) != make_verifier("a", iterations=1)
    verifier = make_verifier("a", iterations=1)
    firsts = {ServerExchange(verifier, SCRAM_SHA_256).first(b"n,,n=,r=x") for _ in range(10)}
    assert len(firsts) == 10


def test_mock_verifier_is_stable_and_unusable() -> None:
    verifier = mock_verifier("nobody", b"server secret")
    assert verifier == mock_verifier("nobody", b"server secret")
    assert verifier != mock_verifier("nobody2", b"server secret")
    assert is_verifier(verifier)
    exchange = ServerExchange(verifier, SCRAM_SHA_256)
    first = b"n,,n=,r=abc"
    assert exchange.final(client_final("nobody", first, exchange.first(first))) is None


@pytest.mark.parametrize(
    "text",
    ["", "secret", "md5abc", "SCRAM-SHA-256$", "SCRAM-SHA-256$4096:c2FsdA==$YQ==:YQ==", "SCRAM-SHA-256$0:c2FsdA==$a:b",
     "SCRAM-SHA-256$x:c2FsdA==$" + "A" * 43 + "=:" + "A" * 43 + "=", "SCRAM-SHA-1$4096:c2FsdA==$" + "A" * 43 + "=:" + "A" * 43 + "="],
)  # fmt: skip
def test_other_texts_are_no_verifiers(text: str) -> None:
    assert not is_verifier(text)


def test_channel_binding() -> None:
    verifier = make_verifier("secret", iterations=10)
    first = b"p=tls-server-end-point,,n=,r=abc"
    exchange = ServerExchange(verifier, SCRAM_SHA_256_PLUS, channel_binding=BINDING)
    assert exchange.final(client_final("secret", first, exchange.first(first), binding=BINDING)) is not None
    exchange = ServerExchange(verifier, SCRAM_SHA_256_PLUS, channel_binding=BINDING)
    stolen = client_final("secret", first, exchange.first(first), binding=hashlib.sha256(b"other").digest())
    with pytest.raises(QuiverError, match="channel binding check failed") as caught:
        exchange.final(stolen)
    assert caught.value.sqlstate == "28000"


def test_mechanisms_offered() -> None:
    assert mechanisms(None) == ("SCRAM-SHA-256",)
    assert mechanisms(BINDING) == ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256")
    for mechanism in ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1", ""):
        with pytest.raises(QuiverError, match="invalid SASL authentication mechanism"):
            ServerExchange(make_verifier("a", iterations=1), mechanism)


@pytest.mark.parametrize(
    ("mechanism", "first", "sqlstate", "text"),
    [
        (SCRAM_SHA_256_PLUS, b"n,,n=,r=a", "08P01", "does not include channel binding data"),
        (SCRAM_SHA_256_PLUS, b"p=tls-unique,,n=,r=a", "08P01", 'channel-binding type "tls-unique"'),
        (SCRAM_SHA_256, b"p=tls-server-end-point,,n=,r=a", "08P01", "without channel binding"),
        (SCRAM_SHA_256, b"y,,n=,r=a", "28000", "negotiation error"),
        (SCRAM_SHA_256, b"x,,n=,r=a", "08P01", "Unexpected channel-binding flag"),
        (SCRAM_SHA_256, b"n,a=admin,n=,r=a", "0A000", "authorization identity"),
        (SCRAM_SHA_256, b"n,,m=x,n=,r=a", "0A000", "unsupported SCRAM extension"),
        (SCRAM_SHA_256, b"n,,n=,r=", "08P01", "nonce"),
        (SCRAM_SHA_256, b"n,,n=,r=a\tb", "08P01", "nonce"),
        (SCRAM_SHA_256, b"n,,r=a", "08P01", "Expected attributes"),
        (SCRAM_SHA_256, b"n", "08P01", "Comma expected"),
        (SCRAM_SHA_256, b"", "08P01", "Unexpected channel-binding flag"),
        (SCRAM_SHA_256, b"n,,n=\xff,r=a", "08P01", "not UTF-8"),
        (SCRAM_SHA_256, b"n,,n=\0,r=a", "08P01", "length"),
    ],
)
def test_malformed_client_first(mechanism: str, first: bytes, sqlstate: str, text: str) -> None:
    exchange = ServerExchange(make_verifier("a", iterations=1), mechanism, channel_binding=BINDING)
    with pytest.raises(QuiverError) as caught:
        exchange.first(first)
    assert caught.value.sqlstate == sqlstate
    assert text in f"{caught.value.message} {caught.value.detail}"


@pytest.mark.parametrize(
    "final",
    [b"", b"c=biws", b"c=biws,r=abcN", b"r=abcN,c=biws,p=AA==", b"c=biws,r=abcN,p=AA==", b"c=biws,r=abcN,p=%%%",
     b"c=biws,r=other,p=" + base64.b64encode(bytes(32)), b"c=eSws,r=abcN,p=" + base64.b64encode(bytes(32)), b"\xff"],
)  # fmt: skip
def test_malformed_client_final(final: bytes) -> None:
    exchange = ServerExchange(make_verifier("a", iterations=1), SCRAM_SHA_256, nonce="N")
    exchange.first(b"n,,n=,r=abc")
    with pytest.raises(QuiverError) as caught:
        exchange.final(final)
    assert caught.value.sqlstate == "08P01"


def test_wrong_proof_of_right_length_is_a_wrong_password() -> None:
    exchange = ServerExchange(make_verifier("a", iterations=1), SCRAM_SHA_256, nonce="N")
    exchange.first(b"n,,n=,r=abc")
    assert exchange.final(b"c=biws,r=abcN,p=" + base64.b64encode(bytes(32))) is None
