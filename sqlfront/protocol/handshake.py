"""The start of a connection: encryption requests, start-up packet, authentication, parameters.

A flow (see `channel`) that ends with a session, or with None when the connection has served its purpose (a
CancelRequest). Every error it raises is FATAL.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlfront.backend import Authentication, Session, SessionFactory, StartupParameters
from sqlfront.protocol.authentication import (
    AuthenticationOk,
    AuthenticationSASL,
    AuthenticationSASLContinue,
    AuthenticationSASLFinal,
    SASLInitialResponse,
    SASLResponse,
)
from sqlfront.protocol.channel import Channel, Flow
from sqlfront.protocol.errors import FatalProtocolViolation, InvalidPassword
from sqlfront.protocol.options import ConversationOptions
from sqlfront.protocol.scram import ServerExchange, mechanisms
from sqlfront.protocol.startup import (
    PROTOCOL_3_0,
    BackendKeyData,
    CancelRequest,
    GSSENCRequest,
    NegotiateProtocolVersion,
    ParameterStatus,
    SessionRequest,
    SSLRequest,
    StartupMessage,
    check_protocol_version,
    decode_startup_packet,
    read_session_request,
)
from sqlfront.protocol.transitions import Event, Machine, State, message_limits

_SSL_CODE = 1234 << 16 | 5679


@dataclass(slots=True)
class TlsState:
    """What the server tells about encryption. `channel_binding` is tls-server-end-point's hash."""

    is_established: bool = False
    channel_binding: bytes | None = None

    def is_awaited(self) -> bool:
        return not self.is_established


@dataclass(frozen=True, slots=True)
class Handshake:
    """The parts that the start-up flow works with."""

    channel: Channel
    factory: SessionFactory
    options: ConversationOptions
    tls: TlsState
    machine: Machine

    def run(self) -> Flow[Session | None]:
        startup = yield from self._receive_startup()
        if startup is None:
            return None
        request = read_session_request(startup)
        self._negotiate(startup, request)
        self.options.admit()
        parameters = StartupParameters(
            request.user, request.database, request.settings, self.options.endpoints, self.tls.is_established
        )
        authentication = self.factory.authentication(parameters)
        yield from self._authenticate(authentication, request.user)
        self.channel.send(AuthenticationOk())
        session = self.factory.connect(parameters)
        self.machine.move(Event.SESSION_STARTED)
        for name, value in session.settings.reported().items():
            self.channel.send(ParameterStatus(name, value))
        self.channel.send(BackendKeyData(session.process_id, session.secret_key))
        return session

    def _receive_startup(self) -> Flow[StartupMessage | None]:
        is_ssl_asked = is_gss_asked = False
        while True:
            packet = decode_startup_packet((yield from self.channel.receive_startup_packet()))
            match packet:
                case StartupMessage():
                    return packet
                case CancelRequest(process_id, secret_key):
                    self.factory.cancel(process_id, secret_key)
                    return None
                case SSLRequest() if not is_ssl_asked:
                    is_ssl_asked = True
                    yield from self._answer_ssl_request()
                case GSSENCRequest() if not is_gss_asked:
                    is_gss_asked = True
                    self.channel.send_bytes(b"N")
                case _:
                    # A second request of one kind is read as a protocol version, and refused as such.
                    check_protocol_version(_SSL_CODE)

    def _answer_ssl_request(self) -> Flow[None]:
        if not self.options.is_tls_available or self.tls.is_established:
            self.channel.send_bytes(b"N")
            return
        if self.channel.reader.buffered_bytes:
            # Bytes sent in clear before the handshake must never count as the client's (CVE-2021-23214).
            raise FatalProtocolViolation(
                "received unencrypted data after SSL request",
                detail="This could be either a client-software bug or evidence of an attempted "
                "man-in-the-middle attack.",
            )
        self.channel.send_bytes(b"S")
        self.machine.move(Event.TLS_ACCEPTED)
        while self.tls.is_awaited():
            yield from self.channel.await_input()
        self.machine.move(Event.TLS_ESTABLISHED)

    def _negotiate(self, startup: StartupMessage, request: SessionRequest) -> None:
        if startup.version > PROTOCOL_3_0 or request.unknown_options:
            self.channel.send(NegotiateProtocolVersion(PROTOCOL_3_0, request.unknown_options))

    def _authenticate(self, authentication: Authentication, user: str) -> Flow[None]:
        if authentication.scram_verifier is None:
            return
        self.machine.move(Event.PASSWORD_REQUESTED)
        self.channel.send(AuthenticationSASL(mechanisms(self.tls.channel_binding)))
        initial = SASLInitialResponse.decode((yield from self._receive_password()))
        exchange = ServerExchange(
            authentication.scram_verifier, initial.mechanism, channel_binding=self.tls.channel_binding
        )
        client_first = initial.data
        if client_first is None:
            self.channel.send(AuthenticationSASLContinue(b""))
            client_first = SASLResponse.decode((yield from self._receive_password())).data
        self.channel.send(AuthenticationSASLContinue(exchange.first(client_first)))
        server_final = exchange.final(SASLResponse.decode((yield from self._receive_password())).data)
        if server_final is None:
            raise InvalidPassword(f'password authentication failed for user "{user}"')
        self.channel.send(AuthenticationSASLFinal(server_final))

    def _receive_password(self) -> Flow[bytes]:
        frame = yield from self.channel.receive(message_limits(State.AUTHENTICATION, 0))
        return frame.body
