"""Commands that must answer at once: help, doctor, refusals. None of them may import what takes seconds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SPY = """
import sys
from trigger.cli import main
code = main(sys.argv[1:])
heavy = {"tensorflow", "tf_keras", "qkeras", "hls4ml", "alkaid", "sklearn", "plotly", "matplotlib"}
print("LOADED", sorted({name.split(".")[0] for name in sys.modules} & heavy), file=sys.stderr)
sys.exit(code)
"""
# The verb doctor stands in for one that is hit by what the frame around the verbs has to handle.
STAND_IN = """
import sys
import trigger.cli.verbs.doctor as doctor
from trigger.cli import main

def verb(options):
    {body}

doctor.verb = verb
sys.exit(main(["doctor"]))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["doctor"], ["data", "nowhere.yaml"], ["swep"]])
def test_light_commands_import_nothing_heavy(python, arguments):
    assert "LOADED []" in python(SPY, *arguments).stderr


def test_the_import_spy_sees_a_heavy_import(python):
    assert "LOADED ['alkaid']" in python("import alkaid" + SPY, "--help").stderr


def test_help_names_every_verb_and_the_exit_codes(trigger):
    done = trigger("--help")
    assert done.returncode == 0
    for word in ("data", "train", "sweep", "generate", "verify", "report", "run", "doctor", "exit codes", "130"):
        assert word in done.stdout


def test_doctor_as_json_is_one_object_and_nothing_else(trigger):
    done = trigger("doctor", "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    by_name = {finding["name"]: finding for finding in found["findings"]}
    assert by_name["qkeras"]["version"] == "0.9.0"
    assert by_name["g++"]["found"] is True
    assert all(finding["purpose"] for finding in found["findings"])
    assert all(finding["remedy"] for finding in found["findings"] if not finding["found"])
    assert found["ready"] is True


def test_doctor_sees_what_is_missing(trigger, tmp_path):
    done = trigger("doctor", PATH=str(tmp_path))
    assert done.returncode == 0
    assert "MISSING g++" in done.stdout
    assert "Not ready" in done.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_with_its_code_and_one_line(number, code, tmp_path):
    body = "import time; print('waiting', file=sys.stderr, flush=True); time.sleep(60)"
    # A shell starts background jobs with SIGINT ignored, and children inherit that: as from a terminal, then.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    process = subprocess.Popen(
        [sys.executable, "-c", heard + STAND_IN.format(body=body)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "waiting\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert out == ""
    assert len(err.splitlines()) == 1


def test_a_defect_keeps_its_traceback(python):
    done = python(STAND_IN.format(body="return 1 / 0"))
    assert done.returncode == 70
    assert "ZeroDivisionError" in done.stderr


def test_chatter_of_libraries_does_not_reach_standard_output(python):
    body = "import os; os.system('echo child'); print('python'); os.write(1, b'c'); return Outcome({'a': 1}, ('line',))"
    code = "from trigger.cli.outcome import Outcome" + STAND_IN.format(body=body)
    done = python(code.replace('"doctor"]', '"doctor", "--json"]'))
    assert json.loads(done.stdout) == {"a": 1}
    assert "child" in done.stderr
    assert "python" in done.stderr


def test_a_result_that_did_not_pass_is_exit_code_1(python):
    code = "from trigger.cli.outcome import Outcome" + STAND_IN.format(body="return Outcome({}, ('no',), passed=False)")
    done = python(code)
    assert done.returncode == 1
    assert done.stdout == "no\n"
