"""The form of a visitor who rates items: choose one, say how good it is, add it to the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from zoo.core.interface import Field

if TYPE_CHECKING:
    import gradio

STEPS: Final = 8  # of a scale, so that one of five stars has halves
MOST: Final = 10_000  # items to choose from

Rated = list[tuple[int, float]]
"""Places of items among the choices, and their ratings."""


def ratings_form(gr: Any, field: Field) -> gradio.State:
    """The components of a visitor's ratings; the state holds `Rated`.

    Args:
        gr: the package gradio.
        field: items and the scale of ratings.
    """
    names, (low, high) = field.shown, field.usual or (0.0, 1.0)
    rated: gradio.State = gr.State([])
    places = [*zip(names[:MOST], range(MOST), strict=False)]
    item = gr.Dropdown(places, label="Item", value=None, elem_id="item")
    step, is_rated = (high - low) / STEPS, field.usual is not None
    slider: dict[str, Any] = {"step": step, "value": high, "visible": is_rated}
    rating = gr.Slider(low, high, label="Rating", elem_id="rating", **slider)
    with gr.Row():
        add = gr.Button("Add", elem_id="add")
        clear = gr.Button("Begin anew")
    table = gr.Dataframe(
        headers=["item", "rating"], label="Your ratings", interactive=False, elem_id="rated"
    )

    def added(rated: Rated, item: int | None, rating: float) -> tuple[Rated, list[list[Any]]]:
        if item is not None:
            rated = [*(one for one in rated if one[0] != item), (item, rating)]
        return rated, [[names[place], stars] for place, stars in rated]

    add.click(added, [rated, item, rating], [rated, table])
    clear.click(lambda: ([], []), None, [rated, table])
    return rated
