"""Sections about the firmware: resources and timing, and the proof."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trigger.report.record import Chosen
from trigger.report.table import DASH, Html, count, number, percent, table, text

__all__ = ["resources_section", "verdict", "verification_section"]

RUNGS = {
    "vectors_vs_emulator": "stored vectors against emulator",
    "qkeras_vs_emulator": "QKeras against emulator",
    "hls_csim_vs_emulator": "HLS C-simulation against emulator",
    "rtl_vs_emulator": "Verilog in simulation against emulator",
}
_YOSYS = " Yosys counts primitives after its own mapping: an independent figure, not one of Vivado."
_TWO_WAYS = (
    "Integers are compared, every output word of every event. The two ways of a network to hardware share nothing but "
    "the trained weights: hls4ml converts the QKeras model, the Verilog is traced from the network's description."
)


def verdict(chosen: Chosen | None) -> Html:
    """The badge at the head of the page."""
    verification = chosen.verification if chosen else None
    if not verification:
        return Html('<span class="verdict open">not verified yet</span>')
    mismatches = sum(check["mismatches"] for check in verification["checks"])
    if verification["passed"]:
        rungs = ", ".join(f"{count(check['events'])} {_short(check['name'])}" for check in verification["checks"])
        return Html(f'<span class="verdict good">Proven: {count(mismatches)} mismatches ({text(rungs)} events)</span>')
    return Html(f'<span class="verdict bad">Verification failed: {count(mismatches)} mismatches</span>')


def resources_section(chosen: Chosen, device: Mapping[str, int]) -> Html:
    """Estimates with their spread and source, share of the device, timing.

    Parameters
    ----------
    chosen : Chosen
    device : mapping
        What the part holds: ``lut``, ``ff``, ``dsp``.
    """
    manifest = chosen.manifest or {}
    resources = manifest.get("resources") or {}
    low, high, counted = resources.get("low") or {}, resources.get("high") or {}, chosen.primitives or {}
    rows = []
    for name in ("lut", "ff", "dsp"):
        value = resources.get(name)
        spread = f"{count(low[name])} to {count(high[name])}" if name in low and name in high else DASH
        share = percent(value / device[name], 3) if value is not None and device.get(name) else DASH
        row: list[object] = [name.upper(), count(value), spread, share]
        if counted:
            row.append(count(counted.get(name)))
        rows.append(row)
    head = ["", "estimate", "spread", "of the device", *(["Yosys primitives"] if counted else [])]
    settings = manifest.get("settings") or {}
    period = manifest.get("clock_period_ns") or settings.get("clock_period_ns")
    cycles = manifest.get("latency_cycles")
    clock = latency = DASH
    if period:
        clock = f"{1000 / period:.4g} MHz ({number(period, 4)} ns): a target; no tool has closed it"
    if cycles and period:
        latency = f"{cycles} cycles, {number(cycles * period)} ns at the target clock"
    hls = [str(settings.get(name, DASH)) for name in ("strategy", "io_type", "reuse_factor")]
    facts = [
        ("device", settings.get("part", DASH)),
        ("target clock", clock),
        ("margin of the pipeline cut", percent(settings.get("clock_margin"), 0)),
        ("latency", latency),
        ("initiation interval", _cycles(manifest.get("ii"))),
        ("HLS project", f"{hls[0]} strategy, {hls[1]}, reuse factor {hls[2]}"),
    ]
    source = resources.get("source", "none")
    return Html(
        table(head, rows, numeric=range(1, len(head)))
        + f'<p class="note">Source of the estimate: {text(source)}.{_YOSYS if counted else ""} '
        "None of these is a place-and-route result.</p>" + table(("", ""), facts)
    )


def verification_section(chosen: Chosen) -> Html:
    """Every rung with its counts; the first mismatch where there is one."""
    verification = chosen.verification
    if not verification:
        return Html(f"<p>Not verified yet. To do it: <code>trigger verify {text(chosen.project)}</code></p>")
    checks = verification["checks"]
    rows = [
        (_rung(check), count(check["events"]), count(check.get("outputs")),
         Html(f'<span class="{"bad" if check["mismatches"] else "good"}">{count(check["mismatches"])}</span>'))
        for check in checks
    ]  # fmt: skip
    failures = "".join(
        f"<p class=bad>{text(_rung(check))}: {text(what)}</p>" for check in checks for what in _failures(check)
    )
    if verification.get("edited"):
        failures += f"<p class=bad>Files edited after generation: {text(', '.join(verification['edited']))}</p>"
    period = verification.get("clock_period_ns")
    cycles = verification.get("latency_cycles")
    nanoseconds = f" ({number(cycles * period)} ns at the target clock)" if cycles and period else ""
    return Html(
        f"<p>{_TWO_WAYS}</p>"
        + table(("rung", "events", "output words an event", "mismatches"), rows, numeric=(1, 2, 3))
        + failures
        + f"<p>Measured in the simulation of the Verilog: latency {text(_cycles(cycles))}{nanoseconds}, "
        f"initiation interval {text(_cycles(verification.get('ii')))}.</p>"
    )


def _rung(check: Mapping[str, Any]) -> str:
    return RUNGS.get(check["name"], _plain(check["name"]))


def _failures(check: Mapping[str, Any]) -> list[str]:
    first = check.get("first_mismatch")
    mismatch = ["first mismatch: " + ", ".join(f"{key} {value}" for key, value in first.items())] if first else []
    return [*mismatch, *check.get("problems", ())]


def _short(name: str) -> str:
    short = {
        "vectors_vs_emulator": "stored vectors",
        "qkeras_vs_emulator": "QKeras",
        "hls_csim_vs_emulator": "C-simulation",
        "rtl_vs_emulator": "Verilog",
    }
    return short.get(name, _plain(name.removesuffix("_vs_emulator")))


def _plain(name: str) -> str:
    return name.replace("_vs_", " against ").replace("_", " ")


def _cycles(cycles: int | None) -> str:
    return DASH if cycles is None else f"{cycles} cycle{'' if cycles == 1 else 's'}"
