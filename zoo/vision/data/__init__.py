"""From users' photos to batches on the device."""
