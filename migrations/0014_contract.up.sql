-- The older API is gone, and its table goes. Backup and quarantine stay until they are purged.
-- migrator: contract

lock table faces in share row exclusive mode;
do $$
begin
  if to_regclass('face_embeddings_backup_v1') is not null then
    execute format('alter sequence %s owned by face_embeddings_backup_v1.id', pg_get_serial_sequence('face_embeddings', 'id'));
  end if;
end $$;

\ir 0010_mirror.down.sql

drop table face_embeddings, face_embeddings_changes, photos_written;
drop function if exists seal_backup(integer);
drop function note_change(), note_photos_written(), reach_copies(), photos_gone(text, text[]);
