#!/usr/bin/env bash
# The C kernels under AddressSanitizer and UndefinedBehaviorSanitizer, and under valgrind: a driver calls them with arrays
# of just the size that they may touch, in many shapes.
#   bash tests/native/sanitize.sh sanitizers|valgrind FOLDER      FOLDER is for what is built
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source=$here/../../esmaml_mpi/native/source
how=$1
folder=$2
mkdir -p "$folder"
flags=(-std=c99 -g -ffp-contract=off -fno-fast-math -Wall -Wextra -Werror -Wno-unused-function -I "$source")
code=("$here/driver.c" "$source"/set*.c "$source/normals.c" -lm)
case $how in
sanitizers)
  ${CC:-cc} "${flags[@]}" -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
    "${code[@]}" -o "$folder/sanitized"
  "$folder/sanitized"
  ;;
valgrind)
  # It does not know AVX-512.
  ${CC:-cc} "${flags[@]}" -O3 "${code[@]}" -o "$folder/watched"
  valgrind --quiet --leak-check=full --show-leak-kinds=all --error-exitcode=9 "$folder/watched" avx512
  ;;
*)
  echo "sanitizers or valgrind is wanted, not $how" >&2
  exit 2
  ;;
esac
