"""Candidates trained a minute: all in one graph, one compiled loop each, and one Keras ``Model.fit`` each.

    python benchmarks/population_training.py CONFIG [--set section.key=value ...] [--candidates 96] [--alone 12]

Every engine trains random genomes of the study for ``training.epochs`` passes over ``training.train_events`` events, in
``--processes`` processes of one thread each, which have started, imported TensorFlow and loaded the events before the
clock runs. Engines that make a model for each candidate train the first ``--alone`` genomes. The population is trained
twice, as two generations with other genomes: the second one traces nothing. Also stated: the share of the processor's
matrix-product peak that training reaches, and the memory of a process while ``--flat`` candidates pass through it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from firmware.network.layers import Conv1D, Conv2D, Dense
from firmware.network.network import Network
from firmware.network.qkeras_io import to_qkeras
from sim.events.dataset import load_dataset
from trigger.config import Study, load
from trigger.search.worker import one_thread_each
from trigger.tasks.hgcal.events import events_of
from trigger.tasks.hgcal.genome import Genome
from trigger.tasks.hgcal.network import build, sparsities
from trigger.tasks.hgcal.operators import random_genome
from trigger.train import fit
from trigger.train.population import Member, fit_population
from trigger.train.population.frame import Frame
from trigger.train.population.groups import padded_frame
from trigger.train.pruning import schedule_steps
from trigger.train.runtime import prepare
from trigger.train.start import start_from_events

_SHARED: dict[str, Any] = {}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="section.key=value")
    parser.add_argument("--candidates", type=int, default=96)
    parser.add_argument("--alone", type=int, default=12)
    parser.add_argument("--flat", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--memory-mb", type=float, default=1024.0)
    parser.add_argument("--out", type=Path, default=None, help="write the figures to this JSON file")
    options = parser.parse_args(arguments)
    study = load(options.config, options.overrides)
    load_dataset(study.data.settings, Path(study.data.cache_dir))
    count, processes = options.candidates, options.processes
    result: dict[str, Any] = {
        "candidates": count,
        "alone": options.alone,
        "epochs": study.training.epochs,
        "processes": processes,
        "train_events": study.training.train_events,
    }
    with one_thread_each(), _pool(study, processes) as pool:
        for name, first in (("first generation", 0), ("next generation", count)):
            shares = [list(range(first + one, first + count, processes)) for one in range(processes)]
            result[f"population, {name}"] = _paces(
                pool, _population, [(one, options.memory_mb) for one in shares], count
            )
        for name, function in (("compiled loop", _loop), ("Model.fit", _keras)):
            result[name] = _paces(pool, function, list(range(options.alone)), options.alone)
    with one_thread_each(), _pool(study, 1) as pool:
        result |= pool.submit(_peak, list(range(count)), options.memory_mb).result()
    with one_thread_each(), _pool(study, 1) as pool:
        result["resident_mb"] = pool.submit(_flat, options.flat, options.memory_mb).result()
    for key in ("compiled loop", "Model.fit"):
        for name in ("first", "next"):
            result[f"ratio to {key}, {name} generation"] = {
                pace: made / result[key][pace] for pace, made in result[f"population, {name} generation"].items()
            }
    print(json.dumps(result, indent=2))
    if options.out is not None:
        options.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _pool(study: Study, processes: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_start, initargs=(study,))
    list(pool.map(_ready, range(4 * processes)))
    return pool


def _start(study: Study) -> None:
    table = load_dataset(study.data.settings, Path(study.data.cache_dir))["train"]
    events = study.training.train_events
    _SHARED.update(study=study, table=table if events is None else table.take(np.arange(min(events, len(table)))))
    tf = prepare(0)
    tf.matmul(tf.ones((8, 8)), tf.ones((8, 8)))
    to_qkeras(_member(0).network)  # imports QKeras


def _ready(_: int) -> None:
    time.sleep(0.5)


def _paces(pool: ProcessPoolExecutor, function: Any, tasks: list[Any], count: int) -> dict[str, float]:
    """Candidates a minute of wall time, and a minute of processor time: the second hardly feels other work."""
    started = time.perf_counter()
    used = sum(pool.map(function, tasks))
    return {"wall": 60 * count / (time.perf_counter() - started), "processor": 60 * count / used}


def _processor_seconds(train: Callable[[Any], None], task: Any) -> float:
    started = time.process_time()
    train(task)
    return time.process_time() - started


def _genome(number: int) -> Genome:
    return random_genome(_SHARED["study"].space, Random(number))


def _member(number: int, events: int | None = None) -> Member:
    study, table, genome = _SHARED["study"], _SHARED["table"], _genome(number)
    seen = events_of(genome, table if events is None else table.take(np.arange(events)))
    return Member(build(genome, study.space), seen, sparsities(genome), seed=number)


def _train_population(task: tuple[list[int], float]) -> None:
    numbers, memory_mb = task
    settings = _SHARED["study"].training
    fit_population([_member(number) for number in numbers], settings, epochs=settings.epochs, memory_mb=memory_mb)


def _train_loop(number: int) -> None:
    member, settings = _member(number), _SHARED["study"].training
    fit(member.network, member.events, settings, sparsity=member.sparsity, epochs=settings.epochs, seed=member.seed)


def _train_keras(number: int) -> None:
    """What a user of Keras writes: pruning wrappers, ``compile``, ``fit``."""
    import tensorflow_model_optimization as tfmot
    import tf_keras as keras

    member, settings = _member(number), _SHARED["study"].training
    network, events = member.network, member.events
    batch = settings.batch_size
    steps = len(events) // batch * settings.epochs
    schedule = schedule_steps(steps, settings)
    keras.utils.set_random_seed(member.seed)
    plain = to_qkeras(network, seed=member.seed)
    start_from_events(plain, network, events, member.seed)

    def wrap(layer: Any) -> Any:
        sparsity = member.sparsity.get(layer.name, 0.0)
        if sparsity == 0:
            return layer
        decay = tfmot.sparsity.keras.PolynomialDecay(
            0.0, sparsity, schedule.begin, schedule.end, settings.pruning_power, schedule.frequency
        )
        return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=decay)

    model = keras.models.clone_model(plain, clone_function=wrap)
    rate = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate, steps, alpha=settings.final_learning_rate / settings.learning_rate
    )
    model.compile(keras.optimizers.Adam(rate), keras.losses.BinaryCrossentropy(from_logits=True))
    inputs = [port.format.to_float(events.words[port.name]).astype(np.float32) for port in network.inputs]
    labels = events.is_signal.astype(np.float32)[:, None]
    callbacks = [tfmot.sparsity.keras.UpdatePruningStep()] if any(member.sparsity.values()) else []
    model.fit(inputs, labels, batch_size=batch, epochs=settings.epochs, verbose=0, callbacks=callbacks)
    keras.backend.clear_session()


def _population(task: tuple[list[int], float]) -> float:
    return _processor_seconds(_train_population, task)


def _loop(number: int) -> float:
    return _processor_seconds(_train_loop, number)


def _keras(number: int) -> float:
    return _processor_seconds(_train_keras, number)


def _peak(numbers: list[int], memory_mb: float) -> dict[str, float]:
    """Products and sums a second in training, against those of one large matrix product, one thread each."""
    tf = prepare(0)
    size = 1024
    left = tf.random.normal((size, size))
    best = np.inf
    for _ in range(10):
        started = time.process_time()
        tf.matmul(left, left).numpy()
        best = min(best, time.process_time() - started)
    settings = _SHARED["study"].training
    members = [_member(number) for number in numbers]
    fit_population(members, replace(settings, train_events=None), epochs=1, memory_mb=memory_mb)  # traces
    started = time.process_time()
    fit_population(members, settings, epochs=settings.epochs, memory_mb=memory_mb)
    seconds = time.process_time() - started
    events = len(members[0].events) // settings.batch_size * settings.batch_size * settings.epochs
    useful = sum(events * 6 * _multiplications(member.network) for member in members)
    padded = sum(events * 6 * _padded_multiplications(padded_frame(member.network)) for member in members)
    peak = 2 * size**3 / best
    return {
        "peak_gflops": peak / 1e9, "useful_gflops": useful / seconds / 1e9, "share_of_peak": useful / seconds / peak,
        "share_of_peak_with_padding": padded / seconds / peak,
    }  # fmt: skip


def _multiplications(network: Network) -> int:
    return sum(
        network.shapes[layer.source][-1] * network.shapes[layer.name][-1]
        for layer in network.layers
        if isinstance(layer, Dense | Conv1D | Conv2D)
    )


def _padded_multiplications(frame: Frame) -> int:
    return sum(int(np.prod(one.kernel_shape)) for one in frame.parameters)


def _flat(count: int, memory_mb: float) -> dict[str, float]:
    """Resident memory of a process in megabytes, by candidates trained, 50 at a time."""
    settings = _SHARED["study"].training
    found = {"0": _resident_mb()}
    for first in range(0, count, 50):
        members = [_member(number, events=2000) for number in range(first, first + 50)]
        fit_population(members, settings, epochs=1, memory_mb=memory_mb)
        if (first + 50) % 100 == 0:
            found[str(first + 50)] = _resident_mb()
    return found


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * 4096 / 1e6, 1)


if __name__ == "__main__":
    main()
