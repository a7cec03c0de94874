"""A project folder: written whole, and checked against its manifest when it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from firmware.errors import UserError
from firmware.project.atomic import whole_folder
from firmware.project.manifest import MANIFEST, Manifest, hash_files, read_manifest

__all__ = ["Project", "check_name", "new_project", "read_project"]

_SHOWN = 20


@dataclass(frozen=True)
class Project:
    """A project on disk.

    Parameters
    ----------
    folder : Path
    manifest : Manifest
    edited : tuple of str
        Files that were changed or added since the project was generated.
    """

    folder: Path
    manifest: Manifest
    edited: tuple[str, ...]

    @property
    def hls(self) -> Path:
        """The hls4ml project."""
        return self.folder / "hls"

    @property
    def rtl(self) -> Path:
        """Verilog, constraints and scripts."""
        return self.folder / "rtl"

    @property
    def program(self) -> Path:
        """The emulator's program."""
        return self.folder / "emulator" / "program.json.gz"

    @property
    def vectors(self) -> Path:
        """Input words and expected output words."""
        return self.folder / "vectors"

    @property
    def network(self) -> Path:
        """The description of the network."""
        return self.folder / "model" / "network.json"

    @property
    def model(self) -> Path:
        """The QKeras model's file.

        Raises
        ------
        UserError
            There is none.
        """
        for path in sorted((self.folder / "model").glob("model.*")):
            return path
        raise UserError(
            f"project '{self.folder}' must hold its model as model/model.h5 or model/model.keras; generate it again"
        )


def check_name(name: str) -> None:
    """Refuse a name that cannot be a project's folder.

    Raises
    ------
    UserError
        It is empty, hidden, a path, or holds unprintable characters.
    """
    if not name or name.startswith(".") or Path(name).name != name or not name.isprintable():
        raise UserError(f"name of a project must be a folder name, not '{name}'; use letters, digits, '-' and '_'")


@contextmanager
def new_project(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill; it becomes the project when the block ends well, and vanishes otherwise.

    Raises
    ------
    UserError
        There is already something of that name that is no project: nobody's files are replaced.
    """
    if folder.exists() and not (folder.is_dir() and ((folder / MANIFEST).is_file() or not any(folder.iterdir()))):
        raise UserError(
            f"output folder '{folder}' must be new, empty, or a project to replace; choose another, or remove it"
        )
    with whole_folder(folder) as aside:
        yield aside


def read_project(folder: Path | str, *, allow_edited: bool = False) -> Project:
    """Open a project, having compared every file with the manifest.

    Parameters
    ----------
    folder : path
    allow_edited : bool
        Accept files that were changed or added by hand; missing ones are never accepted.

    Raises
    ------
    UserError
        It is no project, a file is missing, or (unless allowed) edited; each file is named.
    """
    folder = Path(folder)
    manifest, manifest_edited = read_manifest(folder)
    found = hash_files(folder)
    missing = [name for name in manifest.files if name not in found]
    if missing:
        raise UserError(f"project '{folder}' must be complete; missing: {_listed(missing)}; generate it again")
    edited = [f"{name} (changed)" for name, digest in manifest.files.items() if found[name] != digest]
    edited += [f"{name} (added)" for name in found if name not in manifest.files]
    edited += [f"{MANIFEST} (changed)"] if manifest_edited else []
    if edited and not allow_edited:
        raise UserError(
            f"project '{folder}' must be as it was generated; edited: {_listed(edited)}; "
            "generate it again, or verify it as it is with --allow-edited (allow_edited=True)"
        )
    return Project(folder, manifest, tuple(edited))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
