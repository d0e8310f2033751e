"""The page of mailboxes: the addresses of the desk, and the state of their IMAP folders."""

from __future__ import annotations

from starlette.responses import Response

from console.web.request_context import Visit
from desk.config import owner_settings
from storage.mail import imap_folders
from storage.people import people


def show(visit: Visit) -> Response:
    health = imap_folders.list_health(visit.session)
    folders = {
        box.id: [one for one in health if one.mailbox_id == box.id] for box in people.all_mailboxes(visit.session)
    }
    teams = {team.id: team.name for team in people.all_teams(visit.session)}
    boxes = people.all_mailboxes(visit.session)
    unfinished = {box.id: owner_settings.unfinished(box.address, box.imap) for box in boxes}
    return visit.html("admin/mailboxes.html", boxes=boxes, folders=folders, teams=teams, unfinished=unfinished)
