"""The container files: linted, without a secret, closed to the network, and wired only to what the package reads."""

from __future__ import annotations

import copy
import importlib.util
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
PROMISED = {"postgres", "redis", "s3", "s3-init", "mlflow", "airflow-init", "airflow-api-server"}
PROMISED |= {"airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "airflow-worker"}

SECRET = re.compile(r"PASSWORD|SECRET|FERNET|ACCESS_KEY|TOKEN|(^|_)KEY$")
VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)(:[-?][^}]*)?\}")
PINNED = re.compile(r"[a-z0-9./-]+:(v?\d+\.\d+)[\w.-]*")

Compose = dict[str, Any]


def load(name: str) -> Compose:
    return dict(yaml.safe_load((DOCKER / name).read_text()))


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCKER / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts(node: object) -> Iterator[str]:
    """Every text in a document, whatever holds it."""
    if isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    elif isinstance(node, str):
        yield node


def secret_faults(compose: Compose) -> list[str]:
    """Secrets that are written down, have a default, or may be left empty."""
    found = []
    for text in texts(compose):
        for name, rest in VARIABLE.findall(text):
            if SECRET.search(name) and not rest.startswith(":?"):
                found.append(f"{name} must be required")
        if re.search(r"://[^/@\s]*:(?!\$\{[A-Z0-9_]+:\?)[^/@\s]+@", text):
            found.append(f"a password is written in {text}")
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            literal = not re.fullmatch(r"\$\{[A-Z0-9_]+:\?[^}]+\}", str(value))
            if SECRET.search(key) and literal:
                found.append(f"{name}: {key} is written down")
    return found


def port_faults(compose: Compose) -> list[str]:
    ports = [str(port) for service in compose["services"].values() for port in service.get("ports", [])]
    return [port for port in ports if not port.startswith("${UPKEEP_BIND:-127.0.0.1}:")]


def image_faults(compose: Compose) -> list[str]:
    built = {"${UPKEEP_IMAGE:-upkeep:local}", "upkeep:development"}
    images = {service["image"] for service in compose["services"].values()} - built
    return sorted(image for image in images if not PINNED.fullmatch(image))


def order_faults(compose: Compose) -> list[str]:
    """Services without a health check, and waits for something that never comes."""
    services, found = compose["services"], []
    jobs = {name for name, service in services.items() if service["restart"] == "no"}
    found += [f"{name} has no health check" for name in services.keys() - jobs if "healthcheck" not in services[name]]
    for name, service in services.items():
        for other, wait in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other in jobs else "service_healthy"
            if wait["condition"] != expected:
                found.append(f"{name} waits for {other}: {wait['condition']}, not {expected}")
    return found


def required() -> set[str]:
    found = {name: rest for text in texts(load("compose.yaml")) for name, rest in VARIABLE.findall(text)}
    return {name for name, rest in found.items() if rest.startswith(":?")}


def stages() -> dict[str, str]:
    """The instructions of each stage of the Dockerfile, by name."""
    parts = re.split(r"^FROM (\S+) AS (\S+)$", (DOCKER / "Dockerfile").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[2::3], parts[3::3], strict=True))


def test_hadolint_is_content():
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, DOCKER / "Dockerfile"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["compose.yaml", "compose.dev.yaml"])
def test_compose_files_follow_the_specification(name):
    check = [Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*check, DOCKER / name], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_promised_services_are_there():
    assert load("compose.yaml")["services"].keys() == PROMISED


@pytest.mark.parametrize("check", [secret_faults, port_faults, image_faults, order_faults])
def test_compose_keeps_the_rules(check):
    assert check(load("compose.yaml")) == []


@pytest.mark.parametrize(
    ("check", "service", "change"),
    [
        (secret_faults, "redis", {"environment": {"REDIS_PASSWORD": "hunter2"}}),
        (secret_faults, "redis", {"environment": {"REDIS_PASSWORD": "${REDIS_PASSWORD}"}}),
        (secret_faults, "redis", {"environment": {"REDIS_PASSWORD": "${REDIS_PASSWORD:-redis}"}}),
        (secret_faults, "redis", {"environment": {"URL": "redis://:redis@redis:6379/0"}}),
        (secret_faults, "mlflow", {"command": ["mlflow", "server", "postgresql://a:b@postgres/mlflow"]}),
        (port_faults, "redis", {"ports": ["6379:6379"]}),
        (port_faults, "redis", {"ports": ["${UPKEEP_BIND:-0.0.0.0}:6379:6379"]}),
        (image_faults, "redis", {"image": "redis"}),
        (image_faults, "redis", {"image": "redis:latest"}),
        (image_faults, "redis", {"image": "redis:8"}),
        (order_faults, "redis", {"restart": "no"}),
        (order_faults, "airflow-init", {"restart": "always"}),
    ],
)
def test_a_broken_rule_is_found(check, service, change):
    compose = copy.deepcopy(load("compose.yaml"))
    compose["services"][service] |= change
    assert check(compose)


def test_the_example_environment_lists_every_secret_and_gives_none():
    lines = (DOCKER / ".env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert {name for name, value in given.items() if not value} == required()
    assert not [name for name in given if SECRET.search(name) and given[name]]


def test_git_ignores_the_filled_in_environment():
    done = subprocess.run(["git", "check-ignore", "--quiet", "docker/.env"], cwd=ROOT)
    assert done.returncode == 0


def test_the_package_reads_every_setting_that_the_services_pass_to_it():
    environment = load("compose.yaml")["services"]["airflow-worker"]["environment"]
    source = "".join(file.read_text() for file in (ROOT / "plugins" / "upkeep").rglob("*.py"))
    passed = {name for name in environment if name.startswith(("UPKEEP_", "MLFLOW_"))}
    assert {name for name in passed if name not in source} == set()
    assert {"UPKEEP_HOME", "MLFLOW_TRACKING_URI"} <= passed


def test_the_image_has_either_the_wheel_or_room_for_the_folder():
    parts = stages()
    assert "/wheels" not in parts["development"]
    assert "pip install --no-cache-dir --no-deps --no-index /wheels/*.whl" in parts["production"]
    assert list(parts)[-1] == "production", "the last stage is what a plain build makes"
    installs = re.findall(r"pip install (.*?)(?: \\)?$", parts["dependencies"], flags=re.MULTILINE)
    assert len(installs) == 2
    assert all(line.startswith("--require-hashes --no-deps --requirement /locks/") for line in installs)


@pytest.mark.parametrize("stage", ["development", "production"])
def test_the_image_runs_as_an_ordinary_user(stage):
    assert re.findall(r"^USER (\S+)$", stages()[stage], flags=re.MULTILINE)[-1] == "50000"


def test_the_image_is_built_on_a_pinned_python_and_holds_no_secret():
    text = (DOCKER / "Dockerfile").read_text()
    outside = [base for base in re.findall(r"^FROM (\S+)", text, flags=re.MULTILINE) if base not in stages()]
    assert outside
    assert all(re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base) for base in outside)
    assert not re.search(r"PASSWORD|SECRET|TOKEN", text)


def test_all_that_the_image_copies_is_in_the_repository_and_in_the_build_context():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DOCKER / "Dockerfile").read_text(), flags=re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert {source for source in sources if not (ROOT / source).exists()} == set()
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {s for s in sources if not any(s == entry or s.startswith(f"{entry}/") for entry in allowed)} == set()


def test_the_development_override_mounts_the_folder_everywhere_and_takes_the_image_without_the_wheel():
    built = {name for name, service in load("compose.yaml")["services"].items() if "build" in service}
    services = load("compose.dev.yaml")["services"]
    assert services.keys() == built
    for service in services.values():
        assert service["build"] == {"target": "development"}
        assert "../plugins:/opt/airflow/plugins:ro" in service["volumes"]
        assert "../dags:/opt/airflow/dags:ro" in service["volumes"]


def test_the_shell_script_parses():
    done = subprocess.run(["sh", "-n", DOCKER / "postgres-databases.sh"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def health_page() -> Iterator[str]:
    page = {"metadatabase": {"status": "healthy"}, "scheduler": {"status": "unhealthy"}, "dag_processor": None}

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/api/v2/monitor/health" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(page).encode())

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("component", "code"), [("metadatabase", 0), ("scheduler", 1), ("triggerer", 1), ("dag_processor", 1)]
)
def test_only_a_component_that_is_called_healthy_is_healthy(health_page, component, code):
    assert script("healthy").main([component, "--server", health_page]) == code


def test_a_server_that_does_not_answer_is_not_healthy(capsys):
    assert script("healthy").main(["metadatabase", "--server", "http://127.0.0.1:9"]) == 1
    assert "did not answer" in capsys.readouterr().out


class Buckets:
    """The two calls of an S3 client that are used."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)

    def list_buckets(self) -> dict[str, Any]:
        return {"Buckets": [{"Name": name} for name in self.names]}

    def create_bucket(self, *, Bucket: str) -> None:
        assert Bucket not in self.names, "S3 refuses to make a bucket twice"
        self.names.append(Bucket)


def test_buckets_are_made_once():
    client, make = Buckets("other"), script("make_buckets").make_buckets
    assert make(client, ["mlflow"]) == ["mlflow"]
    assert make(client, ["mlflow", "more"]) == ["more"]
    assert client.names == ["other", "mlflow", "more"]
