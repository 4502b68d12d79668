"""The page on configurations: every section and key."""

from pieces import both, line, module_of, prose
from settings_tables import names, settings

from esmaml_mpi.adaptation import OPERATORS, operator_class
from esmaml_mpi.config.config import Config
from esmaml_mpi.decoders import DECODERS, decoder_class
from esmaml_mpi.directions import DIRECTIONS, sampler_class
from esmaml_mpi.estimators import ESTIMATORS
from esmaml_mpi.hessians import HESSIANS
from esmaml_mpi.meta import ALGORITHMS, algorithm_class
from esmaml_mpi.rollouts.corruption import RewardCorruption
from esmaml_mpi.settings import sections

INTRODUCTION = """\
A configuration is a TOML file with the sections below. Every key has a default, so an empty file is a run. Defaults are
the paper's where the paper gives a value. A key, type or value that does not exist is refused before anything starts.

- `--set section.key=value` changes one key for one command. Values are TOML, and bare words are strings.
- `esmaml config CONFIG` prints the resolved configuration with the same explanations.
- `esmaml config CONFIG --check` only says whether it is valid.

The keys of [adaptation] depend on the operator, and those of [meta] on the algorithm. A default that is left empty is
taken from the task family. The options of families are on the page [Task families](tasks.md). Experiment files have up
to three more sections, which the page [Experiments](../experiments.md) explains."""


def page() -> str:
    """The whole page."""
    parts = ["# Configuration", INTRODUCTION]
    parts += _section("run", sections.RunSettings) + _section("task", sections.TaskSettings)
    parts += ["### [task.corruption]", prose(RewardCorruption.__doc__), settings(RewardCorruption)]
    parts += _section("policy", sections.PolicySettings)
    parts += _section("adaptation", sections.AdaptationSettings)
    common = names(sections.AdaptationSettings)
    for name, operator in ((name, operator_class(name)) for name in OPERATORS):
        parts += [f'### operator = "{name}"', both(operator), settings(operator, common)]
    parts += _section("meta", sections.MetaSettings)
    common = names(sections.MetaSettings)
    for name in ALGORITHMS:
        cls = algorithm_class(name).Settings
        parts += [f'### algorithm = "{name}"', prose(cls.__doc__), settings(cls, common)]
    parts += _section("test", sections.TestSettings) + _section("checkpoint", sections.CheckpointSettings)
    tables = "The tables `{}` of [adaptation] and [meta], see [{}](../{}.md)."
    parts += ["## Directions", tables.format("direction_options", "Directions", "directions")]
    for name in DIRECTIONS:
        cls = sampler_class(name)
        parts += [f'### directions = "{name}"', both(cls), settings(cls)]
    parts += ["## Decoders", tables.format("decoder_options", "Decoders", "decoders")]
    for name in DECODERS:
        cls = decoder_class(name)
        parts += [f'### decoder = "{name}"', both(cls), settings(cls)]
    parts += ["## Estimators", "`estimator` of [adaptation] and [meta]:", _list(ESTIMATORS)]
    parts += ["`hessian_estimator` of [meta], first order, see [The Hessian](../hessian.md):", _list(HESSIANS)]
    return "\n\n".join(parts) + "\n"


def _section(name: str, cls: type) -> list[str]:
    assert name in Config.__dataclass_fields__
    return [f"## [{name}]", prose(cls.__doc__), settings(cls)]


def _list(registry: dict) -> str:
    classes = {name: type(entry) for name, entry in registry.items()}
    return "\n".join(f"- `{name}`: {line(module_of(cls).__doc__)} {line(cls.__doc__)}" for name, cls in classes.items())
