"""A certificate that was replaced on disk is shown to the next who connects; half a replacement changes nothing."""

from __future__ import annotations

import smtplib
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.gateway.email.smtp.test_smtp_server import RunningDoor, settings


def make(folder: Path, name: str) -> tuple[Path, Path]:
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", f"/CN={name}", "-days", "2", "-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run(command + names, check=True, capture_output=True)
    return paths


def shown(door: RunningDoor) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP(*door.address()) as peer:
        peer.starttls(context=context)
        assert isinstance(peer.sock, ssl.SSLSocket)
        return peer.sock.getpeercert(binary_form=True) or b""


def test_a_replaced_certificate_is_used_without_a_restart(tmp_path: Path) -> None:
    (cert, key), (new_cert, new_key) = make(tmp_path, "old"), make(tmp_path, "new")
    old, new = (ssl.PEM_cert_to_DER_cert(one.read_text()) for one in (cert, new_cert))
    with RunningDoor(settings(certificate=cert, key=key)) as door:
        assert shown(door) == old
        new_cert.replace(cert)
        assert shown(door) == old, "its key has not come yet"
        new_key.replace(key)
        assert shown(door) == new
        cert.write_text("no certificate")
        assert shown(door) == new
        cert.unlink()
        assert shown(door) == new


def test_files_that_do_not_fit_stop_the_start(tmp_path: Path) -> None:
    (cert, _), (_, key) = make(tmp_path, "one"), make(tmp_path, "two")
    with pytest.raises(ssl.SSLError), RunningDoor(settings(certificate=cert, key=key)):
        pass
