"""The simulated detector and the reconstruction of objects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.events.errors import UserError
from sim.events.objects import reconstruct as reconstruction
from sim.events.objects.detector import Seen, isolated, measure_leptons, measure_rest
from sim.events.objects.detector_settings import DetectorSettings
from sim.events.objects.layout import ELECTRON, JET, MUON
from sim.events.objects.reconstruct import reconstruct
from sim.events.objects.record import Particles, is_charged
from sim.events.objects.resolution import ecal_sigma_gev, hcal_sigma_gev, muon_relative_sigma, smear

PERFECT = DetectorSettings(electron_efficiency=(1, 1), muon_efficiency=(1, 1), track_efficiency=(1, 1))
TRIGGER = (0, 13, 60.0, 0.1, 0.2)


def particles(*rows, n_events=1):
    """Massless particles of (event, pid, pT, eta, phi)."""
    event, pid, pt, eta, phi = (np.array(column) for column in zip(*rows, strict=True))
    pt, eta, phi = (a.astype(np.float64) for a in (pt, eta, phi))
    return Particles(n_events, event, pid, is_charged(pid), pt, eta, phi, pt * np.cosh(eta))


def simple_jets(n_events, event, momenta, radius, min_pt_gev):
    """Each measured thing is a jet of its own: stands for fastjet where jets do not matter."""
    kept = np.hypot(momenta[:, 0], momenta[:, 1]) > min_pt_gev
    return event[kept], momenta[kept]


@pytest.fixture
def without_fastjet(monkeypatch):
    monkeypatch.setattr(reconstruction, "anti_kt", simple_jets)


def run(*rows, settings=PERFECT, seed=0, n_events=1):
    return reconstruct(particles(*rows, n_events=n_events), settings, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("pid", "charged"),
    [
        (211, True), (111, False), (321, True), (130, False), (310, False), (2212, True), (2112, False), (3122, False),
        (3222, True), (3112, True), (3322, False), (3312, True), (3334, True), (11, True), (13, True), (22, False),
        (12, False), (-211, True), (411, True), (421, False), (4122, True), (-2112, False),
    ],
)  # fmt: skip
def test_charges(pid, charged):
    assert is_charged(np.array([pid]))[0] == charged


def test_smearing_keeps_mean_and_width():
    rng = np.random.default_rng(1)
    for mean, sigma in ((10.0, 0.5), (5.0, 4.0)):
        values = smear(np.full(400_000, mean), np.full(400_000, sigma), rng)
        assert values.min() > 0
        assert values.mean() == pytest.approx(mean, rel=0.01)
        assert values.std() == pytest.approx(sigma, rel=0.02)


def test_resolutions_by_hand():
    energy, eta = np.array([100.0]), np.array([0.0])
    assert ecal_sigma_gev(energy, eta)[0] == pytest.approx(np.sqrt(0.8**2 + 1.1**2 + 0.4**2))
    assert hcal_sigma_gev(energy, eta)[0] == pytest.approx(np.hypot(5.0, 15.0))
    assert hcal_sigma_gev(energy, np.array([4.0]))[0] == pytest.approx(np.hypot(13.0, 27.0))
    regions = muon_relative_sigma(np.full(3, 100.0), np.array([0.2, -1.0, 2.0]))
    np.testing.assert_allclose(regions, [np.hypot(0.01, 0.01), np.hypot(0.015, 0.015), np.hypot(0.025, 0.035)])


def test_only_what_is_inside_is_found():
    rows = [
        TRIGGER,
        (0, 13, 60, 2.2, 1),
        (0, 11, 60, 2.9, 2),
        (0, 11, 60, 3.1, 3),
        (0, 211, 60, 1, 1),
        (0, 13, 1, 0, 0),
    ]
    found, used = measure_leptons(particles(*rows), PERFECT, np.random.default_rng(0))
    assert sorted(found.kind) == [11, 13]
    np.testing.assert_array_equal(used, [True, False, True, False, False, False])


def test_efficiencies_are_those_asked_for():
    rows = [(0, 11, 50, 0.5, 0)] * 4000 + [(0, 11, 50, 2.0, 0)] * 4000
    settings = DetectorSettings()
    _, used = measure_leptons(particles(*rows), settings, np.random.default_rng(2))
    assert used[:4000].mean() == pytest.approx(0.9025, abs=0.02)
    assert used[4000:].mean() == pytest.approx(0.7055, abs=0.03)


def test_particles_of_a_tower_are_measured_together():
    same = [(0, 22, 20.0, 0.001, 0.001)] * 5
    found = measure_rest(particles(*same), np.zeros(5, bool), PERFECT, np.random.default_rng(0))
    assert len(found.event) == 1
    assert found.pt_gev[0] == pytest.approx(100, rel=0.1)
    apart = [(i, 22, 20.0, 0.001, 0.001) for i in range(5)]
    found = measure_rest(particles(*apart, n_events=5), np.zeros(5, bool), PERFECT, np.random.default_rng(0))
    np.testing.assert_array_equal(found.event, np.arange(5))


def test_soft_neutral_hadrons_drown_in_the_resolution():
    rows = [(i, 130, 3.0, 0.0, 0.0) for i in range(200)] + [(200 + i, 130, 80.0, 0.0, 0.0) for i in range(200)]
    found = measure_rest(particles(*rows, n_events=400), np.zeros(400, bool), PERFECT, np.random.default_rng(0))
    assert (found.event >= 200).sum() == 200
    assert (found.event < 200).sum() < 20


def test_isolation_counts_what_is_in_the_cone():
    def seen(*rows):
        columns = [np.array(c, dtype=float) for c in zip(*rows, strict=True)]
        return Seen(columns[0].astype(int), columns[1], columns[2], columns[3], columns[4].astype(int))

    # the cone goes over the edge of phi
    lepton = seen((0, 40.0, 0.0, np.pi - 0.05, 13), (1, 40.0, 0.0, np.pi - 0.05, 13))

    def alone(*rest):
        return isolated(lepton, seen(*rest), PERFECT).tolist()

    assert alone((0, 19.0, 0.0, -np.pi + 0.05, 0)) == [True, True]
    assert alone((0, 21.0, 0.0, -np.pi + 0.05, 0)) == [False, True]
    assert alone((0, 21.0, 0.0, -np.pi + 0.35, 0)) == [True, True]
    assert alone((1, 21.0, 0.2, np.pi - 0.05, 0)) == [True, False]
    assert alone(*[(0, 0.4, 0.0, np.pi - 0.05, 0)] * 100) == [True, True]
    # another lepton counts, the lepton itself does not
    pair = seen((0, 40.0, 0.0, 0.0, 13), (0, 40.0, 0.1, 0.0, 13), (0, 40.0, 1.0, 0.0, 13))
    assert isolated(pair, seen((0, 1.0, 3.0, 0.0, 0)), PERFECT).tolist() == [False, False, True]


@pytest.mark.usefixtures("without_fastjet")
def test_an_event_by_hand():
    event, objects = run(TRIGGER, (0, 11, 30.0, -1.0, 1.0), (0, 211, 100.0, 1.0, -2.0), (0, 22, 40.0, -2.0, 2.5))
    assert event.tolist() == [0]
    assert objects.dtype == np.float32
    found = objects[0]
    np.testing.assert_allclose(found[MUON.first], (60, 0.1, 0.2), rtol=0.06)
    np.testing.assert_allclose(found[ELECTRON.first], (30, -1.0, 1.0), rtol=0.15)
    assert np.count_nonzero(found[:, 0]) == 5
    # the correction of the jets' scale is at most a few percent here
    np.testing.assert_allclose(found[JET.first], (100, 1.0, -2.0), rtol=0.1)
    np.testing.assert_allclose(found[JET.first + 1], (40, -2.0, 2.5), rtol=0.1)
    momenta = [60 * np.exp(0.2j), 30 * np.exp(1j), 100 * np.exp(-2j), 40 * np.exp(2.5j)]
    missing = -sum(momenta)
    assert found[0, 0] == pytest.approx(abs(missing), abs=10)
    assert found[0, 1] == 0
    assert np.abs(np.angle(np.exp(1j * found[0, 2]) / (missing / abs(missing)))) < 0.25


@pytest.mark.usefixtures("without_fastjet")
def test_selection_and_order():
    rng = np.random.default_rng(5)
    rows = [(e, 13, pt, rng.uniform(-1, 1), rng.uniform(-3, 3)) for e in range(6) for pt in (12.0, 40.0, 22.0)]
    rows += [(e, 211, pt, rng.uniform(-2, 2), rng.uniform(-3, 3)) for e in range(7) for pt in range(16, 46, 2)]
    rows += [(6, 13, 18.0, 0, 0)]
    event, objects = run(*sorted(rows, key=lambda row: row[0]), n_events=8)
    assert set(event) <= set(range(6))
    assert len(event) >= 3
    pt = objects[:, :, 0]
    for group in (ELECTRON, MUON, JET):
        assert np.all(np.diff(pt[:, group.slots], axis=1) <= 0)
    assert np.all(pt[:, MUON.first] > 23)
    assert np.all(pt[:, JET.slots] > 0)  # fifteen of them, of which ten are listed
    np.testing.assert_array_equal(objects[pt == 0], 0)


@pytest.mark.usefixtures("without_fastjet")
def test_a_lepton_in_a_jet_is_none():
    inside = (0, 211, 50.0, 0.1, 0.2)
    assert len(run(TRIGGER, inside)[0]) == 0
    loose = replace(PERFECT, isolation_max=10.0)
    assert len(run(TRIGGER, inside, settings=loose)[0]) == 1
    # a second one that is not isolated goes to the jets
    event, objects = run(TRIGGER, (0, 13, 30.0, -1.5, 2.0), (0, 211, 50.0, -1.5, 2.05))
    assert len(event) == 1
    assert np.count_nonzero(objects[0, MUON.slots, 0]) == 1
    assert np.count_nonzero(objects[0, JET.slots, 0]) == 2


@pytest.mark.usefixtures("without_fastjet")
def test_no_event_passes():
    event, objects = run((0, 211, 50.0, 0.0, 0.0))
    assert event.shape == (0,)
    assert objects.shape == (0, 19, 3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"isolation_max": -1.0}, "isolation_max must be a number"),
        ({"trigger_pt_gev": 0.0}, "trigger_pt_gev must be a number"),
        ({"track_efficiency": (1.2, 0.5)}, "track_efficiency must be a number from 0 to 1"),
        ({"jet_radius": 0.0}, "jet_radius must be"),
        ({"jet_max_abs_eta": 7.0}, "jet_max_abs_eta must be"),
        ({"jet_scale": (-1.0, 0.0)}, "jet_scale must be"),
    ],
)
def test_bad_settings_are_refused(change, says):
    with pytest.raises(UserError, match=says):
        DetectorSettings(**change)
