import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MigratorConfig } from './config.ts';
import { objections, objectionsToGoingBack } from './preflight.ts';
import { spaceUp } from './space.ts';
import type { State } from './state.ts';

const FIELD: State = {
  recorded: [],
  version: 1,
  schema: 'public',
  serverVersion: 160_014,
  embedded: false,
  role: 'facepass',
  mayCreate: true,
  mayHoldQueue: true,
  foreignTables: [],
  pgvector: '0.8.5',
  olderTable: {
    kind: 'table',
    unlogged: false,
    columns: [
      ['id', 'integer'],
      ['face_id', 'integer'],
      ['photo_id', 'character varying(255)'],
      ['event_id', 'integer'],
      ['session_id', 'uuid'],
      ['embedding', 'vector(512)'],
      ['confidence', 'double precision'],
      ['created_at', 'timestamp with time zone'],
    ].map(([name, type]) => ({ name: name!, type: type!, required: name === 'id' || name === 'embedding', made: '' })),
    dimension: 512,
    sequence: 'face_embeddings_id_seq',
    idIsKey: true,
    uniques: [],
    rows: 1_000_000,
    bytes: 2.9e9,
    idBytes: 47,
  },
  tableElsewhere: null,
  otherCopies: [],
  facesDimension: undefined,
  sessionsByModel: [],
  ownTables: [],
  dependents: [],
  extras: [],
  databaseBytes: 5e9,
  made: { schema2: 0, faces: 0 },
  walRoom: 1e9,
  sortMemory: 64e6,
};
const CONFIG = {
  pack: { name: 'arcface', modelId: 'arcface-1', dimension: 512 },
  legacyModelId: 'arcface-1',
} as MigratorConfig;

const messagesOf = (state: Partial<State>, config: Partial<MigratorConfig> = {}, target = 3) =>
  objections({ ...FIELD, ...state }, { ...CONFIG, ...config }, target).map(
    (objection) => `${objection.exitCode} ${objection.message}`,
  );

test('accepts a database of schema 1 with a matching configuration', () => {
  assert.deepEqual(messagesOf({}), []);
  assert.deepEqual(messagesOf({ olderTable: undefined, version: 0 }, { legacyModelId: undefined }), []);
});

test('refuses pgvector older than 0.8.4 unless exactly that version is allowed', () => {
  for (const pgvector of ['0.5.1', '0.8.0', '0.8.3'])
    assert.match(messagesOf({ pgvector })[0]!, /65 pgvector 0\.8\.4 or newer.*CVE-2026-3172.*ALLOW_PGVECTOR_VERSION/);
  assert.match(messagesOf({ pgvector: '0.8.0' }, { allowedPgvectorVersion: '0.8.1' })[0]!, /this database has 0\.8\.0/);
  assert.deepEqual(messagesOf({ pgvector: '0.8.0' }, { allowedPgvectorVersion: '0.8.0' }), []);
  for (const pgvector of ['0.8.4', '0.8.10', '0.9.0', '1.0']) assert.deepEqual(messagesOf({ pgvector }), []);
  assert.match(messagesOf({ pgvector: null })[0]!, /65 .*not installed/);
});

test('refuses a pack of another dimension and names both, but only when migrating to schema 3', () => {
  const config = { pack: { name: 'sface', modelId: 'sface-3', dimension: 128 } };
  assert.match(messagesOf({}, config)[0]!, /65 .*face_embeddings have 512 dimensions; MODEL_PACK sface produces 128/);
  assert.deepEqual(messagesOf({ facesDimension: 512, version: 3 }, config), []);
  assert.deepEqual(messagesOf({}, config, 2), []);
});

test('a release that leaves sessions without their model is refused, unless that model is allowed by name', () => {
  const sessionsByModel = [
    { model: 'mobilefacenet-2', sessions: 3 },
    { model: 'sface-3', sessions: 7 },
  ];
  const state = { version: 3, sessionsByModel };
  const served = ['sface-3'];
  assert.match(
    messagesOf(state, { served, allowUnserved: [] })[0]!,
    /78 .*MODEL_PACKS makes sface-3: it would leave 3 of mobilefacenet-2 .*ALLOW_UNSERVED_MODELS=mobilefacenet-2\.$/,
  );
  assert.deepEqual(messagesOf(state, { served, allowUnserved: ['mobilefacenet-2'] }), []);
  assert.deepEqual(messagesOf(state, { served: ['sface-3', 'mobilefacenet-2'], allowUnserved: [] }), []);
  assert.deepEqual(messagesOf(state, { served: undefined, allowUnserved: [] }), [], 'MODEL_PACK alone tells nothing');
});

test('requires the model id of stored vectors', () => {
  assert.match(messagesOf({}, { legacyModelId: undefined })[0]!, /78 LEGACY_MODEL_ID: .*arcface-1/);
  assert.deepEqual(messagesOf({ version: 3 }, { legacyModelId: undefined }), []);
});

test('names a table of another shape, conflicting tables and dependent objects', () => {
  const columns = FIELD.olderTable!.columns.filter(({ name }) => !name.endsWith('_id'));
  assert.match(
    messagesOf({ olderTable: { ...FIELD.olderTable!, columns } })[0]!,
    /65 .*it has no face_id, photo_id, event_id, session_id/,
  );
  assert.match(messagesOf({ ownTables: ['faces', 'sessions'] })[0]!, /65 .*faces, sessions/);
  assert.deepEqual(messagesOf({ ownTables: ['faces', 'sessions'], recorded: ['0001_field_schema'] }), []);
  assert.match(messagesOf({ dependents: ['view best_faces'] })[0]!, /65 .*view best_faces/);
});

test('names what the new table would lack and the statements that remove it, until the tables are swapped', () => {
  const extras = [
    { what: 'the column note', fix: 'alter table face_embeddings drop column note' },
    { what: 'row level security', fix: 'alter table face_embeddings disable row level security' },
  ];
  assert.match(
    messagesOf({ extras })[0]!,
    /65 .*the column note, row level security\..*“alter table face_embeddings drop column note; alter table face_embeddings disable row level security”/,
  );
  assert.deepEqual(messagesOf({ extras, recorded: ['0007_schema_2'] }), []);
});

test('names a role that does not own the tables or may not create any, and the statement that fixes it', () => {
  assert.match(
    messagesOf({ mayCreate: false })[0]!,
    /78 .*role facepass .*“grant create on schema public to facepass”/,
  );
  assert.match(
    messagesOf({ mayHoldQueue: false })[0]!,
    /78 .*“create schema facepass_queue authorization facepass” as a superuser/,
  );
  const foreignTables = [{ name: 'face_embeddings', owner: 'studio' }];
  assert.match(
    messagesOf({ foreignTables })[0]!,
    /78 .*role facepass does not own face_embeddings \(studio does\)\. Let it connect as studio, or run “alter table face_embeddings owner to facepass”/,
  );
});

test('refuses a table whose id owns no sequence', () => {
  assert.match(
    messagesOf({ olderTable: { ...FIELD.olderTable!, sequence: null } })[0]!,
    /65 .*alter sequence … owned by face_embeddings\.id/,
  );
});

test('refuses an old server', () => {
  assert.match(messagesOf({ serverVersion: 150_006 })[0]!, /65 PostgreSQL 16 or newer is required; this is 15/);
});

test('refuses too little free space up and down, with both figures; accepts unknown free space', () => {
  const { tables, wal } = spaceUp(FIELD, 512, 3);
  assert.equal(wal, 1e9);
  assert.ok(tables > 7.5e9 && tables < 8.9e9, `a million rows of the field grew by 7.5 GB and sort in 2 GB: ${tables}`);
  assert.match(
    messagesOf({}, { freeBytes: tables + wal - 1 })[0]!,
    new RegExp(
      `65 About ${Math.ceil((tables + wal) / 1e6)} MB are needed, 1000 of them for the write-ahead log, but DATABASE_FREE_BYTES`,
    ),
  );
  assert.deepEqual(messagesOf({}, { freeBytes: tables + wal }), []);
  assert.deepEqual(spaceUp({ ...FIELD, version: 3, recorded: ['0007_schema_2'] }, 512, 3), { tables: 0, wal: 0 });
  assert.ok(
    spaceUp({ ...FIELD, made: { schema2: 3e9, faces: 0 } }, 512, 3).tables <= tables - 3e9,
    'what already exists is not counted again',
  );
  const back = (freeBytes: number) =>
    objectionsToGoingBack(FIELD, { ...CONFIG, freeBytes }, { otherModels: {}, space: { tables: 5e6, wal: 1e6 } }).map(
      ({ message }) => message,
    );
  assert.deepEqual(
    [back(6e6), back(5.9e6)],
    [
      [],
      [
        'About 6 MB are needed, 1 of them for the write-ahead log, but DATABASE_FREE_BYTES says that only 6 MB are free.',
      ],
    ],
  );
});
