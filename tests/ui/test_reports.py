"""Report pages: behind Airflow's login, only from the reports' folder, and unable to run or load anything."""

import pytest
from fastapi.testclient import TestClient

from upkeep.ui.plugin import UpkeepPlugin
from upkeep.ui.reports import build_app


@pytest.fixture
def reports(tmp_path, monkeypatch):
    monkeypatch.setenv("UPKEEP_HOME", str(tmp_path))
    folder = tmp_path / "reports" / "validations"
    folder.mkdir(parents=True)
    (folder / "a.html").write_text("<h1>passed</h1>")
    (folder / "a.txt").write_text("not a report")
    (tmp_path / "secret.json").write_text("{}")
    return folder


@pytest.fixture
def signed_in(reports):
    app = build_app()
    for dependency in app.router.dependencies:
        app.dependency_overrides[dependency.dependency] = lambda: None
    return TestClient(app)


def test_serves_a_page_that_can_neither_run_nor_load_anything(signed_in):
    answer = signed_in.get("/reports/validations/a.html")
    assert answer.text == "<h1>passed</h1>"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


@pytest.mark.parametrize(
    "page", ["validations/gone.html", "validations/a.txt", "..%2fsecret.json", "%2fetc%2fpasswd", "validations"]
)
def test_serves_nothing_else(signed_in, page):
    assert signed_in.get(f"/reports/{page}").status_code == 404


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_has_no_documentation_routes_that_would_bypass_the_login(signed_in, path):
    assert signed_in.get(path).status_code == 404


def test_every_route_asks_for_the_login(reports):
    app = build_app()
    assert app.router.dependencies
    asked = []
    for dependency in app.router.dependencies:
        app.dependency_overrides[dependency.dependency] = lambda: asked.append("login")
    TestClient(app).get("/reports/validations/a.html")
    assert asked == ["login"]


def test_the_plugin_builds_its_application_only_when_asked(reports):
    [app] = UpkeepPlugin().fastapi_apps
    assert app["url_prefix"] == "/upkeep"
