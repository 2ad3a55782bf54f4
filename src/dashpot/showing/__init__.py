"""What a regularizer does, as a picture of real data."""

from dashpot.showing.picture import show

__all__ = ["show"]
