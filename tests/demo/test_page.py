"""The page of `zoo demo`: built for a model of each class, and asked in a browser."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.lib import browser
from scripts.lib.demo_pages import ACTS, visit
from tests.helpers.trained import MAKERS
from zoo.demo.page import page_of

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
gradio: Any = pytest.importorskip("gradio", reason="pip install 'transfer-zoo[demo]'")


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Loops that gradio leaves open are told of here, where warnings are no errors."""
    yield
    gc.collect()


@pytest.mark.parametrize("kind", MAKERS)
def test_every_class_of_models_has_a_page_that_answers_or_says_what_is_wrong(
    kind: str, tmp_path: Path
) -> None:
    trained = MAKERS[kind](tmp_path)
    page: Any = page_of(trained.model, "a model")
    answer = next(one for one in page.fns.values() if one.fn and one.fn.__name__ == "answer")
    face, item = trained.model.interface(), trained.case.items[0]
    kinds = {field.kind for field in face.fields}
    raw: list[Any] = [str(item)]
    if kinds & {"choice", "number"}:
        raw = [one.choices.index(one.start) if one.choices else one.start for one in face.fields]
    if kinds == {"ratings"}:
        raw = [[(0, 5.0)]]
    assert answer.fn(*raw)[0]
    if kinds & {"photo", "ratings"}:
        with pytest.raises(gradio.Error, match="got no"):
            answer.fn(None)


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing())
@pytest.mark.parametrize("domain", ACTS)
def test_a_visitor_is_told_what_python_is_and_nothing_leaves_the_machine(domain: str) -> None:
    with browser.browser() as driver:
        row = visit(driver, ACTS[domain], None)
    assert row["agreement"] == 1.0
    assert row["console_errors"] == row["foreign_requests"] == 0
