"""Shape variables: hand-computed clusters, and a slow reference that looks at one cluster cell by cell."""

import math

import numpy as np
import pytest

from sim.events import SHOWER_FEATURES
from sim.events.geometry import EM_TRIGGER_LAYERS, N_LAYERS, trigger_layers
from sim.events.shapes import HOE_MAX, Cells, cluster, kinematics, shape_variables

LAYERS = trigger_layers(0.00536)


def cells_of(rows, n_clusters=1):
    """Cells from rows of (cluster, layer, energy, x, y), sorted as the generator sorts them."""
    rows = sorted(rows, key=lambda row: (row[0], row[1]))
    number, layer, energy, x, y = (np.array(column) for column in zip(*rows, strict=True))
    return Cells(number, layer, energy.astype(float), x.astype(float), y.astype(float), n_clusters)


def weighted_rms(pairs):
    """Standard deviation of (weight, value) pairs."""
    total = math.fsum(w for w, _ in pairs)
    mean = math.fsum(w * v for w, v in pairs) / total
    return math.sqrt(math.fsum(w * (v - mean) ** 2 for w, v in pairs) / total)


def fewest(energies, share):
    """Fewest cells that hold a share of the energy."""
    running = 0.0
    for count, energy in enumerate(sorted(energies, reverse=True), start=1):
        running += energy
        if running >= share * math.fsum(energies) * (1 - 1e-9):
            return count
    raise AssertionError("the loop reaches the whole energy")


def slow_reference(cells):
    """All shape variables of one cluster, given as (layer, energy, x, y), written out in full."""
    total = math.fsum(energy for _, energy, _, _ in cells)
    rows = []
    px = math.fsum(e * x / math.sqrt(x * x + y * y + LAYERS.z_cm[k] ** 2) for k, e, x, y in cells)
    py = math.fsum(e * y / math.sqrt(x * x + y * y + LAYERS.z_cm[k] ** 2) for k, e, x, y in cells)
    axis = math.atan2(py, px)
    for layer, energy, x, y in cells:
        z = float(LAYERS.z_cm[layer])
        phi = math.remainder(math.atan2(y, x) - axis, 2 * math.pi)
        eta = math.asinh(z / math.hypot(x, y))
        rows.append({"layer": layer, "e": energy, "x": x, "y": y, "z": z, "r": math.hypot(x, y) / z,
                     "eta": eta, "phi": phi})  # fmt: skip
    by_layer = {k: [row for row in rows if row["layer"] == k] for k in sorted({row["layer"] for row in rows})}
    energy = [math.fsum(row["e"] for row in by_layer.get(k, [])) for k in range(N_LAYERS)]
    number = [int(n) for n in LAYERS.number] + [int(LAYERS.number[-1]) + 1]
    hit = [e > 0 for e in energy]
    out = {}
    first, last = hit.index(True), N_LAYERS - 1 - hit[::-1].index(True)
    out["firstlayer"] = number[first]
    out["showerlength"] = number[last] - number[first] + 1
    out["coreshowerlength"] = max(len(run) for run in "".join("x" if h else " " for h in hit).split())
    out["maxlayer"] = number[energy.index(max(energy))]
    out["emaxe"] = max(energy) / total
    em, had = sum(energy[:EM_TRIGGER_LAYERS]), sum(energy[EM_TRIGGER_LAYERS:])
    out["hoe"] = min(had / max(em, 1e-3), HOE_MAX)
    out["eot"] = em / total
    for n in (1, 3, 5):
        out[f"first{n}layers"] = sum(energy[:n]) / total
    for n in (1, 3):
        out[f"firstHcal{n}layers"] = sum(energy[EM_TRIGGER_LAYERS : EM_TRIGGER_LAYERS + n]) / total
    for percent in (10, 50, 90):
        running = 0.0
        for k in range(N_LAYERS):
            if running + energy[k] >= total * percent / 100:
                inside = (total * percent / 100 - running) / energy[k]
                out[f"layer{percent}"] = number[k] + inside * (number[k + 1] - number[k])
                break
            running += energy[k]
    for name, key in (("ee", "eta"), ("pp", "phi"), ("rr", "r")):
        out[f"s{name}tot"] = weighted_rms([(row["e"], row[key]) for row in rows])
        out[f"s{name}max"] = max(weighted_rms([(r["e"], r[key]) for r in layer]) for layer in by_layer.values())
        out[f"var{name}"] = out[f"s{name}tot"] ** 2
    out["szz"] = weighted_rms([(row["e"], row["z"]) for row in rows])
    out["varzz"] = out["szz"] ** 2
    out["meanz"] = math.fsum(row["e"] * row["z"] for row in rows) / total
    weighted, weights = [], []
    for layer in by_layer.values():
        top = max(layer, key=lambda row: row["e"])
        near = [r for r in layer if math.hypot(r["x"] - top["x"], r["y"] - top["y"]) < 5.0]
        weights.append(math.fsum(r["e"] for r in near))
        weighted.append(weights[-1] * weighted_rms([(r["e"], r["r"]) for r in near]) ** 2)
    out["srrmean"] = math.sqrt(math.fsum(weighted) / math.fsum(weights))
    out["ntc67"], out["ntc90"] = (fewest([row["e"] for row in rows], share) for share in (0.67, 0.90))
    return out


def random_cells(rng, n_clusters):
    rows = []
    for number in range(n_clusters):
        angle, radius = rng.uniform(-np.pi, np.pi), rng.uniform(35, 140)
        for layer in rng.choice(N_LAYERS, rng.integers(1, 20), replace=False):
            for _ in range(rng.integers(1, 6)):
                x, y = radius * np.cos(angle), radius * np.sin(angle)
                rows.append((number, layer, rng.exponential(2.0) + 0.01, x + rng.normal(0, 3), y + rng.normal(0, 3)))
    return cells_of(rows, n_clusters)


def test_all_variables_agree_with_the_slow_reference():
    cells = random_cells(np.random.default_rng(3), 60)
    fast = shape_variables(cells, LAYERS)
    assert set(fast) == set(SHOWER_FEATURES)
    for number in range(60):
        own = cells.cluster == number
        columns = (cells.layer[own], cells.energy_gev[own], cells.x_cm[own], cells.y_cm[own])
        slow = slow_reference(
            [tuple(float(v) if i else int(v) for i, v in enumerate(row)) for row in zip(*columns, strict=True)]
        )
        assert set(slow) == set(SHOWER_FEATURES)
        for name, value in slow.items():
            np.testing.assert_allclose(fast[name][number], value, rtol=1e-6, atol=1e-9, err_msg=name)


def test_a_cell_that_moves_to_the_next_layer_is_noticed():
    """The comparison above fails where it should: a planted fault of one cell."""
    cells = random_cells(np.random.default_rng(4), 1)
    moved = Cells(cells.cluster, np.minimum(cells.layer + 1, N_LAYERS - 1), *(
        getattr(cells, name) for name in ("energy_gev", "x_cm", "y_cm", "n_clusters")))  # fmt: skip
    right, wrong = shape_variables(cells, LAYERS), shape_variables(moved, LAYERS)
    for name in ("meanz", "firstlayer", "layer50", "srrtot"):
        assert abs(right[name][0] - wrong[name][0]) > 1e-6, name


def test_two_cells_by_hand():
    z0, z2 = (float(LAYERS.z_cm[k]) for k in (0, 2))
    out = shape_variables(cells_of([(0, 0, 1.0, 50.0, 0.0), (0, 2, 3.0, 50.0, 0.0)]), LAYERS)
    expected = {
        "firstlayer": 1, "maxlayer": 5, "showerlength": 5, "coreshowerlength": 1,  # layers 1 and 5, 3 is missing
        "emaxe": 0.75, "hoe": 0, "eot": 1, "first1layers": 0.25, "first3layers": 1, "first5layers": 1,
        "meanz": z0 + 0.75 * (z2 - z0), "szz": math.sqrt(0.1875) * (z2 - z0),
        "layer10": 1 + 0.4 * 2, "layer50": 5 + (2 - 1) / 3 * 2, "ntc67": 1, "ntc90": 2,
        "srrtot": math.sqrt(0.1875) * (50 / z0 - 50 / z2), "srrmax": 0, "srrmean": 0, "spptot": 0,
    }  # fmt: skip
    for name, value in expected.items():
        np.testing.assert_allclose(out[name][0], value, rtol=1e-9, atol=1e-12, err_msg=name)


def test_azimuth_does_not_break_at_pi():
    across = shape_variables(cells_of([(0, 1, 1.0, -60.0, 1.0), (0, 1, 1.0, -60.0, -1.0)]), LAYERS)
    np.testing.assert_allclose(across["spptot"][0], math.atan(1 / 60), rtol=1e-9)


def test_srrmean_leaves_out_cells_beyond_five_centimetres():
    near = [(0, 3, 5.0, 50.0, 0.0), (0, 3, 1.0, 54.0, 0.0)]
    with_far = [*near, (0, 3, 1.0, 55.5, 0.0)]
    srrmean = [shape_variables(cells_of(rows), LAYERS)["srrmean"][0] for rows in (near, with_far)]
    assert srrmean[0] == pytest.approx(srrmean[1], rel=1e-12)
    srrmax = [shape_variables(cells_of(rows), LAYERS)["srrmax"][0] for rows in (near, with_far)]
    assert srrmax[1] > srrmax[0]


def test_clusters_without_cells_are_zero():
    out = shape_variables(cells_of([(1, 4, 2.0, 40.0, 3.0)], n_clusters=3), LAYERS)
    for name, values in out.items():
        assert values.shape == (3,)
        assert values[0] == values[2] == 0, name
    empty = np.zeros(0, dtype=np.int64)
    nothing = shape_variables(Cells(empty, empty, empty * 1.0, empty * 1.0, empty * 1.0, 2), LAYERS)
    assert all(np.array_equal(values, [0, 0]) for values in nothing.values())


def test_kinematics_of_one_cell():
    z = float(LAYERS.z_cm[5])
    pt, eta, phi = kinematics(cells_of([(0, 5, 10.0, 30.0, 40.0)]), LAYERS)
    assert pt[0] == pytest.approx(10 * 50 / math.hypot(50, z))
    assert eta[0] == pytest.approx(math.asinh(z / 50))
    assert phi[0] == pytest.approx(math.atan2(40, 30))


def test_clustering_keeps_the_circle_around_the_energy():
    z = float(LAYERS.z_cm[5])
    rows = [(0, 5, 10.0, 60.0, 0.0), (0, 5, 10.0, 62.0, 0.0), (0, 5, 0.1, 68.0, 0.0)]
    axis = np.array([[58.5 / z, 0.0]], dtype=np.float32)
    kept, seed = cluster(cells_of(rows), axis, LAYERS, 0.012)  # 4 cm at this layer
    np.testing.assert_array_equal(kept.x_cm, [60.0, 62.0])
    np.testing.assert_allclose(seed[0], [61.0 / z, 0.0], rtol=1e-6)
    assert kept.select(np.array([True])).n_clusters == 1
    assert len(kept.select(np.array([False])).cluster) == 0
