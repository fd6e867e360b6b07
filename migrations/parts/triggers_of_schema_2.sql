-- The photos written since, by either API: the way back takes these from schema 2 and all others from the backup.
create table face_embeddings_changes (
  session_id varchar(255),
  photo_id varchar(255),
  primary key (session_id, photo_id)
);

create function note_change() returns trigger
language plpgsql security definer set search_path from current as $$
begin
  insert into face_embeddings_changes (session_id, photo_id) values (new.session_id, new.photo_id) on conflict do nothing;
  return null;
end $$;

create trigger note_change after insert or update on face_embeddings
for each row when (coalesce(current_setting('facepass.restoring', true), '') = '') execute function note_change();

-- An API that knows only face_embeddings erases with DELETE. At commit, a photo that is not there again has been erased,
-- and a session without rows too: both then leave every copy. A photo written anew replaces what was kept aside of it.
create or replace function reach_copies() returns trigger
language plpgsql security definer set search_path from current as $$
declare
  emptied boolean;
  erased_photo_id text; -- null: the session
  removed bigint;
begin
  if tg_op <> 'DELETE' and exists (select from face_copies where kind = 'kept') then
    perform erase_from_copies(new.session_id::text, new.photo_id, array['kept']);
  end if;
  if tg_op <> 'DELETE' or old.session_id is null
    or exists (select from face_embeddings f where f.session_id = old.session_id and f.photo_id = old.photo_id) then
    return null;
  end if;
  emptied := not exists (select from face_embeddings f where f.session_id = old.session_id);
  if emptied and to_regclass('faces') is not null then
    emptied := not exists (select from faces f where f.session_id = old.session_id::text);
  end if;
  if emptied and exists (
    select from erasures e where e.session_id = old.session_id::text and e.photo_id is null and e.erased_at >= now()) then
    return null; -- another row of the same DELETE has seen to it
  end if;
  erased_photo_id := case when emptied then null else old.photo_id end;
  if emptied or old.photo_id is not null then
    removed := erase_from_copies(old.session_id::text, erased_photo_id);
    insert into erasures (session_id, photo_id) values (old.session_id::text, erased_photo_id);
    insert into audit_log (actor, action, session_id, photo_id, rows_removed)
    values (session_user, case when emptied then 'delete_session' else 'delete_photo' end, old.session_id::text, erased_photo_id, removed);
  end if;
  return null;
end $$;

create constraint trigger reach_copies after insert or update or delete on face_embeddings
deferrable initially deferred for each row
when (pg_trigger_depth() = 0 and coalesce(current_setting('facepass.erasing', true), '') = '')
execute function reach_copies();
