"""django-helpdesk beside us: installed from PyPI into an environment of its own, fed the same mails on PostgreSQL.

It takes mails, and returns wall and CPU seconds of its process and of PostgreSQL. `Missing` says why it could not be
had.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from benchmarks.lab import ROOT, Lab
from benchmarks.mails import Mail
from tests.components import dies_with_us

REQUIREMENTS = ("django-helpdesk==2.6.1", "psycopg[binary]>=3.2", "setuptools<81")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "frontdesk-benchmarks"
PROGRAM = ROOT / "benchmarks" / "rival_process.py"


class Missing(RuntimeError):
    """It is not installed and could not be."""


def python() -> Path:
    """The interpreter that has it; made once and kept. Raises Missing."""
    folder = CACHE / "django-helpdesk"
    program = folder / "bin" / "python"
    done = folder / "installed"
    if not done.exists():
        print("  installing django-helpdesk (once)", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        command = [str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            raise Missing(result.stderr.strip().splitlines()[-1] if result.stderr.strip() else "pip failed")
        done.touch()
    return program


def feed(lab: Lab, warm: Sequence[Mail], load: Sequence[Mail]) -> tuple[float, float, float]:
    """Wall seconds, its CPU and PostgreSQL's for the load, in a process that is warm."""
    name = f"rival{next(lab.seeds)}"
    lab.postgres.execute(f"CREATE DATABASE {name}")
    url = lab.postgres.url(name)
    with tempfile.TemporaryDirectory(dir=lab.folder) as folder:
        command = [str(python()), str(PROGRAM), url, folder]
        pipe = subprocess.PIPE
        with (
            (Path(folder) / "errors").open("w+") as errors,
            subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=errors, text=True, preexec_fn=dies_with_us()
            ) as process,
        ):
            assert process.stdin is not None and process.stdout is not None
            try:
                _ask(process.stdin, process.stdout, _file(folder, "warm", warm))
                before = lab.postgres_cpu
                said = _ask(process.stdin, process.stdout, _file(folder, "load", load))
                used = lab.postgres_cpu - before
            except EOFError as error:
                raise RuntimeError((Path(folder) / "errors").read_text()[-2000:]) from error
            finally:
                process.terminate()
    lab.postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
    return said["seconds"], said["cpu"], used


def _file(folder: str, name: str, load: Sequence[Mail]) -> Path:
    path = Path(folder) / name
    path.write_text(json.dumps([mail.raw.decode() for mail in load]))
    return path


def _ask(to: IO[str], back: IO[str], path: Path) -> dict[str, float]:
    print(path, file=to, flush=True)
    line = back.readline()
    if not line:
        raise EOFError("django-helpdesk's process ended")
    said: dict[str, float] = json.loads(line)
    return said
