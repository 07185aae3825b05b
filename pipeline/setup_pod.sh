#!/usr/bin/env bash
# Prepares a rented machine for training: Node, the set-up, a configuration for its GPU, the data, and what it will cost.
# May be run again at any time: what is there already stays.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: bash pipeline/setup_pod.sh [options]

Prepares a rented machine for training. May be run again at any time: what is there already stays.
  1  finds the GPU (nvidia-smi) and writes configs/pod.yaml with batch and accumulation for it
  2  installs Node 20 if there is no Node 20, 22 or 24, and what the set-up needs; runs it (npm ci, npm run setup)
  3  links the data: the first of /runpod-volume/data and /workspace/data that holds face crops becomes ./data
  4  reads all of it with verify-data
  5  says what the training will cost

  --data-root DIR   the data, if it lies elsewhere
  --budget USD      money for the training (default: training.max_budget of the configuration)
  --price USD       of this machine per hour, where configs/prices.yaml does not know it
  --phase PHASE     baseline, a or b (default: a)
  --skip-verify     do not read the data (minutes for ten thousand clips)
  --help            this text

Environment: STF_POD_ROOTS, folders to look for data in, separated by colons; STF_NODE_MIRROR, where Node is fetched
from in place of https://nodejs.org/dist; STF_CACHE, where Node and the engine are kept; STF_BIN, where links to a
fetched Node are put in place of /usr/local/bin.
Exit codes: 0 ready to train, 2 something is missing or wrong: the last line says what.
TEXT
}

readonly NODE_VERSION=20.20.2
readonly NODE_SUPPORTED='^v(20\.(9|[1-9][0-9])|22|24)\.'

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${STF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/stf-mamba}
bin=${STF_BIN:-/usr/local/bin}
roots=${STF_POD_ROOTS:-/runpod-volume/data:/workspace/data}
data_root=''
phase=a
verify=yes
pod_options=()

say() { printf '== %s\n' "$*"; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

while (($# > 0)); do
  case $1 in
    --help | -h)
      usage
      exit 0
      ;;
    --skip-verify)
      verify=no
      shift
      ;;
    --data-root | --budget | --price | --phase)
      (($# > 1)) || fail "$1: expected a value"
      case $1 in
        --data-root) data_root=$2 ;;
        --phase) phase=$2 ;;
        *) pod_options+=("$1" "$2") ;;
      esac
      shift 2
      ;;
    *) fail "unknown option \"$1\"; --help lists them" ;;
  esac
done

# A face crop in it, flat or in crops/: find stops at the first.
holds_crops() {
  [[ -d $1 ]] || return 1
  [[ -n $(find -L "$1" -maxdepth 1 -name '*_crops.npz' -print -quit) ]] && return 0
  [[ -d $1/crops && -n $(find -L "$1/crops" -maxdepth 1 -name '*.npz' -print -quit) ]]
}

find_data() {
  local root folder
  if [[ -n $data_root ]]; then
    holds_crops "$data_root" || fail "--data-root: no face crops in $data_root; expected <id>_crops.npz, or a folder crops/"
    (cd "$data_root" && pwd)
    return
  fi
  local IFS=:
  for root in $roots; do
    for folder in "$root" "$root/preprocessed"; do
      if holds_crops "$folder"; then
        printf '%s\n' "$folder"
        return
      fi
    done
  done
  if holds_crops "$project/data"; then
    printf '%s\n' "$project/data"
    return
  fi
  fail "no face crops in ${roots//:/ or }; put <id>_crops.npz and <id>_landmarks.npz there (README, \"Your own data\"), or give --data-root"
}

link_data() {
  local found=$1 link=$project/data
  if [[ $found == "$link" ]]; then
    say "data: $link, as it was"
  elif [[ -L $link || ! -e $link ]]; then
    ln -sfn "$found" "$link"
    say "data: $link -> $found"
  else
    fail "$link is a folder of its own and $found holds face crops too; move one of them away, or give --data-root $link"
  fi
}

as_root() {
  if (($(id -u) == 0)); then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 1
  fi
}

has_gpu() { command -v nvidia-smi >/dev/null; }

# Programs that the steps below need, from Debian's or Ubuntu's packages.
install_programs() {
  local missing=() program
  for program in "$@"; do command -v "$program" >/dev/null || missing+=("$program"); done
  ((${#missing[@]} > 0)) || return 0
  local packages=()
  for program in "${missing[@]}"; do
    case $program in
      pip3) packages+=(python3-pip) ;;
      curl) packages+=(curl ca-certificates) ;;
      *) packages+=("$program") ;;
    esac
  done
  say "installing ${packages[*]}"
  if ! command -v apt-get >/dev/null || ! as_root apt-get update -qq ||
    ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null; then
    return 1
  fi
}

node_is_fit() { command -v node >/dev/null && [[ $(node --version) =~ $NODE_SUPPORTED ]] && command -v npm >/dev/null; }

install_node() {
  local arch name folder mirror draft
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) fail "no Node for $(uname -m); install Node 20, 22 or 24 by hand" ;;
  esac
  name=node-v$NODE_VERSION-linux-$arch
  folder=$cache/$name
  mirror=${STF_NODE_MIRROR:-https://nodejs.org/dist}
  if [[ ! -x $folder/bin/node ]]; then
    install_programs curl || fail 'curl is missing and could not be installed; install it, or Node 20, by hand'
    say "fetching Node $NODE_VERSION from $mirror"
    mkdir -p "$cache"
    draft=$(mktemp -d "$cache/node.XXXXXX")
    # shellcheck disable=SC2064  # the folder as it is called now
    trap "rm -rf '$draft'" EXIT
    local file
    for file in SHASUMS256.txt "$name.tar.gz"; do
      curl -fsSL --retry 3 --connect-timeout 20 -o "$draft/$file" "$mirror/v$NODE_VERSION/$file" ||
        fail "cannot fetch $mirror/v$NODE_VERSION/$file; check the network, set STF_NODE_MIRROR, or install Node 20 by hand"
    done
    (cd "$draft" && grep " $name.tar.gz\$" SHASUMS256.txt | sha256sum --check --status) ||
      fail "$name.tar.gz does not have the checksum that $mirror names; try again later"
    tar -xzf "$draft/$name.tar.gz" -C "$draft"
    rm -rf "$folder"
    mv "$draft/$name" "$folder"
    rm -rf "$draft"
    trap - EXIT
  fi
  export PATH=$folder/bin:$PATH
  node_is_fit || fail "$folder/bin/node does not run on this machine; install Node 20 by hand"
  # For the shells to come. Without the right to write there the PATH has to be set by hand.
  local program
  for program in node npm npx; do
    if ! as_root ln -sfn "$folder/bin/$program" "$bin/$program" 2>/dev/null; then
      say "add Node to your PATH: export PATH=$folder/bin:\$PATH"
      break
    fi
  done
}

set_up() {
  # The set-up builds the native engine with these; without them it says so and takes the slower one.
  install_programs python3 pip3 g++ || say 'python3, pip3 or g++ is missing and could not be installed: the native engine may not be built'
  local installed=$project/node_modules/.package-lock.json
  if [[ ! -e $installed || $project/package-lock.json -nt $installed ]]; then
    (cd "$project" && npm ci) || fail 'npm ci failed; its messages above say why'
    touch "$installed"
  else
    say 'npm packages: there already'
  fi
  # Left to choose, the set-up takes the CPU's engine, which runs everywhere: on a GPU's machine that wastes its price.
  local engine=()
  if has_gpu; then engine=(-- --engine tensorflow-cuda); fi
  (cd "$project" && npm run --silent setup "${engine[@]}") || fail 'the set-up failed; its messages above say why'
}

# Looked for first: without data, nothing has to be installed.
found=$(find_data) || exit 2
if has_gpu; then
  say "GPU: $(nvidia-smi --query-gpu=name,memory.total --format=csv,noheader 2>&1 | head -n 1)"
else
  say 'GPU: none found (no nvidia-smi)'
fi

if node_is_fit; then say "Node $(node --version): there already"; else install_node; fi
set_up
link_data "$found"

cd "$project"
config=configs/v8_debug.yaml
if has_gpu; then
  config=configs/pod.yaml
  made=$(node pipeline/pod.js --phase "$phase" "${pod_options[@]}") || exit 2
  say "$(grep '^config ' <<<"$made")"
fi

if [[ $verify == yes ]]; then
  say 'reading the data'
  node pipeline/verify-data.js data --config "$config" ||
    fail 'the data cannot be used as it is; mend what is listed above and run this again'
fi
say 'ready'
node pipeline/pod.js --phase "$phase" --data-root data "${pod_options[@]}"
