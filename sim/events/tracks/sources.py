"""Where a pool comes from: the package, Pythia by way of the cache, or a folder of the user's."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path

from sim.events.errors import UserError
from sim.events.tracks.generate import generate_pool
from sim.events.tracks.pool_files import PoolTracks, read_given
from sim.events.tracks.processes import POOL_PROCESSES
from sim.events.tracks.settings import PoolSettings

SHIPPED, PYTHIA = "shipped", "pythia"


def read_pool_folder(folder: Path) -> dict[str, list[PoolTracks]]:
    """All pool files (``*.parquet``) of a folder and of the folders in it, by process, in the order of their
    events.

    Raises
    ------
    UserError
        No folder, no file of a process, or a file that cannot be used.
    """
    if not folder.is_dir():
        raise UserError(
            f"pool must be '{SHIPPED}', '{PYTHIA}' or an existing folder of pool files, not {str(folder)!r}"
        )
    pool: dict[str, list[PoolTracks]] = {process: [] for process in POOL_PROCESSES}
    for path in sorted(folder.rglob("[!.]*.parquet")):
        tracks = read_given(path)
        pool[tracks.process].append(tracks)
    for process, files in pool.items():
        if not files:
            raise UserError(f"pool {folder} must hold a file of each of {', '.join(POOL_PROCESSES)}; none of {process}")
        files.sort(key=lambda tracks: tracks.first_event)
    return pool


def load_pool_files(
    source: str,
    settings: PoolSettings,
    cache_dir: Path,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, list[PoolTracks]]:
    """The collisions of a pool, by process.

    Parameters
    ----------
    source : str
        "shipped": the small one in the package; "pythia": made, or read from the cache; or a folder.
    settings : PoolSettings
        Of "pythia".
    cache_dir : Path
    workers, progress
        As in `generate_pool`.

    Raises
    ------
    UserError
    """
    if source == PYTHIA:
        return generate_pool(settings, cache_dir, workers=workers, progress=progress)
    if source == SHIPPED:
        with resources.as_file(resources.files(__package__) / "data") as folder:
            return read_pool_folder(folder)
    return read_pool_folder(Path(source))
