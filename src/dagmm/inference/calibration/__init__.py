"""What is known of normal rows: their energies, the tail of these, a threshold from them."""
