-- What outlives a migration and its way back: the catalogue of tables that hold copies of faces, tombstones of erasures,
-- the audit log, checkpoints. None holds a vector. Kept by the way back, so everything here may exist already.
-- migrator: always

-- Every table that holds faces besides `faces` itself. Erasure walks it, so a table of faces that is not listed is a leak.
create table if not exists face_copies (
  table_name name primary key,
  kind text not null check (kind in ('backup', 'quarantine', 'kept', 'mirror')),
  schema_version integer not null, -- the schema whose rows it holds
  made_at timestamptz not null default now(),
  -- Of a backup: count and hash of its rows up to sealed_up_to; erasure keeps both right. Rows above max_id were not in it.
  row_count bigint not null default 0,
  content_hash numeric not null default 0, -- sum of field_row_hash, so that an erased row can be subtracted
  sealed_up_to integer not null default 0,
  max_id integer not null default 0
);

create table if not exists erasures (
  id bigint generated always as identity primary key,
  session_id varchar(255) not null,
  photo_id varchar(255), -- null: the whole session
  erased_at timestamptz not null default clock_timestamp()
);
create index if not exists erasures_session_id_erased_at_idx on erasures (session_id, erased_at);

create table if not exists audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  actor text not null,
  action text not null,
  session_id varchar(255) not null,
  photo_id varchar(255),
  rows_removed bigint not null
);

create or replace function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;

create or replace trigger audit_log_is_append_only before update or delete or truncate on audit_log
for each statement execute function refuse_change();

-- Where a batched step stands; its upper bound is fixed when it begins, so that it ends however much is written meanwhile.
create table if not exists migration_progress (
  step text primary key,
  upper_id integer not null,
  last_id integer not null default 0,
  last_session_id varchar(255),
  last_photo_id varchar(255),
  rows_done bigint not null default 0,
  rows_total bigint not null,
  started_at timestamptz not null default now()
);

-- How each run of `up` and `down` ended, for the API to tell: a Job that failed is soon gone, and its metrics with it.
create table if not exists migration_runs (
  id bigint generated always as identity primary key,
  command text not null,
  started_at timestamptz not null,
  ended_at timestamptz not null default clock_timestamp(),
  exit_code integer not null,
  message text -- why it failed
);

-- Rights on the older table, from the contraction that drops it to a way back that makes it anew.
create table if not exists older_grants (
  grantee text not null, -- as quoted in SQL
  privilege text not null
);

-- Hash of a row of schema 1, 0 to 2^60; of the bytes each type sends, so that no setting of the session changes it.
create or replace function field_row_hash(
  id integer, face_id integer, photo_id text, event_id integer, session_id uuid,
  embedding vector, confidence double precision, created_at timestamptz
) returns bigint language sql immutable parallel safe as $$
  select ('x' || substr(md5(jsonb_build_array(
    id, face_id, photo_id, event_id, session_id, md5(vector_send(embedding)),
    encode(float8send(confidence), 'hex'), encode(timestamptz_send(created_at), 'hex')
  )::text), 1, 15))::bit(60)::bigint
$$;

-- A vector of length 1, as it is when it is one already: so that normalising twice changes nothing.
create or replace function normalised(embedding vector) returns vector language sql immutable parallel safe as $$
  select case when abs(vector_norm(embedding) - 1) <= 1e-6 then embedding else l2_normalize(embedding) end
$$;

-- Whether a half-precision vector came from this one. Rounding moves a vector of length 1 by 2^-11 at most; normalising
-- it afterwards may round another way, so equality would see a change where there is none.
create or replace function same_vector(embedding vector, stored halfvec) returns boolean language sql immutable parallel safe as $$
  select normalised(embedding)::halfvec <-> stored < 0.002
$$;

-- Removes a session's rows (some photos', when named) from the tables of the catalogue (of some kinds, when named).
create or replace function erase_from_copies(p_session_id text, p_photo_ids text[], p_kinds text[] default null) returns bigint
language plpgsql security definer set search_path from current as $$
declare
  copy face_copies;
  session_type regtype;
  removed bigint;
  removed_sealed bigint;
  removed_hash numeric;
  total bigint := 0;
begin
  for copy in select * from face_copies c where p_kinds is null or c.kind = any(p_kinds) order by c.table_name loop
    select atttypid into session_type from pg_attribute
    where attrelid = copy.table_name::regclass and attname = 'session_id';
    -- A backup that is being sealed is sealed before or after this erasure, not beside it: else it would count what is removed here.
    if copy.kind = 'backup' then
      select c.sealed_up_to into copy.sealed_up_to from face_copies c where c.table_name = copy.table_name for no key update;
    end if;
    -- Only the session's own spelling may match: 'A0...' is another session than the uuid 'a0...'.
    continue when session_type = 'uuid'::regtype
      and (not pg_input_is_valid(p_session_id, 'uuid') or p_session_id::uuid::text <> p_session_id);
    execute format(
      'with removed as (delete from %I where session_id = $1::%s and ($2 is null or photo_id = any($2)) returning *)
       select count(*), %s from removed',
      copy.table_name, session_type,
      case when copy.kind = 'backup' then
        'count(*) filter (where id <= $3), coalesce(sum(field_row_hash(id, face_id, photo_id, event_id, session_id, embedding, confidence, created_at)) filter (where id <= $3), 0)'
      else '0, 0' end)
    into removed, removed_sealed, removed_hash using p_session_id, p_photo_ids, copy.sealed_up_to;
    total := total + removed;
    if removed_sealed > 0 then
      update face_copies c set row_count = c.row_count - removed_sealed, content_hash = c.content_hash - removed_hash
      where c.table_name = copy.table_name;
    end if;
  end loop;
  return total;
end $$;

-- Whoever could use the one table can use the other instead; a backup is for nobody but its owner.
create or replace function move_grants(p_from regclass, p_to regclass) returns void
language plpgsql as $$
declare
  granted record;
begin
  for granted in
    select case when acl.grantee = 0 then 'public' else acl.grantee::regrole::text end as grantee, acl.privilege_type, acl.grantee = relowner as owns
    from pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) acl
    where oid = p_from and acl.grantee <> current_user::regrole
  loop
    execute format('grant %s on %s to %s', granted.privilege_type, p_to, granted.grantee);
    continue when granted.owns;
    execute format('revoke %s on %s from %s', granted.privilege_type, p_from, granted.grantee);
  end loop;
end $$;

-- pgvector's advice on lists: rows / 1000, beyond a million rows their square root. Its k-means holds 50 samples a list
-- and a bound for each pair of sample and list in maintenance_work_mem, and fails when that is too small.
create or replace function create_approximate_index(p_table regclass, p_name text) returns void
language plpgsql as $$
declare
  dimension integer := (select atttypmod from pg_attribute where attrelid = p_table and attname = 'embedding');
  row_total bigint;
  lists bigint;
  samples bigint;
begin
  execute format('select count(*) from %s', p_table) into row_total;
  lists := greatest(1, least(32768, case when row_total <= 1000000 then row_total / 1000 else sqrt(row_total)::bigint end));
  samples := greatest(10000, 50 * lists);
  perform set_config('maintenance_work_mem', greatest(
    pg_size_bytes(current_setting('maintenance_work_mem')) / 1024,
    (samples * (4 * dimension + 4 * lists + 64) + lists * (16 * dimension + 4 * lists)) / 1024 + 16384) || 'kB', true);
  execute format('create index if not exists %I on %s using ivfflat (embedding vector_cosine_ops) with (lists = %s)', p_name, p_table, lists);
end $$;

revoke execute on function erase_from_copies(text, text[], text[]), move_grants(regclass, regclass),
  create_approximate_index(regclass, text) from public;
