"""Random effects that go together: a covariance matrix, and what turns independent normals into such effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from racemate.errors import RacemateError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ROUNDING = 0.005
"""How far below zero an eigenvalue of the correlations may lie: papers print covariances with two or three figures."""


def covariance_factor(
    sigmas: Mapping[str, float], pairs: Sequence[tuple[str, str, float]], where: str = ""
) -> tuple[list[str], Array]:
    """The random effects that the pairs name, in order, and the matrix F with F F' their covariance.

    A correlation of 1 is a limit that papers use ("fixed to 1"); what lies beyond it by rounding is put back on it.

    Parameters
    ----------
    sigmas : mapping
        Standard deviation by random effect.
    pairs : sequence of (str, str, float)
        Two random effects and their covariance.

    Raises
    ------
    RacemateError
        Naming the parameters, for correlations that no people can have.

    Examples
    --------
    >>> keys, factor = covariance_factor({"CL": 0.2, "V1": 0.3}, [("CL", "V1", 0.03)])
    >>> keys, (factor @ factor.T).round(3).tolist()
    (['CL', 'V1'], [[0.04, 0.03], [0.03, 0.09]])
    >>> covariance_factor({"CL": 0.2, "V1": 0.3}, [("CL", "V1", 0.09)])
    Traceback (most recent call last):
        ...
    racemate.errors.RacemateError: the random effects CL and V1 cannot have a correlation of 1.5
      fix:   a covariance of at most 0.06
    """
    import numpy as np

    keys = sorted({key for a, b, _ in pairs for key in (a, b)})
    matrix = np.diag([sigmas[key] ** 2 for key in keys])
    for a, b, covariance in pairs:
        i, j = keys.index(a), keys.index(b)
        matrix[i, j] = matrix[j, i] = covariance
    try:
        return keys, np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        pass
    sd = np.sqrt(np.diag(matrix))
    for a, b, covariance in pairs:
        limit = sigmas[a] * sigmas[b]
        if abs(covariance) > limit * (1.0 + ROUNDING):
            what = f"the random effects {a} and {b} cannot have a correlation of {covariance / limit:.3g}"
            raise RacemateError(what, where=where or None, fix=f"a covariance of at most {limit:.3g}")
    eigenvalues, vectors = np.linalg.eigh(matrix / np.outer(sd, sd))
    if eigenvalues.min() < -ROUNDING:
        what = f"the random effects {', '.join(keys)} cannot all be correlated like this"
        raise RacemateError(what, where=where or None, fix="the covariance matrix must be positive semidefinite")
    root = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))
    return keys, sd[:, None] * root / np.linalg.norm(root, axis=1, keepdims=True)
