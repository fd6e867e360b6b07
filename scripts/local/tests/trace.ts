import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Reason why system calls cannot be traced on this machine, or false. */
export const cannotTrace: string | false =
  spawnSync('strace', ['-D', '-f', '-o', '/dev/null', 'true']).status === 0 ? false : 'needs strace (Linux)';

/** A command that runs the one behind it and writes what it connects to and opens for writing, threads and children too. */
export function tracer(file: string): string[] {
  const calls = [...NETWORK_CALLS, ...OPENING_CALLS, ...WRITING_CALLS].join(',');
  return ['strace', '-D', '-f', '-qq', '-y', '--seccomp-bpf', '-s', '512', '-e', `trace=${calls}`, '-o', file];
}

const NETWORK_CALLS = ['connect', 'sendto', 'sendmsg', 'sendmmsg'];
/** Their flags say whether they write. */
const OPENING_CALLS = ['open', 'openat'];
const WRITING_CALLS = ['creat', 'mkdir', 'mkdirat', 'rename', 'renameat', 'renameat2'];

/** What a traced command reached for. */
export interface Traces {
  /** Network addresses of all connections and datagrams, tried or made: `127.0.0.1:5432`, `[::1]:80`. */
  addresses: Set<string>;
  /** Paths of sockets of this machine. */
  sockets: Set<string>;
  /** Paths of files and folders that were opened for writing, made or renamed. */
  written: Set<string>;
}

export function readTraces(files: string[]): Traces {
  const traces: Traces = { addresses: new Set(), sockets: new Set(), written: new Set() };
  for (const line of files.flatMap((file) => readFileSync(file, 'utf8').split('\n'))) {
    for (const [, port, address] of line.matchAll(/sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\)/g))
      traces.addresses.add(`${address}:${port}`);
    for (const [, port, address] of line.matchAll(/sin6_port=htons\((\d+)\),.*?inet_pton\(AF_INET6, "([^"]+)"/g))
      traces.addresses.add(`[${address}]:${port}`);
    for (const [, path] of line.matchAll(/sa_family=AF_UNIX, sun_path=@?"([^"]*)"/g)) traces.sockets.add(path!);
    for (const path of writtenBy(line)) traces.written.add(path);
  }
  return traces;
}

/** Absolute paths of a traced call that writes: `-y` shows the folder that a path is relative to as `AT_FDCWD</folder>`. */
function writtenBy(line: string): string[] {
  const name = /^\d+ +(\w+)\(/.exec(line)?.[1] ?? '';
  const writes = OPENING_CALLS.includes(name) ? /O_WRONLY|O_RDWR|O_CREAT/.test(line) : WRITING_CALLS.includes(name);
  if (!writes) return [];
  const [call = ''] = line.split(') = ');
  return [...call.matchAll(/(?:<([^>]*)>, )?"([^"]*)"/g)].map(([, folder, path = '']) =>
    path.startsWith('/') || !folder ? path : `${folder}/${path}`,
  );
}
