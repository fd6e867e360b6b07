-- What outlives a migration and its way back: the catalogue of tables that hold copies of faces, the tombstones of
-- erasures, and the audit log. None holds a vector.
-- migrator: always

-- Every table that holds faces besides `faces` itself. Erasure walks it, so a table of faces that is not listed is a leak.
create table face_copies (
  table_name name primary key,
  kind text not null check (kind in ('backup', 'quarantine', 'kept', 'mirror')),
  schema_version integer not null, -- the schema whose rows it holds
  row_count bigint, -- of a backup; kept up to date by erasure
  content_hash numeric, -- of a backup: the sum of its rows' hashes, so that erasure can subtract
  max_id integer, -- of a backup: rows above it were not in it
  made_at timestamptz not null default now()
);

create table erasures (
  id bigint generated always as identity primary key,
  session_id varchar(255) not null,
  photo_id varchar(255), -- null: the whole session
  erased_at timestamptz not null default clock_timestamp()
);
create index erasures_session_id_erased_at_idx on erasures (session_id, erased_at);

create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  actor text not null,
  action text not null,
  session_id varchar(255) not null,
  photo_id varchar(255),
  rows_removed bigint not null
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;

create trigger audit_log_is_append_only before update or delete or truncate on audit_log
for each statement execute function refuse_change();

-- Hash of a row of schema 1, 0 to 2^60; of the bytes each type sends, so that no setting of the session changes it.
create function field_row_hash(
  id integer, face_id integer, photo_id text, event_id integer, session_id uuid,
  embedding vector, confidence double precision, created_at timestamptz
) returns bigint language sql immutable parallel safe as $$
  select ('x' || substr(md5(jsonb_build_array(
    id, face_id, photo_id, event_id, session_id, md5(vector_send(embedding)),
    encode(float8send(confidence), 'hex'), encode(timestamptz_send(created_at), 'hex')
  )::text), 1, 15))::bit(60)::bigint
$$;

-- Removes a session's rows (one photo's, when named) from every table of the catalogue; gives how many.
create function erase_from_copies(p_session_id text, p_photo_id text) returns bigint
language plpgsql security definer set search_path from current as $$
declare
  copy face_copies;
  session_type regtype;
  removed bigint;
  removed_hash numeric;
  total bigint := 0;
begin
  for copy in select * from face_copies order by table_name loop
    select atttypid into session_type from pg_attribute
    where attrelid = copy.table_name::regclass and attname = 'session_id';
    -- Only the session's own spelling may match: 'A0…' is another session than the uuid 'a0…'.
    continue when session_type = 'uuid'::regtype
      and not (pg_input_is_valid(p_session_id, 'uuid') and p_session_id::uuid::text = p_session_id);
    execute format(
      'with removed as (delete from %I where session_id = $1::%s and ($2 is null or photo_id = $2) returning *)
       select count(*), %s from removed',
      copy.table_name, session_type,
      case when copy.kind = 'backup' then
        'coalesce(sum(field_row_hash(id, face_id, photo_id, event_id, session_id, embedding, confidence, created_at)) filter (where id <= $3), 0)'
      else '0' end)
    into removed, removed_hash using p_session_id, p_photo_id, copy.max_id;
    total := total + removed;
    update face_copies c set row_count = c.row_count - removed, content_hash = c.content_hash - removed_hash
    where c.table_name = copy.table_name and c.kind = 'backup' and removed > 0;
  end loop;
  return total;
end $$;

revoke execute on function erase_from_copies(text, text) from public;
