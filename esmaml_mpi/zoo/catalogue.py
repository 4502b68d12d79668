"""What is in the zoo: ``models/catalogue.json`` says of each results file beside it what it is and what it scores."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from esmaml_mpi.errors import ResultsError, UsageError
from esmaml_mpi.settings.fields import show

MODELS = Path(__file__).parent / "models"
LIST = MODELS / "catalogue.json"
LARGEST = 350_000  # bytes of a model's file


@dataclass(frozen=True)
class Scores:
    """Mean returns over ``tasks`` and ``repeats`` adaptations of each, with the ``seed`` of the evaluation.

    ``before_error`` and ``after_error`` are standard errors of these means over repeats; ``digest`` is the SHA-256 of
    all returns, by which the same bits are known.
    """

    before: float
    after: float
    before_error: float
    after_error: float
    tasks: list[int]
    repeats: int
    seed: int
    digest: str


@dataclass(frozen=True)
class Model:
    """One meta-policy: its ``name``, what it is ``about``, ``sha256`` of its file, and its stated ``scores``.

    ``exact``: its task's arithmetic is this package's own, so that the scores are the same bits anywhere; otherwise
    libraries compute it, and scores agree within an interval.
    """

    name: str
    about: str
    family: str
    parameters: int
    iteration: int
    seed: int
    exact: bool
    sha256: str
    scores: Scores

    @property
    def path(self) -> Path:
        """Its results file."""
        return MODELS / f"{self.name}.h5"

    def content(self) -> bytes:
        """Its results file, whole; ResultsError if it is not the one that the scores are of."""
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise ResultsError(
                f"cannot read {self.path}: {error.strerror or error}. Install the package again."
            ) from error
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ResultsError(
                f"{self.path} is not the file of the catalogue (its checksum differs). Install the package again."
            )
        return content


def catalogue() -> list[Model]:
    """All models, by name."""
    rows = json.loads(LIST.read_text(encoding="utf-8")) if LIST.exists() else []
    return [Model(**{**row, "scores": Scores(**row["scores"])}) for row in rows]


def find(name: str) -> Model:
    """The model of this name; UsageError, which names those that there are, if there is none."""
    models = {model.name: model for model in catalogue()}
    if name not in models:
        raise UsageError(f"zoo: {show(name)} is not in it; it has {', '.join(models)}.")
    return models[name]


def enter(model: Model) -> None:
    """Put a model into the catalogue, in place of an earlier one of its name."""
    models = sorted([model, *(each for each in catalogue() if each.name != model.name)], key=lambda each: each.name)
    LIST.write_text(json.dumps([asdict(each) for each in models], indent=1) + "\n", encoding="utf-8")
