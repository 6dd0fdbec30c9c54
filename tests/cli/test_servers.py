"""Server: starts, answers, and ends with its whole tree, however stubborn; a silent one is reported with its log."""

import os
import signal
import sys
import time

import psutil
import pytest

from upkeep.cli import servers
from upkeep.cli.servers import Server, free_port
from upkeep.errors import BackendError

_STUBBORN = """
import http.server, signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
print("child", child.pid, flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
_CRASHING = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
print("child", child.pid, flush=True)
sys.exit("port is taken")
"""


@pytest.fixture(autouse=True)
def _keep_handlers():
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def start(tmp_path):
    """Servers of this test, ended with it whatever happens."""
    started = []

    def of(code, health=None):
        port = free_port()
        address = health or f"http://127.0.0.1:{port}/"
        command = [sys.executable, "-c", code, str(port)]
        started.append(Server(command, os.environ, tmp_path / "logs" / "server.log", address))
        return started[-1]

    yield of
    for server in started:
        server.stop()


def _child(log, timeout=10.0):
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if "child" in log.read_text():
            return psutil.Process(int(log.read_text().split()[1]))
        time.sleep(0.05)
    raise AssertionError(f"no child in {log}")


def _gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_server_that_ignores_the_request_to_end_is_gone_with_its_child(start, tmp_path, monkeypatch):
    monkeypatch.setattr(servers, "STOPPED_WITHIN_S", 1.0)
    server = start(_STUBBORN)
    server.wait()
    child = _child(tmp_path / "logs" / "server.log")
    parent = child.parent()
    assert server.memory_mib() > 1
    server.stop()
    assert _gone(parent)
    assert _gone(child)


def test_children_of_a_server_that_has_crashed_are_ended_too(start, tmp_path, monkeypatch):
    server = start(_CRASHING)
    with pytest.raises(BackendError, match="port is taken"):
        server.wait()
    child = _child(tmp_path / "logs" / "server.log")
    server.stop()
    assert _gone(child)


def test_stopping_twice_is_harmless(start, monkeypatch):
    monkeypatch.setattr(servers, "STOPPED_WITHIN_S", 1.0)
    server = start(_STUBBORN)
    server.wait()
    server.stop()
    server.stop()
    assert server.memory_mib() == 0


def test_a_server_that_never_answers_is_reported_with_the_end_of_its_log(start, monkeypatch):
    monkeypatch.setattr(servers, "STARTED_WITHIN_S", 2.0)
    silent = "import time\nfor n in range(40): print('line', n, flush=True)\ntime.sleep(300)"
    with pytest.raises(BackendError) as silence:
        start(silent).wait()
    message = str(silence.value)
    assert "must answer within 2 s, but did not" in message
    assert message.endswith("line 39")
    assert "line 24\n" not in message


def test_a_server_that_has_ended_is_not_waited_for(start):
    began = time.monotonic()
    with pytest.raises(BackendError, match="no such table"):
        start("import sys; sys.exit('no such table')").wait()
    assert time.monotonic() - began < 10


def test_free_ports_can_be_listened_on():
    import socket

    with socket.create_server(("127.0.0.1", free_port())) as server:
        assert server.getsockname()[0] == "127.0.0.1"
