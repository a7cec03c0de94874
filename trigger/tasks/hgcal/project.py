"""From a member of the front to its project, judged on the test events by the project's own emulator."""

from __future__ import annotations

from typing import Any

import numpy as np

from firmware.adder_graph import emulate, load_program
from firmware.convert import convert
from firmware.project import read_project
from trigger.config.study import Study
from trigger.tasks.hgcal.events import events_of
from trigger.tasks.hgcal.model_file import read_model
from trigger.tasks.hgcal.network import OUTPUT, word_meanings
from trigger.tasks.hgcal.report.evaluation import evaluate
from trigger.tasks.hgcal.sections import signal_efficiency
from trigger.tasks.interface import ProjectRequest

__all__ = ["make_project"]


def make_project(study: Study, request: ProjectRequest) -> dict[str, Any]:
    """Write the project, its vectors from test events, and evaluate its firmware on all of them.

    Parameters
    ----------
    study : Study
    request : ProjectRequest

    Returns
    -------
    dict
        As from `trigger.tasks.hgcal.report.evaluation.evaluate`.
    """
    candidate, project = request.candidate, request.project
    test = events_of(candidate.genome, request.samples["test"])
    stimulus = {port: words[: study.verify.events] for port, words in test.words.items()}
    network = read_model(request.run_dir, candidate.id)
    points = candidate.metrics["validation"]["inclusive"]["working_points"]
    about = {
        "study": study.study.name,
        "candidate": candidate.id,
        **word_meanings(candidate.genome),
        "thresholds": [{key: point[key] for key in ("wanted_signal_efficiency", "threshold")} for point in points],
    }
    convert(network, project.parent, study.firmware, name=project.name, events=stimulus, about=about)
    program = load_program(read_project(project).program)
    words = np.asarray(emulate(program, test.words)[OUTPUT]).reshape(len(test))
    features = tuple(name for name, _ in candidate.genome.inputs)
    label = f"chosen candidate {candidate.id}"
    return evaluate("chosen", label, features, words, test.is_signal, test.eta, signal_efficiency(study))
