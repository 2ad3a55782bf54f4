"""Noise out of pictures: networks that correct windows, and what surrounds them."""

from dashpot.denoising.denoiser import Denoiser
from dashpot.denoising.quality import noise_level, psnr, ssim

__all__ = ["Denoiser", "noise_level", "psnr", "ssim"]
