"""How near a picture is to the clean one, and how noisy a picture is."""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import gaussian_filter

from dashpot.errors import DataError

__all__ = ["noise_level", "psnr", "ssim"]


def psnr(clean: np.ndarray, found: np.ndarray) -> float:
    """Peak signal-to-noise ratio, -10 log10(mean squared error), in dB, for values between 0 and 1; higher is nearer.

    Equal pictures have infinity.

    Parameters
    ----------
    clean, found : arrays of one shape

    Raises
    ------
    DataError
        If the shapes differ.

    Examples
    --------
    >>> psnr(np.zeros((8, 8)), np.full((8, 8), 0.1))
    20.0
    """
    _one_shape(clean, found, "psnr")
    error = float(np.mean((np.asarray(clean, dtype=np.float64) - found) ** 2))
    return math.inf if error == 0 else round(-10 * math.log10(error), 10)


def ssim(clean: np.ndarray, found: np.ndarray) -> float:
    """Structural similarity, at most 1, for values between 0 and 1: means, spreads and covariance in Gaussian windows.

    With the window (standard deviation 1.5 pixels, cut at 5) and the constants of the paper; the mean over the pixels
    whose window lies inside, and over channels.

    Parameters
    ----------
    clean, found : arrays (height, width) or (height, width, channels)

    Raises
    ------
    DataError
        If the shapes differ.

    References
    ----------
    Wang, Bovik, Sheikh and Simoncelli (2004), IEEE Transactions on Image Processing 13.

    Examples
    --------
    >>> picture = np.tile([0.2, 0.8], (16, 8))
    >>> ssim(picture, picture), ssim(picture, 1 - picture) < 0
    (1.0, True)
    """
    _one_shape(clean, found, "ssim")
    x, y = (np.atleast_3d(np.asarray(one, dtype=np.float64)) for one in (clean, found))

    def mean(values: np.ndarray) -> np.ndarray:
        return np.asarray(gaussian_filter(values, (1.5, 1.5, 0), radius=(5, 5, 0)))

    mean_x, mean_y = mean(x), mean(y)
    spread_x, spread_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    together = mean(x * y) - mean_x * mean_y
    likeness = (2 * mean_x * mean_y + 1e-4) * (2 * together + 9e-4)
    likeness /= (mean_x**2 + mean_y**2 + 1e-4) * (spread_x + spread_y + 9e-4)
    margin = 5 if min(x.shape[:2]) > 10 else 0
    inner = likeness[margin : x.shape[0] - margin, margin : x.shape[1] - margin]
    return float(inner.mean())


def noise_level(plane: np.ndarray) -> float:
    """Standard deviation of white noise in a picture, estimated from its finest diagonal detail.

    The median of the absolute diagonal Haar coefficients divided by 0.6745: edges are few, so they hardly count. Fine
    texture does count, so the level of a clean picture of grass is not 0.

    Parameters
    ----------
    plane : array (height, width)

    References
    ----------
    Donoho and Johnstone (1994), Biometrika 81.

    Examples
    --------
    >>> noisy = np.random.default_rng(0).normal(0.5, 0.1, size=(200, 200))
    >>> round(noise_level(noisy), 2)
    0.1
    """
    values = np.asarray(plane, dtype=np.float64)
    detail = (values[:-1, :-1] - values[:-1, 1:] - values[1:, :-1] + values[1:, 1:]) / 2
    return float(np.median(np.abs(detail)) / 0.6744897501960817) if detail.size else 0.0


def _one_shape(clean: np.ndarray, found: np.ndarray, caller: str) -> None:
    if np.shape(clean) != np.shape(found):
        raise DataError(f"{caller}: the pictures have shapes {np.shape(clean)} and {np.shape(found)}. Cut them alike.")
