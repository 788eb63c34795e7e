"""The root: the only frontend at once, or all of them; and a new one."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body

from sojourn.query.frontends import frontend_figures
from sojourn.rules.sessions import FrontendType
from sojourn.settings.errors import SettingsError
from sojourn.web.access import actor_of, administrator, reader
from sojourn.web.pages.rendering import page_url, redirect, render
from sojourn.web.services import Services

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
"""The fields of an HTML form."""


def text_of(form: dict[str, Any], name: str, default: str = "") -> str:
    """One field of a form; of a repeated one the last."""
    value = form.get(name, default)
    return str(value[-1] if isinstance(value, list) and value else value or default)


@get("/", guards=[reader], sync_to_thread=True, include_in_schema=False)
def home(request: Request[Any, Any, Any], services: Services) -> Response[Any]:
    """All frontends with their figures; where there is one alone, its overview."""
    names = sorted(services.snapshot.by_name)
    if len(names) == 1 and "all" not in request.query_params:
        return redirect(page_url(names[0], "overview"))
    figures = frontend_figures(services.store.engine, services.now())
    return render(request, services, "home.html", section="", figures=figures, error=None, name="", type="web")


@post("/frontends", guards=[administrator], sync_to_thread=True, include_in_schema=False)
def add_frontend(request: Request[Any, Any, Any], services: Services, data: Form) -> Response[Any]:
    """Make a frontend and show how to send to it."""
    name, kind = text_of(data, "name").strip(), text_of(data, "type", "web")
    try:
        kind = kind if kind in list(FrontendType) else "other"
        services.settings.add_frontend(name, FrontendType(kind), actor=actor_of(request).name)
    except SettingsError as error:
        figures = frontend_figures(services.store.engine, services.now())
        return render(
            request,
            services,
            "home.html",
            status=422,
            section="",
            figures=figures,
            error=error.message,
            name=name,
            type=kind,
        )
    services.refresh()
    return redirect(page_url(name, "start"))


HANDLERS: list[Any] = [home, add_frontend]
