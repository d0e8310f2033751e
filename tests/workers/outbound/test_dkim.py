"""Our mail is signed with the desk's key, and the signature holds where it arrives."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dkim as library
import pytest

from desk.config.settings import Settings
from storage.open_store import Store
from tests.components import need
from tests.small_desk import ALICE, BOB, SmallDesk
from tests.workers.outbound.test_compose import NOW, letter
from workers.outbound.errors import TransportError
from workers.outbound.mime import compose, dkim


@pytest.fixture(scope="module", params=["pkcs1", "pkcs8"])
def key(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh key, in each of the forms that openssl writes."""
    openssl = need("openssl")
    path = tmp_path_factory.mktemp("dkim") / "key.pem"
    form = ["-traditional"] if request.param == "pkcs1" else []
    subprocess.run([openssl, "genrsa", *form, "-out", path, "1024"], check=True, capture_output=True)
    return path


def dns(key: Path) -> Callable[..., bytes]:
    """The DNS, as it would answer for the selector `desk` of our domain."""
    der = subprocess.run(
        [need("openssl"), "rsa", "-in", key, "-pubout", "-outform", "PEM"], check=True, capture_output=True
    ).stdout
    public = b"".join(line for line in der.splitlines() if not line.startswith(b"-----"))
    known = {b"desk._domainkey.desk.example.test.": b"v=DKIM1; k=rsa; p=" + public}
    return lambda name, timeout=5: known.get(name if isinstance(name, bytes) else name.encode(), b"")


def settings(key: Path) -> Settings:
    return Settings(dkim_key=str(key), dkim_selector="desk")


@pytest.mark.parametrize("text", ["Plain.", "Ümläute\n.\n\n\n", "x" * 3000, "日本語 שלום\n" * 50, ""])
def test_a_signed_mail_verifies(key: Path, text: str) -> None:
    made = letter(text=text, subject="Grüße " * 30, from_name="Äsk", references=["a@x", "b@x"], in_reply_to="b@x")
    data = dkim.signed(compose.compose(made, lambda name: None, NOW), "support@desk.example.test", settings(key))
    assert data.startswith(b"DKIM-Signature: ") and data.isascii()
    assert library.verify(data, dnsfunc=dns(key))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Subject: s", b"Subject: t"),
        (b"To: Bob", b"To: Eve"),
        (b"\r\nt\r\n", b"\r\nu\r\n"),
        (b"From: Desk", b"From: Eve <e@x.test>\r\nFrom: Desk"),
        (b"Message-ID: <fd", b"Message-ID: <fe"),
    ],
)
def test_what_was_changed_on_the_way_does_not_verify(key: Path, old: bytes, new: bytes) -> None:
    data = dkim.signed(compose.compose(letter(), lambda name: None, NOW), "support@desk.example.test", settings(key))
    assert old in data and not library.verify(data.replace(old, new), dnsfunc=dns(key))


def test_all_mail_of_a_desk_with_a_key_is_signed_for_its_domain(store: Store, key: Path) -> None:
    given = replace(store.settings, dkim_key=str(key), dkim_selector="desk")
    desk = SmallDesk(replace(store, settings=given))
    desk.receive(desk.mail(BOB, "Printer", "It burns."))
    desk.receive(desk.mail(ALICE, "Re", "#resolve\n\nTry again.", to=desk.notice_address(desk.alice, 1)))
    sent = desk.sent()
    assert {str(mail["X-Frontdesk"]).partition(";")[0] for mail in sent} >= {"acknowledgement", "reply", "notice"}
    assert all("d=desk.example.test" in str(mail["DKIM-Signature"]) for mail in sent)


@pytest.mark.parametrize(
    "content", [None, b"", b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"]
)
def test_a_key_that_cannot_be_used_keeps_the_mail_waiting(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "key.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TransportError, match="DKIM key") as failed:
        dkim.signed(b"From: a@b\r\n\r\nx\r\n", "a@b", settings(path))
    assert not failed.value.permanent and str(path) not in failed.value.reason


def test_without_a_key_nothing_is_added() -> None:
    assert dkim.signed(b"x", "a@b", Settings()) == b"x"
