"""The command line: verbs and their options."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from typing import NoReturn

from firmware.errors import UserError

__all__ = ["SIMULATORS", "VERBS", "parse"]

SIMULATORS = ("verilator", "icarus")
VERBS = {
    "data": "make or read the events of a study",
    "train": "train one configuration, longer than the search does",
    "sweep": "search for the front: NSGA-II over what section space allows",
    "generate": "write the HLS project and the Verilog of one candidate, or of any saved QKeras model",
    "verify": "prove that QKeras, emulator, C-simulation and Verilog compute the same integers",
    "golden": "write the small folder that holds a project to its words, its latency and its cost",
    "check": "make golden projects again, and compare words, latency and cost with what they were",
    "report": "write one HTML page about a study",
    "run": "all of them in order; finished stages are kept",
    "doctor": "what is installed, what is missing, and what each is for",
}
_EPILOG = """\
exit codes: 0 done; 1 a verification or a budget failed; 2 the input was wrong;
70 a defect of this program; 130 interrupted; 143 terminated"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see: {self.prog} --help")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the arguments.

    Returns
    -------
    argparse.Namespace
        ``verb`` and the options of that verb.

    Raises
    ------
    UserError
        The verb or an option does not exist, or its value is of the wrong kind.
    SystemExit
        Help was asked for, and printed.
    """
    if argv and not argv[0].startswith("-") and argv[0] not in VERBS:
        near = difflib.get_close_matches(argv[0], VERBS, n=1)
        advice = f"; nearest: {near[0]}" if near else ""
        raise UserError(f"the verb must be one of {', '.join(VERBS)}, not '{argv[0]}'{advice}")
    options = _build().parse_args(list(argv))
    if options.verb is None:
        raise UserError(f"a verb is needed, one of {', '.join(VERBS)}; see: trigger --help")
    if options.verb == "generate":
        _check_generate(options)
    return options


def _build() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="trigger", description="Neural networks for FPGA triggers: search, firmware, and proof to the integer.",
        epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)
    parsers = {name: verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.",
                                      allow_abbrev=False) for name, text in VERBS.items()}  # fmt: skip
    for name in ("data", "train", "sweep", "report", "run"):
        _study_arguments(parsers[name])
    for name in ("report", "run"):
        parsers[name].add_argument("--yosys", action="store_true", help="count FPGA primitives with Yosys too: minutes")
    _candidate(parsers["train"], "candidate to train: an id of the sweep, knee, or a known one of the task")
    parsers["train"].add_argument("--epochs", type=_count, help="epochs (default: the configuration's final training)")
    for name in ("generate", "run"):
        _choice(parsers[name])
    _generate_arguments(parsers["generate"])
    for name in ("verify", "run"):
        _verify_arguments(parsers[name])
    parsers["verify"].add_argument("target", metavar="CONFIG | DIR", help="a study, or a project folder")
    _common(parsers["verify"])
    parsers["verify"].add_argument("--allow-edited", action="store_true",
                                   help="verify a project whose files were changed after it was written")  # fmt: skip
    parsers["verify"].add_argument("--prove-primitives", action="store_true",
                                   help="prove each distinct instance of the Verilog library with Yosys")  # fmt: skip
    _golden_arguments(parsers["golden"])
    _check_arguments(parsers["check"])
    _json(parsers["doctor"])
    return parser


def _study_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", help="a study: its YAML file, in configs/")
    _common(parser)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", dest="overrides",
                        help="change one value of the configuration; may be repeated")  # fmt: skip
    parser.add_argument("--out", metavar="DIR", help="folder for runs/ and hls_projects/ (default: this one)")
    _json(parser)


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object, and nothing else")


def _candidate(parser: argparse.ArgumentParser | argparse._ArgumentGroup, text: str) -> None:
    parser.add_argument("--candidate", metavar="ID", help=text)


def _choice(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which candidate of the front")
    _candidate(group, "its id, or knee (default: the configuration's choice)")
    group.add_argument("--max-lut", type=_positive, metavar="N", help="best that needs at most N LUT")
    group.add_argument("--max-bits", type=_positive, metavar="N", help="best that reads at most N input bits")
    group.add_argument("--max-latency-ns", type=_positive, metavar="X", help="best that takes at most X ns")


def _generate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", nargs="?", help="a study that was swept")
    _common(parser)
    parser.add_argument("--model", metavar="FILE", help="a saved QKeras model (.h5 or .keras) instead of a study")
    parser.add_argument("--synth", action="store_true", help="run Vitis and Vivado on the project, if they are on PATH")
    group = parser.add_argument_group("firmware of --model (a study has these in its configuration)")
    group.add_argument("--name", help="name of the project (default: that of the file)")
    group.add_argument("--part", help="device")
    group.add_argument("--clock-period-ns", type=_positive, metavar="X", help="target clock period")
    group.add_argument("--clock-margin", type=_number, metavar="X", help="fraction of the period left unused, 0 to 0.9")
    group.add_argument("--latency-budget-ns", type=_positive, metavar="X", help="largest latency allowed")
    group.add_argument("--backend", help="hls4ml backend")
    group.add_argument("--strategy", help="hls4ml strategy")
    group.add_argument("--io-type", help="hls4ml interface")
    group.add_argument(
        "--reuse-factor", action="append", metavar="N | LAYER=N", help="for all layers or one; repeatable"
    )


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how much is proven")
    group.add_argument("--sim", choices=SIMULATORS, help="simulator of the Verilog (default: verilator)")
    group.add_argument("--events", type=_count, metavar="N", help="events through emulator and C-simulation")
    group.add_argument("--rtl-events", type=_count, metavar="N", help="events through the Verilog")


def _golden_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", metavar="PROJECT", help="a project folder that generate wrote")
    parser.add_argument("--out", metavar="DIR", required=True, help="folder to write; an earlier one is replaced")
    parser.add_argument("--vectors", type=_count, metavar="N", help="events to keep (default: up to 500; finder: 200)")
    parser.add_argument("--budget", action="append", default=[], metavar="KEY=VALUE", dest="budgets",
                        help="latency_cycles, latency_ns, ii, lut, ff or dsp at most; may be repeated "
                        "(default: as the project is)")  # fmt: skip
    _json(parser)


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("golden", metavar="DIR", nargs="+", help="a golden project, or a folder of them")
    parser.add_argument("--rungs", metavar="A,B", help="some of qkeras, emulator, hls, rtl (default: all)")
    parser.add_argument("--junit", metavar="FILE", default="golden_check.xml", help="JUnit file (default: %(default)s)")
    parser.add_argument("--update", action="store_true", help="show what moved, then make it golden")
    parser.add_argument("--no-cache", action="store_true", help="run again what passed and has not changed since")
    _verify_arguments(parser)
    _json(parser)


def _check_generate(options: argparse.Namespace) -> None:
    if (options.config is None) == (options.model is None):
        raise UserError("trigger generate needs either a CONFIG or --model FILE, one of the two")
    of_study = {"--candidate": options.candidate, "--max-lut": options.max_lut, "--max-bits": options.max_bits,
                "--max-latency-ns": options.max_latency_ns, "--set": options.overrides or None}  # fmt: skip
    of_model = {"--name": options.name, "--part": options.part, "--clock-period-ns": options.clock_period_ns,
                "--clock-margin": options.clock_margin, "--latency-budget-ns": options.latency_budget_ns,
                "--backend": options.backend, "--strategy": options.strategy, "--io-type": options.io_type,
                "--reuse-factor": options.reuse_factor}  # fmt: skip
    if options.model is not None:
        _refuse(of_study, "belongs to a study; with --model there is no front to choose from")
        if options.out is None:
            raise UserError("trigger generate --model needs --out DIR, the folder of the project")
    else:
        _refuse(of_model, "is for --model; of a study, change its firmware section with --set firmware.key=value")


def _refuse(given: dict[str, object], why: str) -> None:
    for name, value in given.items():
        if value is not None:
            raise UserError(f"{name} {why}")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, not '{text}'") from None


def _positive(text: str) -> float:
    value = _number(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not '{text}'")
    return int(text)
