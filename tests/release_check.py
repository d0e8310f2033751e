"""Builds what a release would publish, installs it where nothing else is, and uses it: `make release-check`.

The wheel is built from the source archive, so that this is whole too. In the empty environment `frontdesk up` starts,
takes a mail, guesses its category, and every page that links lead to is served; every template compiles.
"""

from __future__ import annotations

import html
import http.cookiejar
import os
import re
import signal
import smtplib
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.parse
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("gateway", "workers", "classifier", "storage", "usecases", "desk", "console", "cli")
PATIENCE = 120.0
_BUILD = "import sys; from setuptools import build_meta; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"
_TEMPLATES = """
import importlib, pathlib, jinja2
for name in ("console", "gateway.web"):
    folder = pathlib.Path(importlib.import_module(name).__file__).parent / "templates"
    loader = jinja2.Environment(loader=jinja2.FileSystemLoader(folder), extensions=["jinja2.ext.do"])
    names = loader.list_templates()
    assert names, folder
    for template in names:
        loader.parse(loader.loader.get_source(loader, template)[0])
    print(len(names), "templates of", name)
"""
_MAIL = (
    "From: Ada <ada@example.test>\r\nTo: {0}\r\nSubject: Cannot log in\r\nMessage-ID: <1@example.test>\r\n\r\nHelp.\r\n"
)
_GUESS = "from classifier.starter import shipped; print(shipped().predict(['Cannot login'])[0])"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="fd-release-") as name:
        folder = Path(name)
        wheel = _built(folder)
        _assert_whole(wheel)
        python = _installed(wheel, folder / "environment")
        _say(_run([python, "-I", "-c", _TEMPLATES], folder).strip())
        _say("the model says:", _run([python, "-I", "-c", _GUESS], folder).strip())
        with _desk(python.with_name("frontdesk"), folder) as output:
            _use(output)
    _say("the release is whole")
    return 0


def _built(folder: Path) -> Path:
    """The wheel, made from the source archive of what git knows."""
    source = folder / "source"
    source.mkdir()
    names = _run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT).split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    archive = folder / _run([sys.executable, "-c", _BUILD, "build_sdist", str(folder)], source).split()[-1]
    with tarfile.open(archive) as tar:
        tar.extractall(folder / "unpacked", filter="data")
    (inside,) = (folder / "unpacked").iterdir()
    wheel = folder / _run([sys.executable, "-c", _BUILD, "build_wheel", str(folder)], inside).split()[-1]
    _say("built", archive.name, "and", wheel.name)
    return wheel


def _assert_whole(wheel: Path) -> None:
    """Every file of the packages that git knows lies in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    names = _run(["git", "ls-files", *PACKAGES, "frontdesk.py"], ROOT).split()
    missing = sorted(name for name in names if name not in inside and (ROOT / name).is_file())
    assert not missing, f"not in the wheel: {missing}"
    _say(len(names), "files of the packages are in the wheel")


def _installed(wheel: Path, environment: Path) -> Path:
    """The Python of an empty environment with the locked dependencies and the wheel."""
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    _run([*pip, "--require-hashes", "--requirement", ROOT / "requirements.lock"], environment)
    _run([*pip, "--no-deps", wheel], environment)
    return python


@contextmanager
def _desk(program: Path, folder: Path) -> Iterator[str]:
    """What a running desk printed when it was ready."""
    output = folder / "output"
    command = [program, "up", "--data", folder / "data", "--smtp", ":0", "--http", ":0"]
    with output.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder, env=_environ())
    try:
        until = time.monotonic() + PATIENCE
        while "Ctrl-C stops it." not in output.read_text():
            assert process.poll() is None and time.monotonic() < until, output.read_text()
            time.sleep(0.1)
        yield output.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def _use(output: str) -> None:
    site = _place(r"^HTTP  (\S+?)/?$", output)[0]
    host, port = _place(r"^SMTP  (\S+):(\d+)$", output)
    agent, password = _place(r"^A new desk. Sign in as (\S+) with the password (\S+)$", output)
    mailbox = _place(r"swaks .* --to (\S+)", output)[0]
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    with smtplib.SMTP(host, int(port)) as smtp:
        smtp.sendmail("ada@example.test", [mailbox], _MAIL.format(mailbox))
    page = browser.open(f"{site}/login").read().decode()
    csrf = _place(r'name="csrf" value="([^"]+)"', page)[0]
    fields = urllib.parse.urlencode({"csrf": csrf, "next": "", "address": agent, "password": password})
    assert browser.open(f"{site}/login", fields.encode()).url.startswith(f"{site}/tickets")
    until = time.monotonic() + PATIENCE
    while "Cannot log in" not in browser.open(f"{site}/tickets").read().decode():
        assert time.monotonic() < until, "the mail did not become a ticket"
        time.sleep(0.2)
    _say(len(_crawled(browser, site)), "pages and files served")


def _crawled(browser: urllib.request.OpenerDirector, site: str) -> set[str]:
    """All that links lead to from the first pages; an answer that is an error raises."""
    waiting, seen = [f"{site}/tickets", f"{site}/tickets/1", f"{site}/request", f"{site}/help"], set[str]()
    while waiting:
        address = waiting.pop().partition("#")[0]
        route = re.sub(r"\d+|\?.*", "", address)
        if route in seen or not address.startswith(f"{site}/") or "logout" in address:
            continue
        seen.add(route)
        with browser.open(address) as answer:
            if "html" in answer.headers.get("Content-Type", ""):
                links = re.findall(r'(?:href|src)="([^"]+)"', answer.read().decode())
                waiting += [urllib.parse.urljoin(address, html.unescape(link)) for link in links]
    return seen


def _place(pattern: str, text: str) -> tuple[str, ...]:
    match = re.search(pattern, text, re.MULTILINE)
    assert match is not None, f"nothing fits {pattern!r} in:\n{text[:2000]}"
    return match.groups()


def _run(command: list[object], folder: Path) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env=_environ(), capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words[:6])}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout


def _environ() -> dict[str, str]:
    """No setting of ours and no path to the sources."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("FRONTDESK_", "PYTHON"))}


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
