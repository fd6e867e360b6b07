-- Keeps face_embeddings and faces in step. At commit the photos written in one table are put into the other, by what then
-- stands there; the triggers of the second write do not fire (pg_trigger_depth).

-- Adds to a session's counts, and removes a session without photos.
create function count_faces(p_session_id text, p_photos bigint, p_faces bigint, p_indexed timestamptz, p_model_id text) returns void
language plpgsql set search_path from current as $$
begin
  insert into sessions as s (session_id, photo_count, face_count, last_indexed, model_id, created_at)
  values (p_session_id, greatest(p_photos, 0), greatest(p_faces, 0), coalesce(p_indexed, now()), p_model_id, coalesce(p_indexed, now()))
  on conflict (session_id) do update
  set photo_count = greatest(s.photo_count + p_photos, 0), face_count = greatest(s.face_count + p_faces, 0),
    last_indexed = greatest(s.last_indexed, p_indexed);
  delete from sessions s where s.session_id = p_session_id and s.photo_count = 0;
end $$;

create function mirror_photo_to_faces(p_session_id text, p_photo_id text) returns void
language plpgsql set search_path from current as $$
declare
  row_now face_embeddings;
  removed bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended(p_session_id, 7));
  select * into row_now from face_embeddings where session_id = p_session_id and photo_id = p_photo_id;
  if row_now.id is not null then
    if exists (
      select from erasures where session_id = p_session_id and (photo_id is null or photo_id = p_photo_id) and erased_at > now()) then
      raise exception 'the photo was erased while it was being indexed' using errcode = 'serialization_failure';
    end if;
    -- The same face: the older API indexed the photo again, or another row of this transaction has seen to it.
    if exists (
      select from faces where session_id = p_session_id and photo_id = p_photo_id and model_id = :'legacy_model_id'
        and embedding = normalised(row_now.embedding)::halfvec(:dimension)) then
      return;
    end if;
  end if;
  delete from faces where session_id = p_session_id and photo_id = p_photo_id;
  get diagnostics removed = row_count;
  if row_now.id is not null then
    insert into faces (session_id, photo_id, face_index, confidence, model_id, embedding, created_at)
    values (p_session_id, p_photo_id, 0, row_now.confidence, :'legacy_model_id', normalised(row_now.embedding)::halfvec(:dimension),
      coalesce(row_now.created_at, now()));
  end if;
  if row_now.id is not null or removed > 0 then
    perform count_faces(p_session_id, (row_now.id is not null)::integer - (removed > 0)::integer,
      (row_now.id is not null)::integer - removed, row_now.created_at, :'legacy_model_id');
  end if;
end $$;

create function mirror_to_faces() returns trigger
language plpgsql security definer set search_path from current as $$
begin
  if tg_op <> 'INSERT' then
    perform mirror_photo_to_faces(old.session_id, old.photo_id);
  end if;
  if tg_op = 'INSERT' or (tg_op = 'UPDATE' and (new.session_id, new.photo_id) is distinct from (old.session_id, old.photo_id)) then
    perform mirror_photo_to_faces(new.session_id, new.photo_id);
  end if;
  return null;
end $$;

-- An index call takes the session's lock before its row, as the newer API does; in the other order the two would deadlock
-- when they write one photo at the same time. (DELETE locks its row before any trigger runs, so that one still may.)
create function lock_session() returns trigger
language plpgsql security definer set search_path from current as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(new.session_id, 7));
  return new;
end $$;

create trigger lock_session before insert on face_embeddings
for each row when (pg_trigger_depth() = 0) execute function lock_session();

-- Named to come before reach_copies: that one asks whether faces still holds the session.
create constraint trigger mirror_to_faces after insert or update or delete on face_embeddings
deferrable initially deferred for each row
when (pg_trigger_depth() = 0 and coalesce(current_setting('facepass.erasing', true), '') = '')
execute function mirror_to_faces();

-- Schema 2 holds one face a photo: the most confident of the model that the older API compares with. A photo that
-- has faces of other models only keeps the row it had, which the older API can still find it by.
create function mirror_photo_to_face_embeddings(p_session_id text, p_photo_id text) returns void
language plpgsql set search_path from current as $$
begin
  insert into face_embeddings as f (photo_id, session_id, embedding, confidence, created_at)
  select photo_id, session_id, embedding::vector(:dimension), confidence, created_at from faces
  where session_id = p_session_id and photo_id = p_photo_id and model_id = :'legacy_model_id'
  order by confidence desc, face_index limit 1
  on conflict (photo_id, session_id) do update set embedding = excluded.embedding, confidence = excluded.confidence
  where normalised(f.embedding)::halfvec(:dimension) <> excluded.embedding::halfvec(:dimension) or f.confidence::real <> excluded.confidence::real;
  if not exists (select from faces where session_id = p_session_id and photo_id = p_photo_id) then
    perform erase_from_copies(p_session_id, p_photo_id);
  end if;
end $$;

create function mirror_to_face_embeddings() returns trigger
language plpgsql security definer set search_path from current as $$
begin
  if tg_op <> 'INSERT' then
    perform mirror_photo_to_face_embeddings(old.session_id, old.photo_id);
  end if;
  if tg_op = 'INSERT' or (tg_op = 'UPDATE' and (new.session_id, new.photo_id) is distinct from (old.session_id, old.photo_id)) then
    perform mirror_photo_to_face_embeddings(new.session_id, new.photo_id);
  end if;
  return null;
end $$;

create constraint trigger mirror_to_face_embeddings after insert or update or delete on faces
deferrable initially deferred for each row
when (pg_trigger_depth() = 0 and coalesce(current_setting('facepass.erasing', true), '') = '')
execute function mirror_to_face_embeddings();

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
  select * into strict progress from migration_progress p where p.step = 'fill_faces' for update;
  select coalesce(array_agg(next.id), '{}'), array_agg(next.session_id), array_agg(next.photo_id)
  into ids, sessions_of_batch, photos_of_batch
  from (
    select f.id, f.session_id, f.photo_id from face_embeddings f
    where f.id <= progress.upper_id
      and (progress.last_session_id is null or (f.session_id, f.photo_id) > (progress.last_session_id, progress.last_photo_id))
    order by f.session_id, f.photo_id limit p_rows) next;
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
  return query select cardinality(ids) < p_rows, progress.rows_done, progress.rows_total;
end $$;

-- Photos in which the two tables differ, and what differs.
create function mirror_differences() returns table (session_id text, photo_id text, difference text)
language sql stable set search_path from current as $$
  select m.session_id, m.photo_id, 'only in face_embeddings' from face_embeddings m
  where not exists (select from faces f where f.session_id = m.session_id and f.photo_id = m.photo_id)
  union all
  select best.session_id, best.photo_id,
    case when m.id is null then 'only in faces' else 'another vector in face_embeddings' end
  from (
    select distinct on (f.session_id, f.photo_id) f.session_id, f.photo_id, f.embedding from faces f
    where f.model_id = :'legacy_model_id' order by f.session_id, f.photo_id, f.confidence desc, f.face_index) best
  left join face_embeddings m on m.session_id = best.session_id and m.photo_id = best.photo_id
  where m.id is null or normalised(m.embedding)::halfvec(:dimension) <> best.embedding
$$;

create function refuse_differences() returns void language plpgsql set search_path from current as $$
declare
  differing bigint := (select count(*) from mirror_differences());
begin
  if differing > 0 then
    raise exception '% photos differ between face_embeddings and faces; see mirror_differences()', differing using errcode = 'data_exception';
  end if;
end $$;
