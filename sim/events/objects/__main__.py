"""Generate events from the command line.

``python -m sim.events.objects generate CACHE_DIR w=12000 qcd=12000`` fills a cache;
``python -m sim.events.objects sample CACHE_DIR`` makes the sample of the package from it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sim.events.errors import UserError
from sim.events.objects.generate import GenerationSettings, generate_objects
from sim.events.objects.processes import PROCESS_NAMES
from sim.events.objects.sample import SAMPLE_EVENTS, SAMPLE_FILE, write_sample


def _show(done: int, total: int) -> None:
    print(f"{done} of {total} events", file=sys.stderr, flush=True)


def _counts(parser: argparse.ArgumentParser, texts: list[str]) -> dict[str, int]:
    try:
        return {name: int(count) for name, _, count in (text.partition("=") for text in texts)}
    except ValueError:
        parser.error("events must be given as PROCESS=NUMBER")


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 if it is done, 2 if what was asked for cannot be."""
    parser = argparse.ArgumentParser(prog="python -m sim.events.objects")
    commands = parser.add_subparsers(dest="command", required=True)
    filling = commands.add_parser("generate", help="fill a cache with events")
    filling.add_argument("cache_dir", type=Path)
    filling.add_argument("events", nargs="+", metavar="PROCESS=EVENTS", help=", ".join(PROCESS_NAMES))
    filling.add_argument("--seed", type=int, default=1)
    sampling = commands.add_parser("sample", help="make the sample that ships with the package")
    sampling.add_argument("cache_dir", type=Path)
    sampling.add_argument("--out", type=Path, default=SAMPLE_FILE)
    for command in (filling, sampling):
        command.add_argument("--workers", type=int, default=1)
    given = parser.parse_args(arguments)
    try:
        if given.command == "generate":
            counts, settings = _counts(parser, given.events), GenerationSettings(seed=given.seed)
            generate_objects(counts, settings, given.cache_dir, workers=given.workers, progress=_show)
        else:
            settings = GenerationSettings()
            shards = generate_objects(SAMPLE_EVENTS, settings, given.cache_dir, workers=given.workers, progress=_show)
            write_sample(given.out, shards, settings)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
