#!/usr/bin/env bash
# Submits the scripts of jobs/ to a real Slurm of three nodes on this machine (lab.sh) and disturbs them. One line per
# check; exit code 0 if all passed, 1 if one failed, 77 if there can be no Slurm here.
#   tests/slurm/run.sh [--keep]     keep the scratch folder, with logs and results
# ESMAML_VENV names an environment that has esmaml and Open MPI; without it .venv is made, as jobs/local.sh does.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
begin 3 "${1:-}"
export ESMAML_LAUNCHER="srun --mpi=pmix"

# ---- configurations, and what undisturbed runs of one process give -------------------------------------------------

long_config 500 >long.toml
sed 's/^iterations = .*/iterations = 20/' long.toml >short.toml
for name in long short; do "$ESMAML_VENV/bin/esmaml" train $name.toml --output $name.expected.h5 >/dev/null; done
"$ESMAML_VENV/bin/esmaml" train long.toml --set run.seed=1 --output pair.expected.h5 >/dev/null
for seed in 0 1 2; do
  "$ESMAML_VENV/bin/esmaml" train short.toml --set run.seed=$seed --output seed$seed.expected.h5 >/dev/null
done

# ---- jobs that nobody disturbs -------------------------------------------------------------------------------------

undisturbed() { ended "${job[$1]}" COMPLETED && same "$1.h5" short.expected.h5; }

# From the repository's folder, as the scripts say; all others find it through ESMAML_HOME.
cd "$home"
submit srun $(two_nodes srun) jobs/train.slurm "$scratch/short.toml" --output "$scratch/srun.h5"
cd "$scratch"
export ESMAML_HOME=$home
unset ESMAML_LAUNCHER # the default of jobs/site.sh: mpirun
submit mpirun $(two_nodes mpirun) "$jobs/train.slurm" short.toml --output mpirun.h5
export ESMAML_LAUNCHER="srun --mpi=none"
submit wrong $(two_nodes wrong) "$jobs/train.slurm" short.toml --output wrong.h5
export ESMAML_LAUNCHER="srun --mpi=pmix"
submit hybrid --nodes=2 --ntasks=2 --cpus-per-task=2 --output="$scratch/hybrid.log" "$jobs/hybrid.slurm" short.toml \
  --output hybrid.h5
submit usage $(two_nodes usage) "$jobs/train.slurm" short.toml --set meta.iteratons=3
submit seeds --array=0-2 --ntasks=3 --nodes=1 --output="$scratch/seeds-%a.log" "$jobs/seeds.slurm" short.toml \
  --output seeds.h5
{ cat short.toml; printf '[sweep]\nseeds = [5]\n[sweep.variants]\nsame = {}\nother.adaptation.queries = 9\n'; } >sweep.toml
submit sweep --array=0-1 --ntasks=3 --nodes=1 --output="$scratch/sweep-%a.log" "$jobs/sweep.slurm" sweep.toml \
  --output sweep
submit plot --dependency="afterok:${job[seeds]}" --output="$scratch/plot.log" "$jobs/plot.slurm" seeds_seed{0..2}.h5
submit unplotted --dependency="afterok:${job[usage]}" --kill-on-invalid-dep=yes --output="$scratch/unplotted.log" \
  "$jobs/plot.slurm" short.h5

# An environment with MPICH: its own mpi4py, the rest from the first one.
make_mpich() {
  "$python" -m venv mpich && mpich/bin/python -m pip install -q --disable-pip-version-check -c "$home/constraints.txt" \
    --no-deps mpich mpi4py || return
  "$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' >first && echo "$home" >>first
  mv first "$(mpich/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/first.pth"
  printf '#!%s\nimport sys\nfrom esmaml_mpi.commands.main import main\nsys.exit(main())\n' \
    "$scratch/mpich/bin/python" >mpich/bin/esmaml
  chmod +x mpich/bin/esmaml
}
if timeout $patience bash -c "$(declare -f make_mpich); python='$python' home='$home' scratch='$scratch'; make_mpich" \
  >mpich.log 2>&1; then
  ESMAML_VENV=$scratch/mpich ESMAML_LAUNCHER="srun --mpi=pmi2" \
    submit pmi2 $(two_nodes pmi2) "$jobs/train.slurm" short.toml --output pmi2.h5
  ESMAML_VENV=$scratch/mpich ESMAML_LAUNCHER=mpirun \
    submit hydra $(two_nodes hydra) "$jobs/train.slurm" short.toml --output hydra.h5
fi

# A module that cannot be loaded.
printf 'module() { return 1; }\nmodule load nothing\n' >no_module.sh
ESMAML_SITE=$scratch/no_module.sh \
  submit module --ntasks=1 --output="$scratch/module.log" "$jobs/train.slurm" short.toml --output module.h5

# `esmaml submit`: one run; and four, of which one has failed before, as arrays of at most three, one of them cancelled.
esmaml_submit() { "$ESMAML_VENV/bin/esmaml" submit "$@" --jobs "$jobs" --ranks 3; }
note() { # NAME: the jobs of what esmaml_submit has said
  local ids
  ids=$(sed -n 's/^  job //p' "$1.said")
  job[$1]=$(head -n 1 <<<"$ids") job[$1-2]=$(tail -n 1 <<<"$ids") began[$1]=$SECONDS
}
{ cat short.toml; printf '[sweep]\nseeds = [5, 6, 7, 8]\n'; } >four.toml
four() { esmaml_submit four.toml --output four "$@"; }
esmaml_submit short.toml --sbatch "--nodes=1 --output=$scratch/one.log" >one.said
note one
ESMAML_SITE=$scratch/no_module.sh four --only '*_seed8' --sbatch "--nodes=1 --output=$scratch/broken.log" >broken.said
note broken

refused() { ended "${job[wrong]}" FAILED 1 && log_has wrong 'SLURM_NTASKS|ESMAML_RANKS' && [ ! -e wrong.h5 ]; }
all_seeds() {
  for seed in 0 1 2; do
    ended "${job[seeds]}_$seed" COMPLETED && same seeds_seed$seed.h5 seed$seed.expected.h5 || return
  done
}
all_points() {
  ended "${job[sweep]}_0" COMPLETED && ended "${job[sweep]}_1" COMPLETED && same sweep/same_seed5.h5 short.expected.h5 &&
    [ -s sweep/other_seed5.h5 ]
}
one_submitted() {
  ended "${job[one]}" COMPLETED && same results/short.h5 short.expected.h5 &&
    says 1 '^short  complete$' esmaml_submit short.toml --status &&
    says 1 '^nothing to submit: 1 run ' esmaml_submit short.toml
}
says() { # LINES PATTERN COMMAND...
  local said
  said=$("${@:3}") && [ "$(grep -cE "$2" <<<"$said")" = "$1" ] || { printf "  not $1 x '$2': %s\n" "$said"; return 1; }
}
four_submitted() {
  ended "${job[broken]}_0" FAILED 2 && says 1 'seed8  missing; its last job: failed$' four --status &&
    says 1 '^4 runs to submit' four --sbatch "--hold --nodes=1 --output=$scratch/four-%a.log" --dry-run &&
    says 4 ' missing(;|$)' four --status && # nothing was submitted
    four --sbatch "--hold --nodes=1 --output=$scratch/four-%a.log" >four.said && note four &&
    grep -q -- '--array=0-2 ' four.said && grep -q -- '--array=0 .*ESMAML_ARRAY_OFFSET=3' four.said &&
    says 4 'pending in the queue' four --status && says 1 '^nothing to submit: 4 runs' four &&
    timeout 20 scancel "${job[four]}_1" && timeout 20 scontrol release "${job[four]}" "${job[four-2]}" || return
  ended "${job[four]}_0" COMPLETED && ended "${job[four]}_2" COMPLETED && ended "${job[four-2]}_0" COMPLETED &&
    says 1 'seed6  missing' four --status && says 3 ' complete$' four --status &&
    four --sbatch "--nodes=1 --output=$scratch/four-%a.log" >again.said && note again &&
    grep -q -- '--array=1 ' again.said && says 1 '^1 run submitted, 3 left out' cat again.said || return
  ended "${job[again]}_1" COMPLETED && says 4 ' complete$' four --status && says 1 '^nothing to submit: 4 runs' four &&
    same four/four_seed5.h5 short.expected.h5
}
no_module() { ended "${job[module]}" FAILED 2 && log_has module 'no_module.sh, line 2: a command has failed'; }
threads() {
  ended "${job[hybrid]}" COMPLETED && same hybrid.h5 short.expected.h5 &&
    "$ESMAML_VENV/bin/python" -c 'import h5py; assert h5py.File("hybrid.h5")["provenance"].attrs["threads"] == 2'
}
plotted() {
  ended "${job[plot]}" COMPLETED && [ -s seeds_seed0.png ] && [ -s seeds_seed2.png ] && [ -s learning_curves.png ]
}
mistaken() {
  ended "${job[usage]}" FAILED 2 && log_has usage 'meta.iterations' && ended "${job[unplotted]}" CANCELLED
}

check srun "train.slurm, srun and PMIx, Open MPI, 5 ranks on 2 nodes: the numbers of one process" undisturbed srun
check mpirun "train.slurm, mpirun, Open MPI, 5 ranks on 2 nodes: the numbers of one process" undisturbed mpirun
if [ -n "${job[hydra]:-}" ]; then
  check pmi2 "train.slurm, srun and PMI-2, MPICH, 5 ranks on 2 nodes: the numbers of one process" undisturbed pmi2
  check hydra "train.slurm, mpirun, MPICH, 5 ranks on 2 nodes: the numbers of one process" undisturbed hydra
else
  skip "MPICH: $(tail -n 1 mpich.log)"
fi
check hybrid "hybrid.slurm, 2 ranks with 2 threads: the numbers of one process" threads
check seeds "seeds.slurm, an array of 3: the numbers of one process with each seed" all_seeds
check sweep "sweep.slurm, an array of 2 points: the numbers of one process" all_points
check one "esmaml submit, one run: the numbers of one process; again: nothing to submit" one_submitted
check four "esmaml submit, 4 runs, 3 an array: queued ones are left out, failed and cancelled ones submitted again" \
  four_submitted
check module "a module that cannot be loaded ends the job with 2, with the line" no_module
check plot "plot.slurm after the array: three pictures and learning curves" plotted
check wrong "Open MPI under --mpi=none: refused with the reason, nothing written" refused
check usage "a mistake in the options: the job fails with 2, and what waits for its success does not start" mistaken

# ---- jobs that are disturbed ---------------------------------------------------------------------------------------

long_run() { submit "$1" $(two_nodes "$1") "$jobs/train.slurm" long.toml --output "$1.h5"; }

requeues_itself() { # NAME: USR1, as before the time limit
  wait_until works "$1" && timeout 20 scancel --batch --signal=USR1 "${job[$1]}" && wait_until restarted "$1" &&
    unfinished "$1" && ended "${job[$1]}" COMPLETED && log_has "$1" 'back in the queue' && same "$1.h5" long.expected.h5
}
one_of_an_array() { # the last task to start, which has the array's own number, requeues itself and nobody else
  job[pair-1]=${job[pair]}_1 job[pair-2]=${job[pair]}_2
  wait_until works pair-1 && wait_until works pair-2 && [ "$(field "${job[pair-2]}" JobId)" = "${job[pair]}" ] &&
    timeout 20 scancel --batch --signal=USR1 "${job[pair-2]}" && wait_until restarted pair-2 || return
  ended "${job[pair-1]}" COMPLETED && ended "${job[pair-2]}" COMPLETED && log_has pair-2 'back in the queue' || return
  ! restarted pair-1 && same pair_seed1.h5 pair.expected.h5
}
is_cancelled() { # with what it had saved, and without a second life
  wait_until works cancelled && timeout 20 scancel "${job[cancelled]}" && wait_until is_over "${job[cancelled]}" &&
    wait_until gone "${job[cancelled]}" && [ "$(field "${job[cancelled]}" JobState)" = CANCELLED ] &&
    ! restarted cancelled && unfinished cancelled && progress cancelled.h5 1
}
submitted_again() { long_run cancelled && ended "${job[cancelled]}" COMPLETED && same cancelled.h5 long.expected.h5; }
moved_from() { # NAME NODE: its second start was without that node
  wait_until restarted "$1" && unfinished "$1" && ended "${job[$1]}" COMPLETED && log_has "$1" 'start 2,' || return
  ! timeout 20 scontrol show hostnames "$(field "${job[$1]}" NodeList)" | grep -qx "$2" || return
  same "$1.h5" long.expected.h5
}
back() { # NODE: it takes jobs again
  timeout 20 scontrol update nodename="$1" state=resume
  wait_until eval "timeout 20 sinfo -h -n $1 -o %t | grep -qxE 'idle|mix|alloc'"
}
drain_a_node() { # what runs there may finish, or save and go elsewhere
  local node
  wait_until works drained && node=$(last_node drained) &&
    timeout 20 scontrol update nodename="$node" state=drain reason=test &&
    timeout 20 scancel --batch --signal=USR1 "${job[drained]}" && moved_from drained "$node" && back "$node"
}
lose_a_node() { # Slurm itself requeues the job, from the last checkpoint
  local node
  wait_until works lost && wait_until progress lost.h5 25 && node=$(last_node lost) &&
    timeout 20 scontrol update nodename="$node" state=down reason=test && moved_from lost "$node" && back "$node"
}
goes_on() { # NAME RANK...: these ranks are killed, and with them the step; the job goes back into the queue and resumes
  local name=$1
  shift
  wait_until works "$name" && wait_until progress "$name.h5" 25 || return
  kill -KILL $(ranks_of "${job[$name]}" "$@")
  wait_until restarted "$name" && unfinished "$name" && log_has "$name" 'not complete' &&
    ended "${job[$name]}" COMPLETED && same "$name.h5" long.expected.h5
}

survives() { # a rank is killed under an MPI with failure mitigation: the run goes on to its end
  wait_until works survived && kill -KILL $(ranks_of "${job[survived]}" 3) && unfinished survived &&
    ended "${job[survived]}" COMPLETED && same survived.h5 long.expected.h5
}
time_runs_out() { # the script's own --signal line, with Slurm's shortest limit
  wait_until restarted limited && log_has limited 'back in the queue' && cp limited.h5 limited.saved.h5 &&
    wait_until grew limited.h5 limited.saved.h5 && timeout 20 scancel "${job[limited]}" &&
    wait_until gone "${job[limited]}"
}
grew() { # FILE OLDER: more iterations, none twice, the old ones unchanged
  "$python" - "$@" <<'CODE'
import sys, h5py, numpy
now, before = (h5py.File(path, locking=False)["train"] for path in sys.argv[1:])
n, older = len(now["iteration"]), len(before["iteration"])
same = now["values"][:older].tobytes() == before["values"][()].tobytes()
sys.exit(not (n > older and same and numpy.array_equal(now["iteration"], numpy.arange(n))))
CODE
}

submit limited --ntasks=2 --time=1 --signal=B:USR1@30 --output="$scratch/limited.log" "$jobs/train.slurm" long.toml \
  --set meta.iterations=1000000 --output limited.h5
long_run signalled
check signalled "USR1 before the time limit, srun: saved, requeued by itself, resumed bit for bit" \
  requeues_itself signalled
ESMAML_LAUNCHER=mpirun long_run signalled_mpirun
check signalled_mpirun "USR1 before the time limit, mpirun: saved, requeued by itself, resumed bit for bit" \
  requeues_itself signalled_mpirun
submit pair --array=1,2 --ntasks=2 --nodes=1 --output="$scratch/pair-%a.log" "$jobs/seeds.slurm" long.toml --output pair.h5
check pair "USR1 to one task of an array: it alone is requeued" one_of_an_array
long_run cancelled
check cancelled "scancel: saved, not requeued" is_cancelled
check cancelled "submitted again: resumed bit for bit" submitted_again
long_run killed
check killed "a rank killed under srun: requeued by itself, resumed bit for bit" goes_on killed 3
ESMAML_LAUNCHER=mpirun long_run wiped
check wiped "all ranks killed under mpirun of Open MPI 5, which ends with 0: requeued by itself, resumed bit for bit" \
  goes_on wiped 0 1 2 3 4
ESMAML_LAUNCHER=mpirun long_run survived
check survived "a rank killed under mpirun of Open MPI 5: the others finish the run, the same numbers" survives
long_run drained
check drained "node drained: saved, requeued, resumed on other nodes bit for bit" drain_a_node
long_run lost
check lost "node down: requeued by Slurm, resumed on other nodes bit for bit" lose_a_node
check limited "a limit of one minute: saved before it, requeued by itself, went on" time_runs_out

[ "$skipped" = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
