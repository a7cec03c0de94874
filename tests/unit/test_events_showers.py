"""The generator: its physics against the formulas it is built on, and its habits."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from sim.events import CMSSW_LARGE, CMSSW_SMALL, SHOWER_FEATURES, ShowerSettings, UserError, generate_clusters
from sim.events.candidates import electrons, photons
from sim.events.cores import VertexParticles, event_cores, find_cores
from sim.events.deposits import deposit
from sim.events.geometry import EM_TRIGGER_LAYERS, trigger_layers
from sim.events.particles import (
    CHARGED_HADRON,
    ELECTRON,
    NEUTRAL_HADRON,
    PHOTON,
    Particles,
    at_face,
    charge_and_kind,
)
from sim.events.pool import WINDOW, build_pool, draw_cores, load_pool, overlay
from sim.events.table import PILEUP

SETTINGS = ShowerSettings()
LAYERS = trigger_layers(SETTINGS.critical_energy_gev)
AXIS = 0.2  # x/z, about eta = 2.3


def showers(n, energy_gev, kind, settings=SETTINGS, seed=1):
    """Deposits of `n` equal particles on the axis, shape (n, 36, 7, 7)."""
    particles = Particles(
        np.arange(n, dtype=np.int32),
        np.full(n, AXIS, dtype=np.float32),
        np.zeros(n, dtype=np.float32),
        np.full(n, energy_gev, dtype=np.float32),
        np.full(n, kind, dtype=np.int8),
    )
    centre = np.tile(np.array([[AXIS, 0]], dtype=np.float32), (n, 1))
    return deposit(particles, centre, LAYERS, settings, np.random.default_rng(seed))[0]


@pytest.mark.parametrize("energy", [20.0, 100.0])
def test_shower_maximum_is_where_grindhammer_and_peters_put_it(energy):
    profile = showers(800, energy, ELECTRON, replace(SETTINGS, upstream_x0=0.0)).sum(axis=(2, 3)).mean(axis=0)
    density = profile[:EM_TRIGGER_LAYERS] / LAYERS.width_x0[:EM_TRIGGER_LAYERS]
    top = int(density.argmax())
    # a parabola through the three highest layers
    left, middle, right = density[top - 1 : top + 2]
    shift = 0.5 * (left - right) / (left - 2 * middle + right)
    found = LAYERS.depth_x0[top] + shift * LAYERS.width_x0[0]
    log_y = np.log(energy / SETTINGS.critical_energy_gev)
    assert found == pytest.approx(log_y - 0.812, abs=0.7)


def test_energy_and_sampling_term():
    energy = 25.0
    total = showers(2000, energy, ELECTRON, replace(SETTINGS, max_spots=100_000)).sum(axis=(1, 2, 3))
    assert total.mean() == pytest.approx(energy, rel=0.06)  # the rest is beyond the window
    stochastic = SETTINGS.em_stochastic / np.sqrt(energy)
    assert 0.9 * stochastic < total.std() / total.mean() < 1.8 * stochastic


def test_heavier_spots_keep_the_resolution():
    free = showers(2000, 100.0, ELECTRON, replace(SETTINGS, max_spots=100_000)).sum(axis=(1, 2, 3))
    capped = showers(2000, 100.0, ELECTRON, replace(SETTINGS, max_spots=200)).sum(axis=(1, 2, 3))
    assert capped.mean() == pytest.approx(free.mean(), rel=0.01)
    assert capped.std() == pytest.approx(free.std(), rel=0.25)


def test_most_of_an_electromagnetic_shower_is_within_two_cells():
    image = showers(300, 50.0, ELECTRON)
    centre = image[:, :, 1:6, 1:6].sum()
    assert 0.9 < centre / 50.0 / 300 < 1.0


def test_hadrons_start_later_and_leak_behind():
    def share(kind):
        layers = showers(600, 50.0, kind).sum(axis=(2, 3))
        return layers[:, EM_TRIGGER_LAYERS:].sum() / layers.sum()

    electron, photon, pion, neutron = (share(k) for k in (ELECTRON, PHOTON, CHARGED_HADRON, NEUTRAL_HADRON))
    assert electron < 0.03
    assert photon < 0.04
    assert electron < photon
    assert 0.3 < pion < 0.8
    assert 0.3 < neutron < 0.8
    first = LAYERS.mip_gev[0]
    tracks = showers(600, 50.0, CHARGED_HADRON)[:, 0].sum(axis=(1, 2))
    assert np.median(tracks) == pytest.approx(first, rel=0.3)  # the track of a particle not yet interacted
    assert np.median(showers(600, 50.0, NEUTRAL_HADRON)[:, 0].sum(axis=(1, 2))) == 0


def test_helix_by_hand():
    # pT 1.14 GeV in 3.8 T: a radius of 1.0007 m; p_z 10 GeV: half a turn angle of 0.3 B z / (2 p_z) = 0.18284
    pt = np.array([1.14])
    eta = np.arcsinh(10 / pt)
    half = 0.5 * 0.299792458 * 3.8 * 3.21 / 10
    x, y = at_face(pt, eta, np.array([0.0]), np.array([1]))
    radius_m = pt[0] / (0.299792458 * 3.8)
    assert np.hypot(x, y)[0] == pytest.approx(2 * radius_m * np.sin(half) / 3.21, rel=1e-5)
    assert np.arctan2(y, x)[0] == pytest.approx(-half, rel=1e-5)
    straight = at_face(pt, eta, np.array([0.5]), np.array([0]))
    assert np.hypot(*straight)[0] == pytest.approx(pt[0] / 10, rel=1e-5)
    assert np.arctan2(straight[1], straight[0])[0] == pytest.approx(0.5, rel=1e-5)


def test_pdg_codes():
    charge, kind = charge_and_kind(np.array([22, 11, -11, 211, -211, 2212, 3112, 130, -2112, 13, 12]))
    np.testing.assert_array_equal(charge, [0, -1, 1, 1, -1, 1, -1, 0, 0, 0, 0])
    np.testing.assert_array_equal(kind, [0, 3, 3, 1, 1, 1, 1, 2, 2, -1, -1])


@pytest.mark.parametrize("make", [electrons, photons])
def test_signal_particles_share_the_energy(make):
    made = make(500, SETTINGS, np.random.default_rng(5))
    energy = np.bincount(made.particles.event, made.particles.energy_gev)
    pt = energy * np.hypot(*made.centre.T) / np.sqrt(1 + (made.centre**2).sum(axis=1))
    low, high = SETTINGS.signal_pt_gev
    assert low * 0.97 < pt.min()
    assert pt.max() < high * 1.03
    assert 1.2 < len(made.particles) / 500 <= 2  # most radiate or convert


def test_overlay_has_the_density_of_the_pool_and_its_poisson_mean():
    pool = load_pool("shipped")
    centre = np.tile(np.array([[0.12, 0.05]], dtype=np.float32), (400, 1))
    found = overlay(pool, centre, SETTINGS, np.random.default_rng(2))
    assert (np.hypot(found.x - 0.12, found.y - 0.05) < WINDOW * 1.001).all()
    # by brute force: the share of the pool's particles in the window, at any rotation
    n_events = pool.n_groups * 25
    copies = pool.key % 8 < 2 * np.pi  # without those repeated behind 2 pi
    rho = np.hypot(pool.soft.x, pool.soft.y)[copies].astype(float)
    there = np.hypot(0.12, 0.05)
    cosine = (rho**2 + there**2 - WINDOW**2) / (2 * rho * there)
    expected = SETTINGS.pileup * (np.arccos(np.clip(cosine, -1, 1)) / np.pi).sum() / n_events
    assert len(found) / 400 == pytest.approx(expected, rel=0.05)
    none = overlay(pool, centre, replace(SETTINGS, pileup=0.0), np.random.default_rng(2))
    assert len(none) == 0


def test_the_splits_of_the_pool_share_nothing():
    parts = [load_pool("shipped", low, high) for low, high in ((0.0, 0.6), (0.6, 0.8), (0.8, 1.0))]
    whole = load_pool("shipped")
    assert sum(part.n_cores for part in parts) == whole.n_cores
    assert sum(len(part.cores) for part in parts) == len(whole.cores)
    kept = np.concatenate([part.cores.pt_gev for part in parts])
    np.testing.assert_array_equal(kept, whole.cores.pt_gev)
    assert whole.n_cores > 1000


def test_cores_are_found_once_and_boosted_anywhere():
    def event(number, photons_):
        return [(number, 22, pt, eta, phi) for pt, eta, phi in photons_] + [(number, 211, 3.0, 0.3, 0.0)]

    rows = event(0, [(5.0, 1.0, 3.13), (4.0, 1.02, -3.13)]) + event(1, [(3.0, 1.0, 0.0), (3.0, 1.0, 0.5)])
    particles = VertexParticles(*(np.array(column) for column in zip(*rows, strict=True)))
    first = particles.take(particles.event == 0)
    (centre,) = event_cores(first, 7.0)
    np.testing.assert_allclose(centre[0], (5 * 1.0 + 4 * 1.02) / 9)
    windows = find_cores(particles, 7.0)
    np.testing.assert_array_equal(windows.event, [0, 0])  # the pion is too far, event 1 too soft
    assert abs(windows.phi_rad).max() < 0.03
    pool = build_pool(load_pool("shipped").soft, windows)
    placed, where = draw_cores(pool, 50, SETTINGS, np.random.default_rng(1))
    eta = np.arcsinh(1 / np.hypot(*where.T))
    assert np.ptp(eta) > 1.0
    np.testing.assert_allclose(np.bincount(placed.event, placed.pt_gev), 9.0, rtol=0.01)


def test_same_seed_same_table_and_exact_numbers():
    wanted = {"n_electron": 30, "n_photon": 20, "n_pion": 10, "n_pileup": 40}
    first, again = (generate_clusters(SETTINGS, **wanted, seed=np.random.SeedSequence(7)) for _ in range(2))
    other = generate_clusters(SETTINGS, **wanted, seed=8)
    np.testing.assert_array_equal(first.features, again.features)
    np.testing.assert_array_equal(first.kind, again.kind)
    assert not np.array_equal(first.features, other.features)
    np.testing.assert_array_equal(np.bincount(first.kind), [30, 20, 10, 40])
    np.testing.assert_array_equal(first.label, first.kind < 2)
    assert first.names == tuple(SHOWER_FEATURES)
    assert first.features.dtype == np.float32
    assert np.isfinite(first.features).all()
    assert (first.pt_gev[first.kind != PILEUP] > 20).all()
    assert (first.pt_gev[first.kind == PILEUP] > 10).all()
    assert ((first.eta > 1.5) & (first.eta < 3.0)).all()
    # a shuffled table: the first half is not one class
    assert 10 < first.label[:50].sum() < 40


def test_a_seed_sequence_is_not_used_up():
    sequence = np.random.SeedSequence(3)
    first, again = (generate_clusters(SETTINGS, n_photon=5, seed=sequence) for _ in range(2))
    np.testing.assert_array_equal(first.features, again.features)


def test_works_without_any_generator_output():
    table = generate_clusters(replace(SETTINGS, pileup_pool="parametrised"), n_photon=50, n_pileup=50, seed=1)
    assert len(table) == 100


def test_the_problem_is_hard_and_rewards_more_variables():
    """Issue 2: boosted trees reach at most 0.97 with all variables, less with 9, clearly less with 4."""

    def sample(n, seed, low, high):
        pool = load_pool("shipped", low, high)
        return generate_clusters(SETTINGS, n_electron=n // 4, n_photon=n // 4, n_pileup=n // 2, seed=seed, pool=pool)

    train, test = sample(8000, 1, 0.0, 0.6), sample(6000, 2, 0.6, 1.0)
    auc = {}
    for name, names in (("all", train.names), ("large", CMSSW_LARGE), ("small", CMSSW_SMALL)):
        with threadpool_limits(1):  # two test processes with two threads each wait for one another
            trees = HistGradientBoostingClassifier(max_iter=60, random_state=1).fit(train.columns(names), train.label)
            auc[name] = roc_auc_score(test.label, trees.predict_proba(test.columns(names))[:, 1])
    assert 0.93 <= auc["all"] <= 0.97
    assert auc["small"] + 0.02 < auc["large"] < auc["all"]
    single = {}
    for name in test.names:
        area = roc_auc_score(test.label, test.column(name))
        single[name] = max(area, 1 - area)
    assert single["meanz"] < 0.7
    assert max(single.values()) < auc["all"] - 0.05


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pileup": -1.0}, r"pileup must lie in \[0, 1000\], not -1"),
        ({"pileup": "many"}, "pileup must be a number, not 'many'"),
        ({"pileup": True}, "pileup must be a number"),
        ({"cluster_radius": 0.1}, "cluster_radius must lie in"),
        ({"cluster_radius": float("nan")}, "cluster_radius must lie in"),
        ({"max_spots": 99.5}, "max_spots must be a whole number"),
        ({"eta_range": (2.0, 1.6)}, "eta_range must rise within"),
        ({"eta_range": 2.0}, "eta_range must be two numbers"),
        ({"signal_pt_gev": (5.0, 15.0)}, "signal_min_pt_gev must lie below"),
        ({"pileup_max_pt_gev": 9.0}, "pileup_max_pt_gev must exceed"),
        ({"em_fraction_spread": 0.39, "em_fraction": 0.1}, "em_fraction_spread must be below"),
        ({"pileup_pool": "no/such/file.parquet"}, "pileup_pool must be 'shipped'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        ShowerSettings(**change)


def test_lists_from_a_configuration_become_tuples():
    assert ShowerSettings(eta_range=[1.6, 2.0]).eta_range == (1.6, 2.0)


def test_numbers_of_clusters_are_checked():
    with pytest.raises(UserError, match="numbers of clusters"):
        generate_clusters(SETTINGS, n_photon=-1, seed=1)
    with pytest.raises(UserError, match="numbers of clusters"):
        generate_clusters(SETTINGS, seed=1)


def test_a_cut_that_nothing_passes_is_named():
    impossible = ShowerSettings(signal_pt_gev=(18.0, 100.0), signal_min_pt_gev=99.9, signal_pt_power=8.0, pileup=0.0)
    with pytest.raises(UserError, match="must let some pion clusters pass"):
        generate_clusters(impossible, n_pion=5, seed=1)
