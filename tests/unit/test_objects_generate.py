"""Generation: files whole or not at all, resumed, the same whatever the number of processes."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import sys
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from sim.events.errors import UserError
from sim.events.objects import generate as generation
from sim.events.objects import jets, sample
from sim.events.objects.__main__ import main
from sim.events.objects.examples import example_objects
from sim.events.objects.generate import (
    GenerationSettings,
    _one_each,
    description,
    generate_events,
    generate_objects,
    ready,
    shard_path,
)
from sim.events.objects.layout import PARTICLES
from sim.events.objects.processes import BACKGROUNDS, DEFAULT_MIX, PROCESSES, SIGNALS
from sim.events.objects.reader import read_events
from sim.events.objects.shard_files import Production, Shard, read_shard, write_shard

SETTINGS = GenerationSettings()
installed = all(importlib.util.find_spec(name) for name in ("pythia8mc", "fastjet"))
needs_pythia = pytest.mark.skipif(not installed, reason="Pythia and fastjet are optional")


@pytest.fixture
def fake(monkeypatch):
    """Small files of events with no physics in them; the list says which were made."""
    made = []

    def events(process, n_events, settings, *, number=0):
        made.append((process, number))
        objects = example_objects(n_events, 100 * list(PROCESSES).index(process) + number)
        return Shard(objects, np.ones(n_events), Production(10 * n_events, 10.0 * n_events, n_events, 5.0))

    monkeypatch.setattr(generation, "SHARD_EVENTS", dict.fromkeys(PROCESSES, 10))
    monkeypatch.setattr(generation, "generate_events", events)
    return made


def test_files_are_made_once(tmp_path, fake):
    steps = []
    first = generate_objects({"w": 25, "lq": 5}, SETTINGS, tmp_path, progress=lambda *step: steps.append(step))
    assert fake == [("w", 0), ("w", 1), ("w", 2), ("lq", 0)]
    assert steps == [(0, 40), (10, 40), (20, 40), (30, 40), (40, 40)]
    assert [len(shard.objects) for shard in first.values()] == [25, 5]
    assert first["w"].production == Production(300, 300.0, 30.0, 5.0)
    assert first["w"].production.efficiency == pytest.approx(0.1)
    # a larger sample starts with the smaller one, and only what is missing is made
    fake.clear()
    second = generate_objects({"w": 40}, SETTINGS, tmp_path)
    assert fake == [("w", 3)]
    np.testing.assert_array_equal(second["w"].objects[:25], first["w"].objects)
    assert ready(SETTINGS, tmp_path) == dict.fromkeys(PROCESSES, 0) | {"w": 40, "lq": 10}


@pytest.mark.parametrize("harm", ["cut", "change", "other"])
def test_a_file_that_is_torn_or_changed_is_made_again(tmp_path, fake, harm, caplog):
    first = generate_objects({"w": 20}, SETTINGS, tmp_path)
    path = shard_path("w", 1, SETTINGS, tmp_path)
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif harm == "change":
        with h5py.File(path, "r+") as file:
            file[PARTICLES][3, 0, 0] = 99.0
    else:
        path.write_bytes(shard_path("w", 0, SETTINGS, tmp_path).read_bytes())
    fake.clear()
    again = generate_objects({"w": 20}, SETTINGS, tmp_path)
    assert fake == [("w", 1)]
    assert "not used and made again" in caplog.text
    np.testing.assert_array_equal(again["w"].objects, first["w"].objects)


def test_other_settings_are_another_folder(tmp_path, fake):
    generate_objects({"w": 10}, SETTINGS, tmp_path)
    other = GenerationSettings(seed=2)
    generate_objects({"w": 10}, other, tmp_path)
    assert fake == [("w", 0), ("w", 0)]
    assert read_shard(shard_path("w", 0, SETTINGS, tmp_path), description("w", other), 0, 10) is None
    assert read_shard(shard_path("w", 0, SETTINGS, tmp_path), description("w", SETTINGS), 0, 10) is not None


def test_a_run_that_dies_leaves_whole_files_alone(tmp_path, fake, monkeypatch):
    working = generation.generate_events

    def dies(process, n_events, settings, *, number=0):
        if number == 1:
            raise KeyboardInterrupt
        return working(process, n_events, settings, number=number)

    monkeypatch.setattr(generation, "generate_events", dies)
    with pytest.raises(KeyboardInterrupt):
        generate_objects({"w": 30}, SETTINGS, tmp_path)
    folder = shard_path("w", 0, SETTINGS, tmp_path).parent
    assert [path.name for path in folder.iterdir()] == ["w-00000.h5"]
    (folder / ".w-00001.h5.999999999.tmp").write_bytes(b"half")
    monkeypatch.setattr(generation, "generate_events", working)
    generate_objects({"w": 30}, SETTINGS, tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == [f"w-0000{i}.h5" for i in range(3)]


def test_a_file_is_the_same_to_the_byte_and_in_the_layout_of_the_challenge(tmp_path):
    shard = Shard(example_objects(30, 1), np.linspace(0.1, 1, 30), Production(60, 60.0, 30.0, 1.0))
    for name in ("a.h5", "b.h5"):
        write_shard(tmp_path / name, shard, {"seed": 1}, 0)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    objects, weight = read_events(tmp_path / "a.h5")
    np.testing.assert_array_equal(objects, shard.objects)
    np.testing.assert_array_equal(weight, shard.weight)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file[PARTICLES].shape == (30, 19, 4)
        assert [name.decode() for name in file["Particles_Names"]] == ["Pt", "Eta", "Phi", "Class"]
        assert file["Particles_Classes"][3] == b"Ten_Jet_class_4"


def test_a_folder_that_cannot_be_written_is_said(tmp_path, fake):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="must be writable"):
        generate_objects({"w": 10}, SETTINGS, tmp_path / "file")


@pytest.mark.parametrize(("counts", "says"), [({"x": 1}, "process must be one of w, qcd"), ({"w": 0}, "events of w")])
def test_bad_counts_are_refused(tmp_path, counts, says):
    with pytest.raises(UserError, match=says):
        generate_objects(counts, SETTINGS, tmp_path)


def test_the_command(tmp_path, fake, capsys):
    assert main(["generate", str(tmp_path), "w=20"]) == 0
    assert "20 of 20 events" in capsys.readouterr().err
    assert main(["generate", str(tmp_path), "x=20"]) == 2
    assert "process must be one of" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["generate", str(tmp_path), "w"])


def test_the_command_that_makes_the_sample(tmp_path, fake, monkeypatch):
    monkeypatch.setattr("sim.events.objects.__main__.SAMPLE_EVENTS", {"w": 10, "qcd": 5})
    assert main(["sample", str(tmp_path), "--out", str(tmp_path / "new.parquet")]) == 0
    assert {name: len(events[0]) for name, events in sample.read_sample(tmp_path / "new.parquet").items()} == {
        "w": 10,
        "qcd": 5,
    }


def test_tries_are_capped(monkeypatch):
    nothing = SimpleNamespace(infoPython=lambda: None)
    monkeypatch.setattr(generation, "_start", lambda process, seed: nothing)
    batches = []

    def batch(process, generator, detector):
        batches.append(process.name)
        empty = SimpleNamespace(n_events=50)
        return empty, np.arange(50), np.ones(50)

    monkeypatch.setattr(generation, "_batch", batch)
    no_event = (np.zeros(0, dtype=np.int64), np.zeros((0, 19, 3), dtype=np.float32))
    monkeypatch.setattr(generation, "reconstruct", lambda *args: no_event)
    with pytest.raises(RuntimeError, match="200 collisions of w gave 0 of 3 events"):
        generate_events("w", 3, SETTINGS, max_tries=200)
    assert len(batches) == 4


def test_one_event_of_each_collision():
    rng = np.random.default_rng(1)
    # events 0..6 of collisions 0, 0, 0, 2, 3, 3, 4, of which these passed
    collision = np.array([0, 0, 0, 2, 3, 3, 4])
    event = np.array([0, 1, 2, 4, 5, 6])
    taken = np.zeros(len(event))
    for _ in range(3000):
        chosen, count = _one_each(event, collision, rng)
        assert collision[event[chosen]].tolist() == [0, 3, 4]
        assert count.tolist() == [3, 2, 1]
        taken[chosen] += 1
    np.testing.assert_allclose(taken / 3000, [1 / 3] * 3 + [1 / 2] * 2 + [1], atol=0.04)
    # with one each there is no choice, and no random number
    before = rng.bit_generator.state
    chosen, count = _one_each(np.array([1, 4]), np.arange(6), rng)
    assert chosen.tolist() == [0, 1]
    assert count.tolist() == [1, 1]
    assert rng.bit_generator.state == before


def test_processes_are_those_of_the_study():
    assert set(DEFAULT_MIX) == set(BACKGROUNDS) == {"w", "qcd", "z", "tt"}
    assert sum(DEFAULT_MIX.values()) == pytest.approx(1)
    assert set(SIGNALS) == {"a4l", "lq", "h0", "hplus"}
    for name, process in PROCESSES.items():
        described = description(name, SETTINGS)
        assert set(process.lines) <= set(described["pythia_settings"])
        assert ("redecayed" in described) == (name in ("qcd", "lq", "h0", "hplus"))


def test_a_missing_package_is_said_with_its_name(monkeypatch):
    for package in ("pythia8mc", "fastjet"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=r"source must be 'shipped' or 'files' .*pip install pythia8mc"):
        generate_events("w", 1, SETTINGS)
    with pytest.raises(UserError, match=r"source must be 'shipped' or 'files' .*pip install fastjet"):
        jets.anti_kt(1, np.zeros(1, dtype=int), np.ones((1, 4)), 0.4, 1.0)


@contextlib.contextmanager
def standard_output():
    """All that goes to standard output, from C++ too."""
    sys.stdout.flush()
    kept, (reading, writing) = os.dup(1), os.pipe()
    os.dup2(writing, 1)
    text = io.StringIO()
    try:
        yield text
    finally:
        os.dup2(kept, 1)
        os.close(writing)
        os.close(kept)
        with os.fdopen(reading) as stream:
            text.write(stream.read())


@needs_pythia
def test_jets_of_two_events_and_no_banner():
    def massless(pt, eta, phi):
        return [pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)]

    momenta = np.array([massless(30, 0, 0), massless(20, 0.1, 0.1), massless(40, 2, 1), massless(9, 0, 3)])
    with standard_output() as text:
        event, found = jets.anti_kt(4, np.array([3, 3, 3, 1]), momenta, 0.4, 5.0)
    assert text.getvalue() == ""
    assert event.tolist() == [1, 3, 3]
    np.testing.assert_allclose(found[0], momenta[3], rtol=1e-6)
    order = np.argsort(found[1:, 2])
    np.testing.assert_allclose(found[1:][order], [momenta[0] + momenta[1], momenta[2]], rtol=1e-6)
    assert len(jets.anti_kt(2, np.zeros(0, dtype=int), np.zeros((0, 4)), 0.4, 5.0)[0]) == 0


@needs_pythia
def test_pythia_itself():
    with standard_output() as text:
        first, second = (generate_events("w", 2, SETTINGS) for _ in range(2))
    assert text.getvalue() == ""
    np.testing.assert_array_equal(first.objects, second.objects)
    assert first.objects.shape == (2, 19, 3)
    assert np.all(np.maximum(first.objects[:, 1, 0], first.objects[:, 5, 0]) > 23)
    np.testing.assert_array_equal(first.weight, 1)
    assert first.production.n_generated >= 2
    assert 1e4 < first.production.cross_section_pb < 1e5


@needs_pythia
def test_pythia_with_decays_again_and_again():
    shard = generate_events("qcd", 2, SETTINGS, number=3)
    assert np.all(np.maximum(shard.objects[:, 1, 0], shard.objects[:, 5, 0]) > 23)
    assert set(np.round(shard.weight * 10, 9)) <= set(range(1, 11))
    assert shard.production.weight_selected == pytest.approx(shard.weight.sum())
    assert shard.production.n_generated == shard.production.weight_generated


def test_the_shipped_sample_says_where_it_comes_from():
    import json

    import pyarrow.parquet as pq

    metadata = pq.read_schema(sample.SAMPLE_FILE).metadata
    about = json.loads(metadata[b"about"])
    assert set(about) == set(PROCESSES)
    for name, described in about.items():
        # JSON has lists where Python has tuples
        assert described | json.loads(json.dumps(description(name, SETTINGS))) == described
        assert 0 < described["efficiency"] < 1
    assert sample.SAMPLE_FILE.stat().st_size < 1_500_000


def test_a_sample_there_and_back(tmp_path):
    shards = {
        name: Shard(example_objects(50, i), np.linspace(0.1, 1, 50), Production(100, 100.0, 50.0, 2.0))
        for i, name in enumerate(("w", "lq"))
    }
    path = tmp_path / "sample.parquet"
    sample.write_sample(path, shards, SETTINGS)
    found = sample.read_sample(path)
    assert list(found) == ["w", "lq"]
    for name, (objects, weight) in found.items():
        true = shards[name].objects
        np.testing.assert_array_equal(objects[:, :, 0] > 0, true[:, :, 0] > 0)
        assert np.abs(objects - true)[:, :, 0].max() <= 1 / 64 + 1e-4
        assert np.abs(objects - true)[:, :, 1].max() <= 2.0**-13 + 1e-6
        turned = np.exp(1j * objects[:, :, 2]) - np.exp(1j * true[:, :, 2])
        assert np.abs(turned).max() < 1e-4
        np.testing.assert_allclose(weight, shards[name].weight, rtol=1e-6)
    with pytest.raises(ValueError, match="read-only"):
        found["w"][0][0, 0, 0] = 5
    content = path.read_bytes()
    (tmp_path / "cut.parquet").write_bytes(content[:-50])
    with pytest.raises(UserError, match="must be intact"):
        sample.read_sample(tmp_path / "cut.parquet")
