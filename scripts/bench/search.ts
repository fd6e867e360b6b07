import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { buildBareScan } from './search/bare-scan.ts';
import { benchIngest } from './search/ingest.ts';
import { benchSearchSpeed } from './search/search-speed.ts';

const USAGE = `Measures search and ingest on a PostgreSQL server and prints Markdown. It creates databases of its own and drops them.

  node scripts/bench/search.ts [--database URL] [--faces 1000000] [--dimension 512,128] [--only search,ingest]

--database, or FACEPASS_TEST_DATABASE_URL, names a server and a role that may create databases and the extension vector.
A million faces of 512 dimensions take 5 GB of its disk meanwhile. Without a C compiler (CC, else cc) the bare scan is left out. Times depend on the machine and its other work: compare only within a run.`;

const { values: options } = parseArgs({
  options: {
    database: { type: 'string', default: process.env['FACEPASS_TEST_DATABASE_URL'] },
    faces: { type: 'string', default: '1000000' },
    dimension: { type: 'string', default: '512,128' },
    only: { type: 'string', default: 'search,ingest' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help || !options.database) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(options.help ? 0 : 2);
}
const server = options.database;
const total = Number(options.faces);
if (!Number.isSafeInteger(total) || total < 120_000)
  throw new RangeError(`--faces: a whole number of at least 120,000 (got ${options.faces})`);
const dimensions = options.dimension.split(',').map(Number);
const wanted = new Set(options.only.split(','));

const directory = await mkdtemp(join(tmpdir(), 'facepass-bench-search-'));
try {
  const scanner = buildBareScan(directory);
  print(await describeServer());
  if (wanted.has('search')) {
    for (const dimension of dimensions) print(await benchSearchSpeed({ server, dimension, total, scanner, directory }));
  }
  const dimension = dimensions[0]!;
  if (wanted.has('ingest')) print(`### Ingest, ${dimension} dimensions\n\n${await benchIngest(server, dimension)}`);
} finally {
  await rm(directory, { recursive: true });
}

async function describeServer(): Promise<string> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  const { rows } = await client.query(`
    select split_part(version(), ' on ', 1) as version, current_setting('shared_buffers') as buffers, current_setting('work_mem') as work_mem,
           current_setting('jit') as jit, (select default_version from pg_available_extensions where name = 'vector') as pgvector`);
  await client.end();
  const { version, buffers, work_mem, jit, pgvector } = rows[0];
  return `${version}, pgvector ${pgvector}, shared_buffers ${buffers}, work_mem ${work_mem}, jit ${jit}; ${cpus().length} × ${cpus()[0]?.model}.`;
}

function print(markdown: string): void {
  process.stdout.write(`${markdown}\n\n`);
}
