-- Schema 3: every face of a photo, and one row a session. Sessions never meet, so they are spread over 64 partitions;
-- a session's rows then lie closer together (docs/decisions, layout of faces). There is no vector index: search is exact.
-- migrator: always

-- After a way back to schema 2 the faces wait under another name; the partitions kept theirs. They stay a copy, which erasures
-- reach, until the triggers of 0010 keep them in step.
alter table if exists faces_kept rename to faces;
alter table if exists sessions_kept rename to sessions;
update face_copies set table_name = 'faces' where table_name = 'faces_kept';
do $$
begin
  if to_regprocedure('erase_session_kept(text, text)') is not null then
    alter function erase_session_kept(text, text) rename to erase_session;
    alter function erase_photo_kept(text, text, text) rename to erase_photo;
  end if;
end $$;

create table if not exists faces (
  session_id varchar(255) not null,
  photo_id varchar(255) not null,
  face_index integer not null check (face_index >= 0),
  box real[] check (array_length(box, 1) = 4), -- x, y, width, height in pixels of the upright picture; null: came from schema 2
  confidence real not null,
  quality real, -- null: came from schema 2
  model_id varchar(64) not null,
  embedding halfvec(:dimension) not null, -- L2-normalised
  created_at timestamptz not null default now(),
  primary key (session_id, photo_id, face_index)
) partition by hash (session_id);

-- Vectors stay in the row at every dimension; TOAST would make a search seven times slower.
do $$
begin
  for remainder in 0..63 loop
    execute format(
      'create table if not exists faces_%s partition of faces for values with (modulus 64, remainder %s) with (toast_tuple_target = 8160)',
      lpad(remainder::text, 2, '0'), remainder);
  end loop;
end $$;

-- The primary key names a session's rows too, but in entries 16 times as long and in the order of photo ids: a search of 10,000 faces then takes twice as long.
create index if not exists faces_session_id_idx on faces (session_id);

-- No check (face_count >= 0): an upsert that adds a negative number is refused by it before it finds the row to add to.
create table if not exists sessions (
  session_id varchar(255) primary key,
  photo_count integer not null,
  face_count integer not null,
  last_indexed timestamptz not null default now(),
  model_id varchar(64) not null,
  expires_at timestamptz,
  created_at timestamptz not null default now()
);
create index if not exists sessions_expires_at_idx on sessions (expires_at) where expires_at is not null;

-- Erases a session wherever it is held; it walks all tables itself, so no trigger need carry its writes on (facepass.triggers, set in the
-- body: only a superuser may name it in a function's definition). Waits for an index call under way in it; one begun before `erased_at` must not write.
create or replace function erase_session(p_session_id text, p_actor text) returns table (photos bigint, faces bigint)
language plpgsql security definer set search_path from current as $$
declare
  removed_from_copies bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended(p_session_id, 7));
  perform set_config('facepass.triggers', 'off', true);
  with removed as (delete from faces f where f.session_id = p_session_id returning f.photo_id)
  select count(distinct removed.photo_id), count(*) into photos, faces from removed;
  delete from sessions s where s.session_id = p_session_id;
  removed_from_copies := erase_from_copies(p_session_id, null);
  insert into erasures (session_id) values (p_session_id);
  insert into audit_log (actor, action, session_id, rows_removed)
  values (p_actor, 'erase_session', p_session_id, faces + removed_from_copies);
  perform set_config('facepass.triggers', '', true);
  return next;
end $$;

-- Erases one photo wherever it is held; a session left without photos is removed with it.
create or replace function erase_photo(p_session_id text, p_photo_id text, p_actor text) returns table (photos bigint, faces bigint)
language plpgsql security definer set search_path from current as $$
declare
  removed_from_copies bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended(p_session_id, 7));
  perform set_config('facepass.triggers', 'off', true);
  with removed as (
    delete from faces f where f.session_id = p_session_id and f.photo_id = p_photo_id returning f.photo_id)
  select count(distinct removed.photo_id), count(*) into photos, faces from removed;
  update sessions s set photo_count = s.photo_count - erase_photo.photos, face_count = s.face_count - erase_photo.faces
  where s.session_id = p_session_id and erase_photo.photos > 0;
  delete from sessions s where s.session_id = p_session_id and s.photo_count = 0;
  removed_from_copies := erase_from_copies(p_session_id, array[p_photo_id]);
  insert into erasures (session_id, photo_id) values (p_session_id, p_photo_id);
  insert into audit_log (actor, action, session_id, photo_id, rows_removed)
  values (p_actor, 'erase_photo', p_session_id, p_photo_id, faces + removed_from_copies);
  perform set_config('facepass.triggers', '', true);
  return next;
end $$;

revoke execute on function erase_session(text, text), erase_photo(text, text, text) from public;
