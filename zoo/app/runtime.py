"""The program that runs ONNX files in a browser: onnxruntime-web, of one pinned version.

It is 14 MB and none of this library's, so that whoever makes an app names a folder of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

VERSION: Final = "1.30.0"
PACKAGE: Final = f"onnxruntime-web@{VERSION}"
BUNDLE, WASM = "dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm"
SHA256: Final = {
    BUNDLE: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    WASM: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
NOTICE: Final = f"""\
This page contains ONNX Runtime Web {VERSION}, Copyright (c) Microsoft Corporation, under the
MIT License:

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


@dataclass(frozen=True)
class Runtime:
    """What a page needs of onnxruntime-web.

    Attributes:
        bundle: the program in JavaScript.
        wasm: the operators in WebAssembly.
    """

    bundle: bytes = field(repr=False)
    wasm: bytes = field(repr=False)


def read_runtime(folder: Path | None) -> Runtime:
    """The files of an unpacked package.

    Args:
        folder: what `npm pack` has made, unpacked; None stands for none.

    Raises:
        FileNotFoundError: no folder is named, or the files are not there.
        ValueError: they are of another version, or changed.
    """
    way_out = (
        f"Run npm pack {PACKAGE} && tar xzf onnxruntime-web-{VERSION}.tgz, and name the folder "
        "that makes: --runtime package."
    )
    if folder is None:
        raise FileNotFoundError(f"an app must contain {PACKAGE}, got no runtime. {way_out}")
    contents = {}
    for name, expected in SHA256.items():
        place = folder / name
        if not place.is_file():
            raise FileNotFoundError(f"a runtime must have {name}, got none in {folder}. {way_out}")
        contents[name] = place.read_bytes()
        if (found := hashlib.sha256(contents[name]).hexdigest()) != expected:
            raise ValueError(
                f"{place} must be that of {PACKAGE}, SHA-256 {expected:.12}..., got "
                f"{found:.12}.... {way_out}"
            )
    return Runtime(contents[BUNDLE], contents[WASM])
