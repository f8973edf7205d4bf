"""Searches on several machines; over loopback, this one stands for all of them."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from recipes._runner import join, machines
from tests.runner import tiny
from tests.runner.test_tune_command import leaderboard, wait_until, workers


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.5:7000", ("10.0.0.5", 7000)),
        ("7000", ("127.0.0.1", 7000)),  # of this machine only
        ("chief.lan:1", ("chief.lan", 1)),
        ("[::1]:7000", ("[::1]", 7000)),
    ],
)
def test_addresses(text, address):
    assert machines.address(text) == address


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--chief", "here"], "invalid address such as 10.0.0.5:7000 value: 'here'"),
        (["--chief", "a:0"], "invalid address such as 10.0.0.5:7000"),
        (["--workers", "0"], "only a chief with others (--chief) needs no worker here"),
        (["--workers", "-1"], "invalid whole number value: '-1'"),
        (["--chief", "7000", "--worker-of", "7001"], "--worker-of goes with neither --chief nor"),
    ],
)
def test_wrong_flags_are_one_line(flags, said, tmp_path, capsys):
    assert tiny.main(["tune", "tiny", "--output", str(tmp_path), *flags]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_port_in_use_is_one_line(loopback, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        flags = ["--tuner", "random", "--chief", port, "--output", str(tmp_path)]
        assert tiny.main(["tune", "tiny", *flags]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert f"--chief 127.0.0.1:{port}: this machine cannot listen there" in error
    assert machines.chief(tmp_path / "tuning-random") is None


def test_no_search_and_no_chief_are_one_line(loopback, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(join, "PATIENCE", 0.0)
    command = ["tune", "tiny", "--output", str(tmp_path), "--worker-of"]
    assert tiny.main([*command, "7000"]) == 2
    assert "no search runs there: start the one with --chief first" in capsys.readouterr().err
    folder = tmp_path / "tuning-random"
    folder.mkdir()
    machines.announce(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    assert tiny.main([*command, port]) == 2
    assert f"--worker-of 127.0.0.1:{port}: nobody answers there" in capsys.readouterr().err


def test_the_search_that_began_last_is_joined(tmp_path):
    for number, name in enumerate(["smoke/tuning-grid", "tuning-random", "tuning-bayesian"]):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        machines.announce(folder)
        os.utime(folder / "chief.json", (number, number))
    machines.withdraw(tmp_path / "tuning-bayesian")
    assert join.find_search(tmp_path) == tmp_path / "tuning-random"


# Signs of life


def sign(folder, name, text):
    (folder / "alive").mkdir(exist_ok=True)
    (folder / "alive" / name).write_text(text)


def test_silent_gone_and_dead_workers_are_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(machines, "SILENCE", 10.0)
    now = 0.0
    monkeypatch.setattr(machines.time, "monotonic", lambda: now)
    signs = machines.Signs(tmp_path)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    sign(tmp_path, "silent", "elsewhere 1 chief 0")
    sign(tmp_path, "gone", "elsewhere 2 chief 0")
    sign(tmp_path, "dead", f"{socket.gethostname()} {dead.pid} chief 0")
    sign(tmp_path, "well", f"{socket.gethostname()} {os.getpid()} chief 0")
    names = ("silent", "gone", "well", "not seen yet")
    assert [signs.lost(name) for name in names] == [None] * 4
    assert signs.lost("dead") == "it has died"
    now = 9.0
    (tmp_path / "alive" / "gone").unlink()
    sign(tmp_path, "well", f"{socket.gethostname()} {os.getpid()} chief 1")
    assert [signs.lost(name) for name in names] == [None, "it has left", None, None]
    now = 11.0
    silence = "no sign of life for 10 s"
    assert [signs.lost(name) for name in names] == [silence, "it has left", None, silence]


def test_worker_lives_until_it_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(machines, "PULSE", 0.05)
    signs = machines.Signs(tmp_path)
    with machines.living(tmp_path, "me"):
        first = (tmp_path / "alive" / "me").read_text()
        wait_until(lambda: (tmp_path / "alive" / "me").read_text() != first, 10)
        assert signs.lost("me") is None
    assert signs.names() == []


def test_worker_leaves_when_its_chief_is_another(tmp_path, monkeypatch):
    left = []
    monkeypatch.setattr(machines, "PULSE", 0.05)
    monkeypatch.setattr(machines.os, "_exit", left.append)
    machines.announce(tmp_path)
    with machines.living(tmp_path, "me"):
        machines.withdraw(tmp_path)  # a search that is over ends its workers otherwise
        time.sleep(0.2)
        assert not left
        machines.withdraw(tmp_path)
        (tmp_path / "chief.json").write_text(json.dumps({"id": "another"}))
        wait_until(lambda: left, 10)
    assert left[0] == machines.ANOTHER_CHIEF


def test_chief_waits_for_the_workers_of_an_earlier_one(tmp_path):
    sign(tmp_path, "near", f"{socket.gethostname()} {os.getpid()} chief 0")
    thread = threading.Thread(target=machines.announce, args=(tmp_path,))
    thread.start()
    wait_until(lambda: machines.chief(tmp_path), 10)
    time.sleep(0.5)
    assert thread.is_alive()
    sign(tmp_path, "new", f"elsewhere 1 {machines.chief(tmp_path)} 0")  # its own need not leave
    (tmp_path / "alive" / "near").unlink()
    thread.join(10)
    assert not thread.is_alive()


# In full


@pytest.fixture
def port(loopback):
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


@pytest.fixture
def start(tmp_path):
    """Starts `tune tiny` in processes that end with the test."""
    begun = []

    def start(*flags, folder="search"):
        command = [sys.executable, "-m", "tests.runner.tiny", "tune", "tiny", *flags]
        command += ["--output", str(tmp_path / folder)]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        with open(tmp_path / f"said-{len(begun)}", "w") as said:
            begun.append(subprocess.Popen(command, env=environment, stdout=said, stderr=said))
        begun[-1].said = tmp_path / f"said-{len(begun) - 1}"
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.wait()


def ended_well(process):
    status = process.wait(900)
    return status == 0 or pytest.fail(process.said.read_text())


def results(folder):
    rows = leaderboard(folder, "random")
    return sorted((row["trial"], row["hyperparameters"]["units"], row["score"]) for row in rows)


def running(folder):
    """The names of the workers that have given signs of life."""
    return machines.Signs(folder / "tuning-random").names()


SEARCH = ("--tuner", "random", "--trials", "3", "--epochs", "12", "--seed", "3")


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one machine finds."""
    folder = tmp_path_factory.mktemp("alone")
    command = [sys.executable, "-m", "tests.runner.tiny", "tune", "tiny", *SEARCH]
    subprocess.run([*command, "--output", str(folder)], check=True, capture_output=True)
    return results(folder)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_machines_find_what_one_finds_though_a_worker_is_killed(start, port, tmp_path, alone):
    chief = start(*SEARCH, "--chief", port, "--workers", "0")
    other = start("--worker-of", port)
    place = tmp_path / "search"
    wait_until(lambda: running(place), 600)
    wait_until(lambda: list(place.glob("tuning-random/trials/trial_*/epoch.json")), 600)
    os.kill(workers(place)[0], signal.SIGKILL)
    assert ended_well(chief)
    assert ended_well(other)
    assert results(place) == alone
    assert "The search is over." in other.said.read_text()
    assert not (place / "tuning-random" / "chief.json").exists()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_machine_that_is_lost_costs_no_trial(start, port, tmp_path, alone):
    """Both the worker and what would take back its sign of life are killed."""
    chief = start(*SEARCH, "--chief", port, "--workers", "0")
    lost = start("--worker-of", port)
    place = tmp_path / "search"
    wait_until(lambda: list(place.glob("tuning-random/trials/trial_*/epoch.json")), 600)
    lost.kill()
    for worker in workers(place):
        os.kill(worker, signal.SIGKILL)
    other = start("--worker-of", port)
    assert ended_well(chief)
    assert ended_well(other)
    assert results(place) == alone


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_chief_that_is_killed_and_started_again_goes_on(start, port, tmp_path, alone):
    chief = start(*SEARCH, "--chief", port, "--workers", "0")
    other = start("--worker-of", port)
    place = tmp_path / "search"
    wait_until(lambda: list(place.glob("tuning-random/trials/trial_*/epoch.json")), 600)
    chief.kill()
    chief.wait()
    again = start(*SEARCH, "--chief", port, "--workers", "0")
    assert ended_well(again)
    assert ended_well(other)
    assert results(place) == alone


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_machine_whose_chief_does_not_come_back_says_so(start, port, tmp_path):
    chief = start(*SEARCH, "--chief", port, "--workers", "0")
    other = start("--worker-of", port)
    wait_until(lambda: running(tmp_path / "search"), 600)
    chief.kill()
    assert other.wait(300) == 2
    last = other.said.read_text().splitlines()[-1]
    assert f"the chief at 127.0.0.1:{port} does not answer any more; once it runs again" in last
