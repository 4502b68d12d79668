#!/usr/bin/env bash
# The wheel, as somebody has it who has nothing else: built, checked, installed into a new environment, and used in an
# empty folder with no checkout in sight. Prints every command; the first one that fails ends it.
#   bash tests/wheel.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../jobs/common.sh"

checkout=$root
scratch=$(mktemp -d "${TMPDIR:-/tmp}/esmaml-wheel.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/source" "$scratch/tmp" "$scratch/empty"
export TMPDIR=$scratch/tmp MPLCONFIGDIR=$scratch/tmp PYTHONDONTWRITEBYTECODE=1
unset PYTHONPATH PYTHONHOME "${!ESMAML_@}"

commands=0
run() { # LINES COMMAND...: shows the command, and the last lines of what it says
  local lines=$1
  shift
  printf '$ %s\n' "$*"
  commands=$((commands + 1))
  "$@" </dev/null >"$scratch/log" 2>&1 || { cat "$scratch/log"; echo "failed: $*"; exit 1; }
  tail -n "$lines" "$scratch/log" | sed 's/^/  /'
}

# ---- build, from a copy, so that nothing that lies about in the checkout gets in and nothing is left in it ----------

"$venv/bin/python" -c 'import build, twine' 2>/dev/null || prepare mpi build
python=$venv/bin/python
tar -C "$checkout" --exclude=./.git --exclude=./.venv --exclude=./results --exclude=./build --exclude=./dist \
  --exclude='*.egg-info' --exclude=__pycache__ --exclude='.*_cache' -cf - . | tar -C "$scratch/source" -xf -
run 1 "$python" -m build --outdir "$scratch/dist" "$scratch/source"
run 1 "$python" -m build --wheel --outdir "$scratch/direct" "$scratch/source"
run 3 "$python" -m twine check --strict "$scratch"/dist/* "$scratch"/direct/*
echo "the wheel out of the source archive and the one out of the checkout:"
"$python" - "$scratch"/dist/*.whl "$scratch"/direct/*.whl "$checkout" <<'CODE'
import sys, zipfile
from pathlib import Path

def content(path):
    with zipfile.ZipFile(path) as wheel:
        return {each.filename: each.CRC for each in wheel.infolist() if not each.filename.endswith("/RECORD")}

ours, other = map(content, sys.argv[1:3])
assert ours == other, sorted(ours.items() ^ other.items())
checkout, shipped = Path(sys.argv[3]), "esmaml_mpi/shipped/"
for pattern in ("analysis/*.py", "configs/*.toml", "configs/recommended/*.toml", "jobs/*.slurm", "examples/*.py", "examples/*.toml"):
    missing = [each for path in checkout.glob(pattern) if shipped + (each := path.relative_to(checkout).as_posix()) not in ours]
    assert not missing, missing
modules = {path.relative_to(checkout).as_posix() for path in (checkout / "esmaml_mpi").rglob("*.py")}
assert modules == {name for name in ours if name.endswith(".py") and not name.startswith(shipped)}
kinds = {Path(name).suffix for name in ours if name.startswith("esmaml_mpi/")}
assert kinds <= {".py", ".so", ".toml", ".slurm", ".sh", ".xml", ".typed", ".h5", ".json", ".js"}, kinds
print(f"  {len(ours)} files, the same in both; {sum(name.startswith(shipped) for name in ours)} of them shipped folders")
CODE

# ---- install, where there is nothing else ---------------------------------------------------------------------------

PATH=${PATH//$checkout\/.venv\/bin:/}
venv=$scratch/venv
package=("$scratch"/dist/*.whl)
cd "$scratch/empty"
echo "installing ${package[0]##*/}[analysis,mpi,gymnasium] into a new environment"
prepare analysis mpi gymnasium
PATH=$venv/bin:$PATH
"$PYTHON" -c "import sys, esmaml_mpi; assert esmaml_mpi.__file__.startswith(sys.prefix), esmaml_mpi.__file__"

# ---- use --------------------------------------------------------------------------------------------------------------

run 2 esmaml --version
run 2 python -m esmaml_mpi --version
run 9 esmaml init work
cd work
refused=0
esmaml init . 2>"$scratch/log" || refused=$?
[ "$refused" = 2 ] || die "esmaml init writes over what is there"
for script in jobs/*.sh jobs/*.slurm; do bash -n "$script"; done
for script in jobs/*.py; do python -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$script"; done

checked=0 skipped=
for config in configs/*.toml configs/recommended/*.toml examples/*.toml; do
  if (cd "${config%/*}" && esmaml config --check "${config##*/}") >"$scratch/log" 2>&1; then
    checked=$((checked + 1))
  elif grep -q 'esmaml-mpi\[' "$scratch/log"; then # it says which optional part it needs
    skipped+=" ${config##*/}"
  else
    cat "$scratch/log"
    die "failed: esmaml config --check $config"
  fi
done
echo "esmaml config --check: $checked files are valid; these need other optional parts:${skipped:- none}"
[ "$checked" -ge 5 ] || die "too few files could be checked"

small=(--set meta.iterations=2 --set meta.perturbations=4 --set meta.current_evaluations=2 --set test.repeats=2)
run 2 esmaml train configs/four_corners.toml --set meta.iterations=5 --output results/mine.h5
run 2 "${MPIRUN[@]}" -n 2 esmaml train configs/four_corners.toml "${small[@]}" --output results/ranks.h5
cd examples
run 2 esmaml train ferry.toml "${small[@]}"
cd ..
run 40 esmaml info results/mine.h5
run 9 esmaml evaluate results/mine.h5 --repeats 2
run 2 esmaml render results/mine.h5 --output results/paths.png
run 2 esmaml export results/mine.h5 --csv tables
experiment=configs/four_corners_learning.toml
run 2 esmaml sweep "$experiment" --set sweep.seeds=2 --only 'hidden_*' "${small[@]}" --output results/learning

runs=(results/learning/*.h5)
[ "${#runs[@]}" = 4 ] || die "four runs were to be trained, not ${runs[*]}"
run 2 esmaml plot run results/mine.h5
for name in learning_curves adaptation_curves final_scores comparison operators timing; do
  run 2 esmaml plot $name "${runs[@]}"
done
run 2 esmaml plot exploration results/mine.h5 results/ranks.h5
run 1 esmaml plot draw "$experiment" results/learning
run 2 esmaml report "${runs[@]}" --output report.html
run 6 esmaml compare "${runs[@]}"
run 2 esmaml claims results --output claims.md
run 2 env SLURM_SUBMIT_DIR="$PWD" bash jobs/plot.slurm "${runs[@]:0:2}"
for file in results/{mine,paths}.png results/learning/{learning,learning_curves}.png exploration.png report.html claims.md; do
  [ -s "$file" ] || die "$file was not written"
done
run 30 esmaml selftest
cd ..

# ---- a package of somebody else's: a family, an operator and a policy that `esmaml` knows once it is installed --------

cp -R "$checkout/examples/own_package" "$scratch/own_package"
mkdir elsewhere
cd elsewhere
run 1 python -m pip install --no-deps "$scratch/own_package"
run 1 esmaml tasks
grep -q '^line ' "$scratch/log" || die "esmaml tasks does not list the family of an installed package"
own=("$scratch/own_package/line.toml" --set meta.iterations=3)
run 1 esmaml train "${own[@]}" --output one.h5
run 1 "${MPIRUN[@]}" -n 2 esmaml train "${own[@]}" --output two.h5
python -c 'import esmaml_mpi as e; a, b = (e.read_results(f).history["test"]["after"] for f in ("one.h5", "two.h5")); assert (a == b).all()'
run 3 esmaml evaluate one.h5 --repeats 2
run 1 python -m pip uninstall --yes own-package
run 3 esmaml info one.h5 # what made it is gone
grep -q 'own_package:' "$scratch/log" || die "esmaml info does not say which package it was"
refused=0
esmaml evaluate one.h5 2>"$scratch/log" || refused=$?
[ "$refused" = 2 ] || die "esmaml evaluate simulates a family that is not there"
cd ..
[ -z "$(find "$TMPDIR" -name 'esmaml_selftest_*')" ] || die "selftest has left files behind"
bash "$checkout/tests/robot.sh" "${package[0]}"
echo "the wheel works without a checkout: $commands commands, $SECONDS s"
