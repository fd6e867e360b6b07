-- The gate before the older table goes: nothing may be in it that faces does not have.
-- migrator: contract

select refuse_differences();
