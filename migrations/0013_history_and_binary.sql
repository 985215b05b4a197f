-- The directory's history in order; a unit's and a chart's are in order by history_list and history_chart.
CREATE INDEX history_directory ON vault.history (rtype, updated DESC) WHERE patient = 0;
