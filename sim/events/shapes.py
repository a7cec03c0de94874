"""From windows of trigger cells to clusters and their shape variables, for many clusters at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.events.geometry import EM_TRIGGER_LAYERS, N_LAYERS, WINDOW_CELLS, Layers
from sim.events.settings import ShowerSettings

Index = NDArray[np.int64]
Real = NDArray[np.floating]
SRRMEAN_RADIUS_CM = 5.0


@dataclass(frozen=True)
class Cells:
    """Trigger cells that were read, sorted by cluster and then by layer.

    Attributes
    ----------
    cluster, layer : int64 arrays, shape (M,)
        Number of the cluster, and of the trigger layer from 0.
    energy_gev : float64 array, shape (M,)
    x_cm, y_cm : float64 arrays, shape (M,)
        Centre of the cell.
    n_clusters : int
    """

    cluster: Index
    layer: Index
    energy_gev: Real
    x_cm: Real
    y_cm: Real
    n_clusters: int

    def take(self, mask: NDArray[np.bool_]) -> Cells:
        """The cells of `mask`; clusters keep their numbers."""
        columns: tuple[NDArray[Any], ...] = (self.cluster, self.layer, self.energy_gev, self.x_cm, self.y_cm)
        cluster, layer, energy, x, y = (column[mask] for column in columns)
        return Cells(cluster, layer, energy, x, y, self.n_clusters)

    def select(self, clusters: NDArray[np.bool_]) -> Cells:
        """The cells of the clusters of a mask, shape (n_clusters,), renumbered."""
        kept = self.take(clusters[self.cluster])
        return replace(kept, cluster=(np.cumsum(clusters) - 1)[kept.cluster], n_clusters=int(clusters.sum()))


def summed(group: NDArray[np.integer], weight: NDArray[Any], n: int) -> Real:
    """Sum of the weights in each of `n` groups, shape (n,)."""
    return np.bincount(group, weight, n).astype(np.float64, copy=False)


def read_cells(
    energy_gev: NDArray[np.float32],
    corner: Index,
    centre: NDArray[np.float32],
    layers: Layers,
    settings: ShowerSettings,
    rng: np.random.Generator,
) -> Cells:
    """Add noise and keep the cells above threshold.

    Parameters
    ----------
    energy_gev : float32 array, shape (N, 36, 7, 7)
        Deposits; changed in place.
    corner : int64 array, shape (N, 36, 2)
        First cell of each window.
    centre : float32 array, shape (N, 2)
        Projected axis of each window.
    """
    n = len(energy_gev)
    flat_energy = energy_gev.reshape(n, N_LAYERS, WINDOW_CELLS**2)
    mip = layers.mip_gev.astype(np.float32)
    if settings.noise_mip > 0:
        noise = rng.standard_normal(flat_energy.shape, dtype=np.float32)
        noise *= (np.float32(settings.noise_mip) * mip)[:, None]
        flat_energy += noise
    rho = np.hypot(centre[:, 0], centre[:, 1])
    sin_theta = rho / np.sqrt(1 + rho * rho)
    # at least half a MIP, so that a threshold of zero does not read the pedestal's negative half
    cut = np.maximum(np.float32(settings.threshold_mip_t) / sin_theta, np.float32(0.5))[:, None] * mip
    flat = np.flatnonzero((flat_energy > cut[:, :, None]).ravel())
    row = flat // WINDOW_CELLS**2
    cell = flat % WINDOW_CELLS**2
    corners = corner.reshape(-1, 2)[row]
    return Cells(
        row // N_LAYERS,
        row % N_LAYERS,
        flat_energy.ravel()[flat].astype(np.float64),
        (corners[:, 0] + cell // WINDOW_CELLS + 0.5) * settings.pitch_cm,
        (corners[:, 1] + cell % WINDOW_CELLS + 0.5) * settings.pitch_cm,
        n,
    )


def cluster(cells: Cells, centre: NDArray[np.float32], layers: Layers, radius: float) -> tuple[Cells, Real]:
    """Gather the cells within a fixed radius of the local energy maximum, in the projected plane.

    The seed moves from the candidate's axis twice to the energy-weighted mean of the cells within `radius` of
    it.

    Returns
    -------
    cells : Cells
        Those inside the final circle.
    seed : float64 array, shape (N, 2)
        Its centre.
    """
    x, y = cells.x_cm / layers.z_cm[cells.layer], cells.y_cm / layers.z_cm[cells.layer]
    seed = centre.astype(np.float64)

    def inside() -> NDArray[np.bool_]:
        return (x - seed[cells.cluster, 0]) ** 2 + (y - seed[cells.cluster, 1]) ** 2 < radius**2

    for _ in range(2):
        weight = np.where(inside(), cells.energy_gev, 0)
        total = summed(cells.cluster, weight, cells.n_clusters)
        filled = total > 0
        for axis, values in enumerate((x, y)):
            mean = summed(cells.cluster, weight * values, cells.n_clusters)
            seed[filled, axis] = mean[filled] / total[filled]
    return cells.take(inside()), seed


def _sums(group: Index, n: int, *weights: Real) -> list[Real]:
    return [summed(group, weight, n) for weight in weights]


def _ratio(numerator: Real, denominator: Real) -> Real:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _rms(group: Index, n: int, weight: Real, values: Real) -> Real:
    """Weighted standard deviation of `values` in each of `n` groups; two passes, so that nothing cancels."""
    total, first = _sums(group, n, weight, weight * values)
    mean = _ratio(first, total)
    (second,) = _sums(group, n, weight * (values - mean[group]) ** 2)
    return np.sqrt(_ratio(second, total))


def kinematics(cells: Cells, layers: Layers) -> tuple[Real, Real, Real]:
    """pT (GeV), pseudorapidity and azimuth of each cluster: sums over cells as massless momenta from the
    origin."""
    z = layers.z_cm[cells.layer].astype(np.float64)
    length = np.sqrt(cells.x_cm**2 + cells.y_cm**2 + z * z)
    px, py, pz = (
        summed(cells.cluster, cells.energy_gev * p / length, cells.n_clusters) for p in (cells.x_cm, cells.y_cm, z)
    )
    pt = np.hypot(px, py)
    return pt, np.arcsinh(_ratio(pz, pt)), np.arctan2(py, px)


def shape_variables(cells: Cells, layers: Layers) -> dict[str, Real]:
    """All shape variables of every cluster.

    The definitions are those of the feature table (`sim.events.features`). Clusters without cells get zeros.

    Returns
    -------
    dict of float64 arrays, shape (N,)
        One entry a variable.
    """
    n = cells.n_clusters
    energy, owner = cells.energy_gev, cells.cluster
    z = layers.z_cm[cells.layer].astype(np.float64)
    rho = np.hypot(cells.x_cm, cells.y_cm)
    r = rho / z
    eta = np.arcsinh(z / np.maximum(rho, 1e-9))
    _, _, cluster_phi = kinematics(cells, layers)
    phi = np.arctan2(cells.y_cm, cells.x_cm) - cluster_phi[owner]
    phi = (phi + np.pi) % (2 * np.pi) - np.pi
    total = summed(owner, energy, n)
    pair = owner * N_LAYERS + cells.layer
    in_layer = summed(pair, energy, n * N_LAYERS).reshape(n, N_LAYERS)
    out = _longitudinal(in_layer, total, layers)
    for name, values in (("ee", eta), ("pp", phi), ("rr", r)):
        width = _rms(owner, n, energy, values)
        out[f"s{name}tot"] = width
        out[f"s{name}max"] = _rms(pair, n * N_LAYERS, energy, values).reshape(n, N_LAYERS).max(axis=1)
        out[f"var{name}"] = width**2
    out["szz"] = _rms(owner, n, energy, z)
    out["varzz"] = out["szz"] ** 2
    out["meanz"] = _ratio(summed(owner, energy * z, n), total)
    out["srrmean"] = _srrmean(cells, pair, r)
    out["ntc67"], out["ntc90"] = _counts(cells, total)
    return out


def _longitudinal(in_layer: Real, total: Real, layers: Layers) -> dict[str, Real]:
    """Variables of the energy in each layer, shape (N, 36), alone."""
    n = len(in_layer)
    hit = in_layer > 0
    any_hit = hit.any(axis=1)
    number = layers.number.astype(np.float64)
    first = hit.argmax(axis=1)
    last = N_LAYERS - 1 - hit[:, ::-1].argmax(axis=1)
    run = np.zeros(n)
    longest = np.zeros(n)
    for layer in range(N_LAYERS):
        run = np.where(hit[:, layer], run + 1, 0)
        longest = np.maximum(longest, run)
    hottest = in_layer.argmax(axis=1)
    em = in_layer[:, :EM_TRIGGER_LAYERS].sum(axis=1)
    had = in_layer[:, EM_TRIGGER_LAYERS:].sum(axis=1)
    out = {
        "firstlayer": np.where(any_hit, number[first], 0),
        "maxlayer": np.where(any_hit, number[hottest], 0),
        "showerlength": np.where(any_hit, number[last] - number[first] + 1, 0),
        "coreshowerlength": longest,
        "emaxe": _ratio(in_layer.max(axis=1), total),
        "hoe": np.minimum(_ratio(had, np.maximum(em, 1e-3)), HOE_MAX),
        "eot": _ratio(em, total),
    }
    for depth in (1, 3, 5):
        out[f"first{depth}layers"] = _ratio(in_layer[:, :depth].sum(axis=1), total)
    for depth in (1, 3):
        part = in_layer[:, EM_TRIGGER_LAYERS : EM_TRIGGER_LAYERS + depth]
        out[f"firstHcal{depth}layers"] = _ratio(part.sum(axis=1), total)
    running = np.cumsum(in_layer, axis=1)
    # a layer's energy is spread evenly over the layer numbers up to the next one
    edge = np.append(number, number[-1] + 1)
    for percent in (10, 50, 90):
        target = percent / 100 * total
        k = np.minimum((running < target[:, None]).sum(axis=1), N_LAYERS - 1)
        rows = np.arange(n)
        inside = _ratio(target - (running[rows, k] - in_layer[rows, k]), in_layer[rows, k])
        out[f"layer{percent}"] = np.where(any_hit, edge[k] + inside * (edge[k + 1] - edge[k]), 0)
    return out


HOE_MAX = 100.0  # clusters with next to no electromagnetic energy


def _segments(group: Index) -> tuple[Index, Index]:
    """First position of each run of equal values, and the run every position belongs to."""
    start = np.flatnonzero(np.diff(group, prepend=-1))
    which = np.zeros(len(group), dtype=np.int64)
    which[start[1:]] = 1
    return start, np.cumsum(which)


def _srrmean(cells: Cells, pair: Index, r: Real) -> Real:
    """Energy-weighted quadratic mean over layers of the radial width within 5 cm of the layer's hottest
    cell."""
    if len(pair) == 0:
        return np.zeros(cells.n_clusters)
    start, run = _segments(pair)
    highest = np.maximum.reduceat(cells.energy_gev, start)
    candidates = np.where(cells.energy_gev == highest[run], np.arange(len(pair)), len(pair))
    hottest = np.minimum.reduceat(candidates, start)[run]
    distance2 = (cells.x_cm - cells.x_cm[hottest]) ** 2 + (cells.y_cm - cells.y_cm[hottest]) ** 2
    near = distance2 < SRRMEAN_RADIUS_CM**2
    weight = np.where(near, cells.energy_gev, 0)
    width = _rms(run, len(start), weight, r)
    in_run = summed(run, weight, len(start))
    owner = cells.cluster[start]
    squared, total = _sums(owner, cells.n_clusters, in_run * width**2, in_run)
    return np.sqrt(_ratio(squared, total))


def _counts(cells: Cells, total: Real) -> tuple[Real, Real]:
    """Fewest cells that together hold 67% and 90% of the cluster's energy."""
    if len(cells.cluster) == 0:
        return np.zeros(cells.n_clusters), np.zeros(cells.n_clusters)
    # by cluster, then by falling energy: one sort of one number is several times faster than a sort of pairs
    order = np.argsort(cells.cluster - cells.energy_gev / (2 * cells.energy_gev.max()))
    owner = cells.cluster[order]
    running = np.cumsum(cells.energy_gev[order])
    start, run = _segments(owner)
    before = running[start] - cells.energy_gev[order][start]
    running = running - before[run]
    out = []
    for share in (0.67, 0.90):
        # a cell counts if those before it did not suffice; the tolerance absorbs the running sum's rounding
        needed = running - cells.energy_gev[order] < share * total[owner] * (1 - 1e-9)
        out.append(summed(owner, needed, cells.n_clusters))
    return out[0], out[1]
