"""Events of the anomaly study made with Pythia 8 and fastjet, in parallel processes and in files that stay.

Each file has seeds of its own from (seed, process, number of the file), so the content depends neither on the
number of processes nor on what was there before; a run that was killed goes on where it stopped, and a larger
sample starts with the events of a smaller one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.events import pythia
from sim.events.checked_parquet import remove_leftovers
from sim.events.checks import whole_number
from sim.events.errors import UserError
from sim.events.objects.detector_settings import DetectorSettings
from sim.events.objects.processes import COMMON_LINES, PROCESS_NAMES, PROCESSES, Process
from sim.events.objects.reconstruct import reconstruct
from sim.events.objects.record import Particles, visible_particles
from sim.events.objects.redecay import decayed_collisions
from sim.events.objects.shard_files import Production, Shard, key_of, read_shard, write_shard
from sim.events.parallel import run_jobs

PYTHIA_VERSION = "8.317"
GENERATOR_VERSION = 1
# starting takes Pythia about a second; a file takes a minute or less
SHARD_EVENTS = {"w": 1000, "qcd": 250, "z": 1000, "tt": 500, "a4l": 500, "lq": 500, "h0": 250, "hplus": 250}
_BATCH = 50
# a lepton that is measured above the trigger's cut is hardly ever softer than this share of it
_LEAST_SHARE = 0.75
# the least probable process keeps one collision in about a hundred
_MAX_TRIES_PER_EVENT = 5_000
_PYTHIA_SEEDS = 900_000_000
_MB_TO_PB = 1e9
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class GenerationSettings:
    """How events are made.

    Attributes
    ----------
    detector : DetectorSettings
    seed : int
        Every file gets seeds of its own from it.
    """

    detector: DetectorSettings = field(default_factory=DetectorSettings)
    seed: int = 1

    def __post_init__(self) -> None:
        whole_number("seed", self.seed, 0, 2**63 - 1)


def description(process: str, settings: GenerationSettings) -> dict[str, Any]:
    """All that decides the content of a process's files."""
    redecayed = PROCESSES[process].redecayed
    again = {"redecayed": redecayed, "n_decays": PROCESSES[process].n_decays, "least_share": _LEAST_SHARE}
    return (again if redecayed else {}) | {
        "generator_version": GENERATOR_VERSION,
        "process": process,
        "title": PROCESSES[process].title,
        "forced_decays": PROCESSES[process].forced,
        "pythia_version": PYTHIA_VERSION,
        "pythia_settings": [*COMMON_LINES, *PROCESSES[process].lines],
        "detector": asdict(settings.detector),
        "shard_events": SHARD_EVENTS[process],
        "batch": _BATCH,
        "seed": settings.seed,
    }


def process_folder(process: str, settings: GenerationSettings, cache_dir: Path) -> Path:
    """Where the files of a process lie."""
    return Path(cache_dir) / "objects" / f"{process}-{key_of(description(process, settings))[:16]}"


def shard_path(process: str, number: int, settings: GenerationSettings, cache_dir: Path) -> Path:
    """Where one file lies."""
    return process_folder(process, settings, cache_dir) / f"{process}-{number:05d}.h5"


def _seeds(process: str, number: int, seed: int) -> tuple[int, np.random.Generator]:
    sequence = np.random.SeedSequence(seed, spawn_key=(PROCESS_NAMES.index(process), number))
    for_pythia, for_detector = sequence.spawn(2)
    state = int(for_pythia.generate_state(1, np.uint64)[0])
    return 1 + state % _PYTHIA_SEEDS, np.random.default_rng(for_detector)


def _start(process: str, seed: int) -> Any:
    """A started Pythia of the supported version."""
    try:
        generator = pythia.start((*COMMON_LINES, *PROCESSES[process].lines), seed)
    except UserError as error:
        raise UserError(
            f"source must be 'shipped' or 'files' where Pythia is not installed ({error.__cause__}); "
            f"install it with: pip install {pythia.PACKAGE}"
        ) from error
    pythia.require_version(generator, PYTHIA_VERSION)
    return generator


def _batch(process: Process, generator: Any, detector: DetectorSettings) -> tuple[Particles, NDArray, NDArray]:
    """Some collisions: particles by event, the collision of each event, the weight of each collision."""
    if process.redecayed:
        least = _LEAST_SHARE * detector.trigger_pt_gev
        return decayed_collisions(
            generator, _BATCH, process.redecayed, process.n_decays, least, detector.calorimeter_max_abs_eta
        )
    particles, weight = visible_particles(generator.nextBatch(_BATCH, "skip"), detector.calorimeter_max_abs_eta)
    return particles, np.arange(particles.n_events), weight


def _one_each(
    event: NDArray, collision: NDArray, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of the events of each collision one at random, in the order of the collisions, and how many there were.

    Positions in `event`; with one event a collision nothing is drawn.
    """
    if len(np.unique(collision[event])) == len(event):
        return np.arange(len(event)), np.ones(len(event), dtype=np.int64)
    order = rng.permutation(len(event))
    _, first, count = np.unique(collision[event][order], return_index=True, return_counts=True)
    return order[first], count


def generate_events(
    process: str, n_events: int, settings: GenerationSettings, *, number: int = 0, max_tries: int | None = None
) -> Shard:
    """Selected events of one process, made here and now.

    Parameters
    ----------
    process : str
        One of PROCESSES.
    n_events : int
        Events that pass the selection.
    settings : GenerationSettings
    number : int
        Number of the file; decides the seeds.
    max_tries : int, optional
        Collisions after which it gives up; 5,000 an event if left out.

    Raises
    ------
    UserError
        Pythia or fastjet is missing, or Pythia is of another version.
    RuntimeError
        Pythia fails, or `max_tries` is used up.
    """
    pythia_seed, rng = _seeds(process, number, settings.seed)
    generator = _start(process, pythia_seed)
    limit = _MAX_TRIES_PER_EVENT * n_events if max_tries is None else max_tries
    objects, weights = [], []
    n_selected = tries = n_generated = 0
    weight_generated = 0.0
    while n_selected < n_events:
        if tries >= limit:
            raise RuntimeError(
                f"{tries} collisions of {process} gave {n_selected} of {n_events} events (Pythia failed in "
                f"{tries - n_generated}); the detector's settings let too few pass"
            )
        tries += _BATCH
        particles, collision, weight = _batch(PROCESSES[process], generator, settings.detector)
        event, found = reconstruct(particles, settings.detector, rng)
        chosen, n_passed = _one_each(event, collision, rng)
        # what lies behind the last event that is wanted was not needed, and does not count
        chosen, n_passed = chosen[: n_events - n_selected], n_passed[: n_events - n_selected]
        kept = collision[event[chosen]]
        n_selected += len(chosen)
        used = len(weight) if n_selected < n_events else int(kept[-1]) + 1
        n_generated += used
        weight_generated += float(weight[:used].sum())
        objects.append(found[chosen])
        weights.append(weight[kept] * n_passed / PROCESSES[process].n_decays)
    weight = np.concatenate(weights)
    cross_section_pb = generator.infoPython().sigmaGen() * _MB_TO_PB
    production = Production(n_generated, weight_generated, float(weight.sum()), cross_section_pb)
    return Shard(np.concatenate(objects), weight, production)


def _make(process: str, number: int, settings: GenerationSettings, cache_dir: Path) -> int:
    shard = generate_events(process, SHARD_EVENTS[process], settings, number=number)
    described = description(process, settings)
    write_shard(shard_path(process, number, settings, cache_dir), shard, described, number)
    return SHARD_EVENTS[process]


def _read(process: str, number: int, settings: GenerationSettings, cache_dir: Path) -> Shard | None:
    path = shard_path(process, number, settings, cache_dir)
    return read_shard(path, description(process, settings), number, SHARD_EVENTS[process])


def _check_counts(n_events: Mapping[str, int]) -> None:
    for name, count in n_events.items():
        if name not in PROCESSES:
            raise UserError(f"process must be one of {', '.join(PROCESS_NAMES)}, not {name!r}")
        whole_number(f"events of {name}", count, 1, 100_000_000)


def generate_objects(
    n_events: Mapping[str, int],
    settings: GenerationSettings,
    cache_dir: Path,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> dict[str, Shard]:
    """Events of several processes; files that are missing or unusable in the cache are made.

    Parameters
    ----------
    n_events : mapping of str to int
        Selected events by process.
    settings : GenerationSettings
    cache_dir : Path
        The files lie under ``objects/`` in it.
    workers : int
        Processes; the result does not depend on it.
    progress : callable, optional
        Called with (events ready, events in all), counting whole files.

    Returns
    -------
    dict of str to Shard
        The asked number of events of each process; `production` is that of all files they come from.

    Raises
    ------
    UserError
        A process is unknown, Pythia or fastjet is missing, or the folder cannot be written.
    """
    _check_counts(n_events)
    files = [
        (process, number) for process, count in n_events.items() for number in range(-(-count // SHARD_EVENTS[process]))
    ]
    for process in n_events:
        remove_leftovers(process_folder(process, settings, cache_dir))
    shards = {file: _read(*file, settings, cache_dir) for file in files}
    missing = [file for file in files if shards[file] is None]
    total = sum(SHARD_EVENTS[process] for process, _ in files)
    done = total - sum(SHARD_EVENTS[process] for process, _ in missing)
    if progress is not None:
        progress(done, total)
    for made in run_jobs(_make, [(*file, settings, Path(cache_dir)) for file in missing], workers):
        done += made
        if progress is not None:
            progress(done, total)
    for file in missing:
        shards[file] = _read(*file, settings, cache_dir)
    return {process: _joined(process, count, shards) for process, count in n_events.items()}


def _joined(process: str, count: int, shards: Mapping[tuple[str, int], Shard | None]) -> Shard:
    parts: list[Shard] = []
    for (name, number), shard in shards.items():
        if name != process:
            continue
        if shard is None:
            raise OSError(f"file {number} of {process} was just written and cannot be read back: check the disk")
        parts.append(shard)
    productions = [part.production for part in parts]
    return Shard(
        np.concatenate([part.objects for part in parts])[:count],
        np.concatenate([part.weight for part in parts])[:count],
        Production(
            sum(p.n_generated for p in productions),
            sum(p.weight_generated for p in productions),
            sum(p.weight_selected for p in productions),
            float(np.mean([p.cross_section_pb for p in productions])),
        ),
    )


def ready(settings: GenerationSettings, cache_dir: Path) -> dict[str, int]:
    """Events of each process that the cache holds from the first file on, without a gap."""
    counts = {}
    for process in PROCESS_NAMES:
        number = 0
        while shard_path(process, number, settings, cache_dir).exists():
            number += 1
        counts[process] = number * SHARD_EVENTS[process]
    return counts
