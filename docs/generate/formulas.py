"""A MkDocs hook: formulas become MathML, which browsers draw without a script or a font from elsewhere.

Pages write LaTeX as a forge reads it: a block with the language math, or $`...`$ within a line.
"""

import re

from mkdocs.exceptions import PluginError

BLOCK = re.compile(r"^```math\n(.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"\$`([^`\n]+)`\$")


def on_page_markdown(markdown, page, config, files):
    """Put the formulas in."""
    markdown = BLOCK.sub(lambda match: f'<div class="formula">{mathml(match[1], "block")}</div>', markdown)
    # Markdown would take a line that begins with <math> for a block.
    return INLINE.sub(lambda match: f'<span class="formula">{mathml(match[1], "inline")}</span>', markdown)


def mathml(latex: str, display: str) -> str:
    """A formula on one line; PluginError if it cannot be read."""
    try:
        from latex2mathml.converter import convert
    except ImportError as error:
        raise PluginError('formulas need latex2mathml: pip install -e ".[docs]"') from error
    if latex.count("{") != latex.count("}"):  # the converter takes it for something else
        raise PluginError(f"a formula cannot be read: {latex}")
    try:
        made: str = convert(" ".join(latex.split()), display=display)
    except Exception as error:
        raise PluginError(f"a formula cannot be read: {latex}") from error
    # In a text within a formula Markdown would read these as its own: a bar ends a cell.
    return made.replace("|", "&#x7C;").replace("_", "&#x5F;").replace("*", "&#x2A;")
