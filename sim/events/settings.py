"""The physics settings of the shower generator, each with its unit and where its value comes from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from sim.events.errors import UserError

PARAMETRISED, SHIPPED = "parametrised", "shipped"


@dataclass(frozen=True)
class ShowerSettings:
    """All choices of the generator.

    "Published" marks a value of the Grindhammer-Peters parametrisation or of the public detector description;
    "assumption" marks one of ours: reasonable, not measured, and free to change.

    Attributes
    ----------
    pileup : float
        Mean number of inelastic collisions a crossing (published: 200 at the high-luminosity LHC).
    pileup_pool : str
        "shipped" (minimum-bias particles made with Pythia 8, in the package), "parametrised" (a spectrum with
        no generator behind it), or the path of a Parquet file with columns event, pid, pt_gev, eta, phi_rad.
    signal_pt_gev : (float, float)
        Range of the generated pT of electrons, photons and pions (assumption).
    signal_pt_power : float
        Their pT density falls like pT to the minus this power; 0 is flat (assumption).
    pileup_density_gev : float
        Visible pT of one collision per unit of eta and azimuth. This times `pileup` times the cluster's area
        is subtracted from its pT, as a trigger's calibration does (measured with this generator: 0.64 to
        0.79).
    calibration : float
        Factor on a cluster's pT after that subtraction (measured with this generator: 1/1.09 of an electron's
        or photon's energy is found in the electromagnetic part of its cluster).
    signal_min_pt_gev, pileup_min_pt_gev : float
        Cluster pT above which a signal or a background cluster counts (published selection: 20 and 10).
    pileup_max_pt_gev : float
        Upper end of the background clusters' pT (assumption; few lie above).
    pileup_em_share : float
        Least electromagnetic share of the particles' pT in a pile-up core, within 4.8 cm at the face
        (assumption). It stands for the preselection on H/E, isolation and electromagnetic pT that a cluster
        passes before its shape is looked at, and makes the background photon-rich: without it the problem is
        far too easy.
    eta_range : (float, float)
        Pseudorapidity of the clusters (published: 1.5 to 3.0).
    cluster_radius : float
        Radius of a cluster in the projected plane x/z, y/z (assumption: 0.012, 3.9 cm at the face).
    pitch_cm : float
        Side of a trigger cell (public description: 4 to 5 cm^2).
    threshold_mip_t : float
        Cells below this many MIPs times sin(theta) are not read (public: about 1.35).
    noise_mip : float
        Electronic noise of a trigger cell, in MIPs (public: about 1).
    z_eff, critical_energy_gev, moliere_radius_cm : float
        Effective nuclear charge, critical energy, Moliere radius of the electromagnetic part (public
        description).
    em_stochastic : float
        Sampling term in sqrt(GeV) of electromagnetic showers (published: 0.25).
    had_stochastic : float
        The same for the hadronic part of a shower (assumption: 0.6).
    had_response : float
        Visible share of the hadronic part's energy (assumption).
    em_fraction, em_fraction_spread : float
        Mean and standard deviation of the electromagnetic part of a hadron shower (assumption; beta
        distribution).
    had_radius_cm : (float, float)
        Median radius of the hadronic part at the first interaction, and its growth per interaction length
        (assumption).
    charge_exchange : float
        Share of charged hadrons whose first interaction makes nearly all energy a neutral pion's (public: a
        few %).
    tracker_x0 : float
        Material in front, in radiation lengths: bremsstrahlung and conversions (public: about 1 to 1.5).
    upstream_x0 : float
        Material between tracker and first layer, where showers start early (assumption).
    max_spots : int
        Energy spots of one shower at most; above, spots get heavier and only the shape within a layer feels
        it.
    max_spots_soft : int
        The same for a pile-up particle below 3 GeV of pT.
    """

    pileup: float = 200.0
    pileup_pool: str = SHIPPED
    signal_pt_gev: tuple[float, float] = (18.0, 100.0)
    signal_pt_power: float = 2.5
    pileup_density_gev: float = 0.7
    calibration: float = 1.09
    signal_min_pt_gev: float = 20.0
    pileup_min_pt_gev: float = 10.0
    pileup_max_pt_gev: float = 100.0
    pileup_em_share: float = 0.7
    eta_range: tuple[float, float] = (1.5, 3.0)
    cluster_radius: float = 0.012
    pitch_cm: float = 2.12
    threshold_mip_t: float = 1.35
    noise_mip: float = 1.0
    z_eff: float = 68.0
    critical_energy_gev: float = 0.00536
    moliere_radius_cm: float = 2.3
    em_stochastic: float = 0.25
    had_stochastic: float = 0.6
    had_response: float = 0.8
    em_fraction: float = 0.45
    em_fraction_spread: float = 0.18
    had_radius_cm: tuple[float, float] = (2.0, 3.0)
    charge_exchange: float = 0.03
    tracker_x0: float = 1.2
    upstream_x0: float = 0.3
    max_spots: int = 300
    max_spots_soft: int = 8

    def __post_init__(self) -> None:
        _check(self)


# inclusive limits outside which a value is a mistake, not a choice
_LIMITS: dict[str, tuple[float, float]] = {
    "pileup": (0, 1000),
    "signal_pt_power": (0, 8),
    "signal_min_pt_gev": (1, 1000),
    "pileup_density_gev": (0, 5),
    "calibration": (0.5, 2),
    "pileup_min_pt_gev": (8, 1000),
    "pileup_max_pt_gev": (5, 1000),
    "pileup_em_share": (0, 0.99),
    "cluster_radius": (0.004, 0.0125),
    "pitch_cm": (1.5, 4.0),
    "threshold_mip_t": (0, 20),
    "noise_mip": (0, 10),
    "z_eff": (10, 92),
    "critical_energy_gev": (0.001, 0.1),
    "moliere_radius_cm": (0.5, 10),
    "em_stochastic": (0.05, 1),
    "had_stochastic": (0.1, 2),
    "had_response": (0.1, 1.5),
    "em_fraction": (0.05, 0.95),
    "em_fraction_spread": (0.01, 0.4),
    "charge_exchange": (0, 1),
    "tracker_x0": (0, 5),
    "upstream_x0": (0, 5),
    "max_spots": (50, 100_000),
    "max_spots_soft": (4, 100_000),
}
_PAIRS = {"signal_pt_gev": (1.0, 1000.0), "eta_range": (1.5, 3.0), "had_radius_cm": (0.1, 20.0)}
_INTEGERS = ("max_spots", "max_spots_soft")


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UserError(f"{name} must be a number, not {value!r}; leave it out for the default")
    if name in _INTEGERS and not isinstance(value, int):
        raise UserError(f"{name} must be a whole number, not {value!r}; for example {int(value)}")
    return float(value)


def _check(settings: ShowerSettings) -> None:
    for field in fields(settings):
        if field.name in _LIMITS:
            low, high = _LIMITS[field.name]
            value = _number(field.name, getattr(settings, field.name))
            if not low <= value <= high:
                raise UserError(
                    f"{field.name} must lie in [{low:g}, {high:g}], not {value:g}; the default is {field.default}"
                )
    for name, limits in _PAIRS.items():
        pair = getattr(settings, name)
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise UserError(f"{name} must be two numbers, low and high, not {pair!r}; for example [20, 100]")
        low, high = (_number(name, value) for value in pair)
        object.__setattr__(settings, name, (low, high))
        if not limits[0] <= low < high <= limits[1]:
            raise UserError(f"{name} must rise within [{limits[0]:g}, {limits[1]:g}], not {low:g} to {high:g}")
    if settings.signal_pt_gev[1] <= settings.signal_min_pt_gev:
        raise UserError(
            f"signal_min_pt_gev must lie below the top of signal_pt_gev ({settings.signal_pt_gev[1]:g}), "
            f"not at {settings.signal_min_pt_gev:g}; lower it or raise the range"
        )
    if settings.pileup_max_pt_gev <= settings.pileup_min_pt_gev:
        raise UserError(
            f"pileup_max_pt_gev must exceed pileup_min_pt_gev ({settings.pileup_min_pt_gev:g}), "
            f"not {settings.pileup_max_pt_gev:g}"
        )
    # a beta distribution of this mean cannot be wider
    mean = settings.em_fraction
    if settings.em_fraction_spread**2 >= mean * (1 - mean):
        raise UserError(
            f"em_fraction_spread must be below {(mean * (1 - mean)) ** 0.5:.3f} for em_fraction {mean:g}, "
            f"not {settings.em_fraction_spread:g}"
        )
    pool = settings.pileup_pool
    if not isinstance(pool, str) or not pool:
        raise UserError(f"pileup_pool must be 'shipped', 'parametrised' or a path, not {pool!r}")
    if pool not in (SHIPPED, PARAMETRISED) and not Path(pool).is_file():
        raise UserError(f"pileup_pool must be 'shipped', 'parametrised' or an existing Parquet file, not {pool!r}")
