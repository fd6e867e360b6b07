-- migrator: field, repeat

select * from fill_faces(:batch_rows);
