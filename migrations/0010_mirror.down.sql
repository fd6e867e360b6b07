-- migrator: transaction

drop trigger if exists lock_session on face_embeddings;
drop trigger if exists mirror_to_faces on face_embeddings;
drop trigger if exists mirror_to_face_embeddings on faces;
drop function if exists lock_session(), mirror_to_faces(), mirror_to_face_embeddings(), mirror_photo_to_faces(text, text),
  mirror_photo_to_face_embeddings(text, text), count_faces(text, bigint, bigint, timestamptz, text), fill_faces(integer),
  mirror_differences(), refuse_differences(), fill_face_embeddings(integer), restore_mirror_from_backup(text[], text[]);
delete from face_copies where table_name = 'face_embeddings';
delete from migration_progress where step in ('fill_faces', 'fill_face_embeddings');
