import { halfvecBytes } from '@facepass/indexing/db/faces';
import type pg from 'pg';
import { createBenchDatabase, MINIMUM_COSINE } from './database.ts';
import { markdownTable, medianWork, ms, progress, stopwatch, timed, type Timing } from './measure.ts';
import { anotherPicture, randomUnitVector, seededRandom } from './vectors.ts';

/**
 * What an approximate index, shared by all sessions, would find with the session's filter: of the matches that the
 * exact comparison gives, the share found, under pgvector's defaults and its remedies. 100 k faces, since building HNSW
 * takes long. Returns Markdown.
 */
export async function benchApproximate(server: string, dimension: number): Promise<string> {
  await using database = await createBenchDatabase(server, dimension);
  const { client } = database;
  await client.query('create table shared (like faces including defaults)');
  await client.query('create index on shared (session_id)');
  const probes = await fillShared(client, dimension);
  const rows: string[][] = [];
  for (const shape of SHAPES) rows.push(await measure(client, EXACT, probes, shape));
  for (const index of [HNSW, IVFFLAT]) {
    progress(`building ${index.name} over ${TOTAL} faces, ${dimension} dimensions`);
    await client.query(`set maintenance_work_mem = '1GB'`);
    const built = await timed(() => client.query(index.create));
    for (const setting of index.settings) {
      for (const shape of SHAPES)
        rows.push(await measure(client, { ...setting, name: `${index.name}, ${setting.name}` }, probes, shape));
    }
    rows.push([
      `${index.name}: built in ${(built / 1000).toFixed(0)} s, ${await indexSize(client)}`,
      '',
      '',
      '',
      '',
      '',
    ]);
    await client.query('drop index approximate');
  }
  return markdownTable(
    [
      `${TOTAL.toLocaleString('en')} faces`,
      'session',
      'pictures a person',
      'recall of matches',
      'p50 ms on the processor',
      'chosen by the planner',
    ],
    rows,
  );
}

const TOTAL = 100_000;
/**
 * Sessions of guests, seen in 30 pictures each, and of hosts, seen in 200. Two pictures of one person have a cosine of
 * about 0.64.
 */
const SHAPES: Shape[] = [
  { faces: 10_000, pictures: 30, sessions: 4 },
  { faces: 10_000, pictures: 200, sessions: 4 },
  { faces: 1000, pictures: 30, sessions: 20 },
];
const COSINE_WITH_PERSON = 0.8;
const PROBES_A_SHAPE = 60;

interface Shape {
  faces: number;
  /** Pictures of each person in a session. */
  pictures: number;
  sessions: number;
}

interface Probe {
  sessionId: string;
  shape: Shape;
  query: Buffer;
}

/** Fills `shared`, every session with people of its own, and returns selfies of some of them. */
async function fillShared(client: pg.Client, dimension: number): Promise<Probe[]> {
  progress(`filling ${TOTAL} distinct faces, ${dimension} dimensions`);
  const random = seededRandom(23);
  const probes: Probe[] = [];
  for (const shape of SHAPES) {
    for (let session = 0; session < shape.sessions; session++) {
      const sessionId = `${shape.faces}-${shape.pictures}-${session}`;
      const people = Array.from({ length: Math.ceil(shape.faces / shape.pictures) }, () =>
        randomUnitVector(dimension, random),
      );
      const picture = (n: number) =>
        halfvecBytes(anotherPicture(people[n % people.length]!, COSINE_WITH_PERSON, random));
      for (let first = 0; first < shape.faces; first += 500)
        await insertFaces(
          client,
          sessionId,
          first,
          Array.from({ length: 500 }, (_, n) => picture(first + n)),
        );
      for (let n = 0; n < PROBES_A_SHAPE / shape.sessions; n++) probes.push({ sessionId, shape, query: picture(n) });
    }
  }
  await client.query('vacuum analyze shared');
  return probes;
}

async function insertFaces(client: pg.Client, sessionId: string, first: number, embeddings: Buffer[]): Promise<void> {
  const rows = embeddings.map(
    (_, n) => `('${sessionId}', 'photo-${first + n}', 0, 0.99, 'bench-1', $${n + 1}::halfvec)`,
  );
  await client.query(
    `insert into shared (session_id, photo_id, face_index, confidence, model_id, embedding) values ${rows.join()}`,
    embeddings,
  );
}

interface Setting {
  name: string;
  sql: string[];
}
/** Bitmap and sort are what an exact plan needs here. */
const FORCED = ['set enable_seqscan = off', 'set enable_bitmapscan = off', 'set enable_sort = off'];
const EXACT: Setting = { name: 'exact', sql: [] };
const HNSW = {
  name: 'HNSW',
  create: 'create index approximate on shared using hnsw (embedding halfvec_cosine_ops)',
  settings: [
    { name: 'defaults (ef_search 40)', sql: ['set hnsw.ef_search = 40'] },
    { name: 'ef_search 400', sql: ['set hnsw.ef_search = 400'] },
    { name: 'iterative, relaxed order', sql: ['set hnsw.ef_search = 40', 'set hnsw.iterative_scan = relaxed_order'] },
  ],
};
const IVFFLAT = {
  name: 'IVFFlat, 100 lists',
  create: 'create index approximate on shared using ivfflat (embedding halfvec_cosine_ops) with (lists = 100)',
  settings: [
    { name: 'defaults (1 probe)', sql: ['set ivfflat.probes = 1'] },
    { name: '10 probes', sql: ['set ivfflat.probes = 10'] },
    { name: 'iterative, relaxed order', sql: ['set ivfflat.probes = 1', 'set ivfflat.iterative_scan = relaxed_order'] },
  ],
};

async function measure(client: pg.Client, setting: Setting, probes: Probe[], shape: Shape): Promise<string[]> {
  const forced = setting === EXACT ? [] : FORCED;
  const times: Timing[] = [];
  const clock = await stopwatch(client);
  let [found, matching] = [0, 0];
  const ofShape = probes.filter((probe) => probe.shape === shape);
  const chosen = await withSettings(client, setting.sql, () => usesIndex(client, ofShape[0]!));
  for (const { sessionId, query } of ofShape) {
    const truth = await withSettings(client, [], () => client.query(TRUE_MATCHES, [sessionId, query, MINIMUM_COSINE]));
    matching += truth.rowCount ?? 0;
    await withSettings(client, [...forced, ...setting.sql], async () => {
      times.push(
        await clock(async () => {
          const { rows } = await client.query<{ distance: number }>(NEAREST, [sessionId, query]);
          found += rows.filter(({ distance }) => distance <= 1 - MINIMUM_COSINE).length;
        }),
      );
    });
  }
  const free = setting === EXACT ? '' : chosen ? 'yes' : 'no';
  return [
    setting.name,
    shape.faces.toLocaleString('en'),
    String(shape.pictures),
    (found / matching).toFixed(3),
    ms(medianWork(times)),
    free,
  ];
}

const TRUE_MATCHES = 'select 1 from shared where session_id = $1 and embedding <=> $2::halfvec <= 1 - $3::float8';
/** The form that an approximate index can serve: nearest first, straight from the table. */
const NEAREST =
  'select photo_id, embedding <=> $2::halfvec as distance from shared where session_id = $1 order by embedding <=> $2::halfvec limit 1000';

async function withSettings<Result>(
  client: pg.Client,
  settings: string[],
  work: () => Promise<Result>,
): Promise<Result> {
  await client.query('reset all');
  for (const sql of settings) await client.query(sql);
  return work();
}

async function usesIndex(client: pg.Client, { sessionId, query }: Probe): Promise<boolean> {
  const { rows } = await client.query(`explain (format json) ${NEAREST}`, [sessionId, query]);
  return JSON.stringify(rows).includes('"approximate"');
}

async function indexSize(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ bytes: number }>(`select pg_relation_size('approximate')::float8 as bytes`);
  return `${Math.round(rows[0]!.bytes / 1e6)} MB`;
}
