"""Cross entropy over part of a large vocabulary: what makes training on a CPU a matter of hours.

With words in order of frequency, the first few thousand carry most of the softmax's sum; they count
as they are. Of the others so many are drawn anew each step, and each stands for all that were not
(importance sampling: Bengio & Sénécal 2003; sharing the draws of a batch: Jean et al. 2015,
sec. 3.2). The sum under the softmax is estimated without bias; the network is an ordinary one.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def sampled_cross_entropy(
    features: Tensor, vectors: Tensor, bias: Tensor, target: Tensor, n: int
) -> Tensor:
    """Mean cross entropy, with the n first words and n others drawn; exact if there are no more.

    Shape: features (N, d); vectors (n_words, d); bias (n_words,); target (N,) -> ().
    """
    n_others = len(vectors) - n
    if n_others <= n:
        return F.cross_entropy(F.linear(features, vectors, bias), target)
    drawn = n + torch.randperm(n_others, device=target.device)[:n]
    words = torch.cat([torch.arange(n, device=target.device), drawn])
    weight = bias.new_zeros(2 * n)
    weight[n:] = math.log(n_others / n)
    # One column more for targets that are not among the words: they count as they are as well.
    columns = target.new_full((len(vectors),), 2 * n)
    columns[words] = torch.arange(2 * n, device=target.device)
    column = columns[target]
    own = (features * F.embedding(target, vectors)).sum(1) + bias[target]  # (N,)
    rest = F.linear(
        features,
        F.pad(F.embedding(words, vectors), (0, 0, 0, 1)),
        F.pad(bias[words] + weight, (0, 1), value=-math.inf),
    )  # (N, 2 n + 1)
    logits = rest.scatter(1, column[:, None], own[:, None].to(rest.dtype))
    return F.cross_entropy(logits, column)
