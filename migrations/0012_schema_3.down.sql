-- From here on only an API of schema 2 is ready; face_embeddings holds what it can hold.
-- migrator: transaction

select refuse_differences();
select create_approximate_index('face_embeddings', 'face_embeddings_v2_embedding_ivfflat_idx');
create or replace function schema_version() returns integer language sql stable as 'select 2';
