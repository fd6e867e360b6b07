-- migrator: field, repeat

select * from fill_schema_2(:batch_rows);
