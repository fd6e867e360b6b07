-- The duplicates of a photo, and the rows of a session, are looked up while the older service goes on.
-- migrator: field, no transaction

drop index concurrently if exists idx_face_embeddings_session_photo;
create index concurrently idx_face_embeddings_session_photo on face_embeddings (session_id, photo_id);
