"""From a model's interface to a page: gradio's components for each kind of field and of reply.

Nothing here knows photos, texts, tables or ratings; see `zoo.core.interface`. The page comes from
the machine that runs the model, whole: its fonts are those of the visitor's system.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from zoo.core.explanation import Explanation
from zoo.core.interface import Field, Interface, Part, Reply
from zoo.core.model import Model
from zoo.demo.ratings import ratings_form

if TYPE_CHECKING:
    import gradio

LONGEST: Final = 20_000  # characters of a text
SHOWN: Final = 5  # likeliest classes
PARTS: Final[tuple[Part, ...]] = ("shares", "picture", "table", "html")
MISTAKES: Final = (ValueError, OSError, ArithmeticError, NotImplementedError)


def require_gradio() -> Any:
    """The package gradio.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        import gradio
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"gradio must be installed to show a model in the browser, got no {error.name!r}. Run "
            "pip install 'transfer-zoo[demo]'."
        ) from None
    return gradio


def page_of(model: Model[Any, Any], name: str) -> gradio.Blocks:
    """A page that asks a model.

    Args:
        model: any model of the library.
        name: its name, for the title.

    Raises:
        ModuleNotFoundError: gradio is not installed.
    """
    gr, interface = require_gradio(), model.interface()
    with gr.Blocks(title=name, analytics_enabled=False) as page:
        gr.Markdown(f"# {name}\n\n`{model!r}`")
        with gr.Row():
            with gr.Column():
                with gr.Row() if len(interface.fields) > 2 else gr.Column():
                    inputs = [_component(field) for field in interface.fields]
                button = gr.Button("Answer", variant="primary", elem_id="answer")
            with gr.Column():
                headline = gr.Textbox(label="Answer", elem_id="headline", interactive=False)
                outputs = [_output(part) for part in PARTS if part in interface.parts]
                reason = gr.HTML(elem_id="reason") if interface.explain else None
        with gr.Accordion("The model's card", open=False):
            gr.Markdown(model.card(name).rpartition("---\n")[2])
        _connect(interface, button, inputs, [headline, *outputs], reason)
    shown: gradio.Blocks = page
    return shown


def _connect(
    interface: Interface, button: Any, inputs: Sequence[Any], outputs: Sequence[Any], reason: Any
) -> None:
    """Have the button, and a dropped photo or a sent text, answer and then explain."""
    parts = [part for part in PARTS if part in interface.parts]

    def answer(*values: Any) -> list[Any]:
        reply: Reply = _told(interface.answer, interface.fields, values)
        return [reply.headline, *(_content(reply, part) for part in parts)]

    def explain(*values: Any) -> str:
        assert interface.explain is not None
        found: Explanation[Any] = _told(interface.explain, interface.fields, values)
        return found.html()

    starts = [button.click]
    if len(interface.fields) == 1:
        starts += [
            getattr(inputs[0], event) for event in ("upload", "submit") if hasattr(inputs[0], event)
        ]
    for start in starts:
        done = start(answer, [*inputs], [*outputs])
        if reason is not None:
            done.success(explain, [*inputs], [reason])


def _component(field: Field) -> Any:
    """What a visitor fills in."""
    gr, label = require_gradio(), field.name
    if field.kind == "photo":
        return gr.Image(
            label=label, type="filepath", image_mode=None, sources=["upload", "clipboard"]
        )
    if field.kind == "text":
        return gr.Textbox(label=label, lines=5, max_length=LONGEST, submit_btn=True)
    if field.kind == "choice":
        places = [*zip(field.shown, range(len(field.choices)), strict=True)]
        start = field.choices.index(field.start) if field.start in field.choices else None
        return gr.Dropdown([("", -1), *places], label=label, value=start)
    if field.kind == "ratings":
        return ratings_form(gr, field)
    info = field.unit
    if field.usual is not None:
        info = f"{info} usually {field.usual[0]:g} to {field.usual[1]:g}".strip()
    if field.kind == "date":
        return gr.Textbox(label=label, info="year-month-day", value=field.start, max_length=30)
    return gr.Number(label=label, info=info, value=field.start)


def _output(part: Part) -> Any:
    """What shows a part of a reply."""
    gr = require_gradio()
    if part == "shares":
        return gr.Label(label="How likely", num_top_classes=SHOWN, elem_id="shares")
    if part == "picture":
        return gr.Image(label="Picture", format="png", interactive=False, elem_id="picture")
    if part == "table":
        return gr.Dataframe(label="List", interactive=False, elem_id="table")
    return gr.HTML(elem_id="html")


def _content(reply: Reply, part: Part) -> Any:
    """A part of a reply as its component takes it."""
    value = getattr(reply, part)
    return dict(value) if part == "shares" else value


def _told(act: Callable[..., Any], fields: Sequence[Field], values: Sequence[Any]) -> Any:
    """What a function says of a visitor's input; a mistake is told in the library's sentence.

    Raises:
        gradio.Error: the input is none that the model takes.
    """
    gr = require_gradio()
    try:
        return act(*_values(fields, values))
    except MISTAKES as error:
        raise gr.Error(str(error), print_exception=False) from None


def _values(fields: Sequence[Field], raw: Sequence[Any]) -> list[Any]:
    """The values of fields, from those of the components.

    Raises:
        ValueError: there is no photo, or no rating.
    """
    values = []
    for field, value in zip(fields, raw, strict=True):
        if field.kind in ("photo", "ratings") and not value:
            raise ValueError(f"an answer must be about something, got no {field.name}. Give one.")
        if field.kind == "choice":
            value = field.choices[value] if value is not None and value >= 0 else None
        elif field.kind == "ratings":
            value = {field.choices[place]: rating for place, rating in value}
        elif field.kind == "text":
            value = value or ""
        values.append(value)
    return values
