"""The search: NSGA-II over the genomes of a task, kept on disk candidate by candidate."""

from trigger.search.candidate import Candidate, candidate_id
from trigger.search.choose import choose, knee
from trigger.search.progress import Progress, SweepProgress
from trigger.search.read import StoredFront, read_front
from trigger.search.store import read_candidates
from trigger.search.sweep import Sweep, sweep

__all__ = [
    "Candidate", "Progress", "StoredFront", "Sweep", "SweepProgress", "candidate_id", "choose", "knee",
    "read_candidates", "read_front", "sweep",
]  # fmt: skip
