"""The collisions behind the tracks: which processes, with which settings of Pythia, and which of their tracks
are kept."""

from __future__ import annotations

MINBIAS = "minbias"
# the hard processes; a position in this tuple is the `process` of an event
PROCESSES = ("ttbar", "zll")
UNKNOWN_PROCESS = 255  # a user's file does not say
POOL_PROCESSES = (MINBIAS, *PROCESSES)

COMMON_LINES = (
    "Beams:eCM = 14000.",
    # K0S and hyperons decay in the tracker: tracks of theirs that point near the beam line are kept
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 100.",  # mm/c
)
PROCESS_LINES = {
    "minbias": ("SoftQCD:inelastic = on",),
    "ttbar": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
    "zll": (
        "WeakSingleBoson:ffbar2gmZ = on",
        "PhaseSpace:mHatMin = 60.",
        "23:onMode = off",
        "23:onIfAny = 11 13",
    ),
}

B_FIELD_T = 3.8112  # published: the field with which CMSSW turns Rinv into pT
# 1 / (cm GeV): Rinv = charge * RINV_PER_INVERSE_GEV / pT
RINV_PER_INVERSE_GEV = 2.99792458e-3 * B_FIELD_T
MIN_PT_GEV = 2.0  # published: the lowest pT of level-1 tracks
MAX_ABS_ETA = 2.4  # published: the acceptance of the level-1 track finder
# assumptions: a track is made of stubs outside 20 cm, and points to the beam line
MAX_PRODUCTION_RADIUS_CM = 20.0
MAX_D0_CM = 1.0
# stable and long enough for the outer tracker
TRACK_PIDS = (11, 13, 211, 321, 2212)
