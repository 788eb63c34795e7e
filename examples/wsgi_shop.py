"""A Flask application: the user of the login session is asked for at each request.

SOJOURN_KEY=… flask --app examples.wsgi_shop:served run
"""

from collections.abc import Iterator

from flask import Flask, Response

import sojourn
from sojourn.sdk.frameworks.wsgi import SojournMiddleware


def build() -> Flask:
    """The application with its middleware."""
    app = Flask(__name__)

    @app.get("/products/<number>")
    def product(number: str) -> str:
        sojourn.send_event({"name": "viewed", "event_properties.product": number})
        return f"product {number}"

    @app.get("/report")
    def report() -> Response:
        def lines() -> Iterator[str]:
            for number in range(3):
                sojourn.send_event(f"line {number}")
                yield f"{number}\n"

        return Response(lines())

    app.wsgi_app = SojournMiddleware(app.wsgi_app, user=lambda environ: environ.get("REMOTE_USER"))  # type: ignore[method-assign]
    return app


def served() -> Flask:
    """What a WSGI server runs."""
    sojourn.start(frontend="shop")
    return build()
