import type { Client } from './database.ts';

/** The table of schemas 1 and 2, as it is found. */
export interface OlderTable {
  /** A table, or what else has its name. */
  kind: string;
  unlogged: boolean;
  columns: Column[];
  /** Length of the vectors; -1: none is set. */
  dimension: number;
  /** What its `id` owns, as `serial` makes it. */
  sequence: string | null;
  /** Whether `id` alone is a primary key or unique, in every row. */
  idIsKey: boolean;
  /** Unique indexes that would refuse a photo which only a newer schema knew; `fix` drops them. */
  uniques: { name: string; fix: string }[];
  rows: number;
  /** Without its indexes. */
  bytes: number;
  /** Of a row's photo and session as text. */
  idBytes: number;
}

export interface Column {
  name: string;
  /** As PostgreSQL writes it: `character varying(255)`. */
  type: string;
  required: boolean;
  /** '': none of the two. */
  made: '' | 'identity' | 'generated';
}

/**
 * Why the table is not that of schema 1, each with the statements that fix it where they are known; empty when it is.
 * Decides only.
 */
export function misfitsOf(table: OlderTable): Misfit[] {
  if (table.kind !== 'table') return [{ what: `face_embeddings is a ${table.kind}, not a table` }];
  const misfits = [missing(table), otherTypes(table), refusesNulls(table), ...table.columns.map(generated)];
  if (table.unlogged)
    misfits.push({
      what: 'face_embeddings is unlogged: a crash would empty it and its backup',
      fix: 'alter table face_embeddings set logged',
    });
  if (!table.idIsKey)
    misfits.push({
      what: 'id is neither the primary key nor unique in all rows',
      fix: 'alter table face_embeddings add primary key (id)',
    });
  if (table.uniques.length > 0)
    misfits.push({
      what: `the unique index ${table.uniques.map(({ name }) => name).join(', ')} would reject photos during a rollback`,
      fix: table.uniques.map(({ fix }) => fix).join('; '),
    });
  return misfits.filter((misfit) => misfit !== undefined);
}

export interface Misfit {
  what: string;
  fix?: string;
}

/** Of every column of schema 1 the type to name and, of those that fit as well, a pattern. */
const COLUMNS: Record<string, { type: string; fits?: RegExp; using?: string }> = {
  id: { type: 'integer', using: 'id::integer' },
  face_id: { type: 'integer' },
  photo_id: {
    type: 'character varying(255)',
    // A shorter one could not take back what the newer schema holds.
    fits: /^(text|character varying(\((25[5-9]|2[6-9]\d|[3-9]\d\d|\d{4,})\))?)$/,
    using: 'photo_id::text',
  },
  event_id: { type: 'integer' },
  session_id: { type: 'uuid', using: 'session_id::uuid' },
  embedding: { type: 'vector(N)', fits: /^vector\(\d+\)$/ },
  confidence: { type: 'double precision', fits: /^(double precision|real)$/, using: 'confidence::double precision' },
  created_at: { type: 'timestamp with time zone', using: `created_at at time zone 'UTC'` },
};

export const COLUMNS_OF_SCHEMA_1 = Object.keys(COLUMNS);

function missing({ columns }: OlderTable): Misfit | undefined {
  const names = COLUMNS_OF_SCHEMA_1.filter((name) => !columns.some((column) => column.name === name));
  if (names.length === 0) return undefined;
  const fixable = !names.includes('id') && !names.includes('embedding');
  const adds = names.map((name) => `add column ${name} ${COLUMNS[name]!.type}`).join(', ');
  return { what: `it has no ${names.join(', ')}`, ...(fixable && { fix: `alter table face_embeddings ${adds}` }) };
}

function otherTypes({ columns }: OlderTable): Misfit | undefined {
  const others = columns.flatMap(({ name, type }) => {
    const wanted = COLUMNS[name];
    if (!wanted || type === wanted.type || wanted.fits?.test(type)) return [];
    const fix = wanted.using && `alter column ${name} type ${wanted.type} using ${wanted.using}`;
    return [{ what: `${name} is ${type}, not ${wanted.type}`, fix }];
  });
  if (others.length === 0) return undefined;
  const fixable = others.every(({ fix }) => fix);
  return {
    what: others.map(({ what }) => what).join('; '),
    ...(fixable && { fix: `alter table face_embeddings ${others.map(({ fix }) => fix).join(', ')}` }),
  };
}

/** Photos of a newer schema have neither, and the way back brings them into this table. */
function refusesNulls({ columns }: OlderTable): Misfit | undefined {
  const names = columns
    .filter(({ name, required }) => required && (name === 'face_id' || name === 'event_id'))
    .map(({ name }) => name);
  if (names.length === 0) return undefined;
  return {
    what: `${names.join(', ')} must allow NULL, because photos of a newer schema have no such values`,
    fix: `alter table face_embeddings ${names.map((name) => `alter column ${name} drop not null`).join(', ')}`,
  };
}

function generated({ name, made }: Column): Misfit | undefined {
  if (made === '') return undefined;
  if (made === 'generated' && name in COLUMNS)
    return {
      what: `${name} is a generated column, so no row can be inserted`,
      fix: `alter table face_embeddings alter column ${name} drop expression`,
    };
  if (name !== 'id') return undefined;
  return { what: 'id of face_embeddings is an identity column, so its numbering cannot continue', fix: SERIAL_AGAIN };
}

const SERIAL_AGAIN =
  'alter table face_embeddings alter column id drop identity; ' +
  'create sequence face_embeddings_id_seq as integer owned by face_embeddings.id; ' +
  `alter table face_embeddings alter column id set default nextval('face_embeddings_id_seq'); ` +
  `select setval('face_embeddings_id_seq', (select coalesce(max(id), 0) + 1 from face_embeddings), false)`;

/** The table, or null where nothing has its name. Reads rows only where its columns are known. */
export async function readOlderTable(client: Client): Promise<OlderTable | undefined> {
  const { rows } = await client.query<Omit<OlderTable, 'rows' | 'bytes' | 'idBytes'> & { readable: boolean }>(
    OLDER_TABLE,
  );
  if (!rows[0]) return undefined;
  const { readable, ...found } = rows[0];
  const table: OlderTable = { ...found, rows: 0, bytes: 0, idBytes: 0 };
  const sized = table.kind === 'table' && readable && !missing(table);
  return sized ? { ...table, ...(await sizeOf(client)) } : table;
}

async function sizeOf(client: Client): Promise<{ rows: number; bytes: number; idBytes: number }> {
  const { rows } = await client.query<{ rows: string; bytes: string; id_bytes: string }>(`
    select count(*) as rows, pg_table_size('face_embeddings') as bytes,
      coalesce(avg(coalesce(octet_length(photo_id::text), 0) + coalesce(octet_length(session_id::text), 0)), 0) as id_bytes
    from face_embeddings`);
  return { rows: Number(rows[0]!.rows), bytes: Number(rows[0]!.bytes), idBytes: Number(rows[0]!.id_bytes) };
}

// A vector's length is its type modifier.
const OLDER_TABLE = `
  select case relkind when 'r' then 'table' when 'v' then 'view' when 'm' then 'materialized view'
      when 'p' then 'partitioned table' when 'f' then 'foreign table' else 'relation of kind ' || relkind::text end as kind,
    relpersistence = 'u' as unlogged, has_table_privilege(c.oid, 'select') as readable,
    (select json_agg(json_build_object('name', attname, 'type', format_type(atttypid, atttypmod), 'required', attnotnull,
        'made', case when attidentity <> '' then 'identity' when attgenerated <> '' then 'generated' else '' end) order by attnum)
      from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) as columns,
    coalesce((select atttypmod from pg_attribute where attrelid = c.oid and attname = 'embedding' and not attisdropped), -1) as dimension,
    (select objid::regclass::text from pg_depend join pg_class s on s.oid = objid and s.relkind = 'S'
      where classid = 'pg_class'::regclass and refobjid = c.oid and deptype in ('a', 'i') and refobjsubid = id.attnum limit 1) as sequence,
    coalesce(id.attnotnull, false) and exists (select from pg_index where indrelid = c.oid and indisunique and indisvalid
      and indpred is null and indnkeyatts = 1 and indkey[0] = id.attnum) as "idIsKey",
    (select coalesce(json_agg(json_build_object('name', i.relname, 'fix', coalesce(
        (select format('alter table face_embeddings drop constraint %I', conname) from pg_constraint where conindid = i.oid and contype in ('p', 'u')),
        format('drop index %I', i.relname))) order by i.relname), '[]')
      from pg_index join pg_class i on i.oid = indexrelid
      where indrelid = c.oid and indisunique and not id.attnum = any(indkey::smallint[])
        and (select count(*) filter (where attname in ('photo_id', 'session_id')) < 2 or count(*) filter (where attname = 'confidence') > 0
          from pg_attribute where attrelid = c.oid and attnum = any(indkey::smallint[]))) as uniques
  from pg_class c left join pg_attribute id on id.attrelid = c.oid and id.attname = 'id' and not id.attisdropped
  where c.oid = to_regclass('face_embeddings')`;
