-- What ends after a date, or lies above a number, whoever it is about: a unit's list is told at once when that is little or nothing.
CREATE INDEX sp_date_end ON vault.sp_date (org, param, hi);
CREATE INDEX sp_quantity_end ON vault.sp_quantity (org, param, unit, hi);
-- A code's values by their size.
CREATE INDEX sp_composite_value ON vault.sp_composite (org, param, h, lo, hi);
