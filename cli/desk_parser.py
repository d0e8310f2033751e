"""The words of the commands for how the desk works: calendars, SLA clocks, and what else is configured beside them.

In: the parser. Out: more words. Each group of commands adds its own in its file; here stands only which there are.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from cli.admin import automations, calendars, lifecycle, macros, routing, sla
from cli.data import apply, backup, privacy
from cli.diagnose import queue

Group = Callable[[Any, str, str], Any]
Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]


def add(words: Any, group: Group, command: Command) -> None:
    calendars.words(group(words, "calendar", "business hours and days off"), command)
    sla.words(group(words, "sla", "policies and clocks: what is due when, and why"), command)
    automations.words(group(words, "automation", "when something happens to a ticket, act"), command)
    lifecycle.words(words, group, command)
    macros.words(group(words, "macro", "texts and actions that agents use again and again"), command)
    routing.words(group(words, "route", "who gets a ticket: rules, tests, reasons"), command)
    privacy.words(words, group, command)
    apply.words(words, command)
    backup.words(words, command)
    queue.words(group(words, "queue", "jobs that were given up"), command)
