"""Run by django-helpdesk's own interpreter: one warm process that makes tickets of mails, as its `get_email` does.

It takes a database and a folder, as arguments; paths of JSON lists of mails, one a line on stdin, and returns a JSON
line for each: wall and CPU seconds. Nothing is sent and no attachment is refused; Django is set up as its
documentation says.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

PAGES = "benchmark_pages"


def main(url: str, folder: str) -> None:
    """Set up, then feed what is named on stdin."""
    queue, extract = _queue(url, folder)
    logger = logging.getLogger("rival")
    logger.setLevel(logging.WARNING)
    for line in sys.stdin:
        mails = json.loads(Path(line.strip()).read_text())
        began, used = time.monotonic(), time.process_time()
        for mail in mails:
            if extract(mail, queue, logger) is None:
                raise SystemExit("a mail made no ticket")
        took = {"seconds": time.monotonic() - began, "cpu": time.process_time() - used}
        print(json.dumps(took), flush=True)


def _queue(url: str, folder: str) -> tuple[Any, Any]:
    import django  # type: ignore[import-not-found]
    from django.conf import settings  # type: ignore[import-not-found]

    settings.configure(**_settings(url, folder))
    django.setup()
    _addresses()
    from django.core.management import call_command  # type: ignore[import-not-found]

    call_command("migrate", verbosity=0)
    from helpdesk.email import extract_email_metadata  # type: ignore[import-not-found]
    from helpdesk.models import Queue  # type: ignore[import-not-found]

    queue = Queue.objects.create(
        title="Support", slug="bench", allow_email_submission=True, email_address="support@bench.example"
    )
    return queue, extract_email_metadata


def _addresses() -> None:
    """Its mails link to its pages, so it must know where they are."""
    from django.urls import include, path  # type: ignore[import-not-found]

    pages = ModuleType(PAGES)
    vars(pages)["urlpatterns"] = [path("", include("helpdesk.urls", namespace="helpdesk"))]
    sys.modules[PAGES] = pages


def _settings(url: str, folder: str) -> dict[str, Any]:
    parts = urlsplit(url)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": parts.username,
        "HOST": parts.hostname,
        "PORT": parts.port,
        "CONN_MAX_AGE": None,
    }
    django_apps = ["admin", "auth", "contenttypes", "humanize", "messages", "sessions", "sites", "staticfiles"]
    return {
        "SECRET_KEY": "a key of the benchmark",
        "DATABASES": {"default": database},
        "DEFAULT_AUTO_FIELD": "django.db.models.AutoField",
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "HELPDESK_TEAMS_MODE_ENABLED": False,
        "INSTALLED_APPS": [*(f"django.contrib.{app}" for app in django_apps), "rest_framework", "helpdesk"],
        "LOGGING_CONFIG": None,
        "MEDIA_ROOT": folder,
        "ROOT_URLCONF": PAGES,
        "SITE_ID": 1,
        "STATIC_URL": "/static/",
        "TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        "USE_TZ": True,
    }


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
