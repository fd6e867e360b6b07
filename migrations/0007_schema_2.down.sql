-- Back to schema 1: the backup becomes the table again, with what was written since put into it. What schema 1 cannot
-- hold, sessions that are no UUIDs, is kept aside and comes back with schema 2.
-- migrator: transaction

lock table face_embeddings in access exclusive mode;

-- A database that began with schema 3, or whose backup was purged, has none.
do $$
begin
  if to_regclass('face_embeddings_backup_v1') is null then
    create table face_embeddings_backup_v1 (
      id integer primary key,
      face_id integer,
      photo_id varchar(255),
      event_id integer,
      session_id uuid,
      embedding vector(:dimension) not null,
      confidence double precision,
      created_at timestamptz default now()
    );
    create index idx_face_embeddings_face_id on face_embeddings_backup_v1 (face_id);
    create index idx_face_embeddings_photo_id on face_embeddings_backup_v1 (photo_id);
    create index idx_face_embeddings_event_id on face_embeddings_backup_v1 (event_id);
    create index idx_face_embeddings_session_id on face_embeddings_backup_v1 (session_id);
    create index idx_face_embeddings_created_at on face_embeddings_backup_v1 (created_at);
    create index idx_face_embeddings_session_photo on face_embeddings_backup_v1 (session_id, photo_id);
    create table face_embeddings_quarantine (like face_embeddings_backup_v1);
  end if;
end $$;

-- Whether a session is a UUID in its own spelling, told without a cast: from PostgreSQL 18 the body of a SQL function is planned with its argument's
-- value, and a cast of a constant is judged at planning, inside a CASE too. The casts below are of columns, and guarded where they stand: a planner may
-- judge the cheap cast before `holds_uuid` in the same WHERE, and did.
create function holds_uuid(p_session_id text) returns boolean language sql immutable as $$
  select p_session_id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
$$;

-- Where the table holds each photo once, the row that was kept out of schema 2 (a zero vector, say) is the photo's only
-- place: it takes what was indexed since. Inserted beside it, the newer row once ended the way back.
do $$
begin
  if exists (
    select from pg_index i where i.indrelid = 'face_embeddings_backup_v1'::regclass and i.indisunique and i.indnkeyatts = 2
      and (select count(*) from pg_attribute a where a.attrelid = i.indrelid and a.attnum = any(i.indkey::smallint[])
        and a.attname in ('photo_id', 'session_id')) = 2)
  then
    delete from face_embeddings_quarantine q using face_embeddings f
    where f.session_id = q.session_id::text and f.photo_id = q.photo_id;
  end if;
end $$;

-- The row of the backup that became the photo's row in schema 2 takes the newer vector; its other columns stay.
with changed as (
  select f.photo_id, case when holds_uuid(f.session_id) then f.session_id::uuid end as session_id, f.embedding, f.confidence
  from face_embeddings_changes c join face_embeddings f using (session_id, photo_id) where holds_uuid(f.session_id))
update face_embeddings_backup_v1 b set embedding = changed.embedding, confidence = changed.confidence
from changed
where b.session_id = changed.session_id and b.photo_id = changed.photo_id
  and not exists (select from face_embeddings_quarantine q where q.id = b.id);

-- Photos that the backup does not know: new since, or the backup was purged.
insert into face_embeddings_backup_v1 (id, photo_id, session_id, embedding, confidence, created_at)
select f.id, f.photo_id, case when holds_uuid(f.session_id) then f.session_id::uuid end, f.embedding, f.confidence, f.created_at from face_embeddings f
where holds_uuid(f.session_id) and not exists (
  select from face_embeddings_backup_v1 b
  where b.session_id = case when holds_uuid(f.session_id) then f.session_id::uuid end and b.photo_id = f.photo_id
    and not exists (select from face_embeddings_quarantine q where q.id = b.id));

create table face_embeddings_kept_v2 (like face_embeddings, primary key (session_id, photo_id));
insert into face_embeddings_kept_v2 select * from face_embeddings where not holds_uuid(session_id);

do $$
begin
  if exists (select from face_embeddings_kept_v2) then
    insert into face_copies (table_name, kind, schema_version) values ('face_embeddings_kept_v2', 'kept', 2);
  else
    drop table face_embeddings_kept_v2;
  end if;
end $$;

select move_grants('face_embeddings', 'face_embeddings_backup_v1');
do $$
declare
  next_id text := pg_get_serial_sequence('face_embeddings', 'id');
begin
  execute format('alter table face_embeddings_backup_v1 alter column id set default nextval(%L)', next_id);
  execute format('alter sequence %s owned by face_embeddings_backup_v1.id', next_id);
end $$;

drop table face_embeddings, face_embeddings_quarantine, face_embeddings_changes;
alter table face_embeddings_backup_v1 rename to face_embeddings;
drop function holds_uuid(text), note_change(), schema_version();
drop function if exists seal_backup(integer);

-- The backup brought its own, if it had one.
do $$
begin
  if not exists (select from face_copies where table_name = 'face_embeddings_backup_v1') then
    create index idx_face_embeddings_embedding_hnsw on face_embeddings using hnsw (embedding vector_cosine_ops);
  end if;
end $$;
delete from face_copies where table_name in ('face_embeddings_backup_v1', 'face_embeddings_quarantine');

-- While tables are kept aside, what the older service erases or writes anew must not come back from them.
\ir parts/reach_copies.sql
do $$
begin
  if not exists (select from face_copies) then
    drop trigger refuse_truncate on face_embeddings;
    drop trigger note_inserted on face_embeddings;
    drop trigger note_updated on face_embeddings;
    drop trigger note_deleted on face_embeddings;
    drop table photos_written;
    drop function note_photos_written(), reach_copies(), refuse_truncate(), photos_gone(text, text[]);
  end if;
end $$;
