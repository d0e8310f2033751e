"""Routes of classification: accuracy, labelling, keyword rules, categories, and the category of a ticket."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from console.admin import keyword_rules
from console.api import tickets as api
from console.insight import accuracy
from console.tickets import actions, category_explanation, set_category
from console.web.api_reading import read_endpoint
from console.web.api_writing import write_endpoint
from console.web.request_context import Desk, action, page
from desk.access.permissions import Verb


def page_routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/accuracy", page(desk, accuracy.show), methods=["GET"]),
        Route("/accuracy/teach", page(desk, accuracy.tickets_to_label)),
        Route("/accuracy/guesses.csv", page(desk, accuracy.as_csv)),
        Route("/accuracy/guesses.json", page(desk, accuracy.as_json)),
        Route("/rules", page(desk, keyword_rules.show), methods=["GET"]),
        Route("/tickets/{ticket_id:int}/why", page(desk, category_explanation.show)),
    ]


def action_routes(desk: Desk) -> list[BaseRoute]:
    leading = {
        "/accuracy/train": accuracy.train,
        "/accuracy/promote": accuracy.promote,
        "/accuracy/rollback": accuracy.roll_back,
        "/rules/add": keyword_rules.add,
        "/rules/test": keyword_rules.test,
        "/rules/switch": keyword_rules.BUTTONS.switch,
        "/rules/remove": keyword_rules.BUTTONS.remove,
        "/categories/add": keyword_rules.add_category,
        "/categories/retire": keyword_rules.retire_category,
    }
    click = actions.on_ticket(desk, set_category.set_from_form)
    return [
        *(Route(path, action(desk, act, Verb.MANAGE), methods=["POST"]) for path, act in leading.items()),
        Route("/tickets/{ticket_id:int}/category", click, methods=["POST"]),
    ]


def api_routes(desk: Desk) -> list[BaseRoute]:
    category = write_endpoint(desk, set_category.set_from_api)
    return [
        Route("/api/v1/accuracy", read_endpoint(desk, api.accuracy)),
        Route("/api/v1/tickets/{ticket_id:int}/category", category, methods=["POST"]),
    ]
