import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '@facepass/runtime/logger';
import pg from 'pg';
import { createInstallation, textOf, vectorOf } from '../../services/migrator/tests/installation.ts';

/**
 * Takes a database of the field over all schemas and back, checks that nothing is lost, and prints times and sizes, and
 * the space that the migrator said it needs beside what it took at most, temporary files included.
 * `FACEPASS_TEST_DATABASE_URL=postgres://… node scripts/bench/migrations.ts 1000000 --without-hnsw`; 100,000 rows when
 * not told.
 */
const ROWS = Number(process.argv[2] ?? 100_000);
const DIMENSION = 512;
const SESSIONS = Math.ceil(ROWS / 500);
const VECTORS = Math.min(ROWS, 20_000);
const INSERT = `insert into face_embeddings (face_id, photo_id, event_id, session_id, embedding, confidence)
  select n, case when n % 100 <> 50 then 'photo-' || case when n % 100 < 3 and n >= ${SESSIONS} then n - ${SESSIONS} else n end end, n % 7,
    case when n % 100 <> 51 then ('00000000-0000-4000-8000-' || lpad((n % ${SESSIONS})::text, 12, '0'))::uuid end, embedding, (n % 97) / 100.0`;
const HNSW =
  'create index idx_face_embeddings_embedding_hnsw on face_embeddings using hnsw (embedding vector_cosine_ops)';
const FINGERPRINT =
  'select count(*) as rows, sum(hashtextextended(f::text, 0)::numeric) as hash from face_embeddings f';

if (!process.env['FACEPASS_TEST_DATABASE_URL'])
  throw new Error('FACEPASS_TEST_DATABASE_URL: name a PostgreSQL server; the embedded database is not measured');
await using installation = await createInstallation({ dimension: DIMENSION, batchRows: 1000 });
await using observer = new AsyncDisposableStack();
const administrator = observer.adopt(
  new pg.Pool({
    connectionString: Object.assign(new URL(process.env['FACEPASS_TEST_DATABASE_URL']), {
      pathname: new URL(installation.url).pathname,
    }).href,
    max: 1,
  }),
  (pool) => pool.end(),
);
let steps: string[] = [];
let needed = 0;
installation.context.logger = createLogger('migrator', 'info', {
  write: (line) => {
    const { msg, step, direction, duration_ms, needed_bytes, of_these_wal_bytes } = JSON.parse(line);
    if (needed_bytes) needed = needed_bytes - of_these_wal_bytes;
    if (msg === 'step done' && duration_ms >= 100)
      steps.push(`  ${step} ${direction}: ${(duration_ms / 1000).toFixed(1)} s`);
  },
});

await stage('seed schema 1', seed);
if (!process.argv.includes('--without-hnsw'))
  await stage('its HNSW index', () => installation.query(`set maintenance_work_mem = '1GB'; ${HNSW}`));
const [original] = await installation.query(FINGERPRINT);
await stage('up to schema 2', () => watched(() => installation.up({ to: 2 })));
await stage('up to schema 3', () => watched(() => installation.up()));
await stage('verify', async () => assert.deepEqual(await installation.damage(), []));
await stage('back to schema 2', () => installation.down(2));
await stage('back to schema 1', () => installation.down(1));
assert.deepEqual((await installation.query(FINGERPRINT))[0], original, 'every row is as it was');

await stage('up to schema 3 again', () => installation.up());
const [{ rows: erasedRows }] = await installation.query(
  'select count(*) as rows from face_embeddings_backup_v1 where session_id = $1',
  [sessionId(1)],
);
await stage(`erase a session of ${erasedRows} rows`, () =>
  installation.query(`select erase_session($1, 'bench')`, [sessionId(1)]),
);
await stage('index 1,000 photos', indexPhotos);
await stage('back to schema 1, with them', () => installation.down(1));
const [after] = await installation.query(
  `select count(*) as rows, count(*) filter (where session_id = $1) as erased from face_embeddings`,
  [sessionId(1)],
);
assert.deepEqual(after, { rows: String(Number(original.rows) + 1000 - Number(erasedRows)), erased: '0' });
await stage('up to schema 3, contracted', () => installation.up({ contract: true }));
await stage('back to schema 1 after contraction', () => installation.down(1));
assert.deepEqual((await installation.query('select count(*) as rows from face_embeddings'))[0], { rows: after.rows });

async function stage(name: string, work: () => Promise<unknown>): Promise<void> {
  steps = [];
  needed = 0;
  const before = await bytesUsed();
  const startedAt = performance.now();
  const ended = new AbortController();
  const largest = largestUse(ended.signal);
  const note = await work();
  const seconds = (performance.now() - startedAt) / 1000;
  ended.abort();
  const taken = (await largest) - before;
  const space =
    needed > 0
      ? [`  space needed ${megabytes(needed)}, taken at most ${megabytes(taken)}, ${(needed / taken).toFixed(2)}`]
      : [];
  const [{ size }] = await installation.query('select pg_size_pretty(pg_database_size(current_database())) as size');
  console.log(
    [
      `${name}: ${seconds.toFixed(1)} s, database ${size}`,
      ...(typeof note === 'string' ? [`  ${note}`] : []),
      ...space,
      ...steps,
    ].join('\n'),
  );
}

async function largestUse(ended: AbortSignal): Promise<number> {
  let largest = 0;
  while (!ended.aborted) {
    largest = Math.max(largest, await bytesUsed());
    await sleep(250);
  }
  return Math.max(largest, await bytesUsed());
}

/**
 * Of the database, and of the server's temporary files; pg_ls_tmpdir() does not tell those of parallel builds, which
 * lie in folders.
 */
async function bytesUsed(): Promise<number> {
  const { rows } = await administrator.query(`
    with names as (select 'base/pgsql_tmp/' || name as path from pg_ls_dir('base/pgsql_tmp', true, false) name)
    select pg_database_size(current_database()) + (select coalesce(sum((pg_stat_file(path, true)).size), 0) from (
      select path from names where path !~ 'fileset'
      union all select path || '/' || inner_name from names, pg_ls_dir(path, true, false) inner_name where path ~ 'fileset') files) as bytes`);
  return Number(rows[0].bytes);
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

/**
 * Runs `work` beside an older API that indexes and deletes one photo and looks sessions up; tells how long its
 * statements took.
 */
async function watched(work: () => Promise<void>): Promise<string> {
  const stop = new AbortController();
  const photo = [sessionId(3), textOf(vectorOf(7, DIMENSION))];
  const writing = statementTimes(stop.signal, async () => {
    await installation.query(
      `insert into face_embeddings (photo_id, session_id, embedding, confidence) values ('watched', $1, $2, 0.9)`,
      photo,
    );
    await installation.query(`delete from face_embeddings where photo_id = 'watched' and session_id = $1`, [
      sessionId(3),
    ]);
  });
  const reading = statementTimes(stop.signal, async () => {
    await installation.query(`select count(*) from face_embeddings where session_id = $1`, [sessionId(4)]);
  });
  await work();
  stop.abort();
  return `meanwhile index and delete: ${await writing}; look a session up: ${await reading}`;
}

async function statementTimes(stop: AbortSignal, statement: () => Promise<void>): Promise<string> {
  const times: number[] = [];
  while (!stop.aborted) {
    const startedAt = performance.now();
    await statement();
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(0);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms of ${times.length}`;
}

/**
 * Rows as the field has them: sessions interleaved, 1 in 100 without a photo, 1 in 100 without a session, 3 in 100
 * duplicates.
 */
async function seed(): Promise<void> {
  await installation.up({ to: 1 });
  await installation.query('drop index idx_face_embeddings_embedding_hnsw');
  for (let from = 0; from < VECTORS; from += 500) {
    const values = Array.from({ length: Math.min(500, VECTORS - from) }, (_, place) =>
      vectorBytes(vectorOf(from + place + 1, DIMENSION)),
    );
    await installation.query(
      `${INSERT} from (values ${values.map((_, place) => `(${from + place}, $${place + 1}::vector)`).join(', ')}) as rows(n, embedding)`,
      values,
    );
  }
  // Further vectors are the first ones with their components turned round.
  for (let turn = 1; turn * VECTORS < ROWS; turn++)
    await installation.query(`${INSERT} from (
      select face_id + ${turn * VECTORS} as n, subvector(embedding, ${turn + 1}, ${DIMENSION - turn}) || subvector(embedding, 1, ${turn}) as embedding
      from face_embeddings where face_id < ${Math.min(VECTORS, ROWS - turn * VECTORS)}) as rows order by n`);
  await installation.query('analyze face_embeddings');
}

async function indexPhotos(): Promise<void> {
  for (let n = 0; n < 1000; n++)
    await installation.query(
      `insert into face_embeddings (photo_id, session_id, embedding, confidence) values ($1, $2, $3, 0.9)`,
      [`new-${n}`, sessionId(2 + (n % 5)), textOf(vectorOf(50_000_000 + n, DIMENSION))],
    );
}

/** The wire form of pgvector's `vector`: dimension and a zero as big-endian uint16, then big-endian float32. */
function vectorBytes(vector: number[]): Buffer {
  const bytes = Buffer.alloc(4 + 4 * vector.length);
  bytes.writeUInt16BE(vector.length, 0);
  vector.forEach((number, place) => bytes.writeFloatBE(number, 4 + 4 * place));
  return bytes;
}

function sessionId(n: number): string {
  return `00000000-0000-4000-8000-${String(n % SESSIONS).padStart(12, '0')}`;
}
