import { join } from 'node:path';
import { nearestPhotos } from '@facepass/indexing/db/faces';
import pg from 'pg';
import { type BareScan, startBareScan } from './bare-scan.ts';
import { createBenchDatabase, MINIMUM_COSINE, MODEL_ID, type BenchDatabase } from './database.ts';
import { createPeople, type FacesTable, facesTable, fillSessions, planSessions, type SessionSize } from './fill.ts';
import { markdownTable, medianWork, ms, percentile, progress, stopwatch, type Timing } from './measure.ts';
import { anotherPicture, seededRandom } from './vectors.ts';

/**
 * Searches sessions of 1 k, 10 k and 100 k faces among `total`, in turns with the same faces in a plain `vector` table,
 * with the same session in a database of 10 k faces, and with a bare scan of the same vectors. Returns Markdown.
 */
export async function benchSearchSpeed(options: SearchSpeedOptions): Promise<string> {
  const { server, dimension, total } = options;
  await using stack = new AsyncDisposableStack();
  const large = stack.use(await createBenchDatabase(server, dimension));
  const small = stack.use(await createBenchDatabase(server, dimension));
  const sessions = planSessions(SIZES, total);
  const people = await fillLarge(large, dimension, sessions);
  await fillSmall(small, dimension, sessions);
  const random = seededRandom(7);
  const queries = people.slice(0, 40).map((person) => anotherPicture(person, 0.7, random));
  const connect = (database: BenchDatabase, settings?: string) =>
    stack.adopt(new pg.Pool({ connectionString: database.url, max: 1, options: settings }), (pool) => pool.end());
  const pools = { large: connect(large), serial: connect(large, SERIAL), small: connect(small) };

  const lines: string[][] = [];
  let isolation = '';
  for (const faces of SIZES) {
    const { sessionId } = sessions.find((session) => session.faces === faces)!;
    progress(`searching the session of ${faces} faces, ${dimension} dimensions`);
    const times = await searchInTurns(options, large, pools, queries, { sessionId, faces });
    lines.push(line(faces, times));
    if (faces === 1000) isolation = isolationLine(times, total);
  }
  const sizes = await Promise.all([sizeOf(large.client, 'faces', total), sizeOf(large.client, 'naive_faces', total)]);
  return [
    `### ${dimension} dimensions, ${total.toLocaleString('en')} faces`,
    markdownTable(HEADER, lines),
    isolation,
    ...sizes,
  ].join('\n\n');
}

const SIZES = [1000, 10_000, 100_000];

async function fillLarge(database: BenchDatabase, dimension: number, sessions: SessionSize[]): Promise<Float32Array[]> {
  const people = await createPeople(database.client, dimension);
  progress(`filling faces, ${dimension} dimensions`);
  await fillSessions(database.client, facesTable(), sessions);
  progress('filling the vector table');
  await database.client.query(naiveTable(dimension));
  await fillSessions(database.client, NAIVE, sessions);
  return people;
}

async function fillSmall(database: BenchDatabase, dimension: number, sessions: SessionSize[]): Promise<void> {
  await createPeople(database.client, dimension);
  const same = sessions.filter(({ faces }) => faces === 1000);
  await fillSessions(database.client, facesTable(), [...same, ...planSessions([], 9000)]);
}

/** Every contestant has its turn in every round, so that other work on the machine strikes them alike. */
async function searchInTurns(
  { scanner, directory }: SearchSpeedOptions,
  large: BenchDatabase,
  pools: Pools,
  queries: Float32Array[],
  { sessionId, faces }: SessionSize,
): Promise<Times> {
  await using bare = scanner ? await startSessionScan(large, sessionId, queries[0]!, scanner, directory) : null;
  if (bare) await requireSameMatches(large, sessionId, queries[0]!, bare);
  const clock = {
    large: await stopwatch(pools.large),
    serial: await stopwatch(pools.serial),
    small: await stopwatch(pools.small),
  };
  const times: Times = { ours: [], serial: [], naive: [], small: [], bare: [] };
  for (let round = 0; round < (faces === 100_000 ? 100 : 300); round++) {
    const embedding = queries[round % queries.length]!;
    const query = { sessionId, embedding, modelId: MODEL_ID, cosine: MINIMUM_COSINE, limit: 100 };
    times.ours.push(await clock.large(() => nearestPhotos(pools.large, query)));
    if (faces === 1000) times.small.push(await clock.small(() => nearestPhotos(pools.small, query)));
    times.serial.push(await clock.serial(() => nearestPhotos(pools.serial, query)));
    if (round % 3 === 0)
      times.naive.push(
        await clock.serial(() =>
          pools.serial.query(NAIVE_SEARCH, [`[${embedding.join()}]`, sessionId, MINIMUM_COSINE]),
        ),
      );
    if (bare) times.bare.push(await bare.scan());
  }
  return times;
}

/** As services before this one stored and searched them, without their approximate index. */
const naiveTable = (dimension: number) => `
  create table naive_faces (id serial primary key, photo_id varchar(255) not null, session_id varchar(255) not null,
    embedding vector(${dimension}) not null, confidence float not null, created_at timestamptz default now());
  create index on naive_faces (session_id);
  create index on naive_faces (photo_id)`;
const NAIVE: FacesTable = {
  name: 'naive_faces',
  columns: 'photo_id, session_id, embedding, confidence',
  values: `photo_id, session_id, embedding::vector, 0.99`,
};
const NAIVE_SEARCH = `
  select photo_id, confidence, 1 - (embedding <=> $1::vector) as similarity from naive_faces
  where session_id = $2 and 1 - (embedding <=> $1::vector) >= $3 order by embedding <=> $1::vector limit 100`;
/** With it, all the work of a query is in one process, whose processor time can be read. */
const SERIAL = '-c max_parallel_workers_per_gather=0';

async function startSessionScan(
  database: BenchDatabase,
  sessionId: string,
  query: Float32Array,
  program: string,
  directory: string,
) {
  const stored = await database.client.query<{ bytes: Buffer }>(
    'select halfvec_send(embedding) as bytes from faces where session_id = $1',
    [sessionId],
  );
  const vectors = stored.rows.map(({ bytes }) => Buffer.from(bytes.subarray(4)).swap16());
  const half = Buffer.from(new Float16Array(query).buffer);
  return startBareScan(program, {
    query: half,
    vectors,
    threshold: MINIMUM_COSINE,
    file: join(directory, `${sessionId}.f16`),
  });
}

/** The two sides of a ratio must have done the same work. */
async function requireSameMatches(
  database: BenchDatabase,
  sessionId: string,
  query: Float32Array,
  bare: BareScan,
): Promise<void> {
  const counted = await database.client.query<{ matching: number }>(
    'select count(*)::integer as matching from faces where session_id = $1 and embedding <=> $2::vector::halfvec <= 1 - $3::float8',
    [sessionId, `[${query.join()}]`, MINIMUM_COSINE],
  );
  const { matching } = await bare.scan();
  if (matching !== counted.rows[0]!.matching)
    throw new Error(`the bare scan finds ${matching} faces, the database ${counted.rows[0]!.matching}`);
}

const HEADER = [
  'faces in the session',
  'p50 ms',
  'p95',
  'p99',
  'p50 ms on the processor',
  'bare scan',
  'this ÷ bare scan',
  '`vector` table',
  '`vector` ÷ this',
  'vectors/s per core',
];

function line(faces: number, { ours, serial, naive, bare }: Times): string[] {
  const wall = ours.map((time) => time.wall);
  const work = medianWork(serial);
  return [
    faces.toLocaleString('en'),
    ...[0.5, 0.95, 0.99].map((share) => ms(percentile(wall, share))),
    ms(work),
    bare.length > 0 ? ms(medianWork(bare)) : 'skipped',
    bare.length > 0 ? (work / medianWork(bare)).toFixed(1) : 'skipped',
    ms(medianWork(naive)),
    (medianWork(naive) / work).toFixed(1),
    Math.round((faces / work) * 1000).toLocaleString('en'),
  ];
}

function isolationLine({ ours, small }: Times, total: number): string {
  const p95 = (times: Timing[], kind: keyof Timing) =>
    percentile(
      times.map((time) => time[kind]),
      0.95,
    );
  const among = `${ms(p95(ours, 'wall'))} ms (${ms(p95(ours, 'cpu'))} on the processor) among ${total.toLocaleString('en')} faces`;
  const alone = `${ms(p95(small, 'wall'))} ms (${ms(p95(small, 'cpu'))}) among 10,000`;
  const ratio = (kind: keyof Timing) => (p95(ours, kind) / p95(small, kind)).toFixed(2);
  return `A session of 1,000 faces, p95: ${among}, ${alone}: ${ratio('wall')} (${ratio('cpu')}) times.`;
}

async function sizeOf(client: pg.Client, table: string, total: number): Promise<string> {
  const { rows } = await client.query<{ heap: number; indexes: number }>(
    `select sum(pg_table_size(oid))::float8 as heap, sum(pg_indexes_size(oid))::float8 as indexes from pg_class
      where oid = $1::regclass or oid in (select inhrelid from pg_inherits where inhparent = $1::regclass)`,
    [table],
  );
  const { heap, indexes } = rows[0]!;
  return `\`${table}\`: ${megabytes(heap)} table (${Math.round(heap / total)} bytes a face), ${megabytes(indexes)} indexes (${Math.round(indexes / total)}).`;
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1e6).toLocaleString('en')} MB`;

export interface SearchSpeedOptions {
  /** URL of a role that may create databases. */
  server: string;
  dimension: number;
  total: number;
  /** The program of `buildBareScan`, or null where there is none. */
  scanner: string | null;
  /** For scratch files. */
  directory: string;
}

type Pools = Record<'large' | 'serial' | 'small', pg.Pool>;
type Times = Record<'ours' | 'serial' | 'naive' | 'small' | 'bare', Timing[]>;
