import pg from 'pg';
import { nearestPhotos } from '../../services/api/db/faces.ts';
import { type BareScan, startBareScan } from './bare-scan.ts';
import { createBenchDatabase, MINIMUM_COSINE, MODEL_ID, type BenchDatabase } from './database.ts';
import { createPeople, type FacesTable, facesTable, fillSessions, planSessions, type SessionSize } from './fill.ts';
import { markdownTable, ms, percentile, progress, timed } from './measure.ts';
import { anotherPicture, seededRandom } from './vectors.ts';

/**
 * Searches sessions of 1 k, 10 k and 100 k faces among `total`, in turns with the same faces in a plain `vector` table, with the
 * same session in a database of 10 k faces, and with a bare scan of the same vectors. Returns Markdown.
 */
export async function benchSearchSpeed(options: SearchSpeedOptions): Promise<string> {
  const { server, dimension, total, scanner, directory } = options;
  await using stack = new AsyncDisposableStack();
  const large = stack.use(await createBenchDatabase(server, dimension));
  const small = stack.use(await createBenchDatabase(server, dimension));
  const sessions = planSessions([1000, 10_000, 100_000], total);
  const people = await fill(large, dimension, sessions);
  await createPeople(small.client, dimension);
  await fillSessions(small.client, facesTable(), [...sessions.filter(({ faces }) => faces === 1000), ...planSessions([], 9000)]);

  const random = seededRandom(7);
  const queries = people.slice(0, 40).map((person) => anotherPicture(person, 0.7, random));
  const inLarge = stack.adopt(new pg.Pool({ connectionString: large.url, max: 1 }), (pool) => pool.end());
  const inSmall = stack.adopt(new pg.Pool({ connectionString: small.url, max: 1 }), (pool) => pool.end());
  const parallel = stack.adopt(new pg.Pool({ connectionString: large.url, max: 1, options: PARALLEL }), (pool) => pool.end());

  const lines: string[][] = [];
  let isolation = '';
  for (const faces of [1000, 10_000, 100_000]) {
    const { sessionId } = sessions.find((session) => session.faces === faces)!;
    progress(`searching the session of ${faces} faces, ${dimension} dimensions`);
    const bare = scanner && stack.use(await startSessionScan(large, sessionId, queries[0]!, scanner, `${directory}/${dimension}-${faces}.f16`));
    if (bare) await requireSameMatches(large, sessionId, queries[0]!, bare);
    const ours: number[] = [], alone: number[] = [], naive: number[] = [], workers: number[] = [], scans: number[] = [];
    for (let round = 0; round < (faces === 100_000 ? 100 : 300); round++) {
      const embedding = queries[round % queries.length]!;
      const query = { sessionId, embedding, modelId: MODEL_ID, cosine: MINIMUM_COSINE, limit: 100 };
      ours.push(await timed(() => nearestPhotos(inLarge, query)));
      if (faces === 1000) alone.push(await timed(() => nearestPhotos(inSmall, query)));
      if (round % 3 === 0) naive.push(await timed(() => inLarge.query(NAIVE_SEARCH, [`[${embedding.join()}]`, sessionId, MINIMUM_COSINE])));
      if (round % 3 === 1) workers.push(await timed(() => nearestPhotos(parallel, query)));
      if (bare) scans.push((await bare.scan()).milliseconds);
    }
    lines.push(line(faces, { ours, naive, workers, scans }));
    if (faces === 1000) isolation = isolationLine(ours, alone, total);
  }
  const sizes = await Promise.all([sizeOf(large.client, 'faces', total), sizeOf(large.client, 'naive_faces', total)]);
  return [`### ${dimension} dimensions, ${total.toLocaleString('en')} faces`, markdownTable(HEADER, lines), isolation, ...sizes].join('\n\n');
}

async function fill(database: BenchDatabase, dimension: number, sessions: SessionSize[]): Promise<Float32Array[]> {
  const people = await createPeople(database.client, dimension);
  progress(`filling faces, ${dimension} dimensions`);
  await fillSessions(database.client, facesTable(), sessions);
  progress('filling the vector table');
  await database.client.query(naiveTable(dimension));
  await fillSessions(database.client, NAIVE, sessions);
  return people;
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
const PARALLEL = '-c parallel_setup_cost=0 -c parallel_tuple_cost=0 -c min_parallel_table_scan_size=0 -c min_parallel_index_scan_size=0';

async function startSessionScan(database: BenchDatabase, sessionId: string, query: Float32Array, program: string, file: string) {
  const stored = await database.client.query<{ bytes: Buffer }>('select halfvec_send(embedding) as bytes from faces where session_id = $1', [sessionId]);
  const vectors = stored.rows.map(({ bytes }) => Buffer.from(bytes.subarray(4)).swap16());
  const half = new Float16Array(query);
  return startBareScan(program, { query: Buffer.from(half.buffer), vectors, threshold: MINIMUM_COSINE, file });
}

/** The two sides of a ratio must have done the same work. */
async function requireSameMatches(database: BenchDatabase, sessionId: string, query: Float32Array, bare: BareScan): Promise<void> {
  const counted = await database.client.query<{ matching: number }>(
    'select count(*)::integer as matching from faces where session_id = $1 and embedding <#> $2::vector::halfvec <= -$3::float8',
    [sessionId, `[${query.join()}]`, MINIMUM_COSINE],
  );
  const { matching } = await bare.scan();
  if (matching !== counted.rows[0]!.matching) throw new Error(`the bare scan finds ${matching} faces, the database ${counted.rows[0]!.matching}`);
}

const HEADER = ['faces in the session', 'p50 ms', 'p95', 'p99', 'vectors/s per core', 'bare scan p50 ms', '÷ bare scan', '`vector` table p50 ms', '`vector` ÷ this', '2 parallel workers p50 ms'];

function line(faces: number, { ours, naive, workers, scans }: Record<'ours' | 'naive' | 'workers' | 'scans', number[]>): string[] {
  const p50 = percentile(ours, 0.5);
  const bare = percentile(scans, 0.5);
  return [
    faces.toLocaleString('en'),
    ms(p50),
    ms(percentile(ours, 0.95)),
    ms(percentile(ours, 0.99)),
    Math.round((faces / p50) * 1000).toLocaleString('en'),
    scans.length > 0 ? ms(bare) : 'skipped',
    scans.length > 0 ? (p50 / bare).toFixed(1) : 'skipped',
    ms(percentile(naive, 0.5)),
    (percentile(naive, 0.5) / p50).toFixed(1),
    ms(percentile(workers, 0.5)),
  ];
}

function isolationLine(ours: number[], alone: number[], total: number): string {
  const [among, few] = [percentile(ours, 0.95), percentile(alone, 0.95)];
  return `A session of 1,000 faces, p95: ${ms(among)} ms among ${total.toLocaleString('en')} faces, ${ms(few)} ms among 10,000: ${(among / few).toFixed(2)} times.`;
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
