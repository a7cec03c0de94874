"""Where the trained network of a candidate is."""

from __future__ import annotations

from pathlib import Path

from firmware.network.network import Network
from firmware.network.serial import from_json

__all__ = ["model_path", "read_model"]


def model_path(run_dir: Path, id: str) -> Path:
    """File of a candidate's trained network."""
    return run_dir / "models" / f"{id}.json"


def read_model(run_dir: Path, id: str) -> Network:
    """The trained network of a candidate.

    Parameters
    ----------
    run_dir : Path
    id : str

    Returns
    -------
    Network

    Raises
    ------
    UserError
        The file is no network.
    """
    return from_json(model_path(run_dir, id).read_text(encoding="utf-8"))
