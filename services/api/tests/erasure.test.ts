import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eraseOverdueSession, eraseSession } from '@facepass/indexing/db/erasure';
import { replaceFaces } from '@facepass/indexing/db/faces';
import { beginIndexing, readSession } from '@facepass/indexing/db/sessions';
import { createLogger } from '@facepass/runtime/logger';
import pg from 'pg';
import { sweepOverdueSessions } from '../retention.ts';
import { createMigratedDatabase, migrate } from './service.ts';

const FACES_OF_A_PHOTO = 20;
const MODEL = 'test-1';

const database = await createMigratedDatabase();
const limits = { max: database.engine === 'embedded' ? 1 : 5, statement_timeout: 1000 };
const pool = new pg.Pool({ connectionString: database.url, ...limits });
after(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});
const DIMENSION: number = (
  await pool.query(`select atttypmod from pg_attribute where attrelid = 'faces'::regclass and attname = 'embedding'`)
).rows[0].atttypmod;
const logger = createLogger('api', 'silent');

/** Rows of this session take 3 ms each to delete, so that no statement ends in time which removes more than some 300. */
const SLOW = `
  create function take_time() returns trigger language plpgsql as 'begin if old.session_id like ''large%'' then perform pg_sleep(0.003); end if; return old; end';
  create trigger take_time before delete on faces for each row execute function take_time()`;

test('a session that no statement can erase in time is erased in parts, and no search sees it from the first one on', async () => {
  await pool.query(SLOW);
  await fill('large', 30);
  // The embedded database ends no statement for its time.
  if (database.engine === 'postgresql')
    await assert.rejects(pool.query(`select * from erase_session('large', 'test')`), { code: '57014' });
  const [part] = (await pool.query(`select * from erase_session_part('large', 'studio', 'asked', 50)`)).rows;
  assert.deepEqual(part, { done: false, photos: '3', faces: '60' });
  assert.equal(await readSession(pool, 'large'), null);
  assert.deepEqual(await countsOf('large'), { photo_count: 27, face_count: 540 });
  assert.deepEqual(await eraseSession(pool, 'large', 'studio'), { photos: 27, faces: 540 });
  assert.deepEqual(await leftOf('large'), []);
  const { rows } = await pool.query(
    `select sum(rows_removed)::integer as removed, count(distinct actor)::integer as actors from audit_log where session_id = 'large'`,
  );
  assert.deepEqual(rows, [{ removed: 600, actors: 1 }]);
  assert.match(await verified(), /"msg":"ok"/);
});

test('an erasure that a process did not finish is finished by the sweep, and by the next photo of the session', async () => {
  for (const session of ['large-swept', 'large-indexed']) {
    await fill(session, 5);
    await pool.query(`select * from erase_session_part($1, 'studio', 'asked', 20)`, [session]);
  }
  await index('large-indexed', 'new.jpg', await beginIndexing(pool, 'large-indexed'));
  assert.equal(await sweepOverdueSessions(pool, logger), 1);
  assert.deepEqual(await leftOf('large-swept'), []);
  assert.deepEqual(await photosOf('large-indexed'), ['new.jpg']);
  assert.match(await verified(), /"msg":"ok"/);
});

test('a call that began before an erasure writes nothing, though the erasure is still under way', async () => {
  await fill('under-way', 5);
  const begun = await beginIndexing(pool, 'under-way');
  await pool.query(`select * from erase_session_part('under-way', 'studio', 'asked', 20)`);
  await assert.rejects(index('under-way', 'late.jpg', begun), { code: 'session_erased' });
  await eraseSession(pool, 'under-way', 'studio');
  assert.deepEqual(await leftOf('under-way'), []);
});

test('every photo of a batch is indexed into a session that has expired, before it or meanwhile', async () => {
  await fill('expired', 3);
  await expire('expired');
  const first = await Promise.all([beginIndexing(pool, 'expired'), beginIndexing(pool, 'expired')]);
  await Promise.all(first.map((begun, number) => index('expired', `${number}.jpg`, begun)));
  assert.deepEqual(await photosOf('expired'), ['0.jpg', '1.jpg']);
  const begun = [await beginIndexing(pool, 'expired'), await beginIndexing(pool, 'expired')];
  await expire('expired');
  await index('expired', '2.jpg', begun[0]!);
  await index('expired', '3.jpg', begun[1]!);
  assert.deepEqual(await photosOf('expired'), ['2.jpg', '3.jpg']);
});

test('a session that cannot be erased does not block the next ones, and the sweep reports it', async () => {
  await pool.query(`
    create function refuse() returns trigger language plpgsql as 'begin raise exception ''a fault of this session alone''; end';
    create trigger refuse before delete on faces for each row when (old.session_id = 'stuck') execute function refuse()`);
  await fill('stuck', 2);
  await expire('stuck');
  const behind = Array.from({ length: 110 }, (_, number) => `behind-${number}`);
  for (const session of behind) {
    await fill(session, 1);
    await expire(session);
  }
  await assert.rejects(sweepOverdueSessions(pool, logger), /a fault of this session alone/);
  const { rows } = await pool.query('select session_id from sessions where expires_at <= now()');
  assert.deepEqual(rows, [{ session_id: 'stuck' }]);
  await pool.query('drop trigger refuse on faces');
  assert.equal(await sweepOverdueSessions(pool, logger), 1);
});

test('a database of an older migrator has its sessions erased in one statement', async () => {
  await pool.query(
    'alter function erase_session_part(text, text, text, integer) rename to erase_session_part_of_a_newer_one',
  );
  for (const session of ['older', 'older-expired']) await fill(session, 2);
  assert.deepEqual(await eraseSession(pool, 'older', 'studio'), { photos: 2, faces: 40 });
  await expire('older-expired');
  assert.deepEqual(await eraseOverdueSession(pool, 'older-expired'), { photos: 2, faces: 40 });
  await pool.query(
    'alter function erase_session_part_of_a_newer_one(text, text, text, integer) rename to erase_session_part',
  );
});

async function index(sessionId: string, photoId: string, { lastErasure }: { lastErasure: string }): Promise<void> {
  const face = { box: { x: 0, y: 0, width: 9, height: 9 }, confidence: 0.9, quality: 0.5 };
  const embedding = Array.from({ length: DIMENSION }, (_, place) => (place === 0 ? 1 : 0));
  await replaceFaces(pool, {
    sessionId,
    photoId,
    modelId: MODEL,
    faces: [{ ...face, embedding }],
    lastErasure,
    retentionDays: 0,
  });
}

async function fill(session: string, photos: number): Promise<void> {
  await pool.query(
    `with faces_made as (
       insert into faces (session_id, photo_id, face_index, confidence, model_id, embedding)
       select $1, 'photo-' || photo, face, 0.9, $2, array_fill(case when face % 2 = 0 then 1 else -1 end / sqrt($5::float8), array[$5::integer])::halfvec
       from generate_series(1, $3::integer) photo, generate_series(0, $4::integer - 1) face)
     insert into sessions (session_id, photo_count, face_count, model_id) values ($1, $3, $3 * $4, $2)`,
    [session, MODEL, photos, FACES_OF_A_PHOTO, DIMENSION],
  );
}

async function expire(session: string): Promise<void> {
  await pool.query(`update sessions set expires_at = now() - interval '1 second' where session_id = $1`, [session]);
}

async function countsOf(session: string): Promise<unknown> {
  return (await pool.query('select photo_count, face_count from sessions where session_id = $1', [session])).rows[0];
}

async function photosOf(session: string): Promise<string[]> {
  const { rows } = await pool.query('select distinct photo_id from faces where session_id = $1 order by 1', [session]);
  return rows.map((row) => row.photo_id);
}

async function leftOf(session: string): Promise<unknown[]> {
  const rows = 'select session_id from faces where session_id = $1 union all select session_id from sessions where';
  return (await pool.query(`${rows} session_id = $1`, [session])).rows;
}

async function verified(): Promise<string> {
  return migrate(database.url, 'verify');
}
