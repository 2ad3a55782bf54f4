"""Maps of tables: autoencoders beside PCA, t-SNE and UMAP."""

from dashpot.maps.embedding import Map, embed

__all__ = ["Map", "embed"]
