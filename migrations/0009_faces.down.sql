-- Back to schema 2: what it cannot hold (further faces of a photo, boxes, faces of another model) must not be lost, so
-- all faces stay, under a name that no API reads. Erasure reaches them; a photo that the older API writes anew leaves them.
-- migrator: transaction

-- With the rights that were given to them.
alter function erase_session(text, text) rename to erase_session_kept;
alter function erase_photo(text, text, text) rename to erase_photo_kept;
alter table faces rename to faces_kept;
alter table sessions rename to sessions_kept;
update face_copies set table_name = 'faces_kept' where table_name = 'faces';
