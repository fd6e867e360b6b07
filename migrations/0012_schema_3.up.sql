-- From here on an API may read `faces`: every photo of schema 2 is in it.
-- migrator: always, reaches 3

do $$
begin
  if to_regclass('face_embeddings') is not null then perform refuse_differences(); end if;
end $$;

create or replace function schema_version() returns integer language sql stable as 'select 3';
