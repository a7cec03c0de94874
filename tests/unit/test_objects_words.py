"""Objects as integers of the level-1 trigger."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.events.errors import UserError
from sim.events.objects.examples import example_objects
from sim.events.objects.layout import ELECTRON, GROUPS, JET, MET, MUON
from sim.events.objects.words import (
    SCALES,
    WordScale,
    common_phi,
    digitise,
    phi_difference,
    scales_of,
    undigitise,
)

GT = SCALES["gt"]


def one_event(slot, pt, eta, phi):
    objects = np.zeros((1, 19, 3), dtype=np.float64)
    objects[0, slot] = pt, eta, phi
    return objects


@pytest.mark.parametrize(
    ("group", "values", "words"),
    [
        # by hand: LSB 0.5 GeV, 0.0435 or 0.010875, and a circle of 144 or 576
        (ELECTRON, (10.6, 0.05, 0.05), (21, 1, 1)),
        (ELECTRON, (10.6, -0.05, -0.05), (21, -2, 142)),
        (ELECTRON, (9999.0, 2.9, 3.14), (511, 66, 71)),
        (MUON, (10.6, 0.05, 0.05), (21, 4, 4)),
        (MUON, (9999.0, 2.9, -3.14), (511, 255, 288)),
        (MUON, (9999.0, -2.9, -1e-9), (511, -256, 575)),
        (JET, (9999.0, 9.0, 0.0), (2047, 127, 0)),
        (JET, (15.0, -9.0, -1e-30), (30, -128, 143)),
        (MET, (3000.0, 0.0, math.pi), (4095, 0, 72)),
        (MET, (0.49, 0.0, 1.0), (0, 0, 0)),
    ],
)
def test_words_by_hand(group, values, words):
    found = digitise(one_event(group.first, *values), GT)
    assert found.dtype == np.int64
    assert tuple(found[0, group.first]) == words
    assert np.count_nonzero(np.delete(found[0], group.first, axis=0)) == 0


@pytest.mark.parametrize("name", sorted(SCALES))
def test_words_stay_in_their_bits(name):
    scales = SCALES[name]
    rng = np.random.default_rng(1)
    objects = np.stack(
        [rng.exponential(800, (400, 19)), rng.normal(0, 6, (400, 19)), rng.uniform(-7, 7, (400, 19))], axis=2
    )
    words = digitise(objects, scales)
    for slot, scale in enumerate(scales.per_slot()):
        pt, eta, phi = words[:, slot].T
        assert pt.min() >= 0
        assert pt.max() == 2**scale.pt_bits - 1
        limit = 2 ** (scale.eta_bits - 1) if scale.eta_bits else 0
        assert -limit <= eta.min()
        assert eta.max() == max(limit - 1, 0)
        assert 0 <= phi.min() <= phi.max() < scale.phi_steps <= 2**scale.phi_bits


@pytest.mark.parametrize("name", sorted(SCALES))
def test_there_and_back(name):
    scales = SCALES[name]
    objects = example_objects(500, 4)
    words = digitise(objects, scales)
    values = undigitise(words, scales)
    np.testing.assert_array_equal(digitise(values, scales), words)
    present = words[:, :, 0] > 0
    saturated = words[:, :, 0] >= np.array([2**s.pt_bits - 1 for s in scales.per_slot()])
    inside = present & ~saturated
    lsb = np.array([s.pt_lsb_gev for s in scales.per_slot()])
    assert np.all(np.abs(values - objects)[:, :, 0][inside] <= (np.broadcast_to(lsb, inside.shape)[inside] / 2 + 1e-4))
    turn = np.abs(np.exp(1j * values[:, :, 2]) - np.exp(1j * objects[:, :, 2]))[present]
    step = np.broadcast_to([s.phi_lsb_rad for s in scales.per_slot()], present.shape)[present]
    assert np.all(turn <= step / 2 + 1e-5)
    assert np.all(values[~present] == 0)
    assert np.abs(values[:, :, 2]).max() <= np.float32(np.pi)
    assert np.all(values[:, 0, 1] == 0)


@pytest.mark.parametrize("steps", [2, 144, 256, 576, 1152])
def test_phi_differences_wrap_exactly(steps):
    a, b = np.meshgrid(np.arange(steps), np.arange(steps))
    found = phi_difference(a, b, steps)
    assert found.min() == -steps // 2
    assert found.max() == steps // 2 - 1
    # every pair: the same place on the circle, by the shortest way
    np.testing.assert_array_equal((found - (a - b)) % steps, 0)
    angle = np.angle(np.exp(2j * np.pi * (a - b) / steps))
    away = np.abs(np.abs(angle) - np.pi) > 1e-9
    np.testing.assert_array_equal(found[away], np.rint(angle[away] * steps / (2 * np.pi)))


def test_the_difference_is_the_low_bits_where_the_circle_is_a_power_of_two():
    a, b = np.meshgrid(np.arange(256), np.arange(256))
    np.testing.assert_array_equal(phi_difference(a, b, 256), (a - b).astype(np.uint8).astype(np.int8))


def test_muons_and_calorimeter_share_a_circle():
    assert GT.common_phi_steps == 1152
    assert SCALES["uniform"].common_phi_steps == 512
    words = digitise(example_objects(300, 5), GT)
    phi = common_phi(words, GT)
    present = words[:, :, 0] > 0
    exact = np.mod(undigitise(words, GT)[:, :, 2].astype(np.float64), 2 * np.pi) * 1152 / (2 * np.pi)
    assert np.abs(exact - phi)[present].max() < 1e-3
    assert np.all(phi[~present] == 0)
    e, mu = ELECTRON.first, MUON.first
    assert np.all(phi[present[:, e], e] % 8 == 4)
    assert np.all(phi[present[:, mu], mu] % 2 == 1)


def test_rotating_an_event_moves_no_difference():
    objects = example_objects(200, 6)
    scales = SCALES["uniform"]
    turned = objects.copy()
    step = 2 * np.pi / 256
    turned[:, :, 2] = undigitise(digitise(objects, scales), scales)[:, :, 2] + 37 * step
    objects[:, :, 2] = undigitise(digitise(objects, scales), scales)[:, :, 2]
    a, b = digitise(objects, scales)[:, :, 2], digitise(turned, scales)[:, :, 2]
    present = objects[:, :, 0] > 0.5
    both = present & present[:, 1:2]
    assert both.sum() > 500
    before, after = (phi_difference(w, w[:, 1:2], 256) for w in (a, b))
    np.testing.assert_array_equal(before[both], after[both])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pt_bits": 0}, "pt_bits must be a whole number from 1 to 16, not 0"),
        ({"eta_bits": 17}, "eta_bits must be a whole number from 0 to 16"),
        ({"pt_lsb_gev": 0.0}, "pt_lsb_gev must be a number"),
        ({"eta_lsb": -1.0}, "eta_lsb must be a number"),
        ({"phi_steps": 145}, "phi_steps must be even.*146"),
    ],
)
def test_bad_scales_are_refused(change, says):
    good = {"pt_lsb_gev": 0.5, "pt_bits": 9, "eta_lsb": 0.0435, "eta_bits": 8, "phi_steps": 144}
    WordScale(**good)
    with pytest.raises(UserError, match=says):
        WordScale(**(good | change))


def test_scales_have_names():
    assert scales_of("gt") is GT
    assert [GT.of(group.name) for group in GROUPS] == [GT.met, GT.electron, GT.muon, GT.jet]
    with pytest.raises(UserError, match="gt, uniform, not 'cms'"):
        scales_of("cms")
