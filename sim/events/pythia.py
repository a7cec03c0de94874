"""Pythia 8, started with care: in quiet mode it hides its errors, so every answer is checked.

Pythia is optional and GPL: it is imported here, when a generator is started, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sim.events.errors import UserError

PACKAGE = "pythia8mc==8.317.2"


def start(lines: Sequence[str], seed: int) -> Any:
    """An initialised Pythia.

    Parameters
    ----------
    lines : sequence of str
        Settings, in Pythia's own words.
    seed : int
        1 to 900,000,000.

    Raises
    ------
    UserError
        If Pythia is not installed.
    RuntimeError
        If Pythia refuses a setting or does not initialise.
    """
    try:
        import pythia8mc  # type: ignore[import-not-found,unused-ignore]  # optional, GPL
    except ImportError as error:
        raise UserError(
            f"pool must be 'shipped' or a folder where Pythia is not installed ({error}); "
            f"install it with: pip install {PACKAGE}"
        ) from error
    pythia = pythia8mc.Pythia("", False)
    for line in (*lines, "Print:quiet = on", "Random:setSeed = on", f"Random:seed = {seed}"):
        if not pythia.readString(line):
            raise RuntimeError(f"Pythia refuses the setting {line!r}")
    if not pythia.init():
        raise RuntimeError(f"Pythia did not initialise with {'; '.join(lines)}")
    return pythia


def version(pythia: Any) -> str:
    """Version of a started Pythia, as "8.317"."""
    return f"{pythia.parm('Pythia:versionNumber'):.3f}"


def events(pythia: Any, n_events: int) -> Iterator[Any]:
    """The event record of each of `n_events` successful collisions; it is valid until the next one.

    Raises
    ------
    RuntimeError
        If more than nine tries in ten fail.
    """
    done = tries = 0
    while done < n_events:
        tries += 1
        if tries > 10 * n_events + 100:
            raise RuntimeError(f"Pythia failed {tries - 1 - done} of {tries - 1} events; see its own messages")
        if not pythia.next():
            continue
        done += 1
        yield pythia.event


def require_version(pythia: Any, expected: str) -> None:
    """Raise UserError unless Pythia is the one that the caller's files are made with."""
    if (found := version(pythia)) != expected:
        raise UserError(
            f"Pythia must be of version {expected}, not {found}: another one makes other events; "
            f"install it with: pip install {PACKAGE}"
        )
