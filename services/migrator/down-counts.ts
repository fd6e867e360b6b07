import type { Client } from './database.ts';

/** How many rows go where on the way back from schema `from` to `to`. Reads only. */
export async function countWayBack(
  client: Client,
  way: { from: number; to: number; modelId: string },
): Promise<WayBackCounts> {
  const has = await existing(client);
  const counts: WayBackCounts = {};
  if (way.from >= 3 && has('faces')) {
    const { rows } = await client.query<FacesBack>(FACES_BACK, [way.modelId]);
    counts.photos_in_schema_2 = Number(rows[0]!.held);
    counts.id_bytes = Number(rows[0]!.id_bytes);
    counts.faces_of_other_models = rows[0]!.others;
    counts.faces_kept_aside = Number(rows[0]!.faces) - counts.photos_in_schema_2;
  }
  // Without its journal face_embeddings is the table of schema 1 again: an earlier way back was stopped after that.
  if (way.to > 1 || (has('face_embeddings') && !has('face_embeddings_changes'))) return counts;
  const source = has('face_embeddings') ? MIRROR : `(${BEST_FACES})`;
  const backup = has('face_embeddings_backup_v1');
  const { rows } = await client.query<RowsBack>(ROWS_BACK(source, backup), has('face_embeddings') ? [] : [way.modelId]);
  counts.backup_rows_restored = Number(rows[0]!.backup_rows);
  counts.of_these_indexed_again = Number(rows[0]!.changed);
  counts.rows_indexed_since = Number(rows[0]!.added);
  counts.rows_kept_aside = Number(rows[0]!.kept);
  return counts;
}

export interface WayBackCounts {
  /** Photos that schema 2 holds, each by its most confident face. */
  photos_in_schema_2?: number;
  /** Of a face's photo and session. */
  id_bytes?: number;
  /** Faces of each model but the one that schema 2 compares with; they are among those kept aside. */
  faces_of_other_models?: Record<string, number>;
  /** Faces that schema 2 cannot hold. */
  faces_kept_aside?: number;
  /** Rows of the backup, quarantined ones among them; less what was erased. */
  backup_rows_restored?: number;
  /** Of these, rows that take a newer vector. */
  of_these_indexed_again?: number;
  rows_indexed_since?: number;
  /** Rows that schema 1 cannot hold: their session is no UUID. */
  rows_kept_aside?: number;
}

/** Counts are bigints, which the driver gives as text. */
interface FacesBack {
  faces: string;
  held: string;
  id_bytes: string;
  others: Record<string, number>;
}

interface RowsBack {
  backup_rows: string;
  changed: string;
  added: string;
  kept: string;
}

async function existing(client: Client): Promise<(table: string) => boolean> {
  const { rows } = await client.query<{ relname: string }>(`select relname from pg_class where oid in (
    to_regclass('faces'), to_regclass('face_embeddings'), to_regclass('face_embeddings_changes'), to_regclass('face_embeddings_backup_v1'))`);
  return (table) => rows.some((row) => row.relname === table);
}

const FACES_BACK = `
  select count(*) as faces, count(distinct (session_id, photo_id)) filter (where model_id = $1) as held,
    coalesce(avg(octet_length(session_id) + octet_length(photo_id)), 0) as id_bytes,
    (select coalesce(json_object_agg(model_id, faces order by model_id), '{}') from (
      select model_id, count(*) as faces from faces where model_id <> $1 group by model_id) others) as others
  from faces`;

const MIRROR = `(
  select session_id, photo_id, exists (
    select from face_embeddings_changes c where c.session_id = f.session_id and c.photo_id = f.photo_id) as changed, null::halfvec as embedding
  from face_embeddings f)`;

const BEST_FACES = `
  select distinct on (session_id, photo_id) session_id, photo_id, null::boolean as changed, embedding from faces
  where model_id = $1 order by session_id, photo_id, confidence desc, face_index`;

/** Without a journal (schema 3 after its contraction) a photo counts as indexed again when its vector is another. */
function ROWS_BACK(source: string, backup: boolean): string {
  const uuid = `case when pg_input_is_valid(session_id, 'uuid') and session_id::uuid::text = session_id then session_id::uuid end`;
  const known = backup
    ? `lateral (select true as known, not same_vector(b.embedding, r.embedding) as differs from face_embeddings_backup_v1 b
        where b.session_id = r.uuid and b.photo_id = r.photo_id
          and not exists (select from face_embeddings_quarantine q where q.id = b.id) limit 1)`
    : `(select null::boolean as known, null::boolean as differs where false)`;
  return `
    select ${backup ? '(select count(*) from face_embeddings_backup_v1)' : '0'} as backup_rows,
      count(*) filter (where known and coalesce(changed, differs)) as changed,
      count(*) filter (where uuid is not null and known is null) as added,
      count(*) filter (where uuid is null) as kept
    from (select *, ${uuid} as uuid from ${source} s) r left join ${known} b on true`;
}
