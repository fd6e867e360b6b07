-- A session keeps its model, so vectors of several models are side by side, and not all have one length. A column of its own
-- takes those of another length than the first model's (docs/decisions/0023). An expansion: an older API compares vectors of its
-- own model alone, and those are in `embedding` as before. Kept by the way back, so it may be there already. No table is rewritten.
-- migrator: always, reaches 3

alter table faces alter column embedding drop not null;
alter table faces add column if not exists other_embedding halfvec;
do $$
begin
  if not exists (select from pg_constraint where conrelid = 'faces'::regclass and conname = 'faces_one_vector') then
    alter table faces add constraint faces_one_vector check (num_nonnulls(embedding, other_embedding) = 1) not valid;
  end if;
end $$;
