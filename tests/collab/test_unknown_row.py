from __future__ import annotations

import torch

from zoo.collab.data.rated_items import RatedItems
from zoo.collab.models.softmax import Softmax


def test_an_unknown_user_is_the_mean_of_whole_histories() -> None:
    torch.manual_seed(0)
    net = Softmax(n_users=3, n_items=4, n_factors=2, negatives=2, dropout=0.8)
    offsets, items = torch.tensor([0, 0, 2, 3, 5]), torch.tensor([1, 2, 3, 2, 4]).int()
    net.set_rated_items(RatedItems(offsets, items))
    known = torch.arange(1, 4)
    first = net.eval().users(torch.tensor([0]))[0]
    assert torch.allclose(first[0], net.users(known)[0].mean(0), atol=1e-7)
    again = net.train().eval().users(torch.tensor([0]))[0]
    assert torch.equal(first, again)
