-- The tables change places in one transaction. The table of schema 1 becomes the backup as it is, unread and uncopied,
-- with its indexes, so that the way back needs no rebuild of an index that takes hours.
-- migrator: field

lock table face_embeddings in access exclusive mode;
select catch_up_schema_2(9223372036854775807);

do $$
declare
  held bigint := (select count(*) from face_embeddings);
  placed bigint := (select count(*) from face_embeddings_v2) + (select count(*) from face_embeddings_quarantine);
begin
  if held <> placed then
    raise exception 'face_embeddings has % rows, schema 2 and the quarantine together %', held, placed using errcode = 'data_exception';
  end if;
end $$;

drop trigger note_field_write on face_embeddings;
drop trigger note_field_truncate on face_embeddings;
drop trigger if exists refuse_truncate on face_embeddings;
drop trigger if exists note_inserted on face_embeddings;
drop trigger if exists note_updated on face_embeddings;
drop trigger if exists note_deleted on face_embeddings;
drop view face_embeddings_classified;
drop function fill_schema_2(integer), catch_up_schema_2(bigint), convert_field_rows(integer[]), note_field_write(),
  field_row_problem(text, uuid, double precision, vector);
drop table face_embeddings_journal;

select move_grants('face_embeddings', 'face_embeddings_v2');
do $$
declare
  next_id text := pg_get_serial_sequence('face_embeddings', 'id');
begin
  execute format('alter table face_embeddings_v2 alter column id set default nextval(%L)', next_id);
  execute format('alter sequence %s owned by face_embeddings_v2.id', next_id);
end $$;

alter table face_embeddings rename to face_embeddings_backup_v1;
alter table face_embeddings_v2 rename to face_embeddings;

insert into face_copies (table_name, kind, schema_version, sealed_up_to, max_id)
select 'face_embeddings_backup_v1', 'backup', 1, coalesce(min(id), 1) - 1, coalesce(max(id), 0) from face_embeddings_backup_v1;
insert into face_copies (table_name, kind, schema_version) values ('face_embeddings_quarantine', 'quarantine', 1);

\ir parts/triggers_of_schema_2.sql

-- Rows that schema 1 could not hold come back from the last way back. No API wrote them: taken for its writes, they would
-- replace what is kept aside of the same photos, and the further faces of a named session's photos were lost so.
do $$
begin
  if to_regclass('face_embeddings_kept_v2') is not null then
    perform set_config('facepass.triggers', 'off', true);
    insert into face_embeddings (photo_id, session_id, embedding, confidence, created_at)
    select photo_id, session_id, embedding, confidence, created_at from face_embeddings_kept_v2 on conflict do nothing;
    perform set_config('facepass.triggers', '', true);
    drop table face_embeddings_kept_v2;
    delete from face_copies where table_name = 'face_embeddings_kept_v2';
  end if;
end $$;

create function seal_backup(p_rows integer) returns table (done boolean, rows_done bigint, rows_total bigint)
language plpgsql set search_path from current as $$
declare
  backup face_copies;
  batch_end integer;
begin
  select * into strict backup from face_copies c where c.table_name = 'face_embeddings_backup_v1' for update;
  batch_end := (select max(id) from (
    select id from face_embeddings_backup_v1 where id > backup.sealed_up_to order by id limit p_rows) batch);
  update face_copies c
  set row_count = c.row_count + sealed.row_count, content_hash = c.content_hash + sealed.content_hash,
    sealed_up_to = coalesce(batch_end, c.max_id)
  from (
    select count(*) as row_count,
      coalesce(sum(field_row_hash(id, face_id, photo_id, event_id, session_id, embedding, confidence, created_at)), 0) as content_hash
    from face_embeddings_backup_v1 b where b.id > backup.sealed_up_to and b.id <= batch_end) sealed
  where c.table_name = backup.table_name
  returning c.* into backup;
  return query select batch_end is null, backup.row_count, p.rows_total from migration_progress p where p.step = 'fill_schema_2';
end $$;

create or replace function schema_version() returns integer language sql stable as 'select 2';
