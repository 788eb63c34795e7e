"""Settings, Discards: the ledger of what was left out of events, with the way to define it."""

from typing import Any

import msgspec
from litestar import Request, Response, get

from sojourn.query.answers import DiscardEntry
from sojourn.query.discards import discards
from sojourn.rules.names import name_problem, split_name
from sojourn.rules.values import data_type_of
from sojourn.web.access import reader
from sojourn.web.pages.rendering import page_url, render
from sojourn.web.services import Services

REASONS = {
    "undefined": "No definition has this name",
    "invalid_name": "The name breaks the rules for property names",
    "type_mismatch": "The value does not fit the defined data type",
    "invalid_value": "The value is no string, boolean or finite number",
    "too_many": "The event had more than 50 properties, or one in two spellings",
}


@get("/frontends/{frontend:str}/settings/discards", guards=[reader], sync_to_thread=True, include_in_schema=False)
def ledger_page(request: Request[Any, Any, Any], services: Services, frontend: str) -> Response[Any]:
    """The ledger; `reason` narrows it."""
    scope = services.scope(frontend)
    lines = discards(scope)
    reason = request.query_params.get("reason", "")
    totals = {name: sum(line.count for line in lines if line.reason == name) for name in REASONS}
    return render(
        request,
        services,
        "settings/discards.html",
        frontend=frontend,
        section="settings",
        tab="discards",
        lines=[
            (line, _cure(frontend, line, scope.catalog.find(line.key))) for line in lines if reason in ("", line.reason)
        ],
        totals=totals,
        reason=reason,
        reasons=REASONS,
        days=services.frontend(frontend).discard_retention_days,
    )


def _cure(frontend: str, line: DiscardEntry, definition: Any) -> tuple[str, str] | None:
    """What would keep such values from now on: a label and a link."""
    split = split_name(line.key)
    if definition is not None:
        if line.reason == "type_mismatch":
            return "Change type", page_url(frontend, "settings/properties", edit=definition.name)
        return None
    if line.reason != "undefined" or split is None or name_problem(line.key, split[0]):
        return None
    return "Define", page_url(
        frontend, "settings/properties", add=split[0].value, field=split[1], type=_guess(line.sample)
    )


def _guess(sample: str | None) -> str:
    """The data type that a sample value, which may be cut, speaks for."""
    if sample is None:
        return "string"
    try:
        return data_type_of(msgspec.json.decode(sample)).value
    except (msgspec.DecodeError, TypeError, ValueError):
        return "string"


HANDLERS: list[Any] = [ledger_page]
