"""F32: a certificate or a TLS version that cannot be trusted is named, each with its plain reason."""

from __future__ import annotations

import ssl
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from apps.core.errors import UpstreamError, UpstreamUnavailable, UpstreamUntrusted
from apps.integrations.http import Endpoint, HttpClient
from tests.integrations.conftest import Serve
from tests.integrations.wire_server import Asked, Peer, reply


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, str]:
    ca, path = trustme.CA(), tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return ca, str(path)


@pytest.fixture
def context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def ask(url: str, **options: object) -> dict[str, int]:
    http = HttpClient(Endpoint(**{"source": "test/tls", "url": url, "deadline": 3.0, **options}))  # type: ignore[arg-type]
    try:
        return http.get("x").decode(dict[str, int])
    finally:
        http.close()


def refusal(url: str, **options: object) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        ask(url, **options)
    return caught.value


def test_a_certificate_of_our_authority_is_good(
    serve: Serve, authority: tuple[trustme.CA, str], context: ssl.SSLContext
) -> None:
    authority[0].issue_cert("127.0.0.1").configure_cert(context)
    server = serve(reply({"a": 1}), tls=context)
    assert ask(server.url, ca=authority[1]) == {"a": 1}


def test_f32_an_expired_certificate(serve: Serve, authority: tuple[trustme.CA, str], context: ssl.SSLContext) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    authority[0].issue_cert("127.0.0.1", not_after=yesterday).configure_cert(context)
    error = refusal(serve(reply({}), tls=context).url, ca=authority[1])
    assert type(error) is UpstreamUntrusted
    assert error.message == "its certificate has expired"


@pytest.mark.parametrize(
    ("name", "words"),
    [("other.example", "its certificate is for another"), ("127.0.0.2", "its certificate is for another address")],
)
def test_f32_a_certificate_for_another_host(
    name: str, words: str, serve: Serve, authority: tuple[trustme.CA, str], context: ssl.SSLContext
) -> None:
    authority[0].issue_cert(name).configure_cert(context)
    error = refusal(serve(reply({}), tls=context).url, ca=authority[1])
    assert type(error) is UpstreamUntrusted
    assert error.message.startswith(words)


def test_a_server_name_may_be_named(serve: Serve, authority: tuple[trustme.CA, str], context: ssl.SSLContext) -> None:
    authority[0].issue_cert("other.example").configure_cert(context)
    server = serve(reply({"a": 1}), tls=context)
    assert ask(server.url, ca=authority[1], server_name="other.example") == {"a": 1}


def test_f32_a_certificate_of_an_authority_that_is_not_ours(
    serve: Serve, authority: tuple[trustme.CA, str], context: ssl.SSLContext
) -> None:
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    error = refusal(serve(reply({}), tls=context).url, ca=authority[1])
    assert type(error) is UpstreamUntrusted
    assert error.message == "its certificate is signed by an authority that we do not trust"


def test_f32_a_self_signed_certificate(serve: Serve, context: ssl.SSLContext, tmp_path: Path) -> None:
    """trustme's own authority as the server's certificate: it has signed itself."""
    ca, both = trustme.CA(), tmp_path / "both.pem"
    both.write_bytes(ca.private_key_pem.bytes() + ca.cert_pem.bytes())
    context.load_cert_chain(both)
    error = refusal(serve(reply({}), tls=context).url)
    assert type(error) is UpstreamUntrusted
    assert error.message == "its certificate is self-signed"


def test_f32_without_verification_only_when_told_so(serve: Serve, context: ssl.SSLContext) -> None:
    trustme.CA().issue_cert("other.example").configure_cert(context)
    server = serve(reply({"a": 1}), tls=context)
    assert ask(server.url, verify=False) == {"a": 1}
    assert type(refusal(server.url)) is UpstreamUntrusted


def test_f32_tls_1_0_is_too_old(serve: Serve, authority: tuple[trustme.CA, str], context: ssl.SSLContext) -> None:
    authority[0].issue_cert("127.0.0.1").configure_cert(context)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:@SECLEVEL=0")
    error = refusal(serve(reply({}), tls=context).url, ca=authority[1])
    assert type(error) is UpstreamUntrusted
    assert "TLS version" in error.message


def test_a_server_without_tls_is_named(serve: Serve) -> None:
    server = serve(reply({}))
    error = refusal(server.url.replace("http:", "https:"))
    assert type(error) is UpstreamUntrusted
    assert error.message == "it does not speak TLS at this address"


def test_a_client_certificate_is_shown(
    serve: Serve, authority: tuple[trustme.CA, str], context: ssl.SSLContext, tmp_path: Path
) -> None:
    ca, path = authority
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    ours, certificate, key = ca.issue_cert("portal"), tmp_path / "cert.pem", tmp_path / "key.pem"
    ours.cert_chain_pems[0].write_to_path(str(certificate))
    ours.private_key_pem.write_to_path(str(key))
    server = serve(reply({"a": 1}), tls=context)
    assert ask(server.url, ca=path, client_certificate=(str(certificate), str(key))) == {"a": 1}
    error = refusal(server.url, ca=path)
    assert isinstance(error, UpstreamUnavailable)
    assert not server.asked[1:]


def test_a_certificate_file_that_is_not_there_is_named() -> None:
    error = refusal("https://127.0.0.1:1", ca="/nowhere/ca.pem")
    assert type(error) is UpstreamUntrusted
    assert error.message == "the certificate file /nowhere/ca.pem cannot be read"


def test_f5_a_tls_handshake_that_never_ends_costs_the_time_to_connect(serve: Serve) -> None:
    def silent(peer: Peer, asked: Asked) -> None:
        peer.hang()

    server = serve(silent)
    error = refusal(server.url.replace("http:", "https:"), connect_timeout=0.3, deadline=0.6)
    assert isinstance(error, UpstreamUnavailable)
    assert error.message in {
        "no complete answer within 0.6 s",
        "no connection to it within the time allowed",
        "it did not answer in time",
    }


def test_a_body_over_tls_ends_at_the_deadline(
    serve: Serve, authority: tuple[trustme.CA, str], context: ssl.SSLContext
) -> None:
    def script(peer: Peer, asked: Asked) -> None:
        peer.send("HTTP/1.1 200 OK\r\n\r\n")
        peer.drip(b" " * 1000, pause=0.05)

    authority[0].issue_cert("127.0.0.1").configure_cert(context)
    error = refusal(serve(script, tls=context).url, ca=authority[1], deadline=0.5)
    assert type(error) is UpstreamUnavailable
    assert error.message == "no complete answer within 0.5 s"
