"""Tiny encoders of many families with random weights, and their files as a publisher lays them."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.text.small import BAD, GOOD, THINGS, WHO
from zoo.text.models.bodies import quiet

if TYPE_CHECKING:
    from tokenizers import Tokenizer

N_PIECES = 120
WIDE = {"initializer_range": 0.5}  # so that every weight tells in the vectors
SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "vocab_size": N_PIECES,
    "max_position_embeddings": 40,
    "pad_token_id": 0,
    **WIDE,
}
AFTER_PADDING: dict[str, Any] = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
FAMILIES: dict[str, dict[str, Any]] = {
    "bert": SIZES,
    "roberta": SIZES | AFTER_PADDING,
    "distilbert": WIDE
    | {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24}
    | {"vocab_size": N_PIECES, "max_position_embeddings": 40, "pad_token_id": 0},
    "electra": SIZES | {"embedding_size": 8},
    "deberta-v2": SIZES
    | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 4}
    | {"position_biased_input": False, "norm_rel_ebd": "layer_norm", "share_att_key": True},
    "mpnet": SIZES | AFTER_PADDING,
    "modernbert": SIZES
    | {"local_attention": 4, "global_attn_every_n_layers": 2, "initializer_cutoff_factor": 4.0}
    | {"bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3},
    "xlm-roberta": SIZES | AFTER_PADDING,
}
"""Config of a tiny encoder, by family."""


def config(family: str) -> dict[str, Any]:
    return {"model_type": family, **FAMILIES[family]}


def tokenizer() -> Tokenizer:
    """Word pieces of the made-up reviews, and letters, framed as BERT's are."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    words = [word.lower() for word in (*GOOD, *BAD, *THINGS, *WHO, "found", "the")]
    letters = string.ascii_lowercase
    pieces = [*marks, *words, *letters, *map("##{}".format, letters), *".,:!"]
    numbers = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    assert len(numbers) <= N_PIECES
    made = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    made.enable_truncation(8)  # as publishers leave it
    made.enable_padding(length=8)
    return made


def write_encoder(folder: Path, family: str = "bert") -> Path:
    """The files of an encoder in the layout of sentence-transformers."""
    import torch
    from transformers import AutoConfig, AutoModel

    folder.mkdir(parents=True)
    with quiet(), torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModel.from_config(AutoConfig.for_model(family, **FAMILIES[family])).save_pretrained(
            folder
        )
    tokenizer().save(str(folder / "tokenizer.json"))
    steps = ["", "1_Pooling", "2_Normalize"]
    kinds = ["Transformer", "Pooling", "Normalize"]
    write(folder / "modules.json", [
        {"path": path, "type": f"sentence_transformers.models.{kind}"}
        for path, kind in zip(steps, kinds, strict=True)
    ])  # fmt: skip
    write(folder / "1_Pooling" / "config.json", {"pooling_mode_mean_tokens": True})
    write(folder / "sentence_bert_config.json", {"max_seq_length": 20})
    return folder


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
