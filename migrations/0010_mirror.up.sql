-- An older API goes on with face_embeddings while a newer one uses faces; each sees what the other writes and erases.
-- migrator: field

lock table face_embeddings in share row exclusive mode;

-- What came back with faces_kept may have lost photos to erasures meanwhile. A photo that stayed in it was not written
-- since, so its faces are what schema 2 held, even where the way over schema 1 brought an older duplicate to the fore.
update sessions s set photo_count = counted.photo_count, face_count = counted.face_count, model_id = counted.model_id
from (
  select k.session_id, count(distinct f.photo_id) as photo_count, count(f.photo_id) as face_count,
    case when bool_or(f.model_id = k.model_id) then k.model_id else coalesce(min(f.model_id), k.model_id) end as model_id
  from sessions k left join faces f using (session_id) group by k.session_id) counted
where s.session_id = counted.session_id
  and (s.photo_count, s.face_count, s.model_id) is distinct from (counted.photo_count, counted.face_count, counted.model_id);
delete from sessions where face_count = 0;
insert into face_embeddings as f (photo_id, session_id, embedding, confidence, created_at)
select distinct on (session_id, photo_id) photo_id, session_id, embedding::vector(:dimension), confidence, created_at from faces
where model_id = :'legacy_model_id'
order by session_id, photo_id, confidence desc, face_index
on conflict (photo_id, session_id) do update set embedding = excluded.embedding, confidence = excluded.confidence
where not same_vector(f.embedding, excluded.embedding::halfvec(:dimension));

\ir parts/mirror.sql

-- The triggers see to it from here on.
delete from face_copies where table_name = 'faces';

insert into migration_progress (step, upper_id, rows_total)
select 'fill_faces', coalesce(max(id), 0), count(*) from face_embeddings;
