"""Candidates that are trained at once: of one skeleton and of like widths, as many as the memory holds."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from firmware.network.network import Network
from trigger.errors import UserError
from trigger.train.population.frame import Frame, frame_of
from trigger.train.population.skeleton import INPUT, WEIGHTED, draw

__all__ = ["candidate_bytes", "make_groups", "padded_frame"]

_FLOAT = 4
_DATA_COPIES = 3
"""Events are padded one candidate after the other, joined, and handed to TensorFlow."""
_COPIES = 6
"""Tensors of an activation's size that a training step holds at once: values and gradients of a layer and of the next
one, and what its operations make on the way."""
_PARAMETER_COPIES = 16
"""State, masks, formats, and what Adam makes on the way."""
_INPUTS = 16


def padded_frame(network: Network) -> Frame:
    """The frame of a network; of that network alone, so that its training does not depend on those beside it.

    There are few frames, so that groups are large and little is ever traced: hidden layers are all padded to the next
    power of two above the widest of them, 8 at least, inputs to a multiple of 16, and outputs not at all.
    """
    drawn = draw(network)
    nodes = drawn.skeleton.nodes
    hidden = [
        network.shapes[drawn.names[at]][-1]
        for at, node in enumerate(nodes)
        if node.kind in WEIGHTED and at not in drawn.skeleton.outputs
    ]
    width = 1 << max(3, (max(hidden, default=1) - 1).bit_length())

    def pad(at: int, own: int) -> int:
        if at in drawn.skeleton.outputs:
            return own
        return -(-own // _INPUTS) * _INPUTS if nodes[at].kind == INPUT else width

    return frame_of(drawn, network, pad)


def candidate_bytes(frame: Frame, events: int, batch: int) -> int:
    """Memory that one candidate of a frame takes while it is trained."""
    data = _DATA_COPIES * events * sum(prod(frame.shapes[at]) for at in frame.input_nodes)
    activations = _COPIES * batch * sum(prod(shape) for shape in frame.shapes)
    return _FLOAT * (data + activations + _PARAMETER_COPIES * frame.n_parameters)


def make_groups(
    networks: Sequence[Network], events: int, batch: int, memory_mb: float
) -> list[tuple[Frame, list[int]]]:
    """Sort networks into groups of one frame.

    Parameters
    ----------
    networks : sequence of Network
    events, batch : int
    memory_mb : float
        What one group may take.

    Returns
    -------
    list of (Frame, list of int)
        Indices of the networks in each group.

    Raises
    ------
    UserError
        One candidate alone takes more.
    """
    by_frame: dict[Frame, list[int]] = {}
    for index, network in enumerate(networks):
        by_frame.setdefault(padded_frame(network), []).append(index)
    groups = []
    for frame, indices in by_frame.items():
        need = candidate_bytes(frame, events, batch)
        size = int(memory_mb * 1e6 / need)
        if size < 1:
            raise UserError(
                f"training.population_mb must hold one candidate, which takes {need / 1e6:.0f} MB with {events} events "
                f"and batches of {batch}, and is {memory_mb:g}; raise it, or lower batch_size"
            )
        groups += [(frame, indices[at : at + size]) for at in range(0, len(indices), size)]
    return groups
