"""What outer loops have in common that sample independent normals around theta and remember something of it."""

from dataclasses import dataclass

from esmaml_mpi.decoders import make_decoder
from esmaml_mpi.directions.gaussian import Gaussian
from esmaml_mpi.estimators.budget import check_budget
from esmaml_mpi.meta.perturbations import Perturbations
from esmaml_mpi.meta.perturbed_evaluations import check_common, common_setting
from esmaml_mpi.meta.probes import Probe
from esmaml_mpi.meta.task_batches import TaskBatches
from esmaml_mpi.reproducibility.randomness import Streams
from esmaml_mpi.settings import setting
from esmaml_mpi.settings.sections import MetaSettings, Sections, known


@dataclass
class GaussianSearchSettings(MetaSettings):
    """Keys of outer loops over a normal search distribution: directions are its samples, and are averaged."""

    perturbations: int = setting(
        150, "perturbed meta-policies evaluated per iteration (both of a mirrored pair count)", minimum=1
    )
    current_evaluations: int = setting(1, "evaluations of the current meta-policy per iteration", minimum=1)
    sigma: float = setting(0.1, "standard deviation of the search distribution, at first", above=0)
    estimator: str = setting(
        "antithetic",
        "antithetic uses half as many directions, each with its mirror image; there is no forward_fd, as the current "
        "meta-policy is no sample",
        choices=("antithetic", "vanilla"),
    )
    common_random_numbers: bool = common_setting()


class GaussianSearchSections(Sections):
    """A configuration that chooses such an algorithm."""

    meta: GaussianSearchSettings


def search_probe(meta: GaussianSearchSettings, sigma: float, reward_normalization: str, streams: Streams) -> Probe:
    """The samples of an iteration; ConfigError if there cannot be so many."""
    check_budget("meta", "perturbations", meta.perturbations, meta.estimator, reward_normalization)
    check_common(meta.common_random_numbers, meta.current_evaluations)
    average = make_decoder("average", {}, "meta.decoder_options")
    perturbations = Perturbations(
        meta.perturbations, sigma, meta.estimator, reward_normalization, Gaussian(), average, streams
    )
    return Probe(perturbations, meta.current_evaluations)


def task_batches(config: GaussianSearchSections, streams: Streams) -> TaskBatches:
    """The training tasks of a resolved config."""
    return TaskBatches(known(config.task.train_size), known(config.task.batch_size), streams)
