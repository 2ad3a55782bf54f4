"""Classical denoisers, and how each is tuned; needs scikit-image, PyWavelets and bm3d."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

import bm3d
import numpy as np
from scipy.ndimage import median_filter
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from skimage.restoration import cycle_spin, denoise_nl_means, denoise_tv_chambolle, denoise_wavelet

Filter = Callable[..., np.ndarray]


def median(noisy: np.ndarray, sigma: float, size: int) -> np.ndarray:
    """The median of a square window."""
    return np.asarray(median_filter(noisy, size=size, mode="reflect"))


def non_local_means(noisy: np.ndarray, sigma: float, patch: int, distance: int, strength: float) -> np.ndarray:
    """Weighted means of pixels whose patches look alike (Buades et al. 2005), with the noise level given."""
    return np.asarray(
        denoise_nl_means(noisy, patch_size=patch, patch_distance=distance, h=strength * sigma, sigma=sigma)
    )


def wavelet(noisy: np.ndarray, sigma: float, name: str, shrink: str, mode: str, shifts: int) -> np.ndarray:
    """Wavelet shrinkage, averaged over shifts of the picture (Coifman and Donoho 1995)."""
    options = {"sigma": sigma, "wavelet": name, "method": shrink, "mode": mode, "rescale_sigma": False}
    if shifts == 0:
        return np.asarray(denoise_wavelet(noisy, **options))
    return np.asarray(
        cycle_spin(noisy, denoise_wavelet, max_shifts=shifts, func_kw=options, num_workers=1, channel_axis=None)
    )


def total_variation(noisy: np.ndarray, sigma: float, weight: float) -> np.ndarray:
    """The picture of least total variation near the noisy one (Chambolle 2004)."""
    return np.asarray(denoise_tv_chambolle(noisy, weight=weight * sigma, eps=1e-4, max_num_iter=300))


def block_matching(noisy: np.ndarray, sigma: float, factor: float) -> np.ndarray:
    """BM3D (Dabov et al. 2007; the authors' own package)."""
    return np.asarray(bm3d.bm3d(noisy, sigma_psd=factor * sigma))


# What each may be tuned over, on pictures that are not judged.
GRIDS: dict[str, tuple[Filter, dict[str, Sequence[Any]]]] = {
    "median": (median, {"size": (2, 3, 5, 7, 9)}),
    "non-local means": (
        non_local_means,
        {"patch": (3, 5, 7), "distance": (7, 11), "strength": (0.4, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2)},
    ),
    "wavelet": (
        wavelet,
        {
            "name": ("haar", "db2", "sym4", "bior4.4"),
            "shrink": ("BayesShrink",),
            "mode": ("soft", "hard"),
            "shifts": (0, 3),
        },
    ),
    "total variation": (total_variation, {"weight": (0.5, 0.7, 0.9, 1.1, 1.3, 1.6, 2.0, 2.5)}),
    "BM3D": (block_matching, {"factor": (0.95, 1.0, 1.05)}),
}


def scores(clean: np.ndarray, found: np.ndarray) -> tuple[float, float]:
    """PSNR in dB and SSIM (Wang et al. 2004), for pictures between 0 and 1; values outside are cut off."""
    found = np.clip(found, 0, 1)
    ssim = structural_similarity(
        clean, found, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return float(peak_signal_noise_ratio(clean, found, data_range=1.0)), float(ssim)


def noisy(clean: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    """White Gaussian noise of standard deviation `sigma`, added and not cut off."""
    return np.asarray(clean + np.random.default_rng(seed).normal(0, sigma, clean.shape))


def tuned(name: str, pictures: Iterable[np.ndarray], sigma: float) -> dict[str, Any]:
    """The parameters that give the highest mean PSNR on these pictures."""
    method, grid = GRIDS[name]
    pairs = [(clean, noisy(clean, sigma, 1000 + number)) for number, clean in enumerate(pictures)]
    found = {}
    for values in product(*grid.values()):
        parameters = dict(zip(grid, values, strict=True))
        psnrs = [
            peak_signal_noise_ratio(c, np.clip(method(n, sigma, **parameters), 0, 1), data_range=1) for c, n in pairs
        ]
        found[values] = float(np.mean(psnrs))
    best = max(found, key=lambda values: found[values])
    return dict(zip(grid, best, strict=True))
