-- Fills the table that 0014's way back made; what is written meanwhile, its triggers put there.
-- migrator: repeat

select * from fill_face_embeddings(:batch_rows);
