"""The commands as a user sees them: arguments, options, help."""
