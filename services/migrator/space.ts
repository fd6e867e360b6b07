import type { WayBackCounts } from './down-counts.ts';
import { TABLES_CHANGED, type State } from './state.ts';

/** Free space that a way takes at its height, in bytes. */
export interface Space {
  /** Tables, indexes and the temporary files of index builds. */
  tables: number;
  /** Write-ahead log, which grows to max_wal_size, and further where an archive or a replica lags. */
  wal: number;
}

/**
 * What the way up takes. The sizes of rows below were measured at 128 and 512 dimensions; what is made already does not
 * count again. The sort of the approximate index is over before `faces` is filled, so the larger of the two counts.
 */
export function spaceUp(state: State, faceDimension: number, target: number): Space {
  const { olderTable, version, recorded, made, walRoom, sortMemory } = state;
  if (!olderTable) return { tables: 0, wal: 0 };
  const { bytes, rows, dimension, idBytes } = olderTable;
  const schema2 =
    bytes + rows * (SESSION_AS_TEXT + indexesOfSchema2(dimension, idBytes) + entry(idBytes - SESSION_AS_TEXT));
  const toSchema2 = !recorded.includes(TABLES_CHANGED) && target >= 2 ? Math.max(0, schema2 - made.schema2) : 0;
  const toSchema3 =
    version < 3 && target >= 3 && !recorded.includes('0011_fill_faces')
      ? Math.max(0, facesOf(rows, faceDimension, idBytes) - made.faces) + compared(rows, idBytes)
      : 0;
  const tables = toSchema2 + Math.max(toSchema3, toSchema2 > 0 ? sortOf(rows, dimension, sortMemory) : 0);
  return {
    tables: tables && Math.ceil(MARGIN * tables + CATALOGUE),
    wal: Math.ceil(Math.min(walRoom, toSchema2 + toSchema3)),
  };
}

/**
 * What the way back takes: from schema 3 without the older table this is made anew, and without a backup that of schema
 * 1 too.
 */
export function spaceBack(
  { olderTable, facesDimension, ownTables, walRoom, sortMemory }: State,
  counts: WayBackCounts,
): Space {
  const dimension = olderTable?.dimension ?? facesDimension ?? 0;
  const idBytes = olderTable?.idBytes ?? counts.id_bytes ?? 0;
  const photos = counts.photos_in_schema_2 ?? 0;
  const notes = ownTables.includes('face_embeddings_backup_v1') ? 0 : noted(idBytes);
  const mirror = olderTable
    ? 0
    : photos * (vectorRow(dimension, idBytes) + indexesOfSchema2(dimension, idBytes) + notes);
  const sort = olderTable ? 0 : sortOf(photos, dimension, sortMemory);
  const rewritten = (counts.of_these_indexed_again ?? 0) + (counts.rows_indexed_since ?? 0);
  const schema1 =
    rewritten * (vectorRow(dimension, idBytes) + indexesOfSchema1(dimension, idBytes)) +
    (counts.rows_kept_aside ?? 0) * vectorRow(dimension, idBytes);
  return {
    tables: Math.ceil(MARGIN * (mirror + Math.max(sort, schema1, compared(photos, idBytes))) + CATALOGUE),
    wal: Math.ceil(Math.min(walRoom, mirror + schema1)),
  };
}

const PAGE = 8192;
/** For what is written meanwhile, and for the catalogue. */
const MARGIN = 1.1;
const CATALOGUE = 0.7e6;
/** A session's UUID as text is longer by this than as uuid. */
const SESSION_AS_TEXT = 21;

/** Bytes a row takes in pages of whole rows. */
function inPages(size: number): number {
  const room = PAGE - 32;
  const aligned = 8 * Math.ceil(size / 8) + 4;
  return (PAGE / Math.max(1, Math.floor(room / aligned))) * Math.max(1, aligned / room);
}

/**
 * A row of face_embeddings; a vector that makes it longer than 2,032 bytes is stored apart, in pieces of 1,996 that
 * leave a quarter of their pages empty.
 */
function vectorRow(dimension: number, idBytes: number): number {
  const [vector, others] = [4 * dimension + 8, 64 + idBytes];
  if (vector + others <= 2032) return inPages(vector + others);
  const pieces = Math.ceil(vector / 1996);
  return 1.3 * (vector + 40 * pieces) + 23 * pieces + inPages(others + 18);
}

/**
 * An entry of a B-tree whose pages are full to 90 %, as a build leaves them; to half at worst where entries came in any
 * order.
 */
function entry(size: number, full = 0.9): number {
  return (8 * Math.ceil(size / 8) + 12) / full;
}

function indexesOfSchema2(dimension: number, idBytes: number): number {
  return entry(4) + entry(8) + entry(idBytes) + entry(idBytes, 0.5) + inPages(4 * dimension + 16) + PAGE / 1000;
}

/** Six B-trees and the HNSW index, whose entries hold a vector and 32 neighbours. */
function indexesOfSchema1(dimension: number, idBytes: number): number {
  return 3 * entry(4) + entry(8) + entry(16, 0.5) + 2 * entry(idBytes, 0.5) + inPages(4 * dimension + 312);
}

/** A photo in face_embeddings_changes; those that are as in the backup are not noted. */
function noted(idBytes: number): number {
  return inPages(24 + idBytes) + entry(idBytes, 0.5);
}

function facesOf(rows: number, dimension: number, idBytes: number): number {
  const ofPartitions = 64 * 10 * PAGE; // pages begun, and the maps of free space
  return rows * (inPages(2 * dimension + 84 + idBytes) + entry(idBytes + 4, 0.55) + entry(4)) + ofPartitions;
}

/**
 * IVFFlat sorts the vectors by list, in a temporary file unless they fit into maintenance_work_mem with what the sort
 * keeps of each.
 */
function sortOf(rows: number, dimension: number, memory: number): number {
  const bytes = rows * (4 * dimension + 48);
  return bytes > memory / 2 ? bytes : 0;
}

/** The tables are sorted by photo in temporary files to be compared: 147 bytes a row were measured. */
function compared(rows: number, idBytes: number): number {
  return rows * (idBytes + 100);
}
