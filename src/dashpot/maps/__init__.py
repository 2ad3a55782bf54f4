"""Maps of tables: autoencoders beside PCA, t-SNE and UMAP."""

from dashpot.maps.embedding import Map, embed
from dashpot.maps.looking import look

__all__ = ["Map", "embed", "look"]
