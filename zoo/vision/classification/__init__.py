"""Classes, labels and numbers of photos: a backbone and a head."""
