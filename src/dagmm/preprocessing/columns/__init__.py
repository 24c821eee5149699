"""What each kind of column becomes: numbers, text, dates, holes, identifiers."""
