-- Lines wait a few seconds: packing and unpacking them costs more than the room.
ALTER TABLE vault.import_piece ALTER content SET STORAGE EXTERNAL;
