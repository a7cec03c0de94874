"""Reconstructed objects of the anomaly study: missing energy, electrons, muons and jets of an event.

`load_anomaly_dataset` gives the events of a study; `digitise` turns them into the integers of a level-1 trigger.
"""

from sim.events.objects.dataset import (
    SPLITS,
    AnomalyDatasetSettings,
    load_anomaly_dataset,
    require_background_only,
)
from sim.events.objects.detector_settings import DetectorSettings
from sim.events.objects.generate import GenerationSettings, generate_objects
from sim.events.objects.layout import FEATURES, GROUPS, N_OBJECTS, ObjectEvents
from sim.events.objects.processes import BACKGROUNDS, DEFAULT_MIX, PROCESSES, SIGNALS
from sim.events.objects.reader import read_events, stream_events
from sim.events.objects.words import (
    SCALES,
    ObjectScales,
    WordScale,
    common_phi,
    digitise,
    phi_difference,
    read_words,
    scales_of,
    undigitise,
)

__all__ = [
    "BACKGROUNDS",
    "DEFAULT_MIX",
    "FEATURES",
    "GROUPS",
    "N_OBJECTS",
    "PROCESSES",
    "SCALES",
    "SIGNALS",
    "SPLITS",
    "AnomalyDatasetSettings",
    "DetectorSettings",
    "GenerationSettings",
    "ObjectEvents",
    "ObjectScales",
    "WordScale",
    "common_phi",
    "digitise",
    "generate_objects",
    "load_anomaly_dataset",
    "phi_difference",
    "read_events",
    "read_words",
    "require_background_only",
    "scales_of",
    "stream_events",
    "undigitise",
]
