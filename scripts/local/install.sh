# Sourced by scripts/start and scripts/test with $root and $scope set (running: what a start needs; everything: what
# the tests need, too): installs the packages that are missing by package-lock.json, and sets $node to a Node 24.

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
major_of() { "$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0; }

command -v node >/dev/null || fail "Node is missing: install Node 18 or newer with npm (https://nodejs.org)."
command -v npm >/dev/null || fail "npm is missing: it comes with Node (https://nodejs.org)."
[ "$(major_of node)" -ge 18 ] || fail "Node $(node --version) is too old: install Node 18 or newer."

own_node="$root/node_modules/node/bin/node"
stamp="$root/node_modules/.facepass-installed"

# 0: everything is there, 1: install anew, 3: what is there is whole, and packages are missing.
compare() { node "$root/scripts/local/installed.mjs" "$root" "$scope" "$@"; }
# A start takes the machine's Node 24, if it has one; the tests run on the version of package.json.
has_node() { [ -x "$own_node" ] || { [ "$scope" = running ] && [ "$(major_of node)" -eq 24 ]; }; }

# The kernel holds the lock as long as a process has descriptor 9 open. npm inherits it, so that one which outlives
# a killed start keeps the next start waiting, and a lock never outlives its last process.
lock() {
  if command -v flock >/dev/null; then
    flock -n 9 || { say "Another start is installing the packages: waiting for it ..."; flock 9; }
  elif command -v perl >/dev/null; then
    perl -e 'use Fcntl ":flock"; open(my $file, "<&=", 9) and flock($file, LOCK_EX) or exit 1'
  else
    say "This machine has neither flock nor perl: start Facepass only once at a time until the packages are installed."
  fi
}

with_addresses="$root/npm-shrinkwrap.json"

# What ./scripts/test has installed stays.
has_development_packages() { grep -q '"dev": true' "$root/node_modules/.package-lock.json" 2>/dev/null; }

run_npm() {
  if [ "$with_development_packages" = no ]; then set -- "$@" --omit=dev; fi
  set -- "$@" --ignore-scripts --no-audit --no-fund --loglevel=error
  node "$root/scripts/local/addresses.mjs" "$root"
  result=0
  (cd "$root" && npm "$@" >&2) || result=$?
  rm -f "$with_addresses"
  [ "$result" -ne 0 ] || return 0
  say "Once more, asking the registry for the address of each package ..."
  (cd "$root" && npm "$@" >&2)
}

fetch_node() {
  name="$(node -p '(process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node") + `-${process.platform}-${process.arch}`')"
  version="$(node -p 'require(process.argv[1]).version' "$root/node_modules/node/package.json")"
  say "Fetching Node $version (npm package $name) ..."
  (
    cd "$root/node_modules/node" &&
      npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error "$name@$version" >&2 &&
      mkdir -p bin && mv -f "node_modules/$name/bin/node" bin/node.part && mv -f bin/node.part bin/node &&
      rm -rf node_modules && ln -sf ../node/bin/node ../.bin/node
  )
}

install_packages() {
  state=0
  compare || state=$?
  [ "$state" -ne 0 ] || ! has_node || return 0
  rm -f "$stamp" "$with_addresses"
  with_development_packages=yes
  if [ "$scope" = running ] && ! has_development_packages; then with_development_packages=no; fi
  if [ "$state" -eq 3 ]; then
    say "Adding the packages that are missing (npm install) ..."
    run_npm install --no-save || fail "npm install failed; its message is above."
  elif [ "$state" -ne 0 ]; then
    say "Installing the packages of package-lock.json (npm ci) ..."
    run_npm ci || fail "npm ci failed; its message is above."
  fi
  has_node || fetch_node || [ "$(major_of node)" -ge 24 ] ||
    fail "npm has no Node 24 for $(uname -sm): install Node 24 yourself and start again."
  if ! compare --finish; then
    # npm leaves out the optional packages for which its own Node is too old.
    say "Adding the packages that Node $(node --version) is too old for (npm install) ..."
    PATH="$root/node_modules/.bin:$PATH" run_npm install --no-save || fail "npm install failed; its message is above."
    compare --finish || fail "npm did not install all packages of package-lock.json: delete node_modules and start again."
  fi
}

if ! compare || ! has_node; then
  trap 'exit 130' INT TERM
  (
    trap 'exit 130' INT TERM
    lock && install_packages
  ) 9<"$root/package-lock.json" || exit 1
  trap - INT TERM
fi
if [ -x "$own_node" ]; then node="$own_node"; else node="$(command -v node)"; fi
