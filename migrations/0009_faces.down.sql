-- Back to schema 2: what it cannot hold (further faces of a photo, boxes, faces of another model) must not be lost, so
-- all faces stay, under a name that no API reads. Erasure reaches them; a photo that the older API writes anew leaves them.
-- migrator: transaction

drop function erase_session(text, text), erase_photo(text, text, text);
alter table faces rename to faces_kept;
alter table sessions rename to sessions_kept;
insert into face_copies (table_name, kind, schema_version) values ('faces_kept', 'kept', 3);
