-- Bulk jobs: photos of the bucket that an indexer works off. The queue is pg-boss's (docs/decisions/0110); what clients ask
-- about is in `jobs` and `job_photos`. An expansion: an API without jobs works on as before. Kept by the way back, so everything
-- here may exist already.
-- migrator: always, reaches 3

\ir parts/queue_of_pg_boss.sql

create table if not exists jobs (
  id uuid primary key default gen_random_uuid(),
  session_id varchar(255) not null,
  expires_at timestamptz,
  s3_prefix varchar(1024), -- null: the call named the photos
  listed_to varchar(1024), -- the last key of s3_prefix that is in job_photos
  created_by text not null, -- a key's name
  created_at timestamptz(3) not null default now(),
  idempotency_key varchar(255),
  request_hash text,
  last_erasure bigint not null, -- an erasure after this one ends the session's photos here
  last_turn integer not null default 0, -- of its slices in the queue
  received_at timestamptz, -- null: the call is under way, or broke off
  listed_at timestamptz, -- all its photos are in job_photos
  cancelled_at timestamptz,
  ended_at timestamptz,
  problem_code text, -- why the bucket could not be listed
  problem_detail text
);
create index if not exists jobs_session_id_idx on jobs (session_id, created_at desc, id);
create index if not exists jobs_ended_at_idx on jobs (ended_at);
create unique index if not exists jobs_idempotency_key_idx on jobs (created_by, idempotency_key)
  where idempotency_key is not null and received_at is not null;

create table if not exists job_photos (
  job_id uuid not null references jobs on delete cascade,
  position integer not null,
  photo_id varchar(255) not null,
  s3_key varchar(1024) not null,
  state text not null default 'pending' check (state in ('pending', 'indexed', 'without_face', 'failed', 'cancelled')),
  faces integer,
  code text,
  detail text,
  queued_at timestamptz not null default now(),
  ended_at timestamptz,
  primary key (job_id, position),
  unique (job_id, photo_id)
);
create index if not exists job_photos_state_idx on job_photos (job_id, state, position);

-- Who had which photos indexed, and who called it off.
create or replace function note_job() returns trigger
language plpgsql security definer set search_path from current as $$
begin
  insert into audit_log (actor, action, session_id, rows_removed)
  values (coalesce(nullif(current_setting('facepass.actor', true), ''), new.created_by),
    case when new.cancelled_at is distinct from old.cancelled_at then 'cancel_job' else 'create_job' end, new.session_id, 0);
  return null;
end $$;
revoke execute on function note_job() from public;
create or replace trigger note_job after update on jobs for each row
when (old.received_at is distinct from new.received_at or old.cancelled_at is distinct from new.cancelled_at)
execute function note_job();

select facepass_queue.create_queue(name, jsonb_build_object(
    'policy', 'standard', 'retryLimit', 2147483647, 'retryDelay', 1, 'retryBackoff', true, 'retryDelayMax', 300,
    -- What waits is never dropped, however long the bucket is away; a slice whose indexer died is given to another within a minute.
    'retentionSeconds', 315360000, 'expireInSeconds', 86400, 'deleteAfterSeconds', 3600, 'heartbeatSeconds', 30))
from unnest(array['index', 'list']) name;

-- Whoever may index may have jobs: an API is not granted anew for them.
do $$
declare
  granted record;
begin
  for granted in
    select distinct acl.grantee::regrole::text as role from pg_class, aclexplode(relacl) acl
    where oid = 'sessions'::regclass and acl.privilege_type = 'INSERT' and acl.grantee not in (0, relowner)
  loop
    execute format('grant select, insert, update, delete on jobs, job_photos to %s', granted.role);
    execute format('grant usage on schema facepass_queue to %s', granted.role);
    execute format('grant select, insert, update, delete on all tables in schema facepass_queue to %s', granted.role);
  end loop;
end $$;
