"""What an experiment is: typed sections, read from TOML with overrides, validated before any rank starts work.

Defaults are the paper's (Song et al. 2020, appendix): 150 + 150 evaluations, sigma 0.1 / 0.1, steps 0.01 / 0.05, K =
20, width 32, forward finite differences, tasks (50, 5, 5) or (N, N, N).
"""

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from esmaml_mpi.errors import ConfigError
from esmaml_mpi.settings import WORD, allowed, parse, setting, show, unknown

MOST_BYTES = 2**24  # of a configuration file: no more is read of something that is none, a device for example
MOST_NAME_BYTES = 240  # file systems allow 255, and the file beside it that is being written has a longer name
MOST_THREADS = 4096  # more than any node has cores
KEY_WORD = 2**32 - 1  # adaptation steps and task ids are 32-bit parts of the keys of random streams


def _registry(module: str, name: str):
    """Choices that are the keys of a registry, looked up when needed:

    config.py stays free of the code it configures.
    """

    def choices():
        from importlib import import_module

        return sorted(getattr(import_module(module), name))

    return choices


_ESTIMATORS = _registry("esmaml_mpi.estimators", "ESTIMATORS")
_NORMALIZATIONS = ("standardize", "ars", "none")
_ESTIMATOR_DOC = "gradient estimator; antithetic uses half as many directions, each with its mirror image"
_NORMALIZATION_DOC = (
    "reward normalisation. standardize: minus mean, over std, over queries and "
    "pivot; ars: over std of the queries; none"
)


@dataclass
class RunSettings:
    """The run as a whole."""

    name: str = setting("run", "names the results file results/NAME.h5")
    seed: int = setting(0, "seed of every random stream except the tasks'", minimum=0, maximum=WORD - 1)
    threads: int = setting(1, "threads per rank; does not change any number", minimum=1, maximum=MOST_THREADS)
    plan: str = setting(
        "static",
        "who evaluates what; static: equal shares; dynamic: ranks draw the next ones when they are done, for "
        "episodes of uneven length or unequal machines; does not change any number",
        choices=("static", "dynamic"),
    )
    unit_timeout: float = setting(
        0.0,
        "seconds an evaluation may take before it counts as failed, times their number where a rank has several; "
        "0: no limit",
        minimum=0,
    )


@dataclass
class TaskSettings:
    """The task family and how many of its tasks are used."""

    name: str = setting(
        "four_corners", "task family, see `esmaml tasks`", choices=_registry("esmaml_mpi.tasks", "FAMILIES")
    )
    horizon: int | None = setting(None, "steps per episode; default: the family's", minimum=1)
    train_size: int | None = setting(
        None,
        "number of training tasks; default 50, or N if the family has just N",
        minimum=1,
        maximum=KEY_WORD,
    )
    batch_size: int | None = setting(
        None, "tasks drawn per evaluation, without replacement; default 5, or N", minimum=1
    )
    test_size: int | None = setting(None, "number of test tasks; default 5, or N", minimum=1, maximum=KEY_WORD)
    rollouts: int = setting(1, "episodes averaged for each parameter vector", minimum=1)
    seed: int = setting(
        0, "seed of the tasks themselves, so that runs with other seeds share them", minimum=0, maximum=WORD - 1
    )
    options: dict = setting({}, "the family's own options, see `esmaml tasks NAME`")


@dataclass
class PolicySettings:
    """The policy's architecture."""

    hidden: list[int] = setting([32], "hidden layer widths; [] is a linear policy", minimum=1)
    activation: str = setting("relu", "hidden activation", choices=("relu", "tanh"))
    output: str = setting("tanh", "output squashing", choices=("tanh", "identity"))
    output_gain: float = setting(
        1.0,
        "factor on the last layer's initial weights; 0 starts from a policy that does nothing, so "
        "that perturbations alone explore",
        minimum=0,
    )
    normalize_observations: bool = setting(True, "subtract the running mean of observations and divide by their std")


@dataclass
class AdaptationSettings:
    """The inner loop: U(theta, T)."""

    operator: str = setting(
        "es_gradient", "adaptation operator", choices=_registry("esmaml_mpi.adaptation", "OPERATORS")
    )
    queries: int = setting(20, "queries K per adaptation step, the pivot not counted", minimum=1)
    sigma: float = setting(0.1, "smoothing of the adaptation gradient", above=0)
    step_size: float = setting(0.05, "adaptation step alpha", minimum=0)
    steps: int = setting(1, "adaptation steps, K queries each", minimum=1, maximum=KEY_WORD)
    estimator: str = setting("forward_fd", _ESTIMATOR_DOC, choices=_ESTIMATORS)
    reward_normalization: str = setting("standardize", _NORMALIZATION_DOC, choices=_NORMALIZATIONS)


@dataclass
class MetaSettings:
    """The outer loop."""

    algorithm: str = setting(
        "zero_order", "meta-learning algorithm", choices=_registry("esmaml_mpi.meta", "ALGORITHMS")
    )
    iterations: int = setting(500, "meta-updates", minimum=0)
    perturbations: int = setting(
        150, "perturbed meta-policies evaluated per iteration (both of a mirrored pair count)", minimum=1
    )
    current_evaluations: int = setting(
        150, "evaluations of the current meta-policy per iteration; their mean is the pivot", minimum=1
    )
    sigma: float = setting(0.1, "smoothing of the meta-gradient", above=0)
    step_size: float = setting(0.01, "meta step beta", minimum=0)
    estimator: str = setting("forward_fd", _ESTIMATOR_DOC, choices=_ESTIMATORS)
    reward_normalization: str = setting("standardize", _NORMALIZATION_DOC, choices=_NORMALIZATIONS)
    optimizer: str = setting("sgd", "sgd is the paper's", choices=_registry("esmaml_mpi.meta.optimizers", "OPTIMIZERS"))
    top_directions: int = setting(0, "use only this many best-ranked directions (ARS); 0 uses all", minimum=0)
    top_ranking: str = setting(
        "difference",
        "rank directions by abs(f+ - f-) or abs(f - pivot), which is what they contribute; max: by "
        "max(f+, f-) as in ARS",
        choices=("difference", "max"),
    )
    max_failed_fraction: float = setting(
        0.4, "redraw an iteration in which more units than this failed", minimum=0, maximum=1
    )
    max_redraws: int = setting(10, "give up after this many redraws of one iteration", minimum=0, maximum=KEY_WORD)


@dataclass
class TestSettings:
    """Tests during training."""

    __test__ = False  # not a pytest class
    every: int = setting(
        10, "iterations between tests (and between rows of /parameters); 0: only at the end", minimum=0
    )
    repeats: int = setting(5, "adaptations per test task", minimum=1)


@dataclass
class CheckpointSettings:
    """When the results file is written."""

    every: int = setting(25, "iterations between writes; 0: by time only", minimum=0)
    minutes: float = setting(5.0, "longest time between writes, at iteration boundaries", above=0)


@dataclass
class Config:
    """A whole experiment.

    ``resolved()`` fills in what depends on the task family and checks the sections against each other.
    """

    run: RunSettings = field(default_factory=RunSettings)
    task: TaskSettings = field(default_factory=TaskSettings)
    policy: PolicySettings = field(default_factory=PolicySettings)
    adaptation: AdaptationSettings = field(default_factory=AdaptationSettings)
    meta: MetaSettings = field(default_factory=MetaSettings)
    test: TestSettings = field(default_factory=TestSettings)
    checkpoint: CheckpointSettings = field(default_factory=CheckpointSettings)

    @classmethod
    def from_dict(cls, tables: Mapping) -> "Config":
        """From nested mappings; unknown names, wrong types and values out of range raise ConfigError."""
        sections = {f.name: f.default_factory for f in dataclasses.fields(cls)}
        for name in tables:
            if name not in sections:
                raise unknown("section", name, sections)
        return cls(**{name: parse(section, tables.get(name, {}), name) for name, section in sections.items()})

    @classmethod
    def from_toml(cls, text: str) -> "Config":
        """From TOML text."""
        return cls.from_dict(_read_toml(text, "the configuration"))

    def to_dict(self) -> dict:
        """Nested plain values; settings that are None are left out."""
        tables = dataclasses.asdict(self)
        return {name: {k: v for k, v in table.items() if v is not None} for name, table in tables.items()}

    def to_toml(self, comments: bool = False) -> str:
        """TOML text, with each setting's documentation if ``comments``."""
        import tomli_w

        if not comments:
            return tomli_w.dumps(self.to_dict())
        lines = []
        for section in dataclasses.fields(self):
            settings = getattr(self, section.name)
            lines += [f"# {type(settings).__doc__}", f"[{section.name}]"]
            tables = []
            for f in dataclasses.fields(settings):
                value, limits = getattr(settings, f.name), allowed(f)
                text = f"# {f.metadata['doc']}" + (f" ({limits})" if limits else "")
                if isinstance(value, dict):
                    tables += [
                        text,
                        tomli_w.dumps({section.name: {f.name: value}}).replace(f"[{section.name}]\n", "", 1).strip(),
                    ]
                elif value is None:
                    lines += [text, f"# {f.name} ="]
                else:
                    lines += [text, tomli_w.dumps({f.name: value}).rstrip()]
            lines += [*tables, ""]
        return "\n".join(lines)

    def resolved(self, training: bool = True) -> "Config":
        """A copy with every derived setting filled in.

        Raises ConfigError where settings contradict each other or ask for more memory than this machine has, and
        FamilyError where the task family is not one. ``training`` says whether a run is to come, or only adaptations.
        """
        from esmaml_mpi.estimators import ESTIMATORS
        from esmaml_mpi.memory import check_memory
        from esmaml_mpi.tasks import make_family, options_of
        from esmaml_mpi.tasks.contract import rehearse

        family = make_family(self.task.name, self.task.horizon, self.task.options)
        count = family.task_count
        task = dataclasses.replace(self.task, horizon=family.horizon, options=options_of(family))
        if task.train_size is None:
            task.train_size = count or 50
        if task.batch_size is None:
            task.batch_size = min(count or 5, task.train_size)
        if task.test_size is None:
            task.test_size = 5 if count is None else (count - task.train_size or count)
        if task.batch_size > task.train_size:
            raise ConfigError(
                f"task.batch_size = {task.batch_size}: tasks are drawn without replacement, so at "
                f"most task.train_size = {task.train_size}."
            )
        if count is not None and max(task.train_size, task.test_size) > count:
            raise ConfigError(
                f"task.train_size = {task.train_size}, task.test_size = {task.test_size}: {task.name} "
                f"has only {count} distinct tasks."
            )
        if count is not None and task.train_size != count and task.train_size + task.test_size > count:
            raise ConfigError(
                f"task.train_size = {task.train_size}, task.test_size = {task.test_size}: {task.name} "
                f"has {count} tasks; use all of them for both "
                f"(train_size = test_size = {count}) or keep training and test tasks disjoint (their "
                f"sum at most {count})."
            )
        if count is not None and task.train_size == count and task.test_size != count:
            raise ConfigError(
                f"task.test_size = {task.test_size}: all {count} tasks of {task.name} are training "
                f"tasks, so task.test_size must be {count} too."
            )
        for path, section, budget in (("adaptation", self.adaptation, "queries"), ("meta", self.meta, "perturbations")):
            signs, value = len(ESTIMATORS[section.estimator].signs), getattr(section, budget)
            if value % signs:
                raise ConfigError(
                    f"{path}.{budget} = {value}: estimator {section.estimator!r} needs an even "
                    "number, as queries come in mirrored pairs."
                )
        if self.run.unit_timeout and self.run.threads > 1:
            raise ConfigError(
                f"run.unit_timeout = {self.run.unit_timeout}: needs run.threads = 1, not {self.run.threads}, as only "
                "a rank's main thread can be interrupted."
            )
        directions = self.meta.perturbations // len(ESTIMATORS[self.meta.estimator].signs)
        if self.meta.top_directions > directions:
            raise ConfigError(
                f"meta.top_directions = {self.meta.top_directions}: there are only {directions} directions."
            )
        name = self.run.name
        if not name or any(c in name for c in "/\\") or not name.isprintable():
            raise ConfigError(
                f"run.name = {show(name)}: a non-empty name without slashes and line ends is wanted; use "
                "--output for another folder."
            )
        if len(name.encode()) > MOST_NAME_BYTES:
            raise ConfigError(f"run.name = {show(name)}: a file name of at most {MOST_NAME_BYTES} bytes is wanted.")
        config = dataclasses.replace(self, task=task)
        check_memory(config, family, training)
        rehearse(family)
        return config

    @property
    def train_tasks(self) -> range:
        """Ids of the training tasks (of a resolved config)."""
        return range(self.task.train_size)

    @property
    def test_tasks(self) -> range:
        """Ids of the test tasks:

        the training tasks themselves when the family has no others (N, N, N), else the ids after them.
        """
        from esmaml_mpi.tasks import make_family

        count = make_family(self.task.name, self.task.horizon, self.task.options).task_count
        first = 0 if count == self.task.train_size else self.task.train_size
        return range(first, first + self.task.test_size)


def load(source, overrides: Iterable[str] = ()) -> Config:
    """A Config from a TOML file's path, a mapping or a Config, then ``section.key=value`` overrides (values are TOML;
    bare words are strings).
    """
    if isinstance(source, Config):
        tables = source.to_dict()
    elif isinstance(source, Mapping):
        tables = _copy(source)
    else:
        tables = _read_toml(_read_text(source), str(source))
    for override in overrides:
        _apply(tables, override)
    return Config.from_dict(tables)


def changed_keys(old: Config, new: Config) -> dict[str, tuple]:
    """Settings in which two configs differ: dotted name -> (old value, new value)."""
    a, b = flat(old.to_dict()), flat(new.to_dict())
    return {key: (a.get(key), b.get(key)) for key in sorted({*a, *b}) if a.get(key) != b.get(key)}


def flat(tables: Mapping, prefix: str = "") -> dict:
    """Nested tables as one: {"meta": {"sigma": 0.1}} -> {"meta.sigma": 0.1}."""
    result = {}
    for key, value in tables.items():
        result.update(flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value})
    return result


def _apply(tables: dict, override: str) -> None:
    key, equals, text = override.partition("=")
    path = [name.strip() for name in key.split(".")]
    if not equals or len(path) < 2 or not all(path):
        raise ConfigError(f"--set {show(override)}: section.key=value is wanted, for example --set meta.sigma=0.05.")
    table = tables
    for name in path[:-1]:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise ConfigError(f"--set {show(override)}: {show(name)} is a value, not a table.")
    table[path[-1]] = _value(text)


def _value(text: str):
    """A value as in TOML; whatever is none is a string."""
    try:
        table = _read_toml(f"value = {text}", "--set")
    except ConfigError:
        return text.strip()
    return table["value"] if table.keys() == {"value"} else text.strip()  # not the settings on further lines


def _copy(table):
    """Nested mappings as dictionaries of our own, which overrides may change."""
    return {name: _copy(value) for name, value in table.items()} if isinstance(table, Mapping) else table


def _read_text(source) -> str:
    try:
        with open(source, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise ConfigError(f"cannot read configuration {str(source)!r}: {getattr(error, 'strerror', error)}.") from error
    if len(content) > MOST_BYTES:
        raise ConfigError(f"cannot read configuration {str(source)!r}: it has more than {MOST_BYTES} bytes.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"cannot read configuration {str(source)!r}: it is not text in UTF-8 ({error}).") from error


def _read_toml(text: str, name: str) -> dict:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not valid TOML: {error}.") from error
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits, or as many brackets
        reason = "brackets are nested too deeply" if isinstance(error, RecursionError) else "an integer is too long"
        raise ConfigError(f"{name} is not valid TOML: {reason}.") from error
