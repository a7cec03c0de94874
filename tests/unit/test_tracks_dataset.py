"""The events of a study: splits, determinism, and a user's own files."""

from __future__ import annotations

from dataclasses import fields, replace

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from sim.events import UserError
from sim.events.tracks import (
    SPLITS,
    TrackEvents,
    TrackSettings,
    VertexDatasetSettings,
    digitise,
    load_vertex_dataset,
    read_track_events,
    unpack,
)

SMALL = VertexDatasetSettings(n_train=60, n_validation=20, n_test=40)


def same_bytes(one, other):
    return all(getattr(one, f.name).tobytes() == getattr(other, f.name).tobytes() for f in fields(TrackEvents))


def test_splits_and_determinism(tmp_path):
    events = load_vertex_dataset(SMALL, tmp_path)
    assert {split: len(events[split]) for split in SPLITS} == {"train": 60, "validation": 20, "test": 40}
    assert np.sum(events["test"].process == 0) == 20
    again = load_vertex_dataset(replace(SMALL, workers=2, n_test=400), tmp_path)
    assert same_bytes(events["train"], again["train"])
    assert same_bytes(events["test"], again["test"].take(np.arange(40)))
    assert not list(tmp_path.iterdir())
    other = load_vertex_dataset(replace(SMALL, seed=2), tmp_path)
    assert not same_bytes(events["train"], other["train"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_test": 0}, "n_test must be a whole number from 1"),
        ({"ttbar_fraction": 1.5}, "ttbar_fraction must be a number from 0 to 1"),
        ({"pool": ""}, "pool must be 'shipped', 'pythia' or a folder"),
        ({"tracks": {}}, "tracks must be a section"),
        ({"split_fractions": (0.5, 0.5, 0.0)}, "split_fractions must be positive"),
        ({"files": {"train": "a"}}, "a path for each of train, validation, test"),
        ({"files": {"train": "a", "validation": "b", "test": "a"}}, "files must differ"),
    ],
)
def test_bad_settings(change, message):
    with pytest.raises(UserError, match=message):
        VertexDatasetSettings(**change)


def test_a_pool_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="existing folder of pool files"):
        load_vertex_dataset(replace(SMALL, pool=str(tmp_path / "none")), tmp_path)


N_EVENTS = 30


@pytest.fixture
def table():
    """A user's tracks, one row each: events 0, 2, 4, ... with one to nine tracks."""
    rng = np.random.default_rng(1)
    count = rng.integers(1, 10, N_EVENTS)
    n = int(count.sum())
    z0_true = rng.normal(0, 4, N_EVENTS)
    return {
        "event": np.repeat(np.arange(N_EVENTS) * 2, count),
        "pt": rng.uniform(2, 50, n),
        "eta": rng.uniform(-2.4, 2.4, n),
        "phi": rng.uniform(-np.pi, np.pi, n),
        "z0": rng.uniform(-15, 15, n),
        "charge": rng.choice([-1, 1], n),
        "is_primary": rng.random(n) < 0.3,
        "z0_true": np.repeat(z0_true, count),
        "process": np.repeat(np.arange(N_EVENTS) % 2, count),
        "mva_quality": rng.random(n),
        "something": np.arange(n),
    }


def nested(table):
    """The same, one row an event."""
    _, first, count = np.unique(table["event"], return_index=True, return_counts=True)
    rows = {}
    for name, values in table.items():
        if name in ("z0_true", "process"):
            rows[name] = values[first]
        elif name != "event":
            rows[name] = ak.unflatten(values, count)
    return rows


def write_parquet(path, table):
    pq.write_table(pa.table(table), path)
    return str(path)


def check(events, table):
    assert len(events) == N_EVENTS
    _, first, count = np.unique(table["event"], return_index=True, return_counts=True)
    np.testing.assert_array_equal(events.n_tracks, count)
    np.testing.assert_array_equal(events.z0_true, table["z0_true"][first].astype(np.float32))
    np.testing.assert_array_equal(events.process, table["process"][first])
    sector = np.rint(table["phi"] / (2 * np.pi / 9)).astype(int) % 9
    link = 2 * sector + (table["eta"] >= 0)
    order = np.lexsort((link, table["event"]))
    np.testing.assert_array_equal(events.link, link[order])
    np.testing.assert_array_equal(events.is_primary, table["is_primary"][order])
    word = unpack(events.words)
    np.testing.assert_array_equal(word["z0"], digitise("z0", table["z0"][order]))
    np.testing.assert_array_equal(word["mva_quality"], digitise("mva_quality", table["mva_quality"][order]))
    np.testing.assert_array_equal(np.sign(word["rinv"] + 0.5), table["charge"][order])
    assert np.all(word["valid"] == 1)
    assert np.all(word["chi2rphi"] == 0)


def test_parquet_by_track_and_by_event(tmp_path, table):
    flat = read_track_events(write_parquet(tmp_path / "flat.parquet", table))
    check(flat, table)
    lists = {k: v.to_list() if isinstance(v, ak.Array) else v for k, v in nested(table).items()}
    assert same_bytes(flat, read_track_events(write_parquet(tmp_path / "nested.parquet", lists)))


def test_root_by_track_and_by_event(tmp_path, table):
    with uproot.recreate(tmp_path / "events.root") as file:
        file.mktree("flat", {k: v.dtype for k, v in table.items()})
        file["flat"].extend(table)
        rows = nested(table)
        file["lists"] = rows
    flat = read_track_events(f"{tmp_path}/events.root:flat")
    check(flat, table)
    assert same_bytes(flat, read_track_events(f"{tmp_path}/events.root:lists"))
    with pytest.raises(UserError, match="must name its tree"):
        read_track_events(f"{tmp_path}/events.root")
    with pytest.raises(UserError, match="no tree 'other'"):
        read_track_events(f"{tmp_path}/events.root:other")


def test_events_without_tracks_by_event(tmp_path):
    rows = {name: [[], [3.0], []] for name in ("pt", "eta", "phi", "z0")}
    rows |= {"eta": [[], [-1.0], []], "charge": [[], [1], []], "is_primary": [[], [1], []], "z0_true": [1.0, 2.0, 3.0]}
    events = read_track_events(write_parquet(tmp_path / "t.parquet", rows))
    np.testing.assert_array_equal(events.n_tracks, [0, 1, 0])
    np.testing.assert_array_equal(events.process, [255, 255, 255])


def spoilt(table, name, row, value):
    values = np.asarray(table[name], dtype=np.float64).copy()
    values[row] = value
    return table | {name: values}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("pt", np.nan, r"column pt must be finite; row 7 \(counted from 0\) is nan; 1 such values; drop"),
        ("z0", np.inf, "column z0 must be finite; row 7"),
        ("pt", 1.5, r"column pt must lie in \[1.90\d*, 7000\] GeV.*row 7 .* is 1.5; 1 such values; give pt in GeV"),
        ("eta", 3.0, r"column eta must lie in \[-2.776\d*, 2.776\d*\].*row 7 .* is 3; .*drop the track"),
        ("z0", -21.0, r"column z0 must lie in \[-20.469\d*, 20.469\d*\] cm.*row 7 .* is -21; .*give z0 in cm"),
        ("phi", 180.0, "column phi must lie in .*is 180; .*radians"),
        ("charge", 0, "column charge must be one of -1, 1; row 7 .* is 0"),
        ("is_primary", 2, "column is_primary must be one of 0, 1"),
        ("mva_quality", 7, "column mva_quality must lie in"),
        ("process", 3, "column process must be one of 0, 1, 255"),
        ("z0_true", 30.0, "column z0_true must lie in"),
        ("event", -1, r"column event must not fall; row 7 \(counted from 0\) is -1 after .*sort the rows"),
    ],
)
def test_bad_values_are_named(tmp_path, table, name, value, message):
    path = write_parquet(tmp_path / "t.parquet", spoilt(table, name, 7, value))
    with pytest.raises(UserError, match=message):
        read_track_events(path)


def test_bad_values_in_lists_are_named(tmp_path, table):
    rows = {k: v.to_list() if isinstance(v, ak.Array) else v for k, v in nested(table).items()}
    rows["z0"][4][0] = float("nan")
    with pytest.raises(UserError, match="column z0 must be finite; track 0 of row 4"):
        read_track_events(write_parquet(tmp_path / "a.parquet", rows))
    rows["z0"][4] = rows["z0"][4][1:]
    with pytest.raises(UserError, match="column z0 must have as many tracks as pt in every row; row 4"):
        read_track_events(write_parquet(tmp_path / "b.parquet", rows))
    with pytest.raises(UserError, match="column z0 must hold numbers, or a list of tracks"):
        read_track_events(write_parquet(tmp_path / "c.parquet", rows | {"z0": np.zeros(N_EVENTS)}))


def test_other_bad_tables(tmp_path, table):
    other = table["z0_true"].copy()
    event = np.flatnonzero(np.diff(table["event"]) == 0)[0]
    other[event + 1] += 1
    cases = {
        "z0_true must be the same in all rows": table | {"z0_true": other},
        "missing: charge; rename yours": {k: v for k, v in table.items() if k != "charge"},
        "must have a column event": {k: v for k, v in table.items() if k != "event"},
        "it has no row": {k: v[:0] for k, v in table.items()},
        "column eta must hold numbers": table | {"eta": ["x"] * len(table["pt"])},
    }
    for number, (message, bad) in enumerate(cases.items()):
        with pytest.raises(UserError, match=message):
            read_track_events(write_parquet(tmp_path / f"{number}.parquet", bad))
    with pytest.raises(UserError, match="does not exist"):
        read_track_events(str(tmp_path / "none.parquet"))
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(UserError, match="must be a readable Parquet file"):
        read_track_events(str(tmp_path / "text.parquet"))


def test_one_file_is_cut_at_random_into_whole_events(tmp_path, table):
    path = write_parquet(tmp_path / "t.parquet", table)
    settings = VertexDatasetSettings(files=path, split_fractions=(0.5, 0.2, 0.3))
    events = load_vertex_dataset(settings, tmp_path)
    assert {split: len(events[split]) for split in SPLITS} == {"train": 15, "validation": 6, "test": 9}
    everything = np.concatenate([events[split].z0_true for split in SPLITS])
    whole = read_track_events(path)
    np.testing.assert_array_equal(np.sort(everything), np.sort(whole.z0_true))
    assert sum(len(events[split].pt) for split in SPLITS) == len(whole.pt)
    with pytest.raises(UserError, match="an event for each of train, validation, test"):
        load_vertex_dataset(replace(settings, split_fractions=(0.98, 0.01, 0.01)), tmp_path)


def test_a_file_for_each_split(tmp_path, table):
    files = {split: write_parquet(tmp_path / f"{split}.parquet", table) for split in SPLITS}
    events = load_vertex_dataset(VertexDatasetSettings(files=files), tmp_path)
    assert all(len(events[split]) == N_EVENTS for split in SPLITS)


def test_track_settings_reach_the_events(tmp_path):
    quiet = replace(SMALL, tracks=TrackSettings(pileup=0.0, fakes=0.0))
    assert all(np.all(e.is_primary) for e in load_vertex_dataset(quiet, tmp_path).values())
