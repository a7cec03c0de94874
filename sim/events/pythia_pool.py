"""Make the pool of minimum-bias particles with Pythia 8 (optional, GPL; never imported by the rest of the package).

Run as ``python -m sim.events.pythia_pool OUT_DIR --events 300000 --seed 1``. It writes `minbias.parquet` (all
particles of the first `--keep` events, coarsely rounded) and `cores.parquet` (the windows around local concentrations
of energy in all events). Both have the columns of a user's own pool: event, pid, pt_gev, eta, phi_rad.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .cores import core_windows, find_cores
from .particles import Particles, at_face, charge_and_kind

SETTINGS = (
    "Beams:eCM = 14000.",
    "SoftQCD:inelastic = on",
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 100.",  # mm/c: K0S and hyperons decay before the calorimeter
    "Print:quiet = on",
    "Random:setSeed = on",
)
MIN_PT_GEV = 0.2
ETA_RANGE = (1.3, 3.2)
CORE_PT_GEV = 5.0
_BATCH = 2000

Columns = dict[str, NDArray]


def generate(n_events: int, pythia, first_event: int = 0) -> Columns:
    """Visible final particles of `n_events` inelastic collisions, both endcaps folded on positive eta."""
    rows: list[tuple[int, int, float, float, float]] = []
    low, high = ETA_RANGE
    done = tries = 0
    while done < n_events:
        tries += 1
        if tries > 10 * n_events + 100:
            raise RuntimeError(f"Pythia failed {tries - done} of {tries} events; see its own messages")
        if not pythia.next():
            continue
        for particle in pythia.event:
            if particle.isFinal():
                pt = particle.pT()
                if pt > MIN_PT_GEV:
                    eta = particle.eta()
                    if low < abs(eta) < high:
                        # the endcaps are two independent samples: give each its own event number
                        rows.append((2 * (first_event + done) + (eta < 0), particle.id(), pt, abs(eta), particle.phi()))
        done += 1
    rows.sort(key=lambda row: row[0])
    event, pid, pt, eta, phi = zip(*rows, strict=True)
    table = {
        "event": np.array(event, dtype=np.int32),
        "pid": np.array(pid, dtype=np.int32),
        "pt_gev": np.array(pt, dtype=np.float64),
        "eta": np.array(eta, dtype=np.float64),
        "phi_rad": np.array(phi, dtype=np.float64),
    }
    visible = charge_and_kind(table["pid"])[1] >= 0
    return {name: column[visible] for name, column in table.items()}


def as_particles(table: Columns) -> Particles:
    """The table's particles at the calorimeter face."""
    charge, kind = charge_and_kind(table["pid"])
    x, y = at_face(table["pt_gev"], table["eta"], table["phi_rad"], charge)
    energy = table["pt_gev"] * np.cosh(table["eta"])
    return Particles(table["event"], x, y, energy.astype(np.float32), kind)


def rounded(table: Columns, pt_steps: int, angle_step: float) -> Columns:
    """Few distinct values a column, so that the file's dictionaries stay small: pT in steps of 1/`pt_steps` of e."""
    pt = np.exp(np.round(np.log(table["pt_gev"]) * pt_steps) / pt_steps)
    return {
        "event": table["event"],
        "pid": table["pid"].astype(np.int16),
        "pt_gev": pt.astype(np.float32),
        "eta": (np.round(table["eta"] / angle_step) * angle_step).astype(np.float32),
        "phi_rad": (np.round(table["phi_rad"] / angle_step) * angle_step).astype(np.float32),
    }


def write(table: Columns, path: Path, note: str) -> None:
    """One Parquet file with a note of where it comes from."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.table(table).replace_schema_metadata({"source": note})
    pq.write_table(arrow, path, compression="zstd", compression_level=19, use_dictionary=True)


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out_dir", type=Path)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--keep", type=int, default=1_500, help="collisions kept whole in minbias.parquet")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    for line in (*SETTINGS, f"Random:seed = {options.seed}"):
        if not pythia.readString(line):
            raise RuntimeError(f"Pythia refuses the setting {line!r}")
    if not pythia.init():
        raise RuntimeError("Pythia did not initialise")
    soft: list[Columns] = []
    cores: list[Columns] = []
    n_cores = 0
    options.out_dir.mkdir(parents=True, exist_ok=True)
    for first in range(0, options.events, _BATCH):
        table = generate(min(_BATCH, options.events - first), pythia, first)
        particles = as_particles(table)
        windows, source = core_windows(particles, find_cores(particles, CORE_PT_GEV))
        piece = {name: column[source] for name, column in table.items()}
        piece["event"] = windows.event + np.int32(n_cores)
        n_cores += int(windows.event.max()) + 1 if len(windows) else 0
        cores.append(piece)
        if first < options.keep:
            whole = table["event"] < 2 * options.keep
            soft.append({name: column[whole] for name, column in table.items()})
        print(f"{first + _BATCH} collisions, {n_cores} cores", flush=True)
    joined = [{name: np.concatenate([t[name] for t in part]) for name in part[0]} for part in (soft, cores)]
    note = f"Pythia {pythia.parm('Pythia:versionNumber')}, {'; '.join(SETTINGS)}; seed {options.seed}; "
    write(rounded(joined[0], 32, 0.0015), options.out_dir / "minbias.parquet",
          note + f"{options.keep} collisions, both endcaps folded: {2 * options.keep} events")
    write(rounded(joined[1], 64, 0.0002), options.out_dir / "cores.parquet",
          note + f"windows around cores of pT > {CORE_PT_GEV} GeV in {options.events} collisions; 'event' counts cores")


if __name__ == "__main__":
    main()
