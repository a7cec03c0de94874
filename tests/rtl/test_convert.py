"""``convert``: whole or not at all, and the same bytes for the same inputs."""

from __future__ import annotations

import json

import numpy as np
import pytest
from conftest import tiny_network

import firmware
from firmware import FirmwareSettings, UserError

SETTINGS = FirmwareSettings(clock_period_ns=2.0)


def test_the_same_model_file_gives_the_same_bytes(tiny_project, tmp_path):
    made = firmware.convert(tiny_project / "model" / "model.h5", tmp_path, SETTINGS, name="tiny")
    assert (made / "manifest.json").read_bytes() == (tiny_project / "manifest.json").read_bytes()
    assert firmware.verify(made, checks=["vectors_vs_emulator"]).passed


def test_the_manifest_says_what_was_made(tiny_project):
    data = json.loads((tiny_project / "manifest.json").read_text())
    assert data["schema"] == 1
    assert data["clock_period_ns"] == data["settings"]["clock_period_ns"] == 2.0
    assert [(port["name"], port["direction"], port["shape"]) for port in data["ports"]] == [
        ("x", "input", [2]), ("y", "input", [2]), ("coarse", "output", [3]), ("sums", "output", [2]),
    ]  # fmt: skip
    assert data["ii"] == 1
    assert data["latency_cycles"] == json.loads((tiny_project / "rtl" / "ports.json").read_text())["latency_cycles"]
    assert {"lut", "ff", "dsp", "source"} <= set(data["resources"])
    assert "estimate" in data["resources"]["source"]
    assert {"alkaid", "hls4ml", "qkeras"} <= set(data["packages"])
    files = {"model/model.h5", "model/network.json", "emulator/program.json.gz", "vectors/in_x.npy"}
    assert files <= set(data["files"])


def test_nothing_in_a_project_names_this_machine(tiny_project):
    for path in tiny_project.rglob("*"):
        if path.is_file():
            assert str(tiny_project.parent).encode() not in path.read_bytes(), path


def test_given_events_become_vectors_and_stimulus(tmp_path):
    events = {"x": np.arange(40).reshape(20, 2) % 16, "y": np.arange(40).reshape(20, 2) % 16 - 8}
    made = firmware.convert(tiny_network(), tmp_path, SETTINGS, name="p", events=events)
    np.testing.assert_array_equal(np.load(made / "vectors" / "in_x.npy"), events["x"])
    result = firmware.verify(made, checks=["vectors_vs_emulator"], n_events=100)
    assert result.stimulus["study"] == 20
    assert result.check("vectors_vs_emulator").events == 20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings": FirmwareSettings(clock_period_ns=2.0, latency_budget_ns=4.0)}, r"latency_budget_ns = 4, not \d+"),
        ({"name": "../p"}, "name of a project"),
        ({"model": "model.pkl"}, r"must end in \.h5 or \.keras"),
        ({"model": "absent.h5"}, "must exist"),
        ({"model": object()}, "model must be"),
        ({"events": {"x": np.zeros((3, 2), np.int64)}}, "events must be given for the inputs"),
        ({"events": {"x": np.full((3, 2), 99), "y": np.zeros((3, 2), np.int64)}}, "must be 0 to 15, not 99"),
    ],
)
def test_a_refusal_leaves_nothing(tmp_path, change, message):
    arguments = {"model": tiny_network(), "out_dir": tmp_path / "out", "settings": SETTINGS, "name": "p", **change}
    with pytest.raises(UserError, match=message):
        firmware.convert(**arguments)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_an_interrupt_leaves_the_earlier_project(project_copy, monkeypatch):
    before = (project_copy / "manifest.json").read_bytes()

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("firmware.convert.write_hls", interrupted)
    with pytest.raises(KeyboardInterrupt):
        firmware.convert(tiny_network(), project_copy.parent, SETTINGS, name="tiny")
    assert (project_copy / "manifest.json").read_bytes() == before
    assert [path.name for path in project_copy.parent.iterdir()] == ["tiny"]


def test_functions_and_modules_of_one_name(tiny_project):
    import firmware.convert
    import firmware.verify

    assert firmware.verify(tiny_project, checks=["vectors_vs_emulator"], n_events=5).passed
    assert firmware.verify.verify is not None
    assert callable(firmware.convert)
