"""The service as it is started: its own process, its own port."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

from .test_settings import NEEDED


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | NEEDED | {"PORT": "0", "DRAIN_MS": "0"}
    started = subprocess.Popen([sys.executable, "-m", "app"], env=environment, stdout=subprocess.PIPE, text=True)
    yield started
    started.kill()
    started.wait()
    if started.stdout:
        started.stdout.close()


def next_line(process: subprocess.Popen[str], message: str) -> dict[str, object]:
    """The next line of log that says this."""
    assert process.stdout
    for line in process.stdout:
        said: dict[str, object] = json.loads(line)
        if said["message"] == message:
            return said
    pytest.fail(f"it never said {message}")


def test_it_answers_over_the_network_and_ends_well_when_told(process: subprocess.Popen[str]) -> None:
    port = next_line(process, "listening")["port"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
        assert json.load(answer) == {"ok": True}
    process.send_signal(signal.SIGTERM)
    next_line(process, "stopped")
    assert process.wait(timeout=20) == 0


def test_a_setting_that_is_wrong_ends_it_with_a_sentence() -> None:
    environment = os.environ | NEEDED | {"PORT": "no"}
    ended = subprocess.run([sys.executable, "-m", "app"], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == 'error: PORT is "no", and must be a port, 0 to 65535\n'
