-- Why a row of schema 1 cannot be one of schema 2; null: it can.
create function field_row_problem(photo_id text, session_id uuid, confidence double precision, embedding vector)
returns text language sql immutable parallel safe as $$
  select case
    when photo_id is null then 'photo_id is null'
    when session_id is null then 'session_id is null'
    when confidence is null then 'confidence is null'
    when photo_id = '' then 'photo_id is empty'
    when photo_id in ('.', '..') then 'photo_id is a dot segment, which no URL carries'
    when photo_id ~ '[\u0001-\u001f\u007f-\u009f]' then 'photo_id has control characters'
    when char_length(photo_id) > 255 then 'photo_id is longer than 255 characters'
    when confidence in ('NaN', 'Infinity', '-Infinity') then 'confidence is not finite'
    when confidence not between 0 and 1 then 'confidence is not between 0 and 1'
    when vector_norm(embedding) in ('NaN', 'Infinity') then 'embedding is not finite'
    when vector_norm(embedding) = 0 then 'embedding is zero'
  end
$$;
