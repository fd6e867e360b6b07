-- The table of schema 2, under the name it has until it is filled.

create table face_embeddings_v2 (
  id integer primary key,
  photo_id varchar(255) not null,
  session_id varchar(255) not null,
  embedding vector(:dimension) not null,
  confidence double precision not null,
  created_at timestamptz default now(),
  constraint face_embeddings_v2_photo_session_key unique (photo_id, session_id)
);
