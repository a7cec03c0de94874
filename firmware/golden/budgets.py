"""``budgets.json``: what the firmware may take at most; made with the golden project, meant to be edited by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from firmware.errors import UserError
from firmware.settings import PARTS, FirmwareSettings

__all__ = ["BUDGETS", "BUDGET_KEYS", "check_budgets", "read_budgets", "text_of_budgets"]

BUDGETS = "budgets.json"
BUDGET_KEYS = ("latency_cycles", "latency_ns", "ii", "lut", "ff", "dsp")
_WHOLE = tuple(key for key in BUDGET_KEYS if key != "latency_ns")


def text_of_budgets(budgets: Mapping[str, float]) -> str:
    """The file's text: keys in their order."""
    return json.dumps({key: budgets[key] for key in BUDGET_KEYS if key in budgets}, indent=1) + "\n"


def read_budgets(folder: Path, settings: FirmwareSettings) -> dict[str, float]:
    """Read and check the budgets of a golden project.

    Raises
    ------
    UserError
        The file is missing or no JSON object, or :func:`check_budgets` refuses it.
    """
    try:
        data = json.loads((folder / BUDGETS).read_text())
    except (OSError, ValueError) as error:
        raise UserError(
            f"{BUDGETS} of golden project '{folder.name}' must be a JSON object, and cannot be read ({error}); "
            "restore it"
        ) from None
    if not isinstance(data, dict):
        raise UserError(f"{BUDGETS} of golden project '{folder.name}' must be a JSON object; restore it")
    check_budgets(data, settings, f"{BUDGETS} of golden project '{folder.name}'")
    return data


def check_budgets(budgets: Mapping[str, Any], settings: FirmwareSettings, where: str) -> None:
    """Refuse budgets that are none, that contradict each other or the settings, or that the device cannot hold.

    Raises
    ------
    UserError
        With the key, the rule, the value and what to do.
    """
    unknown = sorted(set(budgets) - set(BUDGET_KEYS))
    if unknown or not budgets:
        raise UserError(f"keys of {where} must be some of {', '.join(BUDGET_KEYS)}, not {unknown or 'none'}")
    for key, value in budgets.items():
        whole = isinstance(value, int) or (isinstance(value, float) and key not in _WHOLE)
        lowest = 0 if key in ("dsp", "ff", "lut") else 1
        if isinstance(value, bool) or not whole or value < lowest:
            kind = "a whole number" if key in _WHOLE else "a number"
            raise UserError(f"{key} in {where} must be {kind} of at least {lowest}, not {value!r}")
    period, cycles, limit = settings.clock_period_ns, budgets.get("latency_cycles"), budgets.get("latency_ns")
    if cycles is not None and limit is not None and int(limit / period + 1e-9) != cycles:
        raise UserError(
            f"latency_cycles and latency_ns in {where} must agree at {period:g} ns a clock, and {cycles} cycles are "
            f"{cycles * period:g} ns, not {limit:g}; leave one of them out"
        )
    asked = settings.latency_budget_ns
    most = limit if limit is not None else None if cycles is None else cycles * period
    if asked is not None and most is not None and most > asked + period:
        raise UserError(
            f"latency in {where} must not exceed latency_budget_ns of the settings, {asked:g} ns, and is {most:g} ns; "
            f"lower it to {int(asked / period + 1e-9)} cycles"
        )
    device = PARTS[settings.part]
    for key in ("lut", "ff", "dsp"):
        holds = getattr(device, key)
        if key in budgets and budgets[key] > holds:
            raise UserError(f"{key} in {where} must be at most the {holds} of {settings.part}, not {budgets[key]}")
