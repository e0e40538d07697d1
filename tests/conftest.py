from __future__ import annotations

import os

os.environ.setdefault("MPLBACKEND", "Agg")

import torch

torch.set_num_threads(1)  # tests run side by side; tiny tensors gain nothing from more
