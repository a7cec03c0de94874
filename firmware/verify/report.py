"""What a verification found, as a value, as ``verify.json`` and as JUnit's ``verify.xml``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from firmware.project.atomic import write_whole
from firmware.verify.compare import Mismatch

if TYPE_CHECKING:
    from firmware.proof import PrimitiveProof, Proof

__all__ = ["Check", "VerifyResult", "write_results"]

SCHEMA = 1


@dataclass(frozen=True)
class Check:
    """One rung of the ladder.

    Parameters
    ----------
    name : str
    events : int
        Events compared.
    outputs : int
        Output words of one event.
    mismatches : int
        Events that differ, are lost, or come out uncalled.
    first_mismatch : Mismatch or None
    problems : tuple of str
        Failures other than differing words: a build that fails, a latency or rate other than stated, X or Z.
    details : mapping of str to JSON values
        What this rung alone has to tell.
    """

    name: str
    events: int
    outputs: int
    mismatches: int
    first_mismatch: Mismatch | None = None
    problems: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """No mismatch, no problem, and at least one event compared."""
        return self.mismatches == 0 and not self.problems and self.events > 0

    def to_json(self) -> dict[str, Any]:
        """Plain types, for ``verify.json``."""
        return {
            "name": self.name, "passed": self.passed, "events": self.events, "outputs": self.outputs,
            "mismatches": self.mismatches,
            "first_mismatch": None if self.first_mismatch is None else self.first_mismatch.to_json(),
            "problems": list(self.problems), **self.details,
        }  # fmt: skip

    def __str__(self) -> str:
        if self.passed:
            return f"{self.name}: {self.events} events, 0 mismatches"
        first = [f"first: {self.first_mismatch}"] if self.first_mismatch else []
        reasons = "; ".join([*first, *self.problems])
        return f"{self.name}: FAILED, {self.mismatches} of {self.events} events differ; {reasons}"


@dataclass(frozen=True)
class VerifyResult:
    """What ``firmware.verify`` found.

    Parameters
    ----------
    name : str
        The project.
    checks : tuple of Check
    latency_cycles, ii : int or None
        Measured in the RTL simulation; None: not measured, or not the same for all events.
    clock_period_ns : float
        Target clock period that the project states.
    resources : mapping
        As the project's manifest has them, with their source.
    stimulus : mapping of str to int
        Events of each kind.
    seed : int
        Seed of the random words and of the gaps.
    simulator : str
    edited : tuple of str
        Files that differ from what was generated, if that was allowed.
    proof : Proof or None
        Of the emulator's program against the network, for all inputs; None: not attempted.
    primitives : PrimitiveProof or None
        Of the Verilog library's instances, for all inputs; None: not asked for.
    """

    name: str
    checks: tuple[Check, ...]
    latency_cycles: int | None
    ii: int | None
    clock_period_ns: float
    resources: Mapping[str, Any]
    stimulus: Mapping[str, int]
    seed: int
    simulator: str
    edited: tuple[str, ...] = ()
    proof: Proof | None = None
    primitives: PrimitiveProof | None = None

    @property
    def passed(self) -> bool:
        """Every check passed, there was at least one, and no proof found anything wrong."""
        return (
            bool(self.checks)
            and all(check.passed for check in self.checks)
            and not any(proof.refuted for _, proof in self._proofs)
        )

    @property
    def proof_lines(self) -> tuple[str, ...]:
        """What was shown for all inputs, one line a proof."""
        return tuple(f"{name}: {proof}" for name, proof in self._proofs)

    @property
    def _proofs(self) -> list[tuple[str, Proof | PrimitiveProof]]:
        found = (("proof", self.proof), ("primitives", self.primitives))
        return [(name, proof) for name, proof in found if proof is not None]

    def check(self, name: str) -> Check:
        """The check of that name; KeyError if it was not made."""
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """Plain types, as in ``verify.json``."""
        return {
            "schema": SCHEMA, "name": self.name, "passed": self.passed,
            "checks": [check.to_json() for check in self.checks],
            "proof": None if self.proof is None else self.proof.to_json(),
            "primitives": None if self.primitives is None else self.primitives.to_json(),
            "latency_cycles": self.latency_cycles, "ii": self.ii, "clock_period_ns": self.clock_period_ns,
            "resources": dict(self.resources),
            "stimulus": {"seed": self.seed, "events": dict(self.stimulus)},
            "simulator": self.simulator, "edited": list(self.edited),
        }  # fmt: skip

    def to_junit(self) -> str:
        """JUnit XML: one test case a check, and one a proof."""
        failures = sum(not check.passed for check in self.checks) + sum(proof.refuted for _, proof in self._proofs)
        suite = ElementTree.Element(
            "testsuite", name=f"verify.{self.name}", tests=str(len(self.checks) + len(self._proofs)),
            failures=str(failures),
            errors="0", skipped="0",
        )  # fmt: skip
        for check in self.checks:
            case = ElementTree.SubElement(suite, "testcase", classname=self.name, name=check.name)
            if not check.passed:
                message = f"{check.mismatches} of {check.events} events differ"
                failure = ElementTree.SubElement(case, "failure", message=message)
                failure.text = _printable(str(check))
            ElementTree.SubElement(case, "system-out").text = _printable(str(check))
        for (name, proof), line in zip(self._proofs, self.proof_lines, strict=True):
            case = ElementTree.SubElement(suite, "testcase", classname=self.name, name=name)
            if proof.refuted:
                ElementTree.SubElement(case, "failure", message="refuted").text = _printable(line)
            ElementTree.SubElement(case, "system-out").text = _printable(line)
        ElementTree.indent(suite)
        return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def write_results(result: VerifyResult, folder: Path) -> None:
    """Write ``verify.xml`` and ``verify.json`` into the project, each whole or not at all; the JSON file last."""
    write_whole(folder / "verify.xml", result.to_junit())
    write_whole(folder / "verify.json", json.dumps(result.to_json(), indent=2) + "\n")


def _printable(text: str) -> str:
    """Without the control characters that XML cannot hold: a compiler's message may have them."""
    return "".join(character if character.isprintable() or character in "\n\t" else "?" for character in text)
