-- What “migrator up” makes of an empty database; :dimension is the model pack's. Written by scripts/generate/schema.ts, checked by a test.

create table audit_log (
  id bigint not null generated always as identity,
  at timestamp with time zone not null default clock_timestamp(),
  actor text not null,
  action text not null,
  session_id character varying(255) not null,
  photo_id character varying(255),
  rows_removed bigint not null,
  constraint audit_log_pkey PRIMARY KEY (id)
);

create table erasures (
  id bigint not null generated always as identity,
  session_id character varying(255) not null,
  photo_id character varying(255),
  erased_at timestamp with time zone not null default clock_timestamp(),
  constraint erasures_pkey PRIMARY KEY (id)
);

create table face_copies (
  table_name name not null,
  kind text not null,
  schema_version integer not null,
  made_at timestamp with time zone not null default now(),
  row_count bigint not null default 0,
  content_hash numeric not null default 0,
  sealed_up_to integer not null default 0,
  max_id integer not null default 0,
  constraint face_copies_kind_check CHECK ((kind = ANY (ARRAY['backup'::text, 'quarantine'::text, 'kept'::text, 'mirror'::text]))),
  constraint face_copies_pkey PRIMARY KEY (table_name)
);

create table faces (
  session_id character varying(255) not null,
  photo_id character varying(255) not null,
  face_index integer not null,
  box real[],
  confidence real not null,
  quality real,
  model_id character varying(64) not null,
  embedding halfvec(:dimension),
  created_at timestamp with time zone not null default now(),
  other_embedding halfvec,
  constraint faces_box_check CHECK ((array_length(box, 1) = 4)),
  constraint faces_face_index_check CHECK ((face_index >= 0)),
  constraint faces_one_vector CHECK ((num_nonnulls(embedding, other_embedding) = 1)),
  constraint faces_pkey PRIMARY KEY (session_id, photo_id, face_index)
) partition by HASH (session_id);

create table job_photos (
  job_id uuid not null,
  position integer not null,
  photo_id character varying(255) not null,
  s3_key character varying(1024) not null,
  state text not null default 'pending'::text,
  faces integer,
  code text,
  detail text,
  queued_at timestamp with time zone not null default now(),
  ended_at timestamp with time zone,
  constraint job_photos_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE,
  constraint job_photos_job_id_photo_id_key UNIQUE (job_id, photo_id),
  constraint job_photos_pkey PRIMARY KEY (job_id, "position"),
  constraint job_photos_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'indexed'::text, 'without_face'::text, 'failed'::text, 'cancelled'::text])))
);

create table jobs (
  id uuid not null default gen_random_uuid(),
  session_id character varying(255) not null,
  expires_at timestamp with time zone,
  s3_prefix character varying(1024),
  listed_to character varying(1024),
  created_by text not null,
  created_at timestamp(3) with time zone not null default now(),
  idempotency_key character varying(255),
  request_hash text,
  last_erasure bigint not null,
  last_turn integer not null default 0,
  received_at timestamp with time zone,
  listed_at timestamp with time zone,
  cancelled_at timestamp with time zone,
  ended_at timestamp with time zone,
  problem_code text,
  problem_detail text,
  constraint jobs_pkey PRIMARY KEY (id)
);

create table migration_progress (
  step text not null,
  upper_id integer not null,
  last_id integer not null default 0,
  last_session_id character varying(255),
  last_photo_id character varying(255),
  rows_done bigint not null default 0,
  rows_total bigint not null,
  started_at timestamp with time zone not null default now(),
  constraint migration_progress_pkey PRIMARY KEY (step)
);

create table migration_runs (
  id bigint not null generated always as identity,
  command text not null,
  started_at timestamp with time zone not null,
  ended_at timestamp with time zone not null default clock_timestamp(),
  exit_code integer not null,
  message text,
  constraint migration_runs_pkey PRIMARY KEY (id)
);

create table older_grants (
  grantee text not null,
  privilege text not null
);

create table schema_migrations (
  id integer not null default nextval('schema_migrations_id_seq'::regclass),
  name character varying(255) not null,
  run_on timestamp without time zone not null,
  constraint schema_migrations_pkey PRIMARY KEY (id)
);

create table sessions (
  session_id character varying(255) not null,
  photo_count integer not null,
  face_count integer not null,
  last_indexed timestamp with time zone not null default now(),
  model_id character varying(64) not null,
  expires_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  constraint sessions_pkey PRIMARY KEY (session_id)
);

-- faces has 64 partitions: toast_tuple_target=8160

CREATE INDEX erasures_session_id_erased_at_idx ON public.erasures USING btree (session_id, erased_at);

CREATE INDEX faces_session_id_idx ON ONLY public.faces USING btree (session_id);

CREATE INDEX job_photos_state_idx ON public.job_photos USING btree (job_id, state, "position");

CREATE INDEX jobs_ended_at_idx ON public.jobs USING btree (ended_at);

CREATE UNIQUE INDEX jobs_idempotency_key_idx ON public.jobs USING btree (created_by, idempotency_key) WHERE ((idempotency_key IS NOT NULL) AND (received_at IS NOT NULL));

CREATE INDEX jobs_session_id_idx ON public.jobs USING btree (session_id, created_at DESC, id);

CREATE INDEX sessions_expires_at_idx ON public.sessions USING btree (expires_at) WHERE (expires_at IS NOT NULL);

CREATE OR REPLACE FUNCTION public.create_approximate_index(p_table regclass, p_name text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
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
end $function$
;
-- not executable by public

CREATE OR REPLACE FUNCTION public.erase_from_copies(p_session_id text, p_photo_ids text[], p_kinds text[] DEFAULT NULL::text[])
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
end $function$
;
-- not executable by public

CREATE OR REPLACE FUNCTION public.erase_part_of_copies(p_session_id text, p_kinds text[], p_rows bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  copy face_copies;
  session_type regtype;
  removed bigint;
  removed_sealed bigint;
  removed_hash numeric;
  total bigint := 0;
begin
  for copy in select * from face_copies c where c.kind = any(p_kinds) order by c.kind <> 'backup', c.table_name loop
    exit when total >= p_rows;
    select atttypid into session_type from pg_attribute
    where attrelid = copy.table_name::regclass and attname = 'session_id';
    if copy.kind = 'backup' then
      select c.sealed_up_to into copy.sealed_up_to from face_copies c where c.table_name = copy.table_name for no key update;
    end if;
    continue when session_type = 'uuid'::regtype
      and (not pg_input_is_valid(p_session_id, 'uuid') or p_session_id::uuid::text <> p_session_id);
    -- Partitions number their rows each for itself; a session is in one of them.
    execute format(
      'with removed as (
         delete from %1$I where session_id = $1::%2$s and ctid = any(array(select ctid from %1$I where session_id = $1::%2$s limit $2)) returning *)
       select count(*), %3$s from removed',
      copy.table_name, session_type,
      case when copy.kind = 'backup' then
        'count(*) filter (where id <= $3), coalesce(sum(field_row_hash(id, face_id, photo_id, event_id, session_id, embedding, confidence, created_at)) filter (where id <= $3), 0)'
      else '0, 0' end)
    into removed, removed_sealed, removed_hash using p_session_id, p_rows - total, copy.sealed_up_to;
    total := total + removed;
    if removed_sealed > 0 then
      update face_copies c set row_count = c.row_count - removed_sealed, content_hash = c.content_hash - removed_hash
      where c.table_name = copy.table_name;
    end if;
  end loop;
  return total;
end $function$
;
-- not executable by public

CREATE OR REPLACE FUNCTION public.erase_photo(p_session_id text, p_photo_id text, p_actor text)
 RETURNS TABLE(photos bigint, faces bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  removed_from_copies bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended(p_session_id, 7));
  perform set_config('facepass.triggers', 'off', true);
  with removed as (
    delete from faces f where f.session_id = p_session_id and f.photo_id = p_photo_id returning f.photo_id)
  select count(distinct removed.photo_id), count(*) into photos, faces from removed;
  update sessions s set photo_count = s.photo_count - erase_photo.photos, face_count = s.face_count - erase_photo.faces
  where s.session_id = p_session_id and erase_photo.photos > 0;
  delete from sessions s where s.session_id = p_session_id and s.photo_count = 0;
  removed_from_copies := erase_from_copies(p_session_id, array[p_photo_id]);
  insert into erasures (session_id, photo_id) values (p_session_id, p_photo_id);
  insert into audit_log (actor, action, session_id, photo_id, rows_removed)
  values (p_actor, 'erase_photo', p_session_id, p_photo_id, faces + removed_from_copies);
  perform set_config('facepass.triggers', '', true);
  return next;
end $function$
;
-- not executable by public

CREATE OR REPLACE FUNCTION public.erase_session(p_session_id text, p_actor text)
 RETURNS TABLE(photos bigint, faces bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  removed_from_copies bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended(p_session_id, 7));
  perform set_config('facepass.triggers', 'off', true);
  with removed as (delete from faces f where f.session_id = p_session_id returning f.photo_id)
  select count(distinct removed.photo_id), count(*) into photos, faces from removed;
  delete from sessions s where s.session_id = p_session_id;
  removed_from_copies := erase_from_copies(p_session_id, null);
  insert into erasures (session_id) values (p_session_id);
  insert into audit_log (actor, action, session_id, rows_removed)
  values (p_actor, 'erase_session', p_session_id, faces + removed_from_copies);
  perform set_config('facepass.triggers', '', true);
  return next;
end $function$
;
-- not executable by public

CREATE OR REPLACE FUNCTION public.erase_session_part(p_session_id text, p_actor text, p_stage text, p_rows integer)
 RETURNS TABLE(done boolean, photos bigint, faces bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  photos_of_part text[];
  removed bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended(p_session_id, 7));
  done := true; photos := 0; faces := 0;
  if p_stage = 'asked' then
    insert into erasures (session_id) values (p_session_id);
  end if;
  if p_stage in ('asked', 'expired') then
    insert into sessions as s (session_id, photo_count, face_count, model_id, expires_at)
    values (p_session_id, 0, 0, '', '-infinity')
    on conflict (session_id) do update set expires_at = '-infinity';
  elsif not exists (select from sessions s where s.session_id = p_session_id and s.expires_at = '-infinity') then
    return next;
    return;
  end if;
  perform set_config('facepass.triggers', 'off', true);
  removed := erase_part_of_copies(p_session_id, array['backup', 'quarantine', 'kept'], p_rows);
  if removed < p_rows then
    photos_of_part := array(select distinct next.photo_id from (
      select f.photo_id from faces f where f.session_id = p_session_id order by f.photo_id limit p_rows - removed) next);
    with gone as (
      delete from faces f where f.session_id = p_session_id and f.photo_id = any(photos_of_part) returning f.photo_id)
    select count(distinct gone.photo_id), count(*) into photos, faces from gone;
    update sessions s set photo_count = s.photo_count - erase_session_part.photos, face_count = s.face_count - erase_session_part.faces
    where s.session_id = p_session_id;
    removed := removed + faces + erase_from_copies(p_session_id, photos_of_part);
  end if;
  if removed < p_rows then
    removed := removed + erase_part_of_copies(p_session_id, array['mirror'], p_rows - removed);
  end if;
  done := removed < p_rows;
  if done then
    delete from sessions s where s.session_id = p_session_id;
  end if;
  if removed > 0 or p_stage <> 'more' then
    insert into audit_log (actor, action, session_id, rows_removed) values (p_actor, 'erase_session', p_session_id, removed);
  end if;
  perform set_config('facepass.triggers', '', true);
  return next;
end $function$
;
-- not executable by public

CREATE OR REPLACE FUNCTION public.field_row_hash(id integer, face_id integer, photo_id text, event_id integer, session_id uuid, embedding vector, confidence double precision, created_at timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select ('x' || substr(md5(jsonb_build_array(
    id, face_id, photo_id, event_id, session_id, md5(vector_send(embedding)),
    encode(float8send(confidence), 'hex'), encode(timestamptz_send(created_at), 'hex')
  )::text), 1, 15))::bit(60)::bigint
$function$
;

CREATE OR REPLACE FUNCTION public.move_grants(p_from regclass, p_to regclass)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
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
end $function$
;
-- not executable by public

CREATE OR REPLACE FUNCTION public.normalised(embedding vector)
 RETURNS vector
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case when abs(vector_norm(embedding) - 1) <= 1e-6 then embedding else l2_normalize(embedding) end
$function$
;

CREATE OR REPLACE FUNCTION public.note_job()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
begin
  insert into audit_log (actor, action, session_id, rows_removed)
  values (coalesce(nullif(current_setting('facepass.actor', true), ''), new.created_by),
    case when new.cancelled_at is distinct from old.cancelled_at then 'cancel_job' else 'create_job' end, new.session_id, 0);
  return null;
end $function$
;
-- not executable by public

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $function$
;

CREATE OR REPLACE FUNCTION public.same_vector(embedding vector, stored halfvec)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select normalised(embedding)::halfvec <-> stored < 0.002
$function$
;

CREATE OR REPLACE FUNCTION public.schema_version()
 RETURNS integer
 LANGUAGE sql
 STABLE
AS $function$select 3$function$
;

CREATE TRIGGER audit_log_is_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER note_job AFTER UPDATE ON public.jobs FOR EACH ROW WHEN (((old.received_at IS DISTINCT FROM new.received_at) OR (old.cancelled_at IS DISTINCT FROM new.cancelled_at))) EXECUTE FUNCTION note_job();
