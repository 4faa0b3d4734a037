"""The pages for people who write clients: Swagger UI from files of our own, and the document."""

from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from payment_service.api.allowance import Allowance
from payment_service.api.answers import encode
from payment_service.api.visit import visit_of

# Files of the `fastapi_swagger` package, so that the page works with no way to the internet.
FILES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}

_START = """window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "{base}.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    validatorUrl: null,
  });
});
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Payment Service</title>
<link rel="icon" href="{base}/favicon-32x32.png">
<link rel="stylesheet" href="{base}/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{base}/swagger-ui-bundle.js"></script>
<script src="{base}/start.js"></script>
</body>
</html>
"""

# Nothing from elsewhere, no inline scripts; Swagger UI sets styles and draws icons of its own.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


# They are up to 1.7 MB, the largest answers there are, and nobody is asked who he is.
ANSWERS_PER_S = 100


class Docs:
    """Serves the page, its files and the document, which is made when it is first asked for."""

    def __init__(self, prefix: str, make_document: Callable[[], dict[str, Any]]) -> None:
        self._base = f"{prefix}/api-docs"
        self._make_document = make_document
        self._document = b""
        self._allowance = Allowance(ANSWERS_PER_S)

    def prepare(self) -> None:
        """Make the document, which takes half a second, before somebody asks for it."""
        self._document = self._document or encode(self._make_document())

    async def page(self, request: Request) -> Response:
        """The page."""
        visit_of(request.scope).route = self._base
        html = _PAGE.format(base=self._base)
        headers = {"content-security-policy": _POLICY, "cache-control": "no-cache"}
        return Response(html, media_type="text/html", headers=headers)

    async def file(self, request: Request) -> Response:
        """One file of the page."""
        visit_of(request.scope).route = f"{self._base}/{{file}}"
        self._allowance.take()
        name = request.path_params["file"]
        if name == "start.js":
            script = _START.replace("{base}", self._base)
            return Response(script, media_type="text/javascript")
        if name not in FILES:
            raise HTTPException(404)
        headers = {"content-type": FILES[name], "cache-control": "public, max-age=86400"}
        return Response(_bundled(name), headers=headers)

    async def document(self, request: Request) -> Response:
        """The OpenAPI document."""
        visit_of(request.scope).route = f"{self._base}.json"
        self._allowance.take()
        self.prepare()
        return Response(self._document, media_type="application/json")


@lru_cache(maxsize=len(FILES))
def _bundled(name: str) -> bytes:
    return files("fastapi_swagger").joinpath("resources", name).read_bytes()
