-- The table of schema 2 and the quarantine grow beside the table of schema 1, which goes on serving. Its writes are
-- noted in a journal from here on and worked in afterwards.
-- migrator: field

\ir parts/table_of_schema_2.sql

create table face_embeddings_quarantine (
  like face_embeddings,
  reason text not null,
  quarantined_at timestamptz not null default clock_timestamp(),
  primary key (id)
);
create index face_embeddings_quarantine_session_photo_idx on face_embeddings_quarantine (session_id, photo_id);

\ir parts/field_row_problem.sql

create view face_embeddings_classified as
select r.*, coalesce(
  field_row_problem(r.photo_id, r.session_id, r.confidence, r.embedding),
  case when exists (
    select from face_embeddings other
    where other.session_id = r.session_id and other.photo_id = r.photo_id and other.id <> r.id
      and (other.confidence > r.confidence or (other.confidence = r.confidence and other.id > r.id))
      and field_row_problem(other.photo_id, other.session_id, other.confidence, other.embedding) is null
  ) then 'duplicate of a more confident (or as confident and newer) row' end) as reason
from face_embeddings r;

-- Puts rows where they belong by what the table of schema 1 says now. A conflict means that the row's photo has been
-- written since the other row was placed; the journal holds that, and `catch_up_schema_2` sets it right.
create function convert_field_rows(p_ids integer[]) returns void
language sql set search_path from current as $$
  with classified as materialized (select * from face_embeddings_classified where id = any(p_ids)),
  fitting as (
    insert into face_embeddings_v2 (id, photo_id, session_id, embedding, confidence, created_at)
    select id, photo_id, session_id::text, normalised(embedding), confidence, created_at
    from classified where reason is null
    on conflict do nothing)
  insert into face_embeddings_quarantine (id, face_id, photo_id, event_id, session_id, embedding, confidence, created_at, reason)
  select id, face_id, photo_id, event_id, session_id, embedding, confidence, created_at, reason
  from classified where reason is not null
  on conflict do nothing
$$;

create table face_embeddings_journal (
  entry bigint generated always as identity primary key,
  id integer not null,
  session_id uuid,
  photo_id varchar(255)
);

create function note_field_write() returns trigger
language plpgsql security definer set search_path from current as $$
begin
  if tg_op = 'TRUNCATE' then
    raise exception 'face_embeddings is being migrated and cannot be truncated' using errcode = 'object_not_in_prerequisite_state';
  end if;
  if tg_op <> 'INSERT' then
    insert into face_embeddings_journal (id, session_id, photo_id) values (old.id, old.session_id, old.photo_id);
  end if;
  if tg_op <> 'DELETE' then
    insert into face_embeddings_journal (id, session_id, photo_id) values (new.id, new.session_id, new.photo_id);
  end if;
  return null;
end $$;

revoke execute on function note_field_write() from public;

create trigger note_field_write after insert or update or delete on face_embeddings
for each row execute function note_field_write();
create trigger note_field_truncate before truncate on face_embeddings
for each statement execute function note_field_write();

-- Works in up to p_entries of the journal: whatever may have changed for a photo is placed anew. Gives how many were worked in.
create function catch_up_schema_2(p_entries bigint) returns bigint
language plpgsql set search_path from current as $$
declare
  affected integer[];
  entries bigint;
begin
  with taken as (
    delete from face_embeddings_journal
    where entry in (select entry from face_embeddings_journal order by entry limit p_entries)
    returning id, session_id, photo_id),
  rows_of_photos as (
    select id from taken
    union select r.id from taken t join face_embeddings r on r.session_id = t.session_id and r.photo_id = t.photo_id)
  select (select count(*) from taken), (select array_agg(id) from rows_of_photos) into entries, affected;
  delete from face_embeddings_v2 where id = any(affected);
  delete from face_embeddings_quarantine where id = any(affected);
  perform convert_field_rows(affected);
  return entries;
end $$;

create function fill_schema_2(p_rows integer) returns table (done boolean, rows_done bigint, rows_total bigint)
language plpgsql set search_path from current as $$
declare
  progress migration_progress;
  ids integer[];
begin
  select * into strict progress from migration_progress p where p.step = 'fill_schema_2' for update;
  perform catch_up_schema_2(p_rows);
  ids := array(
    select r.id from face_embeddings r where r.id > progress.last_id and r.id <= progress.upper_id order by r.id limit p_rows);
  perform convert_field_rows(ids);
  update migration_progress p
  set last_id = coalesce(ids[cardinality(ids)], p.last_id), rows_done = p.rows_done + cardinality(ids)
  where p.step = 'fill_schema_2' returning * into progress;
  return query select cardinality(ids) < p_rows, progress.rows_done, progress.rows_total;
end $$;

insert into migration_progress (step, upper_id, rows_total)
select 'fill_schema_2', coalesce(max(id), 0), count(*) from face_embeddings;
update migration_progress set last_id = (select coalesce(min(id), 1) - 1 from face_embeddings) where step = 'fill_schema_2';
