"""The paths of what the desk learns: accuracy, teaching, rules, categories, and the category of a ticket."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from console import accuracy, actions, categorise, rules, why
from console.accuracy import LEADS
from console.api import tickets as api
from console.api import writing
from console.door import Desk, action, page


def reading(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/accuracy", page(desk, accuracy.show), methods=["GET"]),
        Route("/accuracy/teach", page(desk, accuracy.teach)),
        Route("/accuracy/guesses.csv", page(desk, accuracy.as_csv)),
        Route("/accuracy/guesses.json", page(desk, accuracy.as_json)),
        Route("/rules", page(desk, rules.show), methods=["GET"]),
        Route("/tickets/{ticket_id:int}/why", page(desk, why.show)),
    ]


def acting(desk: Desk) -> list[BaseRoute]:
    leading = {
        "/accuracy/train": accuracy.train,
        "/accuracy/promote": accuracy.promote,
        "/accuracy/rollback": accuracy.roll_back,
        "/rules/add": rules.add,
        "/rules/test": rules.test,
        "/rules/switch": rules.BUTTONS.switch,
        "/rules/remove": rules.BUTTONS.remove,
        "/categories/add": rules.add_category,
        "/categories/retire": rules.retire,
    }
    click = actions.on_ticket(desk, categorise.by_click)
    return [
        *(Route(path, action(desk, act, LEADS), methods=["POST"]) for path, act in leading.items()),
        Route("/tickets/{ticket_id:int}/category", click, methods=["POST"]),
    ]


def machines(desk: Desk) -> list[BaseRoute]:
    category = writing.endpoint(desk, categorise.by_api)
    return [
        Route("/api/v1/accuracy", api.endpoint(desk, api.accuracy)),
        Route("/api/v1/tickets/{ticket_id:int}/category", category, methods=["POST"]),
    ]
