"""Configuration: one YAML a study, into frozen typed sections."""

from trigger.config.canonical import hash8, resolved, run_folder
from trigger.config.study import Study, from_mapping, load

__all__ = ["Study", "from_mapping", "hash8", "load", "resolved", "run_folder"]
