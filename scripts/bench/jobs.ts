import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Job } from '@facepass/contracts/http';
import { openConnections } from '@facepass/indexing/connections';
import { ApiProblem } from '@facepass/indexing/errors';
import { fetchPhoto, indexFaces } from '@facepass/indexing/photo';
import { createLogger } from '@facepass/runtime/logger';
import { PEOPLE, portrait } from '../../services/api/tests/people.ts';
import { s3Environment, startS3Server, type S3Server } from '../../services/api/tests/s3-server.ts';
import { readConfig } from '../../services/indexer/config.ts';
import { KEY, samplePhoto, searchFaces, startStack, type Stack } from '../drills/observability/stack.ts';

const USAGE = `Measures what a job costs beside the same photos without one, and what a live search waits for meanwhile; prints Markdown.

  npm run bench:jobs [-- --photos 300] [--searches 100] [--rounds 3]

Each round measures all four in turn, so other work of the machine meets them alike. Needs FACEPASS_TEST_DATABASE_URL, or takes the embedded database.`;

const { values } = parseArgs({
  options: {
    photos: { type: 'string', default: '300' },
    searches: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
});
const [photos, searches, rounds] = [Number(values.photos), Number(values.searches), Number(values.rounds)];
if (values.help || ![photos, searches, rounds].every((count) => Number.isSafeInteger(count) && count > 0)) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(values.help ? 0 : 64);
}

const LANES = 4;
const KEYS = Array.from({ length: photos }, (_, n) => `${n}.jpg`);

await using bucket = await startS3Server();
for (const [n, key] of KEYS.entries()) bucket.objects.set(`/photos/${key}`, await portrait(n % PEOPLE, n % 12));
await using stack = await startStack({ all: s3Environment(bucket) });
await stack.startIndexer({ INDEXER_CONCURRENCY: String(LANES) });
const selfie = await samplePhoto(1);
await indexBare(stack, bucket, 'searched');

const rows: { bare: number; job: number; alone: number; during: number }[] = [];
for (let round = 0; round < rounds; round += 1) {
  const bare = photos / (await seconds(() => indexBare(stack, bucket, `bare ${round}`)));
  const job = photos / (await seconds(async () => ended(stack, await createJob(stack, `job ${round}`))));
  const alone = await searchP95(stack);
  const running = await createJob(stack, `live ${round}`);
  while ((await read(stack, running)).indexed === 0) await delay(100);
  const during = await searchP95(stack, async () => {
    if ((await read(stack, running)).ended_at) throw new Error('The job ended before the searches: --photos.');
  });
  await fetch(`${stack.url}/api/v1/jobs/${running}`, { method: 'DELETE', headers: { 'X-API-Key': KEY } });
  rows.push({ bare, job, alone, during });
}
print();
process.exit(0);

/** Bucket, inference and database as the indexer uses them, without a queue. */
async function indexBare({ database, inference }: Stack, s3: S3Server, session: string): Promise<void> {
  const config = readConfig({
    DATABASE_URL: database.url,
    DATABASE_POOL_SIZE: database.engine === 'embedded' ? '1' : '10',
    INFERENCE_ADDRESS: (inference[0]!.serving['address'] as string).replace('127.0.0.1', 'localhost'),
    ...s3Environment(s3),
  });
  await using connections = await openConnections(config, createLogger('bench', 'warn'));
  const context = { ...connections, config };
  const left = KEYS.values();
  const lane = async () => {
    for (const key of left) {
      const image = await fetchPhoto(context, key);
      while (!(await admitted(() => indexFaces(context, { session_id: session, photo_id: key, image }))))
        await delay(20);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function admitted(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof ApiProblem && error.code === 'inference_overloaded') return false;
    throw error;
  }
}

async function createJob({ url }: Stack, session: string): Promise<string> {
  const list = KEYS.map((key) => ({ photo_id: key, s3_key: key }));
  const answer = await fetch(`${url}/api/v1/jobs`, {
    method: 'POST',
    headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
    body: JSON.stringify({ session_id: session, photos: list }),
  });
  if (answer.status !== 202) throw new Error(await answer.text());
  return ((await answer.json()) as Job).job_id;
}

async function read({ url }: Stack, id: string): Promise<Job> {
  return (await fetch(`${url}/api/v1/jobs/${id}`, { headers: { 'X-API-Key': KEY } })).json() as Promise<Job>;
}

async function ended(of: Stack, id: string): Promise<void> {
  for (;;) {
    const job = await read(of, id);
    if (job.indexed + job.without_face === photos) return;
    if (job.ended_at) throw new Error(`${job.failed} photos failed`);
    await delay(100);
  }
}

/** One client that waits a tenth of a second between searches; milliseconds. */
async function searchP95({ url }: Stack, afterwards = () => Promise.resolve()): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < searches; n += 1) {
    const startedMs = performance.now();
    const status = await searchFaces(url, selfie, 'searched');
    if (status !== 200) throw new Error(`a search was answered ${status}`);
    times.push(performance.now() - startedMs);
    await delay(100);
  }
  await afterwards();
  return times.sort((left, right) => left - right)[Math.ceil(0.95 * times.length) - 1]!;
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}

function print(): void {
  const median = (of: number[]) => of.toSorted((left, right) => left - right)[Math.floor(of.length / 2)]!;
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const text = (name: string, { bare, job, alone, during }: (typeof rows)[number]) =>
    line([
      name,
      bare.toFixed(1),
      job.toFixed(1),
      (job / bare).toFixed(2),
      `${Math.round(alone)} ms`,
      `${Math.round(during)} ms`,
      (during / alone).toFixed(2),
    ]);
  const of = (pick: (row: (typeof rows)[number]) => number) => median(rows.map(pick));
  console.log(`${photos} photos of one face, ${searches} searches; ${cpus().length} × ${cpus()[0]?.model}\n`);
  console.log(line(['round', 'bare, photos/s', 'job, photos/s', 'ratio', 'search p95 alone', 'during a job', 'ratio']));
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const [n, row] of rows.entries()) console.log(text(String(n + 1), row));
  console.log(
    line([
      'median',
      of(({ bare }) => bare).toFixed(1),
      of(({ job }) => job).toFixed(1),
      of(({ job, bare }) => job / bare).toFixed(2),
      `${Math.round(of(({ alone }) => alone))} ms`,
      `${Math.round(of(({ during }) => during))} ms`,
      of(({ during, alone }) => during / alone).toFixed(2),
    ]),
  );
}
