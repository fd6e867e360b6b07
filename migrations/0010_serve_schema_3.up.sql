-- From here on the API may read `faces`: every row of the older schema is in it.
-- migrator: always, reaches 3

create or replace function schema_version() returns integer language sql stable as 'select 3';
