-- Reads every face once, and holds no lock that an API would wait for.
-- migrator: always, reaches 3

alter table faces validate constraint faces_one_vector;
