"""The loss surface around a solution, and its sharpness.

What regularizers promise is a smoother loss. Here it is looked at, along two random directions, on the line between
two solutions, and in numbers.
"""

from dashpot.landscapes.lines import between, plot_lines
from dashpot.landscapes.pictures import plot_landscapes
from dashpot.landscapes.sharpness import Sharpness, member_sharpness, sharpness, sharpness_table
from dashpot.landscapes.surface import Landscape, landscape

__all__ = [
    "Landscape",
    "Sharpness",
    "between",
    "landscape",
    "member_sharpness",
    "plot_landscapes",
    "plot_lines",
    "sharpness",
    "sharpness_table",
]
