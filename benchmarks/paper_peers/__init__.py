"""Methods of the paper's tables that the library does not have, written from their own papers."""
