"""Store weights, words and outputs of fastai's AWD-LSTM, for the test that ours are the same.

Needs fastai 2.8 in the Python that runs it; dropout is off, the net is tiny.

    python scripts/text_awd_lstm.py tests/text/fastai_awd_lstm.json
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

import torch

N_WORDS, D_EMBEDDING, D_HIDDEN, N_LAYERS = 20, 6, 9, 3


def main(path: Path) -> None:
    """Write the weights, two batches that follow each other, and all outputs."""
    from fastai.text.models.awdlstm import AWD_LSTM, awd_lstm_lm_config
    from fastai.text.models.core import get_language_model

    torch.manual_seed(0)
    sizes = {"emb_sz": D_EMBEDDING, "n_hid": D_HIDDEN, "n_layers": N_LAYERS}
    model = get_language_model(AWD_LSTM, N_WORDS, {**awd_lstm_lm_config, **sizes})
    torch.nn.init.normal_(model[1].decoder.bias)
    model.eval()
    model.reset()
    batches = torch.randint(0, N_WORDS, (2, 3, 7))
    with torch.no_grad():
        outputs = [model(batch) for batch in batches]
    tree = {
        "made_by": {"fastai": version("fastai"), "torch": torch.__version__},
        "sizes": {"n_words": N_WORDS, "d_embedding": D_EMBEDDING, "d_hidden": D_HIDDEN},
        "weights": {name: tensor.tolist() for name, tensor in model.state_dict().items()},
        "batches": batches.tolist(),
        "logits": [logits.tolist() for logits, _, _ in outputs],
        "raw": [raw.tolist() for _, raw, _ in outputs],
    }
    path.write_text(json.dumps(tree) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
