"""Events and expected words as the text that the test bench reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firmware.errors import UserError
from firmware.project.atomic import write_whole
from firmware.vertex.events import FinderEvents, FinderOutputs

__all__ = ["write_finder_vectors"]


def write_finder_vectors(
    hls_dir: Path | str, events: FinderEvents, outputs: FinderOutputs, *, threshold: int = 0
) -> None:
    """Write ``tb_data/events.txt`` and ``tb_data/expected.txt`` of a project.

    An event is a line ``event NUMBER TRACKS THRESHOLD`` and a line ``LANE WORD`` a track, the word in hexadecimal;
    what is expected of it is a line ``vertex BIN Z0 PEAK TRUNCATED`` and a line
    ``track KEPT WEIGHT ASSOCIATION ASSOCIATED`` a track.

    Parameters
    ----------
    hls_dir : path
        Folder that `write_finder_hls` wrote.
    events : FinderEvents
    outputs : FinderOutputs
        What the finder says of them.
    threshold : int
        Association word from which on a track belongs to the vertex.

    Raises
    ------
    UserError
        The outputs are not of these events, or there are no events.
    """
    folder = Path(hls_dir) / "tb_data"
    if len(outputs.bin) != len(events) or len(outputs.kept) != len(events.lane):
        raise UserError(
            f"outputs must be of the {len(events)} events and {len(events.lane)} tracks, not of {len(outputs.bin)} and "
            f"{len(outputs.kept)}"
        )
    if not len(events):
        raise UserError("events of a test bench must be at least 1, not 0")
    folder.mkdir(exist_ok=True)
    associated = outputs.kept & (outputs.association >= threshold)
    inputs, expected = [], []
    tracks_in = [f"{lane} {word}" for lane, word in zip(events.lane.tolist(), _hexadecimal(events.words), strict=True)]
    tracks_out = [
        f"track {kept:d} {weight} {association} {belongs:d}"
        for kept, weight, association, belongs in zip(
            *(array.tolist() for array in (outputs.kept, outputs.weight, outputs.association, associated)), strict=True
        )
    ]
    vertices = zip(*(a.tolist() for a in (outputs.bin, outputs.z0, outputs.peak, outputs.truncated)), strict=True)
    for event, (bin, z0, peak, truncated) in enumerate(vertices):
        first, last = events.start[event], events.start[event + 1]
        inputs += [f"event {event} {last - first} {threshold}", *tracks_in[first:last]]
        expected += [f"vertex {bin} {z0} {peak} {truncated:d}", *tracks_out[first:last]]
    write_whole(folder / "events.txt", "\n".join(inputs) + "\n")
    write_whole(folder / "expected.txt", "\n".join(expected) + "\n")


def _hexadecimal(words: NDArray[np.uint32]) -> list[str]:
    return ["".join(f"{part:08x}" for part in reversed(word)) for word in words.tolist()]
