// Exit code 0 when node_modules holds just what package-lock.json asks for, else 1. Runs on Node 18, before any
// install. npm writes what it installed into node_modules/.package-lock.json, so an `npm install` by hand is noticed
// too.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = process.argv[2] ?? '.';

function packagesOf(path) {
  try {
    const { packages } = JSON.parse(readFileSync(join(root, path), 'utf8'));
    return new Map(
      Object.entries(packages).filter(
        ([place]) => place.startsWith('node_modules/') || place.includes('/node_modules/'),
      ),
    );
  } catch {
    return null;
  }
}

const wanted = packagesOf('package-lock.json');
const installed = packagesOf('node_modules/.package-lock.json');
const same = (a, b) => a?.version === b?.version && a?.integrity === b?.integrity && a?.link === b?.link;
const leftOut = (place, entry) => entry.optional && !installed.has(place) && !isForThisMachine(entry);
const complete =
  wanted &&
  installed &&
  [...wanted].every(([place, entry]) => same(entry, installed.get(place)) || leftOut(place, entry));
const nothingElse = complete && [...installed.keys()].every((place) => wanted.has(place));
process.exitCode = nothingElse ? 0 : 1;

/**
 * npm leaves an optional package out without a word when its own Node is too old for it: 18 for sharp's and rolldown's
 * libraries.
 */
function isForThisMachine({ os, cpu, libc }) {
  return (
    Boolean(os && cpu) &&
    allows(os, process.platform) &&
    allows(cpu, process.arch) &&
    (!libc || allows(libc, kindOfLibc()))
  );
}

function allows(names, name) {
  return names.includes(name) || (names.every((other) => other.startsWith('!')) && !names.includes(`!${name}`));
}

function kindOfLibc() {
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
}
