"""The shared training core: it knows batches, losses and layer groups; no images, no words."""
