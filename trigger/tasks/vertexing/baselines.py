"""References on the test events: FastHisto in both forms, its variants, and the chosen network in floating point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sim.events.tracks.events import TrackEvents
from trigger.config.study import Study
from trigger.search.operators.choices import ChoiceGenome
from trigger.search.seeds import derived_seed
from trigger.tasks.vertexing import fasthisto
from trigger.tasks.vertexing.data import event_counts
from trigger.tasks.vertexing.judge import baseline_purity, judge_baseline, judge_outputs
from trigger.tasks.vertexing.model import make_plan
from trigger.tasks.vertexing.sections import search_of, space_of, training_of

__all__ = ["VARIANTS", "fasthisto_baselines", "key", "make"]

VARIANTS: dict[str, tuple[str, Callable[[TrackEvents], Any]]] = {
    "fasthisto_float": ("FastHisto, floating point", fasthisto.float_position_cm),
    "fasthisto_emulated": ("FastHisto, published words", fasthisto.emulated_position_cm),
    "fasthisto_pt2": ("FastHisto with weight pT²", lambda events: fasthisto.float_position_cm(events, power=2.0)),
    "fasthisto_512": (
        "FastHisto with 512 bins, window 5", lambda events: fasthisto.float_position_cm(events, bins=512, window=5)
    ),
}  # fmt: skip
"""Name to label and positions; the variants are no published algorithms."""


def key(study: Study, genome: ChoiceGenome | None) -> dict[str, Any]:
    """What the references depend on: the floating-point network is that of the chosen genome."""
    return {"genome": genome.to_json() if genome else None}


def fasthisto_baselines(events: TrackEvents, window_cm: float) -> list[dict[str, Any]]:
    """Every variant of FastHisto judged."""
    return [
        {"name": name, "label": label, **judge_baseline(position(events), events, window_cm=window_cm)}
        for name, (label, position) in VARIANTS.items()
    ]


def make(
    study: Study, samples: Mapping[str, TrackEvents], genome: ChoiceGenome | None,
    advance: Callable[[int, int, str], None],
) -> dict[str, Any]:  # fmt: skip
    """References of a study.

    Returns
    -------
    dict
        ``events``: counts; ``fasthisto``: list; ``float``: the network of a genome trained and judged in floating
        point, or None.
    """
    test, window_cm = samples["test"], search_of(study).window_cm
    total = 2 if genome else 1
    advance(0, total, "FastHisto")
    found: dict[str, Any] = {
        "events": event_counts(samples), "fasthisto": fasthisto_baselines(test, window_cm), "float": None,
    }  # fmt: skip
    if genome:
        advance(1, total, "the network in floating point")
        found["float"] = _float_network(study, samples, genome)
    advance(total, total, "references")
    return found


def _float_network(study: Study, samples: Mapping[str, TrackEvents], genome: ChoiceGenome) -> dict[str, Any]:
    from trigger.tasks.vertexing.rungs import keras_outputs
    from trigger.tasks.vertexing.train import fit_finder

    training = training_of(study)
    plan = make_plan(genome, space_of(study), name=study.name)
    trained = fit_finder(
        plan, samples["train"], training, sparsity={}, epochs=training.final_epochs or training.epochs,
        seed=derived_seed(study.seed, "float"), quantised=False,
    )  # fmt: skip
    test = samples["test"]
    outputs = keras_outputs(plan, trained.models, test)
    return judge_outputs(
        outputs, test, window_cm=search_of(study).window_cm, reference=baseline_purity(test), curves=True
    )
