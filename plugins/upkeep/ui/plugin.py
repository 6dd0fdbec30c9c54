"""The plugin that Airflow loads: the pages that operator links lead to."""

from __future__ import annotations

import logging
from typing import Any

from airflow.plugins_manager import AirflowPlugin


class _Apps:
    """Builds the web application when the api-server asks for it: task processes load plugins too, and must not pay."""

    def __get__(self, instance: object, owner: type) -> list[dict[str, Any]]:
        try:
            from upkeep.ui.reports import build_app

            return [{"app": build_app(), "url_prefix": "/upkeep", "name": "Upkeep"}]
        except (ImportError, RuntimeError):
            # An error here would take Airflow's api-server down with it.
            logging.getLogger(__name__).exception("Upkeep's pages cannot be served")
            return []


class UpkeepPlugin(AirflowPlugin):
    """Serves validation pages and health pictures behind Airflow's login."""

    name = "upkeep"
    fastapi_apps = _Apps()
