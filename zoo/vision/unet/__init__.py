"""U-Nets on pretrained backbones: what segmentation and restoration share."""
