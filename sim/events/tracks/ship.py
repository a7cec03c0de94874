"""Cut the small pool that the package carries out of a pool made with Pythia.

Run as ``python -m sim.events.tracks.ship CACHE_DIR OUT_DIR``. Values are rounded, well below what the track word
resolves, so that few distinct ones remain and the files stay small.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.events.tracks.generate import generate_pool
from sim.events.tracks.pool_files import PoolTracks, description, write_pool_file
from sim.events.tracks.processes import MAX_ABS_ETA, MIN_PT_GEV
from sim.events.tracks.settings import PoolSettings

# whole files of the cache
SHIPPED_POOL = PoolSettings(n_minbias=20_000, n_ttbar=2_000, n_zll=2_000, seed=1)
_PT_STEPS = 256  # of e
_ANGLE_STEP = 0.0005
_LENGTH_STEP_CM = 0.001


def _steps(values: NDArray, step: float) -> NDArray[np.float64]:
    return np.round(values.astype(np.float64) / step) * step


def rounded(tracks: PoolTracks) -> PoolTracks:
    """The same tracks with coarser values."""
    column = tracks.columns
    pt = np.exp(np.round(np.log(column["pt_gev"].astype(np.float64)) * _PT_STEPS) / _PT_STEPS)
    columns = column | {
        "pt_gev": np.maximum(pt, MIN_PT_GEV),
        "eta": np.clip(_steps(column["eta"], _ANGLE_STEP), -MAX_ABS_ETA, MAX_ABS_ETA),
        "phi_rad": _steps(column["phi_rad"], _ANGLE_STEP),
        "d0_cm": _steps(column["d0_cm"], _LENGTH_STEP_CM),
        "dz_cm": _steps(column["dz_cm"], _LENGTH_STEP_CM),
    }
    columns = {name: values.astype(column[name].dtype) for name, values in columns.items()}
    return PoolTracks(tracks.process, tracks.first_event, tracks.n_events, columns)


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache_dir", type=Path)
    parser.add_argument("out_dir", type=Path)
    options = parser.parse_args()
    note = (
        f"values rounded: pT to 1/{_PT_STEPS} of a factor e, angles to {_ANGLE_STEP}, lengths to {_LENGTH_STEP_CM} cm"
    )
    for process, files in generate_pool(SHIPPED_POOL, options.cache_dir).items():
        for number, tracks in enumerate(files):
            path = options.out_dir / f"{process}-{number:05d}.parquet"
            described = description(process, SHIPPED_POOL.seed) | {"rounding": note}
            write_pool_file(path, rounded(tracks), described, compression_level=19)


if __name__ == "__main__":
    main()
