-- migrator: transaction

drop trigger if exists note_field_write on face_embeddings;
drop trigger if exists note_field_truncate on face_embeddings;
drop table if exists face_embeddings_v2, face_embeddings_quarantine, face_embeddings_journal cascade;
drop view if exists face_embeddings_classified;
drop function if exists note_field_write(), fill_schema_2(integer), catch_up_schema_2(bigint), convert_field_rows(integer[]),
  field_row_problem(text, uuid, double precision, vector);
delete from migration_progress where step = 'fill_schema_2';
