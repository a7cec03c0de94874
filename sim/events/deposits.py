"""Showers as energy spots in trigger cells.

Electromagnetic showers follow Grindhammer and Peters (hep-ex/0001020): a gamma distribution in depth whose
parameters fluctuate from shower to shower, and a core and a tail in radius. Hadron showers add to a track up
to the first interaction an electromagnetic part that fluctuates and a hadronic part with the gamma profile of
Bock et al. (Nucl. Instrum. Meth. 186 (1981) 533) in interaction lengths; their width is ours.

A shower is thrown as spots. Spots of ``stochastic**2`` GeV, Poisson distributed, give exactly the sampling
term ``stochastic / sqrt(E)``; showers that would need too many get heavier spots, and the fluctuation of a
layer's sum is then scaled back to what it should be.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from sim.events.geometry import EM_TRIGGER_LAYERS, N_LAYERS, WINDOW_CELLS, Layers
from sim.events.particles import CHARGED_HADRON, NEUTRAL_HADRON, PHOTON, Particles
from sim.events.settings import ShowerSettings

Array = NDArray[np.floating]
_EM_ONLY_LAYERS = EM_TRIGGER_LAYERS + 4  # behind them nothing of a primary electromagnetic shower is left
_MIN_ENERGY_GEV = 0.3  # the parametrisation's logarithms end here
_MAX_RADIUS_CM = 25.0
_SOFT_PT_GEV = 3.0
_PHOTON_DELAY_X0 = 1.0  # a photon flies about this far before its first pair
_MIN_SPOTS = 0.05  # layers with fewer expected spots are left empty
_GAUSSIAN_ABOVE = 10.0  # expected spots above which their number is a rounded Gaussian


@dataclass(frozen=True)
class _Deposits:
    """Mean energies of (particle, layer) pairs and how they spread; flat arrays of one length.

    ``spot`` is the energy of a spot and ``exact`` the share of the spots' fluctuation that belongs to the
    layer's sum; ``core`` and ``tail`` are median radii in cm and ``core_share`` the probability of the first.
    """

    particle: NDArray[np.int64]
    layer: NDArray[np.int64]
    energy: Array
    spot: Array
    exact: Array
    core: Array
    tail: Array
    core_share: Array


def _spot_energy(energy: Array, soft: NDArray[np.bool_], stochastic: float, settings: ShowerSettings) -> Array:
    limit = np.where(soft, np.float32(settings.max_spots_soft), np.float32(settings.max_spots))
    return np.maximum(np.float32(stochastic**2), energy / limit)


def _gamma_profile(alpha: Array, beta: Array, depth: Array, width: NDArray[np.float64]) -> Array:
    """Share of a gamma distribution in each layer: its density at the layer times the slab's width; (P, L)."""
    from scipy.special import gammaln  # here, since it takes longer to import than most commands need

    scaled = np.maximum(beta[:, None] * depth, np.float32(1e-6))
    constant = np.log(beta) - gammaln(alpha).astype(np.float32)
    share = np.exp((alpha[:, None] - 1) * np.log(scaled) - scaled + constant[:, None]) * width.astype(np.float32)
    share[depth <= 0] = 0
    return share


def _em_deposits(
    particle: NDArray[np.int64],
    energy: Array,
    soft: NDArray[np.bool_],
    start_x0: Array,
    layers: Layers,
    n_layers: int,
    settings: ShowerSettings,
    rng: np.random.Generator,
) -> _Deposits:
    """Electromagnetic showers of `energy` that start at `start_x0`; arrays of shape (P,)."""
    z_eff = settings.z_eff
    log_e = np.log(np.maximum(energy, np.float32(_MIN_ENERGY_GEV)))
    log_y = log_e - np.float32(np.log(settings.critical_energy_gev))
    first, second = rng.standard_normal((2, len(energy)), dtype=np.float32)
    rho = np.clip(0.705 - 0.023 * log_y, -1, 1)
    correlated = rho * first + np.sqrt(1 - rho * rho) * second
    t_max = (log_y - 0.812) * np.exp(first / (-1.4 + 1.26 * log_y))
    alpha = (0.81 + (0.458 + 2.26 / z_eff) * log_y) * np.exp(correlated / (-0.58 + 0.86 * log_y))
    alpha = np.maximum(alpha, np.float32(1.05))
    depth = layers.depth_x0[:n_layers].astype(np.float32) - start_x0[:, None]
    share = _gamma_profile(alpha, (alpha - 1) / t_max, depth, layers.width_x0[:n_layers])
    spot = _spot_energy(energy, soft, settings.em_stochastic, settings)
    mean = share * energy[:, None]
    flat = np.flatnonzero(mean > _MIN_SPOTS * spot[:, None])
    row, layer = flat // n_layers, flat % n_layers
    tau = np.minimum(depth.ravel()[flat] / t_max[row], np.float32(4))
    log_e = log_e[row]
    core = 0.0251 + 0.00319 * log_e + (0.1162 - 0.000381 * z_eff) * tau
    shifted = tau - np.float32(0.645)
    tail = (0.659 - 0.00309 * z_eff) * (np.exp(-2.59 * shifted) + np.exp((0.3585 + 0.0421 * log_e) * shifted))
    x = (0.401 + 0.00187 * z_eff - tau) / (1.313 - 0.0686 * log_e)
    core_share = np.clip((2.632 - 0.00094 * z_eff) * np.exp(x - np.exp(x)), 0, 1)
    radius = np.float32(settings.moliere_radius_cm)
    exact = np.float32(settings.em_stochastic) / np.sqrt(spot)
    return _Deposits(
        particle[row],
        layer,
        mean.ravel()[flat],
        spot[row],
        exact[row],
        core * radius,
        tail * radius,
        core_share,
    )


def _hadronic_deposits(
    particle: NDArray[np.int64],
    energy: Array,
    soft: NDArray[np.bool_],
    start_lambda: Array,
    layers: Layers,
    settings: ShowerSettings,
) -> _Deposits:
    """The wide part of hadron showers that start at `start_lambda`; `energy` is the visible one."""
    log_e = np.log(np.maximum(energy, np.float32(1)))
    alpha = 0.6165 + 0.3183 * log_e
    beta = 0.9099 - 0.0237 * log_e
    depth = layers.depth_lambda.astype(np.float32) - start_lambda[:, None]
    # the slab in which the interaction happens counts from there on
    share = _gamma_profile(alpha, beta, np.where(depth > 0, depth + np.float32(0.02), depth), layers.width_lambda)
    share /= np.maximum(share.sum(axis=1, keepdims=True), np.float32(1))
    spot = _spot_energy(energy, soft, settings.had_stochastic, settings)
    mean = share * energy[:, None]
    flat = np.flatnonzero(mean > _MIN_SPOTS * spot[:, None])
    row, layer = flat // N_LAYERS, flat % N_LAYERS
    base, growth = settings.had_radius_cm
    radius = np.float32(base) + np.float32(growth) * depth.ravel()[flat]
    exact = np.float32(settings.had_stochastic) / np.sqrt(spot)
    ones = np.ones(len(flat), dtype=np.float32)
    return _Deposits(particle[row], layer, mean.ravel()[flat], spot[row], exact[row], radius, radius, ones)


def _joined(parts: list[_Deposits]) -> _Deposits:
    return _Deposits(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(_Deposits)})


def _hadrons(
    particles: Particles,
    index: NDArray[np.int64],
    soft: NDArray[np.bool_],
    layers: Layers,
    settings: ShowerSettings,
    rng: np.random.Generator,
) -> tuple[list[_Deposits], NDArray[np.int64], NDArray[np.int64]]:
    """Both parts of the hadrons' showers, and the (particle, layer) pairs crossed by a charged one before."""
    energy = particles.energy_gev[index]
    start = rng.standard_exponential(len(index), dtype=np.float32)
    mean, spread = settings.em_fraction, settings.em_fraction_spread
    concentration = mean * (1 - mean) / spread**2 - 1
    fraction = rng.beta(mean * concentration, (1 - mean) * concentration, len(index)).astype(np.float32)
    exchange = (rng.random(len(index), dtype=np.float32) < settings.charge_exchange) & (
        particles.kind[index] == CHARGED_HADRON
    )
    fraction[exchange] = 0.95
    start_x0 = np.interp(start, layers.depth_lambda, layers.depth_x0).astype(np.float32)
    start_x0 = np.where(start < layers.depth_lambda[0], start * layers.depth_x0[0] / layers.depth_lambda[0], start_x0)
    parts = [
        _em_deposits(index, fraction * energy, soft, start_x0.astype(np.float32), layers, N_LAYERS, settings, rng),
        _hadronic_deposits(
            index, (1 - fraction) * energy * np.float32(settings.had_response), soft, start, layers, settings
        ),
    ]
    charged = particles.kind[index] == CHARGED_HADRON
    row, layer = np.nonzero(charged[:, None] & (layers.depth_lambda < start[:, None]))
    return parts, index[row], layer


def deposit(
    particles: Particles,
    centre: NDArray[np.float32],
    layers: Layers,
    settings: ShowerSettings,
    rng: np.random.Generator,
) -> tuple[Array, NDArray[np.int64]]:
    """Throw the showers of all particles into the windows of trigger cells around their candidates.

    Parameters
    ----------
    particles : Particles
        ``event`` is the candidate's number, 0 to N - 1.
    centre : float32 array, shape (N, 2)
        Projected position of each candidate's axis.

    Returns
    -------
    energy_gev : float32 array, shape (N, 36, 7, 7)
        Energy in the cells of each layer's window, before noise and threshold.
    corner : int64 array, shape (N, 36, 2)
        Number of the window's first cell, counted from the beam line, in x and y.
    """
    n_candidates = len(centre)
    pitch = np.float32(settings.pitch_cm)
    corner = np.floor(centre[:, None, :] * layers.z_cm[None, :, None] / pitch).astype(np.int64) - WINDOW_CELLS // 2
    soft = particles.pt_gev < _SOFT_PT_GEV
    hadron = (particles.kind == CHARGED_HADRON) | (particles.kind == NEUTRAL_HADRON)
    em = np.flatnonzero(~hadron)
    delay = np.where(
        particles.kind[em] == PHOTON,
        rng.standard_exponential(len(em), dtype=np.float32) * np.float32(_PHOTON_DELAY_X0),
        np.float32(0),
    ) - np.float32(settings.upstream_x0)
    parts = [_em_deposits(em, particles.energy_gev[em], soft[em], delay, layers, _EM_ONLY_LAYERS, settings, rng)]
    index = np.flatnonzero(hadron)
    hadronic, track, track_layer = _hadrons(particles, index, soft[index], layers, settings, rng)
    all_deposits = _joined(parts + hadronic)
    flat, weight = _spots(all_deposits, particles, corner, layers, pitch, rng)
    # the track: one spot a layer, with a short Landau-like tail
    mip = layers.mip_gev.astype(np.float32)[track_layer]
    mip = mip * (np.float32(0.85) + np.float32(0.15) * rng.standard_exponential(len(track), dtype=np.float32))
    cell_x, cell_y, base = _axis(particles, track, track_layer, corner, layers, pitch)
    flat = np.concatenate([flat, _cell(cell_x, cell_y, base)])
    weight = np.concatenate([weight, mip])
    # bin 0 takes what fell outside
    sums = np.bincount(flat + 1, weights=weight, minlength=n_candidates * N_LAYERS * WINDOW_CELLS**2 + 1)
    image = sums[1:].astype(np.float32)
    return image.reshape(n_candidates, N_LAYERS, WINDOW_CELLS, WINDOW_CELLS), corner


def _axis(
    particles: Particles,
    particle: NDArray[np.int64],
    layer: NDArray[np.int64],
    corner: NDArray[np.int64],
    layers: Layers,
    pitch: np.float32,
) -> tuple[Array, Array, NDArray[np.int32]]:
    """Where the particle's straight line crosses the layer, in cells from the window's corner, and the
    window."""
    scale = (layers.z_cm / pitch)[layer]
    base = particles.event[particle] * np.int32(N_LAYERS) + layer.astype(np.int32)
    corner_x, corner_y = corner.reshape(-1, 2).T.astype(np.float32)
    return (
        particles.x[particle] * scale - corner_x[base],
        particles.y[particle] * scale - corner_y[base],
        base,
    )


def _cell(x: Array, y: Array, base: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number of the cell among all windows' cells; -1 outside of the window."""
    # truncation is not floor below zero, so the window is moved to where it is
    x += np.float32(1)
    y += np.float32(1)
    np.clip(x, 0, WINDOW_CELLS + 1, out=x)
    np.clip(y, 0, WINDOW_CELLS + 1, out=y)
    column, row = x.astype(np.int32), y.astype(np.int32)
    column -= 1
    row -= 1
    outside = (column.view(np.uint32) >= WINDOW_CELLS) | (row.view(np.uint32) >= WINDOW_CELLS)
    base *= WINDOW_CELLS**2
    column *= WINDOW_CELLS
    base += column
    base += row
    base[outside] = -1
    return base


def _spots(
    deposits: _Deposits,
    particles: Particles,
    corner: NDArray[np.int64],
    layers: Layers,
    pitch: np.float32,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int32], Array]:
    """Cell number (-1 outside of the window) and energy of every spot."""
    expected = deposits.energy / deposits.spot
    number = np.zeros(len(expected), dtype=np.int64)
    # one spot or none where less than one is expected: faster than Poisson, and as good in layers next to
    # empty
    few = expected < 1
    number[few] = rng.random(int(few.sum()), dtype=np.float32) < expected[few]
    many = expected >= _GAUSSIAN_ABOVE
    some = ~few & ~many
    number[some] = rng.poisson(expected[some])
    drawn = expected[many] + np.sqrt(expected[many]) * rng.standard_normal(int(many.sum()), dtype=np.float32)
    number[many] = np.maximum(np.rint(drawn), 1).astype(np.int64)
    layer_energy = deposits.energy * (1 + (number / expected - 1) * deposits.exact)
    weight = (layer_energy / np.maximum(number, 1)).astype(np.float32)
    cell_x, cell_y, base = _axis(particles, deposits.particle, deposits.layer, corner, layers, pitch)
    columns = (cell_x, cell_y, weight, deposits.core_share, deposits.core / pitch, deposits.tail / pitch)
    # one row a spot, copied as a whole: faster than a copy of each column
    spots = np.repeat(np.stack(columns, axis=1, dtype=np.float32), number, axis=0)
    n = len(spots)
    radius = np.where(rng.random(n, dtype=np.float32) < spots[:, 3], spots[:, 4], spots[:, 5])
    odds = rng.random(n, dtype=np.float32)
    odds /= np.float32(1.000001) - odds
    radius *= np.sqrt(odds, out=odds)
    np.minimum(radius, _MAX_RADIUS_CM / pitch, out=radius)
    angle = rng.random(n, dtype=np.float32)
    angle *= np.float32(2 * np.pi)
    x = np.cos(angle)
    x *= radius
    x += spots[:, 0]
    y = np.sin(angle, out=angle)
    y *= radius
    y += spots[:, 1]
    return _cell(x, y, np.repeat(base, number)), spots[:, 2]
