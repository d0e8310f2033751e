"""Which settings hold for this command: its options over FRONTDESK_* variables over frontdesk.toml over the defaults.

frontdesk.toml is the file that FRONTDESK_CONFIG names, or the one in the current folder, or the one in the data folder.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from desk.config.settings import PREFIX, BadSetting, Settings, read, unknown

FILE = "frontdesk.toml"


def load(environ: Mapping[str, str], options: Mapping[str, str | None], folder: Path) -> Settings:
    """`options` are those of the command line by the setting's name; None was not given. Raises BadSetting."""
    given = {f"FRONTDESK_{name.upper()}": value for name, value in options.items() if value is not None}
    unknown(environ)
    variables = {**_from_files(environ), **environ, **given}
    settings = read(variables, _file(variables, folder))
    for name in ("tls_cert", "tls_key"):
        path = getattr(settings, name)
        if path and not os.access(path, os.R_OK):
            raise BadSetting(f"FRONTDESK_{name.upper()}", f"{path} cannot be read")
    return settings


def _from_files(environ: Mapping[str, str]) -> dict[str, str]:
    """What `FRONTDESK_NAME_FILE` points to, for secrets that no variable shall hold; `FRONTDESK_NAME` goes first."""
    found: dict[str, str] = {}
    for setting in fields(Settings):
        name = f"{PREFIX}{setting.name.upper()}"
        path = environ.get(f"{name}_FILE", "")
        if path and name not in environ:
            found[name] = _secret(f"{name}_FILE", Path(path))
    return found


def _secret(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise BadSetting(name, f"{path} cannot be read: it should hold the value, readable for this user") from error


def _file(variables: Mapping[str, str], folder: Path) -> dict[str, Any]:
    named = variables.get("FRONTDESK_CONFIG")
    if named:
        if not Path(named).is_file():
            raise BadSetting("FRONTDESK_CONFIG", f"there is no file {named}")
        return _parsed(Path(named))
    data = Path(variables.get("FRONTDESK_DATA_DIR", Settings().data_dir))
    for path in (folder / FILE, folder / data / FILE):
        if path.is_file():
            return _parsed(path)
    return {}


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadSetting(str(path), f"cannot be read: {error}") from error
