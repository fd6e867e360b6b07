-- Erases a session in parts, each a transaction of its own: 300,000 faces with their copies outlast a statement's time
-- limit, and such a session could never be erased. An API that finds no such function uses erase_session.
-- migrator: always, reaches 3

do $$
begin
  if to_regprocedure('erase_session_part_kept(text, text, text, integer)') is not null then
    alter function erase_session_part_kept(text, text, text, integer) rename to erase_session_part;
  end if;
end $$;

-- Removes up to p_rows of a session's rows from the copies of some kinds, the backup's first: each of its rows is to be
-- served or in quarantine.
create or replace function erase_part_of_copies(p_session_id text, p_kinds text[], p_rows bigint) returns bigint
language plpgsql security definer set search_path from current as $$
declare
  copy face_copies;
  session_type regtype;
  removed bigint;
  removed_sealed bigint;
  removed_hash numeric;
  total bigint := 0;
begin
  for copy in select * from face_copies c where c.kind = any(p_kinds) order by c.kind <> 'backup', c.table_name loop
    exit when total >= p_rows;
    select atttypid into session_type from pg_attribute
    where attrelid = copy.table_name::regclass and attname = 'session_id';
    if copy.kind = 'backup' then
      select c.sealed_up_to into copy.sealed_up_to from face_copies c where c.table_name = copy.table_name for no key update;
    end if;
    continue when session_type = 'uuid'::regtype
      and (not pg_input_is_valid(p_session_id, 'uuid') or p_session_id::uuid::text <> p_session_id);
    -- Partitions number their rows each for itself; a session is in one of them.
    execute format(
      'with removed as (
         delete from %1$I where session_id = $1::%2$s and ctid = any(array(select ctid from %1$I where session_id = $1::%2$s limit $2)) returning *)
       select count(*), %3$s from removed',
      copy.table_name, session_type,
      case when copy.kind = 'backup' then
        'count(*) filter (where id <= $3), coalesce(sum(field_row_hash(id, face_id, photo_id, event_id, session_id, embedding, confidence, created_at)) filter (where id <= $3), 0)'
      else '0, 0' end)
    into removed, removed_sealed, removed_hash using p_session_id, p_rows - total, copy.sealed_up_to;
    total := total + removed;
    if removed_sealed > 0 then
      update face_copies c set row_count = c.row_count - removed_sealed, content_hash = c.content_hash - removed_hash
      where c.table_name = copy.table_name;
    end if;
  end loop;
  return total;
end $$;

-- One part of a session's erasure. p_stage: 'asked' begins it with a tombstone, which calls under way heed; 'expired'
-- begins it without, since nobody asked to refuse them; 'more' goes on. From the first part on the session is one that has
-- expired, so that no search sees it, and a sweep goes on where a process died.
create or replace function erase_session_part(p_session_id text, p_actor text, p_stage text, p_rows integer)
returns table (done boolean, photos bigint, faces bigint)
language plpgsql security definer set search_path from current as $$
declare
  photos_of_part text[];
  removed bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended(p_session_id, 7));
  done := true; photos := 0; faces := 0;
  if p_stage = 'asked' then
    insert into erasures (session_id) values (p_session_id);
  end if;
  if p_stage in ('asked', 'expired') then
    insert into sessions as s (session_id, photo_count, face_count, model_id, expires_at)
    values (p_session_id, 0, 0, '', '-infinity')
    on conflict (session_id) do update set expires_at = '-infinity';
  elsif not exists (select from sessions s where s.session_id = p_session_id and s.expires_at = '-infinity') then
    return next;
    return;
  end if;
  perform set_config('facepass.triggers', 'off', true);
  removed := erase_part_of_copies(p_session_id, array['backup', 'quarantine', 'kept'], p_rows);
  if removed < p_rows then
    photos_of_part := array(select distinct next.photo_id from (
      select f.photo_id from faces f where f.session_id = p_session_id order by f.photo_id limit p_rows - removed) next);
    with gone as (
      delete from faces f where f.session_id = p_session_id and f.photo_id = any(photos_of_part) returning f.photo_id)
    select count(distinct gone.photo_id), count(*) into photos, faces from gone;
    update sessions s set photo_count = s.photo_count - erase_session_part.photos, face_count = s.face_count - erase_session_part.faces
    where s.session_id = p_session_id;
    removed := removed + faces + erase_from_copies(p_session_id, photos_of_part);
  end if;
  if removed < p_rows then
    removed := removed + erase_part_of_copies(p_session_id, array['mirror'], p_rows - removed);
  end if;
  done := removed < p_rows;
  if done then
    delete from sessions s where s.session_id = p_session_id;
  end if;
  if removed > 0 or p_stage <> 'more' then
    insert into audit_log (actor, action, session_id, rows_removed) values (p_actor, 'erase_session', p_session_id, removed);
  end if;
  perform set_config('facepass.triggers', '', true);
  return next;
end $$;

revoke execute on function erase_part_of_copies(text, text[], bigint), erase_session_part(text, text, text, integer) from public;
