/** Each `sql` gives one text for every thing that is wrong, and no row where all is well. */
export interface Check {
  name: string;
  /** Tables it reads; without one of them it does not apply. */
  needs: string[];
  /** Schema version from which it applies. */
  minimum?: number;
  sql: string;
}

export const CHECKS: Check[] = [
  {
    name: 'schema_version() tells the ledger’s version',
    needs: ['schema_migrations'],
    minimum: 2,
    sql: `select 'schema_version() is ' || schema_version()
      where schema_version() <> case when exists (select from schema_migrations where name = '0012_schema_3') then 3 else 2 end`,
  },
  {
    name: 'tables of the schema are there',
    needs: [],
    minimum: 2,
    sql: `select name from unnest(case when schema_version() = 3
        then array['faces', 'sessions', 'erasures', 'audit_log', 'face_copies']
        else array['face_embeddings', 'erasures', 'audit_log', 'face_copies'] end) name where to_regclass(name) is null`,
  },
  {
    name: 'sessions count their photos and faces',
    needs: ['faces', 'sessions'],
    sql: `select coalesce(s.session_id, f.session_id) from sessions s
      full join (select session_id, count(distinct photo_id) as photos, count(*) as faces from faces group by session_id) f using (session_id)
      where (s.photo_count, s.face_count) is distinct from (f.photos, f.faces)`,
  },
  {
    name: 'vectors of faces have length 1',
    needs: ['faces'],
    sql: `select format('%s/%s/%s', session_id, photo_id, face_index) from faces where not l2_norm(embedding) between 0.995 and 1.005`,
  },
  {
    name: 'vectors of schema 2 are not zero',
    needs: ['face_embeddings'],
    minimum: 2,
    sql: `select format('%s/%s', session_id, photo_id) from face_embeddings where not vector_norm(embedding) between 1e-30 and 1e30`,
  },
  {
    name: 'face_embeddings and faces are in step',
    needs: ['faces', 'face_embeddings', 'face_embeddings_changes'],
    minimum: 3,
    sql: `select format('%s/%s: %s', session_id, photo_id, difference) from mirror_differences()`,
  },
  {
    name: 'every row of the backup is served or in quarantine',
    needs: ['face_embeddings_backup_v1', 'face_embeddings', 'face_embeddings_quarantine'],
    sql: `select 'backup row ' || b.id from face_embeddings_backup_v1 b
      where not exists (select from face_embeddings_quarantine q where q.id = b.id)
        and not exists (select from face_embeddings f where f.session_id = b.session_id::text and f.photo_id = b.photo_id)`,
  },
  {
    name: 'every row of the backup is served or in quarantine (after contraction)',
    needs: ['face_embeddings_backup_v1', 'faces', 'face_embeddings_quarantine'],
    sql: `select 'backup row ' || b.id from face_embeddings_backup_v1 b
      where not exists (select from face_embeddings_quarantine q where q.id = b.id)
        and not exists (select from faces f where f.session_id = b.session_id::text and f.photo_id = b.photo_id)`,
  },
  {
    name: 'backups have the count and hash they were sealed with',
    needs: ['face_copies', 'face_embeddings_backup_v1'],
    sql: `select format('%s: %s rows, sealed with %s%s', c.table_name, now.row_count, c.row_count,
        case when now.content_hash <> c.content_hash then '; another hash' else '' end)
      from face_copies c, (
        select count(*) as row_count, coalesce(sum(field_row_hash(b.id, face_id, photo_id, event_id, session_id, embedding, confidence, created_at)), 0) as content_hash
        from face_embeddings_backup_v1 b, face_copies sealed
        where sealed.table_name = 'face_embeddings_backup_v1' and b.id <= sealed.sealed_up_to) now
      where c.table_name = 'face_embeddings_backup_v1' and (now.row_count, now.content_hash) <> (c.row_count, c.content_hash)`,
  },
  {
    name: 'constraints are valid',
    needs: [],
    sql: `select format('%s of %s', conname, conrelid::regclass) from pg_constraint
      where connamespace = current_schema()::regnamespace and not convalidated`,
  },
  {
    name: 'a face is there once',
    needs: ['faces'],
    sql: `select t.name from (values ('faces')) t(name) where not exists (
        select from pg_constraint where conrelid = to_regclass(t.name) and contype = 'p'
          and pg_get_constraintdef(oid) = 'PRIMARY KEY (session_id, photo_id, face_index)')
      union all select format('%s/%s/%s', session_id, photo_id, face_index) from faces group by session_id, photo_id, face_index having count(*) > 1`,
  },
  {
    name: 'a photo is in schema 2 once',
    needs: ['face_embeddings'],
    minimum: 2,
    sql: `select 'unique (photo_id, session_id)' where not exists (
        select from pg_constraint where conrelid = to_regclass('face_embeddings') and contype = 'u'
          and pg_get_constraintdef(oid) = 'UNIQUE (photo_id, session_id)')
      union all select format('%s/%s', session_id, photo_id) from face_embeddings group by session_id, photo_id having count(*) > 1`,
  },
  {
    name: 'indexes are valid',
    needs: [],
    sql: `select indexrelid::regclass::text from pg_index join pg_class on pg_class.oid = indexrelid
      where relnamespace = current_schema()::regnamespace and not (indisvalid and indisready and indislive)`,
  },
  {
    name: 'faces has 64 partitions and no approximate index',
    needs: ['faces'],
    sql: `select count(*) || ' partitions' from pg_inherits where inhparent = to_regclass('faces') having count(*) <> 64
      union all select indexrelid::regclass::text from pg_index
        join pg_class i on i.oid = indexrelid join pg_am on pg_am.oid = i.relam
        where (indrelid = to_regclass('faces') or indrelid in (select inhrelid from pg_inherits where inhparent = to_regclass('faces')))
          and amname <> 'btree'`,
  },
  {
    name: 'triggers fire',
    needs: [],
    minimum: 2,
    sql: `select format('%s on %s', name, relation)
      from (values ('note_inserted', 'face_embeddings'), ('note_updated', 'face_embeddings'), ('note_deleted', 'face_embeddings'),
        ('note_change', 'face_embeddings'), ('reach_copies', 'photos_written'), ('audit_log_is_append_only', 'audit_log')) t(name, relation)
      where to_regclass(relation) is not null
        and not exists (select from pg_trigger where tgrelid = to_regclass(relation) and tgname = name and tgenabled in ('O', 'A'))
      union all select format('%s on %s', name, relation)
      from (values ('lock_session', 'face_embeddings'), ('mirror_written', 'photos_written'), ('note_inserted', 'faces'), ('note_updated', 'faces'),
        ('note_deleted', 'faces')) t(name, relation)
      where schema_version() = 3 and to_regclass('face_embeddings') is not null
        and not exists (select from pg_trigger where tgrelid = to_regclass(relation) and tgname = name and tgenabled in ('O', 'A'))`,
  },
  {
    name: 'erasure reaches every table that holds vectors',
    needs: ['face_copies'],
    minimum: 2,
    sql: `select relname::text from pg_class
      where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition
        and exists (select from pg_attribute where attrelid = pg_class.oid and attnum > 0 and not attisdropped
          and atttypid in (select oid from pg_type where typname in ('vector', 'halfvec')))
        and relname not in (select table_name from face_copies)
        and relname <> case when schema_version() = 3 then 'faces' else 'face_embeddings' end`,
  },
  {
    name: 'the catalogue lists only tables that exist',
    needs: ['face_copies'],
    sql: `select table_name::text from face_copies where to_regclass(quote_ident(table_name)) is null`,
  },
];
