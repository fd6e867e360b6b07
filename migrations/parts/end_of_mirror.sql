-- Ends what mirror.sql began: each of the two tables goes its own way.
drop trigger if exists lock_session on face_embeddings;
drop trigger if exists refuse_truncate on faces;
drop trigger if exists note_inserted on faces;
drop trigger if exists note_updated on faces;
drop trigger if exists note_deleted on faces;
drop trigger if exists mirror_written on photos_written;
drop function if exists lock_session(), mirror_written(), mirror_to_faces(text, text[]), mirror_to_face_embeddings(text, text[]),
  count_faces(text, bigint, bigint, boolean), fill_faces(integer), mirror_differences(), refuse_differences(),
  fill_face_embeddings(integer), restore_mirror_from_backup(text[], text[]);
delete from face_copies where table_name = 'face_embeddings';
delete from migration_progress where step in ('fill_faces', 'fill_face_embeddings');
