"""Drawing on matplotlib axes: what notebooks show and what the report prints."""
