"""The numbers of the simulated detector, each with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from sim.events.checks import number


@dataclass(frozen=True)
class DetectorSettings:
    """Smearing, efficiencies, isolation and selection.

    "Card" marks a value of the public Delphes card of CMS, "challenge" one of the public anomaly challenge,
    "assumption" one of ours. The resolutions themselves (card) are in `resolution`.

    Attributes
    ----------
    track_max_abs_eta : float
        Acceptance of the tracker (card).
    track_min_pt_gev : float
        Below this a charged hadron leaves no track (assumption: about what curls up before the calorimeter in
        3.8 T; the card goes down to 0.1).
    track_efficiency : (float, float)
        Of charged hadrons above 1 GeV, |eta| up to 1.5 and beyond (card).
    soft_track_efficiency : (float, float)
        The same below 1 GeV (card).
    calorimeter_max_abs_eta : float
        Acceptance of the calorimeters (card).
    ecal_cell, hcal_cell, forward_cell : float
        Side of a square tower in eta and phi: electromagnetic, hadronic, and either of them beyond |eta| of 3
        (card, made regular).
    ecal_min_gev, hcal_min_gev : float
        Least energy of a tower that is read (card).
    min_significance : float
        Least energy of a tower in units of its resolution (card).
    electron_efficiency : (float, float)
        |eta| up to 1.5 and beyond, tracking and identification in one (card: 0.95 * 0.95 and 0.83 * 0.85; its
        ends at |eta| of 2.5 and pT of 10 GeV are left out, as the challenge goes beyond).
    muon_efficiency : (float, float)
        The same (card: 0.99 * 0.95 and 0.98 * 0.95).
    electron_max_abs_eta, muon_max_abs_eta, jet_max_abs_eta : float
        Acceptances (challenge: 3.0, 2.1, 4.0).
    lepton_min_pt_gev, jet_min_pt_gev : float
        Softer objects are not listed (assumption).
    isolation_cone : float
        Radius in (eta, phi) (assumption: 0.3, the usual one; the card has 0.5).
    isolation_min_pt_gev : float
        Softer particles do not count (card).
    isolation_max : float
        Largest sum of the pT in the cone, relative to the lepton's (assumption; decides how much of `qcd` is
        left).
    jet_radius : float
        Of anti-kT (challenge).
    jet_scale : (float, float)
        a, b of the correction sqrt((a - b |eta|)^2 / pT + 1) to the pT of jets (card).
    trigger_pt_gev : float
        At least one electron or muon is above it (challenge).
    """

    track_max_abs_eta: float = 2.5
    track_min_pt_gev: float = 0.7
    track_efficiency: tuple[float, float] = (0.95, 0.85)
    soft_track_efficiency: tuple[float, float] = (0.70, 0.60)
    calorimeter_max_abs_eta: float = 5.0
    ecal_cell: float = 0.0174
    hcal_cell: float = 0.087
    forward_cell: float = 0.175
    ecal_min_gev: float = 0.5
    hcal_min_gev: float = 1.0
    min_significance: float = 2.0
    electron_efficiency: tuple[float, float] = (0.9025, 0.7055)
    muon_efficiency: tuple[float, float] = (0.9405, 0.931)
    electron_max_abs_eta: float = 3.0
    muon_max_abs_eta: float = 2.1
    jet_max_abs_eta: float = 4.0
    lepton_min_pt_gev: float = 3.0
    jet_min_pt_gev: float = 15.0
    isolation_cone: float = 0.3
    isolation_min_pt_gev: float = 0.5
    isolation_max: float = 0.5
    jet_radius: float = 0.4
    jet_scale: tuple[float, float] = (2.5, 0.15)
    trigger_pt_gev: float = 23.0

    def __post_init__(self) -> None:
        for name in ("track_efficiency", "soft_track_efficiency", "electron_efficiency", "muon_efficiency"):
            for value in getattr(self, name):
                number(name, value, 0, 1)
        for name in ("ecal_cell", "hcal_cell", "forward_cell", "jet_radius", "isolation_cone"):
            number(name, getattr(self, name), 0.005, 1.5)
        for name in (
            "track_max_abs_eta",
            "calorimeter_max_abs_eta",
            "electron_max_abs_eta",
            "muon_max_abs_eta",
            "jet_max_abs_eta",
        ):
            number(name, getattr(self, name), 0.1, 5)
        for name in ("track_min_pt_gev", "ecal_min_gev", "hcal_min_gev", "min_significance", "isolation_min_pt_gev"):
            number(name, getattr(self, name), 0, 100)
        for name in ("lepton_min_pt_gev", "jet_min_pt_gev", "trigger_pt_gev"):
            number(name, getattr(self, name), 0.1, 1000)
        number("isolation_max", self.isolation_max, 0, 1000)
        for value in self.jet_scale:
            number("jet_scale", value, 0, 10)
