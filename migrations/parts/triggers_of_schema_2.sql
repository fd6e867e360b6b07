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

revoke execute on function note_change() from public;

create trigger note_change after insert or update on face_embeddings
for each row when (coalesce(current_setting('facepass.restoring', true), '') = '') execute function note_change();

\ir reach_copies.sql
