import { nearestPhotos } from '@facepass/indexing/db/faces';
import pg from 'pg';
import { createBenchDatabase, MINIMUM_COSINE, MODEL_ID } from './database.ts';
import { createPeople, facesTable, fillSessions, planSessions } from './fill.ts';
import { markdownTable, ms, percentile, progress, stopwatch, type Timing } from './measure.ts';
import { anotherPicture, seededRandom } from './vectors.ts';

/**
 * What a session costs in a database of 100 M faces, as far as a small machine can tell: one of the 64 partitions
 * filled as full as 100 M faces would fill each, every session's id chosen to fall into it. In turns with the same
 * sessions in a database of their own; the table gives both and their ratio. Returns Markdown.
 */
export async function benchDensePartition(server: string, dimension: number): Promise<string> {
  await using stack = new AsyncDisposableStack();
  const dense = stack.use(await createBenchDatabase(server, dimension));
  const alone = stack.use(await createBenchDatabase(server, dimension));
  const people = await createPeople(dense.client, dimension);
  await createPeople(alone.client, dimension);
  const ids = (await idsOfOnePartition(dense.client)).values();
  const sessions = planSessions(SIZES, FACES, () => ids.next().value!);
  progress(`filling one partition with ${FACES} faces, ${dimension} dimensions`);
  // One at a time: photographers at work together seldom share one of 64 partitions.
  await fillSessions(dense.client, facesTable(), sessions, 1);
  const searched = sessions.filter(({ faces }) => SIZES.includes(faces)).toSorted((a, b) => a.faces - b.faces);
  await fillSessions(alone.client, facesTable(), searched, 1);

  const random = seededRandom(7);
  const queries = people.slice(0, 40).map((person) => anotherPicture(person, 0.7, random));
  const pools = [dense, alone].map(({ url }) =>
    stack.adopt(new pg.Pool({ connectionString: url, max: 1, options: SERIAL }), (pool) => pool.end()),
  );
  const clocks = await Promise.all(pools.map(stopwatch));
  const rows: string[][] = [];
  for (const { sessionId, faces } of searched) {
    const times: Timing[][] = [[], []];
    for (let round = 0; round < (faces === 100_000 ? 100 : 300); round++) {
      const query = {
        sessionId,
        embedding: queries[round % queries.length]!,
        modelId: MODEL_ID,
        cosine: MINIMUM_COSINE,
        limit: 100,
      };
      for (const [place, pool] of pools.entries())
        times[place]!.push(await clocks[place]!(() => nearestPhotos(pool, query)));
    }
    const p = (share: number, kind: keyof Timing) =>
      times.map((each) =>
        percentile(
          each.map((time) => time[kind]),
          share,
        ),
      ) as [number, number];
    const figures = [p(0.5, 'wall'), p(0.95, 'wall'), p(0.5, 'cpu'), p(0.95, 'cpu')];
    rows.push([
      faces.toLocaleString('en'),
      ...figures.map(([among, own]) => `${ms(among)} / ${ms(own)} = ${(among / own).toFixed(2)}`),
    ]);
  }
  const header = ['p50 ms', 'p95 ms', 'p50 on the processor', 'p95 on the processor'];
  return markdownTable(['faces in the session', ...header], rows);
}

/** All the work of a query in one process, whose processor time can be read. */
const SERIAL = '-c max_parallel_workers_per_gather=0';
/** 100 M ÷ 64 partitions. */
const FACES = 1_560_000;
const SIZES = [1000, 10_000, 100_000];

async function idsOfOnePartition(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(`
    select id from (select md5(n::text)::uuid::text::varchar as id from generate_series(1, 64000) as n) as candidate
    where satisfies_hash_partition('faces'::regclass, 64, 0, id)`);
  return rows.map(({ id }) => id);
}
