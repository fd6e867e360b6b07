-- migrator: no transaction

drop index concurrently if exists idx_face_embeddings_session_photo;
