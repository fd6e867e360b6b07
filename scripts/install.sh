# Sourced by scripts/start and scripts/test with $root set: installs the packages when they do not fit
# package-lock.json, and sets $node to a Node 24, which comes as an npm package.

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
major_of() { "$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0; }

command -v node >/dev/null || fail "Node is missing: install Node 18 or newer with npm (https://nodejs.org)."
command -v npm >/dev/null || fail "npm is missing: it comes with Node (https://nodejs.org)."
[ "$(major_of node)" -ge 18 ] || fail "Node $(node --version) is too old: install Node 18 or newer."

complete=yes
if ! node "$root/scripts/installed.mjs" "$root"; then
  complete=unknown
  say "Installing the packages of package-lock.json (npm ci) ..."
  (cd "$root" && npm ci --no-audit --no-fund --loglevel=error >&2) || fail "npm ci failed; its message is above."
fi

node="$root/node_modules/.bin/node"
if [ "$(major_of "$node")" -ne 24 ]; then
  # npm 12 runs no install scripts unless told to; the package `node` fetches its executable by one.
  say "Fetching Node 24 (npm package node) ..."
  (cd "$root/node_modules/node" && node installArchSpecificPackage >&2) || true
fi
if [ "$(major_of "$node")" -ne 24 ]; then
  [ "$(major_of node)" -ge 24 ] || fail "The npm package node has no Node 24 for $(uname -sm): install Node 24 yourself and start again."
  node="$(command -v node)"
fi

if [ "$complete" != yes ] && ! node "$root/scripts/installed.mjs" "$root"; then
  # npm leaves out the optional packages for which its own Node is too old. Node 24 is there by now, and npm runs on it as well.
  say "Adding the packages that Node $(node --version) is too old for (npm install) ..."
  (cd "$root" && PATH="$root/node_modules/.bin:$PATH" npm install --no-save --no-audit --no-fund --loglevel=error >&2) || fail "npm install failed; its message is above."
fi
