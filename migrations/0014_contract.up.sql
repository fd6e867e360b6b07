-- The older API is gone, and its table goes. Backup and quarantine stay until they are purged.
-- migrator: contract

lock table faces in share row exclusive mode;
do $$
begin
  if to_regclass('face_embeddings_backup_v1') is not null then
    execute format('alter sequence %s owned by face_embeddings_backup_v1.id', pg_get_serial_sequence('face_embeddings', 'id'));
  end if;
end $$;

-- Who may use the older table may use it again after a way back.
insert into older_grants (grantee, privilege)
select acl.grantee::regrole::text as grantee, acl.privilege_type as privilege
from pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner))) acl
where oid = 'face_embeddings'::regclass and acl.grantee <> 0 and acl.grantee <> relowner;

\ir parts/end_of_mirror.sql

drop table face_embeddings, face_embeddings_changes, photos_written;
drop function if exists seal_backup(integer);
drop function note_change(), note_photos_written(), reach_copies(), refuse_truncate(), photos_gone(text, text[]);
