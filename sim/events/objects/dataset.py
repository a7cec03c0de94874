"""The events of the anomaly study: background alone to train on; background and signals to validate and test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.events.checks import number, whole_number
from sim.events.errors import UserError
from sim.events.objects.generate import GenerationSettings, generate_objects
from sim.events.objects.layout import ObjectEvents, joined
from sim.events.objects.processes import BACKGROUNDS, DEFAULT_MIX, PROCESS_NAMES, SIGNALS
from sim.events.objects.reader import read_events
from sim.events.objects.sample import read_sample

SPLITS = ("train", "validation", "test")
GENERATED, SHIPPED, FILES = "generated", "shipped", "files"
MIXED = "background"  # a file of background in which the processes are already mixed
DEFAULT_EVENTS = {"w": 12_000, "qcd": 12_000, "z": 6_000, "tt": 3_000} | dict.fromkeys(SIGNALS, 2_000)
Progress = Callable[[int, int], None]
Table = tuple[NDArray[np.float32], NDArray[np.float64]]


@dataclass(frozen=True)
class AnomalyDatasetSettings:
    """Which events, in which mixture, in which parts.

    Attributes
    ----------
    source : str
        "generated" (Pythia, fastjet and the simulated detector), "shipped" (a small sample in the package) or
        "files" (HDF5 in the layout of the challenge).
    n_events : mapping of str to int
        Events of each process; of a sample or file, the first ones. Processes that are not named are left out.
        For "shipped" and "files" an empty mapping takes all there are.
    background_files, signal_files : mapping of str to str
        For "files": name of a process and its file. The challenge's background is one file, already mixed: call it
        "background". Other names than those of `sim.events.objects.processes` may be given to signals.
    mix : mapping of str to float
        Shares of the background processes (assumption: 59.2% W, 33.8% QCD, 6.7% Z, 0.3% tt). Events are weighted
        by them, in each part so that the mean weight of its background is 1. A file called "background" needs none.
    split_fractions : (float, float, float)
        Background for training, validation and test.
    held_out : tuple of str
        Signals that are in the test part alone, so that no choice can have seen them; the others are shared between
        validation and test like the background.
    seed : int
        Of the division into parts.
    workers : int
        Processes that generate; the result does not depend on it.
    generation : GenerationSettings
    """

    source: str = GENERATED
    n_events: Mapping[str, int] = field(default_factory=lambda: dict(DEFAULT_EVENTS))
    background_files: Mapping[str, str] = field(default_factory=dict)
    signal_files: Mapping[str, str] = field(default_factory=dict)
    mix: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_MIX))
    split_fractions: tuple[float, float, float] = (0.5, 0.15, 0.35)
    held_out: tuple[str, ...] = ("hplus",)
    seed: int = 1
    workers: int = 1
    generation: GenerationSettings = field(default_factory=GenerationSettings)

    def __post_init__(self) -> None:
        if self.source not in (GENERATED, SHIPPED, FILES):
            raise UserError(f"source must be one of {GENERATED}, {SHIPPED}, {FILES}, not {self.source!r}")
        if (self.source == FILES) != bool(self.background_files or self.signal_files):
            raise UserError(
                f"background_files and signal_files must be given with source: {FILES}, and only then; "
                f"source is {self.source}"
            )
        if self.source == FILES:
            self._check_files()
        for name, count in self.n_events.items():
            if name not in self.names:
                raise UserError(f"n_events must name processes of this source ({', '.join(self.names)}), not {name!r}")
            whole_number(f"n_events of {name}", count, 1, 100_000_000)
        if not set(self.backgrounds):
            raise UserError(f"n_events must name at least one background ({', '.join(BACKGROUNDS)}); add one")
        for name in self.held_out:
            if name not in (*self.signals, *SIGNALS):
                raise UserError(f"held_out must name signals ({', '.join(self.signals)}), not {name!r}")
        self._check_mix()
        for fraction in self.split_fractions:
            number("split_fractions", fraction, 0.01, 0.98)
        if len(self.split_fractions) != 3 or abs(sum(self.split_fractions) - 1) > 1e-9:
            raise UserError(f"split_fractions must be three numbers that sum to 1, not {self.split_fractions}")
        whole_number("seed", self.seed, 0, 2**63 - 1)
        whole_number("workers", self.workers, 1, 1024)

    def _check_files(self) -> None:
        if not self.background_files:
            raise UserError(f"background_files must name a file to train on, for example {MIXED}: PATH")
        if MIXED in self.background_files and len(self.background_files) > 1:
            raise UserError(f"background_files must be {MIXED} alone, already mixed, or files of single processes")
        for name in self.background_files:
            if name not in (*BACKGROUNDS, MIXED):
                raise UserError(f"background_files must be called {', '.join((*BACKGROUNDS, MIXED))}, not {name!r}")
        for name in self.signal_files:
            if name in (*BACKGROUNDS, MIXED):
                raise UserError(f"signal_files must not be called like a background, as {name!r} is; rename it")
        resolved = [Path(p).resolve() for p in (*self.background_files.values(), *self.signal_files.values())]
        if len(set(resolved)) != len(resolved):
            raise UserError("background_files and signal_files must be different files; one is named twice")

    def _check_mix(self) -> None:
        if self.backgrounds == (MIXED,):
            return
        for name, share in self.mix.items():
            if name not in BACKGROUNDS:
                raise UserError(f"mix must name background processes ({', '.join(BACKGROUNDS)}), not {name!r}")
            number(f"mix of {name}", share, 0, 1)
        missing = [name for name in self.backgrounds if not self.mix.get(name)]
        if missing:
            raise UserError(f"mix must give every background a share above 0, and {missing[0]!r} has none; add it")

    @property
    def names(self) -> tuple[str, ...]:
        """All processes of the source, backgrounds first: the codes of the data set are positions in it."""
        if self.source == FILES:
            return (*self.background_files, *self.signal_files)
        return PROCESS_NAMES

    @property
    def used(self) -> tuple[str, ...]:
        """The processes that are asked for."""
        if not self.n_events and self.source != GENERATED:
            return self.names
        return tuple(name for name in self.names if self.source == FILES or name in self.n_events)

    @property
    def backgrounds(self) -> tuple[str, ...]:
        """The backgrounds that are asked for."""
        return tuple(name for name in self.used if name in (*BACKGROUNDS, MIXED))

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that are asked for."""
        return tuple(name for name in self.used if name not in (*BACKGROUNDS, MIXED))


def _fingerprints(objects: NDArray[np.float32]) -> NDArray[np.uint64]:
    """A number of 64 bits for each event; equal events have equal ones."""
    words = np.ascontiguousarray(objects).view(np.uint32).reshape(len(objects), -1 if len(objects) else 1)
    factors = np.random.default_rng(0).integers(1, 2**63, words.shape[1], dtype=np.uint64) | np.uint64(1)
    return np.asarray((words.astype(np.uint64) * factors).sum(axis=1, dtype=np.uint64))


def require_background_only(train: ObjectEvents, others: ObjectEvents, signals: tuple[str, ...]) -> None:
    """Raise unless `train` holds no event of a signal: neither by its code, nor by being equal to one of `others`.

    Raises
    ------
    UserError
        An event to train on equals one of a signal: a file of background holds signal.
    RuntimeError
        An event to train on carries the code of a signal.
    """
    for name in signals:
        if n := int(train.of(name).sum()):
            raise RuntimeError(f"{n} events of the signal {name} are among those to train on")
    for name in signals:
        of_signal = others.take(others.of(name))
        if n := int(np.isin(_fingerprints(train.objects), _fingerprints(of_signal.objects)).sum()):
            raise UserError(
                f"the background to train on must hold no signal, but {n} of its events equal events of {name}; "
                "check the files"
            )


def _tables(settings: AnomalyDatasetSettings, cache_dir: Path, progress: Progress | None) -> dict[str, Table]:
    wanted = settings.n_events
    if settings.source == GENERATED:
        shards = generate_objects(wanted, settings.generation, cache_dir, workers=settings.workers, progress=progress)
        return {name: (shards[name].objects, shards[name].weight) for name in settings.used}
    if settings.source == SHIPPED:
        sample = read_sample()
        for name, count in wanted.items():
            if count > len(sample[name][0]):
                raise UserError(
                    f"n_events of {name} must be at most {len(sample[name][0])} with source: {SHIPPED}, not {count}; "
                    f"take fewer, or source: {GENERATED}"
                )
        return {
            name: (sample[name][0][: wanted.get(name)], sample[name][1][: wanted.get(name)]) for name in settings.used
        }
    tables: dict[str, Table] = {}
    files = {**settings.background_files, **settings.signal_files}
    for i, (name, path) in enumerate(files.items()):
        tables[name] = read_events(Path(path), n_events=wanted.get(name))
        if progress is not None:
            progress(i + 1, len(files))
    return tables


def _parts(count: int, fractions: tuple[float, ...], rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """A random division of `count` events."""
    order = rng.permutation(count)
    edges = np.rint(np.cumsum(fractions)[:-1] / sum(fractions) * count).astype(int)
    return [np.sort(part) for part in np.split(order, edges)]


def _events(settings: AnomalyDatasetSettings, name: str, table: Table, index: NDArray, share: float) -> ObjectEvents:
    objects, weight = table[0][index], table[1][index]
    total = weight.sum()
    if not total > 0:
        raise UserError(
            f"{name} has {len(index)} events of weight {total:g} in one of the parts, which must have some; "
            "take more events, or other split_fractions"
        )
    code = np.full(len(objects), settings.names.index(name), dtype=np.int8)
    return ObjectEvents(objects, code, weight * (share / total), settings.names)


def load_anomaly_dataset(
    settings: AnomalyDatasetSettings, cache_dir: Path, progress: Progress | None = None
) -> dict[str, ObjectEvents]:
    """Events to train on, to validate and to test.

    The first holds background alone. `weight` of a background event makes the mixture, with a mean of 1 over the
    background of a part; those of each signal have a mean of 1.

    Parameters
    ----------
    settings : AnomalyDatasetSettings
    cache_dir : Path
        Generated events are kept there.
    progress : callable, optional
        Called with (events or files ready, all).

    Returns
    -------
    dict of str to ObjectEvents
        "train", "validation" and "test"; the codes are positions in ``settings.names``.

    Raises
    ------
    UserError
        Files cannot be used, or Pythia or fastjet is missing.
    """
    tables = _tables(settings, cache_dir, progress)
    found: dict[str, list[ObjectEvents]] = {split: [] for split in SPLITS}
    divided: dict[str, dict[str, NDArray]] = {}
    for name in settings.used:
        # a stream of its own for each process, so that adding one leaves the others as they are
        rng = np.random.default_rng([settings.seed, *name.encode()])
        if name in settings.backgrounds:
            splits: tuple[str, ...] = SPLITS
        else:
            splits = SPLITS[2:] if name in settings.held_out else SPLITS[1:]
        fractions = tuple(settings.split_fractions[SPLITS.index(split)] for split in splits)
        divided[name] = dict(zip(splits, _parts(len(tables[name][0]), fractions, rng), strict=True))
    mix = {name: 1.0 if name == MIXED else float(settings.mix[name]) for name in settings.backgrounds}
    for split in SPLITS:
        n_background = sum(len(divided[name][split]) for name in settings.backgrounds)
        for name in settings.used:
            if split not in divided[name]:
                continue
            index = divided[name][split]
            share = n_background * mix[name] / sum(mix.values()) if name in mix else float(len(index))
            found[split].append(_events(settings, name, tables[name], index, share))
    parts = {split: joined(tables_of) for split, tables_of in found.items()}
    for split in SPLITS[1:]:
        require_background_only(parts["train"], parts[split], settings.signals)
    return parts
