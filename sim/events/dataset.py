"""The data set of a study: train, validation and test tables, generated and cached, or read from a user's
files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sim.events.cache import cache_key, read_shard, write_shard
from sim.events.checked_parquet import remove_leftovers
from sim.events.checks import number, whole_number
from sim.events.columns import check_files, check_split_fractions
from sim.events.errors import UserError
from sim.events.features import SHOWER_FEATURES, feature
from sim.events.parallel import run_jobs
from sim.events.pool import load_pool
from sim.events.settings import ShowerSettings
from sim.events.showers import generate_clusters
from sim.events.table import KINDS, ClusterTable, concatenate
from sim.events.user_table import check_two_classes, read_table

__all__ = ["SPLITS", "ClusterTable", "DatasetSettings", "load_dataset"]

SPLITS = ("train", "validation", "test")
SHARD_ROWS = 10_000
# share of the pile-up pool that each split draws from: no event and no core is in two of them
_POOL_SHARE = {"train": (0.0, 0.6), "validation": (0.6, 0.8), "test": (0.8, 1.0)}

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DatasetSettings:
    """What clusters a study learns from and is judged on.

    Attributes
    ----------
    n_train, n_validation, n_test : int
        Clusters of each split, all kinds together (generated data).
    electron_fraction, photon_fraction, pion_fraction, pileup_fraction : float
        Composition; they sum to 1. Electrons and photons are the signal.
    seed : int
        Seed of the whole data set; every shard of every split gets a seed of its own from it.
    workers : int
        Processes that generate; the result does not depend on it.
    showers : ShowerSettings
        Physics of the generator.
    files : mapping or str, optional
        A user's own tables instead: one path a split, or one path that is cut into `split_fractions`. A path
        is a Parquet file or "file.root:tree".
    split_fractions : (float, float, float)
        Shares of one file for train, validation and test, drawn at random by `seed`.
    features : tuple of str, optional
        Columns to read from a user's tables; all of the feature table if left out.
    """

    n_train: int = 60_000
    n_validation: int = 20_000
    n_test: int = 40_000
    electron_fraction: float = 0.25
    photon_fraction: float = 0.25
    pion_fraction: float = 0.0
    pileup_fraction: float = 0.5
    seed: int = 1
    workers: int = 1
    showers: ShowerSettings = field(default_factory=ShowerSettings)
    files: Mapping[str, str] | str | None = None
    split_fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)
    features: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        _check(self)

    @property
    def fractions(self) -> dict[str, float]:
        """Share of each kind."""
        return {kind: float(getattr(self, f"{kind}_fraction")) for kind in KINDS}

    def rows(self, split: str) -> int:
        """Clusters of a split of generated data."""
        return int(getattr(self, f"n_{split}"))


def _check(settings: DatasetSettings) -> None:
    for split in SPLITS:
        whole_number(f"n_{split}", getattr(settings, f"n_{split}"), 100, 100_000_000)
    whole_number("seed", settings.seed, 0, 2**63 - 1)
    whole_number("workers", settings.workers, 1, 256)
    for kind in KINDS:
        number(f"{kind}_fraction", getattr(settings, f"{kind}_fraction"), 0, 1)
    if abs((total := sum(settings.fractions.values())) - 1) > 1e-9:
        raise UserError(f"the fractions of {', '.join(KINDS)} must sum to 1, not {total:g}")
    signal = settings.electron_fraction + settings.photon_fraction
    if not 0.01 <= signal <= 0.99:
        raise UserError(f"signal (electrons and photons) must be 1% to 99% of the clusters, not {signal:.1%}")
    if not isinstance(settings.showers, ShowerSettings):
        raise UserError(f"showers must be a section of shower settings, not {settings.showers!r}")
    object.__setattr__(settings, "split_fractions", check_split_fractions(settings.split_fractions))
    if settings.features is not None:
        if isinstance(settings.features, str) or not settings.features:
            raise UserError(f"features must be a list of variable names, not {settings.features!r}")
        for name in settings.features:
            feature(name)
        object.__setattr__(settings, "features", tuple(settings.features))
    if settings.files is not None:
        check_files(settings.files, SPLITS)
    elif settings.features is not None:
        raise UserError("features names columns of a user's tables: it must go with files, which is not given")


@dataclass(frozen=True)
class _Shard:
    """One file of the cache: the `number`-th piece of a split, of `rows` clusters."""

    split: str
    number: int
    rows: int

    @property
    def name(self) -> str:
        return f"{self.split}-{self.number:05d}-{self.rows}.parquet"


def _shards(settings: DatasetSettings) -> list[_Shard]:
    return [
        _Shard(split, number, min(SHARD_ROWS, settings.rows(split) - number * SHARD_ROWS))
        for split in SPLITS
        for number in range(-(-settings.rows(split) // SHARD_ROWS))
    ]


def _counts(fractions: Mapping[str, float], rows: int) -> dict[str, int]:
    """Clusters of each kind in a shard: rounded so that they sum to its rows."""
    edges = np.rint(np.cumsum([0.0, *fractions.values()]) * rows).astype(int)
    return {kind: int(n) for kind, n in zip(fractions, np.diff(edges), strict=True)}


def _generate(settings: DatasetSettings, shard: _Shard) -> ClusterTable:
    """A shard's clusters: they depend on its split, number and size, not on the other shards."""
    split = SPLITS.index(shard.split)
    # what SeedSequence.spawn gives its grandchildren, without a count of children to keep
    seed = np.random.SeedSequence(settings.seed, spawn_key=(split, shard.number))
    pool = load_pool(settings.showers.pileup_pool, *_POOL_SHARE[shard.split])
    n = _counts(settings.fractions, shard.rows)
    return generate_clusters(
        settings.showers,
        n_electron=n["electron"],
        n_photon=n["photon"],
        n_pion=n["pion"],
        n_pileup=n["pileup"],
        seed=seed,
        pool=pool,
    )


def _make(settings: DatasetSettings, shard: _Shard, folder: Path, key: str) -> int:
    write_shard(_generate(settings, shard), folder / shard.name, key)
    return shard.rows


def _generated(settings: DatasetSettings, cache_dir: Path, progress: Progress | None) -> dict[str, ClusterTable]:
    key = cache_key(settings.showers, settings.fractions, settings.seed)
    folder = Path(cache_dir) / f"showers-{key[:16]}"
    remove_leftovers(folder)
    shards = _shards(settings)
    tables = {shard: read_shard(folder / shard.name, key, shard.rows) for shard in shards}
    missing = [shard for shard in shards if tables[shard] is None]
    total = sum(shard.rows for shard in shards)
    done = total - sum(shard.rows for shard in missing)
    if progress is not None:
        progress(done, total)
    for rows in run_jobs(_make, [(settings, shard, folder, key) for shard in missing], settings.workers):
        done += rows
        if progress is not None:
            progress(done, total)
    for shard in missing:
        tables[shard] = read_shard(folder / shard.name, key, shard.rows)
        if tables[shard] is None:
            raise OSError(f"{folder / shard.name} was just written and cannot be read back: check the disk")
    return {
        split: concatenate([table for shard, table in tables.items() if shard.split == split and table is not None])
        for split in SPLITS
    }


def _from_files(settings: DatasetSettings) -> dict[str, ClusterTable]:
    names = settings.features or tuple(SHOWER_FEATURES)
    if isinstance(settings.files, Mapping):
        return {split: read_table(settings.files[split], names) for split in SPLITS}
    assert settings.files is not None
    table = read_table(settings.files, names)
    order = np.random.default_rng(settings.seed).permutation(len(table))
    edges = np.rint(np.cumsum([0.0, *settings.split_fractions]) * len(table)).astype(int)
    parts = {split: table.take(order[edges[i] : edges[i + 1]]) for i, split in enumerate(SPLITS)}
    for split, part in parts.items():
        check_two_classes(f"the {split} share ({len(part)} rows) of table {settings.files}", part.label)
    return parts


def load_dataset(
    settings: DatasetSettings, cache_dir: Path, progress: Progress | None = None
) -> dict[str, ClusterTable]:
    """The tables "train", "validation" and "test".

    Generated clusters are cached in `cache_dir` in shards of 10,000. Shards that are there and intact are
    used, the others are made; so a run that was killed goes on where it stopped. A user's files are read and
    not cached.

    Parameters
    ----------
    settings : DatasetSettings
    cache_dir : Path
        Made if it does not exist.
    progress : callable, optional
        Called with (clusters ready, clusters in all).

    Raises
    ------
    UserError
        Bad settings, a bad table, or a folder that cannot be written.
    """
    if settings.files is not None:
        return _from_files(settings)
    return _generated(settings, cache_dir, progress)
