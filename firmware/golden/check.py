"""``check_golden``: make the project again, climb the ladder, and compare with the golden words and budgets."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from firmware.errors import UserError
from firmware.golden.folder import Golden, read_golden
from firmware.golden.kinds import Kind, kind_of
from firmware.golden.outcome import GENERATE, MODEL, RUNGS, GoldenOutcome, Row
from firmware.golden.seals import sealed_builds
from firmware.golden.values import Seen, compare_values
from firmware.golden.verdicts import keep_verdict, kept_verdict, verdict_key
from firmware.golden.versions import moved_versions, result_versions
from firmware.golden.write import Renewal, figures_of, generated_digests
from firmware.project import Project, read_project
from firmware.verify import VerifyResult, verify
from firmware.verify.report import Check

__all__ = ["check_golden"]

_CHECKS = {
    "qkeras": "qkeras_vs_emulator", "emulator": "vectors_vs_emulator", "hls": "hls_csim_vs_emulator",
    "rtl": "rtl_vs_emulator",
}  # fmt: skip
_FIGURES = ("latency_cycles", "ii", "lut", "ff", "dsp")
_BROKEN = (ArithmeticError, UserError, KeyError, IndexError)
"""What a rung raises that cannot compute the golden inputs at all."""


def check_golden(
    folder: Path | str, *, rungs: Collection[str] = RUNGS, n_events: int | None = None, rtl_events: int | None = None,
    simulator: str = "verilator", cache: bool = True, progress: Callable[[str], None] | None = None,
) -> GoldenOutcome:  # fmt: skip
    """Check one golden project.

    Parameters
    ----------
    folder : path
        That :func:`write_golden` wrote; it is not changed.
    rungs : collection of str
        Some of ``RUNGS``; the emulator is always one of them. With all of them, the proof for all inputs runs too.
    n_events, rtl_events : int, optional
        Events of the ladder, the golden inputs among them. Default: 5,000 of a network, 300 of a vertex finder; through
        the Verilog as many, or as many as suit Icarus.
    simulator : str
        ``verilator`` or ``icarus``.
    cache : bool
        Take an earlier verdict that everything passed, if nothing that it depends on has changed.
    progress : callable, optional
        Told in words what is being done.

    Returns
    -------
    GoldenOutcome

    Raises
    ------
    UserError
        The folder is no golden project, a file of it was altered, or a tool is missing.
    """
    say = progress or (lambda message: None)
    golden = read_golden(folder)
    unknown = sorted(set(rungs) - set(RUNGS))
    if unknown or not rungs:
        raise UserError(f"rungs must be some of {', '.join(RUNGS)}, not {', '.join(unknown) or 'none'}")
    wanted = tuple(rung for rung in RUNGS if rung in rungs or rung == "emulator")
    kind = kind_of(golden.kind)
    count = n_events if n_events is not None else kind.events
    through = count if rtl_events is None and simulator == "verilator" else rtl_events
    versions = result_versions()
    key = verdict_key(golden.folder, versions, [*wanted, str(count), str(through), simulator])
    kept = kept_verdict(key, say) if cache else None
    if kept is not None:
        say("unchanged since it passed: not run again")
        return replace(kept, golden=golden.folder.resolve().name)
    amount = {"n_events": count, "rtl_events": through, "simulator": simulator}
    with tempfile.TemporaryDirectory(prefix="golden-") as scratch, sealed_builds(say):
        rows, renewal = _run(golden, kind, wanted, amount, Path(scratch), say)
    moved = moved_versions(golden.versions, versions)
    if moved:
        text = ", ".join(f"{name} {then} -> {now}" for name, (then, now) in moved.items())
        rows.append(Row("versions", True, text=text, note=True))
    outcome = GoldenOutcome(golden.folder.resolve().name, tuple(rows), moved, renewal=renewal)
    if cache and outcome.passed:
        keep_verdict(key, outcome)
    return outcome


def _run(
    golden: Golden, kind: Kind, wanted: tuple[str, ...], amount: dict[str, Any], scratch: Path,
    say: Callable[[str], None],
) -> tuple[list[Row], Renewal | None]:  # fmt: skip
    say("generate ...")
    try:
        project = read_project(kind.regenerate(golden, golden.firmware_settings, golden.about, scratch))
    except UserError as error:
        return [Row(GENERATE, False, text=str(error))], None
    checks = [_CHECKS[rung] for rung in wanted]
    result = verify(project.folder, events=kind.events_of(golden), checks=checks, progress=say, **amount)
    seen: dict[str, Seen] = {}
    words: dict[str, Row] = {}
    # The emulator first: whether the others are to blame depends on whether it moved.
    for rung in sorted((MODEL, *wanted), key=lambda rung: rung != "emulator"):
        if rung == "rtl":
            words[rung] = _rtl_row(result.check(_CHECKS[rung]), words["emulator"])
            continue
        say(f"golden words: {rung} ...")
        check = result.check(_CHECKS[rung]) if rung in _CHECKS else None
        try:
            seen[rung] = kind.watch(project, rung, golden.inputs)
        except _BROKEN as error:
            words[rung] = Row(rung, False, golden.events, golden.events, text=str(error))
            continue
        words[rung] = _words_row(rung, golden, kind, seen[rung], check, words.get("emulator"))
    rows = [words[rung] for rung in (MODEL, *wanted)]
    if result.proof is not None:
        rows.append(Row("proof", not result.proof.refuted, layer=result.proof.first_layer, text=str(result.proof)))
    figures = {**figures_of(project.manifest)}
    if result.latency_cycles is not None:
        figures["latency_cycles"] = result.latency_cycles
    rows += [_figure_row(name, golden, figures[name]) for name in _FIGURES]
    generated = generated_digests(project.manifest.files)
    changed = [name for name, digest in generated.items() if golden.generated.get(name) != digest]
    if changed:
        rows.append(Row("generated", True, text=f"other files in {', '.join(changed)}", note=True))
    return rows, _renewal(golden, project, wanted, result, seen, figures)


def _words_row(
    rung: str, golden: Golden, kind: Kind, seen: Seen, check: Check | None, emulator: Row | None
) -> Row:  # fmt: skip
    moved = compare_values(kind.values(golden), seen.values)
    layer = next((name for name, step in golden.steps.items() if seen.steps.get(name, step) != step), None)
    if moved.event is not None and (layer is None or rung == "emulator"):
        layer = seen.locate(moved.event) or layer
    text = [moved.text] if moved.text else []
    failed = bool(moved.moved)
    hidden = layer is not None and not failed
    if hidden:
        text.append("words of a layer moved, and no output with them")
    elif failed and layer is None and rung == MODEL:
        text.append("no layer moved: the stored words are others than the layers' digests were made with")
    if check is not None and not check.passed:
        # The emulator is what the ladder compares with: a rung that stayed is not to blame for one that left it.
        blamed = rung == "emulator" or failed or emulator is None or emulator.passed
        failed = failed or blamed
        text.append(str(check) if blamed else "stayed, and so differs from the emulator")
        if layer is None and check.first_mismatch is not None and blamed:
            layer = check.first_mismatch.first_layer
    return Row(rung, not failed, moved.moved, moved.events, moved.lsb, layer, "; ".join(text), note=hidden)


def _rtl_row(check: Check, emulator: Row) -> Row:
    """The Verilog is judged against the emulator on all events, the golden inputs among them."""
    first = check.first_mismatch
    if not check.passed:
        layer = None if first is None else first.first_layer
        lsb = None if first is None else first.difference_lsb
        return Row("rtl", False, check.mismatches, check.events, lsb, layer, str(check))
    if emulator.moved:
        return replace(emulator, item="rtl", text="as the emulator")
    return Row("rtl", emulator.passed, 0, check.events, 0, text="" if emulator.passed else "as the emulator")


def _figure_row(name: str, golden: Golden, now: int) -> Row:
    limit = golden.budgets.get(name)
    if name == "latency_cycles" and limit is None and "latency_ns" in golden.budgets:
        limit = int(golden.budgets["latency_ns"] / golden.firmware_settings.clock_period_ns + 1e-9)
    then = golden.figures[name]
    text = f"{now}, golden {then}" if now != then else str(now)
    if limit is not None and now > limit:
        return Row(name, False, text=f"{text}, exceeds the budget of {limit:g} by {now - limit:g}")
    return Row(name, True, text=text if limit is None else f"{text}, budget {limit:g}", note=now != then)


def _renewal(
    golden: Golden, project: Project, wanted: tuple[str, ...], result: VerifyResult, seen: dict[str, Seen],
    figures: dict[str, int],
) -> Renewal | None:  # fmt: skip
    """What would become golden: only where every rung ran and they agree with each other."""
    agree = set(wanted) == set(RUNGS) and result.passed and {MODEL, "emulator"} <= set(seen)
    if not agree or compare_values(seen[MODEL].values, seen["emulator"].values).moved:
        return None
    emulator = seen["emulator"].values
    return Renewal(
        outputs=emulator.words, fractions=emulator.fractions, steps=seen[MODEL].steps, ports=project.manifest.ports,
        figures=figures, generated=generated_digests(project.manifest.files),
    )  # fmt: skip
