-- When the demo was begun: a loader that starts again tells the same time, so that every chart belongs to one day.
ALTER TABLE demo.run ADD COLUMN now timestamptz NOT NULL DEFAULT clock_timestamp();
