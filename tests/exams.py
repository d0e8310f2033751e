"""`make exam`: the examinations of the mail reader and the categoriser, whose cases are not in this repository.

    python -m tests.exams [mail] [cost] [hostile] [categoriser]

They are looked for in ../shared/exams beside this repository, or where FRONTDESK_EXAMS says. Where a folder is missing
that is said, and counts for nothing. The exit status is the worst of what ran.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("FRONTDESK_EXAMS") or REPOSITORY.parent / "shared" / "exams")


def main(names: list[str]) -> int:
    exams = {"mail": _mail, "cost": _cost, "hostile": _hostile, "categoriser": _categoriser}
    unknown = [name for name in names if name not in exams]
    if unknown:
        sys.stderr.write(f"no examination is called {', '.join(unknown)}; there are {', '.join(exams)}\n")
        return 2
    return max(exams[name]() for name in names or exams)


def _mail() -> int:
    """All mails of the exam by `tests.exam_mail.parse`."""
    exam = FOLDER / "mail" / "exam.py"
    if not exam.exists():
        return _missing("the mails", exam.parent)
    return _run(str(exam), "--impl", "tests.exam_mail:parse")


def _cost() -> int:
    """What reading a mail costs; needs no cases."""
    return _run("-m", "tests.exams_cost")


def _hostile() -> int:
    """Hostile mail, SMTP dialogues, forms and Slack events against a whole desk."""
    folder = FOLDER / "hostile"
    if not (folder / "shown.tar.gz").exists():
        return _missing("the hostile cases", folder)
    return _run("-m", "tests.exams_hostile", str(folder))


def _categoriser() -> int:
    """The categoriser on the training parts of public sets."""
    folder = FOLDER / "classify"
    if not folder.exists():
        return _missing("the categoriser's sets", folder)
    return _run(str(REPOSITORY / "tests" / "exam_classify.py"), str(folder))


def _missing(what: str, folder: Path) -> int:
    sys.stdout.write(f"{what} are not in {folder}: not examined\n")
    return 0


def _run(*command: str) -> int:
    sys.stdout.flush()
    return subprocess.run([sys.executable, *command], cwd=REPOSITORY, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
