"""What a task is to the general code: values and functions, and nothing that names the task.

Everything from the configuration to the report is one line for all tasks. A task is one `Task`, which
``trigger.tasks.table`` finds by its name. Modules of a task import what is slow inside their functions: a
configuration is checked by commands that have to answer at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from trigger.config.sections import SearchSection, TrainingSection
from trigger.tasks.objective import Objective
from trigger.tasks.parts import CandidateDetails, Column, ReportParts

if TYPE_CHECKING:  # these modules import the configuration, which imports this one
    from trigger.config.study import Study
    from trigger.search.candidate import Candidate
    from trigger.search.job import EvaluatorFactory

__all__ = [
    "Baselines", "Data", "Genome", "GenomeOperations", "Objective", "ProjectRequest", "Report", "ReportInput",
    "Samples", "Summary", "Task", "TrainRequest",
]  # fmt: skip

Samples = Mapping[str, Any]
"""``train``, ``validation`` and ``test``; what each one is, only the task knows."""


class Genome(Protocol):
    """What the search chooses of one candidate: hashable, equal exactly when the candidates are."""

    def __hash__(self) -> int: ...

    def to_json(self) -> Any:
        """Plain values for a file; the same genome gives the same text, since the candidate's id is a hash of it."""


@dataclass(frozen=True, kw_only=True)
class GenomeOperations:
    """How genomes are drawn and changed; each function depends on its arguments alone, the generator included.

    `trigger.search.operators.choices.choice_operations` makes one for a space that is a flat table of ordered choices.

    Parameters
    ----------
    random : ``random(space, generator) -> genome``
    mutate : ``mutate(genome, space, rate, generator) -> genome``
        Changes about ``rate`` genes.
    crossover : ``crossover(one, other, space, generator) -> genome``
    from_json : ``from_json(content) -> genome``
        Of what ``to_json`` wrote; UserError for anything else.
    anchors : ``anchors(space) -> {name: genome or None}``
        Known good starting points, by the name that ``trigger train --candidate`` takes; None: it does not fit the
        space. Those that fit enter the first generation if ``search.anchors`` is set.
    """

    random: Callable[[Any, Random], Any]
    mutate: Callable[[Any, Any, float, Random], Any]
    crossover: Callable[[Any, Any, Any, Random], Any]
    from_json: Callable[[Any], Any]
    anchors: Callable[[Any], Mapping[str, Any]] = field(default=lambda space: {})


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a step found: ``content`` for programs (JSON values), ``lines`` for people."""

    content: Mapping[str, Any]
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Data:
    """Where events come from.

    Parameters
    ----------
    settings : type
        Frozen dataclass: the keys of section ``data`` (``cache_dir`` stands beside them, for every task). A field
        called ``workers`` counts processes and must change no result: it is left out of the run's hash.
    load : ``load(settings, cache_dir, progress) -> samples``
        Made where they are missing, then read. ``progress(done, total)`` may be None. Must be quick when all is there:
        every verb that needs events calls it.
    describe : ``describe(settings, samples) -> Summary``
        What verb ``data`` prints, and the keys that it adds to the result object.
    digests : ``digests(settings) -> {key: value}``
        What stands in the run's hash in place of these keys of ``data``: the digest of a user's files in place of their
        paths (`trigger.config.digest.file_digest`). UserError if one cannot be read.
    """

    settings: type
    load: Callable[[Any, Path, Callable[[int, int], None] | None], Samples]
    describe: Callable[[Any, Samples], Summary]
    digests: Callable[[Any], Mapping[str, Any]] = field(default=lambda settings: {})


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """One candidate to train for verb ``train``.

    Parameters
    ----------
    name : str
        Id of the candidate, or name of the anchor.
    genome : Genome
    samples : mapping
        As loaded.
    epochs : int or None
        As the command asks; None: those of the configuration's final training.
    folder : Path
        Exists; files are called ``<name>.<something>`` and written whole or not at all. ``<name>.json`` is written by
        the general code, from the summary's content.
    say : callable
        One line for people who wait.
    """

    name: str
    genome: Any
    samples: Samples
    epochs: int | None
    folder: Path
    say: Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class ProjectRequest:
    """A member of the front to make into firmware.

    Parameters
    ----------
    candidate : Candidate
    samples : mapping
        As loaded.
    run_dir : Path
        Folder of the run; what the evaluator wrote lies in ``models/``.
    project : Path
        Folder to write, whole or not at all; its parent need not exist.
    """

    candidate: Candidate
    samples: Samples
    run_dir: Path
    project: Path


@dataclass(frozen=True, kw_only=True)
class Baselines:
    """References that the report compares with, kept in ``baselines.json``.

    Parameters
    ----------
    key : ``key(study, genome) -> {name: value}``
        JSON values that the references depend on beside the study: they are made again when one of them differs from
        what ``baselines.json`` says. ``genome`` is the chosen candidate's, or None.
    make : ``make(study, samples, genome, advance) -> content``
        JSON values, stored beside the key. ``advance(done, total, note)`` shows progress.
    """

    key: Callable[[Study, Any | None], Mapping[str, Any]]
    make: Callable[[Study, Samples, Any | None, Callable[[int, int, str], None]], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class ReportInput:
    """What a task writes its part of the page from.

    Parameters
    ----------
    study : Study
    run_dir : Path
    baselines : mapping
        Content of ``baselines.json``.
    chosen : mapping or None
        Content of ``chosen.json``: ``id``, ``reason``, ``genome`` (JSON), ``project``, ``evaluation``.
    project : Path or None
        Folder of the chosen candidate's project; may have been removed.
    """

    study: Study
    run_dir: Path
    baselines: Mapping[str, Any]
    chosen: Mapping[str, Any] | None
    project: Path | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """A task's part of the page.

    Parameters
    ----------
    columns : tuple of Column
        Columns of the front's table beside candidate and objectives.
    details : ``details(study, candidate) -> CandidateDetails``
        Of one finished candidate: the cells of these columns, lines to show at its point, interval of its accuracy.
    parts : ``parts(report_input) -> ReportParts``
        Tiles, sections, references, notes.
    """

    columns: tuple[Column, ...]
    details: Callable[[Study, Candidate], CandidateDetails]
    parts: Callable[[ReportInput], ReportParts]


@dataclass(frozen=True, kw_only=True)
class Task:
    """All that the general code knows of a task.

    Parameters
    ----------
    name : str
        As in ``study.task``.
    objectives : tuple of Objective
        What a search may minimise; the first one means accuracy.
    data : Data
    space : type
        Frozen dataclass: section ``space``, handed to the genome's operations.
    training : type
        Frozen dataclass: section ``training``, `TrainingSection` or one that extends it with keys of the task.
    search : type
        Frozen dataclass: section ``search``, `SearchSection` or one that extends it.
    check : ``check(study) -> study``
        Checks sections against each other (UserError; name keys as ``section.key``) and writes out what defaults mean.
        General rules have been checked.
    genome : GenomeOperations
    evaluator : ``evaluator(study, run_dir) -> evaluate``
        A function of a module, called once in every worker process: ``evaluate(job) -> Evaluation`` trains, costs and
        measures one genome and writes its model to ``run_dir/models/<job.id>...``. ``Evaluation.cost`` holds at least
        ``lut`` and ``latency_ns``; ``violation`` is above 0 for a candidate that must not be chosen.
    train : ``train(study, request) -> Summary``
        Verb ``train``.
    make_project : ``make_project(study, request) -> evaluation``
        Writes the project with ``firmware.convert`` or another converter whose project ``firmware.verify`` proves
        (``about.json`` says what its words mean), runs the firmware's emulator on the test events, and gives what it
        reached there as JSON values: ``evaluation`` in ``chosen.json``.
    baselines : Baselines
    report : Report
    knee_cost : ``knee_cost(cost) -> number``
        What the knee makes small among candidates of nearly the best accuracy, from a candidate's ``cost``.
    budgets : tuple of str
        Budgets of section ``choice`` that the task knows, of ``max_lut``, ``max_bits`` (needs ``cost["input_bits"]``)
        and ``max_latency_ns``.
    packages : tuple of str
        Distributions whose version changes a search's result, beside those that all tasks use.
    """

    name: str
    objectives: tuple[Objective, ...]
    data: Data
    space: type
    training: type[TrainingSection] = TrainingSection
    search: type[SearchSection] = SearchSection
    check: Callable[[Study], Study] = field(default=lambda study: study)
    genome: GenomeOperations
    evaluator: EvaluatorFactory
    train: Callable[[Study, TrainRequest], Summary]
    make_project: Callable[[Study, ProjectRequest], Mapping[str, Any]]
    baselines: Baselines
    report: Report
    knee_cost: Callable[[Mapping[str, float]], float] = field(default=lambda cost: cost["lut"])
    budgets: tuple[str, ...] = ("max_lut", "max_latency_ns")
    packages: tuple[str, ...] = ()

    @property
    def accuracy(self) -> Objective:
        """The objective that means accuracy."""
        return self.objectives[0]

    def objective(self, name: str) -> Objective:
        """The objective of that name; KeyError if the task has none."""
        return {objective.name: objective for objective in self.objectives}[name]
