"""What is checked before a change lands, by name: `nox` runs the quick ones, `nox --list` names all.

Everything runs in .venv, which tests/run.sh makes and which holds the pinned versions: nox makes no environment itself.
"""

from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "tests_quick", "docs", "build"]
PROGRAMS = Path(__file__).parent / ".venv" / "bin"


def call(session: nox.Session, program: str, *arguments: str) -> None:
    """Run a program of .venv, which is made first where it is missing."""
    if not (PROGRAMS / program).exists():
        session.run("bash", "tests/run.sh", "--version")
    session.run(str(PROGRAMS / program), *arguments)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, and which way imports point."""
    call(session, "ruff", "check", ".")
    call(session, "ruff", "format", "--check", ".")
    call(session, "lint-imports", "--no-logo", "--no-cache")


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly."""
    call(session, "mypy")


@nox.session
def tests_quick(session: nox.Session) -> None:
    """Short tests of every package; arguments after -- go to pytest."""
    session.run("bash", "tests/run.sh", "--quick", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests; arguments after -- go to tests/run.sh."""
    session.run("bash", "tests/run.sh", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation as a site, with no dead link in it."""
    call(session, "mkdocs", "build", "--strict", "--site-dir", str(Path(session.create_tmp()) / "site"))


@nox.session
def robot(session: nox.Session) -> None:
    """Adaptation where there is the wheel alone: no simulator, no MPI."""
    dist = Path(session.create_tmp())
    call(session, "python", "-m", "build", "--wheel", "--outdir", str(dist))
    session.run("bash", "tests/robot.sh", str(max(dist.glob("esmaml_mpi-*.whl"), key=lambda path: path.stat().st_mtime)))


@nox.session
def build(session: nox.Session) -> None:
    """The wheel and the source archive, in dist/."""
    call(session, "python", "-m", "build")
    call(session, "twine", "check", "--strict", *(str(path) for path in sorted(Path("dist").glob("esmaml_mpi-*"))))
