"""The data set: its cache never gives half a file, and a user's table is checked to the row."""

import logging
import multiprocessing
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from sim.events import SHOWER_FEATURES, SPLITS, DatasetSettings, ShowerSettings, UserError, load_dataset
from sim.events import cache as cache_module
from sim.events import dataset as dataset_module

SMALL = DatasetSettings(n_train=250, n_validation=100, n_test=100, seed=5)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(dataset_module, "SHARD_ROWS", 100)


def files_of(folder):
    return sorted(folder.rglob("*.parquet"))


def assert_same(first, second):
    assert set(first) == set(second) == set(SPLITS)
    for split in SPLITS:
        for name in ("features", "label", "kind", "pt_gev", "eta"):
            np.testing.assert_array_equal(getattr(first[split], name), getattr(second[split], name))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished cache and its tables."""
    folder = tmp_path_factory.mktemp("cache")
    saved = dataset_module.SHARD_ROWS
    dataset_module.SHARD_ROWS = 100
    try:
        return folder, load_dataset(SMALL, folder)
    finally:
        dataset_module.SHARD_ROWS = saved


@pytest.fixture
def copy(made, tmp_path):
    """A copy of that cache to be broken, and the right tables."""
    folder, tables = made
    target = tmp_path / files_of(folder)[0].parent.name
    target.mkdir()
    for path in files_of(folder):
        (target / path.name).write_bytes(path.read_bytes())
    return tmp_path, tables


def forbid_generation(monkeypatch):
    def refuse(*_):
        raise AssertionError("generated again")

    monkeypatch.setattr(dataset_module, "_generate", refuse)


def test_sizes_composition_and_names(made):
    _, tables = made
    assert [len(tables[split]) for split in SPLITS] == [250, 100, 100]
    for table in tables.values():
        assert table.names == tuple(SHOWER_FEATURES)
        assert table.label.mean() == pytest.approx(0.5, abs=0.02)
        assert set(np.unique(table.kind)) == {0, 1, 3}


def test_no_two_shards_share_a_seed(made):
    _, tables = made
    rows = np.concatenate([table.features for table in tables.values()])
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_a_whole_cache_is_read_and_not_made_again(copy, monkeypatch):
    folder, tables = copy
    forbid_generation(monkeypatch)
    seen = []
    assert_same(load_dataset(SMALL, folder, lambda done, total: seen.append((done, total))), tables)
    assert seen == [(450, 450)]


def truncate(content):
    return content[: len(content) // 2]


def flip(position):
    def change(content):
        changed = bytearray(content)
        changed[int(position * len(content))] ^= 0x10
        return bytes(changed)

    return change


@pytest.mark.parametrize(
    "damage",
    [truncate, lambda _: b"", lambda c: c[:-1], lambda _: b"PAR1 not a table PAR1", flip(0.1), flip(0.4), flip(0.7)],
    ids=["half", "empty", "last byte", "foreign text", "bit early", "bit middle", "bit late"],
)
def test_a_damaged_file_is_noticed_and_made_again(copy, caplog, damage):
    folder, tables = copy
    victim = files_of(folder)[2]
    right = victim.read_bytes()
    victim.write_bytes(damage(right))
    with caplog.at_level(logging.WARNING):
        assert_same(load_dataset(SMALL, folder), tables)
    assert victim.name in caplog.text
    assert "made again" in caplog.text
    assert victim.read_bytes() == right


def rewrite(path, change_table=lambda t: t, **metadata):
    table = pq.read_table(path)
    old = {k.decode(): v.decode() for k, v in table.schema.metadata.items()}
    table = change_table(table)
    pq.write_table(table.replace_schema_metadata(old | metadata), path)


def plus_one(table):
    index = table.column_names.index("szz")
    return table.set_column(index, "szz", pa.array(table["szz"].to_numpy() + np.float32(1)))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda p: rewrite(p, key="0" * 64), "other settings"),
        (lambda p: rewrite(p, shard="train-00000-9.parquet"), "another shard"),
        (lambda p: rewrite(p, plus_one), "checksum"),
        (lambda p: rewrite(p, lambda t: t.slice(0, 40)), "number of rows"),
        (lambda p: rewrite(p, lambda t: t.drop_columns(["szz"])), "columns"),
        (lambda p: p.write_bytes(files_of(p.parent)[0].read_bytes()), "another shard"),
    ],
    ids=["foreign key", "foreign shard", "other content", "fewer rows", "fewer columns", "neighbour's file"],
)
def test_a_valid_file_that_is_not_the_right_one_is_made_again(copy, caplog, spoil, reason):
    folder, tables = copy
    spoil(files_of(folder)[3])
    with caplog.at_level(logging.WARNING):
        assert_same(load_dataset(SMALL, folder), tables)
    assert reason in caplog.text


def test_only_what_is_missing_is_made(copy, monkeypatch):
    folder, tables = copy
    gone = files_of(folder)[1]
    gone.unlink()
    made_again = []
    generate = dataset_module._generate
    monkeypatch.setattr(
        dataset_module, "_generate", lambda s, shard: made_again.append(shard.name) or generate(s, shard)
    )
    assert_same(load_dataset(SMALL, folder), tables)
    assert made_again == [gone.name]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 6},
        {"pileup_fraction": 0.25, "pion_fraction": 0.25},
        {"showers": ShowerSettings(pileup=140.0)},
    ],
)
def test_other_settings_other_key(change):
    def key(settings):
        return cache_module.cache_key(settings.showers, settings.fractions, settings.seed)

    assert key(replace(SMALL, **change)) != key(SMALL)
    assert key(replace(SMALL, workers=2, n_train=300)) == key(SMALL)


def test_another_code_version_is_another_key(monkeypatch):
    def key():
        return cache_module.cache_key(SMALL.showers, SMALL.fractions, SMALL.seed)

    before = key()
    monkeypatch.setattr(cache_module, "source_digest", lambda: "changed")
    assert key() != before
    monkeypatch.undo()
    monkeypatch.setattr(cache_module, "GENERATOR_VERSION", cache_module.GENERATOR_VERSION + 1)
    assert key() != before


def test_every_generator_source_is_in_the_key():
    """A module that the generator imports must change the key when it changes."""
    folder = cache_module.Path(cache_module.__file__).parent
    not_generating = {
        "__init__.py",
        "cache.py",
        "checked_parquet.py",
        "checks.py",
        "columns.py",
        "dataset.py",
        "errors.py",
        "parallel.py",
        "pythia.py",
        "pythia_pool.py",
        "settings.py",
        "user_table.py",
    }
    assert {path.name for path in folder.glob("*.py")} == set(cache_module._SOURCES) | not_generating


def _load_in_child(folder):
    dataset_module.SHARD_ROWS = 100
    load_dataset(replace(SMALL, n_train=3000), folder)


def test_killed_and_started_again_it_goes_on(tmp_path, monkeypatch):
    process = multiprocessing.get_context("spawn").Process(target=_load_in_child, args=(tmp_path,))
    process.start()
    deadline = time.monotonic() + 60
    while len(files_of(tmp_path)) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    kept = {path: path.stat().st_mtime_ns for path in files_of(tmp_path)}
    assert 3 <= len(kept) < 32
    (leftover,) = {path.parent for path in kept}
    (leftover / f".train-00000-100.parquet.{process.pid}.tmp").write_bytes(b"half")
    longer = load_dataset(replace(SMALL, n_train=500), tmp_path)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in kept.items())
    assert not list(tmp_path.rglob("*.tmp"))
    assert len(longer["train"]) == 500


def test_workers_do_not_change_the_result(made, tmp_path):
    _, tables = made
    assert_same(load_dataset(replace(SMALL, workers=2), tmp_path), tables)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(UserError, match="must be writable"):
        load_dataset(SMALL, blocked)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_train": 10}, "n_train must be a whole number from 100"),
        ({"n_test": 1e4}, "n_test must be a whole number"),
        ({"seed": -1}, "seed must be"),
        ({"workers": 0}, "workers must be"),
        ({"pileup_fraction": 0.6}, "must sum to 1, not 1.1"),
        ({"pileup_fraction": 1.5}, "pileup_fraction must be a number from 0 to 1"),
        ({"electron_fraction": 0.0, "photon_fraction": 0.0, "pileup_fraction": 1.0}, "signal"),
        ({"showers": {}}, "showers must be"),
        ({"split_fractions": (0.5, 0.5)}, "split_fractions must be three"),
        ({"split_fractions": (0.5, 0.5, 0.5)}, "sum to 1"),
        ({"split_fractions": (0.5, 0.5, 0.0)}, "positive"),
        ({"files": {"train": "a"}}, "files must be one path, or a path for each"),
        ({"files": {"train": "a", "validation": "b", "test": "./a"}}, "differ between the splits"),
        ({"files": {"train": "a", "validation": "b", "test": 3}}, "files must be paths"),
        ({"files": "a", "features": ("szzz",)}, "'szzz' is not in the table"),
        ({"features": ("szz",)}, "must go with files"),
        ({"files": "a", "features": "szz"}, "features must be a list"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        replace(SMALL, **change)


NAMES = ("szz", "meanz")


def user_columns(n=60):
    rng = np.random.default_rng(2)
    columns = {name: rng.random(n) for name in SHOWER_FEATURES}
    columns["label"] = np.arange(n) % 2
    columns["eta"] = -rng.uniform(1.5, 3, n)
    columns["pt"] = rng.uniform(10, 50, n)
    columns["a_column_of_theirs"] = np.array([f"text {i}" for i in range(n)])
    return columns


def save(columns, path):
    pq.write_table(pa.table(columns), path)
    return str(path)


def test_a_users_parquet_table(tmp_path):
    columns = user_columns()
    path = save(columns, tmp_path / "mine.parquet")
    tables = load_dataset(DatasetSettings(files=path), tmp_path)
    assert [len(tables[split]) for split in SPLITS] == [36, 12, 12]
    together = np.concatenate([tables[split].column("szz") for split in SPLITS])
    np.testing.assert_array_equal(np.sort(together), np.sort(columns["szz"].astype(np.float32)))
    assert (tables["train"].eta > 0).all()
    assert (tables["train"].kind == -1).all()
    assert_same(load_dataset(DatasetSettings(files=path), tmp_path), tables)
    other = load_dataset(DatasetSettings(files=path, seed=9), tmp_path)
    assert not np.array_equal(other["test"].features, tables["test"].features)


def test_a_users_root_tree_and_one_file_a_split(tmp_path):
    columns = user_columns()
    with uproot.recreate(tmp_path / "mine.root") as file:
        file["clusters"] = {name: values for name, values in columns.items() if name != "a_column_of_theirs"}
        file["twin"] = {name: values for name, values in columns.items() if name != "a_column_of_theirs"}
    files = {
        "train": f"{tmp_path / 'mine.root'}:clusters",
        "validation": f"{tmp_path / 'mine.root'}:twin",
        "test": save(columns, tmp_path / "mine.parquet"),
    }
    tables = load_dataset(DatasetSettings(files=files, features=NAMES), tmp_path)
    assert tables["train"].names == NAMES
    np.testing.assert_array_equal(tables["train"].features, tables["test"].features)
    np.testing.assert_array_equal(tables["train"].column("meanz"), columns["meanz"].astype(np.float32))
    np.testing.assert_allclose(tables["validation"].pt_gev, columns["pt"], rtol=1e-6)


def spoiled(name, row, value):
    def change(columns):
        columns[name] = columns[name].astype(float)
        columns[name][row] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spoiled("szz", 17, np.nan), r"column szz must be finite .*row 17 .* is nan; 1 such rows"),
        (spoiled("meanz", 3, -np.inf), r"column meanz must be finite .*row 3 .* is -inf"),
        (spoiled("meanz", 4, 1e300), r"column meanz must be finite .*row 4"),
        (spoiled("label", 5, 2), r"column label must be 0 .*row 5 .* is 2"),
        (spoiled("label", 5, 0.5), r"row 5 .* is 0.5"),
        (spoiled("eta", 5, np.nan), r"column eta must be finite .*row 5"),
        (lambda c: c.pop("hoe"), "missing: hoe"),
        (lambda c: c.pop("label"), "missing: label"),
        (lambda c: c.update(label=np.zeros(60)), "no row has label 1"),
        (lambda c: c.update(label=np.ones(60)), "no row has label 0"),
        (lambda c: c.update(szz=np.array(["a"] * 60)), "column szz must hold one number a row"),
        (lambda c: c.update(szz=[[1.0, 2.0]] * 60), "column szz must hold one number a row"),
        (lambda c: c.update(szz=pa.array([None] + [1.0] * 59)), r"column szz must be finite .*row 0"),
        (lambda c: c.update(kind=np.full(60, 7)), r"column kind must be -1 to 3 .* row 0"),
        (lambda c: c.update({k: v[:0] for k, v in c.items()}), "it has no row"),
    ],
)
def test_a_bad_table_is_refused_with_column_and_row(tmp_path, change, message):
    columns = user_columns()
    change(columns)
    path = save(columns, tmp_path / "bad.parquet")
    with pytest.raises(UserError, match=message):
        load_dataset(DatasetSettings(files=path), tmp_path)


def test_files_that_are_none_are_refused(tmp_path):
    text = tmp_path / "text.parquet"
    text.write_text("not a table")
    root = tmp_path / "text.root"
    root.write_text("not a tree")
    with uproot.recreate(tmp_path / "good.root") as file:
        file["clusters"] = {"szz": np.zeros(3)}
    for path, message in (
        (tmp_path / "none.parquet", "it does not exist"),
        (text, "must be a readable Parquet file"),
        (root, "must name its tree"),
        (f"{root}:t", "must be a readable ROOT file"),
        (f"{tmp_path / 'good.root'}:other", "no tree 'other'; it holds: clusters"),
        (f"{tmp_path / 'good.root'}:clusters", r"missing: .*label"),
    ):
        with pytest.raises(UserError, match=message):
            load_dataset(DatasetSettings(files=str(path), features=NAMES), tmp_path)


def test_a_share_with_one_class_is_refused(tmp_path):
    columns = user_columns()
    columns["label"] = (np.arange(60) == 0).astype(int)
    path = save(columns, tmp_path / "rare.parquet")
    with pytest.raises(UserError, match=r"share .* must hold both classes"):
        load_dataset(DatasetSettings(files=path), tmp_path)


def pool_columns(n=200):
    rng = np.random.default_rng(1)
    return {
        "event": np.arange(n) // 10, "pid": np.full(n, 22), "pt_gev": rng.uniform(0.3, 1, n),
        "eta": rng.uniform(1.4, 3.1, n), "phi_rad": rng.uniform(-3, 3, n),
    }  # fmt: skip


def test_a_users_pool_of_pile_up(tmp_path):
    columns = pool_columns(4000)
    columns["pt_gev"][::20] = 15.0  # 200 cores
    path = save(columns, tmp_path / "pool.parquet")
    settings = replace(SMALL, n_train=100, showers=ShowerSettings(pileup_pool=path))
    assert len(load_dataset(settings, tmp_path)["train"]) == 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: None, "at least 100 photon-rich concentrations"),
        (lambda c: c.pop("pid"), "missing: pid"),
        (spoiled("eta", 8, np.nan), "column eta must be finite; row 8"),
        (spoiled("pt_gev", 8, 0.0), "pt_gev must be positive"),
        (lambda c: c.update(pid=np.array(["22"] * 200)), "column pid must hold numbers"),
        (lambda c: c.update({k: v[:0] for k, v in c.items()}), "it has no row"),
    ],
)
def test_a_bad_pool_is_refused(tmp_path, change, message):
    columns = pool_columns()
    change(columns)
    path = save(columns, tmp_path / "pool.parquet")
    with pytest.raises(UserError, match=message):
        load_dataset(replace(SMALL, showers=ShowerSettings(pileup_pool=path)), tmp_path)
