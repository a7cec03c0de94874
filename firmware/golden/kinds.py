"""What differs between golden projects of a network and of a whole vertex finder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from firmware.errors import UserError
from firmware.settings import FirmwareSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from firmware.golden.folder import Golden
    from firmware.golden.values import Seen, Values
    from firmware.project import Project

__all__ = ["Kind", "kind_of"]

Arrays = Mapping[str, "NDArray[Any]"]


class Kind(Protocol):
    """One kind of project."""

    events: int
    """Events that a check uses unless told otherwise."""

    def stored(self, project: Project, most: int | None) -> tuple[Arrays, Arrays, Mapping[str, int]]:
        """Inputs, expected outputs and their fractions, of at most so many of the events stored in a project."""

    def check_arrays(self, golden: Golden) -> None:
        """Refuse vectors that cannot be those of this golden project."""

    def values(self, golden: Golden) -> Values:
        """The golden words."""

    def events_of(self, golden: Golden) -> Any:
        """The golden inputs as ``firmware.verify`` takes events."""

    def regenerate(self, golden: Golden, settings: FirmwareSettings, about: Any, out_dir: Path) -> Path:
        """Make the project again from the golden model."""

    def watch(self, project: Project, rung: str, inputs: Arrays) -> Seen:
        """What a rung (``model``, ``qkeras``, ``emulator`` or ``hls``) makes of the golden inputs."""


def kind_of(name: str) -> Kind:
    """The implementation for the kind that a manifest names.

    Raises
    ------
    UserError
        There is none.
    """
    # Imported here: each brings what its rungs need, and the module of a finder everything of a network too.
    if name == "network":
        from firmware.golden.network_kind import NetworkKind

        return NetworkKind()
    if name == "vertex_finder":
        from firmware.golden.finder_kind import FinderKind

        return FinderKind()
    raise UserError(f"kind of a project must be network or vertex_finder, not '{name}'")
