"""What can be exported as a policy: a results file's meta-policy, what a session has adapted, a policy's archive."""

from pathlib import Path

from esmaml_mpi.config.makers import has_own_policy, make_policy
from esmaml_mpi.errors import ResultsError, UsageError
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.results.reader import read
from esmaml_mpi.results.session_file import SessionFile, SessionRecord
from esmaml_mpi.trained.from_file import chosen_iteration
from esmaml_mpi.trained.policy_card import adapted_origin, origin_of
from esmaml_mpi.trained.policy_file import is_archive, read_policy
from esmaml_mpi.trained.portable_policy import PortablePolicy
from esmaml_mpi.trained.session import Session


def find_policy(path: Path, at: str | None) -> PortablePolicy:
    """The policy of a file of any of these kinds; ``at`` is --at, of results files alone. Nothing but the file is read.

    UserError if there is none.
    """
    if is_archive(path):
        _check_no_at(path, at, "a policy")
        return read_policy(path)
    record = _session(path)
    if record is not None:
        _check_no_at(path, at, "a session")
        return _adapted(path, record)
    results = read(path)
    iteration, theta, mean, std = results.parameters(chosen_iteration(at or "last"))
    config, interface, origin = results.config, results.interface, origin_of(results, iteration)
    if not has_own_policy(config):
        raise UsageError(
            f"{path}: what acts is {config.policy.architecture!r}, trained by {config.meta.algorithm!r}, and not all "
            "of it is this program's: nothing is imported to export it. MetaPolicy(results, trust=True) acts with it."
        )
    return PortablePolicy.of(make_policy(config, interface), theta, Observer(mean, std), interface, origin)


def _check_no_at(path: Path, at: str | None, kind: str) -> None:
    if at is not None:
        raise UsageError(f"--at {at}: {path} is {kind}, which has no iterations; leave --at out.")


def _session(path: Path) -> SessionRecord | None:
    """What a session's file holds; None if it is none."""
    try:
        return SessionFile(path).read()
    except ResultsError:  # whatever it is, what reads results says what is wrong with it
        return None


def _adapted(path: Path, record: SessionRecord) -> PortablePolicy:
    """The best policy of a session so far; its file stays as it is."""
    if not record.config.is_opened:
        raise UsageError(
            f"{path}: it adapts by {record.config.adaptation.operator!r}. Not all of that code is this program's, and "
            f"an export imports no other. `esmaml adapt --session {path} --trust` writes a policy of its own."
        )
    session = Session(SessionFile(path), record)
    return PortablePolicy.of(session.policy, session.best, session.observer, record.interface, adapted_origin(record))
