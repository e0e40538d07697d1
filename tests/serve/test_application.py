"""A model over HTTP, asked by FastAPI's own client; nothing that is sent ends the server."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import zoo
from tests.collab import small as collab
from tests.stored.artifacts import FORMAT_1, unpacked
from tests.tabular import small as tabular
from zoo.serve import Limits
from zoo.serve.batching import Batcher, Busy

pytest.importorskip("fastapi", reason="pip install 'transfer-zoo[serve]'")
pytest.importorskip("prometheus_client", reason="pip install 'transfer-zoo[serve]'")

from fastapi.testclient import TestClient

from zoo.serve import application

pytestmark = pytest.mark.filterwarnings("ignore:categories must be known:UserWarning")


def test_a_row_gets_the_models_answer_and_a_mistake_its_sentence() -> None:
    model, row = tabular.train(epochs=1), {"colour": "red", "store": 3, "age": 41, "income": None}
    with TestClient(application(model, Limits(kilobytes=1))) as client:
        said = client.post("/predict", json=row)
        assert said.status_code == 200
        shares = model.probabilities(row)
        assert said.json()["probabilities"] == pytest.approx(shares)
        assert said.json()["label"] == model.predict(row)
        for body, status, sentence in (
            (json.dumps(row | {"age": "old"}), 422, "column 'age' must hold numbers, got 'old'"),
            (json.dumps({"colour": "red"}), 422, "store"),
            ('{"age": 1' + "0" * 400 + "}", 422, "store"),
            ("[" * 900, 422, "a request must be JSON, got"),
            ("\\ud800", 422, "a request must be JSON"),
            ("[]", 422, "a request must be a JSON object, got a list"),
            (json.dumps(row | {"x": "y" * 2000}), 413, "must have 0.001 MB or less"),
        ):
            said = client.post("/predict", content=body.encode())
            assert (said.status_code, sentence in said.json()["error"]) == (status, True)
            assert "Traceback" not in said.text
        assert client.get("/health").json() == {"status": "ok"}
        assert 'zoo_requests_total{path="/predict",status="422"} 6.0' in client.get("/metrics").text
        assert client.get("/nowhere").status_code == 404
        described = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
    columns = described["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert set(columns) == set(model.spec.inputs)


def test_photos_come_as_bytes(tmp_path: Any) -> None:
    model = zoo.load(unpacked(FORMAT_1, tmp_path / "model"))
    photo = next(one for one in FORMAT_1.glob("*.png"))
    with TestClient(application(model, Limits(megapixels=0.1))) as client:
        said = client.post("/predict", content=photo.read_bytes()).json()
        assert said["label"] == model.predict(photo).label
        small = TestClient(application(model, Limits(megapixels=1e-6)))
        said = small.post("/predict", content=photo.read_bytes()).json()
        assert "million pixels or fewer" in said["error"]
        for body in (b"", b"no photo", photo.read_bytes()[:60]):
            assert client.post("/predict", content=body).status_code == 422


def test_ratings_and_lists() -> None:
    model = collab.train(epochs=1)
    with TestClient(application(model)) as client:
        said = client.post("/predict", json={"user": "u01", "item": 30}).json()
        assert said["value"] == pytest.approx(model.predict("u01", 30))
        said = client.post("/recommend", json={"ratings": {"30": 5, "100": 1}, "k": 3}).json()
        best = model.fold_in({30: 5, 100: 1}).recommend(3)
        assert [one["item"] for one in said["items"]] == best["item"].tolist()
        for wish in ({"ratings": {"30": "x"}}, {"user": [1]}, {"user": "nobody"}, {"k": 0}):
            assert client.post("/recommend", json=wish).status_code == 422


def test_who_comes_together_is_answered_together_and_one_mistake_is_ones_own() -> None:
    sizes: list[int] = []
    held = threading.Event()

    def answer(inputs: Any) -> list[int]:
        held.wait(5)
        return [10 // one for one in inputs]  # of 0 an error

    async def visit() -> list[Any]:
        pool = ThreadPoolExecutor(1)
        batcher = Batcher(answer, pool, most=3, waiting=5, told=sizes.append)
        asked = [asyncio.create_task(batcher.ask(one)) for one in (1, 2, 0, 5, 5, 5)]
        await asyncio.sleep(0.05)
        with pytest.raises(Busy, match="got 5 inputs"):
            await asyncio.gather(*(batcher.ask(1) for _ in range(9)))
        held.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    first, second, wrong, *others = asyncio.run(visit())
    assert (first, second, others[:1]) == (10, 5, [2])
    assert isinstance(wrong, ZeroDivisionError)
    assert max(sizes) == 3
