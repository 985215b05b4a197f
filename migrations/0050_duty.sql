-- A unit's duty list from now on is told anew from a file: what was planned and isn't in it is taken away.
GRANT DELETE ON access.duty TO access_core;
