import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { erasePhoto as apiErasePhoto, eraseSession as apiEraseSession } from '@facepass/indexing/db/erasure';
import { replaceFaces } from '@facepass/indexing/db/faces';
import { createFieldTable, fittingShapes, runAlone, type FieldShape } from './field-shapes.ts';
import { createInstallation, LEGACY_MODEL, textOf, vectorOf, type Installation } from './installation.ts';
import * as expected from './oracle.ts';
import type { FieldRow, Oracle } from './oracle.ts';

const DIMENSION = 8;
const RUNS = Number(process.env['FACEPASS_TEST_RUNS'] ?? (process.env['FACEPASS_TEST_DATABASE_URL'] ? 6 : 1));
const SEED = Number(process.env['FACEPASS_TEST_SEED'] ?? Date.now() % 1_000_000);
const UUIDS = [
  '0b8a58e5-3c29-4ae7-a4b8-7d1a4e3d5f10',
  '5d0fd3bb-6a3e-4f6d-8a10-27d0c3f2f7aa',
  'c2f1b0a4-9f0d-4b68-b1c7-0d3d2a6e9b55',
];
const NAMED = ['Hochzeit Müller', UUIDS[0]!.toUpperCase()];
const SHAPES = fittingShapes({ server: Boolean(process.env['FACEPASS_TEST_DATABASE_URL']) });
const PHOTOS = ['a.jpg', 'b.jpg', 'c.jpg', "d'; --"];

const confidence = fc.constantFrom(0.25, 0.5, 0.75, 0.875);
const seed = fc.integer({ min: 1, max: 1_000_000 });
const fieldRow = fc.record({
  faceId: fc.option(fc.integer({ min: 1, max: 1e6 })),
  eventId: fc.option(fc.integer({ min: 1, max: 99 })),
  photo: fc.option(fc.constantFrom(...PHOTOS, ...PHOTOS, ...PHOTOS, '', '..', 'a\tb'), { freq: 8 }),
  session: fc.option(fc.constantFrom(...UUIDS), { freq: 8 }),
  seed: fc.oneof({ weight: 12, arbitrary: seed }, { weight: 1, arbitrary: fc.constant(0) }),
  length: fc.constantFrom(1, 1, 3.5, 0.001),
  confidence: fc.option(fc.oneof({ weight: 8, arbitrary: confidence }, fc.constantFrom(1.75, -0.5)), { freq: 8 }),
});
const face = fc.record({
  seed,
  confidence,
  model: fc.constantFrom(LEGACY_MODEL, LEGACY_MODEL, LEGACY_MODEL, 'other-1'),
});
const photo = fc.constantFrom(...PHOTOS);
const shape = fc.constantFrom(...SHAPES);
const anySession = fc.constantFrom(...UUIDS, ...NAMED);
const uuidSession = fc.constantFrom(...UUIDS);

const atSchema3 = fc.oneof(
  fc.record({
    do: fc.constant('newer index' as const),
    session: anySession,
    photo,
    faces: fc.array(face, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ do: fc.constant('older index' as const), session: anySession, photo, seed, confidence }),
  fc.record({ do: fc.constant('erase photo' as const), session: anySession, photo }),
  fc.record({ do: fc.constant('erase session' as const), session: anySession }),
  fc.record({ do: fc.constant('older delete' as const), session: anySession, photo: fc.option(photo) }),
);
const atSchema2 = fc.oneof(
  fc.record({ do: fc.constant('older index' as const), session: anySession, photo, seed, confidence }),
  fc.record({ do: fc.constant('older delete' as const), session: anySession, photo: fc.option(photo) }),
);
const atSchema1 = fc.oneof(
  fc.record({ do: fc.constant('field insert' as const), session: uuidSession, photo, seed, confidence }),
  fc.record({ do: fc.constant('older delete' as const), session: uuidSession, photo: fc.option(photo) }),
);

test(`any rows of schema 1, in a table of any accepted shape, migrate to 3 and back unchanged, without loss or duplicates (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.array(fieldRow, { maxLength: 40 }), async (made, contents) => {
      await using installation = await createInstallation({ dimension: DIMENSION });
      const oracle = await seedField(installation, made, contents);
      const before = await installation.query('select * from face_embeddings order by id');
      await installation.up();
      expected.goUpTo2(oracle);
      expected.goUpTo3(oracle);
      await compareSchema3(installation, oracle);
      await installation.down(1);
      assert.deepEqual(await installation.query('select * from face_embeddings order by id'), before);
    }),
    { numRuns: RUNS, seed: SEED },
  );
});

test(`writes and erasures by every API, at every schema, survive every migration and rollback (seed ${SEED})`, async () => {
  const story = fc.record({
    shape,
    contents: fc.array(fieldRow, { maxLength: 25 }),
    first: fc.array(atSchema3, { maxLength: 12 }),
    contract: fc.boolean(),
    second: fc.array(atSchema2, { maxLength: 6 }),
    over1: fc.boolean(),
    third: fc.array(atSchema1, { maxLength: 6 }),
    fourth: fc.array(atSchema3, { maxLength: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(story, async ({ shape: made, contents, first, contract, second, over1, third, fourth }) => {
      await using installation = await createInstallation({ dimension: DIMENSION });
      const oracle = await seedField(installation, made, contents);
      await installation.up();
      expected.goUpTo2(oracle);
      expected.goUpTo3(oracle);
      for (const step of first) await act(installation, oracle, step, 3);
      await compareSchema3(installation, oracle);
      if (contract) {
        await installation.up({ contract: true });
        expected.contract(oracle);
      }
      await installation.down(2);
      for (const step of second) await act(installation, oracle, step, 2);
      await comparePhotos(installation, oracle);
      if (over1) {
        await goDownTo1(installation, oracle);
        await compareSchema1(installation, oracle);
        for (const step of third) await act(installation, oracle, step, 1);
        await compareSchema1(installation, oracle);
        expected.goUpTo2(oracle);
      }
      await installation.up();
      expected.goUpTo3(oracle);
      await compareSchema3(installation, oracle);
      for (const step of fourth) await act(installation, oracle, step, 3);
      await compareSchema3(installation, oracle);
      await goDownTo1(installation, oracle);
      await compareSchema1(installation, oracle);
    }),
    {
      numRuns: RUNS,
      seed: SEED,
      examples: [
        [NAMED_SESSION_AT_SCHEMA_2],
        [TWO_FACES_IN_A_NAMED_SESSION],
        [MODEL_LEFT_BEHIND],
        [ZERO_VECTOR_INDEXED_ANEW],
      ],
    },
  );
});

/** On PostgreSQL 18 and PGlite this session's name was once cast to a UUID while the way back was planned. */
const NAMED_SESSION_AT_SCHEMA_2 = {
  shape: SHAPES[0]!,
  contents: [],
  first: [],
  contract: false,
  second: [
    { do: 'older index' as const, session: 'Hochzeit Müller', photo: 'a.jpg', seed: 1, confidence: 0.25 as const },
  ],
  over1: false,
  third: [],
  fourth: [],
};

/** The second face was once lost when the named session came back from schema 1. */
const TWO_FACES_IN_A_NAMED_SESSION = {
  shape: SHAPES[0]!,
  contents: [],
  first: [
    {
      do: 'newer index' as const,
      session: 'Hochzeit Müller',
      photo: 'a.jpg',
      faces: [1, 2].map((each) => ({ seed: each, confidence: 0.25 as const, model: 'arcface-1' as const })),
    },
  ],
  contract: false,
  second: [],
  over1: true,
  third: [],
  fourth: [],
};

/** The session's other photo was once left under the model of the photo that schema 1 wrote anew. */
const MODEL_LEFT_BEHIND = {
  shape: SHAPES[0]!,
  contents: [],
  first: [
    {
      do: 'newer index' as const,
      session: UUIDS[0]!,
      photo: 'a.jpg',
      faces: [{ seed: 1, confidence: 0.25 as const, model: 'other-1' as const }],
    },
    { do: 'older index' as const, session: UUIDS[0]!, photo: 'b.jpg', seed: 1, confidence: 0.25 as const },
  ],
  contract: false,
  second: [],
  over1: true,
  third: [{ do: 'field insert' as const, session: UUIDS[0]!, photo: 'a.jpg', seed: 1, confidence: 0.25 as const }],
  fourth: [],
};

/** The table that takes each photo once refused the newer row beside the one in quarantine, and the way back ended. */
const ZERO_VECTOR_INDEXED_ANEW = {
  shape: SHAPES.find((each) => each.holdsPhotosOnce)!,
  contents: [
    {
      faceId: null,
      eventId: null,
      photo: 'a.jpg' as const,
      session: UUIDS[1]!,
      seed: 0,
      length: 1 as const,
      confidence: 0.25 as const,
    },
  ],
  first: [],
  contract: false,
  second: [{ do: 'older index' as const, session: UUIDS[1]!, photo: 'a.jpg', seed: 1, confidence: 0.25 as const }],
  over1: true,
  third: [],
  fourth: [],
};

async function seedField(
  installation: Installation,
  made: FieldShape,
  contents: Omit<FieldRow, 'id'>[],
): Promise<Oracle> {
  await createFieldTable(installation);
  if (made.make) await runAlone(installation, made.make);
  const rows: FieldRow[] = [];
  for (const each of contents) {
    const id = await insertField(installation, each);
    if (id !== null) rows.push({ id, ...each });
  }
  return expected.newOracle(rows, made.holdsPhotosOnce ?? false);
}

/** null: the table's own constraints refuse the row. */
async function insertField(installation: Installation, row: Omit<FieldRow, 'id'>): Promise<number | null> {
  const vector = textOf(vectorOf(row.seed, DIMENSION).map((number) => number * row.length));
  const inserting = installation.query(
    'insert into face_embeddings (face_id, photo_id, event_id, session_id, embedding, confidence) values ($1, $2, $3, $4, $5, $6) returning id',
    [row.faceId, row.photo, row.eventId, row.session, vector, row.confidence],
  );
  return inserting.then(
    ([inserted]) => inserted.id,
    (error: { code?: string }) => {
      if (error.code === '23502' || error.code === '23505') return null;
      throw error;
    },
  );
}

async function goDownTo1(installation: Installation, oracle: Oracle): Promise<void> {
  await installation.down(1);
  expected.goDownTo1(oracle);
  for (const row of oracle.rows.filter((each) => each.id === Infinity)) {
    const [found] = await installation.query(
      'select max(id) as id from face_embeddings where session_id = $1 and photo_id = $2',
      [row.session, row.photo],
    );
    row.id = found.id;
  }
}

type Step =
  typeof atSchema1 extends fc.Arbitrary<infer A>
    ? typeof atSchema2 extends fc.Arbitrary<infer B>
      ? typeof atSchema3 extends fc.Arbitrary<infer C>
        ? A | B | C
        : never
      : never
    : never;

async function act(installation: Installation, oracle: Oracle, step: Step, schema: 1 | 2 | 3): Promise<void> {
  const { pool } = installation;
  switch (step.do) {
    case 'newer index': {
      const key = expected.keyOf(step.session, step.photo);
      const [held] = await installation.query('select model_id from sessions where session_id = $1', [step.session]);
      const faces = step.faces.map((each) => ({ ...each, model: held?.model_id ?? step.faces[0]!.model })); // the API refuses a second model in a session
      await newerIndex(installation, step.session, step.photo, faces);
      return expected.newerIndex(oracle, key, faces);
    }
    case 'older index':
      await installation.query(
        `insert into face_embeddings (photo_id, session_id, embedding, confidence) values ($1, $2, $3, $4)
         on conflict (photo_id, session_id) do update set embedding = excluded.embedding, confidence = excluded.confidence`,
        [step.photo, step.session, textOf(vectorOf(step.seed, DIMENSION)), step.confidence],
      );
      return expected.olderIndex(
        oracle,
        expected.keyOf(step.session, step.photo),
        { seed: step.seed, confidence: step.confidence },
        schema as 2 | 3,
      );
    case 'field insert': {
      const row = { faceId: null, eventId: null, length: 1, ...step };
      const id = await insertField(installation, row);
      return id === null ? undefined : expected.fieldInsert(oracle, { id, ...row });
    }
    case 'erase photo':
      await apiErasePhoto(pool, step.session, step.photo, 'test');
      return expected.erasePhoto(oracle, expected.keyOf(step.session, step.photo));
    case 'erase session':
      await apiEraseSession(pool, step.session, 'test');
      return expected.eraseSession(oracle, step.session);
    case 'older delete':
      if (step.photo === null)
        await installation.query('delete from face_embeddings where session_id = $1', [step.session]);
      else
        await installation.query('delete from face_embeddings where session_id = $1 and photo_id = $2', [
          step.session,
          step.photo,
        ]);
      return expected.olderDelete(oracle, step.session, step.photo, schema);
  }
}

async function newerIndex(
  installation: Installation,
  sessionId: string,
  photoId: string,
  faces: expected.Face[],
): Promise<void> {
  const [{ last }] = await installation.query(
    'select coalesce(max(id), 0) as last from erasures where session_id = $1',
    [sessionId],
  );
  await replaceFaces(installation.pool, {
    sessionId,
    photoId,
    modelId: faces[0]!.model,
    lastErasure: last,
    retentionDays: 0,
    faces: faces.map((each) => ({
      box: { x: 1, y: 2, width: 30, height: 40 },
      confidence: each.confidence,
      quality: 0.5,
      embedding: vectorOf(each.seed, DIMENSION),
    })),
  });
}

async function compareSchema3(installation: Installation, oracle: Oracle): Promise<void> {
  const rows = await installation.query(
    'select session_id, photo_id, face_index, confidence, model_id, embedding::text from faces order by session_id, photo_id, face_index',
  );
  const found = new Map<string, expected.Face[]>();
  for (const row of rows) {
    const key = expected.keyOf(row.session_id, row.photo_id);
    const faces = found.get(key) ?? [];
    assert.equal(row.face_index, faces.length, `faces of ${key} are numbered without gaps`);
    const seeds = oracle.faces.get(key)?.map((each) => each.seed) ?? [];
    found.set(key, [...faces, { seed: seedOf(row.embedding, seeds), confidence: row.confidence, model: row.model_id }]);
  }
  assert.deepEqual(sorted(found), sorted(oracle.faces));
  const strange = await installation.query(
    'select session_id, model_id from sessions s where not exists (select from faces f where f.session_id = s.session_id and f.model_id = s.model_id)',
  );
  assert.deepEqual(strange, [], 'a session is of a model that it holds faces of');
  await comparePhotos(installation, oracle);
  assert.deepEqual(await installation.damage(), []);
}

async function comparePhotos(installation: Installation, oracle: Oracle): Promise<void> {
  const rows = await installation.query(
    'select session_id, photo_id, confidence, embedding::text from face_embeddings',
  );
  const found = new Map(
    rows.map((row) => {
      const key = expected.keyOf(row.session_id, row.photo_id);
      return [key, { seed: seedOf(row.embedding, [oracle.photos.get(key)?.seed ?? 0]), confidence: row.confidence }];
    }),
  );
  assert.deepEqual(sorted(found), sorted(oracle.photos));
  const quarantined = await installation.query('select id from face_embeddings_quarantine order by id').catch(() => []);
  if ((await installation.query(`select to_regclass('face_embeddings_backup_v1') is not null as held`))[0].held) {
    const losers = oracle.rows.filter((row) => !oracle.winners.has(row)).map((row) => row.id);
    assert.deepEqual(
      quarantined.map((row) => row.id),
      losers.toSorted((a, b) => a - b),
    );
  }
}

async function compareSchema1(installation: Installation, oracle: Oracle): Promise<void> {
  const rows = await installation.query(
    'select id, face_id, photo_id, event_id, session_id, confidence, embedding::text from face_embeddings order by id',
  );
  const wanted = oracle.rows.toSorted((a, b) => a.id - b.id);
  const found = rows.map((row, index) => ({
    id: row.id,
    faceId: row.face_id,
    eventId: row.event_id,
    photo: row.photo_id,
    session: row.session_id,
    seed: seedOf(row.embedding, [wanted[index]?.seed ?? 0]),
    confidence: row.confidence,
  }));
  assert.deepEqual(
    found,
    wanted.map(({ id, faceId, eventId, photo, session, seed, confidence }) => ({
      id,
      faceId,
      eventId,
      photo,
      session,
      seed,
      confidence,
    })),
  );
}

/** Which of `seeds` a stored vector is made from, whatever its length; -1: none. */
function seedOf(text: string, seeds: number[]): number {
  const stored: number[] = JSON.parse(text);
  const norm = Math.hypot(...stored);
  return (
    seeds.find((each) =>
      vectorOf(each, DIMENSION).every(
        (number, place) => Math.abs(number - (norm === 0 ? 0 : stored[place]! / norm)) < 2e-3,
      ),
    ) ?? -1
  );
}

function sorted<Value>(map: Map<string, Value>): [string, Value][] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
