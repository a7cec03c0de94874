"""Pools: real Pythia, resumption, refusals, splits of the files, helices."""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import sim.events.pythia as pythia_module
import sim.events.tracks.generate as generate_module
from sim.events import UserError
from sim.events.tracks import PoolSettings, TrackSettings, build_split_pool, generate_pool, load_pool_files
from sim.events.tracks.generate import PoolFile, at_beam_line, generate_tracks, pool_files, pool_folder, pythia_seed
from sim.events.tracks.pool_files import DTYPES, PoolTracks, description, key_of, read_given
from sim.events.tracks.processes import POOL_PROCESSES, PROCESS_LINES
from sim.events.tracks.sources import read_pool_folder

SMALL = PoolSettings(n_minbias=25, n_ttbar=20, n_zll=20, seed=3)


def invented(file, seed):
    """Tracks that depend on the file's seed and number, in no time."""
    rng = np.random.default_rng([seed, POOL_PROCESSES.index(file.process), file.number])
    n = 3 * file.n_events
    columns = {name: rng.uniform(0, 1, n).astype(dtype) for name, dtype in DTYPES.items()}
    columns["event"] = (file.first_event + np.sort(rng.integers(0, file.n_events, n))).astype(np.int32)
    columns["pt_gev"] += np.float32(2)
    columns["charge"] = rng.choice(np.array([-1, 1], dtype=np.int8), n)
    return PoolTracks(file.process, file.first_event, file.n_events, columns)


@pytest.fixture
def quick(monkeypatch):
    """A generator without Pythia, and files of 10 events; the list says which files were made."""
    made = []

    def generate(file, seed):
        made.append(file.name)
        return invented(file, seed)

    monkeypatch.setattr(generate_module, "generate_tracks", generate)
    monkeypatch.setattr(generate_module, "FILE_EVENTS", dict.fromkeys(POOL_PROCESSES, 10))
    return made


def same(one, other):
    for process in POOL_PROCESSES:
        assert len(one[process]) == len(other[process])
        for a, b in zip(one[process], other[process], strict=True):
            assert (a.process, a.first_event, a.n_events) == (b.process, b.first_event, b.n_events)
            for name in DTYPES:
                np.testing.assert_array_equal(a.columns[name], b.columns[name])


def test_real_pythia(tmp_path):
    pytest.importorskip("pythia8mc")
    file = PoolFile("ttbar", 0, 15)
    tracks = generate_tracks(file, seed=1)
    again = generate_tracks(file, seed=1)
    columns = tracks.columns
    assert all(columns[name].dtype == dtype for name, dtype in DTYPES.items())
    assert all(np.array_equal(columns[name], again.columns[name]) for name in DTYPES)
    assert 10 < len(columns["event"]) / 15 < 60
    assert columns["pt_gev"].min() >= 2
    assert np.abs(columns["eta"]).max() < 2.4
    assert np.abs(columns["phi_rad"]).max() <= np.float32(np.pi)
    assert set(np.unique(columns["charge"])) == {-1, 1}
    assert np.abs(columns["d0_cm"]).max() < 1
    assert np.mean(np.abs(columns["d0_cm"]) < 0.001) > 0.5
    other = generate_tracks(PoolFile("ttbar", 1, 2), seed=1)
    assert other.columns["event"].min() >= 2000
    with pytest.raises(RuntimeError, match="refuses the setting 'Top:nonsense = on'"):
        pythia_module.start(("Top:nonsense = on",), 1)


def test_another_pythia_is_refused(monkeypatch):
    class Other:
        def parm(self, name):
            return 8.316

    monkeypatch.setattr(pythia_module, "start", lambda lines, seed: Other())
    with pytest.raises(UserError, match=r"Pythia must be of version 8\.317, not 8\.316"):
        generate_tracks(PoolFile("zll", 0, 5), 1)


def test_failing_collisions_are_capped():
    class Failing:
        tries = 0

        def next(self):
            self.tries += 1
            return False

    failing = Failing()
    with pytest.raises(RuntimeError, match="Pythia failed 150 of 150 events"):
        list(pythia_module.events(failing, 5))
    assert failing.tries == 150


def test_without_pythia_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(UserError, match=r"pip install pythia8mc==8\.317\.2"):
        pythia_module.start((), 1)


def test_pythia_is_not_imported_before_it_is_needed(tmp_path):
    script = (
        "import sys; from pathlib import Path; import sim.events.tracks as t; "
        "t.load_vertex_dataset(t.VertexDatasetSettings(n_train=1, n_validation=1, n_test=1), Path(sys.argv[1])); "
        "sys.exit('pythia8mc' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == 0


def test_files_and_progress(quick, tmp_path):
    calls = []
    pool = generate_pool(SMALL, tmp_path, progress=lambda done, total: calls.append((done, total)))
    assert [(f.first_event, f.n_events) for f in pool["minbias"]] == [(0, 10), (10, 10), (20, 5)]
    assert calls[0] == (0, 65)
    assert calls[-1] == (65, 65)
    assert len(quick) == 7
    same(pool, generate_pool(SMALL, tmp_path))
    assert len(quick) == 7
    larger = generate_pool(PoolSettings(n_minbias=25, n_ttbar=30, n_zll=20, seed=3), tmp_path)
    assert quick[7:] == ["ttbar-00002-10.parquet"]
    same({**larger, "ttbar": larger["ttbar"][:2]}, pool)
    generate_pool(PoolSettings(n_minbias=25, n_ttbar=20, n_zll=20, seed=4), tmp_path)
    assert len(quick) == 15


def _generate_until_killed(folder):
    generate_module.FILE_EVENTS = dict.fromkeys(POOL_PROCESSES, 10)

    def generate(file, seed):
        if file.process == "zll":
            # a half-written file, and then the process is gone
            path = pool_folder(file.process, seed, folder) / f".{file.name}.{os.getpid()}.tmp"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        return invented(file, seed)

    generate_module.generate_tracks = generate
    generate_pool(SMALL, folder)


def test_killed_and_started_again_it_goes_on(quick, tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=_generate_until_killed, args=(tmp_path,))
    process.start()
    process.join(60)
    assert process.exitcode == -9
    assert list(tmp_path.rglob(".*.tmp"))
    pool = generate_pool(SMALL, tmp_path)
    assert quick == ["zll-00000-10.parquet", "zll-00001-10.parquet"]
    assert not list(tmp_path.rglob(".*.tmp"))
    same(pool, generate_pool(SMALL, tmp_path / "afresh"))


def rewrite(path, change_table=lambda t: t, **metadata):
    table = pq.read_table(path)
    old = {k.decode(): v.decode() for k, v in table.schema.metadata.items()}
    pq.write_table(change_table(table).replace_schema_metadata(old | metadata), path)


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes(bytes(content))


SPOILT = [
    (cut_short, "cannot be read"),
    (flip_a_byte, "cannot be read|checksum"),
    (lambda p: p.write_bytes(b""), "cannot be read"),
    (lambda p: rewrite(p, pythia_version="8.316"), r"made with Pythia 8\.316, not 8\.317"),
    (lambda p: rewrite(p, format="track-pool-0"), "format track-pool-0, not track-pool-1"),
    (lambda p: rewrite(p, lambda t: t.slice(0, 20)), "checksum"),
    (lambda p: rewrite(p, lambda t: t.drop_columns(["eta"])), "columns"),
    (lambda p: rewrite(p, lambda t: t.set_column(1, "pt_gev", t["pt_gev"].cast("float64"))), "another type"),
    (lambda p: rewrite(p, n_events="3"), "3 events|not those it names"),
]


@pytest.mark.parametrize(("spoil", "reason"), SPOILT)
def test_a_spoilt_file_of_the_cache_is_made_again(quick, tmp_path, caplog, spoil, reason):
    pool = generate_pool(SMALL, tmp_path)
    spoil(pool_folder("ttbar", 3, tmp_path) / "ttbar-00001-10.parquet")
    with caplog.at_level(logging.WARNING):
        same(generate_pool(SMALL, tmp_path), pool)
    assert quick[7:] == ["ttbar-00001-10.parquet"]
    assert re.search(reason, caplog.text)


@pytest.mark.parametrize(("spoil", "reason"), SPOILT)
def test_a_spoilt_file_of_the_user_is_refused(quick, tmp_path, spoil, reason):
    generate_pool(SMALL, tmp_path)
    path = pool_folder("ttbar", 3, tmp_path) / "ttbar-00001-10.parquet"
    spoil(path)
    with pytest.raises(UserError, match=rf"pool file .*must be an intact pool of Pythia 8\.317: .*({reason})"):
        load_pool_files(str(tmp_path), SMALL, tmp_path / "unused")
    assert path.exists()


def test_a_cached_pool_is_a_pool_of_the_user_too(quick, tmp_path):
    pool = generate_pool(SMALL, tmp_path)
    same(load_pool_files(str(tmp_path), SMALL, tmp_path / "unused"), pool)


def test_a_misplaced_file_is_not_used(quick, tmp_path, caplog):
    pool = generate_pool(SMALL, tmp_path)
    folder = pool_folder("minbias", 3, tmp_path)
    (folder / "minbias-00001-10.parquet").write_bytes((folder / "minbias-00000-10.parquet").read_bytes())
    with caplog.at_level(logging.WARNING):
        same(generate_pool(SMALL, tmp_path), pool)
    assert "another part of the pool (first event 0)" in caplog.text


def test_bad_folders(quick, tmp_path):
    with pytest.raises(UserError, match="pool must be 'shipped', 'pythia' or an existing folder"):
        read_pool_folder(tmp_path / "nowhere")
    with pytest.raises(UserError, match="none of minbias"):
        read_pool_folder(tmp_path)
    with pytest.raises(UserError, match="must exist"):
        read_given(tmp_path / "no.parquet")
    generate_pool(SMALL, tmp_path)
    folder = pool_folder("minbias", 3, tmp_path)
    (folder / "copy.parquet").write_bytes((folder / "minbias-00000-10.parquet").read_bytes())
    with pytest.raises(UserError, match=r"must hold different events.*they overlap"):
        build_split_pool(read_pool_folder(tmp_path), "train", TrackSettings())
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match=r"cache folder .* must be writable"):
        generate_pool(SMALL, tmp_path / "file")


def test_a_pool_too_small_for_a_split():
    tracks = {p: [invented(PoolFile(p, 0, 4), 1)] for p in POOL_PROCESSES}
    with pytest.raises(UserError, match="pool of minbias must hold events of the test split"):
        build_split_pool(tracks, "test", TrackSettings())


def test_the_key_holds_what_decides_the_content(monkeypatch):
    keys = {key_of(description(p, s)) for p in POOL_PROCESSES for s in (1, 2)}
    monkeypatch.setitem(PROCESS_LINES, "zll", (*PROCESS_LINES["zll"], "23:mMin = 70."))
    keys.add(key_of(description("zll", 1)))
    monkeypatch.setattr("sim.events.tracks.processes.MIN_PT_GEV", 1.9)
    keys.add(key_of(description("ttbar", 1)))
    monkeypatch.setattr("sim.events.tracks.pool_files.PYTHIA_VERSION", "8.318")
    keys.add(key_of(description("ttbar", 1)))
    assert len(keys) == 9


def test_each_file_has_a_seed_of_its_own():
    seeds = [pythia_seed(seed, file) for seed in (1, 2) for file in pool_files(PoolSettings())]
    assert len(set(seeds)) == len(seeds)
    assert 1 <= min(seeds) <= max(seeds) <= 900_000_000


def test_the_shipped_pool():
    pool = load_pool_files("shipped", PoolSettings(), Path("unused"))
    assert {p: sum(f.n_events for f in files) for p, files in pool.items()} == {
        "minbias": 20_000,
        "ttbar": 2_000,
        "zll": 2_000,
    }
    folder = Path(generate_module.__file__).parent / "data"
    assert sum(path.stat().st_size for path in folder.glob("*.parquet")) < 1_500_000
    tracks = {p: sum(len(f.columns["event"]) for f in files) for p, files in pool.items()}
    assert tracks["minbias"] / 20_000 == pytest.approx(0.89, abs=0.04)
    for files in pool.values():
        for file in files:
            assert file.columns["pt_gev"].min() >= 2
            assert np.abs(file.columns["eta"]).max() <= np.float32(2.4)


@pytest.mark.parametrize(("change", "message"), [({"n_minbias": 5}, "n_minbias"), ({"n_zll": 2.0}, "n_zll")])
def test_bad_pool_settings(change, message):
    with pytest.raises(UserError, match=f"{message} must be a whole number"):
        PoolSettings(**change)


def walk(start, direction, charge, pt, steps, length):
    """Slow reference: follow a charge through the field in small steps."""
    x, y, z = start
    phi, slope = direction
    step = length / steps
    turn = -charge * 2.99792458e-3 * 3.8112 / pt * step
    for _ in range(steps):
        x += step * np.cos(phi + turn / 2)
        y += step * np.sin(phi + turn / 2)
        z += step * slope
        phi += turn
    return np.array([x, y, z]), phi


@pytest.mark.parametrize("charge", [1, -1])
@pytest.mark.parametrize("d0", [-0.8, 0.0, 0.5])
def test_helices_come_back_to_the_beam_line(charge, d0):
    pt, eta, phi, length = 2.5, 1.1, 0.7, 15.0
    # d0 = x sin(phi) - y cos(phi)
    closest = np.array([d0 * np.sin(phi), -d0 * np.cos(phi), 0.3])
    there, phi_there = walk(closest, (phi, np.sinh(eta)), charge, pt, 4000, length)
    found = at_beam_line(
        np.array([pt]), np.array([eta]), np.array([phi_there]), np.array([float(charge)]), there[None, :]
    )
    assert [float(f[0]) for f in found] == pytest.approx([phi, d0, 0.3], abs=1e-4)
