import { isBuiltin } from 'node:module';
import { dirname, join, normalize } from 'node:path/posix';

/** One TypeScript file: its path from the root of the repository, and its text. */
export interface SourceFile {
  path: string;
  text: string;
}

export interface Import {
  from: string;
  specifier: string;
  /** `import type`: gone at run time, so it ties nothing together but names. */
  typeOnly: boolean;
}

/** What each folder may import of the others; `scripts/`, tests and benches may import all. */
const LIBRARIES: Record<string, string[]> = {
  'services/contracts': [],
  'services/runtime': [],
  'services/client': ['contracts'],
  'services/console': ['contracts', 'client'],
  'services/cli': ['contracts', 'runtime', 'client'],
  'services/indexing': ['contracts', 'runtime'],
  'services/api': ['contracts', 'runtime', 'indexing'],
  'services/indexer': ['contracts', 'runtime', 'indexing'],
  'services/inference': ['contracts', 'runtime'],
  'services/migrator': ['contracts', 'runtime'],
  'services/operator': ['contracts', 'runtime'],
  models: ['contracts'],
};

/**
 * The rooms of a service, and which others each may import. A room also imports those files beside it that `ground`
 * names; a file in no room may import all.
 */
const ROOMS: Record<string, { folder?: string; ground: string[]; rooms: Record<string, string[]> }> = {
  'services/console': {
    folder: 'src/',
    ground: ['src/service.ts'],
    rooms: {
      styles: [],
      parts: [],
      photos: ['parts'],
      faces: ['parts', 'photos'],
      guest: ['parts', 'photos', 'faces', 'styles'],
      console: ['parts', 'photos', 'faces', 'styles'],
    },
  },
  'services/inference': {
    ground: ['config.ts'],
    rooms: { serving: ['seeing'], seeing: [] },
  },
  'services/operator': {
    ground: ['config.ts'],
    rooms: {
      decide: [],
      kubernetes: [],
      objects: ['decide', 'kubernetes'],
      observe: ['decide', 'objects', 'kubernetes'],
    },
  },
};

/** Words that several files of a service speak; every other library has one importer in each service. */
const VOCABULARY = [
  'zod',
  '@opentelemetry/api',
  'express',
  '@grpc/grpc-js',
  'nice-grpc',
  'nice-grpc-common',
  'preact',
  'preact/hooks',
  '@preact/signals',
];

/** The one place of a library that has a name of its own in the design. */
const HOMES: Record<string, RegExp> = {
  pg: /^services\/(indexing\/db\/|migrator\/[a-z-]+\.ts$|cli\/database\.ts$)/,
  sharp: /\/image\.ts$/,
  'onnxruntime-node': /\/models\.ts$/,
  '@kubernetes/client-node': /\/cluster\.ts$/,
};

/** All imports and re-exports of a file, static and dynamic. */
export function importsOf({ path, text }: SourceFile): Import[] {
  const statement =
    /^[ \t]*(import|export)\s+(type\s+)?(?:[\w$*\s{},]+?\s+from\s+)?['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]/gm;
  return [...text.matchAll(statement)].map((match) => ({
    from: path,
    specifier: match[3] ?? match[4] ?? '',
    typeOnly: match[2] !== undefined,
  }));
}

/** Every breach of the import rule (docs/decisions/0002-import-rule.md) in `files`, one sentence each. */
export function breachesOf(files: SourceFile[], dependencies: Map<string, string[]>): string[] {
  const imports = files.filter(({ path }) => !mayCross(path)).flatMap(importsOf);
  return [
    ...imports.flatMap(folderBreach),
    ...imports.flatMap(layerBreach),
    ...imports.flatMap(roomBreach),
    ...imports.flatMap((one) => dependencyBreach(one, dependencies)),
    ...importerBreaches(imports),
    ...cycles(imports),
  ];
}

function mayCross(path: string): boolean {
  return /\.(test|bench)\.tsx?$/.test(path) || /(^|\/)(tests|scripts)\//.test(path);
}

function folderOf(path: string): string {
  return path
    .split('/')
    .slice(0, path.startsWith('services/') ? 2 : 1)
    .join('/');
}

/** The path a relative import names, else null. */
function targetOf({ from, specifier }: Import): string | null {
  return specifier.startsWith('.') ? normalize(join(dirname(from), specifier)) : null;
}

function folderBreach(one: Import): string[] {
  const folder = folderOf(one.from);
  const allowed = LIBRARIES[folder];
  if (!allowed) return [`${one.from}: the folder ${folder} has no place in the import rule`];
  const target = targetOf(one);
  if (target && folderOf(target) !== folder) return [`${one.from} reaches into ${folderOf(target)} (${one.specifier})`];
  const library = /^@facepass\/([^/]+)/.exec(one.specifier)?.[1];
  return library && !allowed.includes(library) ? [`${one.from} imports @facepass/${library}; ${folder} may not`] : [];
}

/** main → app | server | watch → routes → db | client → pure: nobody imports upwards. */
function layerBreach(one: Import): string[] {
  const target = targetOf(one);
  if (!target || one.typeOnly || !one.from.startsWith('services/')) return [];
  const [from, to] = [layerOf(one.from), layerOf(target)];
  return from > to ? [`${one.from} imports upwards: ${one.specifier}`] : [];
}

/** Also of types: a room that knows only the names of another still cannot be read without it. */
function roomBreach(one: Import): string[] {
  const target = targetOf(one);
  const service = ROOMS[folderOf(one.from)];
  if (!target || !service || folderOf(target) !== folderOf(one.from)) return [];
  const [from = '', to = ''] = [one.from, target].map((path) => path.split('/').slice(2).join('/'));
  const [room, other] = [roomOf(from, service.folder), roomOf(to, service.folder)];
  if (room === null || room === other) return [];
  const allowed = service.rooms[room];
  if (!allowed) return [`${one.from}: the room ${room} has no place in the import rule`];
  if (other === null) return service.ground.includes(to) ? [] : [`${one.from} imports ${to}, which no room may import`];
  return allowed.includes(other) ? [] : [`${one.from} imports from ${other}; ${room} may not`];
}

function roomOf(inside: string, folder = ''): string | null {
  const [room, file] = inside.startsWith(folder) ? inside.slice(folder.length).split('/') : [];
  return room && file ? room : null;
}

function layerOf(path: string): number {
  const inside = path.split('/').slice(2).join('/');
  if (inside === 'main.ts') return 0;
  if (/^(app|server|watch|serving\/server)\.ts$/.test(inside)) return 1;
  if (inside.startsWith('routes/')) return 2;
  return 3;
}

function packageOf(specifier: string): string | null {
  if (specifier.startsWith('.') || specifier.startsWith('@facepass/') || isBuiltin(specifier)) return null;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function dependencyBreach(one: Import, dependencies: Map<string, string[]>): string[] {
  const name = packageOf(one.specifier);
  const folder = folderOf(one.from);
  return name && !dependencies.get(folder)?.includes(name)
    ? [`${one.from} imports ${name}, which ${folder}/package.json does not list`]
    : [];
}

function importerBreaches(imports: Import[]): string[] {
  const importers = new Map<string, Set<string>>();
  for (const one of imports) {
    const name = packageOf(one.specifier);
    if (!name || one.typeOnly || VOCABULARY.includes(one.specifier) || VOCABULARY.includes(name)) continue;
    const place = name === 'pg' ? one.from.replace(/\/db\/.*/, '/db/') : one.from;
    const key = `${folderOf(one.from)} ${name}`;
    importers.set(key, (importers.get(key) ?? new Set()).add(place));
  }
  return [...importers].flatMap(([key, places]) => {
    const [folder, name = ''] = key.split(' ');
    const home = HOMES[name];
    const strangers = home ? [...places].filter((place) => !home.test(place)) : [];
    if (strangers.length > 0) return [`${strangers.join(', ')} imports ${name}, whose place is ${home?.source}`];
    return places.size > 1 ? [`${name} has ${places.size} importers in ${folder}: ${[...places].join(', ')}`] : [];
  });
}

function cycles(imports: Import[]): string[] {
  const edges = new Map<string, string[]>();
  for (const one of imports) {
    const target = targetOf(one);
    if (target) edges.set(one.from, [...(edges.get(one.from) ?? []), target]);
  }
  const found: string[] = [];
  const finished = new Set<string>();
  const visit = (path: string, trail: string[]) => {
    const start = trail.indexOf(path);
    if (start >= 0) return void found.push(`a circle of imports: ${[...trail.slice(start), path].join(' → ')}`);
    if (finished.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    finished.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return found;
}
