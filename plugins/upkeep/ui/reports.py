"""Serves what tasks have written into the workspace's reports, to those who may see plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from upkeep.adapters.workspace import Workspace

if TYPE_CHECKING:
    from fastapi import FastAPI

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
}
#: Reports are self-contained; whatever slipped into one can neither run nor load anything.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def build_app() -> FastAPI:
    """The application; its own documentation routes are off, since they would bypass the login."""
    from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
    from airflow.api_fastapi.core_api.security import requires_access_view
    from fastapi import Depends, FastAPI, HTTPException
    from fastapi.responses import FileResponse

    login = Depends(requires_access_view(AccessView.PLUGINS))
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[login])

    @app.get("/reports/{page:path}", response_model=None)
    def report(page: str) -> FileResponse:
        root = Workspace.from_environment().reports.resolve()
        path = (root / page).resolve()
        if not path.is_relative_to(root) or path.suffix not in _TYPES or not path.is_file():
            raise HTTPException(404, "There is no such report. Open it from the task that made it.")
        return FileResponse(path, media_type=_TYPES[path.suffix], headers=_HEADERS)

    return app
