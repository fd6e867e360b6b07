-- Jobs are kept: none of their tables holds a face, and what waits goes on after the next way up.
-- migrator: transaction

select 1;
