"""The chart's pages: storyboard, overview, timeline of all municipal services, measurements, who has read."""
