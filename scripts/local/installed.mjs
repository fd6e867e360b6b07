// Compares node_modules with package-lock.json: node installed.mjs ROOT running|everything [--finish]
// Exit code 0: all packages of the scope are there; 3: some are missing and the others are whole; 1: install anew.
// --finish, after an install: deletes the libraries for other machines and notes that npm came to its end.
// Runs on Node 18, before any install.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [root = '.', scope = 'everything', option] = process.argv.slice(2);
const LIST = join(root, 'node_modules/.package-lock.json');
const STAMP = join(root, 'node_modules/.facepass-installed');
/** Its executable comes after npm's end. */
const OWN_NODE = 'node_modules/node';

function compare() {
  const locked = packagesOf(join(root, 'package-lock.json'));
  const installed = packagesOf(LIST);
  if (!locked || !installed || !isFinished(installed)) return 1;
  const fits = [...installed].every(([place, entry]) => same(entry, locked.get(place)) && isWhole(place, entry));
  if (!fits) return 1;
  const wanted = [...locked].filter(([, { dev }]) => scope === 'everything' || !dev);
  return wanted.every(([place, entry]) => installed.has(place) || mayBeLeftOut(entry)) ? 0 : 3;
}

function packagesOf(path) {
  try {
    const { packages } = JSON.parse(readFileSync(path, 'utf8'));
    return new Map(Object.entries(packages).filter(([place]) => /(^|\/)node_modules\//.test(place)));
  } catch {
    return null;
  }
}

/**
 * npm writes its list at the end, and deletes it late: beside folders that an npm left half empty when it was killed
 * may lie an old list. Neither it nor our stamp is believed when a package was written or deleted from after it.
 */
function isFinished(installed) {
  const isStamped = existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hashOfList();
  const time = statSync(isStamped ? STAMP : LIST).mtimeMs;
  return [...installed].every(([place, { link }]) => link || place === OWN_NODE || isOlder(join(root, place), time));
}

function isOlder(path, time) {
  return existsSync(path) && statSync(path).mtimeMs <= time;
}

function isWhole(place, { version, link }) {
  try {
    return link || JSON.parse(readFileSync(join(root, place, 'package.json'), 'utf8')).version === version;
  } catch {
    return false;
  }
}

function same(entry, other) {
  return other && entry.version === other.version && entry.integrity === other.integrity && entry.link === other.link;
}

function hashOfList() {
  return createHash('sha256').update(readFileSync(LIST)).digest('hex');
}

/** npm leaves an optional package out without a word when its own Node is too old for it: 18 for sharp's libraries. */
function mayBeLeftOut({ optional, devOptional, os, cpu, libc }) {
  if (!optional && !devOptional) return false;
  const isForThisMachine =
    os && cpu && allows(os, process.platform) && allows(cpu, process.arch) && (!libc || allows(libc, kindOfLibc()));
  return !isForThisMachine;
}

function allows(names, name) {
  return names.includes(name) || (names.every((other) => other.startsWith('!')) && !names.includes(`!${name}`));
}

function kindOfLibc() {
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
}

/** onnxruntime-node carries 245 MB of libraries for systems that this one is not. */
function deleteForeignLibraries() {
  const systems = join(root, 'node_modules/onnxruntime-node/bin/napi-v6');
  for (const system of foldersOf(systems))
    for (const processor of foldersOf(join(systems, system)))
      if (system !== process.platform || processor !== process.arch)
        rmSync(join(systems, system, processor), { recursive: true });
}

function foldersOf(path) {
  return existsSync(path) ? readdirSync(path) : [];
}

if (option === '--finish') {
  deleteForeignLibraries();
  writeFileSync(`${STAMP}.part`, hashOfList());
  renameSync(`${STAMP}.part`, STAMP);
}
process.exitCode = compare();
