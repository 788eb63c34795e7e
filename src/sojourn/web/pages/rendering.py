"""Templates to answers: the Jinja environment, what every page knows, and the headers that every page carries."""

import gzip
from collections.abc import Mapping
from datetime import tzinfo
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from litestar import Request, Response
from litestar.response import Redirect
from markupsafe import Markup

from sojourn.web.pages import charts, formats, icons, session_picture
from sojourn.web.pages.assets import asset_url
from sojourn.web.services import Services

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding, Cookie",
}
_HTML = "text/html"
_PACK_FROM = 1_000
"""Bytes of a page below which packing is not worth it."""
ZONE_COOKIE = "sojourn_zone"
"""The viewer's time zone, which a module of ours writes."""


def render(
    request: Request[Any, Any, Any],
    services: Services,
    template: str,
    *,
    frontend: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response[bytes]:
    """A page or a part of one. `values` are the template's own."""
    zone = zone_of(request)
    now = services.now()
    actor = request.scope["state"].get("actor")
    page = _environment().get_template(template)
    text = page.render(
        frontend=services.snapshot.by_name.get(frontend) if frontend else None,
        frontends=sorted(services.snapshot.by_name),
        actor=actor,
        may_edit=actor is not None and actor.role in ("admin", "editor"),
        may_administer=actor is not None and actor.role == "admin",
        needs_login=services.needs_login,
        zone=zone,
        now=now,
        query=list(request.query_params.multi_items()),
        path=request.url.path,
        **values,
    )
    return html(request, text, status, headers)


def html(
    request: Request[Any, Any, Any], text: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    """Text as an HTML answer, packed where the browser takes it."""
    body = text.encode("utf-8", "replace")
    sent = {**SECURITY_HEADERS, **(headers or {})}
    if len(body) > _PACK_FROM and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, compresslevel=5, mtime=0)
        sent["Content-Encoding"] = "gzip"
    return Response(body, status_code=status, media_type=_HTML, headers=sent)


def redirect(path: str) -> Redirect:
    """Go on to another page of ours, after a form did its work."""
    return Redirect(path, status_code=303, headers={"Cache-Control": "no-store"})


def page_url(frontend: str, page: str, **query: Any) -> str:
    """The link of a frontend's page; what is None is left out."""
    pairs = [(name.rstrip("_"), value) for name, value in query.items() if value is not None]
    return f"/frontends/{quote(frontend, safe='')}/{page}" + (f"?{urlencode(pairs)}" if pairs else "")


def zone_of(request: Request[Any, Any, Any]) -> tzinfo:
    """The viewer's time zone as far as it is known."""
    return formats.zone_named(request.cookies.get(ZONE_COOKIE, "").replace("%2F", "/"))


def is_partial(request: Request[Any, Any, Any]) -> bool:
    """Whether only a part of the page is asked for, by htmx."""
    return request.headers.get("hx-request") == "true" and "hx-boosted" not in request.headers


@pass_context
def _here(context: Context, **changes: Any) -> str:
    """The link to this page in another state: parameters replaced, dropped where None; a list repeats."""
    names = {name.rstrip("_") for name in changes}
    pairs = [(name, value) for name, value in context["query"] if name not in names and name != "cursor"]
    for name, value in changes.items():
        values = value if isinstance(value, list) else [value]
        pairs += [(name.rstrip("_"), one) for one in values if one is not None and one != ""]
    return str(context["path"]) + ("?" + urlencode(pairs) if pairs else "")


@pass_context
def _url(context: Context, page: str, **query: Any) -> str:
    """The link of a page of the frontend that is shown."""
    return page_url(context["frontend"].name, page, **query)


def _time_filter(shape: str) -> Any:
    """A filter that shows a time: in the viewer's zone, exact on hover; a module of ours keeps relative ones fresh."""

    @pass_context
    def filter_(context: Context, time: int) -> Markup:
        zone = context["zone"]
        shown = formats.relative(time, context["now"], zone) if shape == "ago" else getattr(formats, shape)(time, zone)
        utc = formats.moment(time).replace(tzinfo=None).isoformat(timespec="milliseconds")
        if shape == "clock":  # there are hundreds of them, and they are exact as they are
            return Markup('<time datetime="{}Z" class="clock">{}</time>').format(utc, shown)
        return Markup('<time datetime="{}Z" title="{}" class="{}">{}</time>').format(
            utc, formats.exact(time, zone), shape, shown
        )

    return filter_


@pass_context
def _local(context: Context, time: int) -> str:
    """A time as a field for dates takes it, in the viewer's zone."""
    return f"{formats.moment(time, context['zone']):%Y-%m-%dT%H:%M}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sojourn.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        ago=_time_filter("ago"),
        exact=_time_filter("exact"),
        clock=_time_filter("clock"),
        minute=_time_filter("minute"),
        day=_time_filter("day"),
        duration=formats.duration,
        number=formats.number,
        share=formats.share,
        scalar=formats.scalar,
        shown=formats.shown,
        words=formats.words,
        short=formats.short,
        local=_local,
    )
    environment.globals.update(
        asset=asset_url,
        here=_here,
        url=_url,
        page_url=page_url,
        plural=formats.plural,
        icon=icons.icon,
        device_icon=icons.device_icon,
        sprite=icons.sprite,
        charts=charts,
        session_timeline=session_picture.session_timeline,
    )
    return environment
