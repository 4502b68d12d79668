"""What a type checker has to know of the public interface; mypy checks this file, nobody runs it."""

from pathlib import Path
from typing import assert_type

import numpy as np

import esmaml_mpi


def check(path: Path, observation: np.ndarray) -> None:
    """Every name of ``esmaml_mpi.__all__`` is used once, by its type."""
    config = esmaml_mpi.load_config({"run": {"seed": 1}}, ["meta.sigma=0.2"])
    assert_type(config, esmaml_mpi.Config)
    assert_type(config.resolved().test_tasks, range)
    results = esmaml_mpi.train(config, output=path, resume=True)
    assert_type(results, esmaml_mpi.Results)
    assert_type(esmaml_mpi.read_results(path), esmaml_mpi.Results)
    assert_type(results.config.meta.iterations, int)
    assert_type(results.history["train"], dict[str, np.ndarray])
    meta = esmaml_mpi.MetaPolicy(results, "best")
    assert_type(meta.act(meta.theta, observation), np.ndarray)
    session = meta.adaptation(seed=3)
    assert_type(session, esmaml_mpi.Adaptation)
    assert_type(session.ask(), np.ndarray)
    session.tell(1.0)
    assert_type(session.done, bool)
    assert_type(session.best, np.ndarray)
    assert_type(meta.act(session.best, [0.0, 1.0]), np.ndarray)
