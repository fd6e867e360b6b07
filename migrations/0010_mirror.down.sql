-- faces is a copy from here on, as it was before its triggers: what the older API erases or writes anew leaves it.
-- migrator: transaction

\ir parts/end_of_mirror.sql

insert into face_copies (table_name, kind, schema_version) values ('faces', 'kept', 3);
