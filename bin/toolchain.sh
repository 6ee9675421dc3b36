# Sourced by the commands in bin/. Provides Node 26 or newer and the packages of package-lock.json.
#
#   toolchain <name> production|full
#   toolchain_council <argument>…
#
# `production` is enough to run the council; `full` adds the development tools. Puts node and the packages' programs first in PATH.
# Ends the shell with exit code 1 and a message if something is missing. Installs packages only if they do not match
# package-lock.json, and keeps the development tools of a checkout that has them. Concurrent installations wait for each other.
# Reports its progress on stderr: one line on a terminal, JSON lines elsewhere.

toolchain() {
  local name=$1 kind=$2
  toolchain_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
  local modules=$toolchain_root/node_modules
  export PATH=$modules/.bin:$PATH
  # The embedded model's engine is one of the packages; its install script must not download or compile another one.
  export NODE_LLAMA_CPP_SKIP_DOWNLOAD=true
  # Keeps compiled code, which makes every later start about a second faster.
  export NODE_COMPILE_CACHE=$modules/.cache/node
  if toolchain_matches "$kind"; then return; fi

  command -v npm >/dev/null || toolchain_fail "npm is missing. Install Node.js 20 or newer with npm (Debian: apt-get install nodejs npm), then run this again"
  mkdir -p "$toolchain_root/.tmp"
  exec 9>"$toolchain_root/.tmp/install.lock"
  if command -v flock >/dev/null && ! flock -n 9; then
    echo "bin/$name: another installation runs in this folder, waiting for it" >&2
    flock 9
  fi
  if ! toolchain_matches "$kind"; then toolchain_install "$name" "$kind"; fi
  exec 9>&-
}

# Replaces the shell by the council. The flags enlarge node's young generation, so that commands which wait for an append are not
# copied within it again and again (docs/performance.md).
toolchain_council() {
  local flags
  read -ra flags <"$toolchain_root/bin/node-flags"
  exec node "${flags[@]}" "$toolchain_root/src/main.ts" "$@"
}

# Succeeds if everything is installed. It must be fast, because every start runs it: a stamp names the installed lockfile and kind.
toolchain_matches() {
  local stamp=$toolchain_root/node_modules/.council-installed hash kind
  [ -r "$stamp" ] && read -r hash kind <"$stamp" || return 1
  [ "$hash" = "$(toolchain_hash)" ] && [ "$kind" = full -o "$kind" = "$1" ] && toolchain_has_node
}

toolchain_hash() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi <"$toolchain_root/package-lock.json" | cut -c1-64
}

# Succeeds if there is a Node 26 or newer: the node package's binary, which needs no check of its version, or the machine's own.
toolchain_has_node() {
  [ -x "$toolchain_root/node_modules/.bin/node" ] || node -e 'process.exit(parseInt(process.versions.node) >= 26 ? 0 : 1)' 2>/dev/null
}

toolchain_install() {
  local name=$1 kind=$2 found modules=$toolchain_root/node_modules
  # npm runs on the machine's own node, because it replaces the one in node_modules.
  local PATH=${PATH//"$modules/.bin:"/}
  command -v node >/dev/null || toolchain_fail "npm is there, but the node it runs on is not in PATH"
  toolchain_libatomic "$name"
  found=$(toolchain_found)
  if [ "$found" = full ]; then kind=full; fi
  if [ "$found" != full ] && [ "$found" != "$kind" ]; then
    if [ -d "$modules/vitest" ]; then kind=full; fi
    # The bash 3.2 of macOS rejects "${omit[@]}" if the list is empty; the longer form works in every version.
    local omit=()
    if [ "$kind" = production ]; then omit=(--omit=dev); fi
    toolchain_run "$name" 'installing packages' npm ci --no-audit --no-fund --no-update-notifier --prefix "$toolchain_root" ${omit[@]+"${omit[@]}"}
  fi
  # npm may be configured not to run packages' scripts, the default of later versions. The script of this package fetches node's binary.
  if [ ! -x "$modules/.bin/node" ] && [ -f "$modules/node/installArchSpecificPackage.js" ]; then
    (cd "$modules/node" && toolchain_run "$name" 'installing node' node installArchSpecificPackage.js) || true
    if [ -x "$modules/node/bin/node" ]; then ln -sf ../node/bin/node "$modules/.bin/node"; fi
  fi
  if ! PATH=$modules/.bin:$PATH toolchain_has_node; then
    toolchain_fail "Node 26 could not be installed for this machine, and the one here is $(node --version). Install Node 26 or newer, then run this again"
  fi
  echo "$(toolchain_hash) $kind" >"$modules/.council-installed.$$"
  mv "$modules/.council-installed.$$" "$modules/.council-installed"
}

# Node 26 for Linux is linked against libatomic, which a minimal Debian does not have.
toolchain_libatomic() {
  command -v ldconfig >/dev/null || return 0
  if ldconfig -p | grep -q 'libatomic\.so\.1'; then return; fi
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    toolchain_fail "libatomic.so.1 is missing, which Node 26 needs. Install it (Debian: apt-get install libatomic1), then run this again"
  fi
  toolchain_run "$1" 'installing libatomic1' sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libatomic1'
}

# The kind of an installation without a stamp: full, production, or none if it does not match package-lock.json.
toolchain_found() {
  (cd "$toolchain_root" && node -e '
    const read = (file) => JSON.parse(require("fs").readFileSync(file, "utf8")).packages
    const wanted = Object.entries(read("package-lock.json")).filter(([path]) => path !== "")
    const present = read("node_modules/.package-lock.json")
    const same = ([path, { version, integrity, optional }]) =>
      present[path] ? present[path].version === version && present[path].integrity === integrity : optional
    const needed = wanted.filter(([, { dev, devOptional }]) => !dev && !devOptional)
    console.log(wanted.every(same) ? "full" : needed.every(same) ? "production" : "none")
  ' 2>/dev/null) || echo none
}

# Runs a command that may take minutes. Shows its progress, and its output only if it fails.
toolchain_run() {
  local name=$1 label=$2 started=$SECONDS output command ticker status=0
  shift 2
  output=$(mktemp)
  "$@" >"$output" 2>&1 </dev/null 9>&- &
  command=$!
  toolchain_ticks "$name" "$label" "$started" 9>&- &
  ticker=$!
  trap 'kill "$command" "$ticker" 2>/dev/null || true; wait "$command" || true; rm -f "$output"; exit 130' INT TERM HUP
  wait "$command" || status=$?
  trap - INT TERM HUP
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  if [ "$status" != 0 ]; then
    if [ -t 2 ]; then echo >&2; fi
    head -n 60 "$output" >&2
    rm -f "$output"
    toolchain_fail "$label failed (exit code $status): $*"
  fi
  rm -f "$output"
  if [ -t 2 ]; then printf '\r\033[2Kbin/%s: %s took %d s\n' "$name" "$label" $((SECONDS - started)) >&2
  else printf '{"progress":"%s","state":"done","elapsedMs":%d}\n' "$label" $(((SECONDS - started) * 1000)) >&2; fi
}

toolchain_ticks() {
  local name=$1 label=$2 started=$3
  while sleep 1 >/dev/null 2>&1; do
    if [ -t 2 ]; then printf '\r\033[2Kbin/%s: %s  %d s' "$name" "$label" $((SECONDS - started)) >&2
    else printf '{"progress":"%s","state":"running","elapsedMs":%d}\n' "$label" $(((SECONDS - started) * 1000)) >&2; fi
  done
}

toolchain_fail() {
  echo "bin/$(basename "$0"): $1." >&2
  exit 1
}
