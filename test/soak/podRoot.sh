#!/usr/bin/env bash
# Runs pipeline/setup_pod.sh as it is in a bare Debian, with real programs, packages and downloads: first without a GPU,
# then with a stand-in for nvidia-smi, each twice. Says what it checked and ends with 1 at the first thing that is wrong.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: bash test/soak/podRoot.sh [--cpu-only]

Makes a minimal Debian in a temporary folder, puts the last commit of this project and a few drawn clips into it, and
runs setup_pod.sh there. Needs root, debootstrap, git, a compiled checkout, and the network: 1 GB with --cpu-only;
without it also the CUDA libraries, 3 GB more and 12 GB of disk for a while. Most of the time goes into downloading and
installing packages, so it depends on the network, the mirrors and the disk: some ten minutes with --cpu-only where
these are fast, several times that where they are not.

Environment: POD_SUITE (bookworm), POD_MIRROR (http://deb.debian.org/debian), POD_KEEP=1 keeps the folder;
STF_NODE_MIRROR as for setup_pod.sh, a file:// one is copied into the Debian; proxies and certificates are passed on.
TEXT
}

cpu_only=no
case ${1-} in
  '') ;;
  --cpu-only) cpu_only=yes ;;
  --help | -h)
    usage
    exit 0
    ;;
  *)
    usage >&2
    exit 2
    ;;
esac

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/pod-root.XXXXXX")
root=$work/root
log=$work/last.log
trap '[[ -n ${POD_KEEP-} ]] || rm -rf --one-file-system "$work"' EXIT

say() { printf -- '-- %s\n' "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# Mounts end with the namespace, whatever happens; so do processes.
inside() {
  unshare --mount --pid --fork chroot "$root" /usr/bin/env -i "${environment[@]}" /bin/sh -c \
    'mount -t proc proc /proc && mount -t devpts devpts /dev/pts && mount -t tmpfs tmpfs /dev/shm &&
    cd /root/stf-mamba && exec "$@"' sh "$@"
}

# Its exit code comes first.
set_up() {
  local begun=$SECONDS code=0
  say setup_pod.sh
  inside bash pipeline/setup_pod.sh --budget 5 2>&1 | tee "$log" | sed -u 's/^/   /' || code=$?
  say "ended with $code after $((SECONDS - begun)) s"
  ((code == $1)) || fail "setup_pod.sh did not end with $1"
}
said() { grep -qF -- "$1" "$log" || fail "it did not say: $1"; }
never_said() { ! grep -qE -- "$1" "$log" || fail "it said: $(grep -E -- "$1" "$log" | head -n 1)"; }

# What a set-up leaves: engines and packages by time and size, so that what was made again shows; texts by content.
left_behind() {
  (cd "$root/root" && find .cache/stf-mamba stf-mamba/node_modules/.package-lock.json -printf '%p %s %T@\n' | sort &&
    sha256sum stf-mamba/configs/* && readlink stf-mamba/data && ls -l "$root/usr/local/bin")
}
unchanged() {
  left_behind >"$work/after"
  diff "$work/before" "$work/after" >&2 || fail 'the second time changed files'
  never_said '== installing|: installing into|fetching|downloading|compiling'
  said 'npm packages: there already'
}

((EUID == 0)) || fail 'needs root, for debootstrap and chroot'
command -v debootstrap >/dev/null || fail 'debootstrap is missing: apt-get install debootstrap'

say "a bare Debian in $root"
debootstrap --variant=minbase "${POD_SUITE:-bookworm}" "$root" "${POD_MIRROR:-http://deb.debian.org/debian}" >"$log" ||
  fail "debootstrap: $(tail -n 3 "$log")"
for program in node npm python3 g++ curl; do
  ! chroot "$root" sh -c "command -v $program" >/dev/null || fail "$program is there before the set-up"
done

environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root NO_COLOR=1)
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY NPM_CONFIG_REGISTRY PIP_INDEX_URL; do
  if [[ -n ${!name-} ]]; then environment+=("$name=${!name}"); fi
done
for name in NODE_EXTRA_CA_CERTS PIP_CERT CURL_CA_BUNDLE; do
  if [[ -n ${!name-} ]]; then
    install -D "${!name}" "$root/etc/pod-root/$name.pem"
    environment+=("$name=/etc/pod-root/$name.pem")
  fi
done
case ${STF_NODE_MIRROR-} in
  '') ;;
  file://*)
    mkdir -p "$root/srv"
    cp -r "${STF_NODE_MIRROR#file://}" "$root/srv/node"
    environment+=(STF_NODE_MIRROR=file:///srv/node)
    ;;
  *) environment+=("STF_NODE_MIRROR=$STF_NODE_MIRROR") ;;
esac

mkdir -p "$root/root/stf-mamba" "$root/runpod-volume"
git -C "$project" archive HEAD | tar -x -C "$root/root/stf-mamba"
node -e "
  const people = { train: 3, val: 2, test: 0 };
  import('$project/dist/pipeline/demo/demoData.js').then(({ writeDemoData }) =>
    writeDemoData(process.argv[1], { people, size: 96, runs: 4, runLength: 8 }));
" "$root/runpod-volume/data"

set_up 0
said 'GPU: none found'
said 'fetching Node'
said '5 samples, 5 usable'
said '== ready'
said 'node pipeline/train.js --config configs/v8_debug.yaml'
said 'engine: tensorflow '
[[ $(readlink "$root/root/stf-mamba/data") == /runpod-volume/data ]] || fail './data is no link to the volume'
inside node --version >/dev/null || fail 'node is not on the PATH'
left_behind >"$work/before"
set_up 0
unchanged
say 'trains two steps'
inside node pipeline/train.js --config configs/v8_debug.yaml --phase a --data-root data --max-steps 2 --out runs/two \
  >"$log" 2>&1 || fail "training: $(tail -n 5 "$log")"
said 'stopped (max_steps) after step 2'

if [[ $cpu_only == no ]]; then
  cat >"$root/usr/local/bin/nvidia-smi" <<'TEXT'
#!/bin/sh
case $* in
  *compute_cap*) echo 'NVIDIA GeForce RTX 4090, 8.9, 24564, GPU-00000000-0000-0000-0000-000000000000' ;;
  *) echo 'NVIDIA GeForce RTX 4090, 24564' ;;
esac
TEXT
  chmod +x "$root/usr/local/bin/nvidia-smi"
  set_up 2
  said 'GPU: NVIDIA GeForce RTX 4090'
  said 'engine: tensorflow-cuda '
  said 'error: nvidia-smi names a GPU, but TensorFlow saw none'
  grep -q 'name: tensorflow-cuda' "$root/root/stf-mamba/configs/pod.yaml" || fail 'configs/pod.yaml is not for a GPU'
  left_behind >"$work/before"
  set_up 2
  unchanged
  say 'refuses to train without the GPU that it was set up for'
  code=0
  inside node pipeline/train.js --config configs/pod.yaml --phase a --data-root data --max-steps 2 --out runs/gpu \
    >"$log" 2>&1 || code=$?
  ((code == 2)) || fail "training on a GPU that is not there ended with $code: $(tail -n 5 "$log")"
  said 'TensorFlow sees no GPU'
fi
say 'all as expected'
