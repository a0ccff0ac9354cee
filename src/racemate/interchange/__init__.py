"""To and from other tools: result files, scenario files."""
