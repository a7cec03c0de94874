"""The endcap calorimeter as the level-1 trigger reads it: layers, depths and trigger cells.

The numbers follow the public description of the CMS HGCAL in rounded form: 28 electromagnetic layers of which
the trigger reads every other one, then 22 hadronic layers. They are a geometry of this generator, not that of
a release.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.events.particles import FACE_Z_CM

EM_TRIGGER_LAYERS = 14
HAD_FINE_LAYERS = 12
HAD_COARSE_LAYERS = 10
N_LAYERS = EM_TRIGGER_LAYERS + HAD_FINE_LAYERS + HAD_COARSE_LAYERS
WINDOW_CELLS = 7  # a candidate is a window of 7 x 7 trigger cells a layer around its axis

_EM_LAYERS = 28
_EM_X0 = 26.0
_EM_LAMBDA = 1.7
_EM_THICKNESS_CM = 34.0
_FINE_LAMBDA, _COARSE_LAMBDA = 0.33, 0.50  # of one hadronic layer
_FINE_CM, _COARSE_CM = 6.4, 8.2
_STEEL_LAMBDA_CM, _STEEL_X0_CM, _STEEL_MIP_GEV_PER_CM = 16.8, 1.76, 0.0114


@dataclass(frozen=True)
class Layers:
    """What one trigger layer is; all arrays have shape (36,) and run from the face to the back.

    Attributes
    ----------
    number : int64
        Number among all detector layers: 1, 3, ..., 27, then 29 to 50.
    z_cm : float32
        Distance from the interaction point along the beam.
    depth_x0, width_x0 : float64
        Depth of the layer and of the slab it stands for, in radiation lengths.
    depth_lambda, width_lambda : float64
        The same in nuclear interaction lengths.
    mip_gev : float64
        Energy that a minimum-ionising particle loses in that slab, in GeV: the weight of one MIP.
    """

    number: NDArray[np.int64]
    z_cm: NDArray[np.float32]
    depth_x0: NDArray[np.float64]
    width_x0: NDArray[np.float64]
    depth_lambda: NDArray[np.float64]
    width_lambda: NDArray[np.float64]
    mip_gev: NDArray[np.float64]


def trigger_layers(critical_energy_gev: float) -> Layers:
    """The 36 trigger layers of the generator.

    `critical_energy_gev` sets the MIP weight of the electromagnetic part: a shower particle loses about the
    critical energy in one radiation length.
    """
    em = np.arange(EM_TRIGGER_LAYERS)
    slab = _EM_X0 / EM_TRIGGER_LAYERS
    had_lambda = np.repeat([_FINE_LAMBDA, _COARSE_LAMBDA], [HAD_FINE_LAYERS, HAD_COARSE_LAYERS])
    had_cm = np.repeat([_FINE_CM, _COARSE_CM], [HAD_FINE_LAYERS, HAD_COARSE_LAYERS])
    had_x0 = had_lambda * _STEEL_LAMBDA_CM / _STEEL_X0_CM
    number = np.concatenate([2 * em + 1, _EM_LAYERS + 1 + np.arange(len(had_lambda))])
    z_cm = np.concatenate(
        [
            FACE_Z_CM + (2 * em + 1) * _EM_THICKNESS_CM / _EM_LAYERS,
            FACE_Z_CM + _EM_THICKNESS_CM + np.cumsum(had_cm),
        ]
    )
    width_x0 = np.concatenate([np.full(EM_TRIGGER_LAYERS, slab), had_x0])
    depth_x0 = np.concatenate([(em + 0.5) * slab, _EM_X0 + np.cumsum(had_x0) - 0.5 * had_x0])
    em_lambda = _EM_LAMBDA / EM_TRIGGER_LAYERS
    width_lambda = np.concatenate([np.full(EM_TRIGGER_LAYERS, em_lambda), had_lambda])
    depth_lambda = np.concatenate([(em + 0.5) * em_lambda, _EM_LAMBDA + np.cumsum(had_lambda) - 0.5 * had_lambda])
    mip_gev = np.concatenate(
        [
            np.full(EM_TRIGGER_LAYERS, critical_energy_gev * slab),
            had_lambda * _STEEL_LAMBDA_CM * _STEEL_MIP_GEV_PER_CM,
        ]
    )
    return Layers(number, z_cm.astype(np.float32), depth_x0, width_x0, depth_lambda, width_lambda, mip_gev)
