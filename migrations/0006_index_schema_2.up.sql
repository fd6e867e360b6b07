-- On a table that serves nobody yet, so without CONCURRENTLY.
-- migrator: field

create index face_embeddings_v2_session_photo_idx on face_embeddings_v2 (session_id, photo_id);
create index face_embeddings_v2_created_at_idx on face_embeddings_v2 (created_at);
select create_approximate_index('face_embeddings_v2', 'face_embeddings_v2_embedding_ivfflat_idx');
analyze face_embeddings_v2;
-- What was written meanwhile is worked in here, where nobody waits: 0007 does the rest under its lock.
select catch_up_schema_2(9223372036854775807);
