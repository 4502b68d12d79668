"""Put trained meta-policies into the zoo: python zoo/pack.py results/zoo/*.h5 [--repeats 20]

Of each results file a copy without the machine's name and folders goes to esmaml_mpi/zoo/models/, and what it is and
scores into the catalogue. The first comment of zoo/NAME.toml says what it is about.
"""

import argparse
import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

from esmaml_mpi.results.atomic import replace_file
from esmaml_mpi.results.layout import Run
from esmaml_mpi.results.reader import Results, read
from esmaml_mpi.results.writer import ResultsWriter
from esmaml_mpi.tasks import make_family
from esmaml_mpi.tasks.interface import interface_of
from esmaml_mpi.zoo.catalogue import LARGEST, Model, enter
from esmaml_mpi.zoo.verification import is_exact, scored

LEFT_OUT = ("host", "command", "platform", "slurm_job", "slurm_restarts")
SEED = 1  # of the evaluation that is stated


def main() -> None:
    """Pack them one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", type=Path)
    parser.add_argument("--repeats", type=int, default=20, help="adaptations to each test task, of the stated scores")
    options = parser.parse_args()
    if options.repeats < 2:
        parser.error(f"--repeats {options.repeats}: 2 or more are wanted, as scores have standard errors.")
    for path in options.results:
        text = about(Path(__file__).with_name(f"{path.stem}.toml"))
        model = pack(read(path), path.stem, text, options.repeats)
        print(f"{model.name}: {model.path.stat().st_size} bytes, {model.scores.before:.2f} -> {model.scores.after:.2f}")


def pack(results: Results, name: str, about: str, repeats: int) -> Model:
    """Put the model's file beside the others, and what it is into the catalogue, once both are known to be good."""
    config = results.config
    launches = [{key: value for key, value in facts.items() if key not in LEFT_OUT} for facts in results.launches]
    interface = interface_of(make_family(config.task.name, config.task.horizon, config.task.options))
    run = Run(config.to_toml(), launches, results.test_task_ids, interface)
    with TemporaryDirectory() as folder:
        path = Path(folder, f"{name}.h5")
        ResultsWriter(path, run).write(results.history, results.checkpoint)
        content, scores = path.read_bytes(), scored(str(path), SEED, repeats)
    if len(content) > LARGEST:
        raise SystemExit(f"{name}: {len(content)} bytes, and at most {LARGEST} are wanted; take fewer evaluations.")
    iteration, theta, _, _ = results.parameters()
    digest = hashlib.sha256(content).hexdigest()
    facts = (config.task.name, len(theta), iteration, config.run.seed, is_exact(config), digest, scores)
    model = Model(name, about, *facts)
    replace_file(model.path, content)
    enter(model)
    return model


def about(toml: Path) -> str:
    """The comment with which a config begins, on one line, without its last full stop."""
    lines = toml.read_text(encoding="utf-8").splitlines()
    comment = []
    for line in lines:
        if not line.startswith("#"):
            break
        comment.append(line.lstrip("# "))
    return " ".join(comment).removesuffix(".")


if __name__ == "__main__":
    main()
