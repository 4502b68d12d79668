"""A MkDocs hook: what pages link to outside of docs/ becomes part of the site.

Pages link to source files by relative paths, as ../esmaml_mpi/errors.py, which a forge follows. In the site such a file
is a page of its own with its text. A link to a file that does not exist stays, and a strict build fails on it.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File, InclusionLevel

LINK = re.compile(r"\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)")
LANGUAGES = {".py": "python", ".toml": "toml", ".sh": "bash", ".slurm": "bash", ".def": "singularity"}


def on_files(files, config):
    """Add a page for every file that is linked to."""
    docs = Path(config.docs_dir)
    for page in list(files.documentation_pages()):
        for match in LINK.finditer(page.content_string):
            path = _target(page.src_uri, match[1])
            if path and (docs.parent / path).is_file() and files.get_file_from_path(_page(path)) is None:
                text = (docs.parent / path).read_text(encoding="utf-8")
                language = LANGUAGES.get(Path(path).suffix, "text")
                content = f"# {path}\n\n````{language}\n{text}\n````\n"
                level = InclusionLevel.NOT_IN_NAV  # on purpose: no warning
                files.append(File.generated(config, _page(path), content=content, inclusion=level))
    return files


def on_page_markdown(markdown, page, config, files):
    """Let the links lead to these pages."""

    def lead(match):
        path = _target(page.file.src_uri, match[1])
        if not path or files.get_file_from_path(_page(path)) is None:
            return match[0]
        return f"]({posixpath.relpath(_page(path), posixpath.dirname(page.file.src_uri) or '.')}{match[2] or ''})"

    return LINK.sub(lead, markdown)


def _target(page: str, link: str) -> str | None:
    """The linked file's path in the repository, None if it is in docs/."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))
    return None if path.startswith(("docs/", "..")) else path


def _page(path: str) -> str:
    return f"source/{path}.md"
