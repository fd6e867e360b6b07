import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { erasePhoto } from '@facepass/indexing/db/erasure';
import { replaceFaces } from '@facepass/indexing/db/faces';
import { seedSchema1 } from './contents.ts';
import { createInstallation, LEGACY_MODEL, textOf, vectorOf, type Installation } from './installation.ts';
import { goUpTo2, newOracle } from './oracle.ts';

const DIMENSION = 8;
const NO_SERVER = process.env['FACEPASS_TEST_DATABASE_URL']
  ? false
  : 'needs PostgreSQL (FACEPASS_TEST_DATABASE_URL): several open transactions';
const session = (n: number) => `00000000-0000-4000-8000-${String(n % 5).padStart(12, '0')}`;

test(
  'the older service reads and writes during the migration to schema 2, and loses no acknowledged row',
  { skip: NO_SERVER },
  async () => {
    await using installation = await createInstallation({ dimension: DIMENSION, batchRows: 10 });
    await installation.up({ to: 1 });
    await seedSchema1(installation, 400, DIMENSION);
    installation.config.pauseMs = 5;
    const writers = [0, 1, 2].map((each) => writeSchema1(installation, each));
    await installation.up({ to: 2 });
    const writes = (await Promise.all(writers)).reduce((sum, each) => sum + each, 0);
    assert.ok(writes > 50, `only ${writes} writes came in between`);

    // The backup is the table as it was when the tables changed places: what it holds decides what schema 2 must hold.
    const backup = await installation.query(
      'select id, photo_id as photo, session_id as session, confidence, vector_norm(embedding) as norm from face_embeddings_backup_v1',
    );
    const oracle = newOracle(
      backup.map((row) => ({ ...row, faceId: null, eventId: null, length: 1, seed: row.norm === 0 ? 0 : row.id })),
    );
    goUpTo2(oracle);
    const served = await installation.query('select id from face_embeddings order by id');
    assert.deepEqual(
      served.map((row) => row.id),
      [...oracle.winners].map((row) => row.id).toSorted((a, b) => a - b),
    );
    const quarantined = await installation.query('select id from face_embeddings_quarantine');
    assert.equal(served.length + quarantined.length, backup.length);
    const vectors = await installation.query(
      'select count(*) as wrong from face_embeddings f join face_embeddings_backup_v1 b using (id) where f.embedding <> normalised(b.embedding) or f.confidence <> b.confidence or f.photo_id <> b.photo_id',
    );
    assert.equal(Number(vectors[0].wrong), 0);
    assert.deepEqual(await installation.damage(), []);
  },
);

test(
  'an older and a newer API serve side by side during the migration to schema 3 and see each other’s photos',
  { skip: NO_SERVER },
  async () => {
    await using installation = await createInstallation({ dimension: DIMENSION, batchRows: 10 });
    await installation.up({ to: 1 });
    await seedSchema1(installation, 400, DIMENSION);
    await installation.up({ to: 2 });
    installation.config.pauseMs = 10;
    const stop = new AbortController();
    const older = [0, 1].map((each) => serveOlder(installation, each, stop.signal));
    const newer = [0, 1].map((each) => serveNewer(installation, each, stop.signal));
    await installation.up();
    await sleep(300); // both go on for a while on the finished schema
    stop.abort();
    const written = (await Promise.all([...older, ...newer])).flatMap((each) => [...each]);
    assert.ok(written.length > 40, `only ${written.length} photos were written`);
    assert.deepEqual(await installation.damage(), []);
    for (const [photo, expected] of written) {
      const [held] = await installation.query(
        `select (select count(*) from faces where photo_id = $1)::integer as faces, (select count(*) from face_embeddings where photo_id = $1)::integer as rows,
        exists (select from faces where photo_id = $1 and embedding = $2::vector(8)::halfvec(8)) as newest`,
        [photo, textOf(vectorOf(expected?.seed ?? 0, DIMENSION))],
      );
      assert.deepEqual(
        held,
        expected ? { faces: expected.faces, rows: 1, newest: true } : { faces: 0, rows: 0, newest: false },
        photo,
      );
    }
  },
);

test('keeps the tables in sync while both APIs write the same photos', { skip: NO_SERVER }, async () => {
  await using installation = await createInstallation({ dimension: DIMENSION });
  await installation.up({ to: 2 });
  await installation.up();
  await Promise.all(
    Array.from({ length: 6 }, async (_, writer) => {
      for (let n = 0; n < 15; n++) {
        const photo = `shared-${(n + writer) % 4}`;
        const seed = writer * 1000 + n + 1;
        await untilDone(() =>
          writer % 3 === 0
            ? newerIndex(installation, session(0), photo, seed, 2)
            : writer % 3 === 1
              ? olderIndex(installation, session(0), photo, seed)
              : olderOrNewerErase(installation, photo, n),
        );
      }
    }),
  );
  assert.deepEqual(await installation.damage(), []);
});

test('a photo erased while an older API indexes it stays erased', { skip: NO_SERVER }, async () => {
  await using installation = await createInstallation({ dimension: DIMENSION });
  await installation.up({ to: 2 });
  await installation.up();
  const client = await installation.pool.connect();
  await client.query('begin');
  await client.query('select now()');
  await erasePhoto(installation.pool, session(0), 'late', 'test');
  await client.query(
    'insert into face_embeddings (photo_id, session_id, embedding, confidence) values ($1, $2, $3, 0.9)',
    ['late', session(0), textOf(vectorOf(1, DIMENSION))],
  );
  await assert.rejects(client.query('commit'), { code: '40001' });
  client.release();
  assert.deepEqual(
    await installation.query(`select photo_id from face_embeddings union all select photo_id from faces`),
    [],
  );
});

/**
 * Inserts, updates and deletes rows until the table is no longer schema 1's; gives how many writes were acknowledged.
 */
async function writeSchema1(installation: Installation, writer: number): Promise<number> {
  for (let n = 0; ; n++) {
    const photo = `photo-${(n * 7 + writer) % 320}`;
    try {
      if (n % 3 === 0)
        await installation.query(
          'insert into face_embeddings (face_id, photo_id, session_id, embedding, confidence) values (1, $1, $2, $3, $4)',
          [photo, session(n), textOf(vectorOf(n + 1, DIMENSION)), (n % 10) / 10],
        );
      else if (n % 3 === 1)
        await installation.query(
          'update face_embeddings set confidence = $3, face_id = 2 where photo_id = $1 and session_id = $2::uuid',
          [photo, session(n), (n % 7) / 10],
        );
      else
        await installation.query(
          'delete from face_embeddings where face_id is not null and photo_id = $1 and session_id = $2::uuid',
          [photo, session(n)],
        );
      await installation.query(
        'select photo_id from face_embeddings where session_id = $1::uuid order by embedding <=> $2 limit 5',
        [session(n), textOf(vectorOf(n + 1, DIMENSION))],
      );
    } catch (error) {
      // 42703: face_id is gone; 42883: varchar = uuid. The older service ends here, as the guide says.
      if (['42703', '42883'].includes((error as { code: string }).code)) return n;
      throw error;
    }
  }
}

type Written = Map<string, { seed: number; faces: number } | null>;

async function serveOlder(installation: Installation, writer: number, stop: AbortSignal): Promise<Written> {
  const written: Written = new Map();
  for (let n = 0; !stop.aborted; n++) {
    const [photo, seed] = [`older-${writer}-${n % 30}`, 1_000_000 + writer * 100_000 + n];
    await untilDone(() => olderIndex(installation, session(n % 30), photo, seed));
    written.set(photo, { seed, faces: 1 });
    const found = await installation.query(
      'select photo_id from face_embeddings where session_id = $1 order by embedding <=> $2 limit 1',
      [session(n % 30), textOf(vectorOf(seed, DIMENSION))],
    );
    assert.equal(found[0]?.photo_id, photo, 'the older API finds what it wrote');
    if (n % 5 !== 0) continue;
    await untilDone(() =>
      installation.query('delete from face_embeddings where session_id = $1 and photo_id = $2', [
        session(n % 30),
        photo,
      ]),
    );
    written.set(photo, null);
  }
  return written;
}

/** Begins when `faces` is there: before that no newer API is ready. */
async function serveNewer(installation: Installation, writer: number, stop: AbortSignal): Promise<Written> {
  const written: Written = new Map();
  const begun = () => installation.query(`select from migration_progress where step = 'fill_faces'`);
  while ((await begun()).length === 0) if (stop.aborted) return written;
  for (let n = 0; !stop.aborted; n++) {
    const [photo, seed] = [`newer-${writer}-${n % 30}`, 5_000_000 + writer * 100_000 + n * 4];
    await untilDone(() => newerIndex(installation, session(n % 30), photo, seed, 3));
    written.set(photo, { seed, faces: 3 });
    if (n % 5 !== 0) continue;
    await untilDone(() => erasePhoto(installation.pool, session(n % 30), photo, 'test'));
    written.set(photo, null);
  }
  return written;
}

async function olderIndex(installation: Installation, sessionId: string, photo: string, seed: number): Promise<void> {
  await installation.query(
    `insert into face_embeddings (photo_id, session_id, embedding, confidence) values ($1, $2, $3, 0.5)
     on conflict (photo_id, session_id) do update set embedding = excluded.embedding, confidence = excluded.confidence`,
    [photo, sessionId, textOf(vectorOf(seed, DIMENSION))],
  );
}

async function newerIndex(
  installation: Installation,
  sessionId: string,
  photoId: string,
  seed: number,
  count: number,
): Promise<void> {
  const [{ last }] = await installation.query(
    'select coalesce(max(id), 0) as last from erasures where session_id = $1',
    [sessionId],
  );
  await replaceFaces(installation.pool, {
    sessionId,
    photoId,
    modelId: LEGACY_MODEL,
    lastErasure: last,
    retentionDays: 0,
    faces: Array.from({ length: count }, (_, index) => ({
      box: { x: 0, y: 0, width: 10, height: 10 },
      confidence: 0.9 - index / 10,
      quality: 0.5,
      embedding: vectorOf(seed + index, DIMENSION),
    })),
  });
}

async function olderOrNewerErase(installation: Installation, photo: string, n: number): Promise<void> {
  if (n % 2 === 0)
    await installation.query('delete from face_embeddings where session_id = $1 and photo_id = $2', [
      session(0),
      photo,
    ]);
  else await erasePhoto(installation.pool, session(0), photo, 'test');
}

/**
 * Tries again after an erasure that came between, or a deadlock (an older DELETE against a newer index call; from the
 * newer API a 503), as a client does.
 */
async function untilDone(write: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      return void (await write());
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== '40P01' && code !== '40001' && code !== 'session_erased' && code !== 'database_unavailable')
        throw error;
    }
  }
}
