"""What is sensitive in a chart, opened by choice: with a reason, for a time, and looked at afterwards."""
