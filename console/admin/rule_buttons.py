"""The buttons that the pages of keyword rules, routing rules and automations share: switch one on or off, remove it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from console.web.request_context import Visit
from storage.db.session import Session

K = TypeVar("K")


class Switch(Protocol):
    def __call__(self, session: Session, rule: Any, /, *, on: bool) -> None: ...


@dataclass(frozen=True)
class RuleButtons(Generic[K]):
    """`place` is the path of the page; `refusal` is the exception of switching, `refused` the page that shows it."""

    place: str
    noun: str
    get: Callable[[Session, str], K | None]
    switch_one: Switch
    remove_one: Callable[[Session, K], object]
    refusal: type[ValueError]
    refused: Callable[[Visit, str], Response]

    def kept(self, visit: Visit, fields: Mapping[str, str]) -> K:
        rule = self.get(visit.session, fields.get("name", ""))
        if rule is None:
            raise HTTPException(404, f"There is no such {self.noun}.")
        return rule

    def switch(self, visit: Visit, fields: Mapping[str, str]) -> Response:
        try:
            self.switch_one(visit.session, self.kept(visit, fields), on=fields.get("on") == "yes")
        except self.refusal as error:
            return self.refused(visit, str(error))
        return RedirectResponse(f"{self.place}?done=switched", 303)

    def remove(self, visit: Visit, fields: Mapping[str, str]) -> Response:
        self.remove_one(visit.session, self.kept(visit, fields))
        return RedirectResponse(f"{self.place}?done=removed", 303)
