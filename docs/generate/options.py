"""A MkDocs hook: the name of an option, as `--set`, stays on one line; browsers would break it after its dashes."""

import re

CODE = re.compile(r"<code>([^<]*)</code>")
OPTION = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")


def on_page_content(html, page, config, files):
    """Mark the options in the code of running text and tables."""
    return CODE.sub(lambda code: f"<code>{OPTION.sub(_kept, code[1])}</code>", html)


def _kept(option: re.Match) -> str:
    return f'<span class="option">{option[0]}</span>'
