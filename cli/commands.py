"""All commands of `frontdesk`: the line of each in its help, and the module where it is declared."""

from __future__ import annotations

from collections.abc import Mapping

import click

from cli.command import LateGroup

PLACES: Mapping[str, tuple[str, str]] = {
    "up": ("Run the whole desk on this machine.", "cli.process.processes:up"),
    "gateway": (
        "Run the servers of mail and Slack; with --http also the form, the API, Slack's events and health.",
        "cli.process.processes:gateway",
    ),
    "console": ("Run the agents' pages.", "cli.process.processes:console"),
    "http": (
        "Run form, API, Slack's events and the agents' pages on one address.",
        "cli.process.processes:http",
    ),
    "worker": (
        "Do the work of all queues or of some, with a scheduler beside it; with --http also health.",
        "cli.process.processes:worker",
    ),
    "clock": ("Run only the clock.", "cli.process.processes:clock"),
    "init": ("Make or migrate the desk's tables, with a first team, mailbox and agent.", "cli.process.init:init"),
    "mailbox": ("The addresses of the desk.", "cli.admin.mailboxes:mailbox_group"),
    "team": ("The teams.", "cli.admin.teams:team_group"),
    "agent": ("The agents.", "cli.admin.agents:agent_group"),
    "person": ("People who write.", "cli.data.privacy:person_group"),
    "token": ("Tokens of the JSON API.", "cli.admin.tokens:token_group"),
    "doctor": ("Look at everything that the desk depends on, and say what to do.", "cli.diagnose.doctor:doctor"),
    "ledger": ("What was accepted, and how it ended.", "cli.diagnose.inbound_log:ledger"),
    "ticket": ("The tickets.", "cli.tickets.tickets:ticket_group"),
    "incident": ("Many people with the same trouble at the same time.", "cli.admin.incidents:incident_group"),
    "replay": ("What would become of these mails? Nothing is kept, nothing is sent.", "cli.data.replay:replay"),
    "caught": ("Outgoing mail that was caught because there is no relay.", "cli.diagnose.captured_mail:caught"),
    "quarantine": ("What was set aside.", "cli.diagnose.inbound_log:quarantine_group"),
    "classifier": ("The categoriser: how it is, training, reasons, undo.", "cli.admin.classifier:classifier_group"),
    "similar": (
        "The solved tickets that are most like this one, and their answers.",
        "cli.tickets.similar:similar",
    ),
    "article": ("What solved one ticket, written for the next.", "cli.admin.articles:article_group"),
    "csat": ("How content requesters are.", "cli.admin.csat:csat_group"),
    "sla": ("What is due when, and why.", "cli.admin.sla:sla_group"),
    "macro": ("Texts and actions that agents use again and again.", "cli.admin.macros:macro_group"),
    "route": ("Who gets a ticket, and why.", "cli.admin.routing:route_group"),
    "audit": (
        "Who read what in private teams, who joined and left teams, whose role was changed.",
        "cli.data.privacy:audit",
    ),
    "retention": ("How long words and raw mail are kept.", "cli.data.privacy:retention_group"),
    "apply": ("Make the desk what a file says: teams, rules, clocks, macros, fields…", "cli.data.apply:apply"),
    "export-config": (
        "Write the file that makes another desk work like this one.",
        "cli.data.apply:export_configuration",
    ),
    "backup": ("Save the whole desk, while it works: database, blobs, models, key.", "cli.data.backup:backup_desk"),
    "restore": ("Make this desk what a backup holds; stop the desk first.", "cli.data.backup:restore_desk"),
    "queue": ("Jobs that were given up, and rows that failed.", "cli.diagnose.queue:queue_group"),
    "report": ("A period in figures, beside the period before.", "cli.admin.report:report_group"),
}
"""The line is the beginning of the command's own help; a test holds them together."""

COMPLETION = """\b
Completion of commands and options in bash (zsh and fish likewise):
  eval "$(_FRONTDESK_COMPLETE=bash_source frontdesk)"
"""


def _print_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    from importlib.metadata import PackageNotFoundError, version

    if not wanted or ctx.resilient_parsing:
        return
    try:
        click.echo(f"frontdesk {version('frontdesk')}")
    except PackageNotFoundError:
        click.echo("frontdesk (not installed)")
    ctx.exit()


commands = LateGroup(
    "frontdesk",
    PLACES,
    help="A helpdesk that people reach the way they already write.",
    epilog=COMPLETION,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Show the release.",
        )
    ],
)
