"""Make the pool of pile-up particles with Pythia 8 (optional, GPL; never imported by the rest of the
package).

Run as ``python -m sim.events.pythia_pool OUT_DIR``. It writes `minbias.parquet` (all particles of inelastic
collisions in the endcaps, coarsely rounded) and `cores.parquet` (the windows around photon-rich
concentrations of energy in collisions with a hard scatter: inelastic ones have too few). Columns: event, pid,
pt_gev, eta, phi_rad; those of a core are relative to its centre.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sim.events import pythia
from sim.events.cores import MIN_CORE_PT_GEV, VertexParticles, find_cores
from sim.events.particles import charge_and_kind

SETTINGS = (
    "Beams:eCM = 14000.",
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 100.",  # mm/c: K0S and hyperons decay before the calorimeter
)
SOFT = ("SoftQCD:inelastic = on",)
# the underlying event of a hard scatter is nothing beside 200 collisions, and most of the time
HARD = ("HardQCD:all = on", "PhaseSpace:pTHatMin = 10.", "PartonLevel:MPI = off")
MIN_PT_GEV = 0.2
SOFT_ETA = (1.3, 3.2)
_HARD_ETA = 3.6
_EM = (22, 11, -11)


def collisions(generator: Any, n_events: int, max_eta: float) -> Iterator[list[tuple[int, float, float, float]]]:
    """Final particles (pid, pT, eta, azimuth) of each of `n_events` collisions."""
    for event in pythia.events(generator, n_events):
        rows = []
        for particle in event:
            if particle.isFinal():
                pt = particle.pT()
                if pt > MIN_PT_GEV and abs(eta := particle.eta()) < max_eta:
                    rows.append((particle.id(), pt, eta, particle.phi()))
        yield rows


def _table(rows: list[tuple[int, int, float, float, float]]) -> VertexParticles:
    """Rows of (event, pid, pT, eta, azimuth), the visible ones."""
    event, pid, pt, eta, phi = zip(*rows, strict=True)
    table = VertexParticles(np.array(event), np.array(pid), np.array(pt), np.array(eta), np.array(phi))
    return table.take(charge_and_kind(table.pid)[1] >= 0)


def soft_particles(n_events: int, seed: int) -> VertexParticles:
    """Inelastic collisions; the endcaps are two independent samples and get an event number each."""
    low, high = SOFT_ETA
    rows = [
        (2 * number + (eta < 0), pid, pt, abs(eta), phi)
        for number, collision in enumerate(collisions(pythia.start((*SETTINGS, *SOFT), seed), n_events, high))
        for pid, pt, eta, phi in collision
        if abs(eta) > low
    ]
    rows.sort(key=lambda row: row[0])
    return _table(rows)


def hard_cores(n_events: int, seed: int) -> VertexParticles:
    """Windows around the cores of `n_events` collisions with a hard scatter."""
    rows: list[tuple[int, int, float, float, float]] = []
    for number, collision in enumerate(collisions(pythia.start((*SETTINGS, *HARD), seed), n_events, _HARD_ETA)):
        if number % 1000 == 0:
            print(f"{number} of {n_events} collisions", flush=True)
        if sum(pt for pid, pt, _, _ in collision if pid in _EM and pt > 0.5) > 0.8 * MIN_CORE_PT_GEV:
            rows.extend((number, *particle) for particle in collision)
    return find_cores(_table(rows))


def write(table: VertexParticles, path: Path, pt_steps: int, angle_step: float, source: str) -> None:
    """One Parquet file with a note of where it comes from.

    Values are rounded, pT to steps of 1/`pt_steps` of e, so that few distinct ones remain and the file stays
    small.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "event": table.event.astype(np.int32),
        "pid": table.pid.astype(np.int16),
        "pt_gev": np.exp(np.round(np.log(table.pt_gev) * pt_steps) / pt_steps).astype(np.float32),
        "eta": (np.round(table.eta / angle_step) * angle_step).astype(np.float32),
        "phi_rad": (np.round(table.phi_rad / angle_step) * angle_step).astype(np.float32),
    }
    arrow = pa.table(columns).replace_schema_metadata({"source": source})
    pq.write_table(arrow, path, compression="zstd", compression_level=19, use_dictionary=True)


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out_dir", type=Path)
    parser.add_argument("--soft", type=int, default=2_500, help="inelastic collisions kept whole")
    parser.add_argument("--hard", type=int, default=60_000, help="collisions with a hard scatter searched for cores")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out_dir.mkdir(parents=True, exist_ok=True)
    made = {
        "minbias": (soft_particles(options.soft, options.seed), 32, 0.0015, SOFT, options.soft, options.seed),
        "cores": (
            hard_cores(options.hard, options.seed + 1),
            64,
            0.0005,
            HARD,
            options.hard,
            options.seed + 1,
        ),
    }
    for name, (table, pt_steps, angle_step, process, n_events, seed) in made.items():
        note = f"Pythia 8.317; {'; '.join((*SETTINGS, *process))}; seed {seed}; {n_events} collisions"
        write(table, options.out_dir / f"{name}.parquet", pt_steps, angle_step, note)


if __name__ == "__main__":
    main()
