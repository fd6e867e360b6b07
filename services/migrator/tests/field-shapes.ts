import pg from 'pg';
import type { Installation } from './installation.ts';

/**
 * Databases as the field has them, each told by what sets it apart from the scripts of the public upstream. `make` runs
 * on the upstream's own table, filled (`createFieldDatabase`). A shape either migrates, up and back, or is refused
 * before anything was changed, with a message that fits `refused`; where the message quotes statements, they fix it.
 */
export interface FieldShape {
  name: string;
  make: string;
  refused?: RegExp;
  /** Statements to run after the refusal where its message has none to quote. */
  fix?: string;
  /** Takes what the embedded database has not. */
  server?: true;
  /** The table takes each photo once. */
  holdsPhotosOnce?: true;
}

/** As `create_all` of the upstream's models and its init_facepass_tables.sql leave it, with 8 dimensions. */
const UPSTREAM_TABLE = `
  create table face_embeddings (
    id serial primary key, face_id integer, photo_id varchar(255), event_id integer, session_id uuid,
    embedding vector(8) not null, confidence float, created_at timestamp with time zone default now());
  create index idx_face_embeddings_face_id on face_embeddings (face_id);
  create index idx_face_embeddings_photo_id on face_embeddings (photo_id);
  create index idx_face_embeddings_event_id on face_embeddings (event_id);
  create index idx_face_embeddings_session_id on face_embeddings (session_id);
  create index idx_face_embeddings_created_at on face_embeddings (created_at);
  create index idx_face_embeddings_embedding_hnsw on face_embeddings using hnsw (embedding vector_cosine_ops) with (m = 16, ef_construction = 64);
`;

/** SQLAlchemy's create_all makes an index of every column with index=True, the primary key's among them. */
const CREATE_ALL_INDEXES = ['id', 'face_id', 'photo_id', 'event_id', 'session_id']
  .map((column) => `create index ix_public_face_embeddings_${column} on face_embeddings (${column});`)
  .join('\n');

/** The upstream's migration_v2.sql, less a comment that PostgreSQL refuses; it leaves a second table of vectors. */
const MIGRATION_V2 = `
  create table face_embeddings_backup as select * from face_embeddings;
  delete from face_embeddings where session_id is null or photo_id is null or confidence is null;
  delete from face_embeddings a using face_embeddings b where a.photo_id = b.photo_id and a.session_id = b.session_id and a.id < b.id;
  alter table face_embeddings drop column face_id, drop column event_id,
    alter column photo_id set not null, alter column session_id set not null, alter column confidence set not null,
    add constraint unique_photo_session unique (photo_id, session_id);
  create index idx_face_embeddings_session_photo on face_embeddings (session_id, photo_id);
  create index idx_face_embeddings_vector on face_embeddings using ivfflat (embedding vector_cosine_ops) with (lists = 10);
`;

const WITHOUT_NULLS = `delete from face_embeddings where session_id is null or photo_id is null or confidence is null;`;

export const FIELD_SHAPES: FieldShape[] = [
  { name: 'the upstream’s scripts', make: '' },
  { name: 'indexes of create_all, one of them on id', make: CREATE_ALL_INDEXES },
  {
    name: 'columns without nulls',
    make: `${WITHOUT_NULLS} alter table face_embeddings alter photo_id set not null, alter session_id set not null,
      alter confidence set not null, alter created_at set not null`,
  },
  { name: 'confidence is real', make: 'alter table face_embeddings alter confidence type real' },
  { name: 'photo_id is text', make: 'alter table face_embeddings alter photo_id type text' },
  { name: 'columns in another order', make: reordered() },
  {
    name: 'a dropped column',
    make: `alter table face_embeddings add note text; alter table face_embeddings drop note`,
  },
  {
    name: 'a unique index on photo and session',
    make: `${WITHOUT_NULLS} delete from face_embeddings a using face_embeddings b
      where a.photo_id = b.photo_id and a.session_id = b.session_id and a.id < b.id;
      create unique index photo_once on face_embeddings (photo_id, session_id)`,
    holdsPhotosOnce: true,
  },
  {
    name: 'a unique index on photo, session and confidence',
    make: `delete from face_embeddings a using face_embeddings b where a.photo_id = b.photo_id and a.session_id = b.session_id
      and a.confidence = b.confidence and a.id < b.id;
      create unique index face_once on face_embeddings (photo_id, session_id, confidence)`,
    refused: /the unique index face_once would reject photos during a rollback/,
  },
  { name: 'a primary key of another name', make: 'alter index face_embeddings_pkey rename to pk_embeddings' },
  { name: 'a sequence of another name', make: 'alter sequence face_embeddings_id_seq rename to numbers_of_faces' },
  {
    name: 'a second index on id, a partial and an expression index',
    make: `create index on face_embeddings (id desc); create index on face_embeddings (photo_id) where confidence > 0.5;
      create index on face_embeddings (lower(photo_id))`,
  },
  { name: 'no index but the primary key', make: withoutIndexes() },
  { name: 'a schema of the role’s name', make: "do $$ begin execute format('create schema %I', current_user); end $$" },
  {
    name: 'a first schema on the path that holds other tables',
    make: `create schema app; create table app.orders (id integer); do $$ begin
      execute format('alter role %I in database %I set search_path = app, public', current_user, current_database()); end $$`,
    server: true,
  },
  {
    name: 'ids that no client can send',
    make: `update face_embeddings set photo_id = '' where id % 7 = 1; update face_embeddings set photo_id = E'a\\tb' where id % 7 = 2;
      update face_embeddings set photo_id = '..' where id % 7 = 3`,
  },
  {
    name: 'confidence beyond 0 to 1',
    make: 'update face_embeddings set confidence = 1.7 where id % 5 = 1; update face_embeddings set confidence = -0.5 where id % 5 = 2',
  },
  {
    name: 'photo_id is uuid',
    make: `update face_embeddings set photo_id = md5(photo_id)::uuid; alter table face_embeddings alter photo_id type uuid using photo_id::uuid`,
    refused: /photo_id is uuid, not character varying\(255\)/,
  },
  {
    name: 'photo_id is a short varchar',
    make: 'alter table face_embeddings alter photo_id type varchar(100)',
    refused: /photo_id is character varying\(100\), not character varying\(255\)/,
  },
  {
    name: 'id is bigserial',
    make: 'alter table face_embeddings alter id type bigint; alter sequence face_embeddings_id_seq as bigint',
    refused: /id is bigint, not integer/,
  },
  {
    name: 'session_id is text',
    make: 'alter table face_embeddings alter session_id type varchar(255)',
    refused: /session_id is character varying\(255\), not uuid/,
  },
  {
    name: 'face_id and event_id are uuid, as rollback_v2.sql makes them',
    make: 'alter table face_embeddings drop face_id, drop event_id; alter table face_embeddings add face_id uuid, add event_id uuid',
    refused: /face_id is uuid, not integer; event_id is uuid, not integer/,
    fix: 'alter table face_embeddings drop face_id, drop event_id; alter table face_embeddings add face_id integer, add event_id integer',
  },
  {
    name: 'created_at without a time zone',
    make: 'alter table face_embeddings alter created_at type timestamp',
    refused: /created_at is timestamp without time zone, not timestamp with time zone/,
  },
  {
    name: 'vectors of no fixed length',
    make: 'drop index idx_face_embeddings_embedding_hnsw; alter table face_embeddings alter embedding type vector',
    refused: /embedding is vector, not vector\(N\)/,
    fix: 'alter table face_embeddings alter embedding type vector(8)',
  },
  {
    name: 'vectors in half precision',
    make: 'drop index idx_face_embeddings_embedding_hnsw; alter table face_embeddings alter embedding type halfvec(8)',
    refused: /embedding is halfvec\(8\), not vector\(N\)/,
    fix: 'alter table face_embeddings alter embedding type vector(8)',
  },
  {
    name: 'no photo_id: the upstream’s first schema',
    make: 'alter table face_embeddings drop photo_id',
    refused: /it has no photo_id/,
  },
  {
    name: 'face_id and event_id without nulls, as the upstream’s models once had them',
    make: `update face_embeddings set face_id = coalesce(face_id, 0), event_id = coalesce(event_id, 0);
      alter table face_embeddings alter face_id set not null, alter event_id set not null`,
    refused: /face_id, event_id must allow NULL/,
  },
  {
    name: 'a unique index on photo_id alone',
    make: `${WITHOUT_NULLS} delete from face_embeddings a using face_embeddings b where a.photo_id = b.photo_id and a.id < b.id;
      create unique index photo_anywhere on face_embeddings (photo_id)`,
    refused: /the unique index photo_anywhere/,
  },
  {
    name: 'ids that are not unique',
    make: 'alter table face_embeddings drop constraint face_embeddings_pkey; update face_embeddings set id = 7 where id < 9',
    refused: /id is neither the primary key/,
    fix: `update face_embeddings f set id = n from (select ctid as place, row_number() over () as n from face_embeddings) numbered where f.ctid = place;
      alter table face_embeddings add primary key (id)`,
  },
  {
    name: 'ids of an identity column',
    make: `alter table face_embeddings alter id drop default; drop sequence face_embeddings_id_seq;
      alter table face_embeddings alter id add generated by default as identity (start with 1000)`,
    refused: /id of face_embeddings is an identity column/,
  },
  {
    name: 'ids of a sequence that the column does not own',
    make: 'alter sequence face_embeddings_id_seq owned by none',
    refused: /owns no sequence/,
    fix: 'alter sequence face_embeddings_id_seq owned by face_embeddings.id',
  },
  {
    name: 'a generated confidence',
    make: 'alter table face_embeddings drop confidence; alter table face_embeddings add confidence float generated always as (0.5) stored',
    refused: /confidence is a generated column/,
  },
  {
    name: 'a view in the table’s place',
    make: 'alter table face_embeddings rename to embeddings_of_faces; create view face_embeddings as select * from embeddings_of_faces',
    refused: /face_embeddings is a view/,
    fix: 'drop view face_embeddings; alter table embeddings_of_faces rename to face_embeddings',
  },
  {
    name: 'a partitioned table',
    make: `alter table face_embeddings rename to embeddings_of_faces;
      create table face_embeddings (like embeddings_of_faces including defaults) partition by hash (id);
      create table face_embeddings_p0 partition of face_embeddings for values with (modulus 1, remainder 0)`,
    refused: /face_embeddings is a partitioned table/,
    fix: 'drop table face_embeddings; alter table embeddings_of_faces rename to face_embeddings',
  },
  {
    name: 'a partition of another table',
    make: `create table of_all_events (like face_embeddings including defaults); alter table face_embeddings inherit of_all_events`,
    refused: /the parent of_all_events/,
    fix: 'alter table face_embeddings no inherit of_all_events; drop table of_all_events',
  },
  { name: 'an unlogged table', make: 'alter table face_embeddings set unlogged', refused: /is unlogged/ },
  {
    name: 'a view of the table',
    make: 'create view best_faces as select * from face_embeddings where confidence > 0.9',
    refused: /view best_faces/,
    fix: 'drop view best_faces',
  },
  {
    name: 'a function of the table',
    make: 'create function faces_held() returns bigint language sql begin atomic select count(*) from face_embeddings; end',
    refused: /function faces_held\(\)/,
    fix: 'drop function faces_held()',
  },
  {
    name: 'a trigger',
    make: `create function tell() returns trigger language plpgsql as 'begin return null; end';
      create trigger tell after insert on face_embeddings for each row execute function tell()`,
    refused: /the trigger tell/,
  },
  {
    name: 'the upstream’s own table faces',
    make: `create table faces (id serial primary key, event_id integer, session_id uuid, photo_id varchar(255), image_url varchar not null,
      s3_key varchar not null, confidence float not null default 0.0, created_at timestamp with time zone default now());
      create index idx_faces_session_id on faces (session_id)`,
    refused: /already has tables with names that Facepass needs: faces/,
  },
  {
    name: 'another tool’s ledger',
    make: 'create table schema_migrations (version bigint primary key, dirty boolean not null)',
    refused: /schema_migrations/,
  },
  {
    name: 'tables of the names that a migration makes meanwhile',
    make: 'create table face_embeddings_v2 (id integer); create table faces_07 (id integer)',
    refused: /face_embeddings_v2, faces_07/,
  },
  {
    name: 'migration_v2.sql of the upstream',
    make: MIGRATION_V2,
    refused: /it has no face_id, event_id/,
  },
  {
    name: 'migration_v2.sql, its columns put back',
    make: `${MIGRATION_V2} alter table face_embeddings add face_id integer, add event_id integer`,
    refused: /face_embeddings_backup also holds vectors/,
    fix: 'drop table face_embeddings_backup',
  },
  {
    name: 'migration_v2.sql, its columns put back and its backup dropped',
    make: `${MIGRATION_V2} alter table face_embeddings add face_id integer, add event_id integer; drop table face_embeddings_backup`,
    holdsPhotosOnce: true,
  },
  {
    name: 'a table in a schema that is not on the path',
    make: 'create schema hidden; alter table face_embeddings set schema hidden',
    refused: /face_embeddings is in the schema hidden/,
    fix: 'alter table hidden.face_embeddings set schema public',
  },
];

function reordered(): string {
  return `create table put_anew (created_at timestamptz default now(), confidence float, embedding vector(8) not null, session_id uuid, event_id integer,
      photo_id varchar(255), face_id integer, id integer primary key default nextval('face_embeddings_id_seq'));
    insert into put_anew (id, face_id, photo_id, event_id, session_id, embedding, confidence, created_at)
    select id, face_id, photo_id, event_id, session_id, embedding, confidence, created_at from face_embeddings;
    alter sequence face_embeddings_id_seq owned by put_anew.id; drop table face_embeddings; alter table put_anew rename to face_embeddings`;
}

function withoutIndexes(): string {
  return ['face_id', 'photo_id', 'event_id', 'session_id', 'created_at', 'embedding_hnsw']
    .map((name) => `drop index idx_face_embeddings_${name};`)
    .join(' ');
}

/** Those that migrate, on the engine of the tests. */
export function fittingShapes({ server }: { server: boolean }): FieldShape[] {
  return FIELD_SHAPES.filter((shape) => !shape.refused && (server || !shape.server));
}

/** The upstream's table, without any record of ours. */
export async function createFieldTable({ query }: Installation): Promise<void> {
  await query('create extension if not exists vector');
  await query(UPSTREAM_TABLE);
}

/** Runs statements on a connection of their own, and opens new ones, which see a search path that they set. */
export async function runAlone(installation: Installation, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: installation.url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
  await installation.reconnect();
}
