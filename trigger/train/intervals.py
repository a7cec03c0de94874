"""Confidence intervals of efficiencies."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["LEVEL", "clopper_pearson"]

LEVEL = 0.682689492137086
"""Coverage: one standard deviation of a normal distribution, 68%."""


def clopper_pearson(
    passed: ArrayLike, total: ArrayLike, level: float = LEVEL
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Exact central interval of a binomial efficiency.

    Parameters
    ----------
    passed, total : int arrays of one shape
        Events that pass, of how many.
    level : float
        Coverage, at least.

    Returns
    -------
    low, high : float arrays of that shape
        Within [0, 1]; [0, 1] where there are no events.

    Notes
    -----
    C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404, as quantiles of beta distributions.
    """
    from scipy.stats import beta  # slow to import, and light commands read this module

    k, n = np.broadcast_arrays(np.asarray(passed, dtype=np.float64), np.asarray(total, dtype=np.float64))
    tail = (1 - level) / 2
    low = np.where(k > 0, beta.ppf(tail, np.maximum(k, 1), n - k + 1), 0.0)
    high = np.where(k < n, beta.ppf(1 - tail, k + 1, np.maximum(n - k, 1)), 1.0)
    return low, high
