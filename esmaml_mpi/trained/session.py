"""A session: an adaptation whose every reward is safe in a file, for Python and for the ``adapt`` command alike."""

from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import TracebackType

import numpy as np

from esmaml_mpi.adaptation.ask_tell import Adaptation
from esmaml_mpi.adaptation.confidence import Confidence
from esmaml_mpi.config.makers import make_operator, make_policy
from esmaml_mpi.directions import make_sampler
from esmaml_mpi.errors import ResultsError, UsageError
from esmaml_mpi.observations.observer import Observer
from esmaml_mpi.policies.contract import AnyPolicy
from esmaml_mpi.reproducibility.randomness import Phase, Round
from esmaml_mpi.results.reader import Results, read
from esmaml_mpi.results.session_file import ROBOT, SessionFile, SessionRecord
from esmaml_mpi.settings.fields import show
from esmaml_mpi.trained.from_file import check_seed, trained_of
from esmaml_mpi.trained.policy_card import adapted_origin
from esmaml_mpi.trained.policy_file import write_policy

LONGEST_NOTE = 1000  # characters


@dataclass(frozen=True)
class Trial:
    """One line of a history: ``number`` from 1, ``reward``, -inf if it has failed or was skipped, ``note``."""

    number: int
    reward: float
    note: str = ""


class Session:
    """``ask`` for parameters (d,), try them, ``tell`` their reward, until ``done``.

    Whatever is told is in the file when ``tell`` returns, whole: a kill or a power cut at any moment loses at most the
    trial under way, and ``Session.open`` goes on bit for bit. So do ``undo``, ``skip`` and ``note``. The file is this
    session's alone until ``close``, or the end of a ``with`` block.
    """

    def __init__(self, file: SessionFile, record: SessionRecord):
        """Use ``open`` or ``create``. ``file`` is locked."""
        self._file, self._record = file, record
        self.policy: AnyPolicy = make_policy(record.config, record.interface)
        self._adaptation = self._made()
        self.observer = Observer(record.mean, record.std)

    @classmethod
    def open(cls, path: str | PathLike[str], trust: bool = False) -> "Session":
        """Go on with the session in a file, of ``create`` or of the command. UserError if there is none, if it is not
        whole, or if another process has it. ``trust``: an operator of somebody's own that it names may be imported.
        """
        with SessionFile(path) as file:
            record = file.read()
            session = cls(file, record.trusted(file.path) if trust else record)
            file.keep()
        return session

    @classmethod
    def create(
        cls,
        path: str | PathLike[str],
        results: Results | str | PathLike[str],
        at: str | int = "last",
        overrides: Iterable[str] = (),
        seed: int = 0,
        trust: bool = False,
    ) -> "Session":
        """Begin a session with the meta-policy of ``results``, or of a results file: nothing else is needed.

        ``at``, ``overrides`` and ``trust`` are those of MetaPolicy; ``seed`` keys the random directions. UserError if
        the file exists, or if something is refused; nothing is left behind then.
        """
        with SessionFile(path) as file:
            if file.exists:
                raise UsageError(f"session {file.path} exists; Session.open goes on with it.")
            session = cls(file, begun(results, at, overrides, seed, trust=trust))
            file.write(session._record)
            session._record.config.remember()
            file.keep()
        return session

    def close(self) -> None:
        """Leave the file to others. What was told is in it."""
        self._file.release()

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """Its file."""
        return self._file.path

    @property
    def record(self) -> SessionRecord:
        """What the file holds; do not change it."""
        return self._record

    @property
    def adaptation(self) -> Adaptation:
        """The adaptation as it stands; tell it nothing, tell the session."""
        return self._adaptation

    @property
    def done(self) -> bool:
        """Whether there is nothing more to try."""
        return self._adaptation.done

    @property
    def trials(self) -> int:
        """How many rewards have been told."""
        return self._adaptation.trials

    @property
    def total(self) -> int:
        """How many it takes."""
        return self._adaptation.total

    @property
    def best(self) -> np.ndarray:
        """The parameters (d,) to use if it ended now; see ``Adaptation.best``."""
        return self._adaptation.best

    @property
    def best_reward(self) -> float:
        """The highest single reward so far; -inf if there is none."""
        return max(self._record.rewards, default=-np.inf)

    @property
    def confidence(self) -> Confidence:
        """What rewards say of the best policy tried and of ``best``, the operator's pivot, if rewards are noisy."""
        return self._adaptation.confidence

    @property
    def noise_advice(self) -> str:
        """What to do if rewards are noisy and the operator takes them at their word; else empty."""
        advice: str = getattr(self._adaptation.operator, "noise_advice", "")
        return advice

    @property
    def history(self) -> list[Trial]:
        """The trials told, in order."""
        notes = self._record.notes
        return [Trial(i, reward, notes.get(i, "")) for i, reward in enumerate(self._record.rewards, start=1)]

    @property
    def note_under_way(self) -> str:
        """What was noted of the trial that is asked for now."""
        return self._record.notes.get(self.trials + 1, "")

    def ask(self) -> np.ndarray:
        """Parameters (d,) to try next; the same ones until their reward is told. UsageError when done."""
        return self._adaptation.ask()

    def tell(self, reward: float, note: str = "") -> None:
        """The reward of the parameters last asked for; it is in the file afterwards. UsageError, and nothing happens,
        if it is none; ResultsError, and nothing happens, if it cannot be written.
        """
        notes = self._noted(note)
        try:
            self._adaptation.tell(reward)
        except BaseException:
            self._adaptation = self._made()
            raise
        self._keep(self._adaptation.rewards, notes)

    def skip(self, note: str = "") -> None:
        """Go on without a reward, as of a robot that fell. UsageError for operators that need every reward."""
        self.tell(np.nan, note)

    def note(self, text: str) -> None:
        """Write down a remark on the trial under way, behind those that it has."""
        self._keep(self._record.rewards, self._noted(text))

    def undo(self) -> Trial:
        """Take the last reward back with the notes of its trial, and give both; the same trial is asked for again.

        UsageError if there is none.
        """
        if not self.trials:
            raise UsageError(f"session {self.path} has no reward to take back.")
        last = self.history[-1]
        notes = {trial: text for trial, text in self._record.notes.items() if trial != last.number}
        self._keep(self._record.rewards[:-1], notes)
        self._adaptation = self._made()
        return last

    def write_trial(self, path: Path) -> None:
        """Write the policy to try next as a file for other programs, with the number of its trial."""
        self._write(path, self.ask(), self.trials + 1)

    def write_best(self, path: Path) -> None:
        """Write the policy ``best`` likewise, with 0 for a trial."""
        self._write(path, self.best, 0)

    def _write(self, path: Path, parameters: np.ndarray, trial: int) -> None:
        record = self._record
        origin = adapted_origin(record)
        write_policy(path, self.policy, parameters, self.observer, trial, record.interface, origin)

    def _made(self) -> Adaptation:
        """The adaptation that the record describes."""
        record = self._record
        record.config = record.config.opened("adaptation")  # as it was read from a file, its operator has not been
        settings = record.config.adaptation
        operator = make_operator(record.config)
        if hasattr(operator, "check_dimension"):  # so that what is missing is said before a trial, not behind the last
            operator.check_dimension(self.policy.size)
        if record.task == ROBOT and settings.draws == "by_task":
            raise UsageError(
                f"session {self.path}: adaptation.draws = 'by_task' repeats what training drew for a task, and a robot "
                "is none of its tasks; 'fresh' is wanted, or a policy that was trained with 'fixed'."
            )
        if len(record.rewards) > operator.rollouts:
            raise ResultsError(
                f"session {self.path} has {len(record.rewards)} rewards, more than its adaptation takes."
            )
        return Adaptation(
            operator,
            record.theta,
            record.seed,
            record.rewards,
            sampler=make_sampler(settings.directions, settings.direction_options, "adaptation"),
            subspace=record.subspace,
            at=Round(Phase.EVALUATE, record.iteration),
            task=max(record.task, 0),
            policy=self.policy,
            draws=settings.draws,
        )

    def _keep(self, rewards: list[float], notes: dict[int, str]) -> None:
        """Write these, or leave everything as it was."""
        if not self._file.held:
            self._adaptation = self._made()
            raise UsageError(f"session {self.path} is closed; Session.open goes on with it.")
        before = self._record.rewards, self._record.notes
        self._record.rewards, self._record.notes = list(rewards), notes
        try:
            self._file.write(self._record)
        except BaseException:
            self._record.rewards, self._record.notes = before
            self._adaptation = self._made()
            raise

    def _noted(self, text: str) -> dict[int, str]:
        """The notes with ``text`` behind those of the trial under way."""
        if not isinstance(text, str) or len(text) > LONGEST_NOTE:
            raise UsageError(f"note {show(text)}: a text of at most {LONGEST_NOTE} characters is wanted.")
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        if not text:
            return self._record.notes
        return {**self._record.notes, self.trials + 1: "; ".join(filter(None, (self.note_under_way, text)))}


def begun(
    results: Results | str | PathLike[str],
    at: str | int,
    overrides: Iterable[str],
    seed: int,
    task: int = ROBOT,
    trust: bool = False,
) -> SessionRecord:
    """What a new session is made from: a results file alone. UserError if something is refused."""
    if not isinstance(results, Results):
        results = read(results)
    trained = trained_of(results, at, overrides, trust)
    check_seed(seed)
    return SessionRecord(
        trained.config,
        trained.theta,
        trained.observer.mean,
        trained.observer.std,
        seed,
        str(results.path or "a run in memory"),
        trained.iteration,
        trained.interface,
        task,
        subspace=trained.subspace,
    )
