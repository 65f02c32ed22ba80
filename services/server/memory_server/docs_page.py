"""The documentation page: Swagger UI from files of this server's own, so that no other site takes part."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>mem0: the API of the memory server</title>
<link rel="stylesheet" href="/docs/files/swagger-ui.css">
<link rel="icon" href="/docs/files/favicon.png">
</head>
<body>
<div id="page"></div>
<script src="/docs/files/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
# A file, for the page's policy forbids scripts that stand in it.
START = 'SwaggerUIBundle({ url: "/openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null });\n'

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def page() -> HTMLResponse:
    """Every route with all its fields, to be tried out with a key."""
    return HTMLResponse(PAGE)


@router.get("/docs/start.js")
async def start() -> Response:
    """What the page does when it has been read."""
    return Response(START, media_type="text/javascript")


def install(app: FastAPI) -> None:
    """Make `app` serve the page. The package is there for its files only."""
    app.include_router(router)
    app.mount("/docs/files", StaticFiles(directory=str(files("fastapi_offline") / "static")))
