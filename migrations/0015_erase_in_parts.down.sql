-- With the rights that were given to it.
-- migrator: transaction

alter function erase_session_part(text, text, text, integer) rename to erase_session_part_kept;
drop function erase_part_of_copies(text, text[], bigint);
