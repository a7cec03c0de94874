"""Networks built from a choice: one file a task."""

from trigger.models.genome import Genome, candidate_id

__all__ = ["Genome", "candidate_id"]
