import type pg from 'pg';
import { halfvecBytes } from '../../services/api/db/faces.ts';
import { createBenchDatabase, MINIMUM_COSINE } from './database.ts';
import { createPeople, facesTable, fillSessions, PEOPLE, type SessionSize } from './fill.ts';
import { markdownTable, ms, percentile, progress, timed } from './measure.ts';
import { anotherPicture, seededRandom } from './vectors.ts';

/**
 * What an approximate index, shared by all sessions, would find with the session's filter: of the matches that the exact
 * comparison gives, the share found, under pgvector's defaults and its remedies. 100 k faces, since building HNSW takes long.
 * Returns Markdown.
 */
export async function benchApproximate(server: string, dimension: number): Promise<string> {
  await using database = await createBenchDatabase(server, dimension);
  const { client } = database;
  const people = await createPeople(client, dimension);
  await client.query('create table shared (like faces including defaults)');
  await client.query('create index on shared (session_id)');
  await fillSessions(client, facesTable('shared'), SESSIONS);
  const random = seededRandom(23);
  const probes = Array.from({ length: 60 }, () => {
    const person = Math.floor(random() * PEOPLE);
    return { query: halfvecBytes(anotherPicture(people[person]!, 0.7, random)) };
  });
  const rows: string[][] = [];
  for (const size of [10_000, 1000]) rows.push(...(await measure(client, EXACT, size, probes)));
  for (const index of [HNSW, IVFFLAT]) {
    progress(`building ${index.name} over 100,000 faces, ${dimension} dimensions`);
    await client.query(`set maintenance_work_mem = '1GB'`);
    const built = await timed(() => client.query(index.create));
    for (const setting of index.settings) {
      for (const size of [10_000, 1000]) rows.push(...(await measure(client, { ...setting, name: `${index.name}, ${setting.name}` }, size, probes)));
    }
    rows.push([`${index.name}: built in ${(built / 1000).toFixed(0)} s, ${await indexSize(client)}`, '', '', '', '']);
    await client.query('drop index approximate');
  }
  return markdownTable(['100,000 faces', 'session', 'recall of matches', 'p50 ms', 'used when the planner is free'], rows);
}

const SESSIONS: SessionSize[] = [
  ...Array.from({ length: 8 }, (_, n) => ({ sessionId: `large-${n}`, faces: 10_000 })),
  ...Array.from({ length: 20 }, (_, n) => ({ sessionId: `small-${n}`, faces: 1000 })),
];

interface Setting {
  name: string;
  sql: string[];
}
/** Bitmap and sort are what an exact plan needs here. */
const FORCED = ['set enable_seqscan = off', 'set enable_bitmapscan = off', 'set enable_sort = off'];
const EXACT: Setting = { name: 'exact', sql: ['set enable_indexscan = on'] };
const HNSW = {
  name: 'HNSW',
  create: 'create index approximate on shared using hnsw (embedding halfvec_ip_ops)',
  settings: [
    { name: 'defaults (ef_search 40)', sql: ['set hnsw.ef_search = 40'] },
    { name: 'ef_search 400', sql: ['set hnsw.ef_search = 400'] },
    { name: 'iterative, relaxed order', sql: ['set hnsw.ef_search = 40', 'set hnsw.iterative_scan = relaxed_order'] },
  ],
};
const IVFFLAT = {
  name: 'IVFFlat, 100 lists',
  create: 'create index approximate on shared using ivfflat (embedding halfvec_ip_ops) with (lists = 100)',
  settings: [
    { name: 'defaults (1 probe)', sql: ['set ivfflat.probes = 1'] },
    { name: '10 probes', sql: ['set ivfflat.probes = 10'] },
    { name: 'iterative, relaxed order', sql: ['set ivfflat.probes = 1', 'set ivfflat.iterative_scan = relaxed_order'] },
  ],
};

async function measure(client: pg.Client, setting: Setting, size: number, probes: { query: Buffer }[]): Promise<string[][]> {
  const sessions = SESSIONS.filter(({ faces }) => faces === size);
  const forced = setting === EXACT ? [] : FORCED;
  const times: number[] = [];
  let [found, matching] = [0, 0];
  const chosen = setting === EXACT ? '' : (await withSettings(client, setting.sql, () => usesIndex(client, sessions[0]!, probes[0]!.query))) ? 'yes' : 'no';
  for (const [number, { query }] of probes.entries()) {
    const values = [sessions[number % sessions.length]!.sessionId, query];
    const truth = await withSettings(client, [], () => client.query(TRUE_MATCHES, [...values, -MINIMUM_COSINE]));
    await withSettings(client, [...forced, ...setting.sql], async () => {
      times.push(await timed(async () => {
        const { rows } = await client.query<{ distance: number }>(NEAREST, values);
        found += rows.filter(({ distance }) => distance <= -MINIMUM_COSINE).length;
      }));
    });
    matching += truth.rowCount ?? 0;
  }
  return [[setting.name, size.toLocaleString('en'), (found / matching).toFixed(3), ms(percentile(times, 0.5)), chosen]];
}

const TRUE_MATCHES = 'select 1 from shared where session_id = $1 and embedding <#> $2::halfvec <= $3::float8';
/** The form that an approximate index can serve: nearest first, straight from the table. */
const NEAREST = 'select photo_id, embedding <#> $2::halfvec as distance from shared where session_id = $1 order by embedding <#> $2::halfvec limit 100';

async function withSettings<Result>(client: pg.Client, settings: string[], work: () => Promise<Result>): Promise<Result> {
  await client.query('reset all');
  for (const sql of settings) await client.query(sql);
  return work();
}

async function usesIndex(client: pg.Client, { sessionId }: SessionSize, query: Buffer): Promise<boolean> {
  const { rows } = await client.query(`explain (format json) ${NEAREST}`, [sessionId, query]);
  return JSON.stringify(rows).includes('"approximate"');
}

async function indexSize(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ bytes: number }>(`select pg_relation_size('approximate')::float8 as bytes`);
  return `${Math.round(rows[0]!.bytes / 1e6)} MB`;
}
