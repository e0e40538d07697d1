"""The maps of a forward are its own, whoever else passes through the body."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from tests.vision.small import TINY
from zoo.vision.unet.network import UNet, build_unet

N_THREADS, N_PASSES = 8, 5


def network() -> UNet:
    return build_unet(TINY, 3, pretrained=False, shape=(32, 32)).eval()


def test_threads_that_share_a_network_never_meet_in_it() -> None:
    model = network()
    photos = [torch.randn(1, 3, 32, 32) for _ in range(N_THREADS)]

    @torch.no_grad()
    def drawn(photo: Tensor) -> list[Tensor]:
        return [model(photo) for _ in range(N_PASSES)]

    alone = [drawn(photo)[0] for photo in photos]
    with ThreadPoolExecutor(N_THREADS) as pool:
        found = list(pool.map(drawn, photos))
    for one, several in zip(alone, found, strict=True):
        assert all(torch.equal(one, other) for other in several)


def test_a_network_that_has_drawn_can_be_copied() -> None:
    model, photo = network().requires_grad_(False), torch.randn(1, 3, 32, 32)
    before = model(photo)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(twin(photo), before)
        assert twin.state_dict().keys() == model.state_dict().keys()
