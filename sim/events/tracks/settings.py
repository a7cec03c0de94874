"""The settings of pools and events, each with its unit and where its value comes from.

[published] marks a value of the detector's or the trigger's public descriptions, [derived] one that follows
from those, [assumed] one of ours: reasonable, not measured, and free to change.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from sim.events.checks import number, whole_number
from sim.events.errors import UserError
from sim.events.tracks.processes import MAX_D0_CM, POOL_PROCESSES


@dataclass(frozen=True)
class PoolSettings:
    """Collisions of a pool made with Pythia.

    A larger pool starts with the events of a smaller one of the same seed, up to its last file.

    Attributes
    ----------
    n_minbias : int
        Inelastic collisions, the pile-up [assumed: 200,000; a study draws each about a hundred times].
    n_ttbar, n_zll : int
        Hard collisions of either kind [assumed].
    seed : int
        Every file of the pool gets a seed of its own from it.
    """

    n_minbias: int = 200_000
    n_ttbar: int = 20_000
    n_zll: int = 20_000
    seed: int = 1

    def __post_init__(self) -> None:
        for process in POOL_PROCESSES:
            whole_number(f"n_{process}", getattr(self, f"n_{process}"), 20, 100_000_000)
        whole_number("seed", self.seed, 0, 2**63 - 1)

    def events(self, process: str) -> int:
        """Collisions of a process."""
        return int(getattr(self, f"n_{process}"))


_LIMITS: dict[str, tuple[float, float]] = {
    "pileup": (0, 1000),
    "luminous_sigma_z_cm": (0, 20),
    "z0_resolution_cm": (0, 5),
    "z0_resolution_eta2": (0, 20),
    "z0_tail_fraction": (0, 1),
    "z0_tail_factor": (1, 100),
    "efficiency": (0, 1),
    "max_d0_cm": (1e-4, MAX_D0_CM),
    "fakes": (0, 200),
    "fake_pt_power": (1.01, 20),
    "fake_z0_cm": (0, 20.46),
}
_PAIRS: dict[str, tuple[float, float]] = {
    **{f"{name}_{kind}": (1e-3, 1e3) for name in ("chi2rphi", "chi2rz", "bendchi2") for kind in ("real", "fake")},
    **{f"mva_{kind}": (1e-2, 1e3) for kind in ("real", "fake")},
}


@dataclass(frozen=True)
class TrackSettings:
    """How collisions become the tracks of an event.

    Attributes
    ----------
    pileup : float
        Mean of the Poisson number of inelastic collisions beside the hard one [published: 200].
    luminous_sigma_z_cm : float
        Standard deviation of the Gaussian in which vertices lie along the beam [derived: 4.26 cm, 14 TeV with
        crab cavities].
    z0_resolution_cm : float
        Standard deviation of a track's z0 at eta = 0 [assumed: with it FastHisto finds 85% of the ttbar and 36% of
        the Z vertices within 0.15 cm, as in the set-up that this one follows].
    z0_resolution_eta2 : float
        It grows as 1 plus this times eta squared [derived: 2]. There is no dependence on pT: no public
        parametrisation of one was found.
    z0_tail_fraction, z0_tail_factor : float
        Share of tracks whose resolution is wider, and how many times [assumed].
    efficiency : float
        Share of charged particles that become tracks, whatever their pT and eta; rounded to 1/65536
        [assumed].
    max_d0_cm : float
        Particles that pass the beam line farther away become no track [assumed: the track finder looks for
        prompt tracks]; at most 1 cm, where the pools end.
    fakes : float
        Mean of the Poisson number of tracks that no particle made [assumed].
    fake_pt_power : float
        Their pT density falls like pT to the minus this power above 2 GeV [assumed].
    fake_z0_cm : float
        Their z0 is flat within plus and minus this [assumed: where the track finder looks]; eta and phi are
        flat.
    chi2rphi_real, chi2rphi_fake, chi2rz_real, chi2rz_fake, bendchi2_real, bendchi2_fake : (float, float)
        Median, and standard deviation of the logarithm, of the log-normal chi-squared per degree of freedom
        [assumed].
    stubs_real, stubs_fake : (float, float, float)
        Weights of tracks with 4, 5 and 6 stubs; which of the six layers miss is random [assumed].
    mva_real, mva_fake : (float, float)
        The two parameters of the beta distribution of the quality MVA [assumed].
    """

    pileup: float = 200.0
    luminous_sigma_z_cm: float = 4.26
    z0_resolution_cm: float = 0.06
    z0_resolution_eta2: float = 2.0
    z0_tail_fraction: float = 0.03
    z0_tail_factor: float = 5.0
    efficiency: float = 0.95
    max_d0_cm: float = 0.1
    fakes: float = 4.0
    fake_pt_power: float = 3.0
    fake_z0_cm: float = 15.0
    chi2rphi_real: tuple[float, float] = (1.2, 0.8)
    chi2rphi_fake: tuple[float, float] = (8.0, 1.2)
    chi2rz_real: tuple[float, float] = (0.8, 0.8)
    chi2rz_fake: tuple[float, float] = (4.0, 1.2)
    bendchi2_real: tuple[float, float] = (0.9, 0.5)
    bendchi2_fake: tuple[float, float] = (2.0, 0.7)
    stubs_real: tuple[float, float, float] = (0.1, 0.3, 0.6)
    stubs_fake: tuple[float, float, float] = (0.7, 0.25, 0.05)
    mva_real: tuple[float, float] = (6.0, 1.0)
    mva_fake: tuple[float, float] = (1.2, 2.0)

    def __post_init__(self) -> None:
        for name, limits in _LIMITS.items():
            number(name, getattr(self, name), *limits)
        for field in fields(self):
            if field.name in _LIMITS:
                continue
            length = 3 if field.name.startswith("stubs") else 2
            low, high = _PAIRS.get(field.name, (0.0, 1e6))
            values = getattr(self, field.name)
            if not isinstance(values, (tuple, list)) or len(values) != length:
                raise UserError(
                    f"{field.name} must be {length} numbers, not {values!r}; the default is {field.default}"
                )
            for value in values:
                number(field.name, value, low, high)
            # a study's file gives lists
            object.__setattr__(self, field.name, tuple(float(value) for value in values))
        for name in ("stubs_real", "stubs_fake"):
            if not sum(getattr(self, name)) > 0:
                raise UserError(f"{name} must hold a positive weight, not {getattr(self, name)}")
