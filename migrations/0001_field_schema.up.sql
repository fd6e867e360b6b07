-- Schema 1: the table that installations older than Facepass hold. Never run on a database that has it (the step is
-- then recorded as applied) nor on an empty one, unless asked with `up --to 1`, to rehearse a migration.
-- migrator: origin, reaches 1

create table face_embeddings (
  id serial primary key,
  face_id integer,
  photo_id varchar(255),
  event_id integer,
  session_id uuid,
  embedding vector(:dimension) not null,
  confidence double precision,
  created_at timestamptz default now()
);

create index idx_face_embeddings_face_id on face_embeddings (face_id);
create index idx_face_embeddings_photo_id on face_embeddings (photo_id);
create index idx_face_embeddings_event_id on face_embeddings (event_id);
create index idx_face_embeddings_session_id on face_embeddings (session_id);
create index idx_face_embeddings_created_at on face_embeddings (created_at);
create index idx_face_embeddings_embedding_hnsw on face_embeddings using hnsw (embedding vector_cosine_ops);
