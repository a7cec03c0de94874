"""The processes of the study, with the settings of Pythia that make them, and how the background is mixed.

Two of them are biased on purpose, because the unbiased process would hardly ever leave an isolated lepton: hadrons
with charm or bottom in the jets of `qcd`, and nothing else, are made to decay with a lepton.
"""

from __future__ import annotations

from dataclasses import dataclass

_HEAVY_HADRONS = (511, 521, 531, 5122, 411, 421, 431, 4122)
_TAU = (15,)

COMMON_LINES = (
    "Beams:eCM = 13000.",
    # what flies farther reaches the calorimeter: K0S and hyperons are neutral or charged hadrons of their own
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",  # mm/c
)


@dataclass(frozen=True)
class Process:
    """One process.

    Attributes
    ----------
    name : str
    title : str
        What it is, in words.
    signal : bool
        A new particle, which no training may see.
    lines : tuple of str
        Settings of Pythia, in its own words.
    forced : str
        The decays that are forced, in words; empty if none.
    redecayed : tuple of int
        PDG codes of what is decayed `n_decays` times in each collision (see `redecay`); empty for most.
    n_decays : int
    """

    name: str
    title: str
    signal: bool
    lines: tuple[str, ...]
    forced: str = ""
    redecayed: tuple[int, ...] = ()
    n_decays: int = 1


def _forced_width(particle: int) -> tuple[str, ...]:
    return (f"{particle}:doForceWidth = on", f"{particle}:mWidth = 0.01")


PROCESSES = {
    process.name: process
    for process in (
        Process(
            "w",
            "W to a lepton and a neutrino",
            False,
            ("WeakSingleBoson:ffbar2W = on", "24:onMode = off", "24:onIfAny = 11 13 15"),
            "W to e, mu, tau (Pythia's cross section holds their share)",
        ),
        Process(
            "qcd",
            "bottom and charm pairs with a lepton in the jets",
            False,
            (
                "HardQCD:hardbbbar = on",
                "HardQCD:hardccbar = on",
                "PhaseSpace:pTHatMin = 40.",
                *(
                    line
                    for hadron in _HEAVY_HADRONS
                    for line in (f"{hadron}:onMode = off", f"{hadron}:onIfAny = 11 13")
                ),
            ),
            "heavy hadrons to e or mu (the cross section does not hold their share: biased)",
            redecayed=_HEAVY_HADRONS,
            n_decays=10,
        ),
        Process(
            "z",
            "Z or photon to two leptons, above 50 GeV",
            False,
            (
                "WeakSingleBoson:ffbar2gmZ = on",
                "23:onMode = off",
                "23:onIfAny = 11 13 15",
                "23:mMin = 50.",
                "PhaseSpace:mHatMin = 50.",
            ),
            "Z to e, mu, tau (Pythia's cross section holds their share)",
        ),
        Process("tt", "top pair", False, ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on")),
        Process(
            "a4l",
            "A of 50 GeV to four leptons",
            True,
            (
                "HiggsSM:gg2H = on",
                "25:m0 = 50.",
                "25:mMin = 30.",
                *_forced_width(25),
                "25:onMode = off",
                "25:onIfMatch = 23 23",
                "23:mMin = 1.",
                "23:onMode = off",
                "23:onIfAny = 11 13 15",
                "WeakZ0:gmZmode = 2",
            ),
            "A to Z Z, Z to e, mu, tau",
        ),
        Process(
            "lq",
            "leptoquark pair of 80 GeV to b and tau",
            True,
            (
                "LeptoQuark:gg2LQLQbar = on",
                "LeptoQuark:qqbar2LQLQbar = on",
                "42:m0 = 80.",
                "42:mMin = 60.",
                "42:mMax = 100.",
                "42:0:products = 5 -15",
            ),
            "leptoquark to b tau",
            redecayed=_TAU,
            n_decays=10,
        ),
        Process(
            "h0",
            "neutral scalar of 60 GeV to two taus",
            True,
            (
                "HiggsSM:gg2H = on",
                "25:m0 = 60.",
                "25:mMin = 20.",
                *_forced_width(25),
                "25:onMode = off",
                "25:onIfMatch = 15 -15",
            ),
            "h0 to tau tau",
            redecayed=_TAU,
            n_decays=10,
        ),
        Process(
            "hplus",
            "charged scalar of 60 GeV to a tau and a neutrino",
            True,
            (
                "Higgs:useBSM = on",
                "HiggsBSM:ffbar2H+- = on",
                "37:m0 = 60.",
                "37:mMin = 20.",
                *_forced_width(37),
                "37:onMode = off",
                "37:onIfMatch = 15 16",
            ),
            "h+ to tau nu",
            redecayed=_TAU,
            n_decays=10,
        ),
    )
}
PROCESS_NAMES = tuple(PROCESSES)
BACKGROUNDS = tuple(name for name, process in PROCESSES.items() if not process.signal)
SIGNALS = tuple(name for name, process in PROCESSES.items() if process.signal)

# assumption, after the shares of the public challenge
DEFAULT_MIX = {"w": 0.592, "qcd": 0.338, "z": 0.067, "tt": 0.003}
