"""Events for trigger studies: generated, or read from a user's files.

`load_dataset` gives the HGCAL clusters of a study; `SHOWER_FEATURES` says what each variable means.
"""

from sim.events.dataset import SPLITS, DatasetSettings, load_dataset
from sim.events.errors import UserError
from sim.events.features import (
    CMSSW_LARGE,
    CMSSW_SMALL,
    CONTEXT_FEATURES,
    SHOWER_FEATURES,
    Feature,
    digitise,
    undigitise,
)
from sim.events.settings import ShowerSettings
from sim.events.showers import generate_clusters
from sim.events.table import KINDS, ClusterTable

__all__ = [
    "CMSSW_LARGE",
    "CMSSW_SMALL",
    "CONTEXT_FEATURES",
    "KINDS",
    "SHOWER_FEATURES",
    "SPLITS",
    "ClusterTable",
    "DatasetSettings",
    "Feature",
    "ShowerSettings",
    "UserError",
    "digitise",
    "generate_clusters",
    "load_dataset",
    "undigitise",
]
