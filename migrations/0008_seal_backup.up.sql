-- Count and hash of the backup, which nobody but an erasure writes to.
-- migrator: field, repeat, reaches 2

select * from seal_backup(:batch_rows);
