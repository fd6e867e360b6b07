-- Keeps face_embeddings and faces in step. At commit the photos written in one table are put into the other, by what then
-- stands there; the triggers of the second write do not fire (pg_trigger_depth).

-- Adds to a session's counts, and removes a session without photos. One that keeps no face of its model any more is of the model of those it has:
-- the newer API refuses every other.
create function count_faces(p_session_id text, p_photos bigint, p_faces bigint, p_indexed boolean) returns void
language plpgsql set search_path from current as $$
begin
  insert into sessions as s (session_id, photo_count, face_count, model_id)
  values (p_session_id, p_photos, p_faces, :'legacy_model_id')
  on conflict (session_id) do update
  set photo_count = s.photo_count + p_photos, face_count = s.face_count + p_faces,
    last_indexed = case when p_indexed then now() else s.last_indexed end;
  delete from sessions s where s.session_id = p_session_id and s.photo_count <= 0;
  update sessions s set model_id = :'legacy_model_id'
  where s.session_id = p_session_id and s.model_id <> :'legacy_model_id'
    and not exists (select from faces f where f.session_id = s.session_id and f.model_id = s.model_id);
end $$;

-- Photos of face_embeddings into faces. A photo that has the same face already stays as it is: the older API indexed it
-- again, or another statement of this transaction has seen to it.
create function mirror_to_faces(p_session_id text, p_photo_ids text[]) returns void
language plpgsql set search_path from current as $$
declare
  differing text[];
  photos_before bigint;
  faces_before bigint;
  photos_now bigint;
begin
  if exists (
    select from erasures e join face_embeddings m using (session_id)
    where e.session_id = p_session_id and m.photo_id = any(p_photo_ids) and (e.photo_id is null or e.photo_id = m.photo_id) and e.erased_at > now()) then
    raise exception 'the photo was erased while it was being indexed' using errcode = 'serialization_failure';
  end if;
  differing := array(
    select written.photo_id from unnest(p_photo_ids) written (photo_id)
    left join face_embeddings m on m.session_id = p_session_id and m.photo_id = written.photo_id
    where not exists (
      select from faces f where f.session_id = p_session_id and f.photo_id = written.photo_id
        and f.model_id = :'legacy_model_id' and same_vector(m.embedding, f.embedding)));
  with removed as (delete from faces where session_id = p_session_id and photo_id = any(differing) returning photo_id)
  select count(distinct photo_id), count(*) into photos_before, faces_before from removed;
  insert into faces (session_id, photo_id, face_index, confidence, model_id, embedding, created_at)
  select session_id, photo_id, 0, confidence, :'legacy_model_id', normalised(embedding)::halfvec(:dimension), coalesce(created_at, now())
  from face_embeddings where session_id = p_session_id and photo_id = any(differing);
  get diagnostics photos_now = row_count;
  if photos_before + photos_now > 0 then
    perform count_faces(p_session_id, photos_now - photos_before, photos_now - faces_before, photos_now > 0);
  end if;
end $$;

-- Photos of faces into face_embeddings. Schema 2 holds one face a photo: the most confident of the model that the older
-- API compares with. A photo with faces of other models only keeps the row it had, which the older API can still find it by.
create function mirror_to_face_embeddings(p_session_id text, p_photo_ids text[]) returns void
language plpgsql set search_path from current as $$
begin
  insert into face_embeddings as m (photo_id, session_id, embedding, confidence, created_at)
  select distinct on (photo_id) photo_id, session_id, embedding::vector(:dimension), confidence, created_at from faces
  where session_id = p_session_id and photo_id = any(p_photo_ids) and model_id = :'legacy_model_id'
  order by photo_id, confidence desc, face_index
  on conflict (photo_id, session_id) do update set embedding = excluded.embedding, confidence = excluded.confidence
  where not same_vector(m.embedding, excluded.embedding::halfvec(:dimension)) or m.confidence::real <> excluded.confidence::real;
  delete from face_embeddings m
  where m.session_id = p_session_id and m.photo_id = any(p_photo_ids)
    and not exists (select from faces f where f.session_id = p_session_id and f.photo_id = m.photo_id);
end $$;

create function mirror_written() returns trigger
language plpgsql security definer set search_path from current as $$
declare
  touched record;
begin
  for touched in
    select session_id, array_agg(photo_id) as photo_ids
    from unnest(new.session_ids, new.photo_ids) written (session_id, photo_id) group by session_id order by session_id
  loop
    perform pg_advisory_xact_lock(hashtextextended(touched.session_id, 7));
    if new.written_in = 'faces' then
      perform mirror_to_face_embeddings(touched.session_id, touched.photo_ids);
    else
      perform mirror_to_faces(touched.session_id, touched.photo_ids);
    end if;
  end loop;
  return null;
end $$;

revoke execute on function mirror_written() from public;

-- Its name comes before reach_copies, so it runs before: that one asks what the tables hold.
create constraint trigger mirror_written after insert on photos_written
deferrable initially deferred for each row execute function mirror_written();

create trigger note_inserted after insert on faces referencing new table as new_rows for each statement
when (pg_trigger_depth() = 0 and current_setting('facepass.triggers', true) is distinct from 'off') execute function note_photos_written();
create trigger note_updated after update on faces referencing old table as old_rows new table as new_rows for each statement
when (pg_trigger_depth() = 0 and current_setting('facepass.triggers', true) is distinct from 'off') execute function note_photos_written();
create trigger note_deleted after delete on faces referencing old table as old_rows for each statement
when (pg_trigger_depth() = 0 and current_setting('facepass.triggers', true) is distinct from 'off') execute function note_photos_written();

-- An index call takes the session's lock before its row, as the newer API does; in the other order the two would deadlock
-- when they write one photo at the same time. (DELETE locks its row before any trigger runs, so that one still may.)
create function lock_session() returns trigger
language plpgsql security definer set search_path from current as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(new.session_id, 7));
  return new;
end $$;

revoke execute on function lock_session() from public;

create trigger refuse_truncate before truncate on faces for each statement execute function refuse_truncate();

create trigger lock_session before insert on face_embeddings
for each row when (pg_trigger_depth() = 0) execute function lock_session();

insert into face_copies (table_name, kind, schema_version) values ('face_embeddings', 'mirror', 2);

-- Puts the next photos of schema 2 into faces, session by session, so that a session's rows lie together (searches are
-- then 1.8 to 2 times faster). A photo that is there already was written since, and stays.
create function fill_faces(p_rows integer) returns table (done boolean, rows_done bigint, rows_total bigint)
language plpgsql set search_path from current set plan_cache_mode = force_custom_plan as $$
declare
  progress migration_progress;
  ids integer[];
  sessions_of_batch text[];
  photos_of_batch text[];
begin
  perform set_config('facepass.triggers', 'off', true);
  select * into strict progress from migration_progress p where p.step = 'fill_faces' for update;
  select coalesce(array_agg(batch.id order by batch.session_id, batch.photo_id), '{}'),
    array_agg(batch.session_id order by batch.session_id, batch.photo_id), array_agg(batch.photo_id order by batch.session_id, batch.photo_id)
  into ids, sessions_of_batch, photos_of_batch
  from (
    select next.*, dense_rank() over (order by next.session_id) as nth_session from (
      select f.id, f.session_id, f.photo_id from face_embeddings f
      where f.id <= progress.upper_id
        and (progress.last_session_id is null or (f.session_id, f.photo_id) > (progress.last_session_id, progress.last_photo_id))
      order by f.session_id, f.photo_id limit p_rows) next) batch
  where batch.nth_session <= 1000; -- a lock each; 25,000 sessions of one photo were more than PostgreSQL's table of locks holds
  perform pg_advisory_xact_lock(key) from (
    select distinct hashtextextended(session_id, 7) as key from unnest(sessions_of_batch) session_id order by key) locks;
  with filled as (
    insert into faces (session_id, photo_id, face_index, confidence, model_id, embedding, created_at)
    select f.session_id, f.photo_id, 0, f.confidence, :'legacy_model_id', normalised(f.embedding)::halfvec(:dimension),
      coalesce(f.created_at, now())
    from face_embeddings f
    where f.id = any(ids)
      and not exists (select from faces g where g.session_id = f.session_id and g.photo_id = f.photo_id)
    order by f.session_id, f.photo_id
    returning faces.session_id, faces.created_at)
  insert into sessions as s (session_id, photo_count, face_count, last_indexed, model_id, created_at)
  select f.session_id, count(*), count(*), max(f.created_at), :'legacy_model_id', min(f.created_at) from filled f group by f.session_id
  on conflict (session_id) do update
  set photo_count = s.photo_count + excluded.photo_count, face_count = s.face_count + excluded.face_count,
    last_indexed = greatest(s.last_indexed, excluded.last_indexed), created_at = least(s.created_at, excluded.created_at);
  update migration_progress p
  set last_session_id = coalesce(sessions_of_batch[cardinality(ids)], p.last_session_id),
    last_photo_id = coalesce(photos_of_batch[cardinality(ids)], p.last_photo_id), rows_done = p.rows_done + cardinality(ids)
  where p.step = 'fill_faces' returning * into progress;
  perform set_config('facepass.triggers', '', true);
  return query select cardinality(ids) = 0, progress.rows_done, progress.rows_total;
end $$;

-- Photos in which the two tables differ, and what differs.
create function mirror_differences() returns table (session_id text, photo_id text, difference text)
language sql stable set search_path from current as $$
  select m.session_id, m.photo_id, 'only in face_embeddings' from face_embeddings m
  where not exists (select from faces f where f.session_id = m.session_id and f.photo_id = m.photo_id)
  union all
  select photo.session_id, photo.photo_id,
    case when m.id is null then 'only in faces' else 'face_embeddings has a vector of none of its faces' end
  from (select distinct f.session_id, f.photo_id from faces f where f.model_id = :'legacy_model_id') photo
  left join face_embeddings m on m.session_id = photo.session_id and m.photo_id = photo.photo_id
  where m.id is null or not exists (
    select from faces f
    where f.session_id = photo.session_id and f.photo_id = photo.photo_id and f.model_id = :'legacy_model_id'
      and same_vector(m.embedding, f.embedding))
$$;

create function refuse_differences() returns void language plpgsql set search_path from current as $$
declare
  differing bigint := (select count(*) from mirror_differences());
begin
  if differing > 0 then
    raise exception '% photos differ between face_embeddings and faces; see mirror_differences()', differing using errcode = 'data_exception';
  end if;
end $$;
