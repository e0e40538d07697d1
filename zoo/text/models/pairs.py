"""Pairs of texts as an encoder reads them: a frame around both, and a type for each piece.

A frame is what the tokenizer's post-processor makes of any pair: pieces and their types, and where
both texts stand among them. Of BERT it is `[CLS] first [SEP]` of type 0, `second [SEP]` of type 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zoo.text.data.pieces import FIRST, SIDE
from zoo.text.data.rules import FIELD_ID

Frame = Sequence[Sequence[int]]
"""Number and type of each piece; in place of numbers, `SIDE` of the first text and the second."""


def cut(tokens: Tensor, lengths: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Pairs of at most so many numbers: what is too much is the end of the longer text.

    As `truncation="longest_first"` of the library tokenizers: where both are long, each has half.

    Shape: (B, T), (B,) -> (B, T'), (B,). Lengths stay on their device.

    >>> pair = torch.tensor([[11, 12, FIELD_ID, 21, 22, 23]])
    >>> cut(pair, torch.tensor([6]), 4)[0].tolist() == [[11, FIELD_ID, 21, 22]]
    True
    """
    if not len(lengths) or int(lengths.max()) <= most:
        return tokens, lengths
    half = (most - 1) // 2
    places = torch.arange(most, device=tokens.device)
    first = _field(tokens)
    second = lengths.to(tokens.device)[:, None] - 1 - first
    shorter_second = most - 1 - second.clamp(max=half)
    kept = torch.where(first <= second, first.clamp(max=half), torch.minimum(first, shorter_second))
    sources = torch.where(places < kept, places, places - kept + first)
    return tokens.gather(1, sources.clamp(max=tokens.shape[1] - 1)), lengths.clamp(max=most)


def framed(tokens: Tensor, sizes: Tensor, frame: Frame, pad: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pieces of pairs as the encoder reads them, how many, and the type of each.

    Args:
        tokens: pairs, as batches have them. Shape: (B, T)
        sizes: numbers of each, on the device of the tokens. Shape: (B,)
        frame: see `Frame`.
        pad: the piece that fills up.

    Shape: (B, L), (B,), (B, L).
    """
    first = _field(tokens)
    size_of = {SIDE: first, SIDE - 1: sizes[:, None] - 1 - first}
    start_of: dict[int, Tensor | int] = {SIDE: 0, SIDE - 1: first + 1}
    width = tokens.shape[1] - 1 + sum(piece >= 0 for piece, _ in frame)
    places = torch.arange(width, device=tokens.device)
    pieces = torch.full((len(tokens), width), pad, device=tokens.device)
    types, begin = torch.zeros_like(pieces), torch.zeros_like(first)
    for piece, kind in frame:
        size: Tensor | int = size_of.get(piece, 1)
        inside = (places >= begin) & (places < begin + size)
        own: Tensor | int = piece
        if piece in start_of:
            sources = (places - begin + start_of[piece]).clamp(0, tokens.shape[1] - 1)
            own = tokens.gather(1, sources) - FIRST
        pieces, types = torch.where(inside, own, pieces), torch.where(inside, kind, types)
        begin = begin + size
    return pieces, begin[:, 0], types


def _field(tokens: Tensor) -> Tensor:
    """Where the mark between both texts stands. Shape: (B, T) -> (B, 1)"""
    return (tokens == FIELD_ID).int().argmax(1, keepdim=True)
