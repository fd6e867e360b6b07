-- The older API's table again, empty; it is filled by 0013's way back while the newer API goes on.
-- migrator: transaction

\ir parts/table_of_schema_2.sql

-- Numbers go on where the backup's end.
do $$
declare
  next_id text := case when to_regclass('face_embeddings_backup_v1') is not null then pg_get_serial_sequence('face_embeddings_backup_v1', 'id') end;
begin
  if next_id is null then
    create sequence if not exists face_embeddings_id_seq as integer;
    next_id := 'face_embeddings_id_seq';
  end if;
  execute format('alter sequence %s owned by face_embeddings_v2.id', next_id);
  execute format('alter table face_embeddings_v2 alter column id set default nextval(%L)', next_id);
end $$;
create index face_embeddings_v2_session_photo_idx on face_embeddings_v2 (session_id, photo_id);
create index face_embeddings_v2_created_at_idx on face_embeddings_v2 (created_at);
alter table face_embeddings_v2 rename to face_embeddings;

do $$
declare
  granted record;
begin
  for granted in delete from older_grants returning * loop
    continue when to_regrole(granted.grantee) is null;
    execute format('grant %s on face_embeddings to %s', granted.privilege, granted.grantee);
  end loop;
end $$;

\ir parts/triggers_of_schema_2.sql
\ir parts/mirror.sql

create function fill_face_embeddings(p_rows integer) returns table (done boolean, rows_done bigint, rows_total bigint)
language plpgsql set search_path from current set plan_cache_mode = force_custom_plan as $$
declare
  progress migration_progress;
  sessions_of_batch text[];
  photos_of_batch text[];
begin
  perform set_config('facepass.triggers', 'off', true);
  select * into strict progress from migration_progress p where p.step = 'fill_face_embeddings' for update;
  select array_agg(batch.session_id order by batch.session_id, batch.photo_id), array_agg(batch.photo_id order by batch.session_id, batch.photo_id)
  into sessions_of_batch, photos_of_batch
  from (
    select next.*, dense_rank() over (order by next.session_id) as nth_session from (
      select distinct f.session_id, f.photo_id from faces f
      where progress.last_session_id is null or (f.session_id, f.photo_id) > (progress.last_session_id, progress.last_photo_id)
      order by f.session_id, f.photo_id limit p_rows) next) batch
  where batch.nth_session <= 1000; -- as in fill_faces
  perform pg_advisory_xact_lock(key) from (
    select distinct hashtextextended(session_id, 7) as key from unnest(sessions_of_batch) session_id order by key) locks;
  if to_regclass('face_embeddings_backup_v1') is not null then
    perform restore_mirror_from_backup(sessions_of_batch, photos_of_batch);
  end if;
  insert into face_embeddings (photo_id, session_id, embedding, confidence, created_at)
  select batch.photo_id, batch.session_id, best.embedding::vector(:dimension), best.confidence, best.created_at
  from unnest(sessions_of_batch, photos_of_batch) batch (session_id, photo_id)
  cross join lateral (
    select f.embedding, f.confidence, f.created_at from faces f
    where f.session_id = batch.session_id and f.photo_id = batch.photo_id and f.model_id = :'legacy_model_id'
    order by f.confidence desc, f.face_index limit 1) best
  on conflict (photo_id, session_id) do nothing;
  update migration_progress p
  set last_session_id = coalesce(sessions_of_batch[cardinality(sessions_of_batch)], p.last_session_id),
    last_photo_id = coalesce(photos_of_batch[cardinality(photos_of_batch)], p.last_photo_id),
    rows_done = p.rows_done + coalesce(cardinality(photos_of_batch), 0)
  where p.step = 'fill_face_embeddings' returning * into progress;
  perform set_config('facepass.triggers', '', true);
  return query select photos_of_batch is null, progress.rows_done, progress.rows_total;
end $$;

-- Photos whose vector is still the one in the backup get back the exact row they had, and count as unchanged.
create function restore_mirror_from_backup(p_sessions text[], p_photos text[]) returns void
language plpgsql set search_path from current as $$
begin
  perform set_config('facepass.restoring', 'on', true);
  insert into face_embeddings (id, photo_id, session_id, embedding, confidence, created_at)
  select b.id, b.photo_id, batch.session_id, normalised(b.embedding), b.confidence, b.created_at
  from unnest(p_sessions, p_photos) batch (session_id, photo_id)
  cross join lateral (
    select f.embedding from faces f
    where f.session_id = batch.session_id and f.photo_id = batch.photo_id and f.model_id = :'legacy_model_id'
    order by f.confidence desc, f.face_index limit 1) best
  cross join lateral (
    select * from face_embeddings_backup_v1 b
    where b.photo_id = batch.photo_id
      and b.session_id = case when pg_input_is_valid(batch.session_id, 'uuid') then batch.session_id::uuid end
      and b.session_id::text = batch.session_id
      and not exists (select from face_embeddings_quarantine q where q.id = b.id)) b
  where same_vector(b.embedding, best.embedding)
  on conflict (photo_id, session_id) do nothing;
  perform set_config('facepass.restoring', '', true);
end $$;

insert into migration_progress (step, upper_id, rows_total)
select 'fill_face_embeddings', 0, count(*) from (select distinct session_id, photo_id from faces) photos;
