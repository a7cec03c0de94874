"""Changes planted into programs: each refused by the proof, or shown equivalent.

Run from the repository: ``python benchmarks/proof_campaign.py [--per-kind N] [--networks N]``. Networks: the reference
network (16-64-32-32-5, 6 bits, half the weights zero) and random ones of every topology. Prints a table by kind:

- refused: the proof does not accept the program; ``seen``: random and extreme events differ as well;
- accepted: the proof says that the program still computes the network; ``agrees``: so do those events (or all inputs,
  if there are at most 65,536). An accepted program whose events differ would be an unsound proof.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import Counter
from collections.abc import Iterator

import numpy as np
from rtl_verification import reference_network

from firmware.adder_graph import Program, emulate, trace_network
from firmware.network.network import Network
from firmware.network.random_networks import TOPOLOGIES, random_network, random_words
from firmware.network.reference import EventWords, evaluate
from firmware.proof import prove
from firmware.proof.planted import KINDS, planted_changes

EVENTS = 4000
EXHAUSTIVE = 1 << 16


def main() -> None:
    """Run the campaign and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per-kind", type=int, default=3, help="changes of each kind and network")
    parser.add_argument("--networks", type=int, default=2, help="random networks of each topology")
    arguments = parser.parse_args()
    counts: Counter[tuple[str, str]] = Counter()
    start = time.perf_counter()
    for number, (network, program) in enumerate(subjects(arguments.networks)):
        if not prove(program, network).proven:
            raise SystemExit(f"'{network.name}' must be proven before it is changed")
        words = stimulus(network)
        expected = {name: evaluate(network, words)[name] for name in network.outputs}
        for change in planted_changes(program, per_kind=arguments.per_kind, seed=number):
            proof = prove(change.program, network, retry_limit=1 << 18)
            differs = differing(change.program, words, expected)
            counts[change.kind, outcome(proof.proven, differs)] += 1
            if proof.proven and differs:
                print(f"UNSOUND: {network.name}, {change.kind}, {change.where}")
    print_table(counts)
    print(f"{time.perf_counter() - start:.0f} s")


def subjects(per_topology: int) -> Iterator[tuple[Network, Program]]:
    """Networks and their programs."""
    network = reference_network()
    yield network, trace_network(network, fast=True)
    for topology in sorted(TOPOLOGIES):
        found = 0
        for seed in itertools.count(100):
            network = random_network(seed, topology, max_units=6, max_bits=8, min_bits=2)
            program = trace_network(network, fast=True)
            if len(program.comb.ops) >= 40:
                yield network, program
                found += 1
            if found == per_topology:
                break


def stimulus(network: Network) -> EventWords:
    """All inputs, if they are few; else extremes and random ones."""
    ranges = [
        range(layer.format.lowest, layer.format.highest + 1)
        for layer in network.inputs
        for _ in range(int(np.prod(layer.shape)))
    ]
    if np.prod([float(len(r)) for r in ranges]) > EXHAUSTIVE:
        return random_words(network, EVENTS, 11)
    table = np.array(list(itertools.product(*ranges)), np.int64)
    words, first = {}, 0
    for layer in network.inputs:
        size = int(np.prod(layer.shape))
        words[layer.name] = table[:, first : first + size].reshape(-1, *layer.shape)
        first += size
    return words


def differing(program: Program, words: EventWords, expected: dict) -> bool:
    """Whether an event differs, or the emulator cannot compute it."""
    try:
        found = emulate(program, words, threads=1)
    except (ArithmeticError, AssertionError, RuntimeError, ValueError, IndexError):
        return True
    return any(not np.array_equal(found[name], tensor.words) for name, tensor in expected.items())


def outcome(proven: bool, differs: bool) -> str:
    """Column of the table."""
    return ("UNSOUND" if differs else "accepted, agrees") if proven else ("refused, seen" if differs else "refused")


def print_table(counts: Counter[tuple[str, str]]) -> None:
    """Counts by kind."""
    columns = ["refused, seen", "refused", "accepted, agrees", "UNSOUND"]
    print(f"{'kind of change':24}" + "".join(f"{column:>18}" for column in [*columns, "all"]))
    for kind in [*KINDS, "all"]:
        row = [sum(n for (k, c), n in counts.items() if kind in (k, "all") and c == column) for column in columns]
        print(f"{kind:24}" + "".join(f"{n:18}" for n in [*row, sum(row)]))


if __name__ == "__main__":
    main()
