# Sourced by jobs/batch.sh: the Python environment, copied to each node's own disk where jobs/site.sh names one in `stage`.
# Hundreds of ranks then ask the shared file server for one file a node, instead of for a thousand each.
#   stage     unpack the environment on all nodes of the job, and have `venv` name the copy; undone when the job ends
#   unstage   remove the copies; `venv` names the shared environment again
# Where it cannot be done the ranks start from the shared environment, and the log says so.

stage_archive=${stage_archive:-$venv.tar} shared_venv='' staged='' within=600 # seconds, of what is done on all nodes

stage() {
  [ -n "$stage" ] || return 0
  [[ $stage = /* ]] || die "jobs/site.sh: stage names a folder by its whole path, which begins with /, not '$stage'"
  shared_venv=$venv staged=$stage/esmaml-$SLURM_JOB_ID
  trap unstage EXIT
  if make_archive && hand_out; then
    venv=$staged
    say "the environment is on each node's own disk: $staged"
  else
    unstage
    say "the environment could not be copied to $stage on all nodes: the ranks start from $venv"
  fi
}

unstage() { # [SECONDS]: at most so long
  local within=${1:-$within}
  [ -n "$staged" ] || return 0
  venv=$shared_venv
  on_every_node rm -rf "$staged" "$staged.tar" || say "$staged may be left on some nodes"
  staged=''
}

# Once, and again when something in the environment has changed.
make_archive() {
  local facts package site made_of='' of=${stage_archive%.tar}.archive-of
  local new=$stage_archive.$SLURM_JOB_ID # until it is whole: jobs may start together
  # -P: what esmaml imports, whatever lies in this folder.
  facts=$("$venv/bin/python" -P -c 'import os, sys, sysconfig, esmaml_mpi
print(os.path.dirname(esmaml_mpi.__file__), os.path.relpath(sysconfig.get_path("purelib"), sys.prefix), sep="\n")') ||
    return
  package=${facts%$'\n'*} site=${facts#*$'\n'}
  [ ! -f "$of" ] || read -r made_of <"$of" || true
  [ ! -f "$stage_archive" ] || [ "$made_of" != "$venv $package" ] ||
    [ -n "$(find "$venv/" "$package/" -newer "$stage_archive" -print -quit)" ] || return 0
  say "making $stage_archive"
  if touch "$new.begun" && tar -cf "$new" -C "$venv" . &&
    # A checkout that is installed with -e lies elsewhere.
    { [[ $package = "$venv"/* ]] ||
      tar -rf "$new" -C "${package%/*}" --transform "s,^,$site/," "${package##*/}"; } &&
    touch -r "$new.begun" "$new"; then # what changed meanwhile is newer
    rm "$new.begun" && mv "$new" "$stage_archive" && echo "$venv $package" >"$of"
  else
    rm -f "$new" "$new.begun"
    return 1
  fi
}

# On a node. Scripts of an environment begin with where its Python is; the new place is written there.
UNPACK='set -e
archive=$1 folder=$2
rm -rf "$folder"
mkdir -m 700 "$folder"
tar -xf "$archive" -C "$folder"
[ "$archive" != "$folder.tar" ] || rm "$archive"
sed -i "1s|^#!.*|#!$folder/bin/python|" "$folder/bin/esmaml"
"$folder/bin/esmaml" --version >/dev/null'

hand_out() {
  local archive=$stage_archive
  if command -v sbcast >/dev/null; then # from node to node
    archive=$staged.tar
    sbcast --force "$stage_archive" "$archive" || return
  fi
  on_every_node bash -c "$UNPACK" unpack "$archive" "$staged"
}

on_every_node() { # COMMAND...: on those that are not lost
  local count=$SLURM_JOB_NUM_NODES lost=${lost:-}
  [ -z "$lost" ] || count=$(left | wc -l)
  timeout "$within" srun --overlap --mpi=none --mem=0 --nodes="$count" ${lost:+"--exclude=${lost// /,}"} \
    --ntasks="$count" --ntasks-per-node=1 --cpus-per-task=1 "$@" </dev/null
}
