"""Store tokens by fastai's own rules, for the test that ours are the same.

Needs fastai 2.8 and spaCy in the Python that runs it; the texts are made up for what is rare.

    python scripts/text_tokens.py tests/text/fastai_tokens.json
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

TEXTS = [
    "",
    "   ",
    "Plain words, nothing more.",
    "I am HERE, You said. It's GREAT!!!! Isn't IT? A B2B deal; NASA's O.K.",
    "iPhone McDonald's ÉCOLE École Ünder straße ΣΊΣΥΦΟΣ ΟΔΟΣ. İstanbul",
    "no no no no! ha ha ha, no no. well well well well",
    "word word\nword and and and\tand end end end",
    "soooo goooood!!! ------ **** ..... .... ...",
    "cccc 1000000 aaa-bbb xxxx x xxx",
    "<br /><br />New line.<br />Another&nbsp;one &amp; more &lt;b&gt; #39;t quot;so quot; #36;5",
    "and/or either / or C# #hashtag a\\b http://www.example.com/a/b?c=d&e=f me@example.com",
    "line one\nline two\n\nline four \n five\n six \n\n seven\r\neight\tnine",
    "\n/slash after a line\n#hash \n/ both\n---- rule",
    "two  spaces   three\u00a0nbsp \u00a0 both\u2003em\u2003 em",
    "The <unk> of 1 @.@ 5 million @-@ dollar = = Title = = 's n't",
    "don't can't won't we've they'd've e.g. i.e. Mr. Smith vs. U.S. a.m. 5pm 10km $5.00 50%",
    ":) :-( :-) (: ;) <3 :'( hello:) :)) (:) :-/ xD ¯\\_(ツ)_/¯ hello:-( (",
    "\"Quoted 'inner' text\" — dash–dash - hyphen-ated... ( parens ) [x]",  # noqa: RUF001
    "xxbos xxmaj xxunk XXUP the xxrep tokens themselves",
    "ALL CAPS SENTENCE WITH NUMBERS 123 AND ABC123 A-B C/D",
    "Äpfel ÄPFEL Ärger-Über Ça va? ¿Qué? 你好世界 これは (日本語) 🙂🙂🙂 👍🏽",
    "a" * 40 + " " + "ab" * 30,
    'He said \\"yes\\" and \\n left',
    " leading and trailing \n",
    "Very Very Very Good, VERY VERY VERY bad",
    "1. First\n2. Second\n\n\n\n3. Fourth   \n",
]


def main(path: Path) -> None:
    """Write texts, tokens and versions."""
    from fastai.text.core import SpacyTokenizer, TokenizeWithRules

    cut = TokenizeWithRules(SpacyTokenizer("en"))
    examples = [{"text": text, "tokens": list(next(iter(cut([text]))))} for text in TEXTS]
    made_by = {name: version(name) for name in ("fastai", "spacy")}
    tree = {"made_by": made_by, "examples": examples}
    path.write_text(json.dumps(tree, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
