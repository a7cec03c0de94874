"""The anomaly study's events: background alone to train on, mixtures by weight, the same every time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.events.errors import UserError
from sim.events.objects import dataset
from sim.events.objects.dataset import AnomalyDatasetSettings, load_anomaly_dataset, require_background_only
from sim.events.objects.examples import example_objects
from sim.events.objects.layout import ObjectEvents, joined
from sim.events.objects.processes import BACKGROUNDS, DEFAULT_MIX, PROCESS_NAMES, PROCESSES, SIGNALS
from sim.events.objects.shard_files import Production, Shard, write_shard

COUNTS = {"w": 400, "qcd": 300, "z": 200, "tt": 100, "a4l": 90, "lq": 80, "h0": 70, "hplus": 60}
FILES = {name: i for i, name in enumerate(PROCESS_NAMES)}


@pytest.fixture
def files(tmp_path):
    """A file of each process, with weights from 1 to 2 in one of them."""
    paths = {}
    for name, count in COUNTS.items():
        weight = np.linspace(1, 2, count) if name == "qcd" else np.ones(count)
        shard = Shard(example_objects(count, FILES[name]), weight, Production(count, count, count, 1.0))
        write_shard(tmp_path / f"{name}.h5", shard, {}, 0)
        paths[name] = str(tmp_path / f"{name}.h5")
    return paths


@pytest.fixture
def settings(files):
    return AnomalyDatasetSettings(
        source="files",
        n_events={},
        background_files={name: files[name] for name in BACKGROUNDS},
        signal_files={name: files[name] for name in SIGNALS},
    )


def test_the_parts_share_no_event_and_lose_none(settings, tmp_path):
    parts = load_anomaly_dataset(settings, tmp_path)
    assert list(parts) == ["train", "validation", "test"]
    everything = joined(list(parts.values()))
    assert len(everything) == sum(COUNTS.values())
    assert len(np.unique(everything.objects.reshape(len(everything), -1), axis=0)) == len(everything)
    for name, count in COUNTS.items():
        found = [int(part.of(name).sum()) for part in parts.values()]
        assert sum(found) == count
        if name in BACKGROUNDS:
            assert found == [round(0.5 * count), round(0.65 * count) - round(0.5 * count), count - round(0.65 * count)]


def test_no_signal_event_is_trained_on(settings, tmp_path):
    parts = load_anomaly_dataset(settings, tmp_path)
    names = {parts["train"].process_names[code] for code in np.unique(parts["train"].process)}
    assert names == set(BACKGROUNDS)
    # by content, whatever the code says
    seen = {event.tobytes() for event in parts["train"].objects}
    for name in SIGNALS:
        assert not seen & {event.tobytes() for event in example_objects(COUNTS[name], FILES[name])}
    # a signal that is held out of the choice is tested on alone
    assert not parts["validation"].of("hplus").any()
    assert parts["test"].of("hplus").sum() == COUNTS["hplus"]
    for name in ("a4l", "lq", "h0"):
        assert 0 < parts["validation"].of(name).sum() < parts["test"].of(name).sum()


def test_a_planted_signal_is_found(settings, tmp_path):
    parts = load_anomaly_dataset(settings, tmp_path)
    train, test = parts["train"], parts["test"]
    require_background_only(train, test, SIGNALS)
    code = train.process.copy()
    code[5] = PROCESS_NAMES.index("lq")
    with pytest.raises(RuntimeError, match="1 events of the signal lq"):
        require_background_only(replace(train, process=code), test, SIGNALS)
    objects = train.objects.copy()
    objects[3] = test.objects[test.of("h0")][0]
    with pytest.raises(UserError, match="1 of its events equal events of h0"):
        require_background_only(replace(train, objects=objects), test, SIGNALS)


def test_a_background_file_that_holds_signal_is_refused(settings, files, tmp_path):
    content = (tmp_path / "a4l.h5").read_bytes()
    (tmp_path / "w.h5").write_bytes(content)
    with pytest.raises(UserError, match="must hold no signal"):
        load_anomaly_dataset(settings, tmp_path)


def test_weights_make_the_mixture(settings, tmp_path):
    for mix in (DEFAULT_MIX, {"w": 0.1, "qcd": 0.2, "z": 0.3, "tt": 0.4}):
        for part in load_anomaly_dataset(replace(settings, mix=mix), tmp_path).values():
            background = np.isin(part.process, [PROCESS_NAMES.index(name) for name in BACKGROUNDS])
            assert part.weight[background].mean() == pytest.approx(1)
            for name in BACKGROUNDS:
                share = part.weight[part.of(name)].sum() / part.weight[background].sum()
                assert share == pytest.approx(mix[name] / sum(mix.values()))
            for name in SIGNALS:
                if part.of(name).any():
                    np.testing.assert_allclose(part.weight[part.of(name)], 1)
            # weights within a process stay relative to each other
            of_qcd = part.weight[part.of("qcd")]
            assert 1.5 < of_qcd.max() / of_qcd.min() < 2.001


def test_the_same_settings_give_the_same_events(settings, tmp_path):
    first, second = (load_anomaly_dataset(settings, tmp_path) for _ in range(2))
    other = load_anomaly_dataset(replace(settings, seed=2), tmp_path)
    for split in dataset.SPLITS:
        np.testing.assert_array_equal(first[split].objects, second[split].objects)
        np.testing.assert_array_equal(first[split].weight, second[split].weight)
        np.testing.assert_array_equal(first[split].process, second[split].process)
    assert not np.array_equal(first["train"].objects, other["train"].objects)


def test_leaving_a_signal_out_changes_nothing_else(settings, tmp_path):
    with_all = load_anomaly_dataset(settings, tmp_path)
    fewer = {name: path for name, path in settings.signal_files.items() if name != "lq"}
    without = load_anomaly_dataset(replace(settings, signal_files=fewer), tmp_path)
    np.testing.assert_array_equal(with_all["train"].objects, without["train"].objects)
    for name in ("h0", "hplus"):
        a, b = (parts["test"].take(parts["test"].of(name)) for parts in (with_all, without))
        np.testing.assert_array_equal(a.objects, b.objects)


def test_the_mixed_background_of_the_challenge(files, tmp_path):
    settings = AnomalyDatasetSettings(
        source="files",
        n_events={"background": 100},
        background_files={"background": files["w"]},
        signal_files={"Ato4l": files["a4l"]},
        held_out=(),
    )
    steps = []
    parts = load_anomaly_dataset(settings, tmp_path, lambda done, total: steps.append((done, total)))
    assert [len(part) for part in parts.values()] == [50, 15 + 27, 35 + 63]
    assert settings.names == ("background", "Ato4l")
    assert steps == [(1, 2), (2, 2)]
    assert set(np.unique(parts["train"].weight)) == {1.0}


def test_generated_events_come_through_the_cache(tmp_path, monkeypatch):
    asked = []

    def generate(wanted, settings, cache_dir, *, workers, progress):
        asked.append((dict(wanted), cache_dir, workers))
        return {
            name: Shard(example_objects(count, FILES[name]), np.ones(count), Production(count, count, count, 1.0))
            for name, count in wanted.items()
        }

    monkeypatch.setattr(dataset, "generate_objects", generate)
    parts = load_anomaly_dataset(AnomalyDatasetSettings(n_events={"w": 100, "qcd": 100, "a4l": 20}), tmp_path)
    assert asked == [({"w": 100, "qcd": 100, "a4l": 20}, tmp_path, 1)]
    assert parts["train"].process_names == PROCESS_NAMES
    assert [len(part) for part in parts.values()] == [100, 30 + 6, 70 + 14]


def test_the_shipped_sample(tmp_path):
    parts = load_anomaly_dataset(AnomalyDatasetSettings(source="shipped", n_events={}), tmp_path)
    assert {name for name in PROCESS_NAMES if parts["test"].of(name).any()} == set(PROCESSES)
    assert len(parts["train"]) >= 3000
    with pytest.raises(UserError, match=r"n_events of w must be at most .*source: generated"):
        load_anomaly_dataset(AnomalyDatasetSettings(source="shipped", n_events={"w": 10_000_000}), tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"source": "pythia"}, "source must be one of generated, shipped, files"),
        ({"n_events": {"higgs": 5}}, "n_events must name processes .*not 'higgs'"),
        ({"n_events": {"w": 0}}, "n_events of w must be a whole number"),
        ({"n_events": {"lq": 5}}, "at least one background"),
        ({"mix": {"w": 1.0}}, "mix must give every background a share"),
        ({"mix": DEFAULT_MIX | {"lq": 0.1}}, "mix must name background processes"),
        ({"mix": DEFAULT_MIX | {"w": -0.1}}, "mix of w must be a number from 0"),
        ({"split_fractions": (0.5, 0.5, 0.5)}, "sum to 1"),
        ({"split_fractions": (1.0, 0.0, 0.0)}, "split_fractions must be a number"),
        ({"held_out": ("w",)}, "held_out must name signals"),
        ({"seed": -1}, "seed must be"),
        ({"workers": 0}, "workers must be"),
        ({"source": "files"}, "background_files and signal_files must be given with source: files"),
        ({"background_files": {"w": "a.h5"}}, "and only then"),
        ({"source": "files", "signal_files": {"x": "a.h5"}}, "background_files must name a file"),
        ({"source": "files", "background_files": {"x": "a.h5"}}, "background_files must be called"),
        ({"source": "files", "background_files": {"w": "a.h5", "background": "b.h5"}}, "alone, already mixed"),
        ({"source": "files", "background_files": {"w": "a.h5"}, "signal_files": {"x": "a.h5"}}, "named twice"),
        ({"source": "files", "background_files": {"w": "a.h5"}, "signal_files": {"z": "b.h5"}}, "rename it"),
    ],
)
def test_bad_settings_are_refused(change, says):
    if change.get("source") == "files":
        change = {"n_events": {}} | change
    with pytest.raises(UserError, match=says):
        AnomalyDatasetSettings(**change)


def test_a_part_without_weight_is_refused(files, tmp_path):
    shard = Shard(example_objects(20, 1), np.zeros(20), Production(1, 1, 1, 1.0))
    write_shard(tmp_path / "zero.h5", shard, {}, 0)
    settings = AnomalyDatasetSettings(
        source="files", n_events={}, background_files={"w": str(tmp_path / "zero.h5")}, held_out=()
    )
    with pytest.raises(UserError, match=r"w has .* of weight 0"):
        load_anomaly_dataset(settings, tmp_path)


def test_tables_with_other_names_do_not_join():
    a = ObjectEvents(example_objects(2, 1), np.zeros(2, np.int8), np.ones(2), ("w",))
    with pytest.raises(ValueError, match="same processes"):
        joined([a, replace(a, process_names=("z",))])
    assert len(joined([a, a])) == 4
